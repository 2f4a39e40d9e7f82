"""From a network's cells to boxes in frames of any size, with a network that finds what it is told."""

from typing import Any

import numpy as np
import pytest

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import UsageError
from roadworthy.inference.boxes import (
    FINE_PX,
    MULTIPLE,
    best,
    check_least,
    find_boxes,
    padded,
    same_sign,
    scales,
)


class Bright:
    """Finds one box about all that is white; remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, ...]] = []

    def cells(self, frame: ByteArray) -> FloatArray:
        self.shown.append(frame.shape)
        assert frame.shape[0] % MULTIPLE == 0
        assert frame.shape[1] % MULTIPLE == 0
        rows, columns = np.nonzero(frame[..., 0] > 200)
        if not len(rows):
            return np.empty((0, 5), np.float32)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 0.9]
        return np.array([box, [*box[:4], 0.1]], np.float32)


def frame(height: int, width: int, box: tuple[int, int, int, int]) -> ByteArray:
    picture = np.zeros((height, width, 3), np.uint8)
    picture[box[1] : box[3], box[0] : box[2]] = 255
    return picture


@pytest.mark.parametrize(("height", "width"), [(40, 50), (720, 1280), (33, 1000), (31, 31)])
def test_boxes_are_in_pixels_of_the_frame(height: int, width: int) -> None:
    found = find_boxes(frame(height, width, (8, 4, 28, 24)), Bright(), threshold=0.5)
    assert found.boxes.shape == (1, 4)
    assert found.scores.tolist() == pytest.approx([0.9])
    assert np.abs(found.boxes[0] - [8, 4, 28, 24]).max() <= 0.5


def test_smaller_signs_are_looked_for_in_the_frame_enlarged() -> None:
    finder = Bright()
    find_boxes(frame(64, 96, (8, 4, 28, 24)), finder, threshold=0.5, least_px=FINE_PX / 2)
    assert finder.shown[0][:2] == (128, 192)


def test_large_frames_are_seen_small_too() -> None:
    assert scales(200, 300) == [1.0]
    assert scales(720, 1280) == [1.0, 0.25]
    assert scales(720, 1280, least_px=20) == [0.5, 0.125]
    first = scales(10_000, 10_000)[0]
    assert first**2 * 1e8 == pytest.approx(13e6)


@pytest.mark.parametrize("least", [3.9, 0, -1, float("inf"), float("nan"), pytest.param(10**400, id="huge")])
def test_a_smallest_sign_that_makes_no_sense_is_refused(least: float) -> None:
    with pytest.raises(UsageError, match="smallest sign is asked to be"):
        find_boxes(frame(64, 64, (8, 4, 28, 24)), Bright(), threshold=0.5, least_px=least)


@pytest.mark.parametrize("least", ["10", [10], True])
def test_a_smallest_sign_that_is_no_number_is_refused(least: Any) -> None:
    with pytest.raises(UsageError, match=r"least_px is .*; it must be a number of pixels, 4 or more"):
        check_least(least)


def test_a_frame_without_signs() -> None:
    found = find_boxes(np.zeros((50, 60, 3), np.uint8), Bright(), threshold=0.5)
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == (0,)


def test_the_surest_of_each_group_is_kept() -> None:
    cells = np.array(
        [[0, 0, 10, 10, 0.5], [1, 0, 11, 10, 0.9], [20, 0, 30, 10, 0.6], [2, 2, 6, 6, 0.7]], np.float32
    )
    found = best(cells)
    assert found.boxes.tolist() == [[1, 0, 11, 10], [20, 0, 30, 10]]
    assert best(cells, most=1).scores.tolist() == pytest.approx([0.9])


def test_ties_do_not_depend_on_the_order_of_cells() -> None:
    cells = np.array([[0, 0, 9, 9, 0.5], [0, 1, 9, 10, 0.5], [40, 0, 50, 9, 0.5]], np.float32)
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        assert best(cells[order]).boxes.tolist() == [[0, 0, 9, 9], [40, 0, 50, 9]]


def test_signs_one_above_the_other_are_two() -> None:
    box = np.array([0, 0, 10, 10], np.float32)
    assert same_sign(box, np.array([[0, 10, 10, 20], [0, 4, 10, 14], [0, 2, 10, 12]])).tolist() == [
        False,
        False,
        True,
    ]


def test_padding_is_grey_and_to_the_right_and_below() -> None:
    picture = frame(33, 64, (0, 0, 64, 33))
    assert padded(picture).shape == (64, 64, 3)
    assert (padded(picture)[33:] == 114).all()
    assert (padded(picture)[:33] == 255).all()


def test_whoever_no_longer_waits_ends_the_search() -> None:
    def gone() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        find_boxes(frame(64, 64, (8, 4, 28, 24)), Bright(), threshold=0.5, check=gone)
