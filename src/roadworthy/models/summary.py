"""What a network is made of: layers, shapes, parameters, multiply-adds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer: name, kind, output shape without the batch, parameters, multiply-adds per picture."""

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int


def summarise(model: nn.Module, size: int) -> list[Layer]:
    """One row per layer that computes, in the order in which one picture of `size` px meets them."""
    rows: list[Layer] = []
    names = {module: name for name, module in model.named_modules()}

    def record(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        rows.append(
            Layer(
                name=names[module],
                kind=type(module).__name__,
                output=tuple(output.shape[1:]),
                parameters=sum(p.numel() for p in module.parameters(recurse=False)),
                multiply_adds=_multiply_adds(module, output),
            )
        )

    # What has weights of its own computes, also where it holds further modules (for padding, say).
    layers = [m for m in model.modules() if not list(m.children()) or list(m.parameters(recurse=False))]
    hooks = [layer.register_forward_hook(record) for layer in layers]
    was_training = model.training
    device = next(model.parameters()).device
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, 3, size, size, device=device))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return rows


def _multiply_adds(module: nn.Module, output: Tensor) -> int:
    if isinstance(module, nn.Conv2d):
        return module.weight[0].numel() * output[0].numel()
    if isinstance(module, nn.Linear):
        return module.weight.numel()
    return 0  # normalisation and activations: a few operations per value, not counted by convention


def describe(model: nn.Module, size: int) -> str:
    """The table that becomes model.txt."""
    rows = summarise(model, size)
    lines = [f"{'layer':<28}{'kind':<20}{'output':<16}{'parameters':>12}{'multiply-adds':>16}"]
    for row in rows:
        shape = " x ".join(map(str, row.output))
        lines.append(f"{row.name:<28}{row.kind:<20}{shape:<16}{row.parameters:>12,}{row.multiply_adds:>16,}")
    parameters, multiply_adds = sum(r.parameters for r in rows), sum(r.multiply_adds for r in rows)
    lines.append(f"{'total':<64}{parameters:>12,}{multiply_adds:>16,}")
    lines.append(f"input 3 x {size} x {size}; multiply-adds of convolutions and dense layers, per picture")
    return "\n".join(lines) + "\n"
