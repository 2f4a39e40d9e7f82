"""Whether two measurements of the same things rise together.  numpy and scipy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import ShapeError
from roadworthy.evaluate.statistics.intervals import Interval

_FEWEST = 3  # of two pairs any correlation is 1 or -1


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """Spearman's rank correlation of n pairs, in [-1, 1], and its percentile interval for other groups."""

    n: int
    value: float
    ci95: Interval


def rank_correlation(
    xs: ArrayLike,
    ys: ArrayLike,
    groups: Sequence[str] | IntArray | None = None,
    *,
    generator: np.random.Generator,
    repetitions: int = 1000,
) -> Correlation | None:
    """Spearman's rank correlation, its interval by bootstrap over whole groups.

    xs, ys: (N,), finite.  groups: (N,), which pairs go together; None for each alone.
    None where it is not defined: fewer than three pairs or two groups, or the same x or y everywhere.
    Resamples in which it is not defined are left out.
    Raises ShapeError where the Ns differ.
    Source: Spearman 1904, with mean ranks for ties; Davison and Hinkley 1997, section 3.8.
    """
    pairs = np.array([xs, ys], np.float64) if np.shape(xs) == np.shape(ys) else np.empty(0)
    names = np.arange(np.size(xs)) if groups is None else np.asarray(groups)
    if pairs.ndim != 2 or names.shape != pairs.shape[1:]:
        raise ShapeError(
            f"{np.size(xs)} xs, {np.size(ys)} ys and {names.size} groups arrived; each needs as many"
        )
    value = _spearman(pairs)
    _, codes = np.unique(names, return_inverse=True)
    count = int(codes.max(initial=-1)) + 1
    if value is None or count < 2:
        return None
    members = [np.flatnonzero(codes == code) for code in range(count)]
    draws = generator.integers(count, size=(repetitions, count))
    found = (_spearman(pairs[:, np.concatenate([members[code] for code in drawn])]) for drawn in draws)
    known = [one for one in found if one is not None]
    if not known:
        return None
    low, high = np.quantile(known, [0.025, 0.975])
    return Correlation(n=pairs.shape[1], value=value, ci95=(float(low), float(high)))


def _spearman(pairs: FloatArray) -> float | None:
    if pairs.shape[1] < _FEWEST or not np.ptp(pairs, axis=1).all():
        return None
    # scipy's own spearmanr adds a p, in several times the time.
    return float(np.corrcoef(rankdata(pairs, axis=1))[0, 1])
