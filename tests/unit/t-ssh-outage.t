#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What breaks on the way to a node: servers that are not there, are no servers,
die, hang; networks that are cut or slow.  All bounded, all said."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap, sshd
import signal
import socket
import threading
import time

sshd.require()
d = sshd.workdir()
key = sshd.keygen(d + "/key")
server = sshd.Sshd(d)
server.authorize(key)
server.start()


def driver(port, **options):
    return sshd.Driver(d, **{"keyfile": key, "user": sshd.USER, "port": port, "host_key_mode": "insecure",
                             **options})


def appears(path):
    return sshd.wait_until(path, lambda: os.path.exists(path) and os.path.getsize(path) > 0)


def fails(name, drv, err_class, within_ms, *parts, **words):
    r = drv.run("true", **words)
    if not tap.ok(r.err_class == err_class and r.ms <= within_ms and all(p in r.text for p in parts), name):
        tap.diag(r)
    return r


# ---- nobody there
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    nobody = s.getsockname()[1]
with driver(nobody) as drv:
    fails("a port where nobody listens", drv, sshd.UNREACHABLE, 2000, "127.0.0.1:%d" % nobody, "Connection refused")
    fails("a name that is not known", drv, sshd.UNREACHABLE, 30000, "can't be resolved", host="no-such-host.invalid",
          timeout=30000)

# ---- no sshd
listener = socket.create_server(("127.0.0.1", 0))
says = {"what": b""}


def serve():
    while True:
        c, _ = listener.accept()
        threading.Thread(target=talk, args=(c,), daemon=True).start()


def talk(c):
    try:
        if says["what"] is None:
            time.sleep(30)          # says nothing
        elif says["what"] == b"drip":
            while True:
                c.sendall(b"x")
                time.sleep(0.1)
        elif says["what"]:
            c.sendall(says["what"])
            time.sleep(0.2)
    except OSError:
        pass
    c.close()


threading.Thread(target=serve, daemon=True).start()
garbage_port = listener.getsockname()[1]
for what, says["what"] in (("hangs up", b""), ("speaks HTTP", b"HTTP/1.0 400 Bad Request\r\n\r\n"),
                           ("sends garbage", bytes(range(256)) * 2000),
                           ("speaks SSH, then garbage", b"SSH-2.0-x\r\n" + b"\xff" * 5000)):
    with driver(garbage_port, connect_timeout_s=3) as drv:
        fails("one that " + what, drv, sshd.UNREACHABLE, 4000, "handshake")
for what, says["what"] in ("says nothing", None), ("sends a byte now and then", b"drip"):
    with driver(garbage_port, connect_timeout_s=1) as drv:
        fails("one that " + what, drv, sshd.UNREACHABLE, 1500, "within 1 seconds")
    with driver(garbage_port, connect_timeout_s=20) as drv:
        fails("for as long as the call may take", drv, sshd.UNREACHABLE, 700, "while connecting", timeout=500)
        r = drv.run("true", cancel=300)
        tap.ok(r.err_class == sshd.CANCELLED and r.ms < 500, "or until it is cancelled") or tap.diag(r)
        start = time.monotonic()
        drv.close()
        tap.ok(time.monotonic() - start < 1, "and the end need not wait for it")

# ---- nobody answers: waited for once, then taken at its word for a while
with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
    address = silent.getsockname()
    full = []               # who comes after these hears nothing
    while not full or full[-1].connect_ex(address) == 0:
        full.append(socket.socket())
        full[-1].settimeout(0.5)
    came = []

    def admit():
        while True:
            try:
                c, who = silent.accept()
            except OSError:
                return
            came.append(who)
            c.close()
    with driver(address[1], connect_timeout_s=2) as drv:
        fails("an address that does not answer", drv, sshd.UNREACHABLE, 4000, "Connection timed out")
        for s in full:
            s.close()
        ours = len(full)
        threading.Thread(target=admit, daemon=True).start()
        fails("who tries again at once is told the same", drv, sshd.UNREACHABLE, 1500, "Connection timed out")
        time.sleep(1)
        tap.ok(len(came) <= ours, "and it is not asked for that") or tap.diag(came)
        time.sleep(5)
        fails("later it is asked again", drv, sshd.UNREACHABLE, 4000, "handshake")
    silent.shutdown(socket.SHUT_RDWR)

# ---- sshd dies
with driver(server.port) as drv:
    drv.run("true")
    server.kill_connections()
    time.sleep(0.2)
    r = drv.run("echo on")
    tap.is_(r.get("stdout"), "on\n", "a connection that died idle is opened anew, unseen") or tap.diag(r)
    drv.run("true")
    server.kill_connections()
    r = drv.run("echo on")
    tap.is_(r.get("stdout"), "on\n", "also if it dies in this moment") or tap.diag(r)
    pids = [d + "/mid%d" % i for i in range(3)]
    mid = [drv.start("echo $$ >%s; sleep 60" % p) for p in pids]
    all(appears(p) for p in pids)
    server.kill_connections()
    for r in mid:
        drv.wait(r)
    tap.ok(all(r.err_class == sshd.TRANSIENT and "outcome is not known" in r.text for r in mid),
           "sshd killed in the middle of scripts: said, not guessed") or tap.diag(*mid)
    tap.ok(all(sshd.wait_until("gone", lambda: not sshd.is_running(int(open(p).read())), 5) for p in pids),
           "and the scripts are killed there")
    port = server.port
    server.stop()
    fails("no sshd any more", drv, sshd.UNREACHABLE, 2000, "Connection refused")
    server.start()
    tap.is_(server.port, port, "it is started again")
    tap.is_(drv.run("echo back").get("stdout"), "back\n", "and used again")

# ---- the network
proxy = sshd.Proxy(server.port)
with driver(proxy.port, keepalive_s=1, connect_timeout_s=3) as drv:
    r = drv.start("echo $$ >%s/cut; sleep 60" % d)
    appears(d + "/cut")
    proxy.cut()
    drv.wait(r)
    tap.ok(r.err_class == sshd.TRANSIENT and r.ms < 5000, "a connection cut in the middle") or tap.diag(r)
    tap.is_(drv.run("echo on").get("stdout"), "on\n", "the next call opens another")

    r = drv.start("echo $$ >%s/stall; sleep 60" % d, timeout=20000)
    appears(d + "/stall")
    proxy.stalled = True
    drv.wait(r)
    tap.ok(r.err_class == sshd.TRANSIENT and r.ms < 6500 and "keep-alive" in r.text,
           "silence in the middle: noticed by keep-alive") or tap.diag(r)
    fails("silence when connecting", drv, sshd.UNREACHABLE, 4000, "no answer within 3 seconds")
    proxy.stalled = False
    proxy.cut()
    tap.is_(drv.run("echo on").get("stdout"), "on\n", "and on, when it is over")

with driver(proxy.port, keepalive_s=0, connect_timeout_s=2) as drv:
    drv.run("true")
    proxy.stalled = True
    r = drv.start("echo on", timeout=20000)
    time.sleep(1)
    proxy.cut()
    proxy.stalled = False
    drv.wait(r)
    tap.is_(r.get("stdout"), "on\n", "a connection found dead before the script is sent is replaced") or tap.diag(r)
    r = drv.start("echo $$ >%s/far; exec sleep 60" % d, timeout=3000)
    appears(d + "/far")
    pid = int(open(d + "/far").read())
    proxy.stalled = True
    drv.wait(r)
    tap.ok(r.err_class == sshd.TIMEOUT and r.ms < 3200, "without keep-alive the deadline ends it") or tap.diag(r)
    tap.ok(sshd.wait_until("gone", lambda: not sshd.is_running(pid), 5),
           "the node ends the script by itself, though nobody can tell it")
    proxy.stalled = False
    proxy.cut()

with driver(proxy.port, keepalive_s=0, connect_timeout_s=2) as drv:
    drv.run("true")
    proxy.freeze()
    r = drv.run("echo on", timeout=20000)
    tap.ok(r.get("stdout") == "on\n" and 1900 < r.ms < 4000,
           "one that died without a word is replaced, when it does not answer") or tap.diag(r)

proxy.delay = 0.05
with driver(proxy.port) as drv:
    r = drv.run("echo slow; " + ": " + "x" * 200000)
    tap.is_(r.get("stdout"), "slow\n", "a slow network is only slow") or tap.diag(r)
    r = drv.run("head -c 2000000 /dev/zero | tr '\\0' x", cancel=700)
    tap.ok(r.ok or (r.err_class == sshd.CANCELLED and r.ms < 900), "cancelling is not slow") or tap.diag(r)
proxy.delay = 0

# ---- sshd hangs
with driver(server.port, keepalive_s=1) as drv:
    r = drv.start("echo $$ >%s/hang; sleep 60" % d)
    appears(d + "/hang")
    for pid in server.children():
        os.kill(pid, signal.SIGSTOP)
    drv.wait(r)
    tap.ok(r.err_class == sshd.TRANSIENT and "keep-alive" in r.text, "an sshd that hangs is noticed, too") or tap.diag(r)
    for pid in server.children():
        os.kill(pid, signal.SIGCONT)
tap.done()
