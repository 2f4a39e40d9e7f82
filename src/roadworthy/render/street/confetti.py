"""Plain drawn streets: signs among clutter, with their boxes; docs/results/packaged.md measures by them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from roadworthy.core.arrays import Box, ByteArray
from roadworthy.render.backdrops import Brick, Buildings, Clutter, Foliage, Gradient, Plate, Pole, Sky, Solid
from roadworthy.render.camera import SEEDS, Camera
from roadworthy.render.effects import Random, axes, boxes, lay, pixel, scene_colours, strokes
from roadworthy.render.lens import FocusBlur, Jpeg, SensorNoise
from roadworthy.render.light import Contrast, Exposure, Saturation, Shadow, WhiteBalance
from roadworthy.render.no_sign import no_sign
from roadworthy.render.pose import Perspective, Rotation, Standing, Turn
from roadworthy.render.recipes import Recipe
from roadworthy.render.street.result import Street
from roadworthy.render.surfaces import Dirt, Fade, SurfaceNoise

LEAST_PX, MOST_PX = 12.0, 260.0  # a sign's larger side in a scene 1280 pixels wide
_WIDTH = 1280
_ROOM = 1.9  # sides of the patch that a sign is drawn in, by its own side
_GROUND_PX = 320
_THINGS, _LINES = 48, 12


GROUND: Recipe = (
    Solid(),
    Gradient(0.9, 0.5),
    Clutter(0.4),
    Buildings(1.0),
    Sky(1.0, 0.9),
    Foliage(1.0, 0.7),
    Brick(0.4, 0.15),
)
SIGN: Recipe = (
    Pole(0.08, 0.8),
    Plate(0.45, 0.15),
    Turn(0.3, 0.6),
    Perspective(0.2, 0.6),
    Rotation(6),
    Standing(_ROOM),
    Fade(0.5, 0.2),
    SurfaceNoise(0.3, 0.2),
    Dirt(0.5, 0.1),
)
SEEN: Recipe = (
    Shadow(0.5, 0.3),
    Saturation(0.4, 0.7),
    WhiteBalance(0.12),
    Contrast(0.3),
    Exposure(0.7),
    FocusBlur(0.001, 0.4),
    SensorNoise(0.05, 0.5),
    Jpeg(60, 0.6),
)
BAIT: Recipe = (Solid(), Gradient(0.9, 0.3), Clutter(0.4, 0.7), Buildings(1.0, 0.5))


def draw_street(
    faces: Mapping[str, Tensor],
    generator: torch.Generator,
    *,
    width: int = 1280,
    height: int = 720,
    most: int = 5,
) -> Street:
    """A street with one to `most` signs that do not overlap, all classes equally likely.

    faces: (N, 4, S, S) RGBA tiles of each class, float32 in [0, 1].
    Sizes are spread evenly over their logarithm, from 12 to 260 pixels in a scene 1280 wide.
    """
    if not faces or min(width, height) < 64 or most < 1:
        raise ValueError(
            f"got faces of {len(faces)} classes, most = {most}, {width} x {height} pixels; a street needs at "
            "least one face, one sign and 64 pixels a side"
        )
    cpu = generator.device
    seeds = torch.randint(SEEDS, (4,), generator=generator).tolist()
    random = Random(seeds[0], cpu, cpu)
    side = max(width, height)
    everything = torch.cat(list(faces.values()))
    scene = _clutter(_ground(side, generator), everything, generator, random)
    top, left = (side - height) // 2, (side - width) // 2

    names = list(faces)
    found: list[Box] = []
    signs: list[str] = []
    wanted = 1 + int(random.uniform(1) * most) if most > 1 else 1
    for _ in range(min(wanted, most)):
        u = random.uniform(6).tolist()
        name = names[min(int(u[0] * len(names)), len(names) - 1)]
        tiles = faces[name]
        tile = tiles[min(int(u[1] * len(tiles)), len(tiles) - 1)]
        px = LEAST_PX * (MOST_PX / LEAST_PX) ** u[2] * width / _WIDTH
        patch = min(math.ceil(_ROOM * px), min(width, height))
        x = left + int(u[3] * (width - patch))
        y = top + int(u[4] ** 1.3 * (height - patch))  # signs stand high more often than low
        there = (x - left, y - top, x - left + patch, y - top + patch)
        if any(_overlap(there, _widened(other)) for other in found):
            continue
        before = scene[:, :, y : y + patch, x : x + patch]
        drawn, box = Camera(SIGN, patch)(tile[None], generator, before=before)
        scene[:, :, y : y + patch, x : x + patch] = drawn
        x1, y1, x2, y2 = (box[0] * patch).tolist()
        found.append((there[0] + x1, there[1] + y1, there[0] + x2, there[1] + y2))
        signs.append(name)
    image = _photographed(scene, generator)[0, :, top : top + height, left : left + width]
    levels: ByteArray = (image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return Street(image=levels, boxes=tuple(found), signs=tuple(signs))


def _ground(side: int, generator: torch.Generator) -> Tensor:
    """(1, 3, side, side): sky, houses, trees and the road, coarse."""
    nothing = torch.zeros(1, 4, 16, 16)
    coarse = Camera(GROUND, min(side, _GROUND_PX))(nothing, generator)[0]
    ground = F.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=False).clamp_(0, 1)
    x, y = axes(ground)
    road = torch.tensor([[[0.0, 0.9, 1.2, 0.6, 0.0], [0.0, 0.9, 0.02, 0.55, 0.0]]])
    grey = torch.tensor([[[0.3, 0.3, 0.32], [0.85, 0.85, 0.85]]])
    masks = boxes(x, y, road.flip(1), pixel(ground))
    return lay(ground, masks, grey.flip(1))


def _clutter(scene: Tensor, faces: Tensor, generator: torch.Generator, random: Random) -> Tensor:
    """Things that a finder may take for signs, from 12 pixels up, then poles and wires."""
    side = scene.shape[-1]
    things = no_sign(Camera(BAIT, 96), _THINGS, generator, faces)
    u = random.uniform(_THINGS, 4).tolist()
    for thing, (where_x, where_y, large, kind) in zip(things, u, strict=True):
        px = int(12 * 20**large * side / _WIDTH)
        left, top = int(where_x * (side - px)), int(where_y * (side - px))
        piece = F.interpolate(
            thing[None], size=(px, px), mode="bilinear", antialias=True, align_corners=False
        )
        across, down = axes(piece)
        whole = torch.tensor([[[0.0, 0.0, 0.95, 0.95, 0.0]]])
        mask = boxes(across, down, whole, max(pixel(piece), 0.4 * kind), round_=kind > 0.5)
        there = scene[:, :, top : top + px, left : left + px]
        scene[:, :, top : top + px, left : left + px] = torch.lerp(there, piece, mask)
    along = random.uniform(1, _LINES, 2, low=-1)
    far = torch.full((1, _LINES, 1), 1.2)
    upright = torch.cat([along[..., :1], along[..., 1:] * 0.5, along[..., :1] + 0.01, far], dim=2)
    level = torch.cat([-far, along[..., 1:] * 0.7 - 0.3, far, along[..., :1] * 0.7 - 0.3], dim=2)
    ends = torch.where(random.uniform(1, _LINES, 1) < 0.7, upright, level)
    x, y = axes(scene)
    half = random.uniform(1, _LINES).square() * 0.008 + 0.001
    return lay(scene, strokes(x, y, ends, half, pixel(scene)), scene_colours(random, 1, _LINES))


def _photographed(scene: Tensor, generator: torch.Generator) -> Tensor:
    """The scene in its light, through the lens."""
    return Camera(SEEN, scene.shape[-1])(torch.zeros(1, 4, 16, 16), generator, before=scene)[0]


def _widened(box: Box) -> Box:
    """With room around it, so that the next sign's patch leaves it alone."""
    room = 0.25 * max(box[2] - box[0], box[3] - box[1])
    return box[0] - room, box[1] - room, box[2] + room, box[3] + room


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
