"""Films written: what was seen, with the times at which it was seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import DataError, ShapeError, UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import replacing

if TYPE_CHECKING:
    from av import VideoStream
    from av.container import OutputContainer

_TICKS = 90_000  # a second: what broadcasting counts time in
_LIMITED, _BT709 = 1, 1  # ITU-T H.273


class FilmWriter:
    """Takes a film's frames in order; `write_film` makes one."""

    def __init__(self, container: OutputContainer, stream: VideoStream) -> None:
        self._container, self._stream = container, stream
        self._shape: tuple[int, ...] | None = None
        self._last = -1

    def write(self, image: ByteArray, time_s: float) -> None:
        """Add a frame.

        image: (H, W, 3) uint8 RGB, all of one size; a side of odd length is made even by repeating its edge.
        time_s: seconds from the film's zero, later than the frame before.
        Raises ShapeError, UsageError.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ShapeError(f"a frame is {image.shape} of {image.dtype}; it must be (H, W, 3) of uint8")
        if self._shape not in (None, image.shape):
            raise ShapeError(f"a frame is {image.shape} and those before are {self._shape}; give one size")
        tick = round(time_s * _TICKS) if 0 <= time_s < float("inf") else -1
        if tick <= self._last:
            raise UsageError(
                f"a frame is at {time_s} s, the one before at {max(self._last, 0) / _TICKS:.5f} s; they must "
                "not be negative, and must rise"
            )
        height, width = image.shape[:2]
        if self._shape is None:
            self._stream.width, self._stream.height = width + width % 2, height + height % 2
            self._shape = image.shape
        if width % 2 or height % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        self._encode(image, tick)
        self._last = tick

    def _encode(self, image: ByteArray, tick: int) -> None:
        from av import VideoFrame

        frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24").reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range=_LIMITED
        )
        frame.pts, frame.time_base = tick, Fraction(1, _TICKS)
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what is still with the encoder; DataError where no frame came."""
        if self._shape is None:
            raise DataError("a film of no frames cannot be written")
        self._container.mux(self._stream.encode(None))


@contextmanager
def write_film(path: Path, rate: float, *, created: datetime | None = None) -> Iterator[FilmWriter]:
    """An MP4 of H.264 that browsers play (yuv420p, BT.709), in the place of `path` once it is whole.

    rate: frames a second, as a hint to players; the times of the frames count.
    created: when the film began, an aware moment, written into it as cameras do, to the second.
    Where the block raises, `path` stays as it was.
    Raises UsageError on a rate that is none and where the file cannot be written.
    """
    if not 0 < rate <= 1000:
        raise UsageError(f"rate is {rate}; it must be above 0, and 1,000 frames a second at most")
    require("watching drives", "drive", modules=("av",))
    import av

    try:
        with replacing(path) as aside, _as_os_error():
            options = {"movflags": "+faststart"}
            with av.open(str(aside), "w", format="mp4", options=options) as container:
                if created is not None:
                    container.metadata["creation_time"] = f"{created.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
                writer = FilmWriter(container, _h264(container, rate))
                yield writer
                writer.finish()
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def _as_os_error() -> Iterator[None]:
    """PyAV's errors are OSErrors that take no file's name, which `replacing` gives them."""
    import av

    try:
        yield
    except av.FFmpegError as error:
        raise OSError(error.errno, error.strerror) from error


def _h264(container: OutputContainer, rate: float) -> VideoStream:
    import av

    names = [name for name in ("libx264", "h264") if name in av.codecs_available]
    if not names:
        raise UsageError("this FFmpeg has no encoder of H.264; install PyAV from PyPI")
    stream = container.add_stream(
        names[0], rate=Fraction(rate).limit_denominator(1001), options={"preset": "veryfast", "crf": "20"}
    )
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, _TICKS)
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = _LIMITED
    return stream
