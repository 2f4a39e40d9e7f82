"""Pictures of several requests answered together, in batches that do not wait long."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray

Classify = Callable[[ByteArray], FloatArray]


class Batcher:
    """Gathers pictures for a network; to be used within one event loop.

    classify: (B, S, S, 3) uint8 -> (B, C), called in a thread, one batch at a time.
    size: pictures in a batch.  wait_s: how long the first picture of a batch waits for others.
    How many may wait is not its business (see `admission`).
    """

    def __init__(self, classify: Classify, *, size: int, wait_s: float) -> None:
        self._classify, self._size, self._wait_s = classify, size, wait_s
        self._waiting: deque[tuple[ByteArray, asyncio.Future[FloatArray]]] = deque()
        self._come, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="classify")
        self._task = asyncio.create_task(self._run())

    async def logits(self, images: Sequence[ByteArray]) -> FloatArray:
        """(N, C) for N pictures, in their order."""
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
