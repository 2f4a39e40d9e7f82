"""How sharp the minimum is that training ended in, over a fixed set of pictures.

Three measures of the loss around the weights w: the norm of its gradient g, the largest eigenvalue of its
Hessian H, and its rise after a step of fixed length up the gradient.  A layer scaled by c and the next by 1/c
is the same network with other values of all three (Dinh et al. 2017), so that each has an adaptive variant in
units of the weights, with T = diag(|w|): the norm of T g, the largest eigenvalue of T H T, and the rise after
the step r T^2 g / ||T g|| (ASAM, Kwon et al. 2021, eq. 8, with nothing added to the units).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from roadworthy.core.errors import ConfigError
from roadworthy.evaluate.minima.objective import Batches, Objective, checked
from roadworthy.train.losses import Loss, cross_entropy

_RTOL, _MAX_ITERATIONS = 0.01, 100


@dataclass(frozen=True, kw_only=True)
class Eigenvalue:
    """The largest eigenvalue, as far as power iteration found it.

    value: a Rayleigh quotient, so never above the largest eigenvalue but for rounding.
    converged: whether some eigenvalue is known to lie within the tolerance of it.
    iterations: Hessian-vector products that it took.
    """

    value: float
    converged: bool
    iterations: int


@dataclass(frozen=True, kw_only=True)
class Sharpness:
    """Every measure; of n pictures, and of so many `parameters`, those that are trained."""

    n: int
    parameters: int
    loss: float
    gradient_norm: float
    eigenvalue: Eigenvalue
    radius: float
    ascent_rise: float
    adaptive_gradient_norm: float
    adaptive_eigenvalue: Eigenvalue
    adaptive_radius: float
    adaptive_ascent_rise: float

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, the eigenvalues as trees of their own."""
        return asdict(self)


def sharpness(
    model: nn.Module,
    batches: Batches,
    *,
    generator: torch.Generator,
    loss: Loss = cross_entropy,
    radius: float = 0.1,
    adaptive_radius: float = 1.0,
    rtol: float = _RTOL,
    max_iterations: int = _MAX_ITERATIONS,
    dtype: torch.dtype | None = None,
) -> Sharpness:
    """All measures at once; arguments and errors as of the functions below."""
    objective = Objective(model, batches, loss, dtype)
    value, gradient = objective.value(objective.weights), objective.gradient(objective.weights)
    plain, units = _units(objective, False), _units(objective, True)
    return Sharpness(
        n=objective.n,
        parameters=len(gradient),
        loss=checked(value, "the loss"),
        gradient_norm=_norm(gradient, plain),
        eigenvalue=_largest(objective, plain, generator, rtol, max_iterations),
        radius=radius,
        ascent_rise=_rise(objective, gradient, plain, radius),
        adaptive_gradient_norm=_norm(gradient, units),
        adaptive_eigenvalue=_largest(objective, units, generator, rtol, max_iterations),
        adaptive_radius=adaptive_radius,
        adaptive_ascent_rise=_rise(objective, gradient, units, adaptive_radius),
    )


def gradient_norm(
    model: nn.Module,
    batches: Batches,
    *,
    loss: Loss = cross_entropy,
    adaptive: bool = False,
    dtype: torch.dtype | None = None,
) -> float:
    """The L2 norm, over all trained weights, of the gradient of the mean loss over all pictures.

    batches, loss, dtype: as Objective has them, whose errors it raises.  adaptive: each weight's gradient
    times its size.
    Raises CheckpointError where the norm is not finite.
    """
    objective = Objective(model, batches, loss, dtype)
    return _norm(objective.gradient(objective.weights), _units(objective, adaptive))


def largest_eigenvalue(
    model: nn.Module,
    batches: Batches,
    *,
    generator: torch.Generator,
    loss: Loss = cross_entropy,
    adaptive: bool = False,
    rtol: float = _RTOL,
    max_iterations: int = _MAX_ITERATIONS,
    dtype: torch.dtype | None = None,
) -> Eigenvalue:
    """The largest eigenvalue of the Hessian, of T H T where adaptive; negative if all are.

    Power iteration from a random start finds the eigenvalue of the largest magnitude.  Where that is
    negative, or none stands out (two of opposite signs), it goes on with the spectrum shifted until no
    eigenvalue is negative; the largest in magnitude is then the largest.
    rtol: it stops when ||H v - value v|| is at most this part of |value|.  Some eigenvalue lies that near,
    mostly far nearer; that it is the largest is likely, never sure.
    max_iterations: without the shift, and as many again with it.
    generator: of the processor, for the start vector, which is the same on every device.
    Raises ConfigError on a tolerance or a number of iterations that is not positive; else as gradient_norm.
    """
    objective = Objective(model, batches, loss, dtype)
    return _largest(objective, _units(objective, adaptive), generator, rtol, max_iterations)


def ascent_rise(
    model: nn.Module,
    batches: Batches,
    *,
    radius: float,
    loss: Loss = cross_entropy,
    adaptive: bool = False,
    dtype: torch.dtype | None = None,
) -> float:
    """By how much a step of this length up the gradient raises the mean loss over all pictures.

    radius: the length over all trained weights together; where adaptive, that of the step over the weights
    it moves, element by element.  A gradient of zero has no direction: the rise is 0.  It is a difference of
    two losses: take dtype float64 where it is small.
    Raises ConfigError on a radius that is not finite or is negative; else as gradient_norm.
    """
    objective = Objective(model, batches, loss, dtype)
    return _rise(objective, objective.gradient(objective.weights), _units(objective, adaptive), radius)


def _units(objective: Objective, adaptive: bool) -> Tensor:
    """The diagonal of T, or 1."""
    return objective.weights.abs() if adaptive else torch.ones_like(objective.weights[:1])


def _norm(gradient: Tensor, units: Tensor) -> float:
    return checked(float(torch.linalg.vector_norm(units * gradient)), "the gradient's norm")


def _rise(objective: Objective, gradient: Tensor, units: Tensor, radius: float) -> float:
    if not 0 <= radius < float("inf"):
        raise ConfigError(f"the radius is {radius}; it must be 0 or positive, like 0.1")
    norm = _norm(gradient, units)
    if norm == 0:
        return 0.0
    step = units.square() * gradient * (radius / norm)
    return objective.value(objective.weights + step) - objective.value(objective.weights)


def _largest(
    objective: Objective, units: Tensor, generator: torch.Generator, rtol: float, max_iterations: int
) -> Eigenvalue:
    if not rtol > 0 or max_iterations < 1:
        raise ConfigError(
            f"rtol is {rtol} and max_iterations {max_iterations}; both must be positive, like 0.01 and 100"
        )
    weights = objective.weights

    def product(vector: Tensor) -> Tensor:
        return units * objective.hessian_product(weights, units * vector)

    def start() -> Tensor:
        return torch.randn(len(weights), generator=generator, dtype=torch.float64).to(weights)

    first = _iterate(product, start(), 0.0, rtol, max_iterations)
    if first.converged and first.value >= 0:
        return Eigenvalue(value=first.value, converged=True, iterations=first.iterations)
    # What is near the lowest eigenvalue's vector has nothing of the others left: begin anew.
    again = first.vector if first.value > 0 else start()
    second = _iterate(product, again, (1 + rtol) * first.length, rtol, max_iterations)
    # Every quotient is a lower bound, so the higher one is nearer.
    best = max(second, first, key=lambda found: found.value)
    return Eigenvalue(
        value=best.value, converged=best.converged, iterations=first.iterations + second.iterations
    )


class _Found(NamedTuple):
    """After power iteration: the quotient of `vector`, the length of its image, products taken."""

    value: float
    converged: bool
    iterations: int
    vector: Tensor
    length: float


def _iterate(
    product: Callable[[Tensor], Tensor], start: Tensor, shift: float, rtol: float, max_iterations: int
) -> _Found:
    """Power iteration with `shift` added to every eigenvalue; what is found is without it."""
    rounding = 10 * torch.finfo(start.dtype).eps
    following = start
    for iteration in range(1, max_iterations + 1):
        vector = following / torch.linalg.vector_norm(following)
        image = product(vector)
        value = checked(float(vector @ image), "the Hessian's quotient")
        length = float(torch.linalg.vector_norm(image))
        residual = float(torch.linalg.vector_norm(image - value * vector))
        if residual <= rtol * abs(value) + rounding * (length + shift):
            return _Found(value, True, iteration, vector, length)
        following = image + shift * vector
    return _Found(value, False, iteration, vector, length)
