#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Operations beyond what runs wait their turn, on whichever replica; clients are
sent away at heketi's limit, where one is set, and at the high mark only.
"""
import os
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import etcd
import tap
from audit import audit
from daemon import Daemon
from replicas import Replicas

VOLUME = {"size": 1, "durability": {"type": "replicate",
                                    "replicate": {"replica": 3}}}


def at_once(r, n, threads=60):
    """n creates over all replicas; their answers."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda i: r[i % len(r)].request(
            "POST", "/volumes", VOLUME), range(n)))


def limited():
    with Replicas(3, {"glusterfs": {"max_inflight_operations": 5}}) as r:
        r[0].topology()
        # None ends before all have asked.
        r.set_faults("volume_create=transient")
        answers = at_once(r, 12)
        tap.is_(sorted(s for s, _, _ in answers), [202] * 5 + [429] * 7,
                "limit 5: of 12 creates on three replicas 5 are accepted")
        refused = [(h, b) for s, h, b in answers if s == 429]
        tap.is_({b for _, b in refused},
                {b"Server busy. Retry operation later.\n"}, "in heketi's words")
        tap.ok(all(5 <= int(h.get("Retry-After", 0)) <= 14
                   for h, _ in refused), "with a time to come again")
        counts = r[1].json("GET", "/operations")
        tap.is_((counts["in_flight"], counts["total"]), (5, 5),
                "five are in flight, asked anywhere")
        r.set_faults("")
        ends = [r[(i + 1) % 3].wait(h["Location"])[0]
                for i, (s, h, _) in enumerate(answers) if s == 202]
        tap.is_(ends, [200] * 5, "they end well, polled on another replica")
        tap.is_(len(r[2].json("GET", "/volumes")["volumes"]), 5,
                "and are exactly five volumes")
        tap.is_([s for s, _, _ in at_once(r, 5)], [202] * 5,
                "then there is room for five others")


def unlimited(n=300):
    with Replicas(3, {"running_operations": 4},
                  {"latency": "volume_create=2"}) as r:
        r[0].topology(nodes=4, devices=2)
        answers = at_once(r, n, threads=100)
        tap.is_({s for s, _, _ in answers}, {202},
                "no limit: %d creates at once are all accepted" % n)
        ends = [r[i % 3].wait(h["Location"], 300)[0]
                for i, (_, h, _) in enumerate(answers)]
        tap.is_(set(ends), {200}, "and all end well")
        tap.is_(len(r[0].json("GET", "/volumes")["volumes"]), n,
                "as many volumes are there")
        peaks = [r.counters(i)["running_peak"] for i in range(3)]
        tap.ok(max(peaks) <= 4, "never more than four ran on a replica %s"
               % peaks)
        tap.is_(sum(r.counters(i)["done"] for i in range(3)), n + 12,
                "each was done once")
        tap.is_(audit(r[1], r.state), [], "the nodes agree")


def in_order():
    d = Daemon(config={"running_operations": 1})
    try:
        d.topology()
        made = [d.request("POST", "/volumes", VOLUME)[1]["Location"]
                for _ in range(10)]
        for location in made:
            d.wait(location)
        ops = {o["id"]: o for o in
               d.json("GET", "/v1/operations")["operations"]}
        ended = [ops[location.rpartition("/")[2]]["ended"]
                 for location in made]
        tap.is_(ended, sorted(ended), "first come, first served")
    finally:
        d.stop()


def order_survives():
    """The queue is in the store: a restart goes on in the same order."""
    d = Daemon(start=False, config={"running_operations": 1})
    faults = os.path.join(d.dir, "faults")
    d.config["executors"] = {"simulated": {
        "state_file": os.path.join(d.dir, "nodes"), "faults_file": faults}}
    try:
        d.start()
        d.topology()
        with open(faults, "w") as f:
            f.write("volume_create=transient\n")
        made = [d.request("POST", "/volumes", VOLUME)[1]["Location"]
                for _ in range(12)]
        d.kill9()
        os.unlink(faults)
        d.start()
        tap.is_({d.wait(location)[0] for location in made}, {200},
                "what waited when the replica died is done")
        ops = {o["id"]: o for o in
               d.json("GET", "/v1/operations")["operations"]}
        done = [ops[location.rpartition("/")[2]] for location in made]
        # Two may have come in the same millisecond.
        done.sort(key=lambda o: (o["created"], o["ended"]))
        tap.is_([o["ended"] for o in done], sorted(o["ended"] for o in done),
                "in the order it came")
        tap.is_({o["epoch"] for o in done}, {2}, "by its next owner")
    finally:
        d.stop()


def high_mark():
    d = Daemon(start=False, config={"queue_high_mark": 6})
    faults = os.path.join(d.dir, "faults")
    d.config["executors"] = {"simulated": {"faults_file": faults}}
    try:
        d.start()
        d.topology()
        with open(faults, "w") as f:
            f.write("volume_create=transient\n")
        answers = [d.request("POST", "/volumes", VOLUME) for _ in range(9)]
        tap.is_([s for s, _, _ in answers], [202] * 6 + [429] * 3,
                "past the high mark clients are sent away")
        tap.ok("Retry-After" in answers[-1][1], "for a while")
        os.unlink(faults)
        tap.is_({d.wait(h["Location"])[0] for s, h, _ in answers
                 if s == 202}, {200}, "those before it are done")
    finally:
        d.stop()


etcd.require()
in_order()
order_survives()
high_mark()
limited()
unlimited()
tap.done()
