# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps of heketi's database, and the commands that import and export them."""
import contextlib
import json
import os
import re
import sqlite3
import subprocess

import tap

DUMPS = os.path.join(tap.SRCDIR, "tests", "conformance", "dumps")
GENERATION = re.compile(r'("DB_GENERATION_ID",\s+"Value": )"[0-9a-f]{32}"')


def text(name):
    with open(os.path.join(DUMPS, name + ".json"), encoding="utf-8") as f:
        return f.read()


def masked(dump):
    """Without the generation id, which is new on every import."""
    return GENERATION.sub(r'\1"-"', dump)


def db(*args, env=None):
    """(status, stdout, stderr) of brickyardd db or offline."""
    clean = {k: v for k, v in os.environ.items()
             if not k.startswith(("BRICKYARD_", "HEKETI_"))}
    clean["BRICKYARD_PLUGIN_PATH"] = tap.BUILDDIR
    clean.update(env or {})
    r = subprocess.run([os.path.join(tap.BUILDDIR, "brickyardd"), *args],
                       capture_output=True, text=True, env=clean, timeout=120)
    return r.returncode, r.stdout, r.stderr


def records(path, prefix=""):
    """The documents in a store of SQLite's, by key."""
    # By itself it would be closed when Python next collects garbage.
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as c:
        return {k.decode(): json.loads(v)
                for k, v in c.execute("SELECT key, value FROM kv")
                if k.startswith(prefix.encode())}
