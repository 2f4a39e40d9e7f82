"""Whether an exported finder finds what the one does that it was made from.  numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadworthy.core.arrays import FloatArray
from roadworthy.core.errors import ParityError, ShapeError
from roadworthy.core.words import percent, points

TOLERANCE = 1e-3  # of a score, in full precision
PIXELS = 0.1  # of an edge
TIES = 0.001  # share of boxes: of two about one sign whose scores differ by rounding, either may be kept
SAME = 0.7  # intersection over union of two boxes about one sign, in 8 bits
AGREEMENT, LOSS = 0.97, 0.005  # least share of boxes found again, and largest loss of AP50, in 8 bits


@dataclass(frozen=True, kw_only=True)
class BoxParity:
    """Two finders on the same F frames.

    boxes: that either found.  agreement: share of them that both did.  score_difference, edge_difference: the
    largest, of boxes that both found.  moved: boxes of which an edge differs by more than PIXELS.
    ap50, ap50_before: of the exported finder and of its source; None where the frames show no signs.
    """

    frames: int
    boxes: int
    agreement: float
    score_difference: float
    edge_difference: float
    moved: int = 0
    ap50: float | None
    ap50_before: float | None

    def facts(self) -> dict[str, Any]:
        """What a manifest keeps of it."""
        return {
            "n": self.frames,
            "boxes": self.boxes,
            "agreement": self.agreement,
            "largest_difference": self.score_difference,
            "largest_edge_difference_px": self.edge_difference,
            "ap50": self.ap50,
            "ap50_before": self.ap50_before,
        }


def box_parity(
    before: Sequence[FloatArray],
    after: Sequence[FloatArray],
    *,
    ap50_before: float | None = None,
    ap50: float | None = None,
) -> BoxParity:
    """Compare what two finders found: for each frame (N, 5) boxes with their scores, each once."""
    if len(before) != len(after) or not before:
        raise ShapeError(f"{len(before)} and {len(after)} frames were seen; all must be, and at least one")
    both = apart = 0
    scores, edges = [0.0], [0.0]
    for old, new in zip(before, after, strict=True):
        pairs = _pairs(old, new)
        both += len(pairs)
        apart += len(old) + len(new) - 2 * len(pairs)
        for i, j in pairs:
            scores.append(float(abs(old[i, 4] - new[j, 4])))
            edges.append(float(np.abs(old[i, :4] - new[j, :4]).max()))
    boxes = both + apart
    return BoxParity(
        frames=len(before),
        boxes=boxes,
        agreement=both / boxes if boxes else 1.0,
        score_difference=max(scores),
        edge_difference=max(edges),
        moved=sum(edge > PIXELS for edge in edges),
        ap50=ap50,
        ap50_before=ap50_before,
    )


def _pairs(old: FloatArray, new: FloatArray) -> list[tuple[int, int]]:
    """Boxes that overlap by SAME, the surest first, each once."""
    low = np.maximum(old[:, None, :2], new[None, :, :2])
    high = np.minimum(old[:, None, 2:4], new[None, :, 2:4])
    shared = (high - low).clip(min=0).prod(axis=2)
    own, theirs = ((boxes[:, 2:4] - boxes[:, :2]).prod(axis=1) for boxes in (old, new))
    shares = shared / np.maximum(own[:, None] + theirs[None] - shared, 1e-9)
    pairs, free = [], np.ones(len(new), bool)
    for i in np.argsort(-old[:, 4], kind="stable").tolist():
        left = np.where(free, shares[i], -1.0)
        if len(left) and left.max() >= SAME:
            j = int(left.argmax())
            free[j] = False
            pairs.append((i, j))
    return pairs


def check_full_boxes(found: BoxParity) -> None:
    """Hold a finder in full precision to its source; ParityError says where it is another.

    Where neither finds anything nothing shows that they are the same, and that is refused, too.
    """
    if not found.boxes:
        raise ParityError(
            f"nothing is found in the {found.frames:,} frames that the export is held to, so nothing shows "
            "that it is the same; nothing was written: train longer, or give frames with signs with --data"
        )
    others = (1 - found.agreement) * found.boxes + found.moved
    if others > TIES * found.boxes or found.score_difference > TOLERANCE:
        raise ParityError(
            f"the exported finder finds otherwise: of {found.boxes:,} boxes in {found.frames:,} frames "
            f"{round(others):,} are others or differ by more than {PIXELS:g} px (at most {percent(TIES)}), "
            f"scores by up to {found.score_difference:.2g} (at most {TOLERANCE:g} is rounding); nothing was "
            "written"
        )


def check_quantised_boxes(found: BoxParity) -> None:
    """Hold a finder in 8 bits to its source."""
    before, after = found.ap50_before, found.ap50
    lost = before - after if before is not None and after is not None else 0.0
    if found.agreement < AGREEMENT or lost > LOSS:
        raise ParityError(
            f"8 bits change too much: {percent(found.agreement)} of {found.boxes:,} boxes in "
            f"{found.frames:,} frames stay (at least {percent(AGREEMENT, 1)}), AP50 loses "
            f"{points(lost, signed=False)} points (at most {points(LOSS, 1, signed=False)}); nothing was "
            "written, --precision fp32 keeps full precision"
        )
