"""Contact sheets: many small pictures with captions in one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import ShapeError

_GROUND, _INK, _TEXT_PX, _GAP = (255, 255, 255), (40, 40, 40), 13, 8


def contact_sheet(
    images: Sequence[ByteArray], captions: Sequence[str], columns: int = 8, cell: int = 112
) -> ByteArray:
    """Pictures in rows of `columns`, each scaled to fit a square of `cell` pixels, its caption below.

    images: (H, W, 3) uint8 RGB each, sizes may differ.  A caption may have several lines; a line too long for
    its cell is shortened.  Returns (H, W, 3) uint8.
    """
    if len(images) != len(captions) or not images:
        raise ShapeError(
            f"got {len(images)} pictures and {len(captions)} captions; a sheet needs one caption per "
            "picture, and at least one picture"
        )
    font = ImageFont.load_default(_TEXT_PX)
    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)
    line = _TEXT_PX + 3
    text_height = line * max(caption.count("\n") + 1 for caption in captions)
    width, height = cell + _GAP, cell + text_height + _GAP
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), _GROUND)
    pen = ImageDraw.Draw(sheet)
    for number, (image, caption) in enumerate(zip(images, captions, strict=True)):
        left, top = _GAP + number % columns * width, _GAP + number // columns * height
        picture = _fitted(image, cell)
        sheet.paste(picture, (left + (cell - picture.width) // 2, top + (cell - picture.height) // 2))
        for row, text in enumerate(caption.split("\n")):
            pen.text((left, top + cell + 2 + row * line), _shortened(text, font, cell), fill=_INK, font=font)
    return np.asarray(sheet)


def _fitted(image: ByteArray, cell: int) -> Image.Image:
    picture = Image.fromarray(np.ascontiguousarray(image))
    scale = cell / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    # Enlarged pixels stay visible as such: a sheet is for seeing what the network gets.
    return picture.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)


def _shortened(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    # The end of a path tells pictures apart, so the middle goes.
    for kept in range(len(text) - 1, 1, -1):
        candidate = f"{text[: kept // 3]}…{text[len(text) - (kept - kept // 3) :]}"
        if font.getlength(candidate) <= width:
            return candidate
    return "…"
