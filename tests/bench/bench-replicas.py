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


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--volumes", type=int, default=400)
    p.add_argument("--clients", default="8,32,128")
    a = p.parse_args()
    for replicas in (1, 2, 3):
        inst = ha.Installation(replicas=replicas, members=1, cables=False, config={
            "loglevel": "warning", "node_concurrency": 0,
            "glusterfs": {"max_volumes_per_cluster": -1}})
        c = inst.direct(0)
        c.topology(nodes=10, devices=12)
        ports = [inst.direct(i).port for i in range(replicas)]
        for clients in map(int, a.clients.split(",")):
            was = [counters(inst.direct(i)) for i in range(replicas)]
            r = rate(ports, clients, a.volumes, ("create",))
            now = [counters(inst.direct(i)) for i in range(replicas)]
            conflicts = sum(n["conflicts"] - w["conflicts"]
                            for n, w in zip(now, was))
            print("%d replicas, %3d clients: %6.1f creates/s, %.2f conflicts a create"
                  % (replicas, clients, r, conflicts / a.volumes), flush=True)
        if replicas == 1:
            vid = c.json("GET", "/volumes")["volumes"][0]
            reads = rate(ports, 16, 4000, ("GET", "/volumes/" + vid, None))
            port = urllib.parse.urlsplit(inst.etcd.urls[0]).port
            body = json.dumps({"key": etcd.b64("/brickyard/v1/commit")})
            ranges = rate([port], 16, 4000, ("POST", "/v3/kv/range", body))
            print("reads of a volume: %.0f/s; ranges of etcd: %.0f/s; ratio %.2f"
                  % (reads, ranges, reads / ranges), flush=True)
        inst.close()


if __name__ == "__main__":
    main()
