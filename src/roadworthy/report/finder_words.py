"""What a finder's metrics.json says, in words that its report and a terminal share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from roadworthy.core.words import hundredths, interval, percent, plural
from roadworthy.report.verdict import SPLITS

HEADLINE_RATE = 0.1  # false alarms a frame, at which the first sentence tells recall
FEWEST = 5  # signs of a size, below which nothing is said to be weak
KINDS = {
    "nothing": "on nothing",
    "beside": "beside a sign, overlapping it too little",
    "twice": "on a sign that another box has",
    "misread": "on a sign of another class",
}
ROWS = {  # of the danger table
    "missed_priority": "a missed stop, give-way or no-entry",
    "limit_far_too_high": "a limit far too high",
    "limit_too_high": "a limit too high",
    "limit_too_low": "a limit too low",
    "limit_ended": "a limit taken for its end",
    "limit_lost": "a lost limit",
    "missed_prohibition": "a missed prohibition",
    "missed_crossing": "a missed crossing",
    "wrong_side": "the wrong side",
    "false_end": "a false end",
    "false_right_of_way": "a false right of way",
    "false_limit": "a false limit",
    "false_priority": "a false stop, give-way or no-entry",
    "other": "another mistake",
}


def finder_verdict(metrics: Mapping[str, Any]) -> str:
    """For somebody who reads no further: how much is found at which price, and what is sure and wrong."""
    if not metrics["signs"]:
        return f"There is no sign to be found in {measured(metrics)}; {_false(metrics)}.{_sure(metrics)}"
    point = headline(metrics)
    low, high = (hundredths(end, 1) for end in point["recall_ci95"])
    return (
        f"It finds {percent(point['recall'], 1)} of {plural(metrics['signs'], 'sign')} "
        f"in {measured(metrics)} at {point['false_per_frame']:g} false alarms a frame "
        f"(95 % interval {low} to {high} %, {taken(metrics)}){_weakest(point)}.{_sure(metrics)}"
    )


def headline(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """The entry of `recall_at` that stands first: at HEADLINE_RATE, else the first there is."""
    points: Sequence[Mapping[str, Any]] = metrics["recall_at"]
    return next((one for one in points if one["false_per_frame"] == HEADLINE_RATE), points[0])


def measured(metrics: Mapping[str, Any]) -> str:
    """What was measured on: `150 test frames`; drawings are never taken for photographs."""
    drawn = "drawn " if metrics.get("drawn") else ""
    split = "" if metrics.get("undivided") else f"{SPLITS.get(metrics['split'], metrics['split'])} "
    return plural(metrics["frames"], f"{drawn}{split}frame")


def taken(metrics: Mapping[str, Any]) -> str:
    """What the intervals take as independent."""
    if metrics["interval_over"] == "sequences":
        return f"over {plural(metrics['sequences'], 'sequence')}"
    return "each frame taken as independent"


def size_name(row: Mapping[str, Any]) -> str:
    """A class of size, by the larger side: `16 to 24 px`, `128 px and more`, `under 8 px`, `all`."""
    low, high = row["low"], row["high"]
    if high is None:
        return f"{low:g} px and more" if low else "all sizes"
    return f"{low:g} to {high:g} px" if low else f"under {high:g} px"


def signs_of(row: Mapping[str, Any]) -> str:
    """The signs of a class of size: `signs of 16 to 24 px`, `signs under 8 px`."""
    return f"signs {'' if row['low'] == 0 and row['high'] is not None else 'of '}{size_name(row)}"


def in_hundredths(row: Mapping[str, Any], name: str) -> str:
    """A share with its interval, shorter, where the heading has the percent sign: `93.1 (89 to 96)`."""
    if row.get(name) is None:
        return "–"
    ends = row.get(f"{name}_ci95")
    said = hundredths(row[name], 1)
    return said if ends is None else f"{said} ({hundredths(ends[0], 0)} to {hundredths(ends[1], 0)})"


def share(row: Mapping[str, Any], name: str, digits: int = 1) -> str:
    """A share with its interval: `93.1 % (89.0 to 95.9 %)`; a dash where it is not defined."""
    if row.get(name) is None:
        return "–"
    ends = row.get(f"{name}_ci95")
    return percent(row[name], digits) + ("" if ends is None else f" ({interval(ends, digits)})")


def number(row: Mapping[str, Any], name: str, digits: int = 3) -> str:
    """A number with its interval: `0.08 (0.041 to 0.12)`; a dash where it is not defined."""
    if row.get(name) is None:
        return "–"
    ends = row.get(f"{name}_ci95")
    said = f"{row[name]:.{digits}g}"
    return said if ends is None else f"{said} ({ends[0]:.{digits}g} to {ends[1]:.{digits}g})"


def doubts(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Why the figures may flatter the model, or say less than they seem to."""
    if metrics["split"] == "val":
        yield "These frames are those of validation: what was chosen by them is flattered by these figures."
    yield from (str(warning["text"]) for warning in metrics.get("warnings") or ())
    if metrics.get("trained_on"):
        seen = plural(metrics["trained_on"], "frame")
        yield f"{seen} of these were trained on: the figures flatter the model."
    if metrics["signs"] and any(not point["reached"] for point in metrics["recall_at"]):
        end = metrics["free_response_end"]
        yield (
            f"The boxes given end at {end:.3g} false alarms a frame: what is told at more than that could be "
            "higher with boxes of lower scores."
        )


def _weakest(point: Mapping[str, Any]) -> str:
    known = [row for row in point["recall_by_size"] if row["recall_n"] >= FEWEST]
    if not known:
        return ""
    row = min(known, key=lambda row: (row["recall"], row["low"]))
    if row["recall"] == 1:
        return "; no size is missed"
    return f"; it is weakest on {signs_of(row)}, of which it finds {percent(row['recall'], 1)}"


def _sure(metrics: Mapping[str, Any]) -> str:
    """What a driver would be told wrongly."""
    if metrics["sure_wrong_per_frame"] is None:
        return ""
    frames, wrong = metrics["frames"], metrics["sure_wrong"]
    if not wrong:
        most = metrics["sure_wrong_per_frame_ci95"][1]
        return f" No box is sure and wrong (95 % interval up to {most:.2g} a frame)."
    some = round(metrics["frames_with_sure_wrong"] * frames)
    boxes = "a sure box that is wrong" if wrong == some else "sure boxes that are wrong"
    return f" {plural(some, 'frame')} of {frames:,} {'has' if some == 1 else 'have'} {boxes}."


def _false(metrics: Mapping[str, Any]) -> str:
    return f"it has {number(metrics, 'false_per_frame')} false alarms a frame"
