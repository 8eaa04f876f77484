#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""topology validate, diff and apply: what they find, print and send."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import copy
import json
import tempfile

from fakeheketi import FakeHeketi

C1, C2, N1, N2, N3, D1, D2, CX, NX = ("%032x" % i for i in range(1, 10))
fake = FakeHeketi()
tmp = tempfile.TemporaryDirectory()
FILE = os.path.join(tmp.name, "topology.json")


def write(topology):
    with open(FILE, "w", encoding="utf-8") as f:
        if isinstance(topology, str):
            f.write(topology)
        else:
            json.dump(topology, f)


def run(*words):
    r = fake.run("topology", *words, "-j", FILE)
    return r.status, r.out.replace(FILE, "FILE"), r.err.replace(FILE, "FILE")


def node(i, zone=1, devices=("/dev/sdb",), **more):
    return {"node": dict({"hostnames": {"manage": ["m%d" % i],
                                        "storage": ["s%d" % i]},
                          "zone": zone}, **more), "devices": list(devices)}


GOOD = {"_about": "a comment", "clusters": [
    {"nodes": [node(1), node(2, 2, ["/dev/sdb", {"name": "/dev/sdc"}])]}]}


def mistakes():
    write(GOOD)
    tap.is_(run("validate"), (0, "FILE: 1 cluster, 2 nodes, 3 devices\n", ""),
            "a good file")
    tap.is_(fake.requests, [], "no server is asked")
    write('{"clusters": [}')
    tap.has(run("validate")[2], "Error: FILE: line 1, column 15: ",
            "a syntax error has its place")
    bad = node(1)
    bad["node"]["zone"] = "x"
    write({"clusters": [{"nodes": [bad]}]})
    tap.is_(run("validate"), (255, "", "Error: FILE: cluster 1: node 1: "
                              "\"zone\" is not a whole number\n"),
            "so has a wrong type")
    write({"cluster": [], "clusters": [
        {"nodes": [
            {"node": {"hostnames": {"manage": ["m1", "x"],
                                    "storage": ["s1"]},
                      "zone": 0, "tagz": {},
                      "tags": {"a b": "", "v": "\u00e9" * 65,
                               "w": "\u00e9" * 64}},
             "devices": ["/dev/sdb", "/dev/sdb",
                         {"name": "sdc", "destroy": True}]}]},
        {"nodes": [{"node": {"hostnames": {"manage": ["m1"],
                                           "storage": ["s 2"]},
                             "zone": 1,
                             "tags": {str(i): "" for i in range(33)}}}]},
        {"block": False}]})
    one, two = "FILE: cluster 1, node 1 (m1)", "FILE: cluster 2, node 1 (m1)"
    characters = "characters A-Z a-z 0-9 _ . -"
    tap.is_(run("validate"), (255, "\n".join((
        'FILE: file: "cluster" has no meaning here (known are: clusters)',
        one + ": zone: must be 1 or more",
        one + ": management host: only the first of 2 names would be used",
        one + ': tag "a b": a name has 1 to 32 of the ' + characters,
        one + ': tag "v": a value has at most 64 characters',
        one + ", device 2 (/dev/sdb): device 1 has the same name",
        one + ", device 3 (sdc): a name is a path of the characters A-Z a-z"
        " 0-9 _ . : / -",
        one + ': "tagz" has no meaning here (known are: hostnames zone tags'
        ' cluster)',
        one + ': "destroy" has no meaning here (known are: name tags'
        ' destroydata)',
        two + ": management host: another node has the name m1, too",
        two + ': storage host: "s 2" is neither a host name nor an address',
        two + ": 33 tags, 32 are the most",
        "FILE: cluster 3: no nodes: nothing would be made of it", "")),
        "Error: FILE: 13 problems\n"), "every mistake is named at once")
    tap.is_((run("diff")[0], run("apply")[0], fake.requests), (255, 255, []),
            "and such a file goes no further")
    for verb in ("validate", "diff", "apply"):
        fake.fails(("topology", verb), "Missing configuration file",
                   "topology %s without a file" % verb)


CLUSTER = {"id": C1, "nodes": [N1, N3], "volumes": [], "block": True,
           "file": True, "blockvolumes": []}
NODES = {N1: {"zone": 1, "hostnames": {"manage": ["m1"], "storage": ["s1"]},
              "cluster": C1, "id": N1, "state": "online",
              "devices": [{"name": "/dev/sdb", "id": D1},
                          {"name": "/dev/sdz", "id": D2}]},
         N3: {"zone": 3, "hostnames": {"manage": ["m3"], "storage": ["s3"]},
              "cluster": C1, "tags": {"rack": "x"}, "id": N3,
              "state": "online", "devices": []}}


def serve(nodes=NODES):
    fake.clear()
    fake.on("GET", "/clusters", json={"clusters": [C1, CX]})
    fake.on("GET", "/clusters/" + C1, json=CLUSTER)
    fake.on("GET", "/clusters/" + CX, json=dict(CLUSTER, id=CX, nodes=[NX]))
    fake.on("GET", "/nodes/" + NX, json={
        "zone": 1, "hostnames": {"manage": ["mx"], "storage": ["sx"]},
        "cluster": CX, "id": NX, "devices": []})
    for id_, n in nodes.items():
        fake.on("GET", "/nodes/" + id_, json=n)


def sent():
    return [(r.line, r.json) for r in fake.requests if r.method != "GET"]


WANTED = {"clusters": [
    {"block": False, "nodes": [
        node(1, tags={"rack": "a"}, devices=[
            {"name": "/dev/sdb", "tags": {"tier": "1", "arbiter": "no"}},
            {"name": "/dev/sdc", "destroydata": True}]),
        node(2, 2, [{"name": "/dev/sdb", "tags": {"t": "u"}}],
             tags={"rack": "b"}),
        node(3, 3, [])]},
    {"file": False, "nodes": [node(4)]}]}
CHANGES = (
    "~ cluster %s: block true -> false" % C1,
    "~ node m1: tags (none) -> rack:a",
    "~ device /dev/sdb of m1: tags (none) -> arbiter:no tier:1",
    "+ device /dev/sdc of m1, its data destroyed",
    "+ node m2: zone 2, storage host s2, tags rack:b",
    "+ device /dev/sdb of m2, tags t:u",
    "+ cluster 2 of the file: file false, block true",
    "+ node m4: zone 1, storage host s4",
    "+ device /dev/sdb of m4")


def differences():
    serve()
    write(WANTED)
    extras = ["- device /dev/sdz of m1: not in the file"]
    lines = list(CHANGES[:4]) + extras + list(CHANGES[4:]) + [
        "- cluster %s: not in the file" % CX]
    tap.is_(run("diff"), (1, "\n".join(lines) + "\n", ""),
            "diff shows what differs, and says so by its status")
    tap.is_(run("apply", "--dry-run"), (0, "\n".join(CHANGES) + "\n", ""),
            "apply --dry-run shows what would be done")
    tap.is_(sent(), [], "neither changes anything")
    serve()
    fake.on("GET", "/clusters", json={"clusters": [C1]})
    fake.run("cluster", "list", "--json")
    write({"clusters": [{"nodes": [
        node(1, devices=["/dev/sdb", "/dev/sdz"]), node(3, 3, [])]}]})
    tap.is_(run("diff"), (0, "", ""), "no difference, no words")
    tap.is_(run("apply"), (0, "", ""), "nothing to do, no words")
    tap.is_(sent(), [], "and nothing is done")


def changes():
    serve()
    write(WANTED)
    fake.on("POST", "/clusters/%s/flags" % C1)
    fake.on("POST", "/nodes/%s/tags" % N1, json={})
    fake.on("POST", "/devices/%s/tags" % D1, json={})
    fake.on("POST", "/clusters", status=201, json={"id": C2})
    fake.later("POST", "/nodes", see="/nodes/" + N2)
    fake.on("GET", "/nodes/" + N2, json={"id": N2})
    fake.later("POST", "/devices")
    tap.is_(run("apply"), (0, "".join("%s ... OK\n" % c for c in CHANGES),
                           ""), "apply does it and says so")

    def device(n, name, **more):
        return ("POST /devices", dict({"name": name, "node": n}, **more))
    wanted = WANTED["clusters"]
    tap.is_(sent(), [
        ("POST /clusters/%s/flags" % C1, {"block": False, "file": True}),
        ("POST /nodes/%s/tags" % N1,
         {"tags": {"rack": "a"}, "change_type": "set"}),
        ("POST /devices/%s/tags" % D1,
         {"tags": {"tier": "1", "arbiter": "no"}, "change_type": "set"}),
        device(N1, "/dev/sdc", destroydata=True),
        ("POST /nodes", dict(wanted[0]["nodes"][1]["node"], cluster=C1)),
        device(N2, "/dev/sdb", tags={"t": "u"}),
        ("POST /clusters", {"block": True, "file": False}),
        ("POST /nodes", dict(wanted[1]["nodes"][0]["node"], cluster=C2)),
        device(N2, "/dev/sdb")], "and sends no more than that")


def failures():
    serve()
    write({"clusters": [{"nodes": [node(4), node(5, devices=[])]}]})
    fake.on("POST", "/clusters", status=201, json={"id": C2})
    fake.on("GET", "/clusters/" + C2, json={"nodes": [], "volumes": []})
    fake.on("DELETE", "/clusters/" + C2)
    fake.on("POST", "/nodes", status=400,
            text="New Node doesn't have glusterd running\n")
    why = " ... failed: New Node doesn't have glusterd running\n"
    tap.is_(run("apply"), (
        255, "+ cluster 1 of the file: file true, block true ... OK\n"
        "+ node m4: zone 1, storage host s4" + why +
        "+ device /dev/sdb of m4 ... failed: its node is not there\n"
        "+ node m5: zone 1, storage host s5" + why,
        "Error: 3 of 4 changes failed\n"), "a failure does not stop the rest")
    tap.is_(sent()[-1], ("DELETE /clusters/" + C2, None),
            "a cluster that stays empty is taken away again")
    serve()
    fake.on("POST", "/clusters", status=500, text="no\n")
    tap.is_(run("apply")[1:], (
        "+ cluster 1 of the file: file true, block true ... failed: no\n"
        "+ node m4: zone 1, storage host s4 ... failed: its cluster is not"
        " there\n+ device /dev/sdb of m4 ... failed: its node is not there\n"
        "+ node m5: zone 1, storage host s5 ... failed: its cluster is not"
        " there\n", "Error: 4 of 4 changes failed\n"),
        "without its cluster nothing goes")


def impossible():
    nodes = copy.deepcopy(NODES)
    nodes[N3]["hostnames"]["storage"] = ["10.0.0.3"]
    serve(nodes)
    write({"clusters": [
        {"nodes": [node(1, 2, []), node(6),
                   {"node": {"hostnames": {"manage": ["mx"],
                                           "storage": ["sx"]}, "zone": 1}}]},
        {"nodes": [node(3, 3, [])]}]})
    refused = ("! node m1: zone 1 -> 2: can't be changed\n"
               "! node mx: is in cluster %s, others of its cluster are in %s\n"
               "! cluster 2 of the file: has nodes in %s, as cluster 1 has\n"
               "! node m3: storage host 10.0.0.3 -> s3: can't be changed\n" %
               (CX, C1, C1))
    tap.is_(run("apply"), (255, refused, "Error: 4 things in FILE can't be"
                           " had: nothing was done\n"),
            "what can't be had is refused")
    tap.is_(sent(), [], "before anything is done")


mistakes()
differences()
changes()
failures()
impossible()
tmp.cleanup()
tap.done()
