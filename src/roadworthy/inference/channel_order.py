"""Arrays whose red and blue channels were swapped, which no array says of itself."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.inference.answers import Row
from roadworthy.inference.confidence import SCORES, accepted
from roadworthy.inference.network import Network
from roadworthy.signs.catalogue import NAMELESS, NO_SIGN

SWAPPED = 2.0  # of energy: an array that reads as a sign so much better with red and blue swapped is not RGB
SEEM_SWAPPED = "red and blue seem to be swapped in the array"


def refuse_swapped(
    rows: Sequence[Row],
    crops: ByteArray,
    logits: FloatArray,
    network: Network,
    *,
    of_one: bool = False,
) -> list[Row]:
    """Rows of arrays, not accepted where red and blue swapped give another sign, and much more surely.

    crops: (N, S, S, 3) as the network got them, and logits (N, C) what it said.  A warning tells of them, as
    from the caller's caller.
    of_one: all are parts of one array, which has one order: none is refused unless most seem swapped.
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
    swapped &= confidences[1] > confidences[0]
    # Where both orders give the same answer it matters to nobody which was meant.
    swapped &= other.argmax(axis=1) != logits.argmax(axis=1)
    # A network that was taught that swapped signs are none is as sure of that as of the sign, or surer: only
    # a sign the other way round tells that this one is wrong.
    none = np.isin(network.classes, NAMELESS)
    swapped &= ~none[other.argmax(axis=1)]
    sure, surely = (accepted(both, network.temperature, network.rejection) for both in (logits, other))
    if sure is not None and surely is not None:
        rather = ~sure & (energies[1] > energies[0])
        swapped |= surely & ~none[other.argmax(axis=1)] & (none[logits.argmax(axis=1)] | rather)
    if of_one and 2 * swapped.sum() <= len(rows):
        return list(rows)
    if swapped.any():
        warnings.warn(
            f"red and blue seem to be swapped in {int(swapped.sum())} of {len(rows)} arrays, first in "
            f'{rows[int(swapped.argmax())].path}; say order="BGR" of what cv2.imread gives',
            stacklevel=3,
        )
    return [
        replace(row, accepted=False, reason=SEEM_SWAPPED) if wrong else row
        for row, wrong in zip(rows, swapped.tolist(), strict=True)
    ]


def may_be_small(row: Row) -> bool:
    """Whether a picture that shows no sign as a whole may still hold one, whose colours are right."""
    return row.predicted == NO_SIGN
