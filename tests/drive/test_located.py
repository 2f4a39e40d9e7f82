"""A car's fixes as they come: what is known of it is what the whole track would say."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.core.errors import DataError
from roadworthy.drive import located as module
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.track import track_of
from roadworthy.drive.located import Located
from roadworthy.drive.understanding import motion_of

LAT, LON = -37.8, 145.0
METRE = 1 / 111_195  # degrees of latitude


def drive(seconds: int, *, course_said: bool = True, turn_at: int = 10_000, speed: float = 20.0) -> list[Fix]:
    """North, and from a second on east."""
    fixes, north, east = [], 0.0, 0.0
    for second in range(seconds):
        turned = second >= turn_at
        fixes.append(
            Fix(
                lat=LAT + north * METRE,
                lon=LON + east * METRE / np.cos(np.radians(LAT)),
                film_s=float(second),
                speed=speed,
                course=(90.0 if turned else 0.0) if course_said else None,
                accuracy=3.0,
            )
        )
        north, east = (north, east + speed) if turned else (north + speed, east)
    return fixes


@pytest.mark.parametrize("course_said", [True, False])
def test_metres_and_turns_are_those_of_the_whole_track(course_said: bool) -> None:
    fixes, car = drive(400, course_said=course_said, turn_at=200), Located()
    for fix in fixes:
        car.add(fix)
    whole, live = motion_of(track_of(fixes)), car.motion()
    assert len(live.turns) == len(whole.turns) == 1
    assert live.turns[0] == pytest.approx(whole.turns[0], abs=2)
    assert len(live.travelled) == 397  # what is of the last 3 s may still prove wrong
    assert np.array(live.travelled) == pytest.approx(np.array(whole.travelled[:397]), rel=1e-6)


def test_an_outlier_neither_adds_metres_nor_turns() -> None:
    fixes, car = drive(60), Located()
    fixes[30] = Fix(lat=LAT + 1, lon=LON, film_s=30.0, speed=20.0, course=180.0, accuracy=3.0)
    for fix in fixes:
        car.add(fix)
    assert car.motion().turns == ()
    assert car.motion().metres_at(50.0) == pytest.approx(1000, rel=1e-3)


def test_a_place_holds_for_five_seconds_and_is_not_invented_after() -> None:
    car = Located()
    assert car.at(0.0) is None
    for fix in drive(10):
        car.add(fix)
    assert car.at(8.5).lat == pytest.approx(LAT + 170 * METRE, abs=1e-7)
    assert car.at(12.0).lat == pytest.approx(LAT + 180 * METRE)
    assert car.at(14.5) is None


def test_fixes_out_of_order_are_refused_and_too_many_left_out() -> None:
    car = Located()
    for tenth in range(30):
        car.add(Fix(lat=LAT, lon=LON, film_s=tenth / 10))
    assert [float(s) for s in car.track.seconds] == pytest.approx([0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8])
    with pytest.raises(DataError, match=r"fix is of 2\.8 s, not after the one before \(2\.8 s\)"):
        car.add(Fix(lat=LAT, lon=LON, film_s=2.8))


def test_memory_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WINDOW_S", 20.0)
    car = Located()
    for fix in drive(200):
        car.add(fix)
    assert len(car.track.fixes) == 21
    assert car._metres.maxlen == 20_000
    assert car.motion().metres_at(190.0) == pytest.approx(3800, rel=1e-3)
