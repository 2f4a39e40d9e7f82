"""Signs in a frame: a finder says where, a reader which; each is good at one thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.inference.answer_rule import Found
from roadworthy.inference.boxes import MOST, Detections, Finding, find_boxes
from roadworthy.inference.network import Network
from roadworthy.signs.catalogue import NO_SIGN

if TYPE_CHECKING:
    from roadworthy.imaging.spec import InputSpec

ROOM = 0.1  # around a box, of its sides
DOUBT = 0.5  # power of the reader's belief that there is a sign, in a box's score (docs/log.md)


def constants() -> dict[str, float]:
    """The numbers that this rests on, for the page, which finds in the browser."""
    return {"room": ROOM, "doubt": DOUBT}


def cut_out(
    image: ByteArray, spec: InputSpec, boxes: Sequence[Sequence[float]] | FloatArray, room: float = ROOM
) -> ByteArray:
    """(N, S, S, 3): what the reader is shown of N boxes.  room: around each, of its sides."""
    # The boxes are the crop: what an InputSpec crops is the annotated one.
    spec = replace(spec, crop=f"margin={room}")
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

    threshold: least score of a box, as `read` gives it.  The rest is as `boxes.find_boxes` takes it.
    """
    boxes = find_boxes(image, finder, threshold=threshold, least_px=least_px, most=most, check=check)
    check()
    return [
        one
        for one in read(image, boxes, reader)
        if one.score is not None
        and one.score >= threshold
        and reader.classes[int(one.logits.argmax())] != NO_SIGN
    ]


def read(image: ByteArray, boxes: Detections, reader: Network) -> list[Found]:
    """The reader's logits of each box, surest first.

    A box's score is the finder's, less where the reader, if it knows no-sign, doubts that there is a sign.
    """
    if not len(boxes.boxes):
        return []
    logits = reader.logits(cut_out(image, reader.spec, boxes.boxes))
    scores = boxes.scores * _belief(logits, reader) ** DOUBT
    places = [(x1, y1, x2, y2) for x1, y1, x2, y2 in boxes.boxes.tolist()]
    found = [
        Found(box=box, logits=own, score=score)
        for box, own, score in zip(places, logits, scores.tolist(), strict=True)
    ]
    return sorted(found, key=lambda one: -(one.score or 0))


def _belief(logits: FloatArray, reader: Network) -> NDArray[np.float64]:
    """(N,) the reader's probability that there is some sign, of (N, C) logits; 1 where it knows no other."""
    if NO_SIGN not in reader.classes:
        return np.ones(len(logits))
    scaled = logits.astype(np.float64) / reader.temperature
    none = np.exp(scaled[:, reader.classes.index(NO_SIGN)] - np.logaddexp.reduce(scaled, axis=1))
    return np.asarray(np.clip(1 - none, 0, 1))
