# SPDX-License-Identifier: GPL-2.0-or-later
"""GlusterFS's image as a pod of the DaemonSet: with its mounts and probes, on directories
of the test's own where the manifest names the node's.  The executor of Kubernetes drives
it through the test's API server."""
import json
import os
import sys

import etcd
import images
import kubeapi
import tap

sys.path.insert(0, os.path.join(tap.SRCDIR, "tests", "lab"))
import lab                                                              # noqa: E402

HOST = "198.18.0.11"
# As they are on this machine; all else of the node's is the test's own.
REAL = ("/dev", "/sys/fs/cgroup", "/etc/ssl", "/lib/modules")
SERVER = os.path.join(tap.SRCDIR, "contrib", "kubernetes", "base", "brickyard",
                      "brickyard.json")


def mounts_of(spec, node):
    """As (what, where); directories of the node are made in that one."""
    sources = {}
    for v in spec["volumes"]:
        path = v.get("hostPath", {}).get("path")
        if path is None:
            sources[v["name"]] = "tmpfs"
        elif path in REAL:
            sources[v["name"]] = path if os.path.isdir(path) else "tmpfs"
        else:
            sources[v["name"]] = node + path
            os.makedirs(node + path, exist_ok=True)
    mounts = [(sources[m["name"]], m["mountPath"])
              for m in spec["containers"][0]["volumeMounts"]]
    return sorted((m for m in mounts if m[1] != "/dev"), key=lambda m: m[1])


class Driver(lab.Driver):
    """The executor, with the options of the manifests."""

    def __init__(self, d, api):
        super().__init__(d)
        with open(SERVER) as f:
            its = json.load(f)["glusterfs"]["kubeexec"]
        self.fstab, self.mounts = its["fstab"], "/var/lib/heketi/mounts"
        self.options = {"kubeconfig": api.kubeconfig(d + "/kubeconfig"),
                        "fstab": self.fstab,
                        "gluster_daemonset": str(its["gluster_daemonset"]).lower()}
        lab.PLUGIN, lab.LOWERED = kubeapi.PLUGIN, True

    def many(self, commands, parallel=False):
        return super().many([c + ["host=k1"] for c in commands], parallel)


class Pod:
    def __init__(self, work, root, config, spec):
        self.node = os.path.join(work, "node")
        container = spec["containers"][0]
        self.probes = {p: container[p + "Probe"]["exec"]["command"]
                       for p in ("liveness", "readiness")}
        command = container.get("command", config["Entrypoint"]) + \
            container.get("args", config["Cmd"])
        self.container = images.Container(work, root, command,
                                          mounts_of(spec, self.node), alone=HOST)

    def probe(self, which):
        if not self.container.is_there():
            return False
        try:
            r = self.container.run(*self.probes[which])
        except (OSError, ValueError, IndexError):
            return False                # its first process is not there yet
        self.answer = r.stdout
        return r.returncode == 0

    def is_ready(self, name):
        up = etcd.wait_for(lambda: not self.container.is_there() or self.probe("readiness"),
                           60, 0.3)
        return tap.ok(up and self.container.is_there() and self.probe("liveness"), name) or \
            tap.diag(self.container.said()[-3000:], getattr(self, "answer", ""))


def look(pod):
    """What the image must bring that no step looks for."""
    c = pod.container
    for name in ("udev_sync", "udev_rules", "verify_udev_operations", "monitoring"):
        tap.is_(c.run("lvmconfig", "activation/" + name).stdout, name + "=0\n",
                "glusterfs: LVM waits for no udev: " + name)
    r = c.run("lvm", "vgs", "--reportformat", "json")
    tap.ok(r.returncode == 0 and '"report"' in r.stdout and "udev" not in r.stdout,
           "glusterfs: LVM answers without a complaint of it") or tap.diag(r.stdout)
    for at in "/etc/glusterfs/glusterd.vol", "/var/lib/glusterd/hooks/1/start":
        tap.ok(os.path.exists(pod.node + at), "glusterfs: %s is on the node" % at)
    tap.is_(c.run("ls", "/usr/share/gluster-node/glusterd/glusterd.info").returncode, 2,
            "glusterfs: the image has no identity of its own")
    missing = c.run("sh", "-c", "for t in mkfs.xfs xfs_growfs xfs_repair mount.glusterfs "
                    "thin_check thin_repair dmsetup flock getfattr setfattr fuser modprobe "
                    "tini killall ps; do command -v $t >/dev/null || echo $t; done").stdout
    tap.is_(missing, "", "glusterfs: its tools are there")


def use(drv, pod):
    """A volume, made by steps; what is written to it, through FUSE."""
    c = pod.container
    r = drv.call("node-probe", timeout=60000)
    found = dict(zip(r.all("check"), r.all("verdict")))
    bad = {k: v for k, v in found.items() if v != "ok" and not k.startswith("dm-")}
    tap.ok(r.ok and len(found) > 10 and not bad,
           "glusterfs: the executor finds the node fit") or tap.diag(r, bad, *r.values)
    for part in "/var/lib/heketi/disk", "/var/lib/heketi/at":
        os.mkdir(pod.node + part)
    dev = {"id": lab.ident(1), "name": "/var/lib/heketi/disk"}
    ids = [lab.ident(10), lab.ident(11)]
    refs = ["%s:%s/brick" % (HOST, drv.mount_of(dev, i)) for i in ids]
    volume = {"name": "vol_image", "id": lab.ident(5)}
    bricks = {"brick": ["%s:320:2000" % i for i in ids], "mounts": drv.mounts, **dev}
    rs = drv.many([lab.words("prepare", **dev), lab.words("create", volume=volume["id"], **bricks),
                   lab.words("volume-create", brick=refs, sets=1, **volume)])
    if not tap.ok(all(r.ok for r in rs), "glusterfs: bricks and a volume are made"):
        tap.diag(rs, c.said()[-2000:])
    wrote = c.run("sh", "-c", "mount -t glusterfs %s:/vol_image /var/lib/heketi/at && "
                  "echo words >/var/lib/heketi/at/file && umount /var/lib/heketi/at" % HOST)
    tap.ok(wrote.returncode == 0, "glusterfs: it is mounted and written to") or \
        tap.diag(wrote.stdout)

    def remove():
        rs = drv.many([lab.words("volume-destroy", name="vol_image"),
                       lab.words("destroy", **bricks), lab.words("teardown", **dev)])
        tap.ok(all(r.ok for r in rs), "glusterfs: volume, bricks and device are removed") or \
            tap.diag(rs)
    return remove


def read_back(pod):
    def reads():
        r = pod.container.run("sh", "-c", "mount -t glusterfs %s:/vol_image /var/lib/heketi/at && "
                              "cat /var/lib/heketi/at/file; umount /var/lib/heketi/at" % HOST)
        return r.stdout == "words\n"
    tap.ok(etcd.wait_for(reads, 60, 0.5),
           "glusterfs: in the next pod the bricks are mounted, and what was written is there") or \
        tap.diag(pod.container.said()[-2000:])


def who(pod):
    with open(pod.node + "/var/lib/glusterd/glusterd.info") as f:
        return f.read()


def try_image(work, root, config, manifest):
    d = os.path.join(work, "kube")
    os.mkdir(d)
    spec = images.manifest(manifest, "DaemonSet")["spec"]["template"]["spec"]
    pod = Pod(work, root, config, spec)
    if not pod.is_ready("glusterfs: glusterd runs in its image, on empty directories"):
        return
    look(pod)
    api = kubeapi.Api(d)
    api.argv = lambda _, command: pod.container.argv(command)
    api.pods = [kubeapi.pod("glusterfs-1", node="k1", labels={"glusterfs-node": "pod"})]
    drv = Driver(d, api)
    remove = use(drv, pod)
    identity = who(pod)
    tap.has(identity, "UUID=", "glusterfs: its identity is on the node")
    tap.is_(pod.container.end(90), 0, "glusterfs: told to stop, it stops")
    # Another one, as after an update of the image.
    pod = Pod(work, root, config, spec)
    if pod.is_ready("glusterfs: a new pod takes its place"):
        read_back(pod)
        tap.is_(who(pod), identity, "glusterfs: it is the same peer")
        remove()
        tap.is_(open(pod.node + drv.fstab).read(), "", "glusterfs: fstab is empty again")
        pod.container.end(90)
    tap.is_(lab.loops_on(work), [], "glusterfs: no loop device is left")
