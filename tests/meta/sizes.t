#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sizes of functions and files.  A report: it tells of what is over the budget
and fails only when it can't measure."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap

import re

sys.path.insert(0, os.path.join(tap.SRCDIR, "tests", "meta"))
import tree

FUNCTION_LINES = 75
FILE_LINES = 1000
PLUGIN_LINES = 400

# The return type stands on a line of its own, so a definition begins with its
# name in the first column, and its body with a brace there.
FUNCTION = re.compile(r"^(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", re.M | re.S)


def functions(text):
    return [(m.group(1), m.group(2).count("\n"))
            for m in FUNCTION.finditer(text)]


tap.is_(functions("static int\nf(int a,\n  int b)\n{\n\tif (a) {\n\t}\n}\n\n"
                  "int\ng(void)\n{\n}\n"), [("f", 2), ("g", 0)],
        "functions are recognised")
sizes = []
for path in tree.c_sources("core", "store", "api", "cli", "plugins",
                           "executors"):
    text = tree.text(path)
    lines = text.count("\n")
    if lines > FILE_LINES:
        tap.diag("%s has %d lines, the budget is %d" %
                 (path, lines, FILE_LINES))
    elif path.startswith("plugins/") and lines > PLUGIN_LINES:
        tap.diag("%s has %d lines, the budget of a plug-in is %d" %
                 (path, lines, PLUGIN_LINES))
    for name, n in functions(text):
        sizes.append(n)
        if n > FUNCTION_LINES:
            tap.diag("%s: %s() has %d lines, the budget is %d" %
                     (path, name, n, FUNCTION_LINES))
sizes.sort()
tap.ok(len(sizes) > 100, "there are functions (%d)" % len(sizes))
if sizes:
    tap.diag("median %d lines, 95 of 100 at most %d, longest %d" %
             (sizes[len(sizes) // 2], sizes[len(sizes) * 95 // 100],
              sizes[-1]))
tap.done()
