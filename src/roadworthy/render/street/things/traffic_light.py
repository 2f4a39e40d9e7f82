"""Traffic lights: round, arrows, for walkers; red ones are what a no-entry sign is not."""

from __future__ import annotations

from numpy.random import Generator

from roadworthy.render.street.canvas import Figure
from roadworthy.render.street.light import Light
from roadworthy.render.street.pen import Pen, Rgb, shaded
from roadworthy.render.street.things.colours import grey
from roadworthy.render.street.things.registry import THINGS

_RED: Rgb = (255, 30, 22)
_AMBER: Rgb = (255, 165, 20)
_GREEN: Rgb = (40, 235, 150)
_LAMPS: tuple[tuple[Rgb, Rgb], ...] = ((_RED, (70, 20, 18)), (_AMBER, (75, 55, 20)), (_GREEN, (20, 60, 45)))


@THINGS.register("traffic-light")
def traffic_light(rng: Generator, light: Light) -> Figure:
    """Three lamps in a dark housing on a pole or on an arm above the road; a third show arrows."""
    arm = float(rng.uniform(2.0, 6.0)) * (1 if rng.random() < 0.5 else -1) if rng.random() < 0.35 else 0.0
    base = 5.2 if arm else float(rng.uniform(2.1, 2.8))
    size = float(rng.choice([0.1, 0.1, 0.15]))
    on = int(rng.choice([0, 0, 0, 1, 2, 2]))
    arrow = int(rng.choice([0, 0, 0, 1, 2, 3]))
    steel, backed = grey(rng, 30, 130), rng.random() < 0.4
    back = rng.random() < 0.2

    def head(pen: Pen, x: float, y: float) -> None:
        half, tall = size * 1.5, size * 7.6
        if backed:
            pen.rect(x - half * 1.9, y - 0.15, x + half * 1.9, y + tall + 0.15, (235, 235, 235))
            pen.rect(x - half * 1.75, y - 0.12, x + half * 1.75, y + tall + 0.12, (18, 18, 18))
        pen.rect(x - half, y, x + half, y + tall, (26, 28, 27))
        if back:
            return
        for row, (colour, off) in enumerate(_LAMPS):
            middle = y + tall - size * 1.3 - row * size * 2.5
            lit = row == on
            if lit and arrow:
                pen.ellipse(x, middle, size, size, (12, 12, 12))
                _arrow(pen, x, middle, size * 0.8, arrow, colour)
            else:
                pen.ellipse(x, middle, size, size, colour if lit else off, colour if lit else None)
                if lit:
                    pen.ellipse(x, middle, size * 0.5, size * 0.5, colour, shaded(colour, 1.4))

    def paint(pen: Pen) -> None:
        pen.line([(0, 0), (0, max(base + 0.9, 3.2))], 0.12, steel)
        head(pen, 0.0, 2.2 if arm else base)
        if arm:
            pen.line([(0, base + 0.9), (arm, base + 1.0)], 0.12, steel)
            head(pen, arm, base)

    reach = abs(arm) + 0.6
    return Figure(-reach, reach, base + 1.5, paint, shine=1.8 if light.ambient.mean() > 0.2 else 3.0)


def _arrow(pen: Pen, x: float, y: float, size: float, kind: int, colour: Rgb) -> None:
    """An arrow: 1 up, 2 left, 3 right."""
    outline = [
        (-0.16, -0.8),
        (0.16, -0.8),
        (0.16, 0.05),
        (0.6, 0.05),
        (0.0, 0.85),
        (-0.6, 0.05),
        (-0.16, 0.05),
    ]
    turned = {1: outline, 2: [(-b, a) for a, b in outline], 3: [(b, -a) for a, b in outline]}[kind]
    pen.polygon([(x + a * size, y + b * size) for a, b in turned], colour, colour)
