"""Everything else that was measured, with n and interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.core.document import Block, Facts, Table, Text
from roadworthy.report.finder_words import number, share, taken
from roadworthy.report.sections.base import FINDER_SECTIONS, section, shown_metrics
from roadworthy.report.sections.run import FinderRun
from roadworthy.report.tables import in_words

SHARES = {
    "recall": "signs found",
    "precision": "boxes that are signs (precision)",
    "found_and_read": "found and read right, of the signs of known class",
    "found_and_read_sure": "the same, and accepted",
    "frames_with_sure_wrong": "frames with a sure wrong box",
}
NUMBERS = {
    "ap50": "AP50, by COCO's 101 points",
    "ap50_all_points": "AP50, by all points",
    "false_per_frame": "false alarms a frame",
    "sure_wrong_per_frame": "sure wrong boxes a frame",
    "ms_per_frame": "ms a frame, median",
}
FURTHER = {
    "frames": "frames",
    "sequences": "sequences",
    "signs": "signs to be found",
    "signs_named": "of these of known class",
    "boxes": "boxes at the model's own threshold",
    "ignored": "boxes in ignored regions, not counted",
    "overlap": "intersection over union from which a sign is found",
    "mean_overlap": "mean overlap of the signs found",
    "ms_per_frame_p95": "ms a frame, 95th percentile",
    "danger_per_100": "danger-weighted cost of sure mistakes per 100 frames",
    "train_images": "training frames",
}
_IN_TABLE = {f"{name}{ending}" for name in (*SHARES, *NUMBERS) for ending in ("", "_n", "_ci95")}


@section(
    "measures",
    title="Measured",
    order=90,
    registry=FINDER_SECTIONS,
    shows=(*sorted(_IN_TABLE), "interval_over"),
)
def measures(run: FinderRun) -> list[Block]:
    """A table of every figure, and facts."""
    m = run.metrics
    rows = [
        (name, share(m, key, 2), f"{m[f'{key}_n']:,}") for key, name in SHARES.items() if m[key] is not None
    ]
    rows += [
        (name, number(m, key, 4), f"{m[f'{key}_n']:,}") for key, name in NUMBERS.items() if m[key] is not None
    ]
    return [
        Text(text=f"Intervals are 95 %, {taken(m)}. {_HOW}"),
        Table(
            caption="Every figure at the model's own threshold, average precision aside",
            columns=("measure", "value (95 %)", "n"),
            rows=tuple(rows),
            align_right=(1, 2),
        ),
        Facts(items=tuple(_further(m))),
    ]


_HOW = (
    "Shares of signs, boxes and frames have Wilson's interval, or a bootstrap over sequences where these are "
    "known; figures a frame and average precision a bootstrap. Where nothing is seen in n frames, the "
    "interval ends at 3.69 / n."
)


def _further(m: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Counts, and whatever else no section shows in its own way."""
    shown = shown_metrics(finder=True) - set(FURTHER)
    for name, value in m.items():
        if name not in shown and isinstance(value, str | int | float):
            yield FURTHER.get(name, name.replace("_", " ")), in_words(value)
