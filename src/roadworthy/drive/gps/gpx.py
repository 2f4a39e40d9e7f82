"""GPX 1.0 and 1.1, as phones, watches and loggers write them, by gpxpy.

A time without a zone is UTC, as GPX says, and a note says so: some programs write local time.  A direct
`<speed>` or `<course>`, which GPX 1.1 dropped, is read though gpxpy passes over it there; so are those of
Garmin's extension.  Each segment begins after a break.  Routes and waypoints are no drive.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from roadworthy.core import notes
from roadworthy.core.errors import DataError
from roadworthy.core.extras import require
from roadworthy.core.words import plural
from roadworthy.drive.gps.fixes import METRES_PER_DOP, MOST_DOP, Fix, is_place, read_text, track_format

if TYPE_CHECKING:
    from gpxpy.gpx import GPX, GPXTrackPoint

_NO_TIME, _NO_PLACE, _NO_ZONE = "no time that can be read", "a position that is none", "no zone"


def _recognises(start: bytes) -> bool:
    return b"<gpx" in start or b":gpx" in start


@track_format("gpx", recognises=_recognises)
def read(path: Path) -> list[Fix]:
    """GPX 1.0 and 1.1: points of tracks, with times."""
    text = read_text(path)
    if (ended := _ended(text)) is not None:
        text = ended
        notes.say(f"{path.name} breaks off; it is read up to its last whole point")
    try:
        plain, dropped = _parsed(text, None), _parsed(text, "1.0")
    except ValueError as error:
        raise DataError(f"{path} is no GPX that can be read: {error}") from error
    odd: Counter[str] = Counter()
    fixes = list(_fixes(plain, dropped, odd))
    if not fixes:
        raise DataError(
            f"{path} holds no track point with a position and a time "
            f"({plural(sum(odd.values()), 'point')} without, {plural(len(plain.routes), 'route')}); "
            "record a track, with times"
        )
    if unzoned := odd.pop(_NO_ZONE, 0):
        notes.say(f"{path.name}: {plural(unzoned, 'time')} without a zone taken as UTC, as GPX says")
    for why, n in odd.items():
        notes.say(f"{path.name}: {plural(n, 'point')} with {why} left out")
    return fixes


def _ended(text: str) -> str | None:
    """A file that broke off after a point, as loggers leave it that lose power; None for any other."""
    points, end, _ = text.rpartition("</trkpt>")
    return points + end + "</trkseg></trk></gpx>" if end and "</gpx>" not in text else None


def _parsed(text: str, version: str | None) -> GPX:
    """What gpxpy makes of it.  Raises ValueError, of one line."""
    require("watching drives", "drive")
    import gpxpy
    from gpxpy.gpx import GPXException

    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("it defines entities, which no GPX needs")
    try:
        return gpxpy.parse(text, version=version)
    except GPXException as error:
        raise ValueError(str(error).splitlines()[0]) from error


def _fixes(plain: GPX, dropped: GPX, odd: Counter[str]) -> Iterator[Fix]:
    """The points of all tracks; `dropped` is the same file read as GPX 1.0, which has speeds."""
    for track, track_10 in zip(plain.tracks, dropped.tracks, strict=True):
        for segment, segment_10 in zip(track.segments, track_10.segments, strict=True):
            starts = True
            for point, point_10 in zip(segment.points, segment_10.points, strict=True):
                if (fix := _fix(point, point_10, odd, starts)) is not None:
                    yield fix
                    starts = False


def _fix(point: GPXTrackPoint, point_10: GPXTrackPoint, odd: Counter[str], starts: bool) -> Fix | None:
    if not is_place(point.latitude, point.longitude) or point.type_of_gpx_fix == "none":
        odd[_NO_PLACE] += 1
        return None
    if point.time is None:
        odd[_NO_TIME] += 1
        return None
    if point.time.tzinfo is None:
        odd[_NO_ZONE] += 1
    said = _extended(point)
    dop = point.horizontal_dilution
    speed = _finite(said.get("speed", point_10.speed))
    course = _finite(said.get("course", point_10.course))
    return Fix(
        lat=point.latitude,
        lon=point.longitude,
        time=_utc(point.time),
        speed=speed if speed is not None and speed >= 0 else None,
        course=course % 360 if course is not None and course >= 0 else None,  # -1 is how phones say none
        accuracy=dop * METRES_PER_DOP if dop is not None and 0 < dop <= MOST_DOP else None,
        height=_finite(point.elevation),
        after_break=starts,
    )


def _extended(point: GPXTrackPoint) -> dict[str, float]:
    """Speed and course among a point's extensions, at any depth."""
    found: dict[str, float] = {}
    for extension in point.extensions:
        for element in extension.iter():
            name = str(element.tag).rpartition("}")[2]
            if name in {"speed", "course"}:
                try:
                    found[name] = float(element.text or "")
                except ValueError:
                    continue
    return found


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
