#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The configuration as an operator meets it: heketi's own file, what
--check-config explains, how mistakes are told, and exit statuses.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import shutil
import signal
import subprocess
import tempfile

from daemon import Daemon

work = tempfile.mkdtemp(prefix="config-")
FILE = os.path.join(work, "heketi.json")

# Of the shape of the one that comes with heketi, with its comments and its
# strings for numbers.
HEKETI = """{
  "_port_comment": "where it serves",
  "port": "8080",

  "_enable_tls_comment": "HTTPS or not",
  "enable_tls": false,
  "cert_file": "",
  "key_file": "",

  "use_auth": false,
  "jwt": {
    "_admin": "whoever has this may do everything",
    "admin": {
      "key": "My Secret"
    },
    "user": {
      "key": "My Secret"
    }
  },

  "backup_db_to_kube_secret": false,
  "profiling": false,

  "_glusterfs_comment": "all about volumes",
  "glusterfs": {
    "executor": "mock",
    "_sshexec_comment": "how nodes are reached",
    "sshexec": {
      "keyfile": "/etc/heketi/id_rsa",
      "user": "storage",
      "port": "any port, 22 by default",
      "fstab": "/etc/fstab",
      "xfs_sw": "16", "xfs_su": "128",
      "gluster_cli_timeout": "900"
    },
    "kubeexec": {
      "host" :"https://kube.example.com:8443",
      "insecure": false,
      "namespace": "gluster",
      "fstab": "/etc/fstab"
    },
    "db": "/var/lib/heketi/heketi.db",
    "refresh_time_monitor_gluster_nodes": 120,
    "start_time_monitor_gluster_nodes": 10,
    "loglevel" : "debug",
    "auto_create_block_hosting_volume": true,
    "block_hosting_volume_size": 500,
    "block_hosting_volume_options": "group gluster-block",
    "pre_request_volume_options": "",
    "post_request_volume_options": ""
  }
}
"""


def run(*args, text=None, env=None, seconds=30):
    if text is not None:
        with open(FILE, "w") as f:
            f.write(text)
    clean = {k: v for k, v in os.environ.items()
             if not k.startswith(("BRICKYARD_", "HEKETI_", "SSH_"))}
    clean["BRICKYARD_PLUGIN_PATH"] = tap.BUILDDIR
    clean.update(env or {})
    r = subprocess.run([os.path.join(tap.BUILDDIR, "brickyardd"), *args],
                       capture_output=True, text=True, env=clean, cwd=work,
                       timeout=seconds)
    return r.returncode, r.stdout, r.stderr


def check(text, env=None, *more):
    return run("--config", FILE, "--check-config", *more, text=text, env=env)


# ---- heketi's own file ----

sound = HEKETI.replace('"any port, 22 by default"', '"22"')
code, out, err = check(sound)
tap.is_((code, err), (0, ""), "heketi's own file is sound")
lines = out.splitlines()
for want in ('port = 8080    (file %s:3)' % FILE,
             'jwt.admin.key = ***    (file %s:14)' % FILE,
             'glusterfs.sshexec.xfs_su = 128    (file %s:33, given as a string)'
             % FILE,
             'glusterfs.kubeexec.fstab = /etc/fstab    (file %s:40)' % FILE,
             'glusterfs.kubeexec.sudo = false    (default)',
             '# state: sqlite:/var/lib/heketi/heketi.db',
             '# serving on: :8080, asking for tokens',
             '# nodes are reached by: simulated'):
    tap.ok(want in lines, want) or tap.diag(out)
tap.ok("My Secret" not in out, "secrets are not shown")
tap.is_([x for x in lines if x.startswith("# warning")],
        ["# warning: file %s:%d: 'glusterfs.kubeexec.%s' has no effect, nor had "
         "it in heketi: the pod's service account counts" % (FILE, n, k)
         for n, k in ((37, "host"), (38, "insecure"))],
        "comments are none to warn of, what was always dead is")
code, out, err = check(HEKETI)
tap.is_((code, err), (1, "ERROR: file %s:31: 'glusterfs.sshexec.port' is "
                      "'any port, 22 by default', not a port "
                      "number\n" % FILE), "a port that is none is told")
code, out, err = check(sound, {"HEKETI_HTTP_PORT": "99", "HEKETI_EXECUTOR":
                               "inject/mock"}, "--listen", "127.0.0.1:7",
                       "--disable-auth")
tap.has(out, "port = 99    (environment HEKETI_HTTP_PORT)\n",
        "the environment goes before the file")
tap.has(out, "\nlisten = 127.0.0.1:7    (command line)\n",
        "the command line before both")
tap.has(out, "# serving on: 127.0.0.1:7, without asking for tokens\n# nodes are "
        "reached by: simulated\n", "what it comes to")

# ---- mistakes ----

for text, why in (
        (sound.replace('"port": "8080"', '"port": true'),
         "Unable to parse configuration: file %s:3: 'port' must be a string"
         % FILE),
        (sound.replace('"port": "8080"', '"port": 80.5'),
         "Unable to parse configuration: file %s:3: 'port' must be a string"
         % FILE),
        (sound.replace('"executor": "mock"', '"executor": 1.5'),
         "'glusterfs.executor' must be a string"),
        (sound.replace("120", '"soon"'),
         "Unable to parse configuration: file %s:43: "
         "'glusterfs.refresh_time_monitor_gluster_nodes' must be a whole "
         "number" % FILE),
        (sound.replace('"use_auth": false', '"use_auth": "no"'),
         "file %s:10: 'use_auth' must be true or false" % FILE),
        (sound.replace('"admin": {\n', '"admin": "x", "unused": {\n'),
         "file %s:13: 'jwt.admin' must be an object" % FILE),
        (sound.replace('"profiling": false,', '"profiling": false'),
         "Unable to parse configuration: file '%s': line 24, " % FILE),
        ("", "Unable to parse configuration: file '%s': line 1, " % FILE),
        (sound.replace('"profiling": false', '"default_state": "off"'),
         "unable to set admin state: unknown admin state name: off")):
    code, out, err = check(text)
    tap.ok(code == 1 and err.startswith("ERROR: ") and why in err and
           out == "", why) or tap.diag(code, out, err)
code, out, err = check(sound, {"HEKETI_BLOCK_HOSTING_VOLUME_SIZE": "big"})
tap.ok(code == 0 and "# warning: environment HEKETI_BLOCK_HOSTING_VOLUME_SIZE "
       "must be a whole number, not 'big', ignoring\n" in out,
       "heketi goes on without a variable that is wrong, naming it") or \
    tap.diag(code, out, err)
code, out, err = check(sound, {"HEKETI_JWT_IAT_LEEWAY_SECONDS": "-1",
                               "HEKETI_MAX_INFLIGHT_OPERATIONS": "0"})
tap.ok(code == 0 and out.count("# warning: environment ") == 1 and
       "# warning: environment HEKETI_JWT_IAT_LEEWAY_SECONDS must be 0 to "
       "4294967295, not -1, ignoring\n" in out, "or without a number that can't be") or \
    tap.diag(code, out, err)
code, out, err = check(sound.replace('"22"', '""').replace(
    '"storage"', '""').replace('"/etc/fstab"', '""').replace(
    '"profiling": false', '"default_state": ""'))
tap.ok(code == 0 and "glusterfs.sshexec.port = 22    (default)\n" in out and
       "default_state = normal    (default)\n" in out and
       "glusterfs.kubeexec.fstab = /etc/fstab    (default)\n" in out,
       "an empty word leaves the default") or tap.diag(code, out, err)
code, out, err = check(sound.replace("nodes\": 120", "nodes\": 604800").replace(
    "nodes\": 10", "nodes\": 4294967295"))
tap.is_((code, err), (0, ""), "what is never by heketi's numbers is sound")
code, out, err = check(sound.replace('"executor"', '"excutor"'))
tap.ok(code == 0 and ("# warning: file %s:26: 'glusterfs.excutor' is not known, "
                      "ignoring; did you mean 'glusterfs.executor'?\n" % FILE)
       in out, "a slip of the pen is named, with what was meant") or \
    tap.diag(out, err)

code, out, err = run()
tap.is_((code, out, err), (1, "", "Please provide configuration file\n"),
        "without anything at all a file is asked for")
tap.is_(run("--config="), (1, "", "Please provide configuration file\n"),
        "one without a name is none")
for command in (("cleanup-operations",), ("state", "examine", "gluster"),
                ("update-dbvol", "--config=")):
    tap.is_(run("offline", *command), (1, "", "Configuration file is required\n"),
            "also by offline " + " ".join(command))
for words in (("help",), ("db",), ("offline",)):
    code, out, err = run(*words)
    tap.ok(code == 0 and out.startswith("Usage: brickyardd") and err == "",
           "brickyardd %s: help" % words)
code, out, err = run("--config", os.path.join(work, "none"))
tap.ok(code == 1 and "No such file" in err, "a file that is not there")
code, out, err = run("--config", FILE, "--listen", "127.0.0.1:0",
                     text=sound.replace('"mock"', '"carrier-pigeon"'))
tap.ok(code == 1 and "\nERROR: invalid executor: carrier-pigeon: " in err, "an executor that is none") \
    or tap.diag(code, err)
code, out, err = run("--config", FILE, "--listen", "127.0.0.1:0",
                     text=sound.replace('"key": "My Secret"', '"key": ""'))
tap.ok(code == 1 and "Missing JWT information in config file" in err,
       "keys are needed, or --disable-auth")
for args in (("--nonsense",), ("nonsense",), ("--config",),
             ("--copy-store", "sqlite:x")):
    tap.is_(run(*args)[0], 255, "%s: 255, as heketi" % " ".join(args))
for flag in ("-v", "--version"):
    code, out, err = run(flag)
    tap.ok(code == 0 and out.startswith("brickyardd "), flag)

# ---- it serves ----

d = Daemon(config={"glusterfs": {"excutor": "x"}, "default_state": "read-only"})
tap.is_(d.json("GET", "/admin"), {"state": "read-only"}, "a default state")
tap.has(d.log(), "configuration: file ", "the log names what is not known")
pid = d.process.pid
os.kill(pid, signal.SIGINT)
tap.is_(d.process.wait(30), 0, "SIGINT ends it")
d.process = None
d.stop()
shutil.rmtree(work)
tap.done()
