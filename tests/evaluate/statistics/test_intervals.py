import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from roadworthy.core.errors import ShapeError
from roadworthy.evaluate.statistics.intervals import bootstrap_mean, wilson


def generator():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("successes", "n", "lo", "hi"),
    [(17, 20, 0.640, 0.948), (61, 61, 0.941, 1.0), (0, 10, 0.0, 0.278), (1, 1, 0.207, 1.0)],
)
def test_wilson_by_hand(successes, n, lo, hi):
    assert wilson(successes, n) == pytest.approx((lo, hi), abs=5e-4)


@settings(max_examples=50)
@given(st.integers(1, 20_000), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_equals_scipy(n, share, confidence):
    successes = round(share * n)
    ours = wilson(successes, n, confidence)
    theirs = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert 0 <= ours[0] <= successes / n <= ours[1] <= 1


def test_wilson_ends_are_exact():
    assert wilson(0, 7)[0] == 0
    assert wilson(7, 7)[1] == 1


@pytest.mark.parametrize(
    ("successes", "n", "confidence"), [(0, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1)]
)
def test_wilson_refuses(successes, n, confidence):
    with pytest.raises(ValueError, match="got"):
        wilson(successes, n, confidence)


def test_bootstrap_of_independent_values_is_near_the_normal_interval():
    values = np.arange(1000) < 900
    lo, hi = bootstrap_mean(values, generator=generator(), repetitions=4000)
    half = 1.96 * np.sqrt(0.9 * 0.1 / 1000)
    assert (lo, hi) == pytest.approx((0.9 - half, 0.9 + half), abs=0.002)


def test_whole_groups_are_drawn_together():
    right = np.repeat(np.arange(40) % 10 != 0, 30)  # 40 signs of 30 frames, all right or all wrong
    signs = np.repeat(np.arange(40), 30)
    lo, hi = bootstrap_mean(right, signs, generator=generator())
    naive_lo, naive_hi = bootstrap_mean(right, generator=generator())
    assert (hi - lo) / (naive_hi - naive_lo) == pytest.approx(30**0.5, rel=0.15)


def test_groups_count_by_their_size():
    # Two groups give the means 0 (a quarter of the resamples), 0.1 (half: one of ten is right) and 1.
    interval = bootstrap_mean([1] + [0] * 9, ["a"] + ["b"] * 9, generator=generator(), confidence=0.4)
    assert interval == pytest.approx((0.1, 0.1))


def test_groups_may_be_names_in_any_order():
    values, names, numbers = [1, 0, 1, 1, 0], ["b", "a", "b", "c", "a"], np.array([1, 0, 1, 2, 0])
    by_name = bootstrap_mean(values, names, generator=generator())
    assert by_name == bootstrap_mean(values, numbers, generator=generator())
    order = [4, 2, 0, 1, 3]
    moved = bootstrap_mean([values[i] for i in order], [names[i] for i in order], generator=generator())
    assert moved == by_name


def test_no_interval_where_resampling_tells_nothing():
    assert bootstrap_mean([1, 0, 1], ["a"] * 3, generator=generator()) is None
    assert bootstrap_mean(np.ones(50), generator=generator()) is None
    assert bootstrap_mean([1, 0, 0, 1], ["a", "a", "b", "b"], generator=generator()) is None


def test_bootstrap_refuses():
    with pytest.raises(ShapeError, match="2 groups"):
        bootstrap_mean([1, 0, 1], ["a", "b"], generator=generator())
    with pytest.raises(ValueError, match="needs values"):
        bootstrap_mean([], generator=generator())
    with pytest.raises(ValueError, match="repetitions"):
        bootstrap_mean([1, 0], generator=generator(), repetitions=0)


def test_the_official_test_set_takes_no_longer_than_a_blink():
    start = time.process_time()
    bootstrap_mean(np.arange(12_630) % 100 > 0, generator=generator(), repetitions=2000)
    assert time.process_time() - start < 5
