#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""While a device or a node is removed, clients see heketi's two operations: one
for the device, and below it one for the brick that is moved."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import tap
from daemon import Daemon

d = Daemon(config={"executors": {"simulated": {
    "latency": "brick_replace=4000"}}})


def until(what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.05)
    return what()


def pending():
    return d.json("GET", "/operations/pending")["pendingoperations"]


def changes(i):
    got = d.json("GET", "/operations/pending/" + i)
    return got["type_name"], {(c["description"], c["id"])
                              for c in got["changes"]}, \
        [c["description"] for c in got["changes"]]


def in_hand():
    """The two, as soon as the new brick is chosen."""
    l = {x["type_name"]: x["id"] for x in pending()}
    if len(l) == 2 and len(changes(l["evict-brick"])[2]) == 3:
        return l
    return None


c, nodes, devices = d.topology(nodes=4)
status, _, body = d.run("POST", "/volumes", {
    "size": 1, "durability": {"type": "replicate", "replicate": {"replica": 3}}})
tap.is_(status, 200, "(a volume)")
for kind, find in (("devices", lambda b: b["device"]),
                   ("nodes", lambda b: b["node"])):
    bricks = d.json("GET", "/db/dump")["brickentries"].values()
    old = sorted(bricks, key=lambda b: b["Info"]["id"])[0]["Info"]
    i = find(old)
    tap.is_(d.run("POST", "/%s/%s/state" % (kind, i),
                  {"state": "offline"})[0], 204, "%s: (offline)" % kind)
    status, headers, _ = d.request("POST", "/%s/%s/state" % (kind, i),
                                   {"state": "failed"})
    tap.is_(status, 202, "%s: (remove)" % kind)
    ops = until(in_hand)
    if not tap.ok(ops, "%s: two operations are pending" % kind):
        tap.diag(pending())
        break
    parent, child = ops["remove-device"], ops["evict-brick"]
    tap.is_([x["id"] for x in pending()], sorted([parent, child]),
            "in order of their ids")
    tap.is_([x["sub_status"] for x in pending()], ["", ""],
            "neither is said to be in flight, as in heketi")
    tap.is_(changes(parent)[::2], (
        "remove-device", ["Remove device", "Performing child operation"]),
        "the one of the device")
    tap.is_(changes(parent)[1], {
        ("Remove device", old["device"]),
        ("Performing child operation", child)}, "says which")
    name, all_, order = changes(child)
    tap.is_((name, order), ("evict-brick", [
        "Delete brick", "Belongs to parent operation", "Add brick"]),
        "and the one of the brick")
    dump = d.json("GET", "/db/dump")
    new = [x for x in all_ if x[0] == "Add brick"][0][1]
    tap.is_(all_, {("Delete brick", old["id"]), ("Add brick", new),
                   ("Belongs to parent operation", parent)}, "says which")
    tap.is_({k: v["Pending"]["Id"] for k, v in dump["brickentries"].items()
             if v["Pending"]["Id"]}, {old["id"]: child, new: child},
            "the dump has both bricks with the child")
    tap.is_({k: (v["Type"], [a["Change"] for a in v["Actions"]])
             for k, v in dump["pendingoperations"].items()},
            {parent: (6, [8, 12]), child: (8, [3, 13, 1])},
            "and both operations")
    tap.is_([(name, i) for name in ("volumeentries", "deviceentries")
             for i, e in dump[name].items() if new in e["Bricks"]], [],
            "nobody lists the new one before it has the old one's place")
    where = dump["brickentries"][new]["Info"]["device"]
    tap.ok(new not in [b["id"] for b in d.json("GET", "/devices/" + where)
                       ["bricks"]], "nor does its device")
    check = d.json("GET", "/db/check")
    tap.is_((check["bricks"]["inconsistencies"],
             check["pendingoperations"]["inconsistencies"],
             check["totalinconsistencies"], check["pendingoperations"]["total"],
             check["bricks"]["pending"]), (None, None, 0, 2, 2), "which is consistent")
    counts = d.json("GET", "/operations")
    tap.is_((counts["total"], counts["new"], counts["in_flight"]), (2, 2, 1),
            "both are counted, one works")
    tap.is_(d.run("POST", "/operations/pending/cleanup",
                  {"operations": [child]})[0], 204,
            "a child is not cleaned up by itself")
    tap.is_({x["id"] for x in pending()}, {parent, child}, "it is still there")
    status, _, body = d.wait(headers["Location"])
    tap.is_((status, body), (204, b""), "%s: removed in the end" % kind)
    tap.is_(pending(), [], "and nothing is pending")
    tap.is_(d.request("GET", "/operations/pending/" + child)[::2],
            (404, ("Id not found: %s\n" % child).encode()), "nor is the child")
    if kind == "devices":
        d.device(nodes[devices.index(i)], "/dev/sdz")
d.stop()
tap.done()
