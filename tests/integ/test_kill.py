"""kill -9 of each role in turn while lines arrive and queries run: accepted rows are all there, once."""
import json
import os
import signal
import threading
import time

import pytest

from senders import Server, connect, context, exported, octets, sessions, until

ROLES = ("store", "keys", "core", "ingest")


class Sender(threading.Thread):
    """Sends numbered lines until told to stop; connects again when its connection breaks."""

    def __init__(self, server, folder, first):
        super().__init__(daemon=True)
        self.server, self.ctx, self.next = server, context(folder), first
        self.runs = []  # [first number, number behind the last] of each connection
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.is_set():
            try:
                with connect(self.server, self.ctx) as sock:
                    self.runs.append([self.next, self.next])
                    self.feed(sock)
                    sock.unwrap()
            except OSError:
                time.sleep(0.05)

    def feed(self, sock):
        while not self.stopped.is_set():
            first, self.next = self.next, self.next + 20
            self.runs[-1][1] = self.next  # whatever becomes of them: these numbers are used
            sock.sendall(octets(sessions(first, 20)))
            time.sleep(0.01)

    def sent(self):
        return self.runs[-1][1] if self.runs else 0


class Asker(threading.Thread):
    """Asks while roles come and go: an answer or a clear failure, never a hang."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.good, self.codes = server, 0, set()
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.is_set():
            done = self.server.run("logs", "count", "--tenant", "acme", "--last", "2h", "--json")
            self.codes.add(done.returncode)
            self.good += done.returncode == 0
            time.sleep(0.05)


@pytest.fixture(name="server")
def fixture_server():
    server = Server()
    try:
        server.tenant("acme")
        yield server
    finally:
        server.remove()


def kill(server, role):
    before = server.roles()[role]
    os.kill(before["pid"], signal.SIGKILL)

    def again():
        done = server.run("status", "--json")
        if done.returncode not in (0, 1):
            return False
        try:
            now = server.roles()[role]
        except AssertionError:
            return False
        return now["up"] and now["pid"] != before["pid"]

    until(again, f"{role} is back", 40)


def moves(server, sender):
    """New lines of the sender reach the store."""
    mark = sender.sent() + 40
    until(lambda: sender.sent() > mark and count(server, f"session:{mark}") == 1, f"line {mark} is stored", 40)


def count(server, *words):
    done = server.run("logs", "count", *words, "--tenant", "acme", "--last", "2h", "--json")
    return -1 if done.returncode != 0 else json.loads(done.stdout)["rows"]


def check(server, sender, lossless):
    """Each connection's rows are its first so many lines, each once; all of them where nothing was killed that held
    lines."""
    top = sender.next
    low = sender.runs[0][0]
    numbers = exported(server, "acme", f"session:{low}..{top}")
    assert len(numbers) == len(set(numbers)), "a row is there twice"
    stored = set(numbers)
    lost = 0
    for first, end in sender.runs:
        kept = [n for n in range(first, end) if n in stored]
        assert kept == list(range(first, first + len(kept))), f"a hole in the connection that began at {first}"
        lost += end - first - len(kept)
    assert stored <= set(range(low, top))
    if lossless:
        assert lost == 0, f"{lost} lines are lost"
    return lost


def test_kill_each_role(server):
    senders = [Sender(server, server.device(f"acme/fw{i}"), 1_000_000 * (i + 1)) for i in range(2)]
    asker = Asker(server)
    for thread in [*senders, asker]:
        thread.start()
    until(lambda: all(s.sent() > s.runs[0][0] + 200 if s.runs else False for s in senders), "both send")
    for role in ROLES[:3]:
        kill(server, role)
        for sender in senders:
            moves(server, sender)
        assert all(len(s.runs) == 1 for s in senders), f"killing {role} ended a device's connection"
    reached = [server.live(f"acme/fw{i}")["accepted"] for i in range(2)]
    kill(server, "ingest")
    for sender in senders:
        moves(server, sender)
    for sender in senders:
        sender.stopped.set()
        sender.join(timeout=20)
        assert len(sender.runs) == 2, "after ingest was killed it connected again"
    asker.stopped.set()
    asker.join(timeout=40)
    assert not asker.is_alive() and asker.good > 5 and asker.codes <= {0, 1, 3, 5}, asker.codes
    for i, sender in enumerate(senders):
        last = sender.runs[-1][1] - 1
        until(lambda n=last: count(server, f"session:{n}") == 1, "the last line is stored")
        assert len(exported(server, "acme", f"session:{sender.runs[0][0]}..{sender.runs[0][1]}")) >= reached[i]
        check(server, sender, lossless=False)
        first = sender.runs[-1]
        assert len(exported(server, "acme", f"session:{first[0]}..{first[1] - 1}")) == first[1] - first[0]


@pytest.mark.parametrize("role", ["store", "core", "keys"])
def test_kill_twice_loses_nothing(server, role):
    """Roles other than ingest hold no line that is not safe elsewhere."""
    sender = Sender(server, server.device("acme/fw1"), 5_000_000)
    sender.start()
    until(lambda: sender.runs and sender.sent() > sender.runs[0][0] + 200, "it sends")
    for _ in range(2):
        kill(server, role)
        moves(server, sender)
    sender.stopped.set()
    sender.join(timeout=20)
    until(lambda: count(server, f"session:{sender.runs[-1][1] - 1}") == 1, "the last line is stored")
    check(server, sender, lossless=True)
    want = sender.runs[-1][1] - sender.runs[0][0]
    until(lambda: server.live("acme/fw1")["accepted"] == want, f"{want} accepted")
    assert server.live("acme/fw1")["lost"] == 0
