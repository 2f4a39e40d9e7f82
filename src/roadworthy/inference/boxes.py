"""Where signs are in a frame, by a network that finds: frames of any size in, boxes out.  numpy only."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image

from roadworthy.core.arrays import BoolArray, ByteArray, FloatArray
from roadworthy.core.errors import UsageError

MULTIPLE = 32  # of which the height and width of what the network is shown must be
FINE_PX = 10.0  # the smallest sign that the network finds at its own scale
LARGE_PX = 160.0  # up to which it was trained; larger signs are found in the frame shrunk
SHRINK = 4  # for those: a sixteenth of the work
LOWEST_PX = 4.0  # of a smaller one nothing can be seen
MOST_PIXELS = 13_000_000  # shown to the network at once; beyond, memory is the limit
MOST = 100
OVERLAP = 0.5  # intersection over union, from which two boxes are one sign
INSIDE = 0.8  # share of the smaller box within the larger, from which they are too
FILL = 114  # grey level around frames whose sides are no multiples
GAP = 2.0  # a frame is reduced to this many times what it is resized to, which is quicker by far


class Detections(NamedTuple):
    """N boxes, surest first: (N, 4) float32 in pixels, x2 and y2 exclusive, and (N,) float32 scores."""

    boxes: FloatArray
    scores: FloatArray


class Finding(Protocol):
    """A network that finds, wherever its weights are."""

    def cells(self, frame: ByteArray) -> FloatArray:
        """(H, W, 3) uint8 RGB, H and W multiples of 32 -> (N, 5): x1, y1, x2, y2 in pixels and a score."""


def find_boxes(
    frame: ByteArray,
    finder: Finding,
    *,
    threshold: float,
    least_px: float | None = None,
    most: int = MOST,
    check: Callable[[], None] = lambda: None,
) -> Detections:
    """The signs in an (H, W, 3) uint8 RGB frame of any size.

    threshold: least score of a box.  least_px: side of the smallest sign looked for, from 4 px; half of it
    takes four times as long.  None is 10 px in frames of up to 13 megapixels, and grows with larger ones.
    check: called between passes; what it raises ends the search.
    """
    check_least(least_px)
    height, width = frame.shape[:2]
    found = [np.empty((0, 5), np.float32)]
    for scale in scales(height, width, least_px):
        check()
        found.append(_seen(frame, finder, scale, threshold))
    every = np.concatenate(found)
    every[:, [0, 2]] = every[:, [0, 2]].clip(0, width)
    every[:, [1, 3]] = every[:, [1, 3]].clip(0, height)
    some = (every[:, 2] - every[:, 0] >= 1) & (every[:, 3] - every[:, 1] >= 1)
    return best(every[some], most)


def check_least(least_px: float | None) -> None:
    """UsageError for a side that no sign can be looked for from."""
    if least_px is None:
        return
    if isinstance(least_px, bool) or not isinstance(least_px, Real):
        raise UsageError(f"least_px is {least_px!r}; it must be a number of pixels, {LOWEST_PX:g} or more")
    try:
        side = float(least_px)
    except OverflowError:  # an integer beyond all floats
        side = math.inf
    if not LOWEST_PX <= side < math.inf:
        raise UsageError(f"the smallest sign is asked to be {side:g} px; give {LOWEST_PX:g} or more")


def scales(height: int, width: int, least_px: float | None = None) -> list[float]:
    """By which the frame is resized for each pass: for small signs first, then for large ones."""
    first = 1.0 if least_px is None else FINE_PX / least_px
    first = min(first, math.sqrt(MOST_PIXELS / (height * width)))
    found = [first]
    while max(height, width) * found[-1] > 2 * LARGE_PX:
        found.append(found[-1] / SHRINK)
    return [scale for scale in found if min(height, width) * scale >= LOWEST_PX]


def _seen(frame: ByteArray, finder: Finding, scale: float, threshold: float) -> FloatArray:
    """(N, 5) what one pass finds, in pixels of the frame itself."""
    height, width = frame.shape[:2]
    if scale != 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        frame = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR, reducing_gap=GAP))
    cells = finder.cells(padded(frame))
    cells = cells[cells[:, 4] >= threshold]
    by = np.array([width / frame.shape[1], height / frame.shape[0]] * 2 + [1], np.float32)
    return np.asarray(cells * by, np.float32)


def padded(frame: ByteArray) -> ByteArray:
    """The frame with grey to its right and below, so that its sides are multiples of 32."""
    height, width = frame.shape[:2]
    more = (-height % MULTIPLE, -width % MULTIPLE)
    if more == (0, 0):
        return frame
    return np.pad(frame, ((0, more[0]), (0, more[1]), (0, 0)), constant_values=FILL)


def best(cells: FloatArray, most: int = MOST) -> Detections:
    """Of (N, 5) boxes with scores those that are signs of their own, surest first; ties by place."""
    order = np.lexsort((cells[:, 0], cells[:, 1], -cells[:, 4]))
    left = cells[order]
    kept: list[FloatArray] = []
    while len(left) and len(kept) < most:
        kept.append(left[0])
        left = left[1:][~same_sign(left[0], left[1:])]
    chosen = np.array(kept, np.float32).reshape(-1, 5)
    return Detections(chosen[:, :4], chosen[:, 4])


def same_sign(box: FloatArray, others: FloatArray) -> BoolArray:
    """Which of (N, 4 or more) others show the same sign as a box: both overlap, or one holds the other."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:4], others[:, 2:4])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    own, theirs = np.prod(box[2:4] - box[:2]), np.prod(others[:, 2:4] - others[:, :2], axis=1)
    return np.asarray(
        (shared > OVERLAP * (own + theirs - shared)) | (shared > INSIDE * np.minimum(own, theirs))
    )


def constants() -> dict[str, float]:
    """The numbers that this rests on, for the page, which finds in the browser."""
    return {
        "multiple": MULTIPLE,
        "fine_px": FINE_PX,
        "large_px": LARGE_PX,
        "shrink": SHRINK,
        "lowest_px": LOWEST_PX,
        "most_pixels": MOST_PIXELS,
        "most": MOST,
        "overlap": OVERLAP,
        "inside": INSIDE,
        "fill": FILL,
        "gap": GAP,
    }
