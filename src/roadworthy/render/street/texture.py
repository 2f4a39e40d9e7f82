"""What walls look like, at as many sizes as they are seen in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from roadworthy.render.street.pen import Patch
from roadworthy.render.street.view import Floats

_LEVELS = 6


class Texture:
    """A wall's look.

    draw: paints it at so many pixels a metre.  Each size is painted once.
    """

    def __init__(self, draw: Callable[[float], Patch]) -> None:
        self._draw = draw
        self._known: dict[float, list[Patch]] = {}

    def levels(self, scale: float) -> Sequence[Patch]:
        """It at `scale` pixels a metre, at half of that, a quarter, and so on."""
        if scale not in self._known:
            levels = [self._draw(scale)]
            while min(levels[-1].alpha.shape) > 4 and len(levels) < _LEVELS:
                levels.append(_halved(levels[-1]))
            self._known[scale] = levels
        return self._known[scale]


def _halved(patch: Patch) -> Patch:
    """A patch at half the size."""
    tall, wide = (side // 2 * 2 for side in patch.alpha.shape)
    alpha = patch.alpha[:tall, :wide].reshape(tall // 2, 2, wide // 2, 2)
    weight = np.maximum(alpha, 1e-3)[..., None]
    colour = patch.colour[:tall, :wide].reshape(tall // 2, 2, wide // 2, 2, 3)
    small: Floats = (colour * weight).sum((1, 3)) / weight.sum((1, 3))
    glow = None
    if patch.glow is not None:
        glow = patch.glow[:tall, :wide].reshape(tall // 2, 2, wide // 2, 2, 3).mean((1, 3))
    return Patch(small, alpha.mean((1, 3)), 0, 0, glow)
