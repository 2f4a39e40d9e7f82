"""Threads for small and for large work, so that neither waits for the other and clients take turns."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
_Job = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Lane:
    """So many threads, and a queue for each client; whose turn it is goes round.

    A client with a thousand pictures delays another's one by a single picture a thread.  To be used within
    one event loop.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free = threads
        self._queues: OrderedDict[str, deque[_Job]] = OrderedDict()
        self.waiting = 0

    async def run(self, function: Callable[[], T], client: str) -> T:
        """What the function returns, run in a thread; given up, it is not begun."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(client, deque()).append((function, future))
        self.waiting += 1
        self._start()
        return await future

    def close(self) -> None:
        """Begin nothing more; what is under way ends by itself."""
        for queue in self._queues.values():
            for _, future in queue:
                future.cancel()
        self._queues.clear()
        self.waiting = 0
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> None:
        while self._free and self._queues:
            client, queue = next(iter(self._queues.items()))
            function, future = queue.popleft()
            self.waiting -= 1
            if queue:
                self._queues.move_to_end(client)
            else:
                del self._queues[client]
            if future.done():  # nobody waits for it any more
                continue
            self._free -= 1
            asyncio.get_running_loop().run_in_executor(self._pool, function).add_done_callback(
                lambda done, future=future: self._ended(done, future)  # type: ignore[misc]
            )

    def _ended(self, done: asyncio.Future[Any], future: asyncio.Future[Any]) -> None:
        self._free += 1
        error = None if done.cancelled() else done.exception()
        if not future.done():
            if done.cancelled():
                future.cancel()
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(done.result())
        self._start()
