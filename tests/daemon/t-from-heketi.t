#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The way from heketi, as the manual describes it: a dump, the import, the new
service on the old nodes.  Imported volumes can be expanded and deleted, and
nodes and accounts agree at every step.

The dump is one that heketi could have written of these nodes: it knows neither
the order of bricks nor anything that is ours.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import shutil
import subprocess
import tempfile

from audit import audit
from daemon import Daemon
from dumps import db, masked, records

work = tempfile.mkdtemp(prefix="from-heketi-")
STATE = os.path.join(work, "nodes")
FAULTS = os.path.join(work, "faults")
CONFIG = {"port": "0", "jwt": {"admin": {"key": "a"}, "user": {"key": "u"}},
          "glusterfs": {"executor": "mock", "db": work + "/heketi.db"},
          "executors": {"simulated": {"state_file": STATE,
                                      "faults_file": FAULTS}}}
REPLICA = {"type": "replicate", "replicate": {"replica": 3}}


def at(name):
    return os.path.join(work, name)


conf = at("heketi.json")
with open(conf, "w") as f:
    json.dump(CONFIG, f)


def import_(dump, store, *more):
    code, out, err = db("db", "import", "--config", conf, "--jsonfile", dump,
                        "--store", "sqlite:" + store, *more)
    return code, out + err


def create(d, size, name, **more):
    status, _, body = d.run("POST", "/volumes", dict(
        {"size": size, "name": name, "durability": REPLICA}, **more))
    if not tap.is_(status, 200, "%s is made" % name):
        tap.diag(body)
        sys.exit(1)
    return json.loads(body)["id"]


# ---- the installation as it was ----

old = Daemon(store="sqlite:" + at("old"), config=CONFIG)
old.topology(nodes=4, devices=2)
ids = {n: create(old, s, n, **m) for n, s, m in (
    ("data", 4, {"gid": 2001}), ("home", 1, {}),
    ("spare", 1, {}),
    ("arb", 2, {"glustervolumeoptions": ["user.heketi.arbiter true"]}),
    ("ec", 4, {"durability": {"type": "disperse", "disperse": {
        "data": 2, "redundancy": 1}}}))}
for i in range(3):
    old.run("POST", "/volumes/%s/expand" % ids["data"], {"expand_size": 2})
tap.is_(audit(old, STATE), [], "the nodes agree before")
before = {i: old.json("GET", "/volumes/" + i) for i in ids.values()}
topology = {n: old.json("GET", "/nodes/" + n)
            for c in old.json("GET", "/clusters")["clusters"]
            for n in old.json("GET", "/clusters/" + c)["nodes"]}
# heketi-cli db dump, then heketi is stopped.
dump = at("heketi-db.json")
with open(dump, "wb") as f:
    f.write(old.request("GET", "/db/dump")[2])
old.stop()
order = {v["name"]: [b["id"] for b in v["bricks"]]
         for v in records(at("old"), "volumes/").values()}
tap.ok(order["data"] != sorted(order["data"]), "the dump does not tell order")

# ---- import ----

code, said = import_(dump, at("dry"), "--ask-gluster", "--dry-run")
tap.ok(code == 0 and not os.path.exists(at("dry")), "a dry run finds nothing")
code, said = import_(dump, at("unordered"))
tap.ok(code == 0 and "the order of bricks of 5 volumes is the dump's" in said,
       "without asking gluster the order is said to be unknown")
code, said = import_(dump, at("new"), "--ask-gluster")
tap.is_(code, 0, "imported") or tap.diag(said)
tap.has(said, "       5 volumes in the order of gluster\n",
        "gluster was asked for every volume")
tap.ok("warning" not in said, "and there is nothing to warn of") or \
    tap.diag(said)
was, now = records(at("old"), "volumes/"), records(at("new"), "volumes/")
tap.is_(sorted(k for k in was if was[k] != now.get(k)), [],
        "volumes are as they were, the order of bricks among it")
for kind in ("clusters/", "nodes/", "devices/", "index/"):
    tap.is_(records(at("new"), kind), records(at("old"), kind),
            "%s as they were" % kind)

with open(FAULTS, "w") as f:
    f.write("volume_info#1=unreachable\n")
code, said = import_(dump, at("half"), "--ask-gluster")
tap.ok(code == 0 and " is not asked any more" in said and
       "       5 volumes in the order of gluster\n" in said,
       "a node that does not answer is no hindrance") or tap.diag(said)
with open(FAULTS, "w") as f:
    f.write("volume_info=unreachable\n")
code, said = import_(dump, at("none"), "--ask-gluster")
tap.ok(code == 0 and "volumes is the dump's, not gluster's: gluster could not "
       "be asked" in said, "nor are all of them, which is told") or \
    tap.diag(said)
os.unlink(FAULTS)


def changed(change):
    with open(dump) as f:
        d = json.load(f)
    change(next(v for v in d["volumeentries"].values()
                if v["Info"]["name"] == "home"), d)
    p = at("changed.json")
    with open(p, "w") as f:
        json.dump(d, f)
    return p


def renamed(v, d):
    v["Info"]["name"] = "nobody"


def moved(v, d):
    d["brickentries"][v["Bricks"][0]]["Info"]["path"] += "2"


for change, why in ((renamed, "gluster has no such volume"),
                    (moved, "gluster has other bricks than the dump")):
    code, said = import_(changed(change), at("x"), "--ask-gluster")
    tap.ok(code == 1 and why in said and not os.path.exists(at("x")), why)
    store = at("forced-" + change.__name__)
    code, said = import_(changed(change), store, "--ask-gluster", "--force")
    tap.ok(code == 0 and "taken as in the dump" in said, "unless forced") or \
        tap.diag(said)

# ---- a volume whose order is not known ----

shutil.copy(STATE, at("nodes-copy"))
third = Daemon(store="sqlite:" + at("unordered"), config=dict(
    CONFIG, executors={"simulated": {"state_file": at("nodes-copy")}}))
data = third.json("GET", "/volumes/" + ids["data"])
brick = data["bricks"][0]["id"]
status, _, body = third.run("POST", "/bricks/to-evict/" + brick)
tap.ok(status in (200, 204), "a brick of it can be replaced") or tap.diag(body)
third.terminate()
now = [b["id"] for b in records(at("unordered"), "volumes/" + ids["data"])[
    "volumes/" + ids["data"]]["bricks"]]
tap.is_([b for b in now if b in order["data"]],
        [b for b in order["data"] if b != brick],
        "its order is gluster's from then on")
third.stop()

# ---- the new service ----

new = Daemon(store="sqlite:" + at("new"), config=CONFIG)
tap.is_({i: new.json("GET", "/volumes/" + i) for i in ids.values()}, before,
        "clients see the same volumes")
tap.is_({n: new.json("GET", "/nodes/" + n) for n in topology}, topology,
        "and nodes")
tap.is_(audit(new, STATE), [], "the nodes agree")
tap.is_(new.request("POST", "/nodes", {
    "zone": 1, "cluster": before[ids["data"]]["cluster"],
    "hostnames": {"manage": ["n0"], "storage": ["elsewhere"]}})[0], 409,
    "a host name that is taken is refused")
status, _, body = new.run("POST", "/volumes", {"size": 1, "name": "data",
                                               "durability": REPLICA})
tap.ok(status == 500 and b"already in use" in body, "so is a volume's name")
for name in ("data", "arb"):
    status, _, body = new.run("POST", "/volumes/%s/expand" % ids[name],
                              {"expand_size": 3})
    tap.is_(status, 200, "%s is expanded" % name) or tap.diag(body)
tap.is_(new.json("GET", "/volumes/" + ids["data"])["size"], 13,
        "by what was asked for")
tap.is_(audit(new, STATE), [], "the nodes agree")
for name in ("spare", "ec"):
    status, _, body = new.run("DELETE", "/volumes/" + ids[name])
    tap.is_(status, 204, "%s is deleted" % name) or tap.diag(body)
create(new, 5, "fresh")
tap.is_(audit(new, STATE), [], "the nodes agree")

# ---- and back, or on to etcd ----

again = at("again.json")
with open(again, "wb") as f:
    f.write(new.request("GET", "/db/dump")[2])
new.stop()
code, said = import_(again, at("next"), "--ask-gluster")
tap.is_(code, 0, "what it dumps can be imported in turn") or tap.diag(said)
code, out, err = db("db", "export", "--dbfile", at("next"), "--jsonfile", "-")
with open(again) as f:
    tap.ok(masked(out).strip() == masked(f.read()).strip(),
           "and comes out the same")
for name in ("data", "arb", "home", "fresh"):
    new = Daemon(store="sqlite:" + at("next"), config=CONFIG) \
        if name == "data" else new
    i = ids.get(name) or next(
        v for v in new.json("GET", "/volumes")["volumes"]
        if new.json("GET", "/volumes/" + v)["name"] == name)
    tap.is_(new.run("DELETE", "/volumes/" + i)[0], 204, "%s goes" % name)
tap.is_(audit(new, STATE), [], "the nodes agree")
tap.is_({d["storage"]["used"] for n in topology
         for d in new.json("GET", "/nodes/" + n)["devices"]}, {0},
        "all space is free again")
new.stop()
shutil.rmtree(work)
tap.done()
