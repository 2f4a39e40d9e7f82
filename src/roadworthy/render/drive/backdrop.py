"""What lies behind everything: sky, clouds and the far line of hills, woods and roofs, all around."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter

from roadworthy.core.arrays import ByteArray, FloatArray, IntArray
from roadworthy.render.drive.ground import pack
from roadworthy.render.drive.look import Look
from roadworthy.render.drive.settings import DriveRecipe
from roadworthy.render.street.canvas import Canvas
from roadworthy.render.street.light import linear
from roadworthy.render.street.sky import paint_far, paint_sky
from roadworthy.render.street.view import View

_HALF_TURN = math.radians(165)  # to either side of where the drive begins
_BELOW_PX = 24
_SUN = 20.0  # radiance that only the sun has


@dataclass(frozen=True, kw_only=True, eq=False)
class Backdrop:
    """A panorama: `levels` (R, C) uint32, packed; the horizon is row `horizon`, a radian `focal` columns.

    start: the heading of its middle column, radians.  sun: its heading and its height above the horizon in
    radians, or None.  air: (3,) radiance that far things fade to.
    """

    levels: IntArray
    horizon: int
    focal: float
    start: float
    sun: tuple[float, float] | None
    air: FloatArray

    def view(self, columns: FloatArray, heading: float, rows: int) -> np.ndarray:
        """(rows, W) uint32: the `rows` above the horizon, and what hangs below it, in a direction.

        columns: (W,) px right of the picture's middle.
        """
        count = self.levels.shape[1]
        place = (np.arctan(columns / self.focal) + heading - self.start) * self.focal + count / 2
        first = max(0, self.horizon - rows)
        return np.asarray(
            self.levels[first : self.horizon + _BELOW_PX].take(
                np.clip(place.astype(np.int64), 0, count - 1), axis=1
            )
        )


def make_backdrop(look: Look, recipe: DriveRecipe, rng: Generator, view: View, start: float) -> Backdrop:
    """The panorama of a drive under a light; start: the heading at which the drive begins."""
    above = math.ceil(view.horizon) + 40
    wide = View(
        width=math.ceil(2 * _HALF_TURN * view.focal),
        height=above + _BELOW_PX,
        focal=view.focal,
        eye=view.eye,
        horizon=float(above),
        middle=_HALF_TURN * view.focal,
    )
    canvas = Canvas(wide, look.light, rng)
    paint_sky(canvas, rng)
    sun = _sun(canvas, start)
    if recipe.backdrop == "waves":
        _bands(canvas, rng)
    canvas.light = replace(look.light, haze=canvas.radiance[above - 30 : above].mean((0, 1)))
    if recipe.backdrop == "facets":
        _facets(canvas, rng)
    paint_far(canvas, rng, str(rng.choice(recipe.far)))
    canvas.radiance[above + 3 :] = canvas.radiance[above + 2]
    return Backdrop(
        levels=pack(_soft(look.levels(canvas.radiance))),
        horizon=above,
        focal=view.focal,
        start=start,
        sun=sun,
        air=np.asarray(canvas.light.air),
    )


def _soft(levels: ByteArray) -> ByteArray:
    """Far lines of trees without steps."""
    return np.asarray(Image.fromarray(levels).filter(ImageFilter.GaussianBlur(0.9)))


def _sun(canvas: Canvas, start: float) -> tuple[float, float] | None:
    brightest = canvas.radiance.max(axis=2)
    if brightest.max() < _SUN * 0.1:
        return None
    row, column = np.unravel_index(int(brightest.argmax()), brightest.shape)
    view = canvas.view
    if not (canvas.light.sunny and canvas.light.front < 0.1):
        return None
    return start + (float(column) - view.width / 2) / view.focal, (view.horizon - float(row)) / view.focal


def _facets(canvas: Canvas, rng: Generator) -> None:
    """Mountains of flat facets, which no other recipe has."""
    view = canvas.view
    corners = np.cumsum(rng.uniform(60, 240, view.width // 60))
    tops = rng.uniform(0.02, 0.16, len(corners)) * view.focal
    columns = np.arange(view.width)
    tall = np.interp(columns, corners, tops)
    shade = (
        np.where(np.gradient(tall) > 0, 0.8, 1.25)
        * np.repeat(rng.uniform(0.85, 1.15, view.width // 37 + 1), 37)[: view.width]
    )
    foot = int(view.horizon) + 3
    rows = np.arange(max(0, int(foot - tall.max())), foot)
    mask = rows[:, None] > foot - tall[None]
    hue = linear(*rng.uniform((90, 80, 70), (140, 120, 105)))
    colour = hue * shade[:, None] * canvas.light.on(0.4, 200.0)
    part = canvas.radiance[rows[0] : foot]
    haze = np.float32(0.55)
    part[mask] = (part * haze + (1 - haze) * colour[None])[mask]


def _bands(canvas: Canvas, rng: Generator) -> None:
    """A sky of plane waves, as mackerel clouds and the light of sunsets make it."""
    view = canvas.view
    rows, columns = np.arange(view.height)[:, None], np.arange(view.width)[None]
    field = np.zeros((view.height, view.width), dtype=np.float32)
    for _ in range(5):
        turn, wave, phase = rng.uniform(-0.3, 0.3), rng.uniform(25, 160), rng.uniform(0, 6.3)
        field += np.sin((rows * math.cos(turn) + columns * math.sin(turn)) * 2 * math.pi / wave + phase) / 5
    tint = 1 + rng.uniform(0.08, 0.3, 3).astype(np.float32) * field[..., None]
    canvas.radiance *= np.clip(tint, 0.4, 1.6)
