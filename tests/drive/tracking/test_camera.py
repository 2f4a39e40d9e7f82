"""How far a camera's turning moves the picture."""

import numpy as np
import pytest
from PIL import Image

from roadworthy.drive.tracking.camera import CameraMotion


def scene(dx: float, dy: float, zoom: float = 1.0) -> np.ndarray:
    """640 x 360 of a made-up landscape, moved right and down."""
    random = np.random.default_rng(3)
    coarse = random.integers(0, 256, (90, 160), np.uint8)
    large = Image.fromarray(coarse).resize((1280, 720), Image.Resampling.BICUBIC)
    own = (
        1 / zoom,
        0,
        320 - dx / zoom + 320 * (1 - 1 / zoom),
        0,
        1 / zoom,
        180 - dy / zoom + 120 * (1 - 1 / zoom),
    )
    view = large.transform((640, 360), Image.Transform.AFFINE, own, Image.Resampling.BILINEAR)
    return np.repeat(np.asarray(view)[..., None], 3, axis=2)


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (5, 0), (-14, 3), (30, -8), (2.5, 0)])
def test_a_moved_picture_is_measured(dx: float, dy: float) -> None:
    motion = CameraMotion()
    assert motion.update(scene(0, 0)) == (0, 0)
    assert motion.update(scene(dx, dy)) == pytest.approx((dx, dy), abs=0.8)


def test_steps_add_up() -> None:
    motion = CameraMotion()
    for step in range(6):
        shift = motion.update(scene(4 * step, -step))
    assert shift == pytest.approx((20, -5), abs=2)


def test_a_picture_that_grows_is_not_moved() -> None:
    motion = CameraMotion()
    motion.update(scene(0, 0))
    assert motion.update(scene(0, 0, zoom=1.01)) == pytest.approx((0, 0), abs=1.5)


def test_a_cut_and_a_blank_picture_move_nothing() -> None:
    motion = CameraMotion()
    motion.update(scene(0, 0))
    random = np.random.default_rng(5).integers(0, 256, (360, 640, 3), np.uint8)
    assert motion.update(random) == (0, 0)
    assert motion.update(np.zeros((360, 640, 3), np.uint8)) == (0, 0)
    assert motion.update(np.zeros((360, 640, 3), np.uint8)) == (0, 0)


def test_frames_of_another_size_begin_anew() -> None:
    motion = CameraMotion()
    motion.update(scene(0, 0))
    before = motion.update(scene(6, 0))
    assert motion.update(scene(0, 0)[::2, ::2]) != (0, 0)
    assert before == pytest.approx((6, 0), abs=0.8)


def test_a_sign_that_moves_on_its_own_moves_no_camera() -> None:
    plain = np.full((360, 640, 3), 128, np.uint8)
    motion = CameraMotion()
    for step in range(5):
        image = plain.copy()
        x = 300 + 12 * step
        image[100:140, x : x + 40] = 255
        image[110:130, x + 10 : x + 30] = 0
        motion.update(image, [(x, 100, x + 40, 140)])
    assert motion.shift == (0, 0)
