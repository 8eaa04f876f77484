# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs in Go that come with the tests, and what `go test -v` says as TAP.

    program = golang.build_tests("tests/conformance/go")
    golang.run(program, "TestNode|TestDevice", {"BRICKYARD_URL": d.url})

Where there is no Go, or the modules that they need can't be had, the whole test
is skipped.  What then doesn't build is a failure.
"""
import os
import re
import shutil
import subprocess
import tempfile

import tap

GO = shutil.which("go", path=os.environ["PATH"] + ":/usr/local/go/bin")
tmp = tempfile.TemporaryDirectory(prefix="brickyard-go-")


def environment(**more):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("BRICKYARD_", "HEKETI_"))}
    # Without a home (a build user may have none), and never another toolchain.
    env.setdefault("HOME", tmp.name)
    env.update(GOTOOLCHAIN="local", GOWORK="off", GOFLAGS="-buildvcs=false",
               CGO_ENABLED="0", **more)
    return env


# What go says when it is cut off from the modules' proxy.
CUT_OFF = re.compile(r"dial tcp|no such host|i/o timeout|connection refused|"
                     r"TLS handshake|deadline exceeded|proxyconnect|x509|"
                     r"lookup disabled|unrecognized import path|"
                     r"(40[34]|410|50\d) [A-Z]", re.I)


def go(dir, *args):
    return subprocess.run([GO, *args], cwd=dir, env=environment(), text=True,
                          capture_output=True, timeout=900)


def require():
    if GO is None:
        tap.skip_all("no Go here (package golang-go)")
    version = go(tmp.name, "version").stdout.strip()
    m = re.search(r"go1\.(\d+)", version)
    if m is None or int(m.group(1)) < 21:
        tap.skip_all("Go here is older than 1.21: " + version)


def compile(dir, name, *args):
    """go ARGS -o PROGRAM PACKAGE; the program, or the end of the test."""
    require()
    dir = os.path.join(tap.SRCDIR, dir)
    program = os.path.join(tmp.name, name)
    p = go(dir, *args[:-1], "-mod=readonly", "-o", program, args[-1])
    if p.returncode != 0 and CUT_OFF.search(p.stderr):
        tap.skip_all("Go modules can't be had here: " +
                     p.stderr.strip().splitlines()[-1])
    if not tap.ok(p.returncode == 0, "%s builds" % name):
        tap.diag(p.stderr)
        tap.done()
    return program


def build_tests(dir):
    return compile(dir, "conformance", "test", "-c", "-vet=off", ".")


def run(program, tests, env, what=""):
    """Each Go test is one check, its output its reason."""
    p = subprocess.Popen([program, "-test.v", "-test.timeout=300s",
                          "-test.run", "^(%s)$" % tests],
                         env=environment(**env), text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, n = [], 0
    for line in p.stdout:
        m = re.match(r"--- (PASS|FAIL|SKIP): (\S+) \((\S+)\)", line)
        if m is None:
            if not line.startswith("=== "):
                said.append(line.rstrip())
            continue
        n += 1
        name = "%s%s, %s" % (what, m.group(2), m.group(3))
        if m.group(1) == "SKIP":
            tap.skip(name, " ".join(said) or "says the test")
        elif not tap.ok(m.group(1) == "PASS", name):
            tap.diag(*said)
        said = []
    rc = p.wait()
    p.stdout.close()
    if not tap.is_((rc, n), (0, tests.count("|") + 1),
                   what + "all of them ran to their end"):
        tap.diag(*said[-60:])
    return rc
