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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from roadworthy.core.registry import Registry

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
    """The name that an effect's kind is registered under; one's own that is not has its class's."""
    return next((name for name in EFFECTS if EFFECTS.get(name) is type(effect)), type(effect).__name__)


class Rows(int):
    """How many pictures there are, told apart from the other numbers in a shape."""


def batch(pictures: Tensor) -> Rows:
    """How many pictures these are, as a shape of random numbers must name them."""
    return Rows(len(pictures))


class Random:
    """Random numbers for one effect, from a generator of its own, on the device of the pictures.

    The camera seeds one for each effect, so that leaving one out changes no number of any other.
    """

    def __init__(self, seed: int, generator_device: torch.device, device: torch.device) -> None:
        self._generator = torch.Generator(generator_device).manual_seed(seed)
        self._device = device
        self._rows: Tensor | None = None
        self._of = 0

    def only(self, rows: Tensor, of: int) -> Random:
        """The same for some pictures of a batch of `of`: they get the numbers that they have in the whole.

        Shapes must then name the pictures' axis by `batch`; ValueError for one that does not.
        """
        self._rows, self._of = rows, of
        return self

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Even between `low` and `high`."""
        drawn = self._drawn(torch.rand, shape)
        return drawn if (low, high) == (0.0, 1.0) else drawn.mul_(high - low).add_(low)

    def normal(self, *shape: int) -> Tensor:
        """Normal, mean 0, deviation 1."""
        return self._drawn(torch.randn, shape)

    def _drawn(self, function: Callable[..., Tensor], shape: tuple[int, ...]) -> Tensor:
        device = self._generator.device
        if self._rows is None:
            return function(shape, generator=self._generator, device=device).to(self._device)
        axis = next((axis for axis, length in enumerate(shape) if isinstance(length, Rows)), None)
        if axis is None:
            raise ValueError(
                f"random numbers of shape {shape} do not show which axis counts the pictures; use batch()"
            )
        whole = (*shape[:axis], self._of, *shape[axis + 1 :])
        drawn = function(whole, generator=self._generator, device=device)
        return drawn.index_select(axis, self._rows.to(device)).to(self._device)

    def poisson(self, rates: Tensor) -> Tensor:
        """Counts with these means, as floats."""
        return torch.poisson(rates.to(self._generator.device), self._generator).to(self._device)


@dataclass(frozen=True)
class Scene:
    """What an effect may know besides the pictures.

    signs: (N, 1, H, W), how far each pixel is the sign's.
    matrices: (N, 3, 3) homographies from the face's tile to the picture.
    extents: (N, 2), half width and half height of the drawing in its tile.
    neighbours, photographs: as the camera was given them.
    rows: (B,), which of the N pictures are meant; all that has B rows below is for those.
    together: (M,) sizes, as `scale` below, of all that the effect meets, those included that are not made.
    """

    signs: Tensor
    matrices: Tensor
    extents: Tensor
    neighbours: Tensor | None
    photographs: Tensor | None
    rows: Tensor
    together: Tensor | None = None

    def at(self, chosen: Tensor, together: Tensor | None = None) -> Scene:
        """The scene of some of the pictures."""
        return dataclasses.replace(self, rows=chosen, together=together)

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
        return scales(self.matrix)

    @property
    def typical_scale(self) -> float:
        """The mean of the sizes of all that the effect meets, whether they are made or not."""
        return float((self.scale if self.together is None else self.together).mean())

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


def scales(matrices: Tensor) -> Tensor:
    """(B,) how large the face's tile is in each picture: 1 fills it."""
    return matrices[:, :2, :2].det().abs().sqrt().clamp(0.1, 1.5)


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
    angle = per_picture(random.uniform(batch(pictures), high=2 * math.pi))
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


def scene_colours(random: Random, *shape: int, saturation: float = 0.15) -> Tensor:
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
