#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# The contract of store.h, on etcd.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import subprocess
import etcd

SUITE = os.path.join(tap.BUILDDIR, "tests", "unit", "t-store")

etcd.require()
if not os.path.exists(SUITE):
    tap.skip_all("no contract suite here")
server = etcd.Etcd()
status = subprocess.run([SUITE, server.spec()], timeout=120).returncode
server.stop()
sys.exit(status)
