#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""GET /metrics: heketi's metrics by name, label and value, our own, and a text
that Prometheus' parser takes."""
import collections
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import etcd
import tap
from daemon import Daemon
from replicas import Replicas

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(r"(%s)(?:\{((?:%s(?:,%s)*)?)\})? "
                    r"([-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|Inf)|NaN)$"
                    % (NAME, LABEL, LABEL))
HELP = re.compile(r"# HELP (%s) \S.*$" % NAME)
KIND = re.compile(r"# TYPE (%s) (counter|gauge|histogram)$" % NAME)


class Metrics(collections.defaultdict):
    """name -> {labels: value}; .bad: what is no good in the text."""

    def __init__(self, text):
        super().__init__(dict)
        self.bad, self.kinds, self.done, now = [], {}, set(), None
        if not text.endswith("\n"):
            self.bad.append("no newline at the end")
        for line in text.splitlines():
            m = HELP.match(line) or KIND.match(line)
            if m is not None:
                if m.re is HELP:
                    if m.group(1) in self.done:
                        self.bad.append("twice: " + line)
                    self.done.add(m.group(1))
                    now = m.group(1)
                elif m.group(1) != now:
                    self.bad.append("TYPE without HELP: " + line)
                else:
                    self.kinds[now] = m.group(2)
                continue
            m = SAMPLE.match(line)
            if m is None:
                self.bad.append("no sample: " + line)
                continue
            name, labels = m.group(1), tuple(sorted(
                re.findall(LABEL, m.group(2) or "")))
            base = name
            if self.kinds.get(now) == "histogram":
                base = re.sub("_(bucket|sum|count)$", "", name)
            if base != now:
                self.bad.append("not below its TYPE: " + line)
            if labels in self[name]:
                self.bad.append("twice: " + line)
            self[name][labels] = float(m.groups()[-1])
        self.histograms()

    def histograms(self):
        for name, kind in self.kinds.items():
            if kind == "counter" and not name.endswith("_total"):
                self.bad.append("%s does not end in _total" % name)
            if kind != "histogram":
                continue
            series = collections.defaultdict(list)
            for labels, value in self[name + "_bucket"].items():
                rest = tuple(x for x in labels if x[0] != "le")
                series[rest].append((float(dict(labels)["le"]), value))
            for labels, buckets in series.items():
                values = [v for _, v in sorted(buckets)]
                if values != sorted(values) or \
                        self[name + "_count"][labels] != values[-1]:
                    self.bad.append("%s%s does not add up" % (name, labels))

    def one(self, name, **labels):
        return self[name].get(tuple(sorted(labels.items())))


def scrape(d):
    status, headers, body = d.request("GET", "/metrics")
    assert status == 200, status
    return headers, Metrics(body.decode())


d = Daemon(auth=True)
c = d.cluster()
n = d.node(c, "n0")
dev = d.device(n)
d.cluster()
_, _, b = d.run("POST", "/volumes", {"size": 1, "clusters": [c]})
d.json("POST", "/devices/%s/tags" % dev, {"change_type": "set"})
status, headers, _ = d.request("GET", "/metrics", headers={
    "Authorization": "nonsense"})
tap.is_(status, 200, "nobody is asked for a token")
tap.is_(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8",
        "Content-Type is Prometheus'")
headers, m = scrape(d)
tap.is_(m.bad, [], "the text is well-formed")
tap.is_(sorted(k for k in m.kinds if k.startswith("heketi_")), sorted(
    "heketi_" + x for x in (
        "up", "cluster_count", "volumes_count", "block_volumes_count",
        "nodes_count", "device_count", "device_size", "device_free",
        "device_used", "device_size_bytes", "device_free_bytes",
        "device_used_bytes", "device_brick_count", "operations_stale_count",
        "operations_failed_count", "operations_new_count",
        "operations_total_count", "operations_inFlight_count")),
    "heketi's metrics, all and no other")
tap.is_({m.kinds[k] for k in m.kinds if k.startswith("heketi_")}, {"gauge"},
        "all are gauges")
tap.is_((m.one("heketi_up"), m.one("heketi_cluster_count")), (1, 2),
        "two clusters")
tap.is_((m.one("heketi_volumes_count", cluster=c),
         m.one("heketi_block_volumes_count", cluster=c),
         m.one("heketi_nodes_count", cluster=c)), (1, 0, 1),
        "one of them has a volume and a node")
tap.is_(m.one("heketi_device_count", cluster=c, hostname="n0",
              storage_hostname="n0.stor"), 1, "a device of a host")
info = d.json("GET", "/devices/" + dev)
labels = dict(cluster=c, hostname="n0", storage_hostname="n0.stor", id=dev,
              device="/dev/sdb", pv_uuid=info.get("pv_uuid", ""))
tap.is_([m.one("heketi_device_" + x, **labels) for x in
         ("size", "free", "used", "brick_count")],
        [info["storage"]["total"], info["storage"]["free"],
         info["storage"]["used"], 1], "its space in KiB, as its info has it")
tap.is_([m.one("heketi_device_%s_bytes" % x, **labels) for x in
         ("size", "free", "used")],
        [info["storage"][x] * 1024 for x in ("total", "free", "used")],
        "and in bytes")
tap.is_([m.one("heketi_operations_%s_count" % x) for x in
         ("stale", "failed", "new", "total", "inFlight")], [0] * 5,
        "nothing is under way")
tap.is_(m.one("brickyard_http_requests_total", method="POST", code="202",
              route="/volumes"), 1, "requests are counted by route and code")
tap.is_(m.one("brickyard_http_requests_total", method="POST", code="200",
              route="/devices/{id}/tags"), 1, "not by what is in the path")
d.request("GET", "/nothing/at/all")
before = m
_, m = scrape(d)
tap.is_(m.one("brickyard_http_requests_total", method="", route="",
              code="404"), 1, "what has no route, too")
tap.ok(m.one("brickyard_executor_step_duration_seconds_count",
             step="bricks_create") == 1, "steps on nodes are timed")
tap.is_(m.one("brickyard_executor_step_failures_total",
              step="bricks_create"), 0, "none failed")
tap.ok(m.one("brickyard_store_commit_duration_seconds_count") > 5 and
       m.one("brickyard_mirror_sync_duration_seconds_count") >
       before.one("brickyard_mirror_sync_duration_seconds_count"),
       "so are commits and syncs")
tap.is_(m.one("brickyard_store_records", kind="volumes"), 1, "records")
tap.is_(m.one("brickyard_lease_held"), 1, "the lease")
tap.ok(m.one("brickyard_lease_remaining_seconds") > 0, "and how long it lasts")
tap.is_(m.one("brickyard_operations", kind="create-volume",
              status="running"), 0, "operations by state")
tap.ok(m.one("brickyard_engine_done_total") == 3, "the engine's counters")
tap.is_(m.one("brickyard_admin_mode", mode="normal"), 1, "the admin mode")
tap.ok(any(dict(k)["name"] == "replicate" and v == 1 for k, v in
           m["brickyard_plugin_loaded"].items()), "plug-ins are named")
tap.ok(m.one("process_resident_memory_bytes") > 1e6 and
       m.one("process_open_fds") > 3, "the process")
tap.is_(sorted(k for k in m if k.startswith("process_")), [
    "process_cpu_seconds_total", "process_max_fds", "process_open_fds",
    "process_resident_memory_bytes", "process_start_time_seconds",
    "process_virtual_memory_bytes", "process_virtual_memory_max_bytes"],
    "by all the names that heketi's has")
tap.ok(m.one("process_virtual_memory_bytes") >
       m.one("process_resident_memory_bytes"), "its address space is larger")
tap.is_(len(m["brickyard_build_info"]), 1, "the version")
d.stop()

# What a client may write is quoted where it must be, and nobody sees what is
# being made.
d = Daemon(config={"executors": {"simulated": {
    "faults": "volume_create=transient;device_info=fail"}}})
_, _, ds = d.topology(nodes=2)
d.request("POST", "/volumes", {"size": 1})
_, m = scrape(d)
tap.is_(m.bad, [], "well-formed while something is under way")
tap.is_(list(m["heketi_volumes_count"].values()), [0],
        "a volume that is being made is not counted")
tap.is_((m.one("heketi_operations_new_count"),
         m.one("heketi_operations_inFlight_count"),
         m.one("brickyard_operations", kind="create-volume",
               status="running")), (1, 1, 1), "its operation is")
dev = [x for x in ds if not d.json("GET", "/devices/" + x)["bricks"]][0]
d.wait(d.request("GET", "/devices/%s/resync" % dev)[1]["Location"])
_, m = scrape(d)
tap.is_(m.one("brickyard_executor_step_failures_total", step="device_info"),
        1, "a step that failed is counted")
d.stop()

etcd.require()
with Replicas(2) as r:
    r[0].topology()
    r[0].run("POST", "/volumes", {"size": 1})
    both = [scrape(x)[1] for x in r]
    tap.is_([list(m["heketi_volumes_count"].values()) for m in both],
            [[1]] * 2, "each replica tells of the whole installation")
    r.etcd.stop()
    _, m = scrape(r[0])
    tap.is_((m.one("heketi_up"), m.bad), (0, []),
            "without the store heketi_up is 0, and the rest is told")
    tap.ok(not m["heketi_volumes_count"], "but nothing that may be wrong")
tap.done()
