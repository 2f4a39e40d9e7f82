"""Films of drives, whatever they come as: frames with their times, in constant memory; and films written."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

from roadworthy.core.errors import DataError, DataNotFoundError, UsageError
from roadworthy.core.paths import as_path
from roadworthy.drive.film.file import FileFilm
from roadworthy.drive.film.folder import FolderFilm
from roadworthy.drive.film.live import LiveFilm, is_live
from roadworthy.drive.film.shots import About, Film, Shot
from roadworthy.drive.film.write import FilmWriter, write_film

__all__ = ["About", "Film", "FilmWriter", "Shot", "open_film", "write_film"]


def open_film(
    place: str | os.PathLike[str], *, at: datetime | None = None, rate: float | None = None
) -> Film:
    """A film, ready to be read; its first frame has been looked at.

    place: a film's file, a folder of frames, `camera:N`, or the address of a stream (`rtsp://...`).
    at: when the film's zero was, with its time zone; else what the film itself says, if it does.
    rate: frames a second of a folder whose frames are named by number; no other film takes it.
    Raises DataNotFoundError where nothing is there, DataError on what is no film or shows nothing, UsageError
    on settings that do not fit, MissingExtraError without PyAV.
    """
    if at is not None and at.tzinfo is None:
        raise UsageError(f"at is {at.isoformat()}, without a time zone; add one, like {at.isoformat()}+10:00")
    if at is not None and not 1980 <= at.year <= 2100:
        raise UsageError(f"at is in the year {at.year}; give the time at which the film began")
    name = os.fspath(place)
    if not is_live(name) and (scheme := re.match(r"[a-z]{2,}://", name)):
        raise UsageError(f"films are not read over {scheme[0]}; download it, or give rtsp://HOST/PATH")
    path = None if is_live(name) else _there(as_path(name))
    if path is not None and path.is_dir():
        return FolderFilm(path, at=at, rate=rate)
    if rate is not None:
        raise UsageError(f"rate is given, and {name} is no folder of frames; films know their own times")
    if path is None:
        return LiveFilm(name, at=at)
    return FileFilm(path, at=at)


def _there(path: Path) -> Path:
    try:
        there = path.exists()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    if not there:
        raise DataNotFoundError(
            f"no film {path}; give a film's file, a folder of films or of frames, camera:N or rtsp://HOST/PATH"
        )
    return path
