"""A finished study's wrong answers, counted in what is kept of its trainings.  numpy alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roadworthy.core.answers import StoredAnswers
from roadworthy.core.arrays import IntArray
from roadworthy.report.study import Tree


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A finished study: its results.json and the folder that holds it."""

    tree: Tree
    folder: Path

    @property
    def quick(self) -> bool:
        """Whether it was a quick look, which settles nothing."""
        return bool(self.tree["asked"].get("quick"))


def confusion(one: Finished, arm: str) -> tuple[tuple[str, ...], IntArray] | None:
    """Classes and counts of true class by answer, over all trainings of an arm; None where none is kept."""
    classes: tuple[str, ...] = ()
    counts = np.zeros((0, 0), dtype=np.int64)
    for said in _answers(one, arm):
        if not classes:
            classes, counts = said.classes, np.zeros((len(said.classes),) * 2, dtype=np.int64)
        np.add.at(counts, (said.targets, said.answers), 1)
    return (classes, counts) if classes else None


def misread(one: Finished, arm: str) -> tuple[Counter[tuple[str, str]], int] | None:
    """How often each class was taken for another, and in how many trainings; None where none is kept."""
    found = confusion(one, arm)
    if found is None:
        return None
    classes, counts = found
    wrong = Counter(
        {
            (classes[row], classes[column]): int(counts[row, column])
            for row, column in zip(*counts.nonzero(), strict=True)
            if row != column
        }
    )
    return wrong, sum(1 for _ in _answers(one, arm))


def _answers(one: Finished, arm: str) -> Iterator[StoredAnswers]:
    for own in one.tree["arms"]:
        for run in own["runs"] if own["name"] == arm else ():
            if (one.folder / run["folder"] / "predictions.npz").is_file():
                yield StoredAnswers.read(one.folder / run["folder"])
