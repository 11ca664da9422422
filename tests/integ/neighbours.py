"""Devices that behave badly, as processes of their own: neighbours.py KIND PORT FOLDER SECONDS [NUMBER]."""
import asyncio
import json
import pathlib
import random
import socket
import sys
import threading
import time

from senders import context, octets, session, sessions


def tls(port, ctx):
    return ctx.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=30))


def flood(port, folder, seconds, number):
    """As fast as the server takes it, on four connections."""
    data, end, sent = octets(sessions(1, 2000)), time.monotonic() + seconds, [0]

    def pour():
        with tls(port, context(folder)) as sock:
            while time.monotonic() < end:
                sock.sendall(data)
                sent[0] += 2000
            sock.unwrap()

    threads = [threading.Thread(target=pour) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"sent": sent[0], "number": number}


def trickle(port, folder, seconds, number):
    """A byte at a time, each a TLS record of its own, on many connections; no line is ever whole for long."""
    socks = [tls(port, context(folder)) for _ in range(number)]
    data, at, end = octets(sessions(1, 1000)), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for sock in socks:
            sock.sendall(data[at % len(data):at % len(data) + 1])
        at += 1
        time.sleep(0.005)
    for sock in socks:
        sock.close()
    return {"sent": at * number, "number": number}


async def wave(port, ctx, number, first):
    """All connect at the same moment, send a line, and are torn off; how many got in."""

    async def one(n):
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port, ssl=ctx), 120)
        except (OSError, asyncio.TimeoutError):
            return None
        writer.write(octets([session(first + n)]))
        return writer

    writers = [w for w in await asyncio.gather(*[one(n) for n in range(number)]) if w is not None]
    await asyncio.gather(*[w.drain() for w in writers], return_exceptions=True)
    for writer in writers:
        writer.transport.abort()
    return len(writers)


def storm(port, folder, seconds, number):
    """Waves of connections, each torn off together, until the time is over; at least two."""
    ctx, end, admitted, waves = context(folder), time.monotonic() + seconds, 0, 0
    while waves < 2 or time.monotonic() < end:
        admitted += asyncio.run(wave(port, ctx, number, 1 + waves * number))
        waves += 1
    return {"sent": waves * number, "admitted": admitted, "number": number}


def jump(port, folder, seconds, number):
    """A clock that has been in 1970, in 2049, a day ago, an hour ahead: another one with each line."""
    rng, sent, end = random.Random(1), 0, time.monotonic() + seconds
    with tls(port, context(folder)) as sock:
        while time.monotonic() < end:
            when = rng.choice([0, 1, 2_500_000_000, time.time() - 86_400, time.time() + 3_600, time.time() - 864_000])
            text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
            sent += 1
            sock.sendall(octets([session(sent, time_text=text)]))
            time.sleep(0.002)
        sock.unwrap()
    return {"sent": sent, "number": number}


KINDS = {"flood": flood, "trickle": trickle, "storm": storm, "jump": jump}

if __name__ == "__main__":
    kind, to, where, how_long, how_many = sys.argv[1:6]
    print(json.dumps(KINDS[kind](int(to), pathlib.Path(where), float(how_long), int(how_many))))
