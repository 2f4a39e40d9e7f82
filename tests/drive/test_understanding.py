"""From trails to events and limits, as often as one likes, under one rule or another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.track import Track, track_of
from roadworthy.drive.limits.regions import region_named
from roadworthy.drive.meaning import MeaningRule, Scene
from roadworthy.drive.reading import ReadingRule
from roadworthy.drive.seen import Seen, Trail
from roadworthy.drive.understanding import motion_of, turns_of, understand

CLASSES = ("speed-50", "speed-60")
RULE = ReadingRule(classes=CLASSES, temperature=1.0, rejection=None, sure=0.5)
SCENE = Scene(width=1280, height=720)
REGION = region_named("au-vic")


def passing(sign: str, *, at_s: float, seconds: float = 2.0, right: float = -4.0) -> Trail:
    """A sign that is passed at so many seconds, seen at 15 frames a second for so long before."""
    logits = np.where(np.array(CLASSES) == sign, 6.0, 0.0).astype(np.float32)
    seen = []
    for frame in range(round((at_s - seconds) * 15), round(at_s * 15) - 3):
        depth = 20.0 * (at_s - frame / 15)
        x, y, half = 640 + 1000 * right / depth, 360 - 1200 / depth, 350 / depth
        box = (x - half, y - half, x + half, y + half)
        seen.append(Seen(frame=frame, time_s=frame / 15, box=box, logits=logits, score=0.9))
    return Trail(number=round(at_s), seen=tuple(seen))


def course(degrees: list[float]) -> Track:
    """A fix each second."""
    return track_of(
        Fix(lat=-37.0 + 1e-4 * s, lon=145.0, film_s=float(s), speed=12.0, course=float(c))
        for s, c in enumerate(degrees)
    )


def test_limits_follow_from_the_signs_passed() -> None:
    understood = understand(
        [passing("speed-50", at_s=12.0), passing("speed-60", at_s=5.0)], RULE, SCENE, REGION, end_s=20.0
    )
    assert [(event.event, event.sign) for event in understood.events] == [
        ("e0001", "speed-60"),
        ("e0002", "speed-50"),
    ]
    assert [trail.number for _, trail in understood.found] == [5, 12]
    sixty, fifty = understood.limits[-2:]
    assert (sixty.limit, sixty.event, fifty.limit, fifty.event) == (60, "e0001", 50, "e0002")
    assert fifty.from_s == pytest.approx(12.0, abs=0.1)
    assert fifty.to_s == 20.0


def test_a_stricter_rule_leaves_the_limit_unknown() -> None:
    trails = [passing("speed-60", at_s=5.0)]
    strict = understand(trails, replace(RULE, frames=100), SCENE, REGION, end_s=9.0)
    assert [event.accepted for event in strict.events] == [False]
    assert all(row.limit is None or row.state != "limit" for row in strict.limits)
    aside = understand(trails, RULE, SCENE, REGION, end_s=9.0, meaning=MeaningRule(limit_far=3.0))
    assert [event.counts for event in aside.events] == [False]
    short = understand(trails, RULE, SCENE, REGION, end_s=9.0, meaning=MeaningRule(at_least=100))
    assert short.events == ()


def test_a_turn_is_a_change_of_course_within_seconds_and_is_told_once() -> None:
    assert turns_of(course([0] * 10 + [30, 60, 90] + [90] * 30)) == [11.0]
    assert turns_of(course([350] * 10 + [10] * 30)) == []
    assert turns_of(course(list(np.linspace(0, 90, 40)))) == []  # a long bend
    assert turns_of(course([0] * 10 + [90] * 30 + [180] * 20)) == [10.0, 40.0]


def test_motion_has_the_metres_driven() -> None:
    motion = motion_of(course([0] * 11))
    assert motion.travelled[0][1] == 0
    assert motion.travelled[-1] == (10.0, pytest.approx(111.2, abs=0.3))
    assert list(motion.turns) == []
