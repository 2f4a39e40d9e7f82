import numpy as np
import pytest
import torch
from torch import nn

from roadworthy.core.errors import ConfigError, ShapeError
from roadworthy.evaluate.adapt import reestimate_batchnorm
from roadworthy.imaging.spec import InputSpec

SPEC = InputSpec(size=8, normalise="unit")


def pictures(n, seed=0):
    return np.random.default_rng(seed).integers(256, size=(n, 8, 8, 3), dtype=np.uint8)


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)
    ).eval()


def test_the_first_layer_takes_the_mean_and_variance_of_the_pictures():
    images = pictures(10)
    norm = reestimate_batchnorm(network(), images, SPEC)[0]
    levels = images.reshape(-1, 3) / 255
    assert norm.running_mean.numpy() == pytest.approx(levels.mean(0), abs=1e-6)
    assert norm.running_var.numpy() == pytest.approx(levels.var(0, ddof=1), abs=1e-6)


def test_all_layers_then_normalise_as_in_training_and_the_network_given_is_left_alone():
    model, images = network(), pictures(64)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    adapted = reestimate_batchnorm(model, images, SPEC)
    inputs = torch.from_numpy(images.transpose(0, 3, 1, 2) / np.float32(255))
    torch.testing.assert_close(adapted(inputs), network().train()(inputs), atol=1e-2, rtol=0)
    assert not torch.allclose(adapted(inputs), model(inputs), atol=0.1)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module.training for module in adapted.modules())
    assert adapted[0].momentum == model[0].momentum == 0.1
    torch.testing.assert_close(adapted[5].weight, model[5].weight)


def test_the_prior_counts_as_pictures_worked_by_hand():
    model, black = network(), np.zeros((4, 8, 8, 3), dtype=np.uint8)
    model[0].running_mean.fill_(1.0)
    norm = reestimate_batchnorm(model, black, SPEC, prior=12)[0]
    assert norm.running_mean.tolist() == pytest.approx([0.75] * 3)  # 12 of 1 and 4 of 0
    assert norm.running_var.tolist() == pytest.approx([0.75] * 3)
    endless = reestimate_batchnorm(model, black, SPEC, prior=1e12)[0]
    assert endless.running_mean.tolist() == pytest.approx([1.0] * 3)


def test_a_set_sorted_by_class_is_taken_as_one_in_any_order():
    # Dark pictures, then bright ones: batches in that order would each see one kind, and no variance.
    images = np.repeat(np.array([0, 255], dtype=np.uint8), 8)[:, None, None, None] * np.ones(
        (8, 8, 3), np.uint8
    )
    norm = reestimate_batchnorm(network(), images, SPEC, batch_size=4)[0]
    assert norm.running_mean.tolist() == pytest.approx([0.5] * 3)
    assert norm.running_var.tolist() == pytest.approx([0.25] * 3, rel=0.01)


def test_a_remainder_is_no_batch_of_its_own():
    images = pictures(5)
    images[4] = 255
    norm = reestimate_batchnorm(network(), images, SPEC, batch_size=4)[0]
    assert norm.running_mean.numpy() == pytest.approx((images.reshape(-1, 3) / 255).mean(0), abs=1e-6)


def test_what_cannot_be_adapted_is_refused():
    with pytest.raises(ConfigError, match="has no BatchNorm"):
        reestimate_batchnorm(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)), pictures(4), SPEC)
    with pytest.raises(ShapeError, match="got 1 pictures"):
        reestimate_batchnorm(network(), pictures(1), SPEC)
    with pytest.raises(ShapeError, match=r"\(N, 8, 8, 3\)"):
        reestimate_batchnorm(network(), pictures(4)[:, 1:], SPEC)
    with pytest.raises(ConfigError, match="prior is -1"):
        reestimate_batchnorm(network(), pictures(4), SPEC, prior=-1)
