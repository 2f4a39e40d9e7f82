"""What a reader makes of boxes: crops with a little room around, and an answer to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.answer_rule import AnswerRule
from roadworthy.inference.answers import Row

if TYPE_CHECKING:
    from roadworthy.inference.network import Network

ROOM = 0.1  # around a box, of its sides


def cut_out(image: ByteArray, spec: InputSpec, boxes: Sequence[Sequence[float]] | FloatArray) -> ByteArray:
    """(N, S, S, 3): what the reader is shown of N boxes."""
    # The boxes are the crop: what an InputSpec crops is the annotated one.
    spec = InputSpec(size=spec.size, resize=spec.resize, crop=f"margin={ROOM}")
    crops = [crop_resize(image, spec, (x1, y1, x2, y2)) for x1, y1, x2, y2 in np.asarray(boxes).tolist()]
    return np.stack(crops) if crops else np.empty((0, spec.size, spec.size, 3), np.uint8)


def read_boxes(image: ByteArray, boxes: FloatArray, reader: Network, *, top: int = 3) -> list[Row]:
    """A row with its box for each of (N, 4) boxes of a picture."""
    if not len(boxes):
        return []
    rule = AnswerRule.of(reader, top)
    colourless = rule.lacks_colour(image)
    logits = reader.logits(cut_out(image, reader.spec, boxes))
    places = [(x1, y1, x2, y2) for x1, y1, x2, y2 in boxes.tolist()]
    return [
        replace(rule.row("", own, colourless=colourless), box=box)
        for own, box in zip(logits, places, strict=True)
    ]
