"""The loss and the error along random directions away from a network's weights, filter by filter to scale.

Source: Li et al. 2018, "Visualizing the loss landscape of neural nets", section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from roadworthy.evaluate.minima.objective import Batches, Objective
from roadworthy.train.losses import Loss, cross_entropy

STEPS = tuple(i / 10 for i in range(-10, 11))
"""From -1, where a direction takes as much from each filter as its norm, to 1."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Along one direction: at each step the mean loss, and the share of pictures in error."""

    n: int
    steps: tuple[float, ...]
    losses: tuple[float, ...]
    errors: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Surface:
    """Along two directions: losses[i][j], errors[i][j] are steps[j] along the first, steps[i] the second."""

    n: int
    steps: tuple[float, ...]
    losses: tuple[tuple[float, ...], ...]
    errors: tuple[tuple[float, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers."""
        return asdict(self)


def loss_curve(
    model: nn.Module,
    batches: Batches,
    *,
    generator: torch.Generator,
    steps: Sequence[float] = STEPS,
    loss: Loss = cross_entropy,
    dtype: torch.dtype | None = None,
) -> Curve:
    """The landscape at w + a d, for every a of `steps`, along one direction of `random_direction`.

    batches, loss, dtype: as Objective has them, whose errors it raises; each step is one pass over all
    pictures.  generator: networks with equal shapes get directions that differ only in their filters' norms.
    Far from the weights a loss may be infinite or NaN, and is then given so.
    """
    objective = Objective(model, batches, loss, dtype)
    direction = _direction(objective, generator)
    found = [objective.value_and_error(objective.weights + step * direction) for step in steps]
    losses, errors = zip(*found, strict=True)
    return Curve(n=objective.n, steps=tuple(steps), losses=losses, errors=errors)


def loss_surface(
    model: nn.Module,
    batches: Batches,
    *,
    generator: torch.Generator,
    steps: Sequence[float] = STEPS,
    loss: Loss = cross_entropy,
    dtype: torch.dtype | None = None,
) -> Surface:
    """The landscape at w + a d + b e, for every a and b of `steps`; else as loss_curve.

    The two directions are drawn independently and, as in the source, are not made orthogonal: among many
    weights they nearly are.
    """
    objective = Objective(model, batches, loss, dtype)
    first, second = _direction(objective, generator), _direction(objective, generator)
    rows = [
        [objective.value_and_error(objective.weights + a * first + b * second) for a in steps] for b in steps
    ]
    return Surface(
        n=objective.n,
        steps=tuple(steps),
        losses=tuple(tuple(loss for loss, _ in row) for row in rows),
        errors=tuple(tuple(error for _, error in row) for row in rows),
    )


def random_direction(weights: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """A normally distributed direction, each filter of it with the norm of the weights' filter.

    weights: by name, a filter being all that leads to one output channel, the first axis; one without any
    other axis (a bias, BatchNorm's) gets zeros.  generator: of the processor.
    """
    return {name: _like(weight, generator) for name, weight in weights.items()}


def _like(weight: Tensor, generator: torch.Generator) -> Tensor:
    if weight.ndim < 2:
        return torch.zeros_like(weight)
    drawn = torch.randn(weight.shape, generator=generator, dtype=torch.float64).to(weight)
    axes = tuple(range(1, weight.ndim))
    norms = [torch.linalg.vector_norm(filters, dim=axes, keepdim=True) for filters in (weight, drawn)]
    scale: Tensor = norms[0] / norms[1]
    return drawn * scale


def _direction(objective: Objective, generator: torch.Generator) -> Tensor:
    return objective.flat(random_direction(objective.named(objective.weights), generator))
