"""The street as it is painted, from far to near: radiance, and whose sign each pixel shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from roadworthy.render.street.grain import fractal, piece
from roadworthy.render.street.light import Light
from roadworthy.render.street.pen import Patch, Pen
from roadworthy.render.street.texture import Texture
from roadworthy.render.street.view import Floats, View

LEAST_Z = 1.2  # nearer things are behind the windscreen
_LEAST_PX = 0.8
GROUND = -1  # owner of pixels that show the ground


@dataclass(frozen=True)
class Figure:
    """A thing that faces the camera: how far it reaches, in metres about its foot, and how it is painted.

    rough: deviation of its reflectance, as a share, from dirt and grain.  facing: the share of the sun that
    strikes it, where it is not what the light says.  shadow: half the width of what it darkens beneath.
    finish: changes the patch before it is lit: leaves, gradients.
    """

    left: float
    right: float
    top: float
    paint: Callable[[Pen], None]
    bottom: float = 0.0
    rough: float = 0.08
    facing: float | None = None
    shadow: float = 0.0
    finish: Callable[[Patch, Pen], Patch] | None = None
    shine: float = 3.0


class Canvas:
    """A picture being painted.

    radiance: (H, W, 3) float32.  owner: (H, W) int16, whose sign is seen there, or 0, or GROUND.
    """

    def __init__(self, view: View, light: Light, rng: Generator) -> None:
        self.view, self.light, self.rng = view, light, rng
        self.radiance = np.zeros((view.height, view.width, 3), dtype=np.float32)
        self.owner = np.zeros((view.height, view.width), dtype=np.int16)

    def window(
        self, left: float, top: float, right: float, bottom: float
    ) -> tuple[int, int, int, int] | None:
        """Whole pixels of the picture within a box, or None where there are none."""
        x1, y1 = max(0, math.floor(left)), max(0, math.floor(top))
        x2, y2 = min(self.view.width, math.ceil(right)), min(self.view.height, math.ceil(bottom))
        return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None

    def stand(self, figure: Figure, x: float, z: float, y: float | None = None) -> None:
        """Set a figure on the ground at x, z, or at a height y."""
        if z < LEAST_Z:
            return
        seed = int(self.rng.integers(2**31))
        ground = self.view.level(z) if y is None else y
        column, row = self.view.pixel(x, ground, z)
        scale = self.view.scale(z)
        if (figure.top - figure.bottom) * scale < _LEAST_PX:
            return
        window = self.window(
            column + figure.left * scale,
            row - figure.top * scale,
            column + figure.right * scale,
            row - figure.bottom * scale,
        )
        if figure.shadow and y is None:
            self.darken(
                column,
                row,
                figure.shadow * scale,
                max(0.6, 0.22 * figure.shadow * scale * self.view.eye / z * 2),
            )
        if window is None:
            return
        pen = Pen(column, row, scale, window)
        figure.paint(pen)
        patch = pen.patch()
        if figure.finish is not None:
            patch = figure.finish(patch, pen)
        rng = np.random.default_rng(seed)
        self.lay(patch, z, figure.rough, rng, figure.facing, shine=figure.shine)

    def lay(
        self,
        patch: Patch,
        z: float,
        rough: float,
        rng: Generator,
        facing: float | None = None,
        owner: int = 0,
        white: Floats | None = None,
        shine: float = 3.0,
    ) -> None:
        """Paint a patch of reflectances over what is there, lit, worn and seen through the air.

        white: (3,) or (h, w, 3), the radiance of white in it, where it is not what the light says.
        """
        height, width = patch.alpha.shape
        if white is None:
            white = self.light.on(self.light.front if facing is None else facing, z)
        colour = patch.colour * white
        if rough and height * width > 60:
            zoom = max(0.5, min(6.0, height / 60))
            grain = piece(fractal(1.0), rng, height, width, zoom) * np.float32(0.4 * rough)
            if height * width > 2000:
                grain = grain + piece(fractal(0.5), rng, height, width) * np.float32(0.3 * rough)
            colour *= np.maximum(np.float32(0.1), 1 + grain)[..., None]
        if patch.glow is not None:
            colour = colour + patch.glow * shine
        through = self.light.seen(z)
        if through < 0.99:
            colour = colour * through + self.light.air * (1 - through)
        here = slice(patch.top, patch.top + height), slice(patch.left, patch.left + width)
        there = self.radiance[here]
        there += (colour - there) * patch.alpha[..., None]
        covered = patch.alpha > 0.5
        self.owner[here][covered] = owner

    def darken(self, column: float, row: float, half: float, tall: float, by: float = 0.75) -> None:
        """The shadow beneath a thing."""
        window = self.window(column - 1.15 * half, row - 1.2 * tall, column + 1.15 * half, row + 1.2 * tall)
        if window is None:
            return
        x1, y1, x2, y2 = window
        across = (np.arange(x1, x2, dtype=np.float32) + 0.5 - column) / half
        down = (np.arange(y1, y2, dtype=np.float32) + 0.5 - row) / tall
        away = across[None] ** 4 + down[:, None] ** 2
        self.radiance[y1:y2, x1:x2] *= (1 - by * np.clip(1.3 - away, 0, 1))[..., None]

    def strip(
        self,
        texture: Texture,
        across: float,
        near: float,
        far: float,
        top: float,
        bottom: float = 0.0,
        rough: float = 0.1,
        facing: float | None = None,
    ) -> None:
        """A wall along the road, from z = near to far, between two heights above the ground.

        texture: what it looks like; its left edge is the near end.
        """
        seed = int(self.rng.integers(2**31))
        view = self.view
        begin, near = near, max(near, LEAST_Z)
        if far <= near:
            return
        x1, x2 = view.x(across, near), view.x(across, far)
        ends = [
            view.pixel(x, view.level(z) + y, z) for x, z in ((x1, near), (x2, far)) for y in (bottom, top)
        ]
        columns, rows = zip(*ends, strict=True)
        window = self.window(min(columns), min(rows), max(columns), max(rows))
        if window is None:
            return
        left, upper, right, lower = window
        # The ray of a column meets the wall where x = slope * z.
        slope = (np.arange(left, right, dtype=np.float32) + 0.5 - view.middle) / view.focal
        lean = (x2 - x1) / (far - near)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (x1 - lean * near) / (slope - lean)
        kept = (z >= near) & (z <= far)
        if not kept.any():
            return
        columns_kept = np.nonzero(kept)[0]
        z = z[kept]
        along = (z - begin) / (far - begin)
        finest = 2.0 ** round(math.log2(min(60.0, view.focal / float(z.min()))))
        pieces = texture.levels(finest)
        side = self.light.right if across < view.aside else self.light.left
        facing = side if facing is None else facing
        level = (
            np.clip(np.log2(np.maximum(finest * z / view.focal, 1.0)), 0, len(pieces) - 1).round().astype(int)
        )
        down = np.arange(upper, lower, dtype=np.float32) + 0.5
        ground = view.level(z)
        y = view.eye - (down[:, None] - view.horizon) * (z / view.focal)[None] - ground[None]
        inside = (y >= bottom) & (y <= top)
        rng = np.random.default_rng(seed)
        grain = piece(fractal(0.5), rng, len(down), right - left, 1.5)
        for number in np.unique(level):
            these = np.nonzero(level == number)[0]  # side by side, for z grows along the wall
            chosen = slice(these[0], these[-1] + 1)
            part = pieces[number]
            tall, wide = part.alpha.shape
            column = np.clip(along[chosen] * wide, 0, wide - 1)
            row = np.clip((top - y[:, chosen]) * (tall / (top - bottom)), 0, tall - 1)
            index = row.astype(np.int32) * wide + column.astype(np.int32)[None]
            alpha = part.alpha.ravel()[index] * inside[:, chosen]
            colour = part.colour.reshape(-1, 3)[index]
            first, last = columns_kept[these[0]], columns_kept[these[-1]] + 1
            where = slice(left + first, left + last)
            middle = float(np.median(z[chosen]))
            white = self.light.on(facing, middle)
            worn = np.maximum(np.float32(0.1), 1 + np.float32(0.6 * rough) * grain[:, first:last])
            colour *= worn[..., None] * white
            if part.glow is not None:
                colour += part.glow.reshape(-1, 3)[index] * 2.0
            through = self.light.seen(middle)
            if through < 0.99:
                colour = colour * through + self.light.air * (1 - through)
            there = self.radiance[upper:lower, where]
            there += (colour - there) * alpha[..., None]
            self.owner[upper:lower, where][alpha > 0.5] = 0
