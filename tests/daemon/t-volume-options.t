#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Volume options that heketi takes for itself: how their values are read, and that
the last one counts.  Every blank but the first belongs to the value."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json

from daemon import Daemon

REPLICA_3 = {"type": "replicate", "replicate": {"replica": 3}}
NO_SPACE = "Failed to allocate new volume: No space"
BAD_RULE = "Failed to allocate new volume: Invalid tag matching rule: " \
    "Invalid tag match rule: "


def create(d, *options, **more):
    """Sizes of the bricks in KiB, or what is wrong."""
    status, _, body = d.run("POST", "/volumes", dict(
        {"size": 1, "glustervolumeoptions": options}, **more))
    if status != 200:
        return body.decode().strip()
    v = json.loads(body)
    tap.is_(v["glustervolumeoptions"], ["", *options, ""],
            "%s are stored as they were given" % (options,))
    return sorted(b["size"] for b in v["bricks"])


def zones(d, server):
    with_three = [1 << 20] * 3
    for value, strict in (
            ("none", False), ("strict", True), ("Strict", False), ("x", False),
            (" strict", False), ("strict ", False)):
        tap.is_(create(d, "user.heketi.zone-checking " + value,
                       durability=REPLICA_3),
                NO_SPACE if strict else with_three,
                "zone-checking '%s' where the server says %s" % (value, server))
    for options, strict in (
            ((), server == "strict"),
            ((" user.heketi.zone-checking strict",), server == "strict"),
            (("user.heketi.zone-checkings none",), server == "strict"),
            (("user.heketi.zone-checking strict",
              "user.heketi.zone-checking none"), False),
            (("user.heketi.zone-checking none",
              "user.heketi.zone-checking strict"), True)):
        tap.is_(create(d, *options, durability=REPLICA_3),
                NO_SPACE if strict else with_three,
                "%s where the server says %s" % (options, server))


def arbiters(d):
    key = "user.heketi.arbiter"
    small = [1 << 14] + [1 << 20] * 2
    for options, arbiter in (
            *(([key + " " + v], True) for v in
              ("1", "t", "T", "true", "TRUE", "True")),
            *(([key + " " + v], False) for v in
              ("0", "f", "false", "yes", "on", "tRUE", " true", "true ")),
            ([" " + key + " true"], False),
            ([key + " true", key + " no"], False),
            ([key + " 0", key + " 1"], True)):
        tap.is_(create(d, *options, durability=REPLICA_3),
                small if arbiter else [1 << 20] * 3, "arbiter: %s" % options)
    for replica, options, want in (
            ({}, [key + " 1"], small), ({"replica": 2}, [key + " 1"], small),
            ({"replica": 2}, [key + " 0"], [1 << 20] * 2),
            ({"replica": 1}, [key + " 1"], "For arbiter configuration, replica"
             " count must be 2 and arbiter count must be 1. The 3rd brick of"
             " the replica will be the arbiter")):
        tap.is_(create(d, *options, durability={
            "type": "replicate", "replicate": replica}), want,
            "%s, and %s: gluster's two ways to say it" % (replica, options))
    for kind, more, want in (
            ("none", {}, [1 << 20]),
            ("disperse", {"data": 2, "redundancy": 1}, [1 << 20] * 3)):
        tap.is_(create(d, key + " 1", size=2 if more else 1, durability={
            "type": kind, kind: more}), want, "no arbiter with " + kind)
    for value, kib in (("64", 16384), ("32", 32768), ("0", 16384),
                       ("x", 16384), ("-1", 16384), (" 32", 16384),
                       ("1048576", 16384), ("1", 1 << 20)):
        tap.is_(create(d, key + " true", "user.heketi.average-file-size " +
                       value, durability=REPLICA_3)[0], kib,
                "average-file-size '%s'" % value)
    tap.is_(create(d, key + " true", "user.heketi.average-file-size 1048577",
                   durability=REPLICA_3),
            "Failed to allocate new volume: Average file size (1048577) is "
            "greater than Brick size (1048576)", "larger than a brick")


def tags(d):
    key = "user.heketi.device-tag-match"
    for options, want in (
            ([key + " tier=fast"], NO_SPACE), ([key + " tier!=fast"], [1 << 20]),
            ([key + " x"], BAD_RULE + "x"),
            ([key + "  tier=fast"], BAD_RULE + " tier=fast"),
            ([key + " tier!=fast", key + " =x"], BAD_RULE + "=x"),
            ([" " + key + " tier=fast"], [1 << 20])):
        tap.is_(create(d, *options), want, "device-tag-match: %s" % options)


for server in ("none", "strict"):
    with_two = Daemon(config={"glusterfs": {"zone_checking": server}})
    try:
        c, _, _ = with_two.topology(nodes=0)
        for i in range(3):
            status, _, body = with_two.run("POST", "/nodes", {
                "zone": 1 + i % 2, "cluster": c, "hostnames": {
                    "manage": ["m%d" % i], "storage": ["s%d" % i]}})
            with_two.run("POST", "/devices", {
                "node": json.loads(body)["id"], "name": "/dev/sdb"})
        zones(with_two, server)
        if server == "none":
            arbiters(with_two)
            tags(with_two)
    finally:
        with_two.stop()
tap.done()
