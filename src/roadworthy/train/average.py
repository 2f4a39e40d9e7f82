"""Averages of the weights along a training: nearly always better than the last weights, and free.

By hand: torch's AveragedModel knows no share of the budget, with which the equal mean begins, and would need
the growing decay and the copied counters written into its `multi_avg_fn` all the same.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from roadworthy.config import TrainConfig
from roadworthy.core.errors import ConfigError


class WeightAverage:
    """Keeps `model`, an exponential moving average of the network it is given; what is evaluated and saved.

    decay: weight of the past per step.  It grows from 0.1 over the first steps, so that the random
    beginning is soon forgotten.  BatchNorm's running statistics are averaged with the weights (they are
    those of the averaged network only approximately, but follow it closely); counters are copied.
    """

    count = 0  # steps in an equal mean; belongs to the state of a training

    def __init__(self, model: nn.Module, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ConfigError(f"train.ema is {decay}; it must lie in [0, 1), 0 for no averaging")
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    def update(self, model: nn.Module, step: int, done: float = 0.0) -> None:
        """Take in the weights of `model` after step `step` (counted from 1).

        done: how much of the budget is used, in [0, 1].
        """
        self._take_in(model, 1 - min(self.decay, step / (step + 9.0)))

    @torch.no_grad()
    def _take_in(self, model: nn.Module, weight: float) -> None:
        ours, theirs = self.model.state_dict(), model.state_dict()
        floats = [name for name, value in ours.items() if value.is_floating_point()]
        torch._foreach_lerp_([ours[n] for n in floats], [theirs[n] for n in floats], weight)
        for name in ours.keys() - set(floats):
            ours[name].copy_(theirs[name])


class EqualAverage(WeightAverage):
    """Stochastic weight averaging: the mean over every step of the last `fraction` of the budget.

    Steps, not epochs: a short budget may hold no whole epoch in its last part.  Until then `model` follows
    the network, so that validation has something to choose from.  BatchNorm's statistics as above; in a
    trial they served as well as those estimated anew, which would take another pass over the data.
    Source: Izmailov et al. 2018.
    """

    def __init__(self, model: nn.Module, fraction: float) -> None:
        super().__init__(model, 0.0)
        self.fraction = fraction

    def update(self, model: nn.Module, step: int, done: float = 0.0) -> None:
        """Take in the weights of `model`: 1 / n of the mean as the n-th of the last part, else all of it."""
        self.count += done > 1 - self.fraction
        self._take_in(model, 1 / max(1, self.count))


def build_average(config: TrainConfig, model: nn.Module) -> WeightAverage | None:
    """What `train.average` names; None for an exponential one with a decay of 0."""
    if config.average == "swa":
        return EqualAverage(model, config.swa_fraction)
    return WeightAverage(model, config.ema) if config.ema else None
