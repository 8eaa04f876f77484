#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""/operations and below it: what heketi's clients are told of operations under
way and of failed ones, and cleaning those up, now or by and by."""
import json
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import dumps
import etcd
import tap
from audit import audit
from daemon import Daemon
from etcd import wait_for
from replicas import Replicas

VOLUME = {"size": 1, "durability": {"type": "replicate"}}
NOTHING = (200, b'{"total":0,"in_flight":0,"stale":0,"failed":0,"new":0}\n')
CONFLICT = b"The target exists, contains other items, or is in use.\n"
DELETE_CONFLICT = (500, b"Failed to set up volume delete: " + CONFLICT)
EXPAND_CONFLICT = (500, b"Failed to allocate volume expansion: " + CONFLICT)
# Neither forward nor back.
DEAD_END = "volume_create=fail\nbricks_destroy=fail"
MANUAL = {"glusterfs": {"disable_background_cleaner": True,
                        "operation_retry_limits": {"volume_create": 0}}}


class World(Daemon):
    def __init__(self, **config):
        self.work = tempfile.mkdtemp(prefix="operations-")
        self.state = os.path.join(self.work, "nodes")
        self.faults = os.path.join(self.work, "faults")
        super().__init__(config=dict(config, executors={"simulated": {
            "state_file": self.state, "faults_file": self.faults}}))

    def set_faults(self, text):
        with open(self.faults + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(self.faults + ".new", self.faults)

    def stop(self):
        rc = super().stop()
        shutil.rmtree(self.work, ignore_errors=True)
        return rc


def ask(d, method, path, body=None):
    status, _, answer = d.request(method, path, body)
    return status, answer


def counts(d):
    c = d.json("GET", "/operations")
    return [c[k] for k in ("total", "in_flight", "stale", "failed", "new")]


def listed(d):
    return d.json("GET", "/operations/pending")["pendingoperations"]


def seen(d, v):
    """Status of a volume, is it listed, in its cluster, and how many count."""
    metrics = ask(d, "GET", "/metrics")[1].decode()
    clusters = d.json("GET", "/clusters")["clusters"]
    return (ask(d, "GET", "/volumes/" + v)[0],
            v in d.json("GET", "/volumes")["volumes"],
            any(v in d.json("GET", "/clusters/" + c)["volumes"]
                for c in clusters),
            sum(int(line.split()[-1]) for line in metrics.splitlines()
                if line.startswith("heketi_volumes_count{")))


def clean(d, *ids):
    status, h, b = d.request("POST", "/operations/pending/cleanup",
                             {"operations": list(ids)} if ids else {})
    return (status, b) if status != 202 else d.wait(h["Location"])[0]


def one(op, type_name, status, sub):
    return {"id": op, "type_name": type_name, "status": status,
            "sub_status": sub}


def fail_a_create(d):
    d.set_faults(DEAD_END)
    status, h, _ = d.request("POST", "/volumes", VOLUME)
    assert status == 202, status
    got = d.wait(h["Location"])
    assert got[0] == 500, got
    return h["Location"].split("/")[-1]


def texts():
    d = Daemon()
    try:
        tap.is_(ask(d, "GET", "/operations"), NOTHING, "no operations")
        tap.is_(ask(d, "GET", "/operations/pending"),
                (200, b'{"pendingoperations":[]}\n'), "none pending")
        tap.is_(ask(d, "GET", "/operations/pending/abc"),
                (404, b"Id not found: abc\n"), "an unknown one is named")
        tap.is_(ask(d, "GET", "/operations/pending/xyz"),
                (404, b"Invalid path or request\n"), "what is no id is not")
        for body, status, text in (
                ("", 422, b"request unable to be parsed\n"),
                ('{"operations":1}', 422, b"request unable to be parsed\n"),
                ({"operations": ["abc"]}, 400, b"validation failed: "
                 b"operations: abc is not a valid UUID.\n"),
                ({"operations": ["0" * 32] * 33}, 400, b"validation failed: "
                 b"operations: too many ids specified (33), up to 32 "
                 b"supported.\n")):
            tap.is_(ask(d, "POST", "/operations/pending/cleanup", body),
                    (status, text), "cleanup %.30r is refused" % (body,))
        tap.is_(clean(d), 204, "cleaning up nothing goes well")
        tap.is_(clean(d, "0" * 32), 204, "and so for an unknown operation")
        tap.is_(ask(d, "GET", "/operations"), NOTHING,
                "cleaning is none of the pending operations")
    finally:
        d.stop()


def under_way():
    d = World()
    try:
        d.topology(nodes=2)
        d.set_faults("volume_create=transient\nvolume_destroy=transient\n"
                     "volume_expand=transient")
        h = d.request("POST", "/volumes", VOLUME)[1]
        op = h["Location"].split("/")[-1]
        tap.is_(counts(d), [1, 1, 0, 0, 1], "a create is new and in flight")
        tap.is_(listed(d), [one(op, "create-volume", "", "in-flight")],
                "it is listed")
        got = d.json("GET", "/operations/pending/" + op)
        changes = got.pop("changes")
        tap.is_(got, one(op, "create-volume", "", ""),
                "its details have no sub_status, as heketi's")
        tap.is_([c["description"] for c in changes],
                ["Add brick", "Add brick", "Add volume"], "but changes")
        v = changes[2]["id"]
        tap.is_(seen(d, v), (404, False, False, 0), "the volume is not shown")
        tap.is_((ask(d, "DELETE", "/volumes/" + v), ask(
            d, "POST", "/volumes/%s/expand" % v, {"expand_size": 1})),
            (DELETE_CONFLICT, EXPAND_CONFLICT),
            "but found to be busy by who wants to change it")
        d.set_faults("")
        _, _, body = d.wait(h["Location"])
        volume = json.loads(body)
        tap.is_(seen(d, v), (200, True, True, 1), "then it is shown")
        tap.is_(ask(d, "GET", "/operations"), NOTHING,
                "nothing is pending after the last poll")
        tap.is_(sorted(c["id"] for c in changes[:2]) + [changes[2]["id"]],
                sorted(b["id"] for b in volume["bricks"]) + [volume["id"]],
                "the changes were these bricks and this volume")
        d.set_faults("volume_expand=transient")
        h = d.request("POST", "/volumes/%s/expand" % volume["id"],
                      {"expand_size": 2})[1]
        op = h["Location"].split("/")[-1]
        tap.is_([c["description"] for c in d.json(
            "GET", "/operations/pending/" + op)["changes"]],
            ["Add brick"] * 2 + ["Expand volume"], "those of an expand")
        action = d.json("GET", "/db/dump")["pendingoperations"][op]
        tap.is_((action["Type"], [(a["Change"], a["Delta"]) for a in
                                  action["Actions"]], action["Status"]),
                (3, [(1, None), (1, None), (5, 2)], ""),
                "heketi's numbers in the dump")
        tap.is_(d.json("GET", "/db/check")["totalinconsistencies"], 0,
                "what is under way is consistent")
        d.set_faults("")
        d.wait(h["Location"])
        d.set_faults("volume_destroy=transient")
        h = d.request("DELETE", "/volumes/" + volume["id"])[1]
        op = h["Location"].split("/")[-1]
        tap.is_([c["description"] for c in d.json(
            "GET", "/operations/pending/" + op)["changes"]],
            ["Delete brick"] * 4 + ["Delete volume"], "those of a delete")
        tap.is_(seen(d, v), (404, False, False, 0),
                "a volume that is being deleted is not shown any more")
        tap.is_((ask(d, "DELETE", "/volumes/" + v), ask(
            d, "POST", "/volumes/%s/expand" % v, {"expand_size": 1})),
            (DELETE_CONFLICT, EXPAND_CONFLICT), "but is busy")
        tap.is_([ask(d, "POST", "/volumes/%s/%s" % (v, what), {})
                 for what in ("clone", "block-restriction")],
                [(404, b"Id not found\n")] * 2, "nothing to clone or restrict")
        check = d.json("GET", "/db/check")
        tap.is_((check["volumes"]["pending"], check["bricks"]["pending"],
                 check["totalinconsistencies"]), (1, 4, 0),
                "a volume that is deleted is pending, and its bricks")
        d.set_faults("")
        tap.is_(d.wait(h["Location"])[0], 204, "which ends, too")
    finally:
        d.stop()


def by_hand():
    d = World(**MANUAL)
    try:
        d.topology(nodes=2)
        first, second = fail_a_create(d), fail_a_create(d)
        tap.is_(counts(d), [2, 0, 0, 2, 0], "two undos failed")
        tap.is_(listed(d), [one(op, "create-volume", "failed", "")
                            for op in sorted((first, second))],
                "both are listed as failed")
        tap.is_(clean(d), 204, "a clean-up that fails ends well, too")
        tap.is_(counts(d), [2, 0, 0, 2, 0], "but they are still there")
        d.set_faults("")
        # Housekeeping looks each second; nobody tries by himself.
        time.sleep(2.5)
        tap.is_(counts(d), [2, 0, 0, 2, 0],
                "disable_background_cleaner: nothing happens by itself")
        d.restart()
        time.sleep(1.5)
        tap.is_(counts(d), [2, 0, 0, 2, 0], "not even by a restart")
        tap.is_(clean(d, second), 204, "one of them is cleaned up")
        tap.is_([o["id"] for o in listed(d)], [first], "that one is gone")
        tap.is_(clean(d), 204, "then all of them")
        tap.is_(ask(d, "GET", "/operations"), NOTHING, "none is left")
        tap.is_(d.json("GET", "/volumes")["volumes"], [], "nor a volume")
        tap.is_(audit(d, d.state), [], "nor anything on the nodes")
        tap.is_(d.json("GET", "/db/check")["totalinconsistencies"], 0,
                "the database is consistent")
    finally:
        d.stop()


def by_itself():
    d = World(glusterfs={"start_time_background_cleaner": 1,
                         "refresh_time_background_cleaner": 1,
                         "operation_retry_limits": {"volume_create": 0}})
    try:
        d.topology(nodes=2)
        fail_a_create(d)
        tap.is_(counts(d), [1, 0, 0, 1, 0], "an undo failed")
        d.set_faults("")
        tap.ok(wait_for(lambda: counts(d) == [0] * 5, 30),
               "refresh_time_background_cleaner: it is tried again")
    finally:
        d.stop()


def offline():
    """brickyardd offline cleanup-operations, as heketi's in the foreground."""
    d = World(**MANUAL)
    try:
        d.topology(nodes=2)
        first, second = fail_a_create(d), fail_a_create(d)
        config = os.path.join(d.work, "conf")
        with open(config, "w") as f:
            json.dump({"glusterfs": dict(MANUAL["glusterfs"],
                                         executor="simulated"),
                       "executors": {"simulated": {
                           "state_file": d.state, "faults_file": d.faults}}}, f)
        d.terminate()
        args = ("offline", "cleanup-operations", "--config", config, "--store",
                d.store)
        code, _, err = dumps.db(*args)
        tap.ok(code == 1 and "0 operations cleaned up, 2 remain\n" in err,
               "offline: what fails again remains") or tap.diag(err)
        d.set_faults("")
        code, _, err = dumps.db(*args)
        tap.ok(code == 0 and "2 operations cleaned up, 0 remain\n" in err,
               "offline: what had failed is cleaned up") or tap.diag(err)
        d.start()
        tap.is_(ask(d, "GET", "/operations"), NOTHING, "none is left")
        tap.is_(audit(d, d.state), [], "nor anything on the nodes")
    finally:
        d.stop()


def throttled(d, volume, c, ns, ds):
    """Which requests need a place, while there is none."""
    path = "/volumes/" + volume["id"]
    for method, where, body in (
            ("POST", "/volumes", VOLUME),
            ("POST", path + "/expand", {"expand_size": 1}),
            ("DELETE", path, None),
            ("POST", "/bricks/to-evict/" + volume["bricks"][0]["id"], None),
            ("POST", "/devices/%s/state" % ds[0], {"state": "failed"})):
        tap.is_(ask(d, method, where, body),
                (429, b"Server busy. Retry operation later.\n"),
                "%s %.20s needs a place" % (method, where))
    for method, where, body in (
            ("POST", "/devices/%s/state" % ds[0], {"state": "online"}),
            ("POST", "/nodes/%s/state" % ns[1], {"state": "online"}),
            ("POST", "/nodes/%s/tags" % ns[0], {"change_type": "set"}),
            ("GET", "/devices/%s/resync" % ds[0], None),
            ("POST", "/nodes", {"zone": 1, "cluster": c, "hostnames": {
                "manage": ["n9"], "storage": ["n9.stor"]}}),
            ("POST", "/devices", {"node": ns[0], "name": "/dev/sdx"}),
            ("POST", "/clusters", {}), ("GET", "/volumes", None)):
        status, h, _ = d.request(method, where, body)
        tap.ok(status < 400, "%s %.20s needs none" % (method, where))
        if status == 202:
            d.wait(h["Location"])


def limit():
    d = World(glusterfs=dict(MANUAL["glusterfs"], max_inflight_operations=1))
    try:
        c, ns, ds = d.topology(nodes=3)
        volume = json.loads(d.run("POST", "/volumes", VOLUME)[2])
        d.run("POST", "/devices/%s/state" % ds[0], {"state": "offline"})
        failed = fail_a_create(d)
        d.set_faults("volume_create=transient")
        h = d.request("POST", "/volumes", VOLUME)[1]
        tap.is_(d.request("POST", "/volumes", VOLUME)[0], 429,
                "the only place is taken")
        throttled(d, volume, c, ns, ds)
        tap.is_(clean(d, failed), 204, "a clean-up is accepted")
        tap.is_(counts(d), [2, 1, 0, 1, 1], "but finds no place")
        d.set_faults("")
        d.wait(h["Location"])
        tap.is_(clean(d, failed), 204, "later it is tried again")
        tap.is_(counts(d), [0] * 5, "and finds one")
        tap.is_(d.run("POST", "/volumes", VOLUME)[0], 200,
                "which it has given back")
    finally:
        d.stop()


def replicas():
    with Replicas(3, MANUAL) as r:
        r[0].topology(nodes=2)
        r.set_faults(DEAD_END)
        h = r[0].request("POST", "/volumes", VOLUME)[1]
        tap.is_(r[1].wait(h["Location"])[0], 500, "a create fails on one")
        tap.is_([counts(d) for d in r], [[1, 0, 0, 1, 0]] * 3,
                "all know that its undo failed")
        r.set_faults("")
        tap.is_(clean(r[2]), 204, "another one cleans it up")
        tap.is_([counts(d) for d in r], [[0] * 5] * 3, "for all")
        tap.is_(audit(r[1], r.state), [], "nothing is left on the nodes")
        r.set_faults("volume_create=transient")
        h = r[0].request("POST", "/volumes", VOLUME)[1]
        tap.is_([counts(d) for d in r], [[1, 1, 0, 0, 1]] * 3,
                "an operation of one is in flight for all")
        r[0].kill9()
        tap.ok(wait_for(lambda: counts(r[1]) == [1, 1, 0, 0, 1] and
                        r[1].json("GET", "/v1/operations/" +
                                  h["Location"].split("/")[-1])["epoch"] > 1,
                        60), "and goes on when that one dies")
        r.set_faults("")
        tap.is_(r[2].wait(h["Location"])[0], 200, "to its end")


texts()
under_way()
by_hand()
by_itself()
offline()
limit()
etcd.require()
replicas()
tap.done()
