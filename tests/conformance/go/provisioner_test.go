// SPDX-License-Identifier: GPL-2.0-or-later

package conformance

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	client "github.com/heketi/heketi/client/api/go-client"
	"github.com/heketi/heketi/pkg/glusterfs/api"
)

// What Kubernetes' own GlusterFS provisioner did up to 1.25: these requests in
// this order, for a storage class with parameters like these.
type class struct {
	user, secret   string
	gidMin, gidMax int
	volumeType     string
	options        string
	prefix         string
	clusterID      string
	snapFactor     string

	lock sync.Mutex
	gids map[int]bool
}

func (s *class) client() *client.Client {
	return client.NewClient(url, s.user, s.secret)
}

// gid hands out the lowest free one, as the provisioner's table does.
func (s *class) gid() (int, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	for g := s.gidMin; g <= s.gidMax; g++ {
		if !s.gids[g] {
			s.gids[g] = true
			return g, nil
		}
	}
	return 0, fmt.Errorf("no free gid")
}

func (s *class) giveBack(gid int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	delete(s.gids, gid)
}

func (s *class) request(size, gid int, claim string) (*api.VolumeCreateRequest,
	error) {
	r := &api.VolumeCreateRequest{Size: size, Gid: int64(gid)}
	if s.clusterID != "" {
		r.Clusters = strings.Split(s.clusterID, ",")
	}
	if s.prefix != "" {
		r.Name = fmt.Sprintf("%s_default_%s_%d", s.prefix, claim,
			time.Now().UnixNano())
	}
	if s.options != "" {
		r.GlusterVolumeOptions = strings.Split(s.options, ",")
	}
	r.Snapshot.Factor = 1
	if s.snapFactor != "" {
		f, err := strconv.ParseFloat(s.snapFactor, 32)
		if err != nil {
			return nil, err
		}
		r.Snapshot.Enable, r.Snapshot.Factor = true, float32(f)
	}
	word := strings.Split(s.volumeType, ":")
	n := []int{0, 0}
	for i := range word[1:] {
		var err error
		if n[i], err = strconv.Atoi(word[i+1]); err != nil {
			return nil, err
		}
	}
	r.Durability.Type = api.DurabilityType(word[0])
	switch r.Durability.Type {
	case api.DurabilityReplicate:
		r.Durability.Replicate.Replica = n[0]
	case api.DurabilityEC:
		r.Durability.Disperse.Data = n[0]
		r.Durability.Disperse.Redundancy = n[1]
	}
	return r, nil
}

type claimed struct {
	volume *api.VolumeInfoResponse
	hosts  []string
	gid    int
}

// provision: a volume, then the hosts that go into its endpoints; without these
// the volume is removed again.
func (s *class) provision(size int, claim string) (*claimed, error) {
	gid, err := s.gid()
	if err != nil {
		return nil, err
	}
	c := s.client()
	r, err := s.request(size, gid, claim)
	if err == nil {
		var v *api.VolumeInfoResponse
		if v, err = c.VolumeCreate(r); err == nil {
			var hosts []string
			if hosts, err = clusterHosts(c, v.Cluster); err == nil {
				return &claimed{v, hosts, gid}, nil
			}
			_ = c.VolumeDelete(v.Id)
		}
	}
	s.giveBack(gid)
	return nil, err
}

func clusterHosts(c *client.Client, cluster string) ([]string, error) {
	info, err := c.ClusterInfo(cluster)
	if err != nil {
		return nil, err
	}
	var hosts []string
	for _, id := range info.Nodes {
		n, err := c.NodeInfo(id)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, n.NodeAddRequest.Hostnames.Storage[0])
	}
	if len(hosts) == 0 {
		return nil, fmt.Errorf("no hosts in cluster %s", cluster)
	}
	return hosts, nil
}

func (s *class) expand(p *claimed, size int) error {
	c := s.client()
	info, err := c.VolumeInfo(p.volume.Id)
	if err != nil || info.Size >= size {
		return err
	}
	p.volume, err = c.VolumeExpand(p.volume.Id, &api.VolumeExpandRequest{
		Size: size - info.Size})
	return err
}

func (s *class) remove(p *claimed) error {
	err := s.client().VolumeDelete(p.volume.Id)
	if err != nil && strings.TrimSpace(err.Error()) != "Id not found" {
		return err
	}
	s.giveBack(p.gid)
	return nil
}

func newClass(volumeType string) *class {
	return &class{user: "admin", secret: key, gidMin: 40000, gidMax: 40099,
		volumeType: volumeType, gids: map[int]bool{}}
}

func TestProvisionerClasses(t *testing.T) {
	c := admin()
	w := topology(t, c, 6, 2)
	full := newClass("replicate:2")
	full.clusterID = w.cluster
	full.options = "client.ssl on,server.ssl on"
	full.prefix = "dept-dev"
	full.snapFactor = "10"
	full.gidMin, full.gidMax = 2000, 2147483646
	for _, x := range []struct {
		s      *class
		bricks int
	}{
		{newClass("none"), 1}, {newClass("replicate:3"), 3},
		{newClass("disperse:4:2"), 6}, {newClass("disperse:2:1"), 3}, {full, 2},
	} {
		s := x.s
		p, err := s.provision(8, "claim")
		must(t, err)
		v := p.volume
		same(t, "size", v.Size, 8)
		same(t, "bricks", len(v.Bricks), x.bricks)
		same(t, "gid", v.Gid, int64(s.gidMin))
		want := []string{}
		for i := range w.nodes {
			want = append(want, fmt.Sprintf("storage%d", i))
		}
		sort.Strings(p.hosts)
		same(t, "hosts", p.hosts, want)
		same(t, "hosts to mount", sorted(v.Mount.GlusterFS.Hosts), want)
		if s == full {
			same(t, "snapshots", v.Snapshot.Factor, float32(10))
			same(t, "options", v.GlusterVolumeOptions,
				[]string{"", "client.ssl on", "server.ssl on", ""})
			if !strings.HasPrefix(v.Name, "dept-dev_default_claim_") {
				t.Errorf("name: %s", v.Name)
			}
		}
		must(t, s.expand(p, 12))
		same(t, "size", p.volume.Size, 12)
		same(t, "gid", p.volume.Gid, int64(s.gidMin))
		must(t, s.expand(p, 11))
		must(t, s.remove(p))
		// A controller that was restarted does it again.
		must(t, s.remove(p))
		same(t, "no gid is lost", len(s.gids), 0)
	}
	none := newClass("replicate:3")
	none.clusterID = w.cluster + "," + unknown
	_, err := none.provision(1, "claim")
	refused(t, "an unknown cluster", err, "Cluster id "+unknown+" not found")
	none = newClass("replicate:3")
	none.secret = "wrong"
	_, err = none.provision(1, "claim")
	refusedWith(t, "a wrong secret", err, "signature is invalid")
	same(t, "no gid is lost", len(none.gids), 0)
}

// TestProvisionerMany makes twenty claims at once.  BRICKYARD_HALF, if it is
// there, names a file that is made when some of them are ready: then somebody
// kills a replica.  Like Kubernetes' controller, claims that fail are tried again.
func TestProvisionerMany(t *testing.T) {
	const claims = 20
	c := admin()
	topology(t, c, 4, 4)
	s := newClass("replicate:3")
	s.prefix = "many"
	half := os.Getenv("BRICKYARD_HALF")
	var wg sync.WaitGroup
	var m sync.Mutex
	var ready []*claimed
	failed := 0
	for i := 0; i < claims; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			for try := 0; try < 30; try++ {
				p, err := s.provision(i%3+1, fmt.Sprintf("c%d", i))
				m.Lock()
				if err == nil {
					ready = append(ready, p)
					if len(ready) == 3 && half != "" {
						_ = os.WriteFile(half, nil, 0o600)
					}
					m.Unlock()
					return
				}
				failed++
				m.Unlock()
				t.Logf("claim %d: %v", i, err)
				time.Sleep(200 * time.Millisecond)
			}
			t.Errorf("claim %d was never ready", i)
		}(i)
	}
	wg.Wait()
	if half == "" {
		same(t, "failures", failed, 0)
	}
	manyReady(t, s, ready, claims, failed)
	for _, p := range ready {
		p, size := p, p.volume.Size+2
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := s.expand(p, size); err != nil {
				t.Errorf("expand %s: %v", p.volume.Id, err)
			} else if p.volume.Size != size {
				t.Errorf("%s: size %d, not %d", p.volume.Id,
					p.volume.Size, size)
			}
		}()
	}
	wg.Wait()
	for _, p := range ready {
		p := p
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := s.remove(p); err != nil {
				t.Errorf("remove %s: %v", p.volume.Id, err)
			}
		}()
	}
	wg.Wait()
	same(t, "gids that are left", len(s.gids), 0)
}

func manyReady(t *testing.T, s *class, ready []*claimed, claims, failed int) {
	t.Helper()
	same(t, "ready", len(ready), claims)
	gids, names := map[int64]bool{}, map[string]bool{}
	c := s.client()
	for _, p := range ready {
		v, err := c.VolumeInfo(p.volume.Id)
		must(t, err)
		same(t, "what the claim was told", v, p.volume)
		gids[v.Gid] = true
		names[v.Name] = true
	}
	same(t, "gids of their own", len(gids), claims)
	same(t, "names of their own", len(names), claims)
	list, err := c.VolumeList()
	must(t, err)
	// A create whose answer got lost may have made a volume all the same.
	if n := len(list.Volumes); n < claims || n > claims+failed {
		t.Errorf("%d volumes for %d claims with %d failures", n, claims, failed)
	}
}
