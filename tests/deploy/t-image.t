#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The images: brickyardd's and etcd's start as a plain user on a read-only root, the one
on the other, and are ready; GlusterFS's is a storage node.

What is built here is put on this machine's own root, read-only, in a mount namespace.  Then
buildah makes all three images from their recipes, on a base of mmdebstrap's, which takes
two minutes and Debian's mirror.  BRICKYARD_IMAGE_TEST=0 leaves that out.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import atexit
import glob
import json
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import etcd
import images

sys.path.insert(0, os.path.join(tap.SRCDIR, "tests", "deploy"))
IMAGES = os.path.join(tap.SRCDIR, "contrib", "container")
MANIFESTS = os.path.join(tap.SRCDIR, "contrib", "kubernetes", "base")
etcd.require()
if os.geteuid() != 0 or subprocess.call(["unshare", "-m", "true"]) != 0:
    tap.skip_all("a mount namespace wants root")
work = tempfile.mkdtemp(prefix="image-")
atexit.register(shutil.rmtree, work, True)
os.chmod(work, 0o755)
recipe = open(os.path.join(IMAGES, "Containerfile")).read()
uid, gid = map(int, re.search(r"^USER (\d+):(\d+)", recipe, re.M).groups())
entry = json.loads(re.search(r"^ENTRYPOINT (\[.*\])", recipe, re.M).group(1))
health = re.search(r"^\s+CMD (curl.*)$", recipe, re.M).group(1)

cluster = etcd.Etcd()


def run_image(root, name, store, daemon=None):
    """Start ENTRYPOINT in root, which is read-only, as the recipe's user, with no rights;
    then what a container runtime and a kubelet would ask."""
    conf = tempfile.mkdtemp(prefix="conf-", dir=work)
    os.chmod(conf, 0o755)
    with open(conf + "/brickyard.json", "w") as f:
        json.dump({"store": store, "store_options": {"prefix": "/image/%s/" % len(name)},
                   "glusterfs": {"executor": "mock"}}, f)
    os.chmod(conf + "/brickyard.json", 0o644)
    # On this machine's root nothing can be made: what is there is hidden instead.
    at = "/mnt" if daemon else "/etc/brickyard"
    mounts = [(conf, at)] + ([(built, "/media")] if daemon else [])
    port = etcd.free_ports(1)[0]
    env = {"BRICKYARD_CONFIG": at + "/brickyard.json", "HEKETI_ADMIN_KEY": "a",
           "HEKETI_USER_KEY": "b", "HOSTNAME": "pod-x"}
    if daemon:
        env.update(BRICKYARD_BINDIR="/media/bin", BRICKYARD_PLUGIN_PATH="/media/plugins")
    c = images.Container(work, root, (daemon or entry) + ["--listen", "127.0.0.1:%d" % port],
                         mounts, env, nothing=(uid, gid))

    def ask(path, check="curl -fs"):
        return subprocess.run(["sh", "-c", "%s http://127.0.0.1:%d%s" %
                               (check, port, path)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)

    def healthy():
        return subprocess.call(["sh", "-c", health], stdout=subprocess.DEVNULL, env=dict(
            os.environ, BRICKYARD_HEALTH_URL="http://127.0.0.1:%d" % port)) == 0
    ready = etcd.wait_for(lambda: not c.is_there() or
                          ask("/readyz").returncode == 0, 90, 0.2)
    tap.ok(ready and c.is_there(), "%s: /readyz says yes, on etcd" % name) or \
        tap.diag(c.said()[-3000:])
    if not c.is_there():
        tap.diag("exit", c.process.returncode)
        return
    is_plain(c, name)
    tap.ok(healthy(), "%s: the health check of the recipe is content" % name)
    tap.is_(ask("/clusters").returncode, 22, "%s: tokens are asked for" % name)
    tap.is_(c.end(), 0, "%s: told to stop, it stops" % name)
    tap.ok(not healthy(), "%s: and the health check is not content" % name)


def is_plain(c, name):
    with open("/proc/%d/status" % c.pid) as f:
        status = f.read()
    tap.is_((re.search(r"Uid:\t(\d+)\t(\d+)", status).groups(),
             re.search(r"CapEff:\t(\S+)", status).group(1),
             re.search(r"CapBnd:\t(\S+)", status).group(1)),
            ((str(uid), str(uid)), "0" * 16, "0" * 16),
            "%s: it is a plain user with no rights" % name)
    tap.has(c.run("touch", "/var/x").stdout, "Read-only file system",
            "%s: its root can't be written to" % name)


# ---- what is built here

built = os.path.join(work, "built")
os.makedirs(built + "/bin")
for program in ("brickyardd", "brickyard"):
    libs = os.path.join(tap.BUILDDIR, ".libs", program)
    shutil.copy(libs if os.path.exists(libs) else os.path.join(tap.BUILDDIR, program),
                built + "/bin")
for kind, top in (("volume-types", "plugins"), ("executors", "executors")):
    os.makedirs(built + "/plugins/" + kind)
    for so in glob.glob(os.path.join(tap.BUILDDIR, top, "*", ".libs", "*.so")):
        shutil.copy(so, built + "/plugins/" + kind)
shutil.copy(os.path.join(IMAGES, "heketi-start"), built + "/bin")
subprocess.check_call(["chmod", "-R", "go=rX", built])
run_image("/", "this machine's root", cluster.spec(), ["/media/bin/heketi-start"])

# ---- what the recipes say

packages = open(os.path.join(tap.SRCDIR, "contrib", "packages.sh")).read()
node = re.search(r'NODE_PACKAGES="([^"]*)"', packages).group(1).split()
gluster = open(os.path.join(IMAGES, "glusterfs", "Containerfile")).read().split()
tap.is_([p for p in node if p not in gluster], [],
        "the image of storage nodes has all that contrib/packages.sh names for nodes")
for f in glob.glob(os.path.join(IMAGES, "**", "Containerfile"), recursive=True):
    text = open(f).read()
    tap.ok(re.search(r"^ARG BASE=\S*debian:12-slim$", text, re.M) and
           not re.search(r"^FROM (?!\$\{BASE\})", text, re.M),
           "%s is on Debian slim" % os.path.relpath(f, IMAGES))
    missing = [w for line in re.findall(r"^COPY (?:--chmod=\S+ )?(contrib\S+)", text, re.M)
               for w in [line] if not os.path.exists(os.path.join(tap.SRCDIR, w))]
    tap.is_(missing, [], "%s copies what is there" % os.path.relpath(f, IMAGES))

# ---- the images

tools = [t for t in ("buildah", "mmdebstrap", "kubectl", "glusterd") if shutil.which(t) is None]
builder = None
if os.environ.get("BRICKYARD_IMAGE_TEST") == "0":
    tap.skip("the images, by buildah", "BRICKYARD_IMAGE_TEST=0 asks for that")
elif tools:
    tap.skip("the images, by buildah", "not here: " + " ".join(tools))
else:
    builder = images.Builder()
    tap.ok(builder.base("base"), "mmdebstrap makes a base")


def build(*these):
    for recipe, name, context in these:
        began = time.monotonic()
        done[name] = builder.build(recipe, name, "base", context)
        tap.diag("%s: %.0f s" % (name, time.monotonic() - began))


done = {}
if builder is not None:
    # The first takes as long as the others together.
    threads = [threading.Thread(target=build, args=these, daemon=True) for these in (
        [("Containerfile", "brickyard", tap.SRCDIR)],
        [("etcd/Containerfile", "brickyard-etcd", IMAGES),
         ("glusterfs/Containerfile", "brickyard-glusterfs", tap.SRCDIR)])]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
roots = {}
for name in sorted(done):
    tap.ok(done[name], "buildah builds %s" % name)
    roots[name] = builder.mount(name) if done[name] else None
if builder is not None:
    tap.diag("%d files were fetched" % builder.cache.fetched)

# ---- etcd's, as base/etcd has it: then brickyardd's is started on it


def member(data, ports):
    url = "http://127.0.0.1:%d"
    return images.Container(
        work, roots["brickyard-etcd"], ["sh", "/start/start.sh"],
        [(data, "/var/lib/etcd"), (MANIFESTS + "/etcd", "/start")],
        {"MEMBER": "brickyard-etcd-0", "MEMBERS": "1", "SERVICE": "none",
         "DATA": "/var/lib/etcd", "CLIENT_URL": url % ports[0], "CLIENT_LISTEN": url % ports[0],
         "PEER_URL": url % ports[1], "PEER_LISTEN": url % ports[1]}, nothing=(uid, gid))


def back_up(url):
    """As samples/backup.yaml does, with an endpoint before it that is away."""
    spec = images.manifest(MANIFESTS + "/../samples/backup.yaml", "CronJob")["spec"]
    its = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    at = os.path.join(work, "backup")
    os.mkdir(at)
    os.chown(at, uid, gid)
    for old in "etcd-20200101T000000Z.db", "etcd-20200102T000000Z.db", "x.part":
        open(os.path.join(at, old), "w").close()
    env = {**{e["name"]: e["value"] for e in its["env"]}, "KEEP": "2",
           "ENDPOINTS": "http://127.0.0.1:1 " + url}
    r = images.Container(work, roots["brickyard-etcd"], its["command"], [(at, env["DIR"])], env,
                         nothing=(uid, gid))
    status, kept = r.process.wait(120), sorted(os.listdir(at))
    tap.ok(status == 0 and len(kept) == 2 and kept[0] == "etcd-20200102T000000Z.db" and
           os.path.getsize(os.path.join(at, kept[1])) > 10000,
           "etcd: the sample makes a snapshot, and keeps as many as it should") or \
        tap.diag(status, kept, r.said())


def try_etcd():
    data, ports = os.path.join(work, "data"), etcd.free_ports(2)
    os.mkdir(data)
    text = open(MANIFESTS + "/etcd/statefulset.yaml").read()
    prepare = json.loads(re.search(r"command: (\[.*chown.*\])", text).group(1))
    r = images.Container(work, roots["brickyard-etcd"], prepare, [(data, "/var/lib/etcd")])
    tap.is_((r.process.wait(60), os.stat(data).st_uid), (0, uid),
            "etcd: its directory is made its own") or tap.diag(r.said())
    url = "http://127.0.0.1:%d" % ports[0]
    ctl = ["env", "ETCDCTL_API=3", "etcdctl", "--endpoints=" + url]
    for again in False, True:
        c = member(data, ports)

        def health():
            return c.run("curl", "-fs", url + "/health").stdout
        up = etcd.wait_for(lambda: not c.is_there() or "true" in health(), 60, 0.2)
        if not tap.ok(up and c.is_there(), "etcd: it starts%s, and answers /health" %
                      (" on what it wrote" if again else "")):
            tap.diag(c.said()[-3000:])
            return
        if not again:
            is_plain(c, "etcd")
            tap.has(c.run(*ctl, "put", "a", "b").stdout, "OK", "etcd: it takes a write")
            # By the signal, once all is shut down.
            tap.ok(c.end() == -signal.SIGTERM and "shutting down" in c.said(),
                   "etcd: told to stop, it stops") or tap.diag(c.said()[-1000:])
    tap.is_(c.run(*ctl, "get", "a", "--print-value-only").stdout, "b\n", "etcd: and has it still")
    back_up(url)
    if roots["brickyard"]:
        run_image(roots["brickyard"], "the image", "etcd:" + url)
    c.end()


if roots.get("brickyard-etcd"):
    try_etcd()
for name in ("brickyard", "brickyard-etcd"):
    if roots.get(name):
        config = builder.config(name)
        tap.is_(config["User"], "%d:%d" % (uid, gid), "%s: its user" % name)
if roots.get("brickyard"):
    config = builder.config("brickyard")
    tap.is_(config["Entrypoint"], entry, "its entry point")
    tap.ok("healthz" in json.dumps(config.get("Healthcheck", {})), "its health check is kept")

# ---- GlusterFS's, in a pod of the DaemonSet's kind, by the executor of Kubernetes

if roots.get("brickyard-glusterfs"):
    import glusterpod
    glusterpod.try_image(work, roots["brickyard-glusterfs"],
                         builder.config("brickyard-glusterfs"),
                         MANIFESTS + "/glusterfs/daemonset.yaml")
if builder is not None:
    builder.close()
cluster.stop()
shutil.rmtree(work, ignore_errors=True)
tap.done()
