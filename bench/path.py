"""The whole path, from TLS to synced: a Fairlead of its own, and the log servers beside it on the same lines."""
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from measure import TOP, Watch, cpu, family, say, stat, until

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


def run(results, tools, work, rows, root):
    """root: where the other programs are unpacked, or None."""
    lines = work / "lines"
    with lines.open("wb") as out:
        day = int(time.time()) - 43200
        subprocess.run([str(tools / "bench-mix"), "octets", str(rows), "7", str(day)], stdout=out, check=True)
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
