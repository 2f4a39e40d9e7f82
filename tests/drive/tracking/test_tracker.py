"""Trails of signs that a simulated car drives past: one for each, whatever the frame rate and speed."""

from __future__ import annotations

import pytest
from tests.drive.tracking.drive_past import HEIGHT, WIDTH, Sign, boxes, seen

from roadworthy.drive.seen import Seen, Trail
from roadworthy.drive.tracking.approach import Approach, Heading
from roadworthy.drive.tracking.tracker import LOST_S, Tracker


def track(frames) -> list[Trail]:
    tracker, trails = Tracker(WIDTH, HEIGHT), []
    for time_s, shown, shift in frames:
        trails += tracker.update(time_s, [box for _, box in shown], shift)
    return trails + tracker.finish()


def of(frames, number: int) -> list[Seen]:
    return [box for _, shown, _ in frames for which, box in shown if which == number]


def test_a_signs_trail_is_all_its_boxes_and_ends_when_it_leaves_the_picture() -> None:
    frames = boxes([Sign(4, 1.5, 60)], speed=25, fps=15, seconds=4)
    (trail,) = track(frames)
    assert list(trail.seen) == of(frames, 0)
    assert trail.left


@pytest.mark.parametrize("fps", [7.5, 15, 30])
@pytest.mark.parametrize("kmh", [40, 80, 110])
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_one_trail_for_each_sign_at_any_speed_and_rate(fps: float, kmh: float, noise: float) -> None:
    signs = [
        Sign(4, 1.5, 70, 0),
        Sign(-5, 1.2, 70, 0),
        Sign(6, 3.0, 95, 1),
        Sign(0.5, 5.5, 120, 2),
        Sign(3.5, 0.8, 150, 3),
    ]
    frames = boxes(signs, speed=kmh / 3.6, fps=fps, seconds=160 / (kmh / 3.6), noise=noise)
    trails = track(frames)
    wanted = [number for number in range(len(signs)) if of(frames, number)]
    assert len(trails) == len(wanted)
    for trail in trails:
        whose = {number for number in wanted for box in trail.seen if box in of(frames, number)}
        assert len(whose) == 1


@pytest.mark.parametrize("seed", range(5))
def test_boxes_that_are_missing_now_and_then_do_not_cut_a_trail(seed: int) -> None:
    signs = [Sign(4, 1.5, 70, 0), Sign(-5, 1.2, 90, 1)]
    frames = boxes(signs, speed=20, fps=15, seconds=5, noise=0.7, missed=0.3, seed=seed)
    assert len(track(frames)) == 2


def test_two_alike_beside_each_other_stay_two() -> None:
    signs = [Sign(4, 2.0, 80, 0), Sign(4, 1.1, 80, 0), Sign(5, 2.0, 80, 0)]
    frames = boxes(signs, speed=20, fps=15, seconds=5, noise=0.7)
    trails = track(frames)
    assert len(trails) == 3
    for trail in trails:
        assert len({number for number in range(3) for box in trail.seen if box in of(frames, number)}) == 1


def test_a_camera_that_turns_moves_what_is_foretold() -> None:
    signs = [Sign(4, 1.5, 60, 0)]
    frames = boxes(signs, speed=15, fps=10, seconds=4, yaw_rate=-0.35)
    assert len(track(frames)) == 1
    unturned = [(time_s, shown, (0.0, 0.0)) for time_s, shown, _ in frames]
    assert len(track(unturned)) > 1


def test_two_signs_one_after_the_other_at_one_place_of_the_picture_are_two() -> None:
    frames = boxes([Sign(4, 1.5, 50, 0), Sign(4, 1.5, 90, 0)], speed=20, fps=15, seconds=6)
    trails = track(frames)
    assert len(trails) == 2
    assert trails[0].seen[-1].time_s < trails[1].seen[-1].time_s


def test_a_sign_that_is_gone_for_long_is_another() -> None:
    early, late = seen(0, 0.0, (600, 300, 620, 320)), seen(1, LOST_S + 0.2, (600, 300, 620, 320))
    assert len(track([(0.0, [(0, early)], (0, 0)), (LOST_S + 0.2, [(0, late)], (0, 0))])) == 2
    assert len(track([(0.0, [(0, early)], (0, 0)), (LOST_S - 0.2, [(0, late)], (0, 0))])) == 1


def test_when_and_how_far_aside_a_sign_is_passed() -> None:
    frames = boxes([Sign(4, 1.5, 60, size=0.5)], speed=20, fps=15, seconds=5)
    own = of(frames, 0)
    approach = Approach(own, [Heading(x=WIDTH / 2, y=HEIGHT / 2)] * len(own))
    assert approach.passing_s == pytest.approx(3.0, abs=0.03)
    assert approach.offset == pytest.approx((8, -3), abs=0.1)


def test_what_does_not_grow_is_never_passed() -> None:
    frames = boxes([Sign(0.5, 1.0, 20, speed=20)], speed=20, fps=15, seconds=3, noise=0.3)
    own = of(frames, 0)
    assert Approach(own, [Heading(x=WIDTH / 2, y=HEIGHT / 2)] * len(own)).passing_s is None
    assert len(track(frames)) == 1


def test_a_winding_road_cuts_no_trail() -> None:
    signs = [Sign(4, 1.5, 90, 0), Sign(-5, 1.2, 90, 1)]
    frames = boxes(signs, speed=25, fps=15, seconds=4, noise=1.0, sway=0.06)
    assert len(track(frames)) == 2
    unturned = [(time_s, shown, (0.0, 0.0)) for time_s, shown, _ in frames]
    assert len(track(unturned)) > 2
