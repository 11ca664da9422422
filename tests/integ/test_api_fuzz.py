"""Requests made up from api/openapi.yaml, right and wrong ones: whatever comes, the answer is one of the contract's down to
the types of its members, a wrong request is told what is wrong, and no process falls. FAIRLEAD_FUZZ=N makes N rounds (2),
FAIRLEAD_SEED another series. What would end the session that asks is asked by another one; of answers without an end the
head is read."""
import http.client
import json
import os
import random
import time

import pytest
import yaml

from browser import Browser
from senders import TOP, Server

ROUNDS = int(os.environ.get("FAIRLEAD_FUZZ", "2"))
SEED = int(os.environ.get("FAIRLEAD_SEED", "20261122"))
METHODS = ("get", "post", "put", "patch", "delete")
# They wait for something, or would end the account or the session that asks.
LEAVE = {("delete", "/api/v1/session"), ("delete", "/api/v1/session/list/{n}"), ("post", "/api/v1/instance/keys/root"),
         ("delete", "/api/v1/instance/users/{u}/sessions"), ("post", "/api/v1/instance/users/{u}/reset"),
         ("delete", "/api/v1/instance/users/{u}"), ("patch", "/api/v1/instance/users/{u}"),
         ("get", "/api/v1/tenants/{t}/devices/{d}/first")}
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
        self.words = {name: list(words) for name, words in WORDS.items()}
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
            if len(self.words[name]) > len(WORDS[name]) + KEPT:
                del self.words[name][len(WORDS[name])]

    def path(self, path):
        for name, words in self.words.items():
            if "{" + name + "}" in path:
                word = quote(self.r.choice(TEXTS)) if self.r.random() < 0.15 else self.r.choice(words)
                path = path.replace("{" + name + "}", word or "%20")
        return path


def quote(text):
    return "".join(chr(b) if chr(b).isalnum() and b < 128 else "%%%02X" % b for b in text.encode("utf-8", "surrogatepass"))


class Place:
    """Who asks: an administrator, somebody who has not yet changed a temporary password, and one without a session."""

    def __init__(self, server):
        self.server = server
        server.must("tenant", "add", "acme", "--name", "Acme", "--demo")
        server.must("site", "add", "acme/berlin", "--country", "DE")
        server.must("device", "add", "acme/fw1", "--site", "berlin")
        self.admin, self.half, self.stranger = (Browser(server.web_port) for _ in range(3))
        made = server.ask("user", "add", "root", "--role", "operator-admin")
        self.password = self.admin.sign_in("root", made["password"])
        made = server.ask("user", "add", "half", "--role", "auditor")
        first = self.half.post("/api/v1/session", {"user": "half", "password": made["password"]})
        assert first.json()["stage"] == "password", first

    def who(self, key):
        if key == ("post", "/api/v1/session"):
            return self.stranger
        return self.half if key in STEPS else self.admin


@pytest.fixture(name="served", scope="module")
def fixture_served():
    server = Server(settings="sign_in_threads = 1")
    try:
        yield Place(server)
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


def check(maker, operation, key, answer):
    kind = answer.headers.get("content-type", "").split(";")[0]
    assert answer.status < 500 or answer.status == 503, (key, answer)
    if answer.status >= 400:
        assert kind == "application/problem+json", (key, answer)
        problem = answer.json()
        wrong = list(faults(maker, {"$ref": "#/components/schemas/Problem"}, problem))
        assert not wrong and problem["status"] == answer.status, (key, wrong, problem)
        assert len(problem["detail"]) > 5, (key, problem)
        return
    said = operation["responses"].get(str(answer.status))
    assert said is not None, (key, answer)
    assert kind in said.get("content", {}), (key, answer)
    if kind == "application/json":
        wrong = list(faults(maker, said["content"][kind]["schema"], answer.json()))
        assert not wrong, (key, wrong, answer)


def ask(person, method, where, made, endless):
    """The answer; of one without an end (events) its head."""
    return person.head_of(method, where, made) if endless else person.send(method, where, made)


def operations(spec):
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item and (method, path) not in LEAVE:
                yield (method, path), item[method]


def is_endless(operation):
    return any("text/event-stream" in said.get("content", {}) for said in operation["responses"].values())


def test_made_up_requests(served):
    spec = yaml.safe_load((TOP / "api" / "openapi.yaml").read_text())
    maker, counts, wrong, slowest = Maker(spec, SEED), {}, [], (0, None)
    before = {name: role["pid"] for name, role in served.server.roles().items()}
    for _ in range(ROUNDS):
        for (method, path), operation in operations(spec):
            body = operation.get("requestBody")
            made = maker.body(body["content"]["application/json"]["schema"]) if body else None
            where = maker.path(path) + maker.query(operation)
            began = time.monotonic()
            try:
                answer = ask(served.who((method, path)), method.upper(), where, made, is_endless(operation))
                maker.learn(path, answer)
                check(maker, operation, (method, where, made), answer)
            except (AssertionError, OSError, http.client.HTTPException) as problem:
                wrong.append((method, where, made, str(problem)[:600]))
                continue
            slowest = max(slowest, (time.monotonic() - began, f"{method} {where[:200]}"))
            counts[answer.status] = counts.get(answer.status, 0) + 1
    print(f"{sum(counts.values())} answers by status: {dict(sorted(counts.items()))}; slowest {slowest}")
    for line in wrong:
        print("XX", repr(line)[:700])
    assert not wrong, f"{len(wrong)} of {sum(counts.values())}: {json.dumps(wrong[:20], indent=1, default=repr)}"
    assert counts.get(200, 0) > 0 and counts.get(400, 0) > 0
    assert served.admin.get("/api/v1/session").json()["stage"] == "open", "all of it was asked as an administrator"
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
