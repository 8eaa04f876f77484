#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Kubernetes' own GlusterFS provisioner, as it was, against three replicas; one
of them is killed while it makes twenty claims."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import threading

import golang
import ha
from audit import audit
from daemon import ADMIN_KEY, make_token
from etcd import wait_for

program = golang.build_tests("tests/conformance/go")
ha.require()
inst = ha.Installation(replicas=3, cables=False, start=False,
                       latency="bricks_create=300",
                       config={"glusterfs": {"max_inflight_operations": 64}})
for d in inst.replicas:
    d.auth = True
inst.begin()
env = {"BRICKYARD_URL": "http://127.0.0.1:%d" % inst.port,
       "BRICKYARD_KEY": ADMIN_KEY}

if golang.run(program, "TestProvisionerClasses|TestProvisionerMany", env):
    inst.tell()

half = os.path.join(inst.dir, "half")
hit = []


def kill_one():
    if wait_for(lambda: os.path.exists(half), 120):
        inst.kill9(0)
        hit.append(inst.replicas[1].port)


killer = threading.Thread(target=kill_one)
killer.start()
rc = golang.run(program, "TestProvisionerMany", dict(env, BRICKYARD_HALF=half),
                "a replica dies: ")
killer.join()
tap.ok(hit, "it died in the middle")
if rc:
    inst.tell()


class Admin(ha.Client):
    """With a token of the admin."""

    def request(self, method, path, body=None, headers=None):
        return super().request(method, path, body, {
            "Authorization": "bearer " + make_token(method, path.split("?")[0])})


c = Admin(inst.port)
tap.ok(wait_for(lambda: c.json("GET", "/operations")["in_flight"] == 0, 60),
       "in the end nothing is going on")
tap.is_(c.json("GET", "/volumes"), {"volumes": []}, "no volume is left")
tap.is_(audit(c, inst.state), [], "the nodes hold nothing of them")
inst.close()
tap.done()
