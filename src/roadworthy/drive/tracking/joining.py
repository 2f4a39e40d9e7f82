"""Trails of one physical sign joined: seen from far in flickers, hidden by a truck, and found again.

A tracker ends a trail soon, for it cannot know what comes.  Once all trails are there, one that begins where
an earlier one of the same class should be by then is its continuation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from roadworthy.drive.seen import Seen, Trail
from roadworthy.drive.tracking.approach import Approach, Heading

GAP_S = 2.5  # without a box, after which no sign is taken for the same
OVERLAP_S = 0.5  # in which two trails of one sign may both have boxes
SHRINKS = 0.7  # of the last height, which boxes of few pixels may be off by
MISFIT = 4.0  # standard errors that a continuation may be off


def joined(
    trails: Sequence[Trail],
    sign_of: Callable[[Trail], str],
    headings_of: Callable[[Trail], list[Heading]],
) -> list[Trail]:
    """The trails, those of one sign as one; in the order in which they began.

    sign_of: a trail's class.  headings_of: where the car was heading to in each of its frames.
    A joined trail has the number of its part with the largest box.
    """
    chains: list[_Chain] = []
    for trail in sorted(trails, key=lambda one: (one.seen[0].time_s, one.number)):
        sign, headings = sign_of(trail), headings_of(trail)
        near = [(_misfit(chain, trail, headings), place) for place, chain in enumerate(chains)
                if chain.sign == sign]  # fmt: skip
        misfit, place = min(near, default=(MISFIT, -1))
        if misfit < MISFIT:
            chains[place].add(trail, headings)
        else:
            chains.append(_Chain(sign=sign, parts=[trail], seen=list(trail.seen), headings=headings))
    return [chain.trail() for chain in chains]


@dataclass
class _Chain:
    """Trails taken for one sign.  seen, headings: of all its frames, in order of time."""

    sign: str
    parts: list[Trail]
    seen: list[Seen]
    headings: list[Heading] = field(default_factory=list)

    def add(self, trail: Trail, headings: Sequence[Heading]) -> None:
        both = {one.frame: (one, at) for one, at in zip(self.seen, self.headings, strict=True)}
        for one, at in zip(trail.seen, headings, strict=True):
            # Of two boxes in a frame the surer one is the sign's.
            if one.frame not in both or one.score > both[one.frame][0].score:
                both[one.frame] = (one, at)
        pairs = [both[frame] for frame in sorted(both)]
        self.seen, self.headings = [one for one, _ in pairs], [at for _, at in pairs]
        self.parts.append(trail)

    def trail(self) -> Trail:
        if len(self.parts) == 1:
            return self.parts[0]
        clearest = max(self.parts, key=lambda part: max(one.height_px for one in part.seen))
        last = max(self.parts, key=lambda part: part.seen[-1].time_s)
        shifts = tuple((at.dx, at.dy) for at in self.headings)
        return Trail(number=clearest.number, seen=tuple(self.seen), left=last.left, shifts=shifts)


def _misfit(chain: _Chain, trail: Trail, headings: Sequence[Heading]) -> float:
    """How far a trail's first box after a chain is from where the sign should be, in standard errors."""
    last, begin_s = chain.seen[-1], trail.seen[0].time_s
    if not -OVERLAP_S <= begin_s - last.time_s <= GAP_S:
        return MISFIT
    after = next((place for place, one in enumerate(trail.seen) if one.time_s > last.time_s), None)
    # What is driven up to shrinks for no one: a smaller box is of the next sign.
    if after is None or trail.seen[after].height_px < SHRINKS * last.height_px:
        return MISFIT
    approach = Approach(chain.seen, chain.headings)
    if approach.passing_s is not None and trail.seen[after].time_s > approach.passing_s:
        return MISFIT
    return approach.misfit(trail.seen[after], headings[after])
