"""Sharpness where it is known: quadratics, tiny networks against the dense Hessian, rescaled layers."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from roadworthy.config import ModelConfig
from roadworthy.core.errors import CheckpointError, ConfigError
from roadworthy.evaluate.minima.sharpness import (
    Sharpness,
    ascent_rise,
    gradient_norm,
    largest_eigenvalue,
    sharpness,
)
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import MODELS, build_model

Batches = list[tuple[Tensor, Tensor]]
DOUBLE = torch.float64
AT = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=DOUBLE)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Point(nn.Module):
    """Answers its weights, whatever it is shown."""

    def __init__(self, at: Tensor = AT) -> None:
        super().__init__()
        self.at = nn.Parameter(at.clone())

    def forward(self, inputs: Tensor) -> Tensor:
        return self.at.expand(len(inputs), -1)


class Quadratic:
    """1/2 x'Ax with these eigenvalues, times each picture's target."""

    def __init__(self, *eigenvalues: float) -> None:
        turn, _ = torch.linalg.qr(
            torch.randn(len(eigenvalues), len(eigenvalues), generator=seeded(), dtype=DOUBLE)
        )
        self.matrix = turn @ torch.diag(torch.tensor(eigenvalues, dtype=DOUBLE)) @ turn.T

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        return (0.5 * torch.einsum("bi,ij,bj->b", logits, self.matrix, logits) * targets).mean()


def once() -> Batches:
    return [(torch.zeros(1, 1, dtype=DOUBLE), torch.ones(1, dtype=DOUBLE))]


def uneven() -> Batches:
    """Three pictures of weight 1 and one of weight 9: 3 on average, 5 on the average of batches."""
    return [
        (torch.zeros(n, 1, dtype=DOUBLE), torch.full((n,), weight, dtype=DOUBLE))
        for n, weight in ((3, 1), (1, 9))
    ]


def test_a_quadratic_by_its_matrix() -> None:
    loss = Quadratic(7.0, 3.0, 1.0, 0.5)
    force, units = 3 * loss.matrix @ AT, AT.abs()
    assert gradient_norm(Point(), uneven(), loss=loss) == pytest.approx(float(force.norm()), rel=1e-12)
    assert gradient_norm(Point(), uneven(), loss=loss, adaptive=True) == pytest.approx(
        float((units * force).norm()), rel=1e-12
    )
    found = largest_eigenvalue(Point(), uneven(), loss=loss, generator=seeded(), rtol=1e-8)
    assert found.converged
    assert found.value == pytest.approx(21.0, rel=1e-12)
    found = largest_eigenvalue(Point(), uneven(), loss=loss, generator=seeded(), rtol=1e-8, adaptive=True)
    wanted = torch.linalg.eigvalsh(3 * units[:, None] * loss.matrix * units)[-1]
    assert found.converged
    assert found.value == pytest.approx(float(wanted), rel=1e-12)


@pytest.mark.parametrize("radius", [0.01, 2.0])
def test_the_rise_on_a_quadratic(radius: float) -> None:
    loss = Quadratic(7.0, 3.0, 1.0, -0.5)
    force, units = loss.matrix @ AT, AT.abs()
    plain = radius * force / force.norm()
    adaptive = radius * units**2 * force / (units * force).norm()
    for step, found in (
        (plain, ascent_rise(Point(), uneven(), loss=loss, radius=radius)),
        (adaptive, ascent_rise(Point(), uneven(), loss=loss, radius=radius, adaptive=True)),
    ):
        wanted = 3 * (force @ step + 0.5 * step @ loss.matrix @ step)
        assert found == pytest.approx(float(wanted), rel=1e-10)
    assert float((adaptive / AT).norm()) == pytest.approx(radius)


@pytest.mark.parametrize(
    ("eigenvalues", "largest"),
    [
        ((2.0, 1.0, 0.5, -5.0), 2.0),  # the extreme one is negative
        ((-1.0, -2.0, -3.0, -10.0), -1.0),  # all are
        ((4.0, 1.0, -1.0, -4.0), 4.0),  # none stands out
        ((4.0, 1.0, -1.0, -3.999), 4.0),
        ((0.0, -1.0, -2.0, -3.0), 0.0),
        ((-2.0, -2.0, -2.0, -2.0), -2.0),
        ((0.0, 0.0, 0.0, 0.0), 0.0),
    ],
)
def test_the_largest_is_not_the_largest_in_magnitude(eigenvalues: tuple[float, ...], largest: float) -> None:
    for seed in range(3):
        found = largest_eigenvalue(
            Point(),
            once(),
            loss=Quadratic(*eigenvalues),
            generator=seeded(seed),
            rtol=1e-5,
            max_iterations=300,
        )
        assert found.converged
        assert found.value == pytest.approx(largest, rel=1e-9, abs=1e-12)


def test_what_has_not_converged_says_so_and_is_a_lower_bound() -> None:
    loss = Quadratic(5.0, 4.9, 4.8, 4.0)
    found = largest_eigenvalue(Point(), once(), loss=loss, generator=seeded(), rtol=1e-6, max_iterations=3)
    assert (found.converged, found.iterations) == (False, 6)
    assert 4.0 < found.value < 5.0
    enough = largest_eigenvalue(
        Point(), once(), loss=loss, generator=seeded(), rtol=1e-6, max_iterations=2000
    )
    assert enough.converged
    assert 6 < enough.iterations <= 2000
    loose = largest_eigenvalue(Point(), once(), loss=loss, generator=seeded(), rtol=0.05, max_iterations=2000)
    assert loose.converged
    assert loose.iterations < enough.iterations


def test_a_tolerance_is_kept() -> None:
    loss = Quadratic(5.0, 4.9, 1.0, -3.0)
    for rtol in (0.1, 0.01, 0.001):
        found = largest_eigenvalue(
            Point(), once(), loss=loss, generator=seeded(3), rtol=rtol, max_iterations=999
        )
        assert found.value == pytest.approx(5.0, rel=rtol)


def smooth() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 3)).double()


def points(dtype: torch.dtype = DOUBLE) -> Batches:
    inputs = torch.randn(9, 3, generator=seeded(2), dtype=dtype)
    return list(zip(inputs.split([6, 2, 1]), (torch.arange(9) % 3).split([6, 2, 1]), strict=True))


def dense_hessian(model: nn.Module, batches: Batches) -> tuple[Tensor, Tensor]:
    """(weights, Hessian of the mean loss over all pictures), by autograd's own dense routine."""
    names = [name for name, _ in model.named_parameters()]
    shapes = [p.shape for p in model.parameters()]
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    inputs, targets = (torch.cat(parts) for parts in zip(*batches, strict=True))

    def loss(flat: Tensor) -> Tensor:
        parts = flat.split([shape.numel() for shape in shapes])
        named = {n: part.view(s) for n, part, s in zip(names, parts, shapes, strict=True)}
        return F.cross_entropy(functional_call(model, named, (inputs,)), targets)

    return weights, torch.autograd.functional.hessian(loss, weights)


def trained() -> nn.Module:
    model = smooth()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.8)
    inputs, targets = (torch.cat(parts) for parts in zip(*points(), strict=True))
    for _ in range(30):
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("make", [smooth, trained])
def test_a_tiny_network_against_its_dense_hessian(make: Callable[[], nn.Module]) -> None:
    model, batches = make(), points()
    weights, hessian = dense_hessian(model, batches)
    units = weights.abs()
    for adaptive, matrix in ((False, hessian), (True, units[:, None] * hessian * units)):
        found = largest_eigenvalue(
            model, batches, generator=seeded(), adaptive=adaptive, rtol=1e-4, max_iterations=999
        )
        spectrum = torch.linalg.eigvalsh(matrix)
        assert spectrum[0] < 0  # not convex
        assert found.converged
        assert found.value == pytest.approx(float(spectrum[-1]), rel=1e-6)


def test_a_tiny_network_whose_extreme_eigenvalue_is_negative() -> None:
    """Up the loss instead of down: the Hessian's negative, whose spectrum is the mirror image."""
    model, batches = trained(), points()
    _, hessian = dense_hessian(model, batches)
    spectrum = torch.linalg.eigvalsh(-hessian)
    assert -spectrum[0] > 2 * spectrum[-1]
    found = largest_eigenvalue(
        model,
        batches,
        loss=lambda logits, targets: -F.cross_entropy(logits, targets),
        generator=seeded(),
        rtol=0.02,
        max_iterations=400,
    )
    assert found.converged
    assert found.value == pytest.approx(float(spectrum[-1]), rel=0.02)


def test_float32_weights_measured_in_float64() -> None:
    exact = largest_eigenvalue(trained(), points(), generator=seeded(), rtol=1e-4).value
    short = trained().float()
    assert largest_eigenvalue(short, points(), generator=seeded(), rtol=1e-4).value == pytest.approx(
        exact, 1e-4
    )
    long = largest_eigenvalue(
        short, points(), generator=seeded(), rtol=1e-9, max_iterations=999, dtype=DOUBLE
    )
    assert long.converged


def homogeneous(c: float) -> nn.Module:
    """The same network for every c: its first layer times c, its second by it."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(3, 6, bias=False), nn.ReLU(), nn.Linear(6, 3, bias=False)).double()
    with torch.no_grad():
        model[0].weight *= c
        model[2].weight /= c
    return model


def measured(model: nn.Module) -> Sharpness:
    return sharpness(
        model, points(), generator=seeded(), radius=0.3, adaptive_radius=0.5, rtol=1e-7, max_iterations=5000
    )


def test_scaling_layers_changes_the_plain_measures_and_not_the_adaptive_ones() -> None:
    plain, scaled = measured(homogeneous(1.0)), measured(homogeneous(5.0))
    assert scaled.loss == pytest.approx(plain.loss, rel=1e-12)
    for name in ("gradient_norm", "ascent_rise"):
        a, b = getattr(plain, name), getattr(scaled, name)
        assert abs(b / a - 1) > 0.2, name
    assert abs(scaled.eigenvalue.value / plain.eigenvalue.value - 1) > 0.2
    assert scaled.adaptive_gradient_norm == pytest.approx(plain.adaptive_gradient_norm, rel=1e-10)
    assert scaled.adaptive_ascent_rise == pytest.approx(plain.adaptive_ascent_rise, rel=1e-10)
    assert scaled.adaptive_eigenvalue.converged
    assert scaled.adaptive_eigenvalue.value == pytest.approx(plain.adaptive_eigenvalue.value, rel=1e-10)


def test_all_at_once_is_each_by_itself() -> None:
    model, batches = trained(), points()
    generator = seeded(7)
    found = sharpness(model, batches, generator=seeded(7), radius=0.2, adaptive_radius=0.6)
    assert (found.n, found.parameters, found.radius, found.adaptive_radius) == (9, 38, 0.2, 0.6)
    inputs, targets = (torch.cat(parts) for parts in zip(*batches, strict=True))
    assert found.loss == pytest.approx(F.cross_entropy(model(inputs), targets).item(), rel=1e-12)
    assert found.gradient_norm == gradient_norm(model, batches)
    assert found.adaptive_gradient_norm == gradient_norm(model, batches, adaptive=True)
    assert found.eigenvalue == largest_eigenvalue(model, batches, generator=generator)
    assert found.adaptive_eigenvalue == largest_eigenvalue(model, batches, generator=generator, adaptive=True)
    assert found.ascent_rise == ascent_rise(model, batches, radius=0.2)
    assert found.adaptive_ascent_rise == ascent_rise(model, batches, radius=0.6, adaptive=True)
    tree = json.loads(json.dumps(found.to_dict()))
    assert tree["adaptive_eigenvalue"]["converged"] is True
    assert tree["eigenvalue"]["value"] == found.eigenvalue.value


def test_the_same_generator_gives_the_same_and_another_another_start() -> None:
    first, second, other = (
        largest_eigenvalue(trained(), points(), generator=seeded(seed), rtol=0.1) for seed in (0, 0, 1)
    )
    assert first == second
    assert first.value != other.value
    state = torch.get_rng_state()
    largest_eigenvalue(trained(), points(), generator=seeded())
    assert torch.equal(torch.get_rng_state(), state)


# Small ones: a large network of the registry would take minutes and has no kind of layer of its own.
NETWORKS = {"compact": {"width": 0.125, "depth": 1}, "study-cnn": {}, "resnet-8": {}}


@pytest.mark.parametrize("name", sorted(set(NETWORKS) & set(MODELS.names())))
def test_our_networks_can_be_measured_and_stay_as_they_are(name: str) -> None:
    torch.manual_seed(0)
    model = build_model(ModelConfig(name=name, **NETWORKS[name]), 3, InputSpec(size=32))
    inputs = torch.randn(3, 3, 32, 32, generator=seeded())
    model.train()(inputs)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    batches = [(inputs[:2], torch.tensor([0, 1])), (inputs[2:], torch.tensor([2]))]
    found = sharpness(model, batches, generator=seeded(), max_iterations=1)
    assert found.n == 3
    assert min(found.gradient_norm, found.adaptive_gradient_norm) > 0
    assert found.ascent_rise > 0
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_no_gradient_no_rise() -> None:
    assert (
        ascent_rise(Point(torch.zeros(4, dtype=DOUBLE)), once(), loss=Quadratic(1, 2, 3, 4), radius=1.0) == 0
    )


def test_what_cannot_be_measured_is_refused() -> None:
    for radius in (-0.1, float("inf"), float("nan")):
        with pytest.raises(ConfigError, match="radius is"):
            ascent_rise(smooth(), points(), radius=radius)
    for settings in ({"rtol": 0.0}, {"rtol": float("nan")}, {"max_iterations": 0}):
        with pytest.raises(ConfigError, match="must be positive"):
            largest_eigenvalue(smooth(), points(), generator=seeded(), **settings)
    broken = Point(torch.full((4,), float("nan"), dtype=DOUBLE))
    with pytest.raises(CheckpointError, match="gradient's norm is nan"):
        gradient_norm(broken, once(), loss=Quadratic(1, 2, 3, 4))
    with pytest.raises(CheckpointError, match="the loss is nan"):
        sharpness(broken, once(), loss=Quadratic(1, 2, 3, 4), generator=seeded())
    broken = Point(torch.full((4,), 1e200, dtype=DOUBLE))
    with pytest.raises(CheckpointError, match="quotient is"):
        largest_eigenvalue(broken, once(), loss=lambda x, t: x.pow(4).sum(), generator=seeded())
