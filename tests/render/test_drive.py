"""A drawn drive: signs are as large as perspective says, and where the truth says."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.errors import UsageError
from roadworthy.render.drive import DRIVE_RECIPES, DrawnDrive, DriveSettings
from roadworthy.render.drive.canvas import Canvas, Shown
from roadworthy.render.drive.eye import Eye
from roadworthy.render.drive.ground import NAMES, Rows, make_atlas, paint
from roadworthy.render.drive.look import any_look
from roadworthy.render.drive.outlines import cut_off
from roadworthy.render.drive.seen import Diary
from roadworthy.render.street.mounting import Face, Pose, extent
from roadworthy.render.street.view import View

WIDE, TALL = 640, 360


@cache
def drive(**more: object) -> DrawnDrive:
    asked = {"km": 0.6, "seed": 5, "light": "day", "fps": 5, "width": WIDE, "height": TALL}
    return DrawnDrive(DriveSettings(**(asked | more)))  # type: ignore[arg-type]


def view() -> View:
    return View(width=1280, height=720, focal=1000.0, eye=1.3, horizon=360.0, middle=640.0)


def framecut_off(metres: float, ahead: float, of: DrawnDrive) -> int:
    """The frame in which the camera has so far to go to a place."""
    return int(np.argmin(np.abs(of.world.motion.metres - (metres - ahead))))


@pytest.mark.parametrize(("ahead", "px"), [(100.0, 7.5), (50.0, 15.0), (25.0, 30.0), (12.5, 60.0)])
def test_a_sign_of_75_cm_is_f_h_over_z_pixels_high(ahead: float, px: float) -> None:
    face = Face(np.full((64, 64, 4), 255, dtype=np.uint8))
    x1, y1, x2, y2 = extent(view(), face, Pose(x=2.0, y=1.3, z=ahead, side=0.75))
    assert (x2 - x1, y2 - y1) == pytest.approx((px, px))
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx((640 + 2000 / ahead, 360.0))


def test_the_camera_sees_what_lies_left_of_an_eastward_road_at_the_left() -> None:
    eye = Eye(metres=0, across=0, east=100, north=50, heading=math.pi / 2, view=view(), speed=10, at_s=0)
    x, z = eye.sees(np.array([110.0, 120.0]), np.array([53.0, 48.0]))
    assert x == pytest.approx([-3.0, 2.0])
    assert z == pytest.approx([10.0, 20.0])


def test_signs_of_a_frame_have_the_height_that_their_distance_gives() -> None:
    of = drive()
    checked = 0
    for number in range(0, len(of), 7):
        eye = of.world.eye_at(number)
        for one in of.frame(number).shown:
            sign = of.world.signing.signs[one.number]
            if sign.carried is not None or abs(sign.turn) > 0.2:
                continue
            east, north, _ = of.world.places[one.number]
            _, z = eye.sees(np.array([east]), np.array([north]))
            tall = of.world.focal * sign.tall / float(z[0])
            # Its drawing may leave a rim clear, and it hangs a little askew.
            assert one.whole_px == pytest.approx(tall, rel=0.1, abs=1.0), sign
            checked += 1
    assert checked > 20


def test_where_the_truth_has_a_sign_the_frame_shows_it_and_nothing_beyond() -> None:
    of = drive()
    signs = [s for s in of.world.signing.signs if s.metres < 560 and s.carried is None][:6]
    checked = 0
    for sign in signs:
        number = framecut_off(sign.metres, 30.0, of)
        shown = {one.number: one for one in of.frame(number).shown}
        if sign.number not in shown or shown[sign.number].visible < 0.6:
            continue
        there = of.frame(number).image.astype(int)
        bare = of.frame(number, without={sign.number}).image
        change = np.abs(there - bare).max(axis=2)
        x1, y1, x2, y2 = shown[sign.number].box
        box = (slice(max(0, int(y1) - 3), int(y2) + 4), slice(max(0, int(x1) - 3), int(x2) + 4))
        assert (change[box] > 12).mean() > 0.3, sign
        checked += 1
        change[box] = 0
        if sign.lines:  # its plate hangs beneath
            continue
        assert change.max() <= 2, sign
    assert checked >= 3


def test_frames_repeat_from_their_seed_in_any_order() -> None:
    first = drive().frame(20).image
    again = DrawnDrive(drive().settings)
    again.frame(33)
    assert np.array_equal(first, again.frame(20).image)
    assert not np.array_equal(first, drive(seed=6).frame(20).image)
    assert first.shape == (TALL, WIDE, 3)
    with pytest.raises(IndexError):
        drive().frame(len(drive()))


@pytest.mark.parametrize("recipe", [name for name in DRIVE_RECIPES if name != "default"])
def test_recipes_draw_other_drives_with_other_cameras(recipe: str) -> None:
    usual, other = drive(), drive(recipe=recipe)
    assert other.frame(20).image.shape == usual.frame(20).image.shape
    assert other.world.focal != usual.world.focal
    assert not set(DRIVE_RECIPES[recipe].things) & set(DRIVE_RECIPES["default"].things)
    assert DRIVE_RECIPES[recipe].backdrop != DRIVE_RECIPES["default"].backdrop


def test_night_is_dark_and_its_signs_shine() -> None:
    day, night = drive(), drive(light="night")
    sign = next(s for s in night.world.signing.signs if s.sign.startswith("speed") and s.turn < 0.2)
    number = framecut_off(sign.metres, 35.0, night)
    dark, shown = night.frame(number).image, night.frame(number).shown
    assert dark.mean() < 0.55 * day.frame(number).image.mean()
    box = next(one.box for one in shown if one.number == sign.number)
    x1, y1, x2, y2 = map(round, box)
    assert dark[y1:y2, x1:x2].max() > 170


def test_rain_changes_the_frame_and_no_box() -> None:
    dry, wet = drive(), drive(light="rain")
    number = framecut_off(dry.world.signing.signs[0].metres, 40.0, dry)
    assert np.abs(dry.frame(number).image.astype(int) - wet.frame(number).image).mean() > 5
    assert [(s.number, s.box) for s in dry.frame(number).shown] == [
        (s.number, s.box) for s in wet.frame(number).shown
    ]


def test_what_hides_a_sign_is_taken_from_what_is_visible() -> None:
    look = any_look(np.random.default_rng(1), DRIVE_RECIPES["default"], night=False, wet=False, fog=False)
    canvas = Canvas(Image.new("RGB", (100, 80), (90, 90, 90)), look)
    face, whole = np.full((20, 20, 3), 0.8, dtype=np.float32), np.ones((20, 20), dtype=np.float32)
    white = np.ones(3, dtype=np.float32)
    canvas.begin(7)
    canvas.hang(face, whole, (40, 30, 60, 50), (40.0, 30.0, 60.0, 50.0), white)
    assert [one.visible for one in canvas.judged()] == [1.0]
    canvas.lay(Image.new("RGBA", (30, 60), (20, 20, 20, 255)), 45, 10)
    assert canvas.judged()[0].visible == pytest.approx(0.25)
    canvas.begin(8)
    canvas.hang(face, whole, (0, 0, 20, 20), (-20.0, 0.0, 20.0, 20.0), white)
    assert canvas.judged()[1].visible == pytest.approx(0.5)  # half of it is outside of the frame


def test_a_sign_smaller_than_a_pixel_is_averaged_in_light() -> None:
    look = any_look(np.random.default_rng(1), DRIVE_RECIPES["default"], night=False, wet=False, fog=False)
    canvas = Canvas(Image.new("RGB", (10, 10)), look)
    canvas.begin(0)
    half = np.full((1, 1), 0.5, dtype=np.float32)
    canvas.hang(
        np.full((1, 1, 3), 0.5, dtype=np.float32), half, (5, 5, 6, 6), (5, 5, 6, 6), np.ones(3, np.float32)
    )
    level = canvas.picture.getpixel((5, 5))[0]  # type: ignore[index]
    assert float(look.back[level]) == pytest.approx(0.5, abs=0.06)


def test_lane_lines_lie_where_perspective_puts_them() -> None:
    look = any_look(np.random.default_rng(3), DRIVE_RECIPES["default"], night=False, wet=False, fog=False)
    rural, ahead = NAMES.index("rural"), np.array([8.0, 16.0, 32.0])
    still = np.zeros(3)
    rows = Rows(ahead=ahead, middle=still, along=ahead, turn=still, kinds=np.full(3, rural))
    columns = np.arange(-600, 600) + 0.5
    levels = paint(make_atlas(look, 1), rows, columns, 1000.0, 1.3, 0.0).view(np.uint8).reshape(3, 1200, 4)
    for row, z in zip(levels[..., :3].astype(int).sum(axis=2), ahead, strict=True):
        left = row[(columns > -2400 / z) & (columns < -1200 / z)]
        # The lane is 3.5 m wide and its middle straight ahead: its edge is 1.75 m to the left.
        there = columns[(columns > -2400 / z) & (columns < -1200 / z)]
        assert there[int(left.argmax())] == pytest.approx(-1750 / z, abs=80 / z + 1)


def test_far_ground_is_averaged_and_near_ground_is_not() -> None:
    look = any_look(np.random.default_rng(3), DRIVE_RECIPES["default"], night=False, wet=False, fog=False)
    ahead = np.array([6.0, 150.0])
    rows = Rows(ahead=ahead, middle=np.zeros(2), along=ahead, turn=np.zeros(2), kinds=np.zeros(2, dtype=int))
    columns = np.arange(-8, 8) + 0.5
    atlas = make_atlas(look, 1)
    near, far = paint(atlas, rows, columns, 1000.0, 1.3, 0.0).view(np.uint8).reshape(2, 16, 4)[..., 1]
    smeared = paint(atlas, rows, columns, 1000.0, 1.3, 8.0).view(np.uint8).reshape(2, 16, 4)[0, :, 1]
    assert near.std() > 1.5 * smeared.std()
    assert far.std() < 12


def test_an_outline_is_cut_off_before_the_camera() -> None:
    square = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 3.0), (-1.0, 3.0)])
    assert sorted(map(tuple, cut_off(square, 1.0))) == [(-1.0, 1.0), (-1.0, 3.0), (1.0, 1.0), (1.0, 3.0)]
    assert len(cut_off(square - [0, 9], 1.0)) == 0


def test_a_sign_counts_from_eight_pixels_and_half_of_it_on() -> None:
    diary = Diary()
    sights = [(6.0, 1.0), (7.9, 1.0), (8.0, 1.0), (12.0, 0.4), (20.0, 0.6), (30.0, 0.95), (40.0, 0.3)]
    for frame, (px, visible) in enumerate(sights):
        shown = Shown(number=3, box=(0.0, 0.0, px, px), whole_px=px, visible=visible)
        small = Shown(number=4, box=(0.0, 0.0, 5.0, 5.0), whole_px=5.0, visible=1.0)
        diary.note(frame, (shown, small))
    (passage,) = diary.passages()
    assert (passage.number, passage.first, passage.last, passage.frames) == (3, 2, 5, 3)
    assert (passage.best.frame, len(passage.sights)) == (5, 7)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"km": 0.0}, "0.2 to 100 km"),
        ({"recipe": "hard"}, "default, other-val, other-test"),
        ({"light": "dusk"}, "mixed, day, night, rain"),
        ({"kmh": 130.0}, "40 to 110"),
        ({"fps": 100}, "5 to 60"),
        ({"width": 64}, "320x180"),
    ],
)
def test_what_no_drive_can_be_is_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        DriveSettings(**wrong)  # type: ignore[arg-type]
