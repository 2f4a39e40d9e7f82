"""Tables with a row for each box: LISA's, Udacity's, GTSDB's, ours, and metadata of an imagefolder."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from roadworthy.core.errors import DataError
from roadworthy.core.files import write_csv, write_text
from roadworthy.core.notes import say, some
from roadworthy.data.frames import Annotation
from roadworthy.data.sources.gtsdb import gtsrb_numbers
from roadworthy.data.writers import Layout, Written, writer
from roadworthy.data.writers._shared import number, plain, wanted, word_of

_LISA = "Filename;Annotation tag;Upper left corner X;Upper left corner Y;Lower right corner X;"
_LISA += "Lower right corner Y;Occluded,On another road;Origin file;Origin frame number;Origin track;"
_LISA += "Origin track frame number"


@writer("lisa", Layout(source="lisa", picture="frames/{name}", keeps=("group", "sequence")))
def write_lisa(frames: Sequence[Written], out: Path) -> str:
    """LISA: allAnnotations.csv, with semicolons."""
    lines = [_LISA]
    for count, (frame, one) in enumerate(_each(frames, "lisa")):
        track = one.group.removeprefix(f"{frame.sequence}/")
        cells = [frame.picture, word_of(one), *map(number, one.box)]
        lines.append(";".join([*cells, "0,0", frame.sequence, str(count), track, "0"]))
    write_text("\n".join([*lines, ""]), out / "allAnnotations.csv")
    return "."


@writer("udacity", Layout(source="udacity", picture="{split}/{name}", keeps=("split",)))
def write_udacity(frames: Sequence[Written], out: Path) -> str:
    """Udacity's CSV, as Roboflow writes it too: _annotations.csv for each split."""
    header = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
    rows: dict[str, list[Sequence[Any]]] = {}
    for frame, one in _each(frames, "udacity"):
        path = PurePosixPath(frame.picture)
        row = (path.name, frame.width, frame.height, word_of(one), *map(number, one.box))
        rows.setdefault(str(path.parent), [header]).append(row)
    for folder, own in rows.items():
        write_csv(own, out / folder / "_annotations.csv")
    return "."


@writer("csv", Layout(source="csv", keeps=("group", "split")))
def write_csv_file(frames: Sequence[Written], out: Path) -> str:
    """Our own table, a row for each sign: path,label,group,split,x1,y1,x2,y2."""
    rows: list[Sequence[str]] = [("path", "label", "group", "split", "x1", "y1", "x2", "y2")]
    rows += [
        (frame.picture, word_of(one), one.group, frame.split, *map(number, one.box))
        for frame, one in _each(frames, "csv")
    ]
    write_csv(rows, out / "boxes.csv")
    return "boxes.csv"


@writer(
    "imagefolder",
    Layout(source="imagefolder", picture="{split}/{name}", keeps=("ignore", "group", "sequence", "split")),
)
def write_imagefolder(frames: Sequence[Written], out: Path) -> str:
    """Hugging Face imagefolder: metadata.jsonl for each split."""
    lines: dict[str, list[str]] = {}
    for frame in frames:
        path = PurePosixPath(frame.picture)
        things: dict[str, list[Any]] = {
            "bbox": [[plain(v) for v in _sized(one)] for one in frame.annotations],
            "categories": [word_of(one) for one in frame.annotations],
            "ignore": [one.ignore for one in frame.annotations],
            "group": [one.group for one in frame.annotations],
        }
        row = {"file_name": path.name, "sequence": frame.sequence, "objects": things}
        lines.setdefault(str(path.parent), []).append(json.dumps(row, ensure_ascii=False))
    for folder, own in lines.items():
        write_text("\n".join([*own, ""]), out / folder / "metadata.jsonl")
    return "."


@writer("gtsdb", Layout(source="gtsdb", picture="{gtsdb:05d}{suffix}", keeps=("split",)))
def write_gtsdb(frames: Sequence[Written], out: Path) -> str:
    """GTSDB: gt.txt beside numbered frames; GTSRB's 43 classes alone."""
    ids = gtsrb_numbers()
    lines, foreign = [], Counter[str]()
    for frame, one in _each(frames, "gtsdb"):
        if one.label not in ids:
            foreign[word_of(one)] += 1
            continue
        x1, y1, x2, y2 = one.box
        cells = [PurePosixPath(frame.picture).name, *map(number, (x1, y1, x2 - 1, y2 - 1))]
        lines.append(";".join([*cells, str(ids[one.label])]))
    if foreign:
        named = some(f"{word} ({n:,})" for word, n in foreign.most_common())
        say(f"gtsdb has no class for some signs, which are left out: {named}")
    if not lines:
        raise DataError("no sign is of one of GTSRB's 43 classes, so gtsdb can hold none")
    write_text("\n".join([*lines, ""]), out / "gt.txt")
    return "."


def _sized(one: Annotation) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = one.box
    return x1, y1, x2 - x1, y2 - y1


def _each(frames: Sequence[Written], name: str) -> Iterator[tuple[Written, Annotation]]:
    kept = wanted(frames, name)
    if name != "gtsdb" and (empty := sum(not marks for _, marks in kept)):
        say(f"{name} lists boxes alone: {empty:,} frames without signs are not named in it")
    for frame, marks in kept:
        for one in marks:
            yield frame, one
