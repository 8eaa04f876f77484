#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Completion knows every command and flag that help knows, and the scripts for
the shells bring it to the command line."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import re
import shutil
import subprocess
import tempfile

BRICKYARD = os.path.join(tap.BUILDDIR, "brickyard")
SCRIPTS = {"bash": "brickyard.bash", "zsh": "_brickyard",
           "fish": "brickyard.fish"}
tmp = tempfile.TemporaryDirectory()
bindir, work = (os.path.join(tmp.name, d) for d in ("bin", "work"))
for d in (bindir, work):
    os.mkdir(d)
env = {"PATH": bindir + ":/usr/bin:/bin", "HOME": tmp.name, "LANG": "C.UTF-8",
       "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", "")}
for name in ("brickyard", "heketi-cli"):
    os.symlink(BRICKYARD, os.path.join(bindir, name))
for name in ("one.json", "two.json"):
    open(os.path.join(work, name), "w").close()


def run(*args):
    p = subprocess.run(args, capture_output=True, text=True, env=env,
                       cwd=work, timeout=60, stdin=subprocess.DEVNULL)
    if p.returncode or p.stderr:
        tap.diag("%r: %d" % (args, p.returncode), p.stderr)
    return p.stdout


def complete(*words):
    return [line.partition("\t")[0] for line in
            run(BRICKYARD, "__complete", *words).splitlines()]


def section(text, title):
    m = re.search(r"^%s:\n(.*?)(\n\n|\Z)" % title, text, re.M | re.S)
    return m.group(1) + "\n" if m else ""


def compare(words, seen):
    text = run(BRICKYARD, "help", *words)
    children = re.findall(r"^  ([\w-]+) ", section(text, "Commands"), re.M)
    flags = re.findall(r"^ +(?:-\w, )?(--[\w-]+)",
                       section(text, "Flags") + section(text, "Global flags"),
                       re.M) + ["--help"]
    seen[" ".join(words)] = (children, flags) == (
        [w for w in complete(*words, "") if children and w != "help"],
        complete(*words, "-"))
    for child in children:
        compare((*words, child), seen)


def tables():
    seen = {}
    compare((), seen)
    tap.ok(len(seen) > 70, "there are commands (%d)" % len(seen))
    tap.is_([w for w, same in seen.items() if not same], [],
            "help and completion know the same commands and flags")
    for words, want in (
            (("volume", "cr"), ["create"]), (("hel",), ["help"]),
            (("help", "vol"), ["volume"]), (("vol", ""), []),
            (("node", "deltags", "--a"), ["--all"]),
            (("volume", "create", "--dur"),
             ["--durability", "--durability-param"]),
            (("volume", "create", "--durability", "d"), ["disperse"]),
            (("volume", "create", "--durability=r"),
             ["--durability=replicate"]),
            (("-s", "volume", "cluster", "li"), ["list"]),
            (("--json", "cluster", "li"), ["list"]),
            (("-shttp://x", "cluster", "li"), ["list"]),
            (("volume", "create", "--size=3", "--na"), ["--name"]),
            (("volume", "create", "--size", "3", "--na"), ["--name"]),
            (("topology", "load", "--json", ""), [":files"]),
            (("topology", "load", "-j", ""), [":files"]),
            (("volume", "create", "--size", ""), []),
            (("server", "mode", "set", "l"), ["local-client"]),
            (("server", "mode", "set", "normal", ""), []),
            (("volume", "info", "--", "-"), []),
            (("completion", ""), ["bash", "zsh", "fish"])):
        tap.is_(complete(*words), want, "after " + " ".join(words))


def scripts():
    for shell, name in SCRIPTS.items():
        with open(os.path.join(tap.SRCDIR, "cli", "completion", name),
                  encoding="utf-8") as f:
            tap.is_(run(BRICKYARD, "completion", shell), f.read(),
                    "completion %s prints the script that is installed" %
                    shell)
    p = subprocess.run([BRICKYARD, "completion", "csh"], capture_output=True,
                       text=True)
    tap.is_((p.returncode, p.stdout, p.stderr), (
        255, "", "Error: no completion for \"csh\": there is one for bash,"
        " zsh and fish\n"), "there is none for csh")


LINES = (("brickyard volume cr", ["create"]),
         ("heketi-cli device settags -", None),
         ("brickyard topology load --json ", ["one.json", "two.json"]),
         ("brickyard server mode set ", ["normal", "read-only",
                                         "local-client"]))


def check(shell, answer, more=()):
    for line, want in (*LINES, *more):
        if want is None:
            want = complete(*line.split()[1:])
        tap.is_(sorted(answer(line)), sorted(want), "%s: %s" % (shell, line))


def bash(line):
    return run("bash", "--norc", "-c", """
        source <(brickyard completion bash)
        [[ $(complete -p heketi-cli) == *_brickyard* ]] || echo none
        COMP_LINE=$1 COMP_POINT=${#1}
        _brickyard 2>/dev/null
        printf '%s\\n' "${COMPREPLY[@]}" """, "bash", line).split()


def zsh(line):
    return run("zsh", "-f", "-c", """
        compdef() { }; compset() { }; _files() { print -l *.json }
        _describe() { local i; for i in "${(@P)2}"; do print -r -- ${i%%:*}; done }
        source <(brickyard completion zsh)
        words=("${(@s: :)1}") CURRENT=$#words
        _brickyard""", "zsh", line).split()


def fish(line):
    return [w.partition("\t")[0] for w in run(
        "fish", "--no-config", "-c", "brickyard completion fish | source;"
        " complete -C $argv[1]", line).splitlines()]


tables()
scripts()
check("bash", bash, (("brickyard volume create --durability=d", ["disperse"]),
                     ("brickyard topology load --json=o", ["one.json"])))
for shell, answer, more in (
        ("zsh", zsh, (("brickyard volume create --durability=d",
                       ["--durability=disperse"]),)),
        ("fish", fish, (("brickyard volume create --durability=d",
                         ["--durability=disperse"]),
                        ("brickyard topology load --json=o",
                         ["--json=one.json"])))):
    if shutil.which(shell, path=env["PATH"]):
        check(shell, answer, more)
    else:
        tap.skip("completion in " + shell, shell + " is not installed")
tmp.cleanup()
tap.done()
