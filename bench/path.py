"""The whole path, from TLS to synced: a Fairlead of its own, and the log servers beside it on the same lines."""
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

from measure import TICK, TOP, Watch, cpu, family, say, stat, until

sys.path.insert(0, str(TOP / "tests" / "integ"))
import senders  # noqa: E402

FORMS = {"full": "16 KiB records", "line": "one record a line"}


def flood(tools, port, form, lines, count, folders):
    command = [tools / "bench-flood", "127.0.0.1", port, form, lines, count, *folders]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, timeout=1800)
    if done.returncode != 0:
        raise RuntimeError(f"bench-flood ended with {done.returncode}: {done.stderr.strip()}")
    return " ".join(str(c) if not isinstance(c, pathlib.Path) else c.name for c in command[:6])


class Fairlead:
    def __init__(self, tenants, settings="connections_per_address = 4000"):
        self.server = senders.Server(settings=settings)
        self.folders = []
        for i in range(tenants):
            slug = f"t{i}"
            self.server.tenant(slug)
            self.folders.append(self.server.device(f"{slug}/relay", *(["--relay"] if tenants == 1 else [])))
        if tenants == 1:
            for i in range(200):
                self.server.must("device", "add", f"t0/fw-{i:03}", "--site", "berlin", "--host", f"fw-{i:03}")
        time.sleep(1)
        self.roles = {name: role["pid"] for name, role in self.server.roles().items()}
        self.pids = family(self.server.process.pid)

    def store(self):
        return self.server.ask("store", "stats")

    def quiet(self):
        """Waits until the processes rest: everything due is sealed."""
        last = -1
        while cpu(self.pids) - last > 0.02:
            last = cpu(self.pids)
            time.sleep(1)

    def quiet_receiving(self):
        """The same for what receives, whoever asks meanwhile."""
        last = -1
        while receiving_cpu(self) - last > 0.02:
            last = receiving_cpu(self)
            time.sleep(0.5)

    def end(self):
        self.server.remove()


def fairlead(tools, lines, count, tenants, form):
    say(f"the whole path, {FORMS[form]}, {tenants} tenants")
    f = Fairlead(tenants)
    try:
        f.quiet()
        before = {name: stat(pid)["cpu_s"] for name, pid in f.roles.items()}
        all_before = cpu(f.pids)
        watch = Watch([f.roles["ingest"], f.roles["store"]])
        command = flood(tools, f.server.port, form, lines, count, f.folders)
        until(lambda: f.store()["rows"] >= count, "all rows synced")
        f.quiet()
        most = watch.end()
        used = cpu(f.pids) - all_before
        roles = {name: stat(pid)["cpu_s"] - before[name] for name, pid in f.roles.items()}
        say("CPU seconds: " + ", ".join(f"{name} {value:.2f}" for name, value in roles.items()))
        store = f.store()
        value = {"rate": count / used, "cpu_s": used, "rss": most, "command": command,
                 "row": store["segment_bytes"] / max(1, store["rows"] - store["memtable_rows"])}
        if store["rows"] != count:
            raise RuntimeError(f"{count} lines were sent, {store['rows']} are stored")
        return value
    finally:
        f.end()


# ---- receiving while questions are asked ----

ASKERS, ROUNDS = 2, 3


class Askers:
    """Some people who ask for the top applications, again and again, until the end."""

    def __init__(self, server):
        self.server, self.going, self.answers, self.failed = server, True, 0, 0
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(ASKERS)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while self.going:
            done = self.server.run("logs", "top", "domain", "bytes>1", "--tenant", "t0", "--last", "2d", timeout=300)
            good = done.returncode in (0, 5)  # 5: the budget of time ran out, beside all the rest
            self.answers += good
            self.failed += not good
            if not good:
                say(f"a question ended with {done.returncode}: {done.stderr.strip()[:200]}")
                time.sleep(1)

    def end(self):
        self.going = False
        for thread in self.threads:
            thread.join()


def receiving_cpu(f):
    """CPU seconds of ingest and of what the store does for lines: threads that answer questions give way, the others do not."""
    used = stat(f.roles["ingest"])["cpu_s"]
    for thread in pathlib.Path(f"/proc/{f.roles['store']}/task").iterdir():
        try:
            fields = (thread / "stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
        except OSError:
            continue
        used += (int(fields[11]) + int(fields[12])) / TICK if int(fields[16]) <= 0 else 0
    return used


def receive(f, tools, lines, count):
    """Lines a second until they are synced, and CPU microseconds a line of receiving."""
    before, cpu_before, start = f.store()["rows"], receiving_cpu(f), time.monotonic()
    flood(tools, f.server.port, "full", lines, count, f.folders)
    until(lambda: f.store()["rows"] >= before + count, "all rows synced")
    took = time.monotonic() - start
    f.quiet_receiving()
    return count / took, (receiving_cpu(f) - cpu_before) * 1e6 / count


def slow(results, tools, work, rows):
    """What the askers take from receiving, on a store that holds rows; alone and beside them in turn."""
    lines = make_lines(tools, work, rows)
    f = Fairlead(1)
    sums = {False: [0, 0], True: [0, 0]}
    answers = 0
    try:
        say("receiving while questions are asked: something to ask for")
        receive(f, tools, lines, rows)
        f.quiet()
        for i in range(2 * ROUNDS):
            beside = i % 2 == 1
            askers = Askers(f.server) if beside else None
            rate, line_us = receive(f, tools, lines, rows)
            if askers:
                askers.end()
                answers += askers.answers
                if askers.failed > askers.answers:
                    raise RuntimeError(f"{askers.failed} questions were not answered")
            say(f"{'beside questions' if beside else 'alone'}: {rate:.0f} lines/s, {line_us:.2f} us CPU a line")
            sums[beside][0] += rate / ROUNDS
            sums[beside][1] += line_us / ROUNDS
            f.quiet()
    finally:
        f.end()
    command = f"bench-flood while {ASKERS} x fairlead logs top ({answers} answers)"
    for beside, text in ((False, "alone"), (True, "beside questions")):
        results.add(f"receiving {text}: rate", sums[beside][0], "lines/s", command)
        results.add(f"receiving {text}: ingest and store", sums[beside][1], "CPU us a line", command, better="less")
    results.add("receiving beside questions: less lines/s", 100 * (1 - sums[True][0] / sums[False][0]), "%", command,
                better="less")
    results.add("receiving beside questions: more CPU a line", 100 * (sums[True][1] / sums[False][1] - 1), "%", command,
                better="less")


# ---- the log servers ----

RSYSLOG = """
global(workDirectory="{home}" defaultNetstreamDriverCAFile="{ca}" defaultNetstreamDriverCertFile="{cert}"
       defaultNetstreamDriverKeyFile="{key}" maxMessageSize="64k")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
template(name="raw" type="string" string="%rawmsg%\\n")
input(type="imtcp" port="{port}" address="127.0.0.1" ruleset="r")
ruleset(name="r") {{ action(type="omfile" file="{home}/out" template="raw") }}
"""

SYSLOG_NG = """@version: 3.38
options {{ keep-hostname(yes); stats-freq(0); }};
source s {{ syslog(ip("127.0.0.1") port({port}) transport("tls") log-iw-size(100000) max-connections(10)
    log-fetch-limit(1000) tls(key-file("{key}") cert-file("{cert}") ca-file("{ca}") peer-verify(optional-untrusted))); }};
destination d {{ file("{home}/out" template("$ISODATE $HOST $PROGRAM $MSGID ${{.SDATA.junos@2636.1.1.1.2.129.source-address}} ${{.SDATA.junos@2636.1.1.1.2.129.destination-address}} ${{.SDATA.junos@2636.1.1.1.2.129.application}} ${{.SDATA.junos@2636.1.1.1.2.129.nested-application}} ${{.SDATA.junos@2636.1.1.1.2.129.username}} $SDATA\\n")); }};
log {{ source(s); destination(d); flags(flow-control); }};
"""


def server_certificate(home):
    senders.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 3, "-subj",
                    "/CN=localhost", "-keyout", home / "key.pem", "-out", home / "cert.pem")
    shutil.copy(home / "cert.pem", home / "ca.pem")


def log_server(name, home, port, root):
    """The command that serves, its settings written."""
    text = (RSYSLOG if name == "rsyslog" else SYSLOG_NG).format(
        home=home, port=port, ca=home / "ca.pem", cert=home / "cert.pem", key=home / "key.pem")
    conf = home / "conf"
    conf.write_text(text, encoding="utf-8")
    if name == "rsyslog":
        modules = root / "usr/lib/x86_64-linux-gnu/rsyslog"
        return [root / "usr/sbin/rsyslogd", "-n", "-f", conf, "-i", home / "pid", "-M", modules]
    modules = root / "usr/lib/syslog-ng/3.38"
    return [root / "usr/sbin/syslog-ng", "-F", "--no-caps", "-f", conf, "-p", home / "pid", "-c", home / "ctl", "-R",
            home / "persist", f"--module-path={modules}"]


def lines_in(path):
    done = subprocess.run(["wc", "-l", str(path)], capture_output=True, text=True, check=False)
    return int(done.stdout.split()[0]) if done.returncode == 0 else 0


def peer(name, tools, home, lines, count, form, root):
    say(f"{name}, {FORMS[form]}")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    server_certificate(home)
    port = senders.free_port()
    command = log_server(name, home, port, root)
    libraries = f"{root}/usr/lib/syslog-ng:{root}/usr/lib/x86_64-linux-gnu:{root}/lib/x86_64-linux-gnu"
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([str(c) for c in command], env={"LD_LIBRARY_PATH": libraries},
                                   stdout=log, stderr=log)
    try:
        time.sleep(2)
        if process.poll() is not None:
            raise RuntimeError(f"{name} did not start: {(home / 'log').read_text()[-300:]}")
        before = stat(process.pid)["cpu_s"]
        watch = Watch([process.pid])
        flood(tools, port, form, lines, count, ["-"])
        until(lambda: lines_in(home / "out") >= count, f"{name} has written all lines", 300)
        used = stat(process.pid)["cpu_s"] - before
        return {"rate": count / used, "cpu_s": used, "rss": watch.end(), "bytes": (home / "out").stat().st_size / count}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        shutil.rmtree(home, ignore_errors=True)


PEERS = {"rsyslog": "rsyslog, raw line to a file", "syslog-ng": "syslog-ng, SD to a file"}


def make_lines(tools, work, rows):
    lines = work / "lines"
    with lines.open("wb") as out:
        day = int(time.time()) - 43200
        subprocess.run([str(tools / "bench-mix"), "octets", str(rows), "7", str(day)], stdout=out, check=True)
    return lines


def run(results, tools, work, rows, root):
    """root: where the other programs are unpacked, or None."""
    lines = make_lines(tools, work, rows)
    for form, text in FORMS.items():
        own = fairlead(tools, lines, rows, 1, form)
        others = {}
        for name in PEERS if root else ():
            try:
                others[name] = peer(name, tools, work / name, lines, rows, form, root)
            except (OSError, RuntimeError, subprocess.SubprocessError) as e:
                say(f"{name} gave no figure: {e}")
        for name, other in others.items() or {None: None}.items():
            results.add(f"path: TLS to synced, {text}", own["rate"], "lines/CPU-s", own["command"], own["cpu_s"], own["rss"],
                        PEERS.get(name),
                        other and other["rate"])
        if form == "full":
            results.add("path: bytes a row on disk", own["row"], "bytes", own["command"], better="less")
    for tenants in (1, 50, 500):
        own = fairlead(tools, lines, rows, tenants, "full")
        results.add(f"path: ingest and store, {tenants} tenants flat out", own["rss"] / 2**20, "MiB", own["command"],
                    own["cpu_s"], own["rss"], better="less")
        results.add(f"path: rate with {tenants} tenants", own["rate"], "lines/CPU-s", own["command"], own["cpu_s"], own["rss"])
