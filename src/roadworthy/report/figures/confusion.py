"""A confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.document import Figure
from roadworthy.report.figures.svg import (
    BLUE,
    INK,
    ORANGE,
    PAPER,
    RULE,
    SOFT,
    figure,
    line,
    rect,
    text,
    text_width,
)


def _sizes(classes: int) -> tuple[int, int]:
    """Of a cell and of its letters."""
    steps = ((5, 60, 13), (8, 46, 13), (15, 32, 12))
    return next(((cell, letter) for most, cell, letter in steps if classes <= most), (19, 11))


def confusion_chart(
    *, name: str, caption: str, alt: str, labels: Sequence[str], counts: IntArray | FloatArray
) -> Figure:
    """Counts of true class (row) by answer (column): right answers blue, mistakes orange.

    counts: (C, C), also means over trainings, which are shown to one digit where they are no whole numbers.
    Depth of colour is the square root of the share of the true class, so that one mistake in 500 is seen.
    """
    n = len(labels)
    cell, letter = _sizes(n)
    longest = max(text_width(label, letter) for label in labels)
    slanted = n <= 15
    left = 34 + longest
    top = 34 + (longest * 0.72 if slanted else longest)
    side = cell * n
    width = round(left + side + (longest * 0.72 - cell / 2 if slanted else 4)) + 4
    parts = [
        text(12, top + side / 2, "true class", anchor="middle", fill=SOFT, turn=-90),
        text(left + side / 2, 14, "answer", anchor="middle", fill=SOFT),
    ]
    for i, label in enumerate(labels):
        middle = (i + 0.5) * cell
        parts += [
            line(left, top + i * cell, left + side, top + i * cell, RULE, width=0.6),
            line(left + i * cell, top, left + i * cell, top + side, RULE, width=0.6),
            text(left - 8, top + middle + letter * 0.35, label, anchor="end", size=letter),
            text(left + middle + letter * 0.3, top - 8, label, size=letter, turn=-45 if slanted else -90),
        ]
    for row, label in enumerate(labels):
        total = max(1.0, float(counts[row].sum()))
        for column in map(int, counts[row].nonzero()[0]):
            count = float(counts[row, column])
            depth = round(max(0.25, math.sqrt(count / total)), 2)
            x, y, colour = left + column * cell, top + row * cell, BLUE if row == column else ORANGE
            hint = f"{label} read as {labels[column]}: {_said(count)} of {_said(total)}"
            figures = _said(count, "") if count < 10_000 else f"{count / 1000:.0f}k"
            size = min(letter, (cell - 3) / (0.6 * len(figures)))
            parts += [
                rect(x + 0.5, y + 0.5, cell - 1, cell - 1, colour, depth, hint),
                text(
                    x + cell / 2,
                    y + cell / 2 + size * 0.35,
                    figures,
                    anchor="middle",
                    size=round(size, 1),
                    fill=PAPER if depth > 0.6 else INK,
                ),
            ]
    parts.append(line(left, top + side, left + side, top + side, RULE, width=0.6))
    parts.append(line(left + side, top, left + side, top + side, RULE, width=0.6))
    return figure(name, caption, alt, width, round(top + side) + 4, parts)


def _said(count: float, between: str = ",") -> str:
    """A count, or a mean of counts to one digit; `between` stands between thousands."""
    return f"{count:{between}.{0 if count == round(count) else 1}f}"
