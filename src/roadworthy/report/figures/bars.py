"""Stacked bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.core.document import Figure
from roadworthy.report.figures.scales import Scale, scale
from roadworthy.report.figures.svg import (
    COLOURS,
    INK,
    NARROW,
    OPACITIES,
    SOFT,
    figure,
    line,
    rect,
    text,
    text_width,
)

PITCH, BAR, LEGEND_ROW = 20, 12, 18
LEAST_WIDTH = 180  # of the bars themselves: long names make the chart wider, not the bars shorter


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One row of a bar chart: its name, the sizes of its parts, and the range of their sum where known."""

    name: str
    sizes: tuple[float, ...]
    low: float | None = None
    high: float | None = None


def bar_chart(*, name: str, caption: str, alt: str, rows: Sequence[Bar], parts: Sequence[str]) -> Figure:
    """A stacked horizontal bar for each row, with the sum in figures; a range is a line over its end."""
    longest = max(1.0, *(max(sum(row.sizes), row.high or 0.0) for row in rows))
    left, right = 10 + max(text_width(row.name) for row in rows), 12 + text_width(f"{longest:,.0f}", 12)
    width = max(NARROW, left + LEAST_WIDTH + right)
    x = scale(0, longest, left, width - right)
    drawn, top = _legend(parts, width) if len(parts) > 1 else ([], 4.0)
    for r, row in enumerate(rows):
        drawn += _row(row, top + r * PITCH, x, parts, left)
    return figure(name, caption, alt, width, top + PITCH * len(rows) + 4, drawn)


def _row(row: Bar, y: float, x: Scale, parts: Sequence[str], left: float) -> list[str]:
    drawn, start = [text(left - 10, y + 11, row.name, anchor="end")], 0.0
    for i, size in enumerate(row.sizes):
        if size:
            # A hair of paper between the parts keeps them apart without colour.
            length = max(x(start + size) - x(start) - 1, 0.6)
            hint = f"{row.name}, {parts[i]}: {size:,.0f}"
            drawn.append(rect(x(start), y, length, BAR, _colour(i), _opacity(i, len(parts)), hint))
        start += size
    end = start
    if row.low is not None and row.high is not None:
        drawn.append(line(x(row.low), y + BAR / 2, x(row.high), y + BAR / 2, INK, width=1.5))
        drawn += [line(x(at), y + 2, x(at), y + BAR - 2, INK, width=1.5) for at in (row.low, row.high)]
        end = max(start, row.high)
    return [*drawn, text(x(end) + 6, y + 11, f"{start:,.0f}", fill=SOFT, size=12)]


def _legend(parts: Sequence[str], width: float) -> tuple[list[str], float]:
    """A square and a name for each part, in as many rows as they need, and where the bars begin below."""
    drawn, x, y = [], 0.0, 5.0
    for i, part in enumerate(parts):
        length = 18 + text_width(part)
        if x and x + length > width:
            x, y = 0.0, y + LEGEND_ROW
        drawn += [rect(x, y, 12, 12, _colour(i), _opacity(i, len(parts))), text(x + 18, y + 10, part)]
        x += length + 20
    return drawn, y + 25


def _colour(part: int) -> str:
    return COLOURS[part % len(COLOURS)]


def _opacity(part: int, parts: int) -> float:
    """With more parts than colours each turn of the colours is paler than the one before."""
    if parts <= len(COLOURS):
        return OPACITIES[part]
    return (1.0, 0.55, 0.3)[part // len(COLOURS) % 3]
