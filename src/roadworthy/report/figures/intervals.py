"""Estimates with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.core.document import Figure
from roadworthy.core.words import percent, points
from roadworthy.report.figures.scales import scale, tick_percent, ticks_within
from roadworthy.report.figures.svg import (
    BLUE,
    NARROW,
    PAPER,
    RULE,
    SOFT,
    circle,
    figure,
    line,
    text,
    text_width,
)

FEW = 8  # rows, which may be twice as high


@dataclass(frozen=True, kw_only=True)
class Interval:
    """One row of an interval chart: an estimate and the interval about it, all fractions.

    judged: False draws it grey and hollow: nothing follows from it.
    """

    name: str
    value: float
    low: float
    high: float
    judged: bool = True


def interval_chart(
    *, name: str, caption: str, alt: str, rows: Sequence[Interval], difference: bool = False
) -> Figure:
    """A dot with its interval for each row, on one axis.

    Shares lie on an axis within 0 to 100 %; with `difference` they are differences of two, in points of a
    percent, within 100 either way.  An interval that goes further is drawn to the axis's end.
    """
    least, most = (-1.0, 1.0) if difference else (0.0, 1.0)
    longest = max(text_width(row.name) for row in rows)
    # Names beside the axis would leave it little room; of many rows only what would leave it none.
    above = longest > NARROW * (1 / 3 if len(rows) <= FEW else 1 / 2)
    width, top, pitch, bottom = NARROW, 8, 40 if above else 22, 30
    left = 24 if above else 12 + longest
    low, high = min(row.low for row in rows), max(row.high for row in rows)
    if difference:
        low, high = min(low, 0.0), max(high, 0.0)
    x_ticks = ticks_within(low, high, least, most, about=4)
    x = scale(x_ticks[0], x_ticks[-1], left, width - 74)
    base = top + pitch * len(rows)
    ends_of_rows = [(top + pitch * i + 18, top + pitch * (i + 1)) for i in range(len(rows))]
    grid = ends_of_rows if above else [(top, base)]  # no line runs through a name
    parts = []
    for tick in x_ticks:
        said = f"{round(100 * tick, 6):+g}" if difference and tick else tick_percent(tick)
        parts += [
            *(line(x(tick), y1, x(tick), y2, SOFT if difference and tick == 0 else RULE) for y1, y2 in grid),
            text(x(tick), base + 18, said, anchor="middle", fill=SOFT, size=12),
        ]
    for i, row in enumerate(rows):
        y = top + pitch * (i + (0.7 if above else 0.5))
        start, end = (x(min(max(value, least), most)) for value in (row.low, row.high))
        colour = BLUE if row.judged else SOFT
        parts += [
            text(0, y - 12, row.name) if above else text(left - 10, y + 4, row.name, anchor="end"),
            line(start, y, end, y, colour, width=2.5),
            *(line(at, y - 4, at, y + 4, colour, width=1.5) for at in (start, end)),
            circle(x(row.value), y, 4, colour),
            *(() if row.judged else (circle(x(row.value), y, 2.5, PAPER),)),
            text(
                width, y + 4, points(row.value) if difference else percent(row.value), anchor="end", size=12
            ),
        ]
    return figure(name, caption, alt, width, base + bottom, parts)
