"""A table of pictures: path,label[,group][,split][,x1,y1,x2,y2], or GTSRB's own column names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from roadworthy.data.records import Record
from roadworthy.data.sources import SOURCES
from roadworthy.data.sources._shared import (
    Listing,
    Row,
    label_reader,
    missing_pictures,
    read_table,
    refuse_unknown_options,
    sign_of,
)
from roadworthy.data.sources.folder import SPLIT_FOLDERS
from roadworthy.errors import DataError, DataNotFoundError

_BOXES = ((("x1", "y1", "x2", "y2"), False), (("roi.x1", "roi.y1", "roi.x2", "roi.y2"), True))

TERMS = "pictures of the user's own, under their own terms"


@SOURCES.register("csv")
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Record]:
    """A table: path,label[,group][,split][,x1,y1,x2,y2], or GTSRB's column names."""
    refuse_unknown_options("csv", options)
    if not place.is_file():
        raise DataNotFoundError(f"no file {place}; csv:FILE needs a table with the columns path and label")
    has, rows = read_table(place)
    path_column = _first(place, has, "path", "filename")
    label_column = _first(place, has, "label", "classid")
    read_label = label_reader("gtsrb-ids" if label_column == "classid" else labels)
    box_columns, inclusive = next((b for b in _BOXES if has.intersection(b[0])), _BOXES[0])

    listing, records, missing = Listing(), [], []
    for row in rows:
        named, label = row.text(path_column), row.text(label_column)
        if not named or not label:
            raise row.fail(f"the {path_column if not named else label_column} is empty")
        path = _locate(place.parent, named, listing)
        if path is None:
            missing.append(f"{named} (line {row.line})")
            continue
        record = Record(
            path=path,
            label=row.checked(read_label, label_column),
            group=row.text("group") if "group" in has else _group(label, named),
            split=_split(row),
            box=row.box(box_columns, inclusive),
        )
        records.append(record)
    if missing:
        raise missing_pictures(place, missing)
    if not records:
        raise DataNotFoundError(f"table {place} has a header but no rows")
    return records


def _first(place: Path, has: frozenset[str], ours: str, gtsrbs: str) -> str:
    if ours in has:
        return ours
    if gtsrbs in has:
        return gtsrbs
    raise DataError(
        f"table {place} has no column {ours!r}; it has: {', '.join(sorted(has))}. "
        "Needed: path,label[,group][,split][,x1,y1,x2,y2]"
    )


def _locate(folder: Path, named: str, listing: Listing) -> str | None:
    if os.sep == "/":
        named = named.replace("\\", "/")  # a table written on Windows
    inner, name = os.path.split(os.path.normpath(folder / named))
    return listing.find(inner or os.curdir, name)


def _group(label: str, named: str) -> str:
    path = PurePosixPath(named.replace("\\", "/"))
    sign = sign_of(path.stem)
    # Joined with label and folder: files called alike in two classes show two signs.
    return str(PurePosixPath(label, path.relative_to(path.anchor).parent, sign)) if sign else ""


def _split(row: Row) -> str:
    split = row.text("split").lower()
    if split and split not in SPLIT_FOLDERS:
        raise row.fail(f"split {split!r} is unknown; use {', '.join(SPLIT_FOLDERS)} or leave it empty")
    return SPLIT_FOLDERS.get(split, "")
