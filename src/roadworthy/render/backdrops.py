"""What lies behind and beside a sign: grounds, each laid over the ones before it, then poles, boards, plates.

Every ground takes the picture as it is, so that chance combines them: foliage before a sky, a pole before a
brick wall.
"""

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
    any_colours,
    any_slope,
    axes,
    batch,
    boxes,
    cover,
    halve,
    lay,
    per_picture,
    pixel,
    planes,
    premultiplied,
    scene_colours,
    step,
    upright_boxes,
    value_noise,
)


@EFFECTS.register("solid")
@dataclass(frozen=True)
class Solid(Layer):
    """One colour, mostly greyish as outdoor things are; `amount` of the way there from mid-grey."""

    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """A twentieth of the colours come from the whole cube."""
        count = batch(pictures)
        colours = torch.where(
            random.uniform(count, 1) < 0.05, any_colours(random, count), scene_colours(random, count)
        )
        return torch.lerp(pictures, planes(colours).expand_as(pictures), self.amount)


@EFFECTS.register("gradient")
@dataclass(frozen=True)
class Gradient(Layer):
    """A second colour comes in from one side, up to `amount` of it."""

    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Any direction."""
        count = batch(pictures)
        slope = step(any_slope(pictures, random), 2.0) * self.amount
        return cover(pictures, slope, planes(scene_colours(random, count)))


@EFFECTS.register("clutter")
@dataclass(frozen=True)
class Clutter(Layer):
    """Structured noise of five octaves, brightness up to ±`amount`, a fifth of that in colour."""

    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """From smooth to rough; fields of few levels have edges, as things have."""
        count, size = batch(pictures), pictures.shape[-1]
        smooth = value_noise(random, count, size, (2, 4, 8), fall=0.8, channels=2)
        tint = planes(random.uniform(count, 3, low=-0.2, high=0.2))
        rough = value_noise(random, count, size, (12, 24), fall=0.8)
        grey = smooth[:, :1] + rough * per_picture(random.uniform(count))
        levels = per_picture(random.uniform(count, low=1.0, high=3.0))
        stepped = (grey * levels).round() / levels
        grey = torch.where(per_picture(random.uniform(count)) < 0.4, stepped, grey)
        strength = per_picture(self.amount * random.uniform(count, low=0.2))
        return torch.addcmul(pictures, grey + smooth[:, 1:] * tint, strength).clamp_(0.0, 1.0)


@EFFECTS.register("sky")
@dataclass(frozen=True)
class Sky(Layer):
    """Sky above a line of roofs or trees: blue to white, `amount` opaque."""

    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """A half of the skylines are straight, the others noise."""
        count, size = batch(pictures), pictures.shape[-1]
        _, y = axes(pictures)
        line = value_noise(random, count, size, (3, 9, 20), fall=0.8)[:, :, :1]
        jagged = per_picture(random.uniform(count)) < 0.5
        height = per_picture(random.uniform(count, low=-0.8, high=1.5))
        above = step(height + torch.where(jagged, line * 0.35, line * 0.02) - y, pixel(pictures))
        blue = per_picture(random.uniform(count)) * (1.0 - 0.3 * y)
        light = per_picture(random.uniform(count, low=0.55, high=1.0))
        tint = pictures.new_tensor([0.55, 0.3, 0.0])[:, None, None]
        return cover(pictures, above * self.amount, (light * (1 - tint * blue)).clamp_(0.0, 1.0))


@EFFECTS.register("foliage")
@dataclass(frozen=True)
class Foliage(Layer):
    """Trees and hedges: light leaves over dark gaps, in part of the picture, `amount` opaque."""

    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Rough noise for leaves, smooth noise for where they are."""
        count, size = batch(pictures), pictures.shape[-1]
        # Rough values of all pixels, softened a little: as fine as leaves are at a distance.
        fine = value_noise(random, count, size, (24, 12), fall=0.9, channels=2)
        where = value_noise(random, count, size, (2, 5, 14), fall=0.8)
        mask = step(where + per_picture(random.uniform(count, low=-0.3, high=1.2)), 0.15) * self.amount
        green = random.uniform(count, 3) * pictures.new_tensor([0.3, 0.25, 0.2])
        green = green + pictures.new_tensor([0.15, 0.28, 0.08])
        # From summer's green to bare twigs.
        green = torch.lerp(green, green.mean(1, keepdim=True), random.uniform(count, 1))
        dark = per_picture(random.uniform(count, low=0.02, high=0.4))
        light = torch.lerp(dark, torch.ones_like(dark), step(fine[:, :1], 0.9)) * (1 + 0.25 * fine[:, 1:])
        return cover(pictures, mask, (planes(green) * light * 1.4).clamp_(0.0, 1.0))


@EFFECTS.register("brick")
@dataclass(frozen=True)
class Brick(Layer):
    """Brick and block walls: courses of bricks that differ by up to `amount`, paler joints between."""

    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Courses of 0.08 to 0.4 of the half side; each brick's shade is a hash of its place."""
        count = batch(pictures)
        x, y = axes(pictures)
        u = [per_picture(column) for column in random.uniform(6, count)]
        tall = 0.08 + 0.32 * u[0]
        lean = (u[1] - 0.5) * 0.2
        long = tall * 2.4
        down = (y + lean * x) / tall + 8 * u[2] + 50  # the 50 keeps it above 0, where frac() is one ramp
        course = down.floor()
        along = (x - lean * y) / long + 0.5 * (course % 2) + 8 * u[3] + 50
        shade = ((course * 12.9898 + along.floor() * 78.233).sin() * 437.5453).frac().abs()
        to_joint = torch.minimum(
            tall * (0.5 - (down.frac() - 0.5).abs()), long * (0.5 - (along.frac() - 0.5).abs())
        )
        colour = planes(scene_colours(random, count))
        wall = colour * (1 + (shade - 0.5) * self.amount)
        mortar = step(0.03 - to_joint, pixel(pictures)) * min(1.0, 2 * self.amount)
        return cover(wall.clamp(0.0, 1.0), mortar, colour + (u[4] - 0.4) * 0.8).clamp_(0.0, 1.0)


@EFFECTS.register("buildings")
@dataclass(frozen=True)
class Buildings(Layer):
    """Edges of houses, windows, cars, other boards: five upright boxes, `amount` opaque."""

    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """From window size to larger than the picture; each is there in two thirds of the pictures."""
        count, things = batch(pictures), 5
        shape = random.uniform(count, things, 4, low=-1)
        shape[..., :2] *= 1.3
        shape[..., 2:] = 0.05 + shape[..., 2:].square()
        there = (random.uniform(count, things, 1, 1) < 0.66).float() * self.amount
        masks = upright_boxes(pictures, shape) * there
        return lay(pictures, masks, scene_colours(random, count, things))


@EFFECTS.register("photograph")
@dataclass(frozen=True)
class Photograph(Layer):
    """Crops of the photographs that the camera was given, `amount` opaque; without any, nothing."""

    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """A random picture, mirrored or not, a random third to nine tenths of it."""
        if scene.photographs is None:
            return pictures
        count = batch(pictures)
        u = random.uniform(5, count)
        chosen = (u[0] * len(scene.photographs)).long().clamp_max(len(scene.photographs) - 1)
        enlarge = 1 / (0.33 + 0.57 * u[1])
        room = enlarge - 1
        zero, one = torch.zeros_like(enlarge), torch.ones_like(enlarge)
        side = torch.where(u[4] < 0.5, -enlarge, enlarge)
        rows = [side, zero, room * (2 * u[2] - 1), zero, enlarge, room * (2 * u[3] - 1), zero, zero, one]
        matrices = torch.stack(rows, dim=1).view(count, 3, 3)
        source = scene.photographs[chosen.to(scene.photographs.device)].to(pictures.device)
        source = source.float() / 255 if source.dtype == torch.uint8 else source
        height, width = source.shape[-2:]
        if height != width:  # the middle square
            side_px = min(height, width)
            top, left = (height - side_px) // 2, (width - side_px) // 2
            source = source[..., top : top + side_px, left : left + side_px]
        size = pictures.shape[-1]
        if source.shape[-1] > 1.5 * size:
            source = F.interpolate(source, size=round(1.5 * size), mode="area")
        crop = ops.warp(source.contiguous(), matrices, size=(size, size))
        return torch.lerp(pictures, crop, min(1.0, self.amount))


@EFFECTS.register("pole")
@dataclass(frozen=True)
class Pole(Layer):
    """The pole behind and beneath, and for some above too: grey steel or wood, `amount` of the sign wide."""

    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """Turns and recedes with the sign; lit from one side."""
        count = batch(pictures)
        x, y = scene.surface()
        u = [per_picture(column) for column in random.uniform(4, count)]
        half = (0.35 + 0.65 * u[0]) * self.amount
        off = (u[1] - 0.5) * 0.15
        beneath = torch.where(u[2] < 0.4, torch.ones_like(y), step(y, 0.1))
        mask = step(half - (x - off).abs(), pixel(pictures)) * beneath
        round_ = 1 - 0.5 * ((x - off) / half.clamp_min(1e-3) + (u[3] - 0.5)).square().clamp(max=1.0)
        grey = planes(scene_colours(random, count, saturation=0.1))
        return cover(pictures, mask, (grey * round_).clamp_(0.0, 1.0))


@EFFECTS.register("board")
@dataclass(frozen=True)
class Board(Layer):
    """A board that the sign is mounted on, up to 1 + `amount` times its size: white, yellow, grey, black."""

    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """A rectangle around the drawing, with a thin dark rim in half of the pictures."""
        count = batch(pictures)
        x, y = scene.surface()
        more = 1 + self.amount * random.uniform(count, 1, 2, low=0.05)
        half = scene.extent[:, None] * more
        down = random.uniform(count, 1, 1, low=-1) * (half[..., 1:] - scene.extent[:, None, 1:])
        zero = torch.zeros_like(down)
        board = torch.cat([zero, down, half, zero], dim=2)
        rim = torch.cat([zero, down, half * 1.06, zero], dim=2)
        masks = boxes(x, y, torch.cat([board, rim], dim=1), pixel(pictures))
        masks[:, 1:] *= (random.uniform(count, 1, 1, 1) < 0.5).float()
        colours = pictures.new_tensor(_BOARDS)
        chosen = (random.uniform(count) * len(colours)).long().clamp_max(len(colours) - 1)
        both = torch.stack([colours[chosen], torch.full_like(colours[chosen], 0.1)], dim=1)
        return lay(pictures, masks, both)


_BOARDS = ((0.9, 0.9, 0.9), (0.9, 0.75, 0.1), (0.55, 0.55, 0.55), (0.08, 0.08, 0.08), (0.95, 0.95, 0.3))


@EFFECTS.register("plate")
@dataclass(frozen=True)
class Plate(Layer):
    """A plate beneath or above the sign with something like words on it, up to `amount` of its size high."""

    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """White, yellow or black, with a rim and two rows of marks."""
        count = batch(pictures)
        x, y = scene.surface()
        half_x = scene.extent[:, :1] * random.uniform(count, 1, low=0.6, high=1.0)
        half_y = random.uniform(count, 1, low=0.4, high=1.0) * self.amount
        below = torch.where(random.uniform(count, 1) < 0.75, 1.0, -1.0)
        middle = below * (scene.extent[:, 1:] * random.uniform(count, 1, low=1.02, high=1.15) + half_y)
        zero = torch.zeros_like(middle)
        plate = torch.stack([zero, middle, half_x, half_y, zero], dim=2)
        inner = plate.clone()
        inner[..., 2:4] -= 0.04
        colours = pictures.new_tensor(_PLATES)[
            (random.uniform(count) * len(_PLATES)).long().clamp_max(len(_PLATES) - 1)
        ]
        pictures = lay(pictures, boxes(x, y, torch.cat([inner, plate], dim=1), pixel(pictures)), colours)
        return words(pictures, x, y, plate[:, 0], colours[:, 1], random)


_PLATES = (
    ((0.92, 0.92, 0.92), (0.08, 0.08, 0.08)),
    ((0.9, 0.75, 0.1), (0.08, 0.08, 0.08)),
    ((0.1, 0.1, 0.1), (0.9, 0.9, 0.9)),
    ((0.92, 0.92, 0.92), (0.6, 0.1, 0.1)),
)


def words(
    pictures: Tensor, x: Tensor, y: Tensor, shape_B5: Tensor, colours_B3: Tensor, random: Random
) -> Tensor:
    """Two rows of small marks, as words look from afar, in boxes of middle x, y, half width, half height."""
    count, letters = batch(pictures), 6
    # Each letter is three by four random dots with a gap beside it and another beneath.
    dots = (random.uniform(count, 2, 4, letters, 3) < 0.6).float()
    page = F.pad(dots, (0, 1, 0, 0, 1, 1)).view(count, 1, 12, 4 * letters)
    cx, cy, half_x, half_y, _ = shape_B5[:, :, None, None, None].unbind(1)
    across, down = torch.broadcast_tensors((x - cx) / (0.9 * half_x), (y - cy) / half_y)
    places = torch.stack([across, down], dim=-1)[:, 0]
    ink = F.grid_sample(page, places, padding_mode="zeros", align_corners=False)
    return cover(pictures, ink, planes(colours_B3))


@EFFECTS.register("neighbour")
@dataclass(frozen=True)
class Neighbour(Layer):
    """Another sign above, below or beside, of 0.7 to 1.3 times the size, up to `amount` of the sign away.

    Needs the second faces; without them, nothing.
    """

    stage = "behind"

    def apply(self, pictures: Tensor, scene: Scene, random: Random) -> Tensor:
        """On the same pole: turned and tilted alike."""
        if scene.neighbours is None:
            return pictures
        count, size = batch(pictures), pictures.shape[-1]
        faces = premultiplied(scene.neighbours[scene.rows])
        u = random.uniform(3, count)
        scale = 0.7 + 0.6 * u[0]
        upright = u[1] < 0.75
        side = torch.where((u[1] * 100).long() % 2 == 0, 1.0, -1.0)
        own = torch.where(upright, scene.extent[:, 1], scene.extent[:, 0])
        away = side * (own + scale + 2 * self.amount * u[2])
        zero = torch.zeros_like(away)
        moved = ops.translation(torch.where(upright, zero, away) / 2, torch.where(upright, away, zero) / 2)
        matrices = ops.compose(ops.zoom(scale), moved, scene.matrix)
        while faces.shape[-1] > 1.5 * size and faces.shape[-1] % 2 == 0:
            faces = halve(faces)
        drawn = ops.warp(faces, matrices, "zeros", size=(size, size))
        # Its colours come multiplied with their opacity.
        return torch.addcmul(drawn[:, :3], pictures, 1 - drawn[:, 3:])
