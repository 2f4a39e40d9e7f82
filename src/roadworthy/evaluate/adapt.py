"""Adapting a network to pictures without labels."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from roadworthy.errors import ConfigError
from roadworthy.evaluate.predict import to_input
from roadworthy.inputs import ByteArray, InputSpec


def reestimate_batchnorm(
    model: nn.Module, images: ByteArray, spec: InputSpec, *, batch_size: int = 512
) -> nn.Module:
    """A copy of `model` whose BatchNorm statistics are those of `images`, (N, S, S, 3) uint8; no labels.

    All N pictures count alike, in batches of about equal size.  The classes should be as mixed as where the
    network learnt: of one class alone its very features would be normalised away.
    Raises ConfigError for a network without BatchNorm.  Source: Nado et al. 2020; Schneider et al. 2020.
    """
    adapted = copy.deepcopy(model).eval()
    norms = [module for module in adapted.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        raise ConfigError("evaluate.norms = 'new' needs a network with BatchNorm, and this one has none")
    device = next(adapted.parameters()).device
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
        norm.train()
    # Pictures come sorted by class and sign: mixed, so that each batch is like the whole.
    order = np.random.default_rng(0).permutation(len(images))
    with torch.no_grad():
        for rows in np.array_split(order, -(-len(order) // batch_size)):
            adapted(to_input(images[np.sort(rows)], spec, device))
    return adapted.eval()
