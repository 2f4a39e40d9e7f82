"""Parked and crossing cars from the side, with round wheels."""

from __future__ import annotations

import math

from numpy.random import Generator

from roadworthy.render.street.canvas import Figure
from roadworthy.render.street.light import Light
from roadworthy.render.street.pen import Pen, Rgb, shaded
from roadworthy.render.street.things.colours import lacquer
from roadworthy.render.street.things.finish import lacquered
from roadworthy.render.street.things.registry import THINGS


def wheel(
    pen: Pen, x: float, radius: float, spokes: int, rim: Rgb, turn: float, squeeze: float = 1.0
) -> None:
    """A tyre, a rim and spokes."""
    pen.ellipse(x, radius, radius * squeeze, radius, (20, 20, 21))
    pen.ellipse(x, radius, radius * 0.66 * squeeze, radius * 0.66, rim)
    pen.ellipse(x, radius, radius * 0.57 * squeeze, radius * 0.57, (45, 45, 47))
    for number in range(spokes):
        angle = turn + 2 * math.pi * number / spokes
        end = (x + radius * 0.6 * squeeze * math.cos(angle), radius + radius * 0.6 * math.sin(angle))
        pen.line([(x, radius), end], radius * 0.14, rim)
    pen.ellipse(x, radius, radius * 0.16 * squeeze, radius * 0.16, shaded(rim, 0.8))


@THINGS.register("car-side")
def car_side(rng: Generator, light: Light) -> Figure:
    """A car that crosses or is parked across: two wheels, windows, a lamp at each end."""
    body, half = lacquer(rng), float(rng.uniform(1.9, 2.4))
    tall = float(rng.uniform(1.4, 1.8))
    way = 1 if rng.random() < 0.5 else -1
    spokes, rim, u = int(rng.integers(4, 9)), int(rng.uniform(120, 205)), rng.random(5)

    def paint(pen: Pen) -> None:
        waist = 0.58 * tall
        pen.polygon(
            [
                (way * x * half, y)
                for x, y in (
                    (-1, 0.3),
                    (1, 0.3),
                    (1, waist * 0.8),
                    (0.9, waist * 0.92),
                    (0.45, waist),
                    (-0.97, waist * 1.02),
                    (-1, 0.5),
                )
            ],
            body,
        )
        roof = [
            (way * x * half, y)
            for x, y in (
                (0.48, waist),
                (0.15, tall - 0.03),
                (0.0, tall),
                (-0.55 - 0.3 * u[0], tall - 0.04),
                (-0.93, waist),
            )
        ]
        pen.polygon(roof, shaded(body, 0.92))
        glass: Rgb = (45, 52, 58) if u[1] < 0.6 else (105, 118, 126)
        for x1, x2, x3, x4 in ((0.4, 0.12, -0.06, -0.06), (-0.1, -0.1, -0.5 - 0.2 * u[0], -0.62)):
            pen.polygon(
                [
                    (way * x1 * half, waist + 0.03),
                    (way * x2 * half, tall - 0.1),
                    (way * x3 * half, tall - 0.1),
                    (way * x4 * half, waist + 0.03),
                ],
                glass,
            )
        for x in (-0.08, 0.32, -0.6):
            pen.line([(way * x * half, 0.4), (way * x * half, waist)], 0.012, shaded(body, 0.6))
        pen.rect(-half * 0.95, 0.24, half * 0.95, 0.36, (30, 30, 32))
        glow: Rgb | None = (250, 240, 210) if light.lamps else None
        x1, x2 = sorted((way * half * 0.9, way * half))
        pen.rect(x1, waist * 0.66, x2, waist * 0.82, (205, 208, 212), glow)
        pen.rect(-x2, waist * 0.72, -x1, waist * 0.95, (150, 18, 18))
        for x in (-0.6, 0.62):
            wheel(pen, way * x * half, 0.31 + 0.04 * u[2], spokes, (rim, rim, rim + 3), u[3] * 6)

    return Figure(-half, half, tall, paint, rough=0.12, shadow=half, finish=lacquered(rng, 0.58 * tall))
