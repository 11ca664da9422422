"""fairlead supply hazard: files in, one JSON array or a table out, and what it says of bad files."""
import csv
import json
import math
import pathlib
import subprocess

import pytest
from senders import program

FAIRLEAD = program("fairlead")
SHARED = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "supply"
QUAKE = {"ids": ["x:1"], "title": "Quake", "lat": 35.0, "lon": 139.0, "depth_km": 10, "magnitude": 7.0}
SITES = "site_id,lat,lon\nnear,35.1,139.0\nmiddle,35.9,139.0\nfar,-20,10\n"
GRID = """<?xml version="1.0"?><shakemap_grid event_id="x1">
<grid_specification lon_min="138" lat_min="34" lon_max="140" lat_max="36" nlon="2" nlat="2"/>
<grid_field index="1" name="LON"/><grid_field index="2" name="LAT"/><grid_field index="3" name="MMI"/>
<grid_data>
138 36 4
140 36 4
138 34 8
140 34 8
</grid_data></shakemap_grid>
"""


def run(*words):
    return subprocess.run([FAIRLEAD, "supply", "hazard", *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture(name="files")
def fixture_files(tmp_path):
    (tmp_path / "event.json").write_text(json.dumps(QUAKE))
    (tmp_path / "sites.csv").write_text(SITES)
    (tmp_path / "grid.xml").write_text(GRID)
    return tmp_path


def array(*words):
    done = run(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def mmi(magnitude, km):
    near = -0.209 + 2.042 * math.exp(magnitude - 5)
    return 2.085 + 1.428 * magnitude - 1.402 * math.log(math.hypot(km, near)) + (0.078 * math.log(km / 50) if km > 50 else 0)


def test_quake(files):
    rows = array("--event", files / "event.json", "--sites", files / "sites.csv")
    assert [row["site_id"] for row in rows] == ["near", "middle", "far"]
    for row in rows:
        assert {"site_id", "distance_km", "measure", "value", "probability", "band"} <= set(row)
        assert row["measure"] == "mmi"
        assert row["value"] == pytest.approx(mmi(7, math.hypot(row["distance_km"], 10)), abs=1e-4)
    assert rows[0]["distance_km"] == pytest.approx(6371.0088 * math.radians(0.1), abs=1e-6)
    assert rows[0]["probability"] > 0.99 and rows[2]["probability"] < 1e-6


def test_table(files):
    done = run("--event", files / "event.json", "--sites", files / "sites.csv")
    assert done.returncode == 0 and "far" not in done.stdout
    assert "2 of 3 sites may be hit" in done.stdout


def test_grid(files):
    rows = array("--event", files / "event.json", "--sites", files / "sites.csv", "--grid", files / "grid.xml")
    assert {row["site_id"]: round(row["value"], 6) for row in rows}["near"] == 5.8


def test_area(files):
    area = {"ids": ["x:2"], "title": "Area", "circles": [[35.0, 139.0, 20]], "severity": "extreme"}
    (files / "area.json").write_text(json.dumps(area))
    rows = array("--event", files / "area.json", "--sites", files / "sites.csv")
    assert [(row["site_id"], row["measure"], row["value"], row["probability"]) for row in rows] == [("near", "inside", 1, 0.9)]


def test_bad_files(files):
    done = run("--event", files / "sites.csv", "--sites", files / "sites.csv")
    assert done.returncode != 0 and "sites.csv" in done.stderr and done.stdout == ""
    (files / "bad.csv").write_text("site_id,lat,lon\na,95,0\n")
    done = run("--event", files / "event.json", "--sites", files / "bad.csv")
    assert done.returncode == 1 and "bad.csv:2" in done.stderr and "lat" in done.stderr
    (files / "bad.xml").write_text("<!DOCTYPE a><shakemap_grid/>")
    done = run("--event", files / "event.json", "--sites", files / "sites.csv", "--grid", files / "bad.xml")
    assert done.returncode == 2 and "document type" in done.stderr
    (files / "bad.json").write_text('{"ids": ["x:1"], "title": "x", "lat": "north"}')
    done = run("--event", files / "bad.json", "--sites", files / "sites.csv")
    assert done.returncode == 2 and "lat" in done.stderr
    assert run("--event", files / "event.json").returncode == 2


@pytest.mark.skipif(not SHARED.exists(), reason="no ../shared")
@pytest.mark.parametrize("number,count", [("1909", 128), ("1822", 74)])
def test_typhoons(tmp_path, number, count):
    """Lekima and Mangkhut at 778 factories: gradient wind at the fixes, as published."""
    with open(SHARED / "sites" / "apple_suppliers_geocoded.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with open(tmp_path / "sites.csv", "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["site_id", "lat", "lon"])
        out.writerows([f"f{row['']}", row["lat"], row["lng"]] for row in rows)
    lines, taken = (SHARED / "cyclones" / "jma_rsmc_tokyo_bst_all.txt").read_text(encoding="ascii").splitlines(True), False
    with open(tmp_path / "track.txt", "w", encoding="ascii") as file:
        for line in lines:
            taken = line[6:10] == number if line.startswith("66666") else taken
            file.write(line if taken else "")
    rows = array("--event", tmp_path / "track.txt", "--sites", tmp_path / "sites.csv", "--fixes-only")
    assert len(rows) == 778 and {row["measure"] for row in rows} == {"wind_ms"}
    assert sum(row["value"] >= 25.7 for row in rows) == count
