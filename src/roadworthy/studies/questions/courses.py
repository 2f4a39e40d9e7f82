"""How trainings went, epoch by epoch, from their history.csv; means over seeds."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from roadworthy.studies.results import ArmResult, Curve, Curves, StudyResult


def course(arm: ArmResult, folder: Path, column: str) -> dict[int, float]:
    """A column of history.csv by epoch, over the epochs that all trainings have; mean over trainings.

    Empty where a training kept no history, or it lacks the column.
    """
    found = [_column(folder / run.folder / "history.csv", column) for run in arm.runs]
    shared = set.intersection(*map(set, found)) if found else set()
    return {epoch: float(np.mean([one[epoch] for one in found])) for epoch in sorted(shared)}


def last(arm: ArmResult, folder: Path, column: str) -> float | None:
    """The column's last value in each training, mean over them; None where one has none."""
    found = [_column(folder / run.folder / "history.csv", column) for run in arm.runs]
    if not found or not all(found):
        return None
    return float(np.mean([one[max(one)] for one in found]))


def _column(path: Path, column: str) -> dict[int, float]:
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["epoch"], row.get(column)) for row in csv.DictReader(file)]
    known = {int(epoch): float(value) for epoch, value in rows if value}
    return {epoch: value for epoch, value in known.items() if math.isfinite(value)}


def overlaid(
    result: StudyResult,
    folder: Path,
    arms: Sequence[str],
    *,
    column: str,
    name: str,
    caption: str,
    log: bool = False,
) -> list[Curves]:
    """The courses of these arms in one chart; none where no training kept what it takes."""
    known = {arm.name for arm in result.arms}
    lines = []
    for arm in arms:
        found = course(result.arm(arm), folder, column) if arm in known else {}
        if found:
            nothing = (None,) * len(found)
            lines.append(
                Curve(
                    name=arm,
                    xs=tuple(map(float, found)),
                    ys=tuple(found.values()),
                    lows=nothing,
                    highs=nothing,
                )
            )
    if not lines:
        return []
    return [Curves(name=name, caption=caption, x_label="epochs", curves=tuple(lines), log=log)]
