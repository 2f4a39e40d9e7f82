"""Boxes of one frame after another, put together to trails: one for each physical sign.

Kept trackers lose a small sign that moves by most of its size between frames (docs/results/drive.md), and
count frames where seconds matter; this one foretells each box from how signs are driven up to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from roadworthy.core.arrays import FloatArray
from roadworthy.drive.seen import Seen, Trail
from roadworthy.drive.tracking.approach import LATEST, Approach, Heading

LOST_S = 0.7  # without a box, after which a trail ends
_GATE = 4.0  # standard errors
_SAME_ANSWER = 0.4  # weight of how alike two answers are, against standard errors
MOST = 3000  # boxes of a trail; the car waits before a sign, and hours of that must fit into memory


class Tracker:
    """Trails in the making.

    width, height: of the frames, in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._open: list[_Open] = []
        self._begun = 0

    def update(
        self, time_s: float, boxes: Sequence[Seen], shift: tuple[float, float] = (0.0, 0.0)
    ) -> list[Trail]:
        """The trails that have ended, now that a frame shows these boxes.

        time_s: of the frame, after those before.  shift: by how many pixels what is far away stands further
        right and lower than in the first frame, because the camera has turned.
        """
        ended = self._closed(time_s, shift)
        free = set(range(len(boxes)))
        for trail, number, heading in self._pairs(boxes, shift):
            trail.add(boxes[number], heading, shift)
            free.remove(number)
        first = Heading(x=self._size[0] / 2, y=self._size[1] / 2)
        for number in sorted(free):
            trail = _Open(number=self._begun, seen=[boxes[number]], headings=[first], shift=shift)
            self._open.append(trail)
            self._begun += 1
        return ended

    def finish(self) -> list[Trail]:
        """The trails that are still open; the film is over."""
        ended, self._open = self._open, []
        return [trail.ended(left=False) for trail in ended]

    def current(self) -> list[Trail]:
        """The trails that are open, as far as they go."""
        return [trail.ended(left=False) for trail in self._open]

    def latest(self) -> list[tuple[int, Seen]]:
        """Of each open trail its number and its last box."""
        return [(trail.number, trail.seen[-1]) for trail in self._open]

    def thin(self, most: int) -> None:
        """Let no open trail keep more than so many boxes: of those before the latest half every second goes.

        For drives without end: a car that stands sees the same sign for hours.
        """
        for trail in self._open:
            if len(trail.seen) > most:
                del trail.seen[1 : -(most // 2) : 2], trail.headings[1 : -(most // 2) : 2]

    def _pairs(self, boxes: Sequence[Seen], shift: tuple[float, float]) -> list[tuple[_Open, int, Heading]]:
        """Trails, the boxes that continue them and the headings by which they do, the best fit first."""
        costs = []
        for place, trail in enumerate(self._open):
            for which, heading in enumerate(trail.headings_now(shift)):
                for number, box in enumerate(boxes):
                    cost = _cost(trail, box, heading)
                    if cost < math.inf:
                        costs.append((cost, place, number, which, heading))
        pairs: list[tuple[_Open, int, Heading]] = []
        taken: tuple[set[int], set[int]] = (set(), set())
        for _, place, number, _, heading in sorted(costs, key=lambda cost: cost[:4]):
            if place not in taken[0] and number not in taken[1]:
                taken[0].add(place)
                taken[1].add(number)
                pairs.append((self._open[place], number, heading))
        return pairs

    def _closed(self, time_s: float, shift: tuple[float, float]) -> list[Trail]:
        ended, going = [], []
        for trail in self._open:
            missing_s = time_s - trail.seen[-1].time_s
            out = missing_s > 0 and all(
                self._outside(trail, time_s, heading) for heading in trail.headings_now(shift)
            )
            if out or missing_s > LOST_S:
                ended.append(trail.ended(left=out))
            else:
                going.append(trail)
        self._open = going
        return ended

    def _outside(self, trail: _Open, time_s: float, heading: Heading) -> bool:
        """Whether a sign should have left the picture by now."""
        at = trail.approach.foretell(time_s, heading)
        room = at.height / 2
        width, height = self._size
        return not (-room < at.x < width + room and -room < at.y < height + room)


@dataclass
class _Open:
    """A trail in the making.

    shift: of the camera when it was last seen.  answer: (C,) mean probabilities of its class so far.
    """

    number: int
    seen: list[Seen]
    headings: list[Heading]
    shift: tuple[float, float]
    answer: FloatArray = field(init=False)
    _approach: Approach | None = None

    def __post_init__(self) -> None:
        self.answer = _probabilities(self.seen[0])

    def headings_now(self, shift: tuple[float, float]) -> tuple[Heading, ...]:
        """Where the car may be heading to: as the camera's turning says, or as before.

        What is near and bright at night is taken for the camera's turning, so that is not believed alone.
        """
        last = self.headings[-1]
        turned = replace(last, dx=last.dx + shift[0] - self.shift[0], dy=last.dy + shift[1] - self.shift[1])
        return (turned,) if turned == last else (turned, last)

    def add(self, box: Seen, heading: Heading, shift: tuple[float, float]) -> None:
        self.seen.append(box)
        self.headings.append(heading)
        self.shift = shift
        if len(self.seen) > MOST:  # every second of those before the latest goes
            self.seen[:-LATEST] = self.seen[:-LATEST:2]
            self.headings[:-LATEST] = self.headings[:-LATEST:2]
        # Later boxes are larger, so they say more.
        self.answer = 0.7 * self.answer + 0.3 * _probabilities(box)
        self._approach = None

    @property
    def approach(self) -> Approach:
        """Its lines, fitted once after each box."""
        if self._approach is None:
            self._approach = Approach(self.seen[-LATEST:], self.headings[-LATEST:])
        return self._approach

    def ended(self, *, left: bool) -> Trail:
        shifts = tuple((heading.dx, heading.dy) for heading in self.headings)
        return Trail(number=self.number, seen=tuple(self.seen), left=left, shifts=shifts)


def _cost(trail: _Open, box: Seen, heading: Heading) -> float:
    """How badly a box continues a trail; infinite where it cannot."""
    misfit = trail.approach.misfit(box, heading)
    if misfit > _GATE:
        return math.inf
    alike = float(np.sqrt(trail.answer * _probabilities(box)).sum())  # 1 for the same, 0 for nothing shared
    return misfit - _SAME_ANSWER * math.log(max(alike, 1e-3))


def _probabilities(box: Seen) -> FloatArray:
    shifted = np.exp(box.logits - box.logits.max())
    return np.asarray(shifted / shifted.sum())
