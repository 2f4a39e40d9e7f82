"""What every film gives, whatever it is read from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from PIL import Image, ImageOps

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import UsageError
from roadworthy.core.notes import say


@dataclass(frozen=True, kw_only=True, eq=False)
class Shot:
    """One frame of a film.

    index: its place among the film's frames in the order shown, from 0; frames that are lost keep theirs.
    time_s: seconds from the film's zero, which need not be the first frame.
    image: (H, W, 3) uint8 RGB, upright, as a player shows it; all of a film's are of one size.
    lost: how many frames of the same reading before it could not be decoded.
    """

    index: int
    time_s: float
    image: ByteArray
    lost: int = 0


@dataclass(frozen=True, kw_only=True)
class About:
    """What a film says of itself.

    duration_s: seconds from its zero to its end; None where it has no end, or does not say.
    width, height: of its frames as shown, in pixels.  rate: frames a second on average; None where unknown.
    created: when its zero was, with time zone, as given or as the film says; many cameras write local time
    as if it were UTC.
    rotation_deg: by how much frames are turned clockwise to stand upright; before that they are swapped left
    to right where mirrored.  colour: in words, how levels became RGB.
    """

    place: str
    duration_s: float | None
    width: int
    height: int
    rate: float | None
    codec: str
    created: datetime | None
    rotation_deg: int
    mirrored: bool
    interlaced: bool
    colour: str


class Film(ABC):
    """A film that is open for reading; iterate over it for its shots, and close it, or use it as a context.

    lost: frames that could not be decoded, so far, in the latest reading.
    """

    def __init__(self) -> None:
        self.lost = 0

    def __iter__(self) -> Iterator[Shot]:
        return self.shots()

    def shots(self, *, every: int = 1, start_s: float = 0.0) -> Iterator[Shot]:
        """The frames in the order shown, from the first at or after `start_s`.

        every: only frames whose index is a multiple of it.  Where reading begins changes no frame, no index
        and no time.  A film that breaks off ends there, and a note says so; frames of another size than the
        film's are fitted into it, and a note says that, too.
        Raises UsageError on settings out of range, DataError where the film can no longer be opened.
        """
        if every < 1:
            raise UsageError(f"every is {every}; it must be at least 1")
        if not 0 <= start_s < float("inf"):
            raise UsageError(f"start_s is {start_s}; it must be 0 or more seconds")
        self.lost = 0
        return self._of_one_size(self._read(every, start_s))

    def _of_one_size(self, shots: Iterator[Shot]) -> Iterator[Shot]:
        """Frames of another size (joined films, folders of two cameras) between black bars."""
        about = self.about()
        width, height = about.width, about.height
        for shot in shots:
            if shot.image.shape[:2] == (height, width):
                yield shot
                continue
            had = f"{shot.image.shape[1]} x {shot.image.shape[0]}"
            say(f"{about.place} holds frames of {had}, too; they are fitted into {width} x {height}")
            fitted = ImageOps.pad(Image.fromarray(shot.image), (width, height), Image.Resampling.BILINEAR)
            yield replace(shot, image=np.asarray(fitted))

    @abstractmethod
    def _read(self, every: int, start_s: float) -> Iterator[Shot]: ...

    @abstractmethod
    def about(self) -> About:
        """What the film says of itself, and how it is read."""

    def close(self) -> None:
        """Let go of files and devices; a film that is closed is not read again."""
        return

    def __enter__(self) -> Film:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
