"""Values over a grid."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterator, Sequence

from roadworthy.core.document import Figure
from roadworthy.report.figures.scales import Scale, log_ticks, scale, ticks
from roadworthy.report.figures.svg import (
    BLUE,
    INK,
    NARROW,
    PAPER,
    SOFT,
    figure,
    line,
    rect,
    ring,
    text,
)

Point = tuple[float, float]
LEFT, TOP, SIDE, BAR = 58, 30, 288, 368  # where the grid begins, how long its side is, and the legend's bar
HEIGHT = TOP + SIDE + 44


def surface_chart(
    *,
    name: str,
    caption: str,
    alt: str,
    xs: Sequence[float],
    ys: Sequence[float],
    values: Sequence[Sequence[float]],
    x_label: str,
    y_label: str,
    value_label: str,
    mark: tuple[float, float] | None = None,
) -> Figure:
    """Values over a grid in bands, roughly even in their logarithm: the stronger the colour, the higher.

    xs, ys: ascending, two or more of each.  values: len(ys) rows of len(xs), 0 or positive; those that are
    not finite are crossed out.  A line runs where a band begins, as if the logarithm were linear between
    the grid's points.  mark: a place with a ring around it.
    Raises ValueError when no value is positive and finite.
    """
    known = [value for row in values for value in row if 0 < value < math.inf]
    if not known:
        raise ValueError("a surface needs at least one value that is positive and finite; there is none")
    levels = log_ticks(min(known), max(known))
    x_edges, y_edges = _edges(xs), _edges(ys)
    x = scale(x_edges[0], x_edges[-1], LEFT, LEFT + SIDE)
    y = scale(y_edges[0], y_edges[-1], TOP + SIDE, TOP)
    # Neighbours share an edge, of whole units, so that no seam shows between them.
    sides, floors = [round(x(edge)) for edge in x_edges], [round(y(edge)) for edge in y_edges]
    rungs = [round(TOP + SIDE * (1 - i / (len(levels) - 1))) for i in range(len(levels))]
    least = math.log(min(known))
    logs = [[_log(value, least) for value in row] for row in values]
    parts = [
        '<g shape-rendering="crispEdges">',
        *_cells(values, levels, sides, floors, value_label),
        *_legend(rungs),
        "</g>",
        *_contours(xs, ys, logs, levels, x, y),
        *_ticks(xs, ys, levels, rungs, x, y),
        text(LEFT + SIDE, HEIGHT - 6, x_label, anchor="end", fill=SOFT),
        text(13, TOP + SIDE / 2, y_label, anchor="middle", fill=SOFT, turn=-90),
        text(BAR, 14, value_label, fill=SOFT),
        *([] if mark is None else [ring(x(mark[0]), y(mark[1]))]),
    ]
    return figure(name, caption, alt, NARROW, HEIGHT, parts)


def _cells(
    values: Sequence[Sequence[float]],
    levels: Sequence[float],
    sides: Sequence[int],
    floors: Sequence[int],
    value_label: str,
) -> Iterator[str]:
    """A rectangle for each run of neighbours in one band; a cross where a value is not finite."""
    for row, (low, high) in zip(values, itertools.pairwise(floors), strict=True):
        for first, last, band in _runs(row, levels):
            start, end = sides[first], sides[last]
            if band is None:
                yield from (line(start, low, end, high, SOFT), line(start, high, end, low, SOFT))
            else:
                hint = f"{value_label} {levels[band]:g} to {levels[band + 1]:g}"
                depth = _depth(band, len(levels) - 1)
                yield rect(start, high, end - start, low - high, BLUE, depth, hint)


def _legend(rungs: Sequence[int]) -> Iterator[str]:
    """The bar beside the grid, one band upon the other."""
    for band, (low, high) in enumerate(itertools.pairwise(rungs)):
        yield rect(BAR, high, 16, low - high, BLUE, _depth(band, len(rungs) - 1))


def _contours(
    xs: Sequence[float],
    ys: Sequence[float],
    logs: Sequence[Sequence[float]],
    levels: Sequence[float],
    x: Scale,
    y: Scale,
) -> Iterator[str]:
    """The lines where bands begin."""
    for band, level in enumerate(levels[1:-1]):
        pieces = _contour(xs, ys, logs, math.log(level))
        path = "".join(f"M{x(a):.1f} {y(b):.1f}L{x(c):.1f} {y(d):.1f}" for (a, b), (c, d) in pieces)
        colour = PAPER if _depth(band, len(levels) - 1) > 0.6 else INK
        if path:
            yield f'<path d="{path}" style="fill:none;stroke:{colour};stroke-width:1"/>'


def _ticks(
    xs: Sequence[float],
    ys: Sequence[float],
    levels: Sequence[float],
    rungs: Sequence[int],
    x: Scale,
    y: Scale,
) -> Iterator[str]:
    """Figures beside the bar, below the grid and to its left."""
    for level, at in zip(levels, rungs, strict=True):
        yield line(BAR + 16, at, BAR + 21, at, SOFT)
        yield text(BAR + 25, at + 4, f"{level:g}", fill=SOFT)
    for tick in ticks(xs[0], xs[-1]):
        if xs[0] <= tick <= xs[-1]:
            yield text(x(tick), TOP + SIDE + 18, f"{tick:g}", anchor="middle", fill=SOFT)
    for tick in ticks(ys[0], ys[-1]):
        if ys[0] <= tick <= ys[-1]:
            yield text(LEFT - 8, y(tick) + 4, f"{tick:g}", anchor="end", fill=SOFT)


def _edges(points: Sequence[float]) -> list[float]:
    """Where the cell of each point begins and ends: half-way to its neighbours."""
    middles = [(a + b) / 2 for a, b in itertools.pairwise(points)]
    return [2 * points[0] - middles[0], *middles, 2 * points[-1] - middles[-1]]


def _runs(row: Sequence[float], levels: Sequence[float]) -> Iterator[tuple[int, int, int | None]]:
    """(first, after the last, band) of neighbours in one band; one at a time, without, if not finite."""
    first = 0
    for band, run in itertools.groupby(row, lambda value: _band(value, levels)):
        after = first + len(list(run))
        if band is None:
            yield from ((i, i + 1, None) for i in range(first, after))
        else:
            yield first, after, band
        first = after


def _band(value: float, levels: Sequence[float]) -> int | None:
    """Which band a value lies in, its lower end included; None where it is not finite."""
    if not value < math.inf:
        return None
    return min(max(0, bisect.bisect_right(levels, value) - 1), len(levels) - 2)


def _log(value: float, least: float) -> float:
    """NaN where the value is not finite, `least` where it has no logarithm."""
    if not value < math.inf:
        return math.nan
    return math.log(value) if value > 0 else least


def _depth(band: int, bands: int) -> float:
    return round(0.08 + 0.84 * band / max(1, bands - 1), 2)


def _contour(
    xs: Sequence[float], ys: Sequence[float], heights: Sequence[Sequence[float]], level: float
) -> list[tuple[Point, Point]]:
    """Pieces of the line at `level`: across each triangle, two to a cell, in which the height is linear."""
    pieces = []
    for i, j in itertools.product(range(len(ys) - 1), range(len(xs) - 1)):
        for third in ((i, j + 1), (i + 1, j)):
            corners = [(xs[b], ys[a], heights[a][b] - level) for a, b in ((i, j), third, (i + 1, j + 1))]
            ends = []
            for (x1, y1, h1), (x2, y2, h2) in itertools.combinations(corners, 2):
                if (h1 < 0) != (h2 < 0):
                    t = h1 / (h1 - h2)
                    ends.append((x1 + t * (x2 - x1), y1 + t * (y2 - y1)))
            if len(ends) == 2 and all(math.isfinite(h) for _, _, h in corners):
                pieces.append((ends[0], ends[1]))
    return pieces
