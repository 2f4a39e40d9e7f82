"""Pillow's ways to resize a picture, and which of its pixels they look at."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from roadworthy.core.arrays import Box

RESIZE_RULES = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
REACH = 3  # pixels of the result that the widest rule, lanczos, looks at on either side


def looked_at(part: Box, width: int, height: int, size: int) -> tuple[tuple[int, int, int, int], Box]:
    """What of a picture is looked at when that part of it is resized, and where in it the part lies."""
    # In Pillow's own precision, so that moving the box loses nothing.
    x1, y1, x2, y2 = np.asarray(part, np.float32).tolist()
    across, down = (math.ceil(REACH * max(1.0, extent / size)) + 1 for extent in (x2 - x1, y2 - y1))
    left, top = max(0, math.floor(x1) - across), max(0, math.floor(y1) - down)
    right, bottom = min(width, math.ceil(x2) + across), min(height, math.ceil(y2) + down)
    return (left, top, right, bottom), (x1 - left, y1 - top, x2 - left, y2 - top)
