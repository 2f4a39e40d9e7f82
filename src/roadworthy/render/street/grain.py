"""Textures that streets share: noise like that of nature, leaves upon leaves.  Made once a process.

Each street takes pieces of them at places, sizes and orientations of its own; the pieces are the same in
every process, so a street depends on its seed alone.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from roadworthy.render.street.view import Floats

SIDE = 1024


def fractal(fall: float) -> Floats:
    """(SIDE, SIDE): noise whose amplitude falls as frequency ** -fall; mean 0, deviation 1; periodic.

    There are four, of a fall of 0, 0.5, 1 and 1.6: the nearest is given.
    """
    return _fractal(min((0.0, 0.5, 1.0, 1.6), key=lambda known: abs(known - fall)))


@cache
def _fractal(fall: float) -> Floats:
    white = np.random.default_rng(round(100 * fall)).standard_normal((SIDE, SIDE), dtype=np.float32)
    if fall == 0:
        return white
    across, down = np.fft.rfftfreq(SIDE), np.fft.fftfreq(SIDE)
    frequency = np.hypot(down[:, None], across)
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(white) * np.maximum(frequency, 3 / SIDE) ** -fall
    spectrum[0, 0] = 0
    field: Floats = np.fft.irfft2(spectrum, s=(SIDE, SIDE)).astype(np.float32)
    field /= field.std()
    return field


@cache
def leaves(kind: int) -> tuple[Floats, Floats]:
    """Leaves that cover each other: how light each is, 0 to 1, and which of them fall first, 0 to 1.

    kind: 0 round, 1 long, 2 needles, 3 coarse.
    Source: the dead-leaves model, Matheron 1968; Lee, Mumford and Huang 2001.
    """
    rng = np.random.default_rng(1000 + kind)
    light, order = Image.new("L", (SIDE, SIDE), 60), Image.new("L", (SIDE, SIDE), 255)
    pens = ImageDraw.Draw(light), ImageDraw.Draw(order)
    count = (9000, 12000, 16000, 2500)[kind]
    size = (6.0, 8.0, 10.0, 16.0)[kind] * rng.uniform(0.6, 1.4, count) ** 1.5
    thin = (0.65, 0.3, 0.1, 0.6)[kind]
    x, y, turn = rng.uniform(0, SIDE, count), rng.uniform(0, SIDE, count), rng.uniform(0, np.pi, count)
    shade = np.clip(rng.normal(150, 55, count), 8, 255)
    fall = rng.uniform(0, 255, count)
    corners = np.linspace(0, 2 * np.pi, 7)[:-1]
    dx, dy = np.cos(corners)[None] * size[:, None], np.sin(corners)[None] * size[:, None] * thin
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    points = np.stack([x[:, None] + dx * cos - dy * sin, y[:, None] + dx * sin + dy * cos], axis=2)
    for outline, one, when in zip(points, shade, fall, strict=True):
        flat = [tuple(point) for point in outline]
        pens[0].polygon(flat, fill=int(one))
        pens[1].polygon(flat, fill=int(when))
    return np.asarray(light, dtype=np.float32) / 255, np.asarray(order, dtype=np.float32) / 255


def piece(
    field: Floats, rng: Generator, height: int, width: int, zoom: float = 1.0, stretch: float = 1.0
) -> Floats:
    """(height, width) of a texture from a random place, `zoom` times as large, mirrored at random.

    stretch: how much longer its grain is across than down.
    """
    return pieces((field,), rng, height, width, zoom, stretch)[0]


def pieces(
    fields: tuple[Floats, ...],
    rng: Generator,
    height: int,
    width: int,
    zoom: float = 1.0,
    stretch: float = 1.0,
) -> list[Floats]:
    """The same piece of several textures."""
    left, top = rng.integers(SIDE, size=2)
    flip = rng.random(2) < 0.5
    tall, wide = max(1, round(height / zoom)), max(1, round(width / zoom / stretch))
    rows = (top + np.arange(tall)) % SIDE
    columns = (left + np.arange(wide)) % SIDE
    cut = []
    for field in fields:
        part = np.take(np.take(field, rows[:: -1 if flip[0] else 1], 0), columns[:: -1 if flip[1] else 1], 1)
        if part.shape != (height, width):
            small = Image.fromarray(part)
            part = np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))
        cut.append(part)
    return cut
