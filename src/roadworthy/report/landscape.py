"""Figures of loss landscapes, from stored results: curves for a family of networks, a surface for one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from roadworthy.core.document import Figure
from roadworthy.report import figures

Tree = Mapping[str, Any]


def curves_figure(name: str, curves: Mapping[str, Tree]) -> Figure:
    """The losses of up to four networks along one direction each, on one logarithmic axis.

    curves: by what each is called, as evaluate.landscape.Curve's to_dict gives them.  What has no logarithm
    is left out.
    Raises ValueError where nothing is left, and on more than four.
    """
    known = {label: _known(curve["steps"], curve["losses"]) for label, curve in curves.items()}
    lines = [
        figures.Line(name=label, xs=tuple(x for x, _ in points), ys=tuple(y for _, y in points))
        for label, points in known.items()
        if points
    ]
    if not 1 <= len(lines) <= len(figures.COLOURS):
        raise ValueError(
            f"{len(lines)} curves have losses that are positive and finite; a figure shows 1 to "
            f"{len(figures.COLOURS)}"
        )
    said = "; ".join(
        f"{line.name}: {_at_zero(line.xs, line.ys)}{line.ys[0]:.3g} at {line.xs[0]:g} and "
        f"{line.ys[-1]:.3g} at {line.xs[-1]:g}"
        for line in lines
    )
    caption = "Loss along a random direction (logarithmic); a step of 1 is as long as each filter"
    return figures.line_chart(
        name=name,
        caption=caption,
        alt=f"{caption}. {said}.",
        lines=lines,
        x_label="step in filter norms",
        log=True,
        mark=(0.0, "trained weights"),
    )


def surface_figure(name: str, of: str, surface: Tree) -> Figure:
    """The loss of the network called `of` over two directions, as Surface's to_dict gives it.

    Raises ValueError where no loss is positive and finite.
    """
    steps, losses = surface["steps"], surface["losses"]
    middle = losses[steps.index(0)] if 0 in steps else losses[0]
    finite = [loss for row in losses for loss in row if loss < math.inf]
    ends = f"from {min(finite, default=math.nan):.3g} to {max(finite, default=math.nan):.3g}"
    caption = f"Loss of {of} over two random directions"
    if 0 in steps:
        caption += "; the ring is where training ended"
    return figures.surface_chart(
        name=name,
        caption=caption,
        alt=f"{caption}. Loss: {_at_zero(steps, middle)}{ends} over the plane.",
        xs=steps,
        ys=steps,
        values=losses,
        x_label="first direction, in filter norms",
        y_label="second direction",
        value_label="loss",
        mark=(0.0, 0.0) if 0 in steps else None,
    )


def _known(steps: Sequence[float], losses: Sequence[float]) -> list[tuple[float, float]]:
    return [(step, loss) for step, loss in zip(steps, losses, strict=True) if 0 < loss < math.inf]


def _at_zero(steps: Sequence[float], losses: Sequence[float]) -> str:
    return f"{losses[steps.index(0)]:.3g} at the trained weights, " if 0 in steps else ""
