#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A replica dies while its operations are at every stage there is; the others
take them over as soon as its lease has ended, and go on where they were.  The
clients, who poll through the balancer, see one operation that ends well.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import threading
import time

import ha
from audit import audit
from etcd import wait_for

LEASE_MS = 2000
LATE_S = 1                  # after the lease's end, by the design
SLOW_S = 4                  # what a busy machine may add to that
REPLICA_3 = {"type": "replicate", "replicate": {"replica": 3}}

ha.require()
inst = ha.Installation(replicas=3, members=3, cables=False,
                       config={"lease_ttl_ms": LEASE_MS,
                               # operations that hang must not wait for each other
                               "node_concurrency": 64})
c = inst.client()
cluster, nodes, devices = c.topology(nodes=4, devices=2)


def volume():
    status, _, body = c.run("POST", "/volumes", {"size": 2,
                                                 "durability": REPLICA_3})
    assert status == 200, (status, body)
    return json.loads(body)["id"]


def spare_device(name):
    """Of the last node, failed, so that it can be deleted."""
    d = c.device(nodes[3], name)
    for state in ("offline", "failed"):
        assert c.run("POST", "/devices/%s/state" % d, {"state": state})[0] == 204
    return d


class Case:
    """An operation of replica 0 that hangs where `faults` says."""

    def __init__(self, what, faults, stage, method, path, body, status):
        self.what = "%s, %s" % (what, faults.replace("\n", " "))
        inst.faults(0, faults)
        got, headers, reply = inst.direct(0).request(method, path, body)
        assert got == 202, (what, got, reply)
        self.location = headers["Location"]
        self.id = self.location.split("/")[-1]
        self.status, self.stage = status, stage
        doing = "undoing" if what.startswith("undo") else "running"
        wait_for(lambda: (self.look()["stage"], self.look()["status"]) ==
                 (stage, doing), 10)
        time.sleep(0.3)             # for the step to begin

    def look(self):
        return c.json("GET", "/v1/operations/" + self.id)

    def poll(self):
        self.end = c.wait(self.location, 60)


def replica_is_gone(rid):
    return "replicas/" + rid not in inst.docs("replicas/")


def watch(rid, cases):
    """When the lease ended and when each operation had another owner."""
    begun = time.monotonic()
    gone, adopted = None, {}
    while len(adopted) < len(cases) and time.monotonic() < begun + 60:
        # In this order: an adoption that is seen came before this moment.
        if gone is None and replica_is_gone(rid):
            gone = time.monotonic()
        docs = inst.docs("operations/")
        now = time.monotonic()
        for case in cases:
            doc = docs["operations/" + case.id]
            if case.id not in adopted and doc["owner"] != rid:
                adopted[case.id] = (now, doc["epoch"], doc["stage"])
        time.sleep(0.02)
    return gone, adopted


def check(cases, how):
    """Replica 0 dies; all of its operations end as they should."""
    rid = inst.replica_id(0)
    open_ = [x.look()["status"] for x in cases]
    tap.ok(not {"done", "failed"} & set(open_),
           "%d operations are under way: %s" % (len(cases), sorted(set(open_))))
    threads = [threading.Thread(target=x.poll) for x in cases]
    for t in threads:
        t.start()
    how()
    died = time.monotonic()
    inst.faults(0, "")
    gone, adopted = watch(rid, cases)
    for t in threads:
        t.join()
    late = max(a[0] for a in adopted.values()) - gone
    tap.ok(gone - died < LEASE_MS / 1000 + LATE_S + SLOW_S,
           "the lease ended %.2f s after the death (it is %.1f s long)"
           % (gone - died, LEASE_MS / 1000))
    tap.ok(late < LATE_S + SLOW_S,
           "the last of %d operations was adopted %.2f s later"
           % (len(cases), late))
    logs = inst.replicas[1].log() + inst.replicas[2].log()
    for x in cases:
        text = "operation %s adopted at stage %d, epoch 2\n" % (x.id, x.stage)
        tap.is_((adopted[x.id][1], logs.count(text)), (2, 1),
                "%s: adopted once, at stage %d" % (x.what, x.stage))
        if not tap.is_(x.end[0], x.status, "%s: ends with %d"
                       % (x.what, x.status)):
            tap.diag(x.end[2])
    if not tap.is_(audit(c, inst.state), [], "and nothing is lost"):
        inst.tell(30)
    inst.start(0)
    inst.wait_up(0)


# ---- kill -9 while operations are everywhere ----

CREATE = {"size": 2, "durability": REPLICA_3}
v = [volume() for _ in range(10)]


def brick_of(i, n=0):
    return c.json("GET", "/volumes/" + v[i])["bricks"][n]["id"]


spare = spare_device("/dev/sdz")
cases = []
for point in ("hang", "mid-hang", "after-hang"):
    cases.append(Case("create", "bricks_create=" + point, 1, "POST", "/volumes",
                      CREATE, 200))
for point in ("hang", "after-hang"):
    cases.append(Case("create", "volume_create=" + point, 2, "POST", "/volumes",
                      CREATE, 200))
cases += [            # after an undo a create is tried again elsewhere
    Case("undo of a create", "volume_create=after:no\nvolume_destroy=hang", 3,
         "POST", "/volumes", CREATE, 200),
    Case("undo of a create", "volume_create=fail:no\nbricks_destroy=after-hang",
         2, "POST", "/volumes", CREATE, 200),
    Case("expand", "bricks_create=mid-hang", 0, "POST",
         "/volumes/%s/expand" % v[0], {"expand_size": 1}, 200),
    Case("expand", "volume_expand=after-hang", 1, "POST",
         "/volumes/%s/expand" % v[1], {"expand_size": 1}, 200),
    Case("delete", "volume_destroy=hang", 0, "DELETE", "/volumes/" + v[2], None,
         204),
    Case("delete", "volume_destroy=after-hang", 0, "DELETE", "/volumes/" + v[3],
         None, 204),
    Case("delete", "bricks_destroy=mid-hang", 1, "DELETE", "/volumes/" + v[4],
         None, 204),
    Case("evict", "bricks_create=after-hang", 2, "POST",
         "/bricks/to-evict/" + brick_of(5), None, 204),
    Case("evict", "brick_replace=hang", 3, "POST",
         "/bricks/to-evict/" + brick_of(6), None, 204),
    Case("evict", "brick_replace=after-hang", 3, "POST",
         "/bricks/to-evict/" + brick_of(7), None, 204),
    Case("evict", "bricks_destroy=mid-hang", 4, "POST",
         "/bricks/to-evict/" + brick_of(8), None, 204),
    Case("clone", "volume_clone=mid-hang", 2, "POST",
         "/volumes/%s/clone" % v[9], {"name": "copy"}, 200),
    Case("device add", "device_prepare=after-hang", 0, "POST", "/devices",
         {"node": nodes[0], "name": "/dev/sdx"}, 204),
    Case("device delete", "device_teardown=after-hang", 0, "DELETE",
         "/devices/" + spare, None, 204),
    Case("node add", "peer_probe=after-hang", 0, "POST", "/nodes",
         {"zone": 1, "cluster": cluster, "hostnames":
          {"manage": ["new"], "storage": ["new.stor"]}}, 200),
]
check(cases, lambda: inst.kill9(0))

# ---- it dies in the middle of a step, by itself ----

# What lies behind the recorded stage is not done again: it would fail.

for fault, stage, again in (
        ("bricks_create#2=exit-mid", 1, ""),
        ("volume_create=exit-after", 2, "bricks_create=fail:not again")):
    inst.faults(1, again)
    inst.faults(2, again)
    inst.faults(0, fault)
    before = inst.docs("operations/")
    try:
        status = inst.direct(0).request("POST", "/volumes", CREATE)[0]
    except ha.LOST:
        status = None                   # it died before it could answer
    tap.is_(inst.wait_dead(0), 137, "%s: the replica dies" % fault)
    new = [k.split("/")[1] for k in inst.docs("operations/") if k not in before]
    tap.is_((status or 202, len(new)), (202, 1), "%s: accepted" % fault)
    inst.faults(0, "")
    status, _, body = c.wait("/queue/" + new[0], 60)
    tap.is_(status, 200, "%s: the poll ends well" % fault)
    op = c.json("GET", "/v1/operations/" + new[0])
    tap.is_((op["epoch"], op["status"]), (2, "done"), "%s: in epoch 2" % fault)
    tap.has(inst.replicas[1].log() + inst.replicas[2].log(),
            "operation %s adopted at stage %d, epoch 2\n" % (op["id"], stage),
            "%s: gone on with at stage %d" % (fault, stage))
    inst.faults(1, "")
    inst.faults(2, "")
    inst.start(0)
    inst.wait_up(0)
tap.is_(audit(c, inst.state), [], "nothing is lost")
inst.close()
tap.done()
