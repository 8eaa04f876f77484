# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the whole service on real nodes begin with.

    t = labtest.begin(count=4)      # nodes, etcd, replicas, topology
    v = t.create(size=1)
    t.audit("after a create")
    t.end()
"""
import concurrent.futures
import hashlib
import json
import os
import tempfile
import time

import tap
import lab

TOOLS = ("glusterd", "gluster", "glusterfs", "ip", "mkfs.xfs", "sshd",
         "ssh-keygen", "sudo", "etcd", "haproxy", "lvm", "dmsetup",
         "thin_check", "unshare", "nsenter")


def require():
    lab.require_root()
    lab.require_tools(*TOOLS)
    for f in "brickyardd", "brickyard", "executors/ssh/.libs/ssh.so":
        if not os.path.exists(os.path.join(tap.BUILDDIR, f)):
            tap.skip_all("%s is not built" % f)
    if not os.path.exists("/dev/fuse"):
        tap.skip_all("no FUSE here")
    import cluster
    if not cluster.has_thin_pools() and not os.path.exists(lab.UML):
        tap.skip_all("no device-mapper thin pools in this kernel, and no "
                     "User-mode Linux (package user-mode-linux)")
    # Everything dies with the PID namespace.
    lab.isolate("-n", "-p", "-f", "--kill-child", "--mount-proc")


class Test:
    def __init__(self, load=True, nodes=None, disks_used=None, **shape):
        import cluster
        self.dir = lab.workdir()
        os.environ["TMPDIR"] = tempfile.tempdir = self.dir
        # Clients that mount volumes write logs.
        lab.private(self.dir, "/var/log/glusterfs")
        self.began = time.monotonic()
        self.lab = cluster.Lab(self.dir, **shape)
        self.nodes = self.lab.nodes
        try:
            self.lab.up()
            self.inst = self.lab.inst
            if load:
                text = self.lab.load_topology(nodes, disks_used)
                if "Unable" in text:
                    raise RuntimeError(text)
        except BaseException:
            self.tell()
            self.lab.down()
            raise
        tap.diag("the lab is up after %.1f s (nodes %.1f, with a service "
                 "%.1f), on %s" % (time.monotonic() - self.began,
                                   self.lab.nodes_up - self.began,
                                   self.lab.service_up - self.began,
                                   lab.UML if self.nodes.uml else
                                   "this kernel"))

    # ---- asking ----

    @property
    def c(self):
        """A new connection: the balancer closes those that idle."""
        return self.lab.client()

    def call(self, method, path, body=None, seconds=600, client=None):
        """(status, what came) at the end of the operation; the body as JSON
        where it is."""
        c = client or self.lab.client()
        status, headers, data = c.request(method, path, body)
        if status == 202:
            status, headers, data = c.wait(headers["Location"], seconds)
        try:
            return status, json.loads(data)
        except ValueError:
            return status, data.decode(errors="replace")

    def create(self, what=None, ok=True, **body):
        """A volume that was created."""
        began = time.monotonic()
        body = dict({"size": 1}, **body)
        status, v = self.call("POST", "/volumes", body)
        what = what or json.dumps(body)
        if ok and not tap.is_(status, 200, "create: " + what):
            tap.diag(v)
            self.tell()
            return None
        tap.diag("%s: %.1f s" % (what, time.monotonic() - began))
        return v

    def delete(self, v, name="it is deleted"):
        status, reply = self.call("DELETE", "/volumes/" + v["id"])
        return tap.is_(status, 204, name) or tap.diag(reply)

    def expand(self, v, more=1, name="it is expanded"):
        status, reply = self.call("POST", "/volumes/%s/expand" % v["id"],
                                  {"expand_size": more})
        if not tap.is_(status, 200, name):
            tap.diag(reply)
            self.tell()
        return reply

    def volumes(self):
        return self.lab.client().json("GET", "/volumes")["volumes"]

    def at_once(self, calls):
        """calls: functions; their results, in order."""
        with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
            return [f.result() for f in [pool.submit(x) for x in calls]]

    # ---- looking ----

    def audit(self, when, down=(), seconds=180):
        import audit_nodes
        began = time.monotonic()
        bad = audit_nodes.audit(self.lab, down, seconds)
        if not tap.ok(not bad, "audit: " + when):
            tap.diag(*bad[:30])
            self.tell()
        took = time.monotonic() - began
        if took > 5:
            tap.diag("that audit took %.1f s" % took)

    def mount(self, v):
        """Its content through FUSE, as a client sees it."""
        at = os.path.join(self.dir, "mnt-" + v["name"])
        os.makedirs(at, exist_ok=True)
        lab.sh("mount", "-t", "glusterfs", v["mount"]["glusterfs"]["device"],
               at)
        return at

    def umount(self, at):
        lab.sh("umount", at)
        os.rmdir(at)

    def tell(self, lines=25):
        tap.diag("---- the nodes' machines")
        for m in self.nodes.machines:
            tap.diag(*m.console().splitlines()[-3:])
        for i, d in enumerate(self.lab.inst.replicas if self.lab.inst else ()):
            tap.diag("---- replica %d" % i, *[
                x for x in d.log().splitlines()
                if " GET /" not in x][-lines:])

    def owner_of(self, op):
        """Number of the replica at work on an operation, or None."""
        docs = self.inst.docs("operations/")
        doc = docs.get("operations/" + op)
        for i in range(len(self.inst.replicas)):
            if doc and self.inst.replicas[i].process is not None and \
                    self.inst.replica_id(i) == doc["owner"]:
                return i
        return None

    # ---- a replica killed at work ----

    def wait_for_end(self, location, seconds=180):
        """Polls through whoever is ready, as a client that tries again does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                status, headers, data = self.lab.client(30).request(
                    "GET", location)
            except OSError:
                status = 503
            if status == 303:
                return self.call("GET", headers["Location"])
            if status not in (200, 503, 502, 504) or \
                    (status == 200 and headers.get("X-Pending") != "true"):
                return status, data
            time.sleep(0.2)
        return 0, "it did not end"

    def killed_in(self, tool, word, after):
        """A create whose replica dies when the tool is used, before or after
        it does its work: another one finishes it.  The volume."""
        what = "killed %s `%s %s`" % ("after" if after else "before",
                                      os.path.basename(tool), word)
        nodes = self.nodes
        for n in nodes.names:
            nodes.trap(n, tool, word, after)
        status, headers, data = self.c.request("POST", "/volumes", {
            "size": 1, "durability": {"type": "replicate",
                                      "replicate": {"replica": 2}}})
        tap.is_(status, 202, what + ": a create is taken") or tap.diag(data)
        location = headers["Location"]
        n = nodes.wait_trapped(nodes.names, tool)
        tap.ok(n is not None, what + ": it is there (%s)" % n) or self.tell()
        i = self.owner_of(location.split("/")[-1])
        tap.ok(i is not None, what + ": its owner is known")
        if i is not None:
            self.inst.kill9(i)
            time.sleep(0.5)
        for x in nodes.names:
            nodes.release(x, tool)
        status, v = self.wait_for_end(location)
        if not tap.is_(status, 200, what + ": another replica finishes it"):
            tap.diag(v)
            self.tell()
        self.audit(what, seconds=60)
        if i is not None:
            self.inst.start(i)
            self.inst.wait_up(i)
        for x in nodes.names:
            nodes.forget_trap(x, tool)
        return v

    # ---- the end ----

    def end(self):
        # Of a test that ended early; while their servers are there.
        for m in [m for m in lab.mounts_below(self.dir)
                  if os.path.basename(m).startswith("mnt-")]:
            lab.sh("umount", "-l", m, check=False)
        self.lab.down()
        tap.diag("all in all %.0f s" % (time.monotonic() - self.began))
        tap.done()


def begin(**shape):
    # Three cost as much as all replicas and the balancer together; what happens
    # when members die is shown in tests/ha.
    shape.setdefault("members", 1)
    require()
    return Test(**shape)


def fill(at, name, mib=4):
    data = os.urandom(mib << 20)
    with open(os.path.join(at, name), "wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    return hashlib.sha256(data).hexdigest()


def digest(at, name):
    h = hashlib.sha256()
    with open(os.path.join(at, name), "rb") as f:
        while part := f.read(1 << 20):
            h.update(part)
    return h.hexdigest()
