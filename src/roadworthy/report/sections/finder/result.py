"""The result: what was asked, the figures that count and how sure they are, and what is to be doubted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.core.document import Block, Facts, Text
from roadworthy.core.words import interval, percent, plural
from roadworthy.report.finder_words import doubts, headline, measured
from roadworthy.report.sections.base import FINDER_SECTIONS, section, weights_used
from roadworthy.report.sections.run import FinderRun


@section(
    "result",
    title="Result",
    order=10,
    registry=FINDER_SECTIONS,
    shows=("split", "task", "undivided", "drawn", "warnings", "trained_on", "weights", "best_epoch"),
)
def result(run: FinderRun) -> list[Block]:
    """The task, the headline figures, and every reason to doubt them, and what was said of the data."""
    m = run.metrics
    asked = Text(text=f"{_asked(run)} {weights_used(run)}".strip())
    facts = [*_found(m), *_false(m), *_said(m), *_time(m)]
    return [
        asked,
        Facts(items=tuple(facts), headline=len(facts)),
        *(Text(text=text, tone="warning") for text in doubts(m)),
        *(Text(text=str(note)) for note in run.data.get("notes") or ()),
    ]


def _asked(run: FinderRun) -> str:
    """The task in a sentence."""
    m = run.metrics
    where = f"{measured(m)} of {run.data['spec']} with {plural(m['signs'], 'sign')}"
    by = "" if not run.predictions.read_too else ", and read by a reader"
    if run.config is None:
        return f"Measure how well signs are found in {where}{by}."
    return (
        f"Train {run.config.model.name} for {run.config.train.budget}, then measure it once on {where}{by}."
    )


def _found(m: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not m["signs"]:
        return []
    point = headline(m)
    return [
        (
            f"found at {point['false_per_frame']:g} false alarms a frame",
            f"{percent(point['recall'], 1)}\n"
            f"95 % over {m['interval_over']}: {interval(point['recall_ci95'], 1)}",
        ),
        ("AP50", f"{m['ap50']:.3f}\n{_ends(m['ap50_ci95'])}"),
    ]


def _false(m: Mapping[str, Any]) -> list[tuple[str, str]]:
    at = "of all boxes given" if m["threshold"] is None else f"at the threshold {m['threshold']:.3g}"
    return [("false alarms a frame", f"{m['false_per_frame']:.3g}\n{at}; {_ends(m['false_per_frame_ci95'])}")]


def _said(m: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a reader said of what was found."""
    if m["sure_wrong_per_frame"] is None:
        return []
    read = (
        "found and read right",
        f"{percent(m['found_and_read'], 1)}\nof {plural(m['found_and_read_n'], 'sign')} of known class; "
        f"95 %: {interval(m['found_and_read_ci95'], 1)}",
    )
    wrong = round(m["frames_with_sure_wrong"] * m["frames"])
    return [
        *([read] if m["found_and_read_n"] else []),
        (
            "frames with a sure wrong box",
            f"{percent(m['frames_with_sure_wrong'], 1)}\n{wrong:,} of {m['frames']:,}; "
            f"95 %: {interval(m['frames_with_sure_wrong_ci95'], 1)}",
        ),
    ]


def _time(m: Mapping[str, Any]) -> list[tuple[str, str]]:
    if m["ms_per_frame"] is None:
        return []
    slow = f"median; 95 % of frames within {m['ms_per_frame_p95']:.3g} ms"
    return [("time a frame", f"{m['ms_per_frame']:.3g} ms\n{slow}")]


def _ends(ends: list[float] | None) -> str:
    return "no interval: nothing varies" if ends is None else f"95 %: {ends[0]:.3g} to {ends[1]:.3g}"
