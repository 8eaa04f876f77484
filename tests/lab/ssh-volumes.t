#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Volumes of every type on real nodes, over ssh, through three replicas behind
a balancer: created, mounted, written, expanded, listed, deleted, six at a time.
What the nodes hold is what etcd says.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import labtest
import lab
import time

# Nobody goes down here: the monitor's looks would be a tenth of all that the nodes do.
t = labtest.begin(count=6, disks=1, config={
    "glusterfs": {"brick_max_size_gb": 2, "max_inflight_operations": 40,
                  "disable_monitor_gluster_nodes": True},
    # glusterd sleeps for ten seconds in each, and all its other work waits.
    "rebalance_on_expansion": False})
t.audit("the topology")
alive = {}


def life(what, bricks, check=None, more=1, **body):
    """One volume from its creation to where it was expanded."""
    v = t.create(what, **body)
    if v is None:
        return
    tap.is_(len(v["bricks"]), bricks, what + ": it has %d bricks" % bricks)
    at = t.mount(v)
    sums = {n: labtest.fill(at, n) for n in ("one", "two")}
    if check:
        check(v, at)
    t.expand(v, more, what + ": it is expanded under its mount")
    want = body.get("size", 1) + more

    def size():
        room = os.statvfs(at)
        return room.f_blocks * room.f_frsize / 2**30
    # As soon as the client has heard of the new bricks.
    lab.wait_for(lambda: size() > want * 0.85, 60)
    tap.ok(want * 0.85 < size() < want * 1.1, what + ": the mount has %d GiB now" % want, size())
    sums["three"] = labtest.fill(at, "three")
    tap.is_({n: labtest.digest(at, n) for n in sums}, sums, what + ": what was written is read back")
    t.umount(at)
    alive[what] = v


def group(v, at):
    s = os.stat(at)
    tap.is_((s.st_gid, oct(s.st_mode & 0o7777)), (2345, "0o2775"), "gid: the mount has the group, its members may write")


def optioned(v, at):
    text = t.nodes.sh("node1", "gluster volume info " + v["name"])
    tap.has(text, "performance.io-cache: off", "volume options are set in gluster")


def three(v, at):
    tap.has(t.nodes.sh("node1", "gluster volume info " + v["name"]), "Number of Bricks: 1 x (2 + 1) = 3",
            "disperse 2+1 is what gluster says")


def arbiter(v, at):
    tap.has(t.nodes.sh("node1", "gluster volume info " + v["name"]), "Number of Bricks: 1 x (2 + 1) = 3",
            "arbiter 2+1 is what gluster says")


def six(v, at):
    tap.has(t.nodes.sh("node1", "gluster volume info " + v["name"]), "Number of Bricks: 1 x (4 + 2) = 6",
            "disperse 4+2 is what gluster says")


def replicate(n):
    return {"type": "replicate", "replicate": {"replica": n}}


def disperse(data, redundancy):
    return {"type": "disperse", "disperse": {"data": data, "redundancy": redundancy}}


# Each is a life of its own: they are lived beside each other.
LIVES = (
    lambda: life("disperse 4+2", 6, durability=disperse(4, 2), size=4, more=4, check=six),
    lambda: life("distribute", 2, size=3),
    lambda: life("replicate 2", 2, durability=replicate(2), gid=2345, check=group),
    lambda: life("replicate 3", 3, durability=replicate(3), name="named", glustervolumeoptions=["performance.io-cache off"],
                 check=optioned),
    lambda: life("arbiter", 3, durability=replicate(3), glustervolumeoptions=["user.heketi.arbiter true"], check=arbiter),
    lambda: life("disperse 2+1", 3, durability=disperse(2, 1), check=three, size=2, more=2))
before = time.monotonic()
t.at_once(LIVES)
tap.diag("lives of every type at once: %.1f s" % (time.monotonic() - before))
t.audit("all types, expanded")
listed = t.volumes()
tap.is_((len(alive), sorted(listed)), (len(LIVES), sorted(v["id"] for v in alive.values())), "they are listed, and nothing else")
before = time.monotonic()
t.at_once([lambda what=what, v=v: t.delete(v, what + ": it is deleted") for what, v in alive.items()])
tap.diag("deleted: %.1f s" % (time.monotonic() - before))
tap.is_(t.volumes(), [], "and no longer listed")
t.audit("all deleted")
t.end()
