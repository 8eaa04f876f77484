#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# The etcd store on one healthy member: commits, guards, loads, two clients.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import etcd

etcd.require()
server = etcd.Etcd()
a, b = etcd.Driver(), etcd.Driver()


def opening():
    tap.is_(a.open(server.spec()), ["ok", server.spec()], "open")
    tap.is_(a("barrier"), ["ok", "0"], "nothing was ever committed")
    tap.is_(a.load(), {}, "an empty store")
    got = a("commit", "g:nodes/1@0")
    tap.is_(got, ["ok", "0"], "guards alone hold on an empty store")


def commits():
    r1 = int(a("commit", "g:nodes/1@0", "p:nodes/1=one", "p:nodes/2=two")[1])
    tap.ok(r1 > 1, "a first commit")
    tap.is_(a("barrier"), ["ok", str(r1)], "the barrier is the last commit")
    got = a("commit", "g:nodes/1@0", "p:nodes/1=x")
    tap.is_(got[:2], ["err", "conflict"], "a key that must be absent, isn't")
    got = a("commit", "g:nodes/1@%d" % (r1 + 1), "p:nodes/1=x")
    tap.is_(got[:2], ["err", "conflict"], "a wrong revision is a conflict")
    r2 = int(a("commit", "g:nodes/1@%d" % r1, "p:nodes/1=uno",
               "d:nodes/2")[1])
    tap.ok(r2 > r1, "revisions grow")
    tap.is_(a.load(), {"nodes/1": ("uno", r2)}, "all of it was done")
    tap.is_(a("commit", "g:nodes/2@0")[0], "ok", "deleted means absent")
    tap.is_(a("commit", "g:nodes/2@7")[:2], ["err", "conflict"],
            "a failed guard without writes is a conflict, too")
    tap.is_(a("commit", "p:empty=")[0], "ok", "an empty value")
    tap.is_(a.load("empty")["empty"][0], "", "is a value")
    tap.is_(a("commit", "d:empty")[0], "ok", "and can be deleted")


def nothing():
    a("follow")
    a("events")
    last = a("barrier")[1]
    tap.is_(a("commit", "d:never", "d:was"), ["ok", last],
            "deleting what is absent is no change")
    tap.is_(a("barrier")[1], last, "and no revision")
    r = a("commit", "d:never", "d:nodes/1")[1]
    tap.ok(int(r) > int(last), "deleting one that is there, is")
    tap.is_(a("reach", r, 2000)[0], "ok", "the watcher reaches it")
    tap.is_(a("events"), ["ok", "C:%s:nodes/1-" % r],
            "and was told of that alone")


def caps():
    guards = ["g:caps/g%d@0" % i for i in range(120)]
    puts = ["p:caps/p%d=x" % i for i in range(120)]
    tap.is_(a("commit", *guards, *puts)[0], "ok",
            "as many guards and writes as a commit may have")
    tap.is_(a("commit", *guards, *("d:caps/p%d" % i for i in range(120)))[0],
            "ok", "as many deletions")
    tap.is_(a("count")[2], "0", "all are gone")
    got = a.text("commit", "p:commit=x")
    tap.has(got, "the store's own", "our own key can't be written")
    got = a("commit", "p:~outcome/x=x")
    tap.is_(got[:2], ["err", "internal"], "nor hidden ones")


def two_clients():
    tap.is_(b.open(server.spec() + "/")[0], "ok", "a second client")
    r = b("commit", "p:both=b")[1]
    tap.is_(a("barrier")[1], r, "the barrier includes another's commit")
    tap.is_(a("reach", r, 2000)[0], "ok", "the watcher reaches it")
    tap.is_(a.load("bo"), {"both": ("b", int(r))}, "its key is seen")
    tap.is_(a("commit", "g:both@%s" % r, "p:both=a")[0], "ok", "a takes it")
    tap.is_(b("commit", "g:both@%s" % r, "p:both=c")[:2],
            ["err", "conflict"], "b is too late")
    a("events")
    server.put("/brickyard/v2/x", "y")
    server.put("/brickyard/v1x", "y")
    tap.is_(b("count")[2], "1", "other prefixes are none of ours")
    other = etcd.Driver()
    tap.is_(other.open(server.spec(), prefix="/brick")[0], "ok",
            "another prefix")
    tap.is_(other("count")[2], "0", "is another store")
    tap.is_(other("commit", "p:k=v")[0], "ok", "with its own keys")
    tap.ok("k" in server.keys("/brick/"), "below a slash of its own")
    other.end()
    r = b("commit", "p:last=1")[1]
    a("reach", r, 2000)
    tap.is_(a("events"), ["ok", "C:%s:last=1" % r],
            "the watcher heard of nothing else")


def pages():
    tap.is_(b("big", 2500, 10), ["ok"], "many keys")
    tap.is_(b("count", "big/")[2], "2500", "are loaded in pages")
    keys = list(b.load("big/"))
    tap.is_(keys, sorted(keys), "in order")
    tap.is_(b("big", 25, 1024 * 1024), ["ok"], "keys of a megabyte")
    tap.is_(b("count", "big/")[2], "2500", "are loaded, few at a time")


def closing():
    tap.is_(b.end(), 0, "close")
    tap.ok([k for k in server.keys() if k.startswith("~outcome/")],
           "a client at work has outcome keys")
    tap.is_(a.end(), 0, "close of the watching one")
    tap.is_([k for k in server.keys() if k.startswith("~")], [],
            "nothing of them is left behind")


def opening_badly():
    d = etcd.Driver()
    port = etcd.free_ports(1)[0]
    for spec, options, words in (
            ("etcd:127.0.0.1:2379", {}, "http:// or https://"),
            ("etcd:http://u:p@h", {}, "user and password as options"),
            ("etcd:http://h,", {}, "is no URL"),
            ("etcd:" + server.urls[0], {"timeout_ms": "x"}, "timeout_ms"),
            ("etcd:" + server.urls[0], {"cert_file": "x"}, "key_file"),
            ("etcd:" + server.urls[0], {"user": "x"}, "password"),
            ("etcd:" + server.urls[0] + "/no", {}, "JSON gateway"),
            ("etcd:http://127.0.0.1:%d" % port, {"timeout_ms": 200},
             "http://127.0.0.1:%d" % port)):
        got = d.open(spec, **options)
        tap.has(" ".join(got), words, "refused: %s %s" % (
            spec.replace(server.urls[0], "URL").replace(str(port), "PORT"),
            options))
    d.end()


opening()
commits()
nothing()
caps()
two_clients()
pages()
opening_badly()
closing()
tap.done()
