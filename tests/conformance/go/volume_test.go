// SPDX-License-Identifier: GPL-2.0-or-later

package conformance

import (
	"strings"
	"testing"

	"github.com/heketi/heketi/pkg/glusterfs/api"
)

func TestVolumeDurabilities(t *testing.T) {
	c := admin()
	topology(t, c, 6, 2)
	ec := func(data, redundancy int) *api.VolumeCreateRequest {
		r := volumeRequest(12, api.DurabilityEC)
		r.Durability.Disperse.Data = data
		r.Durability.Disperse.Redundancy = redundancy
		return r
	}
	bare := volumeRequest(5, "")
	full := replica(5, 3)
	full.Name = "full-of_things"
	full.Gid = 4711
	full.GlusterVolumeOptions = []string{"nfs.disable on",
		"performance.readdir-ahead off"}
	full.Snapshot.Enable = true
	full.Snapshot.Factor = 1.5
	var ids []string
	for _, x := range []struct {
		request *api.VolumeCreateRequest
		bricks  int
		kib     uint64
	}{
		{bare, 1, 5 << 20},
		{volumeRequest(5, api.DurabilityDistributeOnly), 1, 5 << 20},
		{volumeRequest(5, api.DurabilityReplicate), 2, 5 << 20},
		{replica(5, 1), 1, 5 << 20},
		{replica(5, 2), 2, 5 << 20},
		{replica(5, 3), 3, 5 << 20},
		{replica(600, 3), 6, 300 << 20},
		{ec(2, 1), 3, 6 << 20},
		{ec(4, 2), 6, 3 << 20},
		{full, 3, 5 << 20},
	} {
		v, err := c.VolumeCreate(x.request)
		must(t, err)
		same(t, "size", v.Size, x.request.Size)
		same(t, "bricks", len(v.Bricks), x.bricks)
		for _, b := range v.Bricks {
			same(t, "a brick's size", b.Size, x.kib)
			same(t, "a brick's volume", b.VolumeId, v.Id)
		}
		echoed(t, x.request, v)
		info, err := c.VolumeInfo(v.Id)
		must(t, err)
		same(t, "info of what was created", info, v)
		ids = append(ids, v.Id)
	}
	list, err := c.VolumeList()
	must(t, err)
	same(t, "the list", sorted(list.Volumes), sorted(ids))
	info, err := c.ClusterInfo(clusterOf(t, ids[0]))
	must(t, err)
	same(t, "the cluster's list", []string(info.Volumes), sorted(ids))
}

func clusterOf(t *testing.T, volume string) string {
	t.Helper()
	v, err := admin().VolumeInfo(volume)
	must(t, err)
	return v.Cluster
}

func echoed(t *testing.T, r *api.VolumeCreateRequest, v *api.VolumeInfoResponse) {
	t.Helper()
	want := r.Durability
	if want.Type == "" {
		want.Type = api.DurabilityDistributeOnly
	}
	same(t, "durability as asked for", v.Durability, want)
	same(t, "gid", v.Gid, r.Gid)
	name := r.Name
	if name == "" {
		name = "vol_" + v.Id
	}
	same(t, "name", v.Name, name)
	same(t, "snapshot", v.Snapshot.Enable, r.Snapshot.Enable)
	if r.Snapshot.Enable {
		same(t, "snapshot factor", v.Snapshot.Factor, r.Snapshot.Factor)
	} else {
		same(t, "snapshot factor", v.Snapshot.Factor, float32(1))
	}
	if len(r.GlusterVolumeOptions) > 0 {
		same(t, "options, with what comes before and after",
			v.GlusterVolumeOptions,
			append(append([]string{""}, r.GlusterVolumeOptions...), ""))
	}
	mount := v.Mount.GlusterFS
	same(t, "mount device", mount.MountPoint, mount.Hosts[0]+":"+name)
	same(t, "other hosts", mount.Options["backup-volfile-servers"],
		strings.Join(mount.Hosts[1:], ","))
	if r.Clusters == nil && v.Clusters != nil {
		t.Errorf("clusters: %#v", v.Clusters)
	}
}

func TestVolumeLife(t *testing.T) {
	c := admin()
	w := topology(t, c, 3, 2)
	r := replica(10, 3)
	r.Clusters = []string{w.cluster}
	r.Name = "life"
	v, err := c.VolumeCreate(r)
	must(t, err)
	same(t, "cluster", v.Cluster, w.cluster)
	refusedWith(t, "the cluster", c.ClusterDelete(w.cluster),
		"because it contains volumes and/or nodes")
	_, err = c.VolumeCreate(r)
	refused(t, "the same name", err, "Failed to allocate new volume: "+
		"Volume name 'life' already in use")

	more, err := c.VolumeExpand(v.Id, &api.VolumeExpandRequest{Size: 7})
	must(t, err)
	same(t, "size", more.Size, 17)
	same(t, "bricks", len(more.Bricks), 6)
	info, err := c.VolumeInfo(v.Id)
	must(t, err)
	same(t, "info of what was expanded", info, more)
	_, err = c.VolumeExpand(v.Id, &api.VolumeExpandRequest{})
	refused(t, "expand by nothing", err,
		"validation failed: expand_size: cannot be blank.")
	_, err = c.VolumeExpand(v.Id, &api.VolumeExpandRequest{Size: -1})
	refused(t, "shrink", err,
		"validation failed: expand_size: must be no less than 1.")
	_, err = c.VolumeExpand(unknown, &api.VolumeExpandRequest{Size: 1})
	refused(t, "nothing to expand", err, "Id not found")
	_, err = c.VolumeExpand(v.Id, &api.VolumeExpandRequest{Size: 100000})
	refusedWith(t, "too much", err, "Failed to allocate volume expansion: ")

	must(t, c.VolumeDelete(v.Id))
	refused(t, "gone", c.VolumeDelete(v.Id), "Id not found")
	_, err = c.VolumeInfo(v.Id)
	refused(t, "gone", err, "Id not found")
	list, err := c.VolumeList()
	must(t, err)
	same(t, "an empty list", list.Volumes, []string{})
	for _, id := range w.devices {
		d, err := c.DeviceInfo(id)
		must(t, err)
		same(t, "space given back", d.Storage.Free, d.Storage.Total)
	}
}

func TestVolumeRefusals(t *testing.T) {
	c := admin()
	_, err := c.VolumeCreate(replica(1, 3))
	refused(t, "no cluster", err, "No clusters configured")
	topology(t, c, 3, 1)
	for _, x := range []struct {
		change func(r *api.VolumeCreateRequest)
		text   string
	}{
		{func(r *api.VolumeCreateRequest) { r.Size = 0 },
			"validation failed: size: cannot be blank."},
		{func(r *api.VolumeCreateRequest) { r.Size = -1 },
			"validation failed: size: must be no less than 1."},
		{func(r *api.VolumeCreateRequest) { r.Name = "a b" },
			"validation failed: name: must be in a valid format."},
		{func(r *api.VolumeCreateRequest) { r.Durability.Type = "magic" },
			"Unknown durability type"},
		{func(r *api.VolumeCreateRequest) { r.Durability.Replicate.Replica = 4 },
			"Invalid replica value"},
		{func(r *api.VolumeCreateRequest) {
			r.Durability.Type = api.DurabilityEC
			r.Durability.Disperse.Data = 3
			r.Durability.Disperse.Redundancy = 1
		}, "Invalid dispersion combination: 3+1"},
		{func(r *api.VolumeCreateRequest) { r.Snapshot.Enable = true },
			"Invalid snapshot factor"},
		{func(r *api.VolumeCreateRequest) {
			r.Snapshot.Enable = true
			r.Snapshot.Factor = 101
		}, "Invalid snapshot factor"},
		{func(r *api.VolumeCreateRequest) { r.Clusters = []string{"bad"} },
			"Cluster id bad not found"},
		{func(r *api.VolumeCreateRequest) { r.Gid = -1 },
			"Bad group id less than zero"},
		{func(r *api.VolumeCreateRequest) { r.Gid = 2147483647 },
			"Bad group id equal or greater than 2**32"},
		{func(r *api.VolumeCreateRequest) {
			r.Size = 2
			r.Durability.Type = api.DurabilityEC
			r.Durability.Disperse.Data = 4
			r.Durability.Disperse.Redundancy = 2
		}, "Requested volume size (2 GB) is smaller than the minimum supported volume size (4194304)"},
		{func(r *api.VolumeCreateRequest) { r.Size = 100000 },
			"Failed to allocate new volume: No space"},
	} {
		r := replica(1, 3)
		x.change(r)
		_, err := c.VolumeCreate(r)
		refused(t, "a bad volume", err, x.text)
	}
	list, err := c.VolumeList()
	must(t, err)
	same(t, "nothing was made", list.Volumes, []string{})
}

func TestVolumeClone(t *testing.T) {
	c := admin()
	topology(t, c, 3, 2)
	r := replica(10, 3)
	r.Snapshot.Enable = true
	r.Snapshot.Factor = 2
	r.GlusterVolumeOptions = []string{"nfs.disable on"}
	v, err := c.VolumeCreate(r)
	must(t, err)
	clone, err := c.VolumeClone(v.Id, &api.VolumeCloneRequest{Name: "copy"})
	must(t, err)
	same(t, "name", clone.Name, "copy")
	same(t, "size", clone.Size, v.Size)
	same(t, "durability", clone.Durability, v.Durability)
	same(t, "options", clone.GlusterVolumeOptions, v.GlusterVolumeOptions)
	same(t, "bricks", len(clone.Bricks), 3)
	info, err := c.VolumeInfo(clone.Id)
	must(t, err)
	same(t, "info of the clone", info, clone)
	second, err := c.VolumeClone(v.Id, &api.VolumeCloneRequest{})
	must(t, err)
	same(t, "default name", second.Name, "vol_"+second.Id)
	_, err = c.VolumeClone(unknown, &api.VolumeCloneRequest{})
	refused(t, "a clone of nothing", err, "Id not found")
	_, err = c.VolumeClone(v.Id, &api.VolumeCloneRequest{Name: "a/b"})
	refused(t, "a bad name", err,
		"validation failed: name: must be in a valid format.")
	must(t, c.VolumeDelete(clone.Id))
	must(t, c.VolumeDelete(second.Id))
	must(t, c.VolumeDelete(v.Id))

	host := volumeRequest(100, api.DurabilityReplicate)
	host.Block = true
	h, err := c.VolumeCreate(host)
	must(t, err)
	_, err = c.VolumeClone(h.Id, &api.VolumeCloneRequest{})
	refused(t, "a block hosting volume", err, "Failed clone volume "+h.Id+
		": Cloning of block hosting volumes is not supported")
}

func TestBlockVolumes(t *testing.T) {
	c := admin()
	topology(t, c, 3, 2)
	list, err := c.BlockVolumeList()
	must(t, err)
	same(t, "an empty list", list.BlockVolumes, []string{})
	host := replica(100, 3)
	host.Block = true
	h, err := c.VolumeCreate(host)
	must(t, err)
	same(t, "free and reserved", [2]int{h.BlockInfo.FreeSize,
		h.BlockInfo.ReservedSize}, [2]int{98, 2})
	v, err := c.BlockVolumeCreate(&api.BlockVolumeCreateRequest{Size: 10,
		Name: "disk", Hacount: 2, Auth: true})
	must(t, err)
	same(t, "name", v.Name, "disk")
	same(t, "hosts", len(v.BlockVolume.Hosts), 2)
	same(t, "hosting volume", v.BlockHostingVolume, h.Id)
	if v.BlockVolume.Iqn == "" || v.BlockVolume.Username == "" ||
		v.BlockVolume.Password == "" {
		t.Errorf("no way to log in: %+v", v.BlockVolume)
	}
	info, err := c.BlockVolumeInfo(v.Id)
	must(t, err)
	same(t, "info of what was created", info, v)
	plain, err := c.BlockVolumeCreate(&api.BlockVolumeCreateRequest{Size: 5})
	must(t, err)
	same(t, "default name", plain.Name, "blockvol_"+plain.Id)
	same(t, "all hosts", plain.Hacount, 3)
	list, err = c.BlockVolumeList()
	must(t, err)
	same(t, "the list", sorted(list.BlockVolumes), sorted([]string{v.Id, plain.Id}))
	h, err = c.VolumeInfo(h.Id)
	must(t, err)
	same(t, "free", h.BlockInfo.FreeSize, 83)
	same(t, "its block volumes", []string(h.BlockInfo.BlockVolumes),
		sorted([]string{v.Id, plain.Id}))
	of, err := c.ClusterInfo(h.Cluster)
	must(t, err)
	same(t, "the cluster's", []string(of.BlockVolumes),
		sorted([]string{v.Id, plain.Id}))
	refused(t, "a hosting volume in use", c.VolumeDelete(h.Id),
		"Cannot delete a block hosting volume containing block volumes")
	expandedBlock(t, v.Id)
	restricted(t, h.Id)

	_, err = c.BlockVolumeCreate(&api.BlockVolumeCreateRequest{})
	refused(t, "no size", err, "validation failed: size: cannot be blank.")
	_, err = c.BlockVolumeCreate(&api.BlockVolumeCreateRequest{Size: 1,
		Clusters: []string{"bad"}})
	refused(t, "no such cluster", err, "Cluster id bad not found")
	_, err = c.BlockVolumeInfo(unknown)
	refused(t, "nothing", err, "Id not found")
	refused(t, "nothing", c.BlockVolumeDelete(unknown), "Id not found")
	must(t, c.BlockVolumeDelete(v.Id))
	must(t, c.BlockVolumeDelete(plain.Id))
	h, err = c.VolumeInfo(h.Id)
	must(t, err)
	same(t, "free again", h.BlockInfo.FreeSize, 98)
}

// expandedBlock: the published client is older than this route.
func expandedBlock(t *testing.T, id string) {
	r, body, err := call("POST", "/blockvolumes/"+id+"/expand",
		map[string]int{"new_size": 15})
	must(t, err)
	same(t, "expand: "+body, r.StatusCode, 200)
	info, err := admin().BlockVolumeInfo(id)
	must(t, err)
	same(t, "size", info.Size, 15)
	r, body, err = call("POST", "/blockvolumes/"+id+"/expand",
		map[string]int{"new_size": 3})
	must(t, err)
	same(t, "shrink", body, "Failed to allocate block volume expansion: "+
		"Requested new-size 3 is less than current block volume size 15, "+
		"shrinking is not allowed.\n")
	same(t, "shrink", r.StatusCode, 500)
}

func restricted(t *testing.T, host string) {
	c := admin()
	locked, err := c.VolumeSetBlockRestriction(host,
		&api.VolumeBlockRestrictionRequest{Restriction: api.Locked})
	must(t, err)
	same(t, "restriction", locked.BlockInfo.Restriction, api.Locked)
	_, err = c.BlockVolumeCreate(&api.BlockVolumeCreateRequest{Size: 1})
	refusedWith(t, "no hosting volume is open", err,
		"Failed to allocate new block volume: ")
	_, err = c.VolumeSetBlockRestriction(host,
		&api.VolumeBlockRestrictionRequest{Restriction: api.LockedByUpdate})
	refused(t, "what only the server may set", err,
		"validation failed: restriction: must be a valid value.")
	open, err := c.VolumeSetBlockRestriction(host,
		&api.VolumeBlockRestrictionRequest{Restriction: api.Unrestricted})
	must(t, err)
	same(t, "restriction", open.BlockInfo.Restriction, api.Unrestricted)
	file, err := c.VolumeCreate(replica(1, 3))
	must(t, err)
	_, err = c.VolumeSetBlockRestriction(file.Id,
		&api.VolumeBlockRestrictionRequest{Restriction: api.Locked})
	refused(t, "not a hosting volume", err, "Failed to set block restriction: "+
		"Block restrictions can only be set on block hosting volumes")
	_, err = c.VolumeSetBlockRestriction(unknown,
		&api.VolumeBlockRestrictionRequest{Restriction: api.Locked})
	refused(t, "nothing", err, "Id not found")
	must(t, c.VolumeDelete(file.Id))
}

// TestBrickEvict: the published client is older than this route.
func TestBrickEvict(t *testing.T) {
	c := admin()
	topology(t, c, 4, 1)
	v, err := c.VolumeCreate(replica(10, 3))
	must(t, err)
	old := v.Bricks[1]
	r, body, err := call("POST", "/bricks/to-evict/"+old.Id, nil)
	must(t, err)
	same(t, "evict: "+body, r.StatusCode, 204)
	after, err := c.VolumeInfo(v.Id)
	must(t, err)
	same(t, "as many bricks", len(after.Bricks), 3)
	for _, b := range after.Bricks {
		if b.Id == old.Id || b.DeviceId == old.DeviceId {
			t.Errorf("the brick is still there: %+v", b)
		}
	}
	d, err := c.DeviceInfo(old.DeviceId)
	must(t, err)
	same(t, "space given back", d.Storage.Used, uint64(0))
	r, body, err = call("POST", "/bricks/to-evict/"+old.Id, nil)
	must(t, err)
	same(t, "gone", body, "Id not found\n")
	same(t, "gone", r.StatusCode, 404)
	r, body, err = call("POST", "/bricks/to-evict/"+after.Bricks[0].Id,
		map[string]string{"healthcheck": "perhaps"})
	must(t, err)
	same(t, "a bad check", body,
		"validation failed: healthcheck: perhaps is not valid heal info check.\n")
	same(t, "a bad check", r.StatusCode, 400)
}
