"""Accuracy without labels, and alarms about a changed camera."""

import numpy as np
import pytest

from roadworthy.evaluate.drift import ESTIMATORS, Known, alarming, changes, estimate, known_of


def answers(rng: np.random.Generator, n: int, sure: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """Confidences that mean what they say, and which of the answers are right."""
    confidences = rng.beta(sure, 1, n)
    return confidences, rng.random(n) < confidences


def test_what_is_known_says_what_confidence_was_worth() -> None:
    confidences = np.array([0.2, 0.4, 0.6, 0.8, 0.9])
    known = known_of(confidences, np.array([0, 1, 0, 1, 1]), None)
    assert (known.n, known.accuracy, known.confidence) == (5, pytest.approx(0.6), pytest.approx(0.58))
    assert (confidences > known.threshold).mean() == pytest.approx(known.accuracy)
    assert known.accuracy_se == pytest.approx(np.sqrt(0.6 * 0.4 / 5))


def test_the_standard_error_is_of_signs() -> None:
    right = np.repeat([1.0, 0.0, 1.0, 1.0], 30)
    known = known_of(np.linspace(0, 1, 120), right, np.repeat(range(4), 30))
    assert known.accuracy_se == pytest.approx(np.sqrt(0.75 * 0.25 / 4))


@pytest.mark.parametrize("method", list(ESTIMATORS))
def test_on_the_same_pictures_the_estimate_is_what_is_known(method: str) -> None:
    rng = np.random.default_rng(1)
    confidences, right = answers(rng, 1000)
    known = known_of(confidences, right, None)
    assert estimate(method, known, confidences, None, rng).value == pytest.approx(right.mean(), abs=2e-3)


@pytest.mark.parametrize("method", list(ESTIMATORS))
def test_nine_of_ten_intervals_hold_the_accuracy_where_confidence_means_what_it_says(method: str) -> None:
    """Also where the pictures are harder, as long as confidence knows that they are (difference alone)."""
    rng = np.random.default_rng(2)
    sure = 4.0 if method == "thresholded confidence" else 2.5
    held = 0
    for _ in range(100):
        known = known_of(*answers(rng, 400), None)
        confidences, _ = answers(rng, 300, sure)
        found = estimate(method, known, confidences, None, rng)
        held += found.low <= sure / (sure + 1) <= found.high
    assert held >= 90


def test_an_estimate_is_a_share() -> None:
    known = Known(n=10, accuracy=0.95, accuracy_se=0.05, confidence=0.6, threshold=0.5)
    found = estimate("difference of confidence", known, np.full(20, 0.99), None, np.random.default_rng(0))
    assert (found.low <= found.value, found.value, found.high) == (True, 1.0, 1.0)


def test_unchanged_pictures_alarm_as_seldom_as_asked() -> None:
    rng = np.random.default_rng(3)
    false = 0
    for _ in range(500):
        now, before = ({name: rng.normal(size=n) for name in "abcde"} for n in (80, 200))
        false += bool(alarming(changes(now, before, None, None), 0.05))
    assert 2 <= false <= 35  # 25 or a few less are to be expected


def test_frames_of_one_sign_count_once() -> None:
    """Thirty frames of each of eight signs would be a change for certain, were they 240 pictures."""
    rng = np.random.default_rng(4)
    before = {"brightness": rng.normal(size=200)}
    signs = np.repeat(range(8), 30)
    now = {"brightness": rng.normal(size=8)[signs] + rng.normal(size=240) * 0.01}
    assert not alarming(changes(now, before, signs, None), 0.001)
    assert alarming(changes(now, before, None, None), 0.001)


def test_what_changed_comes_first_and_alone() -> None:
    rng = np.random.default_rng(5)
    before = {name: rng.normal(size=300) for name in ("noise", "warmth", "size")}
    now = {"noise": rng.normal(size=200), "warmth": rng.normal(size=200) + 2, "size": np.full(200, np.nan)}
    found = changes(now, before, None, None)
    assert [one.trait for one in found] == ["warmth", "noise"]
    assert [one.trait for one in alarming(found, 0.01)] == ["warmth"]
    assert found[0].now - found[0].before == pytest.approx(2, abs=0.4)
