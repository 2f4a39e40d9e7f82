from __future__ import annotations

from typing import get_args, get_type_hints

import pytest
import torch
from torch.nn import functional as F

from roadworthy.augment.mix import MIXES, CutMix, MixUp, beta, build_mix
from roadworthy.config import AugmentConfig

CLASSES = 5


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(n: int = 64, size: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(n, 3, size, size, generator=random(7)), torch.arange(n) % CLASSES


def test_the_setting_takes_none_and_every_mix() -> None:
    assert set(get_args(get_type_hints(AugmentConfig)["mix"])) == {"none", *MIXES}


def test_none_gives_back_what_it_gets() -> None:
    images, targets = batch()
    mixed, labels = build_mix(AugmentConfig(), CLASSES)(images, targets, random())
    assert mixed is images
    assert labels is targets


@pytest.mark.parametrize("name", MIXES.names())
def test_every_mix_keeps_shapes_repeats_and_says_what_it_does(name: str) -> None:
    images, targets = batch()
    kept = images.clone()
    mix = build_mix(AugmentConfig(mix=name), CLASSES)
    mixed, shares = mix(images, targets, random())
    assert mixed.shape == images.shape
    assert torch.equal(images, kept)
    assert shares.shape == (64, CLASSES)
    torch.testing.assert_close(shares.sum(1), torch.ones(64))
    assert (shares >= 0).all()
    assert ((shares > 0).sum(1) <= 2).all()
    again = mix(images, targets, random())
    assert torch.equal(mixed, again[0])
    assert torch.equal(shares, again[1])
    assert not torch.equal(mixed, mix(images, targets, random(1))[0])
    assert MIXES.summary(name).endswith(".")


@pytest.mark.parametrize("name", MIXES.names())
def test_a_share_of_one_is_the_picture_itself(name: str) -> None:
    images, _ = batch()
    mixed, shares = MIXES.get(name)().mixed(images, images.flip(0), torch.ones(64), random())
    assert torch.equal(mixed, images)
    assert shares.tolist() == [1.0] * 64


def test_mixup_worked_by_hand() -> None:
    images, others = torch.full((2, 3, 4, 4), 1.0), torch.full((2, 3, 4, 4), 5.0)
    mixed, shares = MixUp().mixed(images, others, torch.tensor([0.75, 0.25]), random())
    assert mixed[:, 0, 0, 0].tolist() == [2.0, 4.0]
    assert shares.tolist() == [0.75, 0.25]


def test_mixup_mixes_labels_with_their_pictures() -> None:
    # A picture that is its own label: whatever is mixed, the two must stay alike.
    targets = torch.arange(60) % CLASSES
    images = F.one_hot(targets, CLASSES).float()[:, None, None, :].expand(-1, 3, 4, -1)
    mixed, shares = build_mix(AugmentConfig(mix="mixup", mix_alpha=1.0), CLASSES)(images, targets, random())
    torch.testing.assert_close(mixed[:, 0, 0], shares)
    assert ((shares > 0.05).sum(1) == 2).any()


def test_cutmix_counts_the_pixels_that_it_pasted() -> None:
    n = 500
    images, others = torch.zeros(n, 3, 10, 10), torch.ones(n, 3, 10, 10)
    mixed, shares = CutMix().mixed(images, others, torch.full((n,), 0.64), random())
    pasted = mixed[:, 0]
    torch.testing.assert_close(shares, 1 - pasted.mean(dim=(1, 2)))
    # A side of 0.6: six pixels each way where it lies within, fewer where the edge cuts it off, never more.
    assert pasted.sum(dim=(1, 2)).max() == 36
    assert pasted.sum(dim=(1, 2)).min() < 20
    rows, columns = pasted.amax(2).sum(1), pasted.amax(1).sum(1)
    assert torch.equal(rows * columns, pasted.sum(dim=(1, 2)))  # one rectangle each


@pytest.mark.parametrize(("alpha", "deviation"), [(1.0, 12**-0.5), (0.2, (0.25 / 1.4) ** 0.5)])
def test_shares_are_drawn_from_beta(alpha: float, deviation: float) -> None:
    drawn = beta(alpha, 20_000, random())
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.01)
    assert drawn.std().item() == pytest.approx(deviation, abs=0.01)
