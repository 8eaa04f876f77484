#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""brickyard-plugin-check: our own plug-ins pass, and each fault that a plug-in can
have is found and named."""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import tap

BUILDDIR = tap.BUILDDIR
CHECK = os.path.join(BUILDDIR, "brickyard-plugin-check")
FAULTY = os.path.join(BUILDDIR, "tests", "unit", "plug", ".libs", "faulty.so")
VALGRIND = shutil.which("valgrind") is not None
# A program that is built with a sanitizer does not run under valgrind.
with open(CHECK, "rb") as f:
    SANITIZED = re.search(b"__[at]san_init", f.read()) is not None


def check(*args, status=None):
    p = subprocess.run([CHECK, "--format", "json"] + list(args), text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if status is not None:
        tap.is_(p.returncode, status, "exit status of %s" %
                os.path.basename(args[-1]))
    return json.loads(p.stdout)


def failed(answer):
    return [(r["group"], r["name"], r["why"]) for r in answer["results"]
            if r["result"] == "fail"]


def plugin(room, name):
    return os.path.join(BUILDDIR, room, name, ".libs", name + ".so")


def ours(work):
    for name, more in (("replicate", ()), ("distribute", ()),
                       ("disperse", ("-p", "data=4", "-p", "redundancy=2"))):
        a = check("--no-valgrind", *more, plugin("plugins", name), status=0)
        tap.is_(failed(a), [], "%s has no fault" % name)
        tap.ok(a["passed"] > 90, "many checks were made (%d)" % a["passed"])
    a = check("--no-valgrind", "-n", "n1", "-P", "n2", "-d", "/dev/sdb",
              "--volumes", "-o", "state_file=" + os.path.join(work, "accounts"),
              plugin("executors", "simulated"), status=0)
    tap.is_(failed(a), [], "simulated has no fault")
    names = [r["name"] for r in a["results"] if r["result"] == "pass"]
    for step in "bricks_create after a kill", "device_teardown again", \
            "a step with an older epoch is fenced", \
            "a step that is cancelled says so", "volume_create again", \
            "and is gone", \
            "brick_replace: what it does", "volume_clone: what it does", \
            "heal_info: its results are those of executor.h", \
            "block_expand: done twice, the answer is the same", \
            "block_create: an older epoch is fenced", \
            "node_examine: begun after its deadline, it comes back soon", \
            "device_forget: cancelled before it began, it comes back soon", \
            "heal_info of a substitution is refused in words", \
            "volume_clone: killed at call 3 of the host's, it can be done again", \
            "device_forget: killed right after it, it can be done again", \
            "volume_create: number 3 of a cancelled() says yes: then it can be " \
            "done", \
            "block_info: number 2 of a result_str() has no room: then it can be " \
            "done":
        tap.ok(step in names, "it was tried: " + step)
    skipped = {r["name"]: r["why"] for r in a["results"]
               if r["result"] == "skip"}
    tap.ok("not offered" in skipped.get("node_probe", ""),
           "what is not offered is named")
    tap.ok("not provable here" in skipped.get("run: what it does", ""),
           "what can't be proved is named")


# File name, group, part of the name of the check, part of the reason.
FAULTS = (
    ("vt-crash", "laws", "the default request", "crashed"),
    ("vt-silent", "laws", "the request has a shape", "without saying why"),
    ("vt-exit", "laws", "the default request", "ended"),
    ("vt-hang", "laws", "the default request", "did not come back within 3 s"),
    ("vt-prints", "laws", "prints nothing", "hello"),
    ("vt-moody", "laws", "same question", "changed"),
    ("vt-lossy", "laws", "leaves the data whole", "2 of 3"),
    ("vt-split", "laws", "write quorum", "1 of 3"),
    ("vt-short", "laws", "hold what its data need", "0 of 1"),
    ("vt-shrinks", "laws", "never make a brick smaller", ""),
    ("vt-words", "laws", "words of gluster's", "force"),
    ("ex-fd", "life", "no descriptor stays open", "20 more"),
    ("ex-thread", "life", "no thread stays", "20 more"),
    ("ex-umask", "life", "umask", "umask"),
    ("ex-null", "life", "close of nothing", "crashed"),
    ("ex-once", "life", "open", ""),
    ("ex-options", "options", "has a line of help", "none"),
    ("ex-options", "options", "marked as one", "SECRET"),
    ("ex-lies", "run", "its exit status", "0, not 3"),
    ("ex-lies", "limits", "longer than the deadline fails", "succeeded"),
    ("ex-deaf", "limits", "and soon", "ms"),
    ("ex-empty", "config", "name= opens", "crashed"),
    ("ex-mute", "config", "name=-x opens", "without saying why"),
    ("ex-secret", "config", "uses the host's services", "secret option"),
    ("ex-class", "config", "uses the host's services", "class 99"),
    ("ex-need-crash", "faults", "open: number 1 of memory is refused", "crashed"),
    ("ex-need-mute", "faults", "open: number 1 of memory is refused",
     "without saying why"),
    ("ex-need-fd", "faults", "opening in need: no descriptor", "1 more"),
    ("ex-pretends", "faults", "number 1 of a descriptor is refused: a success "
     "is a whole one", "stdout is ''"),
    ("ex-hasty", "faults", "is slow: that is no reason to fail", "too slow"),
    ("ex-stops", "faults", "says yes: a failure says cancelled", "class 1"),
    ("ex-gives", "offers", "node_check: uses the host's services",
     "this call gives none"),
    ("ex-seven", "offers", "node_check: answers", "returned 7"),
    ("ex-deaf-step", "offers", "node_check: begun after its deadline",
     "after 2"),
    ("ex-verdict", "offers", "node_probe: its results", "verdict is 'maybe'"),
    ("ex-textless", "offers", "node_probe: its results", "no text"),
    ("ex-unfenced", "offers", "bricks_create: an older epoch", "succeeded"),
    ("ex-shell", "offers", "bricks_create: no argument was run", "a shell made"),
    ("ex-agrees", "offers", "bricks_create of no name", "says that it did"),
    ("ex-twice", "offers", "bricks_create: done twice", "it is there"),
    ("ex-halfway", "deaths", "bricks_create: killed at call 1", "half of it"),
)


# Those that need more than a node.
ARGS = {
    "ex-secret": ("-o", "password=correct horse"),
    **{name: ("-d", "/dev/x") for name in (
        "ex-unfenced", "ex-shell", "ex-agrees", "ex-halfway", "ex-twice")},
}


def try_fault(work, name):
    path = os.path.join(work, name + ".so")
    shutil.copy(FAULTY, path)
    groups = [x for n, group, _, _ in FAULTS if n == name
              for x in ("-G", group)]
    return name, check("--no-valgrind", "-t", "3" if name == "vt-hang" else "60",
                       "-n", "n1", *groups, *ARGS.get(name, ()), path)


def faults(work):
    names = sorted({f[0] for f in FAULTS})
    # Most of the time they wait.
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = dict(pool.map(lambda name: try_fault(work, name), names))
    for name, group, what, why in FAULTS:
        tap.ok(answers[name]["failed"] > 0, "%s is not what it should be" % name)
        got = [f for f in failed(answers[name])
               if f[0] == group and what in f[1] and why in f[2]]
        if not tap.ok(got, "%s: %s" % (name, what)):
            tap.diag("%r" % failed(answers[name]))


def under_valgrind(work):
    if not VALGRIND or SANITIZED:
        tap.skip("leaks and races are found", "no valgrind here" if not VALGRIND
                 else "built with a sanitizer")
        return
    for name, group in ("vt-leak", "valgrind laws"), ("vt-race",
                                                      "valgrind threads"):
        path = os.path.join(work, name + ".so")
        shutil.copy(FAULTY, path)
        a = check(path, status=1)
        tap.ok([f for f in failed(a) if f[0] == group],
               "%s is found under valgrind" % name)
    tap.is_(failed(check(plugin("plugins", "replicate"), status=0)), [],
            "replicate is clean under valgrind")


def objects(work):
    a = check("--no-valgrind", os.path.join(
        BUILDDIR, "tests", "unit", "plug", ".libs", "noinit.so"), status=1)
    tap.ok("no brickyard_plugin_init" in failed(a)[0][2],
           "what is no plug-in is told so")
    path = os.path.join(work, "text.so")
    with open(path, "w") as f:
        f.write("not an object\n")
    a = check("--no-valgrind", path, status=1)
    tap.ok("not a shared object" in failed(a)[0][2], "nor is a text")


def formats():
    for form, first in (("tap", "ok 1 - "), ("text", "ok       object: ")):
        out = subprocess.run([CHECK, "-f", form, "--no-valgrind",
                              plugin("plugins", "replicate")], text=True,
                             stdout=subprocess.PIPE).stdout
        tap.ok(out.startswith(first), "format %s" % form)
        last = out.splitlines()[-1]
        tap.ok(last.startswith("1..") if form == "tap" else
               "passed, 0 failed" in last, "ends as it should: " + last)
    for args in ([], ["-f", "xml", "x.so"], ["-o", "x", "/dev/null"],
                 ["no-such-file.so"]):
        p = subprocess.run([CHECK] + args, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
        tap.ok(p.returncode == 2 and "--help" in p.stderr,
               "wrong usage: %s" % " ".join(args))


work = tempfile.mkdtemp(prefix="brickyard-plugin-check-test-")
os.environ["TMPDIR"] = work     # others may run one, too
try:
    ours(work)
    faults(work)
    under_valgrind(work)
    objects(work)
    formats()
    tap.is_([d for d in os.listdir(work)
             if d.startswith("brickyard-plugin-check.")], [],
            "nothing is left behind")
finally:
    shutil.rmtree(work)
tap.done()
