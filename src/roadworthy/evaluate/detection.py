"""How well signs are found: boxes found against boxes drawn, by the signs' size.  numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from roadworthy.core.arrays import Box
from roadworthy.evaluate.statistics.intervals import wilson

OVERLAP = 0.5  # intersection over union, from which a box counts as found


@dataclass(frozen=True, kw_only=True)
class Match:
    """One scene: for each found box the wanted one that it is, None where it is none or one taken before."""

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


def match(found: Sequence[Box], wanted: Sequence[Box], *, overlap: float = OVERLAP) -> Match:
    """Each found box, surest first, takes the wanted box that it overlaps with most, once."""
    taken: set[int] = set()
    pairs: list[int | None] = []
    overlaps: list[float] = []
    for box in found:
        shares = [0.0 if i in taken else intersection_over_union(box, own) for i, own in enumerate(wanted)]
        best = int(np.argmax(shares)) if shares else 0
        share = shares[best] if shares else 0.0
        hit = share >= overlap
        pairs.append(best if hit else None)
        overlaps.append(share)
        if hit:
            taken.add(best)
    return Match(found=tuple(pairs), overlaps=tuple(overlaps))


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
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, across) * max(0.0, down)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0
