# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP for tests written in Python: ok, is_, has, skip, done."""
import atexit
import os
import sys
import traceback

BUILDDIR = os.environ.get("BUILDDIR", os.getcwd())
SRCDIR = os.environ.get("SRCDIR", os.getcwd())

_n = 0
_bad = 0
_done = False


def diag(*lines):
    for line in lines:
        for part in str(line).splitlines() or [""]:
            print("# " + part, flush=True)


def ok(cond, name):
    global _n, _bad
    _n += 1
    print("%s %d - %s" % ("ok" if cond else "not ok", _n, name), flush=True)
    if not cond:
        _bad += 1
        caller = traceback.extract_stack(limit=3)
        diag(*("%s:%d" % (f.filename, f.lineno) for f in caller[:-1]))
    return bool(cond)


def is_(got, want, name):
    if not ok(got == want, name):
        diag("got  %r" % (got,), "want %r" % (want,))
        return False
    return True


def has(got, part, name):
    if not ok(part in got, name):
        diag("got  %r" % (got,), "want a part %r" % (part,))
        return False
    return True


def skip(name, why):
    global _n
    _n += 1
    print("ok %d - %s # SKIP %s" % (_n, name, why), flush=True)


def skip_all(why):
    global _done
    _done = True
    print("1..0 # SKIP " + why, flush=True)
    sys.exit(0)


def done():
    """The plan comes last, so that a crash shows; no check is a failure."""
    global _done
    _done = True
    print("1..%d" % _n, flush=True)
    if _n == 0:
        diag("BUG: test has no checks")
    sys.exit(1 if _bad or _n == 0 else 0)
