"""The command line from another machine: HTTPS, a token, the CA; what it says when one of them is wrong."""
import json
import os
import subprocess

import pytest

from senders import connect, context, octets, program, sessions, until

OK, NO, USAGE, REACH, REFUSED = range(5)


@pytest.fixture(name="far", scope="module")
def fixture_far(box):
    box.tenant("acme")
    folder = box.device("acme/fw1")
    with connect(box, context(folder)) as sock:
        sock.sendall(octets(sessions(0, 50)))
        until(lambda: box.count("--tenant", "acme") == 50, "50 rows")
    box.must("user", "add", "acme/anna", "--role", "analyst")
    box.token = json.loads(box.must("token", "add", "acme/script", "--user", "anna", "--role", "analyst", "--json"))["token"]
    box.ca = box.home / "ca.pem"
    box.ca.write_text(box.must("ca", "show"))
    return box


def ask(far, *words, **env):
    everything = dict(os.environ, FAIRLEAD_SERVER=f"https://localhost:{far.web_port}", FAIRLEAD_TOKEN=far.token,
                      FAIRLEAD_CA=str(far.ca))
    everything.update(env)
    return subprocess.run([program("fairlead"), *words], env=everything, capture_output=True, text=True, timeout=30)


def test_questions(far):
    top = ask(far, "logs", "top", "app", "--last", "2h", "--tenant", "acme")
    assert top.returncode == OK and "scanned" in top.stdout + top.stderr or "rollups" in top.stdout + top.stderr
    rows = ask(far, "logs", "query", "--last", "2h", "--tenant", "acme", "--json", "--limit", "7")
    assert rows.returncode == OK and len(rows.stdout.splitlines()) == 7
    whole = ask(far, "logs", "export", "--last", "2h", "--tenant", "acme")
    assert whole.returncode == OK and len(whole.stdout.splitlines()) == 50


def test_the_tokens_rights_hold(far):
    for words in (["status"], ["tenant", "add", "other"], ["user", "list", "--tenant", "acme"]):
        done = ask(far, *words)
        assert done.returncode == REFUSED, done
    assert ask(far, "logs", "top", "app", "--tenant", "nobody").returncode == NO


@pytest.mark.parametrize("env,code,text", [
    ({"FAIRLEAD_TOKEN": ""}, REFUSED, "FAIRLEAD_TOKEN is not set"),
    ({"FAIRLEAD_TOKEN": "flt_" + "A" * 43}, REFUSED, ""),
    ({"FAIRLEAD_TOKEN": "a\nb"}, USAGE, "token"),
    ({"FAIRLEAD_CA": "/dev/null"}, REFUSED, "FAIRLEAD_CA"),
    ({"FAIRLEAD_SERVER": "https://localhost:1"}, REACH, "localhost"),
    ({"FAIRLEAD_SERVER": "http://localhost:1"}, USAGE, "https://HOST:PORT"),
    ({"FAIRLEAD_SERVER": "https://local host"}, USAGE, "address"),
], ids=lambda x: next(iter(x)) if isinstance(x, dict) else None)
def test_what_is_wrong_is_said(far, env, code, text):
    done = ask(far, "logs", "top", "app", "--tenant", "acme", **env)
    assert done.returncode == code and text in done.stderr, done
    assert far.token not in done.stdout + done.stderr
