"""Decoding once: squares of uint8 in a memory-mapped file that every later run maps again.

A cache file is named after what it holds: every picture's path, size, time of change and box, and how
InputSpec crops and resizes.  Any change gives another name, so nothing stale is ever read.  A file is
written under a temporary name and renamed when complete, so a killed process leaves no broken cache,
and of two processes that write the same file the later one wins.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import queue
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from threading import Thread

import numpy as np
from platformdirs import user_cache_dir

from roadworthy.core.arrays import ByteArray, IntArray
from roadworthy.core.errors import DataError, ImageError
from roadworthy.core.files import aside_name, remove_leftovers
from roadworthy.data.records import Record
from roadworthy.imaging.decode import MAX_PIXELS
from roadworthy.imaging.preprocess import read_square
from roadworthy.imaging.spec import InputSpec

Progress = Callable[[int, int], None]
MAX_CACHE_BYTES = 4_000_000_000
_VERSION = 1  # of the file's layout and of what decoding yields; raise it when either changes
_MAGIC = b"rwpixels"
_SUFFIX = ".pixels"
_CHUNK = 64  # pictures a worker takes at a time
_MANY = 4000  # pictures from which starting processes pays: threads share one lock outside the decoders


@dataclass(frozen=True, kw_only=True)
class Pixels:
    """What `load_pixels` read.

    images: (K, S, S, 3) uint8, read-only, usually memory-mapped.  kept: (K,) the indices of their records, in
    order.  failures: (path, reason) for the others.  note: why nothing was cached, or empty.
    """

    images: ByteArray
    kept: IntArray
    failures: tuple[tuple[str, str], ...]
    note: str = ""


def default_cache_dir() -> Path:
    """The folder that ROADWORTHY_CACHE names, else the user's cache folder."""
    return Path(os.environ.get("ROADWORTHY_CACHE") or user_cache_dir("roadworthy"))


def load_pixels(
    records: Sequence[Record],
    spec: InputSpec,
    *,
    cache_dir: Path | None = None,
    max_pixels: int = MAX_PIXELS,
    skip_unreadable: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
    max_cache_bytes: int = MAX_CACHE_BYTES,
) -> Pixels:
    """All records decoded, cropped and resized as `spec` says, from the cache if it has them.

    workers: None for one per core.  progress(done, total) is called while pictures are decoded.
    If the cache cannot be written, the pictures stay in memory and `note` says why.
    Raises DataError naming the first unreadable files, unless `skip_unreadable`.
    """
    if not records:
        empty = np.zeros((0, spec.size, spec.size, 3), dtype=np.uint8)
        return Pixels(images=empty, kept=np.zeros(0, dtype=np.int64), failures=())
    folder = cache_dir or default_cache_dir()
    path = folder / (_key(records, spec, max_pixels) + _SUFFIX)
    shape = (len(records), spec.size, spec.size, 3)
    decoder = _Decoder(records, spec, max_pixels, workers or os.cpu_count() or 1, progress)
    pixels = _reopen(path, shape)
    if pixels is None or _mended(pixels, records, decoder):
        pixels = _build(path, shape, decoder, max_cache_bytes)
    if pixels.failures and not skip_unreadable:
        raise DataError(unreadable_text(pixels.failures, len(records)))
    return pixels


def unreadable_text(failures: Sequence[tuple[str, str]], total: int) -> str:
    """One line that names the first unreadable files and says what to do."""
    shown = "; ".join(f"{path} {reason}" for path, reason in failures[:3])
    more = f"; and {len(failures) - 3:,} more" if len(failures) > 3 else ""
    return (
        f"{len(failures):,} of {total:,} pictures cannot be read: {shown}{more}. "
        "Repair or remove them, or leave them out with --skip-unreadable"
    )


def _key(records: Sequence[Record], spec: InputSpec, max_pixels: int) -> str:
    digest = hashlib.sha256(f"{_VERSION} {spec.size} {spec.resize} {spec.crop} {max_pixels}".encode())
    seen: dict[str, str] = {}  # several boxes may share a photograph
    for record in records:
        if record.path not in seen:
            seen[record.path] = f"{os.path.abspath(record.path)}\0{file_state(record.path)}"  # noqa: PTH100 - as above
        line = f"{seen[record.path]}\0{record.box}{record.fault}{' in frame' * record.in_frame}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()[:40]


def file_state(path: str) -> str:
    """What tells whether a file has changed: its size and time of change, or that it is missing."""
    try:
        found = os.stat(path)  # noqa: PTH116 - fifty thousand Paths cost as much as the stats themselves
    except OSError:
        return "missing"
    return f"{found.st_size} {found.st_mtime_ns}"


# -- the file: pixels, then JSON (kept, failures, checksum), then the JSON's length and a magic word --


def _reopen(path: Path, shape: tuple[int, ...]) -> Pixels | None:
    """The cache file at `path`, or None where there is none or it is not whole."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(size - 16)
            tail = file.read(16)
            if tail[8:] != _MAGIC:
                raise ValueError("not a cache file, or one cut short")
            length = int.from_bytes(tail[:8], "little")
            file.seek(size - 16 - length)
            about = json.loads(file.read(length))
        kept = np.array(about["kept"], dtype=np.int64)
        images = np.memmap(path, dtype=np.uint8, mode="r", shape=(len(kept), *shape[1:]))
        if images.nbytes != size - 16 - length or _checksum(images) != about["crc32"]:
            raise ValueError("damaged")
        os.utime(path)  # the least recently used are removed first
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        with suppress(OSError):
            path.unlink()
        return None
    return Pixels(images=images, kept=kept, failures=tuple((p, reason) for p, reason in about["failures"]))


def _checksum(images: ByteArray) -> int:
    return zlib.crc32(images.data)


def _mended(pixels: Pixels, records: Sequence[Record], decoder: _Decoder) -> bool:
    """Whether a picture that could not be read when the cache was made can be now (a drive is back)."""
    bad = np.setdiff1d(np.arange(len(records)), pixels.kept)
    return any(decoder.reason(int(i)) is None for i in bad)


def _build(path: Path, shape: tuple[int, ...], decoder: _Decoder, max_cache_bytes: int) -> Pixels:
    aside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent)
        aside, images = _allocate(path, shape)
    except OSError as error:
        reason = f"the cache in {path.parent} cannot be written: {error.strerror or error}"
        return _in_memory(shape, decoder, f"pictures are kept in memory: {reason}")
    try:
        failures = decoder.fill(images, aside)
        kept = np.setdiff1d(np.arange(shape[0]), np.array([i for i, _ in failures], dtype=np.int64))
        _close_gaps(images, kept)
        whole = images[: len(kept)]
        about = {
            "kept": kept.tolist(),
            "failures": [(decoder.records[i].path, reason) for i, reason in failures],
            "crc32": _checksum(whole),
        }
        images.flush()
        del whole, images  # a mapped file can be neither cut nor renamed on Windows
        _finish(aside, int(np.prod((len(kept), *shape[1:]), dtype=np.int64)), about, path)
    except OSError as error:
        _unlink(aside)
        return _in_memory(
            shape, decoder, f"pictures are kept in memory: the cache cannot be written: {error}"
        )
    except BaseException:
        _unlink(aside)
        raise
    remove_oldest(path, max_cache_bytes)
    pixels = _reopen(path, shape)
    return pixels or _in_memory(shape, decoder, f"pictures are kept in memory: {path} cannot be read back")


def _allocate(path: Path, shape: tuple[int, ...]) -> tuple[Path, np.memmap]:
    size = int(np.prod(shape, dtype=np.int64))
    free = shutil.disk_usage(path.parent).free
    if free < size + 64_000_000:
        raise OSError(f"{size / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free")
    aside = path.with_name(aside_name())
    with aside.open("x+b") as file:
        try:
            # Writing to a mapped hole on a full disk kills the process; taking the space first only raises.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, max(size, mmap.PAGESIZE))
            file.truncate(max(size, 1))
        except OSError:
            _unlink(aside)
            raise
    return aside, np.memmap(aside, dtype=np.uint8, mode="r+", shape=shape)


def _finish(aside: Path, size: int, about: dict[str, object], path: Path) -> None:
    text = json.dumps(about).encode()
    with aside.open("r+b") as file:
        file.truncate(size)
        file.seek(size)
        file.write(text + len(text).to_bytes(8, "little") + _MAGIC)
        file.flush()
        os.fsync(file.fileno())
    try:
        aside.replace(path)
    except PermissionError:  # Windows: another process has the same file open, so it is already there
        _unlink(aside)


def _in_memory(shape: tuple[int, ...], decoder: _Decoder, note: str) -> Pixels:
    images = np.empty(shape, dtype=np.uint8)
    failures = decoder.fill(images, None)
    kept = np.setdiff1d(np.arange(shape[0]), np.array([i for i, _ in failures], dtype=np.int64))
    _close_gaps(images, kept)
    images = images[: len(kept)]
    images.flags.writeable = False
    named = tuple((decoder.records[i].path, reason) for i, reason in failures)
    return Pixels(images=images, kept=kept, failures=named, note=note)


def _close_gaps(images: ByteArray, kept: IntArray) -> None:
    """Move the pictures at `kept` to the front, in place."""
    if len(kept) == len(images):
        return
    for start in range(0, len(kept), 1024):
        part = kept[start : start + 1024]
        images[start : start + len(part)] = images[part]


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def remove_oldest(newest: Path, max_bytes: int) -> None:
    """Remove the least recently used caches of a kind but `newest` until they hold at most `max_bytes`."""
    found = []
    for path in newest.parent.glob("*" + newest.suffix):
        with suppress(OSError):
            about = path.stat()
            found.append((path == newest, about.st_mtime_ns, about.st_size, path))
    total = sum(size for _, _, size, _ in found)
    for is_newest, _, size, path in sorted(found):
        if total <= max_bytes or is_newest:
            return
        with suppress(OSError):  # Windows keeps what another process has mapped
            path.unlink()
            total -= size


# -- decoding on all cores --


@dataclass(frozen=True)
class _Decoder:
    records: Sequence[Record]
    spec: InputSpec
    max_pixels: int
    workers: int
    progress: Progress | None

    def reason(self, index: int, out: ByteArray | None = None) -> str | None:
        """Decode one record, into `out` if given; why it could not be, or None."""
        record = self.records[index]
        if record.fault:
            return record.fault
        spec = self.spec.for_box() if record.in_frame else self.spec
        try:
            square = read_square(record.path, spec, record.box, self.max_pixels)
        except ImageError as error:
            return str(error)
        if out is not None:
            out[index] = square
        return None

    def fill(self, out: ByteArray, path: Path | None) -> list[tuple[int, str]]:
        """Decode all records into `out`; (index, reason) of those that cannot be.

        path: the file that `out` maps, so that other processes can write to it; None where there is none.
        """
        total = len(self.records)
        failures: list[tuple[int, str]] = []
        left = set(range(total))
        for done, bad in self._results(out, path, left):
            left.difference_update(done)
            failures += bad
            if self.progress is not None:
                self.progress(total - len(left), total)
        return sorted(failures)

    def _results(
        self, out: ByteArray, path: Path | None, left: set[int]
    ) -> Iterator[tuple[Sequence[int], list[tuple[int, str]]]]:
        if path is not None and self.workers > 1 and len(left) >= _MANY and sys.executable:
            yield from self._in_processes(path)
        todo = sorted(left)  # all of them, or what a process that died has left
        chunks = [todo[i : i + _CHUNK] for i in range(0, len(todo), _CHUNK)]
        with ThreadPoolExecutor(self.workers) as pool:
            yield from zip(chunks, pool.map(lambda chunk: self._chunk(chunk, out), chunks), strict=True)

    def _chunk(self, indices: Sequence[int], out: ByteArray) -> list[tuple[int, str]]:
        reasons = [(i, self.reason(i, out)) for i in indices]
        return [(i, reason) for i, reason in reasons if reason is not None]

    def _in_processes(self, path: Path) -> Iterator[tuple[Sequence[int], list[tuple[int, str]]]]:
        """Let fresh interpreters write to the file at `path`, each its share of the records.

        Neither fork (unsafe beside torch's threads) nor multiprocessing's spawn (runs a user's script
        again unless it guards against that) would do.
        """
        command = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {_WORK}"]
        bounds = np.linspace(0, len(self.records), self.workers + 1).astype(int).tolist()
        said: queue.Queue[tuple[int, str]] = queue.Queue()

        def converse(process: subprocess.Popen[str], start: int, stop: int) -> None:
            with suppress(OSError):  # it died; its records are decoded here afterwards
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(self._job(path, start, stop))
                process.stdin.close()
                for line in process.stdout:
                    said.put((start, line))
            said.put((start, ""))

        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        processes: list[subprocess.Popen[str]] = []
        try:
            for start, stop in pairwise(bounds):
                processes.append(subprocess.Popen(command, text=True, **pipes))  # type: ignore[call-overload]
                Thread(target=converse, args=(processes[-1], start, stop), daemon=True).start()
            running = len(processes)
            while running:
                offset, line = said.get()
                if not line:
                    running -= 1
                elif line.endswith("\n"):  # else its writer was killed within it
                    first, last, bad = json.loads(line)
                    yield range(offset + first, offset + last), [(offset + i, reason) for i, reason in bad]
        except OSError:
            return  # no process can be started: threads do it all
        finally:
            for process in processes:
                process.kill()
                process.wait()

    def _job(self, path: Path, start: int, stop: int) -> str:
        part = [(r.path, r.box, r.fault, r.in_frame) for r in self.records[start:stop]]
        job = {"file": str(path), "start": start, "spec": asdict(self.spec), "max_pixels": self.max_pixels}
        return json.dumps({**job, "pictures": part})


_WORK = "from roadworthy.data.cache import _work; _work()"


def _work() -> None:
    """What a decoding process does: a job from stdin, a line to stdout for each chunk put into the file."""
    job = json.load(sys.stdin)
    spec = InputSpec(**job["spec"])
    records = [
        Record(path=path, label="", box=box and tuple(box), fault=fault, in_frame=in_frame)
        for path, box, fault, in_frame in job["pictures"]
    ]
    shape = (len(records), spec.size, spec.size, 3)
    offset = job["start"] * int(np.prod(shape[1:]))
    out = np.memmap(job["file"], dtype=np.uint8, mode="r+", offset=offset, shape=shape)
    decoder = _Decoder(records, spec, job["max_pixels"], 1, None)
    for first in range(0, len(records), _CHUNK):
        chunk = range(first, min(first + _CHUNK, len(records)))
        print(json.dumps([first, chunk.stop, decoder._chunk(chunk, out)]), flush=True)
