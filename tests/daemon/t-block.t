#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Block volumes and the volumes that host them, with heketi's texts; what fails
leaves nothing behind, whatever was made for it.
"""
import json
import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import tap
from audit import accounts, audit
from daemon import Daemon

ID = "0123456789abcdef0123456789abcdef"
CONFLICT = "The target exists, contains other items, or is in use."
ALLOCATE = "Failed to allocate new block volume: "
EXPAND = "Failed to allocate block volume expansion: "


class World:
    """A daemon with its nodes in a file, and faults that can be changed."""

    def __init__(self, latency="", topology=True, **glusterfs):
        self.d = Daemon(start=False, config={"glusterfs": glusterfs})
        self.state = os.path.join(self.d.dir, "nodes")
        self.file = os.path.join(self.d.dir, "faults")
        self.d.config["executors"] = {"simulated": {
            "state_file": self.state, "faults_file": self.file,
            "latency": latency}}
        self.d.start()
        self.cluster, self.nodes = None, []
        if topology:
            self.cluster, self.nodes, _ = self.d.topology(nodes=3)

    def faults(self, text):
        with open(self.file + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(self.file + ".new", self.file)

    def text(self, method, path, body, status, want):
        """The answer, or the end of what it started."""
        got = self.d.run(method, path, body)
        tap.is_((got[0], got[2].decode()), (status, want and want + "\n"),
                "%s %.14s %s" % (method, path, body))

    def create(self, size=10, **more):
        status, _, body = self.d.run("POST", "/blockvolumes",
                                     dict(more, size=size))
        assert status == 200, (status, body)
        return json.loads(body)

    def host(self, size=100, **more):
        status, _, body = self.d.run("POST", "/volumes", dict({
            "size": size, "block": True, "durability": {
                "type": "replicate", "replicate": {"replica": 3}}}, **more))
        assert status == 200, (status, body)
        return json.loads(body)

    def start(self, method, path, body=None):
        """Begin it and come back while it is at work."""
        status, headers, reply = self.d.request(method, path, body)
        assert status == 202, (status, reply)
        return headers["Location"]

    def info(self, volume):
        return self.d.json("GET", "/volumes/" + volume)["blockinfo"]

    def block(self, i):
        return self.d.json("GET", "/blockvolumes/" + i)

    def in_order(self, name):
        tap.is_(audit(self.d, self.state), [], name + ": all accounts agree")

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.d.stop()


def requests():
    with World(topology=False) as w:
        w.text("POST", "/blockvolumes", {"size": 1}, 400,
               "No clusters configured")
        for body, why in (
                ({}, "size: cannot be blank."),
                ({"size": -1}, "size: must be no less than 1."),
                ({"size": 1, "name": "a/b"}, "name: must be in a valid format."),
                ({"size": 1, "hacount": -1}, "hacount: must be no less than 1."),
                ({"hacount": -3, "name": "$"}, "hacount: must be no less than 1;"
                 " name: must be in a valid format; size: cannot be blank.")):
            w.text("POST", "/blockvolumes", body, 400,
                   "validation failed: " + why)
        for body in (b"", b"[]", b'{"size":"1"}', b'{"size":1.5}',
                     b'{"auth":1}', b'{"hacount":"2"}', b'{"clusters":"x"}'):
            w.text("POST", "/blockvolumes", body, 422,
                   "request unable to be parsed")
        for what, path in (("blockvolumes", "/expand"),
                           ("volumes", "/block-restriction")):
            w.text("POST", "/%s/%s%s" % (what, ID, path), b"", 422,
                   "request unable to be parsed")
        w.text("POST", "/blockvolumes/%s/expand" % ID, {}, 400,
               "validation failed: new_size: cannot be blank.")
        w.text("POST", "/blockvolumes/%s/expand" % ID, {"new_size": -1}, 400,
               "validation failed: new_size: must be no less than 1.")
        w.text("POST", "/blockvolumes/%s/expand" % ID, {"new_size": 1}, 404,
               "Id not found")
        for method in ("GET", "DELETE"):
            w.text(method, "/blockvolumes/" + ID, None, 404, "Id not found")
        for bad in ("locked-by-update", "open"):
            w.text("POST", "/volumes/%s/block-restriction" % ID,
                   {"restriction": bad}, 400, "validation failed: restriction: "
                   "must be a valid value.")
        w.text("POST", "/volumes/%s/block-restriction" % ID, {}, 404,
               "Id not found")
        tap.is_(w.d.json("GET", "/blockvolumes"), {"blockvolumes": []},
                "there are none")
        w.d.cluster(file=True, block=False)
        w.text("POST", "/blockvolumes", {"size": 1, "clusters": ["no"]}, 400,
               "Cluster id no not found")
        w.text("POST", "/blockvolumes", {"size": 1}, 500, ALLOCATE +
               "Cluster does not support requested volume type")
        w.text("POST", "/blockvolumes", {"size": 1, "clusters": [
            w.d.cluster(file=False, block=False)]}, 500, ALLOCATE +
            "Cluster has disabled all volume types")


def no_room():
    with World() as w:
        w.text("POST", "/blockvolumes", {"size": 1}, 500, ALLOCATE +
               "Block Hosting Volume Creation is disabled. Create a Block "
               "hosting volume and try again.")
        w.text("POST", "/blockvolumes", {"size": 1004}, 500, ALLOCATE +
               "The size configured for automatic creation of block hosting "
               "volumes (1024) is too small to host the requested block volume "
               "of size 1004. The available size on this block hosting volume, "
               "minus overhead, is 1003. Please create a sufficiently large "
               "block hosting volume manually.")
        w.in_order("no room")
    with World(auto_create_block_hosting_volume=True) as w:
        w.text("POST", "/blockvolumes", {"size": 1}, 500, ALLOCATE + "No space")
        w.in_order("no space for a hosting volume")


def life():
    with World(block_hosting_volume_options="group gluster-block,user.a c") as w:
        v = w.host()
        tap.is_(v["blockinfo"], {"freesize": 98, "reservedsize": 2},
                "2 % of a hosting volume are reserved")
        tap.is_(w.host(1)["blockinfo"], {"reservedsize": 1},
                "all of a tiny one is")
        b = w.create(10, name="disk", hacount=2, auth=True)
        hosts = b["blockvolume"]["hosts"]
        tap.is_(b, {
            "size": 10, "name": "disk", "hacount": 2, "id": b["id"],
            "blockvolume": {"hosts": hosts, "iqn": "fakeIQN", "lun": 0,
                            "username": "heketi-user", "password": "secret"},
            "cluster": w.cluster, "blockhostingvolume": v["id"],
            "usablesize": 10}, "a block volume")
        tap.is_(list(b), ["size", "name", "hacount", "id", "blockvolume",
                          "cluster", "blockhostingvolume", "usablesize"],
                "its members are in heketi's order")
        tap.is_(len(set(hosts)), 2, "it has as many portals as were wanted")
        tap.ok("secret" not in w.d.log(), "its password is in no log")
        tap.is_(w.info(v["id"]), {"freesize": 88, "reservedsize": 2,
                                  "blockvolume": [b["id"]]},
                "what it has taken is not free any more")
        tap.is_(w.d.json("GET", "/clusters/" + w.cluster)["blockvolumes"],
                [b["id"]], "the cluster has it")
        c = w.create(5, hacount=9)
        tap.is_((c["name"], c["hacount"], len(c["blockvolume"]["hosts"])),
                ("blockvol_" + c["id"], 3, 3),
                "more portals than hosts is one on each")
        tap.is_((c["blockvolume"]["username"], c["blockvolume"]["password"]),
                ("", ""), "without auth there is no password")
        w.text("POST", "/blockvolumes", {"size": 1, "name": "disk"}, 500,
               ALLOCATE + "Block Hosting Volume Creation is disabled. Create a "
               "Block hosting volume and try again.")
        second = w.host()
        tap.is_(w.create(1, name="disk")["blockhostingvolume"], second["id"],
                "a name can be had once on each hosting volume")
        w.text("DELETE", "/volumes/" + v["id"], None, 409, "Cannot delete a "
               "block hosting volume containing block volumes")
        status, _, body = w.d.run("POST", "/volumes/%s/expand" % v["id"],
                                  {"expand_size": 50})
        tap.is_((status, json.loads(body)["blockinfo"]["freesize"],
                 json.loads(body)["blockinfo"]["reservedsize"]),
                (200, 83 + 49, 3), "what it grows by is split, too")
        w.in_order("in life")
        for i in w.d.json("GET", "/blockvolumes")["blockvolumes"]:
            w.text("DELETE", "/blockvolumes/" + i, None, 204, "")
        tap.is_(w.info(v["id"]), {"freesize": 147, "reservedsize": 3},
                "all is given back")
        w.text("DELETE", "/volumes/" + v["id"], None, 204, "")
        w.in_order("at its end")


def spread():
    """Eligible hosting volumes are chosen at random, and only those."""
    with World() as w:
        hosts = [w.host(60)["id"] for _ in range(3)]
        small = w.host(10)["id"]
        got = [w.create(10)["blockhostingvolume"] for _ in range(15)]
        tap.is_((set(got), small in got, {got.count(h) for h in hosts}),
                (set(hosts), False, {5}), "all of the space can be had")
        w.in_order("spread")


def at_work():
    """While an operation is at work on it."""
    with World(latency="block_create=400,block_destroy=400,block_expand=400",
               max_inflight_operations=1) as w:
        v = w.host()["id"]
        location = w.start("POST", "/blockvolumes", {"size": 10, "name": "b"})
        tap.is_((w.d.json("GET", "/blockvolumes")["blockvolumes"], w.info(v),
                 w.d.json("GET", "/clusters/" + w.cluster)["blockvolumes"]),
                ([], {"freesize": 88, "reservedsize": 2}, []),
                "it is hidden, but its space is taken")
        i = [k["target"] for k in
             w.d.json("GET", "/v1/operations")["operations"]
             if k["kind"] == "create-block-volume"][0]
        w.text("GET", "/blockvolumes/" + i, None, 404, "Id not found")
        for method, path, body in (
                ("POST", "/blockvolumes", {"size": 1}),
                ("DELETE", "/blockvolumes/" + i, None),
                ("POST", "/blockvolumes/%s/expand" % i, {"new_size": 20}),
                ("POST", "/volumes/%s/block-restriction" % v, {})):
            w.text(method, path, body, 429,
                   "Server busy. Retry operation later.")
        tap.is_(w.d.json("GET", "/operations"), {
            "total": 1, "in_flight": 1, "stale": 0, "failed": 0, "new": 1},
            "it counts as one operation")
        tap.is_(w.d.wait(location)[0], 200, "then it is there")
        w.start("POST", "/blockvolumes/%s/expand" % i, {"new_size": 20})
        tap.is_((w.block(i)["size"], w.info(v)["freesize"]), (10, 78),
                "what grows is seen, as it was")
    with World(latency="block_create=400,block_destroy=400,block_expand=400"
               ) as w:
        v = w.host()["id"]
        location = w.start("POST", "/blockvolumes", {"size": 10, "name": "b"})
        i = [k["target"] for k in
             w.d.json("GET", "/v1/operations")["operations"]
             if k["kind"] == "create-block-volume"][0]
        w.text("DELETE", "/blockvolumes/" + i, None, 500,
               "Failed to set up block volume delete: " + CONFLICT)
        w.text("POST", "/blockvolumes/%s/expand" % i, {"new_size": 20}, 500,
               EXPAND + CONFLICT)
        w.text("DELETE", "/volumes/" + v, None, 409, "Cannot delete a block "
               "hosting volume containing block volumes")
        w.d.wait(location)
        location = w.start("DELETE", "/blockvolumes/" + i)
        w.text("GET", "/blockvolumes/" + i, None, 404, "Id not found")
        tap.is_(w.info(v), {"freesize": 88, "reservedsize": 2},
                "its space is not free before it is gone")
        w.text("DELETE", "/blockvolumes/" + i, None, 500,
               "Failed to set up block volume delete: " + CONFLICT)
        tap.is_(w.d.wait(location)[0], 204, "then it is gone")
        w.in_order("at work")


def expand():
    with World() as w:
        v = w.host()["id"]
        b = w.create(10, hacount=2)["id"]
        path = "/blockvolumes/%s/expand" % b
        w.text("POST", path, {"new_size": 10}, 500, EXPAND + "Requested new-size "
               "10 is same as current block volume size 10, nothing to be done.")
        w.text("POST", path, {"new_size": 9}, 500, EXPAND + "Requested new-size 9"
               " is less than current block volume size 10, shrinking is not "
               "allowed.")
        w.text("POST", path, {"new_size": 99}, 500, EXPAND + "No space")
        w.faults("block_expand=fail:Failed to expand block volume: no")
        w.text("POST", path, {"new_size": 20}, 500,
               "Failed to expand block volume: no")
        tap.is_((w.block(b)["size"], w.info(v)["freesize"]), (10, 88),
                "what did not grow takes nothing")
        # The file has grown, and no portal but the first.
        w.faults("block_expand=mid:Failed to expand block volume (see logs for "
                 "details, and retry the operation)")
        w.text("POST", path, {"new_size": 20}, 500, "Failed to expand block "
               "volume (see logs for details, and retry the operation)")
        got = w.block(b)
        tap.is_((got["size"], got["usablesize"], w.info(v)["freesize"]),
                (20, 10, 78), "what a portal does not show can't be used")
        w.in_order("half expanded")
        w.faults("")
        status, _, body = w.d.run("POST", path, {"new_size": 20})
        tap.is_((status, json.loads(body)["usablesize"],
                 w.info(v)["freesize"]), (200, 20, 78),
                "the same size again makes it whole, and takes nothing")
        tap.is_(w.d.run("POST", path, {"new_size": 98})[0], 200,
                "all that is free can be had")
        tap.is_(w.info(v), {"reservedsize": 2, "blockvolume": [b]},
                "nothing is free then")
        w.in_order("expanded")


def restriction():
    with World() as w:
        v = w.host()["id"]
        b = w.create(10)["id"]
        path = "/volumes/%s/block-restriction" % v
        status, headers, body = w.d.request("POST", path,
                                            {"restriction": "locked"})
        status, headers, _ = w.d.request("GET", headers["Location"])
        tap.is_((status, headers["Location"]), (303, "/volumes/" + v),
                "it leads to the volume")
        tap.is_(w.info(v)["restriction"], "locked", "which is locked")
        w.text("POST", "/blockvolumes", {"size": 1}, 500, ALLOCATE + "Block "
               "Hosting Volume Creation is disabled. Create a Block hosting "
               "volume and try again.")
        tap.is_(w.d.run("POST", "/blockvolumes/%s/expand" % b,
                        {"new_size": 11})[0], 200, "what is on it can grow")
        tap.is_(w.d.run("POST", path, {"restriction": ""})[0], 200, "unlocked")
        tap.is_("restriction" in w.info(v), False, "it says nothing then")
        tap.is_(w.create(1)["blockhostingvolume"], v, "and hosts again")
        plain = w.d.run("POST", "/volumes", {"size": 1})
        w.text("POST", "/volumes/%s/block-restriction"
               % json.loads(plain[2])["id"], {"restriction": "locked"}, 500,
               "Failed to set block restriction: Block restrictions can only "
               "be set on block hosting volumes")


def hosts():
    with World() as w:
        w.host()
        w.faults("glusterd@n0=down")
        got = [w.create(1, hacount=2)["blockvolume"]["hosts"]
               for _ in range(3)]
        tap.is_({frozenset(h) for h in got},
                {frozenset(("n1.stor", "n2.stor"))},
                "portals are where glusterd runs")
        w.text("POST", "/blockvolumes", {"size": 1, "hacount": 3}, 500,
               "insufficient block hosts online")
        w.text("POST", "/blockvolumes", {"size": 1}, 500, "Failed to create "
               "block volume: n0.stor: gluster-blockd is not running")
        w.faults("\n".join("glusterd@n%d=down" % i for i in range(3)))
        w.text("POST", "/blockvolumes", {"size": 1}, 500, "Id not found")
        w.text("POST", "/blockvolumes", {"size": 1, "hacount": 1}, 500,
               "insufficient block hosts online")
        w.text("DELETE", "/blockvolumes/" +
               w.d.json("GET", "/blockvolumes")["blockvolumes"][0], None, 500,
               "no hosts available (3 total)")
        w.faults("")
        tap.is_(len({tuple(w.create(1, hacount=1)["blockvolume"]["hosts"])
                     for _ in range(20)}), 3, "portals are chosen at random")
        w.in_order("hosts")
        # A host that goes away: one without devices can.
        extra = w.d.node(w.cluster, "n3")
        b = w.create(1)
        tap.ok("n3.stor" in b["blockvolume"]["hosts"], "a new node is a portal")
        tap.is_(w.d.run("DELETE", "/nodes/" + extra)[0], 204, "it is deleted")
        tap.is_(sorted(w.block(b["id"])["blockvolume"]["hosts"]),
                ["n0.stor", "n1.stor", "n2.stor"], "then it is none any more")


def failures():
    """What fails leaves nothing; what is somebody else's is left alone."""
    with World(auto_create_block_hosting_volume=True,
               block_hosting_volume_size=50) as w:
        for fault in ("bricks_create@n1=fail:no", "volume_create=after:no",
                      "block_create=fail:no", "block_create=mid:no",
                      "block_create=after:no", "block_info=fail:no"):
            w.faults(fault)
            w.text("POST", "/blockvolumes", {"size": 10}, 500, "no")
            w.in_order(fault)
            tap.is_((w.d.json("GET", "/volumes")["volumes"],
                     accounts(w.state)["volumes"]), ([], []),
                    "nor is there a hosting volume")
        w.faults("")
        b = w.create(10, name="b")
        v = w.d.json("GET", "/volumes/" + b["blockhostingvolume"])
        tap.is_((v["size"], v["durability"]["replicate"], v["block"],
                 v["glustervolumeoptions"]), (50, {"replica": 3}, True,
                ["", "group gluster-block", ""]),
                "the one that is made is as configured")
        w.faults("block_create=fail:no")
        w.text("POST", "/blockvolumes", {"size": 10}, 500, "no")
        tap.is_(w.info(v["id"])["freesize"], 39,
                "a hosting volume that was there stays")
        w.faults("block_destroy=fail:no")
        w.text("DELETE", "/blockvolumes/" + b["id"], None, 500, "no")
        tap.is_(w.block(b["id"])["name"], "b", "what is not deleted is there")
        w.faults("")
        # One that gluster-block has, and we know nothing of.
        with sqlite3.connect(w.state) as db:
            db.execute("INSERT INTO blocks(volume, name, size_bytes, hacount,"
                       " auth, hosts, state) SELECT volume, 'theirs',"
                       " 5 << 30, 3, 0, hosts, 'whole' FROM blocks")
        db.close()
        w.text("POST", "/blockvolumes", {"size": 5, "name": "theirs"}, 500,
               "Failed to create block volume: %s/theirs is there already, and "
               "not known here" % v["name"])
        tap.is_([n for g in accounts(w.state)["volumes"]
                 for n in g["blocks"]].count("theirs"), 1, "it is left alone")


def one_hosting_volume_at_a_time():
    with World(auto_create_block_hosting_volume=True,
               block_hosting_volume_size=50, latency="volume_create=500") as w:
        location = w.start("POST", "/blockvolumes", {"size": 10})
        w.text("POST", "/blockvolumes", {"size": 10}, 429,
               "Server busy. Retry operation later.")
        w.d.wait(location)
        w.create(10)
        tap.is_(len(w.d.json("GET", "/volumes")["volumes"]), 1,
                "the second one finds room on what the first one made")
        w.in_order("one at a time")
        # One that a client makes counts as well.
        location = w.start("POST", "/volumes", {"size": 10, "block": True})
        w.text("POST", "/blockvolumes", {"size": 40}, 429,
               "Server busy. Retry operation later.")
        w.create(1)
        w.d.wait(location)


def repairs():
    """Records as another service may have left them."""
    with World() as w:
        fresh, wrong, tight = (w.host()["id"] for _ in range(3))
        blocks = {}
        while wrong not in blocks or tight not in blocks:
            b = w.create(97)
            blocks[b["blockhostingvolume"]] = b["id"]
        if fresh in blocks:
            w.d.run("DELETE", "/blockvolumes/" + blocks[fresh])
        w.d.terminate()
        db = sqlite3.connect(w.d.store.partition(":")[2])
        for i, free, reserved in ((fresh, 0, 0), (wrong, 50, 2),
                                  (tight, 1, 0)):
            key = "volumes/" + i
            doc = json.loads(db.execute("SELECT value FROM kv WHERE key=?",
                                        (key.encode(),)).fetchone()[0])
            doc["block_free_bytes"] = free << 30
            doc["block_reserved_bytes"] = reserved << 30
            db.execute("UPDATE kv SET value=? WHERE key=?",
                       (json.dumps(doc).encode(), key.encode()))
        db.commit()
        db.close()
        w.d.start()
        tap.is_(w.info(fresh), {"freesize": 98, "reservedsize": 2},
                "one that had no accounts gets them")
        tap.is_(w.info(wrong), {"freesize": 1, "reservedsize": 2,
                                "blockvolume": [blocks[wrong]],
                                "restriction": "locked-by-update"},
                "one whose accounts are wrong is locked")
        tap.is_(w.info(tight), {"freesize": 3, "blockvolume": [blocks[tight]],
                                "restriction": "locked-by-update"},
                "so is one without a reserve, if that was not all: it gets "
                "one when it is unlocked, as in heketi")
        w.in_order("repaired")
        for i in (wrong, tight):
            tap.is_(w.d.run("POST", "/volumes/%s/block-restriction" % i,
                            {"restriction": ""})[0], 200,
                    "it can be unlocked")
        w.d.restart()
        tap.is_([(w.info(i)["freesize"], w.info(i)["reservedsize"],
                  "restriction" in w.info(i)) for i in (wrong, tight)],
                [(1, 2, False)] * 2, "and stays so")


def unlock():
    """heketi's text, where there is no room for the reserve."""
    with World() as w:
        v = w.host()["id"]
        b = w.create(98)["id"]
        w.d.terminate()
        db = sqlite3.connect(w.d.store.partition(":")[2])
        for key, change in (
                ("volumes/" + v, {"block_free_bytes": 1 << 30,
                                  "block_reserved_bytes": 0}),
                ("blockvolumes/" + b, {"size_bytes": 99 << 30})):
            doc = json.loads(db.execute("SELECT value FROM kv WHERE key=?",
                                        (key.encode(),)).fetchone()[0])
            db.execute("UPDATE kv SET value=? WHERE key=?",
                       (json.dumps(dict(doc, **change)).encode(),
                        key.encode()))
        db.commit()
        db.close()
        w.d.start()
        path = "/volumes/%s/block-restriction" % v
        tap.is_(w.info(v)["restriction"], "locked-by-update", "it is locked")
        w.text("POST", path, {"restriction": ""}, 500, "Failed to set block "
               "restriction: Can not unlock volume. 2GiB free space is "
               "required, but found 1GiB")


def asked_clusters():
    """Only those are looked at, and the records remember which these were."""
    with World(auto_create_block_hosting_volume=True, max_volumes_per_cluster=1,
               block_hosting_volume_size=100) as w:
        one, other = w.cluster, w.d.cluster()
        for i in range(3):
            w.d.device(w.d.node(other, "o%d" % i))
        for asked in ([other], [one, other], []):
            b = w.create(10, clusters=asked)
            tap.ok(b["cluster"] in (asked or [one, other]), "in one that is "
                   "asked for")
            tap.ok("clusters" not in b, "clients are not told which these were")
            info = w.d.json("GET", "/db/dump")["blockvolumeentries"][
                b["id"]]["Info"]
            tap.is_(info.get("clusters"), asked or None, "but the record is")
        vs = w.d.json("GET", "/db/dump")["volumeentries"].values()
        made = {v["Info"]["cluster"]: v["Info"]["clusters"] for v in vs}
        tap.is_(made[other], [other], "a hosting volume that was made for one "
                "remembers where it could be")
        full = [c for c in (one, other) if w.d.json("GET", "/clusters/" + c)[
            "volumes"]]
        many = {"size": 500, "clusters": full}
        words = {c: "Cluster has 1 volumes and limit is 1" for c in full}
        if len(full) == 1:
            want = words[full[0]]
        else:
            want = "No eligible cluster for volume" + "".join(
                "\nCluster %s: %s" % (c, words[c]) for c in full)
        w.text("POST", "/blockvolumes", many, 500, ALLOCATE + want)
        w.in_order("in the clusters that were asked for")


requests()
no_room()
life()
asked_clusters()
spread()
at_work()
expand()
restriction()
hosts()
failures()
one_hosting_volume_at_a_time()
repairs()
unlock()
tap.done()
