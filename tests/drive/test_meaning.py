"""What trails mean: which sign, on which side, with which plate, and for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from roadworthy.drive import meaning
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.track import Track, track_of
from roadworthy.drive.meaning import Scene
from roadworthy.drive.reading import ReadingRule
from roadworthy.drive.seen import Seen, Trail

CLASSES = (
    "speed-50",
    "speed-60",
    "other-sign",
    "no-sign",
    "school-zone",
    "stop",
    "keep-left",
    "end-speed-60",
)
RULE = ReadingRule(classes=CLASSES, temperature=1.0, rejection=None, sure=0.5)
SCENE = Scene(width=1280, height=720)
FOCAL, FPS, SPEED = 1000.0, 15.0, 20.0


NORTH_M = 111_000  # of a degree of latitude, near enough


def drive_north(speed: float = SPEED, *, placed: bool = True) -> Track:
    """Ten seconds along 145 degrees east, from 37.8 degrees south."""
    return track_of(
        Fix(
            lat=-37.8 + speed * second / NORTH_M,
            lon=145.0,
            time=datetime(2026, 11, 30, 0, 0, second, tzinfo=UTC),
            film_s=float(second) if placed else None,
        )
        for second in range(10)
    )


def changed(trail: Trail, **each: Sequence[Any]) -> Trail:
    """A trail with other values for each of its frames."""
    seen = [
        replace(one, **{name: values[n] for name, values in each.items()}) for n, one in enumerate(trail.seen)
    ]
    return replace(trail, seen=tuple(seen))


def grown(times: float, seconds: float = 2.0) -> Trail:
    """A sign whose box grows to so many times its side, evenly."""
    trail = approach(0, "speed-60", right=0, up=0, seconds=seconds)
    sides = np.geomspace(40, 40 * times, len(trail.seen))
    return changed(trail, box=[(700.0, 300.0, 700 + side, 300 + side) for side in sides])


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


def test_a_sign_is_passed_when_its_growth_says_but_soon_after_it_was_seen() -> None:
    (hidden,) = events_of([approach(0, "speed-60", right=4, up=1, seconds=1)], RULE, SCENE)  # by a truck
    assert hidden.passed_s == pytest.approx(hidden.last_s + 1.5)
    (still,) = events_of([grown(1.0)], RULE, SCENE)
    assert still.passed_s == still.last_s > 1


def test_a_sign_is_confirmed_from_the_frame_on_that_made_it_sure() -> None:
    trail = approach(0, "speed-60", right=4, up=1)
    logits = [one.logits * (0.0 if n < 20 else 1.0) for n, one in enumerate(trail.seen)]
    (event,) = events_of([changed(trail, logits=logits)], RULE, SCENE)
    assert event.confirmed_s is not None
    assert 20 / FPS <= event.confirmed_s < 30 / FPS


@pytest.mark.parametrize(
    ("right", "up", "side"),
    [
        (4, 1, "right"),
        (-6, 2, "left"),
        (0.5, 5, "above"),
        (8, 5, "right"),  # high at the side: on a bank, or the gantry of another carriageway
        (-8, 5, "left"),
        (0.5, 0.5, "right"),  # in a median, right ahead of a curve
        (0.5, -1, "right"),
    ],
)
def test_sides(right: float, up: float, side: str) -> None:
    (event,) = events_of([approach(0, "speed-50", right=right, up=up)], RULE, SCENE)
    assert event.side == side


def test_what_moves_with_the_traffic_is_not_for_us() -> None:
    (event,) = events_of([approach(0, "speed-60", right=1, up=1, ahead=15, speed=0.1)], RULE, SCENE)
    assert not event.counts
    assert "moves with the traffic" in event.why


@pytest.mark.parametrize(("times", "counts"), [(1.0, False), (0.9, False), (1.12, False), (1.6, True)])
def test_what_one_drives_up_to_grows(times: float, counts: bool) -> None:
    (event,) = events_of([grown(times)], RULE, SCENE)
    assert event.counts is counts


def test_what_is_lost_long_before_it_is_reached_was_not_passed() -> None:
    far = approach(0, "speed-60", right=4, up=1, ahead=80, speed=10, seconds=2, size=(2, 2))
    (event,) = events_of([far], RULE, SCENE)
    assert not event.counts
    assert "lost from sight" in event.why
    (near,) = events_of([approach(0, "speed-60", right=4, up=1, ahead=100, seconds=2)], RULE, SCENE)
    assert near.counts


def test_what_comes_nearer_more_slowly_than_the_car_drives_moves_with_the_traffic() -> None:
    # 20 m/s northwards; the trailer ahead is 3 m/s slower.
    trailer = approach(0, "speed-60", right=1, up=0.5, ahead=25, speed=3, seconds=6)
    (event,) = events_of([trailer], RULE, replace(SCENE, track=drive_north()))
    assert not event.counts
    assert "moves with the traffic" in event.why
    stands = approach(0, "speed-60", right=4, up=1, seconds=2.5)
    (event,) = events_of([stands], RULE, replace(SCENE, track=drive_north()))
    assert event.counts


def test_what_was_seen_for_a_moment_need_not_have_grown() -> None:
    (event,) = events_of([grown(1.0, seconds=1.0)], RULE, SCENE)
    assert event.counts


def test_a_sign_that_the_car_waits_at_is_meant_for_it() -> None:
    near = approach(0, "speed-60", right=4, up=1, ahead=60, seconds=2)
    waits = [
        replace(near.seen[-1], frame=30 + frame, time_s=2 + frame / FPS) for frame in range(round(60 * FPS))
    ]
    (event,) = events_of([replace(near, seen=(*near.seen, *waits))], RULE, SCENE)
    assert event.counts


def test_a_track_tells_whether_the_car_drove_while_a_sign_came_no_nearer() -> None:
    (drove,) = events_of([grown(1.0)], RULE, replace(SCENE, track=drive_north()))
    (stood,) = events_of([grown(1.0)], RULE, replace(SCENE, track=drive_north(0.0)))
    assert (drove.counts, stood.counts) == (False, True)


def test_a_sign_is_placed_ahead_and_aside_of_the_car() -> None:
    scene = replace(SCENE, track=drive_north(), focal_px=FOCAL)
    (right,) = events_of([approach(0, "speed-50", right=6, up=1)], RULE, scene)
    (left,) = events_of([approach(0, "speed-50", right=-6, up=1)], RULE, scene)
    east_m = NORTH_M * np.cos(np.radians(37.8))
    assert right.lat == pytest.approx(-37.8 + 60 / NORTH_M, abs=2 / NORTH_M)
    assert right.lon == pytest.approx(145 + 6 / east_m, abs=1 / east_m)
    assert left.lon == pytest.approx(145 - 6 / east_m, abs=1 / east_m)


def test_a_focal_length_that_is_known_places_better_than_a_guess() -> None:
    trail = approach(0, "speed-50", right=6, up=1, seconds=1)  # not seen from near
    known, guessed, wrong = (
        events_of([trail], RULE, replace(SCENE, track=drive_north(), focal_px=focal))[0]
        for focal in (0.85 * 1280, None, 2000)
    )
    assert abs(known.lat - guessed.lat) < 1 / NORTH_M < abs(known.lat - wrong.lat)
    assert known.error_m < guessed.error_m


def test_where_the_track_belongs_nowhere_in_the_film_nothing_is_placed() -> None:
    scene = replace(SCENE, track=drive_north(placed=False))
    (event,) = events_of([approach(0, "speed-50", right=6, up=1)], RULE, scene)
    assert (event.lat, event.lon, event.error_m) == (None, None, None)


@pytest.mark.parametrize(("right", "words"), [(25, "m to the right"), (-25, "m to the left"), (15, "")])
def test_far_aside_on_either_side(right: float, words: str) -> None:
    (event,) = events_of([approach(0, "speed-60", right=right, up=1, size=(0.9, 0.9))], RULE, SCENE)
    assert words in event.why
    assert event.counts == (not words)


@pytest.mark.parametrize(
    ("sign", "width", "counts"),
    [
        ("speed-60", 0.62, True),  # a little turned, as signs are that face the lane
        ("speed-60", 0.52, True),  # a limit's whole plate, which is 0.75 times as wide as high
        ("speed-60", 0.45, False),
        ("end-speed-60", 0.42, True),
        ("end-speed-60", 0.3, False),
        ("stop", 0.35, False),
        ("keep-left", 0.35, True),  # there are tall ones
    ],
)
def test_round_signs_that_are_narrow_face_another_road(sign: str, width: float, counts: bool) -> None:
    (event,) = events_of([approach(0, sign, right=4, up=1, size=(width, 0.7))], RULE, SCENE)
    assert event.counts is counts


def side_road(turned_deg: float, *, right: float = -9.0, size: float = 0.5, seconds: float = 2.2) -> Trail:
    """A limit beside the mouth of a side road: turned by so much, it is seen ever less from aside."""
    trail = approach(0, "speed-60", right=right, up=1, size=(size, size), seconds=seconds)
    boxes = []
    for one in trail.seen:
        middle = (one.box[0] + one.box[2]) / 2
        turn = np.radians(turned_deg)
        shape = np.cos(turn) + abs(middle - 640) / FOCAL * np.sin(turn)
        half = min(shape, 1.0) * one.height_px / 2
        boxes.append((middle - half, one.box[1], middle + half, one.box[3]))
    return changed(trail, box=boxes)


def test_a_side_roads_limit_that_turns_to_the_car_late_is_not_the_cars() -> None:
    (always,) = events_of([side_road(60, right=-8)], RULE, SCENE)
    assert not always.counts
    assert "from aside" in always.why
    late = side_road(60)
    late = replace(late, seen=tuple(one for one in late.seen if one.width_px / one.height_px > 0.85))
    (event,) = events_of([replace(late, seen=late.seen[-6:])], RULE, SCENE)
    assert event.accepted
    assert not event.counts
    (nearer,) = events_of([side_road(0, right=-5)], RULE, SCENE)
    assert nearer.counts


def test_an_exits_limit_that_faces_the_car_is_not_the_cars() -> None:
    (event,) = events_of([side_road(8, right=-11)], RULE, SCENE)
    assert not event.counts
    assert "at another road" in event.why


def test_a_limit_far_aside_counts_only_where_it_was_seen_from_afar() -> None:
    far = approach(0, "speed-60", right=10, up=1)  # 14 heights aside, at the far edge of three lanes
    (whole,) = events_of([far], RULE, SCENE)
    assert whole.counts
    late = tuple(one for one in far.seen if one.height_px > 26)
    (event,) = events_of([replace(far, seen=late)], RULE, SCENE)
    assert not event.counts
    assert "came into sight when" in event.why
    since = late[0].time_s
    begun = tuple(replace(one, time_s=one.time_s - since) for one in late)
    (first,) = events_of([replace(far, seen=begun)], RULE, SCENE)
    assert first.counts  # the film began there


def test_the_shape_is_judged_where_a_sign_is_largest() -> None:
    trail = approach(0, "speed-60", right=4, up=1)
    narrow = [
        (one.box[0], one.box[1], one.box[0] + 0.4 * one.width_px, one.box[3]) if n < 20 else one.box
        for n, one in enumerate(trail.seen)
    ]
    (event,) = events_of([changed(trail, box=narrow)], RULE, SCENE)
    assert event.counts


def test_far_aside_and_turned_away_is_another_roads() -> None:
    (far,) = events_of([approach(0, "speed-60", right=25, up=1)], RULE, SCENE)
    (turned,) = events_of([approach(0, "speed-60", right=4, up=1, size=(0.35, 0.7))], RULE, SCENE)
    assert not far.counts
    assert "at another road" in far.why
    assert not turned.counts
    assert "from aside (0.50" in turned.why


def unsure(trail: Trail, score: float = 0.44) -> Trail:
    """The same, with a finder that doubts."""
    return changed(trail, score=[score] * len(trail.seen))


def test_what_flickers_by_unsure_is_told_and_counts_for_nothing() -> None:
    doubted = unsure(approach(0, "speed-60", right=4, up=2))
    rule = replace(RULE, told_score=0.4)
    (event,) = events_of([replace(doubted, seen=doubted.seen[:4])], rule, SCENE)
    assert not event.accepted
    assert not event.counts
    assert "too briefly" in event.why
    (event,) = events_of([doubted], rule, SCENE)
    assert not event.accepted
    assert event.counts


def test_what_is_too_doubtful_for_an_event_is_a_candidate() -> None:
    sure = approach(0, "speed-60", right=4, up=2)
    doubtful = replace(unsure(approach(1, "speed-50", right=-4, up=2), score=0.2))
    (event,), (candidate,) = (
        [event for event, _ in found]
        for found in meaning.events_and_candidates([sure, doubtful], RULE, SCENE)
    )
    assert (event.event, event.sign) == ("e0001", "speed-60")
    assert (candidate.event, candidate.sign, candidate.accepted) == ("c0001", "speed-50", False)


def test_an_unread_plate_makes_a_limit_conditional() -> None:
    sign = approach(0, "speed-60", right=4, up=2)
    plate = approach(1, "other-sign", right=4, up=1.45, size=(0.7, 0.35))
    (event,) = events_of([sign, plate], RULE, SCENE)
    assert [p.kind for p in event.plates] == ["unread"]
    assert event.zone is None


def test_a_plate_below_a_sign_without_a_limit_conditions_none() -> None:
    sign = approach(0, "stop", right=4, up=2)
    plate = approach(1, "other-sign", right=4, up=1.45, size=(0.7, 0.35))
    (event,) = events_of([sign, plate], RULE, SCENE)
    assert (event.sign, event.plates) == ("stop", ())


def test_two_plates_below_a_sign_are_both_its_own() -> None:
    plates = [approach(n, "other-sign", right=4, up=up, size=(0.7, 0.3)) for n, up in ((1, 1.45), (2, 1.1))]
    (event,) = events_of([approach(0, "speed-60", right=4, up=2), *plates], RULE, SCENE)
    assert [plate.kind for plate in event.plates] == ["unread"]


def test_two_boards_one_below_the_other_are_no_plates_of_each_other() -> None:
    boards = [approach(n, "other-sign", right=4, up=up, size=(0.7, 0.3)) for n, up in ((1, 1.45), (2, 1.1))]
    assert len(events_of(boards, RULE, SCENE)) == 2


def test_a_plate_belongs_to_the_sign_that_it_hangs_at_in_most_frames() -> None:
    plate = approach(2, "other-sign", right=4, up=1.45, size=(0.7, 0.35))
    own = approach(0, "speed-60", right=4, up=2)
    other = approach(1, "speed-50", right=4.2, up=2)
    apart = approach(1, "speed-50", right=9, up=2)
    boxes = [(apart if n % 5 < 2 else other).seen[n].box for n in range(len(other.seen))]
    for first, second in ((own, changed(other, box=boxes)), (changed(other, box=boxes), own)):
        events = events_of([first, second, plate], RULE, SCENE)
        assert {event.sign: len(event.plates) for event in events} == {"speed-60": 1, "speed-50": 0}


def test_what_hangs_together_in_less_than_half_of_the_frames_is_apart() -> None:
    sign = approach(0, "speed-60", right=4, up=2)
    at, apart = (approach(1, "other-sign", right=right, up=1.45, size=(0.7, 0.35)).seen for right in (4, 6))
    boxes = [(at if n % 5 < 2 else apart)[n].box for n in range(len(at))]
    plate = changed(approach(1, "other-sign", right=4, up=1.45), box=boxes)
    assert len(events_of([sign, plate], RULE, SCENE)) == 2


def test_one_frame_makes_no_pair() -> None:
    sign = approach(0, "speed-60", right=4, up=2)
    plate = approach(1, "other-sign", right=4, up=1.45, size=(0.7, 0.35))
    seldom = [n if n == 20 else n + 1000 for n in range(len(plate.seen))]
    assert len(events_of([sign, changed(plate, frame=seldom)], RULE, SCENE)) == 2


@pytest.mark.parametrize(
    ("up", "size", "hangs"),
    [
        (1.45, (0.7, 0.35), True),
        (1.6, (0.7, 0.35), True),  # boxes overlap a little
        (2.0, (0.7, 0.3), False),  # within the sign's own box
        (1.0, (0.7, 0.35), False),
        (0.9, (0.7, 1.3), False),  # a large board right below is no plate
        (2.5, (0.7, 0.35), False),  # above
    ],
)
def test_where_a_plate_can_hang(up: float, size: tuple[float, float], hangs: bool) -> None:
    events = events_of(
        [approach(0, "speed-60", right=4, up=2), approach(1, "other-sign", right=4, up=up, size=size)],
        RULE,
        SCENE,
    )
    assert len(events) == (1 if hangs else 2)


@pytest.mark.parametrize(
    ("up", "size", "zone"), [(2.6, 0.4, "school"), (4.5, 0.4, None), (2.2, 1.2, "school"), (0.5, 0.4, None)]
)
def test_where_a_board_for_schools_can_be(up: float, size: float, zone: str | None) -> None:
    sign = approach(0, "speed-60", right=4, up=2)
    board = approach(1, "school-zone", right=4, up=up, size=(size, size))
    assert [e.zone for e in events_of([sign, board], RULE, SCENE) if e.sign == "speed-60"] == [zone]


def test_the_cameras_turning_is_taken_out_of_a_signs_place() -> None:
    trail = approach(0, "speed-60", right=4, up=1)
    turned = [(x1 - 900, y1, x2 - 900, y2) for x1, y1, x2, y2 in (one.box for one in trail.seen)]
    shifted = replace(changed(trail, box=turned), shifts=((-900.0, 0.0),) * len(turned))
    (event,) = events_of([shifted], RULE, SCENE)
    (untold,) = events_of([replace(shifted, shifts=())], RULE, SCENE)
    assert (event.side, untold.side) == ("right", "left")


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
    assert event.plates == ()


def test_no_sign_and_flickers_are_no_events() -> None:
    nothing = approach(0, "no-sign", right=4, up=2)
    flicker = Trail(number=1, seen=approach(1, "speed-60", right=4, up=2).seen[:1])
    assert events_of([nothing, flicker], RULE, SCENE) == []
