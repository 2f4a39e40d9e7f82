"""The measures of drives: events, limits over distance and time, dangerous limits, answers.

docs/guide/drive-truth.md says what each means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from roadworthy.core.arrays import BoolArray, FloatArray, IntArray
from roadworthy.core.errors import DataError
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.kpi.matching import Matched, Matching, match_events
from roadworthy.drive.kpi.pieces import GROUPS, Pieces, groups_at, pieces_of
from roadworthy.drive.kpi.sampling import Cutting, cutting
from roadworthy.drive.kpi.truth import DriveTruth
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.evaluate.detection.results import NOT_MEASURED, Measured, flat

TASK = "drive"
ISA_DISTANCE, ISA_ROAD = 0.90, 0.80
"""Least shares of the distance with the right limit, in all and on each kind of road.

Source: EU 2021/1958.
"""
_PER_M, _PER_S = 100_000.0, 3600.0  # dangerous limits a 100 km, false events an hour


@dataclass(frozen=True, kw_only=True, eq=False)
class DrivenDrive:
    """One drive: what is true of it, and what was found."""

    truth: DriveTruth
    events: tuple[DriveEvent, ...]
    limits: tuple[LimitRow, ...]


@dataclass(frozen=True, kw_only=True)
class Kpis:
    """The measures of some drives, or of a part of them.

    event_kpi: of the true events asked for, found once and answered rightly, surely and in time.
    found, found_once, right_class, in_time: the steps to it, of the same events.
    limit_signs_before: of those that tell limits, answered before passing.
    plates_right: of the true events with plates, found with the same.
    duplicates: of the events found of true ones, the share that are there again.
    false_per_hour, false_sure_per_hour: events that are none, and those of them that are accepted.
    answer_s_median, answer_s_p95: seconds from passing to the answer, negative before.
    confirmed_m_median: metres before the sign at which it was answered.
    distance_kpi: share of the distance with the right limit; of the time where no distance is known.
    time_kpi: share of the time.  answered: share of it, distance or time, with any limit.
    dangerous_per_100_km: how often a sure limit above the true one began.  dangerous_share: of the distance.
    """

    event_kpi: Measured = NOT_MEASURED
    found: Measured = NOT_MEASURED
    found_once: Measured = NOT_MEASURED
    right_class: Measured = NOT_MEASURED
    in_time: Measured = NOT_MEASURED
    limit_signs_before: Measured = NOT_MEASURED
    plates_right: Measured = NOT_MEASURED
    duplicates: Measured = NOT_MEASURED
    false_per_hour: Measured = NOT_MEASURED
    false_sure_per_hour: Measured = NOT_MEASURED
    answer_s_median: Measured = NOT_MEASURED
    answer_s_p95: Measured = NOT_MEASURED
    confirmed_m_median: Measured = NOT_MEASURED
    distance_kpi: Measured = NOT_MEASURED
    time_kpi: Measured = NOT_MEASURED
    answered: Measured = NOT_MEASURED
    dangerous_per_100_km: Measured = NOT_MEASURED
    dangerous_share: Measured = NOT_MEASURED


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """One of the thresholds for intelligent speed assistance.  met: None where nothing was measured."""

    name: str
    value: float | None
    at_least: float
    met: bool | None


@dataclass(frozen=True, kw_only=True)
class DriveMetrics:
    """What measuring drives gives; `to_dict` is its metrics.json.

    drives: their names.  km: driven; None where it is not known.  hours: of film.
    distance_from: `gps`, `speed`, both, or `time` where a drive has neither: then all distances are times.
    interval_over: what the intervals take as independent.
    true_events, found_events: how many; asked: of the true ones, those that must be answered.
    dangerous, false, false_sure, again: how many there are in all.  not_ours: true events that are not meant
    for this car and were taken as if they were.
    by: the same measures by `light`, `weather`, `road`, `speed` and `kind` of sign.
    matchings: each drive's events, paired.
    """

    drives: tuple[str, ...]
    km: float | None
    hours: float
    distance_from: str
    interval_over: str
    true_events: int
    found_events: int
    asked: int
    dangerous: int
    false: int
    false_sure: int
    again: int
    not_ours: int
    all: Kpis
    isa: tuple[Threshold, ...]
    by: Mapping[str, Mapping[str, Kpis]]
    matchings: tuple[Matching, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """metrics.json: beside each figure its `_n` and `_ci95`; `extra` is laid flat."""
        rest = {name: value for name, value in vars(self).items() if name not in _NOT_WRITTEN}
        return {
            "task": TASK,
            **{name: list(value) if isinstance(value, tuple) else value for name, value in rest.items()},
            **flat(asdict(self.all)),
            "isa": [asdict(one) for one in self.isa],
            "by": {name: {word: flat(asdict(k)) for word, k in own.items()} for name, own in self.by.items()},
            **self.extra,
        }


_NOT_WRITTEN = {"all", "isa", "by", "matchings", "extra"}


def measure_drives(
    drives: Sequence[DrivenDrive], *, seed: int = 0, repetitions: int | None = None
) -> DriveMetrics:
    """All measures of some drives.

    seed, repetitions: of the bootstrap.  Raises DataError without drives.
    """
    if not drives:
        raise DataError("there are no drives to measure; give at least one")
    went = [drive.truth.travelled for drive in drives]
    cut = cutting(went, seed=seed, **({} if repetitions is None else {"repetitions": repetitions}))
    sources = sorted({one.source for one in went})
    known = "time" not in sources
    table = _Table.of(drives, cut, known=known)
    by = {name: {word: _kpis(part) for word, part in table.by(name).items()} for name in (*GROUPS, "kind")}
    total = _kpis(table)
    return DriveMetrics(
        drives=tuple(drive.truth.name for drive in drives),
        km=float(table.metres.sum()) / 1000 if known else None,
        hours=float(table.seconds.sum()) / _PER_S,
        distance_from=" and ".join(sources) if known else "time",
        interval_over=cut.over,
        true_events=len(table.matched),
        found_events=sum(len(drive.events) for drive in drives),
        asked=sum(one.asked for one in table.matched),
        dangerous=int(table.onsets.sum()),
        false=len(table.false),
        false_sure=sum(event.accepted for event in table.false),
        again=sum(len(one.again) for one in table.matched),
        not_ours=sum(_taken_as_ours(one) for one in table.matched),
        all=total,
        isa=(
            _threshold("distance, all", total.distance_kpi.value, ISA_DISTANCE),
            *(
                _threshold(f"distance, {road}", own.distance_kpi.value, ISA_ROAD)
                for road, own in by["road"].items()
            ),
        ),
        by=by,
        matchings=table.matchings,
    )


def _taken_as_ours(one: Matched) -> bool:
    return not one.truth.counts and one.found is not None and one.found.counts and one.found.accepted


def _threshold(name: str, value: float | None, at_least: float) -> Threshold:
    return Threshold(
        name=name, value=value, at_least=at_least, met=None if value is None else value >= at_least
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Table:
    """Everything that is counted, each with its unit and its groups, of all drives beside each other.

    limits: whether the pieces are of this part; a kind of sign has none.
    """

    cut: Cutting
    known: bool
    matched: list[Matched]
    matched_units: IntArray
    matched_metres: FloatArray
    matched_groups: dict[str, list[str]]
    false: list[DriveEvent]
    false_units: IntArray
    false_groups: dict[str, list[str]]
    seconds: FloatArray
    metres: FloatArray
    counted: BoolArray
    right: BoolArray
    answered: BoolArray
    dangerous: BoolArray
    onsets: BoolArray
    units: IntArray
    groups: dict[str, list[str]]
    matchings: tuple[Matching, ...] = ()

    @staticmethod
    def of(drives: Sequence[DrivenDrive], cut: Cutting, *, known: bool) -> _Table:
        matchings = [
            match_events(d.truth.events, d.events, d.truth.boxes, length_s=d.truth.length_s) for d in drives
        ]
        pieces = [pieces_of(drive.truth, drive.limits) for drive in drives]
        matched = [list(one.matched) for one in matchings]
        false = [list(one.false) for one in matchings]
        joined = _joined(pieces)
        return _Table(
            cut=cut,
            known=known,
            matched=[one for own in matched for one in own],
            matched_units=_units(drives, cut, [[m.truth.passed_s for m in own] for own in matched]),
            matched_metres=np.concatenate(
                [_confirmed_m(drive, own) for drive, own in zip(drives, matched, strict=True)]
            ),
            matched_groups=_groups(drives, [[m.truth for m in own] for own in matched]),
            false=[event for own in false for event in own],
            false_units=_units(drives, cut, [[event.passed_s for event in own] for own in false]),
            false_groups=_groups(drives, false),
            units=_units(drives, cut, [(p.from_s + p.seconds / 2).tolist() for p in pieces]),
            groups={name: [word for p in pieces for word in p.groups[name]] for name in GROUPS},
            matchings=tuple(matchings),
            **joined,
        )

    def by(self, name: str) -> dict[str, _Table]:
        """The parts of it by the words of a group, in their order."""
        words = [*self.matched_groups[name], *self.false_groups[name], *self.groups.get(name, [])]
        return {word: self._only(name, word) for word in sorted(set(words))}

    def _only(self, name: str, word: str) -> _Table:
        own, false = (
            np.array([one == word for one in groups[name]], bool)
            for groups in (self.matched_groups, self.false_groups)
        )
        here = np.array([one == word for one in self.groups[name]], bool) if name in self.groups else None
        if here is None:  # how long a kind of sign lasts nobody can say: false ones are of the whole time
            here = np.ones(len(self.seconds), bool)
            counted = np.zeros(len(self.seconds), bool)
        else:
            counted = self.counted[here]
        return _Table(
            cut=self.cut,
            known=self.known,
            matched=[one for one, kept in zip(self.matched, own, strict=True) if kept],
            matched_units=self.matched_units[own],
            matched_metres=self.matched_metres[own],
            matched_groups={},
            false=[one for one, kept in zip(self.false, false, strict=True) if kept],
            false_units=self.false_units[false],
            false_groups={},
            seconds=self.seconds[here],
            metres=self.metres[here],
            counted=counted,
            right=self.right[here],
            answered=self.answered[here],
            dangerous=self.dangerous[here],
            onsets=self.onsets[here],
            units=self.units[here],
            groups={},
        )


def _joined(pieces: Sequence[Pieces]) -> dict[str, Any]:
    names = ("seconds", "metres", "counted", "right", "answered", "dangerous", "onsets")
    return {name: np.concatenate([getattr(one, name) for one in pieces]) for name in names}


def _units(drives: Sequence[DrivenDrive], cut: Cutting, seconds: Sequence[Sequence[float]]) -> IntArray:
    own = [
        cut.units(number, drive.truth.travelled, np.array(at, float).clip(0, drive.truth.length_s))
        for number, (drive, at) in enumerate(zip(drives, seconds, strict=True))
    ]
    return np.concatenate(own)


def _groups(drives: Sequence[DrivenDrive], events: Sequence[Sequence[DriveEvent]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {name: [] for name in (*GROUPS, "kind")}
    for drive, own in zip(drives, events, strict=True):
        last_s = max(0.0, drive.truth.length_s - 1e-6)  # behind the end no stretch is told
        at = groups_at(drive.truth, np.array([event.passed_s for event in own], float).clip(0, last_s))
        for name in GROUPS:
            groups[name] += at[name]
        groups["kind"] += [event.kind for event in own]
    return groups


def _confirmed_m(drive: DrivenDrive, matched: Sequence[Matched]) -> FloatArray:
    """(N,) metres before each sign at which it was answered, negative behind it; nan where it was not."""
    went = drive.truth.travelled
    ends = [
        (one.truth.passed_s + (np.nan if one.answer_s is None else one.answer_s), one.truth.passed_s)
        for one in matched
    ]
    answered, passed = np.array(ends, float).reshape(-1, 2).T
    return np.asarray(went.metres_at(passed) - went.metres_at(answered))


def _kpis(table: _Table) -> Kpis:
    return Kpis(**_event_kpis(table), **_limit_kpis(table))


def _event_kpis(table: _Table) -> dict[str, Measured]:
    cut, matched, units = table.cut, table.matched, table.matched_units

    def share(holds: Callable[[Matched], bool], of: Callable[[Matched], bool]) -> Measured:
        own = [i for i, one in enumerate(matched) if of(one)]
        return cut.share([holds(matched[i]) for i in own], units[own])

    def asked(one: Matched) -> bool:
        return one.asked

    answers = [(i, one.answer_s) for i, one in enumerate(matched) if one.asked and one.answer_s is not None]
    places = [i for i, _ in answers]
    known = [i for i in places if np.isfinite(table.matched_metres[i])]
    again = np.array([[k > 0, i] for i, one in enumerate(matched) for k in range(_times(one))], int).reshape(
        -1, 2
    )
    return {
        "event_kpi": share(lambda one: one.once and one.in_time, asked),
        "found": share(lambda one: one.found is not None, asked),
        "found_once": share(lambda one: one.once, asked),
        "right_class": share(lambda one: one.right_class, asked),
        "in_time": share(lambda one: one.in_time, asked),
        "limit_signs_before": share(_answered_before, lambda one: one.asked and one.of_limits),
        "plates_right": share(lambda one: one.plates_right, lambda one: bool(one.truth.plates)),
        "duplicates": cut.share(again[:, 0], units[again[:, 1]]),
        "answer_s_median": cut.quantile([s for _, s in answers], units[places], 0.5),
        "answer_s_p95": cut.quantile([s for _, s in answers], units[places], 0.95),
        "confirmed_m_median": cut.quantile(table.matched_metres[known].tolist(), units[known], 0.5),
        **_false_rates(table),
    }


def _times(one: Matched) -> int:
    """How often a true event was found."""
    return (one.found is not None) + len(one.again)


def _answered_before(one: Matched) -> bool:
    return one.answer_s is not None and one.answer_s <= 0


def _false_rates(table: _Table) -> dict[str, Measured]:
    sure = np.array([event.accepted for event in table.false], float)
    every = np.ones(len(table.false))
    rates = {"false_per_hour": every, "false_sure_per_hour": sure}
    return {
        name: table.cut.rate(counts, table.false_units, table.seconds, table.units, _PER_S)
        for name, counts in rates.items()
    }


def _limit_kpis(table: _Table) -> dict[str, Measured]:
    cut, own = table.cut, table.counted
    units, seconds, right = table.units[own], table.seconds[own], table.right[own]
    sizes = table.metres[own] if table.known else seconds
    danger = NOT_MEASURED
    if table.known:
        danger = cut.rate(table.onsets[own], units, sizes, units, _PER_M)
    return {
        "distance_kpi": cut.part(right, sizes, units),
        "time_kpi": cut.part(right, seconds, units),
        "answered": cut.part(table.answered[own], sizes, units),
        "dangerous_per_100_km": danger,
        "dangerous_share": cut.part(table.dangerous[own], sizes, units),
    }
