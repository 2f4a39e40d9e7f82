"""When not to answer, against counting by hand, random orders and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from roadworthy.core.errors import ShapeError
from roadworthy.core.predictions import Predictions
from roadworthy.core.rejection import Rejection
from roadworthy.evaluate.rejection import (
    Mahalanobis,
    NearestNeighbours,
    agreement,
    auroc,
    false_positive_rate,
    rejection_summary,
    risk_coverage,
    threshold_at_risk,
    threshold_for,
)

RNG = np.random.default_rng


def test_the_curve_by_hand() -> None:
    curve = risk_coverage(np.array([0.9, 0.8, 0.8, 0.1]), np.array([1, 0, 1, 0]))
    assert curve.coverage.tolist() == [0.25, 0.75, 1.0]
    assert curve.risk == pytest.approx([0, 1 / 3, 1 / 2])
    assert curve.at(1.0) == 0.5
    assert curve.at(0.25) == 0.0
    assert curve.at(0.5) == pytest.approx(0.5 / 2)  # one of the two equally sure: wrong half the time


def test_the_area_is_that_of_random_orders_among_equals() -> None:
    rng = RNG(0)
    scores = rng.integers(0, 5, 4000) / 5
    right = (rng.random(4000) < 0.5 + scores / 2).astype(float)
    areas = []
    for _ in range(20):
        order = np.lexsort([rng.random(4000), -scores])
        areas.append((np.cumsum(1 - right[order]) / np.arange(1, 4001)).mean())
    assert risk_coverage(scores, right).area == pytest.approx(np.mean(areas), abs=2e-3)


@pytest.mark.parametrize(("right", "area"), [([1, 1, 1], 0.0), ([0, 0, 0], 1.0)])
def test_all_right_and_all_wrong(right: list[int], area: float) -> None:
    for scores in ([0.1, 0.2, 0.3], [0.5, 0.5, 0.5]):
        curve = risk_coverage(np.array(scores), np.array(right))
        assert curve.area == pytest.approx(area)
        assert curve.at(1.0) == area


def test_a_perfect_score_beats_chance_and_chance_an_inverted_one() -> None:
    right = (RNG(1).random(500) < 0.9).astype(float)
    perfect, none, inverted = (risk_coverage(s, right).area for s in (right, np.zeros(500), -right))
    assert perfect < none < inverted
    assert none == pytest.approx(1 - right.mean())


def test_the_threshold_answers_as_much_as_asked() -> None:
    scores = np.arange(100) / 100
    assert threshold_for(scores, 0.99) == 0.01
    assert threshold_for(scores, 1.0) == 0.0
    assert threshold_for(scores, 0.995) == 0.0
    assert threshold_for(scores[:50], 0.99) == 0.0  # a hundredth of fifty is no picture
    assert (scores >= threshold_for(scores, 0.9)).mean() == 0.9
    assert threshold_for(np.full(10, 0.3), 0.5) == 0.3
    assert threshold_for(np.array([0.7]), 0.01) == 0.7


@pytest.mark.parametrize("decimals", [1, 8])
def test_auroc_and_false_positives_equal_scikit_learn(decimals: int) -> None:
    rng = RNG(2)
    known, unknown = rng.normal(1, 1, 300).round(decimals), rng.normal(0, 1, 200).round(decimals)
    labels, scores = np.repeat([1, 0], [300, 200]), np.concatenate([known, unknown])
    assert auroc(known, unknown) == pytest.approx(roc_auc_score(labels, scores))
    assert auroc(unknown, known) == pytest.approx(1 - auroc(known, unknown))
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert false_positive_rate(known, unknown) == pytest.approx(false[(true >= 0.95).argmax()])


def features(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    targets = np.arange(300) % 3
    centres = np.array([[5.0, 0, 0], [0, 5, 0], [5, 5, 0]])
    return centres[targets] + rng.normal(0, [1.0, 1.0, 0.1], (300, 3)), targets


def test_mahalanobis_is_the_distance_in_the_shared_spread() -> None:
    known, targets = features(RNG(3))
    score = Mahalanobis(known, targets, shrinkage=0.0)
    within = np.concatenate([known[targets == t] - known[targets == t].mean(axis=0) for t in range(3)])
    inverse = np.linalg.inv(within.T @ within / len(within))
    asked = RNG(4).normal(2, 3, (20, 3))
    apart = [
        [d @ inverse @ d for d in a - np.stack([known[targets == t].mean(axis=0) for t in range(3)])]
        for a in asked
    ]
    assert score(asked) == pytest.approx(-np.min(apart, axis=1), rel=1e-6)
    # Half a unit off along the narrow axis is further than one along a wide one.
    assert score(np.array([[5.0, 0, 0.5]])) < score(np.array([[6.0, 0, 0.0]]))


def test_mahalanobis_survives_an_input_without_variance() -> None:
    known, targets = features(RNG(5))
    known[:, 2] = 1.0
    assert np.isfinite(Mahalanobis(known, targets)(known)).all()


def test_neighbours_by_hand() -> None:
    known = np.array([[1.0, 0.0], [10.0, 0.0], [0.0, 3.0]])
    asked = np.array([[2.0, 0.0], [0.0, 1.0]])
    assert NearestNeighbours(known, k=1)(asked) == pytest.approx([0.0, 0.0], abs=1e-7)
    assert NearestNeighbours(known, k=2)(asked) == pytest.approx([0.0, -np.sqrt(2)], abs=1e-7)
    with pytest.raises(ValueError, match="k is 4"):
        NearestNeighbours(known, k=4)


def test_both_tell_what_is_far_from_all_classes() -> None:
    rng = RNG(6)
    known, targets = features(rng)
    fresh, _ = features(rng)
    far = rng.normal([-5, -5, 3], 1, (100, 3))
    for score in (Mahalanobis(known, targets), NearestNeighbours(known)):
        assert auroc(score(fresh), score(far)) > 0.95


def test_views_that_disagree_are_less_sure() -> None:
    same = [np.log([[0.9, 0.1]])] * 2
    apart = [np.log([[0.9, 0.1]]), np.log([[0.3, 0.7]])]
    assert agreement(same) == pytest.approx([0.9])
    assert agreement(apart) == pytest.approx([0.6])
    # The mean of the probabilities favours the first class, that of the logits, which answers, the second.
    shy = [np.log([[0.9, 0.05, 0.05]]), np.log([[1e-6, 0.6, 0.4 - 1e-6]])]
    assert agreement(shy) == pytest.approx([0.325])


def test_the_curve_is_drawn_finely_where_the_mistakes_are() -> None:
    n = 10_000
    confidence = np.linspace(0.5, 0.999, n)
    stored = Predictions(
        classes=("stop", "no-entry"),
        logits=np.log(np.stack([confidence, 1 - confidence], axis=1)),
        targets=(np.arange(n) < 30).astype(int),  # the 30 least sure are wrong
        paths=("",) * n,
        groups=("",) * n,
    )
    curve = rejection_summary(stored)["curve"]
    coverage, risk = np.array(curve["coverage"]), np.array(curve["risk"])
    assert (coverage[-1], risk[-1]) == (1.0, 0.003)
    assert ((coverage > 0.997) & (coverage < 1)).sum() > 10
    assert len(coverage) <= 101


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(ShapeError):
        risk_coverage(np.zeros(3), np.zeros(2))
    with pytest.raises(ShapeError):
        auroc(np.zeros(0), np.zeros(2))
    with pytest.raises(ShapeError):
        threshold_for(np.zeros(0), 0.9)
    with pytest.raises(ValueError, match="not finite"):
        threshold_for(np.array([0.5, np.nan]), 0.9)
    with pytest.raises(ValueError, match="not finite"):
        auroc(np.ones(2), np.array([0.0, np.nan]))
    with pytest.raises(ValueError, match="coverage is 0"):
        threshold_for(np.zeros(3), 0)
    with pytest.raises(ValueError, match="not finite"):
        risk_coverage(np.array([np.nan]), np.array([1.0]))


def said(rejection: Rejection | None) -> Predictions:
    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.45, 0.55]])
    return Predictions(
        classes=("stop", "no-entry"),
        logits=np.log(probs),
        targets=np.array([0, 0, 0, 1]),
        paths=tuple("abcd"),
        groups=("",) * 4,
        rejection=rejection,
    )


def test_the_summary_by_hand() -> None:
    chosen = Rejection(score="probability", threshold=0.58, coverage=0.9, n=50)
    found = rejection_summary(said(chosen))
    assert (found["score"], found["threshold"], found["chosen_on"]) == ("probability", 0.58, 50)
    assert (found["n_accepted"], found["coverage"]) == (3, 0.75)
    assert (found["errors_accepted"], found["errors_rejected"]) == (1, 0)
    assert found["accuracy_accepted"] == pytest.approx(2 / 3)
    assert found["error_at"]["1"] == 0.25
    assert found["error_at"]["0.9"] == pytest.approx((1 + 0 * 0.6) / 3.6)
    assert found["curve"]["coverage"] == [0.25, 0.5, 0.75, 1.0]


def test_without_a_threshold_the_curve_is_that_of_the_largest_probability() -> None:
    found = rejection_summary(said(None))
    assert found["score"] == "probability"
    assert "threshold" not in found
    nothing = rejection_summary(said(Rejection(score="margin", threshold=2.0, coverage=0.9, n=1)))
    assert (nothing["n_accepted"], nothing["accuracy_accepted"]) == (0, None)


def test_the_threshold_at_a_risk_by_hand() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.7, 0.6, 0.5])
    right = np.array([1.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    assert threshold_at_risk(scores, right, 0.0) == 0.8
    assert threshold_at_risk(scores, right, 0.2) == 0.6  # one of five; neither at 0.7 alone
    assert threshold_at_risk(scores, right, 0.34) == 0.5
    assert threshold_at_risk(scores, np.zeros(6), 0.1) > 0.9
    assert threshold_at_risk(scores, np.ones(6), 0.0) == 0.5
