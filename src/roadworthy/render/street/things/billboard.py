"""Boards that advertise, with large words, round logos and pictures; pillars of filling stations."""

from __future__ import annotations

from numpy.random import Generator

from roadworthy.render.street.canvas import Figure
from roadworthy.render.street.light import Light
from roadworthy.render.street.pen import Pen
from roadworthy.render.street.things.colours import grey, loud, near, word
from roadworthy.render.street.things.registry import THINGS


@THINGS.register("billboard")
def billboard(rng: Generator, light: Light) -> Figure:
    """A large board on legs."""
    half, low = float(rng.uniform(1.2, 2.5)), float(rng.uniform(0.4, 3.0))
    tall = low + float(rng.uniform(1.6, 3.2))
    ground, ink, words = loud(rng), loud(rng), [word(rng) for _ in range(4)]
    u, shapes = rng.random(6), rng.random((5, 5))
    tints = [loud(rng) for _ in range(5)]
    lit = light.ambient.mean() < 0.2 and rng.random() < 0.5

    def paint(pen: Pen) -> None:
        for side in (-1, 1):
            pen.line([(side * half * 0.7, 0), (side * half * 0.7, low + 0.2)], 0.15, (90, 92, 94))
        pen.rect(-half, low, half, tall, (70, 72, 74))
        pen.rect(
            -half + 0.06, low + 0.06, half - 0.06, tall - 0.06, ground, near_glow(ground) if lit else None
        )
        for shape, tint in zip(shapes, tints, strict=True):
            x, y = (shape[0] - 0.5) * 1.6 * half, low + shape[1] * (tall - low)
            size = 0.1 + 0.35 * shape[2] * (tall - low)
            size = min(size, y - low - 0.08, tall - y - 0.08, half - abs(x) - 0.08)
            if size < 0.05:
                continue
            if shape[3] < 0.5:
                pen.ellipse(x, y, size, size, tint)
                if shape[4] < 0.6:
                    pen.ellipse(x, y, size * 0.7, size * 0.7, (235, 235, 232))
                    pen.text(x, y, size * 0.7, words[3][:2], ink)
            else:
                pen.rect(x - size, y - size * 0.6, x + size, y + size * 0.6, tint)
        for row in range(1 + int(u[0] * 3)):
            size = (tall - low) * (0.12 + 0.1 * u[1])
            width = pen.length(words[row], size)
            if width < 1.8 * half:
                pen.text(
                    (u[2] - 0.5) * 0.3 * half,
                    tall - (0.25 + 0.27 * row) * (tall - low),
                    size,
                    words[row],
                    ink,
                )

    return Figure(-half, half, tall, paint, rough=0.06)


def near_glow(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """The light of a lit board of some colour."""
    return colour[0] // 2, colour[1] // 2, colour[2] // 2


@THINGS.register("price-pillar")
def price_pillar(rng: Generator, light: Light) -> Figure:
    """A filling station's pillar: a logo above rows of figures."""
    half, tall, band = float(rng.uniform(0.7, 1.3)), float(rng.uniform(4.0, 8.0)), loud(rng)
    digits, name = [f"{d / 100:.2f}" for d in rng.integers(99, 260, size=4)], word(rng, 3, 6)
    pole, round_ = grey(rng, 120, 220), rng.random() < 0.4

    def paint(pen: Pen) -> None:
        pen.rect(-half, 0, half, tall, pole)
        pen.rect(-half, tall - 1.8 * half, half, tall, band)
        if round_:
            pen.ellipse(0, tall - 0.9 * half, half * 0.75, half * 0.75, (235, 235, 232))
            pen.ellipse(0, tall - 0.9 * half, half * 0.6, half * 0.6, band)
        pen.text(0, tall - 0.9 * half, half * 0.5, name, (240, 240, 238))
        for row, figure in enumerate(digits):
            y = tall - 2.4 * half - 0.6 * half * row
            pen.rect(-half * 0.85, y - 0.25 * half, half * 0.85, y + 0.25 * half, (22, 22, 24))
            pen.text(half * 0.2, y, half * 0.42, figure, (235, 235, 225))

    return Figure(-half, half, tall, paint, rough=0.06, shadow=half)


@THINGS.register("small-board")
def small_board(rng: Generator, light: Light) -> Figure:
    """A board for sale, an election poster, a menu: words and a round thing on a stake."""
    half, tall = float(rng.uniform(0.25, 0.6)), float(rng.uniform(1.2, 2.4))
    low = tall - float(rng.uniform(0.5, 1.0))
    ground, ink, words = (
        (loud(rng) if rng.random() < 0.5 else near(rng, (230, 230, 228), 15)),
        loud(rng),
        [word(rng) for _ in range(3)],
    )
    u = rng.random(3)

    def paint(pen: Pen) -> None:
        pen.line([(0, 0), (0, low + 0.1)], 0.06, (110, 95, 75))
        pen.rect(-half, low, half, tall, ground)
        if u[0] < 0.4:
            pen.ellipse(0, (low + tall) / 2, half * 0.6, half * 0.6, ink)
            pen.ellipse(0, (low + tall) / 2, half * 0.4, half * 0.4, (235, 235, 232))
        for row, words_ in enumerate(words):
            pen.text(
                0,
                tall - (0.2 + 0.3 * row) * (tall - low),
                0.16 * (tall - low),
                words_[:6],
                ink if u[1] < 0.5 else (30, 30, 32),
            )

    return Figure(-half, half, tall, paint, rough=0.06)
