"""Frames laid side by side: signs with the score that finds them, and false alarms."""

import numpy as np
import pytest
from tests.evaluate.detection.conftest import frame, random_frames

from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.matching import match_frame
from roadworthy.evaluate.detection.tally import tally, units_of


def test_a_tally_by_hand() -> None:
    first = frame(
        "a",
        [(0, 0, 10, 10, 0.9), (0, 0, 10, 9, 0.95), (50, 50, 60, 60, 0.3), (80, 80, 90, 90, 0.2)],
        wanted=[(0, 0, 10, 10), (20, 0, 50, 10)],
        labels=("stop", ""),
        ignore=[(75, 75, 95, 95)],
    )
    second = frame("b", [(0, 0, 8, 8, 0.5)], wanted=[(0, 0, 8, 10)], labels=("no-entry",))
    counted = tally(FinderPredictions(frames=(first, second)))
    signs, false = counted.signs, counted.false
    assert signs.frames.tolist() == [0, 0, 1]
    assert signs.sides.tolist() == [10, 30, 10]
    assert signs.labels == ("stop", "", "no-entry")
    assert signs.named.tolist() == [True, False, True]
    assert signs.scores.tolist() == [0.95, -np.inf, 0.5]
    assert signs.boxes.tolist() == [1, -1, 0]
    assert signs.overlaps == pytest.approx([0.9, 0, 0.8])
    assert (false.frames.tolist(), false.boxes.tolist(), false.scores.tolist()) == (
        [0, 0],
        [0, 2],
        [0.9, 0.3],
    )
    assert false.kinds(0) == ["twice", "nothing"]
    assert false.kinds(0.5) == ["twice"]
    assert counted.false_per_frame(0.3).tolist() == [2, 0]
    assert counted.false_per_frame(0.31).tolist() == [1, 0]
    assert (counted.frames, counted.ignored, counted.clustered) == (2, 1, False)


@pytest.mark.parametrize("seed", range(10))
def test_at_every_threshold_it_says_what_matching_the_boxes_above_it_does(seed: int) -> None:
    predictions = random_frames(seed, ties=True)
    counted = tally(predictions)
    for threshold in np.arange(0, 1.01, 0.1).round(1):
        found, false = 0, 0
        for one in predictions.frames:
            kept = one.scores >= threshold
            matched = match_frame(one.boxes[kept], one.scores[kept], one.wanted, one.ignore)
            found, false = found + int((matched.signs >= 0).sum()), false + int(matched.false.sum())
        assert (counted.signs.scores >= threshold).sum() == found
        assert (counted.false.scores >= threshold).sum() == counted.false_per_frame(threshold).sum() == false


def test_frames_of_a_sequence_vary_together_and_others_alone() -> None:
    frames = tuple(
        frame(path, sequence=sequence) for path, sequence in [("a", "x"), ("x", ""), ("b", "y"), ("c", "x")]
    )
    predictions = FinderPredictions(frames=frames)
    assert units_of(predictions).tolist() == [0, 1, 2, 0]
    assert tally(predictions).clustered
    assert not tally(FinderPredictions(frames=frames[:3])).clustered


def test_no_frames_and_empty_frames() -> None:
    nothing = tally(FinderPredictions(frames=()))
    assert (len(nothing.signs), len(nothing.false), nothing.frames) == (0, 0, 0)
    empty = tally(FinderPredictions(frames=(frame("a"), frame("b"))))
    assert (len(empty.signs), len(empty.false), empty.frames) == (0, 0, 2)
    assert empty.false_per_frame(0).tolist() == [0, 0]
