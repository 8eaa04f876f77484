#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# One node, driven by the local executor's C and by scripts: each heeds the fences
# that the other has left, and the lock that the other holds.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import lab
import fcntl

SHELL = os.path.join(tap.BUILDDIR, "tests", "unit", "plug", ".libs", "shell.so")


class Scripts(lab.Driver):
    """The same options, by an executor that has only .run, and no fence."""

    def argv(self, commands, parallel=False):
        a = super().argv(commands, parallel)
        a[1:2] = [SHELL, "-l"]
        return a


lab.require_driver()
lab.require_root()
d = lab.workdir()
local, scripts = lab.Driver(d, directory_reserve_mb=16), Scripts(d, directory_reserve_mb=16)
os.mkdir(d + "/dev")
dev = {"id": lab.ident(1), "name": d + "/dev", "kind": 2}


def fence(op):
    with open("%s/state/fences/%s" % (d, op)) as f:
        return f.read()


for first, second, name in ((local, scripts, "scripts after C"), (scripts, local, "C after scripts")):
    op = lab.ident(90 + (first is scripts))
    r = first.call("prepare", op=op, epoch=7, **dev)
    tap.ok(r.ok, "%s: epoch 7 works" % name) or tap.diag(r)
    tap.is_(fence(op), "7\n", "and is recorded")
    r = second.call("teardown", op=op, epoch=6, **dev)
    tap.is_(r.err_class, lab.FENCED, "epoch 6 is fenced") or tap.diag(r)
    tap.ok("epoch 7 came after this one's 6" in r.text and os.path.exists(d + "/dev/.brickyard-device"),
           "in the same words, and nothing was done") or tap.diag(r)
    r = second.call("teardown", op=op, epoch=7, **dev)
    tap.ok(r.ok and os.listdir(d + "/dev") == [], "an equal epoch works") or tap.diag(r)
    r = second.call("teardown", op=op, epoch=8, **dev)
    tap.ok(r.ok and fence(op) == "8\n", "a higher one does, too, and is recorded")
    r = first.call("prepare", op=op, epoch=7, **dev)
    tap.is_(r.err_class, lab.FENCED, "which ends the rights of the first") or tap.diag(r)

with open(d + "/run/node.lock", "a") as f:
    fcntl.flock(f, fcntl.LOCK_EX)
    for who, name in ((local, "C"), (scripts, "a script")):
        r = who.call("prepare", op=lab.ident(95), epoch=1, timeout=3000, **dev)
        tap.ok(r.err_class == lab.TIMEOUT and "node lock" in r.text, "%s waits for the node lock" % name) or tap.diag(r)
r = scripts.call("prepare", op=lab.ident(95), epoch=1, **dev)
tap.ok(r.ok, "which goes with its holder") or tap.diag(r)
tap.is_([f for f in os.listdir(d + "/state/fences") if len(f) != 32], [], "no half-written fence is left")
tap.done()
