#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# What the local executor refuses to take as a block device, and why; on loop
# devices.  Needs no device-mapper.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import lab
import hashlib
import struct
import zlib
from uuid import uuid4

lab.require_driver()
lab.require_root()
lab.require_loop_and_xfs()
lab.require_tools("mkfs.ext4", "mkswap", "pvcreate")
lab.isolate()

d = lab.workdir()
drv = lab.Driver(d)
ID = lab.ident(1)
number = 0


def device(mib=400, **kw):
    global number
    number += 1
    return lab.loop(d, "disk%d" % number, mib, **kw)


def sum_of(dev):
    h = hashlib.sha256()
    with open(dev, "rb") as f:
        h.update(f.read(8 << 20))
    return h.hexdigest()


def refused(what, dev, err_class, *parts, **kw):
    before = sum_of(dev)
    r = drv.call("prepare", id=ID, name=dev, **kw)
    ok = r.err_class == err_class and all(p in r.text for p in parts)
    if not tap.ok(ok, what + ": refused, saying so"):
        tap.diag(r, parts)
    tap.is_(sum_of(dev), before, what + ": and not written to")


def write_gpt(dev, mib):
    """One partition of 100 MiB, as sfdisk would make it."""
    last = mib * 2048 - 1
    entry = uuid4().bytes_le + uuid4().bytes_le + struct.pack("<QQQ72x", 2048, 206847, 0)
    table = entry.ljust(128 * 128, b"\0")
    head = [b"EFI PART", 0x10000, 92, 0, 0, 1, last, 34, last - 33, uuid4().bytes_le, 2, 128, 128, zlib.crc32(table)]
    head[3] = zlib.crc32(struct.pack("<8sIIIIQQQQ16sQIII", *head))
    mbr = b"\0" * 446 + struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xee, b"\xff" * 3, 1, last) + b"\0" * 48 + b"\x55\xaa"
    with open(dev, "r+b") as f:
        f.write(mbr + struct.pack("<8sIIIIQQQQ16sQIII", *head).ljust(512, b"\0") + table)


INIT = "Initializing device %s failed (already initialized or contains data?): "

ext4 = device()
lab.sh("mkfs.ext4", "-q", "-F", ext4)
uuid = lab.sh("blkid", "-p", "-o", "value", "-s", "UUID", ext4).strip()
refused("an ext4 filesystem", ext4, lab.EXISTS, INIT % ext4, "holds an ext4 filesystem (UUID %s)" % uuid,
        "wipefs -a %s" % ext4, "destroydata")

os.mkdir(d + "/at")
lab.sh("mount", ext4, d + "/at")
for destroy in 0, 1:
    refused("a mounted device, destroydata %d" % destroy, ext4, lab.EXISTS, "is mounted at %s/at" % d,
            destroy=destroy)
lab.sh("umount", d + "/at")

swap = device()
lab.sh("mkswap", swap)
refused("a swap device", swap, lab.EXISTS, "a swap signature")
if not lab.sh("swapon", swap, check=False):
    refused("a swap device in use", swap, lab.EXISTS, "is used as swap", destroy=1)
    lab.sh("swapoff", swap)

gpt = device()
write_gpt(gpt, 400)
refused("a partition table", gpt, lab.EXISTS, "holds a partition table (gpt)", "wipefs -a")

luks = device()
with open(luks, "r+b") as f:
    f.write(b"LUKS\xba\xbe\x00\x01")
refused("an encrypted device", luks, lab.EXISTS, "a crypto_LUKS")

pv = device()
lab.sh("pvcreate", "-qq", pv)
pv_uuid = lab.sh("blkid", "-p", "-o", "value", "-s", "UUID", pv).strip()
refused("a foreign physical volume", pv, lab.EXISTS,
        "Initializing device %s failed (aleady contains Physical Volume %s): " % (pv, pv_uuid), "pvremove")
lab.sh("vgcreate", "-qq", "labforeign", pv)
refused("one with a volume group", pv, lab.EXISTS, "of volume group labforeign", "destroydata")
lab.sh("vgremove", "-qq", "-y", "labforeign")
vg = "vg_" + lab.ident(99)
lab.sh("vgcreate", "-qq", vg, pv)
for destroy in 0, 1:
    refused("a device of another Brickyard, destroydata %d" % destroy, pv, lab.EXISTS, "volume group " + vg,
            "vgremove", destroy=destroy)
refused("one that the host takes for another", pv, lab.EXISTS, "volume group " + vg, destroy=1,
        destroy_pv="AAAAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAAAA")
refused("one that the host knows nothing of, without destroydata", pv, lab.EXISTS, "with destroydata",
        destroy_pv=pv_uuid)
r = drv.call("prepare", id=ID, name=pv)
tap.is_((r.get("holds_pv_uuid"), r.get("holds_device")), (pv_uuid, lab.ident(99)), "whose it is, is told")
r = drv.call("teardown", id=ID, name=pv)
tap.ok(r.ok and vg in lab.sh("vgs"), "tearing down what is not there touches no other volume group")

r = drv.call("prepare", id=lab.ident(99), name=pv)
tap.ok(r.ok, "our own volume group is recognised: success") or tap.diag(r)
tap.is_((r.get("kind"), r.get("extent_bytes")), ("block", str(4 << 20)), "and reported as a block device")
tap.is_(r.get("total_bytes"), r.get("free_bytes"), "which is empty")
tap.is_(r.get("pv_uuid"), pv_uuid, "with its UUID")
tap.has(r.all("path"), pv, "and its path")
r = drv.call("info", id=lab.ident(99), name="/dev/renamed", kind=1)
tap.ok(r.ok and pv in r.all("path"), "info finds it by its volume group when its name changed") or tap.diag(r)
r = drv.call("teardown", id=lab.ident(99), name=pv)
tap.ok(r.ok and vg not in lab.sh("vgs") and "LVM2" not in lab.sh("blkid", "-p", pv, check=False),
       "torn down, volume group and physical volume are gone") or tap.diag(r)
r = drv.call("teardown", id=lab.ident(99), name=pv)
tap.ok(r.ok, "tearing it down again is success") or tap.diag(r)
r = drv.call("info", id=lab.ident(99), name=pv)
tap.is_(r.err_class, lab.NOTFOUND, "info then finds nothing")

ro = device(read_only=True)
refused("a read-only device", ro, lab.PERMANENT, "is read-only")
tiny = device(100)
refused("a tiny device", tiny, lab.INVALID, "too small: 100 MiB")
refused("a character device", "/dev/zero", lab.INVALID, "neither a block device nor a directory")
r = drv.call("prepare", id=ID, name="/dev/no-such-disk")
tap.ok(r.err_class == lab.NOTFOUND and "there is no device /dev/no-such-disk" in r.text, "a missing device: said so")
r = drv.call("prepare", id=ID, name="/dev/sdb;reboot")
tap.is_(r.err_class, lab.INVALID, "a name that is none is refused")
r = drv.call("prepare", id="short", name=ext4)
tap.is_(r.err_class, lab.INVALID, "an id that is none is refused")

bindir = d + "/bin"
os.mkdir(bindir)
for name in "modprobe", "dmsetup":
    with open(bindir + "/" + name, "w") as f:
        f.write("#!/bin/sh\necho 'linear v1.4.0'\n")
    os.chmod(bindir + "/" + name, 0o755)
drv.options["search_path"] = bindir + ":/usr/sbin:/usr/bin:/sbin:/bin"
for what, dev, kw in (("a clean device", device(), {}), ("one to be wiped", ext4, {"destroy": 1})):
    refused(what + " where there are no thin pools", dev, lab.UNSUPPORTED, "no device-mapper thin pools",
            "add a directory", **kw)
tap.is_(os.listdir(d + "/at"), [], "nothing is left mounted")
tap.done()
