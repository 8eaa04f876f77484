#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# How the local executor runs programs: output, deadlines, cancelling, orphans.
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import lab
import re
import socket
import time

lab.require_driver()
d = lab.workdir()
drv = lab.Driver(d)


def run(script, **kw):
    start = time.monotonic()
    r = drv.call("run", script=script, **kw)
    r.seconds = time.monotonic() - start
    return r


def alive(pidfile):
    with open(pidfile) as f:
        return os.path.exists("/proc/%d" % int(f.read()))


r = run("echo out; echo err >&2; exit 7")
tap.is_((r.ok, r.get("exit_status"), r.get("stdout"), r.get("stderr")),
        (True, "7", "out\n", "err\n"), "status, stdout and stderr come back; a status is no failure")
r = run("kill -9 $$")
tap.is_(r.get("exit_status"), "137", "a signal is 128 and its number")
r = run("env | sort; pwd; cat /proc/self/stat | cut -d' ' -f5 >/dev/null")
tap.has(r.get("stdout"), "LC_ALL=C\n", "the language is C")
os.environ["BRICKYARD_SECRET"] = "hush"
tap.ok("hush" not in run("env").get("stdout"), "the daemon's environment is not passed on")
r = run("i=0; while [ $i -lt 40000 ]; do echo line $i; i=$((i+1)); done")
tap.ok(len(r.get("stdout")) == 256 * 1024 and r.get("stdout").endswith("line 39999\n"),
       "of long output the last 256 KiB are kept")
r = run("printf 'a\\377b\\000c\\303\\251'")
tap.is_(r.get("stdout"), "a?b?c\u00e9", "bytes that are no text become question marks")
r = run("# " + "x" * 100000 + "\necho end")
tap.is_(r.get("stdout"), "end\n", "a script of 100 KB is read to its end")
r = run("ls /proc/self/fd | wc -l")
tap.is_(r.get("stdout").strip(), "4", "no descriptors but 0, 1, 2 (and ls's own) are inherited")

r = run("(sleep 30; echo late) & echo $! >%s/bg; echo started" % d)
tap.ok(r.get("stdout") == "started\n" and r.seconds < 5,
       "a process left in the background with our pipes does not hold the call")
tap.ok(alive(d + "/bg"), "and lives on")
os.kill(int(open(d + "/bg").read()), 9)

r = run("echo $$ >%s/p; sleep 60 & echo $! >%s/c; wait" % (d, d), timeout=300)
tap.is_(r.err_class, lab.TIMEOUT, "past the deadline the call fails")
tap.ok(r.seconds < 2, "soon")
tap.ok(lab.wait_for(lambda: not alive(d + "/p") and not alive(d + "/c"), 3),
       "and the script and its children are gone")
r = run("trap '' TERM; echo $$ >%s/p; while :; do sleep 0.1; done" % d, timeout=300)
tap.ok(r.err_class == lab.TIMEOUT and r.seconds < 5, "one that ignores TERM is killed")
tap.ok(not alive(d + "/p"), "and reaped")
r = run("sleep 60", cancel=300)
tap.ok(r.err_class == lab.CANCELLED and r.seconds < 3, "a cancelled call ends at once")

p = drv.start("run", script="echo $$ >%s/q; exec sleep 60" % d)
lab.wait_for(lambda: os.path.exists(d + "/q") and open(d + "/q").read().endswith("\n"))
p.kill()
p.communicate()
tap.ok(lab.wait_for(lambda: not alive(d + "/q"), 3), "a program dies with the process that runs it")

rs = drv.many([lab.words("run", script="sleep 0.5; echo %d" % i) for i in range(20)], parallel=True)
tap.is_([r.get("stdout") for r in rs], ["%d\n" % i for i in range(20)], "twenty scripts run at the same time")

# ---- the lock and its patience

lock = lab.Driver(d)
lock.call("run", script=":", op=lab.ident(1))
r = lock.call("run", script="flock -n %s/run/node.lock echo free" % d, op=lab.ident(1))
tap.is_(r.get("stdout"), "free\n", "a script can take the node lock itself")
holder = lock.start("run", script="exec 9>%s/run/node.lock; flock 9; echo y >%s/held; sleep 2" % (d, d))
lab.wait_for(lambda: os.path.exists(d + "/held"))
r = lock.call("run", script="echo in", op=lab.ident(2), timeout=300)
tap.ok(r.err_class == lab.TIMEOUT and "node lock" in r.text, "who waits for the lock too long says so")
holder.communicate()
r = lock.call("run", script="echo in", op=lab.ident(2), timeout=5000)
tap.is_(r.get("stdout"), "in\n", "once it is free the call goes on")

# ---- which machine

r = drv.call("run", script=":", host=socket.gethostname())
tap.ok(r.ok, "our own host name is here") or tap.diag(r)
r = drv.call("run", script="touch %s/elsewhere" % d, host="198.51.100.7")
tap.ok(r.err_class == lab.UNREACHABLE and "not this machine" in r.text, "another address is not")
tap.ok(not os.path.exists(d + "/elsewhere"), "and nothing is run")
r = lab.Driver(d, any_host="true").call("run", script=":", host="198.51.100.7")
tap.ok(r.ok, "any_host takes all")

# ---- options

for opt, value in (("lv_chunksize", "256K; reboot"), ("mountopts", "rw suid"), ("fstab", "fstab"),
                   ("lvm_config", "it's")):
    out = lab.sh(*lab.Driver(d, **{opt: value}).argv([["run"]]), check=False)
    tap.ok("open fail 10" in out and opt in out, "option %s=%s is refused by name" % (opt, value)) or tap.diag(out)

with open(os.path.join(tap.SRCDIR, "executors", "local", "brickyard-local.7.pod")) as f:
    manual = f.read()
with open(os.path.join(tap.SRCDIR, "executors", "local", "options.c")) as f:
    options = re.findall(r'\[OPT_[A-Z_]+\] = \{ "([a-z_]+)"', f.read())
tap.ok(len(options) > 15, "the table of options can be read")
tap.is_([o for o in options if "B<%s>" % o not in manual], [], "the manual has every option")

old = d + "/state/fences/old"
open(old, "w").write("1\n")
os.utime(old, (1, 1))
run(":", op=lab.ident(3))
tap.ok(not os.path.exists(old) and os.path.exists(d + "/state/fences/" + lab.ident(3)),
       "old fences are forgotten, new ones kept")
tap.done()
