#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Logging in to an API server: the service account of a pod, with a token that is
rotated; kubeconfigs with tokens and client certificates; whom TLS trusts."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap, kubeapi
import base64
import json
import shutil
import socket

kubeapi.require()
d = kubeapi.workdir()
ca, other = kubeapi.Ca(d), kubeapi.Ca(d, "other")
server = ca.issue("server", "/CN=kube", "IP:127.0.0.1,IP:::1,DNS:kubernetes.default.svc")
api = kubeapi.Api(d, tls=server, client_ca=ca.cert, tokens=("token",))
api.pods = [kubeapi.pod("a", labels={"glusterfs-node": "n1"}),
            kubeapi.pod("z", namespace="default", labels={"glusterfs-node": "n1"})]


def data(path):
    with open(path, "rb") as f:
        return base64.b64encode(f.read()).decode()


def write(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)
    return path


def config(name, cluster=None, **words):
    return api.kubeconfig(d + "/" + name, cluster={"certificate-authority": ca.cert, **(cluster or {})}, **words)


def driver(kubeconfig, env=None, **options):
    env = {"KUBERNETES_SERVICE_HOST": "", "KUBECONFIG": "", "http_proxy": "http://127.0.0.1:1",
           "https_proxy": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1", **(env or {})}
    if kubeconfig:
        options["kubeconfig"] = kubeconfig
    return kubeapi.Driver(d, env=env, **options)


def runs(name, kubeconfig, **words):
    with driver(kubeconfig, **words) as drv:
        r = drv.run("echo here", host="n1")
        tap.is_(r.get("stdout"), "here\n", name) or tap.diag(r, drv.log())


def fails(name, err_class, *parts, kubeconfig=None, **words):
    with driver(kubeconfig, **words) as drv:
        r = drv.run("echo never", host="n1")
        tap.ok(r.err_class == err_class and all(p in r.text for p in parts), name) or tap.diag(r, drv.log())


def opens_not(name, *parts, kubeconfig=None, **words):
    drv = driver(kubeconfig, **words)
    said = drv.open_failure()
    tap.ok(all(p in said for p in parts), name) or tap.diag(said)


# ---- kubeconfig
runs("a token, and the CA in a file", config("token"))
runs("the CA as data", config("cadata", {"certificate-authority": None, "certificate-authority-data": data(ca.cert)}))
cert, key = ca.issue("client", "/O=storage/CN=brickyard")
runs("a client certificate in files", config("cert", user={"client-certificate": cert, "client-key": key}))
runs("as data", config("certdata", user={"client-certificate-data": data(cert), "client-key-data": data(key)}))
runs("files relative to the kubeconfig", config("relative", {"certificate-authority": "ca.crt"},
                                                user={"client-certificate": "client.crt", "client-key": "client.key"}))
write(d + "/tokenfile", "token\n")
runs("a token in a file", config("file", user={"tokenFile": "tokenfile"}))
shutil.copy(config("context"), d + "/two")
with open(d + "/two") as f:
    two = json.load(f)
two["current-context"] = "nowhere"
write(d + "/two", json.dumps(two))
runs("a context by name", d + "/two", context="here")
write(d + "/yaml", """# as kubectl writes it
apiVersion: v1
kind: Config
current-context: "here"
clusters:
- cluster:
    certificate-authority: %s
    server: %s/
  name: c
contexts:
- context: {cluster: c, user: u, namespace: glusterfs}
  name: here
users:
- name: u
  user:
    token: >-
      token
""" % (ca.cert, api.url))
runs("YAML", d + "/yaml")
runs("named by $KUBECONFIG", None, env={"KUBECONFIG": d + "/yaml"})
runs("a server behind a path", config("path", {"server": api.url + "/base"}))
tap.ok(all(r.startswith("/base/api/v1/") for r in api.requests[-2:]), "is asked below it") or tap.diag(api.requests[-2:])

# ---- whom to trust
runs("tls-server-name", config("name", {"tls-server-name": "kubernetes.default.svc"}))
fails("a certificate for another name", kubeapi.PERMANENT, "certificate is not trusted", api.url,
      kubeconfig=config("wrongname", {"tls-server-name": "elsewhere.example"}))
fails("one of another CA", kubeapi.PERMANENT, "certificate is not trusted", "wrongca",
      kubeconfig=config("wrongca", {"certificate-authority": other.cert}))
runs("unless it is not to be checked", config("insecure", {"certificate-authority": None,
                                                           "insecure-skip-tls-verify": True}))
both = write(d + "/both.crt", open(other.cert).read() + open(ca.cert).read())
runs("a bundle of several CAs", config("bundle", {"certificate-authority": both}))
if socket.has_ipv6:
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        has6 = True
    except OSError:
        has6 = False
else:
    has6 = False


class Api6(kubeapi.Api):
    url = property(lambda self: "https://[::1]:%d" % self.port)


if has6:
    kubeapi.Server.address_family = socket.AF_INET6
    api6 = Api6(d, tls=server, address="::1")
    kubeapi.Server.address_family = socket.AF_INET
    api6.pods = api.pods
    runs("an IPv6 address", api6.kubeconfig(d + "/six", cluster={"certificate-authority": ca.cert}))
    bad = ca.issue("bad", "/CN=bad", "IP:::2")
    api7 = Api6.__new__(Api6)
    kubeapi.Server.address_family = socket.AF_INET6
    api7.__init__(d, tls=bad, address="::1")
    kubeapi.Server.address_family = socket.AF_INET
    fails("whose certificate has another one", kubeapi.PERMANENT, "not trusted",
          kubeconfig=api7.kubeconfig(d + "/seven", cluster={"certificate-authority": ca.cert}))
else:
    tap.skip("an IPv6 address", "there is no IPv6 here")

# ---- who we are
fails("a token that it does not know", kubeapi.PERMANENT, "does not accept the credentials", "wrongtoken",
      kubeconfig=config("wrongtoken", token="old"))
stranger = other.issue("stranger", "/CN=stranger")
fails("a client certificate of a stranger's CA", kubeapi.UNREACHABLE,
      kubeconfig=config("stranger", user={"client-certificate": stranger[0], "client-key": stranger[1]}))
path = config("rotating", token="token")
with driver(path) as drv:
    tap.ok(drv.run("true", host="n1").ok, "a kubeconfig")
    api.tokens.clear()
    api.tokens.add("new")
    tap.is_(drv.run("true", host="n1").err_class, kubeapi.PERMANENT, "whose token expires")
    config("rotating", token="new")
    tap.ok(drv.run("true", host="n1").ok, "is read again when it has changed")
    write(path, "{ half a fi")
    tap.ok(drv.run("true", host="n1").ok, "but not given up for one that can't be read")
    tap.has(drv.log(), "what was read before is still used", "which is told")
    path = config("rotating", token="new", user={"client-certificate": cert, "client-key": key})
    tap.ok(all(drv.wait(r).ok for r in [drv.start("sleep 0.1", host="n1") for _ in range(12)]),
           "and again, with another TLS identity")
api.tokens.add("token")

# ---- what is wrong with it
opens_not("no API server at all: where it was looked for", "KUBERNETES_SERVICE_HOST", "KUBECONFIG")
opens_not("a file that is not there", d + "/missing: can't be read", kubeconfig=d + "/missing")
opens_not("no YAML: where", "line 3", kubeconfig=write(d + "/bad", "a: b\nc: [\n"))
opens_not("no such context", "there is no context 'x'", kubeconfig=d + "/yaml", context="x")
opens_not("a plug-in for credentials: what to do", "logs in by 'exec'", "token",
          kubeconfig=config("plugin", user={"exec": {"command": "aws"}}))
opens_not("a certificate without its key", "needs its key",
          kubeconfig=config("nokey", user={"client-certificate": cert}))
opens_not("a key that is another's", "key of the client certificate",
          kubeconfig=config("otherkey", user={"client-certificate": cert, "client-key": stranger[1]}))
opens_not("data that is not base64", "certificate-authority-data is not base64",
          kubeconfig=config("base64", {"certificate-authority-data": "%%%"}))
opens_not("a CA that is none", "CA's certificate can't be used",
          kubeconfig=config("noca", {"certificate-authority": d + "/tokenfile"}))
opens_not("a server that is no URL", "is not a URL", kubeconfig=config("nourl", {"server": "ftp://x"}))
for option, value in ("max_connections", "many"), ("namespace", "a/b"), ("container", "A"), ("search_path", "bin"), \
        ("execs_per_node", "0"):
    opens_not("option %s: %s" % (option, value), "option " + option, kubeconfig=d + "/yaml", **{option: value})

# ---- the service account of a pod
account = d + "/account"
os.mkdir(account)
shutil.copy(ca.cert, account + "/ca.crt")
write(account + "/token", "token")
write(account + "/namespace", "glusterfs")
env = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.port)}
runs("in a pod, its service account", None, env=env, service_account_dir=account)
runs("goes before $KUBECONFIG", None, env={**env, "KUBECONFIG": d + "/missing"}, service_account_dir=account)
runs("but not before the option", d + "/yaml", env={**env, "KUBERNETES_SERVICE_PORT": "1"}, service_account_dir=account)
write(account + "/namespace", "")
with driver(None, env=env, service_account_dir=account) as drv:
    drv.run("true", host="n1")
    tap.has(api.requests[-1], "/namespaces/default/pods/z/exec", "an empty namespace file means 'default'")
os.unlink(account + "/namespace")
opens_not("none: heketi's words", "Namespace must be provided in configuration", env=env, service_account_dir=account)
runs("unless it is configured", None, env=env, service_account_dir=account, namespace="glusterfs")
with driver(None, env=env, service_account_dir=account, namespace="glusterfs", pod_cache_s=0) as drv:
    for token in "second", "third":
        tap.ok(drv.run("true", host="n1").ok, "a token")
        api.tokens.clear()
        api.tokens.add(token)
        write(account + "/token", token + "\n")
        r = drv.run("true", host="n1")
        tap.ok(r.ok, "that is rotated is read anew") or tap.diag(r)
    shutil.copy(other.cert, account + "/ca.crt")
    tap.is_(drv.run("true", host="n1").err_class, kubeapi.PERMANENT, "so is the CA's certificate")
    shutil.copy(ca.cert, account + "/ca.crt")
    tap.ok(drv.run("true", host="n1").ok, "when it has changed")
    os.unlink(account + "/token")
    r = drv.run("true", host="n1")
    tap.ok(r.err_class == kubeapi.TRANSIENT and account + "/token" in r.text, "a token that can't be read: which")
tap.done()
