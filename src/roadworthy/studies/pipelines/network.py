"""The study's network and its step, computed as a pipeline says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor, nn

from roadworthy.config import Config
from roadworthy.core.device import AUTOCAST
from roadworthy.core.timing import stage
from roadworthy.imaging import ops
from roadworthy.models.catalogue import build_model
from roadworthy.models.dropout import Dropout
from roadworthy.models.study_cnn import StudyCNN
from roadworthy.studies.pipelines.arms import Pipeline
from roadworthy.train.losses import build_loss, l2_penalty
from roadworthy.train.optim import build_optimizer


def build_step(pipeline: Pipeline, config: Config, classes: int) -> Callable[[Tensor, Tensor], None]:
    """One training step, on inputs (B, 3, S, S) in [0, 1] and targets (B,)."""
    model = network(pipeline, config, classes).train()
    optimizer, loss = build_optimizer(model, config.optim), build_loss(0.0, None)
    autocast = AUTOCAST["bf16" if pipeline.mixed else config.train.precision]

    def step(inputs: Tensor, targets: Tensor) -> None:
        with stage("normalise"):
            inputs = ops.normalise(inputs, config.input)
        with stage("forward"), torch.autocast("cpu", dtype=autocast, enabled=autocast is not None):
            logits = model(inputs)
        with stage("loss"):
            value = loss(logits.float(), targets)
            if config.optim.l2:
                value = value + config.optim.l2 * l2_penalty(model)
        with stage("optimiser"):
            optimizer.zero_grad(set_to_none=True)
        with stage("backward"):
            value.backward()
        with stage("optimiser"):
            optimizer.step()

    return step


def network(pipeline: Pipeline, config: Config, classes: int) -> nn.Module:
    """The network that `config` names, with the layers that the pipeline has; `compact` for a small one."""
    named = (
        dataclasses.replace(config.model, name="compact", width=0.5, depth=1)
        if pipeline.small
        else config.model
    )
    model = build_model(named, classes, config.input)
    if isinstance(model, StudyCNN) and not pipeline.pooled_first:
        model.stages = activated_first(model.stages)
    if not pipeline.quick_dropout:
        _with_plain_dropout(model)
    layout = torch.channels_last if pipeline.channels_last else torch.contiguous_format
    return model.to(memory_format=layout)  # type: ignore[call-overload,no-any-return]


def activated_first(stages: nn.Sequential) -> nn.Sequential:
    """The same layers, each activation before the pooling that it follows in ours."""
    layers = list(stages)
    for place, layer in enumerate(stages):
        if isinstance(layer, nn.ReLU):
            layers[place - 1 : place + 1] = [layer, layers[place - 1]]
    return nn.Sequential(*layers)


def _with_plain_dropout(model: nn.Module) -> None:
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, Dropout):
                setattr(parent, name, nn.Dropout(layer.p))
