"""A person's browser as far as HTTP goes: cookie, CSRF token, the steps of signing in, second factor (RFC 6238)."""
import base64
import hashlib
import hmac
import http.client
import json
import ssl
import struct
import time

NEW_PASSWORD = "Harbour-Anchor-42-kelp"


def totp(secret, at=None):
    """Six digits of a base32 secret (RFC 6238: SHA-1, 30 s)."""
    key = base64.b32decode(secret.replace(" ", "").upper() + "=" * (-len(secret.replace(" ", "")) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time() if at is None else at) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06d}"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


def lower(got):
    return dict((k.lower(), v) for k, v in got.getheaders())


class Browser:
    """Requests to https://127.0.0.1:PORT, one connection that is kept."""

    def __init__(self, port, ca=None, token=None, timeout=30):
        self.port, self.token, self.timeout = port, token, timeout
        self.cookie = self.csrf = self.secret = self.connection = None
        self.context = ssl.create_default_context(cafile=ca) if ca else ssl._create_unverified_context()
        self.context.check_hostname = False

    def fields(self, method, body, headers):
        """Body and header fields as they go out."""
        send = {"Fairlead-Activity": "user", **dict(headers)}
        if self.cookie:
            send.setdefault("Cookie", f"__Host-fairlead={self.cookie}")
        if self.csrf and method not in ("GET", "HEAD"):
            send.setdefault("X-CSRF-Token", self.csrf)
        if self.token:
            send.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            send.setdefault("Content-Type", "application/json")
        return body, {k: v for k, v in send.items() if v is not None}

    def open(self):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=self.timeout,
                                                          context=self.context)
        return self.connection

    def send(self, method, path, body=None, headers=()):
        body, send = self.fields(method, body, headers)
        for attempt in (0, 1):
            try:
                self.open().request(method, path, body, send)
                got = self.connection.getresponse()
                answer = Answer(got.status, lower(got), got.read())
                break
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()
                if attempt:
                    raise
            except OSError:
                self.close()  # what still comes is not the answer to the next one
                raise
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        self.keep(answer)
        return answer

    def head_of(self, method, path, body=None, headers=()):
        """An answer that may have no end: a refusal whole, else only its head; then the connection is closed."""
        body, send = self.fields(method, body, headers)
        self.close()
        try:
            self.open().request(method, path, body, send)
            got = self.connection.getresponse()
            return Answer(got.status, lower(got), got.read() if got.status >= 400 else b"")
        finally:
            self.close()

    def keep(self, answer):
        cookie = answer.headers.get("set-cookie", "")
        if cookie.startswith("__Host-fairlead="):
            self.cookie = cookie.split(";")[0].split("=", 1)[1] or None
        if answer.headers.get("content-type", "").startswith("application/json") and answer.body.startswith(b"{"):
            self.csrf = answer.json().get("csrf") or self.csrf

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def get(self, path, **more):
        return self.send("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.send("POST", path, {} if body is None else body, **more)

    def sign_in(self, user, password, fresh=None):
        """Through all steps to an open session; returns the password that holds then. One who came too often waits."""
        answer = self.post("/api/v1/session", {"user": user, "password": password})
        while answer.status == 429:
            time.sleep(int(answer.headers["retry-after"]))
            answer = self.post("/api/v1/session", {"user": user, "password": password})
        for _ in range(4):
            assert answer.status == 200, answer
            stage = answer.json()["stage"]
            if stage == "open":
                return password
            if stage == "password":
                fresh = fresh or NEW_PASSWORD
                answer = self.post("/api/v1/session/password", {"old": password, "new": fresh})
                password = fresh
            elif stage == "enrol":
                self.secret = self.post("/api/v1/session/enrol").json()["secret"]
                answer = self.post("/api/v1/session/confirm", {"code": totp(self.secret)})
            elif stage == "code":
                answer = self.post("/api/v1/session/code", {"code": totp(self.secret)})
        raise AssertionError(f"signing in did not come to an end: {answer}")


def api(tenant, rest=""):
    return f"/api/v1/tenants/{tenant}{rest}"
