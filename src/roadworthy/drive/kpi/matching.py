"""Which found event is which true one, each at most once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.core.arrays import BoolArray, FloatArray
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.kpi.assignment import assign
from roadworthy.drive.kpi.boxes import TrueBox
from roadworthy.evaluate.detection.matching import OVERLAP, intersection_over_union
from roadworthy.signs.catalogue import NO_SIGN, OTHER_SIGN

ANSWER_S = 2.0
"""Seconds after passing within which a sign must be answered.  Source: EU 2021/1958."""
VIEW_S = 1.0
"""Seconds for which a sign must have been in view for that to be asked."""
LIMIT_KINDS = frozenset({"speed", "end-speed", "end-all-limits", "end-school-zone", "end-road-works"})
"""Kinds of signs that say where a limit begins or ends."""

NAMELESS = frozenset({NO_SIGN, OTHER_SIGN, "not-a-limit"})
"""Classes that tell a driver nothing."""

_TOLERANCE_S = (1.0, 3.0)  # at least and at most
_NEVER = 1e6


@dataclass(frozen=True, kw_only=True)
class Matched:
    """A true event, and what was found of it.

    found: the event that it is; None where it was missed.  again: further events of the same sign.
    passed: whether the film goes on until the sign is passed.
    """

    truth: DriveEvent
    found: DriveEvent | None = None
    again: tuple[DriveEvent, ...] = ()
    passed: bool = True

    @property
    def in_view_s(self) -> float:
        """For how many seconds it could be seen."""
        return self.truth.last_s - self.truth.first_s

    @property
    def asked(self) -> bool:
        """Whether it must be answered: it says something, is passed, for this car, in view for 1.0 s."""
        named = self.truth.sign not in NAMELESS
        return named and self.passed and self.truth.counts and self.in_view_s >= VIEW_S - 1e-6

    @property
    def of_limits(self) -> bool:
        """Whether it says where a limit begins or ends."""
        return self.truth.kind in LIMIT_KINDS

    @property
    def once(self) -> bool:
        """Found, and not found again."""
        return self.found is not None and not self.again

    @property
    def right_class(self) -> bool:
        """Found as what it is."""
        return self.found is not None and self.found.sign == self.truth.sign

    @property
    def answer_s(self) -> float | None:
        """Seconds from passing to a sure and right answer, negative before; None without one."""
        found = self.found
        if found is None or not (self.right_class and found.accepted and found.counts == self.truth.counts):
            return None
        return None if found.confirmed_s is None else found.confirmed_s - self.truth.passed_s

    @property
    def in_time(self) -> bool:
        """Answered surely and rightly within 2.0 s of passing."""
        return self.answer_s is not None and self.answer_s <= ANSWER_S + 1e-6

    @property
    def plates_right(self) -> bool:
        """Found with the same conditions."""
        return self.found is not None and set(self.found.plates) == set(self.truth.plates)


@dataclass(frozen=True, kw_only=True)
class Matching:
    """A drive's events held against its truth.

    matched: one for each true event, in their order.  false: found events that are no sign of the truth.
    """

    matched: tuple[Matched, ...]
    false: tuple[DriveEvent, ...]

    @property
    def again(self) -> int:
        """How many events are of signs that another event has already."""
        return sum(len(one.again) for one in self.matched)


def tolerance_s(event: DriveEvent) -> float:
    """By how much the passing of a found event may lie off.

    Half of the time in view up to passing, from 1.0 to 3.0 s: of a sign seen for long, and hidden near the
    end, nobody knows the moment well, while short ones stand close to each other.
    """
    low, high = _TOLERANCE_S
    return min(high, max(low, (event.passed_s - event.first_s) / 2))


def match_events(
    truth: Sequence[DriveEvent],
    found: Sequence[DriveEvent],
    boxes: Sequence[TrueBox] = (),
    *,
    length_s: float = math.inf,
) -> Matching:
    """Each found event is at most one true one, and each true one has at most one found.

    First those of the same class, as many as can be, passed within `tolerance_s` or with overlapping boxes;
    then, of the rest, those read as something else: where truth has boxes, those that overlap, else signs
    of limits passed within tolerance.  What is left and could be a true event that is taken is a duplicate
    of it; all else is false, but for events that name nothing.
    boxes: of the truth; a found event's box is compared in its best frame.  length_s: of the film.
    """
    near, same = _near(truth, found), _same_class(truth, found)
    overlaps = _overlaps(truth, found, boxes)
    over = overlaps >= OVERLAP
    pairs = _pairs(same & (near | over), _costs(truth, found, overlaps))
    misread = over if boxes else near & _both_of_limits(truth, found)
    free = misread & ~_taken(pairs, len(truth), len(found))
    pairs |= _pairs(free, _costs(truth, found, overlaps))
    apart_s = _apart_s(truth, found)
    again: dict[int, list[DriveEvent]] = defaultdict(list)
    false = []
    named = {f for f, event in enumerate(found) if event.sign not in NAMELESS}
    for f in sorted(named - set(pairs.values())):
        could: list[int] = np.flatnonzero((same[:, f] & near[:, f]) | over[:, f]).tolist()
        if could:
            nearest = min(could, key=lambda t: float(apart_s[t, f]))
            again[nearest].append(found[f])
        else:
            false.append(found[f])
    matched = (
        Matched(
            truth=event,
            found=found[pairs[t]] if t in pairs else None,
            again=tuple(again.get(t, ())),
            passed=event.passed_s <= length_s,
        )
        for t, event in enumerate(truth)
    )
    return Matching(matched=tuple(matched), false=tuple(false))


def _near(truth: Sequence[DriveEvent], found: Sequence[DriveEvent]) -> BoolArray:
    tolerances = np.array([tolerance_s(event) for event in truth])
    return np.asarray(_apart_s(truth, found) <= tolerances[:, None] + 1e-9)


def _apart_s(truth: Sequence[DriveEvent], found: Sequence[DriveEvent]) -> FloatArray:
    passed, seen = (np.array([event.passed_s for event in events], float) for events in (truth, found))
    return np.asarray(np.abs(passed[:, None] - seen[None]))


def _same_class(truth: Sequence[DriveEvent], found: Sequence[DriveEvent]) -> BoolArray:
    table = [[one.sign == other.sign for other in found] for one in truth]
    return np.array(table, bool).reshape(len(truth), len(found))


def _both_of_limits(truth: Sequence[DriveEvent], found: Sequence[DriveEvent]) -> BoolArray:
    own, others = (np.array([e.kind in LIMIT_KINDS for e in events], bool) for events in (truth, found))
    return np.asarray(own[:, None] & others[None])


def _overlaps(
    truth: Sequence[DriveEvent], found: Sequence[DriveEvent], boxes: Sequence[TrueBox]
) -> FloatArray:
    """(T, F) of the boxes in the found events' best frames; 0 where the truth has none there."""
    there = {(one.frame, one.event): one.box for one in boxes}
    table = np.zeros((len(truth), len(found)))
    for t, event in enumerate(truth):
        for f, other in enumerate(found):
            box = there.get((other.best_frame, event.event))
            table[t, f] = 0.0 if box is None else intersection_over_union(box, other.box)
    return table


def _costs(truth: Sequence[DriveEvent], found: Sequence[DriveEvent], overlaps: FloatArray) -> FloatArray:
    """(T, F) how ill each pair goes together: not sure, on another side, boxes apart, passed apart."""
    doubts = np.array([not event.accepted for event in found], float)
    sides = [
        [None not in (one.side, other.side) and one.side != other.side for other in found] for one in truth
    ]
    across = np.array(sides, float).reshape(len(truth), len(found))
    return np.asarray(
        4 * doubts[None] + 2 * across + (1 - overlaps) + _apart_s(truth, found).clip(max=9) / 10
    )


def _pairs(may: BoolArray, costs: FloatArray) -> dict[int, int]:
    """True events with the found ones that they get: as many as can be, then at the least cost."""
    rows, columns = assign(np.where(may, costs, _NEVER))
    return {int(t): int(f) for t, f in zip(rows, columns, strict=True) if may[t, f]}


def _taken(pairs: dict[int, int], truths: int, founds: int) -> BoolArray:
    """(T, F) whether either has its pair."""
    taken = np.zeros((truths, founds), bool)
    taken[list(pairs)] = True
    taken[:, list(pairs.values())] = True
    return taken
