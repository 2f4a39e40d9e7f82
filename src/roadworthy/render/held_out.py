"""Effects that only the two fixed test distributions use, `other-val` and `other-test`.

They stand for the photographs that nobody has yet: other grounds, noises, blurs, weather, tone and framing
than anything trained on.  Results over the years compare only if they stay as they are: add, do not change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from roadworthy.imaging import ops
from roadworthy.render.effects import (
    EFFECTS,
    Colour,
    Framing,
    Layer,
    Random,
    Scene,
    any_slope,
    axes,
    batch,
    boxes,
    cover,
    lay,
    per_picture,
    pixel,
    planes,
    scene_colours,
)

# other-val ----------------------------------------------------------------------------------------------


@EFFECTS.register("val-framing")
@dataclass(frozen=True)
class ValFraming(Framing):
    """A detector's boxes: room is log-normal, median `amount` of the sign, and the sign near the middle."""

    def move(self, frame: Tensor, random: Random) -> Tensor:
        """One looseness per picture, at most 2.5."""
        room = self.amount * (0.6 * random.normal(batch(frame))).exp()
        half = frame[:, :2] / (1 + room.clamp(max=1.5))[:, None]
        middle = random.normal(batch(frame), 2).clamp_(-2, 2) * 0.15 * (1 - half)
        return torch.cat([half, middle], dim=1)


@EFFECTS.register("val-facets")
@dataclass(frozen=True)
class ValFacets(Layer):
    """A ground of flat facets (Voronoi cells) with shaded edges, `amount` opaque."""

    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Twelve cells per picture."""
        count, cells = batch(pictures), 12
        x, y = axes(pictures)
        seeds = random.uniform(count, cells, 2, low=-1.2, high=1.2)[..., None, None]
        square = (x - seeds[:, :, 0]) ** 2 + (y - seeds[:, :, 1]) ** 2
        nearest, which = square.min(dim=1)
        colours = scene_colours(random, count, cells, saturation=0.6)
        ground = colours.gather(1, which.flatten(1)[..., None].expand(-1, -1, 3)).mT.view(pictures.shape)
        shaded = ground * (1 - 0.5 * nearest.sqrt()[:, None]).clamp_min(0.3)
        return torch.lerp(pictures, shaded, self.amount)


@EFFECTS.register("val-fog")
@dataclass(frozen=True)
class ValFog(Layer):
    """Fog that thickens upwards or to one side: up to `amount` of the light comes from the air."""

    stage = "light"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """A parabola across the picture, one direction and density each."""
        count = batch(pictures)
        along = any_slope(pictures, random) * 0.35 + 0.5
        dense = (along.square() * per_picture(random.uniform(count)) * self.amount).clamp_(0.0, 1.0)
        air = per_picture(random.uniform(count, low=0.6, high=0.9))
        return cover(pictures, dense, air.expand(-1, 3, 1, 1))


@EFFECTS.register("val-spotlight")
@dataclass(frozen=True)
class ValSpotlight(Layer):
    """Light that falls off from a point to 1 - `amount` at the far corners: headlamps and vignetting."""

    stage = "light"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One point per picture."""
        x, y = axes(pictures)
        place = random.uniform(2, batch(pictures), low=-0.7, high=0.7)
        square = (x - per_picture(place[0])) ** 2 + (y - per_picture(place[1])) ** 2
        return pictures * (1 - self.amount * (square / 3).clamp_(max=1.0))


@EFFECTS.register("val-gamma")
@dataclass(frozen=True)
class ValGamma(Layer):
    """Another tone curve: a power from 1 / (1 + `amount`) to 1 + `amount`."""

    stage = "light"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One power per picture, even in its logarithm."""
        power = (random.uniform(batch(pictures), low=-1) * math.log1p(self.amount)).exp()
        return pictures.clamp_min(1e-4) ** per_picture(power)


@EFFECTS.register("val-drops")
@dataclass(frozen=True)
class ValDrops(Layer):
    """Drops on the windscreen: four lenses that show the scene upside down, to `amount` of the side."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Inside a drop the picture turned by half; a dark rim below."""
        count, drops = batch(pictures), 4
        shape = random.uniform(count, drops, 5, low=-1)
        shape[..., 2:4] = 0.06 + self.amount * shape[..., 2:3].abs()
        x, y = axes(pictures)
        masks = boxes(x, y, shape, pixel(pictures) * 2, round_=True)
        turned = pictures.flip(2, 3) * 0.9 + 0.05
        return cover(pictures, masks.amax(1, keepdim=True) * 0.85, turned)


@EFFECTS.register("val-defocus")
@dataclass(frozen=True)
class ValDefocus(Layer):
    """Out of focus as a lens is: a disc of up to `amount` of the side in radius, not a Gaussian."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One radius per picture."""
        radius = random.uniform(batch(pictures), low=0.5) * self.amount * pictures.shape[-1]
        reach = max(1, math.ceil(float(self.amount * pictures.shape[-1])))
        place = torch.arange(-reach, reach + 1, device=pictures.device)
        distance = torch.hypot(place[:, None].float(), place.float())
        kernels = (radius[:, None, None] + 0.5 - distance).clamp_(0.0, 1.0)
        return _convolve(pictures, kernels / kernels.sum(dim=(1, 2), keepdim=True))


@EFFECTS.register("val-impulses")
@dataclass(frozen=True)
class ValImpulses(Layer):
    """Hot and dead pixels: up to `amount` of them white or black in one channel."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Half of them white, half black."""
        share = per_picture(random.uniform(batch(pictures)) * self.amount)
        u = random.uniform(batch(pictures), *pictures.shape[1:])
        black = torch.where(u < share / 2, 0.0, pictures)
        return torch.where(u > 1 - share / 2, 1.0, black)


# other-test ---------------------------------------------------------------------------------------------


@EFFECTS.register("test-framing")
@dataclass(frozen=True)
class TestFraming(Framing):
    """Two annotators: one leaves a twentieth of the sign around it, the other `amount`, the sign low."""

    __test__ = False  # no test case for pytest, whatever its name

    def move(self, frame: Tensor, random: Random) -> Tensor:
        """A coin says who drew the box."""
        u = random.uniform(3, batch(frame))
        loose = u[0] < 0.5
        room = torch.where(loose, self.amount * (0.8 + 0.4 * u[1]), 0.05)
        half = frame[:, :2] / (1 + room)[:, None]
        middle = torch.stack([(u[2] - 0.5) * 0.5, torch.where(loose, 0.35, 0.0)], dim=1) * (1 - half)
        return torch.cat([half, middle], dim=1)


@EFFECTS.register("test-waves")
@dataclass(frozen=True)
class TestWaves(Layer):
    """A ground of five plane waves in colour: fences, blinds, cladding, water, `amount` opaque."""

    __test__ = False
    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Directions and wavelengths from the whole picture down to four pixels."""
        count, waves = batch(pictures), 5
        x, y = axes(pictures)
        angle, phase = random.uniform(2, count, waves, 1, 1, high=2 * math.pi)
        turns = math.pi * (12 ** random.uniform(count, waves, 1, 1))
        wave = ((x * angle.cos() + y * angle.sin()) * turns + phase).sin()
        tints = random.uniform(count, waves, 3, low=-0.16, high=0.16) + random.uniform(
            count, waves, 1, low=-0.16, high=0.16
        )
        base = planes(scene_colours(random, count, saturation=0.25))
        ground = base + torch.bmm(tints.mT, wave.flatten(2)).view(pictures.shape)
        return torch.lerp(pictures, ground.clamp_(0.0, 1.0), self.amount)


@EFFECTS.register("test-fence")
@dataclass(frozen=True)
class TestFence(Layer):
    """Wires or bars in front of the sign, up to `amount` of the half side thick."""

    __test__ = False
    stage = "surface"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Parallel, one direction, distance and grey per picture."""
        u = [per_picture(column) for column in random.uniform(5, batch(pictures))]
        x, y = axes(pictures)
        along = x * (math.pi * u[0]).cos() + y * (math.pi * u[0]).sin() + 4 + u[1]
        apart = 0.35 + 0.5 * u[2]
        away = ((along / apart).frac() - 0.5).abs() * apart
        wires = ((self.amount * (0.3 + 0.7 * u[3]) - away) / pixel(pictures) + 0.5).clamp_(0.0, 1.0)
        return cover(pictures, wires, u[4].expand(-1, 3, 1, 1))


@EFFECTS.register("test-split-light")
@dataclass(frozen=True)
class TestSplitLight(Layer):
    """Coloured light from one side and its complement from the other, gains of 1 ± `amount`."""

    __test__ = False
    stage = "light"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Street lamps, shop windows, sunsets."""
        count = batch(pictures)
        slope = any_slope(pictures, random) * 0.7
        tint = planes(random.uniform(count, 3, low=-self.amount, high=self.amount))
        return (pictures * (1 + slope * tint)).clamp_(0.0, 1.0)


@EFFECTS.register("test-cast")
@dataclass(frozen=True)
class TestCast(Colour):
    """Films and screens: channels mixed with each other by up to `amount`."""

    __test__ = False

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """A random matrix near the identity whose rows sum to 1: greys stay grey."""
        mix = random.uniform(batch(mean_grey), 3, 3, low=-1) * (self.amount / 2)
        mix = mix - mix.mean(dim=2, keepdim=True) + torch.eye(3, device=mean_grey.device)
        return F.pad(mix, (0, 1))


@EFFECTS.register("test-tone")
@dataclass(frozen=True)
class TestTone(Layer):
    """An S-shaped tone curve, as films and phones have it: `amount` of the way to a smooth step."""

    __test__ = False
    stage = "light"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """From as it is to the whole amount."""
        curve = pictures * pictures * (3 - 2 * pictures)
        return torch.lerp(pictures, curve, per_picture(random.uniform(batch(pictures)) * self.amount))


@EFFECTS.register("test-snow")
@dataclass(frozen=True)
class TestSnow(Layer):
    """Falling snow: twenty white flakes, to `amount` of the side in radius."""

    __test__ = False
    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Out of focus, so soft."""
        count, flakes = batch(pictures), 20
        shape = random.uniform(count, flakes, 5, low=-1)
        shape[..., 2:4] = 0.01 + self.amount * shape[..., 2:3].abs().square()
        x, y = axes(pictures)
        masks = boxes(x, y, shape, edge=pixel(pictures) * 1.5, round_=True) * 0.8
        return lay(pictures, masks, pictures.new_full((count, flakes, 3), 0.95))


@EFFECTS.register("test-box-blur")
@dataclass(frozen=True)
class TestBoxBlur(Layer):
    """A box of up to `amount` of the side: binned pixels, cheap smoothing."""

    __test__ = False
    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Width and height of their own per picture."""
        most = self.amount * pictures.shape[-1]
        reach = max(1, math.ceil(most / 2))
        place = torch.arange(-reach, reach + 1, device=pictures.device).abs()
        half = random.uniform(2, batch(pictures), 1, high=most) / 2
        across, down = (half + 0.5 - place).clamp_(0.0, 1.0)
        kernels = down[:, :, None] * across[:, None]
        return _convolve(pictures, kernels / kernels.sum(dim=(1, 2), keepdim=True))


@EFFECTS.register("test-ghost")
@dataclass(frozen=True)
class TestGhost(Layer):
    """Two exposures in one, shifted by up to `amount` of the side: shake, double glazing."""

    __test__ = False
    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """The second weighs 0.2 to 0.5."""
        count = batch(pictures)
        across, down = random.uniform(2, count, low=-self.amount, high=self.amount)
        second = ops.warp(pictures, ops.translation(across, down))
        return torch.lerp(pictures, second, per_picture(random.uniform(count, low=0.2, high=0.5)))


@EFFECTS.register("test-speckle")
@dataclass(frozen=True)
class TestSpeckle(Layer):
    """Multiplied noise of the same grain in all channels, and banding of rows, up to `amount` each."""

    __test__ = False
    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One level per picture."""
        count, size = batch(pictures), pictures.shape[-1]
        level = per_picture(self.amount * random.uniform(count))
        grain = random.uniform(count, 1, size, size, low=-1.7, high=1.7)
        rows = random.uniform(count, 1, size, 1, low=-1) / 2
        return (pictures * (1 + level * grain) + level / 2 * rows).clamp_(0.0, 1.0)


@EFFECTS.register("test-levels")
@dataclass(frozen=True)
class TestLevels(Layer):
    """Few levels per channel and hard square pixels, as in old video and thumbnails: `amount` of the way."""

    __test__ = False
    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Eight to thirty-two levels; every second pixel repeated."""
        levels = per_picture(random.uniform(batch(pictures), low=8, high=32).round())
        few = F.avg_pool2d(pictures, 2, ceil_mode=True)
        square = few.repeat_interleave(2, 2).repeat_interleave(2, 3)[
            ..., : pictures.shape[-2], : pictures.shape[-1]
        ]
        return torch.lerp(pictures, (square * levels).round() / levels, min(1.0, self.amount))


def _convolve(pictures: Tensor, kernels_BKK: Tensor) -> Tensor:
    """Each picture under its own kernel, of odd side and sum 1; edges repeated."""
    count, channels, height, width = pictures.shape
    reach = kernels_BKK.shape[-1] // 2
    padded = F.pad(pictures, (reach,) * 4, mode="replicate")
    result = F.conv2d(
        padded.reshape(1, count * channels, height + 2 * reach, width + 2 * reach),
        kernels_BKK.repeat_interleave(channels, dim=0)[:, None],
        groups=count * channels,
    )
    return result.view(pictures.shape)
