"""A camera that is not level and a lens that bows straight lines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from PIL import Image

from roadworthy.render.street.view import Floats

_CELLS = (10, 6)


@dataclass(frozen=True, kw_only=True)
class Bend:
    """How a picture is turned and bowed: by `roll` radians, and by `barrel` of its size at the corners.

    The picture is enlarged so far that no corner is empty.
    """

    width: int
    height: int
    roll: float = 0.0
    barrel: float = 0.0

    @property
    def straight(self) -> bool:
        """Whether it leaves pictures alone."""
        return self.roll == 0 and self.barrel == 0

    def sources(self, points: Floats, zoom: float | None = None) -> Floats:
        """Where in the straight picture the points (N, 2) of the bent one come from."""
        away = points - self._middle
        square = (away**2).sum(1, keepdims=True) / self._reach
        cos, sin = math.cos(self.roll), math.sin(self.roll)
        turned = np.stack([away[:, 0] * cos - away[:, 1] * sin, away[:, 0] * sin + away[:, 1] * cos], axis=1)
        zoomed: Floats = turned * (1 + self.barrel * square) * (self._zoom if zoom is None else zoom)
        return zoomed + self._middle

    def points(self, sources: Floats) -> Floats:
        """Where points (N, 2) of the straight picture come to lie in the bent one."""
        away = (sources - self._middle) / self._zoom
        cos, sin = math.cos(self.roll), math.sin(self.roll)
        turned = np.stack([away[:, 0] * cos + away[:, 1] * sin, away[:, 1] * cos - away[:, 0] * sin], axis=1)
        found = turned
        for _ in range(8):
            found = turned / (1 + self.barrel * (found**2).sum(1, keepdims=True) / self._reach)
        return np.asarray(found + self._middle)

    def picture(self, image: Image.Image) -> Image.Image:
        """The picture, bent."""
        if self.straight:
            return image
        columns = np.linspace(0, self.width, _CELLS[0] + 1).round().astype(int)
        rows = np.linspace(0, self.height, _CELLS[1] + 1).round().astype(int)
        cells = []
        for x1, x2 in pairwise(columns):
            for y1, y2 in pairwise(rows):
                corners = np.array([(x1, y1), (x1, y2), (x2, y2), (x2, y1)], dtype=np.float64)
                cells.append(
                    ((int(x1), int(y1), int(x2), int(y2)), tuple(self.sources(corners).ravel().tolist()))
                )
        return image.transform(image.size, Image.Transform.MESH, cells, Image.Resampling.BILINEAR)

    @property
    def _middle(self) -> Floats:
        return np.array([self.width / 2, self.height / 2])

    @property
    def _reach(self) -> float:
        return (self.width**2 + self.height**2) / 4

    @property
    def _zoom(self) -> float:
        corners = np.array([(0, 0), (self.width, 0), (self.width, self.height), (0, self.height)])
        edges = np.concatenate([corners, (corners + np.roll(corners, 1, axis=0)) / 2]).astype(np.float64)
        away = np.abs(self.sources(edges, zoom=1.0) - self._middle) / self._middle
        return 1 / max(1.0, float(away.max()))


def any_bend(rng: Generator, width: int, height: int) -> Bend:
    """Level and straight in a third; a degree or so and some barrel otherwise."""
    roll, barrel = float(rng.normal(0, math.radians(1.2))), float(rng.uniform(-0.02, 0.1))
    if rng.random() < 0.35:
        return Bend(width=width, height=height)
    return Bend(width=width, height=height, roll=roll, barrel=barrel)
