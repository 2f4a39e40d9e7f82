"""What the papers' networks have in common; the two large ones on pictures small enough for a processor."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roadworthy.config import ModelConfig
from roadworthy.core.errors import ConfigError
from roadworthy.imaging.spec import InputSpec
from roadworthy.models._shared import initialise, pad_channels
from roadworthy.models.catalogue import MODELS, build_model, count_parameters
from roadworthy.models.summary import describe, summarise
from roadworthy.train.gradient_norm import GradientNormPenalty

FEATURES = {"resnet-8": 64, "resnet-20": 64, "wrn-28-10": 640, "vgg16-bn": 512, "pyramidnet-272": 864}
LARGE = ("wrn-28-10", "pyramidnet-272")
CLASSES, PX = 10, 16


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in FEATURES],
)
def network(request: pytest.FixtureRequest) -> tuple[str, nn.Module]:
    torch.manual_seed(0)
    return request.param, build_model(ModelConfig(name=request.param), CLASSES, InputSpec(size=PX))


def pictures(n: int = 2, size: int = PX) -> Tensor:
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(1))


def test_the_head_turns_features_into_logits(network: tuple[str, nn.Module]) -> None:
    name, model = network
    model.eval()
    with torch.no_grad():
        features, logits = model.features(pictures()), model(pictures())
    assert features.shape == (2, FEATURES[name])
    assert logits.shape == (2, CLASSES)
    assert features.isfinite().all()
    torch.testing.assert_close(model.head(features), logits)


def test_the_summary_accounts_for_every_weight(network: tuple[str, nn.Module]) -> None:
    _, model = network
    rows = summarise(model, PX)
    assert sum(row.parameters for row in rows) == count_parameters(model)
    assert rows[0].output == (64 if rows[0].name.startswith("stages") else 16, PX, PX)
    assert rows[-1].name == "head"
    assert f"{count_parameters(model):,}" in describe(model, PX).splitlines()[-2]


def test_a_penalised_step_starts_near_ln_c_and_moves_every_weight(network: tuple[str, nn.Module]) -> None:
    _, model = network
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}

    def closure() -> Tensor:
        loss = F.cross_entropy(model(pictures()), torch.tensor([3, 7]))
        loss.backward()
        return loss

    loss = GradientNormPenalty(model, r=0.1, alpha=0.8).backward(closure)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
    assert loss.item() == pytest.approx(math.log(CLASSES), rel=0.15)
    assert all(p.isfinite().all() for p in model.parameters())
    assert all(b.isfinite().all() for b in model.buffers())
    assert [n for n, p in model.named_parameters() if torch.equal(p, before[n])] == []


@pytest.mark.parametrize("name", FEATURES)
@pytest.mark.parametrize("size", [16, 32, 47])
def test_any_size_from_16_px_gives_one_row_of_features_a_picture(name: str, size: int) -> None:
    with torch.device("meta"):  # shapes alone: nothing is computed
        model = build_model(ModelConfig(name=name), CLASSES, InputSpec(size=size)).eval()
        assert model.features(torch.empty(3, 3, size, size)).shape == (3, FEATURES[name])


@pytest.mark.parametrize("name", [*FEATURES, "study-cnn", "study-cifar", "efficientnet-lite0"])
def test_a_setting_without_effect_is_an_error(name: str) -> None:
    with torch.device("meta"):
        with pytest.raises(ConfigError, match=rf"model.width=2 has no effect with model.name={name}"):
            build_model(ModelConfig(name=name, width=2.0), CLASSES, InputSpec())
        with pytest.raises(ConfigError, match=r"model.depth=3 has no effect"):
            build_model(ModelConfig(name=name, depth=3), CLASSES, InputSpec())
        if name == "wrn-28-10":
            model = build_model(ModelConfig(name=name, dropout=0.3), CLASSES, InputSpec())
            assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.3] * 12
        elif name not in ("study-cnn", "efficientnet-lite0"):
            with pytest.raises(ConfigError, match=r"model.dropout=0.3 has no effect"):
                build_model(ModelConfig(name=name, dropout=0.3), CLASSES, InputSpec())


@pytest.mark.parametrize("name", FEATURES)
def test_pictures_that_are_too_small_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} cannot take pictures of 15 px; it needs 16 or more"):
        build_model(ModelConfig(name=name), CLASSES, InputSpec(size=15))
    assert MODELS.summary(name).endswith(".")


def test_kernels_start_with_the_variance_of_he() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(8, 64, 3), nn.Flatten(), nn.Linear(640, 10))
    initialise(model, model[2])
    assert model[0].weight.std().item() == pytest.approx(math.sqrt(2 / (9 * 64)), rel=0.05)
    assert model[2].weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not model[2].bias.any()


def test_channels_that_are_missing_are_zero_and_come_last() -> None:
    x = torch.randn(2, 3, 4, 5)
    padded = pad_channels(x, 7)
    assert torch.equal(padded[:, :3], x)
    assert padded.shape == (2, 7, 4, 5)
    assert not padded[:, 3:].any()
    assert torch.equal(pad_channels(x, 3), x)
