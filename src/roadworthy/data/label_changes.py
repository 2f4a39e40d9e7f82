"""What a person changed in proposed labels, box by box."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

import numpy as np

from roadworthy.core.arrays import Box
from roadworthy.core.boxes import as_boxes, overlaps
from roadworthy.data.frames import Annotation, Frame

Kind = Literal["kept", "moved", "renamed", "moved and renamed", "added", "removed"]
KINDS: tuple[Kind, ...] = ("kept", "moved", "renamed", "moved and renamed", "added", "removed")
UNTOUCHED = 0.9  # intersection over union: tools round, some to whole pixels
ONE_SIGN = 0.25  # from which a box is one that was moved, and not another


@dataclass(frozen=True, kw_only=True)
class Change:
    """One box before and after.

    box: after, of one that was removed before.  overlap: of the two, 0 where there are not two.
    """

    path: str
    kind: Kind
    box: Box
    before: str
    after: str
    overlap: float


def changes(
    before: Sequence[Frame], after: Sequence[Frame], *, untouched: float = UNTOUCHED
) -> tuple[list[Change], list[str]]:
    """What became of every box, frame by frame, and the frames before that are not among those after.

    Frames are the same where their paths end alike.  Of those that are missing nothing is said: what was not
    exported is not removed.  Boxes that are to be ignored have no part in it.
    untouched: least intersection over union of a box that counts as left where it was.
    """
    found: list[Change] = []
    later = by_name(after)
    missing = []
    for frame in before:
        twin = twin_of(frame, later)
        if twin is None:
            missing.append(frame.path)
        else:
            found += _of_frame(frame, twin, untouched)
    return found, missing


def by_name(frames: Sequence[Frame]) -> Mapping[str, list[Frame]]:
    """Frames by their files' names without suffix, for `twin_of`."""
    found: dict[str, list[Frame]] = {}
    for frame in frames:
        found.setdefault(PurePath(frame.path).stem, []).append(frame)
    return found


def twin_of(frame: Frame, others: Mapping[str, list[Frame]]) -> Frame | None:
    """The frame of the same name; of several, the one whose path has most of its last parts alike."""
    candidates = others.get(PurePath(frame.path).stem, ())
    return max(candidates, key=lambda other: _alike(frame.path, other.path), default=None)


def _alike(a: str, b: str) -> int:
    """How many parts of two paths are alike from the end, file names aside."""
    count = 0
    for x, y in zip(PurePath(a).parts[-2::-1], PurePath(b).parts[-2::-1], strict=False):
        if x != y:
            break
        count += 1
    return count


def _of_frame(before: Frame, after: Frame, untouched: float) -> list[Change]:
    old, new = before.wanted, after.wanted
    shares = overlaps(as_boxes([one.box for one in old]), as_boxes([one.box for one in new]))
    pairs = _pairs(shares, [[a.label == b.label for b in new] for a in old])
    found = [
        Change(
            path=before.path,
            kind=_kind(old[i], new[j], float(shares[i, j]), untouched),
            box=new[j].box,
            before=old[i].label,
            after=new[j].label,
            overlap=float(shares[i, j]),
        )
        for i, j in sorted(pairs)
    ]
    gone = sorted(set(range(len(old))) - {i for i, _ in pairs})
    came = sorted(set(range(len(new))) - {j for _, j in pairs})
    found += [_alone(before.path, "removed", old[i]) for i in gone]
    return found + [_alone(before.path, "added", new[j]) for j in came]


def _pairs(shares: np.ndarray, alike: Sequence[Sequence[bool]]) -> list[tuple[int, int]]:
    """Boxes before and after that are one, the nearest first; of equals the one of the same class."""
    candidates = [(int(i), int(j)) for i, j in np.argwhere(shares >= ONE_SIGN)]
    candidates.sort(key=lambda p: (-round(float(shares[p]), 3), not alike[p[0]][p[1]], p))
    pairs: list[tuple[int, int]] = []
    taken: tuple[set[int], set[int]] = (set(), set())
    for i, j in candidates:
        if i not in taken[0] and j not in taken[1]:
            taken[0].add(i)
            taken[1].add(j)
            pairs.append((i, j))
    return pairs


def _kind(before: Annotation, after: Annotation, share: float, untouched: float) -> Kind:
    moved, other = share < untouched, before.label != after.label
    if moved and other:
        return "moved and renamed"
    return "moved" if moved else "renamed" if other else "kept"


def _alone(path: str, kind: Kind, one: Annotation) -> Change:
    removed = kind == "removed"
    return Change(
        path=path,
        kind=kind,
        box=one.box,
        before=one.label if removed else "",
        after="" if removed else one.label,
        overlap=0.0,
    )


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long a person takes, in seconds a box; assumptions, to be set to one's own.

    draw_s: to draw and name a box by hand.  fix_s: to move, rename or remove one.  check_s: to see that one
    is right.
    """

    draw_s: float = 10.0
    fix_s: float = 5.0
    check_s: float = 1.0

    def hours(self, counts: Mapping[str, int]) -> tuple[float, float]:
        """Hours by hand, and hours with proposals, by how many boxes of each kind there are.

        The time to look at a frame for what is missing is the same in both and left out.
        """
        after = sum(counts.get(kind, 0) for kind in KINDS if kind != "removed")
        fixed = sum(counts.get(kind, 0) for kind in ("moved", "renamed", "moved and renamed", "removed"))
        helped = counts.get("kept", 0) * self.check_s + counts.get("added", 0) * self.draw_s
        helped += fixed * (self.fix_s + self.check_s)
        return after * self.draw_s / 3600, helped / 3600


def counted(found: Sequence[Change]) -> dict[str, int]:
    """How many boxes of each kind."""
    counts = Counter(one.kind for one in found)
    return {kind: counts[kind] for kind in KINDS}
