from __future__ import annotations

import numpy as np
import pytest

from roadworthy.core.arrays import FloatArray
from roadworthy.core.errors import UsageError
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.motion import offset_by_motion
from roadworthy.drive.gps.track import Track, track_of


def speeds_of(seconds: int, seed: int) -> FloatArray:
    """Metres a second of a drive with traffic lights, one value a second."""
    generator, speed, aim = np.random.default_rng(seed), 0.0, 15.0
    speeds = []
    for _ in range(seconds):
        if generator.random() < 0.04:
            aim = float(generator.choice([0, 8, 14, 17, 22]))
        speed += float(np.clip(aim - speed, -2.5, 1.8))
        speeds.append(max(speed, 0.0))
    return np.array(speeds)


def track_with(speeds: FloatArray) -> Track:
    return track_of(
        Fix(lat=-37 + metres / 111_195, lon=145, film_s=float(s), speed=float(speed))
        for s, (speed, metres) in enumerate(zip(speeds, np.cumsum(speeds), strict=True))
    )


@pytest.mark.parametrize("kind", ["flow", "moving"])
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_the_offset_is_found(kind: str, seed: int) -> None:
    speeds = speeds_of(900, seed)
    film = speeds[200:800]
    noise = np.random.default_rng(seed).gamma(4, 0.25, film.size)
    motion = film * noise + 1 if kind == "flow" else film > 0.5
    offset = offset_by_motion(track_with(speeds), motion)
    assert offset is not None
    # The film's first value stands for 0 to 1 s, and is the speed at the track's second 200.
    assert offset.offset_s == pytest.approx(-199.5, abs=1)
    assert offset.sure
    assert 0 <= offset.error_s < 10


def test_a_film_longer_than_the_track_and_unknown_seconds() -> None:
    speeds = speeds_of(900, 4)
    motion = speeds.copy()
    motion[100:130] = np.nan
    offset = offset_by_motion(track_with(speeds[200:500]), motion)
    assert offset is not None
    assert offset.sure
    assert offset.offset_s == pytest.approx(200, abs=1.5)


def test_another_drive_is_not_sure() -> None:
    others = [offset_by_motion(track_with(speeds_of(600, s)), speeds_of(300, s + 50)) for s in range(20, 32)]
    assert sum(offset is not None and offset.sure for offset in others) <= 1


def test_one_stop_is_not_enough() -> None:
    speeds = np.full(300, 15.0)
    speeds[100:130] = 0
    offset = offset_by_motion(track_with(speeds), speeds[50:250] > 1)
    assert offset is not None
    assert offset.offset_s == pytest.approx(-50, abs=2)
    assert not offset.sure


def test_what_cannot_be_compared_is_none() -> None:
    track = track_with(speeds_of(300, 5))
    assert offset_by_motion(track, [1.0] * 100) is None  # nothing changes
    assert offset_by_motion(track, [1.0, 2.0] * 10) is None  # 20 s
    assert offset_by_motion(track, []) is None
    for seconds in (1, 2, 3, 59):
        assert offset_by_motion(track_with(speeds_of(seconds + 1, 1)), [1.0, 2.0]) is None
        assert offset_by_motion(track_with(speeds_of(seconds + 1, 1)), [1.0]) is None
        assert offset_by_motion(track_with(speeds_of(seconds + 1, 1)), [1.0, 2.0] * 100) is None
    assert offset_by_motion(track, speeds_of(300, 5), window=(5000, 6000)) is None
    with pytest.raises(UsageError, match="least offset comes first"):
        offset_by_motion(track, [1.0], window=(2, 1))
    with pytest.raises(UsageError, match="one number for each hop"):
        offset_by_motion(track, [[1.0]])  # type: ignore[list-item]


def test_a_window_and_hops_of_half_a_second() -> None:
    speeds = speeds_of(600, 6)
    motion = np.repeat(speeds[100:400], 2)
    offset = offset_by_motion(track_with(speeds), motion, hop_s=0.5, window=(-150, -50))
    assert offset is not None
    assert offset.offset_s == pytest.approx(-100, abs=1)
