"""The road of a drawn drive: a centre line in metres, stretches of kinds, and a car that moves along it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator

from roadworthy.core.arrays import FloatArray

STEP_M = 1.0
BEYOND_M = 420.0  # of road that is seen past its end
_HEADING_BACK = 4e-5  # how much a road turns back, 1/m for each radian: the backdrop is no full circle
_HARD_ACCEL, _SOFT_ACCEL = 2.2, 1.1  # m/s^2, to brake and to speed up
_SIDE_ACCEL = 2.6  # m/s^2 that drivers take in bends


@dataclass(frozen=True, kw_only=True)
class RoadKind:
    """A kind of road, as wide as it is built, for traffic on the left.

    limits: that are usual there, km/h.  long: how far a stretch of it goes, m.  radius: of its tightest
    bends, m.  lanes: of this direction.  lane: their width, m.  median: between the directions, m; 0 for a
    line.  shoulder: beside the lanes, m.  both: whether traffic comes the other way.  setting: as the rules
    of limits name it.  follows: kinds that may follow.
    """

    limits: tuple[int, ...]
    long: tuple[float, float]
    radius: float
    lanes: int
    lane: float
    median: float
    shoulder: float
    setting: str
    follows: tuple[str, ...]

    @property
    def half(self) -> float:
        """From its middle to its edge, m."""
        return 0.5 * self.median + self.lanes * self.lane + self.shoulder

    @property
    def middle(self) -> float:
        """Its middle, m right of the middle of its left lane, which is what all places are measured from."""
        return 0.5 * self.median + (self.lanes - 0.5) * self.lane

    @property
    def left(self) -> float:
        """Where it ends on the left: below zero."""
        return self.middle - self.half

    @property
    def right(self) -> float:
        """Where it ends on the right, beyond what comes towards us."""
        return self.middle + self.half

    @property
    def verge_right(self) -> float:
        """Where signs on the right stand: on the median where it is wide enough, else past the road."""
        return self.middle if self.median >= 2.0 else self.right + 1.0


KINDS: Mapping[str, RoadKind] = {
    "street": RoadKind(
        limits=(40, 50, 50, 60),
        long=(400, 800),
        radius=170,
        lanes=1,
        lane=3.3,
        median=0.0,
        shoulder=2.2,
        setting="built-up",
        follows=("arterial", "arterial", "street"),
    ),
    "arterial": RoadKind(
        limits=(60, 70, 80),
        long=(500, 1000),
        radius=320,
        lanes=2,
        lane=3.4,
        median=3.0,
        shoulder=0.6,
        setting="built-up",
        follows=("street", "rural", "freeway", "street"),
    ),
    "rural": RoadKind(
        limits=(80, 90, 100, 100),
        long=(600, 1200),
        radius=380,
        lanes=1,
        lane=3.5,
        median=0.0,
        shoulder=1.6,
        setting="open",
        follows=("arterial", "freeway", "street"),
    ),
    "freeway": RoadKind(
        limits=(100, 110, 110),
        long=(800, 1500),
        radius=900,
        lanes=2,
        lane=3.6,
        median=9.0,
        shoulder=2.6,
        setting="motorway",
        follows=("arterial", "rural"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of the road that is of one kind and has one limit.  from_m, to_m: along its middle."""

    from_m: float
    to_m: float
    kind: str
    limit: int

    @property
    def road(self) -> RoadKind:
        """What its kind is like."""
        return KINDS[self.kind]


@dataclass(frozen=True, kw_only=True, eq=False)
class Road:
    """A road's course: that of its left lane, which goes on where the rest becomes wider or narrower.

    stretches: in order, without gaps, past the road's end by what is seen of it from there.
    headings, east, north: (N,) at every metre from 0 on: radians clockwise from north, metres.
    """

    stretches: tuple[Stretch, ...]
    headings: FloatArray
    east: FloatArray
    north: FloatArray

    @cached_property
    def metres(self) -> FloatArray:
        """(N,) along the middle, of each point."""
        return np.arange(len(self.headings)) * STEP_M

    @cached_property
    def ends(self) -> FloatArray:
        """Where each stretch ends."""
        return np.array([stretch.to_m for stretch in self.stretches])

    def stretch_at(self, metres: float) -> Stretch:
        """The stretch at a place along it."""
        return self.stretches[self.number_at(metres)]

    def number_at(self, metres: float) -> int:
        """The number of that stretch."""
        return min(int(np.searchsorted(self.ends, metres, side="right")), len(self.stretches) - 1)

    def place(self, metres: float, across: float = 0.0) -> tuple[float, float, float]:
        """East and north of a place `across` m right of the left lane, and the road's heading there."""
        heading, east, north = (
            float(np.interp(metres, self.metres, line)) for line in (self.headings, self.east, self.north)
        )
        return east + across * np.cos(heading), north - across * np.sin(heading), heading


def any_stretches(rng: Generator, length_m: float, kmh: float | None) -> tuple[Stretch, ...]:
    """Stretches for a length and what is seen past it, each a lawful successor of the one before.

    kmh: with a speed of its own the car keeps to kinds of road where it may be driven.
    """
    allowed = [
        name
        for name, kind in KINDS.items()
        if kmh is None or min(kind.limits) - 15 <= kmh <= max(kind.limits) + 15
    ]
    name, limit, at, found = str(rng.choice(allowed)), 0, 0.0, list[Stretch]()
    shorter = min(1.0, length_m / 3000)  # a short drive is to show several limits, too
    while at < length_m + BEYOND_M:
        kind = KINDS[name]
        choices = [one for one in kind.limits if one != limit] or list(kind.limits)
        # Limits change by 40 km/h at most at one place.
        near = [one for one in choices if not limit or abs(one - limit) <= 40] or [
            min(choices, key=lambda one: abs(one - limit))
        ]
        limit = int(rng.choice(near))
        end = at + float(rng.uniform(*kind.long)) * max(0.45, shorter)
        found.append(Stretch(from_m=at, to_m=end, kind=name, limit=limit))
        at = end
        follows = [one for one in kind.follows if one in allowed] or [name]
        name = str(rng.choice(follows))
    return tuple(found)


def lay_road(rng: Generator, stretches: tuple[Stretch, ...]) -> Road:
    """A course that bends as its kinds do, and on the whole goes on in one direction."""
    count = int(stretches[-1].to_m / STEP_M) + 1
    curvature, at = np.zeros(count), 0
    bend = np.zeros(count)
    while at < count:  # straights and bends by turns
        kind = KINDS[_kind_at(stretches, at * STEP_M)]
        long = int(rng.uniform(40, 160) * (2.0 if kind.radius > 500 else 1.0))
        if rng.random() < 0.65:
            bend[at : at + long] = rng.choice([-1, 1]) / (kind.radius / rng.uniform(0.15, 1.0))
        at += long
    width = 50  # clothoids: curvature grows along the road
    smooth = np.hanning(width) / np.hanning(width).sum()
    bend = np.convolve(np.pad(bend, width, mode="edge"), smooth, mode="same")[width:-width]
    start = float(rng.uniform(-np.pi, np.pi))
    headings, heading = np.empty(count), 0.0
    for number in range(count):
        curvature[number] = bend[number] - _HEADING_BACK * heading * 60
        headings[number] = heading
        heading += curvature[number] * STEP_M
    headings += start
    east = np.concatenate([[0.0], np.cumsum(np.sin(headings[:-1]) * STEP_M)])
    north = np.concatenate([[0.0], np.cumsum(np.cos(headings[:-1]) * STEP_M)])
    return Road(stretches=stretches, headings=headings, east=east, north=north)


def _kind_at(stretches: tuple[Stretch, ...], metres: float) -> str:
    return next((one.kind for one in stretches if metres < one.to_m), stretches[-1].kind)


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """How the car moves: metres along the road, across it, and metres a second, (N,) at every frame."""

    fps: int
    metres: FloatArray
    across: FloatArray
    speed: FloatArray

    def __len__(self) -> int:
        return len(self.metres)

    @property
    def duration_s(self) -> float:
        """The film's length: each frame is shown until the next."""
        return len(self.metres) / self.fps

    def when(self, metres: float) -> float | None:
        """The second at which it passes a place; None where it never does."""
        if not self.metres[0] <= metres <= self.metres[-1]:
            return None
        return float(np.interp(metres, self.metres, np.arange(len(self.metres)) / self.fps))


def drive_along(
    rng: Generator,
    road: Road,
    length_m: float,
    fps: int,
    limit_at: FloatArray,
    kmh: float | None,
) -> Motion:
    """A drive in the left lane, as fast as the limit and the bends allow, changes of speed taken gently.

    limit_at: (M,) km/h at every metre.
    """
    wanted = _wanted(rng, road, limit_at, kmh)
    speed = wanted.copy()
    for number in range(len(speed) - 2, -1, -1):  # brakes before what is slower
        speed[number] = min(speed[number], np.sqrt(speed[number + 1] ** 2 + 2 * _HARD_ACCEL * STEP_M))
    for number in range(1, len(speed)):
        speed[number] = min(speed[number], np.sqrt(speed[number - 1] ** 2 + 2 * _SOFT_ACCEL * STEP_M))
    passed_s = np.concatenate([[0.0], np.cumsum(2 * STEP_M / (speed[1:] + speed[:-1]))])
    last_s = float(np.interp(length_m, road.metres, passed_s))
    times = np.arange(int(last_s * fps)) / fps
    metres = np.interp(times, passed_s, road.metres)
    sway = 0.18 * np.sin(times * 0.31 + rng.uniform(0, 6)) + 0.1 * np.sin(times * 0.83 + rng.uniform(0, 6))
    return Motion(fps=fps, metres=metres, across=sway, speed=np.interp(metres, road.metres, speed))


def _wanted(rng: Generator, road: Road, limit_at: FloatArray, kmh: float | None) -> FloatArray:
    """m/s at every metre, before the car's own sluggishness."""
    count = len(road.headings)
    if kmh is not None:
        return np.full(count, kmh / 3.6)
    posted = np.full(count, limit_at[-1])
    posted[: len(limit_at)] = limit_at
    mood = 0.96 + 0.03 * np.sin(road.metres / 170 + rng.uniform(0, 6))
    bends = np.abs(np.gradient(road.headings, STEP_M))
    safe = np.sqrt(_SIDE_ACCEL / np.maximum(bends, 1e-5))
    return np.minimum(np.clip(posted * mood, 38.0, 110.0) / 3.6, np.maximum(safe, 40 / 3.6))
