#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may include what.  Arrows point one way:

	api -> core -> {store's contract, core/include} <- {store, plug-ins}

and each library is known to the rooms whose business it is."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap

import re

sys.path.insert(0, os.path.join(tap.SRCDIR, "tests", "meta"))
import tree

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)

# The store's contract: what the core and the API may know of it.
CONTRACT = ("store/store.h", "store/record.h", "store/mirror.h",
            "store/txn.h")
UTIL = ("core/util/",)
PUBLIC = ("core/include/",)

# Which of our files a room may include, besides its own: prefixes.
OURS = {
    "core/include": PUBLIC,
    "core/util": UTIL,
    "core": ("core/",) + CONTRACT,
    "store": ("store/",) + UTIL + PUBLIC,
    "api": ("api/", "core/") + CONTRACT,
    "cli": ("cli/",) + UTIL,
    "plugins": PUBLIC,
    "executors": PUBLIC + ("executors/common/", "executors/script/"),
}
# Main puts the rooms together, so it knows them.
EXCEPTIONS = {"core/main.c": ("core/", "store/", "api/",
                              "executors/script/script.h"),
              "core/main-db.c": ("core/", "store/"),
              "core/main-export.c": ("core/", "store/", "api/")}
# A command, not a plug-in: it prints JSON.
COMMANDS = {"executors/simulated/accounts.c": ("jansson.h",),
            # What the API server says; no JSON crosses the boundary.
            "executors/kubernetes/reply.c": ("jansson.h",)}

# Made by make, from files beside: {who includes it: names}
GENERATED = {"cli/cmd-completion.c": tuple(
    "cli/completion/%s.inc" % shell for shell in ("bash", "zsh", "fish"))}

# Which rooms may include a library's headers.
LIBRARIES = {
    "microhttpd.h": ("api",),
    "gnutls/": ("api",),
    "jansson.h": ("store", "api", "cli"),
    "curl/": ("store", "cli", "executors"),
    "sqlite3.h": ("store", "executors"),
    "dlfcn.h": ("core",),
    "blkid/": ("executors",),
    "lvm2cmd.h": ("executors",),
    "libwebsockets.h": ("executors",),
    "yaml.h": ("executors",),
}


def room_of(path):
    for room in OURS:
        if path.startswith(room + "/"):
            return room
    return None


def resolve(path, name, quoted):
    """Our file that an #include means, or None: not one of ours."""
    places = [os.path.dirname(path)] if quoted else []
    if room_of(path) in ("plugins", "executors"):
        places += ["core/include"]
    else:
        places += ["core", "core/include", "."]
    if not quoted and name == "config.h":
        return None             # configure's
    for place in places:
        at = os.path.normpath(os.path.join(place, name))
        if os.path.exists(os.path.join(tap.SRCDIR, at)):
            return at
    return None


def may_include(path, ours):
    room = room_of(path)
    if path in EXCEPTIONS:
        return ours.startswith(EXCEPTIONS[path])
    if room in ("plugins", "executors"):
        # Its own directory, never another plug-in's.
        if ours.startswith(os.path.dirname(path) + "/"):
            return True
    return ours.startswith(OURS[room])


def wrong_library(path, name):
    room = room_of(path).split("/")[0]
    if name in COMMANDS.get(path, ()):
        return False
    for header, rooms in LIBRARIES.items():
        if name == header or (header.endswith("/") and
                              name.startswith(header)):
            return room not in rooms
    return False


def faults(path):
    for bracket, name in INCLUDE.findall(tree.text(path)):
        quoted = bracket == '"'
        if quoted and name in GENERATED.get(path, ()):
            continue
        ours = resolve(path, name, quoted)
        if ours is not None:
            if not may_include(path, ours):
                yield "%s may not include %s" % (path, ours)
        elif quoted:
            yield '%s includes "%s", which is not ours' % (path, name)
        elif wrong_library(path, name):
            yield "%s may not include <%s>" % (path, name)


checked = 0
for room in ("core", "store", "api", "cli", "plugins", "executors"):
    sources = tree.c_sources(room)
    checked += len(sources)
    tap.is_([f for path in sources for f in faults(path)], [],
            "%s includes what it may" % room)
tap.ok(checked > 30, "there are sources (%d)" % checked)

tap.is_([p for p in tree.c_sources("core", "store", "api")
         if p.endswith(".c") and "dlopen(" in tree.text(p)],
        ["core/plugin.c"],
        "core/plugin.c alone opens shared objects")
# The rules themselves are tried, so that they can't rot unseen.
tap.ok(not may_include("core/plugin.c", "api/api.h") and
       not may_include("core/plugin.c", "store/codec.h") and
       not may_include("store/store.c", "core/plugin.h") and
       not may_include("plugins/x/x.c", "plugins/y/y.h") and
       not may_include("core/util/buf.c", "core/plugin.h") and
       wrong_library("core/service.c", "jansson.h") and
       wrong_library("store/store.c", "microhttpd.h") and
       wrong_library("core/x.c", "curl/curl.h"),
       "the rules refuse what they should")
tap.ok(may_include("core/main.c", "api/api.h") and
       may_include("core/x.c", "store/mirror.h") and
       may_include("executors/x/x.c", "executors/x/y.h") and
       may_include("api/server.c", "core/service.h") and
       not wrong_library("api/server.c", "microhttpd.h"),
       "and allow what they should")
tap.done()
