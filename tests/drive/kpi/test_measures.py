"""Measures of drives, each worked by hand."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.errors import DataError
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.kpi.drive_file import DriveFile, Stretch
from roadworthy.drive.kpi.measures import DriveMetrics, DrivenDrive, measure_drives
from roadworthy.drive.kpi.travelled import travelled
from roadworthy.drive.kpi.truth import DriveTruth, read_truth
from roadworthy.drive.limits.events import read_plates
from roadworthy.drive.limits.machine import LimitRow

Make = Callable[..., DriveEvent]


def rows(*parts: tuple[float, float, int | None]) -> tuple[LimitRow, ...]:
    return tuple(
        LimitRow(from_s=a, to_s=b, limit=limit, state="unknown" if limit is None else "limit")
        for a, b, limit in parts
    )


def driven(
    truth: Sequence[LimitRow] = (),
    said: Sequence[LimitRow] = (),
    *,
    true: Sequence[DriveEvent] = (),
    found: Sequence[DriveEvent] = (),
    length_s: float = 10.0,
    kmh: float | None = 36.0,
    stretches: Sequence[Stretch] | None = None,
    name: str = "a",
) -> DrivenDrive:
    """A drive at 36 km/h, which is 10 m a second."""
    if stretches is None:
        stretches = () if kmh is None else (Stretch(from_s=0, to_s=length_s, speed_kmh=kmh),)
    about = DriveFile(length_s=length_s, stretches=tuple(stretches))
    return DrivenDrive(
        truth=DriveTruth(
            name=name,
            film=None,
            gps=None,
            length_s=length_s,
            about=about,
            events=tuple(true),
            limits=tuple(truth) or rows((0, length_s, None)),
            travelled=travelled(length_s, about.stretches),
        ),
        events=tuple(found),
        limits=tuple(said),
    )


def measured(*args: object, **more: object) -> DriveMetrics:
    return measure_drives([driven(*args, **more)], repetitions=50)  # type: ignore[arg-type]


def test_a_limit_right_on_80_of_100_metres_gives_0_8() -> None:
    found = measured(rows((0, 10, 60)), rows((0, 2, None), (2, 10, 60)))
    assert (found.all.distance_kpi.value, found.all.distance_kpi.n) == (pytest.approx(0.8), 100)
    assert found.all.answered.value == pytest.approx(0.8)
    assert (found.km, found.distance_from) == (pytest.approx(0.1), "speed")
    assert found.dangerous == 0


def test_distance_and_time_are_told_apart() -> None:
    # Wrong in the first 5 s at 72 km/h (100 m), right in the last 5 s at 36 km/h (50 m).
    stretches = [Stretch(from_s=0, to_s=5, speed_kmh=72), Stretch(from_s=5, to_s=10, speed_kmh=36)]
    found = measured(rows((0, 10, 60)), rows((0, 5, 50), (5, 10, 60)), stretches=stretches)
    assert found.all.distance_kpi.value == pytest.approx(1 / 3)
    assert found.all.time_kpi.value == pytest.approx(1 / 2)


def test_without_distances_the_time_is_taken_and_that_is_said() -> None:
    found = measured(rows((0, 10, 60)), rows((0, 3, 50), (3, 10, 60)), kmh=None)
    assert (found.distance_from, found.km) == ("time", None)
    assert (found.all.distance_kpi.value, found.all.distance_kpi.n) == (pytest.approx(0.7), 10)
    assert found.all.dangerous_per_100_km.value is None


def test_where_the_truth_is_unknown_nothing_is_counted() -> None:
    found = measured(rows((0, 6, None), (6, 10, 60)), rows((0, 10, 60)))
    assert (found.all.distance_kpi.value, found.all.distance_kpi.n) == (1.0, 40)


def test_no_limit_at_all_is_a_limit_of_its_own() -> None:
    free = (LimitRow(from_s=0, to_s=10, limit=None, state="unlimited"),)
    assert measured(free, free).all.distance_kpi.value == 1.0
    posted = rows((0, 10, 60))
    assert measured(free, posted).all.dangerous_share.value == 0.0
    assert measured(posted, free).all.dangerous_share.value == 1.0


def test_dangerous_limits_are_counted_where_they_begin() -> None:
    # 100 km at 100 km/h; 90 is said for 60 in two parts, and 50 for 60 once, which is no danger.
    said = rows((0, 100, 60), (100, 200, 90), (200, 300, 60), (300, 310, 90), (310, 400, 50), (400, 3600, 60))
    found = measured(rows((0, 3600, 60)), said, length_s=3600.0, kmh=100.0)
    assert found.dangerous == 2
    assert found.all.dangerous_per_100_km.value == pytest.approx(2.0)
    assert found.all.dangerous_share.value == pytest.approx(110 / 3600)


def test_a_limit_that_fell_may_stay_for_two_seconds() -> None:
    truth = rows((0, 10, 80), (10, 30, 60))

    def share(until_s: float, before: int = 80) -> tuple[int, float | None]:
        found = measured(truth, rows((0, until_s, before), (until_s, 30, 60)), length_s=30.0)
        return found.dangerous, found.all.dangerous_share.value

    assert share(12.0) == (0, 0.0)
    assert share(13.0) == (1, pytest.approx(1 / 30))
    # 100 was wrong before already: it gets no time.
    assert share(12.0, before=100) == (1, pytest.approx(12 / 30))


def test_where_nothing_was_said_no_limit_is_right() -> None:
    found = measured(rows((0, 10, 60)), ())
    assert (found.all.distance_kpi.value, found.all.answered.value) == (0.0, 0.0)


def test_events_are_counted_step_by_step(event: Make) -> None:
    true = [event("speed-60", s) for s in (10, 30, 50, 70, 90)] + [event("stop", 110, first_s=109.5)]
    found = [
        event("speed-60", 10),  # right, 0.5 s before
        event("speed-60", 30, confirmed_s=33.0),  # late
        event("speed-60", 50, confirmed_s=51.0),  # right
        event("speed-60", 50.2),  # again
        event("speed-80", 70),  # misread
        # 90 is missed; the stop sign was hardly in view and is not asked for.
        event("stop", 130),  # false
        event("stop", 140, accepted=False),  # false, not sure
    ]
    metrics = measured(true=true, found=found, length_s=1800.0)
    own = metrics.all
    assert (metrics.true_events, metrics.found_events, metrics.asked) == (6, 7, 5)
    assert own.found.value == pytest.approx(4 / 5)
    assert own.found_once.value == pytest.approx(3 / 5)
    assert own.right_class.value == pytest.approx(3 / 5)
    assert own.in_time.value == pytest.approx(2 / 5)
    assert (own.event_kpi.value, own.event_kpi.n) == (pytest.approx(1 / 5), 5)
    assert own.limit_signs_before.value == pytest.approx(1 / 5)  # at 10; 50 is sure before in its twin alone
    assert (own.duplicates.value, own.duplicates.n) == (pytest.approx(1 / 5), 5)
    assert (own.false_per_hour.value, metrics.false) == (pytest.approx(4.0), 2)
    assert (own.false_sure_per_hour.value, metrics.false_sure) == (pytest.approx(2.0), 1)
    # Answers 0.5 s before, 3 s and 1 s after; of three sorted values the 95th percentile is 1 + 0.9 * 2.
    assert own.answer_s_median.value == pytest.approx(1.0)
    assert own.answer_s_p95.value == pytest.approx(2.8)
    # At 10 m a second: 5 m before, 30 m and 10 m behind.
    assert own.confirmed_m_median.value == pytest.approx(-10.0)


def test_plates_count_of_signs_that_have_any(event: Make) -> None:
    plates = read_plates("school-days")
    true = [event("speed-40", 10, plates=plates), event("speed-40", 30, plates=plates), event("stop", 50)]
    found = [true[0], event("speed-40", 30), true[2]]
    own = measured(true=true, found=found, length_s=60.0).all
    assert (own.plates_right.value, own.plates_right.n) == (0.5, 2)


def test_signs_for_others_that_were_taken_as_ours_are_counted(event: Make) -> None:
    true = [event("speed-60", 10, counts=False), event("speed-60", 30, counts=False)]
    found = [event("speed-60", 10), event("speed-60", 30, counts=False)]
    metrics = measured(true=true, found=found, length_s=60.0)
    assert (metrics.not_ours, metrics.asked, metrics.false) == (1, 0, 0)
    assert metrics.all.event_kpi.value is None


def test_parts_are_told_apart(event: Make) -> None:
    stretches = [
        Stretch(from_s=0, to_s=50, speed_kmh=36, light="day", road="built-up"),
        Stretch(from_s=50, to_s=100, speed_kmh=108, light="night", road="motorway"),
    ]
    true = [event("speed-60", 20), event("stop", 80)]
    said = rows((0, 50, 60), (50, 60, None), (60, 100, 60))
    metrics = measured(
        rows((0, 100, 60)), said, true=true, found=true[:1], length_s=100.0, stretches=stretches
    )
    assert {word: own.distance_kpi.value for word, own in metrics.by["light"].items()} == {
        "day": 1.0,
        "night": pytest.approx(0.8),
    }
    assert {word: own.event_kpi.value for word, own in metrics.by["kind"].items()} == {
        "speed": 1.0,
        "stop": 0.0,
    }
    assert set(metrics.by["speed"]) == {"below 50 km/h", "100 km/h and up"}
    assert set(metrics.by["weather"]) == {"not told"}
    assert metrics.by["kind"]["stop"].distance_kpi.value is None
    # 500 m and 0.8 of 1500 m of 2000 m; 90 % are asked of all, 80 % of each road.
    assert metrics.all.distance_kpi.value == pytest.approx(0.85)
    assert [(one.name, one.at_least, one.met) for one in metrics.isa] == [
        ("distance, all", 0.9, False),
        ("distance, built-up", 0.8, True),
        ("distance, motorway", 0.8, True),
    ]


def test_intervals_are_over_drives_where_there_are_enough() -> None:
    def drive(i: int) -> DrivenDrive:
        said = rows((0, i + 1, 60), (i + 1, 10, None))
        return driven(rows((0, 10, 60)), said, name=f"d{i}")

    few, many = (measure_drives([drive(i) for i in range(n)], repetitions=200) for n in (4, 8))
    assert (few.interval_over, many.interval_over) == ("stretches of 1 km", "drives")
    value, ends = many.all.distance_kpi.value, many.all.distance_kpi.ci95
    assert value == pytest.approx(0.45)
    assert ends is not None
    assert 0.1 < ends[0] < 0.45 < ends[1] < 0.8
    untold = measure_drives([driven(rows((0, 10, 60)), rows((0, 10, 60)), kmh=None)])
    assert untold.interval_over == "stretches of 60 s"


def test_stretches_of_a_kilometre_are_the_units_of_one_drive() -> None:
    # 5 km, each kilometre all right or all wrong: no interval could be had from the one drive.
    parts = [(i * 100.0, (i + 1) * 100.0, 60 if i % 2 else 50) for i in range(5)]
    found = measured(rows((0, 500, 60)), rows(*parts), length_s=500.0)
    assert found.all.distance_kpi.value == pytest.approx(0.4)
    ends = found.all.distance_kpi.ci95
    assert ends is not None
    assert ends[0] < 0.4 < ends[1]


def test_what_is_perfect_gets_an_interval_by_the_number_of_units() -> None:
    one = measured(rows((0, 500, 60)), rows((0, 500, 60)), length_s=500.0)
    assert one.all.distance_kpi.ci95 == (
        pytest.approx(1 / (1 + 1.96**2 / 5), abs=1e-3),
        1.0,
    )  # Wilson, 5 of 5
    # Garwood: none in 5 km is at most 3.69 / 0.05 in 100 km.
    assert one.all.dangerous_per_100_km.ci95 == (0.0, pytest.approx(3.689 / 0.05, rel=1e-3))


def test_truth_against_itself_is_perfect_and_a_shifted_copy_is_not(
    drive_folder: Callable[..., Path],
) -> None:
    truth = read_truth(drive_folder())
    sure = tuple(replace(event, confirmed_s=event.passed_s) for event in truth.events)
    own = measure_drives([DrivenDrive(truth=truth, events=sure, limits=truth.limits)])
    assert (own.all.event_kpi.value, own.all.distance_kpi.value, own.all.time_kpi.value) == (1.0, 1.0, 1.0)
    assert (own.false, own.again, own.dangerous) == (0, 0, 0)
    assert all(one.met for one in own.isa)
    late = tuple(
        replace(event, passed_s=event.passed_s + 5, confirmed_s=event.passed_s + 5) for event in sure
    )
    moved = rows((0, 15, None), (15, 45, 60), (45, 110, 80))
    shifted = measure_drives([DrivenDrive(truth=truth, events=late, limits=moved)])
    assert (shifted.all.event_kpi.value, shifted.false) == (0.0, 2)
    # 5 s at 60 km/h twice, 167 m, of 100 s with a known limit: 833 m and 1250 m.
    assert shifted.all.distance_kpi.value == pytest.approx(1 - 10 / 3.6 * 60 / (50 / 3.6 * 60 + 1250))


def test_metrics_are_plain_json_with_n_and_interval(event: Make) -> None:
    tree = measured(rows((0, 10, 60)), rows((0, 10, 60)), true=[event("stop", 5)]).to_dict()
    plain = json.loads(json.dumps(tree, allow_nan=False))
    assert (plain["task"], plain["distance_kpi"], plain["distance_kpi_n"]) == ("drive", 1.0, 100)
    assert len(plain["distance_kpi_ci95"]) == 2
    assert plain["by"]["road"]["not told"]["distance_kpi"] == 1.0
    assert plain["isa"][0] == {"name": "distance, all", "value": 1.0, "at_least": 0.9, "met": True}


def test_no_drives_are_refused() -> None:
    with pytest.raises(DataError, match="no drives"):
        measure_drives([])


def test_speeds_fall_into_their_bands() -> None:
    from roadworthy.drive.kpi.pieces import band_of

    assert [band_of(kmh) for kmh in (0.0, 50.0, 99.9, 110.0, np.nan)] == [
        "below 50 km/h",
        "50 to 80 km/h",
        "80 to 100 km/h",
        "100 km/h and up",
        "not told",
    ]
