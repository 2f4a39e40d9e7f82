"""Cars from behind and from before."""

from __future__ import annotations

from numpy.random import Generator

from roadworthy.render.street.canvas import Figure
from roadworthy.render.street.light import Light
from roadworthy.render.street.pen import Pen, Rgb, shaded
from roadworthy.render.street.things.colours import lacquer, plate_text
from roadworthy.render.street.things.finish import lacquered
from roadworthy.render.street.things.registry import THINGS


@THINGS.register("car-rear")
def car_rear(rng: Generator, light: Light) -> Figure:
    """A car from behind: lamps, number plate, window; brakes lit in a third."""
    return _car(rng, light, front=False)


@THINGS.register("car-front")
def car_front(rng: Generator, light: Light) -> Figure:
    """A car that comes towards the camera: headlamps, grille, plate, windscreen."""
    return _car(rng, light, front=True)


def _car(rng: Generator, light: Light, front: bool) -> Figure:
    body, half = lacquer(rng), float(rng.uniform(0.82, 0.98))
    tall, waist = float(rng.uniform(1.4, 1.85)), float(rng.uniform(0.85, 1.05))
    braking, lit = rng.random() < 0.35, light.lamps or rng.random() < 0.25
    u, plate = rng.random(12), plate_text(rng)
    pale: Rgb = (225, 225, 222) if u[0] < 0.75 else (220, 190, 50)
    round_lamps = u[1] < 0.2

    def paint(pen: Pen) -> None:
        for side in (-1, 1):
            pen.rect(side * half - 0.11 * (1 + side), 0, side * half + 0.11 * (1 - side), 0.45, (18, 18, 19))
        low, roof = 0.22, 0.62 + 0.2 * u[2]
        pen.polygon(
            [
                (-half, low),
                (half, low),
                (half, waist),
                (half * 0.97, waist + 0.05),
                (-half * 0.97, waist + 0.05),
                (-half, waist),
            ],
            body,
        )
        pen.polygon(
            [(-half * 0.97, waist), (half * 0.97, waist), (half * roof, tall), (-half * roof, tall)],
            shaded(body, 1.05),
        )
        glass: Rgb = (38, 44, 50) if u[3] < 0.75 else (80, 90, 98)
        pen.polygon(
            [
                (-half * 0.88, waist + 0.04),
                (half * 0.88, waist + 0.04),
                (half * roof * 0.92, tall - 0.09),
                (-half * roof * 0.92, tall - 0.09),
            ],
            glass,
        )
        if u[4] < 0.6:  # what the window mirrors
            pen.polygon(
                [
                    (-half * 0.5, waist + 0.06),
                    (half * 0.1, waist + 0.06),
                    (half * 0.3 * roof, tall - 0.11),
                    (-half * 0.2 * roof, tall - 0.11),
                ],
                shaded(glass, 1.15 + 0.3 * u[5]),
            )
        pen.rect(
            -half, low, half, low + 0.16 + 0.1 * u[5], shaded(body, 0.55) if u[6] < 0.5 else (32, 32, 34)
        )
        pen.line([(-half * 0.96, waist * 0.82), (half * 0.96, waist * 0.82)], 0.015, shaded(body, 0.6))
        lamp = waist - 0.2 + 0.1 * u[7]
        for side in (-1, 1):
            _lamps(pen, side, half, lamp, front, braking, lit, u[8], round_lamps)
            pen.ellipse(side * (half + 0.08), waist + 0.06, 0.1, 0.07, shaded(body, 0.8))
        if front:
            pen.rect(-half * 0.55, lamp - 0.12, half * 0.55, lamp + 0.05, (22, 22, 24))
            pen.line([(-half * 0.5, lamp - 0.03), (half * 0.5, lamp - 0.03)], 0.02, (130, 132, 135))
        if u[9] < 0.7:  # a badge
            pen.ellipse(0, lamp + 0.02, 0.05, 0.05, (185, 188, 192))
        if not front and u[9] < 0.4:
            pen.text(half * 0.55, lamp - 0.14, 0.07, plate[:3], (190, 190, 192))
        if not front:
            pen.rect(
                -half * 0.45,
                tall - 0.08,
                half * 0.45,
                tall - 0.06,
                (120, 10, 12),
                (255, 30, 20) if braking else None,
            )
        height = low + 0.12 if u[10] < 0.4 or front else lamp - 0.05
        wide = 0.26 if u[11] < 0.6 else 0.17
        pen.rect(-wide, height - 0.056, wide, height + 0.056, (20, 20, 22))
        pen.rect(-wide + 0.01, height - 0.048, wide - 0.01, height + 0.048, pale)
        if u[11] < 0.3:
            pen.rect(-wide + 0.01, height - 0.048, -wide + 0.05, height + 0.048, (25, 60, 150))
        pen.text(0.01, height, 0.085, plate, (20, 20, 24))

    return Figure(
        -half - 0.2,
        half + 0.2,
        tall + 0.02,
        paint,
        rough=0.12,
        shadow=half,
        shine=4.0,
        finish=lacquered(rng, waist),
    )


def _lamps(
    pen: Pen,
    side: int,
    half: float,
    y: float,
    front: bool,
    braking: bool,
    lit: bool,
    kind: float,
    round_: bool,
) -> None:
    x = side * half * 0.84
    if front:
        glow: Rgb | None = (255, 250, 225) if lit else None
        pen.ellipse(x, y, 0.16, 0.085, (200, 205, 210), glow)
        pen.ellipse(x, y, 0.07, 0.07, (235, 238, 240), glow)
        if kind < 0.3:
            pen.ellipse(x, y - 0.28, 0.06, 0.06, (180, 182, 185), glow)
        return
    red: Rgb = (150, 16, 18)
    shine: Rgb | None = (255, 45, 25) if braking else (120, 14, 10) if lit else None
    if round_:  # two rings with a white middle: what a no-entry sign is not
        for step, lamp in enumerate((y + 0.05, y - 0.13)):
            pen.ellipse(x, lamp, 0.085, 0.085, red, shine)
            pen.ellipse(x, lamp, 0.038, 0.038, (215, 205, 205) if step else (205, 110, 40))
    elif kind < 0.4:  # upright
        pen.rect(x - 0.09, y - 0.12, x + 0.09, y + 0.3, red, shine)
        pen.rect(x - 0.09, y - 0.02, x + 0.09, y + 0.06, (225, 220, 220))
        pen.rect(x - 0.09, y + 0.06, x + 0.09, y + 0.1, (190, 100, 30))
    else:
        pen.rect(x - 0.17, y - 0.09, x + 0.13, y + 0.1, red, shine)
        pen.rect(x - 0.12, y - 0.025, x + 0.05, y + 0.025, (215, 205, 205))
