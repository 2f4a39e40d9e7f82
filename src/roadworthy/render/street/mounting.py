"""Signs as they hang: turned, worn, lit, with plates and poles, from the front and from behind."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from PIL import Image

from roadworthy.core.arrays import Box, ByteArray
from roadworthy.render.street.canvas import Canvas, Figure
from roadworthy.render.street.grain import fractal, piece
from roadworthy.render.street.light import BYTE_TO_LINEAR
from roadworthy.render.street.pen import Patch, Pen, Rgb
from roadworthy.render.street.pen import shaded as darker
from roadworthy.render.street.things.colours import grey, loud
from roadworthy.render.street.view import Floats, View


class Face:
    """A drawing of a sign, at several sizes.

    tile: (S, S, 4) uint8 RGBA, straight alpha, centred, the longer side filling it.
    outline: (N, 2) points of its edge, in -1 to 1 of the tile, y downwards.
    """

    def __init__(self, tile: ByteArray) -> None:
        self.tiles = [Image.fromarray(tile)]
        while self.tiles[-1].width > 12:
            self.tiles.append(self.tiles[-1].reduce(2))
        rows, columns = np.nonzero(tile[..., 3] > 127)
        side = len(tile)
        if not len(rows):
            rows = columns = np.arange(side)
        self.half = (columns.max() + 1 - columns.min()) / side, (rows.max() + 1 - rows.min()) / side
        ends = []
        for row in range(rows.min(), rows.max() + 1, max(1, side // 64)):
            here = columns[rows == row]
            if len(here):
                ends += [
                    (here.min(), row),
                    (here.max() + 1, row),
                    (here.min(), row + 1),
                    (here.max() + 1, row + 1),
                ]
        last = columns[rows == rows.max()]
        ends += [(last.min(), rows.max() + 1), (last.max() + 1, rows.max() + 1)]
        self.outline = np.array(ends, dtype=np.float64) / side * 2 - 1


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Where a sign hangs: its middle, in metres before the camera, its longer side, and how it is turned.

    yaw, roll, lean: in radians; a yaw of 0 faces the camera's direction squarely.
    """

    x: float
    y: float
    z: float
    side: float
    yaw: float = 0.0
    roll: float = 0.0
    lean: float = 0.0

    def points(self, places: Floats) -> Floats:
        """(N, 3): places of the face, (N, 2) in -1 to 1 with y downwards, in metres."""
        cos, sin = math.cos(self.roll), math.sin(self.roll)
        right = np.array([math.cos(self.yaw), 0.0, math.sin(self.yaw)])
        up = np.array([0.0, math.cos(self.lean), math.sin(self.lean)])
        across = (places[:, :1] * cos - places[:, 1:] * sin) * self.side / 2
        down = (places[:, :1] * sin + places[:, 1:] * cos) * self.side / 2
        found: Floats = np.array([self.x, self.y, self.z]) + across * right - down * up
        return found

    def pixels(self, view: View, places: Floats) -> Floats:
        """(N, 2): the same in pixels."""
        x, y, z = np.maximum(self.points(places), [[-1e9, -1e9, 0.3]]).T
        return np.stack(view.pixel(x, y, z), axis=1)


def extent(view: View, face: Face, pose: Pose) -> Box:
    """The box of a face in the picture, cut off nowhere."""
    pixels = pose.pixels(view, face.outline)
    (x1, y1), (x2, y2) = pixels.min(0), pixels.max(0)
    return float(x1), float(y1), float(x2), float(y2)


def warped(view: View, face: Face, pose: Pose, window: tuple[int, int, int, int]) -> Image.Image:
    """A face as it is seen in a window of the picture, averaged over each pixel."""
    left, top, right, bottom = window
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float64)
    pixels = pose.pixels(view, corners) - [left, top]
    side_px = max(4.0, float(np.ptp(pixels, axis=0).max()))
    fine = 4 if side_px < 60 else 3 if side_px < 120 else 2
    tile = face.tiles[0]
    for smaller in face.tiles[1:]:
        if smaller.width < 1.2 * side_px * fine / 2:
            break
        tile = smaller
    source = (corners + 1) / 2 * tile.width
    matrix = _homography(pixels * fine, source)
    size = (right - left) * fine, (bottom - top) * fine
    flat = tile.transform(size, Image.Transform.PERSPECTIVE, matrix, Image.Resampling.BILINEAR)
    return flat.reduce(fine)


def _homography(target: Floats, source: Floats) -> list[float]:
    """Eight numbers that take target points to source points, as Pillow wants them."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(one) for one in np.linalg.solve(np.array(rows), np.array(values))]


def hang(
    canvas: Canvas,
    face: Face,
    pose: Pose,
    rng: Generator,
    owner: int = 0,
    back: bool = False,
    plain: bool = False,
) -> int:
    """Paint a sign; returns how many pixels it covers, those outside of the picture included.

    owner: its number in the canvas.  back: it is seen from behind.  plain: as new.
    The random numbers that it uses do not depend on what is painted.
    """
    local = np.random.default_rng(int(rng.integers(2**31)))
    x1, y1, x2, y2 = extent(canvas.view, face, pose)
    window = canvas.window(x1 - 1, y1 - 1, x2 + 1, y2 + 1)
    covered = max(1, round((x2 - x1) * (y2 - y1) * _fill(face)))
    if window is None or max(x2 - x1, y2 - y1) < 1.0:
        return covered
    image = np.asarray(warped(canvas.view, face, pose, window))
    colour, alpha = BYTE_TO_LINEAR[image[..., :3]], image[..., 3].astype(np.float32) / 255
    light = canvas.light
    facing = light.front * max(0.0, math.cos(pose.yaw - 0.2))
    night = light.ambient.mean() < 0.25
    if back:
        level = local.uniform(0.15, 0.5)
        colour = np.broadcast_to(
            np.float32(level) * np.array([0.98, 1.0, 1.03], dtype=np.float32), colour.shape
        )
        facing = (1 - light.front) * 0.6
    elif not plain:
        colour = _worn(colour, local)
    white = light.on(facing, pose.z, pose.y)
    if not back and light.beam and night:  # sheeting throws the lamps' light back
        own = light.beam * min(4.0, (14 / max(pose.z, 4.0)) ** 1.2) * local.uniform(1.5, 8.0)
        white = white + np.float32(own) * np.array([1.0, 0.97, 0.9], dtype=np.float32)
    white = white * local.uniform(0.75, 1.1)
    shaded = white
    height, width = alpha.shape
    if light.sunny and light.front > 0.2 and local.random() < 0.3 and width > 6:  # leaves throw shadows on it
        field = piece(fractal(1.5), local, height, width, max(0.3, width / 50))
        dark = 1 / (1 + np.exp(-(field + local.uniform(-1, 1)) * 5))
        shaded = white * (1 - 0.6 * dark[..., None])
    patch = Patch(np.asarray(colour, dtype=np.float32), alpha, window[0], window[1])
    canvas.lay(
        patch, pose.z, 0.0 if plain else 0.05, local, owner=owner, white=np.asarray(shaded, dtype=np.float32)
    )
    return max(1, covered)


@lru_cache(maxsize=4096)
def _fill(face: Face) -> float:
    """Share of its own box that a face covers."""
    alpha = np.asarray(face.tiles[0])[..., 3] > 127
    half_x, half_y = face.half
    return float(alpha.mean() / max(1e-3, half_x * half_y))


def _worn(colour: Floats, rng: Generator) -> Floats:
    """Faded, dirty, with stickers; most signs hardly."""
    height, width, _ = colour.shape
    if rng.random() < 0.5:
        fade = rng.uniform(0.0, 0.35) ** 1.5
        colour = colour * (1 - fade) + fade * rng.uniform(0.3, 0.6)
    if rng.random() < 0.4:
        grey_ = colour.mean(axis=2, keepdims=True)
        colour = grey_ + (colour - grey_) * np.float32(rng.uniform(0.55, 1.0))
    if rng.random() < 0.3 and min(height, width) > 8:
        dirt = np.clip(
            piece(fractal(1.4), rng, height, width, max(0.3, width / 60)) * 0.3 + rng.uniform(-0.2, 0.3),
            0,
            0.6,
        )
        colour = colour * (1 - dirt[..., None]) + dirt[..., None] * np.array(
            [0.09, 0.07, 0.05], dtype=np.float32
        )
    if rng.random() < 0.05 and min(height, width) > 12:
        x, y = int(rng.integers(width)), int(rng.integers(height))
        tall, wide = (
            max(2, int(height * rng.uniform(0.08, 0.2))),
            max(2, int(width * rng.uniform(0.08, 0.25))),
        )
        colour = colour.copy()
        colour[y : y + tall, x : x + wide] = BYTE_TO_LINEAR[np.array(loud(rng))]
    return np.asarray(colour, dtype=np.float32)


def stand_pole(canvas: Canvas, rng: Generator, x: float, z: float, top: float, wide: float) -> None:
    """The pole of a sign, up to a height above its own ground."""
    steel: Rgb = grey(rng, 70, 175) if rng.random() < 0.85 else (105, 85, 65)
    bent = float(rng.normal(0, 0.01))

    def paint(pen: Pen) -> None:
        pen.line([(0, 0), (bent * top, top)], wide, steel)
        if pen.scale * wide > 3:
            pen.line(
                [(wide * 0.3, 0), (bent * top + wide * 0.3, top)],
                wide * 0.25,
                darker(steel, 0.7),
            )

    canvas.stand(Figure(-0.3, 0.3, top, paint, rough=0.1), x, z)
