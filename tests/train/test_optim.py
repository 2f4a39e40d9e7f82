import pytest
import torch
from torch import nn
from torch.nn import functional as F

from roadworthy.config import ModelConfig, OptimConfig
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model
from roadworthy.train.optim import OPTIMIZERS, Muon, build_optimizer, orthogonalise


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_every_optimizer_learns_and_resumes_bit_for_bit(name):
    def start():
        torch.manual_seed(0)
        model = build_model(ModelConfig(width=0.25, depth=1), 4, InputSpec(size=16))
        return model, build_optimizer(model, OptimConfig(name=name, lr=0.05 if name == "sgd" else 0.01))

    images, targets = (
        torch.randn(16, 3, 16, 16, generator=torch.Generator().manual_seed(1)),
        torch.arange(16) % 4,
    )

    def go(model, optimizer, steps):
        for _ in range(steps):
            loss = F.cross_entropy(model(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.item()

    model, optimizer = start()
    first = go(model, optimizer, 1)
    assert go(model, optimizer, 30) < 0.5 * first

    straight, its_optimizer = start()
    go(straight, its_optimizer, 4)
    before, saved = start()
    go(before, saved, 2)
    after, loaded = start()
    after.load_state_dict(before.state_dict())
    loaded.load_state_dict(saved.state_dict())
    go(after, loaded, 2)
    for a, b in zip(straight.state_dict().values(), after.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_only_kernels_decay(name):
    model = build_model(ModelConfig(width=0.25, depth=1), 4, InputSpec(size=16))
    optimizer = build_optimizer(model, OptimConfig(name=name, lr=0.1, weight_decay=0.5))
    for parameter in model.parameters():
        nn.init.ones_(parameter)
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for parameter in model.parameters():
        if parameter.ndim <= 1:
            assert torch.equal(parameter, torch.ones_like(parameter))
        else:
            assert (parameter < 1).all()


def test_orthogonalise_brings_singular_values_near_one():
    for shape in ((24, 72), (72, 24), (16, 16)):
        matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        left, _, right = torch.linalg.svd(matrix, full_matrices=False)
        result = orthogonalise(matrix)
        values = torch.linalg.svdvals(result)
        assert values.min() > 0.3
        assert values.max() < 1.3
        # The singular vectors stay: seen from them, the result is diagonal.
        seen = left.T @ result @ right.T
        assert (seen - torch.diag(seen.diag())).abs().max() < 1e-3
    assert torch.equal(orthogonalise(torch.zeros(4, 9)), torch.zeros(4, 9))


def test_muon_agrees_with_torchs_on_matrices():
    torch.manual_seed(0)
    ours, theirs = (nn.Parameter(torch.ones(12, 30)) for _ in range(2))
    settings = {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1}
    a = Muon([ours], [], **settings)
    b = torch.optim.Muon([theirs], nesterov=True, adjust_lr_fn="match_rms_adamw", **settings)
    for _ in range(5):
        ours.grad = torch.randn(12, 30)
        theirs.grad = ours.grad.clone()
        a.step()
        b.step()
    # torch iterates in bfloat16, whose errors are about 1 in 256.
    torch.testing.assert_close(ours, theirs, atol=2e-3, rtol=0)
    assert (ours - 1).abs().max() > 0.02


def test_muons_adamw_agrees_with_torchs():
    torch.manual_seed(0)
    ours, theirs = (nn.Parameter(torch.ones(5, 3)) for _ in range(2))
    a = Muon([], [ours], lr=0.01, weight_decay=0.1)
    b = torch.optim.AdamW([theirs], lr=0.01, betas=(0.9, 0.99), weight_decay=0.1)
    for _ in range(5):
        ours.grad = torch.randn(5, 3)
        theirs.grad = ours.grad.clone()
        a.step()
        b.step()
    torch.testing.assert_close(ours, theirs)
