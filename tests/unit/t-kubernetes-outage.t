#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What breaks on the way to a pod: API servers that are not there, are none, hang,
or break off before, in and after a script.  All bounded, all said, never guessed."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap, kubeapi
import socket
import threading
import time
from sshd import Proxy

kubeapi.require()
d = kubeapi.workdir()
api = kubeapi.Api(d)
api.pods = [kubeapi.pod("a", labels={"glusterfs-node": "n1"})]


def driver(port=None, **options):
    path = d + "/config-%s" % (port or api.port)
    api.kubeconfig(path, cluster={"server": "http://127.0.0.1:%d" % (port or api.port)})
    return kubeapi.Driver(d, kubeconfig=path, **options)


def fails(name, drv, err_class, within_ms, *parts, **words):
    r = drv.run("true", host="n1", **words)
    if not tap.ok(r.err_class == err_class and r.ms <= within_ms and all(p in r.text for p in parts), name):
        tap.diag(r)
    return r


def works(name, drv):
    r = drv.run("echo on", host="n1")
    tap.is_(r.get("stdout"), "on\n", name) or tap.diag(r, drv.log())


def appears(path):
    return kubeapi.wait_until(path, lambda: os.path.exists(path) and os.path.getsize(path) > 0)


def gone(path):
    return kubeapi.wait_until("gone", lambda: not kubeapi.is_running(int(open(path).read())), 5)


# ---- nobody there, or no API server
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    nobody = s.getsockname()[1]
with driver(nobody) as drv:
    fails("a port where nobody listens", drv, kubeapi.UNREACHABLE, 2000, "127.0.0.1:%d" % nobody, "connect to server")
# ---- its node is off: as transient, an operation would wait for it instead of taking another
api.unreached = lambda pod: "dial tcp 198.18.0.9:10250: connect: no route to host"
with driver() as drv:
    fails("a Kubernetes node that is off is not waited for as if it were busy", drv, kubeapi.UNREACHABLE, 6000,
          "the script was not started: ", "dial tcp 198.18.0.9:10250: connect: no route to host", "the pod is Running")
    api.protocols.remove("v5.channel.k8s.io")
    fails("nor by the older protocol", drv, kubeapi.UNREACHABLE, 6000, "kubelet of pod a", "HTTP 500",
          "error dialing backend: dial tcp 198.18.0.9:10250: connect: no route to host", "The pod is Running")
    api.protocols.insert(0, "v5.channel.k8s.io")
    api.unreached = lambda pod: None
    works("and used when it is back", drv)
listener = socket.create_server(("127.0.0.1", 0))
says = {"what": b""}


def talk(c):
    try:
        c.settimeout(30)
        c.recv(4096)
        if says["what"] is None:
            time.sleep(30)
        c.sendall(says["what"] or b"")
    except OSError:
        pass
    c.close()


def serve():
    while True:
        threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()


threading.Thread(target=serve, daemon=True).start()
port = listener.getsockname()[1]
for what, says["what"] in (("hangs up", b""), ("sends garbage", bytes(range(256)) * 99)):
    with driver(port, connect_timeout_s=2) as drv:
        fails("one that " + what, drv, kubeapi.UNREACHABLE, 3000, "127.0.0.1:%d" % port)
says["what"] = b"HTTP/1.0 200 OK\r\n\r\n<html>hello</html>"
with driver(port) as drv:
    fails("one that is a web server", drv, kubeapi.PERMANENT, 2000, "no list of pods")
says["what"] = None
with driver(port, connect_timeout_s=1) as drv:
    fails("one that says nothing", drv, kubeapi.UNREACHABLE, 3500, "127.0.0.1:%d" % port)
with driver(port) as drv:
    fails("for as long as the call may take", drv, kubeapi.UNREACHABLE, 700, "no script was started", timeout=500)
    fails("or until it is cancelled", drv, kubeapi.CANCELLED, 500, cancel=300)
    start = time.monotonic()
    drv.close()
    tap.ok(time.monotonic() - start < 1, "and the end need not wait for it")

# ---- WebSockets that can't be opened
with driver() as drv:
    api.cut = "upgrade"
    fails("connections that break at the upgrade", drv, kubeapi.UNREACHABLE, 3000, "no WebSocket to the API server")
    api.cut = None
    works("are made again later", drv)
    api.protocols = ["base64.channel.k8s.io"]
    fails("a server with other subprotocols", drv, kubeapi.PERMANENT, 2000, "v4.channel.k8s.io")
    api.protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
    api.slow = 0.3
    works("a slow server is only slow", drv)
    fails("unless there is no time", drv, kubeapi.UNREACHABLE, 350, "no script was started", timeout=150)
    api.slow = 0

# ---- broken off
with driver() as drv:
    api.cut = "stdin"
    upgrades = api.upgrades
    r = drv.run("echo ran >%s/half; : %s" % (d, "x" * 20000000), host="n1")
    tap.ok(r.err_class == kubeapi.UNREACHABLE and api.upgrades > upgrades + 1, "broken off before a script was sent: "
           "it is sent again, then told") or tap.diag(r)
    time.sleep(0.3)
    tap.ok(not os.path.exists(d + "/half"), "and never run in part")
    api.cut = None
    works("nor is the next one kept from it", drv)
    api.cut = "started"
    r = drv.run("echo $$ >%s/cut; echo begun; sleep 60" % d, host="n1")
    tap.ok(r.err_class == kubeapi.TRANSIENT and "outcome is not known" in r.text,
           "broken off in the middle: said, not guessed") or tap.diag(r)
    appears(d + "/cut")
    tap.ok(gone(d + "/cut"), "and the script is killed there")
    api.cut = "end"
    r = drv.run("exit 6", host="n1")
    tap.is_((r.ok, r.status), (True, 6), "broken off after the script's own mark: that is what counts") or tap.diag(r)
    r = drv.run("kill -KILL $PPID", host="n1")
    tap.ok(r.err_class == kubeapi.TRANSIENT and "outcome is not known" in r.text, "without it nothing is known") or \
        tap.diag(r)
    api.cut = None
    r = drv.start("echo $$ >%s/mid; sleep 60" % d, host="n1")
    appears(d + "/mid")
    api.drop_connections()
    drv.wait(r)
    tap.ok(r.err_class == kubeapi.TRANSIENT and "outcome is not known" in r.text, "an API server that dies") or tap.diag(r)
    tap.ok(gone(d + "/mid"), "takes the script along")
    works("REST connections that died idle are opened anew, unseen", drv)

# ---- silence
with driver(keepalive_s=1) as drv:
    works("keep-alive is on", drv)
    r = drv.start("sleep 4; echo quiet", host="n1")
    drv.wait(r)
    tap.is_(r.get("stdout"), "quiet\n", "a script that says nothing for long is not taken for dead") or tap.diag(r)
    r = drv.start("echo $$ >%s/silent; sleep 60" % d, host="n1", timeout=20000)
    appears(d + "/silent")
    api.silent = True
    drv.wait(r)
    api.silent = False
    tap.ok(r.err_class == kubeapi.TRANSIENT and r.ms < 6000 and "outcome is not known" in r.text,
           "a server that falls silent is noticed by keep-alive") or tap.diag(r)
    tap.ok(gone(d + "/silent"), "the script does not go on")
proxy = Proxy(api.port)
with driver(proxy.port, keepalive_s=0) as drv:
    r = drv.start("echo $$ >%s/far; exec sleep 60" % d, host="n1", timeout=3000)
    appears(d + "/far")
    proxy.freeze()
    drv.wait(r)
    tap.ok(r.err_class == kubeapi.TIMEOUT and r.ms < 3200, "without keep-alive the deadline ends it") or tap.diag(r)
    tap.ok(gone(d + "/far"), "the pod ends the script by itself, though nobody can tell it")
    proxy.cut()
    works("and on, over new connections", drv)
with driver(proxy.port, connect_timeout_s=1, pod_cache_s=60) as drv:
    works("the pod is in the cache", drv)
    proxy.stalled = True
    fails("silence when the WebSocket is opened", drv, kubeapi.UNREACHABLE, 6000)
    fails("no longer than the call", drv, kubeapi.UNREACHABLE, 700, timeout=500)
    proxy.stalled = False
    works("and on, when it is over", drv)
proxy.delay = 0.03
with driver(proxy.port) as drv:
    r = drv.run("echo slow; " + ": " + "x" * 200000, host="n1")
    tap.is_(r.get("stdout"), "slow\n", "a slow network is only slow") or tap.diag(r)
    r = drv.run("head -c 2000000 /dev/zero | tr '\\0' x", host="n1", cancel=400)
    tap.ok(r.ok or (r.err_class == kubeapi.CANCELLED and r.ms < 600), "cancelling is not slow") or tap.diag(r)

# ---- all at once
proxy.delay = 0
with driver(proxy.port, pod_cache_s=0) as drv:
    stop = time.monotonic() + 3
    calls = []
    while time.monotonic() < stop:
        for i in range(20):
            calls.append(drv.start("echo %d; echo e%d >&2; sleep 0.%d" % (len(calls), len(calls), i % 4), host="n1",
                                   **({"cancel": 30} if i % 5 == 4 else {})))
        time.sleep(0.25)
        proxy.cut()
    for r in calls:
        drv.wait(r)
    known = [i for i, r in enumerate(calls) if r.ok]
    wrong = [calls[i] for i in known if calls[i].get("stdout") != "%d\n" % i or calls[i].status != 0]
    tap.ok(len(known) > 20 and not wrong, "calls, cancels and cuts at once: what has succeeded is whole (%d of %d)" % (
        len(known), len(calls))) or tap.diag(*wrong[:3])
    bad = [r for r in calls if not r.ok and r.err_class not in (
        kubeapi.TRANSIENT, kubeapi.UNREACHABLE, kubeapi.CANCELLED)]
    tap.ok(not bad, "the others are told as what may pass") or tap.diag(*bad[:3])
    works("and on", drv)
tap.done()
