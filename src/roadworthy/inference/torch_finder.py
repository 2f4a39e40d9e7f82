"""A finder's weights in torch: the same cells that an exported finder gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.device import pick_device
from roadworthy.core.errors import CheckpointError, ShapeError, UsageError
from roadworthy.core.finding_rule import FindingRule
from roadworthy.inference.boxes import MULTIPLE
from roadworthy.inference.torch import evaluating
from roadworthy.models.finder import centres, to_boxes
from roadworthy.train.checkpoint import load_checkpoint


class FinderWeights:
    """A network that finds, in full precision, on the device where it is.

    rule: from which score on a box is a sign; while it is in training, a guess.
    """

    def __init__(self, model: nn.Module, rule: FindingRule | None = None) -> None:
        self.model, self.rule = model, rule or FindingRule()
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


def load_weights(path: Path, device: str = "cpu") -> FinderWeights:
    """The finder of a run folder or a .safetensors file.

    Raises CheckpointError for what holds none, UsageError for a reader.
    """
    model, card = load_checkpoint(path, pick_device(device))
    if card.finding is None:
        raise UsageError(f"{path} reads signs and does not find them; give a finder")
    # Convolutions of large maps are quicker so.
    return FinderWeights(model.to(memory_format=torch.channels_last), card.finding)  # type: ignore[call-overload]
