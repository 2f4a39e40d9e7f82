"""InputSpec: how a picture becomes a network input."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from roadworthy.core.errors import ConfigError
from roadworthy.imaging.resizing import RESIZE_RULES

NORMALISATIONS = ("per-image", "unit")
ROOM = 0.1  # of a sign's size, left around it on every side where a reader of whole pictures is shown a box

_CROP = re.compile(r"roi|full|margin=(0|0?\.\d+|[1-3](\.\d+)?)")


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """How a picture becomes a network input; travels with the weights.

    size: side of the square input in pixels.
    resize: `nearest`, or `bilinear`, `bicubic`, `lanczos` (Pillow's, which filter when they shrink).
    normalise: `per-image` (zero mean, unit deviation over the picture's pixels and channels, so that
        exposure drops out) or `unit` ([0, 1]).
    crop: which part of a picture is used: `full` (all of it), `roi` (its box, where it has one) or
        `margin=F` (the box widened by F of its size on every side, within the picture).
    """

    size: int = 48
    resize: str = "bilinear"
    normalise: str = "per-image"
    crop: str = "full"

    def __post_init__(self) -> None:
        if not 8 <= self.size <= 512:
            raise ConfigError(f"input.size is {self.size}; it must lie between 8 and 512 pixels")
        if self.resize not in RESIZE_RULES:
            raise ConfigError(f"input.resize is {self.resize!r}; known: {', '.join(RESIZE_RULES)}")
        if self.normalise not in NORMALISATIONS:
            raise ConfigError(f"input.normalise is {self.normalise!r}; known: {', '.join(NORMALISATIONS)}")
        if not _CROP.fullmatch(self.crop):
            raise ConfigError(
                f"crop is {self.crop!r}; use full, roi or margin=F with F from 0 to 3, like margin=0.1"
            )

    def for_box(self) -> InputSpec:
        """The same for a box in a larger picture, of which `full` would show everything but the sign."""
        return replace(self, crop=f"margin={ROOM}") if self.crop == "full" else self
