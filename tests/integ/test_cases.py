"""The war room over HTTPS: two tenants, suppliers who answer by a link, silence, drills, kill -9. Time moves by the rules
of clocks, never by waiting."""
import email
import email.policy
import json
import os
import re
import signal
import time

import pytest

from browser import Browser, api
from feed_server import MailServer
from senders import Server, until

LINK = re.compile(r"https://[^\s/]+/answer/([A-Za-z0-9_-]{43})")
SITES = [{"site": "S-011", "name": "Kitakami", "supplier": "kitasawa", "supplier_name": "Kitasawa Power", "measure": "mmi",
          "value": 6.3, "sigma": 0.8, "down_days": 56, "stock_days": 19, "loss": 2370000},
         {"site": "S-012", "name": "Ichinoseki", "supplier": "nagare", "supplier_name": "Nagare Ceramic", "loss": 91000}]
CASE = {"title": "Earthquake off Sanriku", "severity": "high", "currency": "EUR", "sites": SITES,
        "event": {"type": "earthquake", "title": "M 7.4 off Sanriku", "at": "2026-11-19T22:07:00Z"}}


def ago(hours):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - hours * 3600))


def text_of(data):
    return email.message_from_bytes(data, policy=email.policy.default).get_content()


class Patient(Browser):
    """One who waits as he is told: all suppliers here come from one address."""

    def send(self, *words, **more):
        answer = super().send(*words, **more)
        while answer.status == 429:
            time.sleep(int(answer.headers["retry-after"]))
            answer = super().send(*words, **more)
        return answer


class Room:
    """A Fairlead with a mail server beside it and two tenants, each with a person who keeps its supply."""

    def __init__(self):
        self.mail = MailServer()
        self.server = Server(settings=f"""
outbound_private = 127.0.0.1:{self.mail.port}
smtp_server = 127.0.0.1:{self.mail.port}
smtp_tls = none
smtp_from = fairlead@example.org
web_url = https://fairlead.example.com/
""")
        self.people = {}
        for tenant in ("acme", "corvane"):
            self.server.tenant(tenant)
            made = json.loads(self.server.must("user", "add", "ann", "--tenant", tenant, "--role", "supply-manager", "--json"))
            self.people[tenant] = Browser(self.server.web_port)
            self.people[tenant].sign_in(f"ann@{tenant}", made["password"])

    def do(self, method, tenant, rest, body=None, status=(200, 201)):
        answer = self.people[tenant].send(method, api(tenant, rest), body)
        assert answer.status in status, answer
        return answer.json()

    def open(self, tenant, **more):
        return self.do("POST", tenant, "/cases", {**CASE, **more})["id"]

    def ask(self, tenant, case, **more):
        return self.do("POST", tenant, f"/cases/{case}/questions", {"site": "S-011", "hours": 24, **more})

    def question(self, tenant, case, number):
        questions = self.do("GET", tenant, f"/cases/{case}/questions")["questions"]
        return next(q for q in questions if q["id"] == number)

    def mails(self, to):
        return [text_of(m["data"]) for m in list(self.mail.mails) if to in m["to"]]

    def token(self, to, count=1):
        """Of the newest link that came into this mailbox, once so many have come."""
        until(lambda: len(self.mails(to)) >= count, f"{count} mails to {to}")
        return LINK.search(self.mails(to)[-1])[1]

    def outside(self):
        return Patient(self.server.web_port)


@pytest.fixture(name="room", scope="module")
def fixture_room():
    room = Room()
    try:
        yield room
    finally:
        room.server.remove()
        room.mail.close()


def answers(token):
    return f"/api/v1/answers/{token}"


def test_the_path_of_a_link(room):
    case = room.open("acme")
    asked = room.ask("acme", case, to="m.sakurada@kitasawa.example", to_name="M. Sakurada", language="ja")
    assert asked["state"] == "waiting" and "link" not in asked
    token = room.token("m.sakurada@kitasawa.example")
    until(lambda: room.question("acme", case, asked["id"])["state"] == "sent", "its receipt is there")
    notice = room.do("GET", "acme", f"/cases/{case}/notices")["notices"][0]
    assert notice["state"] == "sent" and notice["receipt"] and "{answer-link}" in notice["body"]
    assert token not in json.dumps(room.do("GET", "acme", f"/cases/{case}/export"))

    supplier = room.outside()
    for _ in range(10):  # as scanners of mail do
        page = supplier.get(answers(token))
        assert page.status == 200 and page.json()["answered"] is None
    page = page.json()
    assert page["language"] == "ja" and page["site"] == "Kitakami" and "影響" in page["texts"]["question"]
    assert len(page["languages"]) == 9 and page["others"] == [] and page["exercise"] is False
    assert "2370000" not in json.dumps(page) and "S-012" not in json.dumps(page)
    polish = supplier.get(answers(token) + "?language=pl").json()
    assert polish["texts"]["yes"] == "Tak, są zakłócone"
    seen = room.question("acme", case, asked["id"])
    assert seen["state"] == "opened" and seen["opens"] >= 11 and seen["answer"] is None

    given = supplier.post(answers(token), {"impact": "yes", "days": 56, "text": "Line 2 is down", "name": "M. Sakurada"})
    assert given.status == 200 and given.json()["answered"]["days"] == 56
    again = supplier.post(answers(token), {"impact": "no"})
    assert again.status == 409 and again.json()["code"] == "answered"
    assert supplier.get(answers(token)).json()["answered"]["text"] == "Line 2 is down"
    shown = room.do("GET", "acme", f"/cases/{case}")
    site = next(s for s in shown["sites"] if s["site"] == "S-011")
    assert (site["status"], site["down_days"]) == ("confirmed", 56)
    assert site["last_word"]["by"].startswith("M. Sakurada")
    assert shown["figures"]["confirmed"] == 2370000 and shown["figures"]["potential"] == 91000
    clock = room.question("acme", case, asked["id"])["clock"]
    assert clock["state"] == "kept" and [s["rule"] for c in room.do("GET", "acme", f"/cases/{case}/clocks")["clocks"]
                                         if c["id"] == clock["id"] for s in c["steps"]] == ["start", "stop"]


def test_one_answer_for_two_customers(room):
    a, b = room.open("acme"), room.open("corvane")
    room.ask("corvane", b, to="R.Ono@minato.example", language="en")
    room.token("R.Ono@minato.example")
    room.ask("acme", a, to="r.ono@minato.example", language="en")
    token = room.token("r.ono@minato.example")
    page = room.outside().get(answers(token)).json()
    assert [o["customer"] for o in page["others"]] == ["corvane"], page["others"]
    wrong = room.outside().post(answers(token), {"impact": "yes", "share_with": ["0123456789"]})
    assert wrong.status == 422 and wrong.json()["field"] == "share_with"
    given = room.outside().post(answers(token), {"impact": "yes", "days": 35, "name": "R. Ono",
                                                 "share_with": [page["others"][0]["id"]]})
    assert given.status == 200
    copy = room.do("GET", "corvane", f"/cases/{b}/questions")["questions"][0]
    assert copy["answer"]["via"] == "shared" and copy["answer"]["days"] == 35
    assert "acme" not in json.dumps(room.do("GET", "corvane", f"/cases/{b}/export"))


def test_a_shown_link_names_no_other_customer(room):
    b = room.open("corvane")
    room.ask("corvane", b, to="only@pellworm.example")
    a = room.open("acme")
    shown = room.ask("acme", a, link=True)
    token = LINK.search(shown["link"])[1]
    assert shown["link"].startswith("https://fairlead.example.com/answer/")
    page = room.outside().get(answers(token)).json()
    assert page["others"] == [] and "corvane" not in json.dumps(page)
    assert "link" not in room.question("acme", a, shown["id"])


def test_wrong_links(room):
    outside = room.outside()
    assert outside.get(answers("A" * 43)).status == 404
    assert outside.post(answers("A" * 42), {"impact": "no"}).status == 404
    case = room.open("acme")
    asked = room.ask("acme", case, link=True)
    token = LINK.search(asked["link"])[1]
    room.do("POST", "acme", f"/cases/{case}/questions/{asked['id']}/withdraw", {"reason": "known already"})
    gone = outside.get(answers(token))
    assert gone.status == 410 and gone.json()["code"] == "withdrawn"
    other = room.people["corvane"]
    assert other.get(api("corvane", f"/cases/{case}")).status == 404
    assert other.get(api("acme", f"/cases/{case}")).status == 404


def test_silence_goes_to_the_next_contact(room):
    case = room.open("acme")
    asked = room.ask("acme", case, to="first@nagare.example")
    room.token("first@nagare.example")
    until(lambda: room.question("acme", case, asked["id"])["state"] == "sent", "it is sent")
    clock = room.question("acme", case, asked["id"])["clock"]["id"]

    def redate(hours):
        room.do("POST", "acme", f"/cases/{case}/clocks/{clock}",
                {"rule": "redate", "from": ago(hours), "reason": "asked by telephone first"})
    refused = room.people["acme"].post(api("acme", f"/cases/{case}/clocks/{clock}"), {"rule": "redate", "from": ago(13)})
    assert refused.status == 422 and "reason" in refused.json()["detail"]
    redate(13)
    room.token("first@nagare.example", 2)
    assert "no answer yet" in room.mails("first@nagare.example")[1]
    redate(25)
    until(lambda: room.question("acme", case, asked["id"])["state"] == "silent", "nobody is left")
    timeline = json.dumps(room.do("GET", "acme", f"/cases/{case}/timeline?limit=200"))
    assert "somebody has to telephone" in timeline
    token = LINK.search(room.mails("first@nagare.example")[0])[1]
    assert room.outside().post(answers(token), {"impact": "no"}).status == 200, "late is better than never"


def test_an_exercise_sends_nothing(room):
    before = len(room.mail.mails)
    case = room.open("acme", exercise=True)
    assert room.ask("acme", case, to="m.sakurada@kitasawa.example")["state"] == "withheld"
    assert "link" not in room.ask("acme", case, link=True)
    notice = room.do("POST", "acme", f"/cases/{case}/notices", {"to": "sales@example.com", "subject": "s", "body": "b"})
    assert notice["state"] == "withheld"
    real = room.open("acme")
    room.do("POST", "acme", f"/cases/{real}/notices", {"to": "after@example.com", "subject": "s", "body": "b"})
    until(lambda: room.mails("after@example.com"), "what was sent later has come")
    assert len(room.mail.mails) == before + 1


def test_kill_core_keeps_all(room):
    case = room.open("acme")
    asked = room.ask("acme", case, link=True)
    token = LINK.search(asked["link"])[1]
    plan = room.do("POST", "acme", f"/cases/{case}/plans", {"kind": "alternate", "title": "Yonezawa", "site": "S-011", "to": "S-015",
                                                            "cost": 180000, "owner": "bob"})
    room.do("PATCH", "acme", f"/cases/{case}/plans/{plan['id']}", {"state": "chosen"})
    assert room.outside().post(answers(token), {"impact": "yes", "days": 9}).status == 200
    before = room.do("GET", "acme", f"/cases/{case}/export")
    pid = room.server.roles()["core"]["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: room.server.roles()["core"].get("pid") not in (None, pid) and room.server.is_up(), "core is back")
    until(lambda: room.people["acme"].get(api("acme", f"/cases/{case}")).status == 200, "it answers")
    after = room.do("GET", "acme", f"/cases/{case}/export")
    for part in ("case", "questions", "notices", "checklist", "timeline", "after_action"):
        if part == "after_action":
            assert before[part]["plans"] == after[part]["plans"]
        elif part == "timeline":
            assert after[part][:len(before[part])] == before[part]
        elif part == "questions":
            assert before[part][0]["answer"] == after[part][0]["answer"]
        else:
            assert before[part] == after[part], part
    assert room.outside().post(answers(token), {"impact": "no"}).status == 409


def test_the_command_line(room):
    def must(*words):
        return room.server.must("case", *words, "--tenant", "acme")
    opened = json.loads(must("open", "Fire at Kitakami", "--site", "S-1,S-2", "--severity", "high", "--json"))
    number = opened["number"]
    assert "S-2" in must("show", number) and number in must("list")
    must("site", number, "S-1", "--state", "confirmed", "--days", "9.5", "--text", "furnace")
    assert must("ask", number, "S-1", "--link").startswith("https://fairlead.example.com/answer/")
    asked = json.loads(must("questions", number, "--json"))["questions"][0]["id"]
    assert "answered: yes" in must("answer", number, asked, "yes", "--days", "12", "--name", "R. Ono")
    assert "drafted" in must("plan", number, "Buy ahead", "--kind", "buffer", "--part", "P-7", "--units", "1000", "--cost", "15000")
    assert "Buy ahead" in must("plans", number)
    clock = next(c["id"] for c in opened["clocks"] if c["kind"] == "assess")
    assert "due" in must("clock", number, clock, "extend", "2h", "--reason", "roads are closed")
    assert "R. Ono" in must("timeline", number) and json.loads(must("export", number))["case"]["number"] == number
    refused = room.server.run("case", "set", number, "--state", "closed", "--reason", "over", "--tenant", "acme")
    assert refused.returncode != 0 and "checklist" in refused.stderr
    assert room.server.run("case", "show", "SC-9999", "--tenant", "acme").returncode == 1


def test_events_are_recorded(room):
    text = room.server.must("events", "list", "--json", "--limit", "1000")
    for event in ("case.open", "case.ask", "case.answer", "case.state", "case.notice", "case.export"):
        assert f'"{event}"' in text, event


def test_rate_limit(room):
    """Last: the machine's address has used up its tries afterwards."""
    outside = Browser(room.server.web_port)
    statuses = [outside.get(answers("B" * 43)).status for _ in range(60)]
    assert 429 in statuses and set(statuses) <= {404, 429}
    limited = outside.get(answers("B" * 43))
    assert limited.status in (404, 429)
    if limited.status == 429:
        assert int(limited.headers["retry-after"]) >= 1
