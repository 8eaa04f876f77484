#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# The gluster CLI as the local executor uses it, with a gluster that answers
# from files: what is asked, in which words, and how answers are taken.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import lab

lab.require_driver()
d = lab.workdir()
os.mkdir(d + "/bin")
drv = lab.Driver(d, search_path=d + "/bin:/usr/bin:/bin")

FAKE = r"""#!/bin/sh
cd DIR
{ for a; do printf '[%s]' "$a"; done; echo; } >>asked
shift 2                         # --mode=script --timeout=N
case "$*" in
*"volume info"*) cat info; exit "$(cat info.status 2>/dev/null || echo 0)";;
esac
n=$(cat busy 2>/dev/null || echo 0)
if [ "$n" -gt 0 ]; then
	echo $((n - 1)) >busy
	echo "volume: failed: Another transaction is in progress for v1. Please try again after some time." >&2
	exit 1
fi
if [ "$1 $2" = "volume create" ] && [ -e info.next ]; then mv info.next info; fi
if [ -e "say.$1.$2" ]; then cat "say.$1.$2" >&2; exit 1; fi
case "$1 $2" in
"snapshot list") cat snapshots; exit ;;
"snapshot delete") sed -i "/^$3\$/d" snapshots
	[ -s snapshots ] || rm -f say.volume.delete ;;
esac
echo success
"""
with open(d + "/bin/gluster", "w") as f:
    f.write(FAKE.replace("DIR", d))
os.chmod(d + "/bin/gluster", 0o755)


def put(name, text):
    with open(os.path.join(d, name), "w") as f:
        f.write(text)


def forget():
    for f in os.listdir(d):
        if f.startswith(("asked", "say.", "busy", "info", "snapshots")):
            os.unlink(os.path.join(d, f))
    put("info", MISSING)
    put("info.status", "1")


def asked():
    try:
        with open(d + "/asked") as f:
            return [x.split("]", 2)[2].strip() for x in f]
    except FileNotFoundError:
        return []


MISSING = ("<?xml version=\"1.0\"?>\n<cliOutput>\n<opRet>-1</opRet>\n<opErrno>30806</opErrno>\n"
           "<opErrstr>Volume v1 does not exist</opErrstr>\n</cliOutput>\n")


def info(bricks, status="Created", options=()):
    b = "".join("<brick uuid=\"u\">%s<name>%s</name><hostUuid>u</hostUuid><isArbiter>0</isArbiter></brick>\n" % (x, x)
                for x in bricks)
    o = "".join("<option>\n<name>%s</name>\n<value>%s</value>\n</option>\n" % x for x in options)
    return ("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<cliOutput>\n  <opRet>0</opRet>\n"
            "  <opErrno>0</opErrno>\n  <opErrstr/>\n  <volInfo>\n    <volumes>\n      <volume>\n"
            "<name>v1</name><id>f3b2-aa</id><status>1</status><statusStr>%s</statusStr>"
            "<typeStr>Distribute</typeStr><bricks>\n%s</bricks><options>%s</options>"
            "</volume><count>1</count></volumes></volInfo></cliOutput>\n" % (status, b, o))


B = ["198.18.0.%d:/m/b%d/brick" % (i % 3, i) for i in range(7)]
VOL = {"name": "v1", "id": lab.ident(1)}

# ---- create

forget()
put("info.next", info(B[:2]))
put("info.status", "0")
put("info", MISSING)
r = drv.call("volume-create", brick=B[:2], word=["replica", "2"], set=2, sets=5,
             option=["nfs.disable  on", "auth.allow 10.0.0.1, 10.0.0.2", "", " group virt"], **VOL)
tap.ok(r.ok, "a volume is made") or tap.diag(r)
tap.is_(asked(), ["[volume][info][v1][--xml]",
                  "[volume][create][v1][replica][2][%s][%s]" % (B[0], B[1]),
                  "[volume][info][v1][--xml]",
                  "[volume][set][v1][user.heketi.id][%s]" % lab.ident(1),
                  "[volume][set][v1][nfs.disable][on]",
                  "[volume][set][v1][auth.allow][10.0.0.1, 10.0.0.2]",
                  "[volume][set][v1][group][virt]",
                  "[volume][start][v1]"],
        "in heketi's order; options are a key and one value, started last")
with open(d + "/asked") as f:
    tap.has(f.readline(), "[--mode=script][--timeout=", "without questions, and with a time limit")

forget()
put("info.next", info(B[:2]))
r = drv.call("volume-create", brick=B, set=1, sets=2, **VOL)
tap.is_([x for x in asked() if "brick" in x],
        ["[volume][create][v1][%s][%s]" % (B[0], B[1])] +
        ["[volume][add-brick][v1]" + "".join("[%s]" % x for x in B[i:i + 2]) for i in (2, 4, 6)],
        "many sets go in as several commands")

forget()
put("info.status", "0")
put("info", info(B[:2]))
r = drv.call("volume-create", brick=B[:4], set=2, sets=1, **VOL)
tap.ok(r.ok and asked()[1] == "[volume][add-brick][v1][%s][%s]" % (B[2], B[3]),
       "one that was left with some of our bricks is finished") or tap.diag(asked())
forget()
put("info.status", "0")
put("info", info(B[:2], "Started", [("user.heketi.id", lab.ident(1))]))
r = drv.call("volume-create", brick=B[:2], set=2, **VOL)
tap.is_(asked(), ["[volume][info][v1][--xml]", "[volume][set][v1][user.heketi.id][%s]" % lab.ident(1)],
        "one that is whole is neither made nor started again")
for what, text in (("another id", info(B[:2], "Started", [("a.b", "1"), ("user.heketi.id", "other")])),
                   ("other bricks", info(["h:/x"]))):
    forget()
    put("info.status", "0")
    put("info", text)
    r = drv.call("volume-create", brick=B[:2], set=2, **VOL)
    tap.ok(r.err_class == lab.EXISTS and len(asked()) == 1, "a volume of the name with %s is left alone" % what)

forget()
put("info.next", info(B[:1]))
put("say.volume.create", "volume create: v1: failed: Host 198.18.0.9 is not a peer\n")
r = drv.call("volume-create", brick=B[:1], set=1, **VOL)
tap.is_((r.err_class, r.text), (lab.PERMANENT, "gluster volume create v1: volume create: v1: failed: Host 198.18.0.9 is not a peer"),
        "an error carries gluster's own words")

for words, why in ((["--log-file=/etc/passwd x"], "an option of the CLI itself"),
                   (["a --glusterd-sock=/x"], "one as the value"), (["a b\nc=d"], "a line end")):
    forget()
    put("info.status", "0")
    put("info", info(B[:1]))
    r = drv.call("volume-create", brick=B[:1], set=1, option=words, **VOL)
    tap.ok(r.err_class == lab.INVALID and all("passwd" not in x and "sock" not in x for x in asked()),
           "a volume option can't be %s" % why) or tap.diag(r)
r = drv.call("volume-info", name="--xml")
tap.is_(r.err_class, lab.INVALID, "a volume name can't be an option")
r = drv.call("volume-create", brick=B[:3], set=2, **VOL)
tap.is_(r.err_class, lab.INVALID, "bricks that are no whole sets are refused")

# ---- busy

forget()
put("busy", "3")
put("info.next", info(B[:1]))
r = drv.call("volume-create", brick=B[:1], set=1, timeout=20000, **VOL)
tap.ok(r.ok, "another transaction in progress is waited for") or tap.diag(r)
forget()
put("busy", "1000")
r = drv.call("volume-destroy", name="v1", timeout=1500)
tap.ok(r.err_class == lab.TRANSIENT and "Another transaction" in r.text, "but not for ever") or tap.diag(r)

# ---- expand

forget()
put("info.status", "0")
put("info", info(B[:2], "Started"))
put("say.volume.rebalance", "volume rebalance: v1: failed: no\n")
r = drv.call("volume-expand", brick=B[:4], set=2, rebalance=1, **VOL)
tap.ok(r.ok, "an expansion whose rebalance does not start is success") or tap.diag(r)
tap.is_(asked()[1:], ["[volume][add-brick][v1][%s][%s]" % (B[2], B[3]), "[volume][rebalance][v1][start]"],
        "only what is missing is added")
forget()
put("info.status", "0")
put("info", info(B[:3], "Started"))
r = drv.call("volume-expand", brick=B[:4], set=2, **VOL)
tap.is_(r.err_class, lab.EXISTS, "half a set in the volume is not touched")
forget()
r = drv.call("volume-expand", brick=B[:4], set=2, **VOL)
tap.is_(r.err_class, lab.NOTFOUND, "a volume that is not there can't grow")

# ---- destroy, info, peers

forget()
put("say.volume.stop", "volume stop: v1: failed: Volume v1 is not in the started state\n")
r = drv.call("volume-destroy", name="v1")
tap.is_((r.ok, asked()), (True, ["[volume][stop][v1][force]", "[volume][delete][v1]"]),
        "a volume that is stopped already is deleted")
forget()
put("say.volume.stop", "volume stop: v1: failed: Volume v1 does not exist\n")
tap.ok(drv.call("volume-destroy", name="v1").ok, "one that does not exist is gone")
forget()
put("say.volume.delete", "volume delete: v1: failed: Some of the peers are down\n")
r = drv.call("volume-destroy", name="v1")
tap.is_((r.err_class, r.text), (lab.TRANSIENT, "Unable to delete volume v1: volume delete: v1: failed: Some of the peers are down"),
        "a peer that is down is worth another try, in heketi's words")
IN_THE_WAY = ("volume delete: v1: failed: Cannot delete Volume v1 ,as it has %d snapshots. "
              "To delete the volume, first delete all the snapshots under it.")
LEFT = "tmpsnap_" + lab.ident(3)
for names, gone in (([LEFT], True), ([LEFT, "nightly"], False), (["tmpsnap_mine"], False)):
    forget()
    put("snapshots", "".join(n + "\n" for n in names))
    put("say.volume.delete", IN_THE_WAY % len(names) + "\n")
    r = drv.call("volume-destroy", name="v1")
    deleted = [x for x in asked() if x.startswith("[snapshot][delete]")]
    tap.is_((r.ok, deleted), (gone, ["[snapshot][delete][%s]" % n for n in names if n == LEFT]),
            "snapshots %s: %s" % (" ".join(names), "what a clone left is no hindrance" if gone else
                                  "somebody's are")) or tap.diag(r)
    if not gone:
        tap.is_(r.text, "Unable to delete volume v1: " + IN_THE_WAY % len(names), "which is told as gluster does")

forget()
put("info.status", "0")
put("info", info(["fd00::1:/m/1", "h:/m/a&amp;b"], "Stopped"))
r = drv.call("volume-info", name="v1")
tap.is_((r.get("status"), r.get("type"), r.get("id")), ("stopped", "Distribute", "f3b2-aa"), "info has status, type and id")
tap.is_(r.values[3:], [(1, "host", "fd00::1"), (1, "path", "/m/1"), (2, "host", "h"), (2, "path", "/m/a&b")],
        "and a record for each brick")
forget()
tap.is_(drv.call("volume-info", name="v1").err_class, lab.NOTFOUND, "no volume: not found")
for what, text in (("cut off", info(B)[:-40]), ("crossed", "<cliOutput><a></cliOutput></a>"),
                   ("too deep", "<cliOutput>" + "<a>" * 40 + "</a>" * 40 + "</cliOutput>"),
                   ("a long name", "<cliOutput><%s></%s></cliOutput>" % ("a" * 600, "a" * 600))):
    put("info.status", "0")
    put("info", text)
    r = drv.call("volume-info", name="v1")
    tap.ok(r.err_class == lab.PERMANENT and "XML" in r.text, "XML that is %s is refused" % what) or tap.diag(r)

forget()
tap.ok(drv.call("check").ok and asked() == ["[pool][list]"], "a node is checked by asking glusterd")
put("say.pool.list", "Connection failed. Please check if gluster daemon is operational.\n")
r = drv.call("check")
tap.ok(r.err_class == lab.PERMANENT and "glusterd is not running" in r.text, "no glusterd: said so")
r = lab.Driver(d, search_path=d).call("check")
tap.ok(r.err_class == lab.PERMANENT and "no such program" in r.text, "no gluster at all: said so") or tap.diag(r)
forget()
put("say.peer.detach", "peer detach: failed: h2 is not part of cluster\n")
tap.ok(drv.call("detach", peer="h2").ok, "detaching who is no peer is success")
put("say.peer.probe", "peer probe: failed: Probe returned with Transport endpoint is not connected\n")
r = drv.call("probe", peer="h2")
tap.ok(r.err_class == lab.TRANSIENT and r.text.startswith("peer probe h2: "), "a peer that does not answer is worth another try")
forget()
r = lab.Driver(d, search_path=d + "/bin:/usr/bin:/bin", snapshot_limit=7).call("probe", peer="h2")
tap.is_(asked(), ["[peer][probe][h2]", "[snapshot][config][snap-max-hard-limit][7]"], "a snapshot limit is set after the probe")
tap.done()
