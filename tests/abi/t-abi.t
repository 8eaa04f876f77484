#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Plug-ins built with the headers of old ABI versions load and work for ever;
and the frozen headers are what they were."""
import hashlib
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import tap
from daemon import BUILDDIR, Daemon

HERE = os.path.join(tap.SRCDIR, "tests", "abi")
VERSIONS = ("1.0", "1.1")
OLD = [os.path.join(BUILDDIR, "tests", "abi", v, ".libs") for v in VERSIONS]
PATH = {"BRICKYARD_PLUGIN_PATH": ":".join(OLD + [BUILDDIR])}

# Of each frozen file, at the time it was frozen.
FROZEN = {
    "1.0/abi10-executor.c":
        "b3f09bf89b7a4e61b6985937dc3a187a85205ae9722927cbc7eda05db4ddff16",
    "1.0/abi10-type.c":
        "6be3abeb1c236eb325a2c4b301350e7c8776514fe19dfab37ea4a48210b8367b",
    "1.0/brickyard/common.h":
        "c06dfcfd29ae2514c0fea4938900c3ffd511e2de7c67b3334330265a897ea3a4",
    "1.0/brickyard/executor.h":
        "32e5d5875e8e270c6613149f60c09d3e74b8528e37c47b1b90d4d0ca765ee67a",
    "1.0/brickyard/volume-type.h":
        "db349162ac0ad659627b8ae6aeeb4ba115d9879c45f720627e005aa74fd5bc30",
    "1.1/abi11-executor.c":
        "d686ed2089b89cdf684c9d3b39ff4b968316b728fb07c785fb5ca82d0c7b768d",
    "1.1/abi11-type.c":
        "105da9af4e7e97af3f0c2778853658153ba3418363a414a564c7ec68d421b045",
    "1.1/brickyard/common.h":
        "c738841eb0da15a8d48452a011ccf1c0e58cb405bd471731eb2dee46b7285f5e",
    "1.1/brickyard/executor.h":
        "885c6f59a8c3a5170b1d39145632bad7cb2c095952df4f3f487c111dbbd323e3",
    "1.1/brickyard/volume-type.h":
        "397eea20281963bd1ef016c31ee477ca10a3100c443911c3bf595eda65563ec8",
}


def frozen():
    for name, want in sorted(FROZEN.items()):
        with open(os.path.join(HERE, name), "rb") as f:
            tap.is_(hashlib.sha256(f.read()).hexdigest(), want,
                    "%s is what it was" % name)


def ask(*args):
    return subprocess.run([os.path.join(BUILDDIR, "brickyardd")] + list(args),
                          env=dict(os.environ, **PATH), text=True,
                          stdout=subprocess.PIPE).stdout


def listed(version, digits):
    lines = ask("--list-plugins").splitlines()
    for name, kind in (digits + "-executor", "executor"), \
            (digits + "-type", "volume-type"):
        at = [i for i, x in enumerate(lines) if x.split()[1:2] == [name]]
        tap.is_(len(at), 1, "%s is listed once" % name)
        words = lines[at[0]].split()
        tap.is_((words[0], words[3]), (kind, version), "as of ABI " + version)
        tap.ok(at[0] + 1 == len(lines) or
               not lines[at[0] + 1].startswith("refused"), "and not refused")
        dump = ask("--dump-plugin", name)
        tap.ok("\nabi_major=1\nabi_minor=%s\n" % version[2:] in dump,
               "--dump-plugin knows it")


def used(digits):
    kind = digits + "-type"
    d = Daemon(executor=digits + "-executor", env=PATH, config={
        "executors": {digits + "-executor": {"device_gib": 50}}})
    try:
        _, _, devices = d.topology(nodes=5)
        info = d.json("GET", "/devices/" + devices[0])
        tap.is_(info["storage"]["total"], 50 << 20, "its options reach it")
        for durability, bricks in (
                ({"type": kind}, 3),
                ({"type": kind, kind: {"copies": 5}}, 5),
                ({"type": "replicate", "replicate": {"replica": 3}}, 3)):
            status, _, body = d.run("POST", "/volumes", {
                "size": 2, "durability": durability})
            tap.is_(status, 200, "a volume: %s" % json.dumps(durability))
            v = json.loads(body)
            tap.is_(len(v["bricks"]), bricks, "its bricks")
            tap.is_(d.run("POST", "/volumes/%s/expand" % v["id"],
                          {"expand_size": 1})[0], 200, "is expanded")
            tap.is_(d.run("DELETE", "/volumes/" + v["id"])[0], 204,
                    "and deleted")
        status, _, body = d.run("POST", "/volumes", {
            "size": 2, "durability": {"type": kind, kind: {"copies": 9}}})
        tap.is_((status, body), (400, b"copies: 9 is not 1 to 5\n"),
                "its own words reach the client")
        tap.is_(d.request("GET", "/devices/%s/resync" % devices[0])[0], 202,
                "an old executor's device is looked at")
    finally:
        tap.is_(d.stop(), 0, "it ends well")


def destroyed():
    """The second time with destroy_data, as it was told of nothing in the way."""
    d = Daemon(executor="abi11-executor", env=PATH)
    try:
        _, (n,), _ = d.topology(nodes=1)
        body = {"node": n, "name": "/dev/held"}
        tap.is_(d.run("POST", "/devices", body)[0], 500,
                "what an old executor finds in the way, is")
        tap.is_(d.run("POST", "/devices", dict(body, destroydata=True))[0],
                204, "and destroyed when that is asked for")
    finally:
        tap.is_(d.stop(), 0, "it ends well")


frozen()
for version in VERSIONS:
    digits = "abi" + version.replace(".", "")
    listed(version, digits)
    used(digits)
destroyed()
tap.done()
