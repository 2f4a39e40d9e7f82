from __future__ import annotations

import csv
import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.core.errors import ConfigError, DataError
from roadworthy.drive.limits.conditions import Motion
from roadworthy.drive.limits.events import SignEvent, read_plates
from roadworthy.drive.limits.machine import (
    Correction,
    LimitRow,
    MapLimit,
    limits_csv,
    limits_over_time,
    write_limits,
)
from roadworthy.drive.limits.regions import region_named

CASES = list(csv.DictReader((Path(__file__).parent / "school_zones.csv").open(encoding="utf-8")))
VIC = region_named("au-vic")
STILL = [(0.0, 0.0), (9000.0, 1.0)]  # a car that stands: nothing is forgotten


def sign(name: str, at_s: float, *, event: str = "", plates: str = "", **more: object) -> SignEvent:
    return SignEvent(
        event=event or f"{name}@{at_s:g}",
        sign=name,
        passed_s=at_s,
        plates=read_plates(plates),
        **more,  # type: ignore[arg-type]
    )


def short(rows: tuple[LimitRow, ...]) -> list[tuple[float, float, int | None, str]]:
    return [(row.from_s, row.to_s, row.limit, row.state) for row in rows]


def test_the_table_has_sixty_cases_of_all_states() -> None:
    assert len(CASES) >= 60
    assert {case["region"] for case in CASES} == {
        f"au-{state}" for state in ("act", "nsw", "nt", "qld", "sa", "tas", "vic", "wa")
    }


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['region']} {c['local']} {c['plates']}")
def test_a_dated_case(case: dict[str, str]) -> None:
    events = [sign("speed-60", -2), sign(case["sign"], -1, zone="school", plates=case["plates"])]
    start = datetime.fromisoformat(case["local"])
    row = limits_over_time(events, region_named(case["region"]), 0.5, start=start)[0]
    assert ("unknown" if row.limit is None else str(row.limit)) == case["expected"], case["source"]


def test_a_drive_by_hand() -> None:
    events = [
        sign("speed-60", 10),
        sign("speed-40", 20, zone="school"),
        sign("end-school-zone", 30),
        sign("speed-80", 40),
        sign("speed-100", 45, counts=False, why="an exit ramp"),
        sign("not-a-limit", 46),
        sign("speed-40", 50, zone="work"),
        sign("end-road-works", 60),
        sign("speed-80", 70),
    ]
    start = datetime(2026, 5, 12, 8, 30)
    rows = limits_over_time(events, VIC, 80, start=start)
    assert short(rows) == [
        (0, 10, None, "unknown"),
        (10, 20, 60, "limit"),
        (20, 30, 40, "limit"),
        (30, 40, 60, "limit"),
        (40, 50, 80, "limit"),
        (50, 60, 40, "limit"),
        (60, 70, None, "unknown"),
        (70, 80, 80, "limit"),
    ]
    assert rows[3].event == "speed-60@10"


def test_hours_begin_within_the_film_and_days_end_there() -> None:
    events = [sign("speed-60", 0), sign("speed-40", 1, zone="school")]
    utc = datetime(2026, 5, 11, 21, 59, 0, tzinfo=UTC)  # 7:59 in Melbourne
    rows = limits_over_time(events, VIC, 100, start=utc)
    assert short(rows) == [(0, 60, 60, "limit"), (60, 100, 40, "limit")]
    assert rows[1].condition == "times 08:00-09:30 14:30-16:00, on school days"
    summer = datetime(2026, 2, 9, 20, 59, 0, tzinfo=UTC)  # 7:59 in Melbourne (summer), 6:59 in Brisbane
    assert short(limits_over_time(events, VIC, 100, start=summer)) == short(rows)
    hours = [sign("speed-60", 0), sign("speed-40", 1, zone="school", plates="times 7:00-9:00")]
    assert short(limits_over_time(hours, region_named("au-qld"), 100, start=summer)) == short(rows)


def test_an_hour_that_the_clock_shows_twice() -> None:
    plate = "times 2:30-4:00"
    events = [sign("speed-80", 0), sign("speed-60", 1, plates=plate)]
    before = datetime(2026, 4, 4, 15, 20, tzinfo=UTC)  # 2:20 in Melbourne; at 3:00 it is 2:00 again
    rows = limits_over_time(
        events, region_named("au-vic"), 6000, start=before, motion=Motion(travelled=STILL)
    )
    assert short(rows)[1:] == [
        (600, 2400, 60, "limit"),
        (2400, 4200, 80, "limit"),
        (4200, 6000, 60, "limit"),
    ]


def test_what_depends_on_something_is_never_the_bare_limit() -> None:
    base = sign("speed-100", 0)
    for plates, state in (("unread", "conditional, unread"), ("rain", "conditional")):
        rows = limits_over_time([base, sign("speed-80", 10, plates=plates)], VIC, 20)
        assert (rows[-1].limit, rows[-1].state) == (None, state)
        assert rows[-1].condition.endswith("else 100")
    assert limits_over_time([base, sign("speed-80", 10, plates="rain yes")], VIC, 20)[-1].limit == 80
    assert limits_over_time([base, sign("speed-80", 10, plates="rain no")], VIC, 20)[-1].limit == 100
    assert limits_over_time([base, sign("speed-80", 10, plates="trucks")], VIC, 20)[-1].limit == 100
    wet = limits_over_time([base, sign("speed-80", 10, zone="rain")], VIC, 20)[-1]
    assert (wet.limit, wet.state) == (None, "conditional, unread")
    night = datetime(2026, 5, 12, 23)
    half_read = [base, sign("speed-40", 10, zone="school", plates="times 8:00-9:30; unread")]
    assert limits_over_time(half_read, VIC, 20, start=night)[-1].state == "conditional, unread"
    no_clock = limits_over_time([base, sign("speed-40", 10, zone="school")], VIC, 20)[-1]
    assert (no_clock.limit, no_clock.state) == (None, "conditional")
    assert "no date and time" in no_clock.condition


def test_a_length_needs_the_road_travelled() -> None:
    events = [sign("speed-80", 0), sign("speed-60", 10, plates="for 300 m")]
    assert limits_over_time(events, VIC, 60)[-1].state == "conditional"
    motion = Motion(travelled=[(0, 0), (60, 1200)])  # 20 m/s
    assert short(limits_over_time(events, VIC, 60, motion=motion)) == [
        (0, 10, 80, "limit"),
        (10, 25, 60, "limit"),
        (25, 60, 80, "limit"),
    ]


def test_turns_areas_and_ends() -> None:
    motion = Motion(turns=[20])
    assert short(limits_over_time([sign("speed-60", 0)], VIC, 30, motion=motion))[-1] == (
        20,
        30,
        None,
        "unknown",
    )
    area = [sign("speed-40", 0, zone="area"), sign("end-speed-40", 25)]
    town = Motion(turns=[20], settings=[(0, "built-up")])
    assert short(limits_over_time(area, VIC, 30, motion=town)) == [
        (0, 25, 40, "limit"),
        (25, 30, 50, "default"),
    ]
    assert limits_over_time(area, VIC, 30)[-1].state == "unknown"
    wrong = [sign("speed-60", 0), sign("end-speed-80", 5)]
    assert limits_over_time(wrong, VIC, 10, motion=town)[-1].state == "unknown"


def test_germany_and_new_zealand() -> None:
    germany, motorway = region_named("de"), Motion(settings=[(0, "motorway")])
    ends = [sign("speed-120", 0), sign("end-all-limits", 5)]
    assert limits_over_time(ends, germany, 10, motion=motorway)[-1].state == "unlimited"
    assert limits_over_time(ends, germany, 10)[-1].state == "unknown"
    zone = [sign("speed-30", 0, zone="area"), sign("end-speed-30", 5)]
    assert limits_over_time(zone, germany, 10)[-1].limit == 50
    town = Motion(settings=[(0, "open"), (5, "built-up")])
    assert limits_over_time([sign("speed-70", 0)], germany, 10, motion=town)[-1].limit == 50
    assert limits_over_time(ends, region_named("nz"), 10)[-1].limit == 100


def test_a_limit_without_a_new_sign_is_forgotten() -> None:
    rows = limits_over_time([sign("speed-60", 0)], VIC, 2000)
    assert short(rows) == [(0, 900, 60, "limit"), (900, 2000, None, "unknown")]
    repeated = [sign("speed-60", 0), sign("speed-60", 800)]
    assert limits_over_time(repeated, VIC, 1000)[-1].event == "speed-60@800"
    standing = Motion(travelled=[(0, 0), (1000, 100), (2000, 100)])
    assert limits_over_time([sign("speed-60", 0)], VIC, 2000, motion=standing)[-1].limit == 60


def test_what_is_not_sure_makes_the_limit_unknown_unless_it_changes_nothing() -> None:
    first = sign("speed-60", 0)
    assert limits_over_time([first, sign("speed-80", 5, accepted=False)], VIC, 10)[-1].state == "unknown"
    assert limits_over_time([first, sign("speed-60", 5, accepted=False)], VIC, 10)[-1].limit == 60
    two = [first, sign("speed-80", 5), sign("speed-100", 5.2)]
    assert limits_over_time(two, VIC, 10)[-1].condition == "80 and 100 at the same place"


def test_corrections_and_maps_come_behind_the_camera() -> None:
    maps = [MapLimit(from_s=0, to_s=30, limit=50, event="map:way/7")]
    corrections = [Correction(at_s=15, limit=70)]
    rows = limits_over_time([sign("speed-60", 10), sign("speed-80", 20)], VIC, 40, map_limits=maps)
    assert short(rows)[0] == (0, 10, 50, "map")
    rows = limits_over_time(
        [sign("speed-60", 10), sign("speed-80", 20)], VIC, 40, map_limits=maps, corrections=corrections
    )
    assert [(row.limit, row.event) for row in rows] == [
        (50, "map:way/7"),
        (60, "speed-60@10"),
        (70, "correction"),
        (80, "speed-80@20"),
    ]


def test_limits_csv(tmp_path: Path) -> None:
    rows = limits_over_time([sign("speed-60", 1.5)], VIC, 3)
    text = "from_s,to_s,limit,state,event,condition\n0.000,1.500,,unknown,,no sign yet\n"
    assert limits_csv(rows) == text + "1.500,3.000,60,limit,speed-60@1.5,\n"
    write_limits(rows, tmp_path / "limits.csv")
    assert (tmp_path / "limits.csv").read_text() == limits_csv(rows)


def test_bad_input_is_named() -> None:
    with pytest.raises(DataError, match="the film lasts 0 s"):
        limits_over_time([], VIC, 0)
    with pytest.raises(DataError, match="event a is there twice"):
        limits_over_time([sign("speed-60", 1, event="a"), sign("stop", 2, event="a")], VIC, 5)
    with pytest.raises(ConfigError, match="no time zone 'Mars/Base'"):
        limits_over_time([], VIC, 5, time_zone="Mars/Base")


NAMES = ["speed-40", "speed-60", "speed-100", "end-speed-60", "end-all-limits", "end-school-zone", "stop"]
PLATES = ["", "unread", "rain", "times 8:00-9:30", "for 200 m", "trucks", "school-days"]


@st.composite
def drives(draw: st.DrawFn) -> list[SignEvent]:
    times = draw(st.lists(st.integers(-10, 1200), max_size=8))
    zones = st.sampled_from([None, "school", "area", "shared", "work"])
    return [
        sign(
            draw(st.sampled_from([*NAMES, "road-works", "end-road-works"])),
            at_s / 2,
            event=f"e{index}",
            plates=draw(st.sampled_from(PLATES)),
            zone=draw(zones),
            accepted=draw(st.booleans()),
            counts=draw(st.booleans()),
        )
        for index, at_s in enumerate(times)
    ]


@settings(max_examples=60, deadline=None)
@given(drives(), st.randoms(), st.sampled_from(["au-nsw", "au-sa", "de", "nz", "default"]))
def test_rows_cover_the_film_and_each_has_its_event(events: list[SignEvent], random, region: str) -> None:
    motion = Motion(travelled=[(0, 0), (600, 9000)], turns=[300], settings=[(100, "built-up")])
    ask = {"start": datetime(2026, 5, 12, 7, 55), "motion": motion}
    rows = limits_over_time(events, region_named(region), 600, **ask)
    assert (rows[0].from_s, rows[-1].to_s) == (0, 600)
    assert all(a.to_s == b.from_s for a, b in itertools.pairwise(rows))
    assert all(row.from_s < row.to_s for row in rows)
    assert all(row.event or row.state in ("unknown", "default") for row in rows)
    counting = {event.event for event in events if event.counts}
    assert {row.event for row in rows} <= counting | {""}
    assert all(row.limit is None for row in rows if row.state.startswith(("conditional", "unknown")))
    shuffled = list(events)
    random.shuffle(shuffled)
    assert limits_over_time(shuffled, region_named(region), 600, **ask) == rows
