"""Two drawings that explain the gradient-norm penalty; nothing in them is measured."""

from __future__ import annotations

import math
from collections.abc import Callable

from roadworthy.core.document import Figure
from roadworthy.report.figures.svg import BLUE, GREEN, INK, ORANGE, PURPLE, SOFT

WIDTH, HEIGHT = 440, 270
MIDDLE, RADII = (150, 195), (200, 70)  # of the rings of equal loss


def minima_drawing() -> Figure:
    """A sharp and a flat minimum, and what the same shift of the weights costs in either."""

    def loss(x: float) -> float:
        return 60 - 165 * math.exp(-(((x - 110) / 26) ** 2)) - 160 * math.exp(-(((x - 300) / 85) ** 2))

    def y(x: float) -> float:
        return 65 - loss(x)

    parts = [_curve(y, 30, 420, INK)]
    for bottom, colour, name in ((110, ORANGE, "sharp"), (300, BLUE, "flat")):
        parts += [
            _dot(bottom, y(bottom), colour),
            _dot(bottom + 28, y(bottom + 28), colour),
            _path(f"M{bottom + 28} {y(bottom):.0f} V{y(bottom + 28):.1f}", colour, dash="4 3"),
            _path(f"M{bottom} {y(bottom):.0f} H{bottom + 28}", colour, dash="4 3"),
            _label(bottom, y(bottom) + 26, name, colour, "middle"),
        ]
    parts += [_label(30, 34, "loss", SOFT), _label(420, 255, "weights", SOFT, "end")]
    words = "A sharp and a flat minimum: the same shift of the weights costs much in one, little in the other"
    return _drawing("film-minima", words, parts)


def mixing_drawing() -> Figure:
    """Two gradients, a step apart, and their mixture."""
    w = (270.0, 165.0)
    up = _gradient(w)
    length = math.hypot(*up)
    above = (w[0] + 50 * up[0] / length, w[1] + 50 * up[1] / length)
    there = _gradient(above)
    mixed = (0.2 * up[0] + 0.8 * there[0], 0.2 * up[1] + 0.8 * there[1])
    parts = [
        *(_ellipse(size) for size in (0.15, 0.3, 0.45, 0.6, 0.74)),
        _arrow(*w, *up, BLUE),
        _label(w[0] + 26, w[1] - 8, "g1, and r along it", BLUE),
        _arrow(*above, *there, ORANGE),
        _label(above[0] + there[0] + 10, above[1] + there[1] + 10, "g2", ORANGE),
        _arrow(*w, *mixed, GREEN),
        _label(w[0] + mixed[0] - 16, w[1] + mixed[1] + 4, "d", GREEN, "end"),
        _arrow(*w, -0.5 * mixed[0], -0.5 * mixed[1], PURPLE),
        _label(w[0] - 4, w[1] - mixed[1] / 2 + 18, "the step, against d", PURPLE),
        _dot(*above, ORANGE),
        _dot(*w, PURPLE),
        _label(w[0] - 12, w[1] + 4, "w", PURPLE, "end"),
        _label(20, 20, "rings: equal loss", SOFT),
    ]
    return _drawing(
        "film-mixing", "The step goes against a mixture of the gradient here and the one uphill", parts
    )


def _curve(y: Callable[[float], float], start: int, end: int, colour: str) -> str:
    points = " L".join(f"{x} {y(x):.1f}" for x in range(start, end + 1, 3))
    return _path(f"M{points}", colour, width=2.5)


def _path(way: str, colour: str, *, dash: str = "", width: float = 1.5) -> str:
    dashes = f";stroke-dasharray:{dash}" if dash else ""
    return f'<path d="{way}" style="fill:none;stroke:{colour};stroke-width:{width:g}{dashes}"/>'


def _arrow(x: float, y: float, dx: float, dy: float, colour: str) -> str:
    turn = math.atan2(dy, dx)
    ends = [(x + dx - 10 * math.cos(turn + a), y + dy - 10 * math.sin(turn + a)) for a in (0.45, -0.45)]
    tip = f"L{x + dx:.1f} {y + dy:.1f}"
    head = f"M{ends[0][0]:.1f} {ends[0][1]:.1f} {tip} L{ends[1][0]:.1f} {ends[1][1]:.1f}"
    return _path(f"M{x:.1f} {y:.1f} {tip} {head}", colour, width=2.5)


def _gradient(at: tuple[float, float]) -> tuple[float, float]:
    """Of the loss whose rings are drawn, to scale."""
    (x, y), (across, down) = MIDDLE, RADII
    return 7000 * (at[0] - x) / across**2, 7000 * (at[1] - y) / down**2


def _ellipse(size: float) -> str:
    where = f'cx="{MIDDLE[0]}" cy="{MIDDLE[1]}" rx="{RADII[0] * size:.0f}" ry="{RADII[1] * size:.0f}"'
    return f'<ellipse {where} style="fill:none;stroke:{SOFT};stroke-width:1;stroke-opacity:.45"/>'


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" style="fill:{colour}"/>'


def _label(x: float, y: float, text: str, colour: str, anchor: str = "start") -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="15"'
    return f'<text {where} style="fill:{colour}">{text}</text>'


def _drawing(name: str, words: str, parts: list[str]) -> Figure:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{words}" font-family="system-ui, sans-serif">\n' + "\n".join(parts) + "\n</svg>\n"
    )
    return Figure(caption=f"{words} (drawn, not measured)", svg=svg, alt=words, name=name)
