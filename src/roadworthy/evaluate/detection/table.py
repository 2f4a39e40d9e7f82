"""predictions.csv of a finder: what it showed, box by box, and what it missed, for people to read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from roadworthy.core.files import write_csv
from roadworthy.core.finder_predictions import FinderPredictions, FrameResult
from roadworthy.core.words import csv_cell
from roadworthy.evaluate.detection.matching import FrameMatch, match_frame

COLUMNS = (
    *("path", "x1", "y1", "x2", "y2", "score"),
    *("predicted", "confidence", "accepted", "wanted", "overlap"),
)
UNKNOWN, IGNORED = "(unknown)", "(ignored)"  # no class has such a name

Row = tuple[str, ...]


def write_table(predictions: FinderPredictions, folder: Path) -> None:
    """predictions.csv: a row for each box at the model's own threshold, and for each sign missed at it.

    wanted: the class of the sign that a box is, `(unknown)` where the set does not tell it, `(ignored)` in an
    ignored region, empty for a false alarm.  overlap: with that sign; of a false alarm, the largest with any.
    A missed sign has its own box and no score.  predictions.npz holds the boxes below the threshold too.
    """
    write_csv([COLUMNS, *rows(predictions)], folder / "predictions.csv")


def rows(predictions: FinderPredictions) -> Iterator[Row]:
    """Without the header, frame by frame, found boxes first."""
    for frame in predictions.frames:
        matched = match_frame(frame.boxes, frame.scores, frame.wanted, frame.ignore)
        shown = frame.scores >= predictions.cut
        for i in shown.nonzero()[0].tolist():
            yield (*_place(frame, frame.boxes[i].tolist()), *_found(frame, matched, i))
        taken = set(matched.signs[shown].tolist())
        for i, box in enumerate(frame.wanted.tolist()):
            if i not in taken:
                yield (*_place(frame, box), "", "", "", "", csv_cell(frame.labels[i]) or UNKNOWN, "")


def _place(frame: FrameResult, box: list[float]) -> Row:
    return csv_cell(frame.path), *(f"{end:.2f}" for end in box)


def _found(frame: FrameResult, matched: FrameMatch, i: int) -> Row:
    """What was said of a box, and what it is."""
    said = ("", "", "")
    if frame.predicted is not None and frame.confidence is not None:
        given = "" if frame.accepted is None else "true" if frame.accepted[i] else "false"
        said = (csv_cell(frame.predicted[i]), f"{frame.confidence[i]:.6f}", given)
    sign = int(matched.signs[i])
    wanted = IGNORED if matched.ignored[i] else ""
    if sign >= 0:
        wanted = csv_cell(frame.labels[sign]) or UNKNOWN
    return f"{frame.scores[i]:.6f}", *said, wanted, f"{matched.overlaps[i]:.4f}"
