"""What an effect of the drawn camera is, and what all of them are made with: random numbers, fields, shapes.

A photograph is made in the order in which light would make it: what lies behind the sign, the sign, what is
on its surface, the light on all of it, the colours of exposure, and then the lens and the sensor.  An effect
says where in that order it belongs by its kind (`Pose`, `Framing`, `Layer`, `Colour`) and, for layers, by its
stage.  Points are (x, y), x to the right, y down; in pictures and in the tiles that faces are drawn on, both
run from -1 to 1.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from roadworthy import pixels
from roadworthy.registry import Registry

Stage = Literal["behind", "surface", "light", "lens"]


@dataclass(frozen=True)
class Effect:
    """What all effects share.

    amount: how strong; each effect says what it measures.  0 changes nothing.
    probability: share of the pictures that it meets.
    """

    amount: float = 1.0
    probability: float = 1.0

    def describe(self) -> str:
        """Name, amount and how often, for reports."""
        often = "every picture" if self.probability >= 1 else f"{self.probability:.0%} of pictures"
        return f"{effect_name(self)}: {self.amount:g}, {often}"


EFFECTS: Registry[type[Effect]] = Registry("camera effect")


def effect_name(effect: Effect) -> str:
    """The name that an effect's kind is registered under."""
    return next(name for name in EFFECTS if EFFECTS.get(name) is type(effect))


class Random:
    """Random numbers for one effect, from a generator of its own, on the device of the pictures.

    The camera seeds one for each effect, so that leaving one out changes no number of any other.
    """

    def __init__(self, seed: int, generator_device: torch.device, device: torch.device) -> None:
        self._generator = torch.Generator(generator_device).manual_seed(seed)
        self._device = device

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Even between `low` and `high`."""
        drawn = torch.rand(shape, generator=self._generator, device=self._generator.device).to(self._device)
        return drawn if (low, high) == (0.0, 1.0) else drawn.mul_(high - low).add_(low)

    def normal(self, *shape: int) -> Tensor:
        """Normal, mean 0, deviation 1."""
        drawn = torch.randn(shape, generator=self._generator, device=self._generator.device)
        return drawn.to(self._device)


@dataclass(frozen=True)
class Scene:
    """What an effect may know besides the pictures.

    signs: (N, 1, H, W), how far each pixel is the sign's.
    matrices: (N, 3, 3) homographies from the face's tile to the picture.
    extents: (N, 2), half width and half height of the drawing in its tile.
    neighbours, photographs: as the camera was given them.
    rows: (B,), which of the batch's N pictures are meant; all that has B rows below is for those.
    """

    signs: Tensor
    matrices: Tensor
    extents: Tensor
    neighbours: Tensor | None
    photographs: Tensor | None
    rows: Tensor

    def at(self, chosen: Tensor) -> Scene:
        """The scene of some of the pictures."""
        return dataclasses.replace(self, rows=chosen)

    # Copied for the rows when asked for: most effects need one of them or none.

    @property
    def sign(self) -> Tensor:
        """(B, 1, H, W) how far each pixel is the sign's."""
        return self.signs[self.rows]

    @property
    def matrix(self) -> Tensor:
        """(B, 3, 3) from the face's tile to the picture."""
        return self.matrices[self.rows]

    @property
    def extent(self) -> Tensor:
        """(B, 2) half width and half height of the drawing in its tile."""
        return self.extents[self.rows]

    @property
    def scale(self) -> Tensor:
        """(B,) how large the face's tile is in the picture: 1 fills it."""
        return self.matrix[:, :2, :2].det().abs().sqrt().clamp(0.1, 1.5)

    def surface(self) -> tuple[Tensor, Tensor]:
        """x and y (B, 1, H, W) of each pixel on the face's tile: what is painted there moves with it."""
        inverse = torch.linalg.inv(self.matrix)[:, :, :, None, None]
        x, y = axes(self.signs)
        across, down, depth = (
            inverse[:, i, 0] * x + (inverse[:, i, 1] * y + inverse[:, i, 2]) for i in range(3)
        )
        # Beyond the horizon nothing is painted; the bound keeps its points far off instead of mirrored.
        depth = depth.clamp_min(1e-3)
        return (across / depth)[:, None], (down / depth)[:, None]


class Pose(Effect, ABC):
    """How the sign is turned towards the camera."""

    @abstractmethod
    def matrix(self, count: int, random: Random) -> Tensor:
        """(B, 3, 3) homographies."""


class Framing(Effect, ABC):
    """Where in the picture the sign is.

    A frame is (B, 4): half width, half height and middle (x, y) of the sign's box; the picture is -1 to 1.
    """

    @abstractmethod
    def move(self, frame: Tensor, random: Random) -> Tensor:
        """The changed frames."""


class Colour(Effect, ABC):
    """One matrix for all pixels of a picture: exposure, colour of the light, haze."""

    @abstractmethod
    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """(B, 3, 4) colour matrices, given each picture's mean grey (B,) after those before it."""


class Layer(Effect, ABC):
    """Anything that makes new pixels; computed only for the pictures that were drawn."""

    stage: ClassVar[Stage]

    @abstractmethod
    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """The changed pictures (B, 3, H, W) in [0, 1], new ones."""


# Fields and shapes --------------------------------------------------------------------------------------


def axes(like: Tensor) -> tuple[Tensor, Tensor]:
    """x (W) and y (H, 1) of the pixels' middles in [-1, 1]."""
    return _axes(like.shape[-2], like.shape[-1], like.device)


def any_slope(pictures: Tensor, random: Random) -> Tensor:
    """(B, 1, H, W) rising from -1 to 1 across the middle of each picture, in a direction of its own."""
    angle = per_picture(random.uniform(len(pictures), high=2 * math.pi))
    x, y = axes(pictures)
    return x * angle.cos() + y * angle.sin()


@cache
def _axes(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    x = (torch.arange(width, device=device) * 2 + 1) / width - 1
    y = (torch.arange(height, device=device) * 2 + 1) / height - 1
    return x, y[:, None]


def per_picture(values: Tensor) -> Tensor:
    """(B,) as (B, 1, 1, 1)."""
    return values[:, None, None, None]


def value_noise(
    random: Random, count: int, size: int, cells: Sequence[int], fall: float = 0.5, channels: int = 1
) -> Tensor:
    """(B, C, size, size) smooth random fields, about -1 to 1, mean 0 over many.

    cells: how many grid cells each octave has along a side; each octave weighs `fall` times the one before.
    """
    total: Tensor | float = 0.0
    power = 0.0
    for octave, side in enumerate(cells):
        spread = _spline(size, side, random._device)
        knots = random.uniform(count, channels, spread.shape[1], spread.shape[1], low=-1, high=1)
        weight = fall**octave
        total = total + F.linear(F.linear(knots, spread * weight).mT, spread)
        power += weight**2
    assert isinstance(total, Tensor)
    return total * (2.2 / math.sqrt(power))


@cache
def _spline(size: int, cells: int, device: torch.device) -> Tensor:
    """(size, cells + 3) cubic B-spline weights: smooth, and without the creases of linear interpolation."""
    place = (torch.arange(size, device=device) + 0.5) * (cells / size) + 1.0
    distance = (place[:, None] - torch.arange(cells + 3, device=device)).abs()
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = (2 - distance).clamp_min(0.0) ** 3 / 6
    return torch.where(distance < 1, near, far)


def step(values: Tensor, width: Tensor | float) -> Tensor:
    """0 below, 1 above nought, a ramp of `width` between."""
    return (values / width + 0.5).clamp_(0.0, 1.0)


def cover(pictures: Tensor, mask: Tensor, colours: Tensor) -> Tensor:
    """`colours` (B, 3, 1, 1) or whole pictures laid over where `mask` (B, 1, H, W) is 1."""
    return torch.lerp(pictures, colours.expand_as(pictures), mask.expand_as(pictures))


def lay(pictures: Tensor, masks_BKHW: Tensor, colours_BK3: Tensor) -> Tensor:
    """K shapes of one colour each laid over the pictures, the first of them in front."""
    clear = (1.0 - masks_BKHW).cumprod(dim=1)
    weights = masks_BKHW.clone()
    weights[:, 1:] *= clear[:, :-1]
    painted = torch.bmm(colours_BK3.mT, weights.flatten(2)).view(pictures.shape)
    return torch.addcmul(painted, pictures, clear[:, -1:])


def boxes(x: Tensor, y: Tensor, shape_BK5: Tensor, edge: float, round_: bool | Tensor = False) -> Tensor:
    """(B, K, H, W) masks of rectangles or ellipses.

    x, y: points, each (W), (H, 1) or (B, 1, H, W).  shape_BK5: middle x, y, half width, half height, angle in
    radians.  edge: width of the soft edge in the same unit.  round_: which (B, K, 1, 1) are ellipses.
    """
    cx, cy, half_x, half_y, angle = shape_BK5[..., None, None].unbind(2)
    cos, sin = angle.cos(), angle.sin()
    dx, dy = x - cx, y - cy
    across = (dx * cos + dy * sin).abs()
    down = (dy * cos - dx * sin).abs()
    if isinstance(round_, Tensor) or round_:
        small = torch.minimum(half_x, half_y)
        ellipse = small - small * ((across / half_x).square_() + (down / half_y).square_()).sqrt_()
        if isinstance(round_, bool):
            return step(ellipse, edge)
        return step(torch.where(round_, ellipse, torch.minimum(half_x - across, half_y - down)), edge)
    return step(torch.minimum(half_x - across, half_y - down), edge)


def upright_boxes(like: Tensor, shape_BK4: Tensor) -> Tensor:
    """(B, K, H, W) masks of rectangles along the picture's axes: middle x, y, half width, half height."""
    x, y = axes(like)
    cx, cy, half_x, half_y = shape_BK4[..., None, None].unbind(2)
    return step(half_x - (x - cx).abs(), pixel(like)) * step(half_y - (y - cy).abs(), pixel(like))


def strokes(x: Tensor, y: Tensor, ends_BK4: Tensor, half_width: Tensor, edge: float) -> Tensor:
    """(B, K, H, W) masks of straight strokes with round ends.

    ends_BK4: x, y of one end and x, y of the other.  half_width: (B, 1 or K), in the same unit.
    """
    x1, y1, x2, y2 = ends_BK4[..., None, None].unbind(2)
    along_x, along_y = x2 - x1, y2 - y1
    dx, dy = x - x1, y - y1
    share = ((dx * along_x + dy * along_y) / (along_x**2 + along_y**2 + 1e-6)).clamp_(0.0, 1.0)
    square = (dx - share * along_x).square_() + (dy - share * along_y).square_()
    return step(half_width[..., None, None] - square.sqrt_(), edge)


def pixel(pictures: Tensor) -> float:
    """Width of a pixel: what softens a drawn edge."""
    return 2.0 / pictures.shape[-1]


def scene_colours(random: Random, *shape: int, saturation: float = 0.25) -> Tensor:
    """(*shape, 3) colours as outdoor things have them: any grey, mostly little colour."""
    grey = random.uniform(*shape, 1, low=0.05, high=0.95)
    tint = random.uniform(*shape, 3, low=-1, high=1) * random.uniform(*shape, 1).square() * saturation * 2
    return (grey + tint * (0.25 + grey)).clamp_(0.0, 1.0)


def any_colours(random: Random, *shape: int) -> Tensor:
    """(*shape, 3) colours from the whole cube."""
    return random.uniform(*shape, 3)


def planes(colours_B3: Tensor) -> Tensor:
    """(B, 3) as (B, 3, 1, 1)."""
    return colours_B3[:, :, None, None]


def premultiplied(faces: Tensor) -> Tensor:
    """RGBA with colours times opacity: so interpolated, clear pixels around a drawing lend it no colour."""
    result = torch.empty_like(faces)
    torch.mul(faces[:, :3], faces[:, 3:], out=result[:, :3])
    result[:, 3] = faces[:, 3]
    return result


def halve(faces: Tensor) -> Tensor:
    """Each 2 x 2 pixels averaged; the side must be even."""
    # Sums of views are seven times faster than avg_pool2d is on a CPU.
    batch, channels, height, width = faces.shape
    rows = faces.view(batch, channels, height // 2, 2, width)
    rows = rows[:, :, :, 0] + rows[:, :, :, 1]
    return (rows[..., ::2] + rows[..., 1::2]).mul_(0.25)


# Pose and framing ---------------------------------------------------------------------------------------


@EFFECTS.register("rotation")
@dataclass(frozen=True)
class Rotation(Pose):
    """Bent poles and tilted cameras: mostly within ±`amount` degrees, one in ten up to three times that.

    Lopes da Silva and Fernandes 2022 turn by up to 10 degrees; photographs of street signs have longer tails.
    """

    def matrix(self, count: int, random: Random) -> Tensor:
        """One angle per picture."""
        angle = random.normal(count).clamp_(-2, 2) * (self.amount / 2)
        return pixels.rotation(torch.where(random.uniform(count) < 0.1, 3 * angle, angle))


@EFFECTS.register("shear")
@dataclass(frozen=True)
class Shear(Pose):
    """What a far oblique view leaves when perspective is taken away: up to ±`amount` degrees."""

    def matrix(self, count: int, random: Random) -> Tensor:
        """Two angles per picture."""
        x, y = random.uniform(2, count, low=-self.amount, high=self.amount)
        return pixels.shear(x, y / 2)


@EFFECTS.register("perspective")
@dataclass(frozen=True)
class Perspective(Pose):
    """Seen from the side or from below: depth changes by up to `amount` from the middle to an edge."""

    def matrix(self, count: int, random: Random) -> Tensor:
        """Two tilts per picture."""
        # Together below 1, where a corner of the tile would reach the horizon.
        bound = min(self.amount, 0.45)
        x, y = random.uniform(2, count, low=-bound, high=bound)
        return pixels.perspective(x, y)


@EFFECTS.register("turn")
@dataclass(frozen=True)
class Turn(Pose):
    """Seen from the side, the sign is narrower: across it shrinks by up to `amount`."""

    def matrix(self, count: int, random: Random) -> Tensor:
        """One factor per picture; most are near 1, as the cosine of the angle is."""
        factor = 1 - self.amount * random.uniform(count).square()
        return pixels.zoom(factor, torch.ones_like(factor))


@EFFECTS.register("crop")
@dataclass(frozen=True)
class Crop(Framing):
    """Room around the sign: the picture is 1 to 1 + `amount` times as wide as the sign, tight more often.

    Detectors and annotators leave margins: GTSRB a tenth, other sets up to the sign's own size and more.
    """

    def move(self, frame: Tensor, random: Random) -> Tensor:
        """One looseness per picture, and the sign anywhere in the inner part of the room."""
        u = random.uniform(3, len(frame))
        half = frame[:, :2] / (1 + self.amount * u[0].square())[:, None]
        place = (u[1:].mT * 2 - 1) * (frame[:, :2] - half) * 0.6
        return torch.cat([half, frame[:, 2:] + place], dim=1)


@EFFECTS.register("off-centre")
@dataclass(frozen=True)
class OffCentre(Framing):
    """Boxes are drawn by hand: the sign lies off by up to ±`amount` of its size."""

    def move(self, frame: Tensor, random: Random) -> Tensor:
        """Two shifts per picture."""
        shift = random.uniform(len(frame), 2, low=-2 * self.amount, high=2 * self.amount)
        return torch.cat([frame[:, :2], frame[:, 2:] + shift * frame[:, :2]], dim=1)


@EFFECTS.register("cut-off")
@dataclass(frozen=True)
class CutOff(Framing):
    """Half out of the picture: up to `amount` of the sign lies beyond one of the four borders."""

    def move(self, frame: Tensor, random: Random) -> Tensor:
        """One border and one share per picture."""
        half, middle = frame[:, :2], frame[:, 2:]
        u = random.uniform(3, len(frame))
        share = self.amount * u[0][:, None]
        beyond = (1 - half + 2 * half * share) * torch.where(u[1] < 0.5, -1.0, 1.0)[:, None]
        sideways = (u[2] < 0.5)[:, None] == torch.tensor([True, False], device=frame.device)
        return torch.cat([half, torch.where(sideways, beyond, middle)], dim=1)


@EFFECTS.register("squeeze")
@dataclass(frozen=True)
class Squeeze(Framing):
    """Crops that were not square are made so: the sign is up to `amount` narrower or lower than it was."""

    def move(self, frame: Tensor, random: Random) -> Tensor:
        """One factor and one axis per picture."""
        u = random.uniform(2, len(frame))
        narrow = 1 - self.amount * u[0]
        one = torch.ones_like(narrow)
        flat = u[1] < 0.5
        factors = torch.stack([torch.where(flat, one, narrow), torch.where(flat, narrow, one)], dim=1)
        return torch.cat([frame[:, :2] * factors, frame[:, 2:]], dim=1)


# Colour -------------------------------------------------------------------------------------------------


@EFFECTS.register("exposure")
@dataclass(frozen=True)
class Exposure(Colour):
    """From night to blown out: the picture's mean grey becomes 20 + 200 u^1.6 of 255, u even in [0, 1].

    `amount` is the power that the gain for this is raised to; 1 goes all the way.
    The form is that of Lopes da Silva and Fernandes 2022 (10 + 240 u^2), the numbers are nearer to the tenths
    of GTSRB's training pictures: theirs makes a quarter of all pictures darker than GTSRB's darkest tenth.
    """

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """One gain per picture."""
        wanted = (20 + 200 * random.uniform(len(mean_grey)) ** 1.6) / 255
        gain = (wanted / mean_grey.clamp_min(0.02)).clamp_(0.03, 3.0)
        return pixels.brightness(gain**self.amount)


@EFFECTS.register("contrast")
@dataclass(frozen=True)
class Contrast(Colour):
    """Cameras differ in contrast: spread about the picture's mean by a factor of 1 ± `amount`."""

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """One factor per picture."""
        return pixels.contrast(1 + random.uniform(len(mean_grey), low=-1) * self.amount, mean_grey)


@EFFECTS.register("white-balance")
@dataclass(frozen=True)
class WhiteBalance(Colour):
    """Colour of the light, warm to cold: gains of 1 ± `amount` for red, the reverse for blue; less green."""

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """Two numbers per picture, along and across the line of daylight's colours."""
        warm, green = random.uniform(2, len(mean_grey), low=-self.amount, high=self.amount)
        return pixels.white_balance(torch.stack([1 + warm, 1 + green / 3, 1 - warm], dim=1))


@EFFECTS.register("saturation")
@dataclass(frozen=True)
class Saturation(Colour):
    """Dull days and vivid cameras: colours stronger or paler by a factor of 1 ± `amount`."""

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """One factor per picture."""
        return pixels.saturation((1 + random.uniform(len(mean_grey), low=-1) * self.amount).clamp_min(0.05))


@EFFECTS.register("hue")
@dataclass(frozen=True)
class Hue(Colour):
    """Hues turned by up to ±`amount` degrees; keep it small, a sign's colour has a meaning."""

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """One angle per picture."""
        return pixels.hue(random.uniform(len(mean_grey), low=-self.amount, high=self.amount))


@EFFECTS.register("haze")
@dataclass(frozen=True)
class Haze(Colour):
    """Haze, mist or a dirty windscreen: up to `amount` of the light comes from the air instead.

    Koschmieder's law at one distance: picture (1 - h) + h times the air's light grey.
    """

    def matrix(self, mean_grey: Tensor, random: Random) -> Tensor:
        """One density and one greyness of the air per picture."""
        u = random.uniform(2, len(mean_grey))
        return pixels.contrast(1 - self.amount * u[0], 0.5 + 0.5 * u[1])


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
        depth = per_picture(self.amount * random.uniform(len(pictures)).sqrt())
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
        gain = per_picture(self.amount * random.uniform(len(pictures)))
        light = 1 + mask * gain * pictures.new_tensor([1.0, 0.97, 0.85])[:, None, None]
        return (pictures * light).clamp_(max=1.0)


def _patches(pictures: Tensor, random: Random) -> Tensor:
    """(B, 1, H, W) masks: thresholded noise or half planes, edges from sharp to soft."""
    count = len(pictures)
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
        count = len(pictures)
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
        u = random.uniform(2, len(pictures))
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
        u = random.uniform(4, len(pictures))
        x, y = axes(pictures)
        place = u[:2] * 2.6 - 1.3
        square = (x - per_picture(place[0])) ** 2 + (y - per_picture(place[1])) ** 2
        width = per_picture(0.2 + 0.6 * u[2])
        spot = per_picture(self.amount * u[3]) / (1 + square / width**2) ** 1.5
        return (pictures + spot * pictures.new_tensor([1.0, 0.97, 0.9])[:, None, None]).clamp_(max=1.0)


# Weather, optics and sensor -----------------------------------------------------------------------------


@EFFECTS.register("rain")
@dataclass(frozen=True)
class Rain(Layer):
    """Rain: parallel bright streaks, up to `amount` opaque."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Fourteen streaks of one slant per picture."""
        count, drops = len(pictures), 14
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
        count, blots = len(pictures), 3
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
        sigma = random.uniform(len(pictures)).square() * scene.scale * (self.amount * pictures.shape[-1])
        return pixels.gaussian_blur(pictures, sigma)


@EFFECTS.register("motion-blur")
@dataclass(frozen=True)
class MotionBlur(Layer):
    """The car moves and shakes: smeared along a line, up to `amount` of the sign long, mostly across."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One length and one direction per picture."""
        count = len(pictures)
        length = random.uniform(count) * scene.scale * (self.amount * pictures.shape[-1])
        degrees = torch.where(random.uniform(count) < 0.5, 15.0, 90.0) * random.uniform(count, low=-1)
        return pixels.motion_blur(pictures, length, degrees)


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
        return pixels.lower_resolution(pictures, most ** random.uniform(len(pictures)))


@EFFECTS.register("chroma-blur")
@dataclass(frozen=True)
class ChromaBlur(Layer):
    """Demosaicing and chroma compression: colour is blurred by a sigma of up to `amount` px, grey is not."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One sigma per picture."""
        grey = torch.einsum("c,bchw->bhw", pictures.new_tensor(pixels.LUMA), pictures)[:, None]
        blurred = pixels.gaussian_blur(pictures - grey, random.uniform(len(pictures)) * self.amount)
        return blurred.add_(grey).clamp_(0.0, 1.0)


@EFFECTS.register("colour-fringes")
@dataclass(frozen=True)
class ColourFringes(Layer):
    """Lateral chromatic aberration and cheap demosaicing: red and blue shifted apart by up to `amount` px."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One direction per picture; red goes there, blue the other way."""
        count, size = len(pictures), pictures.shape[-1]
        across, down = random.uniform(2, count, low=-1) * (self.amount / size)
        both = torch.cat([pictures[:, :1], pictures[:, 2:]])
        moved = pixels.warp(both, pixels.translation(torch.cat([across, -across]), torch.cat([down, -down])))
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
        gain = (0.35 / (pixels.mean_grey(pictures) + 0.1)).clamp_(0.5, 1.3)
        level = per_picture(self.amount * random.uniform(len(pictures)).square() * gain)
        deviation = (pictures * 0.92 + 0.08).sqrt_() * level
        return torch.addcmul(pictures, deviation, random.normal(*pictures.shape)).clamp_(0.0, 1.0)


@EFFECTS.register("sharpening")
@dataclass(frozen=True)
class Sharpening(Layer):
    """Halos of cheap cameras: unsharp mask with a weight of up to `amount`."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One weight per picture."""
        return pixels.sharpen(pictures, random.uniform(len(pictures)) * self.amount)


@EFFECTS.register("jpeg")
@dataclass(frozen=True)
class Jpeg(Layer):
    """JPEG artefacts of a quality between 100 - `amount` and 100."""

    stage = "lens"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One quality per picture."""
        return pixels.jpeg(pictures, 100 - random.uniform(len(pictures)) * self.amount)
