#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""glusterd admits one transaction at a time: several replicas that work on one
trusted pool get everything done all the same.
"""
import os
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import etcd
import tap
from audit import audit
from replicas import Replicas

VOLUME = {"size": 1, "durability": {"type": "replicate",
                                    "replicate": {"replica": 3}}}


def run(r, i, method, path, body=None):
    status, _, answer = r[i % 3].run(method, path, body)
    return status if status in (200, 204) else (status, answer)


etcd.require()
with Replicas(3, simulated={
        "transaction_conflicts": True,
        "latency": "volume_create=30,volume_destroy=20,volume_expand=20"}) as r:
    with ThreadPoolExecutor(6) as pool:
        # Nodes join at the same time, too.
        c = r[0].cluster()
        nodes = list(pool.map(lambda i: r[i % 3].node(c, "n%d" % i, i + 1),
                              range(4)))
        for n in nodes:
            r[0].device(n)
    with ThreadPoolExecutor(30) as pool:
        made = set(pool.map(lambda i: run(r, i, "POST", "/volumes", VOLUME),
                            range(60)))
        tap.is_(made, {200}, "60 volumes are made by three replicas")
        volumes = r[1].json("GET", "/volumes")["volumes"]
        tap.is_(len(volumes), 60, "none twice")
        changed = set(pool.map(
            lambda i: run(r, i, "POST", "/volumes/%s/expand" % volumes[i],
                          {"expand_size": 1}) if i % 2 else
            run(r, i, "DELETE", "/volumes/" + volumes[i]), range(60)))
        tap.is_(changed, {200, 204}, "deleted and expanded by all three")
    met = [r.counters(i)["transients"] for i in range(3)]
    tap.ok(sum(met) > 0, "although they met glusterd busy %s" % met)
    tap.is_([r.counters(i)["failed"] for i in range(3)], [0, 0, 0],
            "no operation failed of it")
    tap.is_(audit(r[2], r.state), [], "the nodes agree")
tap.done()
