"""Networks by name: each is one definition in one file of this package."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from torch import nn

from roadworthy.config import ModelConfig
from roadworthy.core.errors import ConfigError, UnknownNameError
from roadworthy.core.registry import Registry
from roadworthy.imaging.spec import InputSpec

ModelBuilder = Callable[[ModelConfig, int, int], nn.Module]
"""(config, number of classes, input size) -> a network from (B, 3, S, S) to (B, C) logits.

The network's last linear layer is its attribute `head`; `features(images)` returns what that layer sees.
"""

MODELS: Registry[ModelBuilder] = Registry("model")

FinderBuilder = Callable[[ModelConfig], nn.Module]
"""config -> a network from (B, 3, H, W) frames to (B, N, 5): what each of its N cells says of a sign."""

FINDERS: Registry[FinderBuilder] = Registry("finder")

for _module in (
    *("compact", "study_cnn", "study_cifar", "efficientnet_lite"),
    *("resnet", "wide_resnet", "vgg_bn", "pyramidnet", "finder"),
):
    import_module(f"roadworthy.models.{_module}")


def build_model(config: ModelConfig, num_classes: int, spec: InputSpec) -> nn.Module:
    """The network that `config` names, freshly initialised from torch's global generator."""
    if num_classes < 2:
        raise ConfigError(f"a classifier needs at least 2 classes; got {num_classes}")
    if config.name in FINDERS.names():
        raise ConfigError(
            f"model.name={config.name} finds signs and does not read them; a reader is one of "
            f"{', '.join(MODELS.names())}"
        )
    if config.name not in MODELS.names():
        raise UnknownNameError("model", config.name, [*MODELS.names(), *FINDERS.names()])
    return MODELS.get(config.name)(config, num_classes, spec.size)


def build_finder(config: ModelConfig) -> nn.Module:
    """The network that finds which `config` names, freshly initialised from torch's global generator."""
    return FINDERS.get(config.name)(config)


def count_parameters(model: nn.Module) -> int:
    """Number of trainable weights."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
