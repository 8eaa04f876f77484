#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Storage nodes that fail under the service: off during a create, an expand and
a delete, and back; rebooted; without sshd in the middle of a script; with a full
thin pool.  Each time nothing is lost, and nothing is left behind.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import labtest
import lab
import errno
import itertools
import threading
import time

# What a node's end is noticed by looks oftener than in production.
t = labtest.begin(count=4, disks=1, config={
    "executors": {"ssh": {"keepalive_s": 5, "connect_timeout_s": 6}},
    "glusterfs": {"start_time_background_cleaner": 1, "refresh_time_background_cleaner": 10,
                  "refresh_time_monitor_gluster_nodes": 15}})
THREE = {"type": "replicate", "replicate": {"replica": 3}}
TWO = {"type": "replicate", "replicate": {"replica": 2}}


def hosts_of(v):
    """Names of the nodes that have its bricks."""
    ids = {b["node"] for b in v["bricks"]}
    return sorted(d["manage"][0] for i, d in t.inst.docs("nodes/").items() if i.split("/")[1] in ids)


def glusterd_is_back(n):
    """All see it, and it sees them; and what they tell each other of their volumes
    when they meet is through: a command that needs all of them, sent from each,
    comes after that on every connection.  (A volume that is deleted before that may
    come to life again on the one that was away.)"""
    def peers(nodes=None):
        return all(r.out.count("(Connected)") == len(t.nodes.names) - 1 for r in t.nodes.each(
            "gluster --mode=script peer status", nodes).values())

    def agree():        # one after another: they would lock each other out
        for x in t.nodes.names:
            r = t.nodes.run(x, "gluster --mode=script volume status %s 2>&1" % v["name"])
            if r.status != 0:
                said[:] = [x, r.out.strip()]
                return False
        return True
    said = ["their peers are not all connected"]

    def all_is_well():
        if peers([n]) and peers() and agree():
            return True
        time.sleep(1)       # what it waits for needs the processor, too
    return lab.wait_for(all_is_well, 300) or tap.diag(n, *said)


def bricks_online(v):
    """As gluster says it, and what the bricks said last."""
    logs = t.nodes.each("tail -n 4 /var/log/glusterfs/bricks/*.log")
    return "\n".join([t.nodes.run("node1", "gluster --mode=script volume status %s detail" % v["name"]).out] +
                     [n + ": " + r.out for n, r in logs.items()])


# ---- a node that was rebooted

v = t.create("before the reboot", durability=THREE)
at = t.mount(v)
digest = labtest.fill(at, "file")
node = hosts_of(v)[0]
t.nodes.kill(node)
second = labtest.fill(at, "while-it-is-off", 1)
tap.is_((labtest.digest(at, "file"), labtest.digest(at, "while-it-is-off")), (digest, second),
        "a client reads and writes while a node is off")
t.nodes.start(node)
tap.ok(glusterd_is_back(node), node + " is a peer again after its reboot")
t.audit("after a reboot: bricks are mounted from fstab and served")
mine = [b["path"] for b in v["bricks"] if t.inst.docs("nodes/")["nodes/" + b["node"]]["manage"] == [node]][0]
tap.ok(lab.wait_for(lambda: t.nodes.exists(node, mine + "/while-it-is-off", bytes=1 << 20), 300, 1),
       "and healed: it has what was written meanwhile")
t.umount(at)

# ---- off during a create

# Before it is noticed that a node is off, a brick may be planned there: then another
# place is found, and what may be on the node is remembered.
off = [n for n in t.nodes.names if n not in hosts_of(v)][0]     # it has most room
t.nodes.kill(off)
u = t.create("one of four nodes is off, and nobody knows", durability=THREE)
tap.ok(off not in hosts_of(u), "it is placed on the others")
tap.diag("left over: %s" % [x["why"] for x in t.c.json("GET", "/v1/leftovers")["leftovers"]])
gone = [key[len("nodes/"):] for key, n in t.inst.docs("nodes/").items()
        if n["manage"] == [off]]
tap.ok(lab.wait_for(lambda: t.inst.docs("health/" + gone[0]), 300, 0.5),
       "it is noticed that a node is off")
w = t.create("one of four nodes is off", durability=THREE)
tap.ok(off not in hosts_of(w), "it is placed on the others")
t.audit("created while a node is off", down=[off])
t.nodes.start(off)
tap.ok(glusterd_is_back(off), off + " is back")
t.audit("the node learns of the volumes when it comes back, and what was left over there is gone")
t.delete(u)

# ---- off during an expand: where its brick was to be made, another place is found

n = hosts_of(w)[0]
t.nodes.kill(n)
w = t.expand(w, 1, "a volume with a brick on a node that is off is expanded")
tap.is_(sum(t.inst.docs("nodes/")["nodes/" + b["node"]]["manage"] == [n] for b in w["bricks"]), 1,
        "on the other nodes")
t.nodes.start(n)
tap.ok(glusterd_is_back(n), n + " is back")
t.audit("an expand while a node was off")

# ---- off during a delete

n = hosts_of(w)[0]
t.nodes.kill(n)
status, reply = t.call("DELETE", "/volumes/" + w["id"])
tap.ok(status == 500 and "peers are down" in str(reply), "gluster deletes nothing while a node is off; "
       "the client is told") or tap.diag(status, reply)
tap.ok(w["id"] in t.volumes(), "the volume is there still")
t.nodes.start(n)
tap.ok(glusterd_is_back(n), n + " is back")
t.delete(w, "deleted when the node is back")
tap.ok(w["id"] not in t.volumes(), "the volume is gone")
t.audit("a delete while a node was off")

# ---- sshd dies in the middle of a script

with_trap = [x for x in t.nodes.names]
for n in with_trap:
    t.nodes.trap(n, "/usr/sbin/mkfs.xfs")
box = []
th = threading.Thread(target=lambda: box.append(t.call("POST", "/volumes", {"size": 1, "durability": TWO})))
th.start()
n = t.nodes.wait_trapped(with_trap, "mkfs.xfs")
tap.ok(n is not None, "a create is in the middle of mkfs (on %s)" % n)
t.nodes.kill_sshd(n)
for x in with_trap:
    t.nodes.release(x, "/usr/sbin/mkfs.xfs")
t.nodes.start_sshd(n)
th.join()
status, x = box[0]
tap.is_(status, 200, "sshd killed in the middle: the create gets there all the same") or tap.diag(x)
t.audit("sshd killed in the middle of a create")

# ---- a full thin pool
# Most of it is filled on the nodes, the rest by a client, as far as gluster lets it: the
# last percent is gluster's own (storage.reserve).  It looks every five seconds only, so
# the end is filled slowly.  What is written in between may on a slow machine leave no
# room for the health check of a brick, which gluster then ends, and the client is told
# something else: here it does not check.

def room(at):
    s = os.statvfs(at)
    return s.f_bavail * s.f_frsize


f = t.create("to be filled", durability=TWO, glustervolumeoptions=["storage.health-check-interval 0"])
nodes = {i.split("/")[1]: d["manage"][0] for i, d in t.inst.docs("nodes/").items()}
t.at_once([lambda b=b: t.nodes.sh(nodes[b["node"]], "dd if=/dev/zero of=%s/../fill bs=1M count=820 conv=fsync"
                                  % b["path"], seconds=300) for b in f["bricks"]])
at = t.mount(f)
names = ("file%d" % i for i in itertools.count())
began = time.monotonic()
while room(at) > 28 << 20:
    labtest.fill(at, next(names), 8 if room(at) > 60 << 20 else 4)
tap.diag("nearly full after %.0f s" % (time.monotonic() - began))
told = None
while told is None:
    try:
        labtest.fill(at, next(names), 1)
        time.sleep(0.6)
    except OSError as e:
        told = e.errno
tap.is_(errno.errorcode.get(told, told), "ENOSPC", "a client is told that there is no space") or tap.diag(bricks_online(f))
for b in f["bricks"]:
    r = t.nodes.sh(nodes[b["node"]], "lvm lvs --noheadings -o data_percent --select lv_name=tp_" + b["id"])
    tap.ok(float(r) > 95, "the pool on %s is full" % nodes[b["node"]], r)
t.audit("a full pool")
f = t.expand(f, 1, "the full volume is expanded")
tap.is_(len(f["bricks"]), 4, "by two bricks")


def has_room():
    """As soon as this client has heard of the new bricks."""
    try:
        labtest.fill(at, next(names), 1)
        return True
    except OSError:
        time.sleep(1)
        return False


tap.ok(lab.wait_for(has_room, 300), "and has room again") or tap.diag(bricks_online(f))
sums = [labtest.fill(at, "new%d" % i, 4) for i in range(4)]
tap.is_([labtest.digest(at, "new%d" % i) for i in range(4)], sums, "for more than one file")
t.umount(at)
t.audit("a full pool, expanded")
t.delete(f, "the full volume is deleted")
t.audit("the full pool is gone")
t.end()
