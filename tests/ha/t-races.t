#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""All replicas are asked for the same thing at the same moment: one gets it,
the others say in heketi's words why not, and nothing is promised twice.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import threading

import ha
from audit import audit
from checker import Checker

ha.require()
LIMIT = 4
inst = ha.Installation(
    replicas=3, members=1, cables=False, latency="volume_create=200",
    config={"glusterfs": {"max_inflight_operations": LIMIT},
            "executors": {"simulated": {"device_size_gb": "20"}}})
c = inst.client()
# Many devices, so that not the devices decide who is first; and few.
cluster, _, _ = c.topology(nodes=3, devices=8)
small = c.cluster()
for i in range(3):
    c.device(c.node(small, "s%d" % i))


def at_once(n, method, path, body):
    """n of the same requests; body(i): of request i."""
    return race([(method, path, body(i)) for i in range(n)])


def race(requests):
    """[(status, text)] of requests at the same time, each replica a third: of the
    end where it was accepted."""
    n = len(requests)
    barrier = threading.Barrier(n)
    got = [None] * n

    def one(i):
        d = inst.direct(i % 3)
        d.json("GET", "/clusters")          # connects
        barrier.wait()
        status, headers, reply = d.request(*requests[i])
        if status == 202:
            status, headers, reply = d.wait(headers["Location"])
        got[i] = status, reply.decode().strip()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return got


def no_slots(got):
    """Without those that met the limit of operations."""
    return [g for g in got if g[0] != 429]


def check(what):
    bad = audit(c, inst.state) + Checker(inst.docs(), inst.state).run()
    if not tap.is_(bad, [], what + ": nothing is promised twice"):
        inst.tell(20)


REPLICA_3 = {"type": "replicate", "replicate": {"replica": 3}}
ONE_BRICK = {"clusters": [cluster], "size": 1, "durability": {"type": "none"}}

# ---- a volume name ----

for r in range(10):
    name = "same-%d" % r
    got = at_once(9, "POST", "/volumes",
                  lambda i: dict(ONE_BRICK, name=name))
    tap.is_(sum(g[0] == 200 for g in got), 1, "name %d: one gets it" % r)
    rest = {g[1] for g in no_slots(got) if g[0] != 200}
    tap.ok(rest <= {"Failed to allocate new volume: Volume name '%s' already "
                    "in use" % name}, "name %d: the others hear why not" % r)
check("names")
for v in c.json("GET", "/volumes")["volumes"]:
    c.run("DELETE", "/volumes/" + v)

# ---- a volume: expanded and deleted ----

status, _, body = c.run("POST", "/volumes", {"size": 1,
                                             "durability": REPLICA_3})
v = json.loads(body)["id"]
got = no_slots(at_once(6, "DELETE", "/volumes/" + v, lambda i: None))
tap.is_(sum(g[0] == 204 for g in got), 1, "a volume is deleted once")
tap.ok({g for g in got} <= {
    (204, ""), (404, "Id not found"), (500, "Failed to set up volume delete: "
     "The target exists, contains other items, or is in use.")},
    "the others hear why not")
check("deletes")

# ---- bricks: evicted, while others want the volume ----

spare = c.node(cluster, "spare")
c.device(spare)
EVICT = "Failed to set up brick eviction: Can not evict brick %s"
CONFLICT = "The target exists, contains other items, or is in use."
for r in range(6):
    status, _, body = c.run("POST", "/volumes", {
        "size": 1, "durability": REPLICA_3, "clusters": [cluster]})
    v = json.loads(body)
    old = v["bricks"][0]["id"]
    other = v["bricks"][1]["id"]
    wants = [("POST", "/bricks/to-evict/" + old, None),
             ("POST", "/bricks/to-evict/" + old, None),
             ("POST", "/bricks/to-evict/" + (old if r < 2 else other), None),
             ("POST", "/volumes/%s/expand" % v["id"], {"expand_size": 1}),
             ("DELETE", "/volumes/" + v["id"], None)][:3 + r % 3]
    got = race(wants)
    well = [w[0] + " " + w[1] for w, g in zip(wants, got)
            if g[0] in (200, 204)]
    # One may be over before another comes, on a slow machine; but nobody gets
    # what somebody else got.
    tap.ok(len(set(well)) == len(well) >= 1,
           "evict %d: one of %d gets the volume (%s)" % (r, len(wants), well))
    pending = {EVICT % b + t for b in (old, other) for t in (
        ": brick is pending", " from volume %s: volume has pending bricks"
        % v["id"])}
    tap.ok({g[1] for g in no_slots(got)} - {""} - {
        "Failed to allocate volume expansion: " + CONFLICT, "Id not found",
        "Failed to set up volume delete: " + CONFLICT} <= pending | {
            g[1] for g in got if g[0] == 200},
        "evict %d: the others hear why not" % r)
    if r % 3 == 2:
        check("evict %d" % r)
    c.run("DELETE", "/volumes/" + v["id"])

# ---- a device is removed while volumes are made, and by several at a time ----

dev = c.json("GET", "/nodes/" + c.json("GET", "/clusters/" + cluster)["nodes"][0]
             )["devices"][0]["id"]
for r in range(3):
    c.run("POST", "/volumes", {"size": 1, "durability": REPLICA_3,
                               "clusters": [cluster]})
for r in range(2):
    c.run("POST", "/devices/%s/state" % dev, {"state": "offline"})
    got = race([("POST", "/devices/%s/state" % dev, {"state": "failed"}),
                ("POST", "/volumes", dict(ONE_BRICK)),
                ("POST", "/devices/%s/state" % dev, {"state": "failed"}),
                ("POST", "/volumes", {"size": 1, "durability": REPLICA_3,
                                      "clusters": [cluster]})])
    tap.ok(got[0][0] == 204 or got[2][0] == 204,
           "remove %d: the device is removed %s" % (r, got[::2]))
    tap.is_([g[0] for g in (got[1], got[3])], [200, 200],
            "remove %d: volumes are made elsewhere" % r)
    info = c.json("GET", "/devices/" + dev)
    tap.is_((info["state"], info["bricks"]), ("failed", []),
            "remove %d: it is failed and empty" % r)
    check("remove %d" % r)
    for state in ("offline", "online"):
        c.run("POST", "/devices/%s/state" % dev, {"state": state})

# ---- source and clones go at the same time ----

for r in range(4):
    status, _, body = c.run("POST", "/volumes", {
        "size": 1, "durability": REPLICA_3, "clusters": [cluster]})
    them = [json.loads(body)["id"]]
    for _ in range(2):
        status, _, body = c.run("POST", "/volumes/%s/clone" % them[0], {})
        them.append(json.loads(body)["id"])
    got = race([("DELETE", "/volumes/" + i, None) for i in them])
    tap.is_([g[0] for g in got], [204] * 3, "clones %d: all are deleted" % r)
check("clones")
for v in c.json("GET", "/volumes")["volumes"]:
    c.run("DELETE", "/volumes/" + v)

# ---- the last free space: 20 GiB disks, two of 12 GiB don't fit ----

for r in range(4):
    got = at_once(6, "POST", "/volumes",
                  lambda i: {"size": 12, "durability": REPLICA_3,
                             "clusters": [small]})
    tap.is_(sum(g[0] == 200 for g in got), 1, "space %d: one gets it" % r)
    rest = {g[1] for g in no_slots(got) if g[0] != 200}
    tap.ok(rest <= {"Failed to allocate new volume: No space"},
           "space %d: the others hear why not" % r)
    if r == 0:
        check("space")
    for v in c.json("GET", "/volumes")["volumes"]:
        tap.is_(c.run("DELETE", "/volumes/" + v)[0], 204,
                "space %d: and it is given back" % r)

# ---- slots: so many at a time, on all replicas together ----

for r in range(6):
    got = at_once(12, "POST", "/volumes", lambda i: ONE_BRICK)
    n = sum(g[0] == 200 for g in got)
    tap.is_((n, len(got) - len(no_slots(got))), (LIMIT, 12 - LIMIT),
            "slots %d: as many as there are, the others are busy" % r)
    tap.is_({g[1] for g in got if g[0] == 429},
            {"Server busy. Retry operation later."}, "slots %d: it says so" % r)
tap.is_(inst.docs("slots/"), {}, "all slots are given back")
check("slots")

# ---- host names, and devices ----

for r in range(4):
    got = at_once(6, "POST", "/nodes", lambda i: {
        "zone": 1, "cluster": cluster, "hostnames": {
            "manage": ["x%d" % r], "storage": ["x%d.stor" % r]}})
    tap.is_(sum(g[0] == 200 for g in got), 1, "host %d: one adds it" % r)
    node = json.loads([g for g in got if g[0] == 200][0][1])["id"]
    tap.is_({g for g in got if g[0] != 200},
            {(409, "Hostname x%d already used by node with id %s" % (r, node))},
            "host %d: the others hear why not" % r)
    got = at_once(6, "POST", "/devices",
                  lambda i: {"node": node, "name": "/dev/sdb"})
    tap.is_(sum(g[0] == 204 for g in got), 1, "device %d: one adds it" % r)
    tap.ok(all(g[1].startswith("Initializing device /dev/sdb failed (already "
                               "initialized or contains data?)")
               for g in got if g[0] != 204),
           "device %d: the others hear why not" % r)
check("hosts and devices")
inst.close()
tap.done()
