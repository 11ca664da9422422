"""api/openapi.yaml is the contract: every route of the program is in it, with its parameters, its body and its right, and
nothing else is."""
import os
import pathlib
import subprocess

import pytest
import yaml

from senders import TOP

TOOL = pathlib.Path(os.environ.get("FAIRLEAD_BUILD", TOP / "build")) / "tests" / "tools" / "routes"
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(name="spec", scope="module")
def fixture_spec():
    return yaml.safe_load((TOP / "api" / "openapi.yaml").read_text())


@pytest.fixture(name="routes", scope="module")
def fixture_routes():
    tool = TOOL if TOOL.exists() else TOP / "build" / "release" / "tests" / "tools" / "routes"
    lines = subprocess.run([tool], check=True, capture_output=True, text=True).stdout.splitlines()
    table = {}
    for line in lines:
        method, path, right, params, fields = line.split(" ")
        table[method.lower(), path] = (right, words(params), fields)
    assert len(table) == len(lines), "no route stands twice"
    return table


def words(text):
    return set() if text in ("-", "{}") else set(text.split(","))


def resolve(spec, thing):
    while "$ref" in thing:
        at = spec
        for part in thing["$ref"][2:].split("/"):
            at = at[part]
        thing = at
    return thing


def operations(spec):
    return {(method, path): (operation, item.get("parameters", []))
            for path, item in spec["paths"].items() for method, operation in item.items() if method in METHODS}


def test_the_same_routes(spec, routes):
    said, there = set(operations(spec)), set(routes)
    assert not said - there, f"only in openapi.yaml: {sorted(said - there)}"
    assert not there - said, f"not in openapi.yaml: {sorted(there - said)}"


def test_parameters(spec, routes):
    wrong = []
    for key, (operation, _) in operations(spec).items():
        said = {p["name"] for p in (resolve(spec, x) for x in operation.get("parameters", [])) if p["in"] == "query"}
        if said != routes[key][1]:
            wrong.append((key, sorted(said), sorted(routes[key][1])))
    assert not wrong


def test_path_arguments(spec):
    for (method, path), (_, shared) in operations(spec).items():
        said = {p["name"] for p in (resolve(spec, x) for x in shared)}
        assert said == {part[1:-1] for part in path.split("/") if part.startswith("{")}, (method, path)


def test_bodies(spec, routes):
    wrong = []
    for key, (operation, _) in operations(spec).items():
        fields = routes[key][2]
        body = operation.get("requestBody")
        if (body is None) != (fields == "-"):
            wrong.append((key, "a body" if body else "no body", fields))
            continue
        if body is None:
            continue
        content = resolve(spec, body)["content"]
        if fields == "(bytes)":
            if set(content) != {"application/octet-stream"}:
                wrong.append((key, sorted(content), fields))
            continue
        schema = resolve(spec, content["application/json"]["schema"])
        said = set(schema.get("properties", {}))
        if said != words(fields):
            wrong.append((key, sorted(said), sorted(words(fields))))
    assert not wrong


def test_rights(spec, routes):
    wrong = [(key, operation.get("x-right"), routes[key][0]) for key, (operation, _) in operations(spec).items()
             if operation.get("x-right", "") != routes[key][0] and not key[1].startswith("/api/v1/session")]
    assert not wrong


def test_every_reference_is_there(spec):
    def walk(thing):
        if isinstance(thing, dict):
            if "$ref" in thing:
                resolve(spec, thing)
            for value in thing.values():
                walk(value)
        elif isinstance(thing, list):
            for value in thing:
                walk(value)
    walk(spec)


def test_names_of_operations_are_unique(spec):
    names = [operation["operationId"] for operation, _ in operations(spec).values()]
    assert len(names) == len(set(names))
