"""Planted label errors are found, and clean labels seldom suspected."""

import numpy as np
import pytest

from roadworthy.core.errors import ShapeError
from roadworthy.evaluate.analysis.labels import (
    calibrated,
    discriminant,
    out_of_fold,
    outvoted,
    probable_label_errors,
)


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


def test_suspects_are_those_of_cleanlab_in_its_order() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 6, 400)
    probs = answers(rng, truth, 6, skill=4.0)
    labels, planted = truth.copy(), rng.choice(400, 30, replace=False)
    labels[planted] = (labels[planted] + rng.integers(1, 6, 30)) % 6
    # find_label_issues(labels, probs, filter_by="confident_learning",
    #                   return_indices_ranked_by="self_confidence") of cleanlab 2.9.0
    theirs = [157, 190, 279, 184, 28, 319, 60, 107, 131, 254, 95, 169]
    theirs += [158, 324, 284, 217, 369, 274, 64, 61, 137, 202, 227, 56]
    assert [one.index for one in probable_label_errors(probs, labels)] == theirs


def test_the_discriminant_is_that_of_scikit_learn() -> None:
    analysis = pytest.importorskip("sklearn.discriminant_analysis", reason="the reference is scikit-learn")
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(3), 40)
    known = rng.normal(size=(120, 4)) + targets[:, None]
    known, asked = (known - known.mean(axis=0)) / known.std(axis=0), rng.normal(size=(20, 4))
    # Theirs shrinks a covariance that is scaled to unit variances within all pictures, as ours is here.
    means = np.stack([known[targets == c].mean(axis=0) for c in range(3)])
    within = known - means[targets]
    covariance = within.T @ within / 120
    covariance = 0.9 * covariance + 0.1 * np.trace(covariance) / 4 * np.eye(4)
    theirs = analysis.LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=_Given(covariance))
    expected = theirs.fit(known, targets).predict_proba(asked)
    np.testing.assert_allclose(discriminant(known, targets, asked, 3), expected, atol=1e-9)


class _Given:
    """A covariance that is known already."""

    def __init__(self, covariance: np.ndarray) -> None:
        self.covariance_ = covariance

    def fit(self, _: np.ndarray) -> "_Given":
        return self


def test_a_class_that_no_other_fold_has_is_not_judged() -> None:
    features = np.array([[0.0], [0.1], [5.0], [5.1], [9.0]])
    targets, folds = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 0])
    probs = out_of_fold(features, targets, folds, 3)
    assert np.isnan(probs[4]).all()
    assert probs[:4].argmax(axis=1).tolist() == [0, 0, 1, 1]
    with pytest.raises(ShapeError, match="5 features, 5 labels, 4 folds"):
        out_of_fold(features, targets, folds[:4], 3)


def test_no_picture_is_judged_by_its_own_fold() -> None:
    # Fold 1 says the opposite of fold 0, so each is told the opposite of its labels.
    features = np.array([[0.0], [0.1], [5.0], [5.1]] * 2)
    targets, folds = np.array([0, 0, 1, 1, 1, 1, 0, 0]), np.repeat([0, 1], 4)
    assert (out_of_fold(features, targets, folds, 2).argmax(axis=1) != targets).all()


def test_calibrated_probabilities_are_as_sure_as_they_are_right() -> None:
    targets = np.array([0, 0, 0, 1])
    sure = np.tile([1 - 1e-9, 1e-9], (4, 1))  # right in three of four
    probs = calibrated(np.concatenate([sure, [[np.nan, np.nan]]]), np.append(targets, 0))
    assert probs[0, 0] == pytest.approx(0.75, abs=0.05)
    assert np.isnan(probs[4]).all()


def test_the_other_pictures_of_a_sign_outvote_one() -> None:
    targets = np.array([2, 2, 2, 1, 1, 0, 0, 1])
    groups = ["a", "a", "a", "a", "b", "b", "", ""]  # b has one against one; the last are alone
    assert outvoted(targets, groups) == {3: (2, 3)}
