"""What is said surely of the boxes, and what of that is wrong: what a driver would be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from roadworthy.config import DangerConfig
from roadworthy.core.arrays import BoolArray, IntArray
from roadworthy.core.finder_predictions import FinderPredictions, FrameResult
from roadworthy.evaluate.detection.matching import FalseKind, FrameMatch, false_kind, match_frame
from roadworthy.evaluate.metrics import danger_row
from roadworthy.signs.catalogue import NO_SIGN, OTHER_SIGN

NAMELESS = frozenset({NO_SIGN, OTHER_SIGN})

Kind = Literal["right", "unknown", "misread"] | FalseKind
WRONG: tuple[Kind, ...] = ("nothing", "misread", "beside", "twice")


@dataclass(frozen=True, kw_only=True)
class SureBox:
    """One box whose class is given to whoever asks.

    frame, box: the number of the frame, and of the box within it.
    shown: the class of the sign that is there; `no-sign` where there is none, empty where it is not told.
    kind: `right`; `unknown`, on a sign whose class the set does not tell; or wrong: `misread`, on a sign of
        another class, or what `matching.false_kind` says.
    row, cost: of the danger table; empty and 0 where nobody is misled about the class.
    """

    frame: int
    box: int
    predicted: str
    shown: str
    kind: Kind
    row: str = ""
    cost: float = 0.0

    @property
    def wrong(self) -> bool:
        """Whether there is no such sign there."""
        return self.kind in WRONG


def sure_boxes(predictions: FinderPredictions, danger: DangerConfig) -> Iterator[SureBox]:
    """The boxes of all frames that are accepted, at the model's own threshold.

    They are matched among themselves: a box that is not shown takes no sign from one that is.  What is
    ignored, and boxes read as `no-sign` or `other-sign`, which name nothing, are left out.
    """
    for number, frame in enumerate(predictions.frames):
        kept = np.flatnonzero(is_sure(frame, predictions.cut))
        if not len(kept):
            continue
        matched = match_frame(frame.boxes[kept], frame.scores[kept], frame.wanted, frame.ignore)
        for i in np.flatnonzero(~matched.ignored).tolist():
            yield _judged(number, int(kept[i]), frame, matched, i, danger)


def is_sure(frame: FrameResult, cut: float) -> BoolArray:
    """(N,) whether each box's class is given, where those of at least the score `cut` are shown."""
    if frame.predicted is None:
        return np.zeros(len(frame.boxes), bool)
    named = np.array([name not in NAMELESS for name in frame.predicted], dtype=bool)
    shown = named & (frame.scores >= cut)
    return shown if frame.accepted is None else shown & np.asarray(frame.accepted, bool)


def wrong_per_frame(boxes: list[SureBox], frames: int) -> IntArray:
    """(F,) sure and wrong boxes of each frame."""
    return np.bincount(np.array([one.frame for one in boxes if one.wrong], np.int64), minlength=frames)


def _judged(
    number: int, box: int, frame: FrameResult, matched: FrameMatch, i: int, danger: DangerConfig
) -> SureBox:
    assert frame.predicted is not None  # else nothing is sure
    predicted = frame.predicted[box]
    shown, kind = _seen(frame.labels, matched, i, predicted)
    misled = kind in WRONG and shown not in ("", predicted)
    row = danger_row(shown, predicted) if misled else ""
    cost = getattr(danger, row) if row else 0.0
    return SureBox(
        frame=number, box=box, predicted=predicted, shown=shown, kind=kind, row=row, cost=float(cost)
    )


def _seen(labels: tuple[str, ...], matched: FrameMatch, i: int, predicted: str) -> tuple[str, Kind]:
    """What is there, and what the box is of it."""
    sign = int(matched.nearest[i])
    if matched.signs[i] >= 0:
        label = labels[sign]
        if not label:
            return label, "unknown"
        return label, "right" if label == predicted else "misread"
    kind = false_kind(float(matched.overlaps[i]))
    return NO_SIGN if kind == "nothing" else labels[sign], kind
