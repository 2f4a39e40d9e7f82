"""GTSRB, in any of the three layouts that people have on disk.

    official      GTSRB/Final_Training/Images/CCCCC/{GT-CCCCC.csv,TTTTT_FFFFF.ppm}, GTSRB/Final_Test/Images
    torchvision   gtsrb/GTSRB/Training/CCCCC/..., gtsrb/GTSRB/Final_Test/Images, gtsrb/GT-final_test.csv
    Kaggle        Train.csv, Test.csv, Meta.csv and the folders that their column Path names

torchvision's training set is that of the 2011 competition (26,640 pictures); the other two hold 39,209.
The official test has no track numbers; gtsrb_test_signs.npz holds those that were recovered from the pictures
(benchmarks/official_test_signs.py), for 421 signs of 30 pictures each.
Source: Stallkamp et al., Neural Networks 2012; https://benchmark.ini.rub.de/gtsrb_dataset.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from roadworthy.core.arrays import IntArray
from roadworthy.core.errors import DataError, DataNotFoundError, LabelError
from roadworthy.core.notes import say, some
from roadworthy.data.records import Record
from roadworthy.data.sources import SOURCES
from roadworthy.data.sources._shared import Listing, refuse_unknown_options
from roadworthy.data.tables import Row, missing_pictures, read_table, require_columns
from roadworthy.imaging.decode import SUFFIXES, suffix_of
from roadworthy.signs.catalogue import name_from_gtsrb_id

_ROI = ("roi.x1", "roi.y1", "roi.x2", "roi.y2")
_TRACK = re.compile(r"(?:\d{5}_)?(\d{5})_\d{5}\.\w+")
_TEST_NAME = re.compile(r"\d{5}")
_TRAINING = (("Final_Training", "Images"), ("Training",))
_TEST = ("Final_Test", "Images")
TEST_SIGNS = Path(__file__).with_name("gtsrb_test_signs.npz")
_DEEP = 3  # levels below the place named at which the set is looked for
_COPY = re.compile(r"[ _-]*(\(\d+\)|copy|kopie)( ?\(?\d+\)?)?\.csv", re.IGNORECASE)
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
    records = _read_root(place, listing)
    if not records:
        # Unpacked apart, the classes of the test may lie beside it.
        beside = [str(place), *_folders(str(place))]
        records = [r for root in _below(place, listing) for r in _read_root(root, listing, beside)]
    if not records:
        raise DataNotFoundError(
            f"no GTSRB in {place} (looked for Train.csv, Final_Training/Images and Training, up to "
            f"{_DEEP} folders down); "
            "get it with: roadworthy data fetch gtsrb"
        )
    if any(record.split == "test" and record.group for record in records):
        say(
            "gtsrb: which pictures of the official test show one sign was recovered from the pictures; on "
            f"training tracks {_test_signs().precision:.0%} of such pairs do"
        )
    return records


def _read_root(place: Path, listing: Listing, beside: Sequence[str] = ()) -> list[Record]:
    return _read_kaggle_at(place, listing) or _read_official(place, listing, beside)


def _read_kaggle_at(place: Path, listing: Listing) -> list[Record]:
    tables = _kaggle_tables(place, listing)
    for split in ("train", "test") if tables else ():
        folder = listing.find(str(place), split)
        if split not in tables and folder is not None and _holds_pictures(folder):
            say(f"gtsrb: left out the pictures in {folder}: there is no {split.capitalize()}.csv beside it")
    read = tuple((split, table, Path(table).stat().st_mtime_ns) for split, table in tables.items())
    records = list(_read_kaggle(place, read))
    for split, table in tables.items():
        _check_all_named(place, split, table, {str(r.path) for r in records if r.split == split}, listing)
    return records


def _check_all_named(place: Path, split: str, table: str, named: set[str], listing: Listing) -> None:
    """DataError if the table names no picture of a folder that has some; unnamed pictures are noted."""
    tops = {str(place / name) for name in listing.names(str(place)).values() if name.lower() == split}
    used = {top for top in tops if any(path.startswith(top + os.sep) for path in named)}
    there: dict[str, set[str]] = {}
    for top in used or tops:
        for above, _, names in os.walk(top):
            folder = str(Path(top, *Path(above).relative_to(top).parts[:1]))
            pictures = {above + os.sep + name for name in names if suffix_of(name) in SUFFIXES}
            there[folder] = there.get(folder, set()) | pictures
    for folder, pictures in sorted(there.items()):
        _check_named(folder, table, len(pictures), len(pictures - named))


def _check_named(folder: str, table: str, pictures: int, unnamed: int) -> None:
    if not unnamed:
        return
    if unnamed == pictures:
        raise DataError(
            f"{folder} has pictures ({pictures:,}), but {table} names none of them; download the table "
            "again, or remove the folder to do without these pictures"
        )
    say(f"gtsrb: left out {unnamed:,} pictures in {folder}: {table} does not name them")


def _kaggle_tables(place: Path, listing: Listing) -> dict[str, str]:
    """The table of each split that has one."""
    found = {split: _table(listing, str(place), split) for split in ("train", "test")}
    return {split: table for split, table in found.items() if table is not None}


def _table(listing: Listing, folder: str, stem: str) -> str | None:
    """The table STEM.csv of a folder, or a copy that a browser or a person has numbered: `STEM (1).csv`."""
    exact = listing.find(folder, f"{stem}.csv")
    if exact is not None:
        return exact
    copies = sorted(
        name
        for name in set(listing.names(folder).values())
        if name.lower().startswith(stem.lower()) and _COPY.fullmatch(name[len(stem) :])
    )
    if len(copies) > 1:
        raise DataError(f"{folder} has {' and '.join(copies)}; keep one of them and call it {stem}.csv")
    return folder + os.sep + copies[0] if copies else None


def _holds_pictures(folder: str) -> bool:
    return any(suffix_of(name) in SUFFIXES for _, _, names in os.walk(folder) for name in names)


def _below(place: Path, listing: Listing) -> list[Path]:
    """The folders some levels down that hold GTSRB; training and test may be in different ones.

    Raises DataError if several hold the same part of it.
    """
    level, found = [str(place)], dict[str, list[str]]()
    for _ in range(_DEEP):
        inner = [path for folder in level for path in _folders(folder)]
        found |= {path: parts for path in inner if (parts := _parts(path, listing))}
        level = [path for path in inner if path not in found]
    parts = [part for own in found.values() for part in own]
    if len(parts) > len(set(parts)):
        raise DataError(f"{place} contains GTSRB more than once: {some(found)}; name one of them")
    return [Path(folder) for folder in found]


def _folders(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.path for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _parts(folder: str, listing: Listing) -> list[str]:
    """Which of training and test lie right in a folder."""
    if tables := _kaggle_tables(Path(folder), listing):
        return list(tables)
    training = any(listing.find(folder, *parts) for parts in _TRAINING)
    return ["train"] * training + ["test"] * (listing.find(folder, *_TEST) is not None)


def icons(place: Path) -> dict[str, str]:
    """Path of each class's icon, by class name; empty where the layout has no Meta.csv."""
    listing = Listing()
    table = listing.find(str(place), "Meta.csv")
    if table is None:
        return {}
    try:
        has, rows = read_table(Path(table))
        require_columns(Path(table), has, "path", "classid")
        named = {row.checked(name_from_gtsrb_id, "classid"): row.text("path") for row in rows}
    except DataError:  # another set's table, or one of another shape: it has no icons for us
        return {}
    found = {name: _find_named(listing, str(place), "Meta", path) for name, path in named.items()}
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


def _read_official(place: Path, listing: Listing, beside: Sequence[str]) -> list[Record]:
    root = _official_root(place, listing)
    if root is None:
        return []
    training = next((found for parts in _TRAINING if (found := listing.find(root, *parts))), None)
    records = [] if training is None else _read_training(training, listing)
    test = listing.find(root, *_TEST)
    return records if test is None else records + _read_test(test, listing, beside)


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
        inner = str(Path(folder) / number)
        table = _table(listing, inner, f"GT-{number}")
        if table is not None:
            records += _read_filenames(Path(table), inner, "train", listing)
        elif _holds_pictures(inner):
            raise DataError(
                f"{inner} has pictures, but no GT-{number}.csv with their classes and boxes; download it "
                "again, or remove the folder to do without this class"
            )
    if not records:
        raise DataError(
            f"{folder} has no class folders with a GT-CCCCC.csv and pictures; is the data set complete?"
        )
    return records


def _read_test(folder: str, listing: Listing, beside: Sequence[str]) -> list[Record]:
    # GT-final_test.test.csv, which the archive of the pictures brings, has no classes in it.
    places = [folder, *map(str, list(Path(folder).absolute().parents)[:3]), *beside]
    table = next((found for p in places if (found := _table(listing, p, "GT-final_test"))), None)
    if table is None:
        raise DataError(
            f"{folder} has the test pictures, but GT-final_test.csv with their classes is neither "
            "there nor in the three folders above; it comes in GTSRB_Final_Test_GT.zip"
        )
    return _read_filenames(Path(table), folder, "test", listing)


def _read_filenames(table: Path, folder: str, split: str, listing: Listing) -> list[Record]:
    has, rows = read_table(table)
    require_columns(table, has, "filename", "classid")
    found = [(row, listing.find(folder, row.text("filename"))) for row in rows]
    missing = [row.text("filename") for row, path in found if path is None]
    if missing:
        raise missing_pictures(table, missing)
    pictures = {name for name in listing.names(folder).values() if suffix_of(name) in SUFFIXES}
    taken = {path.rpartition(os.sep)[2] for _, path in found if path is not None}
    _check_named(folder, str(table), len(pictures), len(pictures - taken))
    return [_record(row, path, split) for row, path in found if path is not None]


@dataclass(frozen=True, kw_only=True)
class _TestSigns:
    """Which sign each picture of the official test shows, as recovered; `precision` of pairs on known tracks.

    signs: (12630,) by the number that a picture is named by.  labels: (421,) of each sign.
    """

    signs: IntArray
    labels: tuple[str, ...]
    precision: float

    def group(self, name: str, label: str) -> str:
        """The sign that a picture of that name shows; empty where it is none of the official test's."""
        stem = name.partition(".")[0]
        if not _TEST_NAME.fullmatch(stem) or int(stem) >= len(self.signs):
            return ""
        sign = int(self.signs[int(stem)])
        return f"test_{sign:05d}" if self.labels[sign] == label else ""


@cache
def _test_signs() -> _TestSigns:
    with np.load(TEST_SIGNS, allow_pickle=False) as stored:
        return _TestSigns(
            signs=stored["signs"],
            labels=tuple(stored["labels"].tolist()),
            precision=float(stored["precision"]),
        )


def _record(row: Row, path: str, split: str) -> Record:
    number = row.text("classid")
    try:
        label = name_from_gtsrb_id(number)
    except LabelError as error:
        raise row.fail(str(error)) from error
    name = path.rpartition(os.sep)[2]
    # Only training pictures are named by tracks; track numbers start anew in every class.
    track = _TRACK.fullmatch(name) if split == "train" else None
    group = f"{int(number):05d}_{track[1]}" if track else ""
    if split == "test":
        group = _test_signs().group(name, label)
    box, fault = row.box_or_fault(_ROI, inclusive=True)
    return Record(path=path, label=label, group=group, split=split, box=box, fault=fault)
