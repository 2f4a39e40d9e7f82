"""Wide residual networks (Zagoruyko and Komodakis 2016)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from roadworthy.config import ModelConfig
from roadworthy.models._shared import Classifier, check, initialise
from roadworthy.models.catalogue import MODELS
from roadworthy.models.dropout import Dropout


class Block(nn.Module):
    """Twice normalisation, ReLU and a 3x3 convolution, dropout between, and a shortcut around all.

    Where the width changes, the shortcut is a 1x1 convolution of the normalised input.
    """

    def __init__(self, channels: int, width: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.dropout = Dropout(dropout)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        same = channels == width and stride == 1
        self.shortcut = None if same else nn.Conv2d(channels, width, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, width, ceil(H / stride), ceil(W / stride))."""
        y = F.relu(self.norm1(x))
        kept: Tensor = x if self.shortcut is None else self.shortcut(y)
        y = F.relu(self.norm2(self.conv1(y)))
        added: Tensor = self.conv2(self.dropout(y))
        return kept + added


class WideResNet(Classifier):
    """A 3x3 stem of 16 channels, stages of 16, 32 and 64 times `widening`, the mean over positions.

    (depth - 4) / 6 blocks a stage.  At depth 28, ten times as wide, and 10 classes: 36,479,194 parameters,
    the paper's 36.5 M.  Dropout acts between a block's convolutions; the paper has none, or 0.3.
    """

    def __init__(self, num_classes: int, depth: int, widening: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        blocks: list[nn.Module] = []
        channels = 16
        for stage, width in enumerate((16 * widening, 32 * widening, 64 * widening)):
            for index in range((depth - 4) // 6):
                blocks.append(Block(channels, width, stride=2 if stage and not index else 1, dropout=dropout))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(channels)
        self.head = nn.Linear(channels, num_classes)
        initialise(self, self.head)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, 64 widening), what the last layer sees."""
        return F.relu(self.norm(self.blocks(self.stem(images)))).mean(dim=(2, 3))


@MODELS.register("wrn-28-10")
def wrn_28_10(config: ModelConfig, num_classes: int, size: int) -> nn.Module:
    """WRN-28-10 (Zagoruyko and Komodakis 2016): 36,479,194 parameters at 10 classes; takes a dropout."""
    check(config, size, "dropout")
    return WideResNet(num_classes, 28, 10, config.dropout or 0.0)
