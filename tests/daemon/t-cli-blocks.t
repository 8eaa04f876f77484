#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tags, clones, bricks and block volumes: what each command asks for and
prints, byte for byte what heketi-cli 10.4.1 prints of the same answers."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json

from fakeheketi import FakeHeketi

C1, N1, D1, V1, V2, B1 = ("%032x" % i for i in range(1, 7))
fake = FakeHeketi()


def request(i=0):
    r = fake.requests[i]
    return (r.line, r.json)


def compact(obj):
    return json.dumps(obj, separators=(",", ":"))


def tags():
    for kind, id_ in (("node", N1), ("device", D1)):
        path = "/%ss/%s/tags" % (kind, id_)
        fake.clear()
        fake.on("POST", path, json={"rack": "a"})
        for words, change, sent in (
                (("settags", id_, "rack:a", "url:http://x"), "update",
                 {"rack": "a", "url": "http://x"}),
                (("settags", "-e", id_, "rack:"), "set", {"rack": ""}),
                (("settags", id_, "--exact", "rack:b", "rack:a"), "set",
                 {"rack": "a"}),
                (("rmtags", id_, "rack", "x"), "delete",
                 {"rack": "", "x": ""}),
                (("deltags", id_, "rack"), "delete", {"rack": ""}),
                (("removetags", id_, "rack"), "delete", {"rack": ""}),
                (("rmtags", "--all", id_), "set", {})):
            fake.requests.clear()
            fake.prints((kind, *words), "", "%s %s says nothing" %
                        (kind, words[0]))
            tap.is_(request(), ("POST " + path, {"tags": sent,
                                                 "change_type": change}),
                    "and asks to %s" % change)
        fake.requests.clear()
        for words, text in (
                (("settags",), "id required"),
                (("settags", id_), "at least one tag:value pair expected"),
                (("settags", id_, "rack"), "expected colon (:) between tag"
                 " name and value, got: rack"),
                (("rmtags",), "id required"),
                (("rmtags", id_), "at least one tag expected"),
                (("rmtags", id_, "x", "--all"),
                 "--all may not be combined with named tags")):
            fake.fails((kind, *words), text, text)
        tap.is_(fake.requests, [], "nothing is asked then")


def volumes():
    brick = {"id": B1, "path": "/m/brick", "device": D1, "node": N1,
             "volume": V1, "size": 100}
    hosting = {"size": 100, "name": "vol_x",
               "durability": {"type": "none", "replicate": {},
                              "disperse": {}},
               "glustervolumeoptions": ["", "k a&<>", ""], "block": True,
               "snapshot": {"enable": True, "factor": 1.5}, "id": V1,
               "cluster": C1,
               "mount": {"glusterfs": {
                   "hosts": ["h1", "h2"], "device": "h1:vol_x",
                   "options": {"backup-volfile-servers": "h2"}}},
               "blockinfo": {"freesize": 90, "reservedsize": 10,
                             "blockvolume": [B1, D1],
                             "restriction": "locked"}, "bricks": [brick]}
    text = """Name: vol_x
Size: 100
Volume Id: %s
Cluster Id: %s
Mount: h1:vol_x
Mount Options: backup-volfile-servers=h2
Block: true
Free Size: 90
Reserved Size: 10
Block Hosting Restriction: locked
Block Volumes: [%s %s]
Durability Type: none
Distribute Count: 1
Snapshot Factor: 1.50

""" % (V1, C1, B1, D1)
    fake.clear()
    fake.later("POST", "/volumes/%s/clone" % V2, see="/volumes/" + V1)
    fake.on("GET", "/volumes/" + V1, json=hosting)
    fake.prints(("volume", "clone", V2), text, "volume clone")
    tap.is_(request()[1], {}, "a clone without a name")
    fake.requests.clear()
    fake.prints(("volume", "clone", V2, "--name=c", "--json"),
                compact(hosting).replace("&", "\\u0026")
                .replace("<", "\\u003c").replace(">", "\\u003e"),
                "volume clone --json escapes as Go does")
    tap.is_(request()[1], {"name": "c"}, "a clone with a name")
    fake.fails(("volume", "clone"), "Volume id missing", "clone of nothing")
    restriction = ("volume", "set-block-hosting-restriction")
    path = "/volumes/%s/block-restriction" % V1
    fake.later("POST", path, see="/volumes/" + V1)
    for word, value in (("locked", "locked"), ("unlocked", "")):
        fake.requests.clear()
        fake.prints((*restriction, word, V1), text, word)
        tap.is_(request(), ("POST " + path, {"restriction": value}),
                "asks for %r" % value)
        fake.fails((*restriction, word), "Volume id missing",
                   word + ": no volume")
    fake.prints(("volume", "endpoint", "patch", V1),
                '{"subsets": [{"addresses":[{"ip":"h1"}],"ports":[{"port":1}]}'
                ',{"addresses":[{"ip":"h2"}],"ports":[{"port":1}]}]}',
                "volume endpoint patch")
    fake.fails(("volume", "endpoint", "patch"), "Volume id missing",
               "endpoint patch: no volume")
    fake.on("GET", "/volumes/" + V2,
            json=dict(hosting, mount={"glusterfs": {"hosts": []}}))
    fake.prints(("volume", "endpoint", "patch", V2), '{"subsets": []}',
                "a volume without hosts")


BLOCK = {"size": 5, "name": "blk", "hacount": 2, "id": B1,
         "blockvolume": {"hosts": ["h1", "h2"], "iqn": "iqn.x", "lun": 0,
                         "username": "u%s", "password": "p"},
         "cluster": C1, "blockhostingvolume": V1, "usablesize": 4}
BLOCK_TEXT = """Name: blk
Size: 5
UsableSize: 4
Volume Id: %s
Cluster Id: %s
Hosts: [h1 h2]
IQN: iqn.x
LUN: 0
Hacount: 2
Username: u%%s
Password: p
Block Hosting Volume: %s
""" % (B1, C1, V1)


def block_volumes():
    fake.clear()
    fake.later("POST", "/blockvolumes", see="/blockvolumes/" + B1)
    fake.on("GET", "/blockvolumes/" + B1, json=BLOCK)
    create = ("blockvolume", "create")
    fake.prints((*create, "--size=5"), BLOCK_TEXT, "blockvolume create")
    tap.is_(request(), ("POST /blockvolumes", {"size": 5, "name": ""}),
            "asks for no more than was said")
    fake.requests.clear()
    fake.prints((*create, "--size=5", "--name=b", "--ha=2", "--auth",
                 "--clusters=x,y", "--json"), compact(BLOCK),
                "blockvolume create --json leaves % alone")
    tap.is_(request()[1], {"size": 5, "clusters": ["x", "y"], "name": "b",
                           "hacount": 2, "auth": True}, "all flags")
    fake.fails(create, "Missing volume size", "create: no size")
    fake.fails((*create, "--size=5", "--ha=-1"), "Invalid HA count",
               "create: --ha=-1")
    fake.prints(("blockvolume", "info", B1), BLOCK_TEXT, "blockvolume info")
    fake.prints(("blockvolume", "info", B1, "--json"), compact(BLOCK),
                "blockvolume info --json")
    fake.fails(("blockvolume", "info"), "Volume id missing", "info: no id")
    expand = ("blockvolume", "expand")
    fake.later("POST", "/blockvolumes/%s/expand" % B1,
               see="/blockvolumes/" + B1)
    for words in ((B1,), ("--blockvolume", B1)):
        fake.requests.clear()
        fake.prints((*expand, *words, "--new-size=9"), BLOCK_TEXT,
                    "blockvolume expand")
        tap.is_(request()[1], {"new_size": 9}, "to a new size")
    fake.fails((*expand, "--new-size=9"), "Missing block volume id",
               "expand: no id")
    fake.fails((*expand, B1), "Missing block volume net new size",
               "expand: no size")
    fake.later("DELETE", "/blockvolumes/" + B1)
    fake.prints(("blockvolume", "delete", B1), "Volume %s deleted\n" % B1,
                "blockvolume delete")
    fake.fails(("blockvolume", "delete"), "Volume id missing",
               "delete: no id")
    fake.on("GET", "/blockvolumes", json={"blockvolumes": [V2, B1]})
    fake.prints(("blockvolume", "list"), "Id:%s    Cluster:%s    Name:blk\n" %
                (B1, C1), "blockvolume list, one of them just deleted")
    fake.prints(("blockvolume", "list", "--json"),
                compact({"blockvolumes": [V2, B1]}),
                "blockvolume list --json")


def bricks():
    fake.clear()
    fake.later("POST", "/bricks/to-evict/" + B1)
    fake.prints(("brick", "evict", B1), "Brick %s evicted\n" % B1,
                "brick evict")
    tap.is_(request()[1], {}, "with the server's heal check")
    fake.fails(("brick", "evict"), "Brick id missing", "evict: no id")
    fake.clear()
    fake.later("POST", "/bricks/to-evict/" + B1, error="No Replacement was"
               " found for resource requested to be removed")
    fake.fails(("brick", "evict", B1), "No Replacement was found for resource"
               " requested to be removed", "the server's words")
    fake.requests.clear()
    r = fake.run("brick", "evict", B1, "--expert-option-disable-heal-check")
    tap.has(r.out, "Skipping the heal check may be dangerous and increase the"
            " risk of data loss.\n Press CTRL-C within 10 seconds to cancel"
            " this action.\n", "without the heal check one is warned")
    tap.is_(request()[1], {"healcheck": "disable"},
            "and the member has the name that the servers read")


tags()
volumes()
block_volumes()
bricks()
tap.done()
