# SPDX-License-Identifier: GPL-2.0-or-later
"""Images built by buildah from the recipes of contrib/container, on a base that
mmdebstrap makes: no registry is needed, and each package is fetched once, through a
cache on loopback, however many stages ask for it.  And containers of them, without
a runtime."""
import atexit
import hashlib
import http.server
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request

import etcd
import tap

RECIPES = os.path.join(tap.SRCDIR, "contrib", "container")
SUITE = "bookworm"


def mirror():
    """Where this machine has Debian from."""
    r = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)",
                        "Created-By: Packages", "Release: " + SUITE],
                       stdout=subprocess.PIPE, text=True)
    return (sorted(set(r.stdout.split())) or
            ["http://deb.debian.org/debian"])[0].rstrip("/")


class Cache:
    """A proxy that keeps what it fetches."""

    def __init__(self, d):
        self.dir, self.fetched = d, 0
        os.makedirs(d)
        cache = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                try:
                    path = cache.get(self.path)
                except urllib.error.HTTPError as e:
                    self.send_response(e.code)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(os.path.getsize(path)))
                self.end_headers()
                with open(path, "rb") as f:
                    shutil.copyfileobj(f, self.wfile)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, address):
                pass            # apt goes away in the middle of a file

        self.http = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.http.server_port
        threading.Thread(target=self.http.serve_forever, args=(0.1,),
                         daemon=True).start()

    def get(self, url):
        path = os.path.join(self.dir, hashlib.sha1(url.encode()).hexdigest())
        if not os.path.exists(path):
            with urllib.request.urlopen(url, timeout=60) as r, \
                    tempfile.NamedTemporaryFile(dir=self.dir, delete=False) as f:
                shutil.copyfileobj(r, f)
            os.rename(f.name, path)
            self.fetched += 1
        return path

    def close(self):
        self.http.shutdown()
        self.http.server_close()


def can_overlay(d):
    """Is there a file system below that overlayfs can be on?  Not in most containers."""
    names = ["lower", "upper", "work", "all"]
    for name in names:
        os.makedirs(os.path.join(d, "try", name))
    options = "lowerdir=lower,upperdir=upper,workdir=work"
    r = subprocess.run(["unshare", "-m", "mount", "-t", "overlay", "-o", options, "none",
                        "all"], cwd=d + "/try", stderr=subprocess.DEVNULL)
    shutil.rmtree(d + "/try")
    return r.returncode == 0


class Builder:
    """A store of images of its own; nothing of it is left at the end."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="images-")
        os.chmod(self.dir, 0o755)
        self.options = ["--root", self.dir + "/store", "--runroot", self.dir + "/run",
                        "--storage-driver",
                        "overlay" if can_overlay(self.dir) else "vfs"]
        self.cache = Cache(self.dir + "/debs")
        atexit.register(self.close)

    def run(self, *args):
        """What it printed, or None: it failed, which is told."""
        words = [args[0], *self.options, *args[1:]] if args[0] == "build" else \
            [*self.options, *args]
        # However the test ends, it does not go on building.
        p = etcd.spawn(["buildah", *words], stdin=subprocess.DEVNULL, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = p.communicate()
        if p.returncode == 0:
            return out.strip()
        tap.diag("buildah " + " ".join(args), out[-1500:], err[-3000:])
        return None

    def base(self, name):
        """Debian as small as its slim images, which fetches through the cache."""
        c = self.run("from", "scratch")
        if c is None:
            return False
        slim = ["path-exclude=/usr/share/%s/*" % d for d in
                ("doc", "info", "linda", "lintian", "locale", "man")]
        words = ["mmdebstrap", "--quiet", "--mode=root", "--variant=apt",
                 "--format=directory",
                 "--aptopt=Acquire::http::Proxy \"%s\"" % self.cache.url,
                 "--dpkgopt=force-unsafe-io"] + ["--dpkgopt=" + o for o in slim]
        r = subprocess.run(words + [SUITE, self.run("mount", c), mirror()],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if r.returncode != 0:
            tap.diag("mmdebstrap", r.stdout[-3000:])
            return False
        return self.run("umount", c) is not None and \
            self.run("commit", "-q", "--rm", c, "localhost/" + name) is not None

    def build(self, recipe, name, base, context, *more):
        return self.run("build", "-q", "--isolation", "chroot", "--format", "docker",
                        "--build-arg", "BASE=localhost/" + base, "-f",
                        os.path.join(RECIPES, recipe), "-t", name, *more,
                        context) is not None

    def mount(self, name):
        """Its root, to be written to, or None."""
        c = self.run("from", "localhost/" + name)
        if c is None:
            return None
        return self.run("mount", c)

    def config(self, name):
        return json.loads(self.run("inspect", "--type", "image",
                                   "localhost/" + name))["Docker"]["config"]

    def close(self):
        if not os.path.exists(self.dir):
            return
        self.cache.close()
        # Roots that are mounted, and what a killed build has left mounted.
        with open("/proc/self/mounts") as f:
            left = [line.split()[1] for line in f if line.split()[1].startswith(self.dir)]
        for at in reversed(left):
            subprocess.call(["umount", "-l", at], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)


# ---- containers


def manifest(path, kind):
    """The first object of that kind in a file, as kubectl reads it; without a server."""
    out = subprocess.run(["kubectl", "annotate", "--local", "-f", path, "x=y", "-o", "json"],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    at = 0
    while at < len(out):
        o, at = json.JSONDecoder().raw_decode(out, at)
        if o["kind"] == kind:
            return o
        while at < len(out) and out[at].isspace():
            at += 1
    raise ValueError(path)


PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def quoted(*words):
    return " ".join(map(shlex.quote, words))


class Container:
    """A command in a root directory of its own, as a runtime would start it: mounts is
    a list of (what, where), what a directory, "tmpfs" or "proc".  nothing: neither
    rights nor anything to write to, as that user.  alone: with its own network, with that
    address, and its own processes, which all end with it."""

    def __init__(self, d, root, command, mounts=(), env=None, nothing=None, alone=None):
        self.root = tempfile.mkdtemp(prefix="root-", dir=d)
        os.chmod(self.root, 0o755)
        self.env = {"PATH": PATH, **(env or {})}
        steps = ["set -e", "mount --make-rprivate /",
                 quoted("mount", "--bind", root, self.root)]
        always = [("/dev", "/dev"), ("/sys", "/sys"), ("tmpfs", "/tmp")]
        for what, at in always + list(mounts):
            steps += self.mount(what, self.root + at)
        # After it is in its own process namespace.
        steps += self.mount("proc", self.root + "/proc")
        if alone:
            steps += ["ip link set lo up", quoted("ip", "addr", "add", alone, "dev", "lo")]
        words = ["chroot", self.root]
        if nothing is not None:
            steps.append(quoted("mount", "-o", "remount,bind,ro", self.root))
            words += ["setpriv", "--reuid", str(nothing[0]), "--regid", str(nothing[1]),
                      "--clear-groups", "--no-new-privs", "--bounding-set=-all",
                      "--inh-caps=-all"]
        steps.append("exec " + quoted(*words, *command))
        self.log = tempfile.NamedTemporaryFile("w+", dir=d)
        self.process = etcd.spawn(
            ["unshare", "-m", *(["-n", "-p", "-f", "--kill-child"] if alone else []),
             "sh", "-c", "\n".join(steps)],
            env=self.env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.alone = alone

    @staticmethod
    def mount(what, at):
        how = {"tmpfs": ["-t", "tmpfs", "-o", "mode=1777", "tmpfs"],
               "proc": ["-t", "proc", "proc"]}.get(what, ["--rbind", what])
        # The runtime makes what an image lacks; but never in a root that is not ours.
        return [quoted("[", "-d", at, "]") + " || " + quoted("mkdir", "-p", at),
                quoted("mount", *how, at)]

    @property
    def pid(self):
        """Of the command."""
        if not self.alone:
            return self.process.pid
        with open("/proc/%d/task/%d/children" % (2 * (self.process.pid,))) as f:
            return int(f.read().split()[0])

    def argv(self, command):
        """The words that run it in there."""
        return ["nsenter", "-t", str(self.pid), "-m", "-r", "-w",
                *(["-n", "-p"] if self.alone else []), "env", "-i", "PATH=" + PATH, *command]

    def run(self, *command, stdin=None):
        return subprocess.run(self.argv(command), input=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def is_there(self):
        return self.process.poll() is None

    def said(self):
        with open(self.log.name) as f:
            return f.read()

    def end(self, seconds=60):
        """Told to stop: its exit status."""
        os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(seconds)
