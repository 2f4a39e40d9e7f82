"""The camera of a drive at one moment."""

from __future__ import annotations

import math
from dataclasses import dataclass

from roadworthy.core.arrays import FloatArray
from roadworthy.render.street.view import View


@dataclass(frozen=True, kw_only=True)
class Eye:
    """Where the camera is at a moment.

    metres, across: along the road and right of its left lane.  east, north: on the map, m.  heading: radians
    clockwise from north.  view: its focal length, height and horizon.  speed: m/s.  at_s: of the film.
    """

    metres: float
    across: float
    east: float
    north: float
    heading: float
    view: View
    speed: float
    at_s: float

    def sees(self, east: FloatArray, north: FloatArray) -> tuple[FloatArray, FloatArray]:
        """x right of the camera and z ahead of it, m, of places on the map."""
        d_east, d_north = east - self.east, north - self.north
        sin, cos = math.sin(self.heading), math.cos(self.heading)
        return d_east * cos - d_north * sin, d_east * sin + d_north * cos
