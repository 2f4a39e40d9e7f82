"""Connections against a real server: idle ones, slow ones, many of one address, clients that do not read."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

uvicorn = pytest.importorskip("uvicorn", reason="needs roadworthy[serve]")

from roadworthy.serve.connections import ConnectionLimits, Connections, LimitedProtocol  # noqa: E402

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
LARGE = 20_000_000


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    body = b"x" * LARGE if scope["path"] == "/large" else b"hello"
    head = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def serving(**limits: Any) -> AsyncIterator[tuple[int, Connections]]:
    usual = {
        "most": 20,
        "most_per_address": 10,
        "head_bytes": 2000,
        "head_timeout_s": 20,
        "write_timeout_s": 20,
    }
    connections = Connections(ConnectionLimits(**{**usual, **limits}))
    config = uvicorn.Config(
        app,
        port=0,
        http=partial(LimitedProtocol, among=connections),
        log_level="error",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1], connections
    finally:
        server.should_exit = True
        await task


async def connect(port: int, source: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))


async def ask(port: int, source: str = "127.0.0.1", request: bytes = GET) -> bytes:
    reader, writer = await connect(port, source)
    writer.write(request)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)
    writer.close()
    return head


def test_a_request_is_answered_and_the_connection_goes_on() -> None:
    async def main() -> None:
        async with serving(head_timeout_s=0.3) as (port, connections):
            reader, writer = await connect(port)
            for _ in range(3):
                writer.write(GET)
                assert b"200 OK" in await reader.readuntil(b"hello")
            writer.write(GET + GET)  # one after the other, without waiting
            assert b"200 OK" in await reader.readuntil(b"hello")
            assert b"200 OK" in await reader.readuntil(b"hello")
            await asyncio.sleep(0.5)  # it waits as keep-alive allows, longer than for a head
            writer.write(GET)
            assert b"200 OK" in await reader.readuntil(b"hello")
            assert len(connections) == 1
            writer.close()
            await asyncio.sleep(0.1)
            assert len(connections) == 0

    asyncio.run(main())


@pytest.mark.parametrize("sent", [b"", b"GET / HT", GET[:-2]])
def test_a_head_that_does_not_come_ends_the_connection(sent: bytes) -> None:
    async def main() -> None:
        async with serving(head_timeout_s=0.3) as (port, _):
            reader, writer = await connect(port)
            writer.write(sent)
            begun = time.monotonic()
            said = await asyncio.wait_for(reader.read(), 5)
            assert 0.2 < time.monotonic() - begun < 2
            assert said.startswith(b"HTTP/1.1 408") if sent else said == b""

    asyncio.run(main())


def test_a_head_that_comes_byte_by_byte_ends_the_connection() -> None:
    async def main() -> None:
        async with serving(head_timeout_s=0.5) as (port, _):
            reader, writer = await connect(port)

            async def dawdle() -> None:
                with contextlib.suppress(ConnectionError):
                    while True:
                        writer.write(b"G")
                        await writer.drain()
                        await asyncio.sleep(0.05)

            dawdling = asyncio.ensure_future(dawdle())
            assert (await asyncio.wait_for(reader.read(20), 5)).startswith(b"HTTP/1.1 4")
            dawdling.cancel()

    asyncio.run(main())


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\ny: " + b"z" * 3000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"y: z\r\n" * 500 + b"\r\n",
    ],
)
def test_heads_have_a_limit(request_: bytes) -> None:
    async def main() -> None:
        async with serving() as (port, _):
            assert b" 431 " in await ask(port, request=request_)
            assert b" 431 " in await ask(port, request=request_[:-4])  # whether its end is in sight or not
            fits = GET[:-2] + b"y: " + b"z" * 1800 + b"\r\n\r\n"
            assert b" 200 " in await ask(port, request=fits)
            body = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9000\r\n\r\n" + b"b" * 9000
            assert b" 200 " in await ask(port, request=body)

    asyncio.run(main())


def test_who_only_waits_makes_room() -> None:
    async def main() -> None:
        async with serving(most=8, most_per_address=5) as (port, connections):
            idle = [await connect(port, f"127.0.0.{i}") for i in range(2, 10)]
            assert len(connections) == 8
            for _ in range(20):  # nobody is turned away for their sake
                assert b" 200 " in await ask(port)
            assert connections.refused == 0
            assert await asyncio.wait_for(idle[0][0].read(), 5) == b""  # the oldest had to go
            mine = [await connect(port, "127.0.0.20") for _ in range(7)]
            await asyncio.sleep(0.1)
            assert sum(reader.at_eof() for reader, _ in mine) == 2  # of its own
            for _, writer in (*idle, *mine):
                writer.close()

    asyncio.run(main())


def test_where_all_work_another_is_told_to_come_back() -> None:
    async def main() -> None:
        async with serving(most=3, most_per_address=2) as (port, connections):
            halves = [await connect(port, source) for source in ("127.0.0.2", "127.0.0.2", "127.0.0.3")]
            for _, writer in halves:
                writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\na")
            await asyncio.sleep(0.2)
            assert b" 503 " in await ask(port)
            assert connections.refused == 1
            for reader, writer in halves:
                writer.write(b"b")
                assert b" 200 " in await reader.readuntil(b"\r\n")
            assert b" 200 " in await ask(port)
            for _, writer in halves:
                writer.close()

    asyncio.run(main())


def test_who_is_turned_away_can_read_why_after_sending_a_request() -> None:
    def post(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
            time.sleep(0.1)  # it has been refused by now, and does not know
            one.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n")
            time.sleep(0.1)
            one.sendall(b"ab")
            return one.recv(1000)

    async def main() -> None:
        async with serving(most=1, most_per_address=1) as (port, connections):
            _, busy = await connect(port)
            busy.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\na")
            await asyncio.sleep(0.1)
            assert b" 503 " in await asyncio.to_thread(post, port)
            await asyncio.sleep(0.1)
            assert connections.lingering == 0
            busy.close()

    asyncio.run(main())


def test_who_stays_after_being_turned_away_is_closed() -> None:
    async def main() -> None:
        async with serving(most=1, most_per_address=1) as (port, connections):
            _, busy = await connect(port)
            busy.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\na")
            await asyncio.sleep(0.1)
            stays = [await connect(port) for _ in range(5)]
            await asyncio.sleep(0.2)
            assert connections.lingering == 5
            await asyncio.sleep(1.5)
            assert connections.lingering == 0
            for _, writer in (*stays, (None, busy)):
                writer.close()

    asyncio.run(main())


def test_who_does_not_read_an_answer_is_not_waited_for() -> None:
    async def main() -> None:
        async with serving(write_timeout_s=0.5) as (port, connections):
            _, writer = await connect(port)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
            await asyncio.sleep(0.2)
            assert len(connections) == 1
            await asyncio.sleep(1)
            assert len(connections) == 0
            writer.close()

    asyncio.run(main())


def test_who_reads_slowly_gets_the_whole_answer() -> None:
    async def main() -> None:
        async with serving(write_timeout_s=1) as (port, _):
            reader, writer = await connect(port)
            writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            got = 0
            while part := await reader.read(300_000):  # over two seconds, longer than the limit
                got += len(part)
                await asyncio.sleep(0.02)
            assert got > LARGE
            writer.close()

    asyncio.run(main())
