"""Pictures of several requests answered together: a bounded queue, and batches that do not wait long."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from roadworthy.errors import RoadworthyError
from roadworthy.inputs import ByteArray, FloatArray

Classify = Callable[[ByteArray], FloatArray]


class QueueFullError(RoadworthyError):
    """So many pictures wait that another request must come back later."""

    def __init__(self, waiting: int, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"{waiting:,} pictures are waiting; try again in {retry_after_s:.0f} s")


class Batcher:
    """Gathers pictures for a network; to be used within one event loop.

    classify: (B, S, S, 3) uint8 -> (B, C), called in a thread, one batch at a time.
    size: pictures in a batch.  wait_s: how long the first picture of a batch waits for others.
    limit: pictures that may wait; a request's are taken together or not at all.
    """

    def __init__(self, classify: Classify, *, size: int, wait_s: float, limit: int) -> None:
        self._classify, self._size, self._wait_s, self._limit = classify, size, wait_s, limit
        self._waiting: deque[tuple[ByteArray, asyncio.Future[FloatArray]]] = deque()
        self._come, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="classify")
        self._rate = 0.0  # pictures a second, lately
        self._task = asyncio.create_task(self._run())

    @property
    def waiting(self) -> int:
        """Pictures that wait now."""
        return len(self._waiting)

    async def logits(self, images: Sequence[ByteArray]) -> FloatArray:
        """(N, C) for N pictures, in their order.  Raises QueueFullError where there is no room for them."""
        if len(self._waiting) + len(images) > self._limit:
            raise QueueFullError(len(self._waiting), max(1.0, len(self._waiting) / max(self._rate, 1.0)))
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[FloatArray]] = [loop.create_future() for _ in images]
        self._waiting.extend(zip(images, futures, strict=True))
        self._idle.clear()
        self._come.set()
        try:
            return np.stack(await asyncio.gather(*futures))
        finally:
            for future in futures:
                future.cancel()  # those of a request that was given up are not computed

    async def close(self) -> None:
        """Answer all that wait, then stop."""
        await self._idle.wait()
        self._task.cancel()
        self._pool.shutdown(wait=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._come.wait()
            if len(self._waiting) < self._size and self._wait_s:
                await asyncio.sleep(self._wait_s)
            batch = self._next()
            if batch:
                begun = time.perf_counter()
                try:
                    stacked = np.stack([image for image, _ in batch])
                    answers = await loop.run_in_executor(self._pool, self._classify, stacked)
                except Exception as error:  # whatever it is, it is those requests' answer, and the rest go on
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(error)
                else:
                    for (_, future), answer in zip(batch, answers, strict=True):
                        if not future.done():
                            future.set_result(answer)
                    self._rate = len(batch) / max(time.perf_counter() - begun, 1e-6)
            if not self._waiting:
                self._come.clear()
                self._idle.set()

    def _next(self) -> list[tuple[ByteArray, asyncio.Future[FloatArray]]]:
        """The next batch, without what nobody waits for any more."""
        batch: list[tuple[ByteArray, asyncio.Future[FloatArray]]] = []
        while self._waiting and len(batch) < self._size:
            image, future = self._waiting.popleft()
            if not future.done():
                batch.append((image, future))
        return batch
