# SPDX-License-Identifier: GPL-2.0-or-later
"""Real etcd members on loopback for tests, a TCP proxy that misbehaves on
purpose, and the driver of the C code (tests/unit/etcd-driver)."""
import atexit
import base64
import concurrent.futures
import ctypes
import http.client
import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import tap

DRIVER = os.path.join(tap.BUILDDIR, "tests", "unit", "etcd-driver")
HOST = "127.0.0.1"


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def die_with_us():
    """In a child: however the test ends, no server outlives it."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


# The kernel means the thread that made the child, so it is always the same one,
# which lives as long as we do.
spawner = concurrent.futures.ThreadPoolExecutor(1)


def spawn(*args, **kwargs):
    return spawner.submit(subprocess.Popen, *args, preexec_fn=die_with_us,
                          **kwargs).result()


# What atexit has to do is done when a test is told to end, too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def require():
    """Skip the whole test where there is no etcd."""
    if shutil.which("etcd") is None:
        tap.skip_all("no etcd here (package etcd-server)")


def b64(text):
    return base64.b64encode(text.encode()).decode()


def free_ports(n):
    """Ports that are free now, below those that connections are given: a server
    that is restarted must find its port free again."""
    held = []
    while len(held) < n:
        s = socket.socket()
        try:
            s.bind((HOST, random.randrange(10000, 32768)))
            held.append(s)
        except OSError:
            s.close()
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def wait_for(what, seconds, step=0.02):
    """Call what() until it is true; its last value."""
    until = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() >= until:
            return value
        time.sleep(step)


class Member:
    def __init__(self, cluster, number, host=None):
        self.cluster = cluster
        self.number = number
        self.host = host
        self.address = host.address if host is not None else HOST
        self.process = None
        self.dir = os.path.join(cluster.dir, "m%d" % number)

    def start(self, ports, peers, fresh):
        c = self.cluster
        self.client = ports[2 * self.number]
        self.peer = ports[2 * self.number + 1]
        self.url = "%s://%s:%d" % (c.scheme, self.address, self.client)
        peer = "http://%s:%d" % (self.address, self.peer)
        args = ["etcd", "--name", "m%d" % self.number, "--data-dir", self.dir,
                "--listen-client-urls", self.url,
                "--advertise-client-urls", self.url,
                "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer,
                "--initial-cluster", peers,
                "--initial-cluster-state", "new" if fresh else "existing",
                "--heartbeat-interval", "50", "--election-timeout", "500",
                "--log-level", "error"] + c.extra
        if c.tls is not None:
            args += ["--cert-file", c.tls.server[0],
                     "--key-file", c.tls.server[1],
                     "--trusted-ca-file", c.tls.ca, "--client-cert-auth"]
        if self.host is not None:
            args = self.host.command(args)
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("ETCD")}
        log = open(os.path.join(c.dir, "log%d" % self.number), "ab")
        self.process = spawn(args, stdin=subprocess.DEVNULL, stdout=log,
                             stderr=log, env=env)
        log.close()

    def healthy(self):
        try:
            return "true" in str(self.cluster.get(self.number, "/health"))
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def end(self, how):
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait()
            self.process = None


class Etcd:
    """members etcd processes that form a cluster; gone at exit.  hosts: of a
    network (network.py), one for each; dir: for their data."""

    def __init__(self, members=1, tls=None, extra=(), hosts=None, dir=None):
        self.tls = tls
        self.scheme = "https" if tls else "http"
        self.extra = list(extra)
        self.dir = tempfile.mkdtemp(prefix="etcd-test-", dir=dir)
        atexit.register(self.stop)
        self.members = [Member(self, i, hosts[i] if hosts else None)
                        for i in range(members)]
        for _ in range(5):
            if self._start():
                return
            # Somebody took a port between our look and etcd's.
            for m in self.members:
                m.end(signal.SIGKILL)
                shutil.rmtree(m.dir, ignore_errors=True)
        with open(os.path.join(self.dir, "log0"), errors="replace") as f:
            tap.diag(f.read()[-3000:])
        raise RuntimeError("etcd does not start")

    def _start(self):
        self.ports = free_ports(2 * len(self.members))
        self.peers = ",".join("m%d=http://%s:%d" % (
            m.number, m.address, self.ports[2 * m.number + 1])
            for m in self.members)
        for m in self.members:
            m.start(self.ports, self.peers, True)
        return self.wait_healthy()

    def wait_healthy(self, seconds=15):
        def look():
            if any(m.process is not None and m.process.poll() is not None
                   for m in self.members):
                return "dead"
            return all(m.healthy() for m in self.members
                       if m.process is not None)
        return wait_for(look, seconds, 0.05) is True

    @property
    def urls(self):
        return [m.url for m in self.members]

    def spec(self):
        return "etcd:" + ",".join(self.urls)

    def kill(self, i):
        self.members[i].end(signal.SIGKILL)

    def restart(self, i):
        self.members[i].end(signal.SIGKILL)
        self.members[i].start(self.ports, self.peers, False)
        return self.wait_healthy()

    def freeze(self, i):
        self.members[i].process.send_signal(signal.SIGSTOP)

    def thaw(self, i):
        self.members[i].process.send_signal(signal.SIGCONT)

    def stop(self):
        for m in self.members:
            m.end(signal.SIGKILL)
        shutil.rmtree(self.dir, ignore_errors=True)

    def _connection(self, i):
        if self.tls is None:
            return http.client.HTTPConnection(self.members[i].address,
                                              self.members[i].client,
                                              timeout=5)
        context = ssl.create_default_context(cafile=self.tls.ca)
        context.load_cert_chain(*self.tls.client)
        return http.client.HTTPSConnection(HOST, self.members[i].client,
                                           timeout=5, context=context)

    def get(self, i, path):
        c = self._connection(i)
        c.request("GET", path)
        body = c.getresponse().read()
        c.close()
        return json.loads(body)

    def call(self, path, body, member=0, token=None):
        """Ask the gateway directly."""
        c = self._connection(member)
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = token
        c.request("POST", path, json.dumps(body), headers)
        answer = json.loads(c.getresponse().read())
        c.close()
        return answer

    def put(self, key, value):
        return self.call("/v3/kv/put", {"key": b64(key), "value": b64(value)})

    def keys(self, prefix="/brickyard/v1/"):
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        got = self.call("/v3/kv/range", {"key": b64(prefix),
                                         "range_end": b64(end)})
        return {base64.b64decode(kv["key"]).decode()[len(prefix):]:
                int(kv["version"]) for kv in got.get("kvs", [])}

    def revision(self):
        return int(self.call("/v3/kv/range", {"key": "AA=="})
                   ["header"]["revision"])

    def compact(self):
        return self.call("/v3/kv/compaction",
                         {"revision": str(self.revision()), "physical": True})


class Tls:
    """A CA, a certificate for 127.0.0.1 and one for a client.  etcd's gateway
    refuses clients that have a common name when there are users, too."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="etcd-tls-")
        atexit.register(shutil.rmtree, self.dir, True)
        self.ca = self._path("ca.crt")
        self._run("req", "-x509", *self._new("ca"), "-out", self.ca,
                  "-days", "2", "-subj", "/CN=test ca")
        self.server = self._signed("server", "subjectAltName=IP:127.0.0.1\n"
                                   "extendedKeyUsage=serverAuth,clientAuth\n")
        self.client = self._signed("client", "extendedKeyUsage=clientAuth\n")

    def _path(self, name):
        return os.path.join(self.dir, name)

    def _new(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-keyout", self._path(name + ".key")]

    def _run(self, *args):
        subprocess.run(["openssl"] + list(args), check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def _signed(self, name, extensions):
        with open(self._path(name + ".ext"), "w") as f:
            f.write(extensions)
        self._run("req", *self._new(name), "-out", self._path(name + ".csr"),
                  "-subj", "/O=" + name)
        self._run("x509", "-req", "-in", self._path(name + ".csr"), "-CA",
                  self.ca, "-CAkey", self._path("ca.key"), "-CAcreateserial",
                  "-days", "2", "-extfile", self._path(name + ".ext"),
                  "-out", self._path(name + ".crt"))
        return self._path(name + ".crt"), self._path(name + ".key")


class Driver:
    """The C code: each command gives its line of answer as words."""

    def __init__(self):
        self.process = spawn([DRIVER], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
        atexit.register(self.kill)

    def send(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the driver died: %s" % self.process.wait())
        return line.split()

    def __call__(self, *words):
        self.send(*words)
        return self.receive()

    def text(self, *words):
        return " ".join(self(*words))

    def open(self, spec, **options):
        return self("open", spec,
                    *("%s=%s" % kv for kv in options.items()))

    def load(self, prefix=""):
        """{key: (value, revision)}"""
        got = self("load", prefix)
        if got[0] != "ok":
            raise RuntimeError(got)
        out = {}
        for word in got[2:]:
            kv, _, revision = word.rpartition("@")
            key, _, value = kv.partition("=")
            out[key] = (value, int(revision))
        return out

    def end(self):
        """Let it close its store; its exit status."""
        self.process.stdin.close()
        return self.process.wait(20)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for f in (self.process.stdin, self.process.stdout):
            try:
                f.close()
            except OSError:
                pass


class Proxy:
    """A TCP proxy before one member.  hook(path, body) is asked what to do
    with each request:

    None        pass it on
    "swallow"   pass it on; when the answer comes, cut the connection instead
    "hold"      keep it, cut the client's connection; release() passes it on
    "refuse"    "swallow", and from then on refuse all connections
    "full"      pass it on; answer that there is no space, as etcd does when
                its quota runs out while it applies (and it has applied)
    """
    FULL = json.dumps({"error": "etcdserver: mvcc: database space exceeded",
                       "code": 8, "message":
                       "etcdserver: mvcc: database space exceeded"}).encode()

    def __init__(self, port, hook=None):
        self.upstream = (HOST, port)
        self.hook = hook
        self.closed = False
        self.held = []
        self.answers = []
        self.connections = []
        self.lock = threading.Lock()
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        self.url = "http://%s:%d" % (HOST, self.port)
        threading.Thread(target=self._accept, daemon=True).start()

    def refuse(self):
        """Refuse connections and cut those there are."""
        self.closed = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.cut()

    def allow(self):
        self.listener = socket.create_server((HOST, self.port))
        self.closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        with self.lock:
            for s in self.connections:
                self._close(s)
            self.connections = []

    @staticmethod
    def _close(s):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        s.close()

    def _accept(self):
        listener = self.listener
        while not self.closed:
            try:
                s, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(s,),
                             daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection(self.upstream)
        except OSError:
            self._close(client)
            return
        with self.lock:
            late = self.closed
            if not late:
                self.connections += [client, server]
        if late:        # accepted just before refuse()
            self._close(client)
            self._close(server)
            return
        state = {"drop": None}
        threading.Thread(target=self._pump, args=(server, client, state),
                         daemon=True).start()
        try:
            self._requests(client, server, state)
        except OSError:
            pass
        self._close(client)
        if state["drop"] is None:
            self._close(server)

    def _pump(self, server, client, state):
        try:
            while True:
                data = server.recv(65536)
                if not data:
                    break
                if state["drop"] == "full":
                    state["drop"] = None
                    data = (b"HTTP/1.1 429 Too Many Requests\r\n"
                            b"Content-Type: application/json\r\n"
                            b"Content-Length: %d\r\n\r\n%s"
                            % (len(self.FULL), self.FULL))
                if state["drop"] == "refuse":
                    self.refuse()
                if state["drop"] is not None:
                    break
                client.sendall(data)
        except OSError:
            pass
        self._close(client)
        self._close(server)

    def _requests(self, client, server, state):
        f = client.makefile("rb")
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = f.readline()
                if not line:
                    return
                head += line
            length = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            body = f.read(length)
            path = head.split()[1].decode()
            action = self.hook(path, body) if self.hook else None
            if action == "hold":
                self.held.append((head, body))
                return
            state["drop"] = action
            server.sendall(head + body)
            if action not in (None, "full"):
                wait_for(lambda: client.fileno() < 0, 5)
                return

    def release(self):
        """Pass on, late, what was held; etcd's answers."""
        out = []
        for head, body in self.held:
            s = socket.create_connection(self.upstream)
            s.sendall(head + body)
            s.settimeout(5)
            out.append(s.recv(65536).decode(errors="replace"))
            s.close()
        self.held = []
        return out
