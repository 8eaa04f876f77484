# SPDX-License-Identifier: GPL-2.0-or-later
"""A network for a test alone: hosts in network namespaces of their own, all on a
bridge in one more, in which the test itself is from then on.

    net = Network.enter()           # before anything else makes a thread
    a, b = net.host(), net.host()
    subprocess.Popen(a.command(["etcd", ...]))      # listens on a.address
    net.lose(a, b)                  # what a sends to b gets lost
    net.pass_on(a, b)

The namespaces have no names: descriptors of this process hold them, and with it
and its children they are gone, however the test ended.  So nothing is to be
swept, and two tests at the same time, with the same addresses, never meet.

Packets are lost where they arrive: a rule of routing comes before the table of
local addresses, and says "blackhole" for one sender.  Nobody is told, so
whoever waits for an answer goes on waiting.  Neighbours are known to each
other from the start, since a sender that gets no answer to its ARP request
would be told.
"""
import ctypes
import os
import subprocess
import threading

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
NET, PREFIX = "198.18.%d.%d", 15
MAX_HOSTS = 250
# What a network is made of; the last word of a machine that can't.
PROBE = """
ip link set lo up &&
ip link add br0 type bridge &&
ip link add v0 type veth peer name v1 &&
ip rule add pref 10 from 198.18.0.2 blackhole
"""


def missing():
    """Why there can be no network of our own here, or None."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        r = subprocess.run(["unshare", "--net", "sh", "-c", PROBE],
                           stdin=subprocess.DEVNULL, capture_output=True,
                           text=True)
    except FileNotFoundError:
        return "no unshare here (package util-linux)"
    if r.returncode != 0:
        return "no network namespaces here: %s" % (
            r.stderr.strip().splitlines() or ["exit %d" % r.returncode])[-1]
    return None


def unshare():
    """The calling thread, and those it makes from now on."""
    if LIBC.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def new_namespace():
    """A descriptor of it."""
    got = []

    def make():
        unshare()
        got.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
    t = threading.Thread(target=make)
    t.start()
    t.join()
    return got[0]


class Host:
    def __init__(self, number, fd=None):
        self.number = number
        self.fd = fd            # None: where the test itself is
        self.address = NET % (number >> 8, number & 255)
        self.mac = "02:00:00:00:%02x:%02x" % (number >> 8, number & 255)

    @property
    def path(self):
        return "/proc/%d/fd/%d" % (os.getpid(), self.fd)

    def command(self, args):
        """What runs args there; with the same process id, for nsenter(1)
        executes it."""
        if self.fd is None:
            return list(args)
        return ["nsenter", "--net=" + self.path] + list(args)

    def ip(self, *lines):
        r = subprocess.run(self.command(["ip", "-batch", "-"]),
                           input="\n".join(lines) + "\n", text=True,
                           capture_output=True)
        if r.returncode != 0:
            raise RuntimeError("ip on %s: %s%s" % (self.address, r.stdout,
                                                   r.stderr))


class Network:
    entered = None

    @classmethod
    def enter(cls):
        """The network of this test; moves the test there."""
        if cls.entered is None:
            if threading.active_count() > 1:
                raise RuntimeError("some threads would stay behind")
            unshare()
            cls.entered = cls()
        return cls.entered

    def __init__(self):
        self.lock = threading.Lock()    # guards what follows
        self.rules = set()              # (host, words)
        self.hosts = []
        self.last = 1
        self.here = Host(1)
        self.here.ip("link set lo up", "link add br0 address %s type bridge"
                     % self.here.mac, "link set br0 up",
                     "addr add %s/%d dev br0" % (self.here.address, PREFIX))
        self._begin_rules(self.here)
        self.hosts.append(self.here)

    @staticmethod
    def _begin_rules(host):
        host.ip("rule add pref 100 lookup local", "rule del pref 0")

    def host(self):
        with self.lock:
            if self.last == MAX_HOSTS:
                raise RuntimeError("more than %d hosts" % MAX_HOSTS)
            self.last += 1
            new = Host(self.last, new_namespace())
            # The other end goes with the namespace.
            self.here.ip("link add v%d type veth peer name eth0 address %s "
                         "netns %s" % (new.number, new.mac, new.path),
                         "link set v%d master br0 up" % new.number)
            new.ip("link set lo up",
                   "addr add %s/%d dev eth0" % (new.address, PREFIX),
                   "link set eth0 up", *map(self._neighbour, self.hosts))
            self._begin_rules(new)
            for h in self.hosts:
                h.ip(self._neighbour(new, "br0" if h is self.here else "eth0"))
            self.hosts.append(new)
        return new

    @staticmethod
    def _neighbour(host, device="eth0"):
        return "neigh replace %s lladdr %s dev %s nud permanent" % (
            host.address, host.mac, device)

    def end(self, hosts):
        """Nothing may run there any more."""
        with self.lock:
            for h in hosts:
                self.hosts.remove(h)
                self.rules = {r for r in self.rules if r[0] is not h}
                os.close(h.fd)

    # ---- what happens to packets ----

    def _set(self, wanted, host, words):
        with self.lock:
            if wanted == ((host, words) in self.rules):
                return
            host.ip("rule %s pref 10 %s" % ("add" if wanted else "del", words))
            if wanted:
                self.rules.add((host, words))
            else:
                self.rules.remove((host, words))

    def lose(self, sender, receiver):
        """From now on, silently."""
        self._set(True, receiver, "from %s blackhole" % sender.address)

    def refuse(self, sender, receiver):
        """The sender is told at once that there is no way."""
        self._set(True, sender, "to %s unreachable" % receiver.address)

    def pass_on(self, sender, receiver):
        self._set(False, receiver, "from %s blackhole" % sender.address)
        self._set(False, sender, "to %s unreachable" % receiver.address)

    def between(self, these, those, what):
        """what: lose, refuse or pass_on; both ways, nobody and himself."""
        for a in these:
            for b in those:
                if a is not b:
                    what(a, b)
                    what(b, a)

    def heal(self):
        for host, words in list(self.rules):
            self._set(False, host, words)
