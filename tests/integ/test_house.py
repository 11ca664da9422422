"""Keeping house on a running Fairlead: verify, repair, purge, quotas, a full disk."""
import datetime
import json
import os
import random
import re
import signal
import subprocess

import pytest

from senders import Server, connect, context, now_text, octets, program, sessions, until

OK, NO, USAGE, REACH, REFUSED, PARTIAL = range(6)
ROWS = 400


@pytest.fixture(name="house", scope="module")
def fixture_house():
    """Two tenants with a device each and some sealed rows of today."""
    server = Server(settings="seal_s = 1")
    try:
        for tenant in ("acme", "blue"):
            server.must("tenant", "add", tenant, "--demo")
            server.must("site", "add", f"{tenant}/berlin")
            server.must("device", "add", f"{tenant}/fw1", "--site", "berlin")
            server.must("device", "cert", "issue", f"{tenant}/fw1", "--out", server.home / tenant)
            send(server, tenant, sessions(1, ROWS))
        yield server
    finally:
        server.remove()


def again(server):
    """Start it; wait until the store answers."""
    server.start()
    until(lambda: server.run("store", "merge", "--dry-run").returncode == OK, "the store is open")


def rows(server, tenant):
    return server.ask("logs", "count", "--tenant", tenant, "--last", "2h")["rows"]


def segments(server, tenant):
    return sorted((server.home / "data" / "store" / tenant).glob("*/*.seg"))


def noise(count):
    """Lines that nothing makes smaller."""
    return [f"<14>1 {now_text()} fw1 noise - - - {random.Random(i).randbytes(900).hex()}".encode() for i in range(count)]


def send(server, tenant, what):
    """Lines of a device; wait until they are in a segment."""
    count = len(what)
    before, there = rows(server, tenant), len(segments(server, tenant))
    with connect(server, context(server.home / tenant)) as device:
        device.sendall(octets(what))
        device.unwrap()
    until(lambda: rows(server, tenant) == before + count, "the rows are there")
    until(lambda: len(segments(server, tenant)) > there, "and sealed")


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def findings(done):
    return [line["finding"] for line in lines(done) if "finding" in line]


def damage(path, at):
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x21]))


def today():
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def events(server, name):
    return [e for e in server.ask_lines("events", "list", "--limit", "1000") if e["event"] == name]


def test_sound(house):
    text = house.must("store", "verify")
    assert "all is sound" in text and "segments with" in text
    done = house.run("store", "verify", "--tenant", "acme", "--json")
    result = lines(done)[-1]["result"]
    assert done.returncode == OK and result["ok"] and result["rows"] == ROWS and result["dry_run"]
    assert house.run("store", "verify", "--tenant", "nobody").returncode == NO
    assert house.run("store", "verify", "--day", "yesterday").returncode == USAGE
    done = house.run("store", "verify", "--day", "2020-01-01", "--json")
    assert done.returncode == OK and lines(done)[-1]["result"]["segments"] == 0


def test_merge_leaves_today(house):
    assert "0 days have small segments" in house.must("store", "merge", "--dry-run")
    assert "0 segments became 0" in house.must("store", "merge")
    assert house.ask("store", "stats")["merges"] == 0


def test_upgrade_there_and_back(house):
    """Segments go to the first version of the format and back, with the same rows."""
    def versions():
        return house.ask("store", "stats")["versions"]

    before, export = versions(), house.must("logs", "export", "--tenant", "acme", "--last", "2h")
    assert before["v1"] == 0 and before["v2"] >= 2
    assert f"{before['v2']} segments, " in house.must("store", "upgrade", "--to", "1", "--dry-run")
    done = house.run("store", "upgrade", "--to", "1", "--json")
    result = lines(done)[-1]["result"]
    assert done.returncode == OK and result["segments"] == before["v2"] and result["rows"] == 2 * ROWS
    assert versions() == {"v1": before["v2"], "v2": 0}
    assert "fairlead store upgrade" in house.must("store", "stats")
    assert house.must("logs", "export", "--tenant", "acme", "--last", "2h") == export
    assert "segments have version 2 now" in house.must("store", "upgrade", "--tenant", "acme")
    assert versions()["v1"] > 0
    house.must("store", "upgrade")
    assert versions() == before
    assert house.must("logs", "export", "--tenant", "acme", "--last", "2h") == export
    assert [e["detail"] for e in events(house, "store.upgrade")]
    for wrong in ("3", "x", "0"):
        assert house.run("store", "upgrade", "--to", wrong).returncode == USAGE
    assert "VERSION" in house.run("store", "upgrade", "-h").stdout
    assert "all is sound" in house.must("store", "verify")
    until(lambda: len(segments(house, "acme") + segments(house, "blue")) == before["v2"], "the old files are gone", 90)


def test_damage(house):
    """One damaged block: the rest is served, it is named, and repair leaves it behind."""
    send(house, "acme", sessions(10000, ROWS))
    file = segments(house, "acme")[0]
    damage(file, 64 + 9)
    done = house.run("logs", "export", "--tenant", "acme", "--last", "2h")
    assert done.returncode == PARTIAL and len(done.stdout.splitlines()) == ROWS, done.stderr
    done = house.run("store", "verify", "--json")
    found = findings(done)
    result = lines(done)[-1]["result"]
    assert done.returncode == NO and not result["ok"] and result["lost_rows"] == ROWS
    assert all(f["tenant"] == "acme" and f["file"] == file.name and f["block"] == 0 for f in found)
    assert found[0]["kind"] == "damaged_block" and found[0]["column"] and found[0]["rows"] == ROWS
    text = house.run("store", "verify", "--tenant", "acme").stdout
    assert f"damaged block: acme/{today()} {file.name}, block 0, column" in text
    assert "1 damaged blocks in 1 segments" in text
    assert house.run("store", "verify", "--tenant", "blue").returncode == OK
    assert events(house, "store.damage")
    assert house.ask("store", "stats")["damaged_rows"] == ROWS
    assert "fairlead store repair" in house.must("store", "stats")

    done = house.run("store", "repair")
    assert done.returncode == USAGE and "--yes" in done.stderr
    done = house.run("store", "repair", "--dry-run")
    assert done.returncode == NO and "Nothing was changed" in done.stdout and file.exists()
    text = house.must("store", "repair", "--yes")
    assert "1 segments were written anew" in text and "left behind" in text
    assert not file.exists() and rows(house, "acme") == ROWS
    event = events(house, "store.repair")
    assert any(e["detail"].get("rows_lost") == ROWS for e in event), event
    assert "all is sound" in house.must("store", "verify")
    assert house.ask("store", "stats")["damaged_rows"] == 0


def test_orphan(house):
    """A file whose footer is damaged is passed over by the next start, and removed by repair."""
    file = segments(house, "blue")[0]
    damage(file, file.stat().st_size - 70)
    house.stop()
    again(house)
    done = house.run("store", "verify", "--json")
    assert done.returncode == NO and findings(done)[0]["kind"] == "left_over_file"
    assert "1 files removed" in house.must("store", "repair", "--yes")
    assert not file.exists() and house.run("store", "verify").returncode == OK


def test_purge(house):
    day, before = today(), rows(house, "acme")
    text = house.must("logs", "purge", "--tenant", "acme", "--day", day, "--dry-run")
    count = re.match(r"([0-9,]+) rows, .* in ([0-9]+) segments of 1 days, ([0-9]+) keys\. Nothing", text)
    assert count and int(count[1].replace(",", "")) == before and int(count[3]) > 0, text
    for words in ([], ["--day", day, "--from", day], ["--day", day, day], ["--from", day],
                  ["--from", day, "--to", "2020-01-01"]):
        done = house.run("logs", "purge", "--tenant", "acme", "--yes", *words)
        assert done.returncode == USAGE, (words, done.stdout)
    done = house.run("logs", "purge", "--tenant", "acme", "--day", day)
    assert done.returncode == USAGE and "will be destroyed" in done.stderr and f"{count[1]} rows" in done.stderr
    text = house.must("logs", "purge", "--tenant", "acme", "--from", day, "--to", day, "--yes")
    assert f"received from {day} to {day}" in text and f"{count[1]} rows" in text and "key epoch" in text
    assert f"{count[3]} keys" in text
    assert rows(house, "acme") == 0
    send(house, "acme", sessions(50000, ROWS))
    assert rows(house, "acme") == ROWS


def test_quota(house):
    """Today alone is over the quota: told, shown, and not taken."""
    house.must("tenant", "set", "acme", "--quota", "1100K")
    send(house, "acme", noise(3000))
    kept = rows(house, "acme")
    until(lambda: events(house, "logs.quota_exceeded"), "it is told")
    event = events(house, "logs.quota_exceeded")[-1]
    assert event["tenant"] == "acme" and event["detail"]["quota_bytes"] == 1100000
    assert rows(house, "acme") == kept
    shown = house.ask("tenant", "show", "acme")["data"]
    assert shown["used_percent"] > 100 and shown["taken_days"] == 0
    assert "of the quota" in house.must("tenant", "show", "acme")
    house.must("tenant", "set", "acme", "--quota", "0")


class SmallDisk(Server):
    """Its data folder is a disk of 64 MiB of its own."""

    def start(self):
        data = self.home / "data"
        if not data.exists():
            data.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64M,mode=755", "tmpfs", data], check=True)
        super().start()

    def remove(self):
        self.stop()
        subprocess.run(["umount", self.home / "data"], check=True)
        super().remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk is root's")
def test_full_disk():
    """Less than half of the floor is free: nothing is accepted, senders wait. With room again, nothing was lost."""
    try:
        disk = SmallDisk(settings="seal_s = 1\nmin_free_bytes = 32M")
    except subprocess.CalledProcessError:
        pytest.skip("mounting is not allowed here")
    try:
        disk.must("tenant", "add", "acme", "--demo")
        disk.must("site", "add", "acme/berlin")
        disk.must("device", "add", "acme/fw1", "--site", "berlin")
        disk.must("device", "cert", "issue", "acme/fw1", "--out", disk.home / "acme")
        send(disk, "acme", sessions(1, ROWS))
        ballast = disk.home / "data" / "ballast"
        free = disk.ask("store", "stats")["free_bytes"]
        ballast.write_bytes(bytes(free - (15 << 20)))
        until(lambda: disk.ask("status")["store"]["behind"], "the store says that it is behind")
        assert "nearly full" in disk.ask("status")["store"]["note"] and events(disk, "store.full")
        kept = rows(disk, "acme")
        assert kept == ROWS and not events(disk, "logs.quota")
        with connect(disk, context(disk.home / "acme")) as device:
            device.sendall(octets(sessions(1000, ROWS)))
            device.unwrap()
        until(lambda: disk.live("acme/fw1")["lines"] >= 2 * ROWS, "ingest has them")
        assert rows(disk, "acme") == kept and disk.live("acme/fw1")["accepted"] == ROWS
        ballast.unlink()
        until(lambda: rows(disk, "acme") >= kept + ROWS, "they are accepted")
        assert not disk.ask("status")["store"]["behind"] and events(disk, "store.room")
        assert rows(disk, "acme") == kept + ROWS and disk.live("acme/fw1")["lost"] == 0
    finally:
        disk.remove()


def test_interrupted(house):
    """Ctrl-C ends the work in the store as well; another may begin at once."""
    env = dict(os.environ, FAIRLEAD_SERVER=str(house.home / "data" / "run" / "fairlead.sock"))
    for _ in range(5):
        with subprocess.Popen([program("fairlead"), "store", "verify", "--json"], env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)
    until(lambda: house.run("store", "verify").returncode == OK, "it can be done again")
