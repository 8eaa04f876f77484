#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""contrib/lab-kernel, which fetches a User-mode Linux for the lab, where it can't:
it says why, that the lab goes on with Debian's, and leaves nothing.  (That the lab
works with what it fetched is what all other tests here show.)
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import lab
import cluster
import subprocess

lab.require_root()
if cluster.has_thin_pools():
    tap.skip_all("this kernel has thin pools: nothing is fetched")
d = lab.workdir()
target = d + "/kernel"


def fetch(**tools):
    """With the tools as the shell scripts that are given."""
    bin_ = d + "/bin"
    lab.sh("rm", "-rf", bin_)
    os.makedirs(bin_)
    for name, script in tools.items():
        path = os.path.join(bin_, name.replace("_", "-"))
        with open(path, "w") as f:
            f.write("#!/bin/sh\n" + script)
        os.chmod(path, 0o755)
    return subprocess.run([tap.SRCDIR + "/contrib/lab-kernel", target], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=dict(os.environ, TMPDIR=d, PATH=bin_ + ":" + os.environ["PATH"]))


def goes_on(what, r, why):
    tap.ok(r.returncode == 1 and why in r.stdout and "Debian 12's" in r.stdout, what + ": it says so") or tap.diag(
        r.returncode, *r.stdout.splitlines())
    left = sorted(set(os.listdir(d)) - {"bin"})
    tap.is_(left, [], what + ": nothing is left")


MIRROR = 'case "$*" in indextargets*) . /etc/os-release; echo "$VERSION_CODENAME main http://127.0.0.1:1/debian"; exit;; esac\n'
goes_on("no mirror", fetch(apt_get="exit 0"), "knows no mirror")
goes_on("a mirror that is off", fetch(apt_get=MIRROR + 'exec /usr/bin/apt-get "$@"'), "apt-get update: ")
goes_on("one without the package", fetch(apt_get=MIRROR + 'case "$*" in *download*) echo E: no such package; exit 100;; esac'),
        "apt-get download: E: no such package")
goes_on("something else came", fetch(apt_get=MIRROR + 'case "$*" in *download*) echo x >x.deb;; esac'), "can't unpack x.deb")
goes_on("a kernel that does not start", fetch(apt_get=MIRROR + 'case "$*" in *download*) : >x.deb;; esac', dpkg_deb="""
mkdir -p $3/usr/bin $3/usr/lib/uml/modules $3/lib && cp /bin/false $3/usr/bin/linux.uml &&
cp /lib64/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/libc.so.6 $3/lib/"""), "does not run here")
os.makedirs(target)
with open(target + "/linux.uml", "w") as f:
    f.write("a kernel")
os.chmod(target + "/linux.uml", 0o755)
r = fetch(apt_get="echo called")
tap.is_((r.returncode, r.stdout), (0, ""), "one that is there is left alone")
tap.done()
