from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from roadworthy.core.errors import UsageError
from roadworthy.drive.gps import earth
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.track import Track, track_of
from roadworthy.drive.gps.where import SignPlace, View, place_sign

North = Callable[..., list[Fix]]
FOCAL, SIZE = 1000.0, 0.6


@pytest.fixture
def drive(north: North) -> Track:
    """20 m/s north for 5 s, fixes right to a metre."""
    return track_of([replace(fix, accuracy=1.0) for fix in north(*((s, 20 * s) for s in range(6)))])


def place(track: Track, *views: View, size_m: float = SIZE, size_error_m: float = 0.1) -> SignPlace:
    placed = place_sign(track, views, size_m=size_m, size_error_m=size_error_m, focal_px=FOCAL)
    assert placed is not None
    return placed


def view(second: float, sign_north_m: float, sign_right_m: float = -4.0, size_m: float = SIZE) -> View:
    """By similar triangles: the car is 20 m further north each second."""
    ahead = sign_north_m - 20 * second
    return View(film_s=second, height_px=FOCAL * size_m / ahead, right_px=FOCAL * sign_right_m / ahead)


def test_a_sign_50_m_ahead_and_4_m_to_the_left(drive: Track) -> None:
    # From second 0: 0.6 m at 50 m and 1000 px is 12 px high, and 4 m to the left is 80 px left.
    seen = View(film_s=0, height_px=12, right_px=-80)
    assert view(0, 50) == seen
    placed = place(drive, seen)
    there = earth.moved(drive.fixes[0].lat, 145, east_m=-4, north_m=50)
    assert (placed.lat, placed.lon) == pytest.approx(there, abs=1e-8)
    assert placed.right_m == pytest.approx(-4, abs=1e-3)
    assert placed.heading == pytest.approx(0, abs=1e-6)
    # One view: 1/12 by the box, 1/6 by the size, 1/20 by the focal length of 50 m, and 1 m by the car.
    assert placed.error_m == pytest.approx(np.hypot(50 * np.sqrt(1 / 144 + 1 / 36 + 1 / 400), 1), rel=0.05)


def test_going_east_left_is_north() -> None:
    # A degree of longitude at the equator is one of a great circle.
    step = 20 / (np.pi * 6_371_008.8 / 180)
    track = track_of([Fix(lat=0, lon=1 + step * s, film_s=s) for s in range(3)])
    placed = place(track, View(film_s=0, height_px=12, right_px=-80))
    assert (placed.lat, placed.lon) == pytest.approx(earth.moved(0, 1, east_m=50, north_m=4), abs=1e-8)


def test_motion_corrects_a_wrong_size(drive: Track) -> None:
    views = [view(s, 120) for s in np.arange(0, 5, 0.1)]
    placed = place(drive, *views, size_m=0.75, size_error_m=0.2)
    there = earth.moved(drive.fixes[0].lat, 145, east_m=-4, north_m=120)
    assert float(earth.distance_m(*there, placed.lat, placed.lon)) < 0.5
    assert placed.size_m == pytest.approx(SIZE, rel=0.03)
    assert placed.error_m < 2
    assert placed.error_m > 1  # the car's own place is no better


def test_the_error_said_is_the_error_made(drive: Track) -> None:
    generator = np.random.default_rng(1)
    there = earth.moved(drive.fixes[0].lat, 145, east_m=-4, north_m=110)
    ratios = []
    for _ in range(40):
        size = SIZE + generator.normal(0, 0.1)
        noisy = [
            View(
                film_s=s,
                height_px=exact.height_px + generator.normal(),
                right_px=exact.right_px + generator.normal(),
            )
            for s in np.arange(0, 4, 0.2)
            for exact in [view(s, 110, size_m=size)]
        ]
        exact_car = track_of([replace(fix, accuracy=1e-6) for fix in drive.fixes])
        placed = place(exact_car, *noisy)
        ratios.append(float(earth.distance_m(*there, placed.lat, placed.lon)) / placed.error_m)
    assert 0.6 < np.sqrt(np.mean(np.square(ratios))) < 1.3


def test_where_the_car_or_its_course_is_unknown_there_is_no_place(drive: Track) -> None:
    settings = {"size_m": SIZE, "size_error_m": 0.1, "focal_px": FOCAL}
    assert place_sign(drive, [view(9, 300)], **settings) is None
    assert place_sign(drive, [replace(view(0, 50), height_px=0)], **settings) is None
    assert place_sign(drive, [], **settings) is None
    standing = Track(fixes=tuple(replace(fix, course=None) for fix in drive.fixes), placed=True)
    assert place_sign(standing, [view(0, 50)], **settings) is None
    with pytest.raises(UsageError, match="focal_px is 0"):
        place_sign(drive, [view(0, 50)], **settings | {"focal_px": 0})
