#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""topology info and topology load, byte for byte."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import tempfile

from fakeheketi import FakeHeketi

GIB = 1024 * 1024               # in KiB
C1, C2, N1, N2, D1, D2, V1, V2, B1 = ("%032x" % i for i in range(1, 10))
fake = FakeHeketi()
tmp = tempfile.TemporaryDirectory()

BRICK = {"id": B1, "path": "/m/b", "device": D1, "node": N1, "volume": V1,
         "size": 9 * GIB}
NODE1 = {"zone": 1, "hostnames": {"manage": ["m1", "m1b"], "storage": ["s1"]},
         "cluster": C1, "tags": {"y": "2", "x": "1"}, "id": N1,
         "state": "online", "devices": [
             {"name": "/dev/sdb", "tags": {"t": "u"}, "storage": {
                 "total": 500 * GIB, "free": 491 * GIB, "used": 9 * GIB},
              "id": D1, "paths": ["/dev/sdb", "/dev/x"], "state": "failed",
              "bricks": [BRICK]},
             {"name": "/dev/sdc", "storage": {
                 "total": GIB, "free": GIB, "used": 0}, "id": D2,
              "state": "offline", "bricks": []}]}
NODE2 = {"zone": 2, "hostnames": {"manage": ["m2"], "storage": ["s2"]},
         "cluster": C1, "id": N2, "state": "online", "devices": []}
VOLUME1 = {"size": 9, "name": "v1", "durability": {
    "type": "replicate", "replicate": {"replica": 3},
    "disperse": {"data": 4, "redundancy": 2}}, "snapshot": {
        "enable": True, "factor": 1.5}, "id": V1, "cluster": C1, "mount": {
            "glusterfs": {"hosts": ["s1"], "device": "s1:v1", "options": {
                "backup-volfile-servers": "s2"}}}, "blockinfo": {},
    "bricks": [BRICK, dict(BRICK, id=V2)]}
VOLUME2 = dict(VOLUME1, id=V2, name="v2", bricks=[], durability={
    "type": "disperse", "replicate": {}, "disperse": {
        "data": 4, "redundancy": 2}}, snapshot={"enable": False, "factor": 1})

INFO = """
Cluster Id: {C1}

    File:  true
    Block: false

    Volumes:

	Name: v1
	Size: 9
	Id: {V1}
	Cluster Id: {C1}
	Mount: s1:v1
	Mount Options: backup-volfile-servers=s2
	Durability Type: replicate
	Replica: 3
	Snapshot: Enabled
	Snapshot Factor: 1.50

		Bricks:
			Id: {B1}
			Path: /m/b
			Size (GiB): 9
			Node: {N1}
			Device: {D1}

			Id: {V2}
			Path: /m/b
			Size (GiB): 9
			Node: {N1}
			Device: {D1}


	Name: v2
	Size: 9
	Id: {V2}
	Cluster Id: {C1}
	Mount: s1:v1
	Mount Options: backup-volfile-servers=s2
	Durability Type: disperse
	Disperse Data: 4
	Disperse Redundancy: 2
	Snapshot: Disabled

		Bricks:


    Nodes:

	Node Id: {N1}
	State: online
	Cluster Id: {C1}
	Zone: 1
	Management Hostnames: m1, m1b
	Storage Hostnames: s1
	Tags: x:1 y:2

	Devices:
		Id:{D1}   State:removed   Size (GiB):500     Used (GiB):9       Free (GiB):491     
			Tags: t:u

			Known Paths: /dev/sdb /dev/x

			Bricks:
				Id:{B1}   Size (GiB):9       Path: /m/b
		Id:{D2}   State:offline   Size (GiB):1       Used (GiB):0       Free (GiB):1       
			Known Paths: /dev/sdc

			Bricks:

	Node Id: {N2}
	State: online
	Cluster Id: {C1}
	Zone: 2
	Management Hostnames: m2
	Storage Hostnames: s2
	Devices:

Cluster Id: {C2}

    File:  false
    Block: true

    Volumes:


    Nodes:

""".format(**globals())


def cluster(cid, nodes=(), volumes=(), **flags):
    return dict({"id": cid, "nodes": list(nodes), "volumes": list(volumes),
                 "block": True, "file": True, "blockvolumes": []}, **flags)


def set_up_world():
    fake.clear()
    fake.on("GET", "/clusters", json={"clusters": [C1, C2, D2]})
    fake.on("GET", "/clusters/" + C1, json=cluster(
        C1, [N1, N2, D1], [V1, V2, D1], block=False))
    fake.on("GET", "/clusters/" + C2, json=cluster(C2, file=False))
    for kind, objects in (("nodes", (NODE1, NODE2)),
                          ("volumes", (VOLUME1, VOLUME2))):
        for o in objects:
            fake.on("GET", "/%s/%s" % (kind, o["id"]), json=o)


def info():
    set_up_world()
    fake.prints(("topology", "info"), INFO, "topology info")
    fake.prints(("topology", "info", "--json"), json.dumps({"clusters": [
        {"volumes": [VOLUME1, VOLUME2], "nodes": [NODE1, NODE2], "id": C1,
         "block": False, "file": True},
        {"volumes": [], "nodes": [], "id": C2, "block": True,
         "file": False}]}, separators=(",", ":")), "topology info --json")
    fake.clear()
    fake.on("GET", "/clusters", json={"clusters": []})
    fake.prints(("topology", "info"), "\n", "an empty topology is a line")
    fake.clear()
    fake.on("GET", "/clusters", json={"clusters": [C1]})
    fake.on("GET", "/clusters/" + C1, json=cluster(C1, [N1]))
    fake.on("GET", "/nodes/" + N1, status=500, text="broken\n")
    fake.fails(("topology", "info"), "broken",
               "an object that is there but fails is an error")


def load(topology, **kwargs):
    name = os.path.join(tmp.name, "topology.json")
    with open(name, "w") as f:
        f.write(topology if isinstance(topology, str) else
                json.dumps(topology))
    return fake.run("topology", "load", "--json=" + name, **kwargs)


def node(manage, *devices, **more):
    return {"node": dict({"hostnames": {"manage": [manage], "storage": [
        manage.replace("m", "s")]}, "zone": 1}, **more),
        "devices": list(devices)}


def posts():
    return [(r.path, r.json) for r in fake.requests if r.method == "POST"]


def load_fresh():
    fake.clear()
    fake.on("GET", "/clusters", json={"clusters": []})
    fake.on("POST", "/clusters", status=201, json=cluster(C1))
    fake.later("POST", "/nodes", see="/nodes/" + N1)
    fake.later("POST", "/nodes", error="New Node doesn't have glusterd running",
               status=400)
    fake.on("GET", "/nodes/" + N1, json=NODE1)
    fake.later("POST", "/devices", pending=1)
    fake.later("POST", "/devices", error="Initializing device failed")
    fake.on("GET", "/clusters/" + C1, json=cluster(C1, [N1]))
    r = load({"clusters": [{"block": False, "x": 1, "nodes": [
        node("m1", "/dev/sdb", {"name": "/dev/sdc", "tags": {"a": "b"},
                                "destroydata": True}, tags={"k": "v"}),
        node("m2", "/dev/sdb")]}]})
    tap.is_((r.status, r.err, r.out), (0, "", """Creating cluster ... ID: %s
\tAllowing file volumes on cluster.
\tCreating node m1 ... ID: %s
\t\tAdding device /dev/sdb ... OK
\t\tAdding device /dev/sdc ... Unable to add device: Initializing device failed
\tCreating node m2 ... Unable to create node: New Node doesn't have glusterd running
""" % (C1, N1)), "load goes on after failures and exits 0")
    tap.is_(posts(), [
        ("/clusters", {"block": False, "file": True}),
        ("/nodes", {"zone": 1, "hostnames": {"manage": ["m1"], "storage":
         ["s1"]}, "tags": {"k": "v"}, "cluster": C1}),
        ("/devices", {"name": "/dev/sdb", "node": N1}),
        ("/devices", {"name": "/dev/sdc", "tags": {"a": "b"}, "node": N1,
         "destroydata": True}),
        ("/nodes", {"zone": 1, "hostnames": {"manage": ["m2"], "storage":
         ["s2"]}, "cluster": C1})],
        "what is asked for, in the order of the file")
    tap.ok("DELETE /clusters/" + C1 not in fake.lines(),
           "a cluster with a node stays")


def load_again():
    set_up_world()
    fake.later("POST", "/devices")
    fake.later("POST", "/nodes", see="/nodes/" + D1)
    fake.on("GET", "/nodes/" + D1, json=dict(NODE2, id=D1))
    r = load({"Clusters": [{"Nodes": [
        node("m1", "/dev/sdb", "/dev/sdd"), node("m9")]}], "more": None})
    tap.is_((r.status, r.err, r.out), (0, "", """\tFound node m1 on cluster %s
\t\tFound device /dev/sdb
\t\tAdding device /dev/sdd ... OK
\tCreating node m9 ... ID: %s
""" % (C1, D1)), "load finds what is there and adds the rest beside it")
    tap.is_([p for p, j in posts()], ["/devices", "/nodes"],
            "and makes no cluster")
    tap.is_(posts()[1][1]["cluster"], C1, "a new node joins its neighbours")


def load_nothing():
    fake.clear()
    fake.on("GET", "/clusters", json={"clusters": []})
    fake.on("POST", "/clusters", status=201, json=cluster(C1))
    fake.on("POST", "/nodes", status=409, text="Hostname m1 already used\n")
    fake.on("GET", "/clusters/" + C1, json=cluster(C1))
    fake.on("DELETE", "/clusters/" + C1)
    r = load({"clusters": [{"nodes": [node("m1", "/dev/sdb")]}, {}]})
    tap.is_((r.status, r.out), (0, "Creating cluster ... ID: %s\n"
            "\tAllowing file volumes on cluster.\n"
            "\tAllowing block volumes on cluster.\n"
            "\tCreating node m1 ... Unable to create node: Hostname m1 "
            "already used\n" % C1), "no node can be added")
    tap.is_(fake.lines()[-1], "DELETE /clusters/" + C1,
            "the cluster that stayed empty is deleted")

    fake.clear()
    fake.on("GET", "/clusters", json={"clusters": []})
    fake.on("POST", "/clusters", status=500, text="Unable to access db\n")
    r = load({"clusters": [{"nodes": [node("m1")]}]})
    tap.is_((r.status, r.out, r.err), (255, "Creating cluster ... ",
            "Error: Unable to access db\n"), "no cluster can be made")

    fake.clear()
    fake.on("GET", "/clusters", status=401, text="no\n")
    r = load({"clusters": []})
    tap.is_((r.status, r.err), (255, "Error: Unable to get topology "
            "information: no\n"), "the topology can't be read")

    set_up_world()
    fake.on("GET", "/clusters/" + C1, status=500)
    r = load({"clusters": [{"nodes": [node("m1")]}]})
    tap.is_((r.status, r.out, r.err),
            (255, "\tFound node m1 on cluster %s\n"
             "Unable to get cluster information\n" % C1,
             "Error: Unable to get cluster information\n"),
            "a cluster that goes away meanwhile")


def bad_files():
    fake.clear()
    fake.fails(("topology", "load"), "Missing configuration file",
               "load without a file")
    r = fake.run("topology", "load", "-j", tmp.name + "/none")
    tap.is_((r.status, r.err), (255, "%s/none: No such file or directory\n"
            "Error: Unable to open config file\n" % tmp.name),
            "load of a file that is not there")
    where = tmp.name + "/topology.json: "
    good = node("m1")
    for text, why in (
            ("{", "line 1, column 1: string or '}' expected near end of file"),
            ("", "line 1, column 0: '[' or '{' expected near end of file"),
            ("[]", "not an object"),
            ({"clusters": {}}, '"clusters" is not a list'),
            ({"clusters": [1]}, "cluster 1: not an object"),
            ({"clusters": [{"file": "yes"}]},
             'cluster 1: "file" is not true or false'),
            ({"clusters": [{}, {"nodes": [good, "m2"]}]},
             "cluster 2: node 2: not an object"),
            ({"clusters": [{"nodes": [{}]}]},
             'cluster 1: node 1: no "manage" host name'),
            ({"clusters": [{"nodes": [node("m1", zone="1")]}]},
             'cluster 1: node 1: "zone" is not a whole number'),
            ({"clusters": [{"nodes": [node("m1", tags={"a": 1})]}]},
             'cluster 1: node 1: "a" of "tags" is not a string'),
            ({"clusters": [{"nodes": [node("m1", "/dev/sdb", 7)]}]},
             "cluster 1: node 1: device 2: a device is neither a string nor "
             "an object"),
            ({"clusters": [{"nodes": [node("m1", {"name": "/dev/sdb",
                                                  "destroydata": 1})]}]},
             'cluster 1: node 1: device 1: "destroydata" is not true or '
             'false')):
        r = load(text)
        tap.is_((r.status, r.out, r.err),
                (255, "", where + why + "\nError: Unable to parse config "
                 "file\n"), "refused: " + why)
    tap.is_(fake.requests, [], "a bad file makes no request")
    fake.on("GET", "/clusters", json={"clusters": []})
    r = load('{"clusters": null} trailing')
    tap.is_((r.status, r.out, r.err), (0, "", ""),
            "null and what follows the document are let pass")


info()
load_fresh()
load_again()
load_nothing()
bad_files()
tmp.cleanup()
tap.done()
