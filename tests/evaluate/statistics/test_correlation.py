"""Rank correlations against scipy's, and what their intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from roadworthy.core.errors import ShapeError
from roadworthy.evaluate.statistics.correlation import rank_correlation


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=30))
def test_it_is_scipys_ties_and_all(pairs: list[tuple[int, int]]) -> None:
    xs, ys = np.transpose(pairs)
    found = rank_correlation(xs, ys, generator=random(), repetitions=20)
    if np.ptp(xs) == 0 or np.ptp(ys) == 0:
        assert found is None
    elif found is not None:
        assert found.value == pytest.approx(spearmanr(xs, ys).statistic)
        assert -1 <= found.ci95[0] <= found.ci95[1] <= 1


def test_only_the_order_counts() -> None:
    xs = random().random(20)
    rising = rank_correlation(xs, np.exp(9 * xs), generator=random())
    assert rising is not None
    assert (rising.n, rising.value, rising.ci95) == (20, pytest.approx(1), pytest.approx((1, 1)))
    falling = rank_correlation(xs, -(xs**3), generator=random())
    assert falling is not None
    assert falling.value == pytest.approx(-1)


def test_the_interval_covers_the_truth_of_groups_where_single_pairs_would_be_too_sure() -> None:
    rng = random(1)
    covered = {"groups": 0, "alone": 0}
    for _ in range(100):
        # Twelve groups, independent in x and y; their ten members are nearly copies.
        centres = rng.normal(size=(2, 12))
        xs, ys = np.repeat(centres, 10, axis=1) + 0.05 * rng.normal(size=(2, 120))
        groups = np.repeat(np.arange(12), 10)
        for name, own in (("groups", groups), ("alone", None)):
            found = rank_correlation(xs, ys, own, generator=rng, repetitions=100)
            assert found is not None
            covered[name] += found.ci95[0] <= 0 <= found.ci95[1]
    assert covered["groups"] >= 80
    assert covered["alone"] <= 60


@pytest.mark.parametrize(
    ("xs", "ys", "groups"),
    [
        ([], [], None),
        ([1, 2], [1, 2], None),
        ([1, 1, 1], [1, 2, 3], None),
        ([1, 2, 3], [4, 4, 4], None),
        ([1, 2, 3], [1, 2, 3], ["a", "a", "a"]),
    ],
)
def test_where_nothing_can_be_said_nothing_is(xs: list[int], ys: list[int], groups: list[str] | None) -> None:
    assert rank_correlation(xs, ys, groups, generator=random()) is None


@pytest.mark.parametrize(("ys", "groups"), [([1, 2], None), ([1, 2, 3], ["a"])])
def test_numbers_that_do_not_fit_are_refused(ys: list[int], groups: list[str] | None) -> None:
    with pytest.raises(ShapeError, match="each needs as many"):
        rank_correlation([1, 2, 3], ys, groups, generator=random())
