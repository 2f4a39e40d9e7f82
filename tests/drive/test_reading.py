"""Answers of many frames as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from roadworthy.core.rejection import Rejection
from roadworthy.drive.reading import ReadingRule, clearest, frame_weights, read_trail
from roadworthy.drive.seen import Seen

CLASSES = ("speed-50", "speed-60", "no-sign")
RULE = ReadingRule(classes=CLASSES, temperature=1.0, rejection=None, sure=0.5, independence=0.1)


def trail(
    probabilities: Sequence[Sequence[float]],
    *,
    px: float | Sequence[float] = 40,
    score: float = 0.9,
    fps: float = 15,
) -> list[Seen]:
    sizes = np.broadcast_to(px, len(probabilities))
    return [
        Seen(
            frame=number,
            time_s=number / fps,
            box=(100.0, 100.0, 100.0 + size, 100.0 + size),
            logits=np.log(np.array(p, np.float32)),
            score=score,
        )
        for number, (p, size) in enumerate(zip(probabilities, sizes, strict=True))
    ]


def test_equal_frames_make_an_answer_surer_by_what_each_is_worth() -> None:
    # Of ten frames of equal weight each further one is worth a tenth: 1.9 times the log-odds of one.
    reading = read_trail(trail([[0.8, 0.15, 0.05]] * 10), RULE)
    p = 0.98 * np.array([0.8, 0.15, 0.05]) + 0.02 / 3
    expected = p**1.9 / (p**1.9).sum()
    assert reading.sign == "speed-50"
    assert reading.confidence == pytest.approx(expected[0])


def test_large_frames_say_more_than_small_ones() -> None:
    small, large = [0.1, 0.89, 0.01], [0.89, 0.1, 0.01]
    assert read_trail(trail([small] * 6 + [large] * 3, px=[8] * 6 + [32] * 3), RULE).sign == "speed-50"
    assert read_trail(trail([small] * 6 + [large] * 3), RULE).sign == "speed-60"


def test_one_frame_rules_no_class_out() -> None:
    right, surely_wrong = [0.9, 0.09, 0.01], [1e-9, 1 - 2e-9, 1e-9]
    assert read_trail(trail([right] * 6 + [surely_wrong]), RULE).sign == "speed-50"


def test_an_answer_is_confirmed_from_where_it_is_sure_and_stays_so() -> None:
    unsure, sure = [0.4, 0.35, 0.25], [0.97, 0.02, 0.01]
    reading = read_trail(trail([unsure] * 4 + [sure] * 20, px=[10] * 4 + [32] * 20), RULE)
    assert reading.accepted
    assert reading.confirmed is not None
    assert 3 < reading.confirmed < 10
    other = [0.02, 0.97, 0.01]
    turned = read_trail(trail([other] * 5 + [sure] * 30, px=[10] * 5 + [32] * 30), RULE)
    assert turned.sign == "speed-50"
    assert turned.confirmed is not None
    assert turned.confirmed >= 5


def test_two_frames_and_an_instant_are_never_sure() -> None:
    sure = [0.998, 0.001, 0.001]
    assert not read_trail(trail([sure] * 2), RULE).accepted
    assert not read_trail(trail([sure] * 5, fps=60), RULE).accepted
    assert read_trail(trail([sure] * 5), RULE).accepted


def test_a_finder_that_doubts_and_a_readers_threshold_are_heeded() -> None:
    good = [[0.9, 0.08, 0.02]] * 10
    assert read_trail(trail(good), RULE).accepted
    assert not read_trail(trail(good, score=0.4), RULE).accepted
    strict = Rejection(score="probability", threshold=0.999, coverage=0.9, n=10)
    assert not read_trail(trail(good), ReadingRule(**{**vars(RULE), "rejection": strict})).accepted
    energy = Rejection(score="energy", threshold=1.0, coverage=0.9, n=10)  # all have an energy of 0
    assert not read_trail(trail(good), ReadingRule(**{**vars(RULE), "rejection": energy})).accepted


def test_blurred_frames_weigh_less_and_the_clearest_is_named() -> None:
    seen = trail([[0.9, 0.08, 0.02]] * 4, px=[10, 20, 40, 40])
    seen[3] = Seen(**{**vars(seen[3]), "sharpness": 0.1})
    weights = frame_weights(seen)
    assert weights[0] < weights[1] < weights[2]
    assert weights[3] == pytest.approx(0.1 * weights[2])
    assert clearest(seen) == 2


def test_a_rule_may_doubt_frames_less_or_ask_for_more_of_them() -> None:
    frames = trail([[0.8, 0.15, 0.05]] * 10)
    trusting = read_trail(frames, replace(RULE, doubted=0.0))
    p = np.array([0.8, 0.15, 0.05]) ** 1.9
    assert trusting.confidence == pytest.approx(p[0] / p.sum())
    assert read_trail(frames, RULE).confirmed == 2
    assert read_trail(frames, replace(RULE, frames=5)).confirmed == 4
    assert read_trail(frames, replace(RULE, lasts_s=0.5)).confirmed == 8
