"""Arrays that seem to have red and blue swapped, by what a network says of both orders."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pytest

from roadworthy.core.rejection import Rejection
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.answers import Row
from roadworthy.inference.channel_order import SEEM_SWAPPED, refuse_swapped

SPEC = InputSpec()
SURE = Rejection(score="probability", threshold=0.9, coverage=0.9, n=10)
CLASSES = ("speed-60", "speed-80", "no-sign")
PLAIN, SWAPPED = 10, 200  # of the first channel: how the network below tells the two orders apart


@dataclass(frozen=True)
class Told:
    """A network that says one thing of an array, and another of it with red and blue swapped."""

    plain: tuple[float, ...]
    swapped: tuple[float, ...]
    classes: tuple[str, ...] = CLASSES
    spec: InputSpec = SPEC
    temperature: float = 1.0
    rejection: Rejection | None = SURE
    without_colour: bool = True

    def logits(self, images: np.ndarray) -> np.ndarray:
        return np.array([self.plain if image[0, 0, 0] == PLAIN else self.swapped for image in images])


def refused(network: Told) -> bool:
    images = np.zeros((1, 8, 8, 3), np.uint8)
    images[..., 0], images[..., 2] = PLAIN, SWAPPED
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        (row,) = refuse_swapped([Row(path="x", accepted=True)], images, network.logits(images), network)
    assert (row.accepted is False) == (row.reason == SEEM_SWAPPED)
    return row.reason == SEEM_SWAPPED


@pytest.mark.parametrize(
    ("plain", "swapped", "expected"),
    [
        ((9, 0, 0), (0, 0, 9), False),  # a sign, and none when swapped: the order is right
        ((0, 0, 9), (9, 0, 0), True),  # as sure of none as of the sign when swapped
        ((0, 0, 9), (2, 1, 0), False),  # none, and nothing sure when swapped
        ((0, 9, 0), (9, 0, 0), False),  # two signs, equally sure
        ((0, 9, 0), (9.5, 0, 0), False),  # another sign, hardly surer
        ((0, 9, 0), (12, 0, 0), True),
        ((2, 0, 1), (9, 0, 0), True),  # the same sign, unsure in the order said
        ((9, 0, 0), (12, 0, 0), False),  # the same sign, sure in both
        ((0, 0, 9), (0, 0, 12), False),
        ((9, 0, 0), (0, 0, 12), False),  # a sign, and none more surely when swapped
        ((4, 3, 0), (0, 0, 9), False),  # the same, unsure in the order said
    ],
)
def test_what_seems_swapped(plain: tuple[float, ...], swapped: tuple[float, ...], expected: bool) -> None:
    assert refused(Told(plain, swapped)) is expected


def test_without_a_threshold_only_much_surer_answers_tell() -> None:
    assert not refused(Told((0, 0, 9), (9, 0, 0), rejection=None))
    assert refused(Told((0, 0, 5), (9, 0, 0), rejection=None))


def test_a_network_that_knows_no_background_is_not_asked() -> None:
    assert not refused(Told((0, 0, 5), (9, 0, 0), classes=("speed-60", "speed-80", "stop")))


def test_parts_of_one_array_have_one_order() -> None:
    network = Told((0, 0, 9), (9, 0, 0))
    images = np.zeros((3, 8, 8, 3), np.uint8)
    images[..., 0], images[..., 2] = PLAIN, SWAPPED
    images[2, ..., 0], images[2, ..., 2] = SWAPPED, PLAIN  # of which the other order is none
    rows = [Row(path="x", accepted=True)] * 3
    with pytest.warns(UserWarning, match="in 2 of 3 arrays"):
        refused = refuse_swapped(rows, images, network.logits(images), network, of_one=True)
    assert [row.accepted for row in refused] == [False, False, True]
    few = images[[0, 2, 2]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert refuse_swapped(rows, few, network.logits(few), network, of_one=True) == rows
