"""Streets that teach: what is marked is there, where and as large as the camera sees it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from numpy.random import default_rng
from PIL import Image

from roadworthy.core.errors import UsageError
from roadworthy.render.street import RECIPES, Photograph, Street, draw_frame, draw_scene, draw_street
from roadworthy.render.street.bend import Bend
from roadworthy.render.street.canvas import Canvas
from roadworthy.render.street.foreign import FOREIGN, foreign_face
from roadworthy.render.street.lens import any_lens, photograph
from roadworthy.render.street.light import any_light
from roadworthy.render.street.mounting import Face, Pose, extent, hang
from roadworthy.render.street.photographs import covered
from roadworthy.render.street.things.all import HELD_OUT, THINGS
from roadworthy.render.street.view import View
from roadworthy.render.street.walls import WALLS

WIDTH, HEIGHT = 480, 270


@cache
def faces() -> dict[str, torch.Tensor]:
    """A white square and a red disc with a white bar, as RGBA tiles."""
    square, disc = torch.ones(1, 4, 64, 64), torch.zeros(1, 4, 64, 64)
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    inside = x**2 + y**2 <= 1
    disc[0, 0][inside], disc[0, 3][inside] = 0.7, 1.0
    disc[0, :3, 26:38, 10:54] = 1.0
    return {"square": square, "no-entry": disc}


def draw(seed: int, *, bare: bool = False, recipe: str = "street") -> Street:
    generator = torch.Generator().manual_seed(seed)
    return draw_scene(faces(), generator, width=WIDTH, height=HEIGHT, recipe=recipe, bare=bare)


def level_view(**changes: float) -> View:
    return View(
        **{
            "width": 640,
            "height": 360,
            "focal": 500.0,
            "eye": 1.4,
            "horizon": 180.0,
            "middle": 320.0,
            **changes,
        }
    )


def test_a_street_repeats_from_its_seed() -> None:
    one, two, other = draw(3), draw(3), draw(4)
    assert one.image.shape == (HEIGHT, WIDTH, 3)
    assert one.image.dtype == np.uint8
    assert np.array_equal(one.image, two.image)
    assert (one.boxes, one.signs, one.others) == (two.boxes, two.signs, two.others)
    assert not np.array_equal(one.image, other.image)


def test_boxes_lie_in_the_picture_and_the_signs_in_the_boxes() -> None:
    inside, outside, sides = [], [], []
    for seed in range(8):
        street, empty = draw(seed), draw(seed, bare=True)
        change = np.abs(street.image.astype(int) - empty.image).max(axis=2) > 24
        marked = np.zeros_like(change)
        for x1, y1, x2, y2 in street.boxes:
            assert 0 <= x1 < x2 <= WIDTH
            assert 0 <= y1 < y2 <= HEIGHT
            inside.append(change[int(y1) : int(y2) + 1, int(x1) : int(x2) + 1].mean())
            sides.append(max(x2 - x1, y2 - y1))
        for x1, y1, x2, y2 in (*street.boxes, *(box for box, _ in street.others)):
            marked[max(0, int(y1) - 5) : int(y2) + 6, max(0, int(x1) - 5) : int(x2) + 6] = True
        outside.append(change[~marked].mean())
    assert len(inside) > 6
    assert np.median(inside) > 0.5
    assert np.median(outside) < 0.001  # glare and exposure are the same, noise too
    assert min(sides) >= 4


def test_a_sign_is_as_large_and_stands_where_a_pinhole_sees_it() -> None:
    square = Face(np.full((64, 64, 4), 255, dtype=np.uint8))
    x1, y1, x2, y2 = extent(level_view(), square, Pose(x=3.0, y=2.4, z=30.0, side=0.6))
    assert (x2 - x1, y2 - y1) == pytest.approx((500 * 0.6 / 30,) * 2)
    assert (x1 + x2) / 2 == pytest.approx(320 + 500 * 3 / 30)
    assert (y1 + y2) / 2 == pytest.approx(180 - 500 * (2.4 - 1.4) / 30)
    turned = extent(level_view(), square, Pose(x=0.0, y=2.4, z=30.0, side=0.6, yaw=np.pi / 3))
    assert turned[2] - turned[0] == pytest.approx((x2 - x1) / 2, rel=0.01)


def test_a_painted_sign_covers_its_box() -> None:
    view, light = level_view(), any_light(default_rng(0), "overcast")
    canvas = Canvas(view, light, default_rng(0))
    face, pose = Face(np.full((64, 64, 4), 255, dtype=np.uint8)), Pose(x=1.0, y=2.0, z=10.0, side=0.8)
    covered = hang(canvas, face, pose, default_rng(1), owner=7, plain=True)
    rows, columns = np.nonzero(canvas.owner == 7)
    x1, y1, x2, y2 = extent(view, face, pose)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == pytest.approx(
        (x1, y1, x2, y2), abs=1
    )
    assert covered == pytest.approx(len(rows), rel=0.06)


def test_the_road_is_where_its_rows_say_it_is() -> None:
    for rise in (0.0, 1 / 4000, -1 / 4000):
        view = level_view(rise=rise)
        z = view.rows(200)
        _, rows = view.pixel(0.0, view.level(z), z)
        near = z < 100
        assert rows[near] == pytest.approx(np.arange(200, 360)[near] + 0.5, abs=0.05)


@pytest.mark.parametrize("name", THINGS.names())
def test_each_thing_stands_in_the_picture(name: str) -> None:
    light = any_light(default_rng(0), "overcast")
    for seed in range(2):
        canvas = Canvas(level_view(), light, default_rng(0))
        canvas.stand(THINGS.get(name)(default_rng(seed), light), 0.0, 9.0 if name != "pylon" else 100.0)
        changed = (canvas.radiance > 0).any(axis=2)
        assert 40 < changed.sum() < 0.9 * changed.size


@pytest.mark.parametrize("name", WALLS.names())
def test_each_wall_grows_towards_the_camera(name: str) -> None:
    light = any_light(default_rng(0), "overcast")
    canvas = Canvas(level_view(), light, default_rng(0))
    texture, bottom, top = WALLS.get(name)(default_rng(3), light, 20.0)
    canvas.strip(texture, 4.0, 6.0, 26.0, top, bottom)
    changed = (canvas.radiance > 0).any(axis=2)
    assert changed[:, :390].sum() == 0  # the far end is at 320 + 500 * 4 / 26
    assert changed[:, 600:630].sum() > changed[:, 410:440].sum() > 0


@pytest.mark.parametrize("name", FOREIGN.names())
def test_each_foreign_face_is_a_drawing_of_its_own(name: str) -> None:
    one, label, side = foreign_face(default_rng(0), name)
    two, *_ = foreign_face(default_rng(1), name)
    assert one.shape == (128, 128, 4)
    assert 0.1 < (one[..., 3] > 127).mean() <= 1
    assert label in ("other-sign", "board", "advertisement")
    assert 0.3 < side < 4
    assert not np.array_equal(one, two)


def test_things_that_are_held_out_are_in_no_training_street() -> None:
    assert set(RECIPES) == {"plain", *HELD_OUT}
    assert HELD_OUT["street"] == ()
    assert set(HELD_OUT["street-val"]) & set(HELD_OUT["street-test"]) == set()
    shown = draw(5, recipe="street").image, draw(5, recipe="street-test").image
    assert not np.array_equal(*shown)


def test_a_lens_keeps_grey_and_a_brighter_street_brighter() -> None:
    radiance = np.full((64, 64, 3), 0.5, dtype=np.float32)
    radiance[:32] *= 2
    image = photograph(radiance, any_lens(default_rng(0), night=False), default_rng(1))
    assert image.shape == (64, 64, 3)
    assert image[:28].mean() > image[36:].mean() + 20


def test_frames_of_a_series_do_not_depend_on_each_other() -> None:
    frames = [draw_frame(1, number, "street", 200, 120, faces()) for number in (0, 1)]
    again = draw_frame(1, 1, "street", 200, 120, faces())
    assert np.array_equal(frames[1].image, again.image)
    plain = draw_frame(1, 1, "plain", 200, 120, faces())
    before = draw_street(faces(), torch.Generator().manual_seed(1_000_004), width=200, height=120)
    assert np.array_equal(plain.image, before.image)


def test_a_bend_takes_points_where_it_takes_the_picture() -> None:
    bend = Bend(width=300, height=200, roll=0.05, barrel=0.08)
    dots = np.array([[60.0, 50.0], [150.5, 100.5], [240.0, 150.0]])
    assert bend.sources(bend.points(dots)) == pytest.approx(dots, abs=1e-3)
    x, y = np.meshgrid(np.arange(300) + 0.5, np.arange(200) + 0.5)
    for dot in dots:
        spot = (np.hypot(x - dot[0], y - dot[1]) < 6) * np.uint8(255)
        bent = np.asarray(bend.picture(Image.fromarray(spot))).astype(float)
        middle = (bent * x).sum() / bent.sum(), (bent * y).sum() / bent.sum()
        assert middle == pytest.approx(bend.points(dot[None])[0], abs=0.7)
    corners = np.array([[0.0, 0.0], [300.0, 0.0], [0.0, 200.0], [300.0, 200.0]])
    assert (bend.sources(corners) >= -1e-6).all()
    assert (bend.sources(corners) <= [300 + 1e-6, 200 + 1e-6]).all()


def test_a_photograph_loses_its_own_signs_and_gets_drawn_ones() -> None:
    image = np.full((270, 480, 3), 90, dtype=np.uint8)
    image[100:130, 200:230] = (255, 0, 0)
    photo = Photograph(image=image, boxes=((200, 100, 230, 130),))
    assert np.asarray(covered(photo, default_rng(0)))[..., 0].max() == 90
    generator = torch.Generator().manual_seed(2)
    street = draw_scene(faces(), generator, width=WIDTH, height=HEIGHT, photographs=[photo])
    assert np.median(street.image) == pytest.approx(90, abs=12)
    assert street.boxes
    x1, y1, x2, y2 = (round(edge) for edge in max(street.boxes, key=lambda box: box[2] - box[0]))
    assert street.image[y1:y2, x1:x2].std() > 2 * street.image[:20].std()


def test_a_street_says_what_it_needs() -> None:
    with pytest.raises(UsageError, match="no recipe 'lane'; known: street, street-val"):
        draw_scene(faces(), torch.Generator(), recipe="lane")
    with pytest.raises(UsageError, match="at least one face"):
        draw_scene({}, torch.Generator())
