"""Sightings of signs by several drives to the physical signs that they are of."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.drive.gps import earth
from roadworthy.signs.catalogue import kind_and_value

_SAME_WITHIN = 3.0  # standard errors
_RIVAL = 2.0  # another reading of a sign must be so many times nearer
_FURTHEST_M = 40.0  # signs further apart are two, whatever their errors
_SAME_HEADING_DEG = 60.0
_ONE_PASS_S = 30.0  # two signs that one drive passes in this time are two
_UNREAD = "other-sign"
_METRES_A_DEGREE = 111_195.0


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A sign as one drive found it.

    name: its class.  drive: the drive's name.  film_s: when it was passed.  lat, lon: WGS84 degrees;
    error_m: their standard error.  heading: degrees, of the traffic that it faces.  side: `left`, `right`,
    `above` or None.  event: its name in that drive.
    """

    name: str
    drive: str
    film_s: float
    lat: float
    lon: float
    error_m: float
    heading: float
    side: str | None = None
    event: str = ""


@dataclass(frozen=True, kw_only=True)
class MergedSign:
    """One physical sign and its sightings; the position is their mean, weighted by their errors.

    error_m: its standard error: what theirs make of it, or more where they scatter more than they should.
    """

    name: str
    lat: float
    lon: float
    error_m: float
    heading: float
    sightings: tuple[Sighting, ...]


def merge_signs(sightings: Iterable[Sighting]) -> list[MergedSign]:
    """The physical signs that sightings of several drives are of, those read alike and nearest joined first.

    One sign: one class, headings within 60 degrees, sides that do not differ, and no further apart than three
    standard errors allow, nor than 40 m.  Another number of the same kind, or a sign without a class of its
    own, is another reading of the same sign where it lies twice as near.  Two that one drive passes within
    30 s are two signs, as on both sides of a road.  In the order of each sign's first sighting.
    """
    groups = {number: _merged([sighting]) for number, sighting in enumerate(sightings)}
    first = {number: number for number in groups}
    near = _neighbours(list(groups.values()))
    pairs = [(_apart(groups[a], groups[b]), a, b) for a in near for b in near[a] if a < b]
    heapq.heapify(pairs := [pair for pair in pairs if pair[0][1] < _SAME_WITHIN])
    while pairs:
        _, a, b = heapq.heappop(pairs)
        if a not in groups or b not in groups:
            continue
        both = sorted((a, b), key=first.__getitem__)
        new = len(first)
        first[new] = first[both[0]]
        groups[new] = _merged([one for number in both for one in groups[number].sightings])
        near[new] = {number for number in near.pop(a) | near.pop(b) if number in groups} - {a, b}
        del groups[a], groups[b]
        for other in near[new]:
            near[other].add(new)
            if (apart := _apart(groups[new], groups[other]))[1] < _SAME_WITHIN:
                heapq.heappush(pairs, (apart, min(new, other), max(new, other)))
    return [groups[number] for number in sorted(groups, key=first.__getitem__)]


def _neighbours(signs: Sequence[MergedSign]) -> dict[int, set[int]]:
    """Of each sign, by its number, those that it could ever be joined with, by cells of the ground."""
    cell_m = 2 * _FURTHEST_M  # a group's middle moves towards others
    squeeze = min((math.cos(math.radians(sign.lat)) for sign in signs), default=1.0)
    cells = defaultdict[tuple[int, int], list[int]](list)
    wide = cell_m / _METRES_A_DEGREE
    places = [(int(sign.lat // wide), int(sign.lon // (wide / max(squeeze, 1e-6)))) for sign in signs]
    for number, place in enumerate(places):
        cells[place].append(number)
    return {number: set(_around(cells, *place)) - {number} for number, place in enumerate(places)}


def _around(cells: dict[tuple[int, int], list[int]], row: int, column: int) -> Iterator[int]:
    for north in (-1, 0, 1):
        for east in (-1, 0, 1):
            yield from cells.get((row + north, column + east), ())


def _apart(a: MergedSign, b: MergedSign) -> tuple[float, float]:
    """How unlike two signs are read, and how many standard errors apart; infinite where they are two."""
    factor = _unlike(a, b)
    if factor is None:
        return math.inf, math.inf
    metres = float(earth.distance_m(a.lat, a.lon, b.lat, b.lon))
    turned = abs(float(earth.turn_deg(a.heading, b.heading)))
    if metres > _FURTHEST_M or turned > _SAME_HEADING_DEG or _passed_together(a, b):
        return math.inf, math.inf
    error_m = math.hypot(_stated_error(a.sightings), _stated_error(b.sightings))
    return factor, factor * metres / error_m


def _unlike(a: MergedSign, b: MergedSign) -> float | None:
    """1 for signs read alike, more for rival readings; None for signs that are two."""
    sides = [{one.side for one in sign.sightings} - {None} for sign in (a, b)]
    if sides[0] and sides[1] and sides[0] != sides[1]:
        return None
    names = [{one.name for one in sign.sightings} for sign in (a, b)]
    if names[0] & names[1]:
        return 1.0
    kinds = [{kind_and_value(name)[0] for name in those} for those in names]
    rivals = kinds[0] & kinds[1] or {_UNREAD} in names
    return _RIVAL if rivals else None


def _passed_together(a: MergedSign, b: MergedSign) -> bool:
    return any(
        one.drive == other.drive and abs(one.film_s - other.film_s) < _ONE_PASS_S
        for one in a.sightings
        for other in b.sightings
    )


def _merged(group: Sequence[Sighting]) -> MergedSign:
    weights = np.array([1 / sighting.error_m**2 for sighting in group])
    first = group[0]
    offsets = np.array([_offset_m(first, sighting) for sighting in group])
    middle = weights @ offsets / weights.sum()
    lat, lon = earth.moved(first.lat, first.lon, east_m=float(middle[0]), north_m=float(middle[1]))
    headings = np.radians([sighting.heading for sighting in group])
    mean = np.arctan2(weights @ np.sin(headings), weights @ np.cos(headings))
    # Two coordinates for each sighting, less the two of the middle (Birge's ratio).
    scatter = float(weights @ ((offsets - middle) ** 2).sum(axis=1)) / max(2 * len(group) - 2, 1)
    return MergedSign(
        name=first.name,
        lat=lat,
        lon=lon,
        error_m=_stated_error(group) * max(1.0, math.sqrt(scatter)),
        heading=float(np.degrees(mean) % 360),
        sightings=tuple(group),
    )


def _stated_error(group: Sequence[Sighting]) -> float:
    """The standard error of a weighted mean, if those of the sightings are right."""
    return 1 / math.sqrt(sum(1 / sighting.error_m**2 for sighting in group))


def _offset_m(a: Sighting, b: Sighting) -> tuple[float, float]:
    metres = float(earth.distance_m(a.lat, a.lon, b.lat, b.lon))
    bearing = float(np.radians(earth.bearing_deg(a.lat, a.lon, b.lat, b.lon)))
    return metres * float(np.sin(bearing)), metres * float(np.cos(bearing))
