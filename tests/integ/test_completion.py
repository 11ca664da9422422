"""The scripts that complete words: what they offer comes from the tables of commands."""
import os
import shutil
import subprocess

import pytest
from senders import program

FAIRLEAD = program("fairlead")

OFFER = """
offer() { COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _fairlead; echo "${COMPREPLY[*]}"; }
"""
CASES = [
    (["fairlead", "tena"], ["tenant"]),
    (["fairlead", "device", "cert", ""], ["issue", "pin", "revoke"]),
    (["fairlead", "device", "ce"], ["cert"]),
    (["fairlead", "logs", "export", "--form"], ["--format"]),
    (["fairlead", "logs", "export", "--format", ""], ["ndjson", "csv"]),
    (["fairlead", "nonsense", ""], []),
]


def script(shell):
    return subprocess.run([FAIRLEAD, "completion", shell], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("words,offered", CASES, ids=lambda w: " ".join(w) or "nothing")
def test_bash(words, offered):
    path = os.environ["PATH"]
    line = " ".join(f"'{w}'" for w in words)
    done = subprocess.run(["bash", "-c", f"{script('bash')}{OFFER}offer {line}"], capture_output=True, text=True,
                          env={"PATH": path}, check=True)
    assert done.stdout.split() == offered and done.stderr == ""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_zsh_reads_it(tmp_path):
    file = tmp_path / "_fairlead"
    file.write_text(script("zsh"))
    subprocess.run(["zsh", "-n", file], check=True)


def test_another_shell_is_refused():
    done = subprocess.run([FAIRLEAD, "completion", "fish"], capture_output=True, text=True)
    assert done.returncode == 2 and "bash and zsh" in done.stderr
