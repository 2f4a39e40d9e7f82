"""Pyramidal residual networks (Han, Kim and Kim 2017), a little wider with every block."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from roadworthy.config import ModelConfig
from roadworthy.models._shared import Classifier, check, initialise, pad_channels
from roadworthy.models.catalogue import MODELS

EXPANSION = 4


class Block(nn.Module):
    """1x1, 3x3 and 1x1 convolutions among four normalisations; a shortcut around all, missing channels zero.

    No ReLU before the first convolution, a normalisation after the last: the paper found both to help.
    """

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, EXPANSION * width, 1, bias=False)
        self.norm4 = nn.BatchNorm2d(EXPANSION * width)
        self.pool = nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, 4 width, ceil(H / stride), ceil(W / stride))."""
        y = self.conv1(self.norm1(x))
        y = self.conv2(F.relu(self.norm2(y)))
        added: Tensor = self.norm4(self.conv3(F.relu(self.norm3(y))))
        return added + pad_channels(self.pool(x), added.shape[1])


class PyramidNet(Classifier):
    """A 3x3 stem of 16 channels, three stages of (depth - 2) / 9 bottlenecks, the mean over positions.

    Block k of N is 16 + k `widening` / N wide, rounded as the authors' code does.  At depth 272, widening 200
    and 10 classes: 26,210,842 parameters.  Without the normalisations' 210,864 they are 25,999,978; the
    paper's 26.0 M seem to be those.
    """

    def __init__(self, num_classes: int, depth: int, widening: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16))
        per_stage = (depth - 2) // 9
        blocks: list[nn.Module] = []
        channels = 16
        for index in range(3 * per_stage):
            width = round(16 + widening * (index + 1) / (3 * per_stage))
            blocks.append(Block(channels, width, stride=2 if index in (per_stage, 2 * per_stage) else 1))
            channels = EXPANSION * width
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(channels)
        self.head = nn.Linear(channels, num_classes)
        initialise(self, self.head)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, 4 (16 + widening)), what the last layer sees."""
        return F.relu(self.norm(self.blocks(self.stem(images)))).mean(dim=(2, 3))


@MODELS.register("pyramidnet-272")
def pyramidnet_272(config: ModelConfig, num_classes: int, size: int) -> nn.Module:
    """PyramidNet-272, widened by 200 (Han et al. 2017): 26,210,842 parameters at 10 classes."""
    check(config, size)
    return PyramidNet(num_classes, 272, 200)
