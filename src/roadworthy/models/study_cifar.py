"""The network of the study's experiment on CIFAR-10 (study.md, part 4)."""

from __future__ import annotations

from torch import Tensor, nn

from roadworthy.config import ModelConfig
from roadworthy.core.errors import ConfigError
from roadworthy.models._shared import Classifier, check, initialise_as_keras
from roadworthy.models.catalogue import MODELS


class StudyCifar(Classifier):
    """Three valid 3x3 convolutions, the first two pooled, and two dense layers; ReLU after each but the last.

    188,810 parameters at 32 px and 10 classes.
    """

    def __init__(self, num_classes: int, size: int) -> None:
        super().__init__()
        side = ((size - 2) // 2 - 2) // 2 - 2
        if side < 1:
            raise ConfigError(f"study-cifar cannot take pictures of {size} px; the smallest that works is 18")
        self.stages = nn.Sequential(
            nn.Conv2d(3, 32, 3),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.hidden = nn.Sequential(nn.Linear(64 * side * side, 128), nn.ReLU())
        self.head = nn.Linear(128, num_classes)
        initialise_as_keras(self)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, 128), what the last layer sees."""
        hidden: Tensor = self.hidden(self.stages(images))
        return hidden


@MODELS.register("study-cifar")
def study_cifar(config: ModelConfig, num_classes: int, size: int) -> nn.Module:
    """The study's network for CIFAR-10: three convolutions, two dense layers, 188,810 parameters at 32 px."""
    check(config, size)
    return StudyCifar(num_classes, size)
