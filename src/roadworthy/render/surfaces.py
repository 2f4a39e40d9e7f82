"""What time, weather and people do to a sign, and what hangs in front of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from roadworthy.render.effects import (
    EFFECTS,
    Layer,
    Random,
    Scene,
    any_colours,
    any_slope,
    axes,
    batch,
    boxes,
    cover,
    lay,
    per_picture,
    pixel,
    planes,
    step,
    strokes,
    value_noise,
)


def _edge(pictures: Tensor, scene: Scene) -> float:
    """A pixel's width on the face's tile, typical for these pictures: softens what is painted there."""
    return pixel(pictures) / scene.typical_scale


@EFFECTS.register("fade")
@dataclass(frozen=True)
class Fade(Layer):
    """Paint bleached by the sun: red up to `amount` of the way to a pale pink, all colours a third of that.

    Red pigments absorb the most energetic light that they meet and fade first.
    """

    stage = "surface"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """One degree per picture."""
        return faded(pictures, per_picture(self.amount * random.uniform(batch(pictures))) * scene.sign)


def faded(pictures: Tensor, degree: Tensor) -> Tensor:
    """Red bleached by `degree` in [0, 1] (B, 1, H, W or less), all other colours by a third of that."""
    red, green, blue = pictures.split(1, dim=1)
    redness = (red - torch.maximum(green, blue)).clamp_(0.0, 1.0)
    pink = red * pictures.new_tensor([1.0, 0.75, 0.7])[:, None, None]
    bleached = cover(pictures, degree * redness.sqrt(), pink)
    pale = (red + green + blue) / 3 * 0.7 + 0.25
    return cover(bleached, degree / 3, pale)


@EFFECTS.register("surface-noise")
@dataclass(frozen=True)
class SurfaceNoise(Layer):
    """Smooth noise of any colour blended over the sign, up to `amount` opaque.

    No wear looks like this; it keeps a model from trusting even colour.
    Source: Perlin noise in Lopes da Silva and Fernandes 2022.
    """

    stage = "surface"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Grey for half of the pictures, of three independent channels for the others."""
        count = batch(pictures)
        noise = value_noise(random, count, pictures.shape[-1], (3, 6, 12), fall=0.7, channels=3)
        noise = torch.where(per_picture(random.uniform(count)) < 0.5, noise[:, :1], noise)
        opaque = per_picture(self.amount * random.uniform(count))
        return cover(pictures, scene.sign * opaque, (noise * 0.5 + 0.5).clamp_(0.0, 1.0))


@EFFECTS.register("dirt")
@dataclass(frozen=True)
class Dirt(Layer):
    """Road dust and algae: brown, grey or green, in patches, more towards one side, up to `amount` opaque."""

    stage = "surface"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Noise plus a slope."""
        count = batch(pictures)
        slope = any_slope(pictures, random) * 0.6
        noise = value_noise(random, count, pictures.shape[-1], (3, 8, 20), fall=0.8)
        opaque = per_picture(self.amount * random.uniform(count, low=0.3))
        mask = step(noise + slope - 0.1, 0.8) * opaque * scene.sign
        return cover(pictures, mask, planes(_palette(random, pictures, count, _DIRT)))


@EFFECTS.register("rust")
@dataclass(frozen=True)
class Rust(Layer):
    """Rust: brown spots with runs below them, up to `amount` opaque."""

    stage = "surface"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Five spots, each with a run, frayed by noise."""
        count, spots = batch(pictures), 5
        x, y = scene.surface()
        place = random.uniform(count, spots, 2, low=-0.9, high=0.9)
        below = place + torch.stack(
            [torch.zeros_like(place[..., 0]), random.uniform(count, spots, high=0.7)], dim=2
        )
        width = random.uniform(count, spots, low=0.02, high=0.12)
        mask = strokes(x, y, torch.cat([place, below], dim=2), width, edge=0.12).amax(1, keepdim=True)
        frayed = mask * step(value_noise(random, count, pictures.shape[-1], (10, 22), fall=0.9) + 0.4, 0.8)
        opaque = per_picture(self.amount * random.uniform(count, low=0.4))
        return cover(pictures, frayed * opaque * scene.sign, planes(_palette(random, pictures, count, _RUST)))


@EFFECTS.register("stickers")
@dataclass(frozen=True)
class Stickers(Layer):
    """Up to three stickers, rectangles or discs of any colour with a mark, to `amount` of the sign wide."""

    stage = "surface"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Each of the three is there in half of the pictures; the mark is an ellipse half as large."""
        count, stickers = batch(pictures), 3
        x, y = scene.surface()
        shape = random.uniform(count, stickers, 5, low=-1)
        shape[..., :2] *= 0.8
        shape[..., 2:4] = 0.06 + (self.amount - 0.06) * shape[..., 2:4].abs()
        mark = shape.clone()
        mark[..., 2:4] *= 0.5
        round_ = random.uniform(count, 2 * stickers, 1, 1) < 0.4
        there = (random.uniform(count, stickers, 1, 1) < 0.5).float().repeat(1, 2, 1, 1)
        masks = boxes(x, y, torch.cat([mark, shape], dim=1), _edge(pictures, scene), round_)
        return lay(pictures, masks * there * scene.sign, any_colours(random, count, 2 * stickers))


@EFFECTS.register("bullet-holes")
@dataclass(frozen=True)
class BulletHoles(Layer):
    """Shot at, as rural signs are: up to six dark holes in pale dents, to `amount` of the sign wide."""

    stage = "surface"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Each of six is there in half of the pictures."""
        count, holes = batch(pictures), 6
        x, y = scene.surface()
        dent = random.uniform(count, holes, 5, low=-0.9, high=0.9)
        dent[..., 2:3] = 0.05 + self.amount * random.uniform(count, holes, 1)
        dent[..., 3] = dent[..., 2]
        hole = dent.clone()
        hole[..., 2:4] *= 0.55
        there = (random.uniform(count, holes, 1, 1) < 0.5).float().repeat(1, 2, 1, 1)
        masks = boxes(x, y, torch.cat([hole, dent], dim=1), _edge(pictures, scene), round_=True)
        grey = pictures.new_tensor([0.08, 0.6]).repeat_interleave(holes)[None, :, None].expand(count, -1, 3)
        return lay(pictures, masks * there * scene.sign, grey)


@EFFECTS.register("graffiti")
@dataclass(frozen=True)
class Graffiti(Layer):
    """Sprayed or scratched: one wandering line of any colour, up to `amount` of the sign thick."""

    stage = "surface"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Seven joined strokes."""
        count, pieces = batch(pictures), 7
        x, y = scene.surface()
        steps = random.normal(count, pieces + 1, 2) * 0.35
        steps[:, 0] = random.uniform(count, 2, low=-0.7, high=0.7)
        points = steps.cumsum(dim=1)
        width = random.uniform(count, 1, high=self.amount).clamp_min(0.01)
        ends = torch.cat([points[:, :-1], points[:, 1:]], dim=2)
        line = strokes(x, y, ends, width, _edge(pictures, scene)).amax(1, keepdim=True)
        return cover(pictures, line * scene.sign, planes(any_colours(random, count)))


@EFFECTS.register("confetti")
@dataclass(frozen=True)
class Confetti(Layer):
    """Seven small patches of random colour over the sign, up to `amount` of it wide.

    As little like life as surface noise, and as useful.  Source: Lopes da Silva and Fernandes 2022.
    """

    stage = "surface"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Each of seven is there in half of the pictures."""
        count, patches = batch(pictures), 7
        x, y = scene.surface()
        shape = random.uniform(count, patches, 5, low=-1)
        shape[..., 2:4] = 0.02 + self.amount * shape[..., 2:4].abs()
        there = (random.uniform(count, patches, 1, 1) < 0.5).float()
        masks = boxes(x, y, shape, _edge(pictures, scene))
        return lay(pictures, masks * there * scene.sign, any_colours(random, count, patches))


@EFFECTS.register("leaves")
@dataclass(frozen=True)
class Leaves(Layer):
    """Twigs in front of the sign, reaching in from one side over up to `amount` of the picture."""

    stage = "surface"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Ten leaves around two twigs; before the sign and its surroundings alike."""
        count, leaves = batch(pictures), 10
        x, y = axes(pictures)
        side = random.uniform(count, 1, high=2 * math.pi)
        # From the border inwards; the square root of nothing: most leaves hang where the twig comes in.
        depth = 1.3 - 2 * self.amount * random.uniform(count, leaves).square()
        along = random.normal(count, leaves) * 0.45
        place = torch.stack(
            [side.cos() * depth - side.sin() * along, side.sin() * depth + side.cos() * along], dim=2
        )
        size = random.uniform(count, leaves, 2)
        long = (0.1 + 0.2 * size[..., :1]) * random.uniform(count, 1, 1, low=0.6, high=1.6)
        shape = torch.cat(
            [place, long, long * (0.3 + 0.4 * size[..., 1:]), random.uniform(count, leaves, 1, high=math.pi)],
            2,
        )
        colours = _palette(random, pictures, count, _LEAVES)[:, None] * random.uniform(
            count, leaves, 1, low=0.35, high=1.5
        )
        root = torch.stack([side.cos(), side.sin()], dim=2) * 1.6
        twigs = torch.cat([root.expand(-1, 2, -1), place[:, :2]], dim=2)
        wood = strokes(x, y, twigs, random.uniform(count, 1, low=0.01, high=0.04), pixel(pictures))
        masks = torch.cat([boxes(x, y, shape, pixel(pictures), round_=True), wood], dim=1)
        bark = pictures.new_tensor([0.25, 0.2, 0.15]).expand(count, 2, 3)
        return lay(pictures, masks, torch.cat([colours.clamp(0, 1), bark], dim=1))


_DIRT = ((0.35, 0.28, 0.2), (0.45, 0.43, 0.4), (0.25, 0.3, 0.18), (0.12, 0.11, 0.1), (0.55, 0.35, 0.22))
_RUST = ((0.42, 0.22, 0.1), (0.3, 0.15, 0.08))
_LEAVES = ((0.22, 0.35, 0.12), (0.35, 0.42, 0.2), (0.12, 0.2, 0.08), (0.4, 0.4, 0.3), (0.5, 0.35, 0.12))


def _palette(random: Random, like: Tensor, count: int, colours: tuple[tuple[float, ...], ...]) -> Tensor:
    """(B, 3): one of the colours for each picture, a little lighter or darker."""
    chosen = (random.uniform(count) * len(colours)).long().clamp_max(len(colours) - 1)
    return like.new_tensor(colours)[chosen] * random.uniform(count, 1, low=0.7, high=1.3)
