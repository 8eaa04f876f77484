#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The scripts of executors/script on a node of stand-ins: what they run, byte by
byte; that they can be killed anywhere and run again; that nothing of outside gets
into a shell; what is made of answers that are cut off or forged."""
import atexit
import collections
import glob
import os
import random
import re
import shutil
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab"))
import lab

PLUGIN = os.path.join(tap.BUILDDIR, "tests", "unit", "plug", ".libs",
                      "shell.so")
SHELLS = [s for s in ("dash", "bash") if shutil.which(s)] or ["sh"]
DISK = "/dev/sdx"
DEV = {"id": lab.ident(1), "name": DISK, "kind": 1}
VG = "vg_" + DEV["id"]
A, B = lab.ident(10), lab.ident(11)
OP = lab.ident(90)

# Each stand-in counts, and may be the one at which everything is killed.
HEAD = r'''#!/bin/sh
root=%(root)s
PATH=/usr/sbin:/usr/bin:/sbin:/bin
tool=${0##*/}
n=$(($(cat $root/count) + 1))
echo $n >$root/count
if [ "$(cat $root/kill)" = "$n before" ]; then kill -9 0; fi
die_after() { if [ "$(cat $root/kill)" = "$n after" ]; then kill -9 0; fi; }
'''
LOG = r'''line=$tool
for w in "$@"; do line="$line $w"; done
echo "$line" >>$root/log
'''
TOOLS = {
    "lvm": r'''
verb=$1; shift
vg() { for x in "$@"; do case $x in vg_*) echo ${x%%/*}; return;; esac; done; }
dir=$root/lv/$(vg "$@")
tags() { while [ $# -gt 0 ]; do [ "$1" != --addtag ] || printf '%s,' "$2"; shift; done; }
case $verb in
lvs)
	[ -d $dir ] || { echo "  Volume group \"${dir##*/}\" not found"; exit 5; }
	for f in $dir/*; do
		[ -e $f ] || continue
		name=${f##*/}
		read size pool type active tags <$f
		[ $pool != - ] || pool=
		case $active in -) active=unknown ;; *) active="live table present" ;; esac
		[ $tags != - ] || tags=
		count=$(cat $dir/* | grep -c " $name thin ")
		[ $type = thin-pool ] || count=
		echo "  $name^$size^$pool^$type^$active^$count^$tags"
	done ;;
lvcreate)
	[ -d $dir ] || { echo "  Volume group \"${dir##*/}\" not found"; exit 5; }
	t=$(tags "$@") size=
	while [ $# -gt 0 ]; do
		case $1 in
		--thin) case $2 in */*) pool=${2#*/};; esac ;;
		--thinpool) pool=${2#*/} ;;
		--size) size=${2%K} ;;
		--virtualsize) virtual=${2%K} ;;
		--name) name=$2 ;;
		esac
		shift
	done
	if [ $virtual = 999424 ]; then
		echo "  Volume group \"${dir##*/}\" has insufficient free space (7 extents): 61 required."
		exit 5
	fi
	if [ -e $dir/$name ]; then echo "already exists"; exit 5; fi
	if [ -n "$size" ] && [ -e $dir/$pool ]; then echo "  Thin pool $pool already exists in Volume group ${dir##*/}."; exit 5; fi
	if [ ! -e $dir/$pool ]; then echo "$((size * 1024)) - thin-pool active $t" >$dir/$pool; t=-; fi
	echo "$((virtual * 1024)) $pool thin active $t" >$dir/$name
	mkdir -p $root/dev/mapper
	head -c 4096 /dev/zero >$root/dev/mapper/${dir##*/}-$name ;;
lvchange)
	t=$(tags "$@")
	case " $* " in *" -ay "*)
		[ ! -e $root/stuck ] || { echo "  Thin pool is in need of repair"; exit 5; } ;;
	esac
	for x in "$@"; do case $x in vg_*) f=$root/lv/$x;; esac; done
	[ -e $f ] || { echo "  Failed to find logical volume"; exit 5; }
	read size pool type active tags <$f
	[ -n "$t" ] || t=$tags
	echo "$size $pool $type active $t" >$f ;;
lvremove)
	for x in "$@"; do case $x in vg_*) f=$root/lv/$x;; esac; done
	[ -e $f ] || { echo "  Failed to find logical volume \"${f#$root/lv/}\""; exit 5; }
	for x in $(grep -l " ${f##*/} thin " $dir/*) $f; do rm -f $x $root/dev/mapper/${dir##*/}-${x##*/}; done ;;
esac
''',
    "mkfs.xfs": r'''
for last in "$@"; do :; done
case $last in -V) echo "mkfs.xfs version 6.1.0"; exit ;; esac
[ "$(head -c 4 $last)" != XFSB ] || { echo "appears to contain a filesystem"; exit 1; }
printf XFSB | dd of=$last conv=notrunc 2>/dev/null
''',
    "mount": r'''
at=$(readlink -f $4)
grep -q " $at " $root/mountinfo && { echo "mounted twice"; exit 32; }
echo "1 1 0:0 / $at rw shared:1 - xfs $3 rw" >>$root/mountinfo
''',
    "umount": r'''
[ ! -d $1/brick ] || rmdir $1/brick
grep -v " $(readlink -f $1) " $root/mountinfo >$root/mountinfo.new
mv $root/mountinfo.new $root/mountinfo
''',
    "chown": "",
    "gluster": r'''
printf '%s\0' "$@" >>$root/argv
printf '\0' >>$root/argv
shift 2
if [ -e $root/busy ]; then
	rm $root/busy
	echo "volume $2: failed: Another transaction is in progress for $3. Please try again after some time."
	exit 1
fi
case "$1 $2" in
"volume create")
	if [ -e $root/volume ]; then echo "volume create: $3: failed: Volume $3 already exists"; exit 1; fi ;;
"volume set")
	if [ -e $root/nopairs ] && [ $# -gt 5 ]; then echo "volume set: failed: one at a time"; exit 1; fi
	case "$*" in *" bad.key "*) echo "volume set: failed: option : bad.key does not exist"; exit 1 ;; esac ;;
"volume info")
	if [ -e $root/volume ]; then cat $root/volume; else
		echo "<?xml version=\"1.0\"?><cliOutput><opRet>-1</opRet><opErrno>30806</opErrno><opErrstr>Volume $3 does not exist</opErrstr></cliOutput>"
	fi ;;
esac
''',
    "systemctl": "exit 3\n",
}
REAL = ("mv", "mkdir", "rm", "chmod", "rmdir")


class Node:
    def __init__(self, **options):
        self.root = tempfile.mkdtemp(prefix="brickyard-script.")
        self.mounts = self.root + "/mounts"
        self.options = options
        os.mkdir(self.root + "/bin")
        os.makedirs(self.root + "/lv/" + VG)
        for name in ("count", "kill", "log", "argv", "mountinfo", "udev",
                     "fstab"):
            self.write(name, "")
        self.write("count", "0\n")
        self.write("fstab", "# by hand\nUUID=1 / ext4 defaults 0 1\n")
        for name, body in TOOLS.items():
            self.tool(name, LOG + body)
        for name in REAL:
            self.tool(name, "%s \"$@\" || exit\n" % shutil.which(name))
        self.tool("sync", ":")           # disks are slow
        atexit.register(shutil.rmtree, self.root, ignore_errors=True)

    def tool(self, name, body):
        path = "%s/bin/%s" % (self.root, name)
        with open(path, "w") as f:
            f.write(HEAD % {"root": self.root} +
                    "(%s\n) || exit\ndie_after\n" % body)
        os.chmod(path, 0o755)

    def write(self, name, text):
        with open(os.path.join(self.root, name), "w") as f:
            f.write(text)

    def read(self, name):
        with open(os.path.join(self.root, name), errors="replace") as f:
            return f.read()

    def argv(self, verb, **kw):
        opts = {"search_path": self.root + "/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "lock_dir": self.root + "/run", "state_dir": self.root + "/state",
                "fstab": self.root + "/fstab",
                "replace": ",".join("%s=%s/%s" % (a, self.root, b) for a, b in (
                    ("/dev/mapper/", "dev/mapper/"),
                    ("/proc/self/mountinfo", "mountinfo"),
                    ("/run/udev/control", "udev"))), **self.options}
        a = [lab.DRIVER, PLUGIN, "-l"]
        for k, v in opts.items():
            a += ["-o", "%s=%s" % (k, v)]
        return a + lab.words(verb, host="node1", **kw)

    def call(self, verb, **kw):
        r = subprocess.run(self.argv(verb, **kw), stdout=subprocess.PIPE,
                           text=True, errors="replace")
        return lab.Reply([x.partition(" ")[2] for x in r.stdout.splitlines()])

    def bricks(self, verb, *bricks, **kw):
        return self.call(verb, brick=bricks, mounts=self.mounts,
                         volume=lab.ident(77), **{"op": OP, **DEV, **kw})

    def log(self):
        """What was run since the last time, but for looking."""
        lines = [x.replace(self.root, "") for x in
                 self.read("log").splitlines()]
        self.write("log", "")
        return [x for x in lines if not x.startswith("lvm lvs")]

    def words(self):
        """The arguments of each gluster command, as they arrived."""
        with open(self.root + "/argv", "rb") as f:
            runs = f.read().split(b"\0\0")
        self.write("argv", "")
        return [[w.decode() for w in r.split(b"\0")] for r in runs if r]

    def state(self):
        found = {}
        for top in ("lv", "mounts"):
            for at, dirs, files in os.walk(os.path.join(self.root, top)):
                for name in dirs + files:
                    p = os.path.join(at, name)
                    found[p.replace(self.root, "")] = \
                        oct(os.stat(p).st_mode) if name in dirs else open(p).read()
        for name in ("fstab", "mountinfo"):
            found[name] = sorted(self.read(name).replace(self.root, "").splitlines())
        return found

    def kill_at(self, word):
        self.write("count", "0\n")
        self.write("kill", word + "\n")

    def gone(self):
        shutil.rmtree(self.root)


def mp(brick):
    return "/mounts/%s/brick_%s" % (VG, brick)


def dm(brick):
    return "/dev/mapper/%s-brick_%s" % (VG, brick)


def tags(brick):
    return "--addtag brickyard --addtag brickyard.brick=%s --addtag " \
        "brickyard.volume=%s --addtag brickyard.operation=%s" % (
            brick, lab.ident(77), OP)


OPTS = "rw,inode64,noatime,nouuid"


def created(brick, lvm="lvm", yn="n", chunk="256K", mkfs="-i size=512 -n size=8192",
            gid=None, mib=400):
    kib = mib * 1024
    tp = -(-kib // 4096) * 4096
    meta = -(-tp // 200 // 4096) * 4096 or 4096
    want = [
        "%s lvcreate -qq --autobackup=%s --poolmetadatasize %dK --chunksize %s "
        "--size %dK --thin %s/tp_%s --virtualsize %dK --name brick_%s %s" % (
            lvm, yn, meta, chunk, tp, VG, brick, kib, brick, tags(brick)),
        "mkfs.xfs %s %s" % (mkfs, dm(brick)),
        "mount -o %s %s %s" % (OPTS, dm(brick), mp(brick))]
    return want + (["chown :%d %s/brick" % (gid, mp(brick))] if gid else [])


# ---- the commands, one by one

node = Node()
r = node.bricks("create", A + ":400:1234", timeout=60000)
tap.ok(r.ok, "a brick is made") or tap.diag(r)
tap.ok("lvs" not in node.read("log"), "without a look, as nobody was here before")
tap.is_(node.log(), created(A, gid=1234), "with heketi's commands")
tap.is_(node.read("fstab").replace(node.root, ""),
        "# by hand\nUUID=1 / ext4 defaults 0 1\n%s %s xfs %s 1 2\n" % (dm(A), mp(A), OPTS),
        "and heketi's line at the end of fstab")
st = os.stat(node.root + mp(A) + "/brick")
tap.is_(oct(stat.S_IMODE(st.st_mode)), "0o2775", "a volume with a group gets its mode")
before = node.state()
r = node.bricks("create", A + ":400:1234")
tap.is_((r.ok, node.log()), (True, ["chown :1234 %s/brick" % mp(A)]), "made again, nothing is made")
tap.is_(node.state(), before, "and nothing is changed")
r = node.bricks("destroy", A + ":400")
tap.is_(node.read("log").count("lvm "), 2, "two LVM commands remove a brick")
tap.is_(node.log(), ["umount " + mp(A), "lvm lvremove --autobackup=n -f %s/tp_%s" % (VG, A)], "it is removed, the volume with its pool")
tap.ok(r.ok and node.read("fstab") == "# by hand\nUUID=1 / ext4 defaults 0 1\n" and
       not os.path.exists(node.mounts + "/" + VG), "with its line and its directory") or tap.diag(r, node.state())
r = node.bricks("destroy", A + ":400")
tap.ok(r.ok, "twice is once") or tap.diag(r)
node.gone()

node = Node(backup_lvm_metadata="true", lv_chunksize="512K", xfs_su="65536", xfs_sw="10",
            lvm_wrapper=" /usr/bin/env  -i ")
with open(node.root + "/wrapped", "w") as f:
    f.write("#!/bin/sh\nPATH=%s/bin:$PATH exec \"$@\"\n" % node.root)
os.chmod(node.root + "/wrapped", 0o755)
node.options["lvm_wrapper"] = node.root + "/wrapped"
node.options["replace"] = ",".join(["/usr/sbin/lvm=lvm"] + [
    "%s=%s/%s" % (a, node.root, b) for a, b in (
        ("/dev/mapper/", "dev/mapper/"), ("/proc/self/mountinfo", "mountinfo"))])
r = node.bricks("create", A + ":400", B + ":320:0:2")
tap.ok(r.ok, "two bricks are made, behind a wrapper") or tap.diag(r)
got = node.log()
want = created(A, yn="y", chunk="512K", mkfs="-i size=512 -d su=65536,sw=10 -n size=8192") + \
    created(B, yn="y", mkfs="-i maxpct=100 -n size=8192", mib=320)
tap.is_(sorted(got), sorted(want), "the arbiter's has small chunks, many inodes and no stripes")
tap.is_([x.split()[1] for x in got[:2]], ["lvcreate"] * 2, "LVM first, a brick at a time")
r = node.bricks("destroy", A + ":400", B + ":320")
tap.ok(r.ok and node.state()["mountinfo"] == [], "and removed in one call") or tap.diag(r)
node.gone()

node = Node()
r = node.bricks("create", A + ":976")
tap.is_((r.err_class, r.text), (lab.NOSPACE, 'lvcreate %s/brick_%s on node1: exit 5: Volume group "%s" has '
        'insufficient free space (7 extents): 61 required.' % (VG, A, VG)),
        "a failure names the step, the object, the node, and has the tool's words")
shutil.rmtree(node.root + "/lv/" + VG)
r = node.bricks("create", A + ":400")
tap.is_(r.err_class, lab.NOTFOUND, "a volume group that is gone is not found")
os.unlink(node.root + "/bin/mkfs.xfs")
node.options["search_path"] = node.root + "/bin"
for tool in ("cat", "tail", "sed", "awk", "grep", "tr", "dd", "od", "cut", "stat", "readlink", "cp",
             "wc", "find", "flock", "head", "sleep"):
    os.symlink(shutil.which(tool), node.root + "/bin/" + tool)
os.makedirs(node.root + "/lv/" + VG)
r = node.bricks("create", A + ":400")
tap.ok(r.err_class == lab.PERMANENT and "mkfs.xfs" in r.text and "not found" in r.text,
       "a tool that is missing is named") or tap.diag(r)
os.unlink(node.root + "/bin/flock")
r = node.bricks("create", A + ":400")
tap.ok(r.err_class == lab.PERMANENT and "install util-linux" in r.text, "flock, too") or tap.diag(r)
node.gone()

# ---- what is in the way of a first call, and what must stay

node = Node()


def put(name, text):
    with open("%s/lv/%s/%s" % (node.root, VG, name), "w") as f:
        f.write(text)


put("tp_" + A, "419430400 - thin-pool active -\n")
r = node.bricks("create", A + ":400", op=lab.ident(93))
tap.is_((r.ok, [x.split()[1] for x in node.log() if x.startswith("lvm")]), (True, ["lvcreate", "lvremove", "lvcreate"]),
        "an empty pool that is in the way of an operation's first call is made anew")
r = node.bricks("create", A + ":400", op=lab.ident(94))
tap.is_((r.ok, [x.split()[1] for x in node.log() if x.startswith("lvm")]), (True, ["lvcreate"]),
        "a brick of another operation's is found whole")
put("brick_%s_clone" % A, "419430400 tp_%s thin active -\n" % A)
r = node.bricks("destroy", A + ":400", op=lab.ident(95))
tap.is_((r.ok, sorted(os.listdir(node.root + "/lv/" + VG))), (True, ["brick_%s_clone" % A, "tp_" + A]),
        "a pool that holds something else stays, with that")
r = node.bricks("destroy", A + ":400", op=lab.ident(95))
tap.is_((r.ok, sorted(os.listdir(node.root + "/lv/" + VG))), (True, ["brick_%s_clone" % A, "tp_" + A]),
        "also when only that is left")
node.gone()

# ---- what can't be activated any more: from an lvcreate that was cut off, or a brick with data?

mine, others = ("brickyard,brickyard.brick=%s,brickyard.operation=%s," % (A, op) for op in (OP, lab.ident(92)))
for what, lv_tags, pool_tags, fstab, again in (
        ("by this operation and was never mounted", "-", mine, "", True),
        ("by this operation and has its line in fstab", "-", mine, "%s %s xfs %s 1 2\n", False),
        ("by another operation", "-", others, "", False),
        ("by an older version, which had tagged it when it was done", mine, mine, "", False),
        ("by nobody we know", "-", "-", "", False)):
    node = Node()
    node.write("stuck", "")
    node.write("fstab", fstab and fstab % (dm(A), node.root + mp(A), OPTS))
    node.write("lv/%s/tp_%s" % (VG, A), "419430400 - thin-pool - %s\n" % pool_tags)
    node.write("lv/%s/brick_%s" % (VG, A), "419430400 tp_%s thin - %s\n" % (A, lv_tags))
    r = node.bricks("create", A + ":400")
    verbs = [x.split()[1] for x in node.log() if x.startswith("lvm")]
    tap.is_((r.ok, "lvremove" in verbs), (again, again), "a volume that can't be activated, made " + what +
            (": it is made anew" if again else ": it stays, with its error")) or tap.diag(r, verbs)
    tap.ok(r.ok or "in need of repair" in r.text, "in LVM's words") or tap.diag(r)
    node.gone()

# ---- fstab, at whose end a line is put

for what, before, after in (
        ("a file of people's", "# x\n\n/dev/a /a ext4 defaults 0 1\n", "# x\n\n/dev/a /a ext4 defaults 0 1\n%s\n"),
        ("an empty one", "", "%s\n"),
        ("none at all", None, "%s\n"),
        ("one that does not end its last line", "/dev/a /a ext4 defaults 0 1", "/dev/a /a ext4 defaults 0 1\n%s\n"),
        ("one where the line is", "%s\n/dev/a /a ext4\n", "%s\n/dev/a /a ext4\n"),
        ("one where it is twice", "%s\n%s\n", "%s\n"),
        ("one with another line for the mount point", "/dev/b %m btrfs x 0 0\n# /dev/c %m x\n", "# /dev/c %m x\n%s\n"),
        ("one where half a line was written when the disk was full", "/dev/a /a ext4\n%h", "/dev/a /a ext4\n%s\n")):
    node = Node()
    line = "%s%s %s xfs %s 1 2" % (node.root, dm(A), node.root + mp(A), OPTS)
    before, after = (x and x.replace("%s", line).replace("%h", line[:-40]).replace("%m", node.root + mp(A))
                     for x in (before, after))
    if before is None:
        os.unlink(node.root + "/fstab")
    else:
        node.write("fstab", before)
        os.chmod(node.root + "/fstab", 0o640)
    r = node.bricks("create", A + ":400")
    tap.is_((r.ok, node.read("fstab")), (True, after), "fstab: " + what) or tap.diag(r)
    if before is not None:
        tap.is_(oct(stat.S_IMODE(os.stat(node.root + "/fstab").st_mode)), "0o640", "its mode stays")
    node.gone()

# ---- several bricks of a device, of which the last takes the directory along

node = Node()
node.bricks("create", A + ":400", B + ":320")
r = node.bricks("destroy", A + ":400")
tap.is_((r.ok, os.listdir(node.mounts + "/" + VG)), (True, ["brick_" + B]), "a device's directory stays while a brick is in it")
r = node.bricks("destroy", B + ":320")
tap.is_((r.ok, os.listdir(node.mounts)), (True, []), "and goes with the last")
os.mkdir(node.mounts + "/" + VG)
r = node.bricks("destroy", B + ":320")
tap.is_((r.ok, os.listdir(node.mounts)), (True, []), "also when somebody died before that")
node.gone()

# ---- mount points behind a symbolic link: /var/run is one

node = Node()
os.mkdir(node.mounts)
os.symlink(node.mounts, node.root + "/link")
node.mounts = node.root + "/link"
make = [node.bricks("create", A + ":400") for _ in range(2)]
tap.is_(([r.ok for r in make], node.read("mountinfo").count("\n")), ([True] * 2, 1),
        "behind a symbolic link: a brick is mounted once") or tap.diag(*make)
r = node.bricks("destroy", A + ":400")
tap.is_((r.ok, node.read("mountinfo")), (True, ""), "behind a symbolic link: it is unmounted") or tap.diag(r)
node.gone()

# ---- clones of snapshots

node = Node()
os.makedirs(node.root + "/run/gluster/snaps")
node.options["replace"] = "/run/gluster/=%s/run/gluster/,%s" % (node.root, ",".join(
    "%s=%s/%s" % (a, node.root, b) for a, b in (("/dev/mapper/", "dev/mapper/"),
                                               ("/proc/self/mountinfo", "mountinfo"))))
node.write("fstab", "x %s xfs y 1 2\n" % ("/run/gluster/snaps/" + VG + "/brick_" + A))
r = node.call("destroy", brick=A + ":400", mounts="/run/gluster/snaps", op=OP, **DEV)
tap.ok(r.ok and node.read("fstab").count("\n") == 1, "a clone's brick has no line in fstab to be removed") or tap.diag(r)
node.gone()

# ---- killed anywhere

ends = {}
for verb in ("create", "destroy"):
    node = Node()
    done = bad = 0
    while True:
        node.bricks("destroy" if verb == "create" else "create", A + ":400:7", op=lab.ident(96))
        done += 1
        node.kill_at("%d after" % done)
        if os.path.exists(node.root + "/state/fences/" + OP):
            os.unlink(node.root + "/state/fences/" + OP)    # it is the first call
        r = node.bricks(verb, A + ":400:7")
        fell = int(node.read("count"))
        node.kill_at("")
        if r.ok and fell < done:
            break
        if r.err_class != lab.TRANSIENT or "the script" not in r.text:
            bad += not r.ok
        r = node.bricks(verb, A + ":400:7")
        state = node.state()
        ends.setdefault(verb, state)
        if not r.ok or state != ends[verb]:
            bad += 1
            tap.diag("%s killed at %d" % (verb, done), r, state)
    tap.ok(done > 7 and bad == 0, "%s: killed at %d places and run again, it ends the same" % (verb, done))
    node.gone()

# ---- fences

for shell in SHELLS:
    node = Node(shell=shell)
    tap.ok(node.bricks("create", A + ":400", epoch=3).ok, "%s: epoch 3 works" % shell)
    tap.is_(node.read("state/fences/" + OP), "3\n", "and is kept")
    node.log()
    r = node.bricks("destroy", A + ":400", epoch=2)
    tap.is_((r.err_class, node.log()), (lab.FENCED, []), "epoch 2 is fenced, nothing was done")
    tap.ok(node.bricks("destroy", A + ":400", epoch=4).ok and node.read("state/fences/" + OP) == "4\n",
           "epoch 4 works")
    for epoch in 1, 2:
        for there in None, "", "1\n":
            name = "state/fences/" + lab.ident(97)
            if there is not None:
                node.write(name, there)
            elif os.path.exists(node.root + "/" + name):
                os.unlink(node.root + "/" + name)
            r = node.bricks("destroy", A + ":400", epoch=epoch, op=lab.ident(97))
            tap.is_((r.ok, node.read(name)), (True, "%d\n" % epoch), "%s: epoch %d where the fence %s" % (
                shell, epoch, "is not there" if there is None else "says %r" % there)) or tap.diag(r)
    for junk in ("", "x\n", "9" * 15 + "\n"):
        node.write("state/fences/" + OP, junk)
        r = node.bricks("destroy", A + ":400", epoch=5)
        tap.is_(r.ok, not junk.startswith("9"), "a fence that says %r" % junk[:3])
    node.gone()

# Taken over in the middle: what is begun is the last thing that is done.
node = Node()
node.tool("mkfs.xfs", LOG + "echo 7 >$root/state/fences/%s\n" % OP)
r = node.bricks("create", A + ":400", epoch=3)
tap.is_(r.err_class, lab.FENCED, "an epoch that comes in the middle of a script ends it")
tap.is_([x.split()[0] for x in node.log()], ["lvm", "mkfs.xfs"], "before the next change")
node.gone()

# A script that nobody waits for any more keeps its operation to itself.
node = Node()
node.tool("mkfs.xfs", LOG + "echo >$root/begun; exec sleep 3\n")
p = subprocess.Popen(node.argv("create", brick=A + ":400", mounts=node.mounts, op=OP, **DEV), stdout=subprocess.PIPE)
lab.wait_for(lambda: os.path.exists(node.root + "/begun"))
p.kill()
p.communicate()
r = node.bricks("create", A + ":400", timeout=2600)
tap.ok(r.err_class == lab.TRANSIENT and "earlier script" in r.text, "two scripts of an operation do not run side by side") or tap.diag(r)
node.log()
r = node.bricks("create", B + ":320", op=lab.ident(91), timeout=30000)
tap.ok(r.err_class != lab.TIMEOUT and "brick_" + B in " ".join(node.log()), "another operation's may") or tap.diag(r)
node.gone()

# ---- words from outside

HOSTILE = ["plain", "two words", "it's", "'", "''", "\\", "\\'", "$(touch PWNED)", "`touch PWNED`", "${IFS}", "a;touch PWNED",
           "|touch PWNED", ">PWNED", "*", "~", "!!", "a\"b", "-f", "", " ", "%s%n", "#x", "@BY x done", "a&b", "é世"]
rnd = random.Random(5)
HOSTILE += ["".join(rnd.choice("'\"\\$`;&|<>*?~ #!(){}[]abc%@=") for _ in range(rnd.randrange(1, 24))) for _ in range(20)]
for shell in SHELLS:
    node = Node(shell=shell)
    values = [v for v in HOSTILE if v.strip() and v.strip() == v and not v.startswith("--")]
    r = node.call("volume-create", name="v1", id=lab.ident(5), op=OP, set=1, sets=15,
                  brick="h1:/b1", option=["user.x " + v for v in values], timeout=120000)
    tap.ok(r.ok, "%s: a volume with hostile options is made" % shell) or tap.diag(r)
    got = [v for w in node.words() if w[2:4] == ["volume", "set"] for v in w[6::2]]
    tap.is_(got, [lab.ident(5)] + values, "they arrive at gluster as they are")
    tap.is_([f for at, d, files in os.walk(node.root) for f in files if f == "PWNED"] +
            [f for f in os.listdir(".") if f == "PWNED"], [], "and nowhere else")
    node.gone()
node = Node()
for bad, kw in (("a name", {"name": "v;reboot"}), ("an option", {"option": "--log-file=/etc/passwd 1"}),
                ("a line end", {"option": "user.x a\nb"})):
    r = node.call("volume-create", **{"name": "v1", "id": "1", "op": OP, "brick": "h:/b", **kw})
    tap.is_((r.err_class, node.log()), (lab.INVALID, []), bad + " that can't be passed on is refused")
r = node.call("check", op="../x")
tap.is_(r.err_class, lab.INVALID, "an operation's id that is a path is refused")
node.gone()

# ---- gluster

node = Node(gluster_cli_timeout="42", snapshot_limit="14")
r = node.call("probe", peer="n2", op=OP)
tap.is_((r.ok, node.log()), (True, ["gluster --mode=script --timeout=42 peer probe n2",
        "gluster --mode=script --timeout=42 snapshot config snap-max-hard-limit 14"]), "a peer is probed as heketi does it")
G = "gluster --mode=script --timeout=42 volume "
bricks = ["h%d:/b%d" % (i, i) for i in range(7)]
r = node.call("volume-create", name="v1", id=lab.ident(5), op=OP, set=1, sets=3, brick=bricks,
              option=["auth.allow 1.2.3.4", "", "group  gluster block", "single"])
tap.ok(r.ok, "a volume is made") or tap.diag(r)
tap.is_([x for x in node.log() if "volume info" not in x],
        [G + "create v1 h0:/b0 h1:/b1 h2:/b2", G + "add-brick v1 h0:/b0 h1:/b1 h2:/b2", G + "add-brick v1 h3:/b3 h4:/b4 h5:/b5",
         G + "add-brick v1 h6:/b6", G + "set v1 user.heketi.id " + lab.ident(5) + " auth.allow 1.2.3.4",
         G + "set v1 group gluster block", G + "set v1 single", G + "start v1"],
        "in chunks, the options that go together at once, then started")
node.write("nopairs", "")
r = node.call("volume-create", name="v1", id=lab.ident(5), op=OP, brick="h:/b", option=["a b", "c d"])
got = [x[len(G):] for x in node.log() if " set " in x]
tap.is_((r.ok, got), (True, ["set v1 user.heketi.id %s a b c d" % lab.ident(5), "set v1 user.heketi.id " + lab.ident(5),
        "set v1 a b", "set v1 c d"]), "or one by one, where gluster does not take them at once")
r = node.call("volume-create", name="v1", id=lab.ident(5), op=OP, brick="h:/b", option=["a b", "bad.key x", "c d"])
tap.is_((r.text, node.log()[-1]), ("gluster volume set v1 bad.key on node1: exit 1: volume set: failed: option : bad.key does not exist",
        G + "set v1 bad.key x"), "an option that is refused is named, and those behind it are not set")
os.unlink(node.root + "/nopairs")


def volume(bricks, status="Started", ident=None):
    return "<?xml version='1.0'?>\n<cliOutput><opRet>0</opRet><opErrno>0</opErrno><opErrstr/><volInfo><volumes>" \
        "<volume><name>v1</name><id>42</id><statusStr>%s</statusStr><typeStr>Distribute</typeStr><bricks>%s</bricks>" \
        "<options><option><name>a&amp;b</name><value>&lt;x&gt;</value></option>%s</options></volume>" \
        "<count>1</count></volumes></volInfo></cliOutput>\n" % (status, "".join(
            "<brick uuid=\"1\">%s<name>%s</name><hostUuid>1</hostUuid><isArbiter>0</isArbiter></brick>" % (b, b)
            for b in bricks), "<option><name>user.heketi.id</name><value>%s</value></option>" % ident if ident else "")


node.write("volume", volume(bricks[:3], "Created"))
made = G + "create v1 h0:/b0 h1:/b1 h2:/b2"     # is tried first, and says that there is one
r = node.call("volume-create", name="v1", id=lab.ident(5), op=OP, set=1, sets=3, brick=bricks)
tap.is_([x for x in node.log() if "volume info" not in x], [made, G + "add-brick v1 h3:/b3 h4:/b4 h5:/b5", G + "add-brick v1 h6:/b6",
        G + "set v1 user.heketi.id " + lab.ident(5), G + "start v1"], "one that is half made is finished")
node.write("volume", volume(bricks, "Started", lab.ident(5)))
r = node.call("volume-create", name="v1", id=lab.ident(5), op=OP, set=1, sets=3, brick=bricks)
tap.is_([x for x in node.log() if "volume info" not in x], [made, G + "set v1 user.heketi.id " + lab.ident(5)],
        "one that is whole is left as it is")
for what, text in (("of another id", volume(bricks, "Started", lab.ident(6))), ("of other bricks", volume(["x:/y"])),
                   ("with a brick too many", volume(bricks + ["x:/y"]))):
    node.write("volume", text)
    r = node.call("volume-create", name="v1", id=lab.ident(5), op=OP, set=1, sets=3, brick=bricks)
    tap.is_((r.err_class, [x for x in node.log() if "volume info" not in x]), (lab.EXISTS, [made]), "a volume %s is in the way" % what)
node.write("volume", volume(["h0:/b0"], "Started", lab.ident(5)))
r = node.call("volume-expand", name="v1", id=lab.ident(5), op=OP, set=2, sets=3, brick=bricks[:4], rebalance=1)
tap.ok(r.err_class == lab.EXISTS and "1 of the 2 bricks" in r.text, "half a set is somebody else's work") or tap.diag(r)
node.log()
node.write("volume", volume(bricks[:2], "Started", lab.ident(5)))
r = node.call("volume-expand", name="v1", id=lab.ident(5), op=OP, set=2, sets=3, brick=bricks[:6], rebalance=1)
tap.is_([x for x in node.log() if "volume info" not in x], [G + "add-brick v1 h2:/b2 h3:/b3 h4:/b4 h5:/b5", G + "rebalance v1 start"],
        "expanding adds the sets that are not there")
r = node.call("volume-info", name="v1")
tap.is_((r.get("status"), r.get("type"), r.get("id"), r.get("host", 2), r.get("path", 2)), ("started", "Distribute", "42", "h1", "/b1"),
        "info tells status, type, id and the bricks in order")
many = ["host%d:/var/lib/heketi/mounts/vg_%032x/brick_%032x/brick" % (i, i, i) for i in range(700)]
node.write("volume", volume(many))
r = node.call("volume-info", name="v1")
tap.ok(r.ok and len(r.all("path")) == 700, "also those of a volume of 700 bricks") or tap.diag(r)
os.unlink(node.root + "/volume")
r = node.call("volume-info", name="v1")
tap.is_(r.err_class, lab.NOTFOUND, "a volume that is not there is not found")
node.log()
node.write("busy", "")
r = node.call("volume-destroy", name="v1", op=OP)
tap.is_((r.ok, node.log()), (True, [G + "stop v1 force"] * 2 + [G + "delete v1"]), "a glusterd that is busy is asked again")
# Snapshots in the way: what a clone left goes, what is somebody's stays.
PLAIN = open(node.root + "/bin/gluster").read()
LEFT = "tmpsnap_" + lab.ident(3)


def with_snapshots(*names):
    node.write("snapshots", "".join(n + "\n" for n in names))
    node.tool("gluster", LOG + r"""
shift 2
case "$1 $2" in
"volume delete")
	[ ! -s $root/snapshots ] || { echo "volume delete: $3: failed: Cannot delete Volume $3 ,as it has 2 snapshots. To delete the volume, first delete all the snapshots under it."; exit 1; } ;;
"snapshot list") printf '<cliOutput><opRet>0</opRet><snapList><count>2</count>'
	sed 's,.*,<snapshot>&</snapshot>,' $root/snapshots
	echo '</snapList></cliOutput>' ;;
"snapshot delete") grep -vx $3 $root/snapshots >$root/left; mv $root/left $root/snapshots
	echo '<cliOutput><opRet>0</opRet></cliOutput>' ;;
snapshot*) echo '<cliOutput><opRet>0</opRet></cliOutput>' ;;
esac
""")
    node.log()
    return node.call("volume-destroy", name="v1", op=OP), [
        x[len("gluster --mode=script --timeout=42 "):] for x in node.log()
        if x.startswith("gluster ")]


r, log = with_snapshots(LEFT)
tap.is_((r.ok, log), (True, [
    "volume stop v1 force", "volume delete v1", "snapshot list v1 --xml",
    "snapshot deactivate %s --xml" % LEFT, "snapshot delete %s --xml" % LEFT,
    "volume delete v1"]), "a snapshot that a clone left is no hindrance") or tap.diag(r)
r, log = with_snapshots(LEFT, "nightly")
tap.ok(not r.ok and "Unable to delete volume v1: volume delete: v1: failed: Cannot delete Volume v1 ,as it has 2 snapshots." in r.text
       and "snapshot delete nightly --xml" not in log, "one that somebody made is") or tap.diag(r, *log)
r, log = with_snapshots("tmpsnap_mine")
tap.is_((r.ok, log), (False, ["volume stop v1 force", "volume delete v1", "snapshot list v1 --xml"]),
        "whatever its name begins with")
with open(node.root + "/bin/gluster", "w") as f:
    f.write(PLAIN)
node.log()
r = node.call("check")
tap.is_((r.ok, node.log()), (True, ["systemctl status glusterd", "gluster --mode=script --timeout=42 pool list"]),
        "where systemd does not know glusterd, it is asked itself")

# What waits to be healed is told, and gluster is made to look at once.
node.tool("gluster", LOG + r'''
shift 2
case "$*" in
"volume heal v1 info --xml")
	printf '<?xml version="1.0"?>\n<cliOutput>\n<healInfo><bricks>'
	printf '<brick hostUuid="x"><name>h1:/b/1</name><file gfid="a">/a\n</file>&lt;b</file>\n<status>Connected</status><numberOfEntries>%s</numberOfEntries></brick>' "$(cat $root/waiting)"
	printf '</bricks></healInfo><opRet>0</opRet>\n</cliOutput>\n' ;;
"volume status v1 --xml")
	printf '<cliOutput><volStatus><volumes><volume><node><hostname>h1</hostname><path>/b/1</path><status>1</status></node></volume></volumes></volStatus></cliOutput>\n' ;;
"volume info v1 --xml")
	printf '<cliOutput><opRet>0</opRet><volInfo><volumes><volume><name>v1</name><statusStr>Started</statusStr><bricks><brick>h1:/b/1<name>h1:/b/1</name></brick></bricks></volume></volumes></volInfo></cliOutput>\n' ;;
*) exit 1 ;;
esac
''')
for waiting in "3", "0":
    node.write("waiting", waiting)
    r = node.call("heal", name="v1")
    healed = [x for x in node.log() if x.endswith("volume heal v1")]
    tap.is_((r.ok, r.all("entries"), len(healed)), (True, [waiting], int(waiting) // 3),
            "%s files wait to be healed: gluster is told to look %s" % (waiting, "at once" if waiting != "0" else "not at all"))
# A rebalance that an expansion began is waited for.
node.tool("gluster", LOG + r'''
shift 2
volume() {
	printf '<cliOutput><opRet>0</opRet><volInfo><volumes><volume><name>%s</name><statusStr>Started</statusStr><bricks>%s</bricks></volume></volumes></volInfo></cliOutput>\n' $1 "$2"
}
case "$*" in
"volume info v1 --xml") volume v1 '<brick>h1:/b/1<name>h1:/b/1</name></brick>' ;;
"volume info c1 --xml")
	if [ -e $root/cloned ]; then volume c1 '<brick>h1:/run/gluster/snaps/c/brick1/brick<name>h1:/run/gluster/snaps/c/brick1/brick</name></brick>'
	else echo '<cliOutput><opRet>-1</opRet><opErrstr>Volume c1 does not exist</opErrstr></cliOutput>'; fi ;;
"snapshot create s1 v1 no-timestamp --xml")
	if [ -e $root/still ]; then rm $root/still
		echo '<cliOutput><opRet>-1</opRet><opErrstr>rebalance process is running for the volume v1</opErrstr></cliOutput>'
	else echo '<cliOutput><opRet>0</opRet></cliOutput>'; fi ;;
"snapshot clone c1 s1 --xml") touch $root/cloned; echo '<cliOutput><opRet>0</opRet></cliOutput>' ;;
*) echo '<cliOutput><opRet>0</opRet></cliOutput>' ;;
esac
''')
node.write("still", "")
r = node.call("clone", name="v1", clone="c1", snapshot="s1", op=OP, timeout=120000)
tap.is_((r.ok, [x.split(" ", 3)[3] for x in node.log() if " snapshot create" in x]),
        (True, ["snapshot create s1 v1 no-timestamp --xml"] * 2), "a clone waits for the end of a rebalance") or tap.diag(r)
node.tool("gluster", "echo 'Connection failed. Please check if gluster daemon is operational.'; exit 1\n")
r = node.call("check")
tap.ok(r.err_class == lab.PERMANENT and "glusterd is not running on this node: Connection failed" in r.text,
       "one that is not running is said not to") or tap.diag(r)
node.gone()

# ---- block volumes

node = Node()
node.tool("gluster-block", LOG + r"""
case $1 in
info) [ -e $root/block ] || { echo '{ "RESULT": "FAIL", "errCode": 2, "errMsg": "block v1\/b doesn'"'"'t exist" }' >&2; exit 2; }
	cat $root/block ;;
create) echo '{ "IQN": "iqn.2016-12.org.gluster-block:4711", "USERNAME": "4711", "PASSWORD": "a\"b\\c", "PORTAL(S)": [ "h1:3260" ], "RESULT": "SUCCESS" }' ;;
modify) echo '{ "RESULT": "FAIL", "errCode": 255, "errMsg": "it broke" }' ;;
delete) echo '{ "RESULT": "FAIL", "errMsg": "block v1/b doesn'"'"'t exist" }'; exit 255 ;;
esac
""")
r = node.call("block-create", volume="v1", name="b", peer=["h1", "h2"], gib=3, auth=1, op=OP)
tap.is_((r.ok, r.get("iqn"), r.get("username"), r.get("password"), r.get("usable_bytes")),
        (True, "iqn.2016-12.org.gluster-block:4711", "4711", 'a"b\\c', str(3 << 30)), "a block volume is made") or tap.diag(r)
tap.has(node.log(), "gluster-block create v1/b ha 2 auth enable prealloc full h1,h2 3GiB --json", "as heketi makes it")
r = node.call("block-info", volume="v1", name="b")
tap.is_(r.err_class, lab.NOTFOUND, "one that is not there is not found") or tap.diag(r)
node.write("block", '{ "NAME":"b", "VOLUME":"v1", "GBID":"4711", "SIZE":"4.0 GiB", "HA":2, "PASSWORD":"",\n'
           '"EXPORTED ON":[ "h1" ], "RESIZE FAILED ON": { "h1": "2.0 GiB", "h2" : "3.0 GiB" } }\n')
r = node.call("block-info", volume="v1", name="b")
tap.is_((r.get("iqn"), r.get("password"), r.get("size_bytes"), r.get("usable_bytes")),
        ("iqn.2016-12.org.gluster-block:4711", None, str(4 << 30), str(2 << 30)), "the smallest portal counts") or tap.diag(r)
r = node.call("block-create", volume="v1", name="b", peer="h1", gib=3, op=OP)
tap.is_(r.err_class, lab.EXISTS, "one of another size is in the way")
r = node.call("block-create", volume="v1", name="b", peer="h1", gib=4, op=OP)
tap.ok(r.ok and r.get("iqn"), "one from the last time is taken") or tap.diag(r)
node.log()
r = node.call("block-expand", volume="v1", name="b", gib=5, op=OP)
tap.is_((r.text, node.log()), ("Failed to expand block volume: it broke (see logs for details, and retry the operation)",
        ["gluster-block modify v1/b size 5GiB --json"]), "a failure to expand has heketi's words")
r = node.call("block-destroy", volume="v1", name="b", op=OP)
tap.ok(r.ok, "one that is gone is removed") or tap.diag(r)
node.write("block", '{ "NAME":"b", "GBID":"4711", "SIZE":"4.0 GiB", "HA":2 }\n')
r = node.call("block-info", volume="v1", name="b")
tap.is_((r.get("size_bytes"), r.get("usable_bytes")), (str(4 << 30), None),
        "of portals that an old gluster-block does not tell of nothing is said") or tap.diag(r)
os.unlink(node.root + "/block")
node.tool("gluster-block", LOG + "[ $1 != info ] || exit 2\necho 'Segmentation fault' >&2; exit 139\n")
r = node.call("block-create", volume="v1", name="b", peer="h1", gib=3, op=OP)
tap.has(r.text, "Unparsable error during block volume create: Segmentation fault", "what is no JSON is told, as heketi does")
r = node.call("block-expand", volume="v1", name="b", gib=5, op=OP)
tap.is_(r.text, "Unparsable error during block volume expand: Segmentation fault", "and by an expand")
node.gone()

# ---- answers

node = Node()
node.options["answer"] = node.root + "/answer"
CASES = [
    ("nothing at all", "", lab.TRANSIENT, "did not run"),
    ("another call's words", "@BY %s done\n" % ("0" * 32), lab.TRANSIENT, "did not run"),
    ("an answer that breaks off", "@BY NONCE at mkfs.xfs x\nblah\n", lab.TRANSIENT, "in the middle of 'mkfs.xfs x'"),
    ("a failure that breaks off", "@BY NONCE at x\n@BY NONCE fail 0 5 x\nwords\n", lab.TRANSIENT, "in the middle of 'x'"),
    ("a success in a tool's words", "@BY NONCE fail 0 5 lvcreate a/b\n@BY done\n@BY NONC done\n@BY NONCE .\n@BY NONCE done\n",
     lab.PERMANENT, "lvcreate a/b on node1: exit 5: @BY done"),
    ("a class of its own", "@BY NONCE fail 6 0 -\nanother replica owns it\n@BY NONCE .\n", lab.FENCED, "another replica"),
    ("a failure that can't be read", "@BY NONCE fail x\ny\n@BY NONCE .\n@BY NONCE done\n", lab.TRANSIENT, "can't be read"),
    ("a killed tool", "@BY NONCE fail 0 137 mkfs.xfs x\n@BY NONCE .\n", lab.TRANSIENT, "exit 137: it said nothing"),
    ("blanks and dirt", "@BY NONCE fail 0 1 x\n \t\r\n\x01\udcff\n\n@BY NONCE .\n", lab.PERMANENT, "exit 1:"),
    ("too much of everything", "x" * 300000, lab.PERMANENT, "longer than"),
]
for name, text, want, words in CASES:
    with open(node.root + "/answer", "wb") as f:
        f.write(text.encode(errors="surrogateescape"))
    r = node.call("detach", peer="x", op=OP)
    tap.ok(r.err_class == want and words in r.text, name) or tap.diag(r)
for name, xml in (("no XML", "nonsense"), ("half an XML", "<cliOutput><opRet>0"), ("deep XML", "<a>" * 50)):
    node.write("answer", "@BY NONCE data volume\n%s\n@BY NONCE .\n@BY NONCE done\n" % xml)
    r = node.call("volume-info", name="v1")
    tap.is_(r.err_class, lab.PERMANENT, "a volume that is " + name)
rnd = random.Random(7)
crashed = 0
for i in range(30):
    node.write("answer", "".join(rnd.choice(["@BY NONCE ", "fail ", "data x", "note", "= a b", "next", "at ", "done", "\n", "\n", ".",
                                             "0 ", "7 ", "<cliOutput>", "</a>", "z"]) for _ in range(rnd.randrange(40))))
    r = node.call("volume-info", name="v1")
    crashed += not r.ok and r.err_class == 0
tap.is_(crashed, 0, "thirty answers of random words are survived")
node.gone()

# ---- the clock

node = Node()
for what, body, off in (
        ("the service's", "date +%s", 0), ("an hour ahead", "echo $(($(date +%s) + 3600))", 3600),
        ("an hour behind", "echo $(($(date +%s) - 3600))", -3600),
        ("the service's, after a login that took seven seconds", "sleep 7; date +%s", 0)):
    node.tool("date", body)
    r = node.call("node-probe", timeout=60000)
    said = dict(zip(r.all("check"), zip(r.all("verdict"), r.all("text")))).get("clock", ("none", ""))
    told = re.search(r"is (-?\d+) s off", said[1])
    tap.ok(r.ok and said[0] == ("warning" if off else "ok") and abs(int(told.group(1) if told else 0) - off) < 5,
           "the node's clock: " + what) or tap.diag(r, said)
node.gone()

# ---- the scripts themselves

node = Node()
node.options["save"] = node.root + "/saved"
SCRIPTS = {}
for verb, kw in (("create", {"brick": [A + ":400:5", B + ":320:0:2"], "mounts": node.mounts, **DEV}),
                 ("destroy", {"brick": [A + ":400"], "mounts": node.mounts, **DEV}), ("prepare", DEV), ("info", DEV),
                 ("teardown", DEV), ("volume-create", {"name": "v1", "id": "5", "brick": bricks, "option": "a b"}),
                 ("volume-expand", {"name": "v1", "id": "5", "brick": bricks}), ("volume-destroy", {"name": "v1"}),
                 ("volume-info", {"name": "v1"}), ("check", {}), ("probe", {"peer": "x"}), ("detach", {"peer": "x"}),
                 ("forget", DEV), ("node-probe", {}), ("examine", {}), ("heal", {"name": "v1"}),
                 ("replace", {"name": "v1", "brick": bricks[:2]}), ("clone", {"name": "v1", "clone": "v2", "snapshot": "s"}),
                 ("block-create", {"volume": "v1", "name": "b", "peer": ["h1", "h2"]}), ("block-info", {"volume": "v1", "name": "b"}),
                 ("block-expand", {"volume": "v1", "name": "b"}), ("block-destroy", {"volume": "v1", "name": "b"})):
    node.call(verb, op=OP, **kw)
    SCRIPTS[verb] = node.read("saved")
for shell in SHELLS:
    bad = [v for v, s in SCRIPTS.items() if subprocess.run([shell, "-n"], input=s, text=True).returncode]
    tap.is_(bad, [], "%s can read them" % shell)
if shutil.which("shellcheck") is None:
    tap.skip("shellcheck has nothing to say", "shellcheck is not installed")
else:
    # 2034: values that this script has no use for; 2154: of functions brickN; 2016:
    # awk's dollars; 2254: patterns in variables; 2317, 2329: functions of a part that
    # this script does not call; 2031, 2030: jobs that set values of their own; 3013:
    # -ef, which dash, bash and busybox have; 2153: D_ID is no B_ID; 2015: || after && is
    # meant so.
    p = subprocess.run(["shellcheck", "-s", "sh", "-f", "gcc", "-e", "2034,2154,2016,2254,2317,2329,2030,2031,3013,2153,2015", *[
        node.write(v + ".sh", s) or node.root + "/" + v + ".sh" for v, s in SCRIPTS.items()]],
        stdout=subprocess.PIPE, text=True)
    tap.is_(p.stdout, "", "shellcheck has nothing to say")
tap.is_([v for v, s in SCRIPTS.items() if len(s) > 20000], [], "none is big")
known = set()
for part in glob.glob(os.path.join(tap.SRCDIR, "executors", "script", "*.sh")):
    with open(part) as f:
        known |= set(re.findall(r"^([a-z0-9_]+)\(\) \{$", f.read(), re.M))
missing, idle = {}, {}
for verb, s in SCRIPTS.items():
    words = collections.Counter(re.findall(r"[a-z0-9_]+", s))
    there = re.findall(r"^([a-z0-9_]+)\(\) \{$", s, re.M)
    missing.update({verb: x} if (x := known & set(words) - set(there)) else {})
    idle.update({verb: x} if (x := [f for f in there if words[f] == 1 and f != "by_main"]) else {})
tap.diag("KiB: " + ", ".join("%s %.1f" % (v, len(s) / 1024) for v, s in SCRIPTS.items()))
tap.ok(len(known) > 100, "%d functions are known" % len(known))
tap.is_(missing, {}, "a script has each function that it calls")
tap.is_(idle, {}, "and none that nothing calls")
node.log()
before = node.state()
whole = SCRIPTS["create"]
cuts = [rnd.randrange(len(whole)) for _ in range(25)] + [len(whole) - n for n in range(19, 25)]
for cut in cuts:
    subprocess.run(["sh", "-s"], input=whole[:cut], text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
tap.is_((node.log(), node.state()), ([], before), "a script that arrives in part does nothing")
node.gone()
tap.done()
