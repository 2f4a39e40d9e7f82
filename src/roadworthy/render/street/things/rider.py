"""People on foot and on two wheels."""

from __future__ import annotations

from numpy.random import Generator

from roadworthy.render.street.canvas import Figure
from roadworthy.render.street.light import Light
from roadworthy.render.street.pen import Pen, Rgb
from roadworthy.render.street.things.colours import grey, loud
from roadworthy.render.street.things.registry import THINGS

_SKIN: tuple[Rgb, ...] = ((205, 160, 130), (225, 185, 155), (120, 80, 55), (165, 115, 85))


@THINGS.register("person")
def person(rng: Generator, light: Light) -> Figure:
    """Somebody who walks or stands."""
    tall = float(rng.uniform(1.1, 1.9))
    coat, legs = (loud(rng) if rng.random() < 0.35 else grey(rng, 25, 150)), grey(rng, 20, 110)
    skin, step = _SKIN[int(rng.integers(4))], float(rng.uniform(0.02, 0.25))

    def paint(pen: Pen) -> None:
        pen.line([(-step, 0.03), (-0.05, 0.48 * tall)], 0.13, legs)
        pen.line([(step, 0.03), (0.05, 0.48 * tall)], 0.13, legs)
        pen.polygon(
            [(-0.17, 0.45 * tall), (0.17, 0.45 * tall), (0.21, 0.82 * tall), (-0.21, 0.82 * tall)], coat
        )
        pen.line([(-0.2, 0.8 * tall), (-0.24 - step / 2, 0.5 * tall)], 0.09, coat)
        pen.line([(0.2, 0.8 * tall), (0.24 + step / 2, 0.5 * tall)], 0.09, coat)
        pen.ellipse(0, 0.92 * tall, 0.1, 0.125, skin)
        pen.ellipse(0, 0.95 * tall, 0.105, 0.1, (45, 35, 28))

    return Figure(-0.45, 0.45, tall, paint, shadow=0.3)


@THINGS.register("cyclist")
def cyclist(rng: Generator, light: Light) -> Figure:
    """A bicycle or motorcycle from behind, or a bicycle that leans at the kerb: two wheels."""
    coat, side_on, u = loud(rng), rng.random() < 0.5, rng.random(2)

    def paint(pen: Pen) -> None:
        if side_on:
            for x in (-0.52, 0.52):
                pen.ellipse(x, 0.34, 0.34, 0.34, (30, 30, 30))
                pen.ellipse(x, 0.34, 0.3, 0.3, (150, 148, 140))
            for ends in (
                ((-0.52, 0.34), (-0.1, 0.85)),
                ((-0.1, 0.85), (0.45, 0.85)),
                ((0.52, 0.34), (0.45, 0.95)),
                ((-0.05, 0.34), (0.45, 0.85)),
                ((-0.52, 0.34), (-0.05, 0.34)),
            ):
                pen.line(ends, 0.04, coat)
            return
        pen.rect(-0.06, 0, 0.06, 0.65, (20, 20, 20))
        pen.rect(-0.11, 0.62, 0.11, 0.75, (150, 18, 18), (240, 30, 20) if u[0] < 0.5 else None)
        pen.polygon([(-0.2, 0.75), (0.2, 0.75), (0.25, 1.4), (-0.25, 1.4)], coat)
        pen.line([(-0.35, 1.05), (0.35, 1.05)], 0.05, (30, 30, 30))
        pen.ellipse(0, 1.57, 0.14, 0.16, (235, 235, 235) if u[1] < 0.4 else (25, 25, 28))

    return Figure(-0.9, 0.9, 1.75, paint, shadow=0.4)
