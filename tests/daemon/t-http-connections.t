#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections as clients use and misuse them; the log of requests."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import http.client
import re
import socket
import threading
import time

from daemon import Daemon

d = Daemon()
ADDRESS = ("127.0.0.1", d.port)

# ---- kept alive ----

c = d.connect()
statuses = []
for method, path, body in (
        ("GET", "/hello", None), ("POST", "/clusters", "{}"),
        ("GET", "/clusters", "{}"), ("DELETE", "/clusters/ab", "{}"),
        ("GET", "/nope", None), ("PUT", "/clusters", "xx"),
        ("POST", "/volumes", "not json"), ("GET", "/clusters/", None),
        ("GET", "//x", None), ("HEAD", "/clusters", None),
        ("GET", "/healthz", None)):
    c.request(method, path, body)
    if not statuses:
        port = c.sock.getsockname()[1]
    r = c.getresponse()
    r.read()
    statuses.append(r.status)
tap.is_(statuses, [200, 201, 200, 404, 404, 405, 422, 301, 301, 405, 200],
        "eleven requests on one connection")
tap.is_(c.sock.getsockname()[1], port, "which stays the same")
c.close()

# ---- many at once ----

bad = []


def hammer():
    try:
        k = d.connect()
        for _ in range(50):
            k.request("GET", "/clusters")
            r = k.getresponse()
            if r.status != 200 or not r.read().startswith(b'{"clusters":["'):
                bad.append(r.status)
        k.close()
    except OSError as e:
        bad.append(e)


threads = [threading.Thread(target=hammer) for _ in range(40)]
for t in threads:
    t.start()
for t in threads:
    t.join()
tap.is_(bad, [], "forty clients with fifty requests each")

# ---- pipelined ----

one = b"GET /clusters HTTP/1.1\r\nHost: x\r\n\r\n"
last = b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
got = d.raw(one * 20 + last)
tap.is_(got.count(b"HTTP/1.1 200 "), 21, "21 pipelined requests, 21 replies")
tap.ok(got.endswith(b"Hello from Heketi"), "in order")

# ---- slowly ----

s = socket.create_connection(ADDRESS, timeout=30)
body = b'{"file":true}'
for part in (b"POST /clus", b"ters HTTP/1.1\r\nHo", b"st: x\r\nConnection: close",
             b"\r\nContent-Length: %d\r\n\r\n" % len(body)):
    s.sendall(part)
    time.sleep(0.02)
for i in range(len(body)):
    s.sendall(body[i:i + 1])
    time.sleep(0.005)
got = b""
while True:
    part = s.recv(4096)
    if not part:
        break
    got += part
s.close()
tap.ok(got.startswith(b"HTTP/1.1 201 "), "a body byte by byte is read")

# Clients that never come to an end must not keep others out.
slow = []
for i in range(200):
    s = socket.create_connection(ADDRESS, timeout=30)
    s.sendall((b"POST /volumes HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
               b"\r\n{", b"GET /clus", b"")[i % 3])
    slow.append(s)
tap.is_(d.request("GET", "/clusters")[0], 200,
        "200 clients that don't end their requests hold up nobody")
for s in slow:
    s.close()

# ---- bodies ----

big = b" " * (1024 * 1024 - 2) + b"{}"
tap.is_(d.request("POST", "/clusters", big)[0], 201, "a body of 1 MiB is read")
status, _, body = d.request("POST", "/clusters", b" " + big)
tap.is_((status, body), (413, b"request body too large\n"), "one more is not")
status, _, body = d.request("GET", "/clusters", b" " + big)
tap.is_(status, 413, "whatever the route does with it")
chunks = b"POST /clusters HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" \
    b"Transfer-Encoding: chunked\r\n\r\n" + \
    (b"10000\r\n" + b" " * 0x10000 + b"\r\n") * 17 + b"2\r\n{}\r\n0\r\n\r\n"
got = d.raw(chunks)
tap.ok(got.startswith(b"HTTP/1.1 413 "), "nor in chunks")
tap.is_(d.request("POST", "/clusters", b"{}", {
    "Expect": "100-continue"})[0], 201, "Expect: 100-continue is met")
tap.is_(d.request("POST", "/clusters", b"{}", {
    "Content-Type": "image/png"})[0], 201, "the type of a body is no matter")

# ---- where a request ends ----

for headers, begins, text in (
        (b"Transfer-Encoding: gzip\r\n", b"HTTP/1.1 501 ",
         b"Unsupported transfer encoding\n"),
        (b"Transfer-Encoding: chunked, gzip\r\n", b"HTTP/1.1 501 ",
         b"Unsupported transfer encoding\n"),
        (b"Content-Length: 2\r\nContent-Length: 40\r\n", b"HTTP/1.1 400 ",
         b"400 Bad Request\n"),
        (b"Content-Length: 40\r\nContent-Length: 2\r\n", b"HTTP/1.1 400 ",
         b"400 Bad Request\n"),
        (b"Content-Length: 2\r\nContent-Length: 2\r\n", b"HTTP/1.1 201 ",
         None)):
    got = d.raw(b"POST /clusters HTTP/1.1\r\nHost: x\r\n" + headers +
                b"\r\n{}" + (b"" if text else last))
    tap.ok(got.startswith(begins) and got.endswith(text or b"from Heketi"),
           "%r: answered with %r" % (headers, begins)) or tap.diag(got)
    tap.is_(got.count(b"HTTP/1.1 "), 1 if text else 2,
            "what follows is %sa request" % ("no longer " if text else ""))

# ---- no HTTP ----

for junk in (b"\r\n\r\n", b"hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
             b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64,
             b"GET /clusters HTTP/1.1\r\n\r\n",
             b"POST /clusters HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
             b"POST /clusters HTTP/1.1\r\nHost: x\r\nContent-Length: "
             b"99999999999999999999999\r\n\r\n",
             b"GET /%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100000 + b"\r\n\r\n"):
    # Some of it is answered, and some is waited upon for more.
    s = socket.create_connection(ADDRESS, timeout=0.2)
    try:
        s.sendall(junk)
        while s.recv(4096):
            pass
    except OSError:
        pass
    s.close()
tap.is_(d.request("GET", "/hello")[0], 200, "junk does no harm")

# ---- request ids, and the log ----

status, headers, _ = d.request("GET", "/clusters/ab%0Ac?x=%1b",
                               headers={"X-Request-Id": "test-1"})
tap.is_((status, headers["X-Request-Id"]), (404, "test-1"),
        "a request's id comes back")
_, headers, _ = d.request("GET", "/hello", headers={"X-Request-Id": "a b\x7f"})
tap.ok(re.fullmatch("[0-9a-f]{32}", headers["X-Request-Id"]),
       "a bad one is replaced")
d.terminate()
lines = [x for x in d.log().splitlines() if "[test-1]" in x]
tap.is_(len(lines), 1, "a request has one line in the log")
tap.ok(re.search(r"GET /clusters/ab%0Ac\?x=%1b 404 \d+ ms$", lines[0]),
       "with its status and duration")
d.stop()
tap.done()
