"""What is changed for speed computes the same function, and a step learns."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from roadworthy.config import Config
from roadworthy.models.dropout import Dropout
from roadworthy.studies.pipelines.arms import AS_RUN, PIPELINES
from roadworthy.studies.pipelines.network import activated_first, build_step, network


def test_activation_before_pooling_is_the_same_function(config: Config) -> None:
    model = network(PIPELINES["pooled first"], config, 4).eval()
    images = torch.rand(2, 3, 32, 32)
    as_study = copy.deepcopy(model)
    as_study.stages = activated_first(as_study.stages)
    kinds = [type(layer).__name__ for layer in as_study.stages]
    assert kinds[:3] == ["Conv2d", "ReLU", "MaxPool2d"]
    assert torch.equal(model(images), as_study(images))


def test_the_study_s_own_has_its_order_of_layers_and_plain_dropout(config: Config) -> None:
    own, quick = (network(PIPELINES[name], config, 4) for name in (AS_RUN, "quick dropout"))
    assert [type(layer).__name__ for layer in own.stages][:4] == ["Conv2d", "ReLU", "MaxPool2d", "Dropout"]
    assert not any(isinstance(layer, Dropout) for layer in own.modules())
    assert sum(isinstance(layer, nn.Dropout) for layer in own.modules()) == 4
    assert sum(isinstance(layer, Dropout) for layer in quick.modules()) == 4


def test_the_simpler_network_is_smaller(config: Config) -> None:
    own, small = (network(PIPELINES[name], config, 4) for name in (AS_RUN, "simpler network"))
    assert sum(p.numel() for p in small.parameters()) < sum(p.numel() for p in own.parameters())


def test_steps_learn(config: Config) -> None:
    torch.manual_seed(0)
    made: list[nn.Module] = []
    hook = nn.modules.module.register_module_forward_hook(lambda layer, *_: made.append(layer))
    try:
        step = build_step(PIPELINES["quick dropout"], config, 4)
        targets = torch.arange(8) % 4
        images = torch.eye(4)[targets][:, :3, None, None].expand(-1, -1, 32, 32)  # red, green, blue, black
        for _ in range(30):
            step(images, targets)
    finally:
        hook.remove()
    model = made[-1].eval()
    assert F.cross_entropy(model(images), targets) < 1.0
