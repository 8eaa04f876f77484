#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bricks move to other disks and nodes while a client writes: brick evict,
device remove and node remove with real replace-brick and heal.  The client sees
no error, and what it wrote is there afterwards, on the new bricks, too.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import labtest
import hashlib
import lab
import threading
import time

# Nobody goes down here: the monitor's looks would be a tenth of all that the nodes do.
t = labtest.begin(count=4, disks=2, disks_used=["sdb"], config={"glusterfs": {"disable_monitor_gluster_nodes": True}})
THREE = {"type": "replicate", "replicate": {"replica": 3}}


class Writer(threading.Thread):
    """Writes file after file, reads each back, and remembers what went wrong."""

    def __init__(self, at):
        super().__init__(daemon=True)
        self.at, self.sums, self.errors, self.over = at, {}, [], threading.Event()
        self.written = 0
        self.start()

    def run(self):
        while not self.over.is_set():
            name = "f%d" % (self.written % 50)
            data = os.urandom(256 << 10)
            try:
                with open(os.path.join(self.at, name), "wb") as f:
                    f.write(data)
                    f.flush()
                    os.fsync(f.fileno())
                self.sums[name] = hashlib.sha256(data).hexdigest()
                if labtest.digest(self.at, name) != self.sums[name]:
                    self.errors.append(name + " is read back differently")
                self.written += 1
            except Exception as e:
                self.errors.append("%s: %s" % (name, e))
            time.sleep(0.3)

    def end(self):
        self.over.set()
        self.join(60)
        return self.errors + (["it hangs"] if self.is_alive() else [])


def node_names():
    return {i.split("/")[1]: d["manage"][0] for i, d in t.inst.docs("nodes/").items()}


def info(v):
    return t.c.json("GET", "/volumes/" + v["id"])


def healed(v):
    """No brick has anything left to heal; gluster is asked to, since it looks
    itself every ten minutes only."""
    def nothing():
        r = t.nodes.run("node1", "gluster --mode=script volume heal %s info" % v["name"])
        counts = [x.split(":")[1].strip() for x in r.out.splitlines() if x.startswith("Number of entries")]
        if len(counts) == len(v["bricks"]) and set(counts) == {"0"}:
            return True
        t.nodes.run("node1", "gluster --mode=script volume heal " + v["name"])
        time.sleep(2)
    return lab.wait_for(nothing, 180)


def on_brick(b, sums):
    """Files of the brick itself that differ from what the client wrote."""
    out = t.nodes.sh(node_names()[b["node"]], "cd %s && sha256sum f*" % b["path"])
    have = {x.split()[1]: x.split()[0] for x in out.splitlines()}
    return sorted(n for n in sums if have.get(n) != sums[n])


def moved(what, v, method, path, body, gone):
    """Does it while a client writes; gone(brick) tells which bricks must go."""
    at = t.mount(v)
    w = Writer(at)
    lab.wait_for(lambda: len(w.sums) > 3, 20)
    before = info(v)["bricks"]
    began, already = time.monotonic(), w.written
    status, reply = t.call(method, path, body, seconds=600)
    tap.ok(status in (200, 204), what + ": it is done") or (tap.diag(status, reply), t.tell())
    tap.diag("%s: %.1f s" % (what, time.monotonic() - began))
    tap.ok(w.written > already, what + ": the client wrote meanwhile") or tap.diag(already, w.written)
    time.sleep(1)
    tap.is_(w.end(), [], what + ": the client saw no error")
    tap.diag("%s: %d writes, %d of them meanwhile" % (what, w.written, w.written - already))
    after = info(v)
    old = [b["id"] for b in before if gone(b)]
    tap.ok(old and not any(gone(b) for b in after["bricks"]) and len(after["bricks"]) == len(before),
           what + ": the bricks are elsewhere") or tap.diag(before, after["bricks"])
    tap.ok(healed(after), what + ": all is healed")
    tap.is_({n: labtest.digest(at, n) for n in w.sums}, w.sums, what + ": the client reads what it wrote")
    fresh = [b for b in after["bricks"] if b["id"] not in {x["id"] for x in before}]
    tap.is_([on_brick(b, w.sums) for b in fresh], [[]] * len(fresh), what + ": so do the new bricks have it")
    t.umount(at)
    t.audit(what, seconds=60)


v = t.create("to be moved", durability=THREE)
victim = info(v)["bricks"][1]
moved("brick evict", v, "POST", "/bricks/to-evict/" + victim["id"], None, lambda b: b["id"] == victim["id"])
# A second disk on each node, so that there is room in every zone.
for i, n in node_names().items():
    status, reply = t.call("POST", "/devices", {"node": i, "name": "/dev/sdc"})
    tap.is_(status, 204, "another disk on " + n) or tap.diag(reply)
device = info(v)["bricks"][0]["device"]
tap.is_(t.call("POST", "/devices/%s/state" % device, {"state": "offline"})[0], 204, "a device goes offline")
moved("device remove", v, "POST", "/devices/%s/state" % device, {"state": "failed"}, lambda b: b["device"] == device)
status, reply = t.call("DELETE", "/devices/" + device)
tap.is_(status, 204, "the empty device is deleted") or tap.diag(reply)
node = info(v)["bricks"][0]["node"]
tap.is_(t.call("POST", "/nodes/%s/state" % node, {"state": "offline"})[0], 204, "a node goes offline")
moved("node remove", v, "POST", "/nodes/%s/state" % node, {"state": "failed"}, lambda b: b["node"] == node)

t.end()
