"""Lines over one horizontal axis, with bands."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from roadworthy.core.document import Figure
from roadworthy.report.figures.scales import Scale, log_ticks, scale, tick_percent, ticks, ticks_within
from roadworthy.report.figures.svg import (
    COLOURS,
    DASHES,
    NARROW,
    RULE,
    SOFT,
    circle,
    figure,
    line,
    text,
    text_width,
)

LEFT, RIGHT, BOTTOM = 58, 16, 44


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a line chart; `band` is (low, high) about each point, or nothing.

    dots: whether its points are marked where there are few.
    """

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    band: tuple[tuple[float, float], ...] = ()
    dots: bool = True


def line_chart(
    *,
    name: str,
    caption: str,
    alt: str,
    lines: Sequence[Line],
    x_label: str,
    percent: bool = False,
    log: bool = False,
    log_x: bool = False,
    mark: tuple[float, str] | None = None,
) -> Figure:
    """Lines over one horizontal axis; `mark` is a vertical line with its label.

    percent: the ys are shares, whose axis and bands end at 0 and 100 %.
    log, log_x: the vertical or the horizontal axis is logarithmic, and all its values positive.
    """
    places, legend_rows = _legend([one.name for one in lines], LEFT, NARROW)
    top = 26 + 18 * legend_rows
    lines = [_as_share(one) for one in lines] if percent else lines
    axes = _axes(lines, top, log, percent, log_x)
    x, y, floor = axes.x, axes.y, axes.floor
    parts = []
    for tick in axes.y_ticks:
        said = tick_percent(tick) if percent else f"{tick:g}"
        parts += [
            line(LEFT, y(tick), NARROW - RIGHT, y(tick), RULE),
            text(LEFT - 8, y(tick) + 4, said, anchor="end", fill=SOFT),
        ]
    parts += [text(x(tick), floor + 18, f"{tick:g}", anchor="middle", fill=SOFT) for tick in axes.x_ticks]
    parts.append(text(NARROW - RIGHT, floor + BOTTOM - 6, x_label, anchor="end", fill=SOFT))
    if mark is not None and axes.x_low <= mark[0] <= axes.x_high:
        near_end = x(mark[0]) > (LEFT + NARROW) / 2
        parts += _mark(x(mark[0]), near_end, mark[1], top, floor)
    for i, one in enumerate(lines):
        parts += _drawn(one, x, y, COLOURS[i % 4], DASHES[i % 4])
        if len(lines) > 1:
            parts += _named(one.name, places[i], COLOURS[i % 4], DASHES[i % 4])
    return figure(name, caption, alt, NARROW, floor + BOTTOM, parts)


@dataclass(frozen=True, kw_only=True)
class _Axes:
    """Where values stand, and which of them are named; x_ticks: those within the axis."""

    x: Scale
    y: Scale
    x_low: float
    x_high: float
    x_ticks: tuple[float, ...]
    y_ticks: tuple[float, ...]
    floor: float


def _as_share(one: Line) -> Line:
    """The line with its band cut off at 0 and 1: no share lies beyond."""
    return replace(one, band=tuple((max(0.0, low), min(1.0, high)) for low, high in one.band))


def _axes(lines: Sequence[Line], top: float, log: bool, share: bool, log_x: bool) -> _Axes:
    floor = 236 + top - BOTTOM
    xs = [x for one in lines for x in one.xs]
    x_ticks = log_ticks(min(xs), max(xs)) if log_x else ticks(min(xs), max(xs))
    if all(x == round(x) for x in xs):
        x_ticks = [tick for tick in x_ticks if tick == round(tick)]
    low, high = min(*xs, x_ticks[0] if len(set(xs)) == 1 else min(xs)), max(*xs, min(xs) + 1e-9)
    ys = [y for one in lines for y in (*one.ys, *itertools.chain(*one.band))]
    if log:
        y_ticks = log_ticks(min(ys), max(ys))
    else:
        y_ticks = ticks_within(min(ys), max(ys), 0, 1) if share else ticks(min(ys), max(ys))
    return _Axes(
        x=scale(low, high, LEFT + 6, NARROW - RIGHT - 6, log=log_x),
        y=scale(y_ticks[0], y_ticks[-1], floor, top, log=log),
        x_low=low,
        x_high=high,
        x_ticks=tuple(tick for tick in x_ticks if low <= tick <= high),
        y_ticks=tuple(y_ticks),
        floor=floor,
    )


def _mark(at: float, near_end: bool, label: str, top: float, floor: float) -> list[str]:
    return [
        line(at, top - 14, at, floor, SOFT, dash="1 3", width=1.5),
        text(at + (-5 if near_end else 5), top - 7, label, anchor="end" if near_end else "start"),
    ]


def _drawn(one: Line, x: Scale, y: Scale, colour: str, dash: str) -> list[str]:
    """The band, the line over it, and its points where there are few."""
    parts = []
    if one.band:
        there = [(x(a), y(high)) for a, (_, high) in zip(one.xs, one.band, strict=True)]
        back = [(x(a), y(low)) for a, (low, _) in zip(one.xs, one.band, strict=True)]
        parts.append(f'<path d="{_path([*there, *reversed(back)])}Z" style="fill:{colour};opacity:0.13"/>')
    points = [(x(a), y(b)) for a, b in zip(one.xs, one.ys, strict=True)]
    parts.append(
        f'<path d="{_path(points)}" style="fill:none;stroke:{colour};stroke-width:2.2;'
        f'stroke-linejoin:round;stroke-dasharray:{dash or "none"}"/>'
    )
    return [*parts, *(circle(a, b, 3, colour) for a, b in points if one.dots and len(points) <= 12)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)


def _named(name: str, place: tuple[float, float], colour: str, dash: str) -> list[str]:
    """A line's entry in the legend."""
    x, y = place
    return [line(x, y - 4, x + 28, y - 4, colour, dash=dash, width=2.2), text(x + 34, y, name)]


def _legend(names: Sequence[str], left: float, width: float) -> tuple[list[tuple[float, float]], int]:
    """Where each name's sample line begins, in as many rows as they need."""
    places, x, row = [], left, 0
    for name in names:
        length = 34 + text_width(name)
        if x > left and x + length > width:
            x, row = left, row + 1
        places.append((x, 16.0 + 18 * row))
        x += length + 22
    return places, row + 1
