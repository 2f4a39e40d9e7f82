"""Poles of wires and pylons."""

from __future__ import annotations

from numpy.random import Generator

from roadworthy.render.street.canvas import Figure
from roadworthy.render.street.light import Light
from roadworthy.render.street.pen import Pen, Rgb
from roadworthy.render.street.things.colours import grey
from roadworthy.render.street.things.registry import THINGS


@THINGS.register("wire-pole")
def wire_pole(rng: Generator, light: Light) -> Figure:
    """A wooden or concrete pole with cross-arms, from which wires hang; the transformer too."""
    tall, arms = float(rng.uniform(6.5, 11.0)), int(rng.integers(1, 4))
    wood: Rgb = (95, 78, 62) if rng.random() < 0.6 else grey(rng, 110, 160)
    drum = rng.random() < 0.25

    def paint(pen: Pen) -> None:
        pen.line([(0, 0), (0, tall)], 0.25, wood)
        for number in range(arms):
            y = tall - 0.4 - 0.9 * number
            pen.line([(-1.1, y), (1.1, y)], 0.1, wood)
            for x in (-1.0, -0.5, 0.5, 1.0):
                pen.rect(x - 0.05, y, x + 0.05, y + 0.16, (120, 122, 125))
        if drum:
            pen.rect(0.15, tall - 3.2, 0.75, tall - 2.2, (130, 132, 134))

    return Figure(-1.3, 1.3, tall, paint)


@THINGS.register("pylon")
def pylon(rng: Generator, light: Light) -> Figure:
    """A lattice of steel, far away."""
    tall, steel, arms = float(rng.uniform(25, 50)), grey(rng, 70, 140), int(rng.integers(1, 4))

    def paint(pen: Pen) -> None:
        pen.line([(-0.1 * tall, 0), (-0.012 * tall, tall)], 0.3, steel)
        pen.line([(0.1 * tall, 0), (0.012 * tall, tall)], 0.3, steel)
        steps = 10
        for number in range(steps):
            low, high = tall * number / steps, tall * (number + 1) / steps
            a, b = 0.1 * tall - 0.088 * low, 0.1 * tall - 0.088 * high
            pen.line([(-a, low), (b, high)], 0.16, steel)
            pen.line([(a, low), (-b, high)], 0.16, steel)
        for number in range(arms):
            y, half = tall * (0.92 - 0.14 * number), tall * (0.14 + 0.05 * (number == 1))
            pen.line([(-half, y), (half, y)], 0.25, steel)
            pen.line([(-half, y), (0, y + 0.05 * tall)], 0.18, steel)
            pen.line([(half, y), (0, y + 0.05 * tall)], 0.18, steel)

    half = 0.22 * tall
    return Figure(-half, half, tall * 1.02, paint)
