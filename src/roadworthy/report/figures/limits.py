"""Speed limits over the time of a drive, with the signs that were passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from roadworthy.core.document import Figure
from roadworthy.core.words import clock
from roadworthy.report.figures.limit_colours import UNLIMITED, letters_on, limit_colour, limit_rgb
from roadworthy.report.figures.scales import Scale, scale, ticks
from roadworthy.report.figures.svg import INK, RULE, SOFT, figure, line, number, rect, text, text_width

WIDTH, HEIGHT, LEFT, RIGHT, TOP = 960, 150, 40, 14, 10
MARKS, BOTTOM = 18, 24  # room for the signs, and for the times, below the bars
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


_FEW = 80  # signs whose triangles seldom touch


@dataclass(frozen=True, kw_only=True)
class LimitPart:
    """What holds from `from_s` up to `to_s`: a row of limits.csv.  limit: km/h; None where none is known."""

    from_s: float
    to_s: float
    limit: int | None
    state: str
    event: str = ""
    condition: str = ""

    def __str__(self) -> str:
        name = f"{self.limit} km/h" if self.limit is not None else self.state
        state = f", {self.state}" if self.limit is not None and self.state != "limit" else ""
        more = f", {self.condition}" if self.condition else ""
        return f"{name}{state}{more}, {clock(self.from_s)} to {clock(self.to_s)}"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A sign below the bars.  sure: whether its class is.  anchor: of its card; empty for none."""

    at_s: float
    name: str
    sure: bool = True
    anchor: str = ""


def limits_chart(
    *, name: str, caption: str, alt: str, parts: Sequence[LimitPart], marks: Sequence[Mark], duration_s: float
) -> Figure:
    """A bar for each part as high as its limit; where none is known it is pale and says `?`."""
    duration_s = max(duration_s, 1e-3)
    x = scale(0, duration_s, LEFT, WIDTH - RIGHT)
    highest = max((part.limit for part in parts if part.limit is not None), default=100)
    levels = ticks(0, highest, 4)
    y = scale(0, levels[-1], TOP + HEIGHT, TOP + 14)
    floor = TOP + HEIGHT
    drawn = []
    for level in levels:
        drawn += [
            line(LEFT, y(level), WIDTH - RIGHT, y(level), RULE),
            text(LEFT - 8, y(level) + 4, f"{level:g}", anchor="end", fill=SOFT, size=12),
        ]
    for part in parts:
        drawn += _bar(part, x, y, floor)
    half = 4.5 if len(marks) <= _FEW else 2.0
    drawn += [_mark(mark, x(min(max(mark.at_s, 0), duration_s)), floor + 4, half) for mark in marks]
    bottom = floor + (MARKS if marks else 0)
    for second in _times(duration_s):
        drawn += [
            line(x(second), bottom, x(second), bottom + 4, SOFT),
            text(x(second), bottom + 17, clock(second), anchor="middle", fill=SOFT, size=12),
        ]
    return figure(name, caption, alt, WIDTH, bottom + BOTTOM, drawn)


def _bar(part: LimitPart, x: Scale, y: Scale, floor: float) -> list[str]:
    left, wide = x(part.from_s), max(x(part.to_s) - x(part.from_s), 0.5)
    middle, full = left + wide / 2, TOP + 14
    if part.limit is None and part.state != "unlimited":
        drawn = [
            rect(left, full, wide, floor - full, limit_colour(None), 0.28, str(part)),
            line(left, full, left + wide, full, SOFT, dash="3 3"),
        ]
        return drawn + _label("?", middle, full + 16, wide, SOFT)
    if part.limit is None:
        drawn = [rect(left, full, wide, floor - full, UNLIMITED, 1, str(part))]
        return drawn + _label("no limit", middle, full + 16, wide, "#ffffff")
    top, colour = y(part.limit), limit_rgb(part.limit)
    drawn = [rect(left, top, wide, floor - top, limit_colour(part.limit), 1, str(part))]
    inside = floor - top > 22
    ink = f"rgb{letters_on(colour)}" if inside else INK
    return drawn + _label(str(part.limit), middle, top + 16 if inside else top - 4, wide, ink)


def _label(words: str, x: float, y: float, room: float, colour: str) -> list[str]:
    return [text(x, y, words, anchor="middle", fill=colour)] if text_width(words) + 4 < room else []


def _mark(mark: Mark, x: float, y: float, half: float) -> str:
    """A triangle that points at the moment of passing, empty where the sign's class is not sure."""
    corners = f"{number(x)},{number(y)} {number(x - half)},{number(y + 9)} {number(x + half)},{number(y + 9)}"
    fill = INK if mark.sure else "none"
    hint = f"<title>{escape(f'{mark.name}, {clock(mark.at_s)}')}</title>"
    shape = f'<polygon points="{corners}" style="fill:{fill};stroke:{INK};stroke-width:1">{hint}</polygon>'
    return f'<a href="#{escape(mark.anchor)}">{shape}</a>' if mark.anchor else shape


def _times(duration_s: float) -> list[float]:
    """Round seconds, at most a dozen."""
    step = next((step for step in _STEPS_S if duration_s / step <= 12), None)
    if step is None:
        return ticks(0, duration_s, 10)[:-1]
    return [float(second) for second in range(0, int(duration_s) + 1, step)]
