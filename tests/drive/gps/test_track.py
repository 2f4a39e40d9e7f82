from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from roadworthy.core import notes
from roadworthy.core.errors import DataError, UsageError
from roadworthy.drive.gps import earth
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.track import Track, placed_by_clock, track_of

BEGAN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
METRES_PER_DEGREE = math.pi * 6_371_008.8 / 180

North = Callable[..., list[Fix]]


def heard_of(fixes: list[Fix]) -> tuple[Track, list[str]]:
    with notes.hearing() as heard, notes.aloud(lambda note: None):
        return track_of(fixes), heard


def test_positions_are_interpolated_and_never_invented(north: North) -> None:
    track = track_of(north((1, 0), (3, 40), (9, 160), (10, 180)))
    at = track.at(2.0)
    assert at is not None
    assert at.lat == pytest.approx(-37 + 20 / METRES_PER_DEGREE, abs=1e-9)
    assert at.time == BEGAN + timedelta(seconds=2)
    assert at.film_s == pytest.approx(2)
    assert [track.at(second) for second in (0.99, 3.01, 8.99, 10.01)] == [None] * 4
    assert track.at(3.0) is not None
    assert track.at(10.0) is not None
    assert track.gaps() == [(3, 9)]


def test_nothing_lies_across_a_break(north: North) -> None:
    fixes = north((0, 0), (1, 20), (2, 40), (3, 60))
    fixes[2] = replace(fixes[2], after_break=True)
    track = track_of(fixes)
    assert track.at(1.5) is None
    assert track.at(2.5) is not None
    del fixes[2]  # an outlier that is left out takes its break along no more than a later fix does
    late = replace(north((2.5, 50_000))[0], after_break=True)
    track, _ = heard_of([*fixes[:2], late, *fixes[2:]])
    assert track.at(2.0) is None


def test_speeds_and_courses_are_derived(north: North) -> None:
    track = track_of(north(*((s, 20 * s) for s in range(5))))
    assert [fix.speed for fix in track.fixes] == pytest.approx([20] * 5)
    assert [fix.course for fix in track.fixes] == pytest.approx([0] * 5, abs=1e-6)
    lone = track_of(north((0, 0)))
    assert (lone.fixes[0].speed, lone.fixes[0].course) == (None, None)
    slow = track_of(north((0, 0), (1, 1), (2, 2)))
    assert slow.fixes[1].course is None  # a course at walking pace is noise


def test_speeds_in_kilometres_an_hour_are_not_believed(north: North) -> None:
    fixes = [replace(fix, speed=72.0) for fix in north(*((s, 20 * s) for s in range(20)))]
    track, heard = heard_of(fixes)
    assert track.fixes[3].speed == pytest.approx(20)
    assert heard == ["the track's speeds are 3.60 times those of its positions; they were derived instead"]
    believed, heard = heard_of([replace(fix, speed=20.5) for fix in fixes])
    assert (believed.fixes[3].speed, heard) == (20.5, [])


def test_courses_turn_the_short_way(north: North) -> None:
    a, b = north((0, 0), (1, 20))
    track = track_of([replace(a, course=350.0), replace(b, course=20.0)])
    at = track.at(0.5)
    assert at is not None
    assert at.course == pytest.approx(5)


def test_outliers_are_refused_wherever_they_stand(north: North) -> None:
    for wrong in (0, 2, 4):
        fixes = north(*((s, 20 * s) for s in range(5)))
        fixes[wrong] = replace(fixes[wrong], lat=-36.9)
        track, heard = heard_of(fixes)
        assert [fix.film_s for fix in track.fixes] == [s for s in range(5) if s != wrong]
        assert heard == ["1 fix left out, further from the rest than a car can drive"]


def test_fixes_are_put_in_order_and_one_of_a_moment_kept(north: North) -> None:
    track, heard = heard_of(north((1, 20), (0, 0), (1, 21), (2, 40)))
    assert list(track.seconds) == [0, 1, 2]
    assert track.fixes[1].lat == pytest.approx(-37 + 20 / METRES_PER_DEGREE, abs=1e-9)
    assert len(heard) == 2


def test_the_way_driven_leaves_out_gaps_and_what_wanders_at_a_stop(north: North) -> None:
    track = track_of(north((0, 0), (1, 20), (2, 40), (60, 900), (61, 920)))
    assert track.along_m(2) == pytest.approx(40)
    assert track.along_m(60.5) == pytest.approx(50)
    assert track.along_m(30) is None
    assert track.driven_m(0.5, 60.5) == pytest.approx(40)
    still = [replace(fix, speed=0.1) for fix in north(*((s, 3 * (s % 2)) for s in range(60)))]
    assert track_of(still).along_m(59) == 0


def test_stops_are_found(north: North) -> None:
    metres = [*(20 * s for s in range(5)), *([80] * 6), 100, 120, 120.1, 140]
    track = track_of([replace(fix, speed=None) for fix in north(*enumerate(metres))])
    (stop,) = track.stops()
    assert (stop.from_s, stop.to_s) == (5, 9)
    assert stop.lat == pytest.approx(-37 + 80 / METRES_PER_DEGREE, abs=1e-6)
    assert track.stops(at_least_s=5) == []


def test_speeds_at_many_seconds_are_unknown_in_gaps(north: North) -> None:
    track = track_of(north((0, 0), (1, 20), (20, 400), (21, 420)))
    speeds = track.speeds([-1, 0.5, 1, 5, 20, 22])
    np.testing.assert_allclose(speeds, [np.nan, 20, 20, np.nan, 20, np.nan])


def test_a_track_across_the_date_line() -> None:
    fixes = [Fix(lat=-17, lon=lon, film_s=s) for s, lon in ((0, 179.9999), (1, -179.9999))]
    at = track_of(fixes).at(0.5)
    assert at is not None
    assert abs(at.lon) == pytest.approx(180)
    assert track_of(fixes).along_m(1) == pytest.approx(float(earth.distance_m(-17, 0, -17, 0.0002)))


def test_a_track_is_placed_by_the_films_clock(north: North) -> None:
    track = track_of(north((0, 0), (1, 20), (2, 40), film=False))
    assert not track.placed
    placed = placed_by_clock(track, BEGAN - timedelta(seconds=7.5), length_s=60)
    assert placed.placed
    assert list(placed.seconds) == [7.5, 8.5, 9.5]
    with pytest.raises(DataError, match="do not overlap"):
        placed_by_clock(track, BEGAN - timedelta(hours=11), length_s=60)
    with pytest.raises(UsageError, match="no zone"):
        placed_by_clock(track, datetime(2026, 3, 2), length_s=60)


def test_a_track_needs_times() -> None:
    with pytest.raises(DataError, match="1 fix and none has a time"):
        track_of([Fix(lat=1, lon=2)])
    with pytest.raises(DataError, match="0 fixes"):
        track_of([])
    with pytest.raises(UsageError, match="max_gap_s is 0"):
        track_of([Fix(lat=1, lon=2, film_s=0)], max_gap_s=0)
