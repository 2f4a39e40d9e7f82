"""truth/boxes.csv: where each sign of a drive's truth stands in each frame."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from roadworthy.core.arrays import Box
from roadworthy.core.errors import DataError
from roadworthy.core.words import csv_cell, visible

COLUMNS = ("frame", "event", "x1", "y1", "x2", "y2", "class", "visible")
_SHARES = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0, "": 1.0}


@dataclass(frozen=True, kw_only=True)
class TrueBox:
    """One sign in one frame.

    frame: the index of its shot, from 0.  event: the sign's name in truth/events.csv.
    box: x1, y1, x2, y2 in pixels, x2 and y2 exclusive.  sign: its class.
    visible: which share of it can be seen, in [0, 1]; 0 for a sign behind something.
    """

    frame: int
    event: str
    box: Box
    sign: str = ""
    visible: float = 1.0


def boxes_csv(boxes: Iterable[TrueBox]) -> str:
    """The text of boxes.csv: pixels with one digit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in boxes:
        edges = [f"{edge:.1f}" for edge in one.box]
        writer.writerow((one.frame, csv_cell(one.event), *edges, csv_cell(one.sign), f"{one.visible:g}"))
    return text.getvalue()


def read_boxes(path: Path) -> list[TrueBox]:
    """The rows of a boxes.csv; `class` and `visible` may be missing, `visible` may be yes or no.

    Raises DataError, with the row, for what is wrong, and for an event twice in one frame.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a CSV of boxes: {error}") from error
    boxes: dict[tuple[int, str], TrueBox] = {}
    for number, row in enumerate(rows, start=2):
        try:
            one = _box(row)
            if boxes.setdefault((one.frame, one.event), one) is not one:
                raise DataError(f"frame {one.frame} has {one.event} twice; a sign has one box in a frame")
        except (KeyError, ValueError, DataError) as error:
            what = f"no column {error}" if isinstance(error, KeyError) else str(error)
            raise DataError(f"{path}, row {number}: {visible(what)}") from error
    return list(boxes.values())


def _box(row: Mapping[str, str]) -> TrueBox:
    x1, y1, x2, y2 = (float(row[name]) for name in ("x1", "y1", "x2", "y2"))
    if not (all(map(math.isfinite, (x1, y1, x2, y2))) and x1 <= x2 and y1 <= y2):
        raise DataError(
            f"the box reaches from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}); its edges must be in order"
        )
    frame, event = int(row["frame"]), (row["event"] or "").strip()
    if frame < 0 or not event:
        raise DataError(f"frame is {frame} and event {event!r}; frames count from 0, and the sign has a name")
    said = (row.get("visible") or "").strip().lower()
    share = _SHARES[said] if said in _SHARES else float(said)
    if not 0 <= share <= 1:
        raise DataError(f"visible is {said}; it must be from 0 to 1")
    return TrueBox(
        frame=frame, event=event, box=(x1, y1, x2, y2), sign=(row.get("class") or "").strip(), visible=share
    )
