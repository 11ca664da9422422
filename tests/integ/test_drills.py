"""Drills over the command line and HTTPS: kill -9 keeps the clock, the same seed replays to the byte, an exercise sends nothing."""
import json
import os
import pathlib
import signal

import pytest

from browser import Browser, api
from feed_server import MailServer
from senders import Server, until

NETWORK = pathlib.Path(__file__).parents[2] / "data" / "sample-network"
PLAN = {"event": "tohoku-2011", "seed": 20261119, "draws": 1000, "minutes": 60,
        "participants": [{"name": "Bo", "role": "lead"}],
        "script": [{"minute": 0, "area": "detect", "title": "Now", "minutes": 10},
                   {"minute": 30, "area": "decide", "title": "Later", "text": "What now?", "minutes": 10}]}


class Place:
    def __init__(self):
        self.mail = MailServer()
        self.server = Server(settings=f"""
outbound_private = 127.0.0.1:{self.mail.port}
smtp_server = 127.0.0.1:{self.mail.port}
smtp_tls = none
smtp_from = fairlead@example.org
web_url = https://fairlead.example.com/
""")
        self.server.tenant("acme")
        self.server.must("supply", "import", NETWORK, "--tenant", "acme")
        made = json.loads(self.server.must("user", "add", "ann", "--tenant", "acme", "--role", "supply-manager", "--json"))
        self.ann = Browser(self.server.web_port)
        self.ann.sign_in("ann@acme", made["password"])

    def do(self, method, rest, body=None, status=(200, 201)):
        answer = self.ann.send(method, api("acme", rest), body)
        assert answer.status in status, answer
        return answer.json()

    def kill_core(self):
        pid = self.server.roles()["core"]["pid"]
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.server.roles()["core"].get("pid") not in (None, pid) and self.server.is_up(), "core is back")
        until(lambda: self.ann.get(api("acme", "/drills")).status == 200, "it answers")


@pytest.fixture(name="place", scope="module")
def fixture_place():
    place = Place()
    try:
        yield place
    finally:
        place.server.remove()
        place.mail.close()


def test_kill_keeps_the_drill_and_its_clock(place):
    one = place.do("POST", "/drills", PLAN)["id"]
    started = place.do("POST", f"/drills/{one}/start", {})
    place.do("POST", f"/drills/{one}/injects/1/answer", {"text": "Sendai", "person": started["participants"][0]["id"]})
    before = place.do("GET", f"/drills/{one}")
    place.kill_core()
    after = place.do("GET", f"/drills/{one}")
    assert after["state"] == "running" and after["started"] == before["started"]
    assert after["clock_s"] >= before["clock_s"], "the clock went on while the program was away"
    for part in ("injects", "participants", "cost", "event", "case"):
        assert after[part] == before[part], part
    assert after["answers"][0]["text"] == "Sendai"
    paused = place.do("POST", f"/drills/{one}/pause", {})
    place.kill_core()
    assert place.do("GET", f"/drills/{one}")["clock_s"] == paused["clock_s"], "one that stands stands"
    place.do("POST", f"/drills/{one}/start", {})
    place.do("POST", f"/drills/{one}/end", {})


def test_the_same_seed_replays_to_the_byte(place):
    costs = []
    for _ in range(2):
        one = place.do("POST", "/drills", PLAN)["id"]
        place.do("POST", f"/drills/{one}/cost", {})
        text = place.ann.get(api("acme", f"/drills/{one}")).body
        costs.append(text[text.index(b'"cost":'):])
    assert costs[0] == costs[1]
    one = place.do("POST", "/drills", {**PLAN, "seed": 1})["id"]
    assert place.do("POST", f"/drills/{one}/cost", {})["cost"]["today"] != json.loads(b"{" + costs[0])["cost"]["today"]


def test_an_exercise_sends_nothing(place):
    one = place.do("POST", "/drills", PLAN)["id"]
    case = place.do("POST", f"/drills/{one}/start", {})["case"]
    sites = place.do("GET", f"/cases/{case}")["sites"]
    asked = place.do("POST", f"/cases/{case}/questions",
                     {"site": sites[0]["site"], "to": "m@supplier.example", "to_name": "M", "hours": 1})
    assert asked["state"] == "withheld"
    place.do("POST", f"/cases/{case}/notices", {"channel": "mail", "to": "c@customer.example", "subject": "s", "body": "b"})
    real = place.do("POST", "/cases", {"title": "A real one", "sites": [sites[0]["site"]]})["id"]
    place.do("POST", f"/cases/{real}/notices", {"channel": "mail", "to": "c@customer.example", "subject": "real", "body": "b"})
    until(lambda: len(place.mail.mails) > 0, "the real one has left")
    assert len(place.mail.mails) == 1 and b"Subject: real" in place.mail.mails[0]["data"]
    assert place.do("GET", "/risks?state=all")["total"] == 0 and place.do("GET", "/events")["total"] == 0


def test_the_command_line(place):
    run = place.server.must
    assert "tohoku-2011" in run("drill", "scripts", "--tenant", "acme")
    number = run("drill", "add", "mangkhut-2018", "--seed", "7", "--name", "Wind", "--tenant", "acme").split()[1]
    assert "Wind" in run("drill", "list", "--tenant", "acme")
    assert "P95" in run("drill", "start", number, "--tenant", "acme")
    assert "running" in run("drill", "inject", number, "1", "--tenant", "acme")
    assert "paused" in run("drill", "pause", number, "--tenant", "acme")
    refused = place.server.run("drill", "answer", number, "1", "so", "--name", "Nobody", "--tenant", "acme")
    assert refused.returncode == 1 and "nobody called" in refused.stderr
    assert "running" in run("drill", "start", number, "--tenant", "acme")
    assert "ended" in run("drill", "end", number, "--tenant", "acme")
    assert json.loads(run("drill", "report", number, "--tenant", "acme"))["exercise"] is True
    run("tenant", "add", "shut", "--name", "Shut")
    refused = place.server.run("drill", "list", "--tenant", "shut")
    assert refused.returncode != 0 and "local-access" in refused.stderr, "a tenant's drills are its own"
