"""Tables with a row for each box: Udacity's two, and the TensorFlow CSV that Roboflow writes.

    udacity:FILE.csv   columns xmin,ymin,xmax,ymax,Frame,Label; or filename,width,height,class,xmin,...;
                       or none, with blanks: `frame xmin ymin xmax ymax occluded "label" "attribute"`
    udacity:DIR        the folder with labels.csv or _annotations.csv, or train/, valid/ and test/ of those

xmax and ymax are the first pixels outside.  Frames that no row names are not listed.
Source: https://github.com/udacity/self-driving-car/tree/master/annotations
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.data.frames import Frame
from roadworthy.data.sources import Form
from roadworthy.data.sources._box_tables import Boxes
from roadworthy.data.sources._boxes import WORDS, SignWords, frame_source, read_text, without_doubles
from roadworthy.data.sources._looks import Glimpse
from roadworthy.data.sources._shared import files_below, name_splits
from roadworthy.data.tables import read_table

TABLES = ("labels.csv", "_annotations.csv", "labels_crowdai.csv")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_NAMES, _LABELS = ("frame", "filename", "image"), ("label", "class")

TERMS = "frames of the user's own, or Udacity's (MIT), under their own terms"


def _looks(seen: Glimpse) -> bool:
    heads = [seen.head(name).lower().split("\n", 1)[0] for name in seen.ending(".csv")[:5]]
    return any(all(name in head for name in _CORNERS) or _is_blank(head) for head in heads)


FORM = Form(
    title="Udacity's CSV, TensorFlow's CSV",
    boxes="corners, the last outside, from 0",
    lost="films, physical signs, frames without signs, regions to be ignored",
)


@frame_source("udacity", settings=WORDS, form=FORM, looks=_looks)
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """Udacity's CSV, and the TensorFlow CSV of Roboflow: a row for each box."""
    words = SignWords(f"udacity:{place}", labels, options)
    frames: list[Frame] = []
    for table, split in _tables(place).items():
        boxes = Boxes(place=f"udacity:{place}", table=table, folders=_folders(table), words=words)
        for named, word, corners, where in _rows(table):
            boxes.frame(named, split=split)
            try:
                x1, y1, x2, y2 = map(float, corners)
            except ValueError:
                boxes.fault(named, where, f"the box is {' '.join(corners)}, no four numbers")
                continue
            boxes.mark(named, word, (x1, y1, x2, y2), where)
        frames += boxes.read()
    if not frames:
        raise DataNotFoundError(f"udacity:{place} lists no boxes")
    return without_doubles(sorted(frames, key=lambda frame: frame.path), f"udacity:{place}")


def _folders(table: Path) -> list[Path]:
    return [table.parent, table.parent / "images"]


def _tables(place: Path) -> dict[Path, str]:
    """The tables, each with the split that its folder tells."""
    if place.is_file():
        return {place: ""}
    if not place.is_dir():
        raise DataNotFoundError(f"nothing at {place}; udacity: needs a .csv, or the folder with labels.csv")
    found = [path for path in map(Path, files_below(place)) if path.name.lower() in TABLES]
    if not found:
        raise DataNotFoundError(f"no labels.csv or _annotations.csv in {place}; name the table")
    splits = name_splits(sorted({path.parent.name for path in found}), f"udacity:{place}")
    return {path: splits.get(path.parent.name, "") for path in sorted(found)}


def _is_blank(line: str) -> bool:
    """Whether a table has no header and blanks between its cells."""
    cells = line.split()
    return len(cells) >= 6 and all(cell.lstrip("-").replace(".", "", 1).isdecimal() for cell in cells[1:5])


def _rows(table: Path) -> Iterator[tuple[str, str, list[str], str]]:
    """Picture, label, corners and where they stand, of each row."""
    first, _, _ = read_text(table).partition("\n")
    if _is_blank(first):
        yield from _blank_rows(table)
        return
    has, rows = read_table(table)
    name, label = (next((one for one in some if one in has), "") for some in (_NAMES, _LABELS))
    if not name or not label or not has.issuperset(_CORNERS):
        raise DataError(
            f"table {table} has the columns {', '.join(sorted(has))}; it needs xmin, ymin, xmax, ymax, "
            "Frame and Label, or filename and class"
        )
    for row in rows:
        if not row.text(name):
            raise row.fail(f"the {name} is empty")
        yield row.text(name), row.text(label), [row.text(c) for c in _CORNERS], f"{table}, line {row.line}"


def _blank_rows(table: Path) -> Iterator[tuple[str, str, list[str], str]]:
    reader = csv.reader(read_text(table).splitlines(), delimiter=" ", skipinitialspace=True)
    for cells in reader:
        where = f"{table}, line {reader.line_num}"
        if not cells:
            continue
        if len(cells) < 7:
            raise DataError(
                f"{where} has {len(cells)} cells; it needs frame xmin ymin xmax ymax occluded label"
            )
        yield cells[0], cells[6], cells[1:5], where
