#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What contrib/lab does: brings the lab up and keeps it, looks into it, ends it.

    serve.py up|shell [NODE]|status|run [-n NODE] CMD...|down [option]...

The lab is one process with namespaces of its own (processes, network, mounts):
when it ends, all that it started and mounted is gone.  Its state directory
holds `pid` (of that process, and when it was started), `up` once all is up,
and `log`.
"""
import argparse
import ctypes
import fcntl
import glob
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("SRCDIR", os.path.dirname(os.path.dirname(HERE)))
os.environ.setdefault("BUILDDIR", os.environ.get("BRICKYARD_LAB_BUILD") or
                      os.getcwd())
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "lib"), HERE]

STATE = os.environ.get("BRICKYARD_LAB_STATE", "/var/lib/brickyard/lab")
NEWNS, NEWPID, NEWNET = 0x20000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
UP_S = 300
IS_UP = 10              # tells contrib/lab not to build

libc = ctypes.CDLL(None, use_errno=True)


def say(text):
    print("==> " + text, flush=True)


def die(text, status=1):
    print("ERROR: " + text, file=sys.stderr)
    sys.exit(status)


def path(name):
    return os.path.join(STATE, name)


def slurp(name):
    try:
        with open(path(name), errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def tail(text, n=15):
    return "\n".join(text.splitlines()[-n:])


# ---- is it there? ----

def started_at(pid):
    """In clock ticks since boot: tells a process from one that got its number
    later.  None when it is gone, or only waits to be collected."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def lab_pid():
    words = slurp("pid").split()
    if len(words) == 2 and started_at(int(words[0])) == words[1]:
        return int(words[0])
    return None


def need_lab():
    pid = lab_pid()
    if pid is None or not os.path.exists(path("up")):
        die("the lab is not up; bring it up with: contrib/lab up")
    return pid


def info():
    return json.loads(slurp("up"))


# ---- up ----

class lock:
    def __enter__(self):
        os.makedirs(STATE, mode=0o700, exist_ok=True)
        self.f = open(path("lock"), "w")
        try:
            fcntl.flock(self.f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            die("another contrib/lab is bringing it up or down")

    def __exit__(self, *exc):
        self.f.close()


def unshare():
    if libc.unshare(NEWNS | NEWPID | NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no namespaces here (unshare): " +
                      os.strerror(ctypes.get_errno()))


def become_first_process():
    if libc.mount(b"none", b"/", b"", ctypes.c_ulong(MS_REC | MS_PRIVATE),
                  b"") or libc.mount(b"proc", b"/proc", b"proc",
                                     ctypes.c_ulong(0), b""):
        raise OSError(ctypes.get_errno(), "mount")


def detach(args):
    """Fork the lab's first process; its pid, as seen here."""
    r, w = os.pipe()
    if os.fork() == 0:
        os.setsid()
        null = os.open("/dev/null", os.O_RDONLY)
        log = os.open(path("log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND,
                      0o600)
        for fd, to in (null, 0), (log, 1), (log, 2):
            os.dup2(fd, to)
        os.closerange(3, w)
        os.closerange(w + 1, 64)
        try:
            unshare()
            pid = os.fork()
            if pid == 0:
                os.close(w)
                become_first_process()
                serve(args)
                os._exit(0)
            os.write(w, b"%d" % pid)
        except BaseException as e:
            print("lab: %s" % e, flush=True)
        os._exit(0)
    os.close(w)
    text = os.read(r, 20)
    os.close(r)
    os.wait()
    if not text:
        die("the lab did not start: " + tail(slurp("log"), 3))
    return int(text)


def serve(args):
    """The lab's first process."""
    import cluster
    over = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Who breaks a node wants to see it noticed.
    lab = cluster.Lab(path("work"), config={"glusterfs": {
                          "refresh_time_monitor_gluster_nodes": 10}},
                      replicas=args.replicas,
                      members=args.members, count=args.nodes,
                      disks=args.disks, disk_gb=args.disk_gb)
    # After the modules that set one of their own.
    signal.signal(signal.SIGTERM, lambda *_: over.append(1) or sys.exit(0))
    try:
        os.makedirs(path("work/tmp"))
        os.environ["TMPDIR"] = path("work/tmp")
        # Clients that mount volumes write logs.
        cluster.lab.private(path("work"), "/var/log/glusterfs")
        lab.up()
        signal.signal(signal.SIGTERM, lambda *_: over.append(1))
        print(lab.load_topology(), flush=True)
        with open(path("up.new"), "w") as f:
            json.dump(describe(lab), f)
        os.rename(path("up.new"), path("up"))
        while not over:
            # What loses its parent here is ours to collect; those that
            # subprocess started are left to it.
            time.sleep(0.3)
            reap(lab)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        lab.down()


def reap(lab):
    ours = {os.getpid()} | {p.pid for p in children_of(lab)}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                fields = f.read().rpartition(")")[2].split()
            if fields[0] == "Z" and fields[1] == str(os.getpid()) and \
                    int(pid) not in ours:
                os.waitpid(int(pid), os.WNOHANG)
        except (OSError, ChildProcessError):
            pass


def children_of(lab):
    return [p for p in [m.process for m in lab.nodes.machines] +
            [d.process for d in lab.inst.replicas] +
            [m.process for m in lab.inst.etcd.members] +
            [lab.inst.balancer] if p is not None]


def describe(lab):
    n = lab.nodes
    return {"url": lab.url, "nodes": n.addresses, "key": n.key,
            "known_hosts": n.known_hosts, "disks": n.disk_names(),
            "machine": "User-mode Linux" if n.uml else "this kernel",
            "etcd": [m.url for m in lab.inst.etcd.members],
            "replicas": ["http://127.0.0.1:%d" % d.port
                         for d in lab.inst.replicas]}


def do_up(args):
    if lab_pid() is not None and os.path.exists(path("up")):
        say("it is up; look at it with: contrib/lab status")
        sys.exit(IS_UP if args.ask else 0)
    if args.ask:
        return
    with lock():
        if lab_pid() is not None:
            die("a lab that is not up is running; end it with: contrib/lab "
                "down")
        clean()
        say("bringing up %d nodes, %d etcd, %d replicas" % (
            args.nodes, args.members, args.replicas))
        began = time.monotonic()
        pid = detach(args)
        with open(path("pid"), "w") as f:
            f.write("%d %s\n" % (pid, started_at(pid)))
        while not os.path.exists(path("up")):
            if lab_pid() is None:
                die("the lab did not come up:\n" + tail(slurp("log")))
            if time.monotonic() > began + UP_S:
                end(pid)
                die("the lab did not come up within %d s:\n%s" % (
                    UP_S, tail(slurp("log"))))
            time.sleep(0.1)
        print(slurp("log").strip())
        say("up after %.0f s, on %s" % (time.monotonic() - began,
                                        info()["machine"]))
        say("contrib/lab shell [NODE], status, run COMMAND, down")


# ---- into it ----

def into(pid, argv):
    return ["nsenter", "-t", str(pid), "-m", "-n", "-p",
            "--wd=" + os.getcwd(), "--"] + argv


def environment():
    i = info()
    return dict(os.environ, HEKETI_CLI_SERVER=i["url"],
                BRICKYARD_CLI_SERVER=i["url"],
                PATH=os.environ["BUILDDIR"] + ":" + os.environ["PATH"] +
                ":/usr/sbin:/sbin",
                ETCDCTL_API="3", ETCDCTL_ENDPOINTS=",".join(i["etcd"]),
                LAB="up")


def ssh(node, more=()):
    i = info()
    if node not in i["nodes"]:
        die("there is no %s; the nodes are %s" % (
            node, ", ".join(i["nodes"])))
    return ["ssh", "-F", "none", "-i", i["key"], "-o", "BatchMode=yes", "-o",
            "UserKnownHostsFile=" + i["known_hosts"], "-o", "LogLevel=ERROR",
            *more, "root@" + node]


def do_shell(args):
    pid = need_lab()
    if args.node:
        argv = ssh(args.node)
    else:
        argv = [os.environ.get("SHELL", "/bin/bash")]
    argv = into(pid, argv)
    os.execvpe(argv[0], argv, environment())


def do_run(args):
    pid = need_lab()
    if not args.command:
        die("run what?  contrib/lab run [-n NODE] COMMAND...", 2)
    if args.node:
        import shlex
        argv = ssh(args.node) + [" ".join(map(shlex.quote, args.command))]
    else:
        argv = args.command
    argv = into(pid, argv)
    os.execvpe(argv[0], argv, environment())


STATUS = """
g=$(pgrep -x glusterd >/dev/null && echo up || echo DOWN)
printf 'glusterd %s, ' $g
printf '%s bricks running, ' $(pgrep -xc glusterfsd)
printf '%s mounted, ' $(grep -c ' /var/lib/heketi/mounts/' /proc/mounts)
printf '%s logical volumes\\n' $(lvm lvs --noheadings -o lv_name 2>/dev/null | grep -c brick_)
"""


def inside(pid, argv, seconds=30):
    try:
        r = subprocess.run(into(pid, argv), stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True,
                           stdin=subprocess.DEVNULL, env=environment(),
                           timeout=seconds)
    except subprocess.TimeoutExpired:
        return False, "no answer"
    return r.returncode == 0, r.stdout.strip()


def do_status(args):
    pid = lab_pid()
    if pid is None:
        print("the lab is down")
        sys.exit(3)
    if not os.path.exists(path("up")):
        print("the lab is coming up:\n" + tail(slurp("log"), 5))
        sys.exit(4)
    i, good = info(), True
    print("lab        up, process %d, nodes on %s" % (pid, i["machine"]))
    for what, urls, page in (("balancer", [i["url"]], "/readyz"),
                             ("replica", i["replicas"], "/readyz"),
                             ("etcd", i["etcd"], "/health")):
        for url in urls:
            ok, out = inside(pid, ["curl", "-sS", "-m", "5", "-o",
                                   "/dev/null", "-w", "%{http_code}",
                                   url + page])
            ok = ok and out == "200"
            good &= ok
            print("%-10s %s %s" % (what, url, "ready" if ok else
                                   "NOT READY (%s)" % out))
    for node, address in i["nodes"].items():
        ok, out = inside(pid, ssh(node, ["-o", "ConnectTimeout=5"]) +
                         [STATUS])
        good &= ok and "DOWN" not in out
        print("%-10s %s %s" % (node, address, out if ok else
                               "NOT REACHED (%s)" % tail(out, 1)))
    ok, out = inside(pid, [os.path.join(os.environ["BUILDDIR"], "brickyard"),
                           "volume", "list"])
    good &= ok
    print(out if ok else "volumes    NOT LISTED (%s)" % tail(out, 1))
    sys.exit(0 if good else 1)


# ---- down ----

def end(pid):
    """A descriptor tells the end of its last thread: only then is all gone that was
    in the namespace whose process 1 it is."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    over = select.poll()
    over.register(fd, select.POLLIN)
    try:
        for what, seconds in (signal.SIGTERM, 40), (signal.SIGKILL, 20):
            signal.pidfd_send_signal(fd, what)
            if over.poll(seconds * 1000):
                return
    except ProcessLookupError:
        return
    finally:
        os.close(fd)
    die("process %d does not end" % pid)


def loops():
    """Loop devices on our disks: of a lab that was killed, on a kernel with
    device-mapper.  By inode: the mounts that its paths went through are gone,
    so the kernel tells only their ends."""
    ours = set()
    for name in glob.glob(path("work/disks/*")):
        s = os.stat(name)
        ours.add((str(s.st_ino), "%d:%d" % (os.major(s.st_dev),
                                            os.minor(s.st_dev))))
    r = subprocess.run(["losetup", "-nO", "NAME,BACK-INO,BACK-MAJ:MIN"],
                       text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL)
    rows = [line.split() for line in r.stdout.splitlines()]
    return [row[0] for row in rows if tuple(row[1:]) in ours]


def deactivate(devices):
    """Logical volumes on them outlive processes and namespaces."""
    import machine
    conf = path("lvm")
    os.makedirs(conf, exist_ok=True)
    with open(conf + "/lvm.conf", "w") as f:
        f.write(machine.LVM_CONF)
    env = dict(os.environ, LVM_SYSTEM_DIR=conf)
    r = subprocess.run(["lvm", "pvs", "--noheadings", "-o",
                        "pv_name,vg_name"], text=True, env=env,
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    vgs = {f[1] for f in map(str.split, r.stdout.splitlines())
           if len(f) == 2 and f[0] in devices}
    if vgs:
        subprocess.run(["lvm", "vgchange", "-an", *sorted(vgs)], env=env,
                       stdout=subprocess.DEVNULL)


def clean():
    """What a lab that was killed left."""
    left = loops()
    if left:
        deactivate(left)
        for dev in left:
            subprocess.run(["losetup", "-d", dev])
    for name in os.listdir(STATE) if os.path.isdir(STATE) else []:
        if name == "lock":
            continue
        if os.path.isdir(path(name)):
            shutil.rmtree(path(name))
        else:
            os.unlink(path(name))


def do_down(args):
    if not os.path.isdir(STATE):
        say("there is no lab")
        return
    with lock():
        pid = lab_pid()
        if pid is not None:
            say("ending the lab")
            end(pid)
        clean()
        os.unlink(path("lock"))
    os.rmdir(STATE)
    say("the lab is gone")


def count(low, high):
    def check(text):
        n = int(text)
        if not low <= n <= high:
            raise argparse.ArgumentTypeError("%d to %d" % (low, high))
        return n
    return check


def main():
    p = argparse.ArgumentParser(prog="contrib/lab", add_help=False)
    s = p.add_subparsers(dest="do", required=True)
    up = s.add_parser("up", prog="contrib/lab up")
    up.add_argument("--nodes", type=count(1, 8), default=4)
    up.add_argument("--disks", type=count(1, 7), default=3)
    up.add_argument("--disk-gb", type=count(1, 16000), default=500)
    up.add_argument("--replicas", type=count(1, 9), default=3)
    up.add_argument("--members", type=int, choices=(1, 3, 5), default=3)
    up.add_argument("--ask", action="store_true", help=argparse.SUPPRESS)
    shell = s.add_parser("shell", prog="contrib/lab shell")
    shell.add_argument("node", nargs="?")
    s.add_parser("status", prog="contrib/lab status")
    r = s.add_parser("run", prog="contrib/lab run")
    r.add_argument("-n", "--node")
    r.add_argument("command", nargs=argparse.REMAINDER)
    s.add_parser("down", prog="contrib/lab down")
    args, more = p.parse_known_args()
    if more:
        die("%s: unknown option %s; see contrib/lab --help" % (
            args.do, more[0]), 2)
    if os.geteuid() != 0:
        die("run it as root: it makes namespaces, mounts and disks")
    globals()["do_" + args.do](args)


if __name__ == "__main__":
    main()
