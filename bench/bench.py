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


def trace_peer(sites, links):
    """The same network and events with networkx, and whether it finds as many; None where it is not installed."""
    folder = WORK / "trace"
    folder.mkdir(parents=True, exist_ok=True)
    events, _ = child_cpu([TOOLS / "bench-trace", "dump", folder, sites, links])
    (folder / "events.tsv").write_text(events, encoding="ascii")
    more = {"PYTHONPATH": str(PEERS / "root" / "usr" / "lib" / "python3" / "dist-packages")} if PEERS else {}
    try:
        out, _ = child_cpu([sys.executable, TOP / "bench" / "trace_peer.py", folder, folder / "events.tsv", 60],
                           env={**os.environ, **more})
    except RuntimeError as e:
        say(f"no figure of networkx (python3-networkx): {e}")
        return None
    return ndjson(out)[-1]


def trace(results):
    for sites, links in ((1_000, 10_000), (10_000, 100_000), (100_000, 1_000_000)):
        own = ndjson(child_cpu([TOOLS / "bench-trace", sites, links, 60])[0])[-1]
        peer = trace_peer(sites, links) or {}
        if peer and (peer["most_sites"], peer["most_products"]) != (own["most_sites"], own["most_products"]):
            raise RuntimeError(f"bench-trace finds {own}, networkx {peer}")
        for word in ("median", "worst"):
            results.add(f"one event to products, {sites:,} sites, {links:,} links, {word}",
                        own["value"] if word == "median" else own["worst_ms"], "CPU ms", f"bench-trace {sites} {links}",
                        peer=f"networkx {peer['networkx']}" if peer else None, peer_value=peer.get(f"{word}_ms"),
                        better="less")


def exposure(results):
    libraries = f"LD_LIBRARY_PATH={PEERS}/root/usr/lib/x86_64-linux-gnu" if PEERS else "LD_LIBRARY_PATH="
    say("bench-exposure")
    out, _ = child_cpu(["env", libraries, TOOLS / "bench-exposure"])
    for figure in ndjson(out):
        results.add(figure["name"], figure["value"], figure["unit"], "bench-exposure", figure["cpu_s"], figure["rss_bytes"],
                    figure.get("peer"), figure.get("peer_value"), figure["better"])


def simulate(results):
    """Years that might come, on the sample network and on networks that grow, beside plain Python of a simpler kind."""
    folders = [("sample network", TOP / "data" / "sample-network", 100_000, 2000)]
    for scale, plain_years in ((1, 2000), (2, 1000), (4, 500), (8, 250)):
        folder = WORK / f"supply-{scale}"
        child_cpu([sys.executable, TOP / "bench" / "supply_net.py", scale, folder])
        folders.append(("growth", folder, 10_000, plain_years))
    for what, folder, years, plain_years in folders:
        say(f"bench-simulate {folder} {years} 2; load {os.getloadavg()[0]:.1f}")
        own = ndjson(child_cpu([TOOLS / "bench-simulate", folder, years, 2])[0])[-1]
        plain = float(child_cpu([sys.executable, TOP / "bench" / "simulate.py", folder, plain_years])[0])
        name = f"{years:,} years, {what}, {own['sites']} sites, {own['parts']:,} parts, {own['products']} products"
        results.add(f"{name}: on two threads", own["seconds"], "s", f"bench-simulate {years} 2", own["cpu_s"], better="less")
        results.add(f"{name}: CPU", own["cpu_s"], "CPU s", f"bench-simulate {years} 2", own["cpu_s"], better="less")
        results.add(f"{name}: rate", round(years / own["cpu_s"]), "years/CPU-s", f"bench-simulate {years} 2", own["cpu_s"],
                    peer="plain Python", peer_value=plain)


def desk(results):
    """One event through the desk of risks, and how long a network takes to be read and made ready."""
    for scale in (16, 160, 1850):
        folder = WORK / f"supply-{scale}"
        child_cpu([sys.executable, TOP / "bench" / "supply_net.py", scale, folder])
        say(f"bench-desk {folder}")
        out, used = child_cpu([TOOLS / "bench-desk", folder, 30])
        own = ndjson(out)[-1]
        size = f"{own['sites']:,} sites, {own['sources']:,} sources"
        for word, text in (("median_ms", "median"), ("max_ms", "worst")):
            results.add(f"one event to a risk with its loss, {size}, {text}", own[word], "CPU ms", "bench-desk", used, better="less")
        for word, text in (("load_ms", "read from CSV and indexed"), ("ready_ms", "made ready for exposure")):
            results.add(f"a network of {size}, {text}", own[word], "CPU ms", "bench-desk", used, better="less")


PARTS = {"parse": parse, "path": whole_path, "store": store, "query": query, "slow": slow, "web": screen,
         "trace": trace, "exposure": exposure, "simulate": simulate, "desk": desk}


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
