#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A replica did its work on nodes in time, but its commit comes late, when another
one has taken the operation over: the commit is refused, the run abandoned.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap

import time

import fencing
from audit import audit
from etcd import wait_for

inst = fencing.world(5000, "volume_create=2000")
location = fencing.create(inst)
op = location.split("/")[-1]
wait_for(lambda: inst.docs("operations/")["operations/" + op]["stage"] == 2, 20)
time.sleep(0.5)                     # it may not have heard of its own commit yet
inst.partition(0, "hole")
done = wait_for(lambda: inst.nodes_sql("SELECT count(*) FROM volumes")[0][0],
                20)
doc = inst.docs("operations/")["operations/" + op]
tap.is_((done, doc["epoch"], doc["status"]), (1, 1, "running"),
        "the work is done in time, the commit is on its way")
fencing.finish_elsewhere(inst, location)
before = inst.docs("volumes/")
inst.partition(0, "pass")           # what is under way arrives now
tap.ok(wait_for(lambda: ": left at stage " in inst.replicas[0].log(), 30),
       "the run is abandoned")
tap.is_(inst.docs("volumes/"), before, "the commit was refused")
fencing.comes_back(inst, location)
inst.close()
tap.done()
