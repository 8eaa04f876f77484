#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""heketi's own Go client finds all that it knows: against one replica on an
embedded store, and against three behind a balancer."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import signal
import time

import golang
import ha
from daemon import ADMIN_KEY, Daemon, USER_KEY

TESTS = ("TestCluster|TestNode|TestNodeState|TestTags|TestDevice|TestTopology|"
         "TestVolumeDurabilities|TestVolumeLife|TestVolumeRefusals|"
         "TestVolumeClone|TestBlockVolumes|TestBrickEvict|TestSecrets|"
         "TestAdminStatus|TestLogLevel|TestOperations|TestDatabase|"
         "TestRetryAfterThrottle")
MANY = {"glusterfs": {"max_inflight_operations": 64}}
FEW = {"glusterfs": {"max_inflight_operations": 3}}
SLOW = "bricks_create=1000"

program = golang.build_tests("tests/conformance/go")


def run(port, tests, what):
    return golang.run(program, tests, {
        "BRICKYARD_URL": "http://127.0.0.1:%d" % port,
        "BRICKYARD_KEY": ADMIN_KEY, "BRICKYARD_USER_KEY": USER_KEY}, what)


def normal_again(ask, signalled):
    """SIGUSR2 ends a maintenance, on whichever replica."""
    signalled.process.send_signal(signal.SIGUSR2)
    deadline = time.monotonic() + 20
    while ask.json("GET", "/admin") != {"state": "normal"}:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def one():
    d = Daemon(auth=True, config=MANY)
    run(d.port, TESTS + "|TestManyAtOnce", "one: ")
    run(d.port, "TestReadOnly", "one: ")
    tap.ok(normal_again(d, d), "one: SIGUSR2 ends the maintenance")
    tap.is_(d.stop(), 0, "one: the daemon ends well")
    d = Daemon(auth=True, config=dict(
        FEW, executors={"simulated": {"latency": SLOW}}))
    run(d.port, "TestThrottle", "one: ")
    tap.is_(d.stop(), 0, "one: the daemon ends well")


def installation(config, **more):
    inst = ha.Installation(replicas=3, cables=False, config=config,
                           start=False, **more)
    for d in inst.replicas:
        d.auth = True
    inst.begin()
    return inst


def three():
    inst = installation(MANY)
    rc = run(inst.port, TESTS + "|TestManyAtOnce", "three: ")
    rc += run(inst.port, "TestReadOnly", "three: ")
    tap.ok(normal_again(inst.replicas[1], inst.replicas[0]),
           "three: SIGUSR2 to one ends the maintenance of all")
    if rc:
        inst.tell()
    inst.close()
    inst = installation(FEW, latency=SLOW)
    if run(inst.port, "TestThrottle", "three: "):
        inst.tell()
    inst.close()


one()
if ha.missing():
    tap.skip("three replicas behind a balancer", ha.missing())
else:
    three()
tap.done()
