"""Two sets that differ in a known way, and two that do not."""

import numpy as np
import pytest

from roadworthy.core.errors import ShapeError
from roadworthy.evaluate.analysis.domains import (
    Seen,
    Shift,
    drop,
    frechet_distance,
    in_words,
    shifts,
    tell_apart,
    wrong_conclusions,
)

RNG = np.random.default_rng


def seen(brightness: np.ndarray, targets: np.ndarray, frames: int = 1, **others: np.ndarray) -> Seen:
    groups = [f"sign {i // frames}" for i in range(len(targets))]
    return Seen(looks={"brightness": brightness, **others}, targets=targets, groups=groups)


def test_a_known_shift_is_found_and_named() -> None:
    rng = RNG(0)
    targets = np.arange(400) % 4
    old = seen(rng.normal(0.5, 0.1, 400), targets, noise=rng.normal(0, 1, 400))
    new = seen(rng.normal(0.4, 0.1, 400), targets, noise=rng.normal(0, 1, 400))
    first, second = shifts(old, new, rng)
    assert first.look == "brightness"
    assert first.more == pytest.approx(0.24, abs=0.03)  # Phi(-1 / sqrt 2)
    assert first.distance == pytest.approx(1.0, abs=0.2)
    assert first.ci95[0] < first.more < first.ci95[1] < 0.35
    assert first.words == "much darker"
    assert second.words == ""
    assert in_words([first, second]) == "much darker"
    assert in_words([second]) == "no look differs beyond chance"


def test_other_proportions_of_classes_are_no_difference() -> None:
    rng = RNG(1)
    bright_class = 0.8
    old_targets, new_targets = np.repeat([0, 1], [300, 100]), np.repeat([0, 1], [100, 300])
    old, new = (
        seen(np.where(t == 1, bright_class, 0.2) + rng.normal(0, 0.05, len(t)), t)
        for t in (old_targets, new_targets)
    )
    (found,) = shifts(old, new, rng)
    assert found.more == pytest.approx(0.5, abs=0.06)
    assert found.words == ""


def test_classes_that_one_set_lacks_do_not_count() -> None:
    rng = RNG(2)
    old = seen(np.concatenate([np.full(50, 0.5), np.full(50, 9.0)]), np.repeat([0, 1], 50))
    new = seen(np.concatenate([np.full(50, 0.5), np.full(50, -9.0)]), np.repeat([0, 2], 50))
    (found,) = shifts(old, new, rng)
    assert (found.more, found.old, found.new, found.distance) == (0.5, 0.5, 0.5, 0.0)


def test_few_signs_with_many_frames_show_little() -> None:
    rng = RNG(3)
    signs = rng.normal(0, 1, (2, 6))
    signs[1] += 0.5
    frames = np.repeat(signs, 50, axis=1)
    old, new = (seen(values, np.zeros(300, np.int64), frames=50) for values in frames)
    many = [seen(values, np.zeros(300, np.int64)) for values in frames]
    width = [np.ptp(shifts(*pair, rng)[0].ci95) for pair in ((old, new), many)]
    assert width[0] > 4 * width[1]


@pytest.mark.parametrize(
    ("more", "words"),
    [(0.75, "much brighter"), (0.66, "brighter"), (0.58, "a little brighter"), (0.54, ""), (0.3, "darker")],
)
def test_words_follow_from_numbers(more: float, words: str) -> None:
    shift = Shift(look="brightness", old=0, new=1, more=more, ci95=(more - 0.01, more + 0.01), distance=1.0)
    assert shift.words == words


def test_frechet_distance_of_gaussians_is_known() -> None:
    rng = RNG(4)
    one, two = rng.normal(0, 1, (20_000, 3)), rng.normal([3, 0, 4], 2, (20_000, 3))
    # Means 5 apart: 25; in each of three dimensions 1 + 4 - 2 * 2.
    assert frechet_distance(one, two) == pytest.approx(25 + 3, rel=0.03)
    assert frechet_distance(one, one) == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(ShapeError):
        frechet_distance(one, two[:, :2])


def test_telling_apart_looks_at_what_differs() -> None:
    rng = RNG(5)
    old, new = rng.normal(0, 1, (300, 3)), rng.normal(0, 1, (300, 3))
    groups = [f"{i // 5}" for i in range(300)]
    assert tell_apart(old, new, groups, groups).auroc == pytest.approx(0.5, abs=0.08)
    new[:, 1] += 2
    old[::7, 0] = np.nan
    told = tell_apart(old, new, groups, groups, names=("a", "b", "c"))
    assert told.auroc > 0.88
    assert told.weights[0][0] == "b"
    assert told.weights[0][1] > 0


def test_a_classifier_cannot_win_by_knowing_the_signs() -> None:
    rng = RNG(6)
    signs = np.repeat(rng.normal(0, 1, (24, 40)), 20, axis=0)  # each sign looks its own way, in 40 inputs
    groups = [f"{i // 20}" for i in range(240)]
    assert tell_apart(signs[:240], signs[240:], groups, groups).auroc < 0.8


def test_few_pictures_often_say_the_opposite() -> None:
    rng = RNG(7)
    targets = np.arange(2000) % 4
    a = np.ones(2000)
    a[:200] = 0
    b = np.ones(2000)
    b[300:400] = 0  # half as many mistakes
    wrong, none = wrong_conclusions(a, b, targets, 20, rng)
    # Among 20 pictures the counts are about Poisson with means 2 and 1: see each outcome summed by hand.
    assert wrong == pytest.approx(0.18, abs=0.03)
    assert none == pytest.approx(0.21, abs=0.03)
    all_wrong, all_none = wrong_conclusions(a, b, targets, 2000, rng)
    assert (all_wrong, all_none) == (0.0, 0.0)
    assert wrong_conclusions(a, a, targets, 20, rng)[1] == 1.0


def test_the_drop_and_an_interval_that_knows_of_signs_and_seeds() -> None:
    rng = RNG(8)
    old = (rng.random((1, 400)) < 0.98).astype(float)
    new = (rng.random((1, 400)) < 0.9).astype(float)
    alone = [str(i) for i in range(400)]
    effect, (low, high) = drop(old, new, alone, alone, rng)
    assert effect == pytest.approx(old.mean() - new.mean())
    error = np.sqrt(old.var() / 400 + new.var() / 400)
    assert (low, high) == pytest.approx((effect - 1.96 * error, effect + 1.96 * error), abs=0.004)
    frames = [str(i // 40) for i in range(400)]
    by_sign = np.repeat(rng.random(10) < 0.7, 40)[None].astype(float)
    few = drop(old, by_sign, alone, frames, rng)[1]
    many = drop(old, by_sign, alone, alone, rng)[1]
    assert np.ptp(few) > 3 * np.ptp(many)
    seeds = np.repeat(np.array([0.0, 1.0])[:, None], 400, axis=1)  # one network never right, one always
    assert np.ptp(drop(np.ones((2, 400)), seeds, alone, alone, rng)[1]) == 1.0
