"""Small pictures that are laid over frames: faces of signs, words, panels.  Each is drawn once and kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import FaceError, MissingExtraError
from roadworthy.core.words import visible
from roadworthy.signs.catalogue import kind_and_value, plain_face
from roadworthy.signs.draw import draw_tile

Rgba = tuple[int, int, int, int]
PANEL: Rgba = (16, 20, 26, 205)
WHITE: Rgba = (255, 255, 255, 255)
SOFT: Rgba = (196, 204, 212, 255)
RED, BLACK, GREY = (200, 16, 46, 255), (20, 20, 20, 255), (139, 149, 161, 255)
_FINER = 4  # discs are drawn so many times larger, for smooth edges
_LONGEST = 60


@dataclass(frozen=True, eq=False)
class Patch:
    """A picture with opacity, ready to be laid over another.

    colour: (H, W, 3) uint16, levels times opacity.  clear: (H, W, 1) uint16, 255 less the opacity.
    """

    colour: np.ndarray[tuple[int, ...], np.dtype[np.uint16]]
    clear: np.ndarray[tuple[int, ...], np.dtype[np.uint16]]

    @property
    def height(self) -> int:
        """In pixels."""
        return self.colour.shape[0]

    @property
    def width(self) -> int:
        """In pixels."""
        return self.colour.shape[1]

    def over(self, image: ByteArray, left: int, top: int) -> None:
        """Lay it over an image, in place; what lies outside is left away."""
        x1, y1 = max(left, 0), max(top, 0)
        x2, y2 = min(left + self.width, image.shape[1]), min(top + self.height, image.shape[0])
        if x1 >= x2 or y1 >= y2:
            return
        mine = np.s_[y1 - top : y2 - top, x1 - left : x2 - left]
        under = image[y1:y2, x1:x2]
        under[:] = (under * self.clear[mine] + self.colour[mine] + 127) // 255


def patch_of(picture: Image.Image) -> Patch:
    """An RGBA picture as a patch."""
    levels = np.asarray(picture.convert("RGBA"), np.uint16)
    opacity = levels[..., 3:]
    return Patch(levels[..., :3] * opacity, 255 - opacity)


@lru_cache(maxsize=64)
def font(px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own face at a size."""
    return ImageFont.load_default(px)


def text_px(height: int) -> int:
    """The size of letters on a frame of a height: 18 px at 720, and never too small to read."""
    return max(11, round(height / 40))


@lru_cache(maxsize=256)
def sign_picture(sign: str, px: int, countries: tuple[str, ...]) -> Image.Image | None:
    """The face of a class, (px, px) RGBA, as these countries draw it; None where nobody can draw it.

    Without [signs], or where no country has the face, speed limits and their ends are plain discs.
    """
    face = plain_face(sign, countries)
    if face is not None:
        try:
            return Image.fromarray(np.array(draw_tile(face, px)))
        except (MissingExtraError, FaceError):
            pass  # a plain disc tells the number as well
    return plain_disc(sign, px)


def plain_disc(sign: str, px: int) -> Image.Image | None:
    """A speed limit or its end as a disc, (px, px) RGBA; None for other classes."""
    kind, value = kind_and_value(sign)
    if kind == "speed" and value is not None:
        return _disc(str(value), px, rim=RED, ground=WHITE, ink=BLACK)
    if kind == "end-speed" and value is not None:
        return _disc(str(value), px, rim=BLACK, ground=WHITE, ink=GREY, struck=True)
    if kind == "end-all-limits":
        return _disc("", px, rim=BLACK, ground=WHITE, ink=BLACK, struck=True)
    return None


def unknown_disc(px: int) -> Image.Image:
    """What stands where no limit is known: a question mark on grey."""
    return _disc("?", px, rim=WHITE, ground=GREY, ink=WHITE)


def _disc(words: str, px: int, *, rim: Rgba, ground: Rgba, ink: Rgba, struck: bool = False) -> Image.Image:
    side = px * _FINER
    picture = Image.new("RGBA", (side, side))
    pen, edge = ImageDraw.Draw(picture), side // 9
    pen.ellipse((0, 0, side - 1, side - 1), fill=rim)
    pen.ellipse((edge, edge, side - 1 - edge, side - 1 - edge), fill=ground)
    size = round(side * (0.5 if len(words) < 3 else 0.38))
    pen.text((side / 2, side / 2), words, fill=ink, font=font(size), anchor="mm", stroke_width=size // 24)
    if struck:
        pen.line((side * 0.8, side * 0.2, side * 0.2, side * 0.8), fill=BLACK, width=side // 16)
    return picture.resize((px, px), Image.Resampling.LANCZOS)


@lru_cache(maxsize=512)
def panel(lines: tuple[str, ...], px: int, face: tuple[str, int, tuple[str, ...]] | None = None) -> Patch:
    """Words on a dark panel, the face of a sign (class, pixels, countries) to their left.

    The first line is white, the others are softer; px is the letters' size.
    """
    picture = sign_picture(*face) if face else None
    texts = [_short(line) for line in lines]
    gap, letters, pitch = max(3, px // 3), font(px), round(px * 1.25)
    wide = max((round(letters.getlength(text)) for text in texts), default=0)
    text_left = gap + (picture.width + gap if picture else 0)
    height = max(pitch * len(texts), picture.height if picture else 0) + 2 * gap
    whole = Image.new("RGBA", (text_left + wide + gap, height))
    pen = ImageDraw.Draw(whole)
    pen.rounded_rectangle((0, 0, whole.width - 1, height - 1), radius=gap, fill=PANEL)
    if picture is not None:
        whole.alpha_composite(picture, (gap, (height - picture.height) // 2))
    top = (height - pitch * len(texts)) // 2
    for number, text in enumerate(texts):
        where = (text_left, top + pitch * number + pitch / 2)
        pen.text(where, text, fill=SOFT if number else WHITE, font=letters, anchor="lm")
    return patch_of(whole)


def wrapped(text: str, px: int, width: int, most: int) -> list[str]:
    """A text in lines of at most `width` pixels; what does not fit into `most` lines ends in three dots."""
    letters, lines = font(px), [""]
    for word in visible(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if letters.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1]} …"]
    return [line for line in lines if line]


def stacked(picture: Image.Image, lines: Sequence[str], px: int) -> Patch:
    """A sign on a dark panel with words below it, each line in the middle."""
    gap, letters, pitch = max(4, px // 2), font(px), round(px * 1.25)
    wide = max([picture.width, *(round(letters.getlength(line)) for line in lines)])
    height = picture.height + 2 * gap + (pitch * len(lines) + gap // 2 if lines else 0)
    whole = Image.new("RGBA", (wide + 2 * gap, height))
    pen = ImageDraw.Draw(whole)
    pen.rounded_rectangle((0, 0, whole.width - 1, whole.height - 1), radius=gap, fill=PANEL)
    whole.alpha_composite(picture, ((whole.width - picture.width) // 2, gap))
    for number, line in enumerate(lines):
        where = (whole.width / 2, picture.height + 2 * gap + pitch * number + pitch / 2 - gap / 4)
        pen.text(where, line, fill=WHITE, font=letters, anchor="mm")
    return patch_of(whole)


def overlap(a: Sequence[int], others: Iterable[Sequence[int]]) -> bool:
    """Whether a rectangle (x1, y1, x2, y2) shares a pixel with one of the others."""
    return any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for b in others)


def _short(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
