"""Signs by size."""

import numpy as np
import pytest
from tests.evaluate.detection.conftest import frame, random_frames

from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.free_response import Sweep
from roadworthy.evaluate.detection.sizes import ALL, BY_SIZE, MOST_CORNERS, response_line, upper, within
from roadworthy.evaluate.detection.tally import tally


def test_every_size_is_in_one_class() -> None:
    sides = np.array([0, 7.9, 8, 15.99, 16, 23.9, 24, 127, 128, 5000])
    members = np.stack([within(sides, bounds) for bounds in BY_SIZE])
    assert (members.sum(axis=0) == 1).all()
    assert members.argmax(axis=0).tolist() == [0, 0, 1, 2, 3, 3, 4, 7, 8, 8]
    assert [upper(bounds) for bounds in BY_SIZE] == [8, 12, 16, 24, 32, 48, 64, 128, None]


def test_a_line_by_hand() -> None:
    frames = (
        frame("a", [(0, 0, 20, 20, 0.9), (50, 50, 60, 60, 0.8)], wanted=[(0, 0, 20, 20), (90, 90, 99, 99)]),
        frame("b", [(0, 0, 9, 9, 0.7), (50, 50, 60, 60, 0.7), (20, 20, 50, 50, 0.1)], wanted=[(0, 0, 9, 9)]),
        frame("c", [(0, 0, 30, 30, 0.6)], wanted=[(0, 0, 30, 30)]),
        frame("d"),
    )
    counted = tally(FinderPredictions(frames=frames))
    line = response_line(counted, ALL)
    # The sign found at 0.7 comes with the false alarm of the same score.
    assert (line.n, line.false_per_frame, line.recall) == (4, (0, 0.5), (0.25, 0.75))
    large = response_line(counted, (16.0, np.inf))
    assert (large.n, large.false_per_frame, large.recall) == (2, (0, 0.5), (0.5, 1.0))
    none = response_line(counted, (100.0, np.inf))
    assert (none.n, none.false_per_frame, none.recall) == (0, (), ())


@pytest.mark.parametrize("seed", range(5))
def test_a_line_says_what_the_curve_does(seed: int) -> None:
    counted = tally(random_frames(seed, ties=True))
    line, curve = response_line(counted, ALL), Sweep(counted).curve()
    for x, y in zip(line.false_per_frame, line.recall, strict=True):
        assert curve.recall_at(x) == pytest.approx(y)


def test_of_a_long_line_some_corners_are_kept_the_ends_among_them() -> None:
    boxes = [(0, 0, 9, 9, 0.9), *((50 + i, 50, 60 + i, 60, 0.8) for i in range(2))]
    frames = [
        frame(f"{i}", [(*b[:4], b[4] - i / 1000) for b in boxes], wanted=[(0, 0, 9, 9)]) for i in range(400)
    ]
    line = response_line(tally(FinderPredictions(frames=tuple(frames))), ALL)
    assert len(line.recall) <= MOST_CORNERS
    assert line.recall[-1] == 1
    assert line.false_per_frame[0] == 0
    assert sorted(line.recall) == list(line.recall)
