#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A replica is stopped between two changes of a node, and does not know how long
(its clock stood still): nodes answer FENCED, as another one was there.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import time

import fencing
from audit import audit
from etcd import wait_for

inst = fencing.world(5000, "bricks_create=3000", clocks=True)
location = fencing.create(inst)
wait_for(lambda: fencing.nlvs(inst) > 0, 20)
inst.partition(0, "hole")
inst.stop(0)
stopped = time.monotonic()
tap.ok(fencing.nlvs(inst) > 0 and fencing.operation(inst, location)["stage"] == 1,
       "it is stopped between two changes of a node")
fencing.finish_elsewhere(inst, location)
then = fencing.accounts(inst)
# As a virtual machine that was suspended: its clock stood still, and it
# believes in its lease, which it can't ask for.
inst.clocks.set(mono_ms=-int((time.monotonic() - stopped) * 1000))
inst.cont(0)
words = ": fenced: epoch 1 of operation %s is past" % location.split("/")[-1]
tap.ok(wait_for(lambda: words in inst.replicas[0].log(), 20),
       "nodes answer FENCED")
tap.ok(fencing.accounts(inst) == then, "and are as they were")
inst.clocks.set()
inst.partition(0, "pass")
fencing.comes_back(inst, location)
inst.close()
tap.done()
