"""All frames as two lists: the signs, each with the score at which it is found, and the false alarms.

With COCO's rule a box of a lower score changes nothing for one of a higher.  So a sign that a box of score s
takes is found at every threshold up to s, and all else about thresholds follows from the two lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from roadworthy.core.arrays import BoolArray, FloatArray, IntArray
from roadworthy.core.finder_predictions import FinderPredictions, FrameResult
from roadworthy.evaluate.detection.matching import (
    OVERLAP,
    FalseKind,
    FrameMatch,
    false_kind,
    larger_sides,
    match_frame,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Signs:
    """The wanted signs of all frames.

    frames: (S,) the number of the frame.  sides: (S,) the larger side, in pixels.  labels: (S,) classes.
    scores: (S,) of the box that it is found by; -inf where it never is.
    boxes: (S,) the number of that box within its frame; -1 where it never is.
    overlaps: (S,) with that box; 0 where it never is.
    """

    frames: IntArray
    sides: FloatArray
    labels: tuple[str, ...]
    scores: FloatArray
    boxes: IntArray
    overlaps: FloatArray

    @property
    def named(self) -> BoolArray:
        """(S,) whether the set tells the class."""
        return np.array([bool(label) for label in self.labels], dtype=bool)

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True, kw_only=True, eq=False)
class FalseAlarms:
    """The found boxes that are no sign and not ignored, in all frames.

    frames: (K,) the number of the frame.  boxes: (K,) the number of the box within it.  scores: (K,).
    overlaps: (K,) the largest with any sign.
    """

    frames: IntArray
    boxes: IntArray
    scores: FloatArray
    overlaps: FloatArray

    def kinds(self, threshold: float) -> list[FalseKind]:
        """What those of at least that score are."""
        return [false_kind(share) for share in self.overlaps[self.scores >= threshold].tolist()]

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tally:
    """What a finder's answers come to.

    frames: how many there are.  ignored: found boxes that are neither wanted nor false.
    units: (F,) which frames vary together: the number of the sequence, or the frame's own.
    """

    frames: int
    units: IntArray
    signs: Signs
    false: FalseAlarms
    ignored: int

    @property
    def clustered(self) -> bool:
        """Whether sequences are known, so that frames are not independent."""
        return len(np.unique(self.units)) < self.frames

    def false_per_frame(self, threshold: float) -> IntArray:
        """(F,) false alarms of at least that score in each frame."""
        return np.bincount(self.false.frames[self.false.scores >= threshold], minlength=self.frames)


def tally(predictions: FinderPredictions, *, overlap: float = OVERLAP) -> Tally:
    """Match every frame, and lay what comes of it side by side."""
    parts = [_one(number, frame, matched) for number, frame, matched in matches(predictions, overlap=overlap)]
    signs, false, ignored = zip(*parts, strict=True) if parts else ((), (), ())
    return Tally(
        frames=len(predictions.frames),
        units=units_of(predictions),
        signs=Signs(
            frames=_joined([one.frames for one in signs], int),
            sides=_joined([one.sides for one in signs], float),
            labels=tuple(label for one in signs for label in one.labels),
            scores=_joined([one.scores for one in signs], float),
            boxes=_joined([one.boxes for one in signs], int),
            overlaps=_joined([one.overlaps for one in signs], float),
        ),
        false=FalseAlarms(
            frames=_joined([one.frames for one in false], int),
            boxes=_joined([one.boxes for one in false], int),
            scores=_joined([one.scores for one in false], float),
            overlaps=_joined([one.overlaps for one in false], float),
        ),
        ignored=sum(ignored),
    )


def matches(
    predictions: FinderPredictions, *, overlap: float = OVERLAP
) -> Iterator[tuple[int, FrameResult, FrameMatch]]:
    """Every frame with its number and what its found boxes are."""
    for number, frame in enumerate(predictions.frames):
        yield (
            number,
            frame,
            match_frame(frame.boxes, frame.scores, frame.wanted, frame.ignore, overlap=overlap),
        )


def units_of(predictions: FinderPredictions) -> IntArray:
    """(F,) numbers of what is drawn together in a bootstrap: a frame without a sequence stands alone."""
    names = [
        ("sequence", one.sequence) if one.sequence else ("frame", one.path) for one in predictions.frames
    ]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)


def _one(number: int, frame: FrameResult, matched: FrameMatch) -> tuple[Signs, FalseAlarms, int]:
    count = len(frame.wanted)
    scores, boxes, overlaps = np.full(count, -np.inf), np.full(count, -1), np.zeros(count)
    hits = np.flatnonzero(matched.signs >= 0)
    taken = matched.signs[hits]
    scores[taken], boxes[taken], overlaps[taken] = frame.scores[hits], hits, matched.overlaps[hits]
    signs = Signs(
        frames=np.full(count, number),
        sides=larger_sides(frame.wanted),
        labels=frame.labels,
        scores=scores,
        boxes=boxes,
        overlaps=overlaps,
    )
    wrong = np.flatnonzero(matched.false)
    false = FalseAlarms(
        frames=np.full(len(wrong), number),
        boxes=wrong,
        scores=frame.scores[wrong],
        overlaps=matched.overlaps[wrong],
    )
    return signs, false, int(matched.ignored.sum())


def _joined(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)
