"""From all trails of a drive to its signs and to the limit at every second.

A drive's journal holds what its frames showed, so this can be done again under other rules in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.gps.track import Track
from roadworthy.drive.limits.calendar import SchoolCalendar
from roadworthy.drive.limits.conditions import Motion
from roadworthy.drive.limits.machine import Correction, LimitRow, limits_over_time
from roadworthy.drive.limits.regions import Region
from roadworthy.drive.meaning import MEANING, MeaningRule, Scene, events_and_candidates
from roadworthy.drive.reading import ReadingRule
from roadworthy.drive.roads.matching import map_limits
from roadworthy.drive.roads.road import Road
from roadworthy.drive.seen import Trail

TURN_DEG, TURN_S = 60.0, 12.0  # a course that changes so much in so long is a turn into another road


@dataclass(frozen=True, kw_only=True)
class OtherSources:
    """What is known of limits besides what the camera sees.

    corrections: a user's, of what holds from a second on.  roads: of a map, with their limits.
    own_days: which dates are school days, where a user knows it better.
    """

    corrections: Sequence[Correction] = ()
    roads: Sequence[Road] = ()
    own_days: Mapping[date, bool] = field(default_factory=dict)


NO_OTHERS = OtherSources()


@dataclass(frozen=True, kw_only=True, eq=False)
class Understood:
    """What the trails of a drive mean.

    found: its events, each with its trail, in the order passed.  limits: what holds from 0 to its end.
    candidates: what may be a sign and is too doubtful to be an event, in the order passed.
    """

    found: tuple[tuple[DriveEvent, Trail], ...]
    limits: tuple[LimitRow, ...]
    candidates: tuple[DriveEvent, ...] = ()

    @property
    def events(self) -> tuple[DriveEvent, ...]:
        """In the order passed."""
        return tuple(event for event, _ in self.found)


def understand(
    trails: Iterable[Trail],
    rule: ReadingRule,
    scene: Scene,
    region: Region,
    *,
    end_s: float,
    start: datetime | None = None,
    others: OtherSources = NO_OTHERS,
    meaning: MeaningRule = MEANING,
) -> Understood:
    """The signs that trails are, and what limit holds because of them.

    region: whose rules of the road hold.  end_s: of what was watched; nothing is said of later.
    start: the moment of the film's zero, if known, by which hours and school days hold.
    others: what else is known; a map's roads need a track.
    """
    found, doubtful = events_and_candidates(trails, rule, scene, meaning)
    limits = limits_over_time(
        [event.for_limits() for event, _ in found],
        region,
        end_s,
        start=start,
        calendar=SchoolCalendar(state=region.school.days, own=others.own_days),
        motion=None if scene.track is None else motion_of(scene.track),
        corrections=others.corrections,
        map_limits=map_limits(others.roads, scene.track, end_s) if others.roads and scene.track else (),
    )
    return Understood(
        found=tuple(found), limits=tuple(limits), candidates=tuple(event for event, _ in doubtful)
    )


def motion_of(track: Track) -> Motion:
    """Metres driven and turns, as far as the track knows them."""
    seconds = track.seconds
    travelled = [(float(s), float(m)) for s in seconds if (m := track.along_m(float(s))) is not None]
    return Motion(travelled=travelled, turns=turns_of(track))


def turns_of(track: Track) -> list[float]:
    """When the car had turned into another road, by its course; in seconds of the film."""
    known = _courses(track)
    turns: list[float] = []
    begin = 0
    for place, (at_s, _) in enumerate(known):
        while at_s - known[begin][0] > TURN_S:
            begin += 1
        if _ends_in_a_turn(known[begin : place + 1], turns[-1] if turns else None):
            turns.append(at_s)
    return turns


def has_turned(track: Track | None, last_turn_s: float | None) -> bool:
    """Whether the car has, by the track's last fix, turned into another road, and not as told before."""
    known = [] if track is None else _courses(track)
    if track is None or not known or known[-1][0] != track.seconds[-1]:
        return False
    return _ends_in_a_turn([one for one in known if known[-1][0] - one[0] <= TURN_S], last_turn_s)


def _courses(track: Track) -> list[tuple[float, float]]:
    """Seconds and degrees of the fixes whose course is known."""
    return [
        (float(s), fix.course)
        for s, fix in zip(track.seconds, track.fixes, strict=True)
        if fix.course is not None
    ]


def _ends_in_a_turn(known: Sequence[tuple[float, float]], last_turn_s: float | None) -> bool:
    """Whether the last of these courses, all within a turn's time, is far from one of the others."""
    if last_turn_s is not None and known[0][0] < last_turn_s:
        return False
    return any(_apart(known[-1][1], course) >= TURN_DEG for _, course in known[:-1])


def _apart(a: float, b: float) -> float:
    return abs((a - b + 180) % 360 - 180)
