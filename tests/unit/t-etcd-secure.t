#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# TLS with client certificates; user and password, with tokens that expire.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import shutil
import etcd

etcd.require()


def tls():
    if shutil.which("openssl") is None:
        tap.skip("TLS", "no openssl here")
        return
    t = etcd.Tls()
    server = etcd.Etcd(tls=t)
    good = {"ca_file": t.ca, "cert_file": t.client[0],
            "key_file": t.client[1], "timeout_ms": 1000}
    d = etcd.Driver()
    tap.is_(d.open(server.spec(), **good)[0], "ok", "TLS both ways")
    tap.is_(d("follow")[0], "ok", "follow")
    r = d("commit", "p:k=v")[1]
    tap.is_(d("reach", r, 2000)[0], "ok", "commit and watch")
    d.end()
    d = etcd.Driver()
    short = {k: v for k, v in good.items() if k != "ca_file"}
    short["timeout_ms"] = 1000
    tap.has(d.text("open", server.spec(), *("%s=%s" % kv
                                            for kv in short.items())),
            "certificate", "a CA that nobody told us of is refused")
    got = d.open(server.spec(), ca_file=t.ca, timeout_ms=500)
    tap.is_(got[:2], ["err", "store"], "etcd refuses us without certificate")
    got = d.open(server.spec(), **dict(good, ca_file="/no/such/file"))
    tap.is_(got[:2], ["err", "store"], "a CA file that isn't there")
    got = d.open(server.spec().replace("https", "http"), timeout_ms=300)
    tap.is_(got[:2], ["err", "store"], "plain HTTP is no way in")
    d.end()
    server.stop()


def enable_auth(server, password):
    for path, body in (
            ("user/add", {"name": "root", "password": "admin"}),
            ("role/add", {"name": "root"}),
            ("user/grant", {"user": "root", "role": "root"}),
            ("user/add", {"name": "by", "password": password}),
            ("user/add", {"name": "guest", "password": "guest"}),
            ("role/add", {"name": "by"}),
            ("role/grant", {"name": "by", "perm": {
                "permType": 2, "key": etcd.b64("/brickyard/v1/"),
                "range_end": etcd.b64("/brickyard/v10")}}),
            ("user/grant", {"user": "by", "role": "by"}),
            ("enable", {})):
        answer = server.call("/v3/auth/" + path, body)
        if "error" in answer:
            raise RuntimeError((path, answer))


def admin(server, path, body):
    token = server.call("/v3/auth/authenticate",
                        {"name": "root", "password": "admin"})["token"]
    return server.call(path, body, token=token)


def auth():
    password = 'sec"ret\\'
    server = etcd.Etcd(extra=["--bcrypt-cost", "4"])
    d = etcd.Driver()
    who = {"user": "by", "password": password, "timeout_ms": 1000}
    tap.is_(d.open(server.spec(), **who)[0], "ok",
            "user and password where etcd has no authentication")
    tap.is_(d("commit", "p:early=1")[0], "ok", "commit")
    enable_auth(server, password)
    tap.is_(d("commit", "p:early=2")[0], "ok",
            "authentication is enabled meanwhile")
    tap.is_(d("follow")[0], "ok", "the least role is enough: follow")
    tap.is_(d("lease", 5000)[0], "ok", "lease")
    r = d("commit", "l:k=v", "g:early@0")
    tap.is_(r[:2], ["err", "conflict"], "guards")
    r = d("commit", "l:k=v")[1]
    tap.is_(d("reach", r, 2000)[0], "ok", "leased key, watch")

    for i in range(2):
        # Changing the password ends all tokens of the user.
        admin(server, "/v3/auth/user/changepw",
              {"name": "by", "password": password})
        tap.is_(d("barrier")[0] if i else d("commit", "p:t=1")[0], "ok",
                "the token was revoked: %s" % ("read" if i else "commit"))
    admin(server, "/v3/auth/user/add", {"name": "new", "password": "x"})
    tap.is_(d("commit", "p:t=2")[0], "ok", "the users have changed")
    # Tokens are in memory: a restarted etcd knows none of them.
    tap.ok(server.restart(0), "etcd restarts")
    tap.is_(d("commit", "p:t=3")[0], "ok", "commit with a token it forgot")
    r = d("commit", "p:t=4")[1]
    tap.is_(d("reach", r, 4000)[0], "ok", "the watch is back, too")
    got = d("run", 8, 300)
    tap.has(" ".join(got), "failed=0 unknown=0 wrong=0", "many threads")
    d.send("run", 8, 600)
    for _ in range(3):
        admin(server, "/v3/auth/user/changepw",
              {"name": "by", "password": password})
    tap.has(" ".join(d.receive()), "failed=0 unknown=0 wrong=0",
            "many threads while tokens are revoked")
    d.end()

    d = etcd.Driver()
    for options, words, name in (
            ({}, "none is configured", "no user"),
            ({"user": "by", "password": "x"}, "user or password is wrong",
             "a wrong password"),
            ({"user": "guest", "password": "guest"}, "needs a role",
             "a user without a role")):
        tap.has(" ".join(d.open(server.spec(), timeout_ms=500, **options)),
                words, name + " is said")
    d.end()
    server.stop()


tls()
auth()
tap.done()
