import copy

import numpy as np
import pytest
import torch
from torch import nn

from roadworthy.errors import ConfigError
from roadworthy.evaluate.adapt import reestimate_batchnorm
from roadworthy.inputs import InputSpec, normalise

SPEC = InputSpec(size=8, normalise="unit")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten()
    ).eval()


def pictures(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(256, size=(n, 8, 8, 3), dtype=np.uint8)


def test_the_statistics_are_those_of_the_pictures() -> None:
    model, images = network(), pictures(96)
    planes = model[0](torch.from_numpy(normalise(images, SPEC)))
    for batch_size in (96, 500, 16):
        adapted = reestimate_batchnorm(model, images, SPEC, batch_size=batch_size)
        assert adapted[1].running_mean.numpy() == pytest.approx(
            planes.mean(dim=(0, 2, 3)).detach().numpy(), abs=1e-5
        )
        spread = planes.var(dim=(0, 2, 3)).detach().numpy()
        assert adapted[1].running_var.numpy() == pytest.approx(spread, rel=0.02)


def test_the_network_itself_stays_as_it_was_and_the_copy_is_ready_to_answer() -> None:
    model, images = network(), pictures(32)
    before = copy.deepcopy(model.state_dict())
    adapted = reestimate_batchnorm(model, images, SPEC)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module.training for module in adapted.modules())
    assert torch.equal(adapted[0].weight, model[0].weight)


def test_a_shift_of_all_pictures_is_undone() -> None:
    model, images = network(), pictures(64) // 2
    usual = reestimate_batchnorm(model, images, SPEC)
    brighter = images + np.uint8(100)
    inputs = torch.from_numpy(normalise(brighter, SPEC))
    expected = usual(torch.from_numpy(normalise(images, SPEC)))
    assert (usual(inputs) - expected).abs().max() > 0.5
    torch.testing.assert_close(
        reestimate_batchnorm(model, brighter, SPEC)(inputs), expected, atol=1e-3, rtol=1e-3
    )


def test_a_network_without_batchnorm_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a network with BatchNorm"):
        reestimate_batchnorm(nn.Conv2d(3, 4, 3), pictures(4), SPEC)
