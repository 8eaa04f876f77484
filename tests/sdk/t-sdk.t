#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Plug-ins by strangers: the examples and contrib/new-plugin's skeletons are built
from the installed package alone, where the source is out of sight, are checked with
the installed brickyard-plugin-check, and are used by configuration only."""
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import daemon
import tap
from daemon import Daemon

ROOT = os.geteuid() == 0
# The trees of the source and of the build are empty for what runs in here.
HIDE = ["unshare", "-m", "--propagation", "private", "sh", "-c",
        'for d in $BY_TREES; do mount -t tmpfs none "$d" || exit; done;'
        ' exec "$@"', "sh"]


class Package:
    """Brickyard as `make install` left it below a directory."""

    def __init__(self, top):
        self.top = top
        self.run("make", "-s", "-C", tap.BUILDDIR, "install", "DESTDIR=" + top)
        found = [os.path.join(d, f) for d, _, fs in os.walk(top) for f in fs]
        self.pc = os.path.dirname([f for f in found if f.endswith(
            "brickyard-plugin.pc")][0])
        self.bin = os.path.dirname([f for f in found if f.endswith(
            "/brickyard-plugin-check")][0])
        self.sbin = os.path.dirname([f for f in found if f.endswith(
            "/sbin/brickyardd")][0])
        self.contrib = os.path.dirname([f for f in found if f.endswith(
            "/contrib/new-plugin")][0])
        self.plugins = os.path.dirname(os.path.dirname(
            [f for f in found if f.endswith("/executors/simulated.so")][0]))

    def run(self, *argv, cwd=None, check=True, hide=False):
        env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
        env.pop("MFLAGS", None)
        if hide:
            env = dict(PATH="%s:%s" % (self.bin, os.environ["PATH"]),
                       PKG_CONFIG_PATH=self.pc, PKG_CONFIG_SYSROOT_DIR=self.top,
                       # The inner one first.
                       BY_TREES=" ".join(sorted(
                           {os.path.realpath(tap.SRCDIR),
                            os.path.realpath(tap.BUILDDIR)}, key=len,
                           reverse=True)))
            argv = HIDE + list(argv) if ROOT else argv
        p = subprocess.run(argv, cwd=cwd, env=env, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if check and p.returncode != 0:
            tap.diag(*p.stdout.splitlines()[-30:])
        return p


def sources(package, work):
    """The examples, and skeletons, in a directory far from the tree."""
    src = os.path.join(work, "src")
    shutil.copytree(os.path.join(package.contrib, "examples"), src)
    new_plugin = os.path.join(package.contrib, "new-plugin")
    for args in (["fresh-type"], ["fresh-exec", "executor"]):
        p = package.run(new_plugin, *args, cwd=src, hide=True)
        tap.is_(p.returncode, 0, "new-plugin " + " ".join(args))
    for args in (["Bad"], [], ["a b"], ["x", "thing"], ["fresh-type"]):
        p = subprocess.run([new_plugin] + args, cwd=src, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        tap.ok(p.returncode == 1 and p.stdout.startswith("new-plugin: "),
               "new-plugin %s: %s" % (args, p.stdout.strip()))
    return src


def build(package, src):
    for name in ("container-exec", "script-bridge", "thin-arbiter", "fresh-type",
                 "fresh-exec"):
        d = os.path.join(src, name)
        flags = "CFLAGS=-O1 -Wall -Wextra -Werror -pedantic"
        p = package.run("make", flags, cwd=d, hide=True)
        tap.is_(p.returncode, 0, "%s is built from what is installed" % name)
    tap.ok(not ROOT or package.run("ls", os.path.realpath(tap.SRCDIR),
                                   hide=True).stdout == "",
           "the source was out of sight" if ROOT else
           "(not root: the source was in sight)")


def checks(package, src, work):
    steps = os.path.join(work, "steps")
    for name, args in (
            ("container-exec", "--node x --option 'command=env BY=%h'"),
            ("script-bridge", "--node x --option steps=" + steps),
            ("thin-arbiter", ""), ("fresh-type", ""),
            ("fresh-exec", "--node x")):
        p = package.run("make", "-s", "check", "CHECK_ARGS=--no-valgrind " + args,
                        cwd=os.path.join(src, name), hide=True)
        tap.is_(p.returncode, 0, "%s passes brickyard-plugin-check" % name)
    p = package.run("make", "-s", "check", "CHECK_ARGS=", hide=True,
                    cwd=os.path.join(src, "thin-arbiter"))
    tap.is_(p.returncode, 0, "thin-arbiter also under valgrind, if it is there")
    p = package.run("prove", "t/check.t", cwd=os.path.join(src, "fresh-type"),
                    hide=True)
    tap.is_(p.returncode, 0, "a skeleton's test runs under prove")


def install(package, src):
    where = package.run("pkg-config", "--variable=executordir", "brickyard-plugin",
                        hide=True).stdout.strip()
    for name, end in ("mandir", "/man"), ("contribdir", "/contrib"):
        value = package.run("pkg-config", "--variable=" + name,
                            "brickyard-plugin", hide=True).stdout.strip()
        tap.ok(value.startswith("/") and value.endswith(end),
               "brickyard-plugin.pc knows %s: %s" % (name, value))
    # Some pkg-config put the system root before variables, others don't.
    destdir = "" if where.startswith(package.top) else package.top
    for name in ("container-exec", "script-bridge", "thin-arbiter"):
        p = package.run("make", "-s", "install", "DESTDIR=" + destdir,
                        "MANDIR=%s/usr/local/share/man" % (
                            "" if destdir else package.top),
                        cwd=os.path.join(src, name), hide=True)
        tap.is_(p.returncode, 0, "%s is installed" % name)


# ---- programs for script-bridge, in several languages ----

PROGRAMS = {
    "run": "#!/bin/sh\nexec /bin/sh -s\n",
    "node_check": "#!/bin/sh\nexit 0\n",
    "node_probe": "#!/bin/sh\n"
                  "printf 'check=login\\nverdict=ok\\ntext=it is here\\n'\n",
    "peer_probe": "#!/bin/sh\ngrep -q '^host=.' || exit 20\n",
    "device_prepare": """#!/usr/bin/env python3
import os, sys
about = dict(x.rstrip("\\n").split("=", 1) for x in sys.stdin if "=" in x)
if about["device_name"] == "/dev/taken":
    sys.stderr.write("something is on it\\n")
    sys.exit(18)
print("kind=block\\ntotal_bytes=%d\\nfree_bytes=%d\\nextent_bytes=4194304" %
      (100 << 30, 100 << 30))
print("path=" + about["device_name"])
""",
    "bricks_create": """#!/usr/bin/perl
use strict; local $/ = "";
while (<STDIN>) { my %b = /^([^=\\n]+)=(.*)$/mg;
    open my $f, ">", "@DIR@/brick.$b{id}" or die; print $f $b{path}; }
""",
    "bricks_destroy": """#!/usr/bin/env python3
import os, sys
for record in sys.stdin.read().split("\\n\\n"):
    about = dict(x.split("=", 1) for x in record.splitlines())
    path = "@DIR@/brick." + about["id"]
    if os.path.exists(path):
        os.remove(path)
""",
    "volume_create": "#!/bin/sh\ncat >@DIR@/volume\n",
    "volume_destroy": "#!/bin/sh\nrm -f @DIR@/volume\n",
}


def write_programs(steps, state):
    os.mkdir(steps)
    os.mkdir(state)
    for name, text in PROGRAMS.items():
        path = os.path.join(steps, name)
        with open(path, "w") as f:
            f.write(text.replace("@DIR@", state))
        os.chmod(path, 0o755)


# ---- by configuration only ----

class Installed(Daemon):
    """The installed daemon, with the installed plug-ins."""
    package = None

    def __init__(self, **more):
        was, daemon.BUILDDIR = daemon.BUILDDIR, self.package.sbin
        try:
            super().__init__(
                env={"BRICKYARD_PLUGIN_PATH": self.package.plugins}, **more)
        finally:
            daemon.BUILDDIR = was


def use_thin_arbiter():
    d = Installed()
    try:
        d.topology(nodes=4)
        found = [p for p in d.json("GET", "/v1/plugins")["plugins"]
                 if p["name"] == "thin-arbiter"]
        tap.is_(len(found), 1, "GET /v1/plugins has thin-arbiter")
        status, _, body = d.run("POST", "/volumes", {
            "size": 200, "durability": {"type": "thin-arbiter",
                                        "thin-arbiter": {"arbiter_mib": 64}}})
        tap.is_(status, 200, "a volume of it is made")
        v = json.loads(body)
        tap.is_(sorted(b["size"] for b in v["bricks"]),
                [64 << 10, 200 << 20, 200 << 20],
                "of two whole bricks and a small one")
        tap.is_(v["durability"]["type"], "thin-arbiter", "and says so")
        status, _, body = d.run("POST", "/volumes/%s/expand" % v["id"],
                                {"expand_size": 1})
        tap.ok(status == 500 and b"Maximum number of bricks" in body,
               "it has one set, and can have no more: %r" % body)
        status, _, body = d.request("POST", "/volumes", {
            "size": 1, "durability": {"type": "thin-arbiter",
                                      "thin-arbiter": {"arbiter_mib": 1}}})
        tap.is_((status, body),
                (400, b"thin-arbiter.arbiter_mib: must be 16 to 1024\n"),
                "its own words reach the client")
        tap.is_(d.run("DELETE", "/volumes/" + v["id"])[0], 204, "it goes")
        # A StorageClass: volumetype has heketi's only, volumeoptions any.
        status, _, body = d.run("POST", "/volumes", {
            "size": 4, "durability": {"type": "replicate",
                                      "replicate": {"replica": 3}},
            "glustervolumeoptions": [
                "nfs.disable on",
                "user.brickyard.volume-type thin-arbiter arbiter_mib=48"]})
        v = json.loads(body)
        tap.is_((status, v["durability"]["type"],
                 min(b["size"] for b in v["bricks"])),
                (200, "thin-arbiter", 48 << 10),
                "a volume option names any type, with parameters")
    finally:
        tap.is_(d.stop(), 0, "the daemon ends well")


def use_by_command_line(package):
    d = Installed()
    try:
        d.topology(nodes=3)
        p = subprocess.run(
            [os.path.join(package.bin, "brickyard"), "-s", d.url, "--json",
             "volume", "create", "--size=3", "--durability=thin-arbiter",
             "--durability-param", "arbiter_mib=128"], text=True,
            stdout=subprocess.PIPE)
        tap.is_(sorted(b["size"] for b in json.loads(p.stdout)["bricks"]),
                [128 << 10, 3 << 20, 3 << 20], "brickyard volume create knows it")
        metrics = d.request("GET", "/metrics")[2].decode()
        tap.ok('brickyard_volumes{asked="thin-arbiter",type="thin-arbiter"} 1'
               in metrics, "so does /metrics")
    finally:
        d.stop()


def use_bridge(steps, state):
    d = Installed(executor="script-bridge",
                  config={"executors": {"script-bridge": {"steps": steps}}})
    try:
        c, ns, _ = d.topology(nodes=3)
        status, _, body = d.run("POST", "/devices",
                                {"node": ns[0], "name": "/dev/taken"})
        tap.ok(status == 500 and b"something is on it" in body,
               "a program's reason reaches the client")
        status, _, body = d.request("GET", "/v1/nodes/%s/check" % ns[0])
        tap.ok(b"it is here" in body, "a probe by a program: %d %r" %
               (status, body))
        status, _, body = d.run("POST", "/volumes", {
            "size": 1, "durability": {"type": "replicate",
                                      "replicate": {"replica": 3}}})
        tap.is_(status, 200, "a volume made by programs")
        v = json.loads(body)
        tap.is_(sorted(f[6:] for f in os.listdir(state)
                       if f.startswith("brick.")),
                sorted(b["id"] for b in v["bricks"]), "its bricks")
        with open(os.path.join(state, "volume")) as f:
            text = f.read()
        tap.ok("word=replica\nword=3\n" in text, "its words")
        tap.is_(text.count("\npath="), 3, "its bricks, in records")
        tap.is_(d.run("DELETE", "/volumes/" + v["id"])[0], 204, "is deleted")
        tap.is_(os.listdir(state), [], "nothing is left")
    finally:
        tap.is_(d.stop(), 0, "the daemon ends well")


def use_namespaces(package):
    name = "by-sdk-%d" % os.getpid()
    if not ROOT or subprocess.run(["ip", "netns", "add", name],
                                  stderr=subprocess.DEVNULL).returncode != 0:
        tap.skip("container-exec runs scripts in a network namespace",
                 "no network namespaces here")
        return
    try:
        p = package.run(
            "brickyard-plugin-check", "--no-valgrind", "--node", name,
            "--option", "command=ip netns exec %h",
            os.path.join(package.plugins, "executors", "container-exec.so"),
            hide=True)
        tap.ok(p.returncode == 0 and "\nok       run: " in p.stdout,
               "container-exec runs scripts in a network namespace")
    finally:
        subprocess.run(["ip", "netns", "del", name])


def without(so):
    """A volume of a type that is not loaded any more."""
    os.chmod(so, 0o644)
    d = Installed()
    try:
        d.topology(nodes=3)
        status, _, body = d.run("POST", "/volumes", {
            "size": 1, "durability": {"type": "thin-arbiter"}})
        v = json.loads(body)
        before = d.json("GET", "/volumes/" + v["id"])
        os.chmod(so, 0o666)
        d.restart()
        tap.is_(d.json("GET", "/v1/plugins")["missing"],
                [{"kind": "volume-type", "name": "thin-arbiter", "volumes": 1}],
                "GET /v1/plugins tells what volumes miss")
        tap.ok("1 volumes need it" in d.log(), "so does the log")
        tap.is_(d.json("GET", "/volumes/" + v["id"]), before,
                "the volume is shown as it was")
        for method, path, what in (
                ("POST", "/volumes/%s/expand" % v["id"], {"expand_size": 1}),
                ("POST", "/volumes/%s/clone" % v["id"], {}),
                ("POST", "/bricks/to-evict/" + v["bricks"][0]["id"], None),
                ("DELETE", "/volumes/" + v["id"], None)):
            status, _, body = d.run(method, path, what)
            tap.ok(status == 500 and b"needs the volume type 'thin-arbiter', "
                   b"which is not loaded" in body,
                   "%s %s: nothing is done: %r" % (method, path, body))
        os.chmod(so, 0o644)
        d.restart()
        tap.is_(d.run("DELETE", "/volumes/" + v["id"])[0], 204,
                "when it is back, so is everything")
    finally:
        tap.is_(d.stop(), 0, "the daemon ends well")


def modes(package):
    so = os.path.join(package.plugins, "volume-types", "thin-arbiter.so")
    tap.is_(stat.S_IMODE(os.stat(so).st_mode), 0o644, "installed 0644")
    os.chmod(so, 0o666)
    try:
        d = Installed()
        try:
            found = [p for p in d.json("GET", "/v1/plugins")["plugins"]
                     if p["name"] == "thin-arbiter"]
            tap.ok("writable by group or others" in json.dumps(found),
                   "one that anybody can change is refused, and the reason told")
            d.topology(nodes=3)
            status, _, body = d.request("POST", "/volumes", {
                "size": 1, "durability": {"type": "thin-arbiter"}})
            tap.is_((status, body), (400, b"Unknown durability type\n"),
                    "and the service runs on without it")
        finally:
            d.stop()
        without(so)
    finally:
        os.chmod(so, 0o644)


def main():
    for tool in "pkg-config", "make", "cc", "pod2man":
        if shutil.which(tool) is None:
            tap.skip_all("there is no " + tool)
    work = tempfile.mkdtemp(prefix="brickyard-sdk-")
    os.chmod(work, 0o755)
    os.umask(0o022)
    try:
        steps, state = os.path.join(work, "steps"), os.path.join(work, "state")
        write_programs(steps, state)
        package = Installed.package = Package(os.path.join(work, "installed"))
        src = sources(package, work)
        build(package, src)
        checks(package, src, work)
        install(package, src)
        use_namespaces(package)
        use_thin_arbiter()
        use_by_command_line(package)
        use_bridge(steps, state)
        modes(package)
    finally:
        shutil.rmtree(work)
    tap.done()


main()
