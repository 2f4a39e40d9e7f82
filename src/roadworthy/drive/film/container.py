"""What FFmpeg opens: the one track that is the film, and what the file says of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from roadworthy.core.errors import DataError
from roadworthy.core.extras import require
from roadworthy.core.notes import say

if TYPE_CHECKING:
    from av import VideoStream
    from av.container import InputContainer

# FFmpeg shows a text as a film of its letters, and a picture as one of a single frame.
_NO_FILMS = re.compile(r"tty|bin|xbin|adf|idf|lavfi|image2\w*|\w+_pipe")
CUT_OFF = "a recording that was cut off before the camera closed it must be repaired first"
# FFmpeg's own reading of edit lists moves pictures by up to a frame against what is true and data tracks.
_EDITS = {"advanced_editlist": "0"}
# What is dated before has the zero of a clock that was never set, what is dated after is no date.
_OLDEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def open_container(
    url: str,
    *,
    kind: str | None = None,
    options: Mapping[str, str] = MappingProxyType({}),
    timeout_s: float | None = None,
) -> InputContainer:
    """A container by PyAV; whatever FFmpeg says against it becomes a DataError of a few words."""
    require("watching drives", "drive", modules=("av",))
    import av

    try:
        return av.open(
            url, "r", format=kind, options={**_EDITS, **options}, timeout=timeout_s, metadata_errors="replace"
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise DataError(getattr(error, "strerror", None) or str(error)) from error


def film_track(container: InputContainer, place: str) -> VideoStream:
    """The track of pictures, ready to be decoded; the largest, where there are several.

    Raises DataError where there is none.
    """
    from av.stream import Disposition

    if _NO_FILMS.fullmatch(container.format.name):
        raise DataError("it is no film; give a film's file, or the folder of a drive's frames")
    if not container.streams:
        raise DataError(f"there is nothing in it; {CUT_OFF}")
    still = Disposition.attached_pic | Disposition.timed_thumbnails
    tracks = [track for track in container.streams.video if not track.disposition & still]
    if not tracks:
        holds = "sound and no pictures" if container.streams.audio else "no pictures"
        raise DataError(f"it holds {holds}; give a film")
    track = max(tracks, key=lambda track: (_pixels(track), -track.index))
    if track.codec_context is None:
        raise DataError("its pictures are coded in a way that this FFmpeg cannot read; convert it to H.264")
    if len(tracks) > 1:
        size = f"{track.width} x {track.height}"
        say(f"{place} holds {len(tracks)} films side by side; the one of {size} is read")
    track.thread_type = "AUTO"
    # An error must be an error: FFmpeg would fill in what it cannot decode from the frames around it.
    track.codec_context.options = {"err_detect": "explode"}
    return track


def _pixels(track: VideoStream) -> int:
    return track.width * track.height if track.codec_context is not None else 0


def created(metadata: dict[str, str]) -> datetime | None:
    """When a file says that it was made; None where it does not, or without a time zone, or long ago.

    Apple writes local time with its zone in a key of its own; all others UTC.
    """
    for key in ("com.apple.quicktime.creationdate", "creation_time"):
        try:
            moment = datetime.fromisoformat(metadata.get(key, "").strip())
        except ValueError:
            continue
        if moment.tzinfo is not None and plausible(moment):
            return moment
    return None


def plausible(moment: datetime) -> bool:
    """Whether a moment with a time zone can be when a camera filmed."""
    return _OLDEST < moment < _LATEST
