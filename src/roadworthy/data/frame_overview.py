"""What a set of frames holds, as plain data: how many, with how many signs of which class and size."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from roadworthy.core.arrays import Box
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.records import SPLITS, Record
from roadworthy.data.task import select

EDGES_PX = (0, 16, 24, 32, 48, 64, 96, 128, 256)  # borders of the size classes; the last has no end
HEAD_ROWS = 5
UNTOLD = "(class not told)"  # how signs without a class are counted


@dataclass(frozen=True, kw_only=True)
class FrameOverview:
    """Counts of a set of frames; by split, frames without one under an empty name.

    frames, empty, signs, ignored: frames, those without signs, signs, and regions to be ignored.
    classes: signs by class, in catalogue order; signs without a class come last.
    sizes: signs by their larger side in pixels, like `16 to 24`.
    heads: the first signs, with the columns path, label, split and box.
    """

    n: int
    splits: tuple[str, ...]
    frames: Mapping[str, int]
    empty: Mapping[str, int]
    signs: Mapping[str, int]
    ignored: Mapping[str, int]
    classes: Mapping[str, Mapping[str, int]]
    sizes: Mapping[str, Mapping[str, int]]
    heads: tuple[Mapping[str, str], ...]


def frame_overview(frames: Sequence[Frame], classes: Sequence[str]) -> FrameOverview:
    """The counts of frames whose signs are of these classes, or of none that is told."""
    signs = [(frame, marked) for frame in frames for marked in frame.wanted]
    present = {frame.split for frame in frames}
    ignored = Counter(f.split for f in frames for marked in f.annotations if marked.ignore)
    return FrameOverview(
        n=len(frames),
        splits=tuple(split for split in (*SPLITS, "") if split in present),
        frames=dict(Counter(frame.split for frame in frames)),
        empty=dict(Counter(frame.split for frame in frames if not frame.wanted)),
        signs=dict(Counter(frame.split for frame, _ in signs)),
        ignored=dict(ignored),
        classes=_counted(((f.split, m.label or UNTOLD) for f, m in signs), (*classes, UNTOLD)),
        sizes=_counted(((f.split, size_class(m.box)) for f, m in signs), size_classes()),
        heads=tuple(
            {
                "path": frame.path,
                "label": marked.label or UNTOLD,
                "split": frame.split,
                "box": " ".join(f"{value:g}" for value in marked.box),
            }
            for frame, marked in signs[:HEAD_ROWS]
        ),
    )


def _counted(pairs: Iterable[tuple[str, str]], names: Sequence[str]) -> dict[str, dict[str, int]]:
    """How often each name that occurs does, by split."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    for split, name in pairs:
        counts[name][split] += 1
    return {name: dict(counts[name]) for name in names if counts[name]}


def side(box: Box) -> float:
    """The larger side of a box, in pixels: by it signs are called small or large."""
    return max(box[2] - box[0], box[3] - box[1])


def size_classes() -> tuple[str, ...]:
    """The names of the size classes, smallest first."""
    spans = [f"{low} to {high}" for low, high in pairwise(EDGES_PX)]
    return (f"under {EDGES_PX[1]}", *spans[1:], f"{EDGES_PX[-1]} and more")


def size_class(box: Box) -> str:
    """The name of the size class of a box."""
    edges = (*EDGES_PX, math.inf)
    return next(name for name, edge in zip(size_classes(), edges[1:], strict=True) if side(box) < edge)


def with_classes(
    frames: Sequence[Frame], classes: Sequence[str], group_by: str, labels: str
) -> tuple[list[Frame], tuple[str, ...]]:
    """The frames that show signs of the classes asked for, with these signs alone, and the classes in order.

    Of all classes, all frames.  Raises LabelError for a class that no sign has.
    """
    signs = {
        Record(path=str(number), label=marked.label, group=str(place)): marked
        for number, frame in enumerate(frames)
        for place, marked in enumerate(frame.annotations)
        if marked.label and not marked.ignore
    }
    task = select(signs, classes, group_by, labels)
    if tuple(classes) == ("all",) and group_by == "none":
        return list(frames), task.classes
    named = {(record.path, record.group): record.label for record in task.records}
    every = tuple(classes) == ("all",)

    def kept(number: int, frame: Frame) -> tuple[Annotation, ...]:
        marks = []
        for place, marked in enumerate(frame.annotations):
            label = named.get((str(number), str(place)))
            if marked.ignore or (every and not marked.label):
                marks.append(marked)
            elif label is not None:
                marks.append(Annotation(box=marked.box, label=label, group=marked.group))
        return tuple(marks)

    chosen = [replace(frame, annotations=kept(number, frame)) for number, frame in enumerate(frames)]
    return [frame for frame in chosen if every or frame.wanted], task.classes
