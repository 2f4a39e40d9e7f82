"""Frames through a finder: what it finds in each, what it takes for signs, and from which score on to believe it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from roadworthy.core.arrays import Box
from roadworthy.core.files import write_json
from roadworthy.data.crops import Decoded, Hard
from roadworthy.data.frames import Frame
from roadworthy.evaluate.detection import intersection_over_union
from roadworthy.inference.boxes import Detections, Finding, find_boxes

LEAST_SCORE = 0.02  # of boxes that are measured: below, a finder says nothing
MISTAKEN = 0.2  # score from which what is no sign is worth being shown again
CLEAR = 0.1  # intersection over union with anything marked, below which a box is clear of it


def detections(
    finder: Finding,
    frames: Sequence[Frame],
    pixels: Decoded,
    *,
    threshold: float = LEAST_SCORE,
    progress: Callable[[int, int], None] | None = None,
) -> list[Detections]:
    """What a finder finds in each frame."""
    found = []
    for index in range(len(frames)):
        found.append(find_boxes(pixels.frame(index), finder, threshold=threshold))
        if progress is not None:
            progress(index + 1, len(frames))
    return found


class HardNegatives:
    """What a finder in training takes for signs in the frames that it learns from, and is none.

    Before each epoch but the first it looks through `most` frames; what it found before stays, until a frame's
    turn comes again.  `kept` is the file that a training which was stopped goes on with.
    """

    def __init__(
        self, finder: Finding, frames: Sequence[Frame], pixels: Decoded, *, most: int, seed: int, kept: Path
    ) -> None:
        self._finder, self._frames, self._pixels = finder, frames, pixels
        self._most, self._seed, self._kept = most, seed, kept
        self._hard: dict[int, Sequence[Box]] = {}
        self._epoch = -1
        if kept.is_file():
            stored = json.loads(kept.read_text(encoding="utf-8"))
            self._epoch = int(stored["epoch"])
            self._hard = {int(i): [tuple(box) for box in boxes] for i, boxes in stored["boxes"].items()}

    def __call__(self, epoch: int) -> Hard:
        """By number of a frame: boxes in it that are none, as of the beginning of that epoch."""
        if epoch > self._epoch and self._most and epoch:
            order = np.random.default_rng([self._seed, epoch]).permutation(len(self._frames))
            for index in order[: self._most].tolist():
                self._hard[index] = self._mistaken(index)
            self._epoch = epoch
            boxes = {str(i): [list(box) for box in some] for i, some in self._hard.items() if some}
            write_json({"epoch": epoch, "boxes": boxes}, self._kept)
        return {index: boxes for index, boxes in self._hard.items() if boxes}

    def _mistaken(self, index: int) -> list[Box]:
        found = find_boxes(self._pixels.frame(index), self._finder, threshold=MISTAKEN)
        marked = [one.box for one in self._frames[index].annotations]
        boxes: list[Box] = [tuple(map(float, box)) for box in found.boxes]  # type: ignore[misc]
        return [box for box in boxes if all(intersection_over_union(box, own) < CLEAR for own in marked)]
