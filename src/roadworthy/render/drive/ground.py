"""The ground of a drive: each kind of road as one picture from above, seen in perspective row by row.

The picture repeats along the road.  It is kept at halved sizes along and across, each on its own, so that
every row is averaged over what a pixel shows there and over what passes while the frame is exposed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.random import Generator

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.render.drive.look import Look
from roadworthy.render.drive.road import KINDS, RoadKind
from roadworthy.render.street.grain import fractal, piece
from roadworthy.render.street.light import linear

PERIOD_M = 48.0  # along, after which the ground repeats: four dashes of 3 m, 9 m apart
HALF_M = 25.6  # to either side; beyond, it is the verge again
ACROSS = 40.0  # texels a metre
ALONG = 4.0
_DASH_M, _EVERY_M, _LINE_M = 3.0, 12.0, 0.12
_VERGES = {  # reflectances as sRGB levels: grass by kind of road, dry where it is dry
    "street": (98, 108, 62),
    "arterial": (112, 112, 70),
    "rural": (150, 136, 90),
    "freeway": (138, 130, 82),
}


def seen_from_above(kind: str, rng: Generator) -> FloatArray:
    """(along, across, 3): reflectances of a kind of road, from -HALF_M to HALF_M right of its middle."""
    road = KINDS[kind]
    rows, columns = round(PERIOD_M * ALONG), round(2 * HALF_M * ACROSS)
    across = (np.arange(columns) + 0.5) / ACROSS - HALF_M
    along = (np.arange(rows) + 0.5) / ALONG
    tone = float(rng.uniform(0.85, 1.15))
    grass = linear(*(np.array(_VERGES[kind]) * tone * rng.uniform(0.92, 1.08, 3)))
    ground = np.broadcast_to(grass, (rows, columns, 3)).copy()
    patches = piece(fractal(1.0), rng, rows, columns, 6.0, 1.0)
    ground *= (1 + 0.22 * patches)[..., None].clip(0.4, 1.8)
    if kind == "rural":
        _band(ground, across, -road.half - 2.2, -road.half, linear(150, 128, 100))
        _band(ground, across, road.half, road.half + 2.2, linear(150, 128, 100))
    built_up, half = kind in ("street", "arterial"), 0.5 * road.median
    if built_up:
        for side in (-1, 1):
            path = linear(158, 154, 146)
            _band(ground, across, side * (road.half + 2.6), side * (road.half + 4.1), path)
    grey = float(rng.uniform(78, 108))
    _band(ground, across, -road.half, road.half, linear(grey, grey * 0.99, grey * 0.97))
    if road.median >= 2:
        _band(ground, across, -half, half, grass)
    kerb = linear(151, 149, 143)
    for side in (-1, 1):
        if built_up:
            _band(ground, across, side * road.half, side * (road.half + 0.3), kerb)
        if road.median >= 2:
            _band(ground, across, side * half, side * (half - 0.25), kerb)
    _tracks(ground, across, road)
    grain = piece(fractal(0.5), rng, rows, columns, 1.2)
    ground *= (1 + 0.09 * grain)[..., None].clip(0.6, 1.5)
    _marks(ground, across, along, road, kind)
    return np.asarray(ground, dtype=np.float32)


def _band(ground: FloatArray, across: FloatArray, from_m: float, to_m: float, colour: FloatArray) -> None:
    """One colour from one place across to another, whichever is the left."""
    from_m, to_m = min(from_m, to_m), max(from_m, to_m)
    ground[:, (across >= from_m) & (across < to_m)] = colour


def _tracks(ground: FloatArray, across: FloatArray, road: RoadKind) -> None:
    """Wheels polish their tracks, oil darkens the middle between them."""
    shade = np.ones_like(across)
    for lane in range(road.lanes):
        for way in (1, -1):
            middle = way * (0.5 * road.median + (lane + 0.5) * road.lane)
            for wheel in (-0.75, 0.75):
                shade *= 1 + 0.07 * np.exp(-((across - middle - wheel) ** 2) / 0.08)
            shade *= 1 - 0.12 * np.exp(-((across - middle) ** 2) / 0.25)
    ground *= shade[None, :, None]


def _marks(ground: FloatArray, across: FloatArray, along: FloatArray, road: RoadKind, kind: str) -> None:
    """Lines between lanes, in the middle, and along the edges."""
    white = linear(222, 222, 216)
    dashed = (along % _EVERY_M) < _DASH_M
    worn = 1 - 0.15 * (np.sin(along * 5.1) > 0.6)

    def line(at: float, broken: bool) -> None:
        columns = np.abs(across - at) < _LINE_M / 2 + 0.01
        rows = dashed if broken else np.ones_like(dashed)
        ground[np.ix_(rows, columns)] = white * worn[rows][:, None, None]

    half = 0.5 * road.median
    for way in (-1, 1):
        for lane in range(1, road.lanes):
            line(way * (half + lane * road.lane), broken=True)
        if kind != "street":
            line(way * (half + road.lanes * road.lane), broken=False)
        if road.median >= 2:
            line(way * (half + 0.15), broken=False)
    if not road.median:
        line(0.0, broken=True)


@cache
def _above(kind: str, seed: int) -> FloatArray:
    return seen_from_above(kind, np.random.default_rng([seed, len(kind)]))


@dataclass(frozen=True, kw_only=True, eq=False)
class Atlas:
    """The ground of all kinds at all sizes under one light.

    levels: (T,) uint32, packed red, green, blue.  offsets, alongs, acrosses: (K, A, B) by kind, halvings
    along and across: where a size begins in it, and its texels along and across.
    """

    levels: IntArray
    offsets: IntArray
    alongs: IntArray
    acrosses: IntArray


_HALVED_ALONG, _HALVED_ACROSS = 7, 7
NAMES = tuple(KINDS)


def make_atlas(look: Look, seed: int) -> Atlas:
    """All kinds of road, lit."""
    white = look.ground.astype(np.float32)
    wet = np.float32(0.55 if look.wet else 1.0)
    parts, offsets, alongs, acrosses, at = [], [], [], [], 0
    for kind in NAMES:
        along = _above(kind, seed) * wet
        for _ in range(_HALVED_ALONG):
            across = along
            for _ in range(_HALVED_ACROSS):
                packed = pack(look.levels(across * white))
                parts.append(packed.ravel())
                offsets.append(at)
                alongs.append(packed.shape[0])
                acrosses.append(packed.shape[1])
                at += packed.size
                across = _halve(across, 1)
            along = _halve(along, 0)
    shape = len(NAMES), _HALVED_ALONG, _HALVED_ACROSS
    return Atlas(
        levels=np.concatenate(parts),
        offsets=np.array(offsets).reshape(shape),
        alongs=np.array(alongs).reshape(shape),
        acrosses=np.array(acrosses).reshape(shape),
    )


def _halve(ground: FloatArray, axis: int) -> FloatArray:
    first, second = (
        ground.take(range(0, ground.shape[axis] - 1, 2), axis),
        ground.take(range(1, ground.shape[axis], 2), axis),
    )
    return np.asarray((first + second) / 2)


def pack(levels: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 as (...) uint32, a pixel each, as Pillow's RGBX has them."""
    full = np.full((*levels.shape[:-1], 4), 255, dtype=np.uint8)
    full[..., :3] = levels
    return full.view(np.uint32)[..., 0]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """What each row below the horizon shows of the road's course.

    ahead: (R,) m.  middle: (R,) m right of the camera, of the left lane.  along: (R,) m of the road.
    turn: (R,) its heading beside the camera's, radians.  kinds: (R,) numbers in NAMES.
    """

    ahead: FloatArray
    middle: FloatArray
    along: FloatArray
    turn: FloatArray
    kinds: Sequence[int] | IntArray


def paint(
    atlas: Atlas, rows: Rows, columns: FloatArray, focal: float, eye: float, moved_m: float
) -> np.ndarray:
    """(R, W) uint32: the ground that the rows show.

    columns: (W,) px right of the picture's middle.  focal: px.  eye: m above the ground.
    moved_m: how far the car goes while a frame is exposed.
    """
    ahead = rows.ahead.astype(np.float32)
    reach = np.maximum(ahead * ahead / (focal * eye), moved_m)
    level_along = np.clip(np.round(np.log2(np.maximum(reach * ALONG, 1.0))), 0, _HALVED_ALONG - 1).astype(int)
    wide = ahead / focal
    level_across = np.clip(np.round(np.log2(np.maximum(wide * ACROSS, 1.0))), 0, _HALVED_ACROSS - 1).astype(
        int
    )
    where = np.asarray(rows.kinds), level_along, level_across
    offset, count_along, count_across = (
        table[where] for table in (atlas.offsets, atlas.alongs, atlas.acrosses)
    )
    cos, tan = np.cos(rows.turn), np.tan(rows.turn)
    across = (wide * cos).astype(np.float32)[:, None] * columns[None].astype(np.float32)
    middles = np.array([KINDS[name].middle for name in NAMES])[where[0]]
    across -= (rows.middle * cos + middles).astype(np.float32)[:, None]
    along = across * tan.astype(np.float32)[:, None]
    along += (rows.along % PERIOD_M).astype(np.float32)[:, None]
    _fold(across)
    across += np.float32(HALF_M)
    across *= (count_across / (2 * HALF_M)).astype(np.float32)[:, None]
    column = across.astype(np.int32)
    np.clip(column, 0, (count_across - 1).astype(np.int32)[:, None], out=column)
    along *= (count_along / PERIOD_M).astype(np.float32)[:, None]
    row = np.floor(along, out=along).astype(np.int32)
    row %= count_along.astype(np.int32)[:, None]
    row *= count_across.astype(np.int32)[:, None]
    row += column
    row += offset.astype(np.int32)[:, None]
    return np.asarray(atlas.levels.take(row))


def _fold(across: FloatArray) -> None:
    """What lies beyond the picture from above shows its outer verge, back and forth."""
    far = np.abs(across) > HALF_M
    if far.any():
        beyond = np.abs(across[far]) - HALF_M
        back = 4.0 - np.abs(beyond % 8.0 - 4.0)
        across[far] = np.sign(across[far]) * (HALF_M - 0.01 - back)
