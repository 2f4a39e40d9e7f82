"""A track set on a film's time: by both clocks, and by how film and track say that the car moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from roadworthy.core import notes
from roadworthy.core.arrays import FloatArray
from roadworthy.core.errors import DataError
from roadworthy.drive.gps.motion import offset_by_motion
from roadworthy.drive.gps.track import Track, placed_by_clock

OFF_S = 120.0  # by which clocks that were set once may differ
_TELLING_S = 2.0  # a lesser difference is left as it is: motion is known by the second


def placed_on_film(
    track: Track,
    name: str,
    *,
    began: datetime | None,
    zone: ZoneInfo | None,
    until_s: float,
    change: FloatArray,
) -> Track | None:
    """The track in the film's seconds; None, and a note, where neither clocks nor motion say it surely.

    name: of the track, for notes.  began, until_s: when the film's zero was by its own clock, and how long it
    was watched.  zone: of the road, for cameras that write local time as if it were UTC.
    change: (S,) how much the picture changed in each second, nan where unknown.
    """
    if track.placed:
        return track
    by_clock = None if began is None else _by_clock(track, name, began, zone, until_s)
    if by_clock is not None:
        return _refined(by_clock, name, change)
    offset = offset_by_motion(track, change)
    if offset is None or not offset.sure:
        notes.say(
            f"where {name} belongs in the film is not known: neither clocks nor motion say it surely; "
            "places and distances are left out"
        )
        return None
    notes.say(
        f"{name} was set on the film's time by its motion: {offset.offset_s:+.1f} s, "
        f"give or take {offset.error_s:.1f}"
    )
    return track.shifted(offset.offset_s)


def began_by(track: Track | None) -> datetime | None:
    """When the film's zero was by the receiver's clock, which is right where a camera's often is not."""
    for fix in () if track is None or not track.placed else track.fixes:
        if fix.time is not None and fix.film_s is not None:
            return fix.time - timedelta(seconds=fix.film_s)
    return None


def _by_clock(
    track: Track, name: str, began: datetime, zone: ZoneInfo | None, until_s: float
) -> Track | None:
    try:
        return placed_by_clock(track, began, until_s)
    except DataError as error:
        if zone is not None and began.utcoffset() == timedelta(0):
            local = began.replace(tzinfo=zone).astimezone(UTC)
            try:
                placed = placed_by_clock(track, local, until_s)
            except DataError:
                pass
            else:
                notes.say(f"the film's clock was read as local time ({zone.key}), for so it fits {name}")
                return placed
        notes.say(f"{name} is not set on the film's time by its clock: {error}")
        return None


def _refined(track: Track, name: str, change: FloatArray) -> Track:
    """The same, moved where the motion surely says that one clock is off by seconds."""
    offset = offset_by_motion(track, change, window=(-OFF_S, OFF_S))
    if offset is None or not offset.sure or abs(offset.offset_s) < max(_TELLING_S, 2 * offset.error_s):
        return track
    notes.say(
        f"the clocks of film and {name} differ by {abs(offset.offset_s):.1f} s, by the motion in both "
        f"(give or take {offset.error_s:.1f}); {name} was moved by {offset.offset_s:+.1f} s"
    )
    return track.shifted(offset.offset_s)
