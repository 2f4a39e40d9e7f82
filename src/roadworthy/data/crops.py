"""Batches to train a finder on: squares cut from frames, around signs of every size, and of what is none.

A square depends only on (seed, epoch, number), so a training that goes on sees what it would have seen.
Needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from roadworthy.core.arrays import Box, ByteArray, FloatArray
from roadworthy.core.errors import DataError
from roadworthy.data.frames import Annotation, Decoded, Frame

WANTED, IGNORED = 1, 2  # as train.finding counts them
ZOOM = (0.2, 1.6)  # from frame to square; beyond, pixels would be all that is learnt
STRETCH = 0.1  # of width against height, either way
SEEN = 0.5  # share of a sign within the square from which it is wanted; of less nothing is asked
_GLIMPSE = 0.05  # share below which it is not even ignored
_LEGIBLE_PX = 6.0
_ANYWHERE = (0.4, 1.2)  # zoom of squares that are of no sign in particular

Hard = Mapping[int, Sequence[Box]]
"""By number of a frame: boxes in it that were taken for signs and are none."""


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """What squares show, as shares: a sign, or what was taken for one; the rest lies anywhere.

    least_px, most_px: a sign's larger side in a square about it, spread evenly over its logarithm.
    """

    signs: float = 0.65
    hard: float = 0.2
    least_px: float = 8.0
    most_px: float = 160.0


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A square of a frame: middle, zoom from frame to square, and stretch of its width."""

    x: float
    y: float
    zoom: float
    stretch: float
    flipped: bool


class FrameCrops:
    """Squares of `size` pixels from frames, `per_epoch` of them in an epoch.

    shares: of each source of the data spec in every epoch; None divides what is left by the number of frames.
    renew: called with an epoch before it begins; what it returns was taken for signs and is none.
    Raises DataError where no frame shows a sign.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        pixels: Decoded,
        *,
        size: int,
        batch_size: int,
        per_epoch: int,
        seed: int,
        shares: Sequence[float | None] = (None,),
        mixture: Mixture = Mixture(),  # frozen
        renew: Callable[[int], Hard] | None = None,
    ) -> None:
        self.batch_size, self._size, self._seed, self._mixture = batch_size, size, seed, mixture
        self._frames, self._pixels, self._renew = frames, pixels, renew
        self._batches = max(1, per_epoch // batch_size)
        self._sources = _sources(frames, shares)
        self._signs = {
            source: [(i, one) for i in rows for one in frames[i].wanted]
            for source, (rows, _) in self._sources.items()
        }
        if not any(self._signs.values()):
            raise DataError(
                f"none of {len(frames):,} frames for training shows a sign; a finder learns from some"
            )
        self._most = max(1, max(len(frame.annotations) for frame in frames))
        self._hard: Hard = {}

    def __len__(self) -> int:
        return self._batches

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches `start` and following: uint8 (B, 3, S, S), channels last, and targets (B, M, 5)."""
        if self._renew is not None:
            self._hard = self._renew(epoch)
        for batch in range(start, len(self)):
            numbers = range(batch * self.batch_size, (batch + 1) * self.batch_size)
            squares = [self.square(epoch, number) for number in numbers]
            images = torch.from_numpy(np.stack([image for image, _ in squares]))
            yield images.permute(0, 3, 1, 2), torch.from_numpy(np.stack([targets for _, targets in squares]))

    def square(self, epoch: int, number: int) -> tuple[ByteArray, FloatArray]:
        """(S, S, 3) uint8 and (M, 5) float32 of one square."""
        rng = np.random.default_rng([self._seed, epoch, number])
        index, place = self._place(rng)
        frame = self._pixels.frame(index)
        region = _region(place, self._size, frame.shape)
        image = _cut(frame, region, self._size, fill=int(rng.integers(256)))
        targets = np.zeros((self._most, 5), np.float32)
        marked = [
            target
            for one in self._frames[index].annotations
            if (target := _target(one, region, self._size)) is not None
        ]
        for row, target in enumerate(marked):
            targets[row] = target
        if place.flipped:
            image = image[:, ::-1]
            targets[: len(marked), [0, 2]] = self._size - targets[: len(marked), [2, 0]]
        return np.ascontiguousarray(image), targets

    def _place(self, rng: np.random.Generator) -> tuple[int, _Place]:
        """Which frame, and where in it."""
        mixture = self._mixture
        names, weights = list(self._sources), [weight for _, weight in self._sources.values()]
        source = names[int(rng.choice(len(names), p=weights))]
        rows = self._sources[source][0]
        stretch = math.exp(rng.uniform(-STRETCH, STRETCH))
        flipped = bool(rng.random() < 0.5)
        kind = rng.random()
        hard = [i for i in rows if self._hard.get(i)] if self._hard else []
        if kind < mixture.signs and self._signs[source]:
            index, sign = self._signs[source][int(rng.integers(len(self._signs[source])))]
            px = mixture.least_px * (mixture.most_px / mixture.least_px) ** rng.random()
            zoom = float(np.clip(px / _side(sign.box), *ZOOM))
            x, y = self._around(sign.box, zoom, rng)
        elif kind >= 1 - mixture.hard and hard:
            index = hard[int(rng.integers(len(hard)))]
            box = self._hard[index][int(rng.integers(len(self._hard[index])))]
            zoom = float(np.clip(math.exp(rng.normal(0, 0.3)), *ZOOM))
            x, y = self._around(box, zoom, rng)
        else:
            index = int(rows[int(rng.integers(len(rows)))])
            height, width = self._pixels.frame(index).shape[:2]
            zoom = _ANYWHERE[0] * (_ANYWHERE[1] / _ANYWHERE[0]) ** rng.random()
            x, y = rng.uniform(0, width), rng.uniform(0, height)
        return index, _Place(x=x, y=y, zoom=zoom, stretch=stretch, flipped=flipped)

    def _around(self, box: Box, zoom: float, rng: np.random.Generator) -> tuple[float, float]:
        """The middle of a square that shows the box anywhere, now and then cut by its edge."""
        reach = max(0.0, self._size / zoom / 2 - 0.3 * _side(box))
        x, y = rng.uniform(-reach, reach, 2)
        return (box[0] + box[2]) / 2 + x, (box[1] + box[3]) / 2 + y


def _sources(frames: Sequence[Frame], shares: Sequence[float | None]) -> dict[int, tuple[list[int], float]]:
    """By source: its frames, and its part of the squares."""
    rows: dict[int, list[int]] = {}
    for index, frame in enumerate(frames):
        rows.setdefault(frame.source, []).append(index)
    share = {source: shares[source] if source < len(shares) else None for source in rows}
    for source, own in enumerate(shares):
        if own is not None and source not in rows:
            raise DataError(
                f"source {source + 1} of the data spec has a share of {own:g} but no frames to train on"
            )
    free = 1 - sum(own for own in share.values() if own is not None)
    unshared = sum(len(rows[source]) for source, own in share.items() if own is None)
    parts = {
        source: own if own is not None else free * len(rows[source]) / max(1, unshared)
        for source, own in share.items()
    }
    total = sum(parts.values())
    return {source: (rows[source], part / total) for source, part in parts.items()}


def _side(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])


def _region(place: _Place, size: int, shape: tuple[int, ...]) -> Box:
    """The part of the frame that the square shows; moved into the frame where it fits there."""
    wide, high = size / place.zoom * place.stretch, size / place.zoom / place.stretch
    x, y = place.x - wide / 2, place.y - high / 2
    x = float(np.clip(x, 0, shape[1] - wide)) if wide <= shape[1] else (shape[1] - wide) / 2
    y = float(np.clip(y, 0, shape[0] - high)) if high <= shape[0] else (shape[0] - high) / 2
    return x, y, x + wide, y + high


def _cut(frame: ByteArray, region: Box, size: int, *, fill: int) -> ByteArray:
    """(size, size, 3) of a region that may reach beyond the frame, which `fill` then surrounds."""
    height, width = frame.shape[:2]
    x1, y1, x2, y2 = region
    left, top = max(0.0, x1), max(0.0, y1)
    right, bottom = min(float(width), x2), min(float(height), y2)
    across, down = size / (x2 - x1), size / (y2 - y1)
    at_x, at_y = round((left - x1) * across), round((top - y1) * down)
    wide, high = max(1, round((right - left) * across)), max(1, round((bottom - top) * down))
    # Only the rows and columns that are of use: a picture of the whole frame would be a copy of it.
    row, column = int(top), int(left)
    part = Image.fromarray(np.ascontiguousarray(frame[row : math.ceil(bottom), column : math.ceil(right)]))
    box = (left - column, top - row, right - column, bottom - row)
    seen = np.asarray(part.resize((min(wide, size), min(high, size)), Image.Resampling.BILINEAR, box=box))
    if seen.shape[0] == size and seen.shape[1] == size:
        return seen
    square = np.full((size, size, 3), fill, np.uint8)
    at_x, at_y = min(at_x, size - seen.shape[1]), min(at_y, size - seen.shape[0])
    square[at_y : at_y + seen.shape[0], at_x : at_x + seen.shape[1]] = seen
    return square


def _target(one: Annotation, region: Box, size: int) -> FloatArray | None:
    """(5,) an annotation as the square shows it; None where it shows next to nothing of it."""
    x1, y1, x2, y2 = region
    across, down = size / (x2 - x1), size / (y2 - y1)
    whole = np.array(
        [
            (one.box[0] - x1) * across,
            (one.box[1] - y1) * down,
            (one.box[2] - x1) * across,
            (one.box[3] - y1) * down,
        ]
    )
    seen = whole.clip(0, size)
    area = float(np.prod(whole[2:] - whole[:2]))
    share = float(np.prod(seen[2:] - seen[:2])) / area if area > 0 else 0.0
    if share < _GLIMPSE:
        return None
    wanted = not one.ignore and share >= SEEN and float((seen[2:] - seen[:2]).max()) >= _LEGIBLE_PX
    return np.array([*seen, WANTED if wanted else IGNORED], np.float32)
