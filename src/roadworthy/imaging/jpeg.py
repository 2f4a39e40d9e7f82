"""What JPEG leaves of pictures: float32 (B, 3, H, W) in [0, 1], on any device, in batches."""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from roadworthy.imaging.colour import LUMA

# Quantisation tables of ITU-T T.81, annex K.1, in natural order.
_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
_FROM_YCC = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))
_TO_YCC = (LUMA, (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """What baseline JPEG with halved chroma (4:2:0) leaves of each picture.

    quality: (B,) from 1 to 100, scaling the standard tables as the Independent JPEG Group's library does.
    """
    height, width = images.shape[-2:]
    padded = F.pad(images, (0, -width % 16, 0, -height % 16), mode="replicate")
    levels = (padded * 255.0).round_()
    ycc = torch.einsum("dc,bchw->bdhw", images.new_tensor(_TO_YCC), levels).round_()
    luma = _quantise_blocks(ycc[:, :1] - 128.0, _LUMINANCE, quality) + 128.0
    # The library rounds halved chroma up and down by turns, so that no hue is favoured.
    halves = F.avg_pool2d(ycc[:, 1:], 2)
    halves = (halves + halves.new_tensor([0.25, 0.5]).repeat(halves.shape[-1] // 2)).floor_()
    chroma = _quantise_blocks(halves, _CHROMINANCE, quality)
    chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear", align_corners=False)
    decoded = torch.cat([luma, chroma], dim=1)[..., :height, :width]
    rgb = torch.einsum("dc,bchw->bdhw", images.new_tensor(_FROM_YCC), decoded)
    return rgb.round_().clamp_(0.0, 255.0).div_(255.0)


def _quantise_blocks(planes: Tensor, table: tuple[tuple[int, ...], ...], quality: Tensor) -> Tensor:
    """(B, P, H, W) centred on 0: each 8x8 block to cosines, rounded to its picture's steps, and back."""
    batch, count, height, width = planes.shape
    dct = _dct_matrix(planes.dtype, planes.device)
    blocks = planes.reshape(batch, count, height // 8, 8, width // 8, 8).transpose(3, 4)
    steps = _quantisation_steps(table, quality)[:, None, None, None]
    rounded = (dct @ blocks @ dct.T).div_(steps).round_().mul_(steps)
    restored = (dct.T @ rounded @ dct).round_().clamp_(-128.0, 127.0)
    return restored.transpose(3, 4).reshape(planes.shape)


def _quantisation_steps(table: tuple[tuple[int, ...], ...], quality: Tensor) -> Tensor:
    """(B, 8, 8) steps: the table in percent of 5000 / quality below 50, of 200 - 2 quality from there on."""
    whole = quality.round().clamp(1.0, 100.0)
    percent = torch.where(whole < 50, (5000 / whole).floor(), 200 - 2 * whole)
    base = torch.tensor(table, dtype=quality.dtype, device=quality.device)
    return ((base * percent[:, None, None] + 50) / 100).floor().clamp_(1.0, 255.0)


@cache
def _dct_matrix(dtype: torch.dtype, device: torch.device) -> Tensor:
    """(8, 8) orthonormal cosine transform, frequency by place."""
    place = torch.arange(8, dtype=dtype, device=device)
    cosines = torch.cos((2 * place + 1) * place[:, None] * math.pi / 16) / 2
    cosines[0] /= math.sqrt(2)
    return cosines
