"""Landscapes: the centre is the network, a quadratic's is a parabola, directions are to scale."""

from __future__ import annotations

import json

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roadworthy.evaluate.minima.landscape import STEPS, loss_curve, loss_surface, random_direction

Batches = list[tuple[Tensor, Tensor]]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(12, 3)
    )
    model(torch.randn(16, 2, 4, 4))
    return model


def pictures() -> Batches:
    inputs, targets = torch.randn(7, 2, 4, 4, generator=seeded(1)), torch.arange(7) % 3
    return list(zip(inputs.split([5, 2]), targets.split([5, 2]), strict=True))


def squared(logits: Tensor, targets: Tensor) -> Tensor:
    """Quadratic in the weights of a network of one linear layer."""
    return (logits - F.one_hot(targets, logits.shape[1])).square().sum(dim=1).mean()


def linear() -> nn.Module:
    torch.manual_seed(4)
    return nn.Linear(4, 3, bias=False).double()


def vectors() -> Batches:
    inputs, targets = torch.randn(8, 4, generator=seeded(5), dtype=torch.float64), torch.arange(8) % 3
    return list(zip(inputs.split([5, 3]), targets.split([5, 3]), strict=True))


def test_each_filter_of_a_direction_has_its_filter_s_norm() -> None:
    weights = {name: p.detach() for name, p in network().named_parameters()}
    weights["0.weight"][1] *= 100
    weights["5.weight"][2] = 0
    direction = random_direction(weights, seeded())
    for name in ("0.weight", "5.weight"):
        for filters, wanted in zip(direction[name], weights[name], strict=True):
            assert float(filters.norm()) == pytest.approx(float(wanted.norm()), rel=1e-6)
            assert filters.shape == wanted.shape
    for name in ("0.bias", "1.weight", "1.bias", "5.bias"):
        assert direction[name].shape == weights[name].shape
        assert not direction[name].any()
    cosine = F.cosine_similarity(direction["0.weight"].flatten(1), weights["0.weight"].flatten(1))
    assert cosine.abs().max() < 0.9  # random, and no copy of the weights
    assert torch.equal(random_direction(weights, seeded())["0.weight"], direction["0.weight"])
    assert not torch.equal(random_direction(weights, seeded(1))["0.weight"], direction["0.weight"])


def test_a_quadratic_s_curve_is_the_parabola_that_it_must_be() -> None:
    model = linear()
    curve = loss_curve(model, vectors(), generator=seeded(6), loss=squared)
    inputs, targets = (torch.cat(parts) for parts in zip(*vectors(), strict=True))
    direction = random_direction({"weight": model.weight.detach()}, seeded(6))["weight"]
    residual = (model(inputs) - F.one_hot(targets, 3)).detach()
    moved = inputs @ direction.T
    parabola = [
        float((residual.square() + 2 * a * residual * moved + a * a * moved.square()).sum(dim=1).mean())
        for a in STEPS
    ]
    assert curve.n == 8
    assert curve.steps == STEPS
    assert curve.losses == pytest.approx(parabola, rel=1e-12)
    wrong = [
        float(((inputs @ (model.weight + a * direction).T).argmax(dim=1) != targets).double().mean())
        for a in STEPS
    ]
    assert curve.errors == pytest.approx(wrong)
    assert len(set(wrong)) > 1


def test_the_centre_is_the_network_itself() -> None:
    model, steps = network(), (-0.5, 0.0, 0.25)
    inputs, targets = (torch.cat(parts) for parts in zip(*pictures(), strict=True))
    logits = network().eval()(inputs)
    loss, error = F.cross_entropy(logits, targets).item(), float((logits.argmax(1) != targets).float().mean())
    curve = loss_curve(model, pictures(), generator=seeded(), steps=steps)
    surface = loss_surface(model, pictures(), generator=seeded(), steps=steps)
    for found_loss, found_error in (
        (curve.losses[1], curve.errors[1]),
        (surface.losses[1][1], surface.errors[1][1]),
    ):
        assert found_loss == pytest.approx(loss, rel=1e-6)
        assert found_error == pytest.approx(error)
    assert curve.losses[0] != pytest.approx(loss, rel=1e-3)


def test_a_surface_s_middle_row_is_the_curve_and_its_columns_are_the_second_direction() -> None:
    steps = (-1.0, 0.0, 0.5)
    generator = seeded(8)
    first = loss_curve(linear(), vectors(), generator=generator, steps=steps, loss=squared)
    second = loss_curve(linear(), vectors(), generator=generator, steps=steps, loss=squared)
    surface = loss_surface(linear(), vectors(), generator=seeded(8), steps=steps, loss=squared)
    assert surface.losses[1] == first.losses
    assert surface.errors[1] == first.errors
    assert tuple(row[1] for row in surface.losses) == second.losses
    assert first.losses != second.losses
    corner = surface.losses[0][2] - first.losses[2] - second.losses[0] + first.losses[1]
    assert corner != pytest.approx(0, abs=1e-6)  # they are not orthogonal to the Hessian: a mixed term
    # Of a quadratic the mixed term is bilinear in the two steps.
    opposite = surface.losses[2][0] - first.losses[0] - second.losses[2] + first.losses[1]
    assert opposite == pytest.approx(corner, rel=1e-9)


def test_the_generator_decides() -> None:
    curves = [loss_curve(linear(), vectors(), generator=seeded(s), loss=squared) for s in (0, 0, 1)]
    assert curves[0] == curves[1]
    assert curves[0].losses != curves[2].losses


@pytest.mark.parametrize("fails", [False, True])
def test_the_network_is_as_it_came(fails: bool) -> None:
    model, seen = network().train(), []
    state = {name: value.clone() for name, value in model.state_dict().items()}

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        seen.append(len(targets))
        if fails and len(seen) == 4:
            raise RuntimeError("planted")
        return F.cross_entropy(logits, targets)

    if fails:
        with pytest.raises(RuntimeError, match="planted"):
            loss_surface(model, pictures(), generator=seeded(), steps=(-1.0, 1.0), loss=loss)
    else:
        loss_surface(model, pictures(), generator=seeded(), steps=(-1.0, 1.0), loss=loss)
    assert seen
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


def test_results_are_plain_numbers() -> None:
    curve = loss_curve(linear(), vectors(), generator=seeded(), steps=(0.0, 1.0), loss=squared)
    surface = loss_surface(linear(), vectors(), generator=seeded(), steps=(0.0, 1.0), loss=squared)
    assert json.loads(json.dumps(curve.to_dict()))["losses"] == list(curve.losses)
    assert json.loads(json.dumps(surface.to_dict()))["losses"] == [list(row) for row in surface.losses]
    assert surface.n == 8


def test_a_loss_that_overflows_is_given_as_it_is() -> None:
    curve = loss_curve(linear(), vectors(), generator=seeded(), steps=(0.0, 1e200), loss=squared)
    assert curve.losses[1] == float("inf")
