"""tools/run, which is what `make run` does after the build: starts, joins, stops what it started and nothing else."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture(name="home")
def fixture_home(tmp_path_factory):
    """A data folder whose listener is on a free port; its path is short enough for a socket."""
    home = tmp_path_factory.mktemp("run")
    for folder in [home, *home.parents[:-2]]:
        if folder.owner() == home.owner():
            folder.chmod(folder.stat().st_mode | 0o111)
    (home / "fairlead.conf").write_text(
        f"data_dir = {home}\nlisten_tls = 127.0.0.1:{free_port()}\n"
        f"web_listen = 127.0.0.1:{free_port()}\n", encoding="utf-8")
    return home


def start(home, **more):
    env = dict(os.environ, FAIRLEAD_HOME=str(home), FAIRLEAD_DEMO="0", **more)
    return subprocess.Popen([TOP / "tools" / "run"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def read_until(process, text):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError(f"no {text!r} in: {''.join(lines)}")


def daemon_of(output):
    return int(re.search(r"Fairlead started \(process (\d+)", output)[1])


def ends(pid):
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def status(home):
    env = dict(os.environ, FAIRLEAD_SERVER=str(home / "run" / "fairlead.sock"))
    return subprocess.run([TOP / "build" / "fairlead", "status", "--json"], env=env, capture_output=True, check=False)


def test_ends_by_itself_and_stops_the_daemon(home):
    run = start(home, FAIRLEAD_RUN_SECONDS="2")
    output = run.communicate(timeout=120)[0]
    assert run.returncode == 0, output
    assert "Fairlead stopped" in output
    assert ends(daemon_of(output))
    assert status(home).returncode == 3


def test_a_second_run_joins_and_leaves_the_first_alone(home):
    first = start(home)
    try:
        output = read_until(first, "Ctrl-C here stops Fairlead")
        second = start(home, FAIRLEAD_RUN_SECONDS="1")
        joined = second.communicate(timeout=60)[0]
        assert second.returncode == 0, joined
        assert "runs already" in joined and "Stopping" not in joined
        assert status(home).returncode == 0
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)
    assert first.returncode == 0
    assert ends(daemon_of(output))


def test_ctrl_c_stops_it_and_the_data_stays(home):
    for _ in range(2):
        run = start(home)
        output = read_until(run, "Ctrl-C here stops Fairlead")
        run.send_signal(signal.SIGTERM)
        rest = run.communicate(timeout=60)[0]
        assert run.returncode == 0, rest
        assert "Fairlead stopped" in rest
        assert ends(daemon_of(output))
        assert (home / "run").is_dir()


def test_a_wrong_configuration_is_named_and_nothing_starts(home):
    with (home / "fairlead.conf").open("a", encoding="utf-8") as conf:
        conf.write("keep_days = 99\n")
    run = start(home)
    output = run.communicate(timeout=60)[0]
    assert run.returncode == 1
    assert re.search(r"fairlead\.conf:\d+: keep_days: 99", output) and "has errors" in output
    assert not (home / "run").exists()


def test_a_number_of_seconds_that_is_none(home):
    run = start(home, FAIRLEAD_RUN_SECONDS="soon")
    output = run.communicate(timeout=60)[0]
    assert run.returncode == 1
    assert "number of seconds" in output
