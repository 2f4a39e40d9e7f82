"""Where a sign stands: from the car's fixes and from how its box grows and moves towards the picture's edge.

Positions are WGS84, as receivers say them.  GDA2020, Australia's datum, is the same to within some decimetres
now and is not converted to: a sign's own error is larger.

The camera is a pinhole that looks where the car goes: a sign of H metres at depth Z is f * H / Z pixels high,
and X metres to the right of the axis it is f * X / Z pixels right of the picture's middle.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from roadworthy.core.arrays import FloatArray
from roadworthy.core.errors import UsageError
from roadworthy.drive.gps import earth
from roadworthy.drive.gps.fixes import METRES_PER_DOP, Fix
from roadworthy.drive.gps.track import Track

_TURNS = 12  # of the least squares; five are enough
_NEAREST_M = 0.5


@dataclass(frozen=True, kw_only=True)
class View:
    """A sign's box in one frame.

    film_s: seconds.  height_px: of the whole sign.  right_px: of the box's middle from the picture's, to the
    right positive, once the lens's distortion is taken out.
    """

    film_s: float
    height_px: float
    right_px: float


@dataclass(frozen=True, kw_only=True)
class SignPlace:
    """Where a sign stands.

    error_m: standard error of the position on the ground.  heading: degrees, of the traffic that it faces.
    right_m: how far right of the car's way it stands, at the last view; left is negative.
    size_m: its height as the motion corrects it.  views: how many boxes it rests on.
    """

    lat: float
    lon: float
    error_m: float
    heading: float
    right_m: float
    size_m: float
    views: int


def place_sign(
    track: Track,
    views: Iterable[View],
    *,
    size_m: float,
    size_error_m: float,
    focal_px: float,
    focal_error: float = 0.05,
    yaw_deg: float = 0.0,
    yaw_error_deg: float = 2.0,
    box_error_px: float = 1.0,
) -> SignPlace | None:
    """Where a sign stands, by least squares over its views; None where the car's place or course is unknown.

    size_m, size_error_m: a guess of the sign's height and its standard error.  focal_px: in pixels of the
    frames; focal_error: its standard error as a fraction.  yaw_deg: where the camera looks, right of the
    car's course, and its standard error.  box_error_px: standard error of a box's height and middle.
    Size, focal length, yaw and the car's place are wrong alike in all views, so they do not average out;
    but a car that comes nearer measures the size itself, and the guess gives way to that.
    Raises UsageError for lengths that are not above 0.
    """
    _check_positive(size_m=size_m, size_error_m=size_error_m, focal_px=focal_px, box_error_px=box_error_px)
    pairs = [(view, track.at(view.film_s)) for view in views if view.height_px > 0]
    seen = [(view, fix) for view, fix in pairs if fix is not None and fix.course is not None]
    if not seen:
        return None
    origin = seen[-1][1]
    scene = _Scene(
        cars=np.array([_east_north(origin, fix) for _, fix in seen]),
        courses=np.radians([(fix.course or 0.0) + yaw_deg for _, fix in seen]),
        heights=np.array([view.height_px for view, _ in seen]),
        rights=np.array([view.right_px for view, _ in seen]),
        focal_px=focal_px,
        size_m=size_m,
        box_error_px=box_error_px,
        scale_error=float(np.hypot(size_error_m / size_m, focal_error)),
        yaw_error=float(np.radians(yaw_error_deg)),
    )
    solution, covariance = _solved(scene)
    lat, lon = earth.moved(origin.lat, origin.lon, east_m=solution[0], north_m=solution[1])
    car = max((fix.accuracy or METRES_PER_DOP) for _, fix in seen)
    course = np.radians(origin.course or 0.0)
    return SignPlace(
        lat=lat,
        lon=lon,
        error_m=float(np.sqrt(covariance[0, 0] + covariance[1, 1] + car**2)),
        heading=float(origin.course or 0.0),
        right_m=float(solution[0] * np.cos(course) - solution[1] * np.sin(course)),
        size_m=float(size_m * np.exp(solution[2])),
        views=len(seen),
    )


def _check_positive(**lengths: float) -> None:
    for name, value in lengths.items():
        if not value > 0:
            raise UsageError(f"{name} is {value}; it must be above 0")


@dataclass(frozen=True, kw_only=True)
class _Scene:
    """What the least squares rest on: (V, 2) cars in metres, (V,) views, and how wrong each may be."""

    cars: FloatArray
    courses: FloatArray
    heights: FloatArray
    rights: FloatArray
    focal_px: float
    size_m: float
    box_error_px: float
    scale_error: float
    yaw_error: float

    def residuals(self, unknown: FloatArray) -> FloatArray:
        """What does not fit, in standard errors; unknown: east, north, log of the scale, yaw in radians."""
        ahead, right = _ahead_right(unknown[:2] - self.cars, self.courses + unknown[3])
        ahead = np.maximum(ahead, _NEAREST_M)
        heights = np.log(self.focal_px * self.size_m / ahead) + unknown[2] - np.log(self.heights)
        rights = self.focal_px * right / ahead - self.rights
        priors = unknown[2] / self.scale_error, unknown[3] / self.yaw_error
        return np.concatenate(
            [heights * self.heights / self.box_error_px, rights / self.box_error_px, priors]
        )

    def guess(self) -> FloatArray:
        """By similar triangles, from the largest box."""
        i = int(np.argmax(self.heights))
        ahead = self.focal_px * self.size_m / self.heights[i]
        right = ahead * self.rights[i] / self.focal_px
        sin, cos = np.sin(self.courses[i]), np.cos(self.courses[i])
        east, north = self.cars[i] + (ahead * sin + right * cos, ahead * cos - right * sin)
        return np.array([east, north, 0.0, 0.0])


def _solved(scene: _Scene) -> tuple[FloatArray, FloatArray]:
    """The unknowns that fit best, by Gauss and Newton, and their covariance."""
    unknown, steps = scene.guess(), np.array([1e-3, 1e-3, 1e-5, 1e-6])
    for _ in range(_TURNS):
        residuals = scene.residuals(unknown)
        slopes = [
            (scene.residuals(unknown + step) - scene.residuals(unknown - step)) / (2 * step.sum())
            for step in np.diag(steps)
        ]
        jacobian = np.stack(slopes, axis=1)
        change = np.linalg.lstsq(jacobian, -residuals, rcond=None)[0]
        reach = float(np.hypot(*change[:2]))
        unknown = unknown + change * min(1.0, 20 / max(reach, 1e-9))
        if reach < 1e-4:
            break
    return unknown, np.linalg.pinv(jacobian.T @ jacobian)


def _ahead_right(from_car: FloatArray, courses: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(V, 2) east and north as metres ahead and to the right of cars on these courses, in radians."""
    sin, cos = np.sin(courses), np.cos(courses)
    return from_car[:, 0] * sin + from_car[:, 1] * cos, from_car[:, 0] * cos - from_car[:, 1] * sin


def _east_north(origin: Fix, fix: Fix) -> tuple[float, float]:
    metres = float(earth.distance_m(origin.lat, origin.lon, fix.lat, fix.lon))
    bearing = float(np.radians(earth.bearing_deg(origin.lat, origin.lon, fix.lat, fix.lon)))
    return metres * float(np.sin(bearing)), metres * float(np.cos(bearing))
