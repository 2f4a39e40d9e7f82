"""A pinhole camera above a road: where a point of the street lies in the picture, and how large it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadworthy.core.arrays import FloatArray

Floats = FloatArray
FAR_M = 400.0  # beyond, the road is lost in the distance


@dataclass(frozen=True, kw_only=True)
class View:
    """A camera and the course of the road before it.

    width, height: of the picture, in pixels.  focal: in pixels.  eye: the camera's height above the road, m.
    horizon: the row at which its height above a level road lies; middle: the column that it points at.
    aside: how far right of the road's middle it stands, m.  heading: the road's direction, dx/dz.
    bow: the road's curvature, 1/m, positive to the right.  rise: curvature of its height, 1/m.
    Places are x (right of the camera), y (above the road at the camera) and z (ahead), in metres; `across` is
    a place right of the road's middle, which bends with the road.
    """

    width: int
    height: int
    focal: float
    eye: float
    horizon: float
    middle: float
    aside: float = 0.0
    heading: float = 0.0
    bow: float = 0.0
    rise: float = 0.0

    def x(self, across: Any, z: Any) -> Any:
        """x of a place beside the road."""
        return across - self.aside + self.heading * z + 0.5 * self.bow * z * z

    def level(self, z: Any) -> Any:
        """Height of the road, y."""
        return 0.5 * self.rise * z * z

    def pixel(self, x: Any, y: Any, z: Any) -> tuple[Any, Any]:
        """Column and row of a place, z above 0."""
        return self.middle + self.focal * x / z, self.horizon + self.focal * (self.eye - y) / z

    def scale(self, z: float) -> float:
        """Pixels a metre, at a distance."""
        return self.focal / z

    def rows(self, top: int) -> Floats:
        """(height - top,): how far ahead each row from `top` on shows the road; FAR_M where it shows none."""
        slope = (np.arange(top, self.height, dtype=np.float32) + 0.5 - self.horizon) / self.focal
        if abs(self.rise) < 1e-7:
            z = np.where(slope > 0, self.eye / np.maximum(slope, 1e-5), FAR_M)
        else:
            square = slope * slope + 2 * self.rise * self.eye
            z = (np.sqrt(np.maximum(square, 0.0)) - slope) / self.rise
            z = np.where((square <= 0) | (z <= 0), FAR_M, z)
        return np.clip(z, 0.5, FAR_M).astype(np.float32)

    def skyline(self) -> float:
        """The row at which the road ends against what is behind it."""
        z = np.geomspace(5.0, FAR_M, 60)
        return float(np.min(self.pixel(0.0, self.level(z), z)[1]))


def focal_px(width: int, across_deg: float) -> float:
    """Focal length in pixels of a camera that sees `across_deg` from side to side."""
    return 0.5 * width / math.tan(math.radians(across_deg) / 2)
