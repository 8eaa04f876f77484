#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of a cluster, its nodes, devices and volumes: exact replies."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import re

from daemon import Daemon

JSON = "application/json; charset=UTF-8"
HEX = re.compile(rb"[0-9a-f]{32}")
KIB = 1024 * 1024               # in a GiB
d = Daemon()


def exact(method, path, body, status, want, name):
    """want: compact JSON, members in this order."""
    got = d.request(method, path, body)
    tap.is_((got[0], got[1].get("Content-Type"), got[2].decode()),
            (status, JSON, json.dumps(want, separators=(",", ":")) + "\n"),
            name)


def empty(got, status, name):
    tap.is_((got[0], got[2]), (status, b""), name)


# ---- clusters ----

exact("GET", "/clusters", None, 200, {"clusters": []}, "no clusters")
exact("GET", "/volumes", None, 200, {"volumes": []}, "no volumes")
status, headers, body = d.request("POST", "/clusters", b"{}")
c0 = json.loads(body)["id"]
tap.ok(HEX.fullmatch(c0.encode()), "an id is 32 lower-case digits")
plain = {"id": c0, "nodes": [], "volumes": [], "block": False, "file": False,
         "blockvolumes": []}
tap.is_((status, headers["Content-Type"], json.loads(body)),
        (201, JSON, plain), "{} creates a cluster that allows nothing")
exact("GET", "/clusters/" + c0, None, 200, plain, "as its information says")
got = d.request("POST", "/clusters/%s/flags" % c0, {"file": True, "block": True})
empty(got, 200, "flags are set")
tap.is_(got[1]["Content-Type"], JSON, "with an empty reply, said to be JSON")
exact("GET", "/clusters/" + c0, None, 200,
      dict(plain, file=True, block=True), "and are shown")
empty(d.request("DELETE", "/clusters/" + c0, b"{}"), 200, "it can be deleted")
exact("GET", "/clusters", None, 200, {"clusters": []}, "and is gone")
c = d.cluster()

# ---- nodes ----

status, headers, body = d.request("POST", "/nodes", {
    "zone": 1, "cluster": c, "tags": {"z": "<1>", "a": "&"},
    "hostnames": {"manage": ["n0"], "storage": ["s0"]}})
empty((status, headers, body), 202, "a node is accepted")
queue = headers["Location"]
tap.ok(re.fullmatch("/queue/[0-9a-f]{32}", queue), "the location is a path only")
tap.ok("Content-Type" not in headers, "there is no type without a body")
status, _, body = d.wait(queue)
n0 = json.loads(body)["id"]
node = {"zone": 1, "hostnames": {"manage": ["n0"], "storage": ["s0"]},
        "cluster": c, "tags": {"a": "&", "z": "<1>"}, "id": n0,
        "state": "online", "devices": []}
want = json.dumps(node, separators=(",", ":")).replace("&", "\\u0026") \
    .replace("<", "\\u003c").replace(">", "\\u003e") + "\n"
tap.is_((status, body.decode()), (200, want), "its information follows")
tap.is_(d.request("GET", "/nodes/" + n0)[2].decode(), want,
        "and is the same again")
status, headers, body = d.request("GET", queue)
tap.is_((status, headers["Location"], headers["Content-Type"], body.decode()),
        (303, "/nodes/" + n0, "text/html; charset=utf-8",
         '<a href="/nodes/%s">See Other</a>.\n\n' % n0),
        "the queue's answer can be read again")
for more, text in (({"manage": ["n0"], "storage": ["other"]}, "n0"),
                   ({"manage": ["other"], "storage": ["s0"]}, "s0")):
    got = d.request("POST", "/nodes",
                    {"zone": 1, "cluster": c, "hostnames": more})
    tap.is_((got[0], got[2].decode()),
            (409, "Hostname %s already used by node with id %s\n" % (text, n0)),
            "a host name is used once: " + text)
n1 = d.node(c, "n1", zone=2)
n2 = d.node(c, "n2", zone=3)
exact("GET", "/clusters/" + c, None, 200,
      {"id": c, "nodes": sorted([n0, n1, n2]), "volumes": [], "block": True,
       "file": True, "blockvolumes": []}, "the cluster lists its nodes")
got = d.request("DELETE", "/clusters/" + c)
tap.is_((got[0], got[2].decode()),
        (409, "Unable to delete cluster [%s] because it contains volumes "
         "and/or nodes\n" % c), "and can't be deleted any more")

# ---- devices ----

d0 = d.device(n0, "/dev/sdb", tags={"tier": "ssd"})
d1 = d.device(n1)
d2 = d.device(n2)
bare = {"name": "/dev/sdb", "tags": {"tier": "ssd"},
        "storage": {"total": 500 * KIB, "free": 500 * KIB, "used": 0},
        "id": d0, "state": "online", "bricks": []}
exact("GET", "/devices/" + d0, None, 200, bare, "a device")
del node["tags"]
got = d.json("GET", "/nodes/" + n0)
tap.is_(got["devices"], [bare], "the node shows it")
got = d.request("DELETE", "/nodes/" + n0)
tap.is_((got[0], got[2].decode()),
        (409, "Unable to delete node [%s] because it contains devices\n" % n0),
        "and can't be deleted")
got = d.request("DELETE", "/devices/" + d0)
tap.is_((got[0], got[2].decode()),
        (400, "device: %s is not in failed state\n" % d0),
        "a device in use can't be deleted")
status, headers, body = d.request("GET", "/devices/%s/resync" % d0)
tap.is_((status, headers["Content-Type"], body.decode()),
        (202, "text/html; charset=utf-8",
         '<a href="%s">Accepted</a>.\n\n' % headers["Location"]),
        "resync is a GET, with a line of html")
empty(d.wait(headers["Location"]), 204, "and has no result")
exact("GET", "/devices/" + d0, None, 200, bare, "nothing has changed")

# ---- volumes ----

status, headers, body = d.request("POST", "/volumes", {
    "size": 2, "name": "first", "gid": 1000,
    "durability": {"type": "replicate", "replicate": {"replica": 3},
                   "disperse": {"data": 4, "redundancy": 2}},
    "glustervolumeoptions": ["nfs.disable on"],
    "snapshot": {"enable": True, "factor": 1.5}})
empty((status, headers, body), 202, "a volume is accepted")
status, headers, body = d.wait(headers["Location"])
tap.is_(d.polls, 1, "one poll is enough")
got = json.loads(body)
v = got["id"]
hosts = [{n0: "s0", n1: "n1.stor", n2: "n2.stor"}[n]
         for n in sorted([n0, n1, n2])]
bricks = got["bricks"]
volume = {
    "size": 2, "name": "first",
    "durability": {"type": "replicate", "replicate": {"replica": 3},
                   "disperse": {"data": 4, "redundancy": 2}},
    "gid": 1000, "glustervolumeoptions": ["", "nfs.disable on", ""],
    "snapshot": {"enable": True, "factor": 1.5}, "id": v, "cluster": c,
    "mount": {"glusterfs": {
        "hosts": hosts, "device": hosts[0] + ":first",
        "options": {"backup-volfile-servers": ",".join(hosts[1:])}}},
    "blockinfo": {}, "bricks": bricks}
tap.is_((status, body.decode()),
        (200, json.dumps(volume, separators=(",", ":")) + "\n"),
        "all members in heketi's order")
tap.is_([b["id"] for b in bricks], sorted(b["id"] for b in bricks),
        "bricks are sorted by id")
for b in bricks:
    tap.is_((list(b), b["volume"], b["size"], b["path"]),
            (["id", "path", "device", "node", "volume", "size"], v, 2 * KIB,
             "/var/lib/heketi/mounts/vg_%s/brick_%s/brick" %
             (b["device"], b["id"])), "a brick and its path")
tap.is_(sorted(b["node"] for b in bricks), sorted([n0, n1, n2]),
        "one brick on each node")
exact("GET", "/volumes/" + v, None, 200, volume, "the same again")
exact("GET", "/volumes", None, 200, {"volumes": [v]}, "it is listed")
tap.is_(d.json("GET", "/clusters/" + c)["volumes"], [v], "by its cluster, too")
used = d.json("GET", "/devices/" + d1)
tap.is_((used["storage"]["used"], used["storage"]["free"]),
        (3 * KIB + 16 * 1024, 500 * KIB - 3 * KIB - 16 * 1024),
        "its pool and metadata are accounted for")
tap.is_(used["bricks"], [b for b in bricks if b["device"] == d1],
        "the device shows its brick")

status, headers, body = d.run("POST", "/volumes", {"size": 1})
small = json.loads(body)
tap.is_((small["name"], small["durability"], small["snapshot"],
         small["glustervolumeoptions"], "gid" in small, "block" in small),
        ("vol_" + small["id"],
         {"type": "none", "replicate": {}, "disperse": {}},
         {"enable": False, "factor": 1}, ["", ""], False, False),
        "a volume of defaults")
status, headers, body = d.run("POST", "/volumes", {
    "size": 1, "durability": {"type": "replicate", "replicate": {"replica": 0}}})
tap.is_(json.loads(body)["durability"],
        {"type": "replicate", "replicate": {}, "disperse": {}},
        "what was not asked for is not echoed")
tap.is_(len(json.loads(body)["bricks"]), 2, "though it has its effect")
other = json.loads(body)["id"]

status, headers, body = d.run("POST", "/volumes", {
    "size": 1, "name": "first", "clusters": [c]})
tap.is_((status, body.decode()),
        (500, "Failed to allocate new volume: Volume name 'first' already in "
         "use\n"), "a name is used once in a cluster")

status, headers, body = d.run("POST", "/volumes/%s/expand" % v,
                              {"expand_size": 3})
got = json.loads(body)
tap.is_((status, got["size"], len(got["bricks"])), (200, 5, 6),
        "an expanded volume is what the queue leads to")
tap.ok(all(b in got["bricks"] for b in bricks), "it keeps its bricks")
tap.is_(d.json("GET", "/operations"),
        {"total": 0, "in_flight": 0, "stale": 0, "failed": 0, "new": 0},
        "nothing runs after the last poll")

for x in (v, small["id"], other):
    empty(d.run("DELETE", "/volumes/" + x, b"{}"), 204, "a volume is deleted")
exact("GET", "/volumes", None, 200, {"volumes": []}, "none is left")
tap.is_(d.request("GET", "/volumes/" + v)[0], 404, "nor found")
exact("GET", "/devices/" + d0, None, 200, bare, "all space is free again")

# ---- states, and the end ----

for path in ("/nodes/" + n2, "/devices/" + d2):
    for state in ("offline", "online", "offline"):
        empty(d.run("POST", path + "/state", {"state": state}), 204,
              "%s goes %s" % (path[:8], state))
        tap.is_(d.json("GET", path)["state"], state, "and says so")
got = d.run("POST", "/devices/%s/state" % d1, {"state": "failed"})
tap.is_((got[0], got[2].decode()),
        (500, "Device must be offline before remove operation is performed, "
         "device:%s\n" % d1), "an online device can't fail")
empty(d.run("POST", "/devices/%s/state" % d2, {"state": "failed"}), 204,
      "an offline one can")
empty(d.run("DELETE", "/devices/" + d2, {"forceforget": False}), 204,
      "then it can be deleted")
tap.is_(d.request("GET", "/devices/" + d2)[0], 404, "and is gone")
empty(d.run("DELETE", "/nodes/" + n2), 204, "and its node, empty now")
tap.is_(d.request("GET", "/nodes/" + n2)[0], 404, "and is gone")
tap.is_(d.json("GET", "/clusters/" + c)["nodes"], sorted([n0, n1]),
        "the others stay")

# ---- a restart changes nothing ----

before = [d.request("GET", p)[2] for p in
          ("/clusters", "/clusters/" + c, "/nodes/" + n0, "/devices/" + d1)]
d.restart(kill=True)
tap.is_([d.request("GET", p)[2] for p in
         ("/clusters", "/clusters/" + c, "/nodes/" + n0, "/devices/" + d1)],
        before, "a crash and a restart change nothing")
tap.is_(d.request("GET", queue)[0], 303, "not even the queue")
tap.is_(d.stop(), 0, "the daemon ends well")
tap.done()
