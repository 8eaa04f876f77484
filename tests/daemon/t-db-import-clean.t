#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""db import --pending clean of evictions and clones that died half-way: nodes hold
what the dump does not tell, and in the end nodes and accounts agree.

The halves are made by killing ourselves; their dumps are then made to look as
heketi's do, which has not written a clone's volume down before it is there.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import http.client
import json
import shutil
import tempfile

from audit import accounts, audit
from daemon import Daemon
from dumps import db, records, text
from etcd import wait_for

work = tempfile.mkdtemp(prefix="import-clean-")
HEKETIS = "0123456789abcdef0123456789abcdef"
REPLICA_2 = {"type": "replicate", "replicate": {"replica": 2}}
count = 0


class Half:
    """An installation that died in the middle of an operation."""

    def __init__(self, fault):
        global count
        count += 1
        self.dir = os.path.join(work, str(count))
        os.mkdir(self.dir)
        self.state = self.at("nodes")
        self.config = {"executors": {"simulated": {
            "state_file": self.state, "faults_file": self.at("faults")}}}
        self.write("faults", "")
        self.d = Daemon(store="sqlite:" + self.at("old"), config=self.config)
        self.d.topology(nodes=3, devices=2)
        status, _, body = self.d.run("POST", "/volumes", {
            "size": 3, "name": "data", "durability": REPLICA_2})
        assert status == 200, body
        self.volume = json.loads(body)
        for _ in range(3):
            self.d.run("POST", "/volumes/%s/expand" % self.volume["id"],
                       {"expand_size": 1})
        self.write("faults", fault)

    def at(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.at(name) + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(self.at(name) + ".new", self.at(name))

    def die(self, path, body):
        try:
            self.d.request("POST", path, body)
        except (http.client.HTTPException, OSError):
            pass
        self.d.process.wait(20)
        self.d.process.stdout.close()
        self.d.process = None
        self.write("faults", "")

    def dump(self, change):
        """The file, after one operation of ours became one of heketi's."""
        out = self.at("dump.json")
        if os.path.exists(out + ".ours"):
            os.unlink(out + ".ours")
        code, _, err = db("db", "export", "--dbfile", self.at("old"),
                          "--jsonfile", out + ".ours")
        assert code == 0, err
        with open(out + ".ours") as f:
            t = f.read()
        (op,) = json.loads(t)["pendingoperations"]
        d = json.loads(t.replace(op, HEKETIS))
        change(d)
        with open(out, "w") as f:
            json.dump(d, f)
        return out

    def import_(self, change, *more):
        conf = self.at("brickyard.json")
        with open(conf, "w") as f:
            json.dump(dict(self.config, glusterfs={"executor": "simulated"}), f)
        code, out, err = db("db", "import", "--config", conf, "--jsonfile",
                            self.dump(change), "--store",
                            "sqlite:" + self.at("new"), "--pending", "clean",
                            *more)
        return code, out + err

    def serve(self, what):
        """The new service, when it has cleaned up."""
        d = Daemon(store="sqlite:" + self.at("new"), config=self.config)
        tap.ok(wait_for(lambda: d.json("GET", "/operations")["total"] == 0, 30),
               what + ": nothing is pending") or tap.diag(d.log()[-2000:])
        tap.is_(audit(d, self.state), [], what + ": nodes and accounts agree")
        return d


def evictions():
    for fault, replaced in (("volume_info#1=exit-before", False),
                            ("bricks_create#1=exit-before", False),
                            ("bricks_create#1=exit-mid", False),
                            ("bricks_create#1=exit-after", False),
                            ("brick_replace#1=exit-before", False),
                            ("brick_replace#1=exit-after", True),
                            ("bricks_destroy#1=exit-mid", True)):
        h = Half(fault)
        old = h.volume["bricks"][0]["id"]
        h.die("/bricks/to-evict/" + old, {})
        code, said = h.import_(lambda dump: None)
        tap.ok(code == 0 and "       1 operations to be cleaned up\n" in said,
               "evict, %s: imported" % fault) or tap.diag(said)
        d = h.serve("evict, " + fault)
        now = d.json("GET", "/volumes/" + h.volume["id"])
        tap.is_((len(now["bricks"]), old not in [b["id"] for b in now["bricks"]]),
                (8, replaced), "evict, %s: %s" % (
                    fault, "the new brick stays" if replaced else
                    "the old one stays"))
        tap.is_(d.run("POST", "/bricks/to-evict/" + now["bricks"][0]["id"])[0],
                204, "evict, %s: bricks may be evicted again" % fault)
        tap.is_(d.run("DELETE", "/volumes/" + now["id"])[0], 204,
                "evict, %s: the volume can be deleted" % fault)
        d.stop()


def as_heketi_has_it(dump):
    """No volume; bricks with their sources' paths."""
    (op,) = dump["pendingoperations"].values()
    source, = [a["Id"] for a in op["Actions"] if a["Change"] == 9]
    clone, = [a["Id"] for a in op["Actions"] if a["Change"] == 11]
    pools = {dump["brickentries"][b]["LvmThinPool"]:
             dump["brickentries"][b]["Info"]
             for b in dump["volumeentries"][source]["Bricks"]}
    dump["volumeentries"].pop(clone)
    for a in op["Actions"]:
        if a["Change"] == 1:
            b = dump["brickentries"][a["Id"]]
            b["LvmLv"] = ""
            b["Info"]["path"] = pools[b["LvmThinPool"]]["path"]


def clones():
    for fault in ("volume_info#1=exit-before", "volume_clone#1=exit-before",
                  "volume_clone#1=exit-after"):
        for change in (as_heketi_has_it, lambda dump: None):
            what = "clone, %s%s" % (fault, "" if change is as_heketi_has_it else
                                    ", our dump")
            h = Half(fault)
            h.die("/volumes/%s/clone" % h.volume["id"], {})
            tap.is_(len(accounts(h.state)["volumes"]),
                    2 if fault.endswith("after") else 1,
                    what + ": what is there before")
            code, said = h.import_(change)
            tap.is_(code, 0, what + ": imported") or tap.diag(said)
            tap.is_("heketi has not written that down" in said,
                    change is as_heketi_has_it, what + ": what can't be known "
                    "is told")
            d = h.serve(what)
            tap.is_(d.json("GET", "/volumes"), {"volumes": [h.volume["id"]]},
                    what + ": there is no clone")
            tap.is_([v["name"] for v in accounts(h.state)["volumes"]], ["data"],
                    what + ": nor in gluster")
            status, _, body = d.run("POST", "/volumes/%s/clone" % h.volume["id"],
                                    {"name": "copy"})
            tap.is_(status, 200, what + ": it can be cloned") or tap.diag(body)
            tap.is_(audit(d, h.state), [], what + ": which is as it should be")
            d.stop()


def clones_with_a_name():
    """heketi has not written it down; who looks at gluster can tell."""
    name = "--clone-name=%s=" % HEKETIS
    for fault, there in (("volume_clone#1=exit-before", 1),
                         ("volume_clone#1=exit-after", 2)):
        what = "named clone, " + fault
        h = Half(fault)
        h.die("/volumes/%s/clone" % h.volume["id"], {"name": "copy"})
        tap.is_(len(accounts(h.state)["volumes"]), there,
                what + ": what is there before")
        code, said = h.import_(as_heketi_has_it, name + "copy")
        tap.ok(code == 0 and "written that down" not in said,
               what + ": imported with its name") or tap.diag(said)
        d = h.serve(what)
        tap.is_([v["name"] for v in accounts(h.state)["volumes"]], ["data"],
                what + ": it is gone")
        d.stop()
    h = Half("volume_clone#1=exit-before")
    h.d.run("POST", "/volumes", {"size": 1, "name": "other",
                                 "durability": REPLICA_2})
    h.die("/volumes/%s/clone" % h.volume["id"], {"name": "copy"})

    def forget_other(dump):
        """It is somebody's who does not use heketi."""
        as_heketi_has_it(dump)
        (i,) = [i for i, v in dump["volumeentries"].items()
                if v["Info"]["name"] == "other"]
        for b in dump["volumeentries"].pop(i)["Bricks"]:
            dump["brickentries"].pop(b)

    for arg, why in (
            (name + "data", "/data': two objects have that name"),
            (name + "a b", "=a b: that is no name of a volume"),
            ("--clone-name=" + HEKETIS, "=: that is no name of a volume"),
            ("--clone-name=%s=copy" % ("0" * 32), "has that id")):
        code, said = h.import_(as_heketi_has_it, arg)
        tap.ok(code == 1 and why in said, "clone name: " + why) or tap.diag(said)
    code, said = h.import_(forget_other, name + "other")
    tap.is_(code, 0, "wrong clone name: imported") or tap.diag(said)
    d = Daemon(store="sqlite:" + h.at("new"), config=h.config)
    tap.ok(wait_for(lambda: d.json("GET", "/operations")["failed"] == 1, 30),
           "wrong clone name: the cleaning fails") or tap.diag(d.log()[-2000:])
    tap.has(d.log(), "volume other: it is no clone: ", "and says why")
    tap.is_(sorted(v["name"] for v in accounts(h.state)["volumes"]),
            ["data", "other"], "what is no clone is left alone")
    d.stop()


def of_heketis_own():
    """Dumps that heketi 10.4.1 wrote while gluster was at work."""
    for name, kind in (("clone-new", "clone-volume"), ("evict-new",
                                                       "evict-brick")):
        path = os.path.join(work, name + ".json")
        with open(path, "w") as f:
            f.write(text(name))
        store = os.path.join(work, name)
        paths = [b["Info"]["path"] for b in json.loads(text(name))
                 ["brickentries"].values() if b["Pending"]["Id"] == ""]
        code, out, err = db("db", "import", "--jsonfile", path, "--dbfile",
                            store, "--pending", "clean")
        tap.ok(code == 0 and "(%s, new, of " % kind in err and
               "): to be cleaned up\n" in err, name + ": imported") or \
            tap.diag(err)
        ours = [b for v in records(store, "volumes/").values()
                for b in v["bricks"] if b.get("pending")]
        tap.ok(ours and not [b for b in ours if b.get("path") in paths],
               name + ": nothing that is to go has a path of what is to stay")
        code, out, err = db("db", "import", "--jsonfile", path, "--dbfile",
                            store + "-drop", "--pending", "drop")
        tap.is_((code, [p for p in paths if p in err]), (0, []),
                name + ": nobody is told to remove what is to stay") or \
            tap.diag(err)


evictions()
clones()
clones_with_a_name()
of_heketis_own()
shutil.rmtree(work)
tap.done()
