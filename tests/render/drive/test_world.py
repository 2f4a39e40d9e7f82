"""The road of a drive and its signs: lawful, varied, and as many as promised."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from roadworthy.render.drive import DriveSettings
from roadworthy.render.drive.road import KINDS
from roadworthy.render.drive.world import World, make_world

SEEDS = range(6)


@cache
def world(seed: int, km: float = 5.0, kmh: float | None = None) -> World:
    return make_world(DriveSettings(km=km, seed=seed, fps=5, kmh=kmh))


@pytest.mark.parametrize("seed", SEEDS)
def test_stretches_follow_each_other_lawfully(seed: int) -> None:
    stretches = world(seed).road.stretches
    assert stretches[0].from_m == 0
    assert stretches[-1].to_m > 5300
    for one, after in pairwise(stretches):
        assert one.to_m == after.from_m
        assert after.kind in one.road.follows
        assert abs(one.limit - after.limit) <= 50
        assert after.limit in after.road.limits


def test_limits_are_varied() -> None:
    limits = {stretch.limit for seed in SEEDS for stretch in world(seed).road.stretches}
    assert limits == {40, 50, 60, 70, 80, 90, 100, 110}
    assert all(len({s.limit for s in world(seed).road.stretches}) >= 3 for seed in SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_at_least_five_signs_a_kilometre_about_half_of_them_limits(seed: int) -> None:
    signs = [sign for sign in world(seed).signing.signs if sign.metres < 5000]
    limits = [sign for sign in signs if sign.sign.startswith(("speed-", "end-"))]
    assert len(signs) >= 25
    assert 0.4 < len(limits) / len(signs) < 0.75


def test_signs_stand_beside_the_road_and_hang_above_it() -> None:
    for seed in SEEDS:
        for sign in world(seed).signing.signs:
            road = world(seed).road.stretch_at(sign.metres).road
            if sign.side == "above":
                assert sign.bottom >= 5.5
            elif sign.carried is None:
                assert 2.0 <= sign.bottom <= 2.5
                beside = sign.across < road.left or sign.across > road.right
                assert beside or sign.across == pytest.approx(road.middle)


def test_what_is_not_for_this_car_says_why() -> None:
    signs = [sign for seed in SEEDS for sign in world(seed).signing.signs]
    assert {sign.why for sign in signs if not sign.counts} >= {
        "turned to the side road",
        "beside an exit",
        "for trucks alone",
        "on a bus; it moves with the traffic",
        "on a trailer; it moves with the traffic",
    }
    assert all(bool(sign.why) != sign.counts for sign in signs)
    kinds = {place.kind for seed in SEEDS for place in world(seed).signing.places}
    assert kinds == {"side-road", "exit", "gantry", "school", "works"}


def test_school_zones_say_their_hours_and_works_end() -> None:
    signs = [sign for seed in SEEDS for sign in world(seed).signing.signs]
    schools = [sign for sign in signs if sign.zone == "school"]
    assert schools
    assert all("08:00-09:30" in sign.plates for sign in schools)
    works = sum(place.kind == "works" for seed in SEEDS for place in world(seed).signing.places)
    assert sum(sign.sign == "end-road-works" for sign in signs) == works


@pytest.mark.parametrize("seed", SEEDS)
def test_the_car_moves_on_at_lawful_speeds(seed: int) -> None:
    motion = world(seed).motion
    assert (np.diff(motion.metres) > 0).all()
    assert motion.speed.max() <= 110 / 3.6
    assert motion.speed.min() >= 35 / 3.6
    steps = np.diff(motion.metres) * motion.fps
    assert steps == pytest.approx((motion.speed[:-1] + motion.speed[1:]) / 2, rel=0.05)
    assert motion.metres[-1] == pytest.approx(5000, abs=12)


def test_a_speed_that_is_asked_for_is_kept() -> None:
    motion = world(1, 2.0, 90.0).motion
    assert motion.speed * 3.6 == pytest.approx(np.full(len(motion), 90.0))
    assert all(min(KINDS[s.kind].limits) - 15 <= 90 for s in world(1, 2.0, 90.0).road.stretches)


def test_the_road_is_as_long_as_its_metres() -> None:
    road = world(2).road
    steps = np.hypot(np.diff(road.east), np.diff(road.north))
    assert steps == pytest.approx(np.ones(len(steps)))
    left, right = road.place(700, -3.0), road.place(700, 4.0)
    assert np.hypot(left[0] - right[0], left[1] - right[1]) == pytest.approx(7.0)


def test_lights_cover_the_film_without_gaps() -> None:
    lights = world(3).lights
    assert lights[0].from_s == 0
    assert lights[-1].to_s == pytest.approx(world(3).motion.duration_s)
    assert all(one.to_s == after.from_s for one, after in pairwise(lights))
    assert {part.weather for seed in SEEDS for part in world(seed).lights} == {"dry", "rain"}
