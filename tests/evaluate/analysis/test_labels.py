"""Planted label errors are found, and clean labels seldom suspected."""

import numpy as np
import pytest

from roadworthy.core.errors import ShapeError
from roadworthy.evaluate.analysis.labels import probable_label_errors


def answers(rng: np.random.Generator, truth: np.ndarray, classes: int, skill: float) -> np.ndarray:
    """Probabilities of a network that is mostly right."""
    logits = rng.normal(size=(len(truth), classes))
    logits[np.arange(len(truth)), truth] += skill
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_planted_errors_are_found() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, 1000)
    probs = answers(rng, truth, 5, skill=6.0)
    labels, planted = truth.copy(), rng.choice(1000, 40, replace=False)
    labels[planted] = (labels[planted] + rng.integers(1, 5, 40)) % 5
    found = probable_label_errors(probs, labels)
    right = {suspect.index for suspect in found} & set(planted.tolist())
    assert len(right) >= 36  # recall
    assert len(right) >= 0.8 * len(found)  # precision
    assert all(truth[s.index] == s.rather for s in found if s.index in right)
    own = [probs[s.index, s.label] for s in found]
    assert own == sorted(own)


def test_clean_labels_are_seldom_suspected() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 5, 1000)
    assert len(probable_label_errors(answers(rng, truth, 5, skill=6.0), truth)) <= 15


def test_a_class_that_is_hard_to_tell_is_held_to_a_lower_mark() -> None:
    # Class 1 never gets more than 0.6; what is labelled 0 and gets 0.58 for 1 is still suspected.
    probs = np.array([[0.9, 0.1]] * 8 + [[0.42, 0.58]] + [[0.4, 0.6], [0.5, 0.5]])
    targets = np.array([0] * 9 + [1, 1])
    assert [suspect.index for suspect in probable_label_errors(probs, targets)] == [8]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="2 rows of probabilities came with 3 labels"):
        probable_label_errors(np.ones((2, 2)), np.zeros(3, np.int64))
