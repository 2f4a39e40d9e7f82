"""Exponential moving average of the weights: nearly always better than the last weights, and free."""

from __future__ import annotations

import copy

import torch
from torch import nn

from roadworthy.errors import ConfigError


class WeightAverage:
    """Keeps `model`, an averaged copy of the network it is given; what is evaluated and saved.

    decay: weight of the past per step.  It grows from 0.1 over the first steps, so that the random
    beginning is soon forgotten.  BatchNorm's running statistics are averaged with the weights (they are
    those of the averaged network only approximately, but follow it closely); counters are copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ConfigError(f"train.ema is {decay}; it must lie in [0, 1), 0 for no averaging")
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights of `model` after step `step` (counted from 1)."""
        decay = min(self.decay, step / (step + 9.0))
        ours, theirs = self.model.state_dict(), model.state_dict()
        floats = [name for name, value in ours.items() if value.is_floating_point()]
        torch._foreach_lerp_([ours[n] for n in floats], [theirs[n] for n in floats], 1 - decay)
        for name in ours.keys() - set(floats):
            ours[name].copy_(theirs[name])
