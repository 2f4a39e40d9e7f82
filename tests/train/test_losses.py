import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from roadworthy.config import ModelConfig
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model
from roadworthy.train.losses import (
    balancing_weights,
    build_loss,
    jensen_shannon_divergence,
    l2_penalty,
)


def test_weights_worked_by_hand_have_mean_one_over_the_pictures():
    counts = np.array([10, 30, 0, 20])
    weights = balancing_weights(counts)
    assert weights.tolist() == pytest.approx([2, 2 / 3, 0, 1])
    assert (weights.numpy() * counts).sum() == pytest.approx(counts.sum())


def test_balanced_loss_sees_each_class_alike():
    logits = torch.zeros(4, 2).index_put((torch.tensor([0]), torch.tensor([0])), torch.tensor(2.0))
    targets = torch.tensor([0, 1, 1, 1])
    weighted = build_loss(0.0, balancing_weights(np.array([1, 3])))(logits, targets)
    each = F.cross_entropy(logits, targets, reduction="none")
    assert weighted.item() == pytest.approx((each[0] + each[1:].mean()).item() / 2)


def test_smoothing_worked_by_hand():
    logits, targets = torch.tensor([[1.0, 0.0]]), torch.tensor([0])
    log_probs = torch.log_softmax(logits, 1)[0]
    wanted = -(0.95 * log_probs[0] + 0.05 * log_probs[1])
    assert build_loss(0.1, None)(logits, targets).item() == pytest.approx(wanted.item())


def test_soft_targets_worked_by_hand():
    logits, shares = torch.tensor([[1.0, 0.0, -1.0]]), torch.tensor([[0.7, 0.3, 0.0]])
    log_probs = torch.log_softmax(logits, 1)[0]
    wanted = -(0.7 * log_probs[0] + 0.3 * log_probs[1])
    assert build_loss(0.0, None)(logits, shares).item() == pytest.approx(wanted.item())
    # Weighted: each class's part by its weight, divided by the weight that the shares make up.
    weights = torch.tensor([1.0, 3.0, 5.0])
    wanted = -(0.7 * log_probs[0] + 0.3 * 3 * log_probs[1]) / (0.7 + 0.9)
    assert build_loss(0.0, weights)(logits, shares).item() == pytest.approx(wanted.item())


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, torch.tensor([2.0, 0.5, 1.0, 0.0])])
def test_whole_shares_cost_what_their_classes_do(smoothing, weights):
    logits, targets = torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 3
    loss = build_loss(smoothing, weights)
    shares = F.one_hot(targets, 4).float()
    assert loss(logits, shares).item() == pytest.approx(loss(logits, targets).item(), rel=1e-5)


def test_divergence_worked_by_hand():
    # Two answers sure of different classes, a third undecided: the mean is even.
    logits = torch.tensor([[[50.0, 0.0]], [[0.0, 50.0]], [[0.0, 0.0]]])
    assert jensen_shannon_divergence(logits).item() == pytest.approx(2 / 3 * math.log(2))
    apart = 50 * torch.eye(3)[:, None]
    assert jensen_shannon_divergence(apart).item() == pytest.approx(math.log(3))
    alike = torch.randn(1, 8, 5, generator=torch.Generator().manual_seed(0)).expand(3, -1, -1)
    assert jensen_shannon_divergence(alike).item() == pytest.approx(0, abs=1e-6)


def test_consistency_adds_to_the_first_views_cross_entropy():
    logits, targets = torch.randn(12, 5, generator=torch.Generator().manual_seed(0)), torch.arange(4)
    first = build_loss(0.1, None)(logits[:4], targets)
    apart = jensen_shannon_divergence(logits.view(3, 4, 5))
    assert apart > 0.01
    wanted = first + 12 * apart
    assert build_loss(0.1, None, 12.0)(logits, targets).item() == pytest.approx(wanted.item())
    same = logits[:4].repeat(3, 1)
    assert build_loss(0.1, None, 12.0)(same, targets).item() == pytest.approx(first.item(), abs=1e-5)


def test_l2_covers_every_kernel_but_the_last():
    model = build_model(ModelConfig(name="study-cnn"), 4, InputSpec(size=64))
    kernels = [m.weight for m in model.modules() if hasattr(m, "weight")][:-1]
    assert len(kernels) == 4
    assert l2_penalty(model).item() == pytest.approx(sum(k.square().sum().item() for k in kernels), rel=1e-5)
