"""The track of a drive, from a file of positions or from the film itself.

What dashcams and cameras write, and whether it is read here:

| telemetry | read? |
|---|---|
| GPX beside the film | yes: `gpx` |
| NMEA beside the film (BlackVue's `.gps`, loggers) | yes: `nmea` |
| GoPro's GPMF in MP4, GPS5 and GPS9 | yes: `gpmf` |
| GPMF after `ffmpeg -c copy` without `-map 0` | no: the copy has no telemetry any more |
| GPMF in Matroska | no: Matroska takes no such tracks |
| `freeGPS ` blocks of Novatek's chips (Viofo and many others) | no: their layout changes by model |
| BlackVue's `gps ` box, Garmin's, Nextbase's and Thinkware's own | no: not documented by their makers |
| Android's and Insta360's CAMM, Sony's rtmd, DJI's subtitles | no: not yet |
| one position for the whole film (`location`, phones) | no: a place is no track |
| positions burnt into the picture | no |

For those that are not read ExifTool makes a GPX of many: `exiftool -ee -p gpx.fmt FILM > track.gpx`.
The rows that say no for a reason of layout are from the formats' descriptions; none was tried here.
"""

from __future__ import annotations

import importlib
import pkgutil
from datetime import UTC, datetime
from pathlib import Path

import roadworthy.drive.gps
from roadworthy.core import notes
from roadworthy.core.errors import DataError, UsageError
from roadworthy.core.extras import require
from roadworthy.drive.gps.fixes import FORMATS, RECOGNISED_BY, first_bytes
from roadworthy.drive.gps.track import Track, placed_by_clock, track_of

AUTO = "auto"
"""The place that stands for the film's own telemetry."""

_BEGAN = ("com.apple.quicktime.creationdate", "creation_time")

for _module in pkgutil.iter_modules(roadworthy.drive.gps.__path__):
    importlib.import_module(f"{roadworthy.drive.gps.__name__}.{_module.name}")


def format_of(path: Path) -> str:
    """The name of the format that a file is in, by its content.  Raises DataError for none of them."""
    start = first_bytes(path)
    for name in FORMATS:
        if RECOGNISED_BY[name](start):
            return name
    what = f"begins with {start[:16]!r}" if start else "is empty"
    raise DataError(f"{path} is no track: it {what}; tracks are read from {', '.join(FORMATS)}")


def read_track(place: str | Path, film: str | Path | None = None) -> Track:
    """The track at a place, whose format is told by its content, set on the film's time where that is known.

    place: a file, or `auto` for the film's own telemetry.  film: sets a track with a clock of its own on the
    film by the time at which the film says it began; where it says none, or another day, a note is given
    and the track is left as it is (`placed` is False), to be placed by its motion.
    Raises DataNotFoundError or DataError where no track can be read.
    """
    if str(place) == AUTO:
        if film is None:
            raise UsageError("place is 'auto' and no film is given; name the film, or a file with the track")
        place = film
    path = Path(place)
    track = track_of(FORMATS.get(format_of(path))(path))
    if track.placed or film is None:
        return track
    began, length_s = film_clock(Path(film))
    if began is None:
        notes.say(f"{Path(film).name} does not say when it began; the track is not set on its time")
        return track
    try:
        return placed_by_clock(track, began, length_s)
    except DataError as error:
        notes.say(f"the track is not set on the time of {Path(film).name}: {error}")
        return track


def film_clock(film: Path) -> tuple[datetime | None, float]:
    """When a film says that it began, in UTC, and how many seconds it lasts; None where it does not say.

    Joined films (`ffmpeg -c copy`) have lost it.  Many cameras write local time here and call it UTC.
    """
    require("watching drives", "drive")
    import av

    first_bytes(film)
    try:
        with av.open(str(film)) as opened:
            length_s = (opened.duration or 0) / av.time_base
            said = [opened.metadata, *(stream.metadata for stream in opened.streams)]
    except (av.FFmpegError, OSError) as error:
        raise DataError(f"{film} is no film that can be read: {error}") from error
    times = (_time(data[key]) for key in _BEGAN for data in said if key in data)
    return next((time for time in times if time is not None), None), length_s


def _time(text: str) -> datetime | None:
    """A film's time in UTC; None for what is none, as 1904 and 1970, of clocks that nobody set."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time if time.year > 1990 else None
