from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from roadworthy.config import ModelConfig
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model, count_parameters
from roadworthy.models.pyramidnet import Block


def meta() -> nn.Module:
    with torch.device("meta"):
        return build_model(ModelConfig(name="pyramidnet-272"), 10, InputSpec(size=32))


def test_parameters_are_those_of_the_authors_code_and_of_the_paper_without_normalisation() -> None:
    # 16 + k 200 / 90 = (144 + 20 k) / 9, rounded in whole numbers; ninths are never half-way.
    widths = [(2 * (144 + 20 * k) + 9) // 18 for k in range(1, 91)]
    assert (widths[0], widths[44], widths[-1]) == (18, 116, 216)
    kernels, norms, channels = 9 * 3 * 16, 2 * 16, 16
    for width in widths:
        kernels += channels * width + 9 * width * width + width * 4 * width
        norms += 2 * (channels + width + width + 4 * width)
        channels = 4 * width
    norms += 2 * channels
    head = 864 * 10 + 10
    assert kernels + head == 25_999_978
    assert round((kernels + head) / 1e6, 1) == 26.0
    assert kernels + norms + head == 26_210_842
    model = meta()
    assert count_parameters(model) == 26_210_842
    # Three of each block, the stem, and the head make 272.
    assert sum(isinstance(m, (nn.Conv2d, nn.Linear)) for m in model.modules()) == 272


def test_stages_halve_the_picture_twice() -> None:
    model, shapes = meta().eval(), []
    for block in model.blocks:
        block.register_forward_hook(lambda _m, _i, out: shapes.append(tuple(out.shape[2:])))
    model(torch.empty(1, 3, 32, 32, device="meta"))
    assert shapes == [(32, 32)] * 30 + [(16, 16)] * 30 + [(8, 8)] * 30


@pytest.mark.parametrize("size", [8, 9])
def test_a_block_whose_convolutions_are_silent_is_its_shortcut(size: int) -> None:
    block = Block(12, 4, stride=2).eval()
    nn.init.zeros_(block.norm4.weight)
    x = torch.randn(2, 12, size, size)
    y = block(x)
    torch.testing.assert_close(y[:, :12], F.avg_pool2d(x, 2, ceil_mode=True))
    assert not y[:, 12:].any()
