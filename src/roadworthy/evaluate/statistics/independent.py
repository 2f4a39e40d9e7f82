"""How far a network is right more or less often on one set than on another that shares no sign with it.

Other than in `verdicts`, where two networks answer to the same pictures, nothing is paired here.  numpy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from roadworthy.core.arrays import BoolArray, IntArray
from roadworthy.evaluate.statistics.intervals import Interval, bootstrap_mean, wilson

METHOD = (
    "two independent samples of signs; each share's interval is a bootstrap over its signs, or Wilson's with "
    "as many trials as signs where that says nothing; combined by their distances (Zou and Donner 2008)"
)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value with its 95 % interval, all fractions; of differences from -1 to 1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a network answered to one set.

    right: (N,) whether each answer is.  targets: (N,) classes, numbered alike in both sets.
    signs: (N,) which sign each picture shows, or None where that is unknown.
    frames_per_sign: how many pictures show one sign, for sets that do not say which.
    """

    right: BoolArray
    targets: IntArray
    signs: IntArray | None = None
    frames_per_sign: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Change:
    """A share on a new set against an old one, and new minus old."""

    old: Estimate
    new: Estimate
    difference: Estimate


def change(old: Sample, new: Sample, generator: np.random.Generator) -> Change:
    """The change in accuracy from one set to another, whatever classes either holds."""
    before, after = (share_right(one, generator) for one in (old, new))
    return Change(old=before, new=after, difference=combined([after, before], [1.0, -1.0]))


def change_by_class(old: Sample, new: Sample, generator: np.random.Generator) -> dict[int, Change]:
    """The change in the recall of every class that both sets hold, by its number."""
    both = np.intersect1d(old.targets, new.targets).tolist()
    return {label: change(_of_class(old, label), _of_class(new, label), generator) for label in both}


def mean_change(changes: Sequence[Change]) -> Change:
    """The change in the mean recall of some classes, each of which counts alike."""
    share = 1 / len(changes)
    old, new = [one.old for one in changes], [one.new for one in changes]
    weights = [share] * len(changes)
    return Change(
        old=combined(old, weights),
        new=combined(new, weights),
        difference=combined([*new, *old], [*weights, *(-weight for weight in weights)]),
    )


def share_right(sample: Sample, generator: np.random.Generator) -> Estimate:
    """The share of right answers, with an interval over signs."""
    n, value = len(sample.right), float(sample.right.mean())
    found: Interval | None = None
    trials = n / sample.frames_per_sign
    if sample.signs is not None:
        found = bootstrap_mean(sample.right, sample.signs, generator=generator)
        trials = len(np.unique(sample.signs))
    low, high = found or wilson(value * trials, trials)
    return Estimate(value=value, low=low, high=high)


def combined(estimates: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """A weighted sum of independent estimates, its interval from theirs.

    Each end lies as far from the sum as the weighted distances of the parts' ends add up to, squared.
    Of two shares with Wilson's intervals, weights 1 and -1, that is Newcombe's interval (1998, method 10).
    Source: Zou and Donner 2008, eq. 3.
    """
    value = sum(w * one.value for one, w in zip(estimates, weights, strict=True))
    below = above = 0.0
    for one, weight in zip(estimates, weights, strict=True):
        ends = sorted((weight * one.low, weight * one.high))
        below += (weight * one.value - ends[0]) ** 2
        above += (ends[1] - weight * one.value) ** 2
    return Estimate(value=value, low=value - sqrt(below), high=value + sqrt(above))


def _of_class(sample: Sample, label: int) -> Sample:
    own = sample.targets == label
    return Sample(
        right=sample.right[own],
        targets=sample.targets[own],
        signs=None if sample.signs is None else sample.signs[own],
        frames_per_sign=sample.frames_per_sign,
    )
