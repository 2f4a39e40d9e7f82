"""How a sign's box moves through the picture while the car drives up to it.

A sign of height H stands X to the right and Y below the camera's axis, at depth Z that falls by v each
second.  Its box is h = f H / Z high, so 1/h falls in a straight line; and its middle is X/H times h away from
where the car is heading to in the picture.  Both lines are fitted to the boxes seen, the latest weighing
most, so that a small sign that moves by more than its own size from frame to frame is still foretold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.core.arrays import FloatArray
from roadworthy.drive.seen import Seen

LATEST = 12  # boxes that the lines are fitted to
_BOX_PX = 1.5  # how far a box's edges are off, one standard deviation, and of their sides:
_BOX_SHARE = 0.06
_RATE_S = 0.6  # a sign may be passed this soon after its first box, one standard deviation
_OFFSET_ERROR = 0.15  # heights, by which a car's way wanders from frame to frame
_TALLEST = 4.0  # times the last height; more is not foretold


@dataclass(frozen=True, kw_only=True)
class Heading:
    """Where in the picture the car is heading to, in pixels, at a frame.

    x, y: the focus of expansion, the middle of the picture unless known better.
    dx, dy: by how much the picture has been moved since the film began because the camera turned.
    """

    x: float
    y: float
    dx: float = 0.0
    dy: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Foretold:
    """Where a sign should be: its middle and height in pixels, and the height's standard error."""

    x: float
    y: float
    height: float
    height_error: float


class Approach:
    """The lines of one sign, fitted to its boxes and the headings at their frames."""

    def __init__(self, seen: Sequence[Seen], headings: Sequence[Heading]) -> None:
        seen, headings = seen[-LATEST:], headings[-LATEST:]
        self._last, self._heading = seen[-1], headings[-1]
        times = np.array([one.time_s for one in seen])
        heights = np.array([one.height_px for one in seen])
        self._fit_height(times - times[-1], heights)
        self._fit_place(seen, headings, heights)

    @property
    def passing_s(self) -> float | None:
        """When the camera reaches the sign; None where its box does not grow."""
        if self.rate >= 0 or -self.rate < self.rate_error:
            return None
        return float(self._last.time_s - self.inverse / self.rate)

    @property
    def offset(self) -> tuple[float, float]:
        """How far right of the car's way and below the camera the sign stands, in heights of it."""
        return self._offset

    def foretell(self, time_s: float, heading: Heading) -> Foretold:
        """Where it should be at a time, with the heading of that frame."""
        ahead = time_s - self._last.time_s
        inverse = self.inverse + self.rate * ahead
        height = min(1 / max(inverse, 1e-6), _TALLEST * self._last.height_px)
        # An error of 1/h is one of h, times h squared.
        error = min(height**2 * math.hypot(self.inverse_error, self.rate_error * ahead), height)
        x, y = self._place(height, heading)
        return Foretold(x=x, y=y, height=height, height_error=error)

    def misfit(self, box: Seen, heading: Heading) -> float:
        """How far a box is from where the sign should be then, in standard errors."""
        at = self.foretell(box.time_s, heading)
        own = _error(at.height)
        taller = (box.height_px - at.height) / math.hypot(at.height_error, own)
        # Height and place go together: a box that is taller than foretold is nearer, so further out, too.
        trust = at.height_error**2 / (at.height_error**2 + own**2)
        height = at.height + trust * (box.height_px - at.height)
        left_over = math.sqrt(trust) * own
        x, y = self._place(height, heading)
        middle = _middle(box)
        off = (middle[0] - x, middle[1] - y)
        far = math.hypot(*self._offset)
        out = (self._offset[0] / far, self._offset[1] / far) if far > 1e-6 else (1.0, 0.0)
        across = own + _OFFSET_ERROR * height
        along = math.hypot(across, far * left_over)
        return math.sqrt(
            taller**2
            + ((off[0] * out[0] + off[1] * out[1]) / along) ** 2
            + ((off[1] * out[0] - off[0] * out[1]) / across) ** 2
        )

    def _place(self, height: float, heading: Heading) -> tuple[float, float]:
        right, below = self._offset
        return heading.x + heading.dx + right * height, heading.y + heading.dy + below * height

    def _fit_height(self, times: FloatArray, heights: FloatArray) -> None:
        """The line of 1/h, with its value and slope now and their errors."""
        errors = np.array([_error(h) for h in heights]) / heights**2
        # Before there are boxes enough, the slope is held to be nothing, give or take a passing so soon.
        prior = heights[-1] * _RATE_S
        rows = np.stack([np.ones_like(times), times], axis=1) / errors[:, None]
        normal = rows.T @ rows + np.diag([0.0, prior**2])
        cover = np.linalg.inv(normal)
        self.inverse, self.rate = (cover @ rows.T @ (1 / heights / errors)).tolist()
        self.inverse_error, self.rate_error = np.sqrt(np.diag(cover)).tolist()
        self.inverse = max(self.inverse, 1e-4)

    def _fit_place(self, seen: Sequence[Seen], headings: Sequence[Heading], heights: FloatArray) -> None:
        """The offset in heights that explains the middles seen, those of tall boxes weighing most."""
        middles = np.array([_middle(one) for one in seen])
        axis = np.array([(at.x + at.dx, at.y + at.dy) for at in headings])
        # The line of 1/h smooths the heights, which single boxes know to a pixel or two.
        times = np.array([one.time_s for one in seen]) - self._last.time_s
        smooth = 1 / np.maximum(self.inverse + self.rate * times, 1e-4)
        smooth = np.clip(smooth, 0.7 * heights, 1.4 * heights)
        # A car's heading wanders, so what was seen last says most of where it will be seen next.
        weights = np.exp(times / 0.4) / (1 + (_BOX_PX / smooth) ** 2)
        offsets = (middles - axis) / smooth[:, None]
        mean = (weights[:, None] * offsets).sum(axis=0) / weights.sum()
        self._offset = (float(mean[0]), float(mean[1]))


def _error(height: float) -> float:
    return _BOX_PX + _BOX_SHARE * height


def _middle(one: Seen) -> tuple[float, float]:
    x1, y1, x2, y2 = one.box
    return (x1 + x2) / 2, (y1 + y2) / 2
