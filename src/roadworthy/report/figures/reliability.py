"""Accuracy against confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.core.document import Figure
from roadworthy.core.words import interval, percent
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
    share = scale(0, 1, floor, floor - low_height + 16)  # above the tallest bar its figure has room
    total = max(1, sum(b.n for b in bins))
    parts = [line(x(0), y(0), x(1), y(1), SOFT, dash="5 4", width=1.2)]
    parts.append(text(x(0.1) + 12, y(0.1) + 10, "as right as sure", fill=SOFT, size=12))
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
    shown = [b for b in bins if b.n]
    for b in shown:
        hint = f"confidence {interval((b.low, b.high), 0)}: {b.n:,} pictures, {percent(b.accuracy, 1)} right"
        height = max(floor - share(b.n / total), 1.0)
        at = x(b.confidence)
        parts += [
            rect(x(b.low) + 1, floor - height, x(b.high) - x(b.low) - 2, height, BLUE, 0.75, hint),
            line(at, y(b.accuracy_ci95[0]), at, y(b.accuracy_ci95[1]), ORANGE, width=2),
            circle(at, y(b.accuracy), 4.5, ORANGE),
        ]
    for b in _labelled(shown, total):
        middle = x((b.low + b.high) / 2)
        parts.append(text(middle, share(b.n / total) - 4, percent(b.n / total, 0), anchor="middle", size=12))
    return figure(name, caption, alt, width, floor + 44, parts)


def _labelled(bins: Sequence[Bin], total: int) -> list[Bin]:
    """The bins whose share is written above them: a tenth or more, and more than either neighbour's."""
    # Figures of neighbours would run into each other: a bin is narrower than they are.
    large = [b for b in bins if b.n >= 0.1 * total]
    return [
        b
        for b in large
        if not any(other.n > b.n or (other.n == b.n and other.low < b.low) for other in _beside(b, large))
    ]


def _beside(one: Bin, bins: Sequence[Bin]) -> list[Bin]:
    """The bins whose middle lies within two widths of a bin's."""
    reach = 2 * (one.high - one.low)
    return [b for b in bins if b is not one and abs(b.low - one.low) < reach]
