#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a volume costs on real nodes, beside the same commands typed by hand.

	BUILDDIR=build SRCDIR=. tests/bench/bench-lab.py [--volumes 20]

As root.  Brings up the lab (User-mode Linux where the kernel has no
device-mapper), and measures in turns: replica-3 volumes of 1 GiB created one
after the other and all at once, and deleted; by brickyardd over its pooled ssh
connections, and by hand, which is heketi's commands over one kept-alive
connection to each node, all nodes in parallel, as quick as anybody could type.
Round trips are the commands that sshd was given, bytes are those of the ssh
connections, processes those that were started on the nodes, among them threads of
the kernel (kworkers, more than half of a create's).  Then where the time of a create goes, step by step, with the tools on the nodes timed one by one (that
run is a little slower, and not compared).  Compare the figures of one run with
each other only.  At its end it prints tables for the documents.  Where the machine
is too slow to be done in --minutes, fewer volumes are made, and it says so.
"""
import argparse
import concurrent.futures
import os
import re
import statistics
import subprocess
import sys
import threading
import time
import uuid

SRC = os.environ.get("SRCDIR", ".")
sys.path[:0] = [os.path.join(SRC, "tests", "lib"),
                os.path.join(SRC, "tests", "lab")]
import lab
import labtest

THREE = {"type": "replicate", "replicate": {"replica": 3}}
NODES = ("node1", "node2", "node3")
MP = "/var/lib/heketi/mounts"

BRICK = """set -e
mkdir -p {mp}
/usr/sbin/lvm lvcreate -qq --autobackup=n --poolmetadatasize 8192K --chunksize 256K --size 1048576K --thin {vg}/tp_{id} --virtualsize 1048576K --name brick_{id}
mkfs.xfs -q -i size=512 -n size=8192 {dm}
awk "BEGIN {{print \\"{dm} {mp} xfs rw,inode64,noatime,nouuid 1 2\\" >> \\"/etc/fstab\\"}}"
mount -o rw,inode64,noatime,nouuid {dm} {mp}
mkdir {mp}/brick"""
VOLUME = """gluster --mode=script --timeout=600 volume create {name} replica 3 {bricks}
gluster --mode=script --timeout=600 volume set {name} user.heketi.id {id}
gluster --mode=script --timeout=600 volume start {name}"""
NO_VOLUME = """gluster --mode=script --timeout=600 volume stop {name} force
gluster --mode=script --timeout=600 volume delete {name}"""
NO_BRICK = """set -e
umount {mp}
sed -i.save "/brick_{id}/d" /etc/fstab
/usr/sbin/lvm lvremove --autobackup=n -f {vg}/brick_{id} >/dev/null
[ $(/usr/sbin/lvm lvs --noheadings --options=thin_count {vg}/tp_{id}) = 0 ]
/usr/sbin/lvm lvremove --autobackup=n -f {vg}/tp_{id} >/dev/null
rmdir {mp}"""


class ByHand:
    """ssh with a master connection to each node."""

    def __init__(self, t):
        self.t = t
        self.again = 0
        self.lock = threading.Lock()
        self.pool = concurrent.futures.ThreadPoolExecutor(200)
        self.vg = {}
        docs = t.inst.docs()
        names = {k[6:]: d["manage"][0] for k, d in docs.items()
                 if k.startswith("nodes/")}
        for k, d in sorted(docs.items()):
            if k.startswith("devices/"):
                self.vg.setdefault(names[d["node"]], "vg_" + k[8:])
        for n in NODES:
            self.ssh(n, "true")

    def ssh(self, node, script):
        n = self.t.nodes
        r = subprocess.run(
            ["ssh", "-F", "none", "-i", n.key, "-o", "BatchMode=yes",
             "-o", "UserKnownHostsFile=" + n.known_hosts,
             "-o", "ControlMaster=auto", "-o", "ControlPersist=600",
             "-o", "ControlPath=%s/ctl-%%h" % self.t.dir, "root@" + node,
             "/bin/bash -c '%s'" % script.replace("'", "'\\''")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        if r.returncode:
            raise RuntimeError("%s: %s" % (node, r.stdout))

    def words(self, node, i):
        vg = self.vg[node]
        return {"vg": vg, "id": i, "mp": "%s/%s/brick_%s" % (MP, vg, i),
                "dm": "/dev/mapper/%s-brick_%s" % (vg, i)}

    def gluster(self, lines, **words):
        """One script; who reads that glusterd is busy types the rest again."""
        lines = lines.format(**words).splitlines()
        while True:
            try:
                return self.ssh("node1", "set -e\n" + "\n".join(
                    line + " || { echo AT %d; exit 1; }" % k
                    for k, line in enumerate(lines)))
            except RuntimeError as e:
                m = re.search(r"transaction is in progress.*AT (\d+)", str(e),
                              re.S)
                if not m:
                    raise
                lines = lines[int(m.group(1)):]
                with self.lock:
                    self.again += 1
                time.sleep(1)

    def create(self):
        i = uuid.uuid4().hex
        list(self.pool.map(lambda n: self.ssh(
            n, BRICK.format(**self.words(n, i))), NODES))
        bricks = " ".join("%s:%s/brick" % (self.t.nodes.addresses[n],
                                           self.words(n, i)["mp"])
                          for n in NODES)
        self.gluster(VOLUME, name="vol_" + i, bricks=bricks, id=i)
        return i

    def delete(self, i):
        self.gluster(NO_VOLUME, name="vol_" + i)
        list(self.pool.map(lambda n: self.ssh(
            n, NO_BRICK.format(**self.words(n, i))), NODES))


class Brickyard:
    def __init__(self, t):
        self.t = t

    def create(self):
        status, v = self.t.call("POST", "/volumes", {
            "size": 1, "durability": THREE}, seconds=1200)
        if status != 200:
            raise RuntimeError("create: %s" % v)
        return v["id"]

    def delete(self, i):
        status, v = self.t.call("DELETE", "/volumes/" + i, seconds=1200)
        if status != 204:
            raise RuntimeError("delete: %s" % v)


# ---- what goes over the wire ----

def commands(t):
    """That sshd was given so far, on all nodes; and logins."""
    got = t.nodes.each("grep -c 'Starting session: command' "
                       "/var/log/sshd.log; grep -c 'Accepted publickey' "
                       "/var/log/sshd.log", NODES)
    pairs = [r.out.split() for r in got.values()]
    return sum(int(p[0]) for p in pairs), sum(int(p[1]) for p in pairs)


def octets():
    out = lab.sh("ss", "-tinH", "dport", "=", ":22")
    return sum(map(int, re.findall(r"bytes_(?:sent|received):(\d+)", out)))


def processes(t):
    """Started so far on all nodes' kernels."""
    n = 0
    for m in t.nodes.machines:
        r = m.ask(do="run", argv=["grep", "^processes", "/proc/stat"])
        n += int(r["out"].split()[1])
    return n


class Measured:
    def __init__(self, t, what, n):
        self.t, self.what, self.n = t, what, n

    def __enter__(self):
        self.before = commands(self.t), octets(), processes(self.t)
        self.began = time.monotonic()
        return self

    def __exit__(self, *exc):
        if exc[0] is not None:
            return
        self.s = time.monotonic() - self.began
        p1 = processes(self.t)
        (c0, l0), b0, p0 = self.before
        (c1, l1), b1 = commands(self.t), octets()
        self.commands = (c1 - c0) / self.n
        self.kib = (b1 - b0) / 1024 / self.n
        self.processes = (p1 - p0) / self.n
        print("%-34s %7.2f s %7.2f s each %6.1f commands %4d logins "
              "%8.1f KiB each %5d processes each" % (
                  self.what, self.s, self.s / self.n, self.commands,
                  l1 - l0, self.kib, self.processes), flush=True)


class Table:
    """Rows with the figures of both sides, told as they come and again at the
    end."""

    def __init__(self):
        self.rows = []

    def add(self, what, hand, ours, form="%.2f s", goal=True):
        r = ours / hand
        self.rows.append("| %s | %s | %s | %.2f |" % (what, form % hand,
                                                      form % ours, r))
        print("%-34s %7.2f of by hand%s" % (
            what, r, "   (the goal is 1.2)" if goal and r > 1.2 else ""),
            flush=True)

    def tell(self):
        print("\n| replica-3 volumes of 1 GiB | by hand | Brickyard | ratio |\n"
              "|---|---|---|---|")
        print("\n".join(self.rows), flush=True)


def in_turn(sides, n, until, what):
    """{side: [seconds]}: in turns, so that what the machine does besides hits
    all; n times, or until there is no time left."""
    took = {name: [] for name in sides}
    for k in range(n):
        if k > 2 and time.monotonic() > until:
            print("the machine is slow: %d %s in turn, not %d" % (k, what, n))
            break
        for name in sides:
            began = time.monotonic()
            sides[name]()
            took[name].append(time.monotonic() - began)
    for name, x in took.items():
        print("%-34s %7.2f s median %6.2f to %.2f" % (
            "%d %s in turn, by %s" % (len(x), what, name),
            statistics.median(x), min(x), max(x)), flush=True)
    return took


def one_after_the_other(t, table, sides, n, until):
    """until: when creates have to be done, and deletes."""
    ids = {name: [] for name in sides}
    one = {}
    for name, s in sides.items():
        with Measured(t, "create, by " + name, 1) as one["create", name]:
            ids[name].append(s.create())
    made = in_turn({name: lambda name=name, s=s: ids[name].append(s.create())
                    for name, s in sides.items()}, n, until[0], "creates")
    for name, s in sides.items():
        with Measured(t, "delete, by " + name, 1) as one["delete", name]:
            s.delete(ids[name].pop())
    gone = in_turn({name: lambda name=name, s=s: s.delete(ids[name].pop())
                    for name, s in sides.items()},
                   len(ids["hand"]), until[1], "deletes")
    for what, took in ("create", made), ("delete", gone):
        table.add("a %s (median of %d, in turn)" % (what, len(took["hand"])),
                  *(statistics.median(took[x]) for x in ("hand", "brickyard")))
    for what in "create", "delete":
        pair = [one[what, x] for x in ("hand", "brickyard")]
        for kind, form, key in (
                ("commands over ssh", "%.0f", "commands"),
                ("KiB over ssh", "%.0f", "kib"),
                ("processes on the nodes", "%.0f", "processes")):
            table.add("%s, for a %s" % (kind, what),
                      *(getattr(m, key) for m in pair), form=form, goal=False)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda x: sides[x[0]].delete(x[1]),
                      [(name, i) for name in sides for i in ids[name]]))
    return sum(statistics.median(x) for took in (made, gone)
               for x in took.values())


def all_at_once(t, table, sides, n):
    """Each side begins with nothing there: on a node that has twenty volumes
    everything takes longer."""
    took = {}
    for name, s in sides.items():
        def timed(what, one, args):
            with concurrent.futures.ThreadPoolExecutor(n) as pool, \
                    Measured(t, "%d %s at once, by %s" % (n, what, name),
                             n) as took[what, name]:
                return list(pool.map(one, args))

        timed("deletes", s.delete,
              timed("creates", lambda _: s.create(), range(n)))
    for what in "creates", "deletes":
        table.add("%d %s at once" % (n, what), took[what, "hand"].s,
                  took[what, "brickyard"].s)


def compare(t, sides, args):
    table = Table()
    for s in sides.values():    # connections are made, caches filled
        s.delete(s.create())
    began = time.monotonic()
    # As measured: creates in turn take half of it all, at once each a tenth.
    share = args.minutes * 60
    each = one_after_the_other(t, table, sides, args.volumes,
                               (began + share * 0.4, began + share * 0.6))
    # At once they are no slower than in turn.
    n = min(args.volumes, max(2, int(
        (began + share - time.monotonic()) / each)))
    if n < args.volumes:
        print("the machine is slow: %d at once, not %d" % (n, args.volumes))
    all_at_once(t, table, sides, n)
    if sides["hand"].again:
        print("by hand, %d commands were typed again: glusterd was busy" %
              sides["hand"].again)
    return table


# ---- where the time goes ----

TIMED = """#!/bin/sh
read a b </proc/uptime
/run/timed/%(name)s "$@"
status=$?
read c b </proc/uptime
echo "$a $c %(name)s $*" >>/run/times
exit $status
"""
TOOLS = ("/usr/sbin/lvm", "/usr/sbin/mkfs.xfs", "/usr/bin/mount",
         "/usr/sbin/gluster")


def time_tools(t):
    for n in NODES:
        for tool in TOOLS:
            name = os.path.basename(tool)
            t.nodes.sh(n, "mkdir -p /run/timed && cp -L %s /run/timed/%s && "
                       "cat >/run/timed/%s.sh && chmod 755 /run/timed/*.sh && "
                       "mount --bind /run/timed/%s.sh $(readlink -f %s)" % (
                           tool, name, name, name, tool),
                       stdin=TIMED % {"name": name})


def label(words):
    if words[0] == "lvm":
        return "lvm " + words[1]
    if words[0] == "gluster":
        rest = [w for w in words[1:] if not w.startswith("--")]
        return "gluster " + " ".join(rest[:2])
    return words[0]


def tools_used(t):
    """[(node, began, ended, label)] in wall-clock time."""
    out = []
    for n, r in t.nodes.each("cat /proc/uptime /run/times; rm -f /run/times",
                             NODES).items():
        lines = r.out.splitlines()
        offset = time.time() - float(lines[0].split()[0])
        for line in lines[1:]:
            f = line.split()
            out.append((n, float(f[0]) + offset, float(f[1]) + offset,
                        label(f[2:])))
    return out


def steps(t, n):
    time_tools(t)
    tools_used(t)
    rows = {}
    c = t.lab.client()
    c.request("GET", "/clusters")
    made = []
    for _ in range(n):
        began = time.time()
        status, headers, data = c.request("POST", "/volumes", {
            "size": 1, "durability": THREE})
        taken = time.time()
        if status != 202:
            raise RuntimeError(data)
        status, _, data = c.wait(headers["Location"], 600)
        ended = time.time()
        if status != 200:
            raise RuntimeError(data)
        made.append(data)
        used = tools_used(t)
        bricks = [u for u in used if not u[3].startswith("gluster")]
        gluster = [u for u in used if u[3].startswith("gluster")]
        add = lambda k, v: rows.setdefault(k, []).append(v)
        add("all", ended - began)
        add("taken: checked, planned, committed", taken - began)
        add("until the first tool runs", min(u[1] for u in used) - taken)
        per = {}
        for u in bricks:
            per.setdefault(u[3], {}).setdefault(u[0], []).append(u[2] - u[1])
        for k, nodes in per.items():
            add("  %s (slowest node)" % k, max(sum(x) for x in nodes.values()))
        add("bricks: first tool to last", max(u[2] for u in bricks) -
            min(u[1] for u in bricks))
        add("from bricks to gluster", min(u[1] for u in gluster) -
            max(u[2] for u in bricks))
        per = {}
        for u in gluster:
            per.setdefault(u[3], []).append(u[2] - u[1])
        for k, x in per.items():
            add("  %s (x%d)" % (k, len(x)), sum(x))
        add("gluster: first to last", max(u[2] for u in gluster) -
            min(u[1] for u in gluster))
        # The nodes' clocks are not this machine's: it may come out below 0.
        add("until the client is told (by two clocks)", ended - max(u[2] for u in gluster))
    print("\n| where a create's time goes (median of %d, tools timed) | |\n"
          "|---|---|" % n)
    for k, x in rows.items():
        print("| %s | %.2f s |" % (
            re.sub("^  ", "&nbsp;&nbsp;", k), statistics.median(x)))


def connect_cost(t):
    """A login, as the first command to a node needs it."""
    n = t.nodes
    x = []
    for _ in range(3):
        began = time.monotonic()
        lab.sh("ssh", "-F", "none", "-i", n.key, "-o",
               "UserKnownHostsFile=" + n.known_hosts, "root@node1", "true")
        x.append(time.monotonic() - began)
    print("%-34s %7.2f s" % ("a login and `true`", statistics.median(x)))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--volumes", type=int, default=20)
    p.add_argument("--steps", type=int, default=5)
    p.add_argument("--minutes", type=float, default=18)
    args = p.parse_args()
    # As many sessions in a connection as anybody wants: neither side is to wait
    # for more of them.
    t = labtest.begin(count=3, disks=2, max_sessions=100, config={
        "glusterfs": {"max_inflight_operations": 200,
                      # Its looks at the nodes would be counted, too.
                      "disable_monitor_gluster_nodes": True}})
    print("replica-3 volumes of 1 GiB on three nodes, in %s" % (
        "User-mode Linux" if t.nodes.uml else "this kernel"))
    connect_cost(t)
    began = time.monotonic()
    table = compare(t, {"hand": ByHand(t), "brickyard": Brickyard(t)}, args)
    table.tell()
    steps(t, args.steps)
    print("\nall in all %.0f s" % (time.monotonic() - began))
    t.lab.down()


main()
