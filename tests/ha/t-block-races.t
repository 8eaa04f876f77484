#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""All replicas are asked for the same of block volumes at the same moment: the
last GiB of a hosting volume, a name, a hosting volume that has to be made.  One
gets it, the others say in heketi's words why not; and what one replica began,
another one finishes.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import http.client
import json
import threading

import ha
from audit import audit
from checker import Checker
from etcd import wait_for

ha.require()
AUTO = {"auto_create_block_hosting_volume": True,
        "block_hosting_volume_size": 20}
DISABLED = ("Failed to allocate new block volume: Block Hosting Volume Creation "
            "is disabled. Create a Block hosting volume and try again.")
BUSY = (429, "Server busy. Retry operation later.")


def at_once(inst, n, method, path, body):
    """[(status, text)] of n of the same requests, each replica a third: of the
    end where it was accepted.  body(i): of request i."""
    barrier = threading.Barrier(n)
    got = [None] * n

    def one(i):
        d = inst.direct(i % 3)
        d.json("GET", "/clusters")          # connects
        barrier.wait()
        status, headers, reply = d.request(method, path, body(i))
        if status == 202:
            status, headers, reply = d.wait(headers["Location"])
        got[i] = status, reply.decode().strip()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return got


def check(inst, what):
    c = inst.client()
    bad = audit(c, inst.state) + Checker(inst.docs(), inst.state).run()
    if not tap.is_(bad, [], what + ": nothing is promised twice"):
        inst.tell(20)


def empty(c):
    for b in c.json("GET", "/blockvolumes")["blockvolumes"]:
        status = c.run("DELETE", "/blockvolumes/" + b)[0]
        if status != 204:
            tap.is_(status, 204, "a block volume is deleted")


def host(c, size=20):
    status, _, body = c.run("POST", "/volumes", {
        "size": size, "block": True, "durability": {"type": "replicate"}})
    assert status == 200, (status, body)
    return json.loads(body)["id"]


def free(c, volume):
    return c.json("GET", "/volumes/" + volume)["blockinfo"].get("freesize", 0)


# ---- on a hosting volume that is there ----

inst = ha.Installation(replicas=3, members=1, cables=False,
                       latency="block_create=20,block_expand=20")
c = inst.client()
c.topology(nodes=3)
v = host(c)             # 19 GiB are free
for r in range(6):
    got = at_once(inst, 6, "POST", "/blockvolumes", lambda i: {"size": 12})
    tap.is_(sorted(got)[1:], [(500, DISABLED)] * 5,
            "the last space %d: the others hear that there is none" % r)
    tap.is_(sorted(got)[0][0], 200, "the last space %d: one gets it" % r)
    tap.is_(free(c, v), 7, "the last space %d: it is counted once" % r)
    if r == 0:
        check(inst, "space")
    empty(c)
got = at_once(inst, 12, "POST", "/blockvolumes", lambda i: {"size": 2})
tap.is_((sum(g[0] == 200 for g in got), free(c, v)), (9, 1),
        "as many fit as there is room for")
check(inst, "many")
empty(c)

for r in range(4):
    got = at_once(inst, 6, "POST", "/blockvolumes",
                  lambda i: {"size": 1, "name": "same"})
    tap.is_(sorted(g[0] for g in got), [200] + 5 * [500],
            "a name %d: one gets it" % r)
    empty(c)
check(inst, "names")

b = [json.loads(c.run("POST", "/blockvolumes", {"size": 1})[2])["id"]
     for _ in range(2)]
for i in b:
    got = at_once(inst, 6, "POST", "/blockvolumes/%s/expand" % i,
                  lambda i: {"new_size": 10})
    tap.ok(sum(g[0] == 200 for g in got) <= 1, "it is expanded once")
tap.is_(sum(c.json("GET", "/blockvolumes/" + i)["size"] for i in b) +
        free(c, v), 19, "and the other one is told that there is no space")
check(inst, "expand")
for i in b:
    got = at_once(inst, 6, "DELETE", "/blockvolumes/" + i, lambda i: None)
    tap.is_(sum(g[0] == 204 for g in got), 1, "it is deleted once")
    tap.ok({g for g in got} <= {
        (204, ""), (404, "Id not found"), (500, "Failed to set up block volume "
         "delete: The target exists, contains other items, or is in use.")},
        "the others hear why not")

# ---- the hosting volume goes while somebody wants to be on it ----

for r in range(6):
    at = [("DELETE", "/volumes/" + v, None),
          ("POST", "/blockvolumes", {"size": 1})]
    got = [None, None]

    def both(i):
        got[i] = inst.direct(i).run(*at[i])
    threads = [threading.Thread(target=both, args=(i,)) for i in (0, 1)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    tap.ok((got[0][0], got[1][0]) in ((204, 500), (409, 200)),
           "either it goes, or it hosts (%d: %d and %d)"
           % (r, got[0][0], got[1][0]))
    if got[0][0] == 204:
        v = host(c)
    empty(c)
check(inst, "deletes")
inst.close()

# ---- none is there: one at a time is made ----

inst = ha.Installation(replicas=3, members=1, cables=False,
                       latency="volume_create=300", config={"glusterfs": AUTO})
c = inst.client()
# Many devices, so that not the devices decide who is first.
c.topology(nodes=3, devices=8)
for r in range(5):
    got = at_once(inst, 6, "POST", "/blockvolumes", lambda i: {"size": 2})
    tap.is_((sum(g[0] == 200 for g in got), set(got) - {BUSY, *(
        g for g in got if g[0] == 200)}), (1, set()),
        "hosting volume %d: one makes it, the others are to try again" % r)
    tap.is_(len(c.json("GET", "/volumes")["volumes"]), 1,
            "hosting volume %d: there is one" % r)
    got = at_once(inst, 6, "POST", "/blockvolumes", lambda i: {"size": 2})
    tap.is_([g[0] for g in got], 6 * [200],
            "hosting volume %d: when they do, they are on it" % r)
    tap.is_(len(c.json("GET", "/volumes")["volumes"]), 1,
            "hosting volume %d: there still is one" % r)
    if r == 0:
        check(inst, "hosting volumes")
    empty(c)
    for i in c.json("GET", "/volumes")["volumes"]:
        c.run("DELETE", "/volumes/" + i)
tap.is_(inst.docs("index/"), {k: d for k, d in inst.docs("index/").items()
                              if k.startswith("index/hosts/")},
        "no name is left, nor is anything in the making")
inst.close()

# ---- another replica finishes it ----

inst = ha.Installation(replicas=2, members=1, cables=False,
                       config={"glusterfs": AUTO})
c = inst.direct(1)
c.topology(nodes=3)
for step, point in (("bricks_create", "exit-after"),
                    ("volume_create", "exit-after"),
                    ("block_create", "exit-before"),
                    ("block_create", "exit-mid:2"),
                    ("block_create", "exit-after")):
    inst.faults(0, "%s#1=%s" % (step, point))
    before = inst.docs("operations/")
    try:
        location = inst.direct(0).request("POST", "/blockvolumes", {
            "size": 5, "name": "b"})[1]["Location"]
    except (http.client.HTTPException, OSError):
        location = None                 # it died before it could answer
    tap.is_(inst.wait_dead(0, 20), 137, "dies at %s=%s" % (step, point))
    if location is None:
        new, = [k for k in inst.docs("operations/") if k not in before]
        location = "/queue/" + new.split("/")[1]
    status, _, body = c.wait(location, 60)
    tap.is_((status, json.loads(body)["name"] if status == 200 else body),
            (200, "b"), "the other replica goes on from there")
    inst.faults(0, "")
    inst.start(0)
    if point == "exit-mid:2":
        check(inst, "taken over")
    empty(c)
    for i in c.json("GET", "/volumes")["volumes"]:
        c.run("DELETE", "/volumes/" + i)
check(inst, "in the end")
inst.close()
tap.done()
