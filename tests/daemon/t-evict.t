#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Evicting bricks and removing devices and nodes: heketi's texts and codes, and
what is there afterwards."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import re
import sqlite3
import threading
import time

from audit import accounts, audit
from daemon import Daemon
from etcd import wait_for

REPLICA_3 = {"type": "replicate", "replicate": {"replica": 3}}
NO_REPLACEMENT = "No Replacement was found for resource requested to be removed"
CONFLICT = "The target exists, contains other items, or is in use."


class World:
    def __init__(self, sim=None, **config):
        self.d = Daemon(start=False, config=config)
        self.state = os.path.join(self.d.dir, "nodes")
        self.path = os.path.join(self.d.dir, "faults")
        self.d.config["executors"] = {"simulated": dict(
            {"state_file": self.state, "faults_file": self.path}, **(sim or {}))}
        self.faults("")
        self.d.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.d.stop()

    def faults(self, text):
        with open(self.path + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(self.path + ".new", self.path)

    def create(self, **more):
        status, _, body = self.d.run("POST", "/volumes", dict(
            {"size": 5, "durability": REPLICA_3}, **more))
        assert status == 200, (status, body)
        return json.loads(body)

    def volume(self, v):
        return self.d.json("GET", "/volumes/" + v["id"])

    def evict(self, brick, body=None):
        status, _, text = self.d.run("POST", "/bricks/to-evict/" + brick, body)
        return status, text.decode().strip()

    def state_of(self, kind, i, state, **more):
        status, _, text = self.d.run("POST", "/%s/%s/state" % (kind, i),
                                     dict(state=state, **more))
        return status, text.decode().strip()

    def well(self, what):
        bad = audit(self.d, self.state)
        if not tap.is_(bad, [], what + ": accounts agree"):
            tap.diag(*self.d.log().splitlines()[-15:])


def bricks(v):
    return {b["id"]: b for b in v["bricks"]}


def order(w, name):
    """Bricks as gluster has them."""
    return [v["bricks"] for v in accounts(w.state)["volumes"]
            if v["name"] == name][0]


# ---- evict ----

with World() as w:
    w.d.topology(nodes=4, devices=2)
    v = w.create(gid=2000, name="first")
    was = order(w, "first")
    old = v["bricks"][1]
    at = [i for i, b in enumerate(was) if b.endswith(old["path"])][0]
    tap.is_(w.evict(old["id"]), (204, ""), "a brick is evicted")
    now = w.volume(v)
    new = [b for b in now["bricks"] if b["id"] not in bricks(v)]
    tap.is_((len(new), len(now["bricks"])), (1, 3), "another one is in its place")
    tap.ok(new[0]["device"] != old["device"] and new[0]["size"] == old["size"],
           "on another device, as large as the old one")
    tap.is_(len({b["node"] for b in now["bricks"]}), 3, "on three nodes still")
    is_ = order(w, "first")
    tap.ok(is_[at].endswith(new[0]["path"]) and
           is_[:at] + is_[at + 1:] == was[:at] + was[at + 1:],
           "it has the same place in gluster's order")
    lv = [l for n in accounts(w.state)["nodes"].values()
          for l in n["lvs"].values() if l["brick"] == new[0]["id"]][0]
    tap.is_(lv["gid"], 2000, "the new brick has the volume's group")
    w.well("evicted")
    for k, x in now.items():
        if k not in ("bricks",) and x != v[k]:
            tap.ok(False, "%s of the volume changed: %r, %r" % (k, v[k], x))
    for _ in range(6):          # back and forth
        b = w.volume(v)["bricks"][0]["id"]
        tap.is_(w.evict(b)[0], 204, "and again")
    w.well("evicted many times")
    tap.is_(w.evict("0" * 32), (404, "Id not found"), "an unknown brick")
    tap.is_(w.evict("xyz"), (404, "Invalid path or request"), "no id")
    status, _, _ = w.d.request("GET", "/bricks/to-evict/" + "0" * 32)
    tap.is_(status, 405, "only POST")
    b = w.volume(v)["bricks"][0]["id"]
    for body, answer in (
            ("{", (422, "request unable to be parsed")),
            ({"healcheck": "sure"}, (400, "validation failed: healcheck: sure "
                                     "is not valid heal info check.")),
            ({"healthcheck": "no"}, (400, "validation failed: healthcheck: no "
                                     "is not valid heal info check."))):
        tap.is_(w.evict(b, body), answer, "body %s" % (body,))
    tap.is_(w.evict(b, {"healcheck": "enable"})[0], 204, "healcheck enable")

    # ---- heal ----
    b = w.volume(v)["bricks"][0]
    host = w.d.json("GET", "/nodes/" + b["node"])["hostnames"]["storage"][0]
    w.faults("heal@%s=pending:3" % host)
    tap.is_(w.evict(b["id"]), (500, "Cannot replace brick %s as it is source "
                               "brick for data to be healed" % b["id"]),
            "others are to be healed from it")
    w.well("refused")
    tap.is_(w.evict(b["id"], {"healcheck": "disable"})[0], 204,
            "which may be overruled")
    b = w.volume(v)["bricks"]
    hosts = [w.d.json("GET", "/nodes/" + x["node"])["hostnames"]["storage"][0]
             for x in b]
    w.faults("brick@%s=offline" % hosts[1])
    tap.is_(w.evict(b[0]["id"]), (500, "Cannot replace brick %s as only 1 of 2 "
                                  "required peer bricks are online"
                                  % b[0]["id"]), "a peer is offline")
    tap.is_(w.evict(b[1]["id"])[0], 204, "the one that is offline may go")
    w.faults("heal_info=fail:glfsheal crashed")
    b = w.volume(v)["bricks"][0]["id"]
    tap.is_(w.evict(b), (500, "Unable to get heal info of volume : %s : glfsheal crashed" % v["name"]),
            "heal info fails")
    w.faults("")
    one = w.create(durability={"type": "none"}, size=3)
    b = one["bricks"][0]["id"]
    tap.is_(w.evict(b), (500, "Cannot replace brick %s as only 0 of 1 required "
                         "peer bricks are online" % b), "a brick without peers")
    got = w.evict(b, {"healcheck": "disable"})
    tap.ok(got[0] == 500 and "not permitted on distribute" in got[1],
           "gluster itself refuses that, too")
    two = w.create(durability={"type": "replicate",
                               "replicate": {"replica": 2}})
    tap.is_(w.evict(two["bricks"][0]["id"])[0], 204, "replica 2")
    ec = w.create(durability={"type": "disperse",
                              "disperse": {"data": 2, "redundancy": 1}})
    tap.is_(w.evict(ec["bricks"][2]["id"])[0], 204, "disperse 2+1")
    arb = w.create(glustervolumeoptions=["user.heketi.arbiter true"], size=4)
    small = min(arb["bricks"], key=lambda x: x["size"])
    tap.is_(w.evict(small["id"])[0], 204, "an arbiter brick")
    tap.is_(sorted(x["size"] for x in w.volume(arb)["bricks"]),
            sorted(x["size"] for x in arb["bricks"]), "stays as small")
    w.well("all kinds")
    for fault, text in (("bricks_create=fail:mkfs broke", "mkfs broke"),
                        ("brick_replace=fail:commit failed", "commit failed")):
        w.faults(fault)
        b = w.volume(v)["bricks"][0]["id"]
        status, got = w.evict(b)
        tap.is_((status, got.split(": ")[-1]), (500, text), fault)
        tap.is_(bool(re.match("Unable to replace brick \\S+:/\\S+ with \\S+:/\\S+ for volume %s: " % v["name"],
                              got)), fault.startswith("brick_replace"), "it says what could not be replaced")
        tap.ok(b in bricks(w.volume(v)), "it stays")
        w.well(fault)
    # ---- who can't be asked, and who doesn't know ----
    w.faults("volume_info=fail:locked")
    tap.is_(w.evict(b), (500, "Unable to get volume info of volume name: %s: "
                         "locked" % v["name"]), "the volume can't be looked at")
    w.faults("glusterd=down")
    tap.is_(w.evict(b), (500, "Id not found"), "no glusterd lives")
    tap.has(w.d.log(), "brick %s can't be replaced: " % b, "the log says more")
    w.faults("")
    with sqlite3.connect(w.state) as db:
        db.execute("UPDATE bricks SET path = path || '-x' WHERE path = ?",
                   (w.volume(v)["bricks"][0]["path"],))
    tap.is_(w.evict(b), (500, "Id not found"), "gluster doesn't know the brick")
    tap.has(w.d.log(), "/brick) is not in gluster's volume", "the log says so")
    tap.is_(w.evict(w.volume(v)["bricks"][1]["id"]), (500, "Id not found"),
            "nor is another of the set evicted")
    tap.has(w.d.log(), "its bricks in gluster are not those of its record",
            "the log says which")
    with sqlite3.connect(w.state) as db:
        db.execute("UPDATE bricks SET path = substr(path, 1, length(path) - 2) "
                   "WHERE path LIKE '%-x'")
    w.well("nobody to ask")
    # It is done, though the command says that it failed.
    w.faults("brick_replace#1=after:timed out")
    b = w.volume(v)["bricks"][0]["id"]
    tap.is_(w.evict(b)[0], 204, "a replacement that was made counts")
    w.faults("")
    w.well("made nevertheless")
    # The node is there, and can't.
    b = w.volume(v)["bricks"][0]["id"]
    w.faults("bricks_destroy=fail:target is busy")
    tap.is_(w.evict(b), (500, "target is busy"),
            "the old brick can't be removed, and the client hears of it")
    w.faults("")
    tap.ok(b not in bricks(w.volume(v)), "but it is replaced")
    left = w.d.json("GET", "/v1/leftovers")["leftovers"]
    tap.is_([(x["brick"], x["volume"], x["why"]) for x in left],
            [(b, v["id"], "target is busy")], "and not forgotten")
    tap.is_((w.d.run("POST", "/operations/pending/cleanup", {})[0],
             w.d.json("GET", "/v1/leftovers")["leftovers"]), (204, []),
            "cleaning up takes it away")

# ---- what is being changed may not be evicted ----

with World(sim={"latency": "volume_expand=800,brick_replace=800,"
                "volume_destroy=800,bricks_create=200"}) as w:
    w.d.topology(nodes=4)
    v = w.create()
    b = v["bricks"][0]["id"]
    _, h, _ = w.d.request("POST", "/volumes/%s/expand" % v["id"],
                          {"expand_size": 1})
    tap.is_(w.evict(b), (500, "Failed to set up brick eviction: Can not evict "
                         "brick %s from volume %s: volume has pending bricks"
                         % (b, v["id"])), "of a volume that is being expanded")
    w.d.wait(h["Location"])
    _, h, _ = w.d.request("POST", "/bricks/to-evict/" + b)
    tap.is_(w.evict(b)[1], "Failed to set up brick eviction: Can not evict brick "
            "%s: brick is pending" % b, "twice at a time")
    other = v["bricks"][1]["id"]
    tap.is_(w.evict(other)[1], "Failed to set up brick eviction: Can not evict "
            "brick %s from volume %s: volume has pending bricks"
            % (other, v["id"]), "nor another of the volume")
    status, _, text = w.d.run("POST", "/volumes/%s/expand" % v["id"],
                              {"expand_size": 1})
    tap.is_((status, text.decode().strip()),
            (500, "Failed to allocate volume expansion: " + CONFLICT),
            "no expansion meanwhile")
    status, _, text = w.d.run("DELETE", "/volumes/" + v["id"])
    tap.is_((status, text.decode().strip()),
            (500, "Failed to set up volume delete: " + CONFLICT),
            "no delete meanwhile")
    tap.is_(len(w.volume(v)["bricks"]), 6, "the new brick is not shown yet")
    tap.is_(w.d.wait(h["Location"])[0], 204, "the eviction ends well")
    b = w.volume(v)["bricks"][0]["id"]
    _, h, _ = w.d.request("DELETE", "/volumes/" + v["id"])
    tap.is_(w.evict(b), (500, "Failed to set up brick eviction: Can not evict "
                         "brick %s: brick is pending" % b),
            "of a volume that is being deleted")
    w.d.wait(h["Location"])
    w.well("gates")

# ---- nowhere to go ----

with World() as w:
    _, nodes, devices = w.d.topology(nodes=3)
    v = w.create()
    tap.is_(w.evict(v["bricks"][0]["id"]), (500, NO_REPLACEMENT),
            "there is no other device")
    tap.is_(w.state_of("devices", devices[0], "failed"),
            (500, "Device must be offline before remove operation is performed, "
             "device:" + devices[0]), "an online device is not removed")
    w.state_of("devices", devices[0], "offline")
    tap.is_(w.state_of("devices", devices[0], "failed"),
            (500, "Unable to delete device [%s] as no device was found to "
             "replace it: %s" % (devices[0], NO_REPLACEMENT)),
            "a device that nothing can replace")
    tap.is_(w.d.json("GET", "/devices/" + devices[0])["state"], "offline",
            "stays offline")
    tap.is_(w.state_of("nodes", nodes[1], "failed"),
            (500, "Node must be offline before remove operation is performed, "
             "node:" + nodes[1]), "an online node is not removed")
    w.state_of("nodes", nodes[1], "offline")
    tap.is_(w.state_of("nodes", nodes[1], "failed"),
            (500, "Unable to remove node [%s] as no device was found to replace "
             "device [%s]" % (nodes[1], devices[1])),
            "a node that nothing can replace")
    tap.is_(w.d.json("GET", "/nodes/" + nodes[1])["state"], "offline",
            "stays offline")
    w.well("nowhere")

# ---- devices and nodes ----

with World() as w:
    c, nodes, devices = w.d.topology(nodes=4, devices=2)
    volumes = [w.create(size=3) for _ in range(6)]
    dev = max(devices, key=lambda x: len(
        w.d.json("GET", "/devices/" + x)["bricks"]))
    n = len(w.d.json("GET", "/devices/" + dev)["bricks"])
    w.state_of("devices", dev, "offline")
    tap.is_(w.state_of("devices", dev, "failed"), (204, ""),
            "a device with %d bricks is removed" % n)
    info = w.d.json("GET", "/devices/" + dev)
    tap.is_((info["state"], info["bricks"], info["storage"]["used"]),
            ("failed", [], 0), "it is failed, empty and unused")
    tap.is_(w.state_of("devices", dev, "online"),
            (500, "Cannot move a failed/removed device to online state"),
            "and not to be used again")
    tap.is_(w.state_of("devices", dev, "failed"), (204, ""), "failed twice")
    w.well("a device")
    w.state_of("nodes", nodes[1], "offline")
    tap.is_(w.state_of("nodes", nodes[1], "failed"), (204, ""),
            "a node is removed")
    info = w.d.json("GET", "/nodes/" + nodes[1])
    tap.is_((info["state"], [d["state"] for d in info["devices"]],
             [d["bricks"] for d in info["devices"]]),
            ("failed", ["failed"] * 2, [[]] * 2),
            "it is failed, its devices too, and they are empty")
    for state in ("online", "offline"):
        tap.is_(w.state_of("nodes", nodes[1], state),
                (500, "Cannot move a failed/removed node to %s state" % state),
                "a removed node can't be " + state)
    for x in volumes:
        now = w.volume(x)
        if len({b["node"] for b in now["bricks"]}) != 3:
            tap.ok(False, "volume %s is not on three nodes" % x["id"])
    w.well("a node")
    for d in info["devices"]:
        tap.is_(w.d.run("DELETE", "/devices/" + d["id"])[0], 204,
                "its devices can be deleted")
    tap.is_(w.d.run("DELETE", "/nodes/" + nodes[1])[0], 204, "and it can be")
    for x in volumes:
        tap.is_(w.d.run("DELETE", "/volumes/" + x["id"])[0], 204,
                "its volumes can be deleted")
    w.well("all gone")

# ---- a removal waits for heals; single evictions don't ----

with World(sim={"heal_ms": "1500"}) as w:
    _, _, devices = w.d.topology(nodes=3, devices=2)
    one = w.create(size=2, glustervolumeoptions=["user.x y"])
    w.d.run("POST", "/volumes/%s/expand" % one["id"], {"expand_size": 2})
    dev = max(devices, key=lambda x: len(
        w.d.json("GET", "/devices/" + x)["bricks"]))
    w.state_of("devices", dev, "offline")
    b = w.d.json("GET", "/devices/" + dev)["bricks"][0]["id"]
    here = next(x["node"] for x in w.volume(one)["bricks"] if x["id"] == b)
    peer = [x["id"] for x in w.volume(one)["bricks"] if x["id"] != b]
    w.evict(b)
    got = [w.evict(x)[1] for x in peer]
    tap.ok(any("source brick for data to be healed" in x for x in got),
           "an eviction does not wait for a heal")
    # On another node: this one has no second device that is online.
    other = next(x for x in w.volume(one)["bricks"] if x["node"] != here)
    w.state_of("devices", other["device"], "offline")
    tap.is_(w.state_of("devices", other["device"], "failed"), (204, ""),
            "a removal does")
    tap.ok("source brick for data to be healed, retrying" in w.d.log(),
           "and says so")
    w.well("waited")

with World(heal_wait_s=1) as w:
    _, nodes, devices = w.d.topology(nodes=4)
    v = w.create()
    b = v["bricks"][0]
    w.faults("heal=pending:2")
    w.state_of("devices", b["device"], "offline")
    begun = time.monotonic()
    tap.is_(w.state_of("devices", b["device"], "failed"),
            (500, "Cannot replace brick %s as it is source brick for data to be "
             "healed" % b["id"]), "a heal that does not end")
    tap.ok(1 <= time.monotonic() - begun < 20, "is waited for no longer than told")
    tap.is_(w.state_of("devices", b["device"], "failed",
                       healthcheck="disable"), (204, ""), "or not at all")
    w.well("bounded")

with World() as w:
    w.d.topology(nodes=4)
    v = w.create()
    device = v["bricks"][0]["device"]
    w.state_of("devices", device, "offline")
    w.faults("heal_info=fail:glfsheal crashed")
    begun = time.monotonic()
    tap.is_(w.state_of("devices", device, "failed"),
            (500, "Unable to get heal info of volume : %s : glfsheal crashed" %
             v["name"]), "that gluster can't tell of a heal")
    tap.ok(time.monotonic() - begun < 40, "is not waited for as a heal is")
    w.well("mute")

with World() as w:
    w.d.topology(nodes=3)
    v = w.create(durability={"type": "none"})
    b = v["bricks"][0]
    w.state_of("devices", b["device"], "offline")
    begun = time.monotonic()
    tap.is_(w.state_of("devices", b["device"], "failed"),
            (500, "Cannot replace brick %s as only 0 of 1 required peer bricks "
             "are online" % b["id"]), "a brick that has no peers")
    tap.ok(time.monotonic() - begun < 20, "is not waited for")

# ---- throttled ----

with World(sim={"latency": "brick_replace=1500"},
           glusterfs={"max_inflight_operations": 1}) as w:
    _, _, devices = w.d.topology(nodes=4, devices=2)
    v = w.create()
    for x in devices:
        w.state_of("devices", x, "online")
    b = v["bricks"]
    free = [x for x in devices if x not in {y["device"] for y in b}]
    w.state_of("devices", free[0], "offline")
    _, h, _ = w.d.request("POST", "/bricks/to-evict/" + b[0]["id"])
    busy = (429, "Server busy. Retry operation later.")
    tap.is_(w.evict(b[1]["id"]), busy, "evictions count")
    tap.is_(w.state_of("devices", free[0], "failed"), busy,
            "removals of empty devices, too")
    tap.is_(w.state_of("devices", free[0], "offline")[0], 204,
            "other states do not")
    tap.is_(w.d.wait(h["Location"])[0], 204, "the first one ends")
    tap.is_(w.state_of("devices", free[0], "failed")[0], 204,
            "then there is a place")
    w.well("throttled")

# ---- a node is dead ----

with World() as w:
    _, nodes, devices = w.d.topology(nodes=5)
    v = w.create(size=3)
    b = v["bricks"][0]
    node = w.d.json("GET", "/nodes/" + b["node"])
    manage = node["hostnames"]["manage"][0]
    dead = "glusterd@%s=down\n*@%s=unreachable" % (manage, manage)
    w.faults(dead)
    tap.is_(w.evict(b["id"])[0], 204, "a brick on a dead node is evicted")
    now = w.volume(v)
    tap.ok(b["id"] not in bricks(now) and
           b["node"] not in {x["node"] for x in now["bricks"]},
           "to a node that is alive")
    left = w.d.json("GET", "/v1/leftovers")["leftovers"]
    tap.is_([(x["brick"], x["node"], x["device"], x["lv"]) for x in left],
            [(b["id"], b["node"], b["device"], "brick_" + b["id"])],
            "what is left there is remembered")
    tap.ok("could not be removed, its node does not answer" in w.d.log(),
           "and in the log")
    used = w.d.json("GET", "/devices/" + b["device"])["storage"]["used"]
    tap.ok(used > 0, "it still uses space there")
    w.state_of("nodes", b["node"], "offline")
    tap.is_(w.state_of("nodes", b["node"], "failed"), (204, ""),
            "the dead node can be removed")
    w.faults("")
    w.d.config["glusterfs"]["start_time_background_cleaner"] = 1
    w.d.restart()
    tap.ok(wait_for(lambda: not w.d.json("GET", "/v1/leftovers")["leftovers"],
                    20), "the brick is taken away when the node is back")
    w.well("the dead node is back")
    v = w.volume(v)
    b = v["bricks"][0]
    node = w.d.json("GET", "/nodes/" + b["node"])["hostnames"]["manage"][0]
    w.faults("glusterd@%s=down\n*@%s=unreachable" % (node, node))
    w.state_of("devices", b["device"], "offline")
    tap.is_(w.state_of("devices", b["device"], "failed"), (204, ""),
            "a device on a dead node can be removed")
    tap.is_(w.d.json("GET", "/devices/" + b["device"])["bricks"], [],
            "without its bricks")
tap.done()
