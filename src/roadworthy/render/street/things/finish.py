"""How surfaces shine: finishes that change a painted patch before it is lit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from roadworthy.render.street.grain import fractal, piece
from roadworthy.render.street.pen import Patch, Pen


def lacquered(rng: Generator, waist: float) -> Callable[[Patch, Pen], Patch]:
    """Lacquer and glass: darker beneath, streaks that mirror the street, a bright edge at `waist` metres."""
    seed, strength = int(rng.integers(2**31)), float(rng.uniform(0.02, 0.12))

    def finish(patch: Patch, pen: Pen) -> Patch:
        height, width = patch.alpha.shape
        if height * width < 100:
            return patch
        local = np.random.default_rng(seed)
        _, y = pen.grid()
        fade = 0.5 + 0.6 * np.clip(y / waist, 0, 1) ** 0.7
        mirrored = piece(fractal(1.6), local, height, width, max(0.5, pen.scale * waist / 40), 3.0)
        shine = strength * np.clip(mirrored, 0, None) * (y > 0.35)
        shine = shine + strength * np.exp(-(((y - waist) / 0.06) ** 2))
        colour = patch.colour * fade[..., None].astype(np.float32) + shine[..., None].astype(np.float32)
        return Patch(colour, patch.alpha, patch.left, patch.top, patch.glow)

    return finish
