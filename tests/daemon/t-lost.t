#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A node that is lost before anybody noticed: what is made meanwhile goes elsewhere,
what is on it is remembered and taken away when it is back, and nobody waits for it.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import http.client
import json
import time

from audit import accounts, audit
from daemon import Daemon
from etcd import wait_for

CONFLICT = "The target exists, contains other items, or is in use."
LOST = (http.client.HTTPException, ConnectionError, OSError)


def replica(n):
    return {"size": 5, "durability": {"type": "replicate",
                                      "replicate": {"replica": n}}}


class World:
    def __init__(self, nodes, devices=1, monitor=None):
        # Nobody notices that a node is lost but who needs it.
        self.d = Daemon(start=False, config={"glusterfs": monitor or {
            "disable_monitor_gluster_nodes": True}})
        self.state = os.path.join(self.d.dir, "nodes")
        self.path = os.path.join(self.d.dir, "faults")
        self.d.config["executors"] = {"simulated": {
            "state_file": self.state, "faults_file": self.path}}
        self.faults("")
        self.d.start()
        _, self.nodes, self.devices = self.d.topology(nodes=nodes,
                                                      devices=devices)
        self.hosts = {n: self.d.json("GET", "/nodes/" + n)
                      ["hostnames"]["manage"][0] for n in self.nodes}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.d.stop()

    def faults(self, text):
        with open(self.path + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(self.path + ".new", self.path)

    def lose(self, node, first=""):
        """first: faults that come before that it does not answer."""
        h = self.hosts[node]
        self.faults("%s\nglusterd@%s=down\n*@%s=unreachable:no route to %s"
                    % (first.replace("HOST", h), h, h, h))

    def run(self, method, path, body=None):
        status, _, text = self.d.run(method, path, body)
        text = text.decode().strip()
        return status, json.loads(text) if status == 200 else text

    def left(self):
        return self.d.json("GET", "/v1/leftovers")["leftovers"]

    def used(self, device):
        return self.d.json("GET", "/devices/" + device)["storage"]["used"]

    def devices_of(self, node):
        return [x["id"] for x in self.d.json("GET", "/nodes/" + node)["devices"]]

    def open_operations(self):
        return [(o["kind"], o["status"]) for o in
                self.d.json("GET", "/v1/operations")["operations"]
                if o["status"] not in ("done", "failed")]

    def checks(self, what):
        """Nothing is open, and the database fits together as it is."""
        report = self.d.json("GET", "/db/check")
        tap.is_((self.open_operations(), report["totalinconsistencies"]),
                ([], 0), what + ": nothing waits, the database is consistent")
        if report["totalinconsistencies"]:
            tap.diag(json.dumps(report))

    def back(self, what):
        """The node is back: soon nothing is left over."""
        self.faults("")
        self.d.config["glusterfs"]["start_time_background_cleaner"] = 1
        if self.d.process is None:
            self.d.start()
        else:
            self.d.restart()
        tap.ok(wait_for(lambda: not self.left(), 30),
               what + ": nothing is left over when the node is back")
        if not tap.is_(audit(self.d, self.state), [],
                       what + ": accounts agree"):
            tap.diag(*self.d.log().splitlines()[-25:])


def nodes_of(v):
    return {b["node"] for b in v["bricks"]}


def create():
    for first in ("", "bricks_create@HOST#1=mid-unreachable",
                  "bricks_create@HOST#1=after-unreachable"):
        with World(nodes=4) as w:
            what = "create, " + (first.split("=")[1] if first else "lost before")
            gone = w.nodes[2]
            w.lose(gone, first)
            ends = [w.run("POST", "/volumes", replica(3)) for _ in range(4)]
            tap.is_([status for status, _ in ends], [200] * 4, what + ": all "
                    "creates end well") or tap.diag(ends)
            tap.ok(all(gone not in nodes_of(v) for _, v in ends),
                   what + ": on the other nodes")
            left = w.left()
            tap.ok(left and {x["node"] for x in left} == {gone} and all(
                "no route to" in x["why"] for x in left),
                what + ": what may be on the lost one is remembered") or \
                tap.diag(left)
            tap.is_(w.used(w.devices_of(gone)[0]) * 1024,
                    sum(x["bytes"] for x in left), what + ": and its space")
            w.checks(what)
            w.back(what)
            tap.is_(w.used(w.devices_of(gone)[0]), 0,
                    what + ": its space is given back")


def no_room():
    with World(nodes=3) as w:
        gone = w.nodes[1]
        w.lose(gone)
        body = dict(replica(3), name="wanted")
        status, text = w.run("POST", "/volumes", body)
        tap.ok(status == 500 and "no route to" in text, "no room elsewhere: the "
               "create ends with the true error") or tap.diag(status, text)
        tap.is_(w.d.json("GET", "/volumes")["volumes"], [], "it is gone")
        tap.is_([w.used(d) > 0 for n in w.nodes for d in w.devices_of(n)],
                [n == gone for n in w.nodes], "all else is undone")
        tap.is_(len(w.left()), 1, "it is tried there once only")
        w.checks("no room")
        w.back("no room")
        tap.is_(w.run("POST", "/volumes", body)[0], 200, "then there is")
        gone_again = w.nodes[0]
        w.lose(gone_again)
        v = w.d.json("GET", "/volumes")["volumes"][0]
        status, text = w.run("POST", "/volumes/%s/expand" % v,
                             {"expand_size": 2})
        tap.ok(status == 500 and "no route to" in text, "nor for an expand, "
               "which ends with the true error") or tap.diag(status, text)
        info = w.d.json("GET", "/volumes/" + v)
        tap.is_((info["size"], len(info["bricks"])), (5, 3),
                "the volume is as it was")
        w.checks("no room for an expand")
        w.back("no room for an expand")
        tap.is_(w.run("POST", "/volumes/%s/expand" % v, {"expand_size": 2})[0],
                200, "then there is")


def expand():
    with World(nodes=5) as w:
        status, v = w.run("POST", "/volumes", replica(3))
        spare = [n for n in w.nodes if n not in nodes_of(v)][0]
        # Spare nodes have most room: one of them is asked first.
        w.lose(spare)
        ends = [w.run("POST", "/volumes/%s/expand" % v["id"],
                      {"expand_size": 2}) for _ in range(3)]
        tap.is_([status for status, _ in ends], [200] * 3,
                "expand: all end well") or tap.diag(ends)
        info = w.d.json("GET", "/volumes/" + v["id"])
        tap.is_((info["size"], len(info["bricks"])), (11, 12),
                "expand: by as much as was asked for")
        tap.ok(spare not in nodes_of(info), "expand: on the other nodes")
        tap.ok({x["node"] for x in w.left()} == {spare},
               "expand: what may be on the lost one is remembered")
        w.checks("expand")
        w.back("expand")
    with World(nodes=4) as w:
        status, v = w.run("POST", "/volumes", replica(3))
        w.lose(v["bricks"][0]["node"], "volume_expand#1=mid:no")
        status, text = w.run("POST", "/volumes/%s/expand" % v["id"],
                             {"expand_size": 2})
        tap.is_(status, 500, "an expand that fails in gluster has an end, too, "
                "when the volume's first node is lost") or tap.diag(text)
        w.checks("expand without the first node")
        w.back("expand without the first node")


def evict():
    with World(nodes=5) as w:
        status, v = w.run("POST", "/volumes", replica(3))
        spare = [n for n in w.nodes if n not in nodes_of(v)]
        w.lose(spare[0])
        ends = []
        # Which of the spare nodes is asked first is left to chance.
        while len(ends) < 4 or (not w.left() and len(ends) < 20):
            v = w.d.json("GET", "/volumes/" + v["id"])
            ends.append(w.run("POST", "/bricks/to-evict/" + v["bricks"][0]["id"],
                              {"healcheck": "disable"})[0])
        v = w.d.json("GET", "/volumes/" + v["id"])
        tap.is_(set(ends), {204}, "evict: another place is found")
        tap.ok(spare[0] not in nodes_of(v), "evict: on a node that is there")
        tap.is_({x["node"] for x in w.left()}, {spare[0]},
                "evict: what may be on the lost one is remembered")
        w.checks("evict")
        device = v["bricks"][0]["device"]
        for state in ("offline", "failed"):
            tap.is_(w.run("POST", "/devices/%s/state" % device,
                          {"state": state})[0], 204,
                    "so does removing a device: " + state)
        tap.ok(spare[0] not in nodes_of(w.d.json("GET", "/volumes/" + v["id"])),
               "its brick is on a node that is there")
        w.back("evict")


def told():
    """The monitor, which comes round now and then only, is told."""
    with World(nodes=4, monitor={"start_time_monitor_gluster_nodes": 9999,
                                 "refresh_time_monitor_gluster_nodes": 9999}) as w:
        gone = w.nodes[2]
        w.lose(gone)

        def ill():
            return [(n["node"], n["reason"]) for n in
                    w.d.json("GET", "/v1/health")["unhealthy"]]
        tap.is_(ill(), [], "nobody knows that a node is lost")
        while not w.left():
            if w.run("POST", "/volumes", replica(3))[0] != 200:
                break
        n = len(w.left())
        tap.is_(ill(), [(gone, "no route to " + w.hosts[gone])],
                "the create that lost it says so")
        tap.is_([w.run("POST", "/volumes", replica(3))[0] for _ in range(4)],
                [200] * 4, "the next ones go elsewhere")
        tap.is_(len(w.left()), n, "without trying it")
        w.faults("")
        tap.ok(wait_for(lambda: not ill(), 60), "when it is back that is noticed")
        w.back("told")


def blink():
    """Long enough away for a leftover, back when there is no other place."""
    with World(nodes=3) as w:
        h = w.hosts[w.nodes[0]]
        w.faults("\n".join(["bricks_create@%s#%d=unreachable" % (h, 1)] * 3 +
                           ["bricks_destroy@%s#1=unreachable" % h,
                            "node_check@%s#1=unreachable" % h]))
        status, v = w.run("POST", "/volumes", replica(3))
        tap.is_(status, 200, "a node that answers again is used again") or \
            tap.diag(v)
        w.back("blink")


def delete():
    with World(nodes=4) as w:
        status, v = w.run("POST", "/volumes", replica(3))
        gone = v["bricks"][1]["node"]
        w.lose(gone)
        status, text = w.run("DELETE", "/volumes/" + v["id"])
        tap.is_((status, text), (500, "Unable to delete volume %s: volume "
                "delete: %s: failed: Some of the peers are down"
                % (v["name"], v["name"])),
                "delete: gluster refuses it beside a lost node, and says why")
        tap.is_(w.d.json("GET", "/volumes")["volumes"], [v["id"]],
                "the volume is there still")
        tap.is_(w.left(), [], "with all its bricks")
        # Lost when gluster has forgotten the volume.
        h = w.hosts[gone]
        w.faults("bricks_destroy@%s=unreachable\nnode_check@%s=unreachable"
                 % (h, h))
        tap.is_(w.run("DELETE", "/volumes/" + v["id"]), (204, ""),
                "lost later: it goes on")
        tap.is_(w.d.json("GET", "/volumes")["volumes"], [], "it is gone")
        tap.is_([(x["node"], x["volume"]) for x in w.left()], [(gone, v["id"])],
                "one brick is left over")
        w.checks("delete")
        w.back("delete")
        # The node answers, but can't do it: nothing is left behind quietly.
        status, v = w.run("POST", "/volumes", replica(3))
        w.faults("bricks_destroy@%s=fail:target is busy"
                 % w.hosts[v["bricks"][1]["node"]])
        tap.is_(w.run("DELETE", "/volumes/" + v["id"])[0], 500,
                "a brick that is busy is no leftover")
        tap.is_(w.left(), [], "there is none")
        w.faults("")
        tap.is_(w.run("DELETE", "/volumes/" + v["id"]), (204, ""),
                "the volume can be deleted again")


def clones():
    """Bricks that share a thin pool: its space is given back with the last."""
    with World(nodes=4) as w:
        status, v = w.run("POST", "/volumes", replica(3))
        gone = v["bricks"][0]["node"]
        device = v["bricks"][0]["device"]
        h = w.hosts[gone]
        lost = "\nbricks_destroy@%s=unreachable\nnode_check@%s=unreachable" % (h, h)
        used = w.used(device)
        w.faults("volume_clone=after:no" + lost)
        tap.is_(w.run("POST", "/volumes/%s/clone" % v["id"], {}), (500, "no"),
                "a clone that fails beside a lost node ends with the true error")
        w.checks("undo of a clone")
        w.back("undo of a clone")
        status, c = w.run("POST", "/volumes/%s/clone" % v["id"], {})
        status, c2 = w.run("POST", "/volumes/%s/clone" % c["id"], {})
        tap.is_(status, 200, "a clone, and a clone of that")
        w.faults(lost)
        for i, x in enumerate((c, v, c2)):
            tap.is_(w.run("DELETE", "/volumes/" + x["id"]), (204, ""),
                    "a volume of the three is deleted beside a lost node")
            tap.is_((len(w.left()), w.used(device)), (i + 1, used),
                    "its brick is left over, the pool's space counts once")
            w.checks("clones")
        w.back("clones")
        tap.is_(w.used(device), 0, "it is given back once")


def hosting():
    """The hosting volume that a block volume needs."""
    with World(nodes=4) as w:
        w.d.config["glusterfs"].update(auto_create_block_hosting_volume=True,
                                       block_hosting_volume_size=20)
        w.d.restart()
        gone = w.nodes[1]
        w.faults("\n".join("%s@%s=unreachable" % (step, w.hosts[gone]) for step
                           in ("bricks_create", "bricks_destroy", "node_check")))
        status, b = w.run("POST", "/blockvolumes", {"size": 18})
        while status == 200 and not w.left():
            # Was not planned there: one more.
            status, b = w.run("POST", "/blockvolumes", {"size": 18})
        tap.is_(status, 200, "a block volume's hosting volume is placed on other "
                "nodes") or tap.diag(b)
        tap.ok(all(gone not in nodes_of(w.d.json("GET", "/volumes/" + v))
                   for v in w.d.json("GET", "/volumes")["volumes"]),
               "each of them")
        w.checks("hosting")
        w.back("hosting")


def two_nodes():
    """What is left over on a node that is still away keeps nothing else waiting."""
    with World(nodes=5) as w:
        away, back = w.nodes[:2]
        for n in (away, back):
            w.lose(n)
            while sum(x["node"] == n for x in w.left()) < 4:
                if w.run("POST", "/volumes", replica(3))[0] != 200:
                    break
        w.lose(away)
        w.d.config["glusterfs"]["start_time_background_cleaner"] = 1
        w.d.restart()
        tap.ok(wait_for(lambda: {x["node"] for x in w.left()} == {away}, 30),
               "of two lost nodes one is back: nothing is left over there")
        time.sleep(1)
        devices = w.devices_of(away)
        tap.is_(sum("left over on device %s: no route" % d in line for d in devices
                    for line in w.d.log().splitlines()), 1,
                "the other one is asked once for all of its bricks")
        w.back("two nodes")


def device_with_leftovers():
    with World(nodes=4) as w:
        gone = w.nodes[2]
        w.lose(gone)
        while not w.left():
            if w.run("POST", "/volumes", replica(3))[0] != 200:
                break
        device = w.left()[0]["device"]
        w.faults("")
        tap.is_(w.run("GET", "/devices/%s/resync" % device), (500, CONFLICT),
                "a device with leftovers is not resynced: its space would "
                "be counted twice")
        for state in ("offline", "failed"):
            tap.is_(w.run("POST", "/devices/%s/state" % device,
                          {"state": state})[0], 204, "it can be " + state)
        status, text = w.run("DELETE", "/devices/" + device)
        tap.ok(status == 409 and "left over" in text and "forceforget" in text,
               "it is not deleted, and the answer says what to do") or \
            tap.diag(status, text)
        w.lose(gone)
        tap.is_(w.run("DELETE", "/devices/" + device, {"forceforget": True}),
                (204, ""), "but forgotten, if so told")
        w.d.config["glusterfs"]["start_time_background_cleaner"] = 1
        w.d.restart()
        tap.ok(wait_for(lambda: not w.left(), 30),
               "then nothing is left over on it")
        w.checks("forgotten")


def deleted_in_part():
    """A delete that failed where some bricks are gone already, then a resync, then
    the delete again."""
    with World(nodes=3) as w:
        keep = w.run("POST", "/volumes", replica(3))[1]
        v = w.run("POST", "/volumes", replica(3))[1]
        before = [w.used(b["device"]) for b in v["bricks"]]
        w.faults("bricks_destroy@%s=fail:no" % w.hosts[w.nodes[0]])
        status, text = w.run("DELETE", "/volumes/" + v["id"])
        tap.is_((status, w.d.request("GET", "/volumes/" + v["id"])[0]), (500, 200),
                "a delete fails on one of three nodes") or tap.diag(text)
        w.faults("")
        for b in v["bricks"]:
            tap.is_(w.run("GET", "/devices/%s/resync" % b["device"])[0], 204,
                    "a device is resynced")
        tap.is_([w.used(b["device"]) for b in v["bricks"]], before,
                "bricks that have a record still count, whether they are there "
                "or not")
        tap.is_(w.run("DELETE", "/volumes/" + v["id"])[0], 204,
                "the volume is deleted")
        tap.is_([w.used(b["device"]) for b in keep["bricks"]],
                [n // 2 for n in before], "its space is given back once")
        w.back("deleted in part")


def run_to_death(w, method, path, body):
    """Until it dies: one that is placed elsewhere at once does not come that far.
    The location, if it was told."""
    for _ in range(10):
        location = None
        try:
            _, h, _ = w.d.request(method, path, body)
            location = h.get("Location")
            w.d.wait(location, 60)
        except LOST:
            return location
    return location


def crashes():
    """The daemon dies beside a lost node: on the way there and on the way back."""
    for what, begin in (("create", ("POST", "/volumes", replica(3))),
                        ("expand", ("POST", "/volumes/%s/expand",
                                    {"expand_size": 2}))):
        for fault in ("bricks_create#1=exit-after", "bricks_create#3=exit-mid",
                      "bricks_create#6=exit-after",
                      "bricks_destroy#1=exit-before",
                      "bricks_destroy#2=exit-after",
                      "volume_create#1=exit-after",
                      "volume_expand#1=exit-before"):
            if what == "create" and fault.startswith("volume_expand") or \
                    what == "expand" and fault.startswith("volume_create"):
                continue
            with World(nodes=5) as w:
                status, v = w.run("POST", "/volumes", replica(3))
                method, path, body = begin
                path = path % v["id"] if "%" in path else path
                gone = [n for n in w.nodes if n not in nodes_of(v)][0]
                w.lose(gone, fault)
                location = run_to_death(w, method, path, body)
                rc = w.d.process.wait(20)
                w.d.process.stdout.close()
                w.d.process = None
                tap.is_(rc, 137, "%s: dies at %s" % (what, fault))
                w.lose(gone)
                w.d.start()
                if location is not None:
                    status, _, text = w.d.wait(location, 60)
                    tap.is_(status, 200, "%s, %s: it ends well" % (what, fault)) \
                        or tap.diag(text)
                tap.ok(wait_for(lambda: not w.open_operations(), 60),
                       "%s, %s: nothing waits" % (what, fault))
                w.checks("%s, %s" % (what, fault))
                w.back("%s, %s" % (what, fault))


create()
no_room()
expand()
evict()
blink()
told()
delete()
clones()
hosting()
two_nodes()
device_with_leftovers()
deleted_in_part()
crashes()
tap.done()
