"""A folder of pictures per class, with train, val and test folders above them if the set has splits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from roadworthy.data.records import Record
from roadworthy.data.sources import SOURCES
from roadworthy.data.sources._shared import label_reader, refuse_unknown_options, sign_of
from roadworthy.errors import DataError, DataNotFoundError
from roadworthy.inputs import SUFFIXES

SPLIT_FOLDERS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_CLUTTER = ("__MACOSX", "@eaDir")

TERMS = "pictures of the user's own, under their own terms"


@SOURCES.register("folder")
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Record]:
    """A folder per class; `train/ val/ test/` above them if it has splits."""
    refuse_unknown_options("folder", options)
    label_reader(labels)
    if not place.is_dir():
        raise DataNotFoundError(f"no folder {place}; folder:DIR needs a folder that holds a folder per class")
    split_folders: list[Path] = []
    others: list[Path] = []
    for folder in _folders(place):
        (split_folders if folder.name.lower() in SPLIT_FOLDERS else others).append(folder)
    if not split_folders:
        return _read_classes(place, "", labels)
    # A folder of notes beside the splits is fine; one of pictures would silently be lost.
    strays = [folder.name for folder in others if next(_pictures(folder), None)]
    if strays:
        raise DataError(
            f"{place} mixes split folders ({', '.join(f.name for f in split_folders)}) with others that hold "
            f"pictures ({', '.join(strays)}); move these into a split"
        )
    _refuse_loose_pictures(place)
    return [r for f in split_folders for r in _read_classes(f, SPLIT_FOLDERS[f.name.lower()], labels)]


def _read_classes(place: Path, split: str, labels: str) -> list[Record]:
    _refuse_loose_pictures(place)
    read_label, records = label_reader(labels), []
    for folder in _folders(place):
        pictures = sorted(_pictures(folder))
        if not pictures:
            _refuse_foreign_files(folder)
            continue
        label = read_label(folder.name)
        for path in pictures:
            above, name = os.path.split(path)
            sign = sign_of(name.rpartition(".")[0])  # as text: a Path for each of 60,000 takes seconds
            # Joined with its folders: files called alike in two classes show two signs.
            group = (Path(above).relative_to(place) / sign).as_posix() if sign else ""
            records.append(Record(path=path, label=label, group=group, split=split))
    if not records:
        raise DataNotFoundError(f"no pictures in {place}; it needs a folder per class with pictures in it")
    return records


def _folders(place: Path) -> list[Path]:
    return [Path(e.path) for e in _entries(place) if e.is_dir() and e.name not in _CLUTTER]


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        raise DataError(f"folder {folder} cannot be read: {error.strerror or error}") from error


def _is_picture(name: str) -> bool:
    return name[name.rfind(".") :].lower() in SUFFIXES


def _pictures(folder: Path | str, above: tuple[str, ...] = ()) -> Iterator[str]:
    real = os.path.realpath(folder)
    if real in above:  # a link that leads back up
        return
    for entry in _entries(folder):
        if entry.is_dir():
            if entry.name not in _CLUTTER:
                yield from _pictures(entry.path, (*above, real))
        elif _is_picture(entry.name):
            yield entry.path


def _refuse_loose_pictures(place: Path) -> None:
    loose = [e.name for e in _entries(place) if e.is_file() and _is_picture(e.name)]
    if loose:
        raise DataError(
            f"{len(loose):,} pictures lie directly in {place} ({loose[0]}), so their class is unknown; "
            "put each into a folder named after its class"
        )


def _refuse_foreign_files(folder: Path) -> None:
    names = [name for _, _, files in os.walk(folder) for name in files if not name.startswith(".")]
    if names:
        suffixes = ", ".join(sorted({Path(name).suffix.lower() or name for name in names})[:5])
        raise DataError(
            f"{folder} holds {len(names):,} files ({suffixes}) but no picture; "
            f"pictures end in {', '.join(sorted(SUFFIXES))}"
        )
