import numpy as np

from roadworthy.core.boxes import areas, as_boxes, clipped, overlaps, shared_areas


def test_overlaps_worked_by_hand():
    a = as_boxes([(0, 0, 10, 10), (5, 5, 5, 5)])
    b = as_boxes([(0, 0, 10, 10), (5, 0, 15, 10), (10, 0, 20, 10), (5, 5, 5, 5)])
    assert np.allclose(overlaps(a, b), [[1, 50 / 150, 0, 0], [0, 0, 0, 0]])
    assert np.array_equal(shared_areas(a, b)[0], [100, 50, 0, 0])


def test_no_boxes_are_an_empty_table():
    none = as_boxes([])
    assert none.shape == (0, 4)
    assert overlaps(none, as_boxes([(0, 0, 1, 1)])).shape == (0, 1)
    assert areas(none).shape == (0,)


def test_a_box_turned_inside_out_holds_nothing():
    assert areas(as_boxes([(10, 0, 0, 5), (0, 0, 4, 5)])).tolist() == [0, 20]


def test_clipped_to_the_picture():
    boxes = as_boxes([(-5, 2, 8, 30), (50, 50, 60, 60)])
    assert clipped(boxes, 20, 10).tolist() == [[0, 2, 8, 10], [20, 10, 20, 10]]
