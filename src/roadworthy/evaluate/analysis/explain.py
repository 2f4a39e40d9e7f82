"""Where a network looks: Grad-CAM, and the check that the map depends on what the network has learnt."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import ConfigError


def grad_cam(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """(B, S, S) in [0, 1]: how much each place speaks for the class `targets` names, largest at 1.

    inputs: (B, 3, S, S) as the network takes them.  targets: (B,).  A picture in which nothing speaks for
    the class gets zeros.  The network is in evaluation mode afterwards, its weights as they were.
    Source: Selvaraju et al. 2017, eq. 1 and 2, on the last feature map that still has places.
    """
    model.eval()
    inputs = inputs.detach().requires_grad_()
    with torch.enable_grad(), _last_feature_map(model) as kept:
        logits = model(inputs)
        if not kept:
            raise ConfigError(
                f"{type(model).__name__} gives vectors only; Grad-CAM needs a layer with feature maps"
            )
        features = kept[-1]
        (gradients,) = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), features)
    features = features.detach()
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    maps = torch.relu((weights * features).sum(dim=1, keepdim=True))
    maps = nn.functional.interpolate(maps, size=inputs.shape[-2:], mode="bilinear", align_corners=False)[:, 0]
    return maps / maps.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)


@contextmanager
def _last_feature_map(model: nn.Module) -> Iterator[list[Tensor]]:
    """Outputs with places, (B, C, h, w) of more than one pixel, as the network's modules yield them."""
    kept: list[Tensor] = []

    def keep(_: nn.Module, __: object, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and output.shape[-1] > 1:
            kept[:] = [output]

    hooks = [module.register_forward_hook(keep) for module in model.modules()]
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()


def randomised_likeness(model: nn.Module, inputs: Tensor, targets: Tensor, seed: int = 0) -> FloatArray:
    """(B,) rank correlation of each map with that of the same network with random weights.

    A map that tells what was learnt changes (near 0); one that shows the picture's edges does not (near 1).
    NaN where a map is the same everywhere.  Source: Adebayo et al. 2018, "Sanity checks for saliency maps".
    """
    torch.manual_seed(seed)
    random = copy.deepcopy(model)
    for module in random.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    own, other = grad_cam(model, inputs, targets).flatten(1), grad_cam(random, inputs, targets).flatten(1)
    return np.array(
        [
            spearmanr(a, b).statistic if np.ptp(a) > 0 and np.ptp(b) > 0 else np.nan
            for a, b in zip(own.numpy(), other.numpy(), strict=True)
        ]
    )


def overlay(image: ByteArray, saliency: FloatArray) -> ByteArray:
    """A picture, greyed where the map is low: (S, S, 3) uint8 RGB and (S, S) in [0, 1] -> (S, S, 3) uint8."""
    colour = image.astype(np.float64)
    grey = np.repeat(colour.mean(axis=2, keepdims=True), 3, axis=2) * 0.5 + 64
    shown = np.asarray(saliency)[..., None]
    return np.round(shown * colour + (1 - shown) * grey).astype(np.uint8)
