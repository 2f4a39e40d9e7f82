"""The residual networks for CIFAR-10 (He et al. 2016), whose shortcuts have no weights."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from roadworthy.config import ModelConfig
from roadworthy.models._shared import Classifier, check, initialise, pad_channels
from roadworthy.models.catalogue import MODELS


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut around them: every so manyth pixel, missing channels zero."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.width, self.stride = width, stride

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, width, ceil(H / stride), ceil(W / stride))."""
        y = F.relu(self.norm1(self.conv1(x)))
        # Every so manyth pixel.  A slice would send its gradient back in another memory format, and all
        # before it would be slow.
        kept = x if self.stride == 1 else F.avg_pool2d(x, 1, self.stride)
        shortcut = pad_channels(kept, self.width)
        return F.relu(self.norm2(self.conv2(y)) + shortcut)


class ResNet(Classifier):
    """A 3x3 stem of 16 channels, stages of 16, 32 and 64 with `blocks` each, the mean over positions.

    6 `blocks` + 2 layers have weights.  At 10 classes: 75,290 parameters with one block a stage (ResNet-8,
    which the paper does not have), 269,722 with three (ResNet-20; the paper's 0.27 M).
    Source: He et al. 2016 (CVPR), section 4.2, shortcuts of option A.
    """

    def __init__(self, num_classes: int, blocks: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        stages: list[nn.Module] = []
        channels = 16
        for width in (16, 32, 64):
            for index in range(blocks):
                stages.append(Block(channels, width, stride=2 if width > 16 and not index else 1))
                channels = width
        self.blocks = nn.Sequential(*stages)
        self.head = nn.Linear(channels, num_classes)
        initialise(self, self.head)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, 64), what the last layer sees."""
        places: Tensor = self.blocks(self.stem(images))
        return places.mean(dim=(2, 3))


@MODELS.register("resnet-8")
def resnet_8(config: ModelConfig, num_classes: int, size: int) -> nn.Module:
    """The smallest of the CIFAR ResNets, one block a stage: 75,290 parameters at 10 classes."""
    check(config, size)
    return ResNet(num_classes, blocks=1)


@MODELS.register("resnet-20")
def resnet_20(config: ModelConfig, num_classes: int, size: int) -> nn.Module:
    """ResNet-20 for CIFAR-10 (He et al. 2016): 269,722 parameters at 10 classes."""
    check(config, size)
    return ResNet(num_classes, blocks=3)
