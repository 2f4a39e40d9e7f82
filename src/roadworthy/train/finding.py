"""What training a finder minimises: which cells should see a sign, and how far their answers are from it.

Targets are (B, M, 5): x1, y1, x2, y2 in pixels and what the box is: WANTED, IGNORED, or 0 for padding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from roadworthy.models.finder import centres, to_boxes

WANTED, IGNORED = 1, 2
# Larger sides in pixels that each grid answers for; where two overlap both do: no size falls between.
RANGES = ((0.0, 48.0), (32.0, 112.0), (80.0, float("inf")))
REACH = 1.5  # strides from a sign's middle within which cells should see it
BOX_WEIGHT = 2.0
_FOCUS = 2.0  # power by which cells that are right already count less


@dataclass(frozen=True)
class Assignment:
    """For each of B frames and N cells: the sign that it should see.

    boxes: (B, N, 4), of use where `sees` is set.  sees: (B, N) bool.
    counts: (B, N) bool, False where nothing is known, as within ignored boxes.
    """

    boxes: Tensor
    sees: Tensor
    counts: Tensor


def assign(targets: Tensor, cells: Tensor) -> Assignment:
    """Give each cell the sign in whose middle it lies, the smaller one where there are two.

    targets: (B, M, 5).  cells: (N, 3) from `models.finder.centres`.
    A sign smaller than a cell is seen by the one cell that its middle lies in.
    """
    boxes_BM4, kind_BM = targets[..., :4], targets[..., 4]
    x, y, stride = cells.unbind(1)
    low, high = _ranges(cells)
    side_BM1 = (boxes_BM4[..., 2:] - boxes_BM4[..., :2]).amax(dim=2)[..., None]
    left, top, right, bottom = (part[..., None] for part in boxes_BM4.unbind(2))
    inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
    away = torch.maximum((x - (left + right) / 2).abs(), (y - (top + bottom) / 2).abs())
    middle = (away <= stride / 2) | (inside & (away <= REACH * stride))
    fits = (side_BM1 >= low) & (side_BM1 < high)
    wanted = middle & fits & (kind_BM == WANTED)[..., None]

    area = (right - left) * (bottom - top)
    ranked = torch.where(wanted, area.expand_as(wanted), torch.inf)
    smallest, which = (
        ranked.min(dim=1) if targets.shape[1] else (x.new_full((len(targets), len(x)), torch.inf), None)
    )
    sees = smallest < torch.inf
    ignored = (inside & (kind_BM == IGNORED)[..., None]).any(dim=1)
    chosen = (
        boxes_BM4.new_zeros(len(targets), len(x), 4)
        if which is None
        else boxes_BM4.gather(1, which[..., None].expand(-1, -1, 4))
    )
    return Assignment(boxes=chosen, sees=sees, counts=sees | ~ignored)


def _ranges(cells: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) smallest and largest side that each cell answers for."""
    strides = cells[:, 2].unique()
    level = torch.searchsorted(strides, cells[:, 2].contiguous())
    low, high = (cells.new_tensor([ends[i] for ends in RANGES]) for i in (0, 1))
    return low[level], high[level]


def finding_loss(outputs: Tensor, targets: Tensor, height: int, width: int) -> Tensor:
    """Scores against how well each box fits, and the boxes of cells that see a sign; a scalar.

    outputs: (B, N, 5) as the finder gives them for frames of `height` by `width` pixels.
    The score of a cell that sees a sign should be its box's intersection over union, of others 0.
    Sources: quality focal loss, Li et al. 2020, eq. 4; generalised IoU, Rezatofighi et al. 2019.
    """
    cells = centres(height, width, outputs.device)
    assigned = assign(targets.to(outputs.dtype), cells)
    outputs = outputs.float()
    sees = assigned.sees
    boxes = to_boxes(outputs[..., 1:], cells)
    overlap, general = overlaps(boxes[sees], assigned.boxes[sees])
    goal = torch.zeros_like(outputs[..., 0])
    goal[sees] = overlap.detach().clamp(0, 1)
    score = outputs[..., 0]
    focal = (score.sigmoid() - goal).abs().pow(_FOCUS) * F.binary_cross_entropy_with_logits(
        score, goal, reduction="none"
    )
    signs = sees.sum().clamp(min=1)
    return (focal * assigned.counts).sum() / signs + BOX_WEIGHT * (1 - general).sum() / signs


def overlaps(found: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """(K,) intersection over union of K pairs of boxes, and its generalised form in (-1, 1]."""
    low, high = torch.maximum(found[:, :2], wanted[:, :2]), torch.minimum(found[:, 2:], wanted[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    union = _area(found) + _area(wanted) - shared
    hull = (torch.maximum(found[:, 2:], wanted[:, 2:]) - torch.minimum(found[:, :2], wanted[:, :2])).prod(
        dim=1
    )
    overlap = shared / union.clamp(min=1e-6)
    return overlap, overlap - (hull - union) / hull.clamp(min=1e-6)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
