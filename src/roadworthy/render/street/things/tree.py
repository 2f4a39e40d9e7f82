"""Trees and bushes: trunks that branch, crowns of leaves with the sky between them."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator
from PIL import Image

from roadworthy.render.street.canvas import Figure
from roadworthy.render.street.grain import fractal, leaves, piece, pieces
from roadworthy.render.street.light import Light, linear
from roadworthy.render.street.pen import Patch, Pen, Rgb
from roadworthy.render.street.sky import season
from roadworthy.render.street.things.registry import THINGS
from roadworthy.render.street.view import Floats

_LEAF_M = (0.06, 0.07, 0.045, 0.1)


@THINGS.register("tree")
def tree(rng: Generator, light: Light) -> Figure:
    """A tree in leaf: thick or thin, green or autumn's."""
    tall = float(rng.uniform(4.0, 15.0))
    wide = tall * float(rng.uniform(0.22, 0.42))
    base = tall * float(rng.uniform(0.12, 0.4))
    count = int(rng.integers(6, 16))
    spots = rng.normal(0, 0.42, (count, 2)).clip(-0.85, 0.85)
    radii = rng.uniform(0.25, 0.6, count)
    middle, reach = (base + tall) / 2, (tall - base) / 2
    blobs = np.stack(
        [
            spots[:, 0] * wide,
            middle + spots[:, 1] * reach,
            radii * min(wide, reach),
            radii * min(wide, reach),
        ],
        1,
    )
    return _grown(rng, light, tall, wide * 1.5, blobs, float(rng.uniform(0.35, 1.1)), trunk=True)


@THINGS.register("bare-tree")
def bare_tree(rng: Generator, light: Light) -> Figure:
    """A tree without leaves, or with the last of them: twigs against the sky."""
    tall = float(rng.uniform(4.0, 13.0))
    branches = _branches(rng, tall, 6)
    bark = _bark(rng)
    left = rng.random() < 0.35
    hue, seed = linear(*season(rng)), int(rng.integers(2**31))

    def paint(pen: Pen) -> None:
        _paint_branches(pen, branches, bark)

    def finish(patch: Patch, pen: Pen) -> Patch:
        local = np.random.default_rng(seed)
        height, width = patch.alpha.shape
        shade, order = pieces(leaves(0), local, height, width, max(0.4, 0.08 * pen.scale / 6))
        near = np.asarray(patch.alpha > 0.05, dtype=np.float32)
        cover = (order < 0.12 * near).astype(np.float32)
        return _over(patch, hue * (0.4 + shade)[..., None], cover)

    return Figure(
        -tall * 0.55,
        tall * 0.55,
        tall * 1.05,
        paint,
        rough=0.2,
        finish=finish if left else None,
        facing=light.front,
    )


@THINGS.register("conifer")
def conifer(rng: Generator, light: Light) -> Figure:
    """A spruce, a cypress or a pine."""
    tall = float(rng.uniform(4.0, 16.0))
    wide = tall * float(rng.uniform(0.1, 0.26))
    levels = np.linspace(0.06, 0.96, 14)
    size = wide * (1.05 - levels)
    jitter = rng.normal(0, 0.1, (2, 14)) * size
    blobs = np.stack([jitter[0], levels * tall + jitter[1], size + 0.1, size * 0.6 + tall * 0.04], 1)
    hue = (rng.uniform(30, 60), rng.uniform(50, 75), rng.uniform(30, 55))
    return _grown(
        rng, light, tall, wide * 1.3, blobs, float(rng.uniform(0.8, 1.3)), trunk=False, hue=hue, kind=2
    )


@THINGS.register("bush")
def bush(rng: Generator, light: Light) -> Figure:
    """A bush, a thicket, tall grass."""
    tall, wide = float(rng.uniform(0.5, 3.0)), float(rng.uniform(0.6, 3.0))
    count = int(rng.integers(4, 10))
    blobs = np.stack(
        [
            rng.uniform(-0.7, 0.7, count) * wide,
            rng.uniform(0.1, 0.6, count) * tall,
            rng.uniform(0.3, 0.55, count) * wide,
            rng.uniform(0.3, 0.5, count) * tall,
        ],
        1,
    )
    return _grown(
        rng,
        light,
        tall * 1.1,
        wide * 1.3,
        blobs,
        float(rng.uniform(0.7, 1.2)),
        trunk=False,
        kind=int(rng.integers(2)),
    )


def overhang(rng: Generator, light: Light, half: float, low: float, high: float) -> Figure:
    """Leaves that hang into the picture in front of something, `half` to either side, between two heights."""
    count = int(rng.integers(2, 6))
    blobs = np.stack(
        [
            rng.uniform(-1, 1, count) * half,
            rng.uniform(low, high, count),
            rng.uniform(0.2, 0.5, count) * half,
            rng.uniform(0.2, 0.5, count) * half,
        ],
        1,
    )
    return _grown(
        rng,
        light,
        high + half * 0.6,
        half * 1.6,
        blobs,
        float(rng.uniform(0.2, 0.7)),
        trunk=False,
        bottom=low - half * 0.6,
    )


def _grown(
    rng: Generator,
    light: Light,
    tall: float,
    half: float,
    blobs: Floats,
    dense: float,
    trunk: bool,
    hue: tuple[float, float, float] | None = None,
    kind: int | None = None,
    bottom: float = 0.0,
) -> Figure:
    """Leaves about blobs of x, y, half width, half height, over branches."""
    seed = int(rng.integers(2**31))
    one, two = season(rng) if hue is None else hue, season(rng) if hue is None else hue
    colours = linear(*one), linear(*(np.array(one) * 0.75 + np.array(two) * 0.25))
    kind = int(rng.integers(4)) if kind is None else kind
    branches = _branches(rng, tall * 0.85, 4) if trunk else []
    bark = _bark(rng)
    sunward = (1.0 if light.right > light.left else -1.0) * float(rng.uniform(0.3, 1.0))
    contrast = 0.55 if light.sunny else 0.3

    def paint(pen: Pen) -> None:
        _paint_branches(pen, branches, bark)

    def finish(patch: Patch, pen: Pen) -> Patch:
        local = np.random.default_rng(seed)
        height, width = patch.alpha.shape
        field, side = _crown(blobs, sunward, *pen.grid())
        clumps = piece(fractal(1.3), local, height, width, max(0.3, pen.scale / 28))
        leaf = _LEAF_M[kind] * pen.scale / 6
        shade, order = pieces(leaves(kind), local, height, width, max(0.3, leaf))
        through = 2.2 * (field + 0.22 * clumps + 0.12) * dense + 0.25 * (dense > 0.6)
        if not bottom:  # ragged where it meets the ground
            through = through - np.clip(0.9 - 2.5 * pen.grid()[1], 0, 0.9)
        cover = np.clip((through - order * 0.95) * 4.0, 0, 1) * (field > -0.75)
        if leaf < 0.4:  # leaves finer than pixels: the sky shines through evenly
            cover = cover * 0.75 + 0.25 * np.clip(through, 0, 1)
        lit = np.clip(0.85 + contrast * np.clip(side, -1.2, 1.2) + 0.12 * clumps, 0.12, 1.7)
        flecks = np.clip(shade * 1.7 + 0.1, 0.1, 2.0) if leaf > 0.4 else 0.6 + 0.8 * shade
        mix = np.clip(0.5 + 0.5 * clumps, 0, 1)[..., None]
        hue = colours[0] * (1 - mix) + colours[1] * mix
        if light.front < 0.1 and light.sunny:  # the sun shines through leaves
            hue = hue * np.array([1.3, 1.5, 0.9], dtype=np.float32)
        return _over(patch, hue * (lit * flecks)[..., None], cover.astype(np.float32))

    return Figure(
        -half,
        half,
        tall * 1.08,
        paint,
        bottom=bottom,
        rough=0.0,
        finish=finish,
        shadow=half * 0.7 * (not bottom),
    )


def _crown(blobs: Floats, sunward: float, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """How deep within the blobs each pixel is, 0 at the edge to 1, and how far it faces the light."""
    step = 4 if x.size > 40 else 1  # both are smooth: a coarse grid will do
    columns, rows = x[:, ::step], y[::step]
    field = np.full((len(rows), columns.size), -1.0, dtype=np.float32)
    side = np.zeros_like(field)
    for middle_x, middle_y, half_x, half_y in blobs.astype(np.float32):
        dx, dy = (columns - middle_x) / half_x, (rows - middle_y) / half_y
        here = 1 - np.sqrt(dx * dx + dy * dy)
        nearer = here > field
        field = np.where(nearer, here, field)
        side = np.where(nearer, np.float32(0.8) * dy + np.float32(sunward) * dx, side)
    if step == 1:
        return field, side
    size = x.size, y.size
    both = [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BILINEAR)) for one in (field, side)]
    return both[0], both[1]


def _over(patch: Patch, colour: Floats, cover: Floats) -> Patch:
    """A patch with something before it."""
    alpha = cover + patch.alpha * (1 - cover)
    weight = (cover / np.maximum(alpha, 1e-4))[..., None]
    mixed: Floats = patch.colour + (colour - patch.colour) * weight
    return Patch(mixed, alpha, patch.left, patch.top, patch.glow)


Branch = tuple[float, float, float, float, float]


def _branches(rng: Generator, tall: float, depth: int) -> list[Branch]:
    """x1, y1, x2, y2, width of each branch, from the trunk outwards."""
    found: list[Branch] = []
    spread = float(rng.uniform(0.3, 0.7))

    def grow(x: float, y: float, angle: float, long: float, wide: float, left: int) -> None:
        end_x, end_y = x + long * math.sin(angle), y + long * math.cos(angle)
        found.append((x, y, end_x, end_y, wide))
        if left == 0:
            return
        for _ in range(2 + int(rng.random() < 0.6)):
            turn = angle * 0.92 + rng.normal(0, spread)
            part = 0.4 + 0.6 * rng.random()
            grow(
                x + (end_x - x) * part,
                y + (end_y - y) * part,
                turn,
                long * rng.uniform(0.55, 0.85),
                wide * 0.6,
                left - 1,
            )

    grow(0.0, 0.0, float(rng.normal(0, 0.05)), tall * 0.36, tall * float(rng.uniform(0.014, 0.028)), depth)
    return found


def _paint_branches(pen: Pen, branches: list[Branch], bark: Rgb) -> None:
    for x1, y1, x2, y2, wide in branches:
        if wide * pen.scale > 0.12:
            pen.line([(x1, y1), (x2, y2)], wide, bark)


def _bark(rng: Generator) -> Rgb:
    """Grey-brown, or pale as of birches and gums."""
    level = rng.uniform(35, 85) if rng.random() < 0.75 else rng.uniform(130, 200)
    return int(level * 1.05), int(level * 0.97), int(level * 0.88)
