#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What several replicas cost: creates a second with 1, 2 and 3 replicas on one
etcd and simulated nodes without latency, conflicts per create, and reads a
second of one replica beside plain linearizable ranges of etcd.

	BUILDDIR=build SRCDIR=. tests/bench/bench-replicas.py [--volumes N] [--clients 8,32,128]

Load is made by processes, so that Python's own lock is not what is measured.
Compare the figures of one run with each other only.
"""
import argparse
import http.client
import json
import multiprocessing
import os
import statistics
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import etcd
import ha

PROCESSES = 4
VOLUME = {"size": 1, "durability": {"type": "replicate",
                                    "replicate": {"replica": 3}}}


def _create(conn, body):
    conn.request("POST", "/volumes", body)
    r = conn.getresponse()
    data = r.read()
    if r.status != 202:
        raise RuntimeError("%d %s" % (r.status, data))
    where = r.getheader("Location")
    while True:
        conn.request("GET", where)
        r = conn.getresponse()
        data = r.read()
        if r.status == 200 and r.getheader("X-Pending") == "true":
            continue
        if r.status != 303:
            raise RuntimeError("%d %s" % (r.status, data))
        return


def _work(ports, threads, share, what, q):
    """One process: `threads` clients, `share` requests in all."""
    import threading
    left = [share]
    lock = threading.Lock()
    bad = []

    def run(n):
        conn = http.client.HTTPConnection("127.0.0.1", ports[n % len(ports)])
        while True:
            with lock:
                if left[0] == 0:
                    return
                left[0] -= 1
            try:
                if what[0] == "create":
                    _create(conn, json.dumps(VOLUME))
                else:
                    conn.request(what[0], what[1], what[2])
                    conn.getresponse().read()
            except Exception as e:
                bad.append(str(e))
                conn = http.client.HTTPConnection(
                    "127.0.0.1", ports[n % len(ports)])

    ts = [threading.Thread(target=run, args=(i,)) for i in range(threads)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    q.put(bad)


def rate(ports, clients, total, what):
    q = multiprocessing.Queue()
    n = min(PROCESSES, clients)
    ps = [multiprocessing.Process(target=_work, args=(
        ports[i % len(ports):] + ports[:i % len(ports)], max(1, clients // n),
        total // n, what, q)) for i in range(n)]
    start = time.monotonic()
    for p in ps:
        p.start()
    bad = [e for _ in ps for e in q.get()]
    for p in ps:
        p.join()
    took = time.monotonic() - start
    if bad:
        print("    %d errors, such as %s" % (len(bad), bad[0]))
    return (total // n * n - len(bad)) / took


def counters(d):
    return next(r["counters"] for r in d.json("GET", "/v1/replicas")["replicas"]
                if "counters" in r)


def installation(replicas):
    inst = ha.Installation(replicas=replicas, members=1, cables=False, config={
        "loglevel": "warning", "node_concurrency": 0,
        "glusterfs": {"max_volumes_per_cluster": -1}})
    inst.direct(0).topology(nodes=10, devices=12)
    return inst


def reads(inst):
    """Reads of one replica, beside what they cost at least."""
    c = inst.direct(0)
    vid = c.json("GET", "/volumes")["volumes"][0]
    got = rate([c.port], 16, 4000, ("GET", "/volumes/" + vid, None))
    port = urllib.parse.urlsplit(inst.etcd.urls[0]).port
    body = json.dumps({"key": etcd.b64("/brickyard/v1/commit")})
    ranges = rate([port], 16, 4000, ("POST", "/v3/kv/range", body))
    print("reads of a volume: %.0f/s; ranges of etcd: %.0f/s; ratio %.2f"
          % (got, ranges, got / ranges), flush=True)


def creates(inst, clients, volumes):
    """Creates a second, and conflicts a create."""
    all_of_them = [inst.direct(i) for i in range(len(inst.replicas))]
    was = sum(counters(d)["conflicts"] for d in all_of_them)
    r = rate([d.port for d in all_of_them], clients, volumes, ("create",))
    now = sum(counters(d)["conflicts"] for d in all_of_them)
    return r, (now - was) / volumes


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--volumes", type=int, default=200,
                   help="creates in each round (default: %(default)s)")
    p.add_argument("--rounds", type=int, default=7,
                   help="of each number of replicas, in turn (default: %(default)s)")
    p.add_argument("--clients", default="8,32,128")
    a = p.parse_args()
    # All are there at once and take turns, so that what else the machine does
    # in the meantime meets all of them.
    insts = {n: installation(n) for n in (1, 2, 3)}
    for clients in map(int, a.clients.split(",")):
        took = {n: [] for n in insts}
        for i in range(a.rounds + 1):
            for n in sorted(insts, reverse=i % 2 == 1):
                took[n].append(creates(insts[n], clients, a.volumes))
        for n, t in took.items():
            rates = [r for r, _ in t[1:]]       # the first one warms up
            ratios = [r / one for r, (one, _) in zip(rates, took[1][1:])]
            print("%d replicas, %3d clients: %6.1f creates/s (%.0f to %.0f), %.2f times one "
                  "replica's (%.2f to %.2f), %.2f conflicts a create"
                  % (n, clients, statistics.median(rates), min(rates), max(rates),
                     statistics.median(ratios), min(ratios), max(ratios),
                     statistics.mean(c for _, c in t[1:])), flush=True)
    reads(insts[1])
    for inst in insts.values():
        inst.close()


if __name__ == "__main__":
    main()
