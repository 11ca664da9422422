"""Requests made up from api/openapi.yaml, right and wrong ones: whatever comes, the answer is one of the contract's down to
the types of its members, a wrong request is told what is wrong, and no process falls. FAIRLEAD_FUZZ=N makes N rounds (10),
FAIRLEAD_SEED another series. What would end the session that asks is asked by another one; of answers without an end the
head is read."""
import http.client
import json
import os
import random
import socket
import time

import pytest
import yaml

from browser import Browser
from senders import TOP, Server, newlines, sessions, until

ROUNDS = int(os.environ.get("FAIRLEAD_FUZZ", "10"))
SEED = int(os.environ.get("FAIRLEAD_SEED", "20261122"))
METHODS = ("get", "post", "put", "patch", "delete")
# They wait for something, or would end the account or the session that asks.
LEAVE = {("delete", "/api/v1/session"), ("delete", "/api/v1/session/list/{n}"), ("post", "/api/v1/instance/keys/root"),
         ("delete", "/api/v1/instance/users/{u}/sessions"), ("post", "/api/v1/instance/users/{u}/reset"),
         ("delete", "/api/v1/instance/users/{u}"), ("patch", "/api/v1/instance/users/{u}"),
         ("get", "/api/v1/tenants/{t}/devices/{d}/first"), ("get", "/api/v1/tenants/{t}/alarms/stream"),
         ("get", "/api/v1/instance/alarms/stream"), ("get", "/api/v1/tenants/{t}/risks/stream"),
         ("get", "/api/v1/tenants/{t}/logs/tail")}
# Asked by somebody who stands between the steps of signing in.
STEPS = {("post", "/api/v1/session/" + step) for step in ("password", "enrol", "confirm", "code")}
STEPS.add(("post", "/api/v1/session"))
TEXTS = ["", " ", "a", "berlin", "x" * 300, "x" * 5000, "'; DROP TABLE tenants; --", "../../etc/passwd", "%00", "\u0000",
         "\ud7ff\u202e", "é̂", "<script>alert(1)</script>", "{{7*7}}", "null", "-1", "1e309", "2026-11-22T00:00:00Z",
         "2026-02-30", "app:", "bytes>", "url~\"", "((((((((((", "user:\"user 00000000\"", "\r\nSet-Cookie: a=b"]
NUMBERS = [0, 1, -1, 2, 30, 31, 2**31, 2**32, 2**53, 2**63, 2**64, -2**63, 0.5, 1e308, 1e-320]
# Of each path argument: names that are there, and others; what is made on the way comes to them.
WORDS = {"t": ["acme"] * 8 + ["none", "demo"], "s": ["berlin", "berlin", "none"], "d": ["fw1", "fw1", "none"], "u": ["1", "999999"],
         "r": ["viewer"], "k": ["1"], "g": ["1"], "a": ["1"], "q": ["1"], "n": ["1"], "p": ["sales"], "f": ["00" * 32]}
KEPT = 8  # of what was made, per kind


class Maker:
    def __init__(self, spec, seed):
        self.spec, self.r = spec, random.Random(seed)
        names = {part[1:-1] for path in spec["paths"] for part in path.split("/") if part.startswith("{")}
        self.first = {name: WORDS.get(name, ["1", "berlin"]) for name in sorted(names)}
        self.words = {name: list(words) for name, words in self.first.items()}
        self.one_of = {path.rsplit("/", 1)[0]: path[-2] for path in spec["paths"] if path.endswith("}")}

    def resolve(self, thing):
        while "$ref" in thing:
            at = self.spec
            for part in thing["$ref"][2:].split("/"):
                at = at[part]
            thing = at
        return thing

    def right(self, schema, depth=0):
        schema = self.resolve(schema)
        kind = schema.get("type", "object")
        kind = kind[0] if isinstance(kind, list) else kind
        if "enum" in schema:
            return self.r.choice(schema["enum"])
        if kind == "string":
            if schema.get("format") == "date-time":
                return "2026-11-2%dT10:00:00Z" % self.r.randrange(10)
            if schema.get("format") == "date":
                return "2026-11-2%d" % self.r.randrange(10)
            return self.r.choice(["berlin", "a%d" % self.r.randrange(10**6), "site:berlin", "Some name"])
        if kind in ("integer", "number"):
            return self.r.randint(int(schema.get("minimum", 0)), int(min(schema.get("maximum", 100), 1000)))
        if kind == "boolean":
            return self.r.random() < 0.5
        if kind == "array":
            return [self.right(schema["items"], depth + 1) for _ in range(self.r.randrange(3))]
        return {k: self.right(v, depth + 1) for k, v in schema.get("properties", {}).items()
                if k in schema.get("required", []) or self.r.random() < 0.5}

    def wrong(self, depth=0):
        return self.r.choice([
            lambda: self.r.choice(TEXTS), lambda: self.r.choice(NUMBERS), lambda: None, lambda: True, lambda: [],
            lambda: {}, lambda: [self.wrong(depth + 1)] if depth < 3 else 1,
            lambda: {self.r.choice(TEXTS): self.wrong(depth + 1)} if depth < 3 else 2])()

    def any_body(self, content):
        """Of a form of the contract, or bytes where bytes are asked for."""
        if "application/json" in content:
            return self.body(content["application/json"]["schema"])
        return self.r.randbytes(self.r.randrange(400))

    def body(self, schema):
        """(bytes, what was done to it)"""
        value, way = self.right(schema), self.r.randrange(6)
        if way == 1 and value:
            value[self.r.choice(sorted(value))] = self.wrong()
        elif way == 2:
            value[self.r.choice(["nonsense", "id", "__proto__", ""])] = self.wrong()
        elif way == 3:
            value = self.wrong()
        text = json.dumps(value).encode()
        if way == 4:
            cut = self.r.randrange(len(text) + 1)
            text = text[:cut] + self.r.choice([b"", b"\xff", b"\x00", b"[" * 200, b'{"a":' * 50]) + text[cut + 1:]
        return text

    def query(self, operation):
        words = []
        for parameter in operation.get("parameters", []):
            parameter = self.resolve(parameter)
            if parameter["in"] != "query" or self.r.random() < 0.5:
                continue
            value = self.r.choice(TEXTS) if self.r.random() < 0.3 else self.right(parameter["schema"])
            words.append(f"{parameter['name']}={quote(str(value))}")
        if self.r.random() < 0.1:
            words.append(self.r.choice(["nonsense=1", "limit=1&limit=2", "=", "&&&", "a" * 2000]))
        return "?" + "&".join(words) if words else ""

    def learn(self, path, answer):
        """What was made has a name that later requests can take."""
        name = self.one_of.get(path)
        if answer.status == 201 and name is not None:
            made = answer.json()
            self.words[name].append(str(made.get("slug", made.get("id"))))
            if len(self.words[name]) > len(self.first[name]) + KEPT:
                del self.words[name][len(self.first[name])]

    def path(self, path):
        for name, words in self.words.items():
            if "{" + name + "}" in path:
                word = quote(self.r.choice(TEXTS)) if self.r.random() < 0.15 else self.r.choice(words)
                path = path.replace("{" + name + "}", word or "%20")
        return path


def quote(text):
    return "".join(chr(b) if chr(b).isalnum() and b < 128 else "%%%02X" % b for b in text.encode("utf-8", "surrogatepass"))


class Place:
    """Who asks: administrators of the operator and of a tenant, somebody who has not yet changed a temporary password, and
    one without a session."""

    def __init__(self, server):
        self.server = server
        server.must("tenant", "add", "acme", "--name", "Acme", "--demo")
        server.must("site", "add", "acme/berlin", "--country", "DE")
        server.must("device", "add", "acme/fw1", "--site", "berlin")
        self.admin, self.boss, self.half, self.stranger = (Browser(server.web_port) for _ in range(4))
        made = server.ask("user", "add", "root", "--role", "operator-admin")
        self.admin.sign_in("root", made["password"])
        made = server.ask("user", "add", "acme/boss", "--role", "tenant-admin,analyst")
        self.boss.sign_in(made["sign_in"], made["password"])
        made = server.ask("user", "add", "half", "--role", "auditor")
        first = self.half.post("/api/v1/session", {"user": "half", "password": made["password"]})
        assert first.json()["stage"] == "password", first

    def who(self, key, r):
        if key == ("post", "/api/v1/session"):
            return self.stranger
        if key in STEPS:
            return self.half
        return self.boss if "{t}" in key[1] and r.random() < 0.7 else self.admin


@pytest.fixture(name="served", scope="module")
def fixture_served():
    server = Server([("plain", "tcp", "acme")])
    try:
        place = Place(server)
        with socket.create_connection(("127.0.0.1", server.ports["plain"]), timeout=20) as feed:
            feed.sendall(newlines(sessions(1, 500)) + newlines(sessions(1, 100, "unknown")))
        until(lambda: server.count("--tenant", "acme") >= 500, "the lines are stored")
        yield place
    finally:
        server.remove()


TYPES = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}


def is_of(kind, value):
    if kind in ("integer", "number"):
        return isinstance(value, int if kind == "integer" else (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[kind])


def faults(maker, schema, value, where=""):
    """Where a value is not of its schema: types, words allowed, members that must be there, members nobody names."""
    schema = maker.resolve(schema)
    for part in schema.get("allOf", []):
        yield from faults(maker, {"additionalProperties": True, **maker.resolve(part)}, value, where)
    if "oneOf" in schema:
        ways = [list(faults(maker, one, value, where)) for one in schema["oneOf"]]
        yield from [] if [] in ways else min(ways, key=len)
        return
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(is_of(kind, value) for kind in kinds):
        yield f"{where or 'the answer'} is no {'/'.join(kinds)}: {str(value)[:80]}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is none of {schema['enum']}: {value}"
    if isinstance(value, list) and "items" in schema:
        for at, item in enumerate(value):
            yield from faults(maker, schema["items"], item, f"{where}[{at}]")
    if isinstance(value, dict):
        named, more = schema.get("properties", {}), schema.get("additionalProperties")
        for name in schema.get("required", []):
            if name not in value:
                yield f"{where}.{name} is missing"
        for name, item in value.items():
            if name in named:
                yield from faults(maker, named[name], item, f"{where}.{name}")
            elif isinstance(more, dict):
                yield from faults(maker, more, item, f"{where}.{name}")
            elif named and not more and "allOf" not in schema:
                yield f"{where}.{name} is not in the contract"


def check(maker, operation, answer):
    """What is wrong with an answer, in words."""
    kind = answer.headers.get("content-type", "").split(";")[0]
    if answer.status >= 500 and answer.status != 503:
        return ["the server is at fault"]
    if answer.status >= 400:
        if kind != "application/problem+json":
            return [f"a refusal of type {kind}"]
        problem = answer.json()
        wrong = list(faults(maker, {"$ref": "#/components/schemas/Problem"}, problem))
        if not wrong and (problem["status"] != answer.status or len(problem["detail"]) <= 5):
            wrong.append("says little, or another status")
        return wrong
    said = operation["responses"].get(str(answer.status))
    if said is None or kind not in said.get("content", {}):
        return [f"{answer.status} with {kind} is not in the contract"]
    if kind == "application/json":
        return list(faults(maker, said["content"][kind]["schema"], answer.json()))
    return []


def ask(person, method, where, made, endless):
    """The answer; of one without an end (events) its head."""
    return person.head_of(method, where, made) if endless else person.send(method, where, made)


def operations(spec):
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item and (method, path) not in LEAVE:
                yield (method, path), item[method]


def is_endless(operation):
    return any(set(said.get("content", {})) == {"text/event-stream"} for said in operation["responses"].values())


def send_one(served, maker, key, operation, counts):
    """One request; what was wrong, as lines."""
    body = operation.get("requestBody")
    made = maker.any_body(body["content"]) if body else None
    where = maker.path(key[1]) + maker.query(operation)
    try:
        answer = ask(served.who(key, maker.r), key[0].upper(), where, made, is_endless(operation))
    except (OSError, http.client.HTTPException) as problem:
        return [f"{key[0]} {where} {made}: {problem!r}"]
    counts[answer.status] = counts.get(answer.status, 0) + 1
    maker.learn(key[1], answer)
    return [f"{key[0]} {where[:300]} {made and made[:300]}: {line}: {answer}" for line in check(maker, operation, answer)]


T = "/api/v1/tenants/acme"
# What a person would send: here every answer must be one of success, so that members that are seldom there are checked.
RIGHT = [
    ("post", T + "/departments", {"slug": "sales", "name": "Sales"}), ("get", T + "/departments", None),
    ("get", T + "/departments/sales", None), ("patch", T + "/departments/sales", {"name": "Sale"}),
    ("post", T + "/searches", {"name": "Much", "by": "app", "where": "bytes>1", "metric": "bytes", "from": "1h", "op": ">",
                               "threshold": 1, "every_minutes": 15, "severity": "minor", "enabled": True}),
    ("post", T + "/searches", {"name": "Rows"}), ("get", T + "/searches", None), ("get", T + "/searches/1", None),
    ("post", T + "/searches/1/run", {}), ("patch", T + "/searches/1", {"enabled": False}),
    ("post", T + "/grants", {"kind": "support", "hours": 1, "reason": "T-1"}), ("get", T + "/grants", None),
    ("post", T + "/tokens", {"name": "ci", "roles": ["viewer"], "days": 2}), ("get", T + "/tokens", None),
    ("post", T + "/roles", {"name": "gate", "rights": {"sites": ["read"]}}), ("get", T + "/roles/gate", None),
    ("get", T + "/roles", None), ("get", T + "/roles/viewer", None), ("patch", T + "/roles/gate", {"rights": {}}),
    ("post", T + "/users", {"name": "kim", "roles": ["viewer"], "department": "sales"}), ("get", T + "/users", None),
    ("get", T + "/users/kim", None), ("patch", T + "/users/kim", {"email": "kim@example.org"}),
    ("post", T + "/users/kim/reset", {"what": ["password", "totp", "lock"]}),
    ("post", T + "/reveals", {"purpose": "abuse", "ticket": "T-2", "minutes": 5}), ("get", T + "/reveals", None),
    ("get", T + "/logs/rows?limit=5", None), ("get", T + "/logs/export?format=csv", None), ("get", T + "/logs/count", None),
    ("get", T + "/logs/top?by=app&metric=rows", None), ("get", T + "/logs/top?by=policy&metric=sessions", None),
    ("get", T + "/logs/facets", None), ("get", T + "/overview", None),
    ("get", T, None), ("get", "/api/v1/tenants", None), ("get", T + "/sites/berlin", None), ("get", T + "/devices", None),
    ("get", T + "/devices/fw1", None), ("get", T + "/alarms?state=all", None), ("get", "/api/v1/instance/alarms", None),
    ("get", "/api/v1/instance/status", None), ("get", "/api/v1/instance/store", None), ("get", "/api/v1/session", None),
    ("get", "/api/v1/instance/rogues", None), ("get", "/api/v1/instance/events", None), ("get", "/api/v1/instance/ca", None),
    ("get", "/api/v1/instance/users", None), ("get", "/api/v1/instance/roles", None), ("get", "/api/v1/session/list", None),
    ("post", T + "/logs/purge", {"from_day": "2026-11-01", "to_day": "2026-11-02", "dry_run": True}),
    ("post", T + "/logs/erase", {"where": "user:nobody", "dry_run": True}), ("get", "/api/v1/instance/receipts", None),
]


def operation_of(spec, method, path):
    """The path of the contract that a request is of; one without arguments before one with."""
    parts = path.split("?")[0].split("/")
    same = [at for at, item in spec["paths"].items() if method in item and len(at.split("/")) == len(parts)
            and all(said == part or said.startswith("{") for said, part in zip(at.split("/"), parts))]
    return spec["paths"][min(same, key=lambda at: at.count("{"))][method]


def test_right_requests(served):
    spec = yaml.safe_load((TOP / "api" / "openapi.yaml").read_text())
    maker, wrong = Maker(spec, SEED), []
    for method, path, body in RIGHT:
        person = served.admin if "/instance/" in path else served.boss
        answer = person.send(method.upper(), path, body)
        lines = check(maker, operation_of(spec, method, path), answer)
        wrong += [f"{method} {path}: {line}: {answer}" for line in lines]
        if answer.status >= 300:
            wrong.append(f"{method} {path}: {answer}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_made_up_requests(served):
    spec = yaml.safe_load((TOP / "api" / "openapi.yaml").read_text())
    maker, counts, wrong, slowest = Maker(spec, SEED), {}, [], (0, None)
    before = {name: role["pid"] for name, role in served.server.roles().items()}
    for _ in range(ROUNDS):
        for key, operation in operations(spec):
            began = time.monotonic()
            wrong += send_one(served, maker, key, operation, counts)
            slowest = max(slowest, (time.monotonic() - began, key))
    print(f"{sum(counts.values())} answers by status: {dict(sorted(counts.items()))}; slowest {slowest}")
    assert not wrong, f"{len(wrong)} of {sum(counts.values())}:\n" + "\n".join(wrong[:20])
    assert {200, 201, 400, 404, 422} <= set(counts) and counts.get(401, 0) < sum(counts.values()) / 20
    for person in (served.admin, served.boss):
        assert person.get("/api/v1/session").json()["stage"] == "open", "whoever asked was signed in all the time"
    assert {name: role["pid"] for name, role in served.server.roles().items()} == before, "no process fell"


def test_the_check_sees_what_is_wrong():
    """A document that is not of its schema is found, whatever is wrong with it."""
    spec = yaml.safe_load((TOP / "api" / "openapi.yaml").read_text())
    maker, one = Maker(spec, SEED), {"$ref": "#/components/schemas/Problem"}
    right = {"type": "about:blank", "title": "a", "status": 400, "detail": "b", "code": "c"}
    assert not list(faults(maker, one, right))
    for wrong in ({**right, "status": "400"}, {**right, "status": True}, {**right, "more": 1}, [right],
                  {k: v for k, v in right.items() if k != "code"}):
        assert len(list(faults(maker, one, wrong))) == 1, wrong


def test_methods_that_are_not_there(served):
    person = served.admin
    for method in ("PUT", "DELETE", "PATCH", "POST"):
        assert person.send(method, "/api/v1/instance/status", {}).status == 405
    assert person.send("TRACE", "/api/v1/instance/status").status in (405, 501)
    assert person.get("/api/v1/nonsense").status == 404
