#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Database, log level, operations, mode and state of the server, the volume
for heketi's database, and the program under heketi-cli's name: byte for byte
what heketi-cli 10.4.1 prints of the same answers."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import base64
import json
import subprocess
import tempfile

from fakeheketi import BRICKYARD, FakeHeketi, Answer

C1, O1, O2, V1, B1 = ("%032x" % i for i in range(1, 6))
fake = FakeHeketi()
tmp = tempfile.TemporaryDirectory()
HEKETI_CLI = os.path.join(tmp.name, "heketi-cli")
os.symlink(BRICKYARD, HEKETI_CLI)


def request(i=0):
    r = fake.requests[i]
    return (r.line, r.json)


def compact(obj):
    return json.dumps(obj, separators=(",", ":"))


def body(data):
    a = Answer(200, headers={"Content-Type": "application/octet-stream"})
    a.body = data
    return a


def heketi_cli(*args):
    p = subprocess.run([HEKETI_CLI, *args], capture_output=True, text=True,
                       timeout=60, env=fake.environment())
    return p.returncode, p.stdout, p.stderr


def documents():
    fake.clear()
    text = '{\n    "x": "100%d",\n    "y":  1.0\n}\n'
    for path, words in (("/db/dump", ("db", "dump")),
                        ("/db/check", ("db", "check")),
                        ("/internal/state/examine/gluster",
                         ("server", "state", "examine", "gluster"))):
        fake.on("GET", path, body(text.encode()))
        fake.prints(words, text, "%s is the server's body" % " ".join(words))
        fake.prints((*words, "--json"), text, "with --json, too")
    fake.clear()
    fake.on("GET", "/db/dump", status=500, text="Unable to access db\n")
    fake.fails(("db", "dump"), "Unable to access db", "the server's words")


def levels_and_modes():
    fake.clear()
    level = {"loglevel": {"glusterfs": "info"}}
    fake.on("GET", "/internal/logging", json=level)
    fake.on("POST", "/internal/logging", json=level)
    fake.prints(("loglevel", "get"), "info\n", "loglevel get")
    fake.prints(("loglevel", "get", "--json"), compact(level),
                "loglevel get --json")
    fake.requests.clear()
    fake.prints(("loglevel", "set", "debug"), "Server log level updated\n",
                "loglevel set")
    tap.is_(request(), ("POST /internal/logging",
                        {"loglevel": {"glusterfs": "debug"}}), "sends it")
    fake.fails(("loglevel", "set"), "missing log-level argument",
               "loglevel set: no level")
    fake.on("GET", "/admin", json={"state": "normal"})
    fake.on("POST", "/admin", status=204)
    fake.prints(("server", "mode", "get"), "normal\n", "server mode get")
    fake.prints(("server", "mode", "get", "--json"), '{"state":"normal"}',
                "server mode get --json")
    fake.requests.clear()
    fake.prints(("server", "mode", "set", "read-only"), "",
                "server mode set says nothing")
    tap.is_(request(), ("POST /admin", {"state": "read-only"}), "sends it")
    fake.fails(("server", "mode", "set"), "missing mode argument",
               "server mode set: no mode")


PENDING = {"pendingoperations": [
    {"id": O1, "type_name": "create-volume", "status": "",
     "sub_status": "in-flight"},
    {"id": O2, "type_name": "delete-volume", "status": "stale",
     "sub_status": ""}]}
COUNTS = {"total": 2, "in_flight": 1, "stale": 1, "failed": 0, "new": 1}
COUNTS_TEXT = ("Operation Counts:\n  Total: 2\n  In-Flight: 1\n  New: 1\n"
               "  Failed: 0\n  Stale: 1\n")
NOTE = ("Note: Operation clean up is a batch operation.\n"
        "* The results of individual operation clean ups are not reported"
        " here.\n* Use '%s server operations [list|info]' to view"
        " operations.\n")


def operations():
    what = ("server", "operations")
    details = dict(PENDING["pendingoperations"][0], sub_status="", changes=[
        {"id": V1, "description": "Add volume"},
        {"id": B1, "description": "Add brick"}])
    fake.clear()
    fake.on("GET", "/operations", json=COUNTS)
    fake.on("GET", "/operations/pending", json=PENDING)
    fake.on("GET", "/operations/pending/" + O1, json=details)
    fake.later("POST", "/operations/pending/cleanup")
    fake.prints((*what, "info"), COUNTS_TEXT, "counts")
    fake.prints((*what, "info", "--json"), compact(COUNTS), "counts as JSON")
    fake.prints((*what, "list"), "Id:%s  Type:create-volume  Status:New "
                "in-flight\nId:%s  Type:delete-volume  Status:stale \n" %
                (O1, O2), "list")
    fake.prints((*what, "list", "--json"), compact(PENDING), "list as JSON")
    fake.prints((*what, "info", O1), "\nId: %s\nType: create-volume\n"
                "Status: New \nChanges:\n    Add volume: %s\n"
                "    Add brick: %s\n" % (O1, V1, B1), "one of them")
    for words, sent in (((), {}), ((O1, O2), {"operations": [O1, O2]})):
        fake.requests.clear()
        r = fake.run(*what, "cleanup", *words)
        tap.is_((r.status, r.out, r.err), (0, "", NOTE % "brickyard"),
                "cleanup explains itself on stderr")
        tap.is_(request(), ("POST /operations/pending/cleanup", sent),
                "and sends %r" % sent)


def storage():
    what = "setup-openshift-heketi-storage"
    file = os.path.join(tmp.name, "list.json")
    volume = {"size": 2, "name": "heketidbstorage", "id": V1, "mount": {
        "glusterfs": {"hosts": ["h1", "h2"]}}}
    db = bytes(range(256))

    def prepare(backup):
        fake.clear()
        fake.on("GET", "/clusters", json={"clusters": [C1]})
        fake.on("GET", "/clusters/" + C1, json={"id": C1, "volumes": [B1]})
        fake.on("GET", "/volumes/" + B1, json={"name": "other"})
        fake.later("POST", "/volumes", see="/volumes/" + V1)
        fake.on("GET", "/volumes/" + V1, json=volume)
        fake.later("DELETE", "/volumes/" + V1)
        fake.on("GET", "/backup/db", backup)

    def created():
        return next(r.json for r in fake.requests
                    if r.line == "POST /volumes")

    def expected(**spec):
        def meta(name, **more):
            return dict({"name": name, "creationTimestamp": None}, **more)
        label = {"labels": {"deploy-heketi": "support"}}
        port = [{"port": 1}]
        return {"apiVersion": "v1", "kind": "List", "items": [
            {"kind": "Secret", "apiVersion": "v1",
             "metadata": meta("heketi-storage-secret", **label),
             "data": {"heketi.db": base64.b64encode(db).decode()}},
            {"kind": "Endpoints", "apiVersion": "v1",
             "metadata": meta("heketi-storage-endpoints"), "subsets": [
                 {"addresses": [{"ip": h}], "ports": port}
                 for h in ("h1", "h2")]},
            {"kind": "Service", "apiVersion": "v1",
             "metadata": meta("heketi-storage-endpoints"),
             "spec": {"ports": [{"port": 1, "targetPort": 0}]},
             "status": {"loadBalancer": {}}},
            {"kind": "Job", "apiVersion": "batch/v1",
             "metadata": meta("heketi-storage-copy-job", **label),
             "spec": {"parallelism": 1, "completions": 1, "template": {
                 "metadata": meta("heketi-storage-copy-job"),
                 "spec": dict({
                     "volumes": [
                         {"name": "heketi-storage", "glusterfs": {
                             "endpoints": "heketi-storage-endpoints",
                             "path": "heketidbstorage"}},
                         {"name": "heketi-storage-secret", "secret": {
                             "secretName": "heketi-storage-secret"}}],
                     "containers": [
                         {"name": "heketi", "image": "a<b",
                          "command": ["cp", "/db/heketi.db", "/heketi"],
                          "resources": {}, "volumeMounts": [
                              {"name": "heketi-storage",
                               "mountPath": "/heketi"},
                              {"name": "heketi-storage-secret",
                               "mountPath": "/db"}]}],
                     "restartPolicy": "Never"}, **spec)}}, "status": {}}]}

    for words, spec in (((), {}),
                        (("--node-selector=a=b",),
                         {"nodeSelector": {"a": "b"}}),
                        (("--node-selector=a=b=c",), {})):
        prepare(body(db))
        fake.prints((what, "--listfile=" + file, "--image=a<b", *words),
                    "Saving %s\n" % file, "storage is set up")
        with open(file, encoding="utf-8") as f:
            tap.is_(f.read(), json.dumps(expected(**spec), indent=2)
                    .replace("<", "\\u003c"), "the list, %r" % (words,))
    tap.is_(os.stat(file).st_mode & 0o777, 0o600, "is its owner's only")
    tap.is_(created(), {
        "size": 2, "name": "heketidbstorage", "durability": {
            "type": "replicate", "replicate": {"replica": 3}, "disperse": {}},
        "glustervolumeoptions": [
            "performance.stat-prefetch off", "performance.write-behind off",
            "performance.open-behind off", "performance.quick-read off",
            "performance.strict-o-direct on", "performance.read-ahead off",
            "performance.io-cache off", "performance.readdir-ahead off",
            "user.heketi.dbstoragelevel 1"],
        "snapshot": {"enable": False, "factor": 0}}, "the volume")
    fake.requests.clear()
    fake.run("setup-heketi-db-storage", "--listfile=" + file,
             "--durability=none", "--gluster-volume-options=a b,c d",
             "--append-volume-options=e f")
    tap.is_((created()["durability"], created()["glustervolumeoptions"]),
            ({"type": "none", "replicate": {}, "disperse": {}},
             ["a b", "c d", "user.heketi.dbstoragelevel custom", "e f"]),
            "the volume, by another name and with other options")
    for type_, text in (("disperse", "Durability disperse is not supported"
                         " for heketi database storage"),
                        ("x", "x is not a valid durability type")):
        fake.fails(("setup-kubernetes-heketi-storage", "--durability", type_),
                   text, "durability " + type_)
    prepare(body(db))
    fake.on("GET", "/volumes/" + B1, json=volume)
    fake.run("volume", "info", B1)
    fake.fails((what,), "Volume heketidbstorage already exists",
               "a second time")
    prepare(Answer(500, text="no\n"))
    r = fake.run(what, "--listfile=" + file)
    tap.is_((r.status, r.out, r.err),
            (255, "", "Cleaning up\nError: ERROR: no\nUnable to get database"
             " from Heketi server\n"), "without a database it fails")
    tap.has(fake.lines(), "DELETE /volumes/" + V1, "and takes the volume away")
    prepare(body(db))
    r = fake.run(what, "--listfile=" + tmp.name)
    tap.is_((r.status, r.err), (255, "Cleaning up\nError: open %s: Is a"
                                " directory\n" % tmp.name),
            "where it can't write, too")


def by_the_name_of_heketi_cli():
    version = subprocess.run([BRICKYARD, "-v"], capture_output=True,
                             text=True).stdout.split()[1]
    tap.is_(heketi_cli("-v"), (0, "heketi-cli %s\n" % version, ""),
            "heketi-cli -v")
    tap.is_(heketi_cli("foo"), (
        255, "", "Error: unknown command \"foo\" for \"heketi-cli\"\n"
        "Run 'heketi-cli --help' for usage.\n"), "heketi-cli foo")
    for words in (("volume",), ("server", "operations"), ("volume", "endpoint")):
        for more in ((), ("foo",), ("foo", "bar"), ("--", "foo"), ("lsit",)):
            status, out, err = heketi_cli(*words, *more)
            tap.is_((status, err), (0, ""), "heketi-cli %s is no mistake" %
                    " ".join(words + more))
            tap.has(out, "Usage:\n  heketi-cli %s COMMAND\n" % " ".join(words),
                    "and shows help")
    tap.is_(heketi_cli("volume", "foo", "--bar"),
            (255, "", "Error: unknown flag: --bar\n"), "but a flag is one")
    for words in ((), ("--json",), ("--", "foo"), ("--help=0",), ("-h=f",)):
        status, out, err = heketi_cli(*words)
        tap.is_((status, out), (0, ""), "told nothing to do: heketi-cli %s" %
                " ".join(words))
        tap.has(err, "Usage:\n  heketi-cli [FLAGS] COMMAND\n", "it says so")
    status, out, err = heketi_cli("help", "foo", "bar")
    tap.is_((status, out, err.split("\n")[0]),
            (0, "", "Unknown help topic [`foo` `bar`]"), "help on nothing")
    for more in ("--help", "--help=1", "-h", "-h=true"):
        tap.is_(heketi_cli("volume", "list", more)[::2], (0, ""), more)
    tap.is_(heketi_cli("volume", "list", "--help=x"),
            (255, "", 'Error: invalid argument "x" for "-h, --help" flag: '
             'strconv.ParseBool: parsing "x": invalid syntax\n'),
            "help has a value, or is none")
    p = subprocess.run([BRICKYARD, "volume", "foo"], capture_output=True, text=True)
    tap.is_((p.returncode, p.stdout), (255, ""), "brickyard volume foo is one")
    tap.has(p.stderr, 'unknown command "foo" for "brickyard volume"',
            "and is told")
    tap.is_(heketi_cli("cluster", "list", "--foo"),
            (255, "", "Error: unknown flag: --foo\n"), "an unknown flag")
    tap.has(heketi_cli("help")[1], "Usage:\n  heketi-cli [FLAGS] COMMAND\n",
            "heketi-cli help")
    fake.clear()
    fake.on("GET", "/operations", json=COUNTS)
    fake.on("GET", "/admin", json={"state": "normal"})
    fake.on("GET", "/clusters", json={"clusters": []})
    tap.is_(heketi_cli("server", "operations", "info", "--json")[1],
            COUNTS_TEXT, "what heketi-cli has no JSON of stays text")
    tap.is_(heketi_cli("server", "mode", "get", "--json")[1], "normal\n",
            "the mode, too")
    tap.is_(heketi_cli("cluster", "list", "--json")[1], '{"clusters":[]}',
            "what it has JSON of is JSON")
    tap.is_(heketi_cli("cluster", "list", "more", "words"),
            (0, "Clusters:\n", ""), "more arguments than needed are nothing")
    tap.is_(heketi_cli("brick", "evict", "a", "b"),
            (255, "", "Error: Too many arguments provided\n"), "to most")
    tap.is_(heketi_cli("topology", "load", "--json=" + tmp.name),
            (255, "", "Error: Unable to parse config file\n"),
            "of a file's mistakes it says no more than heketi-cli")


documents()
levels_and_modes()
operations()
storage()
by_the_name_of_heketi_cli()
tmp.cleanup()
tap.done()
