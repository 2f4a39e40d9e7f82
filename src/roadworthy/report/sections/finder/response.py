"""What is found, at which price: recall against false alarms a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.core.document import Block, Figure, Text
from roadworthy.core.words import percent
from roadworthy.report import figures
from roadworthy.report.finder_words import in_hundredths, size_name
from roadworthy.report.sections.base import FINDER_SECTIONS, number_table, section
from roadworthy.report.sections.run import FinderRun


@section(
    "response",
    title="Found, and false alarms",
    order=20,
    registry=FINDER_SECTIONS,
    shows=("free_response", "free_response_end", "recall_at", "threshold", "recall", "false_per_frame"),
)
def response(run: FinderRun) -> list[Block]:
    """The free-response curve, and a table of recall at so many false alarms a frame."""
    m = run.metrics
    if not m["signs"]:
        return [Text(text="There is no sign to be found in these frames.")]
    rows = [_row(one, f"{one['false_per_frame']:g}", m["frames"]) for one in m["recall_at"]]
    own = {**m, "false": round(m["false_per_frame"] * m["frames"])}
    rows.append(_row(own, f"{m['false_per_frame']:.3g}, the model's own", m["frames"]))
    return [
        Text(
            text="A threshold decides which boxes count. A lower one finds more signs and has more false "
            "alarms: boxes that are no sign, loose ones and second ones on a sign among them. The thresholds "
            "in the table were chosen on these very frames; their intervals hold that choice."
        ),
        *_figure(m),
        number_table(
            "Share of the signs found, in percent (95 %), by the false alarms a frame that are allowed",
            [
                "false alarms a frame",
                "threshold",
                "of them here",
                "all signs",
                "16 px and more",
                "24 px and more",
            ],
            rows,
        ),
    ]


def _row(one: Mapping[str, Any], name: str, frames: int) -> tuple[str, ...]:
    larger = {row["low"]: row for row in one["recall_from"]}
    threshold = one["threshold"]
    return (
        name,
        "–" if threshold is None else f"{threshold:.4g}",
        f"{one['false']:,} in {frames:,}",
        in_hundredths(one, "recall"),
        *(in_hundredths(larger[low], "recall") if low in larger else "–" for low in (16.0, 24.0)),
    )


def _figure(m: Mapping[str, Any]) -> list[Figure]:
    lines = [one for one in m["free_response"] if one["n"]]
    if not m["free_response_end"]:
        return []  # without a false alarm there is no curve
    said = ", ".join(f"{percent(one['recall'], 1)} at {one['false_per_frame']:g}" for one in m["recall_at"])
    return [
        figures.free_response_chart(
            name="free-response",
            caption="Share of the signs found, by the false alarms a frame that are allowed and by size",
            alt=f"Recall against false alarms a frame, a line for each size. Of all signs {said} are found.",
            lines=[
                figures.Response(
                    name=f"{size_name(one)} ({one['n']:,})",
                    false_per_frame=tuple(one["false_per_frame"]),
                    recall=tuple(one["recall"]),
                )
                for one in lines
            ],
            end=m["free_response_end"],
            mark=(m["false_per_frame"], "own threshold"),
        )
    ]
