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


def test_an_answer_that_was_never_sure_is_never_confirmed() -> None:
    reading = read_trail(trail([[0.4, 0.35, 0.25]] * 10, score=0.5), RULE)
    assert not reading.accepted
    assert reading.confirmed is None


def test_frames_of_half_the_side_weigh_a_quarter_and_narrow_ones_by_their_width() -> None:
    seen = trail([[0.9, 0.08, 0.02]] * 3, px=[16, 32, 64])
    assert frame_weights(seen) == pytest.approx([0.25, 1, 1])
    narrow = Seen(**{**vars(seen[1]), "box": (100.0, 100.0, 116.0, 132.0)})
    assert frame_weights([narrow, seen[1]]) == pytest.approx([0.25, 1])


def test_one_frame_of_glare_does_not_make_the_others_blurred() -> None:
    seen = trail([[0.9, 0.08, 0.02]] * 20)
    seen[7] = Seen(**{**vars(seen[7]), "sharpness": 50.0})
    assert frame_weights(seen) == pytest.approx([1.0] * 20)


def test_of_plain_pictures_all_weigh_alike() -> None:
    seen = [Seen(**{**vars(one), "sharpness": 0.0}) for one in trail([[0.9, 0.08, 0.02]] * 5)]
    weights = frame_weights(seen)
    assert weights == pytest.approx([weights[0]] * 5)
    assert weights[0] > 0
    assert read_trail(seen, RULE).sign == "speed-50"


def test_a_large_frame_that_is_blurred_is_not_the_clearest() -> None:
    seen = trail([[0.9, 0.08, 0.02]] * 3, px=[20, 30, 34])
    seen[2] = Seen(**{**vars(seen[2]), "sharpness": 0.05})
    assert clearest(seen) == 1


def test_a_finders_doubts_count_by_the_size_of_what_it_saw() -> None:
    seen = trail([[0.9, 0.08, 0.02]] * 12, px=[8] * 6 + [32] * 6)
    far_unsure = [Seen(**{**vars(one), "score": 0.1 if n < 6 else 0.9}) for n, one in enumerate(seen)]
    reading = read_trail(far_unsure, RULE)
    assert reading.score == pytest.approx((6 / 16 * 0.1 + 6 * 0.9) / (6 / 16 + 6))
    assert reading.accepted
    near_unsure = [Seen(**{**vars(one), "score": 0.9 if n < 6 else 0.1}) for n, one in enumerate(seen)]
    assert not read_trail(near_unsure, RULE).accepted


def test_a_temperature_cools_each_frame() -> None:
    warm = ReadingRule(**{**vars(RULE), "temperature": 2.0})
    p = np.sqrt([0.9, 0.08, 0.02])
    cooled = read_trail(trail([list(p / p.sum())] * 10), RULE)
    assert read_trail(trail([[0.9, 0.08, 0.02]] * 10), warm).confidence == pytest.approx(cooled.confidence)
    # Its energy, too: 2 log(0.949 + 0.283 + 0.141) is 0.63 with it, and 0 without.
    energy = Rejection(score="energy", threshold=0.3, coverage=0.9, n=10)
    for rule, passes in ((warm, True), (RULE, False)):
        judged = ReadingRule(**{**vars(rule), "rejection": energy})
        assert read_trail(trail([[0.9, 0.08, 0.02]] * 10), judged).accepted is passes


def test_confidence_is_what_all_frames_leave_of_it() -> None:
    good, other = [0.9, 0.08, 0.02], [0.3, 0.6, 0.1]
    early, late = (read_trail(trail([good] * 10 + [other] * n), RULE) for n in (0, 6))
    assert late.sign == "speed-50"
    assert late.confidence < early.confidence - 0.03


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
