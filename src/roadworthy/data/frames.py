"""What sources with boxes produce: one Frame per picture, with the signs marked in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from roadworthy.core.arrays import Box, ByteArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotation:
    """One marked box of a frame.

    box: in pixels, 0-based, x2 and y2 exclusive, whatever the format on disk counts from.
    label: a class name; empty where the set does not tell which sign it is.
    ignore: it is neither wanted nor an error when found: a crowd, a sign that is not to be counted.
    group: the physical sign, unique over all sources; empty if unknown.
    """

    box: Box
    label: str = ""
    ignore: bool = False
    group: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One picture of a street and what is marked in it; a frame without annotations is one too.

    path: the file, as a person would open it.
    sequence: the film or place that it belongs to, which no split cuts apart; empty if unknown.
    split: `train`, `val`, `test`, or empty if the source has no splits.
    source: index of the source in the data spec.
    fault: why it cannot be used, or empty.
    """

    path: str
    annotations: tuple[Annotation, ...] = ()
    sequence: str = ""
    split: str = ""
    source: int = 0
    fault: str = ""

    @property
    def wanted(self) -> tuple[Annotation, ...]:
        """The signs that are to be found."""
        return tuple(one for one in self.annotations if not one.ignore)


class Decoded(Protocol):
    """Frames as pixels: frame_pixels.FramePixels, or anything shaped like it."""

    def frame(self, i: int, /) -> ByteArray:
        """(H, W, 3) uint8 RGB."""
