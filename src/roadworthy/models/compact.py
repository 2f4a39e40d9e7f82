"""Our own network: a small residual one for 32 to 64 px, fast on two CPU cores."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roadworthy.config import ModelConfig
from roadworthy.core.errors import ConfigError
from roadworthy.models.catalogue import MODELS


class Block(nn.Module):
    """Two 3x3 convolutions with normalisation and a shortcut around them; the first may halve the size."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        # Averaging before the 1x1 keeps the three quarters of the picture that a strided 1x1 would skip.
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            pool = nn.AvgPool2d(stride, ceil_mode=True) if stride != 1 else nn.Identity()
            self.shortcut = nn.Sequential(
                pool, nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, width, ceil(H / stride), ceil(W / stride))."""
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class Compact(nn.Module):
    """A strided stem, three residual stages of `depth` blocks, pooling over positions, one dense layer.

    extra: further blocks in the last stage, where positions are few and parameters cheap.

    width 1 and depth 2 at 43 classes: about 0.7 M parameters.  Pooling is the mean and the maximum over
    positions: the maximum keeps a small numeral from drowning in its plate.
    """

    def __init__(
        self, num_classes: int, width: float = 1.0, depth: int = 2, dropout: float = 0.0, extra: int = 0
    ) -> None:
        super().__init__()
        if not 0.125 <= width <= 4 or not 1 <= depth <= 8 or not 0 <= extra <= 8:
            raise ConfigError(
                "compact takes a width of 0.125 to 4, a depth of 1 to 8 and 0 to 8 extra blocks; "
                f"got {width}, {depth} and {extra}"
            )
        widths = [max(8, round(w * width / 8) * 8) for w in (32, 64, 128)]
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        blocks: list[nn.Module] = []
        channels = widths[0]
        for stage, stage_width in enumerate(widths):
            for index in range(depth + (extra if stage == 2 else 0)):
                blocks.append(Block(channels, stage_width, stride=2 if stage and not index else 1))
                channels = stage_width
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, Block):
                # Each block starts as its shortcut; the first steps then see a shallow network.
                nn.init.zeros_(module.norm2.weight)
        nn.init.normal_(self.head.weight, std=0.01)  # the first loss is then ln C
        nn.init.zeros_(self.head.bias)

    stride = 8  # pixels for each position of the feature map

    def feature_map(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, F / 2, ceil(H / 8), ceil(W / 8)), what pooling over positions sees."""
        positions: Tensor = self.blocks(self.stem(images))
        return positions

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, F), what the last layer sees."""
        x = self.feature_map(images)
        return torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)

    def windows(self, images: Tensor, size: int) -> Tensor:
        """(B, 3, H, W) -> (B, C, h, w) logits of windows of `size` pixels, every 8; all are multiples of 8.

        Each window has its surroundings for padding; a single one has none, and its logits are forward's.
        """
        positions, side = self.feature_map(images), size // self.stride
        pooled = torch.cat([F.avg_pool2d(positions, side, 1), F.max_pool2d(positions, side, 1)], dim=1)
        return F.conv2d(pooled, self.head.weight[:, :, None, None], self.head.bias)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, C) logits."""
        logits: Tensor = self.head(self.dropout(self.features(images)))
        return logits


@MODELS.register("compact")
def compact(config: ModelConfig, num_classes: int, size: int) -> nn.Module:
    """Ours: a small residual network for 32 to 64 px, under 1 M parameters, with width and depth options."""
    if size < 16:
        raise ConfigError(f"compact cannot take pictures of {size} px; it needs 16 or more")
    return Compact(num_classes, config.width, config.depth, config.dropout or 0.0, config.extra)
