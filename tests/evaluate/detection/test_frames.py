"""Frames of a data source, measured."""

import numpy as np

from roadworthy.data.frames import Annotation, Frame
from roadworthy.evaluate.detection.frames import result_of


def test_what_is_marked_in_a_frame_is_what_is_to_be_found() -> None:
    marked = (
        Annotation(box=(1, 2, 11, 22), label="stop"),
        Annotation(box=(50, 50, 90, 90), ignore=True),
        Annotation(box=(5, 5, 9, 9)),
    )
    found = result_of(
        Frame(path="a.png", annotations=marked, sequence="film"), np.zeros((0, 4)), np.zeros(0), ms=12.5
    )
    assert (found.path, found.sequence, found.labels, found.ms) == ("a.png", "film", ("stop", ""), 12.5)
    assert found.wanted.tolist() == [[1, 2, 11, 22], [5, 5, 9, 9]]
    assert found.ignore.tolist() == [[50, 50, 90, 90]]
    bare = result_of(Frame(path="b"), np.array([[0, 0, 1, 1]]), np.array([0.5]))
    assert (bare.wanted.shape, bare.ignore.shape, bare.predicted) == ((0, 4), (0, 4), None)
