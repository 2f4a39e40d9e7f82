"""One finder against another on the same frames."""

from dataclasses import replace

import numpy as np
import pytest
from tests.evaluate.detection.conftest import frame, random_frames

from roadworthy.core.errors import DataError
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.paired import compare_finders


def finder(
    finds: float, *, frames: int = 60, wrong: float = 0.0, read: bool = True, seed: int = 0
) -> FinderPredictions:
    """One sign a frame, of which a share is found; a share of the frames has a false stop."""
    rng, made = np.random.default_rng(seed), []
    for i in range(frames):
        found = [(0, 0, 20, 20, rng.uniform(0.6, 1))] * (rng.random() < finds)
        false = [(50, 50, 70, 70, rng.uniform(0, 0.5))] * (rng.random() < wrong)
        said = ("stop",) * len(found + false)
        answers = {"predicted": said, "confidence": np.ones(len(said))} if read else {}
        made.append(frame(str(i), [*found, *false], wanted=[(0, 0, 20, 20)], labels=("stop",), **answers))
    return FinderPredictions(frames=tuple(made))


def test_figures_by_hand_and_a_verdict_where_the_interval_leaves_out_0() -> None:
    good, bad = finder(0.95, wrong=0.05), finder(0.5, wrong=0.6, seed=1)
    found = compare_finders(good, bad, names=("good", "bad"), repetitions=300)
    recall, precision, wrong = found.differences
    assert (found.a, found.b, found.frames, found.signs, found.left_out, found.over) == (
        "good",
        "bad",
        60,
        60,
        0,
        "frames",
    )
    share = [sum(len(one.boxes) and one.scores.max() > 0.5 for one in p.frames) / 60 for p in (good, bad)]
    assert (recall.a, recall.b) == pytest.approx(share)
    assert recall.effect == pytest.approx(share[0] - share[1])
    assert recall.ci95[0] < recall.effect < recall.ci95[1]
    assert (recall.verdict, precision.verdict, wrong.verdict) == ("better", "better", "better")
    assert wrong.effect < 0
    other = compare_finders(bad, good, repetitions=300).differences
    assert [one.verdict for one in other] == ["worse"] * 3
    assert other[0].ci95 == pytest.approx((-recall.ci95[1], -recall.ci95[0]))


def test_the_same_frames_are_drawn_for_both() -> None:
    # Both miss the same hard frames but one: paired, that difference is small and its interval narrow.
    one = finder(0.6)
    missed = [i for i, single in enumerate(one.frames) if not len(single.boxes)]
    frames = list(one.frames)
    frames[missed[0]] = replace(
        frames[missed[0]],
        boxes=np.array([[0, 0, 20, 20.0]]),
        scores=np.array([0.9]),
        predicted=("stop",),
        confidence=np.ones(1),
    )
    recall = compare_finders(FinderPredictions(frames=tuple(frames)), one, repetitions=500).differences[0]
    assert recall.effect == pytest.approx(1 / 60)
    assert recall.ci95[1] - recall.ci95[0] < 0.08
    assert recall.verdict == "no difference shown"


def test_a_finder_against_itself_shows_no_difference() -> None:
    one = random_frames(4, 20, read=True)
    for difference in compare_finders(one, one, repetitions=50).differences:
        assert (difference.effect, difference.ci95, difference.verdict) == (0, None, "no difference shown")


def test_without_a_reader_or_signs_a_figure_is_not_known() -> None:
    wrong = compare_finders(finder(0.9, read=False), finder(0.5, read=False), repetitions=20).differences[2]
    assert (wrong.a, wrong.effect, wrong.ci95, wrong.verdict) == (None, None, None, "no difference shown")
    empty = FinderPredictions(frames=(frame("a"), frame("b")))
    assert [one.a for one in compare_finders(empty, empty, repetitions=20).differences] == [None] * 3


def test_frames_of_one_alone_are_left_out_and_other_signs_refused() -> None:
    one, other = finder(0.9), finder(0.5, frames=40)
    found = compare_finders(one, other, repetitions=20)
    assert (found.frames, found.left_out) == (40, 20)
    moved = replace(one.frames[0], wanted=one.frames[0].wanted + 1)
    with pytest.raises(DataError, match="0 has other signs marked in a than in b"):
        compare_finders(FinderPredictions(frames=(moved, *one.frames[1:])), other)
    with pytest.raises(DataError, match="a and b have no frame in common"):
        compare_finders(FinderPredictions(frames=(frame("elsewhere"),)), other)
