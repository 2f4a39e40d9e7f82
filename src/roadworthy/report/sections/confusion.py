"""The confusion matrix, drawn and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from roadworthy.core.arrays import IntArray
from roadworthy.core.document import Block, Figure, Table, Text
from roadworthy.report import figures
from roadworthy.report.sections.base import section
from roadworthy.report.sections.run import Run

MATRIX_CLASSES = 60  # a larger confusion matrix is no longer legible


@section("confusion", title="Confusion", order=60, shows=("confusion", "confused"))
def confusion(run: Run) -> list[Block]:
    """What was read as what: the most confused pairs, the matrix, and the matrix in words."""
    labels = list(run.metrics["confusion"]["labels"])
    counts: IntArray = np.asarray(run.metrics["confusion"]["counts"], dtype=np.int64)
    wrong = counts - np.diag(np.diag(counts))
    worst = [(labels[r], labels[c], int(wrong[r, c])) for r, c in zip(*wrong.nonzero(), strict=True)]
    worst.sort(key=lambda row: -row[2])
    said = f"{int(wrong.sum()):,} of {int(counts.sum()):,} answers are wrong."
    return [
        Text(text=said if wrong.any() else "Every answer is right."),
        *_pairs(
            run.metrics.get("confused") or [{"target": t, "predicted": p, "count": n} for t, p, n in worst]
        ),
        _matrix(labels, counts, wrong, said, worst),
        _in_words(labels, counts, wrong),
    ]


def _pairs(confused: Sequence[Mapping[str, Any]]) -> list[Block]:
    rows = [(str(row["target"]), str(row["predicted"]), f"{row['count']:,}") for row in confused[:10]]
    if not rows:
        return []
    columns = ("true class", "read as", "times")
    return [Table(caption="Most confused pairs", columns=columns, rows=tuple(rows), align_right=(2,))]


def _matrix(
    labels: Sequence[str],
    counts: IntArray,
    wrong: IntArray,
    said: str,
    worst: Sequence[tuple[str, str, int]],
) -> Figure:
    shown = _most_confused(wrong, MATRIX_CLASSES)
    some = f" ({len(shown)} of {len(labels)} classes, those with most mistakes)"
    part = some if len(shown) < len(labels) else ""
    pairs = "; ".join(f"{t} read as {p} {n} times" for t, p, n in worst[:3])
    return figures.confusion_chart(
        name="confusion",
        caption=f"Confusion matrix: rows are the truth, blue is right, orange is wrong{part}",
        alt=said + (f" Most often: {pairs}." if pairs else ""),
        labels=[labels[i] for i in shown],
        counts=counts[np.ix_(shown, shown)],
    )


def _in_words(labels: Sequence[str], counts: IntArray, wrong: IntArray) -> Table:
    rows = []
    for r, label in enumerate(labels):
        others = sorted(((int(n), labels[c]) for c, n in enumerate(wrong[r]) if n), reverse=True)
        read = ", ".join(f"{name} ({n:,})" for n, name in others)
        rows.append((label, f"{counts[r].sum():,}", f"{counts[r, r]:,}", read or "–"))
    return Table(
        caption="The confusion matrix in words",
        columns=("true class", "n", "right", "read as"),
        rows=tuple(rows),
        align_right=(1, 2),
        collapsed=True,
    )


def _most_confused(wrong: IntArray, most: int) -> list[int]:
    """The rows to draw, in their order: all, or the `most` that are wrong or wrongly answered most often."""
    weight = wrong.sum(axis=0) + wrong.sum(axis=1)
    return sorted(np.argsort(-weight, kind="stable")[:most].tolist())
