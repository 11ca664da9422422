"""What tools/install puts where, that it runs from there under the rights of its unit, and what uninstall leaves."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from browser import NEW_PASSWORD, Browser
from senders import TOP, Server, program

PREFIX = "usr/local"
FILES = {  # path: mode
    f"{PREFIX}/bin/fairlead": 0o755, f"{PREFIX}/sbin/fairleadd": 0o755, f"{PREFIX}/share/man/man1/fairlead.1": 0o644,
    f"{PREFIX}/share/man/man8/fairleadd.8": 0o644, f"{PREFIX}/share/man/man5/fairlead.conf.5": 0o644,
    f"{PREFIX}/share/bash-completion/completions/fairlead": 0o644, f"{PREFIX}/share/zsh/site-functions/_fairlead": 0o644,
    f"{PREFIX}/share/doc/fairlead/openapi.yaml": 0o644, f"{PREFIX}/share/doc/fairlead/backup.md": 0o644,
    f"{PREFIX}/share/doc/fairlead/LICENSE": 0o644, f"{PREFIX}/share/doc/fairlead/CHANGELOG.md": 0o644,
    "etc/systemd/system/fairlead.service": 0o644, "etc/sysusers.d/fairlead.conf": 0o644,
    "etc/fairlead/fairlead.conf": 0o640,
}
EXPOSURE_MAX = 30  # tenths; systemd calls up to 3.9 "OK"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="roles under user ids of their own need root")


def build():
    """The build folder of meson that the programs under test are in."""
    folder = program("fairleadd").resolve().parents[2]
    if not (folder / "man" / "fairlead.conf.5").exists():
        pytest.skip(f"{folder} is not a whole build folder")
    return folder


def install(dest, word="install", **more):
    env = dict(os.environ, DESTDIR=str(dest), FAIRLEAD_BUILD=str(build()), **more)
    env.pop("PREFIX", None) if "PREFIX" not in more else None
    return subprocess.run([TOP / "tools" / "install", word], env=env, check=True, capture_output=True, text=True).stdout


def files(dest):
    return {str(path.relative_to(dest)): path for path in dest.rglob("*") if path.is_file()}


@pytest.fixture(name="dest", scope="module")
def fixture_dest(tmp_path_factory):
    dest = tmp_path_factory.mktemp("dest")
    for folder in [dest, *dest.parents[:-2]]:  # the role web reads its files as a user of its own
        if folder.owner() == dest.owner():
            folder.chmod(folder.stat().st_mode | 0o055)
    install(dest)
    return dest


def unit(dest):
    return dest / "etc" / "systemd" / "system" / "fairlead.service"


def setting(dest, name):
    return " ".join(re.findall(rf"^{name}=(.*)$", unit(dest).read_text(encoding="ascii"), re.M)).split()


def test_files(dest):
    there = files(dest)
    screen = {path for path in there if path.startswith(f"{PREFIX}/share/fairlead/web/")}
    assert set(there) - screen == set(FILES)
    for path, mode in FILES.items():
        assert there[path].stat().st_mode & 0o777 == mode, path
    made = TOP / "build" / "web"
    if made.exists():
        assert f"{PREFIX}/share/fairlead/web/index.html" in screen
        assert len(screen) == len([path for path in files(made) if not path.startswith(".")])


def test_completion_loads(dest):
    done = subprocess.run(["bash", "-c", '. "$1" && complete -p fairlead', "bash",
                           dest / PREFIX / "share/bash-completion/completions/fairlead"], capture_output=True, text=True,
                          check=True)
    assert "fairlead" in done.stdout and done.stderr == ""


def test_example_of_the_configuration(dest):
    conf = dest / "etc" / "fairlead" / "fairlead.conf"
    subprocess.run([dest / PREFIX / "sbin" / "fairleadd", "-n", "-c", conf], check=True, capture_output=True)
    assert re.search(r"^web_listen = \[::\]:8443$", conf.read_text(encoding="ascii"), re.M)
    shown = subprocess.run([dest / PREFIX / "bin" / "fairlead", "conf", "show", "--json"], check=True, capture_output=True,
                           text=True, env={"FAIRLEAD_CONF": str(conf)}).stdout
    known = {json.loads(line)["setting"] for line in shown.splitlines()}
    for name in re.findall(r"^#?(\w+) = ", conf.read_text(encoding="ascii"), re.M):
        assert name in known or name in ("kind", "address", "tenant"), name


@needs_systemd
def test_unit(dest, tmp_path):
    for line in ("ExecStart", "ExecStartPre"):
        assert setting(dest, line)[0] == f"/{PREFIX}/sbin/fairleadd"
    here = tmp_path / "fairlead.service"  # systemd looks whether the program is there
    here.write_text(unit(dest).read_text(encoding="ascii").replace(f"=/{PREFIX}", f"={dest / PREFIX}"), encoding="ascii")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", here], capture_output=True, text=True, check=False)
    assert not [line for line in done.stderr.splitlines() if "fairlead" in line] and done.returncode == 0, done.stderr


@needs_systemd
def test_unit_leaves_little_open(dest):
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", unit(dest)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@needs_systemd
def test_calls_of_the_roles_are_calls_of_the_unit(dest):
    """What the roles' own filters allow is never forbidden by the unit's, whichever role asks."""
    groups = setting(dest, "SystemCallFilter")
    allowed = set()
    while groups:
        word = groups.pop()
        if not word.startswith("@"):
            allowed.add(word)
            continue
        text = subprocess.run(["systemd-analyze", "syscall-filter", word], check=True, capture_output=True, text=True).stdout
        groups += [w for line in text.splitlines()[1:] for w in line.split() if re.fullmatch(r"@?[a-z0-9_-]+", w)
                   and not line.strip().startswith("#")]
    source = (TOP / "src" / "io" / "seccomp.c").read_text(encoding="ascii")
    tables = re.findall(r"static const int (?:common|files|reads)\[\] = \{(.*?)\};", source, re.S)
    asked = {name for table in tables for name in re.findall(r"CALL\((\w+)\)", table)}
    assert len(tables) == 3 and len(asked) > 100 and not asked - allowed, sorted(asked - allowed)


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="no systemd-sysusers here")
def test_users(dest, tmp_path):
    (tmp_path / "etc").mkdir()
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", dest / "etc" / "sysusers.d" / "fairlead.conf"], check=True,
                   capture_output=True)
    made = {line.split(":")[0]: int(line.split(":")[2]) for line in (tmp_path / "etc" / "passwd").read_text().splitlines()}
    roles = ("ingest", "core", "store", "keys", "web")
    assert {name: made.get(f"fairlead-{name}") for name in roles} == {name: 70101 + at for at, name in enumerate(roles)}


def confined(dest):
    """The words that start a program as the unit does: its capabilities, nothing to be had by exec, no core."""
    caps = [word.removeprefix("CAP_").lower() for word in setting(dest, "CapabilityBoundingSet")]
    return ["prlimit", "--core=0", "setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all," + ",".join(f"+{cap}" for cap in caps)]


@needs_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv here")
def test_it_runs_under_the_rights_of_the_unit(dest, tmp_path, monkeypatch):
    """All roles under their own users, the screen from where it was installed, Argon2 for a sign-in."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "fairlead").symlink_to(dest / PREFIX / "bin" / "fairlead")
    (folder / "fairleadd").write_text("#!/bin/sh\nexec " + " ".join(confined(dest)) +
                                      f' {dest / PREFIX / "sbin" / "fairleadd"} "$@"\n', encoding="ascii")
    (folder / "fairleadd").chmod(0o755)
    monkeypatch.setenv("FAIRLEAD_BUILD", str(folder))
    server = Server()
    try:
        roles = {name: role for name, role in server.roles().items() if name != "supervisor"}
        users = {name: pathlib.Path(f"/proc/{role['pid']}").stat().st_uid for name, role in roles.items()}
        assert users == {"ingest": 70101, "core": 70102, "store": 70103, "keys": 70104, "web": 70105, "outbound": 70106}
        for role in roles.values():
            assert re.search(r"^CapEff:\s*0+$", pathlib.Path(f"/proc/{role['pid']}/status").read_text(), re.M)
        assert " 0: " not in server.log_text() and "seccomp on" in server.log_text()
        made = server.ask("user", "add", "admin", "--role", "operator-admin")
        person = Browser(server.web_port)
        person.sign_in("admin", made["password"], NEW_PASSWORD)
        if (TOP / "build" / "web").exists():
            page = person.get("/")
            assert page.status == 200 and page.body == (TOP / "build" / "web" / "index.html").read_bytes()
        for role in roles.values():  # MemoryDenyWriteExecute
            maps = pathlib.Path(f"/proc/{role['pid']}/maps").read_text(encoding="utf-8")
            assert not re.search(r" .wx. ", maps)
    finally:
        server.remove()


def test_a_configuration_of_ones_own_is_kept(dest):
    conf = dest / "etc" / "fairlead" / "fairlead.conf"
    mine = conf.read_text(encoding="ascii") + "# mine\n"
    conf.write_text(mine, encoding="ascii")
    assert "fairlead.conf.new" in install(dest)
    assert conf.read_text(encoding="ascii") == mine
    assert (conf.parent / "fairlead.conf.new").exists()


def test_uninstall(dest):
    """Only the configuration and what others have put there is left; shared folders stay."""
    data = dest / "var" / "lib" / "fairlead" / "keys"
    data.mkdir(parents=True)
    (data / "root.key").write_text("key", encoding="ascii")
    other = dest / PREFIX / "bin" / "another"
    other.write_text("not ours", encoding="ascii")
    said = install(dest, "uninstall")
    assert set(files(dest)) == {"etc/fairlead/fairlead.conf", "var/lib/fairlead/keys/root.key", f"{PREFIX}/bin/another"}
    assert "/etc/fairlead/fairlead.conf" in said and "/var/lib/fairlead" in said
    assert (dest / PREFIX / "sbin").is_dir() and not (dest / PREFIX / "share" / "fairlead").exists()
    install(dest, "uninstall")  # again: nothing to do is no fault


def test_another_prefix(tmp_path):
    """As a package does it: below /usr, units and users where the system has its own."""
    install(tmp_path, PREFIX="/usr")
    there = files(tmp_path)
    assert "usr/lib/systemd/system/fairlead.service" in there and "usr/lib/sysusers.d/fairlead.conf" in there
    assert "ExecStart=/usr/sbin/fairleadd " in there["usr/lib/systemd/system/fairlead.service"].read_text(encoding="ascii")
    install(tmp_path, "uninstall", PREFIX="/usr")
    assert set(files(tmp_path)) == {"etc/fairlead/fairlead.conf"}
