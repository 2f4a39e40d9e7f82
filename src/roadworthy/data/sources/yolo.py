"""YOLO: a .txt of boxes for each picture, described by a data.yaml or by where the folders lie.

    yolo:DIR/data.yaml   its train, val and test name folders or lists of pictures, its names the classes
    yolo:DIR             the one .yaml in DIR; without one, or where it names the classes alone, images/ and
                         labels/, also below train/, val/, test/

A line is `class x y w h`: the middle and the size as shares of the picture's.  A picture whose .txt is empty
or missing shows no signs.  Lines of outlines or turned boxes become regions that are neither wanted nor wrong
when found, and are counted.  The .txt of images/a/b.jpg is labels/a/b.txt, or lies beside the picture.
Source: https://docs.ultralytics.com/datasets/detect
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import yaml

from roadworthy.core.arrays import Box
from roadworthy.core.errors import DataError, DataNotFoundError, ImageError
from roadworthy.core.notes import say, some
from roadworthy.core.paths import at_home
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.sources import Form
from roadworthy.data.sources._boxes import (
    WORDS,
    SignWords,
    box_of,
    frame_source,
    marked,
    read_label,
    read_text,
    refuse_text,
    rounded,
    without_doubles,
)
from roadworthy.data.sources._looks import Glimpse
from roadworthy.data.sources._shared import entries, files_below, is_picture, name_splits
from roadworthy.imaging.decode import picture_size

_YAML = (".yaml", ".yml")
_SPLITS = ("train", "val", "test")
_IMAGES = re.compile(r"(?:.*[\\/])?images(?=[\\/])", re.DOTALL)  # the last folder of that name
_NAMES = re.compile(r"^names *:", re.MULTILINE)
_NUMBER = re.compile(r"\d{1,9}(\.0*)?")
_MOST_BYTES = 5_000_000  # of a data.yaml: lists of pictures have files of their own

TERMS = "frames of the user's own, under their own terms"


def _looks(seen: Glimpse) -> bool:
    if any(_NAMES.search(seen.head(name)) for name in seen.ending(*_YAML)[:5]):
        return True
    lines = [seen.head(name).split("\n", 1)[0] for name in seen.ending(".txt")[:50]]
    return any(len(line.split()) >= 5 and _NUMBER.fullmatch(line.split()[0]) for line in lines)


FORM = Form(
    title="YOLO",
    boxes="centre and size as shares",
    lost="films, physical signs, regions to be ignored, outlines",
)


@frame_source("yolo", settings=WORDS, form=FORM, looks=_looks)
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """YOLO: a .txt for each picture; data.yaml, or images/ and labels/."""
    pictures, names = _described(place)
    reader = _Reader(place=place, names=names, words=SignWords(f"yolo:{place}", labels, options))
    frames = [reader.frame(path, split) for split, paths in pictures.items() for path in paths]
    if not frames:
        raise DataNotFoundError(f"no pictures in {place}; yolo:DIR needs images/ and labels/, or a data.yaml")
    reader.say(len(frames))
    frames.sort(key=lambda frame: frame.path)
    return without_doubles(frames, f"yolo:{place}")


def _described(place: Path) -> tuple[dict[str, list[str]], list[str] | None]:
    """The pictures by split, and the names of the classes if anything tells them."""
    if place.suffix.lower() in _YAML and place.is_file():
        return _of_yaml(place)
    if not place.is_dir():
        raise DataNotFoundError(f"nothing at {place}; yolo: needs a folder, or its data.yaml")
    found = [Path(e.path) for e in entries(place) if e.is_file() and e.name.lower().endswith(_YAML)]
    sets = [path for path in found if _NAMES.search(read_text(path))]
    if len(sets) > 1:
        raise DataError(
            f"{place} holds {sets[0].name} and {sets[1].name}; name one of them, like yolo:{sets[0]}"
        )
    if sets and any(name in _yaml(sets[0]) for name in _SPLITS):
        return _of_yaml(sets[0])
    splits: dict[str, list[str]] = {}
    pictures = [path for path in files_below(place) if is_picture(path)]
    above = [PurePath(os.path.relpath(path, place)).parts[:-1] for path in pictures]
    named = name_splits(sorted({part for parts in above for part in parts}), f"yolo:{place}")
    for path, parts in zip(pictures, above, strict=True):
        split = next((named[part] for part in parts if part in named), "")
        splits.setdefault(split, []).append(path)
    if sets:  # it names the classes alone
        return splits, _names(sets[0], _yaml(sets[0]).get("names"))
    lists = [place / name for name in ("classes.txt", "obj.names") if (place / name).is_file()]
    return splits, read_text(lists[0]).split("\n") if lists else None


def _yaml(path: Path) -> dict[str, Any]:
    """What a YAML file says, every value as the text that stands there: `no` and 010 are names, too."""
    text = read_text(path)
    if len(text) > _MOST_BYTES:
        raise DataError(f"{path} has {len(text):,} characters, more than any data.yaml")
    try:
        tree = yaml.load(text, Loader=yaml.BaseLoader)  # texts, lists and maps; nothing that runs
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        refuse_text(path, "YAML", error)
    if not isinstance(tree, dict):
        raise DataError(f"{path} is no data.yaml: it must say names: and train:, val: or test:")
    return tree


def _of_yaml(path: Path) -> tuple[dict[str, list[str]], list[str]]:
    tree = _yaml(path)
    root = _root(path, tree.get("path", ""))
    pictures: dict[str, list[str]] = {}
    for split in _SPLITS:
        places = tree.get(split) or []
        places = [places] if isinstance(places, str) else places
        if not isinstance(places, list) or not all(isinstance(place, str) for place in places):
            raise DataError(f"{path}: {split}: must name a folder or a list of pictures, or several")
        pictures[split] = [one for place in places if place for one in _listed(path, root, split, place)]
    if not any(pictures.values()):
        raise DataNotFoundError(f"{path} names no pictures: its train:, val: and test: lead to none")
    return pictures, _names(path, tree.get("names"))


def _root(path: Path, text: object) -> Path:
    """The folder that the places in a data.yaml start from."""
    if not isinstance(text, str):
        raise DataError(f"{path}: path: must be one folder")
    root = path.parent / at_home(text) if text else path.parent
    if root.is_dir():
        return root
    say(f"yolo:{path}: its path {text} is not here; places are taken from {path.parent}")
    return path.parent


def _listed(path: Path, root: Path, split: str, text: str) -> list[str]:
    """The pictures at a place that a data.yaml names."""
    # Some exporters write ../train/images for train/images.
    tries = [root / text, path.parent / text, path.parent / text.removeprefix("../")]
    place = next((place for place in tries if place.exists()), None)
    if place is None:
        if split == "test":  # exporters name one whether the set has it or not
            say(f"yolo:{path}: its test {text} is not there; left out")
            return []
        raise DataNotFoundError(f"{path}: {split}: {text} is not there; looked at {tries[0]}")
    if place.is_dir():
        return [found for found in files_below(place) if is_picture(found)]
    lines = [line.strip() for line in read_text(place).splitlines() if line.strip()]
    found = [
        os.path.normpath(place.parent / line if line.startswith("./") else root / line) for line in lines
    ]
    missing = [picture for picture in found if not os.path.isfile(picture)]  # noqa: PTH113 - may be many
    if missing:
        raise DataError(f"{place} names pictures that do not exist: {missing[0]}; is the data set complete?")
    return found


def _names(path: Path, names: object) -> list[str]:
    """The classes by number: a list, or a map from numbers."""
    if isinstance(names, list) and names:
        found = dict(enumerate(names))
    elif isinstance(names, dict) and names and all(_NUMBER.fullmatch(str(key)) for key in names):
        found = {int(float(key)): name for key, name in names.items()}
    else:
        raise DataError(f"{path} has no names: it must list the classes, as a list or as 0: stop, 1: ...")
    if not all(isinstance(name, str) for name in found.values()):
        raise DataError(f"{path}: names: holds more than texts; each class must be one name")
    return [found.get(number, "") for number in range(min(max(found, default=-1) + 1, 100_000))]


@dataclass(kw_only=True)
class _Reader:
    """Reads a set's files and counts what a person should know of them.

    names: of the classes by number, or None where only numbers are known.
    """

    place: Path
    names: Sequence[str] | None
    words: SignWords
    without: list[str] = field(default_factory=list)
    odd: Counter[str] = field(default_factory=Counter)

    def frame(self, path: str, split: str) -> Frame:
        try:
            table = _table_of(path)
            if table is None:
                self.without.append(path)
                return Frame(path=path, split=split)
            rows = [
                (n, line.split()) for n, line in enumerate(read_text(table).splitlines(), 1) if line.strip()
            ]
            if not rows:
                return Frame(path=path, split=split)
            size = picture_size(path)
        except ImageError as error:
            return Frame(path=path, split=split, fault=str(error))
        found: list[Annotation] = []
        fault = ""
        for line, cells in rows:
            where = f"{table}, line {line}"
            label, numbers = self._row(cells, where)
            try:
                found += self._annotations(label, numbers, size)
            except ValueError as error:
                fault = fault or f"has no usable box ({where}: {error})"
        return Frame(path=path, annotations=tuple(found), split=split, fault=fault)

    def _row(self, cells: Sequence[str], where: str) -> tuple[str | None, list[float]]:
        """What a line marks, and its numbers."""
        try:
            numbers = [float(cell) for cell in cells[1:]]
        except ValueError:
            numbers = []
        if not _NUMBER.fullmatch(cells[0]) or len(numbers) < 4 or (len(numbers) % 2 and len(numbers) != 5):
            raise DataError(
                f"{where} is {' '.join(cells)[:60]!r}; it must be class x y w h, like 0 0.5 0.5 0.1 0.1"
            )
        number = int(float(cells[0]))
        if self.names is None:
            return read_label(self.words, str(number), where), numbers
        if number >= len(self.names) or not self.names[number].strip():
            raise DataError(
                f"{where} has the class {number}; the set names {len(self.names):,}, counted from 0"
            )
        return read_label(self.words, self.names[number], where), numbers

    def _annotations(
        self, label: str | None, numbers: Sequence[float], size: tuple[int, int]
    ) -> tuple[Annotation, ...]:
        if not all(-1 <= number <= 2 for number in numbers[:4]):
            raise ValueError(
                f"{numbers[0]:g} {numbers[1]:g} {numbers[2]:g} {numbers[3]:g} are no shares of the picture"
            )
        if len(numbers) > 5:
            self.odd["lines are outlines or turned boxes, which become regions to be ignored"] += 1
            return marked(_enclosing(numbers, size), label, ignore=True)
        if len(numbers) == 5:
            self.odd["lines end in a sixth number (a confidence), which is left out"] += 1
        x, y, w, h = numbers[:4]
        width, height = size
        box = rounded((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
        return marked(box, label)

    def say(self, frames: int) -> None:
        """What a person should know of how the set was read; DataError where no picture has labels."""
        if len(self.without) == frames:
            raise DataError(
                f"yolo:{self.place}: none of the {frames:,} pictures has a .txt in labels/ or beside it, "
                f"first: {self.without[0]}"
            )
        if self.names is None:
            say(f"yolo:{self.place}: no data.yaml or classes.txt names the classes; their numbers are labels")
        self.words.say()
        if self.without:
            many = f"{len(self.without):,} pictures have" if len(self.without) > 1 else "1 picture has"
            say(f"yolo:{self.place}: {many} no .txt, so no signs: {some(self.without, 2)}")
        for what, n in self.odd.items():
            say(f"yolo:{self.place}: {what}: {n:,}")


def _table_of(path: str) -> str | None:
    """The file of labels of a picture, or None where there is none."""
    stem = path[: path.rfind(".")]
    for start in _label_stems(stem):
        if os.path.isfile(start + ".txt"):  # noqa: PTH113 - as text: pictures come by the million
            return start + ".txt"
    return None


def _label_stems(stem: str) -> Iterator[str]:
    if match := _IMAGES.match(stem):
        yield stem[: match.end() - len("images")] + "labels" + stem[match.end() :]
    yield stem


def _enclosing(numbers: Sequence[float], size: tuple[int, int]) -> Box:
    """The box around an outline of x y x y ..."""
    xs, ys = numbers[0::2], numbers[1::2]
    return box_of(min(xs) * size[0], min(ys) * size[1], max(xs) * size[0], max(ys) * size[1])
