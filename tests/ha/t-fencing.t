#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A replica that is cut off or stopped while it works, and comes back when
another one has finished its operation, does no harm.  Three defences, and each
of them alone: the other two are taken away by how the test is made.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import mmap
import struct
import subprocess
import time

import ha
from audit import audit
from etcd import Etcd, wait_for

SHIM = os.path.join(tap.BUILDDIR, "tests", "ha", ".libs", "clock-shim.so")
CREATE = {"size": 2, "name": "it", "durability": {
    "type": "replicate", "replicate": {"replica": 3}}}


class Clocks:
    """Of the replicas that are started with .env: offsets in ms."""

    def __init__(self, directory):
        path = os.path.join(directory, "clocks")
        with open(path, "wb") as f:
            f.write(bytes(16))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 16)
        self.env = {"LD_PRELOAD": SHIM, "CLOCK_SHIM": path}

    def set(self, wall_ms=0, mono_ms=0):
        self.map[:] = struct.pack("qq", wall_ms, mono_ms)


def accounts(inst):
    r = subprocess.run([os.path.join(tap.BUILDDIR, "brickyard-simulated"),
                        "accounts", inst.state], capture_output=True)
    return json.loads(r.stdout)


def nlvs(inst):
    return inst.nodes_sql("SELECT count(*) FROM lvs")[0][0]


def world(lease_ms, latency, clocks=False):
    """Two replicas; the steps of the first take their time."""
    inst = ha.Installation(
        replicas=2, etcd=ETCD, start=False, config={
            "lease_ttl_ms": lease_ms, "store_options": {
                "prefix": "/brickyard-%d/v1/" % len(WORLDS)}},
        each=lambda i: {"executors": {"simulated": {
            "latency": latency if i == 0 else ""}}})
    inst.clocks = Clocks(inst.dir)
    if clocks:
        inst.replicas[0].env.update(inst.clocks.env)
    inst.begin()
    WORLDS.append(inst)
    inst.direct(1).topology(nodes=3)
    return inst


def create(inst):
    status, headers, body = inst.direct(0).request("POST", "/volumes", CREATE)
    assert status == 202, (status, body)
    return headers["Location"]


def operation(inst, location):
    return inst.direct(1).json("GET", "/v1/operations/" +
                               location.split("/")[-1])


def finish_elsewhere(inst, location):
    """The other one takes it over, and the volume is deleted again, so that
    whatever the first one still does is too much."""
    status, _, body = inst.direct(1).wait(location, 60)
    tap.is_(status, 200, "another replica finishes the operation")
    tap.is_(operation(inst, location)["epoch"], 2, "in epoch 2")
    volume = json.loads(body)["id"]
    tap.is_(inst.direct(1).run("DELETE", "/volumes/" + volume)[0], 204,
            "and the volume is deleted again")


def comes_back(inst, location, what):
    """The first one is a good replica again."""
    tap.ok(wait_for(lambda: inst.replica_id(0) is not None, 30) and
           wait_for(lambda: inst.direct(0).request("GET", "/readyz")[0] == 200,
                    30), "%s: it is ready again" % what)
    op = operation(inst, location)
    tap.is_((op["status"], op["epoch"]), ("done", 2),
            "%s: the operation is as the other one left it" % what)
    status, _, _ = inst.direct(0).wait(location, 30)
    tap.is_(status, 404, "%s: and its volume is gone for both" % what)
    if not tap.is_(audit(inst.direct(0), inst.state), [],
                   "%s: nothing is left behind" % what):
        inst.tell(30)
    status, _, _ = inst.direct(0).run("POST", "/volumes",
                                      dict(CREATE, name="next"))
    tap.is_(status, 200, "%s: it makes the next volume" % what)


ha.require()
ETCD = Etcd(1)
WORLDS = []

# ---- the lease's deadline: nobody else is there to fence it off ----

what = "lease deadline"
LEASE_S = 3
inst = world(LEASE_S * 1000, "bricks_create=12000")
location = create(inst)
wait_for(lambda: nlvs(inst) > 0, 20)
tap.ok(nlvs(inst) > 0, what + ": the replica works on nodes")
inst.stop(1)                        # nobody takes anything over
inst.partition(0, "hole")
time.sleep(LEASE_S + 0.2)
then = accounts(inst)
time.sleep(4)
tap.ok(accounts(inst) == then, what + ": it does nothing to nodes after that")
made = inst.nodes_sql("SELECT count(*) FROM lvs WHERE dir IS NOT NULL")[0][0]
tap.ok(made < 3, what + ": though there was more to do (%d of 3 bricks done)"
       % made)
tap.is_(inst.direct(0).request("GET", "/readyz")[0], 503,
        what + ": it says that it is not ready")
inst.partition(0, "pass")
inst.cont(1)
status, _, _ = inst.direct(1).wait(location, 60)
tap.is_(status, 200, what + ": when it is healed the operation ends well")
if not tap.is_(audit(inst.direct(0), inst.state), [], what + ": all is well"):
    inst.tell(30)
inst.close()

# ---- guarded commits: the work on nodes is done, the commit is late ----

what = "guarded commits"
inst = world(6000, "volume_create=1000")
location = create(inst)
op = location.split("/")[-1]
wait_for(lambda: inst.docs("operations/")["operations/" + op]["stage"] == 2, 20)
inst.partition(0, "hole")
done = wait_for(lambda: inst.nodes_sql("SELECT count(*) FROM volumes")[0][0],
                20)
doc = inst.docs("operations/")["operations/" + op]
tap.is_((done, doc["epoch"], doc["status"]), (1, 1, "running"),
        what + ": the work is done in time, the commit is on its way")
finish_elsewhere(inst, location)
before = inst.docs("volumes/")
inst.partition(0, "pass")           # what is under way arrives now
tap.ok(wait_for(lambda: ": left at stage " in inst.replicas[0].log(), 30),
       what + ": the run is abandoned")
tap.is_(inst.docs("volumes/"), before, what + ": the commit was refused")
comes_back(inst, location, what)
inst.close()

# ---- the epoch on the node: it does not know that time has passed ----

what = "epoch on the node"
inst = world(6000, "bricks_create=3000", clocks=True)
location = create(inst)
wait_for(lambda: nlvs(inst) > 0, 20)
inst.partition(0, "hole")
inst.stop(0)
stopped = time.monotonic()
tap.ok(nlvs(inst) > 0 and operation(inst, location)["stage"] == 1,
       what + ": it is stopped between two changes of a node")
finish_elsewhere(inst, location)
then = accounts(inst)
# As a virtual machine that was suspended: its clock stood still, and it
# believes in its lease, which it can't ask for.
inst.clocks.set(mono_ms=-int((time.monotonic() - stopped) * 1000))
inst.cont(0)
words = ": fenced: epoch 1 of operation %s is past" % location.split("/")[-1]
tap.ok(wait_for(lambda: words in inst.replicas[0].log(), 20),
       what + ": nodes answer FENCED")
tap.ok(accounts(inst) == then, what + ": and are as they were")
inst.clocks.set()
inst.partition(0, "pass")
comes_back(inst, location, what)
inst.close()
tap.done()
