#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The API's tests once more, with the state in etcd instead of SQLite."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import subprocess

import etcd

etcd.require()
server = etcd.Etcd()
env = dict(os.environ, BRICKYARD_TEST_STORE=server.spec())
for name in ("t-http-life.t", "t-http-bad-input.t", "t-http-polls.t"):
    r = subprocess.run([os.path.join(tap.SRCDIR, "tests", "daemon", name)],
                       env=env, capture_output=True, text=True)
    lines = r.stdout.splitlines()
    for i, line in enumerate(lines):
        if line.startswith(("ok ", "not ok ")):
            good = line.startswith("ok ")
            text = line.split(" - ", 1)[-1]
            tap.ok(good, "%s: %s" % (name, text))
            if not good:
                tap.diag(*lines[i + 1:i + 6])
    if not tap.is_(r.returncode, 0, "%s passes on etcd" % name):
        tap.diag(*r.stderr.splitlines()[-10:])
tap.ok(server.keys("/test/"), "etcd was used")
server.stop()
tap.done()
