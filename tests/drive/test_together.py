"""Drives together: who saw which sign, and what they made of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from roadworthy.core.errors import DataError
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.gps import earth
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.track import Track, track_of
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.output.geojson import track_geojson
from roadworthy.drive.together import KeptDrive, physical_signs, read_drive, read_way

BEGAN = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)


def north(seconds: int = 60) -> Track:
    """20 m a second to the north."""
    places = [earth.moved(-37, 145, east_m=0, north_m=20 * s) for s in range(seconds)]
    return track_of([Fix(lat=lat, lon=lon, film_s=float(s)) for s, (lat, lon) in enumerate(places)])


def event(number: int, sign: str, north_m: float | None, **more: Any) -> DriveEvent:
    lat, lon = (None, None) if north_m is None else earth.moved(-37, 145, east_m=-4, north_m=north_m)
    passed_s = 10.0 if north_m is None else north_m / 20
    facts: dict[str, Any] = {"event": f"e{number:04d}", "sign": sign, "confidence": 0.9, "accepted": True}
    facts |= {"first_s": passed_s - 2, "last_s": passed_s, "passed_s": passed_s, "frames": 9, "best_frame": 1}
    facts |= {"box": (0, 0, 9, 9), "side": "left", "lat": lat, "lon": lon, "error_m": 4.0}
    return DriveEvent(**{**facts, **more})


def drive(name: str, *events: DriveEvent, **more: Any) -> KeptDrive:
    limit = LimitRow(from_s=0.0, to_s=59.0, limit=60, state="limit", event="", condition="")
    facts: dict[str, Any] = {"name": name, "film": f"{name}.mp4", "began": BEGAN, "watched_s": 59.0}
    return KeptDrive(**{**facts, "events": events, "limits": (limit,), "track": north(), **more})


def test_a_sign_of_two_drives_is_told_once_with_both() -> None:
    later = BEGAN + timedelta(days=1)
    signs = physical_signs(
        [
            drive("a", event(1, "speed-60", 400), event(2, "stop", 600)),
            drive("b", event(1, "speed-60", 404), began=later),
        ]
    )
    assert [(sign.sign, sign.name, sign.drives) for sign in signs] == [
        ("s0001", "speed-60", ("a", "b")),
        ("s0002", "stop", ("a",)),
    ]
    first = signs[0]
    there = earth.moved(-37, 145, east_m=-4, north_m=402)
    assert (first.lat, first.lon) == pytest.approx(there, abs=1e-7)
    assert first.error_m == pytest.approx(4 / 2**0.5)
    assert first.heading == pytest.approx(0, abs=1e-6)
    assert (first.first_seen, first.last_seen) == (
        BEGAN + timedelta(seconds=20),
        later + timedelta(seconds=20.2),
    )
    assert (first.votes, first.disagreement, first.accepted) == ((("speed-60", 2),), "", True)


def test_a_disagreement_is_said_and_the_sign_is_not_sure() -> None:
    (sign,) = physical_signs(
        [
            drive("a", event(1, "speed-60", 400)),
            drive("b", event(1, "speed-80", 402)),
            drive("c", event(1, "speed-60", 401)),
        ]
    )
    assert (sign.name, sign.accepted) == ("speed-60", False)
    assert sign.disagreement == "speed-60 2 of 3, speed-80 1 of 3"


def test_a_sure_reading_counts_more_than_unsure_ones() -> None:
    unsure = [drive(name, event(1, "speed-80", 400, accepted=False, confidence=0.6)) for name in "ab"]
    (sign,) = physical_signs([*unsure, drive("c", event(1, "speed-60", 402))])
    assert (sign.name, sign.accepted) == ("speed-60", True)
    assert sign.votes == (("speed-80", 2), ("speed-60", 1))


def test_signs_without_a_place_are_told_but_not_merged() -> None:
    signs = physical_signs(
        [
            drive("a", event(1, "stop", None), track=None, began=None),
            drive("b", event(1, "stop", None), track=None),
        ]
    )
    assert [sign.placed for sign in signs] == [False, False]
    assert [sign.first_seen for sign in signs] == [None, BEGAN + timedelta(seconds=10)]


def test_a_track_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "track.geojson").write_text(track_geojson(north()))
    track = read_way(tmp_path / "track.geojson")
    assert track is not None
    assert track.driven_m(0, 50) == pytest.approx(1000, rel=1e-3)
    fix = track.at(30.5)
    assert fix is not None
    assert fix.course == pytest.approx(0, abs=1e-3)
    assert read_way(tmp_path / "none.geojson") is None


def test_a_folder_that_is_no_drive_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no whole drive"):
        read_drive(tmp_path)
