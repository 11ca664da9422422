"""kill -9 of roles, of two at once, of the supervisor, at random moments under load; then every row is accounted for.

A run is what one connection of a device sent. What the server promises of it: the rows stored are the first so many of
its lines, each once, with their bytes; at least as many as it ever said were accepted; all of them where only roles
died that hold no line alone (store, core, keys).

  tests/integ/soak.py [--kills N] [--seed N]     FAIRLEAD_BUILD names the build folder
"""
import argparse
import json
import os
import pathlib
import random
import signal
import sys
import threading
import time

from senders import Server, connect, context, exported, now_text, octets, until

HOLDERS = ("ingest", "supervisor")  # what they had read and not handed on ends with them
ROLES = ("store", "keys", "core", "ingest")
DEVICES = 3
LINES = 20  # of one write
BACK_S = 60


def bytes_of(number):
    """What the session of that number moved: no two near numbers the same."""
    return 1000 + number * 7919 % 100_003


def lines(first, count):
    text = now_text()
    return [(f'<14>1 {text} fw RT_FLOW - RT_FLOW_SESSION_CLOSE [junos@2636.1.1.1.2.129 reason="TCP FIN" '
             f'source-address="10.0.0.1" source-port="{n % 60000}" destination-address="192.0.2.1" '
             f'destination-port="443" service-name="junos-https" protocol-id="6" session-id-32="{n}" '
             f'packets-from-client="1" bytes-from-client="{bytes_of(n) - 400}" packets-from-server="1" '
             f'bytes-from-server="400" elapsed-time="1"]').encode() for n in range(first, first + count)]


class Run:
    """One connection: the numbers it sent, what was said to be accepted of it."""

    def __init__(self, port, first):
        self.port, self.first, self.end, self.accepted, self.lossy = port, first, first, 0, False


class Sender(threading.Thread):
    def __init__(self, server, device, folder, first, seed):
        super().__init__(daemon=True)
        self.server, self.device, self.ctx, self.next = server, device, context(folder), first
        self.first, self.rng, self.runs = first, random.Random(seed), []
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.is_set():
            try:
                with connect(self.server, self.ctx) as sock:
                    self.runs.append(Run(sock.getsockname()[1], self.next))
                    self.feed(sock, self.runs[-1])
                    sock.unwrap()
            except OSError:
                time.sleep(0.05)

    def feed(self, sock, run):
        while not self.stopped.is_set():
            first, count = self.next, self.rng.randint(1, 2 * LINES)
            run.end = self.next = first + count  # whatever becomes of them: these numbers are used
            sock.sendall(octets(lines(first, count)))
            time.sleep(self.rng.random() * 0.02)


class Watcher(threading.Thread):
    """Asks what is accepted of each connection, as an operator would."""

    def __init__(self, server, senders):
        super().__init__(daemon=True)
        self.server, self.senders, self.asked, self.stopped = server, senders, 0, threading.Event()

    def run(self):
        while not self.stopped.is_set():
            for sender in self.senders:
                self.look(sender)
            time.sleep(0.05)

    def look(self, sender):
        done = self.server.run("device", "show", sender.device, "--json")
        if done.returncode != 0:
            return
        self.asked += 1
        for conn in json.loads(done.stdout)["connections"]:
            port = int(conn["address"].rpartition(":")[2])
            for run in reversed(sender.runs):
                if run.port == port:
                    run.accepted = max(run.accepted, conn["accepted"])
                    break


def is_gone(pid):
    """A zombie that nobody has waited for yet counts as gone: the supervisor's children become those of init."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def roles_now(server):
    done = server.run("status", "--json")
    if done.returncode not in (0, 1):
        return {}
    try:
        return {role["role"]: role for role in json.loads(done.stdout)["roles"] if role["role"] in ROLES}
    except ValueError:
        return {}


def all_up(server):
    roles = roles_now(server)
    return len(roles) == len(ROLES) and all(role["up"] for role in roles.values()) and roles


def kill_roles(server, names):
    """At once: the second does not wait for the first to be noticed."""
    before = until(lambda: all_up(server), "all roles are up", BACK_S)
    for name in names:
        os.kill(before[name]["pid"], signal.SIGKILL)
    until(lambda: (now := all_up(server)) and all(now[n]["pid"] != before[n]["pid"] for n in names),
          f"{names} are back", BACK_S)


def kill_supervisor(server):
    before = until(lambda: all_up(server), "all roles are up", BACK_S)
    server.process.kill()
    server.process.wait()
    until(lambda: all(is_gone(role["pid"]) for role in before.values()), "the roles end with their supervisor", BACK_S)
    server.start()
    until(lambda: all_up(server), "everything is back", BACK_S)


def plan(rng, kills):
    """What dies when: one role, two, or the supervisor. Each kind comes in every dozen."""
    kinds = []
    while len(kinds) < kills:
        dozen = [[role] for role in ROLES] + [[role] for role in rng.choices(ROLES, k=2)]
        dozen += [rng.sample(ROLES, 2) for _ in range(4)] + [["supervisor"]] * 2
        rng.shuffle(dozen)
        kinds += dozen
    return [(names, rng.random() ** 2 * 1.5) for names in kinds[:kills]]


def strike(server, senders, names):
    runs = [sender.runs[-1] for sender in senders if sender.runs]
    if names == ["supervisor"]:
        kill_supervisor(server)
    else:
        kill_roles(server, names)
    if set(names) & set(HOLDERS):
        for run in runs + [sender.runs[-1] for sender in senders if sender.runs]:
            run.lossy = True  # also one that began between the moment it died and the next


def settle(server, sender):
    """The last run ended in order: its last line is stored."""
    last = sender.runs[-1].end - 1
    until(lambda: exported(server, "acme", f"session:{last}") == [last], f"{sender.device}: line {last} is stored", 60)


def account(server, sender):
    """Returns (rows, lost) of a device, or says what is wrong."""
    numbers = exported(server, "acme", f"session:{sender.first}..{sender.next}")
    stored, lost = set(numbers), 0
    assert len(numbers) == len(stored), f"{sender.device}: a row is there twice"
    assert stored <= set(range(sender.first, sender.next)), f"{sender.device}: rows that nobody sent"
    for run in sender.runs:
        kept = [n for n in range(run.first, run.end) if n in stored]
        assert kept == list(range(run.first, run.first + len(kept))), f"{sender.device}: a hole behind {run.first}"
        assert len(kept) >= run.accepted, f"{sender.device}: {run.accepted} were accepted, {len(kept)} are there"
        assert run.lossy or len(kept) == run.end - run.first, f"{sender.device}: {run.first} lost lines without reason"
        lost += run.end - run.first - len(kept)
    top = server.ask_lines("logs", "top", "device", f"session:{sender.first}..{sender.next}", "--tenant", "acme",
                           "--last", "6h", "--by", "bytes")
    total = sum(row["bytes"] for row in top if row.get("value", row.get("key")) not in (None, ""))
    want = sum(bytes_of(n) for n in numbers)
    assert total == want, f"{sender.device}: {total} bytes in {top}, not {want}"
    return len(numbers), lost


def soak(kills, seed, say=print):
    rng = random.Random(seed)
    say(f"seed {seed}, {kills} kills")
    server = Server()
    try:
        server.tenant("acme")
        senders = [Sender(server, f"acme/fw{i}", server.device(f"acme/fw{i}"), 10_000_000 * (i + 1), rng.random())
                   for i in range(DEVICES)]
        watcher = Watcher(server, senders)
        for thread in [*senders, watcher]:
            thread.start()
        until(lambda: all(s.next > s.first + 200 for s in senders), "all send", 40)
        for at, (names, wait_s) in enumerate(plan(rng, kills)):
            time.sleep(wait_s)
            if at % 20 == 0:
                say(f"kill {at + 1}: {' and '.join(names)}")
            strike(server, senders, names)
        counts = [len(sender.runs) for sender in senders]
        strike(server, senders, ["ingest"])  # so that each begins anew, and its last run ends in order
        until(lambda: all(len(s.runs) > n and s.next > s.runs[-1].first + 100 for s, n in zip(senders, counts)),
              "all send again", BACK_S)
        for thread in [*senders, watcher]:
            thread.stopped.set()
            thread.join(timeout=BACK_S)
            assert not thread.is_alive(), "a thread does not end"
        rows = lost = 0
        for sender in senders:
            settle(server, sender)
            one, gone = account(server, sender)
            rows, lost = rows + one, lost + gone
        runs = sum(len(s.runs) for s in senders)
        accepted = sum(run.accepted for s in senders for run in s.runs)
        say(f"{kills} kills: {rows} rows of {runs} connections, each once, in order, with their bytes; {accepted} were seen "
            f"to be accepted ({watcher.asked} answers); {lost} lines in flight ended with ingest or the supervisor")
        return rows, accepted
    except Exception:
        say(server.log_text()[-4000:])
        raise
    finally:
        server.remove()


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--kills", type=int, default=200)
    args.add_argument("--seed", type=int, default=int(time.time()))
    given = args.parse_args()
    soak(given.kills, given.seed, lambda text: print(text, flush=True))


if __name__ == "__main__":
    sys.exit(main())
