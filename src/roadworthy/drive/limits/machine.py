"""Which limit holds at every second of a drive: the signs passed, in order, under the rules of a region.

What the camera saw comes first, then a user's corrections, then a map, then the region's defaults.
Where none of them knows, the answer is unknown.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from itertools import pairwise
from pathlib import Path

from roadworthy.core.errors import DataError
from roadworthy.core.files import write_text
from roadworthy.core.words import csv_cell
from roadworthy.drive.limits.calendar import SchoolCalendar, zone_named
from roadworthy.drive.limits.conditions import (
    Clock,
    Motion,
    Surroundings,
    conditions_of,
    ends_s,
    hold,
    in_words,
    is_unread,
)
from roadworthy.drive.limits.events import Plate, SignEvent
from roadworthy.drive.limits.regions import Region

TOGETHER_S = 0.5  # signs passed so close to each other stand at one place: on both sides, or on one pole
COLUMNS = ("from_s", "to_s", "limit", "state", "event", "condition")
_ENDS = {"end-speed", "end-all-limits", "end-school-zone", "end-road-works"}
_WITHOUT_TRACK_S = 30.0  # after a track's end, in which nothing more is made of that it has ended
_NOT_CONDITIONS = {"arrow"}  # says for whom, not when


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What a user says that holds from a second on, until a sign passed later says otherwise.

    limit: km/h, or None for unknown.  event: the name that limits.csv gives it.
    """

    at_s: float
    limit: int | None
    event: str = "correction"


@dataclass(frozen=True, kw_only=True)
class MapLimit:
    """What a map says of a part of the drive, for where nobody else knows.

    limit: km/h.  event: the name that limits.csv gives it, like `map:way/42`.
    """

    from_s: float
    to_s: float
    limit: int
    event: str = "map"


@dataclass(frozen=True, kw_only=True)
class LimitRow:
    """What holds from `from_s` up to `to_s`, which it leaves out: a row of limits.csv.

    limit: km/h, or None where there is none or where it is not known.
    state: `limit` (a sign's), `conditional` (depends on what nobody could tell), `conditional, unread`,
    `default` (the region's), `unlimited`, `corrected`, `map` or `unknown`.
    event: the sign that justifies it; empty only for `unknown` and `default`.
    condition: what it depends on, or why it is not known, in words.
    """

    from_s: float
    to_s: float
    limit: int | None
    state: str
    event: str = ""
    condition: str = ""


@dataclass(frozen=True, kw_only=True)
class _Held:
    """What one sign, or the lack of signs, says."""

    state: str  # limit, default, corrected or unknown
    since_s: float
    limit: int | None = None
    event: str = ""
    zone: str | None = None
    plates: tuple[Plate, ...] = ()
    why: str = ""
    setting: str | None = None  # whose default holds, where that does not follow from where the car is
    in_works: bool = False


@dataclass(frozen=True, kw_only=True)
class _Road:
    """What holds along the road (`base`), and what lies over it: zones, and signs with conditions."""

    base: _Held
    over: tuple[_Held, ...] = ()
    works: bool = False

    def without(self, *zones: str | None) -> tuple[_Held, ...]:
        return tuple(held for held in self.over if held.zone not in zones)


def limits_over_time(
    events: Iterable[SignEvent],
    region: Region,
    duration_s: float,
    *,
    start: datetime | None = None,
    time_zone: str | None = None,
    calendar: SchoolCalendar | None = None,
    motion: Motion | None = None,
    corrections: Iterable[Correction] = (),
    map_limits: Iterable[MapLimit] = (),
) -> tuple[LimitRow, ...]:
    """The rows of limits.csv: what holds from 0 to `duration_s`, without gaps.

    events: in any order; those that do not count are passed over.  start: the moment of the first frame;
    without a zone of its own it is the local clock's.  time_zone: instead of the region's (Broken Hill).
    calendar: instead of the region's school days without a user's own.
    Raises DataError for a film without length and for events that share a name.
    """
    if not (math.isfinite(duration_s) and duration_s > 0):
        raise DataError(f"the film lasts {duration_s} s; limits need a film longer than 0 s")
    events = _checked(events)
    zone = time_zone or region.time_zone
    around = Surroundings(
        clock=Clock(start=start, zone=None if zone is None else zone_named(zone)),
        calendar=calendar or SchoolCalendar(state=region.school.days),
        motion=motion or Motion(),
    )
    roads = _roads(events, region, around.motion, corrections)
    drive = _Drive(region=region, around=around, map_limits=tuple(map_limits))
    return _merged(_rows(roads, drive, duration_s))


def limits_csv(rows: Iterable[LimitRow]) -> str:
    """The text of limits.csv: seconds with milliseconds, an empty cell for no limit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        limit = "" if row.limit is None else row.limit
        seconds = (f"{row.from_s:.3f}", f"{row.to_s:.3f}")
        writer.writerow((*seconds, limit, row.state, csv_cell(row.event), csv_cell(row.condition)))
    return text.getvalue()


def write_limits(rows: Iterable[LimitRow], path: Path) -> None:
    """Write limits.csv, whole or not at all."""
    write_text(limits_csv(rows), path)


def _checked(events: Iterable[SignEvent]) -> list[SignEvent]:
    events = list(events)
    names = Counter(event.event for event in events)
    doubled = next((name for name, times in names.items() if times > 1), None)
    if doubled is not None:
        raise DataError(f"event {doubled} is there twice; each sign needs a name of its own")
    return [event for event in events if event.counts and not _for_trucks(event)]


def _for_trucks(event: SignEvent) -> bool:
    return any(plate.kind == "trucks" for plate in event.plates)


# From signs to what holds along the road


def _roads(
    events: Sequence[SignEvent], region: Region, motion: Motion, corrections: Iterable[Correction]
) -> list[tuple[float, _Road]]:
    """(second, what holds from there on), in order of time."""
    road = _Road(base=_Held(state="default", since_s=-math.inf))
    steps = [
        *((group[0].passed_s, 1, group) for group in _places(events)),
        *((at_s, 0, "turn") for at_s in motion.turns),
        *((at_s, 0, "setting") for at_s, _ in motion.settings if region.new_setting_ends_limit),
        *((correction.at_s, 2, correction) for correction in corrections),
    ]
    roads = [(-math.inf, road)]
    for at_s, _, step in sorted(steps, key=lambda step: step[:2]):
        if isinstance(step, Correction):
            road = _corrected(road, step)
        elif step == "turn":
            road = _turned(road, at_s, region)
        elif step == "setting":
            road = _Road(base=_Held(state="default", since_s=at_s), works=road.works)
        elif isinstance(step, list):
            road = _passed(road, step, region)
        roads.append((at_s, road))
    return roads


def _places(events: Sequence[SignEvent]) -> Iterator[list[SignEvent]]:
    """The signs that stand at one place, each place's in the order in which they act."""
    place: list[SignEvent] = []
    for event in sorted(events, key=lambda event: (event.passed_s, event.event)):
        if place and event.passed_s - place[0].passed_s > TOGETHER_S:
            yield place
            place = []
        place.append(event)
    if place:
        yield place


def _passed(road: _Road, place: list[SignEvent], region: Region) -> _Road:
    """What holds behind a place: what ends there, then what begins, zones over the road's limit."""
    at_s = place[0].passed_s
    if any(event.kind == "road-works" for event in place):
        road = replace(road, works=True)
    unsure = [event for event in place if not event.accepted and _tells(event, road)]
    sure = sorted((event for event in place if event.accepted), key=lambda event: event.event)
    for event in sure:
        if event.kind in _ENDS:
            road = _ended(road, event, at_s, region)
    plain, zoned, conditional = _kinds_of_limits(sure, region)
    road = _with_limit(road, plain, at_s)
    for event in zoned:
        road = _with_zone(road, event, at_s, region)
    if conditional:
        held = tuple(_held(event, at_s, region) for event in conditional)
        road = replace(road, over=(*road.without(None), *held))
    if unsure and not plain:
        seen = ", ".join(sorted({event.sign for event in unsure}))
        base = _Held(
            state="unknown", since_s=at_s, event=_best(unsure).event, why=f"perhaps {seen}, not sure"
        )
        road = replace(road, base=base, over=())
    return road


def _kinds_of_limits(
    events: Sequence[SignEvent], region: Region
) -> tuple[list[SignEvent], list[SignEvent], list[SignEvent]]:
    """Limits without conditions, those of zones, and those with conditions."""
    limits = [event for event in events if event.kind == "speed"]
    zoned = [event for event in limits if event.zone in ("school", "area", "shared", "work")]
    rest = [event for event in limits if event not in zoned]
    plain = [event for event in rest if not _held(event, 0.0, region).plates]
    return plain, zoned, [event for event in rest if event not in plain]


def _held(event: SignEvent, at_s: float, region: Region) -> _Held:
    plates = [plate for plate in event.plates if plate.kind not in _NOT_CONDITIONS]
    return _Held(
        state="limit",
        since_s=at_s,
        limit=event.value,
        event=event.event,
        zone=None if event.zone == "rain" else event.zone,
        plates=conditions_of(plates, event.zone, region.school),
    )


def _tells(event: SignEvent, road: _Road) -> bool:
    """Whether a sign that is not sure would change anything if it were."""
    if event.kind not in _ENDS | {"speed"}:
        return False
    same = event.kind == "speed" and event.value == road.base.limit and road.base.state == "limit"
    return not (same and not road.over and not event.plates and event.zone is None)


def _with_limit(road: _Road, plain: Sequence[SignEvent], at_s: float) -> _Road:
    if not plain:
        return road
    values = sorted({event.value for event in plain if event.value is not None})
    best = _best(plain)
    if len(values) > 1:
        both = " and ".join(map(str, values))
        base = _Held(state="unknown", since_s=at_s, event=best.event, why=f"{both} at the same place")
        return replace(road, base=base, over=())
    base = _Held(state="limit", since_s=at_s, limit=values[0], event=best.event, in_works=road.works)
    # A school zone ends at a different number only.  Source: Australian Road Rules, rule 23 (2).
    kept = tuple(held for held in road.over if held.zone == "school" and held.limit == values[0])
    return replace(road, base=base, over=kept)


def _with_zone(road: _Road, event: SignEvent, at_s: float, region: Region) -> _Road:
    held = _held(event, at_s, region)
    # An area within an area takes its place; a school zone or road works may lie in an area.
    gone = (None, "area", "shared", "work") if held.zone in ("area", "shared") else (None, held.zone)
    return replace(road, over=(*road.without(*gone), held))


def _best(events: Sequence[SignEvent]) -> SignEvent:
    return min(events, key=lambda event: (-event.confidence, event.event))


def _ended(road: _Road, event: SignEvent, at_s: float, region: Region) -> _Road:
    """What holds behind an end sign."""
    if event.kind == "end-school-zone":
        return _after(road, region.ends["school"], event, at_s, over=road.without("school"))
    if event.kind == "end-road-works":
        ended = road.base.in_works or any(held.zone == "work" for held in road.over)
        road = replace(road, works=False)
        return _after(road, region.ends["work"], event, at_s, over=road.without("work")) if ended else road
    if event.kind == "end-all-limits":
        return _after(road, region.ends["all"], event, at_s)
    ended_zone = event.zone or _zone_with(road, event.value)
    if ended_zone in ("area", "shared", "school", "work"):
        return _after(road, region.ends[ended_zone], event, at_s, over=road.without(None, ended_zone))
    posted = [held.limit for held in (road.base, *road.over) if held.state == "limit"]
    if posted and event.value is not None and event.value not in posted:
        why = f"the end of {event.value} where {posted[-1]} was posted"
        return _Road(base=_Held(state="unknown", since_s=at_s, event=event.event, why=why), works=road.works)
    return _after(road, region.ends["speed"], event, at_s)


def _zone_with(road: _Road, value: int | None) -> str | None:
    zones = (held.zone for held in reversed(road.over) if held.limit == value)
    return next((zone for zone in zones if zone in ("area", "shared")), None)


def _after(road: _Road, rule: str, event: SignEvent, at_s: float, *, over: tuple[_Held, ...] = ()) -> _Road:
    if rule == "before":
        return replace(road, over=over)
    if rule == "unknown":
        base = _Held(state="unknown", since_s=at_s, event=event.event, why=f"behind {event.sign}")
    else:
        setting = None if rule == "default" else rule
        base = _Held(state="default", since_s=at_s, event=event.event, setting=setting)
    return replace(road, base=base, over=over)


def _corrected(road: _Road, correction: Correction) -> _Road:
    state = "unknown" if correction.limit is None else "corrected"
    base = _Held(
        state=state,
        since_s=correction.at_s,
        limit=correction.limit,
        event=correction.event,
        why="corrected to unknown" if correction.limit is None else "",
    )
    return replace(road, base=base, over=())


def _turned(road: _Road, at_s: float, region: Region) -> _Road:
    base = road.base
    if region.turns["limit"] == "unknown":
        base = _Held(state="unknown", since_s=at_s, why="after a turn")
    over = tuple(held for held in road.over if held.zone and region.turns[held.zone] == "holds")
    return _Road(base=base, over=over)


# From what holds along the road to rows


@dataclass(frozen=True, kw_only=True)
class _Drive:
    region: Region
    around: Surroundings
    map_limits: tuple[MapLimit, ...]

    def expires_s(self, held: _Held) -> float:
        """From when on a sign was passed so long ago that its end or the next may have been missed."""
        rules, motion = self.region.repeaters, self.around.motion
        school = held.zone == "school"
        after_m, after_s = (
            (rules.school_after_m, rules.school_after_s) if school else (rules.after_m, rules.after_s)
        )
        passed_m = motion.metres_at(held.since_s)
        if passed_m is None or motion.metres_at(motion.travelled[-1][0]) is None:
            return held.since_s + after_s
        reached = motion.when_at(passed_m + after_m)
        if reached is not None:
            return reached
        # Where the track has ended, time tells again.
        return max(motion.travelled[-1][0] + _WITHOUT_TRACK_S, held.since_s + after_s)

    def row(self, road: _Road, from_s: float, to_s: float) -> LimitRow:
        """What holds in a part of the drive in which nothing changes."""
        row = LimitRow(from_s=from_s, to_s=to_s, limit=None, state="unknown")
        row = self._with_map(self._of_base(road.base, row))
        for held in road.over:
            row = self._over(held, row)
        return row

    def _of_base(self, held: _Held, row: LimitRow) -> LimitRow:
        if held.state in ("limit", "corrected") and row.from_s >= self.expires_s(held):
            return replace(row, event=held.event, condition="no sign for a long way")
        if held.state in ("limit", "corrected"):
            return replace(row, limit=held.limit, state=held.state, event=held.event)
        if held.state == "unknown":
            return replace(row, event=held.event, condition=held.why)
        return self._default(held, row)

    def _default(self, held: _Held, row: LimitRow) -> LimitRow:
        setting = held.setting or self.around.motion.setting_at(row.from_s)
        if setting is None:
            why = "no sign yet" if not held.event else "the default, built-up or not is not known"
            return replace(row, event=held.event, condition=why)
        if setting not in self.region.defaults:
            return replace(row, event=held.event, condition=f"no default known ({setting})")
        limit = self.region.defaults[setting]
        state = "default" if limit is not None else "unlimited"
        if state == "unlimited" and not held.event:
            return replace(row, condition=f"no sign yet ({setting})")
        return replace(row, limit=limit, state=state, event=held.event, condition=setting)

    def _with_map(self, row: LimitRow) -> LimitRow:
        if row.state not in ("unknown", "default"):
            return row
        for part in self.map_limits:
            if part.from_s <= row.from_s < part.to_s:
                return replace(row, limit=part.limit, state="map", event=part.event, condition="")
        return row

    def _over(self, held: _Held, under: LimitRow) -> LimitRow:
        holds = hold(held.plates, held.since_s, under.from_s, self.around)
        if holds is False or (holds is None and under.limit == held.limit):
            return under
        if under.from_s >= self.expires_s(held):
            why = "no end sign for a long way"
            return replace(under, limit=None, state="unknown", event=held.event, condition=why)
        words = in_words(held.plates, held.since_s, under.from_s, self.around)
        if holds:
            return replace(under, limit=held.limit, state="limit", event=held.event, condition=words)
        state = "conditional, unread" if is_unread(held.plates) else "conditional"
        otherwise = under.state if under.limit is None else str(under.limit)
        return replace(
            under,
            limit=None,
            state=state,
            event=held.event,
            condition=f"{held.limit} {words}, else {otherwise}",
        )


def _rows(roads: Sequence[tuple[float, _Road]], drive: _Drive, duration_s: float) -> Iterator[LimitRow]:
    cuts = {0.0, duration_s, *(s for s in _cuts(roads, drive, duration_s) if 0 < s < duration_s)}
    passed = 0
    for from_s, to_s in pairwise(sorted(cuts)):
        while passed + 1 < len(roads) and roads[passed + 1][0] <= from_s:
            passed += 1
        yield drive.row(roads[passed][1], from_s, to_s)


def _cuts(roads: Sequence[tuple[float, _Road]], drive: _Drive, duration_s: float) -> Iterator[float]:
    """Every second at which something may change."""
    motion, clocks = drive.around.motion, {time(0)}
    for at_s, road in roads:
        yield at_s
        for held in (road.base, *road.over):
            yield drive.expires_s(held)
            yield from ends_s(held.plates, held.since_s, motion)
            hours = [hours for plate in held.plates for hours in plate.hours]
            clocks |= {clock for part in hours for clock in (part.start, part.end)}
    for part in drive.map_limits:
        yield from (part.from_s, part.to_s)
    yield from (at_s for at_s, _ in motion.settings)
    yield from drive.around.clock.seconds_of(clocks, duration_s)


def _merged(rows: Iterable[LimitRow]) -> tuple[LimitRow, ...]:
    merged: list[LimitRow] = []
    for row in rows:
        if merged and replace(merged[-1], from_s=row.from_s, to_s=row.to_s) == row:
            merged[-1] = replace(merged[-1], to_s=row.to_s)
        else:
            merged.append(row)
    return tuple(merged)
