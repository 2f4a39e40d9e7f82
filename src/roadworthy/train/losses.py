"""What training minimises."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roadworthy.results import IntArray

Loss = Callable[[Tensor, Tensor], Tensor]
"""(logits (B, C), targets: classes (B,) or probabilities (B, C)) -> a scalar."""


def build_loss(label_smoothing: float, class_weights: Tensor | None) -> Loss:
    """Cross-entropy in float32, smoothed, and weighted by class where weights are given."""

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy(logits.float(), targets, label_smoothing, class_weights)

    return loss


def cross_entropy(
    logits: Tensor, targets: Tensor, label_smoothing: float = 0.0, class_weights: Tensor | None = None
) -> Tensor:
    """The weighted mean over the batch, the same for classes (B,) and for these as probabilities (B, C)."""
    if targets.ndim == 1 or class_weights is None:
        return F.cross_entropy(logits, targets, weight=class_weights, label_smoothing=label_smoothing)
    # With probabilities torch divides by the number of pictures, with classes by the sum of their weights.
    total = F.cross_entropy(
        logits, targets, weight=class_weights, label_smoothing=label_smoothing, reduction="sum"
    )
    return total / (targets @ class_weights).sum()


def balancing_weights(class_counts: IntArray) -> Tensor:
    """(C,) weights inverse to the class counts, with mean 1 over the pictures; absent classes weigh 0."""
    counts = torch.as_tensor(class_counts, dtype=torch.float32)
    present = counts > 0
    return torch.where(present, counts.sum() / (present.sum() * counts.clamp(min=1)), 0.0)


def l2_penalty(model: nn.Module) -> Tensor:
    """Sum of squares of every kernel but the last layer's: the study's L2, to be multiplied by its factor."""
    head = getattr(model, "head", None)
    kernels = [m.weight for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear)) and m is not head]
    return torch.stack([kernel.square().sum() for kernel in kernels]).sum()
