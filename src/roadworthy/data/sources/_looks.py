"""What a place looks like, for whoever named it with a wrong prefix or with none.

Each format tells in its own file how to know it, by names and by the first bytes of a file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path, PurePosixPath

from roadworthy.imaging.decode import SUFFIXES

_MOST_NAMES, _DEEP, _HEAD = 4000, 4, 20_000
_PICKLES = (".pkl", ".pickle", ".p", ".joblib", ".pt", ".pth")


class Glimpse:
    """A place seen from afar: some of its names, and how a file of it begins."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.is_file = place.is_file()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Paths of files below the place, relative to it; of a file, its own name."""
        if self.is_file:
            return (self.place.name,)
        found: list[str] = []
        level = [""]
        for _ in range(_DEEP):
            deeper: list[str] = []
            for folder in level:
                deeper += self._listed(folder, found)
            level = deeper[:50]
        return tuple(sorted(found))

    def _listed(self, folder: str, found: list[str]) -> list[str]:
        try:
            with os.scandir(self.place / folder) as entries:
                inner = sorted(entries, key=lambda entry: entry.name)[:_MOST_NAMES]
        except OSError:
            return []
        found += [f"{folder}{e.name}" for e in inner if e.is_file()][: _MOST_NAMES - len(found)]
        return [f"{folder}{e.name}/" for e in inner if e.is_dir()]

    def ending(self, *ends: str) -> list[str]:
        """The names that end so, in any letter case."""
        return [name for name in self.names if name.lower().endswith(ends)]

    def called(self, *names: str) -> list[str]:
        """The files that are called so, in any folder and letter case."""
        return [path for path in self.names if PurePosixPath(path).name.lower() in names]

    def head(self, name: str) -> str:
        """How a file begins, as text; empty where it cannot be read."""
        try:
            with (self.place if self.is_file else self.place / name).open("rb") as file:
                data = file.read(_HEAD)
        except OSError:
            return ""
        return data.decode("utf-8-sig", errors="replace")

    def first(self, *ends: str) -> str:
        """How the first file begins whose name ends so; empty where there is none."""
        found = self.ending(*ends)
        return self.head(found[0]) if found else ""

    @property
    def pictures(self) -> list[str]:
        """The names of pictures."""
        return self.ending(*SUFFIXES)


Looks = Callable[[Glimpse], bool]
LOOKS: dict[str, Looks] = {}


def looks_like(place: Path) -> list[str]:
    """The formats that a place may hold, by their names in a data spec."""
    if not place.exists():
        return []
    seen = Glimpse(place)
    return [name for name, looks in LOOKS.items() if looks(seen)]


def pickled(place: Path) -> str:
    """Why a pickled set is not opened, and what to do instead; empty for what is none."""
    if place.suffix.lower() not in _PICKLES or not place.is_file():
        return ""
    return (
        f"{place} is a pickled file, which can run any program when opened, so it is never opened here; "
        "convert it where you trust it, with python -c: import pickle, pathlib; from PIL import Image; "
        f"d = pickle.load(open({place.name!r}, 'rb')); for i, (x, y) in enumerate(zip(d['features'], "
        "d['labels'])): p = pathlib.Path('out', str(y)); p.mkdir(parents=True, exist_ok=True); "
        "Image.fromarray(x).save(p / f'{i}.png'); then name the folder, as folder:out"
    )


def hint_of(place: Path, source: str = "") -> str:
    """What to write instead, where a place looks like another format than it is called; or nothing."""
    found = [name for name in looks_like(place) if name != source]
    if not found:
        return ""
    shown = " or ".join(f"{name}:{place}" for name in found[:3])
    return f" (it looks like {' or '.join(found[:3])}: write {shown})"
