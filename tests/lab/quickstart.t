#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# contrib/quickstart with this build, on a node in namespaces of its own.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import lab
import signal
import subprocess
import time

SCRIPT = os.path.join(tap.SRCDIR, "contrib", "quickstart")
if not os.path.exists(os.path.join(tap.BUILDDIR, "brickyardd")):
    tap.skip_all("brickyardd is not built")
lab.require_tools("curl", "mountpoint")
lab.require_gluster_node()

d = lab.workdir()
if os.statvfs(d).f_bavail * os.statvfs(d).f_frsize < 3 << 30:
    tap.skip_all("less than 3 GiB free in " + d)
others = lab.mounts_below("/mnt/")
lab.private_node(d)
lab.private(d, "/var/lib/heketi", "/mnt")
fstab = d + "/fstab"
open(fstab, "w").write("# mine\n")
lab.sh("mount", "--bind", fstab, "/etc/fstab")
state = d + "/state"
os.environ.update(BRICKYARD_QUICKSTART_STATE=state, BRICKYARD_QUICKSTART_BUILD=tap.BUILDDIR)


def quickstart(*args):
    p = subprocess.run(["bash", SCRIPT, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       stdin=subprocess.DEVNULL)
    return p.returncode, p.stdout


def processes():
    """Of this PID namespace, less ourselves and what is ending."""
    names = []
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % p) as f:
                name = f.read().split("\0")[0]
        except OSError:
            continue
        if os.path.basename(name) in ("brickyardd", "glusterd", "glusterfs", "glusterfsd"):
            names.append(os.path.basename(name))
    return names


def nothing_left(what):
    left = [m for m in lab.mounts_below("/mnt/") if m not in others] + lab.mounts_below("/var/lib/heketi/") + lab.loops_on(d) + os.listdir("/mnt")
    left += os.listdir("/var/lib/heketi") + (os.listdir(state) if os.path.exists(state) else [])
    lab.wait_for(lambda: not processes(), 10)
    tap.is_((left, processes(), open(fstab).read(), "198.18.0.1" in lab.sh("ip", "addr")), ([], [], "# mine\n", False),
            what + ": no mount, loop device, file, process, fstab line or address is left")


status, out = quickstart("--help")
tap.ok(status == 0 and "--device" in out and "down" in out, "--help says what it takes")
for args in (["--bogus"], ["--directory"], ["--directory", "relative"], ["--device", "/dev/null"]):
    status, out = quickstart(*args)
    tap.ok(status != 0 and out.startswith("ERROR: "), "refused: " + " ".join(args)) or tap.diag(out)
status, out = quickstart("down")
tap.ok(status == 0 and "nothing to remove" in out, "down with nothing there is success") or tap.diag(out)

status, out = quickstart()
tap.ok(status == 0 and "read back the same" in out and "What next" in out, "one command makes a volume that works") or tap.diag(out)
tap.ok(os.path.ismount("/mnt/brickyard") and os.path.getsize("/mnt/brickyard/hello") == 8 << 20, "it is mounted, the file is in it")
tap.is_(oct(os.stat(state).st_mode & 0o777), "0o700", "its state is root's alone")
tap.has(lab.sh("gluster", "--mode=script", "volume", "info", "quickstart"), "Status: Started", "gluster has the volume")
with open("/mnt/brickyard/mine", "w") as f:
    f.write("keep")
status, out = quickstart()
tap.ok(status == 0 and "the volume is there" in out and os.path.exists("/mnt/brickyard/mine"),
       "run again, it finds all there") or tap.diag(out)
status, out = quickstart("--directory", d + "/other")
tap.ok(status != 0 and "first: " in out, "another directory is refused while it runs") or tap.diag(out)
lab.sh("umount", "/mnt/brickyard")
os.kill(int(open(state + "/brickyardd.pid").read()), signal.SIGKILL)
status, out = quickstart()
tap.ok(status == 0 and os.path.exists("/mnt/brickyard/mine"), "service killed and unmounted: it brings both back") or tap.diag(out)
status, out = quickstart("down")
tap.ok(status == 0 and "all that quickstart made is gone" in out, "down removes all") or tap.diag(out)
nothing_left("down")

# ---- interrupted

for delay in 0.3, 0.8, 1.3:
    p = subprocess.Popen(["bash", SCRIPT, "--directory", d + "/bricks", "--mount", "/mnt/other"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    time.sleep(delay)
    p.kill()
    p.wait()
    time.sleep(0.3)
status, out = quickstart("--directory", d + "/bricks", "--mount", "/mnt/other")
tap.ok(status == 0 and os.path.ismount("/mnt/other"), "killed three times, it still gets there") or tap.diag(out)

# ---- down when the service can't help

os.kill(int(open(state + "/brickyardd.pid").read()), signal.SIGKILL)
with open(state + "/brickyard.db", "wb") as f:
    f.write(b"no database" * 1000)
for extra in "-wal", "-shm":
    if os.path.exists(state + "/brickyard.db" + extra):
        os.unlink(state + "/brickyard.db" + extra)
status, out = quickstart("down")
tap.ok(status == 0 and "by hand" in out, "with its database destroyed, down works by hand") or tap.diag(out)
tap.ok(not os.path.exists(d + "/bricks"), "the directory that it made is gone too")
nothing_left("down by hand")
tap.done()
