"""COCO: a .json of pictures, categories and boxes.

    coco:FILE.json   one file, used whole
    coco:DIR         several whose names or folders tell the splits, like instances_val2017.json, valid/x.json
    ?images=DIR      where the pictures lie, if not beside the file, in images/ or in a folder of its split

Boxes are x, y, width, height, 0-based; crowds become regions that are neither wanted nor wrong when found.
Ids may have gaps and begin anywhere.
Source: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from roadworthy.core.arrays import Box
from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.notes import say
from roadworthy.core.paths import at_home
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.sources import Form
from roadworthy.data.sources._boxes import (
    WORDS,
    Pictures,
    SignWords,
    box_of,
    frame_source,
    marked,
    read_bytes,
    read_label,
    read_text,
    refuse_text,
    rounded,
    without_doubles,
)
from roadworthy.data.sources._coco_columns import columns_of, parsed
from roadworthy.data.sources._looks import Glimpse
from roadworthy.data.sources._shared import files_below, name_splits
from roadworthy.data.tables import missing_pictures

_START = re.compile(
    r"^_?(instances|annotations?|labels?)[\W_]*|[\W_]*(annotations?|coco|labels?)$", re.IGNORECASE
)

TERMS = "frames of the user's own, under their own terms"


def _looks(seen: Glimpse) -> bool:
    head = seen.first(".json")
    return any(f'"{name}"' in head for name in ("bbox", "categories", "image_id", "file_name")) and not any(
        f'"{name}"' in head for name in ("annotations_count", "imgs", "rectanglelabels")
    )


FORM = Form(
    title="COCO",
    boxes="x, y, width, height from 0",
    tracks="`video_id`",
    groups="`track_id`",
    lost="outlines, masks",
)


@frame_source("coco", settings=("images", *WORDS), form=FORM, looks=_looks)
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """COCO: a .json of pictures, categories and boxes; or a folder of several."""
    files = _files(place)
    words = SignWords(f"coco:{place}", labels, options)
    images = at_home(options["images"]) if options.get("images") else None
    frames: list[Frame] = []
    pictures = Pictures()
    for path, split in files.items():
        reader = _Reader(path=path, split=split, words=words, pictures=pictures)
        frames += reader.frames(images)
    if not frames:
        raise DataNotFoundError(f"coco:{place} lists no pictures")
    words.say()
    pictures.say(f"coco:{place}")
    frames.sort(key=lambda frame: frame.path)
    return without_doubles(frames, f"coco:{place}")


def _files(place: Path) -> dict[Path, str]:
    """The .json files, each with the split that its name or its folder tells."""
    if place.is_file():
        return {place: ""}
    if not place.is_dir():
        raise DataNotFoundError(f"nothing at {place}; coco: needs a .json, or a folder of several")
    found = [Path(path) for path in files_below(place) if path.lower().endswith(".json")]
    if not found:
        raise DataNotFoundError(f"no .json in {place}; coco: needs a .json, or a folder of several")
    if len(found) == 1:
        return {found[0]: ""}
    words = {path: _words(path, place) for path in found}
    splits = name_splits(sorted({word for own in words.values() for word in own}), f"coco:{place}")
    named = {path: next((splits[word] for word in own if word in splits), "") for path, own in words.items()}
    unnamed = [path for path, split in named.items() if not split]
    if unnamed:
        raise DataError(
            f"{place} holds {len(found)} .json, and the name of {unnamed[0]} tells no split; name one of "
            f"them, like coco:{unnamed[0]}, or call them train.json, val.json and test.json"
        )
    return named


def _words(path: Path, place: Path) -> list[str]:
    """What of a file's name, and of its folders' below the place, may name its split."""
    return [_START.sub("", path.stem), *reversed(path.relative_to(place).parts[:-1])]


@dataclass(kw_only=True)
class _Reader:
    """Reads one file.

    odd: what a person should know of, counted.
    """

    path: Path
    split: str
    words: SignWords
    pictures: Pictures
    odd: Counter[str] = field(default_factory=Counter)

    def frames(self, images: Path | None) -> Iterable[Frame]:
        return self._quickly(images) or self._one_by_one(images)

    def _quickly(self, images: Path | None) -> list[Frame] | None:
        """All frames of a file of the usual kind; None for any other."""
        tree = parsed(read_bytes(self.path))
        if tree is None:
            return None
        names, listed = self._names(tree.categories), self._images(tree.images)
        marks = columns_of(tree.annotations, list(listed), names, self.words.read_many)
        if marks is None:
            return None
        films = _films({"videos": tree.videos})
        del tree
        paths = self._paths(listed.values(), images)
        return [
            Frame(
                path=paths[about["file_name"]],
                annotations=cast("tuple[Annotation, ...]", own),  # as good as one
                sequence=films.get(about.get("video_id"), str(about.get("video_id", ""))),
                split=self.split,
            )
            for about, own in zip(listed.values(), marks, strict=True)
        ]

    def _one_by_one(self, images: Path | None) -> Iterator[Frame]:
        tree = _tree(self.path)
        names = self._names(tree["categories"])
        listed = self._images(tree["images"])
        paths = self._paths(listed.values(), images)
        films = _films(tree)
        found: dict[Any, list[Annotation]] = {number: [] for number in listed}
        faults: dict[Any, str] = {}
        for place, entry in enumerate(tree["annotations"]):
            where = f"{self.path}, annotation {_id(entry, place)}"
            image, category = _get(entry, "image_id"), _get(entry, "category_id")
            if image not in found:
                raise DataError(f"{where}: no picture has its image_id {image!r}")
            if category not in names:
                raise DataError(f"{where}: no category has its category_id {category!r}")
            label = read_label(self.words, names[category], where)
            track = entry.get("track_id", "")
            group = str(track) if isinstance(track, (int, str)) else ""
            try:
                found[image] += marked(self._box(entry), label, ignore=_crowd(entry), group=group)
            except (ValueError, TypeError) as error:
                faults.setdefault(image, f"has no usable box ({where}: {error})")
        for what, n in self.odd.items():
            say(f"coco:{self.path}: {what}: {n:,}")
        for number, about in listed.items():
            yield Frame(
                path=paths[about["file_name"]],
                annotations=tuple(found[number]),
                sequence=films.get(about.get("video_id"), str(about.get("video_id", ""))),
                split=self.split,
                fault=faults.get(number, ""),
            )

    def _names(self, categories: Sequence[Any]) -> dict[Any, str]:
        names: dict[Any, str] = {}
        for place, entry in enumerate(categories):
            number, name = _get(entry, "id"), _get(entry, "name")
            if not isinstance(name, str) or not _hashable(number):
                raise DataError(f"{self.path}, category {_id(entry, place)}: it needs an id and a name")
            if names.setdefault(number, name) != name:
                raise DataError(
                    f"{self.path}: category {number} is {names[number]!r} and {name!r}; ids must differ"
                )
        return names

    def _images(self, images: Sequence[Any]) -> dict[Any, Mapping[str, Any]]:
        listed: dict[Any, Mapping[str, Any]] = {}
        for place, entry in enumerate(images):
            number, name = _get(entry, "id"), _get(entry, "file_name")
            if not isinstance(name, str) or not name or not _hashable(number):
                raise DataError(f"{self.path}, picture {_id(entry, place)}: it needs an id and a file_name")
            if number in listed:
                raise DataError(f"{self.path}: two pictures have the id {number}; ids must differ")
            listed[number] = entry
        return listed

    def _paths(self, listed: Iterable[Mapping[str, Any]], images: Path | None) -> dict[str, str]:
        """Where the pictures lie, by the names that the file calls them."""
        names = [about["file_name"] for about in listed]
        folders = self._folders() if images is None else [images]
        folder = next((f for f in folders if names and self.pictures.find(f, names[0])), folders[0])
        paths = {name: self.pictures.find(folder, name) for name in names}
        if missing := [name for name, path in paths.items() if path is None]:
            error = missing_pictures(self.path, missing)
            raise DataError(f"{error} looked in {folder}; ?images=DIR names another folder")
        return {name: path for name, path in paths.items() if path is not None}

    def _folders(self) -> list[Path]:
        """Where the pictures of a file may lie, the likeliest first."""
        own, above = self.path.parent, self.path.parent.parent
        split = _START.sub("", self.path.stem)
        inner = [name for name in (split, self.split) if name]
        places = [own, *(base / "images" for base in (own, above))]
        places += [base / part for base in (own, above, own / "images", above / "images") for part in inner]
        return [*places, above]

    def _box(self, entry: Mapping[str, Any]) -> Box:
        given = entry.get("bbox")
        if isinstance(given, list) and len(given) == 4:
            x, y, w, h = map(float, given)
            return rounded(x, y, x + w, y + h)
        outlines = entry.get("segmentation")
        if given or not isinstance(outlines, list) or not outlines:
            raise ValueError(f"its bbox is {given!r}; it must be [x, y, width, height]")
        self.odd["annotations have no bbox; the one around their outline is taken"] += 1
        numbers = [[float(number) for number in outline] for outline in outlines]
        xs, ys = ([n for outline in numbers for n in outline[start::2]] for start in (0, 1))
        return box_of(min(xs), min(ys), max(xs), max(ys))


def _tree(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        refuse_text(path, "JSON", error)
    if not isinstance(tree, dict):
        raise DataError(f"{path} is no COCO: it must be an object with images, annotations and categories")
    for name in ("images", "annotations", "categories"):
        if not isinstance(tree.get(name), list):
            has = ", ".join(sorted(tree)[:8]) or "nothing"
            raise DataError(f"{path} is no COCO: it has no list of {name}; it has {has}")
    return tree


def _get(entry: Any, name: str) -> Any:
    value = entry.get(name) if isinstance(entry, dict) else None
    return value if _hashable(value) else None


def _hashable(value: object) -> bool:
    return isinstance(value, (int, float, str))


def _id(entry: Any, place: int) -> str:
    """What an entry is called by in an error."""
    number = _get(entry, "id")
    return f"{place + 1}" if number is None else f"with id {number}"


def _films(tree: Mapping[str, Any]) -> dict[Any, str]:
    """The names of films by id, where the file names them."""
    listed = tree.get("videos")
    return {
        _get(entry, "id"): str(_get(entry, "name"))
        for entry in (listed if isinstance(listed, list) else ())
        if _get(entry, "name") is not None
    }


def _crowd(entry: Mapping[str, Any]) -> bool:
    return any(entry.get(name) in (1, True) for name in ("iscrowd", "ignore"))
