"""Receiving logs, end to end: who gets in, whose line it is, what odd senders do, and that nothing is lost."""
import signal
import os
import socket
import ssl
import threading
import time

import pytest

from senders import (Server, connect, connect_once, context, exported, newlines, now_text, octets, own_certificate,
                     openssl, session, sessions, until)


@pytest.fixture(name="server", scope="module")
def fixture_server():
    server = Server([("old-tls", "tls-server", "acme"), ("plain", "tcp", "acme"), ("dgram", "udp", "acme")],
                    "connections_per_address = 60\nring_bytes = 4M\n")
    try:
        server.tenant("acme")
        server.tenant("beta")
        server.acme1 = server.device("acme/fw1")
        server.acme2 = server.device("acme/fw2")
        server.beta1 = server.device("beta/fw1")
        yield server
    finally:
        server.remove()


def send(server, folder, data, **more):
    with connect(server, context(folder), **more) as sock:
        sock.sendall(data)
        sock.unwrap()  # the server closes when it has read all


def accepted(server, device, count):
    until(lambda: server.live(device)["accepted"] >= count, f"{count} lines of {device} accepted")


def live_now(server, device):
    """Counters that have come to rest: they are sent once a second."""
    time.sleep(1.3)
    return server.live(device)


def test_mutual_tls(server):
    before = server.live("acme/fw1")["lines"]
    send(server, server.acme1, octets(sessions(1000, 3000)))
    until(lambda: server.count("session:1000..3999", "--tenant", "acme") == 3000, "3000 rows")
    assert sorted(exported(server, "acme", "session:1000..3999")) == list(range(1000, 4000))
    accepted(server, "acme/fw1", before + 3000)
    live = live_now(server, "acme/fw1")
    assert live["lines"] == before + 3000 and live["lost"] == 0 and live["unparsed"] == 0
    assert abs(live["skew_us"]) < 60_000_000


def test_tls_12(server):
    with connect(server, context(server.acme1, maximum=ssl.TLSVersion.TLSv1_2)) as sock:
        assert sock.version() == "TLSv1.2"
        sock.sendall(octets(sessions(5000, 10)))
    until(lambda: server.count("session:5000..5009", "--tenant", "acme") == 10, "rows over TLS 1.2")


def test_old_tls_is_refused(server):
    ctx = context(server.acme1)
    ctx.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    ctx.maximum_version = ssl.TLSVersion.TLSv1_1
    ctx.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(OSError):
        connect_once(server, ctx)


def test_tenants_are_apart(server):
    """The same host name and session numbers in another tenant's lines change nothing of the first."""
    send(server, server.beta1, octets(sessions(10_000, 50)))
    until(lambda: server.count("session:10000..10049", "--tenant", "beta") == 50, "rows of beta")
    assert server.count("session:10000..10049", "--tenant", "acme") == 0
    rows = server.ask_lines("logs", "query", "session:10000", "--tenant", "beta", "--last", "2h")
    assert rows[0]["observer"]["name"] == "fw1"


def test_unknown_certificate(server, tmp_path):
    stranger = own_certificate(tmp_path / "stranger", "stranger.example")
    with pytest.raises(OSError) as caught:
        connect_once(server, context(stranger, ca=server.acme1 / "ca.pem"))
    assert not isinstance(caught.value, ssl.SSLError) or "alert" in str(caught.value).lower()
    rogues = until(lambda: [r for r in server.ask_lines("device", "rogues") if "stranger.example" in r["subject"]],
                   "the stranger is shown")
    assert "unknown" in rogues[0]["reason"] and rogues[0]["address"].startswith("127.0.0.1")
    with pytest.raises(OSError):
        connect_once(server, context(ca=server.acme1 / "ca.pem"))
    until(lambda: [r for r in server.ask_lines("device", "rogues") if "no client certificate" in r["reason"]],
          "nobody is shown")


def test_pinned_certificate(server, tmp_path):
    mine = own_certificate(tmp_path / "mine", "made-elsewhere")
    server.must("device", "add", "acme/pinned", "--site", "berlin")
    server.must("device", "cert", "pin", "acme/pinned", mine / "cert.pem")
    with connect(server, context(mine, ca=server.acme1 / "ca.pem")) as sock:
        sock.sendall(octets(sessions(20_000, 20, "whatever")))
    accepted(server, "acme/pinned", 20)


def test_tenants_own_authority(server, tmp_path):
    ca = own_certificate(tmp_path / "ca", "acme authority")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=by-acme", "-keyout",
            tmp_path / "key.pem", "-out", tmp_path / "csr.pem")
    openssl("x509", "-req", "-in", tmp_path / "csr.pem", "-CA", ca / "cert.pem", "-CAkey", ca / "key.pem",
            "-CAcreateserial", "-days", "2", "-out", tmp_path / "cert.pem")
    ctx = context(tmp_path, ca=server.acme1 / "ca.pem")
    with pytest.raises(OSError):
        connect_once(server, ctx)
    server.must("tenant", "ca", "set", "acme", ca / "cert.pem")
    with connect(server, ctx) as sock:
        sock.sendall(octets(sessions(30_000, 20, "whatever")))
        until(lambda: server.count("session:30000..30019", "--tenant", "acme") == 20, "rows by the authority")
        row = server.ask_lines("logs", "query", "session:30000", "--tenant", "acme", "--last", "2h")[0]
        assert row["observer"]["name"].startswith("ca-")
        server.must("tenant", "ca", "remove", "acme", "--yes")
        sock.settimeout(10)
        assert ends(sock), "without the authority its connections end"


def ends(sock):
    """True when the server ends the connection."""
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_revoking_ends_live_connections(server):
    folder = server.device("acme/thief")
    fingerprint = server.ask("device", "show", "acme/thief")["certificates"][0]["fingerprint"]
    with connect(server, context(folder)) as sock, connect(server, context(server.acme2)) as other:
        sock.sendall(octets(sessions(40_000, 10)))
        accepted(server, "acme/thief", 10)
        server.must("device", "cert", "revoke", "acme/thief", fingerprint.replace(":", "")[:16], "--yes")
        sock.settimeout(10)
        assert ends(sock)
        other.sendall(octets(sessions(41_000, 10)))
    with pytest.raises(OSError) as caught:
        connect_once(server, context(folder))
    assert "revoked" in str(caught.value)
    until(lambda: server.count("session:41000..41009", "--tenant", "acme") == 10, "the other device goes on")


def test_framing(server):
    """Newlines on TLS, wrong counts, missing counts: every line is there."""
    lines = sessions(50_000, 60)
    wrong = b"9999 " + lines[50] + b"3 " + lines[51] + b"".join(lines[52:60])
    repaired = server.live("acme/fw2")["repaired"]
    send(server, server.acme2, newlines(lines[:20]))
    send(server, server.acme2, octets(lines[20:50]))
    send(server, server.acme2, wrong)
    until(lambda: sorted(exported(server, "acme", "session:50000..50059")) == list(range(50_000, 50_060)),
          "every line is there once")
    assert live_now(server, "acme/fw2")["repaired"] > repaired


def test_split_records(server):
    data = octets(sessions(51_000, 20))
    with connect(server, context(server.acme2)) as sock:
        for i in range(0, len(data), 37):
            sock.sendall(data[i:i + 37])
    until(lambda: server.count("session:51000..51019", "--tenant", "acme") == 20, "20 rows of small records")


def test_line_of_one_mebibyte(server):
    first, middle, last = sessions(60_000, 3)
    huge = middle[:-1] + b' note="' + b"x" * (1 << 20) + b'"]'
    truncated = server.live("acme/fw2")["truncated"]
    send(server, server.acme2, octets([first, huge, last]))
    until(lambda: server.count("session:(60000,60002)", "--tenant", "acme") == 2, "its neighbours are there")
    until(lambda: server.live("acme/fw2")["truncated"] == truncated + 1, "it is cut and counted")
    assert server.count("flag:truncated", "--tenant", "acme") == 1


def test_clocks_of_2017_and_2099(server):
    off = server.live("acme/fw2")["clock_off"]
    send(server, server.acme2, octets([session(61_000, time_text="2017-10-12T21:52:53.783+05:30"),
                                        session(61_001, time_text=now_text()),
                                        session(61_002, time_text="2099-01-01T00:00:00Z")]))
    for number, first, last in ((61_000, "2017-01-01", "2018-01-01"), (61_002, "2098-01-01", "2100-01-01")):
        ask = ("logs", "count", f"session:{number}", "--tenant", "acme", "--from", first, "--to", last)
        until(lambda a=ask: server.ask(*a)["rows"] == 1, "found by the device's own time")
    live = live_now(server, "acme/fw2")
    assert live["clock_off"] == off + 2
    assert server.count("session:61001", "--tenant", "acme") == 1


def test_relay(server):
    hub = server.device("acme/hub", "--relay")
    server.device("acme/branch", "--host", "BRANCH.acme.example", cert=False)
    send(server, hub, octets(sessions(70_000, 10, "branch.ACME.example") + sessions(70_100, 10, "nobody")))
    accepted(server, "acme/branch", 10)
    accepted(server, "acme/hub", 10)
    assert server.count("session:70000..70009 flag:relayed device:branch", "--tenant", "acme") == 10
    assert server.count("session:70100..70109 device:hub", "--tenant", "acme") == 10


def test_weak_listeners(server):
    with socket.create_connection(("127.0.0.1", server.ports["plain"]), timeout=10) as sock:
        sock.sendall(newlines(sessions(80_000, 10, "fw2")) + octets(sessions(80_100, 5, "who-is-this")))
    with connect(server, context(ca=server.acme1 / "ca.pem"), port=server.ports["old-tls"]) as sock:
        sock.sendall(octets(sessions(80_200, 10, "fw2")))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for line in sessions(80_300, 10, "fw2"):
            sock.sendto(line, ("127.0.0.1", server.ports["dgram"]))
    for first, count, device in ((80_000, 10, "fw2"), (80_100, 5, "unknown"), (80_200, 10, "fw2"), (80_300, 10, "fw2")):
        until(lambda f=first, c=count, d=device: server.count(f"session:{f}..{f + 99} flag:weak device:{d}", "--tenant",
                                                              "acme") == c, f"{count} weak rows of {device}")


def test_limits(server):
    """Connections beyond the cap of an address are closed; one that says nothing is not kept for ever."""
    held = []
    try:
        for _ in range(60):
            held.append(socket.create_connection(("127.0.0.1", server.port), timeout=5))
        over = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        held.append(over)
        over.settimeout(5)
        assert ends(over)
        held[0].settimeout(15)
        assert ends(held[0]), "no handshake within 10 s"
    finally:
        for sock in held:
            sock.close()
    send(server, server.acme1, octets(sessions(85_000, 1)))


def test_back_pressure(server):
    """The store stands still: the sender has to wait, and nothing is lost when it goes on."""
    store = server.roles()["store"]["pid"]
    # every line has a text of its own, so that the ring fills though it keeps equal texts once
    lines = [line[:-1] + b' url="%s.example"]' % os.urandom(100).hex().encode() for line in sessions(100_000, 150_000)]
    sent = [0]

    def feed(sock):
        for i in range(0, len(lines), 100):
            sock.sendall(octets(lines[i:i + 100]))
            sent[0] = i + 100

    with connect(server, context(server.acme1)) as sock:
        sock.settimeout(120)
        os.kill(store, signal.SIGSTOP)
        try:
            feeder = threading.Thread(target=feed, args=(sock,))
            feeder.start()
            time.sleep(3)
            stood_at = sent[0]
            time.sleep(1)
            assert sent[0] == stood_at < len(lines), "the sender is held back"
        finally:
            os.kill(store, signal.SIGCONT)
        feeder.join(timeout=60)
        assert sent[0] == len(lines)
    until(lambda: server.count("session:100000..249999", "--tenant", "acme") == 150_000, "all rows", 60)
    numbers = exported(server, "acme", "session:100000..249999")
    assert len(numbers) == 150_000 and sorted(numbers) == list(range(100_000, 250_000))
    assert live_now(server, "acme/fw1")["lost"] == 0


def test_stop_keeps_what_was_read(server):
    """SIGTERM while lines arrive: what the counters call accepted is there after a start."""
    with connect(server, context(server.acme1)) as sock:
        sock.sendall(octets(sessions(300_000, 2000)))
        time.sleep(0.3)
        assert server.stop() == 0
    server.start()
    until(lambda: server.run("logs", "count", "--tenant", "acme").returncode == 0, "the store is open")
    numbers = exported(server, "acme", "session:300000..301999")
    assert numbers == list(range(300_000, 300_000 + len(numbers))) and len(numbers) > 0
    assert server.count("session:1000..3999", "--tenant", "acme") == 3000
