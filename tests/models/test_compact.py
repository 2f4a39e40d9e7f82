"""Compact applied to every window of a picture."""

import pytest
import torch

from roadworthy.models.compact import Compact

SIZE, STRIDE = 32, 8


@pytest.fixture(scope="module")
def model() -> Compact:
    """A network that has seen something: its norms are not those that it started with."""
    torch.manual_seed(0)
    model = Compact(5, width=0.25, depth=1, dropout=0.5)
    torch.nn.init.normal_(model.head.bias)
    for _ in range(3):
        model(torch.rand(8, 3, SIZE, SIZE))
    for block in model.blocks:
        torch.nn.init.ones_(block.norm2.weight)
    return model.eval()


def pictures(height: int, width: int, n: int = 2) -> torch.Tensor:
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [16, 32, 48])
@torch.no_grad()
def test_the_window_of_a_picture_of_its_size_has_the_networks_own_logits(model: Compact, size: int) -> None:
    images = pictures(size, size)
    found = model.windows(images, size)
    assert found.shape == (2, 5, 1, 1)
    torch.testing.assert_close(found[:, :, 0, 0], model(images))


@pytest.mark.parametrize(("height", "width"), [(32, 40), (64, 48), (40, 96)])
@torch.no_grad()
def test_every_window_is_the_head_on_its_part_of_the_feature_map(
    model: Compact, height: int, width: int
) -> None:
    images = pictures(height, width)
    found, features = model.windows(images, SIZE), model.feature_map(images)
    assert features.shape[2:] == (height // STRIDE, width // STRIDE)
    assert found.shape == (2, 5, (height - SIZE) // STRIDE + 1, (width - SIZE) // STRIDE + 1)
    for row in range(found.shape[2]):
        for column in range(found.shape[3]):
            part = features[:, :, row : row + SIZE // STRIDE, column : column + SIZE // STRIDE]
            pooled = torch.cat([part.mean(dim=(2, 3)), part.amax(dim=(2, 3))], dim=1)
            torch.testing.assert_close(found[:, :, row, column], model.head(pooled))


@torch.no_grad()
def test_windows_that_are_far_apart_do_not_see_each_other(model: Compact) -> None:
    images = pictures(SIZE, 20 * STRIDE, n=1)
    changed = images.clone()
    changed[..., 16 * STRIDE :] = 0
    before, after = model.windows(images, SIZE)[0], model.windows(changed, SIZE)[0]
    assert torch.equal(before[..., :9], after[..., :9])
    assert not torch.equal(before[..., -1], after[..., -1])


@torch.no_grad()
def test_a_positions_place_is_the_windows(model: Compact) -> None:
    """A picture moved by the stride gives the same answers one place further on."""
    images = pictures(SIZE, 24 * STRIDE, n=1)
    moved = torch.roll(images, STRIDE, dims=3)
    before, after = model.windows(images, SIZE)[0], model.windows(moved, SIZE)[0]
    # But for those about the edges, where padding and what came round are seen.
    torch.testing.assert_close(after[..., 9:13], before[..., 8:12])
