"""From packets to frames with their index and time, counting what is lost on the way."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roadworthy.core.errors import DataError

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream
    from av.container import InputContainer

_TIMELESS = "its frames bear no times; put it into a container: ffmpeg -r RATE -i FILM -c copy film.mp4"
_RESTART_S = 1.0  # a clock that falls back by more was set anew: films joined without their times
_ANY_START = frozenset({"mpegts", "mpeg", "rtsp", "rtp", "sdp", "flv", "asf"})  # clocks that begin anywhere


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A frame as the decoder gave it.  index and time_s: as of a Shot."""

    index: int
    time_s: float
    frame: VideoFrame


def zero_of(container: InputContainer) -> float:
    """Where on the clock of a file its own zero is, in seconds.

    Files with a time line of their own begin it at 0, and their pictures may begin later; streams of
    broadcasting begin anywhere, and count from the first of their tracks.
    """
    names = set(container.format.name.split(","))
    return (container.start_time or 0) / 1e6 if names & _ANY_START else 0.0


class Decoding:
    """One reading of a film's picture track.

    lost: frames from `start_s` on that were not decoded, or only from what was lost.  H.264 and JPEG show
    nearly all damage; a wrong bit within a picture of HEVC or VP9 is a valid picture, and no decoder knows.
    packets: how many were read.  end_s: until when the latest of them lasts.
    broke: why the reading ended before the file did, or nothing.  restarts: how often its clock was set anew.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, *, skip: int = 0, start_s: float = 0.0
    ) -> None:
        self.lost, self.packets, self.end_s, self.broke, self.restarts = 0, 0, 0.0, "", 0
        self._container, self._stream, self._skip, self._start_s = container, stream, skip, start_s
        self._zero_s = zero_of(container)
        self._edited = "mp4" in container.format.name.split(",")
        # Files of AVI do not say when a frame is shown.  Where frames come in another order than they are
        # shown, the nth shown has the nth of the times, until one is lost.
        self._in_order = container.format.name == "avi" and bool(stream.codec_context.has_b_frames)
        self._sent: list[int] = []  # a heap of the times of what went into the decoder and did not come out
        self._latest: int | None = None  # when the latest frame that came out is shown
        self._index = 0
        self._whole = False  # whether all that the next frame is built on is there

    def frames(self) -> Generator[Decoded]:
        """The frames in the order shown, without those that an edit list hides.

        The first `skip` packets are counted and not decoded.
        """
        from av.error import FFmpegError

        for packet in self.read():
            if self.packets <= self._skip:
                self._index += not self._hidden(time_of(packet))
                continue
            self._whole = self._whole and not packet.is_corrupt
            if not self._hidden(time_of(packet)):
                heapq.heappush(self._sent, time_of(packet))
            try:
                frames = packet.decode()
            except FFmpegError:
                self._whole = False
                if self._in_order:
                    self.broke = (
                        "a frame is damaged, and files of AVI do not say when those after it are shown"
                    )
                    break
                continue
            yield from self._shown(frames)
        with suppress(FFmpegError):  # what is left in the decoder is lost then
            if not (self._in_order and self.broke):
                yield from self._shown(self._stream.codec_context.decode(None))
        while self._sent:
            self._lose(heapq.heappop(self._sent))

    def read(self) -> Iterator[Packet[VideoStream]]:
        """The packets, on one clock; a file that breaks off ends here, and `broke` says why."""
        from av.error import FFmpegError

        unit = float(self._stream.time_base or 0)
        last = shift = step = 0
        try:
            for packet in self._container.demux(self._stream):
                if packet.dts is None and not packet.size:
                    continue  # the end, which `frames` tells the decoder
                self.packets += 1
                if packet.dts is not None:
                    if packet.dts + shift < last - _RESTART_S / unit:
                        shift = last + (packet.duration or step) - packet.dts
                        self.restarts += 1
                    packet.dts += shift
                    step, last = max(packet.dts - last, 0) or step, packet.dts
                if packet.pts is not None:
                    packet.pts += shift
                ends = (time_of(packet) + (packet.duration or 0)) * unit - self._zero_s
                self.end_s = max(self.end_s, ends)
                yield packet
        except (FFmpegError, OSError) as error:
            self.broke = getattr(error, "strerror", None) or str(error)

    def _shown(self, frames: list[VideoFrame]) -> Iterator[Decoded]:
        for frame in frames:
            time = self._sent[0] if self._in_order and self._sent else frame.pts
            if time is None:
                raise DataError(_TIMELESS)
            if self._latest is not None and time <= self._latest:
                continue  # a damaged stream gives frames twice, or too late: they are counted already
            self._latest = time
            while self._sent and self._sent[0] < time:
                self._lose(heapq.heappop(self._sent))
            if self._sent and self._sent[0] == time:
                heapq.heappop(self._sent)
            self._whole = (self._whole or frame.key_frame) and not frame.is_corrupt
            if self._hidden(time):
                continue
            if not self._whole:
                self._lose(time)
                continue
            self._index += 1
            yield Decoded(index=self._index - 1, time_s=self.seconds(time), frame=frame)

    def _hidden(self, time: int) -> bool:
        """Whether an edit list hides a frame: one that is there only for others to be built on."""
        return self._edited and self.seconds(time) < 0

    def seconds(self, time: int) -> float:
        """A time in the track's units as seconds from the film's zero."""
        return float(time * (self._stream.time_base or 0)) - self._zero_s

    @property
    def pixel_aspect(self) -> float:
        """Width of a pixel by its height."""
        return float(self._stream.sample_aspect_ratio or 1)

    def _lose(self, time: int) -> None:
        self._index += 1
        self.lost += self.seconds(time) >= self._start_s


def time_of(packet: Packet[VideoStream]) -> int:
    """When a packet's frame is shown, in its track's units, as far as it says."""
    time = packet.dts if packet.pts is None else packet.pts
    if time is None:
        raise DataError(_TIMELESS)
    return time
