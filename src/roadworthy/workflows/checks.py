"""What is wrong with a training's settings, told before any data are read."""

from __future__ import annotations

import torch

from roadworthy.augment.mix import build_mix
from roadworthy.augment.policy import build_policy
from roadworthy.config import Config
from roadworthy.core.device import pick_device
from roadworthy.core.errors import ConfigError
from roadworthy.core.extras import FOR_MODELS
from roadworthy.core.paths import as_path
from roadworthy.data.drawings import check_rendered
from roadworthy.data.spec import parse_spec
from roadworthy.inference.confidence import SCORES
from roadworthy.inference.onnx import refuse_misspelt
from roadworthy.models.catalogue import build_model
from roadworthy.train.gradient_norm import build_gradient_rules
from roadworthy.train.loop import check_budget
from roadworthy.train.optim import OPTIMIZERS, build_optimizer
from roadworthy.train.schedules import build_schedule


def check_settings(config: Config) -> None:
    """UsageError for what can be known to be wrong before any data are read."""
    check_budget(config.train)
    if config.train.start:
        refuse_misspelt(config.train.start)
        as_path(config.train.start)
    if config.evaluate.norms != "stored":
        raise ConfigError(
            "evaluate.norms = 'new' is for roadworthy evaluate; a training measures what it stores"
        )
    check_names(config)


def check_names(config: Config) -> None:
    """UsageError for names, options and a device that do not exist."""
    pick_device(config.train.device)
    if config.calibrate.reject != "none":
        SCORES.get(config.calibrate.reject)
    build_schedule(config.schedule)
    build_mix(config.augment, num_classes=2)
    build_policy(config.augment, ())
    for part in parse_spec(config.data.spec):
        if part.source == "rendered":
            check_rendered(part.options)
    if config.model.name in FOR_MODELS:  # its pretrained weights are read as it is built
        OPTIMIZERS.get(config.optim.name)
        return
    with torch.device("meta"):  # where a network takes neither time nor memory
        model = build_model(config.model, 2, config.input)
        build_gradient_rules(config.penalty, model, build_optimizer(model, config.optim))
