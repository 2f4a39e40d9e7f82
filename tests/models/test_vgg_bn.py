from __future__ import annotations

import pytest
import torch
from torch import nn

from roadworthy.config import ModelConfig
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model, count_parameters


def vgg() -> nn.Module:
    return build_model(ModelConfig(name="vgg16-bn"), 10, InputSpec(size=32))


def test_parameters_are_those_of_configuration_d_with_one_dense_layer() -> None:
    widths = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    kernels = sum(9 * a * b for a, b in zip([3, *widths], widths, strict=False))
    assert kernels == 14_710_464
    total = kernels + 2 * sum(widths) + 512 * 10 + 10
    assert total == 14_724_042
    assert round(total / 1e6, 1) == 14.7
    with torch.device("meta"):
        model = vgg()
    assert count_parameters(model) == total
    assert [m.out_channels for m in model.modules() if isinstance(m, nn.Conv2d)] == widths


@pytest.mark.parametrize(("size", "places"), [(16, 1), (32, 1), (47, 2), (64, 2)])
def test_poolings_leave_one_place_of_32_px_and_never_none(size: int, places: int) -> None:
    with torch.device("meta"):
        assert vgg().eval().stages(torch.empty(1, 3, size, size)).shape == (1, 512, places, places)
