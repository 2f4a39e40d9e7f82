"""How far figures of a finder may lie from what other frames would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.evaluate.detection.free_response import Sweep, average_precision, resampled_weights
from roadworthy.evaluate.detection.results import NOT_MEASURED, Measured
from roadworthy.evaluate.detection.sizes import SizeBounds, within
from roadworthy.evaluate.detection.tally import Tally
from roadworthy.evaluate.statistics.intervals import Interval, bootstrap_mean, none_seen, wilson


@dataclass(frozen=True, kw_only=True, eq=False)
class Sampling:
    """What is taken as independent: whole sequences where they are known, else frames.

    units: (F,) the number of each frame's sequence, or its own.  repetitions: resamples of a bootstrap.
    """

    units: IntArray
    clustered: bool
    repetitions: int
    seed: int

    @property
    def count(self) -> int:
        """How many units there are."""
        return len(np.unique(self.units))

    def generator(self) -> np.random.Generator:
        """The same each time, so that no figure depends on which others were asked for before."""
        return np.random.default_rng(self.seed)

    def share(self, values: ArrayLike, frames: IntArray) -> Measured:
        """The share of things that hold, such as signs found; frames: the frame of each.

        Its interval is Wilson's, things as independent; where sequences are known a bootstrap over them, or
        Wilson's with as many trials as sequences where that says nothing.
        """
        holds = np.asarray(values, bool)
        n = len(holds)
        if not n:
            return NOT_MEASURED
        if not self.clustered:
            return Measured(value=float(holds.mean()), n=n, ci95=wilson(int(holds.sum()), n))
        units = self.units[frames]
        found = bootstrap_mean(holds, units, generator=self.generator(), repetitions=self.repetitions)
        trials = len(np.unique(units))
        return Measured(
            value=float(holds.mean()), n=n, ci95=found or wilson(float(holds.mean()) * trials, trials)
        )

    def rate(self, counts: IntArray) -> Measured:
        """(F,) counts as so many a frame, with a bootstrap over units, or Garwood's interval of none seen."""
        found = bootstrap_mean(counts, self.units, generator=self.generator(), repetitions=self.repetitions)
        if found is None and not counts.any():
            found = none_seen(self.count)
        return Measured(value=float(counts.mean()), n=len(counts), ci95=found)

    def median(self, values: FloatArray) -> Measured:
        """The median of what was measured of frames, taken as independent, with its bootstrap."""
        n = len(values)
        if not n:
            return NOT_MEASURED
        ends = None
        if n > 1:
            drawn = self.generator().integers(n, size=(self.repetitions, n), dtype=np.int32)
            ends = quantiles(np.median(values[drawn], axis=1))
        return Measured(value=float(np.median(values)), n=n, ci95=ends)


@dataclass(frozen=True, kw_only=True)
class Resampled:
    """Intervals of what no frame has alone; None where resampling says nothing.

    precision, precision_all_points: of average precision.
    recall: of recall at numbers of false alarms a frame, a row for each, of classes of size, a column for
        each; the threshold is chosen anew in each resample.
    """

    precision: Interval | None
    precision_all_points: Interval | None
    recall: tuple[tuple[Interval | None, ...], ...]


def resampled(
    counted: Tally, sampling: Sampling, rates: Sequence[float], classes: Sequence[SizeBounds]
) -> Resampled:
    """Percentile bootstrap over units of average precision, and of recall at `rates` by size."""
    sweep, signs = Sweep(counted), counted.signs
    own_SC = np.stack([within(signs.sides, bounds) for bounds in classes], axis=1).astype(np.float64)
    precisions, recalls = [], []
    for weights in resampled_weights(sampling.units, sampling.repetitions, sampling.generator()):
        curve = sweep.curve(weights)
        precisions.append((average_precision(curve), average_precision(curve, points=None)))
        found_RS = np.array([signs.scores >= curve.threshold_for(rate) for rate in rates], np.float64)
        drawn_SC = weights[signs.frames, None] * own_SC
        with np.errstate(invalid="ignore"):  # a class of which no sign was drawn: NaN
            recalls.append(found_RS @ drawn_SC / drawn_SC.sum(axis=0))
    precision, all_points = (quantiles(column) for column in np.array(precisions).T)
    drawn_NRC = np.array(recalls)
    return Resampled(
        precision=precision,
        precision_all_points=all_points,
        recall=tuple(
            tuple(quantiles(drawn_NRC[:, r, c]) for c in range(len(classes))) for r in range(len(rates))
        ),
    )


def quantiles(values: FloatArray) -> Interval | None:
    """The 95 % percentile interval of resampled figures, those undefined left out; None where all agree."""
    known = values[~np.isnan(values)]
    if not len(known) or np.ptp(known) == 0:
        return None
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)


def hull(one: Interval | None, other: Interval | None) -> Interval | None:
    """The interval that holds both; one alone where the other is unknown."""
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])
