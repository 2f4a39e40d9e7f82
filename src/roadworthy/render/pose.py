"""How a sign is turned towards the camera, and where in the picture it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from roadworthy.imaging import ops
from roadworthy.render.effects import (
    EFFECTS,
    Framing,
    Pose,
    Random,
    batch,
)


@EFFECTS.register("rotation")
@dataclass(frozen=True)
class Rotation(Pose):
    """Bent poles and tilted cameras: mostly within ±`amount` degrees, one in ten up to three times that.

    Lopes da Silva and Fernandes 2022 turn by up to 10 degrees; photographs of street signs have longer tails.
    """

    def matrix(self, count: int, random: Random) -> Tensor:
        """One angle per picture."""
        angle = random.normal(count).clamp_(-2, 2) * (self.amount / 2)
        return ops.rotation(torch.where(random.uniform(count) < 0.1, 3 * angle, angle))


@EFFECTS.register("shear")
@dataclass(frozen=True)
class Shear(Pose):
    """What a far oblique view leaves when perspective is taken away: up to ±`amount` degrees."""

    def matrix(self, count: int, random: Random) -> Tensor:
        """Two angles per picture."""
        x, y = random.uniform(2, count, low=-self.amount, high=self.amount)
        return ops.shear(x, y / 2)


@EFFECTS.register("perspective")
@dataclass(frozen=True)
class Perspective(Pose):
    """Seen from the side or from below: depth changes by up to `amount` from the middle to an edge."""

    def matrix(self, count: int, random: Random) -> Tensor:
        """Two tilts per picture."""
        # Together below 1, where a corner of the tile would reach the horizon.
        bound = min(self.amount, 0.45)
        x, y = random.uniform(2, count, low=-bound, high=bound)
        return ops.perspective(x, y)


@EFFECTS.register("turn")
@dataclass(frozen=True)
class Turn(Pose):
    """Seen from the side, the sign is narrower: across it shrinks by up to `amount`."""

    def matrix(self, count: int, random: Random) -> Tensor:
        """One factor per picture; most are near 1, as the cosine of the angle is."""
        factor = 1 - self.amount * random.uniform(count).square()
        return ops.zoom(factor, torch.ones_like(factor))


@EFFECTS.register("crop")
@dataclass(frozen=True)
class Crop(Framing):
    """Room around the sign: the picture is 1 to 1 + `amount` times as wide as the sign, tight more often.

    Detectors and annotators leave margins: GTSRB a tenth, other sets up to the sign's own size and more.
    """

    def move(self, frame: Tensor, random: Random) -> Tensor:
        """One looseness per picture, and the sign anywhere in the inner part of the room."""
        u = random.uniform(3, batch(frame))
        half = frame[:, :2] / (1 + self.amount * u[0].square())[:, None]
        place = (u[1:].mT * 2 - 1) * (frame[:, :2] - half) * 0.6
        return torch.cat([half, frame[:, 2:] + place], dim=1)


@EFFECTS.register("off-centre")
@dataclass(frozen=True)
class OffCentre(Framing):
    """Boxes are drawn by hand: the sign lies off by up to ±`amount` of its size."""

    def move(self, frame: Tensor, random: Random) -> Tensor:
        """Two shifts per picture."""
        shift = random.uniform(batch(frame), 2, low=-2 * self.amount, high=2 * self.amount)
        return torch.cat([frame[:, :2], frame[:, 2:] + shift * frame[:, :2]], dim=1)


@EFFECTS.register("cut-off")
@dataclass(frozen=True)
class CutOff(Framing):
    """Half out of the picture: up to `amount` of the sign lies beyond one of the four borders."""

    def move(self, frame: Tensor, random: Random) -> Tensor:
        """One border and one share per picture."""
        half, middle = frame[:, :2], frame[:, 2:]
        u = random.uniform(3, batch(frame))
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
        u = random.uniform(2, batch(frame))
        narrow = 1 - self.amount * u[0]
        one = torch.ones_like(narrow)
        flat = u[1] < 0.5
        factors = torch.stack([torch.where(flat, one, narrow), torch.where(flat, narrow, one)], dim=1)
        return torch.cat([frame[:, :2] * factors, frame[:, 2:]], dim=1)


@EFFECTS.register("standing")
@dataclass(frozen=True)
class Standing(Framing):
    """The sign fills 1 / `amount` of the picture's side, and lies in its middle."""

    def move(self, frame: Tensor, random: Random) -> Tensor:
        """The same for all."""
        return torch.cat([frame[:, :2] / self.amount, frame[:, 2:] * 0], dim=1)
