#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clocks that jump do no harm: wall time decides nothing between replicas, and
a monotonic clock that lies costs no more than a lease.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import time

import fencing
import ha
from audit import audit
from etcd import wait_for

DAY_MS = 24 * 3600 * 1000
inst = fencing.world(3000, "volume_create=1500", clocks=True)
a, b = inst.direct(0), inst.direct(1)
VOLUME = {"size": 1, "durability": {"type": "replicate",
                                    "replicate": {"replica": 3}}}


def lost():
    return inst.replicas[0].log().count("the lease is lost")


def is_ready():
    """On a new connection: to the server, old ones have been idle for long."""
    try:
        return inst.direct(0).request("GET", "/readyz")[0] == 200
    except ha.LOST:
        return False


def start():
    status, headers, body = inst.direct(0).request("POST", "/volumes", VOLUME)
    tap.is_(status, 202, "a create begins")
    return headers["Location"]


# ---- wall time ----

rid = inst.replica_id(0)
known = [start()]
b.wait(known[0], 30)                # has ended when the clock jumps
for days in (3, -3):
    known.append(start())
    inst.clocks.set(wall_ms=days * DAY_MS)
    known.append(start())
    tap.is_([b.wait(w, 30)[0] for w in known[-2:]], [200, 200],
            "%+d days: they end well" % days)
    time.sleep(3)                   # those who forget look every second
    tap.is_([x.request("GET", w)[0] for w in known for x in (a, b)],
            [303] * 2 * len(known), "%+d days: no result is forgotten" % days)
inst.clocks.set()
tap.is_((lost(), inst.replica_id(0)), (0, rid), "no lease was lost over it")

# ---- the monotonic clock goes ahead ----

where = start()
inst.clocks.set(mono_ms=3600 * 1000)
status, _, _ = b.wait(where, 60)
tap.is_(status, 200, "an hour ahead: the operation ends well")
tap.ok(wait_for(is_ready, 30),
       "an hour ahead: the replica is ready again")
tap.ok(lost() >= 1, "an hour ahead: it took its lease for lost")

# ---- it goes back: the replica renews its lease too late ----

where = start()
inst.clocks.set(mono_ms=3600 * 1000 - 8000)
status, _, _ = b.wait(where, 60)
tap.is_(status, 200, "it goes back: the operation ends well")
tap.ok(wait_for(is_ready, 40),
       "it goes back: the replica is ready again")
status, _, _ = inst.direct(0).run("POST", "/volumes", VOLUME)
tap.is_(status, 200, "it goes back: and works")
if not tap.is_(audit(b, inst.state), [], "all is well"):
    inst.tell(30)
inst.close()
tap.done()
