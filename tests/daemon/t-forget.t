#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A failed device that can't be torn down is forgotten on request; and what may
be asked of states."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import tap
from daemon import Daemon

d = Daemon(config={"executors": {"simulated": {
    "faults": "device_teardown=fail:the disk is dead;"
              "device_forget@n1.stor=unreachable"}}})
c, ns, ds = d.topology(nodes=2)


def fail(device):
    for state in ("offline", "failed"):
        got = d.run("POST", "/devices/%s/state" % device, {"state": state})
        assert got[0] == 204, got


def state(kind, body):
    status, _, answer = d.request("POST", "/%s/state" % kind, body)
    return status, answer


tap.is_(d.run("DELETE", "/devices/" + ds[0])[::2],
        (400, b"device: %s is not in failed state\n" % ds[0].encode()),
        "a device in use is not deleted")
tap.is_(d.run("DELETE", "/devices/" + ds[0], {"forceforget": True})[0], 400,
        "nor forgotten")
for i in ds:
    fail(i)
status, _, body = d.run("DELETE", "/devices/" + ds[0])
tap.is_((status, body), (500, b"the disk is dead\n"),
        "one that can't be torn down stays")
tap.is_(d.run("DELETE", "/devices/" + ds[0], {"forceforget": False})[0], 500,
        "forceforget may be false")
tap.is_(d.request("DELETE", "/devices/" + ds[0], "{")[::2],
        (422, b"request unable to be parsed\n"), "a body must be JSON")
tap.is_(d.run("DELETE", "/devices/" + ds[0], {"forceforget": True})[0], 204,
        "forceforget takes it away")
tap.is_(d.request("GET", "/devices/" + ds[0])[0], 404, "it is gone")
tap.is_(d.run("DELETE", "/devices/" + ds[1], {"forceforget": True})[0], 204,
        "even where the node can't be reached")
tap.is_([len(d.json("GET", "/nodes/" + n)["devices"]) for n in ns], [0, 0],
        "no device is left")
tap.is_(len(d.device(ns[0])), 32, "what was forgotten can be added anew")

# heketi looks at the heal check first, and at the state only if that is fine.
for what, id_ in (("nodes", ns[0]), ("devices", ds[1])):
    kind = "%s/%s" % (what, id_)
    tap.is_(state(kind, {"state": "up", "healcheck": "maybe"}),
            (400, b"validation failed: healcheck: maybe is not valid heal "
             b"info check.\n"), "%s: healcheck first" % what)
    tap.is_(state(kind, {"state": "up", "healcheck": "enable"}),
            (400, b"validation failed: state: up is not valid state.\n"),
            "%s: then the state" % what)
    tap.is_(state(kind, {"healcheck": ""}),
            (400, b"validation failed: state: cannot be blank.\n"),
            "%s: which is needed" % what)
    tap.is_(state(kind, "null"),
            (400, b"validation failed: state: cannot be blank.\n"),
            "%s: null is an empty request" % what)
d.stop()
tap.done()
