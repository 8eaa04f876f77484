#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""topology info --template: what heketi-cli prints by the same templates."""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
from fakeheketi import FakeHeketi

GIB = 1024 * 1024
C1, N1, D1, V1, V2 = ("%032x" % i for i in range(1, 6))
fake = FakeHeketi()


def volume(id_, **more):
    v = {"size": 100, "name": "vol_x", "durability": {
        "type": "replicate", "replicate": {"replica": 3}, "disperse": {}},
         "glustervolumeoptions": ["", "a b", ""],
         "snapshot": {"enable": False, "factor": 1}, "id": id_, "cluster": C1,
         "mount": {"glusterfs": {"hosts": ["h1", "h2"], "device": "h1:vol_x",
                                 "options": {"backup-volfile-servers": "h2"}}},
         "blockinfo": {}, "bricks": []}
    v.update(more)
    return v


fake.on("GET", "/clusters", json={"clusters": [C1]})
fake.on("GET", "/clusters/" + C1, json={
    "id": C1, "nodes": [N1], "volumes": [V1, V2], "block": True,
    "file": False, "blockvolumes": []})
fake.on("GET", "/volumes/" + V1, json=volume(V1))
fake.on("GET", "/volumes/" + V2, json=volume(
    V2, name="ec", durability={"type": "disperse", "replicate": {},
                               "disperse": {"data": 4, "redundancy": 2}},
    block=True, snapshot={"enable": True, "factor": 1.5},
    blockinfo={"freesize": 98, "restriction": "locked"}))
fake.on("GET", "/nodes/" + N1, json={
    "zone": 2, "hostnames": {"manage": ["m1", "m2"], "storage": ["s1"]},
    "cluster": C1, "tags": {"b": "2", "a": "1"}, "id": N1, "state": "failed",
    "devices": [{"name": "/dev/sdb", "storage": {
        "total": 500 * GIB, "free": 399 * GIB, "used": 101 * GIB},
        "id": D1, "state": "online", "bricks": []}]})
VOLUMES = "{{range .ClusterList}}{{range .Volumes}}%s{{end}}{{end}}"
NODES = "{{range .ClusterList}}{{range .Nodes}}%s{{end}}{{end}}"
DEVICES = NODES % "{{range .DevicesInfo}}%s{{end}}"

for template, want in (
        ("text", "text"), ("{{/* nothing */}}", ""),
        ("{{len .ClusterList}} {{- /* c */ -}} x", "1x"),
        ("a {{- \"b\" -}} c {{-1}}", "abc -1"),
        ("{{\"a\\tb\\\"\"}}{{`raw\\`}}{{1.5}}{{-3}}{{0x10}}",
         "a\tb\"raw\\1.5-316"),
        ("{{range $i, $c := .ClusterList}}{{$i}}:{{$c.Id}}{{end}}",
         "0:" + C1),
        (VOLUMES % "{{.Name}}={{if .Block}}B{{else if eq .Durability.Type"
         " \"x\" \"replicate\"}}R{{else}}?{{end}};", "vol_x=R;ec=B;"),
        (VOLUMES % "{{printf \"%-6s|%5d|%.2f|%q|%t|%05d|%%\" .Name .Size"
         " .Snapshot.Factor .Cluster .Snapshot.Enable .Gid}}\n",
         "vol_x |  100|1.00|\"%s\"|false|00000|%%\n"
         "ec    |  100|1.50|\"%s\"|true|00000|%%\n" % (C1, C1)),
        (VOLUMES % "{{.Snapshot.Factor}} {{.BlockInfo.Restriction}}"
         " {{.BlockInfo.FreeSize}} {{.BlockInfo.BlockVolumes}}\n",
         "1 (none) 0 []\n1.5 locked 98 []\n"),
        (VOLUMES % "{{.Mount.GlusterFS.MountPoint}}{{.Mount.GlusterFS.Options"
         "}}{{index .Mount.GlusterFS.Hosts 1}}{{.GlusterVolumeOptions}}",
         "h1:vol_xmap[backup-volfile-servers:h2]h2[ a b ]" * 2),
        (NODES % "{{.Zone}} {{join .Hostnames.Manage \", \"}}"
         " {{.State | entryStateString}} {{range $k, $v := .Tags}}{{$k}}="
         "{{$v}};{{else}}none{{end}} {{.Tags.a}} {{.Tags.z}} {{index .Tags"
         " \"z\"}}|", "2 m1, m2 removed a=1;b=2; 1 <no value> |"),
        (DEVICES % "{{.Id | printf \"%-35v\" -}} {{kibToGib .Storage.Total |"
         " printf \"%-8v\"}}{{.PvUUID}}{{.Paths}}{{range .Tags}}x{{else}}no"
         " tags{{end}}", D1 + "   500     []no tags"),
        ("{{define \"c\"}}<{{.Id}}{{$.Block}}>{{end}}{{range .ClusterList}}"
         "{{template \"c\" .}}{{end}}", "<%strue>" % C1),
        ("{{with $x := 5}}{{$x}}{{.}}{{end}}{{with 0}}a{{else}}b{{end}}",
         "55b"),
        ("{{$c := index .ClusterList 0}}{{if and $c.File $c.Block}}both"
         "{{else}}not{{end}} {{(index .ClusterList 0).Id}}", "not " + C1),
        ("{{and 1 0}} {{or 0 \"x\"}} {{not 1}} {{lt 1 2}} {{ge 2 2}}"
         " {{gt \"b\" \"a\"}} {{le 1.5 1.0}} {{ne 1 1}}",
         "0 x false true true true false false"),
        ("{{print 1 2 \"a\" 3 true}}|{{println 1 \"b\"}}",
         "1 2a3 true|1 b\n")):
    fake.prints(("topology", "info", "--template", template), want,
                "template " + template)

for template, want in (
        ("{{.Foo}}", "can't evaluate field Foo"),
        (VOLUMES % "{{.Zone}}", "can't evaluate field Zone"),
        ("{{.}}", "can't print an object: name the fields that you want"),
        ("{{nothing 1}}", 'function "nothing" not defined'),
        ("{{eq 1 \"x\"}}", "eq: incompatible types for comparison"),
        ("{{not}}", "wrong number of arguments for not"),
        ("{{index .ClusterList 1}}", "index out of range: 1"),
        ("{{printf \"%d\" \"x\"}}", "printf: wrong type of argument"),
        ("{{printf \"%d\"}}", "printf: more verbs than arguments"),
        ("{{printf \"%99999999999d\" 1}}", "printf: wider than 1000"),
        ("{{$x}}", 'undefined variable "$x"'),
        ("{{range 5}}{{end}}", "range can't iterate over it"),
        ("{{template \"t\"}}", 'template "t" not defined'),
        ("{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}",
         "templates call each other more than 100 deep")):
    fake.fails(("topology", "info", "-T", template),
               "failed to execute template: " + want, "no " + template[:60])
fake.requests.clear()
for template, want in (
        ("\n{{if}}", "line 2: missing value"),
        ("{{end}}", "line 1: unexpected {{end}}"),
        ("{{if true}}", "line 1: missing {{end}}"),
        ("{{if true}}{{else}}{{else}}{{end}}", "line 1: missing {{end}}"),
        ("{{1", 'line 1: unexpected "" in an action'),
        ("{{(1}}", "line 1: unclosed parenthesis"),
        ("{{/* }}", "line 1: unclosed comment"),
        ("{{\"a}}", "line 1: unterminated string"),
        ("{{\"\\z\"}}", "line 1: unknown escape in a string"),
        ("{{.a.}}", "line 1: a field has no name"),
        ("{{$x = 1}}", 'line 1: unexpected "= 1}}"'),
        ("{{block \"x\" .}}{{end}}", "line 1: {{block}} is not supported"),
        ("{{if 1}}" * 101, "line 1: too deep"),
        ("{{" + "(" * 101, "line 1: too deep")):
    fake.fails(("topology", "info", "-T", template),
               "failed to parse template: " + want, "no " + template[:60])
tap.is_(fake.requests, [], "what is no template asks no server")
tap.done()
