"""What data sources produce: one Record per picture, nothing decoded yet."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.core.arrays import Box

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """How to draw a picture that is no file; equal drawings are equal pictures.

    sign: the class.  countries: whose faces of it are drawn in turn.  recipe: the drawn camera's.
    seed, number: which series of pictures, and which picture of the class in it.
    faces: folder of the user's own faces, or empty.  photos: folder of background photographs, or empty.
    without: camera effects that are left out.  misframed: share of no-sign that shows wrongly framed signs.
    distractors: share of no-sign that shows things much like signs.
    groups, leave: groups of signs without a class that are drawn alone, or left out.
    """

    sign: str
    countries: tuple[str, ...]
    recipe: str
    seed: int
    number: int
    faces: str = ""
    photos: str = ""
    without: tuple[str, ...] = ()
    misframed: float = 0.0
    distractors: float = 0.0
    groups: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One labelled picture.

    path: the file, as a person would open it; for a drawn picture, what it is drawn from.
    label: a class name (already resolved by signs.catalogue), or a name of the user's own.
    group: the physical sign (track) that it shows, unique over all sources; empty if unknown.
    split: `train`, `val`, `test`, or empty if the source has no splits.
    pinned: it stays in its split, however the rest is divided.
    box: the sign's box in pixels (x2 and y2 exclusive), if the source knows it.
    source: index of the source in the data spec, for shares and to keep sets apart.
    in_frame: the box is the picture; the file is of a whole street, and never used whole.
    drawing: how to draw it, if it is not a file.
    fault: why its row in the source cannot be used, or empty; such a picture counts as unreadable.
    """

    path: str
    label: str
    group: str = ""
    split: str = ""
    box: Box | None = None
    source: int = 0
    drawing: Drawing | None = None
    pinned: bool = False
    fault: str = ""
    in_frame: bool = False
