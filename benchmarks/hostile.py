"""The service under people who mean it harm, or whose programs do: beside an older build in the same run.

    python benchmarks/hostile.py [connections] [beside] [pictures] [reloads] [--against COMMIT]

connections  2,000 that send nothing and 500 that send a byte a second, from several addresses: what becomes
             of 1,000 requests of somebody else, and how much is logged in a minute
beside       a crop every 50 ms, while two and four others keep finding signs in frames and one sends forms of
             64 large pictures: what becomes of the crops
pictures     40 shapes, depths and formats, each with and without find, to a service that only just began:
             its memory at most, seconds, and what it said
reloads      300, of files that change, while crops are asked for: memory, threads, failures

Everything on this machine's loopback, bounded in number and time.  --against also runs the service as it was
at COMMIT (a worktree of its own, removed afterwards); its pictures are left out, since some exhaust it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

IDLE, DAWDLING, REQUESTS, RELOADS = 2000, 500, 1000, 300
ADDRESSES = 20  # that the idle and the dawdling come from
USER = "127.0.0.99"
ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def serving(
    build: Path, *arguments: str, log: Path | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The service of a build, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "roadworthy", "serve", *arguments, "--port", str(port)]
    with (log or Path(os.devnull)).open("wb") as said:
        server = subprocess.Popen(
            command, stderr=said, env={**os.environ, "PYTHONPATH": str(build / "src")}, cwd=build
        )
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                if get(port, "/readyz")[0] == 200:
                    break
            time.sleep(0.1)
        yield server, port
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(90)
        except subprocess.TimeoutExpired:
            server.kill()


def get(port: int, path: str, source: str = "127.0.0.1") -> tuple[int, bytes]:
    return ask(port, "GET", path, source=source)


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    *,
    source: str = "127.0.0.1",
    timeout: float = 30,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout, source_address=(source, 0))
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def crop() -> bytes:
    return encoded(np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8), "PNG")


def encoded(pixels: np.ndarray | Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


# -- connections


def connections(build: Path) -> str:
    """One row: what a thousand requests of somebody else come to, before and beside the hoarders."""
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "log"
        with serving(build, log=log) as (server, port):
            requests(port, 100)
            before = requests(port, REQUESTS)
            with hoarders(port):
                time.sleep(2)
                begun, size = time.monotonic(), log.stat().st_size
                beside = requests(port, REQUESTS)
                time.sleep(max(0.0, 30 - (time.monotonic() - begun)))
                minutes = (time.monotonic() - begun) / 60
                own = 250 * REQUESTS  # a line for each answered request is asked for, and left out
                logged = (log.stat().st_size - size - own) / 1e6 / minutes
            return (
                f"{REQUESTS - len(beside)} | {quantile(before):.1f} | {quantile(beside):.1f} | "
                f"{max(0.0, logged):.2f} | {megabytes(server.pid):.0f}"
            )


def requests(port: int, count: int) -> list[float]:
    """Milliseconds of the requests that were answered, one after the other."""
    took, body = [], crop()
    for _ in range(count):
        begun = time.perf_counter()
        with contextlib.suppress(OSError, http.client.HTTPException):
            if ask(port, "POST", "/v1/predict", body, source=USER, timeout=5)[0] == 200:
                took.append(1e3 * (time.perf_counter() - begun))
    return took


@contextlib.contextmanager
def hoarders(port: int) -> Iterator[None]:
    """Connections that are opened anew as soon as the service closes them, a few hundred a second at most."""
    stop = threading.Event()

    async def one(number: int, dawdles: bool) -> None:
        source = f"127.0.0.{2 + number % ADDRESSES}"
        while not stop.is_set():
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
                try:
                    if dawdles:
                        writer.write(b"POST /v1/predict HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n")
                        while not stop.is_set() and not reader.at_eof():
                            writer.write(b"x")
                            await asyncio.sleep(1)
                    else:
                        await reader.read()
                finally:
                    writer.close()
            await asyncio.sleep(5)

    async def all_of_them() -> None:
        tasks = []
        for number in range(IDLE + DAWDLING):
            tasks.append(asyncio.ensure_future(one(number, number >= IDLE)))
            if number % 50 == 0:
                await asyncio.sleep(0.05)
        while not stop.is_set():
            await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(all_of_them()))
    thread.start()
    time.sleep(6)
    try:
        yield
    finally:
        stop.set()
        thread.join()


def quantile(took: list[float], q: float = 0.99) -> float:
    return float(np.quantile(took, q)) if took else float("nan")


# -- beside others


def beside(build: Path) -> Iterator[str]:
    """A row for each company: what a user's crops come to, sent one every 50 ms for 20 s."""
    frame = encoded(
        np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), dtype=np.uint8), "JPEG", quality=60
    )
    large = encoded(Image.new("RGB", (3000, 2000)), "PNG")
    companies = {
        "nobody": [],
        "two who find": [FIND] * 2,
        "four who find": [FIND] * 4,
        "one with forms": [FORM],
    }
    for name, paths in companies.items():
        with serving(build) as (_, port), company(port, paths, frame, large):
            answers = crops_every_50_ms(port)
        took = [ms for status, ms in answers if status == 200]
        slow = sum(ms > 500 for _, ms in answers)
        later = sum(status == 429 for status, _ in answers)
        lost = len(answers) - len(took) - later
        yield (
            f"{name} | {len(answers)} | {len(took)} | {later} | {lost} | {quantile(took, 0.5):.0f} | "
            f"{quantile(took):.0f} | {slow}"
        )


FIND, FORM = "/v1/predict?find=true", "/v1/predict"


@contextlib.contextmanager
def company(port: int, paths: list[str], frame: bytes, large: bytes) -> Iterator[None]:
    """Others, each from an address of its own, who ask again as soon as they are answered."""
    stop = threading.Event()

    def one(number: int, path: str) -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                ask(
                    port,
                    "POST",
                    path,
                    frame if path == FIND else form([large] * 64),
                    headers={} if path == FIND else {"content-type": "multipart/form-data; boundary=part"},
                    source=f"127.0.0.{20 + number}",
                    timeout=60,
                )

    threads = [threading.Thread(target=one, args=pair, daemon=True) for pair in enumerate(paths)]
    for thread in threads:
        thread.start()
    time.sleep(3 if threads else 0)
    try:
        yield
    finally:
        stop.set()


def form(files: list[bytes]) -> bytes:
    head = b'--part\r\ncontent-disposition: form-data; name="images"; filename="%d.png"\r\n\r\n'
    return b"".join(head % i + data + b"\r\n" for i, data in enumerate(files)) + b"--part--\r\n"


def crops_every_50_ms(port: int, count: int = 400) -> list[tuple[int, float]]:
    """Status (0 where there was none) and milliseconds of each, sent whether or not others were answered."""
    body = crop()

    def one(number: int) -> tuple[int, float]:
        time.sleep(max(0.0, begun + number * 0.05 - time.perf_counter()))
        asked, status = time.perf_counter(), 0
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, _ = ask(port, "POST", "/v1/predict", body, source=USER, timeout=60)
        return status, 1e3 * (time.perf_counter() - asked)

    begun = time.perf_counter()
    with ThreadPoolExecutor(64) as pool:
        return list(pool.map(one, range(count)))


# -- pictures


def worst_pictures() -> dict[str, bytes]:
    """Small files that are large pictures, or odd ones; all of them are valid."""
    made: dict[str, Callable[[], bytes]] = {}
    for width, height in ((20_000, 1), (1, 20_000), (100_000, 1), (1, 60_000), (30_000, 30), (8000, 8000)):
        made[f"PNG grey {width} x {height}"] = lambda w=width, h=height: encoded(
            np.full((h, w), 128, np.uint8), "PNG"
        )
    for mode, kind in (("1", "PNG"), ("P", "PNG"), ("LA", "PNG"), ("RGBA", "PNG"), ("RGB", "PNG")):
        made[f"{kind} {mode} 64 megapixels"] = lambda m=mode, k=kind: encoded(Image.new(m, (8000, 8000)), k)
    for dtype in (np.uint16, np.int32, np.float32):
        made[f"TIFF {np.dtype(dtype).name} 64 megapixels"] = lambda d=dtype: encoded(
            np.full((8000, 8000), 100, d), "TIFF", compression="tiff_lzw"
        )
        made[f"TIFF {np.dtype(dtype).name} 48 megapixels"] = lambda d=dtype: encoded(
            np.full((6000, 8000), 100, d), "TIFF", compression="tiff_lzw"
        )
    made["PNG 16 bit 64 megapixels"] = lambda: encoded(np.full((8000, 8000), 30_000, np.uint16), "PNG")
    for mode in ("L", "RGB", "CMYK"):
        made[f"JPEG {mode} 64 megapixels"] = lambda m=mode: encoded(Image.new(m, (8000, 8000)), "JPEG")
    made["JPEG progressive 64 megapixels"] = lambda: encoded(
        Image.new("RGB", (8000, 8000)), "JPEG", progressive=True
    )
    made["JPEG with a turn, 48 megapixels"] = lambda: encoded(
        Image.new("RGB", (8000, 6000)), "JPEG", exif=_turned()
    )
    for lossless in (True, False):
        made[f"WEBP {'lossless' if lossless else 'lossy'} 64 megapixels"] = lambda k=lossless: encoded(
            Image.new("RGB", (8000, 8000)), "WEBP", lossless=k, method=0
        )
    made["WEBP alpha 64 megapixels"] = lambda: encoded(
        Image.new("RGBA", (8000, 8000)), "WEBP", lossless=True, method=0
    )
    for mode in ("P", "RGB"):
        made[f"TIFF {mode} tiled strips"] = lambda m=mode: encoded(
            Image.new(m, (8000, 8000)), "TIFF", compression="tiff_deflate"
        )
    made["GIF 4,000 x 4,000, 20 frames"] = lambda: encoded(
        Image.new("P", (4000, 4000)),
        "GIF",
        save_all=True,
        append_images=[Image.new("P", (4000, 4000), i) for i in range(1, 20)],
    )
    made["PNG 200 megapixels"] = lambda: encoded(Image.new("1", (20_000, 10_000)), "PNG")
    made["PNG noise 10 megapixels"] = lambda: encoded(
        np.random.default_rng(0).integers(0, 256, (2600, 3900, 3), dtype=np.uint8), "PNG", compress_level=1
    )
    made["JPEG noise 12 megapixels"] = lambda: encoded(
        np.random.default_rng(0).integers(0, 256, (3000, 4000, 3), dtype=np.uint8), "JPEG", quality=60
    )
    made["BMP 10 megapixels"] = lambda: encoded(Image.new("RGB", (4000, 2600)), "BMP")
    made["PPM 10 megapixels"] = lambda: encoded(Image.new("RGB", (4000, 2600)), "PPM")
    made["PNG grey with a clear level, 64 megapixels"] = lambda: encoded(
        Image.new("L", (8000, 8000)), "PNG", transparency=0
    )
    made["PNG palette with clear entries, 64 megapixels"] = lambda: encoded(
        Image.new("P", (8000, 8000)), "PNG", transparency=b"\0\x80"
    )
    made["PNG 1 x 1"] = lambda: encoded(Image.new("RGB", (1, 1)), "PNG")
    made["PNG 3 x 2,000"] = lambda: encoded(Image.new("RGB", (3, 2000)), "PNG")
    made["PNG half a file"] = lambda: encoded(Image.new("RGB", (2000, 2000)), "PNG")[:-200]
    made["no picture"] = lambda: b"\0" * 1_000_000
    return {name: make() for name, make in made.items()}


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def pictures(build: Path) -> Iterator[str]:
    """A row for each: seconds, memory at most, and what was said, first sight and find."""
    for name, data in worst_pictures().items():
        cells = [f"{name} | {len(data) / 1e6:.2f}"]
        for query in ("", "?find=true"):
            with serving(build) as (server, port):
                begun = time.monotonic()
                try:
                    status, body = ask(port, "POST", f"/v1/predict{query}", data, timeout=60)
                except OSError as error:
                    status, body = 0, str(error).encode()
                took = time.monotonic() - begun
                cells.append(f"{took:.1f} | {peak_megabytes(server.pid):.0f} | {said(status, body)}")
        yield " | ".join(cells)


def said(status: int, body: bytes) -> str:
    with contextlib.suppress(ValueError, KeyError, IndexError):
        answer = json.loads(body)
        if status != 200:
            return f"{status}: {answer['error'][:60]}"
        first = answer["results"][0] if answer["results"] else {"predicted": "no sign found"}
        return str(first.get("error") or first["predicted"])[:60]
    return f"{status} {body[:40]!r}"


# -- reloads


def reloads(build: Path) -> str:
    """One row: what 300 reloads of files that change come to while crops are asked for."""
    with tempfile.TemporaryDirectory() as place:
        model = Path(place) / "m.onnx"
        versions = bundles(Path(place) / "versions")
        put(versions[0], model)
        with serving(build, str(model)) as (server, port):
            requests(port, 200)
            memory, threads = megabytes(server.pid), count_threads(server.pid)
            stop, took, failures = threading.Event(), list[float](), 0

            def keep_asking() -> None:
                while not stop.is_set():
                    took.extend(requests(port, 20))
                    asked.append(20)

            asked: list[int] = []
            user = threading.Thread(target=keep_asking)
            user.start()
            begun = time.monotonic()
            for number in range(RELOADS):
                put(versions[number % len(versions)], model)
                failures += ask(port, "POST", "/v1/reload", b"", timeout=60)[0] != 200
            seconds = time.monotonic() - begun
            stop.set()
            user.join()
            lost = sum(asked) - len(took)
            return (
                f"{seconds:.0f} | {failures} | {lost} of {sum(asked):,} | {memory:.0f} | "
                f"{megabytes(server.pid):.0f} | {threads} | {count_threads(server.pid)}"
            )


def bundles(folder: Path) -> list[Path]:
    """The packaged model, and the same with another temperature: two files that differ."""
    from dataclasses import replace

    from roadworthy.inference.bundle import read_bundle, write_bundle
    from roadworthy.inference.onnx import packaged

    own = packaged()
    assert own is not None
    folders = []
    for number in range(2):
        target = folder / str(number)
        target.mkdir(parents=True)
        for path in (own, own.with_name("crop-find.onnx")):
            bundle = read_bundle(path)
            manifest = replace(bundle.manifest, temperature=bundle.manifest.temperature + number)
            write_bundle(_unsealed(path), manifest, target / path.name)
        folders.append(target)
    return folders


def _unsealed(path: Path) -> bytes:
    import onnx

    model = onnx.load(path)
    del model.metadata_props[:]
    return model.SerializeToString()


def put(version: Path, model: Path) -> None:
    for name in ("crop.onnx", "crop-find.onnx"):
        target = model.with_name(name.replace("crop", model.stem))
        shutil.copy(version / name, target.with_suffix(".new"))
        target.with_suffix(".new").replace(target)


# -- the process


def megabytes(pid: int) -> float:
    return _status(pid, "VmRSS") / 1e3


def peak_megabytes(pid: int) -> float:
    return _status(pid, "VmHWM") / 1e3


def count_threads(pid: int) -> int:
    return int(_status(pid, "Threads"))


def _status(pid: int, name: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return float(next((line.split()[1] for line in lines if line.startswith(f"{name}:")), "nan"))


@contextlib.contextmanager
def builds(against: str) -> Iterator[dict[str, Path]]:
    found = {"this build": ROOT}
    with tempfile.TemporaryDirectory() as place:
        if against:
            subprocess.run(
                ["git", "-C", str(ROOT), "worktree", "add", "--detach", f"{place}/old", against],
                check=True,
                capture_output=True,
            )
            found = {against: Path(place) / "old", **found}
        try:
            yield found
        finally:
            if against:
                subprocess.run(
                    ["git", "-C", str(ROOT), "worktree", "remove", "--force", f"{place}/old"], check=True
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["connections", "beside", "pictures", "reloads"])
    parser.add_argument("--against", default="")
    asked = parser.parse_args()
    with builds(asked.against) as found:
        if "connections" in asked.parts:
            print("| build | lost of 1,000 | p99 ms before | p99 ms beside | log MB a minute | memory MB |")
            print("|---|---|---|---|---|---|")
            for name, build in found.items():
                print(f"| {name} | {connections(build)} |", flush=True)
        if "beside" in asked.parts:
            print("\n| build | beside | crops | answered | 429 | lost | p50 ms | p99 ms | over 500 ms |")
            print("|---|---|---|---|---|---|---|---|---|")
            for name, build in found.items():
                for row in beside(build):
                    print(f"| {name} | {row} |", flush=True)
        if "reloads" in asked.parts:
            print(
                "\n| build | seconds | failed | requests lost | MB before | after | threads before | after |"
            )
            print("|---|---|---|---|---|---|---|---|")
            for name, build in found.items():
                print(f"| {name} | {reloads(build)} |", flush=True)
        if "pictures" in asked.parts:
            print("\n| picture | MB | s | peak MB | said | find: s | peak MB | said |")
            print("|---|---|---|---|---|---|---|---|")
            for row in pictures(ROOT):
                print(f"| {row} |", flush=True)


if __name__ == "__main__":
    main()
