"""Corruptions of our own: what happens to road signs and between them and the camera."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from roadworthy.evaluate.corruptions import corruption, luma, smeared
from roadworthy.signs.effects import Random, axes, boxes, cover, per_picture, pixel


@corruption("fade", "road", (0.25, 0.4, 0.55, 0.7, 0.85))
def fade(images: Tensor, share: float, random: Random) -> Tensor:
    """Sheeting that years of sun have bleached: colours go towards a pale grey, red first.

    share: of red's colour that is gone; of the others' three fifths of that.  At 0.85 red is a pale pink.
    """
    grey = luma(images)
    # What bleaches is what absorbs: where red outweighs green and blue, the pigment of red.
    reddish = (images[:, :1] - images[:, 1:].amax(dim=1, keepdim=True)).clamp(0.0, 1.0)
    gone = share * (0.6 + 0.4 * (2 * reddish).clamp_max(1.0))
    pale = (0.35 + 0.65 * grey).expand_as(images)
    return torch.lerp(images, pale, gone.expand_as(images))


@corruption("sticker", "road", (0.12, 0.17, 0.22, 0.27, 0.32))
def sticker(images: Tensor, half: float, random: Random) -> Tensor:
    """A sticker on the sign: a rectangle or a disc of any colour within the middle two thirds.

    half: its half side, as a share of the picture's half side: from 1.4 to 10 percent of the area.
    """
    count = len(images)
    place = random.uniform(count, 1, 2, low=-0.5, high=0.5)
    sides = half * random.uniform(count, 1, 2, low=0.8, high=1.25)
    turn = random.uniform(count, 1, 1, high=math.pi)
    x, y = axes(images)
    discs = random.uniform(count, 1, 1, 1) < 0.5
    mask = boxes(x, y, torch.cat([place, sides, turn], dim=2), pixel(images), discs)
    return cover(images, mask, random.uniform(count, 3)[:, :, None, None])


@corruption("glare", "road", (0.3, 0.5, 0.7, 0.9, 1.1))
def glare(images: Tensor, strength: float, random: Random) -> Tensor:
    """The sun or a lamp mirrored by the sheeting or in the lens: a bright spot, and a veil over everything.

    strength: light added at the spot, where 1 is white; a fifth of it everywhere.
    """
    count = len(images)
    x, y = axes(images)
    cx, cy = (per_picture(random.uniform(count, low=-0.8, high=0.8)) for _ in range(2))
    width = per_picture(random.uniform(count, low=0.35, high=0.6))
    spot = torch.exp(-((x - cx).square() + (y - cy).square()) / (2 * width.square()))
    return images + strength * (0.8 * spot + 0.2) * images.new_tensor([1.0, 0.97, 0.9]).view(1, 3, 1, 1)


@corruption("leaf", "road", (1, 2, 3, 4, 6))
def leaf(images: Tensor, leaves: int, random: Random) -> Tensor:
    """Leaves before the sign: green to brown, each a quarter as wide as the picture, most near an edge."""
    count = len(images)
    angle = random.uniform(count, leaves, 1, high=2 * math.pi)
    far = random.uniform(count, leaves, 1, low=0.3, high=0.95)
    place = torch.cat([far * angle.cos(), far * angle.sin()], dim=2)
    sides = torch.cat(
        [
            random.uniform(count, leaves, 1, low=0.22, high=0.32),
            random.uniform(count, leaves, 1, low=0.1, high=0.16),
        ],
        dim=2,
    )
    shapes = torch.cat([place, sides, random.uniform(count, leaves, 1, high=math.pi)], dim=2)
    x, y = axes(images)
    masks = boxes(x, y, shapes, pixel(images), round_=True)
    green, brown = images.new_tensor([0.2, 0.36, 0.12]), images.new_tensor([0.42, 0.3, 0.14])
    kinds = random.uniform(count, leaves, 1)
    colours = torch.lerp(green.expand(count, leaves, 3), brown.expand(count, leaves, 3), kinds)
    colours = colours * random.uniform(count, leaves, 1, low=0.5, high=1.2)
    for number in range(leaves):
        images = cover(images, masks[:, number : number + 1], colours[:, number, :, None, None])
    return images


@corruption("rain", "road", ((0.006, 0.2), (0.01, 0.25), (0.014, 0.3), (0.02, 0.35), (0.026, 0.4)))
def rain(images: Tensor, level: tuple[float, float], random: Random) -> Tensor:
    """Streaks of rain, and the grey veil of the drops behind them.

    level: drops a pixel, and how strong both are.  A streak is an eighth of the height, at up to 15 degrees
    from the vertical, alike within a picture: drops fall as the wind blows.
    """
    density, strength = level
    count, _, height, width = images.shape
    drops = (random.uniform(count, 1, height, width) < density).to(images.dtype)
    length = height / 8
    wind = random.uniform(count, low=75, high=105)
    streaks = (smeared(drops, length / 2, length, wind) * length).clamp_max(1.0)
    grey = luma(images).mean(dim=(2, 3), keepdim=True)
    veil = torch.lerp(images, grey.expand_as(images), strength)
    return veil + strength * streaks * (0.95 - veil)


@corruption("led-flicker", "road", (0.2, 0.35, 0.5, 0.65, 0.8))
def led_flicker(images: Tensor, dark: float, random: Random) -> Tensor:
    """A sign of lamps that are pulsed, seen by a shutter that reads line by line: bands that are dark.

    dark: how much of a band's light is missing.  Two to five bands, half of the height together.
    """
    count = len(images)
    bands = per_picture(random.uniform(count, low=2, high=5))
    phase = per_picture(random.uniform(count))
    _, y = axes(images)
    wave = torch.sin(2 * math.pi * (bands * (y + 1) / 2 + phase))
    return images * (1 - dark * (0.5 + 4 * wave).clamp(0.0, 1.0))
