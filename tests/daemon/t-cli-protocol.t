#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tokens, polls, redirections, busy servers, errors, TLS: the client."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import pty
import re
import shutil
import ssl
import subprocess
import tempfile
import time

from fakeheketi import BRICKYARD, Answer, FakeHeketi, ID

VOLUME = {"size": 1, "name": "v", "id": ID, "bricks": []}
LIST = ("volume", "list")
fake = FakeHeketi()


def tokens():
    fake.clear()
    fake.on("GET", "/volumes", json={"volumes": []})
    fake.prints(LIST, "", "a request carries a token the server accepts")
    tap.is_(sorted(fake.requests[0].claims), ["exp", "iat", "iss", "qsh"],
            "the token has exactly the four claims")
    fake.fails(LIST, "Invalid JWT token: signature is invalid",
               "a wrong key shows the server's words",
               BRICKYARD_CLI_KEY="other")
    fake.fails(LIST, "Invalid JWT token: Unknown user",
               "without user and key a token is sent all the same",
               BRICKYARD_CLI_USER=None, BRICKYARD_CLI_KEY=None)
    fake.prints(("--secret", fake.key, "--user=admin", *LIST), "",
                "flags win over the environment",
                BRICKYARD_CLI_USER="x", BRICKYARD_CLI_KEY="y")
    fake.prints(LIST, "", "BRICKYARD_CLI_* wins over HEKETI_CLI_*",
                HEKETI_CLI_USER="x", HEKETI_CLI_KEY="y",
                HEKETI_CLI_SERVER="http://127.0.0.1:1")
    fake.prints(LIST, "", "HEKETI_CLI_* is enough",
                HEKETI_CLI_USER=fake.user, HEKETI_CLI_KEY=fake.key,
                HEKETI_CLI_SERVER=fake.url, BRICKYARD_CLI_USER=None,
                BRICKYARD_CLI_KEY=None, BRICKYARD_CLI_SERVER=None)
    fake.prints(("-s", fake.url + "//", *LIST), "",
                "slashes at the end of the server's URL don't matter")
    fake.prints(("-s127.0.0.1:%d" % fake.port, *LIST), "",
                "a server without a scheme is http")
    fake.on("GET", "/proxy/volumes", json={"volumes": []})
    fake.prints(("--server=%s/proxy" % fake.url, *LIST), "",
                "a path in the server's URL is part of path and token")


def async_flow():
    fake.clear()
    queue = fake.later("POST", "/volumes/%s/expand" % ID, pending=2,
                       see="/volumes/" + ID)
    fake.on("GET", "/volumes/" + ID, json=VOLUME)
    r = fake.run("volume", "expand", ID, "--expand-size=1", "--json")
    tap.is_((r.status, r.err), (0, ""), "202, polls and 303 end well")
    tap.is_(fake.lines(),
            ["POST /volumes/%s/expand" % ID] + ["GET " + queue] * 3 +
            ["GET /volumes/" + ID], "each step is one request")
    tap.is_(len({r.claims["qsh"] for r in fake.requests}), 3,
            "every path got a token of its own")
    tap.ok(fake.requests[2].time - fake.requests[1].time >= 0.35,
           "polls that are answered at once are spaced")

    fake.clear()
    fake.later("DELETE", "/volumes/" + ID, pending=1)
    fake.prints(("volume", "delete", ID), "Volume %s deleted\n" % ID,
                "204 ends an operation without a result")

    fake.clear()
    fake.later("DELETE", "/volumes/" + ID, pending=1, error="  No space\n ")
    fake.fails(("volume", "delete", ID), "No space",
               "a failed operation shows the server's words, trimmed")

    fake.clear()
    fake.on("DELETE", "/volumes/" + ID, status=202)
    fake.fails(("volume", "delete", ID),
               "server answered 202 without a usable Location",
               "202 without Location is an error, not success")


def held_and_lost_polls():
    fake.clear()
    fake.on("DELETE", "/volumes/" + ID, status=202,
            headers={"Location": fake.url + "/queue/" + ID})
    fake.on("GET", "/queue/" + ID, delay=1.2, headers={"X-Pending": "true"})
    fake.on("GET", "/queue/" + ID, cut=True)
    fake.on("GET", "/queue/" + ID, status=503, text="not ready\n")
    fake.on("GET", "/queue/" + ID, status=204)
    fake.prints(("volume", "delete", ID), "Volume %s deleted\n" % ID,
                "a held poll, a lost server and a 503 are lived through")
    t = [r.time for r in fake.requests]
    tap.ok(t[2] - t[1] < 1.5, "after a held poll the next follows at once")
    tap.is_(len(t), 5, "no poll was made in vain")

    fake.clear()
    fake.later("DELETE", "/volumes/" + ID, pending=0, error="Id not found",
               status=404)
    fake.fails(("volume", "delete", ID), "Id not found",
               "404 of a poll ends the waiting")


def on_a_terminal(*args):
    """Run with a terminal for stderr: (what it got, stdout, status)."""
    ours, its = pty.openpty()
    p = subprocess.Popen([BRICKYARD, *args], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=its,
                         env=fake.environment())
    os.close(its)
    got = b""
    try:
        while part := os.read(ours, 4096):
            got += part
    except OSError:             # Linux: the last one has closed it
        pass
    os.close(ours)
    return got.decode(), p.communicate(timeout=60)[0].decode(), p.returncode


def progress():
    path = "/volumes/" + ID
    operation = {"id": ID, "kind": "create-volume", "status": "running",
                 "stage": 3, "attempt": 0}
    for news, what in (
            ({"json": operation}, ": create-volume, stage 3"),
            ({"json": dict(operation, status="undoing\x1b[2J")},
             ": create-volume, stage 3, undoing?[2J"),
            ({"json": dict(operation, attempt=2)},
             ": create-volume, stage 3, try 3"),
            ({"status": 404, "text": "Invalid path or request\n"}, "")):
        fake.clear()
        queue = fake.later("DELETE", path, pending=8)
        question = "/v1/operations/" + queue.rpartition("/")[2]
        fake.on("GET", question, **news)
        text, out, status = on_a_terminal("volume", "delete", ID)
        tap.is_((out, status), ("Volume %s deleted\n" % ID, 0), "is done")
        lines = re.split(r"\r|\x1b\[K", text)
        tap.has(lines, "waiting for the server, 2 s" + what,
                "a terminal shows what one waits for")
        tap.ok(text.endswith("\x1b[K\r\x1b[K"), "and is clean in the end")
        asked = fake.lines().count("GET " + question)
        tap.ok(asked == 1 if not what else asked > 1,
               "who does not know is asked once (%d)" % asked)
    fake.clear()
    fake.later("DELETE", path, pending=7)
    fake.prints(("volume", "delete", ID), "Volume %s deleted\n" % ID,
                "without a terminal there is no such line")
    tap.is_([x for x in fake.lines() if "/v1/" in x], [], "and no question")


def redirections():
    fake.clear()
    fake.on("GET", "/volumes", status=301, headers={"Location": "/v2"})
    fake.on("GET", "/v2", json={"volumes": []})
    fake.prints(LIST, "", "301 of a GET is followed, with a new token")
    fake.clear()
    fake.on("GET", "/volumes", status=301, headers={"Location": "/volumes"})
    fake.fails(LIST, "stopped after 10 redirects", "a circle ends")
    fake.clear()
    fake.on("DELETE", "/volumes/" + ID, status=301,
            headers={"Location": "/volumes/other"})
    r = fake.run("volume", "delete", ID)
    tap.is_((r.status, len(fake.requests)), (255, 1),
            "301 of a DELETE is not followed")


def busy():
    fake.clear()
    for _ in range(2):
        fake.on("GET", "/volumes", status=429, headers={"Retry-After": "0"},
                text="Server busy. Retry operation later.\n")
    fake.on("GET", "/volumes", json={"volumes": []})
    fake.prints(LIST, "", "429 with Retry-After is waited out")
    tap.is_(len(fake.requests), 3, "two tries were in vain")

    fake.clear()
    fake.on("GET", "/volumes", status=429, headers={"Retry-After": "0"},
            text="Server busy. Retry operation later.\n")
    fake.fails(LIST, "Server busy. Retry operation later.",
               "a server that stays busy is given up")
    tap.is_(len(fake.requests), 7, "after six retries")

    fake.clear()
    fake.on("GET", "/volumes", status=429)
    p = fake.start(*LIST)
    time.sleep(1.5)
    tap.is_((p.poll(), len(fake.requests)), (None, 1),
            "429 without Retry-After waits longer than that")
    p.kill()
    p.communicate()


def errors():
    fake.clear()
    for status, text in ((500, "Internal Server Error"), (405, "Method Not "
                         "Allowed"), (401, "Unauthorized"), (599, "")):
        fake.clear()
        fake.on("GET", "/volumes", status=status)
        fake.fails(LIST, "server did not provide a message (status %d: %s)" %
                   (status, text), "an empty %d names its status" % status)
    fake.clear()
    fake.on("GET", "/volumes", text="<html>")
    r = fake.run(*LIST)
    tap.is_(r.status, 255, "an answer that is no JSON is an error")
    tap.has(r.err, "Error: can't read the server's answer: ",
            "and is called so")
    fake.clear()
    fake.on("GET", "/volumes", json=[])
    fake.fails(LIST, "the server's answer to GET /volumes is not an object",
               "JSON that is no object is an error")
    fake.clear()
    fake.on("GET", "/v1/plugins", status=404,
            json={"error": {"code": "not-found", "message": "no such thing"}})
    fake.fails(("plugins",), "no such thing",
               "of an error below /v1 the message is shown")
    fake.fails(("-s", "http://127.0.0.1:1", *LIST),
               'Get "http://127.0.0.1:1/volumes": dial tcp 127.0.0.1:1: '
               "connect: connection refused", "a refused connection is called that")
    fake.fails(("-s", "ftp://127.0.0.1", *LIST),
               "not a server's URL: 'ftp://127.0.0.1'",
               "no other protocol than HTTP is spoken")
    fake.clear()
    fake.on("GET", "/volumes", cut=True)
    r = fake.run(*LIST)
    tap.is_((r.status, len(fake.requests)), (255, 1),
            "a request that is cut is not repeated")
    tap.is_(r.err, 'Error: Get "%s/volumes": EOF\n' % fake.url,
            "and says where")


def odd_ids():
    fake.clear()
    fake.fails(("volume", "info", "../nodes/1?x=%2e"),
               "Invalid path or request", "an id can't leave its place")
    tap.is_(fake.requests[0].raw_path,
            "/volumes/..%2Fnodes%2F1%3Fx%3D%252e", "it is escaped whole")
    fake.clear()
    fake.run("volume", "delete", "..")
    tap.is_(fake.lines(), ["DELETE /volumes/.."], "dots stay as they are")


def tls():
    if not shutil.which("openssl"):
        tap.skip("TLS", "no openssl command")
        return
    with tempfile.TemporaryDirectory() as d:
        cert, key = os.path.join(d, "c.pem"), os.path.join(d, "k.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=fake", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
                        cert], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server = FakeHeketi(ssl_context=context)
        server.on("GET", "/volumes", json={"volumes": []})
        r = server.run(*LIST)
        tap.ok(r.status == 255 and "certificate" in r.err,
               "an unknown certificate is refused")
        tap.is_(server.requests, [], "before anything is sent")
        server.prints(("-C", cert, *LIST), "", "--tls-cert makes it known")
        server.prints(("--tls-cert=%s,%s" % (cert, cert), *LIST), "",
                      "there may be several")
        server.prints(("-I", *LIST), "", "--insecure-tls doesn't look")
        server.fails(("-C", d + "/none", *LIST),
                     "failed to read cert file %s/none: open %s/none: no such "
                     "file or directory" % (d, d), "a file that is not there is named")
        server.fails(("-C", key, *LIST),
                     "failed to load PEM encoded cert from " + key,
                     "as is one without a certificate")


tokens()
async_flow()
held_and_lost_polls()
progress()
redirections()
busy()
errors()
odd_ids()
tls()
tap.done()
