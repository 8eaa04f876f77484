# SPDX-License-Identifier: GPL-2.0-or-later
"""An audit that trusts nobody: what is in etcd, and what the storage nodes
really hold (LVM, mounts, fstab, files, glusterd, processes), read past service
and sshd, must be the same, brick for brick, with nothing besides.

    bad = audit_nodes.audit(lab)            # [] when all is well
"""
import collections
import json
import time
import xml.etree.ElementTree as ET

import tap

OVER = ("done", "failed")
MOUNTS = "/var/lib/heketi/mounts"
CLONES = ("/run/gluster/", "/var/run/gluster/")

# What tools must be asked, in one script a node; its parts are divided by lines
# that can't be in them.  The machine reads all else by itself: a process on a node
# costs more than all that.
MARK = "=#=#= "
LOOK = r"""
part() { printf '\n=#=#= %s\n' "$1"; }
part lvm
lvm fullreport -a --units b --nosuffix --reportformat json \
	--configreport pv -o pv_name,pv_uuid \
	--configreport vg -o vg_name,vg_size,vg_free,vg_extent_size,vg_tags \
	--configreport lv -o lv_name,lv_size,lv_layout,lv_role,pool_lv,lv_tags,lv_metadata_size,lv_active \
	--configreport pvseg -o pvseg_size --configreport seg -o seg_size || echo FAILED
part gluster
printf 'volume info\npeer status\n' | gluster --mode=script --timeout=60 --xml
part end
"""


def parts_of(text):
    parts, name = collections.defaultdict(str), None
    for line in text.splitlines(True):
        if line.startswith(MARK):
            name = line[len(MARK):].strip()
            parts[name] = ""
        elif name is not None:
            parts[name] += line
    return parts


def round_up(n, to):
    return -(-n // to) * to


class NodeFacts:
    """What one node holds."""

    def __init__(self, reply):
        p = parts_of(reply["out"])
        if "end" not in p or "mounts" not in reply:
            raise ValueError("the node did not answer in full: " +
                             (reply["out"] + reply["err"])[-500:])
        self.pvs, self.vgs, self.lvs = {}, {}, {}
        for report in json.loads(p["lvm"])["report"]:
            vgs = report.get("vg", [])
            vg = vgs[0]["vg_name"] if vgs else ""
            for v in vgs:
                self.vgs[vg] = {k: v[k] if k in ("vg_name", "vg_tags") else
                                int(v[k]) for k in v}
            for v in report.get("pv", []):
                self.pvs[v["pv_name"]] = dict(v, vg=vg)
            for v in report.get("lv", []):
                self.lvs[vg, v["lv_name"]] = v
        self.mounts = [line.split() for line in reply["mounts"].splitlines()
                       if line.strip()]
        self.fstab = [line.split() for line in reply["fstab"].splitlines()
                      if line.strip() and line[0] != "#"]
        self.directories = reply["directories"]
        self.bricks = {path: tuple(x) for path, x in reply["bricks"].items()}
        self.processes = reply["processes"]
        # One gluster for both: it is most of what this costs.
        answers = [x.partition("?>")[2].partition("</cliOutput>") for x in
                   p["gluster"].split("<?xml")[1:]]
        if len(answers) != 2:
            raise ValueError("gluster: " + p["gluster"][-500:])
        volumes, peers = [a + b for a, b, _ in answers]
        self.volumes = self._volumes(volumes)
        self.peers = self._peers(peers)
        self.snapshots = reply["snapshots"]

    @staticmethod
    def _volumes(text):
        out = []
        for v in ET.fromstring(text).iter("volume"):
            out.append({
                "name": v.findtext("name"), "status": v.findtext("statusStr"),
                "type": v.findtext("typeStr"),
                "bricks": [b.findtext("name") for b in v.iter("brick")],
                "arbiters": [b.findtext("name") for b in v.iter("brick")
                             if b.findtext("isArbiter") == "1"],
                "options": {o.findtext("name"): o.findtext("value")
                            for o in v.iter("option")},
                "disperse": int(v.findtext("disperseCount") or 0),
                "redundancy": int(v.findtext("redundancyCount") or 0),
                "replica": int(v.findtext("replicaCount") or 0)})
        return out

    @staticmethod
    def _peers(text):
        return {p.findtext("hostname"): (p.findtext("connected") == "1",
                                         p.findtext("stateStr"))
                for p in ET.fromstring(text).iter("peer")}


class Audit:
    def __init__(self, lab, docs, down):
        self.bad = []
        self.lab = lab
        self.by = collections.defaultdict(dict)
        for key, doc in docs.items():
            kind, _, rest = key.partition("/")
            self.by[kind][rest] = dict(doc, id=rest)
        self.facts = {}
        up = [n for n in lab.nodes.names if n not in down]
        for n, reply in lab.nodes.look(LOOK, up).items():
            try:
                self.facts[n] = NodeFacts(reply)
            except (ValueError, ET.ParseError) as e:
                self.say("%s: %s", n, e)
        self.node_of = {a: n for n, a in lab.nodes.addresses.items()}
        self.bricks = [(v, b) for v in self.by["volumes"].values()
                       for b in v["bricks"]]

    def say(self, fmt, *args):
        self.bad.append(fmt % args)

    def run(self):
        self.settled()
        self.served()
        for n, f in self.facts.items():
            mine = [(v, b) for v, b in self.bricks
                    if self.node_of.get(b["host"]) == n]
            self.devices(n, f)
            self.logical_volumes(n, f, mine)
            self.mounted(n, f, mine)
            self.gluster(n, f, mine)
            self.peers(n, f)
        return self.bad

    def settled(self):
        for i, op in self.by["operations"].items():
            if op["status"] not in OVER:
                self.say("operation %s (%s) is still %s at stage %d", i,
                         op["kind"], op["status"], op["stage"])
        for n in self.by["slots"]:
            self.say("slot %s is still taken", n)
        for i, left in self.by["admin"].items():
            if i.startswith("leftovers/") and any(
                    "host %s\n" % self.lab.nodes.addresses.get(n, n) in
                    left.get("value", "") for n in self.facts):
                self.say("brick %s is left over, and its node is there",
                         i.partition("/")[2])
        for i, v in self.by["volumes"].items():
            if v["doing"] != "settled" or v.get("pending"):
                self.say("volume %s is still %s", i, v["doing"])
            for b in v["bricks"]:
                if b.get("pending"):
                    self.say("brick %s is still pending", b["id"])

    def served(self):
        """The API says what is in etcd."""
        c = self.lab.client()
        ids = c.json("GET", "/volumes")["volumes"]
        if sorted(ids) != sorted(self.by["volumes"]):
            self.say("the API lists the volumes %s, etcd has %s", ids,
                     sorted(self.by["volumes"]))
            return
        for i in ids:
            v, doc = c.json("GET", "/volumes/" + i), self.by["volumes"][i]
            if sorted(b["path"] for b in v["bricks"]) != \
                    sorted(b["path"] for b in doc["bricks"]) or \
                    v["size"] << 30 != doc["size_bytes"]:
                self.say("the API tells of another volume %s than etcd", i)

    # ---- a node ----

    def devices_of(self, n):
        ids = {i for i, d in self.by["nodes"].items() if n in d["manage"]}
        return {i: d for i, d in self.by["devices"].items()
                if d["node"] in ids}

    def devices(self, n, f):
        vgs, pvs = dict(f.vgs), dict(f.pvs)
        for i, d in self.devices_of(n).items():
            vg = vgs.pop("vg_" + i, None)
            if vg is None:
                self.say("%s: device %s (%s) has no volume group", n, i,
                         d["name"])
                continue
            pv = [p for p in pvs.values() if p["vg"] == "vg_" + i]
            if len(pv) != 1 or pv[0]["pv_name"] != d["name"]:
                self.say("%s: vg_%s is on %s, not on %s", n, i,
                         [p["pv_name"] for p in pv], d["name"])
                continue
            del pvs[pv[0]["pv_name"]]
            if d.get("pv_uuid") and pv[0]["pv_uuid"].replace("-", "") != \
                    d["pv_uuid"].replace("-", ""):
                self.say("%s: %s has the UUID %s, not %s", n, d["name"],
                         pv[0]["pv_uuid"], d["pv_uuid"])
            self.space(n, f, i, d, vg)
        for name in vgs:
            if name:
                self.say("%s: volume group %s is nobody's", n, name)
        for name, p in pvs.items():
            if p["vg"]:
                self.say("%s: physical volume %s of %s is nobody's", n, name,
                         p["vg"])

    def space(self, n, f, i, d, vg):
        """LVM keeps a spare as large as the largest pool's metadata, which is
        in nobody's books."""
        extent = vg["vg_extent_size"]
        spare = sum(int(v["lv_size"]) for (g, name), v in f.lvs.items()
                    if g == "vg_" + i and "pmspare" in name)
        if vg["vg_size"] != d["total_bytes"]:
            self.say("%s: vg_%s has %d bytes, not %d", n, i, vg["vg_size"],
                     d["total_bytes"])
        # A clone is in the pool of its source, whichever of them is left.
        pools = {b["thin_pool"]: b for _, b in self.bricks
                 if b["device"] == i}
        used = sum(round_up(b[k], extent) for b in pools.values()
                   for k in ("thin_pool_bytes", "metadata_bytes"))
        if d["used_bytes"] != used:
            self.say("device %s: %d bytes promised, its bricks have %d", i,
                     d["used_bytes"], used)
        if vg["vg_size"] - vg["vg_free"] - spare != used:
            self.say("%s: vg_%s has %d bytes in use (and a spare of %d), its "
                     "bricks %d", n, i, vg["vg_size"] - vg["vg_free"] - spare,
                     spare, used)

    @staticmethod
    def is_clone(b):
        return b["path"].startswith(CLONES)

    def logical_volumes(self, n, f, mine):
        lvs = {k: v for k, v in f.lvs.items()
               if not v["lv_name"].startswith("[")}
        for v, b in mine:
            vg = "vg_" + b["device"]
            lv = lvs.pop((vg, b["lv"]), None)
            pool = f.lvs.get((vg, b["thin_pool"]))
            lvs.pop((vg, b["thin_pool"]), None)
            if lv is None or pool is None:
                self.say("%s: brick %s of %s has no %s", n, b["id"],
                         v["name"], "logical volume" if lv is None else "pool")
                continue
            self.logical_volume(n, f, v, b, lv, pool)
        for vg, name in lvs:
            self.say("%s: logical volume %s/%s is nobody's", n, vg, name)

    def logical_volume(self, n, f, v, b, lv, pool):
        extent = f.vgs["vg_" + b["device"]]["vg_extent_size"]
        what = "%s: brick %s of %s" % (n, b["id"], v["name"])
        if int(lv["lv_size"]) != round_up(b["size_bytes"], extent):
            self.say("%s has %s bytes, not %d", what, lv["lv_size"],
                     b["size_bytes"])
        if lv["pool_lv"] != b["thin_pool"] or "thin" not in lv["lv_layout"]:
            self.say("%s is %s in pool %s, not thin in %s", what,
                     lv["lv_layout"], lv["pool_lv"], b["thin_pool"])
        if lv["lv_active"] != "active":
            self.say("%s is not active", what)
        if self.is_clone(b):
            return
        if int(pool["lv_size"]) != round_up(b["thin_pool_bytes"], extent):
            self.say("%s: its pool has %s bytes, not %d", what,
                     pool["lv_size"], b["thin_pool_bytes"])
        if int(pool["lv_metadata_size"]) != round_up(b["metadata_bytes"],
                                                     extent):
            self.say("%s: its pool has metadata of %s bytes, not %d", what,
                     pool["lv_metadata_size"], b["metadata_bytes"])
        # Of the pair: lvcreate gives them to the pool.
        tags = set((lv["lv_tags"] + "," + pool["lv_tags"]).split(","))
        want = {"brickyard", "brickyard.brick=" + b["id"],
                "brickyard.volume=" + v["id"]}
        if not want <= tags:
            self.say("%s has the tags %s, not %s", what, sorted(tags),
                     sorted(want))

    def mounted(self, n, f, mine):
        ours = [m for m in f.mounts if m[1].startswith(MOUNTS + "/")]
        fstab = [x for x in f.fstab if x[1].startswith(MOUNTS + "/")]
        want, clones = {}, set()
        for v, b in mine:
            at = b["path"].rpartition("/")[0]
            if self.is_clone(b):
                clones.add(at)
                continue
            want[at] = "/dev/mapper/vg_%s-%s" % (b["device"], b["lv"])
            self.root(n, f, v, b)
        for what, have in (("mounts", ours), ("fstab lines", fstab)):
            got = sorted((m[1], m[0], m[2]) for m in have)
            if got != sorted((at, dm, "xfs") for at, dm in want.items()):
                self.say("%s: %s are %s, not %s", n, what, got, want)
        for line in fstab:
            if len(line) != 6 or line[4:] != ["1", "2"] or \
                    not {"rw", "inode64", "noatime", "nouuid"} <= \
                    set(line[3].split(",")):
                self.say("%s: fstab: %s", n, " ".join(line))
        for line in f.fstab:
            if line not in fstab:
                self.say("%s: fstab line is nobody's: %s", n, " ".join(line))
        devices = {MOUNTS + "/vg_" + i for i in self.devices_of(n)}
        for d in f.directories:
            if d not in want and d not in devices:
                self.say("%s: directory %s is nobody's", n, d)
        for at in clones:
            if at not in [m[1] for m in f.mounts]:
                self.say("%s: clone's brick %s is not mounted", n, at)

    def root(self, n, f, v, b):
        have = f.bricks.get(b["path"])
        if have is None:
            self.say("%s: %s is not there", n, b["path"])
        elif v["gid"] and have != (v["gid"], "2775"):
            self.say("%s: %s has group and mode %s, not %d 2775", n,
                     b["path"], have, v["gid"])

    # ---- gluster ----

    def gluster(self, n, f, mine):
        if not any(n in d["manage"] for d in self.by["nodes"].values()):
            return
        there = {}
        for g in f.volumes:
            if g["name"] in there:
                self.say("%s: gluster has %s twice", n, g["name"])
            there[g["name"]] = g
        for v in self.by["volumes"].values():
            g = there.pop(v["name"], None)
            if g is None:
                self.say("%s: volume %s is not there in gluster", n,
                         v["name"])
            else:
                self.gluster_volume(n, v, g)
        for name in there:
            self.say("%s: gluster volume %s is nobody's", n, name)
        if sorted(f.processes) != sorted(b["path"] for _, b in mine):
            self.say("%s: processes serve %s, not %s", n,
                     sorted(f.processes), sorted(b["path"] for _, b in mine))
        for s in f.snapshots:
            self.say("%s: snapshot %s is nobody's", n, s)

    def gluster_volume(self, n, v, g):
        bricks = ["%s:%s" % (b["host"], b["path"]) for b in v["bricks"]]
        if g["bricks"] != bricks:
            self.say("%s: volume %s has the bricks %s, not %s", n, v["name"],
                     g["bricks"], bricks)
        self.gluster_type(n, v, g)
        if g["status"] != "Started":
            self.say("%s: volume %s is %s", n, v["name"], g["status"])
        arbiters = ["%s:%s" % (b["host"], b["path"]) for b in v["bricks"]
                    if b["role"] == 2]
        if g["arbiters"] != arbiters:
            self.say("%s: volume %s has the arbiters %s, not %s", n,
                     v["name"], g["arbiters"], arbiters)
        # A clone has its source's, as with heketi.
        if g["options"].get("user.heketi.id") != v["id"] and \
                not any(self.is_clone(b) for b in v["bricks"]):
            self.say("%s: volume %s has user.heketi.id %s", n, v["name"],
                     g["options"].get("user.heketi.id"))
        for o in v["options"]:
            key, _, value = o.strip().partition(" ")
            if key in ("group",) or not value:
                continue
            if g["options"].get(key) != value.strip():
                self.say("%s: volume %s: option %s is %s, not %s", n,
                         v["name"], key, g["options"].get(key), value)

    def gluster_type(self, n, v, g):
        """How many copies it keeps, or what it can lose, in all of its sets."""
        kind, each = v["type"] or "distribute", v.get("bricks_per_set") or 1
        params = dict(v.get("params") or [])
        want = {"replica": 1, "disperse": 0, "redundancy": 0}
        if kind == "replicate":
            want["replica"] = each
        elif kind == "disperse":
            want["disperse"] = each
            want["redundancy"] = int(params["disperse.redundancy"])
        have = {k: g[k] for k in want}
        sets = "Distributed-" if len(v["bricks"]) > each > 1 else ""
        if have != want or g["type"] != sets + kind.capitalize():
            self.say("%s: volume %s is of type %s %s, not %s %s", n, v["name"],
                     g["type"], have, sets + kind.capitalize(), want)

    def peers(self, n, f):
        mine = [d for d in self.by["nodes"].values() if n in d["manage"]]
        if not mine:
            if f.peers or f.volumes:
                self.say("%s is in no cluster but has the peers %s", n,
                         sorted(f.peers))
            return
        want = {d["storage"][0] for d in self.by["nodes"].values()
                if d["cluster"] == mine[0]["cluster"] and d is not mine[0]}
        have = {self.lab.nodes.addresses.get(h, h) for h in f.peers}
        if have != want:
            self.say("%s has the peers %s, not %s", n, sorted(have),
                     sorted(want))
        for h, (connected, state) in f.peers.items():
            if self.node_of.get(h, h) in self.facts and not connected:
                self.say("%s: peer %s is not connected (%s)", n, h, state)


def audit(lab, down=(), seconds=180):
    """What does not fit.  What comes right by itself (an undo that is not through,
    a brick that starts, peers that have yet to find each other, a brick left over
    that is tried again each minute) is waited for, for so long on a machine that
    is busy; down: nodes that are off."""
    end = time.monotonic() + seconds
    while True:
        bad = Audit(lab, lab.inst.docs(), down).run()
        if not bad or time.monotonic() > end:
            return bad
        tap.diag("the audit looks again, as " + bad[0][:200])
        time.sleep(1)
