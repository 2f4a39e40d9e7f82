"""Recall against false alarms as the threshold falls: the free-response curve, and average precision.

Boxes of the same score enter a curve together, for no threshold tells them apart.  So no figure depends on
the order of frames, and where no two scores are the same each is what pycocotools says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.evaluate.detection.tally import Tally

COCO_POINTS = 101  # of recall, at which COCO's average precision reads off precision


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """What is found, and what is false, at every threshold that makes a difference.

    thresholds: (G,) descending scores.  found, false: (G,) signs and false alarms of at least that score.
    signs, frames: all of them.  In a resample all of these are weighted, and sums of weights.
    """

    thresholds: FloatArray
    found: FloatArray
    false: FloatArray
    signs: float
    frames: float

    @property
    def recall(self) -> FloatArray:
        """(G,) share of the signs that is found; NaN without signs."""
        result: FloatArray = self.found / self.signs if self.signs else np.full(len(self.found), np.nan)
        return result

    @property
    def false_per_frame(self) -> FloatArray:
        """(G,) false alarms a frame."""
        result: FloatArray = self.false / self.frames
        return result

    @property
    def precision(self) -> FloatArray:
        """(G,) share of the boxes that are signs; 0 where there is no box."""
        boxes = self.found + self.false
        return np.divide(self.found, boxes, out=np.zeros_like(boxes), where=boxes > 0)

    def up_to(self, false_per_frame: float) -> int:
        """The number of the lowest threshold with no more false alarms a frame; -1 where each has more."""
        # 0.29 x 100 is 28.999999999999996: 29 false alarms in 100 frames are not more than that.
        allowed = false_per_frame * self.frames * (1 + 1e-9)
        return int(np.searchsorted(self.false, allowed, side="right")) - 1

    def threshold_for(self, false_per_frame: float) -> float:
        """That threshold; infinity, at which nothing is found, where there is none."""
        at = self.up_to(false_per_frame)
        return float(self.thresholds[at]) if at >= 0 else np.inf

    def recall_at(self, false_per_frame: float) -> float:
        """Recall at that threshold."""
        at = self.up_to(false_per_frame)
        if at < 0:
            return 0.0 if self.signs else np.nan
        return float(self.recall[at])


class Sweep:
    """Curves of one tally: the plain one, and those of resampled frames, with the sorting done once."""

    def __init__(self, tally: Tally) -> None:
        signs, false = tally.signs, tally.false
        seen = np.flatnonzero(np.isfinite(signs.scores))
        scores = np.concatenate([signs.scores[seen], false.scores])
        order = np.argsort(-scores, kind="stable")
        self._hits = (order < len(seen)).astype(np.float64)
        self._frames = np.concatenate([signs.frames[seen], false.frames])[order].astype(np.int64)
        ranked = scores[order]
        # The last box of each run of equal scores: where a threshold can cut.
        self._ends = np.flatnonzero(np.diff(ranked, append=-np.inf) != 0)
        self._thresholds = ranked[self._ends]
        self._wanted = np.bincount(signs.frames, minlength=tally.frames).astype(np.float64)

    def curve(self, weights: FloatArray | None = None) -> Curve:
        """weights: (F,) how often each frame was drawn; None for each once."""
        if weights is None:
            weights = np.ones(len(self._wanted))
        boxes = weights[self._frames]
        found = boxes * self._hits
        return Curve(
            thresholds=self._thresholds,
            found=np.cumsum(found)[self._ends],
            false=np.cumsum(boxes - found)[self._ends],
            signs=float(weights @ self._wanted),
            frames=float(weights.sum()),
        )


def average_precision(curve: Curve, points: int | None = COCO_POINTS) -> float:
    """Precision over recall: at `points` even recalls their mean, with None the area beneath all of them.

    Precision at a recall is the highest at that or any larger one.  NaN without signs; 0 without boxes.
    Source: Everingham et al. 2010, section 4.2 (the envelope); pycocotools' COCOeval.accumulate (101 points).
    """
    if not curve.signs:
        return float("nan")
    if not len(curve.found):
        return 0.0
    recall = curve.recall
    envelope = np.maximum.accumulate(curve.precision[::-1])[::-1]
    if points is None:
        return float(np.diff(recall, prepend=0.0) @ envelope)
    first = np.searchsorted(recall, np.linspace(0.0, 1.0, points), side="left")
    return float(np.append(envelope, 0.0)[first].mean())


def resampled_weights(
    units: IntArray, repetitions: int, generator: np.random.Generator
) -> Iterator[FloatArray]:
    """(F,) how often each frame comes in a resample in which whole units are drawn with replacement.

    units: (F,) from `units_of`.  Source: Davison and Hinkley 1997, section 3.8.
    """
    count = int(units.max(initial=-1)) + 1
    for _ in range(repetitions):
        drawn = np.bincount(generator.integers(count, size=count), minlength=count)
        yield drawn[units].astype(np.float64)
