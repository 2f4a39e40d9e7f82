"""Whether two finders find the same, against figures worked by hand."""

import numpy as np
import pytest

from roadworthy.core.arrays import FloatArray
from roadworthy.core.errors import ParityError, ShapeError
from roadworthy.export.box_parity import box_parity, check_full_boxes, check_quantised_boxes

OLD = np.array([[0, 0, 10, 10, 0.9], [50, 50, 70, 70, 0.6]], np.float32)


def moved(by: float, score: float = 0.0) -> FloatArray:
    return np.asarray(OLD + np.array([by, by, by, by, score]), np.float32)


def test_the_same_boxes_are_the_same() -> None:
    found = box_parity([OLD, OLD[:0]], [OLD[::-1], OLD[:0]])
    assert (found.frames, found.boxes, found.agreement) == (2, 2, 1.0)
    assert found.score_difference == found.edge_difference == 0
    check_full_boxes(found)
    check_quantised_boxes(found)


def test_differences_are_measured_on_boxes_that_both_found() -> None:
    found = box_parity([OLD], [moved(0.5, -0.02)])
    assert found.agreement == 1
    assert found.edge_difference == pytest.approx(0.5)
    assert found.score_difference == pytest.approx(0.02)


def test_of_a_box_moved_by_a_tenth_two_thirds_remain() -> None:
    # 81 of 119 square pixels: 0.68, not the same; of the larger 361 of 439: 0.82, the same.
    found = box_parity([OLD], [moved(1)])
    assert found.boxes == 3
    assert found.agreement == pytest.approx(1 / 3)


def test_full_precision_allows_rounding_alone() -> None:
    check_full_boxes(box_parity([OLD], [moved(0.05, 0.0005)]))
    for other in (moved(0.2), moved(0, -0.002), OLD[:1]):
        with pytest.raises(ParityError, match="finds otherwise"):
            check_full_boxes(box_parity([OLD], [other]))


def test_of_two_boxes_whose_scores_round_alike_either_may_be_kept() -> None:
    many = np.repeat(OLD[:1], 1000, axis=0) + np.arange(1000)[:, None] * np.array([30, 0, 30, 0, 0])
    other = many.copy()
    other[7, :4] += 0.5
    check_full_boxes(box_parity([many], [other]))
    other[8, :4] += 0.5
    with pytest.raises(ParityError, match=r"2 are others or differ by more than 0\.1 px"):
        check_full_boxes(box_parity([many], [other]))


def test_where_nothing_is_found_nothing_is_shown_to_be_the_same() -> None:
    with pytest.raises(ParityError, match="nothing is found in the 2 frames"):
        check_full_boxes(box_parity([OLD[:0]] * 2, [OLD[:0]] * 2))


def test_eight_bits_may_cost_a_little() -> None:
    many = np.repeat(OLD[:1], 100, axis=0) + np.arange(100)[:, None] * np.array([30, 0, 30, 0, 0])
    check_quantised_boxes(box_parity([many], [many[:98]], ap50_before=0.9, ap50=0.896))
    with pytest.raises(ParityError, match="8 bits change too much"):
        check_quantised_boxes(box_parity([many], [many[:90]], ap50_before=0.9, ap50=0.9))
    with pytest.raises(ParityError, match="AP50 loses 1"):
        check_quantised_boxes(box_parity([many], [many], ap50_before=0.9, ap50=0.89))
    check_quantised_boxes(box_parity([many], [many]))  # frames without signs


def test_every_frame_must_be_seen() -> None:
    with pytest.raises(ShapeError):
        box_parity([OLD], [])
    with pytest.raises(ShapeError):
        box_parity([], [])


def test_what_a_manifest_keeps() -> None:
    assert box_parity([OLD], [OLD], ap50=0.5, ap50_before=0.6).facts() == {
        "n": 1,
        "boxes": 2,
        "agreement": 1.0,
        "largest_difference": 0.0,
        "largest_edge_difference_px": 0.0,
        "ap50": 0.5,
        "ap50_before": 0.6,
    }
