"""From an event in the world to a ranked risk: typed events, changes of the network, mutes, verdicts, a core that is
killed, another tenant; and every figure recomputed from the rows that it shows."""
import csv
import json
import os
import signal
import subprocess
import time

import pytest

from browser import Browser, api
from senders import TOP, until

ROWS = {
    "suppliers": [("s1", {"name": "Sendai Micro", "country": "JP"}), ("s2", {"name": "Elbe Chips", "country": "DE"})],
    "sites": [("sendai", {"supplier_id": "s1", "name": "Sendai fab", "lat": "38.27", "lon": "140.87", "country": "JP", "ttr_days": "20"}),
              ("dresden", {"supplier_id": "s2", "name": "Dresden fab", "lat": "51.05", "lon": "13.74", "country": "DE", "ttr_days": "30"})],
    "parts": [("a", {"name": "Chip A", "stock_units": "50"}), ("b", {"name": "Chip B", "stock_units": "0"})],
    "part_sites": [("a@sendai", {}), ("b@sendai", {"share": "0.5"}), ("b@dresden", {"share": "0.5"})],
    "products": [("box", {"name": "Router box", "demand_per_day": "10", "profit_per_unit": "100", "revenue_per_unit": "300",
                          "currency": "EUR"})],
    "bom": [("box@a", {"quantity": "1"}), ("box@b", {"quantity": "2"})],
}
KEYS = {"suppliers": ["supplier_id"], "sites": ["site_id"], "parts": ["part_id"], "part_sites": ["part_id", "site_id"],
        "products": ["product_id"], "bom": ["parent_id", "part_id"]}
FIRE = {"type": "IND-001", "title": "Fire in Sendai", "lat": 38.27, "lon": 140.87, "radius_km": 20, "probability": 0.8, "days": 10}


def manager(box, tenant):
    made = json.loads(box.must("user", "add", "sue", "--tenant", tenant, "--role", "tenant-admin", "--json"))
    browser = Browser(box.web_port)
    browser.sign_in(f"sue@{tenant}", made["password"])
    return browser


def put_network(who, tenant):
    for table, rows in ROWS.items():
        for key, cells in rows:
            whole = dict(zip(KEYS[table], key.split("@"))) | cells
            answer = who.send("PUT", api(tenant, f"/supply/rows/{table}/{key}"), {"cells": whole})
            assert answer.status in (200, 201), answer


@pytest.fixture(name="sue", scope="module")
def fixture_sue(box):
    box.tenant("acme")
    box.tenant("other")
    sue = manager(box, "acme")
    put_network(sue, "acme")
    return sue


def risks(who, tenant="acme", query=""):
    answer = who.get(api(tenant, f"/risks{query}"))
    assert answer.status == 200, answer
    return answer.json()


def risk_of(who, title, tenant="acme", query="?state=all"):
    return next((r for r in risks(who, tenant, query)["items"] if r["event"]["title"] == title), None)


def type_event(who, tenant="acme", **members):
    answer = who.post(api(tenant, "/events"), {**FIRE, **members})
    assert answer.status == 201, answer
    return answer.json()["id"]


@pytest.fixture(name="fire", scope="module")
def fixture_fire(sue):
    type_event(sue, title="Fire in Quito", lat=-0.2, lon=-78.5)  # the network is in memory from here on
    until(lambda: risk_of(sue, "Fire in Quito"), "an event that touches nothing is looked at")
    type_event(sue)
    begun = time.monotonic()
    while risk_of(sue, FIRE["title"]) is None and time.monotonic() < begun + 20:
        time.sleep(0.002)
    print(f"from the event typed to the risk in the list: {1000 * (time.monotonic() - begun):.0f} ms")
    return risk_of(sue, FIRE["title"])


def test_a_typed_event_is_a_risk(fire):
    assert fire["rank"] == 1 and fire["sites"] == 1 and fire["sole_parts"] == 1
    assert fire["first"]["product"] == "box" and fire["first"]["tts_days"] == pytest.approx(5)
    assert "no other source" in fire["why"] and fire["currency"] == "EUR"


def test_its_figures_are_those_of_its_rows(sue, fire):
    risk = sue.get(api("acme", f"/risks/{fire['id']}")).json()
    q = [level["probability"] for level in risk["levels"]] + [0]
    net = sum((q[k] - q[k + 1]) * (level["low"] + 4 * level["likely"] + level["high"]) / 6 for k, level in enumerate(risk["levels"]))
    assert risk["net_loss"] == pytest.approx(net, abs=0.01)
    rows = {(row["table"], row["key"]): row for row in risk["rows_used"]}
    stock, product = rows["parts", "a"]["stock_units"], rows["products", "box"]
    for days, loss in zip(risk["hits"][0]["down_days"], (risk["levels"][0]["low"], risk["levels"][0]["likely"], risk["levels"][0]["high"])):
        lost_days = max(0, days - stock / product["demand_per_day"] / rows["bom", "box@a"]["quantity"])
        assert loss == pytest.approx(lost_days * product["demand_per_day"] * product["profit_per_unit"])
    assert risk["footprint"]["features"] and risk["versions"] and risk["history"]
    revenue = risk["revenue"]
    own, of = revenue["rows_used"], revenue["products"]
    assert len(own) == len(of) == 1 and own[0]["table"] == "products"  # no rows of revenue: demand times price
    per_day = own[0]["demand_per_day"] * own[0]["revenue_per_unit"] * own[0]["rate"]
    assert revenue["gross"] == pytest.approx(per_day * revenue["horizon_days"])
    assert revenue["net"] == pytest.approx(per_day * of[0]["lost_days"]) and revenue["delayed"] == 0


def test_the_curve_of_a_site_is_the_cli_s(sue, tmp_path):
    for table, rows in ROWS.items():
        names = KEYS[table] + sorted({name for _, cells in rows for name in cells} - set(KEYS[table]))
        with open(tmp_path / f"{table}.csv", "w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, names)
            out.writeheader()
            out.writerows(dict(zip(KEYS[table], key.split("@"))) | cells for key, cells in rows)
    program = os.path.join(os.environ.get("FAIRLEAD_BUILD", str(TOP / "build")), "src", "cli", "fairlead")
    if not os.path.exists(program):
        program = str(TOP / "build" / "fairlead")
    said = json.loads(subprocess.run([program, "supply", "exposure", str(tmp_path), "--json"], check=True, capture_output=True).stdout)
    by_cli = {site["id"]: site for site in said}
    for site in sue.get(api("acme", "/supply/exposure?per=site")).json()["items"]:
        assert site["lost_profit"] == pytest.approx(by_cli[site["id"]]["lost_profit"])
        assert site["tts_days"] == by_cli[site["id"]]["tts_days"]


def test_what_touches_nothing_is_counted(sue, fire):
    type_event(sue, title="Fire in Lima", lat=-12.05, lon=-77.04)
    until(lambda: risk_of(sue, "Fire in Lima"), "the event was looked at")
    assert risk_of(sue, "Fire in Lima")["state"] == "untouched"
    listed = risks(sue)
    assert [r["id"] for r in listed["items"]] == [fire["id"]] and listed["not_shown"]["untouched"] == 2


def test_a_changed_network_is_calculated_again(sue, fire):
    before = fire["net_loss"]
    assert sue.send("PUT", api("acme", "/supply/rows/parts/a"), {"cells": {"part_id": "a", "name": "Chip A", "stock_units": "80"}}).status == 200
    until(lambda: risk_of(sue, FIRE["title"])["net_loss"] < before, "more stock, less loss")


def alarms(who):
    return [a for a in who.get(api("acme", "/alarms?state=open")).json()["items"] if a["kind"] == "supply.risk"]


def test_a_large_risk_is_an_alarm(sue, fire):
    settings, where = api("acme", "/risks/settings"), api("acme", f"/risks/{fire['id']}")
    assert sue.get(settings).json() == {"small": 1000, "alarm_above": 100000} and not alarms(sue)
    loss = risk_of(sue, FIRE["title"])["net_loss"]
    assert sue.send("PATCH", settings, {"small": 0, "alarm_above": loss / 2}).status == 200
    alarm = until(lambda: alarms(sue), "the alarm is raised", 30)[0]
    assert alarm["severity"] == "major" and alarm["object"] == {"type": "risk", "id": str(fire["id"]), "name": FIRE["title"], "site": None}
    assert FIRE["title"] in alarm["title"] and "EUR" in alarm["title"] and alarm["text"]
    assert sue.send("PATCH", settings, {"alarm_above": loss / 20}).status == 200
    until(lambda: alarms(sue)[0]["severity"] == "critical", "ten times the setting is critical", 30)
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    for ends, begins in (({"muted_until": soon, "mute_reason": "known"}, {"muted_until": None}), ({"verdict": "false"}, {"verdict": None})):
        assert sue.send("PATCH", where, ends).status == 200
        until(lambda: not alarms(sue), f"{ends} clears it", 30)
        assert sue.send("PATCH", where, begins).status == 200
        until(lambda: alarms(sue), f"{begins} raises it", 30)
    assert sue.send("PATCH", settings, {"small": 1000, "alarm_above": None}).status == 200
    until(lambda: not alarms(sue), "none is an alarm", 30)


def test_what_a_case_confirms_is_in_the_risk(sue, fire):
    where = api("acme", f"/risks/{fire['id']}")
    case = sue.post(api("acme", "/cases"), {"risk": fire["id"]}).json()["id"]
    assert sue.send("PATCH", api("acme", f"/cases/{case}/sites/sendai"), {"status": "confirmed", "days": 12}).status == 200
    risk = until(lambda: next((r for r in [sue.get(where).json()] if r["confirmed"] > 0), None), "the desk calculates it")
    stock = next(row for row in risk["rows_used"] if (row["table"], row["key"]) == ("parts", "a"))["stock_units"]
    assert risk["case"] == case and risk["confirmed_from"]["sites"] == [{"site": "sendai", "name": "Sendai fab", "days": 12}]
    assert risk["confirmed"] == pytest.approx((12 - stock / 10) * 10 * 300)
    assert sue.send("PATCH", api("acme", f"/cases/{case}/sites/sendai"), {"status": "restored"}).status == 200
    until(lambda: sue.get(where).json()["confirmed"] == 0, "what is restored is not confirmed any more")


def test_mute_and_verdict(sue, fire):
    where = api("acme", f"/risks/{fire['id']}")
    assert sue.send("PATCH", where, {"muted_until": "2020-01-01T00:00:00Z", "mute_reason": "x"}).status == 422
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    muted = sue.send("PATCH", where, {"muted_until": soon, "mute_reason": "second source"})
    assert muted.status == 200 and muted.json()["muted"]["reason"] == "second source"
    assert not risks(sue)["items"] and risks(sue)["not_shown"]["muted"] == 1
    assert sue.send("PATCH", where, {"muted_until": None}).status == 200
    assert sue.send("PATCH", where, {"verdict": "confirmed"}).status == 200
    week = sue.get(api("acme", "/risks/precision?weeks=1")).json()["items"][0]
    assert (week["confirmed"], week["share"]) == (1, 1)
    kinds = [n["what"] for n in sue.get(where).json()["history"]]
    assert {"muted", "unmuted", "confirmed"} <= set(kinds)


def test_another_tenant_sees_nothing(box, sue, fire):
    other = manager(box, "other")
    assert risks(other, "other")["total"] == 0
    assert other.get(api("other", f"/risks/{fire['id']}")).status == 404
    assert other.get(api("acme", f"/risks/{fire['id']}")).status == 404
    assert other.get(api("other", "/supply/exposure")).status == 404
    box.must("tenant", "add", "shut")
    refused = box.run("supply", "risks", "--tenant", "shut")
    assert refused.returncode != 0 and "--local-access" in refused.stderr, "the machine's socket must be let in"


def test_a_killed_core_goes_on(box, sue, fire):
    core = box.roles()["core"]["pid"]
    type_event(sue, title="Fire in Dresden", lat=51.05, lon=13.74)
    os.kill(core, signal.SIGKILL)
    until(lambda: box.roles().get("core", {}).get("pid") not in (None, core), "core is started again")

    def looked_at():
        answer = sue.get(api("acme", "/risks?state=all"))
        return answer.status == 200 and any(r["event"]["title"] == "Fire in Dresden" for r in answer.json()["items"])
    until(looked_at, "what came before is looked at")
    assert risk_of(sue, FIRE["title"])["verdict"] == "confirmed"


def test_withdrawn_it_ends(sue, fire):
    event = fire["event"]["id"]
    assert sue.send("DELETE", api("acme", f"/events/{event}")).status in (200, 204)
    until(lambda: risk_of(sue, FIRE["title"])["state"] == "ended", "the risk ends")
