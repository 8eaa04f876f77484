#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Chaos: clients do random things to random replicas while replicas and etcd
members are killed, stopped, cut off and restarted.  Now and then all is healed,
what is under way may end, and an independent checker (tests/lib/checker.py)
compares etcd, the simulated nodes and what the clients were told.

    make && BUILDDIR=build SRCDIR=. tests/ha/chaos.py --seconds 1800

Partitions lose packets between network namespaces (tests/lib/network.py); where
those can't be made, or with --cables, TCP connections to etcd are cut instead.
What is done to whom, and when, follows from --seed (and from that choice); how
the threads of the programs interleave does not.  The exit status is 1 if anything
was violated.
"""
import argparse
import collections
import faulthandler
import json
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import ha
import network
from checker import NO, UNKNOWN, YES, Checker, Journal
from etcd import wait_for

LEASE_S = 2
DISK_GB = 60
HOSTING_GB = 12             # what is made for block volumes
LEFTOVER_S = 10             # then they are tried again
QUIET_S = 150               # for what is under way: stuck undos wait 60 s
POLL_S = 60
RETENTION_S = 600           # longer than any phase
UNSENT = 503                # nobody took it, or: certainly not committed


def say(*words):
    print("#", *words, flush=True)


class Run:
    def __init__(self, args):
        self.args = args
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.violations = []
        self.most_left = 0          # bricks left over at the end of a phase
        self.volumes = {}           # id -> name, of those that may be there
        self.blocks = {}            # the same of block volumes
        self.moving = threading.Lock()  # a device is being emptied
        self.counters = {}          # pid -> what that replica counted
        self.inst = ha.Installation(
            replicas=args.replicas, members=3, network=not args.cables,
            config={
                "lease_ttl_ms": LEASE_S * 1000, "queue_hold_ms": 500,
                "result_retention_s": RETENTION_S,
                "shutdown_delay_ms": 300, "heal_wait_s": 5,
                "glusterfs": {"start_time_background_cleaner": 1,
                              "refresh_time_background_cleaner": LEFTOVER_S,
                              "auto_create_block_hosting_volume": True,
                              "block_hosting_volume_size": HOSTING_GB},
                "executors": {"simulated": {"device_size_gb": str(DISK_GB)}}},
            latency="bricks_create=60,volume_create=40,bricks_destroy=40,"
            "volume_destroy=30,volume_expand=30,device_prepare=30,"
            "peer_probe=20,block_create=40,block_destroy=30,block_expand=30,"
            "brick_replace=40,volume_clone=60")
        c = self.inst.client()
        self.cluster, self.nodes, self.devices = c.topology(nodes=4, devices=2)

    def violated(self, text):
        with self.lock:
            self.violations.append(text)
        say("VIOLATION:", text)

    def count(self, what, n=1):
        with self.lock:
            self.counts[what] += n

    def ask_counters(self, i):
        """They go with the process, so ask before it dies."""
        d = self.inst.replicas[i]
        if d.process is None:
            return
        try:
            got = self.inst.direct(i, 0.5).json("GET", "/v1/replicas")
            for r in got["replicas"]:
                if r["self"]:
                    self.counters[r["pid"]] = r["counters"]
        except Exception:           # it is stopped, or cut off
            pass

    def total(self, name):
        return sum(c.get(name, 0) for c in self.counters.values())


# ---- clients ----

class Worker:
    """One client, with a journal of all that it was told."""

    def __init__(self, run, n):
        self.run, self.n = run, n
        self.rng = random.Random("%s client %d" % (run.args.seed, n))
        self.journal = Journal()
        self.pending = []           # (event, location) with no end yet
        self.number = 0
        self.balanced = run.inst.client(30)
        self.host = None            # of a node of our own
        self.node = None
        self.device = None

    def any_client(self):
        """The balancer, or one replica, whatever state it is in."""
        if self.rng.random() < 0.7:
            return self.balanced
        return self.run.inst.direct(
            self.rng.randrange(self.run.args.replicas), 10)

    def name(self, what):
        self.number += 1
        return "%s-%d-%d" % (what, self.n, self.number)

    # What a request came to: (YES, location), (NO, None), (UNKNOWN, None)
    def ask(self, method, path, body=None):
        self.run.count("requests")
        try:
            status, headers, reply = self.any_client().request(method, path,
                                                               body)
        except ConnectionRefusedError:
            self.run.stop.wait(0.05)
            return NO, None
        except ha.LOST:
            self.run.count("lost replies")
            return UNKNOWN, None
        if status == 202:
            return YES, headers["Location"]
        if status in (502, 504) or b"can't be known" in reply or \
                (status == 500 and b"etcd" in reply):
            self.run.count("lost replies")
            return UNKNOWN, None
        self.run.count("refused %d" % status)
        if status == UNSENT:
            self.run.stop.wait(0.05)
        return NO, None

    def follow(self, event, location, seconds=POLL_S):
        """Poll until the operation is over; it must have an end."""
        end = time.monotonic() + seconds
        while True:
            try:
                status, headers, body = self.any_client().request(
                    "GET", location)
                if status == 404:
                    self.run.violated("%s was accepted and is forgotten: %r"
                                      % (location, event))
                    return
                if status in (303, 204) or \
                        (status == 200 and "X-Pending" not in headers):
                    event["outcome"] = YES
                    return headers.get("Location")
                if status == 500:
                    event["outcome"] = NO
                    event["error"] = body.decode().strip()
                    self.run.count("failed operations")
                    return
            except ha.LOST:
                pass
            if time.monotonic() > end:
                self.pending.append((event, location))
                return
            time.sleep(0.05)

    def operate(self, event, method, path, body=None):
        """The Location of what was made, if it went well."""
        outcome, location = self.ask(method, path, body)
        if outcome != YES:
            event["outcome"] = outcome
            return
        self.run.count("operations")
        return self.follow(event, location)

    # ---- what it does ----

    def create(self):
        size = self.rng.randrange(1, 6)
        contested = self.rng.random() < 0.1
        name = "contested-%d" % self.rng.randrange(3) if contested else \
            self.name("v")
        event = self.journal.add("volume", name, "create", UNKNOWN, size=size)
        kind = self.rng.choice(("replicate", "replicate", "none", "disperse"))
        durability = {
            "replicate": {"type": "replicate", "replicate": {"replica": 3}},
            "none": {"type": "none"},
            "disperse": {"type": "disperse",
                         "disperse": {"data": 2, "redundancy": 1}}}[kind]
        path = self.operate(event, "POST", "/volumes", {
            "size": size, "name": name, "durability": durability})
        if path is None:
            return
        event["id"] = path.split("/")[-1]
        self.see(path)
        with self.run.lock:
            self.run.volumes[event["id"]] = name

    def see(self, path):
        """It was acknowledged and nobody else knows it: it must be there."""
        try:
            status, _, body = self.any_client().request("GET", path)
        except ha.LOST:
            return
        self.run.count("reads")
        if status == 404:
            self.run.violated("%s was acknowledged but is not there" % path)

    def a_volume(self):
        with self.run.lock:
            ids = sorted(self.run.volumes)
            if not ids:
                return None, None
            i = self.rng.choice(ids)
            return i, self.run.volumes[i]

    def delete(self):
        i, name = self.a_volume()
        if i is None:
            return
        event = self.journal.add("volume", name, "delete", UNKNOWN)
        self.operate(event, "DELETE", "/volumes/" + i)
        if event["outcome"] == YES:
            with self.run.lock:
                self.run.volumes.pop(i, None)
            try:
                status = self.any_client().request("GET", "/volumes/" + i)[0]
            except ha.LOST:
                return
            if status == 200:
                self.run.violated("volume %s was deleted but is there" % i)

    def expand(self):
        i, name = self.a_volume()
        if i is None:
            return
        size = self.rng.randrange(1, 4)
        event = self.journal.add("volume", name, "expand", UNKNOWN, size=size)
        self.operate(event, "POST", "/volumes/%s/expand" % i,
                     {"expand_size": size})

    def create_block(self):
        size = self.rng.randrange(4)
        name = self.name("b")
        event = self.journal.add("block", name, "create", UNKNOWN, size=size,
                                 called=name)
        path = self.operate(event, "POST", "/blockvolumes", {
            "size": size, "name": name, "hacount": self.rng.randrange(4),
            "auth": self.rng.random() < 0.5})
        if path is not None:
            self.see(path)
            with self.run.lock:
                self.run.blocks[path.split("/")[-1]] = name

    def a_block(self):
        with self.run.lock:
            return self.rng.choice(sorted(self.run.blocks.items()) or
                                   [(None, None)])

    def delete_block(self):
        i, name = self.a_block()
        if i is None:
            return
        event = self.journal.add("block", name, "delete", UNKNOWN)
        self.operate(event, "DELETE", "/blockvolumes/" + i)
        if event["outcome"] == YES:
            with self.run.lock:
                self.run.blocks.pop(i, None)

    def expand_block(self):
        i, name = self.a_block()
        if i is None:
            return
        size = self.rng.randrange(2, 9)
        event = self.journal.add("block", name, "expand", UNKNOWN, size=size)
        self.operate(event, "POST", "/blockvolumes/%s/expand" % i,
                     {"new_size": size})

    def drop_hosting(self):
        """A hosting volume that nobody needs, perhaps: its end is its own."""
        try:
            ids = self.balanced.json("GET", "/volumes")["volumes"]
            i = self.rng.choice(ids or [None])
            if i is None or not self.balanced.json(
                    "GET", "/volumes/" + i).get("block"):
                return
        except (AssertionError, *ha.LOST):
            return
        self.operate({"what": "drop"}, "DELETE", "/volumes/" + i)

    def block_work(self):
        self.rng.choices((self.create_block, self.delete_block,
                          self.expand_block, self.drop_hosting),
                         (6, 4, 3, 1))[0]()

    def clone(self):
        i, _ = self.a_volume()
        if i is None:
            return
        name = self.name("c")
        event = self.journal.add("volume", name, "create", UNKNOWN, clone=True)
        path = self.operate(event, "POST", "/volumes/%s/clone" % i,
                            {"name": name})
        if path is None:
            return
        event["id"] = path.split("/")[-1]
        self.see(path)
        with self.run.lock:
            self.run.volumes[event["id"]] = name

    def evict(self):
        i, _ = self.a_volume()
        if i is None:
            return
        try:
            status, _, body = self.any_client().request("GET", "/volumes/" + i)
        except ha.LOST:
            return
        if status != 200:
            return
        brick = self.rng.choice(json.loads(body)["bricks"])["id"]
        event = self.journal.add("brick", brick, "evict", UNKNOWN)
        self.operate(event, "POST", "/bricks/to-evict/" + brick,
                     {"healcheck": self.rng.choice(("enable", "disable"))})
        if event["outcome"] == YES:
            self.run.count("bricks evicted")

    def move_device(self):
        """Empty one of the devices that all use, and take it back."""
        if not self.run.moving.acquire(blocking=False):
            return
        device = self.rng.choice(self.run.devices)
        try:
            for state in ("offline", "failed", "offline", "online"):
                event = {"what": "move", "outcome": UNKNOWN}
                self.operate(event, "POST", "/devices/%s/state" % device,
                             {"state": state, "healthcheck": "disable"})
                if state == "failed" and event["outcome"] == YES:
                    self.run.count("devices emptied")
        finally:
            self.run.moving.release()

    def resync(self):
        """Have a device's size read again, while others use it."""
        event = {"what": "resync", "outcome": UNKNOWN}
        self.operate(event, "GET", "/devices/%s/resync" %
                     self.rng.choice(self.run.devices))
        if event["outcome"] == YES:
            self.run.count("devices resynced")

    def remove_node(self):
        for state in ("offline", "failed"):
            event = self.journal.add("node", self.host, "state", UNKNOWN)
            self.operate(event, "POST", "/nodes/%s/state" % self.node,
                         {"state": state, "healthcheck": "disable"})
            if event["outcome"] != YES:
                break
        else:
            self.run.count("nodes emptied")
        # Its device may be failed now, or will be.
        self.journal.add("device", self.device[0], "state", UNKNOWN,
                         state="failed")
        self.delete_device()

    def node_work(self):
        """The next thing in the life of a node of our own."""
        if self.node is None:
            return self.add_node()
        if self.device is None:
            return self.rng.choice((self.add_device, self.add_device,
                                    self.delete_node))()
        self.rng.choice((self.change_state, self.change_state,
                         self.delete_device, self.remove_node))()

    def add_node(self):
        contested = self.rng.random() < 0.3
        host = "contested-%d" % self.rng.randrange(2) if contested else \
            self.name("n")
        event = self.journal.add("node", host, "create", UNKNOWN)
        path = self.operate(event, "POST", "/nodes", {
            "zone": 1, "cluster": self.run.cluster, "hostnames": {
                "manage": [host], "storage": [host + ".stor"]}})
        if path is not None:
            self.see(path)
            self.host, self.node = host, path.split("/")[-1]

    def delete_node(self):
        event = self.journal.add("node", self.host, "delete", UNKNOWN)
        self.operate(event, "DELETE", "/nodes/" + self.node)
        if event["outcome"] != NO:
            self.node = None

    def add_device(self):
        path = "/dev/sd" + self.rng.choice("bc")
        key = self.host, path
        event = self.journal.add("device", key, "create", UNKNOWN)
        self.operate(event, "POST", "/devices", {"node": self.node,
                                                 "name": path})
        if event["outcome"] != YES:
            self.node = None if event["outcome"] == UNKNOWN else self.node
            return
        try:
            got = self.balanced.json("GET", "/nodes/" + self.node)["devices"]
            self.device = key, [d["id"] for d in got if d["name"] == path][0]
        except IndexError:
            self.run.violated("device %s was acknowledged but is not there"
                              % (key,))
        except (AssertionError, *ha.LOST):
            self.node = None        # and is left as it is

    def change_state(self):
        key, i = self.device
        state = self.rng.choice(("online", "offline", "offline"))
        event = self.journal.add("device", key, "state", UNKNOWN, state=state)
        self.operate(event, "POST", "/devices/%s/state" % i, {"state": state})
        if event["outcome"] == NO:
            event["what"] = "no state"

    def delete_device(self):
        key, i = self.device
        for state in ("offline", "failed"):
            event = self.journal.add("device", key, "state", UNKNOWN,
                                     state=state)
            self.operate(event, "POST", "/devices/%s/state" % i,
                         {"state": state})
            if event["outcome"] != YES:
                event["what"] = "no state" if event["outcome"] == NO else \
                    "state"
                return
        event = self.journal.add("device", key, "delete", UNKNOWN)
        self.operate(event, "DELETE", "/devices/" + i)
        if event["outcome"] != NO:
            self.device = None

    def work(self):
        while not self.run.stop.is_set():
            what = self.rng.choices(
                (self.create, self.delete, self.expand, self.node_work,
                 self.block_work, self.clone, self.evict, self.move_device,
                 self.resync),
                (10, 8, 3, 4, 8, 3, 5, 3, 2))[0]
            try:
                what()
            except Exception as e:
                self.run.violated("client %d: %r" % (self.n, e))
                raise

    def resolve(self):
        """All is well again: every operation that was accepted has an end."""
        todo, self.pending = self.pending, []
        for event, location in todo:
            path = self.follow(event, location, 30)
            if event["outcome"] == YES and event["what"] == "create" and \
                    path is not None and path.startswith("/volumes/"):
                event["id"] = path.split("/")[-1]
                with self.run.lock:
                    self.run.volumes[event["id"]] = None
            if event["outcome"] == YES and event["what"] == "create" and \
                    path is not None and path.startswith("/blockvolumes/"):
                with self.run.lock:
                    self.run.blocks[path.split("/")[-1]] = event["called"]
        for event, location in self.pending:
            self.run.violated("%s has no end: %r" % (location, event))
        self.pending = []


# ---- those who hurt ----

class Nemesis:
    def __init__(self, run, what):
        self.run, self.inst = run, run.inst
        self.rng = random.Random("%s %s" % (run.args.seed, what))

    def sleep(self, low, high):
        self.run.stop.wait(self.rng.uniform(low, high))

    def hurt(self, actions):
        while not self.run.stop.is_set():
            self.sleep(0.1, 2.5)
            if self.run.stop.is_set():
                return
            what = self.rng.choice(actions)
            self.run.count(what.__name__.replace("_", " "))
            try:
                what()
            except Exception as e:
                self.run.violated("%s: %r" % (what.__name__, e))
                raise

    def start(self, i):
        """As a service manager does: again and again, until it stays."""
        for _ in range(100):
            try:
                return self.inst.start(i)
            except RuntimeError as e:
                self.run.count("failed starts")
                error = e
                d = self.inst.replicas[i]
                if d.process is not None:
                    d.process.wait()
                    d.process.stdout.close()
                    d.process = None
                time.sleep(0.3)
        raise error


class ReplicaNemesis(Nemesis):
    def actions(self):
        return (self.kill, self.kill, self.kill_in_a_step, self.kill_many,
                self.restart, self.pause, self.pause, self.black_hole,
                self.black_hole, self.cut, self.slow_down, self.bad_nodes,
                self.lose_a_node) + (() if self.inst.net is None else (
                    self.black_hole, self.hear_nothing, self.be_unheard,
                    self.see_one_member, self.lose_the_balancer))

    def one(self):
        return self.rng.randrange(self.run.args.replicas)

    def kill(self):
        i = self.one()
        self.run.ask_counters(i)
        self.inst.kill9(i)
        self.run.count("replicas killed")
        self.sleep(0, 1.5 * LEASE_S)
        self.start(i)

    def kill_in_a_step(self):
        i, step = self.one(), self.rng.choice((
            "bricks_create", "volume_create", "bricks_destroy",
            "volume_destroy", "volume_expand", "device_prepare",
            "block_create", "block_create", "block_destroy", "block_expand",
            "brick_replace", "volume_clone"))
        self.run.ask_counters(i)
        self.inst.faults(i, "%s#1=%s" % (step, self.rng.choice(
            ("exit-before", "exit-mid", "exit-after"))))
        if self.inst.wait_dead(i, 5) is None:
            self.inst.faults(i, "")
            return
        self.run.count("replicas killed")
        self.inst.faults(i, "")
        self.sleep(0, LEASE_S)
        self.start(i)

    def kill_many(self):
        n = self.rng.randrange(2, self.run.args.replicas + 1)
        them = self.rng.sample(range(self.run.args.replicas), n)
        for i in them:
            self.run.ask_counters(i)
        for i in them:
            self.inst.kill9(i)
            self.run.count("replicas killed")
        self.sleep(0, 1.5 * LEASE_S)
        for i in them:
            self.start(i)

    def restart(self):
        i = self.one()
        self.run.ask_counters(i)
        rc = self.inst.terminate(i)
        if rc != 0:
            self.run.violated("replica %d: exit status %s after SIGTERM"
                              % (i, rc))
        self.start(i)

    def pause(self):
        i = self.one()
        self.inst.stop(i)
        self.sleep(0.1, 2 * LEASE_S)
        self.inst.cont(i)

    def black_hole(self):
        i = self.one()
        self.inst.partition(i, "hole")
        self.sleep(0.1, 2 * LEASE_S)
        self.inst.partition(i, "pass")

    def cut(self):
        i = self.one()
        self.inst.partition(i, "cut")
        self.sleep(0, 2 * LEASE_S)
        self.inst.partition(i, "pass")

    def slow_down(self):
        """Answers take long; in a network, since some packets are lost."""
        i = self.one()
        if self.inst.net is None:
            self.inst.partition(i, "delay %d" % self.rng.randrange(5, 100))
            self.sleep(0.5, 2)
            self.inst.partition(i, "pass")
            return
        for _ in range(self.rng.randrange(2, 8)):
            self.lose_for(("r%d" % i, "m"), 0.01, 0.2)
            self.sleep(0.05, 0.3)

    def lose_for(self, between, low=0.1, high=2 * LEASE_S):
        self.inst.lose(*between)
        self.sleep(low, high)
        self.inst.pass_on(*between)

    def lose_one_way_for(self, senders, receivers):
        self.inst.lose_one_way(senders, receivers)
        self.sleep(0.1, 2 * LEASE_S)
        self.inst.pass_on(senders, receivers)

    def hear_nothing(self):
        """Its requests are done, but it never learns of it."""
        self.lose_one_way_for("m", "r%d" % self.one())

    def be_unheard(self):
        self.lose_one_way_for("r%d" % self.one(), "m")

    def see_one_member(self):
        """Perhaps the one that the others don't see."""
        members = ["m0", "m1", "m2"]
        members.remove(self.rng.choice(members))
        self.lose_for(("r%d" % self.one(), " ".join(members)))

    def lose_the_balancer(self):
        self.lose_for(("r%d" % self.one(), "lb"))

    def bad_nodes(self):
        """Creates fail on nodes for a while, and are undone."""
        fault = self.rng.choice((
            "volume_create=fail:no", "volume_create=after:no",
            "bricks_create@n1=mid:no", "bricks_create@n2=unreachable",
            "volume_create=transient", "bricks_destroy#1=transient",
            "block_create=after:no", "block_create=mid:no",
            "block_expand=mid:no", "block_destroy#1=transient",
            "brick_replace=fail:no", "brick_replace=after:no",
            "volume_clone=after:no", "heal_info=fail:no"))
        for i in range(self.run.args.replicas):
            self.inst.faults(i, fault)
        self.sleep(0.2, 1)
        for i in range(self.run.args.replicas):
            self.inst.faults(i, "")


    def lose_a_node(self):
        """Nobody reaches it, for long enough that work there is given up; some
        replicas notice earlier than others."""
        fault = "*@n%d=unreachable:lost" % self.rng.randrange(4)
        for i in range(self.run.args.replicas):
            self.inst.faults(i, fault)
        self.run.count("nodes lost")
        self.sleep(0.5, 3)
        for i in range(self.run.args.replicas):
            self.inst.faults(i, "")


class EtcdNemesis(Nemesis):
    def actions(self):
        return (self.kill_member, self.kill_leader, self.freeze_member,
                self.freeze_leader, self.lose_quorum, self.compact,
                self.defragment) + (() if self.inst.net is None else (
                    self.part_member, self.part_leader, self.hide_member,
                    self.part_all))

    def member(self):
        return self.rng.randrange(len(self.inst.etcd.members))

    def leader(self):
        for i in range(len(self.inst.etcd.members)):
            try:
                s = self.inst.etcd.call("/v3/maintenance/status", {}, member=i)
                if s.get("leader") == s["header"]["member_id"]:
                    return i
            except (KeyError, ValueError, *ha.LOST):
                continue
        return self.member()

    def down(self, i):
        self.inst.etcd.kill(i)
        self.run.count("members killed")
        self.sleep(0.2, 3)
        self.inst.etcd.restart(i)

    def still(self, i):
        self.inst.etcd.freeze(i)
        self.sleep(0.2, 3)
        self.inst.etcd.thaw(i)

    def kill_member(self):
        self.down(self.member())

    def kill_leader(self):
        self.down(self.leader())

    def freeze_member(self):
        self.still(self.member())

    def freeze_leader(self):
        self.still(self.leader())

    def lose_quorum(self):
        them = self.rng.sample(range(3), 2)
        for i in them:
            self.inst.etcd.freeze(i)
        self.sleep(0.5, 2 * LEASE_S)
        for i in them:
            self.inst.etcd.thaw(i)

    def part(self, *pairs):
        for pair in pairs:
            self.inst.lose(*pair)
        self.sleep(0.5, 2 * LEASE_S)
        for pair in pairs:
            self.inst.pass_on(*pair)

    def part_member(self):
        """The others don't see it; replicas do."""
        self.part(("m%d" % self.member(), "m"))

    def part_leader(self):
        self.part(("m%d" % self.leader(), "m"))

    def hide_member(self):
        """Replicas don't see it; the others do."""
        self.part(("m%d" % self.member(), "r"))

    def part_all(self):
        self.part(("m0", "m1"), ("m1", "m2"), ("m2", "m0"))

    def compact(self):
        self.tell("/v3/kv/compaction", lambda: {
            "revision": str(self.inst.etcd.revision()), "physical": True})

    def defragment(self):
        self.tell("/v3/maintenance/defragment", dict)

    def tell(self, path, body):
        """A member that is down, or has no leader, does not hear it."""
        try:
            self.inst.etcd.call(path, body(), member=self.member())
        except (KeyError, ValueError, *ha.LOST):
            self.run.count("unheard")


# ---- phases ----

def quiet(run):
    """No operation is open any more, and nothing left over, says etcd."""
    def look():
        try:
            docs = run.inst.docs("operations/")
            left = run.inst.docs("admin/leftovers/")
        except Exception:
            return False
        run.most_left = max(run.most_left, len(left))
        return not left and all(d["status"] in ("done", "failed")
                                for d in docs.values())
    return wait_for(look, QUIET_S, 0.2)


def phase(run, workers, nemeses, seconds):
    run.stop.clear()
    threads = [threading.Thread(target=w.work) for w in workers] + \
        [threading.Thread(target=n.hurt, args=(n.actions(),)) for n in nemeses]
    for t in threads:
        t.start()
    time.sleep(seconds)
    run.stop.set()
    for t in threads:
        t.join()


def check(run, workers):
    for i in range(run.args.replicas):
        run.inst.wait_up(i, seconds=60)
        run.ask_counters(i)
    if not quiet(run):
        run.violated("there are open operations or leftovers %d s after all "
                     "was healed"
                     % QUIET_S)
    for w in workers:
        w.resolve()
    with run.lock:
        docs = run.inst.docs()
        for i, name in list(run.volumes.items()):
            if name is None:
                run.volumes[i] = docs.get("volumes/" + i, {}).get("name", "?")
    bad = Checker(docs, run.inst.state).run([w.journal for w in workers])
    for text in bad:
        run.violated(text)
    run.count("checks")
    return not run.violations


def figures(run, seconds):
    logs = run.inst.logs()
    c = run.counts
    fences = logs.count(": fenced: ") + logs.count(": taken over")
    say("seed %s: %d s, %d clients, %d replicas" % (
        run.args.seed, seconds, run.args.clients, run.args.replicas))
    say("operations %d (failed %d), requests %d, lost replies %d" % (
        c["operations"], c["failed operations"], c["requests"],
        c["lost replies"]))
    say("kills %d, adoptions %d, conflicts %d of %d commits, fences %d" % (
        c["replicas killed"],
        logs.count(" adopted at stage "), run.total("conflicts"),
        run.total("commits"), fences))
    say(", ".join("%s %d" % kv for kv in sorted(c.items())))
    say("leftovers made %d, at most %d at the end of a phase" % (
        logs.count(" does not answer: "), run.most_left))
    say("violations %d" % len(run.violations))


def parse(argv):
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--seconds", type=float, default=120)
    p.add_argument("--seed", default=str(random.randrange(10 ** 9)))
    p.add_argument("--clients", type=int, default=8)
    p.add_argument("--replicas", type=int, default=3)
    p.add_argument("--phase", type=float, default=25,
                   help="seconds between two checks, about")
    p.add_argument("--cables", action="store_true",
                   help="cut TCP connections instead of losing packets")
    p.add_argument("--keep", action="store_true",
                   help="keep logs and nodes when something is violated")
    return p.parse_args(argv)


def chaos(argv):
    """The run, when it is over."""
    args = parse(argv)
    if not args.cables and network.missing():
        say("%s: cutting connections instead of losing packets"
            % network.missing())
        args.cables = True
    say("chaos --seed %s --seconds %g --clients %d --replicas %d%s" % (
        args.seed, args.seconds, args.clients, args.replicas,
        " --cables" if args.cables else ""))
    run = Run(args)
    workers = [Worker(run, i) for i in range(args.clients)]
    nemeses = [ReplicaNemesis(run, "replicas"), EtcdNemesis(run, "etcd")]
    rng = random.Random("%s phases" % args.seed)
    begun = time.monotonic()
    while not run.violations:
        left = begun + args.seconds - time.monotonic()
        if left <= 0:
            break
        phase(run, workers, nemeses, min(left, rng.uniform(0.4, 1.6) *
                                         args.phase))
        if check(run, workers):
            say("after %d s all is well: %d operations, %d volumes" % (
                time.monotonic() - begun, run.counts["operations"],
                len(run.volumes)))
    figures(run, time.monotonic() - begun)
    if run.violations and args.keep:
        say("kept: " + keep(run))
    return run


def keep(run):
    head, tail = os.path.split(run.inst.dir)
    where = os.path.join(head, "kept-" + tail)      # and not swept
    os.system("cp -r '%s' '%s'" % (run.inst.dir, where))
    with open(os.path.join(where, "docs.json"), "w") as f:
        json.dump(run.inst.docs(), f, indent=1, sort_keys=True)
    return where


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(2))
    it = chaos(sys.argv[1:])
    it.inst.close()
    sys.exit(1 if it.violations else 0)
