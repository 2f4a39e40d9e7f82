"""From radiance to the picture's levels: exposure, glare, blur, noise, sharpening, colours, compression."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageChops, ImageFilter

from roadworthy.core.arrays import ByteArray
from roadworthy.render.street.bend import Bend
from roadworthy.render.street.grain import SIDE, fractal
from roadworthy.render.street.view import Floats

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_GRAIN = 30.0


@dataclass(frozen=True, kw_only=True)
class Lens:
    """A camera's ways.

    exposure: the level, 0 to 1, that the street comes to; None leaves it.  contrast: of the tone curve, 0
    plain to 1.  colours: gains of red, green, blue.  saturation: 1 as it is.
    blur: deviation of its Gaussian, px.  streak: motion blur along a row, px.  glare: share of light that
    bright places spread.  noise: deviation at mid-grey, 0 to 1.  sharpen: of an unsharp mask, per cent.
    vignette: how much darker the corners are.  black: level that black comes to.
    codec: `jpeg`, `webp` or none, with its quality; small: it is encoded at this share of its size.
    """

    exposure: float | None
    contrast: float
    colours: tuple[float, float, float]
    saturation: float
    blur: float
    streak: float
    glare: float
    noise: float
    sharpen: float
    vignette: float
    black: float
    codec: str
    quality: int
    small: float


def any_lens(rng: Generator, night: bool) -> Lens:
    """A camera: most are fair dashcams, some are poor."""
    poor = rng.random() < 0.3
    return Lens(
        exposure=float(0.05 * 5 ** rng.random() * (0.5 if night else 1.0)),
        contrast=float(rng.uniform(0.0, 1.3)),
        colours=(float(rng.uniform(0.85, 1.1)), 1.0, float(rng.uniform(0.9, 1.25))),
        saturation=float(rng.uniform(0.6, 1.3)),
        blur=float(rng.uniform(0.2, 0.7) + poor * rng.uniform(0.0, 1.0)),
        streak=float(rng.uniform(2, 9)) if rng.random() < 0.12 else 0.0,
        glare=float(rng.uniform(0.0, 0.1) + 0.12 * night),
        noise=float(0.001 * 10 ** rng.random() * (1 + 2 * night) * (1 + poor)),
        sharpen=float(rng.uniform(0, 160)) if rng.random() < 0.6 else 0.0,
        vignette=float(rng.uniform(0, 0.35)),
        black=float(max(0.0, rng.uniform(-0.06, 0.04))),
        codec=str(rng.choice(["jpeg", "webp", "none"], p=[0.65, 0.25, 0.1])),
        quality=int(rng.uniform(25, 60) if poor else rng.uniform(55, 95)),
        small=float(rng.uniform(0.5, 0.9)) if poor and rng.random() < 0.5 else 1.0,
    )


def photograph(radiance: Floats, lens: Lens, rng: Generator, bend: Bend | None = None) -> ByteArray:
    """(H, W, 3) uint8: what a lens makes of radiance (H, W, 3); the lower two thirds set the exposure."""
    height, width, _ = radiance.shape
    gain = 1.0
    if lens.exposure is not None:
        level = float(np.minimum(radiance[height // 3 :, ::8], 4.0).mean())
        gain = lens.exposure / max(level, 1e-4)
    image = radiance * (np.array(lens.colours, dtype=np.float32) * np.float32(gain))
    if lens.glare:
        image = _glare(image, lens.glare)
    if lens.vignette:
        x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
        image *= (1 - lens.vignette * (x[None] ** 2 * 0.6 + y[:, None] ** 2 * 0.4))[..., None]
    levels = (np.sqrt(np.clip(image, 0, 1, out=image), out=image) * 4095).astype(np.uint16)
    toned = _curve(lens)[levels]
    if lens.saturation != 1:
        grey = (toned @ _LUMA)[..., None] * np.float32(1 - lens.saturation)
        toned *= np.float32(lens.saturation)
        toned += grey
    picture = Image.fromarray(np.clip(toned, 0, 255, out=toned).astype(np.uint8))
    if bend is not None:
        picture = bend.picture(picture)
    if lens.streak:
        picture = _streaked(picture, lens.streak)
    if lens.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(lens.blur))
    if lens.noise:
        picture = _noisy(picture, lens.noise, rng)
    if lens.sharpen:
        picture = picture.filter(
            ImageFilter.UnsharpMask(radius=1.2, percent=round(lens.sharpen), threshold=2)
        )
    return np.array(_coded(picture, lens))


def _curve(lens: Lens) -> Floats:
    """Levels, 0 to 255, for the square root of light in 4,096 steps: sRGB's curve, then an S."""
    light = (np.arange(4096) / 4095) ** 2
    plain = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    curved = plain * plain * (3 - 2 * plain)
    toned = plain + (curved - plain) * lens.contrast
    return np.asarray((lens.black + (1 - lens.black) * toned) * 255 + 0.5, dtype=np.float32)


def _glare(image: Floats, share: float) -> Floats:
    """Light beyond white spreads about: a narrow and a broad halo."""
    height, width, _ = image.shape
    bright = np.clip(np.minimum(image[::4, ::4], 12.0) - 0.7, 0, None)
    levels = Image.fromarray(np.clip(bright * 21, 0, 255).astype(np.uint8))
    narrow, broad = (levels.filter(ImageFilter.GaussianBlur(radius)) for radius in (2.0, 12.0))
    both = Image.blend(narrow, broad, 0.45).resize((width, height), Image.Resampling.BILINEAR)
    return image + np.asarray(both, dtype=np.float32) * np.float32(share * 1.2 / 21)


def _streaked(picture: Image.Image, length: float) -> Image.Image:
    """Each row smeared, as in a turn."""
    levels = np.asarray(picture).astype(np.float32)
    reach = max(1, round(length / 2))
    total = np.zeros_like(levels)
    for shift in range(-reach, reach + 1):
        total += np.roll(levels, shift, axis=1)
    return Image.fromarray((total / (2 * reach + 1)).astype(np.uint8))


def _noisy(picture: Image.Image, deviation: float, rng: Generator) -> Image.Image:
    """Grain of luma, and coarser grain of colour."""
    scale = 255 * deviation / _GRAIN
    left, top = (int(one) for one in rng.integers(SIDE, size=2))
    grain = Image.new("RGB", picture.size)
    for x in range(-left, picture.width, SIDE):
        for y in range(-top, picture.height, SIDE):
            grain.paste(_grain(), (x, y))
    table = [min(255, max(0, round(128 + (level - 128) * scale))) for level in range(256)]
    noisy = ImageChops.add(picture, grain.point(table * 3), offset=-128)
    # What is burnt out has no grain.
    there = picture.convert("L").point([255 if v < 200 else (255 - v) * 255 // 55 for v in range(256)])
    return Image.composite(noisy, picture, there)


@cache
def _grain() -> Image.Image:
    """Noise of deviation _GRAIN about 128 that all three colours share, and some of their own."""
    luma = fractal(0.0)
    coarse = np.kron(luma[: SIDE // 2, : SIDE // 2], np.ones((2, 2), dtype=np.float32))
    tint = np.stack([0.7 * coarse, 0 * coarse, -0.7 * np.roll(coarse, 77, axis=1)], axis=2)
    levels = 128 + _GRAIN * (luma[..., None] + tint)
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def _coded(picture: Image.Image, lens: Lens) -> Image.Image:
    """Compressed and decoded."""
    size = picture.size
    if lens.small < 1:
        picture = picture.resize(
            (round(size[0] * lens.small), round(size[1] * lens.small)), Image.Resampling.BICUBIC
        )
    if lens.codec != "none":
        file = io.BytesIO()
        if lens.codec == "jpeg":
            picture.save(file, "JPEG", quality=lens.quality)
        else:
            picture.save(file, "WEBP", quality=lens.quality, method=0)
        with Image.open(file) as read:
            picture = read.convert("RGB")
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)
