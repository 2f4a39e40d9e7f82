"""The files of several drives together."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.track import track_of
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.output.together import write_together
from roadworthy.drive.together import KeptDrive, physical_signs


def drive(name: str, sign: str, lat: float | None, at_s: float = 5.0) -> KeptDrive:
    seen = DriveEvent(
        event="e0001",
        sign=sign,
        confidence=0.9,
        accepted=True,
        first_s=at_s - 1,
        last_s=at_s,
        passed_s=at_s,
        frames=5,
        best_frame=1,
        box=(0, 0, 9, 9),
        side="left",
        lat=lat,
        lon=None if lat is None else 145.0,
        error_m=None if lat is None else 3.0,
    )
    fixes = [Fix(lat=-37 + s * 1e-4, lon=145.0, film_s=float(s)) for s in range(11)]
    return KeptDrive(
        name=name,
        film=f"{name}.mp4",
        began=datetime(2026, 7, 1, tzinfo=UTC),
        watched_s=10.0,
        events=(seen,),
        limits=(LimitRow(from_s=0.0, to_s=10.0, limit=60, state="limit", event="", condition=""),),
        track=track_of(fixes),
    )


def test_each_sign_is_a_row_a_point_and_a_line_of_the_report(tmp_path: Path) -> None:
    drives = [drive("a", "speed-60", -36.9995), drive("b", "speed-80", -36.99951), drive("c", "stop", None)]
    write_together(tmp_path, drives, physical_signs(drives), [("bad.mp4", "it is no <film>")])
    with (tmp_path / "signs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["sign"], row["class"], row["seen"], row["drives"]) for row in rows] == [
        ("s0001", "speed-60", "2", "a; b"),
        ("s0002", "stop", "1", "c"),
    ]
    assert rows[0]["disagreement"] == "speed-60 1 of 2, speed-80 1 of 2"
    assert [row["datum"] for row in rows] == ["WGS84", ""]
    assert rows[0]["first_seen"] == "2026-07-01T00:00:05+00:00"
    tree = json.loads((tmp_path / "signs.geojson").read_text())
    assert [feature["properties"]["sign"] for feature in tree["features"]] == ["s0001"]
    assert tree["signs_without_place"] == 1
    assert "GDA2020" in tree["datum"]
    page = (tmp_path / "report.html").read_text()
    for words in ("a.mp4", "bad.mp4", "it is no &lt;film&gt;", "speed-60 1 of 2", "GDA2020", "<svg"):
        assert words in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")


def test_no_drives_at_all_are_told_too(tmp_path: Path) -> None:
    write_together(tmp_path, [], [], [("bad.mp4", "no film")])
    assert "No film has positions" in (tmp_path / "report.html").read_text()
