"""Whether an exported network answers as the one that it was made from.  numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import ParityError, ShapeError
from roadworthy.core.words import percent, points

TOLERANCE = 1e-3  # of a logit, in full precision
AGREEMENT, LOSS = 0.995, 0.001  # least agreement and largest loss of accuracy in 8 bits
NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Two networks on the same N pictures.

    agreement: share of pictures with the same answer.  difference: the largest of any logit.
    accuracy, accuracy_before: share right of the exported network and of the one it was made from.
    differing: pictures with another answer, in words.  worst: where the largest difference is, in words.
    """

    n: int
    agreement: float
    difference: float
    accuracy: float
    accuracy_before: float
    differing: tuple[str, ...]
    worst: str

    def facts(self) -> dict[str, Any]:
        """What a manifest keeps of it."""
        return {
            "n": self.n,
            "agreement": self.agreement,
            "largest_difference": self.difference,
            "accuracy": self.accuracy,
            "accuracy_before": self.accuracy_before,
        }


def parity(
    before: FloatArray, after: FloatArray, targets: IntArray, names: Sequence[str], classes: Sequence[str]
) -> Parity:
    """Compare (N, C) logits `before` an export with those `after` it; `names` are pictures'."""
    if before.shape != after.shape or before.shape != (len(targets), len(classes)) or not len(targets):
        raise ShapeError(
            f"logits are {before.shape} and {after.shape} for {len(targets)} pictures and {len(classes)} "
            "classes; at least one picture is needed, and all must fit"
        )
    old, new = before.argmax(axis=1), after.argmax(axis=1)
    gap = np.abs(before - after)
    row, column = np.unravel_index(int(gap.argmax()), gap.shape)
    return Parity(
        n=len(targets),
        agreement=float((old == new).mean()),
        difference=float(gap.max()),
        accuracy=float((new == targets).mean()),
        accuracy_before=float((old == targets).mean()),
        differing=tuple(
            f"{names[i]} ({classes[old[i]]}, now {classes[new[i]]})"
            for i in np.flatnonzero(old != new).tolist()
        ),
        worst=f"{classes[int(column)]} of {names[int(row)]}",
    )


def check_full(found: Parity) -> None:
    """Hold a network in full precision to the one it was made from; ParityError says where it is another."""
    if found.agreement < 1 or not found.difference <= TOLERANCE:
        raise ParityError(
            "the exported network answers differently: "
            f"logits differ by up to {found.difference:.2g} ({found.worst}; "
            f"at most {TOLERANCE:g} is rounding), answers to {len(found.differing)} of {found.n:,} pictures "
            f"do{_some(found)}; nothing was written"
        )


def check_quantised(found: Parity) -> None:
    """Hold a network in 8 bits to the one it was made from."""
    lost = found.accuracy_before - found.accuracy
    # Of few pictures one is more than these shares, and proves nothing.
    changed, worse = len(found.differing), round(lost * found.n)
    if changed > max(1, (1 - AGREEMENT) * found.n) or worse > max(1, LOSS * found.n):
        raise ParityError(
            "8 bits change too much: "
            f"{percent(found.agreement)} of {found.n:,} answers stay (at least {percent(AGREEMENT, 1)}), "
            f"{points(lost, signed=False)} points of accuracy are lost (at most "
            f"{points(LOSS, 1, signed=False)}, or one picture)"
            f"{_some(found)}; nothing was written, --precision fp32 keeps full precision"
        )


def _some(found: Parity) -> str:
    if not found.differing:
        return ""
    more = len(found.differing) - NAMED
    return ": " + ", ".join(found.differing[:NAMED]) + (f" and {more} more" if more > 0 else "")
