#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clones: heketi's texts and codes; afterwards they are volumes like all others,
in their sources' thin pools, whose space is given back with the last of them."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import itertools
import json

from audit import accounts, audit
from daemon import Daemon

REPLICA_3 = {"type": "replicate", "replicate": {"replica": 3}}
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

    def clone(self, v, body=None):
        """(status, text), or the clone."""
        status, _, text = self.d.run("POST", "/volumes/%s/clone" % v["id"],
                                     {} if body is None else body)
        return json.loads(text) if status == 200 else (status,
                                                       text.decode().strip())

    def volume(self, v):
        return self.d.json("GET", "/volumes/" + v["id"])

    def run(self, method, path, body=None):
        status, _, text = self.d.run(method, path, body)
        return status, text.decode().strip()

    def used(self):
        return sum(d["storage"]["used"] for c in
                   self.d.json("GET", "/clusters")["clusters"] for n in
                   self.d.json("GET", "/clusters/" + c)["nodes"] for d in
                   self.d.json("GET", "/nodes/" + n)["devices"])

    def well(self, what):
        bad = audit(self.d, self.state)
        if not tap.is_(bad, [], what + ": accounts agree"):
            tap.diag(*self.d.log().splitlines()[-15:])


with World() as w:
    w.d.topology(nodes=4, devices=2)
    v = w.create(name="source", gid=77, glustervolumeoptions=["user.k v"],
                 snapshot={"enable": True, "factor": 1.5})
    used = w.used()
    c = w.clone(v, {"name": "copy"})
    tap.is_(sorted(c), sorted(v), "a clone has all that a volume has")
    same = set(c) - {"id", "name", "bricks", "mount"}
    tap.is_({k: c[k] for k in same}, {k: v[k] for k in same},
            "equal to its source's")
    tap.is_((c["name"], w.volume(c)), ("copy", c), "under its own name")
    tap.is_(sorted((b["device"], b["size"]) for b in c["bricks"]),
            sorted((b["device"], b["size"]) for b in v["bricks"]),
            "its bricks are where its source's are")
    tap.ok(all(b["path"].startswith("/run/gluster/snaps/") and
               b["path"].endswith("/brick") for b in c["bricks"]) and
           not {b["id"] for b in c["bricks"]} & {b["id"] for b in v["bricks"]},
           "and its own")
    tap.is_(w.used(), used, "no space was taken")
    tap.is_(w.volume(v), v, "the source is as it was")
    w.well("cloned")
    c2 = w.clone(c)
    tap.is_(c2["name"], "vol_" + c2["id"], "a clone of a clone, without a name")
    w.well("cloned twice")

    # ---- texts ----
    tap.is_(w.run("POST", "/volumes/%s/clone" % ("0" * 32), {}),
            (404, "Id not found"), "no such volume")
    for body, answer in (
            ("", (422, "request unable to be parsed")),
            ({"name": "a b"}, (400, "validation failed: name: must be in a "
                               "valid format.")),
            ({"name": "copy"}, (500, "Failed clone volume %s: Volume name "
                                "'copy' already in use" % v["id"]))):
        tap.is_(w.clone(v, body), answer, "body %r" % (body,))
    b = w.create(size=10, block=True)
    tap.is_(w.clone(b), (500, "Failed clone volume %s: Cloning of block hosting "
                         "volumes is not supported" % b["id"]),
            "a block-hosting volume")
    w.run("DELETE", "/volumes/" + b["id"])
    for fault in ("volume_clone=fail:no snapshot", "volume_clone=mid:no snapshot",
                  "volume_clone=after:no snapshot"):
        w.faults(fault)
        tap.is_(w.clone(v), (500, "no snapshot"), fault)
        w.well(fault)
    w.faults("")

    # ---- a volume like all others ----
    tap.is_(w.run("POST", "/volumes/%s/expand" % c["id"],
                  {"expand_size": 2})[0], 200, "it can be expanded")
    w.well("expanded")
    old = next(x for x in w.volume(c)["bricks"]
               if x["path"].startswith("/run/gluster"))
    tap.is_(w.run("POST", "/bricks/to-evict/" + old["id"]), (204, ""),
            "its bricks can be evicted")
    w.well("evicted")
    old = w.volume(v)["bricks"][0]
    tap.is_(w.run("POST", "/bricks/to-evict/" + old["id"]), (204, ""),
            "its source's too")
    w.well("evicted at the source")
    dev = c2["bricks"][1]["device"]
    w.run("POST", "/devices/%s/state" % dev, {"state": "offline"})
    tap.is_(w.run("POST", "/devices/%s/state" % dev, {"state": "failed"}),
            (204, ""), "a device with both on it can be removed")
    tap.is_(w.d.json("GET", "/devices/" + dev)["storage"]["used"], 0,
            "and is free then")
    w.well("removed")
    for x in (v, c, c2):
        tap.is_(w.run("DELETE", "/volumes/" + x["id"])[0], 204,
                "%s can be deleted" % x["name"])
        w.well("deleted")
    tap.is_(w.used(), 0, "all space is given back")

# ---- space, in whatever order they go ----

with World() as w:
    w.d.topology(nodes=3)
    for order in itertools.permutations(range(3)):
        them = [w.create()]
        them.append(w.clone(them[0]))
        them.append(w.clone(them[1]))
        used = w.used()
        left = []
        for i in order:
            w.run("DELETE", "/volumes/" + them[i]["id"])
            left.append(w.used())
        tap.is_(left, [used, used, 0], "order %s: freed with the last" % (order,))
    w.well("every order")

# ---- bricks that share a node ----

with World() as w:
    w.d.topology(nodes=2, devices=1)
    v = w.create(durability={"type": "replicate", "replicate": {"replica": 2}})
    w.run("POST", "/volumes/%s/expand" % v["id"], {"expand_size": 3})
    c = w.clone(v)
    tap.is_(len(c["bricks"]), 4, "two bricks on each node")
    w.well("two on a node")
    w.run("DELETE", "/volumes/" + v["id"])
    w.well("without the source")
    w.run("DELETE", "/volumes/" + c["id"])
    tap.is_(w.used(), 0, "nothing is left")
    w.well("without both")

# ---- directories have no thin pools; one operation at a time ----

with World(sim={"latency": "volume_clone=800"},
           glusterfs={"max_inflight_operations": 2}) as w:
    w.d.topology(nodes=3)
    v = w.create()
    _, h, _ = w.d.request("POST", "/volumes/%s/clone" % v["id"], {})
    tap.is_(len(w.d.json("GET", "/volumes")["volumes"]), 1,
            "a clone is not seen before it is there")
    tap.is_(w.clone(v), (500, "Failed clone volume %s: %s" % (v["id"], CONFLICT)),
            "one at a time")
    tap.is_(w.run("DELETE", "/volumes/" + v["id"]),
            (500, "Failed to set up volume delete: " + CONFLICT),
            "the source stays meanwhile")
    tap.is_(w.run("POST", "/volumes/%s/expand" % v["id"], {"expand_size": 1}),
            (500, "Failed to allocate volume expansion: " + CONFLICT),
            "as it is")
    b = v["bricks"][0]["id"]
    tap.is_(w.run("POST", "/bricks/to-evict/" + b), (500, "Failed to set up "
            "brick eviction: Can not evict brick %s from volume %s: volume has "
            "pending bricks" % (b, v["id"])), "with its bricks")
    status, _, text = w.d.wait(h["Location"])
    tap.is_(status, 200, "then it is there")
    a, b = w.create(size=1), w.create(size=1)
    hs = [w.d.request("POST", "/volumes/%s/clone" % x["id"], {})[1]
          for x in (a, b)]
    tap.is_(w.clone(v), (429, "Server busy. Retry operation later."),
            "clones count among the running operations")
    for h in hs:
        w.d.wait(h["Location"])
    w.well("gates")

with World(glusterfs={"max_volumes_per_cluster": 1}) as w:
    w.d.topology(nodes=3)
    v = w.create()
    tap.is_(w.clone(v), (500, "Failed clone volume %s: Cluster has 1 volumes and "
                         "limit is 1" % v["id"]), "clones count as volumes")

with World() as w:
    cl = w.d.cluster()
    for i in range(3):
        w.d.device(w.d.node(cl, "m%d" % i), "/srv/bricks")
    v = w.create()
    used = w.used()
    status, text = w.clone(v)
    tap.ok(status == 500 and "thin provisioned" in text,
           "bricks in directories can't be cloned")
    tap.is_((w.used(), w.d.json("GET", "/volumes")["volumes"],
             w.run("DELETE", "/volumes/" + v["id"])), (used, [v["id"]], (204, "")),
            "and nothing is left of the attempt")
tap.done()
