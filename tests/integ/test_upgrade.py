"""A data folder that an earlier release left is opened by this one: nothing is lost, what it promised holds, and what is new
works on it. tests/golden/upgrade has such folders, and what the program that made them said of them (expected.json);
tests/tools/make_upgrade_fixture makes them. docs/backup.md has the way back: the copy from before."""
import json
import pathlib
import shutil
import ssl
import subprocess

import pytest

from browser import NEW_PASSWORD, Browser, api
from senders import Server, connect, connect_once, context, octets, sessions, until

FOLDERS = sorted((pathlib.Path(__file__).resolve().parents[1] / "golden" / "upgrade").glob("*.tar.zst"))
ALL_TIME = ("--from", "2026-01-01", "--to", "2099-01-01")

pytestmark = pytest.mark.skipif(shutil.which("zstd") is None, reason="no zstd here to unpack with")


class Upgraded(Server):
    """A server on an unpacked folder; the first start is the upgrade."""

    def __init__(self, packed):
        self.packed, self.said = packed, None
        super().__init__()

    def start(self):
        if self.said is None:
            subprocess.run(["tar", "--zstd", "-xpf", self.packed, "-C", self.home], check=True)
            self.said = json.loads((self.home / "expected.json").read_text(encoding="utf-8"))
        super().start()


@pytest.fixture(name="old", scope="module", params=FOLDERS, ids=lambda path: path.name.split(".")[0])
def fixture_old(request):
    server = Upgraded(request.param)
    try:
        yield server
    finally:
        server.remove()


def part_of(small, large):
    """Every member of the one is in the other with the same value; lists item by item."""
    if isinstance(small, dict):
        return isinstance(large, dict) and all(k in large and part_of(v, large[k]) for k, v in small.items())
    if isinstance(small, list):
        return isinstance(large, list) and len(small) == len(large) and all(map(part_of, small, large))
    return small == large


def known(rows, *members):
    return [{member: row[member] for member in members} for row in rows]


def test_there_is_a_folder_to_try():
    assert FOLDERS and all(path.stat().st_size < 300 * 1024 for path in FOLDERS)


def test_tenants_sites_devices(old):
    said = old.said
    assert part_of(said["tenants"], old.ask_lines("tenant", "list"))
    assert part_of(said["sites"], old.ask_lines("site", "list", "--tenant", "acme"))
    for name, certificates in said["devices"].items():
        assert part_of(certificates, old.ask("device", "show", name)["certificates"]), name
    events = [event["event"] for event in old.ask_lines("events", "list", "--limit", "1000")]
    assert events[:len(said["events"])] == said["events"], "the record goes on where it was"


def test_rows(old):
    """Of the sealed segment and of the log that was written ahead."""
    span = ("--tenant", "acme", *ALL_TIME)
    assert old.ask("logs", "count", *span)["rows"] == old.said["rows"]
    assert old.ask("logs", "count", "device:fw2", *span)["rows"] == 50
    members = ("key", "rows", "sessions", "bytes", "bytes_up", "bytes_down", "packets")
    now = old.ask_lines("logs", "top", "app", *span)
    assert known(now, *members) == known(old.said["top"], *members)
    numbers = old.must("logs", "export", *span, "--format", "csv", "--columns", "session").replace("\r", "").split("\n")[1:]
    assert sorted(int(n) for n in numbers if n) == [*range(300), *range(400, 450)]


def test_who_was_erased_stays_erased(old):
    span = ("--tenant", "acme", *ALL_TIME)
    assert old.ask("logs", "count", "user:d.fort", *span)["rows"] == 0
    assert old.must("logs", "receipts", "--json") == old.said["receipts"]
    receipts = old.home / "receipts"
    receipts.write_text(old.said["receipts"], encoding="utf-8")
    old.must("logs", "receipts", "verify", receipts)


def test_the_store_is_whole(old):
    done = old.run("store", "verify", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "error" not in old.log_text().lower(), old.log_text()


def test_what_is_new_works_on_it(old):
    """Accounts, roles, alarms, searches: the tables of all migrations are there."""
    made = old.ask("user", "add", "acme/boss", "--role", "tenant-admin,analyst")
    boss = Browser(old.web_port)
    boss.sign_in(made["sign_in"], made["password"], NEW_PASSWORD)
    assert boss.get(api("acme", "/sites/berlin")).json()["name"] == "Berlin"
    place = boss.send("PATCH", api("acme", "/sites/berlin"), {"city": "Berlin", "lat": 52.5, "lon": 13.4})
    assert place.status == 200 and place.json()["lat"] == 52.5
    assert boss.post(api("acme", "/searches"), {"name": "Much", "by": "app"}).status == 201
    assert boss.post(api("acme", "/departments"), {"slug": "sales"}).status == 201
    assert boss.get(api("acme", "/alarms?state=all")).status == 200
    top = boss.get(api("acme", "/logs/top?by=app&from=2026-01-01T00:00:00Z&to=2099-01-01T00:00:00Z")).json()
    assert {item["key"] for item in top["items"]} >= {"GITHUB", "YOUTUBE"}
    assert boss.get(api("beta", "/sites")).status == 404


def test_the_operator_has_what_a_new_tenant_gives(old):
    """Tenants from before accounts get the standing grant, with logs only for the demonstration."""
    for tenant, logs in (("acme", True), ("beta", False)):
        grants = old.ask_lines("grant", "list", "--tenant", tenant)
        assert known(grants, "kind", "data") == [{"kind": "network", "data": logs}]


def test_a_second_start_finds_nothing_to_do(old):
    rows = old.ask("logs", "count", "--tenant", "acme", *ALL_TIME)["rows"]
    old.stop()
    old.start()
    until(lambda: old.run("user", "list", "--tenant", "acme").returncode == 0, "keys answers about people")
    until(lambda: old.run("logs", "count", "--tenant", "acme", *ALL_TIME).returncode == 0, "the store answers")
    assert old.ask("logs", "count", "--tenant", "acme", *ALL_TIME)["rows"] == rows
    assert [u["name"] for u in old.ask_lines("user", "list", "--tenant", "acme")] == ["boss"]


# The last one: with its new rows a folder that is older than its retention has an end.
def test_certificates(old):
    """Devices need nothing new: the authority is the one of before, what was revoked stays so."""
    now = old.ask("ca", "show")
    assert now["ca_pem"] == old.said["ca"]["ca_pem"]
    assert now["server_fingerprint"] == old.said["ca"]["server_fingerprint"]
    folder = old.home / "acme-fw1"
    ends = subprocess.run(["openssl", "x509", "-in", folder / "cert.pem", "-noout", "-checkend", "0"], capture_output=True,
                          check=False)
    if ends.returncode != 0:
        pytest.skip("the devices' certificates of this folder have ended; what was said of them still holds")
    before = old.ask("logs", "count", "--tenant", "acme", *ALL_TIME)["rows"]
    with connect(old, context(folder)) as device:
        device.sendall(octets(sessions(1000, 20)))
        device.unwrap()
    until(lambda: old.ask("logs", "count", "--tenant", "acme", *ALL_TIME)["rows"] == before + 20, "new rows beside the old")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect_once(old, context(old.home / "acme-old"))
