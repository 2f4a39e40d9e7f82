"""A table of pictures: path,label[,group][,split][,x1,y1,x2,y2], or GTSRB's own column names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.paths import as_path, short
from roadworthy.data.records import Record
from roadworthy.data.sources import SOURCES
from roadworthy.data.sources._labels import GTSRB_IDS, doubt_names, label_reader, say_labels
from roadworthy.data.sources._shared import Listing, name_splits, refuse_unknown_options, sign_of, split_of
from roadworthy.data.tables import Row, missing_pictures, read_table

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
    labels = GTSRB_IDS if label_column == "classid" else labels
    read_label, known, words = label_reader(labels), dict[str, str](), dict[str, None]()
    box_columns, inclusive = next((b for b in _BOXES if has.intersection(b[0])), _BOXES[0])

    listing, records, missing = Listing(), [], []
    for row in rows:
        named, label = row.text(path_column), row.text(label_column)
        if not named or not label:
            raise row.fail(f"the {path_column if not named else label_column} is empty")
        path = row.checked(lambda text: _locate(place.parent, text, listing), path_column)
        if path is None:
            missing.append(f"{short(named)} (line {row.line})")
            continue
        known[label] = row.checked(read_label, label_column)
        box, fault = row.box_or_fault(box_columns, inclusive)
        record = Record(
            path=path,
            label=known[label],
            group=row.text("group") if "group" in has else _group(label, named),
            split=_split(row),
            box=box,
            fault=fault,
        )
        words[record.split] = None
        records.append(record)
    if missing:
        raise missing_pictures(place, missing)
    if not records:
        raise DataNotFoundError(f"table {place} has a header but no rows; it needs a row for each picture")
    say_labels(known, labels, f"csv:{place}")
    splits = {"": "", **name_splits(words, f"csv:{place}")}
    records = [replace(record, split=splits[record.split]) for record in records]
    return records if "group" in has else doubt_names(records, f"csv:{place}")


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
    inner, name = os.path.split(os.path.normpath(folder / as_path(named)))
    return listing.find(inner or os.curdir, name)


def _group(label: str, named: str) -> str:
    path = PurePosixPath(named.replace("\\", "/"))
    sign = sign_of(path.stem)
    # Joined with label and folder: files called alike in two classes show two signs.
    return str(PurePosixPath(label, path.relative_to(path.anchor).parent, sign)) if sign else ""


def _split(row: Row) -> str:
    """The row's word for its split, as written."""
    split = row.text("split")
    if split and not split_of(split):
        raise row.fail(f"the split {short(split)} is unknown; use train, val or test, or leave it empty")
    return split
