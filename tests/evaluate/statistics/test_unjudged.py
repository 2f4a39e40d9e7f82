"""Arms that nothing can be said of: at chance, or with more time than was promised."""

import dataclasses

import numpy as np
import pytest

from roadworthy.evaluate.statistics.pairing import Pairing
from roadworthy.evaluate.statistics.unjudged import accuracy_interval, at_chance, chance, unequal_seconds

SIGNS, FRAMES = 40, 30
N = SIGNS * FRAMES


def pairing(share_a: float, share_b: float, seeds: int = 3, targets: tuple[str, ...] = ()) -> Pairing:
    """Two arms that read so much right, sign by sign, in each seed."""

    def right(share: float) -> np.ndarray:
        first = np.arange(SIGNS) < round(share * SIGNS)
        return np.repeat(np.stack([np.roll(first, seed) for seed in range(seeds)]), FRAMES, axis=1) * 1.0

    return Pairing(
        a=right(share_a),
        b=right(share_b),
        paths=tuple(map(str, range(N))),
        groups=tuple(f"sign {n // FRAMES}" for n in range(N)),
        targets=targets or ("speed-50",) * (N // 2) + ("stop",) * (N // 2),
        left_out=0,
        classes=4,
    )


def test_an_arm_that_guesses_is_named_with_its_figures() -> None:
    said = at_chance("new", "old", pairing(0.55, 0.95))
    assert said.startswith("at chance, which is 50.00 % here: new reads 55.00 % (95 % ")
    assert "old" not in said
    assert at_chance("new", "old", pairing(0.9, 0.95)) == ""
    assert "old" in at_chance("new", "old", pairing(0.9, 0.1))  # worse than guessing is not learnt either


def test_chance_is_the_commonest_class_or_guessing() -> None:
    assert chance(pairing(0.9, 0.9)) == 0.5
    mostly = ("stop",) * (N - 300) + ("speed-50",) * 300
    assert chance(pairing(0.9, 0.9, targets=mostly)) == pytest.approx(1 - 300 / N)
    # Of one class alone the commonest would be right each time, and nothing could ever be judged.
    assert chance(pairing(0.9, 0.9, targets=("stop",) * N)) == 0.25


def test_the_interval_of_an_arm_counts_signs_and_stays_a_share() -> None:
    both = pairing(0.95, 0.95)
    low, high = accuracy_interval(both.a, both)
    assert low < 0.9 < 0.95 < high <= 1.0
    unnamed = dataclasses.replace(both, groups=("",) * N)
    narrow = accuracy_interval(unnamed.a, unnamed)
    known = dataclasses.replace(unnamed, unnamed_frames=30.0)
    wide = accuracy_interval(known.a, known)
    assert wide[0] < narrow[0]
    one = pairing(1.0, 1.0, seeds=1)
    assert accuracy_interval(one.a, one) == (pytest.approx(0.9124, abs=1e-4), 1.0)  # Wilson, 40 of 40


def test_seconds_may_differ_by_a_tenth() -> None:
    assert unequal_seconds("a", "b", [10.0, 11.0], [10.0, 10.0]) == ""
    said = unequal_seconds("a", "b", [10.0, 12.0], [8.0, 8.0])
    assert said.startswith("promised the same seconds, a trained for 11 s and b for 8 s on the mean")
    assert unequal_seconds("a", "b", [0.0], [60.0]) == ""  # an arm that only measures again
