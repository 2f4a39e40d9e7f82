"""Where a car is that drives now: fixes as they come, to places, metres and turns, in bounded memory."""

from __future__ import annotations

from collections import deque

from roadworthy.core import notes
from roadworthy.core.errors import DataError
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.track import MAX_GAP_S, Track, track_of
from roadworthy.drive.limits.conditions import Motion
from roadworthy.drive.understanding import has_turned

_LEAST_S = 0.4  # between fixes that are kept: two a second are enough
_WINDOW_S = 120.0  # in which signs are seen and passed; of what was before, metres and turns stay
_SETTLED_S = 3.0  # after which later fixes tell no more whether one was an outlier
_MOST_METRES = 20_000  # fixes: five hours of one a second
_MOST_TURNS = 2000


class Located:
    """The car's place by the fixes that have come so far; its seconds are the drive's."""

    def __init__(self) -> None:
        self._recent: deque[Fix] = deque()
        self._track: Track | None = None
        self._settled_s: float | None = None
        self._metres: deque[tuple[float, float]] = deque(maxlen=_MOST_METRES)
        self._turns: deque[float] = deque(maxlen=_MOST_TURNS)

    def add(self, fix: Fix) -> None:
        """One fix more, with `film_s`; those of less than 0.4 s after the last are left out.

        Raises DataError for one that is not after those before.
        """
        assert fix.film_s is not None
        if self._recent and (last_s := self._recent[-1].film_s) is not None:
            if fix.film_s <= last_s:
                raise DataError(f"the fix is of {fix.film_s:g} s, not after the one before ({last_s:g} s)")
            if fix.film_s - last_s < _LEAST_S - 1e-6:
                return
        self._recent.append(fix)
        while (self._recent[0].film_s or 0.0) < fix.film_s - _WINDOW_S:
            self._recent.popleft()
        self._track = None
        self._settle(fix.film_s - _SETTLED_S)
        if has_turned(self.track, max(self._turns, default=None)):
            self._turns.append(fix.film_s)

    @property
    def track(self) -> Track | None:
        """The last two minutes; None before the first fix."""
        if self._track is None and self._recent:
            with notes.aloud(lambda note: None):  # what is left out would be said anew with each fix
                self._track = track_of(self._recent)
        return self._track

    def at(self, time_s: float) -> Fix | None:
        """Where the car is at a second of the drive, or was up to 5 s before; None where nobody knows."""
        if self.track is None:
            return None
        last, last_s = self.track.fixes[-1], float(self.track.seconds[-1])
        return last if last_s <= time_s <= last_s + MAX_GAP_S else self.track.at(time_s)

    def motion(self) -> Motion:
        """Metres driven and turns so far."""
        return Motion(travelled=tuple(self._metres), turns=tuple(self._turns))

    def _settle(self, until_s: float) -> None:
        """Count the metres up to a second, which is as good as known."""
        track = self.track
        assert track is not None
        for second in track.seconds:
            if second > until_s:
                return
            if self._settled_s is None:
                self._metres.append((float(second), 0.0))
            elif second > self._settled_s:
                driven = self._metres[-1][1] + track.driven_m(self._settled_s, float(second))
                self._metres.append((float(second), driven))
            else:
                continue
            self._settled_s = float(second)
