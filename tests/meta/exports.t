#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What plug-ins export: one symbol, and nothing that could clash."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap

import shutil
import subprocess

if shutil.which("nm") is None:
    tap.skip_all("there is no nm")


def symbols(path, *flags):
    out = subprocess.run(["nm", "-D", *flags, path], check=True,
                         stdout=subprocess.PIPE, universal_newlines=True)
    return [line.split()[-1] for line in out.stdout.splitlines()]


seen = 0
for room in ("plugins", "executors"):
    top = os.path.join(tap.SRCDIR, room)
    for name in sorted(os.listdir(top)):
        fragment = os.path.join(top, name, "local.mk")
        if not os.path.exists(fragment):
            continue
        with open(fragment) as f:
            if "/%s.la" % name not in f.read():
                continue        # shared code, not a plug-in
        seen += 1
        so = os.path.join(tap.BUILDDIR, room, name, ".libs", name + ".so")
        if not tap.ok(os.path.exists(so), "%s/%s is built" % (room, name)):
            continue
        tap.is_(symbols(so, "--defined-only"), ["brickyard_plugin_init"],
                "it exports brickyard_plugin_init and nothing else")
        tap.is_([s for s in symbols(so, "--undefined-only")
                 if s.startswith("brickyard_")], [],
                "it wants nothing of the host's by name")
tap.ok(seen >= 3, "there are plug-ins")
tap.done()
