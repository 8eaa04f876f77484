#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How many requests a second a running brickyardd answers: creates (followed
to their end), reads and lists, at several numbers of clients.

	bench-api.py HOST:PORT [--nodes N] [--devices N] [--volumes N] [--clients 1,8,32]

The service must run without authentication, best with the simulated executor.
It adds a cluster of its own and deletes nothing: give it a store to throw away.
Figures of one run compare with each other; the machine is what it is.
"""
import argparse
import http.client
import json
import threading
import time


class Client:
    def __init__(self, where):
        self.where = where
        self.conn = http.client.HTTPConnection(where)

    def call(self, method, path, body=None):
        self.conn.request(method, path, json.dumps(body) if body is not None else None)
        r = self.conn.getresponse()
        return r.status, dict(r.getheaders()), r.read()

    def operation(self, method, path, body=None):
        """As the Go client does: follow /queue to the end."""
        status, headers, data = self.call(method, path, body)
        if status != 202:
            raise RuntimeError("%s %s: %d %s" % (method, path, status, data))
        while True:
            status, h, data = self.call("GET", headers["Location"])
            if status == 200 and h.get("X-Pending") == "true":
                continue
            if status == 303:
                return h["Location"]
            if status == 204:
                return None
            raise RuntimeError("%s: %d %s" % (path, status, data))


def spread(where, clients, total, work):
    """Run work(client, i) total times over so many clients; seconds taken."""
    numbers = iter(range(total))
    lock = threading.Lock()
    errors = []

    def run():
        c = Client(where)
        while True:
            with lock:
                i = next(numbers, None)
            if i is None:
                return
            try:
                work(c, i)
            except Exception as e:        # count it, go on
                errors.append(str(e))

    threads = [threading.Thread(target=run) for _ in range(clients)]
    start = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    took = time.monotonic() - start
    return took, errors


def build(where, nodes, devices):
    c = Client(where)
    cluster = json.loads(c.call("POST", "/clusters", {"file": True, "block": True})[2])["id"]
    start = time.monotonic()
    for i in range(nodes):
        name = "bench-%s-%d" % (cluster[:6], i)
        loc = c.operation("POST", "/nodes", {
            "zone": 1 + i % 3, "cluster": cluster,
            "hostnames": {"manage": [name], "storage": [name]}})
        for k in range(devices):
            c.operation("POST", "/devices", {"node": loc.split("/")[-1],
                                             "name": "/dev/vd%d" % k})
    took = time.monotonic() - start
    print("topology: %d nodes x %d devices in %.2f s, %.0f devices/s"
          % (nodes, devices, took, nodes * devices / took))
    return cluster


def main():
    p = argparse.ArgumentParser()
    p.add_argument("where")
    p.add_argument("--nodes", type=int, default=10)
    p.add_argument("--devices", type=int, default=12)
    p.add_argument("--volumes", type=int, default=500)
    p.add_argument("--clients", default="1,8,32")
    a = p.parse_args()
    cluster = build(a.where, a.nodes, a.devices)
    made = []

    def create(c, i):
        made.append(c.operation("POST", "/volumes", {
            "size": 1, "clusters": [cluster],
            "durability": {"type": "replicate", "replicate": {"replica": 3}}}))

    def read(c, i):
        c.call("GET", made[i % len(made)])

    for clients in map(int, a.clients.split(",")):
        took, errors = spread(a.where, clients, a.volumes, create)
        print("create: %3d clients %7.1f/s   (%d errors%s)"
              % (clients, (a.volumes - len(errors)) / took, len(errors),
                 ": " + errors[0] if errors else ""))
        took, errors = spread(a.where, clients, 5 * a.volumes, read)
        print("read:   %3d clients %7.1f/s   (%d errors)"
              % (clients, 5 * a.volumes / took, len(errors)))


if __name__ == "__main__":
    main()
