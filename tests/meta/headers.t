#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Public headers: each compiles alone, in every language people may use, and a
plug-in needs no other include path."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap

import shlex
import shutil
import subprocess

CC = shlex.split(os.environ.get("CC") or "cc")
CXX = shlex.split(os.environ.get("CXX") or "g++")
STRICT = ["-pedantic-errors", "-Wall", "-Wextra", "-Wshadow", "-Werror"]
LANGUAGES = (
    ("C99", CC, ["-x", "c", "-std=c99", "-Wstrict-prototypes"]),
    ("C11", CC, ["-x", "c", "-std=c11", "-Wstrict-prototypes"]),
    ("C++11", CXX, ["-x", "c++", "-std=c++11"]),
    ("C++17", CXX, ["-x", "c++", "-std=c++17"]),
)
INCLUDE = os.path.join(tap.SRCDIR, "core", "include")

# All that the register macros touch, in the common subset of C and C++.
PLUGIN = """
#include <brickyard/%(header)s.h>
static const struct brickyard_host *host;
static struct brickyard_%(type)s plugin;
BRICKYARD_%(macro)s_REGISTER(plugin, host)
int has(const struct brickyard_executor_instance *x);
int has(const struct brickyard_executor_instance *x)
{
	return x == NULL && host != NULL && BRICKYARD_HAS(&plugin.head, options);
}
"""


def compiles(cc, flags, source, name):
    run = subprocess.run(
        cc + flags + STRICT + ["-fsyntax-only", "-I", INCLUDE, "-"],
        input=source, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        universal_newlines=True)
    if not tap.ok(run.returncode == 0, name):
        tap.diag(run.stderr)


headers = sorted(os.listdir(os.path.join(INCLUDE, "brickyard")))
tap.ok("common.h" in headers, "there are public headers")
for language, cc, flags in LANGUAGES:
    if shutil.which(cc[0]) is None:
        tap.skip("%s headers" % language, "there is no %s" % cc[0])
        continue
    for header in headers:
        compiles(cc, flags, "#include <brickyard/%s>\nextern int x;\n" % header,
                 "%s alone in %s" % (header, language))
        compiles(cc, flags, "#include <brickyard/%s>\n" % header * 2 +
                 "extern int x;\n", "%s twice in %s" % (header, language))
    for header, macro in (("executor", "EXECUTOR"),
                          ("volume-type", "VOLUME_TYPE")):
        source = PLUGIN % {"header": header, "macro": macro,
                           "type": macro.lower()}
        if header == "volume-type":
            source = "struct brickyard_executor_instance;\n" + source
        compiles(cc, flags, source,
                 "a %s is registered in %s" % (header, language))
tap.done()
