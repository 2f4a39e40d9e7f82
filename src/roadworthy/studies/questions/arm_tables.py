"""Recall by class, confusion matrices and courses of a study's arms, from what trainings stored."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from roadworthy.core.arrays import FloatArray
from roadworthy.core.document import Cell, Column, DataTable
from roadworthy.core.predictions import Predictions
from roadworthy.core.words import plural
from roadworthy.evaluate.metrics import confusion_matrix
from roadworthy.studies.results import ArmResult, Curve, Curves, StudyResult

MOST_CLASSES = 60  # a larger matrix is no longer legible


def place_name(domain: str) -> str:
    """What a reader calls it."""
    return domain or "the test"


def mean_counts(arm: ArmResult, folder: Path, domain: str = "") -> tuple[tuple[str, ...], FloatArray]:
    """Classes, and pictures of each true class (row) by answer (column), mean over trainings."""
    counts = []
    for run in arm.runs:
        said = Predictions.read(folder / run.folder / domain)
        counts.append(confusion_matrix(said.targets, said.logits.argmax(axis=1), len(said.classes)))
    return said.classes, np.mean(counts, axis=0, dtype=np.float64)


def recall_by_class(result: StudyResult, folder: Path, names: Sequence[str], domain: str = "") -> DataTable:
    """A row an arm: how much of each class is read correctly there; classes without pictures left out."""
    found = [(name, *mean_counts(result.arm(name), folder, domain)) for name in names]
    classes, first = found[0][1], found[0][2]
    there = np.flatnonzero(first.sum(axis=1))
    rows: list[tuple[Cell, ...]] = [
        (name, *((counts.diagonal() / np.maximum(counts.sum(axis=1), 1))[there].tolist()))
        for name, _, counts in found
    ]
    return DataTable(
        caption=f"Recall by class on {place_name(domain)}; means over trainings",
        columns=(
            Column("arm"),
            *(Column(f"{classes[i]}, n = {first[i].sum():,.0f}", "share", 1) for i in there),
        ),
        rows=tuple(rows),
    )


def confusions_of(arm: ArmResult, folder: Path, domain: str = "") -> list[DataTable]:
    """The confusion matrix of an arm, to be drawn; none where there are too many classes."""
    classes, counts = mean_counts(arm, folder, domain)
    if len(classes) > MOST_CLASSES:
        return []
    mean = "" if len(arm.runs) == 1 else f", mean over {plural(len(arm.runs), 'training')}"
    return [
        DataTable(
            caption=f"Confusion matrix on {place_name(domain)}: {arm.name}{mean}",
            columns=(Column("class"), *(Column(name, "number", 1) for name in classes)),
            rows=tuple((name, *row) for name, row in zip(classes, counts.tolist(), strict=True)),
            drawn="confusion",
        )
    ]


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
