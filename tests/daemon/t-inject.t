#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""heketi's error injector (executor inject/mock): rules that match the commands
that heketi would run make our steps fail, pause, or the process die; and what
heketi's plain mock executor answers.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import shutil
import tempfile
import time

from audit import audit
from daemon import Daemon
from dumps import db

work = tempfile.mkdtemp(prefix="inject-")
count = 0
VOLUME = {"size": 1, "durability": {"type": "replicate",
                                    "replicate": {"replica": 3}}}


def daemon(rules, results=(), **more):
    """With nodes, before the rules count."""
    global count
    count += 1
    state = os.path.join(work, "nodes%d" % count)
    switch = os.path.join(work, "on%d" % count)
    for r in [*rules, *results]:
        r.setdefault("CondFile", switch)
    config = {"glusterfs": {
        **more.pop("glusterfs", {}),
        "executor": "inject/mock",
        "operation_retry_limits": {"volume_create": 1},
        "injectexec": {"command_injection": {
            "commands": list(rules), "results": list(results)}}},
        "executors": {"simulated": {"state_file": state}}, **more}
    d = Daemon(config=config)
    d.state = state
    d.nodes = d.topology(nodes=3)[1]
    open(switch, "w").close()
    d.off = lambda: os.unlink(switch)
    return d


def fail(pattern, text, **more):
    return {"Cmd": pattern, "Reaction": dict({"Err": text}, **more)}


# ---- commands ----

d = daemon([fail("^/usr/sbin/lvm lvcreate .* --size [0-9]+K --thin vg_", "no LV")])
status, _, body = d.run("POST", "/volumes", VOLUME)
tap.is_((status, body.decode().strip()), (500, "All 3 hosts: no LV"),
        "a volume can't be made when lvcreate fails")
tap.is_(d.json("GET", "/volumes")["volumes"], [], "and is not there")
tap.is_(audit(d, d.state), [], "nothing is left on the nodes")
tap.has(d.log(), "injectexec: '/usr/sbin/lvm lvcreate -qq --autobackup=n "
        "--poolmetadatasize 8192K --chunksize 256K --size 1048576K --thin ",
        "the log tells the command and its rule")
d.off()
status, _, body = d.run("POST", "/volumes", VOLUME)
tap.is_(status, 200, "a rule whose condition file is gone does not count")
volume = json.loads(body)["id"]
d.stop()

d = daemon([fail("gluster .*volume create .* replica 3 [^ ]+:/var/lib/heketi/"
                 "mounts/vg_\\w+/brick_", "unused", ErrOutput="create failed",
                 ExitStatus=1),
            {"Cmd": "volume delete vol_", "Reaction": {"ExitStatus": 3}},
            fail("volume stop .* force$", "can't stop"),
            fail("volume rebalance", "no balance")])
status, _, body = d.run("POST", "/volumes", VOLUME)
tap.is_((status, body.decode().strip()), (500, "create failed"),
        "what came on stderr counts before the error")
tap.is_(audit(d, d.state), [], "bricks are gone again")
d.off()
v = json.loads(d.run("POST", "/volumes", VOLUME)[2])["id"]
open(os.path.join(work, "on%d" % count), "w").close()
status, _, body = d.run("POST", "/volumes/%s/expand" % v, {"expand_size": 1})
tap.is_(status, 200, "a rebalance that fails is ignored, as heketi does")
status, _, body = d.run("DELETE", "/volumes/" + v)
tap.is_((status, body.decode().strip()),
        (500, "Unable to delete volume vol_%s: Process exited with status 3" %
         v), "an exit status is a failure; that stopping fails is none")
d.off()
tap.is_(d.run("DELETE", "/volumes/" + v)[0], 204, "later it goes")
tap.is_(audit(d, d.state), [], "the nodes agree")
d.stop()

# ---- results: after the command was run ----

d = daemon([], [dict(fail("gluster .*volume start", "lost"), Result=".*"),
                dict(fail("mkfs.xfs", "never"), Result="^meta-data=")])
status, _, body = d.run("POST", "/volumes", VOLUME)
tap.is_((status, body.decode().strip()), (500, "lost"),
        "a result that is turned into a failure")
tap.is_(audit(d, d.state), [], "of what was done nothing is left")
tap.has(d.log(), "injectexec: results 1 ('mkfs.xfs'): the output of commands "
        "is not looked at, ignoring the rule",
        "a rule that can't be honoured is told at the start")
d.stop()

# ---- pause, panic ----

d = daemon([{"Cmd": "systemctl status glusterd$", "Reaction": {"Pause": 1}}])
t = time.monotonic()
status = d.run("POST", "/nodes", {
    "zone": 1, "cluster": d.json("GET", "/nodes/" + d.nodes[0])["cluster"],
    "hostnames": {"manage": ["late"], "storage": ["late.stor"]}})[0]
tap.ok(status == 200 and time.monotonic() - t > 0.9, "a pause takes its time")
d.stop()

d = daemon([{"Cmd": "mount -o rw,inode64,noatime,nouuid /dev/mapper/vg_",
             "Reaction": {"Pause": 1, "Panic": "oh no"}}])
status, headers, _ = d.request("POST", "/volumes", VOLUME)
tap.is_(d.request("GET", headers["Location"])[1].get("X-Pending"), "true",
        "polls are not held, so that none is torn by that")
tap.is_((status, d.process.wait(60)), (202, 2),
        "a panic ends the process at once, as Go's do")
d.process.stdout.close()
d.process = None
tap.has(d.log(), "injectexec: panic at 'mount -o ", "and the log tells where")
d.off()
d.start()
tap.is_(d.wait(headers["Location"])[0], 200,
        "what was under way is carried on after a restart")
tap.is_(audit(d, d.state), [], "the nodes agree")
d.stop()

# ---- what commands print: gluster-block's answers ----

BLOCK = {"glusterfs": {"auto_create_block_hosting_volume": True,
                       "block_hosting_volume_size": 20}}
rules = {}


def answer(name, pattern, **reaction):
    rules[name] = {"Cmd": pattern, "Reaction": reaction,
                   "CondFile": os.path.join(work, "answer-" + name)}


def on(*names):
    for name in rules:
        path = os.path.join(work, "answer-" + name)
        if name in names:
            open(path, "w").close()
        elif os.path.exists(path):
            os.unlink(path)


def said(*request):
    status, _, body = d.run(*request)
    return status, body.decode().strip()


CREATE, MODIFY = "^gluster-block create .*", "^gluster-block modify .*"
INFO = "^gluster-block info .*"
answer("fail", CREATE, ForceErr=True, ForceErrOutput=True,
       Result='{"RESULT": "FAIL", "errCode": 1, "errMsg": "no portal"}')
answer("words", CREATE, Err="it went wrong")
answer("quiet", CREATE, Err='{"RESULT": "", "errMsg": "what is this?"}')
answer("made", CREATE, Result='{"IQN": "iqn.x:1", "USERNAME": "u", '
       '"PASSWORD": "p", "RESULT": "SUCCESS"}')
answer("all", "^gluster-block .*", Err="none of it")
answer("gone", "^gluster-block delete ", Err='{"RESULT": "FAIL", "errMsg": '
       '"block blk doesn\'t exist"}')
answer("kept", "^gluster-block delete ", Err='{"RESULT": "FAIL", "errMsg": '
       '"a client is logged in"}')
answer("modify", MODIFY, Err='{"RESULT": "FAIL", "errCode": 255, '
       '"errMsg": "h3:[1.0 GiB]"}')
answer("mute", MODIFY, Err='{"RESULT": "FAIL"}')
answer("babble", MODIFY, Err="Segmentation fault")
answer("grown", MODIFY, Result='{"RESULT": "SUCCESS"}')
answer("short", INFO, Result='{"GBID": "x", "SIZE": "3.0 GiB", '
       '"RESIZE FAILED ON": {"h2": "2.0 GiB", "h3": "1.5 GiB"}}')
answer("old", INFO, Result='{"GBID": "x", "SIZE": "5.0 GiB"}')
answer("same", INFO, Result='{"GBID": "x", "SIZE": "3.0 GiB"}')
d = daemon(rules.values(), **BLOCK)
MAKE = ("POST", "/blockvolumes", {"size": 2, "name": "blk"})
for name, text in (
        ("fail", "Failed to create block volume: no portal"),
        ("words", "Unparsable error during block volume create: it went wrong"),
        ("quiet", "Failed to create block volume: "
                  '{"RESULT": "", "errMsg": "what is this?"}')):
    on(name)
    tap.is_(said(*MAKE), (500, text), "create: " + text[:40])
tap.is_((d.json("GET", "/volumes")["volumes"], d.json("GET", "/operations")
         ["total"]), ([], 0), "of a block volume that failed nothing is left")
on("all")
tap.is_(said(*MAKE), (500, "Unparsable error during block volume create: none "
                      "of it"), "what we ask for besides does not fail")
tap.is_(d.json("GET", "/operations")["failed"], 1,
        "if deleting fails, too, the operation waits for a cleaning")
on("gone")
tap.is_(d.run("POST", "/operations/pending/cleanup", {})[0], 204, "which works")
tap.is_((d.json("GET", "/operations")["total"], d.json("GET", "/volumes")
         ["volumes"]), (0, []), "and leaves nothing")
on("made")
status, body = said("POST", "/blockvolumes",
                    {"size": 2, "name": "blk", "auth": True})
made = json.loads(body)
tap.is_([made["blockvolume"][k] for k in ("iqn", "username", "password")],
        ["iqn.x:1", "u", "p"], "a success can be made up")
block = "/blockvolumes/" + made["id"]
hosting = "/volumes/" + made["blockhostingvolume"]


def sizes():
    v = d.json("GET", block)
    return [v["size"], v["usablesize"],
            d.json("GET", hosting)["blockinfo"]["freesize"]]


RETRY = " (see logs for details, and retry the operation)"
for names, gib, text, after in (
        (("modify", "short"), 3, "Failed to expand block volume: h3:[1.0 GiB]"
         + RETRY, [3, 1, 16]),
        (("mute", "same"), 4, "Failed to expand block volume" + RETRY,
         [3, 1, 16]),
        (("babble", "old"), 5, "Unparsable error during block volume expand: "
         "Segmentation fault", [5, 1, 14])):
    on(*names)
    tap.is_((said("POST", block + "/expand", {"new_size": gib}), sizes()),
            ((500, text), after), "expand to %d GiB: " % gib + text[:44])
on("grown")
tap.is_((said("POST", block + "/expand", {"new_size": 5})[0], sizes()),
        (200, [5, 5, 14]), "the same size once more makes it whole")
on("kept")
tap.is_(said("DELETE", block), (500, "a client is logged in"),
        "a delete that fails has its words")
on("gone")
tap.is_(said("DELETE", block), (204, ""), "one that is gone is deleted")
tap.is_(d.run("DELETE", hosting)[0], 204, "and so is what it was on")
tap.is_(audit(d, d.state), [], "the nodes agree")
d.stop()

# ---- what is refused ----

conf = os.path.join(work, "bad.json")
for rules, why in (
        ([fail("(", "x")], "'(': not a regular expression: "),
        ([{"Cmd": "x", "Reaction": {"Pause": -1}}], "pause of -1 seconds")):
    with open(conf, "w") as f:
        json.dump({"glusterfs": {"executor": "inject/mock", "injectexec": {
            "command_injection": {"commands": rules}}}}, f)
    try:
        bad = Daemon(executor="inject/mock", config=json.load(open(conf)))
        bad.stop()
        tap.ok(False, why)
    except RuntimeError as e:
        tap.has(str(e), why, "refused: " + why)
# Rules count only where they are asked for.
with open(conf, "w") as f:
    json.dump({"glusterfs": {"executor": "mock", "injectexec": {
        "command_injection": {"commands": [fail("(", "x")]}}}}, f)
d = Daemon(executor="mock", config=json.load(open(conf)))
tap.ok(d.port, "with executor mock they don't")
d.stop()

# ---- mock ----

for more, env, kib in (({}, {}, 524288000),
                       ({"mock_device_size_gb": 7}, {}, 7 << 20),
                       ({}, {"HEKETI_MOCK_DEVICE_SIZE_GB": "9"}, 9 << 20)):
    d = Daemon(executor="mock", config=more, env=env)
    node = d.topology(nodes=1)[1][0]
    dev = d.json("GET", "/nodes/" + node)["devices"][0]
    tap.is_(dev["storage"], {"total": kib, "free": kib, "used": 0},
            "mock: a device has %d KiB" % kib)
    tap.ok("pv_uuid" not in dev and "paths" not in dev, "no UUID, no paths")
    d.stop()
d = Daemon(executor="mock", config={"glusterfs": {"db_read_only": True}})
tap.is_((d.json("GET", "/admin"), d.request("POST", "/clusters", {})[0]),
        ({"state": "read-only"}, 503), "db_read_only: nothing can be changed")
d.stop()
shutil.rmtree(work)
tap.done()
