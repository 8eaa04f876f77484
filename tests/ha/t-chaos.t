#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two minutes of chaos; BRICKYARD_CHAOS_SECONDS and BRICKYARD_TEST_SEED say
otherwise.  See chaos.py.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import chaos
import ha
import network

ha.require()
args = ["--seconds", os.environ.get("BRICKYARD_CHAOS_SECONDS", "120")]
if "BRICKYARD_TEST_SEED" in os.environ:
    args += ["--seed", os.environ["BRICKYARD_TEST_SEED"]]
run = chaos.chaos(args)
tap.ok(run.counts["operations"] > 0 and run.counts["checks"] > 0,
       "%d operations were made, and checked %d times"
       % (run.counts["operations"], run.counts["checks"]))
tap.ok(any(run.counts[what] for what in ("kill", "pause", "kill member",
                                         "freeze leader", "lose quorum")),
       "replicas and etcd were hurt")
if network.missing():
    tap.skip("packets were lost", network.missing() + ": connections to etcd "
             "were cut instead")
else:
    tap.ok(any(run.counts[what] for what in (
        "black hole", "hear nothing", "be unheard", "see one member",
        "lose the balancer", "part member", "part leader", "hide member",
        "part all")), "packets were lost")
if not tap.is_(run.violations[:10], [], "nothing was violated"):
    run.inst.tell(40)
run.inst.close()
tap.done()
