"""Distances and directions on a sphere: within 0.6 % of the ellipsoid, less than a GPS fix is off by.

Latitudes and longitudes are degrees, bearings degrees clockwise from north, distances metres.  All take
single numbers or arrays.  Source: the haversine formula and the spherical forms of the direct problem.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.core.arrays import FloatArray

RADIUS_M = 6_371_008.8
"""Mean radius of the WGS84 ellipsoid."""


def distance_m(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> FloatArray:
    """Metres along the great circle."""
    north1, north2 = np.radians(lat1), np.radians(lat2)
    half_lat, half_lon = (north2 - north1) / 2, np.radians(np.subtract(lon2, lon1)) / 2
    chord = np.sin(half_lat) ** 2 + np.cos(north1) * np.cos(north2) * np.sin(half_lon) ** 2
    return np.asarray(2 * RADIUS_M * np.arcsin(np.sqrt(np.clip(chord, 0, 1))))


def bearing_deg(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> FloatArray:
    """Direction of the second place as seen from the first, in [0, 360)."""
    north1, north2 = np.radians(lat1), np.radians(lat2)
    east = np.radians(np.subtract(lon2, lon1))
    y = np.sin(east) * np.cos(north2)
    x = np.cos(north1) * np.sin(north2) - np.sin(north1) * np.cos(north2) * np.cos(east)
    return np.asarray(np.degrees(np.arctan2(y, x)) % 360)


def moved(lat: float, lon: float, *, east_m: float, north_m: float) -> tuple[float, float]:
    """Latitude and longitude of a place that lies so far east and north of another.  For some kilometres."""
    angle = np.hypot(east_m, north_m) / RADIUS_M
    bearing, north = np.arctan2(east_m, north_m), np.radians(lat)
    lat2 = np.arcsin(np.sin(north) * np.cos(angle) + np.cos(north) * np.sin(angle) * np.cos(bearing))
    east = np.arctan2(
        np.sin(bearing) * np.sin(angle) * np.cos(north), np.cos(angle) - np.sin(north) * np.sin(lat2)
    )
    return float(np.degrees(lat2)), float(_longitude(lon + np.degrees(east)))


def between(start: tuple[float, float], end: tuple[float, float], fraction: float) -> tuple[float, float]:
    """The place at a fraction of the great circle from start to end, each (latitude, longitude)."""
    a, b = _vector(*start), _vector(*end)
    angle = np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)
    if angle < 1e-12:
        return start
    x, y, z = (np.sin((1 - fraction) * angle) * a + np.sin(fraction * angle) * b) / np.sin(angle)
    return float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x)))


def turn_deg(from_deg: ArrayLike, to_deg: ArrayLike) -> FloatArray:
    """The turn from one bearing to another, in [-180, 180): to the right is positive."""
    return np.asarray((np.subtract(to_deg, from_deg) + 180) % 360 - 180)


def _vector(lat: float, lon: float) -> FloatArray:
    north, east = np.radians(lat), np.radians(lon)
    return np.array([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])


def _longitude(lon: float) -> float:
    return float((lon + 180) % 360 - 180)
