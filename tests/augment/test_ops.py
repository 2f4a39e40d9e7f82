from __future__ import annotations

import pytest
import torch

from roadworthy import pixels
from roadworthy.augment.ops import OPS, Colour, Filter, Geometry, Noise, Op, Rotation


def example(name: str) -> Op:
    kind = OPS.get(name)
    return kind() if kind.draws == 0 else kind(60.0 if name == "jpeg" else 0.5)  # type: ignore[call-arg]


def smooth(batch: int) -> torch.Tensor:
    coarse = torch.rand(batch, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(coarse, (24, 24), mode="bilinear")


def run(op: Op, images: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    if isinstance(op, Geometry):
        return pixels.warp(images, op.matrix(u))
    if isinstance(op, Colour):
        return pixels.colour(images, op.matrix(u, pixels.mean_grey(images)))
    assert isinstance(op, Filter)
    return op.apply(images, u, torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", OPS.names())
def test_every_op_changes_pictures_within_range_one_by_one(name: str) -> None:
    op, images = example(name), smooth(4)
    u = torch.rand(4, op.draws, generator=torch.Generator().manual_seed(2))
    before = images.clone()
    result = run(op, images, u)
    assert torch.equal(images, before), "the input was changed in place"
    assert result.shape == images.shape
    assert result.dtype == torch.float32
    assert result.min() >= -1e-6
    assert result.max() <= 1 + 1e-6
    assert not torch.allclose(result, images, atol=1e-3)
    if name != "noise":  # whose numbers are drawn for the batch
        alone = torch.cat([run(op, images[i : i + 1], u[i : i + 1]) for i in range(4)])
        torch.testing.assert_close(result, alone, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", sorted({*OPS.names()} - {"mirror", "blind-flip", "jpeg"}))
def test_every_op_fades_out_with_its_amount(name: str) -> None:
    op, images = example(name).scaled(0.0), smooth(3)
    u = torch.full((3, op.draws), 0.9)
    torch.testing.assert_close(run(op, images, u), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", OPS.names())
def test_every_op_is_documented_and_describes_itself(name: str) -> None:
    assert OPS.summary(name).endswith(".")
    assert not OPS.summary(name).startswith(OPS.get(name).__name__ + "(")
    assert example(name).describe().startswith(f"{name}: ")


def test_describe_says_range_and_how_often() -> None:
    assert Rotation(12).describe() == "rotation: ±12°, every picture"
    assert Noise(0.05, 0.15).describe() == "noise: sigma up to 0.05, 15% of pictures"


def test_draws_span_the_range() -> None:
    u = torch.tensor([[0.0], [0.5], [1.0]])
    torch.testing.assert_close(Rotation(12).matrix(u), pixels.rotation(torch.tensor([-12.0, 0.0, 12.0])))


def test_scaled_multiplies_the_amount_and_nothing_else() -> None:
    assert Noise(0.05, 0.15).scaled(2) == Noise(0.1, 0.15)
