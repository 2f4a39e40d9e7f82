"""How frames with boxes are written: one file a format, found by the name after `--to`.

A writer gets frames whose pictures already have their new names, and the folder to write labels into.  A file
dropped into this package registers itself; files whose names start with an underscore are shared helpers.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from roadworthy.core.registry import Registry
from roadworthy.data.frames import Annotation


@dataclass(frozen=True, kw_only=True)
class Written:
    """A frame to be written.

    picture: its path below the new set's folder, with slashes.  width, height: in pixels.
    """

    picture: str
    width: int
    height: int
    annotations: tuple[Annotation, ...]
    sequence: str
    split: str


class Writer(Protocol):
    """Writes the labels of frames into a folder; returns the data spec's place below it."""

    def __call__(self, frames: Sequence[Written], out: Path) -> str:
        """The place that the format's source reads, relative to `out`; `.` for the folder itself."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a format wants of the pictures.

    source: the source that reads it back.  picture: where they lie below the set, with {split} and {name}.
    films: each film has a folder of its own, its frames numbered.  keeps: what of a frame comes back.
    """

    source: str
    picture: str = "images/{name}"
    films: bool = False
    keeps: tuple[str, ...] = ()


WRITERS: Registry[Writer] = Registry("format to write")
LAYOUTS: dict[str, Layout] = {}


def writer(name: str, layout: Layout) -> Callable[[Writer], Writer]:
    """Decorator that files a writer under `name`."""
    LAYOUTS[name] = layout
    return WRITERS.register(name)


for _module in pkgutil.iter_modules(__path__):
    if not _module.name.startswith("_"):
        importlib.import_module(f"{__name__}.{_module.name}")
