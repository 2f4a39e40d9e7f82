"""What training minimises."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roadworthy.core.arrays import IntArray

Loss = Callable[[Tensor, Tensor], Tensor]
"""(logits (B, C), of V views (V B, C); targets: classes (B,) or probabilities (B, C)) -> a scalar."""


def build_loss(label_smoothing: float, class_weights: Tensor | None, consistency: float = 0.0) -> Loss:
    """Cross-entropy in float32, smoothed, and weighted by class where weights are given.

    consistency: weight of the divergence among the answers to several views, stacked along the batch; the
    cross-entropy is then that of the first view.
    """

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        logits = logits.float()
        first = cross_entropy(logits[: len(targets)], targets, label_smoothing, class_weights)
        if not consistency:
            return first
        views = logits.view(-1, len(targets), logits.shape[1])
        return first + consistency * jensen_shannon_divergence(views)

    return loss


def jensen_shannon_divergence(logits_VBC: Tensor) -> Tensor:
    """How far the V answers to each picture differ, the mean over the batch: from 0 (all alike) to ln V nats.

    The mean of the Kullback-Leibler divergences of each answer from the mean answer.
    """
    log_probs = logits_VBC.log_softmax(dim=2)
    log_mean = log_probs.logsumexp(dim=0) - math.log(len(log_probs))
    return (log_probs.exp() * (log_probs - log_mean)).sum(dim=2).mean()


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
