"""Boxes found against boxes drawn."""

import numpy as np
import pytest

from roadworthy.evaluate.detection.matching import (
    areas,
    by_size,
    false_kind,
    intersection_over_union,
    intersections_over_union,
    larger_sides,
    match,
    match_frame,
    shares_within,
)

NONE = np.zeros((0, 4))


def test_overlap_by_hand() -> None:
    assert intersection_over_union((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert intersection_over_union((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert intersection_over_union((0, 0, 2, 2), (2, 0, 4, 2)) == 0
    assert intersection_over_union((1, 1, 1, 1), (1, 1, 1, 1)) == 0


def test_overlaps_of_many_are_those_of_each() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.uniform(0, 10, (n, 4)) for n in (7, 5))
    a[:, 2:] += a[:, :2]
    b[:, 2:] += b[:, :2]
    found = intersections_over_union(a, b)
    assert found.shape == (7, 5)
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            assert found[i, j] == intersection_over_union(tuple(one), tuple(other))
    assert intersections_over_union(a, NONE).shape == (7, 0)


def test_share_of_a_box_within_a_region() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 4, 4], [90, 90, 95, 95], [3, 3, 3, 3]])
    assert shares_within(boxes, np.array([[5, 0, 100, 10], [0, 0, 2, 4]])).tolist() == [
        [0.5, 0.08],
        [0.0, 0.5],
        [0.0, 0.0],
        [0.0, 0.0],
    ]


def test_areas_and_sides() -> None:
    boxes = np.array([[0, 0, 2, 5], [1, 1, 4, 2.5]], np.float32)
    assert areas(boxes).tolist() == [10, 4.5]
    assert larger_sides(boxes).tolist() == [5, 3]
    assert larger_sides(NONE).tolist() == []


def test_each_sign_is_found_once_by_the_surest() -> None:
    wanted = [(0, 0, 10, 10), (20, 0, 30, 10)]
    found = [(0, 0, 10, 9), (0, 0, 10, 10), (21, 0, 31, 10), (50, 50, 60, 60)]
    matched = match(found, wanted)
    assert matched.found == (0, None, 1, None)
    assert matched.overlaps == pytest.approx((0.9, 1.0, 9 / 11, 0.0))
    assert match([], wanted).found == ()
    assert match(found[:1], []).found == (None,)
    assert match([(0, 0, 10, 4)], wanted).found == (None,)
    assert match([(0, 0, 10, 4)], wanted, overlap=0.4).found == (0,)


def test_the_surest_goes_first_wherever_it_stands() -> None:
    wanted = np.array([[0, 0, 10, 10]])
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 8], [0, 0, 10, 9]])
    assert match_frame(boxes, np.array([0.2, 0.9, 0.4]), wanted, NONE).signs.tolist() == [-1, 0, -1]
    assert match_frame(boxes, np.array([0.5, 0.1, 0.5]), wanted, NONE).signs.tolist() == [0, -1, -1]
    assert match_frame(boxes[::-1], np.array([0.5, 0.1, 0.5]), wanted, NONE).signs.tolist() == [0, -1, -1]


def test_a_box_takes_the_sign_that_it_overlaps_with_most_of_those_that_are_left() -> None:
    wanted = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [4, 0, 14, 10]])
    boxes = np.array([[2, 0, 12, 10], [1, 0, 11, 10], [3, 0, 13, 10]])
    matched = match_frame(boxes, np.array([0.9, 0.8, 0.7]), wanted, NONE)
    assert matched.signs.tolist() == [1, 0, 2]
    assert matched.overlaps == pytest.approx([1, 9 / 11, 9 / 11])
    assert matched.nearest.tolist() == [1, 0, 2]


def test_of_signs_overlapped_alike_the_later_is_taken_as_coco_does() -> None:
    wanted = np.array([[0, 0, 10, 10], [2, 0, 12, 10]])
    assert match_frame(np.array([[1, 0, 11, 10]]), np.ones(1), wanted, NONE).signs.tolist() == [1]


def test_what_lies_in_an_ignored_region_is_neither_wanted_nor_false() -> None:
    wanted, ignore = np.array([[0, 0, 10, 10]]), np.array([[0, 0, 50, 50]])
    boxes = np.array(
        [
            [0, 0, 10, 10],
            [0, 0, 10, 9],
            [20, 20, 30, 30],
            [45, 40, 55, 50],
            [46, 40, 56, 50],
            [80, 80, 90, 90],
        ]
    )
    matched = match_frame(boxes, np.linspace(0.9, 0.4, 6), wanted, ignore)
    assert matched.signs.tolist() == [0, -1, -1, -1, -1, -1]
    # The fourth lies in it by exactly half, the fifth by less.
    assert matched.ignored.tolist() == [False, True, True, True, False, False]
    assert matched.false.tolist() == [False, False, False, False, True, True]


@pytest.mark.parametrize("boxes", [NONE, np.array([[0, 0, 4, 4], [0, 0, 0, 0]])])
@pytest.mark.parametrize("wanted", [NONE, np.array([[0, 0, 4, 4]])])
@pytest.mark.parametrize("ignore", [NONE, np.array([[0, 0, 9, 9]])])
def test_none_of_anything_is_no_error(boxes: np.ndarray, wanted: np.ndarray, ignore: np.ndarray) -> None:
    matched = match_frame(boxes, np.linspace(0.9, 0.1, len(boxes)), wanted, ignore)
    assert matched.signs.tolist() == ([0, -1] if len(wanted) else [-1, -1])[: len(boxes)]
    assert len(matched.ignored) == len(matched.overlaps) == len(matched.nearest) == len(boxes)


def test_false_boxes_by_what_is_there() -> None:
    assert [false_kind(share) for share in (1.0, 0.5, 0.499, 0.1, 0.099, 0.0)] == [
        *("twice", "twice", "beside", "beside", "nothing", "nothing")
    ]


def test_recall_by_size_by_hand() -> None:
    classes = by_size(
        [10, 12, 20, 90], [True, False, True, False], [True, True, False, False], [0, 16, 32, 64]
    )
    assert [(c.low, c.high, c.n, c.recall, c.read) for c in classes] == [
        (0, 16, 2, 0.5, 0.5),
        (16, 32, 1, 1.0, 0.0),
    ]
    assert classes[0].recall_ci95[0] == pytest.approx(0.0945, abs=1e-4)  # Wilson, 1 of 2
