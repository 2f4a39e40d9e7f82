"""Found events against true ones."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.kpi.boxes import TrueBox
from roadworthy.drive.kpi.matching import match_events, tolerance_s
from roadworthy.drive.limits.events import read_plates

Make = Callable[..., DriveEvent]


def test_truth_against_itself_is_perfect(event: Make) -> None:
    truth = [event("speed-60", 5), event("speed-60", 5.2, side="right"), event("stop", 9)]
    found = match_events(truth, truth)
    assert [one.found for one in found.matched] == truth
    assert (found.again, found.false) == (0, ())
    assert all(one.once and one.in_time and one.asked for one in found.matched)


def test_the_tolerance_is_half_of_the_time_in_view(event: Make) -> None:
    assert tolerance_s(event("stop", 10, first_s=9)) == 1.0
    assert tolerance_s(event("stop", 10, first_s=6)) == 2.0
    assert tolerance_s(event("stop", 10, first_s=0)) == 3.0


@pytest.mark.parametrize(("shift_s", "matches"), [(1.5, True), (-1.5, True), (1.51, False), (-1.51, False)])
def test_passing_must_lie_within_it(event: Make, shift_s: float, matches: bool) -> None:
    found = match_events([event("speed-60", 10)], [event("speed-60", 10 + shift_s)])
    assert (found.matched[0].found is not None, len(found.false)) == (matches, not matches)


def test_a_second_event_of_a_sign_is_a_duplicate_and_a_third_elsewhere_is_false(event: Make) -> None:
    true, far = event("speed-60", 10), event("speed-60", 30)
    twin = event("speed-60", 10.4)
    found = match_events([true], [twin, true, far])
    assert (found.matched[0].found, found.matched[0].again, found.false) == (true, (twin,), (far,))
    assert (found.again, found.matched[0].once) == (1, False)


def test_as_many_as_can_be_are_matched(event: Make) -> None:
    # The first found is nearest to the second true one, which alone the second found can be.
    truth = [event("speed-60", 10), event("speed-60", 11)]
    seen = [event("speed-60", 11), event("speed-60", 12.2)]
    assert [one.found for one in match_events(truth, seen).matched] == seen


def test_a_sure_event_is_preferred_to_a_nearer_unsure_one(event: Make) -> None:
    unsure, sure = event("stop", 10, accepted=False), event("stop", 10.8)
    assert match_events([event("stop", 10)], [unsure, sure]).matched[0].found is sure


def test_two_alike_on_two_sides_go_by_side(event: Make) -> None:
    left, right = (event("speed-60", 10, side=side, event=side) for side in ("left", "right"))
    seen = [event("speed-60", 10.1, side="right"), event("speed-60", 10.1, side="left")]
    assert [one.found for one in match_events([left, right], seen).matched] == seen[::-1]


def test_a_misread_limit_is_found_with_the_wrong_class(event: Make) -> None:
    (one,) = match_events([event("speed-60", 10)], [event("speed-80", 10.2)]).matched
    assert (one.found is not None, one.right_class, one.answer_s, one.in_time) == (True, False, None, False)


def test_another_sign_at_the_same_place_is_no_misreading(event: Make) -> None:
    found = match_events([event("stop", 10)], [event("give-way", 10)])
    assert (found.matched[0].found, len(found.false)) == (None, 1)


def test_where_truth_has_boxes_they_tell_what_was_misread(event: Make) -> None:
    true = [event("stop", 10, event="a"), event("speed-60", 10, event="b")]
    boxes = [
        TrueBox(frame=100, event="a", box=(0, 0, 10, 10)),
        TrueBox(frame=100, event="b", box=(50, 0, 60, 10)),
    ]
    over, beside = event("give-way", 10), event("speed-80", 10, box=(80.0, 0.0, 90.0, 10.0))
    found = match_events(true, [over, beside], boxes)
    assert [one.found for one in found.matched] == [over, None]
    assert found.false == (beside,)


def test_a_box_on_the_sign_makes_up_for_a_wrong_time(event: Make) -> None:
    true, late = event("stop", 10, event="a"), event("stop", 20, best_frame=95)
    boxes = [TrueBox(frame=95, event="a", box=(0, 0, 10, 10))]
    assert match_events([true], [late], boxes).matched[0].found is late
    assert match_events([true], [late]).matched[0].found is None


@pytest.mark.parametrize(
    ("more", "answer_s", "in_time"),
    [
        ({"confirmed_s": 9.5}, -0.5, True),
        ({"confirmed_s": 12.0}, 2.0, True),
        ({"confirmed_s": 12.01}, 2.01, False),
        ({"confirmed_s": None}, None, False),
        ({"accepted": False}, None, False),
        ({"counts": False}, None, False),
    ],
)
def test_an_answer_is_sure_and_within_two_seconds(
    event: Make, more: dict, answer_s: float | None, in_time: bool
) -> None:
    (one,) = match_events([event("speed-60", 10)], [event("speed-60", 10, **more)]).matched
    assert one.answer_s == (None if answer_s is None else pytest.approx(answer_s))
    assert one.in_time is in_time


def test_what_was_hardly_in_view_or_is_for_others_is_not_asked_for(event: Make) -> None:
    def asked(**more: object) -> bool:
        return match_events([event("stop", 10, **more)], []).matched[0].asked

    assert asked(first_s=9.0)
    assert not asked(first_s=9.1)
    assert not asked(counts=False)


@pytest.mark.parametrize("sign", ["other-sign", "not-a-limit", "no-sign"])
def test_what_names_nothing_is_neither_asked_for_nor_false(event: Make, sign: str) -> None:
    found = match_events([event(sign, 10)], [event(sign, 10), event(sign, 10.2), event(sign, 50)])
    assert (found.matched[0].asked, found.again, found.false) == (False, 0, ())


def test_plates_are_compared_whole(event: Make) -> None:
    true = event("speed-40", 10, plates=read_plates("times 8:00-9:30; school-days"))
    for text, right in {"school-days; times 8:00-9:30": True, "school-days": False, "": False}.items():
        (one,) = match_events([true], [replace(true, plates=read_plates(text))]).matched
        assert one.plates_right is right


def test_nothing_against_nothing_is_nothing() -> None:
    assert match_events([], []).matched == ()
