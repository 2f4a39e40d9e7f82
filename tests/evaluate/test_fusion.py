"""Frames of one sign: which they are, what they say together, what a further one is worth."""

from dataclasses import replace

import numpy as np
import pytest

from roadworthy.core.errors import ShapeError
from roadworthy.core.predictions import log_probabilities
from roadworthy.data.dataset import Dataset
from roadworthy.data.records import Record
from roadworthy.evaluate.fusion import (
    AVERAGE,
    SINGLE,
    TOGETHER,
    VOTES,
    Track,
    choose_independence,
    error_of_frames,
    fused,
    tracks,
)


def dataset(groups: list[str], targets: list[int]) -> Dataset:
    records = tuple(
        Record(path=f"{9 - i}.png", label=f"class {target}", group=group)
        for i, (group, target) in enumerate(zip(groups, targets, strict=True))
    )
    return Dataset(
        images=np.zeros((len(groups), 4, 4, 3), np.uint8),
        targets=np.array(targets),
        records=records,
        classes=("class 0", "class 1"),
    )


def test_tracks_are_signs_with_their_frames_in_order() -> None:
    found = tracks(dataset(["b", "a", "b", ""], [1, 0, 1, 0]))
    assert [(track.name, track.target, track.rows.tolist()) for track in found] == [
        ("6.png", 0, [3]),  # of a sign that is not known
        ("a", 0, [1]),
        ("b", 1, [2, 0]),  # by path, as they were taken
    ]


def test_a_sign_has_one_class() -> None:
    with pytest.raises(ShapeError, match="the frames of a have labels of several classes"):
        tracks(dataset(["a", "a"], [0, 1]))


def test_few_frames_are_spread_over_the_track() -> None:
    track = Track(name="a", target=0, rows=np.arange(100, 130))
    assert track.spread(1).rows.tolist() == [115]
    assert track.spread(3).rows.tolist() == [105, 115, 125]
    assert track.spread(30).rows.tolist() == track.spread(99).rows.tolist() == list(range(100, 130))
    with pytest.raises(ValueError, match="0 frames"):
        track.spread(0)


def test_each_way_to_answer_from_the_same_frames() -> None:
    # Two frames lean to class 1 a little, one is sure of class 0: votes and evidence disagree.
    probs = np.array([[0.4, 0.6], [0.4, 0.6], [0.99, 0.01]])
    errors = error_of_frames(np.log(probs), [Track(name="a", target=0, rows=np.arange(3))])
    assert errors[SINGLE] == [pytest.approx(2 / 3)]
    assert errors[VOTES] == [1.0]
    assert errors[AVERAGE] == errors[TOGETHER] == [0.0]


def simulated(shared: float, seed: int = 0) -> tuple[np.ndarray, list[Track]]:
    """Calibrated frames of 300 signs whose noise is shared between frames to that extent, or wholly new."""
    rng = np.random.default_rng(seed)
    signs, frames = 300, 10
    targets = rng.integers(2, size=signs)
    signal = np.where(targets == 1, 1.0, -1.0)[:, None]
    noise = np.sqrt(shared) * rng.normal(size=(signs, 1)) + np.sqrt(1 - shared) * rng.normal(
        size=(signs, frames)
    )
    logits = 2 * (signal + noise).reshape(-1, 1) * np.array([-0.5, 0.5])  # the log odds of one such frame
    of = [
        Track(name=str(i), target=int(target), rows=np.arange(frames) + frames * i)
        for i, target in enumerate(targets)
    ]
    return log_probabilities(logits), of


def test_frames_that_are_new_evidence_count_in_full_and_repetitions_for_nothing() -> None:
    assert choose_independence([simulated(shared=0.0)[0]], simulated(shared=0.0)[1]) > 0.8
    assert choose_independence([simulated(shared=1.0)[0]], simulated(shared=1.0)[1]) < 0.1
    # Of frames with correlation r a further one is worth 1 / (1 + (n - 1) r) of a new one: 10 make up 1.8.
    between = choose_independence([simulated(shared=0.5)[0]], simulated(shared=0.5)[1])
    assert between == pytest.approx((1.82 - 1) / 9, abs=0.06)


def test_what_is_fused_is_as_sure_as_it_is_right() -> None:
    log_probs, of = simulated(shared=0.0, seed=1)
    probs = np.exp(fused(log_probs, of, 1.0))
    right = probs.argmax(axis=1) == [track.target for track in of]
    assert probs.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.01)
    assert right.mean() > 0.99
    assert fused(log_probs, [replace(of[0], rows=of[0].rows[:1])], 1.0) == pytest.approx(log_probs[:1])
