"""Whether the conditions on a sign's plates hold at a moment: yes, no, or nobody can tell."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from roadworthy.core.errors import DataError
from roadworthy.drive.limits.calendar import SchoolCalendar, local_time
from roadworthy.drive.limits.events import Plate
from roadworthy.drive.limits.regions import SETTINGS, SchoolZones, Setting

_SAYS_WHEN = {"days", "flashing", "children", "unread"}  # so that a school zone's usual days do not matter
_WORDS = {
    "rain": "in rain",
    "dry": "unless it rains",
    "flashing": "when lights flash",
    "children": "when children are present",
    "school-days": "on school days",
    "unread": "on a plate that was not read",
}


@dataclass(frozen=True, kw_only=True)
class Motion:
    """What is known of the car beside its film; all of it may be missing.

    travelled: (seconds of the film, metres since its start), in order of time, metres never falling.
    turns: seconds at which it turned into another road.
    settings: (seconds, `built-up`, `open`, `unsealed` or `motorway`), each from there on.
    Raises DataError where these are out of order or unknown.
    """

    travelled: Sequence[tuple[float, float]] = ()
    turns: Sequence[float] = ()
    settings: Sequence[tuple[float, Setting]] = ()

    def __post_init__(self) -> None:
        pairs = list(zip(self.travelled, self.travelled[1:], strict=False))
        if not all(a[0] < b[0] and a[1] <= b[1] for a, b in pairs):
            raise DataError("metres travelled must be in order of time and never fall")
        for at_s, setting in self.settings:
            if setting not in SETTINGS:
                raise DataError(f"setting {setting!r} at {at_s:g} s is none of {', '.join(SETTINGS)}")

    def setting_at(self, at_s: float) -> Setting | None:
        """What kind of road it is on; None where nobody knows."""
        return next(
            (setting for since, setting in sorted(self.settings, reverse=True) if since <= at_s), None
        )

    def metres_at(self, at_s: float) -> float | None:
        """How far it has come; None outside of what is known."""
        return _between(self.travelled, at_s)

    def when_at(self, metres: float) -> float | None:
        """The first second at which it has come so far; None where it never does while that is known."""
        after = bisect_left(self.travelled, metres, key=lambda pair: pair[1])
        if after == len(self.travelled) or metres < self.travelled[0][1]:
            return None
        return _between([(m, s) for s, m in self.travelled[max(0, after - 1) : after + 1]], metres)


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The local clock along a film.

    start: the moment of its first frame, or None where nobody knows; without a time zone of its own it is the
    local clock's.  zone: the region's, or None, then a start with a zone keeps that.
    """

    start: datetime | None
    zone: ZoneInfo | None

    def at(self, at_s: float) -> datetime | None:
        """What the clock says at a second of the film; None where nobody knows."""
        if self.start is None or (self.zone is None and self.start.tzinfo is None):
            return None
        start = self.start if self.zone is None else local_time(self.start, self.zone)
        # Counted in UTC: a film that runs over the end of daylight saving shows an hour twice.
        return (start.astimezone(UTC) + timedelta(seconds=at_s)).astimezone(start.tzinfo)

    def seconds_of(self, clocks: Iterable[time], until_s: float) -> Iterator[float]:
        """The seconds of the film, below `until_s`, at which the clock says one of these times."""
        first, last = self.at(0.0), self.at(until_s)
        if first is None or last is None:
            return
        # Clocks are put on or back at whole half hours of UTC; rows that stay the same are merged again.
        since = first.astimezone(UTC)
        to_half_hour_s = 1800 - (since.minute % 30 * 60 + since.second + since.microsecond / 1e6)
        yield from (to_half_hour_s + 1800 * n for n in range(int(until_s // 1800) + 1))
        for day in range((last.date() - first.date()).days + 1):
            for clock in set(clocks):
                moment = datetime.combine(first.date() + timedelta(day), clock, first.tzinfo)
                for fold in (0, 1):
                    at_s = (moment.replace(fold=fold).astimezone(UTC) - first.astimezone(UTC)).total_seconds()
                    if 0 < at_s < until_s:
                        yield at_s


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """All that conditions are judged by: the clock, the school days and the road travelled."""

    clock: Clock
    calendar: SchoolCalendar
    motion: Motion = field(default_factory=Motion)


def conditions_of(plates: Sequence[Plate], zone: str | None, school: SchoolZones) -> tuple[Plate, ...]:
    """A sign's plates, with what goes without saying where it stands.

    A school zone that does not say when it holds has the region's hours where those are the same everywhere.
    Where they are not, its plate must have said them: it counts as unread.  With hours it holds on school
    days.
    A limit for wet or for dry roads is unread until someone says which of them it is.
    """
    plates = tuple(plates)
    kinds = {plate.kind for plate in plates}
    if zone == "rain" and not kinds & {"rain", "dry"}:
        return (*plates, Plate(kind="unread"))
    if zone != "school" or kinds & _SAYS_WHEN:
        return plates
    if "times" not in kinds:
        if school.children:
            return (*plates, Plate(kind="children"))
        if not (school.hours and school.uniform):
            return (*plates, Plate(kind="unread"))
        plates = (*plates, Plate(kind="times", hours=school.hours))
    return plates if "school-days" in kinds else (*plates, Plate(kind="school-days"))


def hold(plates: Sequence[Plate], passed_s: float, at_s: float, around: Surroundings) -> bool | None:
    """Whether all conditions of a sign hold at a second; None where nobody can tell.

    passed_s: when it was passed.  A plate that was not read may say anything, so it leaves all open.
    """
    answers = [_holds(plate, passed_s, at_s, around) for plate in plates]
    if is_unread(plates):
        return None
    if False in answers:
        return False
    return None if None in answers else True


def is_unread(plates: Sequence[Plate]) -> bool:
    """Whether one of the plates was not read."""
    return any(plate.kind == "unread" for plate in plates)


def ends_s(plates: Sequence[Plate], passed_s: float, motion: Motion) -> Iterator[float]:
    """The seconds at which lengths and distances on the plates are reached, where that is known."""
    for plate in plates:
        if plate.metres is not None:
            reached = _reached_s(plate.metres, passed_s, motion)
            if reached is not None:
                yield reached


def in_words(plates: Sequence[Plate], passed_s: float, at_s: float, around: Surroundings) -> str:
    """The conditions for a person, with why they cannot be judged."""
    return ", ".join(
        f"{_WORDS.get(plate.kind, str(plate))}{_doubt(plate, passed_s, at_s, around)}" for plate in plates
    )


def _holds(plate: Plate, passed_s: float, at_s: float, around: Surroundings) -> bool | None:
    if plate.kind == "arrow":  # whether its lane is ours was judged when the event was made
        return True
    if plate.kind == "trucks":
        return False
    if plate.metres is not None:
        reached = _reached_s(plate.metres, passed_s, around.motion)
        known = reached is not None or around.motion.metres_at(at_s) is not None
        if not known or around.motion.metres_at(passed_s) is None:
            return None
        there = reached is not None and at_s >= reached
        return there if plate.kind == "ahead" else not there
    if plate.kind in ("times", "days", "school-days"):
        return _holds_by_clock(plate, around.clock.at(at_s), around.calendar)
    return plate.seen


def _holds_by_clock(plate: Plate, now: datetime | None, calendar: SchoolCalendar) -> bool | None:
    if now is None:
        return None
    if plate.kind == "times":
        return any(hours.hold_at(now.time()) for hours in plate.hours)
    if plate.kind == "days":
        return now.weekday() in plate.days
    return calendar.day(now.date()).school


def _doubt(plate: Plate, passed_s: float, at_s: float, around: Surroundings) -> str:
    if _holds(plate, passed_s, at_s, around) is not None or plate.kind == "unread":
        return ""
    if plate.metres is not None:
        return " (no position)"
    now = around.clock.at(at_s)
    if plate.kind in ("times", "days", "school-days"):
        return " (no date and time)" if now is None else f" ({around.calendar.day(now.date()).why})"
    return ""


def _reached_s(metres: float, passed_s: float, motion: Motion) -> float | None:
    passed_m = motion.metres_at(passed_s)
    return None if passed_m is None else motion.when_at(passed_m + metres)


def _between(points: Sequence[tuple[float, float]], x: float) -> float | None:
    """The value at x on the straight lines through the points; None outside of them."""
    after = bisect_right(points, x, key=lambda point: point[0])
    if after == 0 or (after == len(points) and points[-1][0] < x):
        return None
    (x0, y0), (x1, y1) = points[after - 1], points[min(after, len(points) - 1)]
    return y0 if x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)
