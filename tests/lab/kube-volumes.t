#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The main cases on real nodes by the executor kubernetes: the nodes are pods of an
API server over TLS, three replicas run their scripts there by exec over
WebSockets.  Volumes are created, mounted, written, expanded and deleted, pods are
replaced, connections break in the middle, a replica is killed.  After each, what
the nodes hold is what etcd says.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap, kubeapi
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import labtest
import kubepods
import threading

kubeapi.require()
pods = kubepods.Pods()
t = labtest.begin(count=4, disks=1, max_sessions=100, config=pods.config)
THREE = {"type": "replicate", "replicate": {"replica": 3}}
TWO = {"type": "replicate", "replicate": {"replica": 2}}
LVM, MKFS = "/usr/sbin/lvm", "/usr/sbin/mkfs.xfs"
ALL = t.nodes.names


def hosts_of(v):
    """Names of the nodes that have its bricks."""
    nodes = t.inst.docs("nodes/")
    return sorted({nodes["nodes/" + b["node"]]["manage"][0] for b in v["bricks"]})


count, seen = pods.execs()
tap.ok(count > 0 and seen == {"glusterfs-%s-0" % n for n in ALL}, "the topology is loaded by execs in each node's pod") or \
    tap.diag(count, seen)
tap.is_(set(pods.api.chosen), {"v5.channel.k8s.io"}, "by version 5 of the protocol")
t.audit("the topology")

# ---- a volume's life

v = t.create("replicate 3", durability=THREE, gid=2345)
at = t.mount(v)
sums = {n: labtest.fill(at, n) for n in ("one", "two")}
s = os.stat(at)
tap.is_((s.st_gid, oct(s.st_mode & 0o7777)), (2345, "0o2775"), "the mount has the group, its members may write")
t.audit("replicate 3")
names = {n: pods.replace(n) for n in ALL}
w = t.expand(v, 1, "it is expanded under its mount, and its pods are others now")
fresh = hosts_of({"bricks": [b for b in w["bricks"] if b not in v["bricks"]]})
tap.ok(fresh and {names[n] for n in fresh} <= pods.execs()[1], "in these it was done") or tap.diag(fresh, names, pods.execs())
room = os.statvfs(at)
tap.ok(1.7 < room.f_blocks * room.f_frsize / 2**30 < 2.2, "the mount has 2 GiB now")
sums["three"] = labtest.fill(at, "three")
tap.is_({n: labtest.digest(at, n) for n in sums}, sums, "what was written is read back")
t.umount(at)
t.audit("expanded")

# ---- two at once, by the older protocol

pods.api.protocols = ["v4.channel.k8s.io"]
got = t.at_once([lambda i=i: t.call("POST", "/volumes", {"size": 1, "durability": TWO}) for i in range(2)])
tap.is_([s for s, _ in got], [200] * 2, "two volumes at once, by version 4 of the protocol") or tap.diag(*got)
tap.ok("v4.channel.k8s.io" in pods.api.chosen, "it was used")
pods.api.protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
t.audit("two at once")

# ---- the API server's connections break in the middle of a script

for n in ALL:
    t.nodes.trap(n, MKFS)
box = []
th = threading.Thread(target=lambda: box.append(t.call("POST", "/volumes", {"size": 1, "durability": TWO})))
th.start()
n = t.nodes.wait_trapped(ALL, "mkfs.xfs")
tap.ok(n is not None, "a create is in the middle of mkfs (on %s)" % n) or t.tell()
pods.api.drop_connections()
for x in ALL:
    t.nodes.release(x, MKFS)
th.join()
status, x = box[0]
tap.is_(status, 200, "its connections break: the create gets there all the same") or tap.diag(x)
t.audit("connections broken in the middle of a create", seconds=60)

# ---- a replica is killed in the middle of a script

t.killed_in(LVM, "lvcreate", True)

# ---- the end of all of them

gone = t.at_once([lambda i=i: t.call("DELETE", "/volumes/" + i) for i in t.volumes()])
tap.is_({s for s, _ in gone}, {204}, "all are deleted") or tap.diag(*gone)
t.audit("all deleted")
tap.diag("%d execs" % pods.execs()[0])
pods.end()
t.end()
