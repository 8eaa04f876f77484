#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Duties have one holder, who may die; nodes that are not well get no bricks, by
no replica; results and leftovers are cleaned away.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import etcd
import tap
from daemon import Daemon
from etcd import wait_for
from replicas import Replicas

VOLUME = {"size": 1, "durability": {"type": "replicate",
                                    "replicate": {"replica": 3}}}
OFTEN = {"refresh_time_monitor_gluster_nodes": 1,
         "start_time_monitor_gluster_nodes": 1,
         "refresh_time_background_cleaner": 1,
         "start_time_background_cleaner": 1}


def holders(d):
    """{duty: pid of who has it}, as far as they are alive."""
    return {duty: r["pid"] for r in
            d.json("GET", "/v1/replicas")["replicas"] for duty in r["duties"]}


def unhealthy(d):
    return [x["node"] for x in d.json("GET", "/v1/health")["unhealthy"]]


def nodes_of(d, location):
    status, _, _ = d.wait(location)
    v = d.json("GET", "/volumes")["volumes"]
    return {b["node"] for x in v for b in
            d.json("GET", "/volumes/" + x)["bricks"]}


def health():
    with Replicas(3, {"glusterfs": OFTEN}) as r:
        _, nodes, _ = r[0].topology(nodes=4)
        every = ["cleaner", "health", "leftovers", "recovery", "results"]
        tap.is_(wait_for(lambda: sorted(holders(r[0])) == every and
                         sorted(holders(r[0])), 30), every,
                "every duty has a holder")
        tap.is_(len({tuple(sorted(holders(d).items())) for d in r}), 1,
                "all replicas name the same")
        tap.is_(unhealthy(r[0]), [], "all nodes are well at first")
        r.set_faults("glusterd@n1.stor=down")
        tap.ok(wait_for(lambda: unhealthy(r[0]) == [nodes[1]], 30),
               "a node whose glusterd is down is found out")
        tap.is_([unhealthy(d) for d in r], [[nodes[1]]] * 3,
                "every replica knows")
        why = r[2].json("GET", "/v1/health")["unhealthy"][0]["reason"]
        tap.has(why, "gluster", "and why")
        for i in range(6):
            status, h, body = r[i % 3].request("POST", "/volumes", VOLUME)
            tap.is_((status, r[i % 3].wait(h["Location"])[0]), (202, 200),
                    "a volume is made without it, by replica %d" % (i % 3))
        used = {b["node"] for v in r[0].json("GET", "/volumes")["volumes"]
                for b in r[0].json("GET", "/volumes/" + v)["bricks"]}
        tap.is_(used, set(nodes) - {nodes[1]}, "none of them on it")
        key = "health/" + nodes[1]
        # The holder dies: others go on.
        pid = holders(r[0])["health"]
        dead = next(i for i, d in enumerate(r) if d.process.pid == pid)
        r[dead].kill9()
        r.all.pop(dead).stop()
        tap.ok(wait_for(lambda: holders(r[0]).get("health") not in
                        (None, pid), 30), "another takes the duty over")
        tap.is_(unhealthy(r[1]), [nodes[1]], "what was known stays known")
        tap.is_(r.etcd.keys()[key], 1, "and was written once")
        r.set_faults("")
        tap.ok(wait_for(lambda: unhealthy(r[1]) == [], 30),
               "the node is well again")
        r.set_faults("glusterd@n2.stor=down")
        tap.ok(wait_for(lambda: unhealthy(r[1]) == [nodes[2]], 30),
               "another one is not")
        r[0].run("POST", "/nodes/%s/state" % nodes[2], {"state": "offline"})
        tap.ok(wait_for(lambda: unhealthy(r[1]) == [], 30),
               "a node that is offline is not asked")


def disabled():
    for how in ({"config": {"glusterfs": dict(
            OFTEN, disable_monitor_gluster_nodes=True)}},
                {"config": {"glusterfs": OFTEN},
                 "env": {"HEKETI_DISABLE_HEALTH_MONITOR": "true"}}):
        d = Daemon(**how)
        try:
            tap.is_(wait_for(lambda: len(holders(d)) == 3 and
                             sorted(holders(d)), 30),
                    ["cleaner", "leftovers", "results"],
                    "no monitor with %s" % list(how))
        finally:
            d.stop()


def cleaning():
    with Replicas(2, {"result_retention_s": 1, "glusterfs": dict(
            OFTEN, max_inflight_operations=2)}) as r:
        r[0].topology()
        status, h, _ = r[0].request("POST", "/volumes", VOLUME)
        r[1].wait(h["Location"])
        tap.ok(wait_for(lambda: r[1].json("GET", "/v1/operations")
                        ["operations"] == [], 30),
               "results are forgotten after a while")
        tap.is_(r[0].request("GET", h["Location"])[0], 404, "and not found")
        volume = r[0].json("GET", "/volumes")["volumes"][0]
        prefix = "/brickyard/v1/"
        ghost = "f" * 32
        # By hand, or from a backup: nobody of ours leaves such.
        doc = '{"v":1,"value":"%s"}' % ghost
        left = ["slots/0", "slots/1", "index/hosts/manage/ghost",
                "index/volume-names/%s/ghost" % ghost]
        kept = ["index/hosts/manage/newer", "index/other/x"]
        newer = "e" * 32
        r.etcd.put(prefix + "nodes/" + newer, '{"v":99}')
        r.etcd.put(prefix + kept[0], '{"v":1,"value":"%s"}' % newer)
        r.etcd.put(prefix + kept[1], doc)
        for key in left:
            r.etcd.put(prefix + key, doc)
        tap.ok(wait_for(lambda: not any(k in r.etcd.keys() for k in left), 30),
               "slots and names whose owners are gone are given back")
        keys = r.etcd.keys()
        tap.is_([k for k in kept if k not in keys], [],
                "but none whose owner is only unreadable, or of a kind that "
                "is not known")
        name = r[0].json("GET", "/volumes/" + volume)["name"]
        tap.is_([k for k in keys if k.endswith("/" + name)] != [], True,
                "nor one that is in use")
        tap.is_(r[0].run("POST", "/volumes", VOLUME)[0], 200,
                "and volumes can be made again")


disabled()
etcd.require()
health()
cleaning()
tap.done()
