"""The 15 corruptions of ImageNet-C and its 4 further ones, at CIFAR-10-C's severities.

Operators and constants: Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", and the generator of CIFAR-10-C published with it.  Lengths (`..._px`) are
given for CIFAR-10-C's 32 px and grow with the pictures' side; noise stays one draw a pixel, and JPEG's
blocks 8 px.  Where an operator differs from the published one, its docstring says how.
"""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from roadworthy.evaluate.corruptions.base import (
    REFERENCE_SIDE,
    corruption,
    gaussian_blur,
    scale,
    smeared,
    smooth_noise,
)
from roadworthy.imaging import ops
from roadworthy.render.effects import Random, axes, per_picture, pixel, strokes, value_noise

# Noise --------------------------------------------------------------------------------------------------


@corruption("gaussian-noise", "noise", (0.04, 0.06, 0.08, 0.09, 0.10), standard=True)
def gaussian_noise(images: Tensor, random: Random, sigma: float) -> Tensor:
    """Normal noise of one deviation in every channel: a sensor in little light."""
    return images + sigma * random.normal(*images.shape)


@corruption("shot-noise", "noise", (500.0, 250.0, 100.0, 75.0, 50.0), standard=True)
def shot_noise(images: Tensor, random: Random, photons: float) -> Tensor:
    """Light counted in single photons, `photons` of them for white: Poisson noise."""
    return random.poisson(images * photons) / photons


@corruption("impulse-noise", "noise", (0.01, 0.02, 0.03, 0.05, 0.07), standard=True)
def impulse_noise(images: Tensor, random: Random, share: float) -> Tensor:
    """Salt and pepper: a share of all channel values is 0 or 1 instead, as bit errors make them."""
    drawn = random.uniform(*images.shape)
    extreme = (drawn < share / 2).to(images.dtype)
    return torch.where(drawn < share, extreme, images)


@corruption("speckle-noise", "noise", (0.06, 0.1, 0.12, 0.16, 0.2))
def speckle_noise(images: Tensor, random: Random, sigma: float) -> Tensor:
    """Normal noise in proportion to the value that it is added to."""
    return images + images * (sigma * random.normal(*images.shape))


# Blur ---------------------------------------------------------------------------------------------------


@corruption(
    "defocus-blur", "blur", ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1)), standard=True
)
def defocus_blur(images: Tensor, random: Random, radius_px: float, softness_px: float) -> Tensor:
    """Out of focus: every point becomes a disc with a soft edge.

    The disc is the pixels whose middle is within the radius; a Gaussian softens it.
    """
    radius, softness = radius_px * scale(images), softness_px * scale(images)
    reach = math.ceil(radius + 3 * softness)
    place = torch.arange(-reach, reach + 1, device=images.device)
    disc = (place**2 + place[:, None] ** 2 <= radius**2).to(images.dtype)[None, None]
    kernel = ops.gaussian_blur(disc / disc.sum(), torch.full((1,), softness, device=images.device))
    # Mirroring needs more pixels than it mirrors; tiny pictures repeat their edge instead.
    mode = "reflect" if reach < min(images.shape[-2:]) else "replicate"
    padded = F.pad(images, (reach,) * 4, mode=mode)
    return F.conv2d(padded.flatten(0, 1)[:, None], kernel / kernel.sum()).view(images.shape)


@corruption(
    "glass-blur", "blur", ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)), standard=True
)
def glass_blur(images: Tensor, random: Random, sigma_px: float, shift_px: float, times: int) -> Tensor:
    """Frosted glass: blurred, each pixel shows one nearby, and blurred again.

    A pixel shows one from -shift to below +shift away in either direction, `times` over.
    """
    batch, _, height, width = images.shape
    sigma, shift = sigma_px * scale(images), shift_px * scale(images)
    row, column = (
        torch.arange(height, device=images.device)[:, None],
        torch.arange(width, device=images.device),
    )
    result = gaussian_blur(images, sigma)
    for _ in range(times):
        down, right = random.uniform(2, batch, height, width, low=-shift, high=shift).floor().long()
        source = (row + down).clamp(0, height - 1) * width + (column + right).clamp(0, width - 1)
        flat = source.flatten(1)[:, None].expand(-1, images.shape[1], -1)
        result = result.flatten(2).gather(2, flat).view(images.shape)
    return gaussian_blur(result, sigma)


@corruption("motion-blur", "blur", ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)), standard=True)
def motion_blur(images: Tensor, random: Random, radius_px: float, sigma_px: float) -> Tensor:
    """The camera moves: everything trails, in a direction up to 45 degrees from level."""
    degrees = random.uniform(len(images), low=-45, high=45)
    return smeared(images, sigma_px * scale(images), 2 * radius_px * scale(images), degrees)


@corruption("zoom-blur", "blur", (0.06, 0.11, 0.15, 0.2, 0.25), standard=True)
def zoom_blur(images: Tensor, random: Random, growth: float) -> Tensor:
    """Driving towards it: the mean of the picture and of itself enlarged by 0, 1, 2 ... percent.

    growth: the largest enlargement, as the published sequences happen to end in floating point.
    """
    height, width = images.shape[-2:]
    total = images.clone()
    steps = round(growth * 100)
    for percent in range(steps + 1):
        rows, columns = (_enlarge(n, 1 + percent / 100, images.device) for n in (height, width))
        total += rows @ (images @ columns.T)
    return total / (steps + 2)


@cache
def _enlarge(n: int, factor: float, device: torch.device) -> Tensor:
    """(n, n) linear interpolation of n pixels enlarged about their middle."""
    place = torch.arange(n, device=device, dtype=torch.float32)
    source = (place + 0.5 - n / 2) / factor + n / 2 - 0.5
    return (1 - (source[:, None] - place).abs()).clamp_min(0.0)


@corruption("gaussian-blur", "blur", (0.4, 0.6, 0.7, 0.8, 1.0))
def soft_blur(images: Tensor, random: Random, sigma_px: float) -> Tensor:
    """Gaussian blur: a lens that is soft all over."""
    return gaussian_blur(images, sigma_px * scale(images))


# Weather ------------------------------------------------------------------------------------------------


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
    standard=True,
)
def snow(
    images: Tensor,
    random: Random,
    mean: float,
    deviation: float,
    flake_px: float,
    threshold: float,
    radius_px: float,
    sigma_px: float,
    kept: float,
) -> Tensor:
    """Falling snow: pale scene, and bright flakes that trail downwards.

    Flakes are what of normal noise is above the threshold, `flake_px` large; `kept` of the scene's own
    colour stays, the rest becomes pale grey.
    """
    height, width = images.shape[-2:]
    cells = [max(1, math.ceil(n / (flake_px * scale(images)))) for n in (height, width)]
    noise = random.normal(len(images), 1, *cells) * deviation + mean
    flakes = F.interpolate(noise, (height, width), mode="bilinear", align_corners=False).clamp(0.0, 1.0)
    flakes = torch.where(flakes < threshold, 0.0, flakes)
    degrees = random.uniform(len(images), low=45, high=135)
    flakes = smeared(flakes, sigma_px * scale(images), 2 * radius_px * scale(images), degrees)
    grey = torch.einsum("c,bchw->bhw", images.new_tensor(ops.LUMA), images)[:, None]
    pale = torch.lerp(torch.maximum(images, grey * 1.5 + 0.5), images, kept)
    return pale + flakes + flakes.flip(2, 3)


@corruption("frost", "weather", ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)), standard=True)
def frost(images: Tensor, random: Random, kept: float, weight: float) -> Tensor:
    """Ice on the lens or windscreen: the picture plus a layer of frost.

    The published operator crops six photographs of frost.  Ours draws it: bluish grey of any of the tones
    that those have (means about 0.35 to 0.8), ridges of smooth noise, and needles that grow
    from a few seeds.  Results compare to others' roughly, not number by number.
    """
    return kept * images + weight * drawn_frost(images, random)


def drawn_frost(like: Tensor, random: Random) -> Tensor:
    """(B, 3, H, W) frost that fills pictures."""
    count, side, seeds, needles = len(like), max(like.shape[-2:]), 4, 7
    ridges = 1 - value_noise(random, count, side, (3, 7, 14), fall=0.7).abs()
    ridges = ridges[..., : like.shape[-2], : like.shape[-1]]
    start = random.uniform(count, seeds, 1, 2, low=-1, high=1).expand(-1, -1, needles, -1)
    # Ice crystals have six arms; a little disorder makes them look grown.
    turn = random.uniform(count, seeds, 1) + (torch.arange(needles, device=like.device) / 6)
    turn = (turn + random.uniform(count, seeds, needles, high=0.08)) * 2 * math.pi
    length = random.uniform(count, seeds, needles, 1, low=0.2, high=0.9)
    end = start + torch.stack([turn.cos(), turn.sin()], dim=3) * length
    width = random.uniform(count, 1, low=0.6, high=1.4) / REFERENCE_SIDE
    x, y = axes(like)
    lines = strokes(x, y, torch.cat([start, end], dim=3).flatten(1, 2), width, edge=2 * pixel(like))
    crystals = 0.22 * (ridges - 0.45) + 0.25 * lines.amax(1, keepdim=True)
    tone = per_picture(random.uniform(count, low=0.3, high=0.8))
    blue = per_picture(random.uniform(count, high=0.15)) * like.new_tensor([-1.0, 0.1, 0.5])[:, None, None]
    return (tone + blue + crystals).clamp_(0.0, 1.0)


@corruption("fog", "weather", ((0.2, 3), (0.5, 3), (0.75, 2.5), (1.0, 2), (1.5, 1.75)), standard=True)
def fog(images: Tensor, random: Random, density: float, smoothness: float) -> Tensor:
    """Fog in swathes: light of a plasma fractal is added, and the range squeezed back."""
    white = images.amax(dim=(1, 2, 3), keepdim=True)
    return (images + density * plasma(images, random, smoothness)) * (white / (white + density))


def plasma(like: Tensor, random: Random, smoothness: float) -> Tensor:
    """(B, 1, H, W) clouds from 0 to 1 that repeat beyond their edges: midpoint displacement (diamond-square).

    Each halving of the grid displaces by 1 / smoothness ** 2 of what the one before did; the published
    generator multiplies its amplitude in twice.
    """
    side = 2 ** math.ceil(math.log2(max(like.shape[-2:])))
    grid = like.new_zeros(len(like), 1, 1)
    amplitude = 1.0
    while grid.shape[-1] < side:
        count, cells = len(grid), grid.shape[-1]
        shifts = random.uniform(3, count, cells, cells, low=-amplitude, high=amplitude)
        right, below = grid.roll(-1, 2), grid.roll(-1, 1)
        middle = (grid + right + below + below.roll(-1, 2)) / 4 + shifts[0]
        across = (grid + right + middle + middle.roll(1, 1)) / 4 + shifts[1]
        down = (grid + below + middle + middle.roll(1, 2)) / 4 + shifts[2]
        rows = torch.stack([torch.stack([grid, across], 3), torch.stack([down, middle], 3)], 2)
        grid = rows.view(count, 2 * cells, 2 * cells)
        amplitude /= smoothness**2
    grid = grid - grid.amin(dim=(1, 2), keepdim=True)
    grid = (grid / grid.amax(dim=(1, 2), keepdim=True).clamp_min(1e-9))[:, None]
    height, width = like.shape[-2:]
    size = max(height, width)
    return F.interpolate(grid, (size, size), mode="bilinear", align_corners=False)[..., :height, :width]


@corruption(
    "spatter",
    "weather",
    (
        (0.62, 0.1, 0.7, 0.7, 0.5, 0),
        (0.65, 0.1, 0.8, 0.7, 0.5, 0),
        (0.65, 0.3, 1.0, 0.69, 0.5, 0),
        (0.65, 0.1, 0.7, 0.69, 0.6, 1),
        (0.65, 0.1, 0.5, 0.68, 0.6, 1),
    ),
)
def spatter(
    images: Tensor,
    random: Random,
    mean: float,
    deviation: float,
    sigma_px: float,
    threshold: float,
    strength: float,
    muddy: int,
) -> Tensor:
    """Drops on the lens: clear water at severities 1 to 3, mud at 4 and 5.

    Drops are what of smooth noise is above the threshold.  Water adds light where a drop is lit from one
    corner; mud covers.  The edges of drops are found exactly instead of by Canny's detector.
    """
    height, width = images.shape[-2:]
    noise = random.normal(len(images), 1, height, width) * deviation
    liquid = smooth_noise(noise, sigma_px) + mean
    inside = (liquid > threshold).to(images.dtype)
    if muddy:
        mask = gaussian_blur(inside, strength * scale(images))
        mask = torch.where(mask < 0.8, 0.0, mask)
        return torch.lerp(images, images.new_tensor([63, 42, 20])[:, None, None] / 255, mask)
    light = inside * liquid * _lit(inside, scale(images))
    light = light * (strength / light.amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-6))
    return images + light * images.new_tensor([175, 238, 238])[:, None, None] / 255


def _lit(inside: Tensor, unit: float) -> Tensor:
    """How brightly each pixel of drops (B, 1, H, W) is lit, up to 255, from how far the nearest edge is.

    Distances in units of a 32 px picture's pixel, up to 20, are spread to even shares of 0 to 255 (histogram
    equalisation) and embossed along the diagonal.
    """
    outside = 1 - inside
    edge = (inside > 0) & (F.max_pool2d(outside, 3, 1, 1) > 0)
    distance = _mean3(_distance(edge, math.ceil(20 * unit)) / unit).clamp_max(20.0)
    level = _equalised(distance.round().long(), 21)
    kernel = level.new_tensor([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])[None, None]
    embossed = F.conv2d(F.pad(level, (1,) * 4, mode="reflect"), kernel).clamp_(0.0, 255.0)
    return _mean3(embossed)


def _mean3(images: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(images, (1,) * 4, mode="reflect"), 3, 1)


def _distance(edge: Tensor, most: int) -> Tensor:
    """(B, 1, H, W) distance in pixels to the nearest true one, exact up to `most`, which it stops at."""
    square = torch.where(edge, 0.0, float(most**2))
    for axis in (2, 3):
        nearest = square.clone()
        for step in range(1, min(most, edge.shape[axis] - 1) + 1):
            n = edge.shape[axis] - step
            for there, here in ((0, step), (step, 0)):
                view = nearest.narrow(axis, here, n)
                torch.minimum(view, square.narrow(axis, there, n) + step**2, out=view)
        square = nearest
    return square.sqrt().clamp_max(most)


def _equalised(levels: Tensor, count: int) -> Tensor:
    """Whole numbers below `count` (B, 1, H, W) as 0 to 255, each pushed to its rank in its picture."""
    flat = levels.flatten(1)
    histogram = torch.zeros(len(flat), count, device=levels.device)
    histogram.scatter_add_(1, flat, torch.ones_like(flat, dtype=histogram.dtype))
    up_to = histogram.cumsum(dim=1)
    lowest = up_to.gather(1, flat.amin(dim=1, keepdim=True))
    share = (up_to - lowest) / (flat.shape[1] - lowest).clamp_min(1.0)
    return (share * 255).round_().gather(1, flat).view(levels.shape)


# Digital ------------------------------------------------------------------------------------------------


@corruption("brightness", "weather", (0.05, 0.1, 0.15, 0.2, 0.3), standard=True)
def brightness(images: Tensor, random: Random, added: float) -> Tensor:
    """Exposed too long: HSV's value raised, hue and saturation kept."""
    value = images.amax(dim=1, keepdim=True)
    raised = (value + added).clamp_max(1.0)
    return torch.where(value > 0, images * (raised / value.clamp_min(1e-6)), raised)


@corruption("contrast", "digital", (0.75, 0.5, 0.4, 0.3, 0.15), standard=True)
def contrast(images: Tensor, random: Random, factor: float) -> Tensor:
    """Flat light: every channel drawn together about its mean."""
    mean = images.mean(dim=(2, 3), keepdim=True)
    return (images - mean) * factor + mean


@corruption(
    "elastic",
    "digital",
    ((0.0, 0.0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)),
    standard=True,
)
def elastic(images: Tensor, random: Random, amount: float, smoothness: float, affine: float) -> Tensor:
    """Stretched and squeezed: a random affine map and a smooth random displacement.

    All three are fractions of the side: of what even noise in [-1, 1] is multiplied by, of the sigma it is
    blurred with, and of how far three corners of the middle third go.  Both maps are sampled at once, which
    blurs less than one after the other does.
    """
    batch, _, height, width = images.shape
    corners = images.new_tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]) * (2 / 3)
    moved = corners + random.uniform(batch, 3, 2, low=-affine, high=affine) * 2
    ones = torch.ones_like(moved[..., :1])
    # Rows (x, y, 1) of the corners times the map are the moved corners.
    maps = torch.linalg.solve(torch.cat([corners.expand_as(moved), ones], dim=2), moved)
    grid = F.affine_grid(maps.mT, [batch, 3, height, width], align_corners=False)
    if amount:
        noise = random.uniform(batch, 2, height, width, low=-1, high=1)
        shift = smooth_noise(noise, smoothness * REFERENCE_SIDE) * (2 * amount)
        grid = grid + shift.permute(0, 2, 3, 1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


@corruption("pixelate", "digital", (0.95, 0.9, 0.85, 0.75, 0.65), standard=True)
def pixelate(images: Tensor, random: Random, factor: float) -> Tensor:
    """Few pixels, shown large: shrunk by area and enlarged without interpolation (Pillow's box filter)."""
    rows, columns = (_box(n, int(n * factor), images.device) for n in images.shape[-2:])
    return rows @ (images @ columns.T)


@cache
def _box(n: int, few: int, device: torch.device) -> Tensor:
    """(n, n): n pixels averaged to `few`, and those repeated to n."""
    return _box_resize(few, n).to(device) @ _box_resize(n, few).to(device)


def _box_resize(source: int, target: int) -> Tensor:
    """(target, source) weights of a box filter; a pixel whose middle is in the box counts wholly."""
    width = source / target
    middle = (torch.arange(target, dtype=torch.float64)[:, None] + 0.5) * width
    offset = (torch.arange(source, dtype=torch.float64) + 0.5 - middle) / max(width, 1.0)
    weights = ((offset > -0.5) & (offset <= 0.5)).double()
    return (weights / weights.sum(dim=1, keepdim=True)).float()


@corruption("jpeg", "digital", (80.0, 65.0, 58.0, 50.0, 40.0), standard=True)
def jpeg(images: Tensor, random: Random, quality: float) -> Tensor:
    """JPEG compression of a low quality: blocks of 8 px, ringing, blurred colour."""
    return ops.jpeg(images, images.new_full((len(images),), quality))


@corruption("saturate", "digital", ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2)))
def saturate(images: Tensor, random: Random, factor: float, added: float) -> Tensor:
    """HSV's saturation changed: nearly grey at severities 1 and 2, garish from 3 on.

    Grey has hue 0, red: what is added to its saturation makes it pink, as in the published operator.
    """
    value, least = images.amax(dim=1, keepdim=True), images.amin(dim=1, keepdim=True)
    saturation = (value - least) / value.clamp_min(1e-6)
    wanted = (saturation * factor + added).clamp_(0.0, 1.0)
    coloured = value - (value - images) * (wanted / saturation.clamp_min(1e-6))
    red = torch.cat([value, value * (1 - wanted), value * (1 - wanted)], dim=1)
    return torch.where(saturation > 1e-6, coloured, red)
