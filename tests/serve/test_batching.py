"""Pictures of several requests answered together: none lost, none swapped."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.serve.batching import Batcher


def numbered(*numbers: int) -> list[ByteArray]:
    return [np.full((2, 2, 3), number, dtype=np.uint8) for number in numbers]


def echo(images: ByteArray) -> FloatArray:
    """The number that each picture shows."""
    return images[:, 0, 0, :1].astype(np.float32)


def test_each_request_gets_its_own_answers_in_order() -> None:
    sizes = []

    def classify(images: ByteArray) -> FloatArray:
        sizes.append(len(images))
        return echo(images)

    async def run() -> list[FloatArray]:
        batcher = Batcher(classify, size=8, wait_s=0.01)
        requests = [numbered(*range(i, i + 3)) for i in range(0, 120, 3)]
        answers = await asyncio.gather(*(batcher.logits(request) for request in requests))
        await batcher.close()
        return answers

    answers = asyncio.run(run())
    assert [answer[:, 0].tolist() for answer in answers] == [[i, i + 1, i + 2] for i in range(0, 120, 3)]
    assert sum(sizes) == 120
    assert max(sizes) == 8  # together, and never more than asked for


def test_what_nobody_waits_for_is_not_computed() -> None:
    seen: list[int] = []
    go = threading.Event()

    def slow(images: ByteArray) -> FloatArray:
        go.wait(5)
        seen.extend(images[:, 0, 0, 0].tolist())
        return echo(images)

    async def run() -> None:
        batcher = Batcher(slow, size=1, wait_s=0.0)
        first = asyncio.create_task(batcher.logits(numbered(1)))
        await asyncio.sleep(0.05)
        gone = asyncio.create_task(batcher.logits(numbered(2)))
        last = asyncio.create_task(batcher.logits(numbered(3)))
        await asyncio.sleep(0)
        gone.cancel()
        go.set()
        await asyncio.gather(first, last)
        await batcher.close()

    asyncio.run(run())
    assert seen == [1, 3]


def test_an_error_is_the_answer_of_its_batch_and_the_next_ones_go_on() -> None:
    def touchy(images: ByteArray) -> FloatArray:
        if images.max() == 13:
            raise RuntimeError("thirteen")
        return echo(images)

    async def run() -> None:
        batcher = Batcher(touchy, size=1, wait_s=0.0)
        with pytest.raises(RuntimeError, match="thirteen"):
            await batcher.logits(numbered(13))
        assert (await batcher.logits(numbered(7)))[0, 0] == 7
        await batcher.close()

    asyncio.run(run())


def test_closing_answers_what_waits() -> None:
    async def run() -> list[FloatArray]:
        batcher = Batcher(echo, size=2, wait_s=0.02)
        tasks = [asyncio.create_task(batcher.logits(numbered(i))) for i in range(5)]
        await asyncio.sleep(0)
        await batcher.close()
        return await asyncio.gather(*tasks)

    assert [answer[0, 0] for answer in asyncio.run(run())] == [0, 1, 2, 3, 4]
