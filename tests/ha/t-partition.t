#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks that lose packets and say nothing, between any two of replicas, etcd
members and the balancer: who can't serve says so while its lease would last,
and is fenced; who can, serves; all goes on when it is over, without a restart.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import threading
import time

import ha
import network
from audit import audit
from etcd import wait_for

ha.require()
if network.missing():
    tap.skip_all(network.missing() + "; t-fence-*.t and t-etcd-faults.t cut "
                 "connections instead")
LEASE_S = 8                 # a split vote takes etcd up to five, a renewal a third
NO_S = LEASE_S + 2          # until somebody has said that he is not ready
PROBE_S = LEASE_S + 1.5     # for one answer
SLOW_S = 4.5                # what failing over may cost a client,
ELECTION_S = 2              # this much of it etcd's vote, which a split doubles
ELECTED_S = 1               # until all have heard of the new leader
BACK_S = 20
WORST_S = 27                # a commit that nobody answers
inst = ha.Installation(replicas=3, members=3, network=True,
                       config={"lease_ttl_ms": LEASE_S * 1000})
c = inst.client()
c.topology(nodes=4, devices=2)
directs = [inst.direct(i) for i in range(3)]
pids = [d.process.pid for d in inst.replicas]


class Probe:
    """Asks a replica whether it is ready, again and again, past the balancer,
    not waiting for answers: (asked, status, answered)."""

    def __init__(self, i):
        self.i, self.begun = i, time.monotonic()
        self.answers, self.stop = [], threading.Event()
        self.threads = [threading.Thread(target=self.work)]
        self.threads[0].start()

    def ask(self):
        asked = time.monotonic() - self.begun
        try:
            status = inst.direct(self.i, 30).request("GET", "/readyz")[0]
        except ha.LOST as e:
            status = repr(e)
        self.answers.append((asked, status, time.monotonic() - self.begun))

    def work(self):
        while not self.stop.wait(0.25):
            self.threads.append(threading.Thread(target=self.ask))
            self.threads[-1].start()

    def end(self):
        self.stop.set()
        self.threads[0].join()
        for t in self.threads[1:]:
            t.join()
        return self

    def says_no(self, what):
        no = [a[2] for a in self.answers if a[1] == 503]
        slow = max(a[2] - a[0] for a in self.answers)
        late = [a for a in self.answers if a[0] > NO_S and a[1] != 503]
        if not tap.ok(no and min(no) <= NO_S and slow <= PROBE_S and not late,
                      "%s: /readyz says no after %.1f s, each answer takes no "
                      "more than %.1f s" % (what, min(no, default=-1), slow)):
            tap.diag(*map(repr, self.answers))

    def says_yes(self, what, election=None):
        """While the members have no leader nobody can be ready."""
        since = election.took + ELECTED_S if election else 0
        slow = max(a[2] - a[0] for a in self.answers)
        said = [a for a in self.answers if a[0] >= since]
        tap.ok(said, "%s: it was asked" % what)
        tap.is_([a for a in said if a[1] != 200], [],
                "%s: /readyz says yes (after %.1f s at most%s)"
                % (what, slow, election or ""))


class Election:
    """How long the members are without a leader, from now on, if they lose the
    one they have: that is etcd's time, not ours."""

    def __init__(self, old):
        self.old, self.begun, self.took = old, time.monotonic(), 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        while not self.stop.wait(0.05):
            if any(self.leads(i) for i in range(3) if i != self.old):
                self.took = time.monotonic() - self.begun
                return

    @staticmethod
    def leads(i):
        try:
            s = inst.etcd.call("/v3/maintenance/status", {}, member=i)
        except ha.LOST:
            return False
        return s.get("leader") == s["header"]["member_id"]

    def end(self):
        self.stop.set()
        self.thread.join()
        self.took = self.took or time.monotonic() - self.begun
        return self

    def __str__(self):
        return "; no leader for %.1f s" % self.took


def unharmed(load, what, election=None):
    load.end()
    vote_s = election.end().took if election else 0
    slow = SLOW_S + max(0, vote_s - ELECTION_S)
    if not tap.ok(not load.failed and load.slowest < slow,
                  "%s: clients notice nothing but latency (%d calls, the "
                  "slowest %.2f s%s)" % (what, load.calls, load.slowest,
                                         election or "")):
        tap.diag(*map(repr, load.failed[:5]))
        inst.tell()


def answered(load, what):
    """Those who hit the wrong replica hear so; with what they had begun to
    commit it may wait for etcd, but not for ever."""
    load.end()
    bad = [f for f in load.failed if f[2] not in (500, 502, 503, 504)]
    if not tap.ok(not bad and load.slowest < WORST_S,
                  "%s: clients get an answer, %d of %d a bad one, the slowest "
                  "after %.2f s" % (what, len(load.failed), load.calls,
                                    load.slowest)):
        tap.diag(*map(repr, bad[:5]))
        inst.tell()


def heals(what):
    inst.heal()
    begun = time.monotonic()
    ok = wait_for(lambda: all(inst.direct(i).request("GET", "/readyz")[0] == 200
                              for i in range(3)), BACK_S)
    took = time.monotonic() - begun
    ok = ok and wait_for(lambda: all(inst.seen_up(i) for i in range(3)), 10)
    if not tap.ok(ok, "%s: it is over, all are ready after %.1f s"
                  % (what, took)):
        inst.tell()


def lose_for(seconds, *pairs):
    for pair in pairs:
        inst.lose(*pair)
    time.sleep(seconds)


# ---- a replica without etcd, the balancer still reaches it ----

def without_etcd(what, cut):
    lost = inst.replicas[0].log().count("the lease is lost")
    status, headers, _ = directs[0].request("POST", "/volumes", ha.VOLUME)
    slow = headers["Location"]      # at r0, or already done
    load, probe, well = ha.Load(c), Probe(0), Probe(1)
    cut()
    time.sleep(NO_S + 1.5)
    probe.end().says_no(what)
    well.end().says_yes("%s: the others" % what)
    tap.is_(directs[1].wait(slow, 30)[0], 200,
            "%s: what it had accepted ends well elsewhere" % what)
    tap.ok(inst.replicas[0].log().count("the lease is lost") > lost,
           "%s: it took its lease for lost" % what)
    later = ha.Load(c)
    time.sleep(1)
    unharmed(later, "%s: once the balancer knows" % what)
    heals(what)
    answered(load, what)


without_etcd("all between a replica and etcd is lost",
             lambda: inst.lose("r0", "m"))
without_etcd("etcd hears a replica, but is not heard",
             lambda: inst.lose_one_way("m", "r0"))
without_etcd("a replica hears etcd, but is not heard",
             lambda: inst.lose_one_way("r0", "m"))

# ---- a replica without the balancer ----

load, probe = ha.Load(c), Probe(0)
lose_for(5, ("r0", "lb"))
probe.end().says_yes("a replica the balancer can't reach")
answered(load, "a replica the balancer can't reach")
tap.ok(inst.replica_id(0), "a replica the balancer can't reach: keeps its lease")
load = ha.Load(c)
time.sleep(1)
unharmed(load, "a replica the balancer can't reach: afterwards")
heals("a replica the balancer can't reach")

# ---- a member ----

for what, which, whom in (
        ("nobody reaches the leader", lambda: inst.leader(), "m r"),
        ("nobody reaches a follower", lambda: (inst.leader() + 1) % 3, "m r"),
        ("replicas don't reach the leader", lambda: inst.leader(), "r"),
        ("replicas don't reach a follower", lambda: (inst.leader() + 1) % 3,
         "r"),
        ("the leader is cut off from the others", lambda: inst.leader(), "m"),
        ("a follower is cut off from the others",
         lambda: (inst.leader() + 1) % 3, "m")):
    inst.calm()
    load = ha.Load(c)
    time.sleep(0.3)
    member = which()
    vote = Election(member) if member == inst.leader() and whom != "r" else None
    lose_for(3, *(("m%d" % member, other) for other in whom.split()))
    unharmed(load, what, vote)
    heals(what)

# ---- what a replica still reaches ----

# One of the two is not the one that it uses.
for which, others in (("m1", "m0 m2"), ("m2", "m0 m1")):
    inst.calm()
    load, probe = ha.Load(c), Probe(0)
    lose_for(3, ("r0", others))
    what = "a replica reaches %s only" % which
    probe.end().says_yes(what)
    unharmed(load, what)
    heals(what)

inst.calm()
leader = inst.leader()
m = "m%d" % leader
rest = " ".join({"m0", "m1", "m2"} - {m})
load, probe, well = ha.Load(c), Probe(0), Probe(1)
vote = Election(leader)
lose_for(NO_S + 1.5, (m, rest), ("r0", rest), ("r1", m), ("r2", m))
what = "a replica reaches a member without the others"
probe.end().says_no(what)
well.end().says_yes(what + ": the other replicas", vote.end())
heals(what)
answered(load, what)

# ---- nobody has a quorum ----

load, probes = ha.Load(c), [Probe(i) for i in range(3)]
lose_for(NO_S + 1.5, ("m0", "m1"), ("m1", "m2"), ("m2", "m0"))
what = "no member hears another"
for probe in probes:
    probe.end().says_no(what)
heals(what)
answered(load, what)

# ---- in the end ----

c = inst.client()           # the balancer closes those that are idle for long
load = ha.Load(c)
time.sleep(1)
unharmed(load, "afterwards")
tap.is_([d.process.pid for d in inst.replicas], pids, "nobody was restarted")
tap.ok(wait_for(lambda: all(o["status"] in ("done", "failed")
                            for o in c.operations().values()), 60),
       "nothing is left open")
for i in range(3):
    if not tap.is_(audit(inst.direct(i), inst.state), [], "all is well"):
        inst.tell(30)
inst.close()
tap.done()
