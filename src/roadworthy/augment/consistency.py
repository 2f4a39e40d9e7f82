"""Further views of each picture, which a network is to answer alike.

Source: AugMix, Hendrycks et al. 2020.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from roadworthy.augment.colourless import SwappedChannels
from roadworthy.augment.ops import Mirror
from roadworthy.augment.policy import Policy, applied, draw
from roadworthy.config import AugmentConfig
from roadworthy.core.errors import ConfigError

MIXTURES, CHAINS, LONGEST = 2, 3, 3

Views = Callable[[Tensor, torch.Generator], Tensor]
"""(pictures (B, 3, H, W), generator) -> (V B, 3, H, W): all first views, then all second ones ..."""


def build_views(config: AugmentConfig, policy: Policy) -> Views:
    """The pictures alone where `augment.consistency` is 0, else the pictures and two AugMix mixtures of each.

    A mixture is the picture, as the policy made it, blended with the weighted mean of three chains of one to
    three of the policy's operations, as strong as the policy has them.  Weights are from the Dirichlet and
    Beta distributions of 1, as in the paper.  Other than there a chain's operations differ and act in the
    policy's order, so that all chains are one pass.  What changes labels is left out.
    Raises ConfigError where the policy has no other operation: the views would all be the same.
    """
    if not config.consistency:
        return lambda images, generator: images
    ops = [op for op in policy.ops if not isinstance(op, (Mirror, SwappedChannels))]
    if not ops:
        raise ConfigError(
            "augment.consistency mixes the policy's operations, and this one has none that keeps labels; "
            "give another augment.policy or a strength above 0"
        )

    def views(images: Tensor, generator: torch.Generator) -> Tensor:
        copies = images.repeat(MIXTURES * CHAINS, 1, 1, 1)
        acts = _chains(len(copies), len(ops), generator).to(images.device)
        drawn = [(op, acts[:, i], u[:, 1:]) for i, (op, u) in enumerate(draw(ops, copies, generator))]
        chains = applied(drawn, copies, generator).view(MIXTURES, CHAINS, *images.shape)
        u = torch.rand(MIXTURES, CHAINS + 1, len(images), generator=generator, device=generator.device)
        u = u.to(images.device)[..., None, None, None]
        weights = -(1 - u[:, :CHAINS]).log()  # exponential; as shares of their sum they are Dirichlet's
        mean = (chains * (weights / weights.sum(dim=1, keepdim=True))).sum(dim=1)
        mixtures = torch.lerp(images, mean, u[:, CHAINS])
        return torch.cat([images, mixtures.flatten(0, 1)])

    return views


def _chains(n: int, ops: int, generator: torch.Generator) -> Tensor:
    """(n, ops): one to LONGEST true in each row, all numbers and all choices as likely."""
    u = torch.rand(n, ops + 1, generator=generator, device=generator.device)
    length = 1 + (u[:, ops:] * min(LONGEST, ops)).long()
    return u[:, :ops].argsort(dim=1).argsort(dim=1) < length
