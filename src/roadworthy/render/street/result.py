"""What drawing a street gives."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.core.arrays import Box, ByteArray


@dataclass(frozen=True, kw_only=True)
class Street:
    """A scene.

    image: (H, W, 3) uint8.  boxes: the signs', in pixels, half-open.  signs: their classes.
    others: boxes that are neither wanted nor errors, each with what it is: `other-sign` that the catalogue
    lacks, a sign of the catalogue that is `hidden`, `small` or `averted` too far to count.
    """

    image: ByteArray
    boxes: tuple[Box, ...]
    signs: tuple[str, ...]
    others: tuple[tuple[Box, str], ...] = ()
