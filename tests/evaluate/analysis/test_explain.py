"""Grad-CAM where the right map is known, and the check with random weights."""

import numpy as np
import pytest
import torch
from torch import nn

from roadworthy.config import ModelConfig
from roadworthy.core.errors import ConfigError
from roadworthy.evaluate.analysis.explain import grad_cam, overlay, randomised_likeness
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model


class Spot(nn.Module):
    """Class 0 is the brightness of channel 0, class 1 its darkness."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 1, 1, bias=False)
        self.convolution.weight.data = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)

    def forward(self, images):
        mean = self.convolution(images).mean(dim=(1, 2, 3))
        return torch.stack([mean, -mean], dim=1)


def spots() -> torch.Tensor:
    images = torch.zeros(2, 3, 8, 8)
    images[0, 0, 1, 2] = images[1, 0, 6, 5] = 5.0
    return images


def test_the_map_lies_where_the_class_is() -> None:
    maps = grad_cam(Spot(), spots(), torch.tensor([0, 0]))
    assert maps.shape == (2, 8, 8)
    assert [divmod(int(m.argmax()), 8) for m in maps] == [(1, 2), (6, 5)]
    assert maps.amax() == 1
    assert maps[0].sum() == pytest.approx(1.0)


def test_nothing_speaks_for_the_other_class() -> None:
    assert grad_cam(Spot(), spots(), torch.tensor([1, 1])).abs().max() == 0


@pytest.mark.parametrize("name", ["compact", "study-cnn"])
def test_our_networks_have_maps_and_keep_their_weights(name: str) -> None:
    torch.manual_seed(0)
    model = build_model(ModelConfig(name=name), 4, InputSpec(size=32))
    before = [value.clone() for value in model.state_dict().values()]
    images = torch.randn(3, 3, 32, 32)
    maps = grad_cam(model, images, torch.tensor([0, 1, 2]))
    assert maps.shape == (3, 32, 32)
    assert ((maps >= 0) & (maps <= 1)).all()
    for a, b in zip(before, model.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert all(parameter.grad is None for parameter in model.parameters())
    # Reproducible, and another network's map is another.
    assert torch.equal(maps, grad_cam(model, images, torch.tensor([0, 1, 2])))
    likeness = randomised_likeness(model, images, torch.tensor([0, 1, 2]))
    assert np.nanmax(np.abs(likeness)) < 0.95


def test_a_network_that_learnt_a_corner_looks_there() -> None:
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(64, 3, 32, 32, generator=rng) * 0.2
    targets = torch.arange(64) % 2
    images[targets == 1, 0, 2:10, 2:10] += 0.8
    images[targets == 0, 2, 2:10, 2:10] += 0.8
    model = build_model(ModelConfig(name="study-cnn", dropout=0.0), 2, InputSpec(size=32))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(30):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), targets).backward()
        optimizer.step()
    maps = grad_cam(model, images, targets)
    corner = maps[:, :16, :16].sum(dim=(1, 2)) / maps.sum(dim=(1, 2)).clamp_min(1e-9)
    assert corner.median() > 0.5


def test_captum_agrees() -> None:
    captum = pytest.importorskip("captum.attr", reason="captum is an optional oracle")
    torch.manual_seed(0)
    model = build_model(ModelConfig(name="study-cnn"), 4, InputSpec(size=32)).eval()
    images, targets = torch.randn(2, 3, 32, 32), torch.tensor([0, 3])
    layer = [module for module in model.stages if not isinstance(module, nn.Flatten)][-1]
    theirs = captum.LayerGradCam(model, layer).attribute(images, target=targets, relu_attributions=True)
    theirs = nn.functional.interpolate(theirs, size=(32, 32), mode="bilinear", align_corners=False)[:, 0]
    scaled = theirs / theirs.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    torch.testing.assert_close(grad_cam(model, images, targets), scaled.detach(), atol=1e-5, rtol=0)


def test_the_overlay_keeps_colour_where_the_map_is_high() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[..., 0] = 200
    saliency = np.zeros((4, 4))
    saliency[0, 0] = 1.0
    shown = overlay(image, saliency)
    assert shown[0, 0].tolist() == [200, 0, 0]
    assert len(set(shown[1, 1].tolist())) == 1


def test_a_network_without_a_feature_map_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a layer with feature maps"):
        grad_cam(nn.Linear(4, 2), torch.zeros(1, 4), torch.tensor([0]))
