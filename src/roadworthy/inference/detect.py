"""Where in a picture signs are: a network for all windows, at several scales, then boxes adjusted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roadworthy.core.arrays import Box, ByteArray, FloatArray, IntArray
from roadworthy.core.errors import BundleError, UsageError
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.imaging.resizing import RESIZE_RULES
from roadworthy.imaging.spec import ROOM as ROOM  # around one that a person gives, too
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.answer_rule import Found
from roadworthy.inference.network import Network
from roadworthy.inference.onnx import Engine
from roadworthy.signs.catalogue import NO_SIGN

BoolArray = NDArray[np.bool_]

LEAST_PX = 16.0  # the smallest sign that is looked for
LOWEST_PX = 4.0  # of a smaller one nothing can be seen
FULL_PIXELS = 2_000_000  # of a picture, up to which signs of LEAST_PX are looked for
TILE_PIXELS = 4_000_000  # given to the network at once
LOOSEST = 0.1  # of a picture's shorter side: the smallest sign in a picture that is of one sign
SHRUNK_FROM = 4_000_000  # pixels of a picture of one sign, above which it is shrunk before it is looked at
GAP = 2.0  # of the network's size: the smallest window in a shrunk picture, at least
STEP = 1.5  # from one size of windows to the next
FILL = 0.75  # of a window's side, which a sign takes up where it is read best
LIKELY = 6.0  # log-odds of some sign against none, from which a window or a crop counts
_RESIZE = "bilinear"  # of the picture for a size of windows
_OVERLAP = 0.25  # intersection over union, from which two boxes show one sign
_INSIDE = 0.6  # share of the smaller box within the larger, from which they do too
_SOFT = 4.0  # of log-odds: a window so much below the best has a third of its say in the box
_SHIFTS = 4  # of a box towards the windows that it overlaps; it then hardly moves any more
_NEAR = 0.8  # of the larger side: boxes whose middles lie nearer than that are not two signs
# A box is adjusted by what the network for crops says of it larger and smaller, wider and higher, moved.
_FACTORS = np.log([0.65, 0.75, 0.87, 1.0, 1.15, 1.3, 1.5])
_MOVES = np.array([-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3])  # of the box's sides
_TRIED = np.stack([_FACTORS, _FACTORS, _MOVES, _MOVES])  # sizes, shapes, right, down
_ROUNDS = 2
MOST = 100  # signs, and groups of windows that are looked at again
_LARGER = 1.2  # the box that it is surest of, by the sign's own sides


def constants() -> dict[str, Any]:
    """All numbers that finding rests on, for the page, which finds in the browser."""
    return {
        "least_px": LEAST_PX,
        "full_pixels": FULL_PIXELS,
        "loosest": LOOSEST,
        "shrunk_from": SHRUNK_FROM,
        "gap": GAP,
        "step": STEP,
        "fill": FILL,
        "likely": LIKELY,
        "overlap": _OVERLAP,
        "inside": _INSIDE,
        "soft": _SOFT,
        "shifts": _SHIFTS,
        "near": _NEAR,
        "room": ROOM,
        "tried": _TRIED.tolist(),
        "rounds": _ROUNDS,
        "larger": _LARGER,
        "most": MOST,
        "resize": _RESIZE,
    }


def find_signs(
    image: ByteArray,
    windows: Engine,
    crops: Network,
    *,
    least_px: float | None = None,
    most: int = MOST,
    check: Callable[[], None] = lambda: None,
) -> list[Found]:
    """Signs in an (H, W, 3) uint8 RGB picture, surest first, `most` at most.

    windows: proposes where signs are.  crops: says where exactly, what they are, and whether they are any.
    least_px: side of the smallest sign looked for; half of it takes four times as long.  None is what
    `smallest_sought` says of a picture of this size.
    check: called now and then; what it raises ends the search, when nobody waits for it any more.
    """
    if least_px is None:
        least_px = smallest_sought(*image.shape[:2])
    check_smallest(least_px)
    if windows.classes != crops.classes or NO_SIGN not in windows.classes:
        raise BundleError(
            f"a closer look takes two bundles of one network, with {NO_SIGN} among its classes; these have "
            f"{len(windows.classes)} and {len(crops.classes)} classes"
        )
    if min(image.shape[:2]) < LOWEST_PX:
        return []
    boxes = _merged(*_likely_windows(image, windows, least_px, check))[:most]
    if not len(boxes):
        return []
    boxes = np.stack([_adjusted(image, crops, box, check) for box in boxes])
    logits = _crop_logits(image, crops, boxes)
    odds = _sign_log_odds(logits / crops.temperature, crops.classes.index(NO_SIGN))
    found: list[int] = []
    for i in np.argsort(-odds, kind="stable").tolist():
        # Adjusted, the boxes of two groups may have become one.
        if odds[i] >= LIKELY and not _same_sign(boxes[i], boxes[found]).any():
            found.append(i)
    return [Found(box=tuple(boxes[i].tolist()), logits=logits[i]) for i in found]


def find_one(
    image: ByteArray, windows: Engine, crops: Network, *, check: Callable[[], None] = lambda: None
) -> list[Found]:
    """The same in a picture that is of one sign, however loosely framed; quick for pictures of any size."""
    return find_one_shrunk(shrink(image, windows.spec.size), windows, crops, check=check)


@dataclass(frozen=True, kw_only=True)
class Shrunk:
    """A picture of one sign, as it is looked at: shrunk by a whole factor where it is large.

    height, width: of the picture itself.
    """

    pixels: ByteArray
    factor: int
    height: int
    width: int


def shrink(image: ByteArray | Image.Image, size: int) -> Shrunk:
    """A picture of one sign with no more pixels than a network of that size makes use of.

    Every size of windows would otherwise be resized from all pixels of the picture anew.
    """
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    factor = shrink_factor(picture.height, picture.width, size)
    pixels = np.asarray(picture.reduce(factor) if factor > 1 else image)
    return Shrunk(pixels=pixels, factor=factor, height=picture.height, width=picture.width)


def shrink_factor(height: int, width: int, size: int) -> int:
    """The largest that leaves the smallest window GAP times the network's size; 1 for smaller pictures."""
    if height * width <= SHRUNK_FROM:
        return 1
    return max(1, int(LOOSEST * min(height, width) / FILL / (GAP * size)))


def find_one_shrunk(
    picture: Shrunk, windows: Engine, crops: Network, *, check: Callable[[], None] = lambda: None
) -> list[Found]:
    """`find_one` of a picture that was shrunk before; boxes are in pixels of the picture itself."""
    least_px = max(LEAST_PX, LOOSEST * min(picture.pixels.shape[:2]))
    found = find_signs(picture.pixels, windows, crops, least_px=least_px, check=check)
    if picture.factor == 1:
        return found
    return [Found(box=_enlarged(one.box, picture), logits=one.logits) for one in found]


def _enlarged(box: Box, picture: Shrunk) -> Box:
    """A box in a shrunk picture, in pixels of the picture itself; the last pixels may reach beyond it."""
    (x1, y1, x2, y2), by = box, picture.factor
    width, height = picture.width, picture.height
    return min(by * x1, width), min(by * y1, height), min(by * x2, width), min(by * y2, height)


def smallest_sought(height: int, width: int) -> float:
    """Side in px of the smallest sign looked for in a picture of which nothing else is said.

    LEAST_PX up to FULL_PIXELS; above, it grows as the sides do, so that a picture takes seconds, not minutes.
    """
    return LEAST_PX * max(1.0, math.sqrt(height * width / FULL_PIXELS))


def check_smallest(least_px: float) -> None:
    """UsageError for a side that no sign can be looked for from."""
    if not LOWEST_PX <= least_px < math.inf:
        raise UsageError(f"the smallest sign is asked to be {least_px:g} px; give {LOWEST_PX:g} or more")


def sizes(height: int, width: int, least_px: float) -> list[float]:
    """Sides of the windows, in pixels of the picture, that together look for all signs from `least_px` up."""
    side, most = least_px / FILL, float(min(height, width))
    found = []
    while side < most:
        found.append(side)
        side *= STEP
    return [*found, most]


def _likely_windows(
    image: ByteArray, engine: Engine, least_px: float, check: Callable[[], None]
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Windows that seem to show a sign: (N, 4) boxes shrunk to it, (N,) log-odds of a sign, (N,) which."""
    height, width = image.shape[:2]
    size, stride = engine.spec.size, engine.manifest.stride
    nothing = engine.classes.index(NO_SIGN)
    picture = Image.fromarray(image)
    boxes: list[FloatArray] = [np.empty((0, 4))]
    odds: list[FloatArray] = [np.empty(0)]
    signs: list[IntArray] = [np.empty(0, int)]
    for side in sizes(height, width, least_px):
        rows, columns = (
            max(size, round(extent * size / side / stride) * stride) for extent in (height, width)
        )
        logits = _window_logits(picture, rows, columns, engine, check) / engine.temperature
        # Probabilities would all be 1 about a sign, and could not say where it is read best.
        some = _sign_log_odds(logits, nothing)
        row, column = np.nonzero(some >= LIKELY)
        across, down = width / columns, height / rows
        room = (1 - FILL) / 2 * size
        low = np.stack([(column * stride + room) * across, (row * stride + room) * down], axis=1)
        reach = FILL * size * np.array([across, down])
        boxes.append(np.concatenate([low, low + reach], axis=1))
        odds.append(some[row, column])
        signs.append(logits[row, column].argmax(axis=1))
    return np.concatenate(boxes), np.concatenate(odds), np.concatenate(signs)


def _window_logits(
    picture: Image.Image, rows: int, columns: int, engine: Engine, check: Callable[[], None]
) -> FloatArray:
    """(h, w, C) logits of all windows of a picture resized to so many rows and columns.

    In tiles where that is large, for the network takes a hundred bytes a pixel; around its windows each has
    the margin of a window, beyond which hardly anything of the picture reaches.
    """
    size, stride = engine.spec.size, engine.manifest.stride
    high, wide = ((extent - size) // stride + 1 for extent in (rows, columns))
    if rows * columns <= TILE_PIXELS:
        return engine.windows(np.asarray(picture.resize((columns, rows), RESIZE_RULES[_RESIZE])))
    edge = max(1, int(math.sqrt(TILE_PIXELS)) // stride)  # windows along a tile's side
    across, down = picture.width / columns, picture.height / rows
    margin = math.ceil(size / stride)
    logits = np.empty((high, wide, len(engine.classes)), np.float32)
    for top in range(0, high, edge):
        for left in range(0, wide, edge):
            check()
            up, back = max(0, top - margin), max(0, left - margin)  # the first window of the tile
            last_down, last_right = min(high, top + edge + margin), min(wide, left + edge + margin)
            y1, x1 = up * stride, back * stride
            y2 = rows if last_down == high else (last_down - 1) * stride + size
            x2 = columns if last_right == wide else (last_right - 1) * stride + size
            box = (x1 * across, y1 * down, x2 * across, y2 * down)
            tile = picture.resize((x2 - x1, y2 - y1), RESIZE_RULES[_RESIZE], box=box)
            own = logits[top : top + edge, left : left + edge]
            seen = engine.windows(np.asarray(tile))
            own[:] = seen[top - up : top - up + own.shape[0], left - back : left - back + own.shape[1]]
    return logits


def _sign_log_odds(logits: FloatArray, nothing: int) -> FloatArray:
    """(...) log-odds of some sign against none, of (..., C) logits."""
    odds: FloatArray = (
        np.logaddexp.reduce(np.delete(logits, nothing, axis=-1), axis=-1) - logits[..., nothing]
    )
    return odds


def _crop_logits(image: ByteArray, crops: Network, boxes: FloatArray) -> FloatArray:
    """(N, C) logits of the network for crops."""
    return crops.logits(cut_out(image, crops.spec, boxes.tolist()))


def cut_out(image: ByteArray, spec: InputSpec, boxes: Sequence[Sequence[float]]) -> ByteArray:
    """(N, S, S, 3): what the network for crops is shown of N boxes."""
    # The boxes are the crop: what an InputSpec crops is the annotated one.
    spec = InputSpec(size=spec.size, resize=spec.resize, crop=f"margin={ROOM}")
    return np.stack([crop_resize(image, spec, (box[0], box[1], box[2], box[3])) for box in boxes])


def _adjusted(image: ByteArray, crops: Network, box: FloatArray, check: Callable[[], None]) -> FloatArray:
    """The box moved, sized and shaped to where the network for crops is surest: a mean weighted by that."""
    check()
    kinds, values = _TRIED.shape
    tries = np.zeros((kinds, values, kinds))
    tries[range(kinds), :, range(kinds)] = _TRIED
    for _ in range(_ROUNDS):
        logits = (
            _crop_logits(image, crops, _changed(box, tries.reshape(-1, kinds), image)) / crops.temperature
        )
        odds = _sign_log_odds(logits, crops.classes.index(NO_SIGN)).reshape(kinds, values)
        weights = np.exp((odds - odds.max(axis=1, keepdims=True)) / _SOFT)
        means = (weights * _TRIED).sum(axis=1) / weights.sum(axis=1)
        means[0] -= np.log(_LARGER)
        box = _changed(box, means[None], image)[0]
    return box


def _changed(box: FloatArray, by: FloatArray, image: ByteArray) -> FloatArray:
    """(N, 4): a box changed by (N, 4) log size, log of width to height by half, right and down; clipped."""
    sides, middle = box[2:] - box[:2], (box[:2] + box[2:]) / 2
    middles = middle + by[:, 2:] * sides
    halves = sides * np.exp(by[:, :1] + by[:, 1:2] * [1, -1]) / 2
    most = np.array(image.shape[1::-1], dtype=np.float64)
    return np.concatenate([np.clip(middles - halves, 0, most), np.clip(middles + halves, 0, most)], axis=1)


def _merged(boxes: FloatArray, odds: FloatArray, signs: IntArray) -> FloatArray:
    """(M, 4), one box for each group of windows that show the same sign, the surest first."""
    left = np.argsort(-odds, kind="stable")
    found = []
    while len(left):
        best = left[0]
        box = boxes[best]
        for _ in range(_SHIFTS):
            group = left[_same_sign(box, boxes[left]) & (signs[left] == signs[best])]
            if not len(group):
                break
            box = np.average(boxes[group], axis=0, weights=np.exp((odds[group] - odds[group].max()) / _SOFT))
        found.append(box)
        left = left[1:][~(_near(box, boxes[left[1:]]) | _same_sign(boxes[best], boxes[left[1:]]))]
    return np.array(found).reshape(-1, 4)


def _near(box: FloatArray, others: FloatArray) -> BoolArray:
    """Which of the (N, 4) others lie so near to a box that they show the same sign, or an edge of it."""
    middles, middle = (others[:, :2] + others[:, 2:]) / 2, (box[:2] + box[2:]) / 2
    sides = np.maximum(others[:, 2:] - others[:, :2], box[2:] - box[:2])
    return np.asarray((np.abs(middles - middle) < _NEAR * sides).all(axis=1))


def _same_sign(box: FloatArray, others: FloatArray) -> BoolArray:
    """Which of the (N, 4) others overlap with a box so much that both show the same sign."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    own, theirs = np.prod(box[2:] - box[:2]), np.prod(others[:, 2:] - others[:, :2], axis=1)
    union = own + theirs - shared
    return np.asarray((shared >= _OVERLAP * union) | (shared >= _INSIDE * np.minimum(own, theirs)))
