#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Scripts over ssh, on a real sshd: what comes back, how much at a time, and
that nothing goes on after a cancel or a deadline."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap, sshd
import time

sshd.require()
d = sshd.workdir()
key = sshd.keygen(d + "/key")
server = sshd.Sshd(d)
server.authorize(key)
server.start()


def driver(port=None, **options):
    return sshd.Driver(d, **{"keyfile": key, "user": sshd.USER, "port": port or server.port,
                             "accepted_hosts_file": d + "/hosts", **options})


def outcome(r):
    return (r.status, r.get("stdout"), r.get("stderr"))


def pid_in(path):
    sshd.wait_until(path, lambda: os.path.exists(path) and open(path).read().endswith("\n"))
    with open(path) as f:
        return int(f.read())


drv = driver()

# ---- what comes back
r = drv.run("echo out; echo err >&2; exit 7")
tap.is_(outcome(r), (7, "out\n", "err\n"), "exit status, stdout and stderr come back") or tap.diag(r, drv.log())
tap.is_(outcome(drv.run("")), (0, "", ""), "an empty script is one, too")
tap.is_(outcome(drv.run("printf 'a\\nb'")), (0, "a\nb", ""), "output need not end in a line end")
r = drv.run("cat; read x; echo \"got '$x' $?\"")
tap.is_(r.get("stdout"), "got '' 1\n", "a tool that reads stdin finds its end, not the script")
r = drv.run("kill -SEGV $$")
tap.is_(r.status, 139, "a script killed by a signal has 128 and its number")
r = drv.run("kill -KILL $PPID; sleep 1")
tap.is_((r.ok, r.status), (True, 137), "also when it takes the shell around it along")
r = drv.run("printf '\\377a\\000b\\303\\244\\n'")
tap.is_(r.get("stdout"), "?a?bä\n", "what is no UTF-8, or NUL, becomes '?'")
r = drv.run("echo \"$LC_ALL $PATH\"")
tap.is_(r.get("stdout"), "C /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
        "locale and PATH are set")
quote = "it's \"$HOME\" `x` \\ ! # ä é\n"
r = drv.run("cat <<'END'\n" + quote + "END\n")
tap.is_(r.get("stdout"), quote, "quotes, dollars and umlauts arrive as they are")
start = time.monotonic()
r = drv.run("(trap '' HUP; exec setsid sleep 7) & echo done")
tap.ok(r.get("stdout") == "done\n" and time.monotonic() - start < 5,
       "what it leaves running in the background does not hold up the end")

# ---- sizes
r = drv.run("head -c 10000000 /dev/zero | tr '\\0' x; echo; echo END")
tap.ok(r.ok and len(r.get("stdout")) == 256 * 1024 and r.get("stdout").endswith("x\nEND\n"),
       "of 10 MB of output the last 256 KiB are kept")
r = drv.run("{ head -c 10000000 /dev/zero | tr '\\0' y; echo LAST; } >&2; echo ok")
tap.ok(r.ok and len(r.get("stderr")) == 256 * 1024 and r.get("stderr").endswith("yLAST\n") and
       r.get("stdout") == "ok\n", "of stderr, too, apart from stdout")
r = drv.run("n=0\n" + "n=$((n+1))  # %s\n" % ("ä" * 100) * 5000 + "echo $n")
tap.is_(r.get("stdout"), "5000\n", "a script of a MiB runs to its last line")
r = drv.run(": '" + "x" * (1 << 20) + "'\necho whole")
tap.is_(r.get("stdout"), "whole\n", "one with a line of a MiB, too")
tap.is_(server.logins(), 1, "all that went over one connection")

# ---- many at a time
start = time.monotonic()
busy = [drv.start("echo %d; sleep 0.3" % i) for i in range(64)]
for r in busy:
    drv.wait(r)
tap.is_([r.get("stdout") for r in busy], ["%d\n" % i for i in range(64)],
        "64 at once on one node all run, each with its own output")
tap.ok(server.logins() <= 3, "over two more connections at most (16 at a time, 8 on each)") or \
    tap.diag(server.logins())
tap.ok(time.monotonic() - start > 1.1, "16 at a time, the others wait")

# ---- an end before the end
pid_file = d + "/pid1"
r = drv.start("echo $$ >%s; sleep 60 & wait" % pid_file, cancel=1000)
pid = pid_in(pid_file)
drv.wait(r)
tap.ok(r.err_class == sshd.CANCELLED and r.ms < 1200, "a cancelled call comes back within 200 ms") or tap.diag(r)
tap.ok(sshd.wait_until("pid gone", lambda: not sshd.is_running(pid), 5), "and its script is killed")
pid_file = d + "/pid2"
r = drv.start("trap '' TERM INT HUP; echo $$ >%s; while :; do sleep 1; done" % pid_file, cancel=1000)
pid = pid_in(pid_file)
drv.wait(r)
tap.ok(sshd.wait_until("pid gone", lambda: not sshd.is_running(pid), 5), "even if it takes no notice of TERM")
pid_file = d + "/pid3"
r = drv.start("echo $$ >%s; sleep 60" % pid_file, timeout=3000)
pid = pid_in(pid_file)
drv.wait(r)
tap.ok(r.err_class == sshd.TIMEOUT and r.ms < 3200, "one whose deadline passes is ended by it") or tap.diag(r)
tap.has(r.text, "127.0.0.1:%d" % server.port, "the text names the node")
tap.ok(sshd.wait_until("pid gone", lambda: not sshd.is_running(pid), 5), "and killed")
r = drv.run("sleep 60", timeout=300)
tap.ok(r.err_class == sshd.TIMEOUT and r.ms < 500, "also with a deadline below a second") or tap.diag(r)
tap.is_(drv.run("echo 124; exit 124").status, 124, "a status of timeout(1) is the script's, if it is not late")
tap.is_(outcome(drv.run("echo still")), (0, "still\n", ""), "the connection is still good after all that")
r = drv.run("echo no", timeout=0)
tap.is_(r.err_class, sshd.TIMEOUT, "a call whose deadline has passed does nothing")
for host in "a b", "-oProxyCommand=x", "x;y", "a\u00e4", "*":
    r = drv.run("true", host=host)
    tap.is_(r.err_class, sshd.INVALID, "'%s' is no host" % host)

# ---- this process dies in the middle
pid_file = d + "/pid4"
drv.start("echo $$ >%s; sleep 60" % pid_file)
pid = pid_in(pid_file)
drv.kill()
tap.ok(sshd.wait_until("pid gone", lambda: not sshd.is_running(pid), 5),
       "when this process is killed, so is the script")

# ---- limits
with driver(command_timeout_s=2) as drv:
    r = drv.run("sleep 60")
    tap.ok(r.err_class == sshd.TIMEOUT and r.ms < 2500, "command_timeout_s bounds a script") or tap.diag(r)
with driver(channels_per_node=1) as drv:
    drv.start("echo $$ >%s/first; sleep 2" % d)
    pid_in(d + "/first")
    r = drv.run("echo late", timeout=500)
    tap.is_(r.err_class, sshd.TIMEOUT, "who waits for a channel waits no longer than its deadline")
    tap.has(r.text, "channels_per_node", "and is told what it waited for")
    r = drv.run("echo cancelled", cancel=100)
    tap.is_(r.err_class, sshd.CANCELLED, "nor when it is cancelled")
    tap.is_(drv.run("echo mine").get("stdout"), "mine\n", "else it gets its turn")
drv = driver(idle_s=1)
drv.run("true")
tap.ok(sshd.wait_until("connection gone", lambda: not server.children(), 5), "an idle connection is closed")
tap.is_(drv.run("echo again").get("stdout"), "again\n", "and opened again")
start = time.monotonic()
tap.ok(drv.close() == 0 and time.monotonic() - start < 2, "closing the instance is quick")

for n in 1, 2:
    tight = sshd.Sshd(d, "max%d" % n, MaxSessions=n)
    tight.authorize(key)
    tight.start()
    with driver(tight.port) as drv:
        all_ = [drv.start("echo %d; sleep 0.1" % i) for i in range(20)]
        for r in all_:
            drv.wait(r)
        tap.is_([r.get("stdout") for r in all_], ["%d\n" % i for i in range(20)],
                "MaxSessions %d: other connections are opened instead" % n) or tap.diag(*all_)
        r = drv.run("sleep 60", cancel=300)
        tap.is_(drv.run("echo on").get("stdout"), "on\n", "MaxSessions %d: also after a cancel" % n)
none = sshd.Sshd(d, "max0", MaxSessions=0)
none.authorize(key)
none.start()
with driver(none.port) as drv:
    r = drv.run("true")
    tap.is_(r.err_class, sshd.PERMANENT, "MaxSessions 0 is an error that says so")
    tap.has(r.text, "MaxSessions", "by name")
tap.done()
