"""Things beside the road as flat pictures that face the camera, lit and hazed by how far away they are."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng
from PIL import Image, ImageFilter

from roadworthy.core.arrays import ByteArray
from roadworthy.render.drive.look import WARM, Look
from roadworthy.render.street.canvas import Figure
from roadworthy.render.street.grain import fractal, piece
from roadworthy.render.street.light import BYTE_TO_LINEAR, Light, linear
from roadworthy.render.street.pen import Pen, Rgb
from roadworthy.render.street.pen import shaded as darker
from roadworthy.render.street.things.all import THINGS
from roadworthy.render.street.things.colours import grey, lacquer, loud
from roadworthy.render.street.walls import house_paint

_BASE_PX = 480  # of the longer side of what is kept
_MOST_PER_M = 90.0
_STEP = 1.03  # between the sizes that are kept
_KEPT_PX, _KEPT = 50_000, 700
_FRONTS = ("house", "shop")
_OWN = ("house", "shop", "pole", "gantry", "gantry-short", "bus", "trailer", "rail", "worker")


@dataclass(frozen=True, kw_only=True, eq=False)
class Sprite:
    """A thing seen from the front.

    levels: smaller and smaller RGBA pictures of its reflectances, the first `scale` pixels a metre.
    lamps: of its own light, or None.  left, top: its edges, m about its foot.  wide, tall: m.
    side: colour of the flank that large vehicles show; long: their length, m.
    """

    levels: tuple[Image.Image, ...]
    lamps: Image.Image | None
    scale: float
    left: float
    top: float
    wide: float
    tall: float
    side: Rgb | None = None
    long: float = 0.0


def make_sprite(kind: str, variant: int, seed: int, light: Light) -> Sprite:
    """A thing of a kind; variants of one seed look different."""
    rng = default_rng([seed, variant, *kind.encode()])
    if kind in _OWN:
        figure, side, long = _own(kind, rng, light)
    else:
        figure, side, long = THINGS.get(kind)(rng, light), None, 0.0
        if kind in ("truck-rear", "truck-front"):
            side, long = grey(rng, 110, 220), 8.0
    wide, tall = figure.right - figure.left, figure.top - figure.bottom
    scale = min(_MOST_PER_M, _BASE_PX / max(wide, tall))
    size = max(2, math.ceil(wide * scale)), max(2, math.ceil(tall * scale))
    # House fronts are painted from their left edge on.
    origin = 0.0 if kind in _FRONTS else figure.left
    pen = Pen(-origin * scale, figure.top * scale, scale, (0, 0, *size))
    figure.paint(pen)
    patch = pen.patch()
    if figure.finish is not None:
        patch = figure.finish(patch, pen)
    colour = patch.colour
    if figure.rough:
        grain = piece(fractal(1.0), rng, size[1], size[0], max(0.5, min(6.0, size[1] / 60)))
        colour = colour * np.maximum(0.1, 1 + 0.4 * figure.rough * grain)[..., None]
    levels = np.empty((size[1], size[0], 4), dtype=np.uint8)
    levels[..., :3] = np.clip(colour, 0, 1) ** (1 / 2.2) * 255 + 0.5
    levels[..., 3] = np.clip(patch.alpha, 0, 1) * 255 + 0.5
    pictures = [Image.fromarray(levels)]
    while min(pictures[-1].size) >= 8:
        pictures.append(pictures[-1].reduce(2))
    lamps = None
    if patch.glow is not None and patch.glow.max() > 0.02:
        lit = patch.glow.max(axis=2)
        own = np.empty_like(levels)
        own[..., :3] = np.clip(patch.glow * figure.shine, 0, 1) ** (1 / 2.2) * 255
        own[..., 3] = np.clip(lit * 2 * figure.shine, 0, 1) * 255
        lamps = Image.fromarray(own)
    return Sprite(
        levels=tuple(pictures),
        lamps=lamps,
        scale=scale,
        left=figure.left,
        top=figure.top,
        wide=wide,
        tall=tall,
        side=side,
        long=long,
    )


def _own(kind: str, rng: Generator, light: Light) -> tuple[Figure, Rgb | None, float]:
    """Things that streets have as walls, or not at all."""
    if kind in ("house", "shop"):
        long = float(rng.uniform(9, 16))
        paint, _, ridge = house_paint(rng, light, long, kind == "shop")
        return Figure(-long / 2, long / 2, ridge + 0.1, paint, rough=0.12), None, 0.0
    if kind == "pole":
        steel = grey(rng, 110, 175)
        return Figure(-0.15, 0.15, 4.0, lambda pen: pen.rect(-0.04, 0, 0.04, 4.0, steel)), None, 0.0
    if kind in ("gantry", "gantry-short"):
        return _gantry(rng, 11.5), None, 0.0
    if kind == "rail":
        steel = grey(rng, 140, 180)

        def rail(pen: Pen) -> None:
            pen.rect(-2, 0.45, 2, 0.75, steel)
            pen.line([(-2, 0.6), (2, 0.6)], 0.06, darker(steel, 0.7))
            for x in (-1.5, 0.5):
                pen.rect(x, 0, x + 0.12, 0.5, darker(steel, 0.6))

        return Figure(-2.0, 2.0, 0.8, rail), None, 0.0
    if kind == "worker":

        def worker(pen: Pen) -> None:
            for side in (-1, 1):
                pen.rect(side * 0.12 - 0.08, 0, side * 0.12 + 0.08, 0.85, (40, 45, 70))
            pen.rect(-0.24, 0.8, 0.24, 1.45, (250, 110, 20))
            pen.rect(-0.24, 1.05, 0.24, 1.13, (225, 225, 215))
            pen.ellipse(0, 1.6, 0.11, 0.13, (180, 140, 110))
            pen.ellipse(0, 1.7, 0.14, 0.08, (240, 240, 235))

        return Figure(-0.3, 0.3, 1.8, worker), None, 0.0
    return _carrier(kind, rng, light)


def _gantry(rng: Generator, half: float) -> Figure:
    steel = grey(rng, 120, 170)

    def paint(pen: Pen) -> None:
        for x in (-half, half - 0.35):
            pen.rect(x, 0, x + 0.35, 7.4, steel)
        for y in (6.2, 7.3):
            pen.rect(-half, y, half, y + 0.14, steel)
        count = int(2 * half)
        for step in range(count):
            a, b = -half + step, -half + step + 1
            pen.line([(a, 6.25), (b, 7.35)] if step % 2 else [(a, 7.35), (b, 6.25)], 0.07, darker(steel, 0.8))

    return Figure(-half, half, 7.5, paint, rough=0.05)


def _carrier(kind: str, rng: Generator, light: Light) -> tuple[Figure, Rgb, float]:
    """The back of a bus or of a trailer's box; the sign on it is painted with the signs."""
    body = loud(rng) if kind == "bus" else lacquer(rng)
    half, tall = 1.24, (3.1 if kind == "bus" else 3.7)
    glow: Rgb | None = (120, 14, 10) if light.lamps else None

    def paint(pen: Pen) -> None:
        for side in (-1, 1):
            pen.rect(side * 0.95 - 0.18, 0, side * 0.95 + 0.18, 0.7, (20, 20, 21))
        pen.rect(-half, 0.4, half, tall, body)
        pen.rect(-half, 0.35, half, 0.75, (38, 38, 40))
        if kind == "bus":
            pen.rect(-half * 0.85, 1.75, half * 0.85, tall - 0.45, (42, 48, 54))
            pen.rect(-half * 0.3, tall - 0.38, half * 0.3, tall - 0.12, (20, 20, 20), (90, 60, 8))
        else:
            pen.line([(0, 0.8), (0, tall - 0.05)], 0.03, darker(body, 0.6))
            for x in (-0.55, 0.55):
                pen.line([(x, 0.9), (x, tall - 0.1)], 0.04, (150, 150, 152))
        for side in (-1, 1):
            pen.rect(side * 1.08 - 0.12, 0.8, side * 1.08 + 0.12, 1.15, (150, 16, 18), glow)
        pen.rect(-0.26, 0.45, 0.26, 0.58, (222, 222, 220))

    return Figure(-half, half, tall, paint, rough=0.1), darker(body, 0.85), 11.0


@dataclass(frozen=True, kw_only=True)
class Laid:
    """A picture to lay over the frame: where its corner goes, and its lamps' picture."""

    image: Image.Image
    left: int
    top: int
    lamps: Image.Image | None = None


class Lit:
    """The sprites of a drive under one light, each made once it is seen, at the sizes that are seen."""

    def __init__(self, look: Look, seed: int) -> None:
        self.look, self._seed = look, seed
        self._tables: dict[int, list[int]] = {}
        self._known: dict[tuple[str, int], Sprite] = {}
        self._sizes: OrderedDict[tuple[str, int, int], tuple[Image.Image, Image.Image | None]] = OrderedDict()

    def sprite(self, kind: str, variant: int) -> Sprite:
        """One of them."""
        if (kind, variant) not in self._known:
            self._known[kind, variant] = make_sprite(kind, variant, self._seed, self.look.light)
        return self._known[kind, variant]

    def laid(
        self,
        kind: str,
        variant: int,
        column: float,
        row: float,
        scale: float,
        ahead: float,
        window: tuple[int, int],
        smear: float = 0.0,
    ) -> Laid | None:
        """A thing whose foot is at a column and row, at `scale` pixels a metre; None where none is seen.

        window: width and height of the frame.  smear: px that it moves across while a frame is exposed.
        """
        sprite = self.sprite(kind, variant)
        left, top = column + sprite.left * scale, row - sprite.top * scale
        right, bottom = left + sprite.wide * scale, top + sprite.tall * scale
        if right < 0 or bottom < 0 or left > window[0] or top > window[1] or sprite.tall * scale < 1.5:
            return None
        step = round(math.log(scale) / math.log(_STEP))
        # Lit for the size that is kept, not for the frame that asks first: frames come in any order.
        ahead, scale = ahead * scale / _STEP**step, _STEP**step
        wide, tall = max(1, round(sprite.wide * scale)), max(1, round(sprite.tall * scale))
        if wide * tall <= _KEPT_PX:
            key = kind, variant, step
            if key not in self._sizes:
                self._sizes[key] = self._sized(sprite, (wide, tall), None, ahead)
                if len(self._sizes) > _KEPT:
                    self._sizes.popitem(last=False)
            else:
                self._sizes.move_to_end(key)
            image, lamps = self._sizes[key]
            return _smeared(Laid(image=image, left=round(left), top=round(top), lamps=lamps), smear)
        part = self._part(sprite, left, top, scale, ahead, window)
        return None if part is None else _smeared(part, smear)

    def _part(
        self, sprite: Sprite, left: float, top: float, scale: float, ahead: float, window: tuple[int, int]
    ) -> Laid | None:
        """Of a large thing what lies in the frame; None where that is less than a pixel."""
        x1, y1 = max(0, math.floor(left)), max(0, math.floor(top))
        x2 = min(window[0], math.ceil(left + sprite.wide * scale))
        y2 = min(window[1], math.ceil(top + sprite.tall * scale))
        if min(x2 - x1, y2 - y1, left + sprite.wide * scale - x1, top + sprite.tall * scale - y1) < 1:
            return None
        box = (x1 - left) / scale, (y1 - top) / scale, (x2 - left) / scale, (y2 - top) / scale
        image, lamps = self._sized(sprite, (max(1, x2 - x1), max(1, y2 - y1)), box, ahead)
        return Laid(image=image, left=x1, top=y1, lamps=lamps)

    def _sized(
        self,
        sprite: Sprite,
        size: tuple[int, int],
        part_m: tuple[float, float, float, float] | None,
        ahead: float,
    ) -> tuple[Image.Image, Image.Image | None]:
        """A sprite, or the part of it in metres from its upper left corner, in so many pixels, lit."""

        def resized(picture: Image.Image) -> Image.Image:
            per_m = picture.width / sprite.wide
            box = None
            if part_m is not None:
                x1, y1, x2, y2 = (edge * per_m for edge in part_m)
                box = (
                    max(0.0, x1),
                    max(0.0, y1),
                    min(float(picture.width), x2),
                    min(float(picture.height), y2),
                )
            return picture.resize(size, Image.Resampling.BILINEAR, box=box)

        chosen = sprite.levels[0]
        for smaller in sprite.levels[1:]:
            if part_m is not None or smaller.width < size[0] * 1.2:
                break
            chosen = smaller
        lit = resized(chosen).point(self.table(ahead))
        if sprite.lamps is None:
            return lit, None
        shine = 1.0 if self.look.night else 0.8
        return lit, resized(sprite.lamps).point(self._lamp_table(shine))

    def table(self, ahead: float) -> list[int]:
        """For `Image.point`: levels of reflectance to levels of the picture, for each band; alpha stays."""
        step = round(math.log(ahead) / math.log(_STEP))
        if step not in self._tables:
            self._tables[step] = self._table(_STEP**step)
        return self._tables[step]

    def _table(self, ahead: float) -> list[int]:
        look = self.look
        white = look.white + look.beam_at(ahead) * WARM
        through = look.seen(ahead)
        gains = np.array(look.lens.colours, dtype=np.float32) * look.gain
        light = BYTE_TO_LINEAR[:, None] * white * through + look.light.air * (1 - through)
        levels = look.levels_of((light * gains).astype(np.float32))
        return [*levels.T.ravel().tolist(), *range(256)]

    def _lamp_table(self, shine: float) -> list[int]:
        levels = np.clip(np.arange(256) * shine, 0, 255).astype(int).tolist()
        return [*levels * 3, *range(256)]


def _smeared(laid: Laid, smear: float) -> Laid:
    """Blurred along the row by what passes while a frame is exposed."""
    if smear < 2.5:
        return laid
    blur = ImageFilter.BoxBlur((smear / 2, 0))
    return Laid(image=laid.image.filter(blur), left=laid.left, top=laid.top, lamps=laid.lamps)


def flank_light(look: Look, colour: Rgb, ahead: float) -> ByteArray:
    """(3,) uint8 levels of a vehicle's flank."""
    white = look.white * 0.7 + look.beam_at(ahead) * WARM * 0.4
    return look.levels(np.asarray(linear(*colour) * white, dtype=np.float32))
