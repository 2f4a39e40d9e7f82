"""Where pictures come from: one file per source, found by the name before a data spec's first colon.

A source is a function `read(place, options, labels)` that returns the Records it finds, in a module whose
TERMS say in a sentence what may be done with them.  A file dropped into this package registers itself; files
whose names start with an underscore are shared helpers.

A source of frames with boxes is a function that returns Frames, filed by `_boxes.frame_source` both in
FRAME_SOURCES, for what finds signs, and in SOURCES, where each of its boxes is a picture to be read.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from roadworthy.core.registry import Registry
from roadworthy.data.frames import Frame
from roadworthy.data.records import Record


class Source(Protocol):
    """Reads the records at a place.

    options: the settings after the place's question mark; one that the source does not have is a
        ConfigError, never ignored.
    labels: `names`, a country whose sign codes are read too, or `gtsrb-ids`.
    Raises DataNotFoundError where nothing is found, DataError where it cannot be read.
    """

    def __call__(self, place: Path, options: Mapping[str, str], labels: str) -> list[Record]:
        """The records at `place`, in an order that does not depend on the file system."""


class FrameSource(Protocol):
    """Reads the frames at a place, with what is marked in them; the rest is as for a Source."""

    def __call__(self, place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
        """The frames at `place`, in an order that does not depend on the file system."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """What a format of frames with boxes can say, for the table of formats.

    title: as people call it.  boxes: what its numbers are.
    tracks: how it tells frames of one film, groups: boxes of one physical sign; empty where it cannot.
    lost: what of other formats it has no place for, or what of it is not read.
    """

    title: str
    boxes: str
    tracks: str = ""
    groups: str = ""
    lost: str = ""


FORMS: dict[str, Form] = {}
SOURCES: Registry[Source] = Registry("data source")
FRAME_SOURCES: Registry[FrameSource] = Registry("source of frames")


def terms_of(name: str) -> str:
    """The terms on which the pictures of a source may be used."""
    terms: str = sys.modules[SOURCES.get(name).__module__].TERMS
    return terms


for _module in pkgutil.iter_modules(__path__):
    if not _module.name.startswith("_"):
        importlib.import_module(f"{__name__}.{_module.name}")
