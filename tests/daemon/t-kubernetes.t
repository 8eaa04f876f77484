#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon with the kubernetes executor: heketi's keys and variables reach it,
and what happens in a pod reaches the log (heketi's clients are told heketi's words)."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap, kubeapi
import shutil
import subprocess
from daemon import Daemon

kubeapi.require()
d = kubeapi.workdir()
ca = kubeapi.Ca(d)
api = kubeapi.Api(d, tls=ca.issue("server", "/CN=kube", "IP:127.0.0.1"))
labels = {"glusterfs-node": "n1"}
api.pods = [kubeapi.pod("one", labels=labels, node="k1"), kubeapi.pod("two", namespace="other", labels=labels, node="k2")]
account = d + "/account"
os.mkdir(account)
shutil.copy(ca.cert, account + "/ca.crt")
for name, text in ("token", "token"), ("namespace", "glusterfs"):
    with open(account + "/" + name, "w") as f:
        f.write(text)
in_pod = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.port)}
# A gluster that has nobody in its pool: the node is not sound, but asked.
os.mkdir(d + "/bin")
with open(d + "/bin/gluster", "w") as f:
    f.write("#!/bin/sh\necho 'Connection failed. Please check if gluster daemon is operational.' >&2\nexit 1\n")
os.chmod(d + "/bin/gluster", 0o755)


def daemon(executor="kubernetes", env=None, own=None, **kubeexec):
    own = {"service_account_dir": account, "state_dir": d, "lock_dir": d, "pod_cache_s": 0,
           "search_path": d + "/bin:/usr/sbin:/usr/bin:/sbin:/bin", **(own or {})}
    return Daemon(executor=executor, env={**in_pod, "KUBECONFIG": "", **(env or {})}, start=False, config={
        "glusterfs": {"kubeexec": kubeexec, "disable_monitor_gluster_nodes": True},
        "executors": {"kubernetes": own}})


def starts_not(name, part, **words):
    x = daemon(**words)
    try:
        x.start()
        tap.ok(False, name)
    except Exception:
        tap.has(x.log(), part, name)
    x.stop()


def node(name, host, pod, *parts, **words):
    """What adding a node runs, in which pod, and logs."""
    x = daemon(**words)
    x.start()
    cluster = x.cluster()
    api.requests.clear()
    status, headers, body = x.request("POST", "/nodes", {
        "cluster": cluster, "zone": 1, "hostnames": {"manage": [host], "storage": ["127.0.0.1"]}})
    if status == 202:
        status, headers, body = x.wait(headers["Location"])
    execs = {r.split("?")[0].partition("/namespaces/")[2] for r in api.requests if "/exec?" in r}
    if not tap.ok((status, body) == (400, b"New Node doesn't have glusterd running\n") and
                  execs == ({pod} if pod else set()) and all(p in x.log() for p in parts), name):
        tap.diag(status, body, execs, x.log())
    x.stop()


out = subprocess.run([os.path.join(tap.BUILDDIR, "brickyardd"), "--dump-plugin", "kubernetes"], text=True,
                     env={**os.environ, "BRICKYARD_PLUGIN_PATH": tap.BUILDDIR}, stdout=subprocess.PIPE,
                     stderr=subprocess.STDOUT).stdout
tap.ok("gluster_daemonset" in out and "lvm_wrapper" in out, "--dump-plugin has its options, and those of scripts") or \
    tap.diag(out)
alive = ("gluster daemon is operational",)
node("a pod by its label, in the service account's namespace", "n1", "glusterfs/pods/one/exec", *alive)
node("the executor's old name", "n1", "glusterfs/pods/one/exec", *alive, executor="kube")
node("kubeexec.namespace", "n1", "other/pods/two/exec", *alive, namespace="other")
node("kubeexec.gluster_daemonset", "k1", "glusterfs/pods/one/exec", *alive, gluster_daemonset=True)
node("kubeexec.use_pod_names", "one", "glusterfs/pods/one/exec", *alive, use_pod_names=True)
node("heketi's variables go before", "k2", "other/pods/two/exec", *alive, namespace="glusterfs",
     env={"HEKETI_KUBE_NAMESPACE": "other", "HEKETI_KUBE_GLUSTER_DAEMONSET": "y"})
node("each of them", "two", "other/pods/two/exec", *alive,
     env={"HEKETI_KUBE_NAMESPACE": "other", "HEKETI_KUBE_USE_POD_NAMES": "1"})
node("executors.kubernetes goes before kubeexec", "n1", "other/pods/two/exec", *alive, namespace="glusterfs",
     own={"namespace": "other"})
node("max_connections below 0, and no prefix", "n1", "glusterfs/pods/one/exec", *alive, max_connections=-1,
     disable_timeout_prefix=True)
tap.ok("command=timeout" not in "".join(api.requests), "there is none then")
node("no pod: heketi's words in the log, and where", "n9", None, "No pods with the label 'glusterfs-node=n9' were found",
     "namespace glusterfs")
api.refuse = {("get", "pods/exec"): (403, "Forbidden", "no, no")}
node("forbidden: the rule that is missing", "n1", "glusterfs/pods/one/exec", "pods/exec", "verbs:", "no, no")
api.refuse = {}
starts_not("no API server at all", "no API server", env={"KUBERNETES_SERVICE_HOST": ""})
starts_not("a namespace that is none", "option namespace", namespace="a/b")
tap.done()
