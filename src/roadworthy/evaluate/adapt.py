"""Fitting a trained network to new pictures without their labels.

Source: Nado et al. 2020; Schneider et al. 2020, whose N the prior is.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import ConfigError, ShapeError
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.torch import check_images, to_input

_KINDS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@torch.no_grad()
def reestimate_batchnorm(
    model: nn.Module, images_uint8: ByteArray, spec: InputSpec, *, prior: float = 0.0, batch_size: int = 512
) -> nn.Module:
    """A copy of `model`, in evaluation mode, whose BatchNorm statistics are those of these pictures.

    images_uint8: (N, S, S, 3), at least two, as crop_resize leaves them, S being spec.size.
    prior: how many pictures the stored statistics count as; 0 forgets them.
    batch_size: a batch holds from this to twice as many pictures, all where there are fewer.  Statistics are
    the mean over batches, each layer's of what the layers before it give in the same batch.
    Raises ConfigError for a network without stored BatchNorm statistics, ShapeError on other pictures.
    """
    check_images(images_uint8, spec, batch_size)
    if len(images_uint8) < 2 or batch_size < 2:
        raise ShapeError(
            f"BatchNorm statistics need two pictures and batches of two; got {len(images_uint8)} pictures in "
            f"batches of {batch_size}"
        )
    if prior < 0:
        raise ConfigError(f"prior is {prior:g}; it counts pictures and must be 0 or more")
    adapted = copy.deepcopy(model).eval()
    norms = _norms(adapted)
    if not norms:
        raise ConfigError(
            f"{type(model).__name__} has no BatchNorm whose statistics could be re-estimated; "
            "keep evaluate.norms=stored"
        )
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
        norm.momentum = None  # a plain mean over batches
    device = next(adapted.parameters()).device
    batches = max(1, len(images_uint8) // batch_size)
    for first in range(batches):
        # Sets are sorted by class and sign: every batch takes its pictures from all over the set.
        adapted(to_input(images_uint8[first::batches], spec, device))
    weight = len(images_uint8) / (len(images_uint8) + prior)
    for norm, old in zip(norms, _norms(model), strict=True):
        norm.momentum = old.momentum
        for name in ("running_mean", "running_var"):
            new = norm.get_buffer(name)
            new.copy_(torch.lerp(old.get_buffer(name), new, weight))
    return adapted.eval()


def _norms(model: nn.Module) -> list[nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d]:
    return [m for m in model.modules() if isinstance(m, _KINDS) and m.running_mean is not None]
