#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""contrib/kubernetes: every manifest is one that Kubernetes takes, and says what the
daemon, its executor and the images say: ports, probes, rights, files, keys."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import atexit
import glob
import http.server
import json
import re
import shutil
import subprocess
import tempfile
import threading

TOP = os.path.join(tap.SRCDIR, "contrib", "kubernetes")
IMAGES = os.path.join(tap.SRCDIR, "contrib", "container")
KUBECTL = shutil.which("kubectl")
if KUBECTL is None:
    tap.skip_all("no kubectl here (package kubernetes-client)")
work = tempfile.mkdtemp(prefix="manifests-")
atexit.register(shutil.rmtree, work, True)
ENV = {"PATH": os.environ["PATH"], "HOME": work}


def kubectl(*args, stdin=None):
    r = subprocess.run([KUBECTL, *args], input=stdin, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, env=ENV, timeout=120)
    if r.returncode != 0:
        tap.diag(" ".join(args), r.stderr)
    return r.stdout if r.returncode == 0 else ""


def objects(text):
    """YAML as kubectl reads it; without a server."""
    out = kubectl("annotate", "--local", "-f", "-", "x=y", "-o", "json",
                  stdin=text)
    found, at = [], 0
    while at < len(out):
        o, at = json.JSONDecoder().raw_decode(out, at)
        found += o["items"] if o["kind"] == "List" else [o]
        while at < len(out) and out[at].isspace():
            at += 1
    for o in found:
        o["metadata"].get("annotations", {}).pop("x", None)
    return found


def read(*names):
    with open(os.path.join(*names)) as f:
        return f.read()


sets, texts = {}, {}
for d in ["base"] + sorted(glob.glob("overlays/*", root_dir=TOP)):
    texts[d] = kubectl("kustomize", os.path.join(TOP, d))
    sets[d] = objects(texts[d])
    tap.ok(len(sets[d]) > 8, "%s: kustomize builds it" % d)
for f in ("backup.yaml", "claim.yaml", "static.yaml"):
    texts[f] = read(TOP, "samples", f)
    sets[f] = objects(texts[f])
    tap.ok(len(sets[f]) >= 2, "samples/%s can be read" % f)


def get(where, kind, name=None):
    found = [o for o in sets[where] if o["kind"] == kind and
             (name is None or o["metadata"]["name"] == name)]
    assert found, (where, kind, name)
    return found[0]


# ---- kubectl create --dry-run=client asks a server which kinds there are

PLURALS = {}
for s in sets.values():
    for o in s:
        kind = o["kind"].lower()
        plural = kind if kind.endswith(("s", "points")) else \
            kind[:-1] + "ies" if kind.endswith("y") else kind + "s"
        if kind.endswith("ss"):
            plural = kind + "es"
        PLURALS.setdefault(o["apiVersion"], {})[o["kind"]] = plural
CLUSTERED = ("Namespace", "StorageClass", "PersistentVolume",
             "SecurityContextConstraints")


class Discovery(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        path = self.path.split("?")[0].strip("/")
        groups = sorted({v.split("/")[0] for v in PLURALS if "/" in v})
        if path == "api":
            answer = {"kind": "APIVersions", "versions": ["v1"]}
        elif path == "apis":
            answer = {"kind": "APIGroupList", "apiVersion": "v1", "groups": [
                {"name": g, "versions": [
                    {"groupVersion": v, "version": v.split("/")[1]}
                    for v in PLURALS if v.startswith(g + "/")],
                 "preferredVersion": [
                    {"groupVersion": v, "version": v.split("/")[1]}
                    for v in PLURALS if v.startswith(g + "/")][0]}
                for g in groups]}
        else:
            version = path.split("/", 1)[1] if "/" in path else ""
            if version not in PLURALS:
                self.send_error(404)
                return
            answer = {"kind": "APIResourceList", "groupVersion": version,
                      "resources": [
                          {"name": p, "kind": k, "singularName": k.lower(),
                           "namespaced": k not in CLUSTERED,
                           "verbs": ["create", "get", "list"]}
                          for k, p in PLURALS[version].items()]}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Discovery)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = "http://127.0.0.1:%d" % server.server_port
for name, text in texts.items():
    out = kubectl("--server", url, "create", "--dry-run=client",
                  "--validate=false", "-f", "-", "-o", "name", stdin=text)
    tap.is_(len(out.splitlines()), len(sets[name]),
            "%s: kubectl would create all of it" % name)

# ---- the schemas of Kubernetes: the last release with the driver, and the newest

VALIDATE = r'''
import json, sys, warnings
warnings.simplefilter("ignore")
import kubernetes_validate as kv
bad, versions = [], sorted({kv.latest_version(), "1.25"})
for where, o in json.load(sys.stdin):
    for v in versions:
        try:
            kv.validate(o, v, strict=True)
        except Exception as e:
            bad.append("%s: %s %s, Kubernetes %s: %s" % (where, o["kind"],
                o["metadata"]["name"], v, str(e).splitlines()[0]))
print(json.dumps([versions, bad]))
'''


def schemas():
    """A Python that has them."""
    def works(python):
        return subprocess.call([python, "-c", "import kubernetes_validate"],
                               stderr=subprocess.DEVNULL) == 0
    if works(sys.executable):
        return sys.executable
    python = os.path.join(work, "venv", "bin", "python3")
    steps = ([sys.executable, "-m", "venv", os.path.join(work, "venv")],
             [python, "-m", "pip", "-q", "install", "kubernetes-validate"])
    for step in steps:
        r = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True)
        if r.returncode != 0:
            tap.diag(*r.stdout.splitlines()[-3:])
            return None
    return python


def validate(python, what):
    r = subprocess.run([python, "-c", VALIDATE], input=json.dumps(what), text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if r.returncode != 0:
        tap.diag(*r.stderr.splitlines()[-3:])
        return [], ["the validator broke"]
    return json.loads(r.stdout)


python = schemas()
if python is None:
    tap.skip("the schemas of Kubernetes", "kubernetes-validate can't be installed "
             "from PyPI (python3-venv, network)")
else:
    known = [(w, o) for w, s in sets.items() for o in s
             if not o["apiVersion"].startswith("security.openshift.io")]
    versions, faults = validate(python, known)
    tap.is_(faults, [], "all of it is by the schemas of %s" % versions)
    broken = json.loads(json.dumps(get("base", "Deployment")))
    broken["spec"]["replikas"] = 3
    tap.ok(len(validate(python, [("x", broken)])[1]) == len(versions),
           "(a field that does not exist is found)")

# ---- what the executor calls, and what it may

role = get("base", "Role", "brickyard")
rights = sorted((r, tuple(sorted(rule["verbs"]))) for rule in role["rules"]
                for r in rule["resources"])
tap.is_(rights, [("pods", ("get", "list")), ("pods/exec", ("create", "get"))],
        "the role has what is needed, and nothing else")
tap.ok(all(rule["apiGroups"] == [""] for rule in role["rules"]) and
       not any(o["kind"].startswith("ClusterRole") for o in sets["base"]),
       "in one namespace only")
tap.is_(get("overlays/external-gluster", "Role", "brickyard")["rules"], [],
        "with ssh, no rights at all")
sources = glob.glob(os.path.join(tap.SRCDIR, "executors", "kubernetes", "*.c"))
if sources:
    code = "\n".join(read(f) for f in sources)
    used = set(re.findall(r'/api[s]?/v1/([a-z]+)/', code)) - {"namespaces"}
    used |= set(re.findall(r'"/?(pods|secrets|nodes|configmaps|services|'
                           r'events|daemonsets|endpoints)(?=[/?"])', code))
    tap.is_(used, {"pods"}, "the executor asks for pods, and nothing else")
    tap.ok('"/exec?' in code and not re.search(r'/(attach|log|portforward|proxy)\?',
                                               code),
           "and of their subresources for exec")
    tap.is_(re.findall(r'CURLOPT_(?:CUSTOMREQUEST|POST|PUT|UPLOAD|POSTFIELDS)\b', code), [],
            "it changes no object")
    selectors = set(re.findall(r'glusterfs-node|storagenode', code))
    labels = get("base", "DaemonSet")["spec"]["template"]["metadata"]["labels"]
    tap.ok(selectors and selectors <= set(labels),
           "the pods have the labels that it looks for")
    manual = read(glob.glob(os.path.join(os.path.dirname(sources[0]), "*.pod"))[0])
    told = re.findall(r'resources: \["([^"]+)"\]\s+verbs: \[([^\]]+)\]', manual)
    tap.is_(sorted((r, tuple(sorted(re.findall(r"\w+", v)))) for r, v in told), rights,
            "its manual names the same rights")
else:
    tap.skip("what the executor calls", "no executors/kubernetes in this tree")

# ---- each kind of pod

pods = {}
for where in sets:
    for o in sets[where]:
        if o["kind"] in ("Deployment", "StatefulSet", "DaemonSet"):
            pods[where, o["metadata"]["name"]] = o["spec"]["template"]["spec"]
for (where, name), spec in sorted(pods.items()):
    mounted = {m["name"] for c in spec["containers"] + spec.get("initContainers", [])
               for m in c["volumeMounts"]}
    there = {v["name"] for v in spec.get("volumes", [])}
    if where == "overlays/etcd-volumes" and name == "brickyard-etcd":
        tap.ok("data" not in there and "nodeSelector" in spec and
               not spec["nodeSelector"] or "nodeSelector" not in spec,
               "etcd on claims needs no directory and no label")
        there.add("data")
    tap.is_(mounted, there, "%s: %s: volumes and mounts go together" % (where, name))
    tap.ok(all("requests" in c.get("resources", {}) and "livenessProbe" in c and
               "readinessProbe" in c for c in spec["containers"]),
           "%s: %s has requests and probes" % (where, name))
    tap.ok(spec.get("enableServiceLinks") is False, "%s: %s: no variables of Services"
           % (where, name))
dep = get("base", "Deployment")
spec = pods["base", "brickyard"]
container = spec["containers"][0]
tap.is_((dep["spec"]["replicas"], dep["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"]),
        (3, 0), "three replicas, none less during an update")
tap.is_((spec["securityContext"]["runAsNonRoot"],
         spec["securityContext"]["seccompProfile"]["type"],
         container["securityContext"]),
        (True, "RuntimeDefault",
         {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
          "capabilities": {"drop": ["ALL"]}}), "no root, no capabilities, nothing to write to")
recipe = read(IMAGES, "Containerfile")
tap.has(recipe, "USER %d:%d" % (spec["securityContext"]["runAsUser"],
                                spec["securityContext"]["runAsGroup"]),
        "the user is the image's")
for kind, name in (("PodDisruptionBudget", "brickyard"), ("NetworkPolicy", "brickyard"),
                   ("Service", "brickyard")):
    o = get("base", kind, name)["spec"]
    chosen = o.get("podSelector", o.get("selector"))
    chosen = chosen.get("matchLabels", chosen)
    tap.is_({k: dep["spec"]["template"]["metadata"]["labels"].get(k) for k in chosen},
            chosen, "%s %s means these pods" % (kind, name))
routes = re.findall(r'\{ "GET", "(/[a-z]+)",[^}]*ROUTE_OPEN',
                    read(tap.SRCDIR, "api", "routes.c"))
probes = {c: container[c]["httpGet"]["path"] for c in
          ("startupProbe", "livenessProbe", "readinessProbe")}
tap.is_(probes, {"startupProbe": "/healthz", "livenessProbe": "/healthz",
                 "readinessProbe": "/readyz"}, "probes ask what they should")
tap.ok(set(probes.values()) <= set(routes), "these are routes of the daemon, open to all")
tap.ok(set(re.findall(r'\}(/[a-z]+)"', recipe)) <= set(routes) and "HEALTHCHECK" in recipe,
       "the image's health check, too")
tap.ok(get("base", "Deployment")["spec"]["template"]["metadata"]["annotations"]
       ["prometheus.io/path"] in routes, "so are the metrics")
tap.ok(spec["terminationGracePeriodSeconds"] >= 5 + 2 * 10 + 10,
       "there is time to stop in")

# ---- the configuration

ports = {container["ports"][0]["containerPort"],
         get("base", "Service", "brickyard")["spec"]["ports"][0]["port"],
         get("base", "NetworkPolicy", "brickyard")["spec"]["ingress"][0]["ports"][0]["port"]}
plugins = subprocess.run([os.path.join(tap.BUILDDIR, "brickyardd"), "--list-plugins"],
                         stdout=subprocess.PIPE, text=True, env=dict(
                             os.environ, BRICKYARD_PLUGIN_PATH=tap.BUILDDIR)).stdout
for where in ("base", "overlays/external-gluster", "overlays/existing-etcd"):
    maps = {o["metadata"]["name"]: o for o in sets[where] if o["kind"] == "ConfigMap"}
    used = [v["configMap"]["name"] for v in pods[where, "brickyard"]["volumes"]
            if "configMap" in v]
    tap.ok(set(used) <= set(maps), "%s: the configuration is found by its hash" % where)
    text = maps[used[0]]["data"]["brickyard.json"]
    conf = os.path.join(work, "brickyard.json")
    open(conf, "w").write(text)
    config = json.loads(text)
    tap.is_({int(config["port"])}, ports, "%s: one port, everywhere" % where)
    tap.ok("jwt" not in config and "key" not in json.dumps(config.get("jwt", {})),
           "%s: no key is in it" % where)
    if config["glusterfs"]["executor"] not in plugins:
        tap.skip("%s: brickyardd takes it" % where, "no executor %s in this build" %
                 config["glusterfs"]["executor"])
        continue
    env = {k: v for k, v in os.environ.items() if not k.startswith(("HEKETI_", "BRICKYARD_"))}
    r = subprocess.run([os.path.join(tap.BUILDDIR, "brickyardd"), "--config", conf,
                        "--check-config"], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, env=dict(
                           env, BRICKYARD_PLUGIN_PATH=tap.BUILDDIR,
                           HEKETI_ADMIN_KEY="a", HEKETI_USER_KEY="b"))
    tap.is_(r.returncode, 0, "%s: brickyardd takes it" % where) or tap.diag(r.stdout)
    tap.ok("unknown" not in r.stdout.lower() and "nobody knows" not in r.stdout.lower(),
           "%s: and knows every key" % where) or tap.diag(r.stdout)
    for path in re.findall(r'"(/etc/brickyard[^"]*)/[^/"]+"', text):
        tap.ok(path in {m["mountPath"] for c in pods[where, "brickyard"]["containers"]
                        for m in c["volumeMounts"]}, "%s: %s is mounted" % (where, path))
known = read(tap.SRCDIR, "core", "configuration.c")
tap.ok(all('"%s"' % e["name"] in known for e in container["env"]),
       "brickyardd reads the variables that are set")

# ---- etcd

sts = get("base", "StatefulSet")
etcd = pods["base", "brickyard-etcd"]
store = json.loads(read(TOP, "base", "brickyard", "brickyard.json"))["store"]
tap.is_(store, "etcd:" + ",".join(
    "http://%s-%d.%s:%d" % (sts["metadata"]["name"], i, sts["spec"]["serviceName"],
                            etcd["containers"][0]["ports"][0]["containerPort"])
    for i in range(sts["spec"]["replicas"])), "the store is all members of etcd")
env = {e["name"]: e.get("value") for e in etcd["containers"][0]["env"]}
tap.is_((env["MEMBERS"], env["SERVICE"]), (str(sts["spec"]["replicas"]),
                                           sts["spec"]["serviceName"]),
        "and its start script is told as many")
tap.ok("requiredDuringSchedulingIgnoredDuringExecution" in
       etcd["affinity"]["podAntiAffinity"], "two members are never on one node")
tap.ok("--auto-compaction" in read(TOP, "base", "etcd", "start.sh"), "it is compacted")

# ---- GlusterFS

ds = get("base", "DaemonSet")
gluster = pods["base", "glusterfs"]
paths = {m["mountPath"] for m in gluster["containers"][0]["volumeMounts"]}
hostpaths = {m["mountPath"]: v.get("hostPath", {}).get("path")
             for m in gluster["containers"][0]["volumeMounts"]
             for v in gluster["volumes"] if v["name"] == m["name"]}
tap.ok(gluster["nodeSelector"] == {"storagenode": "glusterfs"} and gluster["hostNetwork"]
       and gluster["containers"][0]["securityContext"]["privileged"],
       "on labelled nodes, on their network, privileged")
fstab = json.loads(read(TOP, "base", "brickyard", "brickyard.json"))["glusterfs"]["kubeexec"]["fstab"]
options = read(tap.SRCDIR, "executors", "script", "options.c")
state_dir = re.search(r'"(/var/lib/brickyard)", "directory of the fences', options).group(1)
for path in (os.path.dirname(fstab), state_dir, "/var/lib/glusterd", "/dev",
             "/var/log/glusterfs", "/etc/glusterfs"):
    tap.is_(hostpaths.get(path), path, "%s outlives the pod" % path)
node = read(IMAGES, "glusterfs", "gluster-node")
tap.has(node, "FSTAB:-%s}" % fstab, "the image mounts the bricks that are listed there")
tap.is_({tuple(gluster["containers"][0][p]["exec"]["command"]) for p in
         ("livenessProbe", "readinessProbe")},
        {("/usr/local/sbin/gluster-node", "live"), ("/usr/local/sbin/gluster-node", "ready")},
        "its probes are the image's")

# ---- storage classes, samples

classes = {o["parameters"]["volumetype"]: o["parameters"] for o in sets["base"]
           if o["kind"] == "StorageClass"}
tap.is_(sorted(classes), ["disperse:4:2", "none", "replicate:3"], "the classes")
tap.ok(all(c["gidMin"] and c["gidMax"] and c["secretName"] == "brickyard-admin" and
           "restuserkey" not in c for c in classes.values()),
       "with groups, and the key in a secret")
tap.ok(get("claim.yaml", "PersistentVolumeClaim")["spec"]["storageClassName"] in
       {o["metadata"]["name"] for o in sets["base"]}, "the sample asks for one of them")
tap.is_({o["metadata"]["name"] for o in sets["static.yaml"] if o["kind"] in
         ("Endpoints", "Service")} | {get("static.yaml", "PersistentVolume")
                                      ["spec"]["glusterfs"]["endpoints"]},
        {"glusterfs-cluster"}, "a Service keeps the endpoints of the static one")
tap.is_([n for n in sets if any(o["kind"] == "Secret" for o in sets[n])], [],
        "no secret is among the manifests")

# ---- OpenShift

sccs = {o["metadata"]["name"]: o for o in sets["overlays/openshift"]
        if o["kind"] == "SecurityContextConstraints"}
tap.is_(sccs["brickyard"]["runAsUser"]["uid"], spec["securityContext"]["runAsUser"],
        "the constraints allow the user")
tap.ok(not any(sccs["brickyard"][k] for k in sccs["brickyard"] if k.startswith("allow")),
       "and nothing of the node")
accounts = {o["spec"]["template"]["spec"]["serviceAccountName"] for o in sets["base"]
            if o["kind"] in ("Deployment", "StatefulSet", "DaemonSet")}
bound = {s["name"] for o in sets["overlays/openshift"] if o["kind"] == "RoleBinding" and
         o["metadata"]["name"].startswith("use-scc") for s in o["subjects"]}
tap.is_(bound, accounts, "each account may use constraints of its own")
tap.is_({s.get("namespace") for w in sets for o in sets[w] if o["kind"] == "RoleBinding"
         for s in o["subjects"]}, {"brickyard"}, "bindings name the namespace of accounts")

shutil.rmtree(work)
tap.done()
