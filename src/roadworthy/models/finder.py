"""Our finder: one pass over a whole frame says where signs are.  It does not say which; the reader does.

Anchor-free: every cell of three grids gives a score and its distances to the four sides of the sign in whose
middle it lies.  The finest grid has a cell every 8 pixels.  Source: Tian et al. 2019 (FCOS).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roadworthy.config import ModelConfig
from roadworthy.core.errors import ConfigError
from roadworthy.models.catalogue import FINDERS

STRIDES = (8, 16, 32)  # pixels from one cell of a grid to the next
MULTIPLE = STRIDES[-1]  # of which a frame's height and width must be
_RARE = 0.01  # what a cell scores before anything is learnt
_FARTHEST = 5.0  # log of the largest distance, in strides


def _conv(channels: int, width: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    """Two 3x3 convolutions with a shortcut around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) -> the same shape."""
        return F.relu(x + self.norm(self.second(self.first(x))))


class _Stage(nn.Sequential):
    """Halves the size, then `depth` residual blocks."""

    def __init__(self, channels: int, width: int, depth: int) -> None:
        super().__init__(_conv(channels, width, 2), *(_Residual(width) for _ in range(depth)))


class Finder(nn.Module):
    """A strided stem, a stage for each grid, coarse features added to finer ones, a head for each grid.

    width 1 and depth 1: about 0.7 M parameters.  Dense 3x3 convolutions throughout: on a processor they run
    nearer to its peak than separable ones, which wait for memory.
    """

    strides = STRIDES

    def __init__(self, width: float = 1.0, depth: int = 1) -> None:
        super().__init__()
        if not 0.25 <= width <= 2 or not 1 <= depth <= 4:
            raise ConfigError(
                f"finder takes a width of 0.25 to 2 and a depth of 1 to 4; got {width} and {depth}"
            )
        w16, w32, w48, w96, w128 = (max(8, round(w * width / 8) * 8) for w in (16, 32, 48, 96, 128))
        self.stem = nn.Sequential(_conv(3, w16, 2), _conv(w16, w32, 2))
        widths = (w48, w96, w128)
        self.stages = nn.ModuleList(
            _Stage(before, after, depth) for before, after in zip((w32, w48, w96), widths, strict=True)
        )
        self.lateral = nn.ModuleList(_conv(own, w48, kernel=1) for own in widths)
        self.smooth = nn.ModuleList(_conv(w48, w48) for _ in widths)
        heads = [nn.Conv2d(w48, 5, 1) for _ in widths]
        self.heads = nn.ModuleList(heads)
        self._initialise(heads)

    def _initialise(self, heads: list[nn.Conv2d]) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, _Residual):
                nn.init.zeros_(module.norm.weight)  # each block starts as its shortcut
        for head in heads:
            nn.init.normal_(head.weight, std=0.01)
            # Signs are rare: else the first steps would only learn that most cells show none.
            assert head.bias is not None
            head.bias.data = torch.tensor([math.log(_RARE / (1 - _RARE)), 0, 0, 0, 0])

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1], H and W multiples of 32 -> (B, N, 5) for the N cells of `centres`.

        A cell's logit of a sign's middle, then its distances in pixels to its left, top, right, bottom.
        """
        # As it is: centring it would change nothing but the border, and costs as much as a stage.
        x = self.stem(images)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        coarser: Tensor | None = None
        answers: list[Tensor] = []
        for level in reversed(range(len(self.strides))):
            own = self.lateral[level](features[level])
            if coarser is not None:
                own = own + F.interpolate(coarser, scale_factor=2.0, mode="nearest")
            coarser = self.smooth[level](own)
            cells = self.heads[level](coarser).flatten(2).transpose(1, 2)
            distances = cells[..., 1:].clamp(max=_FARTHEST).exp() * self.strides[level]
            answers.insert(0, torch.cat([cells[..., :1], distances], dim=2))
        return torch.cat(answers, dim=1)


def centres(height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """(N, 3): x and y in pixels of every cell's middle, and its stride; fine grids first, row by row."""
    parts = []
    for stride in STRIDES:
        y = (torch.arange(height // stride, device=device) + 0.5) * stride
        x = (torch.arange(width // stride, device=device) + 0.5) * stride
        rows, columns = torch.meshgrid(y, x, indexing="ij")
        parts.append(torch.stack([columns, rows, torch.full_like(rows, stride)], dim=2).reshape(-1, 3))
    return torch.cat(parts)


def to_boxes(distances: Tensor, cells: Tensor) -> Tensor:
    """(..., N, 4) distances to left, top, right, bottom of (N, 3) cells -> x1, y1, x2, y2 in pixels."""
    middle = cells[:, :2]
    return torch.cat([middle - distances[..., :2], middle + distances[..., 2:]], dim=-1)


@FINDERS.register("finder")
def finder(config: ModelConfig) -> nn.Module:
    """Ours: finds signs in whole frames, one pass, anchor-free, under 1.5 M parameters at width 1."""
    if config.dropout:
        raise ConfigError("model.dropout has no effect with model.name=finder; leave it out")
    return Finder(config.width, 1 if config.depth == ModelConfig.depth else config.depth)
