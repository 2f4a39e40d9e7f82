"""Weather before the lens, optics, sensor and what cameras do to its pictures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from roadworthy.imaging import ops
from roadworthy.render.effects import (
    EFFECTS,
    Layer,
    Random,
    Scene,
    axes,
    batch,
    boxes,
    cover,
    halve,
    lay,
    per_picture,
    pixel,
    strokes,
)


@EFFECTS.register("rain")
@dataclass(frozen=True)
class Rain(Layer):
    """Rain: parallel bright streaks, up to `amount` opaque."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Fourteen streaks of one slant per picture."""
        count, drops = batch(pictures), 14
        start = random.uniform(count, drops, 2, low=-1.2, high=1.2)
        lean = random.uniform(count, 1, low=-0.5, high=0.5)
        length = random.uniform(count, drops, low=0.15, high=0.6)
        end = start + torch.stack([lean * length, length], dim=2)
        x, y = axes(pictures)
        width = random.uniform(count, 1, low=0.2, high=0.6) * pixel(pictures)
        streaks = strokes(x, y, torch.cat([start, end], dim=2), width, pixel(pictures)).amax(1, keepdim=True)
        opaque = per_picture(self.amount * random.uniform(count, low=0.4))
        return cover(pictures, streaks * opaque, pictures.new_full((1, 3, 1, 1), 0.85))


@EFFECTS.register("lens-dirt")
@dataclass(frozen=True)
class LensDirt(Layer):
    """Drops, snow and dirt on the lens or windscreen: soft blots, light or dark, up to `amount` opaque."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Three blots per picture."""
        count, blots = batch(pictures), 3
        shape = random.uniform(count, blots, 5, low=-1)
        shape[..., 2:4] = shape[..., 2:4].abs() * 0.3 + 0.08
        x, y = axes(pictures)
        opaque = self.amount * random.uniform(count, blots, 1, 1)
        masks = boxes(x, y, shape, edge=0.25, round_=True) * opaque
        return lay(pictures, masks, random.uniform(count, blots, 1).expand(-1, -1, 3))


@EFFECTS.register("focus-blur")
@dataclass(frozen=True)
class FocusBlur(Layer):
    """Out of focus: Gaussian blur with a sigma of up to `amount` of the sign, less more often."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One sigma per picture."""
        sigma = random.uniform(batch(pictures)).square() * scene.scale * (self.amount * pictures.shape[-1])
        return ops.gaussian_blur(pictures, sigma)


@EFFECTS.register("motion-blur")
@dataclass(frozen=True)
class MotionBlur(Layer):
    """The car moves and shakes: smeared along a line, up to `amount` of the sign long, mostly across."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One length and one direction per picture."""
        count = batch(pictures)
        length = random.uniform(count) * scene.scale * (self.amount * pictures.shape[-1])
        degrees = torch.where(random.uniform(count) < 0.5, 15.0, 90.0) * random.uniform(count, low=-1)
        return ops.motion_blur(pictures, length, degrees)


@EFFECTS.register("resolution")
@dataclass(frozen=True)
class Resolution(Layer):
    """Far away: shrunk until the sign has as few as size / (1 + `amount`) pixels, and enlarged again.

    GTSRB's signs start at 15 px; at 48 px an amount of 3 goes down to 12 px.
    """

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One factor per picture, even in its logarithm."""
        most = ((1 + self.amount) * scene.scale).clamp_min(1.0)
        return ops.lower_resolution(pictures, most ** random.uniform(batch(pictures)))


@EFFECTS.register("bloom")
@dataclass(frozen=True)
class Bloom(Layer):
    """Overexposed: light spreads a little, then up to 1 + `amount` times too much of it is cut off at white.

    Bright ground eats into dark strokes: digits become thin and rings pale.
    """

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One spread, up to a fortieth of the sign's width, and one gain per picture."""
        u = random.uniform(2, batch(pictures))
        spread = ops.gaussian_blur(pictures, u[0] * scene.scale * (pictures.shape[-1] / 40))
        white = spread.flatten(2).amax(dim=2).mean(dim=1).clamp_min(0.05)
        return (spread * per_picture((1 + self.amount * u[1]) / white)).clamp_(max=1.0)


@EFFECTS.register("demosaic")
@dataclass(frozen=True)
class Demosaic(Layer):
    """Coloured zips along edges, where a sensor measures one colour at each pixel; `amount` of the way.

    GTSRB's small signs show it strongly: its camera measured some 15 to 50 px across a sign.
    """

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """At the picture's pixels or, for half of the signs of 24 px and more, at pixels twice as large."""
        count, size = batch(pictures), pictures.shape[-1]
        phase = (random.uniform(count) * 4).long().clamp_max(3)
        fine = ops.demosaic(pictures, phase)
        if size % 2 == 0:
            coarse = ops.demosaic(halve(pictures), phase)
            coarse = F.interpolate(coarse, size=size, mode="bilinear")
            coarsely = (random.uniform(count) < 0.5) & (scene.scale * size >= 24)
            fine = torch.where(per_picture(coarsely), coarse, fine)
        return torch.lerp(pictures, fine, self.amount)


@EFFECTS.register("chroma-blur")
@dataclass(frozen=True)
class ChromaBlur(Layer):
    """Demosaicing and chroma compression: colour is blurred by a sigma of up to `amount` px, grey is not."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One sigma per picture."""
        grey = torch.einsum("c,bchw->bhw", pictures.new_tensor(ops.LUMA), pictures)[:, None]
        blurred = ops.gaussian_blur(pictures - grey, random.uniform(batch(pictures)) * self.amount)
        return blurred.add_(grey).clamp_(0.0, 1.0)


@EFFECTS.register("colour-fringes")
@dataclass(frozen=True)
class ColourFringes(Layer):
    """Lateral chromatic aberration and cheap demosaicing: red and blue shifted apart by up to `amount` px."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One direction per picture; red goes there, blue the other way."""
        count, size = batch(pictures), pictures.shape[-1]
        across, down = random.uniform(2, count, low=-1) * (self.amount / size)
        both = torch.cat([pictures[:, :1], pictures[:, 2:]])
        moved = ops.warp(both, ops.translation(torch.cat([across, -across]), torch.cat([down, -down])))
        return torch.cat([moved[:count], pictures[:, 1:2], moved[count:]], dim=1)


@EFFECTS.register("sensor-noise")
@dataclass(frozen=True)
class SensorNoise(Layer):
    """Photon and read-out noise: a deviation of up to `amount` for white, more in dark pictures.

    Variance grows with light (photons) above a floor (read-out); cameras amplify what is dark, noise too.
    """

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One level per picture."""
        gain = (0.35 / (ops.mean_grey(pictures) + 0.1)).clamp_(0.5, 1.3)
        level = per_picture(self.amount * random.uniform(batch(pictures)).square() * gain)
        deviation = (pictures * 0.92 + 0.08).sqrt_() * level
        return torch.addcmul(pictures, deviation, random.normal(batch(pictures), *pictures.shape[1:])).clamp_(
            0.0, 1.0
        )


@EFFECTS.register("sharpening")
@dataclass(frozen=True)
class Sharpening(Layer):
    """Halos of cheap cameras: unsharp mask with a weight of up to `amount`."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One weight per picture."""
        return ops.sharpen(pictures, random.uniform(batch(pictures)) * self.amount)


@EFFECTS.register("jpeg")
@dataclass(frozen=True)
class Jpeg(Layer):
    """JPEG artefacts of a quality between 100 - `amount` and 100."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One quality per picture."""
        return ops.jpeg(pictures, 100 - random.uniform(batch(pictures)) * self.amount)
