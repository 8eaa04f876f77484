#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""heketi's Python client, as published: clusters, nodes, devices, volumes, tags.
Its tokens live for a second.  It was made for Python 2; where it minds the
difference between text and bytes, it is helped from outside."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import hashlib
import subprocess
import tempfile
import types

from daemon import ADMIN_KEY, Daemon, USER_KEY

PACKAGES = ["heketi==3.0.0", "pyjwt<2", "requests<3"]
ID = "0123456789abcdef0123456789abcdef"
tmp = tempfile.TemporaryDirectory(prefix="heketi-python-")

p = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet",
                    "--disable-pip-version-check", "--retries", "1",
                    "--target", tmp.name] + PACKAGES, capture_output=True,
                   text=True)
if p.returncode != 0:
    # It needs pip (package python3-pip) and a registry.
    tap.skip_all("Python packages can't be had here: " +
                 (p.stderr.strip().splitlines() or ["?"])[-1])
sys.path.insert(0, tmp.name)
sys.dont_write_bytecode = True
import heketi.heketi                            # noqa: E402
import jwt                                      # noqa: E402
import requests                                 # noqa: E402


def as_bytes(data):
    return data.encode() if isinstance(data, str) else data


heketi.heketi.hashlib = types.SimpleNamespace(
    sha256=lambda data: hashlib.sha256(as_bytes(data)))
heketi.heketi.jwt = types.SimpleNamespace(
    encode=lambda *args, **more: jwt.encode(*args, **more).decode())
# It sleeps two seconds between polls, longer than its tokens live.
heketi.heketi.time = types.SimpleNamespace(sleep=lambda seconds: None)

d = Daemon(auth=True)
c = heketi.HeketiClient(d.url, "admin", ADMIN_KEY)


def refused(name, status, text, call, *args):
    try:
        got = call(*args)
    except requests.exceptions.HTTPError as e:
        got = (e.response.status_code, e.response.text.strip())
    tap.is_(got, (status, text), name)


def node_request(cluster, i):
    return {"zone": 1, "cluster": cluster, "hostnames": {
        "manage": ["node%d.example" % i], "storage": ["192.0.2.%d" % i]}}


def node(cluster, i=1):
    return c.node_add(node_request(cluster, i))


def open_cluster():
    """Its create has no flags, and none means no volumes."""
    made = c.cluster_create()
    c._make_request("POST", "/clusters/%s/flags" % made["id"],
                    {"file": True, "block": True})
    return made["id"]


def device(node, name="/dev/sdb"):
    tap.ok(c.device_add({"node": node, "name": name}), "device_add")
    return next(x["id"] for x in c.node_info(node)["devices"]
                if x["name"] == name)


def state(call, id, state):
    # It takes 200 for success, which heketi never said here.
    call(id, {"state": state})


def remove(cluster):
    for n in c.cluster_info(cluster)["nodes"]:
        for x in c.node_info(n)["devices"]:
            if x["state"] == "online":
                state(c.device_state, x["id"], "offline")
            if x["state"] != "failed":
                state(c.device_state, x["id"], "failed")
            tap.ok(c.device_delete(x["id"]), "device_delete")
        tap.ok(c.node_delete(n), "node_delete")
    tap.ok(c.cluster_delete(cluster), "cluster_delete")


def check_cluster():
    tap.ok(c.hello(), "hello")
    for user, key, text in (
            ("admin", "bad", "Invalid JWT token: signature is invalid"
             " (client and server secrets may not match)"),
            ("bad", ADMIN_KEY, "Invalid JWT token: Unknown user"),
            ("user", USER_KEY, "Administrator access required")):
        bad = heketi.HeketiClient(d.url, user, key)
        refused("%s with %s" % (user, key), 401, text, bad.cluster_create)
    made = c.cluster_create()
    tap.is_(made, {"id": made["id"], "nodes": [], "volumes": [], "file": False,
                   "block": False, "blockvolumes": []}, "cluster_create")
    tap.is_(c.cluster_info(made["id"]), made, "cluster_info says the same")
    tap.is_(c.cluster_list(), {"clusters": [made["id"]]}, "cluster_list")
    refused("no such cluster", 404, "Id not found", c.cluster_info, ID)
    refused("no cluster at all", 404, "Invalid path or request",
            c.cluster_info, "xyz")
    refused("nothing to delete", 404, "Id not found", c.cluster_delete, ID)
    remove(made["id"])
    tap.is_(c.cluster_list(), {"clusters": []}, "none is left")


def check_node():
    cluster = open_cluster()
    refused("a node without anything", 400, "validation failed: cluster: "
            "cannot be blank; hostnames: (manage: cannot be blank; storage: "
            "cannot be blank.); zone: cannot be blank.", c.node_add, {})
    refused("a node nowhere", 404, "Cluster id does not exist", c.node_add,
            node_request(ID, 1))
    made = node(cluster)
    tap.is_(made, dict(node_request(cluster, 1), id=made["id"], state="online",
                       devices=[]), "node_add")
    tap.is_(c.node_info(made["id"]), made, "node_info says the same")
    tap.is_(c.cluster_info(cluster)["nodes"], [made["id"]], "is in its cluster")
    for word in ("offline", "online"):
        state(c.node_state, made["id"], word)
        tap.is_(c.node_info(made["id"])["state"], word, "node_state " + word)
    refused("a cluster with nodes", 409, "Unable to delete cluster [%s] because"
            " it contains volumes and/or nodes" % cluster, c.cluster_delete,
            cluster)
    refused("no such node", 404, "Id not found", c.node_info, ID)
    refused("nothing to delete", 404, "Id not found", c.node_delete, ID)
    remove(cluster)


def check_device():
    cluster = open_cluster()
    n = node(cluster)["id"]
    refused("a device nowhere", 404, "Node id does not exist", c.device_add,
            {"node": ID, "name": "/dev/sdb"})
    x = device(n)
    info = c.device_info(x)
    tap.is_(info["storage"], {"total": 524288000, "free": 524288000, "used": 0},
            "its storage")
    tap.is_(c.node_info(n)["devices"], [info], "node_info shows the same")
    for word in ("offline", "online"):
        state(c.device_state, x, word)
        tap.is_(c.device_info(x)["state"], word, "device_state " + word)
    refused("a device that is online", 400, "device: %s is not in failed state"
            % x, c.device_delete, x)
    refused("a node with devices", 409, "Unable to delete node [%s] because it"
            " contains devices" % n, c.node_delete, n)
    refused("no such device", 404, "Id not found", c.device_info, ID)
    remove(cluster)


def check_volume():
    refused("no clusters", 400, "No clusters configured", c.volume_create,
            {"size": 1})
    cluster = open_cluster()
    for i in range(3):
        device(node(cluster, i)["id"])
    refused("no size", 400, "validation failed: size: cannot be blank.",
            c.volume_create, {})
    refused("too large", 500, "Failed to allocate new volume: No space",
            c.volume_create, {"size": 10 ** 6})
    made = c.volume_create({"size": 10, "durability": {
        "type": "replicate", "replicate": {"replica": 3}}})
    tap.is_((made["size"], len(made["bricks"]), made["name"]),
            (10, 3, "vol_" + made["id"]), "volume_create")
    tap.is_(c.volume_info(made["id"]), made, "volume_info says the same")
    tap.is_(c.volume_list(), {"volumes": [made["id"]]}, "volume_list")
    more = c.volume_expand(made["id"], {"expand_size": 5})
    tap.is_((more["size"], len(more["bricks"])), (15, 6), "volume_expand")
    refused("expand by nothing", 400, "validation failed: expand_size: cannot"
            " be blank.", c.volume_expand, made["id"], {})
    refused("no such volume", 404, "Id not found", c.volume_info, ID)
    tap.ok(c.volume_delete(made["id"]), "volume_delete")
    refused("no longer there", 404, "Id not found", c.volume_delete, made["id"])
    tap.is_(c.volume_list(), {"volumes": []}, "none is left")
    remove(cluster)


def check_tags():
    """The published client has no calls for these; newer ones do so."""
    cluster = open_cluster()
    n = node(cluster)["id"]
    x = device(n)
    for kind, id, info in (("nodes", n, c.node_info),
                           ("devices", x, c.device_info)):
        def change(how, tags):
            return c._make_request("POST", "/%s/%s/tags" % (kind, id),
                                   {"change_type": how, "tags": tags}).json()
        tap.ok("tags" not in info(id), "%s have no tags at first" % kind)
        tap.is_(change("set", {"a": "1", "b": "2"}), {"a": "1", "b": "2"}, "set")
        tap.is_(change("update", {"b": "3"}), {"a": "1", "b": "3"}, "update")
        tap.is_(change("delete", {"a": ""}), {"b": "3"}, "delete")
        tap.is_(info(id)["tags"], {"b": "3"}, "are shown")
        tap.is_(change("set", {}), {}, "set none")
        tap.ok("tags" not in info(id), "none is left")
        refused("a bad change", 400, "validation failed: change_type: must be a"
                " valid value.", change, "x", {})
    remove(cluster)


check_cluster()
check_node()
check_device()
check_volume()
check_tags()
tap.is_(d.stop(), 0, "the daemon ends well")
tap.done()
