#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Volumes of every type on real nodes, over ssh, through three replicas behind
a balancer: created, mounted, written, expanded, deleted; and many at once.
After each, what the nodes hold is what etcd says.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import labtest
import time

FIRST = ["node1", "node2", "node3", "node4"]
t = labtest.begin(count=6, disks=1, nodes=FIRST, config={
    "glusterfs": {"brick_max_size_gb": 2, "max_inflight_operations": 40}})
t.audit("the topology")


def life(what, bricks, options=(), check=None, more=1, **body):
    """One volume from its creation to its end."""
    v = t.create(what, **body)
    if v is None:
        return
    tap.is_(len(v["bricks"]), bricks, what + ": it has %d bricks" % bricks)
    at = t.mount(v)
    sums = {n: labtest.fill(at, n) for n in ("one", "two")}
    if check:
        check(v, at)
    t.expand(v, more, what + ": it is expanded under its mount")
    room = os.statvfs(at)
    size = room.f_blocks * room.f_frsize / 2**30
    want = body.get("size", 1) + more
    tap.ok(want * 0.85 < size < want * 1.1, what + ": the mount has %d GiB now" % want) or tap.diag(size)
    sums["three"] = labtest.fill(at, "three")
    tap.is_({n: labtest.digest(at, n) for n in sums}, sums, what + ": what was written is read back")
    t.umount(at)
    t.audit(what + " expanded")
    tap.ok(v["id"] in t.volumes(), what + ": it is listed")
    t.delete(v, what + ": it is deleted")
    tap.ok(v["id"] not in t.volumes(), what + ": and no longer listed")


def group(v, at):
    s = os.stat(at)
    tap.is_((s.st_gid, oct(s.st_mode & 0o7777)), (2345, "0o2775"), "gid: the mount has the group, its members may write")


def optioned(v, at):
    text = t.nodes.sh("node1", "gluster volume info " + v["name"])
    tap.has(text, "performance.io-cache: off", "volume options are set in gluster")


def disperse(v, at):
    tap.has(t.nodes.sh("node1", "gluster volume info " + v["name"]), "Number of Bricks: 1 x (2 + 1) = 3",
            "disperse 2+1 is what gluster says")


def arbiter(v, at):
    tap.has(t.nodes.sh("node1", "gluster volume info " + v["name"]), "Number of Bricks: 1 x (2 + 1) = 3",
            "arbiter 2+1 is what gluster says")


life("distribute", 2, size=3)
life("replicate 2", 2, durability={"type": "replicate", "replicate": {"replica": 2}}, gid=2345, check=group)
life("replicate 3", 3, durability={"type": "replicate", "replicate": {"replica": 3}}, name="named",
     glustervolumeoptions=["performance.io-cache off"], check=optioned)
life("arbiter", 3, durability={"type": "replicate", "replicate": {"replica": 3}},
     glustervolumeoptions=["user.heketi.arbiter true"], check=arbiter)
life("disperse 2+1", 3, durability={"type": "disperse", "disperse": {"data": 2, "redundancy": 1}}, check=disperse, size=2, more=2)
t.audit("all deleted")

# ---- two more nodes for a set of six
cluster = t.c.json("GET", "/clusters")["clusters"][0]
for n in "node5", "node6":
    status, node = t.call("POST", "/nodes", {"zone": 5, "cluster": cluster, "hostnames": {
        "manage": [n], "storage": [t.nodes.addresses[n]]}})
    tap.is_(status, 200, n + " joins") or tap.diag(node)
    for disk in t.nodes.disk_names():
        status, reply = t.call("POST", "/devices", {"node": node["id"], "name": "/dev/" + disk})
        tap.is_(status, 204, "with " + disk) or tap.diag(reply)
life("disperse 4+2", 6, durability={"type": "disperse", "disperse": {"data": 4, "redundancy": 2}}, size=4, more=4)
t.audit("six nodes")

# ---- twenty at once
before = time.monotonic()
got = t.at_once([lambda i=i: t.call("POST", "/volumes", {
    "size": 1, "name": "crowd%d" % i})
    for i in range(20)])
tap.is_([s for s, _ in got], [200] * 20, "twenty volumes at once") or tap.diag(*[v for s, v in got if s != 200])
tap.diag("twenty at once: %.1f s" % (time.monotonic() - before))
t.audit("twenty at once")
before = time.monotonic()
gone = t.at_once([lambda i=i: t.call("DELETE", "/volumes/" + i) for i in t.volumes()])
tap.is_({s for s, _ in gone}, {204}, "all deleted at once") or tap.diag(*gone)
tap.diag("deleted: %.1f s" % (time.monotonic() - before))
t.audit("when all are gone")
t.end()
