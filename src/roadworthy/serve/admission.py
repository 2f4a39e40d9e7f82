"""How much the service works on at once: bytes as they come, pictures until they are answered."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from roadworthy.core.errors import RoadworthyError

_RECENT_S = 2.0  # over which the rate is averaged, about


class NoRoomError(RoadworthyError):
    """So much is under way that another request must come back later."""

    def __init__(self, waiting: str, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"{waiting} are waiting; try again in {retry_after_s:.0f} s")


class NoBytesError(NoRoomError):
    """So many bytes are under way."""

    def __init__(self, under_way: int) -> None:
        super().__init__(f"{under_way / 1e6:,.0f} MB of pictures", 1.0)


class ByteBudget:
    """Room for the bytes of bodies that have come and are not answered yet; within one event loop.

    most: in all.  No client holds more than half of it, so that one cannot keep the others out.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_client: Counter[str] = Counter()

    @contextmanager
    def held(self, client: str) -> Iterator[Callable[[int], None]]:
        """A function that makes room for so many bytes more, until the block ends.

        It raises NoBytesError where there is none.
        """
        mine = 0

        def more(count: int) -> None:
            nonlocal mine
            if self.under_way + count > self._most or 2 * (self._by_client[client] + count) > self._most:
                raise NoBytesError(self.under_way)
            self._by_client[client] += count
            mine += count

        try:
            yield more
        finally:
            self._by_client[client] -= mine
            if not self._by_client[client]:
                del self._by_client[client]

    @property
    def under_way(self) -> int:
        """Bytes in all."""
        return self._by_client.total()


class AdmissionControl:
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
            raise NoRoomError(
                f"{self.under_way:,} pictures", max(1.0, self.under_way / pace) if pace else 1.0
            )

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
