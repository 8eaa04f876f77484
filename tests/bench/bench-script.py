#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the scripts of the executors cost a node besides the tools they run:
processes and time of each step, with tools that are one process each.

	BUILDDIR=build SRCDIR=. tests/bench/bench-script.py [--runs 20]

As root: it counts process ids in a namespace of its own, so exactly, whatever else
the machine does.  The shell and the driver's own process are counted, too: 2 is
a script that does nothing.  "tools" are those that a person would have to call.
"""
import argparse
import atexit
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [os.path.join(os.environ.get("SRCDIR", "."), "tests", d)
                for d in ("lib", "lab")]
import lab
import tap

PLUGIN = os.path.join(tap.BUILDDIR, "tests", "unit", "plug", ".libs",
                      "shell.so")
DEV = {"id": lab.ident(1), "name": "/dev/sdx", "kind": 1}
VG = "vg_" + DEV["id"]
IDS = [lab.ident(10 + i) for i in range(3)]
VOLUME = {"name": "v1", "id": lab.ident(5), "set": 3, "sets": 5,
          "word": ["replica", "3"],
          "brick": ["h%d:/b%d" % (i, i) for i in range(3)],
          "option": ["auth.allow 1.2.3.4", "cluster.eager-lock off"]}

# Builtins only: none of them starts a process.
TOOLS = {
    "lvm": r'''
verb=$1; shift
for x in "$@"; do case $x in vg_*/*) at=$root/lv/$x; dir=${at%/*};; vg_*) dir=$root/lv/$x;; --name) next=1; continue;; esac
	[ -z "${next-}" ] || { lv=$x; next=; }; done
case $verb in
lvs)
	for f in $dir/brick_*; do
		[ -s $f ] || continue
		n=${f##*/}
		echo "  $n^419430400^tp_${n#brick_}^thin^live table present^^brickyard.brick=1"
		echo "  tp_${n#brick_}^419430400^^thin-pool^live table present^1^brickyard.brick=1"
	done ;;
lvcreate) echo 1 >$dir/$lv; echo 1 >$dir/tp_${lv#brick_} ;;
lvremove) : >$at; case $at in */tp_*) : >${at%/tp_*}/brick_${at##*/tp_} ;; esac ;;
esac
''',
    "mkfs.xfs": 'echo meta-data; echo data; echo log\n',
    "mount": 'echo "1 1 0:0 / $4 rw shared:1 - xfs $3 rw" >>$root/mountinfo\n',
    "umount": r'''
kept=
while read -r line; do case $line in *" $1 "*) ;; *) kept="$kept$line
" ;; esac; done <$root/mountinfo
printf %s "$kept" >$root/mountinfo
''',
    "chown": "",
    # Nothing is in a mount point once its mount is gone.
    "mkdir": 'case $1 in */brick) ;; *) exec /bin/mkdir "$@" ;; esac\n',
    "sync": "",
    "gluster": r'''
case "$3 $4" in
"volume info") echo '<?xml version="1.0"?><cliOutput><opRet>-1</opRet><opErrno>30806</opErrno><opErrstr>Volume v1 does not exist</opErrstr></cliOutput>' ;;
*) echo "volume $4: $5: success" ;;
esac
''',
}


class Node:
    def __init__(self):
        self.root = r = tempfile.mkdtemp(prefix="brickyard-bench.")
        atexit.register(shutil.rmtree, r, ignore_errors=True)
        for d in "bin", "lv/" + VG, "dev/mapper":
            os.makedirs(os.path.join(r, d))
        for name in "mountinfo", "udev", "log", "fstab":
            open(os.path.join(r, name), "w").close()
        for i in IDS:
            with open("%s/dev/mapper/%s-brick_%s" % (r, VG, i), "wb") as f:
                f.write(bytes(4096))
        for name, body in TOOLS.items():
            path = "%s/bin/%s" % (r, name)
            with open(path, "w") as f:
                f.write("#!/bin/sh\nroot=%s\necho %s >>$root/log\n%s" % (
                    r, name, body))
            os.chmod(path, 0o755)

    def call(self, verb, **kw):
        r = self.root
        a = [lab.DRIVER, PLUGIN, "-l"]
        for k, v in {"search_path": r + "/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                     "lock_dir": r + "/run", "state_dir": r + "/state",
                     "fstab": r + "/fstab",
                     "replace": ",".join("%s=%s/%s" % (x, r, y) for x, y in (
                         ("/dev/mapper/", "dev/mapper/"),
                         ("/proc/self/mountinfo", "mountinfo"),
                         ("/run/udev/control", "udev")))}.items():
            a += ["-o", "%s=%s" % (k, v)]
        with open(r + "/log", "w"):
            pass
        before = last_pid()
        began = time.monotonic()
        p = subprocess.run(a + lab.words(verb, host="node1", **kw),
                           stdout=subprocess.PIPE, text=True)
        took = time.monotonic() - began
        n = last_pid() - before
        if p.returncode:
            raise RuntimeError(p.stdout)
        with open(r + "/log") as f:
            tools = [x for x in f.read().split()
                     if x not in ("sync", "mkdir")]
        return n, len(tools), took


def last_pid():
    with open("/proc/sys/kernel/ns_last_pid") as f:
        return int(f.read())


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--runs", type=int, default=20)
    args = p.parse_args()
    lab.require_driver()
    lab.require_root()
    if os.environ.get("BENCH_ALONE") != "1":
        os.environ["BENCH_ALONE"] = "1"
        cmd = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable]
        os.execvp(cmd[0], cmd + sys.argv)
    node = Node()
    rows = {}
    for run in range(args.runs):
        mounts = node.root + "/mounts"
        for n in 1, 3:
            ops = [lab.ident(1000 + 10 * run + 2 * n + k) for k in (0, 1)]
            bricks = {"brick": [i + ":400" for i in IDS[:n]],
                      "mounts": mounts, "volume": lab.ident(77), **DEV}
            for what, verb, kw in (
                    ("%d brick%s made" % (n, "s" * (n > 1)), "create",
                     {"op": ops[0], **bricks}),
                    ("volume made", "volume-create",
                     {"op": ops[0], **VOLUME}),
                    ("volume removed", "volume-destroy",
                     {"op": ops[1], "name": "v1"}),
                    ("%d brick%s removed" % (n, "s" * (n > 1)), "destroy",
                     {"op": ops[1], **bricks})):
                rows.setdefault(what, []).append(node.call(verb, **kw))
    print("%-20s %9s %6s %9s" % ("", "processes", "tools", "ms"))
    for what, x in rows.items():
        print("%-20s %9d %6d %9.1f" % (
            what, statistics.median(r[0] for r in x),
            statistics.median(r[1] for r in x),
            1000 * min(r[2] for r in x)))


main()
