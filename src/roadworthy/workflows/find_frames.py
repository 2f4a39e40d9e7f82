"""Frames through a finder, and its boxes through a reader: what both say of each."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from roadworthy.core.arrays import Box, ByteArray, FloatArray
from roadworthy.core.files import write_json
from roadworthy.core.finder_predictions import FrameResult
from roadworthy.core.progress import Progress
from roadworthy.data.frames import Decoded, Frame
from roadworthy.data.open_frames import FrameSet
from roadworthy.evaluate.detection import intersection_over_union
from roadworthy.inference.answer_rule import AnswerRule
from roadworthy.inference.answers import Row
from roadworthy.inference.boxes import Detections, Finding, find_boxes
from roadworthy.inference.found import read

if TYPE_CHECKING:
    from roadworthy.inference.classifier import Classifier

LEAST_SCORE = 0.02  # of boxes that are measured: below, a finder says nothing
MISTAKEN = 0.2  # score from which what is no sign is worth being shown again
CLEAR = 0.1  # intersection over union with anything marked, below which a box is clear of it


def results(
    finder: Finding,
    frames: FrameSet,
    *,
    reader: Classifier | None = None,
    sure: float = 0.0,
    progress: Progress | None = None,
) -> tuple[FrameResult, ...]:
    """What a finder finds in each frame from LEAST_SCORE up, and what a reader makes of it.

    sure: the least score of a box that the reader's answer is accepted of.
    """
    found = []
    for index, frame in enumerate(frames.frames):
        found.append(_result(finder, reader, frame, frames.pixels.frame(index), sure))
        if progress is not None:
            progress(index + 1, len(frames.frames))
    return tuple(found)


def _result(
    finder: Finding, reader: Classifier | None, frame: Frame, picture: ByteArray, sure: float
) -> FrameResult:
    began = time.perf_counter()
    found = find_boxes(picture, finder, threshold=LEAST_SCORE)
    rows = [] if reader is None else _rows(picture, found, reader, sure)
    if rows:  # in the order and with the scores of both
        scores = np.array([row.found for row in rows], np.float32)
        found = Detections(np.array([row.box for row in rows], np.float32), scores)
    accepted = None if reader is None or reader.rejection is None else [row.accepted is True for row in rows]
    return FrameResult(
        path=frame.path,
        boxes=found.boxes,
        scores=found.scores,
        predicted=None if reader is None else tuple(row.predicted for row in rows),
        confidence=None if reader is None else np.array([row.confidence for row in rows], np.float32),
        accepted=None if accepted is None else np.array(accepted, bool),
        wanted=_boxes([one.box for one in frame.wanted]),
        labels=tuple(one.label for one in frame.wanted),
        ignore=_boxes([one.box for one in frame.annotations if one.ignore]),
        sequence=frame.sequence,
        ms=1000 * (time.perf_counter() - began),
    )


def _rows(picture: ByteArray, found: Detections, reader: Classifier, sure: float) -> list[Row]:
    """What the reader answers to each box, and whether it would be accepted."""
    rule = AnswerRule.of(reader, 1, sure=sure)
    return rule.found_rows("", read(picture, found, reader), colourless=rule.lacks_colour(picture))


def _boxes(boxes: Sequence[Box]) -> FloatArray:
    return np.array(boxes, np.float32).reshape(-1, 4)


class HardNegatives:
    """What a finder in training takes for signs in the frames that it learns from, and is none.

    Before each epoch it looks through `most` frames, before the first only where the finder is `trained`.
    What it found before stays until a frame's turn comes again.  `kept` is the file that a training which
    was stopped goes on with.
    """

    def __init__(
        self,
        finder: Finding,
        frames: Sequence[Frame],
        pixels: Decoded,
        *,
        most: int,
        seed: int,
        kept: Path,
        trained: bool = False,
    ) -> None:
        self._finder, self._frames, self._pixels = finder, frames, pixels
        self._most, self._seed, self._kept, self._trained = most, seed, kept, trained
        self._hard: dict[int, Sequence[Box]] = {}
        self._epoch = -1
        if kept.is_file():
            stored = json.loads(kept.read_text(encoding="utf-8"))
            self._epoch = int(stored["epoch"])
            self._hard = {int(i): [tuple(box) for box in boxes] for i, boxes in stored["boxes"].items()}

    def __call__(self, epoch: int) -> Mapping[int, Sequence[Box]]:
        """By number of a frame: boxes in it that are none, as of the beginning of that epoch."""
        if epoch > self._epoch and self._most and (epoch or self._trained):
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
