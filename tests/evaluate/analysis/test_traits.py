"""Traits on pictures in which each is known."""

import numpy as np
import pytest
import torch

from roadworthy.core.arrays import ByteArray
from roadworthy.evaluate.analysis.traits import TRAITS, Pictures, nearest
from roadworthy.render.backdrops import Solid
from roadworthy.render.camera import Camera
from roadworthy.render.pose import Crop, Rotation
from roadworthy.render.surfaces import Stickers

SIDE = 32


def triangle() -> torch.Tensor:
    """A red-bordered triangle, RGBA."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    inside, core = x.abs() < y * 0.95, (x.abs() < (y - 0.25) * 0.7) & (y < 0.85)
    face = torch.zeros(4, 64, 64)
    face[0], face[3] = 0.8, inside.float()
    face[:3, core] = 0.95
    return face


def shoot(*effects, count: int = 24, seed: int = 0) -> ByteArray:
    camera = Camera((Solid(0.3), Crop(0.2), *effects), SIDE)
    pictures, _ = camera(triangle().expand(count, 4, 64, 64), torch.Generator().manual_seed(seed))
    return (pictures * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def pictures(images: ByteArray, train: ByteArray | None = None, **given) -> Pictures:
    train = images if train is None else train
    known = {
        "targets": np.zeros(len(images), np.int64),
        "sizes_px": np.full(len(images), 40.0),
        "train_targets": np.zeros(len(train), np.int64),
        **given,
    }
    return Pictures(images=images, train_images=train, **known)


def measure(name: str, images: ByteArray, train: ByteArray | None = None) -> np.ndarray:
    return TRAITS.get(name)(pictures(images, train))


def plain(value: int) -> ByteArray:
    return np.full((1, SIDE, SIDE, 3), value, np.uint8)


def test_plain_pictures_by_hand() -> None:
    half = plain(0)
    half[:, :, SIDE // 2 :] = 255
    assert measure("brightness", plain(51)) == pytest.approx(0.2)
    assert measure("contrast", plain(51)) == pytest.approx(0.0)
    assert measure("contrast", half) == pytest.approx(0.5)
    assert measure("saturation", plain(90)) == pytest.approx(0.0)
    red = plain(0)
    red[..., 0] = 200
    assert measure("saturation", red) == pytest.approx(1.0)
    assert measure("size", red) == pytest.approx(40.0)


def test_blurred_pictures_are_less_sharp_at_any_contrast() -> None:
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(0).integers(0, 256, (8, SIDE, SIDE, 3), dtype=np.uint8)
    blurred = gaussian_filter(noise.astype(float), (0, 2, 2, 0)).astype(np.uint8)
    faint = (noise // 4 + 96).astype(np.uint8)
    sharp = measure("sharpness", noise)
    assert (measure("sharpness", blurred) < 0.6 * sharp).all()
    assert measure("sharpness", faint) == pytest.approx(sharp, rel=0.05)


def test_warmth_by_hand() -> None:
    red = plain(0)
    red[..., 0], red[..., 2] = 150, 50
    assert measure("warmth", red) == pytest.approx(0.5)
    assert measure("warmth", red[..., ::-1]) == pytest.approx(-0.5)
    assert measure("warmth", plain(90)) == pytest.approx(0.0)


def test_noise_is_found_and_slopes_are_none() -> None:
    slope = np.broadcast_to(np.arange(0, 64, 2, dtype=np.uint8)[:, None, None], (4, SIDE, SIDE, 3)) + 60
    assert measure("noise", slope) == pytest.approx(0.0, abs=1e-6)
    random = np.random.default_rng(0).normal(0, 8, slope.shape[:3])[..., None]
    noisy = (slope + random).clip(0, 255).astype(np.uint8)
    assert measure("noise", noisy) == pytest.approx(8 / 255, rel=0.15)


def test_framing_finds_the_factor_by_which_a_sign_is_larger() -> None:
    from scipy.ndimage import affine_transform

    train = shoot(count=32, seed=1)
    assert np.median(measure("framing", train)) == pytest.approx(1.0, abs=0.1)
    for factor in (0.75, 1.35):
        matrix, offset = [1.0, 1 / factor, 1 / factor, 1.0], (SIDE - 1) / 2 * (1 - 1 / factor)
        scaled = affine_transform(
            train.astype(float), matrix, offset=[0, offset, offset, 0], order=1, mode="nearest"
        ).astype(np.uint8)
        assert np.median(measure("framing", scaled, train)) == pytest.approx(factor, rel=0.1)


def test_tilt_grows_as_signs_are_turned() -> None:
    upright, turned = measure("tilt", shoot()), measure("tilt", shoot(Rotation(20)))
    assert np.median(upright) <= 3
    assert np.median(turned) > np.median(upright) + 3


def test_a_turn_by_a_known_angle_is_found() -> None:
    from scipy.ndimage import rotate

    upright = shoot(count=4)
    for angle in (9.0, -15.0):
        turned = rotate(upright, angle, axes=(2, 1), reshape=False, order=1, mode="nearest")
        assert np.median(measure("tilt", turned)) == pytest.approx(abs(angle), abs=3.1)


def test_stickers_raise_what_seems_covered() -> None:
    train = shoot(count=64, seed=1)
    clean, covered = shoot(count=40), shoot(Stickers(0.4), count=40)
    assert measure("occlusion", covered, train).mean() > 1.3 * measure("occlusion", clean, train).mean()
    unknown = TRAITS.get("occlusion")(pictures(clean, train, targets=np.ones(40, np.int64)))
    assert np.isnan(unknown).all()


def test_the_nearest_training_picture_of_either_kind() -> None:
    rng = np.random.default_rng(0)
    train = rng.integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)
    asked = pictures(
        train[[0, 3]], train, targets=np.array([0, 0]), train_targets=np.array([0, 0, 0, 1, 1, 1])
    )
    own, others = nearest(asked, own=True), nearest(asked, own=False)
    assert own[0] == pytest.approx(0.0, abs=1e-3)
    assert others[1] == pytest.approx(0.0, abs=1e-3)
    assert own[1] > 0.5 < others[0]
    alone = pictures(train[:1], train, train_targets=np.zeros(6, np.int64))
    assert np.isnan(nearest(alone, own=False)).all()


@pytest.mark.parametrize("name", list(TRAITS))
def test_every_trait_gives_a_number_for_every_picture(name: str) -> None:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (5, 24, 24, 3), dtype=np.uint8)
    targets = np.array([0, 1, 0, 1, 0])
    values = TRAITS.get(name)(pictures(images, images, targets=targets, train_targets=targets))
    assert values.shape == (5,)
    assert np.isfinite(values).all()
    assert TRAITS.summary(name).endswith(".")
