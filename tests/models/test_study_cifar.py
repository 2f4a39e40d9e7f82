import pytest
import torch

from roadworthy.config import ModelConfig
from roadworthy.core.errors import ConfigError
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model, count_parameters


def test_it_is_the_studys_to_the_parameter() -> None:
    model = build_model(ModelConfig(name="study-cifar"), 10, InputSpec(size=32))
    shapes = [tuple(p.shape) for name, p in model.named_parameters() if name.endswith("weight")]
    assert shapes == [(32, 3, 3, 3), (64, 32, 3, 3), (64, 64, 3, 3), (128, 1024), (10, 128)]
    assert count_parameters(model) == 188_810


def test_the_smallest_picture_that_works_and_one_less() -> None:
    model = build_model(ModelConfig(name="study-cifar"), 4, InputSpec(size=18))
    assert model(torch.zeros(2, 3, 18, 18)).shape == (2, 4)
    with pytest.raises(ConfigError, match="17 px; the smallest that works is 18"):
        build_model(ModelConfig(name="study-cifar"), 4, InputSpec(size=17))


def test_dropout_is_refused_where_there_is_none() -> None:
    with pytest.raises(ConfigError, match=r"model.dropout=0.5 has no effect with model.name=study-cifar"):
        build_model(ModelConfig(name="study-cifar", dropout=0.5), 4, InputSpec(size=32))
