"""Trails of one sign joined, and those of two signs not."""

from __future__ import annotations

import pytest
from tests.drive.tracking.drive_past import HEIGHT, WIDTH, Sign, boxes

from roadworthy.drive.seen import Trail
from roadworthy.drive.tracking import joining
from roadworthy.drive.tracking.approach import Heading
from roadworthy.drive.tracking.joining import joined
from roadworthy.drive.tracking.tracker import Tracker

SPEED, FPS = 20.0, 15


def trails_of(*signs: Sign, hidden: tuple[float, float] = (-1.0, -1.0)) -> list[Trail]:
    """What a tracker makes of signs that are hidden between two seconds."""
    tracker, trails = Tracker(WIDTH, HEIGHT), []
    for time_s, shown, shift in boxes(list(signs), speed=SPEED, fps=FPS, seconds=6, noise=0.5):
        free = [] if hidden[0] <= time_s < hidden[1] else [box for _, box in shown]
        trails += tracker.update(time_s, free, shift)
    return trails + tracker.finish()


def join(trails: list[Trail], sign: str = "speed-60") -> list[Trail]:
    return joined(
        trails, lambda _: sign, lambda trail: [Heading(x=WIDTH / 2, y=HEIGHT / 2)] * len(trail.seen)
    )


@pytest.mark.parametrize("hidden", [(1.5, 2.5), (1.0, 2.8)])
def test_a_sign_that_was_hidden_for_a_while_is_one_trail_again(hidden: tuple[float, float]) -> None:
    apart = trails_of(Sign(4, 1.5, 75), hidden=hidden)
    assert len(apart) == 2
    (whole,) = join(apart)
    assert whole.seen == (*apart[0].seen, *apart[1].seen)
    assert len(whole.shifts) == len(whole.seen)
    assert (whole.number, whole.left) == (apart[1].number, apart[1].left)  # what shows it largest


def test_the_next_sign_of_the_same_class_is_another() -> None:
    apart = trails_of(Sign(4, 1.5, 40), Sign(4, 1.5, 110), hidden=(1.7, 3.0))
    assert len(apart) == 2
    assert join(apart) == apart


def test_signs_on_both_sides_stay_two_however_they_flicker() -> None:
    apart = trails_of(Sign(4, 1.5, 75), Sign(-5, 1.5, 75), hidden=(1.4, 2.4))
    assert len(apart) == 4
    whole = join(apart)
    assert len(whole) == 2
    for trail in whole:
        sides = {(one.box[0] + one.box[2]) / 2 > WIDTH / 2 for one in trail.seen}
        assert len(sides) == 1


def test_another_class_or_a_longer_gap_is_another_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    apart = trails_of(Sign(4, 1.5, 75), hidden=(1.5, 2.5))
    names = {trail.number: f"speed-{60 + 10 * place}" for place, trail in enumerate(apart)}
    kept = joined(
        apart, lambda trail: names[trail.number], lambda trail: [Heading(x=1, y=1)] * len(trail.seen)
    )
    assert kept == apart
    monkeypatch.setattr(joining, "GAP_S", 0.9)
    assert join(apart) == apart
