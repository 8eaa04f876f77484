# SPDX-License-Identifier: GPL-2.0-or-later
"""Several brickyardd on one etcd, with simulated nodes that they share.

    with Replicas(3, config={"running_operations": 8}) as r:
        r[0].topology()
        r.set_faults("volume_create=transient")
"""
import os
import shutil
import tempfile

from daemon import Daemon, merge
from etcd import Etcd


class Replicas:
    def __init__(self, n=3, config=None, simulated=None, env=None):
        self.dir = tempfile.mkdtemp(prefix="replicas-")
        self.state = os.path.join(self.dir, "nodes")
        self.faults = os.path.join(self.dir, "faults")
        self.set_faults("")
        self.etcd = Etcd(1)
        self.env = env
        self.config = merge({
            "lease_ttl_ms": 2000, "shutdown_delay_ms": 0, "executors": {
            "simulated": dict({"state_file": self.state,
                               "faults_file": self.faults},
                              **(simulated or {}))}}, config or {})
        self.all = [self.daemon() for _ in range(n)]

    def daemon(self, start=True, **more):
        return Daemon(store=self.etcd.spec(), env=self.env, start=start,
                      config=merge(dict(self.config), more))

    def __getitem__(self, i):
        return self.all[i]

    def __iter__(self):
        return iter(self.all)

    def __len__(self):
        return len(self.all)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for d in self.all:
            d.stop()
        self.etcd.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def set_faults(self, text):
        # Another inode, so that a change within a second is seen.
        with open(self.faults + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(self.faults + ".new", self.faults)

    def counters(self, i):
        return next(r["counters"] for r in
                    self[i].json("GET", "/v1/replicas")["replicas"]
                    if r["self"])
