"""Sets that hold the truth as often as promised, on data where that is known."""

import numpy as np
import pytest

from roadworthy.core.errors import ShapeError
from roadworthy.core.predictions import probabilities
from roadworthy.evaluate.conformal import METHODS, calibrate, covered

RNG = np.random.default_rng


def draw(rng: np.random.Generator, n: int, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Honest probabilities, and truths drawn by them."""
    probs = rng.dirichlet(np.full(classes, 0.3), n)
    targets = np.array([rng.choice(classes, p=row) for row in probs])
    return probs, targets


def test_lac_by_hand() -> None:
    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]])
    targets = np.array([0, 0, 0, 0])  # scores 0.1, 0.2, 0.3, 0.6
    # ceil(0.6 * 5) = 3: the third.
    found = calibrate(probs, targets, alpha=0.4)
    assert found.threshold == pytest.approx(0.3)
    assert found.sets(np.array([[0.75, 0.25], [0.5, 0.5]])).tolist() == [[True, False], [True, False]]
    everything = calibrate(probs, targets, alpha=0.1)  # ceil(0.9 * 5) = 5 of 4
    assert everything.sets(probs).all()


def test_aps_by_hand() -> None:
    scores = METHODS.get("aps")(np.array([[0.2, 0.5, 0.3]]))
    assert scores == pytest.approx(np.array([[0.8, 0.0, 0.5]]))
    equals = METHODS.get("aps")(np.array([[0.1, 0.4, 0.1, 0.4]]))
    assert equals == pytest.approx(np.array([[0.8, 0.0, 0.8, 0.0]]))


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("gap", [12, 60])  # at 60 every probability is 1 or 0 in floating point
def test_a_network_that_is_right_more_often_than_asked_gets_sets_of_one(method: str, gap: int) -> None:
    rng = RNG(4)
    logits, targets = rng.normal(size=(2000, 43)), rng.integers(43, size=2000)
    logits[np.arange(2000), targets] += gap + 2 * rng.normal(size=2000)
    wrong = rng.random(2000) < 0.01
    logits[wrong, (targets[wrong] + 1) % 43] += gap + 10
    probs = probabilities(logits)
    sets = calibrate(probs[:1000], targets[:1000], 0.05, method).sets(probs[1000:])
    assert sets[np.arange(1000), targets[1000:]].mean() > 0.95
    assert sets.sum(axis=1).mean() < 1.1


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_the_promise_is_kept_over_many_calibrations(method: str, alpha: float) -> None:
    rng = RNG(0)
    held = []
    for _ in range(150):
        found = calibrate(*draw(rng, 60), alpha, method)
        probs, targets = draw(rng, 100)
        held.append(found.sets(probs)[np.arange(100), targets].mean())
    error = np.std(held) / np.sqrt(len(held))
    assert np.mean(held) > 1 - alpha - 3 * error
    if method == "lac":  # and no more is given away than 1 / (n + 1)
        assert np.mean(held) < 1 - alpha + 1 / 61 + 3 * error


def test_the_quantile_is_that_of_the_formula() -> None:
    rng = RNG(1)
    for n in (19, 20, 99, 137):
        probs, targets = draw(rng, n)
        scores = np.sort(1 - probs[np.arange(n), targets])
        rank = int(np.ceil(0.95 * (n + 1)))
        expected = scores[rank - 1] if rank <= n else np.inf
        assert calibrate(probs, targets, 0.05).threshold == pytest.approx(expected)


def test_a_sign_with_many_frames_counts_once() -> None:
    rng = RNG(2)
    probs, targets = draw(rng, 80)
    groups = [f"sign {i}" for i in range(80)]
    alone = calibrate(probs, targets, 0.1, groups=groups)
    again = np.concatenate([np.arange(80), np.zeros(500, np.int64)])  # the first sign 500 times more
    often = calibrate(probs[again], targets[again], 0.1, groups=[groups[i] for i in again])
    assert often.threshold == alone.threshold
    assert calibrate(probs, targets, 0.1, groups=[""] * 80).threshold == alone.threshold


def test_what_sets_are_worth_by_hand() -> None:
    sets = np.array([[True, False, False], [True, True, False], [False, True, True], [True, True, True]])
    found = covered(sets, np.array([0, 0, 0, 0]), ["a", "b", "c", "d"], RNG(3))
    assert (found.coverage, found.mean_size, found.single) == (0.75, 2.0, 0.25)
    assert found.ci95 is not None
    assert found.ci95[0] < 0.75 < found.ci95[1]


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha is 1"):
        calibrate(np.ones((2, 2)) / 2, np.zeros(2, np.int64), alpha=1)
    with pytest.raises(ShapeError):
        calibrate(np.ones((2, 2)) / 2, np.zeros(3, np.int64))
    with pytest.raises(ShapeError):
        calibrate(np.ones((0, 2)), np.zeros(0, np.int64))
