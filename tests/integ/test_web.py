"""The web role as a whole: files, headers, certificate, limits, and what happens when a process goes away."""
import gzip
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from browser import NEW_PASSWORD, Browser
from senders import Server, session, until


def lenient():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def ask(server, path, method="GET", body=None, headers=None):
    link = http.client.HTTPSConnection("127.0.0.1", server.web_port, timeout=20, context=lenient())
    try:
        link.request(method, path, body=body, headers=headers or {})
        answer = link.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        link.close()


def raw(server, text):
    """What comes back for these bytes, until the server ends the connection."""
    with socket.create_connection(("127.0.0.1", server.web_port), timeout=20) as plain:
        with lenient().wrap_socket(plain) as link:
            link.sendall(text)
            got = b""
            while piece := link.recv(65536):
                got += piece
            return got


def make_pair(folder, name, kind="EC"):
    """A self-signed certificate; returns its DER."""
    how = ["-newkey", "rsa:2048"] if kind == "RSA" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    subprocess.run(["openssl", "req", "-x509", *how, "-nodes", "-days", "30", "-subj", f"/CN={name}", "-keyout",
                    folder / "new.key", "-out", folder / "new.crt"], check=True, capture_output=True)
    os.replace(folder / "new.crt", folder / "web.crt")
    os.replace(folder / "new.key", folder / "web.key")
    return ssl.PEM_cert_to_DER_cert((folder / "web.crt").read_text(encoding="ascii"))


def shown_cert(server):
    with socket.create_connection(("127.0.0.1", server.web_port), timeout=20) as plain:
        with lenient().wrap_socket(plain) as link:
            return link.getpeercert(binary_form=True)


@pytest.fixture(name="screen", scope="module")
def fixture_screen(tmp_path_factory):
    root = tmp_path_factory.mktemp("screen")
    for folder in [root, *root.parents[:-2]]:
        if folder.owner() == root.owner():
            folder.chmod(folder.stat().st_mode | 0o055)
    (root / "assets").mkdir()
    (root / "docs").mkdir()
    (root / "index.html").write_text("<!doctype html>page", encoding="ascii")
    (root / "answer.html").write_text("<!doctype html>answer", encoding="ascii")
    (root / "docs" / "index.html").write_text("reference", encoding="ascii")
    (root / "assets" / "app-AbCd1234.js").write_text("script" * 100, encoding="ascii")
    (root / "assets" / "app-AbCd1234.js.gz").write_bytes(gzip.compress(b"script" * 100))
    (root / "robots.txt").write_text("none", encoding="ascii")
    return root


@pytest.fixture(name="web", scope="module")
def fixture_web(screen):
    server = Server([("plain", "tcp", "acme")], f"web_root = {screen}\nmetrics_open = 1")
    try:
        yield server
        server.stop()
        assert "Sanitizer" not in server.log_text()
    finally:
        server.remove()


def test_files(web):
    status, headers, body = ask(web, "/")
    assert (status, body) == (200, b"<!doctype html>page")
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-cache"
    assert "require-trusted-types-for 'script'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "permissions-policy" in headers
    assert "strict-transport-security" not in headers  # the certificate is self-made
    assert "server" not in headers
    assert ask(web, "/", headers={"If-None-Match": headers["etag"]})[0] == 304
    assert ask(web, "/sites/berlin?x=y")[2] == body, "a place of the screen"
    answer = ask(web, "/answer/aB3-_x")
    assert (answer[0], answer[2]) == (200, b"<!doctype html>answer"), "what a supplier opens"
    assert "require-trusted-types-for 'script'" in answer[1]["content-security-policy"]
    assert ask(web, "/answers")[2] == body, "another place of the screen"
    assert ask(web, "/sites/none.png")[0] == 404, "but not a file that is not there"
    assert ask(web, "/", method="POST")[0] == 405
    assert ask(web, "/", method="HEAD")[::2] == (200, b"")


def test_hashed_and_packed(web):
    path = "/assets/app-AbCd1234.js"
    status, headers, body = ask(web, path)
    assert (status, body) == (200, b"script" * 100) and "content-encoding" not in headers
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["vary"] == "Accept-Encoding"
    status, packed, body = ask(web, path, headers={"Accept-Encoding": "br, gzip"})
    assert packed["content-encoding"] == "gzip" and gzip.decompress(body) == b"script" * 100
    assert packed["etag"] != headers["etag"] and packed["content-type"] == headers["content-type"]


def test_reference(web):
    status, headers, _ = ask(web, "/docs")
    assert (status, headers["location"]) == (301, "/docs/")
    status, headers, body = ask(web, "/docs/")
    assert (status, body) == (200, b"reference")
    assert "trusted-types" not in headers["content-security-policy"]
    assert "script-src 'self'" in headers["content-security-policy"]


def test_nothing_outside(web, screen):
    (screen.parent / "secret.txt").write_text("secret", encoding="ascii")
    (screen / "link.txt").symlink_to(screen.parent / "secret.txt")
    time.sleep(2.5)  # the folder is looked at again
    for path in ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "//etc/passwd",
                 "/assets/../../secret.txt", "/..%5csecret.txt", "/link.txt", "/index.html%00.txt", "/etc/passwd.x"]:
        got = raw(web, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert got.startswith(b"HTTP/1.1 404 "), path
        assert b"secret" not in got.split(b"\r\n\r\n", 1)[1] and b"root:" not in got


def test_changed_file(web, screen):
    (screen / "robots.txt").write_text("some", encoding="ascii")
    until(lambda: ask(web, "/robots.txt")[2] == b"some", "the new file is served")


def test_api_needs_a_session(web):
    status, headers, body = ask(web, "/api/v1/tenants")
    assert status == 401 and json.loads(body)["code"] == "sign_in"
    assert headers["content-type"] == "application/problem+json" and headers["cache-control"] == "no-store"
    assert ask(web, "/api/v1/nothing")[0] in (401, 404)
    assert ask(web, "/api/v1/tenants", headers={"Cookie": "__Host-fairlead=" + "A" * 43})[0] == 401
    assert ask(web, "/api/v1/tenants", headers={"Authorization": "Bearer flt_" + "A" * 43})[0] == 401
    assert ask(web, "/api/v1/tenants", headers={"Cookie": "__Host-fairlead=" + "A" * 3000})[0] == 431


def test_large_and_wrong(web):
    head = b" / HTTP/1.1\r\nHost: x\r\n"
    for text, status in [(b"POST" + head + b"Content-Length: 262145\r\n\r\n", 413),
                         (b"GET /" + b"a" * 17000, 414),
                         (b"GET" + head + b"A: " + b"a" * 17000, 431),
                         (b"BREW" + head + b"\r\n", 405),
                         (b"POST" + head + b"Transfer-Encoding: chunked\r\n\r\n", 411),
                         (b"\x16\x03\x01nonsense\r\n\r\n", 400)]:
        got = raw(web, text)
        assert got.startswith(b"HTTP/1.1 %d " % status), (text[:40], got[:80])
        document = json.loads(got.split(b"\r\n\r\n", 1)[1])
        assert document["status"] == status and document["detail"]
    body = json.dumps({"user": "a", "password": "b" * 200000})
    assert ask(web, "/api/v1/session", "POST", body, {"Content-Type": "application/json"})[0] in (400, 401, 422)


def test_metrics(web):
    status, headers, body = ask(web, "/metrics")
    assert status == 200 and headers["content-type"].startswith("application/openmetrics-text")
    lines = body.decode().splitlines()
    assert lines[-1] == "# EOF" and lines.count("# EOF") == 1
    families, current = set(), None
    for line in lines[:-1]:
        if line.startswith("# TYPE "):
            current = line.split()[2]
            assert current not in families, f"{current} is torn apart"
            families.add(current)
        elif not line.startswith("# HELP "):
            name, value = line.split("{")[0].split(" ")[0], line.rsplit(" ", 1)[1]
            assert name.startswith(current), line
            float(value)
    assert {"fairlead_role_up", "fairlead_store_wal_bytes", "fairlead_web_answers", "fairlead_web_late"} <= families


def test_health(web):
    assert ask(web, "/healthz")[0] == 200
    store = web.roles()["store"]["pid"]
    os.kill(store, signal.SIGSTOP)
    try:
        status, _, body = until(lambda: (got := ask(web, "/healthz"))[0] == 503 and got, "its absence is seen")
        assert status == 503 and json.loads(body) == {"status": "unavailable", "core": True, "store": False,
                                                      "keys": True}
    finally:
        os.kill(store, signal.SIGCONT)
    until(lambda: ask(web, "/healthz")[0] == 200, "it is well again")


@pytest.fixture(name="boss", scope="module")
def fixture_boss(web):
    web.tenant("acme")
    web.must("device", "add", "acme/fw1", "--site", "berlin")
    made = web.ask("user", "add", "acme/boss", "--role", "tenant-admin")
    boss = Browser(web.web_port)
    boss.sign_in(made["sign_in"], made["password"], NEW_PASSWORD.format("ssob"))
    return boss


def send_lines(web, first, count):
    with socket.create_connection(("127.0.0.1", web.ports["plain"]), timeout=20) as feed:
        for at in range(first, first + count, 500):
            feed.sendall(b"".join(session(number) + b"\n" for number in range(at, min(at + 500, first + count))))


def figure(web, name):
    return next(float(line.rsplit(" ", 1)[1]) for line in ask(web, "/metrics")[2].decode().splitlines()
                if line.startswith(name + " "))


def memory_kib(web, role):
    with open(f"/proc/{web.roles()[role]['pid']}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def open_stream(web, boss, path, accept, room=None):
    plain = socket.socket()
    if room is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    plain.settimeout(20)
    plain.connect(("127.0.0.1", web.web_port))
    link = lenient().wrap_socket(plain)
    link.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n"
                 f"Cookie: __Host-fairlead={boss.cookie}\r\n\r\n".encode())
    return link


def read_until(link, text):
    got = b""
    while text not in got:
        piece = link.recv(65536)
        assert piece, got[-300:]
        got += piece
    return got


def unchunk(got):
    """Body and trailer of a chunked answer (RFC 9112, 7.1)."""
    rest, body = got.split(b"\r\n\r\n", 1)[1], []
    while True:
        size, rest = rest.split(b"\r\n", 1)
        if int(size, 16) == 0:
            return b"".join(body), rest
        body.append(rest[:int(size, 16)])
        assert rest[int(size, 16):int(size, 16) + 2] == b"\r\n"
        rest = rest[int(size, 16) + 2:]


TAIL = "/api/v1/tenants/acme/logs/tail"


def test_tail_of_a_slow_reader(web, boss):
    """What a reader does not take is dropped, counted and told; the memory of web stays bounded."""
    before = figure(web, "fairlead_web_events_dropped_total")
    link = open_stream(web, boss, TAIL, "text/event-stream", room=8192)
    try:
        assert b"text/event-stream" in read_until(link, b"\r\n\r\n")
        until(lambda: figure(web, "fairlead_web_streams") == 1, "the stream is counted")
        memory = memory_kib(web, "web")
        sent = 0
        while figure(web, "fairlead_web_events_dropped_total") == before:
            send_lines(web, sent, 1000)
            sent += 1000
            assert sent < 60000, "nothing was ever dropped"
            time.sleep(0.1)
        assert memory_kib(web, "web") < memory + 4096
        got = read_until(link, b"event: dropped\ndata: {\"events\":")
        assert b"event: row\n" in got
    finally:
        link.close()
    until(lambda: figure(web, "fairlead_web_streams") == 0, "it is over")


def test_who_leaves_is_forgotten(web, boss):
    for _ in range(24):  # more than the store runs at once
        link = open_stream(web, boss, TAIL, "text/event-stream")
        assert read_until(link, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        link.close()
    until(lambda: figure(web, "fairlead_web_asks") == 1, "core is told of all that have left")
    until(lambda: ask(web, TAIL, headers={"Cookie": f"__Host-fairlead={boss.cookie}", "Accept": "x"},
                      method="HEAD")[0] == 200, "HEAD of a stream has an end")


def test_export_with_a_slow_reader(web, boss):
    """A large answer waits in the store, not in core or web; its trailer says how it went."""
    before = web.count("--tenant", "acme")
    send_lines(web, 100000, 20000)
    until(lambda: web.count("--tenant", "acme") == before + 20000, "the lines are stored")
    total = before + 20000
    before = {role: memory_kib(web, role) for role in ("web", "core")}
    links = [open_stream(web, boss, "/api/v1/tenants/acme/logs/export?format=ndjson", "application/x-ndjson", room=8192)
             for _ in range(4)]
    heads = [read_until(link, b"\r\n\r\n") for link in links]
    time.sleep(1)
    for role, memory in before.items():
        assert memory_kib(web, role) < memory + 24576, role  # the four answers have 70 MiB
    got = heads[0]
    while piece := links[0].recv(65536):
        got += piece
    for link in links:
        link.close()
    assert b"\r\nTrailer: Fairlead-Result\r\n" in got
    body, trailer = unchunk(got)
    assert body.count(b"\n") == total
    assert trailer.startswith(b"Fairlead-Result: {") and trailer.endswith(b"}\r\n\r\n")



def test_result_as_a_line(web, boss):
    """Pages cannot read trailers: asked for, the end of an answer is its last line."""
    cookie = {"Cookie": f"__Host-fairlead={boss.cookie}"}
    for path in ("count", "rows?limit=2"):
        plain = ask(web, f"/api/v1/tenants/acme/logs/{path}", headers=cookie)
        line = ask(web, f"/api/v1/tenants/acme/logs/{path}", headers={**cookie, "Fairlead-Result": "line"})
        assert plain[0] == line[0] == 200
        assert b'{"fairlead":' not in plain[2]
        last = json.loads(line[2].splitlines()[-1])
        assert last["fairlead"]["partial"] is False and last["fairlead"]["elapsed_us"] >= 0


def test_killed_under_load(web, boss):
    """Web, core and keys die under load: everybody is answered soon after, and nobody is signed out."""
    stop, failures, answers = threading.Event(), [], []

    def client():
        mine = Browser(web.web_port)
        mine.cookie = boss.cookie
        while not stop.is_set():
            began = time.monotonic()
            try:
                answers.append(mine.get("/api/v1/session").status)
            except (OSError, http.client.HTTPException):
                failures.append("broken")
                time.sleep(0.05)
            if time.monotonic() - began > 15:
                failures.append("slow")
    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for role in ("web", "core", "web", "keys"):
        before = web.roles()[role]
        os.kill(before["pid"], signal.SIGKILL)
        until(lambda r=role, n=before["restarts"] + 1: web.is_up() and web.roles()[r]["restarts"] == n,
              f"{role} is back")
        until(lambda: ask_or_none(web, "/healthz") == 200, "it answers")
        done = answers.count(200)
        until(lambda n=done: answers.count(200) > n + 50, "and goes on answering whoever was signed in")
    stop.set()
    for thread in threads:
        thread.join(30)
    assert set(answers) <= {200, 502, 503}, {status: answers.count(status) for status in set(answers)}
    assert "slow" not in failures


def ask_or_none(server, path):
    try:
        return ask(server, path)[0]
    except (OSError, http.client.HTTPException):
        return None


def test_connections_are_limited():
    server = Server(settings="web_connections_max = 20\nweb_connections_per_address = 8")
    try:
        links = [socket.create_connection(("127.0.0.1", server.web_port), timeout=20) for _ in range(8)]
        held = [lenient().wrap_socket(link) for link in links]
        with socket.create_connection(("127.0.0.1", server.web_port), timeout=20) as more:
            assert more.recv(1) == b"", "one more is closed before TLS"
        for link in held:
            link.close()
        until(lambda: ask_or_none(server, "/healthz") == 200, "there is room again")
    finally:
        server.remove()


def test_own_certificate(tmp_path):
    tmp_path.chmod(0o700)
    first = make_pair(tmp_path, "first.example")
    server = Server(settings=f"web_cert = {tmp_path}/web.crt\nweb_key = {tmp_path}/web.key")
    try:
        assert until(lambda: shown_cert(server) == first, "the operator's certificate is shown")
        assert ask(server, "/")[1]["strict-transport-security"] == "max-age=31536000"
        second = make_pair(tmp_path, "second.example")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: shown_cert(server) == second, "a new pair is used without a restart", 20)
        assert server.roles()["web"]["restarts"] == 0 and server.roles()["keys"]["restarts"] == 0
        for kind, sentence in [("RSA", "must be an EC key on P-256"), ("other", "is not the one of the certificate"),
                               ("none", "not a private key in PEM form")]:
            make_pair(tmp_path, "third.example", kind)
            if kind == "other":
                subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                                tmp_path / "web.key"], check=True, capture_output=True)
            if kind == "none":
                (tmp_path / "web.key").write_text("nothing", encoding="ascii")
            server.process.send_signal(signal.SIGHUP)
            until(lambda s=sentence: s in server.log_text(), f"the log says: {sentence}")
            assert "the pair before stays" in server.log_text()
            assert shown_cert(server) == second
        os.kill(server.roles()["web"]["pid"], signal.SIGKILL)
        until(lambda: ask_or_none(server, "/healthz") == 200 and shown_cert(server) == second,
              "web that was killed has it again")
        assert "BEGIN" not in server.log_text()
    finally:
        server.remove()


def test_no_web():
    server = Server(settings="web_listen =")
    try:
        assert "web" not in server.roles()
    finally:
        server.remove()
