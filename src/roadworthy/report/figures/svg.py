"""The marks that charts are made of, as SVG, in the page's colours."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

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


def text_width(text: str, size: float = 13) -> float:
    """About how wide a text is drawn."""
    return 0.6 * size * len(text)


def number(value: float) -> str:
    """A coordinate, no longer than it needs to be."""
    return f"{value:.1f}".removesuffix(".0")


def line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dash: str = "", width: float = 1) -> str:
    """A straight line."""
    where = " ".join(f'{k}="{number(v)}"' for k, v in (("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)))
    dashes = f";stroke-dasharray:{dash}" if dash else ""
    return f'<line {where} style="stroke:{colour};stroke-width:{width:g}{dashes}"/>'


def circle(x: float, y: float, radius: float, colour: str) -> str:
    """A dot."""
    return f'<circle cx="{number(x)}" cy="{number(y)}" r="{radius:g}" style="fill:{colour}"/>'


def ring(x: float, y: float) -> str:
    """A ring, to mark a place without hiding it."""
    where = f'cx="{number(x)}" cy="{number(y)}"'
    return f'<circle {where} r="5" style="fill:{PAPER};stroke:{INK};stroke-width:2"/>'


def rect(
    x: float, y: float, width: float, height: float, colour: str, opacity: float = 1, hint: str = ""
) -> str:
    """A rectangle; the hint shows where a pointer rests on it."""
    title = f"<title>{escape(hint)}</title>" if hint else ""
    where = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f'<rect {where} style="fill:{colour};fill-opacity:{opacity:g}">{title}</rect>'


def text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    fill: str = INK,
    size: float = 13,
    turn: int = 0,
) -> str:
    """A text, escaped; `turn` in degrees."""
    turned = f' transform="rotate({turn} {number(x)} {number(y)})"' if turn else ""
    where = f'x="{number(x)}" y="{number(y)}" text-anchor="{anchor}" font-size="{size:g}"{turned}'
    return f'<text {where} style="fill:{fill}">{escape(text)}</text>'


def figure(name: str, caption: str, alt: str, width: float, height: float, parts: Sequence[str]) -> Figure:
    """The parts as one SVG document."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {round(width)} {round(height)}" role="img" '
        f'aria-label="{escape(alt)}" font-family="system-ui, sans-serif">\n' + "\n".join(parts) + "\n</svg>\n"
    )
    return Figure(caption=caption, svg=svg, alt=alt, name=name)
