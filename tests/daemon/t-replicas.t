#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Replicas know of each other, and say who owns what."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import etcd
import tap
from etcd import wait_for
from replicas import Replicas

VOLUME = {"size": 1, "durability": {"type": "replicate",
                                    "replicate": {"replica": 3}}}


def listed(d):
    return {r["listen"]: r for r in
            d.json("GET", "/v1/replicas")["replicas"]}


def open_operations(d):
    return [o for o in d.json("GET", "/v1/operations")["operations"]
            if o["status"] not in ("done", "failed")]


etcd.require()
with Replicas(3) as r:
    r[0].topology()
    addresses = {"127.0.0.1:%d" % d.port for d in r}
    for i, d in enumerate(r):
        all_ = listed(d)
        tap.is_(set(all_), addresses, "replica %d lists all three" % i)
        self_ = [a for a, x in all_.items() if x["self"]]
        tap.is_(self_, ["127.0.0.1:%d" % d.port], "and knows itself")
        tap.is_([a for a, x in all_.items() if "counters" in x], self_,
                "and counts for itself only")
    one = listed(r[0])["127.0.0.1:%d" % r[1].port]
    tap.is_(one["pid"], r[1].process.pid, "with the process")
    tap.is_(one["open_operations"], 0, "nothing is going on")

    # Its stage can't end while glusterd is busy.
    r.set_faults("volume_create=transient")
    _, headers, _ = r[1].request("POST", "/volumes", VOLUME)
    mine = one["id"]
    tap.ok(wait_for(lambda: listed(r[2])["127.0.0.1:%d" % r[1].port][
        "open_operations"] == 1, 30), "others see what it owns")
    op = open_operations(r[0])[0]
    tap.is_((op["owner"], op["epoch"]), (mine, 1), "the operation says so, too")
    r[1].kill9()
    r.all.pop(1).stop()
    tap.ok(wait_for(lambda: mine not in [x["id"] for x in
                    listed(r[0]).values()], 30), "the dead are not listed")
    tap.ok(wait_for(lambda: [o["owner"] for o in open_operations(r[0])] in
                    ([listed(r[0])[a]["id"]] for a in listed(r[0])), 30),
           "somebody took its operation over")
    r.set_faults("")
    status, _, body = r[1].wait(headers["Location"])
    tap.is_(status, 200, "and brings it to its end")
    op = r[0].json("GET", headers["Location"].replace("/queue/",
                                                      "/v1/operations/"))
    tap.is_(op["epoch"], 2, "with the next epoch")
    tap.is_(sum(r.counters(i)["adoptions"] for i in range(2)), 1,
            "one adoption is counted")
    tap.is_(sum(r.counters(i)["done"] for i in range(2)) > 0, True,
            "and operations that ended well")
tap.done()
