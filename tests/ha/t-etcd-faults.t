#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Parts of etcd go away under load.  One member: clients see nothing but that
it takes a little longer.  Most of them: 503, and all goes on when they are back.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import collections
import threading
import time

import ha
from audit import audit
from etcd import wait_for

ha.require()
# The lease outlasts a vote that is split: clients are to notice no election.
inst = ha.Installation(replicas=3, members=3, config={"lease_ttl_ms": 8000})
c = inst.client()
cluster, nodes, devices = c.topology(nodes=4, devices=2)
pids = [d.process.pid for d in inst.replicas]
directs = [inst.direct(i) for i in range(3)]


def end(load, what):
    load.end()
    if not tap.is_(load.failed[:5], [], "%s: no call fails (%d calls, the "
                   "slowest %.2f s)" % (what, load.calls, load.slowest)):
        inst.tell()


# ---- one of three ----

for what, which in (("a follower dies", lambda: (inst.leader() + 1) % 3),
                    ("the leader dies", inst.leader)):
    load = ha.Load(c)
    time.sleep(0.3)
    i = which()
    inst.etcd.kill(i)
    time.sleep(1.5)
    inst.etcd.restart(i)
    time.sleep(0.3)
    end(load, what)
load = ha.Load(c)
for i in range(3):
    inst.etcd.compact()
    inst.etcd.call("/v3/maintenance/defragment", {}, member=i)
end(load, "compaction, and a defragmentation of each member")

# ---- two of three ----

status, headers, _ = c.request("POST", "/volumes", ha.VOLUME)
accepted = [headers["Location"]]
for i in (0, 1):
    inst.etcd.freeze(i)
codes, words = collections.defaultdict(list), set()


def ask(i, *what):
    status, _, body = inst.direct(i).request(*what)
    codes[what[0] + " " + what[1]].append(status)
    words.add((what[1], body))


threads = [threading.Thread(target=ask, args=(i, *what)) for i in range(3)
           for what in (("GET", "/readyz"), ("GET", "/clusters"),
                        ("POST", "/volumes", ha.VOLUME))]
for t in threads:
    t.start()
for t in threads:
    t.join()
tap.is_((codes["GET /readyz"], codes["GET /clusters"]), ([503] * 3, [503] * 3),
        "no quorum: /readyz says no, reads are 503")
tap.ok(set(codes["POST /volumes"]) <= {503, 504},
       "no quorum: so are creates: %s" % codes["POST /volumes"])
tap.ok(("/clusters", b"Unable to access db\n") in words,
       "no quorum: clients are told in heketi's words")
tap.is_(directs[0].request("GET", "/healthz")[0], 200,
        "no quorum: the processes are well")
for i in (0, 1):
    inst.etcd.thaw(i)
begun = time.monotonic()
tap.ok(wait_for(lambda: all(d.request("GET", "/readyz")[0] == 200
                            for d in directs), 60),
       "the quorum is back: all are ready after %.1f s"
       % (time.monotonic() - begun))
for i in range(3):
    inst.wait_up(i)         # until the balancer knows it, too
tap.is_(c.wait(accepted[0], 60)[0], 200,
        "what was accepted before ends well")
for i in range(3):
    inst.wait_up(i)
load = ha.Load(c)
time.sleep(0.5)
end(load, "afterwards")
tap.is_([d.process.pid for d in inst.replicas], pids, "nobody was restarted")

# ---- compaction past the watch ----

inst.partition(0, "hole")
made = [directs[1].run("POST", "/volumes", ha.VOLUME)[0] for _ in range(5)]
inst.etcd.compact()
inst.partition(0, "cut")            # the stream with what was missed is gone
inst.partition(0, "pass")
tap.is_(made, [200] * 5, "volumes are made while one replica is cut off")
tap.ok(wait_for(lambda: directs[0].request("GET", "/readyz")[0] == 200, 30),
       "its past is compacted away; it is ready again")
tap.is_(directs[0].json("GET", "/volumes"), directs[1].json("GET", "/volumes"),
        "and knows what it missed")
tap.ok(wait_for(lambda: all(o["status"] in ("done", "failed")
                            for o in c.operations().values()), 30),
       "nothing is left open")
if not tap.is_(audit(directs[0], inst.state), [], "all is well"):
    inst.tell()
inst.close()
tap.done()
