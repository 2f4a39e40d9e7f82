"""What the networks that papers describe have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.nn import functional as F

from roadworthy.config import ModelConfig
from roadworthy.core.errors import ConfigError

SMALLEST = 16  # px


class Classifier(nn.Module, ABC):
    """A network whose logits are its last linear layer's, `head`, of its `features`."""

    head: nn.Linear

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, F), what the last layer sees."""

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, C) logits."""
        logits: Tensor = self.head(self.features(images))
        return logits


def check(config: ModelConfig, size: int, *used: str) -> None:
    """Raises ConfigError on settings that the network does not use, and on pictures under 16 px.

    used: those of `width`, `depth` and `dropout` that it does.
    """
    own = ModelConfig()
    unused = [
        f"model.{name}={getattr(config, name):g}"
        for name in ("width", "depth", "extra", "dropout")
        if name not in used and getattr(config, name) != getattr(own, name)
    ]
    if unused:
        raise ConfigError(f"{', '.join(unused)} has no effect with model.name={config.name}; leave it out")
    if size < SMALLEST:
        raise ConfigError(f"{config.name} cannot take pictures of {size} px; it needs {SMALLEST} or more")


def initialise(model: nn.Module, head: nn.Linear) -> None:
    """Kernels normal with variance 2 / (outputs that an input reaches), the last layer's weights small.

    Source: He et al. 2015, section 2.2, in its backward form, which the papers' own code takes.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    nn.init.normal_(head.weight, std=0.01)  # the first loss is then ln C
    nn.init.zeros_(head.bias)


def initialise_as_keras(model: nn.Module) -> None:
    """Kernels uniform as Glorot has them, biases zero: what the study's framework did."""
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]


def pad_channels(x: Tensor, width: int) -> Tensor:
    """(B, channels, H, W) -> (B, width, H, W): channels of zeros after those that there are."""
    return F.pad(x, (0, 0, 0, 0, 0, width - x.shape[1]))
