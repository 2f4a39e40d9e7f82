"""A pen that draws flat things in metres, with Pillow, and gives their reflectance, opacity and own light."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from roadworthy.render.street.light import BYTE_TO_LINEAR
from roadworthy.render.street.view import Floats
from roadworthy.signs.draw import font_files

Rgb = tuple[int, int, int]
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Patch:
    """A piece of a picture and its corner: colour (h, w, 3) linear, alpha (h, w), glow (h, w, 3) or None."""

    colour: Floats
    alpha: Floats
    left: int
    top: int
    glow: Floats | None = None


class Pen:
    """Draws at x to the right and y up, in metres, on the part of a thing that the picture shows.

    column, row: pixel of x = 0, y = 0.  scale: pixels a metre.  window: the pixels that are drawn,
    left, top, right, bottom.
    """

    def __init__(self, column: float, row: float, scale: float, window: tuple[int, int, int, int]) -> None:
        self.left, self.top, right, bottom = window
        self.width, self.height = right - self.left, bottom - self.top
        pixels = self.width * self.height
        self.fine = 4 if pixels < 4000 else 3 if pixels < 40_000 else 2 if pixels < 500_000 else 1
        self.scale = scale
        self._to = scale * self.fine
        self._x, self._y = (column - self.left) * self.fine, (row - self.top) * self.fine
        self._size = (self.width * self.fine, self.height * self.fine)
        self._image = Image.new("RGBA", self._size)
        self._draw = ImageDraw.Draw(self._image)
        self._lit: Image.Image | None = None

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Where a place lies in the fine picture."""
        return self._x + x * self._to, self._y - y * self._to

    def polygon(self, points: Points, colour: Rgb, glow: Rgb | None = None) -> None:
        """A filled outline."""
        flat = [self.point(*one) for one in points]
        self._draw.polygon(flat, fill=(*colour, 255))
        if glow is not None:
            self._light().polygon(flat, fill=glow)
        elif self._lit is not None:
            self._light().polygon(flat, fill=(0, 0, 0))

    def rect(self, x1: float, y1: float, x2: float, y2: float, colour: Rgb, glow: Rgb | None = None) -> None:
        """An upright box."""
        self.polygon([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], colour, glow)

    def ellipse(
        self, x: float, y: float, half_x: float, half_y: float, colour: Rgb, glow: Rgb | None = None
    ) -> None:
        """An ellipse about a middle."""
        (x1, y1), (x2, y2) = self.point(x - half_x, y + half_y), self.point(x + half_x, y - half_y)
        self._draw.ellipse((x1, y1, x2, y2), fill=(*colour, 255))
        if glow is not None:
            self._light().ellipse((x1, y1, x2, y2), fill=glow)

    def line(self, points: Points, width: float, colour: Rgb) -> None:
        """A line of some width in metres; at least half a fine pixel."""
        flat = [self.point(*one) for one in points]
        thick = width * self._to
        if thick < 1 and self.fine > 1:
            # Thinner than a fine pixel: paler, as far wires are.
            self._draw.line(flat, fill=(*colour, max(30, int(255 * thick))), width=1)
        else:
            self._draw.line(flat, fill=(*colour, 255), width=max(1, round(thick)), joint="curve")

    def text(self, x: float, y: float, height: float, words: str, colour: Rgb, bold: bool = True) -> None:
        """Words about a middle, `height` high; grey marks where they are too small to draw."""
        px = height * self._to
        column, row = self.point(x, y)
        if px < 4:
            half = 0.28 * height * len(words)
            pale = tuple(int(0.6 * c + 50) for c in colour)
            self.rect(x - half, y - height * 0.3, x + half, y + height * 0.3, (pale[0], pale[1], pale[2]))
            return
        self._draw.text(
            (column, row), words, fill=(*colour, 255), font=font(bold, min(400, round(px))), anchor="mm"
        )

    def length(self, words: str, height: float, bold: bool = True) -> float:
        """How wide words are, in metres."""
        return float(font(bold, 40).getlength(words)) * height / 40

    def paste(self, picture: Image.Image, x: float, y: float, width: float, height: float) -> None:
        """A picture in a box whose lower left corner is at x, y."""
        left, top = self.point(x, y + height)
        size = max(1, round(width * self._to)), max(1, round(height * self._to))
        if max(size) > 3000:
            return
        small = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        self._image.alpha_composite(small, *_inside(self._image, small, round(left), round(top)))

    def grid(self) -> tuple[Floats, Floats]:
        """x (1, w) and y (h, 1) of the pixels, in metres."""
        x = (np.arange(self.width, dtype=np.float32) + 0.5 - self._x / self.fine) / self.scale
        y = (self._y / self.fine - 0.5 - np.arange(self.height, dtype=np.float32)) / self.scale
        return x[None], y[:, None]

    def patch(self) -> Patch:
        """What was drawn."""
        image = self._image.reduce(self.fine) if self.fine > 1 else self._image
        levels = np.asarray(image)
        glow = None
        if self._lit is not None:
            lit = self._lit.reduce(self.fine) if self.fine > 1 else self._lit
            glow = BYTE_TO_LINEAR[np.asarray(lit)]
        colour = BYTE_TO_LINEAR[levels[..., :3]]
        return Patch(colour, levels[..., 3].astype(np.float32) / 255, self.left, self.top, glow)

    def _light(self) -> ImageDraw.ImageDraw:
        if self._lit is None:
            self._lit = Image.new("RGB", self._size)
        return ImageDraw.Draw(self._lit)


def _inside(
    image: Image.Image, small: Image.Image, left: int, top: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where to paste and from where on, so that nothing lies outside."""
    return (max(0, left), max(0, top)), (max(0, -left), max(0, -top))


@lru_cache(maxsize=256)
def font(bold: bool, px: int) -> ImageFont.FreeTypeFont:
    """Overpass, the family of road signs, at a size."""
    (file,) = (name for name in font_files() if Path(name).name == "Overpass[wght].ttf")
    face = ImageFont.truetype(file, px)
    face.set_variation_by_axes([700 if bold else 400])
    return face


def shaded(colour: Rgb, by: float) -> Rgb:
    """A colour, lighter or darker."""
    red, green, blue = (min(255, max(0, math.floor(c * by))) for c in colour)
    return red, green, blue
