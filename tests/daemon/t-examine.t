#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""GET /internal/state/examine/gluster: the database and the nodes side by side."""
import json
import os
import shutil
import sqlite3
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import tap
from daemon import Daemon
from dumps import db

PATH = "/internal/state/examine/gluster"
work = tempfile.mkdtemp(prefix="examine-")
state, faults = os.path.join(work, "nodes"), os.path.join(work, "faults")
d = Daemon(config={
    "executors": {"simulated": {"state_file": state, "faults_file": faults}},
    "glusterfs": {"auto_create_block_hosting_volume": True,
                  "block_hosting_volume_size": 10}})


def set_faults(text):
    with open(faults + ".new", "w") as f:
        f.write(text + "\n")
    os.rename(faults + ".new", faults)


def examine():
    return d.json("GET", PATH)


got = examine()
tap.is_((got["report"], got["clusters"]),
        (["OnDemand Examiner invoked while 0 ops are in flight"], None),
        "there is nothing")
cluster, ns, ds = d.topology(nodes=2)
_, _, body = d.run("POST", "/volumes", {
    "size": 1, "name": "mine", "durability": {"type": "replicate"}})
volume = json.loads(body)
status, headers, text = d.request("GET", PATH)
got = json.loads(text)
tap.is_((status, headers["Content-Type"]),
        (200, "application/json; charset=UTF-8"), "it is JSON")
tap.is_(text.decode(), json.dumps(got, indent=4) + "\n",
        "indented by 4, as heketi's")
tap.is_(list(got), ["heketidb", "report", "clusters"], "its members")
tap.is_(got["heketidb"], d.json("GET", "/db/dump"), "the database's dump")
tap.is_(got["report"][1:], ["heketi volume list matches with volume list of "
                            "all nodes"], "all is well")
tap.is_([x["ClusterHeketiID"] for x in got["clusters"]], [cluster], "a cluster")
nodes = got["clusters"][0]["NodesData"]
tap.is_([n["NodeHeketiID"] for n in nodes], sorted(ns), "its nodes")
tap.is_(list(nodes[0]), ["NodeHeketiID", "VolumeInfo", "LVMPVInfo",
                         "LVMVGInfo", "LVMLVInfo", "BricksMountStatus",
                         "BlockVolumeNames"], "what there is of a node")
tap.is_([[v["VolumeName"] for v in n["VolumeInfo"]["Volumes"]["VolumeList"]]
         for n in nodes], [["mine"]] * 2, "gluster's volumes")
info = nodes[0]["VolumeInfo"]
tap.is_((list(info), info["XMLName"], list(info["Volumes"]),
         info["Volumes"]["XMLName"], info["Volumes"]["Count"]),
        (["XMLName", "Volumes"], {"Space": "", "Local": "volInfo"},
         ["XMLName", "Count", "VolumeList"], {"Space": "", "Local": "volumes"},
         1), "in the shape of heketi's structs")
v = info["Volumes"]["VolumeList"][0]
uuids = [b.pop("HostUUID") for b in v["Bricks"]["BrickList"]]
tap.is_(sorted(b.pop("UUID") for b in v["Bricks"]["BrickList"]), sorted(uuids),
        "each brick has its host's UUID")
tap.is_(len(set(uuids)), 2, "of which there are two")
tap.ok(len(v.pop("ID")) == 36, "gluster's id")
tap.is_(v, {
    "XMLName": {"Space": "", "Local": "volume"}, "VolumeName": "mine",
    "Status": 1, "StatusStr": "Started", "BrickCount": 2, "DistCount": 1,
    "StripeCount": 1, "ReplicaCount": 2, "ArbiterCount": 0,
    "DisperseCount": 0, "RedundancyCount": 0, "Type": 2,
    "TypeStr": "Replicate", "Transport": 0,
    "Bricks": {"XMLName": {"Space": "", "Local": "bricks"}, "BrickList": [
        {"Name": "n%s.stor:%s" % (ns.index(b["node"]), b["path"]),
         "IsArbiter": 0} for b in sorted(
            volume["bricks"], key=lambda b: [
                x["Name"].endswith(b["path"])
                for x in v["Bricks"]["BrickList"]].index(True))]},
    "OptCount": 1, "Options": {
        "XMLName": {"Space": "", "Local": "options"}, "OptionList": [
            {"Name": "user.heketi.id", "Value": volume["id"]}]}},
        "all that gluster says of a volume")
tap.is_(sorted(pv["vg_name"] for n in nodes for pv in
               n["LVMPVInfo"]["report"][0]["pv"]),
        sorted("vg_" + x for x in ds), "LVM's physical volumes")
lvs = [lv["lv_name"] for n in nodes for lv in
       n["LVMLVInfo"]["report"][0]["lv"]]
tap.is_(sorted(lvs), sorted("brick_" + b["id"] for b in volume["bricks"]),
        "its logical volumes")
mounts = [m for n in nodes for m in n["BricksMountStatus"]["Statuses"]]
tap.is_(sorted(m["MountPoint"] + "/brick" for m in mounts),
        sorted(b["path"] for b in volume["bricks"]), "the bricks' mounts")
tap.is_({m["Mounted"] for m in mounts}, {True}, "which are mounted")
tap.is_(nodes[0]["BlockVolumeNames"], None, "no block volumes")

with sqlite3.connect(state) as c:
    c.execute("UPDATE volumes SET name='theirs'")
c.close()
report = examine()["report"]
for n in ns:
    tap.ok("heketi volume list does not match with volume list of node " + n
           in report, "another volume is on a node")
    tap.ok("volume mine (%s) is not there on node %s" % (volume["id"], n)
           in report and "volume theirs on node %s is not known here" % n
           in report, "and which")
set_faults("node_examine@n1.stor=unreachable")
got = examine()
silent = next(n for n in got["clusters"][0]["NodesData"]
              if n["NodeHeketiID"] == ns[1])
tap.is_(list(silent.values())[1:], [None] * 6, "of a silent node there is none")
tap.ok("heketi volume list could not be compared with volume list of node %s "
       "due to missing info" % ns[1] in got["report"], "which is said")
tap.ok(any(x.startswith("could not fetch data from node n1 : ")
           for x in got["report"]), "and why")
set_faults("")
d.device(d.node(cluster, "n2"))
b = json.loads(d.run("POST", "/blockvolumes", {"size": 1})[2])
for n in examine()["clusters"][0]["NodesData"]:
    hosting = d.json("GET", "/volumes/" + b["blockhostingvolume"])["name"]
    tap.is_(n["BlockVolumeNames"], [hosting + "/" + b["name"]],
            "block volumes with the volume they are on")

# Without a server, and without changing anything.
online = examine()
d.terminate()
code, out, err = db("offline", "state", "examine", "gluster", "--config",
                    os.path.join(d.dir, "brickyard.json"), "--store", d.store)
tap.is_(code, 0, "offline, it works too") or tap.diag(err)
before, _, rest = out.partition("EXAMINER_OUTPUT_STARTS\n")
text, _, after = rest.partition("\nEXAMINER_OUTPUT_ENDS\n")
tap.is_((before, after), ("OFFLINE COMMAND: Examine state of Gluster\n"
                          "Starting examiner now...\n", ""),
        "the answer is between two lines")
offline = json.loads(text)
tap.is_(offline["report"], online["report"][1:],
        "the report has no word on operations")
offline["report"] = online["report"]
tap.is_(offline, online, "all else is the same")
code, out, err = db("offline", "state", "examine", "gluster", "--config",
                    os.path.join(d.dir, "brickyard.json"), "--store",
                    "sqlite:" + work + "/none")
tap.ok(code == 1 and out == "" and "No such file" in err and
       not os.path.exists(work + "/none"), "a store that is not there is not made")
d.stop()
shutil.rmtree(work)
tap.done()
