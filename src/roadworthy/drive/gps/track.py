"""A drive as a line of fixes over time: where the car was at a second of the film, and how it moved.

Nothing is invented: no position lies in a gap, before the first fix or after the last, and below walking
pace there is no course.  Speeds and courses that the receiver did not say are derived from the positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from roadworthy.core import notes
from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import DataError, UsageError
from roadworthy.core.words import duration, plural
from roadworthy.drive.gps import earth
from roadworthy.drive.gps.fixes import Fix

MAX_GAP_S = 5.0
"""Fixes further apart have a gap between them: at 110 km/h the car has gone 150 m and may have turned."""
MAX_SPEED = 90.0
"""Metres a second; fixes further apart than this allows are not of one drive."""
SPEED_FOR_COURSE = 1.5
"""Metres a second below which a receiver's course is noise."""
STANDING = 0.6
"""Metres a second below which a car stands."""
_JITTER_M = 30.0  # two good fixes can be so far apart at a standstill, between houses
_MOST_CHAINS = 8
_SPAN_S = 1.0  # over which speeds and courses are derived, at least
_AGREES = (0.8, 1.25)  # of speeds said to speeds derived; beyond, they are in other units or wrong
_CAN_JUDGE_SPEED = 5.0


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A time at which the car stood, in the track's seconds, and where."""

    from_s: float
    to_s: float
    lat: float
    lon: float


@dataclass(frozen=True, kw_only=True)
class Track:
    """Fixes of one drive in order of time, no two of one moment; make it with `track_of`.

    placed: whether its seconds are the film's; else they are counted from the first fix.
    max_gap_s: seconds between fixes beyond which nothing is said of what lies between.
    """

    fixes: tuple[Fix, ...]
    placed: bool
    max_gap_s: float = MAX_GAP_S

    @cached_property
    def seconds(self) -> FloatArray:
        """(N,) seconds of the fixes, rising: the film's where the track is placed, else since the first."""
        if self.placed:
            return np.array([fix.film_s for fix in self.fixes], np.float64)
        return _since_first(self.fixes)

    def at(self, second: float) -> Fix | None:
        """Where the car was: interpolated on the great circle between two fixes; None where unknown.

        second: as in `seconds`.  Accuracy is the worse of the two fixes'.
        """
        right = int(np.searchsorted(self.seconds, second))
        if right < len(self.fixes) and self.seconds[right] == second:
            return self.fixes[right]
        if not 0 < right < len(self.fixes) or not self._joined[right - 1]:
            return None
        a, b = self.fixes[right - 1], self.fixes[right]
        start, end = self.seconds[right - 1], self.seconds[right]
        return _between(a, b, float((second - start) / (end - start)))

    def along_m(self, second: float) -> float | None:
        """Metres driven since the first fix, those in gaps not counted; None where the place is unknown."""
        if self.at(second) is None:
            return None
        return float(np.interp(second, self.seconds, self._driven))

    def driven_m(self, from_s: float, to_s: float) -> float:
        """Metres driven between two seconds, as far as they are known."""
        first, last = np.interp((from_s, to_s), self.seconds, self._driven)
        return float(last - first)

    def stops(self, at_least_s: float = 3.0) -> list[Stop]:
        """The times at which the car stood so long, in order."""
        stops, begin = [], 0
        still = np.array([fix.speed is not None and fix.speed < STANDING for fix in self.fixes])
        for i in range(1, len(still) + 1):
            if i < len(still) and still[begin] and still[i] and self._joined[i - 1]:
                continue
            if still[begin] and self.seconds[i - 1] - self.seconds[begin] >= at_least_s:
                there = self.fixes[(begin + i - 1) // 2]
                stops.append(
                    Stop(
                        from_s=float(self.seconds[begin]),
                        to_s=float(self.seconds[i - 1]),
                        lat=there.lat,
                        lon=there.lon,
                    )
                )
            begin = i
        return stops

    def gaps(self) -> list[tuple[float, float]]:
        """From and to which second nothing is known between two fixes."""
        return [(float(self.seconds[i]), float(self.seconds[i + 1])) for i in np.flatnonzero(~self._joined)]

    def speeds(self, seconds: Sequence[float] | FloatArray) -> FloatArray:
        """Metres a second at each of these seconds; nan where unknown."""
        wanted = np.asarray(seconds, np.float64)
        said = np.array([np.nan if fix.speed is None else fix.speed for fix in self.fixes])
        values = np.interp(wanted, self.seconds, said, left=np.nan, right=np.nan)
        right = np.searchsorted(self.seconds, wanted).clip(1, max(len(self.fixes) - 1, 1))
        if len(self.fixes) > 1:
            in_gap = ~self._joined[right - 1] & ~np.isin(wanted, self.seconds)
            values[in_gap] = np.nan
        return np.asarray(values)

    def shifted(self, offset_s: float) -> Track:
        """The same track so many seconds later, set on the film."""
        fixes = tuple(
            replace(fix, film_s=float(second) + offset_s)
            for fix, second in zip(self.fixes, self.seconds, strict=True)
        )
        return Track(fixes=fixes, placed=True, max_gap_s=self.max_gap_s)

    @cached_property
    def _joined(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """(N - 1,) whether the car is known between each fix and the next."""
        breaks = np.array([fix.after_break for fix in self.fixes[1:]], np.bool_)
        return (np.diff(self.seconds) <= self.max_gap_s) & ~breaks

    @cached_property
    def _driven(self) -> FloatArray:
        """(N,) metres driven up to each fix."""
        steps = _steps_m(self.fixes)
        moving = np.array([fix.speed is None or fix.speed >= STANDING for fix in self.fixes], np.bool_)
        # Positions wander while the car stands: that is no way driven.
        steps = np.where(self._joined & (moving[1:] | moving[:-1]), steps, 0)
        return np.concatenate([[0.0], np.cumsum(steps)])


def track_of(fixes: Iterable[Fix], *, max_gap_s: float = MAX_GAP_S) -> Track:
    """A track of a reader's fixes: in order, without outliers, with speeds and courses where they can be had.

    Placed where all fixes have film seconds.  What is left out is said in notes.
    Raises DataError where no fix has a time.
    """
    if max_gap_s <= 0:
        raise UsageError(f"max_gap_s is {max_gap_s}; it must be above 0")
    fixes = list(fixes)
    placed = bool(fixes) and all(fix.film_s is not None for fix in fixes)
    timed = fixes if placed else [fix for fix in fixes if fix.time is not None]
    if not timed:
        raise DataError(f"{plural(len(fixes), 'fix')} and none has a time; give positions with times")
    ordered = _ordered(timed, placed)
    kept = _without_outliers(ordered, placed)
    bare = Track(fixes=tuple(kept), placed=placed, max_gap_s=max_gap_s)
    return Track(fixes=tuple(_completed(bare)), placed=placed, max_gap_s=max_gap_s)


def placed_by_clock(track: Track, began: datetime, length_s: float) -> Track:
    """The track set on a film that began at `began` (aware) and lasts `length_s`, by both clocks.

    The receiver's clock is right; a film's often is not: many cameras write local time as if it were UTC,
    and some write when they stopped.  `offset_by_motion` finds what is left.
    Raises DataError where the two do not overlap, UsageError where `began` has no zone.
    """
    first = track.fixes[0].time
    if began.tzinfo is None:
        raise UsageError(f"the film's beginning {began} has no zone; give it as UTC")
    if first is None:
        raise DataError("the track has no times of day; only its motion can set it on the film")
    placed = track.shifted((first - began).total_seconds() - float(track.seconds[0]))
    if placed.seconds[-1] < 0 or placed.seconds[0] > length_s:
        last = first + timedelta(seconds=float(track.seconds[-1] - track.seconds[0]))
        raise DataError(
            f"the track ({first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC) and the film (from "
            f"{began:%Y-%m-%d %H:%M:%S %Z}, {duration(length_s)}) do not overlap; one clock is wrong, or "
            "the track is of another drive"
        )
    return placed


def _ordered(fixes: list[Fix], placed: bool) -> list[Fix]:
    """In order of time; of several at one moment, the first."""
    seconds = _film_seconds(fixes) if placed else _since_first(fixes)
    order = np.argsort(seconds, kind="stable")
    later = np.flatnonzero(np.diff(seconds) < 0).size
    if later:
        notes.say(f"the track goes back in time {later:,} times; its fixes were put in order")
    once = [int(i) for n, i in enumerate(order) if n == 0 or seconds[i] > seconds[order[n - 1]]]
    if len(once) < len(order):
        notes.say(f"{plural(len(order) - len(once), 'fix')} of a moment that had one left out")
    return _kept(fixes, once)


def _kept(fixes: Sequence[Fix], which: Sequence[int]) -> list[Fix]:
    """These of the fixes; one that follows a break whose first fix is not among them follows it now."""
    breaks = np.cumsum([fix.after_break for fix in fixes])
    kept = [fixes[i] for i in which]
    for n in range(1, len(which)):
        if breaks[which[n]] > breaks[which[n - 1]] and not kept[n].after_break:
            kept[n] = replace(kept[n], after_break=True)
    return kept


def _film_seconds(fixes: Sequence[Fix]) -> FloatArray:
    return np.array([fix.film_s for fix in fixes], np.float64)


def _since_first(fixes: Sequence[Fix]) -> FloatArray:
    first = fixes[0].time
    assert first is not None  # track_of keeps fixes with times only
    return np.array([(fix.time - first).total_seconds() for fix in fixes if fix.time is not None], np.float64)


def _without_outliers(fixes: list[Fix], placed: bool) -> list[Fix]:
    """The longest chain of fixes that one car can have driven; the rest is left out, with a note."""
    seconds = _film_seconds(fixes) if placed else _since_first(fixes)
    chains: list[list[int]] = []
    for i, fix in enumerate(fixes):
        for chain in sorted(chains[-_MOST_CHAINS:], key=len, reverse=True):
            last = fixes[chain[-1]]
            step = float(earth.distance_m(last.lat, last.lon, fix.lat, fix.lon))
            if step <= MAX_SPEED * (seconds[i] - seconds[chain[-1]]) + _JITTER_M:
                chain.append(i)
                break
        else:
            chains.append([i])
    best = max(chains, key=len)
    if len(best) < len(fixes):
        notes.say(
            f"{plural(len(fixes) - len(best), 'fix')} left out, further from the rest than a car can drive"
        )
    return _kept(fixes, best)


def _completed(track: Track) -> list[Fix]:
    """The fixes with speeds and courses, derived where the receiver said none that can be believed."""
    speeds, courses = _derived(track)
    said = np.array([np.nan if fix.speed is None else fix.speed for fix in track.fixes])
    believed = _believed(said, speeds)
    completed = []
    for fix, own, speed, course in zip(track.fixes, said, speeds, courses, strict=True):
        speed = own if believed and np.isfinite(own) else speed
        moving = np.isfinite(speed) and speed >= SPEED_FOR_COURSE
        course = fix.course if fix.course is not None else course
        completed.append(
            replace(
                fix,
                speed=float(speed) if np.isfinite(speed) else None,
                course=float(course) if moving and np.isfinite(course) else None,
            )
        )
    return completed


def _believed(said: FloatArray, derived: FloatArray) -> bool:
    """Whether the receiver's speeds fit the positions; many programs write km/h where m/s belong."""
    judged = np.isfinite(said) & (derived >= _CAN_JUDGE_SPEED)
    if judged.sum() < 10:
        return True
    ratio = float(np.median(said[judged] / derived[judged]))
    if _AGREES[0] <= ratio <= _AGREES[1]:
        return True
    notes.say(f"the track's speeds are {ratio:.2f} times those of its positions; they were derived instead")
    return False


def _derived(track: Track) -> tuple[FloatArray, FloatArray]:
    """(N,) metres a second and degrees from the positions around each fix; nan where a fix stands alone."""
    first, last = _neighbours(track)
    lat = np.array([fix.lat for fix in track.fixes])
    lon = np.array([fix.lon for fix in track.fixes])
    took = track.seconds[last] - track.seconds[first]
    with np.errstate(divide="ignore", invalid="ignore"):
        speeds = earth.distance_m(lat[first], lon[first], lat[last], lon[last]) / took
    courses = earth.bearing_deg(lat[first], lon[first], lat[last], lon[last])
    alone = took <= 0
    speeds[alone], courses[alone] = np.nan, np.nan
    return speeds, courses


def _neighbours(track: Track) -> tuple[IntArray, IntArray]:
    """Of each fix the ones before and after it, at least half a span away, without a gap between."""
    n, seconds = len(track.fixes), track.seconds
    part = np.concatenate([[0], np.cumsum(~track._joined)])
    begins, ends = np.searchsorted(part, part), np.searchsorted(part, part, side="right") - 1
    before = np.searchsorted(seconds, seconds - _SPAN_S / 2, side="right") - 1
    after = np.searchsorted(seconds, seconds + _SPAN_S / 2)
    return np.clip(before, begins, np.arange(n)), np.clip(after, np.arange(n), ends)


def _steps_m(fixes: Sequence[Fix]) -> FloatArray:
    lat, lon = np.array([fix.lat for fix in fixes]), np.array([fix.lon for fix in fixes])
    return earth.distance_m(lat[:-1], lon[:-1], lat[1:], lon[1:])


def _between(a: Fix, b: Fix, fraction: float) -> Fix:
    lat, lon = earth.between((a.lat, a.lon), (b.lat, b.lon), fraction)
    turn = None if a.course is None or b.course is None else float(earth.turn_deg(a.course, b.course))
    accuracies = [fix.accuracy for fix in (a, b) if fix.accuracy is not None]
    return Fix(
        lat=lat,
        lon=lon,
        time=None if a.time is None or b.time is None else a.time + (b.time - a.time) * fraction,
        film_s=_mean(a.film_s, b.film_s, fraction),
        speed=_mean(a.speed, b.speed, fraction),
        course=None if a.course is None or turn is None else (a.course + turn * fraction) % 360,
        accuracy=max(accuracies, default=None),
        height=_mean(a.height, b.height, fraction),
    )


def _mean(a: float | None, b: float | None, fraction: float) -> float | None:
    return None if a is None or b is None else a + (b - a) * fraction
