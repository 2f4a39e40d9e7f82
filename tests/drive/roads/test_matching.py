"""The limit that a map knows along a drive, against a drive that is known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from roadworthy.drive.gps.earth import moved
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.track import Track, track_of
from roadworthy.drive.limits.machine import MapLimit
from roadworthy.drive.roads.matching import map_limits
from roadworthy.drive.roads.road import Road

HOME = (-37.8, 144.9)


def at(east_m: float, north_m: float) -> tuple[float, float]:
    return moved(*HOME, east_m=east_m, north_m=north_m)


def drive(*places: tuple[float, float]) -> Track:
    """One fix a second at places in metres east and north."""
    began = datetime(2026, 7, 1, tzinfo=UTC)
    fixes = [
        Fix(lat=lat, lon=lon, time=began + timedelta(seconds=i), film_s=float(i))
        for i, (lat, lon) in enumerate(at(*place) for place in places)
    ]
    return track_of(fixes)


def north(seconds: int, *, east_m: float = 0.0, speed: float = 15.0) -> Track:
    return drive(*((east_m, speed * second) for second in range(seconds)))


def road(name: str, limit: int | None, *points: tuple[float, float], against: int | None = -1) -> Road:
    line = np.array([at(*point) for point in points])
    return Road(name=name, line=line, along=limit, against=limit if against == -1 else against)


def test_limits_change_where_roads_do() -> None:
    roads = [road("way/1", 60, (0, -50), (0, 300)), road("way/2", 80, (0, 300), (0, 900))]
    found = map_limits(roads, north(40, east_m=4), 40.0)
    assert [(one.limit, one.event) for one in found] == [(60, "map:way/1"), (80, "map:way/2")]
    # Both roads are equally near where they meet, so for a second the map says nothing.
    assert found[0].to_s == pytest.approx(20, abs=1)
    assert 0 <= found[1].from_s - found[0].to_s <= 2
    assert (found[0].from_s, found[1].to_s) == (0, 40)


def test_each_direction_has_its_limit() -> None:
    one = [road("way/1", 80, (0, -50), (0, 900), against=60)]
    south = drive(*((0, 600 - 15 * second) for second in range(30)))
    assert {part.limit for part in map_limits(one, north(30), 30.0)} == {80}
    assert {part.limit for part in map_limits(one, south, 30.0)} == {60}
    one_way = [road("way/1", 80, (0, -50), (0, 900), against=None)]
    assert not map_limits(one_way, south, 30.0)


def test_roads_that_cross_or_lie_apart_do_not_count() -> None:
    crossing = road("way/2", 100, (-200, 150), (200, 150))
    far = road("way/3", 100, (40, -50), (40, 900))
    assert not map_limits([crossing, far], north(30), 30.0)


def test_a_road_beside_of_another_limit_leaves_it_unknown() -> None:
    own, beside = road("way/1", 60, (0, -50), (0, 900)), road("way/2", 100, (6, -50), (6, 900))
    assert not map_limits([own, beside], north(30, east_m=3), 30.0)
    alike = road("way/2", 60, (6, -50), (6, 900))
    assert {one.limit for one in map_limits([own, alike], north(30, east_m=3), 30.0)} == {60}


def test_places_of_a_table_count_nearby_and_by_heading() -> None:
    def place(heading: float | None) -> Road:
        return Road(name="line 2", line=np.array([at(10, 225)]), along=40, against=40, heading=heading)

    (part,) = map_limits([place(None)], north(30), 30.0)
    assert part == MapLimit(from_s=13.0, to_s=18.0, limit=40, event="map:line 2")
    assert map_limits([place(10)], north(30), 30.0)
    assert not map_limits([place(180)], north(30), 30.0)


def test_where_the_place_is_unknown_the_map_says_nothing() -> None:
    track = drive(*((0, 15 * second) for second in range(10)))
    (part,) = map_limits([road("way/1", 60, (0, -50), (0, 2000))], track, 60.0)
    assert (part.from_s, part.to_s) == (0, 10)


def test_a_long_straight_road_is_near_all_along() -> None:
    (part,) = map_limits([road("way/1", 110, (0, -5000), (0, 5000))], north(100, speed=30), 100.0)
    assert (part.from_s, part.to_s, part.limit) == (0, 100, 110)
