#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""executor mock, as suites for heketi know it: it keeps nothing that a restart or a
database from elsewhere could contradict."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import os
import tempfile

import dumps
from daemon import Daemon

REPLICA_3 = {"type": "replicate", "replicate": {"replica": 3}}


def create(d, path="/volumes", **more):
    status, _, body = d.run("POST", path, dict(
        {"size": 2, "durability": REPLICA_3}, **more))
    return json.loads(body) if status == 200 else body.decode()


def after_a_restart():
    d = Daemon(executor="mock")
    _, nodes, devices = d.topology(nodes=4)
    old = create(d, name="old")
    host = create(d, name="host", size=20, block=True)
    block = create(d, "/blockvolumes", name="block")
    d.restart()
    tap.is_(d.json("GET", "/volumes/" + old["id"]), old, "a volume is there")
    new = create(d, name="new")
    tap.ok(isinstance(new, dict), "another is made") or tap.diag(new)
    status, _, body = d.run("POST", "/volumes/%s/expand" % old["id"],
                            {"expand_size": 3})
    tap.is_((status, json.loads(body)["size"]), (200, 5),
            "the old one is expanded")
    status, _, body = d.run("POST", "/bricks/to-evict/" +
                            old["bricks"][0]["id"])
    tap.is_(status, 204, "and has its bricks") or tap.diag(body)
    status, _, body = d.run("POST", "/blockvolumes/%s/expand" % block["id"],
                            {"new_size": 4})
    tap.is_((status, json.loads(body)["usablesize"]), (200, 4),
            "a block volume is expanded")
    tap.ok(isinstance(create(d, "/blockvolumes"), dict), "another is made")
    tap.is_(d.json("GET", "/volumes/" + host["id"])["blockinfo"]["freesize"],
            13, "on the old hosting volume")
    d.restart()
    status, _, _ = d.run("GET", "/devices/%s/resync" % devices[0])
    s = d.json("GET", "/devices/" + devices[0])["storage"]
    tap.is_((status, s["total"]), (204, 500 << 20), "a device is resynced")
    for v in d.json("GET", "/blockvolumes")["blockvolumes"]:
        tap.is_(d.run("DELETE", "/blockvolumes/" + v)[0], 204,
                "a block volume is deleted")
    for v in d.json("GET", "/volumes")["volumes"]:
        tap.is_(d.run("DELETE", "/volumes/" + v)[0], 204, "a volume is deleted")
    d.restart()
    for state in ("offline", "failed"):
        d.run("POST", "/devices/%s/state" % devices[0], {"state": state})
    tap.is_(d.run("DELETE", "/devices/" + devices[0])[0], 204,
            "a device is deleted")
    tap.is_(d.run("DELETE", "/nodes/" + nodes[0])[0], 204, "and its node")
    tap.is_(d.json("GET", "/operations")["total"], 0, "nothing is left over")
    d.stop()


def with_somebody_elses_database():
    with tempfile.TemporaryDirectory(prefix="mock-") as work:
        dump, store = os.path.join(work, "dump"), os.path.join(work, "db")
        with open(dump, "w") as f:
            f.write(dumps.text("block"))
        code, _, err = dumps.db("db", "import", "--jsonfile", dump, "--store",
                                "sqlite:" + store)
        tap.is_(code, 0, "a dump of heketi's is imported") or tap.diag(err)
        d = Daemon(executor="mock", store="sqlite:" + store)
        for i in d.json("GET", "/volumes")["volumes"]:
            v = d.json("GET", "/volumes/" + i)
            status, _, body = d.run("POST", "/volumes/%s/expand" % i,
                                    {"expand_size": 1})
            tap.is_(status, 200, v["name"] + " is expanded") or tap.diag(body)
        for i in d.json("GET", "/blockvolumes")["blockvolumes"]:
            size = d.json("GET", "/blockvolumes/" + i)["size"]
            tap.is_(d.run("POST", "/blockvolumes/%s/expand" % i,
                          {"new_size": size + 1})[0], 200,
                    "a block volume is expanded")
        node = d.json("GET", "/clusters/" + d.json("GET", "/clusters")
                      ["clusters"][0])["nodes"][0]
        device = d.json("GET", "/nodes/" + node)["devices"][0]["id"]
        v = create(d, durability={"type": "none"})
        tap.ok(isinstance(v, dict), "a volume is made") or tap.diag(v)
        status, _, body = d.run("GET", "/devices/%s/resync" % device)
        s = d.json("GET", "/devices/" + device)["storage"]
        tap.is_((status, s["free"] + s["used"]), (204, s["total"]),
                "a device has what it should have") or tap.diag(body, s)
        d.stop()


def whose_sets_nobody_knows():
    """Bricks are in order of their ids, so that a set may be on one node."""
    with tempfile.TemporaryDirectory(prefix="mock-") as work:
        dump, store = os.path.join(work, "dump"), os.path.join(work, "db")
        with open(dump, "w") as f:
            f.write(dumps.text("plain"))
        dumps.db("db", "import", "--jsonfile", dump, "--store",
                 "sqlite:" + store)
        d = Daemon(executor="mock", store="sqlite:" + store)
        i, = [i for i in d.json("GET", "/volumes")["volumes"]
              if d.json("GET", "/volumes/" + i)["name"] == "vol_a"]
        status, _, body = d.run("POST", "/volumes/%s/expand" % i,
                                {"expand_size": 10})
        tap.is_(status, 200, "a volume of several sets is expanded") or \
            tap.diag(body)
        tap.is_(d.run("DELETE", "/volumes/" + i)[0], 204, "and deleted")
        tap.is_(d.json("GET", "/db/check")["totalinconsistencies"], 0,
                "all is consistent")
        d.stop()


def larger_than_the_disks_are():
    with tempfile.TemporaryDirectory(prefix="mock-") as work:
        dump, store = os.path.join(work, "dump"), os.path.join(work, "db")
        j = json.loads(dumps.text("plain"))
        for e in j["deviceentries"].values():
            e["Info"]["storage"]["total"] += 2 << 30
            e["Info"]["storage"]["free"] += 2 << 30
        with open(dump, "w") as f:
            json.dump(j, f)
        dumps.db("db", "import", "--jsonfile", dump, "--store",
                 "sqlite:" + store)
        d = Daemon(executor="mock", store="sqlite:" + store)
        v = create(d, size=2000, durability={"type": "none"})
        tap.ok(isinstance(v, dict) and len(v["bricks"]) == 1, "disks of heketi's "
               "are as large as it says") or tap.diag(v)
        device = v["bricks"][0]["device"]
        d.run("GET", "/devices/%s/resync" % device)
        tap.is_(d.json("GET", "/devices/" + device)["storage"]["free"], 0,
                "or without any space, when they are asked")
        d.stop()


def simulated_nodes_know_better():
    d = Daemon(executor="simulated")
    d.topology(nodes=3)
    old = create(d)
    d.restart()
    tap.has(create(d), "not found", "simulated nodes are new after a restart")
    tap.is_(d.run("DELETE", "/volumes/" + old["id"])[0], 204,
            "and have no volumes any more")
    d.stop()


after_a_restart()
with_somebody_elses_database()
whose_sets_nobody_knows()
larger_than_the_disks_are()
simulated_nodes_know_better()
tap.done()
