# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare what the service says with what simulated nodes hold."""
import json
import os
import subprocess

BUILDDIR = os.environ.get("BUILDDIR", os.getcwd())


SNAPS = "/run/gluster/snaps/"       # where glusterd mounts clones


def _tool(*args):
    return subprocess.run([os.path.join(BUILDDIR, "brickyard-simulated"), *args],
                          capture_output=True, text=True)


def accounts(state_file):
    return json.loads(_tool("accounts", state_file).stdout)


def audit_blocks(daemon, volumes, acc):
    """Block volumes, and what those that host them say is free."""
    bad = []
    blocks = {b: daemon.json("GET", "/blockvolumes/" + b)
              for b in daemon.json("GET", "/blockvolumes")["blockvolumes"]}
    there = {(g["name"], name): b for g in acc["volumes"]
             for name, b in g["blocks"].items()}
    hosted = {}
    for b in blocks.values():
        on = volumes.get(b["blockhostingvolume"])
        if on is None:
            bad.append("block volume %s is on no volume" % b["name"])
            continue
        hosted.setdefault(on["id"], []).append(b)
        g = there.pop((on["name"], b["name"]), None)
        if g is None:
            bad.append("block volume %s is not there" % b["name"])
        elif (g["size_bytes"], g["usable_bytes"]) != (
                b["size"] << 30, b["usablesize"] << 30):
            bad.append("block volume %s: %s, on the nodes %s"
                       % (b["name"], b, g))
        elif not set(b["blockvolume"]["hosts"]) <= set(g["hosts"].split(",")):
            bad.append("block volume %s has other portals" % b["name"])
    bad += ["block volume %s/%s is nobody's" % n for n in there]
    for v in volumes.values():
        info = v["blockinfo"]
        mine = hosted.get(v["id"], [])
        if sorted(b["id"] for b in mine) != info.get("blockvolume", []):
            bad.append("volume %s hosts others: %s" % (v["name"], info))
        if sum(b["size"] for b in mine) + info.get("freesize", 0) + \
                info.get("reservedsize", 0) != \
                (v["size"] if v.get("block") else 0):
            bad.append("volume %s: %s does not add up to its size"
                       % (v["name"], info))
    return bad


def audit(daemon, state_file):
    """A list of everything that does not fit; empty when all is well."""
    bad = []
    r = _tool("check", state_file)
    if r.returncode != 0:
        bad += ["nodes: " + line for line in
                (r.stdout + r.stderr).strip().splitlines()]
    acc = accounts(state_file)
    volumes = {v: daemon.json("GET", "/volumes/" + v)
               for v in daemon.json("GET", "/volumes")["volumes"]}
    bricks = {b["id"]: b for v in volumes.values() for b in v["bricks"]}
    # The bricks of clones don't know their ids, and are in no fstab.
    cloned = {(b["device"], b["path"]): b["id"] for b in bricks.values()
              if b["path"].startswith(SNAPS)}
    lvs, vgs, mounts, fstab = {}, {}, 0, 0
    for host, node in acc["nodes"].items():
        for name, lv in node["lvs"].items():
            where = name.split("/")[0][3:], lv["dir"]
            lvs[lv["brick"] or cloned.get(where, where)] = (host, name, lv)
        for name, vg in node["vgs"].items():
            vgs[name] = vg
        mounts += len(node["mounts"])
        fstab += len(node["fstab"])

    for b in bricks.values():
        if b["id"] not in lvs:
            bad.append("brick %s has no logical volume" % b["id"])
        elif lvs[b["id"]][2]["size_bytes"] != b["size"] * 1024:
            bad.append("brick %s has another size on its node" % b["id"])
    for b in set(lvs) - set(bricks):
        bad.append("logical volume of brick %s belongs to no volume" % (b,))
    if (mounts, fstab) != (len(bricks), len(bricks) - len(cloned)):
        bad.append("%d bricks, %d mounts, %d fstab lines"
                   % (len(bricks), mounts, fstab))

    gluster = {v["name"]: v for v in acc["volumes"]}
    for v in volumes.values():
        g = gluster.pop(v["name"], None)
        if g is None:
            bad.append("volume %s is not there in gluster" % v["name"])
        elif sorted(x.split(":")[1] for x in g["bricks"]) != \
                sorted(b["path"] for b in v["bricks"]):
            bad.append("volume %s has other bricks in gluster" % v["name"])
        elif g["status"] != "started":
            bad.append("volume %s is %s" % (v["name"], g["status"]))
    bad += ["gluster volume %s is nobody's" % n for n in gluster]

    bad += audit_blocks(daemon, volumes, acc)
    devices = 0
    for c in daemon.json("GET", "/clusters")["clusters"]:
        info = daemon.json("GET", "/clusters/" + c)
        for n in info["nodes"]:
            node = daemon.json("GET", "/nodes/" + n)
            host = node["hostnames"]["storage"][0]
            peers = len(acc["nodes"].get(host, {}).get("peers", []))
            if peers != len(info["nodes"]) - 1:
                bad.append("node %s has %d peers" % (host, peers))
            for d in node["devices"]:
                devices += 1
                vg = vgs.pop("vg_" + d["id"], None)
                if vg is None:
                    bad.append("device %s has no volume group" % d["id"])
                elif vg["free_bytes"] != d["storage"]["free"] * 1024:
                    bad.append("device %s: %d KiB free, on the node %d" % (
                        d["id"], d["storage"]["free"],
                        vg["free_bytes"] // 1024))
    bad += ["volume group %s is nobody's" % n for n in vgs]
    open_ops = [o for o in daemon.json("GET", "/v1/operations")["operations"]
                if o["status"] not in ("done", "failed")]
    bad += ["operation %s (%s) is still %s" % (o["id"], o["kind"], o["status"])
            for o in open_ops]
    return bad
