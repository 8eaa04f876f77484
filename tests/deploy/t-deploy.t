#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""contrib/kubernetes/deploy against a cluster that is played: from nothing to
storage classes, again after a failure, and back, with nothing of others touched."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import atexit
import base64
import json
import shutil
import subprocess
import tempfile

KUBERNETES = os.path.join(tap.SRCDIR, "contrib", "kubernetes")
REAL = shutil.which("kubectl")
if REAL is None:
    tap.skip_all("no kubectl here (package kubernetes-client)")
TOPOLOGY = os.path.join(KUBERNETES, "samples", "topology.json")
work = tempfile.mkdtemp(prefix="deploy-")
atexit.register(shutil.rmtree, work, True)
cache = os.path.join(work, "cache")
os.mkdir(cache)


class Cluster:
    count = 0

    def __init__(self, all_real="", **state):
        self.all_real = all_real
        Cluster.count += 1
        self.dir = os.path.join(work, "c%d" % Cluster.count)
        os.makedirs(os.path.join(self.dir, "bin"))
        os.symlink(os.path.join(tap.SRCDIR, "tests", "deploy", "fake-kubectl"),
                   os.path.join(self.dir, "bin", "kubectl"))
        self.write(dict({"nodes": {"node%d" % i: {} for i in range(1, 5)},
                         "objects": {}}, **state))

    def write(self, state):
        with open(os.path.join(self.dir, "state.json"), "w") as f:
            json.dump(state, f)

    def state(self):
        with open(os.path.join(self.dir, "state.json")) as f:
            return json.load(f)

    def update(self, **more):
        self.write(dict(self.state(), **more))

    def calls(self):
        try:
            with open(os.path.join(self.dir, "calls")) as f:
                return [json.loads(line) for line in f]
        except FileNotFoundError:
            return []

    def changes(self):
        return [c for c in self.calls()
                if c[2:3] and c[2] in ("apply", "delete", "label", "exec")]

    def file(self, name):
        with open(os.path.join(self.dir, name)) as f:
            return f.read()

    def deploy(self, *args, topology=TOPOLOGY, stdin="", script="deploy"):
        """(exit status, all that it said)"""
        env = {"PATH": os.path.join(self.dir, "bin") + ":/usr/local/sbin:"
               "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "FAKE": self.dir, "REAL_KUBECTL": REAL, "HOME": self.dir,
               "CACHE": cache, "ALL_REAL": self.all_real,
               "TMPDIR": self.dir, "DEPLOY_POLL": "0.05"}
        r = subprocess.run([os.path.join(KUBERNETES, script), *args] +
                           ([topology] if topology else []),
                           input=stdin, env=env, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, timeout=300)
        return r.returncode, r.stdout


def good(result, name):
    if not tap.is_(result[0], 0, name):
        tap.diag(result[1])
    return result[1]


def bad(result, part, name):
    tap.ok(result[0] == 1 and part in result[1], name) or \
        tap.diag(result[0], result[1], "want " + part)
    return result[1]


# ---- from nothing

c = Cluster(all_real="1")
said = good(c.deploy("-y"), "from nothing: all is deployed")
s = c.state()
tap.is_([v.get("storagenode") for v in s["nodes"].values()],
        ["glusterfs"] * 3 + [None], "the nodes of the topology are labelled, no other")
tap.is_(sum(v.get("brickyard-etcd") == "member" for v in s["nodes"].values()), 3,
        "three nodes are for etcd")
tap.is_(c.file("loaded"), open(TOPOLOGY).read(), "the topology went into the pod")
for part in ("glusterfs: 3/3 ready", "brickyard-etcd: 3/3 ready",
             "brickyard: 3/3 ready", "node1: good"):
    tap.has(said, part, "progress is told: " + part)
keys = s["objects"]["secret/brickyard-keys"]["data"]
admin = base64.b64decode(keys["admin"]).decode()
tap.ok(len(admin) == 64 and keys["admin"] != keys["user"], "keys are made, each its own")
tap.is_(s["objects"]["secret/brickyard-admin"]["data"]["key"], keys["admin"],
        "the provisioner's secret has the admin key")
tap.is_(s["objects"]["secret/brickyard-admin"]["type"], "kubernetes.io/glusterfs",
        "and the type that it asks for")
tap.ok(admin not in json.dumps(c.calls()) and admin not in said,
       "no key is in an argument or in what is said")
sc = s["objects"]["storageclass.storage.k8s.io/brickyard-replicate"]
tap.is_(sc["parameters"]["resturl"], "http://198.18.0.99:8080",
        "storage classes have the address of the Service")
order = [k for k in s["objects"]]
tap.ok(order.index("statefulset.apps/brickyard-etcd") <
       order.index("deployment.apps/brickyard"), "etcd is there before what needs it")
tap.is_([n for n in os.listdir(c.dir) if n.startswith("tmp")], [],
        "no file with a key is left behind")

# ---- a pod for brickyardd's commands

good(c.deploy(script="tool-pod", topology=None), "tool-pod makes a pod")
s = c.state()
pod, spec = s["objects"].pop("pod/brickyard-tool"), \
    s["objects"]["deployment.apps/brickyard"]["spec"]["template"]["spec"]
c.write(s)
tap.ok(pod["metadata"]["labels"].get("app") != "brickyard",
       "the Service sends nothing to it")
tap.ok(all(pod["spec"][k] == spec[k] for k in ("volumes", "serviceAccountName",
                                               "securityContext")) and
       all(pod["spec"]["containers"][0][k] == spec["containers"][0][k]
           for k in ("image", "env", "volumeMounts", "securityContext")),
       "it has what the replicas have")

# ---- again

before, n = c.state(), len(c.calls())
good(c.deploy("-y"), "again: it ends well")
after = c.state()
tap.is_(after["objects"]["secret/brickyard-keys"],
        before["objects"]["secret/brickyard-keys"], "keys stay")
tap.is_(after["nodes"], before["nodes"], "labels stay")
tap.ok(not any(x[2:4] == ["logs", "brickyard-preflight-node1"]
               for x in c.calls()[n:]),
       "nodes that run GlusterFS of ours are not looked at again")

# ---- a failure in between, wherever it is, and again

for what, name in (("label node node2", "labelling"), ("create secret", "a secret"),
                   ("exec", "the topology")):
    f = Cluster(fail={what: 1})
    status, said = f.deploy("-y")
    tap.ok(status == 1 and "ERROR: " in said, "%s fails: it stops, and says so" % name) \
        or tap.diag(status, said)
    said = good(f.deploy("-y"), "%s failed: the next run carries on" % name)
    tap.is_(sorted(f.state()["objects"]), sorted(after["objects"]),
            "%s failed: all is there then" % name)
f = Cluster(stuck=["daemonset.apps/glusterfs"])
said = bad(f.deploy("-y", "--no-preflight", "-w", "1"), "glusterfs is not ready after 1 s",
           "what does not get ready is named")
tap.has(said, "a warning of the cluster", "with the warnings of the cluster")
f.update(stuck=[])
good(f.deploy("-y", "--no-preflight"), "it got ready: the next run carries on")
f = Cluster(load=[0, "Unable to add device /dev/sdb: not empty\n"])
bad(f.deploy("-y", "--no-preflight"), "the topology is not loaded as a whole",
    "a device that can't be added is a failure")

# ---- nodes that don't fit

f = Cluster(preflight={"node2": "ERROR: port 24007 is taken: x\npreflight: done\n"})
said = bad(f.deploy("-y"), "put right what is said above on: node2",
           "a node with a fault stops it")
tap.has(said, "ERROR: node2: port 24007 is taken", "the fault is told, with its node")
tap.is_(f.state()["nodes"]["node1"], {}, "nothing was labelled by then")
f = Cluster(preflight={"node2": "half a li"})
bad(f.deploy("-y"), "node2: the look ended early", "a look that broke off is no good one")
f = Cluster(preflight={"node2": "WARNING: mount.glusterfs is not there\npreflight: done\n"})
tap.has(good(f.deploy("-y"), "a warning does not stop it"),
        "WARNING: node2: mount.glusterfs", "a warning is told")
f = Cluster(nodes={"other": {}})
bad(f.deploy("-y"), "no nodes of this cluster: node1 node2 node3",
    "names that are no nodes are told")
tap.is_(f.changes(), [], "and nothing was changed")
f = Cluster(nodes={"node1": {"storagenode": "other"}, "node2": {}, "node3": {}})
bad(f.deploy("-y"), "node1 has the label storagenode=other already",
    "somebody else's label is not changed")
f = Cluster()
bad(f.deploy(stdin="\n"), "nothing was done", "it asks first")
tap.is_(f.changes(), [], "and nothing is changed without a yes")
for text, part in (("{", "not a topology"), ('{"clusters": []}', "no node in it"),
                   (json.dumps({"clusters": [{"nodes": [{"node": {"hostnames": {
                       "manage": ["a;b"], "storage": ["x"]}}, "devices": []}]}]}),
                    "no name of a node")):
    path = os.path.join(work, "t.json")
    open(path, "w").write(text)
    bad(f.deploy("-y", topology=path), part, "a topology that is none: " + part)
for args, part in ((["-n", "a b"], "no name of a namespace"), (["--nonsense"], "unknown option"),
                   (["-i", "a;b"], "is no image"), (["-w"], "wants a value"),
                   (["--overlay", "nonsense"], "no overlay nonsense")):
    bad(f.deploy("-y", *args, topology=None if args == ["-w"] else TOPOLOGY), part,
        "refused: " + " ".join(args))

# ---- names of others

f = Cluster(objects={
    "namespace/brickyard": {"apiVersion": "v1", "kind": "Namespace",
                            "metadata": {"name": "brickyard"}},
    "service/brickyard": {"apiVersion": "v1", "kind": "Service",
                          "metadata": {"name": "brickyard"}, "spec": {"mine": True}}})
bad(f.deploy("-y"), "not made by this script", "what others made is not changed")
tap.is_(f.state()["objects"]["service/brickyard"]["spec"], {"mine": True},
        "it is as it was")
good(f.deploy("-y", "--abort", topology=None), "abort after that")
tap.is_(sorted(f.state()["objects"]), ["namespace/brickyard", "service/brickyard"],
        "what others made outlives the abort, the namespace too")

# ---- options

f = Cluster()
good(f.deploy("-y", "--no-preflight", "-n", "store", "-i", "reg.example:5000/b/brickyard:1.0",
              "--gluster-image=reg.example:5000/g@sha256:abc"), "another namespace")
s = f.state()["objects"]
dep = s["deployment.apps/brickyard"]
tap.is_(dep["spec"]["template"]["spec"]["containers"][0]["image"],
        "reg.example:5000/b/brickyard:1.0", "the image is the one that was asked for")
tap.is_(s["daemonset.apps/glusterfs"]["spec"]["template"]["spec"]["containers"][0]["image"],
        "reg.example:5000/g@sha256:abc", "a digest, too")
tap.is_({o["metadata"].get("namespace") for k, o in s.items()
         if o["kind"] not in ("Namespace", "StorageClass")} - {None}, {"store"},
        "all is in that namespace")
tap.is_(s["rolebinding.rbac.authorization.k8s.io/brickyard"]["subjects"][0]["namespace"],
        "store", "the role is for the account there")
tap.is_(s["storageclass.storage.k8s.io/brickyard-none"]["parameters"]["secretNamespace"],
        "store", "and the classes look for the secret there")
key = os.path.join(work, "id")
open(key, "w").write("PRIVATE\n")
hosts = os.path.join(work, "hosts")
open(hosts, "w").write("node1 ssh-ed25519 x\n")
f = Cluster()
bad(f.deploy("-y", "-s", key), "--known-hosts must name", "host keys are wanted with ssh")
good(f.deploy("-y", "-s", key, "--known-hosts", hosts, "--ssh-user", "heketi",
              "--ssh-port", "2222"), "GlusterFS outside, by ssh")
s = f.state()["objects"]
tap.ok("daemonset.apps/glusterfs" not in s, "no GlusterFS is deployed then")
tap.is_(base64.b64decode(s["secret/brickyard-ssh"]["data"]["id"]), b"PRIVATE\n",
        "the key is in a Secret")
config = [json.loads(o["data"]["brickyard.json"]) for k, o in s.items()
          if k.startswith("configmap/brickyard-config")][0]["glusterfs"]
tap.is_((config["executor"], config["sshexec"]["user"], config["sshexec"]["port"],
         config["sshexec"]["sudo"]), ("ssh", "heketi", "2222", True),
        "user, port and sudo are in the configuration")
tap.ok(any(p["port"] == 2222 for e in s["networkpolicy.networking.k8s.io/brickyard"]
           ["spec"]["egress"] for p in e["ports"]), "and the port is let through")
f = Cluster(apis=["v1", "security.openshift.io/v1"])
good(f.deploy("-y"), "OpenShift is known by its API")
tap.ok("securitycontextconstraints.security.openshift.io/brickyard" in
       f.state()["objects"], "and gets its constraints")
good(f.deploy("-y", "--abort", topology=None), "abort there")
tap.is_(sorted(f.state()["objects"]), [], "nothing is left there")

# ---- dry run

f = Cluster()
said = good(f.deploy("--dry-run"), "dry run")
tap.is_(f.changes(), [], "a dry run changes nothing")
for part in ("label node node1 storagenode=glusterfs", "would run preflight.sh",
             "would load"):
    tap.has(said, part, "it says: " + part)

# ---- abort

f = Cluster()
bad(f.deploy("-y", "--abort", topology=None), "nothing in namespace brickyard was made",
    "nothing to abort is told")
s = c.state()
s["nodes"]["node4"]["storagenode"] = "glusterfs"    # by somebody else
s["nodes"]["node2"]["storagenode"] = "changed"
s["objects"]["configmap/mine"] = {"apiVersion": "v1", "kind": "ConfigMap",
                                  "metadata": {"name": "mine"}}
s["volumes"] = "Id:abc    Cluster:def    Name:vol_abc\n"
c.write(s)
bad(c.deploy("-y", "--abort", topology=None), "there are 1 volumes",
    "abort is refused while there are volumes")
c.update(fail={"exec -i deployment/brickyard": 1})
bad(c.deploy("-y", "--abort", topology=None), "does not say whether it has volumes",
    "and when nobody says whether there are")
tap.ok("deployment.apps/brickyard" in c.state()["objects"], "and nothing was removed")
n = len(c.changes())
c.deploy("-y", "--force", "--abort", "--dry-run", topology=None)
tap.is_([x[2] for x in c.changes()[n:] if x[2] != "exec"], [],
        "a dry run of abort changes nothing")
c.update(fail={"delete statefulset": 1})
bad(c.deploy("-y", "--abort", "--force", topology=None), "run this again",
    "abort fails half way")
said = good(c.deploy("-y", "--abort", "--force", topology=None), "abort goes on")
tap.is_(sorted(c.state()["objects"]), ["configmap/mine", "namespace/brickyard"],
        "all that was made is gone, and what others put there is not")
tap.is_(c.state()["nodes"], {
    "node1": {}, "node2": {"storagenode": "changed"}, "node3": {},
    "node4": {"storagenode": "glusterfs"}}, "labels, too: only those that were put there")
tap.has(said, "/var/lib/brickyard-etcd", "what stays on the nodes is told")
tap.ok(not any("wipe" in " ".join(x) for x in c.calls()), "no disk is touched")
f = Cluster()
good(f.deploy("-y"), "once more from nothing")
good(f.deploy("-y", "--abort", topology=None), "and back")
tap.is_((f.state()["objects"], set(map(len, f.state()["nodes"].values()))), ({}, {0}),
        "nothing is left")

shutil.rmtree(work)
tap.done()
