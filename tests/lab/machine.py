#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine that the lab's storage nodes live on: this one, where its kernel
has device-mapper, otherwise a User-mode Linux whose process 1 becomes this.

    machine.py SPEC.json

A node is a set of namespaces (mounts, network, host name, processes) with a
/dev, /etc, /var and /run of its own; it keeps what it wrote on disk when it is
killed and booted again.  Its process 1 is ours.  An agent on TCP (only the
lab's own network reaches it) boots and kills nodes and runs commands on them
past sshd, which may be what a test has just broken:

    {"do": "run", "node": "node1", "sh": "lvs", "seconds": 60}
    -> {"status": 0, "out": "...", "err": "..."}
    {"do": "look", "node": "node1", "sh": "lvs"}
    -> the same, and its mounts, fstab, brick processes ...
"""
import ctypes
import glob
import json
import os
import signal
import socket
import socketserver
import stat
import subprocess
import sys
import threading
import time
import traceback

NEWNS, NEWUTS, NEWPID, NEWNET = 0x20000, 0x4000000, 0x20000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000

BRICKS = "/var/lib/heketi/mounts"

libc = ctypes.CDLL(None, use_errno=True)


def _check(rc, what):
    if rc != 0:
        e = ctypes.get_errno()
        raise OSError(e, "%s: %s" % (what, os.strerror(e)))


def mount(source, target, kind="", flags=0, data=""):
    _check(libc.mount(source.encode(), target.encode(), kind.encode(),
                      ctypes.c_ulong(flags), data.encode()),
           "mount %s on %s" % (source, target))


def run(*argv, text=None, check=True):
    r = subprocess.run(argv, input=text, text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT)
    if check and r.returncode:
        raise RuntimeError("%s: %s" % (" ".join(argv), r.stdout))
    return r.stdout


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)


# ---- what a node finds on itself ----

LVM_CONF = """activation { udev_sync=0 udev_rules=0 verify_udev_operations=0 monitoring=0 }
devices { obtain_device_list_from_udev=0 scan=["/dev"] use_devicesfile=0
	external_device_info_source="none" }
global { event_activation=0 use_lvmpolld=0 }
"""

# sshd asks for no name, runs no PAM, and reads no start-up file of the host.
SSHD = """Port 22
HostKey /etc/ssh/lab_host_key
AuthorizedKeysFile /etc/ssh/lab_authorized_keys
StrictModes no
UsePAM no
UseDNS no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
MaxSessions %(max_sessions)d
PidFile /run/sshd.pid
LogLevel VERBOSE
"""

# What asks for a service gets its answer from the process table.
SYSTEMCTL = """#!/bin/sh
# The lab has no systemd: glusterd is there, or it is not.
verb= unit=
for word; do
	case $word in
	-*) ;;
	*) if [ -z "$verb" ]; then verb=$word; else unit=${word%.service}; fi ;;
	esac
done
pid=
[ ! -e "/run/$unit.pid" ] || read -r pid <"/run/$unit.pid"
running() { [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; }
case $verb in
status|is-active)
	if running; then echo active; else echo inactive; exit 3; fi ;;
is-enabled) echo enabled ;;
start) running || [ "$unit" != glusterd ] || exec /usr/local/lib/lab-glusterd ;;
stop) running && kill "$pid" ;;
*) exit 0 ;;
esac
"""

GLUSTERD = """#!/bin/sh
exec glusterd --pid-file=/run/glusterd.pid
"""

DEVICES = [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8),
           ("urandom", 1, 9), ("tty", 5, 0), ("fuse", 10, 229),
           ("loop-control", 10, 237)]


class Node:
    def __init__(self, machine, spec):
        self.machine = machine
        self.spec = spec
        self.name = spec["name"]
        self.disk = os.path.join(machine.dir, self.name)
        self.pid = None
        self.disks = {name: os.stat(device).st_rdev for name, device in
                      spec["disks"].items()}
        os.makedirs(self.disk)

    # ---- in its namespaces, before it is process 1 ----

    def _overlay(self, path):
        upper = self.disk + "/upper" + path
        work = self.disk + "/work" + path
        os.makedirs(upper, exist_ok=True)
        os.makedirs(work, exist_ok=True)
        mount("overlay", path, "overlay", 0,
              "lowerdir=%s,upperdir=%s,workdir=%s" % (path, upper, work))

    def _own(self, path):
        own = self.disk + "/own" + path
        os.makedirs(own, exist_ok=True)
        os.makedirs(path, exist_ok=True)
        mount(own, path, "", MS_BIND)

    def _dev(self):
        mount("tmpfs", "/dev", "tmpfs", 0, "mode=755")
        for name, major, minor in DEVICES:
            os.mknod("/dev/" + name, stat.S_IFCHR | 0o666,
                     os.makedev(major, minor))
            os.chmod("/dev/" + name, 0o666)
        for d in "pts", "shm", "mapper":
            os.mkdir("/dev/" + d)
        mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=666")
        os.symlink("pts/ptmx", "/dev/ptmx")
        os.symlink("/proc/self/fd", "/dev/fd")
        with open("/proc/misc") as f:
            for line in f:
                minor, name = line.split()
                if name == "device-mapper":
                    os.mknod("/dev/mapper/control", stat.S_IFCHR | 0o600,
                             os.makedev(10, int(minor)))
        for name, rdev in self.disks.items():
            os.mknod("/dev/" + name, stat.S_IFBLK | 0o660, rdev)

    def _no_georeplication(self):
        """glusterd runs gsyncd, which is Python, a dozen times before it
        answers anybody: 14 seconds of User-mode Linux.  Without it, none."""
        for path in glob.glob("/usr/lib*/glusterfs/gsyncd") + \
                glob.glob("/usr/lib/*/glusterfs/gsyncd"):
            self._overlay(os.path.dirname(path))
            if os.path.exists(path):
                os.unlink(path)

    def _first(self):
        """What is on its disk from the beginning."""
        s = self.spec
        write("/etc/fstab", "# %s\n" % self.name)
        write("/etc/hostname", self.name + "\n")
        write("/etc/hosts", s["hosts"])
        write("/etc/resolv.conf", "")
        write("/etc/nsswitch.conf", "passwd: files\ngroup: files\n"
              "shadow: files\nhosts: files\nnetworks: files\n"
              "protocols: files\nservices: files\n")
        write("/etc/lvm/lvm.conf", LVM_CONF)
        write("/etc/ssh/lab_sshd_config", SSHD % s)
        write("/etc/ssh/lab_host_key", s["host_key"], 0o600)
        write("/etc/ssh/lab_authorized_keys", s["authorized_keys"])
        write("/usr/local/bin/systemctl", SYSTEMCTL, 0o755)
        write("/usr/local/lib/lab-glusterd", GLUSTERD, 0o755)
        # Somebody who may do everything through sudo, and nothing else.
        with open("/etc/passwd", "a") as f:
            f.write("storage:x:1900:1900::/tmp:/bin/sh\n")
        with open("/etc/group", "a") as f:
            f.write("storage:x:1900:\n")
        with open("/etc/shadow", "a") as f:
            f.write("storage:*:19000:0:99999:7:::\n")
        write("/etc/sudoers", "root ALL=(ALL:ALL) ALL\n"
              "storage ALL=(ALL) NOPASSWD: ALL\n", 0o440)
        write("/var/lib/glusterd/.lab", "")

    def _become(self):
        mount("none", "/", "", MS_REC | MS_PRIVATE)
        mount("proc", "/proc", "proc")
        libc.sethostname(self.name.encode(), len(self.name))
        fresh = not os.path.exists(self.disk + "/upper")
        for path in "/etc", "/var", "/usr/local", "/mnt", "/home", "/srv":
            if os.path.isdir(path):
                self._overlay(path)
        self._no_georeplication()
        for path in "/var/lib/glusterd", "/var/log/glusterfs", \
                "/var/lib/heketi", "/var/lib/brickyard":
            self._own(path)
        for path in "/run", "/tmp", "/root":
            mount("tmpfs", path, "tmpfs", 0, "mode=1777" if path == "/tmp"
                  else "mode=755")
        for path in "/run/gluster", "/run/lvm", "/run/lock/lvm", "/run/sshd":
            os.makedirs(path)
        self._dev()
        if fresh:
            self._first()
        run("ip", "-batch", "-", text="link set lo up\n"
            "addr add %s dev eth0\nlink set eth0 up\n" % self.spec["address"])

    def _boot(self):
        """As an init would: disks, mounts, services."""
        with open("/etc/fstab") as f:
            bricks = any(line.strip() and line[0] != "#" for line in f)
        if bricks:
            run("lvm", "vgchange", "-ay", check=False)
            print(run("mount", "-a", check=False), flush=True)
        run("/usr/sbin/sshd", "-f", "/etc/ssh/lab_sshd_config",
            "-E", "/var/log/sshd.log")
        run("/usr/local/lib/lab-glusterd")

    def _init(self, ready):
        os.setsid()
        log = os.open(self.disk + "/log", os.O_WRONLY | os.O_CREAT |
                      os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        self._become()
        self._boot()
        os.write(ready, b"ok")
        os.close(ready)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        while True:
            try:
                os.wait()
            except ChildProcessError:
                time.sleep(0.5)

    def _namespaces(self, go, ready, tell):
        _check(libc.unshare(NEWNS | NEWUTS | NEWPID | NEWNET), "unshare")
        pid = os.fork()
        if pid == 0:
            try:
                os.read(go, 1)          # its network card is there
                self._init(ready)
            except BaseException:
                text = traceback.format_exc()
                print(text, flush=True)
                os.write(ready, text[-2000:].encode())
            os._exit(1)
        os.write(tell, b"%d" % pid)
        os.close(tell)
        os.close(ready)
        os.waitpid(pid, 0)
        os._exit(0)

    # ---- from outside ----

    def start(self):
        if self.pid is not None:
            return
        go_r, go_w = os.pipe()
        ready_r, ready_w = os.pipe()
        tell_r, tell_w = os.pipe()
        self.parent = os.fork()
        if self.parent == 0:
            try:
                os.close(go_w)
                self._namespaces(go_r, ready_w, tell_w)
            finally:
                os._exit(1)
        for fd in go_r, ready_w, tell_w:
            os.close(fd)
        self.pid = int(os.read(tell_r, 20))
        os.close(tell_r)
        run("ip", "-batch", "-", text=
            "link add l-%s type veth peer name eth0 netns %d\n"
            "link set l-%s master %s up\n" % (
                self.name, self.pid, self.name, self.machine.bridge))
        os.write(go_w, b"g")
        os.close(go_w)
        self.ready = ready_r

    def wait_ready(self):
        text = os.read(self.ready, 4096)
        os.close(self.ready)
        if text != b"ok":
            raise RuntimeError("%s did not boot: %s" % (self.name,
                                                        text.decode()))

    def kill(self):
        """As when its power fails: processes, mounts and addresses go at once,
        what is on its disks stays."""
        if self.pid is None:
            return
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.parent, 0)
        self.pid = None
        run("ip", "link", "del", "l-" + self.name, check=False)
        # Logical volumes are the kernel's, which lives on.
        vgs = [v for v in self.machine.vgs_of(self)]
        if vgs:
            run("lvm", "vgchange", "-an", *vgs, check=False)

    # ---- looked at past its processes ----

    def _read(self, path):
        with open("/proc/%d/%s" % (self.pid, path), errors="replace") as f:
            return f.read()

    def _list(self, path):
        try:
            return [os.path.join(path, x) for x in
                    os.listdir("/proc/%d/root%s" % (self.pid, path))]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _brick_roots(self, mounts):
        """{path: [group, mode]} of what is brick* on mounted bricks."""
        found = {}
        for at in [line.split()[1] for line in mounts.splitlines()]:
            if not at.startswith((BRICKS + "/", "/run/gluster/snaps/")):
                continue
            for path in self._list(at):
                if os.path.basename(path).startswith("brick"):
                    s = os.stat("/proc/%d/root%s" % (self.pid, path))
                    found[path] = [s.st_gid, "%o" % stat.S_IMODE(s.st_mode)]
        return found

    def _served(self):
        """The bricks of all glusterfsd of its PID namespace."""
        mine, served = os.stat("/proc/%d/ns/pid" % self.pid).st_ino, []
        for p in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/comm" % p) as f:
                    if f.read() != "glusterfsd\n" or os.stat(
                            "/proc/%s/ns/pid" % p).st_ino != mine:
                        continue
                with open("/proc/%s/cmdline" % p) as f:
                    words = f.read().split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if "--brick-name" in words:
                served.append(words[words.index("--brick-name") + 1])
        return served

    def look(self):
        mounts = self._read("mounts")
        devices = self._list(BRICKS)
        return {
            "mounts": mounts, "fstab": self._read("root/etc/fstab"),
            "directories": devices + [x for d in devices
                                      for x in self._list(d)],
            "bricks": self._brick_roots(mounts), "processes": self._served(),
            "snapshots": [os.path.basename(x) for x in
                          self._list("/var/lib/glusterd/snaps")
                          if os.path.isdir("/proc/%d/root%s" % (self.pid, x))],
        }

    def enter(self, argv):
        return ["nsenter", "-t", str(self.pid), "-m", "-n", "-u", "-p", "-i",
                "--"] + argv


class Machine:
    def __init__(self, spec):
        self.spec = spec
        self.dir = spec["dir"]
        self.bridge = spec["bridge"]
        self.nodes = {}
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.met = threading.Event()    # somebody has reached us
        # Memory: what a node's overlays and bricks' paths are on must know
        # more than an overlay does (in a container, all may be one).
        os.makedirs(self.dir, exist_ok=True)
        mount("tmpfs", self.dir, "tmpfs", 0, "mode=755")
        self.lvm = self.dir + "/lvm"
        write(self.lvm + "/lvm.conf", LVM_CONF)
        os.environ["LVM_SYSTEM_DIR"] = self.lvm

    def network(self):
        lines = "link set lo up\n"
        if self.spec.get("uplink"):
            lines += ("link add %s type bridge\nlink set %s up\n"
                      "link set %s master %s\nlink set %s up\n"
                      "addr add %s dev %s\n") % (
                self.bridge, self.bridge, self.spec["uplink"], self.bridge,
                self.spec["uplink"], self.spec["address"], self.bridge)
        run("ip", "-batch", "-", text=lines)

    def vgs_of(self, node):
        """Volume groups on a node's disks."""
        devices = list(node.spec["disks"].values())
        out = run("lvm", "pvs", "--noheadings", "-o", "pv_name,vg_name",
                  check=False)
        pairs = [line.split() for line in out.splitlines()]
        return sorted({p[1] for p in pairs if len(p) == 2 and
                       p[0] in devices})

    def up(self):
        self.network()
        for spec in self.spec["nodes"]:
            self.nodes[spec["name"]] = Node(self, spec)
        for n in self.nodes.values():
            n.start()
        for n in self.nodes.values():
            n.wait_ready()

    # ---- the agent ----

    def do_run(self, q):
        argv = ["/bin/sh", "-c", q["sh"]] if "sh" in q else q["argv"]
        env = dict(os.environ, **q.get("env", {}))
        if q.get("node"):
            node = self.nodes[q["node"]]
            if node.pid is None:
                return {"status": 255, "out": "", "err": "it is down"}
            argv = node.enter(argv)
            env.pop("LVM_SYSTEM_DIR", None)
        try:
            r = subprocess.run(argv, input=q.get("stdin", ""), text=True,
                               errors="replace", stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=env,
                               timeout=q.get("seconds", 120))
        except subprocess.TimeoutExpired:
            return {"status": 124, "out": "", "err": "took too long"}
        return {"status": r.returncode, "out": r.stdout, "err": r.stderr}

    def do_exists(self, q):
        """Asked again and again: no process is started for it."""
        node = self.nodes[q["node"]]
        path = "/proc/%s/root%s" % (node.pid, q["path"])
        there = node.pid is not None and os.path.exists(path)
        if there and "bytes" in q:
            there = os.stat(path).st_size == q["bytes"]
        return {"status": 0 if there else 1}

    def do_look(self, q):
        """What the audit wants to know of a node: a process there for what
        only LVM and gluster can tell, files and mounts are read from here."""
        node = self.nodes[q["node"]]
        if node.pid is None:
            return {"status": 255, "out": "", "err": "it is down"}
        return dict(self.do_run(q), **node.look())

    def do_kill(self, q):
        with self.lock:
            self.nodes[q["node"]].kill()
        return {"status": 0}

    def do_start(self, q):
        with self.lock:
            node = self.nodes[q["node"]]
            if node.pid is None:
                node.start()
                node.wait_ready()
        return {"status": 0}

    def do_status(self, q):
        return {"status": 0, "nodes": {n.name: n.pid for n in
                                       self.nodes.values()}}

    def do_end(self, q):
        self.over.set()
        return {"status": 0}

    def answer(self, line):
        try:
            q = json.loads(line)
            return getattr(self, "do_" + q["do"])(q)
        except Exception as e:
            return {"status": 254, "out": "", "err": repr(e)}

    def hello(self):
        """The network of a User-mode Linux may sleep over what came while it
        booted (50 seconds were seen), until something is sent."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            while not self.met.wait(0.5):
                try:
                    s.sendto(b"hello", (self.spec["service"], 9))
                except OSError:
                    pass        # nobody listens, and that may be told

    def serve(self):
        machine = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                machine.met.set()
                for line in self.rfile:
                    reply = machine.answer(line)
                    self.wfile.write(json.dumps(reply).encode() + b"\n")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        host, port = self.spec["agent"]
        server = Server((host, port), Handler)
        threading.Thread(target=self.hello, daemon=True).start()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.over.wait()
        server.shutdown()

    def down(self):
        for n in self.nodes.values():
            n.kill()


def main():
    with open(sys.argv[1]) as f:
        machine = Machine(json.load(f))
    signal.signal(signal.SIGTERM, lambda *_: machine.over.set())
    machine.up()
    print("ready", flush=True)
    machine.serve()
    machine.down()


if __name__ == "__main__":
    main()
