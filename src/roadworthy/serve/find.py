"""Where in a picture signs are: a network for all windows, over scales, then the best of each heap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from roadworthy.errors import BundleError
from roadworthy.inputs import Box, ByteArray, FloatArray, InputSpec, crop_resize
from roadworthy.network import Network
from roadworthy.scores import probabilities
from roadworthy.serve.engine import Engine
from roadworthy.signs.catalogue import NO_SIGN

LEAST_PX = 16.0  # the smallest sign that is looked for
STEP = 1.25  # from one size of windows to the next
FILL = 0.75  # of a window's side, which a sign takes up where it is read best
LIKELY = 0.5  # probability of some sign, from which a window counts
_OVERLAP = 0.25  # intersection over union, from which two boxes show one sign
_INSIDE = 0.6  # share of the smaller box within the larger, from which they do too
_AGREE = 0.8  # of the best window's probability: those that have a say in the box
_ROOM = 0.1  # around a found box, for the second look


@dataclass(frozen=True, kw_only=True)
class Found:
    """One sign: its box in pixels and the (C,) logits of the network for crops."""

    box: Box
    logits: FloatArray


def find_signs(
    image: ByteArray, windows: Engine, crops: Network, *, least_px: float = LEAST_PX, most: int = 100
) -> list[Found]:
    """Signs in an (H, W, 3) uint8 picture, surest first, `most` at most.

    windows: proposes where signs are.  crops: says what they are, and has the last word on whether.
    least_px: side of the smallest sign looked for; half of it takes four times as long.
    """
    if windows.classes != crops.classes or NO_SIGN not in windows.classes:
        raise BundleError(
            f"finding signs takes two bundles of one network, with {NO_SIGN} among its classes; these have "
            f"{len(windows.classes)} and {len(crops.classes)} classes"
        )
    boxes, sure = _windows(image, windows, least_px)
    boxes = _heaps(boxes, sure)[:most]
    if not len(boxes):
        return []
    # The boxes are the crop: what an InputSpec crops is the annotated one.
    spec = InputSpec(size=crops.spec.size, resize=crops.spec.resize, crop=f"margin={_ROOM}")
    logits = crops.logits(np.stack([crop_resize(image, spec, tuple(box)) for box in boxes.tolist()]))
    nothing = crops.classes.index(NO_SIGN)
    some = 1 - probabilities(logits, crops.temperature)[:, nothing]
    order = np.argsort(-some, kind="stable")
    return [
        Found(box=tuple(boxes[i].tolist()), logits=logits[i]) for i in order if logits[i].argmax() != nothing
    ]


def sizes(height: int, width: int, least_px: float) -> list[float]:
    """Sides of the windows, in pixels of the picture, that together look for all signs from `least_px` up."""
    side, most = least_px / FILL, float(min(height, width))
    found = []
    while side < most:
        found.append(side)
        side *= STEP
    return [*found, most]


def _windows(image: ByteArray, engine: Engine, least_px: float) -> tuple[FloatArray, FloatArray]:
    """(N, 4) boxes of the windows that seem to show a sign, shrunk to it, and (N,) how likely they do."""
    height, width = image.shape[:2]
    size, stride = engine.spec.size, engine.manifest.stride
    nothing = engine.classes.index(NO_SIGN)
    picture = Image.fromarray(image)
    boxes: list[FloatArray] = [np.empty((0, 4))]
    sure: list[FloatArray] = [np.empty(0)]
    for side in sizes(height, width, least_px):
        rows, columns = (
            max(size, round(extent * size / side / stride) * stride) for extent in (height, width)
        )
        small = np.asarray(picture.resize((columns, rows), Image.Resampling.BILINEAR))
        probs = probabilities(engine.windows(small), engine.temperature)
        some = 1 - probs[..., nothing]
        row, column = np.nonzero(some >= LIKELY)
        across, down = width / columns, height / rows
        room = (1 - FILL) / 2 * size
        low = np.stack([(column * stride + room) * across, (row * stride + room) * down], axis=1)
        reach = FILL * size * np.array([across, down])
        boxes.append(np.concatenate([low, low + reach], axis=1))
        sure.append(some[row, column])
    return np.concatenate(boxes), np.concatenate(sure)


def _heaps(boxes: FloatArray, sure: FloatArray) -> FloatArray:
    """(M, 4), one box for each heap of windows that overlap, the surest heap first."""
    left = np.argsort(-sure, kind="stable")
    found = []
    while len(left):
        best = left[0]
        same = _shows_one(boxes[best], boxes[left])
        heap = left[same & (sure[left] >= _AGREE * sure[best])]
        # Signs are read in windows a little too small and much too large: the smaller half is nearer.
        side = boxes[heap, 2] - boxes[heap, 0]
        near = heap[side <= np.median(side)]
        found.append(np.average(boxes[near], axis=0, weights=sure[near]))
        left = left[~(same | _shows_one(found[-1], boxes[left]))]
    return np.array(found).reshape(-1, 4)


def _shows_one(box: FloatArray, others: FloatArray) -> np.ndarray:
    """Which of the (N, 4) others overlap with a box so much that both show the same sign."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    own, theirs = np.prod(box[2:] - box[:2]), np.prod(others[:, 2:] - others[:, :2], axis=1)
    union = own + theirs - shared
    return np.asarray((shared >= _OVERLAP * union) | (shared >= _INSIDE * np.minimum(own, theirs)))
