"""Small furniture: cones, bollards, delineators, bins, hydrants, boxes, guide posts, barriers."""

from __future__ import annotations

from numpy.random import Generator

from roadworthy.render.street.canvas import Figure
from roadworthy.render.street.light import Light
from roadworthy.render.street.pen import Pen, Rgb
from roadworthy.render.street.things.colours import grey, loud, near, word
from roadworthy.render.street.things.registry import THINGS


@THINGS.register("cone")
def cone(rng: Generator, light: Light) -> Figure:
    """A traffic cone with white bands."""
    tall, bands = float(rng.uniform(0.45, 0.9)), int(rng.integers(1, 4))
    orange = near(rng, (220, 75, 30), 20)

    def paint(pen: Pen) -> None:
        pen.rect(-0.3 * tall, 0, 0.3 * tall, 0.06 * tall, (40, 40, 40))
        pen.polygon(
            [(-0.24 * tall, 0.06 * tall), (0.24 * tall, 0.06 * tall), (0.04, tall), (-0.04, tall)], orange
        )
        for band in range(bands):
            low, high = (0.3 + 0.25 * band) * tall, (0.42 + 0.25 * band) * tall
            half = 0.24 * tall * (1 - low / tall), 0.24 * tall * (1 - high / tall)
            pen.polygon([(-half[0], low), (half[0], low), (half[1], high), (-half[1], high)], (235, 235, 232))

    return Figure(-0.35, 0.35, tall, paint, shadow=0.25)


@THINGS.register("guide-post")
def guide_post(rng: Generator, light: Light) -> Figure:
    """A white post with a reflector, or a striped one beside roadworks and narrow places."""
    striped, u = rng.random() < 0.3, rng.random()
    red: Rgb = (190, 30, 30) if u < 0.7 else (25, 25, 25)

    def paint(pen: Pen) -> None:
        if striped:
            pen.rect(-0.13, 0.15, 0.13, 1.15, (232, 232, 230))
            for step in range(5):
                y = 0.1 + 0.24 * step
                pen.polygon(
                    [
                        (-0.13, max(0.15, y)),
                        (0.13, min(1.15, y + 0.2)),
                        (0.13, min(1.15, y + 0.32)),
                        (-0.13, min(1.15, y + 0.12)),
                    ],
                    red,
                )
            return
        pen.polygon([(-0.06, 0), (0.06, 0), (0.06, 1.0), (-0.06, 1.05)], (225, 226, 224))
        pen.polygon([(-0.06, 0.7), (0.06, 0.78), (0.06, 0.95), (-0.06, 0.87)], (25, 25, 25))
        pen.rect(-0.025, 0.78, 0.025, 0.9, (220, 220, 225) if u < 0.7 else (205, 60, 30))

    return Figure(-0.2, 0.2, 1.2, paint)


@THINGS.register("bollard")
def bollard(rng: Generator, light: Light) -> Figure:
    """A post on the pavement, perhaps with a red and white top."""
    tall, body, topped = float(rng.uniform(0.6, 1.1)), grey(rng, 25, 140), rng.random() < 0.4

    def paint(pen: Pen) -> None:
        pen.rect(-0.06, 0, 0.06, tall, body)
        if topped:
            pen.rect(-0.06, tall * 0.7, 0.06, tall * 0.85, (230, 230, 228))
            pen.rect(-0.06, tall * 0.85, 0.06, tall, (185, 30, 28))

    return Figure(-0.1, 0.1, tall, paint)


@THINGS.register("bin")
def bin_(rng: Generator, light: Light) -> Figure:
    """A bin, a cabinet or a letter box."""
    half, tall = float(rng.uniform(0.25, 0.7)), float(rng.uniform(0.8, 1.5))
    body, label = (grey(rng, 50, 170) if rng.random() < 0.6 else loud(rng)), rng.random() < 0.4
    letters = word(rng, 2, 5)

    def paint(pen: Pen) -> None:
        pen.polygon([(-half * 0.9, 0), (half * 0.9, 0), (half, tall), (-half, tall)], body)
        pen.line([(-half, tall * 0.85), (half, tall * 0.85)], 0.03, (25, 25, 25))
        if label:
            pen.rect(-half * 0.5, tall * 0.4, half * 0.5, tall * 0.7, (225, 225, 222))
            pen.text(0, tall * 0.55, 0.12, letters, (30, 30, 30))

    return Figure(-half, half, tall, paint, shadow=half)


@THINGS.register("barrier")
def barrier(rng: Generator, light: Light) -> Figure:
    """A red and white or orange board across: roadworks."""
    half, kind = float(rng.uniform(0.6, 1.6)), rng.random()
    red: Rgb = (195, 32, 30) if kind < 0.6 else (230, 110, 30)
    lamp = rng.random() < 0.4

    def paint(pen: Pen) -> None:
        for side in (-1, 1):
            pen.line([(side * half * 0.8, 0), (side * half * 0.8, 1.0)], 0.07, (90, 90, 92))
        pen.rect(-half, 0.72, half, 0.98, (232, 232, 230))
        step = 0.35
        for number in range(int(2 * half / step)):
            x = -half + number * step
            if number % 2 == 0:
                pen.polygon([(x, 0.72), (x + step, 0.72), (x + step, 0.98), (x, 0.98)], red)
        if lamp:
            pen.ellipse(half * 0.8, 1.12, 0.1, 0.12, (230, 170, 40), (255, 180, 30))

    return Figure(-half, half, 1.3, paint, shadow=half * 0.7)
