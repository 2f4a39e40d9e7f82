"""Small films that tests make for themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

WIDTH, HEIGHT = 64, 48
TICKS = 90_000
LOSSLESS = {"qp": "0", "preset": "ultrafast"}


def numbered(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A grey frame whose level tells its index (up to 20) after any encoding."""
    return np.full((height, width, 3), 10 + 11 * index, np.uint8)


def index_in(image: np.ndarray) -> int:
    """What `numbered` wrote."""
    return round((float(image.mean()) - 10) / 11)


def encode(
    path: Path,
    images: Iterable[Any],
    times: Iterable[float] | None = None,
    *,
    rate: float = 10,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    prepare: Callable[[Any], None] = lambda stream: None,
    metadata: dict[str, str] | None = None,
    **tags: int,
) -> Path:
    """A film; images are (H, W, 3) RGB arrays, or VideoFrames that are written as they are."""
    images = list(images)
    times = [n / rate for n in range(len(images))] if times is None else list(times)
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"} if metadata else {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=Fraction(rate), options=options or {})
        first = images[0]
        stream.height, stream.width = (
            first.shape[:2] if isinstance(first, np.ndarray) else (first.height, first.width)
        )
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = Fraction(1, TICKS)
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        prepare(stream)
        for image, time_s in zip(images, times, strict=True):
            frame = image
            if isinstance(image, np.ndarray):
                frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = round(time_s * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def yuv(y: int, u: int, v: int, height: int = HEIGHT, width: int = WIDTH) -> av.VideoFrame:
    """A frame of one colour by its own levels, so that no encoder's matrix has a say."""
    planes = [np.full((height, width), y), np.full((height // 4, width), u), np.full((height // 4, width), v)]
    return av.VideoFrame.from_ndarray(np.concatenate(planes).astype(np.uint8), "yuv420p")


def deep(y: int, u: int = 512, v: int = 512, height: int = HEIGHT, width: int = WIDTH) -> av.VideoFrame:
    """The same with 10 bits."""
    frame = av.VideoFrame(width, height, "yuv420p10le")
    for plane, level in zip(frame.planes, (y, u, v), strict=True):
        plane.update(np.full(plane.buffer_size // 2, level, np.uint16).tobytes())
    return frame
