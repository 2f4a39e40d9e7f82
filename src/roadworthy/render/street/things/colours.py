"""Colours and words that things share."""

from __future__ import annotations

import string

import numpy as np
from numpy.random import Generator

from roadworthy.render.street.pen import Rgb

_LACK: tuple[Rgb, ...] = (
    *(
        (225, 226, 228),
        (225, 226, 228),
        (170, 173, 178),
        (120, 123, 128),
        (60, 62, 66),
        (24, 24, 27),
        (24, 24, 27),
    ),
    *((115, 24, 28), (135, 34, 34), (32, 44, 78), (52, 76, 112), (40, 60, 50), (150, 130, 62), (100, 84, 66)),
)


def lacquer(rng: Generator) -> Rgb:
    """A colour that cars have: mostly white, greys and black; then red and blue."""
    return near(rng, _LACK[int(rng.integers(len(_LACK)))], 14)


def near(rng: Generator, colour: Rgb, by: float) -> Rgb:
    """A colour like another."""
    shift = rng.uniform(-by, by)
    moved = np.clip(np.array(colour) + shift + rng.uniform(-by / 3, by / 3, 3), 3, 252)
    return int(moved[0]), int(moved[1]), int(moved[2])


def muted(colour: Rgb, by: float) -> Rgb:
    """A colour on its way to grey, 0 as it is to 1 grey."""
    level = 0.3 * colour[0] + 0.6 * colour[1] + 0.1 * colour[2]
    red, green, blue = (int(one + (level - one) * by) for one in colour)
    return red, green, blue


def grey(rng: Generator, low: float = 40, high: float = 200) -> Rgb:
    """A grey, a little warm or cold."""
    level = rng.uniform(low, high)
    tint = rng.uniform(-0.06, 0.06)
    return int(level * (1 + tint)), int(level), int(level * (1 - tint))


def loud(rng: Generator) -> Rgb:
    """A colour of advertisements: red, blue, yellow, green, or any."""
    kinds: tuple[Rgb, ...] = (
        *(
            (200, 25, 30),
            (200, 25, 30),
            (20, 60, 150),
            (240, 200, 30),
            (20, 120, 70),
            (240, 240, 240),
            (20, 20, 20),
        ),
        *((230, 110, 30), (120, 40, 120), (40, 150, 190)),
    )
    return near(rng, kinds[int(rng.integers(len(kinds)))], 20)


def word(rng: Generator, least: int = 3, most: int = 9) -> str:
    """Letters that look like a name: consonants and vowels by turns."""
    vowels, others = "AEIOU", "BCDFGHKLMNPRSTVW"
    count = int(rng.integers(least, most + 1))
    begin = int(rng.integers(2))
    letters = [
        (vowels if (i + begin) % 2 else others)[int(rng.integers(5 if (i + begin) % 2 else 16))]
        for i in range(count)
    ]
    text = "".join(letters)
    return text if rng.random() < 0.5 else text.capitalize()


def plate_text(rng: Generator) -> str:
    """Letters and digits as number plates have them."""
    letters = "".join(string.ascii_uppercase[int(i)] for i in rng.integers(26, size=int(rng.integers(2, 4))))
    digits = "".join(str(int(i)) for i in rng.integers(10, size=int(rng.integers(2, 5))))
    return f"{letters} {digits}" if rng.random() < 0.7 else f"{digits} {letters}"
