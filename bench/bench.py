"""bench.py [PART...]: every figure of the README, measured; called by tools/bench, which built and fetched what it needs."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import measure
from measure import TOP, child_cpu, say

sys.path.insert(0, str(TOP / "tests" / "integ"))
import databases  # noqa: E402
import path  # noqa: E402
import web  # noqa: E402

TOOLS = TOP / "build" / "release" / "bench"
WORK = TOP / "build" / "bench"
ROWS = int(os.environ.get("BENCH_ROWS", "10000000"))
LINES = int(os.environ.get("BENCH_LINES", "1000000"))
GROWTH = [int(n) for n in os.environ.get("BENCH_GROWTH", "").split()]
PEERS = pathlib.Path(os.environ["FAIRLEAD_PEERS"]) if os.environ.get("FAIRLEAD_PEERS") else None
# name at bench-query: (what it is, whether another engine answers the same)
QUESTIONS = {
    "top10_app_5m_rows": "top 10 applications per 5 minutes, rows",
    "top10_app_5m_rollup": "the same from rollups",
    "src_count_bytes": "one source address, count and sum",
    "src_all_columns": "one source address, all columns",
    "url_substring": "substring of URL",
    "latest100_device": "latest 100 of a device",
    "erase": "erase one address",
}


def ndjson(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def program(results, name, *words):
    """A bench program that prints its figures itself: {name, value, unit, ...} a line."""
    command = [TOOLS / name, *words]
    say(" ".join(str(w) for w in command))
    out, used = child_cpu(command)
    for figure in ndjson(out):
        results.add(figure["name"], figure["value"], figure["unit"], f"{name} {' '.join(map(str, words))}",
                    figure.get("cpu_s", used), figure.get("rss_bytes"), figure.get("peer"), figure.get("peer_value"),
                    figure.get("better", "more"))


def parse(results):
    program(results, "bench-parse")


def store(results):
    program(results, "bench-store")


def query_own(rows):
    """The answers of bench-query by name."""
    folder = WORK / f"store-{rows}"
    say(f"bench-query: {rows} rows")
    out, _ = child_cpu([TOOLS / "bench-query", folder, rows])
    return {row["name"].removeprefix("query_"): row for row in ndjson(out)}


def query(results):
    own = query_own(ROWS)
    others = {}
    if PEERS:
        tsv = WORK / "rows.tsv"
        with tsv.open("wb") as out:
            subprocess.run([str(TOOLS / "bench-mix"), "tsv", str(ROWS)], stdout=out, check=True)
        for make in (lambda: databases.DuckDB(WORK, PEERS / "duckdb" / "libduckdb.so"),
                     lambda: databases.ClickHouse(WORK, PEERS / "root"), lambda: databases.PostgreSQL(WORK, PEERS / "root")):
            try:
                figures = databases.measure(make, tsv, ROWS)
                others[figures.pop("name")] = figures
            except (OSError, RuntimeError, subprocess.SubprocessError) as e:
                say(f"no figure: {e}")
        tsv.unlink()
    for name, text in QUESTIONS.items():
        if name not in own:
            continue
        asked = "top10_app_5m_rows" if name == "top10_app_5m_rollup" else name
        for other, figures in others.items() or {None: {}}.items():
            results.add(f"{ROWS / 1e6:g} M rows: {text}", own[name]["warm_cpu_ms"], "CPU ms", f"bench-query {name}",
                        own[name]["warm_cpu_ms"] / 1e3, own[name]["rss_kib"] * 1024, other, figures.get(asked), "less")
    for other, figures in others.items():
        results.add(f"{ROWS / 1e6:g} M rows: bytes a row", own["fill"]["row_bytes"] if "fill" in own else None, "bytes",
                    "bench-query fill", None, None, other, figures["row_bytes"], "less")
        results.add(f"{ROWS / 1e6:g} M rows: loading", own["fill"]["rows_per_cpu_s"] if "fill" in own else None,
                    "rows/CPU-s", "bench-query fill", None, figures["rss"], other, figures["load"])
    for rows in GROWTH:
        for name, row in query_own(rows).items():
            if name in QUESTIONS:
                results.add(f"growth: {QUESTIONS[name]}, {rows / 1e6:g} M rows", row["warm_cpu_ms"], "CPU ms",
                            f"bench-query {name}", row["warm_cpu_ms"] / 1e3, row["rss_kib"] * 1024, better="less")


def whole_path(results):
    path.run(results, TOOLS, WORK, LINES, PEERS / "root" if PEERS else None)


def slow(results):
    path.slow(results, TOOLS, WORK, LINES)


def screen(results):
    web.run(results, TOOLS, WORK, ROWS, PEERS / "root" if PEERS else None)


PARTS = {"parse": parse, "path": whole_path, "store": store, "query": query, "slow": slow, "web": screen}


def main():
    chosen = sys.argv[1:] or list(PARTS)
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        sys.exit(f"bench knows the parts {', '.join(PARTS)}, not {unknown[0]}")
    WORK.mkdir(parents=True, exist_ok=True)
    results = measure.Results(WORK / "results.ndjson")
    for name in chosen:
        PARTS[name](results)
    results.table()
    say(f"all of it is in {results.path.relative_to(TOP)}; {shutil.disk_usage(WORK).free / 2**30:.0f} GiB are free there")


main()
