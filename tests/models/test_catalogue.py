"""Every network that is registered, held to the same contract."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from roadworthy.config import ModelConfig
from roadworthy.core.errors import ConfigError, MissingExtraError, UnknownNameError
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import MODELS, build_model, count_parameters

# Too slow for batches of this size; tests/models/test_shared.py holds them to the same with smaller ones.
LARGE = {"wrn-28-10", "pyramidnet-272"}
NAMES = [name for name in MODELS.names() if name not in LARGE]


SMALLEST = {"study-cnn-deeper": 46}  # px


def build(name: str, num_classes: int, size: int) -> nn.Module:
    try:
        return build_model(ModelConfig(name=name), num_classes, InputSpec(size=size))
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [32, 47, 64])
def test_maps_pictures_to_logits_at_any_size(name, size):
    size = max(size, SMALLEST.get(name, 0))
    model = build(name, 7, size).eval()
    images = torch.randn(3, 3, size, size)
    logits = model(images)
    assert logits.shape == (3, 7)
    torch.testing.assert_close(model.head(model.features(images)), logits)


@pytest.mark.parametrize("name", NAMES)
def test_first_loss_is_near_ln_c(name):
    torch.manual_seed(0)
    model = build(name, 43, 48).eval()
    loss = F.cross_entropy(model(torch.randn(64, 3, 48, 48)), torch.arange(64) % 43)
    assert loss.item() == pytest.approx(math.log(43), rel=0.15)


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_gets_a_gradient_within_two_steps(name):
    torch.manual_seed(0)
    size = SMALLEST.get(name, 32)
    model = build(name, 4, size)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):  # zero-initialised norms let nothing through in the first
        optimizer.zero_grad()
        F.cross_entropy(model(torch.randn(8, 3, size, size)), torch.arange(8) % 4).backward()
        optimizer.step()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


def test_study_cnn_has_the_studys_parameters():
    assert count_parameters(build_model(ModelConfig(name="study-cnn"), 4, InputSpec(size=64))) == 683_716


def test_study_cnn_pools_before_it_activates_as_the_study_did_the_other_way_round():
    ours = build_model(ModelConfig(name="study-cnn"), 4, InputSpec(size=32)).eval()
    stages = list(ours.stages)
    for place in [place for place, layer in enumerate(stages) if isinstance(layer, nn.ReLU)]:
        assert isinstance(stages[place - 1], nn.MaxPool2d)
        stages[place - 1], stages[place] = stages[place], stages[place - 1]
    images = torch.randn(8, 3, 32, 32)
    theirs = nn.Sequential(*stages, ours.hidden, ours.head)
    assert torch.equal(ours(images), theirs(images))
    gradients = [
        torch.autograd.grad(F.cross_entropy(net(images), torch.arange(8) % 4), list(ours.parameters()))
        for net in (ours, theirs)
    ]
    for own, other in zip(*gradients, strict=True):
        torch.testing.assert_close(own, other)


def test_compact_stays_under_a_million_parameters():
    assert count_parameters(build_model(ModelConfig(name="compact"), 43, InputSpec())) < 1_000_000


def test_width_and_depth_change_compact():
    sizes = {
        (w, d): count_parameters(build_model(ModelConfig(width=w, depth=d), 4, InputSpec()))
        for w in (0.5, 1.0)
        for d in (1, 2)
    }
    assert sizes[0.5, 1] < sizes[0.5, 2] < sizes[1.0, 2]
    assert sizes[0.5, 1] < sizes[1.0, 1] < sizes[1.0, 2]


def test_what_cannot_be_built_is_refused():
    with pytest.raises(UnknownNameError, match="did you mean 'compact'"):
        build_model(ModelConfig(name="compct"), 4, InputSpec())
    with pytest.raises(ConfigError, match="at least 2 classes"):
        build_model(ModelConfig(), 1, InputSpec())
    with pytest.raises(
        ConfigError,
        match="cannot take pictures of 16 px; the smallest that works is 22",
    ):
        build_model(ModelConfig(name="study-cnn"), 4, InputSpec(size=16))
    with pytest.raises(ConfigError, match="width"):
        build_model(ModelConfig(width=0), 4, InputSpec())


def test_a_network_that_finds_is_no_reader_and_is_named_among_all() -> None:
    with pytest.raises(ConfigError, match=r"model\.name=finder finds signs and does not read them"):
        build_model(ModelConfig(name="finder"), 4, InputSpec())
    with pytest.raises(UnknownNameError, match="did you mean 'finder'"):
        build_model(ModelConfig(name="findr"), 4, InputSpec())
