"""GTSRB, in any of the three ways in which people have it on disk.

    official      GTSRB/Final_Training/Images/CCCCC/{GT-CCCCC.csv,TTTTT_FFFFF.ppm}, GTSRB/Final_Test/Images
    torchvision   gtsrb/GTSRB/Training/CCCCC/..., gtsrb/GTSRB/Final_Test/Images, gtsrb/GT-final_test.csv
    Kaggle        Train.csv, Test.csv, Meta.csv and the folders that their column Path names

torchvision's training set is that of the 2011 competition (26,640 pictures); the other two hold 39,209.
Source: Stallkamp et al., Neural Networks 2012; https://benchmark.ini.rub.de/gtsrb_dataset.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from roadworthy.data.records import Record
from roadworthy.data.sources import SOURCES
from roadworthy.data.sources._shared import (
    Listing,
    Row,
    missing_pictures,
    read_table,
    refuse_unknown_options,
    require_columns,
)
from roadworthy.errors import DataError, DataNotFoundError, LabelError
from roadworthy.signs.catalogue import name_from_gtsrb_id

_ROI = ("roi.x1", "roi.y1", "roi.x2", "roi.y2")
_TRACK = re.compile(r"(?:\d{5}_)?(\d{5})_\d{5}\.\w+")
_TRAINING = (("Final_Training", "Images"), ("Training",))
_TEST = ("Final_Test", "Images")
_INNER = {"final_training", "training", "final_test", "images"}

TERMS = (
    "GTSRB (Stallkamp et al., Neural Networks 2012): published for research; its archives hold no licence "
    "text, so ask before selling what was learnt from it"
)


@SOURCES.register("gtsrb")
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Record]:
    """GTSRB: German signs, 43 classes; the official, Kaggle's or torchvision's layout."""
    refuse_unknown_options("gtsrb", options)
    if not place.is_dir():
        raise DataNotFoundError(f"no folder {place}; get GTSRB with: roadworthy data fetch gtsrb")
    listing = Listing()
    tables = tuple(
        (split, table, Path(table).stat().st_mtime_ns)
        for split in ("train", "test")
        if (table := listing.find(str(place), f"{split}.csv")) is not None
    )
    records = list(_read_kaggle(place, tables)) or _read_official(place, listing)
    if not records:
        raise DataNotFoundError(
            f"no GTSRB in {place} (looked for Train.csv, GTSRB/Final_Training/Images and GTSRB/Training); "
            "get it with: roadworthy data fetch gtsrb"
        )
    return records


def icons(place: Path) -> dict[str, str]:
    """Path of each class's icon, by class name; empty where the layout has no Meta.csv."""
    listing = Listing()
    table = listing.find(str(place), "Meta.csv")
    if table is None:
        return {}
    has, rows = read_table(Path(table))
    require_columns(Path(table), has, "path", "classid")
    found = {
        row.checked(name_from_gtsrb_id, "classid"): _find_named(listing, str(place), "Meta", row.text("path"))
        for row in rows
    }
    return {name: path for name, path in found.items() if path is not None}


@lru_cache(maxsize=1)  # a study reads the same 50,000 rows for every training
def _read_kaggle(place: Path, tables: tuple[tuple[str, str, int], ...]) -> tuple[Record, ...]:
    """tables: of each split its name, its file, and when that was last changed."""
    records: list[Record] = []
    listing = Listing()
    for split, table, _ in tables:
        has, rows = read_table(Path(table))
        require_columns(Path(table), has, "path", "classid")
        missing: list[str] = []
        for row in rows:
            named = row.text("path")
            path = _find_named(listing, str(place), split, named)
            if path is None:
                missing.append(named)
            else:
                records.append(_record(row, path, split))
        if missing:
            raise missing_pictures(Path(table), missing)
    return tuple(records)


def _find_named(listing: Listing, place: str, folder: str, named: str) -> str | None:
    # Copies of the set write Train/20/x.png, train/20/x.png, ../input/gtsrb/Train/20/x.png or 20/x.png.
    parts = named.replace("\\", "/").split("/")
    start = next((i for i in reversed(range(len(parts))) if parts[i].lower() == folder.lower()), None)
    tail = [folder, *parts] if start is None else parts[start:]
    return listing.find(place, *tail)


def _read_official(place: Path, listing: Listing) -> list[Record]:
    root = _official_root(place, listing)
    if root is None:
        return []
    training = next((found for parts in _TRAINING if (found := listing.find(root, *parts))), None)
    records = [] if training is None else _read_training(training, listing)
    test = listing.find(root, *_TEST)
    return records if test is None else records + _read_test(test, listing)


def _official_root(place: Path, listing: Listing) -> str | None:
    folders = [str(place), listing.find(str(place), "GTSRB"), listing.find(str(place), "gtsrb", "GTSRB")]
    whole = place.absolute()
    if whole.name.lower() in _INNER:
        folders += [str(whole.parent), str(whole.parent.parent)]
    for folder in folders:
        if folder and any(listing.find(folder, *parts) for parts in (*_TRAINING, _TEST)):
            return folder
    return None


def _read_training(folder: str, listing: Listing) -> list[Record]:
    records: list[Record] = []
    for number in sorted(set(listing.names(folder).values())):
        table = listing.find(folder, number, f"GT-{number}.csv")
        if table is not None:
            records += _read_filenames(Path(table), str(Path(folder) / number), "train", listing)
    if not records:
        raise DataError(f"{folder} holds no class folders with a GT-CCCCC.csv and pictures; is it whole?")
    return records


def _read_test(folder: str, listing: Listing) -> list[Record]:
    # GT-final_test.test.csv, which the archive of the pictures brings, has no classes in it.
    places = [Path(folder), *list(Path(folder).absolute().parents)[:3]]
    table = next((found for p in places if (found := listing.find(str(p), "GT-final_test.csv"))), None)
    if table is None:
        raise DataError(
            f"{folder} holds the test pictures, but GT-final_test.csv with their classes is neither "
            "there nor in the three folders above; it is in GTSRB_Final_Test_GT.zip"
        )
    return _read_filenames(Path(table), folder, "test", listing)


def _read_filenames(table: Path, folder: str, split: str, listing: Listing) -> list[Record]:
    has, rows = read_table(table)
    require_columns(table, has, "filename", "classid")
    found = [(row, listing.find(folder, row.text("filename"))) for row in rows]
    missing = [row.text("filename") for row, path in found if path is None]
    if missing:
        raise missing_pictures(table, missing)
    return [_record(row, path, split) for row, path in found if path is not None]


def _record(row: Row, path: str, split: str) -> Record:
    number = row.text("classid")
    try:
        label = name_from_gtsrb_id(number)
    except LabelError as error:
        raise row.fail(str(error)) from error
    # Only training pictures come in tracks; track numbers start anew in every class.
    track = _TRACK.fullmatch(path.rpartition(os.sep)[2]) if split == "train" else None
    group = f"{int(number):05d}_{track[1]}" if track else ""
    return Record(path=path, label=label, group=group, split=split, box=row.box(_ROI, inclusive=True))
