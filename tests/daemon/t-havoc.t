#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Several replicas on one etcd and the same nodes: clients send what they like to
any of them, at the same time, while replicas are killed, stopped and started.
"""
import http.client
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import tap
import etcd
from audit import audit
from daemon import Daemon

etcd.require()
LOST = (http.client.HTTPException, ConnectionError, OSError)
NODES, DEVICES, CLIENTS = 4, 2, 6
LATENCY = ("bricks_create=5,volume_create=5,bricks_destroy=3,volume_destroy=3,"
           "volume_expand=5,device_prepare=5,device_info=5,peer_probe=5")

NO_PEER = b"None of the nodes in cluster has glusterd running\n"


class Replicas:
    def __init__(self, n):
        self.etcd = etcd.Etcd()
        self.dir = tempfile.TemporaryDirectory(prefix="replicas-")
        self.state = os.path.join(self.dir.name, "nodes")
        self.all = [Daemon(store=self.etcd.spec(), config={
            "lease_ttl_ms": 2000, "queue_hold_ms": 500,
            "executors": {"simulated": {"state_file": self.state,
                                        "latency": LATENCY}}})
                    for _ in range(n)]

    def stop(self):
        for d in self.all:
            d.stop()
        self.etcd.stop()
        self.dir.cleanup()


class Client(threading.Thread):
    """Does random things; remembers what it was told."""

    def __init__(self, world, number, seed, stop):
        super().__init__()
        self.world, self.number, self.stopping = world, number, stop
        self.rng = random.Random("%s %d" % (seed, number))
        self.told = []          # (name, "there" | "gone" | "?")
        self.odd = []
        self.counts = {}

    def ask(self, method, path, body=None):
        """(status, headers, body) of the end; None when it got lost."""
        d = self.rng.choice(self.world.all)
        try:
            status, headers, data = d.request(method, path, body)
        except LOST:
            time.sleep(0.02)
            return None
        if status != 202:
            return status, headers, data
        return self.end_of(headers["Location"])

    def end_of(self, location):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                d = self.rng.choice(self.world.all)
                got = d.request("GET", location)
            except LOST:
                time.sleep(0.02)
                continue
            if got[0] != 503 and not (got[0] == 200 and "X-Pending" in got[1]):
                return got
            time.sleep(0.02 if got[0] == 503 else 0)
        self.odd.append("%s has no end" % location)
        return None

    def note(self, what, got, good):
        status = got[0] if got else None
        key = "%s %s" % (what, status)
        self.counts[key] = self.counts.get(key, 0) + 1
        if status not in good + (None, 503, 504):
            self.odd.append("%s: %s %r" % (what, status, got[2][:200]))

    def create(self):
        name = "v%d-%d" % (self.number, len(self.told))
        got = self.ask("POST", "/volumes", {
            "size": self.rng.randint(1, 20), "name": name,
            "durability": {"type": "replicate", "replicate":
                           {"replica": self.rng.choice((2, 3))}}})
        self.note("create", got, (303, 429, 500))
        if got and got[0] == 303:
            self.told.append((name, "there"))
            self.mine.append((name, got[1]["Location"]))
        else:
            self.told.append((name, "gone" if got and got[0] in (429, 500)
                              else "?"))

    def delete(self):
        name, path = self.mine.pop(self.rng.randrange(len(self.mine)))
        got = self.ask("DELETE", path)
        # 500: an expand whose answer was lost is still at work on it.
        self.note("delete", got, (204, 500))
        self.told.append((name, "gone" if got and got[0] == 204 else "?"))

    def expand(self):
        path = self.rng.choice(self.mine)[1]
        self.note("expand", self.ask("POST", path + "/expand",
                                     {"expand_size": 2}), (303, 500))

    def state(self):
        node = self.rng.choice(self.world.nodes)
        state = self.rng.choice(("online", "online", "offline"))
        self.note("state", self.ask("POST", "/nodes/%s/state" % node,
                                    {"state": state}), (204,))

    def resync(self):
        device = self.rng.choice(self.world.devices)
        self.note("resync", self.ask("GET", "/devices/%s/resync" % device),
                  (204, 500))

    def node(self):
        """Comes with a device, and goes again."""
        host = "x%d-%d" % (self.number, self.rng.randrange(3))
        got = self.ask("POST", "/nodes", {
            "zone": 1, "cluster": self.world.cluster, "hostnames":
            {"manage": [host], "storage": [host + ".stor"]}})
        if got and got[0] == 500 and got[2] == NO_PEER:
            got = (400, *got[1:])       # they went offline meanwhile
        self.note("add node", got, (303, 400, 409))
        if got and got[0] == 303:
            node = got[1]["Location"].split("/")[-1]
            self.note("delete node", self.ask("DELETE", "/nodes/" + node),
                      (204,))

    def run(self):
        self.mine = []
        while not self.stopping.is_set():
            x = self.rng.random()
            if self.mine and (x < 0.3 or len(self.mine) > 15):
                self.delete()
            elif self.mine and x < 0.45:
                self.expand()
            elif x < 0.5:
                self.state()
            elif x < 0.55:
                self.resync()
            elif x < 0.6:
                self.node()
            else:
                self.create()


def hurt(d, rng):
    """A replica dies, or is away for longer than its lease."""
    if rng.random() < 0.6:
        d.kill9()
        time.sleep(rng.uniform(0, 1))
        d.start()
    else:
        d.process.send_signal(signal.SIGSTOP)
        time.sleep(rng.uniform(2.5, 4.5))
        d.process.send_signal(signal.SIGCONT)


def settle(d):
    """Wait until no operation is open."""
    def open_ops():
        return [o for o in d.json("GET", "/v1/operations")["operations"]
                if o["status"] not in ("done", "failed")]
    etcd.wait_for(lambda: not open_ops(), 60, 0.1)
    return open_ops()


def chaos(n, seconds, pain, seed):
    w = Replicas(n)
    rng = random.Random(seed)
    try:
        w.cluster, w.nodes, w.devices = w.all[0].topology(NODES, DEVICES)
        stop = threading.Event()
        clients = [Client(w, i, seed, stop) for i in range(CLIENTS)]
        for c in clients:
            c.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(rng.uniform(0.3, 1.5))
            if pain:
                hurt(rng.choice(w.all), rng)
        stop.set()
        for c in clients:
            c.join()
        check(w, n, clients, pain, seed)
    finally:
        w.stop()


def check(w, n, clients, pain, seed):
    how = "%d replicas%s" % (n, " that die" if pain else "")
    odd = [x for c in clients for x in c.odd]
    counts = {}
    for c in clients:
        for k, v in c.counts.items():
            counts[k] = counts.get(k, 0) + v
    tap.diag("seed %s: %s" % (seed, json.dumps(counts, sort_keys=True)))
    tap.is_(odd, [], how + ": every answer makes sense")
    tap.is_([o["id"] for o in settle(w.all[0])], [],
            how + ": no operation is left open")
    lists = [d.json("GET", "/volumes")["volumes"] for d in w.all]
    tap.ok(all(x == lists[0] for x in lists), how + ": all see the same")
    there = {w.all[0].json("GET", "/volumes/" + v)["name"] for v in lists[0]}
    told = {name: what for c in clients for name, what in c.told}
    wrong = ["%s should be %s" % (name, what) for name, what in told.items()
             if (what == "there" and name not in there) or
             (what == "gone" and name in there)]
    tap.is_(wrong, [], how + ": it is as the clients were told")
    if not tap.is_(audit(w.all[-1], w.state), [],
                   how + ": store and nodes agree"):
        for d in w.all:
            tap.diag(*d.log().splitlines()[-20:])
    adopted = sum(d.log().count(" adopted at stage ") for d in w.all)
    tap.diag("%d adoptions, %d fences, %d conflicts past retrying" % (
        adopted, sum(d.log().count(": taken over") for d in w.all),
        counts.get("create 409", 0)))


SEED = os.environ.get("BRICKYARD_TEST_SEED", str(random.randrange(10**6)))
SECONDS = float(os.environ.get("BRICKYARD_TEST_SECONDS", "8"))
chaos(2, SECONDS / 2, False, SEED)
chaos(3, SECONDS, True, SEED)
tap.done()
