"""Frames of a data source as what a finder is measured against."""

from __future__ import annotations

import numpy as np

from roadworthy.core.arrays import BoolArray, FloatArray
from roadworthy.core.finder_predictions import FrameResult
from roadworthy.data.frames import Annotation, Frame


def result_of(
    frame: Frame,
    boxes: FloatArray,
    scores: FloatArray,
    *,
    predicted: tuple[str, ...] | None = None,
    confidence: FloatArray | None = None,
    accepted: BoolArray | None = None,
    ms: float | None = None,
) -> FrameResult:
    """What was found in a frame of a data source, beside what is marked in it.

    boxes, scores: (N, 4), (N,).  Raises ShapeError as FrameResult does.
    """
    return FrameResult(
        path=frame.path,
        boxes=boxes,
        scores=scores,
        predicted=predicted,
        confidence=confidence,
        accepted=accepted,
        wanted=_boxes(frame.wanted),
        labels=tuple(one.label for one in frame.wanted),
        ignore=_boxes(tuple(one for one in frame.annotations if one.ignore)),
        sequence=frame.sequence,
        ms=ms,
    )


def _boxes(annotations: tuple[Annotation, ...]) -> FloatArray:
    return np.array([one.box for one in annotations], np.float32).reshape(-1, 4)
