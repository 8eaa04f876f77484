# SPDX-License-Identifier: GPL-2.0-or-later
"""Two replicas, the first of which is to be fenced: it is stopped or cut off
while it works, and comes back when the other one has finished its operation.
Three defences stop it; each test takes the other two away by how it is made."""
import json
import mmap
import os
import struct
import subprocess

import ha
import tap
from audit import audit
from etcd import wait_for

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
    ha.require()
    inst = ha.Installation(
        replicas=2, members=1, start=False, config={"lease_ttl_ms": lease_ms},
        each=lambda i: {"executors": {"simulated": {
            "latency": latency if i == 0 else ""}}})
    inst.clocks = Clocks(inst.dir)
    if clocks:
        inst.replicas[0].env.update(inst.clocks.env)
    inst.begin()
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


def comes_back(inst, location):
    """The first one is a good replica again."""
    tap.ok(wait_for(lambda: inst.replica_id(0) is not None, 30) and
           wait_for(lambda: inst.direct(0).request("GET", "/readyz")[0] == 200,
                    30), "it is ready again")
    op = operation(inst, location)
    tap.is_((op["status"], op["epoch"]), ("done", 2),
            "the operation is as the other one left it")
    status, _, _ = inst.direct(0).wait(location, 30)
    tap.is_(status, 404, "and its volume is gone for both")
    if not tap.is_(audit(inst.direct(0), inst.state), [],
                   "nothing is left behind"):
        inst.tell(30)
    status, _, _ = inst.direct(0).run("POST", "/volumes",
                                      dict(CREATE, name="next"))
    tap.is_(status, 200, "it makes the next volume")
