#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon with the ssh executor: heketi's keys and variables reach it, and
what a node says reaches the log (heketi's clients are told heketi's words)."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap, sshd
from daemon import Daemon

sshd.require()
d = sshd.workdir()
key = sshd.keygen(d + "/key")
other = sshd.keygen(d + "/other")
server = sshd.Sshd(d)
server.authorize(key)
server.start()
hosts = d + "/hosts"
with open(hosts, "w") as f:
    f.write(server.known_hosts_line())
# A gluster that has nobody in its pool: the node is not sound, but asked.
os.mkdir(d + "/bin")
with open(d + "/bin/gluster", "w") as f:
    f.write("#!/bin/sh\necho \"$*\" >>%s/asked\necho 'Connection failed. Please check if gluster daemon is "
            "operational.' >&2\nexit 1\n" % d)
os.chmod(d + "/bin/gluster", 0o755)


def daemon(executor="ssh", env=None, own=None, **sshexec):
    own = {"accepted_hosts_file": d + "/accepted", "state_dir": d, "lock_dir": d,
           "search_path": d + "/bin:/usr/sbin:/usr/bin:/sbin:/bin", **(own or {})}
    return Daemon(executor=executor, env=env, start=False, config={
        "glusterfs": {"sshexec": sshexec, "disable_monitor_gluster_nodes": True},
        "executors": {"ssh": own}})


def starts_not(name, part, **words):
    x = daemon(**words)
    try:
        x.start()
        tap.ok(False, name)
    except Exception:
        tap.has(x.log(), part, name)
    x.stop()


def node(name, *parts, **words):
    """What adding a node logs."""
    x = daemon(**words)
    x.start()
    cluster = x.cluster()
    status, headers, body = x.request("POST", "/nodes", {
        "cluster": cluster, "zone": 1, "hostnames": {"manage": ["127.0.0.1"], "storage": ["127.0.0.1"]}})
    if status == 202:
        status, headers, body = x.wait(headers["Location"])
    if not tap.ok((status, body) == (400, b"New Node doesn't have glusterd running\n") and
                  all(p in x.log() for p in parts), name):
        tap.diag(status, body, x.log())
    x.stop()


starts_not("no key: heketi's words", "Missing ssh private key file in configuration")
starts_not("an empty executor is ssh", "Missing ssh private key file in configuration", executor="")
starts_not("a key file that is not there", d + "/none: can't be read", keyfile=d + "/none")
port = str(server.port)
alive = ("gluster daemon is operational",)
node("keyfile, user, port and known_hosts of sshexec", *alive, keyfile=key, user=sshd.USER, port=port, known_hosts=hosts)
tap.ok(os.path.exists(d + "/asked"), "gluster was asked on the node")
tap.ok(not os.path.exists(d + "/accepted"), "its host key was known")
node("heketi's variables go before", *alive, keyfile=other, user="nobody-here", port="1",
     env={"HEKETI_SSH_KEYFILE": key, "HEKETI_SSH_USER": sshd.USER, "HEKETI_SSH_PORT": port, "SSH_KNOWN_HOSTS": hosts})
node("executors.ssh goes before sshexec", *alive, keyfile=other, user=sshd.USER, port=port, own={"keyfile": key})
tap.ok(os.path.exists(d + "/accepted"), "without known_hosts a new host key is recorded")
node("a refused login: who, where, with what", "127.0.0.1:" + port, sshd.USER, other, "refused",
     keyfile=other, user=sshd.USER, port=port)
with open(d + "/empty", "w"):
    pass
node("an unknown host key", "not known", d + "/empty", keyfile=key, user=sshd.USER, port=port,
     env={"SSH_KNOWN_HOSTS": d + "/empty"})
tap.done()
