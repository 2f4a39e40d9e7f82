import math

import pytest

from roadworthy.drive.gps import earth

DEGREE_M = math.pi * 6_371_008.8 / 180


def test_distances_and_bearings_worked_by_hand() -> None:
    assert float(earth.distance_m(-37, 145, -38, 145)) == pytest.approx(DEGREE_M)
    assert float(earth.distance_m(0, 179.5, 0, -179.5)) == pytest.approx(DEGREE_M)
    assert float(earth.distance_m(-37, 145, -37, 145)) == 0
    assert [float(earth.bearing_deg(0, 0, *to)) for to in ((1, 0), (0, 1), (-1, 0), (0, -1))] == [
        0,
        90,
        180,
        270,
    ]


def test_moving_goes_as_far_and_in_the_direction_asked() -> None:
    lat, lon = earth.moved(-37, 179.9999, east_m=30, north_m=40)
    assert lon < -179
    assert float(earth.distance_m(-37, 179.9999, lat, lon)) == pytest.approx(50, abs=1e-6)
    assert float(earth.bearing_deg(-37, 179.9999, lat, lon)) == pytest.approx(
        math.degrees(math.atan2(3, 4)), abs=1e-3
    )
    assert earth.moved(-37, 145, east_m=0, north_m=0) == pytest.approx((-37, 145))


def test_between_lies_on_the_great_circle() -> None:
    # Half-way along 60 N over 90 degrees: the great circle bulges to atan(tan 60 / cos 45) = 67.79 N.
    lat, lon = earth.between((60, 0), (60, 90), 0.5)
    assert (lat, lon) == pytest.approx((math.degrees(math.atan(math.sqrt(3) / math.cos(math.pi / 4))), 45))
    assert earth.between((0, 179), (0, -179), 0.75) == pytest.approx((0, -179.5))
    assert earth.between((1, 2), (1, 2), 0.3) == (1, 2)


def test_turns_go_the_short_way() -> None:
    assert [float(earth.turn_deg(a, b)) for a, b in ((350, 10), (10, 350), (0, 90))] == [20, -20, 90]
