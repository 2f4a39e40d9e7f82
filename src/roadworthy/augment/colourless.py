"""Pictures whose colours are gone or wrong: grey and infrared cameras, tints, shade, channels swapped."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from roadworthy.augment.op import OPS, Colour
from roadworthy.imaging import ops

_RANGE_SHARE = 0.3  # use a part of the range only, as 16-bit readings shown in 8 bits do


@OPS.register("colourless")
@dataclass(frozen=True)
class Colourless(Colour):
    """Take colour away: all of it at an `amount` of 1, `amount` of it below.

    A third each: grey in any mixture of the channels; one channel alone or, as infrared cameras see, mostly
    red; grey under a tint, or with a little colour left.  Some use a part of the range of levels only.
    """

    amount: float = 1.0
    probability: float = 0.1
    draws = 9
    range_text = "grey, one channel, infrared or a tint, {:.0%} of the colour gone"

    def matrix(self, u: Tensor, mean_grey: Tensor) -> Tensor:
        """One kind of camera per picture."""
        kind, mixture, gains = u[:, :1], u[:, 1:4], 0.45 + 0.55 * u[:, 4:7]
        luma = u.new_tensor(ops.LUMA)
        any_grey = luma * 0.5 + mixture / mixture.sum(dim=1, keepdim=True).clamp_min(1e-3) * 0.5
        channel = F.one_hot((mixture[:, 0] * 3).long().clamp_max(2), 3).to(u)
        infrared = torch.stack([0.6 + 0.3 * mixture[:, 1], 0.3 * mixture[:, 2], 0.1 * mixture[:, 0]], dim=1)
        one = torch.where(mixture[:, :1] < 0.5, channel, infrared)
        weights = torch.where(kind < 1 / 3, any_grey, torch.where(kind < 2 / 3, one, luma))
        tints = torch.where((kind >= 2 / 3) & (kind < 5 / 6), gains, 1.0)
        grey = tints[:, :, None] * weights[:, None, :]
        kept = torch.where(kind >= 5 / 6, 0.2 * mixture[:, :1], 0.0).clamp_min(1 - min(1.0, self.amount))
        linear = torch.lerp(grey, torch.eye(3, device=u.device).expand_as(grey), kept[:, :, None])
        # The part of the range: from `low` on, `span` wide.
        part = u[:, 7] < _RANGE_SHARE * min(1.0, self.amount)
        span = torch.where(part, 0.25 + 0.75 * u[:, 8], 1.0)[:, None, None]
        low = torch.where(part, mixture[:, 1], 0.0)[:, None, None] * (1 - span)
        return torch.cat([linear * span, low.expand(-1, 3, 1)], dim=2)


@OPS.register("backlit")
@dataclass(frozen=True)
class Backlit(Colour):
    """A sign against the light: in the shade, pale, in the colour of the sky or of a low sun, behind a veil.

    A red ring is hardly redder there than its ground; what it says is the same.  At an `amount` of 1 a tenth
    to two thirds of the colour is left, a quarter to all of the light, and up to two fifths of veil above it.
    """

    amount: float = 1.0
    probability: float = 0.08
    draws = 5
    range_text = "against the light: pale, dark, tinted and veiled at {:.0%}"

    def matrix(self, u: Tensor, mean_grey: Tensor) -> Tensor:
        """One kind of light per picture."""
        amount = min(1.0, self.amount)
        pale = ops.saturation(1 - amount * (0.35 + 0.55 * u[:, 0]))
        cast = amount * u[:, 1]
        cold = torch.stack([1 - 0.5 * cast, 1 - 0.2 * cast, torch.ones_like(cast)], dim=1)
        tint = torch.where(u[:, 2:3] < 0.75, cold, cold.flip(1))
        light, veil = 1 - 0.75 * amount * u[:, 3], 0.4 * amount * u[:, 4]
        gains = ((1 - veil) * light)[:, None] * tint
        shade = torch.diag_embed(gains) @ pale
        shade[:, :, 3] = (0.8 * veil)[:, None] * tint
        return shade


@OPS.register("swapped-channels")
@dataclass(frozen=True)
class SwappedChannels(Colour):
    """Swap red and blue, as a picture read in the wrong order, and give the label of what is no sign.

    The policy picks pictures of classes whose every face has colours, and changes the labels: a blue ring
    limits nothing.
    """

    amount: float = 1.0
    probability: float = 0.03
    draws = 0
    range_text = "coloured signs with red and blue swapped become no-sign"

    def matrix(self, u: Tensor, mean_grey: Tensor) -> Tensor:
        """Swaps every picture."""
        swap = torch.eye(3, 4, device=u.device)[[2, 1, 0]]
        return swap.expand(len(u), 3, 4)
