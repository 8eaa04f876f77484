#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# The lease: kept, lost in time, never believed longer than etcd keeps it.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import time
import etcd

etcd.require()
server = etcd.Etcd()


def client():
    d = etcd.Driver()
    d.open(server.spec(), timeout_ms=1000)
    return d


def kept():
    d = client()
    tap.is_(d("deadline"), ["ok", "0"], "no lease, no deadline")
    tap.is_(d("commit", "l:replicas/a=x")[:2], ["err", "store"],
            "no leased key without a lease")
    tap.is_(d("lease", 1000), ["ok"], "a lease of one second")
    tap.is_(d("lease", 1000)[:2], ["err", "exists"], "a second one is refused")
    tap.is_(d("commit", "l:replicas/a=x", "p:nodes/a=x")[0], "ok",
            "a leased key")
    low = min(int(d("deadline")[1]) for _ in range(30)
              if time.sleep(0.05) is None)
    tap.ok(low > 0, "renewed well before it ends (%d ms left)" % low)
    tap.is_(d("lost"), ["ok", "0"], "not lost meanwhile")
    tap.is_(sorted(d.load()), ["nodes/a", "replicas/a"], "the key is there")
    watcher = client()
    watcher("follow")
    watcher("events")
    tap.is_(d.end(), 0, "close")
    revision = watcher("barrier")[1]
    tap.is_(watcher("reach", revision, 2000)[0], "ok", "after the close")
    tap.has(watcher.text("events"), "replicas/a-",
            "a barrier includes that the leased key went away")
    tap.is_(list(watcher.load()), ["nodes/a"], "the others stay")
    watcher.end()


def killed():
    d, watcher = client(), client()
    d("lease", 1000)
    d("commit", "l:replicas/b=x")
    watcher("follow")
    d.kill()
    tap.ok(etcd.wait_for(lambda: "replicas/b-" in watcher.text("events"), 5),
           "a killed client's leased keys vanish, and the watcher hears of it")
    watcher.end()


def frozen():
    d = client()
    d("lease", 1000)
    d("commit", "l:replicas/c=x")
    server.freeze(0)
    t = time.monotonic()
    left = int(d("deadline")[1]) / 1000
    tap.ok(etcd.wait_for(lambda: d("lost")[1] == "1", 4),
           "etcd doesn't answer any more: lost")
    took = time.monotonic() - t
    tap.ok(left - 0.1 < took < left + 1,
           "when the deadline passes (%.2f s of %.2f s)" % (took, left))
    tap.is_(d("deadline"), ["ok", "0"], "then there is no lease")
    tap.is_(d("commit", "l:replicas/c=y")[:2], ["err", "store"],
            "and no leased commit")
    server.thaw(0)
    tap.ok(server.wait_healthy(), "etcd is back")
    tap.is_(d("lease", 1000), ["ok"], "a new lease")
    tap.is_(d("commit", "l:replicas/c=z")[0], "ok", "with new leased keys")
    time.sleep(1.2)
    tap.is_(d("lost")[1], "1", "lost was said once, and the new one is kept")
    tap.is_(list(d.load("replicas/c")), ["replicas/c"], "with its keys")
    d.end()


def revoked():
    d = client()
    d("lease", 1500)
    before = {x["ID"] for x in
              server.call("/v3/lease/leases", {}).get("leases", [])}
    for lease in before:
        server.call("/v3/lease/revoke", {"ID": lease})
    t = time.monotonic()
    tap.ok(etcd.wait_for(lambda: d("lost")[1] == "1", 4),
           "a revoked lease is lost")
    tap.ok(time.monotonic() - t < 1.2, "as soon as it is renewed in vain")
    tap.is_(d("commit", "p:after=1")[0], "ok", "plain commits go on")
    t = time.monotonic()
    tap.is_(d.end(), 0, "close")
    tap.ok(time.monotonic() - t < 2.5, "is prompt")


def closing_without_etcd():
    d = client()
    d("lease", 5000)
    d("follow")
    d("commit", "p:x=1")
    server.freeze(0)
    t = time.monotonic()
    tap.is_(d.end(), 0, "close while etcd is frozen")
    took = time.monotonic() - t
    tap.ok(took < 4, "is prompt enough (%.1f s)" % took)
    server.thaw(0)


kept()
killed()
frozen()
revoked()
closing_without_etcd()
tap.done()
