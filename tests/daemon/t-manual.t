#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual pages and the programs say the same, in both directions."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import glob
import re
import subprocess


def output(*args):
    p = subprocess.run([os.path.join(tap.BUILDDIR, args[0]), *args[1:]],
                       capture_output=True, text=True, env={"PATH": "/bin"})
    if p.returncode != 0:
        tap.diag(p.stderr)
    return p.stdout


def source(*path):
    with open(os.path.join(tap.SRCDIR, *path), encoding="utf-8") as f:
        return f.read()


def same(got, want, name):
    tap.is_((sorted(set(got) - set(want)), sorted(set(want) - set(got))),
            ([], []), name)


# ---- brickyard(1) ----

def section(text, title):
    """The lines of "title:" up to the next empty one."""
    m = re.search(r"^%s:\n(.*?)(\n\n|\Z)" % title, text, re.M | re.S)
    return m.group(1) + "\n" if m else ""


def flags_of_help(text, title):
    return re.findall(r"^ +(?:-\w, )?--([\w-]+)(?: (\S+))?",
                      section(text, title), re.M)


def commands_of_help(words=()):
    """{"volume create": {("size", "GIB"), …}} and their arguments."""
    text = output("brickyard", "help", *words)
    children = re.findall(r"^  ([\w-]+) ", section(text, "Commands"), re.M)
    if not children:
        usage = re.search(r"^  brickyard (.*?)(?: \[FLAGS\])?$", text, re.M)
        return {usage.group(1): set(flags_of_help(text, "Flags"))}
    found = {}
    for child in children:
        found.update(commands_of_help((*words, child)))
    return found


def plain(pod):
    return re.sub(r"[BIFC]<(.*?)>", r"\1", pod)


def flags_of_items(pod):
    return set(re.findall(r"^=item .*?--([\w-]+)(?: (\S+)(?: \S+)*)?$", plain(pod),
                          re.M))


def command_line():
    page = source("cli", "brickyard.1.pod")
    parts = re.split(r"^=head[12] (.*)\n", page, flags=re.M)[1:]
    manual = {plain(title): flags_of_items(text)
              for title, text in zip(parts[::2], parts[1::2])
              if title.islower() or title != title.upper()}
    program = commands_of_help()
    same(manual, program, "brickyard(1) has every command, and no other")
    for name in sorted(set(manual) & set(program)):
        program[name] = {(f, v or "") for f, v in program[name]}
        same(manual[name], program[name], "flags of " + name)
    text = dict(zip(parts[::2], parts[1::2]))["GLOBAL FLAGS"]
    same(flags_of_items(text) - {("help", "")},
         flags_of_help(output("brickyard", "help"), "Global flags"),
         "global flags")


# ---- brickyardd(8) ----

def daemon():
    page = source("core", "brickyardd.8.pod")
    options = page[page.index("=head1 OPTIONS"):]
    options = options[:options.index("=back")]
    text = output("brickyardd", "--help")
    same(flags_of_items(options),
         re.findall(r"^ +(?:-\w, )?--([\w-]+)(?: ([A-Z:]+))?", text, re.M),
         "brickyardd(8) has every option, and no other")
    same(re.findall(r"^=item B<-(\w)>", options, re.M),
         re.findall(r"^ +-(\w),", text, re.M), "short options")


# ---- brickyard.json(5) ----

def keys():
    page = source("core", "brickyard.json.5.pod")
    items = [re.findall(r"B<([a-z][\w.]*)>", line) for line in
             re.findall(r"^=item (B<.*)$", page, re.M)]
    manual = [k for item in items for k in item]
    printed = dict(re.findall(r"^(\S+) = (.*?) +\(default\)$",
                              output("brickyardd", "--check-config"), re.M))
    same(manual, printed, "brickyard.json(5) has every key, and no other")
    tap.is_(len(manual), len(set(manual)), "and each once")
    wrong = []
    for line in re.findall(r"^=item (B<[a-z].*)$", page, re.M):
        dflt = re.search(r"default C<(.*?)>", line)
        for k in re.findall(r"B<([a-z][\w.]*)>", line):
            if printed.get(k, "") != (dflt.group(1) if dflt else "") and not (
                    dflt is None and printed.get(k) in ("", "0")):
                wrong.append(k)
    tap.is_(wrong, [], "with the default that it has")
    variables = re.findall(r"B<\$(\w+)>", page)
    table = source("core", "configuration.c")
    same(variables, re.findall(r'"((?:HEKETI|BRICKYARD|SSH)_[A-Z_]+)"', table),
         "and the variable that sets it")


def keys_without_effect():
    page = source("core", "brickyard.json.5.pod")
    useful, idle = page.split("=head1 KEYS WITHOUT EFFECT")
    code = "".join(
        open(f, encoding="utf-8").read() for room in ("core", "api")
        for f in glob.glob(os.path.join(tap.SRCDIR, room, "**", "*.c"),
                           recursive=True)
        if os.path.basename(f) != "configuration.c")

    def used(key):
        section = key.rpartition(".")[0]
        return '"%s"' % key in code or (
            section != "" and '"%s."' % section in code)

    def listed(pod):
        return [k for line in re.findall(r"^=item (B<[a-z].*)$", pod, re.M)
                for k in re.findall(r"B<([a-z][\w.]*)>", line)]
    tap.is_([k for k in listed(useful) if not used(k)], [],
            "a key that is said to have an effect is read by the program")
    tap.is_([k for k in listed(idle) if used(k)], [],
            "one that is said to have none is not")


command_line()
daemon()
keys()
keys_without_effect()


# ---- brickyard-plugin-check(1) ----

def plugin_check():
    page = plain(source("core", "plugin-check", "brickyard-plugin-check.1.pod"))
    text = output("brickyard-plugin-check", "--help")
    same(re.findall(r"^=item .*?(--[\w-]+)", page, re.M),
         re.findall(r"^ .*?(--[\w-]+) ", text, re.M),
         "brickyard-plugin-check(1) has every option")


plugin_check()
tap.done()
