"""Threads for small and for large work, so that neither waits for the other and clients take turns."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
Check = Callable[[], None]
_Job = tuple[Callable[[Check], Any], "asyncio.Future[Any]"]


class GivenUpError(Exception):
    """Nobody waits for the work any more."""


class Lane:
    """So many threads, and a queue for each client; whose turn it is goes round.

    A client with a thousand pictures delays another's one by a single picture a thread.  To be used within
    one event loop.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free, self._closed = threads, False
        self._queues: OrderedDict[str, deque[_Job]] = OrderedDict()
        self.waiting = 0

    async def run(self, function: Callable[[Check], T], client: str) -> T:
        """What the function returns, run in a thread; given up, it is not begun.

        It is handed a function to call now and then, which ends it by GivenUpError once nobody waits.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(client, deque()).append((function, future))
        self.waiting += 1
        self._start()
        return await future

    def close(self) -> None:
        """Begin nothing more; what is under way ends when it next looks whether it should."""
        self._closed = True
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

            def check(future: asyncio.Future[Any] = future) -> None:
                if self._closed or future.done():
                    raise GivenUpError

            work = partial(function, check)
            asyncio.get_running_loop().run_in_executor(self._pool, work).add_done_callback(
                partial(self._ended, future)
            )

    def _ended(self, future: asyncio.Future[Any], done: asyncio.Future[Any]) -> None:
        self._free += 1
        error = None if done.cancelled() else done.exception()
        if not future.done():
            if done.cancelled() or isinstance(error, GivenUpError):
                future.cancel()
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(done.result())
        self._start()
