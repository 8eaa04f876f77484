#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Logging in by ssh: keys, passphrases, agents, host keys, sudo, and what is
said when one of them does not fit."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap, sshd
import shutil
import signal
import subprocess
import time

sshd.require()
d = sshd.workdir()
key = sshd.keygen(d + "/key")
locked = sshd.keygen(d + "/locked", "ed25519", "a secret")
server = sshd.Sshd(d)
server.authorize(key, locked)
kinds = {"ecdsa": ("-b", "256"), "ecdsa-521": ("-b", "521"), "rsa": ("-b", "2048"),
         "rsa-pem": ("-b", "2048", "-m", "PEM")}
for kind, more in kinds.items():
    server.authorize(sshd.keygen(d + "/" + kind, kind.split("-")[0], "", *more))
server.start()


def driver(port=None, env=None, **options):
    return sshd.Driver(d, env=env, **{"keyfile": key, "user": sshd.USER, "port": port or server.port,
                                      "accepted_hosts_file": d + "/hosts", **options})


def write(name, text, mode=0o600):
    path = os.path.join(d, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def works(name, drv, port=None):
    with drv:
        r = drv.run("echo in")
        tap.is_(r.get("stdout"), "in\n", name) or tap.diag(r, drv.log())
        drv.close()
        return drv.log()


def refused(name, drv, err_class, *parts):
    with drv:
        r = drv.run("echo in")
        if not tap.ok(r.err_class == err_class and all(p in r.text for p in parts), name):
            tap.diag(r, parts)
        return r


def does_not_open(name, *parts, **options):
    said = driver(**options).open_failure()
    if not tap.ok(said.startswith("open fail") and all(p in said for p in parts), name):
        tap.diag(said)


# ---- keys
for kind in kinds:
    works("a key of type %s" % kind, driver(keyfile=d + "/" + kind))
works("a key with a passphrase", driver(keyfile=locked, passphrase_file=write("pass", "a secret\n")))
does_not_open("one without it is refused at the start", "encrypted", locked, "passphrase_file", keyfile=locked)
does_not_open("one with a wrong one, too", "passphrase", locked, keyfile=locked,
              passphrase_file=write("wrong-pass", "another\n"))
does_not_open("a passphrase file that is not there", d + "/nowhere", keyfile=locked,
              passphrase_file=d + "/nowhere")
does_not_open("no key at all: heketi's words", "Missing ssh private key file in configuration", keyfile="")
does_not_open("a key file that is not there", d + "/nowhere", "No such file", keyfile=d + "/nowhere")
does_not_open("one that is no key", "no private key", keyfile=write("nokey", "hello\n"))
for bad in ({"port": "0"}, {"port": "65536"}, {"user": "a b"}, {"user": ""}, {"search_path": "/bin'"},
            {"host_key_mode": "maybe"}, {"channels_per_node": "0"}, {"accepted_hosts_file": "hosts"}):
    does_not_open("option %s=%s is refused" % next(iter(bad.items())), "option " + next(iter(bad)), **bad)
os.chmod(shutil.copy(key, d + "/open-key"), 0o644)
tap.has(works("a key that everybody may read is taken", driver(keyfile=d + "/open-key")),
        "everybody on this machine may read it", "with a warning")
other = sshd.keygen(d + "/other")
refused("a key that is not in authorized_keys", driver(keyfile=other), sshd.PERMANENT,
        "127.0.0.1:%d" % server.port, sshd.USER, other, "publickey", "authorized_keys")
with driver(keyfile=shutil.copy(other, d + "/rotated"), idle_s=1) as drv:
    drv.run("true")
    shutil.copy(key, d + "/rotated")
    r = drv.run("echo rotated")
    tap.is_(r.get("stdout"), "rotated\n", "a key file that has changed is read again") or tap.diag(r)

# ---- an agent
agent = subprocess.Popen(["ssh-agent", "-D", "-a", d + "/agent"], stdout=subprocess.DEVNULL)
try:
    sshd.wait_until("agent", lambda: os.path.exists(d + "/agent"))
    env = {"SSH_AUTH_SOCK": d + "/agent"}
    refused("an empty agent", driver(keyfile="", agent="true", agent_socket=d + "/agent"), sshd.PERMANENT,
            "keys of the agent")
    subprocess.run(["ssh-add", "-q", key], env={**os.environ, **env}, check=True)
    works("a key in an agent", driver(keyfile="", agent="true", agent_socket=d + "/agent"))
    works("the agent of the environment", driver(keyfile="", agent="true", env=env))
    works("after a key that was refused", driver(keyfile=other, agent="true", env=env))
    os.kill(agent.pid, signal.SIGSTOP)
    drv = driver(keyfile="", agent="true", env=env, auth_timeout_s=2)
    r = drv.run("true", timeout=1000)
    tap.ok(r.err_class == sshd.UNREACHABLE and r.ms < 1300, "an agent that hangs holds up nobody") or tap.diag(r)
    start = time.monotonic()
    drv.close()
    tap.ok(time.monotonic() - start < 3, "nor the end")
finally:
    agent.kill()
    agent.wait()
refused("no agent", driver(keyfile="", agent="true", agent_socket=d + "/no-agent"), sshd.PERMANENT,
        d + "/no-agent", "No such file")

# ---- host keys
def hosts(name):
    path = os.path.join(d, name)
    return open(path).read() if os.path.exists(path) else ""


log = works("accept-new takes a first key", driver(accepted_hosts_file=d + "/new/sub/hosts"))
tap.is_(hosts("new/sub/hosts"), server.known_hosts_line(), "and records it")
tap.has(log, "SHA256:", "and logs its fingerprint")
log = works("known from then on", driver(accepted_hosts_file=d + "/new/sub/hosts"))
tap.ok("SHA256:" not in log and hosts("new/sub/hosts").count("\n") == 1, "it is not recorded twice")
write("torn", "10.0.0.1 ssh-ed25519 AAAA")
works("a file whose last line is torn", driver(accepted_hosts_file=d + "/torn"))
tap.is_(hosts("torn"), "10.0.0.1 ssh-ed25519 AAAA\n" + server.known_hosts_line(), "gets a line of its own")
many = [driver(accepted_hosts_file=d + "/race") for _ in range(4)]
results = [x.start("echo in", host=h) for x in many for h in ("127.0.0.1", "localhost", "LOCALHOST")]
for r in results:
    r.over.wait(30)
for x in many:
    x.close()
lines = sorted(hosts("race").splitlines())
tap.ok(all(r.ok for r in results) and len(lines) == 2 and "[localhost]" in lines[1],
       "several processes and threads record a key once per host") or tap.diag(lines, *results)

second = sshd.Sshd(d, "second")
second.authorize(key)
second.start()
third = sshd.Sshd(d, "third", "ecdsa")
third.authorize(key)
third.start()
write("changed", "# comment\n" + second.known_hosts_line(port=server.port))
refused("a changed key", driver(accepted_hosts_file=d + "/changed"), sshd.PERMANENT, "has changed",
        "127.0.0.1:%d" % server.port, d + "/changed:2", "remove that line")
tap.is_(hosts("changed").count("\n"), 2, "is not recorded")
write("othertype", third.known_hosts_line(port=server.port))
refused("a key of another type than the recorded one", driver(accepted_hosts_file=d + "/othertype"),
        sshd.PERMANENT, "has changed", d + "/othertype:1")
refused("strict: an unknown host", driver(host_key_mode="strict", known_hosts=d + "/changed",
        port=second.port), sshd.PERMANENT, "not known", d + "/changed", "ssh-keyscan", "SHA256:")
refused("known_hosts alone means strict", driver(known_hosts=write("empty", "")), sshd.PERMANENT, "not known")
works("a key in the second of several files", driver(
    known_hosts="%s:%s" % (d + "/empty", write("good", server.known_hosts_line())), host_key_mode="strict"))
works("a line without a port", driver(
    known_hosts=write("bare", server.known_hosts_line().replace("[127.0.0.1]:%d" % server.port, "127.0.0.1"))))
subprocess.run(["ssh-keygen", "-q", "-H", "-f", shutil.copy(d + "/good", d + "/hashed")], check=True,
               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
tap.ok("|1|" in hosts("hashed"), "names are hashed")
works("hashed names", driver(known_hosts=d + "/hashed"))
refused("a revoked key", driver(known_hosts=write("revoked", server.known_hosts_line() + "@revoked * " +
        server.known_hosts_line().split(" ", 1)[1])), sshd.PERMANENT, "revoked", d + "/revoked:2")
anybody = server.known_hosts_line().split(" ", 1)[1]
refused("a revoked key, in a line with tabs", driver(host_key_mode="accept-new", accepted_hosts_file=d + "/tabs-new",
        known_hosts=write("revoked-tabs", "@revoked\t*\t" + anybody.replace(" ", "\t"))), sshd.PERMANENT, "revoked",
        d + "/revoked-tabs:1")
refused("a changed key, in a line with tabs", driver(host_key_mode="accept-new", accepted_hosts_file=d + "/tabs-new",
        known_hosts=write("changed-tabs", second.known_hosts_line(port=server.port).replace(" ", "\t"))),
        sshd.PERMANENT, "has changed", d + "/changed-tabs:1")
works("a good key, in a line with tabs", driver(
    known_hosts=write("good-tabs", server.known_hosts_line().replace(" ", "\t"))))
for n, names in enumerate(("!127.0.0.1,![127.0.0.1]:*,*", "*,!*.0.1,![127.0.0.1]:%d" % server.port)):
    refused("a host that a line excepts (%s)" % names, driver(
        known_hosts=write("excepted-%d" % n, names + " " + anybody)), sshd.PERMANENT, "not known")
works("a line that excepts others", driver(known_hosts=write("excepts-others", "!127.0.0.2,*,!a " + anybody)))
both = sshd.Sshd(d, "both", "ecdsa", HostKey="%s\nHostKey %s" % (d + "/both/host_key", second.host_key))
both.authorize(key)
both.start()
works("of several host keys the recorded one is asked for",
      driver(both.port, known_hosts=write("of-both", both.known_hosts_line())))
drv = driver(host_key_mode="insecure", accepted_hosts_file=d + "/changed")
drv.run("true")
server.kill_connections()
log = works("insecure: any key", drv)
tap.is_(log.count("is not checked"), 1, "with one warning for a node, whatever the number of connections")
does_not_open("a file that can't be made is refused at the start", "accepted_hosts_file", key + "/hosts",
              accepted_hosts_file=key + "/hosts")

# ---- sudo
sudo_dir = d + "/sudo"
os.mkdir(sudo_dir)
path = sudo_dir + ":/usr/bin:/bin"


def sudo(text):
    with open(sudo_dir + "/sudo", "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(sudo_dir + "/sudo", 0o755)


refused("no sudo there", driver(sudo="true", search_path=sudo_dir + "x:/nowhere"), sshd.PERMANENT)
sudo('[ "$1 $2" = "-n --" ] || exit 9\nshift 2\nSUDID=yes exec "$@"\n')
with driver(sudo="true", search_path=path) as drv:
    tap.is_(drv.run("echo $SUDID").get("stdout"), "yes\n", "sudo -n runs the script")
sudo("echo 'sudo: a password is required' >&2; exit 1\n")
refused("a sudo that wants a password", driver(sudo="true", search_path=path), sshd.PERMANENT,
        "user %s may not run sudo without a password on 127.0.0.1: add '%s ALL=(ALL) NOPASSWD: ALL' to sudoers" %
        (sshd.USER, sshd.USER), "sudo: a password is required")
if os.path.exists("/usr/bin/sudo") and os.geteuid() == 0:
    with driver(sudo="true") as drv:
        r = drv.run("id -u; echo $SUDO_USER; exit 5")
        tap.is_((r.status, r.get("stdout")), (5, "0\n%s\n" % sshd.USER), "the real sudo") or tap.diag(r)
        r = drv.start("echo $$ >%s/sudo-pid; sleep 60" % d, cancel=1500)
        sshd.wait_until("pid", lambda: os.path.exists(d + "/sudo-pid"))
        drv.wait(r)
        pid = int(open(d + "/sudo-pid").read())
        tap.ok(sshd.wait_until("pid gone", lambda: not sshd.is_running(pid), 5), "what runs under it is killed, too")
else:
    tap.skip("the real sudo", "needs sudo and root")

# ---- logins that are in the way
noisy = sshd.Sshd(d, "noisy", ForceCommand="echo noise; echo more >&2; sh -c \"$SSH_ORIGINAL_COMMAND\"")
noisy.authorize(key)
noisy.start()
with driver(noisy.port) as drv:
    r = drv.run("echo clean; echo clear >&2")
    tap.is_((r.get("stdout"), r.get("stderr")), ("clean\n", "clear\n"), "noise of the login is not the script's") or tap.diag(r)
closed = sshd.Sshd(d, "closed", ForceCommand="echo This account is not available; exit 1")
closed.authorize(key)
closed.start()
refused("a login shell that runs nothing", driver(closed.port), sshd.PERMANENT, "not started", "This account is not available")
tap.done()
