"""Hundreds of live tails as event streams over HTTPS: every one gets every line, once and in order."""
import json
import os
import pathlib
import re
import resource
import selectors
import signal
import socket
import ssl
import time

import pytest

from browser import Browser, api
from senders import Server, connect, context, octets, sessions, until

EACH, LINES, FIRST = 250, 200, 500_000
LIMIT = 256  # tail_max, as it is when nobody sets it
NUMBER = re.compile(rb'"session_id":"?(\d+)')
ROW_ID = re.compile(rb"(?m)^id: (\S+)\nevent: row$")
END = re.compile(rb"(?m)^event: end\ndata: .*$")


def pss_kib(pid):
    found = re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii"), re.M)
    return int(found[1])


class Stream:
    def __init__(self, browser, tenant, ctx, last=None):
        self.tenant, self.text, self.rest, self.seen, self.ended = tenant, b"", b"", [], False
        self.last, self.told = "", b""  # the latest row's id; the event `end`
        self.sock = ctx.wrap_socket(socket.create_connection(("127.0.0.1", browser.port), timeout=60))
        more = f"Last-Event-ID: {last}\r\n" if last else ""
        self.sock.sendall((f"GET {api(tenant, '/logs/tail')} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n{more}"
                           f"Cookie: __Host-fairlead={browser.cookie}\r\n\r\n").encode("ascii"))
        self.sock.setblocking(False)

    def take(self, piece):
        if len(self.text) < 2000:
            self.text += piece
        text = self.rest + piece
        cut = text.rfind(b"\n\n") + 2
        if cut >= 2:
            self.seen += [int(number) for number in NUMBER.findall(text[:cut])]
            for row in ROW_ID.findall(text[:cut])[-1:]:
                self.last = row.decode("ascii")
            self.told += b"".join(END.findall(text[:cut]))
            text = text[cut:]
        self.rest = text

    def read(self):
        while True:
            try:
                piece = self.sock.recv(65536)
            except (ssl.SSLWantReadError, BlockingIOError):
                return
            except OSError:
                piece = b""
            if not piece:
                self.ended = True
                return
            self.take(piece)

    def status(self):
        return int(self.text.split(b" ", 2)[1]) if b"\r\n\r\n" in self.text else 0


class Crowd:
    def __init__(self):
        self.ctx, self.poll, self.streams = ssl._create_unverified_context(), selectors.DefaultSelector(), []

    def add(self, *args):
        stream = Stream(*args[:2], self.ctx, *args[2:])
        self.streams.append(stream)
        self.poll.register(stream.sock, selectors.EVENT_READ, stream)
        self.turn(0)
        return stream

    def turn(self, timeout):
        for key, _ in self.poll.select(timeout):
            key.data.read()
            if key.data.ended:
                self.poll.unregister(key.data.sock)

    def until(self, done, what, seconds=60):
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, what
            self.turn(0.1)

    def close(self):
        for stream in self.streams:
            stream.sock.close()


@pytest.fixture(name="files", scope="module", autouse=True)
def fixture_files():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = 4 * EACH
    if before[1] != resource.RLIM_INFINITY and before[1] < need:
        pytest.skip(f"a process may have {before[1]} files only, this needs {need}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], need), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(name="house", scope="module")
def fixture_house():
    server = Server(settings="web_connections_per_address = 2000")
    try:
        server.people, server.folders = {}, {}
        for tenant in ("acme", "other"):
            server.tenant(tenant)
            server.folders[tenant] = server.device(f"{tenant}/fw1")
            made = json.loads(server.must("user", "add", "ann", "--tenant", tenant, "--role", "analyst", "--json"))
            server.people[tenant] = Browser(server.web_port)
            server.people[tenant].sign_in(f"ann@{tenant}", made["password"])
        yield server
        server.stop()
        assert "Sanitizer" not in server.log_text()
    finally:
        server.remove()


@pytest.fixture(name="crowd")
def fixture_crowd():
    crowd = Crowd()
    yield crowd
    crowd.close()


def open_all(house, crowd):
    for _ in range(EACH):
        for tenant, person in house.people.items():
            crowd.add(person, tenant)
    crowd.until(lambda: all(s.status() for s in crowd.streams), "every stream has an answer")
    assert {s.status() for s in crowd.streams} == {200}


def test_five_hundred(house, crowd):
    pids = {name: role["pid"] for name, role in house.roles().items() if name in ("store", "core", "web")}
    before = {name: pss_kib(pid) for name, pid in pids.items()}
    open_all(house, crowd)
    idle = {name: round((pss_kib(pid) - before[name]) / len(crowd.streams), 1) for name, pid in pids.items()}
    socks = [connect(house, context(house.folders[tenant])) for tenant in house.people]
    lines = list(sessions(FIRST, LINES))
    for at in range(0, LINES, 20):
        for sock in socks:
            sock.sendall(octets(lines[at:at + 20]))
        crowd.turn(0.05)
    began = time.monotonic()
    crowd.until(lambda: all(len(s.seen) >= LINES for s in crowd.streams), "every stream has every line")
    took = time.monotonic() - began
    after = {name: round((pss_kib(pid) - before[name]) / len(crowd.streams), 1) for name, pid in pids.items()}
    print(f"KiB a stream, idle {idle}, after {LINES} lines {after}; the last line {took:.1f} s after it was sent")
    wanted = list(range(FIRST, FIRST + LINES))
    assert all(s.seen == wanted for s in crowd.streams)
    assert not any(b"event: dropped" in s.text or s.ended for s in crowd.streams)
    assert all(value < 256 for value in after.values()), "little memory each"
    for sock in socks:
        sock.close()


def test_one_too_many(house, crowd):
    """The limit of a tenant is said before the stream begins; another tenant's streams are not counted."""
    person = house.people["acme"]
    for _ in range(LIMIT):
        crowd.add(person, "acme")
    crowd.until(lambda: all(s.status() for s in crowd.streams), "every stream has an answer")
    assert {s.status() for s in crowd.streams} == {200}
    late = crowd.add(person, "acme")
    crowd.until(lambda: late.status() and b"}" in late.text, "the last one has an answer")
    assert late.status() == 429 and b"too many live tails" in late.text and b"tail_max" in late.text
    assert re.search(rb"(?i)\r\nretry-after: \d+\r\n", late.text)
    assert b'"code":"too_many"' in late.text.replace(b" ", b"")
    more = crowd.add(house.people["other"], "other")
    crowd.until(lambda: more.status() == 200, "another tenant's is taken")
    crowd.close()
    again = Crowd()

    def taken():
        stream = again.add(person, "acme")
        again.until(lambda: stream.status(), "it has an answer")
        return stream.status() == 200

    until(taken, "there is room again")
    again.close()


def test_store_comes_back(house, crowd):
    """Streams end with the store, and go on behind the last row when they come again."""
    person, pid = house.people["acme"], house.roles()["store"]["pid"]
    for _ in range(20):
        crowd.add(person, "acme")
    crowd.until(lambda: all(s.status() == 200 for s in crowd.streams), "they are taken")
    with connect(house, context(house.folders["acme"])) as sock:
        sock.sendall(octets(sessions(600_000, 5)))
        crowd.until(lambda: all(len(s.seen) == 5 for s in crowd.streams), "they have the first lines")
        last = crowd.streams[0].last
        assert last and {s.last for s in crowd.streams} == {last}
        os.kill(pid, signal.SIGKILL)
        crowd.until(lambda: all(s.told for s in crowd.streams), "they end")
        assert all(b'"again":true' in s.told for s in crowd.streams)
        sock.sendall(octets(sessions(600_005, 5)))
        until(lambda: house.run("status").returncode == 0 and house.roles()["store"]["pid"] != pid, "store is back")
        stream = None

        def taken():
            nonlocal stream
            stream = crowd.add(person, "acme", last)
            crowd.until(lambda: stream.status(), "it has an answer")
            return stream.status() == 200

        until(taken, "a stream is taken again")
        crowd.until(lambda: len(stream.seen) >= 5, "it goes on")
    assert stream.seen == list(range(600_005, 600_010))
