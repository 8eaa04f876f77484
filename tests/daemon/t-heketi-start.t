#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""contrib/container/heketi-start: what the start script of heketi's image hears
from its variables, for brickyardd.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import gzip
import json
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.request

import dumps
from dumps import db, masked

SCRIPT = os.path.join(tap.SRCDIR, "contrib", "container", "heketi-start")
work = tempfile.mkdtemp(prefix="heketi-start-")
count = 0


class Pod:
    """A container: directories, variables, the script."""

    def __init__(self, config=None, files=None, host="pod-1", **env):
        global count
        count += 1
        self.dir = os.path.join(work, "pod%d" % count)
        for d in ("heketi", "backup", "tmp", "archive"):
            os.makedirs(self.path(d))
        self.write("heketi.json", json.dumps(
            config or {"glusterfs": {"executor": "mock"}}).encode())
        for name, data in (files or {}).items():
            self.write(name, data)
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("BRICKYARD_", "HEKETI_"))}
        self.env.update({
            "BRICKYARD_BINDIR": tap.BUILDDIR,
            "BRICKYARD_PLUGIN_PATH": tap.BUILDDIR,
            "BRICKYARD_CONFIG": self.path("heketi.json"),
            "HEKETI_PATH": self.path("heketi"),
            "BACKUPDB_PATH": self.path("backup"),
            "TMP_PATH": self.path("tmp"), "HOSTNAME": host}, **env)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)

    def start(self):
        """Its address, or None: it ended."""
        with open(self.path("log"), "w") as log:
            self.process = subprocess.Popen(
                [SCRIPT, "--listen", "127.0.0.1:0", "--disable-auth"],
                stdout=subprocess.PIPE, stderr=log, env=self.env, text=True)
        timer = threading.Timer(60, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        m = re.match("brickyardd: ready on (.*)$", line)
        self.url = m and "http://" + m.group(1)
        if not m:
            self.process.wait(30)
        return self.url

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30) as r:
            return r.read().decode()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(30)
        self.process.stdout.close()
        return status

    def log(self):
        with open(self.path("log")) as f:
            return f.read()


plain = dumps.text("plain")

# ---- where the state is ----

p = Pod()
tap.ok(p.start(), "it starts") or tap.diag(p.log())
tap.is_(p.get("/hello"), "Hello from Heketi", "and serves")
tap.is_(p.stop(), 0, "SIGTERM ends it well")
tap.ok(os.path.exists(p.path("heketi", "brickyard.db")),
       "the state is in HEKETI_PATH")
p = Pod({"glusterfs": {"executor": "mock", "db": work + "/elsewhere.db"}})
p.start()
p.stop(signal.SIGINT)
tap.ok(os.path.exists(work + "/elsewhere.db") and
       os.listdir(p.path("heketi")) == [], "unless it is configured")
bolt = b"\0" * 16 + b"\xed\xda\x0c\xed" + b"\0" * 4000
p = Pod({"glusterfs": {"executor": "mock", "db": work + "/bolt.db"}})
with open(work + "/bolt.db", "wb") as f:
    f.write(bolt)
tap.ok(p.start() is None and p.process.returncode == 1 and
       "is a database of heketi's, which can't be read: make a dump" in p.log(),
       "heketi's own database is not written over") or tap.diag(p.log())
with open(work + "/bolt.db", "rb") as f:
    tap.ok(f.read() == bolt, "nor changed")
p = Pod()
p.write("heketi.json", b'{"port": 8080,}')
tap.ok(p.start() is None and "Unable to parse configuration" in p.log(),
       "a configuration that is wrong is told")

# ---- the backup ----

for name, data in (("heketi.db.gz", gzip.compress(plain.encode())),
                   ("heketi-db.json", plain.encode()),
                   ("heketi.db", plain.encode())):
    p = Pod(files={"backup/" + name: data})
    p.start()
    tap.ok(p.url and masked(p.get("/db/dump")).strip() ==
           masked(plain).strip(), "a dump in BACKUPDB_PATH is imported: " +
           name) or tap.diag(p.log())
    p.stop()
p.start()
tap.ok(p.url and "it is not empty: " in p.log() and "left as it is" in p.log(),
       "at the first start only") or tap.diag(p.log())
p.stop()
tap.is_(os.listdir(p.path("tmp")), [], "nothing is left in TMP_PATH")
p = Pod(files={"backup/heketi.db.gz": gzip.compress(bolt)})
tap.ok(p.start() is None and "is a database of heketi's, not a dump of one"
       in p.log(), "a backup of heketi's database itself is refused") or \
    tap.diag(p.log())
p = Pod(files={"backup/heketi.db.gz": b"junk"})
tap.ok(p.start() is None and p.process.returncode == 1,
       "so is what can't be unpacked")
p = Pod(files={"backup/heketi-db.json": dumps.text("pending").encode()})
tap.ok(p.start() is None and "was under way" in p.log() and
       not os.path.exists(p.path("heketi", "brickyard.db")),
       "and what can't be imported: then nothing is served") or \
    tap.diag(p.log())

# ---- the archive ----

p = Pod(files={"backup/heketi-db.json": plain.encode()})
p.env.update(HEKETI_DB_ARCHIVE_PATH=p.path("archive"),
             HEKETI_DB_ARCHIVE_COUNT="2", HEKETI_TRY_UPDATE_DB_VOL="y")
p.write("archive/other", b"x")
for day in "123":
    p.write("archive/heketi-db-2020010%sT000000-1.json.gz" % day, b"old")
p.start()
kept = sorted(os.listdir(p.path("archive")))
tap.is_((len(kept), kept[0], kept[2]),
        (3, "heketi-db-20200103T000000-1.json.gz", "other"),
        "as many dumps are kept as wanted, and nothing else is touched")
with gzip.open(p.path("archive", kept[1]), "rt") as f:
    tap.ok(masked(f.read()) == masked(plain), "the newest is of now")
tap.has(p.log(), "HEKETI_TRY_UPDATE_DB_VOL: the state is not on a volume",
        "a variable without meaning is named")
p.stop()
p.start()
p.stop()
tap.is_(sorted(os.listdir(p.path("archive"))), kept,
        "the same dump is not put there twice")
p = Pod()
for word, there in (("", False), ("", True), ("-", False), ("/dev/null", False)):
    shutil.rmtree(p.path("heketi", "archive"), ignore_errors=True)
    p.env["HEKETI_DB_ARCHIVE_PATH"] = word
    p.start()
    p.stop()
    tap.is_((os.path.exists(p.path("heketi", "archive")), os.path.exists("-")),
            (there, False), "an archive in HEKETI_PATH, variable '%s'" % word)
p = Pod(HEKETI_DB_ARCHIVE_COUNT="x")
tap.ok(p.start() is None and "HEKETI_DB_ARCHIVE_COUNT is 'x'" in p.log(),
       "a number that is none")

# ---- the topology ----

TOPOLOGY = json.dumps({"clusters": [{"nodes": [{
    "node": {"hostnames": {"manage": ["n%d" % i], "storage": ["s%d" % i]},
             "zone": i}, "devices": ["/dev/sdb"]} for i in (1, 2)]}]}).encode()


def loaded(p):
    """Wait until it is, or the script says why not."""
    for _ in range(600):
        clusters = json.loads(p.get("/clusters"))["clusters"]
        devices = [d for c in clusters
                   for n in json.loads(p.get("/clusters/" + c))["nodes"]
                   for d in json.loads(p.get("/nodes/" + n))["devices"]]
        if len(devices) == 2 or "could not be loaded" in p.log():
            return len(clusters), len(devices)
        threading.Event().wait(0.05)
    return None


p = Pod(files={"topology.json": TOPOLOGY})
p.env["HEKETI_TOPOLOGY_FILE"] = p.path("topology.json")
p.start()
tap.is_(loaded(p), (1, 2), "a topology is loaded") or tap.diag(p.log())
tap.is_(p.stop(), 0, "SIGTERM reaches the daemon")
p.start()
tap.is_((loaded(p), "could not" in p.log()), ((1, 2), False),
        "at the first start only")
p.stop()
tap.is_(os.listdir(p.path("tmp")), [], "nothing is left in TMP_PATH")
p = Pod()
p.env["HEKETI_TOPOLOGY_FILE"] = p.path("none")
tap.ok(p.start() and "can't be read, ignoring" in p.log(),
       "a file that is not there is told")
p.stop()
shutil.rmtree(work)
tap.done()
