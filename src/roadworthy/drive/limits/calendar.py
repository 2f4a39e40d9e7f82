"""School days and public holidays by state, and what the clock says there.

School days are from the package holidays, which has them from 2026 on and for some years ahead.  A state and
year that it does not have is unknown, never without school.  Users add days of their own from a table.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from roadworthy.core.errors import ConfigError, DataError
from roadworthy.core.extras import require
from roadworthy.core.words import visible
from roadworthy.data.tables import read_table, require_columns

STATES = ("ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA")
_KINDS = {"school": True, "no-school": False}
_DOUBTS = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, kw_only=True)
class SchoolDay:
    """Whether a day is a school day: True, False, or None where nobody knows; and why."""

    school: bool | None
    why: str


@dataclass(frozen=True, kw_only=True)
class SchoolCalendar:
    """The school days of a state, and a user's own days, which come first.

    state: one of STATES, or None where only the user's own days are known.  own: by date whether it is one.
    Raises ConfigError for a state that does not exist.
    """

    state: str | None
    own: Mapping[date, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.state is not None and self.state not in STATES:
            raise ConfigError(f"no school calendar {self.state!r}; there are {', '.join(STATES)}")

    def day(self, on: date) -> SchoolDay:
        """Whether a local date is a school day.

        Saturdays and Sundays are none.  Public holidays are none, those of a part of the state unknown.
        Days within the terms on which schools are closed to pupils count: most states' zones hold then.
        """
        if on in self.own:
            return SchoolDay(school=self.own[on], why="a day of the user's own")
        if on.weekday() >= 5:
            return SchoolDay(school=False, why="a weekend")
        if self.state is None:
            return SchoolDay(school=None, why="no calendar of school days here")
        doubt = _doubt(self.state, on)
        if doubt:
            return SchoolDay(school=None, why=doubt)
        return _by_package(self.state, on)


def public_holiday(state: str, on: date) -> str | None:
    """The name of the public holiday that a state has on a date; None where it has none."""
    return _holidays(state, on.year, "public").get(on)


def has_school_days(state: str, year: int) -> bool:
    """Whether the whole year's school days are known.

    A last year that ends with the holidays of its January is not: its 31 December is missing.
    """
    return date(year, 12, 31) in _holidays(state, year, "school")


def read_own_days(path: Path) -> dict[date, bool]:
    """A user's own days from a table with the columns date (2026-04-20) and kind (school or no-school).

    Raises DataError, naming the line, for what is neither, and for a date that is there twice with both.
    """
    has, rows = read_table(path)
    require_columns(path, has, "date", "kind")
    days: dict[date, bool] = {}
    for row in rows:
        day, kind = row.text("date"), row.text("kind")
        try:
            on = date.fromisoformat(day)
        except ValueError:
            raise row.fail(f"the date is {visible(day)!r}; write it like 2026-04-20") from None
        if kind not in _KINDS:
            raise row.fail(f"the kind is {visible(kind)!r}; it must be school or no-school")
        if days.setdefault(on, _KINDS[kind]) != _KINDS[kind]:
            raise row.fail(f"{on} is there twice, as school and as no-school")
    return days


def zone_named(name: str) -> ZoneInfo:
    """A time zone of the IANA data base.  Raises ConfigError for one that it does not have."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"no time zone {visible(name)!r}; names are like Australia/Sydney (where the system has none: "
            "pip install tzdata)"
        ) from None


def local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clock says there, daylight saving included.

    A moment without a zone of its own is what that clock said already, the first time where it said it twice.
    """
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _by_package(state: str, on: date) -> SchoolDay:
    holiday = public_holiday(state, on)
    if holiday:
        return SchoolDay(school=False, why=holiday)
    holiday = _holidays(state, on.year, "school").get(on)
    if holiday:
        return SchoolDay(school=False, why=holiday)
    if not has_school_days(state, on.year):
        return SchoolDay(school=None, why=f"no school days known of {state} in {on.year}")
    return SchoolDay(school=True, why="a day of a term")


def _doubt(state: str, on: date) -> str | None:
    """Why nobody can say for the whole state; None where one can."""
    doubts = _doubts()
    holiday, day_before = public_holiday(state, on), public_holiday(state, on - timedelta(1))
    if holiday in doubts.local_holidays.get(state, ()):
        return f"{holiday}, a holiday in a part of the state"
    if day_before in doubts.days_after.get(state, ()):
        return f"the day after {day_before}, on which most schools are closed"
    return doubts.dates.get((state, on))


@dataclass(frozen=True, kw_only=True)
class _Doubts:
    local_holidays: Mapping[str, list[str]]
    days_after: Mapping[str, list[str]]
    dates: Mapping[tuple[str, date], str]


@cache
def _doubts() -> _Doubts:
    tables = tomllib.loads(_DOUBTS.read_text(encoding="utf-8"))
    return _Doubts(
        local_holidays=tables["local_holidays"],
        days_after=tables["days_after"],
        dates={
            (entry["state"], date.fromisoformat(day)): entry["why"]
            for entry in tables["doubtful"]
            for day in entry["dates"]
        },
    )


@cache
def _holidays(state: str, year: int, category: str) -> Mapping[date, str]:
    """Of one state, year and category by date; empty where the package has none (it raises nothing then)."""
    require("school days", "drive", modules=("holidays",))
    import holidays

    try:
        # English by name: the package follows the system's language otherwise.
        found = holidays.country_holidays(
            "AU", subdiv=state, years=year, categories=(category,), expand=False, language="en_AU"
        )
    except NotImplementedError as error:
        raise DataError(f"the package holidays knows no {category} holidays of {state}: {error}") from error
    return dict(found.items())
