"""`fairlead logs send` and `fairlead demo` against a server of their own."""
import json
import os
import re
import time

import pytest

from senders import Server, octets, own_certificate, sessions, until


@pytest.fixture(name="server", scope="module")
def fixture_server():
    server = Server([("plain", "tcp", "acme"), ("dgram", "udp", "acme")])
    try:
        server.tenant("acme")
        server.fw1 = server.device("acme/fw1")
        yield server
    finally:
        server.remove()


def keys(folder, ca=None):
    return ("--cert", folder / "cert.pem", "--key", folder / "key.pem", "--ca", (ca or folder) / "ca.pem")


def send(server, file, *words, port=None):
    return server.run("logs", "send", file, "--to", f"127.0.0.1:{port or server.port}", *words, "--json", timeout=60)


def stored(server, first, count):
    until(lambda: server.count(f"session:{first}..{first + count - 1}", "--tenant", "acme") == count, f"{count} rows")


def wait_admitted(server, file):
    until(lambda: send(server, file, *keys(server.fw1)).returncode == 0, "the new certificate is known")


def test_ways_of_sending(server, tmp_path):
    file = tmp_path / "lines"
    ways = ((), ("--record-per-line",), ("--connections", "3"), ("--framing", "newline"),
            ("--plain", "--framing", "newline"), ("--udp",))
    file.write_bytes(b"")
    wait_admitted(server, file)
    for i, way in enumerate(ways):
        first = 1000 * (i + 1)
        file.write_bytes(b"\n".join(sessions(first, 500)))
        if "--plain" in way or "--udp" in way:
            done = send(server, file, *way, *(("--rate", "2000") if "--udp" in way else ()),
                        port=server.ports["dgram" if "--udp" in way else "plain"])
        else:
            done = send(server, file, *way, *keys(server.fw1))
        assert done.returncode == 0, (way, done.stderr)
        assert json.loads(done.stdout)["lines"] == 500
        stored(server, first, 500)


def test_rate_and_count(server, tmp_path):
    file = tmp_path / "lines"
    file.write_bytes(b"\n".join(sessions(10_000, 50)))
    begun = time.monotonic()
    done = send(server, file, *keys(server.fw1), "--rate", "200", "--count", "120", "--loop")
    assert done.returncode == 0 and json.loads(done.stdout)["lines"] == 120
    assert time.monotonic() - begun >= 0.5
    until(lambda: server.count("session:10000..10049", "--tenant", "acme") == 120, "the file more than twice")


def test_a_recording_as_it_is(server, tmp_path):
    file = tmp_path / "capture"
    lines = sessions(11_000, 3)
    file.write_bytes(octets(lines[:1]) + lines[1] + lines[2])
    assert send(server, file, *keys(server.fw1), "--framing", "as-is").returncode == 0
    stored(server, 11_000, 3)


def test_refusals_are_clear(server, tmp_path):
    file = tmp_path / "lines"
    file.write_bytes(b"\n".join(sessions(12_000, 5)))
    stranger = own_certificate(tmp_path / "stranger", "stranger")
    done = send(server, file, *keys(stranger, ca=server.fw1))
    assert done.returncode == 4 and "does not know this certificate" in done.stderr
    done = send(server, file, "--ca", server.fw1 / "ca.pem")
    assert done.returncode == 4 and "requires a certificate" in done.stderr
    done = send(server, file, "--cert", server.fw1 / "cert.pem", "--key", server.fw1 / "key.pem", "--ca",
                stranger / "cert.pem")
    assert done.returncode != 0 and "authority" in done.stderr
    done = send(server, file, *keys(server.fw1), port=1)
    assert done.returncode == 3
    done = server.run("logs", "send", file)
    assert done.returncode == 2 and "--to" in done.stderr
    assert server.count("session:12000..12004", "--tenant", "acme") == 0


def test_demo(server, tmp_path):
    recording = tmp_path / "recording"
    lines = sessions(13_000, 2, "recorded")
    recording.write_bytes(lines[0] + lines[1])
    os.environ["FAIRLEAD_DEMO_LOG"] = str(recording)
    try:
        out = server.must("demo", "--out", tmp_path / "demo", "--back-fill", "40m", "--seconds", "20", "--rate", "60",
                          timeout=120)
    finally:
        del os.environ["FAIRLEAD_DEMO_LOG"]
    assert "2 tenants, 4 sites, 7 devices" in out and "back-fill 100 %" in out
    assert f"{recording} became 2 messages of device lyon-lab" in out
    assert "fairlead logs query 'action:blocked' --last 1h --tenant demo" in out
    sent, accepted, lost = re.search(r"([\d,]+) lines sent by 7 devices over TLS, ([\d,]+) accepted, (\d+) lost",
                                     out).groups()
    assert sent == accepted and lost == "0"
    total = int(sent.replace(",", ""))
    stored = lambda: sum(server.count("--tenant", tenant) for tenant in ("demo", "demo-north"))  # noqa: E731
    assert stored() == total + 2 and server.count("--tenant", "demo-north") > 0
    assert {d["site"] for d in server.ask_lines("device", "list", "--tenant", "demo")} == {"berlin", "lyon", "porto"}
    for words in ("action:blocked", "action:violated", "action:denied", "app:youtube"):
        assert server.count(words, "--tenant", "demo") > 0, words
    assert len(server.ask_lines("logs", "top", "app", "--last", "1h", "--tenant", "demo")) > 5
    # again: nothing is made twice, and the past is not invented a second time
    out = server.must("demo", "--out", tmp_path / "demo", "--back-fill", "40m", "--seconds", "2", timeout=60)
    again = int(re.search(r"([\d,]+) lines sent by", out)[1].replace(",", ""))
    assert again < total / 2
    until(lambda: stored() == total + 2 + again, f"both runs' lines: {total} + 2 + {again}")
