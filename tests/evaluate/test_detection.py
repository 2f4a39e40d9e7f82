"""Boxes found against boxes drawn."""

import pytest

from roadworthy.evaluate.detection import by_size, intersection_over_union, match


def test_overlap_by_hand() -> None:
    assert intersection_over_union((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert intersection_over_union((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert intersection_over_union((0, 0, 2, 2), (2, 0, 4, 2)) == 0
    assert intersection_over_union((1, 1, 1, 1), (1, 1, 1, 1)) == 0


def test_each_sign_is_found_once_by_the_surest() -> None:
    wanted = [(0, 0, 10, 10), (20, 0, 30, 10)]
    found = [(0, 0, 10, 9), (0, 0, 10, 10), (21, 0, 31, 10), (50, 50, 60, 60)]
    matched = match(found, wanted)
    assert matched.found == (0, None, 1, None)
    assert matched.overlaps == pytest.approx((0.9, 0.0, 9 / 11, 0.0))
    assert match([], wanted).found == ()
    assert match(found[:1], []).found == (None,)
    assert match([(0, 0, 10, 4)], wanted).found == (None,)
    assert match([(0, 0, 10, 4)], wanted, overlap=0.4).found == (0,)


def test_recall_by_size_by_hand() -> None:
    classes = by_size(
        [10, 12, 20, 90], [True, False, True, False], [True, True, False, False], [0, 16, 32, 64]
    )
    assert [(c.low, c.high, c.n, c.recall, c.read) for c in classes] == [
        (0, 16, 2, 0.5, 0.5),
        (16, 32, 1, 1.0, 0.0),
    ]
    assert classes[0].recall_ci95[0] == pytest.approx(0.0945, abs=1e-4)  # Wilson, 1 of 2
