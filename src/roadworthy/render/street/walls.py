"""What stands along the road: house fronts with shops, walls, fences, hedges, rails; and houses' gables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from roadworthy.core.registry import Registry
from roadworthy.render.street.canvas import Canvas, Figure
from roadworthy.render.street.grain import fractal, leaves, piece, pieces
from roadworthy.render.street.light import Light, linear
from roadworthy.render.street.pen import Patch, Pen, Rgb, shaded
from roadworthy.render.street.sky import season
from roadworthy.render.street.texture import Texture
from roadworthy.render.street.things.colours import grey, loud, muted, near, word

Wall = Callable[[Generator, Light, float], tuple[Texture, float, float]]
WALLS: Registry[Wall] = Registry("wall beside a street")
"""Each takes a length in metres and gives what draws it at pixels a metre, its bottom and its top."""

LONG = 14.0  # metres of hedge or wood, before it repeats
_PLASTER: tuple[Rgb, ...] = (
    *((215, 208, 195), (230, 225, 215), (195, 180, 150), (205, 190, 120), (160, 155, 150), (190, 140, 110)),
    *((170, 90, 70), (140, 75, 60), (120, 110, 105), (225, 215, 190), (150, 170, 180)),
)


def house_paint(
    rng: Generator, light: Light, long: float, shop: bool
) -> tuple[Callable[[Pen], None], float, float]:
    """How a house front is painted, from x = 0 to `long`; with its eaves and its ridge, in metres."""
    plaster = muted(near(rng, _PLASTER[int(rng.integers(len(_PLASTER)))], 15), rng.uniform(0.1, 0.8))
    floors = int(rng.integers(2, 6)) if shop else int(rng.integers(1, 4))
    floor = float(rng.uniform(2.6, 3.4))
    eaves = floors * floor + 0.4
    ridge = eaves + (0.0 if rng.random() < 0.3 else float(rng.uniform(1.0, 3.5)))
    count = max(1, int(long / rng.uniform(2.0, 3.6)))
    pane: Rgb = (50, 56, 62) if rng.random() < 0.6 else (115, 128, 138)
    frame = (228, 228, 225) if rng.random() < 0.7 else grey(rng, 40, 120)
    tile = near(rng, ((120, 60, 48), (70, 66, 66), (95, 80, 72), (60, 62, 70))[int(rng.integers(4))], 12)
    brick = rng.random() < 0.3
    lit_share = 0.35 if light.lamps else 0.04
    u, v = rng.random((floors, count, 3)), rng.random(8)
    board, ink, name = loud(rng), loud(rng), [word(rng) for _ in range(4)]
    tall, wide = float(rng.uniform(1.1, 1.7)), float(rng.uniform(0.8, 1.5))
    arched, awning = rng.random() < 0.1, rng.random() < 0.3

    def paint(pen: Pen) -> None:
        if ridge > eaves:
            pen.polygon([(0, eaves), (long, eaves), (long - 0.02, ridge), (0.02, ridge)], tile)
            for row in range(int((ridge - eaves) / 0.3)):
                pen.line([(0, eaves + 0.3 * row), (long, eaves + 0.3 * row)], 0.04, shaded(tile, 0.75))
            if v[0] < 0.5:
                x = 0.3 * long + 0.3 * v[1] * long
                pen.rect(x, eaves + 0.3, x + 1.0, min(ridge, eaves + 1.5), frame)
                pen.rect(x + 0.12, eaves + 0.4, x + 0.88, min(ridge, eaves + 1.3), pane)
        pen.rect(0, 0, long, eaves, plaster)
        if brick and pen.scale > 8:
            for row in range(int(eaves / 0.15)):
                pen.line([(0, 0.15 * row), (long, 0.15 * row)], 0.015, shaded(plaster, 1.25))
        pen.rect(0, eaves - 0.2, long, eaves, shaded(plaster, 0.7))
        pen.rect(0, 0, long, 0.5, shaded(plaster, 0.75))
        for level in range(floors):
            ground = level == 0
            for number in range(count):
                x, y = long * (number + 0.5) / count, floor * level + 0.9
                lit = u[level, number, 0] < lit_share
                shine: Rgb | None = (70, 55, 30) if lit and light.ambient.mean() < 0.35 else None
                if ground and shop:
                    half = long / count * 0.42
                    pen.rect(
                        x - half, 0.35, x + half, 2.4, (45, 50, 54), (110, 95, 70) if light.lamps else None
                    )
                    pen.rect(x - half * u[0, number, 1], 0.5, x - half * u[0, number, 1] + 0.4, 1.5, board)
                    pen.rect(x + half * 0.3, 0.6, x + half * 0.6, 0.6 + u[0, number, 2], ink)
                    continue
                if ground and u[0, number, 1] < 0.25:
                    pen.rect(x - 0.5, 0.1, x + 0.5, 2.1, shaded(tile, 0.9))
                    continue
                pen.rect(x - wide / 2 - 0.08, y - 0.08, x + wide / 2 + 0.08, y + tall + 0.08, frame)
                if arched:
                    pen.ellipse(x, y + tall, wide / 2, 0.3, frame)
                pen.rect(
                    x - wide / 2,
                    y,
                    x + wide / 2,
                    y + tall,
                    pane if u[level, number, 2] < 0.75 else (170, 175, 175),
                    shine,
                )
                pen.rect(x - 0.04, y, x + 0.04, y + tall, frame)
                if u[level, number, 2] > 0.85:
                    pen.rect(x - wide / 2, y + tall * 0.5, x + wide / 2, y + tall, (205, 203, 195))
        if shop:
            pen.rect(0, 2.45, long, 3.15, board, shaded(board, 0.35) if light.lamps and v[2] < 0.5 else None)
            for number in range(max(1, int(long / 5))):
                pen.text(
                    long * (number + 0.5) / max(1, int(long / 5)),
                    2.8,
                    0.35 + 0.2 * v[3],
                    name[number % 4],
                    (240, 240, 238) if v[4] < 0.6 else ink,
                )
            if v[5] < 0.4:  # a round sign of a shop
                pen.ellipse(long * 0.85, 3.7, 0.4, 0.4, ink)
                pen.ellipse(long * 0.85, 3.7, 0.28, 0.28, (236, 236, 234))
                pen.text(long * 0.85, 3.7, 0.25, name[1][:2], board)
            if awning:
                for step in range(int(long / 0.5)):
                    colour = board if step % 2 else (232, 232, 228)
                    pen.polygon(
                        [
                            (0.5 * step, 2.5),
                            (0.5 * step + 0.5, 2.5),
                            (0.5 * step + 0.5, 2.0),
                            (0.5 * step, 2.0),
                        ],
                        colour,
                    )

    return paint, eaves, ridge


def painted(paint: Callable[[Pen], None], long: float, bottom: float, top: float) -> Texture:
    """A texture that a pen paints from x = 0 to `long`."""

    def texture(scale: float) -> Patch:
        width, height = max(2, round(long * scale)), max(2, round((top - bottom) * scale))
        if height > 1600:
            width, height, scale = width * 1600 // height, 1600, scale * 1600 / height
        pen = Pen(0.0, height + bottom * scale, scale, (0, 0, max(2, width), height))
        paint(pen)
        return pen.patch()

    return Texture(texture)


@WALLS.register("shops")
def shops(rng: Generator, light: Light, long: float) -> tuple[Texture, float, float]:
    """A house with shops: windows, letters, an awning."""
    paint, _, ridge = house_paint(rng, light, long, shop=True)
    return painted(paint, long, 0.0, ridge), 0.0, ridge


@WALLS.register("houses")
def houses(rng: Generator, light: Light, long: float) -> tuple[Texture, float, float]:
    """A house of flats."""
    paint, _, ridge = house_paint(rng, light, long, shop=False)
    return painted(paint, long, 0.0, ridge), 0.0, ridge


@WALLS.register("masonry")
def masonry(rng: Generator, light: Light, long: float) -> tuple[Texture, float, float]:
    """A wall of bricks or stones."""
    tall = float(rng.uniform(0.8, 4.0))
    stone, size = (
        near(
            rng, ((140, 80, 65), (135, 125, 110), (165, 155, 140), (110, 105, 100))[int(rng.integers(4))], 15
        ),
        float(rng.uniform(0.07, 0.4)),
    )
    joint, shades = shaded(stone, float(rng.choice([0.6, 1.35]))), rng.uniform(0.75, 1.25, 4096)

    def paint(pen: Pen) -> None:
        pen.rect(0, 0, long, tall, joint if pen.scale * size > 2 else stone)
        if pen.scale * size > 2:
            step, number = size * 2.4, 0
            for row in range(int(tall / size)):
                x = -0.5 * step * (row % 2)
                while x < long:
                    pen.rect(
                        x + 0.02,
                        row * size + 0.015,
                        x + step,
                        row * size + size,
                        shaded(stone, shades[number % 4096]),
                    )
                    x, number = x + step, number + 1
                    if number > 2500:
                        return
        pen.rect(0, tall - 0.1, long, tall, shaded(stone, 1.2))

    return painted(paint, long, 0.0, tall), 0.0, tall


@WALLS.register("noise-barrier")
def noise_barrier(rng: Generator, light: Light, long: float) -> tuple[Texture, float, float]:
    """Panels between posts; sometimes sprayed with letters and discs."""
    tall, panel, colour = float(rng.uniform(2.0, 5.0)), float(rng.uniform(2.0, 4.0)), grey(rng, 90, 190)
    sprayed, tints, words, u = rng.random() < 0.35, [loud(rng) for _ in range(4)], word(rng), rng.random(6)

    def paint(pen: Pen) -> None:
        pen.rect(0, 0, long, tall, colour)
        for row in range(1, int(tall / 0.5)):
            pen.line([(0, 0.5 * row), (long, 0.5 * row)], 0.04, shaded(colour, 0.8))
        for number in range(int(long / panel) + 1):
            pen.rect(number * panel, 0, number * panel + 0.2, tall, shaded(colour, 0.65))
        if sprayed:
            pen.text(long * u[0], 1.0, 0.6 + u[1], words, tints[0])
            pen.ellipse(long * u[2], 1.2, 0.5, 0.5, tints[1])
            pen.ellipse(long * u[2], 1.2, 0.35, 0.35, colour)

    return painted(paint, long, 0.0, tall), 0.0, tall


@WALLS.register("fence")
def fence(rng: Generator, light: Light, long: float) -> tuple[Texture, float, float]:
    """Bars or boards with gaps, or wire between posts."""
    tall, gap = float(rng.uniform(0.8, 2.2)), float(rng.uniform(0.1, 0.3))
    colour = grey(rng, 40, 225) if rng.random() < 0.6 else near(rng, (115, 85, 60), 20)
    kind, thick = rng.random(), float(rng.uniform(0.2, 0.8))

    def paint(pen: Pen) -> None:
        for number in range(int(long / 2.5) + 1):
            pen.rect(number * 2.5, 0, number * 2.5 + 0.1, tall, shaded(colour, 0.8))
        if kind < 0.65:
            for number in range(min(700, int(long / gap))):
                pen.rect(number * gap, 0.08, number * gap + gap * thick, tall - 0.05, colour)
            pen.rect(0, tall * 0.85, long, tall * 0.9, shaded(colour, 0.9))
            pen.rect(0, tall * 0.15, long, tall * 0.2, shaded(colour, 0.9))
        elif pen.scale > 12:
            for number in range(-int(tall / 0.15), min(600, int(long / 0.15))):
                pen.line([(number * 0.15, 0), (number * 0.15 + tall, tall)], 0.012, colour)
                pen.line([(number * 0.15 + tall, 0), (number * 0.15, tall)], 0.012, colour)
        else:
            for number in range(4):
                pen.line([(0, tall * (number + 1) / 4), (long, tall * (number + 1) / 4)], 0.012, colour)

    return painted(paint, long, 0.0, tall), 0.0, tall


@WALLS.register("rail")
def rail(rng: Generator, light: Light, long: float) -> tuple[Texture, float, float]:
    """A crash barrier of steel or concrete."""
    steel = grey(rng, 105, 180)
    concrete = rng.random() < 0.25

    def paint(pen: Pen) -> None:
        if concrete:
            pen.rect(0, 0, long, 0.85, steel)
            pen.rect(0, 0.3, long, 0.34, shaded(steel, 0.8))
            return
        for number in range(int(long / 2) + 1):
            pen.rect(number * 2.0, 0, number * 2.0 + 0.12, 0.6, shaded(steel, 0.55))
        for y, by in ((0.45, 0.75), (0.52, 1.1), (0.58, 0.6), (0.64, 1.15), (0.7, 0.85)):
            pen.rect(0, y, long, y + 0.07, shaded(steel, by))

    return painted(paint, long, 0.0, 0.86), 0.0, 0.86


@WALLS.register("hedge")
def hedge(rng: Generator, light: Light, long: float) -> tuple[Texture, float, float]:
    """A clipped hedge."""
    return _leafy(rng, float(rng.uniform(0.8, 2.8)), wood=False)


@WALLS.register("wood")
def wood(rng: Generator, light: Light, long: float) -> tuple[Texture, float, float]:
    """A wood's edge, or a thicket."""
    return _leafy(rng, float(rng.uniform(2.0, 12.0)), wood=True)


def _leafy(rng: Generator, tall: float, wood: bool) -> tuple[Texture, float, float]:
    """Leaves from the ground up, ragged above."""
    hue, seed, kind = (
        linear(*season(rng)) * np.float32(0.6 if wood else 0.9),
        int(rng.integers(2**31)),
        int(rng.integers(3)),
    )

    def texture(scale: float) -> Patch:
        local = np.random.default_rng(seed)
        scale = min(scale, 1000 / tall, 60.0)
        width, height = max(3, round(LONG * scale)), max(3, round(tall * scale))
        shade, order = pieces(leaves(kind), local, height, width, max(0.4, 0.08 * scale / 6))
        clumps = piece(fractal(1.3), local, height, width, max(0.4, scale / 25))
        down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
        tops = piece(fractal(1.6), local, 1, width, max(0.4, scale / 16)) * np.float32(0.11 if wood else 0.02)
        edge = down - (0.3 if wood else 0.06) - tops - np.float32(0.08 if wood else 0.02) * clumps
        foot = np.clip((1 - down) * np.float32(tall * 4), 0, 1)
        ragged = np.clip(edge * np.float32(6.0 if wood else 14.0) + foot - order, 0, 1)
        lit = np.clip(1.15 - 0.5 * down + 0.2 * clumps, 0.2, 1.6) * (0.25 + 1.3 * shade)
        return Patch(hue * lit[..., None], ragged.astype(np.float32), 0, 0)

    return Texture(texture), 0.0, tall


def stand_gable(canvas: Canvas, rng: Generator, x: float, z: float, wide: float, shop: bool) -> None:
    """A house that faces the camera: at a bend, at the end of a row, across a side street."""
    paint, eaves, ridge = house_paint(rng, canvas.light, wide, shop)

    def shifted(pen: Pen) -> None:
        paint(pen)
        if ridge > eaves + 0.8 and rng_gable:
            wall = (195, 188, 175)
            pen.polygon([(0, eaves), (wide, eaves), (wide / 2, ridge + 0.3)], wall)

    rng_gable = rng.random() < 0.5
    canvas.stand(Figure(0.0, wide, ridge + 0.3, shifted, rough=0.15), x, z)
