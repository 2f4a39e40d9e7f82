import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from roadworthy.errors import ShapeError
from roadworthy.scores import log_probabilities, probabilities, top_k


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
