"""The track of a drive as a map without tiles: its line in the colours of the limits, the signs beside it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from roadworthy.core.document import Figure
from roadworthy.report.figures.limit_colours import UNKNOWN, limit_colour
from roadworthy.report.figures.limits import LimitPart
from roadworthy.report.figures.svg import (
    INK,
    NARROW,
    PAPER,
    SOFT,
    figure,
    line,
    number,
    rect,
    ring,
    text,
    text_width,
)

METRES_A_DEGREE = 111_195.0  # of latitude, on a sphere
_EDGE, _LEAST_HEIGHT, _MOST_HEIGHT, _LEAST_SPAN_M = 26, 150, 460, 200.0
_SCALE_BAR = 34  # the room that scale bar and legend's first row take
_KEY_PITCH = 20
_APART = 30  # discs closer than this would hide the track
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class WayPoint:
    """Where the car was at a second, WGS84 degrees.

    joined: whether the way from the point before is known; else it is left open.
    begins: whether another drive begins here, so that there is no way from the point before.
    """

    second: float
    lat: float
    lon: float
    joined: bool = True
    begins: bool = False


@dataclass(frozen=True, kw_only=True)
class WaySign:
    """A sign on the map.  number: what it says, drawn where there is room; empty for a dot.

    sure: whether its class is.  anchor: of its card on the page; empty for none.
    """

    lat: float
    lon: float
    name: str
    number: str = ""
    sure: bool = True
    anchor: str = ""


def way_chart(
    *,
    name: str,
    caption: str,
    alt: str,
    way: Sequence[WayPoint],
    parts: Sequence[LimitPart],
    signs: Sequence[WaySign],
) -> Figure:
    """The way with north up, a scale bar and a key to the colours.

    way: in order of time, at least one point.  parts: the limits in order of time, for the colours.
    Distances are true within a hundredth for some 100 km.
    """
    sheet = _Sheet.around([(p.lat, p.lon) for p in way] + [(s.lat, s.lon) for s in signs])
    drawn = [
        *_lines(way, parts, sheet),
        *_signs(signs, sheet),
        *(() if any(point.begins for point in way) else _ends(way, sheet)),
        *_north(sheet),
        *_scale_bar(sheet),
    ]
    key = _key(parts, sheet.height + _SCALE_BAR)
    height = sheet.height + _SCALE_BAR + _KEY_PITCH * (1 + max((row for row, _ in key), default=-1))
    return figure(name, caption, alt, NARROW, height, [*drawn, *(piece for _, piece in key)])


@dataclass(frozen=True, kw_only=True)
class _Sheet:
    """How places become points of the drawing: north up, east stretched by the middle latitude."""

    lat: float
    lon: float
    metres: float  # a unit of the drawing
    height: float

    @classmethod
    def around(cls, places: Sequence[Point]) -> _Sheet:
        lats, lons = [lat for lat, _ in places], [lon for _, lon in places]
        lat = (min(lats) + max(lats)) / 2
        wide_m = max((max(lons) - min(lons)) * _metres_east(lat), _LEAST_SPAN_M)
        high_m = max((max(lats) - min(lats)) * METRES_A_DEGREE, _LEAST_SPAN_M)
        metres = max(wide_m / (NARROW - 2 * _EDGE), high_m / (_MOST_HEIGHT - 2 * _EDGE))
        height = max(high_m / metres + 2 * _EDGE, _LEAST_HEIGHT)
        return cls(lat=lat, lon=(min(lons) + max(lons)) / 2, metres=metres, height=height)

    def at(self, lat: float, lon: float) -> Point:
        east = (lon - self.lon) * _metres_east(self.lat)
        north = (lat - self.lat) * METRES_A_DEGREE
        return NARROW / 2 + east / self.metres, self.height / 2 - north / self.metres


def _metres_east(lat: float) -> float:
    return METRES_A_DEGREE * max(math.cos(math.radians(lat)), 1e-6)


# The way


def _lines(way: Sequence[WayPoint], parts: Sequence[LimitPart], sheet: _Sheet) -> Iterator[str]:
    """Lines of one colour each, all of the dark rim first so that no rim lies over a colour."""
    runs = list(_runs(way, parts))
    for _, points in runs:
        yield _polyline(points, sheet, INK, 7, "")
    for part, points in runs:
        colour = UNKNOWN if part is None else limit_colour(part.limit, part.state)
        yield _polyline(points, sheet, colour, 5, str(part) if part is not None else "no limit known")
    for before, after in pairwise(way):
        if not after.joined and not after.begins:
            (x1, y1), (x2, y2) = sheet.at(before.lat, before.lon), sheet.at(after.lat, after.lon)
            yield line(x1, y1, x2, y2, SOFT, dash="2 5", width=1.5)


def _runs(
    way: Sequence[WayPoint], parts: Sequence[LimitPart]
) -> Iterator[tuple[LimitPart | None, list[WayPoint]]]:
    """Stretches of known way under one limit, cut where the limit changes."""
    starts = [part.from_s for part in parts]

    def part_at(second: float) -> LimitPart | None:
        place = bisect_right(starts, second) - 1
        return parts[place] if place >= 0 and second < parts[place].to_s else None

    run: list[WayPoint] = []
    for before, after in pairwise(way):
        if not after.joined or after.begins:
            if len(run) > 1:
                yield part_at(run[0].second), run
            run = []
            continue
        run = run or [before]
        inner = starts[bisect_right(starts, before.second) : bisect_right(starts, after.second)]
        for cut in inner:
            if cut < after.second:
                middle = _between(before, after, cut)
                yield part_at(run[0].second), [*run, middle]
                run = [middle]
        run.append(after)
        if inner and inner[-1] == after.second:
            yield part_at(run[0].second), run
            run = [after]
    if len(run) > 1:
        yield part_at(run[0].second), run


def _between(a: WayPoint, b: WayPoint, second: float) -> WayPoint:
    part = (second - a.second) / (b.second - a.second)
    return WayPoint(second=second, lat=a.lat + (b.lat - a.lat) * part, lon=a.lon + (b.lon - a.lon) * part)


def _polyline(way: Sequence[WayPoint], sheet: _Sheet, colour: str, width: float, hint: str) -> str:
    points = _thinned([sheet.at(point.lat, point.lon) for point in way])
    where = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    title = f"<title>{escape(hint)}</title>" if hint else ""
    style = f"fill:none;stroke:{colour};stroke-width:{width:g};stroke-linecap:round;stroke-linejoin:round"
    return f'<polyline points="{where}" style="{style}">{title}</polyline>'


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Without points that lie less than a unit from the one before; the ends stay."""
    kept = [points[0]]
    for point in points[1:-1]:
        if math.dist(point, kept[-1]) >= 1:
            kept.append(point)
    return [*kept, points[-1]]


def _ends(way: Sequence[WayPoint], sheet: _Sheet) -> Iterator[str]:
    """Where the way begins and ends, in words; at one place only where it began."""
    start, end = sheet.at(way[0].lat, way[0].lon), sheet.at(way[-1].lat, way[-1].lon)
    named = [(start, "start"), (end, "end")] if math.dist(start, end) > 30 else [(start, "start")]
    for (x, y), word in named:
        yield ring(x, y)
        right = x < NARROW - 60
        style = f"fill:{INK};stroke:{PAPER};stroke-width:3;paint-order:stroke"
        where = f'x="{number(x + 9 if right else x - 9)}" y="{number(y - 7)}"'
        yield (
            f'<text {where} text-anchor="{"start" if right else "end"}" font-size="12" style="{style}">'
            f"{word}</text>"
        )


# The signs


def _signs(signs: Sequence[WaySign], sheet: _Sheet) -> Iterator[str]:
    """Dots first, then those with numbers that do not hide another number."""
    taken: list[Point] = []
    numbered: list[tuple[WaySign, Point]] = []
    for sign in signs:
        place = sheet.at(sign.lat, sign.lon)
        if sign.number and all(math.dist(place, other) > _APART for other in taken):
            taken.append(place)
            numbered.append((sign, place))
        else:
            yield _linked(sign, _dot(sign, place))
    for sign, place in numbered:
        yield _linked(sign, _disc(sign, place))


def _linked(sign: WaySign, shape: str) -> str:
    return f'<a href="#{escape(sign.anchor)}">{shape}</a>' if sign.anchor else f"<g>{shape}</g>"


def _dot(sign: WaySign, place: Point) -> str:
    fill = INK if sign.sure else PAPER
    where = f'cx="{number(place[0])}" cy="{number(place[1])}" r="3.2"'
    style = f"fill:{fill};stroke:{INK if not sign.sure else PAPER};stroke-width:1.2"
    return f'<circle {where} style="{style}"><title>{escape(sign.name)}</title></circle>'


def _disc(sign: WaySign, place: Point) -> str:
    """A sign is white with a red rim in the dark, too."""
    where = f'cx="{number(place[0])}" cy="{number(place[1])}" r="8.5"'
    dash = "" if sign.sure else ";stroke-dasharray:3 2"
    disc = f'<circle {where} style="fill:#ffffff;stroke:#c8102e;stroke-width:2.2{dash}"/>'
    label = text(place[0], place[1] + 3, sign.number, anchor="middle", fill="#141414", size=8)
    return f"<title>{escape(sign.name)}</title>{disc}{label}"


# What a map needs beside


def _north(sheet: _Sheet) -> list[str]:
    x, y = NARROW - 14, 12
    arrow = f"{x},{y} {x - 5},{y + 16} {x},{y + 12} {x + 5},{y + 16}"
    return [
        f'<polygon points="{arrow}" style="fill:{INK}"/>',
        text(x, y + 29, "N", anchor="middle", size=12),
    ]


def _scale_bar(sheet: _Sheet) -> list[str]:
    """A round length, about a quarter of the sheet."""
    wanted = sheet.metres * NARROW / 4
    power = 10.0 ** math.floor(math.log10(wanted))
    length_m = next(power * step for step in (5, 2, 1) if power * step <= wanted)
    words = f"{length_m:g} m" if length_m < 1000 else f"{length_m / 1000:g} km"
    x, y, wide = 8.0, sheet.height + 12, length_m / sheet.metres
    return [
        line(x, y, x + wide, y, INK, width=2),
        *(line(end, y - 4, end, y + 4, INK, width=2) for end in (x, x + wide)),
        text(x + wide + 8, y + 4, words, size=12),
    ]


def _key(parts: Sequence[LimitPart], top: float) -> list[tuple[int, str]]:
    """(row, piece): each colour of the way with its limit."""
    names: dict[str, str] = {}
    for part in sorted(parts, key=lambda part: (part.limit is None, part.limit or 0, part.state)):
        unknown = "no limit" if part.state == "unlimited" else "not known"
        name = f"{part.limit} km/h" if part.limit is not None else unknown
        names.setdefault(name, limit_colour(part.limit, part.state))
    drawn, x, row = [], 8.0, 0
    for name, colour in names.items():
        wide = 34 + text_width(name, 12)
        if x + wide > NARROW and x > 8:
            x, row = 8.0, row + 1
        y = top + _KEY_PITCH * row
        drawn += [(row, rect(x, y - 4, 14, 10, colour)), (row, text(x + 20, y + 5, name, size=12))]
        x += wide
    return drawn
