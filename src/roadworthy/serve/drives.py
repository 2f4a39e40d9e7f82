"""The drives that are watched now: how many there may be, and how they end when the service stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from roadworthy.serve.admission import NoRoomError


class Drives:
    """Room for so many drives at once, in all and of one client; to be used within one event loop."""

    def __init__(self, most: int, most_per_client: int) -> None:
        self._most, self._most_per_client = most, most_per_client
        self._by_client: Counter[str] = Counter()
        self._stops: dict[object, Callable[[], None]] = {}
        self._none = asyncio.Event()
        self._none.set()

    def __len__(self) -> int:
        return self._by_client.total()

    def check(self, client: str) -> None:
        """Raises NoRoomError where there is no room for one more."""
        if len(self) >= self._most or self._by_client[client] >= self._most_per_client:
            raise NoRoomError(f"{self._by_client[client]} drives of this client and {len(self)} in all", 10.0)

    @contextmanager
    def held(self, client: str, stop: Callable[[], None]) -> Iterator[None]:
        """A place for a drive.  stop: what ends it early.  Raises NoRoomError."""
        self.check(client)
        key = object()
        self._by_client[client] += 1
        self._stops[key] = stop
        self._none.clear()
        try:
            yield
        finally:
            del self._stops[key]
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]
            if not self._stops:
                self._none.set()

    async def end_all(self, within_s: float) -> None:
        """End all drives, each with its summary, for as long as that may take."""
        for stop in list(self._stops.values()):
            stop()
        try:
            async with asyncio.timeout(within_s):
                await self._none.wait()
        except TimeoutError:  # uvicorn closes what is still open
            return
