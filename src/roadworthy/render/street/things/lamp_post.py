"""Street lamps: poles with arms."""

from __future__ import annotations

from numpy.random import Generator

from roadworthy.render.street.canvas import Figure
from roadworthy.render.street.light import Light
from roadworthy.render.street.pen import Pen, Rgb
from roadworthy.render.street.things.colours import grey
from roadworthy.render.street.things.registry import THINGS


@THINGS.register("lamp-post")
def lamp_post(rng: Generator, light: Light) -> Figure:
    """A lamp on an arm, or a globe."""
    tall, arm = (
        float(rng.uniform(4.5, 10.0)),
        float(rng.uniform(0.5, 2.5)) * (1 if rng.random() < 0.5 else -1),
    )
    steel, globe = grey(rng, 60, 170), rng.random() < 0.2
    night = light.ambient.mean() < 0.2
    warm: Rgb = (255, 215, 150) if rng.random() < 0.6 else (235, 240, 255)

    def paint(pen: Pen) -> None:
        pen.line([(0, 0), (0, tall * 0.9)], 0.14, steel)
        if globe:
            pen.ellipse(0, tall * 0.93, 0.25, 0.25, (215, 215, 205), warm if night else None)
            return
        bend = [(0, tall * 0.88), (arm * 0.15, tall * 0.96), (arm * 0.5, tall * 0.99), (arm, tall)]
        pen.line(bend, 0.09, steel)
        pen.ellipse(arm, tall - 0.03, 0.35, 0.1, steel)
        pen.ellipse(arm, tall - 0.08, 0.25, 0.06, (200, 200, 190), warm if night else None)

    reach = abs(arm) + 0.6
    return Figure(-reach, reach, tall + 0.3, paint, shine=12.0)
