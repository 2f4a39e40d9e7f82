"""What trails mean: which sign, on which side, with which plate, and for whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from roadworthy.drive import meaning
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.meaning import Scene
from roadworthy.drive.reading import ReadingRule
from roadworthy.drive.seen import Seen, Trail

CLASSES = ("speed-50", "speed-60", "other-sign", "no-sign", "school-zone")
RULE = ReadingRule(classes=CLASSES, temperature=1.0, rejection=None, sure=0.5)
SCENE = Scene(width=1280, height=720)
FOCAL, FPS, SPEED = 1000.0, 15.0, 20.0


def events_of(trails: list[Trail], rule: ReadingRule, scene: Scene) -> list[DriveEvent]:
    return [event for event, _ in meaning.events_of(trails, rule, scene)]


def approach(
    number: int,
    sign: str,
    *,
    right: float,
    up: float,
    ahead: float = 60.0,
    size: tuple[float, float] = (0.7, 0.7),
    speed: float = SPEED,
    seconds: float = 2.5,
) -> Trail:
    """A sign of so many metres (width, height) that the car drives up to."""
    seen = []
    logits = np.where(np.array(CLASSES) == sign, 6.0, 0.0).astype(np.float32)
    for frame in range(round(seconds * FPS)):
        depth = ahead - speed * frame / FPS
        x, y = 640 + FOCAL * right / depth, 360 - FOCAL * up / depth
        w, h = FOCAL * size[0] / depth, FOCAL * size[1] / depth
        box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        seen.append(Seen(frame=frame, time_s=frame / FPS, box=box, logits=logits, score=0.9))
    return Trail(number=number, seen=tuple(seen))


def test_an_event_says_what_when_and_where() -> None:
    (event,) = events_of([approach(0, "speed-50", right=-4, up=1.2)], RULE, SCENE)
    assert (event.event, event.sign, event.value, event.side) == ("e0001", "speed-50", 50, "left")
    assert event.accepted
    assert event.counts
    assert event.passed_s == pytest.approx(3.0, abs=0.1)
    assert (event.first_s, event.frames, event.best_frame) == (0.0, 38, 37)
    assert event.confirmed_s is not None
    assert event.confirmed_s < 0.5


def test_events_are_named_in_the_order_passed() -> None:
    later, sooner = (
        approach(0, "speed-60", right=4, up=1, ahead=75),
        approach(1, "speed-50", right=4, up=1, ahead=55),
    )
    assert [e.sign for e in events_of([later, sooner], RULE, SCENE)] == ["speed-50", "speed-60"]


@pytest.mark.parametrize(("right", "up", "side"), [(4, 1, "right"), (-6, 2, "left"), (0.5, 5, "above")])
def test_sides(right: float, up: float, side: str) -> None:
    (event,) = events_of([approach(0, "speed-50", right=right, up=up)], RULE, SCENE)
    assert event.side == side


def test_what_moves_with_the_traffic_is_not_for_us() -> None:
    (event,) = events_of([approach(0, "speed-60", right=1, up=1, ahead=15, speed=0.1)], RULE, SCENE)
    assert not event.counts
    assert "moves with the traffic" in event.why


def test_far_aside_and_turned_away_is_another_roads() -> None:
    (far,) = events_of([approach(0, "speed-60", right=25, up=1)], RULE, SCENE)
    (turned,) = events_of([approach(0, "speed-60", right=4, up=1, size=(0.35, 0.7))], RULE, SCENE)
    assert not far.counts
    assert "at another road" in far.why
    assert not turned.counts
    assert "from aside (0.50" in turned.why


def test_what_flickers_by_unsure_is_told_and_counts_for_nothing() -> None:
    doubted = approach(0, "speed-60", right=4, up=2)
    brief = Trail(number=0, seen=tuple(replace(one, score=0.1) for one in doubted.seen[:4]))
    (event,) = events_of([brief], RULE, SCENE)
    assert not event.accepted
    assert not event.counts
    assert "too briefly" in event.why
    long = Trail(number=0, seen=tuple(replace(one, score=0.1) for one in doubted.seen))
    (event,) = events_of([long], RULE, SCENE)
    assert not event.accepted
    assert event.counts


def test_an_unread_plate_makes_a_limit_conditional() -> None:
    sign = approach(0, "speed-60", right=4, up=2)
    plate = approach(1, "other-sign", right=4, up=1.45, size=(0.7, 0.35))
    (event,) = events_of([sign, plate], RULE, SCENE)
    assert [p.kind for p in event.plates] == ["unread"]
    assert event.zone is None


def test_a_board_below_but_apart_is_a_sign_of_its_own() -> None:
    sign = approach(0, "speed-60", right=4, up=3)
    board = approach(1, "other-sign", right=4, up=1, size=(0.7, 0.35))
    beside = approach(2, "other-sign", right=6, up=2.4, size=(0.7, 0.35))
    events = events_of([sign, board, beside], RULE, SCENE)
    assert sorted(e.sign for e in events) == ["other-sign", "other-sign", "speed-60"]
    assert all(not e.plates for e in events)


def test_a_school_board_above_makes_a_school_zone() -> None:
    sign = approach(0, "speed-60", right=4, up=2)
    board = approach(1, "school-zone", right=4, up=2.6, size=(0.7, 0.4))
    (event,) = events_of([sign, board], RULE, SCENE)
    assert event.zone == "school"
    assert [p.kind for p in event.plates] == ["unread"]


def test_no_sign_and_flickers_are_no_events() -> None:
    nothing = approach(0, "no-sign", right=4, up=2)
    flicker = Trail(number=1, seen=approach(1, "speed-60", right=4, up=2).seen[:1])
    assert events_of([nothing, flicker], RULE, SCENE) == []
