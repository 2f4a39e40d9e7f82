"""Which class a model answered for each picture: all that is needed to count what is right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from roadworthy.core.arrays import BoolArray, IntArray
from roadworthy.core.errors import CheckpointError, ShapeError


@dataclass(frozen=True, kw_only=True)
class StoredAnswers:
    """What a model answered for N pictures, however sure it was.

    answers, targets: (N,) integers in [0, C).  paths: (N,).
    groups: (N,) the physical sign that each shows; empty strings where that is unknown.
    """

    classes: tuple[str, ...]
    answers: IntArray
    targets: IntArray
    paths: tuple[str, ...]
    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        n = len(self.targets)
        if not n == len(self.answers) == len(self.paths) == len(self.groups):
            raise ShapeError(
                f"answers do not fit together: {len(self.answers)} answers, {n} targets, "
                f"{len(self.paths)} paths, {len(self.groups)} groups"
            )
        for values in (self.answers, self.targets):
            if n and not 0 <= values.min() <= values.max() < len(self.classes):
                raise ShapeError(f"answers or targets lie outside the {len(self.classes)} classes")

    @property
    def right(self) -> BoolArray:
        """(N,) whether each was read right."""
        found: BoolArray = self.answers == self.targets
        return found

    @classmethod
    def read(cls, folder: Path) -> StoredAnswers:
        """Those of a run or evaluation folder, of one too that kept nothing else of its predictions.

        Raises CheckpointError where there are none.
        """
        if not folder.exists():
            raise CheckpointError(f"there is no folder {folder}")
        path = folder / "predictions.npz"
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls(
                    classes=tuple(stored["classes"].tolist()),
                    answers=stored["answers"] if "answers" in stored else stored["logits"].argmax(axis=1),
                    targets=stored["targets"],
                    paths=tuple(stored["paths"].tolist()),
                    groups=tuple(stored["groups"].tolist()),
                )
        except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise CheckpointError(f"{path} holds no stored answers: {error}") from error
