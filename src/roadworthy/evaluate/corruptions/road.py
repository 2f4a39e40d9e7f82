"""What befalls road signs and photographs of them, in five severities each.

Constants are ours: severity 1 is what a driver would hardly notice, 5 leaves signs that most people still
read at a second glance.  All lengths are fractions of the picture, which the sign is taken to fill but for
a margin of a tenth, as GTSRB's crops are.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from roadworthy.evaluate.corruptions.base import corruption
from roadworthy.render.effects import (
    Random,
    any_colours,
    axes,
    boxes,
    cover,
    lay,
    per_picture,
    pixel,
    step,
    strokes,
)
from roadworthy.render.surfaces import faded

SIGN = 0.85  # half the side of what is taken to be the sign; the picture's is 1


@corruption("fade", "road", (0.2, 0.4, 0.6, 0.8, 1.0))
def fade(images: Tensor, random: Random, degree: float) -> Tensor:
    """Bleached by years of sun: red turns pale pink, all else pales by a third of that.

    Equal steps up to the drawn camera's fading in full.  Not random.
    """
    return faded(images, images.new_full((len(images), 1, 1, 1), degree))


@corruption("sticker", "road", (0.02, 0.05, 0.1, 0.16, 0.24))
def sticker(images: Tensor, random: Random, area: float) -> Tensor:
    """One sticker of any colour with a mark on it, anywhere on the sign.

    area: share of the picture.  On a sign of 60 cm, 0.02 is a sticker of 10 cm, as for clubs and shops; 0.24
    a poster of 35 cm, which hides about all of one digit.
    """
    count, size = len(images), 2 * math.sqrt(area)
    oblong = random.uniform(count, 1, low=0.7, high=1.4).sqrt()
    half = torch.cat([oblong, 1 / oblong], dim=1) * (size / 2)
    # Within the sign, so that all of the area covers some of it.
    place = random.uniform(count, 2, low=-1, high=1) * (SIGN - half).clamp_min(0.0)
    paper = torch.cat([place, half, random.uniform(count, 1, low=-0.5, high=0.5)], dim=1)
    mark = paper * paper.new_tensor([1, 1, 0.5, 0.5, 1])
    x, y = axes(images)
    masks = boxes(x, y, torch.stack([mark, paper], dim=1), pixel(images))
    return lay(images, masks, any_colours(random, count, 2))


@corruption("glare", "road", (0.4, 0.7, 1.0, 1.4, 2.0))
def glare(images: Tensor, random: Random, strength: float) -> Tensor:
    """The sun, or its reflection on the sign: light added around one place, and a veil over everything.

    strength: light at the brightest place, white being 1.  At 0.4 black becomes dark grey there; from 1 on
    all is white there, and at 2 over a third of the picture's width.  The veil is a tenth of that: light
    scattered in lens and windscreen.
    """
    x, y = axes(images)
    across, down = random.uniform(2, len(images), low=-SIGN, high=SIGN)
    square = (x - per_picture(across)) ** 2 + (y - per_picture(down)) ** 2
    width = per_picture(random.uniform(len(images), low=0.3, high=0.5))
    light = strength * (0.1 + 1 / (1 + square / width**2) ** 1.5)
    return images + light * images.new_tensor([1.0, 0.97, 0.9])[:, None, None]


@corruption("leaf", "road", (2, 4, 7, 11, 16))
def leaf(images: Tensor, random: Random, leaves: int) -> Tensor:
    """A twig in front of the sign, reaching in from one side.

    leaves: how many; they overlap, so that severity 1 hides 5 % of the picture, at an edge, and severity 5
    30 %, at times the symbol.
    """
    count = len(images)
    side = random.uniform(count, 1, high=2 * math.pi)
    # The first leaf hangs at the edge, the last one reaches farthest in.
    order = (torch.arange(leaves, device=images.device) + 0.5) / 16
    depth = 0.95 - 1.1 * order + 0.1 * random.normal(count, leaves)
    along = random.normal(count, leaves) * 0.3
    middle = torch.stack(
        [side.cos() * depth - side.sin() * along, side.sin() * depth + side.cos() * along], dim=2
    )
    long = random.uniform(count, leaves, 1, low=0.2, high=0.3)
    slim = random.uniform(count, leaves, 1, low=0.4, high=0.6)
    turn = random.uniform(count, leaves, 1, high=math.pi)
    shape = torch.cat([middle, long, long * slim, turn], dim=2)
    ends = torch.cat([torch.stack([side.cos(), side.sin()], 2) * 1.5, middle[:, -1:]], dim=2)
    x, y = axes(images)
    twig = strokes(x, y, ends, random.uniform(count, 1, low=0.015, high=0.03), pixel(images))
    masks = torch.cat([boxes(x, y, shape, pixel(images), round_=True), twig], dim=1)
    green = images.new_tensor(_GREENS)[
        (random.uniform(count) * len(_GREENS)).long().clamp_max(len(_GREENS) - 1)
    ]
    colours = green[:, None] * random.uniform(count, leaves, 1, low=0.6, high=1.4)
    bark = images.new_tensor([0.25, 0.2, 0.15]).expand(count, 1, 3)
    return lay(images, masks, torch.cat([colours, bark], dim=1))


_GREENS = ((0.22, 0.35, 0.12), (0.35, 0.42, 0.2), (0.12, 0.2, 0.08), (0.5, 0.35, 0.12))


@corruption("rain", "road", ((6, 0.3, 0.05), (12, 0.4, 0.12), (20, 0.5, 0.2), (30, 0.6, 0.3), (42, 0.7, 0.4)))
def rain(images: Tensor, random: Random, drops: int, opacity: float, mist: float) -> Tensor:
    """Rain: bright streaks of one slant, and contrast lost to the drops farther off.

    drops: streaks in the picture, from a drizzle's to a downpour's.  opacity: of each.  mist: share of the
    scene's light that is replaced by the grey of a rainy sky; at 0.4 black on white keeps 60 % contrast.
    """
    count = len(images)
    start = random.uniform(count, drops, 2, low=-1.2, high=1.2)
    lean = random.uniform(count, 1, low=-0.5, high=0.5)
    # A shutter of 1/100 s smears a drop falling at 8 m/s over 8 cm, a tenth to a third of a sign.
    length = random.uniform(count, drops, low=0.15, high=0.6)
    end = start + torch.stack([lean * length, length], dim=2)
    x, y = axes(images)
    width = random.uniform(count, 1, low=0.3, high=0.6) * pixel(images)
    streaks = strokes(x, y, torch.cat([start, end], dim=2), width, pixel(images)).amax(1, keepdim=True)
    misty = torch.lerp(images, torch.full_like(images, 0.6), mist)
    return cover(misty, streaks * opacity, images.new_full((1, 3, 1, 1), 0.85))


@corruption("led-flicker", "road", (0.15, 0.3, 0.45, 0.6, 0.75))
def led_flicker(images: Tensor, random: Random, dark: float) -> Tensor:
    """An LED sign photographed while some of its rows are dark: they are lit in turns, faster than one sees.

    dark: share of the sign's rows.  Controllers light one row in two to one in eight at a time and short
    exposures catch part of a turn; so bands of three to six a sign, of which up to three quarters are dark,
    and dark LEDs keep a tenth of their light, which is the day's.  Meant for LED faces, which have no other
    light; on painted signs it is an occlusion by stripes.
    """
    count = len(images)
    x, y = axes(images)
    bands = per_picture(random.uniform(count, low=3, high=6))
    phase = (y * (bands / (2 * SIGN)) + per_picture(random.uniform(count))) % 1.0
    # Distance into a dark band in rows, so that band edges are as soft as a pixel at any size.
    depth = (dark / 2 - (phase - 0.5).abs()) * (2 * SIGN) / bands
    sign = step(SIGN - x.abs(), pixel(images)) * step(SIGN - y.abs(), pixel(images))
    return images * (1 - 0.9 * sign * step(depth, pixel(images)))
