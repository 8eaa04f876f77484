#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line and the daemon together: from a topology file to a volume
and back, on simulated nodes."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import subprocess
import tempfile

tmp = tempfile.TemporaryDirectory()
KEYS = {"HEKETI_ADMIN_KEY": "admin key", "HEKETI_USER_KEY": "user key"}
env = {k: v for k, v in os.environ.items()
       if not k.startswith(("HEKETI_", "BRICKYARD_"))}
topology = {"clusters": [{"nodes": [
    {"node": {"hostnames": {"manage": ["m%d" % i], "storage": ["s%d" % i]},
              "zone": i}, "devices": ["/dev/sdb", {"name": "/dev/sdc"}]}
    for i in (1, 2, 3)]}]}


def brickyard(*args, key="admin key", user="admin"):
    p = subprocess.run([os.path.join(tap.BUILDDIR, "brickyard"), *args],
                       capture_output=True, text=True, timeout=60,
                       env=dict(env, BRICKYARD_CLI_SERVER=url,
                                BRICKYARD_CLI_USER=user,
                                BRICKYARD_CLI_KEY=key))
    return p.returncode, p.stdout, p.stderr


def succeeds(name, *args):
    status, out, err = brickyard(*args)
    tap.is_((status, err), (0, ""), name)
    return out


def session():
    file = os.path.join(tmp.name, "topology.json")
    with open(file, "w") as f:
        json.dump(topology, f)
    out = succeeds("topology load", "topology", "load", "--json=" + file)
    tap.is_((out.count("Creating node"), out.count("... OK")), (3, 6),
            "adds three nodes with two devices each")
    out = succeeds("topology load again", "topology", "load", "-j", file)
    tap.is_((out.count("Found node"), out.count("Found device"),
             out.count("...")), (3, 6, 0), "adds nothing")
    volume = json.loads(succeeds("volume create", "volume", "create",
                                 "--size=10", "--name=v", "--json"))
    tap.is_((volume["name"], volume["size"], len(volume["bricks"])),
            ("v", 10, 3), "makes a volume of three bricks")
    tap.has(succeeds("volume list", "volume", "list"),
            "Id:%s " % volume["id"], "shows it")
    tap.has(succeeds("volume expand", "volume", "expand", volume["id"],
                     "--expand-size=5"), "\nSize: 15\n", "expands it")
    tap.has(succeeds("topology info", "topology", "info"),
            "\tName: v\n\tSize: 15\n", "topology info has it")
    device = volume["bricks"][0]["device"]
    tap.has(succeeds("device info", "device", "info", device),
            "Id:%s   Size (GiB):10" % volume["bricks"][0]["id"],
            "device info has its brick")
    operations = succeeds("operations", "operations")
    line = next(x for x in operations.splitlines() if "create-volume" in x)
    tap.has(line, "  Target:" + volume["id"], "are listed")
    tap.has(line, "Status:done  Stage:", "with their status")
    tap.has(succeeds("operations ID", "operations",
                     line.split()[0].partition(":")[2]),
            "kind: create-volume\nstatus: done\n", "shows one")
    tap.has(succeeds("replicas", "replicas"), "Operations:0  ",
            "says who serves")
    tap.has(succeeds("plugins", "plugins"), "Name:replicate ", "are listed")
    tap.is_(brickyard("volume", "create", "--size=100000"),
            (255, "", "Error: Failed to allocate new volume: No space\n"),
            "a volume that is too large is refused")
    tap.is_(brickyard("cluster", "list", key="user key", user="user"),
            (255, "", "Error: Administrator access required\n"),
            "the user may not see clusters")
    tap.is_(succeeds("volume delete", "volume", "delete", volume["id"]),
            "Volume %s deleted\n" % volume["id"], "deletes it")
    tap.is_(succeeds("volume list", "volume", "list"), "", "it is gone")
    tap.has(succeeds("server operations info", "server", "operations",
                     "info"), "  In-Flight: 0\n", "nothing is going on")


def administration():
    tap.is_(succeeds("loglevel get", "loglevel", "get"), "info\n", "as set")
    tap.is_(succeeds("loglevel set", "loglevel", "set", "warning"),
            "Server log level updated\n", "is heard")
    tap.is_(json.loads(succeeds("loglevel get --json", "loglevel", "get", "--json")),
            {"loglevel": {"glusterfs": "warning"}}, "and kept")
    tap.is_(brickyard("loglevel", "set", "loud"),
            (255, "", "Error: invalid log level: loud\n"), "but not any")
    tap.is_(succeeds("server mode set", "server", "mode", "set",
                     "local-client"), "", "says nothing")
    tap.is_(succeeds("server mode get", "server", "mode", "get"),
            "local-client\n", "is kept")
    tap.is_(brickyard("server", "mode", "set", "open"),
            (255, "", "Error: validation failed: state: must be a valid"
             " value.\n"), "an unknown mode")
    succeeds("server mode set", "server", "mode", "set", "normal")


def plan():
    file = os.path.join(tmp.name, "topology.json")

    def write(change):
        change(topology["clusters"][0])
        with open(file, "w") as f:
            json.dump(topology, f)
    tap.has(succeeds("topology validate", "topology", "validate", "-j", file),
            ": 1 cluster, 3 nodes, 6 devices\n", "the file is good")
    tap.is_(succeeds("topology diff", "topology", "diff", "-j", file), "",
            "what was loaded is no difference")
    write(lambda c: c.update(block=False))
    write(lambda c: c["nodes"].append(
        {"node": {"hostnames": {"manage": ["m4"], "storage": ["s4"]},
                  "zone": 4}, "devices": ["/dev/sdb"]}))
    status, out, err = brickyard("topology", "diff", "-j", file)
    tap.is_((status, err), (1, ""), "then there is a difference")
    dry = succeeds("topology apply --dry-run", "topology", "apply",
                   "--dry-run", "-j", file)
    tap.is_(dry, out, "which is what would be done")
    tap.is_(dry.count("\n"), 3, "a flag, a node and a device")
    tap.is_(succeeds("topology apply", "topology", "apply", "-j", file),
            dry.replace("\n", " ... OK\n"), "does it")
    tap.is_(succeeds("topology diff", "topology", "diff", "-j", file), "",
            "nothing is left to do")
    tap.is_(succeeds("topology apply", "topology", "apply", "-j", file), "",
            "and nothing is done again")


daemon = subprocess.Popen(
    [os.path.join(tap.BUILDDIR, "brickyardd"), "--listen", "127.0.0.1:0",
     "--store", "sqlite:" + os.path.join(tmp.name, "db")],
    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    env=dict(env, HEKETI_EXECUTOR="mock", **KEYS))
try:
    ready = daemon.stdout.readline()
    if tap.ok(ready.startswith("brickyardd: ready on "), "the daemon starts"):
        url = "http://" + ready.split()[-1]
        session()
        administration()
        plan()
finally:
    daemon.terminate()
    tap.is_(daemon.wait(30), 0, "and ends")
    tmp.cleanup()
tap.done()
