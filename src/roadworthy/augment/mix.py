"""Mixing pairs of pictures and their labels: each way one definition, found by name in MIXES."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from roadworthy.config import AugmentConfig
from roadworthy.core.registry import Registry
from roadworthy.imaging import ops


@dataclass(frozen=True)
class Mix(ABC):
    """A way to mix each picture with another one; its own share of the result is of Beta(alpha, alpha)."""

    alpha: float

    @abstractmethod
    def mixed(
        self, images: Tensor, others: Tensor, shares: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) pictures mixed with `others`, and the shares (B,) of their own that they really kept.

        shares: (B,) asked for, in [0, 1]; 1 leaves a picture as it is.
        """


MIXES: Registry[type[Mix]] = Registry("mix")


@MIXES.register("mixup")
@dataclass(frozen=True)
class MixUp(Mix):
    """The weighted mean of two pictures and of their labels (Zhang et al. 2018)."""

    alpha: float = 0.2

    def mixed(
        self, images: Tensor, others: Tensor, shares: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Every pixel shared out alike."""
        return torch.lerp(others, images, shares[:, None, None, None]), shares


@MIXES.register("cutmix")
@dataclass(frozen=True)
class CutMix(Mix):
    """A patch of another picture pasted in, labels shared out by area (Yun et al. 2019)."""

    alpha: float = 1.0

    def mixed(
        self, images: Tensor, others: Tensor, shares: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """A patch of the picture's own proportions, its middle anywhere in the picture."""
        middle = torch.rand(len(images), 2, generator=generator, device=generator.device).to(images.device)
        half = (1 - shares).sqrt()[:, None] / 2
        pasted = ops.in_boxes(torch.cat([middle - half, middle + half], dim=1), *images.shape[-2:])
        # The edges cut the patch off, and pixels are whole: the labels' shares are those of what is seen.
        return torch.where(pasted, others, images), 1 - pasted.float().mean(dim=(1, 2, 3))


def build_mix(
    config: AugmentConfig, num_classes: int
) -> Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]:
    """(pictures, targets (B,), generator) -> mixed pictures and (B, C) shares of classes, as `config` says.

    `none` gives back what it gets.  Partners are a permutation of the batch.
    """
    if config.mix == "none":
        return lambda images, targets, generator: (images, targets)
    kind = MIXES.get(config.mix)
    mix = kind() if config.mix_alpha is None else kind(config.mix_alpha)  # type: ignore[call-arg]

    def apply(images: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        batch = len(images)
        partners = torch.randperm(batch, generator=generator, device=generator.device).to(images.device)
        asked = beta(mix.alpha, batch, generator).to(images.device)
        mixed, shares = mix.mixed(images, images[partners], asked, generator)
        classes = F.one_hot(targets, num_classes).float()
        return mixed, torch.lerp(classes[partners], classes, shares[:, None])

    return apply


def beta(alpha: float, n: int, generator: torch.Generator) -> Tensor:
    """(n,) numbers of Beta(alpha, alpha), on the generator's device, by the inverse of its distribution."""
    # torch.distributions takes no generator.
    from scipy.special import betaincinv

    u = torch.rand(n, generator=generator, device=generator.device, dtype=torch.float64)
    return torch.from_numpy(betaincinv(alpha, alpha, u.cpu().numpy())).float().to(generator.device)
