#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""heketi-cli, as published, and ours under that name say the same: a session as
the tutorials show it, on a daemon each, and then every command that only looks,
and every mistake, on the same daemon, byte for byte."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import concurrent.futures
import difflib
import json
import re
import subprocess
import tempfile

import golang
from daemon import ADMIN_KEY, Daemon

UNKNOWN = "0123456789abcdef0123456789abcdef"
tmp = tempfile.TemporaryDirectory(prefix="heketi-cli-")
REAL = golang.compile("tests/conformance/heketi-cli", "heketi-cli", "build",
                      "github.com/heketi/heketi/client/cli/go")
OURS = os.path.join(tmp.name, "heketi-cli")
os.symlink(os.path.join(tap.BUILDDIR, "brickyard"), OURS)
TOPOLOGY = os.path.join(tmp.name, "topology.json")


def write_topology(nodes):
    with open(TOPOLOGY, "w") as f:
        json.dump({"clusters": [{"nodes": [
            {"node": {"hostnames": {"manage": ["node%d.example" % i],
                                    "storage": ["192.0.2.%d" % i]}, "zone": i},
             "devices": ["/dev/sdb", {"name": "/dev/sdc",
                                      "destroydata": False}]}
            for i in nodes]}]}, f)


class Cli:
    def __init__(self, program, daemon):
        self.program = program
        self.daemon = daemon
        self.dir = tempfile.mkdtemp(dir=tmp.name)

    def __call__(self, *args, key=ADMIN_KEY, server=None):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("HEKETI_", "BRICKYARD_"))}
        p = subprocess.run(
            [self.program, *args], capture_output=True, text=True, timeout=120,
            cwd=self.dir, env=dict(
                env, HEKETI_CLI_SERVER=server or self.daemon.url,
                HEKETI_CLI_USER="admin", HEKETI_CLI_KEY=key))
        return p.returncode, p.stdout, p.stderr

    def json(self, *args):
        status, out, err = self(*args, "--json")
        if status != 0:
            raise AssertionError("%s: %d %s" % (args, status, err))
        return json.loads(out)


# ---- where ours differs on purpose ----

# What came after the published version, in ours.
LATER = (
    (r"^(Create Path|Physical Volume UUID|Known Paths|UsableSize):.*\n"
     r"(?:    .*\n)*", ""),
    (r"^\t\t\tKnown Paths: .*\n\n", ""),
    # Ours says where, too, and what.
    (r"^/\S+: .*\n(?=Error: Unable to)", ""))
# What was changed there, in the published one.
EARLIER = (
    (r"^Name: /dev/.*\n(?=State: )", ""),
    (r"^(\t\tId:\S+) +Name:/dev/\S+ +State:", r"\1   State:"),
    (r"(?<=^Node information:\n)Id:", "Node Id:"),
    (r"^(Management|Storage) Hostname (?=\w)", r"\1 Hostname: "),
    (r"\balreay\b", "already"))
# Mistakes that the published version takes for none, or for others.
OWN = {
    "device resync": "object/cluster id missing",
    "device resync ID": "Id not found",
    "setup-openshift-heketi-storage --durability=disperse":
        "Durability disperse is not supported for heketi database storage"}


def changed(text, changes):
    for old, new in changes:
        text = re.sub(old, new, text, flags=re.M)
    if text.startswith("{"):
        try:
            return json.dumps(without(json.loads(text)), sort_keys=True)
        except ValueError:
            pass
    return text


def without(value):
    """Members that its structs do not have; and null is as good as nothing."""
    if isinstance(value, dict):
        return {k: without(v) for k, v in value.items()
                if k not in ("paths", "pv_uuid", "usablesize")}
    return [without(v) for v in value] if isinstance(value, list) else value


def compare(name, real, ours):
    real, ours = ((r[0], changed(r[1], how), changed(r[2], how))
                  for r, how in ((real, EARLIER), (ours, LATER)))
    if not tap.ok(real == ours, name):
        tap.diag("status %s, ours %s" % (real[0], ours[0]))
        for part in (1, 2):
            tap.diag(*difflib.unified_diff(
                real[part].split("\n"), ours[part].split("\n"), "heketi-cli",
                "ours", n=1, lineterm=""))


# ---- a session ----

class Names:
    """Ids and generated words, in the order in which they are seen."""

    def __init__(self):
        self.ids = {}

    def __call__(self, text):
        text = re.sub(r"[0-9a-f]{32}", lambda m: self.ids.setdefault(
            m.group(), "ID%d" % len(self.ids)), text)
        # Hosts come in order of their random ids.
        text = re.sub(r"192\.0\.2\.\d", "HOST", text)
        return re.sub(r"glusterfs-[0-9a-f]{8}\b", "glusterfs-ID", text)


def listfile(cli):
    """What was saved for Kubernetes, but the database itself."""
    with open(os.path.join(cli.dir, "heketi-storage.json")) as f:
        doc = json.load(f)
    for item in doc["items"]:
        if item["kind"] == "Secret":
            assert len(item["data"].pop("heketi.db")) > 0
    return json.dumps(doc, indent=1, sort_keys=True)


def session(cli):
    """Yields (name, (status, out, err)) of each step, with names for ids."""
    names = Names()

    def step(*args, sort=False):
        status, out, err = cli(*args)
        out, err = names(out), names(err)
        if sort:
            out = "\n".join(sorted(out.split("\n")))
        return " ".join(names(a).replace(tmp.name, "") for a in args), \
            (status, out, err)

    write_topology((1, 2, 3))
    yield step("topology", "load", "--json=" + TOPOLOGY)
    write_topology((1, 2, 3, 4))
    yield step("topology", "load", "-j", TOPOLOGY)
    yield step("cluster", "list")
    cluster = cli.json("cluster", "list")["clusters"][0]
    yield step("cluster", "setflags", cluster, "--block=false")
    yield step("cluster", "setflags", cluster, "--block=true")
    yield step("volume", "create", "--size=10", "--name=web",
               "--persistent-volume", "--persistent-volume-endpoint=ep")
    file = os.path.join(cli.dir, "pv.json")
    yield step("volume", "create", "--size=10", "--name=web2",
               "--persistent-volume-file=pv.json",
               "--persistent-volume-endpoint=ep", "--gid=4711")
    with open(file) as f:
        yield "pv.json", (0, names(f.read()), "")
    for args in (["--name=a"], ["--name=b", "--durability=none"],
                 ["--name=c", "--replica=2", "--snapshot-factor=1.5"],
                 ["--name=d", "--durability=disperse", "--disperse-data=2",
                  "--redundancy=1"],
                 ["--name=e", "--gluster-volume-options=nfs.disable on,"
                  "performance.io-cache off"],
                 ["--name=host", "--block"], ["--name=a"]):
        yield step("volume", "create", "--size=20", *args)
    top = cli.json("topology", "info")["clusters"][0]
    volumes = {v["name"]: v["id"] for v in top["volumes"]}
    for name in sorted(volumes):
        names(volumes[name])
    yield step("volume", "list", sort=True)
    yield step("volume", "info", volumes["a"])
    yield step("volume", "expand", "--volume=" + volumes["a"],
               "--expand-size=5")
    yield step("volume", "clone", volumes["a"], "--name=copy")
    yield step("volume", "clone", volumes["host"])
    yield step("volume", "delete", volumes["b"])
    for word, name in (("locked", "host"), ("unlocked", "host"),
                       ("locked", "a")):
        yield step("volume", "set-block-hosting-restriction", word,
                   volumes[name])
    yield step("blockvolume", "create", "--size=3", "--name=disk", "--ha=2",
               "--auth")
    blocks = cli.json("blockvolume", "list")["blockvolumes"]
    yield step("blockvolume", "info", blocks[0])
    yield step("volume", "delete", volumes["host"])
    yield step("blockvolume", "delete", blocks[0])
    yield step("node", "add", "--zone=5", "--cluster=" + cluster,
               "--management-host-name=node9", "--storage-host-name=192.0.2.9")
    top = cli.json("topology", "info")["clusters"][0]
    nodes = {n["hostnames"]["manage"][0]: n for n in top["nodes"]}
    node = nodes["node9"]["id"]
    yield step("device", "add", "--name=/dev/sdb", "--node=" + node)
    yield step("node", "settags", node, "a:b", "c:d:e")
    # Its tags come in any order.
    yield step("node", "info", node, sort=True)
    yield step("node", "rmtags", node, "a")
    device = cli.json("node", "info", node)["devices"][0]["id"]
    yield step("device", "settags", device, "arbiter:required")
    yield step("device", "info", device)
    yield step("device", "resync", device)
    yield step("node", "delete", node)
    for word in ("disable", "enable", "remove", "disable", "remove", "enable",
                 "delete"):
        yield step("device", word, device)
    for word in ("disable", "enable", "delete"):
        yield step("node", word, node)
    busy = cli.json("volume", "info", volumes["a"])["bricks"][0]["device"]
    yield step("device", "disable", busy)
    yield step("device", "remove", busy)
    yield step("device", "delete", busy)
    yield step("loglevel", "set", "debug")
    yield step("server", "mode", "set", "local-client")
    yield step("server", "mode", "get")
    yield step("server", "mode", "set", "normal")
    yield step("server", "operations", "cleanup")
    yield step("setup-openshift-heketi-storage", "--image=heketi:1")
    yield "heketi-storage.json", (0, names(listfile(cli)), "")
    yield step("setup-openshift-heketi-storage")
    yield step("volume", "delete", next(
        v["id"] for v in cli.json("topology", "info")["clusters"][0]["volumes"]
        if v["name"] == "heketidbstorage"))
    yield step("cluster", "delete", cluster)


real, ours = Cli(REAL, Daemon(auth=True)), Cli(OURS, Daemon(auth=True))
names = []
for (name, a), (name_, b) in zip(session(real), session(ours)):
    compare("session: " + name, a, b)
    names.append((name, name_))
tap.ok(len(names) > 50, "the session went on to its end: %d steps" % len(names))

# ---- the same daemon, the same bytes ----

ours.daemon.stop()
ours.daemon = real.daemon
d = real.daemon
cluster = d.json("GET", "/clusters")["clusters"][0]
volumes = d.json("GET", "/volumes")["volumes"]
node = d.json("GET", "/clusters/" + cluster)["nodes"][0]
device = d.json("GET", "/nodes/" + node)["devices"][0]["id"]
host = next(v for v in volumes if d.json("GET", "/volumes/" + v).get("block"))
real("blockvolume", "create", "--size=2", "--name=disk2")
block = d.json("GET", "/blockvolumes")["blockvolumes"][0]
for target, word in (("node", node), ("device", device)):
    real(target, "settags", word, "arbiter:disabled")

LOOKS = ["cluster list", "cluster info %s" % cluster, "node list",
         "node info %s" % node, "device info %s" % device, "volume list",
         "blockvolume list", "blockvolume info %s" % block, "topology info",
         "db dump", "db check", "loglevel get", "server operations info",
         "server mode get"] + \
    ["volume info %s" % v for v in volumes]
MISTAKES = (
    "foo", "--foo", "volume create", "volume create --size=0",
    "volume create --size=x", "volume create --size", "volume create --size=-1",
    "volume create --size=1 --name=a/b", "volume create --size=1 --gid=-1",
    "volume create --size=1 --replica=4", "volume create --size=100000",
    "volume create --size=1 --clusters=bad", "volume create --size=1 --foo",
    "volume create --size=1 --durability=magic",
    "volume create --size=1 --persistent-volume",
    "volume create --size=10 --durability=disperse --disperse-data=9",
    "volume info", "volume info ID", "volume info xyz", "volume delete",
    "volume delete ID", "volume delete %s" % host, "volume expand",
    "volume expand --volume=ID", "volume expand --expand-size=1",
    "volume expand --volume=ID --expand-size=1", "volume clone",
    "volume clone ID", "volume clone %s --name=a/b" % volumes[0],
    "volume set-block-hosting-restriction locked",
    "volume set-block-hosting-restriction locked ID",
    "cluster info", "cluster info ID", "cluster delete", "cluster delete ID",
    "cluster delete %s" % cluster, "cluster setflags", "cluster setflags ID",
    "cluster setflags %s" % cluster, "cluster setflags ID --block=true",
    "cluster list --foo", "cluster list -x",
    "node info", "node info ID", "node delete", "node delete ID",
    "node delete %s" % node, "node enable", "node enable ID", "node disable",
    "node disable ID", "node remove", "node remove ID", "node remove %s" % node,
    "node add", "node add --zone=1", "node add --zone=1 --cluster=ID",
    "node add --zone=1 --cluster=ID --management-host-name=m",
    "node add --zone=1 --cluster=ID --management-host-name=m "
    "--storage-host-name=s",
    "node add --zone=1 --cluster=%s --management-host-name=node1.example "
    "--storage-host-name=s" % cluster,
    "node add --zone=-1 --cluster=%s --management-host-name=m "
    "--storage-host-name=s" % cluster,
    "node settags", "node settags ID", "node settags ID a",
    "node settags ID a:b", "node rmtags", "node rmtags ID", "node rmtags ID a",
    "node settags %s a$:b" % node, "node rmtags %s --all a" % node,
    "device add", "device add --name=/dev/sdz", "device add --node=ID",
    "device add --name=sdz --node=%s" % node, "device add --name=/dev/sdz "
    "--node=ID", "device delete", "device delete ID",
    "device delete %s" % device, "device remove", "device remove ID",
    "device remove %s" % device, "device enable", "device enable ID",
    "device disable", "device disable ID", "device info", "device info ID",
    "device settags", "device rmtags",
    "device settags ID a", "device rmtags ID",
    "blockvolume create", "blockvolume create --size=-1",
    "blockvolume create --size=1 --ha=-1", "blockvolume create --size=100000",
    "blockvolume create --size=1 --name=a/b", "blockvolume info",
    "blockvolume info ID", "blockvolume delete", "blockvolume delete ID",
    "topology load", "topology load --json=/nonexistent",
    "topology load --json=/dev/null", "loglevel set", "loglevel set loud",
    "loglevel set a b", "server mode set", "server mode set open",
    "server mode set a b", "server operations info ID",
    "setup-openshift-heketi-storage --foo")

lines = [x + more for x in LOOKS for more in ("", " --json")] + list(MISTAKES)


def both(line):
    args = line.replace("ID", UNKNOWN).split()
    return real(*args), ours(*args)


with concurrent.futures.ThreadPoolExecutor(4) as pool:
    for line, (a, b) in zip(lines, pool.map(both, lines)):
        compare(line, a, b)
# Help has words of its own, but the same status, on the same stream.
for line in ("", "--json", "-- foo", "help", "help foo", "help volume foo",
             "volume", "volume foo", "volume foo --json", "server operations x",
             "server state examine foo", "volume create --help=1"):
    a, b = both(line)
    tap.is_((b[0], bool(b[1]), bool(b[2])), (a[0], bool(a[1]), bool(a[2])),
            "heketi-cli %s shows help" % line)
for line, text in OWN.items():
    tap.is_(ours(*line.replace("ID", UNKNOWN).split()),
            (255, "", "Error: %s\n" % text), "ours: " + line)
compare("a wrong secret", *(c("volume", "list", key="x") for c in (real, ours)))
tap.is_(d.stop(), 0, "the daemon ends well")
tap.done()
