"""Lorries, vans and buses: large plain or lettered faces with rows of lamps and marker plates."""

from __future__ import annotations

from numpy.random import Generator

from roadworthy.render.street.canvas import Figure
from roadworthy.render.street.light import Light
from roadworthy.render.street.pen import Pen, Rgb, shaded
from roadworthy.render.street.things.colours import grey, lacquer, loud, plate_text, word
from roadworthy.render.street.things.finish import lacquered
from roadworthy.render.street.things.registry import THINGS

_LAMPS: tuple[Rgb, ...] = ((150, 16, 18), (150, 16, 18), (195, 110, 35), (215, 210, 208))


@THINGS.register("truck-rear")
def truck_rear(rng: Generator, light: Light) -> Figure:
    """A lorry's or van's doors, with lamps, reflectors and perhaps an advertisement."""
    half, tall = float(rng.uniform(0.95, 1.28)), float(rng.uniform(2.1, 4.0))
    body: Rgb = lacquer(rng) if rng.random() < 0.7 else loud(rng)
    braking, u = rng.random() < 0.3, rng.random(8)
    logo, ink, plate = word(rng), loud(rng), plate_text(rng)

    def paint(pen: Pen) -> None:
        for side in (-1, 1):
            pen.rect(side * half * 0.75 - 0.2, 0, side * half * 0.75 + 0.2, 0.8, (20, 20, 21))
        pen.rect(-half, 0.9, half, tall, body)
        pen.rect(-half, 0.45, half, 0.9, (40, 40, 42))
        pen.line([(0, 0.95), (0, tall - 0.05)], 0.03, shaded(body, 0.55))
        for x in (-0.5, -0.35, 0.35, 0.5):
            pen.line([(x * half, 1.0), (x * half, tall - 0.1)], 0.03, shaded(body, 0.75))
        if u[0] < 0.5:
            pen.text(0, 0.62 * tall, 0.35 + 0.3 * u[1], logo, ink)
        elif u[0] < 0.7:  # a round advertisement
            pen.ellipse(0, 0.62 * tall, 0.45, 0.45, ink)
            pen.ellipse(0, 0.62 * tall, 0.34, 0.34, (235, 235, 235))
            pen.text(0, 0.62 * tall, 0.25, logo[:3], ink)
        if tall < 2.6:
            for side in (-1, 1):
                pen.rect(
                    side * half * 0.48 - 0.3, tall - 0.85, side * half * 0.48 + 0.3, tall - 0.25, (42, 47, 52)
                )
        if u[2] < 0.3:  # a limit of the lorry's own: a pale disc with a number, and no road sign
            pen.ellipse(half * 0.7, 1.25, 0.1, 0.1, (230, 230, 228))
            pen.text(half * 0.7, 1.25, 0.11, str(int(60 + 40 * u[3]) // 10 * 10), (30, 30, 30))
        if u[4] < 0.4:  # marker plates, red and yellow or red and white
            for side in (-1, 1):
                pen.rect(side * half * 0.6 - 0.25, 0.62, side * half * 0.6 + 0.25, 0.8, (205, 170, 40))
                for step in range(3):
                    x = side * half * 0.6 - 0.25 + 0.17 * step
                    pen.polygon(
                        [(x, 0.62), (x + 0.08, 0.62), (x + 0.16, 0.8), (x + 0.08, 0.8)], (170, 25, 25)
                    )
        glow: Rgb | None = (255, 40, 25) if braking else (110, 12, 9) if light.lamps else None
        for side in (-1, 1):
            for step, colour in enumerate(_LAMPS):
                x = side * (half - 0.12 - 0.16 * step)
                pen.ellipse(x, 0.55, 0.07, 0.07, colour, glow if step < 2 else None)
        pen.rect(-0.26, 0.6, 0.26, 0.72, (222, 222, 220))
        pen.text(0, 0.66, 0.09, plate, (20, 20, 22))

    return Figure(
        -half, half, tall, paint, rough=0.15, shadow=half, shine=4.0, finish=lacquered(rng, 0.9 * tall)
    )


@THINGS.register("truck-front")
def truck_front(rng: Generator, light: Light) -> Figure:
    """A lorry's or bus's front."""
    half, tall = float(rng.uniform(1.1, 1.28)), float(rng.uniform(2.6, 3.8))
    body, u, name = lacquer(rng), rng.random(4), word(rng, 3, 6)

    def paint(pen: Pen) -> None:
        for side in (-1, 1):
            pen.rect(side * half * 0.8 - 0.16, 0, side * half * 0.8 + 0.16, 0.8, (20, 20, 21))
            pen.rect(
                side * (half + 0.1) - 0.12, 0.55 * tall, side * (half + 0.1) + 0.12, 0.75 * tall, (25, 25, 26)
            )
        pen.rect(-half, 0.35, half, tall, body)
        pen.rect(-half * 0.92, 0.5 * tall, half * 0.92, 0.78 * tall, (45, 52, 58))
        pen.rect(-half * 0.6, 0.8, half * 0.6, 0.42 * tall, (35, 35, 37) if u[0] < 0.6 else shaded(body, 0.7))
        pen.text(0, 0.45 * tall, 0.18, name, (200, 202, 205))
        if u[1] < 0.4:
            pen.rect(-half * 0.7, tall - 0.42, half * 0.7, tall - 0.1, (20, 20, 20), (90, 60, 8))
            pen.text(0, tall - 0.26, 0.25, name, (240, 170, 40))
        for side in (-1, 1):
            pen.ellipse(
                side * half * 0.78,
                0.72,
                0.16,
                0.12,
                (215, 218, 220),
                (255, 248, 225) if light.lamps else None,
            )
        pen.rect(-0.26, 0.5, 0.26, 0.62, (222, 222, 220))

    return Figure(
        -half - 0.25,
        half + 0.25,
        tall,
        paint,
        rough=0.12,
        shadow=half,
        shine=4.0,
        finish=lacquered(rng, 0.5 * tall),
    )


@THINGS.register("truck-side")
def truck_side(rng: Generator, light: Light) -> Figure:
    """A trailer from the side: canvas or boxes with words, a row of wheels."""
    half, tall = float(rng.uniform(3.0, 6.5)), float(rng.uniform(3.0, 4.0))
    body, ink, words = (grey(rng, 120, 230) if rng.random() < 0.6 else loud(rng)), loud(rng), word(rng, 4, 10)
    u = rng.random(4)

    def paint(pen: Pen) -> None:
        pen.rect(-half, 1.1, half, tall, body)
        for step in range(int(half * 2)):
            pen.line([(-half + step, 1.15), (-half + step, tall - 0.05)], 0.03, shaded(body, 0.85))
        if u[0] < 0.7:
            pen.text((u[1] - 0.5) * half, 0.62 * tall, 0.5 + 0.6 * u[2], words, ink)
        if u[3] < 0.35:
            x = half * (0.5 if u[1] < 0.5 else -0.5)
            pen.ellipse(x, 0.62 * tall, 0.7, 0.7, ink)
            pen.ellipse(x, 0.62 * tall, 0.5, 0.5, (232, 232, 230))
        pen.rect(-half, 0.85, half, 1.1, (45, 45, 48))
        for x in (-0.85, -0.65, -0.45, 0.6, 0.8):
            pen.ellipse(x * half, 0.5, 0.5, 0.5, (20, 20, 21))
            pen.ellipse(x * half, 0.5, 0.27, 0.27, (150, 150, 152))
            pen.ellipse(x * half, 0.5, 0.1, 0.1, (80, 80, 82))

    return Figure(-half, half, tall, paint, rough=0.15, shadow=half)
