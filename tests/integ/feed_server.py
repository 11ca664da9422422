"""A web server and a mail server of a test's own, which do what each path or receiver says."""
import gzip
import http.server
import json
import socketserver
import ssl
import threading
import time


class FeedServer:
    """Serves self.files: path -> bytes, or a function of the request that answers by itself. Remembers every request."""

    def __init__(self, cert=None):
        self.files, self.asked, self.posted = {}, [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                what = outer.files.get(self.path)
                if what is None:
                    self.give(404, b"no")
                elif callable(what):
                    what(self)
                else:
                    self.give(200, what)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posted.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                what = outer.files.get(self.path)
                if callable(what):
                    what(self)
                else:
                    self.give(200, b"thanks")

            def give(self, status, body, **headers):
                tag = '"%x"' % hash(body)
                if status == 200 and self.headers.get("If-None-Match") == tag:
                    status, body = 304, b""
                self.send_response(status)
                if status != 304:
                    self.send_header("Content-Length", str(len(body)))
                if status in (200, 304):
                    self.send_header("ETag", tag)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

        class Threaded(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Threaded(("127.0.0.1", 0), Handler)
        if cert is not None:
            ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ctx.load_cert_chain(cert)
            self.server.socket = ctx.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def count(self, path):
        return sum(1 for asked, _ in self.asked if asked == path)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def redirect(to):
    return lambda h: h.give(302, b"", Location=to)


def failing(status, **headers):
    return lambda h: h.give(status, b"not now", **headers)


def bomb(h):
    """A few kilobytes that unpack to 64 MiB."""
    body = gzip.compress(b"[" + b" " * (64 << 20))
    h.give(200, body, Content_Encoding="gzip")


def oversize(h):
    h.send_response(200)
    h.send_header("Content-Length", str(64 << 20))
    h.end_headers()
    h.wfile.write(b" " * (1 << 20))


def endless(h):
    """Never says how long it is, and does not end."""
    h.send_response(200)
    h.send_header("Connection", "close")
    h.end_headers()
    try:
        while True:
            h.wfile.write(b" " * (1 << 20))
    except OSError:
        h.close_connection = True


def slow(h):
    """A byte a second."""
    h.send_response(200)
    h.send_header("Connection", "close")
    h.end_headers()
    try:
        for _ in range(120):
            h.wfile.write(b" ")
            h.wfile.flush()
            time.sleep(1)
    except OSError:
        h.close_connection = True


class MailServer:
    """Takes mail by SMTP, without TLS; self.answers: receiver -> line of answer instead of 250."""

    def __init__(self):
        self.mails, self.answers = [], {}
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, text):
                self.wfile.write(text.encode() + b"\r\n")

            def handle(self):
                mail = {"to": [], "from": None}
                self.say("220 test")
                for raw in self.rfile:
                    line = raw.decode("latin-1").rstrip("\r\n")
                    word = line.upper()
                    if word.startswith(("EHLO", "HELO")):
                        self.say("250 test")
                    elif word.startswith("MAIL FROM:"):
                        mail["from"] = line[10:].split(">")[0].strip("< ")
                        self.say("250 ok")
                    elif word.startswith("RCPT TO:"):
                        to = line[8:].split(">")[0].strip("< ")
                        mail["to"].append(to)
                        self.say(outer.answers.get(to, "250 ok"))
                    elif word == "DATA":
                        self.say("354 go on")
                        lines = []
                        for data in self.rfile:
                            if data == b".\r\n":
                                break
                            lines.append(data[1:] if data.startswith(b"..") else data)
                        mail["data"] = b"".join(lines)
                        outer.mails.append(mail)
                        self.say("250 2.0.0 queued as %d" % len(outer.mails))
                        mail = {"to": [], "from": None}
                    elif word == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("250 ok")

        class Threaded(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Threaded(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def quake(name, magnitude, lat, lon, *, ids=None, time_ms=1_790_000_000_000, updated=0, status="reviewed", depth=10.0):
    """A feature as the USGS writes it."""
    net, code = name[:2], name[2:]
    return {"type": "Feature", "id": name,
            "properties": {"mag": magnitude, "place": "somewhere", "time": time_ms, "updated": time_ms + 1000 + updated,
                           "url": f"https://earthquake.usgs.gov/earthquakes/eventpage/{name}", "status": status,
                           "tsunami": 0, "sig": 500, "net": net, "code": code, "ids": f",{','.join(ids or [name])},",
                           "sources": f",{net},", "type": "earthquake", "title": f"M {magnitude} - somewhere"},
            "geometry": {"type": "Point", "coordinates": [lon, lat, depth]}}


def usgs(*features, generated=1_790_000_100_000):
    return json.dumps({"type": "FeatureCollection",
                       "metadata": {"generated": generated, "title": "test", "status": 200, "count": len(features)},
                       "features": list(features)}).encode()


def cap(identifier, *, sent="2026-11-22T08:00:00+00:00", kind="Alert", references="", status="Actual",
        polygon="10,10 10,12 12,12 12,10 10,10", event="Flood"):
    refs = f"<references>{references}</references>" if references else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier><sender>warn@example.org</sender>
<sent>{sent}</sent><status>{status}</status><msgType>{kind}</msgType><scope>Public</scope>{refs}
<info><category>Met</category><event>{event}</event><urgency>Immediate</urgency><severity>Severe</severity>
<certainty>Observed</certainty><headline>{event} at the river</headline>
<area><areaDesc>River</areaDesc><polygon>{polygon}</polygon></area></info></alert>""".encode()


def index(*links):
    entries = "".join(f"<entry><id>{link}</id><title>t</title><updated>2026-11-22T08:00:00Z</updated>"
                      f"<link href='{link}' type='application/cap+xml'/></entry>" for link in links)
    return (f"<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'><id>x</id><title>i</title>"
            f"<updated>2026-11-22T08:00:00Z</updated>{entries}</feed>").encode()
