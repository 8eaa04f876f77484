#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# A cluster of three members, some of which die, stop or lose their quorum
# while commits run.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import time
import etcd

etcd.require()
server = etcd.Etcd(3)
d = etcd.Driver()
d.open(server.spec(), timeout_ms=1000)


def leader():
    for i in range(3):
        status = server.call("/v3/maintenance/status", {}, member=i)
        if status.get("leader") == status["header"]["member_id"]:
            return i
    raise RuntimeError("no leader")


def run_and_kill(which, name, ms):
    d.send("run", 4, ms)
    time.sleep(0.4)
    server.kill(which)
    got = d.receive()
    n = dict(w.split("=", 1) for w in got[1:7])
    tap.diag(" ".join(got))
    # An election takes about a second, more on a busy machine.
    tap.ok(int(n["done"]) > 50, "%s: commits go on" % name)
    tap.is_((n["conflicts"], n["failed"], n["unknown"], n["wrong"]),
            ("0", "0", "0", "0"), "%s: all are exactly once" % name)
    tap.ok(server.restart(which), "%s: the member is back" % name)


def killed():
    run_and_kill(0 if leader() != 0 else 1, "a follower dies", 1500)
    run_and_kill(leader(), "the leader dies", 6000)


def frozen():
    """What doesn't answer is tried once, and then last."""
    first = 0 if leader() != 0 else 1
    e = etcd.Driver()
    order = [server.urls[first]] + [u for i, u in enumerate(server.urls)
                                    if i != first]
    e.open("etcd:" + ",".join(order), timeout_ms=500)
    e("commit", "p:frozen=0")
    server.freeze(first)
    for what in ("commit", "p:frozen=1"), ("barrier",):
        t = time.monotonic()
        for _ in range(5):
            tap.is_(e(*what)[0], "ok", "%s with a frozen member" % what[0])
        took = time.monotonic() - t
        tap.ok(took < 2.2, "it is asked once, not each time (%.1f s)" % took)
    server.thaw(first)
    e.end()


def silent():
    """With the ordinary timeout of 5 s: what can be asked twice is soon asked
    elsewhere, and then a commit that waits leaves that member, too; so it does
    when nobody else asks."""
    first = 0 if leader() != 0 else 1
    order = [server.urls[first]] + [u for i, u in enumerate(server.urls)
                                    if i != first]
    for what, followed in ((("barrier",), True), (("commit", "p:silent=1"), True),
                           (("commit", "p:silent=2"), False)):
        e = etcd.Driver()
        e.open("etcd:" + ",".join(order))
        tap.is_(e("commit", "p:silent=0")[0], "ok", "a commit")
        if followed:
            e("follow")         # somebody asks every other second
        server.freeze(first)
        t = time.monotonic()
        tap.is_(e(*what)[0], "ok", "%s at a member that went silent" % what[0])
        took = time.monotonic() - t
        tap.ok(took < 4.7, "it is asked elsewhere soon (%.1f s)" % took)
        server.thaw(first)
        e.end()


def no_quorum():
    other = etcd.Driver()
    other.open(server.spec(), timeout_ms=250)
    follower = [i for i in range(3) if i != leader()]
    server.kill(follower[0])
    server.kill(follower[1])
    time.sleep(0.8)
    t = time.monotonic()
    got = other.text("barrier")
    tap.has(got, "err store", "no quorum: no barrier")
    tap.ok(time.monotonic() - t < 3, "and that is said in time")
    got = other("commit", "p:quorum=1")
    tap.ok(got[0] == "err" and got[1] in ("store", "timeout"),
           "nor a commit")
    server.members[follower[0]].start(server.ports, server.peers, False)
    tap.ok(server.restart(follower[1]), "the quorum is back")
    tap.ok(etcd.wait_for(lambda: other("barrier")[0] == "ok", 5),
           "and so are we")
    tap.is_(other("commit", "p:quorum=2")[0], "ok", "commits go on")
    if got[1] == "store":
        tap.ok(server.keys()["quorum"] == 1, "the refused one never happened")
    else:
        tap.ok(server.keys()["quorum"] <= 2, "the unknown one was settled")
    other.end()


killed()
frozen()
silent()
no_quorum()
tap.is_(d.end(), 0, "close")
tap.done()
