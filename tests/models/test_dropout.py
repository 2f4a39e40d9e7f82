"""Dropout against what torch's promises."""

import pytest
import torch

from roadworthy.models.dropout import Dropout


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_the_rate_and_the_mean_are_kept(rate: float) -> None:
    torch.manual_seed(0)
    out = Dropout(rate)(torch.ones(1_000_003))
    assert (out == 0).double().mean().item() == pytest.approx(rate, abs=3e-3)
    assert out.double().mean().item() == pytest.approx(1.0, abs=0.01)
    assert out.unique().tolist() == pytest.approx([0.0, 1 / (1 - rate)], rel=1e-4)


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(0)
    kept = (Dropout(0.5)(torch.ones(400_000)) > 0).double() * 2 - 1
    for lag in range(1, 9):  # four values share one random word
        assert abs((kept[lag:] * kept[:-lag]).mean().item()) < 0.01


@pytest.mark.parametrize("lay_out", ["contiguous", "channels last", "strided"])
def test_any_layout_keeps_its_values_and_gradients(lay_out: str) -> None:
    torch.manual_seed(0)
    images = torch.randn(4, 6, 5, 5)
    if lay_out == "channels last":
        images = images.contiguous(memory_format=torch.channels_last)
    elif lay_out == "strided":
        images = images[:, ::2]
    images.requires_grad_()
    out = Dropout(0.5)(images)
    kept = out != 0
    torch.testing.assert_close(out[kept], 2 * images[kept])
    assert 0.3 < kept.double().mean() < 0.7
    out.sum().backward()
    assert images.grad is not None
    torch.testing.assert_close(images.grad, 2.0 * kept)
    if lay_out == "channels last":
        assert out.is_contiguous(memory_format=torch.channels_last)


def test_nothing_is_dropped_in_eval_or_at_rate_0_and_all_at_rate_1() -> None:
    x = torch.randn(10)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x
    assert Dropout(1.0)(x).abs().sum() == 0


def test_a_seed_repeats_itself() -> None:
    torch.manual_seed(3)
    first = Dropout(0.5)(torch.ones(99))
    torch.manual_seed(3)
    assert torch.equal(Dropout(0.5)(torch.ones(99)), first)
