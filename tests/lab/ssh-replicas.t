#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Three replicas drive the same real nodes; the one at work is killed with
SIGKILL in the middle of lvcreate, of mkfs, of `volume create` and of `volume
start`, before and after the tool did its work.  Another one finishes what it began; the
client that polls gets its volume, and the nodes hold what etcd says.  Then all of them
make twenty volumes at once, and delete, and expand.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import labtest
import time

# No node goes down here: the monitor's looks would be a tenth of all that the nodes do.
t = labtest.begin(count=3, disks=1, members=3, config={
    "lease_ttl_ms": 3000, "rebalance_on_expansion": False,      # glusterd sleeps for ten seconds in each
    "glusterfs": {"disable_monitor_gluster_nodes": True, "max_inflight_operations": 40}})
LVM, GLUSTER = "/usr/sbin/lvm", "/usr/sbin/gluster"
t.killed_in(LVM, "lvcreate", False)
t.killed_in(LVM, "lvcreate", True)
t.killed_in("/usr/sbin/mkfs.xfs", "", True)
t.killed_in(GLUSTER, "--mode=script --timeout=600 volume create", True)
t.killed_in(GLUSTER, "--mode=script --timeout=600 volume start", False)
t.killed_in(GLUSTER, "--mode=script --timeout=600 volume start", True)

# ---- twenty at once, through all replicas, on the same nodes

earlier = set(t.inst.docs("operations/"))
before = time.monotonic()
got = t.at_once([lambda i=i: t.call("POST", "/volumes", {"size": 1, "name": "crowd%d" % i}, client=t.inst.direct(i % 3, 300))
                 for i in range(20)])
tap.is_([s for s, _ in got], [200] * 20, "twenty volumes at once, by three replicas") or tap.diag(
    *[v for s, v in got if s != 200])
tap.diag("twenty at once: %.1f s" % (time.monotonic() - before))
owners = [op["owner"] for key, op in t.inst.docs("operations/").items() if key not in earlier]
tap.is_(sorted(map(owners.count, set(owners))), [6, 7, 7], "each of them drove its part on these nodes")
t.audit("twenty at once")
ids = t.volumes()
half, two = ids[:len(ids) // 2], ids[len(ids) // 2:][:2]
gone = t.at_once([lambda i=i, k=k: t.call("DELETE", "/volumes/" + i, client=t.inst.direct(k % 3, 300))
                  for k, i in enumerate(half)] +
                 [lambda i=i: t.call("POST", "/volumes/%s/expand" % i, {"expand_size": 1}) for i in two])
tap.is_([s for s, _ in gone], [204] * len(half) + [200] * len(two), "deletes and expands beside each other") or tap.diag(*gone)
t.audit("deletes and expands beside each other")
before = time.monotonic()
gone = t.at_once([lambda i=i: t.call("DELETE", "/volumes/" + i) for i in t.volumes()])
tap.is_({s for s, _ in gone}, {204}, "all the others are deleted at once") or tap.diag(*gone)
tap.diag("deleted: %.1f s" % (time.monotonic() - before))
t.audit("when all are gone")
t.end()
