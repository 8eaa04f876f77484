#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps with anything changed at random: db import takes them or refuses them, and
does nothing else; what it takes comes out so that it goes in and comes out the
same again.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import random
import shutil
import tempfile

import dumps
from dumps import db, masked

ROUNDS = int(os.environ.get("BRICKYARD_TEST_ROUNDS", "40"))
SEED = int(os.environ.get("BRICKYARD_TEST_SEED", "7"))
NAMES = ("plain", "old", "clones", "block", "pending", "pending-all")
JUNK = (None, True, -1, 0, 1, 1 << 62, 1.5, "", "x", "0" * 32, [], {}, [None],
        ["x"], {"Info": {}})

work = tempfile.mkdtemp(prefix="db-import-random-")
count = 0


def path():
    global count
    count += 1
    return os.path.join(work, "f%d" % count)


def places(value, at=()):
    if at:
        yield at
    if isinstance(value, (dict, list)):
        for k in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[k], at + (k,))


def look_up(value, at):
    for k in at:
        value = value[k]
    return value


def change(r, dump):
    """Take something out, or put something else, or junk, in its place."""
    all_ = list(places(dump))
    at, other = r.choice(all_), r.choice(all_)
    holder = look_up(dump, at[:-1])
    what = r.random()
    if what < 0.2:
        del holder[at[-1]]
    elif what < 0.4:
        holder[at[-1]] = json.loads(json.dumps(look_up(dump, other)))
    else:
        holder[at[-1]] = r.choice(JUNK)


def load(text, *args):
    dump, store = path(), path()
    with open(dump, "w") as f:
        f.write(text)
    code, out, err = db("db", "import", "--jsonfile", dump, "--dbfile", store,
                        *args)
    return code, err, store


def export(store):
    return db("db", "export", "--dbfile", store, "--jsonfile", "-")[1]


taken, bad = 0, []
for n in range(ROUNDS):
    r = random.Random(SEED + n)
    dump = json.loads(dumps.text(r.choice(NAMES)))
    for _ in range(r.choice((1, 1, 1, 2, 5))):
        change(r, dump)
    args = ["--pending", r.choice(("clean", "drop"))]
    code, err, store = load(json.dumps(dump), *args,
                            *r.choice(((), ("--force",))))
    if code not in (0, 1) or (code == 1 and "ERROR: " not in err):
        bad.append((SEED + n, code, err))
    elif code == 1 and os.path.exists(store):
        bad.append((SEED + n, "refused, but there is a store"))
    elif code == 0:
        taken += 1
        once = export(store)
        code, err, store = load(once, "--pending", "clean")
        if code != 0 or masked(export(store)) != masked(once):
            bad.append((SEED + n, "comes out differently", err))
tap.ok(0 < taken < ROUNDS, "some are taken, others refused (%d of %d)" %
       (taken, ROUNDS))
tap.is_(bad, [], "seeds %d to %d" % (SEED, SEED + ROUNDS - 1))
shutil.rmtree(work)
tap.done()
