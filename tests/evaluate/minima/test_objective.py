"""The loss as a function of the weights: every picture counts alike, and the network is never changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roadworthy.core.errors import ConfigError, DataError, ShapeError
from roadworthy.evaluate.minima.objective import Objective

Batch = tuple[Tensor, Tensor]


def network() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(12, 3)
    )
    model(torch.randn(16, 2, 4, 4))  # statistics that are not those of a fresh network
    return model


def pictures(n: int = 7) -> Batch:
    return torch.randn(n, 2, 4, 4, generator=torch.Generator().manual_seed(1)), torch.arange(n) % 3


def divided(batch: Batch, *sizes: int) -> list[Batch]:
    return list(zip(*(part.split(sizes) for part in batch), strict=True))


def by_hand(model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[float, Tensor]:
    """Loss and gradient in one pass, of a network that may be changed."""
    loss = F.cross_entropy(model.eval()(inputs), targets)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    return loss.item(), torch.cat([g.flatten() for g in gradients])


@pytest.mark.parametrize("sizes", [(7,), (5, 2), (1, 2, 4)])
def test_loss_gradient_and_error_whatever_the_batches(sizes: tuple[int, ...]) -> None:
    objective = Objective(network(), divided(pictures(), *sizes))
    loss, gradient = by_hand(network(), *pictures())
    assert objective.n == 7
    assert objective.value(objective.weights) == pytest.approx(loss, rel=1e-6)
    torch.testing.assert_close(objective.gradient(objective.weights), gradient)
    inputs, targets = pictures()
    wrong = int((network().eval()(inputs).argmax(dim=1) != targets).sum())
    assert 0 < wrong < 7
    assert objective.value_and_error(objective.weights) == pytest.approx((loss, wrong / 7))


def test_targets_may_be_probabilities() -> None:
    inputs, targets = pictures()
    objective = Objective(network(), [(inputs, F.one_hot(targets, 3).float())], dtype=torch.float64)
    classes = Objective(network(), [(inputs, targets)], dtype=torch.float64)
    assert objective.value_and_error(objective.weights) == pytest.approx(
        classes.value_and_error(classes.weights), rel=1e-12
    )


def test_the_hessian_product_is_what_the_gradient_changes_by() -> None:
    objective = Objective(network(), divided(pictures(), 5, 2), dtype=torch.float64)
    generator, step = torch.Generator().manual_seed(2), 1e-5
    vector = torch.randn(len(objective.weights), generator=generator, dtype=torch.float64)
    ahead, behind = (objective.gradient(objective.weights + sign * step * vector) for sign in (1, -1))
    wanted = (ahead - behind) / (2 * step)
    torch.testing.assert_close(
        objective.hessian_product(objective.weights, vector), wanted, rtol=1e-6, atol=1e-8
    )


def test_a_loss_linear_in_the_weights_has_no_curvature() -> None:
    objective = Objective(
        nn.Linear(3, 2), [(torch.ones(4, 3), torch.zeros(4))], lambda logits, _: logits.mean()
    )
    assert objective.hessian_product(objective.weights, torch.ones_like(objective.weights)).abs().sum() == 0


def test_computation_in_float64_whatever_the_weights_are_in() -> None:
    short, long = (Objective(network(), [pictures()], dtype=dtype) for dtype in (None, torch.float64))
    assert (short.weights.dtype, long.weights.dtype) == (torch.float32, torch.float64)
    assert Objective(network().bfloat16(), [pictures()]).weights.dtype == torch.float32
    model = network().double()
    inputs, targets = pictures()
    loss, gradient = by_hand(model, inputs.double(), targets)
    assert long.value(long.weights) == pytest.approx(loss, rel=1e-14)
    torch.testing.assert_close(long.gradient(long.weights), gradient, rtol=1e-12, atol=1e-15)


def test_only_trained_weights_count() -> None:
    model = network()
    model[0].requires_grad_(False)
    objective = Objective(model, [pictures()])
    assert len(objective.weights) == 3 + 3 + 12 * 3 + 3
    assert list(objective.named(objective.weights)) == ["1.weight", "1.bias", "5.weight", "5.bias"]
    _, gradient = by_hand(network(), *pictures())
    torch.testing.assert_close(objective.gradient(objective.weights), gradient[-45:])


def test_named_weights_and_back() -> None:
    objective = Objective(network(), [pictures()])
    named = objective.named(objective.weights)
    for name, parameter in network().named_parameters():
        assert torch.equal(named[name], parameter)
    assert torch.equal(objective.flat(named), objective.weights)


class Counting(nn.Module):
    """Writes to a buffer even in evaluation mode, and fails at the picture it is told to."""

    def __init__(self, fail_at: int) -> None:
        super().__init__()
        self.inner, self.fail_at, self.seen = network(), fail_at, 0
        self.register_buffer("passes", torch.zeros(1))

    def forward(self, inputs: Tensor) -> Tensor:
        assert not self.inner[4].training
        self.passes += 1
        self.seen += len(inputs)
        if self.seen > self.fail_at:
            raise RuntimeError("planted")
        return self.inner(inputs)


@pytest.mark.parametrize("fail_at", [10**9, 5])
@pytest.mark.parametrize(
    "ask",
    [
        lambda objective, w: objective.value(w + 1),
        lambda objective, w: objective.value_and_error(w + 1),
        lambda objective, w: objective.gradient(w + 1),
        lambda objective, w: objective.hessian_product(w + 1, w),
    ],
)
def test_the_network_is_as_it_came(ask: Callable[[Objective, Tensor], object], fail_at: int) -> None:
    model = Counting(fail_at)
    model.train()
    model.inner[1].eval()  # frozen inside a training network
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    parameters = list(model.parameters())
    state = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    objective = Objective(model, divided(pictures(), 5, 2))
    if fail_at > 7:
        ask(objective, objective.weights)
    else:
        with pytest.raises(RuntimeError, match="planted") as raised:  # kept, so that its frames live on
            ask(objective, objective.weights)
        assert raised.value.__traceback__ is not None
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))
    assert all(p.requires_grad and p.grad.eq(3).all() for p in parameters)


def test_gradients_also_where_the_caller_has_switched_them_off() -> None:
    objective = Objective(network(), [pictures()])
    with torch.no_grad():
        assert objective.gradient(objective.weights).norm() > 0


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ConfigError, match="no trainable weights"):
        Objective(network().requires_grad_(False), [pictures()])
    with pytest.raises(DataError, match="only once"):
        Objective(network(), iter([pictures()]))
    with pytest.raises(DataError, match="no pictures"):
        Objective(network(), [])
    objective = Objective(network(), [pictures()], lambda logits, _: logits)
    with pytest.raises(ShapeError, match=r"\(7, 3\)"):
        objective.value(objective.weights)
