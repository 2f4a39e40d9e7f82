"""What formats with one row for each box share: rows of any order become frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from roadworthy.core.arrays import Box
from roadworthy.core.errors import DataError
from roadworthy.core.notes import say
from roadworthy.core.paths import short
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.sources._boxes import Pictures, SignWords, marked, read_label, rounded, without_doubles
from roadworthy.data.tables import missing_pictures


@dataclass(kw_only=True)
class Boxes:
    """Collects frames by what a list calls their pictures, and what is marked in each.

    place: as a person names the set, for notes.  table: the file that is read.
    folders: where pictures may lie, the likeliest first.
    """

    place: str
    table: Path
    folders: Iterable[Path]
    words: SignWords
    pictures: Pictures = field(default_factory=Pictures)
    frames: dict[str, tuple[str, str]] = field(default_factory=dict)
    marks: dict[str, list[Annotation]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def frame(self, named: str, *, sequence: str = "", split: str = "") -> None:
        """A frame that the list names, whether or not anything is marked in it."""
        self.frames.setdefault(named, (sequence, split))
        self.marks.setdefault(named, [])

    def mark(
        self, named: str, word: str, box: Box, where: str, *, ignore: bool = False, group: str = ""
    ) -> None:
        """A box of a frame, its corners 0-based, x2 and y2 exclusive; one that holds nothing is a fault."""
        label = read_label(self.words, word, where)
        try:
            self.marks[named] += marked(rounded(*box), label, ignore=ignore, group=group)
        except ValueError as error:
            self.fault(named, where, error)

    def fault(self, named: str, where: str, error: object) -> None:
        """A box that cannot be used may be a sign, so its frame is no background either."""
        self.faults.setdefault(named, f"has no usable box ({where}: {error})")

    def read(self, *, skip_missing: bool = False) -> list[Frame]:
        """The frames by path.  DataError for pictures that are not there, unless these may be left out."""
        paths = {named: self._path(named) for named in self.frames}
        missing = [named for named, path in paths.items() if path is None]
        if missing and (not skip_missing or len(missing) == len(paths)):
            raise missing_pictures(self.table, missing)
        if missing:
            say(f"{self.place}: {len(missing):,} frames have no picture and are left out: {missing[0]} ...")
        self._refuse_shared(paths)
        self.words.say()
        self.pictures.say(self.place)
        frames = [
            Frame(
                path=path,
                annotations=tuple(self.marks[named]),
                fault=self.faults.get(named, ""),
                sequence=self.frames[named][0],
                split=self.frames[named][1],
            )
            for named, path in paths.items()
            if path is not None
        ]
        frames.sort(key=lambda frame: frame.path)
        return without_doubles(frames, self.place)

    def _refuse_shared(self, paths: Mapping[str, str | None]) -> None:
        """DataError where names in different folders are found as one picture: its boxes would be mixed."""
        owners: dict[str, str] = {}
        for named, path in paths.items():
            other = owners.setdefault(path, named) if path else named
            if _parts(other) != _parts(named):
                raise DataError(
                    f"{self.table} names {other} and {named}, and {path} alone is there for both; "
                    "put the pictures into the folders that the file names"
                )

    def _path(self, named: str) -> str | None:
        """Where a picture lies: as it is called, or, of another machine, by its own name."""
        last = PurePosixPath(named.replace("\\", "/")).name
        tries = [named] if named == last else [named, last]
        found = (self.pictures.find(folder, name) for name in tries for folder in self.folders)
        return next((path for path in found if path), None)


def _parts(named: str) -> tuple[str, ...]:
    folders, name = PurePosixPath(named.replace("\\", "/").lower()).parts[:-1], PurePosixPath(named).stem
    return (*folders, name.lower())


def number(cells: Mapping[str, object], name: str) -> float:
    """A number that stands in an object; ValueError saying what arrived."""
    value = cells.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"it has no number {name}")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{name} is {short(str(value))}, no number") from None
