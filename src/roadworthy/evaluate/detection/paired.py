"""One finder against another on the same frames, with the interval of the difference.  numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.config import DangerConfig
from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import DataError
from roadworthy.core.finder_predictions import FinderPredictions, FrameResult
from roadworthy.evaluate.detection.free_response import Sweep, average_precision, resampled_weights
from roadworthy.evaluate.detection.sampling import quantiles
from roadworthy.evaluate.detection.sure import sure_boxes, wrong_per_frame
from roadworthy.evaluate.detection.tally import tally, units_of
from roadworthy.evaluate.statistics.intervals import Interval

RATE = 0.1  # false alarms a frame, at which recall is compared


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One figure of a and of b, a minus b, and its interval for other frames; None where all resamples agree.

    low_is_good: of false alarms, not of recall.
    """

    name: str
    a: float | None
    b: float | None
    effect: float | None
    ci95: Interval | None
    low_is_good: bool = False

    @property
    def verdict(self) -> str:
        """`better` or `worse`, of a; `no difference shown` where the interval holds 0 or is not known."""
        if self.ci95 is None or self.ci95[0] <= 0 <= self.ci95[1]:
            return "no difference shown"
        return "better" if (self.ci95[0] > 0) != self.low_is_good else "worse"


@dataclass(frozen=True, kw_only=True)
class FinderComparison:
    """Two finders on the frames that both were measured on.

    left_out: frames that one alone was measured on.  over: `frames`, or `sequences` where those are known.
    """

    a: str
    b: str
    frames: int
    signs: int
    left_out: int
    over: str
    differences: tuple[Difference, ...]


def compare_finders(
    a: FinderPredictions,
    b: FinderPredictions,
    *,
    names: tuple[str, str] = ("a", "b"),
    rate: float = RATE,
    repetitions: int = 2000,
    seed: int = 0,
) -> FinderComparison:
    """Recall at `rate` false alarms a frame, average precision, and sure wrong boxes a frame.

    The same frames are drawn for both in each resample, and the thresholds for `rate` chosen anew.
    Raises DataError where no frame is common to both, or one shows other signs to the one than to the other.
    """
    one, other = _common(a, b, names)
    tallies = [tally(one), tally(other)]
    sweeps = [Sweep(counted) for counted in tallies]
    wrong = [_wrong(predictions) for predictions in (one, other)]

    def figures(weights: FloatArray) -> list[float]:
        curves = [sweep.curve(weights) for sweep in sweeps]
        return [
            *(curve.recall_at(rate) for curve in curves),
            *(average_precision(curve) for curve in curves),
            *(np.nan if counts is None else float(weights @ counts / weights.sum()) for counts in wrong),
        ]

    plain = figures(np.ones(len(one.frames)))
    units = units_of(one)
    draws = resampled_weights(units, repetitions, np.random.default_rng(seed))
    drawn = np.array([figures(weights) for weights in draws])
    titles = (f"recall at {rate:g} false a frame", "AP50", "sure wrong a frame")
    return FinderComparison(
        a=names[0],
        b=names[1],
        frames=len(one.frames),
        signs=len(tallies[0].signs),
        left_out=len({frame.path for frame in (*a.frames, *b.frames)}) - len(one.frames),
        over="sequences" if tallies[0].clustered else "frames",
        differences=tuple(
            _difference(title, plain[2 * i : 2 * i + 2], drawn[:, 2 * i : 2 * i + 2], low_is_good=i == 2)
            for i, title in enumerate(titles)
        ),
    )


def _difference(name: str, plain: Sequence[float], drawn: FloatArray, low_is_good: bool) -> Difference:
    a, b = (None if np.isnan(value) else float(value) for value in plain)
    known = a is not None and b is not None
    return Difference(
        name=name,
        a=a,
        b=b,
        effect=plain[0] - plain[1] if known else None,
        ci95=quantiles(drawn[:, 0] - drawn[:, 1]) if known else None,
        low_is_good=low_is_good,
    )


def _wrong(predictions: FinderPredictions) -> IntArray | None:
    """(F,) sure and wrong boxes of each frame; None without a reader."""
    if not predictions.read_too:
        return None
    return wrong_per_frame(list(sure_boxes(predictions, DangerConfig())), len(predictions.frames))


def _common(
    a: FinderPredictions, b: FinderPredictions, names: tuple[str, str]
) -> tuple[FinderPredictions, FinderPredictions]:
    """Both on the frames that they share, in the order of the first."""
    others = {frame.path: frame for frame in b.frames}
    pairs = [(frame, others[frame.path]) for frame in a.frames if frame.path in others]
    if not pairs:
        raise DataError(
            f"{names[0]} and {names[1]} have no frame in common; "
            "compare runs that were measured on the same split"
        )
    for one, other in pairs:
        if not _same_signs(one, other):
            raise DataError(
                f"{one.path} has other signs marked in {names[0]} than in {names[1]}; "
                "measure both on the same set again"
            )
    left, right = zip(*pairs, strict=True)
    return (
        FinderPredictions(frames=left, threshold=a.threshold),
        FinderPredictions(frames=right, threshold=b.threshold),
    )


def _same_signs(one: FrameResult, other: FrameResult) -> bool:
    return (
        one.labels == other.labels
        and np.array_equal(one.wanted, other.wanted)
        and np.array_equal(one.ignore, other.ignore)
    )
