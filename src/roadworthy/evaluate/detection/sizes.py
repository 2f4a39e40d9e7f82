"""Classes of size: signs by the length of their larger side, in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from roadworthy.core.arrays import BoolArray, FloatArray
from roadworthy.evaluate.detection.results import ResponseLine
from roadworthy.evaluate.detection.tally import Tally

SizeBounds = tuple[float, float]  # [low, high) in pixels

EDGES = (0.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0, 128.0, np.inf)
BY_SIZE: Sequence[SizeBounds] = tuple(pairwise(EDGES))
ALL: SizeBounds = (0.0, np.inf)
FROM: Sequence[SizeBounds] = (
    (16.0, np.inf),
    (24.0, np.inf),
)
LINES: Sequence[SizeBounds] = (ALL, (0.0, 16.0), (16.0, 24.0), (24.0, np.inf))
MOST_CORNERS = 200  # of a line, kept for its chart


def within(sides: FloatArray, bounds: SizeBounds) -> BoolArray:
    """(S,) whether larger sides lie in a class of size."""
    low, high = bounds
    result: BoolArray = (sides >= low) & (sides < high)
    return result


def upper(bounds: SizeBounds) -> float | None:
    """Where a class of size ends; None where it does not."""
    return None if np.isinf(bounds[1]) else bounds[1]


def response_line(counted: Tally, bounds: SizeBounds) -> ResponseLine:
    """The free-response curve of a class of size, at no more than MOST_CORNERS of its corners."""
    own = counted.signs.scores[within(counted.signs.sides, bounds)]
    false = np.sort(counted.false.scores)
    seen = own[np.isfinite(own)]
    before = len(false) - np.searchsorted(false, seen, side="left")  # false alarms of at least a sign's score
    corners, counts = np.unique(before, return_counts=True)
    recall = np.cumsum(counts) / max(len(own), 1)
    kept = np.unique(np.linspace(0, len(corners) - 1, min(len(corners), MOST_CORNERS)).round().astype(int))
    return ResponseLine(
        low=bounds[0],
        high=upper(bounds),
        n=len(own),
        false_per_frame=tuple((corners[kept] / counted.frames).tolist()),
        recall=tuple(recall[kept].tolist()),
    )
