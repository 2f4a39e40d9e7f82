import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from roadworthy.core.errors import ShapeError
from roadworthy.core.predictions import log_probabilities, probabilities
from roadworthy.evaluate.calibration import fit_temperature, reliability
from roadworthy.evaluate.statistics.intervals import wilson


def honest(n, num_classes=10, seed=0):
    """Logits and targets drawn from the very probabilities that the logits state."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, num_classes)) * 2.5
    targets = (probabilities(logits).cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return logits, targets


@pytest.mark.parametrize("planted", [0.25, 1.0, 3.0])
def test_recovers_a_planted_temperature(planted):
    logits, targets = honest(20_000)
    assert fit_temperature(logits * planted, targets) == pytest.approx(planted, rel=0.03)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_equals_scipy_on_the_same_loss(seed):
    logits, targets = honest(60, seed=seed)
    rows, wrong = np.arange(60), logits.copy()
    wrong[rows, targets] = -np.inf
    next_best = wrong.argmax(axis=1)

    def loss(log_temperature):
        log_probs = log_probabilities(logits, np.exp(log_temperature))
        return -(61 / 62 * log_probs[rows, targets] + 1 / 62 * log_probs[rows, next_best]).sum()

    best = minimize_scalar(loss, bounds=np.log([0.05, 20]), method="bounded", options={"xatol": 1e-9})
    assert fit_temperature(logits, targets) == pytest.approx(np.exp(best.x), rel=1e-4)


def halved(logits, targets):
    """The same temperature by halving an interval, step by step."""
    n, rows, others = len(targets), np.arange(len(targets)), logits.copy()
    others[rows, targets] = -np.inf
    mistake = 1 / (n + 2)
    wanted = (1 - mistake) * logits[rows, targets].mean() + mistake * others.max(axis=1).mean()
    low, high = np.log(0.05), np.log(20)
    for _ in range(50):
        middle = (low + high) / 2
        expected = (probabilities(logits, float(np.exp(middle))) * logits).sum(axis=1).mean()
        low, high = (middle, high) if expected > wanted else (low, middle)
    return float(np.clip(np.exp((low + high) / 2), 0.05, 20))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100), st.integers(1, 200))
def test_equals_halving_an_interval(seed, scale, n):
    logits, targets = honest(n, seed=seed)
    assert fit_temperature(logits * scale, targets) == pytest.approx(
        halved(logits * scale, targets), rel=1e-6
    )


@pytest.mark.parametrize("n", [20, 500])
def test_all_right_is_no_certainty(n):
    rng = np.random.default_rng(0)
    targets = rng.integers(4, size=n)
    logits = rng.normal(size=(n, 4))
    logits[np.arange(n), targets] += 30
    temperature = fit_temperature(logits, targets)
    doubt = 1 - probabilities(logits, temperature).max(axis=1).mean()
    assert temperature > 1  # the gap of 30 claims an error in 10^13
    assert 0.5 / (n + 2) < doubt < 5 / (n + 2)


def test_more_right_answers_earn_more_confidence():
    few, many = (fit_temperature(np.tile([8.0, 0.0], (n, 1)), np.zeros(n, dtype=int)) for n in (10, 1000))
    assert many < few


def test_worse_than_chance_is_as_unsure_as_can_be():
    logits = np.tile([5.0, 0.0], (50, 1))
    assert fit_temperature(logits, np.ones(50, dtype=int)) == pytest.approx(20)


def test_answers_that_say_nothing_keep_temperature_1():
    assert fit_temperature(np.zeros((5, 3)), np.zeros(5, dtype=int)) == 1
    assert fit_temperature(np.ones((5, 1)), np.zeros(5, dtype=int)) == 1
    assert 0.05 <= fit_temperature(np.array([[3.0, 0.0]]), np.array([0])) <= 20


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_answers_keep_their_order(seed):
    logits, targets = honest(50, seed=seed)
    temperature = fit_temperature(logits, targets)
    assert (probabilities(logits, temperature).argsort(axis=1) == logits.argsort(axis=1)).all()


def test_refuses():
    with pytest.raises(ShapeError, match=r"\(3, 2\) and \(2,\)"):
        fit_temperature(np.zeros((3, 2)), np.array([0, 1]))
    with pytest.raises(ValueError, match="no pictures"):
        fit_temperature(np.zeros((0, 2)), np.array([], dtype=int))
    with pytest.raises(ValueError, match="0 to 2; with 2 classes"):
        fit_temperature(np.zeros((2, 2)), np.array([0, 2]))
    with pytest.raises(ValueError, match="not finite"):
        fit_temperature(np.array([[np.nan, 0.0]]), np.array([0]))


def test_reliability_by_hand():
    probs = np.array([[0.95, 0.05], [0.91, 0.09], [0.35, 0.65], [1.0, 0.0]])
    low, high = reliability(probs, np.array([0, 1, 1, 0]), 10)
    assert (low.lo, low.hi, low.n, low.accuracy) == (0.6, 0.7, 1, 1.0)
    assert low.confidence == pytest.approx(0.65)
    assert (high.lo, high.hi, high.n) == (0.9, 1.0, 3)
    assert high.accuracy == pytest.approx(2 / 3)
    assert high.confidence == pytest.approx((0.95 + 0.91 + 1) / 3)
    assert high.accuracy_ci95 == wilson(2, 3)


def test_reliability_counts_every_picture_once():
    logits, targets = honest(300)
    for num_bins in (1, 3, 15, 100):
        bins = reliability(probabilities(logits), targets, num_bins)
        assert sum(b.n for b in bins) == 300
        assert all(b.lo < b.confidence <= b.hi for b in bins)
    with pytest.raises(ValueError, match="at least one bin"):
        reliability(probabilities(logits), targets, 0)
