"""What was measured of a finder, as lines of text: a terminal and report.txt show the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.core.words import percent, plural
from roadworthy.report.columns import WIDTH, Facts, aligned, folded, short, table
from roadworthy.report.finder_words import (
    KINDS,
    doubts,
    finder_verdict,
    headline,
    measured,
    number,
    share,
    size_name,
    taken,
)

MOST_CLASSES, MOST_WRONG = 20, 10


def finder_facts(metrics: Mapping[str, Any]) -> Facts:
    """The figures that a script reads: names and what is to be said of each."""
    facts = [("frames", f"{measured(metrics)} with {plural(metrics['signs'], 'sign')}; {taken(metrics)}")]
    if metrics["signs"]:
        point = headline(metrics)
        facts += [
            ("found", f"{share(point, 'recall', 2)} at {point['false_per_frame']:g} false alarms a frame"),
            ("AP50", number(metrics, "ap50", 4)),
        ]
    facts += [
        ("false alarms", f"{number(metrics, 'false_per_frame')} a frame, {_threshold(metrics)}"),
        ("precision", f"{share(metrics, 'precision')} of {plural(metrics['precision_n'], 'box')}"),
    ]
    if metrics["sure_wrong_per_frame"] is not None:
        facts += [
            (
                "read right",
                f"{share(metrics, 'found_and_read')} of {plural(metrics['found_and_read_n'], 'sign')}",
            ),
            ("sure, wrong", f"{number(metrics, 'sure_wrong_per_frame')} boxes a frame"),
        ]
    if metrics["ms_per_frame"] is not None:
        facts.append(("time", f"{number(metrics, 'ms_per_frame')} ms a frame, median"))
    return facts + [("beware", doubt) for doubt in doubts(metrics)]


def finder_text(metrics: Mapping[str, Any], *, width: int = WIDTH) -> str:
    """All that a person wants to know at once.

    metrics: a finder's metrics.json.
    Verdict, figures, recall by size, classes, and what is sure and wrong.
    """
    parts = [
        folded(finder_verdict(metrics), width),
        aligned(finder_facts(metrics), width),
        _sizes(metrics),
        _classes(metrics),
        _wrong(metrics),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _threshold(metrics: Mapping[str, Any]) -> str:
    if metrics["threshold"] is None:
        return "all boxes given"
    return f"at the model's own threshold of {metrics['threshold']:.4g}"


def _sizes(metrics: Mapping[str, Any]) -> list[str]:
    """Recall by size, at each number of false alarms a frame and at the model's own threshold."""
    if not metrics["signs"]:
        return []
    points = metrics["recall_at"]
    columns = [
        {"low": 0.0, "high": None, "recall": one["recall"], "recall_n": one["recall_n"]}
        for one in (*points, metrics)
    ]
    # Classes of size are the same at every threshold: all that have signs.
    rows = [columns, *zip(*(one["recall_from"] for one in (*points, metrics)), strict=True)]
    rows += zip(*(one["recall_by_size"] for one in (*points, metrics)), strict=True)
    cells = [
        (size_name(row[0]), f"{row[0]['recall_n']:,}", *(percent(one["recall"], 1) for one in row))
        for row in rows
    ]
    head = ("larger side", "signs", *(f"{one['false_per_frame']:g}" for one in points), "own")
    return ["Found, by false alarms a frame and at the model's own threshold", *table(head, cells)]


def _classes(metrics: Mapping[str, Any]) -> list[str]:
    """The classes with the most that is sure and wrong, then those with the most signs."""
    per_class = metrics["per_class"]
    if not per_class:
        return []
    order = sorted(
        per_class, key=lambda name: (-per_class[name]["danger"], -per_class[name]["recall_n"], name)
    )
    cells = [
        (
            short(name),
            f"{one['recall_n']:,}",
            percent(one["recall"], 1),
            percent(one["read"], 1),
            f"{one['sure']:,}",
            f"{one['sure_wrong']:,}",
            f"{one['danger']:g}",
        )
        for name, one in ((name, per_class[name]) for name in order[:MOST_CLASSES])
    ]
    more = len(per_class) - MOST_CLASSES
    title = "Classes" if more <= 0 else f"Classes ({MOST_CLASSES} of {len(per_class)}, the costliest first)"
    return [title, *table(("", "signs", "found", "read", "sure", "wrong", "cost"), cells)]


def _wrong(metrics: Mapping[str, Any]) -> list[str]:
    """What is sure and wrong, the costliest first."""
    rows = metrics["sure_wrong_as"]
    if not rows:
        return []
    some = "" if len(rows) <= MOST_WRONG else f" ({MOST_WRONG} of {len(rows)} sorts)"
    return [
        f"Sure and wrong, the costliest first{some}",
        *(
            f"{one['count']:>6,}  {short(one['predicted'])}: {KINDS[one['kind']]}"
            + (f", {short(one['shown'])}" if one["kind"] != "nothing" and one["shown"] else "")
            for one in rows[:MOST_WRONG]
        ),
    ]
