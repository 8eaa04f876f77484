#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""All replicas are restarted, one after the other, under load: no call of any
client fails, no operation is lost.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import random
import threading
import time

import ha
from audit import audit

CLIENTS = 6

ha.require()
inst = ha.Installation(replicas=3, members=3, cables=False,
                       config={"shutdown_delay_ms": 1000},
                       latency="bricks_create=40,volume_create=40,"
                       "bricks_destroy=20,volume_destroy=20")
c = inst.client()
c.topology(nodes=4, devices=2)
stop = threading.Event()
lock = threading.Lock()
failed, ended, calls, mine = [], [], [0], [set() for _ in range(CLIENTS)]


def call(method, path, body, good):
    """One call that must go well, at the first try."""
    try:
        got = c.request(method, path, body)
    except Exception as e:
        got = (None, {}, repr(e))
    with lock:
        calls[0] += 1
        if got[0] not in good:
            failed.append((time.monotonic(), method, path, got[0], got[2]))
    return got


def operation(method, path, body, good):
    status, headers, _ = call(method, path, body, (202,))
    while status == 202 or (status == 200 and "X-Pending" in headers):
        where = headers["Location"] if status == 202 else where
        status, headers, reply = call("GET", where, None, (200,) + good)
    with lock:
        ended.append(status)
    return headers.get("Location") if status == 303 else None


def worker(volumes, rng):
    while not stop.is_set():
        if len(volumes) > 3:
            v = volumes.pop()
            operation("DELETE", v, None, (204,))
            continue
        v = operation("POST", "/volumes", {"size": 1, "durability": {
            "type": "replicate", "replicate": {"replica": 3}}}, (303,))
        if v is not None:
            volumes.add(v)
            call("GET", v, None, (200,))
        call("GET", "/volumes", None, (200,))


threads = [threading.Thread(target=worker, args=(m, random.Random(i)))
           for i, m in enumerate(mine)]
for t in threads:
    t.start()
time.sleep(0.5)
codes, idle = [], []
for i in range(3):
    before = time.monotonic()
    codes.append(inst.terminate(i))
    inst.start(i)
    inst.wait_up(i)
    tap.diag("replica %d was away for %.2f s" % (i, time.monotonic() - before))
time.sleep(0.5)
stop.set()
for t in threads:
    t.join()
tap.is_(codes, [0, 0, 0], "each replica ends well")
if not tap.is_(failed[:5], [], "no call of a client fails (%d calls, %d "
               "operations)" % (calls[0], len(ended))):
    inst.tell()
tap.ok(len(ended) > 20, "there was load")
kept = set().union(*mine)
tap.is_({"/volumes/" + v for v in c.json("GET", "/volumes")["volumes"]}, kept,
        "the volumes are those that clients were told of")
tap.is_(audit(c, inst.state), [], "the nodes hold what the replicas say")

# ---- readiness, and connections that are kept ----

d = inst.direct(0)
d.json("GET", "/clusters")


def ask(path):
    try:
        return d.request("GET", path)
    except ha.LOST as e:
        return None, {}, repr(e)


inst.replicas[0].process.terminate()
end = time.monotonic() + 20
while time.monotonic() < end:
    status, headers, body = ask("/readyz")
    if status != 200:
        break
tap.is_((status, body), (503, b"stopping\n"),
        "a replica that is to stop says so first")
tap.is_(headers.get("Connection", "").lower(), "close",
        "and closes connections with its replies")
tap.is_(ask("/clusters")[0], 200, "while it serves on")
tap.is_(inst.terminate(0), 0, "a second signal ends the wait")
inst.close()
tap.done()
