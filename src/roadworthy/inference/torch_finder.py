"""A finder's weights in torch: the same cells that an exported finder gives."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import CheckpointError, ShapeError
from roadworthy.inference.boxes import MULTIPLE
from roadworthy.inference.torch import evaluating
from roadworthy.models.finder import centres, to_boxes


class FinderWeights:
    """A network that finds, in full precision, on the device where it is."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._device = next(model.parameters()).device

    def cells(self, frame: ByteArray) -> FloatArray:
        """(H, W, 3) uint8 RGB, H and W multiples of 32 -> (N, 5): x1, y1, x2, y2 in pixels and a score."""
        height, width = frame.shape[:2]
        if frame.dtype != np.uint8 or frame.shape[2:] != (3,) or height % MULTIPLE or width % MULTIPLE:
            raise ShapeError(
                f"the frame is {frame.shape} {frame.dtype}; a finder takes uint8 (H, W, 3), "
                f"H and W multiples of {MULTIPLE}"
            )
        with evaluating(self.model), torch.inference_mode():
            image = torch.from_numpy(np.array(frame)).to(self._device)  # frames may be mapped, read-only
            answers = self.model(image.permute(2, 0, 1)[None].float() / 255)[0]
            boxes = to_boxes(answers[:, 1:], centres(height, width, self._device))
            cells: FloatArray = torch.cat([boxes, answers[:, :1].sigmoid()], dim=1).cpu().numpy()
        if not np.isfinite(cells).all():
            raise CheckpointError("the finder gave an answer that is not finite; its weights are damaged")
        return cells
