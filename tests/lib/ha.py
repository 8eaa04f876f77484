# SPDX-License-Identifier: GPL-2.0-or-later
"""An installation that can be hurt: several brickyardd on several etcd members,
before them haproxy, which sends each request to a random replica that says it
is ready, and between each replica and etcd a proxy that can be cut.

    inst = Installation(replicas=3, members=3)
    c = inst.client()               # through haproxy; never retries
    c.topology()
    inst.kill9(0); inst.stop(1); inst.cont(1); inst.partition(2, "hole")
    inst.close()

With network=True each etcd member, replica and the balancer is a host of its own
(network.py) instead, and it is packets that get lost, between any two:

    inst.lose("r0", "m1 m2")        # silently, both ways; "m": all members
    inst.lose_one_way("m", "r0"); inst.heal()

The simulated nodes live in one file that all replicas share, inst.state.
"""
import asyncio
import atexit
import base64
import fcntl
import glob
import http.client
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import network
import tap
from daemon import Daemon, Headers, merge
from etcd import Etcd, free_ports, spawn, wait_for

LEASE_MS = 3000
PREFIX = "/brickyard/v1/"
# What a request that can't be known to have failed, or not, ends with.
LOST = (http.client.HTTPException, OSError)


def missing():
    """What an installation needs and this machine doesn't have, or None."""
    for program, package in (("etcd", "etcd-server"), ("haproxy", "haproxy")):
        if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin") is None:
            return "no %s here (package %s)" % (program, package)
    return None


def require():
    if missing():
        tap.skip_all(missing())


class Client(Daemon):
    """Talks to whoever listens on a port.  A request that fails is not sent
    again: what the client sees is what was there to be seen."""

    def __init__(self, port, timeout=60, address="127.0.0.1"):
        self.port = port
        self.address = address
        self.auth = False
        self.timeout = timeout
        self._local = threading.local()
        self._generation = 0

    def connect(self, timeout=None):
        return super().connect(timeout or self.timeout)

    def request(self, method, path, body=None, headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        c = self._connection()
        try:
            c.request(method, path, body=body, headers=dict(headers or {}))
            r = c.getresponse()
            return r.status, Headers(r.getheaders()), r.read()
        except LOST:
            c.close()
            raise

    def operations(self):
        return {o["id"]: o for o in
                self.json("GET", "/v1/operations")["operations"]}


VOLUME = {"size": 1, "durability": {"type": "replicate",
                                    "replicate": {"replica": 3}}}


class Load:
    """Clients that create, look and delete; what failed, and the slowest."""

    def __init__(self, client, clients=5):
        self.client = client
        self.failed, self.calls, self.slowest = [], 0, 0
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.work)
                        for _ in range(clients)]
        for t in self.threads:
            t.start()

    def call(self, method, path, body, good):
        begun = time.monotonic()
        try:
            got = self.client.request(method, path, body)
        except Exception as e:
            got = (None, {}, repr(e))
        with self.lock:
            self.calls += 1
            self.slowest = max(self.slowest, time.monotonic() - begun)
            if got[0] in good:
                return got
            self.failed.append((method, path, got[0], got[2]))
        self.stop.wait(0.05)
        return got

    def operate(self, method, path, body):
        status, headers, _ = self.call(method, path, body, (202,))
        where = headers.get("Location")
        while status in (200, 202):
            status, headers, _ = self.call("GET", where, None, (200, 303, 204))
        return headers.get("Location")

    def work(self):
        while not self.stop.is_set():
            v = self.operate("POST", "/volumes", VOLUME)
            if v is not None:
                self.call("GET", v, None, (200,))
                self.call("GET", "/volumes", None, (200,))
                self.operate("DELETE", v, None)

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()


TMP = "brickyard-ha-"


def own_dir():
    """A directory that is locked as long as we live; those that are not any more
    are what killed tests left, and go."""
    for path in glob.glob(os.path.join(tempfile.gettempdir(), TMP + "*")):
        lock = try_lock(path)
        if lock is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)
    path = tempfile.mkdtemp(prefix=TMP)
    return path, try_lock(path)


def try_lock(path):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return fd
    except OSError:
        os.close(fd)
        return None


class Cable:
    """A process that passes on TCP connections, as long as it is told to."""

    def __init__(self, ports):
        self.process = spawn(
            [sys.executable, __file__, "cable"] + [str(p) for p in ports],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = json.loads(self.process.stdout.readline())

    def __call__(self, mode):
        """pass; cut: reset connections; hole: silence; delay MS; late MS: only
        of what etcd tells a watcher"""
        self.process.stdin.write(mode + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "ok\n":
            raise RuntimeError("the cable broke")

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Installation:
    def __init__(self, replicas=3, members=3, config=None, each=None,
                 cables=True, latency="", etcd_options=(), etcd=None,
                 env=None, start=True, network=False):
        """config: for all; each(i): more for replica i; latency: of the
        simulated steps."""
        self.net, self.hosts = None, {}
        if network:
            self._make_hosts(replicas, members)
        self.dir, self.lock = own_dir()
        atexit.register(self.close)
        self.closed = False
        self.balancer, self.cables, self.replicas = None, [], []
        self.stopped = set()
        self.state = os.path.join(self.dir, "nodes")
        self.etcd = etcd or Etcd(members, extra=etcd_options, dir=self.dir,
                                 hosts=self._of("m"))
        if cables and not network:
            self.cables = [Cable([m.client for m in self.etcd.members])
                           for _ in range(replicas)]
        for i in range(replicas):
            mine = merge({
                "lease_ttl_ms": LEASE_MS, "queue_hold_ms": 1000,
                "shutdown_delay_ms": 0,
                "executors": {"simulated": {
                    "state_file": self.state, "latency": latency,
                    "faults_file": self._faults(i)}},
            }, json.loads(json.dumps(config or {})))
            if each is not None:
                merge(mine, each(i))
            os.mkdir(os.path.join(self.dir, "r%d" % i))
            self.faults(i, "")
            d = Daemon(store=self.store(i), config=mine, start=False, env=env,
                       dir=os.path.join(self.dir, "r%d" % i),
                       host=self.hosts.get("r%d" % i))
            d.popen = spawn         # ends with us, however we end
            self.replicas.append(d)
        if start:
            self.begin()

    def _make_hosts(self, replicas, members):
        self.net = network.Network.enter()
        for name in ["m%d" % i for i in range(members)] + \
                ["r%d" % i for i in range(replicas)] + ["lb"]:
            self.hosts[name] = self.net.host()

    def _of(self, names):
        """The hosts of "m0 lb", "m" (all members) or "r" (all replicas)."""
        return [h for word in names.split() for name, h in self.hosts.items()
                if name == word or name.rstrip("0123456789") == word]

    def begin(self):
        for i in range(len(self.replicas)):
            self._first_start(i)
        self._balance()

    def store(self, i):
        if not self.cables:
            return self.etcd.spec()
        return "etcd:" + ",".join("http://127.0.0.1:%d" % p
                                  for p in self.cables[i].ports)

    def _first_start(self, i):
        for attempt in range(5):
            self.replicas[i].port = free_ports(1)[0]
            try:
                return self.replicas[i].start()
            except RuntimeError as e:
                # Somebody took the port between our look and the replica's.
                if "in use" not in str(e) or attempt == 4:
                    raise

    # ---- what is before it ----

    def _balance(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.address, self.port = self.socket.getsockname()
        bind = "fd@%d" % self.socket.fileno()
        if self.net:
            self.address, self.port = self.hosts["lb"].address, 8080
            bind = "%s:%d" % (self.address, self.port)
        self.stats = os.path.join(self.dir, "haproxy.sock")
        conf = os.path.join(self.dir, "haproxy.cfg")
        with open(conf, "w") as f:
            f.write(HAPROXY % {"stats": self.stats, "bind": bind,
                               "lost": LOST_PEERS if self.net else ""})
            for i, d in enumerate(self.replicas):
                f.write("    server r%d %s:%d check inter 100 fastinter 100 "
                        "downinter 100 fall 1 rise 1%s\n"
                        % (i, d.address, d.port,
                           " tcp-ut 5s" if self.net else ""))
        args = ["haproxy", "-db", "-f", conf]
        with open(os.path.join(self.dir, "haproxy.log"), "w") as log:
            self.balancer = spawn(
                self.hosts["lb"].command(args) if self.net else args,
                stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, pass_fds=[self.socket.fileno()],
                env=dict(os.environ,
                         PATH=os.environ["PATH"] + ":/usr/sbin"))
        for i in range(len(self.replicas)):
            self.wait_up(i)

    def seen_up(self, i):
        """Does the balancer send requests there?"""
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(self.stats)
                s.sendall(b"show stat\n")
                text = b""
                while part := s.recv(65536):
                    text += part
            except OSError:
                return False
        for line in text.decode().splitlines():
            f = line.split(",")
            if len(f) > 17 and f[0] == "all" and f[1] == "r%d" % i:
                return f[17].startswith("UP")
        return False

    def wait_up(self, i, up=True, seconds=30):
        if not wait_for(lambda: self.seen_up(i) == up, seconds):
            raise RuntimeError("replica %d is not seen %s: %s" % (
                i, "up" if up else "down", self.replicas[i].log()[-2000:]))

    def client(self, timeout=60):
        return Client(self.port, timeout, self.address)

    def direct(self, i, timeout=60):
        d = self.replicas[i]
        return Client(d.port, timeout, d.address)

    # ---- what is done to it ----

    def kill9(self, i):
        self.stopped.discard(i)
        self.replicas[i].kill9()

    def terminate(self, i):
        return self.replicas[i].terminate()

    def stop(self, i):
        self.stopped.add(i)
        self.replicas[i].process.send_signal(signal.SIGSTOP)

    def cont(self, i):
        self.stopped.discard(i)
        self.replicas[i].process.send_signal(signal.SIGCONT)

    def start(self, i):
        self.replicas[i].start()

    def partition(self, i, mode):
        """Between a replica and etcd: pass; cut: it is told that there is no
        way; hole: silence; delay MS and late MS, of cables only."""
        if self.net is None:
            return self.cables[i](mode)
        self.net.between(self._of("r%d" % i), self._of("m"), {
            "pass": self.net.pass_on, "cut": self.net.refuse,
            "hole": self.net.lose}[mode])

    def lose(self, these, those):
        self.net.between(self._of(these), self._of(those), self.net.lose)

    def pass_on(self, these, those):
        self.net.between(self._of(these), self._of(those), self.net.pass_on)

    def lose_one_way(self, senders, receivers):
        for a in self._of(senders):
            for b in self._of(receivers):
                self.net.lose(a, b)

    def heal(self):
        self.net.heal()

    def _faults(self, i):
        return os.path.join(self.dir, "faults%d" % i)

    def faults(self, i, text):
        # Another inode, so that a change within a second is seen.
        with open(self._faults(i) + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(self._faults(i) + ".new", self._faults(i))

    def wait_dead(self, i, seconds=20):
        """The exit status of a replica that ends by itself, or None."""
        d = self.replicas[i]
        try:
            rc = d.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        d.process.stdout.close()
        d.process = None
        return rc

    # ---- what there is, past the service ----

    def docs(self, prefix="", member=None):
        """{key: document} in etcd."""
        full = PREFIX + prefix
        end = full[:-1] + chr(ord(full[-1]) + 1)
        body = {"key": base64.b64encode(full.encode()).decode(),
                "range_end": base64.b64encode(end.encode()).decode()}
        members = range(len(self.etcd.members)) if member is None else [member]
        for m in members:
            if self.etcd.members[m].process is None:
                continue
            try:
                got = self.etcd.call("/v3/kv/range", body, m)
                break
            except LOST:
                continue
        else:
            raise RuntimeError("no etcd member answers")
        out = {}
        for kv in got.get("kvs", []):
            key = base64.b64decode(kv["key"]).decode()[len(PREFIX):]
            if key[0] == "~" or key == "commit":
                continue
            out[key] = json.loads(base64.b64decode(kv.get("value", "")))
        return out

    def replica_id(self, i):
        """Of the replica as it runs now; its key is there while its lease is."""
        for key, doc in self.docs("replicas/").items():
            if doc["listen"].endswith(":%d" % self.replicas[i].port) and \
                    doc["pid"] == self.replicas[i].process.pid:
                return key.split("/")[1]
        return None

    def nodes_sql(self, sql, *args):
        """Look into the simulated nodes' file."""
        db = sqlite3.connect("file:%s?mode=ro" % self.state, uri=True,
                             timeout=30)
        try:
            return db.execute(sql, args).fetchall()
        finally:
            db.close()

    def logs(self):
        return "".join(d.log() for d in self.replicas)

    def tell(self, lines=15):
        for i, d in enumerate(self.replicas):
            tap.diag("---- replica %d" % i, *d.log().splitlines()[-lines:])

    def leader(self):
        """The number of the member that leads; 0 if there is none."""
        for i, m in enumerate(self.etcd.members):
            if m.process is None:
                continue
            s = self.etcd.call("/v3/maintenance/status", {}, member=i)
            if s.get("leader") == s["header"]["member_id"]:
                return i
        return 0

    def calm(self, seconds=30):
        """Wait until all members have had the same leader for a second: one that
        was cut off makes the others vote once more when it comes back."""
        def look():
            return [(s.get("leader"), s.get("raftTerm")) for s in (
                self.etcd.call("/v3/maintenance/status", {}, member=i)
                for i in range(len(self.etcd.members)))]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            before = look()
            time.sleep(1)
            if len(set(before)) == 1 and before[0][0] and look() == before:
                return
        raise RuntimeError("etcd's members don't agree: %s" % look())

    # ---- the end ----

    def close(self):
        if self.closed:
            return
        self.closed = True
        for i in list(self.stopped):
            if self.replicas[i].process is not None:
                self.cont(i)
        for d in self.replicas:
            if d.process is not None:
                d.kill9()
            d.stop()
        if self.balancer is not None:
            self.balancer.kill()
            self.balancer.wait()
            self.socket.close()
        for cable in self.cables:
            cable.end()
        self.etcd.stop()
        if self.net is not None:
            self.net.end(self.hosts.values())
        shutil.rmtree(self.dir, ignore_errors=True)
        os.close(self.lock)


# What changes something and may have reached a replica is not sent to another
# one; a GET is, when its replica dies.
HAPROXY = """
global
    maxconn 4000
    nbthread 1
    stats socket %(stats)s level admin
defaults
    mode http
    timeout connect 2s
    timeout client 120s
    timeout server 120s
    timeout check 3s
    timeout http-keep-alive 120s
    option http-server-close
    http-reuse never
    option redispatch 1
    retries 5
    retry-on conn-failure empty-response
%(lost)sfrontend in
    bind %(bind)s
    default_backend all
    http-request disable-l7-retry unless METH_GET
backend all
    http-request disable-l7-retry unless METH_GET
    balance random
    option httpchk GET /readyz
    http-check expect status 200
"""


# How it notices that a replica went away without a word.
LOST_PEERS = """\
    option srvtcpka
    srvtcpka-idle 2s
    srvtcpka-intvl 1s
    srvtcpka-cnt 3
"""


# ---- the cable's process ----

class CableProcess:
    def __init__(self):
        self.mode, self.delay, self.late = "pass", 0, 0
        self.writers = set()

    async def flow(self, reader, writer, streams, back=False):
        """streams: of this connection, holds something when it is a watch."""
        try:
            while data := await reader.read(65536):
                if not back and data.startswith(b"POST /v3/watch"):
                    streams.append(writer)
                if self.delay or (back and self.late and streams):
                    await asyncio.sleep(self.delay or self.late)
                await self.open.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    def serve(self, port):
        async def on_connection(reader, writer):
            self.writers.add(writer)
            other = None
            try:
                await self.open.wait()
                if self.mode != "cut":
                    r, other = await asyncio.open_connection("127.0.0.1", port)
                    self.writers.add(other)
                    streams = []
                    await asyncio.gather(
                        self.flow(reader, other, streams),
                        self.flow(r, writer, streams, back=True))
            except OSError:
                pass
            for w in (writer, other):
                if w is not None:
                    self.writers.discard(w)
                    w.transport.abort()
        return on_connection

    def tell(self, words):
        self.mode = words[0]
        self.delay = int(words[1]) / 1000 if self.mode == "delay" else 0
        self.late = int(words[1]) / 1000 if self.mode == "late" else 0
        if self.mode == "hole":
            self.open.clear()
        else:
            self.open.set()
        if self.mode == "cut":
            for w in list(self.writers):
                w.transport.abort()

    async def run(self, ports):
        self.open = asyncio.Event()
        self.open.set()
        mine = []
        for p in ports:
            s = await asyncio.start_server(self.serve(p), "127.0.0.1", 0)
            mine.append(s.sockets[0].getsockname()[1])
        print(json.dumps(mine), flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            self.tell(line.split())
            print("ok", flush=True)
        os._exit(0)


if __name__ == "__main__" and sys.argv[1:2] == ["cable"]:
    try:
        asyncio.run(CableProcess().run([int(p) for p in sys.argv[2:]]))
    except KeyboardInterrupt:
        pass
