"""What a drawn film shows of each sign, gathered while its frames are painted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from roadworthy.core.arrays import Box
from roadworthy.render.drive.canvas import Shown

LEAST_PX = 8.0  # a sign counts as shown from this height on
LEAST_VISIBLE = 0.5
_KEPT_PX, _KEPT_VISIBLE = 4.0, 0.05  # of what is written down frame by frame


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A sign in a frame: frame, box x1, y1, x2, y2 in px, the whole sign's height in px, visible share."""

    frame: int
    box: Box
    whole_px: float
    visible: float

    @property
    def counts(self) -> bool:
        """Whether it is as large and as free as a sign that is to be found."""
        return self.whole_px >= LEAST_PX and self.visible >= LEAST_VISIBLE


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A sign that the film shows.

    number: of the sign.  sights: all frames in which something of it is seen.  first, last: the frames from
    and to which it counts.  frames: how many do.  best: the sight in which it is largest and free.
    """

    number: int
    sights: tuple[Sight, ...]
    first: int
    last: int
    frames: int
    best: Sight


class Diary:
    """Takes the signs of frames, in order."""

    def __init__(self) -> None:
        self._sights: dict[int, list[Sight]] = defaultdict(list)

    def note(self, frame: int, shown: tuple[Shown, ...]) -> None:
        """Write down what a frame shows."""
        for one in shown:
            if one.whole_px >= _KEPT_PX and one.visible >= _KEPT_VISIBLE:
                sight = Sight(frame=frame, box=one.box, whole_px=one.whole_px, visible=min(1.0, one.visible))
                self._sights[one.number].append(sight)

    def passages(self) -> Iterator[Passage]:
        """The signs that count in a frame or more, by number."""
        for number, sights in sorted(self._sights.items()):
            counted = [sight for sight in sights if sight.counts]
            if counted:
                yield Passage(
                    number=number,
                    sights=tuple(sights),
                    first=counted[0].frame,
                    last=counted[-1].frame,
                    frames=len(counted),
                    best=max(counted, key=lambda one: (round(one.visible, 1) >= 0.9, one.whole_px)),
                )
