"""Photographs of streets as the ground that signs are drawn on: their own signs are covered up first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter

from roadworthy.core.arrays import Box, ByteArray
from roadworthy.render.street.canvas import Canvas
from roadworthy.render.street.lens import Lens, any_lens
from roadworthy.render.street.light import BYTE_TO_LINEAR, Light
from roadworthy.render.street.view import Floats, View


@dataclass(frozen=True, kw_only=True)
class Photograph:
    """A street's photograph, (H, W, 3) uint8, and the boxes of the signs in it, in pixels."""

    image: ByteArray
    boxes: Sequence[Box] = ()


def lay_photograph(view: View, photographs: Sequence[Photograph], rng: Generator) -> Canvas:
    """A canvas that shows a part of one of the photographs, at times mirrored, without its signs.

    Its light is as bright as the photograph is.
    """
    chosen = photographs[int(rng.integers(len(photographs)))]
    picture = covered(chosen, rng)
    wide, tall = picture.size
    share = float(rng.uniform(0.6, 1.0))
    crop_w = min(wide, tall * view.width / view.height) * share
    crop_h = crop_w * view.height / view.width
    left, top = float(rng.uniform(0, wide - crop_w)), float(rng.uniform(0, tall - crop_h))
    size = view.width, view.height
    picture = picture.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + crop_w, top + crop_h))
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    radiance = BYTE_TO_LINEAR[np.asarray(picture)]
    canvas = Canvas(view, light_of(radiance, rng), rng)
    canvas.radiance = radiance
    return canvas


def covered(photograph: Photograph, rng: Generator) -> Image.Image:
    """The photograph with what stands beside each sign copied over it, with soft edges."""
    picture = Image.fromarray(photograph.image)
    for x1, y1, x2, y2 in photograph.boxes:
        room = 4 + 0.15 * max(x2 - x1, y2 - y1)
        left, top = max(0, round(x1 - room)), max(0, round(y1 - room))
        right, bottom = min(picture.width, round(x2 + room)), min(picture.height, round(y2 + room))
        wide, tall = right - left, bottom - top
        spots = [left - side * wide * away for side in (-1, 1) for away in (1.1, 1.5, 2.0)]
        free = [
            int(x)
            for x in spots
            if 0 <= x <= picture.width - wide and not _met(photograph.boxes, x, top, wide, tall)
        ]
        if not free or wide < 2 or tall < 2:
            continue
        start = free[int(rng.integers(len(free)))]
        piece = picture.crop((start, top, start + wide, bottom))
        soft = max(1.0, room / 3)
        mask = Image.new("L", (wide, tall))
        inset = round(soft)
        mask.paste(255, (inset, inset, max(inset + 1, wide - inset), max(inset + 1, tall - inset)))
        picture.paste(piece, (left, top), mask.filter(ImageFilter.GaussianBlur(soft / 2)))
    return picture


def light_of(radiance: Floats, rng: Generator) -> Light:
    """Light under which white is about as bright as the brighter things of a photograph's lower part."""
    part = radiance[radiance.shape[0] // 3 :: 4, ::4].reshape(-1, 3)
    bright = np.quantile(part, 0.9, axis=0)
    tint = bright / max(1e-3, float(bright.mean()))
    level = float(np.clip(bright.mean() * rng.uniform(0.9, 1.6), 0.05, 0.95))
    white = (level * (0.6 + 0.4 * tint)).astype(np.float32)
    none = np.zeros(3, dtype=np.float32)
    return Light(
        ambient=white * np.float32(0.8),
        sun=white * np.float32(0.3),
        front=float(rng.uniform(0.2, 1.0)),
        left=0.5,
        right=0.5,
        zenith=none,
        skyline=white,
        cloud=white,
        clouds=0.0,
    )


def second_lens(rng: Generator) -> Lens:
    """A lens for what has been through one: it changes little."""
    lens = any_lens(rng, night=False)
    return replace(
        lens,
        exposure=None,
        contrast=0.0,
        black=0.0,
        vignette=0.0,
        glare=0.0,
        saturation=float(rng.uniform(0.85, 1.15)),
        blur=float(rng.uniform(0.0, 0.5)),
        noise=lens.noise * 0.5,
        sharpen=lens.sharpen * 0.5,
    )


def _met(boxes: Sequence[Box], x: float, y: float, wide: float, tall: float) -> bool:
    return any(x < b[2] and b[0] < x + wide and y < b[3] and b[1] < y + tall for b in boxes)
