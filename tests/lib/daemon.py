# SPDX-License-Identifier: GPL-2.0-or-later
"""A brickyardd of the build tree for the length of a test.

    d = Daemon(executor="simulated", config={"queue_hold_ms": 200})
    status, headers, body = d.request("GET", "/clusters")
    d.stop()

Everything it writes is in a directory of its own, which goes with it; it
listens on a free port of loopback.  request() uses one kept-alive connection per
thread.  `config` is laid over the configuration, nested like the file.
"""
import atexit
import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

BUILDDIR = os.environ.get("BUILDDIR", os.getcwd())
ADMIN_KEY = "admin key"
USER_KEY = "user key"
START_S = 60            # slow machines, sanitizers, valgrind

_alive = []


def _stop_all():
    for d in list(_alive):
        d.stop()


atexit.register(_stop_all)
# A test that is told to end (timeout(1)) must not leave its daemons behind.
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


def merge(into, more):
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
    return into


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def make_token(method, path, issuer="admin", key=ADMIN_KEY, exp=300, **more):
    """As heketi's clients make it; more: other claims, None leaves one out."""
    now = int(time.time())
    claims = {"iss": issuer, "iat": now, "exp": now + exp,
              "qsh": hashlib.sha256(
                  ("%s&%s" % (method, path)).encode()).hexdigest()}
    claims.update(more)
    claims = {k: v for k, v in claims.items() if v is not None}
    text = b64(b'{"alg":"HS256","typ":"JWT"}') + b"." + \
        b64(json.dumps(claims).encode())
    mac = hmac.new(key.encode(), text, hashlib.sha256).digest()
    return (text + b"." + b64(mac)).decode()


class Headers(dict):
    """Names in any case."""

    def __init__(self, pairs):
        super().__init__((k.lower(), v) for k, v in pairs)

    def __getitem__(self, name):
        return super().__getitem__(name.lower())

    def __contains__(self, name):
        return super().__contains__(name.lower())

    def get(self, name, default=None):
        return super().get(name.lower(), default)


class Daemon:
    def __init__(self, store="sqlite", executor="simulated", config=None,
                 auth=False, env=None, dir=None, start=True, host=None):
        """host: of a network (network.py); else it listens on loopback."""
        self.host = host
        self.address = host.address if host is not None else "127.0.0.1"
        self.dir = dir or tempfile.mkdtemp(prefix="brickyardd-")
        self._own_dir = dir is None
        self.auth = auth
        self.env = dict(env or {})
        # The same tests on another store: each daemon below a prefix of its own.
        shared = os.environ.get("BRICKYARD_TEST_STORE")
        if store == "sqlite" and shared:
            store = shared
            config = merge({"store_options": {
                "prefix": "/test/%s/" % os.path.basename(self.dir)}},
                config or {})
        self.store = "sqlite:%s/db" % self.dir if store == "sqlite" else store
        self.config = merge({
            "jwt": {"admin": {"key": ADMIN_KEY}, "user": {"key": USER_KEY}},
            "glusterfs": {"executor": executor},
            "loglevel": "info",
        }, config or {})
        self.port = None
        self.process = None
        self._local = threading.local()
        self._generation = 0
        _alive.append(self)
        if start:
            self.start()

    # ---- life ----

    popen = staticmethod(subprocess.Popen)

    def start(self):
        conf = os.path.join(self.dir, "brickyard.json")
        with open(conf, "w") as f:
            json.dump(self.config, f)
        args = [os.path.join(BUILDDIR, "brickyardd"), "--config", conf,
                "--store", self.store,
                "--listen", "%s:%d" % (self.address, self.port or 0)]
        if not self.auth:
            args.append("--disable-auth")
        if self.host is not None:
            args = self.host.command(args)
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("BRICKYARD_", "HEKETI_", "NOTIFY_"))}
        env["BRICKYARD_PLUGIN_PATH"] = BUILDDIR
        env.update(self.env)
        with open(self._log_path(), "a") as log:
            self.process = self.popen(
                args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=log, env=env, text=True)
        self._generation += 1
        self.port = self._wait_ready()

    def _wait_ready(self):
        timer = threading.Timer(START_S, self.process.kill)
        timer.start()
        try:
            line = self.process.stdout.readline()
        finally:
            timer.cancel()
        m = re.match(r"brickyardd: ready on .*:(\d+)( with TLS enabled)?$",
                     line.strip())
        if m is None:
            rc = self.process.wait()
            raise RuntimeError("brickyardd did not start (exit %s): %s%s" %
                               (rc, line, self.log()))
        return int(m.group(1))

    def _reap(self, timeout):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            sys.stderr.write("# brickyardd hangs, killing it\n# " +
                             "\n# ".join(self.log().splitlines()[-20:]) + "\n")
            self.process.kill()
            return self.process.wait()

    def terminate(self, timeout=30):
        """SIGTERM; returns the exit status."""
        self.process.terminate()
        rc = self._reap(timeout)
        self.process.stdout.close()
        self.process = None
        return rc

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    def restart(self, kill=False):
        """On the same port, with the same state."""
        if self.process is not None:
            self.kill9() if kill else self.terminate()
        self.start()

    def stop(self):
        """End it if need be and forget it; returns the exit status."""
        rc = 0
        if self in _alive:
            _alive.remove(self)
        if self.process is not None:
            rc = self.terminate()
        if self._own_dir:
            shutil.rmtree(self.dir, ignore_errors=True)
        return rc

    def _log_path(self):
        return os.path.join(self.dir, "log")

    def log(self):
        try:
            with open(self._log_path(), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    # ---- talking ----

    @property
    def url(self):
        return "http://%s:%d" % (self.address, self.port)

    def token(self, method, path, **claims):
        return make_token(method, path.split("?")[0], **claims)

    def connect(self, timeout=60):
        return http.client.HTTPConnection(self.address, self.port,
                                          timeout=timeout)

    def _connection(self):
        c = getattr(self._local, "connection", None)
        if c is None or self._local.generation != self._generation:
            c = self._local.connection = self.connect()
            self._local.generation = self._generation
        return c

    def request(self, method, path, body=None, headers=None):
        """(status, headers, body): body is bytes, or what json makes of it."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if self.auth and "Authorization" not in headers:
            headers["Authorization"] = "bearer " + self.token(method, path)
        for attempt in (1, 2):
            c = self._connection()
            fresh = c.sock is None
            try:
                c.request(method, path, body=body, headers=headers)
                r = c.getresponse()
                data = r.read()
                return r.status, Headers(r.getheaders()), data
            except (http.client.RemoteDisconnected, BrokenPipeError,
                    ConnectionResetError):
                # A kept connection may have been closed meanwhile.
                c.close()
                if fresh or attempt == 2:
                    raise
            except (http.client.HTTPException, OSError):
                # Refused, say: else it would take no other request.
                c.close()
                raise

    def json(self, method, path, body=None, status=200):
        got, _, data = self.request(method, path, body)
        if got != status:
            raise AssertionError("%s %s: %d %r" % (method, path, got, data))
        return json.loads(data)

    def raw(self, data, timeout=30):
        """Send bytes on a connection of their own, return all that comes."""
        with socket.create_connection((self.address, self.port),
                                      timeout=timeout) as s:
            s.sendall(data)
            return read_all(s)

    def wait(self, location, seconds=60):
        """Poll as heketi's clients do: (status, headers, body) of the end.
        A 303 is followed.  .polls tells how many requests it took.
        """
        deadline = time.monotonic() + seconds
        self.polls = 0
        while True:
            self.polls += 1
            status, headers, body = self.request("GET", location)
            if status != 200 or headers.get("X-Pending") != "true":
                break
            if time.monotonic() > deadline:
                raise AssertionError("%s did not end" % location)
            time.sleep(0.01)
        if status == 303:
            return self.request("GET", headers["Location"])
        return status, headers, body

    def run(self, method, path, body=None):
        """An asynchronous request and its end."""
        status, headers, data = self.request(method, path, body)
        if status != 202:
            return status, headers, data
        return self.wait(headers["Location"])

    # ---- a world to test in ----

    def cluster(self, **flags):
        return self.json("POST", "/clusters",
                         flags or {"file": True, "block": True}, 201)["id"]

    def node(self, cluster, name, zone=1, **more):
        status, _, body = self.run("POST", "/nodes", dict({
            "zone": zone, "cluster": cluster,
            "hostnames": {"manage": [name], "storage": [name + ".stor"]},
        }, **more))
        assert status == 200, (status, body)
        return json.loads(body)["id"]

    def device(self, node, name="/dev/sdb", **more):
        """The id of the new device."""
        before = {x["id"] for x in
                  self.json("GET", "/nodes/" + node)["devices"]}
        status, _, body = self.run("POST", "/devices",
                                   dict({"node": node, "name": name}, **more))
        assert status == 204, (status, body)
        after = {x["id"] for x in
                 self.json("GET", "/nodes/" + node)["devices"]}
        return (after - before).pop()

    def topology(self, nodes=3, devices=1):
        """A cluster; returns its id, the nodes' and the devices'."""
        c = self.cluster()
        ns = [self.node(c, "n%d" % i, zone=i + 1) for i in range(nodes)]
        ds = [self.device(n, "/dev/sd" + chr(ord("b") + k))
              for n in ns for k in range(devices)]
        return c, ns, ds


def read_all(s):
    data = b""
    while True:
        try:
            part = s.recv(65536)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part
