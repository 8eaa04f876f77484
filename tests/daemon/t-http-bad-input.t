#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever is sent, the answer is heketi's and the daemon goes on."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json

from daemon import Daemon

ID = "0123456789abcdef0123456789abcdef"
d = Daemon()


def text(method, path, body, status, want, name=None):
    got = d.request(method, path, body)
    what = name or "%s %s %.60s" % (method, path, body)
    tap.is_((got[0], got[2].decode()), (status, want), what)
    if want:
        tap.is_((got[1].get("Content-Type"),
                 got[1].get("X-Content-Type-Options")),
                ("text/plain; charset=utf-8", "nosniff"), "as plain text")


# ---- bodies that can't be read, on every route that reads one ----

UNREADABLE = ["", "{", "[]", "7", "\"x\"", "{}x", "{\"a\":1,}", "\xff", "nul"]
for path in ("/clusters", "/clusters/%s/flags" % ID, "/nodes",
             "/nodes/%s/state" % ID, "/devices", "/devices/%s/state" % ID,
             "/volumes", "/volumes/%s/expand" % ID):
    for body in UNREADABLE:
        status, _, got = d.request("POST", path, body.encode("latin-1"))
        tap.is_((status, got), (422, b"request unable to be parsed\n"),
                "POST %s refuses %r" % (path, body))
text("DELETE", "/devices/" + ID, "{", 422, "request unable to be parsed\n")
text("DELETE", "/devices/" + ID, "{\"forceforget\":1}", 422,
     "request unable to be parsed\n")
text("DELETE", "/devices/" + ID, None, 404, "Id not found\n")
text("DELETE", "/devices/" + ID, "{}", 404, "Id not found\n")

# ---- members of the wrong type ----

for path, body in (
        ("/clusters", {"file": 1}), ("/clusters", {"block": "true"}),
        ("/nodes", {"zone": "1"}), ("/nodes", {"zone": 1.5}),
        ("/nodes", {"hostnames": []}), ("/nodes", {"hostnames": {"manage": "m"}}),
        ("/nodes", {"hostnames": {"manage": [1]}}), ("/nodes", {"cluster": 1}),
        ("/nodes", {"tags": {"a": 1}}), ("/nodes", {"tags": ["a"]}),
        ("/devices", {"node": 1}), ("/devices", {"name": {}}),
        ("/devices", {"destroydata": "yes"}),
        ("/volumes", {"size": "1"}), ("/volumes", {"size": 1.5}),
        ("/volumes", {"size": 2 ** 63}), ("/volumes", {"size": 10 ** 30}),
        ("/volumes", {"clusters": "x"}), ("/volumes", {"name": 1}),
        ("/volumes", {"durability": "replicate"}),
        ("/volumes", {"durability": {"type": 1}}),
        ("/volumes", {"durability": {"replicate": {"replica": "3"}}}),
        ("/volumes", {"durability": {"disperse": {"data": 2.5}}}),
        ("/volumes", {"gid": "1"}), ("/volumes", {"gid": 2 ** 63}),
        ("/volumes", {"glustervolumeoptions": "a b"}),
        ("/volumes", {"block": 1}), ("/volumes", {"snapshot": True}),
        ("/volumes", {"snapshot": {"factor": "1.5"}}),
        ("/volumes", {"snapshot": {"factor": 1e39}}),
        ("/volumes/%s/expand" % ID, {"expand_size": "1"}),
        ("/nodes/%s/state" % ID, {"state": 1})):
    status, _, got = d.request("POST", path, body)
    tap.is_((status, got), (422, b"request unable to be parsed\n"),
            "POST %s refuses %s" % (path, json.dumps(body)))
status, _, got = d.request("POST", "/volumes", '{"size":1e3}')
tap.is_((status, got), (422, b"request unable to be parsed\n"),
        "an exponent is no integer")

# ---- members that are checked ----

HOSTS = {"manage": ["m"], "storage": ["s"]}
LONG = "x" * 300


def invalid(path, body, faults):
    text("POST", path, json.dumps(body), 400,
         "validation failed: %s.\n" % faults)


invalid("/nodes", {}, "cluster: cannot be blank; hostnames: (manage: cannot be "
        "blank; storage: cannot be blank.); zone: cannot be blank")
invalid("/nodes", {"zone": -1, "cluster": ID, "hostnames": HOSTS},
        "zone: must be no less than 1")
invalid("/nodes", {"zone": 1, "cluster": "x", "hostnames": HOSTS},
        "cluster: x is not a valid UUID")
invalid("/nodes", {"zone": 1, "cluster": ID, "hostnames": {
    "manage": ["a", "b;reboot"], "storage": ["$(id)"]}},
    "hostnames: (manage: [a b;reboot] is not a valid manage hostname; "
    "storage: [$(id)] is not a valid storage hostname.)")
invalid("/nodes", {"zone": 1, "cluster": ID, "hostnames": {
    "manage": [LONG], "storage": ["s"]}},
    "hostnames: (manage: [%s] is not a valid manage hostname.)" % LONG)
invalid("/nodes", {"zone": 1, "cluster": ID, "hostnames": HOSTS,
                   "tags": {"": "x"}}, "tags: tag names may not be empty")
invalid("/nodes", {"zone": 1, "cluster": ID, "hostnames": HOSTS,
                   "tags": {"k%d" % i: "" for i in range(40)}},
        "tags: too many tags specified (40), up to 32 supported")
invalid("/devices", {}, "name: cannot be blank; node: cannot be blank")
for name in ("sdb", "/", "/dev/sdb;reboot", "/dev/$(id)", "/dev/`id`",
             "/dev/a b", "/dev/\n", "/dev/'"):
    invalid("/devices", {"node": ID, "name": name},
            "name: must be in a valid format")
invalid("/volumes", {}, "size: cannot be blank")
invalid("/volumes", {"size": 0}, "size: cannot be blank")
invalid("/volumes", {"size": None}, "size: cannot be blank")
invalid("/volumes", {"size": -1}, "size: must be no less than 1")
invalid("/volumes", {"size": -2 ** 63}, "size: must be no less than 1")
for name in ("a b", "a;reboot", "$(id)", "`id`", "a\nb", "../x", "a'", "ä"):
    invalid("/volumes", {"size": 1, "name": name},
            "name: must be in a valid format")
invalid("/volumes", {"name": "a b"},
        "name: must be in a valid format; size: cannot be blank")
invalid("/volumes/%s/expand" % ID, {}, "expand_size: cannot be blank")
invalid("/volumes/%s/expand" % ID, {"expand_size": -3},
        "expand_size: must be no less than 1")
for path in ("/nodes/%s/state" % ID, "/devices/%s/state" % ID):
    invalid(path, {}, "state: cannot be blank")
    invalid(path, {"state": "on"}, "state: on is not valid state")
    invalid(path, {"state": "on", "healcheck": "x"},
            "healcheck: x is not valid heal info check")

# ---- requests about what is not there ----

for method, path, body in (
        ("GET", "/clusters/" + ID, None), ("DELETE", "/clusters/" + ID, None),
        ("POST", "/clusters/%s/flags" % ID, "{}"),
        ("GET", "/nodes/" + ID, None), ("DELETE", "/nodes/" + ID, "{}"),
        ("POST", "/nodes/%s/state" % ID, '{"state":"online"}'),
        ("GET", "/devices/" + ID, None),
        ("POST", "/devices/%s/state" % ID, '{"state":"online"}'),
        ("GET", "/devices/%s/resync" % ID, None),
        ("GET", "/volumes/" + ID, None), ("DELETE", "/volumes/" + ID, None),
        ("POST", "/volumes/%s/expand" % ID, '{"expand_size":1}'),
        ("GET", "/queue/" + ID, None),
        ("GET", "/volumes/a", None), ("GET", "/nodes/" + "a" * 3000, None),
        ("DELETE", "/volumes/" + "a" * 3000, None)):
    text(method, path, body, 404, "Id not found\n")
text("POST", "/nodes", json.dumps({"zone": 1, "cluster": ID,
                                   "hostnames": HOSTS}), 404,
     "Cluster id does not exist\n")
text("POST", "/devices", json.dumps({"node": ID, "name": "/dev/sdb"}), 404,
     "Node id does not exist\n")
for path in ("/", "/nothing", "/volumes/xyz", "/volumes/%s/nothing" % ID,
             "/nodes/%20", "/queue"):
    text("GET", path, None, 404, "Invalid path or request\n")
for method, path in (("PUT", "/volumes"), ("HEAD", "/volumes"),
                     ("PATCH", "/volumes/" + ID), ("GET", "/nodes"),
                     ("GET", "/devices"), ("POST", "/volumes/" + ID),
                     ("POST", "/queue/" + ID), ("DELETE", "/clusters"),
                     ("OPTIONS", "/clusters"), ("PUT", "/volumes/")):
    status, headers, got = d.request(method, path)
    tap.is_((status, got), (405, b""), "%s %s" % (method, path))

# ---- volumes: order of checks, and sizes ----

text("POST", "/volumes", '{"size":1,"gid":-1}', 400,
     "Bad group id less than zero\n")
text("POST", "/volumes", '{"size":1,"gid":2147483647}', 400,
     "Bad group id equal or greater than 2**32\n")
text("POST", "/volumes", '{"size":0,"gid":-1}', 400,
     "validation failed: size: cannot be blank.\n")
text("POST", "/volumes", '{"size":1,"gid":-1,"durability":{"type":"x"}}', 400,
     "Bad group id less than zero\n")
text("POST", "/volumes", '{"size":1}', 400, "No clusters configured\n")
cluster, nodes, devices = d.topology(3)
for body, want in (
        ({"durability": {"type": "bad"}}, "Unknown durability type"),
        ({"snapshot": {"enable": True, "factor": 0.5}},
         "Invalid snapshot factor"),
        ({"snapshot": {"enable": True, "factor": 101}},
         "Invalid snapshot factor"),
        ({"snapshot": {"enable": True}}, "Invalid snapshot factor"),
        ({"durability": {"type": "replicate", "replicate": {"replica": 4}}},
         "Invalid replica value"),
        ({"durability": {"type": "disperse", "disperse": {
            "data": 8, "redundancy": 1}}},
         "Invalid dispersion combination: 8+1"),
        ({"durability": {"type": "disperse"}},
         "Invalid dispersion combination: 0+0"),
        ({"clusters": ["bad"]}, "Cluster id bad not found"),
        ({"durability": {"type": "bad"}, "snapshot": {"enable": True},
          "clusters": ["bad"]}, "Unknown durability type")):
    text("POST", "/volumes", json.dumps(dict({"size": 1}, **body)), 400,
         want + "\n")
for size in (2 ** 31, 2 ** 32 + 1, 2 ** 53, 2 ** 63 - 1):
    status, _, got = d.request("POST", "/volumes", {"size": size})
    tap.is_(status, 500, "size %d finds no room" % size)
    tap.has(got, b"Failed to allocate new volume: ", "and says so")
status, headers, got = d.run("POST", "/volumes", {"size": 1, "name": LONG[:200]})
tap.is_(status, 200, "a long name is fine")
volume = json.loads(got)
tap.is_(volume["name"], LONG[:200], "and is kept whole")
status, _, got = d.request("POST", "/volumes/%s/expand" % volume["id"],
                           {"expand_size": 2 ** 63 - 1})
tap.is_(status, 500, "expanding beyond reason finds no room")

status, _, got = d.request("POST", "/volumes", {
    "size": 1, "name": LONG[:200], "clusters": [cluster, cluster]})
tap.is_(got.decode(), "Failed to allocate new volume: Volume name '%s' already"
        " in use\n" % LONG[:200], "a cluster that is named twice is tried once")

# ---- an average file size that is none leaves the default of 64 KiB ----

for word, want in (("64", 32768), ("128", 16384), ("-1", 32768), ("0", 32768),
                   ("32k", 32768), ("x", 32768), (str(2 ** 64), 32768),
                   ("32", 65536)):
    got = json.loads(d.run("POST", "/volumes", {
        "size": 2, "durability": {"type": "replicate",
                                  "replicate": {"replica": 3}},
        "glustervolumeoptions": ["user.heketi.arbiter true",
                                 "user.heketi.average-file-size " + word]})[2])
    tap.is_(sorted(b["size"] for b in got["bricks"]),
            [want, 2 << 20, 2 << 20], "average file size " + word)
    d.run("DELETE", "/volumes/" + got["id"])

# ---- what is wrong with the JSON is told as Go does, where heketi tells it ----

for body, want in (
        ("", "unexpected end of JSON input"),
        ("{", "unexpected end of JSON input"),
        ('{"state":"nor', "unexpected end of JSON input"),
        ("7", "json: cannot unmarshal number into Go value of type"
         " api.AdminStatus"),
        ('{"state":1}', "json: cannot unmarshal number into Go struct field"
         " AdminStatus.state of type api.AdminState")):
    text("POST", "/admin", body, 400,
         "request unable to be parsed: %s\n" % want)

# ---- the daemon is still the same ----

tap.is_(d.json("GET", "/operations"),
        {"total": 0, "in_flight": 0, "stale": 0, "failed": 0, "new": 0},
        "nothing is left behind")
tap.is_(d.json("GET", "/volumes"), {"volumes": [volume["id"]]},
        "but the one volume")
tap.is_(d.stop(), 0, "the daemon ends well")

# ---- heketi's mock looks at no volume option ----

BLANKS = ["test-option", " lead", "", "a b c"]
for executor, want in (("mock", 200), ("inject/mock", 200), ("simulated", 500)):
    d = Daemon(executor=executor)
    d.topology(1)
    status, _, got = d.run("POST", "/volumes",
                           {"size": 1, "glustervolumeoptions": BLANKS})
    tap.is_(status, want, "an unknown volume option with executor " + executor)
    if want == 200:
        tap.is_(json.loads(got)["glustervolumeoptions"], [""] + BLANKS + [""],
                "and it is told as it was given")
    status, _, got = d.run("POST", "/volumes", {
        "size": 1, "durability": {"type": "replicate",
                                  "replicate": {"replica": 1}},
        "glustervolumeoptions": ["user.heketi.arbiter 1"]})
    tap.is_(status, want, "nor at one copy and an arbiter: " + executor)
    d.stop()
tap.done()
