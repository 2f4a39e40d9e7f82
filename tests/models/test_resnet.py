from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from roadworthy.config import ModelConfig
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model, count_parameters
from roadworthy.models.resnet import Block


@pytest.mark.parametrize(
    ("name", "blocks", "published"), [("resnet-8", 1, 75_290), ("resnet-20", 3, 269_722)]
)
def test_parameters_are_those_of_the_paper(name: str, blocks: int, published: int) -> None:
    inner = 2 * blocks - 1  # convolutions of a stage that keep its width; in the first all do
    kernels = 9 * (3 * 16 + (inner + 1) * 16 * 16)
    kernels += 9 * (16 * 32 + inner * 32 * 32) + 9 * (32 * 64 + inner * 64 * 64)
    norms = 2 * 16 + 2 * (inner + 1) * (16 + 32 + 64)
    assert kernels + norms + 64 * 10 + 10 == published
    model = build_model(ModelConfig(name=name), 10, InputSpec(size=32))
    assert count_parameters(model) == published
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) + 1 == int(name.removeprefix("resnet-"))
    assert all(conv.kernel_size == (3, 3) and conv.bias is None for conv in convolutions)


def test_resnet_20_has_the_papers_quarter_of_a_million() -> None:
    assert (
        round(count_parameters(build_model(ModelConfig(name="resnet-20"), 10, InputSpec())) / 1e6, 2) == 0.27
    )


def test_stages_halve_the_picture_twice() -> None:
    model = build_model(ModelConfig(name="resnet-20"), 10, InputSpec(size=32)).eval()
    shapes = []
    for block in model.blocks:
        block.register_forward_hook(lambda _m, _i, out: shapes.append(tuple(out.shape[1:])))
    model(torch.randn(1, 3, 32, 32))
    assert shapes == [(16, 32, 32)] * 3 + [(32, 16, 16)] * 3 + [(64, 8, 8)] * 3


@pytest.mark.parametrize("size", [8, 9])
def test_a_block_whose_convolutions_are_silent_is_its_shortcut(size: int) -> None:
    block = Block(4, 6, stride=2).eval()
    nn.init.zeros_(block.norm2.weight)
    x = torch.randn(2, 4, size, size)
    expected = torch.zeros(2, 6, (size + 1) // 2, (size + 1) // 2)
    expected[:, :4] = F.relu(x[:, :, ::2, ::2])
    assert torch.equal(block(x), expected)


def test_gradients_keep_the_memory_format_of_the_pictures() -> None:
    block = Block(16, 32, stride=2).to(memory_format=torch.channels_last)
    below = torch.randn(2, 16, 8, 8).to(memory_format=torch.channels_last).requires_grad_()
    seen: list[torch.Tensor] = []
    images = below * 1  # what a block is given has a gradient function, as within a network
    images.register_hook(seen.append)  # type: ignore[no-untyped-call]
    block(images).square().sum().backward()
    assert seen[0].is_contiguous(memory_format=torch.channels_last)
