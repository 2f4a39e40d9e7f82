"""Sky, clouds, and the far line of hills, woods and roofs."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from roadworthy.render.street.canvas import Canvas
from roadworthy.render.street.grain import SIDE, fractal, leaves, piece, pieces
from roadworthy.render.street.light import linear
from roadworthy.render.street.view import Floats


def paint_sky(canvas: Canvas, rng: Generator) -> None:
    """A gradient from the zenith to the skyline, with clouds that flatten towards it."""
    view, light = canvas.view, canvas.light
    end = min(view.height, max(8, int(view.skyline()) + 40))
    rise = np.clip((view.horizon - np.arange(end, dtype=np.float32)) / view.focal, 0.0, None)
    share = np.exp(-rise * 4.0)[:, None]
    sky = light.zenith * (1 - share) + light.skyline * share
    part = canvas.radiance[:end]
    part[:] = sky[:, None]
    if light.clouds > 0.05:
        field = piece(fractal(1.6), rng, end, view.width, rng.uniform(1.5, 5.0), rng.uniform(1.0, 2.5))
        fine = piece(fractal(1.6), rng, end, view.width, 1.5, 1.5)
        cover = 1 / (
            1 + np.exp(-(field + 0.15 * fine + 2.2 * light.clouds - 1.2) * np.float32(rng.uniform(1.0, 4.0)))
        )
        rough = np.float32(rng.uniform(0.02, 0.25))
        body = light.cloud * np.clip(1 + rough * field - np.float32(0.3) * rough * fine, 0.3, 1.8)[..., None]
        part += (body - part) * cover[..., None]
    if light.sunny and light.front < 0.1:
        column, row = rng.uniform(0, view.width), view.horizon - rng.uniform(0.1, 0.8) * view.focal
        x = (np.arange(view.width, dtype=np.float32) - column) / view.focal
        y = (np.arange(end, dtype=np.float32) - row) / view.focal
        away = np.sqrt(x[None] ** 2 + y[:, None] ** 2)
        part += (light.sun * 6)[None, None] * (np.exp(-away * 45) * 8 + np.exp(-away * 6) * 0.3)[..., None]


def paint_far(canvas: Canvas, rng: Generator, kind: str) -> None:
    """What stands at the end of sight: hills, then woods or roofs."""
    view = canvas.view
    foot = min(view.height, int(view.skyline()) + 3)
    columns = np.arange(view.width)
    line = fractal(1.6)[int(rng.integers(SIDE))][(columns // 3 + int(rng.integers(SIDE))) % SIDE]
    if rng.random() < 0.5:
        tall = np.maximum(0, (rng.uniform(0.0, 0.05) + 0.02 * line) * view.focal)
        hue = linear(*rng.uniform([60, 75, 70], [110, 115, 125]))
        _silhouette(canvas, foot, tall, hue, 0.03, rng, z=250.0)
    if kind in ("woods", "mixed"):
        fine = fractal(1.0)[int(rng.integers(SIDE))][(columns + int(rng.integers(SIDE))) % SIDE]
        high = rng.uniform(0.01, 0.12)
        tall = np.maximum(2, (high + 0.3 * high * line + 0.05 * high * fine) * view.focal)
        hue = 0.35 * linear(*season(rng)) + np.float32(rng.uniform(0.01, 0.07))
        _silhouette(canvas, foot, tall, hue, 0.5, rng, z=120.0)
    if kind in ("roofs", "mixed"):
        at = 0
        tall = np.zeros(view.width, dtype=np.float32)
        shade = np.ones(view.width, dtype=np.float32)
        while at < view.width:
            wide = int(rng.integers(10, 80))
            high = rng.uniform(3, 14) / 120 * view.focal
            slope = rng.uniform(0, 0.4) * (rng.random() < 0.5)
            tall[at : at + wide] = (
                high + slope * np.minimum(np.arange(wide), wide - np.arange(wide))[: view.width - at]
            )
            shade[at : at + wide] = rng.uniform(0.4, 1.6)
            if rng.random() < 0.3:
                tall[at : at + wide] = 0
            at += wide
        hue = linear(*(rng.uniform(80, 165) + rng.uniform(-14, 14, 3))) * shade[None, :, None]
        _silhouette(canvas, foot, tall, hue, 0.15, rng, z=110.0)


def season(rng: Generator) -> tuple[float, float, float]:
    """A colour of leaves, sRGB levels: mostly greens, autumn's yellows and reds, bare browns."""
    kinds = (
        (66, 80, 46),
        (88, 104, 56),
        (52, 66, 44),
        (104, 108, 80),
        (150, 125, 50),
        (150, 95, 40),
        (105, 80, 55),
        (90, 85, 75),
        (130, 60, 40),
    )
    base = np.array(
        kinds[int(rng.choice(len(kinds), p=(0.22, 0.16, 0.16, 0.1, 0.1, 0.07, 0.08, 0.08, 0.03)))]
    )
    red, green, blue = np.clip(base * rng.uniform(0.6, 1.15) + rng.uniform(-9, 9, 3), 5, 230)
    return float(red), float(green), float(blue)


def _silhouette(
    canvas: Canvas, foot: int, tall: Floats, hue: Floats, rough: float, rng: Generator, z: float
) -> None:
    top = max(0, int(foot - tall.max()))
    if top >= foot:
        return
    rows = np.arange(top, foot)
    mask = np.clip(rows[:, None] + 0.5 - (foot - tall[None]) + 0.5, 0, 1).astype(np.float32)
    height, width = mask.shape
    shade, order = pieces(leaves(0), rng, height, width, 0.7)
    if rough > 0.3:
        edge = np.clip((rows[:, None] - (foot - tall[None])) / 8.0, 0, 1)
        mask *= (order < 0.25 + edge).astype(np.float32)
    light = canvas.light
    texture = 1 + rough * 1.6 * (shade - 0.5) + 0.2 * piece(fractal(1.0), rng, height, width)
    colour = hue * np.maximum(0.15, texture)[..., None] * light.on(light.front, z)
    through = light.seen(z)
    colour = colour * through + light.air * (1 - through)
    part = canvas.radiance[top:foot]
    part += (colour - part) * mask[..., None]
