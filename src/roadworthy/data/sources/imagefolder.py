"""Hugging Face imagefolder: pictures beside metadata.jsonl or metadata.csv, folders for the splits.

    imagefolder:DIR   train/, validation/ and test/, each with its metadata, or one metadata for all

A row has `file_name` and `objects`: {"bbox": [[x, y, width, height], ...], "categories": [...]}; in a .csv
`objects` is that as JSON.  Categories that are numbers are named by the README.md's dataset_info.
Beside those `ignore` and `group`, a value for each box, and `sequence` of a row are read where given.
Source: https://huggingface.co/docs/datasets/image_dataset
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.data.frames import Frame
from roadworthy.data.sources import Form
from roadworthy.data.sources._box_tables import Boxes
from roadworthy.data.sources._boxes import WORDS, SignWords, frame_source, read_text, without_doubles
from roadworthy.data.sources._looks import Glimpse
from roadworthy.data.sources._shared import files_below, split_of
from roadworthy.data.tables import read_table, require_columns

TABLES = ("metadata.jsonl", "metadata.csv")
_CLASS = re.compile(r"^\s*'?(\d+)'?:\s*'?(.*?)'?\s*$", re.MULTILINE)

TERMS = "frames of the user's own, under their own terms"


def _looks(seen: Glimpse) -> bool:
    return any("objects" in seen.head(name) for name in seen.called(*TABLES))


FORM = Form(
    title="Hugging Face imagefolder",
    boxes="x, y, width, height from 0",
    tracks="`sequence`, ours",
    groups="`group`, ours",
    lost="other columns",
)


@frame_source("imagefolder", settings=WORDS, form=FORM, looks=_looks)
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """Hugging Face imagefolder: pictures beside metadata.jsonl or metadata.csv."""
    if not place.is_dir():
        raise DataNotFoundError(f"no folder {place}; imagefolder:DIR needs the folder with metadata.jsonl")
    tables = sorted(path for path in map(Path, files_below(place)) if path.name in TABLES)
    if not tables:
        raise DataNotFoundError(f"no metadata.jsonl or metadata.csv in {place}; imagefolder: needs one")
    words, names = SignWords(f"imagefolder:{place}", labels, options), _names(place / "README.md")
    frames: list[Frame] = []
    for table in tables:
        boxes = Boxes(place=f"imagefolder:{place}", table=table, folders=[table.parent], words=words)
        for row, where in _rows(table):
            _read_row(boxes, row, where, place, names)
        frames += boxes.read()
    return without_doubles(sorted(frames, key=lambda frame: frame.path), f"imagefolder:{place}")


def _rows(table: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    if table.suffix == ".csv":
        has, rows = read_table(table)
        require_columns(table, has, "file_name", "objects")
        for row in rows:
            where = f"{table}, line {row.line}"
            named = {column: row.text(column) for column in has}
            yield {**named, "objects": _parsed(named["objects"] or "{}", where)}, where
        return
    for line, text in enumerate(read_text(table).splitlines(), 1):
        if text.strip():
            found = _parsed(text, f"{table}, line {line}")
            if not isinstance(found, dict):
                raise DataError(f"{table}, line {line}: it is no object")
            yield found, f"{table}, line {line}"


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is no JSON: {error}") from error


def _read_row(
    boxes: Boxes, row: Mapping[str, Any], where: str, place: Path, names: Mapping[int, str]
) -> None:
    named, things = row.get("file_name"), row.get("objects")
    if not isinstance(named, str) or not named:
        raise DataError(f"{where}: it has no file_name")
    if not isinstance(things, dict):
        raise DataError(
            f"{where}: it has no objects with bbox and categories; pictures of single signs are read with "
            "folder:DIR or csv:FILE"
        )
    folders = (*(boxes.table.parent / named).relative_to(place).parts[:-1],)
    split = next((split for part in folders if (split := split_of(part))), "")
    boxes.frame(named, sequence=str(row.get("sequence") or ""), split=split)
    given = things.get("bbox") or things.get("bboxes") or []
    classes = things.get("categories") or things.get("category") or things.get("label") or []
    if not isinstance(given, list) or not isinstance(classes, list) or len(given) != len(classes):
        raise DataError(f"{where}: bbox and categories of its objects must be lists of one length")
    ignored, groups = things.get("ignore") or [False] * len(given), things.get("group") or [""] * len(given)
    for number, (box, word) in enumerate(zip(given, classes, strict=True)):
        at = f"{where}, box {number + 1}"
        try:
            x, y, w, h = map(float, box)
        except (TypeError, ValueError):
            boxes.fault(named, at, f"it is {box!r}, not [x, y, width, height]")
            continue
        label = names.get(word, str(word)) if isinstance(word, int) else str(word)
        ignore, group = bool(ignored[number]), str(groups[number])
        boxes.mark(named, label, (x, y, x + w, y + h), at, ignore=ignore, group=group)


def _names(readme: Path) -> dict[int, str]:
    """The classes by number of a README.md's header, where it names some."""
    text = read_text(readme) if readme.is_file() else ""
    header = text.split("---")[1] if text.startswith("---") else ""
    _, found, listed = header.partition("names:")
    return {int(number): name for number, name in _CLASS.findall(listed)} if found else {}
