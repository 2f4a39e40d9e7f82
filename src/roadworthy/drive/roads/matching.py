"""Which of a map's roads the car is on at each second, and the limit that the map knows there.

A road counts that lies within a few lanes of the fix and runs as the car drives.  Where two such roads of
different limits are nearly as near as each other (a motorway and the road beside it), the map says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.drive.gps.earth import RADIUS_M, turn_deg
from roadworthy.drive.gps.track import Track
from roadworthy.drive.limits.machine import MapLimit
from roadworthy.drive.roads.road import Road

STEP_S = 1.0
NEAR_M = 15.0  # of a line; maps run along the middle of a road, receivers are off by 5 m
PLACE_M = 40.0  # of a place in a table
ALIKE_M = 8.0  # two roads whose distances differ by less are told apart by nobody
APART_DEG = 35.0  # between the car's course and the road's
_LONGEST_M = 100.0  # of a piece of a road, so that one near its middle is near it


@dataclass(frozen=True, eq=False)
class _Pieces:
    """Straight pieces of all roads, in metres east and north of the first place, from west to east.

    begin, end, middle: (S, 2).  road: (S,) the road that each is of.
    """

    begin: FloatArray
    end: FloatArray
    middle: FloatArray
    road: IntArray
    origin: tuple[float, float]

    @classmethod
    def of(cls, roads: Sequence[Road]) -> _Pieces:
        origin = (float(roads[0].line[0, 0]), float(roads[0].line[0, 1]))
        begins, ends, owners = [], [], []
        for number, road in enumerate(roads):
            line = _metres(road.line, origin)
            pairs = [(line[0], line[0])] if len(line) == 1 else list(pairwise(line))
            for a, b in pairs:
                parts = max(1, int(np.ceil(np.linalg.norm(b - a) / _LONGEST_M)))
                steps = np.linspace(0, 1, parts + 1)[:, None]
                points = a + steps * (b - a)
                begins.append(points[:-1])
                ends.append(points[1:])
                owners += [number] * parts
        begin, end = np.concatenate(begins), np.concatenate(ends)
        middle = (begin + end) / 2
        order = np.argsort(middle[:, 0], kind="stable")
        return cls(begin[order], end[order], middle[order], np.array(owners)[order], origin)

    def near(self, place: FloatArray, within_m: float) -> list[int]:
        """Those whose middles are so near."""
        first, last = np.searchsorted(self.middle[:, 0], (place[0] - within_m, place[0] + within_m))
        far = np.linalg.norm(self.middle[first:last] - place, axis=1)
        return [int(one) for one in first + np.flatnonzero(far <= within_m)]


def map_limits(roads: Sequence[Road], track: Track, end_s: float) -> list[MapLimit]:
    """What a map says of a drive: stretches of one limit, in order; none where it does not know.

    roads: at least one.  track: placed on the film.  end_s: of the film.
    """
    pieces = _Pieces.of(roads)
    said: list[tuple[float, tuple[int, str] | None]] = []
    for second in np.arange(0, end_s, STEP_S).tolist():
        said.append((second, _at(pieces, roads, track, second)))
    return list(_stretches(said, end_s))


def _at(pieces: _Pieces, roads: Sequence[Road], track: Track, second: float) -> tuple[int, str] | None:
    """Limit and name of the road that the car is on; None where the map does not say."""
    fix, course = track.at(second), _course(track, second)
    if fix is None or course is None:
        return None
    (place,) = _metres(np.array([[fix.lat, fix.lon]]), pieces.origin)
    found: dict[tuple[int, str], float] = {}
    for piece in pieces.near(place, PLACE_M + _LONGEST_M / 2):
        road = roads[pieces.road[piece]]
        begin, end = pieces.begin[piece], pieces.end[piece]
        distance = _distance(place, begin, end)
        is_place = len(road.line) == 1
        limit = _limit(road, course, begin, end)
        if limit is None or distance > (PLACE_M if is_place else NEAR_M):
            continue
        key = (limit, f"map:{road.name}")
        found[key] = min(distance, found.get(key, np.inf))
    if not found:
        return None
    best = min(found, key=lambda key: (found[key], key))
    rivals = [key for key, far in found.items() if far - found[best] < ALIKE_M and key[0] != best[0]]
    return None if rivals else best


def _limit(road: Road, course: float, begin: FloatArray, end: FloatArray) -> int | None:
    """For a car of this course; None where the road does not run so."""
    if len(road.line) == 1:
        aside = 0.0 if road.heading is None else abs(float(turn_deg(road.heading, course)))
        return road.along if aside <= APART_DEG else None
    east, north = end - begin
    aside = abs(float(turn_deg(np.degrees(np.arctan2(east, north)), course)))
    if aside <= APART_DEG:
        return road.along
    return road.against if aside >= 180 - APART_DEG else None


def _course(track: Track, second: float) -> float | None:
    """Degrees clockwise from north: the receiver's, else from where the car was a second before and after."""
    fix = track.at(second)
    if fix is not None and fix.course is not None:
        return fix.course
    before, after = track.at(second - STEP_S) or fix, track.at(second + STEP_S) or fix
    if before is None or after is None:
        return None
    (east, north), *_ = _metres(np.array([[after.lat, after.lon]]), (before.lat, before.lon))
    return None if np.hypot(east, north) < 2.0 else float(np.degrees(np.arctan2(east, north)) % 360)


def _distance(place: FloatArray, begin: FloatArray, end: FloatArray) -> float:
    along = end - begin
    length = float(along @ along)
    share = 0.0 if length == 0 else float(np.clip((place - begin) @ along / length, 0, 1))
    return float(np.linalg.norm(place - begin - share * along))


def _metres(places: FloatArray, origin: tuple[float, float]) -> FloatArray:
    """(P, 2) east and north of a place nearby, in metres."""
    north = np.radians(places[:, 0] - origin[0]) * RADIUS_M
    east = np.radians((places[:, 1] - origin[1] + 180) % 360 - 180) * RADIUS_M
    return np.stack([east * np.cos(np.radians(places[:, 0])), north], axis=1)


def _stretches(said: Sequence[tuple[float, tuple[int, str] | None]], end_s: float) -> Iterator[MapLimit]:
    began: float | None = None
    held: tuple[int, str] | None = None
    for second, now in [*said, (end_s, None)]:
        if now == held:
            continue
        if held is not None and began is not None:
            yield MapLimit(from_s=began, to_s=second, limit=held[0], event=held[1])
        began, held = second, now
