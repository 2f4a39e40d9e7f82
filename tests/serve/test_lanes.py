import asyncio
import threading
import time

import pytest

from roadworthy.serve.lanes import Lane


def test_results_and_errors_come_back() -> None:
    async def main() -> None:
        lane = Lane(2, "test")
        assert await lane.run(lambda _: 3, "a") == 3
        with pytest.raises(ZeroDivisionError):
            await lane.run(lambda _: 1 / 0, "a")
        assert lane.waiting == 0
        lane.close()

    asyncio.run(main())


def test_clients_take_turns() -> None:
    async def main() -> list[str]:
        lane, order, go = Lane(1, "test"), list[str](), threading.Event()
        first = asyncio.ensure_future(lane.run(lambda _: go.wait(), "a"))
        many = [asyncio.ensure_future(lane.run(lambda _: order.append("a"), "a")) for _ in range(5)]
        few = [asyncio.ensure_future(lane.run(lambda _: order.append("b"), "b")) for _ in range(2)]
        await asyncio.sleep(0)
        assert lane.waiting == 7
        go.set()
        await asyncio.gather(first, *many, *few)
        lane.close()
        return order

    assert asyncio.run(main()) == ["a", "b", "a", "b", "a", "a", "a"]


def test_as_many_at_once_as_there_are_threads() -> None:
    now, most, lock = 0, 0, threading.Lock()

    def work(_: object) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1

    async def main() -> None:
        lane = Lane(3, "test")
        await asyncio.gather(*(lane.run(work, f"client {i % 4}") for i in range(30)))
        lane.close()

    asyncio.run(main())
    assert most == 3


def test_what_was_given_up_is_not_begun() -> None:
    async def main() -> bool:
        lane, go, begun = Lane(1, "test"), threading.Event(), threading.Event()
        first = asyncio.ensure_future(lane.run(lambda _: go.wait(), "a"))
        second = asyncio.ensure_future(lane.run(lambda _: begun.set(), "a"))
        await asyncio.sleep(0)
        second.cancel()
        go.set()
        await first
        assert await lane.run(lambda _: 7, "b") == 7
        lane.close()
        return begun.is_set()

    assert not asyncio.run(main())


def test_closed_it_begins_nothing_more() -> None:
    async def main() -> None:
        lane, go = Lane(1, "test"), threading.Event()
        first = asyncio.ensure_future(lane.run(lambda _: go.wait(), "a"))
        second = asyncio.ensure_future(lane.run(lambda _: 1, "a"))
        await asyncio.sleep(0)
        lane.close()
        with pytest.raises(asyncio.CancelledError):
            await second
        go.set()
        assert await first

    asyncio.run(main())
