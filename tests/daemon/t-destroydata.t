#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What destroydata may destroy: heketi's rules and its words."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import tap
from daemon import Daemon

OTHER = "bbbbbb-bbbb-bbbb-bbbb-bbbb-bbbb-bbbbbb"
FOREIGN = ",".join(["/dev/sdx=ext4", "/dev/sdm=mounted",
                    "/dev/sdp=LVM2_member:" + OTHER])


def daemon(pv_uuid=True):
    return Daemon(config={"executors": {"simulated": {
        "foreign": FOREIGN, "pv_uuid": pv_uuid}}})


def add(d, node, name, destroy=True):
    status, _, body = d.run("POST", "/devices", {
        "node": node, "name": name, "destroydata": destroy})
    return status, body.decode()


def taken(pv, name, uuid):
    return "Initializing device %s failed (aleady contains Physical Volume " \
        "%s): Can't initialize physical volume \"%s\" of volume group " \
        "\"vg_%s\" without -ff\n%s: physical volume not initialized.\n" % (
            name, uuid, name, pv, name)


d = daemon()
c, (n,), (first,) = d.topology(nodes=1)
tap.is_(d.json("GET", "/devices/" + first)["name"], "/dev/sdb", "(a device)")
tap.is_(add(d, n, "/dev/sdb"), (500, "Device already in use (ID: %s)\n" % first),
        "a device that is known is named, not destroyed")
uuid = d.json("GET", "/devices/" + first)["pv_uuid"]
tap.is_(add(d, n, "/dev/sdb", False), (500, taken(first, "/dev/sdb", uuid)),
        "without destroydata it is told what is there")
tap.is_(add(d, n, "/dev/sdx", False)[0], 500, "what holds data is refused")
tap.is_(add(d, n, "/dev/sdx")[0], 204, "unless they may be destroyed")
tap.is_(add(d, n, "/dev/sdp", False)[0], 500,
        "so is a physical volume of others")
tap.is_(add(d, n, "/dev/sdp")[0], 204, "which nobody knows: it goes, too")
tap.is_(add(d, n, "/dev/sdm")[0], 500, "what is mounted never goes")
tap.is_(len(d.json("GET", "/nodes/" + n)["devices"]), 3, "three were added")
d.stop()

# The disk was moved to another node: its volume group is of no device there, but
# its UUID is known.
d = Daemon(config={"executors": {"simulated": {"pv_uuid": True}}})
c, ns, (one, two) = d.topology(nodes=2)
uuid = d.json("GET", "/devices/" + one)["pv_uuid"]
d.config["executors"]["simulated"]["foreign"] = \
    "n1.stor:/dev/sdy=LVM2_member:" + uuid
d.restart()
tap.is_(add(d, ns[1], "/dev/sdy"),
        (500, "Device already in use (ID: %s)\n" % one),
        "a disk that moved to another node is known")
d.stop()

# Records from before UUIDs were kept: who knows whose this is?
d = daemon(pv_uuid=False)
c, (n,), (first,) = d.topology(nodes=1)
status, body = add(d, n, "/dev/sdp")
tap.is_((status, body), (500, "Can not destroy device, destroy may not be safe:"
        " Initializing device /dev/sdp failed (aleady contains Physical Volume "
        "%s): WARNING: LVM2_member signature detected on /dev/sdp. Wipe it? "
        "[y/n]: [n]\n1 existing signature left on the device.\n" % OTHER),
        "with devices of unknown UUID no physical volume goes")
tap.is_(add(d, n, "/dev/sdx")[0], 204, "what is none goes all the same")
d.stop()

# The nodes are as a Brickyard left them that is no more.
d = Daemon(start=False)
d.config["executors"] = {"simulated": {"state_file": d.dir + "/nodes",
                                       "pv_uuid": True}}
d.start()
c, (n,), (first,) = d.topology(nodes=1)
uuid = d.json("GET", "/devices/" + first)["pv_uuid"]
v = d.run("POST", "/volumes", {"size": 1, "durability": {"type": "none"}})
tap.is_(v[0], 200, "(a volume)")
d.device(n, "/dev/sdc")
d.terminate()
d.store = "sqlite:%s/another" % d.dir
d.start()
c, (n,), _ = d.topology(nodes=1, devices=0)
tap.is_(add(d, n, "/dev/sdc", False)[0], 500,
        "a device that was another Brickyard's is refused")
tap.is_(add(d, n, "/dev/sdc"), (204, ""), "and taken with destroydata")
status, body = add(d, n, "/dev/sdb")
tap.is_((status, body), (500, taken(first, "/dev/sdb", uuid)),
        "not while a brick is on it")
d.stop()
tap.done()
