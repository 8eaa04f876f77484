# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lab tests share: the driver, private namespaces, loop devices."""
import atexit
import ctypes
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import tap

DRIVER = os.path.join(tap.BUILDDIR, "tests", "lab", "exec-driver")
PLUGIN = os.path.join(tap.BUILDDIR, "executors", "local", ".libs", "local.so")

# contrib/lab-kernel's, or Debian 12's.
_FAST = os.environ.get("BRICKYARD_LAB_KERNEL",
                       "/var/cache/brickyard/lab-kernel")
UML, MODULES = (_FAST + "/linux.uml", _FAST + "/modules") if \
    os.access(_FAST + "/linux.uml", os.X_OK) and \
    os.path.isdir(_FAST + "/modules") else \
    ("/usr/bin/linux.uml", "/usr/lib/uml/modules")
# Where it does not start any more, what to try.
HINT = "" if UML.startswith("/usr/bin/") else \
    "\nBRICKYARD_LAB_KERNEL=debian tries without %s" % UML
# Use nothing of the plug-in but .run: the steps are executors/script's.
LOWERED = os.environ.get("LAB_LOWERED") == "1"

(PERMANENT, TRANSIENT, UNREACHABLE, TIMEOUT, CANCELLED, FENCED, NOTFOUND,
 EXISTS, NOSPACE, INVALID, UNSUPPORTED) = range(1, 12)


def require_driver():
    for f in DRIVER, PLUGIN:
        if not os.path.exists(f):
            tap.skip_all("%s is not built" % f)


def require_root():
    if os.geteuid() != 0:
        tap.skip_all("needs root (mounts and loop devices)")


def require_tools(*tools):
    for t in tools:
        if shutil.which(t, path=os.environ.get("PATH", "") +
                        ":/usr/sbin:/sbin") is None:
            tap.skip_all("%s is not installed" % t)


def isolate(*extra):
    """Run this test again in a mount namespace of its own: what it mounts
    goes away with it, whatever happens."""
    if os.environ.get("LAB_ISOLATED") == "1":
        return
    cmd = ["unshare", "-m", "--propagation", "private"] + list(extra)
    if subprocess.run(cmd + ["true"], stderr=subprocess.DEVNULL).returncode:
        tap.skip_all("no mount namespaces here")
    os.environ["LAB_ISOLATED"] = "1"
    os.execvp(cmd[0], cmd + [sys.executable] + sys.argv)


def require_loop_and_xfs():
    require_tools("losetup", "mkfs.xfs", "mount")
    if not os.path.exists("/dev/loop-control"):
        tap.skip_all("no loop devices here")
    with open("/proc/filesystems") as f:
        known = "\txfs\n" in f.read()
    if not known and subprocess.run(["modprobe", "xfs"],
                                    stderr=subprocess.DEVNULL).returncode:
        tap.skip_all("no XFS here")


def sh(*argv, check=True, **kw):
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, **kw)
    if check and r.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(argv), r.stdout))
    return r.stdout


def workdir():
    d = tempfile.mkdtemp(prefix="brickyard-lab.")
    os.chmod(d, 0o755)
    atexit.register(shutil.rmtree, d, ignore_errors=True)
    return d


def loops_on(path):
    """Loop devices that are backed by files below path."""
    found = []
    for line in sh("losetup", "-nO", "NAME,BACK-FILE", check=False).split("\n"):
        f = line.split(None, 1)
        if len(f) == 2 and f[1].startswith(path):
            found.append(f[0])
    return found


def loop(d, name, mib, read_only=False):
    """A loop device on a sparse file."""
    path = os.path.join(d, name)
    with open(path, "wb") as f:
        f.truncate(mib << 20)
    dev = sh("losetup", "-f", "--show", *(["-r"] if read_only else []),
             path).strip()
    atexit.register(sh, "losetup", "-d", dev, check=False)
    return dev


def mounts_below(path):
    with open("/proc/self/mountinfo") as f:
        return [x.split()[4] for x in f if x.split()[4].startswith(path)]


def require_gluster_node():
    """What a storage node in namespaces needs."""
    require_root()
    require_loop_and_xfs()
    require_tools("glusterd", "gluster", "glusterfs", "ip")
    if not os.path.exists("/dev/fuse"):
        tap.skip_all("no FUSE here")
    # Everything the node starts dies with the PID namespace.
    isolate("-n", "-p", "-f", "--kill-child", "--mount-proc")


def private(d, *paths):
    """Directories of the node's own over the machine's."""
    for path in paths:
        own = d + "/node" + path
        os.makedirs(own)
        if not os.path.isdir(path):
            os.makedirs(path)
            atexit.register(_unmake, path)
        sh("mount", "--bind", own, path)


def _unmake(path):
    """The mount goes with the namespace, but the directory would stay."""
    sh("umount", "-l", path, check=False)
    os.rmdir(path)


def private_node(d):
    private(d, "/var/lib/glusterd", "/var/log/glusterfs")
    sh("mount", "-t", "tmpfs", "tmpfs", "/run")
    os.mkdir("/run/gluster")


def wait_for(cond, seconds=10, pause=0.05):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if cond():
            return True
        time.sleep(pause)
    return bool(cond())


# ---- User-mode Linux: a kernel with device-mapper where ours has none

def _hide_xstate():
    """On CPUs with more vector state than it knows of (AMX), User-mode Linux
    6.1 dies with "set fp regs failed": let it believe that the host has no
    PTRACE_*REGSET for it, by a seccomp filter."""
    def stmt(code, jt, jf, k):
        return struct.pack("<HBBI", code, jt, jf, k)
    load, jeq, ret = 0x20, 0x15, 0x06
    arg = 16                            # offset of the arguments, low words
    prog = b"".join((
        stmt(load, 0, 0, 0), stmt(jeq, 0, 6, 101),              # ptrace
        stmt(load, 0, 0, arg), stmt(jeq, 1, 0, 0x4204),         # GETREGSET
        stmt(jeq, 0, 3, 0x4205),                                # SETREGSET
        stmt(load, 0, 0, arg + 16), stmt(jeq, 0, 1, 0x202),     # NT_X86_XSTATE
        stmt(ret, 0, 0, 0x00050000 | 22),                       # EINVAL
        stmt(ret, 0, 0, 0x7fff0000)))                           # allow
    code = ctypes.create_string_buffer(prog, len(prog))
    fprog = struct.pack("<HxxxxxxQ", len(prog) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)          # PR_SET_NO_NEW_PRIVS
    libc.prctl(22, 2, ctypes.create_string_buffer(fprog, len(fprog)), 0, 0)


# Then only the SSE registers survive a page fault there: keep libraries from
# using more.
_SSE_ONLY = [
    "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,"
    "-AVX512DQ,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-BMI2,-RTM",
    "OPENSSL_ia32cap=:0"]


def one_processor(n):
    """What a command begins with to stay on the n-th processor that we may use.
    The processes of a User-mode Linux are served by its kernel: each page fault
    of theirs is a turn from one process of ours to another and back, which on
    one processor takes less than half as long as across two."""
    ours = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(ours[n % len(ours)])]


def uml_command(processor, init, memory_mb, out):
    """A User-mode Linux whose root is this machine's, read-only; console on
    stdin and stdout.  seccomp: Debian 12's knows no such thing."""
    return [*one_processor(processor), UML, "mem=%dM" % memory_mb,
            "rootfstype=hostfs", "rootflags=/", "ro",
            "init=" + os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                   init),
            "con=null", "con0=fd:0,fd:1", "quiet", "seccomp=auto",
            "uml_dir=" + out, "umid=uml", "LAB_OUT=" + out,
            "LAB_MODULES=" + MODULES]


def _boot_uml(out, test, seconds, preexec=None, env=()):
    cmd = [*uml_command(os.getpid(), "uml-init", 2048, out),
           "LAB_TEST=" + test, "BUILDDIR=" + tap.BUILDDIR,
           "SRCDIR=" + tap.SRCDIR, "LAB_LOWERED=%d" % LOWERED, *env]
    p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         start_new_session=True, preexec_fn=preexec)
    try:
        console, _ = p.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        tap.diag("User-mode Linux took longer than %d s" % seconds)
        console = b""
    try:
        os.killpg(p.pid, 9)             # what a panic leaves behind
    except ProcessLookupError:
        pass
    if p.returncode is None:
        console, _ = p.communicate()
    return console.decode(errors="replace")


def _slurp(path):
    try:
        with open(path) as f:
            return f.read()
    except FileNotFoundError:
        return ""


def run_in_uml(test, why, seconds=300):
    """Run the test file again inside User-mode Linux, with LAB_INSIDE set and
    the host's files read-only below it, and print what it prints there."""
    if not os.path.exists(UML) or not os.path.isdir(MODULES):
        tap.skip_all(why + ", and no User-mode Linux (package user-mode-linux)")
    require_tools("modprobe")
    out = workdir()
    console = _boot_uml(out, test, seconds)
    if "set fp regs failed" in console:
        console = _boot_uml(out, test, seconds, _hide_xstate, _SSE_ONLY)
    report = _slurp(out + "/tap")
    tap.diag(*_slurp(out + "/err").splitlines()[-20:])
    if "1.." not in report:
        tap.diag(*console.splitlines()[-15:], *HINT.splitlines())
    sys.stdout.write(report)
    sys.stdout.flush()
    sys.exit(0 if "1.." in report and "\nnot ok" not in "\n" + report else 1)


def require_thin_pools(test):
    """Here, or the test goes on in User-mode Linux."""
    subprocess.run(["modprobe", "-q", "dm-thin-pool"],
                   stderr=subprocess.DEVNULL)
    if "thin-pool" in sh("dmsetup", "targets", check=False):
        return
    if os.environ.get("LAB_INSIDE"):
        tap.skip_all("no thin pools in User-mode Linux either")
    run_in_uml(test, "no device-mapper thin pools in this kernel", 300)


class Reply:
    def __init__(self, lines):
        self.ok = False
        self.err_class = 0
        self.text = ""
        self.values = []            # (record, key, value)
        for line in lines:
            f = line.split(" ", 2)
            if line == "ok":
                self.ok = True
            elif f[0] == "fail":
                self.err_class = int(f[1])
                self.text = f[2]
            elif f[0].startswith("="):
                self.values.append((int(f[0][1:]), f[1],
                                    f[2].replace("\\n", "\n")))

    def get(self, key, record=0):
        for r, k, v in self.values:
            if r == record and k == key:
                return v
        return None

    def all(self, key):
        return [v for r, k, v in self.values if k == key]

    def __repr__(self):
        return "ok" if self.ok else "fail %d %s" % (self.err_class, self.text)


def words(verb, **kw):
    w = [verb]
    for k, v in kw.items():
        for x in v if isinstance(v, (list, tuple)) else [v]:
            w.append("%s=%s" % (k, x))
    return w


class Driver:
    """Options of the plug-in, kept for every call."""

    def __init__(self, d, **options):
        self.dir = d
        self.fstab = os.path.join(d, "fstab")
        self.options = {"lock_dir": d + "/run", "state_dir": d + "/state",
                        "fstab": self.fstab, **options}
        self.mounts = d + "/mounts"

    def argv(self, commands, parallel=False):
        a = [DRIVER, PLUGIN] + (["-p"] if parallel else [])
        a += ["-l"] if LOWERED else []
        for k, v in self.options.items():
            a += ["-o", "%s=%s" % (k, v)]
        for i, c in enumerate(commands):
            a += (["--"] if i else []) + c
        return a

    def start(self, verb, **kw):
        return subprocess.Popen(self.argv([words(verb, **kw)]),
                                stdout=subprocess.PIPE, text=True)

    def many(self, commands, parallel=False):
        r = subprocess.run(self.argv(commands, parallel), text=True,
                           stdout=subprocess.PIPE)
        lines = [[] for _ in commands]
        for line in r.stdout.splitlines():
            n, _, rest = line.partition(" ")
            if n.isdigit():
                lines[int(n)].append(rest)
            else:
                tap.diag(line)
        if r.returncode not in (0, 1):
            tap.diag("the driver ended with %d" % r.returncode)
        return [Reply(x) for x in lines]

    def call(self, verb, **kw):
        return self.many([words(verb, **kw)])[0]

    def bricks(self, verb, dev, *bricks, **kw):
        return self.call(verb, brick=bricks, mounts=self.mounts, **dev, **kw)

    def mount_of(self, dev, brick_id):
        return "%s/vg_%s/brick_%s" % (self.mounts, dev["id"], brick_id)

    def fstab_text(self):
        try:
            with open(self.fstab) as f:
                return f.read()
        except FileNotFoundError:
            return ""


def ident(n):
    return "%032x" % (0xabc0000 + n)
