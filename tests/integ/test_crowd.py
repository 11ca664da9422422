"""Many tenants send while the store stands still: what waits in ingest is bounded, and afterwards every line is there."""
import os
import pathlib
import signal
import threading
import time

import senders

TENANTS, LINES, LINE_BYTES, BOUND = 120, 20, 50000, 56 << 20


def memory(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmRSS:"))


def pour(server, folder):
    """Lines that hardly anything repeats in: a delivery of them is as large as they are."""
    with senders.connect(server, senders.context(folder)) as sock:
        for n in range(LINES):
            text = os.urandom(LINE_BYTES // 2).hex()
            sock.sendall(senders.octets([f"<14>1 2026-11-21T20:04:31Z fw app - - - {n} {text}".encode()]))
        sock.unwrap()


def test_a_crowd_waits_outside():
    server = senders.Server(settings="connections_per_address = 4000\nring_bytes = 4M")
    try:
        folders = []
        for i in range(TENANTS):
            server.tenant(f"t{i}")
            folders.append(server.device(f"t{i}/fw"))
        time.sleep(1)
        roles = {name: role["pid"] for name, role in server.roles().items()}
        before = memory(roles["ingest"])
        os.kill(roles["store"], signal.SIGSTOP)
        threads = [threading.Thread(target=pour, args=(server, folder)) for folder in folders]
        for thread in threads:
            thread.start()
        most = 0
        for _ in range(30):
            time.sleep(0.1)
            most = max(most, memory(roles["ingest"]))
        os.kill(roles["store"], signal.SIGCONT)
        for thread in threads:
            thread.join(120)
        senders.until(lambda: server.ask("store", "stats")["rows"] >= TENANTS * LINES, "all rows synced")
        assert server.ask("store", "stats")["rows"] == TENANTS * LINES
        assert most - before < BOUND
    finally:
        server.remove()
