"""How far a measured fraction may lie from the true one.  numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import ShapeError

Interval = tuple[float, float]

_DRAWS_AT_ONCE = 1 << 20  # bounds the memory of a bootstrap, whatever its size


def wilson(successes: float, n: float, confidence: float = 0.95) -> Interval:
    """Wilson score interval of a proportion.

    successes: in [0, n].  n: positive; need not be whole, so that an effective number of trials fits.
    Returns fractions in [0, 1]; the lower end of 0/n is 0 and the upper end of n/n is 1, exactly.
    Raises ValueError when n is 0, or successes or confidence lie outside their range.
    Source: Wilson 1927, eq. 7.
    """
    if not n > 0:
        raise ValueError(f"an interval needs at least one trial; got {successes} of {n}")
    if not 0 <= successes <= n:
        raise ValueError(f"successes lie between 0 and n; got {successes} of {n}")
    z = _two_sided_z(confidence)
    p, spread = successes / n, z * z / n
    centre = (p + spread / 2) / (1 + spread)
    half = z * sqrt(p * (1 - p) / n + spread / (4 * n)) / (1 + spread)
    lo = 0.0 if successes == 0 else max(0.0, centre - half)
    hi = 1.0 if successes == n else min(1.0, centre + half)
    return lo, hi


def bootstrap_mean(
    values: ArrayLike,
    groups: Sequence[str] | IntArray | None = None,
    *,
    generator: np.random.Generator,
    repetitions: int = 2000,
    confidence: float = 0.95,
) -> Interval | None:
    """Percentile bootstrap interval of the mean of `values`, whole groups drawn together.

    values: (N,).  groups: (N,), which values belong together (frames of one sign); None for each alone.
    Returns None where resampling cannot tell anything: there is one group only, or all groups have the
    same mean, so that every resample repeats it and the interval would claim certainty.
    Raises ShapeError when the Ns differ, ValueError when N or repetitions is 0.
    Source: Davison and Hinkley 1997, section 3.8 (clusters drawn with replacement, kept whole).
    """
    sums = np.asarray(values, dtype=np.float64)
    _check_bootstrap(sums, groups, repetitions, confidence)
    sizes = np.ones_like(sums)
    if groups is not None:
        _, codes = np.unique(np.asarray(groups), return_inverse=True)
        sums = np.bincount(codes, weights=sums).astype(np.float64)
        sizes = np.bincount(codes).astype(np.float64)
    return bootstrap_ratio(sums, sizes, generator=generator, repetitions=repetitions, confidence=confidence)


def bootstrap_ratio(
    tops: ArrayLike,
    bottoms: ArrayLike,
    *,
    generator: np.random.Generator,
    repetitions: int = 2000,
    confidence: float = 0.95,
) -> Interval | None:
    """Percentile bootstrap interval of the sum of `tops` over the sum of `bottoms`, such as metres of metres.

    tops, bottoms: (U,) of units that are drawn whole, bottoms 0 or more; a resample whose bottoms are all 0
    has no ratio and is left out.
    Returns None where resampling cannot tell anything, as `bootstrap_mean` does.
    Raises ShapeError when the Us differ, ValueError when U or repetitions is 0, or no bottom is above 0.
    Source: Davison and Hinkley 1997, section 2.8 (ratios) with whole clusters.
    """
    above, below = np.asarray(tops, np.float64), np.asarray(bottoms, np.float64)
    _check_bootstrap(above, None, repetitions, confidence)
    if above.shape != below.shape:
        raise ShapeError(f"a ratio takes as many tops as bottoms; got {above.shape} and {below.shape}")
    if not (below.min() >= 0 and below.any()):
        raise ValueError("bottoms must be 0 or more, and one of them above 0")
    if _all_alike(above, below):
        return None
    count, ratios = len(above), []
    rows = max(1, _DRAWS_AT_ONCE // count)
    for start in range(0, repetitions, rows):
        drawn = generator.integers(count, size=(min(rows, repetitions - start), count), dtype=np.int32)
        bottom = below[drawn].sum(axis=1)
        ratios.append(above[drawn].sum(axis=1)[bottom > 0] / bottom[bottom > 0])
    tail = (1 - confidence) / 2
    lo, hi = np.quantile(np.concatenate(ratios), [tail, 1 - tail])
    return float(lo), float(hi)


def _all_alike(tops: FloatArray, bottoms: FloatArray) -> bool:
    """Whether every resample has the same ratio: every unit has, or has nothing above and below."""
    some = bottoms > 0
    return bool(np.ptp(tops[some] / bottoms[some]) == 0 and not tops[~some].any())


def none_seen(n: float, confidence: float = 0.95) -> Interval:
    """Interval of how many there are per trial, where none was seen in n.

    n: positive; need not be whole.  At 95 % the upper end is 3.69 / n.
    Raises ValueError when n is 0, or confidence lies outside its range.
    Source: Garwood 1936 (the Poisson interval of a count of 0).
    """
    if not n > 0:
        raise ValueError(f"an interval needs at least one trial; got {n}")
    _two_sided_z(confidence)
    return 0.0, -log((1 - confidence) / 2) / n


def _two_sided_z(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies between 0 and 1, like 0.95; got {confidence}")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _check_bootstrap(
    values: np.ndarray, groups: Sequence[str] | IntArray | None, repetitions: int, confidence: float
) -> None:
    _two_sided_z(confidence)
    if values.ndim != 1 or (groups is not None and len(groups) != len(values)):
        given = "no groups" if groups is None else f"{len(groups)} groups"
        raise ShapeError(f"a bootstrap takes (N,) values and N groups; got values {values.shape}, {given}")
    if len(values) == 0 or repetitions < 1:
        raise ValueError(f"a bootstrap needs values and repetitions; got {len(values)} and {repetitions}")
