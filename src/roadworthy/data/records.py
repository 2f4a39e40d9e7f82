"""What data sources produce: one Record a picture, nothing decoded yet."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.inputs import Box

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One labelled picture.

    path: the file, as a person would open it.
    label: a class name (already resolved by signs.catalogue), or a name of the user's own.
    group: the physical sign (track) that it shows, unique over all sources; empty where that is unknown.
    split: `train`, `val`, `test`, or empty where the source has no splits.
    box: the sign's box in pixels (x2 and y2 exclusive), where the source knows it.
    source: index of the source in the data spec, for shares and for telling sets apart.
    """

    path: str
    label: str
    group: str = ""
    split: str = ""
    box: Box | None = None
    source: int = 0
