"""Split-conformal prediction: sets of classes that hold the truth as often as asked.  numpy only.

Calibrated on pictures that the network was not trained on, the promise holds for further pictures drawn
like those, whatever the network; it does not hold in another domain.  Frames of one sign are not drawn
independently: a sign with many frames would count as many pictures, so each picture is weighted by one over
the frames of its sign, and the promise is of signs.  Source: Angelopoulos and Bates 2021.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import ShapeError
from roadworthy.core.registry import Registry
from roadworthy.evaluate.statistics.intervals import Interval, bootstrap_mean

Nonconformity = Callable[[FloatArray], FloatArray]
"""(N, C) probabilities -> (N, C): how ill each class would fit."""

METHODS: Registry[Nonconformity] = Registry("conformal method")


@METHODS.register("lac")
def lac(probs: FloatArray) -> FloatArray:
    """One less the probability: the smallest sets on average.  Source: Sadinle et al. 2019."""
    return np.asarray(1.0 - probs)


@METHODS.register("aps")
def aps(probs: FloatArray) -> FloatArray:
    """The sum over all likelier classes: sets that grow where it is hard.  Romano et al. 2020.

    Not randomised: the smallest level at which the set of the likeliest classes holds this one.  With this
    one's own probability in the sum a sure and right answer would fit ill, and a network that is right more
    often than asked would get sets of nearly all classes.  Equally likely classes fit equally well.
    """
    order = np.argsort(-probs, axis=1, kind="stable")
    ranked = np.take_along_axis(np.asarray(probs, dtype=np.float64), order, axis=1)
    likelier = np.zeros_like(ranked)
    likelier[:, 1:] = np.cumsum(ranked, axis=1)[:, :-1]
    likelier[:, 1:][ranked[:, 1:] == ranked[:, :-1]] = 0.0  # of equals the first alone has the right sum
    result = np.empty_like(likelier)
    np.put_along_axis(result, order, np.maximum.accumulate(likelier, axis=1), axis=1)
    return result


@dataclass(frozen=True, kw_only=True)
class Conformal:
    """A method and the threshold that its calibration chose."""

    method: str
    alpha: float
    threshold: float

    def sets(self, probs: FloatArray) -> NDArray[np.bool_]:
        """(N, C) which classes each set holds; the likeliest always is."""
        chosen = METHODS.get(self.method)(probs) <= self.threshold
        chosen[np.arange(len(probs)), probs.argmax(axis=1)] = True
        return np.asarray(chosen)


def calibrate(
    probs: FloatArray,
    targets: IntArray,
    alpha: float = 0.05,
    method: str = "lac",
    groups: Sequence[str] | None = None,
) -> Conformal:
    """The threshold with which sets miss the truth for a share `alpha` at most.

    groups: (N,) the sign that each picture shows; without them, or where one is empty, each is its own.
    With too few signs for such a promise (fewer than 1 / alpha - 1) every set holds every class.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; it must lie between 0 and 1")
    if probs.ndim != 2 or targets.shape != probs.shape[:1] or not len(targets):
        raise ShapeError(f"conformal sets need (N, C) and (N,); got {probs.shape} and {targets.shape}")
    scores = METHODS.get(method)(probs)[np.arange(len(targets)), targets]
    names = [group or f"picture {i}" for i, group in enumerate(groups or [""] * len(targets))]
    frames = Counter(names)
    weights = np.array([1 / frames[name] for name in names])
    order = np.argsort(scores, kind="stable")
    # The (1 - alpha)(n + 1)-th of n, each of n signs having weight 1 and the sign to come being unknown.
    reached = np.cumsum(weights[order]) >= (1 - alpha) * (weights.sum() + 1) - 1e-9
    threshold = float(scores[order][reached.argmax()]) if reached.any() else np.inf
    return Conformal(method=method, alpha=alpha, threshold=threshold)


@dataclass(frozen=True, kw_only=True)
class Covered:
    """How often sets hold the truth, with its interval over signs, and how large they are."""

    coverage: float
    ci95: Interval | None
    mean_size: float
    single: float


def covered(
    sets: NDArray[np.bool_], targets: IntArray, groups: Sequence[str], generator: np.random.Generator
) -> Covered:
    """What (N, C) sets are worth; single: the share of them that name one class alone."""
    held = sets[np.arange(len(targets)), targets].astype(np.float64)
    names = [group or f"picture {i}" for i, group in enumerate(groups)]
    sizes = sets.sum(axis=1)
    return Covered(
        coverage=float(held.mean()),
        ci95=bootstrap_mean(held, names, generator=generator),
        mean_size=float(sizes.mean()),
        single=float((sizes == 1).mean()),
    )
