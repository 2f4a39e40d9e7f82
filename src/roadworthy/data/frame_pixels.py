"""Whole frames decoded once: uint8 RGB of any sizes in a memory-mapped file that every later run maps again.

A cache file is named after what it holds: every frame's path, size and time of change, and how far frames are
shrunk; what is marked in them may change.  It appears whole or not at all, and processes share its memory.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from roadworthy.core.arrays import ByteArray, FloatArray, IntArray
from roadworthy.core.boxes import as_boxes, clipped
from roadworthy.core.errors import ConfigError, DataError, ImageError
from roadworthy.core.files import replacing
from roadworthy.core.progress import Progress
from roadworthy.data.cache import default_cache_dir, file_state, remove_oldest, unreadable_text
from roadworthy.data.frames import Frame
from roadworthy.imaging.decode import MAX_PIXELS, MID_GREY, read_rgb
from roadworthy.imaging.resizing import RESIZE_RULES

MAX_CACHE_BYTES = 16_000_000_000
_VERSION = 1  # of the file's layout and of what decoding yields; raise it when either changes
_MAGIC = b"rwframes"
_SUFFIX = ".frames"
_AHEAD = 4  # frames for each worker that are decoded before they are written


@dataclass(frozen=True, kw_only=True)
class FramePixels:
    """What `load_frames` read: K frames, their pixels mapped from a file where that could be written.

    frames: those that could be decoded, in order.  failures: (path, reason) for the others.
    images: (H, W, 3) uint8 RGB of each, read-only.  originals: (K, 2) width and height of the files.
    note: why nothing was cached, or empty.
    """

    frames: tuple[Frame, ...]
    failures: tuple[tuple[str, str], ...]
    images: tuple[ByteArray, ...]
    originals: IntArray
    note: str = ""

    def __len__(self) -> int:
        return len(self.frames)

    def frame(self, i: int) -> ByteArray:
        """(H, W, 3) uint8 RGB, read-only."""
        return self.images[i]

    def boxes(self, i: int) -> FloatArray:
        """(A, 4) float32, where the annotations of frame i lie in `frame(i)`, clipped to it."""
        height, width = self.images[i].shape[:2]
        scale = np.tile(np.array([width, height]) / self.originals[i], 2)
        boxes = as_boxes([marked.box for marked in self.frames[i].annotations]) * scale
        return clipped(boxes, width, height).astype(np.float32)

    def crop(self, i: int, x: int, y: int, w: int, h: int) -> ByteArray:
        """(h, w, 3) uint8 RGB from column x and row y on, a copy; mid-grey beyond the frame."""
        frame = self.images[i]
        height, width = frame.shape[:2]
        out = np.full((h, w, 3), MID_GREY, dtype=np.uint8)
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
        if left < right and top < bottom:
            out[top - y : bottom - y, left - x : right - x] = frame[top:bottom, left:right]
        return out


def load_frames(
    frames: Sequence[Frame],
    *,
    max_side: int | None = None,
    cache_dir: Path | None = None,
    max_pixels: int = MAX_PIXELS,
    skip_unreadable: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
    max_cache_bytes: int = MAX_CACHE_BYTES,
) -> FramePixels:
    """All frames decoded, from the cache if it has them: 3 bytes a pixel, 3.3 MB for one of 1,360 x 800.

    max_side: frames whose larger side is longer are shrunk to it; None keeps every pixel.
    workers: None for one thread per core.  progress(done, total) is called while frames are decoded.
    If the cache cannot be written, the frames stay in memory and `note` says why.
    Raises DataError naming the first unreadable files, unless `skip_unreadable`.
    """
    if max_side is not None and max_side < 1:
        raise ConfigError(f"max_side is {max_side}; it must be at least 1 pixel, or None for whole frames")
    path = (cache_dir or default_cache_dir()) / (_key(frames, max_side, max_pixels) + _SUFFIX)
    decoder = _Decoder(frames, max_side, max_pixels, workers or os.cpu_count() or 1, progress)
    pixels = _reopen(path, frames) or _build(path, decoder, max_cache_bytes)
    if pixels.failures and not skip_unreadable:
        raise DataError(unreadable_text(pixels.failures, len(frames)))
    return pixels


def _key(frames: Sequence[Frame], max_side: int | None, max_pixels: int) -> str:
    digest = hashlib.sha256(f"{_VERSION} {max_side} {max_pixels}".encode())
    for frame in frames:
        line = f"{Path(frame.path).absolute()}\0{file_state(frame.path)}\0{frame.fault}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()[:40]


@dataclass(frozen=True)
class _Decoder:
    frames: Sequence[Frame]
    max_side: int | None
    max_pixels: int
    workers: int
    progress: Progress | None

    def decoded(self) -> Iterator[tuple[ByteArray, tuple[int, int]] | str]:
        """Each frame in turn with the size of its file, or why it cannot be read; few at a time are held."""
        total, step = len(self.frames), self.workers * _AHEAD
        with ThreadPoolExecutor(self.workers) as pool:
            for start in range(0, total, step):
                yield from pool.map(self._decode, self.frames[start : start + step])
                if self.progress is not None:
                    self.progress(min(start + step, total), total)

    def _decode(self, frame: Frame) -> tuple[ByteArray, tuple[int, int]] | str:
        if frame.fault:
            return frame.fault
        try:
            image = read_rgb(frame.path, self.max_pixels)
        except ImageError as error:
            return str(error)
        return np.asarray(self._shrunk(image)), image.size

    def _shrunk(self, image: Image.Image) -> Image.Image:
        scale = (self.max_side or max(image.size)) / max(image.size)
        if scale >= 1:
            return image
        width, height = (max(1, round(side * scale)) for side in image.size)
        return image.resize((width, height), RESIZE_RULES["bilinear"])


@dataclass
class _About:
    """What is known of the frames but their pixels."""

    kept: list[int]
    sizes: list[tuple[int, int]]
    originals: list[tuple[int, int]]
    failures: list[tuple[str, str]]

    def pixels(self, frames: Sequence[Frame], images: Iterable[ByteArray], note: str = "") -> FramePixels:
        return FramePixels(
            frames=tuple(frames[i] for i in self.kept),
            failures=tuple((path, reason) for path, reason in self.failures),
            images=tuple(images),
            originals=np.array(self.originals, dtype=np.int64).reshape(-1, 2),
            note=note,
        )


def _collect(decoder: _Decoder, about: _About) -> Iterator[ByteArray]:
    """The pixels of each frame that can be decoded; what else is known goes into `about`."""
    for number, result in enumerate(decoder.decoded()):
        if isinstance(result, str):
            about.failures.append((decoder.frames[number].path, result))
            continue
        image, original = result
        about.kept.append(number)
        about.sizes.append((image.shape[1], image.shape[0]))
        about.originals.append(original)
        yield image


# -- the file: pixels, then JSON (what _About holds), then the JSON's length and a magic word --


def _build(path: Path, decoder: _Decoder, max_cache_bytes: int) -> FramePixels:
    about = _About([], [], [], [])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as aside, aside.open("xb") as file:
            for image in _collect(decoder, about):
                file.write(image.data)
            text = json.dumps(vars(about)).encode()
            file.write(text + len(text).to_bytes(8, "little") + _MAGIC)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # Windows refuses where another process has written and mapped the same file meanwhile.
        pixels = _reopen(path, decoder.frames)
        return pixels or _in_memory(decoder, f"the cache in {path.parent} cannot be written: {error}")
    remove_oldest(path, max_cache_bytes)
    return _reopen(path, decoder.frames) or _in_memory(decoder, f"{path} cannot be read back")


def _in_memory(decoder: _Decoder, reason: str) -> FramePixels:
    about = _About([], [], [], [])
    images = list(_collect(decoder, about))
    for image in images:
        image.flags.writeable = False
    return about.pixels(decoder.frames, images, f"frames are kept in memory: {reason}")


def _reopen(path: Path, frames: Sequence[Frame]) -> FramePixels | None:
    """What the cache file at `path` holds, or None where there is none or it is not whole."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - 16))
            tail = file.read(16)
            if tail[8:] != _MAGIC:
                raise ValueError("not a cache file, or one cut short")
            length = int.from_bytes(tail[:8], "little")
            file.seek(size - 16 - length)
            about = _About(**json.loads(file.read(length)))
            whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        flat = np.frombuffer(whole, dtype=np.uint8)[: size - 16 - length]
        ends = np.cumsum([0, *(3 * width * height for width, height in about.sizes)]).tolist()
        if ends[-1] != len(flat):
            raise ValueError("damaged")
        images = [
            flat[start:end].reshape(height, width, 3)
            for (width, height), (start, end) in zip(about.sizes, pairwise(ends), strict=True)
        ]
        os.utime(path)  # the least recently used are removed first
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, IndexError):
        with suppress(OSError):
            path.unlink()
        return None
    return about.pixels(frames, images)
