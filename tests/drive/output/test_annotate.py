import time
from dataclasses import replace

import numpy as np
import pytest

from roadworthy.core.errors import MissingExtraError, ShapeError
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.output import patches
from roadworthy.drive.output.annotate import NOT_OURS, SURE, UNSURE, BoxNow, annotated, limit_at
from roadworthy.report.figures.limit_colours import limit_rgb

SIZES = [(1280, 720), (640, 360)]
ROWS = (
    LimitRow(from_s=0, to_s=20, limit=None, state="unknown", condition="no sign yet"),
    LimitRow(from_s=20, to_s=60, limit=60, state="limit", event="e0001"),
    LimitRow(from_s=60, to_s=100, limit=None, state="unlimited", event="e0002"),
)


def frame(width=1280, height=720, level=120):
    return np.full((height, width, 3), level, np.uint8)


def now(box, **others):
    made = BoxNow(box=box, sign="speed-60", confidence=0.974, accepted=True)
    return replace(made, **others)


def draw(image, boxes=(), limit=None, time_s=0.0, limits=ROWS, **others):
    return annotated(image, boxes, limit, time_s=time_s, duration_s=100.0, limits=limits, **others)


def corner(image):
    height, width = image.shape[:2]
    return image[: round(height * 0.3), width - round(height * 0.45) :].astype(int)


def reds(part):
    return ((part[..., 0] > 150) & (part[..., 1] < 90) & (part[..., 2] < 100)).sum()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_limit_stands_in_the_corner_as_a_sign(width, height):
    image = frame(width, height)
    drawn = draw(image, limit=ROWS[1], time_s=30)
    px = round(height * 0.17)
    assert reds(corner(drawn)) > 0.08 * px * px  # the ring
    assert (corner(drawn) > 240).all(axis=-1).sum() > 0.2 * px * px  # the white of the face
    assert (drawn[: height // 2, : width // 2] == image[: height // 2, : width // 2]).all()


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("limit", [None, ROWS[0]])
def test_an_unknown_limit_is_a_question_mark_on_grey(width, height, limit):
    part = corner(draw(frame(width, height), limit=limit))
    px = round(height * 0.17)
    grey = (abs(part - np.array(patches.GREY[:3])) < 8).all(axis=-1)
    assert grey.sum() > 0.3 * px * px
    assert reds(part) == 0


def test_different_limits_and_conditions_look_different():
    school = replace(ROWS[1], condition="on school days, 08:00-09:30")
    pictures = [draw(frame(), limit=row) for row in (*ROWS, replace(ROWS[1], limit=80), school)]
    for i, one in enumerate(pictures):
        assert not any((one == other).all() for other in pictures[:i])
    words = np.s_[160:190, 900:1270]  # below the sign
    assert (pictures[4][words] > 200).any()
    assert not (pictures[1][words] > 200).any()


@pytest.mark.parametrize(
    ("others", "colour"),
    [({}, SURE), ({"accepted": False}, UNSURE), ({"counts": False}, NOT_OURS)],
)
def test_a_box_is_drawn_around_its_sign_in_its_colour(others, colour):
    image = frame()
    drawn = draw(image, [now((400.0, 300.0, 460.0, 370.0), **others)])
    assert (drawn[300:370, 400:460] == image[300:370, 400:460]).all()  # the sign itself stays to be seen
    for edge in (
        drawn[298:300, 400:460],
        drawn[370:372, 400:460],
        drawn[300:370, 398:400],
        drawn[300:370, 460:462],
    ):
        share = (edge == colour).all(axis=-1).mean()
        assert (0.3 < share < 0.7) if "accepted" in others else share == 1


def test_the_face_stands_beside_the_box():
    drawn = draw(frame(), [now((400.0, 300.0, 460.0, 370.0))])
    beside = drawn[300:360, 464:530].astype(int)
    assert reds(beside) > 60
    stop = draw(frame(), [now((400.0, 300.0, 460.0, 370.0), sign="stop")])
    assert reds(stop[300:360, 464:530].astype(int)) > 3 * reds(beside)


@pytest.mark.parametrize(
    "box",
    [
        (0.0, 0.0, 30.0, 30.0),
        (1260.0, 690.0, 1300.0, 740.0),
        (-50.0, -50.0, 1400.0, 800.0),
        (1400.0, 10.0, 1500.0, 90.0),
        (600.0, 300.0, 600.2, 300.3),
    ],
)
@pytest.mark.parametrize("accepted", [True, False])
def test_boxes_at_and_beyond_the_edges_are_drawn_as_far_as_they_go(box, accepted):
    drawn = draw(frame(), [now(box, accepted=accepted)])
    assert drawn.shape == (720, 1280, 3)


def test_names_of_neighbours_do_not_hide_each_other():
    one = now((400.0, 300.0, 430.0, 330.0))
    alone = [draw(frame(), [box]) for box in (one, replace(one, box=(440.0, 300.0, 470.0, 330.0)))]
    panels = [(picture[250:420, 200:750] != 120).any(axis=-1) for picture in alone]
    both = draw(frame(), [one, replace(one, box=(440.0, 300.0, 470.0, 330.0))])
    drawn = (both[250:420, 200:750] != 120).any(axis=-1)
    # As much is drawn as of the two alone, without the parts that would lie on each other.
    assert drawn.sum() > 0.98 * sum(panel.sum() for panel in panels)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_time_line_has_the_colours_of_the_limits_and_a_hand(width, height):
    drawn = draw(frame(width, height), limits=ROWS, time_s=80)
    line = drawn[height - 3]
    assert tuple(line[round(width * 0.05)]) == limit_rgb(None)
    assert tuple(line[round(width * 0.25)]) == limit_rgb(60)
    assert tuple(line[round(width * 0.95)]) == limit_rgb(None, "unlimited")
    assert tuple(line[round(0.8 * (width - 1))]) == (255, 255, 255)
    assert tuple(draw(frame(width, height), time_s=999)[height - 3, width - 1]) == (255, 255, 255)


def test_the_frame_given_stays_and_the_same_gives_the_same():
    image = frame()
    first = draw(image, [now((400.0, 300.0, 460.0, 370.0))], ROWS[1], 30)
    assert (image == 120).all()
    assert (draw(image, [now((400.0, 300.0, 460.0, 370.0))], ROWS[1], 30) == first).all()


def test_without_resvg_limits_are_plain_discs_and_others_words(monkeypatch):
    def missing(*_):
        raise MissingExtraError("drawing signs", ["resvg-py"], ["signs"])

    monkeypatch.setattr(patches, "draw_tile", missing)
    for cached in (patches.sign_picture, patches.panel):
        cached.cache_clear()
    try:
        disc = patches.sign_picture("speed-60", 120, ("au",))
        assert reds(np.asarray(disc)[..., :3].astype(int)) > 2000
        assert (np.asarray(patches.sign_picture("speed-80", 120, ("au",))) != np.asarray(disc)).any()
        assert patches.sign_picture("end-all-limits", 120, ("au",)) is not None
        assert patches.sign_picture("end-speed-60", 120, ("au",)) is not None
        assert patches.sign_picture("stop", 120, ("au",)) is None
        assert (draw(frame(), [now((400.0, 300.0, 460.0, 370.0), sign="stop")]) != 120).any()
    finally:
        for cached in (patches.sign_picture, patches.panel):
            cached.cache_clear()


def test_a_class_of_the_user_s_own_is_words():
    drawn = draw(frame(), [now((400.0, 300.0, 460.0, 370.0), sign="my\nown \x1b[31m sign" * 9)])
    assert (drawn[300:370, 470:700] > 220).any()


def test_which_row_holds():
    assert limit_at(ROWS, 0) is ROWS[0]
    assert limit_at(ROWS, 20) is ROWS[1]
    assert limit_at(ROWS, 100) is ROWS[2]
    assert limit_at(ROWS, 100.01) is None
    assert limit_at((), 0) is None


def test_what_is_no_frame_is_refused():
    with pytest.raises(ShapeError, match=r"\(4, 4\) of uint8; it must be \(H, W, 3\)"):
        draw(np.zeros((4, 4), np.uint8))
    with pytest.raises(ShapeError, match="float32"):
        draw(np.zeros((4, 4, 3), np.float32))


def test_long_words_are_wrapped_and_cut():
    lines = patches.wrapped("one two three four five six seven eight nine ten", 18, 120, 2)
    assert len(lines) == 2
    assert lines[0].startswith("one two")
    assert lines[1].endswith("…")
    assert patches.wrapped("", 18, 120, 2) == []


def test_a_frame_takes_milliseconds():
    image = frame()
    boxes = [now((100.0 + 150 * i, 300.0, 140.0 + 150 * i, 350.0), confidence=0.5 + i / 20) for i in range(5)]
    draw(image, boxes, ROWS[1], 30)
    took = []
    for n in range(20):
        start = time.process_time()
        draw(image, boxes, ROWS[1], 30 + n)
        took.append(time.process_time() - start)
    assert min(took) < 0.015
