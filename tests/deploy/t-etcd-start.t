#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""contrib/kubernetes/base/etcd/start.sh with real members, by the names and ports that
they have in a cluster: in a network and an /etc/hosts of our own."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import atexit
import json
import shutil
import subprocess
import tempfile
import time

import etcd

etcd.require()
if shutil.which("etcdctl") is None:
    tap.skip_all("no etcdctl here (package etcd-client)")
if os.geteuid() != 0:
    tap.skip_all("a network of its own wants root")
if "IN_NETWORK" not in os.environ:
    if subprocess.call(["unshare", "-mn", "true"]) != 0:
        tap.skip_all("no namespaces here")
    os.environ["IN_NETWORK"] = "1"
    os.execvp("unshare", ["unshare", "-mn", sys.executable, os.path.abspath(__file__)])

START = os.path.join(tap.SRCDIR, "contrib", "kubernetes", "base", "etcd", "start.sh")
work = tempfile.mkdtemp(prefix="etcd-start-")
atexit.register(shutil.rmtree, work, True)
subprocess.check_call(["ip", "link", "set", "lo", "up"])
names = ["brickyard-etcd-%d" % i for i in range(3)]
with open(os.path.join(work, "hosts"), "w") as f:
    for i, name in enumerate(names):
        f.write("127.0.0.%d %s.brickyard-etcd\n" % (11 + i, name))
subprocess.check_call(["mount", "--bind", os.path.join(work, "hosts"), "/etc/hosts"])
running = {}


def start(i, data):
    """Member i on the node whose directory is data."""
    address = "http://127.0.0.%d" % (11 + i)
    os.makedirs(os.path.join(work, data), exist_ok=True)
    log = open(os.path.join(work, "log%d" % i), "w")
    running[i] = etcd.spawn(["sh", START], stdout=log, stderr=log, env={
        "PATH": os.environ["PATH"], "MEMBER": names[i], "MEMBERS": "3",
        "SERVICE": "brickyard-etcd", "DATA": os.path.join(work, data),
        "PEER_LISTEN": address + ":2380", "CLIENT_LISTEN": address + ":2379",
        "ETCD_MORE": "--heartbeat-interval=100 --election-timeout=1000"})
    return running[i]


def stop(i):
    p = running.pop(i)
    p.kill()
    p.wait()


def log(i):
    with open(os.path.join(work, "log%d" % i)) as f:
        return f.read()


def ctl(*args, at=0):
    r = subprocess.run(["etcdctl", "--endpoints=http://127.0.0.%d:2379" % (11 + at),
                        "--command-timeout=5s", *args], text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       env=dict(os.environ, ETCDCTL_API="3"))
    return r.stdout if r.returncode == 0 else None


def healthy(n=3):
    """All members answer for themselves, through the quorum."""
    return etcd.wait_for(lambda: all(ctl("get", "x", at=i) is not None
                                     for i in running) and len(running) == n and
                         (ctl("member", "list") or "").count("started") == n, 60, 0.2)


def put(text):
    """The leader may be the one that was just stopped."""
    assert etcd.wait_for(lambda: ctl("put", "key", text) is not None, 60, 0.2)


def remove(name):
    found = [line.split(",")[0] for line in ctl("member", "list").splitlines()
             if name + "," in line]
    assert etcd.wait_for(lambda: ctl("member", "remove", found[0]) is not None, 60, 0.2)


def value(at):
    return ctl("get", "--print-value-only", "key", at=at)


for i in range(3):
    start(i, "node%d" % i)
tap.ok(healthy(), "the first start makes a cluster of three") or \
    tap.diag(*[log(i)[-2000:] for i in range(3)])
put("one")

stop(1)
start(1, "node1")
tap.ok(healthy() and value(1) == "one\n", "a member that was killed comes back")
tap.has(log(1), "has its data", "with what it had")

stop(2)
put("two")
start(2, "node3")
tap.ok(healthy() and value(2) == "two\n",
       "a member on a node without its data takes its place anew") or \
    tap.diag(log(2)[-3000:])
tap.has(log(2), "takes its place anew", "and says so")

stop(1)
shutil.rmtree(os.path.join(work, "node1"))
remove(names[1])
start(1, "node1")
tap.ok(healthy() and value(1) == "two\n", "it died after it was taken out: it is put in again")

stop(1)
shutil.rmtree(os.path.join(work, "node1"))
remove(names[1])
assert etcd.wait_for(lambda: ctl("member", "add", names[1], "--peer-urls=http://"
                                 "%s.brickyard-etcd:2380" % names[1]) is not None, 60, 1)
start(1, "node1")
tap.ok(healthy() and value(1) == "two\n", "it died after it was put in: it starts") or \
    tap.diag(log(1)[-3000:])

for i in range(3):
    stop(i)
p = start(0, "node1")
tap.is_(p.wait(60), 1, "no member answers, and another's data is here: it does not start")
tap.has(log(0), "this node has the data of brickyard-etcd-1, not mine", "and says whose")
tap.is_(os.listdir(os.path.join(work, "node1")), [names[1]], "and makes nothing there")
running.pop(0)
for i, node in enumerate(("node0", "node1", "node3")):
    start(i, node)
tap.ok(healthy() and value(0) == "two\n", "back on their nodes all is there")

for i in list(running):
    stop(i)
subprocess.call(["umount", "/etc/hosts"])
shutil.rmtree(work)
tap.done()
