"""What stands and drives along the road of a drive, besides its signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from roadworthy.core.arrays import FloatArray
from roadworthy.render.drive.posted import Posted, Signing
from roadworthy.render.drive.road import Motion, Road, RoadKind, Stretch
from roadworthy.render.drive.settings import DRIVE_RECIPES, DriveSettings

VARIANTS = 6
_FAR_M = {"house": 260.0, "shop": 260.0, "tree": 240.0, "conifer": 240.0, "bare-tree": 220.0}
_ELSE_FAR_M = 130.0
# Kinds of what grows and stands, metres between two of one side, metres from the road's edge, from and to.
_GROWS = {
    "street": (("house", 20, 12, 17), ("tree", 26, 3.0, 5.5), ("bush", 19, 4.4, 7), ("tree", 30, 17, 30)),
    "arterial": (("shop", 34, 16, 24), ("tree", 24, 4.5, 8), ("bush", 16, 5, 9), ("house", 34, 18, 32)),
    "rural": (("tree", 17, 5, 14), ("tree", 11, 14, 45), ("bush", 12, 4, 12), ("bare-tree", 45, 5, 25)),
    "freeway": (("tree", 15, 12, 45), ("bush", 10, 8, 22), ("conifer", 40, 12, 40), ("tree", 20, 20, 60)),
}
_STANDS = {
    "street": (("lamp-post", 42, 0.9), ("wire-pole", 47, 1.3), ("bin", 60, 0.7), ("person", 85, 2.6)),
    "arterial": (("lamp-post", 40, 1.2), ("person", 160, 3.0), ("bollard", 90, 1.0)),
    "rural": (("guide-post", 50, 1.1), ("wire-pole", 60, 7.0)),
    "freeway": (("guide-post", 60, 1.3), ("rail", 4, 3.0)),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Props:
    """What stands still, in order along the road.

    kinds, variants: of each.  metres, across: (P,) along the road and right of its left lane.
    east, north: (P,) the same on the map.  far: (P,) from how far it is painted, m.
    """

    kinds: Sequence[str]
    variants: Sequence[int]
    metres: FloatArray
    across: FloatArray
    east: FloatArray
    north: FloatArray
    far: FloatArray


@dataclass(frozen=True, kw_only=True)
class Vehicle:
    """Another car, lorry or bus.

    kind: what it looks like.  from_s, to_s: when it is there.  lane: `own`, `beside` (to the right of it) or
    `oncoming`.  gap_s, gap_m: how far ahead it is, between those moments, straight from one to the next.
    number: of those that carry a sign; None else.
    """

    kind: str
    variant: int
    from_s: float
    to_s: float
    lane: str
    gap_s: tuple[float, ...]
    gap_m: tuple[float, ...]
    number: int | None = None

    def ahead(self, at_s: float) -> float | None:
        """Metres along the road before the camera; None while it is not there."""
        if not self.from_s <= at_s <= self.to_s:
            return None
        return float(np.interp(at_s, self.gap_s, self.gap_m))


def any_props(rng: Generator, settings: DriveSettings, signing: Signing) -> Props:
    """Trees, houses, posts, parked cars, boards, cones: kept clear of the lanes and of side roads."""
    road, recipe = signing.road, DRIVE_RECIPES[settings.recipe]
    found: list[tuple[str, float, float]] = []
    for stretch in road.stretches:
        kind = stretch.road
        for name, apart, near, far in _GROWS[stretch.kind]:
            for side in (-1, 1):
                for at in _spread(rng, stretch.from_m, stretch.to_m, apart):
                    found.append((name, at, _beside(kind, side, float(rng.uniform(near, far)))))
        for name, apart, beside in _STANDS[stretch.kind]:
            for side in (-1, 1):
                for at in _spread(rng, stretch.from_m, stretch.to_m, apart, even=True):
                    found.append((name, at, _beside(kind, side, beside)))
        if stretch.kind == "street":
            for at in _spread(rng, stretch.from_m, stretch.to_m, 21.0):
                found.append(("car-rear", at, kind.left + 1.05))
            for at in _spread(rng, stretch.from_m, stretch.to_m, 26.0):
                found.append(("car-front", at, kind.right - 1.05))
        if kind.median >= 2 and stretch.kind == "arterial":
            for at in _spread(rng, stretch.from_m, stretch.to_m, 45.0, even=True):
                found.append(("bollard", at, kind.middle))
        for at in _spread(rng, stretch.from_m, stretch.to_m, 190.0):
            name = str(rng.choice(recipe.things))
            found.append((name, at, _beside(kind, -1, float(rng.uniform(3.5, 7.0)))))
    found += _of_places(rng, signing)
    kept = [one for one in found if not _in_the_way(one, signing)]
    kept.sort(key=lambda one: one[1])
    metres, across = (np.array([one[column] for one in kept]) for column in (1, 2))
    east, north = on_map(road, metres, across)
    return Props(
        kinds=[one[0] for one in kept],
        variants=rng.integers(VARIANTS, size=len(kept)).tolist(),
        metres=metres,
        across=across,
        east=east,
        north=north,
        far=np.array([_FAR_M.get(one[0], _ELSE_FAR_M) for one in kept]),
    )


def on_map(road: Road, metres: FloatArray, across: FloatArray) -> tuple[FloatArray, FloatArray]:
    """East and north of places along the road, m."""
    heading, east, north = (
        np.interp(metres, road.metres, line) for line in (road.headings, road.east, road.north)
    )
    return east + across * np.cos(heading), north - across * np.sin(heading)


def _beside(kind: RoadKind, side: int, away: float) -> float:
    """So far from the road's edge, left for -1 and right for 1."""
    return kind.left - away if side < 0 else kind.right + away


def _spread(
    rng: Generator, from_m: float, to_m: float, apart: float, *, even: bool = False
) -> Sequence[float]:
    count = int((to_m - from_m) / apart)
    if even:
        return [float(one) for one in from_m + (np.arange(count) + rng.random()) * apart]
    return [float(one) for one in np.sort(rng.uniform(from_m, to_m, count))]


def _of_places(rng: Generator, signing: Signing) -> list[tuple[str, float, float]]:
    """Cones and workers, gantries, people at schools."""
    found = []
    for place in signing.places:
        road = signing.road.stretch_at(place.from_m).road
        if place.kind == "works":
            cones = np.arange(place.from_m, place.to_m, 9.0)
            found += [("cone", float(at), road.left + 0.25) for at in cones]
            for at in _spread(rng, place.from_m, place.to_m, 60.0):
                found += [("worker", at, road.left - 1.8), ("barrier", at + 3, road.left - 1.5)]
        elif place.kind == "gantry":
            found.append(("gantry", place.from_m + 0.4, 1.5))
        elif place.kind == "school":
            found += [("person", at, road.left - 2.4) for at in _spread(rng, place.from_m, place.to_m, 25)]
    return found


def _in_the_way(one: tuple[str, float, float], signing: Signing) -> bool:
    """Whether it would stand on a side road or hide a sign all the way."""
    name, at, across = one
    for place in signing.places:
        if place.kind == "side-road" and abs(at - place.from_m) < 7 and (across < 0) == place.left:
            return True
        if place.kind == "exit" and place.from_m - 5 < at < place.to_m + 25 and across < -3:
            return name != "guide-post" or across < -12
    if name in (
        "tree",
        "bush",
        "conifer",
        "bare-tree",
        "lamp-post",
        "wire-pole",
        "billboard",
        "house",
        "shop",
    ):
        near = [s for s in signing.signs if s.pole and 0 < s.metres - at < 40]
        return any(abs(s.across - across) < (2.6 if name in ("tree", "conifer") else 1.0) for s in near)
    return False


def any_traffic(rng: Generator, signing: Signing, motion: Motion) -> list[Vehicle]:
    """Cars ahead, cars that come towards us, cars that pass, and those that carry a sign."""
    found = [_carrier(rng, signing, motion, one) for one in signing.vehicles]
    taken = [(one.from_s, one.to_s) for one in found if one is not None]
    vehicles = [one for one in found if one is not None]
    at = float(rng.uniform(4, 14))
    while at < motion.duration_s:
        speed, stretch = _moment(signing, motion, at)
        if rng.random() < 0.3 and not any(a < at + 18 and at < b for a, b in taken):
            vehicles.append(_leader(rng, at, str(rng.choice(["car-rear", "car-rear", "truck-rear"]))))
            taken.append((at, at + 18))
        elif stretch.road.lanes > 1 and rng.random() < 0.6:
            vehicles.append(_passing(rng, at, speed, "car-rear"))
        else:
            vehicles.append(_oncoming(rng, at, speed))
        at += float(
            rng.exponential({"street": 4.0, "arterial": 3.0, "rural": 7.0}.get(stretch.kind, 4.0)) + 0.6
        )
    return vehicles


def _moment(signing: Signing, motion: Motion, at_s: float) -> tuple[float, Stretch]:
    number = min(int(at_s * motion.fps), len(motion) - 1)
    return float(motion.speed[number]), signing.road.stretch_at(float(motion.metres[number]))


def _leader(rng: Generator, at_s: float, kind: str, number: int | None = None, near: float = 22.0) -> Vehicle:
    """One that we catch up with in our own lane, follow, and that leaves us behind."""
    gap, long = near + float(rng.uniform(0, 14)), float(rng.uniform(12, 18))
    times = (at_s, at_s + 4, at_s + 0.5 * long, at_s + long - 4, at_s + long)
    return Vehicle(
        kind=kind,
        variant=int(rng.integers(VARIANTS)),
        from_s=times[0],
        to_s=times[-1],
        lane="own",
        gap_s=times,
        gap_m=(180.0, gap + 12, gap, gap + 10, 200.0),
        number=number,
    )


def _passing(rng: Generator, at_s: float, speed: float, kind: str, number: int | None = None) -> Vehicle:
    """One that passes us in the lane to the right."""
    faster = max(2.5, speed * float(rng.uniform(0.12, 0.25)))
    long = 150 / faster
    return Vehicle(
        kind=kind,
        variant=int(rng.integers(VARIANTS)),
        from_s=at_s,
        to_s=at_s + long,
        lane="beside",
        gap_s=(at_s, at_s + long),
        gap_m=(2.0, 152.0),
        number=number,
    )


def _oncoming(rng: Generator, at_s: float, speed: float) -> Vehicle:
    """One that comes towards us, met at a moment."""
    closing = max(15.0, speed * float(rng.uniform(1.8, 2.1)))
    long = 260 / closing
    kind = str(rng.choice(["car-front", "car-front", "car-front", "truck-front"]))
    return Vehicle(
        kind=kind,
        variant=int(rng.integers(VARIANTS)),
        from_s=at_s - long,
        to_s=at_s,
        lane="oncoming",
        gap_s=(at_s - long, at_s),
        gap_m=(262.0, 2.0),
    )


def _carrier(rng: Generator, signing: Signing, motion: Motion, one: tuple[int, str, float]) -> Vehicle | None:
    number, kind, metres = one
    at_s = motion.when(metres)
    if at_s is None:
        return None
    speed, stretch = _moment(signing, motion, at_s)
    if stretch.road.lanes > 1:
        return _passing(rng, at_s, speed, kind, number)
    return _leader(rng, at_s, kind, number, near=14.0)


def carried_by(vehicles: Sequence[Vehicle], sign: Posted) -> Vehicle | None:
    """The vehicle that a sign is on."""
    return next((one for one in vehicles if one.number == sign.carried), None)
