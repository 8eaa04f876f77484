#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""contrib/lab with this build: up, twice, looked into, broken, down; a real
volume is made in it.  Nothing of it is left, not even when it was killed.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import labtest
import lab
import re
import signal
import subprocess

SCRIPT = os.path.join(tap.SRCDIR, "contrib", "lab")
labtest.require()
d = lab.workdir()
state = d + "/state"
os.environ.update(BRICKYARD_LAB_STATE=state, BRICKYARD_LAB_BUILD=tap.BUILDDIR)


def run(*args, stdin=""):
    p = subprocess.run(["bash", SCRIPT, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       input=stdin)
    return p.returncode, p.stdout


def left():
    """Of this PID namespace: what the lab's programs are called."""
    names = []
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/comm" % p) as f, open("/proc/%s/stat" % p) as g:
                if g.read().rpartition(")")[2].split()[0] != "Z":
                    names.append(f.read().strip())
        except OSError:
            continue
    return [n for n in names if re.match("linux|etcd|haproxy|brickyardd|gluster|sshd", n)]


def loops():
    """Those of a lab that was killed have lost the beginning of their files' paths."""
    return [x for x in lab.sh("losetup", "-nO", "NAME,BACK-FILE", check=False).splitlines() if os.path.basename(d) in x]


def nothing_left(what):
    logs = [x for x in os.listdir("/var/log/glusterfs") if os.path.basename(d) in x]
    tap.is_((left(), lab.mounts_below(d), loops(), os.listdir(d), logs, "198.18." in lab.sh("ip", "addr")),
            ([], [], [], [], [], False), what + ": no process, mount, loop device, file, log or address is left")


status, out = run("--help")
tap.ok(status == 0 and "contrib/lab shell NODE" in out and "--disks" in out, "--help says what it does")
tap.is_(run("bogus")[0], 1, "an unknown command is refused")
tap.is_(run()[0], 2, "so is none")
tap.is_(run("up", "--nodes", "0")[0], 2, "and a lab without nodes")
# A copy that has nothing to build: it would say so.
os.makedirs(d + "/copy/contrib")
for name in "contrib/lab", "contrib/packages.sh", "tests":
    os.symlink(os.path.abspath(os.path.join(tap.SRCDIR, name)), os.path.join(d, "copy", name))
p = subprocess.run([d + "/copy/contrib/lab", "up", "--bogus"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                   env={k: v for k, v in os.environ.items() if k != "BRICKYARD_LAB_BUILD"})
tap.is_((p.returncode, p.stdout), (2, "ERROR: up: unknown option --bogus; see contrib/lab --help\n"),
        "and an unknown option, before anything is built")
lab.sh("rm", "-r", d + "/copy")
status, out = run("status")
tap.ok(status == 3 and "down" in out, "status tells that it is down") or tap.diag(out)
tap.ok("is not up" in run("run", "true")[1] and "is not up" in run("shell")[1], "run and shell tell, too")
status, out = run("down")
tap.ok(status == 0 and "there is no lab" in out, "down with nothing there is success") or tap.diag(out)

status, out = run("up", "--nodes", "3", "--disks", "2", "--members", "1")
if not tap.ok(status == 0 and out.count("Adding device /dev/sd") == 6 and "Unable" not in out, "up brings it up"):
    tap.diag(out)
    run("down")
    tap.done()
status, out = run("up")
tap.ok(status == 0 and "it is up" in out, "up again says that it is up") or tap.diag(out)
status, out = run("status")
tap.ok(status == 0 and len(re.findall(r"^replica .* ready$", out, re.M)) == 3 and
       len(re.findall(r"glusterd up", out)) == 3, "status: all is well") or tap.diag(out)
status, out = run("run", "brickyard", "volume", "create", "--size=1", "--name=mine", "--replica=3")
tap.ok(status == 0 and "Name: mine" in out, "run: the command line makes a volume") or tap.diag(out)
status, out = run("run", "-n", "node2", "sh", "-c", "grep -c /var/lib/heketi/mounts/ /proc/mounts; echo \"$0  $1\"; exit 7",
                  "a b", "c")
tap.is_((status, out), (7, "1\na b  c\n"), "run -n: on a node, words and exit status as they are")
status, out = run("run", "sh", "-c", "mkdir %s/at && mount -t glusterfs node1:/mine %s/at && echo hello >%s/at/x && cat %s/at/x; "
                  "umount %s/at" % ((state,) * 5))
tap.ok(status == 0 and out == "hello\n", "run: a client mounts it") or tap.diag(out)
status, out = run("shell", "node1", stdin="hostname; gluster volume info mine | grep Status; exit 5\n")
tap.ok(status == 5 and out.split("\n")[0] == "node1" and "Started" in out, "shell NODE is a shell there") or tap.diag(status, out)
status, out = run("shell", stdin="brickyard volume list; exit 6\n")
tap.ok(status == 6 and "mine" in out, "shell is one in the lab's network") or tap.diag(status, out)
tap.has(run("shell", "node9")[1], "there is no node9", "a node that is not there is told")
status, out = run("run", "-n", "node3", "sh", "-c", "kill $(cat /run/glusterd.pid)")
lab.wait_for(lambda: "DOWN" in run("status")[1], 10)
status, out = run("status")
tap.ok(status == 1 and "glusterd DOWN" in out, "status: a node without glusterd is told") or tap.diag(out)
status, out = run("down")
tap.ok(status == 0 and "the lab is gone" in out, "down ends it") or tap.diag(out)
nothing_left("down")

# ---- killed

status, out = run("up", "--nodes", "1", "--disks", "1", "--replicas", "1", "--members", "1")
tap.ok(status == 0, "another lab, of another shape") or tap.diag(out)
os.kill(int(open(state + "/pid").read().split()[0]), signal.SIGKILL)
tap.ok(lab.wait_for(lambda: run("status")[0] == 3, 10), "killed, it is down")
tap.ok(lab.wait_for(lambda: not left(), 10), "and all its processes with it") or tap.diag(left())
status, out = run("up", "--nodes", "1", "--disks", "1", "--replicas", "1", "--members", "1")
tap.ok(status == 0, "up brings up a new one") or tap.diag(out)
os.kill(int(open(state + "/pid").read().split()[0]), signal.SIGKILL)
lab.wait_for(lambda: run("status")[0] == 3, 10)
status, out = run("down")
tap.ok(status == 0, "down clears away one that was killed") or tap.diag(out)
nothing_left("down after it was killed")

# ---- killed where nodes are namespaces: its disks are loop devices on this kernel, but the mounts that they were
# made through went with it

disk = os.path.join("work", "disks", "node1-sdb")
os.makedirs(os.path.dirname(os.path.join(state, disk)))
with open(os.path.join(state, disk), "w") as f:
    f.truncate(16 << 20)
device = lab.sh("unshare", "-m", "--propagation", "private", "sh", "-c",
                "mount --bind %s /mnt && losetup -f --show /mnt/state/%s" % (d, disk)).strip()
file = lab.sh("losetup", "-nO", "BACK-FILE", device).strip()
tap.is_(file, os.path.join("/state", disk), "a disk of a lab that was killed has lost the beginning of its path")
status, out = run("down")
there = lab.sh("losetup", "-nO", "BACK-FILE", device, check=False).startswith(file)
if not tap.ok(status == 0 and not there, "and still down detaches it"):
    tap.diag(out, lab.sh("losetup", "-d", device, check=False))
tap.is_(os.listdir(d), [], "and removes it")
tap.done()
