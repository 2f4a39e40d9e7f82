"""Which pictures to label next, by what a model says of those that nobody has labelled.  numpy only.

A strategy takes a Pool and how many it may choose, and returns places in the pool.  docs/results/labelling.md
measures them against each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import ShapeError, UsageError
from roadworthy.core.registry import Registry


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """Pictures that can be labelled, and those that are.

    features: (N, D) of the pool.  probs: (N, C) of a model trained on what is labelled; C may be the model's
    own classes.  labelled: (M, D) features of what is labelled already, M may be 0.
    """

    features: FloatArray
    probs: FloatArray
    labelled: FloatArray

    def __post_init__(self) -> None:
        if len(self.features) != len(self.probs) or self.features.shape[1:] != self.labelled.shape[1:]:
            raise ShapeError(
                f"a pool has features {self.features.shape}, probabilities {self.probs.shape} and labelled "
                f"features {self.labelled.shape}; give (N, D), (N, C) and (M, D)"
            )


Strategy = Callable[[Pool, int, np.random.Generator], IntArray]
STRATEGIES: Registry[Strategy] = Registry("strategy of labelling")


def choose(strategy: str, pool: Pool, n: int, rng: np.random.Generator) -> IntArray:
    """(n,) places in the pool, each once.  Raises UsageError where it has fewer than n."""
    if not 1 <= n <= len(pool.features):
        raise UsageError(f"{n} pictures to label were asked for; there are {len(pool.features)}")
    return STRATEGIES.get(strategy)(pool, n, rng)


@STRATEGIES.register("random")
def at_random(pool: Pool, n: int, rng: np.random.Generator) -> IntArray:
    """Any, alike likely."""
    return rng.permutation(len(pool.features))[:n]


@STRATEGIES.register("least-confident")
def least_confident(pool: Pool, n: int, rng: np.random.Generator) -> IntArray:
    """Those whose likeliest class is least likely.  Source: Lewis and Gale 1994."""
    return np.argsort(pool.probs.max(axis=1), kind="stable")[:n]


@STRATEGIES.register("margin")
def least_margin(pool: Pool, n: int, rng: np.random.Generator) -> IntArray:
    """Those whose two likeliest classes are nearest.  Source: Scheffer et al. 2001."""
    first, second = np.sort(pool.probs, axis=1)[:, -1:-3:-1].T
    return np.argsort(first - second, kind="stable")[:n]


@STRATEGIES.register("k-center")
def k_center(pool: Pool, n: int, rng: np.random.Generator) -> IntArray:
    """One after another what is farthest from all that is labelled or chosen.

    Source: Sener and Savarese 2018, "Active learning for convolutional neural networks", algorithm 1.
    """
    nearest = np.full(len(pool.features), np.inf)
    for start in range(0, len(pool.labelled), 256):
        nearest = np.minimum(nearest, _squares(pool.features, pool.labelled[start : start + 256]).min(axis=1))
    chosen: list[int] = []
    while len(chosen) < n:
        # Of the first, where nothing is labelled yet, nothing is known.
        place = int(nearest.argmax()) if np.isfinite(nearest[0]) else int(rng.integers(len(nearest)))
        chosen.append(place)
        nearest = np.minimum(nearest, _squares(pool.features, pool.features[[place]])[:, 0])
        nearest[chosen] = -1.0
    return np.array(chosen, dtype=np.int64)


@STRATEGIES.register("badge")
def badge(pool: Pool, n: int, rng: np.random.Generator) -> IntArray:
    """Unsure and unlike each other: k-means++ on the gradients that the last layer would get.

    A gradient is the outer product of features and what probabilities lack of the likeliest class, so that
    distances come from the two factors and the product is never made.
    Source: Ash et al. 2020, "Deep batch active learning by diverse, uncertain gradient lower bounds".
    """
    lack = pool.probs.copy()
    lack[np.arange(len(lack)), lack.argmax(axis=1)] -= 1
    norms = (lack**2).sum(axis=1) * (pool.features**2).sum(axis=1)
    first = int(norms.argmax())
    chosen, nearest = [first], _apart(pool.features, lack, norms, first)
    while len(chosen) < n:
        nearest[chosen] = 0
        total = float(nearest.sum())
        if total <= 0:  # all that is left is like what is chosen
            rest = np.setdiff1d(np.arange(len(nearest)), chosen)
            return np.array([*chosen, *rng.permutation(rest)[: n - len(chosen)]], dtype=np.int64)
        place = int(rng.choice(len(nearest), p=nearest / total))
        chosen.append(place)
        nearest = np.minimum(nearest, _apart(pool.features, lack, norms, place))
    return np.array(chosen, dtype=np.int64)


def _apart(features: FloatArray, lack: FloatArray, norms: FloatArray, place: int) -> FloatArray:
    """(N,) squared distances of all gradients to one."""
    shared = (features @ features[place]) * (lack @ lack[place])
    return np.asarray(np.maximum(norms + norms[place] - 2 * shared, 0))


def _squares(a: FloatArray, b: FloatArray) -> FloatArray:
    """(N, M) squared distances."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T
    return np.asarray(np.maximum(squares, 0))
