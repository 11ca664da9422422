"""What an attacker tries over HTTPS: sessions fixed, stolen, replayed; requests from elsewhere; HTTP that two readers could
understand differently; senders that never finish; headers that keep a page to itself. test_web.py and test_people.py have
files, limits and rights; idleness of 15 minutes and the end after 12 hours are in tests/unit/trust/test_accounts.c, whose
clock is its own (the program has no switch for another clock)."""
import json
import re
import socket
import ssl
import threading
import time

import pytest

from browser import NEW_PASSWORD, Browser, api, totp
from senders import Server, until
from test_web import lenient, make_pair

SESSION = "/api/v1/session"
SECOND = "Lighthouse-Keeper-58-fog"


class Place:
    def __init__(self):
        self.server = Server()
        self.port = self.server.web_port
        for tenant in ("acme", "other"):
            self.server.tenant(tenant)
        self.server.must("device", "add", "other/fw1", "--site", "berlin")
        self.boss = self.person("acme/boss", "tenant-admin")

    def person(self, user, role):
        made = self.server.ask("user", "add", user, "--role", role)
        person = Browser(self.port)
        person.user, person.password = made["sign_in"], None
        person.password = person.sign_in(made["sign_in"], made["password"], NEW_PASSWORD)
        return person

    def thief(self, of):
        """Somebody with the same cookie and nothing else."""
        thief = Browser(self.port)
        thief.cookie = of.cookie
        return thief


@pytest.fixture(name="place", scope="module")
def fixture_place():
    place = Place()
    try:
        yield place
        place.server.stop()
        assert "Sanitizer" not in place.server.log_text()
    finally:
        place.server.remove()


def is_out(person):
    answer = person.get(SESSION)
    return answer.status == 401 and answer.json()["code"] == "sign_in"


# ---- sessions ----


def test_a_cookie_from_before_is_not_taken_over(place):
    """Fixation: neither an invented cookie nor that of another session becomes the new session."""
    known = place.thief(place.boss)
    for planted in ("A" * 43, known.cookie):
        victim = Browser(place.port)
        victim.cookie = planted
        assert victim.sign_in(place.boss.user, place.boss.password)
        assert victim.cookie != planted
        attacker = Browser(place.port)
        attacker.cookie = planted
        assert is_out(attacker) if planted == "A" * 43 else attacker.get(SESSION).status == 200
    assert victim.cookie != place.boss.cookie


def test_every_step_of_signing_in_has_another_cookie(place):
    made = place.server.ask("user", "add", "staff", "--role", "auditor")
    one, seen = Browser(place.port), []
    assert one.post(SESSION, {"user": "staff", "password": made["password"]}).json()["stage"] == "password"
    seen.append(one.cookie)
    one.post(SESSION + "/password", {"old": made["password"], "new": NEW_PASSWORD})
    seen.append(one.cookie)
    secret = one.post(SESSION + "/enrol").json()["secret"]
    assert one.post(SESSION + "/confirm", {"code": totp(secret)}).json()["stage"] == "open"
    seen.append(one.cookie)
    assert len(set(seen)) == 3
    for old in seen[:2]:
        late = Browser(place.port)
        late.cookie = old
        assert is_out(late), "what was seen before the last step opens nothing"


def test_stolen_and_signed_out(place):
    person = place.person("acme/one", "viewer")
    thief = place.thief(person)
    assert thief.get(SESSION).status == 200
    out = person.send("DELETE", SESSION)
    assert out.status in (200, 204) and "cookies" in out.headers["clear-site-data"]
    assert re.match(r"__Host-fairlead=;.*Max-Age=0", out.headers["set-cookie"])
    assert is_out(thief)


def test_stolen_and_password_changed(place):
    """A day must pass between changes of one's own, so an administrator gives a new one, which ends what was open."""
    person = place.person("acme/two", "viewer")
    thief, phone = place.thief(person), Browser(place.port)
    assert phone.sign_in(person.user, person.password)
    early = person.post(SESSION + "/password", {"old": person.password, "new": SECOND})
    assert early.status == 422 and "day" in early.json()["detail"]
    again = place.boss.post(api("acme", "/users/two/reset"), {"what": ["password"]}).json()["password"]
    assert is_out(thief) and is_out(phone)
    first, second = Browser(place.port), Browser(place.port)
    assert first.post(SESSION, {"user": person.user, "password": again}).json()["stage"] == "password"
    stolen = place.thief(first)
    assert first.post(SESSION + "/password", {"old": again, "new": SECOND}).json()["stage"] == "open"
    assert is_out(stolen), "the cookie of the step before"
    assert second.post(SESSION, {"user": person.user, "password": again}).status == 401, "a temporary one serves once"


def test_stolen_and_disabled(place):
    person = place.person("acme/three", "viewer")
    thief = place.thief(person)
    token = place.boss.post(api("acme", "/tokens"), {"name": "t3", "roles": ["viewer"], "user": "three", "days": 1})
    assert token.status == 201, token
    tool = Browser(place.port, token=token.json()["token"])
    assert tool.get(api("acme", "/sites")).status == 200
    assert place.boss.send("PATCH", api("acme", "/users/three"), {"disabled": True}).status == 200
    assert is_out(thief) and tool.get(api("acme", "/sites")).status == 401
    assert Browser(place.port).post(SESSION, {"user": person.user, "password": person.password}).status == 401


def test_one_session_ended_from_another(place):
    person = place.person("acme/four", "viewer")
    thief = Browser(place.port)
    thief.sign_in(person.user, person.password)
    listed = person.get(SESSION + "/list").json()["items"]
    other = [item["id"] for item in listed if not item["current"]]
    assert len(listed) == 2 and len(other) == 1
    assert place.boss.send("DELETE", f"{SESSION}/list/{other[0]}").status == 404, "nobody else's"
    assert person.send("DELETE", f"{SESSION}/list/{other[0]}").status == 200
    assert is_out(thief) and person.get(SESSION).status == 200


def test_codes_serve_once(place):
    """A code of the second factor and a recovery code, each tried again with the right password."""
    made = place.server.ask("user", "add", "oper", "--role", "network")
    person = Browser(place.port)
    person.post(SESSION, {"user": "oper", "password": made["password"]})
    person.post(SESSION + "/password", {"old": made["password"], "new": NEW_PASSWORD})
    secret = person.post(SESSION + "/enrol").json()["secret"]
    code = totp(secret)
    recovery = person.post(SESSION + "/confirm", {"code": code}).json()["recovery_codes"]

    def again(what):
        one = Browser(place.port)
        assert one.post(SESSION, {"user": "oper", "password": NEW_PASSWORD}).json()["stage"] == "code"
        return one.post(SESSION + "/code", {"code": what})
    assert again(code).status == 422, "the code that enrolled is used"
    ahead = totp(secret, time.time() + 30)
    assert again(ahead).json()["stage"] == "open"
    assert again(ahead).status == 422, "replayed"
    assert again(recovery[0]).json()["stage"] == "open"
    refused = again(recovery[0])
    assert refused.status == 422 and refused.json()["field"] == "code", "replayed"
    assert again(recovery[1]).json()["stage"] == "open", "the others serve"


def test_the_cookie(place):
    person = Browser(place.port)
    answer = person.post(SESSION, {"user": place.boss.user, "password": place.boss.password})
    name, flags = answer.headers["set-cookie"].split(";", 1)
    assert re.fullmatch(r"__Host-fairlead=[A-Za-z0-9_-]{43}", name), "256 bits"
    assert {flag.strip().lower() for flag in flags.split(";")} >= {"secure", "httponly", "samesite=lax", "path=/"}
    assert "domain" not in flags.lower()
    assert answer.headers["cache-control"] == "no-store"
    assert name.split("=")[1] not in answer.body.decode(), "scripts never see it"


def test_twice_the_cookie_is_none(place):
    """Another application of the same host could plant a second one."""
    pair = f"__Host-fairlead={place.boss.cookie}; __Host-fairlead={'A' * 43}"
    assert Browser(place.port).get(SESSION, headers={"Cookie": pair}).status == 401


def test_no_token_in_the_address(place):
    token = place.boss.post(api("acme", "/tokens"), {"name": "url", "roles": ["viewer"], "days": 1}).json()["token"]
    for path in (f"?token={token}", f"?access_token={token}", f"?__Host-fairlead={place.boss.cookie}"):
        answer = Browser(place.port).get(api("acme", "/sites") + path)
        assert answer.status in (400, 401), path
        assert token not in answer.body.decode() and place.boss.cookie not in answer.body.decode()
    assert token not in place.server.log_text()


# ---- requests from elsewhere ----


@pytest.mark.parametrize("headers", [
    {"X-CSRF-Token": None}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "A" * 43}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}], ids=["none", "empty", "wrong", "another site", "a sister site"])
@pytest.mark.parametrize("method,path", [("POST", api("acme", "/sites")), ("DELETE", SESSION),
                                         ("PATCH", api("acme", "/users/boss")), ("PUT", api("acme", "/ca"))])
def test_asked_by_another_page(place, headers, method, path):
    before = place.boss.get(api("acme", "/users/boss")).json()
    answer = place.boss.send(method, path, json.dumps({"slug": "x"}), headers)
    assert answer.status == 403 and answer.json()["code"] == "csrf"
    assert place.boss.get(api("acme", "/users/boss")).json() == before and place.boss.get(SESSION).status == 200


def test_the_csrf_token_is_of_one_session(place):
    other = Browser(place.port)
    other.sign_in(place.boss.user, place.boss.password)
    assert other.csrf and other.csrf != place.boss.csrf
    answer = place.boss.send("POST", api("acme", "/sites"), {"slug": "x"}, {"X-CSRF-Token": other.csrf})
    assert answer.status == 403 and answer.json()["code"] == "csrf"


def test_a_form_of_another_page_is_no_request(place):
    """What a page of another origin can send without asking first: forms and plain text."""
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
        answer = place.boss.send("POST", api("acme", "/sites"), b'{"slug":"x"}', {"Content-Type": kind, "X-CSRF-Token": None})
        assert answer.status in (403, 415)
    answer = place.boss.get(SESSION, headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert place.boss.send("OPTIONS", SESSION, headers={"Origin": "https://evil.example"}).status == 405


def test_objects_of_another_tenant(place):
    for path in ("", "/sites/berlin", "/devices/fw1", "/users", "/logs/count", "/alarms", "/grants", "/overview"):
        there, none = (place.boss.get(api(tenant, path)) for tenant in ("other", "nowhere"))
        assert there.status == none.status == 404 and there.json()["code"] == none.json()["code"], path
    mine = place.boss.get(api("acme", "/devices/..%2f..%2fother%2fdevices%2ffw1"))
    assert mine.status in (400, 404)


def test_a_token_beyond_its_scope(place):
    """What was given to it, not what its owner may."""
    token = place.boss.post(api("acme", "/tokens"), {"name": "weak", "roles": ["supply-manager"], "days": 1}).json()["token"]
    tool = Browser(place.port, token=token)
    rights = tool.get(SESSION)
    for method, path, body in (("GET", api("acme", "/logs/rows"), None), ("POST", api("acme", "/users"), {"name": "x"}),
                               ("POST", api("acme", "/tokens"), {"name": "more", "roles": ["tenant-admin"]}),
                               ("POST", api("acme", "/grants"), {"kind": "network", "data": True}),
                               ("GET", "/api/v1/instance/users", None)):
        answer = tool.send(method, path, body)
        assert answer.status == 403, (path, answer, rights)
    both = tool.get(api("acme", "/logs/rows"), headers={"Cookie": f"__Host-fairlead={place.boss.cookie}"})
    assert both.status in (400, 401, 403), "a cookie beside it does not lift it"


# ---- HTTP ----


def talk(port, *parts, wait=0.0, timeout=20):
    """What comes back until the server ends the connection or nothing more comes for a second after an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as plain:
        with lenient().wrap_socket(plain) as link:
            try:
                for part in parts:
                    link.sendall(part)
                    time.sleep(wait)
            except OSError:
                pass  # it ended the connection while we still spoke
            got = b""
            link.settimeout(1.0)
            until_s = time.monotonic() + timeout
            while time.monotonic() < until_s:
                try:
                    piece = link.recv(65536)
                except (TimeoutError, ssl.SSLWantReadError):
                    if got:
                        return got
                    continue
                except OSError:
                    return got
                if not piece:
                    return got
                got += piece
            return got


GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HIDDEN = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"  # 401 or 403: told apart from /healthz
MALFORMED = {
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", {400}),
    "two lengths that agree": (POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", {400}),
    "a list of lengths": (POST + b"Content-Length: 2, 2\r\n\r\n{}", {400}),
    "a length with a sign": (POST + b"Content-Length: +2\r\n\r\n{}", {400}),
    "a length in hex": (POST + b"Content-Length: 0x2\r\n\r\n{}", {400}),
    "a length below zero": (POST + b"Content-Length: -1\r\n\r\n{}", {400}),
    "a length over 64 bits": (POST + b"Content-Length: 18446744073709551618\r\n\r\n{}", {400, 413}),
    "length and chunks": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    "chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {411}),
    "a chunk of a wrong size": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", {411}),
    "a chunk without end": (POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", {411}),
    "chunks, written otherwise": (POST + b"Transfer-Encoding: xchunked, \tchunked\r\n\r\n0\r\n\r\n", {400, 411, 501}),
    "a blank before the colon": (GET + b"Content-Length : 0\r\n\r\n", {400}),
    "a folded line": (GET + b"A: b\r\n c\r\n\r\n", {400}),
    "a NUL in a value": (GET + b"A: b\x00c\r\n\r\n", {400}),
    "a NUL in a name": (GET + b"A\x00: b\r\n\r\n", {400}),
    "a NUL in the path": (b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    "a bare line feed": (b"GET /healthz HTTP/1.1\nHost: x\n\n", {400}),
    "a bare carriage return": (GET + b"A: b\rC: d\r\n\r\n", {400}),
    "no name": (GET + b": b\r\n\r\n", {400}),
    "no colon": (GET + b"nonsense\r\n\r\n", {400}),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", {400}),
    "two hosts": (GET + b"Host: y\r\n\r\n", {400}),
    "a thousand fields": (GET + b"".join(b"A%d: b\r\n" % n for n in range(1000)) + b"\r\n", {431}),
    "a path of 100 KB": (b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {414}),
    "an address of another scheme": (b"GET ftp://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    "a proxy's request": (b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n", {400, 405}),
    "a fragment": (b"GET /healthz#x HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    "HTTP/2 at once": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 405, 505}),
    "HTTP/9.9": (b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", {505}),
    "two blanks": (b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    "a method in small letters": (b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n", {405}),
    "an expectation": (POST + b"Content-Length: 2\r\nExpect: nonsense\r\n\r\n", {417}),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(place, name):
    text, statuses = MALFORMED[name]
    got = talk(place.port, text + HIDDEN)
    assert got.startswith(b"HTTP/1.1 "), got[:80]
    status = int(got[9:12])
    assert status in statuses, got[:300]
    assert len(re.findall(rb"HTTP/1\.1 \d{3} ", got)) == 1, "nothing behind it is read as a request"
    head, body = got.split(b"\r\n\r\n", 1)
    assert b"connection: close" in head.lower() and json.loads(body)["status"] == status


def test_an_absolute_address(place):
    assert talk(place.port, b"GET https://x/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_body_is_never_a_request(place):
    """Smuggling: what stands in a body of the length told stays a body; the next request of the connection is the next."""
    body = HIDDEN
    got = talk(place.port, POST + b"Content-Length: %d\r\n\r\n" % len(body) + body + GET + b"Connection: close\r\n\r\n")
    answers = re.findall(rb"HTTP/1\.1 (\d{3}) ", got)
    assert len(answers) == 2 and answers[0] in (b"400", b"415", b"422") and answers[1] == b"200", got


def test_a_body_to_get_is_no_request_either(place):
    got = talk(place.port, GET + b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN + GET + b"Connection: close\r\n\r\n")
    answers = re.findall(rb"HTTP/1\.1 (\d{3}) ", got)
    assert answers in ([b"200", b"200"], [b"400"]), got


# ---- senders that never finish ----


def drip(port, head, piece, ends):
    """Seconds until the server has had enough of one that sends a piece every half second."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
        with lenient().wrap_socket(plain) as link:
            link.sendall(head)
            link.settimeout(0.5)
            got = b""
            while time.monotonic() - began < 60:
                try:
                    link.sendall(piece)
                    more = link.recv(4096)
                    if not more:
                        break
                    got += more
                except (TimeoutError, ssl.SSLWantReadError):
                    continue
                except OSError:
                    break
    ends.append((time.monotonic() - began, got))


def test_slow_senders_do_not_hold_it(place):
    """200 that drip heads and 20 that drip bodies, while others are answered at once; each is ended at its deadline."""
    ends, heads, bodies = [], [], []
    threads = [threading.Thread(target=drip, args=(place.port, GET + b"A: ", b"a", heads)) for _ in range(200)]
    threads += [threading.Thread(target=drip, args=(place.port, POST + b"Content-Length: 1000\r\n\r\n", b"a", bodies))
                for _ in range(20)]
    for thread in threads:
        thread.start()
    other = Browser(place.port, timeout=20)
    slowest = 0
    while len(heads) < 150 and any(thread.is_alive() for thread in threads):
        began = time.monotonic()
        assert other.get("/healthz").status == 200
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.1)
    for thread in threads:
        thread.join(60)
    ends += heads + bodies
    print(f"slowest other answer {slowest:.3f} s; heads ended after {max(e[0] for e in heads):.1f} s, "
          f"bodies after {max(e[0] for e in bodies):.1f} s")
    assert len(ends) == 220 and slowest < 10
    for seconds, got in heads:
        assert 8 < seconds < 30 and (got == b"" or got.startswith(b"HTTP/1.1 408 ")), (seconds, got[:100])
    for seconds, got in bodies:
        assert 25 < seconds < 55 and (got == b"" or got.startswith(b"HTTP/1.1 408 ")), (seconds, got[:100])
    assert sum(got.startswith(b"HTTP/1.1 408 ") for _, got in ends) > 100, "they are told why"


# ---- the headers ----

PATHS = ["/", "/docs/", "/login", "/api/v1/session", "/api/v1/tenants/acme/logs/rows", "/api/v1/nonsense", "/metrics",
         "/healthz", "/none.png", "/api/v1/tenants/acme/logs/tail"]
# The observatory's rules; each takes all header fields of an answer (names in small letters) and its type.
RULES = {
    "a policy for content": lambda h: "default-src 'none'" in h["content-security-policy"],
    "no unsafe word in it": lambda h: "unsafe" not in h["content-security-policy"],
    "no address of others in it": lambda h: not re.search(r"https?:|\*|data:(?!;)", re.sub(r"img-src 'self' data:", "",
                                                                                       h["content-security-policy"])),
    "in no frame": lambda h: "frame-ancestors 'none'" in h["content-security-policy"] and h["x-frame-options"] == "DENY",
    "types are not guessed": lambda h: h["x-content-type-options"] == "nosniff",
    "no referrer": lambda h: h["referrer-policy"] == "no-referrer",
    "not for other sites": lambda h: h["cross-origin-resource-policy"] == "same-origin",
    "no page of others may read it": lambda h: "access-control-allow-origin" not in h,
    "no name of a program": lambda h: "server" not in h and "x-powered-by" not in h,
    "a type": lambda h: h.get("content-type", "") != "",
    "data is not kept": lambda h: h.get("content-type", "").startswith("text/") or "no-store" in h["cache-control"]
    or "no-cache" in h["cache-control"],
    "flags of cookies": lambda h: "set-cookie" not in h or all(
        flag in h["set-cookie"] for flag in ("Secure", "HttpOnly", "SameSite=", "Path=/")),
}


def headers_of(port, path, cookie):
    person = Browser(port)
    person.cookie = cookie
    return person.head_of("GET", path).headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("who", ["nobody", "somebody"])
def test_rules_of_headers(place, path, who):
    got = headers_of(place.port, path, place.boss.cookie if who == "somebody" else None)
    broken = [name for name, rule in RULES.items() if not holds(rule, got)]
    assert not broken, got
    assert "strict-transport-security" not in got, "its certificate is its own"


def holds(rule, headers):
    try:
        return rule(headers)
    except KeyError:
        return False


def test_a_certificate_of_ones_own_is_insisted_on(tmp_path):
    tmp_path.chmod(0o700)
    make_pair(tmp_path, "localhost")
    server = Server(settings=f"web_cert = {tmp_path}/web.crt\nweb_key = {tmp_path}/web.key")
    try:
        for path in PATHS:
            got = headers_of(server.web_port, path, None)
            seconds = int(re.search(r"max-age=(\d+)", got["strict-transport-security"]).group(1))
            assert seconds >= 15768000, path
            assert not [name for name, rule in RULES.items() if not holds(rule, got)], path
    finally:
        server.remove()


def test_the_rules_can_be_broken():
    good = {"content-security-policy": "default-src 'none'; frame-ancestors 'none'", "x-frame-options": "DENY",
            "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "content-type": "application/json",
            "cross-origin-resource-policy": "same-origin", "cache-control": "no-store"}
    assert all(holds(rule, good) for rule in RULES.values())
    for name, value in [("content-security-policy", "default-src 'none' 'unsafe-inline'; frame-ancestors 'none'"),
                        ("content-security-policy", "default-src 'none' https://cdn.example; frame-ancestors 'none'"),
                        ("x-frame-options", "SAMEORIGIN"), ("x-content-type-options", ""), ("referrer-policy", "origin"),
                        ("cross-origin-resource-policy", "cross-origin"), ("access-control-allow-origin", "*"),
                        ("server", "x"), ("content-type", ""), ("cache-control", "public"), ("set-cookie", "a=b; Secure")]:
        assert not all(holds(rule, {**good, name: value}) for rule in RULES.values()), (name, value)


def test_nothing_fell(place):
    """The last one: whatever was tried, no process had to be started again."""
    assert {name: role.get("restarts", 0) for name, role in place.server.roles().items() if role.get("restarts")} == {}
    until(lambda: Browser(place.port).get("/healthz").status == 200, "it is well")
