"""From all trails of a drive to its signs and to the limit at every second.

A drive's journal holds what its frames showed, so this can be done again under other rules in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.gps.track import Track
from roadworthy.drive.limits.conditions import Motion
from roadworthy.drive.limits.machine import LimitRow, limits_over_time
from roadworthy.drive.limits.regions import Region
from roadworthy.drive.meaning import MEANING, MeaningRule, Scene, events_and_candidates
from roadworthy.drive.reading import ReadingRule
from roadworthy.drive.seen import Trail

TURN_DEG, TURN_S = 60.0, 12.0  # a course that changes so much in so long is a turn into another road


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
    meaning: MeaningRule = MEANING,
) -> Understood:
    """The signs that trails are, and what limit holds because of them.

    region: whose rules of the road hold.  end_s: of what was watched; nothing is said of later.
    start: the moment of the film's zero, if known, by which hours and school days hold.
    """
    found, doubtful = events_and_candidates(trails, rule, scene, meaning)
    limits = limits_over_time(
        [event.for_limits() for event, _ in found],
        region,
        end_s,
        start=start,
        motion=None if scene.track is None else motion_of(scene.track),
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
    known = [
        (float(s), fix.course)
        for s, fix in zip(track.seconds, track.fixes, strict=True)
        if fix.course is not None
    ]
    turns: list[float] = []
    begin = 0
    for place, (at_s, course) in enumerate(known):
        while at_s - known[begin][0] > TURN_S:
            begin += 1
        if turns and known[begin][0] < turns[-1]:
            continue
        if any(_apart(course, known[i][1]) >= TURN_DEG for i in range(begin, place)):
            turns.append(at_s)
    return turns


def _apart(a: float, b: float) -> float:
    return abs((a - b + 180) % 360 - 180)
