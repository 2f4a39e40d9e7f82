"""Intervals of a finder's figures."""

import numpy as np
import pytest
from tests.evaluate.detection.conftest import frame, random_frames

from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.free_response import Sweep
from roadworthy.evaluate.detection.sampling import Sampling, hull, quantiles, resampled
from roadworthy.evaluate.detection.sizes import ALL
from roadworthy.evaluate.detection.tally import tally
from roadworthy.evaluate.statistics.intervals import bootstrap_mean, none_seen, wilson

ALONE = Sampling(units=np.arange(40), clustered=False, repetitions=500, seed=3)
TOGETHER = Sampling(units=np.arange(40) // 8, clustered=True, repetitions=500, seed=3)


def test_shares_of_frames_have_wilsons_interval() -> None:
    holds = np.arange(30) < 21
    found = ALONE.share(holds, np.arange(30))
    assert (found.value, found.n, found.ci95) == (0.7, 30, wilson(21, 30))
    nothing = ALONE.share([], np.zeros(0, int))
    assert (nothing.value, nothing.n, nothing.ci95) == (None, 0, None)


def test_shares_of_sequences_have_a_bootstrap_over_them_or_wilsons_with_as_many_trials() -> None:
    frames = np.arange(40)
    holds = frames >= 8  # one sequence of five is wholly missed
    found = TOGETHER.share(holds, frames)
    expected = bootstrap_mean(holds, frames // 8, generator=np.random.default_rng(3), repetitions=500)
    assert found.ci95 == expected
    assert found.ci95[0] < wilson(32, 40)[0]
    every = TOGETHER.share(np.ones(40), frames)
    assert every.ci95 == wilson(5, 5)
    assert TOGETHER.share(np.ones(4), np.array([0, 1, 30, 31])).ci95 == wilson(2, 2)


def test_rates_have_a_bootstrap_and_where_none_was_seen_garwoods_interval() -> None:
    counts = np.array([0, 2] * 20)
    found = ALONE.rate(counts)
    assert found.value == 1
    assert found.ci95 == bootstrap_mean(
        counts, np.arange(40), generator=np.random.default_rng(3), repetitions=500
    )
    assert ALONE.rate(np.zeros(40, int)).ci95 == none_seen(40)
    assert TOGETHER.rate(np.zeros(40, int)).ci95 == none_seen(5)
    assert ALONE.rate(np.ones(40, int)).ci95 is None  # each the same: a bootstrap says nothing


def test_medians() -> None:
    found = ALONE.median(np.arange(1.0, 100))
    assert found.value == 50
    assert 35 < found.ci95[0] < 50 < found.ci95[1] < 65
    assert ALONE.median(np.array([3.0])).ci95 is None
    assert ALONE.median(np.zeros(0)).value is None


def test_average_precision_varies_over_frames_and_recall_with_the_threshold_that_each_resample_takes() -> (
    None
):
    counted = tally(random_frames(1, 40))
    found = resampled(counted, ALONE, [0.1, 1.0], [ALL, (16.0, np.inf), (900.0, np.inf)])
    low, high = found.precision
    assert 0 < low < high < 1
    assert found.precision_all_points == pytest.approx(found.precision, abs=0.03)
    (tight, of_large, of_none), (loose, *_) = found.recall
    assert tight[0] < loose[0]
    assert of_large is not None
    assert of_none is None
    again = resampled(counted, ALONE, [0.1], [ALL])
    assert again.recall[0][0] == tight


def test_a_bootstrap_covers_what_many_sets_vary_by() -> None:
    # Of 24 sets of 30 frames each, most intervals of the recall hold that of 1,000 frames.
    truth, held = Sweep(tally(random_frames(99, 1000))).curve().recall_at(0.5), 0
    few = Sampling(units=np.arange(30), clustered=False, repetitions=100, seed=0)
    for seed in range(24):
        low, high = resampled(tally(random_frames(seed, 30)), few, [0.5], [ALL]).recall[0][0]
        held += low <= truth <= high
    assert held >= 20


def test_where_all_resamples_agree_nothing_is_claimed() -> None:
    perfect = [frame(str(i), [(0, 0, 9, 9, 0.5)], wanted=[(0, 0, 9, 9)]) for i in range(5)]
    sampling = Sampling(units=np.arange(5), clustered=False, repetitions=50, seed=0)
    found = resampled(tally(FinderPredictions(frames=tuple(perfect))), sampling, [0.1], [ALL])
    assert (found.precision, found.recall) == (None, ((None,),))
    assert quantiles(np.full(9, np.nan)) is None
    assert quantiles(np.array([np.nan, 1, 2])) == pytest.approx((1.025, 1.975))


def test_an_interval_that_holds_two() -> None:
    assert hull((0.2, 0.4), (0.1, 0.3)) == (0.1, 0.4)
    assert hull(None, (0.1, 0.3)) == hull((0.1, 0.3), None) == (0.1, 0.3)
    assert hull(None, None) is None
