# SPDX-License-Identifier: GPL-2.0-or-later
"""An API server of Kubernetes, as far as an executor needs it: pods by REST, exec
by WebSocket with the channel subprotocols, bearer tokens and client certificates
over TLS.  Scripts run here, or behind a command prefix, or where a function of the
pod says.  With faults on demand."""
import atexit
import base64
import hashlib
import http.server
import json
import os
import re
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse

import tap
from sshd import (CANCELLED, INVALID, PERMANENT, TIMEOUT, TRANSIENT,  # noqa: F401
                  UNREACHABLE, DRIVER, Driver as AnyDriver, is_running, wait_until)

PLUGIN = os.path.join(tap.BUILDDIR, "executors", "kubernetes", ".libs", "kubernetes.so")
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
STDIN, STDOUT, STDERR, STATUS, CLOSE = 0, 1, 2, 3, 255


def require():
    for f in DRIVER, PLUGIN:
        if not os.path.exists(f):
            tap.skip_all("%s is not built" % f)
    if shutil.which("openssl") is None:
        tap.skip_all("there is no openssl")


def workdir():
    d = tempfile.mkdtemp(prefix="brickyard-kube.")
    atexit.register(shutil.rmtree, d, ignore_errors=True)
    return d


class Driver(AnyDriver):
    PLUGIN = PLUGIN


# ---- certificates

class Ca:
    def __init__(self, d, name="ca"):
        self.dir, self.name = d, name
        self.cert, self.key = (os.path.join(d, name + e) for e in (".crt", ".key"))
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=" + name, "-keyout", self.key, "-out", self.cert)

    def issue(self, name, subject, san=None):
        """Paths of a certificate and its key."""
        cert, key, request, ext = (os.path.join(self.dir, name + e) for e in (".crt", ".key", ".csr", ".ext"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
                "-keyout", key, "-out", request)
        with open(ext, "w") as f:
            f.write("basicConstraints=CA:FALSE\n" + ("subjectAltName=" + san + "\n" if san else ""))
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial",
                "-days", "2", "-extfile", ext, "-out", cert)
        return cert, key


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


# ---- objects

def pod(name, namespace="glusterfs", node="", labels=None, containers=("glusterfs",), phase="Running", state=None,
        deleting=False, last=None, **status):
    state = state or {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    p = {"kind": "Pod", "apiVersion": "v1",
         "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
         "spec": {"nodeName": node, "containers": [{"name": c, "image": "gluster"} for c in containers]},
         "status": {"phase": phase, **status}}
    if phase == "Running" or "waiting" in state:
        p["status"]["containerStatuses"] = [{"name": c, "ready": False, "state": state, "lastState": last or {}}
                                            for c in containers]
    if deleting:
        p["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return p


def status_of(code, reason, message):
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
            "reason": reason, "code": code}


def has_label(labels, selector):
    for term in filter(None, selector.split(",")):
        m = re.fullmatch(r"([^=!]+?)(?:==?(.*))?", term)
        if m.group(1) not in labels or (m.group(2) is not None and labels[m.group(1)] != m.group(2)):
            return False
    return True


def has_field(p, selector):
    fields = {"spec.nodeName": p["spec"]["nodeName"], "metadata.name": p["metadata"]["name"]}
    return all(fields[t.split("=")[0]] == t.partition("=")[2].lstrip("=") for t in selector.split(",") if t)


class Api:
    """The server.  What goes wrong is set in its attributes, at any time:
      protocols   subprotocols it speaks
      refuse      {(verb, resource): [(status, reason, message, headers), ...]}, each used once;
                  a tuple instead of a list: always
      lie         the exit status that is reported for whatever ran (None: the true one)
      cut         "upgrade", "stdin", "started", "end": where connections are broken
      slow        seconds before any answer
      pieces      messages are sent in frames of so many bytes (0: whole)
      drip        and each frame in two halves, a moment apart
      silent      WebSockets: nothing is read or written any more
      ping_s      ping the client that often, and want its pong
      argv        function of a pod and a command: the words that run it there
      unreached   function of a pod: why its node does not answer the server, or None"""

    REQUEST, ALPN = property(lambda self: Request), ["h2", "http/1.1"]

    def __init__(self, d, tls=None, client_ca=None, tokens=("token",), prefix=None, address="127.0.0.1"):
        self.dir, self.pods, self.prefix = d, [], prefix or []
        self.tokens, self.client_ca, self.lock = set(tokens), client_ca, threading.Lock()
        self.protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
        self.refuse, self.lie, self.cut, self.slow, self.pieces, self.drip = {}, None, None, 0, 0, False
        self.silent, self.ping_s, self.runtime_error = False, 0, None
        self.argv, self.unreached = lambda pod, command: self.prefix + command, lambda pod: None
        self.requests, self.chosen, self.pongs, self.upgrades, self.connections = [], [], 0, 0, 0
        self.running, self.most, self.children, self.sockets = 0, 0, set(), set()
        api = self

        class Handler(self.REQUEST):
            server_api = api
        self.http = Server((address, 0), Handler)
        self.http.api, self.tls = self, None
        self.address, self.port = address, self.http.server_address[1]
        if tls is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
            self.tls.set_alpn_protocols(self.ALPN)
            if client_ca is not None:
                self.tls.load_verify_locations(client_ca)
                self.tls.verify_mode = ssl.CERT_OPTIONAL
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        atexit.register(self.stop)

    @property
    def url(self):
        return "%s://%s:%d" % ("https" if self.tls else "http", self.address, self.port)

    def kubeconfig(self, path, token="token", namespace="glusterfs", cluster=None, user=None):
        """As JSON, which is YAML, too."""
        with open(path + ".new", "w") as f:
            json.dump({"current-context": "here",
                       "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u",
                                                                 "namespace": namespace}}],
                       "clusters": [{"name": "c", "cluster": {"server": self.url, **(cluster or {})}}],
                       "users": [{"name": "u", "user": {"token": token} if user is None else user}]}, f)
        os.rename(path + ".new", path)
        return path

    def drop_connections(self):
        with self.lock:
            sockets = list(self.sockets)
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
        self.drop_connections()
        with self.lock:
            children = list(self.children)
        for pid in children:
            try:
                os.killpg(pid, signal.SIGKILL)
            except OSError:
                pass


class Kubelet(Api):
    """As far as a real API server needs one: for exec by version 4, and for logs."""
    logs = b""
    REQUEST, ALPN = property(lambda self: KubeletRequest), ["http/1.1"]


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def get_request(self):
        s, address = super().get_request()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.api.connections += 1
        return s, address

    def finish_request(self, request, address):
        if self.api.tls is not None:
            request.settimeout(30)
            try:
                request = self.api.tls.wrap_socket(request, server_side=True)
            except OSError:
                return
            request.settimeout(None)
        with self.api.lock:
            self.api.sockets.add(request)
        try:
            self.RequestHandlerClass(request, address, self)
        finally:
            with self.api.lock:
                self.api.sockets.discard(request)
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            request.close()

    def handle_error(self, request, address):
        pass                    # clients that go away are what is tested


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=()):
        data = json.dumps(body).encode() if not isinstance(body, bytes) else body
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for k, v in headers:
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(data)

    def fail(self, code, reason, message, headers=()):
        self.answer(code, status_of(code, reason, message), headers)

    def user(self):
        auth = self.headers.get("Authorization", "")
        if auth.startswith("Bearer ") and auth[7:] in self.server_api.tokens:
            return "system:serviceaccount:glusterfs:brickyard"
        if self.server_api.client_ca is not None and isinstance(self.connection, ssl.SSLSocket):
            cert = self.connection.getpeercert()
            if cert:
                return dict(x[0] for x in cert["subject"])["commonName"]
        return None

    def refused(self, verb, resource):
        api = self.server_api
        with api.lock:
            r = api.refuse.get((verb, resource))
            if isinstance(r, list):
                r = r.pop(0) if r else None
        if r is not None:
            self.fail(*r)
        return r is not None

    def do_GET(self):
        api, url = self.server_api, urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        with api.lock:
            api.requests.append(self.path)
        time.sleep(api.slow)
        m = re.fullmatch(r"(?:/base)?/api/v1/namespaces/([^/]+)/pods(?:/([^/]+)(/exec)?)?", url.path)
        if self.user() is None:
            self.fail(401, "Unauthorized", "Unauthorized")
        elif m is None:
            self.fail(404, "NotFound", "the server could not find the requested resource")
        elif m.group(3):
            if not self.refused("get", "pods/exec"):
                self.exec(m.group(1), m.group(2), query)
        elif m.group(2):
            if not self.refused("get", "pods"):
                p = self.find(m.group(1), m.group(2))
                if p is not None:
                    self.answer(200, p)
        elif not self.refused("list", "pods"):
            with api.lock:
                found = [p for p in api.pods if p["metadata"]["namespace"] == m.group(1) and
                         has_label(p["metadata"]["labels"], query.get("labelSelector", [""])[0]) and
                         has_field(p, query.get("fieldSelector", [""])[0])]
            self.answer(200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": found})

    def find(self, namespace, name):
        with self.server_api.lock:
            for p in self.server_api.pods:
                if (p["metadata"]["namespace"], p["metadata"]["name"]) == (namespace, name):
                    return p
        self.fail(404, "NotFound", 'pods "%s" not found' % name)
        return None

    # ---- exec

    def exec(self, namespace, name, query):
        api, p = self.server_api, self.find(namespace, name)
        if p is None:
            return
        container = query.get("container", [""])[0]
        if container not in [c["name"] for c in p["spec"]["containers"]]:
            self.fail(400, "BadRequest", "container %s is not valid for pod %s" % (container, name))
            return
        if self.headers.get("Upgrade", "").lower() != "websocket":
            self.fail(400, "BadRequest", "Upgrade request required")
            return
        self.begin(p, query)

    def begin(self, p, query):
        api = self.server_api
        offered = [x.strip() for x in self.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        protocol = next((x for x in offered if x in api.protocols), None)
        why, is_v5 = api.unreached(p), protocol == "v5.channel.k8s.io"
        if why is not None and not is_v5:
            self.fail(500, "InternalError", "error dialing backend: " + why)
            return
        api.upgrades += why is None
        if api.cut == "upgrade":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        key = self.headers["Sec-WebSocket-Key"]
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept",
                         base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode())
        if protocol is not None:
            self.send_header("Sec-WebSocket-Protocol", protocol)
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        session = Session(api, self.connection, self.rfile, protocol)
        if why is not None:
            # Version 5 ends at the server, which only then turns to the kubelet.
            session.unreached(self.path, why)
            return
        api.chosen.append(protocol)
        session.run(api.argv(p, query["command"]))


class KubeletRequest(Request):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        m = re.fullmatch(r"/exec/([^/]+)/([^/]+)/([^/]+)", url.path)
        with self.server_api.lock:
            self.server_api.requests.append(self.path)
        if m is None and url.path.startswith("/containerLogs/"):
            self.answer(200, self.server_api.logs)
        elif m is None:
            self.fail(404, "NotFound", "404 page not found")
        elif self.headers.get("Upgrade", "").lower() != "websocket":
            # SPDY is what newer API servers turn version 5 into.
            self.fail(400, "BadRequest", "this kubelet speaks WebSockets only")
        else:
            self.begin(pod(m.group(2), m.group(1)), urllib.parse.parse_qs(url.query))


class Session:
    """One exec.  Frames are read on a thread of its own, and written under a lock."""

    def __init__(self, api, sock, rfile, protocol):
        self.api, self.sock, self.rfile, self.protocol = api, sock, rfile, protocol
        self.lock, self.over = threading.Lock(), threading.Event()
        self.stdin_bytes, self.process = 0, None

    def send_frame(self, opcode, data, fin=True):
        head = bytes([(0x80 if fin else 0) | opcode])
        head += bytes([len(data)]) if len(data) < 126 else struct.pack(">BH", 126, len(data)) \
            if len(data) < 65536 else struct.pack(">BQ", 127, len(data))
        frame = head + data
        while self.api.silent and not self.over.is_set():
            time.sleep(0.02)
        if self.api.drip:
            self.sock.sendall(frame[:len(frame) // 2])
            time.sleep(0.005)
            frame = frame[len(frame) // 2:]
        self.sock.sendall(frame)

    def send(self, channel, data):
        data = bytes([channel]) + data
        step = self.api.pieces or len(data)
        with self.lock:
            for i in range(0, len(data), step):
                self.send_frame(2 if i == 0 else 0, data[i:i + step], i + step >= len(data))

    def run(self, command):
        if self.api.runtime_error is not None:
            self.send(STATUS, json.dumps(self.api.runtime_error).encode())
            self.close(1000)
            return
        with self.api.lock:
            self.api.running += 1
            self.api.most = max(self.api.most, self.api.running)
        try:
            code = self.run_process(command)
        except (OSError, ValueError):
            code = None
        with self.api.lock:
            self.api.running -= 1
        try:
            if code is not None:
                self.report(code)
        except OSError:
            pass
        self.over.set()
        self.close_stdin()

    def run_process(self, command):
        try:
            # In a session of its own, as container runtimes do it.
            p = self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True, cwd="/")
        except OSError as e:
            self.send(STATUS, json.dumps(status_of(
                500, "InternalError", "OCI runtime exec failed: exec failed: unable to start container process: exec: "
                "\"%s\": executable file not found in $PATH: %s" % (command[0], e))).encode())
            self.close(1000)
            return None
        with self.api.lock:
            self.api.children.add(p.pid)
        # API servers say so that they are there.
        self.send(STDOUT, b"")
        self.send(STATUS, b"")
        threading.Thread(target=self.read, daemon=True).start()
        if self.api.ping_s:
            threading.Thread(target=self.ping, daemon=True).start()
        self.pump()
        status = p.wait()
        with self.api.lock:
            self.api.children.discard(p.pid)
        return 128 - status if status < 0 else status

    def pump(self):
        """Output, until both ends are closed, as container runtimes wait for them."""
        streams = {self.process.stdout.fileno(): STDOUT, self.process.stderr.fileno(): STDERR}
        while streams and not self.over.is_set():
            for fd in select.select(list(streams), [], [], 0.05)[0]:
                data = os.read(fd, 32768)
                if data:
                    self.send(streams[fd], data)
                else:
                    del streams[fd]
                if self.api.cut == "started" and b"begun" in data:
                    self.sock.shutdown(socket.SHUT_RDWR)
                    raise OSError

    def report(self, code):
        if self.api.cut == "end":
            self.sock.shutdown(socket.SHUT_RDWR)
            return
        code = code if self.api.lie is None else self.api.lie
        if code == 0:
            body = {"metadata": {}, "status": "Success"}
        else:
            body = {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
                    "message": "command terminated with non-zero exit code: exit status %d" % code,
                    "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]}}
        self.send(STATUS, json.dumps(body).encode())
        self.close(1000)

    def close(self, code):
        with self.lock:
            self.send_frame(8, struct.pack(">H", code))
        # Its own close frame, or its end, is read by the reader.
        self.over.wait(2)

    def close_stdin(self):
        try:
            if self.process is not None:
                self.process.stdin.close()
        except OSError:
            pass

    def ping(self):
        while not self.over.wait(self.api.ping_s):
            try:
                with self.lock:
                    self.send_frame(9, b"are you there?")
            except OSError:
                return

    def unreached(self, path, why):
        why = 'error sending request: Post "https://198.18.0.9:10250%s": %s' % (path.replace("/api/v1", ""), why)
        body = status_of(500, "InternalError", "Internal error occurred: " + why)
        body["details"] = {"causes": [{"message": why}]}
        self.send(STATUS, json.dumps(body).encode())
        threading.Thread(target=self.read, daemon=True).start()
        self.close(1000)

    # ---- from the client

    def read(self):
        try:
            self.read_frames()
        except (OSError, ValueError, struct.error):
            pass
        self.over.set()
        self.close_stdin()

    def exactly(self, n):
        data = self.rfile.read(n)
        if len(data) < n:
            raise OSError("the end")
        return data

    def read_frames(self):
        message = b""
        while True:
            while self.api.silent:
                time.sleep(0.02)
            a, b = self.exactly(2)
            n = b & 0x7f
            if n >= 126:
                n = struct.unpack(">H", self.exactly(2))[0] if n == 126 else struct.unpack(">Q", self.exactly(8))[0]
            assert b & 0x80, "clients have to mask"
            mask = self.exactly(4)
            data = self.exactly(n)
            data = bytes(x ^ y for x, y in zip(data, (mask * (n // 4 + 1))[:n])) if n < 200 else \
                (int.from_bytes(data, "big") ^ int.from_bytes((mask * (n // 4 + 1))[:n], "big")).to_bytes(n, "big")
            if a & 0xf == 8:
                return
            if a & 0xf == 9:
                with self.lock:
                    self.send_frame(10, data)
            elif a & 0xf == 10:
                self.api.pongs += data == b"are you there?"
            else:
                message += data
                if a & 0x80:
                    self.message(message[0], message[1:])
                    message = b""

    def message(self, channel, data):
        if channel == CLOSE and self.protocol.startswith("v5") and data == bytes([STDIN]):
            self.close_stdin()
        elif channel == STDIN:
            if self.api.cut == "stdin":
                self.process.stdin.write(data[:len(data) // 2])
                self.process.stdin.flush()
                self.sock.shutdown(socket.SHUT_RDWR)
                raise OSError
            self.process.stdin.write(data)
            self.process.stdin.flush()
