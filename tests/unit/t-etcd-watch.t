#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# The watch: every revision once and in order, through cut connections,
# compaction, members that die or fall silent.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import os
import shutil
import signal
import time
import etcd

etcd.require()
server = etcd.Etcd()
writer = etcd.Driver()
writer.open(server.spec())


def follow(url, **options):
    d = etcd.Driver()
    d.open("etcd:" + url, timeout_ms=1000, **options)
    tap.is_(d("follow"), ["ok"], "follow")
    return d


def commit(*what):
    got = writer("commit", *what)
    if got[0] != "ok":
        raise RuntimeError(got)
    return got[1]


def in_order():
    commit("p:a=1", "p:b=1")
    d = follow(server.urls[0])
    first = d("events")
    tap.ok(first[1].startswith("S:") and first[1].endswith(":2"),
           "a snapshot of all there is comes first")
    tap.is_(d("follow")[:2], ["err", "internal"], "one watcher per store")
    revs = [commit("p:a=%d" % i, "d:b" if i % 2 else "p:b=%d" % i)
            for i in range(100)]
    tap.is_(d("reach", revs[-1], 3000)[0], "ok", "it reaches the last one")
    want = ["C:%s:a=%d,b%s" % (r, i, "-" if i % 2 else "=%d" % i)
            for i, r in enumerate(revs)]
    tap.is_(d("events"), ["ok"] + want, "every commit whole, in order, once")
    revs = [d("commit", "p:own=%d" % i)[1] for i in range(3)]
    tap.is_(d("reach", revs[-1], 3000)[0], "ok", "its own commits, too")
    t = time.monotonic()
    tap.is_(d.end(), 0, "close while following")
    tap.ok(time.monotonic() - t < 2.5, "is prompt")


def cut():
    proxy = etcd.Proxy(server.members[0].client)
    d = follow(proxy.url)
    d("events")
    revs = []
    for i in range(60):
        revs.append(commit("p:cut=%d" % i))
        if i % 10 == 5:
            proxy.cut()
    tap.is_(d("reach", revs[-1], 4000)[0], "ok", "cut again and again")
    tap.is_(d("events"), ["ok"] + ["C:%s:cut=%d" % (r, i)
                                   for i, r in enumerate(revs)],
            "nothing is missed or told twice")
    proxy.refuse()
    revs = [commit("p:cut=x%d" % i) for i in range(3)]
    proxy.allow()
    tap.is_(d("reach", revs[-1], 4000)[0], "ok", "refused for a while")
    tap.is_(d("events"), ["ok"] + ["C:%s:cut=x%d" % (r, i)
                                   for i, r in enumerate(revs)],
            "what happened meanwhile is told then")
    d.end()


def compacted():
    proxy = etcd.Proxy(server.members[0].client)
    d = follow(proxy.url)
    d("events")
    proxy.refuse()
    commit("p:c1=1", "d:cut")
    commit("p:c1=2")
    last = commit("p:c1=3")
    server.compact()
    proxy.allow()
    tap.is_(d("reach", last, 4000)[0], "ok", "compacted while away")
    got = d("events")
    tap.ok(len(got) == 2 and got[1].startswith("S:%s:" % last),
           "a new snapshot instead of the changes")
    tap.is_(got[1].rsplit(":")[-1], str(len(writer.load())), "is complete")
    last = commit("p:c1=4")
    tap.is_(d("reach", last, 2000)[0], "ok", "the watch goes on from there")
    tap.is_(d("events"), ["ok", "C:%s:c1=4" % last], "with changes")
    d.end()


def many_at_once():
    """etcd sends what a slow watcher has missed in big batches."""
    proxy = etcd.Proxy(server.members[0].client)
    d = follow(proxy.url)
    proxy.refuse()
    writer("big", 1000, 3000)
    revs = [commit("p:many=%d" % i, "p:more=%d" % i) for i in range(300)]
    d("events")
    proxy.allow()
    tap.is_(d("reach", revs[-1], 4000)[0], "ok", "many missed revisions")
    got = d("events")
    tap.is_(got[-300:], ["C:%s:many=%d,more=%d" % (r, i, i)
                         for i, r in enumerate(revs)], "each as one commit")
    tap.ok("DISORDER" not in got, "in order")
    d.end()


def put_back():
    """etcd is restored from a backup: revisions run again."""
    one = etcd.Etcd()
    w, d = etcd.Driver(), etcd.Driver()
    w.open(one.spec(), timeout_ms=1000)
    d.open(one.spec(), timeout_ms=1000)
    w("commit", "p:old=1")
    one.members[0].end(signal.SIGTERM)
    shutil.copytree(one.members[0].dir, os.path.join(one.dir, "backup"))
    one.restart(0)
    for i in range(20):
        w("commit", "p:new=%d" % i)
    d("follow")
    tap.ok(d("events")[1].endswith(":2"), "two keys")
    one.members[0].end(signal.SIGKILL)
    shutil.rmtree(one.members[0].dir)
    os.rename(os.path.join(one.dir, "backup"), one.members[0].dir)
    tap.ok(one.restart(0), "etcd is back with older data")
    got = []
    tap.ok(etcd.wait_for(lambda: got.extend(d("events")[1:]) or
                         any(e.startswith("S:") for e in got), 6),
           "that is noticed, and a new snapshot delivered")
    tap.ok(got and got[-1].endswith(":1"), "of what there is now")
    r = w("commit", "p:new=again")[1]
    tap.is_(d("reach", r, 3000)[0], "ok", "and the watch goes on from there")
    w.end()
    d.end()
    one.stop()


def silent():
    """A stream that is dead without saying so."""
    three = etcd.Etcd(3)
    w, d = etcd.Driver(), etcd.Driver()
    status = [three.call("/v3/maintenance/status", {}, member=i)
              for i in range(3)]
    first = next(i for i in range(3) if status[i]["leader"] !=
                 status[i]["header"]["member_id"])
    order = [three.urls[first]] + [u for u in three.urls
                                   if u != three.urls[first]]
    w.open("etcd:" + ",".join(order[1:]), timeout_ms=1000)
    d.open("etcd:" + ",".join(order), timeout_ms=1000)
    d("follow")
    r = w("commit", "p:k=0")[1]
    tap.is_(d("reach", r, 2000)[0], "ok", "following one of three")
    three.freeze(first)
    t = time.monotonic()
    revs = [w("commit", "p:k=%d" % i)[1] for i in range(1, 4)]
    tap.is_(d("reach", revs[-1], 10000)[0], "ok",
            "a frozen member's stream is given up for another's")
    took = time.monotonic() - t
    tap.ok(took < 8, "within some seconds (%.1f s)" % took)
    got = d("events")
    tap.is_(got[-3:], ["C:%s:k=%d" % (r, i + 1) for i, r in enumerate(revs)],
            "nothing was missed")
    three.thaw(first)
    w.end()
    d.end()
    three.stop()


in_order()
cut()
compacted()
many_at_once()
put_back()
silent()
tap.done()
