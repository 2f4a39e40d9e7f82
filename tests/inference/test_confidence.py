import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from roadworthy.core.errors import ShapeError
from roadworthy.core.predictions import log_probabilities, probabilities
from roadworthy.core.rejection import Rejection
from roadworthy.inference.confidence import SCORES, answer, fuse_frames, top_k


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.05, 20))
def test_log_probabilities_equal_scipy(seed, temperature):
    logits = np.random.default_rng(seed).normal(size=(4, 3, 5)) * 10
    assert log_probabilities(logits, temperature) == pytest.approx(log_softmax(logits / temperature, axis=-1))
    assert probabilities(logits, temperature).sum(axis=-1) == pytest.approx(1)


def test_by_hand():
    assert probabilities(np.log([1.0, 2.0, 5.0])) == pytest.approx([1 / 8, 2 / 8, 5 / 8])
    assert probabilities(np.log([1.0, 9.0]), temperature=2) == pytest.approx([1 / 4, 3 / 4])


def test_extreme_logits_stay_finite():
    assert log_probabilities(np.array([1e30, -1e30], dtype=np.float32)).tolist() == [0, pytest.approx(-2e30)]
    assert probabilities(np.array([1000.0, 0.0])).tolist() == [1, 0]
    assert probabilities(np.array([7.0])).tolist() == [1]


@pytest.mark.parametrize("temperature", [0, -1, float("nan")])
def test_temperature_must_be_positive(temperature):
    with pytest.raises(ValueError, match="must be positive"):
        probabilities(np.zeros(2), temperature)


@pytest.mark.parametrize("logits", [np.array(1.0), np.zeros((3, 0))])
def test_logits_without_classes(logits):
    with pytest.raises(ShapeError, match="must hold the classes"):
        probabilities(logits)


def test_top_k():
    scores = np.array([[0.1, 0.5, 0.4], [0.3, 0.3, 0.4]])
    assert top_k(scores, 2).tolist() == [[1, 2], [2, 0]]  # ties by index, as argmax does
    assert top_k(scores[0], 9).tolist() == [1, 2, 0]
    with pytest.raises(ValueError, match="k is 0"):
        top_k(scores, 0)


def test_scores_by_hand():
    logits = np.log([[6.0, 3.0, 1.0], [1.0, 1.0, 1.0]])
    assert SCORES.get("probability")(logits, 1.0) == pytest.approx([0.6, 1 / 3])
    assert SCORES.get("margin")(logits, 1.0) == pytest.approx([0.3, 0.0])
    entropy = 0.6 * np.log(0.6) + 0.3 * np.log(0.3) + 0.1 * np.log(0.1)
    assert SCORES.get("entropy")(logits, 1.0) == pytest.approx([entropy, -np.log(3)])
    assert SCORES.get("energy")(logits, 1.0) == pytest.approx([np.log(10), np.log(3)])
    assert SCORES.get("energy")(logits, 2.0) == pytest.approx(2 * np.log(np.exp(logits / 2).sum(axis=1)))


@pytest.mark.parametrize("name", list(SCORES))
def test_every_score_is_higher_where_an_answer_is_surer(name):
    logits = np.array([[9.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.1, 0.0, 0.0]])
    scores = SCORES.get(name)(logits, 1.0)
    assert scores.shape == (3,)
    assert (np.diff(scores) < 0).all()
    extreme = SCORES.get(name)(np.array([[1e4, -1e4]], np.float32), 0.05)
    assert np.isfinite(extreme).all()
    assert np.isfinite(SCORES.get(name)(np.array([[3.0]]), 1.0)).all()


def test_frames_are_fused_by_hand():
    frames = np.log([[0.8, 0.2], [0.6, 0.4]])
    assert np.exp(fuse_frames(frames)) == pytest.approx([0.48 / 0.56, 0.08 / 0.56])
    mean = np.sqrt([0.48, 0.08])
    assert np.exp(fuse_frames(frames, independence=0.0)) == pytest.approx(mean / mean.sum())
    half = np.array([0.48, 0.08]) ** 0.75
    assert np.exp(fuse_frames(frames, independence=0.5)) == pytest.approx(half / half.sum())
    assert np.exp(fuse_frames(frames[:1])) == pytest.approx([0.8, 0.2])


def test_a_frame_that_rules_everything_out_breaks_nothing():
    with np.errstate(divide="ignore"):
        frames = np.log([[1.0, 0.0], [0.0, 1.0]])
    assert np.exp(fuse_frames(frames)) == pytest.approx([0.5, 0.5])


def test_frames_that_cannot_be_fused_are_refused():
    with pytest.raises(ShapeError):
        fuse_frames(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="independence is 2"):
        fuse_frames(np.zeros((1, 3)), independence=2)


def test_an_answer_without_colour_says_why_it_is_not_accepted():
    logits = np.array([9.0, 0.0])
    row = answer("x", logits, ("end-speed-50", "stop"), colourless=True)
    assert (row.accepted, row.unsure) == (False, False)
    assert row.reason == (
        "the picture has no colour, and without it end-speed may be speed or end-all-limits or not-a-limit"
    )
    assert row.to_dict()["reason"] == row.reason
    assert "reason" not in answer("x", logits, ("end-speed-50", "stop")).to_dict()
    # What is not sure is not accepted for that; a reason would keep it from a closer look.
    unsure = Rejection(score="probability", threshold=1.0, coverage=0.9, n=9)
    row = answer("x", logits, ("end-speed-50", "stop"), rejection=unsure, colourless=True)
    assert (row.accepted, row.reason, row.unsure) == (False, None, True)
