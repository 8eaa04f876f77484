#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Scripts in a pod, by exec over WebSockets: what comes back in both subprotocols,
how much at a time, and that nothing goes on after a cancel or a deadline."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap, kubeapi
import time

kubeapi.require()
d = kubeapi.workdir()
api = kubeapi.Api(d)
api.pods = [kubeapi.pod("gluster-%d" % i, labels={"glusterfs-node": "127.0.0.%d" % i}) for i in (1, 2, 3)]
config = api.kubeconfig(d + "/config")
V4, V5 = "v4.channel.k8s.io", "v5.channel.k8s.io"


def driver(**options):
    return kubeapi.Driver(d, **{"kubeconfig": config, **options})


def outcome(r):
    return (r.status, r.get("stdout"), r.get("stderr"))


def pid_in(path):
    kubeapi.wait_until(path, lambda: os.path.exists(path) and open(path).read().endswith("\n"))
    with open(path) as f:
        return int(f.read())


def gone(pid):
    return kubeapi.wait_until("pid gone", lambda: not kubeapi.is_running(pid), 5)


def basics(drv, what):
    r = drv.run("echo out; echo err >&2; exit 7")
    tap.is_(outcome(r), (7, "out\n", "err\n"), what + "exit status, stdout and stderr come back") or \
        tap.diag(r, drv.log())
    tap.is_(outcome(drv.run("")), (0, "", ""), what + "an empty script is one, too")
    tap.is_(outcome(drv.run("printf 'a\\nb'; printf x >&2")), (0, "a\nb", "x"), what + "output need not end in a line end")


def sizes(drv, what):
    r = drv.run("head -c 10000000 /dev/zero | tr '\\0' x; echo; echo END")
    tap.ok(r.ok and len(r.get("stdout")) == 256 * 1024 and r.get("stdout").endswith("x\nEND\n"),
           what + "of 10 MB of output the last 256 KiB are kept") or tap.diag(r)
    r = drv.run("{ head -c 10000000 /dev/zero | tr '\\0' y; echo LAST; } >&2; echo ok")
    tap.ok(r.ok and len(r.get("stderr")) == 256 * 1024 and r.get("stderr").endswith("yLAST\n") and
           r.get("stdout") == "ok\n", what + "of stderr, too, apart from stdout") or tap.diag(r)
    r = drv.run("n=0\n" + "n=$((n+1))  # %s\n" % ("ä" * 100) * 5000 + "echo $n")
    tap.is_(r.get("stdout"), "5000\n", what + "a script of a MiB runs to its last line") or tap.diag(r)


def ends(drv, what, name):
    """Nothing goes on after the end of a call."""
    pid_file = d + "/%s1" % name
    r = drv.start("echo $$ >%s; sleep 60 & wait" % pid_file, cancel=1000)
    pid = pid_in(pid_file)
    drv.wait(r)
    tap.ok(r.err_class == kubeapi.CANCELLED and r.ms < 1200, what + "a cancelled call comes back within 200 ms") or \
        tap.diag(r)
    tap.ok(gone(pid), what + "and its script is killed")
    pid_file = d + "/%s2" % name
    r = drv.start("trap '' TERM INT HUP; echo $$ >%s; while :; do sleep 1; done" % pid_file, cancel=1000)
    pid = pid_in(pid_file)
    drv.wait(r)
    tap.ok(gone(pid), what + "even if it takes no notice of TERM")
    pid_file = d + "/%s3" % name
    r = drv.start("echo $$ >%s; sleep 60" % pid_file, timeout=3000)
    pid = pid_in(pid_file)
    drv.wait(r)
    tap.ok(r.err_class == kubeapi.TIMEOUT and r.ms < 3200, what + "one whose deadline passes is ended by it") or \
        tap.diag(r)
    tap.has(r.text, "127.0.0.1", what + "the text names the node")
    tap.ok(gone(pid), what + "and killed")
    pid_file = d + "/%s4" % name
    other = driver()
    other.start("echo $$ >%s; sleep 60" % pid_file)
    pid = pid_in(pid_file)
    other.kill()
    tap.ok(gone(pid), what + "when this process is killed, so is the script")


# ---- what comes back
drv = driver()
basics(drv, "v5: ")
tap.is_(set(api.chosen), {V5}, "v5 is taken where it is offered")
r = drv.run("cat; read x; echo \"got '$x' $?\"")
tap.is_(r.get("stdout"), "got '' 1\n", "a tool that reads stdin finds its end, not the script")
tap.is_(drv.run("kill -SEGV $$").status, 139, "a script killed by a signal has 128 and its number")
r = drv.run("kill -KILL $PPID; sleep 1")
tap.is_((r.ok, r.status), (True, 137), "also when it takes the shell around it along") or tap.diag(r)
r = drv.run("printf '\\377a\\000b\\303\\244\\n'")
tap.is_(r.get("stdout"), "?a?bä\n", "what is no UTF-8, or NUL, becomes '?'")
r = drv.run("echo \"$LC_ALL $PATH\"")
tap.is_(r.get("stdout"), "C /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
        "locale and PATH are set")
quote = "it's \"$HOME\" `x` \\ ! # ä é ''\n"
tap.is_(drv.run("cat <<'END'\n" + quote + "END\n").get("stdout"), quote, "quotes, dollars and umlauts arrive as they are")
start = time.monotonic()
r = drv.run("(trap '' HUP; exec setsid sleep 3) & echo done")
tap.ok(r.get("stdout") == "done\n" and time.monotonic() - start < 2,
       "what it leaves running in the background does not hold up the end") or tap.diag(r)
r = drv.run("echo 'brickyard-0123 7'; echo after")
tap.is_(outcome(r), (0, "brickyard-0123 7\nafter\n", ""), "a mark that is not its own is output")

# ---- the status
api.lie = 0
r = drv.run("exit 9")
tap.is_(r.status, 9, "an API server that reports 0 wrongly is not believed")
tap.ok(kubeapi.wait_until("log", lambda: "says 9 itself" in drv.log(), 3), "but told on") or tap.diag(drv.log())
r = drv.run("kill -KILL $PPID; sleep 1")
tap.ok(r.err_class == kubeapi.TRANSIENT and "outcome is not known" in r.text,
       "nor if the script could say nothing any more") or tap.diag(r)
api.lie = 3
tap.is_(drv.run("exit 0").status, 0, "nor the other way round")
api.lie = None

# ---- sizes and frames
sizes(drv, "v5: ")
r = drv.run(": '" + "x" * (1 << 20) + "'\necho whole")
tap.is_(r.get("stdout"), "whole\n", "a script with a line of a MiB, too")
api.pieces = 3
tap.is_(outcome(drv.run("echo fragmented; echo frames >&2; exit 4")), (4, "fragmented\n", "frames\n"),
        "messages in fragments are put together")
api.pieces, api.drip = 1, True
tap.is_(outcome(drv.run("echo 12; exit 5")), (5, "12\n", ""), "byte by byte, and in half frames")
api.pieces, api.drip = 0, False
api.ping_s = 0.05
tap.is_(drv.run("sleep 0.5; echo on").get("stdout"), "on\n", "pings of the server are no output")
tap.ok(api.pongs >= 3, "and are answered") or tap.diag(api.pongs)
api.ping_s = 0

# ---- an end before the end
ends(drv, "v5: ", "five")
r = drv.run("sleep 60", timeout=300)
tap.ok(r.err_class == kubeapi.TIMEOUT and r.ms < 500, "also with a deadline below a second") or tap.diag(r)
tap.is_(drv.run("echo 124; exit 124").status, 124, "a status of timeout(1) is the script's, if it is not late")
tap.is_(drv.run("echo no", timeout=0).err_class, kubeapi.TIMEOUT, "a call whose deadline has passed does nothing")
for host in "a b", "-x", "x;y", "a/../b", "a\u00e4", "*", "a%2e":
    tap.is_(drv.run("true", host=host).err_class, kubeapi.INVALID, "'%s' is no host" % host)

# ---- many at a time
api.most = 0
busy = [drv.start("echo %d; sleep 0.3" % i) for i in range(32)]
for r in busy:
    drv.wait(r)
tap.is_([r.get("stdout") for r in busy], ["%d\n" % i for i in range(32)],
        "32 at once on one node all run, each with its own output") or tap.diag(*busy)
tap.is_(api.most, 8, "8 at a time, the others wait")
tap.ok(drv.close() == 1, "closing the instance is clean")

# ---- v4
api.protocols = [V4]
with driver() as drv:
    basics(drv, "v4: ")
    tap.is_(api.chosen[-1], V4, "an older server's v4 is taken")
    sizes(drv, "v4: ")
    ends(drv, "v4: ", "four")
api.protocols = [V5, V4]

# ---- limits
with driver(command_timeout_s=2) as drv:
    r = drv.run("sleep 60")
    tap.ok(r.err_class == kubeapi.TIMEOUT and r.ms < 2500, "command_timeout_s bounds a script") or tap.diag(r)
with driver(execs_per_node=1) as drv:
    drv.start("echo $$ >%s/first; sleep 1.5" % d)
    pid_in(d + "/first")
    r = drv.run("echo late", timeout=500)
    tap.is_(r.err_class, kubeapi.TIMEOUT, "who waits for a turn waits no longer than its deadline")
    tap.has(r.text, "execs_per_node", "and is told what it waited for")
    tap.is_(drv.run("echo cancelled", cancel=100).err_class, kubeapi.CANCELLED, "nor when it is cancelled")
    r = drv.run("echo other", host="127.0.0.2")
    tap.ok(r.get("stdout") == "other\n" and r.ms < 1000, "other nodes don't wait for that one") or tap.diag(r)
    tap.is_(drv.run("echo mine").get("stdout"), "mine\n", "else it gets its turn")
with driver(max_connections=2) as drv:
    api.most = 0
    all_ = [drv.start("echo %d; sleep 0.2" % i, host="127.0.0.%d" % (i % 3 + 1)) for i in range(9)]
    for r in all_:
        drv.wait(r)
    tap.is_(([r.get("stdout") for r in all_], api.most), (["%d\n" % i for i in range(9)], 2),
            "max_connections: on all nodes together no more, and none fails") or tap.diag(*all_)
with driver(max_connections=-1, execs_per_node=100) as drv:
    api.most = 0
    all_ = [drv.start("sleep 1") for i in range(80)]
    for r in all_:
        drv.wait(r)
    tap.ok(all(r.ok for r in all_) and api.most > 64, "below 0 there is no limit") or tap.diag(api.most)
with driver(disable_timeout_prefix="true") as drv:
    basics(drv, "no prefix: ")
    tap.ok("command=timeout" not in api.requests[-1], "no prefix: there is none")
    ends(drv, "no prefix: ", "bare")
tap.ok("command=timeout" in [x for x in api.requests if "/exec" in x][0], "else there is")
tap.done()
