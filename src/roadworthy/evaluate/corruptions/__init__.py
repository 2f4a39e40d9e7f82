"""Pictures made worse in named ways: how far does a classifier hold up?

An entry of `CORRUPTIONS` is called with pictures (B, 3, H, W) in [0, 1], a severity from 1 to 5 (0 changes
nothing) and a generator.  ImageNet-C's are in imagenet_c.py, ours in road.py.
"""

from __future__ import annotations

import numpy as np
import torch

import roadworthy.evaluate.corruptions.imagenet_c
import roadworthy.evaluate.corruptions.road  # noqa: F401  these fill the registry
from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import ConfigError, ShapeError
from roadworthy.evaluate.corruptions.base import CORRUPTIONS, SEVERITIES, Corruption, Group
from roadworthy.imaging import ops

__all__ = ["CORRUPTIONS", "SEVERITIES", "Corruption", "Group", "corrupt", "standard_corruptions"]


def standard_corruptions() -> list[str]:
    """The 15 that a mean corruption error is formed over."""
    return [name for name in CORRUPTIONS if CORRUPTIONS.get(name).standard]


def corrupt(
    images: ByteArray, name: str, severity: int, generator: torch.Generator, batch_size: int = 256
) -> ByteArray:
    """Corrupted copies of decoded pictures.

    images: (N, H, W, 3) uint8 RGB.  severity: 0 (a copy) to 5.  Computed on the generator's device.
    The same seed and batch size give the same pictures.
    Raises UnknownNameError, ConfigError (severity, batch size) and ShapeError.
    """
    corruption = CORRUPTIONS.get(name)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ShapeError(f"corrupt got {images.dtype} {images.shape}; it needs uint8 (N, H, W, 3)")
    if batch_size < 1:
        raise ConfigError(f"the batch size is {batch_size}; it must be at least 1")
    result = np.empty_like(images)
    for start in range(0, len(images) or 1, batch_size):
        rows = slice(start, start + batch_size)
        pictures = torch.from_numpy(images[rows]).to(generator.device).permute(0, 3, 1, 2)
        worse = corruption(ops.to_float(pictures).contiguous(), severity, generator)
        result[rows] = worse.mul(255.0).round_().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return result
