"""What a frame shows: each sign read in two frames of its box."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.finding_rule import FindingRule
from roadworthy.drive.film.shots import Shot
from roadworthy.drive.look import WIDER, Looker
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.found import ROOM

BOX = (40.0, 40.0, 60.0, 60.0)


class OneSign:
    """Finds one box in every frame, or none."""

    def __init__(self, boxes: int = 1) -> None:
        self._boxes = boxes
        self.rule = FindingRule(threshold=0.3, false_per_frame=0.1, sure=0.7, sure_wrong=0.02, frames=1)

    def cells(self, frame: ByteArray) -> FloatArray:
        return np.array([[*BOX, 0.9]] * self._boxes, np.float32).reshape(-1, 5)


class Brightness:
    """Reads how bright a crop is: the wider, the darker, for the sign alone is white."""

    classes, spec, temperature = ("speed-50", "speed-60"), InputSpec(size=8), 1.0
    rejection, without_colour = None, False

    def __init__(self) -> None:
        self.asked: list[float] = []

    def logits(self, images: ByteArray) -> FloatArray:
        self.asked += [float(image.mean()) for image in images]
        return np.array([[image.mean(), 0] for image in images], np.float32)


def frame() -> Shot:
    image = np.zeros((96, 96, 3), np.uint8)
    image[40:60, 40:60] = 255
    return Shot(index=0, time_s=0.0, image=image)


def test_a_signs_logits_are_the_mean_of_a_close_and_a_wide_look() -> None:
    reader = Brightness()
    view = Looker(OneSign(), reader).look(frame())
    (sign,) = view.signs
    close, wide = reader.asked
    assert wide < close
    assert close == pytest.approx(255 / (1 + 2 * ROOM) ** 2, rel=0.1)
    assert wide == pytest.approx(255 / (1 + 2 * WIDER) ** 2, rel=0.1)
    assert sign.logits[0] == pytest.approx((close + wide) / 2)


def test_where_nothing_was_found_nothing_is_read() -> None:
    reader = Brightness()
    assert Looker(OneSign(boxes=0), reader).look(frame()).signs == ()
    assert reader.asked == []
