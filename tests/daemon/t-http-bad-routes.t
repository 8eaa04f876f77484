#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every route of api/routes.c is sent every kind of bad request, and answers
with heketi's status and text.  A route that is not in the table below fails
this test: describe it there.
"""
import os, sys; sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "tests", "lib")); import tap
import json
import re
import time

from daemon import Daemon, USER_KEY, b64, make_token

ID = "0123456789abcdef0123456789abcdef"
NOT_FOUND = "Id not found"
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")

# ---- what is known of the routes ----

STRINGS, MAP = ["strings"], {"map": "string"}
TAGS = {"tags": MAP, "change_type": "string"}
STATE = {"state": "string", "healcheck": "string"}
HOSTS = {"manage": ["m"], "storage": ["s"]}
MANY_TAGS = {"k%d" % i: "" for i in range(33)}
BLANK = "cannot be blank"

BAD_TAGS = (
    (MANY_TAGS, "too many tags specified (33), up to 32 supported"),
    ({"": "x"}, "tag names may not be empty"),
    ({"k" * 33: "x"}, "tag name %s: the length must be between 1 and 32"
     % ("k" * 33)),
    ({"k": "v" * 65}, "value of tag k: the length must be no more than 64"),
    ({"a b": ""}, "invalid characters in tag name a b"),
    ({"$(id)": ""}, "invalid characters in tag name $(id)"))

BAD_STATES = (
    ({}, "state: " + BLANK),
    ({"state": "Online"}, "state: Online is not valid state"),
    ({"state": "on", "healcheck": "x"},
     "healcheck: x is not valid heal info check"))

BAD_TAG_CHANGES = (
    ({}, "change_type: " + BLANK),
    ({"change_type": "replace"}, "change_type: must be a valid value"),
    ({"change_type": "x", "tags": {"a b": ""}},
     "change_type: must be a valid value; "
     "tags: invalid characters in tag name a b")) + tuple(
         ({"change_type": "set", "tags": tags}, "tags: " + text)
         for tags, text in BAD_TAGS)

NODE = {"zone": 1, "cluster": ID, "hostnames": HOSTS}
BAD_NODES = (
    ({}, "cluster: cannot be blank; hostnames: (manage: cannot be blank; "
     "storage: cannot be blank.); zone: cannot be blank"),
    (dict(NODE, zone=-1), "zone: must be no less than 1"),
    (dict(NODE, cluster="g" * 32), "cluster: %s is not a valid UUID"
     % ("g" * 32)),
    (dict(NODE, cluster=ID + "0"), "cluster: %s0 is not a valid UUID" % ID),
    (dict(NODE, hostnames={"manage": ["a", "-b"], "storage": ["s"]}),
     "hostnames: (manage: [a -b] is not a valid manage hostname.)"),
    (dict(NODE, hostnames={"manage": ["m"], "storage": [""]}),
     "hostnames: (storage: [] is not a valid storage hostname.)"),
    (dict(NODE, zone=0, tags={"a b": ""}), "tags: invalid characters in tag "
     "name a b; zone: cannot be blank")) + tuple(
         (dict(NODE, tags=tags), "tags: " + text) for tags, text in BAD_TAGS)

DEVICE = {"node": ID, "name": "/dev/sdb"}
BAD_DEVICES = (
    ({}, "name: cannot be blank; node: cannot be blank"),
    (dict(DEVICE, name="sdb"), "name: must be in a valid format"),
    (dict(DEVICE, name="/dev/a b", node="x"),
     "name: must be in a valid format; node: x is not a valid UUID"),
    ) + tuple((dict(DEVICE, tags=tags), "tags: " + text)
              for tags, text in BAD_TAGS)

NAMES = ("a b", "a/b", "../x", "a;b", "$(id)", "`id`", "a\nb", "ä", "a.b")
BAD_NAMES = tuple(({"size": 1, "name": n}, "name: must be in a valid format")
                  for n in NAMES)
BAD_SIZES = (({}, "size: " + BLANK), ({"size": 0}, "size: " + BLANK),
             ({"size": -1}, "size: must be no less than 1"),
             ({"size": -1, "name": "a b"},
              "name: must be in a valid format; size: must be no less than 1"))

VOLUME = {"size": "int", "clusters": STRINGS, "name": "string",
          "durability": {"type": "string", "replicate": {"replica": "int"},
                         "disperse": {"data": "int", "redundancy": "int"}},
          "gid": "int", "glustervolumeoptions": STRINGS, "block": "bool",
          "snapshot": {"enable": "bool", "factor": "float"}}


def route(good=None, fields=None, invalid=(), missing=NOT_FOUND, **more):
    """good: a body that passes all checks; fields: types of its members;
    invalid: bodies, and what follows "validation failed: "; missing: the text
    of the 404 about an unknown id.
    optional: the body may be left out; says: the parser's words are told.
    """
    return dict(good=good, fields=fields, invalid=invalid, missing=missing,
                **more)


FLAGS = {"block": "bool", "file": "bool"}
ROUTES = {
    "GET /hello": "open", "GET /healthz": "open", "GET /readyz": "open",
    "GET /metrics": "open", "GET /debug/pprof/": "off",
    "GET /queue/{id}": route(),
    "GET /operations": route(),
    "GET /operations/pending": route(),
    "GET /operations/pending/{id}": route(missing=NOT_FOUND + ": {id}"),
    "POST /operations/pending/cleanup": route({}, {"operations": STRINGS}, (
        ({"operations": ["x"]}, "operations: x is not a valid UUID"),
        ({"operations": [ID] * 33}, "operations: too many ids specified (33), "
         "up to 32 supported"))),
    "GET /admin": route(),
    "POST /admin": route({"state": "normal"}, {"state": "string"}, (
        ({}, "state: " + BLANK), ({"state": "open"},
                                  "state: must be a valid value")),
        says="api.AdminStatus"),
    "GET /internal/logging": route(),
    "POST /internal/logging": route({"loglevel": {"glusterfs": "info"}},
                                    {"loglevel": MAP}, says="api.LogLevelInfo",
                                    says422=(
        ({}, 'Only "glusterfs" logger may be modified'),
        ({"loglevel": {"other": "info"}},
         'Only "glusterfs" logger may be modified'),
        ({"loglevel": {"glusterfs": "x"}}, "invalid log level: x"))),
    "GET /internal/state/examine/gluster": route(),

    "POST /clusters": route({}, FLAGS),
    "GET /clusters": route(),
    "POST /clusters/{id}/flags": route({}, FLAGS),
    "GET /clusters/{id}": route(),
    "DELETE /clusters/{id}": route(),

    "POST /nodes": route(NODE, {
        "zone": "int", "hostnames": {"manage": STRINGS, "storage": STRINGS},
        "cluster": "string", "tags": MAP}, BAD_NODES,
        unknown="Cluster id does not exist"),
    "GET /nodes/{id}": route(),
    "DELETE /nodes/{id}": route(),
    "POST /nodes/{id}/state": route({"state": "online"}, STATE, BAD_STATES),
    "POST /nodes/{id}/tags": route({"change_type": "set"}, TAGS,
                                   BAD_TAG_CHANGES),

    "POST /devices": route(DEVICE, {
        "node": "string", "name": "string", "tags": MAP, "destroydata": "bool"},
        BAD_DEVICES, unknown="Node id does not exist"),
    "GET /devices/{id}": route(),
    "DELETE /devices/{id}": route({}, {"forceforget": "bool"}, optional=True),
    "POST /devices/{id}/state": route({"state": "online"}, STATE, BAD_STATES),
    "POST /devices/{id}/tags": route({"change_type": "set"}, TAGS,
                                     BAD_TAG_CHANGES),
    "GET /devices/{id}/resync": route(),

    "POST /volumes": route({"size": 1}, VOLUME, BAD_SIZES + BAD_NAMES,
                           refused="No clusters configured"),
    "GET /volumes": route(),
    "GET /volumes/{id}": route(),
    "DELETE /volumes/{id}": route(),
    "POST /volumes/{id}/expand": route({"expand_size": 1},
                                       {"expand_size": "int"}, (
        ({}, "expand_size: " + BLANK),
        ({"expand_size": -1}, "expand_size: must be no less than 1"))),
    "POST /volumes/{id}/clone": route({}, {"name": "string"}, tuple(
        ({"name": n}, "name: must be in a valid format") for n in NAMES)),
    "POST /volumes/{id}/block-restriction": route({}, {"restriction": "string"},
                                                  tuple(
        ({"restriction": x}, "restriction: must be a valid value")
        for x in ("locked-by-update", "unlocked", "Locked"))),

    "POST /blockvolumes": route({"size": 1}, {
        "size": "int", "clusters": STRINGS, "name": "string", "hacount": "int",
        "auth": "bool"}, BAD_SIZES + BAD_NAMES + (
            ({"size": 1, "hacount": -1}, "hacount: must be no less than 1"),
            ({"hacount": -1, "name": "a b"}, "hacount: must be no less than 1; "
             "name: must be in a valid format; size: cannot be blank")),
        refused="No clusters configured"),
    "GET /blockvolumes": route(),
    "GET /blockvolumes/{id}": route(),
    "DELETE /blockvolumes/{id}": route(),
    "POST /blockvolumes/{id}/expand": route({"new_size": 1},
                                            {"new_size": "int"}, (
        ({}, "new_size: " + BLANK),
        ({"new_size": -5}, "new_size: must be no less than 1"))),
    "POST /bricks/to-evict/{id}": route({}, {"healcheck": "string"}, (
        ({"healcheck": "x"}, "healcheck: x is not valid heal info check"),),
        optional=True),
    "GET /db/dump": route(), "GET /db/check": route(),
    "GET /backup/db": route(),

    "GET /v1/plugins": "own", "GET /v1/operations": "own",
    "GET /v1/operations/{id}": "own", "GET /v1/replicas": "own",
    "GET /v1/health": "own", "GET /v1/nodes/{id}/check": "own", "GET /v1/leftovers": "own",
}

with open(os.path.join(tap.SRCDIR, "api", "routes.c")) as f:
    there = ["%s %s" % m for m in
             re.findall(r'^\t\{ "([A-Z]+)", "(/[^"]*)",', f.read(), re.M)]
tap.ok(len(there) > 40 and len(there) == len(set(there)),
       "the table of routes can be read: %d" % len(there))
tap.is_(sorted(set(there) - set(ROUTES)), [], "every route is described here")
tap.is_(sorted(set(ROUTES) - set(there)), [], "and no other")
# Those that are not switched on are as if they were not there: t-profile.t.
there = [r.split() for r in there if ROUTES.get(r, "off") != "off"]

d = Daemon(auth=True)
wrong = []


def send(method, path, body=None, token=None, headers=None, signed=None):
    headers = dict(headers or {})
    if token is not None:
        headers["Authorization"] = token
    elif "Authorization" not in headers:
        headers["Authorization"] = "bearer " + make_token(
            method, signed or path.split("?")[0])
    if body is None and method in ("POST", "PUT", "PATCH"):
        body = b""
    return d.request(method, path, body, headers)


def want(got, status, text, what):
    """text: of the whole body, without its newline; None: empty."""
    status_, headers, body = got
    plain = ("text/plain; charset=utf-8", "nosniff") if text is not None else \
        (headers.get("Content-Type"), headers.get("X-Content-Type-Options"))
    has = (status_, body.decode("utf-8", "replace"),
           (headers.get("Content-Type"), headers.get("X-Content-Type-Options")))
    expected = (status, "" if text is None else text + "\n", plain)
    if has != expected:
        wrong.append("%s:\n   got  %r\n   want %r" % (what, has, expected))


def verdict(name):
    """Close what was collected as one check."""
    tap.ok(not wrong, name)
    tap.diag(*wrong[:20])
    wrong.clear()


def of(path):
    return path.replace("{id}", ID)


# ---- who asks ----

def tokens(method, path):
    now = int(time.time())
    form = "Authorization header format must be Bearer {token}"
    bad = "Invalid JWT token: "
    good = make_token(method, path)
    other = b64(json.dumps({"iss": "admin", "exp": now + 60}).encode()).decode()
    none = b64(b'{"alg":"none"}').decode() + "." + good.split(".")[1] + "."
    yield "bearer", 400, form
    yield "basic " + good, 400, form
    yield "bearer a b", 400, form
    yield "bearer x", 401, bad + "token contains an invalid number of segments"
    yield "bearer " + none, 401, bad + "Unexpected signing method: none"
    for claims, text in (
            ({"issuer": None}, "Token missing iss claim"),
            ({"issuer": "root"}, "Unknown user"),
            ({"key": "other"}, "signature is invalid"
             " (client and server secrets may not match)"),
            ({"exp": -90}, "Token is expired by 1m"),
            ({"iat": now + 400, "exp": 900}, "Token used before issued"
             " (client and server clocks may differ)"),
            ({"nbf": now + 400}, "token is not valid yet")):
        yield "bearer " + make_token(method, path, **claims), 401, bad + text
    yield ("bearer " + make_token(method, path, qsh="0" * 64), 401,
           "Invalid qsh claim in token")
    yield ("bearer " + make_token("LOCK", path), 401,
           "Invalid qsh claim in token")
    yield ("bearer " + make_token(method, path, qsh=None), 401,
           "Invalid qsh claim in token")
    yield ("bearer " + good.split(".")[0] + "." + other + "." +
           good.split(".")[2], 401, bad + "signature is invalid"
           " (client and server secrets may not match)")


def check_tokens(method, path, own):
    for token, status, text in tokens(method, path):
        got = send(method, path, token=token)
        what = "%s %s with %.40s" % (method, path, token)
        if own:
            want_own(got, status, text, what)
        elif text.endswith("expired by 1m"):
            body = re.sub(rb"1m3\d(\.\d+)?s", b"1m", got[2])
            want((got[0], got[1], body), status, text, what)
        else:
            want(got, status, text, what)
    (want_own if own else want)(
        raw_request(method, path), 401, "Required authorization token not found",
        "%s %s without token" % (method, path))
    if path != "/volumes":
        got = send(method, path, token="bearer " + make_token(
            method, path, issuer="user", key=USER_KEY))
        what = "%s %s as user" % (method, path)
        (want_own if own else want)(got, 401, "Administrator access required",
                                    what)


def want_own(got, status, text, what):
    """Below /v1/ an error is an object."""
    try:
        error = json.loads(got[2])["error"]
        message = re.sub(r"1m3\d(\.\d+)?s", "1m", error["message"])
        has = (got[0], message, bool(error["code"]), bool(error["request_id"]))
    except (ValueError, KeyError, TypeError):
        has = got
    if has != (status, text, True, True):
        wrong.append("%s:\n   got  %r\n   want %r" % (what, has, (status, text)))


def raw_request(method, path):
    """Without any header of ours."""
    c = d._connection()
    c.request(method, path)
    r = c.getresponse()
    return r.status, r.headers, r.read()


# ---- the path ----


def check_methods(path, own):
    mine = {m for m, p in there if p == path}
    for method in METHODS:
        if method in mine:
            continue
        got = send(method, of(path))
        what = "%s %s" % (method, path)
        if ROUTES["%s %s" % (sorted(mine)[0], path)] == "open":
            if method == "HEAD":
                want(got, 404, None, what)
            else:
                want(got, 404, "Invalid path or request", what)
        elif own and method != "HEAD":
            want_own(got, 405, "Method not allowed", what)
        else:
            want(got, 405, None, what)


def check_path(method, path, kind):
    p = of(path)
    for odd in ("/" + p, "/." + p, "/x/.." + p, p.replace("/", "//", 2),
                p + "/..//" + p.rsplit("/", 1)[1]):
        status, headers, body = raw_request(method, odd)
        if (status, headers.get("Location"), body) != (301, p, b""):
            wrong.append("%s %s: %d %s %r" % (method, odd, status,
                                              headers.get("Location"), body))
    got = send(method, "/x" + p)
    want(got, 404, "Invalid path or request", "%s /x%s" % (method, p))
    if kind == "open":
        return
    status, headers, body = raw_request(method, p + "/")
    if status != 401:
        wrong.append("%s %s/ without token: %d" % (method, p, status))
    status, headers, body = send(method, p + "/")
    if (status, headers.get("Location")) != (301, p):
        wrong.append("%s %s/: %d %s" % (method, p, status,
                                        headers.get("Location")))
    if "{id}" in path:
        for bad in ("xyz", "0g", "-1", "%20", ID + "z", ID + "%2f.."):
            got = send(method, path.replace("{id}", bad), signed=path.replace(
                "{id}", bad.replace("%20", " ").replace("%2f", "/")))
            if bad.endswith(".."):
                # Decoded it is another path, to be cleaned first.
                if got[0] != 301:
                    wrong.append("%s %s: %d" % (method, bad, got[0]))
            elif kind == "own":
                want_own(got, 404, "Invalid path or request", method + path + bad)
            else:
                want(got, 404, "Invalid path or request", method + path + bad)


# ---- what is not there, and the body ----

UNREADABLE = [b"{", b"[]", b"7", b"\"x\"", b"true", b"{}x", b"{} {}",
              b"{\"a\":1,}", b"{'a':1}", b"\xff", b"nul", b"{\"a\"", b" "]
# By type: what else is there in JSON?
OTHERS = {
    "int": ("1", 1.5, True, [], {}, 2 ** 63, -2 ** 63 - 1),
    "float": ("1.5", True, [], {}, 1e39),
    "bool": ("true", 1, [], {}), "string": (1, True, [], {}),
    "strings": ("x", 1, True, {}, [1], ["x", {}], [["x"]]),
    "map": ("x", 1, True, [], {"a": 1}, {"a": {}}, {"a": ["x"]}),
    "object": ("x", 1, True, []),
}


def kind_of(type):
    if type is STRINGS:
        return "strings"
    if type is MAP:
        return "map"
    return "object" if isinstance(type, dict) else type


def members(fields, path=()):
    for name, type in fields.items():
        yield path + (name,), kind_of(type)
        if kind_of(type) == "object":
            yield from members(type, path + (name,))


def put(body, path, value):
    """A copy of body in which the member has the value."""
    body = json.loads(json.dumps(body))
    at = body
    for name in path[:-1]:
        at = at.setdefault(name, {})
    at[path[-1]] = value
    return body


def unreadable(got, r, what, exact=None):
    if r.get("says"):
        if got[0] != 400 or not got[2].startswith(
                b"request unable to be parsed: ") or not got[2].endswith(b"\n"):
            wrong.append("%s: %d %r" % (what, got[0], got[2]))
        if exact is not None:
            want(got, 400, "request unable to be parsed: " + exact, what)
    else:
        want(got, 422, "request unable to be parsed", what)


def check_body(method, path, r):
    p = of(path)
    texts = {b"{": "unexpected end of JSON input",
             b"{}x": "invalid character 'x' after top-level value",
             b"nul": "invalid character ' ' in literal null (expecting 'l')",
             b"7": "json: cannot unmarshal number into Go value of type " +
             str(r.get("says")),
             b"[]": "json: cannot unmarshal array into Go value of type " +
             str(r.get("says"))}
    for body in UNREADABLE:
        unreadable(send(method, p, body), r, "%s %s %r" % (method, path, body),
                   texts.get(body))
    if not r.get("optional"):
        unreadable(send(method, p, b""), r, "%s %s, no body" % (method, path),
                   "unexpected end of JSON input")
    for at, type in members(r["fields"]):
        for value in OTHERS[type]:
            body = json.dumps(put(r["good"], at, value))
            unreadable(send(method, p, body), r, "%s %s %s" %
                       (method, path, body))
    for body, text in r["invalid"]:
        got = send(method, p, json.dumps(body))
        want(got, 400, "validation failed: %s." % text,
             "%s %s %s" % (method, path, json.dumps(body)))
    for body, text in r.get("says422", ()):
        want(send(method, p, json.dumps(body)), 422, text,
             "%s %s %s" % (method, path, json.dumps(body)))


def check_lenient(method, path, r):
    """null is as good as nothing, names are in any case, others are ignored."""
    p = of(path)
    for at, type in members(r["fields"]):
        if at[0] in r["good"] or len(at) > 1:
            continue
        answer(method, p, put(r["good"], at, None), r)
    answer(method, p, {k.upper(): v for k, v in r["good"].items()}, r)
    answer(method, p, dict(r["good"], unknown=[{"x": 1}]), r)
    for name in r["good"]:
        got = [send(method, p, json.dumps(b)) for b in (
            put(r["good"], (name,), None),
            {k: v for k, v in r["good"].items() if k != name})]
        if got[0][0] != got[1][0] or got[0][2] != got[1][2]:
            wrong.append("%s %s: null for %s is not as nothing: %r %r" %
                         (method, path, name, got[0][2], got[1][2]))


def answer(method, p, body, r):
    """What a good body gets here, where there is nothing."""
    got = send(method, p, None if body is None else json.dumps(body))
    what = "%s %s %s" % (method, p, json.dumps(body))
    if ID in p:
        want(got, 404, r["missing"].replace("{id}", ID), what)
    elif r.get("unknown"):
        want(got, 404, r["unknown"], what)
    elif r.get("refused"):
        want(got, 400, r["refused"], what)
    elif got[0] == 201:
        # The routes behind this one are to find nothing.
        send("DELETE", p + "/" + json.loads(got[2])["id"])
    elif got[0] not in (200, 202, 204):
        wrong.append("%s: %d %r" % (what, got[0], got[2]))


def check_unknown(method, path, r):
    answer(method, of(path), r["good"], r)
    if "{id}" not in path:
        return
    for id in ("0", ID.upper(), "f" * 31, "f" * 33, "a" * 3000):
        p = path.replace("{id}", id)
        got = send(method, p, None if r["good"] is None
                   else json.dumps(r["good"]))
        want(got, 404, r["missing"].replace("{id}", id), "%s %.60s" % (method, p))


# ---- all of that, for each route ----

for path in dict.fromkeys(p for m, p in there):
    check_methods(path, path.startswith("/v1/"))
    verdict("%s: other methods" % path)
for method, path in there:
    r = ROUTES["%s %s" % (method, path)]
    name = "%s %s: " % (method, path)
    check_path(method, path, r if isinstance(r, str) else None)
    verdict(name + "paths that are not clean, ids that are none")
    if r == "open":
        continue
    check_tokens(method, of(path), r == "own")
    verdict(name + "no token, or a bad one")
    if r == "own":
        if "{id}" in path:
            status, headers, body = send(method, of(path))
            want_own((status, headers, body), 404, json.loads(body).get(
                "error", {}).get("message"), name)
            verdict(name + "what is not there")
        continue
    check_unknown(method, path, r)
    verdict(name + "what is not there")
    if r["fields"] is not None:
        check_body(method, path, r)
        verdict(name + "bodies that can't be read or are not valid")
        check_lenient(method, path, r)
        verdict(name + "what heketi lets pass")

status, headers, body = send("GET", "/volumes", token="bearer " + make_token(
    "GET", "/volumes", issuer="user", key=USER_KEY))
tap.is_(status, 200, "a user may list volumes")
tap.is_(d.stop(), 0, "the daemon ends well")
tap.done()
