"""A track on a film's time: clocks that agree, that are off by seconds or a zone, and that tell nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from roadworthy.core.arrays import FloatArray
from roadworthy.core.notes import aloud
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.placing import began_by, placed_on_film
from roadworthy.drive.gps.track import Track

BEGAN = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)
SECONDS = 400
MELBOURNE = ZoneInfo("Australia/Melbourne")


def speeds() -> FloatArray:
    """Of a drive between traffic lights."""
    random, values = np.random.default_rng(1), list[float]()
    while len(values) < SECONDS:
        top, drives, stands = random.uniform(8, 18), int(random.integers(15, 45)), int(random.integers(3, 20))
        values += [min(top, 2.0 * s, 2.0 * (drives - s)) for s in range(drives)] + [0.0] * stands
    return np.array(values[:SECONDS])


SPEEDS = speeds()


def track() -> Track:
    """With the receiver's clock, which is right."""
    fixes = [
        Fix(lat=-37.8 + float(m) / 111_195, lon=145.0, time=BEGAN + timedelta(seconds=s), speed=float(v))
        for s, (m, v) in enumerate(zip(np.cumsum(SPEEDS), SPEEDS, strict=True))
    ]
    return Track(fixes=tuple(fixes), placed=False)


def placed(
    began: datetime | None, change: FloatArray | None = None, zone: ZoneInfo | None = None
) -> tuple[Track | None, list[str]]:
    said: list[str] = []
    motion = np.full(SECONDS, np.nan) if change is None else change
    with aloud(said.append):
        found = placed_on_film(
            track(), "t.gpx", began=began, zone=zone, until_s=float(SECONDS), change=motion
        )
    return found, said


def test_clocks_that_agree_are_believed_in_silence() -> None:
    found, said = placed(BEGAN, SPEEDS + 1)
    assert (found.seconds[0], said) == (0.0, [])
    assert began_by(found) == BEGAN


@pytest.mark.parametrize("late_s", [-40.0, 7.0, 60.0])
def test_a_clock_that_is_off_by_seconds_is_found_and_said(late_s: float) -> None:
    """The film's clock: what the film shows at its zero happened at BEGAN."""
    found, said = placed(BEGAN + timedelta(seconds=late_s), SPEEDS + 1)
    assert found.seconds[0] == pytest.approx(0.0, abs=1.0)
    assert began_by(found).timestamp() == pytest.approx(BEGAN.timestamp(), abs=1.0)
    (note,) = said
    told = re.fullmatch(r"the clocks .* differ by (.*) s, by the motion .*; t\.gpx was moved by (.*) s", note)
    assert float(told[1]) == pytest.approx(abs(late_s), abs=1.0)
    assert float(told[2]) == pytest.approx(late_s, abs=1.0)


def test_another_motion_does_not_move_what_the_clocks_say() -> None:
    found, said = placed(BEGAN + timedelta(seconds=7), np.random.default_rng(3).uniform(0, 1, SECONDS))
    assert (found.seconds[0], said) == (-7.0, [])


def test_local_time_that_a_camera_wrote_as_utc_is_read_as_such() -> None:
    local = BEGAN.astimezone(MELBOURNE).replace(tzinfo=UTC)
    found, said = placed(local, zone=MELBOURNE)
    assert found.seconds[0] == 0.0
    assert said == ["the film's clock was read as local time (Australia/Melbourne), for so it fits t.gpx"]
    assert began_by(found) == BEGAN


def test_a_track_of_another_day_is_left_out_and_said() -> None:
    found, said = placed(BEGAN + timedelta(days=1), zone=MELBOURNE)
    assert found is None
    assert began_by(found) is None
    assert "do not overlap" in said[0]
    assert "places and distances are left out" in said[1]


def test_without_a_films_clock_motion_places_it() -> None:
    found, said = placed(None, SPEEDS[50:] + 1)
    assert found.seconds[0] == pytest.approx(-50, abs=1)
    assert "set on the film's time by its motion" in said[0]
