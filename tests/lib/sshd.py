# SPDX-License-Identifier: GPL-2.0-or-later
"""Real sshds on the loopback, a TCP proxy that can cut and stall, and the
driver with the ssh executor in it."""
import atexit
import getpass
import os
import queue
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import tap

DRIVER = os.path.join(tap.BUILDDIR, "tests", "lab", "exec-driver")
PLUGIN = os.path.join(tap.BUILDDIR, "executors", "ssh", ".libs", "ssh.so")
SSHD = "/usr/sbin/sshd"
USER = getpass.getuser()

(PERMANENT, TRANSIENT, UNREACHABLE, TIMEOUT, CANCELLED, FENCED, NOTFOUND,
 EXISTS, NOSPACE, INVALID, UNSUPPORTED) = range(1, 12)


def require():
    for f in DRIVER, PLUGIN:
        if not os.path.exists(f):
            tap.skip_all("%s is not built" % f)
    for f in SSHD, "/usr/bin/ssh-keygen":
        if not os.path.exists(f):
            tap.skip_all("there is no %s" % f)
    if os.geteuid() == 0:
        # sshd wants it when it is started as root.
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)


def workdir():
    d = tempfile.mkdtemp(prefix="brickyard-ssh.")
    os.chmod(d, 0o755)          # sshd is strict about what is above its files
    atexit.register(shutil.rmtree, d, ignore_errors=True)
    return d


def keygen(path, kind="ed25519", passphrase="", *more):
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f",
                    path, *more], check=True, stdin=subprocess.DEVNULL)
    return path


def wait_until(what, cond, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if cond():
            return True
        time.sleep(0.02)
    tap.diag("waited in vain: " + what)
    return False


class Sshd:
    """One sshd with a host key and authorized_keys of its own."""

    def __init__(self, d, name="sshd", key_type="ed25519", **options):
        self.dir = os.path.join(d, name)
        os.mkdir(self.dir, 0o755)
        self.host_key = keygen(self.dir + "/host_key", key_type)
        self.authorized = self.dir + "/authorized_keys"
        self.options = options
        self.port = 0
        self.process = None
        with open(self.authorized, "w"):
            pass
        atexit.register(self.stop)

    def authorize(self, *keys, prefix=""):
        with open(self.authorized, "a") as f:
            for k in keys:
                with open(k + ".pub") as pub:
                    f.write(prefix + pub.read())

    def start(self):
        for _ in range(20):
            if self.port == 0:
                with socket.socket() as s:
                    s.bind(("127.0.0.1", 0))
                    self.port = s.getsockname()[1]
            config = {
                "Port": self.port, "ListenAddress": "127.0.0.1",
                "HostKey": self.host_key, "PidFile": self.dir + "/pid",
                "AuthorizedKeysFile": self.authorized, "UsePAM": "no",
                "PasswordAuthentication": "no", "StrictModes": "no",
                "KbdInteractiveAuthentication": "no",
                "MaxStartups": "100", "PermitRootLogin": "yes",
                # Keeps bash from reading the .bashrc of whoever tests.
                "SetEnv": "SHLVL=5",
                "LogLevel": "DEBUG", **self.options}
            with open(self.dir + "/config", "w") as f:
                f.writelines("%s %s\n" % kv for kv in config.items())
            self.process = subprocess.Popen(
                [SSHD, "-D", "-f", self.dir + "/config", "-E",
                 self.dir + "/log"], stdin=subprocess.DEVNULL)
            if self.answers():
                return self
            self.stop()
            self.port = 0
        raise RuntimeError("sshd does not start: " + self.log())

    def answers(self):
        end = time.monotonic() + 10
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 2) as s:
                    if s.recv(4) == b"SSH-":
                        return True
            except OSError:
                time.sleep(0.02)
        return False

    def log(self):
        try:
            with open(self.dir + "/log") as f:
                return f.read()
        except OSError:
            return ""

    def logins(self):
        return self.log().count("Accepted publickey")

    def children(self):
        """The processes that serve connections."""
        return descendants(self.process.pid, "sshd")

    def kill_connections(self):
        for pid in self.children():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def stop(self):
        if self.process is None:
            return
        children = self.children()
        self.process.kill()
        self.process.wait()
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process = None

    def known_hosts_line(self, host="127.0.0.1", port=None):
        with open(self.host_key + ".pub") as f:
            kind, key = f.read().split()[:2]
        return "[%s]:%d %s %s\n" % (host, port or self.port, kind, key)


def descendants(pid, name):
    """Processes below pid that are called name."""
    found, parents = [], {}
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % p) as f:
                m = re.match(r"\d+ \((.*)\) \S (\d+)", f.read(), re.S)
            parents.setdefault(int(m.group(2)), []).append((int(p), m.group(1)))
        except OSError:
            pass
    todo = [pid]
    while todo:
        for child, comm in parents.get(todo.pop(), []):
            todo.append(child)
            if comm == name:
                found.append(child)
    return found


def is_running(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Proxy:
    """Passes bytes on to a port, until it is told to cut or to stall."""

    def __init__(self, port):
        self.to, self.stalled, self.delay = port, False, 0
        self.frozen = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs, self.lock = [], threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            a, _ = self.listener.accept()
            try:
                b = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                a.close()
                continue
            with self.lock:
                self.pairs.append((a, b))
            threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    def pump(self, a, b):
        other = {a: b, b: a}
        try:
            while True:
                if self.stalled or a in self.frozen:
                    time.sleep(0.02)
                    continue
                for s in select.select([a, b], [], [], 0.05)[0]:
                    data = s.recv(65536)
                    if not data:
                        raise OSError
                    if self.delay:
                        time.sleep(self.delay)
                    while self.stalled or a in self.frozen:
                        time.sleep(0.02)
                    other[s].sendall(data)
        except (OSError, ValueError):
            a.close()
            b.close()

    def freeze(self):
        """Nothing passes any more on the connections there are now."""
        with self.lock:
            self.frozen.update(a for a, _ in self.pairs)

    def cut(self):
        """Both sides see the end of the connection."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Result:
    def __init__(self):
        self.values, self.err_class, self.text, self.ms = {}, None, "", None
        self.over = threading.Event()

    def get(self, key):
        return self.values.get(key)

    @property
    def ok(self):
        return self.err_class == 0

    @property
    def status(self):
        return int(self.values.get("exit_status", -1))

    def __repr__(self):
        return "class %s, %s ms, text %r, values %s" % (
            self.err_class, self.ms, self.text,
            {k: v[:200] for k, v in self.values.items()})


class Driver:
    """One instance of the executor; as a context it ends with its block."""

    PLUGIN = PLUGIN

    def __init__(self, d, env=None, **options):
        self.dir, self.n, self.results = d, 0, {}
        self.stderr = tempfile.TemporaryFile("w+", dir=d)
        # DRIVER_WRAP: a tool to run it under, such as valgrind.
        words = os.environ.get("DRIVER_WRAP", "").split()
        words += [DRIVER, self.PLUGIN, "-i", "-v"]
        env = {"ASAN_OPTIONS": "exitcode=99", **(env or {})}
        for k, v in options.items():
            words += ["-o", "%s=%s" % (k, v)]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.stderr, text=True, errors="surrogateescape",
            env={**os.environ, **env})
        self.first = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        atexit.register(self.kill)

    def read(self):
        for line in self.process.stdout:
            words = line.rstrip("\n").split(" ", 3)
            if words[0] == "open":
                self.first.put(line)
                continue
            r = self.results[int(words[0])]
            if words[1].startswith("="):
                r.values[words[2]] = words[3].replace("\\n", "\n")
            elif words[1] == "ms":
                r.ms = int(words[2])
            elif words[1] == "ok":
                r.err_class = 0
                r.over.set()
            else:
                r.err_class, r.text = int(words[2]), words[3]
                r.over.set()

    def start(self, script, **words):
        r = self.results[self.n] = Result()
        if "\n" in script or "\t" in script or len(script) > 4000:
            path = os.path.join(self.dir, "script-%d-%d" % (id(self), self.n))
            with open(path, "w", errors="surrogateescape") as f:
                f.write(script)
            words["scriptfile"] = path
        else:
            words["script"] = script
        self.n += 1
        words.setdefault("host", "127.0.0.1")
        line = "\t".join(["run"] + ["%s=%s" % kv for kv in words.items()])
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return r

    def run(self, script, **words):
        return self.wait(self.start(script, **words))

    def wait(self, r, seconds=60):
        if not r.over.wait(seconds):
            tap.diag("no result after %d seconds" % seconds, self.log())
        return r

    def open_failure(self):
        """What .open said, for one that is to fail."""
        self.process.wait(30)
        self.reader.join(10)
        return self.first.get_nowait() if not self.first.empty() else ""

    def log(self):
        self.stderr.seek(0)
        return self.stderr.read()

    def close(self, seconds=30):
        """Its exit status, once all is given back."""
        self.process.stdin.close()
        status = self.process.wait(seconds)
        self.reader.join(10)
        if status not in (0, 1):        # a sanitizer, or a crash
            tap.ok(False, "the driver ends without a complaint")
            tap.diag(status, self.log())
        return status

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.close()
