"""Precision, recall and F1 of every class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.core.document import Block, Text
from roadworthy.core.words import interval, percent, plural
from roadworthy.report import figures
from roadworthy.report.sections.base import number_table, section
from roadworthy.report.sections.run import Run


@section("classes", title="Classes", order=70, shows=("per_class",))
def classes(run: Run) -> list[Block]:
    """Every class's precision, recall and F1, the lowest recall first."""
    per_class: Mapping[str, Mapping[str, Any]] = run.metrics["per_class"]
    rows = [
        (
            name,
            f"{values['n']:,}",
            percent(values["precision"]),
            percent(values["recall"]),
            interval(values["recall_ci95"], digits=1),
            percent(values["f1"]),
        )
        for name, values in per_class.items()
    ]
    columns = ["class", "n", "precision", "recall", "95 % interval of the recall", "F1"]
    measured = [
        figures.Interval(name=name, value=v["recall"], low=v["recall_ci95"][0], high=v["recall_ci95"][1])
        for name, v in per_class.items()
        if v["recall"] is not None and v["recall_ci95"] is not None
    ]
    measured.sort(key=lambda row: (row.value, row.low))
    blocks: list[Block] = []
    if measured:
        worst = measured[0]
        whole = sum(row.value == 1 for row in measured)
        perfect = (
            f"{whole} of {plural(len(measured), 'class')} without a miss"
            if whole
            else "Every class has misses"
        )
        alt = (
            f"{perfect if whole else 'Every class has misses'}. Lowest recall: {worst.name}, "
            f"{percent(worst.value)} ({interval((worst.low, worst.high), 1)})."
        )
        blocks = [
            Text(text=alt),
            figures.interval_chart(
                name="recall",
                caption="Recall of each class with its 95 % Wilson interval, pictures taken as independent",
                alt=alt,
                rows=measured,
            ),
        ]
    return [*blocks, number_table("Every class", columns, rows)]
