# SPDX-License-Identifier: GPL-2.0-or-later
"""The project's own files, as the meta tests see them.

Works in a checkout and in an unpacked tarball, with or without a build tree
inside, so it names the rooms instead of asking git.
"""
import os

from tap import SRCDIR

ROOMS = ("api", "cli", "contrib", "core", "doc", "executors", "plugins",
         "store", "tests")
TOP = ("autogen.sh", "configure.ac", "Makefile.am", "README.md", "HACKING.md",
       "NEWS")
# What configure, automake and a run of the tests leave behind.
GENERATED_DIRS = (".deps", ".libs", "__pycache__")
GENERATED_ENDS = (".o", ".lo", ".la", ".a", ".so", ".pyc", ".log", ".trs",
                  "~", ".dirstamp")


def files(*rooms):
    """Paths below SRCDIR of all files in these rooms (all: also the top)."""
    found = [] if rooms else [f for f in TOP
                              if os.path.exists(os.path.join(SRCDIR, f))]
    for room in rooms or ROOMS:
        for at, dirs, names in os.walk(os.path.join(SRCDIR, room)):
            dirs[:] = sorted(d for d in dirs if d not in GENERATED_DIRS)
            found += [os.path.relpath(os.path.join(at, n), SRCDIR)
                      for n in sorted(names)
                      if not n.endswith(GENERATED_ENDS)]
    return found


def text(path):
    """Contents, or None for what is not text (a program, an image)."""
    with open(os.path.join(SRCDIR, path), "rb") as f:
        data = f.read()
    if b"\0" in data:
        return None
    return data.decode("utf-8", "replace")


def c_sources(*rooms):
    return [f for f in files(*rooms) if f.endswith((".c", ".h"))]
