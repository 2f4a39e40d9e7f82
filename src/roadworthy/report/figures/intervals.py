"""Estimates with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.core.document import Figure
from roadworthy.core.words import percent
from roadworthy.report.figures.scales import scale, tick_percent, ticks
from roadworthy.report.figures.svg import (
    BLUE,
    NARROW,
    RULE,
    SOFT,
    circle,
    figure,
    line,
    text,
    text_width,
)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """One row of an interval chart: an estimate and the interval about it, all fractions."""

    name: str
    value: float
    low: float
    high: float


def interval_chart(*, name: str, caption: str, alt: str, rows: Sequence[Interval]) -> Figure:
    """A dot with its interval for each row, on one percentage axis."""
    width, top, pitch, bottom = NARROW, 8, 22, 30
    left = 12 + max(text_width(row.name) for row in rows)
    x_ticks = ticks(min(row.low for row in rows), max(row.high for row in rows), about=4)
    x = scale(x_ticks[0], x_ticks[-1], left, width - 74)
    base = top + pitch * len(rows)
    parts = []
    for tick in x_ticks:
        parts += [
            line(x(tick), top, x(tick), base, RULE),
            text(x(tick), base + 18, tick_percent(tick), anchor="middle", fill=SOFT, size=12),
        ]
    for i, row in enumerate(rows):
        y = top + pitch * (i + 0.5)
        parts += [
            text(left - 10, y + 4, row.name, anchor="end"),
            line(x(row.low), y, x(row.high), y, BLUE, width=2.5),
            *(line(x(end), y - 4, x(end), y + 4, BLUE, width=1.5) for end in (row.low, row.high)),
            circle(x(row.value), y, 4, BLUE),
            text(width, y + 4, percent(row.value), anchor="end", size=12),
        ]
    return figure(name, caption, alt, width, base + bottom, parts)
