"""Corruptions: what noise, optics, weather and compression do to pictures, in five severities.

ImageNet-C's operators (Hendrycks and Dietterich 2019) with CIFAR-10-C's constants, which are for 32 pixels:
lengths grow with the picture's side.  Beside them stand our own, for road signs (corruptions_road).  Each is
one definition: a function of pictures, the constants of its severity and random numbers, batched, every
picture with draws of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from roadworthy import pixels
from roadworthy.inputs import ByteArray
from roadworthy.registry import Registry
from roadworthy.signs.effects import Random, value_noise

Group = Literal["noise", "blur", "weather", "digital", "extra", "road"]
SEVERITIES = (1, 2, 3, 4, 5)
_CONSTANTS_PX = 32  # the side that lengths in the constants are for


class Corruption:
    """One way to spoil pictures.

    group: `noise`, `blur`, `weather`, `digital` are ImageNet-C's fifteen, `extra` its four more, `road` ours.
    """

    def __init__(self, apply: Callable[[Tensor, Any, Random], Tensor], group: Group, levels: tuple[Any, ...]):
        if len(levels) != len(SEVERITIES):
            raise ValueError(f"a corruption needs {len(SEVERITIES)} levels; got {len(levels)}")
        self._apply, self._levels, self.group = apply, levels, group
        self.__doc__ = apply.__doc__

    def __call__(self, images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
        """(B, 3, H, W) pictures in [0, 1], square -> the same, spoilt; severity 0 leaves them as they are."""
        if severity not in (0, *SEVERITIES):
            raise ValueError(f"severity is {severity}; it must be from 0 (as it is) to 5")
        if severity == 0 or not len(images):
            return images
        seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
        random = Random(seed, generator.device, images.device)
        return self._apply(images, self._levels[severity - 1], random).clamp(0.0, 1.0)


CORRUPTIONS: Registry[Corruption] = Registry("corruption")


def corruption(
    name: str, group: Group, levels: tuple[Any, ...]
) -> Callable[[Callable[[Tensor, Any, Random], Tensor]], Callable[[Tensor, Any, Random], Tensor]]:
    """Register a function as a corruption: (pictures, its level, random) -> pictures."""

    def file(apply: Callable[[Tensor, Any, Random], Tensor]) -> Callable[[Tensor, Any, Random], Tensor]:
        CORRUPTIONS.register(name)(Corruption(apply, group, levels))
        return apply

    return file


def standard() -> list[str]:
    """ImageNet-C's fifteen, over which its mean error is taken."""
    return [name for name in CORRUPTIONS if CORRUPTIONS.get(name).group not in ("extra", "road")]


def corrupt(
    images: ByteArray, name: str, severity: int, generator: torch.Generator, batch_size: int = 256
) -> ByteArray:
    """(N, S, S, 3) uint8 pictures -> the same, spoilt; the network sees whole numbers, as from a file."""
    spoil = CORRUPTIONS.get(name)
    parts = []
    for start in range(0, len(images), batch_size):
        batch = torch.from_numpy(np.array(images[start : start + batch_size])).permute(0, 3, 1, 2)
        spoilt = spoil(pixels.to_float(batch), severity, generator)
        parts.append((spoilt * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())
    return np.concatenate(parts) if parts else images


def lengths(images: Tensor) -> float:
    """By what lengths in the constants are to be multiplied."""
    return images.shape[-1] / _CONSTANTS_PX


def filtered(images: Tensor, kernels_BKK: Tensor) -> Tensor:
    """Each picture under its own kernel, of an odd side, mirrored at the edges."""
    batch, channels, height, width = images.shape
    radius = kernels_BKK.shape[-1] // 2
    padded = F.pad(images, (radius,) * 4, mode="reflect")
    flat = padded.reshape(1, batch * channels, height + 2 * radius, width + 2 * radius)
    kernels = kernels_BKK.repeat_interleave(channels, dim=0)[:, None]
    return F.conv2d(flat, kernels, groups=batch * channels).view(images.shape)


def all_alike(images: Tensor, value: float) -> Tensor:
    """(B,) the same number for every picture."""
    return images.new_full((len(images),), value)


def coarse_noise(images: Tensor, random: Random, mean: float, deviation: float) -> Tensor:
    """(B, 1, 32, 32) normal noise, of the size that the constants are for."""
    return mean + deviation * random.normal(len(images), 1, _CONSTANTS_PX, _CONSTANTS_PX)


def enlarged(field: Tensor, images: Tensor) -> Tensor:
    """A field as large as the pictures."""
    return F.interpolate(field, images.shape[-2:], mode="bilinear", align_corners=False)


def smeared(images: Tensor, radius: float, sigma: float, degrees: Tensor) -> Tensor:
    """Along a line of each picture's own direction, with weights that fall as a normal distribution."""
    reach = max(1, math.ceil(radius))
    step = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    y, x = torch.meshgrid(step, step, indexing="ij")
    angle = torch.deg2rad(degrees)[:, None, None]
    along, across = x * angle.cos() + y * angle.sin(), (y * angle.cos() - x * angle.sin()).abs()
    weights = torch.exp(-0.5 * (along / sigma) ** 2) * (along.abs() <= radius) * (1 - across).clamp_min(0.0)
    return filtered(images, weights / weights.sum(dim=(1, 2), keepdim=True))


# Noise ---------------------------------------------------------------------------------------------------


@corruption("gaussian-noise", "noise", (0.04, 0.06, 0.08, 0.09, 0.10))
def gaussian_noise(images: Tensor, sigma: float, random: Random) -> Tensor:
    """Normal noise of the sensor, in low light."""
    return images + sigma * random.normal(*images.shape)


@corruption("shot-noise", "noise", (500, 250, 100, 75, 50))
def shot_noise(images: Tensor, photons: int, random: Random) -> Tensor:
    """Light that comes in photons: Poisson, with so many for white."""
    # A normal distribution of the same mean and variance: at 50 photons and more the two are alike.
    return images + (images / photons).sqrt() * random.normal(*images.shape)


@corruption("impulse-noise", "noise", (0.01, 0.02, 0.03, 0.05, 0.07))
def impulse_noise(images: Tensor, share: float, random: Random) -> Tensor:
    """Values that are broken: black or white, this share of them."""
    broken = random.uniform(*images.shape)
    return torch.where(broken < share / 2, 0.0, torch.where(broken > 1 - share / 2, 1.0, images))


@corruption("speckle-noise", "extra", (0.06, 0.1, 0.12, 0.16, 0.2))
def speckle_noise(images: Tensor, sigma: float, random: Random) -> Tensor:
    """Noise that grows with the light."""
    return images + images * sigma * random.normal(*images.shape)


# Blur ----------------------------------------------------------------------------------------------------


@corruption("defocus-blur", "blur", ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1)))
def defocus_blur(images: Tensor, level: tuple[float, float], random: Random) -> Tensor:
    """A lens out of focus: a disc, its rim softened."""
    radius, rim = (length * lengths(images) for length in level)
    reach = max(1, math.ceil(radius + 2 * rim))
    step = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    disc = (step.square() + step[:, None].square() <= radius**2).to(images.dtype)
    soft = pixels.gaussian_blur(disc[None, None], disc.new_tensor([rim]))[0]
    return filtered(images, (soft / soft.sum()).expand(len(images), -1, -1))


@corruption("glass-blur", "blur", ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)))
def glass_blur(images: Tensor, level: tuple[float, int, int], random: Random) -> Tensor:
    """Frosted glass: pixels read from among their neighbours, between two blurs.

    The original swaps neighbours one after the other; here all are drawn at once.
    """
    sigma, reach, rounds = level
    sigma, reach = sigma * lengths(images), max(1, round(reach * lengths(images)))
    soft = pixels.gaussian_blur(images, all_alike(images, sigma))
    batch, _, height, width = images.shape
    rows = torch.arange(height, device=images.device)[:, None]
    columns = torch.arange(width, device=images.device)
    for _ in range(rounds):
        drawn = random.uniform(2, batch, height, width, low=-reach - 0.5, high=reach + 0.5).round().long()
        source = (rows + drawn[0]).clamp(0, height - 1) * width + (columns + drawn[1]).clamp(0, width - 1)
        soft = soft.flatten(2).gather(2, source.view(batch, 1, -1).expand(-1, 3, -1)).view(images.shape)
    return pixels.gaussian_blur(soft, all_alike(images, sigma))


@corruption("motion-blur", "blur", ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5)))
def motion_blur(images: Tensor, level: tuple[float, float], random: Random) -> Tensor:
    """A camera that moves: smeared at up to 45 degrees from the horizontal."""
    radius, sigma = (length * lengths(images) for length in level)
    return smeared(images, radius, sigma, random.uniform(len(images), low=-45, high=45))


@corruption("zoom-blur", "blur", (0.06, 0.11, 0.16, 0.21, 0.26))
def zoom_blur(images: Tensor, furthest: float, random: Random) -> Tensor:
    """A camera that comes nearer: the mean over zooms in steps of a hundredth."""
    factors = 1 + torch.arange(0, furthest - 0.005, 0.01)
    total = images.clone()
    for factor in factors.tolist():
        total += pixels.warp(images, pixels.zoom(all_alike(images, factor)))
    return total / (1 + len(factors))


@corruption("gaussian-blur", "extra", (0.4, 0.6, 0.7, 0.8, 1.0))
def gaussian_blur(images: Tensor, sigma: float, random: Random) -> Tensor:
    """A soft lens."""
    return pixels.gaussian_blur(images, all_alike(images, sigma * lengths(images)))


# Weather -------------------------------------------------------------------------------------------------


@corruption(
    "snow",
    "weather",
    (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    ),
)
def snow(images: Tensor, level: tuple[float, ...], random: Random) -> Tensor:
    """Flakes that streak as they fall, before a scene that grows paler."""
    mean, deviation, size, least, radius, sigma, clear = level
    flakes = coarse_noise(images, random, mean, deviation)
    flakes = enlarged(pixels.warp(flakes, pixels.zoom(all_alike(images, size)), "reflection"), images)
    flakes = torch.where(flakes < least, 0.0, flakes).clamp(0.0, 1.0)
    fall = random.uniform(len(images), low=45, high=135)
    flakes = smeared(flakes, radius * lengths(images), sigma * lengths(images), fall)
    pale = torch.maximum(images, luma(images) * 1.5 + 0.5)
    return clear * images + (1 - clear) * pale + flakes + flakes.flip(2, 3)


@corruption("frost", "weather", ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)))
def frost(images: Tensor, level: tuple[float, float], random: Random) -> Tensor:
    """Ice on the lens.  The original adds photographs of frost; ours is drawn, as ridges of random fields."""
    scene, ice = level
    size = images.shape[-1]
    broad = value_noise(random, len(images), size, (2, 4))
    ridges = 1 - value_noise(random, len(images), size, (5, 11, 23), fall=0.7).abs() * 2
    veil = (0.55 + 0.35 * broad + 0.45 * ridges.clamp(-1.0, 1.0)).clamp(0.0, 1.0)
    return scene * images + ice * veil * images.new_tensor([0.86, 0.95, 1.0]).view(1, 3, 1, 1)


@corruption("fog", "weather", ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75)))
def fog(images: Tensor, level: tuple[float, float], random: Random) -> Tensor:
    """Fog of uneven density; octaves of a random field, each weaker than the last by the second constant."""
    thickness, fall = level
    field = value_noise(random, len(images), images.shape[-1], (1, 2, 4, 8, 16), fall=1 / fall)
    low, high = field.amin(dim=(2, 3), keepdim=True), field.amax(dim=(2, 3), keepdim=True)
    brightest = images.amax(dim=(1, 2, 3), keepdim=True)
    hazy = images + thickness * (field - low) / (high - low).clamp_min(1e-6)
    return hazy * brightest / (brightest + thickness)


@corruption("brightness", "weather", (0.05, 0.1, 0.15, 0.2, 0.3))
def brightness(images: Tensor, more: float, random: Random) -> Tensor:
    """Daylight: the largest channel raised, hue and saturation kept."""
    value = images.amax(dim=1, keepdim=True)
    raised = (value + more).clamp_max(1.0)
    return torch.where(value > 0, images * raised / value.clamp_min(1e-6), raised)


@corruption(
    "spatter",
    "extra",
    (
        (0.62, 0.1, 0.7, 0.7, 0.5, "water"),
        (0.65, 0.1, 0.8, 0.7, 0.5, "water"),
        (0.65, 0.3, 1.0, 0.69, 0.5, "water"),
        (0.65, 0.1, 0.7, 0.69, 0.6, "mud"),
        (0.65, 0.1, 0.5, 0.68, 0.6, "mud"),
    ),
)
def spatter(images: Tensor, level: tuple[float, float, float, float, float, str], random: Random) -> Tensor:
    """Drops on the lens, of water or of mud, where a blurred random field is high; without bright rims."""
    mean, deviation, sigma, least, strength, what = level
    drops = coarse_noise(images, random, mean, deviation)
    soft = enlarged(pixels.gaussian_blur(drops, all_alike(images, sigma)), images)
    mask = ((soft - least) / 0.02 + 0.5).clamp(0.0, 1.0) * strength
    if what == "water":
        return images + mask * (images.new_tensor([0.68, 0.93, 0.93]).view(1, 3, 1, 1) - images * 0.5)
    return torch.lerp(images, images.new_tensor([0.25, 0.16, 0.08]).view(1, 3, 1, 1).expand_as(images), mask)


# Digital -------------------------------------------------------------------------------------------------


@corruption("contrast", "digital", (0.75, 0.5, 0.4, 0.3, 0.15))
def contrast(images: Tensor, share: float, random: Random) -> Tensor:
    """So much of each channel's contrast about its mean."""
    mean = images.mean(dim=(2, 3), keepdim=True)
    return (images - mean) * share + mean


@corruption(
    "elastic",
    "digital",
    ((0.0, 0.0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)),
)
def elastic(images: Tensor, level: tuple[float, float, float], random: Random) -> Tensor:
    """Bent as rubber: three points moved, and all of it by a smooth random field; shares of the side."""
    strength, smooth, corners = level
    batch, _, height, width = images.shape
    # Where three points about the middle go: an affine map, from the source's point of view.
    points = images.new_tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]) * (2 / 3)
    moved = points + random.uniform(batch, 3, 2, low=-2 * corners, high=2 * corners)
    ones = images.new_ones(batch, 3, 1)
    affine = torch.linalg.solve(torch.cat([moved, ones], dim=2), points.expand(batch, -1, -1)).mT
    grid = F.affine_grid(affine, [batch, 3, height, width], align_corners=False)
    if strength:
        field = random.uniform(batch, 2, height, width, low=-1, high=1)
        field = pixels.gaussian_blur(field, all_alike(images, smooth * width)) * 2 * strength
        grid = grid + field.permute(0, 2, 3, 1)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@corruption("pixelate", "digital", (0.95, 0.9, 0.85, 0.75, 0.65))
def pixelate(images: Tensor, share: float, random: Random) -> Tensor:
    """Fewer pixels, enlarged again as squares."""
    size = images.shape[-1]
    few = int(size * share)
    down, up = _box_down(size, few, images), _nearest_up(few, size)
    small = down @ images @ down.T
    return small[..., up, :][..., up]


def _box_down(size: int, few: int, like: Tensor) -> Tensor:
    """(few, size) means over the pixels whose middle lies within each larger one, as Pillow's box filter."""
    scale = size / few
    middle = (torch.arange(few, device=like.device) + 0.5) * scale
    place = torch.arange(size, device=like.device) + 0.5
    within = ((place - middle[:, None]) > -scale / 2) & ((place - middle[:, None]) <= scale / 2)
    weights = within.to(like.dtype)
    return weights / weights.sum(dim=1, keepdim=True)


def _nearest_up(few: int, size: int) -> Tensor:
    return ((torch.arange(size) + 0.5) * few / size).floor().long()


@corruption("jpeg", "digital", (80, 65, 58, 50, 40))
def jpeg(images: Tensor, quality: int, random: Random) -> Tensor:
    """JPEG of that quality."""
    return pixels.jpeg(images, all_alike(images, quality))


@corruption("saturate", "extra", ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2)))
def saturate(images: Tensor, level: tuple[float, float], random: Random) -> Tensor:
    """Saturation multiplied and raised, value and hue kept; grey counts as red without any."""
    factor, more = level
    value, low = images.amax(dim=1, keepdim=True), images.amin(dim=1, keepdim=True)
    before = (value - low) / value.clamp_min(1e-6)
    after = (before * factor + more).clamp(0.0, 1.0)
    coloured = value - (value - images) * after / before.clamp_min(1e-6)
    reddened = value * torch.cat([torch.ones_like(after), 1 - after, 1 - after], dim=1)
    return torch.where(before > 0, coloured, reddened)


def luma(images: Tensor) -> Tensor:
    """(B, 1, H, W) luma."""
    return (images * images.new_tensor(pixels.LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


import_module("roadworthy.evaluate.corruptions_road")
