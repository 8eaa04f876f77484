#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which pod is a node's, and what is said when there is none, or it can't be
used: the selector, the namespace, the state, the rule that is missing."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap, kubeapi
import time

kubeapi.require()
d = kubeapi.workdir()
api = kubeapi.Api(d)
config = api.kubeconfig(d + "/config")
pod = kubeapi.pod


def driver(**options):
    return kubeapi.Driver(d, **{"kubeconfig": config, "pod_cache_s": 0, **options})


def execs():
    return [r for r in api.requests if "/exec?" in r]


def runs(name, drv, in_pod, **words):
    r = drv.run("echo here", **words)
    if not tap.ok(r.get("stdout") == "here\n" and "/pods/%s/exec?" % in_pod in (execs() or [""])[-1], name):
        tap.diag(r, api.requests[-2:])


def fails(name, drv, err_class, *parts, **words):
    api.requests.clear()
    upgrades = api.upgrades
    r = drv.run("echo never", **words)
    if not tap.ok(r.err_class == err_class and all(p in r.text for p in parts) and api.upgrades == upgrades, name):
        tap.diag(r)
    return r


def labelled(name, value="n1", **words):
    return pod(name, labels={"glusterfs-node": value, "x": "y"}, node="k-" + value, **words)


# ---- by label
with driver() as drv:
    api.pods = [labelled("a"), labelled("b", "n2"), pod("c"), labelled("d", namespace="other")]
    runs("the pod whose label has the manage host", drv, "a", host="n1")
    tap.is_(api.requests[0], "/api/v1/namespaces/glusterfs/pods?labelSelector=glusterfs-node%3D%3Dn1",
            "asked for as heketi does")
    fails("no pod: which label, which namespace", drv, kubeapi.UNREACHABLE,
          "No pods with the label 'glusterfs-node=n3' were found", "in namespace glusterfs", host="n3")
    api.pods.append(labelled("a2"))
    fails("several pods", drv, kubeapi.PERMANENT, "Found 2 pods sharing the same label 'glusterfs-node=n1'", "a, a2",
          host="n1")
    api.pods[-1] = labelled("a2", deleting=True)
    runs("one that is being deleted is none of them", drv, "a", host="n1")
    api.pods[0] = labelled("a", phase="Failed", reason="Evicted")
    api.pods[-1] = labelled("a2")
    runs("nor is one that has ended", drv, "a2", host="n1")

    # ---- in which state
    def state(phase="Running", **words):
        api.pods = [labelled("a", phase=phase, **words)]
    state("Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                                  "message": "0/3 nodes are available"}])
    fails("a pod that waits", drv, kubeapi.UNREACHABLE, "pod a in namespace glusterfs is not ready", "Pending",
          "Unschedulable: 0/3 nodes are available", host="n1")
    state(state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting"}})
    fails("a container that waits", drv, kubeapi.UNREACHABLE, "container glusterfs",
          "waiting: CrashLoopBackOff: back-off 5m0s restarting", host="n1")
    state(state={"terminated": {"reason": "OOMKilled", "exitCode": 137}})
    fails("one that was killed", drv, kubeapi.UNREACHABLE, "terminated: OOMKilled: exit code 137", host="n1")
    state(state={"waiting": {"reason": "CrashLoopBackOff"}},
          last={"terminated": {"reason": "Error", "exitCode": 3, "message": "no modules"}})
    fails("and how it ended before", drv, kubeapi.UNREACHABLE, "container glusterfs: waiting: CrashLoopBackOff",
          "before that it was terminated: Error: exit code 3: no modules", host="n1")
    state("Pending", initContainerStatuses=[
        {"name": "first", "ready": True, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
        {"name": "second", "ready": False, "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}])
    fails("an init container that waits", drv, kubeapi.UNREACHABLE, "Pending",
          "init container second: waiting: ErrImagePull: no such image", host="n1")
    state("Pending")
    fails("one that its node has not begun", drv, kubeapi.UNREACHABLE, "its node k-n1 has not begun to start it", host="n1")
    api.pods[0]["spec"]["nodeName"] = ""
    fails("one that has no node", drv, kubeapi.UNREACHABLE, "no node has been chosen", host="n1")
    state("Unknown", reason="NodeLost", message="Node k-n1 which was running pod a is unresponsive")
    fails("a node that is lost", drv, kubeapi.UNREACHABLE, "it is Unknown: NodeLost: Node k-n1 which was running", host="n1")
    state("Succeeded")
    fails("a pod that has ended", drv, kubeapi.UNREACHABLE, "it is Succeeded", host="n1")
    state(deleting=True, conditions=[{"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager",
                                      "message": "Taint manager: deleting due to NoExecute taint"}])
    fails("why it is being deleted", drv, kubeapi.UNREACHABLE,
          "being deleted, Running: DeletionByTaintManager: Taint manager", host="n1")
    state("Failed", reason="Evicted", message="low on memory")
    fails("a pod that has failed", drv, kubeapi.UNREACHABLE, "Failed", "Evicted: low on memory", host="n1")
    state(deleting=True)
    fails("a pod that is being deleted", drv, kubeapi.UNREACHABLE, "being deleted", host="n1")

    # ---- on a node that is off: it stays as it was, but for its condition Ready
    api.unreached = lambda pod: "dial tcp 198.18.0.9:10250: i/o timeout"
    OFF = {"type": "Ready", "status": "False", "lastTransitionTime": "2026-11-21T18:00:00Z"}
    for api.protocols, reason in ((["v4.channel.k8s.io"], "is its Kubernetes node up? "),
                                  (["v5.channel.k8s.io"], "error sending request: dial tcp")):
        state(conditions=[OFF])
        fails("its node is off: what is known of it (%s)" % api.protocols[0], drv, kubeapi.UNREACHABLE,
              "he pod is Running, but since 2026-11-21T18:00:00Z Kubernetes has not heard of its node k-n1",
              "dial tcp 198.18.0.9:10250: i/o timeout", reason, host="n1")
    api.protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
    state(conditions=[{**OFF, "reason": "ContainersNotReady", "message": "containers with unready status: [glusterfs]"}])
    fails("a kubelet that says so itself is another thing", drv, kubeapi.UNREACHABLE, "the pod is Running: "
          "ContainersNotReady: containers with unready status: [glusterfs], not ready since 2026-11-21T18:00:00Z",
          host="n1")
    api.unreached = lambda pod: None

# ---- which container
api.pods = [labelled("a", containers=("proxy", "glusterfs"))]
with driver() as drv:
    runs("the first container", drv, "a", host="n1")
    tap.has(execs()[-1], "exec?container=proxy&", "as in heketi")
with driver(container="glusterfs") as drv:
    runs("or the one that is asked for", drv, "a", host="n1")
    tap.has(execs()[-1], "exec?container=glusterfs&", "is asked for")
with driver(container="gluster") as drv:
    fails("an unknown container: which there are", drv, kubeapi.PERMANENT, "no container 'gluster'",
          "proxy, glusterfs", host="n1")

# ---- of a DaemonSet
with driver(gluster_daemonset="true") as drv:
    api.pods = [pod("ds-1", node="k1", labels={"glusterfs-node": "pod"}),
                pod("ds-2", node="k2", labels={"glusterfs-node": "pod"}), pod("app", node="k1")]
    runs("gluster_daemonset: the pod on that node", drv, "ds-2", host="k2")
    runs("that has the label", drv, "ds-1", host="k1")
    fails("none: heketi's words, and where", drv, kubeapi.UNREACHABLE, "Unable to find a GlusterFS pod on host k3 with a "
          "label key glusterfs-node", "in namespace glusterfs", host="k3")
    has_field = kubeapi.has_field
    kubeapi.has_field = lambda p, selector: True
    runs("a server that ignores field selectors misleads nobody", drv, "ds-2", host="k2")
    kubeapi.has_field = has_field
    api.pods.append(pod("ds-9", node="k1", labels={"glusterfs-node": ""}))
    fails("several on a node", drv, kubeapi.PERMANENT, "Found 2 pods", "k1", "ds-1, ds-9", host="k1")

# ---- by name
with driver(use_pod_names="true", gluster_daemonset="true") as drv:
    runs("use_pod_names: the pod of that name", drv, "ds-1", host="ds-1")
    tap.is_([r for r in api.requests if "/exec" not in r][-1], "/api/v1/namespaces/glusterfs/pods/ds-1",
            "without a list")
    fails("no such pod", drv, kubeapi.UNREACHABLE, 'pods "ds-7" not found', "namespace glusterfs", host="ds-7")

# ---- namespaces
api.pods = [labelled("a", namespace="mine"), labelled("b", namespace="default")]
with driver(namespace="mine") as drv:
    runs("the namespace of the option goes first", drv, "a", host="n1")
api.kubeconfig(d + "/none", namespace=None)
with driver(kubeconfig=d + "/none") as drv:
    runs("a context without one is in 'default'", drv, "b", host="n1")

# ---- the cache
api.pods = [labelled("a")]
with driver(pod_cache_s=60) as drv:
    runs("a pod is looked for", drv, "a", host="n1")
    api.requests.clear()
    runs("once", drv, "a", host="n1")
    tap.is_(len(api.requests), 1, "not twice")
    api.pods = [labelled("b")]
    runs("when it is gone, the one that has replaced it is found at once", drv, "b", host="n1")
    api.requests.clear()
    api.runtime_error = kubeapi.status_of(500, "InternalError", 'container not found ("glusterfs")')
    r = drv.run("true", host="n1")
    tap.ok(r.err_class == kubeapi.UNREACHABLE and "container not found" in r.text and "not started" in r.text,
           "a failure in the pod is told") or tap.diag(r)
    api.runtime_error = None
    api.requests.clear()
    runs("and", drv, "b", host="n1")
    tap.is_(len(api.requests), 2, "empties the cache")
with driver(pod_cache_s=1) as drv:
    drv.run("true", host="n1")
    time.sleep(1.1)
    api.requests.clear()
    drv.run("true", host="n1")
    tap.is_(len(api.requests), 2, "it is short-lived")

# ---- what the API server refuses
with driver() as drv:
    forbidden = 'pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "glusterfs"'
    api.refuse = {("list", "pods"): (403, "Forbidden", forbidden)}
    fails("forbidden: the verb, the resource and the rule", drv, kubeapi.PERMANENT, "listing pods is forbidden",
          'resources: ["pods"], verbs: ["get", "list"]', forbidden, host="n1")
    forbidden = 'pods "b" is forbidden: User "x" cannot get resource "pods/exec" in API group ""'
    api.refuse = {("get", "pods/exec"): (403, "Forbidden", forbidden)}
    fails("so for exec", drv, kubeapi.PERMANENT, "exec in a pod is forbidden", "namespace glusterfs",
          'resources: ["pods/exec"], verbs: ["create", "get"]', forbidden, host="n1")
    for code, reason in (409, "Conflict"), (429, "TooManyRequests"), (500, "InternalError"), (503, "ServiceUnavailable"):
        no = (code, reason, "not now")
        api.refuse = {("list", "pods"): [no, no]}
        runs("%d is asked again" % code, drv, "b", host="n1")
        api.refuse = {("get", "pods/exec"): [no, no]}
        runs("%d of an exec, too" % code, drv, "b", host="n1")
    api.refuse = {("list", "pods"): no}
    fails("until it is enough", drv, kubeapi.TRANSIENT, "HTTP 503", "not now", host="n1")
    api.refuse = {("get", "pods/exec"): (429, "TooManyRequests", "slow down", [("Retry-After", "1")])}
    r = fails("of an exec, too", drv, kubeapi.TRANSIENT, "HTTP 429", "slow down", host="n1")
    tap.ok(r.ms > 2900, "Retry-After is heeded") or tap.diag(r)
    r = fails("but no longer than the call lasts", drv, kubeapi.TRANSIENT, "slow down", host="n1", timeout=600)
    tap.ok(r.ms < 800, "for the pause ends with it") or tap.diag(r)
    r = fails("or until it is cancelled", drv, kubeapi.CANCELLED, host="n1", cancel=300)
    tap.ok(r.ms < 500, "at once") or tap.diag(r)
    api.refuse = {("get", "pods/exec"): (404, "NotFound", 'pods "b" not found')}
    fails("a pod that vanishes in between", drv, kubeapi.UNREACHABLE, 'pods "b" not found', host="n1")
    api.refuse = {("get", "pods/exec"): (400, "BadRequest", "container glusterfs is not valid for pod b")}
    fails("a container that vanishes", drv, kubeapi.PERMANENT, "container 'glusterfs'", "not valid", host="n1")
    api.refuse = {}
    api.runtime_error = kubeapi.status_of(
        500, "InternalError", 'OCI runtime exec failed: exec: "env": executable file not found in $PATH')
    r = drv.run("true", host="n1")
    tap.ok(r.err_class == kubeapi.PERMANENT and "executable file not found" in r.text,
           "an image without a shell will not have one later") or tap.diag(r)
    api.runtime_error = None
os.mkdir(d + "/bin")
for tool in "env", "head":
    os.symlink("/usr/bin/" + tool, d + "/bin/" + tool)
with driver(search_path=d + "/bin") as drv:
    r = drv.run("true", host="n1")
    tap.ok(r.err_class == kubeapi.PERMANENT and "disable_timeout_prefix" in r.text,
           "a container without timeout(1): what to set") or tap.diag(r)
    # The words of a page that is no API server's.
    api.refuse = {("list", "pods"): (200, "x", "y")}
    fails("an answer that is no list of pods", drv, kubeapi.PERMANENT, "no list of pods", host="n1")
tap.done()
