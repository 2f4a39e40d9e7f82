"""What a GPS receiver says at one moment, and the file formats that hold such fixes, by name.

A format is a function `read(path) -> list[Fix]` in a module of this package, filed by `track_format` with a
test of a file's first bytes: formats are chosen by content, for file names lie.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.registry import Registry

METRES_PER_DOP = 5.0
"""A guess: what a fix is off by for each unit of dilution of precision, without corrections."""
MOST_DOP = 50.0
"""Receivers write 99.99 or 9999 where they have no fix; nothing above this is a position."""
KNOT = 1852 / 3600
"""Metres a second."""
FIRST_BYTES = 65_536
_MOST_TEXT = 512 * 1024 * 1024

Reader = Callable[[Path], "list[Fix]"]
Recognises = Callable[[bytes], bool]
FORMATS: Registry[Reader] = Registry("track format")
RECOGNISED_BY: dict[str, Recognises] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fix:
    """A position at a moment, WGS84.

    time: aware, UTC; None where the receiver said none.  film_s: seconds of the film, from its first
    picture; None where that is not known.  lat, lon, course: degrees, course clockwise from north in
    [0, 360).  speed: metres a second over ground.  accuracy: metres, about one standard error.
    height: metres, above the ellipsoid or the sea as the receiver pleases.
    after_break: whether the recording stopped before it, so that nothing lies between it and the last.
    """

    lat: float
    lon: float
    time: datetime | None = None
    film_s: float | None = None
    speed: float | None = None
    course: float | None = None
    accuracy: float | None = None
    height: float | None = None
    after_break: bool = False


def track_format(name: str, *, recognises: Recognises) -> Callable[[Reader], Reader]:
    """Decorator that files a reader of tracks; `recognises` judges a file's first FIRST_BYTES bytes."""

    def file(read: Reader) -> Reader:
        FORMATS.register(name)(read)
        RECOGNISED_BY[name] = recognises
        return read

    return file


def first_bytes(path: Path) -> bytes:
    """A file's beginning.  Raises DataNotFoundError or DataError where there is none."""
    try:
        with path.open("rb") as opened:
            return opened.read(FIRST_BYTES)
    except FileNotFoundError as error:
        raise DataNotFoundError(f"no file {path}; give a GPX, an NMEA log or a film with GPS") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def read_text(path: Path) -> str:
    """All of a text file; bytes that are not UTF-8 become U+FFFD, for loggers die in the middle of a line."""
    first_bytes(path)
    if path.stat().st_size > _MOST_TEXT:
        raise DataError(f"{path} has {path.stat().st_size:,} bytes; a track has less than {_MOST_TEXT:,}")
    return path.read_bytes().decode("utf-8-sig", errors="replace")


def is_place(lat: float, lon: float) -> bool:
    """Whether a position can be one; 0, 0 is what receivers write that have none."""
    return -90 <= lat <= 90 and -180 <= lon <= 180 and (lat, lon) != (0, 0)
