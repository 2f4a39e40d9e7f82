"""Recall against false alarms a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.core.document import Figure
from roadworthy.report.figures.lines import Line, line_chart

LEAST, MOST = 0.01, 10.0  # false alarms a frame: the axis begins at or below the one, and ends at the other


@dataclass(frozen=True, kw_only=True)
class Response:
    """One line: at its corners so many false alarms a frame, and from there on that recall.

    Numbers ascend; the first may be 0.
    """

    name: str
    false_per_frame: tuple[float, ...]
    recall: tuple[float, ...]


def free_response_chart(
    *,
    name: str,
    caption: str,
    alt: str,
    lines: Sequence[Response],
    end: float,
    mark: tuple[float, str] | None = None,
) -> Figure:
    """Stairs over a logarithmic axis of false alarms a frame; what needs none begins at its left edge.

    end: false alarms a frame among all boxes, where the lines end; MOST where there are more.
    mark: a number of false alarms with its label.
    """
    positive = [x for one in lines for x in one.false_per_frame if x > 0]
    left = min([LEAST, *positive])
    right = max(min(end, MOST), left * 10)
    return line_chart(
        name=name,
        caption=caption,
        alt=alt,
        lines=[_stairs(one, left, right) for one in lines],
        x_label="false alarms a frame",
        percent=True,
        log_x=True,
        mark=mark,
    )


def _stairs(one: Response, left: float, right: float) -> Line:
    corners = list(zip(one.false_per_frame, one.recall, strict=True))
    xs, ys = [left], [max((y for x, y in corners if x <= left), default=0.0)]
    for x, y in corners:
        if left < x <= right:
            xs += [x, x]
            ys += [ys[-1], y]
    return Line(name=one.name, xs=(*xs, right), ys=(*ys, ys[-1]), dots=False)
