# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's nodes as the gluster pods of a Kubernetes cluster: the test API server
in the lab's network, which finds a node's pod by its label, and whose exec
enters the node by ssh, over one connection of each node that is kept.

    pods = Pods()
    t = labtest.begin(count=4, config=pods.config)
"""
import atexit
import os
import shlex
import socket
import subprocess
import threading
import time

import kubeapi

KUBELET = 10250
DIAL_S = 2              # for a node in the lab's network
KEPT_S = 20             # and for ssh to log in on a busy machine


class Pods:
    def config(self, lab):
        """Begins, when the nodes are up; what replicas need for it."""
        import cluster
        self.lab, self.nodes = lab, lab.nodes
        self.dir = lab.dir + "/kube"
        os.mkdir(self.dir)
        self.masters = {}
        self.locks = {n: threading.Lock() for n in self.nodes.names}
        self.generation = {n: 0 for n in self.nodes.names}
        atexit.register(self.end)
        ca = kubeapi.Ca(self.dir)
        self.api = kubeapi.Api(
            self.dir, address=cluster.US,
            tls=ca.issue("server", "/CN=kubernetes", "IP:" + cluster.US))
        self.api.unreached, self.api.argv = self._unreached, self._argv
        self.api.pods = [self._pod(n) for n in self.nodes.names]
        return {"glusterfs": {"executor": "kubernetes",
                              "kubeexec": {"namespace": "glusterfs"}},
                "executors": {"kubernetes": {
                    "kubeconfig": self.api.kubeconfig(
                        self.dir + "/config",
                        cluster={"certificate-authority": ca.cert})}}}

    # ---- pods ----

    def _pod(self, node):
        return kubeapi.pod("glusterfs-%s-%d" % (node, self.generation[node]),
                           node=node, labels={"glusterfs-node": node})

    def replace(self, node):
        """Its pod is another one now, as after an update of a DaemonSet."""
        self.generation[node] += 1
        new = self._pod(node)
        with self.api.lock:
            self.api.pods = [p for p in self.api.pods
                             if p["spec"]["nodeName"] != node] + [new]
        return new["metadata"]["name"]

    def execs(self):
        """How many were asked for, and the pods they were in."""
        with self.api.lock:
            all_ = [r.split("/")[6] for r in self.api.requests
                    if "/exec?" in r]
        return len(all_), set(all_)

    # ---- the way to a node ----

    def _ssh(self, node, *more):
        return ["ssh", "-F", "none", "-S", "%s/%s" % (self.dir, node), "-o",
                "BatchMode=yes", "-o", "LogLevel=ERROR", "-i", self.nodes.key,
                "-o", "UserKnownHostsFile=" + self.nodes.known_hosts, *more,
                "root@" + node]

    def _argv(self, pod, command):
        return self._ssh(pod["spec"]["nodeName"], "-T") + \
            [" ".join(map(shlex.quote, command))]

    def _unreached(self, pod):
        node = pod["spec"]["nodeName"]
        try:
            socket.create_connection((self.nodes.addresses[node], KUBELET),
                                     DIAL_S).close()
        except ConnectionRefusedError:
            pass                        # nobody is there, but the node is
        except OSError as e:
            self.drop(node)
            return "dial tcp %s:%d: connect: %s" % (
                self.nodes.addresses[node], KUBELET, e)
        with self.locks[node]:
            return None if self._connected(node) else \
                "%s: no connection by ssh" % node

    def _connected(self, node):
        """There is a connection to it that is kept; with its lock."""
        end = time.monotonic() + KEPT_S
        at = "%s/%s" % (self.dir, node)
        while time.monotonic() < end:
            p = self.masters.get(node)
            if p is not None and p.poll() is None and os.path.exists(at):
                return True
            if p is None or p.poll() is not None:
                if os.path.exists(at):
                    os.unlink(at)
                self.masters[node] = subprocess.Popen(
                    self._ssh(node, "-M", "-N", "-o",
                              "ServerAliveInterval=5"),
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)
            time.sleep(0.05)
        return False

    def drop(self, node):
        with self.locks[node]:
            p = self.masters.pop(node, None)
            if p is not None:
                p.kill()
                p.wait()

    def end(self):
        for node in list(self.masters):
            self.drop(node)
