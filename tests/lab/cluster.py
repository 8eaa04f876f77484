# SPDX-License-Identifier: GPL-2.0-or-later
"""Storage nodes on this machine, and a service of several replicas before them.

    nodes = Nodes(dir)      # in a network namespace of our own
    nodes.up()
    nodes.sh("node1", "lvs")
    nodes.down()

Where the kernel has device-mapper the nodes are namespaces on it; otherwise
they are in User-mode Linuxes, which tap devices put on the same bridge.  The
service, and clients that mount volumes, run on this kernel either way, and see
the same addresses: 198.18.0.1 is us, .2 and .3 the machines of the nodes, .11
and up the nodes.
"""
import concurrent.futures
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import lab
import tap

HERE = os.path.dirname(os.path.abspath(__file__))
NET = "198.18.0."
US = NET + "1"
AGENT_PORT = 7
BRIDGE = "lab0"
DISK_GB = 500
UML_DISKS = 15          # ubdb and on
LEASE_MS = 6000


TRAP = """#!/bin/sh
case " $* " in
*" %(word)s"*) ;;
*) exec %(base)s/%(name)s "$@" ;;
esac
if [ %(before)d = 0 ]; then %(base)s/%(name)s "$@"; status=$?; fi
if mkdir %(base)s/hit 2>/dev/null; then
	while [ ! -e %(base)s/go ]; do sleep 0.1; done
fi
[ %(before)d = 1 ] || exit $status
exec %(base)s/%(name)s "$@"
"""


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


class Machine:
    """What nodes live on: this kernel, or a User-mode Linux."""

    def __init__(self, nodes, i, names):
        self.nodes = nodes
        self.names = names
        self.uml = nodes.uml
        self.number = i
        self.address = NET + str(2 + i)
        self.out = "%s/machine%d" % (nodes.dir, i)
        self.process = None
        self.loops = []
        self.ubd = []
        self.local = threading.local()

    # ---- up ----

    def _disk(self, node, disk):
        """The device behind a disk, as the machine calls it."""
        path = self.nodes.file_of(node, disk)
        with open(path, "wb") as f:
            f.truncate(self.nodes.sizes.get(node + "-" + disk) or
                       self.nodes.disk_gb << 30)
        if self.uml:
            letter = chr(ord("b") + len(self.ubd))
            self.ubd.append("ubd%s=%s" % (letter, path))
            assert len(self.ubd) <= UML_DISKS
            return "/dev/ubd" + letter
        dev = lab.sh("losetup", "-f", "--show", path).strip()
        self.loops.append(dev)
        return dev

    def _spec(self):
        n = self.nodes
        return {
            "dir": "/media",
            "bridge": BRIDGE,
            "uplink": "vec0" if self.uml else None,
            "address": self.address + "/24", "service": US,
            "agent": [self.address, AGENT_PORT],
            "nodes": [{
                "name": x, "address": n.addresses[x] + "/24",
                "disks": {d: self._disk(x, d) for d in n.disk_names()},
                "hosts": n.hosts(), "host_key": n.read("keys/" + x),
                "authorized_keys": n.read("keys/client.pub"),
                "max_sessions": n.max_sessions,
            } for x in self.names]}

    def _uml_command(self, env):
        return [*lab.uml_command(self.nodes.first + self.number, "machine-init",
                                 self.nodes.memory_mb, self.out),
                "vec0:transport=tap,ifname=uml%d,depth=64,gro=1" % self.number,
                "LAB_MACHINE=" + HERE + "/machine.py", *self.ubd, *env]

    def start(self, preexec=None, env=()):
        argv = self._uml_command(env) if self.uml else \
            ["unshare", "-m", "--propagation", "private", sys.executable,
             HERE + "/machine.py", self.out + "/spec.json"]
        with open(self.out + "/console", "ab") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=preexec,
                env=dict(os.environ, TMPDIR=self.nodes.dir))

    def begin(self):
        os.makedirs(self.out)
        with open(self.out + "/spec.json", "w") as f:
            json.dump(self._spec(), f)
        self.start()

    def wait(self, seconds):
        if self._wait(seconds):
            return
        if self.uml and "set fp regs failed" in self.console():
            self.end_process()
            self.start(lab._hide_xstate, lab._SSE_ONLY)
            if self._wait(seconds):
                return
        raise RuntimeError("the nodes did not come up:\n" + self.console() +
                           (lab.HINT if self.uml else ""))

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

    # ---- its agent ----

    def _connect(self, timeout=10):
        s = socket.create_connection((self.address, AGENT_PORT), timeout)
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

    # ---- down ----

    def end_process(self):
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
        self.end_process()
        for dev in self.loops:
            lab.sh("losetup", "-d", dev, check=False)
        self.loops = []


class Nodes:
    def __init__(self, d, count=4, disks=3, disk_gb=DISK_GB, max_sessions=10,
                 machines=None, memory_mb=2048, sizes=None):
        self.dir = d
        self.ndisks = disks
        self.disk_gb = disk_gb
        self.sizes = sizes or {}        # {"node1-sdb": bytes}
        self.max_sessions = max_sessions
        self.memory_mb = memory_mb
        self.uml = not has_thin_pools()
        self.names = [name(i) for i in range(count)]
        self.addresses = {name(i): address(i) for i in range(count)}
        # User-mode Linux has one processor: give each of ours one.
        k = 1 if not self.uml else machines or min(2, os.cpu_count(), count)
        # Not always the same one has more nodes.
        self.first = random.randrange(2)
        self.machines = [Machine(self, i, self.names[i::k]) for i in range(k)]
        self.of = {x: m for m in self.machines for x in m.names}

    def disk_names(self):
        return ["sd" + chr(ord("b") + i) for i in range(self.ndisks)]

    def file_of(self, node, disk):
        """The sparse file behind a disk."""
        return "%s/disks/%s-%s" % (self.dir, node, disk)

    def hosts(self):
        return "".join("%s %s\n" % x for x in [
            ("127.0.0.1", "localhost"), (US, "service")] +
            [(a, n) for n, a in self.addresses.items()])

    def read(self, path):
        with open(self.dir + "/" + path) as f:
            return f.read()

    # ---- up ----

    def _keys(self):
        """Ours, one that no node takes, and each node's."""
        os.makedirs(self.dir + "/keys")
        for key in ["client", "wrong"] + self.names:
            lab.sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key,
                   "-f", "%s/keys/%s" % (self.dir, key))
        self.key = self.dir + "/keys/client"
        self.known_hosts = self.dir + "/keys/known_hosts"
        with open(self.known_hosts, "w") as f:
            for n in self.names:
                f.write("%s,%s %s" % (n, self.addresses[n],
                                      self.read("keys/%s.pub" % n)))

    def _network(self):
        lines = ("link set lo up\n"
                 "link add %s type bridge\nlink set %s up\n"
                 "addr add %s/24 dev %s\n" % (BRIDGE, BRIDGE, US, BRIDGE))
        for m in self.machines:
            lines += ("tuntap add uml%d mode tap\nlink set uml%d master %s\n"
                      "link set uml%d up\n" % (m.number, m.number, BRIDGE,
                                               m.number)) if self.uml else \
                "addr add %s/24 dev %s\n" % (m.address, BRIDGE)
        r = subprocess.run(["ip", "-batch", "-"], input=lines, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if r.returncode:
            raise RuntimeError("network: " + r.stdout)

    def up(self, seconds=180):
        os.makedirs(self.dir + "/disks")
        self._keys()
        with open(self.dir + "/hosts", "w") as f:
            f.write(self.hosts())
        # Services and mounts here find nodes by their names, too.
        lab.sh("mount", "--bind", self.dir + "/hosts", "/etc/hosts")
        self._network()
        for m in self.machines:
            m.begin()
        for m in self.machines:
            m.wait(seconds)

    def down(self):
        for m in self.machines:
            m.down()

    # ---- what is done to nodes ----

    def run(self, node, script, seconds=120, **more):
        """On a node past sshd: a Result."""
        return Result(self.of[node].ask(do="run", node=node, sh=script,
                                        seconds=seconds, **more))

    def sh(self, node, script, **more):
        r = self.run(node, script, **more)
        if r.status != 0:
            raise Failed("%s: %s: %r" % (node, script, r))
        return r.out

    def each(self, script, nodes=None, **more):
        """On several nodes at once: {node: Result}."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            got = {x: pool.submit(self.run, x, script, **more)
                   for x in nodes or self.names}
            return {x: f.result() for x, f in got.items()}

    def look(self, script, nodes=None):
        """What the audit wants to know of nodes, past sshd: {node: reply}."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            got = {x: pool.submit(self.of[x].ask, do="look", node=x, sh=script)
                   for x in nodes or self.names}
            return {x: f.result() for x, f in got.items()}

    def _do(self, what, node):
        r = self.of[node].ask(do=what, node=node)
        if r["status"] != 0:
            raise RuntimeError("%s %s: %s" % (what, node, r.get("err")))

    # A tool on a node that stops when it is used: what a test does then
    # happens in the middle of a step.

    def trap(self, node, tool, word="", after=False):
        """The next `tool ... word ...` on the node waits for release(), before
        it does what it should or, with after, when it has done it."""
        base = "/run/trap/" + os.path.basename(tool)
        script = TRAP % {"tool": tool, "base": base, "word": word,
                         "name": os.path.basename(tool),
                         "before": 0 if after else 1}
        self.sh(node, "mkdir -p %s && cp -L %s %s/%s && cat >%s/trap && "
                "chmod 755 %s/trap && mount --bind %s/trap \"$(readlink -f %s)"
                "\"" % (base, tool, base, os.path.basename(tool), base, base,
                       base, tool), stdin=script)

    def exists(self, node, path, **size):
        """Without a process on the node; bytes=: and is so large."""
        return self.of[node].ask(do="exists", node=node, path=path,
                                 **size)["status"] == 0

    def trapped(self, node, tool):
        return self.exists(node, "/run/trap/%s/hit" % os.path.basename(tool))

    def wait_trapped(self, node, tool, seconds=60):
        """Also when more than one node has the trap: (node, ...)"""
        nodes = [node] if isinstance(node, str) else node
        found = []

        def one():
            found[:] = [x for x in nodes if self.trapped(x, tool)]
            return found
        lab.wait_for(one, seconds, 0.2)
        return found[0] if found else None

    def release(self, node, tool):
        """Who waits goes on; the tool is itself again."""
        self.sh(node, "touch /run/trap/%s/go; umount -l \"$(readlink -f %s)\""
                % (os.path.basename(tool), tool))

    def forget_trap(self, node, tool):
        self.sh(node, "rm -rf /run/trap/" + os.path.basename(tool))

    def kill_sshd(self, node):
        """The daemon and all its sessions; what these run goes on."""
        self.sh(node, "for p in /proc/[0-9]*; do [ \"$(cat $p/comm)\" != sshd"
                " ] || kill -9 ${p#/proc/}; done 2>/dev/null; true")

    def start_sshd(self, node):
        self.sh(node, "/usr/sbin/sshd -f /etc/ssh/lab_sshd_config "
                "-E /var/log/sshd.log")

    def kill(self, node):
        """Its power fails."""
        self._do("kill", node)

    def start(self, node):
        self._do("start", node)

    def running(self, node):
        return self.of[node].ask(do="status")["nodes"][node] is not None


class Lab:
    """Nodes, etcd, replicas with the ssh executor, a balancer.

    lab = Lab(dir); lab.up(); lab.load_topology()

    config: for all replicas, besides; or a function of the lab that returns
    it, called when its nodes are up.
    """

    def __init__(self, d, replicas=3, members=3, config=None, each=None,
                 **nodes):
        self.dir = d
        self.nodes = Nodes(d, **nodes)
        self.shape = {"replicas": replicas, "members": members,
                      "each": each, "cables": False}
        self.config = config or {}
        self.inst = None

    def sshexec(self, **more):
        return dict({"keyfile": self.nodes.key, "user": "root",
                     "known_hosts": self.nodes.known_hosts}, **more)

    def up(self):
        import ha
        self.nodes.up()
        self.nodes_up = time.monotonic()
        config = ha.merge({
            "lease_ttl_ms": LEASE_MS,
            "glusterfs": {"executor": "ssh", "sshexec": self.sshexec(),
                          "start_time_monitor_gluster_nodes": 1},
            # ha.py's own, which nobody uses here.
            "executors": {"simulated": {}},
        }, self.config(self) if callable(self.config) else self.config)
        self.inst = ha.Installation(config=config, **self.shape)
        self.service_up = time.monotonic()
        self.url = "http://127.0.0.1:%d" % self.inst.port
        return self

    def topology(self, nodes=None, disks=None):
        return {"clusters": [{"nodes": [{
            "node": {"hostnames": {"manage": [n], "storage":
                                   [self.nodes.addresses[n]]},
                     "zone": i + 1},
            "devices": ["/dev/" + d for d in
                        (self.nodes.disk_names() if disks is None
                         else disks)],
        } for i, n in enumerate(nodes or self.nodes.names)]}]}

    def load_topology(self, nodes=None, disks=None):
        """Through the balancer, as an operator does it; what it said."""
        path = self.dir + "/topology.json"
        with open(path, "w") as f:
            json.dump(self.topology(nodes, disks), f, indent=1)
        return self.brickyard("topology", "load", "--json=" + path)

    def brickyard(self, *words, check=True):
        return lab.sh(os.path.join(tap.BUILDDIR, "brickyard"), "-s", self.url,
                      *words, check=check)

    def client(self, timeout=300):
        return self.inst.client(timeout)

    def down(self):
        if self.inst is not None:
            self.inst.close()
        self.nodes.down()
