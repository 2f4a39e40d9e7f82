"""Shares of several sets as bars, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.core.document import Figure
from roadworthy.core.words import interval, percent
from roadworthy.report.figures.scales import Scale, scale, tick_percent
from roadworthy.report.figures.svg import (
    BLUE,
    INK,
    NARROW,
    RULE,
    SOFT,
    figure,
    line,
    rect,
    text,
    text_width,
)

PITCH, BAR, BOTTOM, LEGEND = 24, 14, 24, 26
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
WHOLE, PART = 0.35, 0.95  # how dark: a share, and the part of it that stands within


@dataclass(frozen=True, kw_only=True)
class Share:
    """One row: a share of n and its interval, and a part of it, None where unknown; all fractions."""

    name: str
    n: int
    value: float
    low: float
    high: float
    part: float | None = None


def share_chart(
    *, name: str, caption: str, alt: str, rows: Sequence[Share], whole: str, part: str = ""
) -> Figure:
    """A bar for each row from 0 to 100 %, a line over its end for the interval, and how many it is of.

    whole, part: what the bars are called, and the darker ones within them.
    """
    labels = [f"{percent(row.value, 0)} of {row.n:,}" for row in rows]
    left = 10 + max(text_width(row.name) for row in rows)
    right = 14 + max(text_width(label, 12) for label in labels)
    x = scale(0, 1, left, NARROW - right)
    has_part = any(row.part is not None for row in rows)
    top = 4 + LEGEND * has_part
    floor = top + PITCH * len(rows)
    parts = []
    for tick in TICKS:
        parts += [
            line(x(tick), top - 4, x(tick), floor, RULE),
            text(x(tick), floor + 16, tick_percent(tick), anchor="middle", fill=SOFT, size=12),
        ]
    for i, (row, label) in enumerate(zip(rows, labels, strict=True)):
        parts += _row(row, label, top + PITCH * i + (PITCH - BAR) / 2, x, left, WHOLE if has_part else 0.75)
    if has_part:
        parts += _legend([(part, PART), (whole, WHOLE)])
    return figure(name, caption, alt, NARROW, floor + BOTTOM, parts)


def _row(row: Share, label: str, y: float, x: Scale, left: float, opacity: float) -> list[str]:
    hint = f"{row.name}: {percent(row.value, 1)} of {row.n:,} (95 % {interval((row.low, row.high), 1)})"
    middle = y + BAR / 2
    drawn = [
        text(left - 10, middle + 4, row.name, anchor="end"),
        rect(x(0), y, x(row.value) - x(0), BAR, BLUE, opacity, hint),
    ]
    if row.part is not None:
        drawn.append(rect(x(0), y + 3, x(row.part) - x(0), BAR - 6, BLUE, PART))
    return [
        *drawn,
        line(x(row.low), middle, x(row.high), middle, INK, width=1.5),
        *(line(x(at), middle - 4, x(at), middle + 4, INK, width=1.5) for at in (row.low, row.high)),
        text(NARROW, middle + 4, label, anchor="end", fill=SOFT, size=12),
    ]


def _legend(names: Sequence[tuple[str, float]]) -> list[str]:
    drawn, x = [], 0.0
    for name, opacity in names:
        drawn += [rect(x, 5, 12, 12, BLUE, opacity), text(x + 18, 15, name)]
        x += 38 + text_width(name)
    return drawn
