#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""With authorization on: tokens, roles, and what comes before them."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import time

from daemon import ADMIN_KEY, USER_KEY, Daemon, make_token

d = Daemon(auth=True, config={"jwt": {"iat_leeway_seconds": 60}})
NOW = int(time.time())


def try_(name, method, path, header, status, want, body=None):
    """header: the Authorization, None: none."""
    c = d.connect()
    c.putrequest(method, path)
    if header is not None:
        c.putheader("Authorization", header)
    if body is not None:
        c.putheader("Content-Length", str(len(body)))
    c.endheaders(body)
    r = c.getresponse()
    got = r.read().decode()
    c.close()
    tap.is_((r.status, got), (status, want), name)


def bearer(method, path, **more):
    return "bearer " + make_token(method, path, **more)


FORM = "Authorization header format must be Bearer {token}\n"
NONE = "Required authorization token not found\n"
QSH = "Invalid qsh claim in token\n"
ADMIN = "Administrator access required\n"
LIST = '{"clusters":[]}\n'

try_("no token for /hello", "GET", "/hello", None, 200, "Hello from Heketi")
try_("none for /healthz", "GET", "/healthz", None, 200, "ok\n")
try_("none for /readyz", "GET", "/readyz", None, 200, "ok\n")
try_("a bad one is no matter there", "GET", "/hello", "x", 200,
     "Hello from Heketi")
try_("a path is cleaned before", "GET", "//clusters", None, 301, "")
for method, path in (("GET", "/clusters"), ("GET", "/nothing"),
                     ("PUT", "/clusters"), ("GET", "/clusters/"),
                     ("POST", "/hello"), ("POST", "/volumes"), ("GET", "/")):
    try_("%s %s without a token" % (method, path), method, path, None, 401,
         NONE)
try_("a header of one word", "GET", "/clusters", "x", 400, FORM)
try_("another scheme", "GET", "/clusters", "basic x", 400, FORM)
try_("no token at all", "GET", "/clusters", "bearer x", 401, "Invalid JWT token: "
     "token contains an invalid number of segments\n")
good = bearer("GET", "/clusters")
try_("a good token", "GET", "/clusters", good, 200, LIST)
try_("once more", "GET", "/clusters", good.replace("bearer", "BeArEr"), 200, LIST)
try_("for another method", "DELETE", "/clusters", good, 401, QSH)
try_("for another path", "GET", "/volumes", good, 401, QSH)
try_("the query is not in it", "GET", "/clusters?a=b", good, 200, LIST)
try_("the decoded path is", "GET", "/%63lusters", good, 200, LIST)
try_("an expired one", "GET", "/clusters", bearer("GET", "/clusters", exp=-5000),
     401, "Invalid JWT token: Token is expired by 1h23m20s\n")
try_("one for a second", "GET", "/clusters", bearer("GET", "/clusters", exp=2),
     200, LIST)
try_("issued within the leeway", "GET", "/clusters",
     bearer("GET", "/clusters", iat=NOW + 30), 200, LIST)
try_("issued beyond it", "GET", "/clusters",
     bearer("GET", "/clusters", iat=NOW + 500), 401,
     "Invalid JWT token: Token used before issued "
     "(client and server clocks may differ)\n")
try_("a wrong key", "GET", "/clusters",
     bearer("GET", "/clusters", key="other"), 401,
     "Invalid JWT token: signature is invalid "
     "(client and server secrets may not match)\n")
try_("an unknown issuer", "GET", "/clusters",
     bearer("GET", "/clusters", issuer="root"), 401,
     "Invalid JWT token: Unknown user\n")
try_("no issuer", "GET", "/clusters", bearer("GET", "/clusters", issuer=None),
     401, "Invalid JWT token: Token missing iss claim\n")
try_("no claims", "GET", "/clusters", "bearer eyJhbGciOiJIUzI1NiJ9.e30.", 401,
     "Invalid JWT token: Token missing iss claim\n")
try_("no algorithm", "GET", "/clusters", "bearer eyJhbGciOiJub25lIn0.e30.", 401,
     "Invalid JWT token: Unexpected signing method: none\n")


def user(method, path):
    return bearer(method, path, issuer="user", key=USER_KEY)


try_("the user lists volumes", "GET", "/volumes", user("GET", "/volumes"), 200,
     '{"volumes":[]}\n')
try_("and may create them", "POST", "/volumes", user("POST", "/volumes"), 422,
     "request unable to be parsed\n", b"")
for method, path in (("GET", "/clusters"), ("GET", "/queue/ab"),
                     ("GET", "/volumes/ab"), ("GET", "/volumes/"),
                     ("GET", "/nothing"), ("PUT", "/clusters")):
    try_("the user may not %s %s" % (method, path), method, path,
         user(method, path), 401, ADMIN)
try_("the user with the admin's name", "GET", "/volumes",
     bearer("GET", "/volumes", issuer="admin", key=USER_KEY), 401,
     "Invalid JWT token: signature is invalid "
     "(client and server secrets may not match)\n")
try_("a token, then an unknown path", "GET", "/nothing",
     bearer("GET", "/nothing"), 404, "Invalid path or request\n")
try_("a token, then a method", "PUT", "/clusters", bearer("PUT", "/clusters"),
     405, "")
try_("a token, then a slash too many", "GET", "/clusters/",
     bearer("GET", "/clusters/"), 301,
     '<a href="/clusters">Moved Permanently</a>.\n\n')
try_("a refused request's body is read", "POST", "/clusters", "bearer x", 401,
     "Invalid JWT token: token contains an invalid number of segments\n",
     b"x" * 500000)

# ---- ours: refused in our shape ----

status, headers, body = d.request("GET", "/v1/plugins",
                                  headers={"Authorization": "bearer x"})
error = json.loads(body)["error"]
tap.is_((status, headers["Content-Type"], error["code"], error["message"],
         error["reasons"], error["request_id"]),
        (401, "application/json; charset=UTF-8", "unauthorized",
         "Invalid JWT token: token contains an invalid number of segments", [],
         headers["X-Request-Id"]), "/v1 has an object for errors")
status, _, body = d.request("GET", "/v1/nothing")
tap.is_((status, json.loads(body)["error"]["code"]), (404, "not-found"),
        "also for paths that don't exist")
plugins = {p["name"]: p for p in d.json("GET", "/v1/plugins")["plugins"]}
tap.ok(plugins["replicate"]["kind"] == "volume-type" and
       plugins["simulated"]["kind"] == "executor" and
       plugins["replicate"]["loaded"], "the plug-ins are listed")

# ---- a whole life with tokens ----

d.topology(2)
status, _, body = d.run("POST", "/volumes", {"size": 1})
tap.is_(status, 200, "a volume is created, polled for and read with tokens")
text = d.log()
tap.ok(ADMIN_KEY not in text and USER_KEY not in text and "eyJ" not in text,
       "the log has no secrets")
tap.is_(d.stop(), 0, "the daemon ends well")
tap.done()
