"""The command line against a running Fairlead: set-up, refusals, answers, and what happens when a role is away."""
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import time

import pytest

from senders import TOP, connect, context, newlines, octets, own_certificate, program, sessions, until

OK, NO, USAGE, REACH, REFUSED, PARTIAL = range(6)
NOUNS = ["status", "tenant", "site", "device", "logs", "store", "ca", "events", "conf", "demo", "version"]


@pytest.fixture(name="acme", scope="module")
def fixture_acme(box):
    """A tenant that is no demonstration: its logs are closed to the operator until it says otherwise."""
    box.must("tenant", "add", "acme", "--name", "Acme Ltd", "--keep-days", "14")
    box.must("site", "add", "acme/berlin", "--country", "DE")
    box.must("device", "add", "acme/fw1", "--site", "berlin")
    box.folder = box.home / "acme-fw1"
    box.must("device", "cert", "issue", "acme/fw1", "--out", box.folder)
    return box


def fails(done, code, *texts):
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    for text in texts:
        assert text in done.stderr, done.stderr
    assert done.stderr.startswith("fairlead: ")


def kill_role(server, role):
    """kill -9 of a role; waits until the supervisor has started it again."""
    before = server.roles()[role]
    os.kill(before["pid"], signal.SIGKILL)
    return before


def back(server, role, before):
    until(lambda: server.run("status").returncode == OK and server.roles()[role]["pid"] != before["pid"],
          f"{role} is back")
    assert server.roles()[role]["restarts"] == before["restarts"] + 1


def test_help_everywhere(box):
    """-h on every level: usage and two examples; the same by `help`."""
    top = box.must("-h")
    for noun in NOUNS:
        assert re.search(rf"^  {noun}\b", top, re.M), noun
        text = box.must(noun, "-h")
        assert "usage: fairlead " + noun in text and len(text.split("examples:\n")[1].strip().splitlines()) == 2
        for verb in re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", text.split("examples:")[0], re.M):
            inner = box.must(noun, *verb.split(), "-h")
            assert f"usage: fairlead {noun} {verb}" in inner
            assert len(inner.split("examples:\n")[1].strip().splitlines()) == 2
            assert box.must("help", noun, *verb.split()) == inner


def test_no_line_of_help_is_too_long(box):
    for noun in NOUNS:
        for line in box.must(noun, "-h").splitlines():
            assert len(line) <= 120, line


def test_wrong_use(box):
    fails(box.run("tenat", "list"), USAGE, "did you mean 'tenant'?")
    fails(box.run("tenant", "lst"), USAGE, "did you mean 'list'?")
    fails(box.run("tenant", "list", "--jsn"), USAGE, "did you mean 'json'?")
    fails(box.run("logs", "top"), USAGE, "an argument is missing")
    fails(box.run("logs", "top", "apps"), USAGE, "did you mean 'app'?")
    fails(box.run("logs", "top", "app", "--by", "byte"), USAGE, "did you mean 'bytes'?")
    fails(box.run("logs", "query", "--columns", "time,sorce"), USAGE, "did you mean 'source'?")
    fails(box.run("logs", "query", "--last", "1h", "--day", "2026-11-20"), USAGE, "exclude each other")
    fails(box.run("logs", "query", "--last", "long"), USAGE, "such as 15m")
    fails(box.run("status", "--tz", "Nowhere"), USAGE, "not known here")
    fails(box.run("tenant", "add", "x", "--keep-days", "31"), USAGE, "1 to 30")
    fails(box.run("tenant", "add", "x", "--quota", "much"), USAGE, "20G")
    fails(box.run("tenant", "add", "Not_A_Slug"), USAGE, "a-z, 0-9")


def test_not_reached(box, tmp_path):
    env = dict(os.environ, FAIRLEAD_SERVER=str(tmp_path / "none.sock"))
    done = subprocess.run([program("fairlead"), "status"], env=env, capture_output=True, text=True, check=False)
    fails(done, REACH, "no server at", "systemctl start fairlead")
    fails(box.run("status", "--server", "https://fairlead.example"), REFUSED, "FAIRLEAD_TOKEN is not set")
    fails(box.run("status", "--server", "http://fairlead.example"), USAGE, "https://HOST:PORT")


def test_set_up(acme):
    tenant = acme.ask("tenant", "show", "acme")
    assert tenant["name"] == "Acme Ltd" and tenant["keep_days"] == 14 and tenant["devices"] == 1
    assert tenant["data"]["rows"] == 0 and tenant["local_access_until"] is None
    assert [t["slug"] for t in acme.ask_lines("tenant", "list")] == ["acme"]
    fails(acme.run("tenant", "add", "acme"), NO, "acme")
    fails(acme.run("tenant", "show", "nobody"), NO, "there is no tenant 'nobody'")
    fails(acme.run("device", "add", "acme/fw9"), USAGE, "--site is missing")
    fails(acme.run("device", "add", "acme/fw9", "--site", "rome"), NO, "rome")
    acme.must("tenant", "set", "acme", "--quota", "20G", "--name", "Acme SE")
    assert acme.ask("tenant", "show", "acme")["quota_bytes"] == 20 * 10 ** 9
    acme.must("site", "set", "acme/berlin", "--name", "Berlin Mitte")
    assert acme.ask("site", "show", "acme/berlin")["name"] == "Berlin Mitte"
    acme.must("device", "set", "acme/fw1", "--host", "FW1.acme.example")
    assert acme.ask("device", "show", "acme/fw1")["host"] == "FW1.acme.example"
    fails(acme.run("site", "remove", "acme/berlin", "--yes"), NO, "berlin")
    acme.must("device", "set", "acme/fw1", "--host", "fw1")


def test_the_only_tenant_need_not_be_named(acme):
    assert acme.ask("device", "show", "fw1")["slug"] == "fw1"
    acme.must("tenant", "add", "other")
    fails(acme.run("device", "show", "fw1"), USAGE, "which tenant?")
    assert acme.ask("device", "show", "fw1", "--tenant", "acme")["slug"] == "fw1"
    acme.must("tenant", "remove", "other", "--yes")
    assert acme.ask("device", "show", "fw1")["slug"] == "fw1"


def test_names_in_paths_are_only_names(acme):
    """What is typed as a name cannot become another request."""
    for name in ["../../instance/status", "acme?x=1", "a%2f", "", "x" * 64, "a\nb"]:
        done = acme.run("tenant", "show", name)
        assert done.returncode in (NO, USAGE), (name, done)


def test_certificates(acme, tmp_path):
    folder = acme.folder
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    assert "PRIVATE KEY" in (folder / "key.pem").read_text()
    assert "PRIVATE KEY" not in (folder / "cert.pem").read_text() + (folder / "ca.pem").read_text()
    fails(acme.run("device", "cert", "issue", "acme/fw1", "--out", folder), USAGE, "nothing is overwritten")
    assert (folder / "ca.pem").read_text().strip() == acme.must("ca", "show").strip()
    acme.must("device", "add", "acme/spare", "--site", "berlin")
    out = acme.must("device", "cert", "issue", "acme/spare", "--out", tmp_path / "spare", "--days", "30")
    assert "set security log transport tls-profile fairlead" in out and f"host port {acme.port}" in out
    one = acme.ask("device", "show", "acme/spare")["certificates"][0]
    assert one["origin"] == "issued" and one["revoked_at"] is None
    fails(acme.run("device", "cert", "revoke", "acme/spare", one["fingerprint"][:4], "--yes"), USAGE, "first 8")
    fails(acme.run("device", "cert", "revoke", "acme/spare", "0" * 16, "--yes"), NO, "no certificate")
    fails(acme.run("device", "cert", "revoke", "acme/spare", one["fingerprint"][:16]), USAGE, "needs --yes")
    acme.must("device", "cert", "revoke", "acme/spare", one["fingerprint"][:16].upper(), "--yes")
    assert acme.ask("device", "show", "acme/spare")["certificates"][0]["revoked_at"]
    mine = own_certificate(tmp_path / "own", "own.example")
    acme.must("device", "cert", "pin", "acme/spare", mine / "cert.pem")
    fails(acme.run("device", "cert", "pin", "acme/fw1", mine / "cert.pem"), NO, "belongs to a device already")
    fails(acme.run("device", "cert", "pin", "acme/fw1", mine / "key.pem"), USAGE, "certificate")
    acme.must("device", "remove", "acme/spare", "--yes")


def test_logs_need_the_tenants_grant(acme):
    """The local socket gives set-up and health; logs only with a grant, and the refusal says how it is given."""
    how = "fairlead tenant set acme --local-access 8h"
    with connect(acme, context(acme.folder)) as sock:
        sock.sendall(octets(sessions(1, 200)))
        sock.unwrap()
    until(lambda: acme.live("acme/fw1")["accepted"] >= 200, "200 lines accepted")
    for words in (["top", "app"], ["query"], ["series", "app"], ["facets"], ["count"], ["export"], ["tail"],
                  ["context", "2026-11-21.1"]):
        done = acme.run("logs", *words)
        fails(done, REFUSED, how)
        assert done.stdout == ""
    acme.must("tenant", "set", "acme", "--local-access", "1h")
    assert acme.count() == 200
    acme.must("tenant", "set", "acme", "--local-access", "off")
    fails(acme.run("logs", "count"), REFUSED, how)
    fails(acme.run("tenant", "set", "acme", "--local-access", "200h"), USAGE, "hours")
    events = [e["event"] for e in acme.ask_lines("events", "list", "--limit", "1000")]
    assert "access.grant" in events and "access.end" in events and "cap.refused" in events
    acme.must("tenant", "set", "acme", "--local-access", "8h")


def test_answers(acme):
    rows = acme.ask_lines("logs", "query", "--limit", "7", "--last", "2h")
    assert len(rows) == 7 and rows[0]["observer"]["name"] == "fw1"
    text = acme.must("logs", "query", "--limit", "3", "--last", "2h", "--tz", "UTC")
    head, *lines, summary = text.splitlines()
    assert head.split()[:3] == ["time", "device", "user"] and len(lines) == 3
    cursor = re.search(r"--cursor (\S+)", summary)[1]
    assert lines[-1].rstrip().endswith(cursor)
    following = acme.must("logs", "query", "--limit", "3", "--last", "2h", "--cursor", cursor, "--columns", "row")
    assert cursor not in following.splitlines()[1:4]
    assert acme.ask_lines("logs", "top", "app", "--last", "2h")
    facets = acme.ask_lines("logs", "facets", "--last", "2h", "--columns", "device")
    assert facets[0]["values"][0] == {"value": "fw1", "rows": 200}
    around = acme.ask_lines("logs", "context", cursor, "--limit", "2")
    assert len(around) == 5 and cursor in [row["event"]["id"] for row in around]
    fails(acme.run("logs", "context", "2026-11-21"), USAGE, "cursor")
    fails(acme.run("logs", "query", "bytes>>5", "--last", "1h"), USAGE, "column")
    csv = acme.must("logs", "export", "--last", "2h", "--format", "csv", "--columns", "device,session")
    assert len(csv.splitlines()) == 201
    assert len(acme.must("logs", "export", "--last", "2h").splitlines()) == 200
    series = acme.ask_lines("logs", "series", "device", "--last", "2h", "--by", "rows", "--step", "5m")
    assert sum(point["value"] for point in series) == 200
    assert "Nothing" in acme.must("logs", "top", "app", "user:nobody", "--last", "2h")


def test_hostile_text_does_not_reach_the_terminal(acme):
    line = (b'<14>1 2026-11-21T20:04:31Z fw1 RT_FLOW - RT_FLOW_SESSION_CLOSE [junos@2636.1.1.1.2.129 '
            b'source-address="10.0.0.1" username="\x1b]0;owned\x07\xe2\x80\xaeevil" session-id-32="424242"]')
    with connect(acme, context(acme.folder)) as sock:
        sock.sendall(octets([line]))
        sock.unwrap()
    text = until(lambda: (t := acme.must("logs", "query", "session:424242", "--from", "2026-11-21", "--to",
                                         "2026-11-22", "--columns", "user")) and "owned" in t and t, "the row")
    assert "\x1b" not in text and "\u202e" not in text and "\x07" not in text


def test_purge(acme):
    day = time.strftime("%Y-%m-%d", time.gmtime())
    before = acme.count()
    text = acme.must("logs", "purge", day, "--dry-run")
    assert "Nothing was changed" in text and acme.count() == before
    fails(acme.run("logs", "purge", day), USAGE, "will be destroyed", "needs --yes")
    fails(acme.run("logs", "purge", "yesterday", "--yes"), USAGE, "2026-11-20")
    fails(acme.run("logs", "purge", "2026-11-02", "2026-11-01", "--yes"), USAGE, "before the first")
    assert acme.count() == before


def test_tail_goes_on_after_a_loss(acme):
    """kill -9 of core and of store under a live tail: it says so, and no row is missing or there twice."""
    env = dict(os.environ, FAIRLEAD_SERVER=str(acme.home / "data" / "run" / "fairlead.sock"))
    with subprocess.Popen([program("fairlead"), "logs", "tail", "session:600000..699999", "--json"], env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tail:
        try:
            time.sleep(1)
            seen = []
            for part, role in enumerate(["core", "store", None]):
                first = 600_000 + 100 * part
                with connect(acme, context(acme.folder)) as sock:
                    sock.sendall(octets(sessions(first, 100)))
                    sock.unwrap()
                seen += [json.loads(tail.stdout.readline())["fairlead"]["session_id"] for _ in range(100)]
                if role:
                    back(acme, role, kill_role(acme, role))
            assert seen == list(range(600_000, 600_300))
        finally:
            tail.send_signal(signal.SIGINT)
        assert tail.wait(timeout=10) == OK
        assert "the connection was lost; trying again" in tail.stderr.read()


def test_an_ended_grant_ends_a_live_tail(acme):
    env = dict(os.environ, FAIRLEAD_SERVER=str(acme.home / "data" / "run" / "fairlead.sock"))
    with subprocess.Popen([program("fairlead"), "logs", "tail", "--json"], env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tail:
        try:
            with connect(acme, context(acme.folder)) as sock:
                sock.sendall(octets(sessions(700_000, 1)))
                sock.unwrap()
            assert json.loads(tail.stdout.readline())["fairlead"]["session_id"] == 700_000
            acme.must("tenant", "set", "acme", "--local-access", "off")
            assert tail.wait(timeout=15) == REFUSED
            assert "--local-access 8h" in tail.stderr.read()
        finally:
            tail.kill()
            acme.must("tenant", "set", "acme", "--local-access", "8h")


@pytest.mark.parametrize("role", ["ingest", "core", "store", "keys"])
def test_a_role_that_dies(acme, role):
    """The others go on; what needs the dead one says so; it comes back by itself."""
    lines = acme.live("acme/fw1")["lines"]
    before = kill_role(acme, role)
    status = acme.run("status", "--json")
    assert status.returncode in (OK, NO)
    assert acme.run("tenant", "list").returncode == OK
    done = acme.run("logs", "count", "--last", "2h")
    assert done.returncode in (OK, REACH), done
    if done.returncode == REACH:
        assert "does not answer" in done.stderr or "try again" in done.stderr
    back(acme, role, before)
    until(lambda: acme.run("logs", "count", "--last", "2h").returncode == OK, "questions are answered again")
    assert acme.live("acme/fw1")["lines"] >= lines if role != "core" else True
    assert acme.ask("device", "show", "acme/fw1")["certificates"]


def test_counters_outlive_a_restart(acme):
    lines = acme.live("acme/fw1")["lines"]
    assert acme.stop() == 0
    acme.start()
    assert acme.live("acme/fw1")["lines"] == lines > 0
    until(lambda: acme.run("logs", "count", "--last", "2h").returncode == 0, "the store is open")


def test_purge_destroys(acme):
    day = time.strftime("%Y-%m-%d", time.gmtime())
    assert acme.count() > 0
    assert "keys destroyed" in acme.must("logs", "purge", day, "--yes")
    assert acme.count() == 0
    assert "logs.purge" in [e["event"] for e in acme.ask_lines("events", "list", "--limit", "1000")]


def test_other_users_are_refused(acme):
    if os.geteuid() != 0:
        pytest.skip("needs root to become somebody else")

    def become_nobody():
        os.setgid(65534)
        os.setuid(65534)

    def as_nobody(*words):
        return acme.run(*words, preexec_fn=become_nobody, executable=mine, cwd=acme.home)

    mine = acme.home / "fairlead"  # the build may stand below a folder that is closed to others
    shutil.copy(program("fairlead"), mine)
    done = as_nobody("status")
    fails(done, REFUSED, "permission denied")
    sock = acme.home / "data" / "run" / "fairlead.sock"
    sock.chmod(0o666)  # the file's mode is one door, the caller's user id the other
    done = as_nobody("tenant", "list")
    fails(done, REFUSED, "user id 65534 may not use this socket", "admin_uids")
    done = as_nobody("tenant", "add", "x", "--name", "y" * 100)
    fails(done, REFUSED, "65534")
    sock.chmod(0o600)


def test_removing_a_tenant(acme):
    fails(acme.run("tenant", "remove", "acme"), USAGE, "ALL its logs will be destroyed", "needs --yes")
    text = acme.must("tenant", "remove", "acme", "--yes")
    assert "keys destroyed" in text
    assert acme.ask_lines("tenant", "list") == []
    assert acme.run("tenant", "show", "acme").returncode == NO
    assert "tenant.remove" in [e["event"] for e in acme.ask_lines("events", "list", "--limit", "1000")]


def test_events_are_numbered_and_pseudonymous(box):
    events = box.ask_lines("events", "list", "--limit", "1000")
    assert [e["n"] for e in events] == list(range(events[0]["n"], events[0]["n"] + len(events)))
    assert all(re.fullmatch(r"a-[0-9a-f]{16}", e["actor"]) for e in events if e["actor"])
    assert "uid:" not in json.dumps(events)


def test_conf(box, tmp_path):
    assert "is right" in box.must("conf", "check", box.conf)
    wrong = tmp_path / "wrong.conf"
    wrong.write_text("keep_days = 31\nlisten_tsl = x\n", encoding="utf-8")
    done = box.run("conf", "check", wrong)
    assert done.returncode == NO
    assert f"{wrong}:1: keep_days" in done.stderr and f"{wrong}:2: listen_tsl" in done.stderr
    shown = tmp_path / "shown.conf"
    shown.write_text(box.must("conf", "show", box.conf), encoding="utf-8")
    assert box.run("conf", "check", shown).returncode == OK
    assert {"setting": "keep_days", "value": "30"} in box.ask_lines("conf", "show", box.conf)


def test_parse_needs_no_server(tmp_path):
    lines = newlines(sessions(1, 3)) + b"\x00\x01 not a log line\n"
    (tmp_path / "capture").write_bytes(lines)
    env = dict(os.environ, FAIRLEAD_SERVER="/nonexistent")
    done = subprocess.run([program("fairlead"), "logs", "parse", tmp_path / "capture"], env=env, capture_output=True,
                          text=True, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == OK and [r["fairlead"]["session_id"] for r in rows[:3]] == [1, 2, 3]
    assert any("error" in row and row["error"]["message"] for row in rows)
    assert re.search(r"^\d+ messages, \d+ unparsed, \d+ framing repairs$", done.stderr.strip())
    again = subprocess.run([program("fairlead"), "logs", "parse"], input=lines, env=env, capture_output=True,
                           check=False)
    assert len(again.stdout.splitlines()) == len(rows)


def test_output_into_a_closed_pipe(box):
    done = subprocess.run(["bash", "-c", f"{program('fairlead')} logs -h | head -1"], capture_output=True, text=True,
                          check=False)
    assert done.stdout.startswith("usage:") and "rror" not in done.stderr


def test_manual_page_knows_all(box):
    """Every command and every option of -h stands in fairlead.1."""
    page = (TOP / "man" / "fairlead.1").read_text(encoding="utf-8")
    for noun in NOUNS:
        text = box.must(noun, "-h").split("examples:")[0]
        for verb in re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", text, re.M) or [""]:
            command = f"{noun} {verb}".strip()
            assert f".It Cm {command}" in page, command
            for option in re.findall(r"^  (?:-h, )?--([a-z-]+)", box.must(*command.split(), "-h"), re.M):
                assert f"Fl Fl {option}" in page, option


def test_version(box):
    version = box.must("version").split()[1]
    assert box.must("--version") == box.must("version") and box.ask("version")["version"] == version
    assert pathlib.Path(program("fairlead")).exists()
