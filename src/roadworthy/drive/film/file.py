"""Films in files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from roadworthy.core.errors import DataError
from roadworthy.core.files import check_regular
from roadworthy.core.notes import say
from roadworthy.core.words import plural
from roadworthy.drive.film.container import CUT_OFF, created, film_track, open_container
from roadworthy.drive.film.decoding import Decoded, Decoding, time_of, zero_of
from roadworthy.drive.film.picture import Developer, colour_of, turn_of
from roadworthy.drive.film.shots import About, Film, Shot

if TYPE_CHECKING:
    from av import VideoStream
    from av.container import InputContainer

_SHORT_S = 1.0  # by how much a film may end before it says
_LATE_S = 1.0  # from here on it is said that a film's pictures begin late


class FileFilm(Film):
    """A film in a file, opened anew for each reading.

    Raises DataError where it is no film, holds no pictures, or none that can be decoded.
    """

    def __init__(self, path: Path, *, at: datetime | None = None) -> None:
        super().__init__()
        self._path, self._at = path, at
        self._about = self._look()

    def about(self) -> About:
        """What the film says of itself, and how it is read."""
        return self._about

    def _open(self) -> InputContainer:
        try:
            check_regular(self._path)
        except OSError as error:
            raise DataError(f"{self._path} cannot be read: {error.strerror or error}") from error
        if not self._path.stat().st_size:
            raise DataError(f"{self._path} is empty; copy it again from the camera")
        try:
            # The scheme keeps FFmpeg from taking names like concat:a|b for more than names.
            return open_container(f"file:{self._path}")
        except DataError as error:
            raise DataError(f"{self._path} is no film that can be read ({error}); {CUT_OFF}") from error

    def _track(self, container: InputContainer) -> VideoStream:
        try:
            return film_track(container, str(self._path))
        except DataError as error:
            raise DataError(f"{self._path}: {error}") from error

    def _look(self) -> About:
        with self._open() as container:
            track = self._track(container)
            first = self._first(Decoding(container, track))
            if first.time_s > _LATE_S:
                say(f"{self._path}: its pictures begin {first.time_s:.1f} s after its zero")
            length, begins_s = container.duration, (container.start_time or 0) / 1e6 - zero_of(container)
            if "matroska" in container.format.name:  # it counts from zero, wherever pictures begin
                begins_s = 0.0
            return describe(
                str(self._path),
                first,
                track,
                duration_s=None if length is None else begins_s + length / 1e6,
                at=self._at or created({**track.metadata, **container.metadata}),
            )

    def _first(self, decoding: Decoding) -> Decoded:
        try:
            with closing(decoding.frames()) as frames:
                first = next(frames, None)
        except DataError as error:
            raise DataError(f"{self._path}: {error}") from error
        if first is None:
            raise DataError(f"{self._path} holds no frame that can be decoded; copy it again from the camera")
        return first

    def _read(self, every: int, start_s: float) -> Iterator[Shot]:
        skip = self._packets_before(start_s) if start_s else 0
        develop = Developer()
        with self._open() as container:
            decoding = Decoding(container, self._track(container), skip=skip, start_s=start_s)
            with closing(decoding.frames()) as frames:
                for decoded in frames:
                    self.lost = decoding.lost
                    if decoded.time_s >= start_s and decoded.index % every == 0:
                        yield developed(decoded, develop, decoding)
            self.lost = decoding.lost
            self._tell(decoding)

    def _packets_before(self, start_s: float) -> int:
        """How many packets come before the last frame at or before `start_s` that can be decoded alone.

        Read through, not looked up: seeking is inexact in half of all formats, and frames keep their index.
        """
        with self._open() as container:
            decoding, before = Decoding(container, self._track(container)), 0
            for packet in decoding.read():
                time_s = decoding.seconds(time_of(packet))
                if packet.is_keyframe and time_s <= start_s:
                    before = decoding.packets - 1
                if packet.dts is not None and decoding.seconds(packet.dts) > start_s:
                    break
            return before

    def _tell(self, decoding: Decoding) -> None:
        """What whoever watches should know of a reading that came to its end."""
        claimed = self._about.duration_s or 0.0
        if decoding.broke or claimed - decoding.end_s > _SHORT_S:
            why = f" ({decoding.broke})" if decoding.broke else ""
            says = f", though it says {claimed:.1f} s" if claimed - decoding.end_s > _SHORT_S else ""
            say(f"{self._path} breaks off at {decoding.end_s:.1f} s{says}{why}; it is read up to there")
        if decoding.restarts:
            times = plural(decoding.restarts, "time")
            say(f"{self._path}: its clock falls back {times}, as of joined films; time goes on from there")
        if decoding.lost:
            say(f"{self._path}: {plural(decoding.lost, 'frame')} could not be decoded and were left out")


def developed(decoded: Decoded, develop: Developer, decoding: Decoding) -> Shot:
    """A decoded frame as a shot."""
    return Shot(
        index=decoded.index,
        time_s=decoded.time_s,
        image=develop(decoded.frame, decoding.pixel_aspect),
        lost=decoding.lost,
    )


def describe(
    place: str, first: Decoded, track: VideoStream, *, duration_s: float | None, at: datetime | None
) -> About:
    """What a film is, by its first frame and its track; says aloud what was chosen for it."""
    frame, turn = first.frame, turn_of(first.frame)
    try:
        colour = colour_of(frame)
    except DataError as error:
        raise DataError(f"{place}: {error}") from error
    width = max(1, round(frame.width * float(track.sample_aspect_ratio or 1)))
    width, height = (width, frame.height) if turn.rotation_deg % 180 == 0 else (frame.height, width)
    if colour.chosen:
        say(f"{place}: read as {colour.words}")
    if colour.hdr:
        say(f"{place} is in high dynamic range ({colour.hdr}); what is brighter than white is read as white")
    if frame.interlaced_frame:
        say(f"{place} is interlaced; every second line is read, and the others filled in from them")
    return About(
        place=place,
        duration_s=duration_s,
        width=width,
        height=height,
        rate=float(track.average_rate) if track.average_rate else None,
        codec=track.codec_context.name,
        created=at,
        rotation_deg=turn.rotation_deg,
        mirrored=turn.mirrored,
        interlaced=frame.interlaced_frame,
        colour=colour.words,
    )
