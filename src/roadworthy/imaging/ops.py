"""Batched tensor operations on pictures, written once for augmentation, corruptions and the drawn camera.

Pictures are float32 (B, 3, H, W) in [0, 1] on any device; parameters are one number per picture, (B,).
All functions are pure: nothing is changed in place, randomness arrives as a generator.

Geometry is one 3x3 homography per picture and acts forward: it says where a point of the picture goes.
Points are (x, y) with the origin in the middle, x to the right, y down, and half the height as the unit,
so that a rotation is one on oblong pictures too.  Colour is one 3x4 matrix per picture, acting on
(r, g, b, 1).  Blur and loss of resolution are one matrix per picture and axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from roadworthy.core.errors import ShapeError
from roadworthy.imaging.colour import LUMA as LUMA
from roadworthy.imaging.jpeg import jpeg as jpeg
from roadworthy.imaging.preprocess import EPSILON
from roadworthy.imaging.spec import InputSpec

Padding = Literal["border", "reflection", "zeros"]


def to_float(images_uint8: Tensor) -> Tensor:
    """uint8 [0, 255] -> float32 [0, 1], strides kept."""
    return images_uint8.float().div_(255.0)


def normalise(images: Tensor, spec: InputSpec) -> Tensor:
    """The twin of `preprocess.normalise` for pictures that are float tensors in [0, 1] already."""
    if spec.normalise == "unit":
        return images
    centred = images - images.mean(dim=(1, 2, 3), keepdim=True)
    # The norm of the centred picture is several times faster than Tensor.std, and no less exact.
    deviation = torch.linalg.vector_norm(centred, dim=(1, 2, 3), keepdim=True) / math.sqrt(centred[0].numel())
    return centred.div_(deviation + EPSILON)


# Geometry -----------------------------------------------------------------------------------------------


def _rows(*rows: tuple[Tensor | float, ...]) -> Tensor:
    """Per-picture matrices (B, R, C) from entries that are (B,) tensors or constants."""
    entries = [entry for row in rows for entry in row]
    like = next(entry for entry in entries if isinstance(entry, Tensor))
    constants = {e: torch.full_like(like, e) for e in entries if not isinstance(e, Tensor)}
    columns = [entry if isinstance(entry, Tensor) else constants[entry] for entry in entries]
    return torch.stack(columns, dim=1).view(len(like), len(rows), len(rows[0]))


def rotation(degrees: Tensor) -> Tensor:
    """(B, 3, 3) turning pictures counter-clockwise, as seen, about their middle."""
    angle = torch.deg2rad(degrees)
    cos, sin = angle.cos(), angle.sin()
    return _rows((cos, sin, 0.0), (-sin, cos, 0.0), (0.0, 0.0, 1.0))


def translation(right: Tensor, down: Tensor) -> Tensor:
    """(B, 3, 3) moving pictures by fractions of their height."""
    return _rows((1.0, 0.0, 2 * right), (0.0, 1.0, 2 * down), (0.0, 0.0, 1.0))


def shear(x_deg: Tensor, y_deg: Tensor | None = None) -> Tensor:
    """(B, 3, 3) leaning verticals by `x_deg` (below the middle to the right) and horizontals by `y_deg`."""
    return _rows(
        (1.0, torch.deg2rad(x_deg).tan(), 0.0),
        (0.0 if y_deg is None else torch.deg2rad(y_deg).tan(), 1.0, 0.0),
        (0.0, 0.0, 1.0),
    )


def zoom(x: Tensor, y: Tensor | None = None) -> Tensor:
    """(B, 3, 3) enlarging pictures about their middle by the factor `x` across and `y` (or `x`) down."""
    return _rows((x, 0.0, 0.0), (0.0, x if y is None else y, 0.0), (0.0, 0.0, 1.0))


def perspective(x: Tensor, y: Tensor) -> Tensor:
    """(B, 3, 3) tilting pictures: positive `x` makes the right side recede, positive `y` the bottom.

    The depth at (px, py) is 1 + x px + y py and must stay positive in the picture: keep |x| + |y| < 1.
    """
    return _rows((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (x, y, 1.0))


def mirror(chosen: Tensor) -> Tensor:
    """(B, 3, 3) swapping left and right where `chosen` (B,) is true, else the identity."""
    sign = 1.0 - 2.0 * chosen.float()
    return _rows((sign, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def compose(*matrices: Tensor) -> Tensor:
    """One matrix that does what `matrices` do one after the other, the first one first."""
    result = matrices[0]
    for matrix in matrices[1:]:
        result = matrix @ result
    return result


def warp(
    images: Tensor,
    matrices_B33: Tensor,
    padding: Padding = "border",
    fill: Tensor | None = None,
    size: tuple[int, int] | None = None,
) -> Tensor:
    """Pictures moved by their homographies, sampled once, bilinearly.

    padding: what is seen beyond the edges: `border` repeats the edge, `reflection` mirrors, `zeros` is black.
    fill: (B, 3) colours to see there instead.
    size: height and width of the result, if other than the input's; its points are laid out alike.
    """
    if matrices_B33.shape != (len(images), 3, 3):
        raise ShapeError(
            f"warp got matrices of shape {tuple(matrices_B33.shape)} for {len(images)} pictures; "
            f"it needs ({len(images)}, 3, 3)"
        )
    if fill is not None:
        ground = fill[:, :, None, None]
        return warp(images - ground, matrices_B33, "zeros", size=size).add_(ground)
    height, width = images.shape[-2:]
    grid = _sampling_grid(matrices_B33, (height, width), size or (height, width))
    return F.grid_sample(images, grid, mode="bilinear", padding_mode=padding, align_corners=False)


def _sampling_grid(matrices: Tensor, source: tuple[int, int], target: tuple[int, int]) -> Tensor:
    """(B, H, W, 2): for each target pixel the source point to read, in grid_sample's [-1, 1]."""
    (source_height, source_width), (height, width) = source, target
    inverse = torch.linalg.inv(matrices)
    # grid_sample's x runs from -1 to 1 across the picture, ours from -W/H to W/H.
    inverse = inverse * inverse.new_tensor([source_height / source_width, 1.0, 1.0])[:, None]
    x = _centres(width, inverse) * (width / height)
    y = _centres(height, inverse)
    # A line of a linear map is (a x) + (b y + c): one sum per pixel and no matrix product.
    across = inverse[:, :, 0, None, None] * x
    down = inverse[:, :, 1, None, None] * y[:, None] + inverse[:, :, 2, None, None]
    grid: Tensor = inverse.new_empty(len(inverse), height, width, 2)
    if matrices[:, 2, :2].any():
        nearness = (across[:, 2] + down[:, 2]).reciprocal_()
        for axis in range(2):
            torch.mul(across[:, axis] + down[:, axis], nearness, out=grid[..., axis])
    else:  # affine maps need no division
        for axis in range(2):
            torch.add(across[:, axis], down[:, axis], out=grid[..., axis])
    return grid


def _centres(n: int, like: Tensor) -> Tensor:
    """Centres of n pixels that share [-1, 1]."""
    return (torch.arange(n, dtype=like.dtype, device=like.device) * 2 + 1) / n - 1


# Colour -------------------------------------------------------------------------------------------------


def brightness(factor: Tensor) -> Tensor:
    """(B, 3, 4) multiplying all channels."""
    return white_balance(factor[:, None].expand(-1, 3))


def contrast(factor: Tensor, pivot: Tensor | float = 0.5) -> Tensor:
    """(B, 3, 4) spreading channels about the grey level `pivot` (a number, or (B,))."""
    shift = (1.0 - factor) * pivot
    zero = torch.zeros_like(factor)
    return _rows(
        (factor, zero, zero, shift),
        (zero, factor, zero, shift),
        (zero, zero, factor, shift),
    )


def saturation(factor: Tensor) -> Tensor:
    """(B, 3, 4) moving colours away from (above 1) or towards (below 1) their grey; 0 is greyscale."""
    red, green, blue = ((1.0 - factor) * weight for weight in LUMA)
    return _rows(
        (red + factor, green, blue, 0.0),
        (red, green + factor, blue, 0.0),
        (red, green, blue + factor, 0.0),
    )


def hue(degrees: Tensor) -> Tensor:
    """(B, 3, 4) turning colours about the grey axis of the RGB cube; 120 turns red into green."""
    angle = torch.deg2rad(degrees)
    a = (1 + 2 * angle.cos()) / 3
    b = (1 - angle.cos()) / 3 - angle.sin() / math.sqrt(3)
    c = (1 - angle.cos()) / 3 + angle.sin() / math.sqrt(3)
    return _rows((a, b, c, 0.0), (c, a, b, 0.0), (b, c, a, 0.0))


def white_balance(gains_B3: Tensor) -> Tensor:
    """(B, 3, 4) multiplying each channel by its own gain."""
    red, green, blue = gains_B3.unbind(1)
    return _rows((red, 0.0, 0.0, 0.0), (0.0, green, 0.0, 0.0), (0.0, 0.0, blue, 0.0))


def compose_colour(*matrices: Tensor) -> Tensor:
    """One (B, 3, 4) that does what `matrices` do one after the other, the first one first."""
    result = matrices[0]
    for matrix in matrices[1:]:
        linear, shift = matrix[:, :, :3], matrix[:, :, 3:]
        product = linear @ result
        result = torch.cat([product[:, :, :3], product[:, :, 3:] + shift], dim=2)
    return result


def colour(images: Tensor, matrices_B34: Tensor) -> Tensor:
    """Every pixel (r, g, b, 1) times its picture's matrix, cut off to [0, 1]."""
    if matrices_B34.shape != (len(images), 3, 4):
        raise ShapeError(
            f"colour got matrices of shape {tuple(matrices_B34.shape)} for {len(images)} pictures; "
            f"it needs ({len(images)}, 3, 4)"
        )
    mixed = torch.baddbmm(matrices_B34[:, :, 3:], matrices_B34[:, :, :3], images.flatten(2))
    return mixed.clamp_(0.0, 1.0).view(images.shape)


def mean_grey(images: Tensor) -> Tensor:
    """(B,) mean luma of each picture."""
    return images.mean(dim=(2, 3)) @ images.new_tensor(LUMA)


def mean_level(images: Tensor) -> Tensor:
    """(B, 3) each picture's mean over pixels and channels: the grey that per-image normalisation makes 0."""
    return images.mean(dim=(1, 2, 3))[:, None].expand(-1, 3)


# Tone ---------------------------------------------------------------------------------------------------


def auto_contrast(images: Tensor) -> Tensor:
    """Each channel of each picture spread over [0, 1]; one that is all of one level stays."""
    low, high = images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
    # Under half a level apart, what differs is rounding, not picture.
    plain = high - low < 0.5 / 255
    return torch.where(plain, images, (images - low) / torch.where(plain, 1.0, high - low))


def equalise(images: Tensor) -> Tensor:
    """Each channel's levels of 256 spread so that all are about as frequent; one level alone stays.

    In whole numbers as Pillow's ImageOps.equalize has them.
    """
    levels = (images.flatten(2) * 255).round().long()
    counts = levels.new_zeros(*levels.shape[:2], 256).scatter_add_(2, levels, torch.ones_like(levels))
    brightest = counts.gather(2, levels.amax(dim=2, keepdim=True))
    step = (levels.shape[2] - brightest) // 255
    below = counts.cumsum(dim=2) - counts
    mapping = ((step // 2 + below) // step.clamp_min(1)).clamp_max(255)
    spread = (mapping.gather(2, levels).to(images.dtype) / 255).view(images.shape)
    return torch.where(step[..., None] > 0, spread, images)


def posterise(images: Tensor, bits: Tensor) -> Tensor:
    """Each picture's levels of 256 cut down to their first `bits` (B,) bits, of 1 to 8."""
    step = torch.exp2(8 - bits)[:, None, None, None]
    return ((images * 255).round() / step).floor() * (step / 255)


def solarise(images: Tensor, threshold: Tensor) -> Tensor:
    """Levels of 256 from each picture's threshold (B,) on turned into their negative; 256 leaves all."""
    return torch.where((images * 255).round() < threshold[:, None, None, None], images, 1 - images)


# Optics and sensor --------------------------------------------------------------------------------------


def gaussian_blur(images: Tensor, sigma_px: Tensor) -> Tensor:
    """Each picture blurred by its own sigma; 0 leaves it.  At edges the weights within are rescaled."""
    return _separable(images, _gaussian, sigma_px)


def _separable(images: Tensor, matrices: Callable[[int, Tensor], Tensor], parameter: Tensor) -> Tensor:
    """Each picture times its own matrix along both axes; matrices(n, parameter) gives (B, n, n)."""
    # Two dense products per channel: for small pictures faster than convolutions whose kernels differ.
    height, width = images.shape[-2:]
    rows = matrices(height, parameter)
    columns = rows if width == height else matrices(width, parameter)
    across = torch.bmm(images.flatten(1, 2), columns.mT).view(images.shape)
    return rows[:, None] @ across


def _gaussian(n: int, sigma: Tensor) -> Tensor:
    place = torch.arange(n, device=sigma.device)
    # Exponentials of the n distances only; the (n, n) weights repeat them along diagonals.
    fall = torch.exp(-0.5 * (place / sigma.clamp_min(1e-3)[:, None]) ** 2)
    # Denormal numbers slow the product twentyfold; what is under a hundredth of a grey level adds nothing.
    fall = torch.where(fall < 1e-5, 0.0, fall)
    weights = torch.cat([fall.flip(1), fall[:, 1:]], dim=1).unfold(1, n, 1).flip(1)
    return weights / weights.sum(dim=2, keepdim=True)


def lower_resolution(images: Tensor, factor: Tensor) -> Tensor:
    """Each picture shrunk by its factor (at least 1; area average) and enlarged again (bilinearly)."""
    return _separable(images, _down_up, factor)


def _down_up(n: int, factor: Tensor) -> Tensor:
    """(B, n, n): averaging n pixels into round(n / factor) and interpolating n from those."""
    few = (n / factor.clamp_min(1.0)).round().clamp_min(1.0)[:, None, None]
    index = torch.arange(n, dtype=factor.dtype, device=factor.device)
    width = n / few
    start = index[:, None] * width  # of the coarse pixel; those from `few` on lie outside and get no weight
    overlap = (torch.minimum(start + width, index + 1) - torch.maximum(start, index)).clamp_min(0.0)
    place = torch.minimum(((index[:, None] + 0.5) / width - 0.5).clamp_min(0.0), few - 1)
    interpolate = (1.0 - (place - index).abs()).clamp_min(0.0)
    return interpolate @ (overlap / width)


def motion_blur(images: Tensor, length_px: Tensor, degrees: Tensor) -> Tensor:
    """Each picture smeared along a line of its own length and direction; up to 1 px leaves it.

    degrees: 0 is across, 90 down.
    """
    batch, channels, height, width = images.shape
    radius = max(1, math.ceil((float(length_px.max()) - 1) / 2)) if batch else 1
    kernels = _line_kernels(length_px, degrees, radius)
    padded = F.pad(images, (radius,) * 4, mode="replicate")
    smeared = F.conv2d(
        padded.reshape(1, batch * channels, height + 2 * radius, width + 2 * radius),
        kernels.repeat_interleave(channels, dim=0)[:, None],
        groups=batch * channels,
    )
    return smeared.view(batch, channels, height, width)


def _line_kernels(length: Tensor, degrees: Tensor, radius: int) -> Tensor:
    """(B, K, K) lines one pixel thick, anti-aliased, each summing to 1."""
    step = torch.arange(-radius, radius + 1, dtype=length.dtype, device=length.device)
    y, x = torch.meshgrid(step, step, indexing="ij")
    angle = torch.deg2rad(degrees)[:, None, None]
    along = (x * angle.cos() + y * angle.sin()).abs()
    across = (y * angle.cos() - x * angle.sin()).abs()
    half = length[:, None, None] / 2
    line = (half + 0.5 - along).clamp(0.0, 1.0) * (1.0 - across).clamp_min(0.0)
    point = ((x == 0) & (y == 0)).to(line.dtype)
    line = torch.where(half <= 0.5, point, line)
    return line / line.sum(dim=(1, 2), keepdim=True)


def sharpen(images: Tensor, amount: Tensor, sigma_px: float = 1.0) -> Tensor:
    """Unsharp mask: what a blur would take away, times `amount`, added; cut off to [0, 1]."""
    detail = images - gaussian_blur(images, torch.full_like(amount, sigma_px))
    return torch.addcmul(images, amount[:, None, None, None], detail).clamp_(0.0, 1.0)


def sharpness(images: Tensor, factor: Tensor) -> Tensor:
    """Moved away from (above 1) or towards (below 1) a smoothed picture, cut off to [0, 1]; 1 leaves it.

    Smoothed is a 3x3 mean in which the pixel itself counts five times; the outermost stay, as in Pillow.
    """
    inner = images[..., 1:-1, 1:-1]
    smoothed = images.clone()
    smoothed[..., 1:-1, 1:-1] = (9 * F.avg_pool2d(images, 3, stride=1) + 4 * inner) / 13
    return torch.lerp(smoothed, images, factor[:, None, None, None]).clamp_(0.0, 1.0)


def demosaic(images: Tensor, phase: Tensor) -> Tensor:
    """What a sensor with a Bayer filter makes of images: one colour measured at each pixel, two interpolated.

    images: (B, 3, H, W).  phase: (B,) integers, which of the four pixels of a cell measures red: bit 0 is
    its column, bit 1 its row; blue lies opposite, green on the two others.  Interpolation is bilinear.
    """
    height, width = images.shape[-2:]
    four = torch.arange(4, device=images.device)
    column = (torch.arange(width, device=images.device) + (four % 2)[:, None])[:, None] % 2 == 0
    row = (torch.arange(height, device=images.device) + (four // 2)[:, None])[:, :, None] % 2 == 0
    patterns = torch.stack([row & column, row ^ column, ~(row | column)], dim=1)
    measured, weights = patterns[phase], _spread(patterns.to(images.dtype))[phase]
    return torch.where(measured, images, _spread(images * measured) / weights)


def _spread(images: Tensor) -> Tensor:
    """Each pixel and half, at corners a quarter, of its neighbours."""
    padded = F.pad(images, (1, 1, 1, 1))
    across = padded[..., 1:-1] + (padded[..., :-2] + padded[..., 2:]) / 2
    return across[..., 1:-1, :] + (across[..., :-2, :] + across[..., 2:, :]) / 2


def gaussian_noise(images: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
    """Independent normal noise of each picture's sigma in every channel, cut off to [0, 1]."""
    noise = torch.randn(images.shape, generator=generator, device=generator.device).to(images.device)
    return torch.addcmul(images, sigma[:, None, None, None], noise).clamp_(0.0, 1.0)


def occlude(images: Tensor, boxes_B4: Tensor, colours_B3: Tensor) -> Tensor:
    """A rectangle of one colour laid over each picture.

    boxes_B4: x1, y1, x2, y2 as fractions of width and height; pixels whose centre lies within are covered.
    """
    covered = in_boxes(boxes_B4, *images.shape[-2:])
    return torch.where(covered, colours_B3[:, :, None, None], images)


def in_boxes(boxes_B4: Tensor, height: int, width: int) -> Tensor:
    """(B, 1, H, W), true where a pixel's centre lies in its picture's box: x1, y1, x2, y2 as fractions."""
    x = (_centres(width, boxes_B4) + 1) / 2
    y = (_centres(height, boxes_B4) + 1) / 2
    x1, y1, x2, y2 = (edge[:, None] for edge in boxes_B4.unbind(1))
    columns, rows = (x >= x1) & (x < x2), (y >= y1) & (y < y2)
    return rows[:, None, :, None] & columns[:, None, None, :]
