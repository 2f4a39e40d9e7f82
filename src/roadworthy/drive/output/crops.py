"""The clearest picture of a sign, small enough that a report holds hundreds of them."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image

from roadworthy.core.arrays import Box, ByteArray
from roadworthy.core.errors import ShapeError

SIDE_PX = 160
_MARGIN = 0.35  # of the box's longer side, on each side: a sign is known by its pole and plate, too
_LEAST_PX = 8
_SMALLER_PX = (128, 96, 72, 56)


def crop_jpeg(image: ByteArray, box: Box, side: int = SIDE_PX) -> bytes:
    """What a box shows and a little around it, as JPEG, its longer side at most `side` pixels.

    image: (H, W, 3) uint8 RGB.  box: x1, y1, x2, y2 in its pixels; what lies outside is left away.
    Raises ShapeError for a box that the picture does not hold.
    """
    height, width = image.shape[:2]
    around = max(_MARGIN * max(box[2] - box[0], box[3] - box[1]), _LEAST_PX)
    left, top = max(0, int(box[0] - around)), max(0, int(box[1] - around))
    right, bottom = min(width, int(np.ceil(box[2] + around))), min(height, int(np.ceil(box[3] + around)))
    if right <= left or bottom <= top:
        raise ShapeError(f"box {box} lies outside the picture of {width} x {height}")
    return _jpeg(Image.fromarray(np.ascontiguousarray(image[top:bottom, left:right])), side)


def within_budget(crops: Mapping[str, bytes], most_bytes: int) -> dict[str, bytes]:
    """The same pictures, smaller where they are more than `most_bytes` together.

    Where even the smallest are too many, the last are left out.
    """
    kept = dict(crops)
    for side in _SMALLER_PX:
        if sum(map(len, kept.values())) <= most_bytes:
            return kept
        kept = {name: _smaller(jpeg, side) for name, jpeg in crops.items()}
    total, fitting = 0, {}
    for name, jpeg in kept.items():
        total += len(jpeg)
        if total > most_bytes:
            break
        fitting[name] = jpeg
    return fitting


def _smaller(jpeg: bytes, side: int) -> bytes:
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
        return _jpeg(picture.convert("RGB"), side)


def _jpeg(picture: Image.Image, side: int) -> bytes:
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=82, optimize=True)
    return buffer.getvalue()
