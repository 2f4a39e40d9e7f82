"""A drive cut into pieces in which nothing changes: which limit is true there, and which was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from roadworthy.core.arrays import BoolArray, FloatArray
from roadworthy.drive.kpi.drive_file import Stretch
from roadworthy.drive.kpi.matching import ANSWER_S
from roadworthy.drive.kpi.truth import DriveTruth
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.limits.tables import WITH_LIMIT

NOT_TOLD = "not told"
BANDS = (
    (50.0, "below 50 km/h"),
    (80.0, "50 to 80 km/h"),
    (100.0, "80 to 100 km/h"),
    (np.inf, "100 km/h and up"),
)
GROUPS = ("light", "weather", "road", "speed")
"""By what pieces are told apart, beside nothing."""
_STEP_S = 1.0  # of the grid; speeds by GPS and kilometres change within stretches


@dataclass(frozen=True, kw_only=True, eq=False)
class Pieces:
    """A drive in P pieces, in order.

    from_s: (P,).  seconds, metres: (P,) how long; metres are nan where distances are not known.
    counted: (P,) whether the truth knows the limit.  right: whether the same was given.
    answered: whether any limit was.  dangerous: whether a sure one above the true one was.
    groups: by each of GROUPS (P,) words.
    """

    from_s: FloatArray
    seconds: FloatArray
    metres: FloatArray
    counted: BoolArray
    right: BoolArray
    answered: BoolArray
    dangerous: BoolArray
    groups: dict[str, list[str]]

    @property
    def onsets(self) -> BoolArray:
        """(P,) whether a dangerous limit begins here."""
        before = np.concatenate([[False], self.dangerous[:-1]])
        return np.asarray(self.dangerous & ~before)


def pieces_of(truth: DriveTruth, limits: Sequence[LimitRow]) -> Pieces:
    """What was given in `limits` against what is true, from 0 to the end of the drive.

    Where the truth is unknown or depends on what nobody knows, nothing is counted.  No row is as good as
    unknown.  A limit that was right until the true one fell is dangerous only from 2.0 s after that: so
    long an answer may take.
    """
    edges = _edges(truth, limits)
    middles = (edges[:-1] + edges[1:]) / 2
    true, said = _values(truth.limits, middles), _values(limits, middles)
    with np.errstate(invalid="ignore"):  # unknown is nan, which is neither equal nor above
        dangerous = (said > true) & ~_still_in_time(truth.limits, middles, said)
        right = said == true
    went = truth.travelled
    return Pieces(
        from_s=edges[:-1],
        seconds=np.diff(edges),
        metres=np.diff(went.metres_at(edges)),
        counted=~np.isnan(true),
        right=right,
        answered=~np.isnan(said),
        dangerous=dangerous,
        groups=groups_at(truth, middles),
    )


def groups_at(truth: DriveTruth, seconds: FloatArray) -> dict[str, list[str]]:
    """Of each second of a drive the light, weather, road and band of speed, in words."""
    there = [_stretch_at(truth.stretches, second) for second in seconds.tolist()]
    words = {
        name: [(getattr(one, name) if one else "") or NOT_TOLD for one in there]
        for name in ("light", "weather", "road")
    }
    return {**words, "speed": [band_of(speed) for speed in truth.travelled.speeds_at(seconds).tolist()]}


def band_of(speed_kmh: float) -> str:
    """The band of a speed, in words."""
    return next((name for above, name in BANDS if speed_kmh < above), NOT_TOLD)


def _edges(truth: DriveTruth, limits: Sequence[LimitRow]) -> FloatArray:
    cuts = [s for row in (*truth.limits, *limits) for s in (row.from_s, row.to_s)]
    cuts += [row.from_s + ANSWER_S for row in truth.limits]
    cuts += [s for stretch in truth.stretches for s in (stretch.from_s, stretch.to_s)]
    cuts += np.arange(0.0, truth.length_s, _STEP_S).tolist()
    inner = [s for s in cuts if 0 < s < truth.length_s]
    return np.unique([0.0, *inner, truth.length_s])


def _values(rows: Sequence[LimitRow], seconds: FloatArray) -> FloatArray:
    """Km/h at each second, infinite where there is no limit; nan where none is known."""
    if not rows:
        return np.full(len(seconds), np.nan)
    begins = np.array([row.from_s for row in rows])
    place = np.searchsorted(begins, seconds, side="right") - 1
    within = (place >= 0) & (seconds < np.array([row.to_s for row in rows])[place])
    return np.where(within, np.array([_value(row) for row in rows])[place], np.nan)


def _value(row: LimitRow) -> float:
    if row.state == "unlimited":
        return float("inf")
    return float(row.limit) if row.state in WITH_LIMIT and row.limit is not None else float("nan")


def _still_in_time(rows: Sequence[LimitRow], seconds: FloatArray, said: FloatArray) -> BoolArray:
    """Whether what is said was true until less than 2.0 s ago."""
    waiting = np.zeros(len(seconds), bool)
    for before, after in pairwise(rows):
        soon = (seconds >= after.from_s) & (seconds < after.from_s + ANSWER_S)
        waiting |= soon & (said == _value(before))
    return waiting


def _stretch_at(stretches: Sequence[Stretch], second: float) -> Stretch | None:
    return next((one for one in stretches if one.from_s <= second < one.to_s), None)
