#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The manifests, the rights, the executor and deploy on a real API server of Kubernetes,
with etcd, and the authorization of RBAC; what a kubelet and controllers would do is written
to it, or done by the test.

BRICKYARD_KUBE_APISERVER names the program kube-apiserver; BRICKYARD_KUBECTL a kubectl, if
not the one in PATH is to be used.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import atexit
import glob
import http.client
import json
import re
import shutil
import ssl
import subprocess
import tempfile
import threading
import time

SERVER = os.environ.get("BRICKYARD_KUBE_APISERVER")
if not SERVER:
    tap.skip_all("BRICKYARD_KUBE_APISERVER names no kube-apiserver")
KUBECTL = os.environ.get("BRICKYARD_KUBECTL") or shutil.which("kubectl")
if KUBECTL is None:
    tap.skip_all("no kubectl here")

import etcd                                                             # noqa: E402
import kubeapi                                                          # noqa: E402

etcd.require()
kubeapi.require()
TOP = os.path.join(tap.SRCDIR, "contrib", "kubernetes")
work = tempfile.mkdtemp(prefix="apiserver-")
atexit.register(shutil.rmtree, work, True)
ACCOUNT = "system:serviceaccount:brickyard:brickyard"

# ---- the server

cluster = etcd.Etcd()
port = etcd.free_ports(1)[0]
with open(work + "/tokens", "w") as f:
    f.write("root,admin,1,system:masters\nnobody,nobody,2\n")
ca = kubeapi.Ca(work)
cert, key = ca.issue("server", "/CN=kubernetes", "IP:127.0.0.1")
kubeapi.openssl("genrsa", "-out", work + "/sa.key", "2048")
log = open(work + "/log", "w+")


def start(*more):
    """The server; without the gate it hands WebSockets on to kubelets as they are."""
    return etcd.spawn([
        SERVER, "--etcd-servers=" + cluster.spec()[len("etcd:"):], "--authorization-mode=RBAC",
        "--bind-address=127.0.0.1", "--secure-port=%d" % port, "--advertise-address=127.0.0.1",
        "--tls-cert-file=" + cert, "--tls-private-key-file=" + key,
        "--token-auth-file=" + work + "/tokens", "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-signing-key-file=" + work + "/sa.key",
        "--service-account-key-file=" + work + "/sa.key",
        "--endpoint-reconciler-type=none", "--allow-privileged=true", "--kubelet-preferred-address-types=InternalIP",
        *more], stdout=log, stderr=log)


server = start()
TLS = ssl.create_default_context(cafile=ca.cert)


def call(method, path, body=None, token="root", kind="application/json"):
    """Status, and what came."""
    c = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=TLS)
    try:
        c.request(method, path, None if body is None else json.dumps(body),
                  {"Authorization": "Bearer " + token, "Content-Type": kind})
        r = c.getresponse()
        data = r.read()
    finally:
        c.close()
    try:
        return r.status, json.loads(data)
    except ValueError:
        return r.status, data.decode()


def is_ready():
    try:
        return call("GET", "/readyz")[0] == 200
    except OSError:
        return False


tap.ok(etcd.wait_for(lambda: server.poll() is not None or is_ready(), 120, 0.5) and
       server.poll() is None, "an API server of Kubernetes runs") or \
    tap.diag(open(log.name).read()[-3000:])


def config(name, token):
    path = os.path.join(work, name)
    with open(path, "w") as f:
        json.dump({"kind": "Config", "apiVersion": "v1", "current-context": "x",
                   "contexts": [{"name": "x", "context": {
                       "cluster": "x", "user": "x", "namespace": "brickyard"}}],
                   "clusters": [{"name": "x", "cluster": {
                       "server": "https://127.0.0.1:%d" % port,
                       "certificate-authority": ca.cert}}],
                   "users": [{"name": "x", "user": {"token": token}}]}, f)
    return path


ROOT = config("root", "root")
bin_dir = os.path.join(work, "bin")
os.mkdir(bin_dir)
os.symlink(os.path.abspath(KUBECTL), bin_dir + "/kubectl")
ENV = {"PATH": bin_dir + ":" + os.environ["PATH"], "HOME": work, "KUBECONFIG": ROOT}


def kubectl(*words, stdin=None):
    return subprocess.run([bin_dir + "/kubectl", *words], input=stdin, env=ENV, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


version = call("GET", "/version")[1]
tap.diag("Kubernetes " + version["gitVersion"])
translates = int(re.sub(r"\D", "", version["minor"])) >= 30

# ---- it takes the manifests, with no field that it does not know

tap.is_(kubectl("apply", "--server-side", "-f",
                TOP + "/base/brickyard/namespace.yaml").returncode, 0, "the namespace")
# Which a controller would make.
kubectl("-n", "brickyard", "create", "serviceaccount", "default")
# It does not know OpenShift's own.
OPENSHIFT = "security.openshift.io"


def without_openshift(text):
    return "---\n".join(d for d in text.split("---\n") if OPENSHIFT + "/v1" not in d)


for d in ["base"] + sorted(glob.glob("overlays/*", root_dir=TOP)):
    built = kubectl("kustomize", os.path.join(TOP, d)).stdout
    # Its old forms are meant to be read by old ones, too.
    warned = [x for x in built.splitlines() if x.startswith("#") and "deprecated" not in x]
    tap.is_(warned, [], "%s: kustomize has nothing to say about it" % d)
    text = without_openshift("\n".join(x for x in built.splitlines()
                                       if not x.startswith("#")) + "\n")
    # The server's own look: unknown fields are errors.
    r = kubectl("apply", "--server-side", "--dry-run=server", "--validate=true", "-f", "-",
                stdin=text)
    tap.ok(r.returncode == 0 and r.stdout.count("(server dry run)") == len(
        re.findall("^kind: ", text, re.M)), "%s: the server takes all of it" % d) or \
        tap.diag(r.stdout)
r = kubectl("apply", "-k", TOP + "/base")
tap.is_(r.returncode, 0, "kubectl apply -k base") or tap.diag(r.stdout)


def generations():
    out = kubectl("-n", "brickyard", "get", "deployments,statefulsets,daemonsets,"
                  "poddisruptionbudgets,networkpolicies,configmaps", "-o", "json").stdout
    return {o["kind"] + "/" + o["metadata"]["name"]: o["metadata"].get("generation")
            for o in json.loads(out[out.index("{"):])["items"]}


before = generations()
r = kubectl("apply", "-k", TOP + "/base")
tap.ok(len(before) > 8 and generations() == before and r.returncode == 0,
       "again: nothing changes") or tap.diag(r.stdout)
for f in sorted(glob.glob(TOP + "/samples/*.yaml")):
    r = kubectl("apply", "--dry-run=server", "--validate=true", "-n", "brickyard", "-f", f)
    what = "samples/" + os.path.basename(f)
    tap.is_(r.returncode, 0, what + ": the server takes it") or tap.diag(r.stdout)

# ---- rights


def may(verb, what, ns="brickyard"):
    words = ["auth", "can-i", verb, *what.split(), "--as=" + ACCOUNT, "-n", ns]
    return kubectl(*words).stdout.strip().splitlines()[-1]


for verb, what in (("get", "pods"), ("list", "pods"), ("get", "pods --subresource=exec"),
                   ("create", "pods --subresource=exec")):
    tap.is_(may(verb, what), "yes", "the account may %s %s" % (verb, what))
    tap.is_(may(verb, what, "default"), "no", "not in another namespace")
rules = call("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
             {"kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1",
              "spec": {"namespace": "brickyard"}},
             token=call("POST", "/api/v1/namespaces/brickyard/serviceaccounts/brickyard/token",
                        {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
                         "spec": {"expirationSeconds": 3600}})[1]["status"]["token"])[1]
own = sorted((r, tuple(sorted(x["verbs"]))) for x in rules["status"]["resourceRules"]
             for r in x["resources"] if not r.startswith("self"))
tap.is_(own, [("pods", ("get", "list")), ("pods/exec", ("create", "get"))],
        "and nothing else, beside what everybody may")

# ---- the executor


def token_of(account):
    path = "/api/v1/namespaces/brickyard/serviceaccounts/%s/token" % account
    return call("POST", path, {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
                               "spec": {"expirationSeconds": 3600}})[1]["status"]["token"]


kubelet = kubeapi.Kubelet(work, tls=ca.issue("kubelet", "/CN=k1", "IP:127.0.0.1"))
kubelet.protocols = ["v4.channel.k8s.io"]


def make_node(name, at):
    status, said = call("POST", "/api/v1/nodes", {"kind": "Node", "apiVersion": "v1",
                                                  "metadata": {"name": name}})
    assert status in (201, 409), said
    status, said = call(
        "PATCH", "/api/v1/nodes/%s/status" % name,
        {"status": {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                    "daemonEndpoints": {"kubeletEndpoint": {"Port": at}}}},
        kind="application/merge-patch+json")
    assert status == 200, said


def make_pod(name, node, status=None):
    template = call("GET", "/apis/apps/v1/namespaces/brickyard/daemonsets/glusterfs")[1]
    template = template["spec"]["template"]
    template["spec"]["nodeName"] = node
    # Tolerations and the like are the controller's.
    result, said = call("POST", "/api/v1/namespaces/brickyard/pods", {
        "kind": "Pod", "apiVersion": "v1", "metadata": {
            "name": name, "labels": template["metadata"]["labels"]},
        "spec": template["spec"]})
    if result != 201:
        tap.diag(said)
    if status is not None:
        set_status(name, status)


def set_status(name, status):
    result, said = call("PATCH", "/api/v1/namespaces/brickyard/pods/%s/status" % name,
                        {"status": status}, kind="application/merge-patch+json")
    if result != 200:
        tap.diag(said)


RUNNING = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
           "containerStatuses": [{"name": "glusterfs", "ready": True, "restartCount": 0,
                                  "image": "x", "imageID": "",
                                  "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]}
make_node("k1", kubelet.port)
mine = config("mine", token_of("brickyard"))


def driver(path=None, **options):
    return kubeapi.Driver(work, kubeconfig=path or mine, gluster_daemonset="true",
                          pod_cache_s=0, **options)


def fails(name, drv, err_class, *parts):
    r = drv.run("echo never", host="k1")
    tap.ok(r.err_class == err_class and all(p in r.text for p in parts), name) or tap.diag(r)
    tap.diag(r.text)


with driver() as drv:
    fails("no pod", drv, kubeapi.UNREACHABLE, "Unable to find a GlusterFS pod on host k1")
    make_pod("g1", "k1")
    fails("a pod that its node has not begun", drv, kubeapi.UNREACHABLE, "Pending",
          "its node k1 has not begun to start it")
    set_status("g1", {"phase": "Pending", "containerStatuses": [
        {"name": "glusterfs", "ready": False, "restartCount": 1, "image": "x", "imageID": "",
         "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {
             "terminated": {"exitCode": 3, "reason": "Error"}}}]})
    fails("one that crashes", drv, kubeapi.UNREACHABLE, "waiting: CrashLoopBackOff",
          "terminated: Error: exit code 3")
    set_status("g1", RUNNING)
with driver(config("nobody", "nobody")) as drv:
    fails("who may not: the verb, the resource and the rule", drv, kubeapi.PERMANENT,
          "listing pods is forbidden", 'verbs: ["get", "list"]',
          'User "nobody" cannot list resource "pods"')
with driver(config("none", "wrong")) as drv:
    fails("a token that is none", drv, kubeapi.PERMANENT, "does not accept the credentials")
role = call("GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/brickyard/roles/brickyard")[1]
ROLE = "/apis/rbac.authorization.k8s.io/v1/namespaces/brickyard/roles/brickyard"


def works_by_kubelet(drv):
    def answer():
        r = drv.run("echo here; echo there >&2; exit 7", host="k1")
        return r if r.get("stdout") == "here\n" else None
    r = etcd.wait_for(answer, 20, 0.2)
    tap.ok(r and r.get("stderr") == "there\n" and r.get("exit_status") == "7",
           "a script runs: its output and its exit status") or \
        tap.diag(r and r.values, drv.run("true", host="k1").text)
    tap.ok(kubelet.requests and all(x.startswith("/exec/brickyard/g1/glusterfs?")
                                    for x in kubelet.requests),
           "the server handed it on to the kubelet") or tap.diag(kubelet.requests)


status, said = call("PUT", ROLE, {**role, "rules": role["rules"][:1]})
tap.is_(status, 200, "the rule for exec is taken away")
with driver() as drv:
    def forbidden():
        r = drv.run("echo never", host="k1")
        return r if r.err_class == kubeapi.PERMANENT else None
    r = etcd.wait_for(forbidden, 10, 0.2)
    tap.ok(r and "exec in a pod is forbidden" in r.text and
           'resources: ["pods/exec"], verbs: ["create", "get"]' in r.text,
           "exec is forbidden: so is told") or tap.diag(r)
    role = call("GET", ROLE)[1]
    with open(TOP + "/base/brickyard/rbac.yaml") as f:
        kubectl("apply", "-n", "brickyard", "-f", "-", stdin=f.read())

    if not translates:
        works_by_kubelet(drv)
make_node("k1", etcd.free_ports(1)[0])
with driver() as drv:
    fails("its kubelet is away", drv, kubeapi.UNREACHABLE, "connection refused", "pod is Running")
    set_status("g1", {"conditions": [{"type": "Ready", "status": "False",
                                      "lastTransitionTime": "2026-11-21T18:00:00Z"}]})
    fails("and its node is taken for lost", drv, kubeapi.UNREACHABLE,
          "since 2026-11-21T18:00:00Z Kubernetes has not heard of its node k1")
if translates:
    # Else version 5 ends at the server, which speaks SPDY to kubelets: not to this one.
    server.terminate()
    server.wait(60)
    server = start("--feature-gates=TranslateStreamCloseWebsocketRequests=false")
    tap.ok(etcd.wait_for(is_ready, 120, 0.5), "it starts again, and hands WebSockets on")
    make_node("k1", kubelet.port)
    set_status("g1", RUNNING)
    with driver() as drv:
        works_by_kubelet(drv)
call("DELETE", "/api/v1/namespaces/brickyard/pods/g1", {"gracePeriodSeconds": 0})

# ---- deploy, with the controllers and kubelets that it waits for played here

NODES = ["k1", "k2", "k3"]
over = threading.Event()
finished = set()


def patch(path, status):
    call("PATCH", path + "/status", {"status": status}, kind="application/merge-patch+json")


def play(ns):
    """What became of it a moment later."""
    base = "/api/v1/namespaces/" + ns
    for p in call("GET", base + "/pods")[1].get("items", []):
        at = base + "/pods/" + p["metadata"]["name"]
        if "deletionTimestamp" in p["metadata"]:
            call("DELETE", at, {"gracePeriodSeconds": 0})
        elif "preflight" in p["metadata"]["name"] and p["status"]["phase"] == "Pending":
            patch(at, {"phase": "Succeeded"})
    status, o = call("GET", "/apis/apps/v1/namespaces/%s/deployments/brickyard" % ns)
    if status == 200 and call("GET", base + "/pods/brickyard-1")[0] == 404:
        template = o["spec"]["template"]
        template["spec"]["nodeName"] = NODES[0]
        call("POST", base + "/pods", {
            "kind": "Pod", "apiVersion": "v1", "spec": template["spec"], "metadata": {
                "name": "brickyard-1", "labels": template["metadata"]["labels"]}})
        patch(base + "/pods/brickyard-1", {**RUNNING, "containerStatuses": [
            {**RUNNING["containerStatuses"][0], "name": "brickyard"}]})
    for kind in "daemonsets", "statefulsets", "deployments":
        for o in call("GET", "/apis/apps/v1/namespaces/%s/%s" % (ns, kind))[1].get("items", []):
            n = o["spec"].get("replicas", 3)
            counts = {"daemonsets": {"currentNumberScheduled": n, "numberMisscheduled": 0},
                      "statefulsets": {"replicas": n, "readyReplicas": n},
                      "deployments": {"replicas": n, "readyReplicas": n}}[kind]
            counts.update({"daemonsets": {"numberReady": n, "desiredNumberScheduled": n},
                           "statefulsets": {"availableReplicas": n},
                           "deployments": {"availableReplicas": n}}[kind])
            if not all(o.get("status", {}).get(k) == v for k, v in counts.items()):
                patch("/apis/apps/v1/namespaces/%s/%s/%s" %
                      (ns, kind, o["metadata"]["name"]), counts)
    status, o = call("GET", base)
    if status == 200 and o["status"]["phase"] == "Terminating":
        left = [k for k in ("pods", "configmaps", "secrets", "services")
                if call("GET", "%s/%s" % (base, k))[1].get("items")]
        finished.add((ns, tuple(left)))
        call("PUT", base + "/finalize", {**o, "spec": {"finalizers": []}})


def controllers():
    while not over.wait(0.3):
        try:
            for ns in "site", "brickyard":
                play(ns)
        except OSError:
            pass


kubelet.logs = b"preflight: done\n"
for n in NODES:
    make_node(n, kubelet.port)
thread = threading.Thread(target=controllers, daemon=True)
thread.start()
topology = os.path.join(work, "topology.json")
with open(topology, "w") as f:
    json.dump({"clusters": [{"nodes": [
        {"node": {"hostnames": {"manage": [n], "storage": ["198.18.0.%d" % i]}, "zone": i},
         "devices": ["/dev/sdb"]} for i, n in enumerate(NODES, 1)]}]}, f)


def deploy(*words):
    return subprocess.run([TOP + "/deploy", "-n", "site", "-y", "-w", "60", *words],
                          env=dict(ENV, DEPLOY_POLL="0.3"), text=True, cwd=work,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


def classes():
    return kubectl("get", "storageclasses", "-o", "name").stdout


kubectl("delete", "-k", TOP + "/base", "--wait=false")
etcd.wait_for(lambda: call("GET", "/api/v1/namespaces/brickyard")[0] == 404 and not
              classes().startswith("storageclass"), 60, 0.5)
for again in False, True:
    r = deploy(topology)
    # Its exec is kubectl's, by SPDY or version 5: no kubelet here speaks that.
    tap.ok("k3: good" in r.stdout and "brickyard: 3/3 ready" in r.stdout and
           r.returncode != 0 and "the topology is not loaded" in r.stdout,
           "deploy: %s as far as there is a kubelet" % ("again" if again else "all")) or \
        tap.diag(r.stdout)
    labels = kubectl("get", "nodes", "-o", "name", "-l",
                     "storagenode=glusterfs,brickyard-etcd=member").stdout.split()
    tap.is_(labels, ["node/" + n for n in NODES], "nodes have their labels")
tap.is_(kubectl("-n", "site", "get", "rolebinding", "brickyard", "-o",
                "jsonpath={.subjects[0].namespace}").stdout, "site",
        "the account of that namespace has the role")
r = deploy("--abort")
tap.ok(r.returncode != 0 and "does not say whether it has volumes" in r.stdout,
       "deploy --abort: nothing is removed unless it is known that there are no volumes") or \
    tap.diag(r.stdout)
r = deploy("--abort", "--force")
tap.is_(r.returncode, 0, "deploy --abort --force") or tap.diag(r.stdout)
left = kubectl("get", "nodes", "-o", "name", "-l", "storagenode").stdout + classes()
tap.ok("node/" not in left and "brickyard" not in left, "no label, no class is left") or \
    tap.diag(left)
tap.ok(etcd.wait_for(lambda: call("GET", "/api/v1/namespaces/site")[0] == 404, 20, 0.3),
       "nor is the namespace") or tap.diag(finished)
r = deploy("--abort")
tap.ok(r.returncode != 0 and "nothing in namespace site" in r.stdout,
       "once more: there is nothing") or tap.diag(r.stdout)
over.set()
thread.join()
server.terminate()
server.wait(60)
cluster.stop()
shutil.rmtree(work, ignore_errors=True)
tap.done()
