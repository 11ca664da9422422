"""Feeds, mail and webhooks: what goes out, what comes back, and what neither may do. Servers of the test's own."""
import email
import email.policy
import hashlib
import hmac
import json
import os
import signal
import time

import pytest

from browser import Browser
from feed_server import (FeedServer, MailServer, bomb, cap, endless, failing, index, oversize, quake, redirect, slow,
                         usgs)
from senders import TOP, Server, openssl, until

SHARED = TOP.parent / "shared" / "data" / "supply"
EVENTS = "/api/v1/tenants/acme/events"


class World:
    """A Fairlead with a tenant, a web server and a mail server beside it."""

    def __init__(self, home):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", home / "k.pem", "-out", home / "c.pem")
        (home / "pair.pem").write_text((home / "c.pem").read_text() + (home / "k.pem").read_text())
        self.web, self.tls, self.other, self.mail = FeedServer(), FeedServer(home / "pair.pem"), FeedServer(), MailServer()
        here, tls = f"127.0.0.1:{self.web.port}", f"localhost:{self.tls.port}"
        self.server = Server(settings=f"""
outbound_allow = {here}, {tls}, 127.0.0.1:{self.other.port}, localhost:{self.web.port}, [::ffff:127.0.0.1]:{self.web.port}, hooks.example.org
outbound_private = {here}, {tls}
outbound_ca = {home}/c.pem
smtp_server = 127.0.0.1:{self.mail.port}
smtp_tls = none
smtp_from = fairlead@example.org
""".replace("outbound_private = ", f"outbound_private = 127.0.0.1:{self.mail.port}, "))
        self.server.tenant("acme")
        made = json.loads(self.server.must("user", "add", "ann", "--tenant", "acme", "--role", "supply-manager", "--json"))
        self.browser = Browser(self.server.web_port)
        self.browser.sign_in("ann@acme", made["password"])

    def url(self, path):
        return f"http://127.0.0.1:{self.web.port}{path}"

    def show(self, feed):
        return self.server.ask("feed", "show", feed)

    def add(self, name, kind, url=None, *options, runs=1, **files):
        """A feed that is read at once; returns how it went."""
        for path, what in files.items():
            self.web.files["/" + path] = what
        self.server.must("feed", "add", name, url or self.url("/" + name), "--kind", kind, "--plain", "--enabled", *options)
        return until(lambda: self.show(name)["runs"] >= runs and self.show(name), f"{name} is read")

    def again(self, name):
        runs = self.show(name)["runs"]
        self.server.must("feed", "run", name)
        return until(lambda: self.show(name)["runs"] > runs and self.show(name), f"{name} is read again")

    def refused(self, name):
        return self.server.ask_lines("feed", "refused", name)

    def events(self, query=""):
        return self.browser.get(f"{EVENTS}?limit=500&since=2000-01-01T00:00:00Z{query}").json()["items"]

    def event(self, title):
        found = [e for e in self.events() if title in e["title"]]
        assert len(found) == 1, (title, [e["title"] for e in self.events()])
        return self.browser.get(f"{EVENTS}/{found[0]['id']}").json()

    def history(self, event):
        return self.browser.get(f"{EVENTS}/{event['id']}/history").json()["items"]

    def close(self):
        self.server.remove()
        for one in (self.web, self.tls, self.other, self.mail):
            one.close()


@pytest.fixture(name="world", scope="module")
def fixture_world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("feeds"))
    yield world
    world.close()


def test_nothing_is_asked_for_that_nobody_wanted(world):
    feeds = world.server.ask_lines("feed", "list")
    assert {"usgs", "gdacs", "nws", "ibtracs"} <= {f["feed"] for f in feeds}
    assert all(f["state"] == "off" and f["runs"] == 0 for f in feeds if f["feed"] in ("usgs", "gdacs", "nws", "ibtracs"))
    refused = world.server.run("feed", "run", "usgs")
    assert refused.returncode != 0 and "switched off" in refused.stderr


def test_read_and_conditional(world):
    got = world.add("quakes", "usgs", quakes=usgs(quake("us1000aaaa", 6.1, 35.0, 139.0), quake("us1000bbbb", 5.0, 10.0, 20.0)))
    assert (got["state"], got["events"], got["changes"], got["refused"]) == ("ok", 2, 2, 0)
    assert got["problem"] is None and got["bytes"] > 500
    got = world.again("quakes")
    assert (got["unchanged"], got["events"], got["changes"]) == (1, 2, 2)
    assert world.web.asked[-1][1]["if-none-match"]
    # the same in other bytes is no version either
    world.web.files["/quakes"] = usgs(quake("us1000aaaa", 6.1, 35.0, 139.0), quake("us1000bbbb", 5.0, 10.0, 20.0)) + b"\n"
    got = world.again("quakes")
    assert (got["unchanged"], got["events"], got["changes"]) == (1, 4, 2)
    event = world.event("6.1")
    assert event["version"] == 1 and event["feed"] == "quakes" and event["event"]["magnitude"] == 6.1
    assert event["state"] == "waits" and "network" in event["why_not"]


def test_one_event_renumbered_updated_withdrawn(world):
    first = quake("us2000aaaa", 7.0, -20.0, -70.0, time_ms=1_791_000_000_000)
    other = quake("us2000zzzz", 5.5, 40.0, 30.0, time_ms=1_790_900_000_000)
    world.add("life", "usgs", life=usgs(first, other))
    born = world.event("7.0")
    # another network's number becomes the preferred one; the old one stays among its names
    second = quake("ci20009999", 7.2, -20.1, -70.1, ids=["us2000aaaa", "ci20009999"], time_ms=1_791_000_000_000, updated=5000)
    world.web.files["/life"] = usgs(second, other)
    world.again("life")
    changed = world.event("7.2")
    assert changed["id"] == born["id"] and changed["version"] == 2
    assert {"usgs:us2000aaaa", "usgs:ci20009999"} <= set(changed["event"]["ids"])
    # gone from a list of everything: withdrawn
    world.web.files["/life"] = usgs(other)
    world.again("life")
    gone = world.event("7.2")
    assert gone["id"] == born["id"] and gone["withdrawn"] is not None
    assert world.event("5.5")["withdrawn"] is None
    steps = world.history(gone)
    assert [s["what"] for s in steps] == ["new", "update", "cancel"]
    assert [s["magnitude"] for s in steps] == [7.0, 7.2, 7.2]
    assert gone["id"] not in [e["id"] for e in world.events("&standing=yes")]


def test_one_event_from_two_feeds(world):
    world.add("here", "usgs", here=usgs(quake("us3000aaaa", 6.5, 1.0, 120.0, time_ms=1_792_000_000_000)))
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_792_000_030))
    rows = [{"id": "x1", "type": "GEO-001", "title": "Beben in Sulawesi", "lat": 1.2, "lon": 120.2, "magnitude": 6.4,
             "from": at, "issued": at}]
    world.add("there", "list-json", there=json.dumps(rows).encode())
    event = world.event("6.5")
    assert {f["feed"] for f in event["feeds"]} == {"here", "there"}
    assert {"usgs:us3000aaaa"} < set(event["event"]["ids"]) and event["version"] == 2


def test_alerts_of_an_index(world):
    world.web.files.update({"/a1": cap("A1"), "/a2": b"<alert>broken", "/a3": cap("A3", status="Exercise", event="Drill")})
    links = [world.url(p) for p in ("/a1", "/a2", "/a3", "/missing")] + [f"http://127.0.0.1:{world.other.port}/steal"]
    got = world.add("alerts", "cap", alerts=index(*links))
    assert got["state"] == "ok" and got["events"] == 2 and got["refused"] == 3
    why = {r["why"]: r for r in world.refused("alerts")}
    assert any("another host" in w for w in why) and any("404" in w for w in why)
    broken = next(r for w, r in why.items() if "another host" not in w and "404" not in w)
    assert broken["head"].startswith("<alert>broken") and broken["from"] == world.url("/a2")
    assert not world.other.asked
    assert world.event("Drill")["exercise"]
    # what was read is not asked for again; what was missing is
    before = world.web.count("/a1"), world.web.count("/missing")
    world.web.files["/missing"] = cap("A4", kind="Update", references="warn@example.org,A1,2026-11-22T08:00:00+00:00",
                                      sent="2026-11-22T09:00:00+00:00", event="Larger flood")
    world.again("alerts")
    assert (world.web.count("/a1"), world.web.count("/missing")) == (before[0], before[1] + 1)
    flood = world.event("Larger flood")
    assert flood["version"] == 2 and not [e for e in world.events() if e["title"] == "Flood at the river"]
    world.web.files.update({"/a5": cap("A5", kind="Cancel", references="warn@example.org,A4,2026-11-22T09:00:00+00:00",
                                       sent="2026-11-22T10:00:00+00:00", event="Larger flood")})
    world.web.files["/alerts"] = index(*links, world.url("/a5"))
    world.again("alerts")
    gone = world.event("Larger flood")
    assert gone["id"] == flood["id"] and gone["withdrawn"] is not None
    assert [s["what"] for s in world.history(gone)] == ["new", "update", "cancel"]


@pytest.mark.parametrize("name,answer,says", [
    ("elsewhere", lambda w: redirect(f"http://localhost:{w.web.port}/quakes"), "another host"),
    ("outside", lambda w: redirect("http://www.example.org/"), "another host"),
    ("circle", lambda w: redirect("/circle"), "redirects more than 3 times"),
    ("bomb", lambda w: bomb, "larger than 16777216 bytes"),
    ("large", lambda w: oversize, "larger than 16777216 bytes"),
    ("endless", lambda w: endless, "larger than 16777216 bytes"),
    ("broken", lambda w: failing(500), "answers 500"),
    ("nothing", lambda w: failing(404), "answers 404"),
])
def test_answers_that_are_refused(world, name, answer, says):
    world.web.files["/" + name] = answer(world)
    got = world.add(name, "usgs")
    assert got["state"] == "failing" and says in got["problem"] and got["failures"] == 1, got
    assert got["events"] == 0
    world.server.must("feed", "remove", name, "--yes")


def test_a_body_that_does_not_move(world):
    world.web.files["/slow"] = slow
    world.server.must("feed", "add", "slow", world.url("/slow"), "--kind", "usgs", "--plain", "--enabled")
    got = until(lambda: world.show("slow")["runs"] and world.show("slow"), "slow is given up", 45)
    assert got["state"] == "failing" and got["events"] == 0
    world.server.must("feed", "remove", "slow", "--yes")


def test_back_off_and_retry_after(world):
    world.web.files["/tired"] = failing(503, Retry_After="7200")
    before = time.time()
    got = world.add("tired", "usgs")
    assert "503" in got["problem"]

    def until_s(name):
        at = time.strptime(world.show(name)["next_run"].split(".")[0], "%Y-%m-%dT%H:%M:%S")
        return time.mktime(at) - time.timezone - before

    assert until_s("tired") > 7000
    # the whole host was asked to be left alone
    assert until_s("quakes") > 7000
    world.web.files["/tired"] = failing(500)
    waits = []
    for _ in range(3):
        world.again("tired")
        before = time.time()
        waits.append(until_s("tired"))
    assert waits[0] < waits[1] < waits[2] and waits[2] > 3 * 900, waits
    world.web.files["/tired"] = usgs(quake("us4000aaaa", 4.0, 0.0, 0.0))
    got = world.again("tired")
    assert got["state"] == "ok" and got["failures"] == 0 and got["failing_since"] is None


@pytest.mark.parametrize("url,says", [
    ("http://localhost:{port}/quakes", "no public address"),
    ("http://[::ffff:127.0.0.1]:{port}/quakes", "no public address"),
    ("http://127.0.0.1:{other}/quakes", "no public address"),
])
def test_private_addresses(world, url, says):
    before = len(world.web.asked) + len(world.other.asked)
    got = world.add("inside", "usgs", url.format(port=world.web.port, other=world.other.port))
    assert got["state"] == "failing" and says in got["problem"] and "outbound_private" in got["problem"], got
    assert len(world.web.asked) + len(world.other.asked) == before, "nothing was connected to"
    world.server.must("feed", "remove", "inside", "--yes")


@pytest.mark.parametrize("url,options,says", [
    ("https://www.example.org/", [], "outbound_allow"),
    ("http://127.0.0.1:1/", [], "http, which anybody"),
    ("https://user:secret@www.example.org/", [], "user name"),
    ("file:///etc/passwd", ["--plain"], "https://"),
    ("https://www.example.org/a b", [], "character"),
    ("https://www.example.org/#top", [], "#"),
])
def test_addresses_that_are_none(world, url, options, says):
    done = world.server.run("feed", "add", "none", url, "--kind", "usgs", "--enabled", *options)
    assert done.returncode != 0 and says in done.stderr, done.stderr


def test_https(world):
    world.tls.files["/q"] = usgs(quake("us5000aaaa", 5.9, 60.0, 60.0))
    world.server.must("feed", "add", "safe", f"https://localhost:{world.tls.port}/q", "--kind", "usgs", "--enabled")
    got = until(lambda: world.show("safe")["runs"] and world.show("safe"), "it is read over TLS")
    assert got["state"] == "ok" and got["events"] == 1, got
    # the name must be the certificate's
    server = Server(settings=f"outbound_allow = localhost:{world.tls.port}\noutbound_private = localhost:{world.tls.port}\n")
    try:
        server.must("feed", "add", "safe", f"https://localhost:{world.tls.port}/q", "--kind", "usgs", "--enabled")
        got = until(lambda: server.ask("feed", "show", "safe")["runs"] and server.ask("feed", "show", "safe"), "it was tried")
        assert got["state"] == "failing" and "not trusted" in got["problem"] and "outbound_ca" in got["problem"]
    finally:
        server.remove()


def test_malformed_is_kept(world):
    bad = quake("us6000bad1", 6.6, 95.0, 200.0)
    got = world.add("dirty", "usgs", dirty=usgs(quake("us6000good", 4.4, 5.0, 5.0), bad))
    assert got["events"] == 1 and got["refused"] == 1 and got["state"] == "ok"
    kept = world.refused("dirty")[0]
    assert kept["count"] == 1 and "us6000bad1" in kept["head"] and kept["why"]
    world.web.files["/dirty"] = b" " + world.web.files["/dirty"]
    world.again("dirty")
    assert world.refused("dirty")[0]["count"] == 2 and len(world.refused("dirty")) == 1
    got = world.add("rubbish", "usgs", rubbish=b"\x00\x01<html>this is no feed")
    assert got["state"] == "failing" and got["refused"] == 1
    assert "this is no feed" in world.refused("rubbish")[0]["head"]


def test_a_list_of_ones_own(world):
    table = "No;What;Begin;North;East\nS-1;Streik im Hafen;2026-11-22;53.5;9.9\nS-2;;2026-11-22;;\n".encode()
    got = world.add("strikes", "list-csv", None, "--map", "id=No;title=What;from=Begin;lat=North;lon=East;type='LAB-001'",
                    strikes=table)
    assert got["events"] >= 1, (got, world.refused("strikes"))
    event = world.event("Streik im Hafen")
    assert event["type"] == "LAB-001" and event["lat"] == 53.5
    done = world.server.run("feed", "set", "strikes", "--map", "title")
    assert done.returncode != 0 and "columns" in done.stderr


def test_long_outlines_are_thinned_not_lost(world):
    points = 12000
    ring = " ".join(f"{20 + 5 * (1 if i < points / 2 else -1) + 0.3 * ((i * 7919) % 101) / 101:.6f},"
                    f"{40 + (i if i < points / 2 else points - i) * 0.002:.6f}" for i in range(points))
    first = ring.split(" ", 1)[0]
    rings = f"{ring} {first}"
    got = world.add("coast", "cap", coast=cap("LONG", polygon=rings, event="Long coast"))
    assert (got["events"], got["refused"]) == (1, 0), world.refused("coast")
    event = world.event("Long coast")
    assert "thinned" in event["event"]["text"] and 3 < len(event["event"]["rings"][0]["points"]) < points


def test_typed_events(world):
    got = world.browser.post(EVENTS, {"type": "LAB-001", "title": "Strike at the works", "lat": 48.1, "lon": 11.5, "radius_km": 20,
                                      "countries": ["DE"], "probability": 0.7, "days": 5})
    assert got.status == 201, got
    event = got.json()
    assert event["typed"] and event["feed"] is None and event["event"]["sender"].startswith("ann")
    for body, field in (({"type": "LAB-001"}, "title"), ({"type": "XXX-999", "title": "x"}, "type"),
                        ({"type": "LAB-001", "title": "x", "lat": 99, "lon": 1}, "lat"),
                        ({"type": "LAB-001", "title": "x", "polygon": [[1, 2]]}, "rings")):
        refused = world.browser.post(EVENTS, body)
        assert refused.status == 422 and field in refused.json()["detail"], refused
    drawn = world.browser.post(EVENTS, {"type": "HYD-001", "title": "Flood", "polygon": [[10, 10], [10, 11], [11, 11]]}).json()
    assert drawn["event"]["rings"][0]["points"][1] == [10, 11]
    changed = world.browser.send("PATCH", f"{EVENTS}/{event['id']}", {"days": 9, "probability": None}).json()
    assert changed["event"]["days"] == 9 and "probability" not in changed["event"] and changed["version"] == 2
    gone = world.browser.send("DELETE", f"{EVENTS}/{event['id']}")
    assert gone.status == 200 and gone.json()["withdrawn"]
    assert world.browser.send("PATCH", f"{EVENTS}/{event['id']}", {"days": 1}).status == 409
    assert [s["what"] for s in world.history(event)] == ["typed", "changed", "cancel"]
    fed = world.event("6.1")
    assert world.browser.send("PATCH", f"{EVENTS}/{fed['id']}", {"days": 1}).status == 409
    types = world.browser.get("/api/v1/tenants/acme/event-types").json()
    assert types["total"] == 365 == len(types["items"])
    # a neighbour sees the feeds' events and not these
    world.server.tenant("other")
    made = json.loads(world.server.must("user", "add", "bob", "--tenant", "other", "--role", "supply-manager", "--json"))
    bob = Browser(world.server.web_port)
    bob.sign_in("bob@other", made["password"])
    assert bob.get(f"/api/v1/tenants/other/events/{fed['id']}").status == 200
    assert bob.get(f"/api/v1/tenants/other/events/{event['id']}").status == 404
    assert bob.get("/api/v1/instance/feeds").status == 403
    states = bob.get("/api/v1/tenants/other/feeds").json()["items"]
    assert states and all("url" not in f for f in states)


def notice(world, made):
    """The notice as it is now."""
    items = world.browser.get("/api/v1/tenants/acme/notices").json()["items"]
    return next(n for n in items if n["id"] == made["id"])


def send(world, **body):
    return world.browser.post("/api/v1/tenants/acme/notices", {"subject": "Lager läuft leer", "text": "Zeile 1\n.\nZeile 3", **body})


def test_mail(world):
    made = send(world, kind="mail", to="jane@example.org")
    assert made.status == 201, made
    done = until(lambda: notice(world, made.json())["state"] == "sent" and notice(world, made.json()), "it is sent")
    assert done["answer"] == "250 2.0.0 queued as 1" and done["tries"] == 1
    mail = world.mail.mails[0]
    assert (mail["from"], mail["to"]) == ("fairlead@example.org", ["jane@example.org"])
    read = email.message_from_bytes(mail["data"], policy=email.policy.default)
    assert read["Subject"] == "Lager läuft leer" and read["To"] == "jane@example.org" and read["Message-ID"]
    assert read.get_content().splitlines() == ["Zeile 1", ".", "Zeile 3"]


@pytest.mark.parametrize("body,says", [
    ({"kind": "mail", "to": "jane@example.org", "subject": "a\r\nBcc: eve@example.org"}, "one line"),
    ({"kind": "mail", "to": "jane@example.org>\r\nBcc: <eve@example.org"}, "no address of mail"),
    ({"kind": "mail", "to": "jane@example.org, eve@example.org"}, "no address of mail"),
    ({"kind": "webhook", "to": "http://hooks.example.org/x"}, "http"),
    ({"kind": "pigeon", "to": "jane@example.org"}, "mail or webhook"),
])
def test_mail_takes_no_headers(world, body, says):
    made = send(world, **body)
    assert made.status in (404, 422) and says in made.json()["detail"], made


def test_mail_that_is_refused_or_put_off(world):
    world.mail.answers = {"gone@example.org": "550 5.1.1 no such user", "later@example.org": "451 4.3.0 try again"}
    gone, later = (send(world, kind="mail", to=to).json() for to in ("gone@example.org", "later@example.org"))
    gone = until(lambda: notice(world, gone)["state"] == "failed" and notice(world, gone), "it is refused")
    assert "550 5.1.1 no such user" in gone["answer"] and gone["tries"] == 1
    later = until(lambda: notice(world, later)["tries"] == 1 and notice(world, later), "it is put off")
    assert later["state"] == "waits" and "451" in later["answer"] and later["next_try"]


def test_webhook(world):
    url = f"https://localhost:{world.tls.port}/hook"
    before = send(world, kind="webhook", to=url)
    assert before.status in (404, 422) and "webhook-key" in before.json()["detail"], before
    key = world.server.ask("feed", "webhook-key", "--tenant", "acme")["secret"]
    assert len(key) == 64 and key not in world.server.log_text()
    made = send(world, kind="webhook", to=url).json()
    done = until(lambda: notice(world, made)["state"] == "sent" and notice(world, made), "it is sent")
    assert done["answer"] == "200 thanks"
    path, headers, body = world.tls.posted[-1]
    assert path == "/hook" and json.loads(body)["subject"] == "Lager läuft leer"
    stamp, mac = (part.split("=")[1] for part in headers["x-fairlead-signature"].split(","))
    assert abs(time.time() - int(stamp)) < 60
    assert mac == hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    # to its own network only where that is meant; never redirected; put off where that may pass
    away = send(world, kind="webhook", to=f"https://localhost:{world.web.port}/hook").json()
    away = until(lambda: notice(world, away)["state"] == "failed" and notice(world, away), "it is refused")
    assert "no public address" in away["answer"]
    world.tls.files["/moved"], world.tls.files["/busy"] = redirect("/hook"), failing(429, Retry_After="600")
    moved, busy = (send(world, kind="webhook", to=f"https://localhost:{world.tls.port}{p}").json() for p in ("/moved", "/busy"))
    moved = until(lambda: notice(world, moved)["state"] == "failed" and notice(world, moved), "it is not followed")
    assert "302" in moved["answer"]
    busy = until(lambda: notice(world, busy)["tries"] == 1 and notice(world, busy), "it is put off")
    assert busy["state"] == "waits" and "429" in busy["answer"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not there")
def test_stored_feeds(world):
    for name, kind, path, least in (("week", "usgs", "earthquakes/usgs_all_week_2018.geojson", 1500),
                                    ("disasters", "gdacs", "gdacs/gdacs-rss-7d.xml", 3),
                                    ("atlantic", "hurdat2", "cyclones/hurdat2_2014_2018.txt", 50),
                                    ("signed", "cap", "cap/canada_signed.atom", 1)):
        got = world.add(name, kind, None, runs=1, **{name: (SHARED / path).read_bytes()})
        assert got["state"] == "ok" and got["events"] >= least, (name, got)
    before = world.show("week")["changes"]
    world.web.files["/week"] += b"\n"
    assert world.again("week")["changes"] == before


def test_killed_under_load(world):
    many = [quake(f"us{n:08x}", 4.0 + n % 30 / 10, n % 120 - 60, n % 300 - 150, time_ms=1_600_000_000_000 + n * 86_400_000)
            for n in range(2000)]
    world.web.files["/many"] = usgs(*many)
    world.server.must("feed", "add", "many", world.url("/many"), "--kind", "usgs", "--plain", "--enabled")

    def outbound():
        roles = json.loads(world.server.run("status", "--json").stdout)["roles"]
        return next((r for r in roles if r["role"] == "outbound" and r["up"]), None)

    for _ in range(4):
        time.sleep(0.4)
        os.kill(until(outbound, "it is there")["pid"], signal.SIGKILL)
        time.sleep(0.2)
        until(outbound, "it is there again")
        world.server.must("feed", "run", "many")
    got = until(lambda: world.show("many")["state"] == "ok" and world.show("many"), "it is read in the end", 60)
    assert got["problem"] is None
    count = world.browser.get(f"{EVENTS}?limit=1&since=2000-01-01T00:00:00Z&type=GEO").json()["total"]
    assert count >= 2000
    world.web.files["/many"] += b" "
    assert world.again("many")["changes"] == got["changes"], "each of them once"


def test_without_destinations_nothing_runs():
    server = Server(settings="outbound_allow =\n")
    try:
        assert "outbound" not in server.roles()
        server.must("feed", "list")
        done = server.run("feed", "set", "usgs", "--enabled")
        assert done.returncode != 0 and "outbound_allow" in done.stderr
    finally:
        server.remove()
