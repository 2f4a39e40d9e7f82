"""How far and how fast a drive went, from whatever tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from roadworthy.core.arrays import FloatArray
from roadworthy.core.errors import DataError
from roadworthy.drive.gps.track import Track
from roadworthy.drive.kpi.drive_file import Stretch

Source = Literal["gps", "speed", "time"]
_APART_S = 0.0015
_LOST = 0.05  # of a film that a track may not know and still tell its distances
_LOST_S = 2.0  # so much it may lack in any case: fixes come once a second and end before the film


@dataclass(frozen=True, kw_only=True, eq=False)
class Travelled:
    """Metres along a drive.

    source: `gps`, or `speed` (as drive.toml gives it), or `time` where neither is known; then `metres` are
    all nan.  seconds, metres: (K,) of the film, rising, and how far the car had come.
    speeds: (K - 1,) km/h between them; nan where unknown.
    """

    source: Source
    seconds: FloatArray
    metres: FloatArray
    speeds: FloatArray

    def metres_at(self, seconds: FloatArray | float) -> FloatArray:
        """How far the car had come; nan without any source."""
        return np.asarray(np.interp(seconds, self.seconds, self.metres))

    def speeds_at(self, seconds: FloatArray) -> FloatArray:
        """Km/h; nan where unknown."""
        place = np.searchsorted(self.seconds, seconds, side="right") - 1
        return np.asarray(self.speeds[place.clip(0, len(self.speeds) - 1)])


def travelled(length_s: float, stretches: Sequence[Stretch] = (), track: Track | None = None) -> Travelled:
    """How far a film of `length_s` seconds went: by its track, else by the speeds of its stretches.

    A track serves if it knows at least 95 % of the film, or all but 2 s; speeds, if all of it has one.
    Raises DataError for a track that is not set on the film's time.
    """
    if track is not None:
        if not track.placed:
            raise DataError(
                "the track is not set on the film's time; give drive.toml a start and a time_zone"
            )
        if length_s - _known_s(track, length_s) <= max(_LOST * length_s, _LOST_S):
            return _by_track(track, length_s)
    return _by_speed(length_s, stretches)


def _known_s(track: Track, length_s: float) -> float:
    def within(from_s: float, to_s: float) -> float:
        return max(0.0, min(to_s, length_s) - max(from_s, 0.0))

    lost = sum(within(*gap) for gap in track.gaps())
    return within(float(track.seconds[0]), float(track.seconds[-1])) - lost


def _by_track(track: Track, length_s: float) -> Travelled:
    inner = track.seconds[(track.seconds > 0) & (track.seconds < length_s)]
    seconds = np.concatenate([[0.0], inner, [length_s]])
    metres = np.array([track.driven_m(0.0, float(second)) for second in seconds])
    return Travelled(source="gps", seconds=seconds, metres=metres, speeds=_speeds(seconds, metres))


def _by_speed(length_s: float, stretches: Sequence[Stretch]) -> Travelled:
    told = [stretch for stretch in stretches if stretch.speed_kmh is not None and stretch.from_s < length_s]
    seconds = np.unique([0.0, length_s, *(s for x in told for s in (x.from_s, x.to_s) if s < length_s)])
    speeds = np.full(len(seconds) - 1, np.nan)
    for stretch in told:
        own = (seconds[:-1] >= stretch.from_s) & (seconds[1:] <= stretch.to_s + _APART_S)
        speeds[own] = stretch.speed_kmh
    untold = np.isnan(speeds) & (np.diff(seconds) > _APART_S)
    if untold.any():
        return Travelled(source="time", seconds=seconds, metres=np.full(len(seconds), np.nan), speeds=speeds)
    steps = np.nan_to_num(speeds) / 3.6 * np.diff(seconds)
    return Travelled(
        source="speed", seconds=seconds, metres=np.concatenate([[0.0], np.cumsum(steps)]), speeds=speeds
    )


def _speeds(seconds: FloatArray, metres: FloatArray) -> FloatArray:
    took = np.diff(seconds)
    speeds: FloatArray = np.full(len(took), np.nan)
    np.divide(np.diff(metres) * 3.6, took, out=speeds, where=took > 0)
    return speeds
