"""Comparing arms: golden values, scipy as oracle, and what happens when there is, and is no, difference."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from roadworthy.core.errors import ShapeError
from roadworthy.evaluate.results import Comparison
from roadworthy.evaluate.statistics.verdicts import (
    detectable,
    holm,
    judge,
    mcnemar,
    paired,
    paired_t,
    seeds_to_show,
    spread,
    summarise,
    summarise_shares,
)

TRACKS, FRAMES = 60, 30
GROUPS = [f"sign {track}" for track in range(TRACKS) for _ in range(FRAMES)]


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def trainings(
    rng: np.random.Generator, hard: np.ndarray, seeds: int, gain: float = 0.0, noise: float = 1.5
) -> np.ndarray:
    """(S, N) right or wrong: some signs are hard, each training fails on some of them, frames go together."""
    skill = rng.normal(0.0, 0.2 * noise, (seeds, 1))
    logits = 4.0 - hard + skill + rng.normal(0.0, noise, (seeds, TRACKS))
    p = 1 / (1 + np.exp(-logits))
    right = rng.random((seeds, TRACKS, FRAMES)) < (p + gain * (1 - p))[:, :, None]
    return right.reshape(seeds, -1).astype(float)


def compare(a: np.ndarray, b: np.ndarray, groups: list[str] = GROUPS) -> Comparison:
    return judge([paired("a", "b", a, b, groups, generator=random(0))])[0]


def test_a_summary_by_hand() -> None:
    one, three = summarise([0.9]), summarise([0.90, 0.92, 0.94])
    assert (one.mean, one.deviation, one.ci95) == (0.9, None, None)
    assert three.mean == pytest.approx(0.92)
    assert three.deviation == pytest.approx(0.02)
    assert three.ci95 == pytest.approx((0.92 - 0.049683, 0.92 + 0.049683), abs=1e-6)  # t(2) = 4.30265
    with pytest.raises(ValueError, match="without a finished training"):
        summarise([])


def test_no_share_lies_beyond_all_of_them() -> None:
    # 97.57 to 100.10 % without the bound, as a report once said.
    assert summarise_shares([0.9885, 0.9934, 0.983]).ci95 == (pytest.approx(0.9754, abs=1e-4), 1.0)
    assert summarise_shares([0.0, 0.01, 0.0]).ci95 == (0.0, pytest.approx(0.01768, abs=1e-5))
    assert summarise_shares([0.90, 0.92, 0.94]) == summarise([0.90, 0.92, 0.94])
    assert summarise_shares([0.9]).ci95 is None


def test_the_t_test_is_scipys() -> None:
    a, b = random(1).random(6), random(2).random(6)
    assert paired_t(a - b) == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert paired_t(np.array([0.01])) is None
    assert paired_t(np.array([0.01, 0.01])) is None


@pytest.mark.parametrize(
    ("for_a", "for_b", "p"), [(0, 0, 1.0), (5, 5, 1.0), (6, 0, 2 / 64), (1, 7, 18 / 256)]
)
def test_mcnemar_by_hand(for_a: int, for_b: int, p: float) -> None:
    difference = np.array([1.0] * for_a + [-1.0] * for_b + [0.0] * 20)
    assert mcnemar(difference) == pytest.approx(p)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_variance_of_one_source_is_that_source_alone() -> None:
    # Two signs that do not differ, three seeds that do: the usual variance of a mean of three.
    seeds = spread(np.array([[0.1, 0.1], [0.2, 0.2], [0.6, 0.6]]), ["x", "y"])
    assert seeds is not None
    assert seeds.total == pytest.approx(np.var([0.1, 0.2, 0.6], ddof=1) / 3)
    # Four signs that differ, seeds that agree: the usual variance of a mean of four.
    tracks = spread(np.tile([0.0, 0.1, 0.5, 0.8], (3, 1)), list("wxyz"))
    assert tracks is not None
    assert tracks.total == pytest.approx(np.var([0.0, 0.1, 0.5, 0.8], ddof=1) / 4)


def test_frames_of_a_sign_count_as_one_sign() -> None:
    by_sign = random(3).normal(size=(4, 12))
    one_each = spread(by_sign, [f"{i}" for i in range(12)])
    many_each = spread(np.repeat(by_sign, 7, axis=1), [f"{i}" for i in range(12) for _ in range(7)])
    assert one_each is not None
    assert many_each is not None
    assert many_each.total == pytest.approx(one_each.total)


@pytest.mark.parametrize("seeds", [3, 5])
def test_arms_that_do_not_differ_seldom_seem_to(seeds: int) -> None:
    alarms = 0
    for repeat in range(200):
        rng = random(repeat)
        hard = rng.gamma(1.0, 1.5, TRACKS)
        a, b = trainings(rng, hard, seeds), trainings(rng, hard, seeds)
        alarms += compare(a, b).verdict != "no difference shown"
    assert alarms <= 20


def test_a_planted_point_is_found_with_enough_seeds() -> None:
    found = 0
    for repeat in range(50):
        rng = random(repeat)
        hard = rng.gamma(1.0, 0.3, TRACKS)
        plain = trainings(rng, hard, 10, noise=0.5)
        better = trainings(rng, hard, 10, gain=0.01 / (1 - plain.mean()), noise=0.5)
        found += compare(better, plain).verdict == "better"
    assert found >= 40


def test_the_detectable_difference_is_detected_eight_times_in_ten() -> None:
    rng, deviation, seeds = random(5), 0.01, 6
    signs = [f"{i}" for i in range(400)]
    found, shown = [], []
    for _ in range(300):
        noise = rng.normal(0, deviation, (seeds, 1)) + np.zeros((seeds, 400))
        estimate = spread(noise, signs)
        assert estimate is not None
        found.append(detectable(estimate))
    true = float(np.mean(found))
    for _ in range(300):
        noise = true + rng.normal(0, deviation, (seeds, 1)) + np.zeros((seeds, 400))
        shown.append(compare(noise, np.zeros_like(noise), signs).verdict == "better")
    assert 0.7 < np.mean(shown) < 0.9


def test_so_many_seeds_as_are_said_to_be_needed_show_a_difference_eight_times_in_ten() -> None:
    rng, deviation, true = random(7), 0.01, 0.008
    signs = [f"{i}" for i in range(400)]

    def trained(seeds: int) -> np.ndarray:
        return rng.normal(0, deviation, (seeds, 1)) + np.zeros((seeds, 400))

    estimate = spread(trained(2000), signs)
    assert estimate is not None
    needed = seeds_to_show(estimate, 2000, true)
    # 8 times in 10 at 5 % and 14 degrees of freedom: Cohen 1988 gives 15 for an effect of 0.8 deviations.
    assert needed == pytest.approx(15, abs=1)
    nothing = np.zeros((needed or 0, 400))
    shown = [compare(true + trained(needed or 0), nothing, signs).verdict == "better" for _ in range(300)]
    assert 0.73 < np.mean(shown) < 0.87


def test_pictures_that_vary_too_much_are_not_made_up_for_by_seeds() -> None:
    rng = random(8)
    wanted = rng.normal(0, 0.1, 400) + rng.normal(0, 0.01, (5, 1))
    estimate = spread(wanted, [f"{i}" for i in range(400)])
    assert estimate is not None
    limit = 2.8 * np.sqrt(estimate.tracks)
    assert seeds_to_show(estimate, 5, 0.9 * limit) is None
    assert (seeds_to_show(estimate, 5, 1.3 * limit) or 0) > 5


@pytest.mark.parametrize("unlike", [0.0, 1e-170, 1.0])
def test_seeds_that_do_not_vary_are_no_reason_for_more(unlike: float) -> None:
    pictures = unlike * np.tile(random(9).normal(0, 1e-3, 400), (3, 1))
    estimate = spread(pictures, [f"{i}" for i in range(400)])
    assert estimate is not None
    assert seeds_to_show(estimate, 3, 0.01) == 2


def test_one_seed_and_identical_arms_show_nothing() -> None:
    rng = random(4)
    scores = (rng.random((1, TRACKS * FRAMES)) < 0.9).astype(float)
    alone = compare(scores, np.zeros_like(scores))
    assert (alone.p, alone.ci95, alone.verdict) == (None, None, "no difference shown")
    assert alone.ci95_tracks is not None
    same = compare(np.tile(scores, (3, 1)), np.tile(scores, (3, 1)))
    assert (same.effect, same.p, same.verdict) == (0.0, 1.0, "no difference shown")


def test_pictures_without_a_sign_stand_for_themselves() -> None:
    a = random(6).random((2, 10))
    assert compare(a, 1 - a, [""] * 10).tracks == 10


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="of b"):
        compare(np.ones((2, 3)), np.ones((2, 4)), ["x"] * 3)
    with pytest.raises(ShapeError, match="2 groups"):
        compare(np.ones((2, 3)), np.ones((2, 3)), ["x"] * 2)


def test_verdicts_follow_from_the_adjusted_p() -> None:
    def of(p: float | None, effect: float) -> Comparison:
        return Comparison(
            a="a", b="b", metric="accuracy", n=9, seeds=3, tracks=3, effect=effect, ci95=None, p=p
        )

    judged = judge([of(0.01, 0.1), of(0.03, -0.1), of(None, 0.5)])
    assert [c.p_adjusted for c in judged] == [0.02, 0.03, None]
    assert [c.verdict for c in judged] == ["better", "worse", "no difference shown"]
    assert judge([of(0.01, 0.1), of(0.04, 0.1), of(0.04, 0.1)])[1].verdict == "no difference shown"


def test_a_quick_look_calls_nothing_better() -> None:
    of = {"metric": "accuracy", "n": 9, "seeds": 3, "tracks": 3, "p": 0.001}
    pairs = [
        Comparison(a="a", b="b", effect=effect, ci95=(effect - 0.01, effect + 0.01), **of)
        for effect in (0.1, -0.1)
    ]
    larger, smaller = judge(pairs, quick=True)
    assert (larger.verdict, smaller.verdict) == ("not judged", "not judged")
    assert larger.reason == "a quick look: larger by 10.00 points (95 % +9.00 to +11.00)"
    assert smaller.reason.startswith("a quick look: smaller by 10.00 points")
    unsure = Comparison(a="a", b="b", effect=0.1, ci95=None, **{**of, "p": 0.5})
    assert judge([unsure], quick=True)[0].verdict == "no difference shown"
    doubted = dataclasses.replace(pairs[0], reason="at chance")
    for quick in (False, True):
        judged = judge([doubted], quick=quick)[0]
        assert (judged.verdict, judged.reason, judged.p_adjusted) == ("not judged", "at chance", 0.001)


def test_where_signs_are_known_by_number_alone_pictures_count_as_signs_at_most() -> None:
    """Frames that go together: taken one by one the deviation is too small, by the root of 30 at most."""
    rng = random(10)
    a, b = trainings(rng, hard=rng.normal(0, 1, TRACKS), seeds=3), np.ones((3, TRACKS * FRAMES))
    unnamed = [""] * (TRACKS * FRAMES)

    def variance(groups: list[str], frames: float) -> float:
        found = spread(a - b, groups, frames)
        assert found is not None
        return found.total

    by_itself = [f"{n}" for n in range(TRACKS * FRAMES)]
    by_picture, by_number, by_sign = variance(by_itself, 1), variance(by_itself, 30), variance(GROUPS, 1)
    assert by_picture < by_sign < by_number
    counted = paired("a", "b", a, b, unnamed, frames_per_sign=30.0, generator=random(0))
    assert (counted.tracks, counted.frames_per_sign) == (TRACKS, 30.0)
    named = paired("a", "b", a, b, GROUPS, frames_per_sign=30.0, generator=random(0))
    assert (named.tracks, named.frames_per_sign) == (TRACKS, None)
