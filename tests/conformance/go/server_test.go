// SPDX-License-Identifier: GPL-2.0-or-later

package conformance

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	client "github.com/heketi/heketi/client/api/go-client"
	"github.com/heketi/heketi/pkg/glusterfs/api"
)

func TestSecrets(t *testing.T) {
	must(t, admin().Hello())
	must(t, client.NewClientNoAuth(url).Hello())
	for _, x := range []struct{ user, key, text string }{
		{"admin", "wrong", "Invalid JWT token: signature is invalid" +
			" (client and server secrets may not match)"},
		{"admin", userKey, "Invalid JWT token: signature is invalid" +
			" (client and server secrets may not match)"},
		{"somebody", key, "Invalid JWT token: Unknown user"},
		{"", "", "Invalid JWT token: Token missing iss claim"},
		{"user", userKey, "Administrator access required"},
	} {
		c := client.NewClientWithOptions(url, x.user, x.key, once)
		_, err := c.ClusterList()
		refused(t, x.user+" with "+x.key, err, x.text)
	}
	u := client.NewClientWithOptions(url, "user", userKey, once)
	list, err := u.VolumeList()
	must(t, err)
	same(t, "a user may list volumes", list.Volumes, []string{})
	_, err = u.VolumeCreate(volumeRequest(1, ""))
	refused(t, "a user may create volumes", err, "No clusters configured")
	_, err = u.VolumeInfo(unknown)
	refused(t, "but not look at one", err, "Administrator access required")
}

func TestAdminStatus(t *testing.T) {
	c := admin()
	t.Cleanup(func() { empty(t, c) })
	st, err := c.AdminStatusGet()
	must(t, err)
	same(t, "at first", st.State, api.AdminStateNormal)
	refused(t, "an unknown state", c.AdminStatusSet(&api.AdminStatus{
		State: "closed"}), "validation failed: state: must be a valid value.")
	must(t, c.AdminStatusSet(&api.AdminStatus{State: api.AdminStateLocal}))
	st, err = c.AdminStatusGet()
	must(t, err)
	same(t, "after it was set", st.State, api.AdminStateLocal)
	// We are on loopback, so this is still allowed.
	_, err = c.ClusterCreate(flags(true, true))
	must(t, err)
	must(t, c.AdminStatusSet(&api.AdminStatus{State: api.AdminStateNormal}))
}

// TestReadOnly leaves it so: only a signal opens the service again.
func TestReadOnly(t *testing.T) {
	c := admin()
	must(t, c.AdminStatusSet(&api.AdminStatus{State: api.AdminStateReadOnly}))
	_, err := c.ClusterCreate(flags(true, true))
	refused(t, "create", err, "Service disabled for maintenance")
	refused(t, "delete", c.VolumeDelete(unknown),
		"Service disabled for maintenance")
	refused(t, "back", c.AdminStatusSet(&api.AdminStatus{
		State: api.AdminStateNormal}), "Service disabled for maintenance")
	_, err = c.VolumeList()
	must(t, err)
	st, err := c.AdminStatusGet()
	must(t, err)
	same(t, "state", st.State, api.AdminStateReadOnly)
}

func TestLogLevel(t *testing.T) {
	c := admin()
	level := func(l string) *api.LogLevelInfo {
		return &api.LogLevelInfo{LogLevel: map[string]string{"glusterfs": l}}
	}
	got, err := c.LogLevelGet()
	must(t, err)
	same(t, "at first", got, level("info"))
	for _, l := range []string{"none", "critical", "error", "warning", "debug",
		"info"} {
		must(t, c.LogLevelSet(level(l)))
		got, err = c.LogLevelGet()
		must(t, err)
		same(t, "what was set", got, level(l))
	}
	refused(t, "a bad level", c.LogLevelSet(level("loud")),
		"invalid log level: loud")
	refused(t, "no logger", c.LogLevelSet(&api.LogLevelInfo{}),
		"Only \"glusterfs\" logger may be modified")
	refused(t, "another logger", c.LogLevelSet(&api.LogLevelInfo{
		LogLevel: map[string]string{"other": "info"}}),
		"Only \"glusterfs\" logger may be modified")
}

func TestOperations(t *testing.T) {
	c := admin()
	topology(t, c, 3, 1)
	info, err := c.OperationsInfo()
	must(t, err)
	same(t, "nothing going on", info, &api.OperationsInfo{})
	list, err := c.PendingOperationList()
	must(t, err)
	same(t, "nothing pending", len(list.PendingOperations), 0)
	_, err = c.PendingOperationDetails(unknown)
	refused(t, "no such operation", err, "Id not found: "+unknown)
	must(t, c.PendingOperationCleanUp(&api.PendingOperationsCleanRequest{}))
	// The counts are right as soon as the client knows of the end.
	for i := 0; i < 5; i++ {
		v, err := c.VolumeCreate(replica(1, 3))
		must(t, err)
		info, err = c.OperationsInfo()
		must(t, err)
		same(t, "after a create", info, &api.OperationsInfo{})
		must(t, c.VolumeDelete(v.Id))
		info, err = c.OperationsInfo()
		must(t, err)
		same(t, "after a delete", info, &api.OperationsInfo{})
	}
}

func TestDatabase(t *testing.T) {
	c := admin()
	w := topology(t, c, 3, 1)
	v, err := c.VolumeCreate(replica(1, 3))
	must(t, err)
	text, err := c.DbDump()
	must(t, err)
	var dump map[string]map[string]json.RawMessage
	must(t, json.Unmarshal([]byte(text), &dump))
	for kind, n := range map[string]int{"clusterentries": 1, "nodeentries": 3,
		"deviceentries": 3, "brickentries": 3, "volumeentries": 1} {
		same(t, kind, len(dump[kind]), n)
	}
	if _, ok := dump["volumeentries"][v.Id]; !ok {
		t.Errorf("volume %s is not in the dump: %s", v.Id, text)
	}
	if _, ok := dump["clusterentries"][w.cluster]; !ok {
		t.Errorf("cluster %s is not in the dump: %s", w.cluster, text)
	}
	text, err = c.DbCheck()
	must(t, err)
	var check struct {
		Total int `json:"totalinconsistencies"`
	}
	must(t, json.Unmarshal([]byte(text), &check))
	same(t, "faults in "+text, check.Total, 0)
	var b bytes.Buffer
	must(t, c.BackupDb(&b))
	if b.Len() == 0 {
		t.Error("the backup is empty")
	}
}

// between sends on to the service what it doesn't answer itself.
func between(t *testing.T, answer http.HandlerFunc) *httptest.Server {
	to, err := neturl.Parse(url)
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	s := httptest.NewServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			rec := &answered{ResponseWriter: w}
			answer(rec, r)
			if !rec.done {
				proxy.ServeHTTP(w, r)
			}
		}))
	t.Cleanup(s.Close)
	return s
}

type answered struct {
	http.ResponseWriter
	done bool
}

func (a *answered) WriteHeader(status int) {
	a.done = true
	a.ResponseWriter.WriteHeader(status)
}

func TestRetryAfterThrottle(t *testing.T) {
	topology(t, admin(), 3, 1)
	var left, seen int32
	s := between(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			atomic.AddInt32(&seen, 1)
			if atomic.AddInt32(&left, -1) >= 0 {
				w.Header().Set("Retry-After", "0")
				http.Error(w, "Server busy. Retry operation later.", 429)
			}
		}
	})
	opts := client.ClientOptions{RetryEnabled: true, RetryCount: 3,
		RetryMinDelay: 1, RetryMaxDelay: 2}
	c := client.NewClientWithOptions(s.URL, "admin", key, opts)
	left = 2
	v, err := c.VolumeCreate(replica(1, 3))
	must(t, err)
	same(t, "requests", atomic.LoadInt32(&seen), int32(3))
	list, err := c.VolumeList()
	must(t, err)
	same(t, "made once", list.Volumes, []string{v.Id})
	left = 100
	_, err = c.VolumeCreate(replica(1, 3))
	refused(t, "busy for too long", err, "Server busy. Retry operation later.")
	left = 0
	must(t, c.VolumeDelete(v.Id))
}

// TestThrottle needs a service with max_inflight_operations of 3 whose creates
// take a second or so.
func TestThrottle(t *testing.T) {
	c := admin()
	topology(t, c, 3, 4)
	c = client.NewClientWithOptions(url, "admin", key, once)
	made, errs := createMany(c, 12)
	same(t, "as many as the limit", made, 3)
	same(t, "and as many refused", len(errs), 9)
	for _, err := range errs {
		refused(t, "the others", err, "Server busy. Retry operation later.")
	}
	info, err := c.OperationsInfo()
	must(t, err)
	same(t, "at once nothing is going on", info, &api.OperationsInfo{})
	list, err := c.VolumeList()
	must(t, err)
	same(t, "volumes", len(list.Volumes), 3)
	if !t.Failed() {
		patient(t)
	}
}

func createMany(c *client.Client, n int) (int, []error) {
	var wg sync.WaitGroup
	var m sync.Mutex
	var errs []error
	made := 0
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_, err := c.VolumeCreate(replica(1, 3))
			m.Lock()
			defer m.Unlock()
			if err != nil {
				errs = append(errs, err)
			} else {
				made++
			}
		}()
	}
	wg.Wait()
	return made, errs
}

// patient clients all get what they want, and are watched at it.
func patient(t *testing.T) {
	c := admin()
	done := make(chan bool)
	var most uint64
	var kinds = map[string]bool{}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for {
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
			info, err := c.OperationsInfo()
			if err == nil && info.InFlight > most {
				most = info.InFlight
			}
			list, err := c.PendingOperationList()
			if err != nil {
				continue
			}
			for _, o := range list.PendingOperations {
				kinds[o.TypeName+o.Status+" "+o.SubStatus] = true
				details(t, c, o.Id)
			}
		}
	}()
	made, errs := createMany(c, 6)
	close(done)
	wg.Wait()
	same(t, "refused", errs, []error(nil))
	same(t, "made", made, 6)
	same(t, "at the same time", most, uint64(3))
	same(t, "kinds", kinds, map[string]bool{"create-volume in-flight": true})
}

func details(t *testing.T, c *client.Client, id string) {
	d, err := c.PendingOperationDetails(id)
	if err != nil {
		// Over meanwhile.
		refused(t, "details", err, "Id not found: "+id)
		return
	}
	n := map[string]int{}
	for _, ch := range d.Changes {
		n[ch.Description]++
	}
	same(t, "changes", n, map[string]int{"Add brick": 3, "Add volume": 1})
	if strings.TrimSpace(d.TypeName) != "create-volume" {
		t.Errorf("type name: %q", d.TypeName)
	}
}

// TestManyAtOnce: fifty clients remove and make at the same time.
func TestManyAtOnce(t *testing.T) {
	c := admin()
	topology(t, c, 3, 4)
	made, errs := createMany(c, 50)
	same(t, "errors", errs, []error(nil))
	same(t, "made", made, 50)
	list, err := c.VolumeList()
	must(t, err)
	same(t, "listed", len(list.Volumes), 50)
	var wg sync.WaitGroup
	for _, id := range list.Volumes {
		wg.Add(1)
		go func(id string) {
			defer wg.Done()
			if err := c.VolumeDelete(id); err != nil {
				t.Errorf("delete %s: %v", id, err)
			}
		}(id)
	}
	wg.Wait()
	list, err = c.VolumeList()
	must(t, err)
	same(t, "an empty list", list.Volumes, []string{})
}
