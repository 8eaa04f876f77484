#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""brickyardd --copy-store: all of a store, from a file to etcd and back, served
from the copy; and what is refused.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import etcd
import tap
from audit import audit
from daemon import Daemon
from etcd import Proxy, wait_for

VOLUME = {"size": 1, "durability": {"type": "replicate",
                                    "replicate": {"replica": 3}}}
LEASED = ("replicas/", "duties/")
OWN = "commit"                  # what the etcd store keeps for itself

etcd.require()
work = tempfile.mkdtemp(prefix="copy-store-")
state = os.path.join(work, "nodes")
faults = os.path.join(work, "faults")
FILE = "sqlite:%s/db" % work
CONFIG = {"lease_ttl_ms": 2000, "shutdown_delay_ms": 0,
          "executors": {"simulated": {"state_file": state,
                                      "faults_file": faults}}}


def command(source, target, *more):
    return [os.path.join(tap.BUILDDIR, "brickyardd"), *more, "--copy-store",
            source, target]


def copy(source, target, *more):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("BRICKYARD_", "HEKETI_"))}
    r = subprocess.run(command(source, target, *more), capture_output=True,
                       text=True, env=env)
    return r.returncode, r.stdout, r.stderr


def refused(source, target, text, name, *more):
    code, out, err = copy(source, target, *more)
    tap.ok(code == 1 and out == "" and err.startswith("ERROR: ") and
           text in err, name) or tap.diag(code, out, err)


def everything(d):
    """What clients can see."""
    out = {}
    for kind in ("clusters", "volumes"):
        for i in d.json("GET", "/" + kind)[kind]:
            out[i] = d.json("GET", "/%s/%s" % (kind, i))
            for n in out[i].get("nodes", []):
                out[n] = d.json("GET", "/nodes/" + n)
    for op in d.json("GET", "/v1/operations")["operations"]:
        out[op["id"]] = op["status"], op["kind"], op["target"]
    out["mode"] = d.json("GET", "/admin")
    return out


def documents(e):
    return {k: v for k, v in e.keys().items()
            if k != OWN and not k.startswith(LEASED)}


def is_fixed(x):
    """Clusters and nodes show the volume that came after."""
    return not isinstance(x, dict) or not ("volumes" in x or "devices" in x)


e = etcd.Etcd(1)
d = Daemon(store=FILE, config=CONFIG)
_, nodes, _ = d.topology(nodes=4, devices=2)
for i in range(150):            # more than go into one commit
    status, h, _ = d.request("POST", "/volumes", VOLUME)
d.wait(h["Location"])
wait_for(lambda: all(o["status"] == "done" for o in d.json(
    "GET", "/v1/operations")["operations"]), 60)
refused(FILE, e.spec(), work, "a file that is being served is refused")
before = everything(d)
# One is under way when it stops.
with open(faults, "w") as f:
    f.write("volume_create=transient\n")
_, pending, _ = d.request("POST", "/volumes", VOLUME)
d.kill9()
os.unlink(faults)

refused("sqlite:%s/none" % work, e.spec(), "No such file",
        "a file that is not there is refused")
tap.ok(not os.path.exists(work + "/none"), "and not made")
refused("nfs:x", e.spec(), "unknown kind", "a kind of store that is none, too")
open(work + "/empty", "w").close()
refused("sqlite:%s/empty" % work, e.spec(), "nothing in it",
        "an empty store is not copied")
r = subprocess.run(command(FILE, e.spec())[:-1], capture_output=True,
                   text=True)
tap.ok(r.returncode == 255 and "copy to where?" in r.stderr,
       "a target is needed")
tap.is_(documents(e), {}, "the target is empty as yet")

# Killed in the middle: after the mark and a first batch.
seen = []


def hook(path, body):
    if path != "/v3/kv/txn":
        return None
    seen.append(path)
    return "hold" if len(seen) == 3 else None


proxy = Proxy(e.members[0].client, hook)
p = subprocess.Popen(command(FILE, "etcd:" + proxy.url),
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
tap.ok(wait_for(lambda: proxy.held, 30), "a copy is stopped in the middle")
p.kill()
p.wait()
half = documents(e)
tap.ok("admin/copying" in half and len(half) > 1, "some of it is there (%d)"
       % len(half))
refused(FILE, e.spec(), "did not come to its end: empty it",
        "the half copy is no target")
refused(e.spec(), "sqlite:%s/other" % work, "unfinished copy",
        "and no source")
try:
    half_daemon = Daemon(store=e.spec(), config=CONFIG)
    half_daemon.stop()
    tap.ok(False, "nobody serves from it")
except RuntimeError as why:
    tap.has(str(why), "did not come to its end: empty it",
            "nobody serves from it")
e.call("/v3/kv/deleterange", {"key": etcd.b64("/brickyard/v1/"),
                              "range_end": etcd.b64("/brickyard/v10")})

code, out, err = copy(FILE, e.spec())
tap.is_((code, err), (0, ""), "the file is copied to etcd")
keys = documents(e)
tap.has(out, "copied %d keys, " % len(keys), "as many as there are now")
tap.has(out, " 151 volumes/\n", "and says what")
tap.ok("admin/copying" not in keys, "without the mark")
refused(FILE, e.spec(), "it is not empty", "it is not copied twice")

d.stop()
d = Daemon(store=e.spec(), config=CONFIG)
status, _, _ = d.wait(pending["Location"])
tap.is_(status, 200, "what was under way is carried on from the copy")
after = everything(d)
tap.is_({i: after.get(i) for i in before if is_fixed(before[i])},
        {i: x for i, x in before.items() if is_fixed(x)},
        "clients see the same volumes and operations")
tap.is_(audit(d, state), [], "the nodes agree")
refused(e.spec(), "sqlite:%s/back" % work, "1 replicas are at work",
        "an etcd that is being served is refused")
d.request("POST", "/admin", {"state": "local-client"})
before = everything(d)
d.terminate()

tap.ok(wait_for(lambda: not any(k.startswith("replicas/") for k in e.keys()),
                30), "the replica is gone")
# With the configuration: another prefix has nothing.
conf = os.path.join(work, "other.json")
with open(conf, "w") as f:
    json.dump({"store_options": {"prefix": "/elsewhere/"}}, f)
refused(e.spec(), "sqlite:%s/back" % work, "nothing in it",
        "store_options count", "--config", conf)
# To a store that begins with what it ends with: nothing but documents.
code, out, err = copy(e.spec(), "sqlite:%s/back" % work)
tap.is_((code, err), (0, ""), "etcd is copied to a file")
d.stop()
d = Daemon(store="sqlite:%s/back" % work, config=CONFIG)
tap.is_(everything(d), before, "clients see the same, the admin mode too")
tap.is_(d.run("DELETE", "/volumes/" + d.json("GET", "/volumes")["volumes"][0])
        [0], 204, "and can change it")
tap.is_(audit(d, state), [], "the nodes agree")
d.stop()
e.stop()
shutil.rmtree(work)
tap.done()
