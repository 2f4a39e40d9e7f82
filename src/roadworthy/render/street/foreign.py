"""Faces that the catalogue lacks: boards, street names, parking, other countries' signs, badges."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator
from PIL import Image

from roadworthy.core.arrays import ByteArray
from roadworthy.core.registry import Registry
from roadworthy.render.street.pen import Pen, Points, Rgb
from roadworthy.render.street.things.colours import loud, near, word

_SIDE = 128
_WHITE: Rgb = (235, 235, 232)
_BLACK: Rgb = (22, 22, 22)
_RED: Rgb = (190, 25, 30)
_BLUE: Rgb = (20, 80, 155)
_YELLOW: Rgb = (245, 200, 20)


class Sheet(Pen):
    """A pen on a square of side 2 about the middle, clear around what is drawn."""

    def __init__(self) -> None:
        super().__init__(_SIDE / 2, _SIDE / 2, _SIDE / 2, (0, 0, _SIDE, _SIDE))

    def tile(self) -> ByteArray:
        """(128, 128, 4) uint8 RGBA."""
        return np.asarray(self._image.resize((_SIDE, _SIDE), Image.Resampling.BOX))


class Kind:
    """How a kind of face is drawn; what its box is called; its longer side in metres."""

    label = "other-sign"
    side = (0.5, 0.9)

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """Draw it."""
        raise NotImplementedError


FOREIGN: Registry[type[Kind]] = Registry("kind of face")


def foreign_face(rng: Generator, name: str) -> tuple[ByteArray, str, float]:
    """A face of a kind, what its box is called, and its longer side in metres."""
    kind, pen = FOREIGN.get(name)(), Sheet()
    kind.draw(pen, rng)
    return pen.tile(), kind.label, float(rng.uniform(*kind.side))


def regular(corners: int, radius: float, turn: float = 0.0) -> Points:
    """The corners of a regular figure, the first at `turn` from the top."""
    steps = [turn + 2 * math.pi * number / corners for number in range(corners)]
    return [(radius * math.sin(step), radius * math.cos(step)) for step in steps]


def pictogram(pen: Pen, rng: Generator, size: float, ink: Rgb, y: float = 0.0) -> None:
    """Something in the middle: letters, an arrow, a figure, a vehicle, or shapes mirrored at the middle."""
    kind = rng.random()
    if kind < 0.2:
        pen.text(0, y, size * rng.uniform(0.8, 1.3), word(rng, 1, 3).upper(), ink)
    elif kind < 0.4:
        turn = float(rng.choice([0, 1, 2, 3, 0.5])) * math.pi / 2
        cos, sin = math.cos(turn), math.sin(turn)
        arrow = [(-0.15, -0.8), (0.15, -0.8), (0.15, 0.1), (0.5, 0.1), (0, 0.8), (-0.5, 0.1), (-0.15, 0.1)]
        pen.polygon([(size * (a * cos - b * sin), y + size * (a * sin + b * cos)) for a, b in arrow], ink)
    elif kind < 0.55:
        pen.ellipse(0, y + 0.62 * size, 0.16 * size, 0.16 * size, ink)
        pen.line([(0, y + 0.45 * size), (0, y - 0.1 * size)], 0.3 * size, ink)
        for side in (-1, 1):
            pen.line([(0, y), (side * 0.3 * size, y - 0.75 * size)], 0.16 * size, ink)
            pen.line([(0, y + 0.35 * size), (side * 0.45 * size, y)], 0.12 * size, ink)
    elif kind < 0.7:
        pen.rect(-0.7 * size, y - 0.2 * size, 0.7 * size, y + 0.15 * size, ink)
        pen.polygon(
            [
                (-0.4 * size, y + 0.1 * size),
                (0.4 * size, y + 0.1 * size),
                (0.25 * size, y + 0.5 * size),
                (-0.25 * size, y + 0.5 * size),
            ],
            ink,
        )
        for side in (-1, 1):
            pen.ellipse(side * 0.4 * size, y - 0.3 * size, 0.2 * size, 0.2 * size, ink)
    else:
        for _ in range(int(rng.integers(1, 4))):
            points = rng.uniform(0, 0.75, (int(rng.integers(3, 6)), 2)) * size
            points[:, 1] = points[:, 1] * 1.6 - 0.6 * size
            for side in (-1, 1):
                pen.polygon([(side * float(a), y + float(b)) for a, b in points], ink)


def _frame(pen: Pen, half_x: float, half_y: float, ground: Rgb, rim: Rgb) -> None:
    pen.rect(-half_x, -half_y, half_x, half_y, rim)
    pen.rect(-half_x + 0.04, -half_y + 0.04, half_x - 0.04, half_y - 0.04, ground)


@FOREIGN.register("direction-board")
class DirectionBoard(Kind):
    """Names of places with arrows: blue, green, white, yellow, brown."""

    label, side = "board", (1.2, 3.5)

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """Two to four lines."""
        ground = ((25, 70, 150), (15, 110, 70), _WHITE, (240, 195, 40), (105, 65, 35))[int(rng.integers(5))]
        ink = _BLACK if sum(ground) > 400 else _WHITE
        half = float(rng.uniform(0.4, 0.9))
        _frame(pen, 1, half, ground, ink)
        count = int(rng.integers(1, 4))
        for row in range(count):
            y = half * (1 - 2 * (row + 0.5) / count)
            pen.text(0.1, y, min(0.32, 1.1 * half / count), word(rng, 4, 8), ink)
            turn = float(rng.choice([0, 1, 2])) * math.pi / 2
            size = 0.5 * half / count
            pen.polygon([(-0.8 + size * a, y + size * b) for a, b in regular(3, 1, turn)], ink)


@FOREIGN.register("pointer")
class Pointer(Kind):
    """A board that ends in a point."""

    label, side = "board", (0.9, 1.8)

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """To the left or to the right."""
        side, half = (1 if rng.random() < 0.5 else -1), float(rng.uniform(0.2, 0.35))
        ground = (_WHITE, _YELLOW, (25, 70, 150), (15, 110, 70), (105, 65, 35))[int(rng.integers(5))]
        ink = _BLACK if sum(ground) > 400 else _WHITE
        for inset, colour in ((0.0, ink), (0.04, ground)):
            pen.polygon(
                [
                    (-side * (1 - inset), -half + inset),
                    (side * 0.75, -half + inset),
                    (side * (1 - 2 * inset), 0),
                    (side * 0.75, half - inset),
                    (-side * (1 - inset), half - inset),
                ],
                colour,
            )
        pen.text(-0.08 * side, 0, half, word(rng, 4, 9), ink)


@FOREIGN.register("street-name")
class StreetName(Kind):
    """A narrow plate with a name."""

    label, side = "board", (0.6, 1.2)

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """Blue, green or white."""
        ground = ((25, 60, 140), (15, 100, 60), _WHITE, _BLACK)[int(rng.integers(4))]
        half = float(rng.uniform(0.13, 0.22))
        _frame(pen, 1, half, ground, _BLACK if sum(ground) > 400 else _WHITE)
        pen.text(0, 0, half * 1.1, word(rng, 5, 10), _BLACK if sum(ground) > 400 else _WHITE)


@FOREIGN.register("parking")
class Parking(Kind):
    """A letter on blue, perhaps with an arrow or a time."""

    label, side = "board", (0.4, 0.8)

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """Square or upright."""
        half = float(rng.uniform(0.6, 1.0))
        _frame(pen, half, 1, _BLUE, _WHITE)
        pen.text(0, 0.2, 1.1, "PPPHi?"[int(rng.integers(6))], _WHITE)
        if rng.random() < 0.6:
            pen.text(0, -0.72, 0.25, f"{int(rng.integers(1, 12))} - {int(rng.integers(1, 12))} h", _WHITE)


@FOREIGN.register("notice")
class Notice(Kind):
    """A white plate with lines of words, a small red ring on some."""

    label, side = "board", (0.4, 1.0)

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """Black, red or green words."""
        half = float(rng.uniform(0.55, 1.0))
        ink = (_BLACK, _RED, (20, 110, 60))[int(rng.integers(3))]
        _frame(pen, half, 1, near(rng, _WHITE, 8), ink)
        top = 0.75
        if rng.random() < 0.4:
            pen.ellipse(0, 0.5, 0.36, 0.36, _RED)
            pen.ellipse(0, 0.5, 0.27, 0.27, _WHITE)
            pen.text(0, 0.5, 0.36, word(rng, 1, 1).upper(), _BLACK)
            pen.line([(-0.22, 0.72), (0.22, 0.28)], 0.07, _RED)
            top = -0.1
        while top > -0.85:
            pen.text(0, top, 0.2, word(rng, 3, 7).upper(), ink)
            top -= 0.3


@FOREIGN.register("ring")
class Ring(Kind):
    """A red ring, or a disc of another colour, about a symbol that no class has."""

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """With a bar across in a third."""
        ground = (_WHITE, _WHITE, _YELLOW)[int(rng.integers(3))]
        pen.ellipse(0, 0, 0.99, 0.99, _RED)
        width = float(rng.uniform(0.12, 0.26))
        pen.ellipse(0, 0, 0.99 - width, 0.99 - width, ground)
        pictogram(pen, rng, 0.5, _BLACK)
        if rng.random() < 0.35:
            pen.line([(-0.62, 0.62), (0.62, -0.62)], 0.14, _RED)


@FOREIGN.register("disc")
class Disc(Kind):
    """A blue disc with a symbol."""

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """White rim in half."""
        pen.ellipse(0, 0, 0.99, 0.99, _WHITE if rng.random() < 0.5 else _BLUE)
        pen.ellipse(0, 0, 0.93, 0.93, near(rng, _BLUE, 15))
        pictogram(pen, rng, 0.55, _WHITE)


@FOREIGN.register("triangle")
class Triangle(Kind):
    """A warning in a triangle, on white or yellow."""

    side = (0.7, 1.1)

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """Points up."""
        for inset, colour in ((0.0, _RED), (0.28, (_WHITE, _YELLOW)[int(rng.random() < 0.3)])):
            pen.polygon(
                [
                    (-0.98 + inset, -0.86 + inset * 0.58),
                    (0.98 - inset, -0.86 + inset * 0.58),
                    (0, 0.86 - inset * 1.1),
                ],
                colour,
            )
        pictogram(pen, rng, 0.34, _BLACK, -0.35)


@FOREIGN.register("diamond")
class Diamond(Kind):
    """A warning in a diamond: yellow, orange or lime."""

    side = (0.6, 1.2)

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """A thin black rim."""
        ground = (_YELLOW, (240, 130, 40), (190, 230, 40))[int(rng.choice(3, p=(0.6, 0.25, 0.15)))]
        pen.polygon(regular(4, 1.0), ground)
        pen.polygon(regular(4, 0.95), _BLACK)
        pen.polygon(regular(4, 0.9), ground)
        pictogram(pen, rng, 0.42, _BLACK)


@FOREIGN.register("octagon")
class Octagon(Kind):
    """Another language's stop, or a shop's."""

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """White letters on red."""
        pen.polygon(regular(8, 1.0, math.pi / 8), _WHITE)
        pen.polygon(regular(8, 0.94, math.pi / 8), _RED)
        pen.text(0, 0, 0.5, word(rng, 3, 5).upper(), _WHITE)


@FOREIGN.register("chevron")
class Chevron(Kind):
    """Arrows in a row along a bend: red, black or yellow."""

    label, side = "board", (0.6, 2.0)

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """One to four arrows."""
        ground, ink = ((_WHITE, _RED), (_YELLOW, _BLACK), (_BLACK, _WHITE))[int(rng.integers(3))]
        count, side = int(rng.integers(1, 5)), (1 if rng.random() < 0.5 else -1)
        half = min(1.0, 1.1 / count)
        pen.rect(-1, -half, 1, half, ground)
        step = 2 / count
        for number in range(count):
            x = -1 + step * (number + 0.25)
            points = [(0, half), (0.35, half), (0.75, 0), (0.35, -half), (0, -half), (0.4, 0)]
            pen.polygon([(side * (x + a * step * 0.9), b * 0.9) for a, b in points], ink)


@FOREIGN.register("shield")
class Shield(Kind):
    """The number of a road."""

    label, side = "board", (0.4, 0.8)

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """A shield or a box."""
        ground = (_YELLOW, (25, 70, 150), (15, 110, 70), _WHITE)[int(rng.integers(4))]
        ink = _BLACK if sum(ground) > 400 else _WHITE
        if rng.random() < 0.5:
            _frame(pen, 1, 0.55, ground, ink)
        else:
            pen.polygon([(-0.8, 0.8), (0, 0.98), (0.8, 0.8), (0.75, -0.2), (0, -0.98), (-0.75, -0.2)], ground)
        pen.text(0, 0, 0.7, str(int(rng.integers(1, 999))), ink)


@FOREIGN.register("badge")
class Badge(Kind):
    """A round advertisement: a red or other disc with a bar, a ring, letters."""

    label, side = "advertisement", (0.4, 1.4)

    def draw(self, pen: Sheet, rng: Generator) -> None:
        """Never a white bar on red."""
        outer: Rgb = _RED if rng.random() < 0.5 else loud(rng)
        pen.ellipse(0, 0, 0.99, 0.99, outer)
        if rng.random() < 0.5:
            pen.ellipse(0, 0, 0.75, 0.75, _WHITE)
            pen.ellipse(0, 0, 0.5 * rng.random() + 0.1, 0.4, loud(rng))
        else:
            pen.text(0, 0, 0.6, word(rng, 2, 5), _WHITE)
