"""What a corruption is, the registry of all of them, and what several of them are made with."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from roadworthy.core.errors import ConfigError, ShapeError
from roadworthy.core.registry import Registry
from roadworthy.imaging import ops
from roadworthy.render.effects import Random

Group = Literal["noise", "blur", "weather", "digital", "road"]
Operator = Callable[..., Tensor]
"""(images (B, 3, H, W) in [0, 1], random, *constants of one severity) -> changed images, any range."""

Level = float | tuple[float, ...]
SEVERITIES = (1, 2, 3, 4, 5)
REFERENCE_SIDE = 32  # pixels; the side that lengths among the constants are given for, CIFAR-10-C's


@dataclass(frozen=True)
class Corruption:
    """A named way in which pictures get worse, in five degrees.

    operator: what is done, given the constants of one severity.  levels: those of severities 1 to 5.
    standard: whether it is one of the 15 that a mean corruption error is formed over.
    """

    operator: Operator
    levels: tuple[Level, ...]
    group: Group
    standard: bool

    def __post_init__(self) -> None:
        if len(self.levels) != len(SEVERITIES):
            raise ValueError(f"{len(self.levels)} levels for {len(SEVERITIES)} severities")
        # What lists and docs print: the registry takes an entry's docstring.
        object.__setattr__(self, "__doc__", f"{self.group}: {(self.operator.__doc__ or '').strip()}")

    def __call__(self, images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
        """Corrupted pictures (B, 3, H, W) in [0, 1]; each has its own random draws.

        images: (B, 3, H, W) float32 in [0, 1], on any device.  severity: 0 (unchanged) to 5.
        The same generator state and batch give the same result; how pictures are batched changes it.
        Raises ConfigError for other severities, ShapeError for other shapes.
        """
        if type(severity) is not int or severity not in (0, *SEVERITIES):
            raise ConfigError(f"severity {severity!r} does not exist; there are 1 to 5, and 0 for unchanged")
        if images.ndim != 4 or images.shape[1] != 3:
            raise ShapeError(f"pictures of shape {tuple(images.shape)} arrived; (B, 3, H, W) is needed")
        if severity == 0 or not len(images):
            return images
        level = self.levels[severity - 1]
        seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
        random = Random(seed, generator.device, images.device)
        constants = level if isinstance(level, tuple) else (level,)
        return self.operator(images, random, *constants).clamp(0.0, 1.0)


CORRUPTIONS: Registry[Corruption] = Registry("corruption")


def corruption(
    name: str, group: Group, levels: tuple[Level, ...], *, standard: bool = False
) -> Callable[[Operator], Operator]:
    """Decorator that files an operator with its constants; the operator itself stays callable."""

    def file(operator: Operator) -> Operator:
        CORRUPTIONS.register(name)(Corruption(operator, levels, group, standard))
        return operator

    return file


def scale(images: Tensor) -> float:
    """By what lengths in pixels that are meant for 32 px pictures have to be multiplied."""
    return images.shape[-2] / REFERENCE_SIDE


def gaussian_blur(images: Tensor, sigma_px: float) -> Tensor:
    """One Gaussian blur for all pictures (B, C, H, W); edges are repeated outwards."""
    reach = math.ceil(4 * sigma_px)
    padded = F.pad(images, (reach,) * 4, mode="replicate")
    blurred = ops.gaussian_blur(padded, torch.full((len(images),), sigma_px, device=images.device))
    return blurred[..., reach : -reach or None, reach : -reach or None]


def smeared(images: Tensor, sigma_px: float, reach_px: float, degrees: Tensor) -> Tensor:
    """Pictures (B, C, H, W) that trail in a direction of their own: the motion of a camera or of flakes.

    The trail falls off as one half of a Gaussian and ends after `reach_px`.
    degrees: (B,), 0 is across, 90 down.
    """
    steps = torch.arange(math.ceil(min(reach_px, 3.5 * sigma_px)) + 1, device=images.device)
    weights = torch.exp(-0.5 * (steps / sigma_px) ** 2) * (steps <= reach_px)
    radius = len(steps) - 1
    angle = torch.deg2rad(degrees)[:, None]
    kernels = images.new_zeros(len(images), (2 * radius + 1) ** 2)
    # Content moves against where a kernel's weight lies, so the weights lie behind.
    column = radius - (steps * angle.cos()).round().long()
    row = radius - (steps * angle.sin()).round().long()
    kernels.scatter_add_(
        1, row * (2 * radius + 1) + column, (weights / weights.sum()).expand(len(images), -1)
    )
    batch, channels, height, width = images.shape
    padded = F.pad(images, (radius,) * 4, mode="replicate")
    moved = F.conv2d(
        padded.reshape(1, batch * channels, height + 2 * radius, width + 2 * radius),
        kernels.view(-1, 1, 2 * radius + 1, 2 * radius + 1).repeat_interleave(channels, dim=0),
        groups=batch * channels,
    )
    return moved.view(images.shape)


def smooth_noise(noise: Tensor, sigma_at_32_px: float) -> Tensor:
    """White noise (B, C, H, W) blurred by a sigma that grows with the side.

    The deviation becomes what it would be at 32 px: the wider blur alone would flatten larger pictures.
    """
    sigma = sigma_at_32_px * scale(noise)
    # A blur along both axes keeps the root of both kernels' energies, so the energy of one.
    return gaussian_blur(noise, sigma) * (_energy(sigma_at_32_px) / _energy(sigma))


@cache
def _energy(sigma: float) -> float:
    """Sum of the squared weights of a sampled Gaussian."""
    reach = math.ceil(4 * sigma)
    weights = [math.exp(-0.5 * (step / sigma) ** 2) for step in range(-reach, reach + 1)]
    return sum(w * w for w in weights) / sum(weights) ** 2
