#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Commits whose answer is lost, late, or whose request lingers: each is
# reported exactly right and done at most once.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import etcd

PREFIX = "/brickyard/v1/"

etcd.require()
server = etcd.Etcd()
proxy = etcd.Proxy(server.members[0].client)
direct = etcd.Driver()
direct.open(server.spec())


class Trap:
    """The proxy's hook: an action for each of the first requests that put
    this key; after them, all pass."""

    def __init__(self, key, *actions):
        self.mark = etcd.b64(PREFIX + key).encode()
        self.actions = list(actions)
        self.caught = 0

    def __call__(self, path, body):
        if not path.endswith("/txn") or self.mark not in body:
            return None
        self.caught += 1
        action = self.actions.pop(0) if self.actions else None
        return action() if callable(action) else action


def client(*urls, **options):
    options.setdefault("timeout_ms", 1000)
    d = etcd.Driver()
    d.open("etcd:" + ",".join(urls or [proxy.url]), **options)
    d("commit", "p:warm=up")     # the wire is settled, the connection open
    return d


def version(key):
    return server.keys().get(key, 0)


def done_as_reported(got, key, name):
    now = direct.load(key)
    tap.ok(got[0] == "ok" and now[key][1] == int(got[1]),
           "%s: reported as done, at its revision" % name)
    tap.is_(version(key), 1, "%s: done once" % name)


def swallowed():
    d = client()
    proxy.hook = trap = Trap("a", "swallow")
    got = d("commit", "p:a=1")
    tap.ok(trap.caught >= 2, "the answer was lost, and the commit sent again")
    done_as_reported(got, "a", "answer lost")
    proxy.hook = Trap("b", "swallow", "swallow", "swallow")
    done_as_reported(d("commit", "g:b@0", "p:b=1"), "b",
                     "three answers lost, with a guard that holds no more")
    proxy.hook = trap = Trap("a", "swallow")
    got = d("commit", "g:a@0", "p:a=2")
    tap.is_(got[:2], ["err", "conflict"], "a lost conflict is a conflict")
    tap.is_(direct.load("a")["a"][0], "1", "and nothing was done")
    d.end()


def overwritten():
    def meanwhile():
        seen.append(direct("commit", "p:c=theirs"))
    seen = []
    d = client()
    proxy.hook = Trap("c", "swallow", meanwhile)
    got = d("commit", "g:c@0", "p:c=ours")
    tap.is_(got[0], "ok", "done, though others changed the key meanwhile")
    tap.ok(int(got[1]) < int(seen[0][1]), "at the revision before theirs")
    tap.is_(direct.load("c")["c"][0], "theirs", "theirs stays")
    tap.is_(version("c"), 2, "one commit of each")
    proxy.hook = Trap("c2", "swallow", lambda: direct("commit", "d:c2") and
                      None)
    tap.is_(d("commit", "p:c2=x")[0], "ok", "done, though deleted meanwhile")
    tap.is_(version("c2"), 0, "it stays deleted")
    d.end()


def straggling():
    d = client()
    proxy.hook = Trap("e", "hold")
    done_as_reported(d("commit", "g:e@0", "p:e=1"), "e", "request held up")
    direct("commit", "d:e")
    late = proxy.release()
    tap.ok(late and '"succeeded":true' not in late[0].split("response_txn")[0],
           "it arrives late")
    tap.is_(version("e"), 0, "and does nothing, though its guard holds again")

    direct("commit", "p:f=theirs")
    proxy.hook = Trap("f", "hold")
    got = d("commit", "g:f@0", "p:f=ours")
    tap.is_(got[:2], ["err", "conflict"], "a conflict while a copy lingers")
    direct("commit", "d:f")
    tap.ok(proxy.release(), "which arrives when the guard holds")
    tap.is_(version("f"), 0, "and must not do what was reported as not done")
    tap.is_(d("commit", "g:f@0", "p:f=1")[0], "ok", "the wire goes on")
    d.end()


def unresolved():
    d = client(timeout_ms=150)
    hold = ["hold"] * 1000
    for late_first in (True, False):
        key = "late" if late_first else "never"
        proxy.hook = Trap(key, *hold)
        got = d("commit", "g:%s@0" % key, "p:%s=1" % key)
        tap.is_(got[:2], ["err", "timeout"], "%s: unknown is not called "
                "certainly not committed" % key)
        proxy.hook = None
        if late_first:
            tap.ok(len(proxy.release()) > 1, "all copies of it arrive")
            tap.is_(version(key), 1, "and one is done")
        tap.is_(d("commit", "p:next=1")[0], "ok", "the next commit is sound")
        if not late_first:
            tap.ok(len(proxy.release()) > 1, "copies arrive after that")
            tap.is_(version(key), 0, "and none is done")
    d.end()


def gone_while_sent():
    d = client()
    proxy.hook = Trap("h", "refuse")
    d.send("commit", "p:h=1")
    etcd.wait_for(lambda: proxy.closed, 3)
    etcd.time.sleep(0.3)
    proxy.allow()
    done_as_reported(d.receive(), "h", "connection lost, then refused, then "
                     "back")
    d.end()
    d = client(timeout_ms=150)
    proxy.hook = Trap("i", "refuse")
    got = d("commit", "p:i=1")
    tap.is_(got[:2], ["err", "timeout"],
            "lost on a kept connection, new ones refused: unknown")
    tap.is_(version("i"), 1, "it was done, in fact")
    got = d("commit", "p:j=1")
    tap.is_(got[:2], ["err", "store"], "never sent: certainly not committed")
    proxy.allow()
    proxy.hook = None
    tap.is_(version("j"), 0, "and it wasn't")
    tap.is_(d("commit", "p:j=1")[0], "ok", "back again")
    d.end()
    d = client(proxy.url, server.urls[0])
    proxy.hook = Trap("k", "refuse")
    done_as_reported(d("commit", "g:k@0", "p:k=1"), "k",
                     "lost at one endpoint, resolved at another")
    proxy.allow()
    proxy.hook = None
    d.end()


def kept_connections():
    d = client()
    proxy.hook = None
    for i in range(3):
        proxy.cut()
        tap.is_(d("commit", "p:l%d=1" % i)[0], "ok",
                "a kept connection was closed: no failure")
        tap.is_(version("l%d" % i), 1, "and done once")
    d.end()


def interference():
    d = client()
    server.call("/v3/kv/deleterange", {
        "key": etcd.b64(PREFIX), "range_end": etcd.b64(PREFIX[:-1] + "0")})
    tap.is_(d("commit", "p:m=1")[0], "ok", "the whole prefix was deleted")
    tap.is_(version("m"), 1, "a commit goes on all the same")
    for lease in server.call("/v3/lease/leases", {}).get("leases", []):
        server.call("/v3/lease/revoke", {"ID": lease["ID"]})
    tap.is_(d("commit", "p:m=2")[0], "ok", "outcome leases were revoked")
    tap.is_(version("m"), 2, "a commit goes on all the same")
    d.end()


def full_while_applying():
    """etcd applies first and tests its quota afterwards, so "no space" may be
    the answer to a commit that was done."""
    d = client()
    proxy.hook = trap = Trap("n", "full")
    done_as_reported(d("commit", "g:n@0", "p:n=1"), "n", "full, but applied")
    tap.is_(trap.caught, 1, "the commit was sent once")
    proxy.hook = None
    tap.is_(d("commit", "p:n=2")[0], "ok", "the wire goes on")
    d.end()


def refused():
    small = etcd.Etcd(extra=["--quota-backend-bytes", "300000"])
    d = etcd.Driver()
    d.open(small.spec(), timeout_ms=1000)
    got = []
    for i in range(200):
        got = d("commit", "p:fill%d=%s" % (i, "x" * 200000))
        if got[0] != "ok":
            break
    tap.is_(got[:2], ["err", "store"], "a full etcd refuses")
    tap.has(" ".join(got), "alarm disarm", "and we say what to do")
    tap.ok("fill%d" % i not in small.keys(), "certainly not committed")
    tap.is_(d("barrier")[0], "ok", "reads go on")
    d.end()
    small.stop()
    big = " ".join("p:big%d=%s" % (i, "x" * 900000) for i in range(2))
    got = direct("commit", big)
    tap.is_(got[:2], ["err", "too-large"], "a commit that etcd finds too big")
    tap.has(" ".join(got), "--max-request-bytes", "says which limit it is")


swallowed()
overwritten()
straggling()
unresolved()
gone_while_sent()
kept_connections()
interference()
full_while_applying()
refused()
direct.end()
tap.done()
