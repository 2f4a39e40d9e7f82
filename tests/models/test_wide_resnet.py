from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from roadworthy.config import ModelConfig
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model, count_parameters
from roadworthy.models.wide_resnet import Block


def test_parameters_are_those_of_the_paper() -> None:
    # Each stage: a block that changes the width, with a shortcut of its own, and three more.
    stem, head = 9 * 3 * 16, 640 * 10 + 10
    total = stem + 2 * 640 + head
    for into, width in ((16, 160), (160, 320), (320, 640)):
        first = 2 * into + 9 * into * width + 2 * width + 9 * width * width + into * width
        further = 2 * (2 * width + 9 * width * width)
        total += first + 3 * further
    assert total == 36_479_194
    assert round(total / 1e6, 1) == 36.5
    with torch.device("meta"):
        model = build_model(ModelConfig(name="wrn-28-10"), 10, InputSpec(size=32))
    assert count_parameters(model) == total
    # 28 counts the three shortcuts too, and not the head.
    assert sum(isinstance(m, nn.Conv2d) for m in model.modules()) == 28


def test_a_blocks_shortcut_is_its_input_or_a_convolution_of_what_is_normalised() -> None:
    torch.manual_seed(0)
    same, wider = Block(4, 4, 1, 0.0).eval(), Block(4, 6, 2, 0.0).eval()
    for block in (same, wider):
        nn.init.zeros_(block.conv2.weight)
        nn.init.constant_(block.norm1.bias, 0.5)
    x = torch.randn(2, 4, 9, 9)
    assert torch.equal(same(x), x)
    torch.testing.assert_close(wider(x), wider.shortcut(F.relu(wider.norm1(x))))
    assert wider(x).shape == (2, 6, 5, 5)


def test_dropout_acts_in_training_alone() -> None:
    torch.manual_seed(0)
    block, x = Block(4, 4, 1, 0.5), torch.randn(2, 4, 8, 8)
    block.norm1.eval(), block.norm2.eval()
    assert not torch.equal(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))
