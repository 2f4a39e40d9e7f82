"""Without labels: how often a network is right, and whether what it is shown has changed.  No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.registry import Registry
from roadworthy.evaluate.statistics.intervals import bootstrap_mean


@dataclass(frozen=True, kw_only=True)
class Known:
    """What confidence was worth on pictures with labels.

    n: pictures.  accuracy, in [0, 1], and its standard error.  confidence: the mean, in [0, 1].
    threshold: the share of pictures whose confidence is above it is the accuracy.
    """

    n: int
    accuracy: float
    accuracy_se: float
    confidence: float
    threshold: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An accuracy that was estimated, with its 95 % interval.

    The interval is of the pictures that were drawn; how far confidence itself is off under a change of
    domain is in docs/results/drift.md, and no interval holds it.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Change:
    """One trait of the pictures now and before.

    now, before: medians.  p: of no change, by signs (Kolmogorov and Smirnov, two samples).
    """

    trait: str
    now: float
    before: float
    p: float


def known_of(confidences: FloatArray, right: FloatArray, signs: Sequence[str] | IntArray | None) -> Known:
    """What (N,) confidences were worth, given which of the N answers were right.

    signs: (N,) which sign each picture shows, for the standard error; None where each shows its own.
    """
    accuracy = float(np.mean(right))
    return Known(
        n=len(right),
        accuracy=accuracy,
        accuracy_se=_standard_error(np.asarray(right, np.float64), signs),
        confidence=float(np.mean(confidences)),
        threshold=float(np.quantile(confidences, 1 - accuracy)) if accuracy < 1 else 0.0,
    )


ESTIMATORS: Registry[Any] = Registry("estimate of accuracy")


@ESTIMATORS.register("thresholded confidence")
def thresholded(known: Known, confidences: FloatArray) -> FloatArray:
    """(N,) whose mean is the accuracy: 1 where confidence is above the threshold where labels were known.

    Source: Garg et al. 2022, average thresholded confidence.
    """
    return np.asarray(confidences > known.threshold, np.float64)


@ESTIMATORS.register("difference of confidence")
def difference(known: Known, confidences: FloatArray) -> FloatArray:
    """(N,) whose mean is the accuracy: what was known, plus how much surer the network is now.

    Source: Guillory et al. 2021.
    """
    return np.asarray(known.accuracy + confidences - known.confidence, np.float64)


def estimate(
    method: str,
    known: Known,
    confidences: FloatArray,
    signs: Sequence[str] | IntArray | None,
    generator: np.random.Generator,
) -> Estimate:
    """The accuracy on pictures of which only the (N,) confidences are known, by a method of ESTIMATORS.

    signs: as in `known_of`; they are drawn whole.
    """
    values = ESTIMATORS.get(method)(known, confidences)
    middle = float(values.mean())
    interval = bootstrap_mean(values, signs, generator=generator)
    # What was known was measured on a sample, too; both spreads add up as independent ones do.
    low, high = (middle, middle) if interval is None else interval
    reach = 1.96 * known.accuracy_se
    low, high = middle - np.hypot(middle - low, reach), middle + np.hypot(high - middle, reach)
    return Estimate(value=_share(middle), low=_share(low), high=_share(high))


def changes(
    now: Mapping[str, FloatArray],
    before: Mapping[str, FloatArray],
    signs_now: Sequence[str] | IntArray | None,
    signs_before: Sequence[str] | IntArray | None,
) -> list[Change]:
    """Each trait of both, most changed first; a sign counts once, by the median of its pictures.

    now, before: (N,) and (M,) numbers by trait.
    """
    found = []
    for trait in now:
        new, old = _by_sign(now[trait], signs_now), _by_sign(before[trait], signs_before)
        if not (len(new) and len(old)):
            continue
        found.append(
            Change(
                trait=trait,
                now=float(np.median(new)),
                before=float(np.median(old)),
                p=float(stats.ks_2samp(new, old).pvalue),
            )
        )
    return sorted(found, key=lambda change: change.p)


def alarming(found: Sequence[Change], rate: float) -> list[Change]:
    """The changes that no more than `rate` of looks at unchanged pictures would show in any trait.

    Bonferroni's correction over the traits, so the rate is an upper bound.
    """
    return [change for change in found if change.p < rate / len(found)]


def _by_sign(values: FloatArray, signs: Sequence[str] | IntArray | None) -> FloatArray:
    """One number a sign, NaN left out."""
    there = np.isfinite(values)
    if signs is None:
        return np.asarray(values[there])
    names = np.asarray(signs)[there]
    numbers = np.unique(names, return_inverse=True)[1]
    order = np.argsort(numbers, kind="stable")
    parts = np.split(values[there][order], np.flatnonzero(np.diff(numbers[order])) + 1)
    return np.array([np.median(part) for part in parts if len(part)])


def _standard_error(values: FloatArray, signs: Sequence[str] | IntArray | None) -> float:
    if signs is None:
        return float(values.std() / np.sqrt(len(values)))
    numbers = np.unique(np.asarray(signs), return_inverse=True)[1]
    off = np.bincount(numbers, values - values.mean()) / len(values)
    return float(np.sqrt(np.square(off).sum()))


def _share(value: float) -> float:
    return float(min(1.0, max(0.0, value)))
