"""Which pictures a run was trained, validated and tested on (its splits.csv), and what has changed since."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from roadworthy.core.errors import DataError
from roadworthy.core.files import write_csv
from roadworthy.core.notes import say
from roadworthy.data.open import Splits, refuse_other_classes
from roadworthy.data.records import Record

FILE = "splits.csv"
_COLUMNS = ("path", "group", "split", "label", "pixels")
Row = Mapping[str, str]


def place_of(record: Record) -> str:
    """The full path of a picture's file; for a drawn picture, what it is drawn from."""
    return record.path if record.drawing is not None else str(Path(record.path).absolute())


def write_splits(splits: Splits, folder: Path) -> None:
    """Record which picture was in which split, so that a later evaluation knows what was trained on.

    label: its class.  pixels: a hash of the picture as decoded for the network; empty for drawn ones.
    """
    write_csv([_COLUMNS, *(tuple(row.values()) for row in _rows(splits))], folder / FILE)


def trained_on(folder: Path | None) -> set[str]:
    """The places of the pictures that the run in `folder` was trained on."""
    return set() if folder is None else {r["path"] for r in _stored(folder) if r["split"] == "train"}


def refuse_changed_data(splits: Splits, folder: Path) -> None:
    """DataError, saying what has changed, if the data are not those that the run in `folder` began with.

    Runs of earlier versions kept neither labels nor hashes; for them files, splits and classes are compared.
    """
    about = folder / "data.json"
    classes = json.loads(about.read_text(encoding="utf-8"))["classes"] if about.is_file() else splits.classes
    refuse_other_classes(classes, splits.classes, f"the run in {folder}")
    if not (folder / FILE).is_file():
        say(f"{folder} has no {FILE}, so changes in the data since the run began cannot be detected")
        return
    # Drawn pictures are what their settings say.
    then = [row for row in _stored(folder) if row.get("pixels") or "rendered:" not in row["path"]]
    now = [row for row in _rows(splits) if row["pixels"]]
    if not all(any(row["split"] == "test" for row in rows) for rows in (then, now)):
        # A test that is closed is no change of the data.
        then, now = ([row for row in rows if row["split"] != "test"] for rows in (then, now))
    if changes := _changes(then, now):
        raise DataError(
            f"the data have changed since the run in {folder} began: {'; '.join(changes)}. Restore them, "
            "or start a new run in another --out"
        )


def _changes(then: Sequence[Row], now: Sequence[Row]) -> list[str]:
    """What has changed, in words."""
    columns = [name for name in ("split", "label", "pixels") if all(name in row for row in then)]
    before, after = _by_place(then, columns), _by_place(now, columns)
    if not before.keys() & after.keys():  # the whole set has been moved
        before, after = _below_common(before), _below_common(after)
    both = sorted(before.keys() & after.keys())
    counted = {
        "new": sorted(after.keys() - before.keys()),
        "gone": sorted(before.keys() - after.keys()),
        "changed": [
            place for place in both if _column(before, place, "pixels") != _column(after, place, "pixels")
        ],
        "under another label": [
            place for place in both if _column(before, place, "label") != _column(after, place, "label")
        ],
        "in another split": [
            place for place in both if _column(before, place, "split") != _column(after, place, "split")
        ],
    }
    return [
        f"{len(places):,} picture{'s are' if len(places) > 1 else ' is'} {what}, first: {places[0]}"
        for what, places in counted.items()
        if places
    ]


def _by_place(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, list[Row]]:
    """What rows say of each place; several boxes may share a photograph."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["path"]].append({name: row[name] for name in columns})
    return found


def _column(rows: Mapping[str, Sequence[Row]], place: str, name: str) -> list[str]:
    return sorted(row.get(name, "") for row in rows[place])


def _below_common(rows: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """By the part of each path that is not common to all."""
    above = os.path.commonpath([str(Path(path).parent) for path in rows]) if rows else ""
    return {os.path.relpath(path, above): found for path, found in rows.items()}


def _rows(splits: Splits) -> Iterator[Row]:
    for name, data in splits.parts().items():
        for record, image in zip(data.records, data.images, strict=True):
            drawn = record.drawing is not None
            pixels = "" if drawn else hashlib.blake2b(image.tobytes(), digest_size=8).hexdigest()
            yield {
                "path": place_of(record),
                "group": record.group,
                "split": name,
                "label": record.label,
                "pixels": pixels,
            }


def _stored(folder: Path) -> list[Row]:
    path = folder / FILE
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))
