"""Stacked bars."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.core.document import Figure
from roadworthy.report.figures.scales import scale
from roadworthy.report.figures.svg import (
    COLOURS,
    NARROW,
    OPACITIES,
    SOFT,
    figure,
    rect,
    text,
    text_width,
)


def bar_chart(
    *, name: str, caption: str, alt: str, rows: Sequence[tuple[str, Sequence[int]]], parts: Sequence[str]
) -> Figure:
    """A stacked horizontal bar for each row: its name, the parts' sizes, the sum in figures."""
    width, top, pitch, bar = NARROW, 30, 20, 12
    left = 10 + max(text_width(row) for row, _ in rows)
    x = scale(0, max(1, *(sum(sizes) for _, sizes in rows)), left, width - 52)
    drawn, legend_x = [], 0.0
    for i, part in enumerate(parts):
        drawn += [
            rect(legend_x, 5, 12, 12, COLOURS[i % 4], OPACITIES[i % 4]),
            text(legend_x + 18, 15, part),
        ]
        legend_x += 18 + text_width(part) + 20
    for r, (row, sizes) in enumerate(rows):
        y = top + r * pitch
        drawn.append(text(left - 10, y + 11, row, anchor="end"))
        start = 0
        for i, size in enumerate(sizes):
            if size:
                # A hair of paper between the parts keeps them apart without colour.
                length = max(x(start + size) - x(start) - 1, 0.6)
                hint = f"{row}, {parts[i]}: {size:,}"
                drawn.append(rect(x(start), y, length, bar, COLOURS[i % 4], OPACITIES[i % 4], hint))
            start += size
        drawn.append(text(x(start) + 6, y + 11, f"{start:,}", fill=SOFT, size=12))
    return figure(name, caption, alt, width, top + pitch * len(rows) + 4, drawn)
