"""Two sets that share no sign: golden values of Newcombe, signs and not frames counted, certainty never."""

import numpy as np
import pytest

from roadworthy.evaluate.statistics.independent import (
    Estimate,
    Sample,
    change,
    change_by_class,
    combined,
    mean_change,
    share_right,
)
from roadworthy.evaluate.statistics.intervals import wilson


def sample(right: int, n: int, **more: object) -> Sample:
    flags = np.arange(n) < right
    return Sample(right=flags, targets=np.zeros(n, int), **more)  # type: ignore[arg-type]


def source() -> np.random.Generator:
    return np.random.default_rng(0)


def test_pictures_alone_give_newcombes_interval() -> None:
    found = change(sample(48, 80), sample(56, 70), source()).difference
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)  # Newcombe 1998, table II a


def test_frames_of_a_sign_are_one_trial() -> None:
    signs = np.repeat(np.arange(6), 30)
    known = share_right(sample(180, 180, signs=signs), source())
    assert (known.low, known.high) == pytest.approx(wilson(6, 6))  # a bootstrap of these would be certain
    counted = share_right(sample(180, 180, frames_per_sign=30.0), source())
    assert counted == known
    mixed = share_right(sample(150, 180, signs=signs), source())
    alone = share_right(sample(150, 180), source())
    assert mixed.high - mixed.low > 2 * (alone.high - alone.low)


def test_classes_of_both_sets_count_alike() -> None:
    old = Sample(right=np.array([1, 1, 1, 0, 1], bool), targets=np.array([0, 0, 1, 1, 2]))
    new = Sample(right=np.array([0, 1, 0, 0], bool), targets=np.array([0, 0, 1, 3]))
    found = change_by_class(old, new, source())
    assert {label: one.difference.value for label, one in found.items()} == {0: -0.5, 1: -0.5}
    mean = mean_change(list(found.values()))
    assert (mean.old.value, mean.new.value, mean.difference.value) == (0.75, 0.25, -0.5)


def test_a_sum_is_as_uncertain_as_its_parts() -> None:
    part = Estimate(value=0.5, low=0.4, high=0.7)
    assert combined([part], [-1.0]) == Estimate(value=-0.5, low=-0.7, high=-0.4)
    both = combined([part, part], [0.5, 0.5])
    assert both.value == 0.5
    assert both.low == pytest.approx(0.5 - 0.05 * 2**0.5)
    assert both.high == pytest.approx(0.5 + 0.1 * 2**0.5)
