"""What a person corrects in a set's labels, as a table that lies beside them: `?corrections=FILE`.

path     the frame, as its set names it, or the end of its path
action   `add` a sign, `ignore` what is there (neither wanted nor wrong when found), `remove` a box
x1, y1, x2, y2   in pixels, 0-based, x2 and y2 exclusive; of a box that the set has, near enough to overlap
label    of a sign that is added: a class, or empty where nobody can tell
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np

from roadworthy.core.arrays import Box, ByteArray, FloatArray
from roadworthy.core.boxes import areas, as_boxes, overlaps, shared_areas
from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.files import write_csv
from roadworthy.core.notes import say
from roadworthy.core.progress import Progress
from roadworthy.core.words import plural
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.tables import Row, read_table, require_columns
from roadworthy.imaging.decode import decode

ACTIONS = ("add", "ignore", "remove")
_COLUMNS = ("path", "action", "x1", "y1", "x2", "y2", "label")
_BOX = ("x1", "y1", "x2", "y2")
SAME = 0.5  # intersection over union, from which a correction means a box that the set has
COVERED = 0.5  # share of a found box within a marked one, from which it is no sign that labels leave out


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One row of the table.

    path: of the frame; its end is enough, as far as it tells one frame of the set.
    where: the row that it comes from, for errors.
    """

    path: str
    action: str
    box: Box
    label: str = ""
    where: str = ""


def read_corrections(path: Path, read_label: Callable[[str], str]) -> list[Correction]:
    """The rows of a table of corrections; DataError naming the row that cannot be one."""
    if not path.is_file():
        raise DataNotFoundError(
            f"no file {path}; corrections are a table with the columns {','.join(_COLUMNS)}"
        )
    has, rows = read_table(path)
    require_columns(path, has, *_COLUMNS[:-1])
    return [_correction(row, read_label) for row in rows]


def _correction(row: Row, read_label: Callable[[str], str]) -> Correction:
    action, label = row.text("action").lower(), row.text("label")
    if action not in ACTIONS:
        raise row.fail(f"the action {row.text('action')!r} is unknown; use {', '.join(ACTIONS)}")
    if label and action != "add":
        raise row.fail(f"the label {label!r} stands beside {action}; only a sign that is added has one")
    if not row.text("path"):
        raise row.fail("the path is empty; it names the frame")
    if not PurePath(row.text("path").replace("\\", "/")).name:
        raise row.fail(f"the path {row.text('path')!r} names a folder and no frame")
    box = row.box(_BOX, inclusive=False)
    if box is None:
        raise row.fail("the box is empty; a correction needs x1,y1,x2,y2")
    return Correction(
        path=row.text("path"),
        action=action,
        box=box,
        label=row.checked(read_label, "label") if label else "",
        where=f"{row.path}, line {row.line}",
    )


def correct(frames: Sequence[Frame], corrections: Sequence[Correction]) -> list[Frame]:
    """The frames with corrections applied, in the order of the table; how many of each kind is said.

    Raises DataError for a frame that is not there, or may be several, and for a box to remove that no frame
    has: labels that have changed since must not be half corrected.
    """
    result = list(frames)
    places = _by_end(frames)
    for correction in corrections:
        parts = _parts(correction.path)
        found = [n for n in places.get(parts[-1], ()) if _parts(frames[n].path)[-len(parts) :] == parts]
        if len(found) != 1:
            many = f"may be any of {len(found)} frames" if found else "is no frame of the set"
            raise DataError(f"{correction.where}: {correction.path} {many}; name it by its path in the set")
        result[found[0]] = _corrected(result[found[0]], correction)
    if corrections:
        counts = [
            f"{n:,} {name}" for name in ACTIONS if (n := sum(one.action == name for one in corrections))
        ]
        say(f"labels are corrected by {plural(len(corrections), 'row')} of a table: {', '.join(counts)}")
    return result


def _parts(path: str) -> tuple[str, ...]:
    """A path's parts, the suffix left out: a set may be saved in another format."""
    return PurePath(path.replace("\\", "/")).with_suffix("").parts


def _by_end(frames: Sequence[Frame]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for number, frame in enumerate(frames):
        found[_parts(frame.path)[-1]].append(number)
    return found


def _corrected(frame: Frame, correction: Correction) -> Frame:
    marked = list(frame.annotations)
    same = _same(marked, correction.box)
    if correction.action == "remove":
        if same is None:
            raise DataError(
                f"{correction.where}: {frame.path} has no box that overlaps {correction.box} by half, so "
                "nothing is removed; were its labels changed?"
            )
        del marked[same]
    elif correction.action == "ignore" and same is not None:
        marked[same] = replace(marked[same], ignore=True)
    elif correction.action == "add" and same is not None:
        marked[same] = replace(marked[same], box=correction.box, label=correction.label, ignore=False)
    else:
        ignore = correction.action == "ignore"
        marked.append(Annotation(box=correction.box, label=correction.label, ignore=ignore))
    return replace(frame, annotations=tuple(marked))


def _same(marked: Sequence[Annotation], box: Box) -> int | None:
    """The box of a frame that a correction means."""
    shares = overlaps(as_boxes([one.box for one in marked]), as_boxes([box]))[:, 0]
    return int(shares.argmax()) if shares.size and shares.max() >= SAME else None


def propose_ignored(
    frames: Sequence[Frame], look: Callable[[ByteArray], FloatArray], *, progress: Progress | None = None
) -> list[Correction]:
    """What labels may leave out: boxes that a reader is sure of and that lie on no marked one.

    look: a picture, (H, W, 3) uint8 RGB, to the (N, 4) boxes that it holds for signs and is sure of.
    They are proposals: a sure answer can be wrong, and what is ignored is not learnt as background either.
    Write them with `write_corrections`, look at them, and strike out those that are no signs.
    """
    proposals = []
    for number, frame in enumerate(frames):
        if not frame.fault:
            boxes = as_boxes(look(decode(frame.path)))
            proposals += [
                Correction(path=frame.path, action="ignore", box=_whole_pixels(box))
                for box in boxes[~_marked(boxes, frame)].tolist()
            ]
        if progress is not None:
            progress(number + 1, len(frames))
    return proposals


def _marked(boxes: FloatArray, frame: Frame) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(N,) whether each box is a marked one, or lies mostly within one."""
    own = as_boxes([one.box for one in frame.annotations])
    if not len(own) or not len(boxes):
        return np.zeros(len(boxes), dtype=np.bool_)
    within = shared_areas(boxes, own) / np.maximum(1e-9, areas(boxes))[:, None]
    return np.asarray(((within >= COVERED) | (overlaps(boxes, own) >= SAME)).any(axis=1))


def _whole_pixels(box: Sequence[float]) -> Box:
    x1, y1, x2, y2 = box
    return (
        max(0.0, float(np.floor(x1))),
        max(0.0, float(np.floor(y1))),
        float(np.ceil(x2)),
        float(np.ceil(y2)),
    )


def write_corrections(corrections: Iterable[Correction], path: Path, below: Path | None = None) -> None:
    """A table that `read_corrections` reads.  below: the folder that paths are written relative to."""
    rows = [
        (
            one.path if below is None else PurePath(one.path).relative_to(below).as_posix(),
            one.action,
            *(f"{value:g}" for value in one.box),
            one.label,
        )
        for one in corrections
    ]
    write_csv([_COLUMNS, *rows], path)
