"""The loss over a fixed set of pictures as a function of a network's weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from roadworthy.core.errors import CheckpointError, ConfigError, DataError, ShapeError
from roadworthy.inference.torch import evaluating
from roadworthy.train.losses import Loss, cross_entropy

Batches = Iterable[tuple[Tensor, Tensor]]
"""(inputs, targets) of a fixed set of pictures, the same at each reading: a list, not a generator."""


class Objective:
    """The mean loss over all pictures of a set, with its derivatives, at any weights.

    batches: however the pictures are divided, each counts alike; one batch at a time is in memory.
    loss: the mean over the pictures of a batch.  A loss that computes in float32 does so here too.
    dtype: of all computation; None for the weights' own, or float32 where these are shorter.

    `weights` are those that are trained, in one vector (P,), on their device; `n` is the number of pictures.
    The network runs in evaluation mode (BatchNorm by its running statistics) with copies of its weights and
    buffers, so that it is never changed; its modules are in other modes only while it runs.
    Raises ConfigError where no weights are trained, DataError on no pictures or on batches that can be read
    but once.
    """

    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        loss: Loss = cross_entropy,
        dtype: torch.dtype | None = None,
    ) -> None:
        trained = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
        if not trained:
            raise ConfigError(f"{type(model).__name__} has no trainable weights; unfreeze some")
        if iter(batches) is batches:
            raise DataError(
                "the batches can be read only once, and are needed many times; give a list of them"
            )
        self._model, self._batches, self._loss = model, batches, loss
        flat = torch.cat([weight.flatten() for weight in trained.values()])
        self.weights = flat.to(dtype or torch.promote_types(flat.dtype, torch.float32), copy=True)
        self._shapes = {name: weight.shape for name, weight in trained.items()}
        others = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        self._others = {name: value.detach() for name, value in others.items() if name not in trained}
        self.n = sum(len(targets) for _, targets in batches)
        if self.n == 0:
            raise DataError("there are no pictures in the batches; a mean needs at least one")

    def value(self, weights: Tensor) -> float:
        """The loss."""
        with torch.no_grad():
            return sum(float(self._part(weights, *batch)) for batch in self._batches)

    def value_and_error(self, weights: Tensor) -> tuple[float, float]:
        """The loss, and the share of pictures whose largest logit is not their (likeliest) class's."""
        value, wrong = 0.0, 0
        with torch.no_grad():
            for inputs, targets in self._batches:
                logits, wanted = self._answer(weights, inputs, targets)
                value += float(self._share(logits, wanted))
                classes = wanted if wanted.ndim == 1 else wanted.argmax(dim=1)
                wrong += int((logits.argmax(dim=1) != classes).sum())
        return value, wrong / self.n

    def gradient(self, weights: Tensor) -> Tensor:
        """(P,), of the loss."""
        return self._summed(weights, lambda part, at: torch.autograd.grad(part, at)[0])

    def hessian_product(self, weights: Tensor, vector: Tensor) -> Tensor:
        """(P,), the Hessian of the loss times a vector, exact but for rounding: differentiated twice."""

        def product(part: Tensor, at: Tensor) -> Tensor:
            (gradient,) = torch.autograd.grad(part, at, create_graph=True)
            if not gradient.requires_grad:  # the loss is linear in the weights
                return torch.zeros_like(vector)
            return torch.autograd.grad(gradient, at, vector, materialize_grads=True)[0]

        return self._summed(weights, product)

    def named(self, vector: Tensor) -> dict[str, Tensor]:
        """Such a vector by the names and in the shapes of the network's weights; views of it."""
        parts = vector.split([shape.numel() for shape in self._shapes.values()])
        return {
            name: part.view(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }

    def flat(self, named: Mapping[str, Tensor]) -> Tensor:
        """The reverse of `named`."""
        return torch.cat([named[name].flatten() for name in self._shapes]).to(self.weights)

    def _summed(self, weights: Tensor, of: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        total = torch.zeros_like(weights)
        with torch.enable_grad():
            for batch in self._batches:
                at = weights.detach().requires_grad_()
                total += of(self._part(at, *batch), at)
        return total

    def _part(self, weights: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
        return self._share(*self._answer(weights, inputs, targets))

    def _share(self, logits: Tensor, targets: Tensor) -> Tensor:
        """What a batch adds to the mean over all pictures."""
        loss = self._loss(logits, targets)
        if loss.ndim:
            raise ShapeError(f"the loss of a batch is {tuple(loss.shape)}; it must be one number, their mean")
        return loss * (len(targets) / self.n)

    def _answer(self, weights: Tensor, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, and the targets where they can be compared with them."""
        # Copies, so that not even a network that writes to its buffers in evaluation mode is changed.
        others = {name: self._moved(value.clone()) for name, value in self._others.items()}
        with evaluating(self._model):
            logits = functional_call(self._model, {**others, **self.named(weights)}, (self._moved(inputs),))
        return logits, self._moved(targets)

    def _moved(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.weights if tensor.is_floating_point() else self.weights.device)


def checked(value: float, what: str) -> float:
    """Refuse a measure that is not a finite number."""
    if value - value != 0:
        raise CheckpointError(
            f"{what} is {value}; the network's weights are damaged or training diverged, use an earlier "
            "checkpoint"
        )
    return value
