#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs on storage nodes of Kubernetes: preflight.sh, which looks at them, and
gluster-node, which runs glusterd in the container."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import atexit
import shutil
import signal
import socket
import subprocess
import tempfile

import etcd

PREFLIGHT = os.path.join(tap.SRCDIR, "contrib", "kubernetes", "preflight.sh")
NODE = os.path.join(tap.SRCDIR, "contrib", "container", "glusterfs", "gluster-node")
work = tempfile.mkdtemp(prefix="node-")
atexit.register(shutil.rmtree, work, True)


def write(path, text="", mode=0o644):
    path = os.path.join(work, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


# ---- preflight

for m in ("dm_snapshot", "dm_mirror"):
    os.makedirs(os.path.join(work, "sys/module", m))
write("host/lib/modules/%s/modules.builtin" % os.uname().release,
      "kernel/drivers/md/dm-thin-pool.ko\n")
write("host/usr/sbin/mount.glusterfs", mode=0o755)
HEAD = "  sl  local_address rem_address   st\n"


def tcp(*ports, state="0A"):
    write("proc/net/tcp", HEAD + "".join("   0: 00000000:%04X 00000000:0000 %s\n" %
                                         (p, state) for p in ports))


def preflight(devices=""):
    r = subprocess.run(["sh", PREFLIGHT], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, env={"PATH": os.environ["PATH"], "DEVICES": devices,
                                       "HOST": work + "/host", "PROC": work + "/proc",
                                       "SYS": work + "/sys"})
    return r.stdout


tcp(22, 49151, 49252)
tap.is_(preflight(), "preflight: done\n", "a node that is good")
tcp(24007, state="01")
tap.is_(preflight(), "preflight: done\n", "a connection is no listener")
tcp(24007, 24008, 49152, 49251, 2222)
said = preflight()
for port in (24007, 24008, 49152, 49251):
    tap.has(said, "ERROR: port %d is taken" % port, "port %d" % port)
tap.has(said, "WARNING: port 2222", "port 2222 is not ours")
write("proc/net/tcp6", HEAD + "   0: %s:5DC7 %s:0000 0A\n" % ("0" * 32, "0" * 32))
tcp()
tap.has(preflight(), "port 24007", "a listener on IPv6")
os.unlink(work + "/proc/net/tcp6")
os.rmdir(work + "/sys/module/dm_mirror")
tap.has(preflight(), "ERROR: kernel module dm_mirror is not there: modprobe dm_mirror",
        "a module that is missing")
os.makedirs(work + "/sys/module/dm_mirror")
os.unlink(work + "/host/usr/sbin/mount.glusterfs")
tap.has(preflight(), "WARNING: mount.glusterfs", "mount.glusterfs is missing")
write("host/usr/sbin/mount.glusterfs", mode=0o755)
tap.has(preflight("/dev/no-such-disk"), "ERROR: /dev/no-such-disk is no block device",
        "a disk that is not there")

loop = None
if os.geteuid() == 0 and shutil.which("mkfs.xfs"):
    image = write("disk")
    os.truncate(image, 400 << 20)
    r = subprocess.run(["losetup", "--find", "--show", image], text=True,
                       stdout=subprocess.PIPE)
    loop = r.stdout.strip() if r.returncode == 0 else None
if loop is None:
    tap.skip("disks", "no loop devices here, or no xfsprogs, or not root")
else:
    try:
        os.makedirs(work + "/sys/class/block/%s/holders" % os.path.basename(loop))
        tap.is_(preflight(loop), "preflight: done\n", "a clean disk")
        subprocess.check_call(["mkfs.xfs", "-q", loop])
        tap.has(preflight(loop), "ERROR: %s is not empty (xfs): wipefs --all" % loop,
                "a disk with a file system, and what to do")
        tap.has(preflight(loop + "=destroy"), "WARNING: %s is not empty" % loop,
                "that is to be destroyed")
        write("proc/mounts", "%s /srv xfs rw 0 0\n" % loop)
        tap.has(preflight(loop + "=destroy"), "ERROR: %s is mounted" % loop, "in use: mounted")
        os.unlink(work + "/proc/mounts")
        vg = "vg_" + "0123456789abcdef" * 2
        write("sys/class/block/%s/holders/dm-0/dm/name" % os.path.basename(loop),
              vg + "-tp_1\n")
        tap.has(preflight(loop + "=destroy"), "has bricks of heketi or Brickyard (%s)" % vg,
                "a disk with bricks is never clean")
    finally:
        subprocess.call(["losetup", "--detach", loop])

# ---- gluster-node

if os.geteuid() != 0 or subprocess.call(["unshare", "-mn", "true"]) != 0:
    tap.skip("gluster-node", "a mount namespace wants root")
    shutil.rmtree(work)
    tap.done()
listener = socket.create_server(("127.0.0.1", 0))
write("bin/glusterd", """#!/bin/sh
echo "start $$" >>%s/starts
echo $$ >%s/pid
[ ! -e %s/crash ] || { rm %s/crash; exit 3; }
exec sleep 1000
""" % ((work,) * 4), 0o755)
for tool in ("vgchange", "vgmknodes", "modprobe", "killall"):
    write("bin/" + tool, "#!/bin/sh\necho %s \"$@\" >>%s/tools\n[ %s != killall ]\n" %
          (tool, work, tool), 0o755)
write("usr/etc/glusterd.vol", "volume management\n")
write("usr/glusterd/vols/x")
os.makedirs(work + "/brick")
write("fstab", "# a comment\ntmpfs %s/brick tmpfs rw 0 0\n" % work)
env = {"PATH": work + "/bin:" + os.environ["PATH"], "FSTAB": work + "/fstab",
       "GLUSTERD": work + "/bin/glusterd", "DEFAULTS": work + "/usr",
       "ETC": work + "/etc", "STATE": work + "/state", "PIDFILE": work + "/pid",
       "PORT": str(listener.getsockname()[1])}


def ask(what, **more):
    r = subprocess.run([NODE, what], env=dict(env, **more), text=True,
                       stdout=subprocess.PIPE)
    return r.returncode, r.stdout.strip()


def starts():
    try:
        with open(work + "/starts") as f:
            return len(f.readlines())
    except FileNotFoundError:
        return 0


tap.is_(ask("live")[0], 1, "no glusterd: it does not live")
write("crash")
log = open(work + "/log", "w")
# What it makes in /run and /var is made in directories of the test's own.
p = etcd.spawn(["unshare", "-m", "sh", "-c", "mount --make-rprivate / && for d in /run "
                "/var/log /var/lib; do mount -t tmpfs none $d; done && exec \"$0\" run", NODE],
               env=env, stdout=log, stderr=log)
tap.ok(etcd.wait_for(lambda: starts() == 2, 60), "glusterd that ends is started again")
tap.has(open(work + "/log").read(), "glusterd ended with 3, starting it again", "and that is told")
tap.is_((os.listdir(work + "/etc"), os.listdir(work + "/state")), (["glusterd.vol"], ["vols"]),
        "directories of the node that are empty are filled")
mounts = "/proc/%d/mounts" % p.pid
tap.ok(any(line.split()[1] == work + "/brick" for line in open(mounts)),
       "bricks of fstab are mounted")
tap.is_(ask("live"), (0, ""), "it lives")
tap.is_(ask("ready", MOUNTS=mounts), (0, ""), "and is ready")
tap.is_(ask("ready", MOUNTS="/dev/null"), (1, "not mounted: %s/brick" % work),
        "not when a brick is not mounted")
tap.is_(ask("ready", MOUNTS=mounts, PORT="1")[0], 1, "not when it does not answer")
p.send_signal(signal.SIGTERM)
tap.is_(p.wait(30), 0, "told to stop, it stops")
tap.has(open(work + "/tools").read(), "killall -q -TERM glusterfsd", "with its bricks")
tap.is_(starts(), 2, "and starts glusterd no more")
tap.is_(subprocess.call([NODE, "nonsense"], env=env, stderr=subprocess.DEVNULL), 2,
        "an unknown command is refused")
listener.close()
shutil.rmtree(work)
tap.done()
