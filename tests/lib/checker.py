# SPDX-License-Identifier: GPL-2.0-or-later
"""Three accounts that must agree, compared without asking the service: what
etcd holds, what the simulated nodes hold, what clients were told."""
import collections
import json
import os
import subprocess

import tap

OVER = ("done", "failed")
# What became of one call, as its client knows.
YES, NO, UNKNOWN = "yes", "no", "unknown"


def tool(*args):
    return subprocess.run([os.path.join(tap.BUILDDIR, "brickyard-simulated"),
                           *args], capture_output=True, text=True)


class Journal:
    """What one client did to which object, and what it was told.  An object is
    a volume, a node, …: (kind, name), name being unique unless contested."""

    def __init__(self):
        self.events = collections.defaultdict(list)

    def add(self, kind, name, what, outcome, **more):
        event = dict(more, what=what, outcome=outcome)
        self.events[kind, name].append(event)
        return event

    @staticmethod
    def merged(journals):
        all_ = collections.defaultdict(list)
        for j in journals:
            for key, events in j.events.items():
                all_[key] += events
        return all_


class Checker:
    def __init__(self, docs, state_file):
        self.bad = []
        self.by = collections.defaultdict(dict)
        for key, doc in docs.items():
            kind, _, rest = key.partition("/")
            self.by[kind][rest] = doc
        r = tool("check", state_file)
        if r.returncode != 0:
            self.bad += ["nodes: " + line for line in
                         (r.stdout + r.stderr).strip().splitlines()]
        self.accounts = json.loads(tool("accounts", state_file).stdout)

    def say(self, fmt, *args):
        self.bad.append(fmt % args)

    def run(self, journals=()):
        self.settled()
        self.names()
        self.bricks()
        self.space()
        self.gluster()
        self.blocks()
        self.nodes()
        for (kind, name), events in Journal.merged(journals).items():
            getattr(self, "told_" + kind)(name, events)
        return self.bad

    # ---- etcd alone ----

    def settled(self):
        for i, op in self.by["operations"].items():
            if op["status"] not in OVER:
                self.say("operation %s (%s) is still %s at stage %d", i,
                         op["kind"], op["status"], op["stage"])
        for n in self.by["slots"]:
            self.say("slot %s is still taken", n)
        for i, v in self.by["volumes"].items():
            if v["doing"] != "settled" or v.get("pending"):
                self.say("volume %s is still %s", i, v["doing"])
            for b in v["bricks"]:
                if b.get("pending"):
                    self.say("brick %s is still pending", b["id"])
        for i, b in self.by["blockvolumes"].items():
            if b["doing"] != "settled" or b.get("pending"):
                self.say("block volume %s is still %s", i, b["doing"])
        if "block-hosting-in-the-making" in self.by["index"]:
            self.say("a hosting volume is still in the making")
        for kind in ("nodes", "devices"):
            for i, doc in self.by[kind].items():
                if doc["adding"] or doc.get("pending"):
                    self.say("%s %s is still being changed", kind, i)

    def names(self):
        """Every index entry is of the object that has that name, and none is
        missing; so no name is there twice."""
        want = {}
        for i, v in self.by["volumes"].items():
            key = "volume-names/%s/%s" % (v["cluster"], v["name"])
            if key in want:
                self.say("two volumes are called %s", v["name"])
            want[key] = i
        for i, b in self.by["blockvolumes"].items():
            key = "block-names/%s/%s" % (b["hosting"], b["name"])
            if key in want:
                self.say("two block volumes are called %s", b["name"])
            want[key] = i
        for i, n in self.by["nodes"].items():
            for kind in ("manage", "storage"):
                for host in n[kind]:
                    key = "hosts/%s/%s" % (kind, host)
                    if key in want:
                        self.say("two nodes are called %s", host)
                    want[key] = i
        have = {k: d.get("value") for k, d in self.by["index"].items()
                if k.split("/")[0] in ("volume-names", "hosts",
                                       "block-names")}
        for key in set(want) | set(have):
            if want.get(key) != have.get(key):
                self.say("index/%s is of %s, not of %s", key, have.get(key),
                         want.get(key))
        seen = {}
        for i, d in self.by["devices"].items():
            where = d["node"], d["name"]
            if where in seen:
                self.say("device %s is there twice", where)
            seen[where] = i
            if d["node"] not in self.by["nodes"]:
                self.say("device %s is of no node", i)

    # ---- etcd and nodes ----

    def all_bricks(self):
        for i, v in self.by["volumes"].items():
            for b in v["bricks"]:
                yield i, v, b

    def bricks(self):
        lvs, mounts, fstab = {}, 0, 0
        # The bricks of clones don't know their ids, and are in no fstab.
        cloned = {(b["device"], b["path"]): b["id"]
                  for _, _, b in self.all_bricks()
                  if b["path"].startswith("/run/gluster/snaps/")}
        for host, node in self.accounts["nodes"].items():
            for name, lv in list(node["lvs"].items()):
                where = name.split("/")[0][3:], lv["dir"]
                brick = lv["brick"] or cloned.get(where, where)
                if brick in lvs:
                    self.say("brick %s is on two nodes", brick)
                lvs[brick] = (host, name, lv)
            mounts += len(node["mounts"])
            fstab += len(node["fstab"])
        n, ids = 0, set()
        for i, v, b in self.all_bricks():
            n += 1
            if b["id"] in ids:
                self.say("brick %s is there twice", b["id"])
            ids.add(b["id"])
            host, name, lv = lvs.get(b["id"], (None, "", {}))
            if host is None:
                self.say("brick %s of %s has no logical volume", b["id"], i)
            elif (host, lv["size_bytes"]) != (b["host"], b["size_bytes"]):
                self.say("brick %s: %s with %d bytes", b["id"], host,
                         lv["size_bytes"])
            elif name.split("/")[0] != "vg_" + b["device"]:
                self.say("brick %s lies on %s", b["id"], name)
        for brick in set(lvs) - ids:
            self.say("logical volume of brick %s on %s belongs to no volume",
                     brick, lvs[brick][0])
        if (mounts, fstab) != (n, n - len(cloned)):
            self.say("%d bricks, %d mounts, %d fstab lines", n, mounts, fstab)

    def space(self):
        used, pools = collections.Counter(), set()
        for _, _, b in self.all_bricks():
            # Clones share the pool of their source.
            if (b["device"], b["thin_pool"]) in pools:
                continue
            pools.add((b["device"], b["thin_pool"]))
            extent = self.by["devices"].get(b["device"], {}).get(
                "extent_bytes", 1)
            used[b["device"]] += sum(
                -(-b[part] // extent) * extent
                for part in ("thin_pool_bytes", "metadata_bytes"))
        vgs = {name: vg for node in self.accounts["nodes"].values()
               for name, vg in node["vgs"].items()}
        for i, d in self.by["devices"].items():
            vg = vgs.pop("vg_" + i, None)
            if d["used_bytes"] != used.pop(i, 0):
                self.say("device %s: %d bytes promised, bricks have others", i,
                         d["used_bytes"])
            if d["used_bytes"] > d["total_bytes"]:
                self.say("device %s: more promised than there is", i)
            if vg is None:
                self.say("device %s has no volume group", i)
            elif vg["free_bytes"] != d["total_bytes"] - d["used_bytes"]:
                self.say("device %s: %d bytes free, on the node %d", i,
                         d["total_bytes"] - d["used_bytes"], vg["free_bytes"])
        for i in used:
            self.say("bricks are on device %s, which is not there", i)
        for name in vgs:
            self.say("volume group %s is nobody's", name)

    def gluster(self):
        there = {}
        for g in self.accounts["volumes"]:
            if g["name"] in there:
                self.say("gluster has volume %s twice", g["name"])
            there[g["name"]] = g
        for i, v in self.by["volumes"].items():
            g = there.pop(v["name"], None)
            if g is None:
                self.say("volume %s (%s) is not there in gluster", i, v["name"])
            elif sorted(g["bricks"]) != sorted(
                    "%s:%s" % (b["host"], b["path"]) for b in v["bricks"]):
                self.say("volume %s has other bricks in gluster", i)
            elif g["status"] != "started":
                self.say("volume %s is %s", i, g["status"])
        for name in there:
            self.say("gluster volume %s is nobody's", name)

    def blocks(self):
        there = {(g["name"], name): b for g in self.accounts["volumes"]
                 for name, b in g["blocks"].items()}
        used = collections.Counter()
        for i, b in self.by["blockvolumes"].items():
            on = self.by["volumes"].get(b["hosting"])
            used[b["hosting"]] += b["size_bytes"]
            if on is None or not on["block"]:
                self.say("block volume %s is on no hosting volume", i)
                continue
            g = there.pop((on["name"], b["name"]), None)
            if g is None:
                self.say("block volume %s (%s/%s) is not there", i, on["name"],
                         b["name"])
            elif (g["size_bytes"], g["usable_bytes"]) != (
                    b["size_bytes"], b["usable_bytes"]):
                self.say("block volume %s has %d bytes (%d usable), on the "
                         "nodes %d (%d)", i, b["size_bytes"],
                         b["usable_bytes"], g["size_bytes"], g["usable_bytes"])
            elif not set(b.get("hosts", ())) <= set(g["hosts"].split(",")):
                self.say("block volume %s has other portals", i)
        for name in there:
            self.say("block volume %s/%s is nobody's", *name)
        for i, v in self.by["volumes"].items():
            parts = (v["block_free_bytes"], v["block_reserved_bytes"],
                     used.pop(i, 0))
            if sum(parts) != (v["size_bytes"] if v["block"] else 0):
                self.say("volume %s of %d bytes: free, reserved and hosted "
                         "are %d, %d, %d", i, v["size_bytes"], *parts)

    def nodes(self):
        of = collections.defaultdict(set)
        for n in self.by["nodes"].values():
            of[n["cluster"]].add(n["storage"][0])
        for hosts in of.values():
            for host in hosts:
                node = self.accounts["nodes"].get(host)
                peers = set(node["peers"]) if node else set()
                if peers != hosts - {host}:
                    self.say("node %s has the peers %s, not %s", host,
                             sorted(peers), sorted(hosts - {host}))
        known = set().union(*of.values()) if of else set()
        for host, node in self.accounts["nodes"].items():
            if host not in known and (node["peers"] or node["lvs"] or
                                      node["vgs"]):
                self.say("node %s is gone but holds something", host)

    # ---- what clients were told ----

    @staticmethod
    def count(events, what, outcome):
        return sum(e["what"] == what and e["outcome"] == outcome
                   for e in events)

    def existence(self, kind, name, events, there):
        """How many of that name there may be, and are.  Calls of several
        clients have no known order; but each create that went well can be
        undone only by a delete that went well (or may have)."""
        made = self.count(events, "create", YES)
        maybe = self.count(events, "create", UNKNOWN)
        gone = self.count(events, "delete", YES)
        maybe_gone = self.count(events, "delete", UNKNOWN)
        low = max(0, made - gone - maybe_gone)
        high = max(0, made + maybe - gone)
        if not low <= there <= high:
            self.say("%s %s: %d there, but %d creates acknowledged (%d "
                     "unknown), %d deletes (%d unknown)", kind, name, there,
                     made, maybe, gone, maybe_gone)

    def told_volume(self, name, events):
        there = [(i, v) for i, v in self.by["volumes"].items()
                 if v["name"] == name]
        self.existence("volume", name, events, len(there))
        if len(there) != 1 or len({e.get("id") for e in events
                                   if e["what"] == "create" and
                                   e["outcome"] != NO}) != 1:
            return
        size = [e.get("size") for e in events if e["what"] == "create" and
                e["outcome"] != NO][0]
        if size is None:        # a clone's: that of its source, at some moment
            return
        low = size + sum(e["size"] for e in events if e["what"] == "expand"
                         and e["outcome"] == YES)
        high = low + sum(e["size"] for e in events if e["what"] == "expand"
                         and e["outcome"] == UNKNOWN)
        have = there[0][1]["size_bytes"] >> 30
        if not low <= have <= high:
            self.say("volume %s has %d GiB, clients were told %d (to %d)",
                     name, have, low, high)

    def told_block(self, name, events):
        there = [(i, b) for i, b in self.by["blockvolumes"].items()
                 if b["name"] == name]
        self.existence("block", name, events, len(there))
        if len(there) != 1 or self.count(events, "create", YES) + \
                self.count(events, "create", UNKNOWN) != 1:
            return
        made = [e["size"] for e in events if e["what"] == "create" and
                e["outcome"] != NO][0]
        sure = [e["size"] for e in events if e["what"] == "expand" and
                e["outcome"] == YES]
        maybe = [e["size"] for e in events if e["what"] == "expand"]
        have = there[0][1]["size_bytes"] >> 30
        if not max([made] + sure) <= have <= max([made] + maybe):
            self.say("block volume %s has %d GiB, made with %d, expanded to "
                     "%s (perhaps %s)", name, have, made, sure, maybe)

    def told_brick(self, name, events):
        if self.count(events, "evict", YES) and \
                any(b["id"] == name for _, _, b in self.all_bricks()):
            self.say("brick %s was evicted but is there", name)

    def told_node(self, name, events):
        self.existence("node", name, events, sum(
            name in n["manage"] for n in self.by["nodes"].values()))

    def told_device(self, name, events):
        host, path = name
        there = [d for d in self.by["devices"].values() if d["name"] == path
                 and host in self.by["nodes"].get(d["node"], {}).get(
                     "manage", ())]
        self.existence("device", name, events, len(there))
        states = [e for e in events if e["what"] == "state"]
        if len(there) == 1 and states and states[-1]["outcome"] == YES and \
                there[0]["state"] != states[-1]["state"] and \
                self.count(events, "create", YES) == 1:
            self.say("device %s is %s, the client was told %s", name,
                     there[0]["state"], states[-1]["state"])
