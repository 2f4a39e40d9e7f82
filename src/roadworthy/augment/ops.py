"""Augmentations: each one definition, drawn anew for every picture and found by name in OPS.

An op turns uniform random numbers, one row per picture, into parameters.  Three kinds differ in what
becomes of those: geometry (one homography per picture), colour (one 3x4 matrix per picture) and filters
(new pixels, computed only for the pictures that were drawn).  A policy multiplies the matrices of each
of the first two kinds and applies the product once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from roadworthy.augment import autoaugment
from roadworthy.augment.op import OPS, Colour, Filter, Geometry, factor, signed
from roadworthy.imaging import ops

# Geometry -----------------------------------------------------------------------------------------------


@OPS.register("mirror")
@dataclass(frozen=True)
class Mirror(Geometry):
    """Swap left and right where the result is a sign, and give the label of that sign.

    Which class becomes which is the catalogue's; the policy picks the pictures and changes the labels.
    """

    amount: float = 1.0
    probability: float = 0.5
    draws = 0
    range_text = "signs whose mirror image is a sign, label changed with it"

    def matrix(self, u: Tensor) -> Tensor:
        """Mirrors every picture."""
        return ops.mirror(torch.ones(len(u), device=u.device))


@OPS.register("blind-flip")
@dataclass(frozen=True)
class BlindFlip(Geometry):
    """Swap left and right of any picture and keep its label: a mistake, kept to measure what it costs."""

    amount: float = 1.0
    probability: float = 0.5
    draws = 0
    range_text = "any sign, label kept (wrong)"

    def matrix(self, u: Tensor) -> Tensor:
        """Mirrors every picture."""
        return ops.mirror(torch.ones(len(u), device=u.device))


@OPS.register("flip")
@dataclass(frozen=True)
class Flip(Geometry):
    """Swap left and right of pictures of objects, which stay what they are.

    Policies refuse it where a class is a sign; `mirror` is for those.
    """

    amount: float = 1.0
    probability: float = 0.5
    draws = 0
    range_text = "objects, never signs"

    def matrix(self, u: Tensor) -> Tensor:
        """Mirrors every picture."""
        return ops.mirror(torch.ones(len(u), device=u.device))


@OPS.register("rotation")
@dataclass(frozen=True)
class Rotation(Geometry):
    """Turn by up to `amount` degrees either way."""

    draws = 1
    range_text = "±{:.3g}°"

    def matrix(self, u: Tensor) -> Tensor:
        """One angle per picture."""
        return ops.rotation(signed(u[:, 0], self.amount))


@OPS.register("translation")
@dataclass(frozen=True)
class Translation(Geometry):
    """Move by up to `amount` of the side, across and down each."""

    draws = 2
    range_text = "±{:.3g} of the side"

    def matrix(self, u: Tensor) -> Tensor:
        """Two shifts per picture."""
        return ops.translation(signed(u[:, 0], self.amount), signed(u[:, 1], self.amount))


@OPS.register("zoom")
@dataclass(frozen=True)
class Zoom(Geometry):
    """Enlarge or shrink by a factor of 1 ± `amount`."""

    draws = 1
    range_text = "factor 1 ± {:.3g}"

    def matrix(self, u: Tensor) -> Tensor:
        """One factor per picture."""
        return ops.zoom(factor(u[:, 0], self.amount))


@OPS.register("stretch")
@dataclass(frozen=True)
class Stretch(Geometry):
    """Enlarge or shrink across and down by a factor of 1 ± `amount` each."""

    draws = 2
    range_text = "factors 1 ± {:.3g} across and down"

    def matrix(self, u: Tensor) -> Tensor:
        """Two factors per picture."""
        factors = factor(u, self.amount)
        return ops.zoom(factors[:, 0], factors[:, 1])


@OPS.register("shear")
@dataclass(frozen=True)
class Shear(Geometry):
    """Lean verticals by up to `amount` degrees either way."""

    draws = 1
    range_text = "±{:.3g}°"

    def matrix(self, u: Tensor) -> Tensor:
        """One angle per picture."""
        return ops.shear(signed(u[:, 0], self.amount))


@OPS.register("perspective")
@dataclass(frozen=True)
class Perspective(Geometry):
    """Tilt, so that depth changes by up to `amount` from the middle to an edge."""

    draws = 2
    range_text = "depth ±{:.3g} from middle to edge"

    def matrix(self, u: Tensor) -> Tensor:
        """Two tilts per picture."""
        # Together below 1, where a corner of the picture would reach the horizon.
        amount = min(self.amount, 0.45)
        return ops.perspective(signed(u[:, 0], amount), signed(u[:, 1], amount))


# Colour -------------------------------------------------------------------------------------------------


@OPS.register("contrast")
@dataclass(frozen=True)
class Contrast(Colour):
    """Spread brightness about the picture's own mean by a factor of 1 ± `amount`."""

    draws = 1
    range_text = "factor 1 ± {:.3g} about the mean"

    def matrix(self, u: Tensor, mean_grey: Tensor) -> Tensor:
        """One factor per picture."""
        return ops.contrast(factor(u[:, 0], self.amount), mean_grey)


@OPS.register("brightness")
@dataclass(frozen=True)
class Brightness(Colour):
    """Multiply by 1 ± `amount`, as exposure does."""

    draws = 1
    range_text = "factor 1 ± {:.3g}"

    def matrix(self, u: Tensor, mean_grey: Tensor) -> Tensor:
        """One factor per picture."""
        return ops.brightness(factor(u[:, 0], self.amount))


@OPS.register("exposure")
@dataclass(frozen=True)
class Exposure(Colour):
    """Multiply by 2 to the power of up to `amount` either way, as a street in the dark or against the sun."""

    draws = 1
    range_text = "up to {:.3g} stops either way"

    def matrix(self, u: Tensor, mean_grey: Tensor) -> Tensor:
        """One factor per picture."""
        return ops.brightness(torch.exp2(signed(u[:, 0], self.amount)))


@OPS.register("saturation")
@dataclass(frozen=True)
class Saturation(Colour):
    """Make colours stronger or paler by a factor of 1 ± `amount`."""

    draws = 1
    range_text = "factor 1 ± {:.3g}"

    def matrix(self, u: Tensor, mean_grey: Tensor) -> Tensor:
        """One factor per picture."""
        return ops.saturation(factor(u[:, 0], self.amount))


@OPS.register("hue")
@dataclass(frozen=True)
class Hue(Colour):
    """Turn hues by up to `amount` degrees either way; keep it small, a sign's colour has a meaning."""

    draws = 1
    range_text = "±{:.3g}°"

    def matrix(self, u: Tensor, mean_grey: Tensor) -> Tensor:
        """One angle per picture."""
        return ops.hue(signed(u[:, 0], self.amount))


@OPS.register("white-balance")
@dataclass(frozen=True)
class WhiteBalance(Colour):
    """Multiply each channel by its own 1 ± `amount`, as the colour of light does."""

    draws = 3
    range_text = "gains 1 ± {:.3g} per channel"

    def matrix(self, u: Tensor, mean_grey: Tensor) -> Tensor:
        """Three gains per picture."""
        return ops.white_balance(factor(u, self.amount))


# Filters ------------------------------------------------------------------------------------------------


@OPS.register("blur")
@dataclass(frozen=True)
class Blur(Filter):
    """Out of focus: Gaussian blur with a sigma of up to `amount` of the side."""

    draws = 1
    range_text = "sigma up to {:.3g} of the side"

    def apply(self, images: Tensor, u: Tensor, generator: torch.Generator) -> Tensor:
        """One sigma per picture."""
        return ops.gaussian_blur(images, u[:, 0] * (self.amount * images.shape[-2]))


@OPS.register("motion-blur")
@dataclass(frozen=True)
class MotionBlur(Filter):
    """Smear along a line of any direction, up to `amount` of the side long."""

    draws = 2
    range_text = "up to {:.3g} of the side long, any direction"

    def apply(self, images: Tensor, u: Tensor, generator: torch.Generator) -> Tensor:
        """One length and one direction per picture."""
        return ops.motion_blur(images, u[:, 0] * (self.amount * images.shape[-2]), 180 * u[:, 1])


@OPS.register("low-resolution")
@dataclass(frozen=True)
class LowResolution(Filter):
    """Far away: shrink by a factor of up to 1 + `amount`, and enlarge again."""

    draws = 1
    range_text = "shrunk by up to 1 + {:.3g}"

    def apply(self, images: Tensor, u: Tensor, generator: torch.Generator) -> Tensor:
        """One factor per picture."""
        return ops.lower_resolution(images, 1 + u[:, 0] * self.amount)


@OPS.register("sharpen")
@dataclass(frozen=True)
class Sharpen(Filter):
    """Over-sharpen as cheap cameras do: unsharp mask with a weight of up to `amount`."""

    draws = 1
    range_text = "unsharp mask, weight up to {:.3g}"

    def apply(self, images: Tensor, u: Tensor, generator: torch.Generator) -> Tensor:
        """One weight per picture."""
        return ops.sharpen(images, u[:, 0] * self.amount)


@OPS.register("noise")
@dataclass(frozen=True)
class Noise(Filter):
    """Sensor noise: normal, with a deviation of up to `amount` of the full range."""

    draws = 1
    range_text = "sigma up to {:.3g}"

    def apply(self, images: Tensor, u: Tensor, generator: torch.Generator) -> Tensor:
        """One sigma per picture."""
        return ops.gaussian_noise(images, u[:, 0] * self.amount, generator)


@OPS.register("occlusion")
@dataclass(frozen=True)
class Occlusion(Filter):
    """Something in front: a rectangle of any colour with sides of up to `amount` of the picture's."""

    draws = 7
    range_text = "a rectangle with sides up to {:.3g} of the picture's"

    def apply(self, images: Tensor, u: Tensor, generator: torch.Generator) -> Tensor:
        """One place, size and colour per picture."""
        centre, half = u[:, 0:2], u[:, 2:4] * (self.amount / 2)
        return ops.occlude(images, torch.cat([centre - half, centre + half], dim=1), u[:, 4:7])


@OPS.register("shifted-crop")
@dataclass(frozen=True)
class ShiftedCrop(Filter):
    """Pad by up to `amount` of the side and crop anywhere: a move by whole pixels, all as likely.

    What comes in at the edges is the picture's mean grey, which is 0 once the picture is normalised.
    """

    draws = 2
    range_text = "by whole pixels, ±{:.3g} of the side"

    def apply(self, images: Tensor, u: Tensor, generator: torch.Generator) -> Tensor:
        """Two shifts per picture."""
        most = round(self.amount * images.shape[-2])
        shifts = ((2 * most + 1) * u).floor().clamp_max(2 * most) - most
        right, down = (shifts / images.shape[-2]).unbind(1)
        return ops.warp(images, ops.translation(right, down), fill=ops.mean_level(images))


@OPS.register("cutout")
@dataclass(frozen=True)
class Cutout(Filter):
    """Take a square with a side of `amount` of the picture's out, its middle at any pixel.

    Left is the picture's mean grey, which is 0 once the picture is normalised; edges cut the square off.
    Source: DeVries and Taylor 2017.
    """

    draws = 2
    range_text = "a square of {:.3g} of the side"

    def apply(self, images: Tensor, u: Tensor, generator: torch.Generator) -> Tensor:
        """One place per picture."""
        height, width = images.shape[-2:]
        side, size = round(self.amount * height), u.new_tensor([width, height])
        corner = (u * size).floor() - side // 2
        boxes = torch.cat([corner / size, (corner + side) / size], dim=1)
        return ops.occlude(images, boxes, ops.mean_level(images))


@OPS.register("auto-augment")
@dataclass(frozen=True)
class AutoAugment(Filter):
    """One of AutoAugment's 25 pairs of operations for CIFAR-10, each acting `amount` times as often as there.

    Source: Cubuk et al. 2019; the pairs stand in augment/autoaugment.py.
    """

    amount: float = 1.0
    draws = autoaugment.DRAWS
    range_text = "one of 25 pairs of operations, {:.3g} times as often as found"

    def apply(self, images: Tensor, u: Tensor, generator: torch.Generator) -> Tensor:
        """One pair per picture."""
        return autoaugment.apply(images, u, self.amount)


@OPS.register("jpeg")
@dataclass(frozen=True)
class Jpeg(Filter):
    """JPEG artefacts of a quality between 100 - `amount` and 100."""

    draws = 1
    range_text = "quality down to 100 - {:.3g}"

    def apply(self, images: Tensor, u: Tensor, generator: torch.Generator) -> Tensor:
        """One quality per picture."""
        return ops.jpeg(images, 100 - u[:, 0] * self.amount)
