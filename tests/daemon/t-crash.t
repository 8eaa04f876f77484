#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon dies at every boundary between its record and the nodes; the next
one finishes or undoes, the client that polls gets an answer, nothing is lost.
"""
import http.client
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import tap
from audit import audit
from daemon import Daemon

LOST = (http.client.HTTPException, ConnectionError, OSError)


class World:
    def __init__(self, latency=""):
        self.d = Daemon(start=False)
        self.state = os.path.join(self.d.dir, "nodes")
        self.faults = os.path.join(self.d.dir, "faults")
        self.d.config["executors"] = {"simulated": {
            "state_file": self.state, "faults_file": self.faults,
            "latency": latency}}
        self.set_faults("")
        self.d.start()

    def set_faults(self, text):
        # Another inode, so that a change within a second is seen.
        with open(self.faults + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(self.faults + ".new", self.faults)

    def wait_dead(self):
        try:
            rc = self.d.process.wait(20)
        except Exception:
            return None
        self.d.process.stdout.close()
        self.d.process = None
        return rc

    def close(self):
        self.d.stop()


def send(d, method, path, body):
    """The queue location, or None when the answer was lost."""
    try:
        status, headers, _ = d.request(method, path, body)
        return headers.get("Location") if status == 202 else None
    except LOST:
        return None


def crash_at(fault, what, prepare, method, path, body, check):
    """One crash: die at the fault, start again, see how it ended."""
    w = World()
    d = w.d
    try:
        c, nodes, devices = d.topology(nodes=3)
        ctx = {"cluster": c, "node": nodes[0], "device": devices[0]}
        if prepare:
            prepare(d, ctx)
        w.set_faults(fault)
        location = send(d, method, path.format(**ctx),
                        {k: v.format(**ctx) if isinstance(v, str) else v
                         for k, v in body.items()} if body else None)
        rc = w.wait_dead()
        w.set_faults("")
        if not tap.ok(rc == 137, "%s: dies at %s" % (what, fault)):
            tap.diag("exit status %s" % rc)
            return
        d.start()
        if location is None:
            # The answer was lost; the operation, if there is one, is not.
            end = time.monotonic() + 20
            while time.monotonic() < end and any(
                    o["status"] not in ("done", "failed") for o in
                    d.json("GET", "/v1/operations")["operations"]):
                time.sleep(0.05)
            status = None
        else:
            status, _, reply = d.wait(location, 30)
        tap.ok(status is None or status in check, "%s, %s: the poll ends with %s"
               % (what, fault, status))
        if status is not None and status not in check:
            tap.diag(reply)
        bad = audit(d, w.state)
        if not tap.is_(bad, [], "%s, %s: nothing is lost" % (what, fault)):
            tap.diag(*d.log().splitlines()[-15:])
    finally:
        w.close()


def with_volume(d, ctx):
    status, _, body = d.run("POST", "/volumes", VOLUME)
    assert status == 200, (status, body)
    ctx["volume"] = d.json("GET", "/volumes")["volumes"][0]


def with_failed_device(d, ctx):
    for state in ("offline", "failed"):
        status, _, body = d.run("POST", "/devices/%s/state" % ctx["device"],
                                {"state": state})
        assert status == 204, (status, body)


def with_empty_node(d, ctx):
    with_failed_device(d, ctx)
    status, _, body = d.run("DELETE", "/devices/" + ctx["device"])
    assert status == 204, (status, body)


def with_spare(d, ctx):
    """A fourth node, and a volume with a brick on a device that is offline."""
    with_volume(d, ctx)
    d.device(d.node(ctx["cluster"], "spare"))
    v = d.json("GET", "/volumes/" + ctx["volume"])
    ctx["brick"] = v["bricks"][0]["id"]
    ctx["device"] = v["bricks"][0]["device"]
    ctx["node"] = v["bricks"][0]["node"]
    # Another brick there, of another volume.
    status, _, body = d.run("POST", "/volumes", VOLUME)
    assert status == 200, (status, body)


def with_offline_device(d, ctx):
    with_spare(d, ctx)
    status, _, body = d.run("POST", "/devices/%s/state" % ctx["device"],
                            {"state": "offline"})
    assert status == 204, (status, body)


def with_offline_node(d, ctx):
    with_spare(d, ctx)
    status, _, body = d.run("POST", "/nodes/%s/state" % ctx["node"],
                            {"state": "offline"})
    assert status == 204, (status, body)


def evict_and_clone():
    for step in ("bricks_create", "brick_replace", "bricks_destroy"):
        for point in POINTS:
            crash_at("%s#1=%s" % (step, point), "evict", with_spare, "POST",
                     "/bricks/to-evict/{brick}", None, (204,))
        crash_at("%s#1=exit-after" % step, "device remove",
                 with_offline_device, "POST", "/devices/{device}/state",
                 {"state": "failed"}, (204,))
        crash_at("%s#1=exit-mid" % step, "node remove", with_offline_node,
                 "POST", "/nodes/{node}/state", {"state": "failed"}, (204,))
    for look in ("volume_info", "heal_info"):
        for n in (1, 2):
            crash_at("%s#%d=exit-before" % (look, n), "evict", with_spare,
                     "POST", "/bricks/to-evict/{brick}", None, (204,))
    # On the way back; and where there is no way back.
    crash_at("brick_replace=fail:no\nbricks_destroy#1=exit-after",
             "undo of an evict", with_spare, "POST",
             "/bricks/to-evict/{brick}", None, (204, 500))
    crash_at("brick_replace#1=after:no\nvolume_info#3=exit-after",
             "evict that seemed to fail", with_spare, "POST",
             "/bricks/to-evict/{brick}", None, (204,))
    for point in POINTS:
        crash_at("volume_clone#1=" + point, "clone", with_volume, "POST",
                 "/volumes/{volume}/clone", {"name": "copy"}, (200,))
    for n in (1, 2, 3, 4):
        crash_at("volume_clone#1=exit-mid:%d" % n, "clone", with_volume, "POST",
                 "/volumes/{volume}/clone", {"name": "copy"}, (200,))
    for step in ("volume_destroy", "bricks_destroy"):
        for point in POINTS:
            crash_at("volume_clone=after:no\n%s#1=%s" % (step, point),
                     "undo of a clone", with_volume, "POST",
                     "/volumes/{volume}/clone", {"name": "copy"}, (200, 500))


VOLUME = {"size": 10, "durability": {"type": "replicate",
                                     "replicate": {"replica": 3}}}
POINTS = ("exit-before", "exit-mid", "exit-after")


def every_boundary():
    for step in ("bricks_create", "volume_create"):
        for point in POINTS:
            crash_at("%s#1=%s" % (step, point), "create", None,
                     "POST", "/volumes", VOLUME, (200,))
    # On the way back: the create can't work, and the undo is interrupted.
    for step in ("bricks_destroy", "volume_destroy"):
        for point in ("exit-before", "exit-after"):
            crash_at("volume_create=after:no\n%s#1=%s" % (step, point),
                     "undo of a create", None, "POST", "/volumes", VOLUME,
                     (200, 500))
    for step in ("volume_destroy", "bricks_destroy"):
        for point in ("exit-before", "exit-after"):
            crash_at("%s#1=%s" % (step, point), "delete", with_volume,
                     "DELETE", "/volumes/{volume}", None, (204,))
    for step in ("bricks_create", "volume_expand"):
        for point in ("exit-before", "exit-after"):
            crash_at("%s#1=%s" % (step, point), "expand", with_volume,
                     "POST", "/volumes/{volume}/expand", {"expand_size": 5},
                     (200,))
    for point in ("exit-before", "exit-after"):
        crash_at("device_prepare#1=" + point, "device add", None, "POST",
                 "/devices", {"node": "{node}", "name": "/dev/sdx"}, (204,))
        crash_at("device_teardown#1=" + point, "device delete",
                 with_failed_device, "DELETE", "/devices/{device}", None, (204,))
        crash_at("peer_probe#1=" + point, "node add", None, "POST", "/nodes",
                 {"zone": 1, "cluster": "{cluster}", "hostnames":
                  {"manage": ["new"], "storage": ["new.stor"]}}, (200,))
        crash_at("peer_detach#1=" + point, "node delete", with_empty_node,
                 "DELETE", "/nodes/{node}", None, (204,))


def client(d, seed, stop, told):
    rng = random.Random(seed)
    while not stop.is_set():
        try:
            volumes = d.json("GET", "/volumes")["volumes"]
            if volumes and rng.random() < 0.2:
                v = d.json("GET", "/volumes/" + rng.choice(volumes))
                told.append(("evict", send(
                    d, "POST", "/bricks/to-evict/" +
                    rng.choice(v["bricks"])["id"], None)))
            elif volumes and rng.random() < 0.2:
                told.append(("clone", send(
                    d, "POST", "/volumes/%s/clone" % rng.choice(volumes), {})))
            elif volumes and rng.random() < 0.4:
                v = rng.choice(volumes)
                told.append(("delete", send(d, "DELETE", "/volumes/" + v, None)))
            elif volumes and rng.random() < 0.3:
                v = rng.choice(volumes)
                told.append(("expand", send(
                    d, "POST", "/volumes/%s/expand" % v, {"expand_size": 1})))
            else:
                told.append(("create", send(d, "POST", "/volumes", VOLUME)))
        except Exception:         # it is being killed: that is the test
            time.sleep(0.005)


def any_moment(rounds, seed):
    """kill -9 at moments that nobody chose, under load."""
    rng = random.Random(seed)
    w = World(latency="bricks_create=3,volume_create=3,bricks_destroy=2,"
              "volume_destroy=2,volume_expand=3,brick_replace=3,volume_clone=3")
    d = w.d
    try:
        d.topology(nodes=4, devices=2)
        told, adopted = [], 0
        for i in range(rounds):
            stop = threading.Event()
            threads = [threading.Thread(target=client,
                                        args=(d, rng.random(), stop, told))
                       for _ in range(4)]
            for t in threads:
                t.start()
            time.sleep(rng.uniform(0.02, 0.25))
            d.process.kill()
            stop.set()
            for t in threads:
                t.join()
            d.process.wait()
            d.process.stdout.close()
            d.start()
        unanswered = []
        for kind, location in told:
            if location is None:
                continue
            status, _, body = d.wait(location, 60)
            if status not in (200, 204, 404, 500):
                unanswered.append((kind, status, body))
        tap.is_(unanswered, [], "every operation that was accepted has an end "
                "(%d of %d rounds' requests, seed %s)" % (len(told), rounds, seed))
        adopted = d.log().count(" adopted at stage ")
        tap.ok(adopted > 0, "some operations were adopted (%d)" % adopted)
        tap.is_(audit(d, w.state), [], "after %d kills nothing is lost" % rounds)
        for v in d.json("GET", "/volumes")["volumes"]:
            status, _, body = d.run("DELETE", "/volumes/" + v)
            if status != 204:
                tap.diag(status, body)
        tap.is_(d.json("GET", "/volumes")["volumes"], [],
                "every volume can be deleted")
        tap.is_(audit(d, w.state), [], "and gives everything back")
        free = [x["storage"]["used"] for c in
                d.json("GET", "/clusters")["clusters"] for n in
                d.json("GET", "/clusters/" + c)["nodes"] for x in
                d.json("GET", "/nodes/" + n)["devices"]]
        tap.is_(set(free), {0}, "no space stays used")
    finally:
        w.close()


every_boundary()
evict_and_clone()
any_moment(12, os.environ.get("BRICKYARD_TEST_SEED", str(random.randrange(10**6))))
tap.done()
