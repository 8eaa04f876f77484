#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Admin mode and log level: heketi's answers, and all replicas follow."""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import etcd
import tap
from daemon import Daemon
from etcd import wait_for
from replicas import Replicas

DISABLED = (503, b"Service disabled for maintenance\n")


def ask(d, method, path, body=None):
    status, _, answer = d.request(method, path, body)
    return status, answer


def mode(d, state):
    return ask(d, "POST", "/admin", {"state": state})


def texts():
    d = Daemon()
    try:
        tap.is_(ask(d, "GET", "/admin"), (200, b'{"state":"normal"}\n'),
                "the mode at first")
        tap.is_(mode(d, "normal"), (204, b""), "it can be set to what it is")
        for body, status, text in (
                ({"state": "off"}, 400,
                 "validation failed: state: must be a valid value.\n"),
                ({}, 400, "validation failed: state: cannot be blank.\n"),
                ("{", 400, "request unable to be parsed: ")):
            got = ask(d, "POST", "/admin", body)
            tap.ok(got[0] == status and got[1].decode().startswith(text),
                   "POST /admin %s is refused" % body)
        level = (200, b'{"loglevel":{"glusterfs":"%s"}}\n')
        tap.is_(ask(d, "GET", "/internal/logging"),
                (level[0], level[1] % b"info"), "the log level")
        tap.is_(ask(d, "POST", "/internal/logging",
                    {"loglevel": {"glusterfs": "debug"}}),
                (level[0], level[1] % b"debug"), "is set and answered")
        tap.is_(ask(d, "POST", "/internal/logging",
                    {"loglevel": {"glusterfs": ""}}),
                (level[0], level[1] % b"debug"), "'' leaves it")
        for body, status, text in (
                ({"loglevel": {"heketi": "info"}}, 422,
                 'Only "glusterfs" logger may be modified\n'),
                ({"loglevel": {"glusterfs": "loud"}}, 422,
                 "invalid log level: loud\n"),
                ({"loglevel": {"glusterfs": "notice"}}, 422,
                 "invalid log level: notice\n"),
                ({"loglevel": 1}, 400, "request unable to be parsed: ")):
            got = ask(d, "POST", "/internal/logging", body)
            tap.ok(got[0] == status and got[1].decode().startswith(text),
                   "POST /internal/logging %s is refused" % body)
        # From here there is a way back: we are local.
        mode(d, "local-client")
        tap.is_(ask(d, "POST", "/clusters", {})[0], 201,
                "a local client may do all in local-client mode")
        d.restart()
        tap.is_(ask(d, "GET", "/admin"), (200, b'{"state":"local-client"}\n'),
                "the mode outlives a restart")
        tap.is_(ask(d, "GET", "/internal/logging"),
                (level[0], level[1] % b"debug"), "and the log level")
    finally:
        d.stop()


def default_state():
    d = Daemon(config={"default_state": "read-only"})
    try:
        tap.is_(ask(d, "GET", "/admin"), (200, b'{"state":"read-only"}\n'),
                "default_state counts at first")
        tap.is_(ask(d, "POST", "/clusters", {}), DISABLED, "and is obeyed")
        d.process.send_signal(signal.SIGUSR2)
        tap.ok(wait_for(lambda: ask(d, "GET", "/admin")[1] ==
                        b'{"state":"normal"}\n', 30), "until SIGUSR2")
        d.restart()
        tap.is_(ask(d, "POST", "/clusters", {})[0], 201,
                "what was set comes before it")
    finally:
        d.stop()


def replicas():
    with Replicas(3) as r:
        r[0].topology()
        r.set_faults("volume_create=transient")
        _, h, _ = r[1].request("POST", "/volumes", {
            "size": 1, "durability": {"type": "replicate"}})
        tap.is_(mode(r[0], "read-only"), (204, b""), "read-only, said to one")
        # At once, on each: no change comes after it.
        tap.is_([ask(d, "POST", "/clusters", {}) for d in r], [DISABLED] * 3,
                "nothing can be changed on any replica")
        tap.is_([ask(d, "DELETE", "/volumes/" + "0" * 32) for d in r],
                [DISABLED] * 3, "by DELETE neither")
        tap.is_([ask(d, "PUT", "/nowhere") for d in r], [DISABLED] * 3,
                "the gate comes before the router")
        tap.is_([ask(d, "GET", "/volumes")[0] for d in r], [200] * 3,
                "all can be read")
        tap.is_([mode(d, "normal") for d in r], [DISABLED] * 3,
                "the mode itself can't be changed back")
        tap.is_([ask(d, "GET", "/readyz")[0] for d in r], [200] * 3,
                "the replicas are ready")
        r.set_faults("")
        tap.is_(r[2].wait(h["Location"])[0], 200,
                "what was accepted before comes to its end")
        r[2].process.send_signal(signal.SIGUSR2)
        tap.ok(wait_for(lambda: ask(r[0], "GET", "/admin")[1] ==
                        b'{"state":"normal"}\n', 30), "SIGUSR2 to one")
        tap.is_([ask(d, "POST", "/clusters", {})[0] for d in r], [201] * 3,
                "opens all")
        ask(r[1], "POST", "/internal/logging",
            {"loglevel": {"glusterfs": "error"}})
        tap.is_({ask(d, "GET", "/internal/logging")[1] for d in r},
                {b'{"loglevel":{"glusterfs":"error"}}\n'},
                "the log level is set on all")
        sizes = [len(d.log()) for d in r]
        for d in r:
            ask(d, "GET", "/clusters")
        tap.is_([len(d.log()) for d in r], sizes, "they log less")


texts()
default_state()
etcd.require()
replicas()
tap.done()
