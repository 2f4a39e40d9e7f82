"""Which found box is which sign: by COCO's rule, on one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from roadworthy.core.arrays import BoolArray, Box, FloatArray, IntArray
from roadworthy.evaluate.statistics.intervals import wilson

OVERLAP = 0.5  # intersection over union, from which a box counts as found
BESIDE = 0.1  # from which a false box stands beside a sign and not on nothing

FalseKind = Literal["twice", "beside", "nothing"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameMatch:
    """What each found box of a frame is, in the order in which they were given.

    signs: (N,) the wanted box that it is, -1 where it is none, or one that a surer box took.
    ignored: (N,) whether it is neither wanted nor false.
    overlaps: (N,) its intersection over union with the sign that it is; of the others, the largest with any.
    nearest: (N,) the wanted box of that overlap, -1 where there is no wanted box.
    """

    signs: IntArray
    ignored: BoolArray
    overlaps: FloatArray
    nearest: IntArray

    @property
    def false(self) -> BoolArray:
        """(N,) whether it is a false alarm."""
        return (self.signs < 0) & ~self.ignored


@dataclass(frozen=True, kw_only=True)
class Match:
    """One scene: for each found box the wanted one that it is, None where it is none or one taken before.

    overlaps: with the box that it is; of the others, the largest with any.
    """

    found: tuple[int | None, ...]
    overlaps: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SizeClass:
    """The signs whose larger side lies in [low, high) pixels.

    n: of them.  recall: the share found, and found and read: each with its Wilson interval.
    """

    low: float
    high: float
    n: int
    recall: float
    recall_ci95: tuple[float, float]
    read: float
    read_ci95: tuple[float, float]


def match_frame(
    boxes: FloatArray,
    scores: FloatArray,
    wanted: FloatArray,
    ignore: FloatArray,
    *,
    overlap: float = OVERLAP,
) -> FrameMatch:
    """Each found box, surest first, takes the wanted box that it overlaps with most, once.

    boxes, wanted, ignore: (N, 4), (M, 4), (K, 4).  scores: (N,); boxes of one score go in the order given.
    A box that takes no sign is ignored where at least the share `overlap` of its own area lies in a region of
    `ignore`, which may ignore any number of boxes (COCO's rule for crowds).
    Of two wanted boxes that it overlaps with alike it takes the later, as COCO's evaluation does.
    """
    shares = intersections_over_union(boxes, wanted)
    signs = np.full(len(boxes), -1)
    free = np.ones(len(wanted), bool)
    reaching = np.flatnonzero((shares >= overlap).any(axis=1))
    for i in reaching[np.argsort(-np.asarray(scores)[reaching], kind="stable")].tolist():
        own = np.where(free, shares[i], -1.0)
        best = len(own) - 1 - int(own[::-1].argmax())
        if own[best] >= overlap:
            signs[i], free[best] = best, False
    nearest, overlaps = np.full(len(boxes), -1), np.zeros(len(boxes))
    if len(wanted):
        nearest = np.where(signs >= 0, signs, shares.argmax(axis=1))
        overlaps = shares[np.arange(len(boxes)), nearest]
    within = np.any(shares_within(boxes, ignore) >= overlap, axis=1)
    return FrameMatch(signs=signs, ignored=within & (signs < 0), overlaps=overlaps, nearest=nearest)


def false_kind(overlap: float) -> FalseKind:
    """What a false box is, by its largest overlap with any sign.

    `twice`: on a sign that a surer box took.  `beside` one, overlapping it too little.  On `nothing`.
    """
    if overlap >= OVERLAP:
        return "twice"
    return "beside" if overlap >= BESIDE else "nothing"


def match(found: Sequence[Box], wanted: Sequence[Box], *, overlap: float = OVERLAP) -> Match:
    """`match_frame` of boxes given surest first."""
    own, others = (np.asarray(boxes, np.float64).reshape(-1, 4) for boxes in (found, wanted))
    matched = match_frame(
        own, -np.arange(len(own), dtype=np.float64), others, np.zeros((0, 4)), overlap=overlap
    )
    return Match(
        found=tuple(None if sign < 0 else sign for sign in matched.signs.tolist()),
        overlaps=tuple(matched.overlaps.tolist()),
    )


def by_size(
    sides: Sequence[float], found: Sequence[bool], read: Sequence[bool], edges: Sequence[float]
) -> list[SizeClass]:
    """Recall of signs by the length of their larger side; size classes without signs are left out.

    edges: ascending borders of the classes, in pixels.
    """
    side, hit, right = np.asarray(sides), np.asarray(found, dtype=bool), np.asarray(read, dtype=bool)
    classes = []
    for low, high in pairwise(edges):
        own = (side >= low) & (side < high)
        n = int(own.sum())
        if n:
            hits, rights = int(hit[own].sum()), int((hit & right)[own].sum())
            classes.append(
                SizeClass(
                    low=low,
                    high=high,
                    n=n,
                    recall=hits / n,
                    recall_ci95=wilson(hits, n),
                    read=rights / n,
                    read_ci95=wilson(rights, n),
                )
            )
    return classes


def intersection_over_union(a: Box, b: Box) -> float:
    """Of two boxes; 0 where they do not meet, or hold nothing."""
    return float(intersections_over_union(np.array([a]), np.array([b]))[0, 0])


def intersections_over_union(a: FloatArray, b: FloatArray) -> FloatArray:
    """(N, M) of every box of `a`, (N, 4), with every one of `b`, (M, 4); 0 where a union holds nothing."""
    shared = _shared(a, b)
    return _quotient(shared, areas(a)[:, None] + areas(b)[None] - shared)


def shares_within(a: FloatArray, b: FloatArray) -> FloatArray:
    """(N, M) which share of every box of `a` lies in each of `b`; 0 for a box that holds nothing."""
    shared = _shared(a, b)
    return _quotient(shared, np.broadcast_to(areas(a)[:, None], shared.shape))


def areas(boxes: FloatArray) -> FloatArray:
    """(N,) in square pixels, in float64."""
    exact = np.asarray(boxes, np.float64)
    result: FloatArray = (exact[:, 2] - exact[:, 0]) * (exact[:, 3] - exact[:, 1])
    return result


def larger_sides(boxes: FloatArray) -> FloatArray:
    """(N,) in pixels, in float64."""
    exact = np.asarray(boxes, np.float64)
    result: FloatArray = (exact[:, 2:] - exact[:, :2]).max(axis=1, initial=0.0)
    return result


def _shared(a: FloatArray, b: FloatArray) -> FloatArray:
    one, other = np.asarray(a, np.float64)[:, None], np.asarray(b, np.float64)[None]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    result: FloatArray = sides.clip(min=0.0).prod(axis=2)
    return result


def _quotient(shared: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
