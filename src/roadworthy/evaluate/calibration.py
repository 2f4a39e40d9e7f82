"""Making confidence honest: one temperature, fitted on validation, and the check of it.

numpy only, but for the fit, which takes scipy's root finder.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import ShapeError
from roadworthy.core.predictions import probabilities
from roadworthy.evaluate.results import ReliabilityBin
from roadworthy.evaluate.statistics.intervals import wilson

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0
_PRECISION = 1e-13  # of the temperature's logarithm


def fit_temperature(logits: FloatArray, targets: IntArray) -> float:
    """The temperature that makes the answers for `logits` as likely as possible, one mistake assumed.

    logits: (N, C), finite.  targets: (N,), integers in [0, C).
    The answers and their order stay as they are; only confidence changes.  Where every answer is right,
    likelihood alone asks for certainty (temperature 0), and a thousand right answers are no proof of that.
    So one mistake in N + 2 is added, after Laplace's rule of succession: of every picture a share of
    1 / (N + 2) counts as its likeliest other class.  This errs towards less confidence, less so as N grows.
    Returns a value in [0.05, 20]; 1 where the logits tell no classes apart.
    Raises ShapeError when the shapes do not fit, ValueError on labels or logits out of range.
    Source: Guo et al. 2017, section 4.2; the added mistake after Platt 1999, section 2.2.
    """
    scores, labels = _checked(logits, targets)
    n = len(labels)
    rows = np.arange(n)
    if scores.shape[1] == 1 or np.ptp(scores, axis=1).max() == 0:
        return 1.0
    others = scores.copy()
    others[rows, labels] = -np.inf
    mistake = 1 / (n + 2)
    wanted = (1 - mistake) * scores[rows, labels].mean() + mistake * others.max(axis=1).mean()

    def slope(log_temperature: float) -> float:
        """Of the loss, which is convex in 1 / temperature: mean logit expected less mean logit wanted."""
        expected = (probabilities(scores, float(np.exp(log_temperature))) * scores).sum(axis=1).mean()
        return float(expected - wanted)

    return _root(slope)


def _root(slope: Callable[[float], float]) -> float:
    """The temperature at which a slope that falls with it is 0; the nearer end where it is so nowhere."""
    from scipy.optimize import brentq  # of [train], as is all that fits a temperature

    low, high = np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE)
    if slope(low) <= 0:
        return MIN_TEMPERATURE
    if slope(high) >= 0:
        return MAX_TEMPERATURE
    return float(np.exp(brentq(slope, low, high, xtol=_PRECISION)))


def reliability(probs: FloatArray, targets: IntArray, num_bins: int = 15) -> tuple[ReliabilityBin, ...]:
    """Confidence against accuracy, in equal bins of confidence; empty bins are left out.

    probs: (N, C), rows sum to 1.  targets: (N,), integers in [0, C).
    Bins are (lo, hi]; confidence 1.0 belongs to the last.
    Raises ShapeError when the Ns differ, ValueError when N or num_bins is 0.
    """
    if num_bins < 1:
        raise ValueError(f"reliability needs at least one bin; got {num_bins}")
    likely, labels = _checked(probs, targets)
    confidence, right = likely.max(axis=1), likely.argmax(axis=1) == labels
    edges = np.arange(num_bins + 1) / num_bins
    # Rounding may put a confidence a hair above 1, or an edge a hair off its decimal name.
    bins = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, num_bins - 1)
    return tuple(
        ReliabilityBin(
            lo=float(edges[i]),
            hi=float(edges[i + 1]),
            n=int(inside.sum()),
            confidence=float(confidence[inside].mean()),
            accuracy=float(right[inside].mean()),
            accuracy_ci95=wilson(int(right[inside].sum()), int(inside.sum())),
        )
        for i in np.unique(bins)
        for inside in [bins == i]
    )


def _checked(scores: FloatArray, targets: IntArray) -> tuple[FloatArray, IntArray]:
    scores, targets = np.asarray(scores, dtype=np.float64), np.asarray(targets)
    if scores.ndim != 2 or targets.shape != scores.shape[:1] or scores.shape[1] == 0:
        raise ShapeError(f"scores must be (N, C) and targets (N,); got {scores.shape} and {targets.shape}")
    if len(targets) == 0:
        raise ValueError("there are no pictures to measure; at least one is needed")
    if targets.min() < 0 or targets.max() >= scores.shape[1]:
        raise ValueError(
            f"targets run from {targets.min()} to {targets.max()}; with {scores.shape[1]} classes "
            f"they must lie between 0 and {scores.shape[1] - 1}"
        )
    if not np.isfinite(scores).all():
        raise ValueError("some scores are not finite; every class needs a number")
    return scores, targets


def expected_calibration_error(probs: FloatArray, targets: IntArray, num_bins: int = 15) -> float:
    """Gap between confidence and accuracy, weighted by how many predictions a bin holds.

    probs: (N, C), rows sum to 1.  targets: (N,), integers in [0, C).
    Bins are (lo, hi]; confidence 1.0 belongs to the last.  Returns a fraction in [0, 1].
    Raises ShapeError when the Ns differ, ValueError when N is 0.
    Source: Guo et al. 2017, eq. 3.
    """
    bins = reliability(probs, targets, num_bins)
    return sum(b.n * abs(b.confidence - b.accuracy) for b in bins) / len(targets)
