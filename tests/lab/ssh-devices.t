#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks as they are found in real nodes, over ssh: each that must not be taken is
refused with its reason, and what is on it stays; destroydata wipes what it may,
and nothing else.  And logins that can't work: wrong key, wrong host key, wrong
sudo.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import labtest
from daemon import Daemon


t = labtest.begin(disks_used=[], count=2, disks=7, replicas=2, members=1, sizes={"node1-sdf": 100 << 20})
sh = lambda script: t.nodes.sh("node1", script)
nodes = {d["manage"][0]: i.split("/")[1] for i, d in t.inst.docs("nodes/").items()}


def add(disk, **more):
    return t.call("POST", "/devices", dict({"node": nodes["node1"], "name": "/dev/" + disk}, **more))


def content(disk):
    return sh("head -c 2M /dev/%s | sha256sum" % disk).split()[0]


def refused(disk, why, name, **more):
    before = content(disk) if disk != "sdx" else None
    status, reply = add(disk, **more)
    tap.ok(status >= 400 and all(w in str(reply) for w in why), "%s is refused with its reason" % name) or tap.diag(
        status, reply)
    tap.diag(str(reply).strip()[:240])
    if before is not None:
        tap.is_(content(disk), before, "%s: nothing was written to it" % name)


# ---- refused

sh("echo 'label: gpt\nsize=100M' | sfdisk -q /dev/sdb")
sh("mkfs.ext4 -q /dev/sdc 100000")
sh("lvm pvcreate -qq /dev/sdd && lvm vgcreate -qq someones /dev/sdd")
sh("mkfs.ext4 -q /dev/sde 100000 && mkdir /mnt/e && mount -o ro /dev/sde /mnt/e")     # so that ext4 writes nothing
sh("blockdev --setro /dev/sdg")
refused("sdb", ["already initialized or contains data?", "gpt"], "a disk with GPT")
refused("sdc", ["already initialized or contains data?", "ext4"], "a disk with ext4")
uuid = sh("lvm pvs --noheadings -o pv_uuid /dev/sdd").strip()
refused("sdd", ["aleady contains Physical Volume", uuid, "volume group someones", "destroydata"], "an old physical volume")
refused("sde", ["mounted", "/mnt/e"], "a mounted disk")
refused("sde", ["mounted", "/mnt/e"], "a mounted disk, even with destroydata,", destroydata=True)
refused("sdf", ["too small"], "a disk that is too small")
refused("sdg", ["read-only"], "a read-only disk")
refused("sdx", ["there is no device /dev/sdx"], "a disk that is not there")
sh("cp /etc/lvm/lvm.conf /tmp/lvm.conf && sed -i 's,scan=,global_filter=[\"r|/dev/sdh|\"] scan=,' /etc/lvm/lvm.conf")
refused("sdh", ["LVM on this node filters it out", "lvm.conf"], "a disk that LVM's filter excludes")
sh("cp /tmp/lvm.conf /etc/lvm/lvm.conf")
tap.is_(t.c.json("GET", "/nodes/" + nodes["node1"])["devices"], [], "the service has no device")

# ---- destroydata, by heketi's rules

for disk, what in (("sdb", "GPT"), ("sdc", "ext4")):
    status, reply = add(disk, destroydata=True)
    tap.is_(status, 204, "destroydata: the disk with %s is wiped and taken" % what) or tap.diag(reply)
sh("umount /mnt/e; blockdev --setrw /dev/sdg; wipefs -qa /dev/sde")
status, reply = add("sdd", destroydata=True)
tap.is_(status, 204, "destroydata: so is a physical volume that is nobody's here") or tap.diag(reply)
status, reply = add("sdb", destroydata=True)
tap.ok(status >= 400, "destroydata: a device of ours is never taken again") or tap.diag(reply)
tap.diag(str(reply)[:200])
status, reply = t.call("POST", "/devices", {"node": nodes["node2"], "name": "/dev/sdb"})
tap.is_(status, 204, "a clean disk is simply taken") or tap.diag(reply)
sh("lvm pvs -o +pv_uuid >&2; true")
t.audit("after destroydata")

# ---- logins that can't work

def single(**sshexec):
    """A service of its own that reaches the nodes in another way."""
    return Daemon(executor="ssh", config={"glusterfs": {"sshexec": t.lab.sshexec(**sshexec)}})


def try_node(what, why, **sshexec):
    d = single(**sshexec)
    cluster = d.cluster()
    status, reply = t.call("POST", "/nodes", {"zone": 1, "cluster": cluster, "hostnames": {
        "manage": ["node1"], "storage": [t.nodes.addresses["node1"]]}}, client=d)
    if why is None:
        if not tap.is_(status, 200, what):
            tap.diag(reply, *d.log().splitlines()[-10:])
        elif "hostnames" in reply:
            status, reply = t.call("POST", "/devices", {"node": reply["id"], "name": "/dev/sde"}, client=d)
            tap.is_(status, 204, what + ": and can prepare a disk") or tap.diag(reply)
    else:
        # heketi's text is the client's; the reason is the operator's.
        tap.is_((status, reply), (400, "New Node doesn't have glusterd running\n"), what + ": the node is not taken")
        told = [x for x in d.log().splitlines() if "node1" in x]
        tap.ok(any(all(w in x.lower() for w in why) for x in told), what + ": the log has the reason") or tap.diag(*told)
        tap.diag(*told[-1:])
    d.stop()


wrong_hosts = t.dir + "/wrong_hosts"
with open(wrong_hosts, "w") as f:
    f.write("node1,%s %s" % (t.nodes.addresses["node1"], t.nodes.read("keys/node2.pub")))
try_node("a wrong key", ["node1", "key"], keyfile=t.dir + "/keys/wrong")
try_node("a wrong host key", ["node1", "host key"], known_hosts=wrong_hosts)
try_node("a user who is not root, without sudo", ["node1", "uid 1900", "option sudo"], user="storage")
sh("sed -i '/^storage/d' /etc/sudoers")
try_node("sudo that asks for a password", ["sudo"], user="storage", sudo=True)
sh("echo 'storage ALL=(ALL) NOPASSWD: ALL' >>/etc/sudoers")
try_node("with sudo it works as another user", None, user="storage", sudo=True)
t.end()
