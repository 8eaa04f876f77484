#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tags of nodes and devices: heketi's answers, and placement follows at once."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import etcd
import tap
from concurrent.futures import ThreadPoolExecutor
from daemon import Daemon
from replicas import Replicas


def ask(d, path, body):
    status, h, answer = d.request("POST", path + "/tags", body)
    return status, answer


def change(d, path, what, **tags):
    return ask(d, path, {"change_type": what, "tags": tags})


INVALID = (
    ({}, "change_type: cannot be blank."),
    ({"change_type": "add"}, "change_type: must be a valid value."),
    ({"change_type": "set", "tags": {"": "x"}},
     "tags: tag names may not be empty."),
    ({"change_type": "set", "tags": {"k" * 33: "x"}},
     "tags: tag name %s: the length must be between 1 and 32." % ("k" * 33)),
    ({"change_type": "set", "tags": {"k": "v" * 65}},
     "tags: value of tag k: the length must be no more than 64."),
    ({"change_type": "set", "tags": {"a b": "x"}},
     "tags: invalid characters in tag name a b."),
    ({"change_type": "set", "tags": {"k%d" % i: "" for i in range(33)}},
     "tags: too many tags specified (33), up to 32 supported."),
    ({"change_type": "", "tags": {"": "x"}},
     "change_type: cannot be blank; tags: tag names may not be empty."),
)


def texts(d, path, other):
    for body, text in INVALID:
        tap.is_(ask(d, path, body),
                (400, b"validation failed: %s\n" % text.encode()),
                "%s: %.40s" % (path[:8], text))
    for body in ("", "{", '{"tags":{"a":1},"change_type":"set"}'):
        tap.is_(ask(d, path, body), (422, b"request unable to be parsed\n"),
                "%s: %r can't be read" % (path[:8], body))
    tap.is_(change(d, other, "set", a="1"), (404, b"Id not found\n"),
            "%s: an unknown id" % path[:8])
    tap.is_(d.request("GET", path + "/tags")[0], 405, "tags are not for GET")


def life(d, path):
    tap.is_(change(d, path, "set", b="2", a="<1>"),
            (200, b'{"a":"\\u003c1\\u003e","b":"2"}\n'),
            "%s: set answers with the tags" % path[:8])
    tap.is_(d.json("GET", path)["tags"], {"a": "<1>", "b": "2"},
            "they are in its info")
    tap.is_(change(d, path, "update", b="3", c="4"),
            (200, b'{"a":"\\u003c1\\u003e","b":"3","c":"4"}\n'),
            "update adds and overwrites")
    tap.is_(change(d, path, "delete", a="other", x=""),
            (200, b'{"b":"3","c":"4"}\n'), "delete looks at names only")
    tap.is_(change(d, path, "set", z="9"), (200, b'{"z":"9"}\n'),
            "set replaces all")
    tap.is_(ask(d, path, {"change_type": "set", "tags": None}),
            (200, b"{}\n"), "set to nothing leaves none")
    tap.ok("tags" not in d.json("GET", path), "which its info does not show")
    change(d, path, "set", keep="me")
    d.restart()
    tap.is_(d.json("GET", path)["tags"], {"keep": "me"},
            "tags outlive a restart")


def placement(d, nodes, devices):
    """No bricks but on what has the tag."""
    def create():
        status, _, _ = d.run("POST", "/volumes", {
            "size": 1, "glustervolumeoptions":
            ["user.heketi.device-tag-match tier=fast"]})
        return status
    tap.ok(create() != 200, "no device is fast: no volume")
    change(d, "/devices/" + devices[1], "update", tier="fast")
    tap.is_(create(), 200, "a device is tagged: a volume")
    bricks = [len(d.json("GET", "/devices/" + i)["bricks"]) for i in devices]
    tap.is_(bricks, [0, 1, 0], "on that device")
    change(d, "/devices/" + devices[1], "delete", tier="")
    change(d, "/nodes/" + nodes[2], "set", tier="fast")
    tap.is_(create(), 200, "a node is tagged instead")
    bricks = [len(d.json("GET", "/devices/" + i)["bricks"]) for i in devices]
    tap.is_(bricks, [0, 1, 1], "its devices count as tagged")


def replicas():
    with Replicas(3) as r:
        _, nodes, _ = r[0].topology()
        path = "/nodes/" + nodes[0]
        with ThreadPoolExecutor(12) as pool:
            got = list(pool.map(lambda i: change(
                r[i % 3], path, "update", **{"k%d" % i: "v"})[0], range(24)))
        tap.is_(got, [200] * 24, "24 updates at once on three replicas")
        tap.is_([len(d.json("GET", path)["tags"]) for d in r], [24] * 3,
                "none is lost")


d = Daemon()
try:
    c, ns, ds = d.topology()
    texts(d, "/nodes/" + ns[0], "/nodes/" + "0" * 32)
    texts(d, "/devices/" + ds[0], "/devices/" + "0" * 32)
    placement(d, ns, ds)
    # That restarts the daemon, and simulated nodes forget what they have.
    life(d, "/nodes/" + ns[0])
    life(d, "/devices/" + ds[0])
finally:
    d.stop()
etcd.require()
replicas()
tap.done()
