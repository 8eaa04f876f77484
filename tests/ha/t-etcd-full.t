#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""etcd's database is full: what changes something is refused with a reason,
what is read is answered, and when there is room all goes on by itself.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import threading

import ha
from audit import audit
from etcd import wait_for

ha.require()
inst = ha.Installation(replicas=2, members=1, cables=False,
                       latency="volume_create=3000",
                       etcd_options=["--quota-backend-bytes", str(4 << 20)])
a, b = inst.direct(0), inst.direct(1)
a.topology(nodes=3)
VOLUME = {"size": 1, "durability": {"type": "replicate",
                                    "replicate": {"replica": 3}}}
status, headers, _ = a.request("POST", "/volumes", VOLUME)
accepted = headers["Location"]


def fill():
    answer = inst.etcd.put("/others/junk", "x" * 300000)
    return "space exceeded" in str(answer)


tap.ok(wait_for(fill, 20, 0), "somebody else fills the database")
status, _, body = b.request("POST", "/volumes", VOLUME)
tap.is_(status, 503, "a create is refused: %r" % body)
tap.ok("NOSPACE" in inst.logs(), "the log says that the alarm is on")
tap.is_(b.request("GET", "/clusters")[0], 200, "reads are answered")
status, _, body = a.request("GET", "/readyz")
tap.diag("/readyz: %d %r" % (status, body))
end = []
poll = threading.Thread(target=lambda: end.append(b.wait(accepted, 90)[0]))
poll.start()
poll.join(4)                        # the work on the nodes is over by then
inst.etcd.call("/v3/kv/deleterange", {"key": "L290aGVycy9qdW5r"})
inst.etcd.compact()
inst.etcd.call("/v3/maintenance/defragment", {})
alarms = inst.etcd.call("/v3/maintenance/alarm", {"action": "GET"})["alarms"]
for alarm in alarms:
    inst.etcd.call("/v3/maintenance/alarm", dict(alarm, action="DEACTIVATE"))
tap.is_([x["alarm"] for x in alarms], ["NOSPACE"], "the alarm is disarmed")
poll.join()
tap.is_(end, [200], "what was accepted before ends well")
tap.ok(wait_for(lambda: all(d.request("GET", "/readyz")[0] == 200
                            for d in (a, b)), 30), "both are ready")
tap.is_([d.run("POST", "/volumes", VOLUME)[0] for d in (a, b)], [200, 200],
        "and make volumes")
if not tap.is_(audit(a, inst.state), [], "all is well"):
    inst.tell(30)
inst.close()
tap.done()
