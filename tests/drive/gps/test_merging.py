"""Sightings of several drives become physical signs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from roadworthy.drive.gps import earth
from roadworthy.drive.gps.merging import Sighting, merge_signs


def seen(drive: str, north_m: float, **changes: Any) -> Sighting:
    lat, lon = earth.moved(-37, 145, east_m=0, north_m=north_m)
    facts = {"name": "speed-60", "drive": drive, "film_s": 10, "lat": lat, "lon": lon}
    return Sighting(**{**facts, "error_m": 3, "heading": 350, "side": "left", **changes})


def test_one_sign_of_several_drives_is_one() -> None:
    (sign,) = merge_signs([seen("a", 0, heading=350), seen("b", 6, heading=10), seen("c", 3, heading=0)])
    assert float(earth.distance_m(-37, 145, sign.lat, sign.lon)) == pytest.approx(3, abs=1e-6)
    assert sign.error_m == pytest.approx(3 / np.sqrt(3))
    assert abs(float(earth.turn_deg(0, sign.heading))) < 1e-6
    assert {sighting.drive for sighting in sign.sightings} == {"a", "b", "c"}


def test_the_surer_position_weighs_more() -> None:
    (sign,) = merge_signs([seen("a", 0, error_m=1), seen("b", 5, error_m=2)])
    assert float(earth.distance_m(-37, 145, sign.lat, sign.lon)) == pytest.approx(1, abs=1e-6)


def test_places_that_scatter_more_than_they_say_make_the_error_larger() -> None:
    # 8 m apart, each give or take 2 m: chi squared is 8, of 2 degrees of freedom.
    (sign,) = merge_signs([seen("a", 0, error_m=2), seen("b", 8, error_m=2)])
    assert sign.error_m == pytest.approx(2 / np.sqrt(2) * np.sqrt(8 / 2))


@pytest.mark.parametrize(
    "other",
    [
        seen("b", 3, name="stop"),
        seen("b", 8, name="speed-80"),  # another reading must lie nearer
        seen("b", 3, side="right"),
        seen("b", 3, heading=170),  # of the traffic that comes the other way
        seen("b", 20),
        seen("b", 60, error_m=500),
        seen("a", 3),  # both sides of the road
    ],
)
def test_two_signs_stay_two(other: Sighting) -> None:
    assert len(merge_signs([seen("a", 0), other])) == 2


def test_a_sign_seen_again_after_a_turn_is_the_same() -> None:
    assert len(merge_signs([seen("a", 0), seen("a", 3, film_s=300)])) == 1


def test_the_nearest_are_joined_first() -> None:
    pair = [seen("a", 0), seen("a", 8)]  # two of one drive, and another drive's view of the second
    first, second = merge_signs([*pair, seen("b", 7)])
    assert (len(first.sightings), len(second.sightings)) == (1, 2)


def test_another_reading_of_a_near_sign_is_of_the_same_one() -> None:
    (sign,) = merge_signs(
        [seen("a", 0), seen("b", 2, name="speed-80"), seen("c", 1, name="other-sign", side=None)]
    )
    assert {one.name for one in sign.sightings} == {"speed-60", "other-sign", "speed-80"}
    stop = seen("d", 1, name="stop")
    assert len(merge_signs([*sign.sightings, stop])) == 2  # two classes do not meet in one that was not read


def test_those_of_one_name_are_joined_before_other_readings() -> None:
    signs = merge_signs([seen("a", 0), seen("a", 5, name="speed-80"), seen("b", 4, name="speed-60")])
    assert [[one.name for one in sign.sightings] for sign in signs] == [
        ["speed-60", "speed-60"],
        ["speed-80"],
    ]


def test_a_long_road_of_signs_is_merged_in_no_time() -> None:
    along = [seen(drive, 30 * n, film_s=100 * n) for drive in "abc" for n in range(500)]
    signs = merge_signs(along)
    assert len(signs) == 500
    assert all(len(sign.sightings) == 3 for sign in signs)
