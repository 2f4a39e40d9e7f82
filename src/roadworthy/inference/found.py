"""Signs in a frame: a finder says where, a reader which; each is good at one thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.inference.answer_rule import Found
from roadworthy.inference.boxes import MOST, Detections, Finding, find_boxes
from roadworthy.inference.network import Network
from roadworthy.signs.catalogue import NO_SIGN

if TYPE_CHECKING:
    from roadworthy.imaging.spec import InputSpec

ROOM = 0.1  # around a box, of its sides


def cut_out(image: ByteArray, spec: InputSpec, boxes: Sequence[Sequence[float]] | FloatArray) -> ByteArray:
    """(N, S, S, 3): what the reader is shown of N boxes."""
    # The boxes are the crop: what an InputSpec crops is the annotated one.
    spec = replace(spec, crop=f"margin={ROOM}")
    crops = [crop_resize(image, spec, (x1, y1, x2, y2)) for x1, y1, x2, y2 in np.asarray(boxes).tolist()]
    return np.stack(crops) if crops else np.empty((0, spec.size, spec.size, 3), np.uint8)


def find_signs(
    image: ByteArray,
    finder: Finding,
    reader: Network,
    *,
    threshold: float,
    least_px: float | None = None,
    most: int = MOST,
    check: Callable[[], None] = lambda: None,
) -> list[Found]:
    """Signs in an (H, W, 3) uint8 RGB frame, surest first; boxes that the reader calls no sign are left out.

    threshold: least score of a box.  The rest is as `boxes.find_boxes` takes it.
    """
    boxes = find_boxes(image, finder, threshold=threshold, least_px=least_px, most=most, check=check)
    check()
    return [one for one in read(image, boxes, reader) if reader.classes[int(one.logits.argmax())] != NO_SIGN]


def read(image: ByteArray, boxes: Detections, reader: Network) -> list[Found]:
    """The reader's logits of each box."""
    if not len(boxes.boxes):
        return []
    logits = reader.logits(cut_out(image, reader.spec, boxes.boxes))
    places = [(x1, y1, x2, y2) for x1, y1, x2, y2 in boxes.boxes.tolist()]
    return [
        Found(box=box, logits=own, score=score)
        for box, own, score in zip(places, logits, boxes.scores.tolist(), strict=True)
    ]
