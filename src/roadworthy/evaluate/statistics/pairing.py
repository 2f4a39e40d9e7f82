"""Stored predictions of two arms laid side by side, picture by picture.  numpy only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np

from roadworthy.core.answers import StoredAnswers
from roadworthy.core.arrays import FloatArray
from roadworthy.core.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """Two arms on the pictures that all of their networks were measured on.

    a, b: (S, N) 1 where the network of a seed is right, else 0.  paths, groups, targets: (N,), the last by
    name.  left_out: pictures that some of the networks, but not all, were measured on.
    classes: how many the networks tell apart, the fewest of them.
    unnamed_frames: how many pictures show one sign, where that is known and which do is not; else None.
    """

    a: FloatArray
    b: FloatArray
    paths: tuple[str, ...]
    groups: tuple[str, ...]
    targets: tuple[str, ...]
    left_out: int
    classes: int
    unnamed_frames: float | None = None

    @property
    def signs(self) -> int | None:
        """How many physical signs the pictures show; None where nothing is known of that."""
        if self.unnamed_frames is not None:
            return round(len(self.paths) / self.unnamed_frames)
        return len(set(self.groups)) if all(self.groups) else None


def pair(folders_a: Sequence[Path], folders_b: Sequence[Path]) -> Pairing:
    """The stored predictions of as many run or evaluation folders of either arm.

    Raises CheckpointError for a folder without predictions, DataError where no picture is common to all,
    a picture has two true classes, or the arms have different numbers of folders.
    """
    if len(folders_a) != len(folders_b) or not folders_a:
        raise DataError(
            f"{len(folders_a)} and {len(folders_b)} folders arrived; a comparison needs as many of either arm"
        )
    stored = [StoredAnswers.read(folder) for folder in (*folders_a, *folders_b)]
    tables = list(map(_table, stored))
    common = reduce(lambda one, other: one & other.keys(), tables[1:], set(tables[0]))
    if not common:
        raise DataError(
            f"{folders_a[0]} and {folders_b[0]} have no picture in common; "
            "compare runs that were measured on the same split"
        )
    paths = [path for path in tables[0] if path in common]
    for folder, table in zip((*folders_a, *folders_b), tables, strict=True):
        other = next((path for path in paths if table[path][0] != tables[0][path][0]), None)
        if other is not None:
            raise DataError(
                f"{other} shows {tables[0][other][0]} in {folders_a[0]} and {table[other][0]} in {folder}; "
                "the same pictures need the same classes"
            )
    right = np.array([[table[path][2] for path in paths] for table in tables], np.float64)
    groups = tuple(tables[0][path][1] for path in paths)
    return Pairing(
        a=right[: len(folders_a)],
        b=right[len(folders_a) :],
        paths=tuple(paths),
        groups=groups,
        targets=tuple(tables[0][path][0] for path in paths),
        left_out=len(set().union(*tables)) - len(paths),
        classes=min(len(one.classes) for one in stored),
        unnamed_frames=None if any(groups) else _frames_per_sign(folders_a[0]),
    )


def _frames_per_sign(folder: Path) -> float | None:
    """How many pictures show one sign, as the measurement in that folder has it; None where it does not."""
    try:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        n, signs = metrics["n"], metrics["signs_estimated"]
    except (OSError, ValueError, KeyError):
        return None
    return float(n / signs)


def _table(stored: StoredAnswers) -> dict[str, tuple[str, str, bool]]:
    """By path: true class, physical sign, whether it was read right."""
    right = stored.right.tolist()
    targets = [stored.classes[target] for target in stored.targets]
    rows = zip(stored.paths, targets, stored.groups, right, strict=True)
    return {path: (target, group, ok) for path, target, group, ok in rows}
