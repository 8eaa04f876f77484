#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTPS: what clients see, and a certificate that is changed under load."""
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import warnings

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib"))
import tap
from daemon import Daemon
from etcd import wait_for

work = tempfile.mkdtemp(prefix="tls-")
CERT, KEY = os.path.join(work, "cert.pem"), os.path.join(work, "key.pem")


def make(name, cert, key, *more):
    """A certificate of its own for localhost."""
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", "ec",
                    "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2",
                    "-subj", "/CN=" + name, "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", cert, *more], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def install(name, cert=True, key=True):
    for wanted, kind, to in ((cert, "cert", CERT), (key, "key", KEY)):
        if wanted:
            shutil.copy(os.path.join(work, "%s-%s.pem" % (name, kind)),
                        to + ".new")
            os.rename(to + ".new", to)


for name in ("first", "second"):
    make(name, os.path.join(work, name + "-cert.pem"),
         os.path.join(work, name + "-key.pem"))
install("first")


class Secure(Daemon):
    def connect(self, timeout=60, name=None, **versions):
        context = ssl.create_default_context(cafile=self.trust)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")     # of old versions
            for key, value in versions.items():
                setattr(context, key, value)
        # Whatever is refused is refused by the server.
        context.set_ciphers("ALL:@SECLEVEL=0")
        return http.client.HTTPSConnection("localhost", self.port,
                                           timeout=timeout, context=context)

    @property
    def trust(self):
        both = os.path.join(work, "trust.pem")
        if not os.path.exists(both):
            with open(both, "w") as f:
                for n in ("first", "second"):
                    f.write(open(os.path.join(work, n + "-cert.pem")).read())
        return both


def subject(d):
    c = d.connect()
    c.connect()
    names = dict(x[0] for x in c.sock.getpeercert()["subject"])
    c.close()
    return names["commonName"]


def refused(d, **versions):
    try:
        d.connect(**versions).request("GET", "/hello")
        return False
    except (ssl.SSLError, ConnectionError):
        return True


def clients(d):
    tap.is_(d.request("GET", "/hello")[::2], (200, b"Hello from Heketi"),
            "http.client gets an answer over HTTPS")
    r = subprocess.run(["curl", "-sS", "--cacert", d.trust, "-w",
                        " %{http_code} %{http_version}",
                        "https://localhost:%d/hello" % d.port],
                       capture_output=True, text=True)
    tap.is_((r.returncode, r.stdout), (0, "Hello from Heketi 200 1.1"),
            "so does curl")
    c = d.cluster()
    n = d.node(c, "n0")
    tap.is_(d.json("GET", "/nodes/" + n)["cluster"], c,
            "operations run, polls are held")
    body = b"x" * 200000
    tap.is_(d.request("POST", "/clusters", body)[0], 422,
            "a long body is read to its end")
    with socket.create_connection(("127.0.0.1", d.port), timeout=20) as s:
        s.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            got = s.recv(4096)
        except ConnectionError:
            got = b""
    tap.ok(b"Hello" not in got, "plain HTTP gets no answer on that port")
    tap.ok(refused(d, maximum_version=ssl.TLSVersion.TLSv1_1,
                   minimum_version=ssl.TLSVersion.TLSv1),
           "TLS 1.1 is refused")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        tap.ok(not refused(d, minimum_version=version,
                           maximum_version=version), "%s is spoken" %
               version.name)


def reload_under_load(d):
    stop, failed, done = threading.Event(), [], [0] * 6

    def load(i):
        kept = d.connect()
        while not stop.is_set():
            try:
                # One connection that is kept, and a new one each time.
                for c in (kept, d.connect()):
                    c.request("GET", "/clusters", headers={
                        "Authorization": "bearer " + d.token(
                            "GET", "/clusters")})
                    r = c.getresponse()
                    r.read()
                    if r.status != 200:
                        failed.append(r.status)
                    done[i] += 1
                    if c is not kept:
                        c.close()
            except Exception as e:
                failed.append(repr(e))
                return
        kept.close()

    threads = [threading.Thread(target=load, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    names = []
    for i in range(20):
        name = ("second", "first")[i % 2]
        install(name)
        d.process.send_signal(signal.SIGHUP)
        names.append(wait_for(lambda: subject(d) == name, 20) and name)
    stop.set()
    for t in threads:
        t.join()
    tap.is_(names, ["second", "first"] * 10,
            "new connections get the new certificate, 20 times")
    tap.is_(failed, [], "no request fails meanwhile")
    tap.ok(min(done) > 0, "there was load (%d requests)" % sum(done))


def bad_files(d):
    kept = d.connect()
    kept.request("GET", "/hello")
    kept.getresponse().read()
    install("second", key=False)
    d.process.send_signal(signal.SIGHUP)
    tap.ok(wait_for(lambda: "is not the key of the first certificate" in
                    d.log(), 20), "a key that does not fit is told in the log")
    tap.is_(subject(d), "first", "the old certificate stays")
    with open(CERT, "w") as f:
        f.write("nonsense\n")
    d.process.send_signal(signal.SIGHUP)
    tap.ok(wait_for(lambda: "holds no certificate in PEM" in d.log(), 20),
           "so is a file that is none")
    os.unlink(CERT)
    d.process.send_signal(signal.SIGHUP)
    tap.ok(wait_for(lambda: "can't be read" in d.log(), 20),
           "and one that is not there")
    tap.is_(subject(d), "first", "it still stays")
    install("second")
    d.process.send_signal(signal.SIGHUP)
    tap.ok(wait_for(lambda: subject(d) == "second", 20),
           "a good one is taken again")
    kept.request("GET", "/hello")
    tap.is_(kept.getresponse().status, 200, "an old connection goes on")
    kept.close()


def will_not_start(why, text, **config):
    try:
        d = Secure(config=dict({"enable_tls": True, "cert_file": CERT,
                                "key_file": KEY}, **config))
        d.stop()
        tap.ok(False, why)
    except RuntimeError as e:
        tap.ok(text in str(e), why)


d = Secure(config={"enable_tls": True, "cert_file": CERT, "key_file": KEY},
           auth=True)
try:
    clients(d)
    reload_under_load(d)
    bad_files(d)
finally:
    d.stop()
will_not_start("a key of another certificate: it does not start",
               "is not the key of the first certificate",
               key_file=os.path.join(work, "first-key.pem"))
will_not_start("no such file: it does not start", "can't be read",
               cert_file=os.path.join(work, "nowhere.pem"))
will_not_start("no certificate given: it does not start",
               "'enable_tls' needs 'cert_file' and 'key_file'", cert_file="")
plain = Daemon()
plain.process.send_signal(signal.SIGHUP)
tap.ok(wait_for(lambda: "TLS is not enabled" in plain.log(), 20),
       "SIGHUP without TLS changes nothing")
tap.is_(plain.request("GET", "/hello")[0], 200, "and ends nothing")
plain.stop()
shutil.rmtree(work)
tap.done()
