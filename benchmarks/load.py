"""The service under load: open loop, on this machine's loopback, bounded in time and requests.

    python benchmarks/load.py [MODEL.onnx] [--seconds 20] [--requests 200000]

capacity   as many clients as keep it busy, each asking again once it is answered
rates      a half, all, and four times of that, requests leaving on time whether or not others were answered:
           answered, told to come back (429, 503), lost; milliseconds at the median and the 99th percentile
swapped    every answer is held to what the network says of that picture when asked directly
memory     of the server, before and after --requests requests (0 leaves this out)
stop       SIGTERM under load: every request that was accepted is answered
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from roadworthy import api
from roadworthy.config import DataConfig
from roadworthy.data.open import open_splits
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.onnx import packaged

CLIENTS, CONNECTIONS, PICTURES = 64, 900, 40
ADDRESSES = 9  # that the connections come from, as they would from as many machines
IDLE_S = 5.0  # a connection that was not used for longer is not used again: the service closes it after 10 s


@dataclass
class Tally:
    """What came of a number of requests."""

    sent: int = 0
    answered: int = 0
    later: int = 0
    lost: int = 0
    swapped: int = 0
    ms: list[float] = field(default_factory=list)

    def row(self, name: str, seconds: float) -> str:
        """As a line of the table."""
        p50, p99 = (np.quantile(self.ms, q) if self.ms else float("nan") for q in (0.5, 0.99))
        rate = self.answered / seconds
        return (
            f"| {name} | {self.sent:,} | {self.answered:,} ({rate:,.0f}/s) | {self.later:,} | {self.lost} | "
            f"{self.swapped} | {p50:.1f} | {p99:.1f} |"
        )


class Client:
    """Connections that are used again and again."""

    def __init__(self, port: int, bodies: list[bytes], expected: list[str]) -> None:
        self._port, self._bodies, self._expected = port, bodies, expected
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter, float]] = []
        self._may = asyncio.Semaphore(CONNECTIONS)
        self._opened = 0

    async def ask(self, number: int, tally: Tally) -> None:
        """One request; what comes of it goes into the tally."""
        tally.sent += 1
        begun = time.perf_counter()
        which = number % len(self._bodies)
        try:
            status, body = await self._post(self._bodies[which])
        except (OSError, asyncio.IncompleteReadError, ValueError):
            tally.lost += 1
            return
        if status == 200:
            tally.answered += 1
            tally.ms.append(1e3 * (time.perf_counter() - begun))
            tally.swapped += json.loads(body)["results"][0]["predicted"] != self._expected[which]
        elif status in (429, 503):
            tally.later += 1
        else:
            tally.lost += 1

    async def _post(self, picture: bytes) -> tuple[int, bytes]:
        async with self._may:
            reader, writer = await self._connection()
            try:
                writer.write(
                    b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(picture) + picture
                )
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
            except BaseException:
                writer.close()
                raise
            self._free.append((reader, writer, time.perf_counter()))
            return int(head[9:12]), body

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The one used last; a new one where none is fresh."""
        while self._free:
            reader, writer, used = self._free.pop()
            if time.perf_counter() - used < IDLE_S:
                return reader, writer
            writer.close()
        self._opened += 1
        source = f"127.0.0.{2 + self._opened % ADDRESSES}"
        return await asyncio.open_connection("127.0.0.1", self._port, local_addr=(source, 0))


async def closed_loop(client: Client, seconds: float) -> Tally:
    """So many clients, each asking again once it is answered."""
    tally, end = Tally(), time.perf_counter() + seconds

    async def one(first: int) -> None:
        number = first
        while time.perf_counter() < end:
            await client.ask(number, tally)
            number += CLIENTS

    await asyncio.gather(*(one(i) for i in range(CLIENTS)))
    return tally


async def open_loop(client: Client, rate: float, seconds: float) -> Tally:
    """Requests that leave on time, whether or not others were answered."""
    tally, begun = Tally(), time.perf_counter()
    tasks = set()
    for number in range(int(rate * seconds)):
        late = begun + number / rate - time.perf_counter()
        if late > 0:
            await asyncio.sleep(late)
        task = asyncio.create_task(client.ask(number, tally))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return tally


async def measure(server: subprocess.Popen[bytes], port: int, asked: argparse.Namespace, model: Path) -> None:
    bodies, expected = pictures(model)
    client = Client(port, bodies, expected)
    await closed_loop(client, 2)
    print("| load | requests | answered | told to come back | lost | swapped | p50 ms | p99 ms |")
    print("|---|---|---|---|---|---|---|---|")
    tally = await closed_loop(client, asked.seconds)
    capacity = tally.answered / asked.seconds
    print(tally.row(f"{CLIENTS} clients", asked.seconds), flush=True)
    for share in (0.5, 1.0, 4.0):
        tally = await open_loop(client, share * capacity, asked.seconds)
        print(tally.row(f"{share:g} times {capacity:,.0f}/s", asked.seconds), flush=True)
    if asked.requests:
        before, done = megabytes(server.pid), 0
        while done < asked.requests:
            done += (await closed_loop(client, 10)).answered
        print(
            f"\nmemory {before:.0f} MB, after {done:,} more requests {megabytes(server.pid):.0f} MB",
            flush=True,
        )
    tally = Tally()
    tasks = [asyncio.create_task(client.ask(i, tally)) for i in range(CLIENTS)]
    await asyncio.sleep(0.02)
    server.send_signal(signal.SIGTERM)
    await asyncio.gather(*tasks)
    print(
        f"\nSIGTERM with {CLIENTS} requests under way: {tally.answered} answered, {tally.later} told to come "
        f"back, {tally.lost} lost"
    )


def pictures(model: Path) -> tuple[list[bytes], list[str]]:
    """PNG files of 64 px that show drawn signs, and what the network says of each."""
    config = DataConfig(spec="rendered:au+de?per_class=1&seed=7")
    images = open_splits(config, InputSpec(size=64)).train.images
    bodies = []
    for row in np.random.default_rng(0).permutation(len(images))[:PICTURES]:
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(images[row])).save(buffer, "PNG")
        bodies.append(buffer.getvalue())
    said = list(api.load(model).predict(bodies))
    print(f"{len(said)} pictures, {sum(row.accepted is False for row in said)} of them not sure\n")
    return bodies, [row.predicted for row in said]


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", default=packaged())
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--requests", type=int, default=200_000)
    asked = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "roadworthy", "serve", str(asked.model), "--port", str(port)]
    cores = sorted(os.sched_getaffinity(0))
    # The clients get a core of their own: what they take must not count against the service.
    os.sched_setaffinity(0, cores[1:] or cores)
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    os.sched_setaffinity(server.pid, cores[:1])
    try:
        for _ in range(300):
            with socket.socket() as there:
                if there.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        asyncio.run(measure(server, port, asked, asked.model))
        print(f"it ended with exit code {server.wait(60)}")
    finally:
        server.kill()


if __name__ == "__main__":
    main()
