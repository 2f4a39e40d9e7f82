"""Whether the model is as often right as it is sure."""

from __future__ import annotations

from roadworthy.core.document import Block, Text
from roadworthy.core.words import interval, percent, points
from roadworthy.report import figures
from roadworthy.report.sections.base import number_table, section
from roadworthy.report.sections.run import Run


@section("confidence", title="Confidence", order=80, shows=("reliability",))
def confidence(run: Run) -> list[Block]:
    """Confidence against accuracy, bin by bin."""
    m = run.metrics
    bins = [
        figures.Bin(
            low=b["lo"],
            high=b["hi"],
            n=b["n"],
            confidence=b["confidence"],
            accuracy=b["accuracy"],
            accuracy_ci95=tuple(b["accuracy_ci95"]),
        )
        for b in m.get("reliability") or []
        if b["n"]
    ]
    if not bins:
        return []
    confidence = sum(b.n * b.confidence for b in bins) / sum(b.n for b in bins)
    text = (
        f"On average the model is {percent(confidence)} sure and {percent(m['accuracy'])} right; "
        f"bin by bin the two differ by {points(m['ece'], signed=False)} percentage points (ECE)."
    )
    if m.get("temperature") is not None:
        text += f" Confidences come from logits divided by {m['temperature']:.3f}, chosen on validation."
    rows = [
        (
            interval((b.low, b.high), 0),
            f"{b.n:,}",
            percent(b.confidence),
            percent(b.accuracy),
            interval(b.accuracy_ci95, 1),
        )
        for b in bins
    ]
    top = bins[-1]
    alt = (
        f"{text} In the highest bin ({interval((top.low, top.high), 0)}) lie {top.n:,} pictures, "
        f"{percent(top.accuracy)} of them right."
    )
    columns = ["confidence between", "n", "mean confidence", "accuracy", "95 % interval"]
    caption = "Reliability: above the line right more often than claimed, below it less often"
    return [
        Text(text=text),
        figures.reliability_chart(name="reliability", caption=caption, alt=alt, bins=bins),
        number_table("Reliability in figures (empty bins left out)", columns, rows, collapsed=True),
    ]
