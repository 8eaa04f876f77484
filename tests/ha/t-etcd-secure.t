#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole service on an etcd that wants client certificates, user and
password, all from the configuration; tokens expire under load.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import threading
import time

import etcd
import ha
from audit import audit

ha.require()
TLS = etcd.Tls()
server = etcd.Etcd(3, tls=TLS, extra=["--bcrypt-cost", "4"])
PASSWORD = 'sec"ret\\'
VOLUME = {"size": 1, "durability": {"type": "replicate",
                                    "replicate": {"replica": 3}}}
for path, body in (
        ("user/add", {"name": "root", "password": "admin"}),
        ("role/add", {"name": "root"}),
        ("user/grant", {"user": "root", "role": "root"}),
        ("user/add", {"name": "by", "password": PASSWORD}),
        ("role/add", {"name": "by"}),
        ("role/grant", {"name": "by", "perm": {
            "permType": 2, "key": etcd.b64("/brickyard/v1/"),
            "range_end": etcd.b64("/brickyard/v10")}}),
        ("user/grant", {"user": "by", "role": "by"}),
        ("enable", {})):
    answer = server.call("/v3/auth/" + path, body)
    if "error" in answer:
        raise RuntimeError((path, answer))
inst = ha.Installation(replicas=2, etcd=server, cables=False, config={
    "store_options": {"ca_file": TLS.ca, "cert_file": TLS.client[0],
                      "key_file": TLS.client[1], "user": "by",
                      "password": PASSWORD}})
c = inst.client()
c.topology(nodes=3)
tap.is_(c.run("POST", "/volumes", VOLUME)[0], 200,
        "a volume is made over TLS, as a user")
failed, done, stop = [], [0], threading.Event()


def work():
    while not stop.is_set():
        try:
            status, _, body = c.run("POST", "/volumes", VOLUME)
            if status != 200:
                failed.append((status, body))
            done[0] += 1
            v = json.loads(body)["id"]
            status, _, body = c.run("DELETE", "/volumes/" + v)
            if status != 204:
                failed.append((status, body))
        except Exception as e:
            failed.append(repr(e))


threads = [threading.Thread(target=work) for _ in range(3)]
for t in threads:
    t.start()
for _ in range(4):
    time.sleep(0.4)
    token = server.call("/v3/auth/authenticate",
                        {"name": "root", "password": "admin"})["token"]
    # It ends all tokens of that user.
    server.call("/v3/auth/user/changepw",
                {"name": "by", "password": PASSWORD}, token=token)
time.sleep(0.4)
server.restart(0)                   # which forgets all tokens it knew
time.sleep(0.4)
stop.set()
for t in threads:
    t.join()
if not tap.is_(failed[:5], [], "no call fails while tokens expire (%d volumes)"
               % done[0]):
    inst.tell()
tap.ok(not any(PASSWORD in d.log() for d in inst.replicas),
       "the password is in no log")
tap.is_(audit(c, inst.state), [], "all is well")
inst.close()
tap.done()
