"""A drive watched while it goes on: frame by frame its signs, its events and the limit, in bounded memory."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from roadworthy.core.arrays import Box
from roadworthy.core.errors import DataError
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.film.shots import Shot
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.limits.calendar import SchoolCalendar
from roadworthy.drive.limits.machine import LimitRow, limits_over_time
from roadworthy.drive.limits.regions import Region
from roadworthy.drive.located import Located
from roadworthy.drive.look import View
from roadworthy.drive.meaning import Scene, events_of
from roadworthy.drive.reading import ReadingRule, read_trail
from roadworthy.drive.seen import AT_LEAST, Trail
from roadworthy.drive.tracking.tracker import Tracker
from roadworthy.drive.watch import Watched
from roadworthy.signs.catalogue import NO_SIGN

LONGEST_S = 48 * 3600.0  # of a drive
_MOST_SIGNS = 32  # of one frame, the surest; more are noise, and following them takes time
_MOST_BOXES = 400  # of one sign that are kept: a car that stands sees the same one for hours
_MOST_TRAILS = 16  # that have ended and are kept for signs in sight that hang at them
_BESIDE_S = 3.0  # after it was last seen, what hangs at a sign has left the picture, too
_MOST_EVENTS = 2000  # that limits and the summary go back to: some hundred kilometres
_AHEAD_S = 600.0  # for which limits are worked out as if no further sign came
_MOVED_S = 1.0  # of fixes, after which limits are worked out anew: the car may have turned
_LAST_FRAME_S = 1 / 30  # how long the last frame holds


class Looks(Protocol):
    """What says which signs a frame shows, like `look.Looker`."""

    def look(self, shot: Shot) -> View:
        """The signs in a frame, and how the picture moved."""


@dataclass(frozen=True, kw_only=True)
class InSight:
    """A sign in one frame, read from all frames that have shown it so far.

    trail: the number of its trail, from 0; the same in each frame that shows this sign.
    box: x1, y1, x2, y2 in pixels of the frame.  sign, confidence, accepted: its class, how sure that is, in
    [0, 1], and whether that is enough.  found: how sure it is that the box shows a sign, in [0, 1].
    """

    trail: int
    box: Box
    sign: str
    confidence: float
    accepted: bool
    found: float


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What is known once a frame was looked at.

    frame, time_s: of its shot.  signs: in the frame.  events: the signs passed that became known with it;
    each is told once.  limit: what holds at `time_s`, by the signs passed so far; its `to_s` is a guess.
    place: where the car is, by the fixes that have come; None where nobody knows.
    """

    frame: int
    time_s: float
    signs: tuple[InSight, ...]
    events: tuple[DriveEvent, ...]
    limit: LimitRow
    place: Fix | None = None


@dataclass(frozen=True, kw_only=True)
class Driven:
    """A drive that is over.

    until_s: time of its last frame.  events: in the order told, without the first `left_out`, which were too
    many to keep.  limits: the rows of limits.csv, from where no event is left out.
    """

    until_s: float
    events: tuple[DriveEvent, ...]
    left_out: int
    limits: tuple[LimitRow, ...]


class LiveDrive:
    """What is known of a drive that goes on, however long: it keeps no frames, and forgets signs once told.

    looker: looks at the frames.  rule: how answers to single frames become one to a sign.
    region: whose rules of the road hold.  start: when the drive's zero was, if that is known.
    own_days: which dates are school days, where a user knows it better.
    """

    def __init__(
        self,
        looker: Looks,
        rule: ReadingRule,
        region: Region,
        *,
        start: datetime | None = None,
        own_days: Mapping[date, bool] | None = None,
    ) -> None:
        self._looker, self._rule, self._region, self._start = looker, rule, region, start
        self._calendar = SchoolCalendar(state=region.school.days, own=own_days or {})
        self._watched: Watched | None = None
        self._scene = Scene(width=0, height=0)
        self._ended: list[Trail] = []  # of which some were told, and are beside signs still in sight
        self._told: set[int] = set()  # numbers of those
        self._events: deque[DriveEvent] = deque(maxlen=_MOST_EVENTS)
        self._count = 0
        self._limits: tuple[LimitRow, ...] = ()
        self._limits_until_s = 0.0
        self._located = Located()
        self._moved_s = 0.0  # of the fix by which limits were worked out last

    def locate(self, fix: Fix) -> None:
        """Where the car was at `film_s`, in the drive's seconds: for places, turns and metres driven.

        Raises DataError for a fix that is not after those before.
        """
        self._located.add(fix)

    def look(self, shot: Shot) -> Moment:
        """What a further frame tells.

        Raises DataError, and leaves the drive as it was, for a frame that is not of the others' size, or not
        later than the one before.
        """
        watched = self._begun(shot)
        view = self._looker.look(shot)
        view = replace(view, signs=view.signs[:_MOST_SIGNS])  # surest first
        self._scene = replace(self._scene, track=self._located.track)
        ended = watched.add(view)
        events = self._passed(ended) if ended else ()
        moment = Moment(
            frame=shot.index,
            time_s=shot.time_s,
            signs=self._in_sight(watched, shot.index),
            events=events,
            limit=self._limit_at(shot.time_s, changed=bool(events)),
            place=self._located.at(shot.time_s),
        )
        self._forget(watched)
        return moment

    def finish(self) -> Driven:
        """The whole drive, with the signs that were still in sight."""
        if self._watched is None:
            return Driven(until_s=0.0, events=(), left_out=0, limits=())
        self._scene = replace(self._scene, track=self._located.track)
        self._passed(self._watched.finish())
        left_out = self._count - len(self._events)
        rows = self._worked_out(self._watched.until_s + _LAST_FRAME_S)
        return Driven(
            until_s=self._watched.until_s,
            events=tuple(self._events),
            left_out=left_out,
            limits=_from(rows, self._events[0].passed_s) if left_out else rows,
        )

    def _begun(self, shot: Shot) -> Watched:
        """What was watched so far; the first frame begins it."""
        height, width = shot.image.shape[:2]
        if not 0 <= shot.time_s <= LONGEST_S:
            raise DataError(f"time_s is {shot.time_s:g}; it must be from 0 to {LONGEST_S:,.0f} s")
        if self._watched is None:
            self._watched = Watched(Tracker(width, height))
            self._scene = Scene(width=width, height=height)
            return self._watched
        if (width, height) != (self._scene.width, self._scene.height):
            raise DataError(
                f"the frame is {width} x {height}, the drive's first was "
                f"{self._scene.width} x {self._scene.height}; begin another drive for another size"
            )
        if self._watched.frames and shot.time_s <= self._watched.until_s:
            raise DataError(
                f"time_s is {shot.time_s:g}, not after the frame before ({self._watched.until_s:g}); "
                "frames must come in the order of the film"
            )
        return self._watched

    def _passed(self, ended: Iterable[Trail]) -> tuple[DriveEvent, ...]:
        """The signs that are known to be passed, now that these trails have ended; each is told once."""
        assert self._watched is not None
        signs = [trail for trail in ended if self._is_sign(trail)]
        if not signs:
            return ()
        self._ended += signs
        untold = {trail.number for trail in self._ended} - self._told
        in_sight = self._watched.tracker.current()
        events = []
        # Those in sight are judged with the others, for a plate may leave the picture before its sign does.
        for event, trail in events_of([*self._ended, *in_sight], self._rule, self._scene):
            if trail.number in untold:
                self._count += 1
                events.append(replace(event, event=f"e{self._count:04d}"))
                self._told.add(trail.number)
        self._events += events
        self._let_go(in_sight)
        return tuple(events)

    def _is_sign(self, trail: Trail) -> bool:
        return len(trail.seen) >= AT_LEAST and read_trail(trail.seen, self._rule).sign != NO_SIGN

    def _let_go(self, in_sight: Iterable[Trail]) -> None:
        """Keep of the trails that have ended the signs just told, and the plates whose signs are in sight."""
        assert self._watched is not None
        frames = {one.frame for trail in in_sight for one in trail.seen}
        since_s = self._watched.until_s - _BESIDE_S
        kept = [
            trail
            for trail in self._ended
            if any(one.frame in frames for one in trail.seen)
            and (trail.number not in self._told or trail.seen[-1].time_s > since_s)
        ]
        self._ended = kept[-_MOST_TRAILS:]
        self._told &= {trail.number for trail in self._ended}

    def _in_sight(self, watched: Watched, frame: int) -> tuple[InSight, ...]:
        found = []
        for trail in watched.tracker.current():
            last = trail.seen[-1]
            if last.frame != frame:
                continue
            reading = read_trail(trail.seen, self._rule)
            if reading.sign != NO_SIGN:
                found.append(
                    InSight(
                        trail=trail.number,
                        box=last.box,
                        sign=reading.sign,
                        confidence=reading.confidence,
                        accepted=reading.accepted,
                        found=last.score,
                    )
                )
        return tuple(found)

    def _limit_at(self, time_s: float, *, changed: bool) -> LimitRow:
        track = self._located.track
        moved_s = 0.0 if track is None else float(track.seconds[-1])
        if changed or time_s >= self._limits_until_s or moved_s >= self._moved_s + _MOVED_S:
            self._moved_s = moved_s
            self._limits_until_s = time_s + _AHEAD_S
            self._limits = self._worked_out(self._limits_until_s)
        place = bisect_right(self._limits, time_s, key=lambda row: row.from_s)
        return self._limits[max(0, place - 1)]

    def _worked_out(self, until_s: float) -> tuple[LimitRow, ...]:
        signs = [event.for_limits() for event in self._events]
        return limits_over_time(
            signs,
            self._region,
            until_s,
            start=self._start,
            calendar=self._calendar,
            motion=self._located.motion(),
        )

    def _forget(self, watched: Watched) -> None:
        """Drop what nothing will be asked of any more."""
        watched.forget()
        watched.tracker.thin(_MOST_BOXES)


def _from(rows: Iterable[LimitRow], since_s: float) -> tuple[LimitRow, ...]:
    """The rows, from a second on."""
    return tuple(replace(row, from_s=max(row.from_s, since_s)) for row in rows if row.to_s > since_s)
