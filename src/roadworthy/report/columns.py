"""Names and what is said of them in columns, and tables of text, as a terminal shows them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from roadworthy.core.words import visible

WIDTH = 80
LONGEST_NAME = 28
Facts = list[tuple[str, str]]


def aligned(facts: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Names in one column, what is said of them folded beside it."""
    longest = max(len(name) for name, _ in facts)
    lines = []
    for name, value in facts:
        start = f"{name:<{longest}}  "
        lines += textwrap.wrap(
            visible(value),
            max(width, len(start) + 20),
            initial_indent=start,
            subsequent_indent=" " * len(start),
            break_on_hyphens=False,
            break_long_words=False,
        )
    return lines


def short(name: str) -> str:
    """A name, harmless and not too long for a column."""
    shown = visible(name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"


def folded(text: str, width: int) -> list[str]:
    """A sentence as lines."""
    return textwrap.wrap(visible(text), width, break_on_hyphens=False)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], gap: int = 2) -> list[str]:
    """A heading and rows, the first column to the left and the others to the right."""
    cells = [list(columns), *map(list, rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    return [
        (" " * gap)
        .join(
            f"{cell:<{w}}" if i == 0 else f"{cell:>{w}}"
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        .rstrip()
        for row in cells
    ]
