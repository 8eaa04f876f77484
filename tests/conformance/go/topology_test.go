// SPDX-License-Identifier: GPL-2.0-or-later

package conformance

import (
	"testing"

	"github.com/heketi/heketi/pkg/glusterfs/api"
)

func TestCluster(t *testing.T) {
	c := admin()
	t.Cleanup(func() { empty(t, c) })
	list, err := c.ClusterList()
	must(t, err)
	same(t, "an empty list", list.Clusters, []string{})

	var ids []string
	for _, f := range [][2]bool{{true, true}, {false, true}, {true, false},
		{false, false}} {
		made, err := c.ClusterCreate(flags(f[0], f[1]))
		must(t, err)
		same(t, "flags", [2]bool{made.Block, made.File}, f)
		info, err := c.ClusterInfo(made.Id)
		must(t, err)
		same(t, "info of what was created", info, made)
		if info.Nodes == nil || info.Volumes == nil || info.BlockVolumes == nil {
			t.Errorf("lists are null: %+v", info)
		}
		ids = append(ids, made.Id)
	}
	list, err = c.ClusterList()
	must(t, err)
	same(t, "the list", sorted(list.Clusters), sorted(ids))

	set := &api.ClusterSetFlagsRequest{}
	set.File = true
	must(t, c.ClusterSetFlags(ids[0], set))
	info, err := c.ClusterInfo(ids[0])
	must(t, err)
	same(t, "flags that were set", info.ClusterFlags, set.ClusterFlags)
	refused(t, "flags of no cluster", c.ClusterSetFlags(unknown, set),
		"Id not found")

	_, err = c.ClusterInfo(unknown)
	refused(t, "info of no cluster", err, "Id not found")
	_, err = c.ClusterInfo("bad")
	refused(t, "an id that is hexadecimal", err, "Id not found")
	_, err = c.ClusterInfo("nothex")
	refused(t, "an id that is none", err, "Invalid path or request")
	refused(t, "no cluster", c.ClusterDelete(unknown), "Id not found")
	for _, id := range ids {
		must(t, c.ClusterDelete(id))
	}
	list, err = c.ClusterList()
	must(t, err)
	same(t, "empty again", list.Clusters, []string{})
}

func TestNode(t *testing.T) {
	c := admin()
	t.Cleanup(func() { empty(t, c) })
	cluster, err := c.ClusterCreate(flags(true, true))
	must(t, err)
	good := nodeRequest(cluster.Id, 1)
	good.Tags = map[string]string{"rack": "7"}
	made, err := c.NodeAdd(good)
	must(t, err)
	same(t, "what was asked for", made.NodeAddRequest, *good)
	same(t, "its state", made.State, api.EntryStateOnline)
	if made.DevicesInfo == nil || len(made.DevicesInfo) != 0 {
		t.Errorf("devices of a new node: %#v", made.DevicesInfo)
	}
	info, err := c.NodeInfo(made.Id)
	must(t, err)
	same(t, "info of what was created", info, made)
	of, err := c.ClusterInfo(cluster.Id)
	must(t, err)
	same(t, "the cluster's nodes", []string(of.Nodes), []string{made.Id})
	refused(t, "a cluster with nodes", c.ClusterDelete(cluster.Id),
		"Unable to delete cluster ["+cluster.Id+
			"] because it contains volumes and/or nodes")
	badNodes(t, good, made.Id)

	bare, err := c.NodeAdd(nodeRequest(cluster.Id, 2))
	must(t, err)
	if bare.Tags != nil {
		t.Errorf("tags that nobody gave: %#v", bare.Tags)
	}
	must(t, c.NodeDelete(bare.Id))
	_, err = c.NodeInfo(bare.Id)
	refused(t, "a node that is gone", err, "Id not found")
	refused(t, "a node that is gone", c.NodeDelete(bare.Id), "Id not found")

	addDevice(t, c, made.Id, "/dev/sdb")
	refused(t, "a node with devices", c.NodeDelete(made.Id),
		"Unable to delete node ["+made.Id+"] because it contains devices")
}

func badNodes(t *testing.T, good *api.NodeAddRequest, id string) {
	c := admin()
	for _, x := range []struct {
		change func(r *api.NodeAddRequest)
		text   string
	}{
		{func(r *api.NodeAddRequest) { r.Zone = 0 },
			"validation failed: zone: cannot be blank."},
		{func(r *api.NodeAddRequest) { r.Zone = -2 },
			"validation failed: zone: must be no less than 1."},
		{func(r *api.NodeAddRequest) { r.Hostnames.Manage = nil },
			"validation failed: hostnames: (manage: cannot be blank.)."},
		{func(r *api.NodeAddRequest) { r.Hostnames.Manage[0] = "a b" },
			"validation failed: hostnames: (manage: [a b] is not a valid manage hostname.)."},
		{func(r *api.NodeAddRequest) { r.Hostnames.Storage[0] = "$(id)" },
			"validation failed: hostnames: (storage: [$(id)] is not a valid storage hostname.)."},
		{func(r *api.NodeAddRequest) { r.ClusterId = "123" },
			"validation failed: cluster: 123 is not a valid UUID."},
		{func(r *api.NodeAddRequest) { r.ClusterId = unknown },
			"Cluster id does not exist"},
		{func(r *api.NodeAddRequest) {},
			"Hostname manage1 already used by node with id " + id},
		{func(r *api.NodeAddRequest) { r.Hostnames.Manage[0] = "other" },
			"Hostname storage1 already used by node with id " + id},
	} {
		r := nodeRequest(good.ClusterId, 1)
		x.change(r)
		_, err := c.NodeAdd(r)
		refused(t, "a bad node", err, x.text)
	}
}

func TestNodeState(t *testing.T) {
	c := admin()
	w := topology(t, c, 4, 1)
	set := func(s api.EntryState) error {
		return c.NodeState(w.nodes[0], &api.StateRequest{State: s})
	}
	state := func() api.EntryState {
		n, err := c.NodeInfo(w.nodes[0])
		must(t, err)
		return n.State
	}
	refused(t, "removal of an online node", set(api.EntryStateFailed),
		"Node must be offline before remove operation is performed, node:"+
			w.nodes[0])
	must(t, set(api.EntryStateOffline))
	same(t, "state", state(), api.EntryStateOffline)
	d, err := c.DeviceInfo(w.devices[0])
	must(t, err)
	same(t, "its device's state", d.State, api.EntryStateOnline)
	must(t, set(api.EntryStateOnline))
	same(t, "state", state(), api.EntryStateOnline)
	refused(t, "a bad state", set("wonderful"),
		"validation failed: state: wonderful is not valid state.")
	refused(t, "no state", set(""), "validation failed: state: cannot be blank.")
	refused(t, "no node", c.NodeState(unknown, &api.StateRequest{
		State: api.EntryStateOffline}), "Id not found")

	v, err := c.VolumeCreate(replica(4, 3))
	must(t, err)
	must(t, set(api.EntryStateOffline))
	must(t, set(api.EntryStateFailed))
	same(t, "state", state(), api.EntryStateFailed)
	v, err = c.VolumeInfo(v.Id)
	must(t, err)
	for _, b := range v.Bricks {
		if b.NodeId == w.nodes[0] {
			t.Errorf("a brick is left on a removed node: %+v", b)
		}
	}
	refused(t, "back online", set(api.EntryStateOnline),
		"Cannot move a failed/removed node to online state")
	refused(t, "back offline", set(api.EntryStateOffline),
		"Cannot move a failed/removed node to offline state")
}

func TestTags(t *testing.T) {
	c := admin()
	w := topology(t, c, 1, 1)
	node := func() map[string]string {
		n, err := c.NodeInfo(w.nodes[0])
		must(t, err)
		return n.Tags
	}
	device := func() map[string]string {
		d, err := c.DeviceInfo(w.devices[0])
		must(t, err)
		return d.Tags
	}
	for _, x := range []struct {
		set func(id string, r *api.TagsChangeRequest) error
		get func() map[string]string
		id  string
	}{{c.NodeSetTags, node, w.nodes[0]}, {c.DeviceSetTags, device, w.devices[0]}} {
		change := func(how api.TagsChangeType, tags map[string]string) error {
			return x.set(x.id, &api.TagsChangeRequest{Tags: tags, Change: how})
		}
		if x.get() != nil {
			t.Errorf("tags that nobody gave: %#v", x.get())
		}
		must(t, change(api.SetTags, map[string]string{"a": "1", "b": "2"}))
		same(t, "set", x.get(), map[string]string{"a": "1", "b": "2"})
		must(t, change(api.UpdateTags, map[string]string{"b": "", "c": "ä"}))
		same(t, "updated", x.get(), map[string]string{"a": "1", "b": "", "c": "ä"})
		must(t, change(api.DeleteTags, map[string]string{"a": "", "x": "y"}))
		same(t, "some deleted", x.get(), map[string]string{"b": "", "c": "ä"})
		refused(t, "an unknown change", change("sometimes", nil),
			"validation failed: change_type: must be a valid value.")
		refused(t, "no change", change("", nil),
			"validation failed: change_type: cannot be blank.")
		refused(t, "a bad name", change(api.SetTags,
			map[string]string{"a b": ""}),
			"validation failed: tags: invalid characters in tag name a b.")
		same(t, "untouched", x.get(), map[string]string{"b": "", "c": "ä"})
		must(t, change(api.SetTags, map[string]string{}))
		if x.get() != nil {
			t.Errorf("tags that were removed: %#v", x.get())
		}
		refused(t, "no such thing", x.set(unknown, &api.TagsChangeRequest{
			Change: api.SetTags}), "Id not found")
	}
}

func TestDevice(t *testing.T) {
	c := admin()
	w := topology(t, c, 4, 1)
	info, err := c.DeviceInfo(w.devices[0])
	must(t, err)
	same(t, "size", info.Storage, api.StorageSize{Total: 524288000,
		Free: 524288000})
	same(t, "name", info.Name, "/dev/sdb")
	node, err := c.NodeInfo(w.nodes[0])
	must(t, err)
	same(t, "the same in its node", node.DevicesInfo[0], *info)
	if info.Bricks == nil {
		t.Error("bricks are null")
	}
	badDevices(t, w)

	v, err := c.VolumeCreate(replica(10, 3))
	must(t, err)
	id := v.Bricks[0].DeviceId
	info, err = c.DeviceInfo(id)
	must(t, err)
	same(t, "its brick", info.Bricks, []api.BrickInfo{v.Bricks[0]})
	same(t, "used and free", info.Storage.Used+info.Storage.Free,
		info.Storage.Total)
	must(t, c.DeviceResync(id))
	again, err := c.DeviceInfo(id)
	must(t, err)
	same(t, "a resync changes nothing", again, info)
	refused(t, "resync of nothing", c.DeviceResync(unknown), "Id not found")
	moved(t, w, v, id)
	must(t, c.VolumeDelete(v.Id))
	for _, d := range w.devices {
		if d == id {
			continue
		}
		must(t, c.DeviceResync(d))
		info, err = c.DeviceInfo(d)
		must(t, err)
		same(t, "all of it is free", info.Storage, api.StorageSize{
			Total: 524288000, Free: 524288000})
	}
}

func badDevices(t *testing.T, w world) {
	c := admin()
	for _, x := range []struct{ node, name, text string }{
		{w.nodes[0], "", "validation failed: name: cannot be blank."},
		{w.nodes[0], "sdb", "validation failed: name: must be in a valid format."},
		{"", "/dev/sdc", "validation failed: node: cannot be blank."},
		{"x", "/dev/sdc", "validation failed: node: x is not a valid UUID."},
		{unknown, "/dev/sdc", "Node id does not exist"},
	} {
		r := &api.DeviceAddRequest{NodeId: x.node}
		r.Name = x.name
		refused(t, "a bad device", c.DeviceAdd(r), x.text)
	}
	_, err := c.DeviceInfo(unknown)
	refused(t, "no device", err, "Id not found")
	refused(t, "no device", c.DeviceDelete(unknown), "Id not found")
	refused(t, "an online device", c.DeviceDelete(w.devices[0]),
		"device: "+w.devices[0]+" is not in failed state")
}

// moved takes a device out of service while a volume has a brick there.
func moved(t *testing.T, w world, v *api.VolumeInfoResponse, id string) {
	c := admin()
	set := func(s api.EntryState) error {
		return c.DeviceState(id, &api.StateRequest{State: s})
	}
	refused(t, "removal of an online device", set(api.EntryStateFailed),
		"Device must be offline before remove operation is performed, device:"+id)
	must(t, set(api.EntryStateOffline))
	must(t, set(api.EntryStateOnline))
	must(t, set(api.EntryStateOffline))
	must(t, set(api.EntryStateFailed))
	info, err := c.DeviceInfo(id)
	must(t, err)
	same(t, "state", info.State, api.EntryStateFailed)
	same(t, "no bricks", info.Bricks, []api.BrickInfo{})
	after, err := c.VolumeInfo(v.Id)
	must(t, err)
	same(t, "as many bricks", len(after.Bricks), len(v.Bricks))
	for _, b := range after.Bricks {
		if b.DeviceId == id {
			t.Errorf("a brick is left on a removed device: %+v", b)
		}
	}
	refused(t, "back online", set(api.EntryStateOnline),
		"Cannot move a failed/removed device to online state")
	must(t, set(api.EntryStateOffline))
	must(t, set(api.EntryStateFailed))

	// Three devices are left for three bricks.
	other := after.Bricks[0].DeviceId
	must(t, c.DeviceState(other, &api.StateRequest{
		State: api.EntryStateOffline}))
	refusedWith(t, "nowhere to go", c.DeviceState(other, &api.StateRequest{
		State: api.EntryStateFailed}),
		"No Replacement was found for resource requested to be removed")
	must(t, c.DeviceState(other, &api.StateRequest{
		State: api.EntryStateOnline}))

	must(t, c.DeviceDeleteWithOptions(id,
		&api.DeviceDeleteOptions{ForceForget: true}))
	_, err = c.DeviceInfo(id)
	refused(t, "a device that is gone", err, "Id not found")
}

func TestTopology(t *testing.T) {
	c := admin()
	w := topology(t, c, 3, 2)
	v, err := c.VolumeCreate(replica(1, 3))
	must(t, err)
	top, err := c.TopologyInfo()
	must(t, err)
	same(t, "clusters", len(top.ClusterList), 1)
	got := top.ClusterList[0]
	same(t, "id", got.Id, w.cluster)
	same(t, "nodes", len(got.Nodes), 3)
	same(t, "volumes", got.Volumes, []api.VolumeInfoResponse{*v})
	for _, n := range got.Nodes {
		same(t, "devices", len(n.DevicesInfo), 2)
	}
}
