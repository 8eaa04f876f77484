#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Polls are held until the operation ends; busy servers say so."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import http.client
import json
import socket
import threading

from daemon import Daemon, read_all

FOREVER_MS = 600 * 1000


def start(hold_ms, latency, **more):
    d = Daemon(start=False)
    d.config["queue_hold_ms"] = hold_ms
    d.config["glusterfs"].update(more)
    d.config["executors"] = {"simulated": {
        "latency": latency, "state_file": d.dir + "/nodes"}}
    d.start()
    return d


def create(d, **more):
    status, headers, _ = d.request("POST", "/volumes", dict({"size": 1}, **more))
    assert status == 202, status
    return headers["Location"]


def poll_raw(d, queue, n):
    """n polls at once, each on a connection of its own."""
    socks = [socket.create_connection(("127.0.0.1", d.port), timeout=60)
             for _ in range(n)]
    for s in socks:
        s.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                  % queue.encode())
    return socks


# ---- an operation that takes its time needs one poll all the same ----

d = start(FOREVER_MS, "volume_create=150")
d.topology(1)
for i in range(3):
    status, _, body = d.wait(create(d))
    tap.is_((status, d.polls), (200, 1), "one poll per operation: %d" % i)
queue = create(d)
socks = poll_raw(d, queue, 300)
tap.is_(d.json("GET", "/clusters")["clusters"].__len__(), 1,
        "others are served while many are held")
replies = [read_all(s) for s in socks]
for s in socks:
    s.close()
tap.is_(sum(r.startswith(b"HTTP/1.1 303 ") for r in replies), 300,
        "300 polls on one operation all see its end")
tap.ok(not any(b"X-Pending" in r for r in replies), "none was put off")

# ---- each of many operations wakes its own ----

queues = [create(d) for _ in range(8)]
socks = [(q, poll_raw(d, q, 4)) for q in queues]
ids = set()
for q, four in socks:
    got = {read_all(s).split(b"Location: ")[1].split(b"\r\n")[0] for s in four}
    tap.is_(len(got), 1, "four polls on %s agree" % q[7:15])
    ids |= got
    for s in four:
        s.close()
tap.is_(len(ids), 8, "and lead to eight volumes")
status, headers, body = d.request("GET", create(d), headers={"Prefer": "wait=0"})
tap.is_((status, headers.get("X-Pending"), body), (200, "true", b""),
        "Prefer: wait=0 is not held")
tap.ok("Content-Type" not in headers, "a pending answer has no type")
d.stop()

# ---- no holding at all ----

d = start(0, "volume_create=%d" % FOREVER_MS, max_inflight_operations=5)
d.topology(2)
accepted = []


def create_one():
    c = d.connect()
    c.request("POST", "/volumes", '{"size":1}')
    r = c.getresponse()
    accepted.append((r.status, r.read(), r.getheader("Location")))
    c.close()


threads = [threading.Thread(target=create_one) for _ in range(12)]
for t in threads:
    t.start()
for t in threads:
    t.join()
tap.is_(sorted(a[0] for a in accepted), [202] * 5 + [429] * 7,
        "of twelve at once five are let in")
tap.is_({a[1] for a in accepted if a[0] == 429},
        {b"Server busy. Retry operation later.\n"}, "the others are told")
counts = d.json("GET", "/operations")
tap.is_((counts["total"], counts["in_flight"], counts["new"]), (5, 5, 5),
        "five are counted")
tap.is_(d.json("GET", "/volumes"), {"volumes": []}, "none is to be seen yet")
queue = [a[2] for a in accepted if a[0] == 202][0]
for i in range(2):
    status, headers, body = d.request("GET", queue)
    tap.is_((status, headers.get("X-Pending"), body), (200, "true", b""),
            "with a hold of 0 a poll is answered at once")
op = d.json("GET", "/v1/operations/" + queue[7:])
tap.is_((op["id"], op["kind"], op["status"], op["ended"], op["error"]),
        (queue[7:], "create-volume", "running", None, None),
        "the operation in our own words")
ops = d.json("GET", "/v1/operations")["operations"]
tap.is_(sum(o["status"] == "running" for o in ops), 5, "and all of them")
d.kill9()
d.stop()

# ---- the stop lets held polls go ----

d = start(FOREVER_MS, "volume_create=%d" % FOREVER_MS)
d.topology(1)
queue = create(d)
socks = poll_raw(d, queue, 20)
gone = poll_raw(d, queue, 20)
for s in gone:
    s.close()
keep = http.client.HTTPConnection("127.0.0.1", d.port, timeout=60)
keep.request("GET", "/hello")
keep.getresponse().read()
d.process.terminate()
replies = [read_all(s) for s in socks]
for s in socks:
    s.close()
# Which of them were held already when the signal came, and which came after
# the listening socket had gone, is not ours to say; an answer is pending, or
# says that the service stops.
tap.ok(all(b"X-Pending: true" in r or b" 503 " in r or r == b""
           for r in replies), "the stop answers held polls")
tap.ok(any(b"X-Pending: true" in r for r in replies), "as pending")
keep.close()
d.kill9()

# ---- what was under way is carried on ----

d.config["executors"]["simulated"]["latency"] = "volume_create=0"
d.start()
status, _, body = d.wait(queue)
tap.is_((status, d.polls), (200, 1), "after a restart the same poll sees the end")
tap.is_(d.json("GET", "/volumes")["volumes"], [json.loads(body)["id"]],
        "and one volume")
tap.is_(d.stop(), 0, "the daemon ends well")
tap.done()
