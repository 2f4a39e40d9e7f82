"""How many pictures the service works on at once, from before they are decoded until they are answered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from roadworthy.errors import RoadworthyError

_RECENT_S = 2.0  # over which the rate is averaged, about


class NoRoomError(RoadworthyError):
    """So many pictures are under way that another request must come back later."""

    def __init__(self, under_way: int, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"{under_way:,} pictures are waiting; try again in {retry_after_s:.0f} s")


class Room:
    """Room for `limit` pictures; to be used within one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rate = 0.0  # pictures a second, lately
        self._since = time.monotonic()
        self._answered = 0
        self.under_way = 0

    def check(self, count: int = 1) -> None:
        """Raises NoRoomError where `count` more pictures have none; costs next to nothing."""
        if self.under_way + count > self._limit:
            pace = self._pace()
            raise NoRoomError(self.under_way, max(1.0, self.under_way / pace) if pace else 1.0)

    @contextmanager
    def take(self, count: int) -> Iterator[None]:
        """Room for all of a request's pictures while they are worked on.  Raises NoRoomError, taking none."""
        self.check(count)
        self.under_way += count
        try:
            yield
        finally:
            self.under_way -= count
            self._answered += count

    def _pace(self) -> float:
        """Pictures a second, 0 where that is not known yet."""
        passed = time.monotonic() - self._since
        if passed > _RECENT_S:
            self._rate = self._answered / passed
            self._since, self._answered = time.monotonic(), 0
        return self._rate
