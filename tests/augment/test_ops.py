from __future__ import annotations

import pytest
import torch

import roadworthy.augment.colourless  # noqa: F401 - its augmentations are found by name, too
from roadworthy.augment.op import OPS, Colour, Filter, Geometry, Op
from roadworthy.augment.ops import AutoAugment, Cutout, Exposure, Noise, Rotation, ShiftedCrop
from roadworthy.imaging import ops


def example(name: str) -> Op:
    kind = OPS.get(name)
    return kind() if kind.draws == 0 else kind(60.0 if name == "jpeg" else 0.5)  # type: ignore[call-arg]


def smooth(batch: int) -> torch.Tensor:
    coarse = torch.rand(batch, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(coarse, (24, 24), mode="bilinear")


def run(op: Op, images: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    if isinstance(op, Geometry):
        return ops.warp(images, op.matrix(u))
    if isinstance(op, Colour):
        return ops.colour(images, op.matrix(u, ops.mean_grey(images)))
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


@pytest.mark.parametrize(
    "name", sorted({*OPS.names()} - {"mirror", "blind-flip", "flip", "swapped-channels", "jpeg"})
)
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
    torch.testing.assert_close(Rotation(12).matrix(u), ops.rotation(torch.tensor([-12.0, 0.0, 12.0])))


def test_exposure_goes_as_far_down_as_up() -> None:
    u, grey = torch.tensor([[0.0], [0.5], [1.0]]), torch.full((3,), 0.5)
    factors = Exposure(2.0).matrix(u, grey)[:, 0, 0]
    torch.testing.assert_close(factors, torch.tensor([0.25, 1.0, 4.0]))


def test_scaled_multiplies_the_amount_and_nothing_else() -> None:
    assert Noise(0.05, 0.15).scaled(2) == Noise(0.1, 0.15)


@pytest.mark.parametrize("size", [(32, 32), (24, 40)])
def test_a_shifted_crop_moves_by_whole_pixels_and_fills_with_the_mean(size: tuple[int, int]) -> None:
    height, width = size
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(3))
    most = round(0.125 * height)
    # The middle of each of the 2 most + 1 parts of [0, 1): across the first to the last, down the reverse.
    places = (torch.arange(2 * most + 1) + 0.5) / (2 * most + 1)
    u = torch.stack([places, places.flip(0)], dim=1)
    moved = run(ShiftedCrop(0.125), image.expand(len(u), -1, -1, -1), u)
    padded = image.mean().expand(1, 3, height + 2 * most, width + 2 * most).clone()
    padded[:, :, most:-most, most:-most] = image
    for number, result in enumerate(moved):
        left, top = 2 * most - number, number
        expected = padded[0, :, top : top + height, left : left + width]
        torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


def test_all_shifts_are_as_likely() -> None:
    image = torch.zeros(1, 3, 8, 8)
    image[..., 4, 4] = 1
    u = torch.rand(9000, 2, generator=torch.Generator().manual_seed(4))
    at = run(ShiftedCrop(0.125), image.expand(9000, -1, -1, -1), u)[:, 0].flatten(1).argmax(dim=1)
    counts = at.bincount(minlength=64).view(8, 8)
    assert counts.sum() == counts[3:6, 3:6].sum() == 9000
    assert counts[3:6, 3:6].float().sub(1000).abs().max() < 130  # four standard deviations


@pytest.mark.parametrize(("u", "rows", "columns"), [(0.0, (0, 8), (0, 8)), (0.5, (8, 24), (8, 24))])
def test_cutout_leaves_the_mean_where_the_square_lies(
    u: float, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    images = smooth(2)
    images = torch.nn.functional.interpolate(images, (32, 32))
    result = run(Cutout(0.5), images, torch.full((2, 2), u))
    expected = images.clone()
    mean = images.mean(dim=(1, 2, 3))[:, None, None, None]
    expected[:, :, rows[0] : rows[1], columns[0] : columns[1]] = mean
    torch.testing.assert_close(result, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("amount", "side"), [(0.5, 16), (0.16, 5), (1.5, 32)])
def test_cutout_scales_with_the_picture_and_is_cut_off_at_edges(amount: float, side: int) -> None:
    images = torch.zeros(1, 3, 32, 32)
    images[..., 0] = 1  # so that the mean is another level
    covered = run(Cutout(amount), images, torch.tensor([[0.5, 0.5]])) == images.mean()
    assert covered[0, 0].sum() == side * side
    corner = run(Cutout(amount), images, torch.tensor([[0.999, 0.999]])) == images.mean()
    assert corner[0, 0].sum() == (1 + round(amount * 32) // 2) ** 2


def test_the_amount_of_auto_augment_is_how_often_its_operations_act() -> None:
    images, pair = smooth(2), 24.5 / 25  # a translation in 0.7 of the cases, then a spread in 0.9
    translated, spread = (torch.tensor([[pair, *acts, 0.9, 0.9]] * 2) for acts in ([0.5, 1], [1, 0.5]))
    for u, probability in ((translated, 0.7), (spread, 0.9)):
        for amount in (1.0, 0.9 * 0.5 / probability, 0.0):
            changed = not torch.equal(run(AutoAugment(amount), images, u), images)
            assert changed == (amount * probability > 0.5)
