"""Arrays whose red and blue channels were swapped, which no array says of itself."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.inference.answers import Row
from roadworthy.inference.confidence import SCORES
from roadworthy.inference.network import Network
from roadworthy.signs.catalogue import NO_SIGN

SWAPPED = 2.0  # of energy: an array that reads so much better with red and blue swapped is not RGB
_REASON = "red and blue seem to be swapped in the array"


def refuse_swapped(rows: Sequence[Row], crops: ByteArray, logits: FloatArray, network: Network) -> list[Row]:
    """Rows of arrays, not accepted where red and blue swapped give another and much surer answer.

    crops: (N, S, S, 3) as the network got them, and logits (N, C) what it said.  A warning tells of them, as
    from the caller's caller.
    """
    # A network that never learned what is no sign may be surer of colours that it never saw.
    if not rows or NO_SIGN not in network.classes:
        return list(rows)
    other = network.logits(np.ascontiguousarray(crops[..., ::-1]))
    energies, confidences = (
        [SCORES.get(score)(both, network.temperature) for both in (logits, other)]
        for score in ("energy", "probability")
    )
    swapped = energies[1] - energies[0] > SWAPPED
    # Where both orders give the same answer it matters to nobody which was meant.
    swapped &= (confidences[1] > confidences[0]) & (other.argmax(axis=1) != logits.argmax(axis=1))
    if swapped.any():
        warnings.warn(
            f"red and blue seem to be swapped in {int(swapped.sum())} of {len(rows)} arrays, first in "
            f'{rows[int(swapped.argmax())].path}; say order="BGR" of what cv2.imread gives',
            stacklevel=3,
        )
    return [
        replace(row, accepted=False, reason=_REASON) if wrong else row
        for row, wrong in zip(rows, swapped.tolist(), strict=True)
    ]
