"""`render drive:au`: a film, its track, and a truth that agree with each other."""

from __future__ import annotations

import csv
import tomllib
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from roadworthy import api
from roadworthy.cli.app import app
from roadworthy.core.errors import UsageError
from roadworthy.drive.events.tables import COLUMNS, read_events
from roadworthy.drive.film import open_film
from roadworthy.drive.gps.reading import read_track
from roadworthy.drive.kpi.measures import DrivenDrive, measure_drives
from roadworthy.drive.kpi.truth import read_truth
from roadworthy.drive.limits.machine import COLUMNS as LIMITS

SPEC = "drive:au?km=0.25&seed=3&light=day&fps=5&size=320x180"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("drive") / "out"
    assert api.render(SPEC, out) == out
    return out


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_it_is_truth_that_drives_are_measured_against(drawn: Path) -> None:
    truth = read_truth(drawn)
    assert (truth.film, truth.travelled.source) == (drawn / "film.mp4", "gps")
    assert {(part.light, part.road) for part in truth.stretches} <= {
        ("day", road) for road in ("built-up", "open", "motorway")
    }
    assert truth.stretches[0].from_s == 0
    assert truth.stretches[-1].to_s == pytest.approx(truth.length_s, abs=0.3)
    assert truth.travelled.metres_at(truth.length_s) == pytest.approx(250, abs=40)
    sure = tuple(replace(event, confirmed_s=event.last_s) for event in truth.events)
    found = measure_drives([DrivenDrive(truth=truth, events=sure, limits=truth.limits)]).all
    assert (found.event_kpi.value, found.distance_kpi.value, found.dangerous_per_100_km.value) == (1, 1, 0)


def test_the_film_has_the_frames_that_it_says(drawn: Path) -> None:
    told = tomllib.loads((drawn / "drive.toml").read_text())
    shots = list(open_film(drawn / "film.mp4").shots())
    assert len(shots) == told["frames"] > 30
    assert open_film(drawn / "film.mp4").about().created == datetime.fromisoformat(told["start"])
    assert shots[0].image.shape == (180, 320, 3)
    assert shots[-1].time_s == pytest.approx((told["frames"] - 1) / 5, abs=0.01)
    assert told["length_s"] == pytest.approx(told["frames"] / 5)
    assert told["camera"]["focal_px"] > 0
    assert {part["kind"] for part in told["road"]} <= {"street", "arterial", "rural", "freeway"}


def test_events_and_boxes_agree(drawn: Path) -> None:
    with (drawn / "truth" / "events.csv").open() as file:
        assert tuple(next(csv.reader(file))) == COLUMNS
    events = {event.event: event for event in read_events(drawn / "truth" / "events.csv")}
    assert events
    boxes = rows(drawn / "truth" / "boxes.csv")
    for name, event in events.items():
        mine = [row for row in boxes if row["event"] == name]
        frames = [int(row["frame"]) for row in mine]
        assert event.frames <= len(mine)
        assert min(frames) / 5 <= event.first_s <= event.last_s <= max(frames) / 5
        best = next(row for row in mine if int(row["frame"]) == event.best_frame)
        assert [float(best[edge]) for edge in ("x1", "y1", "x2", "y2")] == pytest.approx(event.box, abs=0.06)
        assert best["class"] == event.sign
    assert {row["event"] for row in boxes} == set(events)
    for row in boxes:
        assert 0 <= float(row["x1"]) <= float(row["x2"]) <= 320
        assert 0 <= float(row["y1"]) <= float(row["y2"]) <= 180
    passed = [event.passed_s for event in events.values()]
    assert passed == sorted(passed)


def test_limits_have_no_gaps_and_follow_the_signs(drawn: Path) -> None:
    told = tomllib.loads((drawn / "drive.toml").read_text())
    held = rows(drawn / "truth" / "limits.csv")
    assert tuple(held[0]) == LIMITS
    assert float(held[0]["from_s"]) == 0
    assert float(held[-1]["to_s"]) == pytest.approx(told["length_s"], abs=0.001)
    assert all(one["to_s"] == after["from_s"] for one, after in pairwise(held))
    names = {event.event for event in read_events(drawn / "truth" / "events.csv")}
    assert {row["event"] for row in held} - {""} <= names
    assert str(told["road"][0]["limit"]) in {row["limit"] for row in held}


def test_the_track_passes_the_signs_when_the_truth_says(drawn: Path) -> None:
    told = tomllib.loads((drawn / "drive.toml").read_text())
    track = read_track(drawn / "track.gpx")
    assert len(track.fixes) == int(np.ceil(told["length_s"]))
    assert track.fixes[0].time is not None
    assert track.fixes[0].time.isoformat()[:10] == told["start"][:10] or "T" in told["start"]
    assert all(fix.speed is not None for fix in track.fixes)
    from roadworthy.drive.gps.earth import distance_m

    checked = 0
    for event in read_events(drawn / "truth" / "events.csv"):
        fix = track.at(event.passed_s)
        if event.lat is not None and event.lon is not None and fix is not None:
            # Beside the road, and the receiver is some metres off.
            assert distance_m(event.lat, event.lon, fix.lat, fix.lon) < 35
            checked += 1
    assert checked


def test_several_drives_are_folders_of_seeds(tmp_path: Path) -> None:
    out = api.render("drive:au?km=0.2&fps=5&size=320x180&light=day&speed=110", tmp_path / "out", 2, seed=8)
    seeds = [tomllib.loads((out / name / "drive.toml").read_text())["seed"] for name in ("001", "002")]
    assert seeds == [8, 9]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("drive:de", "Australia alone"),
        ("drive:au?km=far", "km is 'far'; it must be a number"),
        ("drive:au?weather=hail", "'weather=hail' is no setting"),
        ("drive:au?km=1&km=2", "given twice"),
        ("drive:au?size=big", "write it like 1280x720"),
        ("drive:au?region=nz", "region is 'nz'"),
        ("drive:au?n=0", "whole number from 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_line(tmp_path: Path, spec: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        api.render(spec, tmp_path / "out")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_settings_of_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="per_class"):
        api.render("drive:au?km=0.2", tmp_path / "out", per_class=3)


def test_the_command_line_draws_the_same(drawn: Path, tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["render", SPEC, "--out", str(tmp_path / "again")])
    assert found.exit_code == 0
    assert str(tmp_path / "again") in found.stdout
    for name in ("track.gpx", "drive.toml", "truth/events.csv", "truth/boxes.csv", "truth/limits.csv"):
        assert (tmp_path / "again" / name).read_text() == (drawn / name).read_text()
