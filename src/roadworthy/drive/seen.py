"""What a drive is made of before it is known what it means: a sign in one frame, and in many."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.core.arrays import Box, FloatArray

AT_LEAST = 2  # frames that show a sign, below which it is a flicker


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """A sign as one frame shows it.

    frame: the index of its shot.  time_s: seconds of the film.  box: x1, y1, x2, y2 in pixels of the frame.
    logits: (C,) of the reader.  score: how sure it is that the box shows a sign, in [0, 1].
    sharpness: of what the box shows, 0 for none; comparable among the frames of one film alone.
    """

    frame: int
    time_s: float
    box: Box
    logits: FloatArray
    score: float
    sharpness: float = 1.0

    @property
    def height_px(self) -> float:
        """Of its box."""
        return self.box[3] - self.box[1]

    @property
    def width_px(self) -> float:
        """Of its box."""
        return self.box[2] - self.box[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class Trail:
    """One physical sign through the frames that show it, in order of time.

    number: of the drive's trails, from 0, in the order in which they began.
    left: whether it left the picture at an edge, as signs do that are passed.
    shifts: of each of `seen`, by how many pixels what is far away stood further right and lower than in the
    first frame, because the camera had turned; empty where nobody knows.
    """

    number: int
    seen: tuple[Seen, ...]
    left: bool = False
    shifts: tuple[tuple[float, float], ...] = ()
