#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""/db/dump, /db/check and /backup/db: heketi's text to the byte, and what is
wrong with a database that somebody else wrote into."""
import json
import os
import re
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import tap
from daemon import Daemon

# The store is looked into, so it has to be a file.
os.environ.pop("BRICKYARD_TEST_STORE", None)
JSON = "application/json; charset=UTF-8"


def go_text(obj):
    """As Go's encoder writes it, indented by 4."""
    text = json.dumps(obj, indent=4, ensure_ascii=False)
    for c in "<>&":
        text = text.replace(c, "\\u%04x" % ord(c))
    return (text + "\n").encode()


def pick(obj, *keys):
    return {k: obj[k] for k in keys if k in obj}


def expected(d, generation):
    """What heketi would dump of what the API tells."""
    get = lambda path: d.json("GET", path)
    out = {k: {} for k in ("clusterentries", "volumeentries", "brickentries",
                           "nodeentries", "deviceentries",
                           "blockvolumeentries", "dbattributeentries",
                           "pendingoperations")}
    for c in get("/clusters")["clusters"]:
        info = get("/clusters/" + c)
        out["clusterentries"][c] = {"Info": info}
        for n in info["nodes"]:
            node = get("/nodes/" + n)
            out["nodeentries"][n] = {
                "State": node["state"],
                "Info": pick(node, "zone", "hostnames", "cluster", "tags",
                             "id"),
                "Devices": sorted(x["id"] for x in node["devices"])}
            for x in node["devices"]:
                out["deviceentries"][x["id"]] = {
                    "State": x["state"],
                    "Info": pick(x, "name", "tags", "storage", "id", "paths",
                                 "pv_uuid"),
                    "Bricks": sorted(b["id"] for b in x["bricks"]),
                    "NodeId": n, "ExtentSize": 4096}
        for v in info["volumes"]:
            vol = get("/volumes/" + v)
            bricks, options = vol.pop("bricks"), \
                vol.pop("glustervolumeoptions")
            out["volumeentries"][v] = {
                "Info": vol, "Bricks": sorted(b["id"] for b in bricks),
                "GlusterVolumeOptions": options, "Pending": {"Id": ""}}
            for b in bricks:
                meta = -(-int(b["size"] * 0.005) // 4096) * 4096
                out["brickentries"][b["id"]] = {
                    "Info": b, "TpSize": b["size"], "PoolMetadataSize": meta,
                    "Pending": {"Id": ""}, "LvmThinPool": "tp_" + b["id"],
                    "LvmLv": "", "SubType": 1}
    for key, value in (("DB_BRICK_HAS_SUBTYPE_FIELD", "yes"),
                       ("DB_CLUSTER_HAS_FILE_BLOCK_FLAG", "yes"),
                       ("DB_DEVICE_HAS_ID_META", "yes"),
                       ("DB_GENERATION_ID", generation),
                       ("DB_HAS_PENDING_OPS_BUCKET", "yes")):
        out["dbattributeentries"][key] = {"Key": key, "Value": value}
    return {k: dict(sorted(v.items())) for k, v in out.items()}


def generation_of(dump):
    return dump["dbattributeentries"]["DB_GENERATION_ID"]["Value"]


def no_pool_names(text):
    """The pool of a set's first brick may have another name."""
    return re.sub(rb"tp_[0-9a-f]{32}", b"tp_", text)


def first(d):
    status, h, body = d.request("GET", "/db/dump")
    tap.is_((status, h["Content-Type"]), (200, JSON), "an empty database")
    g = generation_of(json.loads(body))
    tap.ok(re.fullmatch("[0-9a-f]{32}", g) is not None,
           "it has a generation")
    tap.is_(body, go_text(expected(d, g)), "its dump, to the byte")
    return g


def filled(d, generation):
    c, ns, ds = d.topology(nodes=3, devices=2)
    d.json("POST", "/nodes/%s/tags" % ns[0],
           {"change_type": "set", "tags": {"z": "<&>", "a": "é"}})
    d.json("POST", "/devices/%s/tags" % ds[0],
           {"change_type": "set", "tags": {"disk": "ssd"}})
    d.run("POST", "/devices/%s/state" % ds[1], {"state": "offline"})
    for more in ({"durability": {"type": "replicate",
                                 "replicate": {"replica": 3}}, "gid": 2000,
                  "glustervolumeoptions": ["performance.x on"]},
                 {"name": "plain", "snapshot": {"enable": True,
                                                "factor": 1.0}}):
        assert d.run("POST", "/volumes", dict({"size": 5}, **more))[0] == 200
    body = d.request("GET", "/db/dump")[2]
    tap.is_(no_pool_names(body),
            no_pool_names(go_text(expected(d, generation))),
            "a dump of clusters, nodes, devices, volumes, to the byte")
    status, h, report = d.request("GET", "/db/check")
    want = {k: {"total": n, "pending": 0, "ok": n, "notok": 0,
                "inconsistencies": None} for k, n in (
        ("clusters", 1), ("volumes", 2), ("bricks", 4), ("nodes", 3),
        ("devices", 6), ("blockvolumes", 0), ("dbattributes", 0),
        ("pendingoperations", 0))}
    want["totalinconsistencies"] = 0
    tap.is_((status, h["Content-Type"], report), (200, JSON, go_text(want)),
            "all of it fits together")
    status, h, backup = d.request("GET", "/backup/db")
    tap.is_((status, h["Content-Type"], h["Content-Disposition"],
             h["Content-Length"]),
            (200, "application/octet-stream",
             'attachment; filename="heketi.db"', str(len(body))),
            "a backup is to be saved")
    tap.is_(backup, body, "and is the dump, which can be imported")
    d.restart()
    tap.is_(d.request("GET", "/db/dump")[2], body,
            "after a restart it is the same")
    return c, ns, ds


class Damage:
    """Documents changed behind the service's back, while it does not run."""

    def __init__(self, d):
        self.d, self.text = d, []
        d.terminate()
        self.db = sqlite3.connect(os.path.join(d.dir, "db"))

    def keys(self, prefix):
        return [k.decode() for k, in self.db.execute(
            "SELECT key FROM kv ORDER BY key") if k.decode().startswith(
                prefix)]

    def change(self, key, fn):
        doc = json.loads(self.db.execute(
            "SELECT value FROM kv WHERE key=?",
            (key.encode(),)).fetchone()[0])
        fn(doc)
        self.db.execute("UPDATE kv SET value=? WHERE key=?",
                        (json.dumps(doc).encode(), key.encode()))

    def drop(self, key):
        n = self.db.execute("DELETE FROM kv WHERE key=?",
                            (key.encode(),)).rowcount
        assert n == 1, key

    def end(self):
        self.db.commit()
        self.db.close()
        self.d.start()


def faults(d):
    check = d.json("GET", "/db/check")
    found = {k: v["inconsistencies"] for k, v in check.items()
             if isinstance(v, dict) and v["inconsistencies"]}
    return found, check


def damaged(d, c, ns, ds):
    before = {v: d.json("GET", "/volumes/" + v)
              for v in d.json("GET", "/volumes")["volumes"]}
    big = next(v for v in before.values() if len(v["bricks"]) == 3)
    plain = next(v for v in before.values() if v["name"] == "plain")
    brick = plain["bricks"][0]
    lost = next(x for x in ds if not d.json("GET", "/devices/" + x)["bricks"])
    other = next(x for x in ds if x not in (lost, brick["device"]) and
                 x not in [b["device"] for b in big["bricks"]])
    used = d.json("GET", "/devices/" + brick["device"])["storage"]
    x = Damage(d)
    op, nobody = "ab" * 16, "cd" * 16
    x.change("volumes/" + big["id"],
             lambda v: v.update(pending=op, doing="deleting"))
    x.change("volumes/" + plain["id"], lambda v: v.update(cluster=nobody))
    x.change("devices/" + lost, lambda v: v.update(node=nobody))
    x.change("devices/" + brick["device"],
             lambda v: v.update(used_bytes=0))
    x.change("devices/" + other,
             lambda v: v.update(used_bytes=v["total_bytes"] + 4096 * 1024))
    x.drop("index/hosts/manage/n0")
    x.db.execute("UPDATE kv SET value=? WHERE key=?",
                 (b"no JSON", b"nodes/" + ns[2].encode()))
    x.end()
    found, check = faults(d)
    total = d.json("GET", "/devices/" + other)["storage"]["total"]
    size = used["used"]
    tap.ok("Volume %s marked pending but no pending op %s" % (big["id"], op)
           in found["volumes"], "a pending volume without an operation")
    tap.is_(check["volumes"]["pending"], 1, "which is counted as pending")
    tap.ok(all("Brick %s marked pending but no pending op %s" % (b["id"], op)
               in found["bricks"] for b in big["bricks"]), "so its bricks")
    tap.ok("Volume %s unknown cluster %s" % (plain["id"], nobody)
           in found["volumes"], "a volume of no cluster")
    tap.ok("Volume %s name plain is not reserved" % plain["id"]
           in found["volumes"], "whose name is another cluster's")
    tap.ok("Device %s unknown node %s" % (lost, nobody) in found["devices"],
           "a device of no node")
    tap.ok("Device %s size values differ Used(0) != aggregateBricksSize(%d)"
           % (brick["device"], size) in found["devices"],
           "a device whose bricks don't add up")
    tap.ok("Device %s size values differ Total(%d) != Free(0) + Used(%d)" %
           (other, total, total + 4096) in found["devices"],
           "one that has more used than there is")
    tap.ok("Node %s hostname n0 is not reserved" % ns[0] in found["nodes"],
           "a node whose name anybody may take")
    tap.ok(any(t.startswith("Node can't be read: nodes/%s: " % ns[2])
               for t in found["nodes"]), "a document that can't be read")
    tap.is_(check["totalinconsistencies"],
            sum(len(v) for v in found.values()), "all are counted")
    tap.is_(check["nodes"]["total"], 3, "what can't be read counts, too")
    tap.ok(all(check[k]["ok"] + check[k]["notok"] == check[k]["total"]
               for k in check if isinstance(check[k], dict)),
           "each object is good or not")


d = Daemon()
try:
    damaged(d, *filled(d, first(d)))
    tap.is_([d.request("POST", p)[0] for p in
             ("/db/dump", "/db/check", "/backup/db")], [405] * 3,
            "they are for GET only")
finally:
    d.stop()
tap.done()
