"""Whether a picture has colour.  numpy and Pillow only, and short: other languages may have it, too.

The rule, for an RGB picture of 8 bits:

1. Average blocks of k by k pixels, k = max(2, min(width, height) // GRID), to whole levels; those at the
   right and lower edge of what they have.  So sensor noise and the coarse chroma of JPEG fall out.
2. Of each block: luma = 0.299 R + 0.587 G + 0.114 B, chroma = (R - luma, B - luma).  Blocks with a channel of
   CLIPPED or more are left out, unless they are more than three quarters: light that is cut off has no hue.
3. level = mean luma + FLOOR.
4. Luma times one factor is taken off each part of chroma (least squares, through the origin).  Where what is
   left has a root mean square below LEFT * level, chroma only repeats luma: grey, and grey under a tint,
   have no colour.
5. Let `length` be that of mean chroma.  All hues are one, a tint that JPEG blurred, where length is at least
   TINTED * level; the root mean square of chroma across its direction is below
   min(HUES * length / level, HUES_MOST) * length; and blocks lighter than the mean are no more neutral than
   the rest, as white in a red sign is: their mean chroma along the direction, over their mean luma + FLOOR,
   is above EVEN * length / level.  Then the picture has no colour either.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GRID = 16  # blocks along the shorter side, at least
SMALLEST = 2  # pixels along a block
CLIPPED = 250.0
KEPT = 0.25  # of the blocks: where fewer are not clipped, all count
FLOOR = 10.0  # levels: in the dark a level of noise is no colour
LEFT = 0.045
TINTED, EVEN = 0.15, 0.7
HUES, HUES_MOST = 0.5, 0.1
# Luma and both parts of chroma from R, G, B.
_PARTS = np.array([[0.299, 0.587, 0.114], [0.701, -0.587, -0.114], [-0.299, -0.587, 0.886]]).T


def constants() -> dict[str, Any]:
    """All numbers of the rule, for the page, which judges in the browser."""
    return {
        "grid": GRID,
        "smallest": SMALLEST,
        "clipped": CLIPPED,
        "kept": KEPT,
        "floor": FLOOR,
        "left": LEFT,
        "tinted": TINTED,
        "even": EVEN,
        "hues": HUES,
        "hues_most": HUES_MOST,
        "parts": _PARTS.tolist(),
    }


def has_colour(picture: NDArray[np.uint8] | Image.Image) -> bool:
    """Whether an RGB picture shows colours; false for grey, infrared, and one tint over all of it.

    picture: (H, W, 3) uint8, or a PIL image of mode RGB; the whole picture rather than a sign cut out of it,
    for a sign may itself be black and white.
    """
    blocks = _blocks(picture)
    luma, *tint = blocks.mean(axis=0).tolist()
    moments = blocks.T @ blocks / len(blocks)
    level = luma + FLOOR
    slopes = moments[0, 1:] ** 2 / max(moments[0, 0], 1e-6)
    left = moments[1, 1] + moments[2, 2] - slopes.sum()
    if left < (LEFT * level) ** 2:
        return False
    length = math.hypot(*tint)
    if length < TINTED * level:
        return True
    along, across = np.array(tint) / length, np.array([-tint[1], tint[0]]) / length
    if across @ moments[1:, 1:] @ across >= (min(HUES * length / level, HUES_MOST) * length) ** 2:
        return True
    light = blocks[blocks[:, 0] >= luma].mean(axis=0)
    return bool(light[1:] @ along <= (light[0] + FLOOR) * EVEN * length / level)


def _blocks(picture: NDArray[np.uint8] | Image.Image) -> NDArray[np.float64]:
    """(N, 3) luma and both parts of chroma of the blocks that count."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    means = np.asarray(image.reduce(max(SMALLEST, min(image.size) // GRID)), dtype=np.float64).reshape(-1, 3)
    unclipped = means[means.max(axis=1) < CLIPPED]
    kept = unclipped if len(unclipped) >= KEPT * len(means) else means
    return np.asarray(kept @ _PARTS)
