"""fairlead supply exposure: a network as files in, one JSON array or a table out."""
import json
import subprocess

import pytest
from senders import program

FAIRLEAD = program("fairlead")
# HEC Montreal, problem 1: two assemblies, three suppliers who make both.
HEC = {
    "sites.csv": "capacity_per_day,site_id,ttr_days\n30,s1,2\n45,s2,2\n60,s3,2\n",
    "parts.csv": "part_id,name\na1,Assembly 1\na2,Assembly 2\n",
    "part_sites.csv": "part_id,site_id\n" + "".join(f"a{a},s{s}\n" for a in (1, 2) for s in (1, 2, 3)),
    "bom.csv": "parent_id,part_id,quantity\nv1,a1,1\nv2,a2,1\n",
    "products.csv": "product_id,demand_per_day,profit_per_unit,stock_units\nv1,75,5000,20\nv2,50,6500,25\n",
}
MEMBERS = ["id", "ttr_days", "tts_days", "lost_profit", "lost_units", "rei", "gap_days", "products"]


def run(*words):
    return subprocess.run([FAIRLEAD, "supply", "exposure", *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture(name="hec")
def fixture_hec(tmp_path):
    for name, text in HEC.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_published_values(hec):
    done = run(hec, "--json")
    assert done.returncode == 0, done.stderr
    sites = {row["id"]: row for row in json.loads(done.stdout)}
    assert list(sites) == ["s1", "s2", "s3"]
    for site, cost, rei, tts, short in (("s1", 0, 0, 9 / 4, 0), ("s2", 125000, 125 / 275, 9 / 7, 5 / 7),
                                        ("s3", 275000, 1, 9 / 10, 1.1)):
        row = sites[site]
        assert list(row) == MEMBERS
        assert row["lost_profit"] == pytest.approx(cost)
        assert row["rei"] == pytest.approx(rei)
        assert row["tts_days"] == pytest.approx(tts)
        assert row["gap_days"] == pytest.approx(short)
        assert row["products"] == ([] if cost == 0 else ["v1"])


def test_nodes(hec):
    rows = json.loads(run(hec, "--per", "node", "--json").stdout)
    assert [row["id"] for row in rows] == ["a1@s1", "a1@s2", "a1@s3", "a2@s1", "a2@s2", "a2@s3"]
    assert all(row["tts_days"] is None and row["lost_profit"] == 0 for row in rows)


def test_table(hec):
    done = run(hec)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0].split() == ["site", "TTR", "TTS", "gap", "lost", "profit", "REI"]
    assert lines[1].split() == ["s3", "2", "d", "0.9", "d", "1.1", "d", "275,000", "1.000"]
    assert "2 of 3 sites lose profit" in lines[-1]


def test_what_is_missing_is_said(hec):
    (hec / "parts.csv").write_text(HEC["parts.csv"] + "raw,Nobody makes it\n")
    (hec / "bom.csv").write_text(HEC["bom.csv"] + "a1,raw,2\n")
    done = run(hec)
    assert done.returncode == 0
    assert "1 part has no source that may deliver, 'raw' first" in done.stderr


def test_nothing_there(hec):
    (hec / "sites.csv").write_text("site_id,ttr_days\n")
    (hec / "part_sites.csv").write_text("part_id,site_id\n")
    assert json.loads(run(hec, "--json").stdout) == []
    assert "no sites in these files" in run(hec).stdout


def test_wrong_use(hec):
    done = run(hec, "--per", "country")
    assert done.returncode == 2
    assert "--per is site or node, not 'country'" in done.stderr
    (hec / "sites.csv").write_text("site_id,ttr_days,capacity_per_day\ns1,2,30\ns2,soon,45\ns3,2,60\n")
    done = run(hec, "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "sites.csv:3" in done.stderr and "ttr_days" in done.stderr
