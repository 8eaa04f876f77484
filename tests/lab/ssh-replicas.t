#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Three replicas drive the same real nodes; the one at work is killed with
SIGKILL in the middle of lvcreate, of mkfs, of `volume create` and of `volume
start`, before and after the tool did its work.  Another one finishes what it began; the
client that polls gets its volume, and the nodes hold what etcd says.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import labtest
import lab
import time

t = labtest.begin(count=3, disks=1, config={"lease_ttl_ms": 3000})
TWO = {"type": "replicate", "replicate": {"replica": 2}}
ALL = t.nodes.names



def wait_for_end(location, seconds=180):
    """Polls through whoever is ready, as a client that tries again does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            status, headers, data = t.lab.client(30).request("GET", location)
        except OSError:
            status = 503
        if status == 303:
            return t.call("GET", headers["Location"])
        if status not in (200, 503, 502, 504) or (status == 200 and headers.get("X-Pending") != "true"):
            return status, data
        time.sleep(0.2)
    return 0, "it did not end"


def killed_in(tool, word, after):
    what = "killed %s `%s %s`" % ("after" if after else "before", os.path.basename(tool), word)
    for n in ALL:
        t.nodes.trap(n, tool, word, after)
    status, headers, data = t.c.request("POST", "/volumes", {"size": 1, "durability": TWO})
    tap.is_(status, 202, what + ": a create is taken") or tap.diag(data)
    location = headers["Location"]
    n = t.nodes.wait_trapped(ALL, tool)
    tap.ok(n is not None, what + ": it is there (%s)" % n) or t.tell()
    i = t.owner_of(location.split("/")[-1])
    tap.ok(i is not None, what + ": its owner is known")
    if i is not None:
        t.inst.kill9(i)
        time.sleep(0.5)
    for x in ALL:
        t.nodes.release(x, tool)
    status, v = wait_for_end(location)
    if not tap.is_(status, 200, what + ": another replica finishes it"):
        tap.diag(v)
        t.tell()
    t.audit(what, seconds=60)
    if i is not None:
        t.inst.start(i)
        t.inst.wait_up(i)
    for x in ALL:
        t.nodes.forget_trap(x, tool)


LVM, GLUSTER = "/usr/sbin/lvm", "/usr/sbin/gluster"
killed_in(LVM, "lvcreate", False)
killed_in(LVM, "lvcreate", True)
killed_in("/usr/sbin/mkfs.xfs", "", True)
killed_in(GLUSTER, "--mode=script --timeout=600 volume create", True)
killed_in(GLUSTER, "--mode=script --timeout=600 volume start", False)
killed_in(GLUSTER, "--mode=script --timeout=600 volume start", True)

# ---- all replicas at work on the same nodes at once

before = time.monotonic()
got = t.at_once([lambda i=i: t.call("POST", "/volumes", {"size": 1, "durability": TWO},
                                    client=t.inst.direct(i % 3, 300)) for i in range(6)])
tap.is_([s for s, _ in got], [200] * 6, "two creates through each replica at once") or tap.diag(*got)
tap.diag("six at once: %.1f s" % (time.monotonic() - before))
t.audit("three replicas on the same nodes")
ids = t.volumes()
half = ids[:len(ids) // 2]
gone = t.at_once([lambda i=i, k=k: t.call("DELETE", "/volumes/" + i, client=t.inst.direct(k % 3, 300))
                  for k, i in enumerate(half)] +
                 [lambda i=i: t.call("POST", "/volumes/%s/expand" % i, {"expand_size": 1}) for i in ids[len(half):][:2]])
tap.is_([s for s, _ in gone], [204] * len(half) + [200] * len(ids[len(half):][:2]),
        "deletes and expands beside each other") or tap.diag(*gone)
t.audit("deletes and expands beside each other")
t.end()
