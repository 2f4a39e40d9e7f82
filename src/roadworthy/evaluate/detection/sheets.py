"""Which misses and false alarms a report shows, and their pictures, with room around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from roadworthy.config import DangerConfig
from roadworthy.core.arrays import Box, ByteArray, IntArray
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.matching import false_kind
from roadworthy.evaluate.detection.sure import SureBox, sure_boxes
from roadworthy.evaluate.detection.tally import Tally, tally

MOST = 24  # of each sheet
CROP_PX = 96
ROOM = 0.75  # of the larger side, around a box
LEAST_PX = 32  # of a frame, that a crop shows
_OUTSIDE = 128  # grey of what lies beyond the frame
_FRAME, _SHADOW = (255, 214, 0), (0, 0, 0)


def sheets(
    predictions: FinderPredictions,
    danger: DangerConfig,
    picture: Callable[[str], ByteArray],
    *,
    most: int = MOST,
) -> dict[str, np.ndarray]:
    """Pictures for a report, by name: of `misses`, `false` alarms, and boxes that are sure and `wrong`.

    picture: the (H, W, 3) uint8 RGB frame at a path; each is asked for once.
    Of each NAME there are NAME_images (n, CROP_PX, CROP_PX, 3) and NAME_index (n, 2): the number of the
    frame, and of the sign or the box within it; of the latter two NAME_kinds (n,) as well, what they are,
    and `wrong_shown` (n,), the class that is there.
    """
    counted = tally(predictions)
    false, false_kinds = surest_false(counted, predictions.cut, most)
    worst = worst_wrong(predictions, danger, most)
    wrong = np.array([(one.frame, one.box) for one in worst], np.int64).reshape(-1, 2)
    places = {"misses": largest_misses(counted, predictions.cut, most), "false": false, "wrong": wrong}
    cropped = _crops(predictions, places, picture)
    return {
        **{f"{name}_images": images for name, images in cropped.items()},
        **{f"{name}_index": index for name, index in places.items()},
        "false_kinds": false_kinds,
        "wrong_kinds": _texts([one.kind for one in worst]),
        "wrong_shown": _texts([one.shown for one in worst]),
    }


def largest_misses(counted: Tally, cut: float, most: int = MOST) -> IntArray:
    """(n, 2) frame and sign of what is not found, the largest first: those should not be missed."""
    signs = counted.signs
    first = np.concatenate([[0], np.cumsum(np.bincount(signs.frames, minlength=counted.frames))]).astype(int)
    missed = np.flatnonzero(signs.scores < cut)
    missed = missed[np.argsort(-signs.sides[missed], kind="stable")][:most]
    return np.stack([signs.frames[missed], missed - first[signs.frames[missed]]], axis=1)


def surest_false(counted: Tally, cut: float, most: int = MOST) -> tuple[IntArray, np.ndarray]:
    """(n, 2) frame and box of the false alarms of the highest scores, and (n,) what they are."""
    false = counted.false
    shown = np.flatnonzero(false.scores >= cut)
    shown = shown[np.argsort(-false.scores[shown], kind="stable")][:most]
    kinds = [false_kind(share) for share in false.overlaps[shown].tolist()]
    return np.stack([false.frames[shown], false.boxes[shown]], axis=1), _texts(kinds)


def worst_wrong(predictions: FinderPredictions, danger: DangerConfig, most: int = MOST) -> list[SureBox]:
    """What is sure and wrong, the costliest first, then the surest."""

    def confidence(one: SureBox) -> float:
        given = predictions.frames[one.frame].confidence
        return 0.0 if given is None else float(given[one.box])

    found = [one for one in sure_boxes(predictions, danger) if one.wrong]
    return sorted(found, key=lambda one: (-one.cost, -confidence(one)))[:most]


def crop_around(image: ByteArray, box: Box, size: int = CROP_PX) -> ByteArray:
    """(H, W, 3) uint8 -> (size, size, 3): the box with ROOM around it, outlined; grey beyond the picture.

    Enlarged pixels stay visible as such: the small ones are what a network gets.
    """
    x1, y1, x2, y2 = box
    side = max(LEAST_PX, (1 + 2 * ROOM) * max(x2 - x1, y2 - y1))
    left, top = round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2)
    side = round(side)
    region = np.full((side, side, 3), _OUTSIDE, np.uint8)
    rows, columns = (
        slice(max(start, 0), min(start + side, length))
        for start, length in zip((top, left), image.shape[:2], strict=True)
    )
    seen = image[rows, columns]
    if seen.size:
        down, right = rows.start - top, columns.start - left
        region[down : down + seen.shape[0], right : right + seen.shape[1]] = seen
    how = Image.Resampling.NEAREST if size > side else Image.Resampling.LANCZOS
    picture = Image.fromarray(region).resize((size, size), how)
    pen, scale = ImageDraw.Draw(picture), size / side
    ends = [(x1 - left) * scale, (y1 - top) * scale, (x2 - left) * scale, (y2 - top) * scale]
    for beyond, colour in ((2, _SHADOW), (1, _FRAME)):  # outside the box: nothing of the sign is hidden
        pen.rectangle(
            [ends[0] - beyond, ends[1] - beyond, ends[2] + beyond - 1, ends[3] + beyond - 1], None, colour
        )
    return np.asarray(picture)


def _crops(
    predictions: FinderPredictions, places: dict[str, IntArray], picture: Callable[[str], ByteArray]
) -> dict[str, ByteArray]:
    """The crops of every sheet, each frame opened once."""
    images = {name: np.zeros((len(index), CROP_PX, CROP_PX, 3), np.uint8) for name, index in places.items()}
    wanted: dict[int, list[tuple[str, int, int]]] = {}
    for name, index in places.items():
        for row, (frame, number) in enumerate(index.tolist()):
            wanted.setdefault(frame, []).append((name, row, number))
    for frame, crops in wanted.items():
        one = predictions.frames[frame]
        whole = picture(one.path)
        for name, row, number in crops:
            boxes = one.wanted if name == "misses" else one.boxes
            images[name][row] = crop_around(whole, tuple(boxes[number].tolist()))
    return images


def _texts(values: Sequence[str]) -> np.ndarray:
    return np.array(values, dtype=str) if values else np.zeros(0, "<U1")
