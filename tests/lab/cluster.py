# SPDX-License-Identifier: GPL-2.0-or-later
"""Storage nodes on this machine, and a service of several replicas before them.

    nodes = Nodes(dir)      # in a network namespace of our own
    nodes.up()
    nodes.sh("node1", "lvs")
    nodes.down()

Where the kernel has device-mapper the nodes are namespaces on it; otherwise
they are in a User-mode Linux, which a veth pair puts on the same bridge.  The
service, and clients that mount volumes, run on this kernel either way, and see
the same addresses: 198.18.0.1 is us, .2 the machine of the nodes, .11 and up
the nodes.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import tap
import lab

HERE = os.path.dirname(os.path.abspath(__file__))
NET = "198.18.0."
US, MACHINE = NET + "1", NET + "2"
AGENT_PORT = 7
BRIDGE = "lab0"
DISK_GB = 500
UML_DISKS = 15          # ubdb and on


def address(i):
    return NET + str(11 + i)


def name(i):
    return "node%d" % (i + 1)


def has_thin_pools():
    subprocess.run(["modprobe", "-q", "dm-thin-pool"],
                   stderr=subprocess.DEVNULL)
    return "thin-pool" in lab.sh("dmsetup", "targets", check=False)


class Failed(RuntimeError):
    """A command on a node that did not end with 0."""


class Result:
    def __init__(self, reply):
        self.status = reply["status"]
        self.out = reply.get("out", "")
        self.err = reply.get("err", "")

    def __repr__(self):
        return "status %d\n%s%s" % (self.status, self.out, self.err)


class Nodes:
    def __init__(self, d, count=4, disks=3, disk_gb=DISK_GB, max_sessions=10,
                 uml=None):
        self.dir = d
        self.count = count
        self.ndisks = disks
        self.disk_gb = disk_gb
        self.max_sessions = max_sessions
        self.uml = not has_thin_pools() if uml is None else uml
        self.names = [name(i) for i in range(count)]
        self.addresses = {name(i): address(i) for i in range(count)}
        self.process = None
        self.loops = []
        self.local = threading.local()

    def disk_names(self):
        return ["sd" + chr(ord("b") + i) for i in range(self.ndisks)]

    def file_of(self, node, disk):
        """The sparse file behind a disk."""
        return "%s/disks/%s-%s" % (self.dir, node, disk)

    # ---- up ----

    def _keys(self):
        """Ours, and each node's."""
        os.makedirs(self.dir + "/keys")
        for key in ["client", "wrong"] + self.names:
            lab.sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key,
                   "-f", "%s/keys/%s" % (self.dir, key))
        self.key = self.dir + "/keys/client"
        self.known_hosts = self.dir + "/keys/known_hosts"
        with open(self.known_hosts, "w") as f:
            for n in self.names:
                f.write("%s,%s %s" % (n, self.addresses[n],
                                      self._read("keys/%s.pub" % n)))

    def _read(self, path):
        with open(self.dir + "/" + path) as f:
            return f.read()

    def hosts(self):
        return "".join("%s %s\n" % x for x in [
            ("127.0.0.1", "localhost"), (US, "service"),
            (MACHINE, "machine")] + [(a, n) for n, a in
                                     self.addresses.items()])

    def _disks(self):
        """{node: {disk: device}}; a device is a path, or what User-mode Linux
        calls it."""
        os.makedirs(self.dir + "/disks")
        all_, ubd = {}, []
        for n in self.names:
            all_[n] = {}
            for d in self.disk_names():
                path = self.file_of(n, d)
                with open(path, "wb") as f:
                    f.truncate(self.disk_gb << 30)
                if self.uml:
                    letter = chr(ord("b") + len(ubd))
                    ubd.append("ubd%s=%s" % (letter, path))
                    all_[n][d] = "/dev/ubd" + letter
                else:
                    dev = lab.sh("losetup", "-f", "--show", path).strip()
                    self.loops.append(dev)
                    all_[n][d] = dev
        assert len(ubd) <= UML_DISKS
        return all_, ubd

    def _spec(self, disks):
        return {
            "dir": "/media/nodes" if self.uml else self.dir + "/nodes",
            "bridge": BRIDGE,
            "uplink": "vec0" if self.uml else None,
            "address": MACHINE + "/24",
            "agent": [MACHINE, AGENT_PORT],
            "nodes": [{
                "name": n, "address": self.addresses[n] + "/24",
                "disks": disks[n], "hosts": self.hosts(),
                "host_key": self._read("keys/" + n),
                "authorized_keys": self._read("keys/client.pub"),
                "max_sessions": self.max_sessions,
            } for n in self.names]}

    def _network(self):
        lines = ("link set lo up\n"
                 "link add %s type bridge\nlink set %s up\n"
                 "addr add %s/24 dev %s\n" % (BRIDGE, BRIDGE, US, BRIDGE))
        if self.uml:
            lines += ("tuntap add uml0 mode tap\nlink set uml0 master %s\n"
                      "link set uml0 up\n" % BRIDGE)
        else:
            lines += "addr add %s/24 dev %s\n" % (MACHINE, BRIDGE)
        r = subprocess.run(["ip", "-batch", "-"], input=lines, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if r.returncode:
            raise RuntimeError("network: " + r.stdout)

    def _uml_command(self, ubd, env):
        return [lab.UML, "mem=%dM" % 3072, "rootfstype=hostfs",
                "rootflags=/", "ro", "init=" + HERE + "/machine-init",
                "con=null", "con0=fd:0,fd:1", "quiet",
                "vec0:transport=tap,ifname=uml0,depth=128,gro=1",
                "uml_dir=" + self.dir, "umid=uml",
                "LAB_OUT=" + self.out, "LAB_MACHINE=" + HERE + "/machine.py",
                *ubd, *env]

    def _start_machine(self, ubd, preexec=None, env=()):
        argv = self._uml_command(ubd, env) if self.uml else \
            ["unshare", "-m", "--propagation", "private", sys.executable,
             HERE + "/machine.py", self.out + "/spec.json"]
        with open(self.out + "/console", "ab") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=preexec,
                env=dict(os.environ, TMPDIR=self.dir))

    def up(self, seconds=120):
        self.out = self.dir + "/out"
        os.makedirs(self.out)
        self._keys()
        disks, ubd = self._disks()
        self._network()
        with open(self.out + "/spec.json", "w") as f:
            json.dump(self._spec(disks), f)
        self._start_machine(ubd)
        if self._wait(seconds):
            return
        if self.uml and "set fp regs failed" in self.console():
            self._end_process()
            self._start_machine(ubd, lab._hide_xstate, lab._SSE_ONLY)
            if self._wait(seconds):
                return
        raise RuntimeError("the nodes did not come up:\n" + self.console())

    def _wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self._connect(1):
                    return True
            except OSError:
                time.sleep(0.1)
        return False

    def console(self):
        text = ""
        for f in "console", "machine.log":
            try:
                with open(self.out + "/" + f, errors="replace") as g:
                    text += g.read()[-4000:]
            except FileNotFoundError:
                pass
        return text

    # ---- talking to the agent ----

    def _connect(self, timeout=None):
        s = socket.create_connection((MACHINE, AGENT_PORT), timeout or 10)
        s.settimeout(600)
        self.local.file = s.makefile("rwb")
        return self.local.file

    def ask(self, **q):
        f = getattr(self.local, "file", None) or self._connect()
        f.write(json.dumps(q).encode() + b"\n")
        f.flush()
        line = f.readline()
        if not line:
            self.local.file = None
            raise RuntimeError("the machine of the nodes is gone:\n" +
                               self.console())
        return json.loads(line)

    def run(self, node, script, seconds=120, **more):
        """On a node (None: on their machine) past sshd: a Result."""
        return Result(self.ask(do="run", node=node, sh=script,
                               seconds=seconds, **more))

    def sh(self, node, script, **more):
        r = self.run(node, script, **more)
        if r.status != 0:
            raise Failed("%s: %s: %r" % (node, script, r))
        return r.out

    def kill(self, node):
        """Power off."""
        r = self.ask(do="kill", node=node)
        assert r["status"] == 0, r

    def start(self, node):
        r = self.ask(do="start", node=node)
        assert r["status"] == 0, r

    # ---- down ----

    def _end_process(self):
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process = None

    def down(self):
        if self.process is not None and self.process.poll() is None and \
                not self.uml:
            try:
                self.ask(do="end")
                self.process.wait(30)
            except (OSError, RuntimeError, subprocess.TimeoutExpired):
                pass
        self._end_process()
        for dev in self.loops:
            lab.sh("losetup", "-d", dev, check=False)
        self.loops = []
