"""What all parts of the bench share: records, CPU seconds and memory of processes, the machine."""
import json
import os
import pathlib
import resource
import subprocess
import sys
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
TICK = os.sysconf("SC_CLK_TCK")


def machine():
    """One line: processor, processors, memory."""
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    model = next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")), "?")
    isa = "AVX-512" if "avx512_vbmi2" in text else "AVX2" if " avx2 " in text else "baseline"
    ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model} ({isa}), {os.cpu_count()} processors, {ram:.0f} GiB, load {os.getloadavg()[0]:.1f}"


class Results:
    """NDJSON as it comes, and a table at the end."""

    def __init__(self, path):
        self.path = path
        self.rows = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.open("w", encoding="utf-8")

    def add(self, name, value, unit, command, cpu_s=None, rss_bytes=None, peer=None, peer_value=None, better="more"):
        """better says which way is good, so that ratio > 1 always means that Fairlead does better."""
        ratio = None
        if peer_value and value:
            ratio = round(value / peer_value if better == "more" else peer_value / value, 3)
        row = {"name": name, "value": value, "unit": unit, "cpu_s": cpu_s, "rss_bytes": rss_bytes, "peer": peer,
               "peer_value": peer_value, "ratio": ratio, "command": command, "machine": machine()}
        self.rows.append(row)
        self.file.write(json.dumps(row) + "\n")
        self.file.flush()
        print(json.dumps(row), flush=True)

    def table(self):
        print(f"\n{'what':52} {'value':>12} {'unit':16} {'peer':34} {'its value':>12} {'ratio':>7}")
        for r in self.rows:
            print(f"{r['name']:52} {number(r['value']):>12} {r['unit']:16} {r['peer'] or '':34} "
                  f"{number(r['peer_value']):>12} {number(r['ratio']):>7}")


def number(value):
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def stat(pid):
    """CPU seconds and start of a process; None when it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
    except OSError:
        return None
    return {"parent": int(fields[1]), "cpu_s": (int(fields[11]) + int(fields[12])) / TICK}


def family(pid):
    """A process and all that descend from it."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            found = stat(name)
            if found:
                parents[int(name)] = found["parent"]
    members = {pid}
    grown = True
    while grown:
        more = {p for p, parent in parents.items() if parent in members} - members
        members |= more
        grown = bool(more)
    return members


def cpu(pids):
    return sum((stat(p) or {"cpu_s": 0})["cpu_s"] for p in pids)


def pss(pid):
    """Memory of a process in which what is shared counts in parts."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)


class Watch:
    """The greatest sum of memory of some processes, looked at four times a second."""

    def __init__(self, pids):
        self.pids, self.most, self.going = list(pids), 0, True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.going:
            self.most = max(self.most, sum(pss(p) for p in self.pids))
            time.sleep(0.25)

    def end(self):
        self.going = False
        self.thread.join()
        return self.most


def child_cpu(command, **more):
    """Run it; its output and its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **more)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, used


def until(ask, what, seconds=600):
    end = time.monotonic() + seconds
    while not ask():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {seconds} s: {what}")
        time.sleep(0.2)
