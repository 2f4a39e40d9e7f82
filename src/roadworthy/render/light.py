"""Light on the scene and the colours of exposure."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from roadworthy.imaging import ops
from roadworthy.render.effects import (
    EFFECTS,
    Colour,
    Layer,
    Random,
    Scene,
    any_slope,
    axes,
    batch,
    per_picture,
    step,
    value_noise,
)

# Colour -------------------------------------------------------------------------------------------------


@EFFECTS.register("exposure")
@dataclass(frozen=True)
class Exposure(Colour):
    """From night to blown out: the picture's mean grey becomes 20 + 180 u^2 of 255, u even in [0, 1].

    `amount` is the power that the gain for this is raised to; 1 goes all the way.
    The form is that of Lopes da Silva and Fernandes 2022 (10 + 240 u^2), the numbers are nearer to the tenths
    of GTSRB's training pictures: theirs makes a quarter of all pictures darker than GTSRB's darkest tenth.
    """

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """One gain per picture."""
        wanted = (20 + 180 * random.uniform(batch(mean_grey)).square()) / 255
        gain = (wanted / mean_grey.clamp_min(0.02)).clamp_(0.03, 3.0)
        return ops.brightness(gain**self.amount)


@EFFECTS.register("contrast")
@dataclass(frozen=True)
class Contrast(Colour):
    """Cameras differ in contrast: spread about the picture's mean by a factor of 1 ± `amount`."""

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """One factor per picture."""
        return ops.contrast(1 + random.uniform(batch(mean_grey), low=-1) * self.amount, mean_grey)


@EFFECTS.register("white-balance")
@dataclass(frozen=True)
class WhiteBalance(Colour):
    """Colour of the light, warm to cold: gains of 1 ± `amount` for red, the reverse for blue; less green."""

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """Two numbers per picture, along and across the line of daylight's colours."""
        warm, green = random.uniform(2, batch(mean_grey), low=-self.amount, high=self.amount)
        return ops.white_balance(torch.stack([1 + warm, 1 + green / 3, 1 - warm], dim=1))


@EFFECTS.register("saturation")
@dataclass(frozen=True)
class Saturation(Colour):
    """Dull days and vivid cameras: colours stronger or paler by a factor of 1 ± `amount`."""

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """One factor per picture."""
        return ops.saturation((1 + random.uniform(batch(mean_grey), low=-1) * self.amount).clamp_min(0.05))


@EFFECTS.register("dullness")
@dataclass(frozen=True)
class Dullness(Colour):
    """Photographs show less colour than paint has: all colours up to `amount` of the way to grey."""

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """One factor per picture."""
        return ops.saturation(1 - random.uniform(batch(mean_grey)) * min(self.amount, 1.0))


@EFFECTS.register("hue")
@dataclass(frozen=True)
class Hue(Colour):
    """Hues turned by up to ±`amount` degrees; keep it small, a sign's colour has a meaning."""

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """One angle per picture."""
        return ops.hue(random.uniform(batch(mean_grey), low=-self.amount, high=self.amount))


@EFFECTS.register("haze")
@dataclass(frozen=True)
class Haze(Colour):
    """Haze, mist or a dirty windscreen: up to `amount` of the light comes from the air instead.

    Koschmieder's law at one distance: picture (1 - h) + h times the air's light grey.
    """

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """One density and one greyness of the air per picture."""
        u = random.uniform(2, batch(mean_grey))
        return ops.contrast(1 - self.amount * u[0], 0.5 + 0.5 * u[1])


# Light on the scene -------------------------------------------------------------------------------------


@EFFECTS.register("shadow")
@dataclass(frozen=True)
class Shadow(Layer):
    """Shadows of trees (thresholded noise) and buildings (half planes), up to `amount` deep, a little blue.

    Thresholded noise as shadows: Lopes da Silva and Fernandes 2022.
    """

    stage = "light"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Multiplies; half of the shadows are of either kind."""
        mask = _patches(pictures, random)
        depth = per_picture(self.amount * random.uniform(batch(pictures)).sqrt())
        light = 1 - mask * depth * pictures.new_tensor([1.0, 0.97, 0.9])[:, None, None]
        return pictures * light


@EFFECTS.register("sun-patches")
@dataclass(frozen=True)
class SunPatches(Layer):
    """Sun through leaves or between houses: patches up to 1 + `amount` times as bright, a little yellow."""

    stage = "light"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Multiplies and cuts off at white."""
        mask = _patches(pictures, random)
        gain = per_picture(self.amount * random.uniform(batch(pictures)))
        light = 1 + mask * gain * pictures.new_tensor([1.0, 0.97, 0.85])[:, None, None]
        return (pictures * light).clamp_(max=1.0)


def _patches(pictures: Tensor, random: Random) -> Tensor:
    """(B, 1, H, W) masks: thresholded noise or half planes, edges from sharp to soft."""
    count = batch(pictures)
    noise = value_noise(random, count, pictures.shape[-1], (2, 5, 11)) + per_picture(
        random.uniform(count, low=-0.4, high=0.4)
    )
    plane = any_slope(pictures, random) + per_picture(random.uniform(count, low=-0.7, high=0.7))
    field = torch.where(per_picture(random.uniform(count)) < 0.5, noise, plane)
    return step(field, per_picture(random.uniform(count, low=0.05, high=0.4)))


@EFFECTS.register("retroreflection")
@dataclass(frozen=True)
class Retroreflection(Layer):
    """At night, in one's own headlights: all around falls to 1 - `amount`, while the sign shines back.

    Retroreflective sheeting returns some hundred times what a painted wall does (EN 12899-1, class RA2).
    """

    stage = "light"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Darkens the surroundings; the sign keeps its light or gains up to a half, and glows a little."""
        count = batch(pictures)
        dark = per_picture(1 - self.amount * random.uniform(count, low=0.6, high=1.0))
        shine = per_picture(1 + 0.5 * self.amount * random.uniform(count))
        return (pictures * torch.lerp(dark, shine, scene.sign)).clamp_(max=1.0)


@EFFECTS.register("backlight")
@dataclass(frozen=True)
class Backlight(Layer):
    """The sign's light is not its surroundings': either is darker than the other, by up to `amount`.

    Against the sky a white sign is grey and a red one nearly black; before a shaded hedge it shines.
    """

    stage = "light"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """A coin says which of the two; one depth per picture."""
        u = random.uniform(2, batch(pictures))
        sign = scene.sign
        darker = torch.where(per_picture(u[0]) < 0.6, sign, 1 - sign)
        return pictures * (1 - darker * per_picture(self.amount * u[1]))


@EFFECTS.register("glare")
@dataclass(frozen=True)
class Glare(Layer):
    """The sun or its reflection: a bright spot of up to `amount`, fading over the picture, added."""

    stage = "light"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One place, width and brightness per picture."""
        u = random.uniform(4, batch(pictures))
        x, y = axes(pictures)
        place = u[:2] * 2.6 - 1.3
        square = (x - per_picture(place[0])) ** 2 + (y - per_picture(place[1])) ** 2
        width = per_picture(0.2 + 0.6 * u[2])
        spot = per_picture(self.amount * u[3]) / (1 + square / width**2) ** 1.5
        return (pictures + spot * pictures.new_tensor([1.0, 0.97, 0.9])[:, None, None]).clamp_(max=1.0)
