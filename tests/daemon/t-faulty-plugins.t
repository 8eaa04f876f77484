#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Plug-ins that break their word, in a whole daemon: an executor that hangs, gives
garbage, gives too much, writes into what it was lent, crashes; a volume type that
hangs and gives garbage.  The one operation fails clearly, others go on, the next
one works, nothing is lost.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import atexit
import json
import shutil
import tempfile
import threading
import time

from audit import audit
from daemon import BUILDDIR, Daemon
from dumps import db

work = tempfile.mkdtemp(prefix="faulty-plugins-")
atexit.register(shutil.rmtree, work, True)
trouble = os.path.join(work, "trouble")
nodes = os.path.join(work, "nodes")
plugins = os.path.join(work, "plugins")
os.mkdir(plugins)
for name in "trouble", "moody":
    so = os.path.join(plugins, name + ".so")
    shutil.copy(os.path.join(BUILDDIR, "tests", "unit", "plug", ".libs",
                             name + ".so"), so)
    os.chmod(so, 0o644)

REPLICATE = {"size": 1, "durability": {"type": "replicate",
                                       "replicate": {"replica": 3}}}
MOODY = {"size": 1, "durability": {"type": "moody"}}

d = Daemon(executor="trouble", env={
    "BRICKYARD_PLUGIN_PATH": BUILDDIR + ":" + plugins,
    "BY_TROUBLE": trouble,
    "BY_SIMULATED": os.path.join(BUILDDIR, "executors", "simulated", ".libs",
                                 "simulated.so"),
}, config={
    "executors": {"trouble": {"state_file": nodes}},
    "glusterfs": {"operation_retry_limits": {"volume_create": 1}},
    "step_timeout_s": 1, "step_grace_s": 1,
    "queue_hold_ms": 100,
})
d.topology(nodes=3)


def begin(what):
    with open(trouble + ".new", "w") as f:
        f.write(what + "\n")
    os.rename(trouble + ".new", trouble)


def end():
    os.unlink(trouble)


def others_go_on(what):
    began = time.monotonic()
    d.json("GET", "/volumes")
    tap.ok(d.request("GET", "/healthz")[0] == 200 and
           time.monotonic() - began < 1, "%s: others are answered" % what)


def all_back():
    log = d.log()
    return log.count("came back at last") == \
        log.count("going on without it") + log.count("asked nothing more until")


def settled(what):
    """Nothing waits any more, and all fit together."""
    limit = time.monotonic() + 30
    while not all_back() and time.monotonic() < limit:
        time.sleep(0.1)
    while True:
        pending = d.json("GET", "/operations")["total"]
        if pending == 0 or time.monotonic() > limit:
            break
        time.sleep(0.1)
    tap.is_(pending, 0, "%s: nothing is left undone" % what)
    tap.is_(audit(d, nodes), [], "%s: nodes and store agree" % what)


def next_works(what):
    status, _, body = d.run("POST", "/volumes", REPLICATE)
    tap.is_(status, 200, "%s: the next volume is made: %r" % (what, body))
    tap.is_(d.run("DELETE", "/volumes/" + json.loads(body)["id"])[0], 204,
            "%s: and deleted" % what)


def wrong(step, fault, *words, volume=REPLICATE):
    what = "%s %s" % (step, fault)
    begin(what)
    before = d.json("GET", "/volumes")["volumes"]
    answer = []
    t = threading.Thread(target=lambda: answer.append(
        d.run("POST", "/volumes", volume)))
    began = time.monotonic()
    t.start()
    others_go_on(what)
    t.join()
    status, _, body = answer[0]
    text = body.decode()
    tap.is_(status, 500, "%s: the operation fails" % what)
    tap.ok(all(w in text for w in words), "%s: it says: %.150r" % (what, text))
    tap.ok(len(text) < 9000, "%s: in %d bytes" % (what, len(text)))
    tap.ok(time.monotonic() - began < 20, "%s: in time" % what)
    end()
    settled(what)
    tap.is_(d.json("GET", "/volumes")["volumes"], before,
            "%s: there is no volume" % what)
    next_works(what)


# ---- an executor ----

wrong("bricks_create", "hang", "plug-in 'trouble'", "bricks_create",
      "did not come back")
wrong("volume_create", "hang", "plug-in 'trouble'", "volume_create",
      "did not come back")
tap.has(d.log(), "came back at last", "the log says when it comes back")
wrong("bricks_create", "silent", "executor 'trouble'",
      "failed without saying why")
wrong("volume_create", "number", "failed without saying why")
wrong("volume_create", "class", "no class for ? this")
wrong("volume_create", "scribble", "it wrote where it must not")
wrong("bricks_create", "scribble", "it wrote where it must not")
wrong("bricks_create", "vandal", "plug-in 'trouble'", "bricks_create",
      "did not come back")
wrong("volume_create", "overrun", "a long reason: yyy")

# Results: of a device that is added.
n = d.node(d.cluster(), "n9")
for fault, word in (("garbage", "-1 bytes free of many"), ("overrun",
                                                 "more results than fit"),
                    ("hang", "did not come back")):
    begin("device_prepare " + fault)
    status, _, body = d.run("POST", "/devices", {"node": n, "name": "/dev/sdx"})
    tap.ok(status == 500 and word in body.decode(),
           "a device with %s is refused: %d %.150r" % (fault, status, body))
    end()
    limit = time.monotonic() + 20
    while d.json("GET", "/operations")["total"] and time.monotonic() < limit:
        time.sleep(0.1)
    tap.is_(d.json("GET", "/nodes/" + n)["devices"], [], "and is not there")
d.device(n, "/dev/sdx")
tap.ok(True, "then it can be added")

# ---- a volume type ----

status, _, body = d.run("POST", "/volumes", MOODY)
kept = json.loads(body)["id"]
tap.is_(status, 200, "a volume of a type that is well")
for step in "validate", "geometry", "brick_bytes", "create_words":
    # An operation is tried again, and that is told no more than there is.
    wrong(step, "hang", "volume type 'moody'", "did not come back", volume=MOODY)
    tap.has(d.log(), "volume type 'moody': %s did not come back" % step,
            "%s: the log says which call it was" % step)
wrong("validate", "silent", "volume type 'moody'", "without saying why",
      volume=MOODY)
wrong("validate", "number", "volume type 'moody'", "without saying why",
      volume=MOODY)
wrong("geometry", "garbage", "volume type 'moody'", "bricks_per_set",
      volume=MOODY)
wrong("role", "garbage", "volume type 'moody'", "role 77", volume=MOODY)
wrong("brick_bytes", "garbage", "volume type 'moody'", volume=MOODY)
wrong("create_words", "garbage", "volume type 'moody'", "'; reboot'",
      volume=MOODY)
wrong("create_words", "overrun", "volume type 'moody'", "create words",
      volume=MOODY)

# More than there are threads for requests: they don't wait for it one by one.
begin("validate hang")
answers = []
threads = [threading.Thread(target=lambda: answers.append(
    d.request("POST", "/volumes", MOODY)[0])) for _ in range(40)]
began = time.monotonic()
for t in threads:
    t.start()
for t in threads:
    t.join()
tap.is_(set(answers), {500}, "many questions to one that hangs fail")
tap.ok(time.monotonic() - began < 12, "together, not one after the other")
others_go_on("many questions")
end()
limit = time.monotonic() + 20
while time.monotonic() < limit:
    status, _, body = d.run("POST", "/volumes", MOODY)
    if status == 200:
        break
    time.sleep(0.1)
tap.is_(status, 200, "when it came back, it is asked again")
tap.is_(d.run("DELETE", "/volumes/" + json.loads(body)["id"])[0], 204,
        "and that volume goes")

# ---- a crash takes all with it, and loses nothing ----

begin("volume_create crash")
try:
    d.run("POST", "/volumes", REPLICATE)
except OSError:
    pass
tap.ok(d.process.wait(30) != 0, "a plug-in that crashes ends the service")
d.process.stdout.close()
d.process = None
end()
open(os.path.join(d.dir, "log"), "w").close()
d.start()
settled("a crash")
tap.ok(kept in d.json("GET", "/volumes")["volumes"], "after it all is there")
next_works("a crash")

store = d.store
tap.is_(d.terminate(), 0, "the daemon ends well")
if store.startswith("sqlite:"):
    status, out, err = db("db", "check", "--store", store, env={
        "BRICKYARD_PLUGIN_PATH": BUILDDIR + ":" + plugins})
    tap.is_(status, 0, "the store is consistent: %s%s" % (out, err))
d.stop()
tap.done()
