#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# The life of a block device with LVM-thin bricks.  Where this kernel has no
# thin pools the test runs itself inside User-mode Linux.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import lab
import time

LVM_CONF = """activation { udev_sync=0 udev_rules=0 verify_udev_operations=0 monitoring=0 }
devices { obtain_device_list_from_udev=0 scan=["/dev"] use_devicesfile=0 }
global { event_activation=0 }
"""


lab.require_driver()
lab.require_root()
lab.require_tools("lvm", "dmsetup", "thin_check", "mkfs.xfs")
lab.require_thin_pools(os.path.abspath(__file__))
lab.require_loop_and_xfs()
lab.isolate()

d = lab.workdir()
os.mkdir(d + "/lvm")
with open(d + "/lvm/lvm.conf", "w") as f:
    f.write(LVM_CONF)
os.environ["LVM_SYSTEM_DIR"] = d + "/lvm"
drv = lab.Driver(d, lvm_system_dir=d + "/lvm")
disk = lab.loop(d, "disk", 3000)
dev = {"id": lab.ident(1), "name": disk}
vg = "vg_" + dev["id"]
A, B = lab.ident(10), lab.ident(11)
at = drv.mount_of(dev, A)


def lv(name, fields):
    out = lab.sh("lvs", "--noheadings", "--units", "m", "--nosuffix", "-o", fields, "%s/%s" % (vg, name), check=False)
    return out.split("\n")[0].split()


def nothing_left(what):
    left = lab.sh("lvs", "--noheadings", "-o", "lv_name", "--select", "vg_name=" + vg).split() + lab.mounts_below(d)
    if os.path.isdir(drv.mounts):
        left += os.listdir(drv.mounts)
    tap.is_((left, drv.fstab_text()), ([], ""), what + ": no LV, mount, directory or fstab line is left")


# ---- the device

lab.sh("mkfs.xfs", "-q", disk)
r = drv.call("prepare", **dev)
tap.ok(r.err_class == lab.EXISTS and "an xfs filesystem" in r.text, "a device with a filesystem is refused") or tap.diag(r)
os.mkdir(d + "/blind")
with open(d + "/blind/lvm.conf", "w") as f:
    f.write(LVM_CONF.replace("scan=", 'global_filter=["r|.*|"] scan='))
r = lab.Driver(d, lvm_system_dir=d + "/blind").call("prepare", destroy=1, **dev)
tap.ok(r.err_class == lab.PERMANENT and "filter" in r.text and lab.sh("blkid", "-p", "-s", "TYPE", "-o", "value", disk, check=False) == "xfs\n",
       "one that LVM's filter excludes is not even wiped") or tap.diag(r)
r = drv.call("prepare", destroy=1, **dev)
tap.ok(r.ok, "with destroydata it is wiped and taken") or tap.diag(r)
tap.is_((r.get("kind"), r.get("extent_bytes")), ("block", str(4 << 20)), "kind and extent size are reported")
total = int(r.get("total_bytes"))
tap.ok((2800 << 20) < total < (2880 << 20) and int(r.get("free_bytes")) == total,
       "so is the size, less 128 MiB for LVM")
tap.is_(r.get("pv_uuid").replace("-", ""), dev["id"], "the physical volume's UUID is the device's id")
uuid = r.get("pv_uuid")
r = drv.call("prepare", **dev)
tap.ok(r.ok and r.get("pv_uuid") == uuid, "preparing it again is success")
r = lab.Driver(d, lvm_system_dir=d + "/blind").call("prepare", id=lab.ident(2), name=disk)
tap.ok(r.err_class == lab.PERMANENT and "filters it out: allow it in the filter of lvm.conf" in r.text,
       "one with a physical volume that LVM's filter excludes: what to do is told") or tap.diag(r)
r = drv.call("prepare", id=lab.ident(2), name=disk, destroy=1)
tap.is_(r.err_class, lab.EXISTS, "another device can't have it, even with destroydata")

# What heketi left behind: a volume group of no device that anybody knows.
old = lab.loop(d, "old", 1000)
was = "vg_" + lab.ident(99)
lab.sh("vgcreate", "-qq", was, old)
lab.sh("lvcreate", "-qq", "-L", "100m", "-T", was + "/tp", "-V", "100m", "-n", "brick")
was_uuid = lab.sh("pvs", "--noheadings", "-o", "pv_uuid", old).strip()
left = {"id": lab.ident(98), "name": old}
r = drv.call("prepare", destroy=1, destroy_pv=was_uuid, **left)
tap.ok(r.err_class == lab.EXISTS and "in use by" in r.text, "a volume group whose volumes are active is not wiped") or tap.diag(r)
lab.sh("vgchange", "-qq", "-an", was)
r = drv.call("prepare", destroy=1, destroy_pv=uuid, **left)
tap.ok(r.err_class == lab.EXISTS and was in r.text, "nor one that the host does not mean") or tap.diag(r)
tap.is_((r.get("holds_pv_uuid"), r.get("holds_device")), (was_uuid, lab.ident(99)), "whose it is, is told")
r = drv.call("prepare", destroy=1, destroy_pv=was_uuid, **left)
tap.ok(r.ok, "one that is at rest and nobody's is wiped and taken") or tap.diag(r)
groups = lab.sh("vgs", "--noheadings", "-o", "vg_name").split()
tap.is_((was in groups, "vg_" + left["id"] in groups), (False, True), "its volume group is gone, ours is there")
r = drv.call("prepare", destroy=1, destroy_pv=was_uuid, **left)
tap.ok(r.ok, "doing that again is success") or tap.diag(r)
r = drv.call("teardown", **left)
tap.ok(r.ok, "and it can be given back") or tap.diag(r)

# ---- bricks

r = drv.bricks("create", dev, A + ":400:1234", B + ":16:0:2", volume=lab.ident(77), op=lab.ident(88), timeout=120000)
tap.ok(r.ok, "two bricks are made, one an arbiter's of 16 MiB, which mkfs.xfs refuses by itself") or tap.diag(r)
tap.is_(lv("brick_" + A, "lv_size,pool_lv,segtype"), ["400.00", "tp_" + A, "thin"], "a thin volume of the asked size in its pool")
tap.is_(lv("tp_" + A, "lv_size,lv_metadata_size,chunk_size,thin_count"), ["400.00", "4.00", "0.25", "1"],
        "the pool has heketi's sizes")
tap.is_(sorted(lv("tp_" + A, "lv_tags")[0].split(",")),
        ["brickyard", "brickyard.brick=" + A, "brickyard.operation=" + lab.ident(88), "brickyard.volume=" + lab.ident(77)],
        "tags of the pool say whose it is")
dm = "/dev/mapper/%s-brick_%s" % (vg, A)
tap.has(drv.fstab_text().split("\n"), "%s %s xfs rw,inode64,noatime,nouuid 1 2" % (dm, at), "the fstab line is heketi's")
tap.has(lab.mounts_below(d), at, "it is mounted")
st = os.stat(at + "/brick")
tap.is_((st.st_gid, oct(st.st_mode & 0o7777)), (1234, "0o2775"), "with the volume's group")
tap.has(lab.sh("xfs_info", at), "isize=512", "the inodes are heketi's")
tap.has(lab.sh("xfs_info", drv.mount_of(dev, B)), "imaxpct=100", "an arbiter may be all inodes")

with open(at + "/brick/data", "w") as f:
    f.write("precious")
lab.sh("umount", at)
lab.sh("lvchange", "-an", "%s/brick_%s" % (vg, A))
r = drv.bricks("create", dev, A + ":400:1234", B + ":16:0:2")
tap.ok(r.ok and open(at + "/brick/data").read() == "precious",
       "made again after a reboot, it is activated and mounted with its data") or tap.diag(r)
tap.is_(drv.fstab_text().count("\n"), 2, "and fstab has no line twice")
r = drv.bricks("create", dev, A + ":600")
tap.is_(r.err_class, lab.EXISTS, "a volume of another size is in the way")
r = drv.bricks("create", dev, lab.ident(12) + ":2600")
tap.is_(r.err_class, lab.NOSPACE, "a brick that does not fit: no space") or tap.diag(r)
r = drv.bricks("destroy", dev, lab.ident(12) + ":2600")
tap.ok(r.ok, "and its leftovers are removed") or tap.diag(r)
r = drv.call("info", **dev)
tap.ok(int(r.get("free_bytes")) <= total - (424 << 20), "info counts what is used") or tap.diag(r.values)
r = drv.call("teardown", **dev)
tap.ok(not r.ok and "still holds" in r.text, "a device with bricks is not torn down") or tap.diag(r)

rs = [drv.bricks("destroy", dev, A + ":400", B + ":16") for _ in range(2)]
tap.ok(all(x.ok for x in rs), "both are removed, and removing them again is success") or tap.diag(rs)
nothing_left("destroy")

# ---- half made

lab.sh("lvcreate", "-qq", "-L", "320m", "-n", "tp_" + A, vg)
r = drv.bricks("create", dev, A + ":320")
tap.ok(r.ok and lv("tp_" + A, "segtype") == ["thin-pool"], "a pool that never became one is made anew") or tap.diag(r)
lab.sh("umount", at)
lab.sh("lvremove", "-qq", "-f", "%s/brick_%s" % (vg, A))
r = drv.bricks("create", dev, A + ":320")
tap.ok(r.ok and lv("tp_" + A, "thin_count") == ["1"], "a pool without its volume gets one") or tap.diag(r)
lab.sh("umount", at)
with open(dm, "r+b") as f:
    f.seek(126)
    f.write(b"\1")
r = drv.bricks("create", dev, A + ":320")
tap.ok(r.ok and os.path.isdir(at + "/brick"), "a filesystem that mkfs did not finish is made anew") or tap.diag(r)
lab.sh("umount", at)
with open(dm, "r+b") as f:
    f.write(b"no filesystem at all")
r = drv.bricks("create", dev, A + ":320")
tap.is_(r.err_class, lab.EXISTS, "what is no XFS is not overwritten")
r = drv.bricks("destroy", dev, A + ":320")
tap.ok(r.ok, "it is removed") or tap.diag(r)

r = drv.bricks("create", dev, A + ":320")
tap.ok(r.ok, "it is made once more") or tap.diag(r)
lab.sh("umount", at)
lab.sh("lvremove", "-qq", "-f", "%s/brick_%s" % (vg, A))
lab.sh("dmsetup", "remove", "%s-tp_%s" % (vg, A))
r = drv.bricks("destroy", dev, A + ":320")
tap.ok(r.ok and "tp_" + A not in lab.sh("lvs", "-a"), "a pool whose lvremove died is removed") or tap.diag(r)

r = drv.bricks("create", dev, A + ":320")
lab.sh("umount", at)
mapped = os.path.basename(dm)
uuid_of, table = [lab.sh("dmsetup", *w, mapped).strip() for w in (("info", "-c", "--noheadings", "-o", "uuid"), ("table",))]
lab.sh("dmsetup", "remove", mapped)
lab.sh("dmsetup", "create", "--notable", "-u", uuid_of, mapped)
lab.sh("dmsetup", "load", mapped, "--table", table)
if os.path.exists(dm):
    os.unlink(dm)
r = drv.bricks("create", dev, A + ":320")
tap.ok(r.ok and os.path.isdir(at + "/brick"), "a volume that was being switched on by one that died is there") or tap.diag(r)
lab.sh("umount", at)
r = drv.bricks("destroy", dev, A + ":320")
tap.ok(r.ok, "and is removed") or tap.diag(r)

# Who comes after one that died goes on with its operation (local-directory.t).
done = 0
for k, delay in enumerate((0.2, 0.4, 0.6, 0.9, 1.3)):
    op, epoch = lab.ident(200 + k), 1
    for verb, seconds in (("create", delay), ("destroy", delay / 2)):
        p = drv.start(verb, brick=A + ":320", mounts=drv.mounts, op=op, epoch=epoch, **dev)
        time.sleep(seconds)
        p.kill()
        p.communicate()
        epoch += k % 2
        r = drv.bricks(verb, dev, A + ":320", op=op, epoch=epoch)
        good = r.ok and os.path.isdir(at + "/brick") == (verb == "create")
        done += good
        if not good:
            tap.diag("%s after %.1f s" % (verb, seconds), r)
tap.is_(done, 10, "create and destroy killed at five moments are finished by the next call")
nothing_left("killed")

rs = drv.many([lab.words("create", brick="%s:320" % lab.ident(30 + i), mounts=drv.mounts, timeout=100000, **dev)
               for i in range(3)], parallel=True)
tap.ok(all(r.ok for r in rs), "three calls at once take turns") or tap.diag(rs)
r = drv.bricks("destroy", dev, *["%s:320" % lab.ident(30 + i) for i in range(3)])
tap.ok(r.ok, "and are removed by one") or tap.diag(r)

# ---- the end

rs = [drv.call("teardown", **dev) for _ in range(2)]
tap.ok(all(r.ok for r in rs), "the device is torn down, twice") or tap.diag(rs)
tap.is_(lab.sh("pvs", "--noheadings").strip(), "", "no physical volume is left")
lab.sh("pvcreate", "-qq", "--uuid", uuid, "--norestorefile", disk)
r = drv.call("prepare", **dev)
tap.ok(r.ok, "a physical volume left by one that died before the volume group is taken on") or tap.diag(r)
drv.call("teardown", **dev)
lab.sh("pvcreate", "-qq", disk)
r = drv.call("prepare", **dev)
tap.is_(r.err_class, lab.EXISTS, "somebody else's is not")
r = drv.call("prepare", destroy=1, **dev)
tap.ok(r.ok, "unless destroydata says so") or tap.diag(r)
drv.call("teardown", **dev)
nothing_left("end")
tap.done()
