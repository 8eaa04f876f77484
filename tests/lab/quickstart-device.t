#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# contrib/quickstart --device: the service, LVM-thin bricks and GlusterFS all
# together, on a disk.  Inside User-mode Linux where this kernel has no thin
# pools.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import lab
import subprocess

SCRIPT = os.path.join(tap.SRCDIR, "contrib", "quickstart")
lab.require_root()
lab.require_tools("lvm", "dmsetup", "thin_check", "glusterd", "ip", "curl")
if not os.path.exists(os.path.join(tap.BUILDDIR, "brickyardd")):
    tap.skip_all("brickyardd is not built")
lab.require_thin_pools(os.path.abspath(__file__))
lab.require_gluster_node()

d = lab.workdir()
lab.private_node(d)
lab.private(d, "/var/lib/heketi", "/mnt")
fstab = d + "/fstab"
open(fstab, "w").close()
lab.sh("mount", "--bind", fstab, "/etc/fstab")
os.environ.update(BRICKYARD_QUICKSTART_STATE=d + "/state", BRICKYARD_QUICKSTART_BUILD=tap.BUILDDIR)
disk = lab.loop(d, "disk", 3000)


def quickstart(*args):
    p = subprocess.run(["bash", SCRIPT, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       stdin=subprocess.DEVNULL)
    return p.returncode, p.stdout


lab.sh("mkfs.xfs", "-q", disk)
status, out = quickstart("--device", disk)
tap.ok(status != 0 and "holds an xfs filesystem" in out and "wipefs -a " + disk in out,
       "a disk with a filesystem is refused with what to do") or tap.diag(out)
lab.sh("wipefs", "-a", disk)
status, out = quickstart("--device", disk)
tap.ok(status == 0 and "read back the same" in out, "wiped, the same command makes a volume that works") or tap.diag(out)
lvs = lab.sh("lvs", "--noheadings", "-o", "segtype,lv_tags")
tap.ok("thin " in lvs and "thin-pool " in lvs and "brickyard.brick=" in lvs, "on an LVM-thin brick")
tap.has(open(fstab).read(), "/dev/mapper/vg_", "which is in fstab")
status, out = quickstart("down")
tap.ok(status == 0 and "all that quickstart made is gone" in out, "down removes all") or tap.diag(out)
tap.is_((lab.sh("pvs", "--noheadings", "-o", "pv_name", "--select", "pv_name=" + disk).split(), open(fstab).read(),
         lab.mounts_below("/var/lib/heketi/"), os.path.exists(d + "/state")), ([], "", [], False),
        "no physical volume, fstab line, mount or file is left")
tap.done()
