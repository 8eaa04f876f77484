#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What each command asks for and prints, byte for byte."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import tempfile
import time

from fakeheketi import FakeHeketi, ID

GIB = 1024 * 1024               # in KiB
C1, C2, N1, N2, D1, D2, V1, V2, B1 = ("%032x" % i for i in range(1, 10))
fake = FakeHeketi()


def request(i=0):
    r = fake.requests[i]
    return (r.line, r.json)


def compact(obj):
    return json.dumps(obj, separators=(",", ":"), ensure_ascii=False)


CLUSTER = {"id": C1, "nodes": [N1, N2], "volumes": [V1], "block": True,
           "file": False, "blockvolumes": []}
DEVICE = {"name": "/dev/sdb", "tags": {"tier": "fast", "arbiter": "no"},
          "storage": {"total": 500 * GIB, "free": 399 * GIB + 5,
                      "used": 101 * GIB - 5},
          "id": D1, "paths": ["/dev/sdb", "/dev/disk/by-id/x"],
          "pv_uuid": "aBc-1", "state": "online",
          "bricks": [{"id": B1, "path": "/m/brick", "device": D1, "node": N1,
                      "volume": V1, "size": 100 * GIB}]}
NODE = {"zone": 2, "hostnames": {"manage": ["m1"], "storage": ["10.0.0.1"]},
        "cluster": C1, "tags": {"b": "2", "a": "1"}, "id": N1,
        "state": "failed", "devices": [DEVICE]}
NODE_TEXT = ("Node Id: %s\nState: removed\nCluster Id: %s\nZone: 2\n"
             "Management Hostname: m1\nStorage Hostname: 10.0.0.1\n"
             "Tags:\n  a: 1\n  b: 2\n" % (N1, C1))
VOLUME = {"size": 100, "name": "vol_x",
          "durability": {"type": "replicate", "replicate": {"replica": 3},
                         "disperse": {"data": 4, "redundancy": 2}},
          "snapshot": {"enable": False, "factor": 1}, "id": V1, "cluster": C1,
          "mount": {"glusterfs": {"hosts": ["h1", "h2"], "device": "h1:vol_x",
                                  "options": {"backup-volfile-servers": "h2"}}},
          "blockinfo": {}, "bricks": [DEVICE["bricks"][0]] * 6}
VOLUME_TEXT = """Name: vol_x
Size: 100
Volume Id: %s
Cluster Id: %s
Mount: h1:vol_x
Mount Options: backup-volfile-servers=h2
Block: false
Free Size: 0
Reserved Size: 0
Block Hosting Restriction: (none)
Block Volumes: []
Durability Type: replicate
Distribute Count: 2
Replica Count: 3
""" % (V1, C1)


def clusters():
    fake.clear()
    fake.on("POST", "/clusters", status=201, json=CLUSTER)
    fake.prints(("cluster", "create"), "Cluster id: %s\n" % C1,
                "cluster create prints the id")
    tap.is_(request(), ("POST /clusters", {"block": True, "file": True}),
            "cluster create allows everything")
    fake.run("cluster", "create", "--block=false", "--file=F")
    tap.is_(request(1)[1], {"block": False, "file": False},
            "--block=false --file=F are heard")
    fake.prints(("cluster", "create", "--json"), compact(CLUSTER),
                "--json is the answer, compact, without a newline")

    fake.clear()
    fake.on("GET", "/clusters/" + C1, json=CLUSTER)
    fake.on("POST", "/clusters/%s/flags" % C1)
    fake.prints(("cluster", "setflags", C1, "--file=true"), "",
                "cluster setflags says nothing")
    tap.is_(request(1)[1], {"block": True, "file": True},
            "the flag that is not given stays as it is")
    fake.prints(("cluster", "setflags", "--block", "0", C1), "",
                "a value may be a word of its own")
    tap.is_(request(3)[1], {"block": False, "file": False}, "and is heard")
    fake.fails(("cluster", "setflags", C1),
               "At least one of --file or --block must be specified.",
               "setflags without flags")
    fake.fails(("cluster", "setflags", C1, "--file=maybe"),
               'strconv.ParseBool: parsing "maybe": invalid syntax',
               "setflags with another word than true or false")
    fake.prints(("cluster", "info", C1), "Cluster id: %s\nNodes:\n%s\n%s\n"
                "Volumes:\n%s\nBlock: true\n\nFile: false\n" %
                (C1, N1, N2, V1), "cluster info")
    fake.prints(("cluster", "info", C1, "--json"), compact(CLUSTER),
                "cluster info --json")

    fake.clear()
    fake.on("DELETE", "/clusters/" + C1)
    fake.prints(("cluster", "delete", C1), "Cluster %s deleted\n" % C1,
                "cluster delete")
    fake.fails(("cluster", "delete"), "Cluster id missing",
               "cluster delete without an id")
    fake.fails(("cluster", "delete", ""), "Cluster id missing",
               "an empty id is none")
    fake.fails(("cluster", "info"), "Cluster id missing",
               "cluster info without an id")

    fake.clear()
    fake.on("GET", "/clusters", json={"clusters": [C1, C2]})
    fake.on("GET", "/clusters/" + C1, json=CLUSTER)
    fake.on("GET", "/clusters/" + C2,
            json=dict(CLUSTER, id=C2, block=False, nodes=[]))
    fake.prints(("cluster", "list"), "Clusters:\nId:%s [block]\nId:%s []\n" %
                (C1, C2), "cluster list")
    fake.prints(("cluster", "list", "--json"),
                compact({"clusters": [C1, C2]}), "cluster list --json")
    fake.prints(("node", "list"), "Id:%s\tCluster:%s\nId:%s\tCluster:%s\n" %
                (N1, C1, N2, C1), "node list goes over the clusters")
    fake.prints(("node", "list", "--json"), "Id:%s\tCluster:%s\nId:%s\t"
                "Cluster:%s\n" % (N1, C1, N2, C1), "node list is never JSON")


def nodes():
    add = ["node", "add", "--zone=2", "--cluster", C1,
           "--management-host-name=m1", "--storage-host-name=10.0.0.1"]
    for i, text in ((2, "Missing zone"), (5, "Missing management hostname"),
                    (6, "Missing storage hostname")):
        fake.fails(add[:i] + add[i + 1:], text, text)
    fake.fails(add[:3] + add[5:], "Missing cluster id", "Missing cluster id")
    fake.clear()
    fake.later("POST", "/nodes", see="/nodes/" + N1)
    fake.on("GET", "/nodes/" + N1, json=NODE)
    fake.prints(add, "Node information:\n" + NODE_TEXT, "node add")
    tap.is_(request()[1], {"zone": 2, "hostnames": {
        "manage": ["m1"], "storage": ["10.0.0.1"]}, "cluster": C1},
        "node add sends one name of each kind")
    fake.prints(("node", "info", N1), NODE_TEXT + "Devices:\n"
                "Id:%s   Name:/dev/sdb            State:online    "
                "Size (GiB):500     Used (GiB):100     Free (GiB):399     "
                "Bricks:1       \n" % D1, "node info keeps heketi's columns")
    fake.prints(("node", "info", N1, "--json"), compact(NODE),
                "node info --json")
    for verb, state, word in (("enable", "online", "online"),
                              ("disable", "offline", "offline"),
                              ("remove", "failed", "removed")):
        fake.clear()
        fake.later("POST", "/nodes/%s/state" % N1)
        fake.prints(("node", verb, N1), "Node %s is now %s\n" % (N1, word),
                    "node " + verb)
        tap.is_(request()[1], {"state": state}, "asks for " + state)
        fake.fails(("node", verb), "Node id missing", "node %s: no id" % verb)
    fake.clear()
    fake.later("DELETE", "/nodes/" + N1)
    fake.prints(("node", "delete", N1), "Node %s deleted\n" % N1,
                "node delete")


def devices():
    fake.clear()
    fake.later("POST", "/devices")
    add = ["device", "add", "--name=/dev/sdb", "--node=" + N1]
    fake.prints(add, "Device added successfully\n", "device add")
    tap.is_(request()[1], {"name": "/dev/sdb", "node": N1},
            "device add asks for no destruction")
    fake.run(*add, "--destroy-existing-data")
    tap.is_([r.json for r in fake.requests if r.method == "POST"][1],
            {"name": "/dev/sdb", "node": N1, "destroydata": True},
            "--destroy-existing-data does")
    fake.fails(add[:2] + add[3:], "Missing device name",
               "device add without a name")
    fake.fails(add[:3], "Missing node id", "device add without a node")
    for flags, force in (((), False), (("--force-forget",), True)):
        fake.clear()
        fake.later("DELETE", "/devices/" + D1)
        fake.prints(("device", "delete", D1, *flags),
                    "Device %s deleted\n" % D1, "device delete")
        tap.is_(request()[1], {"forceforget": force}, "forget: %s" % force)
    for verb, state, word in (("enable", "online", "online"),
                              ("disable", "offline", "offline"),
                              ("remove", "failed", "removed")):
        fake.clear()
        fake.later("POST", "/devices/%s/state" % D1)
        fake.prints(("device", verb, D1), "Device %s is now %s\n" % (D1, word),
                    "device " + verb)
        tap.is_(request()[1], {"state": state}, "asks for " + state)
    fake.fails(("device", "enable"), "device id missing", "device enable: id")
    fake.fails(("device", "remove"), "Device id missing", "device remove: id")

    fake.clear()
    fake.on("GET", "/devices/" + D1, json=DEVICE)
    fake.prints(("device", "info", D1), """Device Id: %s
State: online
Size (GiB): 500
Used (GiB): 100
Free (GiB): 399
Create Path: /dev/sdb
Physical Volume UUID: aBc-1
Known Paths: /dev/sdb /dev/disk/by-id/x
Tags:
  arbiter: no
  tier: fast
Bricks:
Id:%s   Size (GiB):100     Path: /m/brick
""" % (D1, B1), "device info")
    fake.prints(("device", "info", D1, "--json"), compact(DEVICE),
                "device info --json")


def second_thoughts():
    fake.clear()
    p = fake.start("device", "remove", D1,
                   "--expert-option-disable-heal-check")
    line = p.stdout.readline() + p.stdout.readline()
    time.sleep(0.3)
    tap.is_((line, fake.requests, p.poll()),
            (b"Skipping the heal check may be dangerous and increase the risk "
             b"of data loss.\n Press CTRL-C within 10 seconds to cancel this "
             b"action.\n", [], None),
            "without the heal check one has time to think")
    p.kill()
    p.communicate()


def resync():
    fake.clear()
    fake.later("GET", "/devices/%s/resync" % D1)
    fake.prints(("device", "resync", D1), "Device %s updated\n" % D1,
                "device resync")
    fake.fails(("device", "resync"), "object/cluster id missing",
               "device resync without an id")
    fake.clear()
    fake.on("GET", "/clusters/" + C1, json=dict(CLUSTER, nodes=[N1]))
    fake.on("GET", "/nodes/" + N1,
            json=dict(NODE, devices=[DEVICE, dict(DEVICE, id=D2)]))
    fake.later("GET", "/devices/%s/resync" % D1)
    fake.later("GET", "/devices/%s/resync" % D2, error="gone")
    r = fake.run("device", "resync", "--cluster", C1)
    tap.is_(r.out, "Cluster-wide resync operation requested. Using object_id "
            "as cluster_id.\nNow resyncing device %s..\nDevice %s (node %s) "
            "in cluster %s updated\nNow resyncing device %s..\n"
            "Unable to resync device %s: gone\n" % (D1, D1, N1, C1, D2, D2),
            "device resync --cluster goes on after a failure")
    tap.is_((r.status, r.err),
            (255, "Error: 1 device could not be resynced\n"),
            "but does not call it success")


def volume_create():
    fake.clear()
    fake.on("GET", "/volumes/" + V1, json=VOLUME)
    fake.later("POST", "/volumes", see="/volumes/" + V1)
    create = ("volume", "create", "--size=100")
    fake.prints(create, VOLUME_TEXT, "volume create")
    tap.is_(request(), ("POST /volumes", {
        "size": 100, "name": "", "durability": {
            "type": "replicate", "replicate": {"replica": 3},
            "disperse": {"data": 4, "redundancy": 2}},
        "snapshot": {"enable": False, "factor": 0}}),
        "volume create sends what heketi-cli sends")
    fake.prints((*create, "--json"), compact(VOLUME), "volume create --json")
    fake.requests.clear()
    fake.run("volume", "create", "--size=0x10", "--name=n", "--replica=2",
             "--durability=disperse", "--disperse-data=8", "--redundancy", "3",
             "--gid=1000", "--snapshot-factor=1.25", "--clusters=a,b",
             "--gluster-volume-options=x.y on,z off", "--block")
    tap.is_(request()[1], {
        "size": 16, "clusters": ["a", "b"], "name": "n", "durability": {
            "type": "disperse", "replicate": {"replica": 2},
            "disperse": {"data": 8, "redundancy": 3}}, "gid": 1000,
        "glustervolumeoptions": ["x.y on", "z off"], "block": True,
        "snapshot": {"enable": True, "factor": 1.25}},
        "every flag of volume create is sent")
    fake.fails(("volume", "create"), "Missing volume size",
               "volume create without a size")
    fake.clear()
    fake.on("POST", "/volumes", status=400, text="Invalid replica value\n")
    fake.fails((*create, "--replica=4"), "Invalid replica value",
               "the server's refusal is shown")


PV = """{
  "kind": "PersistentVolume",
  "apiVersion": "v1",
  "metadata": {
    "name": "glusterfs-%s",
    "creationTimestamp": null,
    "annotations": {
      "pv.beta.kubernetes.io/gid": "2000"
    }
  },
  "spec": {
    "capacity": {
      "storage": "100Gi"
    },
    "glusterfs": {
      "endpoints": "%s",
      "path": "vol_x"
    },
    "accessModes": [
      "ReadWriteMany"
    ],
    "persistentVolumeReclaimPolicy": "Retain"
  },
  "status": {}
}"""


def persistent_volume():
    create = ("volume", "create", "--size=100")
    fake.clear()
    fake.on("GET", "/volumes/" + V1, json=dict(VOLUME, gid=2000))
    fake.later("POST", "/volumes", see="/volumes/" + V1)
    fake.prints((*create, "--persistent-volume",
                 "--persistent-volume-endpoint=ep"),
                PV % (V1[:8], "ep") + "\n", "--persistent-volume")
    r = fake.run(*create, "--persistent-volume")
    tap.is_((r.status, r.out, r.err),
            (255, "", "--persistent-volume-endpoint must be provided when "
             "using --persistent-volume\nError: Missing endpoint\n"),
            "--persistent-volume wants an endpoint")
    with tempfile.TemporaryDirectory() as d:
        name = os.path.join(d, "pv.json")
        fake.prints((*create, "--persistent-volume-file", name), "",
                    "--persistent-volume-file prints nothing")
        with open(name) as f:
            tap.is_(f.read(), PV % (V1[:8], "TYPE ENDPOINT HERE"),
                    "and writes the file")
        bad = d + "/no/pv"
        r = fake.run(*create, "--persistent-volume-file=" + bad)
        tap.is_((r.status, r.err),
                (255, "Unable to write to file %s\nError: volume %s was "
                 "created, but: open %s: No such file or directory\n" %
                 (bad, V1, bad)), "a volume does not get lost with its file")


def volumes():
    fake.clear()
    fake.on("GET", "/volumes/" + V1, json=VOLUME)
    fake.prints(("volume", "info", V1), VOLUME_TEXT, "volume info")
    odd = dict(VOLUME, name="50%s", snapshot={"enable": True, "factor": 1.1})
    for durability, lines in (
            ({"type": "none", "replicate": {}, "disperse": {}},
             "Distribute Count: 6\n"),
            ({"type": "replicate", "replicate": {}, "disperse": {}},
             "Distribute Count: 3\nReplica Count: 2\n"),
            ({"type": "disperse", "replicate": {},
              "disperse": {"data": 2, "redundancy": 1}},
             "Distribute Count: 2\nDisperse Data Count: 2\n"
             "Disperse Redundancy Count: 1\n"),
            ({"type": "disperse", "replicate": {}, "disperse": {}},
             "Distribute Count: 0\nDisperse Data Count: 0\n"
             "Disperse Redundancy Count: 0\n")):
        fake.clear()
        fake.on("GET", "/volumes/" + V1, json=dict(odd, durability=durability))
        r = fake.run("volume", "info", V1)
        tap.is_(r.out[r.out.index("Durability"):],
                "Durability Type: %s\n%sSnapshot Factor: 1.10\n\n" %
                (durability["type"], lines),
                "volume info counts sets of type %(type)s" % durability)
    for options, sets in ((["", "user.heketi.arbiter true", ""], 2),
                          (["user.heketi.arbiter 1", "user.heketi.arbiter x"], 3),
                          (["user.heketi.arbiter false"], 3), ([], 3)):
        fake.clear()
        fake.on("GET", "/volumes/" + V1, json=dict(
            VOLUME, durability={"type": "replicate", "disperse": {},
                                "replicate": {"replica": 2}},
            glustervolumeoptions=options))
        tap.has(fake.run("volume", "info", V1).out,
                "Distribute Count: %d\nReplica Count: 2\n" % sets,
                "six bricks, options %s" % options)
    fake.clear()
    fake.on("GET", "/volumes/" + V1, json=dict(odd, durability=durability))
    fake.prints(("volume", "info", V1, "--json"),
                compact(dict(odd, durability=durability)),
                "--json mangles neither % nor 1.1")

    fake.clear()
    host = dict(VOLUME, block=True, blockinfo={
        "freesize": 7, "reservedsize": 2, "blockvolume": ["a", "b"],
        "restriction": "locked"})
    fake.on("GET", "/volumes/" + V1, json=host)
    tap.has(fake.run("volume", "info", V1).out,
            "Block: true\nFree Size: 7\nReserved Size: 2\nBlock Hosting "
            "Restriction: locked\nBlock Volumes: [a b]\n",
            "volume info of a volume that hosts block volumes")
    fake.on("GET", "/volumes", json={"volumes": [V1, V2]})
    fake.prints(("volume", "list"), "Id:%s    Cluster:%s    Name:vol_x "
                "[block]\n" % (V1, C1),
                "volume list leaves out what is deleted meanwhile")
    fake.prints(("volume", "list", "--json"), compact({"volumes": [V1, V2]}),
                "volume list --json")


def volume_expand():
    for args in ((V1, "--expand-size=10"),
                 ("--expand-size", "10", "--volume=" + V1)):
        fake.clear()
        fake.on("GET", "/volumes/" + V1, json=VOLUME)
        fake.later("POST", "/volumes/%s/expand" % V1, see="/volumes/" + V1)
        fake.prints(("volume", "expand", *args), VOLUME_TEXT, "volume expand")
        tap.is_(request()[1], {"expand_size": 10}, "asks for ten more")
    fake.fails(("volume", "expand", V1), "Missing volume amount to expand",
               "volume expand without an amount")
    fake.fails(("volume", "expand", "--expand-size=1"), "Missing volume id",
               "volume expand without an id")
    fake.fails(("volume", "delete"), "Volume id missing",
               "volume delete without an id")


def server():
    fake.clear()
    counts = {"total": 5, "in_flight": 2, "stale": 1, "failed": 3, "new": 4}
    fake.on("GET", "/operations", json=counts)
    fake.prints(("server", "operations", "info"), "Operation Counts:\n"
                "  Total: 5\n  In-Flight: 2\n  New: 4\n  Failed: 3\n"
                "  Stale: 1\n", "server operations info")
    fake.prints(("server", "operations", "info", "--json"), compact(counts),
                "server operations info --json")
    op = {"id": V2, "kind": "create-volume", "status": "failed", "stage": 2,
          "target": V1, "owner": N2, "epoch": 3,
          "updated": "2026-11-20T10:00:00.000Z", "ended": None,
          "again": False, "error": {"code": "no-space",
                                    "message": "No space"}}
    ops = {"operations": [op, dict(op, id=V1, status="done", error=None)]}
    fake.on("GET", "/v1/operations", json=ops)
    fake.on("GET", "/v1/operations/" + V2, json=op)
    fake.prints(("operations",), "".join(
        "Id:%s  Type:create-volume  Status:%s  Stage:2  Target:%s  "
        "Owner:%s  Epoch:3  Updated:2026-11-20T10:00:00.000Z%s\n"
        % (i, status, V1, N2, error)
        for i, status, error in ((V2, "failed", "  Error:No space"),
                                 (V1, "done", ""))),
        "operations: a line each")
    fake.prints(("operations", "--json"), compact(ops), "operations --json")
    fake.prints(("operations", V2), "id: %s\nkind: create-volume\n"
                "status: failed\nstage: 2\ntarget: %s\n"
                "owner: %s\nepoch: 3\nupdated: 2026-11-20T10:00:00.000Z\nended:\nagain: false\n"
                "error:\n  code: no-space\n  message: No space\n"
                % (V2, V1, N2),
                "operations ID: everything about one")
    fake.prints(("operations", V2, "--json"), compact(op),
                "operations ID --json")
    replica = {"id": N2, "host": "h", "listen": "127.0.0.1:1",
               "version": "0.1", "pid": 7, "self": True,
               "started": "2026-11-20T10:00:00.000Z", "open_operations": 2,
               "duties": ["cleaner", "health"], "counters": {"done": 3}}
    other = dict(replica, id=V1, self=False, duties=[])
    replicas = {"replicas": [replica, other]}
    fake.on("GET", "/v1/replicas", json=replicas)
    line = ("Id:%s  Host:h  Listen:127.0.0.1:1  Pid:7  Version:0.1  "
            "Started:2026-11-20T10:00:00.000Z  Operations:2  Duties:%s\n")
    fake.prints(("replicas",), line % (N2, "cleaner,health  (answers)") +
                line % (V1, "-"), "replicas: a line each")
    fake.prints(("replicas", "--json"), compact(replicas), "replicas --json")
    fake.on("GET", "/v1/plugins", json={"plugins": [
        {"name": "local", "kind": "executor", "path": "/p/local.so",
         "loaded": True, "version": "0.1.0", "description": "This machine"},
        {"name": "bad", "kind": "unknown", "path": "/p/bad.so",
         "loaded": False, "reason": "writable by others"}]})
    fake.prints(("plugins",),
                "Name:local          Kind:executor     Version:0.1.0    "
                "This machine\n"
                "Name:bad            Kind:unknown      "
                "Refused:writable by others (/p/bad.so)\n", "plugins")


def output():
    fake.clear()
    fake.on("GET", "/volumes", json={"volumes": []})
    with open("/dev/full", "w") as full:
        import subprocess
        p = subprocess.run([os.path.join(tap.BUILDDIR, "brickyard"), "volume",
                            "list", "--json"], stdout=full,
                           stderr=subprocess.PIPE, env=fake.environment())
    tap.is_((p.returncode, p.stderr),
            (255, b"Error: writing the output: No space left on device\n"),
            "output that can't be written is an error")


clusters()
nodes()
devices()
second_thoughts()
resync()
volume_create()
persistent_volume()
volumes()
volume_expand()
server()
output()
tap.done()
