"""How two sets of pictures differ, in numbers and in the words that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import ShapeError
from roadworthy.evaluate.analysis.causes import auroc
from roadworthy.evaluate.analysis.traits import TRAITS, Pictures
from roadworthy.evaluate.statistics.intervals import Interval

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# What a picture is like, whatever it shows; traits that need a class's training pictures are left out.
LOOKS = (
    "size",
    "framing",
    "brightness",
    "contrast",
    "saturation",
    "warmth",
    "sharpness",
    "noise",
    "tilt",
)
WORDS: Mapping[str, tuple[str, str]] = {
    "size": ("smaller", "larger"),
    "framing": ("looser framed", "tighter framed"),
    "brightness": ("darker", "brighter"),
    "contrast": ("flatter", "richer in contrast"),
    "saturation": ("paler", "more colourful"),
    "warmth": ("bluer", "redder"),
    "sharpness": ("softer", "sharper"),
    "noise": ("cleaner", "noisier"),
    "tilt": ("straighter", "more tilted"),
}
# Chances that one picture has more of something than another, for differences of 0.2, 0.5 and 0.8
# standard deviations: small, medium and large after Cohen 1988.
_DEGREES = ((0.714, "much "), (0.638, ""), (0.556, "a little "))
_FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One look of pictures, old against new, classes weighing alike in both.

    old, new: medians.  more: chance that a new picture has more of it than an old one of its class, with
    its interval over signs.  distance: Wasserstein's, in standard deviations of the old.
    """

    look: str
    old: float
    new: float
    more: float
    ci95: Interval
    distance: float

    @property
    def words(self) -> str:
        """Like `much darker`; empty where the difference is less than small or not beyond chance."""
        if self.ci95[0] <= 0.5 <= self.ci95[1]:
            return ""
        far = max(self.more, 1 - self.more)
        degree = next((words for least, words in _DEGREES if far >= least), None)
        return "" if degree is None else degree + WORDS[self.look][self.more > 0.5]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One set: its looks by name, (N,) each, its classes (N,), and the sign that each picture shows."""

    looks: Mapping[str, FloatArray]
    targets: IntArray
    groups: Sequence[str]

    @property
    def units(self) -> IntArray:
        """(N,) numbers of the signs; a picture without one is a sign of its own."""
        names = [group or f"picture {i}" for i, group in enumerate(self.groups)]
        return np.unique(names, return_inverse=True)[1]


def looks(pictures: Pictures) -> dict[str, FloatArray]:
    """Every look of the pictures, (N,) each; NaN where one has none."""
    return {name: TRAITS.get(name)(pictures) for name in LOOKS}


def shifts(old: Seen, new: Seen, generator: np.random.Generator, repetitions: int = 200) -> list[Shift]:
    """How each look differs over the classes that both sets have, the largest difference first.

    A class counts as much as the smaller of its two shares, so that other proportions of classes are no
    difference.  The interval resamples signs.
    """
    shared = np.intersect1d(old.targets, new.targets)
    found = [
        _shift(name, old, new, shared, generator, repetitions)
        for name in old.looks
        if np.isfinite(old.looks[name]).any() and np.isfinite(new.looks[name]).any()
    ]
    return sorted(found, key=lambda shift: -abs(shift.more - 0.5))


def _shift(
    name: str, old: Seen, new: Seen, shared: IntArray, generator: np.random.Generator, repetitions: int
) -> Shift:
    both = [_by_class(seen, name, shared) for seen in (old, new)]
    pairs = [(one, two) for one, two in zip(both[0], both[1], strict=True) if one and two]
    values = [(np.concatenate(one), np.concatenate(two)) for one, two in pairs]
    sizes = [min(len(one), len(two)) for one, two in values]
    more = np.average([_chance(one, two) for one, two in values], weights=sizes)
    drawn = [
        np.average(
            [_chance(_resampled(one, generator), _resampled(two, generator)) for one, two in pairs],
            weights=sizes,
        )
        for _ in range(repetitions)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    before, after = (
        np.sort(np.concatenate([_quantiles(pair[i], n) for pair, n in zip(values, sizes, strict=True)]))
        for i in range(2)
    )
    return Shift(
        look=name,
        old=float(np.median(before)),
        new=float(np.median(after)),
        more=float(more),
        ci95=(float(low), float(high)),
        distance=float(np.abs(before - after).mean() / max(float(before.std()), 1e-9)),
    )


def _by_class(seen: Seen, name: str, classes: IntArray) -> list[list[FloatArray]]:
    """For each class the known values of a look, sign by sign."""
    units = seen.units
    found = []
    for target in classes:
        rows = np.flatnonzero((seen.targets == target) & np.isfinite(seen.looks[name]))
        rows = rows[np.argsort(units[rows], kind="stable")]
        _, starts = np.unique(units[rows], return_index=True)
        found.append(np.split(seen.looks[name][rows], starts[1:]) if len(rows) else [])
    return found


def _chance(old: FloatArray, new: FloatArray) -> float:
    """That a new value is larger than an old one, ties by half."""
    return auroc(np.concatenate([old, new]), np.repeat([0.0, 1.0], [len(old), len(new)]))


def _resampled(signs: Sequence[FloatArray], generator: np.random.Generator) -> FloatArray:
    """The values of as many signs as there are, drawn with replacement."""
    return np.concatenate([signs[i] for i in generator.integers(len(signs), size=len(signs)).tolist()])


def _quantiles(values: FloatArray, n: int) -> FloatArray:
    return np.asarray(np.quantile(values, (np.arange(n) + 0.5) / n))


def in_words(found: Sequence[Shift]) -> str:
    """What stands out, like `much darker, a little softer`; or that nothing does."""
    words = [shift.words for shift in found if shift.words]
    return ", ".join(words) if words else "no look differs beyond chance"


def frechet_distance(old_ND: FloatArray, new_ND: FloatArray) -> float:
    """Fréchet distance between two clouds of features, as if both were Gaussian; 0 for equal ones.

    Source: Heusel et al. 2017, with features of any network.  It shrinks with more pictures: compare only
    distances between sets of like sizes.
    """
    if old_ND.ndim != 2 or new_ND.ndim != 2 or old_ND.shape[1] != new_ND.shape[1]:
        raise ShapeError(f"features must be (N, D) with one D; got {old_ND.shape} and {new_ND.shape}")
    apart = old_ND.mean(axis=0) - new_ND.mean(axis=0)
    one, two = (np.atleast_2d(np.cov(side, rowvar=False)) for side in (old_ND, new_ND))
    # The trace of the root of the product, from its eigenvalues: they are real and not negative.
    roots = np.sqrt(np.maximum(linalg.eigvals(one @ two).real, 0.0)).sum()
    return float(max(0.0, apart @ apart + np.trace(one) + np.trace(two) - 2 * roots))


def drop(
    old_SN: FloatArray,
    new_SM: FloatArray,
    old_groups: Sequence[str],
    new_groups: Sequence[str],
    generator: np.random.Generator,
    repetitions: int = 2000,
) -> tuple[float, Interval]:
    """How much less often networks are right on new pictures, and its 95 % interval.

    old_SN, new_SM: 1 where the network of a seed is right, the same S networks on both sets.  The interval
    resamples signs of either set, and seeds.
    """
    seeds = len(old_SN)
    drawn_seeds = generator.integers(seeds, size=(repetitions, seeds))
    means = []
    for right, groups in ((old_SN, old_groups), (new_SM, new_groups)):
        names = [group or f"picture {i}" for i, group in enumerate(groups)]
        units = np.unique(names, return_inverse=True)[1]
        sums = np.stack([np.bincount(units, weights=row) for row in right])
        sizes = np.bincount(units)
        draws = np.empty(repetitions)
        for number in range(repetitions):
            chosen = generator.integers(len(sizes), size=len(sizes))
            draws[number] = sums[drawn_seeds[number]][:, chosen].sum() / (seeds * sizes[chosen].sum())
        means.append(draws)
    low, high = np.quantile(means[0] - means[1], [0.025, 0.975])
    return float(old_SN.mean() - new_SM.mean()), (float(low), float(high))


@dataclass(frozen=True, kw_only=True)
class Telling:
    """How well a linear classifier tells new pictures from old ones it has not seen.

    auroc: 0.5 where it cannot.  weights: of each input in standard deviations, largest first.
    """

    auroc: float
    weights: tuple[tuple[str, float], ...]


def tell_apart(
    old_ND: FloatArray,
    new_ND: FloatArray,
    old_groups: Sequence[str],
    new_groups: Sequence[str],
    names: Sequence[str] = (),
) -> Telling:
    """Logistic regression on standardised inputs, cross-validated over signs.

    names: of the D inputs, if their weights are asked for.  Missing values become the median.
    """
    from sklearn.model_selection import GroupKFold

    values = np.concatenate([old_ND, new_ND]).astype(np.float64)
    medians = np.nanmedian(values, axis=0)
    values = np.where(np.isfinite(values), values, medians)
    labels = np.repeat([0, 1], [len(old_ND), len(new_ND)])
    groups = [f"old {g or i}" for i, g in enumerate(old_groups)] + [
        f"new {g or i}" for i, g in enumerate(new_groups)
    ]
    scores = np.zeros(len(labels))
    for train, held_out in GroupKFold(_FOLDS).split(values, labels, groups):
        scores[held_out] = _linear().fit(values[train], labels[train]).decision_function(values[held_out])
    weights: list[tuple[str, float]] = []
    if names:
        fitted = _linear().fit(values, labels)[-1].coef_[0]
        weights = sorted(zip(names, map(float, fitted), strict=True), key=lambda pair: -abs(pair[1]))
    return Telling(auroc=auroc(scores, labels.astype(np.float64)), weights=tuple(weights))


def _linear() -> Pipeline:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000, class_weight="balanced"))


def wrong_conclusions(
    right_a: FloatArray,
    right_b: FloatArray,
    targets: IntArray,
    samples: int,
    generator: np.random.Generator,
    repetitions: int = 10_000,
) -> tuple[float, float]:
    """How often a few pictures draw the wrong conclusion about which of two networks is better.

    right_a, right_b: (N,) 1 where that network is right; targets: (N,) classes.  samples: pictures drawn
    without replacement, as many of each class as it goes, as the study did with 5 of each of four.
    Returns the shares of draws that rank the two the other way round than all N do, and that show none.
    """
    rows = [np.flatnonzero(targets == target) for target in np.unique(targets)]
    sizes = [min(len(own), samples // len(rows) + (i < samples % len(rows))) for i, own in enumerate(rows)]
    truth = np.sign(right_b.mean() - right_a.mean())
    difference = right_b - right_a
    sums = np.zeros(repetitions)
    for own, size in zip(rows, sizes, strict=True):
        counts = [int((difference[own] == value).sum()) for value in (-1, 0, 1)]
        drawn = generator.multivariate_hypergeometric(counts, size, size=repetitions)
        sums += drawn[:, 2] - drawn[:, 0]
    shown = np.sign(sums)
    return float(((shown != 0) & (shown != truth)).mean()), float((shown == 0).mean())
