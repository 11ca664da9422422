"""Other stores on the same rows: PostgreSQL, ClickHouse of Debian, DuckDB of npm; one thread each."""
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from measure import family, say
import senders

COLUMNS = ("ts site device tag username app outer_app category src dst src_port dst_port nat_port session policy seconds "
           "out_bytes out_packets in_bytes in_packets url path").split()
TEXT = set("site device tag username app outer_app category src dst url path".split())
BUCKET = {"postgresql": "floor(extract(epoch from ts) / 300)", "clickhouse": "intDiv(toUInt32(ts), 300)",
          "duckdb": "epoch(ts)::BIGINT // 300"}

# What bench-query asks Fairlead, by its names there.
QUERIES = {
    "top10_app_5m_rows":
        "SELECT {bucket} AS b, app, sum(out_bytes + in_bytes) AS n FROM logs WHERE app IN (SELECT app FROM (SELECT app, "
        "sum(out_bytes + in_bytes) AS n FROM logs GROUP BY app ORDER BY n DESC LIMIT 10) AS t) GROUP BY b, app",
    "src_count_bytes": "SELECT count(*), sum(out_bytes + in_bytes) FROM logs WHERE src = '10.7.0.13'",
    "src_all_columns": "SELECT * FROM logs WHERE src = '10.7.0.13'",
    "url_substring": "SELECT count(*) FROM logs WHERE url LIKE '%play-gram42%'",
    "latest100_device": "SELECT * FROM logs WHERE device = 'fw-123' ORDER BY ts DESC LIMIT 100",
}


def nanoseconds(pids):
    """CPU time of all threads, finer than clock ticks."""
    total = 0
    for pid in pids:
        for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(path.read_text(encoding="ascii").split()[0])
            except (OSError, IndexError):
                pass
    return total


def memory(pids):
    total = 0
    for pid in pids:
        try:
            text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        total += next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmHWM:")), 0)
    return total


def folder_bytes(path):
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


class PostgreSQL:
    name = "postgresql"

    def __init__(self, work, root):
        # It does not run as root, and nobody may be kept out of a folder above work: what it needs stands elsewhere.
        self.user = pwd.getpwnam("nobody") if os.getuid() == 0 else None
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="fairlead-bench-pg-", dir="/var/tmp"))
        try:
            self.begin(root)
        except BaseException:
            shutil.rmtree(self.home, ignore_errors=True)
            raise

    def begin(self, root):
        if self.user:
            root = self.copy(root)
            self.home.chmod(0o711)
        self.env = unpacked(root)
        self.bin = sorted((root / "usr/lib/postgresql").glob("*/bin"))[-1]
        if self.user:
            os.chown(self.home, self.user.pw_uid, self.user.pw_gid)
        self.port = senders.free_port()
        self.run("initdb", "-D", self.home / "data", "-A", "trust", "--no-sync", "-U", "postgres")
        self.server = subprocess.Popen(self.words("postgres", "-D", self.home / "data", "-p", self.port, "-k", self.home,
                                                  "-c", "max_parallel_workers_per_gather=0", "-c", "work_mem=256MB",
                                                  "-c", "shared_buffers=1GB", "-c", "max_wal_size=4GB",
                                                  "-c", "jit=off"),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.as_user())
        time.sleep(3)
        types = {"ts": "timestamptz", "src": "inet", "dst": "inet"}
        self.ask("CREATE TABLE logs (" + ", ".join(
            f"{c} {types.get(c, 'text' if c in TEXT else 'bigint')}" for c in COLUMNS) + ")")
        self.ask("SELECT 1")

    def copy(self, root):
        for sub in ("usr/lib/postgresql", "usr/share/postgresql", "usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"):
            if (root / sub).is_dir():
                shutil.copytree(root / sub, self.home / "root" / sub, symlinks=True,
                                ignore=shutil.ignore_patterns("libclickhouse*"))
        return self.home / "root"

    def as_user(self):
        user = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        return {"env": self.env, "cwd": "/", **user}

    def words(self, program, *more):
        return [str(self.bin / program), *map(str, more)]

    def run(self, program, *words):
        """psql reads files of ours, so it stays what we are."""
        who = {"env": self.env, "cwd": "/"} if program == "psql" else self.as_user()
        done = subprocess.run(self.words(program, *words), capture_output=True, text=True, check=False, **who)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr.strip()[-300:]}")
        return done.stdout

    def ask(self, sql):
        return self.run("psql", "-h", self.home, "-p", self.port, "-U", "postgres", "-qAtc", sql)

    def session(self, sql):
        """CPU milliseconds that the server's side of a session uses for it; it stays until that was read."""
        session = subprocess.Popen(self.words("psql", "-h", self.home, "-p", self.port, "-U", "postgres", "-qAt"),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.env, cwd="/")
        session.stdin.write("SELECT pg_backend_pid();\n")
        session.stdin.flush()
        pid = int(session.stdout.readline())
        start = nanoseconds([pid])
        session.stdin.write(f"\\o /dev/null\n{sql}\n\\o\nSELECT 'done';\n")
        session.stdin.flush()
        while session.stdout.readline().strip() != "done":
            if session.poll() is not None:
                raise RuntimeError("psql ended at: " + sql[:100])
        used = (nanoseconds([pid]) - start) / 1e6
        session.stdin.close()
        session.wait()
        return used

    def timed(self, sql):
        return min(self.session(sql + ";") for _ in range(3))

    def load(self, tsv):
        """CPU seconds; rows are copied in one transaction, then indexed as people would."""
        used = self.session(f"\\copy logs FROM '{tsv}'\n"
                            "CREATE INDEX ON logs (device, ts);\nCREATE INDEX ON logs (src);")
        self.ask("ANALYZE logs")
        return used / 1e3

    def size(self):
        return int(self.ask("SELECT pg_total_relation_size('logs')"))

    def erase(self):
        return self.session("DELETE FROM logs WHERE src = '10.7.0.13';") + self.session("VACUUM FULL logs;")

    def rss(self):
        return memory(family(self.server.pid))

    def end(self):
        self.server.send_signal(signal.SIGINT)
        self.server.wait(timeout=60)
        shutil.rmtree(self.home, ignore_errors=True)


CLICKHOUSE = """<yandex><logger><level>error</level><console>0</console><log>{home}/log</log><errorlog>{home}/errors</errorlog></logger>
<http_port>{port}</http_port><listen_host>127.0.0.1</listen_host><path>{home}/data/</path><tmp_path>{home}/tmp/</tmp_path>
<mark_cache_size>1073741824</mark_cache_size><users_config>{home}/users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database></yandex>"""
CLICKHOUSE_USERS = """<yandex><profiles><default><max_threads>1</max_threads>
<allow_experimental_low_cardinality_type>1</allow_experimental_low_cardinality_type></default></profiles>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
<quotas><default></default></quotas></yandex>"""


class ClickHouse:
    name = "clickhouse"

    def __init__(self, work, root):
        self.home = work / "clickhouse"
        shutil.rmtree(self.home, ignore_errors=True)
        for sub in ("data", "tmp"):
            (self.home / sub).mkdir(parents=True)
        self.port = senders.free_port()
        (self.home / "config.xml").write_text(CLICKHOUSE.format(home=self.home, port=self.port), encoding="utf-8")
        (self.home / "users.xml").write_text(CLICKHOUSE_USERS, encoding="utf-8")
        self.server = subprocess.Popen([str(root / "usr/sbin/clickhouse-server"), f"--config-file={self.home}/config.xml"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.home, env=unpacked(root))
        for _ in range(100):
            try:
                self.ask("SELECT 1")
                break
            except OSError:
                time.sleep(0.2)
        low = {"site", "device", "tag", "username", "app", "outer_app", "category", "src", "dst", "url", "path"}
        self.ask("CREATE TABLE logs (" + ", ".join(
            f"{c} " + ("DateTime" if c == "ts" else "LowCardinality(String)" if c in low else "UInt64") for c in COLUMNS) +
            ", ms UInt16) ENGINE = MergeTree ORDER BY (device, ts) PARTITION BY toYYYYMMDD(ts)")

    def ask(self, sql, data=None):
        url = f"http://127.0.0.1:{self.port}/?" + urllib.parse.urlencode({"query": sql}) if data is not None else \
            f"http://127.0.0.1:{self.port}/"
        try:
            with urllib.request.urlopen(url, data if data is not None else sql.encode(), timeout=1200) as answer:
                return answer.read()
        except urllib.error.HTTPError as e:
            raise RuntimeError(f"ClickHouse: {e.read().decode(errors='replace')[:300]}") from e

    def load(self, tsv):
        start = nanoseconds([self.server.pid])
        columns = ", ".join([*COLUMNS, "ms"])
        batch = []
        with open(tsv, "rb") as file:
            for line in file:  # its DateTime has seconds only
                batch.append(line[:19] + line[23:-1] + b"\t%d\n" % int(line[20:23]))
                if len(batch) == 65536:
                    self.ask(f"INSERT INTO logs ({columns}) FORMAT TabSeparated", b"".join(batch))
                    batch = []
        if batch:
            self.ask(f"INSERT INTO logs ({columns}) FORMAT TabSeparated", b"".join(batch))
        self.ask("OPTIMIZE TABLE logs FINAL")
        return (nanoseconds([self.server.pid]) - start) / 1e9

    def timed(self, sql):
        best = None
        for _ in range(3):
            start = nanoseconds([self.server.pid])
            self.ask(sql)
            used = (nanoseconds([self.server.pid]) - start) / 1e6
            best = used if best is None else min(best, used)
        return best

    def size(self):
        return int(self.ask("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'logs'"))

    def erase(self):
        start = nanoseconds([self.server.pid])
        self.ask("ALTER TABLE logs DELETE WHERE src = '10.7.0.13'")
        while self.ask("SELECT count() FROM system.mutations WHERE NOT is_done").strip() != b"0":
            time.sleep(0.2)
        return (nanoseconds([self.server.pid]) - start) / 1e6

    def rss(self):
        return memory([self.server.pid])

    def end(self):
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(timeout=60)
        shutil.rmtree(self.home, ignore_errors=True)


class DuckDB:
    name = "duckdb"

    def __init__(self, work, library):
        self.home = work / "duckdb"
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.process = subprocess.Popen([sys.executable, str(pathlib.Path(__file__).with_name("duck.py")), str(library),
                                         str(self.home / "logs.db")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask("SET threads=1")
        self.ask("CREATE TABLE logs (" + ", ".join(
            f"{c} " + ("TIMESTAMP" if c == "ts" else "VARCHAR" if c in TEXT else "BIGINT") for c in COLUMNS) + ")")

    def ask(self, sql):
        self.process.stdin.write(sql + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("DuckDB ended at: " + sql[:100])
        return json.loads(line)

    def load(self, tsv):
        used = self.ask(f"COPY logs FROM '{tsv}' (DELIMITER '\\t', HEADER false, QUOTE '', ESCAPE '')")["cpu_ms"]
        return (used + self.ask("CHECKPOINT")["cpu_ms"]) / 1e3

    def timed(self, sql):
        return min(self.ask(sql)["cpu_ms"] for _ in range(3))

    def size(self):
        return folder_bytes(self.home)

    def erase(self):
        """A new table without the rows: DELETE alone would leave the bytes in the file."""
        return self.ask("CREATE TABLE kept AS SELECT * FROM logs WHERE src <> '10.7.0.13'")["cpu_ms"] + \
            self.ask("DROP TABLE logs")["cpu_ms"] + self.ask("CHECKPOINT")["cpu_ms"]

    def rss(self):
        return memory([self.process.pid])

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        shutil.rmtree(self.home, ignore_errors=True)


def unpacked(root):
    """The environment of a program that is unpacked at root."""
    return {"LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu:{root}/lib/x86_64-linux-gnu", "PATH": "/usr/bin:/bin"}


def measure(make, tsv, rows):
    """All figures of one engine: {name: value}, times in CPU milliseconds."""
    engine = make()
    try:
        say(f"{engine.name}: loading {rows} rows")
        load = engine.load(tsv)
        figures = {"name": engine.name, "load": rows / load, "row_bytes": engine.size() / rows}
        for name, sql in QUERIES.items():
            say(f"{engine.name}: {name}")
            figures[name] = engine.timed(sql.format(bucket=BUCKET[engine.name]))
        figures["erase"] = engine.erase()
        figures["rss"] = engine.rss()
        return figures
    finally:
        engine.end()
