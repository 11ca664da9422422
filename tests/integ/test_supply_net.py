"""The network of supply on a running server: import over the command line, a core that is killed half-way through an
import, export and import again, a signed share that is checked offline, real graphs and sites."""
import csv
import json
import os
import signal
import subprocess
import time

import pytest

from senders import TOP, program, until

SHARED = TOP.parent / "shared" / "data" / "supply"
SUPPLIERS = "supplier_id,name,country\ns1,Acme Chips GmbH,DE\ns2,Other Works,JP\n"
SITES = "Werk;Lieferant;Breite;Laenge;Wiederanlauf (Wo)\np1;s1;51,05;13,74;6\np2;s2;35,0;135,5;4\n"
PARTS = "part_id,name\na,Chip\n"


def write(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def rows(box, tenant, table):
    return [json.loads(line) for line in box.must("supply", "rows", table, "--tenant", tenant, "--json").splitlines()]


@pytest.fixture(name="acme", scope="module")
def fixture_acme(box, tmp_path_factory):
    box.must("tenant", "add", "acme", "--demo")
    folder = write(tmp_path_factory.mktemp("net") / "first", suppliers=SUPPLIERS, sites=SITES, parts=PARTS)
    box.must("supply", "import", str(folder), "--tenant", "acme")
    return box


def test_rows_and_units(acme):
    site = json.loads(acme.must("supply", "show", "sites", "p1", "--tenant", "acme", "--json"))
    assert site["cells"]["ttr_days"] == "42" and site["cells"]["lat"] == "51.05"
    acme.must("supply", "set", "sites", "p1", "ttr_days=30", "--tenant", "acme")
    history = acme.must("supply", "history", "sites", "p1", "--tenant", "acme", "--json").splitlines()
    assert len(history) == 2
    change = json.loads(acme.must("supply", "changes", "--tenant", "acme", "--json").splitlines()[0])
    acme.must("supply", "undo", str(change["number"]), "--tenant", "acme")
    site = json.loads(acme.must("supply", "show", "sites", "p1", "--tenant", "acme", "--json"))
    assert site["cells"]["ttr_days"] == "42"


def test_bad_rows_leave_nothing(acme, tmp_path):
    folder = write(tmp_path / "bad", parts="part_id,name\nx,One\ny,Two\n", part_sites="part_id,site_id,share\nx,p1,2\n")
    run = acme.run("supply", "import", str(folder), "--tenant", "acme")
    assert run.returncode == 1 and "part_sites.csv:2: share" in run.stdout, run
    assert {r["key"] for r in rows(acme, "acme", "parts")} == {"a"}


def core_pid(box):
    return box.roles()["core"]["pid"]


def test_a_core_that_is_killed_leaves_nothing(acme, tmp_path):
    parts = "part_id,name\n" + "".join(f"n{i},Part {i}\n" for i in range(60000))
    folder = write(tmp_path / "large", parts=parts)
    before = json.loads(acme.must("supply", "changes", "--tenant", "acme", "--json").splitlines()[0])["number"]
    with subprocess.Popen([program("fairlead"), "supply", "import", str(folder), "--tenant", "acme"],
                          env={**os.environ, "FAIRLEAD_SERVER": str(acme.home / "data" / "run" / "fairlead.sock")}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as run:
        time.sleep(1.0)
        os.kill(core_pid(acme), signal.SIGKILL)
        run.wait(60)
    until(lambda: acme.run("supply", "changes", "--tenant", "acme").returncode == 0, "core is back")
    after = json.loads(acme.must("supply", "changes", "--tenant", "acme", "--json").splitlines()[0])["number"]
    found = len(rows(acme, "acme", "parts"))
    assert (after, found) in ((before, 1), (before + 1, 60001)), "all of it or nothing"
    until(lambda: acme.run("supply", "import", str(folder), "--tenant", "acme").returncode == 0, "the next import works")
    assert len(rows(acme, "acme", "parts")) == 60001
    write(folder, parts=PARTS)
    acme.must("supply", "import", str(folder), "--tenant", "acme", "--replace")
    assert len(rows(acme, "acme", "parts")) == 1


def test_out_and_in_again(acme, tmp_path):
    out = tmp_path / "out"
    acme.must("supply", "export", str(out), "--tenant", "acme")
    assert {row["site_id"] for row in csv.DictReader((out / "sites.csv").open())} == {"p1", "p2"}
    acme.must("tenant", "add", "again", "--demo")
    acme.must("supply", "import", str(out), "--tenant", "again")
    for table in ("suppliers", "sites", "parts"):
        assert [r["cells"] for r in rows(acme, "again", table)] == [r["cells"] for r in rows(acme, "acme", table)]


def test_share(acme, tmp_path):
    share = tmp_path / "share.ndjson"
    share.write_text(acme.must("supply", "share", "--tenant", "acme"))
    assert "Acme" not in share.read_text()
    said = json.loads(acme.must("supply", "verify", str(share), "--json"))
    assert said["share"] == "acme"
    share.write_text(share.read_text().replace("Chip", "Chop", 1))
    run = acme.run("supply", "verify", str(share))
    assert run.returncode == 1 and "changed" in run.stderr


@pytest.mark.skipif(not SHARED.is_dir(), reason="there is no ../shared")
def test_real_graph(acme):
    acme.must("tenant", "add", "graph", "--demo")
    graph = SHARED / "networks" / "small.omts"
    refused = acme.run("supply", "import", graph, "--tenant", "graph")
    assert refused.returncode == 1 and "ttr_days" in refused.stdout, refused
    acme.must("supply", "import", graph, "--tenant", "graph", "--map", "=28=ttr_days")
    assert len(rows(acme, "graph", "suppliers")) == 23 and len(rows(acme, "graph", "sites")) == 10
    again = json.loads(acme.must("supply", "export", "--format", "omts", "--tenant", "graph"))
    assert sum(n["type"] == "facility" for n in again["nodes"]) == 10


@pytest.mark.skipif(not SHARED.is_dir(), reason="there is no ../shared")
def test_real_sites(acme):
    acme.must("tenant", "add", "maker", "--demo")
    words = ("supply", "import", SHARED / "sites" / "apple_suppliers_geocoded.csv", "--tenant", "maker", "--map",
             "column 1=site_id,supplier_name=supplier_id,lng=lon,region=+,=28=ttr_days")
    report = json.loads(acme.must(*words, "--dry-run", "--json"))
    far = [f for f in report["findings"] if f["what"] == "place" and "another continent" in f["text"]]
    assert report["errors"] == 0 and report["would"]["new"] == 778 and len(far) >= 4, report["findings"][:5]
    acme.must(*words)
    assert len(rows(acme, "maker", "suppliers")) > 100
