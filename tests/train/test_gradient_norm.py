"""Every mistake that can be made here, planted: what is right passes each check, the mistake fails it."""

from __future__ import annotations

import copy
import itertools
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roadworthy.config import ModelConfig, PenaltyConfig
from roadworthy.core.errors import ConfigError
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model
from roadworthy.train.gradient_norm import (
    GradientNormPenalty,
    MomentumSam,
    build_gradient_rules,
    global_norm,
    moved,
    passes_a_step,
    strength_at,
)

Make = Callable[..., Any]


def smooth(seed: int = 0, dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).to(dtype)


def batch(n: int = 8, dtype: torch.dtype = torch.float64, seed: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 3, generator=generator, dtype=dtype), torch.arange(n) % 2


def closure_of(model: nn.Module, inputs: Tensor, targets: Tensor, scale: float = 1.0) -> Callable[[], Tensor]:
    def closure() -> Tensor:
        loss = scale * F.cross_entropy(model(inputs), targets)
        loss.backward()
        return loss

    return closure


def flat(tensors: Sequence[Tensor | None]) -> Tensor:
    return torch.cat([t.detach().flatten() for t in tensors if t is not None])


def gradients(model: nn.Module) -> Tensor:
    return flat([p.grad for p in model.parameters()])


class Quadratic(nn.Module):
    """1/2 x'Ax, whose gradient is Ax and whose Hessian is A."""

    def __init__(self) -> None:
        super().__init__()
        root = torch.randn(4, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
        self.matrix = root @ root.T + torch.eye(4, dtype=torch.float64)
        self.x = nn.Parameter(torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64))

    def forward(self) -> Tensor:
        return 0.5 * self.x @ self.matrix @ self.x


def of_quadratic(model: Quadratic) -> Callable[[], Tensor]:
    def closure() -> Tensor:
        loss = model()
        loss.backward()
        return loss

    return closure


# The checks, each of what a gradient_rule made by `make(model, r=, alpha=)` does.


def check_autograd(make: Make) -> None:
    """d equals the gradient of L + lambda ||grad L|| as r goes to 0, with an error that falls as r does."""
    weight, errors = 0.3, []
    for r in (1e-2, 1e-3, 1e-4):
        model, (inputs, targets) = smooth(), batch()
        parameters = list(model.parameters())
        loss = F.cross_entropy(model(inputs), targets)
        own = torch.autograd.grad(loss, parameters, create_graph=True)
        norm = torch.cat([g.flatten() for g in own]).norm()
        wanted = flat(torch.autograd.grad(loss + weight * norm, parameters))
        make(model, r=r, alpha=weight / r).backward(closure_of(model, inputs, targets))
        errors.append(float((gradients(model) - wanted).norm() / wanted.norm()))
    assert errors[-1] < 1e-3
    slopes = [math.log10(a / b) for a, b in itertools.pairwise(errors)]
    assert slopes == pytest.approx([1.0, 1.0], abs=0.1)


def check_quadratic(make: Make) -> None:
    """Ax + lambda A(Ax) / ||Ax||, exactly, whatever r."""
    for r in (0.01, 0.5, 3.0):
        model = Quadratic()
        first = (model.matrix @ model.x).detach()
        wanted = first + 0.6 * model.matrix @ first / first.norm()
        make(model, r=r, alpha=0.6 / r).backward(of_quadratic(model))
        torch.testing.assert_close(model.x.grad, wanted, rtol=1e-9, atol=0)


def check_ends(make: Make) -> None:
    """alpha 0 is plain training to the bit, alpha 1 is SAM, for ten steps."""
    inputs, targets = batch()
    for alpha in (0.0, 1.0):
        ours, other = smooth(), smooth()
        steps = [torch.optim.SGD(m.parameters(), lr=0.3, momentum=0.9) for m in (ours, other)]
        gradient_rule = make(ours, r=0.2, alpha=alpha)
        for _ in range(10):
            gradient_rule.backward(closure_of(ours, inputs, targets))
            steps[0].step()
            steps[1].zero_grad()
            closure_of(other, inputs, targets)()
            if alpha == 1.0:
                _independent_sam(other, 0.2, inputs, targets)
            steps[1].step()
        a, b = flat(list(ours.parameters())), flat(list(other.parameters()))
        assert torch.equal(a, b) if alpha == 0.0 else torch.allclose(a, b, rtol=1e-9)


def _independent_sam(model: nn.Module, rho: float, inputs: Tensor, targets: Tensor) -> None:
    """From the paper of Foret et al. 2021, by a copy of the network instead of moving it there and back."""
    aside = copy.deepcopy(model)
    norm = gradients(model).norm()
    with torch.no_grad():
        for p, q in zip(model.parameters(), aside.parameters(), strict=True):
            assert p.grad is not None
            q += rho * p.grad / norm
    aside.zero_grad()
    closure_of(aside, inputs, targets)()
    for p, q in zip(model.parameters(), aside.parameters(), strict=True):
        p.grad = q.grad


def check_scale(make: Make) -> None:
    """A loss c times as large has c times the d."""
    (inputs, targets), found = batch(), []
    for scale in (1.0, 7.0):
        model = smooth()
        make(model, r=0.1, alpha=0.8).backward(closure_of(model, inputs, targets, scale))
        found.append(gradients(model))
    torch.testing.assert_close(found[1], 7 * found[0], rtol=1e-9, atol=0)


def check_length(make: Make) -> None:
    """The step has the length r over all weights together."""
    model, (inputs, targets) = smooth(), batch()
    seen: list[Tensor] = []

    def closure() -> Tensor:
        seen.append(flat(list(model.parameters())))
        return closure_of(model, inputs, targets)()

    make(model, r=0.25, alpha=0.5).backward(closure)
    assert len(seen) == 2
    assert float((seen[1] - seen[0]).norm()) == pytest.approx(0.25, rel=1e-9)


def check_stale(make: Make) -> None:
    """What lies in .grad beforehand changes nothing."""
    (inputs, targets), found = batch(), []
    for dirty in (False, True):
        model = smooth()
        if dirty:
            for parameter in model.parameters():
                parameter.grad = torch.full_like(parameter, 9.0)
        make(model, r=0.1, alpha=0.8).backward(closure_of(model, inputs, targets))
        found.append(gradients(model))
    assert torch.equal(*found)


def check_dropout(make: Make) -> None:
    """Both passes drop the same, and go on as one pass would."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 64), nn.Dropout(0.5), nn.Linear(64, 2)).double()
    inputs, targets = batch()
    torch.manual_seed(5)
    closure_of(model, inputs, targets)()
    plain, then = gradients(model), torch.rand(1)
    torch.manual_seed(5)
    make(model, r=1e-12, alpha=1.0).backward(closure_of(model, inputs, targets))
    torch.testing.assert_close(gradients(model), plain, rtol=1e-6, atol=1e-9)
    assert torch.equal(torch.rand(1), then)


def check_batchnorm(make: Make) -> None:
    """Running statistics are those of one forward pass, counters included."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).double()
    clean, (inputs, targets) = copy.deepcopy(model), batch()
    clean(inputs)
    make(model, r=0.5, alpha=0.8).backward(closure_of(model, inputs, targets))
    for (name, ours), (_, one) in zip(model.named_buffers(), clean.named_buffers(), strict=True):
        assert torch.equal(ours, one), name


def check_restored(make: Make) -> None:
    """Weights are what they were, bit for bit, also where either pass raises, and gradients are then gone."""
    inputs, targets = batch(dtype=torch.float32)
    for fails in ((False, False), (False, True), (True,)):
        model = smooth(dtype=torch.float32)
        before = [p.detach().clone() for p in model.parameters()]
        passes = iter(fails)

        def closure(model: nn.Module = model, passes: Any = passes) -> Tensor:
            loss = closure_of(model, inputs, targets)()
            if next(passes):
                raise KeyboardInterrupt
            return loss

        try:
            make(model, r=0.37, alpha=0.8).backward(closure)
        except KeyboardInterrupt:
            assert all(p.grad is None for p in model.parameters())
        assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def check_momentum(make: Make) -> None:
    """What the optimiser gathers is d, and d is what the formula says."""
    model, (inputs, targets) = smooth(), batch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    wanted = _by_hand(model, inputs, targets, r=0.1, alpha=0.8)
    make(model, r=0.1, alpha=0.8).backward(closure_of(model, inputs, targets))
    optimizer.step()
    gathered = flat([optimizer.state[p]["momentum_buffer"] for p in model.parameters()])
    torch.testing.assert_close(gathered, wanted, rtol=1e-9, atol=1e-12)


def _by_hand(model: nn.Module, inputs: Tensor, targets: Tensor, r: float, alpha: float) -> Tensor:
    first, second = copy.deepcopy(model), copy.deepcopy(model)
    closure_of(first, inputs, targets)()
    g1 = gradients(first)
    start = 0
    with torch.no_grad():
        for parameter in second.parameters():
            own = g1[start : start + parameter.numel()].view_as(parameter)
            parameter += r * own / g1.norm()
            start += parameter.numel()
    closure_of(second, inputs, targets)()
    return (1 - alpha) * g1 + alpha * gradients(second)


def check_clipping(make: Make) -> None:
    """Clipping is the caller's, after mixing: between ||d|| and ||g2|| it tells the two apart."""
    model, (inputs, targets) = smooth(3), batch()
    d = _by_hand(model, inputs, targets, r=2.0, alpha=0.5)
    g2 = _by_hand(model, inputs, targets, r=2.0, alpha=1.0)
    threshold = float((d.norm() + g2.norm()) / 2)
    assert abs(float(d.norm() - g2.norm())) > 0.01
    make(model, r=2.0, alpha=0.5).backward(closure_of(model, inputs, targets))
    nn.utils.clip_grad_norm_(model.parameters(), threshold)
    wanted = d * min(1.0, threshold / float(d.norm()))
    torch.testing.assert_close(gradients(model), wanted, rtol=1e-5, atol=1e-9)


def check_zero(make: Make) -> None:
    """A gradient of zero has no direction: nothing moves, nothing is NaN."""
    model = smooth()

    def closure() -> Tensor:
        loss = torch.stack([(0.0 * p * p).sum() for p in model.parameters()]).sum() + 1.0
        loss.backward()
        return loss.detach()

    loss = make(model, r=0.1, alpha=0.8).backward(closure)
    assert float(loss) == 1.0
    assert torch.equal(gradients(model), torch.zeros_like(gradients(model)))


def check_without_gradient(make: Make) -> None:
    """A head that is not used and a layer that is frozen are left alone."""
    model = smooth()
    unused = nn.Linear(3, 2).double()
    model.add_module("unused", unused)
    model.forward = lambda x: model[2](model[1](model[0](x)))  # type: ignore[assignment,operator,index]
    model[0].requires_grad_(False)  # type: ignore[operator,index]
    before = copy.deepcopy(model.state_dict())
    inputs, targets = batch()
    make(model, r=0.1, alpha=0.8).backward(closure_of(model, inputs, targets))
    assert unused.weight.grad is None
    assert model[0].weight.grad is None  # type: ignore[union-attr,index]
    assert model[2].weight.grad is not None  # type: ignore[union-attr,index]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def check_accumulation(make: Make) -> None:
    """Two halves in one closure are one batch."""
    inputs, targets = batch(128)
    found = []
    for parts in (1, 2):
        model = smooth()

        def closure(model: nn.Module = model, parts: int = parts) -> Tensor:
            losses = [
                F.cross_entropy(model(x), t) / parts
                for x, t in zip(inputs.chunk(parts), targets.chunk(parts), strict=True)
            ]
            for loss in losses:
                loss.backward()
            return torch.stack(losses).sum()

        make(model, r=0.3, alpha=0.8).backward(closure)
        found.append(gradients(model))
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=1e-12)


# The mistakes, each by overriding what is right.


class Detached(GradientNormPenalty):
    """The norm is a number, and its gradient nothing."""

    def _combine(self, first: Sequence[Tensor | None]) -> None:
        for parameter, g1 in zip(self._trained, first, strict=True):
            parameter.grad = g1


class Downhill(GradientNormPenalty):
    """The step goes the wrong way."""

    def _step(self) -> list[Tensor | None] | None:
        step = super()._step()
        return None if step is None else [None if s is None else -s for s in step]


class LambdaForR(GradientNormPenalty):
    """alpha is taken for lambda."""

    def _combine(self, first: Sequence[Tensor | None]) -> None:
        self.alpha, alpha = self.alpha * self.r, self.alpha
        super()._combine(first)
        self.alpha = alpha


class Added(GradientNormPenalty):
    """g1 + alpha g2: neither plain at 0 nor SAM at 1."""

    def _combine(self, first: Sequence[Tensor | None]) -> None:
        for parameter, g1 in zip(self._trained, first, strict=True):
            assert parameter.grad is not None
            parameter.grad = g1 + self.alpha * parameter.grad


class Normalised(GradientNormPenalty):
    """The first gradient loses its length."""

    def __init__(self, model: nn.Module, **settings: Any) -> None:
        super().__init__(model, mix="normalised", **settings)


class PerLayer(GradientNormPenalty):
    """A norm for every tensor."""

    def _step(self) -> list[Tensor | None] | None:
        return [None if p.grad is None else self.r * p.grad / p.grad.norm() for p in self._moved]


class Stale(GradientNormPenalty):
    """What was in .grad stays there."""

    def backward(self, closure: Callable[[], Tensor]) -> Tensor:
        before = [p.grad for p in self._trained]
        loss = super().backward(closure)
        for parameter, old in zip(self._trained, before, strict=True):
            if old is not None and parameter.grad is not None:
                parameter.grad = parameter.grad + old
        return loss


class CountedTwice(GradientNormPenalty):
    """Buffers take in the second pass as well."""

    def backward(self, closure: Callable[[], Tensor]) -> Tensor:
        calls: list[Tensor] = []
        after: list[Tensor] = []

        def watched() -> Tensor:
            calls.append(closure())
            after[:] = [buffer.clone() for buffer in self._model.buffers()]
            return calls[-1]

        loss = super().backward(watched)
        for buffer, value in zip(self._model.buffers(), after, strict=True):
            buffer.copy_(value)
        return loss


class Subtracted(GradientNormPenalty):
    """Weights come back by subtraction, with its rounding, and not at all after an error."""

    def backward(self, closure: Callable[[], Tensor]) -> Tensor:
        self._model.zero_grad()
        loss = closure()
        step, first = self._step(), [p.grad for p in self._trained]
        assert step is not None
        self._model.zero_grad()
        with torch.no_grad():
            for parameter, by in zip(self._moved, step, strict=True):
                parameter.add_(by)
        closure()
        with torch.no_grad():
            for parameter, by in zip(self._moved, step, strict=True):
                parameter.sub_(by)
        self._combine(first)
        return loss


class SecondAlone(GradientNormPenalty):
    """The optimiser is fed g2."""

    def _combine(self, first: Sequence[Tensor | None]) -> None:
        pass


class ClippedBefore(GradientNormPenalty):
    """Each gradient is clipped on its own, before they are mixed."""

    def _combine(self, first: Sequence[Tensor | None]) -> None:
        nn.utils.clip_grad_norm_(self._trained, 0.5 * float(global_norm([p.grad for p in self._trained])))
        super()._combine(first)


class NoEpsilon(GradientNormPenalty):
    """Divides by whatever the norm is."""

    def _step(self) -> list[Tensor | None] | None:
        norm = global_norm([p.grad for p in self._moved])
        return [None if p.grad is None else p.grad * (self.r / norm) for p in self._moved]


class EveryWeight(GradientNormPenalty):
    """Takes it that every weight has a gradient."""

    def _step(self) -> list[Tensor | None] | None:
        norm = global_norm([p.grad for p in self._moved])
        return [self.r * p.grad / norm for p in self._moved]  # type: ignore[operator]


class PartByPart(GradientNormPenalty):
    """A step of its own for every part of a batch."""

    def backward(self, closure: Callable[[], Tensor]) -> Tensor:
        total: list[Tensor] = []
        own = Tensor.backward

        def part(loss: Tensor) -> None:
            own(loss, retain_graph=True)
            step = GradientNormPenalty._step(self)
            assert step is not None
            total.append(flat(step))

        Tensor.backward = part  # type: ignore[assignment,method-assign]
        try:
            self._model.zero_grad()
            loss = closure()
        finally:
            Tensor.backward = own  # type: ignore[method-assign]
        start, step = 0, torch.stack(total).mean(dim=0)
        first = [p.grad for p in self._trained]
        steps = []
        for parameter in self._moved:
            steps.append(step[start : start + parameter.numel()].view_as(parameter))
            start += parameter.numel()
        self._model.zero_grad()
        with moved(self._model, self._moved, steps):
            closure()
        self._combine(first)
        return loss


def forgetful(model: nn.Module, **settings: Any) -> GradientNormPenalty:
    """The second pass draws other random numbers."""
    penalty = GradientNormPenalty(model, **settings)
    own = penalty.backward

    def backward(closure: Callable[[], Tensor]) -> Tensor:
        calls = iter(range(2))

        def other() -> Tensor:
            if next(calls):
                torch.manual_seed(123)
            return closure()

        return own(other)

    penalty.backward = backward  # type: ignore[method-assign]
    return penalty


CHECKS = {
    "norm detached": (check_autograd, Detached),
    "sign": (check_quadratic, Downhill),
    "lambda against r": (check_quadratic, LambdaForR),
    "alpha 0 and 1": (check_ends, Added),
    "normalised g1": (check_scale, Normalised),
    "norm by layer": (check_length, PerLayer),
    "stale gradients": (check_stale, Stale),
    "another dropout mask": (check_dropout, forgetful),
    "BatchNorm twice": (check_batchnorm, CountedTwice),
    "weights not restored": (check_restored, Subtracted),
    "wrong momentum": (check_momentum, SecondAlone),
    "clipping before mixing": (check_clipping, ClippedBefore),
    "zero gradient": (check_zero, NoEpsilon),
    "without gradient": (check_without_gradient, EveryWeight),
    "accumulation": (check_accumulation, PartByPart),
}


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_right_passes(name: str) -> None:
    check, _ = CHECKS[name]
    check(GradientNormPenalty)


@pytest.mark.parametrize("name", CHECKS)
def test_the_mistake_is_caught(name: str) -> None:
    check, wrong = CHECKS[name]
    with pytest.raises((AssertionError, TypeError)):
        check(wrong)


class Convolutions(nn.Module):
    """Small, with BatchNorm, in float32."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 6, 3),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(24, 4),
        )

    def forward(self, images: Tensor) -> Tensor:
        result: Tensor = self.layers(images)
        return result


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("alpha", [0.3, 0.8])
def test_twenty_steps_are_those_of_an_independent_library(alpha: float, adaptive: bool) -> None:
    from pytorch_optimizer import WSAM

    generator = torch.Generator().manual_seed(4)
    images, targets = torch.randn(16, 3, 8, 8, generator=generator), torch.arange(16) % 4
    ours, theirs = Convolutions(), Convolutions()
    penalty = GradientNormPenalty(ours, r=0.1, alpha=alpha, adaptive=adaptive, floor=0.0)
    sgd = torch.optim.SGD(ours.parameters(), lr=0.1, momentum=0.9)
    wsam = WSAM(
        theirs,
        theirs.parameters(),
        torch.optim.SGD,
        rho=0.1,
        gamma=alpha / (1 + alpha),
        adaptive=adaptive,
        decouple=False,
        lr=0.1,
        momentum=0.9,
    )
    for _ in range(20):
        penalty.backward(closure_of(ours, images, targets))
        sgd.step()
        wsam.zero_grad()
        wsam.step(closure_of(theirs, images, targets))
    for (name, a), (_, b) in zip(ours.state_dict().items(), theirs.state_dict().items(), strict=True):
        if not name.endswith("num_batches_tracked"):  # that library counts both passes
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)
    fresh = flat(list(Convolutions().parameters()))
    assert not torch.allclose(flat(list(ours.parameters())), fresh, atol=0.01)


def test_the_authors_mix_gives_the_first_gradient_the_length_one() -> None:
    model, (inputs, targets) = smooth(), batch()
    g1 = (_by_hand(model, inputs, targets, r=0.1, alpha=0.0)).clone()
    g2 = _by_hand(model, inputs, targets, r=0.1, alpha=1.0)
    GradientNormPenalty(model, r=0.1, alpha=0.8, mix="normalised").backward(
        closure_of(model, inputs, targets)
    )
    torch.testing.assert_close(gradients(model), 0.2 * g1 / g1.norm() + 0.8 * g2)


def test_the_normalisation_variant_moves_nothing_else_and_trains_everything() -> None:
    model, seen = Convolutions(), []
    images, targets = torch.randn(4, 3, 8, 8), torch.arange(4)

    def closure() -> Tensor:
        seen.append({name: p.detach().clone() for name, p in model.named_parameters()})
        return closure_of(model, images, targets)()

    GradientNormPenalty(model, r=0.5, alpha=1.0, only_normalisation=True).backward(closure)
    moved_there = {name for name in seen[0] if not torch.equal(seen[0][name], seen[1][name])}
    assert moved_there <= {"layers.1.weight", "layers.1.bias"}
    length = flat([seen[1][name] - seen[0][name] for name in sorted(moved_there)]).norm()
    assert float(length) == pytest.approx(0.5, rel=1e-4)
    assert all(p.grad is not None for p in model.parameters())
    with pytest.raises(ConfigError, match="Sequential has no normalisation weights that are trained"):
        GradientNormPenalty(smooth(), only_normalisation=True)


def test_momentum_sam_takes_one_pass_up_along_what_was_gathered() -> None:
    model, (inputs, targets) = smooth(), batch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    gradient_rule, seen = MomentumSam(model, optimizer, r=0.4), []

    def closure() -> Tensor:
        seen.append(flat(list(model.parameters())))
        return closure_of(model, inputs, targets)()

    start = flat(list(model.parameters()))
    gradient_rule.backward(closure)
    optimizer.step()
    assert torch.equal(seen[0], start)  # nothing was gathered yet
    gathered = flat([optimizer.state[p]["momentum_buffer"] for p in model.parameters()])
    before = flat(list(model.parameters()))
    gradient_rule.backward(closure)
    assert len(seen) == 2
    torch.testing.assert_close(seen[1] - before, 0.4 * gathered / gathered.norm())
    assert torch.equal(flat(list(model.parameters())), before)


def test_momentum_sam_knows_adams_first_moment() -> None:
    model, (inputs, targets) = smooth(), batch()
    optimizer = torch.optim.Adam(model.parameters())
    gradient_rule = MomentumSam(model, optimizer, r=0.4)
    for _ in range(2):
        gradient_rule.backward(closure_of(model, inputs, targets))
        plain = copy.deepcopy(model)
        plain.zero_grad()
        closure_of(plain, inputs, targets)()
        differs = not torch.allclose(gradients(model), gradients(plain))
        assert differs == bool(optimizer.state)
        optimizer.step()


@pytest.mark.parametrize("adaptive", [False, True])
def test_steps_count_fractions_of_each_weight_where_they_are_adaptive(adaptive: bool) -> None:
    model = Quadratic()
    seen: list[Tensor] = []

    def closure() -> Tensor:
        seen.append(model.x.detach().clone())
        return of_quadratic(model)()

    GradientNormPenalty(model, r=0.2, alpha=1.0, adaptive=adaptive, floor=0.0).backward(closure)
    step, scale = seen[1] - seen[0], seen[0].abs() if adaptive else torch.ones(4, dtype=torch.float64)
    assert float((step / scale).norm()) == pytest.approx(0.2)
    g1 = model.matrix @ seen[0]
    torch.testing.assert_close(step, 0.2 * scale**2 * g1 / (scale * g1).norm())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"r": -0.1}, "radius r is -0.1"),
        ({"r": math.inf}, "radius r is inf"),
        ({"alpha": -1.0}, "alpha is -1.0; use 0"),
        ({"mix": "theirs"}, "mix is 'theirs'; use paper or normalised"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        GradientNormPenalty(smooth(), **settings)


def test_weights_in_which_a_step_would_be_lost_are_refused_and_autocast_is_not() -> None:
    with pytest.raises(ConfigError, match=r"weights are torch.bfloat16; .* use autocast"):
        GradientNormPenalty(smooth(dtype=torch.bfloat16))
    model, (inputs, targets) = smooth(dtype=torch.float32), batch(dtype=torch.float32)

    def closure() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(inputs)
        loss = F.cross_entropy(logits.float(), targets)
        loss.backward()
        return loss

    GradientNormPenalty(model, r=0.5, alpha=0.8).backward(closure)
    penalised = gradients(model)
    model.zero_grad()
    closure()
    assert torch.isfinite(penalised).all()
    assert not torch.equal(penalised, gradients(model))


@pytest.mark.parametrize("adaptive", [False, True])
def test_the_norm_told_is_that_of_the_first_passes_gradient(adaptive: bool) -> None:
    model = smooth()
    closure_of(model, *batch())()
    units = [p.detach().abs() + 0.01 if adaptive else torch.ones_like(p) for p in model.parameters()]
    expected = flat([p.grad * unit for p, unit in zip(model.parameters(), units, strict=True)]).norm()
    penalty = GradientNormPenalty(model, r=0.3, alpha=0.8, adaptive=adaptive)
    assert penalty.gradient_norm is None
    penalty.backward(closure_of(model, *batch()))
    assert penalty.gradient_norm == pytest.approx(expected.item(), rel=1e-12)
    penalty.r = 0
    penalty.backward(closure_of(model, *batch()))
    assert penalty.gradient_norm is None  # one pass, of which no norm was taken


def test_r_or_alpha_of_zero_take_one_pass() -> None:
    inputs, targets = batch()
    for settings in ({"r": 0.0, "alpha": 0.8}, {"r": 0.1, "alpha": 0.0}):
        model = smooth()
        passes: list[int] = []

        def closure(model: nn.Module = model, passes: list[int] = passes) -> Tensor:
            passes.append(1)
            return closure_of(model, inputs, targets)()

        GradientNormPenalty(model, **settings).backward(closure)
        assert len(passes) == 1


def _as_one_of_two(rank: int, place: str, shared: bool, out: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=2)
    model = smooth()
    parallel = nn.parallel.DistributedDataParallel(model)
    inputs, targets = (part.chunk(2)[rank] for part in batch(8))

    def closure() -> Tensor:
        loss = F.cross_entropy(parallel(inputs), targets)
        loss.backward()
        return loss

    penalty = GradientNormPenalty(model, r=1.0, alpha=0.8, parallel=parallel, shared_step=shared)
    penalty.backward(closure)
    torch.save(gradients(model), f"{out}-{rank}")
    torch.distributed.barrier()  # neither leaves while the other still speaks
    os._exit(0)  # on a busy machine gloo's threads have aborted a process that was ending, all work done


@pytest.mark.parametrize("shared", [False, True])
def test_two_processes_agree_and_do_what_is_done_by_hand(
    tmp_path: Path, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2])  # where the other process finds this module
    torch.multiprocessing.spawn(
        _as_one_of_two, (str(tmp_path / "store"), shared, str(tmp_path / "d")), nprocs=2
    )
    first, second = (torch.load(tmp_path / f"d-{rank}", weights_only=True) for rank in range(2))
    assert torch.equal(first, second)
    inputs, targets = batch(8)
    halves = [
        _by_hand(smooth(), x, t, r=1.0, alpha=0.8)
        for x, t in zip(inputs.chunk(2), targets.chunk(2), strict=True)
    ]
    whole = _by_hand(smooth(), inputs, targets, r=1.0, alpha=0.8)
    by_hand = {False: torch.stack(halves).mean(dim=0), True: whole}
    torch.testing.assert_close(first, by_hand[shared])
    assert not torch.allclose(by_hand[True], by_hand[False], rtol=1e-3)  # the two can be told apart


@pytest.mark.parametrize(
    ("settings", "done", "step", "strength"),
    [
        ({}, 0.0, 0, 1.0),
        ({"start": 0.75}, 0.74, 0, 0.0),
        ({"start": 0.75}, 0.75, 0, 1.0),
        ({"stop": 0.5}, 0.5, 0, 0.0),
        ({"every": 3}, 0.5, 7, 0.0),
        ({"every": 3}, 0.5, 6, 1.0),
        ({"start": 0.2, "warmup": 0.4}, 0.3, 0, 0.25),
        ({"start": 0.2, "warmup": 0.4}, 0.9, 0, 1.0),
    ],
)
def test_when_the_penalty_is_on(settings: dict[str, Any], done: float, step: int, strength: float) -> None:
    assert strength_at(PenaltyConfig(method="gradient-norm", **settings), done, step) == pytest.approx(
        strength
    )


@pytest.mark.parametrize(("ramp", "expected"), [("alpha", (0.1, 0.4)), ("r", (0.05, 0.8))])
def test_alpha_or_r_grows(ramp: Any, expected: tuple[float, float]) -> None:
    model = smooth()
    config = PenaltyConfig(method="gradient-norm", warmup=0.5, ramp=ramp)
    gradient_rules = build_gradient_rules(config, model, torch.optim.SGD(model.parameters()))(model)
    penalty = gradient_rules(0.25, 0)
    assert isinstance(penalty, GradientNormPenalty)
    assert (penalty.r, penalty.alpha) == pytest.approx(expected)
    later = gradient_rules(0.75, 0)
    assert isinstance(later, GradientNormPenalty)
    assert (later.r, later.alpha) == (0.1, 0.8)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"start": 0.5, "stop": 0.5}, r"penalty.start=0.5 must lie before penalty.stop=0.5"),
        (
            {"method": "momentum-sam", "alpha": 0.5},
            "penalty.alpha has no effect with penalty.method=momentum-sam",
        ),
        ({"method": "momentum-sam", "warmup": 0.5}, "use penalty.ramp=r"),
        ({"every": 0}, "penalty.every"),
        ({"alpha": 0.5, "every": 2}, "penalty.alpha, penalty.every has no effect with penalty.method=none"),
        ({"method": "gradient-norm", "ramp": "r"}, "penalty.ramp=r has no effect without penalty.warmup"),
    ],
)
def test_settings_that_do_nothing_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        PenaltyConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "passes"),
    [
        ({}, 1.0),
        ({"method": "momentum-sam"}, 1.0),
        ({"method": "gradient-norm"}, 2.0),
        ({"method": "gradient-norm", "start": 0.75}, 1.25),
        ({"method": "gradient-norm", "start": 0.5, "every": 2}, 1.25),
    ],
)
def test_what_a_step_costs_on_average(settings: dict[str, Any], passes: float) -> None:
    assert passes_a_step(PenaltyConfig(**settings)) == passes


def plain_loss(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(model(inputs), targets)


def penalised_outside_the_graph(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """The study's own on CIFAR-10: norms of gradients without a graph, added to the loss as numbers."""
    loss = plain_loss(model, inputs, targets)
    norms = [g.norm() for g in torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)]
    return loss + 0.01 * torch.stack(norms).sum().clamp(max=5)


def penalised_without_a_forward_pass(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """The study's own on signs: gradients of a loss that no forward pass made, so there are none."""
    loss = plain_loss(model, inputs, targets)
    with torch.enable_grad():
        apart = loss.detach().requires_grad_()
        found = torch.autograd.grad(apart, list(model.parameters()), allow_unused=True)
    norms = [g.norm().square() for g in found if g is not None]
    return loss + 0.01 * sum(norms)


def penalised_in_the_graph(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    loss = plain_loss(model, inputs, targets)
    found = torch.autograd.grad(loss, list(model.parameters()), create_graph=True)
    return loss + 0.01 * torch.stack([g.norm() for g in found]).sum()


@pytest.mark.parametrize(
    ("loss", "is_plain"),
    [
        (penalised_outside_the_graph, True),
        (penalised_without_a_forward_pass, True),
        (penalised_in_the_graph, False),
    ],
)
def test_the_studys_penalties_train_as_plain_does_to_the_bit(
    loss: Callable[[nn.Module, Tensor, Tensor], Tensor], is_plain: bool
) -> None:
    def trained(loss: Callable[[nn.Module, Tensor, Tensor], Tensor]) -> Tensor:
        torch.manual_seed(0)
        model = build_model(ModelConfig(name="study-cifar"), 10, InputSpec(size=32))
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
        generator = torch.Generator().manual_seed(1)
        for _ in range(5):
            inputs = torch.rand(16, 3, 32, 32, generator=generator)
            targets = torch.randint(10, (16,), generator=generator)
            optimiser.zero_grad()
            loss(model, inputs, targets).backward()
            optimiser.step()
        return flat(list(model.parameters()))

    assert torch.equal(trained(loss), trained(plain_loss)) is is_plain
