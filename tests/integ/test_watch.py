"""Alarms, saved searches, overview, first line, event streams, masked personal data: what the screen stands on."""
import http.client
import json
import ssl
import time

import pytest

from browser import Browser, api
from senders import connect, connect_once, context, now_text, octets, own_certificate, until

SECRET = ("v.canary", "10.42.7.9", "VCANARY")


def line(number, user="v.canary", source="10.42.7.9"):
    return (f'<14>1 {now_text()} fw1 RT_FLOW - APPTRACK_SESSION_CLOSE [junos@2636.1.1.1.2.129 source-address="{source}" '
            f'source-port="{number % 60000}" destination-address="192.0.2.1" destination-port="443" '
            f'application="SSL" nested-application="YOUTUBE" username="{user}" session-id-32="{number}" '
            f'packets-from-client="1" bytes-from-client="100" packets-from-server="1" bytes-from-server="900" '
            f'elapsed-time="1"]').encode()


@pytest.fixture(name="net", scope="module")
def fixture_net(box):
    box.tenant("acme")
    box.must("site", "set", "acme/berlin", "--city", "Berlin", "--country", "DE", "--place", "52.52,13.405")
    folder = box.device("acme/fw1")
    sock = connect(box, context(folder))
    sock.sendall(octets(line(n) for n in range(1, 41)))
    until(lambda: box.count("--tenant", "acme") == 40, "the lines are stored")
    yield box
    sock.close()


@pytest.fixture(name="analyst", scope="module")
def fixture_analyst(net):
    """A person of the tenant who may read logs, and nothing more."""
    made = json.loads(net.must("user", "add", "ann", "--tenant", "acme", "--role", "analyst", "--json"))
    browser = Browser(net.web_port)
    browser.sign_in("ann@acme", made["password"])
    return browser


def test_places(net):
    site = net.ask("site", "show", "acme/berlin")
    assert (site["city"], site["lat"], site["lon"]) == ("Berlin", 52.52, 13.405)
    refused = net.run("site", "set", "acme/berlin", "--place", "95,13")
    assert refused.returncode == 2 and "lat" in refused.stderr
    assert net.run("site", "set", "acme/berlin", "--place", "here").returncode == 2


def test_local_sight_is_whole(net):
    rows = net.must("logs", "query", "--tenant", "acme", "--limit", "2", "--json", "--original")
    assert "v.canary" in rows and "10.42.7.9" in rows


def test_nothing_leaks_without_reveal(analyst):
    for rest in ("/logs/rows?original=yes", "/logs/top?by=user", "/logs/top?by=src", "/logs/series?by=user",
                 "/logs/facets?by=user,src", "/logs/facets"):
        answer = analyst.get(api("acme", rest))
        assert answer.status == 200, (rest, answer)
        assert answer.headers["fairlead-masked"] == "yes"
        text = answer.body.decode()
        assert not any(secret in text for secret in SECRET), rest
        assert "user " in text or "10.42." in text or "/logs/facets" == rest
    top = analyst.get(api("acme", "/logs/top?by=user")).json()["items"]
    name = top[0]["key"]
    assert top[0]["sessions"] >= 1 and name.startswith("user ")
    found = analyst.get(api("acme", f'/logs/count?where=user:%22{name.replace(" ", "%20")}%22')).json()
    assert found["rows"] == 40
    refused = analyst.get(api("acme", "/logs/rows?where=user:v.canary"))
    assert refused.status == 403 and refused.json()["code"] == "masked" and "purpose" in refused.json()["detail"]


def test_reveal(analyst):
    answer = analyst.post(api("acme", "/reveals"), {"purpose": "incident", "ticket": "T-1", "minutes": 5})
    if answer.status == 403:
        pytest.skip("an analyst may not reveal")
    assert answer.status in (200, 201), answer
    rows = analyst.get(api("acme", "/logs/rows?limit=1"))
    assert "v.canary" in rows.body.decode() and rows.headers["fairlead-masked"] == "no"
    assert analyst.send("DELETE", api("acme", "/reveals")).status in (200, 204)
    assert "v.canary" not in analyst.get(api("acme", "/logs/rows?limit=1")).body.decode()


class Stream:
    """An event stream, read line by line."""

    def __init__(self, browser, path, headers=()):
        ctx = ssl._create_unverified_context()
        self.conn = http.client.HTTPSConnection("127.0.0.1", browser.port, timeout=40, context=ctx)
        self.conn.request("GET", path, headers={"Accept": "text/event-stream",
                                                "Cookie": f"__Host-fairlead={browser.cookie}", **dict(headers)})
        self.answer = self.conn.getresponse()

    def event(self):
        event = {}
        while True:
            text = self.answer.readline().decode()
            assert text, "the stream ended"
            text = text.rstrip("\n")
            if text == "" and "data" in event:
                return event
            if text and not text.startswith(":"):
                name, _, value = text.partition(": ")
                event[name] = value

    def close(self):
        self.conn.close()


def test_tail_as_events(net, analyst):
    stream = Stream(analyst, api("acme", "/logs/tail"))
    assert stream.answer.status == 200 and stream.answer.headers["content-type"] == "text/event-stream"
    sock = connect(net, context(net.home / "acme-fw1"))
    sock.sendall(octets(line(n) for n in range(101, 104)))
    first = stream.event()
    assert first["event"] == "row" and "v.canary" not in first["data"]
    assert json.loads(first["data"])["event"]["id"] == first["id"]
    second = stream.event()
    stream.close()
    again = Stream(analyst, api("acme", "/logs/tail"), {"Last-Event-ID": first["id"]})
    assert again.event()["id"] == second["id"]
    again.close()
    sock.close()
    bad = Stream(analyst, api("acme", "/logs/tail?where=app:("))
    assert bad.answer.status == 422


def test_overview(net, analyst):
    seen = analyst.get(api("acme", "/overview"))
    assert seen.status == 200, seen
    seen = seen.json()
    berlin = seen["sites"][0]
    assert (berlin["id"], berlin["city"], berlin["lat"], berlin["devices"]) == ("berlin", "Berlin", 52.52, 1)
    assert set(seen["alarms"]) == {"critical", "major", "minor", "warning"}
    assert len(seen["lines_per_s"]) == 288 and seen["lag_ms"] >= 0 and seen["devices_sending"] == 1
    assert seen["traffic_problem"] is None and sum(value for _, value in seen["traffic"]) >= 40000


def test_device_list(net):
    device = net.ask_lines("device", "list", "--tenant", "acme")[0]
    assert device["state"] == "sending" and device["certificate_expires"] and device["alarm"] is None
    shown = net.ask("device", "show", "acme/fw1")
    assert shown["history"] and len(shown["history"][0]) == 2


def test_a_search_raises_its_alarm(net, analyst):
    made = analyst.post(api("acme", "/searches"), {
        "name": "YouTube", "where": "app:youtube", "from": "1h", "every_minutes": 1, "threshold": 10, "op": ">",
        "severity": "major", "enabled": True})
    assert made.status == 201, made
    number = made.json()["id"]
    assert analyst.post(api("acme", f"/searches/{number}/run")).json()["value"] >= 40
    until(lambda: analyst.get(api("acme", f"/searches/{number}")).json()["last_value"], "it ran by itself", 30)
    now = analyst.get(api("acme", f"/searches/{number}")).json()
    assert now["problem"] is None and now["over"] and now["owner"]
    alarm = until(lambda: [a for a in analyst.get(api("acme", "/alarms")).json()["items"] if a["kind"] == "search"],
                  "the alarm is raised", 30)[0]
    assert alarm["severity"] == "major" and alarm["where"] == "app:youtube" and alarm["object"]["id"] == str(number)
    raised = analyst.send("PATCH", api("acme", f"/searches/{number}"), {"threshold": 1000000})
    assert raised.status == 200, raised
    until(lambda: not analyst.get(api("acme", "/alarms")).json()["items"], "the alarm is cleared", 40)
    history = analyst.get(api("acme", f"/alarms/{alarm['id']}/history")).json()["items"]
    assert [event["what"] for event in history] == ["raised", "cleared"]
    for body in ({"name": "x", "where": "app:("}, {"name": "x", "every_minutes": 20000}, {"name": ""},
                 {"name": "x", "enabled": True}, {"name": "x", "op": "!"}):
        assert analyst.post(api("acme", "/searches"), body).status == 422, body
    hidden = analyst.post(api("acme", "/searches"), {"name": "Her", "where": "user:v.canary", "every_minutes": 1,
                                                     "enabled": True}).json()["id"]
    until(lambda: "purpose" in (analyst.get(api("acme", f"/searches/{hidden}")).json()["problem"] or ""),
          "a search over hidden names fails, and says why", 30)
    assert analyst.send("DELETE", api("acme", f"/searches/{hidden}")).status == 200


def test_pseudonyms_outlive_an_erasure(net, analyst):
    """Their key is no file's: an erasure, which destroys the keys of files that are gone, leaves it."""
    before = {item["key"] for item in analyst.get(api("acme", "/logs/top?by=user")).json()["items"]}
    sock = connect(net, context(net.home / "acme-fw1"))
    sock.sendall(octets([line(900, user="somebody.else")]))
    until(lambda: net.count("user:somebody.else", "--tenant", "acme") == 1, "the line is stored")
    net.must("logs", "erase", "--user", "somebody.else", "--tenant", "acme", "--yes", timeout=90)
    after = {item["key"] for item in analyst.get(api("acme", "/logs/top?by=user")).json()["items"]}
    assert after == before
    assert '"keys_without_file":0' in net.must("store", "verify", "--json", timeout=90).replace(" ", "")
    sock.close()


def test_alarms_over_the_command_line(net):
    """A certificate that is near its end."""
    net.must("device", "add", "acme/fw2", "--site", "berlin")
    folder = own_certificate(net.home / "short", "fw2", days=5)
    net.must("device", "cert", "pin", "acme/fw2", folder / "cert.pem")
    alarm = until(lambda: [a for a in net.ask_lines("alarm", "list", "--tenant", "acme")
                           if a["kind"] == "certificate"], "the alarm is raised", 90)[0]
    assert alarm["severity"] == "minor" and alarm["object"]["id"] == "fw2" and "new certificate" in alarm["text"]
    number = str(alarm["id"])
    net.must("alarm", "ack", number, "--tenant", "acme")
    net.must("alarm", "assign", number, "me", "--tenant", "acme")
    assert net.run("alarm", "mute", number, "--tenant", "acme").returncode == 2
    net.must("alarm", "mute", number, "--tenant", "acme", "--hours", "2", "--reason", "new one ordered")
    now = net.ask("alarm", "show", number, "--tenant", "acme")
    assert now["acknowledged"] and now["owner"].startswith("uid:") and now["mute_reason"] == "new one ordered"
    net.must("alarm", "unmute", number, "--tenant", "acme")
    text = net.must("alarm", "show", number, "--tenant", "acme")
    for word in ("acknowledged", "assigned", "muted", "unmuted", "what to do"):
        assert word in text
    assert net.run("alarm", "show", "999999", "--tenant", "acme").returncode == 1


def test_first_line(net):
    """Waited for over the socket: the refused peer, then the line."""
    net.must("device", "add", "acme/fw3", "--site", "berlin")
    person = json.loads(net.must("user", "add", "root", "--role", "operator-admin", "--json"))
    browser = Browser(net.web_port, timeout=40)
    browser.sign_in("root", person["password"])
    stranger = own_certificate(net.home / "stranger", "fw3")
    since = now_text()
    time.sleep(1.1)
    ctx = context(ca=net.home / "acme-fw1" / "ca.pem")
    ctx.load_cert_chain(stranger / "cert.pem", stranger / "key.pem")
    with pytest.raises(OSError):
        connect_once(net, ctx)
    told = browser.get(api("acme", f"/devices/fw3/first?since={since}"))
    assert told.status == 200, told
    assert told.json()["state"] == "refused" and "fw3" in told.json()["rogue"]["subject"]
    net.must("device", "cert", "pin", "acme/fw3", stranger / "cert.pem")
    since = now_text()
    time.sleep(1.1)
    sock = connect(net, ctx)
    sock.sendall(octets([line(500, user="root")]))
    told = browser.get(api("acme", f"/devices/fw3/first?since={since}")).json()
    assert told["state"] == "arrived" and told["live"]["lines"] == 1 and told["connections"]
    sock.close()
