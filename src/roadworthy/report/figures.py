"""Charts as SVG documents, written by hand so that they follow the page's colours, light or dark.

Every function returns a results.Figure.  Colours are CSS variables with a fallback, so that a figure also
stands alone as a file; shapes, dashes and labels say what colour says.  docs/decisions/0001-report-figures.md
tells why this is not matplotlib.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from roadworthy.core.arrays import IntArray
from roadworthy.core.document import Figure

INK, SOFT, RULE, PAPER = (
    "var(--ink,#1d2733)",
    "var(--soft,#5b6673)",
    "var(--rule,#d5dae0)",
    "var(--paper,#fff)",
)
BLUE, ORANGE, GREEN = "var(--c1,#0072b2)", "var(--c2,#c14f00)", "var(--c3,#2f8f6f)"
PURPLE = "var(--c4,#8a4f9e)"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
DASHES = ("", "6 4", "2 3", "9 3 2 3")
OPACITIES = (1.0, 0.9, 0.75, 0.6)
NARROW = 440  # drawn width of most charts: at phone width the 13 px letters are still 10 px high


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a line chart; `band` is (low, high) about each point, or nothing."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    band: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Interval:
    """One row of an interval chart: an estimate and the interval about it, all fractions."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Bin:
    """One bin of a reliability diagram; confidence, accuracy and its interval are fractions."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    accuracy_ci95: tuple[float, float]


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from the last at or below `low` to the first at or above `high`."""
    span = high - low
    if span < 1e-12 + 1e-9 * abs(high):  # a flat line, or as good as one
        span = abs(high) if abs(high) > 1e-9 else 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]


def log_ticks(low: float, high: float, most: int = 9) -> list[float]:
    """Round positive numbers, roughly even in their logarithm, from at or below `low` to at or above `high`.

    low, high: positive.  Powers of ten, with as much between them as `most` numbers allow; where low and
    high are so near each other that this is little, the even numbers of `ticks`.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1, 2, 5), (1, 3), (1,)):
        every = [m * 10.0**power for power in range(first, last + 1) for m in steps]
        start = max(i for i, tick in enumerate(every) if tick <= low or i == 0)
        end = next((i for i, tick in enumerate(every) if tick >= high and i > start), len(every) - 1)
        if end - start < 3:
            unit = 10.0**first  # `ticks` rounds, which must not take anything from small numbers
            return [unit * tick for tick in ticks(low / unit, high / unit)]
        if end - start < most:
            return every[start : end + 1]
    stride = math.ceil((last - first) / (most - 1))
    return [10.0**power for power in range(first, last + stride, stride)]


def line_chart(
    *,
    name: str,
    caption: str,
    alt: str,
    lines: Sequence[Line],
    x_label: str,
    percent: bool = False,
    log: bool = False,
    mark: tuple[float, str] | None = None,
) -> Figure:
    """Lines over one horizontal axis; `mark` is a vertical line with its label.

    log: the vertical axis is logarithmic, and every y positive.
    """
    width, left, right, bottom = NARROW, 58, 16, 44
    places, legend_rows = _legend([line.name for line in lines], left, width)
    top = 26 + 18 * legend_rows
    height = 236 + top
    xs = [x for line in lines for x in line.xs]
    x_ticks = ticks(min(xs), max(xs))
    if all(x == round(x) for x in xs):
        x_ticks = [tick for tick in x_ticks if tick == round(tick)]
    x_low, x_high = min(*xs, x_ticks[0] if len(set(xs)) == 1 else min(xs)), max(*xs, min(xs) + 1e-9)
    ys = [y for line in lines for y in (*line.ys, *itertools.chain(*line.band))]
    y_ticks = log_ticks(min(ys), max(ys)) if log else ticks(min(ys), max(ys))
    x = _scale(x_low, x_high, left + 6, width - right - 6)
    y = _scale(y_ticks[0], y_ticks[-1], height - bottom, top, log=log)
    parts = []
    for tick in y_ticks:
        parts += [
            _line(left, y(tick), width - right, y(tick), RULE),
            _text(left - 8, y(tick) + 4, _percent(tick) if percent else f"{tick:g}", anchor="end", fill=SOFT),
        ]
    for tick in x_ticks:
        if x_low <= tick <= x_high:
            parts.append(_text(x(tick), height - bottom + 18, f"{tick:g}", anchor="middle", fill=SOFT))
    parts.append(_text(width - right, height - 6, x_label, anchor="end", fill=SOFT))
    if mark is not None and x_low <= mark[0] <= x_high:
        at, near_end = x(mark[0]), mark[0] > (x_low + x_high) / 2
        parts += [
            _line(at, top - 8, at, height - bottom, SOFT, dash="1 3", width=1.5),
            _text(at + (-5 if near_end else 5), top - 4, mark[1], anchor="end" if near_end else "start"),
        ]
    for i, line in enumerate(lines):
        colour, dash = COLOURS[i % 4], DASHES[i % 4]
        if line.band:
            there = [(x(a), y(high)) for a, (_, high) in zip(line.xs, line.band, strict=True)]
            back = [(x(a), y(low)) for a, (low, _) in zip(line.xs, line.band, strict=True)]
            outline = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in (*there, *reversed(back))) + "Z"
            parts.append(f'<path d="{outline}" style="fill:{colour};opacity:0.13"/>')
        points = [(x(a), y(b)) for a, b in zip(line.xs, line.ys, strict=True)]
        path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
        parts.append(
            f'<path d="{path}" style="fill:none;stroke:{colour};stroke-width:2.2;stroke-linejoin:round;'
            f'stroke-dasharray:{dash or "none"}"/>'
        )
        if len(points) <= 12:
            parts += [_circle(a, b, 3, colour) for a, b in points]
        if len(lines) > 1:
            legend_x, legend_y = places[i]
            parts += [
                _line(legend_x, legend_y - 4, legend_x + 28, legend_y - 4, colour, dash=dash, width=2.2),
                _text(legend_x + 34, legend_y, line.name),
            ]
    return _figure(name, caption, alt, width, height, parts)


def _legend(names: Sequence[str], left: float, width: float) -> tuple[list[tuple[float, float]], int]:
    """Where each name's sample line begins, in as many rows as they need."""
    places, x, row = [], left, 0
    for name in names:
        length = 34 + _text_width(name)
        if x > left and x + length > width:
            x, row = left, row + 1
        places.append((x, 16.0 + 18 * row))
        x += length + 22
    return places, row + 1


def bar_chart(
    *, name: str, caption: str, alt: str, rows: Sequence[tuple[str, Sequence[int]]], parts: Sequence[str]
) -> Figure:
    """A stacked horizontal bar for each row: its name, the parts' sizes, the sum in figures."""
    width, top, pitch, bar = NARROW, 30, 20, 12
    left = 10 + max(_text_width(row) for row, _ in rows)
    x = _scale(0, max(1, *(sum(sizes) for _, sizes in rows)), left, width - 52)
    drawn, legend_x = [], 0.0
    for i, part in enumerate(parts):
        drawn += [
            _rect(legend_x, 5, 12, 12, COLOURS[i % 4], OPACITIES[i % 4]),
            _text(legend_x + 18, 15, part),
        ]
        legend_x += 18 + _text_width(part) + 20
    for r, (row, sizes) in enumerate(rows):
        y = top + r * pitch
        drawn.append(_text(left - 10, y + 11, row, anchor="end"))
        start = 0
        for i, size in enumerate(sizes):
            if size:
                # A hair of paper between the parts keeps them apart without colour.
                length = max(x(start + size) - x(start) - 1, 0.6)
                hint = f"{row}, {parts[i]}: {size:,}"
                drawn.append(_rect(x(start), y, length, bar, COLOURS[i % 4], OPACITIES[i % 4], hint))
            start += size
        drawn.append(_text(x(start) + 6, y + 11, f"{start:,}", fill=SOFT, size=12))
    return _figure(name, caption, alt, width, top + pitch * len(rows) + 4, drawn)


def interval_chart(*, name: str, caption: str, alt: str, rows: Sequence[Interval]) -> Figure:
    """A dot with its interval for each row, on one percentage axis."""
    width, top, pitch, bottom = NARROW, 8, 22, 30
    left = 12 + max(_text_width(row.name) for row in rows)
    x_ticks = ticks(min(row.low for row in rows), max(row.high for row in rows), about=4)
    x = _scale(x_ticks[0], x_ticks[-1], left, width - 74)
    base = top + pitch * len(rows)
    parts = []
    for tick in x_ticks:
        parts += [
            _line(x(tick), top, x(tick), base, RULE),
            _text(x(tick), base + 18, _percent(tick), anchor="middle", fill=SOFT, size=12),
        ]
    for i, row in enumerate(rows):
        y = top + pitch * (i + 0.5)
        parts += [
            _text(left - 10, y + 4, row.name, anchor="end"),
            _line(x(row.low), y, x(row.high), y, BLUE, width=2.5),
            *(_line(x(end), y - 4, x(end), y + 4, BLUE, width=1.5) for end in (row.low, row.high)),
            _circle(x(row.value), y, 4, BLUE),
            _text(width, y + 4, f"{100 * row.value:.2f} %", anchor="end", size=12),
        ]
    return _figure(name, caption, alt, width, base + bottom, parts)


def confusion_chart(*, name: str, caption: str, alt: str, labels: Sequence[str], counts: IntArray) -> Figure:
    """Counts of true class (row) by answer (column): right answers blue, mistakes orange.

    Depth of colour is the square root of the share of the true class, so that one mistake in 500 is seen.
    """
    n = len(labels)
    cell, letter = (46, 13) if n <= 8 else (32, 12) if n <= 15 else (19, 11)
    longest = max(_text_width(label, letter) for label in labels)
    slanted = n <= 15
    left = 34 + longest
    top = 34 + (longest * 0.72 if slanted else longest)
    side = cell * n
    width = round(left + side + (longest * 0.72 - cell / 2 if slanted else 4)) + 4
    parts = [
        _text(12, top + side / 2, "true class", anchor="middle", fill=SOFT, turn=-90),
        _text(left + side / 2, 14, "answer", anchor="middle", fill=SOFT),
    ]
    for i, label in enumerate(labels):
        middle = (i + 0.5) * cell
        parts += [
            _line(left, top + i * cell, left + side, top + i * cell, RULE, width=0.6),
            _line(left + i * cell, top, left + i * cell, top + side, RULE, width=0.6),
            _text(left - 8, top + middle + letter * 0.35, label, anchor="end", size=letter),
            _text(left + middle + letter * 0.3, top - 8, label, size=letter, turn=-45 if slanted else -90),
        ]
    for row, label in enumerate(labels):
        total = max(1, int(counts[row].sum()))
        for column in map(int, counts[row].nonzero()[0]):
            count = int(counts[row, column])
            depth = round(max(0.25, math.sqrt(count / total)), 2)
            x, y, colour = left + column * cell, top + row * cell, BLUE if row == column else ORANGE
            hint = f"{label} read as {labels[column]}: {count:,} of {total:,}"
            figures = f"{count}" if count < 10_000 else f"{count / 1000:.0f}k"
            size = min(letter, (cell - 3) / (0.6 * len(figures)))
            parts += [
                _rect(x + 0.5, y + 0.5, cell - 1, cell - 1, colour, depth, hint),
                _text(
                    x + cell / 2,
                    y + cell / 2 + size * 0.35,
                    figures,
                    anchor="middle",
                    size=round(size, 1),
                    fill=PAPER if depth > 0.6 else INK,
                ),
            ]
    parts.append(_line(left, top + side, left + side, top + side, RULE, width=0.6))
    parts.append(_line(left + side, top, left + side, top + side, RULE, width=0.6))
    return _figure(name, caption, alt, width, round(top + side) + 4, parts)


def reliability_chart(*, name: str, caption: str, alt: str, bins: Sequence[Bin]) -> Figure:
    """Accuracy against confidence with intervals, over a histogram of the confidences."""
    width, left, right, top, side, gap, low_height = NARROW, 58, 12, 12, 300, 34, 80
    x = _scale(0, 1, left, width - right)
    y = _scale(0, 1, top + side, top)
    floor = top + side + gap + low_height
    share = _scale(0, 1, floor, floor - low_height)
    total = max(1, sum(b.n for b in bins))
    parts = [_line(x(0), y(0), x(1), y(1), SOFT, dash="5 4", width=1.2)]
    parts.append(_text(x(0.62) + 10, y(0.62) + 30, "as right as sure", fill=SOFT, size=12))
    for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts += [
            _line(left, y(tick), width - right, y(tick), RULE, width=0.8),
            _text(left - 8, y(tick) + 4, _percent(tick), anchor="end", fill=SOFT, size=12),
            _text(
                x(tick),
                floor + 18,
                _percent(tick),
                anchor="end" if tick == 1 else "middle",
                fill=SOFT,
                size=12,
            ),
        ]
    parts += [
        _text(left, floor + 36, "confidence", fill=SOFT, size=12),
        _text(left + 6, top + 12, "accuracy", fill=SOFT, size=12),
        _text(left, floor - low_height - 8, "share of the pictures", fill=SOFT, size=12),
        _line(left, floor, width - right, floor, SOFT),
    ]
    for b in bins:
        if not b.n:
            continue
        hint = f"confidence {_percent(b.low)} to {_percent(b.high)}: {b.n:,} pictures, {b.accuracy:.1%} right"
        height = max(floor - share(b.n / total), 1.0)
        at, fraction = x(b.confidence), b.n / total
        parts += [
            _rect(x(b.low) + 1, floor - height, x(b.high) - x(b.low) - 2, height, BLUE, 0.75, hint),
            _line(at, y(b.accuracy_ci95[0]), at, y(b.accuracy_ci95[1]), ORANGE, width=2),
            _circle(at, y(b.accuracy), 4.5, ORANGE),
        ]
        if fraction >= 0.1:
            parts.append(_text(x(b.low) - 4, floor - height + 12, f"{fraction:.0%}", anchor="end", size=12))
    return _figure(name, caption, alt, width, floor + 44, parts)


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
    bands = len(levels) - 1
    width, left, top, side, bar = NARROW, 58, 30, 288, 368
    height = top + side + 44
    x_edges, y_edges = _edges(xs), _edges(ys)
    x = _scale(x_edges[0], x_edges[-1], left, left + side)
    y = _scale(y_edges[0], y_edges[-1], top + side, top)
    # Neighbours share an edge, of whole units, so that no seam shows between them.
    sides, floors = [round(x(edge)) for edge in x_edges], [round(y(edge)) for edge in y_edges]
    parts = ['<g shape-rendering="crispEdges">']
    for row, (low, high) in zip(values, itertools.pairwise(floors), strict=True):
        for first, last, band in _runs(row, levels):
            start, end = sides[first], sides[last]
            if band is None:
                parts += [_line(start, low, end, high, SOFT), _line(start, high, end, low, SOFT)]
            else:
                hint = f"{value_label} {levels[band]:g} to {levels[band + 1]:g}"
                parts.append(_rect(start, high, end - start, low - high, BLUE, _depth(band, bands), hint))
    rungs = [round(top + side * (1 - i / bands)) for i in range(bands + 1)]
    for band, (low, high) in enumerate(itertools.pairwise(rungs)):
        parts.append(_rect(bar, high, 16, low - high, BLUE, _depth(band, bands)))
    parts.append("</g>")
    least = math.log(min(known))
    logs = [[_log(value, least) for value in row] for row in values]
    for band, level in enumerate(levels[1:-1]):
        pieces = _contour(xs, ys, logs, math.log(level))
        path = "".join(f"M{x(a):.1f} {y(b):.1f}L{x(c):.1f} {y(d):.1f}" for (a, b), (c, d) in pieces)
        colour = PAPER if _depth(band, bands) > 0.6 else INK
        if path:
            parts.append(f'<path d="{path}" style="fill:none;stroke:{colour};stroke-width:1"/>')
    for level, at in zip(levels, rungs, strict=True):
        parts += [
            _line(bar + 16, at, bar + 21, at, SOFT),
            _text(bar + 25, at + 4, f"{level:g}", fill=SOFT),
        ]
    for tick in ticks(xs[0], xs[-1]):
        if xs[0] <= tick <= xs[-1]:
            parts.append(_text(x(tick), top + side + 18, f"{tick:g}", anchor="middle", fill=SOFT))
    for tick in ticks(ys[0], ys[-1]):
        if ys[0] <= tick <= ys[-1]:
            parts.append(_text(left - 8, y(tick) + 4, f"{tick:g}", anchor="end", fill=SOFT))
    parts += [
        _text(left + side, height - 6, x_label, anchor="end", fill=SOFT),
        _text(13, top + side / 2, y_label, anchor="middle", fill=SOFT, turn=-90),
        _text(bar, 14, value_label, fill=SOFT),
    ]
    if mark is not None:
        parts.append(_ring(x(mark[0]), y(mark[1])))
    return _figure(name, caption, alt, width, height, parts)


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


Point = tuple[float, float]


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


def _scale(
    low: float, high: float, start: float, end: float, *, log: bool = False
) -> Callable[[float], float]:
    if log:
        linear = _scale(math.log(low), math.log(high), start, end)
        return lambda value: linear(math.log(value))
    return lambda value: start + (value - low) / ((high - low) or 1.0) * (end - start)


def _percent(fraction: float) -> str:
    return f"{round(100 * fraction, 6):g} %"


def _text_width(text: str, size: float = 13) -> float:
    return 0.6 * size * len(text)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _line(
    x1: float, y1: float, x2: float, y2: float, colour: str, *, dash: str = "", width: float = 1
) -> str:
    where = " ".join(f'{k}="{_number(v)}"' for k, v in (("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)))
    dashes = f";stroke-dasharray:{dash}" if dash else ""
    return f'<line {where} style="stroke:{colour};stroke-width:{width:g}{dashes}"/>'


def _circle(x: float, y: float, radius: float, colour: str) -> str:
    return f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{radius:g}" style="fill:{colour}"/>'


def _ring(x: float, y: float) -> str:
    where = f'cx="{_number(x)}" cy="{_number(y)}"'
    return f'<circle {where} r="5" style="fill:{PAPER};stroke:{INK};stroke-width:2"/>'


def _rect(
    x: float, y: float, width: float, height: float, colour: str, opacity: float = 1, hint: str = ""
) -> str:
    title = f"<title>{escape(hint)}</title>" if hint else ""
    where = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
    return f'<rect {where} style="fill:{colour};fill-opacity:{opacity:g}">{title}</rect>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    fill: str = INK,
    size: float = 13,
    turn: int = 0,
) -> str:
    turned = f' transform="rotate({turn} {_number(x)} {_number(y)})"' if turn else ""
    where = f'x="{_number(x)}" y="{_number(y)}" text-anchor="{anchor}" font-size="{size:g}"{turned}'
    return f'<text {where} style="fill:{fill}">{escape(text)}</text>'


def _figure(name: str, caption: str, alt: str, width: float, height: float, parts: Sequence[str]) -> Figure:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {round(width)} {round(height)}" role="img" '
        f'aria-label="{escape(alt)}" font-family="system-ui, sans-serif">\n' + "\n".join(parts) + "\n</svg>\n"
    )
    return Figure(caption=caption, svg=svg, alt=alt, name=name)
