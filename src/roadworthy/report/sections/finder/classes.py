"""Every class: what of it is found and read, and what is surely and wrongly read as it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.core.document import Block, Text
from roadworthy.report.finder_words import in_hundredths
from roadworthy.report.sections.base import FINDER_SECTIONS, number_table, section
from roadworthy.report.sections.run import FinderRun


@section(
    "classes",
    title="Classes",
    order=60,
    registry=FINDER_SECTIONS,
    shows=("per_class", "found_and_read", "found_and_read_sure"),
)
def classes(run: FinderRun) -> list[Block]:
    """Those with the costliest mistakes first, then those of which least is read."""
    per_class: Mapping[str, Mapping[str, Any]] = run.metrics["per_class"]
    if not per_class:
        return []

    def place(name: str) -> tuple[float, float, str]:
        one = per_class[name]
        return -one["danger"], 2.0 if one["read"] is None else one["read"], name

    rows = [
        (
            name,
            f"{one['recall_n']:,}",
            in_hundredths(one, "recall"),
            in_hundredths(one, "read"),
            f"{one['sure']:,}",
            f"{one['sure_wrong']:,}",
            f"{one['danger']:g}",
        )
        for name, one in ((name, per_class[name]) for name in sorted(per_class, key=place))
    ]
    columns = ["class", "signs", "found, % (95 %)", "read right too, % (95 %)", "sure", "wrong", "cost"]
    return [
        Text(
            text="At the model's own threshold. Sure: so many boxes were read as the class and accepted. "
            "Wrong: so many of these are no such sign. Cost: these, weighed by what they could do."
        ),
        number_table("Every class", columns, rows, collapsed=len(rows) > 30),
    ]
