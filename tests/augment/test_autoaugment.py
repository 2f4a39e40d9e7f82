from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from roadworthy.augment.autoaugment import DRAWS, LEVELS, OPERATIONS, PAIRS, apply

# The level at which an operation changes nothing, for those that have one.
NEUTRAL = {
    **dict.fromkeys(("rotate", "shear-y", "translate-x", "translate-y", "posterise", "solarise"), 0),
    **dict.fromkeys(("colour", "brightness", "contrast", "sharpness"), 5),
}


def pictures(n: int = 3, size: int = 32) -> Tensor:
    coarse = torch.rand(n, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic").clamp(0, 1)
    return (smooth * 255).round() / 255


def run(name: str, images: Tensor, level: int, direction: float = 1.0) -> Tensor:
    n = len(images)
    return OPERATIONS[name](images, torch.full((n,), level / LEVELS), torch.full((n,), direction))


def in_pillow(images: Tensor, change: Callable[[Image.Image], Image.Image]) -> Tensor:
    bytes_BHWC = (images * 255).round().byte().permute(0, 2, 3, 1).numpy()
    changed = np.stack([np.asarray(change(Image.fromarray(picture))) for picture in bytes_BHWC])
    return torch.from_numpy(changed).permute(0, 3, 1, 2).float() / 255


def draws(pair: int, acts: tuple[bool, bool], n: int = 3, direction: float = 0.9) -> Tensor:
    """Numbers that choose a pair, and whether its two act."""
    first, second = (0.0 if act else 0.999 for act in acts)
    return torch.tensor([[(pair + 0.5) / len(PAIRS), first, second, direction, direction]]).repeat(n, 1)


# The table


def test_there_are_25_pairs_of_known_operations_with_levels_where_they_have_strength() -> None:
    assert len(PAIRS) == 25
    assert all(len(pair) == 2 for pair in PAIRS)
    for name, probability, level in (step for pair in PAIRS for step in pair):
        assert 0 <= probability <= 1
        assert round(10 * probability) == pytest.approx(10 * probability)  # the search has tenths
        assert (level is not None and 0 <= level < LEVELS) == (name in NEUTRAL), name
    assert {name for pair in PAIRS for name, _, _ in pair} == OPERATIONS.keys()


def test_the_table_is_the_papers() -> None:
    # Sums over each row of it and counts, made by hand: a slip changes one.
    tenths = [3, 10, 17, 12, 14, 5, 10, 10, 11, 12, 12, 7, 6, 11, 5, 8, 8, 15, 10, 8, 13, 16, 17, 9, 16]
    assert [round(10 * (a[1] + b[1])) for a, b in PAIRS] == tenths
    levels = [6, 11, 4, 17, 0, 14, 10, 18, 0, 12, 15, 0, 9, 14, 2, 0, 0, 9, 8, 3, 5, 18, 3, 0, 9]
    assert [(a[2] or 0) + (b[2] or 0) for a, b in PAIRS] == levels
    counts = Counter(name for pair in PAIRS for name, _, _ in pair)
    assert counts.pop("equalise") == 9
    assert counts.pop("auto-contrast") == 7
    assert {counts.pop(name) for name in ("translate-y", "sharpness", "colour")} == {5}
    assert {counts.pop(name) for name in ("brightness", "solarise")} == {4}
    assert counts.pop("invert") == 3
    assert {counts.pop(name) for name in ("contrast", "shear-y", "translate-x")} == {2}
    assert counts == {"rotate": 1, "posterise": 1}
    assert PAIRS[0] == (("invert", 0.1, None), ("contrast", 0.2, 6))
    assert PAIRS[-1] == (("translate-y", 0.7, 9), ("auto-contrast", 0.9, None))


# The operations


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("direction", [-1.0, 1.0])
def test_an_operation_keeps_shape_and_range_and_acts_on_each_picture_alone(
    name: str, direction: float
) -> None:
    images = pictures()
    before = images.clone()
    result = run(name, images, 9, direction)
    assert torch.equal(images, before), "the input was changed in place"
    assert result.shape == images.shape
    assert result.min() >= -1e-6
    assert result.max() <= 1 + 1e-6
    assert not torch.allclose(result, images, atol=1e-3)
    alone = torch.cat([run(name, image[None], 9, direction) for image in images])
    torch.testing.assert_close(result, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "level"), NEUTRAL.items())
def test_at_its_neutral_level_an_operation_changes_nothing(name: str, level: int) -> None:
    images = pictures()
    torch.testing.assert_close(run(name, images, level), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("name", "level", "change"),
    [
        ("invert", 7, ImageOps.invert),
        ("equalise", 2, ImageOps.equalize),
        ("auto-contrast", 8, ImageOps.autocontrast),
        ("posterise", 7, lambda p: ImageOps.posterize(p, 5)),  # 8 - 4 * 0.7 = 5.2
        ("solarise", 2, lambda p: ImageOps.solarize(p, 205)),  # 256 - 51.2
        ("solarise", 8, lambda p: ImageOps.solarize(p, 52)),
        ("colour", 3, lambda p: ImageEnhance.Color(p).enhance(0.64)),
        ("colour", 0, lambda p: ImageEnhance.Color(p).enhance(0.1)),
        ("brightness", 7, lambda p: ImageEnhance.Brightness(p).enhance(1.36)),
        ("contrast", 6, lambda p: ImageEnhance.Contrast(p).enhance(1.18)),
        ("sharpness", 1, lambda p: ImageEnhance.Sharpness(p).enhance(0.28)),
        ("sharpness", 9, lambda p: ImageEnhance.Sharpness(p).enhance(1.72)),
    ],
)
def test_tones_are_those_of_pillow_to_its_rounding(
    name: str, level: int, change: Callable[[Image.Image], Image.Image]
) -> None:
    images = pictures()
    torch.testing.assert_close(run(name, images, level), in_pillow(images, change), atol=2.01 / 255, rtol=0)


def test_translations_are_by_as_many_of_32_px_as_the_level() -> None:
    images = pictures()
    ground = images.mean(dim=(1, 2, 3))[:, None, None, None]
    for level, direction in ((9, 1), (3, -1)):
        by = level * direction
        expected = images.roll(by, dims=3)
        expected[..., slice(0, by) if by > 0 else slice(by, None)] = ground
        torch.testing.assert_close(run("translate-x", images, level, direction), expected, atol=1e-5, rtol=0)
        down = run("translate-y", images.mT.contiguous(), level, direction).mT
        torch.testing.assert_close(down, expected, atol=1e-5, rtol=0)


def test_rotation_and_shear_move_points_as_far_as_the_level_says() -> None:
    images = torch.zeros(1, 3, 65, 65)
    images[..., 32, 56] = 1  # 24 px to the right of the middle
    for name, level, down in (("rotate", 10, -12), ("shear-y", 10, 7.2), ("shear-y", 5, 3.6)):
        for direction in (-1.0, 1.0):
            moved = run(name, images, level, direction)[0, 0]
            moved = torch.where(moved > 0.01, moved, 0.0)
            rows = (moved.sum(dim=1) * torch.arange(65.0)).sum() / moved.sum()
            assert rows.item() - 32 == pytest.approx(down * direction, abs=0.15)


# Pairs


def test_the_first_of_a_pair_acts_before_the_second() -> None:
    images = pictures()
    pair = next(n for n, (a, b) in enumerate(PAIRS) if (a[0], b[0]) == ("solarise", "auto-contrast"))
    first = run("solarise", images, PAIRS[pair][0][2] or 0)
    assert torch.equal(apply(images, draws(pair, (False, False))), images)
    assert torch.equal(apply(images, draws(pair, (True, False))), first)
    assert torch.equal(apply(images, draws(pair, (True, True))), run("auto-contrast", first, 0))


def test_directions_are_drawn() -> None:
    images = pictures()
    for u, direction in ((0.1, -1.0), (0.9, 1.0)):
        expected = run("translate-y", images, 9, direction)
        result = apply(images, draws(24, (True, False), direction=u))
        torch.testing.assert_close(result, expected, atol=0, rtol=0)


def test_pairs_and_their_operations_come_as_often_as_the_table_says() -> None:
    """Pair 3 of a shear and a translation, told by what acts: half and seven tenths of the time."""
    generator = torch.Generator().manual_seed(1)
    images = pictures(1, 16).expand(2000, -1, -1, -1)
    u = torch.rand(2000, DRAWS, generator=generator)
    u[:, 0] = 3.5 / len(PAIRS)
    changed = (apply(images, u) != images).flatten(1).any(dim=1)
    assert changed.float().mean().item() == pytest.approx(1 - 0.5 * 0.3, abs=0.03)
    half = (apply(images, u, often=0.5) != images).flatten(1).any(dim=1)
    assert half.float().mean().item() == pytest.approx(1 - 0.75 * 0.65, abs=0.04)
    assert torch.equal(apply(images, u, often=0.0), images)


def test_every_pair_can_be_drawn_and_the_same_numbers_give_the_same() -> None:
    images = pictures(25)
    u = torch.cat([draws(n, (True, True), 1) for n in range(25)])
    before = images.clone()
    first = apply(images, u)
    assert torch.equal(images, before)
    assert torch.equal(first, apply(images, u))
    torch.testing.assert_close(first, torch.cat([apply(images[n : n + 1], u[n : n + 1]) for n in range(25)]))
    edge = torch.tensor([[1.0 - 2**-24, 0.0, 0.0, 0.9, 0.9]])
    assert torch.equal(apply(images[:1], edge), apply(images[:1], draws(24, (True, True), 1)))
