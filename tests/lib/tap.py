# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP for tests written in Python: ok, is_, has, skip, done."""
import atexit
import os
import sys
import threading
import traceback

BUILDDIR = os.environ.get("BUILDDIR", os.getcwd())
SRCDIR = os.environ.get("SRCDIR", os.getcwd())

_n = 0
_bad = 0
_done = False
_lock = threading.RLock()       # threads of a test may say something at once


def diag(*lines):
    with _lock:
        for line in lines:
            for part in str(line).splitlines() or [""]:
                print("# " + part, flush=True)


def ok(cond, name, *why):
    global _n, _bad
    with _lock:
        _n += 1
        print("%s %d - %s" % ("ok" if cond else "not ok", _n, name),
              flush=True)
        if not cond:
            _bad += 1
            caller = [f for f in traceback.extract_stack(limit=4)
                      if f.filename != __file__]
            diag(*["%s:%d" % (f.filename, f.lineno) for f in caller], *why)
    return bool(cond)


def is_(got, want, name):
    return ok(got == want, name, "got  %r" % (got,), "want %r" % (want,))


def has(got, part, name):
    return ok(part in got, name, "got  %r" % (got,),
              "want a part %r" % (part,))


def skip(name, why):
    global _n
    with _lock:
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
