"""How far figures of drives may lie from what other drives would give: whole units are drawn again.

Units are drives; where there are few of them, stretches of 1 km of each, or of a minute where no distance is
known.  These are not independent of each other, so their intervals are too narrow rather than too wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.drive.kpi.travelled import Travelled
from roadworthy.evaluate.detection.results import NOT_MEASURED, Measured
from roadworthy.evaluate.detection.sampling import quantiles
from roadworthy.evaluate.statistics.intervals import bootstrap_mean, bootstrap_ratio, none_seen, wilson

Over = Literal["drives", "stretches of 1 km", "stretches of 60 s"]
ENOUGH_DRIVES = 8
"""From so many on whole drives are drawn; fewer give intervals that cannot be relied on."""
REPETITIONS = 1000
_UNIT_M, _UNIT_S = 1000.0, 60.0


@dataclass(frozen=True, kw_only=True)
class Cutting:
    """How drives are cut into units.  over: what these are.  seed: of the drawing."""

    over: Over
    seed: int = 0
    repetitions: int = REPETITIONS

    def units(self, drive: int, went: Travelled, seconds: ArrayLike) -> IntArray:
        """(N, 2) the unit of each second of a drive: the drive's number, and the stretch's within it."""
        at = np.asarray(seconds, np.float64)
        inner: FloatArray = np.zeros(len(at))
        if self.over == "stretches of 1 km":
            inner = went.metres_at(at) // _UNIT_M
        elif self.over == "stretches of 60 s":
            inner = at // _UNIT_S
        return np.stack([np.full(len(at), drive), inner.astype(int)], axis=1)

    def generator(self) -> np.random.Generator:
        """The same each time, so that no figure depends on which others were asked for before."""
        return np.random.default_rng(self.seed)

    def share(self, holds: ArrayLike, units: IntArray) -> Measured:
        """The share of events that hold; units: (N, 2).

        Where all units agree, Wilson's interval with as many trials as units.
        """
        values = np.asarray(holds, np.float64)
        if not len(values):
            return NOT_MEASURED
        codes = numbered(units)
        found = bootstrap_mean(values, codes, generator=self.generator(), repetitions=self.repetitions)
        return Measured(
            value=float(values.mean()), n=len(values), ci95=found or _wilson(values.mean(), codes)
        )

    def part(self, holds: ArrayLike, sizes: ArrayLike, units: IntArray) -> Measured:
        """The part of all metres or seconds for which it holds; n is their sum, rounded."""
        size = np.asarray(sizes, np.float64)
        total = float(size.sum())
        if not total > 0:
            return NOT_MEASURED
        codes = numbered(units)
        top, bottom = (np.bincount(codes, weights=w) for w in (size * np.asarray(holds, bool), size))
        found = bootstrap_ratio(top, bottom, generator=self.generator(), repetitions=self.repetitions)
        value = min(1.0, float(top.sum()) / total)
        return Measured(value=value, n=round(total), ci95=found or _wilson(value, codes))

    def rate(
        self, counts: ArrayLike, units: IntArray, exposure: ArrayLike, where: IntArray, per: float
    ) -> Measured:
        """How many there are for each `per` of the exposure, metres or seconds; n is how many there are.

        counts: (N,) at `units`.  exposure: (P,) at `where`.  Where there are none, Garwood's interval.
        """
        amount, own = np.asarray(exposure, np.float64), np.asarray(counts, np.float64)
        total = float(amount.sum())
        if not total > 0:
            return NOT_MEASURED
        n = round(float(own.sum()))
        codes = numbered(np.concatenate([units.reshape(-1, 2), where]))
        size = int(codes.max()) + 1
        top = np.bincount(codes[: len(own)], weights=own, minlength=size)
        bottom = np.bincount(codes[len(own) :], weights=amount, minlength=size)
        if not n:
            low, high = none_seen(total / per)
            return Measured(value=0.0, n=0, ci95=(low, high))
        found = bootstrap_ratio(top * per, bottom, generator=self.generator(), repetitions=self.repetitions)
        return Measured(value=n * per / total, n=n, ci95=found)

    def quantile(self, values: Sequence[float], units: IntArray, share: float) -> Measured:
        """The median (0.5), the 95th percentile (0.95) and the like; linear between values."""
        known = np.asarray(values, np.float64)
        if not len(known):
            return NOT_MEASURED
        codes = numbered(units)
        own = [known[codes == code] for code in range(int(codes.max()) + 1)]
        ends = None
        if len(own) > 1:
            drawn = self.generator().integers(len(own), size=(self.repetitions, len(own)))
            ends = quantiles(
                np.array([np.quantile(np.concatenate([own[i] for i in row]), share) for row in drawn])
            )
        return Measured(value=float(np.quantile(known, share)), n=len(known), ci95=ends)


def cutting(went: Sequence[Travelled], *, seed: int = 0, repetitions: int = REPETITIONS) -> Cutting:
    """How to cut these drives: not at all where there are enough of them."""
    over: Over = "stretches of 1 km"
    if len(went) >= ENOUGH_DRIVES:
        over = "drives"
    elif any(one.source == "time" for one in went):
        over = "stretches of 60 s"
    return Cutting(over=over, seed=seed, repetitions=repetitions)


def numbered(units: IntArray) -> IntArray:
    """(N,) numbers from 0 of (N, 2) units, the same for the same."""
    _, codes = np.unique(units, axis=0, return_inverse=True)
    return np.asarray(codes).reshape(-1)


def _wilson(value: float | FloatArray, codes: IntArray) -> tuple[float, float]:
    trials = len(np.unique(codes))
    return wilson(min(float(value), 1.0) * trials, trials)
