"""The study's baseline network, to the parameter (study.md, part 1)."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from torch import Tensor, nn

from roadworthy.config import ModelConfig
from roadworthy.core.errors import ConfigError
from roadworthy.models._shared import Classifier, check, initialise_as_keras
from roadworthy.models.catalogue import MODELS
from roadworthy.models.dropout import Dropout

STAGES = ((32, 0.3), (64, 0.3), (128, 0.4))  # filters and dropout
HIDDEN, HIDDEN_DROPOUT = 128, 0.5


class StudyCNN(Classifier):
    """Three stages of valid 3x3 convolution, pooling, ReLU and dropout, then two dense layers.

    The study's ReLU stood before its pooling.  The largest of four and the larger of it and zero may be
    taken in either order; after pooling a quarter of the values is left, which made a step 1.3 times as fast.
    683,716 parameters at 64 px and 4 classes.  The study's L2 penalty of 0.001 on every kernel but the
    last is a matter of training: `optim.l2`.

    stages: (filters, dropout) of each stage.  dense: False takes the mean over places in place of the hidden
    dense layer, which has weights of its own for every place.
    """

    def __init__(
        self,
        num_classes: int,
        size: int,
        dropout: float | None = None,
        stages: Sequence[tuple[int, float]] = STAGES,
        dense: bool = True,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, side = 3, size
        for width, rate in stages:
            rate = rate if dropout is None else dropout
            layers += [nn.Conv2d(channels, width, 3), nn.MaxPool2d(2), nn.ReLU(), Dropout(rate)]
            channels, side = width, (side - 2) // 2
        if side < 1:
            smallest = functools.reduce(lambda side, _: 2 * side + 2, stages, 1)
            raise ConfigError(
                f"study-cnn with {len(stages)} stages cannot take pictures of {size} px; "
                f"the smallest that works is {smallest}"
            )
        self.stages = nn.Sequential(*layers, nn.Flatten() if dense else _Mean())
        rate = HIDDEN_DROPOUT if dropout is None else dropout
        self.hidden = (
            nn.Sequential(nn.Linear(channels * side * side, HIDDEN), nn.ReLU(), Dropout(rate))
            if dense
            else nn.Identity()
        )
        self.head = nn.Linear(HIDDEN if dense else channels, num_classes)
        initialise_as_keras(self)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, F), what the last layer sees: 128 numbers where there is a hidden layer."""
        hidden: Tensor = self.hidden(self.stages(images))
        return hidden


@MODELS.register("study-cnn")
def study_cnn(config: ModelConfig, num_classes: int, size: int) -> nn.Module:
    """The study's baseline: three convolutions and two dense layers, 683,716 parameters at 64 px."""
    check(config, size, "dropout")
    return StudyCNN(num_classes, size, config.dropout)


@MODELS.register("study-cnn-deeper")
def study_cnn_deeper(config: ModelConfig, num_classes: int, size: int) -> nn.Module:
    """The study's baseline with one more stage, of 256 filters, as its plan asked."""
    check(config, size, "dropout")
    return StudyCNN(num_classes, size, config.dropout, stages=(*STAGES, (256, 0.4)))


@MODELS.register("study-cnn-pooled")
def study_cnn_pooled(config: ModelConfig, num_classes: int, size: int) -> nn.Module:
    """The study's baseline with the mean over places for its hidden layer: no place counts more."""
    check(config, size, "dropout")
    return StudyCNN(num_classes, size, config.dropout, dense=False)


class _Mean(nn.Module):
    """(B, C, H, W) -> (B, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3))
