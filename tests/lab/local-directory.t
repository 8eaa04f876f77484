#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Directory devices on real XFS images and loop mounts.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import lab
import time

lab.require_driver()
lab.require_root()
lab.require_loop_and_xfs()
lab.isolate()

FSTAB = "# people's own line\nUUID=1 / ext4 defaults 0 1"     # no line end
SIZE = 320

d = lab.workdir()
drv = lab.Driver(d, directory_reserve_mb=16)
with open(drv.fstab, "w") as f:
    f.write(FSTAB)
os.mkdir(d + "/dev")
dev = {"id": lab.ident(1), "name": d + "/dev"}
image = "%s/dev/vg_%s/brick_%s.img" % (d, dev["id"], lab.ident(10))
brick = "%s:%d:1234" % (lab.ident(10), SIZE)
at = drv.mount_of(dev, lab.ident(10))


def nothing_left(what):
    left = lab.mounts_below(d) + lab.loops_on(d)
    for top, dirs, files in os.walk(d + "/dev"):
        left += [os.path.join(top, f) for f in files if f != ".brickyard-device"]
    if os.path.isdir(drv.mounts):
        left += os.listdir(drv.mounts)
    tap.is_(left, [], what + ": no mount, loop device, image or directory is left")
    tap.is_(drv.fstab_text().rstrip("\n"), FSTAB, what + ": fstab is as it was")


# ---- the device

for attempt in range(10):
    r = drv.call("prepare", **dev)
    # Others write to this filesystem, too: once nothing comes between the two looks.
    if not r.ok or r.get("free_bytes") == r.get("total_bytes"):
        break
    drv.call("teardown", **dev)
tap.ok(r.ok, "an ordinary directory becomes a device") or tap.diag(r)
tap.is_(r.get("kind"), "directory", "its kind is reported")
total = int(r.get("total_bytes"))
tap.is_(r.get("free_bytes"), str(total), "all of it is free")
tap.is_(total % int(r.get("extent_bytes")), 0, "its size is whole extents")
tap.is_(r.all("path"), [d + "/dev"], "its path is reported")
r = drv.call("prepare", **dev)
tap.ok(r.ok and int(r.get("total_bytes")) == total,
       "preparing it again is success, with the same total")
r = drv.call("prepare", id=lab.ident(2), name=d + "/dev", destroy=1)
tap.is_(r.err_class, lab.EXISTS, "another device on the same directory is refused, even with destroydata")
tap.has(r.text, lab.ident(1), "the refusal names the device that has it")

# ---- bricks

r = drv.bricks("create", dev, brick, volume=lab.ident(77))
tap.ok(r.ok, "a brick is made") or tap.diag(r)
tap.has(lab.mounts_below(d), at, "it is mounted")
tap.has(lab.sh("stat", "-f", "-c", "%T", at), "xfs", "it is XFS")
st = os.stat(at + "/brick")
tap.is_((st.st_gid, oct(st.st_mode & 0o7777)), (1234, "0o2775"), "group and mode are the volume's")
st = os.stat(image)
tap.ok(st.st_size == SIZE << 20 and st.st_blocks * 512 >= st.st_size,
       "the image has the asked size and is all allocated")
line = "%s %s xfs rw,inode64,noatime,nouuid,loop 1 2" % (image, at)
tap.is_(drv.fstab_text(), FSTAB + "\n" + line + "\n", "fstab has heketi's line with loop, after people's own")
tap.is_(len(lab.loops_on(d)), 1, "one loop device carries it")
r = drv.call("info", **dev)
tap.is_(int(r.get("free_bytes")), min(total - (SIZE << 20), int(r.get("free_bytes"))),
        "free is smaller by the brick")
tap.is_(int(r.get("total_bytes")), total, "total does not move")

with open(at + "/brick/data", "w") as f:
    f.write("precious")
inode = os.stat(image).st_ino
r = drv.bricks("create", dev, brick)
tap.ok(r.ok, "making it again is success") or tap.diag(r)
tap.ok(open(at + "/brick/data").read() == "precious" and os.stat(image).st_ino == inode,
       "and leaves data and image alone")
tap.is_(drv.fstab_text().count(lab.ident(10)), 2, "and adds no second fstab line")
tap.is_(len(lab.mounts_below(at)), 1, "and no second mount")

lab.sh("umount", at)
r = drv.bricks("create", dev, brick)
tap.ok(r.ok and os.path.exists(at + "/brick/data"),
       "an unmounted brick (a reboot) is mounted again with its data")
r = drv.bricks("create", dev, "%s:%d" % (lab.ident(10), SIZE + 4))
tap.is_(r.err_class, lab.EXISTS, "an image of another size is in the way")
r = drv.call("teardown", **dev)
tap.ok(not r.ok and "bricks are still in it" in r.text, "a device with bricks is not torn down")

r = drv.bricks("destroy", dev, brick)
tap.ok(r.ok, "the brick is removed") or tap.diag(r)
nothing_left("destroy")
r = drv.bricks("destroy", dev, brick)
tap.ok(r.ok, "removing it again is success") or tap.diag(r)

# ---- several at once

ids = [lab.ident(20 + i) for i in range(3)]
rs = drv.many([lab.words("create", brick="%s:%d" % (i, SIZE), mounts=drv.mounts, **dev)
               for i in ids], parallel=True)
tap.ok(all(r.ok for r in rs), "bricks of three calls at once are made") or tap.diag(rs)
tap.is_(sum(i in drv.fstab_text() for i in ids), 3, "fstab has all three lines")
r = drv.bricks("destroy", dev, *["%s:%d" % (i, SIZE) for i in ids])
tap.ok(r.ok, "one call removes the three") or tap.diag(r)
nothing_left("three bricks")

# ---- busy

drv.bricks("create", dev, brick)
with open(at + "/brick/held", "w") as f:
    r = drv.bricks("destroy", dev, brick, timeout=1500)
    # A script ends a moment before its time, to be able to say why.
    tap.is_(r.err_class, lab.TRANSIENT if lab.LOWERED else lab.TIMEOUT, "a brick somebody holds open is not removed within the call's time")
    tap.has(r.text, "umount", "and the failure says so")
tap.ok(os.path.exists(image), "its image is still there")
r = drv.bricks("destroy", dev, brick)
tap.ok(r.ok, "once it is free it goes") or tap.diag(r)
drv.bricks("create", dev, brick)
holder = lab.loop(d, "stray", 300)
lab.sh("umount", at)
lab.sh("losetup", "-f", image)
r = drv.bricks("destroy", dev, brick)
tap.ok(r.ok, "a stray loop device on the image is detached") or tap.diag(r)
lab.sh("losetup", "-d", holder)
os.unlink(d + "/stray")
nothing_left("busy")

# ---- killed in the middle

# Who comes after one that died goes on with its operation: the same replica with its
# epoch, or another with the next.  What the dead one's shell had started (a mount, an mv)
# may still be at work then, and is waited for.

survived = 0
for k in range(12):
    delay, op, epoch = 0.003 * (k + 1), lab.ident(200 + k), 1
    for verb in "create", "destroy":
        p = drv.start(verb, brick=brick, mounts=drv.mounts, op=op, epoch=epoch, **dev)
        time.sleep(delay)
        p.kill()
        p.communicate()
        epoch += k % 2
        r = drv.bricks(verb, dev, brick, op=op, epoch=epoch)
        good = r.ok and os.path.isdir(at + "/brick") == (verb == "create")
        survived += good
        if not good:
            tap.diag("%s after %.3f s" % (verb, delay), r, lab.mounts_below(d), lab.loops_on(d), os.listdir(d + "/dev"))
tap.is_(survived, 24, "create and destroy killed at twelve moments are finished by the next call")
nothing_left("killed")

# mkfs that is slow, so that we die in it for certain
os.mkdir(d + "/bin")
with open(d + "/bin/mkfs.xfs", "w") as f:
    f.write("#!/bin/sh\necho $$ >%s/mkfs.pid\nexec sleep 30\n" % d)
os.chmod(d + "/bin/mkfs.xfs", 0o755)
slow = lab.Driver(d, directory_reserve_mb=16,
                  search_path=d + "/bin:/usr/sbin:/usr/bin:/sbin:/bin")
p = slow.start("create", brick=brick, mounts=drv.mounts, **dev)
tap.ok(lab.wait_for(lambda: os.path.exists(d + "/mkfs.pid") and
                    open(d + "/mkfs.pid").read().endswith("\n")), "mkfs has begun")
pid = int(open(d + "/mkfs.pid").read())
tap.ok(os.path.exists(image + ".tmp") and not os.path.exists(image),
       "a half-made image does not have its final name")
p.kill()
p.communicate()
if lab.LOWERED:
    os.kill(pid, 9)             # a shell's children outlive it
else:
    tap.ok(lab.wait_for(lambda: not os.path.exists("/proc/%d" % pid)),
           "mkfs dies with who started it")
r = drv.bricks("create", dev, brick)
tap.ok(r.ok and not os.path.exists(image + ".tmp"), "the next call makes the image anew") or tap.diag(r)
r = slow.bricks("create", dev, "%s:%d" % (lab.ident(11), SIZE), timeout=400)
tap.ok(r.err_class == lab.TIMEOUT and (lab.LOWERED or "mkfs.xfs" in r.text), "a tool that hangs is stopped at the deadline")
if not lab.LOWERED:
    tap.is_([f for f in os.listdir(os.path.dirname(image)) if lab.ident(11) in f], [],
            "and the half-made image is gone")
r = drv.bricks("destroy", dev, brick, "%s:%d" % (lab.ident(11), SIZE))
tap.ok(r.ok, "both are removed") or tap.diag(r)
os.unlink(d + "/mkfs.pid")
nothing_left("slow mkfs")

# Mounts that are slow, so that the next call's comes after that of the dead one, unless it
# waits for that (it was told "is already mounted").
with open(d + "/bin/mount", "w") as f:
    f.write("#!/bin/sh\necho >%s/mounting\nsleep 1\nexec /usr/bin/mount \"$@\"\n" % d)
os.chmod(d + "/bin/mount", 0o755)
os.unlink(d + "/bin/mkfs.xfs")
op = lab.ident(89)
p = slow.start("create", brick=brick, mounts=drv.mounts, op=op, epoch=1, **dev)
tap.ok(lab.wait_for(lambda: os.path.exists(d + "/mounting")), "mount has begun")
p.kill()
p.communicate()
r = slow.bricks("create", dev, brick, op=op, epoch=2)
tap.ok(r.ok and lab.mounts_below(at) == [at], "killed in the middle of mount: the next call has it mounted, once") or tap.diag(
    r, lab.mounts_below(d))
drv.bricks("destroy", dev, brick)
nothing_left("slow mount")

# ---- fences

op = lab.ident(90)
r = drv.bricks("create", dev, brick, op=op, epoch=3)
tap.ok(r.ok, "an operation's epoch 3 works") or tap.diag(r)
r = drv.bricks("destroy", dev, brick, op=op, epoch=2)
tap.is_(r.err_class, lab.FENCED, "epoch 2 comes too late: fenced")
tap.ok(os.path.ismount(at), "and nothing was done")
r = drv.call("run", script="touch " + d + "/fenced", op=op, epoch=2)
tap.ok(r.err_class == lab.FENCED and not os.path.exists(d + "/fenced"), "a script is fenced too")
r = drv.bricks("destroy", dev, brick, op=op, epoch=4)
tap.ok(r.ok, "epoch 4 works") or tap.diag(r)

# ---- wrong words

r = drv.call("create", brick="x;reboot:320", mounts=drv.mounts, **dev)
tap.is_(r.err_class, lab.INVALID, "a brick id that is no name is refused")
r = drv.call("prepare", id=lab.ident(3), name=d + "/de v")
tap.is_(r.err_class, lab.INVALID, "a directory with a blank is refused")

# ---- gone

r = drv.call("teardown", **dev)
tap.ok(r.ok and os.listdir(d + "/dev") == [], "the device is torn down, the directory empty")
r = drv.call("teardown", **dev)
tap.ok(r.ok, "tearing it down again is success")
r = drv.call("info", **dev)
tap.is_(r.err_class, lab.NOTFOUND, "a directory without the marker is no device")
r = drv.bricks("create", dev, brick)
tap.is_(r.err_class, lab.NOTFOUND, "and gets no bricks")
nothing_left("teardown")

# ---- bad directories

for name, want, part in ((d + "/none", lab.NOTFOUND, "there is no device"),
                         (drv.fstab, lab.INVALID, "neither a block device nor a directory")):
    r = drv.call("prepare", id=lab.ident(4), name=name)
    tap.ok(r.err_class == want and part in r.text, part) or tap.diag(r)

os.mkdir(d + "/small")
with open(d + "/small.img", "wb") as f:
    f.truncate(200 << 20)
lab.sh("mkfs.ext4", "-q", d + "/small.img")
lab.sh("mount", "-o", "loop", d + "/small.img", d + "/small")
small = {"id": lab.ident(5), "name": d + "/small"}
r = drv.call("prepare", **small)
tap.ok(r.ok, "a small filesystem is a small device") or tap.diag(r)
before = os.listdir(d + "/small")
r = drv.bricks("create", small, brick)
tap.is_(r.err_class, lab.NOSPACE, "a brick bigger than it is refused for want of room")
tap.is_(sorted(os.listdir(d + "/small")), sorted(before + ["vg_" + small["id"]]), "and leaves no image")
drv.bricks("destroy", small, brick)
drv.call("teardown", **small)
tap.is_(sorted(os.listdir(d + "/small")), ["lost+found"], "torn down, it is as before")

try:
    with open(d + "/small/filler", "wb") as f:
        while True:
            f.write(b"x" * (1 << 20))
except OSError:
    pass
r = drv.call("prepare", **small)
tap.is_(r.err_class, lab.NOSPACE, "a full filesystem is refused")
tap.is_(sorted(os.listdir(d + "/small")), ["filler", "lost+found"], "and nothing is left in it")
os.unlink(d + "/small/filler")
lab.sh("mount", "-o", "remount,ro", d + "/small")
r = drv.call("prepare", **small)
tap.ok(not r.ok and "read-only filesystem" in r.text and "remount it writable" in r.text,
       "a read-only filesystem is refused with what to do") or tap.diag(r)
lab.sh("umount", d + "/small")

lab.sh("mount", "-t", "tmpfs", "-o", "size=4m,mode=755", "tmpfs", d + "/small")
r = drv.call("prepare", **small)
tap.is_(r.err_class, lab.NOSPACE, "a tiny tmpfs is refused")
tap.is_(os.listdir(d + "/small"), [], "and stays empty")
lab.sh("umount", d + "/small")

# ---- fstab as a mount of its own, as in containers

drv.call("prepare", **dev)
lab.sh("mount", "--bind", drv.fstab, drv.fstab)
r = drv.bricks("create", dev, brick)
tap.ok(r.ok and lab.ident(10) in drv.fstab_text(), "an fstab that can't be renamed over is rewritten") or tap.diag(r)
r = drv.bricks("destroy", dev, brick)
tap.ok(r.ok and lab.ident(10) not in drv.fstab_text(), "and cleaned") or tap.diag(r)
lab.sh("umount", drv.fstab)
tap.is_([f for f in os.listdir(d) if f.startswith("fstab")], ["fstab"], "no temporary file is left beside it")
drv.call("teardown", **dev)
nothing_left("end")

tap.done()
