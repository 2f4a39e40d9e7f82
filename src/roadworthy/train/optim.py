"""Optimisers by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from roadworthy.config import OptimConfig
from roadworthy.core.registry import Registry

OptimizerBuilder = Callable[[nn.Module, OptimConfig], torch.optim.Optimizer]
OPTIMIZERS: Registry[OptimizerBuilder] = Registry("optimizer")


def build_optimizer(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """The optimiser that `config` names, over the weights of `model` that are trained."""
    return OPTIMIZERS.get(config.name)(model, config)


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Kernels decay; biases and normalisation weights do not: shrinking them regularises nothing."""
    trained = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]


@OPTIMIZERS.register("sgd")
def sgd(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """Stochastic gradient descent with Nesterov momentum."""
    groups = _groups(model, config.weight_decay)
    return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=config.momentum > 0)


@OPTIMIZERS.register("adam")
def adam(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """Adam as the study used it; weight decay, if any, enters the gradient."""
    return torch.optim.Adam(_groups(model, config.weight_decay), lr=config.lr, betas=(config.momentum, 0.999))


@OPTIMIZERS.register("adamw")
def adamw(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay."""
    return torch.optim.AdamW(
        _groups(model, config.weight_decay), lr=config.lr, betas=(config.momentum, 0.999)
    )


@OPTIMIZERS.register("muon")
def muon(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """Muon on the inner kernels (convolutions flattened to matrices), AdamW on everything else."""
    head = getattr(model, "head", None)
    # The first and last layers map to and from spaces with meaningful axes; orthogonalising harms them.
    first = next((p for p in model.parameters() if p.ndim > 1), None)
    outer = {id(p) for p in (head.parameters() if isinstance(head, nn.Module) else ())} | {id(first)}
    trained = [p for p in model.parameters() if p.requires_grad]
    inner = [p for p in trained if p.ndim > 1 and id(p) not in outer]
    return Muon(
        inner,
        [p for p in trained if p.ndim <= 1 or id(p) in outer],
        lr=config.lr,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
    )


class Muon(torch.optim.Optimizer):
    """Momentum whose update is replaced by the nearest (semi-)orthogonal matrix.

    matrices: weights of two or more dimensions; (out, in, h, w) counts as (out, in*h*w).
    others: weights that AdamW updates, at `lr * adam_ratio`.
    The update has a root-mean-square of 0.2 whatever the shape, so that rates suited to AdamW suit it too.
    Source: Jordan et al. 2024 (Newton-Schulz coefficients); Liu et al. 2025 (the scale).
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        others: Iterable[Tensor],
        *,
        lr: float = 2e-3,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        adam_ratio: float = 1.0,
    ) -> None:
        shared = {"weight_decay": weight_decay, "momentum": momentum, "adam_ratio": adam_ratio}
        groups = [
            {"params": list(matrices), "orthogonal": True, **shared},
            {"params": list(others), "orthogonal": False, **shared},
        ]
        super().__init__([g for g in groups if g["params"]], {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One update; `closure` is evaluated first if given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            update = self._orthogonal if group["orthogonal"] else self._adamw
            for parameter in group["params"]:
                if parameter.grad is not None:
                    update(parameter, parameter.grad, group)
        return loss

    def _orthogonal(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        buffer = state["momentum_buffer"].lerp_(gradient, 1 - group["momentum"])
        direction = gradient.lerp(buffer, group["momentum"]).flatten(1)  # Nesterov
        rows, columns = direction.shape
        scale = 0.2 * max(rows, columns) ** 0.5
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(orthogonalise(direction).view_as(parameter), alpha=-group["lr"] * scale)

    def _adamw(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state, lr = self.state[parameter], group["lr"] * group["adam_ratio"]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        step = state["step"].item()
        state["exp_avg"].lerp_(gradient, 0.1)
        state["exp_avg_sq"].lerp_(gradient.square(), 0.01)
        root = (state["exp_avg_sq"] / (1 - 0.99**step)).sqrt_().add_(1e-8)
        if parameter.ndim > 1:
            parameter.mul_(1 - lr * group["weight_decay"])
        parameter.addcdiv_(state["exp_avg"], root, value=-lr / (1 - 0.9**step))


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """(m, n) -> (m, n) with the same singular vectors and all singular values near 1 (0.7 to 1.2).

    Five steps of a quintic Newton-Schulz iteration; a zero matrix stays zero.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.float()
    wide: Tensor = x if x.shape[0] <= x.shape[1] else x.T
    wide = wide / (wide.norm() + 1e-7)  # the iteration converges for singular values up to about 1.2
    for _ in range(steps):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return (wide if x.shape[0] <= x.shape[1] else wide.T).to(matrix.dtype)
