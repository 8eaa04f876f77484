#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""/debug/pprof/: there with "profiling" only, for everybody, in every admin mode;
it tells of threads, memory and the command line, and what to use for the rest."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import re
import time
import xml.etree.ElementTree

from daemon import Daemon

OPEN = {"Authorization": ""}
TOOLS = {"profile": "perf record", "trace": "perf trace", "symbol": "gdb",
         "block": "gdb", "mutex": "gdb"}
NAMES = ["goroutine", "threadcreate", "heap", "allocs", "cmdline", *TOOLS]


def get(d, name, method="GET", headers=OPEN):
    status, got, body = d.request(method, "/debug/pprof/" + name,
                                  headers=headers)
    return status, got.get("Content-Type"), body.decode()


# ---- without ----

d = Daemon(auth=True)
for name in ("", *NAMES, "x"):
    tap.is_(get(d, name)[0], 401, "'%s' is asked for a token" % name)
    tap.is_(get(d, name, headers=None)[::2], (404, "Invalid path or request\n"),
            "and is not there")
d.stop()

# ---- with ----

for how in ({"config": {"profiling": True}}, {"env": {"HEKETI_PROFILING": "n"}}):
    d = Daemon(auth=True, **how)
    d.request("POST", "/admin", {"state": "read-only"})
    status, kind, page = get(d, "")
    tap.is_((status, kind), (200, "text/html; charset=utf-8"), "the index")
    tap.is_(re.findall('<a href="([a-z]+)">', page), NAMES, "names them all")

    # threads
    status, kind, text = get(d, "goroutine")
    head, blank, columns, *lines = text.splitlines()
    tap.is_((status, kind, columns.split()),
            (200, "text/plain; charset=utf-8",
             ["tid", "state", "user", "s", "kernel", "s", "name"]), "threads")
    tap.is_(head, "threads: %d" % len(lines), "so many")
    rows = [line.split(None, 4) for line in lines]
    pid = str(d.process.pid)
    tap.ok(pid in [r[0] for r in rows], "the first of them, too")
    tap.ok(all(re.fullmatch(r"[RSDZTtXIP]", r[1]) for r in rows), "their states")
    tap.ok(all(float(r[2]) >= 0 and float(r[3]) >= 0 for r in rows),
           "and what they used")
    # A thread that has not run yet has the name of the program.
    wanted = {"api", "api-slow", "api-probe", "api-hold", "lease",
              "housekeeper", "duty-cleaner"}
    for _ in range(600):
        names = {line.split(None, 4)[-1] for line in
                 get(d, "goroutine")[2].splitlines()[3:]}
        if wanted <= names:
            break
        time.sleep(0.05)
    tap.is_(sorted(wanted - names), [], "by their names")
    tap.is_(get(d, "threadcreate")[0], 200, "by another name")

    # memory
    for name in ("heap", "allocs"):
        status, kind, text = get(d, name)
        tap.is_((status, kind), (200, "text/xml; charset=utf-8"), name)
        tap.is_(xml.etree.ElementTree.fromstring(text).tag, "malloc",
                "is what malloc_info() says")

    # command line
    status, kind, text = get(d, "cmdline")
    tap.is_((status, text.split("\0")), (200, d.process.args),
            "the command line, with NULs between its words")

    # what there is no answer to
    for name, tool in TOOLS.items():
        status, kind, text = get(d, name)
        tap.is_((status, kind), (501, "text/plain; charset=utf-8"), name)
        tap.ok(tool in text and "-p " + pid in text, "says what to use: " + text.strip())
    for name in ("x", "heap/", "heap/x", "goroutinee"):
        tap.is_(get(d, name)[::2], (404, "Invalid path or request\n"),
                "there is no " + name)
    tap.is_(get(d, "heap", "POST")[0], 401, "another method is no such route")
    tap.is_(d.stop(), 0, "the daemon ends well")
tap.done()
