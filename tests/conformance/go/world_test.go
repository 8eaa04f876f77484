// SPDX-License-Identifier: GPL-2.0-or-later

// Package conformance drives a running service with heketi's own Go client.
// BRICKYARD_URL says where it is, BRICKYARD_KEY and BRICKYARD_USER_KEY are the
// secrets of admin and user.  The service has simulated nodes and holds nothing
// when a test begins; each test removes what it made.
package conformance

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	jwt "github.com/dgrijalva/jwt-go"
	client "github.com/heketi/heketi/client/api/go-client"
	"github.com/heketi/heketi/pkg/glusterfs/api"
)

const unknown = "0123456789abcdef0123456789abcdef"

var (
	url     = os.Getenv("BRICKYARD_URL")
	key     = os.Getenv("BRICKYARD_KEY")
	userKey = os.Getenv("BRICKYARD_USER_KEY")
)

// Patient enough for a busy machine, quicker than heketi's 10 to 30 seconds.
var quick = client.ClientOptions{RetryEnabled: true, RetryCount: 40,
	RetryMinDelay: 1, RetryMaxDelay: 2}

var once = client.ClientOptions{}

func admin() *client.Client {
	return client.NewClientWithOptions(url, "admin", key, quick)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

func same(t *testing.T, what string, got, want interface{}) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got  %+v\n want %+v", what, got, want)
	}
}

// refused: the whole text of the error, as clients print it.
func refused(t *testing.T, what string, err error, text string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, but want %q", what, text)
	} else if strings.TrimSpace(err.Error()) != text {
		t.Errorf("%s:\n got  %q\n want %q", what, err.Error(), text)
	}
}

func refusedWith(t *testing.T, what string, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("%s:\n got  %v\n want a part %q", what, err, part)
	}
}

func flags(block, file bool) *api.ClusterCreateRequest {
	return &api.ClusterCreateRequest{
		ClusterFlags: api.ClusterFlags{Block: block, File: file}}
}

func nodeRequest(cluster string, i int) *api.NodeAddRequest {
	r := &api.NodeAddRequest{Zone: i%3 + 1, ClusterId: cluster}
	r.Hostnames.Manage = []string{fmt.Sprintf("manage%d", i)}
	r.Hostnames.Storage = []string{fmt.Sprintf("storage%d", i)}
	return r
}

func addDevice(t *testing.T, c *client.Client, node, name string) string {
	t.Helper()
	r := &api.DeviceAddRequest{NodeId: node}
	r.Name = name
	must(t, c.DeviceAdd(r))
	info, err := c.NodeInfo(node)
	must(t, err)
	for _, d := range info.DevicesInfo {
		if d.Name == name {
			return d.Id
		}
	}
	t.Fatalf("node %s has no device %s", node, name)
	return ""
}

type world struct {
	cluster        string
	nodes, devices []string
}

// topology makes a cluster, and what it holds goes when the test ends.
func topology(t *testing.T, c *client.Client, nodes, devices int) world {
	t.Helper()
	info, err := c.ClusterCreate(flags(true, true))
	must(t, err)
	w := world{cluster: info.Id}
	t.Cleanup(func() { empty(t, c) })
	for i := 0; i < nodes; i++ {
		n, err := c.NodeAdd(nodeRequest(w.cluster, i))
		must(t, err)
		w.nodes = append(w.nodes, n.Id)
		for k := 0; k < devices; k++ {
			w.devices = append(w.devices, addDevice(t, c, n.Id,
				fmt.Sprintf("/dev/sd%c", 'b'+k)))
		}
	}
	return w
}

// empty removes all that there is, as an operator would have to.
func empty(t *testing.T, c *client.Client) {
	t.Helper()
	blocks, err := c.BlockVolumeList()
	must(t, err)
	for _, id := range blocks.BlockVolumes {
		must(t, c.BlockVolumeDelete(id))
	}
	volumes, err := c.VolumeList()
	must(t, err)
	for _, id := range volumes.Volumes {
		must(t, c.VolumeDelete(id))
	}
	top, err := c.TopologyInfo()
	must(t, err)
	for _, cluster := range top.ClusterList {
		for _, node := range cluster.Nodes {
			for _, d := range node.DevicesInfo {
				removeDevice(t, c, d)
			}
			must(t, c.NodeDelete(node.Id))
		}
		must(t, c.ClusterDelete(cluster.Id))
	}
}

func removeDevice(t *testing.T, c *client.Client, d api.DeviceInfoResponse) {
	t.Helper()
	if d.State == api.EntryStateOnline {
		must(t, c.DeviceState(d.Id, &api.StateRequest{
			State: api.EntryStateOffline}))
	}
	if d.State != api.EntryStateFailed {
		must(t, c.DeviceState(d.Id, &api.StateRequest{
			State: api.EntryStateFailed}))
	}
	must(t, c.DeviceDelete(d.Id))
}

func volumeRequest(size int, kind api.DurabilityType) *api.VolumeCreateRequest {
	r := &api.VolumeCreateRequest{Size: size}
	r.Durability.Type = kind
	return r
}

func replica(size, n int) *api.VolumeCreateRequest {
	r := volumeRequest(size, api.DurabilityReplicate)
	r.Durability.Replicate.Replica = n
	return r
}

func sorted(ids []string) []string {
	out := append([]string{}, ids...)
	sort.Strings(out)
	return out
}

// call sends what the published client has no function for, with a token like
// its own, and waits as it does.
func call(method, path string, body interface{}) (*http.Response, string, error) {
	text := ""
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, "", err
		}
		text = string(b)
	}
	r, got, err := send(method, path, text)
	for err == nil && (r.StatusCode == http.StatusAccepted ||
		r.Header.Get("X-Pending") == "true") {
		if l := r.Header.Get("Location"); l != "" {
			path = l
		} else {
			time.Sleep(50 * time.Millisecond)
		}
		r, got, err = send("GET", path, "")
	}
	return r, got, err
}

func token(method, path string) (string, error) {
	qsh := sha256.Sum256([]byte(method + "&" + path))
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "admin", "iat": time.Now().Unix(),
		"exp": time.Now().Add(time.Minute).Unix(),
		"qsh": hex.EncodeToString(qsh[:]),
	}).SignedString([]byte(key))
}

func send(method, path, body string) (*http.Response, string, error) {
	req, err := http.NewRequest(method, url+path, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	word, err := token(method, path)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Authorization", "bearer "+word)
	h := http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		word, err := token(r.Method, r.URL.Path)
		r.Header.Set("Authorization", "bearer "+word)
		return err
	}}
	r, err := h.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return r, string(b), err
}
