"""A frame while it is painted: things laid over each other, and what is still seen of each sign."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from roadworthy.core.arrays import Box, FloatArray
from roadworthy.render.drive.look import Look


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A sign in one frame.

    number: the sign's.  box: x1, y1, x2, y2, px, as far as the frame goes.  whole_px: its whole height.
    visible: the share of it that is in the frame and hidden by nothing.
    """

    number: int
    box: Box
    whole_px: float
    visible: float


class Canvas:
    """The frame while it is painted, and whose sign each pixel shows."""

    def __init__(self, picture: Image.Image, look: Look) -> None:
        self.picture, self._look = picture, look
        self._owner = Image.new("L", picture.size)
        self._signs: list[tuple[int, Box, tuple[int, int, int, int], int]] = []
        self._next: int | None = None

    def begin(self, number: int | None) -> None:
        """What is hung next is this sign; None for a plate."""
        self._next = number

    def lay(self, image: Image.Image, left: int, top: int) -> None:
        """A picture with alpha over what is there."""
        self.picture.paste(image, (left, top), image)
        if self._meets((left, top, left + image.width, top + image.height)):
            self._owner.paste(0, (left, top), image.getchannel("A").point(_HALF))

    def bar(self, box: Box, colour: tuple[int, int, int]) -> None:
        """An upright box, averaged over the pixels at its sides."""
        left, top, right, bottom = box
        first, last = max(0, math.floor(left)), min(self.picture.width, math.ceil(right))
        upper, lower = max(0, round(top)), min(self.picture.height, round(bottom))
        if first >= last or upper >= lower:
            return
        edges = np.arange(first, last)
        share = np.clip(np.minimum(edges + 1, right) - np.maximum(edges, left), 0, 1)
        mask = Image.fromarray((share * 255).astype(np.uint8)[None]).resize((last - first, lower - upper), 0)
        self.picture.paste(colour, (first, upper), mask)
        if self._meets((first, upper, last, lower)):
            self._owner.paste(0, (first, upper), mask.point(_HALF))

    def polygon(self, corners: list[tuple[float, float]], colour: tuple[int, ...]) -> None:
        """A flat piece of one colour."""
        ImageDraw.Draw(self.picture).polygon(corners, fill=colour)
        columns, rows = zip(*corners, strict=True)
        if self._meets((min(columns), min(rows), max(columns), max(rows))):
            ImageDraw.Draw(self._owner).polygon(corners, fill=0)

    def darken(self, box: Box) -> None:
        """A soft shadow on the ground."""
        left, top, right, bottom = box
        wide, tall = round(1.15 * (right - left)), round(1.6 * (bottom - top))
        if 2 < wide < 2 * self.picture.width and 1 < tall < self.picture.height:
            mask = _SHADOW.resize((wide, tall))
            self.picture.paste((6, 6, 7), (round(left - 0.07 * wide), round(top - 0.15 * tall)), mask)

    def hang(
        self,
        colour: FloatArray,
        alpha: FloatArray,
        window: tuple[int, int, int, int],
        box: Box,
        white: FloatArray,
    ) -> None:
        """A sign's face, in light and not in levels, so that strokes smaller than a pixel keep their weight.

        colour: (h, w, 3) reflectances times alpha (h, w).  white: (3,) exposed light of white on it.
        """
        look = self._look
        x1, y1, *_ = window
        there = np.array(self.picture.crop(window))
        behind = look.back[there]
        light = behind * (1 - alpha[..., None]) + colour * white
        covered = alpha > 0.004
        there[covered] = look.levels_of(light)[covered]
        self.picture.paste(Image.fromarray(there), (x1, y1))
        mask = Image.fromarray((alpha > 0.5).astype(np.uint8) * 255)
        count = int((alpha > 0.5).sum())
        if self._next is None:
            self._owner.paste(0, (x1, y1), mask)
            return
        self._signs.append((self._next, box, window, count))
        self._owner.paste(len(self._signs), (x1, y1), mask)

    def glow(self, column: float, row: float, size: float, colour: tuple[int, int, int]) -> None:
        """A soft round light."""
        side = max(3, round(2 * size))
        left, top = round(column - side / 2), round(row - side / 2)
        if -side < left < self.picture.width and -side < top < self.picture.height:
            self.picture.paste(colour, (left, top), _GLOW.resize((side, side)))

    def judged(self) -> list[Shown]:
        """The signs with what is seen of each."""
        found = []
        for place, (number, box, window, count) in enumerate(self._signs, start=1):
            seen = self._owner.crop(window).histogram()[place]
            x1, y1, x2, y2 = box
            inner = (
                max(0.0, x1),
                max(0.0, y1),
                min(float(self.picture.width), x2),
                min(float(self.picture.height), y2),
            )
            share = (inner[2] - inner[0]) * (inner[3] - inner[1]) / max(1e-6, (x2 - x1) * (y2 - y1))
            # Faces of few pixels may have none that they cover by half.
            free = seen / count if count >= 4 else 1.0
            found.append(Shown(number=number, box=inner, whole_px=y2 - y1, visible=float(share * free)))
        return found

    def _meets(self, box: tuple[float, float, float, float]) -> bool:
        return any(
            box[0] < window[2] and window[0] < box[2] and box[1] < window[3] and window[1] < box[3]
            for _, _, window, _ in self._signs
        )


_HALF = [255 if level > 127 else 0 for level in range(256)]


def _soft(power: float, most: int) -> Image.Image:
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    return Image.fromarray((np.clip(1 - np.hypot(x, y), 0, 1) ** power * most).astype(np.uint8))


_SHADOW, _GLOW = _soft(0.6, 170), _soft(2.4, 250)
