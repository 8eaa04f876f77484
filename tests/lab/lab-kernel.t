#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""contrib/lab-kernel, which fetches a User-mode Linux for the lab.  Where it can't,
it says why, that the lab goes on with Debian's, and leaves nothing; where it can,
what it fetched is there whole, once.  (That the lab works with a real one is what
all other tests here show.)
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap, sshd
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lab")); import lab
import cluster
import re
import subprocess
import time

lab.require_root()
if cluster.has_thin_pools():
    tap.skip_all("this kernel has thin pools: nothing is fetched")
d = lab.workdir()
target = d + "/kernel"


def start(env, tools, words=(target,)):
    """With the tools as the shell scripts that are given."""
    bin_ = d + "/bin"
    lab.sh("rm", "-rf", bin_)
    os.makedirs(bin_)
    for name, script in tools.items():
        path = os.path.join(bin_, name.replace("_", "-"))
        with open(path, "w") as f:
            f.write("#!/bin/sh\n" + script)
        os.chmod(path, 0o755)
    return subprocess.Popen([tap.SRCDIR + "/contrib/lab-kernel", *words], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=dict(os.environ, TMPDIR=d, PATH=bin_ + ":" + os.environ["PATH"],
                                                               **env))


def end(p):
    out = p.communicate(timeout=100)[0]
    return subprocess.CompletedProcess(p.args, p.returncode, out)


def fetch(**tools):
    return end(start({}, tools))


def goes_on(what, r, why):
    tap.ok(r.returncode == 1 and why in r.stdout and "Debian 12's" in r.stdout, what + ": it says so") or tap.diag(
        r.returncode, *r.stdout.splitlines())
    left = sorted(set(os.listdir(d)) - {"bin", "repository"})
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

# ---- what it has from apt is what Debian signed, whatever the machine's apt lets pass

repository = d + "/repository/dists/testing"
os.makedirs(repository + "/main/binary-amd64")
packages = "".join("Package: %s\nArchitecture: amd64\nVersion: 1\nFilename: x.deb\nSize: 1\nSHA256: %s\n\n" % (n, "0" * 64)
                   for n in ("user-mode-linux", "libc6"))
with open(repository + "/main/binary-amd64/Packages", "w") as f:
    f.write(packages)
digest = lab.sh("sha256sum", repository + "/main/binary-amd64/Packages").split()[0]
with open(repository + "/Release", "w") as f:
    f.write("Suite: testing\nCodename: next\nArchitectures: amd64\nComponents: main\nSHA256:\n %s %d main/binary-amd64/Packages\n"
            % (digest, len(packages)))
with open(d + "/repository/apt.conf", "w") as f:
    f.write('Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n')
LOCAL = MIRROR.replace("http://127.0.0.1:1/debian", "file:%s/repository" % d)
goes_on("an unsigned mirror that this machine's apt would let pass",
        end(start({"APT_CONFIG": d + "/repository/apt.conf"}, {"apt_get": LOCAL + 'exec /usr/bin/apt-get "$@"'})),
        "is not signed")
lab.sh("rm", "-r", d + "/repository")

# ---- what is in the way

all_but = d + "/all-but"
os.makedirs(all_but)
for directory in "/usr/sbin", "/usr/bin", "/sbin", "/bin":
    for name in set(os.listdir(directory)) - set(os.listdir(all_but)) - {"patchelf"}:
        os.symlink(os.path.join(directory, name), os.path.join(all_but, name))
r = subprocess.run([tap.SRCDIR + "/contrib/lab-kernel", target], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                   env=dict(os.environ, PATH=all_but))
lab.sh("rm", "-r", all_but)
goes_on("no patchelf", r, "there is no patchelf here")
goes_on("a directory with a blank", end(start({}, {"apt_get": "exit 0"}, [d + "/a b/kernel"])), "with blanks")
goes_on("no directory can be made", end(start({}, {"apt_get": "exit 0"}, ["/proc/1/x/kernel"])), "can't use /proc/1/x")
os.makedirs(target + "/lib")
with open(target + "/precious", "w"):
    pass
r = fetch(apt_get="exit 0")
tap.ok(r.returncode == 1 and "with other things: precious" in r.stdout and sorted(os.listdir(target)) == ["lib", "precious"],
       "a directory of somebody else is left alone, and named") or tap.diag(r.stdout)
lab.sh("rm", "-r", target)

# ---- one that is fetched: a script plays it

KERNEL = """#!/bin/sh
[ "$1" != --version ] || exit 0
%s
echo it works: 9.9
"""


def played(kernel):
    """Tools that fetch it."""
    with open(d + "/played", "w") as f:
        f.write(KERNEL % kernel)
    return {"apt_get": MIRROR + 'case "$*" in *download*) : >x.deb; echo once >>%s/downloads; sleep 1;; esac' % d,
            "patchelf": 'echo "$2 $4"\n', "dpkg_deb": """
mkdir -p $3/usr/bin $3/usr/lib/uml/modules/9.9 $3/lib && cp %s/played $3/usr/bin/linux.uml && chmod 755 $3/usr/bin/linux.uml &&
echo x >$3/usr/lib/uml/modules/9.9/modules.dep && : >$3/lib/ld-linux-x86-64.so.2 && : >$3/lib/libc.so.6""" % d}


def is_there(what, out):
    tap.ok(out.endswith("run User-mode Linux 9.9\n") and out.count("%s/lib/ld-linux-x86-64.so.2" % target) == 1,
           what + ": it is told") or tap.diag(out)
    tap.is_((sorted(os.listdir(target)), sorted(os.listdir(target + "/lib")), os.listdir(target + "/modules")),
            (["lib", "linux.uml", "modules"], ["ld-linux-x86-64.so.2", "libc.so.6"], ["9.9"]), what + ": it is there, whole")
    tap.is_(sorted(set(os.listdir(d)) - {"bin", "kernel", "played", "downloads"}), [], what + ": and nothing else")


def downloads():
    with open(d + "/downloads") as f:
        return f.read().count("once")


os.makedirs(d + "/.lab-kernel.killed/new")
os.makedirs(target + "/lib")
with open(target + "/linux.uml", "w") as f:
    f.write("#!/bin/sh\n")
os.chmod(target + "/linux.uml", 0o755)
tools = played("")
both = [start({}, tools)]
lab.wait_for(lambda: os.path.exists(d + "/downloads"), 30)
both.append(subprocess.Popen(both[0].args, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             env=dict(os.environ, PATH=d + "/bin:" + os.environ["PATH"])))
both = [end(p) for p in both]
tap.is_([r.returncode for r in both] + [downloads()], [0, 0, 1], "two at the same moment: it is fetched once") or tap.diag(
    *[r.stdout for r in both])
tap.is_(both[1].stdout, "==> waiting for another contrib/lab-kernel\n", "the other one says that it waits")
is_there("in place of a part of one", both[0].stdout)
r = fetch(apt_get="echo called")
tap.is_((r.returncode, r.stdout), (0, ""), "one that is there is left alone")
lab.sh("rm", "-r", target)
r = end(start({"BRICKYARD_LAB_KERNEL": "debian"}, {"apt_get": "echo called"}, []))
tap.is_((r.returncode, r.stdout), (0, ""), "none is fetched where none is wanted")
is_there("BRICKYARD_LAB_KERNEL as a directory", end(start({"BRICKYARD_LAB_KERNEL": target}, tools, [])).stdout)
lab.sh("rm", "-r", target)

# ---- one that dies and leaves a process which holds its output

began = time.monotonic()
r = end(start({}, played("sleep 90 & echo left: $!; exit 1")))
pid = re.search("left: ([0-9]+)", r.stdout)
tap.ok(r.returncode == 1 and "does not run here" in r.stdout and time.monotonic() - began < 60, "a kernel that dies is not "
       "waited for") or tap.diag(r.stdout)
tap.ok(pid and lab.wait_for(lambda: not sshd.is_running(int(pid[1])), 10), "nor does anything of it live on")
tap.is_(sorted(set(os.listdir(d)) - {"bin", "played", "downloads"}), [], "and nothing is left")
tap.done()
