"""Labelling tools: one file each, which writes proposed labels for it and reads back what became of them.

Reading needs no pictures: frames bear the names under which their pictures were given to the tool.  To read
anybody's labels with their pictures is the work of data/sources.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from roadworthy.core.registry import Registry
from roadworthy.data.frames import Frame

PICTURES = "images"  # the folder in which a tool's pictures lie


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """A frame with the labels that a model proposes.

    frame: its path is the picture's name in PICTURES.  width, height: in pixels.
    scores: how sure each box is.
    """

    frame: Frame
    width: int
    height: int
    scores: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A labelling tool.

    endings: of the files that it exports.  write: proposals into a folder that holds PICTURES already.
    read: what it exported, and how its labels are to be read (as in DataConfig), to frames named as they were
        given.
    """

    endings: tuple[str, ...]
    write: Callable[[Sequence[Proposed], Path], None]
    read: Callable[[Path, str], list[Frame]]


TOOLS: Registry[Tool] = Registry("labelling tool")


def class_names(proposals: Sequence[Proposed]) -> list[str]:
    """The classes of all boxes, sorted."""
    return sorted({one.label for own in proposals for one in own.frame.annotations})


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
