#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon dies at every boundary between its record and gluster-block; the
next one finishes or undoes, with the hosting volume that was made for it.
"""
import http.client
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import tap
from audit import accounts, audit
from daemon import Daemon

LOST = (http.client.HTTPException, ConnectionError, OSError)
POINTS = ("exit-before", "exit-mid:1", "exit-mid:2", "exit-after")


class World:
    def __init__(self, latency=""):
        self.d = Daemon(start=False, config={"glusterfs": {
            "auto_create_block_hosting_volume": True,
            "block_hosting_volume_size": 50}})
        self.state = os.path.join(self.d.dir, "nodes")
        self.file = os.path.join(self.d.dir, "faults")
        self.d.config["executors"] = {"simulated": {
            "state_file": self.state, "faults_file": self.file,
            "latency": latency}}
        self.d.start()
        self.d.topology(nodes=3)

    def faults(self, text):
        # Another inode, so that a change within a second is seen.
        with open(self.file + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(self.file + ".new", self.file)

    def wait_dead(self):
        rc = self.d.process.wait(20)
        self.d.process.stdout.close()
        self.d.process = None
        return rc

    def open_operations(self):
        return [o for o in self.d.json("GET", "/v1/operations")["operations"]
                if o["status"] not in ("done", "failed")]

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.d.stop()


def send(d, method, path, body=None):
    """The queue location, or None when the answer was lost."""
    try:
        status, headers, _ = d.request(method, path, body)
        return headers.get("Location") if status == 202 else None
    except LOST:
        return None


def create(w):
    return "POST", "/blockvolumes", {"size": 10, "name": "b", "hacount": 2}


def existing(w):
    """On a hosting volume that is there."""
    assert w.d.run("POST", "/blockvolumes", {"size": 1})[0] == 200
    return create(w)


def made(w):
    status, _, body = w.d.run(*create(w))
    assert status == 200, (status, body)
    return "/blockvolumes/" + w.d.json("GET", "/blockvolumes")[
        "blockvolumes"][0]


def delete(w):
    return "DELETE", made(w), None


def expand(w):
    return "POST", made(w) + "/expand", {"new_size": 20}


def crash_at(fault, what, ends):
    """ends: statuses with which the client's poll may end."""
    name = "%s, %s" % (what.__name__, fault.replace("\n", " "))
    with World() as w:
        request = what(w)
        hosting = w.d.json("GET", "/volumes")["volumes"]
        w.faults(fault)
        location = send(w.d, *request)
        rc = w.wait_dead()
        w.faults("")
        if not tap.is_(rc, 137, name + ": dies"):
            return
        w.d.start()
        status = None
        if location is not None:
            status, _, reply = w.d.wait(location, 30)
            if not tap.ok(status in ends, "%s: ends with %d" % (name, status)):
                tap.diag(reply)
        end = time.monotonic() + 20
        while time.monotonic() < end and w.open_operations():
            time.sleep(0.05)
        if not tap.is_(audit(w.d, w.state), [], name + ": nothing is lost"):
            tap.diag(*w.d.log().splitlines()[-15:])
        if status == 500 and what is create:
            tap.is_([w.d.json("GET", "/volumes")["volumes"],
                     accounts(w.state)["volumes"]], [hosting, []],
                    name + ": nor is a hosting volume left")


def every_boundary():
    for step in ("bricks_create", "volume_create"):
        for point in ("exit-before", "exit-after"):
            crash_at("%s#1=%s" % (step, point), create, (200,))
    crash_at("block_info#1=exit-before", create, (200,))
    for what in (create, existing):
        for point in POINTS:
            crash_at("block_create#1=" + point, what, (200,))
    # On the way back: the create can't work, and the undo is interrupted.
    for step in ("block_destroy", "volume_destroy", "bricks_destroy"):
        for point in ("exit-before", "exit-after"):
            crash_at("block_create=after:no\n%s#1=%s" % (step, point), create,
                     (200, 500))
    for point in ("exit-before", "exit-mid:1", "exit-after"):
        crash_at("block_destroy#1=" + point, delete, (204,))
    for point in POINTS:
        crash_at("block_expand#1=" + point, expand, (200,))
    for point in ("exit-before", "exit-after"):
        crash_at("block_expand=mid:no\nblock_info#1=" + point, expand, (500,))


def client(d, seed, stop, told):
    rng = random.Random(seed)
    while not stop.is_set():
        try:
            there = d.json("GET", "/blockvolumes")["blockvolumes"]
            b = "/blockvolumes/" + rng.choice(there) if there else None
            what = rng.random()
            if b is not None and what < 0.35:
                told.append(send(d, "DELETE", b))
            elif b is not None and what < 0.6:
                told.append(send(d, "POST", b + "/expand",
                                 {"new_size": rng.randrange(2, 12)}))
            else:
                told.append(send(d, "POST", "/blockvolumes", {
                    "size": rng.randrange(1, 20), "hacount": 2,
                    "name": rng.choice("abcdefgh")}))
        except Exception:         # it is being killed: that is the test
            time.sleep(0.005)


def any_moment(rounds, seed):
    """kill -9 at moments that nobody chose, under load."""
    rng = random.Random(seed)
    with World(latency="bricks_create=3,volume_create=3,block_create=4,"
               "block_destroy=3,block_expand=4") as w:
        told = []
        for _ in range(rounds):
            w.faults(rng.choice(("", "block_create#3=after:no",
                                 "block_expand#2=mid:no",
                                 "block_destroy#2=transient")))
            stop = threading.Event()
            threads = [threading.Thread(target=client, args=(
                w.d, rng.random(), stop, told)) for _ in range(4)]
            for t in threads:
                t.start()
            time.sleep(rng.uniform(0.05, 0.25))
            w.d.process.kill()
            stop.set()
            for t in threads:
                t.join()
            w.d.process.wait()
            w.d.process.stdout.close()
            w.d.start()
        w.faults("")
        bad = [(status, body) for status, _, body in
               (w.d.wait(at, 60) for at in told if at is not None)
               if status not in (200, 204, 404, 500)]
        tap.is_(bad, [], "every operation that was accepted has an end (%d of "
                "%d rounds' requests, seed %s)" % (len(told), rounds, seed))
        tap.ok(" adopted at stage " in w.d.log(), "some were adopted")
        tap.is_(audit(w.d, w.state), [], "after %d kills nothing is lost"
                % rounds)
        for kind in ("blockvolumes", "volumes"):
            for i in w.d.json("GET", "/" + kind)[kind]:
                status, _, body = w.d.run("DELETE", "/%s/%s" % (kind, i))
                if status != 204:
                    tap.diag(kind, status, body)
            tap.is_(w.d.json("GET", "/" + kind)[kind], [],
                    "all %s can be deleted" % kind)
        tap.is_(audit(w.d, w.state), [], "and give everything back")


every_boundary()
any_moment(12, os.environ.get("BRICKYARD_TEST_SEED",
                              str(random.randrange(10**6))))
tap.done()
