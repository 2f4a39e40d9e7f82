"""What answers, wherever its weights are."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.spec import InputSpec


class Network(Protocol):
    """What answers: weights in torch, or a bundle in ONNX Runtime."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the logits."""

    @property
    def spec(self) -> InputSpec:
        """How pictures are prepared for this model."""

    @property
    def temperature(self) -> float:
        """What logits are divided by before they become confidences."""

    @property
    def rejection(self) -> Rejection | None:
        """When its answers are not accepted; None where no threshold was chosen."""

    @property
    def without_colour(self) -> bool:
        """Whether it was trained to read pictures without colour, too."""

    def logits(self, images: ByteArray) -> FloatArray:
        """(B, S, S, 3) uint8 RGB, cropped and resized as `spec` says -> (B, C) float32."""


def all_logits(network: Network, images: ByteArray, batch_size: int) -> FloatArray:
    """A network's logits for any number of pictures, memory-mapped ones too; a batch is read at a time."""
    starts = range(0, len(images), batch_size)
    return np.concatenate([network.logits(np.asarray(images[i : i + batch_size])) for i in starts])
