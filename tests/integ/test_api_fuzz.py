"""Requests made up from api/openapi.yaml, right and wrong ones: whatever comes, the answer is one of the contract's, a
wrong request is told what is wrong, and no process falls. FAIRLEAD_FUZZ=N makes N rounds (2), FAIRLEAD_SEED another series."""
import json
import os
import random

import pytest
import yaml

from browser import Browser
from senders import TOP, Server

ROUNDS = int(os.environ.get("FAIRLEAD_FUZZ", "2"))
SEED = int(os.environ.get("FAIRLEAD_SEED", "20261122"))
METHODS = ("get", "post", "put", "patch", "delete")
# They end the session that asks, or wait for long, or answer without end.
LEAVE = {("delete", "/api/v1/session"), ("delete", "/api/v1/instance/users/{u}/sessions"), ("post", "/api/v1/session"),
         ("post", "/api/v1/session/password"), ("post", "/api/v1/session/enrol"), ("post", "/api/v1/session/confirm"),
         ("post", "/api/v1/session/code"), ("post", "/api/v1/instance/users/{u}/reset"),
         ("delete", "/api/v1/instance/users/{u}"), ("patch", "/api/v1/instance/users/{u}"),
         ("delete", "/api/v1/session/list/{n}"),
         ("get", "/api/v1/tenants/{t}/devices/{d}/first"), ("get", "/api/v1/tenants/{t}/logs/tail"),
         ("get", "/api/v1/tenants/{t}/alarms/stream")}
TEXTS = ["", " ", "a", "berlin", "x" * 300, "x" * 5000, "'; DROP TABLE tenants; --", "../../etc/passwd", "%00", "\u0000",
         "\ud7ff\u202e", "é̂", "<script>alert(1)</script>", "{{7*7}}", "null", "-1", "1e309", "2026-11-22T00:00:00Z",
         "2026-02-30", "app:", "bytes>", "url~\"", "((((((((((", "user:\"user 00000000\"", "\r\nSet-Cookie: a=b"]
NUMBERS = [0, 1, -1, 2, 30, 31, 2**31, 2**32, 2**53, 2**63, 2**64, -2**63, 0.5, 1e308, 1e-320]
WORDS = {"t": ["acme", "none", "demo"], "s": ["berlin", "none"], "d": ["fw1", "none"], "u": ["1", "999999"], "r": ["viewer"],
         "k": ["1"], "g": ["1"], "a": ["1"], "q": ["1"], "n": ["1"], "p": ["sales"], "f": ["00" * 32]}


class Maker:
    def __init__(self, spec, seed):
        self.spec, self.r = spec, random.Random(seed)

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

    def path(self, path):
        for name, words in WORDS.items():
            if "{" + name + "}" in path:
                word = quote(self.r.choice(TEXTS)) if self.r.random() < 0.15 else self.r.choice(words)
                path = path.replace("{" + name + "}", word or "%20")
        return path


def quote(text):
    return "".join(chr(b) if chr(b).isalnum() and b < 128 else "%%%02X" % b for b in text.encode("utf-8", "surrogatepass"))


@pytest.fixture(name="served", scope="module")
def fixture_served():
    server = Server()
    try:
        server.must("tenant", "add", "acme", "--name", "Acme", "--demo")
        server.must("site", "add", "acme/berlin", "--country", "DE")
        server.must("device", "add", "acme/fw1", "--site", "berlin")
        password = json.loads(server.must("user", "add", "root", "--role", "operator-admin", "--json"))["password"]
        person = Browser(server.web_port)
        person.sign_in("root", password)
        yield server, person
    finally:
        server.remove()


def check(spec, operation, key, answer):
    kind = answer.headers.get("content-type", "").split(";")[0]
    assert answer.status < 500 or answer.status == 503, (key, answer)
    if answer.status >= 400:
        assert kind == "application/problem+json", (key, answer)
        problem = answer.json()
        assert {"type", "title", "status", "detail", "code"} <= set(problem), (key, problem)
        assert problem["status"] == answer.status and len(problem["detail"]) > 5, (key, problem)
        return
    said = operation["responses"].get(str(answer.status))
    assert said is not None, (key, answer)
    assert kind in said.get("content", {}), (key, answer)
    if kind == "application/json":
        missing = set(maker_of(spec).resolve(said["content"][kind]["schema"]).get("required", [])) - set(answer.json())
        assert not missing, (key, missing, answer)


def maker_of(spec):
    return Maker(spec, 0)


def test_made_up_requests(served):
    server, person = served
    spec = yaml.safe_load((TOP / "api" / "openapi.yaml").read_text())
    maker, counts = Maker(spec, SEED), {}
    before = {name: role["pid"] for name, role in server.roles().items()}
    for _ in range(ROUNDS):
        for path, item in spec["paths"].items():
            for method in METHODS:
                if method not in item or (method, path) in LEAVE or path.endswith("/keys/root"):
                    continue
                operation = item[method]
                body = operation.get("requestBody")
                made = maker.body(body["content"]["application/json"]["schema"]) if body else None
                where = maker.path(path) + maker.query(operation)
                answer = person.send(method.upper(), where, made)
                check(spec, operation, (method, where, made), answer)
                counts[answer.status] = counts.get(answer.status, 0) + 1
    print("answers by status:", dict(sorted(counts.items())))
    assert counts.get(200, 0) > 0 and counts.get(400, 0) > 0
    assert {name: role["pid"] for name, role in server.roles().items()} == before, "no process fell"


def test_methods_that_are_not_there(served):
    _, person = served
    for method in ("PUT", "DELETE", "PATCH", "POST"):
        assert person.send(method, "/api/v1/instance/status", {}).status == 405
    assert person.send("TRACE", "/api/v1/instance/status").status in (405, 501)
    assert person.get("/api/v1/nonsense").status == 404
