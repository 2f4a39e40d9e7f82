from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from roadworthy.imaging import jpeg as module
from roadworthy.imaging.jpeg import jpeg


def noise(batch: int = 2, height: int = 16, width: int = 16) -> torch.Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(batch + height))


def smooth(batch: int = 2, height: int = 48, width: int = 48) -> torch.Tensor:
    coarse = noise(batch, 6, 6)
    return F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False).clamp(0, 1)


def of(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def pillow_jpeg(image: torch.Tensor, quality: int) -> torch.Tensor:
    file = io.BytesIO()
    array = (image.permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(array).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255


@pytest.mark.parametrize("size", [(48, 48), (40, 56), (37, 45)])
def test_jpeg_agrees_with_pillow(size: tuple[int, int]) -> None:
    qualities = (5, 20, 49, 50, 75, 95)
    images = (smooth(6, *size) * 255).round() / 255
    ours = jpeg(images, of(*qualities))
    for image, result, quality in zip(images, ours, qualities, strict=True):
        theirs = pillow_jpeg(image, quality)
        # Its integer arithmetic puts a coefficient on the other side of a step now and then.
        assert (result - theirs).abs().median() * 255 < 0.01, quality
        assert (result - theirs).abs().mean() < 0.25 * (image - theirs).abs().mean(), quality
        assert (result - theirs).abs().mean() * 255 < 1.5, quality


def test_jpeg_loses_more_at_lower_quality() -> None:
    images = smooth(1).expand(3, -1, -1, -1)
    lost = (jpeg(images, of(95, 50, 10)) - images).abs().mean(dim=(1, 2, 3)).tolist()
    assert lost == sorted(lost)
    assert lost[0] < 0.02 < lost[2]


def test_dct_is_orthonormal() -> None:
    dct = module._dct_matrix(torch.float32, torch.device("cpu"))
    torch.testing.assert_close(dct @ dct.T, torch.eye(8), atol=1e-6, rtol=0)
    assert dct[0, 0].item() == pytest.approx(1 / math.sqrt(8))
