"""One person is erased on a running Fairlead; neither its files nor a copy from before tell of them, with every key
that still exists. Copies that are put back, ledgers that are missing, and another root key."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from senders import Server, connect, context, now_text, octets, program, until

OK, NO, USAGE = range(3)
PERSON = "j.doe"
EACH = 200  # rows of each person


def reader(keys, store, word=PERSON, tenant=1):
    """What tests/tools/store_reader finds of a word in a store's files, with a folder of keys."""
    path = program("fairleadd").parents[2] / "tests" / "tools" / "store_reader"
    if not path.exists():
        pytest.skip("tests/tools/store_reader is not built")
    done = subprocess.run([path, keys, store, str(tenant), word], capture_output=True, text=True, timeout=60,
                          check=False)
    return json.loads(done.stdout)


def places(found):
    return found["in_rows"] + found["in_sums"] + found["in_records"] + found["in_clear"]


def close(number, user):
    return (f'<14>1 {now_text()} fw1 RT_FLOW - RT_FLOW_SESSION_CLOSE [junos@2636.1.1.1.2.129 reason="TCP FIN" '
            f'source-address="10.0.{number // 250}.{number % 250}" source-port="{1024 + number}" '
            f'destination-address="192.0.2.1" destination-port="443" service-name="junos-https" protocol-id="6" '
            f'session-id-32="{number}" packets-from-client="2" bytes-from-client="100" packets-from-server="3" '
            f'bytes-from-server="900" elapsed-time="3" application="HTTPS" nested-application="YOUTUBE" '
            f'username="{user}"]').encode()


def said(number, user):
    return f"<38>1 {now_text()} fw1 sshd {number} - - session of {user} was opened".encode()


def lines(first, users=(PERSON, "b.lee", "m.kim"), count=EACH):
    out = []
    for user in users:
        out += [close(first + i, user) for i in range(count // 2)]
        out += [said(first + i, user) for i in range(count // 2)]
        first += count
    return out


def rows(server, *where):
    return server.ask("logs", "count", *where, "--last", "2h")["rows"]


def segments(server):
    return list((server.home / "data" / "store" / "acme").glob("*/*.seg"))


def send(server, some):
    before = rows(server)
    with connect(server, context(server.home / "acme-fw1")) as device:
        device.sendall(octets(some))
        device.unwrap()
    until(lambda: rows(server) == before + len(some), "the rows are there")


def sums(server, user):
    """Rows, sessions and bytes of a user by application, as rollups and rows have them."""
    items = server.ask_lines("logs", "top", "app", f"user:{user}", "--last", "2h")
    return [{key: item[key] for key in ("key", "rows", "sessions", "bytes", "packets", "users")} for item in items]


@pytest.fixture(name="server")
def fixture_server():
    server = Server(settings="seal_s = 1")
    try:
        server.tenant("acme")
        server.device("acme/fw1")
        send(server, lines(1))
        until(lambda: segments(server), "rows are sealed")
        yield server
    finally:
        server.remove()


def copy(server, name):
    """A cold copy of the data folder; the copy of a backup leaves the epoch file out."""
    assert server.process.poll() is not None
    to = server.home / name
    shutil.copytree(server.home / "data", to, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
    return to


def put_back(server, name):
    shutil.rmtree(server.home / "data")
    shutil.copytree(server.home / name, server.home / "data", symlinks=True)


def keys_of(server, name, table_from=None):
    """A copy of the living keys, to be opened beside them."""
    to = server.home / name
    shutil.copytree(server.home / "data" / "keys", to)
    if table_from is not None:
        shutil.copy(table_from / "keys" / "table", to / "table")
    return to


def stop(server):
    server.stop()
    assert server.process.returncode == 0


def start(server):
    """Started, and the store open: erasures that are to be done again are done."""
    server.start()
    until(lambda: server.run("logs", "count", "--tenant", "acme").returncode == OK, "the store is open")


def erase(server, *words):
    return server.run("logs", "erase", "--user", PERSON, "--yes", *words, timeout=60)


def test_nobody_finds_the_person(server):
    stop(server)
    whole = copy(server, "whole")
    backup = copy(server, "backup")
    (backup / "keys" / "epoch").unlink()
    found = reader(keys_of(server, "keys0"), whole / "store")
    assert found["in_rows"] >= EACH and found["segments"] > 0 and found["in_clear"] == 0, found
    start(server)

    send(server, lines(5000, count=20))  # in memory and in the log
    server.must("logs", "export", "--last", "1h", "--format", "csv")
    total, others, theirs = rows(server), sums(server, "b.lee"), rows(server, "m.kim")
    done = server.run("logs", "erase", "--user", PERSON, "--dry-run")
    assert done.returncode == OK, done.stderr
    assert re.match(r"220 rows in \d+ segments of 1 days, \d+ rollup entries, 1 exports\. Nothing was changed",
                    done.stdout), done.stdout
    assert "found in user.name: 110 rows" in done.stdout and "found in message: 110 rows" in done.stdout
    assert rows(server) == total

    done = erase(server)
    assert done.returncode == OK, done.stderr
    assert re.search(r"220 rows in \d+ segments are erased: \d+ keys destroyed, key epoch \d+ \(root: file\)\. "
                     r"Receipt 1\.", done.stdout), done.stdout
    assert "not reached: 1 exports made earlier" in done.stdout
    assert rows(server) == total - 220
    assert rows(server, f"user:{PERSON}") == 0 and rows(server, f'message~"{PERSON}"') == 0
    assert sums(server, "b.lee") == others and rows(server, "m.kim") == theirs
    facets = server.ask("logs", "facets", "--columns", "user", "--last", "2h")
    assert PERSON not in json.dumps(facets)

    receipt = server.must("logs", "receipts", "1", "--json")
    facts = json.loads(receipt)["facts"]
    assert facts["rows"] == 220 and facts["tenant"] == "acme" and facts["subject"].startswith("p-")
    assert PERSON not in receipt
    assert server.run("logs", "receipts", "verify", "-", input=receipt).returncode == OK
    key = server.ask("status")["keys"].get("destroy_key", json.loads(receipt)["key"])
    assert server.run("logs", "receipts", "verify", "-", "--fingerprint", key, input=receipt).returncode == OK
    changed = receipt.replace('"rows":220', '"rows":221', 1)
    assert server.run("logs", "receipts", "verify", "-", input=changed).returncode == NO
    events = server.must("events", "list", "--limit", "100", "--json")
    assert '"logs.erase"' in events and '"logs.erased"' in events and PERSON not in events
    assert facts["subject"] in events

    send(server, lines(9000, users=("b.lee",), count=10))
    stop(server)
    assert PERSON not in server.log_text()
    for path in (server.home / "data.ledger").iterdir():
        assert PERSON.encode() not in path.read_bytes()
    found = reader(keys_of(server, "keys1"), server.home / "data" / "store")
    assert found["opens"] and found["segments"] > 0 and places(found) == 0, found
    found = reader(keys_of(server, "keys2"), whole / "store")
    assert found["opens"] and places(found) == 0 and found["no_key"] > 0, found
    assert reader(keys_of(server, "keys3", table_from=whole), whole / "store")["opens"] is False
    found = reader(keys_of(server, "keys4"), server.home / "data" / "store", word="b.lee")
    assert found["in_rows"] > 0, found


def test_a_copy_that_is_put_back(server):
    stop(server)
    copy(server, "whole")
    shutil.copytree(server.home / "data.ledger", server.home / "old.ledger")
    start(server)
    others = sums(server, "b.lee")
    assert erase(server).returncode == OK
    stop(server)

    put_back(server, "whole")
    start(server)
    assert rows(server, f"user:{PERSON}") == 0 and rows(server, f'message~"{PERSON}"') == 0
    assert sums(server, "b.lee") == others
    assert json.loads(server.must("logs", "receipts", "1", "--json"))["facts"]["after_restore"] is True
    assert "older than the ledger of erasures" in server.log_text()
    stop(server)
    assert places(reader(keys_of(server, "keys1"), server.home / "data" / "store")) == 0

    # The living keys, with the copy's files: as the documentation says when the machine is still there.
    keep = keys_of(server, "keys2")
    put_back(server, "whole")
    shutil.rmtree(server.home / "data" / "keys")
    shutil.copytree(keep, server.home / "data" / "keys")
    start(server)
    assert rows(server, f"user:{PERSON}") == 0
    stop(server)

    put_back(server, "whole")
    ledger, old = server.home / "data.ledger", server.home / "old.ledger"
    ledger.rename(server.home / "aside")
    for folder, what in ((None, "the ledger of erasures is missing"), (old, "older than the data folder")):
        if folder is not None:
            shutil.rmtree(server.home / "data")
            shutil.copytree(server.home / "newest", server.home / "data", symlinks=True)
            shutil.rmtree(ledger, ignore_errors=True)
            shutil.copytree(folder, ledger)
        with pytest.raises(AssertionError, match="the server ended"):
            server.start()
        assert what in server.log_text(), server.log_text()
        assert "ledger_dir" in server.log_text()
        if folder is None:
            shutil.rmtree(ledger, ignore_errors=True)
            (server.home / "aside").rename(ledger)
            put_back(server, "whole")
            start(server)  # the right ledger: it opens
            stop(server)
            copy(server, "newest")


@pytest.mark.parametrize("role", ["store", "keys"])
def test_killed_while_erasing(server, role):
    others = sums(server, "b.lee")
    before = server.roles()[role]["pid"]
    command = subprocess.Popen([program("fairlead"), "logs", "erase", "--user", PERSON, "--yes"],
                               env=dict(os.environ, FAIRLEAD_SERVER=str(server.home / "data/run/fairlead.sock")),
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until(lambda: "erasure 1 is in the ledger" in server.log_text(), "it has begun")
    os.kill(before, signal.SIGKILL)
    command.communicate(timeout=60)
    until(lambda: "erasure 1 is done" in server.log_text(), "the erasure is finished", seconds=90)
    until(lambda: server.is_up() and server.roles()[role]["pid"] != before, "all is up, with a new process")
    assert rows(server, f"user:{PERSON}") == 0
    assert sums(server, "b.lee") == others
    receipts = [json.loads(line) for line in server.must("logs", "receipts", "--json").splitlines()]
    assert len(receipts) == 1
    stop(server)
    assert places(reader(keys_of(server, "keys1"), server.home / "data" / "store")) == 0


def test_rows_that_come_meanwhile(server):
    """Others' lines go on while somebody is erased; none is lost."""
    sent = 0
    with connect(server, context(server.home / "acme-fw1")) as device:
        command = subprocess.Popen([program("fairlead"), "logs", "erase", "--user", PERSON, "--yes"],
                                   env=dict(os.environ, FAIRLEAD_SERVER=str(server.home / "data/run/fairlead.sock")),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while command.poll() is None or sent < 500:
            device.sendall(octets(lines(20000 + sent, users=("z.poe",), count=20)))
            sent += 20
            time.sleep(0.02)
        device.unwrap()
    assert command.returncode == OK, command.stderr.read()
    until(lambda: rows(server, "z.poe") == sent // 2 and rows(server, "user:z.poe") == sent // 2, "all came")
    assert rows(server, f"user:{PERSON}") == 0


def test_refusals(server):
    for words, code, text in (
            ((), USAGE, "whom?"),
            (("--user", "x"), USAGE, "2 to 256 bytes"),
            (("--ip", "10.0.0"), USAGE, "one address"),
            (("--where", "nofield:1"), USAGE, "column 1"),
            (("--user", PERSON, "--from", "2026-01-02", "--to", "2026-01-01"), USAGE, "before"),
    ):
        done = server.run("logs", "erase", "--yes", *words)
        assert done.returncode == code and text in done.stderr, (words, done.returncode, done.stderr)
    done = server.run("logs", "erase", "--user", PERSON)
    assert done.returncode == USAGE and "--yes" in done.stderr
    done = server.run("logs", "erase", "--user", "-", "--dry-run", input=PERSON + "\n")
    assert done.returncode == OK and done.stdout.startswith(f"{EACH} rows"), done.stdout + done.stderr
    done = server.run("logs", "erase", "--ip", "10.0.0.7", "--dry-run", "--json")
    assert json.loads(done.stdout.splitlines()[-1])["result"]["rows"] == 1
    assert server.run("logs", "receipts", "77").returncode == NO
    server.must("tenant", "add", "closed")  # no demonstration, no local access
    done = server.run("logs", "erase", "--user", PERSON, "--tenant", "closed", "--yes")
    assert done.returncode == 4 and "--local-access" in done.stderr, done.stderr


def test_another_root_key(server):
    keys = server.home / "data" / "keys"
    old = (keys / "root.key").read_bytes()
    total = rows(server)
    done = server.run("keys", "root", "change", "--yes")
    assert done.returncode == OK and "Back it up now" in done.stdout, done.stderr
    assert (keys / "root.key").read_bytes() != old
    assert not [path for path in keys.iterdir() if path.name.endswith(".next")]
    send(server, lines(30000, users=("b.lee",), count=10))
    assert rows(server) == total + 10
    assert '"keys.root.changed"' in server.must("events", "list", "--limit", "50", "--json")
    stop(server)
    start(server)
    assert rows(server) == total + 10
    assert erase(server).returncode == OK
    stop(server)
    new = (keys / "root.key").read_bytes()
    (keys / "root.key").write_bytes(old)
    with pytest.raises(AssertionError, match="the server ended"):
        server.start()
    (keys / "root.key").write_bytes(new)
    start(server)
    assert rows(server, f"user:{PERSON}") == 0


def test_only_the_backup_is_left(server):
    """Without the epoch file no log opens, but everything else does; and then a missing ledger does no harm."""
    stop(server)
    copy(server, "backup")
    for name in ("epoch", "table"):
        (server.home / "backup" / "keys" / name).unlink()
    start(server)
    assert erase(server).returncode == OK
    stop(server)
    put_back(server, "backup")
    start(server)
    assert rows(server) == 0
    assert [device["slug"] for device in server.ask_lines("device", "list")] == ["fw1"]
    send(server, lines(40000, users=("b.lee",), count=10))
    stop(server)
    put_back(server, "backup")
    shutil.rmtree(server.home / "data.ledger")
    start(server)
    assert "began a ledger of erasures" in server.log_text()
    send(server, lines(41000, users=("b.lee",), count=10))
