#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""brickyardd db import and db export: dumps of heketi's database go in and come
out the same; what does not fit together is refused, all of it at once.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import re
import shutil
import struct
import tempfile

import dumps
from daemon import Daemon
from dumps import db, masked, records

work = tempfile.mkdtemp(prefix="db-import-")
count = 0


def path(name=None):
    """A file that is not there."""
    global count
    count += 1
    return os.path.join(work, name or "f%d" % count)


def put(dump):
    p = path()
    with open(p, "w") as f:
        f.write(dump if isinstance(dump, str) else json.dumps(dump))
    return p


def load(dump, *more):
    """(status, stderr, store)"""
    store = path()
    code, out, err = db("db", "import", "--jsonfile", put(dump), "--dbfile",
                        store, *more)
    return code, out + err, store


def export(store):
    target = path()
    code, out, err = db("db", "export", "--dbfile", store, "--jsonfile", target)
    if not tap.is_((code, out, err),
                   (0, "", "DB exported to %s\n" % target), "exported"):
        return ""
    with open(target) as f:
        return f.read()


def named(d, name):
    return next(v for v in d["volumeentries"].values()
                if v["Info"]["name"] == name)


# ---- there and back ----

for name, counts in (("plain", (2, 3, 6, 6, 21, 0)),
                     ("clones", (1, 3, 6, 2, 6, 0)),
                     ("block", (1, 3, 6, 3, 9, 3))):
    code, err, store = load(dumps.text(name))
    tap.is_(code, 0, "%s: imported" % name) or tap.diag(err)
    tap.has(err, "DB imported to %s\n" % store, "and where to is said, as "
            "heketi says it")
    words = ("clusters", "nodes", "devices", "volumes", "bricks",
             "block volumes")
    tap.is_([w for w, n in zip(words, counts)
             if "%8d %s\n" % (n, w) not in err], [], "with the numbers") or \
        tap.diag(err)
    out = export(store)
    tap.ok(masked(out) == masked(dumps.text(name)),
           "%s: comes out byte for byte, but for the generation" % name)
    tap.ok(out != dumps.text(name), "which is a new one")

code, err, store = load(dumps.text("block"))
tap.is_(sorted(k for k in records(store) if k.startswith("index/block-names/")),
        sorted("index/block-names/%s/%s" % (b["Info"]["blockhostingvolume"],
                                            b["Info"]["name"])
               for b in json.loads(dumps.text("block"))["blockvolumeentries"]
               .values()), "block volumes hold their names")

text = re.sub(r'("ExtentSize": \d+)\n', r'\1,\n            "Kind": "directory"\n',
              dumps.text("plain"), count=1)
code, err, store = load(text)
tap.is_(sorted(x["kind"] for k, x in records(store, "devices/").items()),
        [1] * 5 + [2], "what is a directory stays one") or \
    tap.diag(records(store, "devices/"))
tap.ok(masked(export(store)) == masked(text), "and is told by the dump")

d = json.loads(dumps.text("plain"))
named(d, "vol_a")["Info"]["durability"]["mine"] = {"a": 3, "b": "x", "c": True}
code, err, store = load(d)
tap.is_(named(json.loads(export(store)), "vol_a")["Info"]["durability"].get(
    "mine"), {"a": 3, "b": "x", "c": True}, "so are parameters of other types")

d = json.loads(dumps.text("plain"))
named(d, "vol_a")["Info"]["snapshot"] = {"enable": True, "factor": 1.2}
code, err, store = load(d)
tap.is_([x["snapshot_factor"] for x in records(store, "volumes/").values()
         if x["name"] == "vol_a"], [struct.unpack("f", struct.pack("f", 1.2))[0]],
        "a snapshot factor is heketi's float, as in a request")
tap.is_(named(json.loads(export(store)), "vol_a")["Info"]["snapshot"],
        {"enable": True, "factor": 1.2}, "and told as it was")

code, err, store = load(dumps.text("old"))
tap.is_(code, 0, "a dump of an old heketi is imported") or tap.diag(err)
once = export(store)
code, err, again = load(once)
tap.ok(code == 0 and masked(export(again)) == masked(once),
       "what comes out of that goes in and comes out the same")
old = json.loads(once)
vol = {v["Info"]["name"]: v for v in old["volumeentries"].values()}
tap.is_({(c["Info"]["file"], c["Info"]["block"])
         for c in old["clusterentries"].values()}, {(True, True)},
        "clusters without flags are for all")
tap.is_([(b["LvmLv"], b["LvmThinPool"], b["SubType"])
         for i, b in old["brickentries"].items()],
        [("", "tp_" + i, 0) for i in old["brickentries"]],
        "names of thin pools are derived, those of logical volumes are not"
        " written down, an unknown kind stays so")
tap.is_({v["Info"]["id"]: sorted(v["Bricks"]) for v in vol.values()},
        {v["Info"]["id"]: sorted(
            i for i, b in old["brickentries"].items()
            if b["Info"]["volume"] == v["Info"]["id"]) for v in vol.values()},
        "bricks know their volume")
tap.is_(vol["vol_host"]["Info"]["blockinfo"],
        {"freesize": 9, "reservedsize": 1}, "2 % are kept back")
tap.is_(vol["vol_oldec"]["Info"]["durability"]["disperse"],
        {"data": 4, "redundancy": 2}, "the codes that heketi took by default")
tap.is_(vol["vol_old"]["GlusterVolumeOptions"], None,
        "options are those at the top, of which there are none")
tap.is_({(n["State"]) for n in [*old["nodeentries"].values(),
                                *old["deviceentries"].values()]}, {"online"},
        "what has no state is online")
keys = records(store)
tap.is_(sorted(k for k in keys if k.startswith("index/hosts/")),
        sorted("index/hosts/%s/%s" % (space, h)
               for n in old["nodeentries"].values()
               for space in ("manage", "storage")
               for h in n["Info"]["hostnames"][space]),
        "host names are taken from now on")
tap.is_({v["name"]: v["bricks_per_set"] for k, v in keys.items()
         if k.startswith("volumes/")},
        {"vol_old": 3, "vol_two": 2, "vol_host": 3, "vol_oldec": 6},
        "brick sets are those of the volume's type")


# ---- what is wrong ----

def plain(change):
    d = json.loads(dumps.text("plain"))
    change(d)
    return d


def first(d, kind):
    return next(iter(d[kind].values()))


def without_node(d):
    del d["nodeentries"][next(iter(d["nodeentries"]))]


def two_hosts(d):
    a, b, _ = d["nodeentries"].values()
    b["Info"]["hostnames"]["storage"] = a["Info"]["hostnames"]["storage"]


def stray(d):
    named(d, "vol_none")["Bricks"] = []
    d["volumeentries"].pop(named(d, "vol_none")["Info"]["id"])


def two_owners(d):
    named(d, "vol_b")["Bricks"] += named(d, "vol_none")["Bricks"]


def half_set(d):
    named(d, "vol_b")["Bricks"].pop()


def no_path(d):
    for b in named(d, "vol_b")["Bricks"]:
        d["brickentries"][b]["Info"]["path"] = ""


def half_dropped(d):
    no_path(d)
    b = named(d, "vol_b")["Bricks"][0]
    d["brickentries"][b]["Info"]["path"] = "/x/brick"


def same_name(d):
    named(d, "vol_b")["Info"]["name"] = "vol_a"


def elsewhere(d):
    b = first(d, "brickentries")
    b["Info"]["node"] = next(n for n in d["nodeentries"]
                             if n != b["Info"]["node"])


def set_(kind, *where):
    def change(d):
        at = first(d, kind)
        for k in where[:-2]:
            at = at[k]
        at[where[-2]] = where[-1]
    return change


def guest(d):
    d["blockvolumeentries"] = json.loads(
        dumps.text("block"))["blockvolumeentries"]
    for b in d["blockvolumeentries"].values():
        b["Info"]["blockhostingvolume"] = named(d, "vol_a")["Info"]["id"]


def bad_id(d):
    d["clusterentries"]["../../etc"] = {"Info": {}}


def marked(d):
    named(d, "vol_a")["Pending"]["Id"] = "0" * 32


WRONG = [
    (without_node, "its node "),
    (two_hosts, "'hosts/storage/192.168.10.10"),
    (stray, "is in no volume, not in its own "),
    (two_owners, "says it is of volume "),
    (half_set, "1 bricks are no whole sets of 2"),
    (no_path, "of volume vol_b has no path: repair it in heketi"),
    (same_name, "/vol_a': two objects have that name"),
    (elsewhere, "its device "),
    (guest, "hosts no block volumes"),
    (bad_id, "cluster '../../etc': that is no id"),
    (marked, "which is not there: see to it in heketi"),
    (set_("nodeentries", "State", "asleep"),
     "'State' is not online, offline or failed"),
    (set_("nodeentries", "Info", "zone", "1"), "'zone' is not a whole number"),
    (set_("nodeentries", "Info", "hostnames", "manage", None),
     "'hostnames' is not complete"),
    (set_("nodeentries", "Info", "hostnames", "manage", [1]),
     "'manage' is not a list of strings"),
    (set_("deviceentries", "Info", "storage", "total", -1),
     "'total' is not a size"),
    (set_("deviceentries", "Info", "storage", "total", 1 << 60),
     "'total' is not a size"),
    (set_("deviceentries", "NodeId", "x"), "'NodeId' is not an id"),
    (set_("brickentries", "SubType", 3), "'SubType' is not 0, 1 or 2"),
    (set_("brickentries", "Info", []), "'Info' is not an object"),
    (set_("brickentries", "Info", "id", "0" * 32),
     "'id' is not that of its entry"),
    (set_("volumeentries", "Info", "name", ""), "'name' is not there"),
    (set_("volumeentries", "Info", "durability", "type", "raid"),
     "Unknown durability type"),
    (set_("volumeentries", "Info", "durability",
          {"type": "replicate", "replicate": {"replica": 7}}),
     "Invalid replica value"),
    (set_("volumeentries", "Info", "snapshot", "factor", "1"),
     "'factor' is not a number"),
    (set_("volumeentries", "Bricks", ["0" * 32]), "is not there"),
    (set_("volumeentries", "Info", "blockinfo", {"restriction": "open"}),
     "'restriction' is not one of"),
]
for change, why in WRONG:
    code, err, store = load(plain(change))
    tap.ok(code == 1 and why in err and ": nothing was imported" in err and
           not os.path.exists(store), "refused: " + why) or \
        tap.diag(code, err)
for dump, why in (("{", "line 1, column 1:"), ("[]", "not a dump"),
                  ('{"clusters": []}', "it has no 'clusterentries'")):
    code, err, store = load(dump)
    tap.ok(code == 1 and why in err and not os.path.exists(store),
           "no dump: " + why) or tap.diag(code, err)
code, out, err = db("db", "import", "--jsonfile", work + "/none", "--dbfile",
                    work + "/x")
tap.has(err, "No such file", "a dump that is not there")

code, err, store = load(plain(stray), "--force")
tap.is_(code, 0, "bricks that are in no volume are left out by force")
tap.has(err, ", left out, its space", "and named")
before = json.loads(dumps.text("plain"))["deviceentries"]
tap.is_({i: x["Info"]["storage"] for i, x in
         json.loads(export(store))["deviceentries"].items()},
        {i: x["Info"]["storage"] for i, x in before.items()},
        "the space that they may take stays taken")


def newer(d):
    d["dbattributeentries"]["DB_FROM_2030"] = {"Key": "DB_FROM_2030",
                                               "Value": "yes"}


code, err, store = load(plain(newer))
tap.ok(code == 1 and "attribute DB_FROM_2030 of the database is not known" in
       err, "a database of a newer heketi is refused, as heketi does")
code, err, store = load(plain(newer), "--force")
tap.ok(code == 0 and ": left out" in err and
       masked(export(store)) == masked(dumps.text("plain")),
       "but by force, and the attribute is left out") or tap.diag(err)
code, err, store = load(plain(half_dropped), "--force")
tap.ok(code == 1 and "no whole sets" in err,
       "what is left must be whole") or tap.diag(err)


def strays_of_a_clone(d):
    for b in d["brickentries"].values():
        if b["Info"]["path"].startswith("/run/"):
            b["Info"]["path"] = ""


clones = json.loads(dumps.text("clones"))
strays_of_a_clone(clones)
code, err, store = load(clones, "--force")
tap.has(err, "it has no bricks", "not even by force without a brick")

# Odd, but no reason to refuse it.
full = json.loads(dumps.text("block"))
host = named(full, "vol_bhv")
host["Info"]["blockinfo"]["freesize"] = 12
code, err, store = load(full)
info = named(json.loads(export(store)), "vol_bhv")["Info"]["blockinfo"]
tap.is_((code, info["freesize"], info["restriction"]),
        (0, 37, "locked-by-update"),
        "a hosting volume's free size is corrected, and it is locked")
for free, restriction, now, why in (
        (38, None, {"freesize": 37, "reservedsize": 1}, "2 % are kept back"),
        (12, None, {"freesize": 38, "restriction": "locked-by-update"},
         "not of one that is locked at the same moment"),
        (38, "locked-by-update",
         {"freesize": 38, "restriction": "locked-by-update"},
         "nor of one that was")):
    info = host["Info"]["blockinfo"]
    info.pop("reservedsize", None)
    info.pop("restriction", None)
    info["freesize"] = free
    if restriction:
        info["restriction"] = restriction
    code, err, store = load(full)
    got = named(json.loads(export(store)), "vol_bhv")["Info"]["blockinfo"]
    got.pop("blockvolume")
    tap.is_((code, got), (0, now), "a hosting volume of an old heketi: " + why)
dev = plain(set_("deviceentries", "Info", "storage", "used", 5))
code, err, store = load(dev)
tap.ok(code == 0 and "are said to be used, its bricks take" in err and
       "are not its total" in err, "space that does not add up is told")

# What heketi leaves of a clone that it could not make: its bricks, marked by an
# operation that is no more, and its id in the cluster's list.
leak = json.loads(dumps.text("clone-new"))
(op,) = leak.pop("pendingoperations")
for v in leak["volumeentries"].values():
    v["Pending"]["Id"] = ""
code, err, store = load(leak)
lost = sorted(i for i, b in leak["brickentries"].items() if b["Pending"]["Id"])
tap.is_((code, sorted(i for i in lost if "brick %s is of a clone (" % i in err)),
        (0, lost), "bricks of a failed clone of heketi's are left out") or \
    tap.diag(err)
d = json.loads(export(store))
tap.is_(sorted(d["brickentries"]), sorted(
    set(leak["brickentries"]) - set(lost)), "and nothing else")
code, out, err = db("db", "consistency-check", "--dbfile", store)
tap.is_(json.loads(out)["totalinconsistencies"], 0, "what is left fits together")

# A clone with two bricks on a node: heketi calls the volumes below both ID_0.
two = json.loads(dumps.text("clones"))
a, b, c = sorted((x["Info"]["path"], i) for i, x in two["brickentries"].items()
                 if x["LvmLv"])
first_, third = (two["brickentries"][x[1]]["Info"] for x in (a, c))
node = two["nodeentries"][first_["node"]]
there, = [x for x in node["Devices"] if x != first_["device"]]
two["deviceentries"][third["device"]]["Bricks"].remove(c[1])
two["deviceentries"][there]["Bricks"].append(c[1])
third.update(node=first_["node"], device=there)
code, err, store = load(two)
lvs = {x["id"]: x["lv"] for v in records(store, "volumes/").values()
       for x in v["bricks"]}
name = two["brickentries"][a[1]]["LvmLv"][:-2]
tap.is_([lvs.get(x[1]) for x in (a, b, c)],
        [name + "_0", name + "_0", name + "_1"],
        "gluster's names of a clone's logical volumes, one node having two") or \
    tap.diag(err)
tap.has(err, ": its logical volume is %s_1, not %s_0 as heketi" % (name, name),
        "which is told")


def half_linked(d):
    cluster = named(d, "vol_a")["Info"]["cluster"]
    nodes = d["clusterentries"][cluster]["Info"]["nodes"]
    d["clusterentries"][cluster]["Info"]["volumes"].append("1" * 32)
    d["deviceentries"][d["nodeentries"][nodes[0]]["Devices"][0]]["Bricks"] = None
    d["nodeentries"][nodes[1]]["Devices"].append(
        d["nodeentries"][nodes[0]]["Devices"][0])


code, err, store = load(plain(half_linked))
d = plain(half_linked)
cluster = named(d, "vol_a")["Info"]["cluster"]
nodes = d["clusterentries"][cluster]["Info"]["nodes"]
device = d["nodeentries"][nodes[0]]["Devices"][0]
bricks = json.loads(dumps.text("plain"))["deviceentries"][device]["Bricks"]
tap.is_([x for x in err.splitlines() if " it lists " in x or " it says " in x],
        ["warning: cluster %s: it lists the volume %s, which is not there: "
         "ignored" % (cluster, "1" * 32),
         "warning: node %s: it lists the device %s, which says it is of %s: "
         "taken so" % (nodes[1], device, nodes[0])] +
        ["warning: brick %s: it says it is of device %s, which does not list "
         "it: taken so" % (b, device) for b in bricks],
        "what one side says and the other does not is told") or tap.diag(err)
tap.ok(code == 0 and masked(export(store)) == masked(dumps.text("plain")),
       "and put right")


# ---- operations under way ----

code, err, store = load(dumps.text("pending"))
tap.ok(code == 1 and err.count("was under way: let heketi finish it") == 7,
       "operations under way are a reason to refuse, each is named")
code, err, store = load(dumps.text("pending"), "--pending", "maybe")
tap.has(err, "--pending 'maybe': give refuse, clean or drop", "how else")

unknown = json.loads(dumps.text("pending"))
for op in unknown["pendingoperations"].values():
    op["Type"] = 99
code, err, store = load(unknown, "--pending", "clean")
tap.ok(code == 1 and err.count("(unknown, ") == 7 and
       err.count(" can't be cleaned up from here: let heketi do that") == 7,
       "operations of a kind that nobody knows are not cleaned up") or \
    tap.diag(err)
code, err, store = load(dumps.text("pending-all"), "--pending", "drop")
tap.is_(code, 0, "all kinds may be dropped") or tap.diag(err)
d = json.loads(export(store))
tap.is_(sorted(v["Info"]["name"] for v in d["volumeentries"].values()),
        ["vol_bhv", "vol_evict", "vol_fine", "vol_going", "vol_grow",
         "vol_hosts", "vol_src2"], "what was to come is left out, what was to go stays")
tap.is_(sorted((x["Info"]["name"], x["Info"]["size"])
               for x in d["blockvolumeentries"].values()),
        [("blk_d", 2), ("blk_e", 1), ("blk_fine", 2)], "also block volumes")
host = named(d, "vol_hosts")["Info"]["blockinfo"]
tap.is_((host["freesize"], "restriction" in host), (16, False),
        "one that was to grow is as it was, its hosting volume open")
tap.is_(named(d, "vol_bhv")["Info"]["blockinfo"]["freesize"], 17,
        "whose space is free again")
tap.is_({len(v["Bricks"]) for v in d["volumeentries"].values()}, {3},
        "new bricks are not there")
tap.is_(d["pendingoperations"], {}, "nor are operations")
tap.is_({e["Pending"]["Id"] for kind in ("volumeentries", "brickentries",
                                         "blockvolumeentries")
         for e in d[kind].values()}, {""}, "or marks of them")
tap.has(err, "volume vol_new ", "it is told what may be left on nodes")
used = {i: x["Info"]["storage"]["used"] for i, x in
        d["deviceentries"].items()}
tap.is_(used, {i: sum(d["brickentries"][b]["TpSize"] +
                      d["brickentries"][b]["PoolMetadataSize"]
                      for b in x["Bricks"])
               for i, x in d["deviceentries"].items()},
        "devices have what their bricks take")

config = put({"glusterfs": {"executor": "mock"}})
code, err, store = load(dumps.text("pending-all"), "--pending", "clean")
tap.is_(code, 0, "all kinds may be cleaned up") or tap.diag(err)
tap.has(err, "      10 operations to be cleaned up\n", "but the removal of a "
        "device, which is nothing by itself")
code, out, err = db("offline", "cleanup-operations", "--config", config,
                    "--store", "sqlite:" + store)
tap.ok(code == 0 and "10 operations cleaned up, 0 remain\n" in err,
       "which is done") or tap.diag(err)
d = json.loads(export(store))
tap.is_(sorted(v["Info"]["name"] for v in d["volumeentries"].values()),
        ["vol_bhv", "vol_evict", "vol_fine", "vol_grow", "vol_hosts",
         "vol_src2"], "neither the clone nor what was deleted is there")
tap.is_({len(v["Bricks"]) for v in d["volumeentries"].values()}, {3},
        "and none of the new bricks")

code, err, store = load(dumps.text("pending"), "--pending", "clean")
tap.is_(code, 0, "they are imported to be cleaned up") or tap.diag(err)
tap.has(err, "       7 operations to be cleaned up\n", "all of them")
code, out, err = db("offline", "cleanup-operations", "--config", config,
                    "--store", "sqlite:" + store)
tap.ok(code == 0 and "7 operations cleaned up, 0 remain\n" in err,
       "without serving") or tap.diag(err)
cleaned = json.loads(export(store))
tap.is_(sorted(v["Info"]["name"] for v in cleaned["volumeentries"].values()),
        ["vol_fine", "vol_grow", "vol_hosts"],
        "creating is undone, deleting is finished")
tap.is_([(x["Info"]["name"], x["Info"]["size"], x["Pending"]["Id"])
         for x in cleaned["blockvolumeentries"].values()],
        [("blk_e", 1, "")], "of block volumes, too")
tap.is_(named(cleaned, "vol_hosts")["Info"]["blockinfo"],
        {"freesize": 18, "reservedsize": 1,
         "blockvolume": list(cleaned["blockvolumeentries"])},
        "their hosting volume has its space back")
tap.is_((named(cleaned, "vol_grow")["Info"]["size"],
         len(named(cleaned, "vol_grow")["Bricks"])), (1, 3),
        "expanding is undone")
tap.is_({i: x["Info"]["storage"]["used"] for i, x in
         cleaned["deviceentries"].items()},
        {i: sum(cleaned["brickentries"][b]["TpSize"] +
                cleaned["brickentries"][b]["PoolMetadataSize"]
                for b in x["Bricks"])
         for i, x in cleaned["deviceentries"].items()},
        "devices have their space back")
tap.is_(cleaned["pendingoperations"], {}, "nothing is pending")
code, out, err = db("offline", "cleanup-operations", "--config", config,
                    "--store", "sqlite:" + store)
tap.ok(code == 0 and "0 operations cleaned up, 0 remain\n" in err,
       "there is nothing left to do") or tap.diag(err)

# ---- where to, where from ----

code, err, store = load(dumps.text("plain"))
code, out, err = db("db", "import", "--jsonfile", put(dumps.text("old")),
                    "--dbfile", store)
tap.ok(code == 1 and "it is not empty" in err, "only into an empty store")
code, out, err = db("db", "import", "--jsonfile", put(dumps.text("old")),
                    "--dbfile", store, "--if-empty")
tap.ok(code == 0 and "left as it is" in err and masked(export(store)) ==
       masked(dumps.text("plain")), "which can be said to be no failure")
code, err, other = load(dumps.text("plain"), "--dry-run")
tap.ok(code == 0 and not os.path.exists(other) and "bricks" in err,
       "a dry run reports and writes nothing")
code, out, err = db("db", "export", "--dbfile", store, "--jsonfile", "-")
tap.ok(code == 0 and masked(out) == masked(dumps.text("plain")), "to stdout")
taken = put("")
code, out, err = db("db", "export", "--dbfile", store, "--jsonfile", taken)
tap.ok(code == 1 and "File exists" in err and os.path.getsize(taken) == 0,
       "a file that is there is not written over")
code, out, err = db("db", "export", "--dbfile", work + "/none", "--jsonfile",
                    "-")
tap.ok(code == 1 and "No such file" in err and
       not os.path.exists(work + "/none"), "a store that is not there")
target = path()
db("db", "export", "--dbfile", store, "--jsonfile", target)
tap.is_(os.stat(target).st_mode & 0o777, 0o600, "passwords are in it")
code, out, err = db("db", "consistency-check", "--dbfile", store)
tap.is_((code, json.loads(out)["totalinconsistencies"]), (0, 0),
        "what was imported is consistent")
server = Daemon(store="sqlite:" + store)
code, out, err = db("db", "export", "--dbfile", store, "--jsonfile", "-")
tap.ok(code == 1 and out == "" and err.startswith("ERROR: "),
       "a file that is being served is not exported")
tap.ok(masked(server.request("GET", "/db/dump")[2].decode()).rstrip() ==
       masked(dumps.text("plain")).rstrip(),
       "a server tells the same at /db/dump")
server.stop()

# ---- the command line ----

for args, status, why in (
        (("db", "destroy"), 255, "'db destroy' is no command"),
        (("db", "import", "--volume"), 255, "unrecognized option"),
        (("db", "import", "x"), 255, "unexpected argument 'x'"),
        (("offline", "--debug"), 255, "is no command"),
        (("db", "import", "--dbfile", work + "/y"), 1, "which file holds"),
        (("db", "export", "--dbfile", store), 1, "export to which file"),
        (("db", "export", "--config", work + "/none"), 1, "none"),
        (("db", "delete-bricks-with-empty-path", "--dbfile", store, "--all",
          "--clusters", "a,b"), 0, "Not needed: bricks are kept inside"),
        (("offline", "state", "examine"), 255, "'offline state' is no command"),
        (("offline", "state", "examine", "gluster", "--config", work + "/none"),
         1, "none"),
        (("offline", "update-dbvol", "--config", config,
          "--force-volume-name", "x"), 0, "Not needed: the state is kept")):
    code, out, err = db(*args)
    tap.ok(code == status and why in err and out == "",
           "%s: %d, %s" % (" ".join(args[:2]), status, why)) or \
        tap.diag(code, out, err)
code, out, err = db("db", "import", "--help")
tap.ok(code == 0 and "--pending HOW" in out and "--clusters" not in out,
       "each command lists the options that it takes")
code, out, err = db("db", "--help")
tap.ok(code == 0 and "consistency-check" in out, "and each group its commands")

shutil.rmtree(work)
tap.done()
