#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Any replica answers for all: what one has accepted, the next one knows.  The
client sleeps nowhere and repeats nothing.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import random
import threading

import ha
from audit import audit

ROUNDS, CLIENTS = 25, 4
LATE_ROUNDS, LATE_MS = 3, 150

ha.require()
inst = ha.Installation(replicas=3, members=3)
c = inst.client()
cluster, nodes, devices = c.topology(nodes=4, devices=2)
wrong = []


def expect(what, got, want):
    if got != want:
        wrong.append("%s: %r, not %r" % (what, got, want))


def poll_at(clients, location, rng):
    """The end of an operation, each poll on some replica."""
    while True:
        status, headers, body = rng.choice(clients).request("GET", location)
        if status != 200 or headers.get("X-Pending") != "true":
            return status, headers, body


def one_round(r, rng, clients, name):
    a, b, d, e = (rng.choice(clients) for _ in range(4))
    status, headers, body = a.request("POST", "/volumes", {
        "size": 1, "name": name,
        "durability": {"type": "replicate", "replicate": {"replica": 3}}})
    expect("create", status, 202)
    if status != 202:
        return wrong.append(body)
    status, headers, body = poll_at(clients, headers["Location"], rng)
    expect("poll", status, 303)
    if status != 303:
        return wrong.append(body)
    path = headers["Location"]
    volume = b.json("GET", path)
    expect("name", volume["name"], name)
    expect("listed", volume["id"] in d.json("GET", "/volumes")["volumes"], True)
    expect("in its cluster", volume["id"] in
           e.json("GET", "/clusters/" + cluster)["volumes"], True)
    brick = volume["bricks"][0]
    on = rng.choice(clients).json("GET", "/devices/" + brick["device"])
    expect("on its device", brick["id"] in [x["id"] for x in on["bricks"]],
           True)
    status, headers, body = rng.choice(clients).request(
        "POST", path + "/expand", {"expand_size": 1})
    expect("expand", status, 202)
    poll_at(clients, headers["Location"], rng)
    expect("size", rng.choice(clients).json("GET", path)["size"], 2)
    if r % 3 == 0:
        return
    status, headers, body = a.request("DELETE", path)
    expect("delete", status, 202)
    expect("deleted", poll_at(clients, headers["Location"], rng)[0], 204)
    expect("gone", b.request("GET", path)[0], 404)
    expect("not listed", volume["id"] in d.json("GET", "/volumes")["volumes"],
           False)


def worker(what, clients, rounds):
    try:
        for r in range(rounds):
            one_round(r, random.Random(), clients, "%s-%d" % (what, r))
    except Exception as e:
        wrong.append(repr(e))


def run(what, clients, rounds=ROUNDS):
    threads = [threading.Thread(target=worker,
                                args=("%s-%d" % (what, i), clients, rounds))
               for i in range(CLIENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if not tap.is_(wrong[:5], [], "%d creates, expands and deletes %s, nothing "
                   "is seen too late" % (CLIENTS * rounds, what)):
        inst.tell()
    wrong.clear()


directs = [inst.direct(i) for i in range(3)]
run("directly", directs)
run("balanced", [c])
n = {}
for i in range(3):
    n[i] = sum("POST /volumes 202" in line
               for line in inst.replicas[i].log().splitlines())
tap.ok(min(n.values()) > CLIENTS * ROUNDS / 10,
       "all replicas took part: %s" % list(n.values()))

# ---- one of them hears of everything later than the others ----

inst.partition(2, "late %d" % LATE_MS)
run("late", directs, LATE_ROUNDS)
inst.partition(2, "pass")

# ---- lists agree, whoever is asked ----

lists = []
for d in directs + [c]:
    text = json.dumps([d.json("GET", p) for p in (
        "/clusters", "/clusters/" + cluster, "/volumes")] +
        [d.json("GET", "/nodes/" + x) for x in nodes], sort_keys=True)
    lists.append(text)
tap.ok(len(set(lists)) == 1, "all replicas tell the same")
for i, d in enumerate(directs):
    tap.is_(sorted(d.operations()), sorted(c.operations()),
            "replica %d knows every operation" % i)
tap.is_(len(c.json("GET", "/volumes")["volumes"]),
        CLIENTS * (2 * len(range(0, ROUNDS, 3)) +
                   len(range(0, LATE_ROUNDS, 3))), "as many volumes as were left")
tap.is_(audit(c, inst.state), [], "the nodes hold what the replicas say")

# ---- nodes and devices ----

for i in range(6):
    a, b, e = (directs[(i + k) % 3] for k in range(3))
    status, headers, body = a.request("POST", "/nodes", {
        "zone": 1, "cluster": cluster,
        "hostnames": {"manage": ["x%d" % i], "storage": ["x%d.stor" % i]}})
    status, headers, body = poll_at([b], headers["Location"], random)
    node = e.json("GET", headers["Location"])["id"]
    dev = b.device(node)
    for state in ("offline", "online", "offline", "failed"):
        status, headers, _ = random.choice(directs).request(
            "POST", "/devices/%s/state" % dev, {"state": state})
        got = poll_at(directs, headers["Location"], random)[0]
        expect("state", got, 204)
        expect("state", random.choice(directs).json(
            "GET", "/devices/" + dev)["state"], state)
    expect("device away", a.run("DELETE", "/devices/" + dev)[0], 204)
    expect("device gone", e.request("GET", "/devices/" + dev)[0], 404)
    expect("node away", e.run("DELETE", "/nodes/" + node)[0], 204)
    expect("node gone", b.request("GET", "/nodes/" + node)[0], 404)
tap.is_(wrong, [], "nodes and devices come and go on all replicas")
tap.is_(audit(c, inst.state), [], "and leave nothing behind")
inst.close()
tap.done()
