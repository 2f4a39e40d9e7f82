"""annotated.mp4: the film with what was found in it, written frame by frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from types import TracebackType

from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.film.shots import Film, Shot
from roadworthy.drive.film.write import FilmWriter, write_film
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.output.annotate import COUNTRIES, BoxNow, annotated, limit_at
from roadworthy.drive.seen import Seen, Trail

BoxesOf = Mapping[int, Sequence[BoxNow]] | Callable[[int], Sequence[BoxNow]]
FILL_S = 0.3
"""Between two sightings no further apart than this, a box is where a straight line between them has it."""
_USUAL_RATE = 30.0


class AnnotatedFilm:
    """Writes annotated.mp4 from frames as they come; one at a time.  Use it as a context.

    Where the block raises, the file stays as it was.  Frames that are not later than the one before are left
    out, as players leave them out.
    path: of the film.  rate: frames a second, a hint to players.  duration_s: of the whole film, for the
    time line; None where nobody knows yet, which gives a line that ends now.
    countries: whose faces signs have.
    Raises UsageError where the file cannot be written, DataError where no frame came.
    """

    def __init__(
        self,
        path: Path,
        *,
        rate: float | None = None,
        duration_s: float | None = None,
        countries: tuple[str, ...] = COUNTRIES,
    ) -> None:
        self._path, self._rate = path, rate or _USUAL_RATE
        self._duration_s, self._countries = duration_s, countries
        self._stack = ExitStack()
        self._writer: FilmWriter | None = None
        self._latest_s = -math.inf
        self.frames = 0

    def __enter__(self) -> AnnotatedFilm:
        self._writer = self._stack.enter_context(write_film(self._path, self._rate))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, error, trace)

    def add(self, shot: Shot, boxes: Sequence[BoxNow], limits: tuple[LimitRow, ...]) -> None:
        """Draw a frame and write it.

        boxes: what it shows.  limits: of the whole film, or what is known of them by now.
        """
        if self._writer is None:
            raise RuntimeError("AnnotatedFilm is written to within its `with` block only")
        if shot.time_s < 0 or round(shot.time_s, 4) <= round(self._latest_s, 4):
            return
        picture = annotated(
            shot.image,
            boxes,
            limit_at(limits, shot.time_s),
            time_s=shot.time_s,
            duration_s=self._duration_s or shot.time_s,
            limits=limits,
            countries=self._countries,
        )
        self._writer.write(picture, shot.time_s)
        self._latest_s = shot.time_s
        self.frames += 1


def write_annotated(
    film: Film,
    per_frame: BoxesOf,
    limits: Iterable[LimitRow],
    path: Path,
    *,
    every: int = 1,
    countries: tuple[str, ...] = COUNTRIES,
    tick: Callable[[float], None] = lambda time_s: None,
) -> int:
    """Read a film (again) and write it to `path` with its boxes and limits; how many frames were written.

    per_frame: the boxes by the frame's index, as `boxes_by_frame` gives them, or a function of the index.
    every: as of `Film.shots`.  tick: called with the time of each frame, for progress.
    """
    limits = tuple(limits)
    about = film.about()
    duration_s = about.duration_s or max((row.to_s for row in limits), default=None)
    rate = about.rate / every if about.rate else None
    boxes = per_frame if callable(per_frame) else lambda index: per_frame.get(index, ())
    with AnnotatedFilm(path, rate=rate, duration_s=duration_s, countries=countries) as out:
        for shot in film.shots(every=every):
            out.add(shot, boxes(shot.index), limits)
            tick(shot.time_s)
    return out.frames


def boxes_by_frame(signs: Iterable[tuple[DriveEvent, Trail]]) -> dict[int, list[BoxNow]]:
    """What each frame shows, by its index, of all events with their trails.

    Frames between two sightings of a sign (those that the drive did not look at) get its box, too, where
    the sightings are at most FILL_S apart.
    """
    frames: dict[int, list[BoxNow]] = {}
    for event, trail in signs:
        for seen, after in pairwise((*trail.seen, None)):
            assert seen is not None  # only the last pair ends in None
            frames.setdefault(seen.frame, []).append(_box(event, seen))
            if after is not None and after.time_s - seen.time_s <= FILL_S:
                for frame in range(seen.frame + 1, after.frame):
                    part = (frame - seen.frame) / (after.frame - seen.frame)
                    frames.setdefault(frame, []).append(_box(event, seen, after, part))
    return frames


def _box(event: DriveEvent, seen: Seen, after: Seen | None = None, part: float = 0.0) -> BoxNow:
    end = seen if after is None else after
    x1, y1, x2, y2 = (a + (b - a) * part for a, b in zip(seen.box, end.box, strict=True))
    return BoxNow(
        box=(x1, y1, x2, y2),
        sign=event.sign,
        confidence=event.confidence,
        accepted=event.accepted,
        counts=event.counts,
    )
