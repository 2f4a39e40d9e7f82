"""What `roadworthy label` is given, as pictures one by one: data sets, folders of frames, films."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from roadworthy.core.arrays import Box, ByteArray
from roadworthy.core.errors import DataError, ImageError, UsageError
from roadworthy.core.progress import Progress
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.records import Record
from roadworthy.imaging.decode import decode

LOOKED_A_SECOND = 10  # frames of a film, of which tracks are made
FILMS = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".insv", ".360")
Done = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True)
class Item:
    """A picture to be labelled.

    marked: the labels that its set has; None where the set has none.
    single: it is of signs whose places are known, in these boxes, None for the whole picture; empty where
    signs are to be found.
    time_s, index: of a film's frame.  fault: why it cannot be used.
    """

    path: str
    marked: tuple[Annotation, ...] | None = None
    single: tuple[Box | None, ...] = ()
    time_s: float | None = None
    index: int = 0
    fault: str = ""


Pictures = Iterator[tuple[Item, ByteArray | ImageError | str]]


class Items(Protocol):
    """Pictures in order."""

    def pictures(self, done: Done, progress: Progress | None) -> Pictures:
        """Those that are not done, each decoded, or with the reason why it cannot be."""

    def order(self) -> list[str]:
        """The paths of all."""

    def marked(self) -> dict[str, tuple[Annotation, ...]]:
        """The labels that a set has already, by path."""


def items_of(spec: str, out: Path, *, split: str, labels: str, every_s: float) -> Items:
    """What a text names: SOURCE:PLACE, a film, or pictures.  UsageError on settings that do not fit."""
    from roadworthy.data.sources import SOURCES

    if not (math.isfinite(every_s) and every_s > 0):
        raise UsageError(f"every_s is {every_s}; give the seconds between two frames of a film, like 1")
    if spec.partition(":")[0] in SOURCES.names():
        return _of_set(spec, out, split, labels)
    if split != "all":
        raise UsageError(
            f"split is {split}, and {spec} is no data set; name one like yolo:DIR, or leave it out"
        )
    if Path(spec).suffix.lower() in FILMS:
        return FilmItems(spec, out, every_s)
    return _of_pictures(spec, out)


class FileItems:
    """Pictures that are files."""

    def __init__(self, items: list[Item]) -> None:
        self._items = items

    def pictures(self, done: Done, progress: Progress | None) -> Pictures:
        """Those that are not done."""
        for number, item in enumerate(self._items, start=1):
            if not done(item.path):
                yield item, item.fault or _decoded(item.path)
            if progress is not None:
                progress(number, len(self._items))

    def order(self) -> list[str]:
        """The paths of all."""
        return [item.path for item in self._items]

    def marked(self) -> dict[str, tuple[Annotation, ...]]:
        """The labels that a set has already."""
        return {item.path: item.marked for item in self._items if item.marked is not None}


def _decoded(path: str) -> ByteArray | ImageError:
    try:
        return decode(path)
    except ImageError as error:
        return error


def _of_set(spec: str, out: Path, split: str, labels: str) -> FileItems:
    from roadworthy.data.frame_specs import has_frames, read_frames
    from roadworthy.data.open import of_split
    from roadworthy.data.spec import read_records, refuse_within_data

    refuse_within_data(out, spec)
    if has_frames(spec):
        return FileItems([_item(frame) for frame in of_split(read_frames(spec, labels), split, spec)])
    records = of_split(read_records(spec, labels), split, spec)
    if any(record.drawing is not None for record in records):
        raise UsageError(f"{spec} is drawn and knows its labels; give pictures that nobody has labelled")
    by_path: dict[str, list[Record]] = {}
    for record in records:
        by_path.setdefault(record.path, []).append(record)
    return FileItems([_single(path, own) for path, own in by_path.items()])


def _item(frame: Frame) -> Item:
    # A set without a single box is one that is still to be labelled, and says nothing of its frames.
    return Item(path=frame.path, marked=frame.annotations or None, fault=frame.fault)


def _single(path: str, records: list[Record]) -> Item:
    everything = (0.0, 0.0, math.inf, math.inf)  # as far as the picture goes
    return Item(
        path=path,
        marked=tuple(Annotation(box=one.box or everything, label=one.label) for one in records),
        single=tuple(one.box for one in records),
        fault=next((one.fault for one in records if one.fault), ""),
    )


def _of_pictures(spec: str, out: Path) -> FileItems:
    from roadworthy.inference.inputs import expand_inputs

    folder = Path(spec)
    if folder.is_dir() and out.resolve().is_relative_to(folder.resolve()):
        raise DataError(
            f"{out} lies inside {spec}, where its pictures would be labelled, too; give --out a folder "
            "elsewhere"
        )
    return FileItems([Item(path=str(path)) for path in expand_inputs([spec])])


class FilmItems:
    """The frames of a film: about ten a second are looked at, some of them kept as pictures."""

    def __init__(self, film: str, out: Path, every_s: float) -> None:
        self._film, self._folder, self._every_s = film, out / "frames", every_s
        self._order: list[str] = []

    def pictures(self, done: Done, progress: Progress | None) -> Pictures:
        """The frames looked at that are not done; those to be written become files on the way."""
        from roadworthy.drive.film import open_film

        with open_film(self._film) as film:
            about = film.about()
            step = max(1, round((about.rate or LOOKED_A_SECOND) / LOOKED_A_SECOND))
            last = -math.inf
            for shot in film.shots(every=step):
                path = str(self._folder / f"{shot.index:07d}.png")
                self._order.append(path)
                wanted = shot.time_s - last >= self._every_s - 1e-6
                if wanted:
                    last = shot.time_s
                if not done(path):
                    if wanted:
                        _save(shot.image, Path(path))
                    yield Item(path=path, time_s=shot.time_s, index=shot.index), shot.image
                if progress is not None and about.duration_s:
                    progress(
                        min(int(shot.time_s * 10), int(about.duration_s * 10)), int(about.duration_s * 10)
                    )

    def order(self) -> list[str]:
        """The paths of all that was looked at."""
        return self._order

    def marked(self) -> dict[str, tuple[Annotation, ...]]:
        """A film has no labels."""
        return {}


def _save(image: ByteArray, path: Path) -> None:
    from roadworthy.core.files import make_folder, write_png

    make_folder(path.parent)
    write_png(image, path)
