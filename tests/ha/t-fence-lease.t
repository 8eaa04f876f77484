#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A replica that is cut off from etcd stops its work on nodes before its lease
ends, though nothing there would fence it off: nobody else has touched them.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import time

import fencing
from audit import audit
from etcd import wait_for

LEASE_S = 3
inst = fencing.world(LEASE_S * 1000, "bricks_create=9000")
location = fencing.create(inst)
wait_for(lambda: fencing.nlvs(inst) > 0, 20)
tap.ok(fencing.nlvs(inst) > 0, "the replica works on nodes")
inst.stop(1)                        # nobody takes anything over
inst.partition(0, "hole")
time.sleep(LEASE_S + 0.2)
then = fencing.accounts(inst)
time.sleep(3)
tap.ok(fencing.accounts(inst) == then, "it does nothing to nodes after that")
made = inst.nodes_sql("SELECT count(*) FROM lvs WHERE dir IS NOT NULL")[0][0]
tap.ok(made < 3, "though there was more to do (%d of 3 bricks done)"
       % made)
tap.is_(inst.direct(0).request("GET", "/readyz")[0], 503,
        "it says that it is not ready")
inst.partition(0, "pass")
inst.cont(1)
status, _, _ = inst.direct(1).wait(location, 60)
tap.is_(status, 200, "when it is healed the operation ends well")
if not tap.is_(audit(inst.direct(0), inst.state), [], "all is well"):
    inst.tell(30)
inst.close()
tap.done()
