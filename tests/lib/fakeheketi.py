# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that plays recorded answers, for tests of the command line.

    fake = FakeHeketi(key="secret")
    fake.on("GET", "/clusters", json={"clusters": []})
    fake.later("POST", "/volumes", pending=2, see="/volumes/" + ID)
    r = fake.run("volume", "create", "--size=1")    # .out .err .status
    fake.requests                                   # what came in

Every request must carry a good token (HS256, iss, iat, exp, qsh), else it is
answered 401 as the real one does.  Answers are played in the order in which
they were given; the last one of a path is kept.
"""
import atexit
import base64
import hashlib
import hmac
import http.server
import json as jsonlib
import os
import socket
import subprocess
import threading
import time
import types
import urllib.parse

import tap

ID = "0123456789abcdef0123456789abcdef"
BRICKYARD = os.path.join(tap.BUILDDIR, "brickyard")


def unbase64(s):
    return base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))


class Answer:
    """status, headers, body; cut: close the connection without a word."""

    def __init__(self, status=200, json=None, text=None, headers=None,
                 cut=False, delay=0):
        self.status = status
        self.headers = dict(headers or {})
        self.cut = cut
        self.delay = delay
        self.body = b""
        if json is not None:
            self.headers["Content-Type"] = "application/json; charset=UTF-8"
            self.body = (jsonlib.dumps(json) + "\n").encode()
        elif text is not None:
            self.headers["Content-Type"] = "text/plain; charset=utf-8"
            self.body = text.encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self):
        fake = self.server.fake
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        path = urllib.parse.unquote(self.path.split("?")[0])
        problem, claims = fake.check_token(self.command, path, self.headers)
        a = fake.take(self.command, path, self.path, body, claims,
                      self.headers, problem)
        if a.delay:
            time.sleep(a.delay)
        if a.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(a.status)
        for name, value in a.headers.items():
            self.send_header(name, value)
        if a.status != 204:
            self.send_header("Content-Length", str(len(a.body)))
        self.end_headers()
        if a.status != 204:
            self.wfile.write(a.body)

    do_GET = do_POST = do_DELETE = do_PUT = answer


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass                      # a client that went away


class FakeHeketi:
    def __init__(self, user="admin", key="My Secret", ssl_context=None):
        self.user, self.key = user, key
        self.lock = threading.Lock()
        self.answers = {}
        self.requests = []
        self.queue = 0
        self.httpd = Server(("127.0.0.1", 0), Handler)
        self.httpd.fake = self
        scheme = "http"
        if ssl_context:
            scheme = "https"
            self.httpd.socket = ssl_context.wrap_socket(
                self.httpd.socket, server_side=True)
        self.port = self.httpd.server_address[1]
        self.url = "%s://127.0.0.1:%d" % (scheme, self.port)
        threading.Thread(target=self.httpd.serve_forever, args=(0.05,),
                         daemon=True).start()
        atexit.register(self.close)

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()

    # ---- what is to be answered ----

    def on(self, method, path, *args, **kwargs):
        a = args[0] if args else Answer(**kwargs)
        with self.lock:
            self.answers.setdefault((method, path), []).append(a)

    def later(self, method, path, pending=0, see=None, error=None,
              status=None):
        """202, then so many pending polls, then the end of it."""
        self.queue += 1
        queue = "/queue/%032x" % self.queue
        self.on(method, path, status=202, headers={"Location": queue})
        for _ in range(pending):
            self.on("GET", queue, headers={"X-Pending": "true"})
        if error is not None:
            self.on("GET", queue, status=status or 500, text=error + "\n")
        elif see is not None:
            self.on("GET", queue, status=303, headers={"Location": see},
                    text="<a href=\"%s\">See Other</a>.\n" % see)
        else:
            self.on("GET", queue, status=204)
        return queue

    def clear(self):
        with self.lock:
            self.answers.clear()
            self.requests.clear()

    def take(self, method, path, raw_path, body, claims, headers, problem):
        with self.lock:
            self.requests.append(types.SimpleNamespace(
                method=method, path=path, raw_path=raw_path, claims=claims,
                content_type=headers.get("Content-Type"),
                json=jsonlib.loads(body) if body else None,
                line="%s %s" % (method, path), time=time.monotonic()))
            if problem:
                return Answer(401, text=problem + "\n")
            answers = self.answers.get((method, path))
            if not answers:
                return Answer(404, text="Invalid path or request\n")
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def lines(self):
        return [r.line for r in self.requests]

    # ---- tokens ----

    def check_token(self, method, path, headers):
        """(what is wrong or None, the claims)"""
        words = headers.get("Authorization", "").split()
        if len(words) != 2 or words[0].lower() != "bearer":
            return "Required authorization token not found", None
        try:
            head, body, signature = words[1].split(".")
            claims = jsonlib.loads(unbase64(body))
            header = jsonlib.loads(unbase64(head))
        except ValueError as e:
            return "Invalid JWT token: %s" % e, None
        want = hmac.new(self.key.encode(), (head + "." + body).encode(),
                        hashlib.sha256).digest()
        qsh = hashlib.sha256(("%s&%s" % (method, path)).encode()).hexdigest()
        now = time.time()
        if header != {"alg": "HS256", "typ": "JWT"}:
            return "Invalid JWT token: header %r" % header, claims
        if "=" in words[1]:
            return "Invalid JWT token: padding", claims
        if claims.get("iss") != self.user:
            return "Invalid JWT token: Unknown user", claims
        if not hmac.compare_digest(want, unbase64(signature)):
            return "Invalid JWT token: signature is invalid", claims
        if not now - 5 <= claims["iat"] <= now + 1:
            return "Invalid JWT token: iat", claims
        if claims["exp"] != claims["iat"] + 300:
            return "Invalid JWT token: exp", claims
        if claims["qsh"] != qsh:
            return "Invalid qsh claim in token", claims
        return None, claims

    # ---- the program under test ----

    def environment(self, **env):
        e = {k: v for k, v in os.environ.items()
             if not k.startswith(("HEKETI_", "BRICKYARD_")) and
             not k.lower().endswith("_proxy")}
        e.update(BRICKYARD_CLI_SERVER=self.url, BRICKYARD_CLI_USER=self.user,
                 BRICKYARD_CLI_KEY=self.key)
        e.update(env)
        return {k: v for k, v in e.items() if v is not None}

    def start(self, *args, **env):
        return subprocess.Popen([BRICKYARD, *args], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=self.environment(**env))

    def run(self, *args, **env):
        p = self.start(*args, **env)
        out, err = p.communicate(timeout=60)
        return types.SimpleNamespace(out=out.decode(), err=err.decode(),
                                     status=p.returncode)

    def prints(self, args, out, name, **env):
        """Run; stdout must be this, stderr empty, the status 0."""
        r = self.run(*args, **env)
        return tap.is_((r.status, r.err, r.out), (0, "", out), name)

    def fails(self, args, message, name, **env):
        """Run; "Error: message" on stderr, status 255, nothing on stdout."""
        r = self.run(*args, **env)
        return tap.is_((r.status, r.err, r.out),
                       (255, "Error: %s\n" % message, ""), name)
