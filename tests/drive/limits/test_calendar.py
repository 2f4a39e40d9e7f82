from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError, DataError
from roadworthy.drive.limits.calendar import (
    STATES,
    SchoolCalendar,
    has_school_days,
    local_time,
    public_holiday,
    read_own_days,
    zone_named,
)


@pytest.mark.parametrize("state", STATES)
def test_a_year_without_data_is_unknown_on_every_day_that_could_be_a_school_day(state: str) -> None:
    assert has_school_days(state, 2026)
    assert not has_school_days(state, 2025)
    calendar = SchoolCalendar(state=state)
    for day in range(365):
        on = date(2025, 1, 1) + timedelta(day)
        closed = on.weekday() >= 5 or public_holiday(state, on) is not None
        assert calendar.day(on).school is not True
        assert closed or calendar.day(on).school is None


def test_a_last_year_that_breaks_off_in_january_is_unknown() -> None:
    # holidays 0.109 ends New South Wales with the summer holidays of 2030 and 2031.
    assert not has_school_days("NSW", 2031)
    assert SchoolCalendar(state="NSW").day(date(2031, 5, 13)).school is None
    assert SchoolCalendar(state="NSW").day(date(2031, 1, 8)).school is False


def test_own_days_come_first(tmp_path: Path) -> None:
    table = tmp_path / "days.csv"
    table.write_text("date,kind\n2026-05-12,no-school\n2025-05-13,school\n")
    calendar = SchoolCalendar(state="VIC", own=read_own_days(table))
    assert calendar.day(date(2026, 5, 12)).school is False
    assert calendar.day(date(2025, 5, 13)).school is True
    assert calendar.day(date(2025, 5, 14)).school is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("12.5.2026,school", "line 2: the date is '12.5.2026'"),
        ("2026-05-12,holiday", "line 2: the kind is 'holiday'"),
        ("2026-05-12,school\n2026-05-12,no-school", "line 3: 2026-05-12 is there twice"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, row: str, reason: str) -> None:
    (tmp_path / "days.csv").write_text(f"date,kind\n{row}\n")
    with pytest.raises(DataError, match=reason):
        read_own_days(tmp_path / "days.csv")


def test_without_a_state_only_weekends_are_known() -> None:
    assert SchoolCalendar(state=None).day(date(2026, 5, 12)).school is None
    assert SchoolCalendar(state=None).day(date(2026, 5, 16)).school is False
    with pytest.raises(ConfigError, match="no school calendar 'Bavaria'"):
        SchoolCalendar(state="Bavaria")


@pytest.mark.parametrize(
    ("zone", "january", "july"),
    [
        ("Australia/Melbourne", 11, 10),
        ("Australia/Brisbane", 10, 10),
        ("Australia/Darwin", 9.5, 9.5),
        ("Australia/Adelaide", 10.5, 9.5),
        ("Australia/Perth", 8, 8),
        ("Pacific/Auckland", 13, 12),
    ],
)
def test_daylight_saving(zone: str, january: float, july: float) -> None:
    for month, hours in ((1, january), (7, july)):
        offset = local_time(datetime(2026, month, 15, tzinfo=UTC), zone_named(zone)).utcoffset()
        assert offset == timedelta(hours=hours)
