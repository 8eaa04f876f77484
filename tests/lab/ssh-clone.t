#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A volume with more than one brick on a node is cloned, while it is mounted and
written to; clone and source may go in any order.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import labtest

# No node goes down here: the monitor's looks would be a tenth of all that the nodes do.
t = labtest.begin(count=3, disks=1, config={"glusterfs": {"disable_monitor_gluster_nodes": True}})
v = t.create("to be cloned", durability={"type": "replicate", "replicate": {"replica": 3}})
t.expand(v, 1, "the volume gets a second set")
nodes = [b["node"] for b in t.c.json("GET", "/volumes/" + v["id"])["bricks"]]
tap.ok(len(set(nodes)) < len(nodes), "a node has two of its bricks") or tap.diag(nodes)
at = t.mount(v)
sums = {"one": labtest.fill(at, "one"), "two": labtest.fill(at, "two")}


def clone(name):
    status, c = t.call("POST", "/volumes/%s/clone" % v["id"], {"name": name})
    if not tap.is_(status, 200, "the volume is cloned: " + name):
        tap.diag(c)
        t.tell()
        t.end()
    return c


def has_it(c, what):
    at2 = t.mount(c)
    tap.is_({n: labtest.digest(at2, n) for n in sums}, sums, what)
    t.umount(at2)


first = clone("first")
labtest.fill(at, "one", 1)
has_it(first, "the clone has what was there, not what came later")
sums["one"] = labtest.digest(at, "one")
second = clone("second")
has_it(second, "so has another")
t.umount(at)
t.audit("two clones")
t.delete(first, "a clone is deleted before its source")
t.audit("the clone is gone")
t.delete(v, "the source is deleted before a clone")
t.audit("the source is gone")
has_it(second, "its clone has all")
t.delete(second, "the last in the pools is deleted")
t.audit("all gone")
t.end()
