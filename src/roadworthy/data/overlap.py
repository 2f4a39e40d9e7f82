"""The same physical signs, or the same frames, in two sets: near-duplicates of what their boxes hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.core.progress import Progress
from roadworthy.data.groups import HashArray, perceptual_hashes
from roadworthy.data.looks import Look, alike, look_at_all
from roadworthy.data.records import Record

NEAR = 6  # bits of 64: boxes of two sets are seldom drawn alike, and pictures that pass are compared, too


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """What two sets share.

    pairs: (index in a, index in b) of pictures that show the same, the nearest of b for each of a.
    """

    a: tuple[Record, ...]
    b: tuple[Record, ...]
    pairs: tuple[tuple[int, int], ...]

    @property
    def groups(self) -> tuple[int, int]:
        """How many physical signs of each set they are, as far as their groups tell."""
        a = {self.a[i].group or str(i) for i, _ in self.pairs}
        b = {self.b[j].group or str(j) for _, j in self.pairs}
        return len(a), len(b)


def overlap(a: Sequence[Record], b: Sequence[Record], *, progress: Progress | None = None) -> Overlap:
    """The pictures of `a` that `b` has, too, nearly or exactly.

    Compared are small pictures of what each box holds: the same photograph in another size, format or with
    a box drawn a little otherwise is found; the same sign photographed again is not.
    """
    looks_a, _ = look_at_all(a, progress=progress)
    looks_b, _ = look_at_all(b, progress=progress)
    left, right = _shown(looks_a), _shown(looks_b)
    pairs = []
    if left and right:
        hashes_a, hashes_b = _hashes(looks_a, left), _hashes(looks_b, right)
        for row, i in enumerate(left):
            distance = np.bitwise_count(hashes_b ^ hashes_a[row])
            for column in np.argsort(distance, kind="stable")[:5].tolist():
                if distance[column] > NEAR:
                    break
                if alike(looks_a[i].thumb, looks_b[right[column]].thumb):
                    pairs.append((i, right[column]))
                    break
    return Overlap(a=tuple(a), b=tuple(b), pairs=tuple(pairs))


def _shown(looks: dict[int, Look]) -> list[int]:
    """Pictures that show anything: what is of one colour is like all that is."""
    return [index for index, look in looks.items() if not look.flat]


def _hashes(looks: dict[int, Look], indices: Sequence[int]) -> HashArray:
    return perceptual_hashes(np.stack([looks[index].thumb for index in indices]))
