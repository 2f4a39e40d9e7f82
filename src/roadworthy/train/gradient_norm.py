"""Penalising the norm of the loss's gradient (Zhao, Zhang and Hu, ICML 2022), and its relatives.

The objective is L(w) + lambda ||grad L(w)||.  Its gradient, by a forward difference of radius r, is

    d = (1 - alpha) g1 + alpha g2,   g1 = grad L(w),   g2 = grad L(w + r g1 / ||g1||),   alpha = lambda / r

so alpha 0 is plain training and alpha 1 is SAM (Foret et al. 2021) with rho = r.  What stands here makes
gradients and is no optimiser: `backward` leaves d in every `.grad`, for any torch optimiser to step with.

    penalty = GradientNormPenalty(model, r=0.1, alpha=0.8)

    def closure():  # forward and backward of the whole batch, however many parts it has
        loss = loss_of(model(images), targets)
        loss.backward()
        return loss

    loss = penalty.backward(closure)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal, Protocol

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from roadworthy.config import PenaltyConfig
from roadworthy.core.errors import ConfigError

Closure = Callable[[], Tensor]
"""Forward and backward of a whole batch: adds its gradients to `.grad` and returns the loss."""

Mix = Literal["paper", "normalised"]
_NORMALISATIONS = (
    nn.modules.batchnorm._BatchNorm,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.modules.instancenorm._InstanceNorm,
)


class GradientRule(Protocol):
    """What makes the gradients of a step.

    gradient_norm: what the latest step's penalty took of its first gradient; None where it took none.
    """

    gradient_norm: float | None

    def backward(self, closure: Closure) -> Tensor:
        """Leave the step's gradients in every `.grad`; returns the loss at the weights as they are."""
        ...


class Plain:
    """The gradient of the loss itself, added to what lies in `.grad`."""

    gradient_norm: float | None = None

    def backward(self, closure: Closure) -> Tensor:
        """One pass."""
        return closure()


class GradientNormPenalty:
    """The gradient of the loss and of its own norm, in two passes over one batch.

    r: length of the step to where the second gradient is taken, over all weights together, positive; 0 for
        none.  alpha: lambda / r, in [0, 1]; above 1 the penalty outweighs the loss, which is allowed.
    mix: `paper`, or `normalised`: (1 - alpha) g1 / ||g1|| + alpha g2, a default of the authors' code.
    adaptive: the step in units of each weight (ASAM, Kwon et al. 2021): r counts fractions, about 1.
    floor: what is added to every unit, so that weights near zero move too (ASAM's eta).
    only_normalisation: the step moves the normalisation layers' weights alone (SAM-ON, Mueller et al. 2023).
    parallel: the same network as DistributedDataParallel wraps it.  The first pass then stays local, each
        process takes its own step, and the mixed gradient is averaged once; with `shared_step` all take the
        step along the averaged gradient, as one process with the whole batch would.

    Both passes see the same random numbers (dropout) and normalise by their own batch; BatchNorm's running
    statistics come from the first.  Weights and buffers are afterwards what they were after the first pass,
    bit for bit, also where the closure raises; gradients are then cleared.  A gradient of zero has no
    direction: the step is left out.
    gradient_norm: of the latest step, that of the gradient which gave its direction: the first pass's, over
        the weights that are moved, in their units where it is `adaptive`; before averaging where the first
        pass stays local.  It is computed for the step anyway.  None where the step took one pass.
    Raises ConfigError on values out of range, and on weights of less than 32 bits, in which so short a step
    would be rounded away; autocast over float32 weights is fine.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        r: float = 0.1,
        alpha: float = 0.8,
        mix: Mix = "paper",
        adaptive: bool = False,
        floor: float = 0.01,
        only_normalisation: bool = False,
        parallel: DistributedDataParallel | None = None,
        shared_step: bool = False,
    ) -> None:
        _check(r, alpha, mix)
        self.r, self.alpha = r, alpha
        self.gradient_norm: float | None = None
        self._mix, self._adaptive, self._floor = mix, adaptive, floor
        self._model, self._parallel, self._shared_step = model, parallel, shared_step
        self._trained = [p for p in model.parameters() if p.requires_grad]
        self._moved = moved_weights(model, only_normalisation)

    def backward(self, closure: Closure) -> Tensor:
        """Leave d in every `.grad`, whatever was there; returns the loss of the first pass."""
        self._model.zero_grad(set_to_none=True)
        self.gradient_norm = None
        if self.r == 0 or self.alpha == 0:
            return closure()
        try:
            loss = self._mixed(closure)
        except BaseException:
            self._model.zero_grad(set_to_none=True)
            raise
        self._average()
        return loss

    def _mixed(self, closure: Closure) -> Tensor:
        """Both passes, without averaging what stayed local."""
        before = _random_state(self._trained)
        with self._local():
            loss = closure()
        step = self._step()
        if step is None:
            return loss
        first = [p.grad for p in self._trained]
        self._model.zero_grad(set_to_none=True)
        after = _random_state(self._trained)
        try:
            with moved(self._model, self._moved, step), self._local():
                _set_random_state(before)
                closure()
        finally:
            _set_random_state(after)
        self._combine(first)
        return loss

    def _step(self) -> list[Tensor | None] | None:
        """What each weight is moved by; None where the gradient has no direction."""
        units = [p.detach().abs() + self._floor if self._adaptive else None for p in self._moved]
        scaled = [_times(p.grad, unit) for p, unit in zip(self._moved, units, strict=True)]
        norm = float(global_norm(scaled))
        self.gradient_norm = norm
        if norm == 0 or not math.isfinite(norm):  # the loss, too, is then not finite, and the caller sees it
            return None
        length = self.r / norm
        return [_times(_times(g, unit), length) for g, unit in zip(scaled, units, strict=True)]

    def _combine(self, first: Sequence[Tensor | None]) -> None:
        """Mix the first pass's gradients with those that lie in `.grad`; where one is missing it is zero."""
        weight = 1 - self.alpha
        if self._mix == "normalised":
            weight /= float(global_norm(first))
        for parameter, g1 in zip(self._trained, first, strict=True):
            parts = [
                part for part in (_times(g1, weight), _times(parameter.grad, self.alpha)) if part is not None
            ]
            parameter.grad = sum(parts[1:], start=parts[0]) if parts else None

    def _local(self) -> AbstractContextManager[None]:
        """Without averaging over processes, unless all are to take one step."""
        if self._parallel is None or self._shared_step:
            return nullcontext()
        return self._parallel.no_sync()

    def _average(self) -> None:
        if self._parallel is None or self._shared_step:
            return
        for parameter in self._trained:
            if parameter.grad is not None:
                distributed.all_reduce(parameter.grad)
                parameter.grad /= distributed.get_world_size()


class MomentumSam:
    """SAM along the optimiser's momentum instead of a gradient of its own: no second pass.

    The gradient is taken r further up along what the optimiser has gathered (SGD's momentum buffer, Adam's
    first moment), and stepped with from where the weights are.  Before the first step there is none: a plain
    gradient.  Source: Becker, Altrock and Risse 2024.
    Raises ConfigError as GradientNormPenalty does.
    """

    gradient_norm: float | None = None  # its direction is the momentum's

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        r: float = 0.1,
        only_normalisation: bool = False,
    ) -> None:
        _check(r, 1.0, "paper")
        self.r = r
        self._model, self._optimizer = model, optimizer
        self._moved = moved_weights(model, only_normalisation)

    def backward(self, closure: Closure) -> Tensor:
        """One pass, at the weights moved; returns the loss there."""
        self._model.zero_grad(set_to_none=True)
        momentum = [self._momentum(p) for p in self._moved]
        norm = global_norm(momentum)
        if self.r == 0 or norm == 0 or not torch.isfinite(norm):
            return closure()
        step = [None if m is None else m * (self.r / norm).to(m.dtype) for m in momentum]
        with moved(self._model, self._moved, step, keep_buffers=False):
            return closure()

    def _momentum(self, parameter: Tensor) -> Tensor | None:
        state = self._optimizer.state.get(parameter, {})
        found = state.get("momentum_buffer", state.get("exp_avg"))
        return found if isinstance(found, Tensor) else None


def moved_weights(model: nn.Module, only_normalisation: bool) -> list[nn.Parameter]:
    """The weights that a step moves: all that are trained, or those of normalisation layers alone."""
    if not only_normalisation:
        found = [p for p in model.parameters() if p.requires_grad]
    else:
        layers = [module for module in model.modules() if isinstance(module, _NORMALISATIONS)]
        found = [p for layer in layers for p in layer.parameters(recurse=False) if p.requires_grad]
    if not found:
        kind = "normalisation weights" if only_normalisation else "weights"
        raise ConfigError(f"{type(model).__name__} has no {kind} that are trained; nothing could be moved")
    short = sorted({str(p.dtype) for p in found if p.dtype not in (torch.float32, torch.float64)})
    if short:
        raise ConfigError(
            f"weights are {', '.join(short)}; a step of length r would be rounded away in them. Keep weights "
            "in float32 and use autocast (train.precision=bf16)"
        )
    return found


@contextmanager
def moved(
    model: nn.Module,
    weights: Sequence[nn.Parameter],
    step: Sequence[Tensor | None],
    keep_buffers: bool = True,
) -> Iterator[None]:
    """The network with its weights moved; afterwards as it was, bit for bit, buffers too if they are kept."""
    before = [p.detach().clone() for p in weights]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()] if keep_buffers else []
    try:
        with torch.no_grad():
            for parameter, by in zip(weights, step, strict=True):
                if by is not None:
                    parameter.add_(by)
        yield
    finally:
        with torch.no_grad():
            for parameter, value in zip(weights, before, strict=True):
                parameter.copy_(value)
            for buffer, value in buffers:
                buffer.copy_(value)


def global_norm(tensors: Sequence[Tensor | None]) -> Tensor:
    """The L2 norm over all entries of all tensors, a scalar; those that are None count nothing."""
    norms = [torch.linalg.vector_norm(t.detach(), dtype=torch.float64) for t in tensors if t is not None]
    return torch.stack(norms).norm() if norms else torch.zeros((), dtype=torch.float64)


def _times(tensor: Tensor | None, scale: Tensor | float | None) -> Tensor | None:
    return tensor if tensor is None or scale is None else tensor * scale


def _random_state(parameters: Sequence[nn.Parameter]) -> dict[torch.device, Tensor]:
    """Of the processor, and of the devices that the network is on."""
    graphics = {p.device for p in parameters if p.is_cuda}
    return {torch.device("cpu"): torch.get_rng_state()} | {
        device: torch.cuda.get_rng_state(device) for device in graphics
    }


def _set_random_state(states: Mapping[torch.device, Tensor]) -> None:
    for device, state in states.items():
        if device.type == "cpu":
            torch.set_rng_state(state)
        else:
            torch.cuda.set_rng_state(state, device)


def _check(r: float, alpha: float, mix: str) -> None:
    if not 0 <= r < float("inf"):
        raise ConfigError(f"the radius r is {r}; it must be 0 or positive, like 0.1")
    if not 0 <= alpha < float("inf"):
        raise ConfigError(f"alpha is {alpha}; use 0 (plain training) to 1 (SAM), like 0.8")
    if mix not in ("paper", "normalised"):
        raise ConfigError(f"mix is {mix!r}; use paper or normalised")


GradientRules = Callable[[float, int], GradientRule]
"""(share of the budget used, step) -> what makes that step's gradients."""


def plain(trained: nn.Module) -> GradientRules:
    """The loss's own gradient in every step."""
    return lambda done, step: Plain()


def build_gradient_rules(
    config: PenaltyConfig, model: nn.Module, optimizer: torch.optim.Optimizer
) -> Callable[[nn.Module], GradientRules]:
    """What `config` asks for, for the network as it is called in training, which several processes wrap."""
    if config.method == "none":
        return plain

    def gradient_rules(trained: nn.Module) -> GradientRules:
        only = config.moves == "normalisation"
        parallel = trained if isinstance(trained, DistributedDataParallel) else None
        if config.method == "momentum-sam":
            momentum = MomentumSam(model, optimizer, r=config.r, only_normalisation=only)

            def at(done: float, step: int) -> GradientRule:
                strength = strength_at(config, done, step)
                momentum.r = config.r * strength
                return momentum

            return at
        penalty = GradientNormPenalty(
            model,
            r=config.r,
            alpha=config.alpha,
            mix=config.mix,
            adaptive=config.adaptive,
            only_normalisation=only,
            parallel=parallel,
            shared_step=config.shared_step,
        )

        def penalised(done: float, step: int) -> GradientRule:
            strength = strength_at(config, done, step)
            penalty.r = config.r * (strength if config.ramp == "r" else float(strength > 0))
            penalty.alpha = config.alpha * (strength if config.ramp == "alpha" else 1.0)
            return penalty

        return penalised

    return gradient_rules


def passes_a_step(config: PenaltyConfig) -> float:
    """Gradients that a step takes, the mean over the whole budget."""
    if config.method != "gradient-norm":
        return 1.0
    return 1.0 + (config.stop - config.start) / config.every


def strength_at(config: PenaltyConfig, done: float, step: int) -> float:
    """From 0 (off) to 1 (as configured), at that share of the budget, in that step."""
    if not config.start <= done < config.stop or step % config.every:
        return 0.0
    return min(1.0, (done - config.start) / config.warmup) if config.warmup else 1.0
