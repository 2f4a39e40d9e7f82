"""Recall by the size of the signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roadworthy.core.document import Block, Text
from roadworthy.report import figures
from roadworthy.report.finder_words import FEWEST, headline, in_hundredths, share, size_name
from roadworthy.report.sections.base import FINDER_SECTIONS, number_table, section
from roadworthy.report.sections.run import FinderRun


@section(
    "sizes",
    title="By size",
    order=30,
    registry=FINDER_SECTIONS,
    shows=("recall_by_size", "recall_from", "mean_overlap"),
)
def sizes(run: FinderRun) -> list[Block]:
    """Bars of recall with their intervals, and a table at every number of false alarms a frame."""
    m = run.metrics
    if not m["recall_by_size"]:
        return []
    point, points = headline(m), m["recall_at"]
    rows = [*m["recall_from"], *m["recall_by_size"]]
    at = [[*one["recall_from"], *one["recall_by_size"]] for one in points]
    cells = [
        (size_name(row), f"{row['recall_n']:,}", *(in_hundredths(one[i], "recall") for one in (*at, rows)))
        for i, row in enumerate(rows)
    ]
    return [
        Text(text=_said(point)),
        _chart(point),
        number_table(
            "Share of the signs found, in percent (95 %), by the false alarms a frame that are allowed",
            ["larger side", "signs", *(f"{one['false_per_frame']:g}" for one in points), "own threshold"],
            cells,
        ),
    ]


def _said(point: Mapping[str, Any]) -> str:
    known = [row for row in point["recall_by_size"] if row["recall_n"] >= FEWEST]
    few = (
        f" Sizes with fewer than {FEWEST} signs say little."
        if len(known) < len(point["recall_by_size"])
        else ""
    )
    return (
        "A sign's size is its larger side in pixels of the frame. The threshold is the same for all sizes: "
        f"its false alarms are those of all boxes.{few}"
    )


def _chart(point: Mapping[str, Any]) -> Block:
    rows: Sequence[Mapping[str, Any]] = point["recall_by_size"]
    rate = f"{point['false_per_frame']:g} false alarms a frame"
    said = "; ".join(f"{size_name(row)} {share(row, 'recall')} of {row['recall_n']:,}" for row in rows)
    # What is read right is of the signs of known class: a part of the bar where that is all of them.
    return figures.share_chart(
        name="sizes",
        caption=f"Share of the signs found at {rate}, by the larger side, with 95 % intervals",
        alt=f"Recall by size at {rate}: {said}.",
        rows=[
            figures.Share(
                name=size_name(row),
                n=row["recall_n"],
                value=row["recall"],
                low=row["recall_ci95"][0],
                high=row["recall_ci95"][1],
                part=row["read"] if row["read_n"] == row["recall_n"] else None,
            )
            for row in rows
        ],
        whole="found",
        part="read right",
    )
