"""Outlines of what lies flat beside the road, in metres along it and across."""

from __future__ import annotations

import numpy as np

from roadworthy.core.arrays import FloatArray
from roadworthy.render.drive.posted import Place
from roadworthy.render.drive.world import World


def side_road(place: Place, world: World) -> list[FloatArray]:
    """The tar of a side road or an exit: pieces (N, 2), metres along and across."""
    road = world.road.stretch_at(place.from_m).road
    if place.kind == "side-road":
        near, far = (road.left + 0.3, road.left - 45) if place.left else (road.right - 0.3, road.right + 45)
        bell = 3.5 if place.left else -3.5
        return [
            np.array(
                [
                    (place.from_m - 3.5, near),
                    (place.from_m, near - bell),
                    (place.from_m, far),
                    (place.to_m, far),
                    (place.to_m, near - bell),
                    (place.to_m + 3.5, near),
                ]
            )
        ]
    steps = np.linspace(0, 1, 9)
    inner = [(place.from_m + 110 * s, road.left + 0.3 - 16 * s**2) for s in steps]
    outer = [(place.from_m + 110 * s, road.left - min(4.5, 14 * s) - 16 * s**2) for s in steps]
    return [np.array([inner[i], inner[i + 1], outer[i + 1], outer[i]]) for i in range(len(steps) - 1)]


def cut_off(points: FloatArray, least: float) -> FloatArray:
    """An outline (N, 2) of x and z, cut off where z is least."""
    found = []
    for (x1, z1), (x2, z2) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if z1 >= least:
            found.append((x1, z1))
        if (z1 >= least) != (z2 >= least):
            share = (least - z1) / (z2 - z1)
            found.append((x1 + share * (x2 - x1), least))
    return np.array(found) if found else np.zeros((0, 2))
