#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The image of brickyardd: as a plain user on a read-only root it starts against a real
etcd, and is ready.

What is built here is put on this machine's own root, read-only, in a mount namespace.
BRICKYARD_IMAGE_TEST=1 builds the image itself from its recipe, by buildah on a base that
debootstrap makes, which takes some minutes and Debian's mirror, and looks at that, too.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import atexit
import glob
import json
import re
import shutil
import subprocess
import tempfile

import etcd

IMAGES = os.path.join(tap.SRCDIR, "contrib", "container")
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


def run_image(root, name, daemon=None):
    """Start ENTRYPOINT in root, which is read-only, as the recipe's user, with no rights;
    then what a container runtime and a kubelet would ask."""
    conf = os.path.join(work, name + ".json")
    with open(conf, "w") as f:
        json.dump({"store": cluster.spec(),
                   "store_options": {"prefix": "/image/%s/" % name},
                   "glusterfs": {"executor": "mock"}}, f)
    os.chmod(conf, 0o644)
    here = os.path.join(work, name)
    os.makedirs(here)
    # A private copy of the mounts; nothing of it is seen outside.
    script = """set -e
mount --make-rprivate /
mount --bind "$1" "$2"
for d in dev proc tmp; do [ -d "$2/$d" ]; done
mount --rbind /dev "$2/dev"; mount -t proc proc "$2/proc"
mount -t tmpfs -o mode=1777 tmp "$2/tmp"
cp "$3" "$2/tmp/brickyard.json"; chmod 644 "$2/tmp/brickyard.json"
if [ -n "$4" ]; then mkdir "$2/tmp/image"; cp -a "$4/." "$2/tmp/image/"; fi
mount -o remount,bind,ro "$2"
shift 4
exec "$@"
"""
    port = etcd.free_ports(1)[0]
    words = ["setpriv", "--reuid", str(uid), "--regid", str(gid), "--clear-groups",
             "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    command = (daemon or entry) + ["--listen", "127.0.0.1:%d" % port]
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
           "BRICKYARD_CONFIG": "/tmp/brickyard.json", "HEKETI_ADMIN_KEY": "a",
           "HEKETI_USER_KEY": "b", "HOSTNAME": "pod-x"}
    if daemon:
        env["BRICKYARD_BINDIR"] = "/tmp/image/bin"
        env["BRICKYARD_PLUGIN_PATH"] = "/tmp/image/plugins"
    log = open(os.path.join(work, name + ".log"), "w+")
    p = etcd.spawn(["unshare", "-m", "sh", "-c", script, "sh", root, here, conf,
                    os.path.join(work, "built") if daemon else ""] +
                   ["chroot", here] + words + command,
                   env=env, stdout=log, stderr=log)

    def ask(path, check="curl -fs"):
        return subprocess.run(["sh", "-c", "%s http://127.0.0.1:%d%s" %
                               (check, port, path)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    ready = etcd.wait_for(lambda: p.poll() is not None or
                          ask("/readyz").returncode == 0, 90, 0.2)
    tap.ok(ready and p.poll() is None, "%s: /readyz says yes, on etcd" % name) or \
        tap.diag(open(log.name).read()[-3000:])
    if p.poll() is None:
        status = open("/proc/%d/status" % p.pid).read()
        tap.is_((re.search(r"Uid:\t(\d+)\t(\d+)", status).groups(),
                 re.search(r"CapEff:\t(\S+)", status).group(1),
                 re.search(r"CapBnd:\t(\S+)", status).group(1)),
                ((str(uid), str(uid)), "0" * 16, "0" * 16),
                "%s: it is a plain user with no rights" % name)
        r = subprocess.run(["nsenter", "-t", str(p.pid), "-m", "chroot",
                            here, "touch", "/var/x"], stderr=subprocess.PIPE, text=True)
        tap.has(r.stderr, "Read-only file system", "%s: its root can't be written to" % name)
        r = subprocess.run(["sh", "-c", health], stdout=subprocess.PIPE,
                           env=dict(os.environ, BRICKYARD_HEALTH_URL=
                                    "http://127.0.0.1:%d" % port))
        tap.is_(r.returncode, 0, "%s: the health check of the recipe is content" % name)
        tap.is_(ask("/clusters").returncode, 22, "%s: tokens are asked for" % name)
        p.terminate()
        tap.is_(p.wait(60), 0, "%s: told to stop, it stops" % name)
        r = subprocess.run(["sh", "-c", health], env=dict(
            os.environ, BRICKYARD_HEALTH_URL="http://127.0.0.1:%d" % port))
        tap.ok(r.returncode != 0, "%s: and the health check is not content" % name)
    else:
        tap.diag("exit", p.returncode)


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
run_image("/", "this machine's root", ["/tmp/image/bin/heketi-start"])

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

# ---- the image

tools = [t for t in ("buildah", "debootstrap") if shutil.which(t) is None]
if os.environ.get("BRICKYARD_IMAGE_TEST") != "1":
    tap.skip("the image, by buildah", "takes minutes: BRICKYARD_IMAGE_TEST=1 asks for it")
elif tools:
    tap.skip("the image, by buildah", "not here: " + " ".join(tools))
else:
    store = ["--root", work + "/store", "--runroot", work + "/run",
             "--storage-driver", "vfs"]

    def buildah(*args):
        r = subprocess.run(["buildah", *store, *args], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
        if r.returncode != 0:
            tap.diag("buildah " + " ".join(args[:3]), r.stdout[-3000:])
        return r.stdout.strip().splitlines()[-1] if r.returncode == 0 and r.stdout.strip() \
            else "" if r.returncode == 0 else None

    r = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)",
                        "Created-By: Packages", "Release: bookworm"],
                       stdout=subprocess.PIPE, text=True)
    mirror = (sorted(set(r.stdout.split())) or ["http://deb.debian.org/debian"])[0]
    r = subprocess.run(["debootstrap", "--variant=minbase", "--include=ca-certificates",
                        "bookworm", work + "/base", mirror], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
    tap.is_(r.returncode, 0, "debootstrap makes a base") or tap.diag(r.stdout[-2000:])
    c = buildah("from", "scratch")
    buildah("add", "-q", c, work + "/base", "/")
    buildah("commit", "-q", c, "localhost/base")
    buildah("rm", c)
    shutil.rmtree(work + "/base")
    tap.ok(buildah("build", "-q", "--isolation", "chroot", "--format", "docker",
                   "--build-arg", "BASE=localhost/base", "-f",
                   os.path.join(IMAGES, "Containerfile"), "-t", "brickyard",
                   tap.SRCDIR) is not None, "buildah builds the image")
    c = buildah("from", "brickyard")
    root = buildah("mount", c) if c else None
    if tap.ok(root, "the image can be mounted"):
        run_image(root, "the image")
        config = json.loads(subprocess.run(
            ["buildah", *store, "inspect", "--type", "image", "brickyard"],
            stdout=subprocess.PIPE, text=True).stdout)["Docker"]["config"]
        tap.is_((config["User"], config["Entrypoint"]), ("%d:%d" % (uid, gid), entry),
                "its user and entry point")
        tap.ok("healthz" in json.dumps(config.get("Healthcheck", {})),
               "its health check is kept")
        buildah("umount", c)

cluster.stop()
shutil.rmtree(work, ignore_errors=True)
tap.done()
