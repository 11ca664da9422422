"""People over HTTPS, with the real keys: signing in, users, roles, tokens, grants, and who may ask for what."""
import json
import pathlib
import re

import pytest

from browser import NEW_PASSWORD, Browser, api, totp
from senders import Server

ROUTES = pathlib.Path(__file__).resolve().parents[2] / "src/api/routes.c"
I = "/api/v1/instance"


class Place:
    """A Fairlead with two tenants and people who are signed in."""

    def __init__(self):
        self.server = Server()
        self.people, self.passwords = {}, {}
        for tenant in ("acme", "other"):
            self.server.must("tenant", "add", tenant)
        self.add("admin", "operator-admin")
        for role in ("network", "support", "auditor"):
            self.add(role, role)
        for tenant in ("acme", "other"):
            self.add(f"{tenant}/boss", "tenant-admin")
        for role in ("analyst", "privacy-officer", "viewer", "supply-manager"):
            self.add(f"acme/{role}", role)

    def add(self, user, role):
        made = self.server.ask("user", "add", user, "--role", role)
        person = Browser(self.server.web_port)
        fresh = NEW_PASSWORD.format(re.sub(r"\W", "", user)[::-1])
        self.passwords[user] = person.sign_in(made["sign_in"], made["password"], fresh)
        self.people[user] = person
        return person

    def __getitem__(self, user):
        return self.people[user]

    def events(self):
        return [line["event"] for line in self.server.ask_lines("events", "list", "--limit", "1000")]


@pytest.fixture(name="place", scope="module")
def fixture_place():
    place = Place()
    try:
        yield place
    finally:
        place.server.remove()


def test_a_session_says_who_and_what(place):
    mine = place["acme/boss"].get("/api/v1/session").json()
    assert mine["stage"] == "open" and mine["user"]["tenant"] == "acme"
    assert [t["slug"] for t in mine["tenants"]] == ["acme"]
    assert "add" in mine["rights"]["users"] and "health" not in mine["rights"]
    staff = place["admin"].get("/api/v1/session").json()
    assert staff["user"]["tenant"] is None and staff["totp"] is True
    assert {t["slug"]: t["data"] for t in staff["tenants"]} == {"acme": False, "other": False}


def test_nobody_is_let_in_without_a_session(place):
    stranger = Browser(place.server.web_port)
    for path in ("/api/v1/session", "/api/v1/tenants", api("acme"), I + "/status", I + "/users"):
        answer = stranger.get(path)
        assert answer.status == 401 and answer.json()["code"] == "sign_in", path
    assert stranger.post("/api/v1/session", {"user": "admin", "password": "no"}).status == 401
    thief = Browser(place.server.web_port)
    thief.cookie = "A" * 43
    assert thief.get("/api/v1/session").status == 401


def test_a_cookie_alone_changes_nothing(place):
    boss = place["acme/boss"]
    body = json.dumps({"slug": "berlin"})
    for headers in ({"X-CSRF-Token": None}, {"X-CSRF-Token": "x" * 43},
                    {"X-CSRF-Token": boss.csrf, "Sec-Fetch-Site": "cross-site"}):
        answer = boss.send("POST", api("acme", "/sites"), body, headers)
        assert answer.status == 403 and answer.json()["code"] == "csrf", headers
    assert boss.get(api("acme", "/sites")).json()["total"] == 0


def routes():
    """Every row of the table, as it stands in the source: method, path, object, verb."""
    text = ROUTES.read_text(encoding="utf-8")
    words = dict(re.findall(r'^#define (\w+) +"([^"]*)"$', text, re.M))
    for name, value in re.findall(r"^#define (\w+) +(\w+ +\"[^\"]*\")$", text, re.M):
        words[name] = "".join(p.strip('"') if p[0] == '"' else words[p] for p in value.split())
    for method, path, thing, verb in re.findall(
            r'\{"(\w+)",\s*([^,]+?),\s*FL_OBJECT_(\w+),\s*FL_VERB_(\w+),', text):
        parts = re.findall(r'"[^"]*"|\w+', path)
        yield method, "".join(p.strip('"') if p[0] == '"' else words[p] for p in parts), thing.lower(), verb.lower()


SETUP = {"users", "roles", "tokens", "departments", "retention", "sites", "devices", "certificates", "alarms"}
DATA = {"logs", "searches", "personal"}
SLOW = ("/tail", "/first", "/stream", "/active", "/keys/root", "/store/", "/logs/export")


def expected(rights, tenant, mine, path, thing, verb, method):
    """None: it gets through to the handler. Grants of `acme` here: network without data."""
    if thing == "open":
        return None
    if mine and path.startswith(I):
        return 403
    if mine and path.startswith("/api/v1/tenants/{t}") and tenant != mine:
        return 404
    if thing in ("step", "self"):
        return None
    if verb not in rights.get(thing, ()):
        return 403
    if not mine and path.startswith("/api/v1/tenants/{t}") and thing in DATA:
        return 403
    return None


@pytest.mark.parametrize("who", ["admin", "network", "support", "auditor", "acme/boss", "acme/analyst",
                                 "acme/privacy-officer", "acme/viewer", "acme/supply-manager"])
def test_every_route_as_the_table_of_roles_says(place, who):
    person = place[who]
    mine = who.split("/")[0] if "/" in who else None
    rights = person.get("/api/v1/session").json()["rights"]
    asked, wrong = 0, []
    for tenant in ("acme", "other", "no-such-tenant"):
        for method, path, thing, verb in routes():
            if any(word in path for word in SLOW) or path.startswith("/api/v1/session"):
                continue
            if tenant != "acme" and "{t}" not in path:
                continue
            if not mine and tenant == "no-such-tenant":
                continue
            want = expected(rights, tenant, mine, path, thing, verb, method)
            real = re.sub(r"\{\w+\}", "999999", path.replace("{t}", tenant))
            answer = person.send(method, real, "{}" if method in ("POST", "PUT", "PATCH") else None)
            asked += 1
            if want is None:
                fine = answer.status not in (401, 403) or (
                    answer.status == 403 and answer.json()["code"] == "no_grant" and not mine)
            else:
                fine = answer.status == want
            if not fine:
                wrong.append((method, real, answer.status, want, answer.body[:120]))
    assert not wrong, wrong
    assert asked > 50


def test_what_is_not_told_of_another_tenant(place):
    boss = place["acme/boss"]
    there, none = (boss.get(api(t, "/sites")) for t in ("other", "nowhere"))
    assert there.status == none.status == 404
    assert there.body.replace(b"other", b"T") == none.body.replace(b"nowhere", b"T")


def test_users_and_last_administrator(place):
    boss = place["acme/boss"]
    made = boss.post(api("acme", "/users"), {"name": "kim", "roles": ["viewer"]})
    assert made.status == 201 and len(made.json()["password"]) >= 12
    kim = Browser(place.server.web_port)
    first = kim.post("/api/v1/session", {"user": "kim@acme", "password": made.json()["password"]})
    assert first.json()["stage"] == "password"
    assert kim.get(api("acme", "/sites")).json()["code"] == "stage_password"
    weak = kim.post("/api/v1/session/password", {"old": made.json()["password"], "new": "kim"})
    assert weak.status == 422 and weak.json()["field"] == "new" and len(weak.json()["detail"]) > 20
    kim.csrf = kim.get("/api/v1/session").json()["csrf"]
    assert kim.post("/api/v1/session/password", {"old": made.json()["password"],
                                                 "new": "Quay-Bollard-77-tide"}).json()["stage"] == "open"
    assert kim.get(api("acme", "/sites")).status == 200
    refused = boss.send("DELETE", api("acme", "/users/boss"))
    assert refused.status == 409 and refused.json()["code"] == "last_admin"
    # what a role loses, the running session loses at once; a disabled user's session ends
    one = boss.get(api("acme", "/users/kim"))
    tag = {"If-Match": one.headers["etag"]}
    assert boss.send("PATCH", api("acme", "/users/kim"), {"roles": ["supply-manager"]}, tag).status == 200
    assert kim.get(api("acme", "/logs/top?by=app")).status == 403
    assert boss.send("PATCH", api("acme", "/users/kim"), {"disabled": True}, tag).status == 412
    assert boss.send("PATCH", api("acme", "/users/kim"), {"disabled": True}).status == 200
    assert kim.get("/api/v1/session").status == 401
    assert boss.send("DELETE", api("acme", "/users/kim")).status == 200


def test_roles_of_ones_own(place):
    boss = place["acme/boss"]
    assert boss.post(api("acme", "/roles"), {"name": "gate", "rights": {"sites": ["read"]}}).status == 201
    more = boss.post(api("acme", "/roles"), {"name": "peep", "rights": {"personal": ["reveal"]}})
    assert more.status == 403 and "may more than you" in more.json()["detail"]
    person = place.add("acme/porter", "gate")
    assert person.get(api("acme", "/sites")).status == 200
    assert person.get(api("acme", "/devices")).status == 403
    grown = {"rights": {"sites": ["read"], "devices": ["read"]}}
    assert boss.send("PATCH", api("acme", "/roles/gate"), grown).status == 200
    assert person.get(api("acme", "/devices")).status == 200


def test_tokens(place):
    boss = place["acme/boss"]
    made = boss.post(api("acme", "/tokens"), {"name": "ci", "roles": ["viewer"], "days": 2})
    assert made.status == 201 and made.json()["token"].startswith("flt_")
    tool = Browser(place.server.web_port, token=made.json()["token"])
    assert tool.get(api("acme", "/sites")).status == 200
    assert tool.post(api("acme", "/sites"), {"slug": "x"}).status == 403
    assert tool.get(api("other", "/sites")).status == 404
    assert tool.post("/api/v1/session/enrol").status == 403
    listed = boss.get(api("acme", "/tokens"))
    assert b"flt_" not in listed.body and listed.json()["items"][0]["last_used"]
    assert boss.send("DELETE", api("acme", "/tokens/ci")).status == 200
    assert tool.get(api("acme", "/sites")).status == 401


def test_the_command_line_with_a_token(place):
    server = place.server
    made = server.ask("token", "add", "watch", "--user", "admin", "--role", "auditor")
    assert made["token"].startswith("flt_") and made["roles"] == ["auditor"]
    assert "watch" in server.must("token", "list")
    assert "operator-admin" in server.must("role", "list")
    assert "it is ended" in server.must("grant", "list", "--tenant", "acme")
    assert "acme" in server.must("user", "list", "--tenant", "acme")
    server.must("token", "remove", "watch", "--yes")


def test_grants_decide_what_the_operator_sees(place):
    boss, network, support = place["acme/boss"], place["network"], place["support"]
    top = api("acme", "/logs/top?by=app")
    assert network.get(api("acme", "/sites")).status == 200
    assert network.get(top).json()["code"] == "no_grant"
    given = boss.post(api("acme", "/grants"), {"kind": "network", "data": True})
    assert given.status == 201 and network.get(top).status == 200
    assert boss.send("DELETE", api("acme", f"/grants/{given.json()['id']}")).status == 200
    assert network.get(top).status == 403
    assert network.get(api("acme", "/sites")).json()["code"] == "no_grant"
    assert boss.post(api("acme", "/grants"), {"kind": "support", "hours": 1}).status == 422
    given = boss.post(api("acme", "/grants"), {"kind": "support", "hours": 1, "reason": "T-4711"})
    assert given.status == 201 and support.get(top).status == 200 and network.get(top).status == 200
    assert boss.send("DELETE", api("acme", f"/grants/{given.json()['id']}")).status == 200
    assert support.get(top).status == 403
    assert boss.post(api("acme", "/grants"), {"kind": "network"}).status == 201
    assert place["admin"].post(api("acme", "/grants"), {"kind": "network"}).status == 403


def test_personal_data_needs_a_purpose(place):
    analyst, boss = place["acme/analyst"], place["acme/boss"]
    assert analyst.post(api("acme", "/reveals"), {"purpose": "curiosity"}).status == 422
    seen = analyst.post(api("acme", "/reveals"), {"purpose": "abuse", "ticket": "T-9", "minutes": 5})
    assert seen.status == 201 and analyst.get("/api/v1/session").json()["reveal_until"]
    listed = boss.get(api("acme", "/reveals")).json()["items"][0]
    assert listed["user"] == "analyst@acme" and listed["living"]
    assert analyst.send("DELETE", api("acme", "/reveals")).status == 200
    assert analyst.get("/api/v1/session").json()["reveal_until"] is None


def test_a_creation_asked_for_twice_is_done_once(place):
    boss = place["acme/boss"]
    key = {"Idempotency-Key": "site-1"}
    first = boss.post(api("acme", "/sites"), {"slug": "hamburg"}, headers=key)
    again = boss.post(api("acme", "/sites"), {"slug": "hamburg"}, headers=key)
    assert first.status == again.status == 201 and first.body == again.body
    assert again.headers["idempotency-replayed"] == "true"
    user = {"name": "twice", "roles": ["viewer"]}
    assert boss.post(api("acme", "/users"), user, headers={"Idempotency-Key": "user-1"}).status == 201
    lost = boss.post(api("acme", "/users"), user, headers={"Idempotency-Key": "user-1"})
    assert lost.status == 409 and lost.json()["code"] == "shown_once"


def test_a_lost_administrator_is_recovered_at_the_machine(place):
    done = place.server.ask("user", "recover", "admin")
    again = Browser(place.server.web_port)
    again.sign_in("admin", done["password"], "Fresh-Harbour-33-light")
    assert again.get(I + "/users").status == 200
    assert place["admin"].get("/api/v1/session").status == 401, "the sessions before have ended"
    place.people["admin"] = again
    assert "user.reset" in place.events()


def test_people_survive_a_restart(place):
    boss = place["acme/boss"]
    place.server.stop()
    place.server.start()
    boss.close()
    assert boss.get(api("acme", "/sites")).status == 200
    assert place["network"].get(api("acme", "/sites")).status == 200


def test_no_secret_in_the_record_or_the_log(place):
    text = place.server.must("events", "list", "--limit", "1000", "--json") + place.server.log_text()
    for password in place.passwords.values():
        assert password not in text
    assert "flt_" not in text
    for name in ("user.add", "user.set", "role.add", "token.add", "grant.add", "grant.end", "personal.reveal"):
        assert f'"{name}"' in text, name


def test_a_tenant_that_goes_takes_its_people(place):
    other = place["other/boss"]
    assert other.get("/api/v1/session").status == 200
    place.server.must("tenant", "set", "other", "--local-access", "1h")
    place.server.must("tenant", "remove", "other", "--yes")
    assert other.get("/api/v1/session").status == 401
