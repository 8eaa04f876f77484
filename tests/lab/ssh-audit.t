#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit that the other lab tests rely on: it finds what is done to a node
behind the service's back, each thing by its name, and nothing when it is undone.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import labtest
import audit_nodes

t = labtest.begin(count=2, disks=1, replicas=1, members=1)
v = t.create(name="seen", durability={"type": "replicate", "replicate": {"replica": 2}}, gid=3000)
t.audit("nothing was done")
b = v["bricks"][0]
pool = "tp_" + b["id"]
nodes = {i.split("/")[1]: d["manage"][0] for i, d in t.inst.docs("nodes/").items()}
n = nodes[b["node"]]
vg, at, brick = "vg_" + b["device"], b["path"][:-len("/brick")], "brick_" + b["id"]


def found(what, do, undo, *words):
    t.nodes.sh(n, do)
    bad = audit_nodes.audit(t.lab, seconds=0)
    tap.ok(any(all(w in line for w in words) for line in bad), "found: " + what) or tap.diag(*bad)
    if undo is not None:
        t.nodes.sh(n, undo)


found("a logical volume too many", "lvm lvcreate -qq -an -Zn -L 4M -n extra " + vg, "lvm lvremove -qq -f %s/extra" % vg,
      "logical volume", "extra is nobody's")
found("a tag that is gone", "lvm lvchange -qq --deltag brickyard.brick=%s %s/%s" % (b["id"], vg, pool),
      "lvm lvchange -qq --addtag brickyard.brick=%s %s/%s" % (b["id"], vg, pool), b["id"], "has the tags")
found("a larger brick", "lvm lvextend -qq -L +4M %s/%s" % (vg, brick), "lvm lvreduce -qq -f -L -4M %s/%s" % (vg, brick),
      b["id"], "bytes")
found("an fstab line that is gone", "cp /etc/fstab /tmp/fstab; sed -i '/%s/d' /etc/fstab" % brick,
      "cp /tmp/fstab /etc/fstab", "fstab lines are")
found("one that is there twice", "cp /etc/fstab /tmp/fstab; grep %s /tmp/fstab >>/etc/fstab" % brick,
      "cp /tmp/fstab /etc/fstab", "fstab lines are")
found("one that is nobody's", "cp /etc/fstab /tmp/fstab; echo '/dev/x /x xfs rw 1 2' >>/etc/fstab",
      "cp /tmp/fstab /etc/fstab", "nobody's: /dev/x")
found("a second mount", "mount --bind %s %s" % (at, at), "umount " + at, "mounts are")
found("a directory too many", "mkdir /var/lib/heketi/mounts/vg_x", "rmdir /var/lib/heketi/mounts/vg_x",
      "directory", "vg_x is nobody's")
found("another mode of the brick's root", "chmod 755 " + b["path"], "chmod 2775 " + b["path"], "group and mode")
found("another id", "gluster --mode=script volume set seen user.heketi.id x",
      "gluster --mode=script volume set seen user.heketi.id " + v["id"], "user.heketi.id")
found("a brick without its process", "for p in /proc/[0-9]*; do [ \"$(cat $p/comm)\" != glusterfsd ] || kill -9 ${p#/proc/}; "
      "done; sleep 0.5", "gluster --mode=script volume start seen force; sleep 1", "processes serve")
found("a stopped volume", "gluster --mode=script volume stop seen force", "gluster --mode=script volume start seen",
      "volume seen is Stopped")
found("a volume of somebody", "mkdir /srv/b && gluster --mode=script volume create other %s:/srv/b force" % t.nodes.addresses[n],
      "gluster --mode=script volume delete other", "gluster volume other is nobody's")
found("a snapshot", "gluster --mode=script snapshot create snap seen no-timestamp",
      "gluster --mode=script snapshot delete snap", "snapshot snap is nobody's")
docs = t.inst.docs("")
docs["volumes/" + v["id"]] = dict(docs["volumes/" + v["id"]], type="", bricks_per_set=1, params=[])
bad = audit_nodes.Audit(t.lab, docs, ()).run()
tap.ok(any("volume seen is of type Replicate" in line for line in bad), "found: a volume of another type than the record's") or \
    tap.diag(*bad)
t.audit("all was undone")
t.nodes.kill(n)
bad = audit_nodes.audit(t.lab, seconds=0)
tap.ok(any(line.startswith(n) for line in bad), "found: a node that is off") or tap.diag(*bad)
t.end()
