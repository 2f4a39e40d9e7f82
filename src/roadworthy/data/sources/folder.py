"""A folder of pictures per class, with train, val and test folders above them if the set has splits."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from roadworthy.core.errors import DataError, DataNotFoundError, LabelError
from roadworthy.core.notes import say, some
from roadworthy.core.words import plural
from roadworthy.data.records import Record
from roadworthy.data.sources import SOURCES
from roadworthy.data.sources._labels import doubt_names, label_reader, say_labels
from roadworthy.data.sources._shared import (
    CLUTTER,
    entries,
    is_picture,
    name_splits,
    pictures_below,
    refuse_unknown_options,
    sign_of,
    split_of,
)
from roadworthy.imaging.decode import SUFFIXES, left_out

_DEEP = 2  # levels below the place named at which splits are looked for

TERMS = "pictures of the user's own, under their own terms"


@SOURCES.register("folder")
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Record]:
    """A folder per class; `train/ val/ test/` above them if it has splits."""
    refuse_unknown_options("folder", options)
    reader, known = label_reader(labels), dict[str, str]()

    def read_label(label: str) -> str:
        try:
            return known.setdefault(label, reader(label))
        except LabelError as error:
            raise LabelError(f"folder:{place}: a folder's name cannot be a class: {error}") from error

    records = read_folder(place, read_label)
    say_labels(known, labels, f"folder:{place}")
    return doubt_names(records, f"folder:{place}")


def read_folder(place: Path, read_label: Callable[[str], str]) -> list[Record]:
    """The pictures of a folder, their classes named by `read_label` of the folders' names."""
    if not place.is_dir():
        raise DataNotFoundError(f"no folder {place}; folder:DIR needs a folder with one folder per class")
    wrapper, place = place, _unwrapped(place)
    if place != wrapper:
        say(f"folder:{wrapper}: has no splits of its own; using those in {place}")
    folders = {folder.name: folder for folder in _folders(place)}
    splits = name_splits(folders, f"folder:{place}")
    others: Counter[str] = Counter()
    if not splits:
        records = _read_classes(place, "", read_label, others)
    else:
        _refuse_strays(place, [folders[name] for name in splits], folders)
        _refuse_loose_pictures(place)
        records = _counted_once(
            place, {n: _read_classes(folders[n], split, read_label, others) for n, split in splits.items()}
        )
    if others:
        say(f"folder:{place}: {left_out(others)}")
    return records


def _unwrapped(place: Path) -> Path:
    """The folder of splits up to two levels down where one folder holds everything; else the place itself."""
    inner = place
    for level in range(_DEEP + 1):
        splits = [folder for folder in _folders(inner) if split_of(folder.name)]
        if splits:
            # Where pictures lie right in them, the folder above is a class.
            whole = all(_folders(folder) and not _loose(folder) for folder in splits)
            return inner if whole or not level else place
        full = [folder for folder in _folders(inner) if next(pictures_below(folder, Counter()), None)]
        if len(full) != 1 or _loose(inner):
            break
        inner = full[0]
    return place


def _refuse_strays(place: Path, splits: Sequence[Path], folders: Mapping[str, Path]) -> None:
    # A folder of notes beside the splits is fine; one of pictures would silently be lost.
    others = [folder for folder in folders.values() if folder not in splits]
    strays = [folder.name for folder in others if next(pictures_below(folder, Counter()), None)]
    if strays:
        raise DataError(
            f"{place} mixes split folders ({', '.join(f.name for f in splits)}) with other folders of "
            f"pictures ({', '.join(strays)}); move these into a split"
        )


def _counted_once(place: Path, found: Mapping[str, list[Record]]) -> list[Record]:
    """The records of all split folders; a picture in two folders of one split counts once.

    Some archives contain the same pictures as Train/ and as train/.
    """
    splits = Counter(records[0].split for records in found.values())
    kept: list[Record] = []
    seen: set[tuple[str, str, int]] = set()
    doubled: Counter[str] = Counter()
    for name, records in found.items():
        for record in records:
            if splits[record.split] > 1:
                inner = os.path.relpath(record.path, place / name)
                key = record.split, inner, Path(record.path).stat().st_size
                if key in seen:
                    doubled[name] += 1
                    continue
                seen.add(key)
            kept.append(record)
    for name, n in doubled.items():
        say(f"folder:{place}: {n:,} pictures of {name} are also in another folder of the split; counted once")
    return kept


def _read_classes(
    place: Path, split: str, read_label: Callable[[str], str], others: Counter[str]
) -> list[Record]:
    """The pictures of a folder of classes.  others: counts files that are not pictures, by suffix."""
    _refuse_loose_pictures(place)
    by_folder: dict[Path, list[str]] = {}
    for folder in _folders(place):
        foreign: Counter[str] = Counter()
        pictures = sorted(pictures_below(folder, foreign))
        if pictures:
            by_folder[folder] = pictures
            others.update(foreign)
        elif foreign:
            raise DataError(
                f"{folder} has {foreign.total():,} files ({', '.join(sorted(foreign)[:5])}) but no "
                f"pictures; pictures end in {', '.join(sorted(SUFFIXES))}"
            )
    if not by_folder:
        raise DataNotFoundError(f"no pictures in {place}; it needs one folder per class, with pictures in it")
    _refuse_repeated_folders(place, by_folder)
    records = []
    for folder, pictures in by_folder.items():
        label = read_label(folder.name)
        for path in pictures:
            above, name = os.path.split(path)
            sign = sign_of(name.rpartition(".")[0])  # as text: a Path for each of 60,000 takes seconds
            # Joined with its folders: files called alike in two classes show two signs.
            group = (Path(above).relative_to(place) / sign).as_posix() if sign else ""
            records.append(Record(path=path, label=label, group=group, split=split))
    return records


def _refuse_repeated_folders(place: Path, by_folder: Mapping[Path, Sequence[str]]) -> None:
    """DataError if every "class" has the same subfolders: these may be the classes; only the user knows."""
    inner = []
    for folder, pictures in by_folder.items():
        start = len(str(folder)) + 1
        inner.append(
            {path[start:].partition(os.sep)[0] if os.sep in path[start:] else "" for path in pictures}
        )
    repeated = sorted(set.intersection(*inner))
    every = sorted(set.union(*inner))
    outer = [folder.name for folder in by_folder]
    if len(inner) > 1 and len(every) > 1 and all(map(split_of, every)):
        raise DataError(
            f"{place} can be read in two ways, because {some(outer, 4)} hold the folders {some(every, 4)}. "
            "If these are the splits of each class, put the classes inside them "
            f"({place / every[0] / outer[0]}); if they are not splits, put the pictures directly into "
            f"{some(outer, 4)}"
        )
    if len(inner) < 2 or len(repeated) < 2 or "" in every:
        return
    as_sets = ",".join(f"folder:{place / name}" for name in outer[:2])
    raise DataError(
        f"{place} can be read in two ways, because {some(outer, 4)} all hold the folders "
        f"{some(repeated, 4)}. If the classes are {some(repeated, 4)}, rename the outer folders to train, "
        f"val and test, or mix them ({as_sets}); if they are {some(outer, 4)}, put the pictures directly "
        "into these, or name each picture's class in a table (csv:)"
    )


def _folders(place: Path) -> list[Path]:
    return [Path(e.path) for e in entries(place) if e.is_dir() and e.name not in CLUTTER]


def _loose(place: Path) -> list[str]:
    return [e.name for e in entries(place) if e.is_file() and is_picture(e.name)]


def _refuse_loose_pictures(place: Path) -> None:
    loose = _loose(place)
    if loose:
        raise DataError(
            f"{plural(len(loose), 'picture')} directly in {place} ({loose[0]}), so the class is unknown; "
            "put each picture into a folder named after its class"
        )
