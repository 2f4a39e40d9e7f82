"""Cameras and streams: films that are watched while they happen, once."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain

from roadworthy.core.errors import DataError, UsageError
from roadworthy.core.notes import say
from roadworthy.drive.film.container import film_track, open_container
from roadworthy.drive.film.decoding import Decoding
from roadworthy.drive.film.file import describe, developed
from roadworthy.drive.film.picture import Developer
from roadworthy.drive.film.shots import About, Film, Shot

_SCHEMES = ("rtsp://", "rtsps://", "udp://", "tcp://")
_CAMERA = re.compile(r"camera:(.*)")
_DEVICES = {"linux": ("video4linux2", "/dev/video{}"), "darwin": ("avfoundation", "{}:none")}
PATIENCE_S = 10.0  # how long a camera may be silent


def is_live(place: str) -> bool:
    """Whether a text names a camera or a stream, and no file."""
    return place.startswith((*_SCHEMES, "camera:"))


class LiveFilm(Film):
    """A camera or a stream, whose zero is its first frame.  It can be read once, and not from later on.

    at: when that was, with time zone; without it, by this computer's clock.
    Raises DataError where nobody answers within `PATIENCE_S` or what comes is no film, UsageError on a name
    that is none.
    """

    def __init__(self, place: str, *, at: datetime | None = None) -> None:
        super().__init__()
        self._place, self._spent = shown(place), False
        url, kind, options = _source(place)
        try:
            self._container = open_container(url, kind=kind, options=options, timeout_s=PATIENCE_S)
        except DataError as error:
            raise DataError(
                f"{self._place} does not answer ({error}); is it on, and may this computer reach it?"
            ) from error
        try:
            track = film_track(self._container, self._place)
            self._decoding = Decoding(self._container, track)
            self._frames = self._decoding.frames()
            first = next(self._frames, None)
            if first is None:
                raise DataError("no frame of it can be decoded")
            at = at or datetime.now(UTC)
            self._first, self._about = first, describe(self._place, first, track, duration_s=None, at=at)
        except DataError as error:
            self.close()
            raise DataError(f"{self._place}: {error}") from error

    def about(self) -> About:
        """What the stream says of itself, and how it is read."""
        return self._about

    def close(self) -> None:
        """Let go of the camera or the connection."""
        self._container.close()

    def _read(self, every: int, start_s: float) -> Iterator[Shot]:
        if start_s:
            raise UsageError(f"start_s is {start_s}, and {self._place} is live; it begins when it begins")
        if self._spent:
            raise UsageError(f"{self._place} is live and was read already; open it again")
        self._spent = True
        return self._shots(every)

    def _shots(self, every: int) -> Iterator[Shot]:
        develop, zero_s = Developer(), self._first.time_s
        with closing(self._frames):
            for decoded in chain([self._first], self._frames):
                self.lost = self._decoding.lost
                if decoded.index % every == 0:
                    shot = developed(decoded, develop, self._decoding)
                    yield replace(shot, time_s=shot.time_s - zero_s)
        self.lost = self._decoding.lost
        if self._decoding.broke:
            say(f"{self._place} ended after {self._decoding.end_s - zero_s:.1f} s ({self._decoding.broke})")


class PastFilm(Film):
    """A camera or a stream that was watched: what it was, and no frame of it.

    about: as it was while it was live.
    """

    def __init__(self, about: About) -> None:
        super().__init__()
        self._about = about

    def about(self) -> About:
        """What the stream said of itself."""
        return self._about

    def _read(self, every: int, start_s: float) -> Iterator[Shot]:
        return iter(())


def shown(place: str) -> str:
    """An address without the password in it."""
    return re.sub(r"(?<=://)[^/@]*@", "", place)


def _source(place: str) -> tuple[str, str | None, dict[str, str]]:
    """What FFmpeg calls it: address, format and options."""
    camera = _CAMERA.fullmatch(place)
    if camera is None:
        # Over UDP, which RTSP begins with, frames come broken as soon as a packet is lost.
        return place, None, {"rtsp_transport": "tcp"} if place.startswith("rtsp") else {}
    number = camera[1]
    if not re.fullmatch(r"\d{1,3}", number):
        raise UsageError(f"{place!r} names no camera; cameras are numbered, like camera:0")
    if sys.platform not in _DEVICES:
        raise UsageError(f"cameras are not read on {sys.platform}; stream it and give rtsp://HOST/PATH")
    kind, name = _DEVICES[sys.platform]
    return name.format(number), kind, {}
