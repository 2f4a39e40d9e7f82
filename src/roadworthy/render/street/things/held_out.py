"""Things that only the streets of validation and of the test show: no training has seen them."""

from __future__ import annotations

from numpy.random import Generator

from roadworthy.render.street.canvas import Figure
from roadworthy.render.street.light import Light
from roadworthy.render.street.pen import Pen
from roadworthy.render.street.things.car_side import wheel
from roadworthy.render.street.things.colours import lacquer, loud, word
from roadworthy.render.street.things.registry import THINGS


@THINGS.register("tram")
def tram(rng: Generator, light: Light) -> Figure:
    """A tram from before: a large window, a lit destination, a round lamp."""
    body, name = loud(rng), word(rng)

    def paint(pen: Pen) -> None:
        pen.rect(-1.2, 0.3, 1.2, 3.3, body)
        pen.rect(-1.05, 1.4, 1.05, 2.7, (48, 54, 60))
        pen.rect(-0.9, 2.8, 0.9, 3.15, (20, 20, 20), (80, 50, 5))
        pen.text(0, 2.97, 0.26, name, (245, 170, 40))
        pen.ellipse(0, 0.9, 0.18, 0.18, (225, 225, 215), (255, 250, 230))

    return Figure(-1.25, 1.25, 3.3, paint, shadow=1.2)


@THINGS.register("hoarding")
def hoarding(rng: Generator, light: Light) -> Figure:
    """Posters side by side, each with a disc or a word."""
    colours, words, kinds = [loud(rng) for _ in range(8)], [word(rng) for _ in range(4)], rng.random(4)

    def paint(pen: Pen) -> None:
        for number in range(4):
            x = -2.4 + 1.2 * number
            pen.rect(x, 0.4, x + 1.15, 2.2, colours[2 * number])
            if kinds[number] < 0.5:
                pen.ellipse(x + 0.57, 1.4, 0.4, 0.4, colours[2 * number + 1])
                pen.rect(x + 0.3, 1.32, x + 0.84, 1.48, (235, 235, 232))
            else:
                pen.text(x + 0.57, 1.4, 0.3, words[number][:6], colours[2 * number + 1])

    return Figure(-2.4, 2.4, 2.3, paint)


@THINGS.register("kiosk")
def kiosk(rng: Generator, light: Light) -> Figure:
    """A pillar for posters with a domed roof."""
    colours, name = [loud(rng) for _ in range(3)], word(rng)

    def paint(pen: Pen) -> None:
        pen.rect(-0.7, 0, 0.7, 2.6, colours[0])
        pen.ellipse(0, 2.6, 0.8, 0.35, colours[1])
        pen.ellipse(0, 1.5, 0.45, 0.45, colours[2])
        pen.text(0, 0.6, 0.2, name, (240, 240, 238))

    return Figure(-0.85, 0.85, 3.0, paint, shadow=0.7)


@THINGS.register("caravan")
def caravan(rng: Generator, light: Light) -> Figure:
    """A caravan from behind: rounded, with lamps that are round and red."""
    band = lacquer(rng)

    def paint(pen: Pen) -> None:
        pen.rect(-0.75, 0, -0.55, 0.5, (20, 20, 20))
        pen.rect(0.55, 0, 0.75, 0.5, (20, 20, 20))
        pen.polygon(
            [(-1.1, 0.5), (1.1, 0.5), (1.15, 1.4), (1.0, 2.5), (-1.0, 2.5), (-1.15, 1.4)], (228, 226, 218)
        )
        pen.rect(-1.1, 0.9, 1.1, 1.1, band)
        pen.rect(-0.7, 1.4, 0.7, 2.1, (60, 68, 74))
        for side in (-1, 1):
            pen.ellipse(side * 0.85, 0.68, 0.11, 0.11, (165, 18, 20))
            pen.ellipse(side * 0.85, 0.68, 0.05, 0.05, (225, 222, 220))

    return Figure(-1.2, 1.2, 2.5, paint, shadow=1.1)


@THINGS.register("vending-machine")
def vending_machine(rng: Generator, light: Light) -> Figure:
    """A machine at a wall: red, with a lit window and round buttons."""
    body = loud(rng)

    def paint(pen: Pen) -> None:
        pen.rect(-0.45, 0, 0.45, 1.85, body)
        pen.rect(-0.38, 0.9, 0.2, 1.75, (205, 212, 215), (90, 95, 100))
        for row in range(4):
            pen.ellipse(0.32, 1.6 - 0.15 * row, 0.05, 0.05, (230, 60, 50))
        pen.rect(-0.35, 0.2, 0.35, 0.5, (25, 25, 26))

    return Figure(-0.5, 0.5, 1.9, paint, shadow=0.45)


@THINGS.register("parasol")
def parasol(rng: Generator, light: Light) -> Figure:
    """Parasols before a café, with a name on the rim."""
    cloth, name = loud(rng), word(rng)

    def paint(pen: Pen) -> None:
        pen.line([(0, 0), (0, 2.2)], 0.05, (200, 200, 198))
        pen.polygon([(-1.4, 2.0), (1.4, 2.0), (0, 2.7)], cloth)
        pen.polygon([(-0.45, 2.0), (0.45, 2.0), (0, 2.7)], (235, 235, 232))
        pen.text(0.9, 2.08, 0.15, name, (240, 240, 238))

    return Figure(-1.5, 1.5, 2.75, paint, shadow=0.8)


@THINGS.register("water-tower")
def water_tower(rng: Generator, light: Light) -> Figure:
    """A water wheel's or a cart's large wheel, or a tower with a round logo."""
    ink, turn, rings = loud(rng), float(rng.uniform(0, 6)), rng.random() < 0.5

    def paint(pen: Pen) -> None:
        if rings:
            pen.rect(-1.6, 0, 1.6, 14, (178, 180, 178))
            pen.ellipse(0, 11, 1.2, 1.2, ink)
            pen.ellipse(0, 11, 0.85, 0.85, (235, 235, 232))
        else:
            wheel(pen, 0.0, 0.8, 10, (130, 100, 70), turn)

    return Figure(-1.7, 1.7, 14.2, paint)
