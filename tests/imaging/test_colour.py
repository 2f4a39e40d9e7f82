"""What has colour: pictures of several hues; what has none: grey, infrared, and one tint over all."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.arrays import ByteArray
from roadworthy.imaging.colour import has_colour

SIDES = (32, 48, 200)
RNG = np.random.default_rng(3)
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])


def street(side: int, ring: tuple[int, int, int] = (170, 25, 35)) -> ByteArray:
    """A limit before a grey sky over grey-green ground, noisy as a camera makes it."""
    y, x = np.mgrid[:side, :side] / side
    image = np.where((y < 0.6)[..., None], (150, 156, 162), (84, 92, 80)).astype(float)
    radius = np.hypot(x - 0.5, y - 0.5)
    image[radius < 0.36] = ring
    image[radius < 0.27] = 225
    image[(radius < 0.27) & (abs(x - 0.5) < 0.04)] = 30
    return (image + RNG.normal(0, 3, image.shape)).clip(0, 255).round().astype(np.uint8)


def grey(image: ByteArray) -> ByteArray:
    return np.repeat(np.asarray(Image.fromarray(image).convert("L"))[..., None], 3, axis=2)


def tinted(image: ByteArray, red: float, green: float, blue: float) -> ByteArray:
    return (grey(image) * np.array([red, green, blue])).round().astype(np.uint8)


def sepia(image: ByteArray) -> ByteArray:
    return (grey(image) @ SEPIA.T).clip(0, 255).round().astype(np.uint8)


def as_jpeg(image: ByteArray, quality: int) -> ByteArray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("ring", [(170, 25, 35), (120, 40, 40), (20, 70, 150), (60, 60, 60)])
@pytest.mark.parametrize("dark", [1, 8])
def test_colours_are_seen(side: int, ring: tuple[int, int, int], dark: int) -> None:
    # With a ring of grey nothing but the sky and the ground have any, as around the end of a limit.
    image = street(side, ring) // dark
    if ring == (60, 60, 60):
        image[: side // 4] = np.array([120, 150, 185]) // dark
    assert has_colour(image)
    assert has_colour(Image.fromarray(image))
    assert has_colour(as_jpeg(image, 80))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    "without",
    [
        grey,
        lambda image: as_jpeg(grey(image), 30),
        lambda image: np.repeat(image[..., :1], 3, axis=2),  # infrared: red is bright
        sepia,
        lambda image: tinted(image, 1, 0.75, 0.2),
        lambda image: tinted(image, 0.25, 1, 0.3),
        lambda image: tinted(image, 0.6, 0.7, 1),
        lambda image: as_jpeg(tinted(image, 1, 0.97, 0.93), 50),
        lambda image: 255 - grey(image),
    ],
    ids=["grey", "jpeg", "infrared", "sepia", "amber", "green", "blue", "near-grey", "negative"],
)
def test_grey_and_one_tint_are_no_colours(side: int, without: Callable[[ByteArray], ByteArray]) -> None:
    assert not has_colour(without(street(side)))


@pytest.mark.parametrize("tint", [(1, 0.75, 0.2), (0.25, 1, 0.3)])
def test_a_strong_tint_that_jpeg_blurred_is_none_either(tint: tuple[float, float, float]) -> None:
    assert not has_colour(as_jpeg(tinted(street(200), *tint), 60))


def test_noise_of_a_sensor_is_no_colour_where_there_are_pixels_to_average() -> None:
    image = grey(street(200)).astype(float)
    assert not has_colour((image + RNG.normal(0, 6, image.shape)).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 5), (48, 500)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_pictures_of_any_size_have_none(shape: tuple[int, int], level: int) -> None:
    assert not has_colour(np.full((*shape, 3), level, np.uint8))


def test_blown_out_light_does_not_make_a_tint_a_colour() -> None:
    lit = grey(street(200)) * np.array([1.25, 1.0, 0.75])
    assert (lit.max(axis=2) > 255).mean() > 0.1
    assert not has_colour(lit.clip(0, 255).round().astype(np.uint8))


@pytest.mark.parametrize("jpeg", [False, True])
def test_a_sign_that_fills_the_picture_has_colour_though_it_is_of_one_hue(jpeg: bool) -> None:
    image = np.full((60, 60, 3), (165, 30, 40), np.uint8)
    image[24:36, 8:52] = 225
    assert has_colour(as_jpeg(image, 70) if jpeg else image)


def _bar(image: ByteArray) -> ByteArray:
    image[: round(0.08 * len(image))] = (0, 60, 200)
    return image


def _stamp(image: ByteArray) -> ByteArray:
    side = len(image)
    image[side // 12 : side // 6, side // 12 : side // 2] = (255, 220, 0)
    return image


def _frame(image: ByteArray) -> ByteArray:
    n = len(image) // 16
    framed = np.full_like(image, (20, 30, 90))
    framed[n:-n, n:-n] = image[n:-n, n:-n]
    return framed


def _fringe(image: ByteArray) -> ByteArray:
    return np.stack([np.roll(image[..., 0], 1, 1), image[..., 1], np.roll(image[..., 2], -1, 1)], axis=2)


def _noise(image: ByteArray) -> ByteArray:
    return (image + np.random.default_rng(1).normal(0, 12, image.shape)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("side", "add"),
    [*((side, add) for side in (48, 96, 200) for add in (_bar, _stamp, _frame, _fringe)), (40, _noise)],
)
def test_a_little_colour_in_a_grey_picture_makes_it_no_colour_picture(
    side: int, add: Callable[[ByteArray], ByteArray]
) -> None:
    assert not has_colour(add(grey(street(side))))
    assert has_colour(add(street(side)))
