"""Pairs of least cost, against every other way to pair."""

from itertools import permutations

import numpy as np
import pytest

from roadworthy.core.errors import ShapeError
from roadworthy.drive.kpi.assignment import assign


def test_the_greedy_choice_is_not_taken() -> None:
    # Greedy takes 1 (0, 0) and then 9: 10 in all.  Best is 2 + 3.
    rows, columns = assign(np.array([[1.0, 2.0], [3.0, 9.0]]))
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [1, 0])


@pytest.mark.parametrize("shape", [(1, 1), (2, 4), (4, 2), (4, 4), (0, 3), (3, 0)])
def test_no_other_way_costs_less(shape: tuple[int, int]) -> None:
    for seed in range(40):
        costs = np.random.default_rng(seed).normal(size=shape).round(1)
        rows, columns = assign(costs)
        small, large = sorted(shape)
        table = costs if shape[0] <= shape[1] else costs.T
        least = min(sum(table[i, j] for i, j in enumerate(way)) for way in permutations(range(large), small))
        assert costs[rows, columns].sum() == pytest.approx(least)
        assert len(set(columns.tolist())) == len(rows) == small
        assert (np.diff(rows) > 0).all()


def test_what_is_no_table_of_costs_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(R, C\)"):
        assign(np.zeros(3))
    with pytest.raises(ValueError, match="finite"):
        assign(np.array([[np.inf]]))
