#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole service on a real node: brickyardd with the local executor, bricks
as XFS images in a directory, a real GlusterFS volume mounted through FUSE;
brickyardd is killed at random moments of creates and deletes, and afterwards
the node holds what the service says, and nothing else.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import lab
import hashlib
import http.client
import random
import re
import subprocess
import time

lab.require_root()
lab.require_loop_and_xfs()
lab.require_tools("glusterd", "gluster", "glusterfs", "ip", "mkfs.xfs")
if not os.path.exists("/dev/fuse"):
    tap.skip_all("no FUSE here")
lab.isolate("-n", "-p", "-f", "--kill-child", "--mount-proc")
from daemon import Daemon

HOST = "198.18.0.11"
MOUNTS = "/var/lib/heketi/mounts"
d = lab.workdir()


def private(path):
    own = d + "/node" + path
    os.makedirs(own)
    os.makedirs(path, exist_ok=True)
    lab.sh("mount", "--bind", own, path)


lab.sh("ip", "link", "set", "lo", "up")
lab.sh("ip", "addr", "add", HOST + "/24", "dev", "lo")
for p in "/var/lib/glusterd", "/var/log/glusterfs", "/var/lib/heketi", "/var/lib/brickyard":
    private(p)
lab.sh("mount", "-t", "tmpfs", "tmpfs", "/run")
os.mkdir("/run/gluster")
subprocess.Popen(["glusterd", "-N", "--pid-file=/run/glusterd.pid"],
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

os.mkdir(d + "/dev")
open(d + "/fstab", "w").close()
b = Daemon(executor="local", dir=d + "/b" if os.mkdir(d + "/b") is None else None,
           config={"executors": {"local": {"fstab": d + "/fstab", "any_host": True,
                                           "directory_reserve_mb": 16}}})


def gluster_volumes():
    return lab.sh("gluster", "--mode=script", "volume", "list").split() \
        if "No volumes" not in lab.sh("gluster", "--mode=script", "volume",
                                      "info", check=False) else []


def images():
    return sorted(f for _, _, fs in os.walk(d + "/dev") for f in fs
                  if not f.startswith("."))


def audit(when):
    """What the node holds is what the service says."""
    volumes = [b.json("GET", "/volumes/" + v)
               for v in b.json("GET", "/volumes")["volumes"]]
    bricks = [x for v in volumes for x in v["bricks"]]
    with open(d + "/fstab") as f:
        fstab = f.read()
    good = tap.is_(sorted(re.findall(r"brick_([0-9a-f]{32})\.img", " ".join(images()))),
                   sorted(x["id"] for x in bricks), "%s: images are the bricks'" % when)
    good &= tap.is_(sorted(lab.mounts_below(MOUNTS)),
                    sorted(x["path"][:-len("/brick")] for x in bricks),
                    "%s: mounts are the bricks'" % when)
    good &= tap.is_(len(fstab.splitlines()), len(bricks), "%s: so are fstab lines" % when)
    good &= tap.is_(len(lab.loops_on(d + "/dev")), len(bricks), "%s: and loop devices" % when)
    good &= tap.is_(sorted(v for v in gluster_volumes() if v), sorted(v["name"] for v in volumes),
                    "%s: gluster has the service's volumes" % when)
    if not good:
        tap.diag(*b.log().splitlines()[-25:])


node = None
cluster = b.cluster()
body = {"zone": 1, "cluster": cluster, "hostnames": {"manage": ["localhost"], "storage": [HOST]}}
for _ in range(100):            # until glusterd answers
    status, _, reply = b.run("POST", "/nodes", body)
    if status == 200:
        break
    time.sleep(0.2)
import json
tap.is_(status, 200, "a node is added") or tap.diag(reply)
node = json.loads(reply)["id"]
checks = b.json("GET", "/v1/nodes/%s/check" % node)["checks"]
tap.ok({"login": "ok", "glusterd": "ok", "mkfs": "ok"}.items() <= {c["check"]: c["verdict"] for c in checks}.items(),
       "it is fit, says a step that the executor does not have") or tap.diag(checks)
device = b.device(node, d + "/dev")
total = b.json("GET", "/devices/" + device)["storage"]
tap.ok(total["free"] > 3 << 20, "its directory has room for the test (%d KiB)" % total["free"])

status, _, reply = b.run("POST", "/volumes", {"size": 1, "name": "first", "gid": 2000})
tap.is_(status, 200, "a volume is created") or tap.diag(reply)
v = json.loads(reply)
at = d + "/at"
os.mkdir(at)
lab.sh("mount", "-t", "glusterfs", v["mount"]["glusterfs"]["device"], at)
data = os.urandom(5 << 20)
with open(at + "/file", "wb") as f:
    f.write(data)
with open(at + "/file", "rb") as f:
    tap.is_(hashlib.sha256(f.read()).hexdigest(), hashlib.sha256(data).hexdigest(),
            "what is written to its mount is read back")
audit("after a create")
status, _, reply = b.run("POST", "/volumes/%s/expand" % v["id"], {"expand_size": 1})
tap.is_(status, 200, "it is expanded") or tap.diag(reply)
with open(at + "/file", "rb") as f:
    tap.ok(f.read() == data, "its data is still there")
lab.sh("umount", at)
audit("after an expand")

# ---- what must not be taken, and leaves nothing behind
os.mkdir(d + "/other")
status, _, reply = b.run("POST", "/devices", {"node": node, "name": d + "/dev"})
tap.ok(status == 500 and b"Initializing device" in reply, "a directory is taken once") or tap.diag(status, reply)
status, _, reply = b.run("POST", "/devices", {"node": node, "name": d + "/none"})
tap.ok(status == 500, "one that is not there is refused") or tap.diag(status, reply)
status, _, reply = b.run("POST", "/volumes", {"size": 10**6})
tap.is_((status, reply), (500, b"Failed to allocate new volume: No space\n"), "too large is told at once")
audit("after refusals")

# ---- kill -9
seed = int(os.environ.get("BRICKYARD_TEST_SEED", random.randrange(10**6)))
rng = random.Random(seed)
tap.diag("seed %d" % seed)
accepted, deleted = [], []
for i in range(6):
    try:
        volumes = b.json("GET", "/volumes")["volumes"]
        if i % 3 == 2 and volumes:
            status, headers, _ = b.request("DELETE", "/volumes/" + volumes[-1])
            deleted.append(volumes[-1])
        else:
            status, headers, _ = b.request("POST", "/volumes", {"size": 1})
        if status == 202:
            accepted.append(headers["Location"])
        time.sleep(rng.uniform(0, 0.6))
    except (http.client.HTTPException, OSError) as e:
        tap.diag(e)
    b.kill9()
    b.start()
ends = [b.wait(q, 120)[0] for q in accepted]
# A volume may be made and, when that is asked for, deleted already.
tap.ok(accepted and set(ends) <= {200, 204, 404} and ends.count(404) <= len(deleted),
       "each accepted operation ends well after the kills") \
    or tap.diag(ends, *b.log().splitlines()[-25:])
audit("after six kills")

# ---- all away
for vid in b.json("GET", "/volumes")["volumes"]:
    status, _, reply = b.run("DELETE", "/volumes/" + vid)
    tap.is_(status, 204, "a volume is deleted") or tap.diag(reply)
audit("when all are deleted")
tap.is_(b.json("GET", "/devices/" + device)["storage"]["used"], 0, "no space stays used")
for state in "offline", "failed":
    b.run("POST", "/devices/%s/state" % device, {"state": state})
status, _, reply = b.run("DELETE", "/devices/" + device)
tap.is_(status, 204, "the device is deleted") or tap.diag(reply)
status, _, reply = b.run("DELETE", "/nodes/" + node)
tap.is_(status, 204, "and the node") or tap.diag(reply)
tap.is_(os.listdir(d + "/dev"), [], "the directory is empty again")
b.stop()
tap.done()
