"""A device that floods, one that trickles, thousands that reconnect together, one whose clock jumps: the others notice
nothing. Their lines are all there, in order, on the connection they began with; the time from sending to being read is
compared with that of the same run without the neighbour, so that no figure depends on the machine."""
import csv
import datetime
import io
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest

from senders import Server, connect, context, octets, session, until

SECONDS = float(os.environ.get("FAIRLEAD_NEIGHBOUR_S", "4"))
STORM = int(os.environ.get("FAIRLEAD_STORM", "300"))  # make soak: 2000
GOOD = ("acme/fw0", "acme/fw1", "beta/fw0")  # of the neighbour's tenant, and of another
RATIO, SLACK_S = 50, 0.5


@pytest.fixture(name="server", scope="module")
def fixture_server():
    server = Server(settings="connections_max = 6000\nconnections_per_address = 5000\n")
    try:
        for tenant in ("acme", "beta"):
            server.tenant(tenant)
        server.folders = {name: server.device(name) for name in (*GOOD, "acme/bad")}
        server.next = 1_000_000
        yield server
    finally:
        server.remove()


class Steady(threading.Thread):
    """A device that sends a line every 10 ms, with the time to the microsecond."""

    def __init__(self, server, name, first):
        super().__init__(daemon=True)
        self.server, self.name_, self.first, self.next = server, name, first, first
        self.stopped, self.broken = threading.Event(), None

    def run(self):
        try:
            with connect(self.server, context(self.server.folders[self.name_])) as sock:
                while not self.stopped.is_set():
                    now = datetime.datetime.now(datetime.timezone.utc)
                    sock.sendall(octets([session(self.next, time_text=now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))]))
                    self.next += 1
                    self.stopped.wait(0.01)
                sock.unwrap()
        except OSError as error:
            self.broken = error


def micros(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def rows_of(server, steady):
    """(session, seconds from sending to reading) in the order in which the store took them."""
    tenant, device = steady.name_.split("/")
    text = server.must("logs", "export", f"device:{device}", f"session:{steady.first}..{steady.next - 1}", "--tenant",
                       tenant, "--last", "2h", "--format", "csv", "--columns", "seq,session,time,received", timeout=60)
    rows = sorted(csv.DictReader(io.StringIO(text)), key=lambda row: int(row["event.sequence"]))
    return [(int(row["fairlead.session_id"]), micros(row["event.ingested"]) - micros(row["@timestamp"])) for row in rows]


def one_run(server, kind, number=0):
    """The worst lag of the good devices and what the neighbour did."""
    before = {name: server.live(name) for name in GOOD}
    good = []
    for name in GOOD:
        good.append(Steady(server, name, server.next))
        server.next += 100_000
    for steady in good:
        steady.start()
    until(lambda: all(s.next > s.first + 20 for s in good), "the good ones send")
    if kind is None:
        time.sleep(SECONDS)
        said = {}
    else:
        done = subprocess.run([sys.executable, pathlib.Path(__file__).with_name("neighbours.py"), kind, str(server.port),
                               str(server.folders["acme/bad"]), str(SECONDS), str(number)], capture_output=True,
                              text=True, timeout=SECONDS + 300, check=False)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
    for steady in good:
        steady.stopped.set()
        steady.join(timeout=60)
        assert steady.broken is None and not steady.is_alive(), f"{steady.name_}: {steady.broken}"
    lags = []
    for steady in good:
        tenant, device = steady.name_.split("/")
        until(lambda t=tenant, d=device, n=steady.next - 1: server.count(f"session:{n}", f"device:{d}", "--tenant", t) == 1,
              f"the last line of {steady.name_}", 60)
        rows = rows_of(server, steady)
        assert [row[0] for row in rows] == list(range(steady.first, steady.next)), f"{steady.name_}: lost, twice or out of order"
        lags += [row[1] for row in rows]
        live, was = server.live(steady.name_), before[steady.name_]
        assert live["connects"] == was["connects"] + 1 and live["lost"] == live["dropped"] == 0
    lags.sort()
    return {"lines": len(lags), "median": lags[len(lags) // 2], "p99": lags[len(lags) * 99 // 100], **said}


@pytest.fixture(name="alone", scope="module")
def fixture_alone(server):
    return one_run(server, None)


def at_rest(server, device):
    """Its counters, which are sent once a second, when they change no more."""

    def counts():
        live = server.live(device)
        return {key: live[key] for key in ("lines", "accepted", "lost", "open", "connects")}

    def same():
        first = counts()
        time.sleep(1.5)
        return counts() == first and first

    return until(same, f"the counters of {device} come to rest", 60)


@pytest.mark.parametrize("kind,number", [("flood", 4), ("trickle", 20), ("storm", STORM), ("jump", 1)])
def test_neighbour(server, alone, kind, number):
    before = at_rest(server, "acme/bad")
    seen = one_run(server, kind, number)
    print(f"\n{kind}: {seen} beside {alone}")
    assert seen["p99"] < RATIO * alone["p99"] + SLACK_S, f"{kind}: {seen} beside {alone}"
    assert seen["sent"] > number, "the neighbour did what it is for"
    if kind in ("flood", "jump"):  # its own lines are all there as well
        until(lambda: server.live("acme/bad")["accepted"] - before["accepted"] == seen["sent"], "its own lines", 120)
    if kind == "storm":
        assert seen["admitted"] == seen["sent"], "every one of them was let in"
        until(lambda: server.live("acme/bad")["open"] == 0, "what was torn off is noticed", 60)
