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
6. Colour must lie within the picture, and widely.  Of pictures of WIDE blocks and more along both sides,
   leave out the EDGE of the shorter side (at least one block) all around.  Take off each part of chroma what
   luma and its differences across and down explain (least squares with a ridge): a lens's fringe follows
   edges.  Leave out the share SPOTS of blocks with most left, a time stamp or a bar, and take off again.
   Where the mean product of what is left in neighbouring blocks, which noise does not share, is below
   (SHARED * level)^2, a grey picture has a little colour added, and counts as grey.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in JPEG
GRID = 16  # blocks along the shorter side, at least
SMALLEST = 2  # pixels along a block
CLIPPED = 250.0
KEPT = 0.25  # of the blocks: where fewer are not clipped, all count
FLOOR = 10.0  # levels: in the dark a level of noise is no colour
LEFT = 0.045
TINTED, EVEN = 0.15, 0.7
HUES, HUES_MOST = 0.5, 0.1
WIDE, EDGE, SPOTS, SHARED = 6, 0.1, 0.12, 0.018
RIDGE = 0.001  # levels squared: a flat picture can be fitted, too
# Luma and both parts of chroma from R, G, B.
_PARTS = np.array([LUMA, [0.701, -0.587, -0.114], [-0.299, -0.587, 0.886]]).T


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
        "wide": WIDE,
        "edge": EDGE,
        "spots": SPOTS,
        "shared": SHARED,
        "ridge": RIDGE,
        "parts": _PARTS.tolist(),
    }


def has_colour(picture: NDArray[np.uint8] | Image.Image) -> bool:
    """Whether an RGB picture shows colours; false for grey, infrared, and one tint over all of it.

    False, too, where the only colour is at the edge, in a spot or in noise.
    picture: (H, W, 3) uint8, or a PIL image of mode RGB; the whole picture rather than a sign cut out of it,
    for a sign may itself be black and white.
    """
    grid, counted = _blocks(picture)
    blocks = grid[counted]
    luma, *tint = blocks.mean(axis=0).tolist()
    moments = blocks.T @ blocks / len(blocks)
    level = luma + FLOOR
    slopes = moments[0, 1:] ** 2 / max(moments[0, 0], 1e-6)
    left = moments[1, 1] + moments[2, 2] - slopes.sum()
    if left < (LEFT * level) ** 2 or not _is_wide(grid, counted, level):
        return False
    length = math.hypot(*tint)
    if length < TINTED * level:
        return True
    along, across = np.array(tint) / length, np.array([-tint[1], tint[0]]) / length
    if across @ moments[1:, 1:] @ across >= (min(HUES * length / level, HUES_MOST) * length) ** 2:
        return True
    light = blocks[blocks[:, 0] >= luma].mean(axis=0)
    return bool(light[1:] @ along <= (light[0] + FLOOR) * EVEN * length / level)


def _is_wide(grid: NDArray[np.float64], counted: NDArray[np.bool_], level: float) -> bool:
    """Whether colour is within the picture and in more than a spot of it (6)."""
    shorter = min(counted.shape)
    if shorter < WIDE:
        return True
    edge = max(1, int(EDGE * shorter))
    padded = np.pad(grid[..., 0], 1, mode="edge")
    across, down = padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1]
    causes, chroma = np.stack([grid[..., 0], across, down], axis=-1), grid[..., 1:]
    chosen = np.zeros_like(counted)
    chosen[edge:-edge, edge:-edge] = counted[edge:-edge, edge:-edge]
    if not chosen.any():
        return True
    spread = (_unexplained(chroma, causes, chosen) ** 2).sum(axis=-1)
    most = np.sort(spread[chosen])[math.ceil((1 - SPOTS) * chosen.sum()) - 1]
    chosen &= spread <= most
    left = _unexplained(chroma, causes, chosen) * chosen[..., None]
    products = (left[:, :-1] * left[:, 1:]).sum() + (left[:-1] * left[1:]).sum()
    pairs = (chosen[:, :-1] & chosen[:, 1:]).sum() + (chosen[:-1] & chosen[1:]).sum()
    return bool(products >= pairs * (SHARED * level) ** 2)


def _unexplained(
    chroma: NDArray[np.float64], causes: NDArray[np.float64], chosen: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(H, W, 2) chroma less what its causes (H, W, N) explain of it, fitted to the chosen blocks."""
    known = causes[chosen]
    ridge = RIDGE * len(known) * np.eye(known.shape[1])
    return chroma - causes @ np.linalg.solve(known.T @ known + ridge, known.T @ chroma[chosen])


def _blocks(picture: NDArray[np.uint8] | Image.Image) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(H, W, 3) luma and both parts of chroma of blocks, and (H, W) which of them count."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    means = np.asarray(image.reduce(max(SMALLEST, min(image.size) // GRID)), dtype=np.float64)
    unclipped = means.max(axis=2) < CLIPPED
    counted = unclipped if unclipped.mean() >= KEPT else np.ones_like(unclipped)
    return means @ _PARTS, counted
