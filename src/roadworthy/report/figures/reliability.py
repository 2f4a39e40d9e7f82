"""Accuracy against confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.core.document import Figure
from roadworthy.core.words import percent
from roadworthy.report.figures.scales import scale, tick_percent
from roadworthy.report.figures.svg import (
    BLUE,
    NARROW,
    ORANGE,
    RULE,
    SOFT,
    circle,
    figure,
    line,
    rect,
    text,
)


@dataclass(frozen=True, kw_only=True)
class Bin:
    """One bin of a reliability diagram; confidence, accuracy and its interval are fractions."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    accuracy_ci95: tuple[float, float]


def reliability_chart(*, name: str, caption: str, alt: str, bins: Sequence[Bin]) -> Figure:
    """Accuracy against confidence with intervals, over a histogram of the confidences."""
    width, left, right, top, side, gap, low_height = NARROW, 58, 12, 12, 300, 34, 80
    x = scale(0, 1, left, width - right)
    y = scale(0, 1, top + side, top)
    floor = top + side + gap + low_height
    share = scale(0, 1, floor, floor - low_height)
    total = max(1, sum(b.n for b in bins))
    parts = [line(x(0), y(0), x(1), y(1), SOFT, dash="5 4", width=1.2)]
    parts.append(text(x(0.62) + 10, y(0.62) + 30, "as right as sure", fill=SOFT, size=12))
    for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts += [
            line(left, y(tick), width - right, y(tick), RULE, width=0.8),
            text(left - 8, y(tick) + 4, tick_percent(tick), anchor="end", fill=SOFT, size=12),
            text(
                x(tick),
                floor + 18,
                tick_percent(tick),
                anchor="end" if tick == 1 else "middle",
                fill=SOFT,
                size=12,
            ),
        ]
    parts += [
        text(left, floor + 36, "confidence", fill=SOFT, size=12),
        text(left + 6, top + 12, "accuracy", fill=SOFT, size=12),
        text(left, floor - low_height - 8, "share of the pictures", fill=SOFT, size=12),
        line(left, floor, width - right, floor, SOFT),
    ]
    for b in bins:
        if not b.n:
            continue
        between = f"{tick_percent(b.low)} to {tick_percent(b.high)}"
        hint = f"confidence {between}: {b.n:,} pictures, {percent(b.accuracy, 1)} right"
        height = max(floor - share(b.n / total), 1.0)
        at, fraction = x(b.confidence), b.n / total
        parts += [
            rect(x(b.low) + 1, floor - height, x(b.high) - x(b.low) - 2, height, BLUE, 0.75, hint),
            line(at, y(b.accuracy_ci95[0]), at, y(b.accuracy_ci95[1]), ORANGE, width=2),
            circle(at, y(b.accuracy), 4.5, ORANGE),
        ]
        if fraction >= 0.1:
            parts.append(text(x(b.low) - 4, floor - height + 12, percent(fraction, 0), anchor="end", size=12))
    return figure(name, caption, alt, width, floor + 44, parts)
