#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each source file says under which licence it is, is finished, and knows
nothing of the machine it was written on."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap

import re

sys.path.insert(0, os.path.join(tap.SRCDIR, "tests", "meta"))
import tree

ENDS = (".c", ".h", ".def", ".mk", ".am", ".ac", ".py", ".t", ".sh", ".spec")
# The words are put together here, or this file would be an offender.
TAG = "SPDX-" + "License-Identifier:"
SPDX = re.compile(r"^(?:/\*|//|#|dnl|;|\.\\\")? ?" + TAG + r" (\S+)", re.M)
UNFINISHED = re.compile(r"\b(?:%s)\b|not" r" implemented" %
                        "|".join(("TO" "DO", "FIX" "ME", "XX" "X")))
OURS = "GPL-2.0-or-later"
# What third parties copy into their own plug-ins.
FREE = "BSD-2-Clause"


def is_source(path):
    if path.endswith(ENDS):
        return True
    if os.path.splitext(path)[1]:
        return False
    text = tree.text(path)
    return text is not None and text.startswith("#!")


def licence_of(path):
    if path.startswith(("core/include/", "tests/abi/1.")):
        return FREE
    if path.startswith("contrib/") and "example" in path:
        return FREE
    return OURS


def licence_fault(path):
    text = tree.text(path) or ""
    found = SPDX.findall(text)
    if found == [licence_of(path)] and \
            SPDX.search("\n".join(text.splitlines()[:3])):
        return None
    return "%s: %s, not %s in its first lines" % (
        path, " ".join(found) or "none", licence_of(path))


def local_paths():
    """Directories of this machine that have no business in a source."""
    words = set()
    for top in (tap.SRCDIR, tap.BUILDDIR):
        top = os.path.realpath(top)
        for path in (top, os.path.dirname(top)):
            if path.count("/") >= 2:
                words.add(re.escape(path) + r"\b")
    words.add(r"/home/[a-z]")
    return re.compile("|".join(sorted(words)))


def lines_with(pattern, paths):
    found = []
    for path in paths:
        for n, line in enumerate((tree.text(path) or "").splitlines(), 1):
            if pattern.search(line):
                found.append("%s:%d: %s" % (path, n, line.strip()))
    return found


everything = tree.files()
sources = [f for f in everything if is_source(f)]
tap.ok(len(sources) > 50, "there are sources (%d)" % len(sources))
tap.is_([f for f in map(licence_fault, sources) if f], [],
        "each has one licence line, the right one")
tap.is_(lines_with(UNFINISHED, sources), [], "none is unfinished")
here = os.path.join("tests", "meta", "sources.t")
tap.is_(lines_with(local_paths(), [f for f in everything if f != here]), [],
        "none knows a directory of this machine")
tap.done()
